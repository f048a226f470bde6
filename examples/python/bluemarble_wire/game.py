"""What a game and its player say to each other beside moving (section 3): commands, answers, events."""

from __future__ import annotations

from dataclasses import dataclass

from .reader import Reader, legal

COMMAND_BYTES_MAX = 1000
EVENT_BYTES_MAX = 4096

OUTCOMES = {
    0: "done",
    1: "there is no such command",
    2: "too many commands",
    3: "the server has no time",
    4: "its body means nothing",
}


@dataclass(frozen=True)
class Command:
    """Something that a player asks of the game."""

    operation: int
    """What the client calls it, until it is answered."""
    kind: int
    body: bytes

    def encode(self) -> bytes:
        """As it is sent."""
        assert self.operation != 0 and len(self.body) <= COMMAND_BYTES_MAX
        return b"\x03" + self.operation.to_bytes(8, "little") + self.kind.to_bytes(2, "little") + self.body


def decode_command(data: bytes) -> Command:
    """Reads a command, as a server would."""
    reader = Reader(data)
    reader.kind(0x03)
    command = Command(reader.u64(), reader.u16(), reader.rest())
    legal(command.operation != 0, "a command has no operation")
    legal(len(command.body) <= COMMAND_BYTES_MAX, "a command is too long")
    return command


@dataclass(frozen=True)
class Answer:
    """What became of a command."""

    operation: int
    tick: int
    """0 if the game has not seen it."""
    code: int
    """0 done; those from 256 on are the game's."""
    body: bytes

    def __str__(self) -> str:
        return f"command {self.operation}: {OUTCOMES.get(self.code, f'code {self.code}')}, tick {self.tick}"


def decode_answer(data: bytes) -> Answer:
    reader = Reader(data)
    reader.kind(0x89)
    answer = Answer(reader.u64(), reader.u64(), reader.u16(), reader.rest())
    legal(len(answer.body) <= EVENT_BYTES_MAX, "an answer is too long")
    return answer


@dataclass(frozen=True)
class Event:
    """What the game tells the player."""

    tick: int
    kind: int
    body: bytes


def decode_event(data: bytes) -> Event:
    reader = Reader(data)
    reader.kind(0x8A)
    event = Event(reader.u64(), reader.u16(), reader.rest())
    legal(len(event.body) <= EVENT_BYTES_MAX, "an event is too long")
    return event
