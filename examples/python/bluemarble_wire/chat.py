"""Chat (section 10): what players say to each other, on streams of one direction."""

from __future__ import annotations

from dataclasses import dataclass

from .reader import TEXT_BYTES_MAX, Reader, clean_text

NEAR = 0
"""The channel to those near; others are the game's."""


@dataclass(frozen=True)
class Say:
    """What a player says."""

    channel: int
    text: str

    def encode(self) -> bytes:
        """As it is sent."""
        data = self.text.encode()
        assert len(data) <= TEXT_BYTES_MAX
        clean_text(data)
        return bytes((0x01, self.channel, len(data))) + data


def decode_say(data: bytes) -> Say:
    """Reads what a player says, as a server would."""
    reader = Reader(data)
    reader.kind(0x01)
    say = Say(reader.u8(), reader.text())
    reader.end()
    return say


@dataclass(frozen=True)
class Said:
    """What somebody has said. It need not be in view."""

    entity: int
    name: str
    channel: int
    text: str


def decode_said(data: bytes) -> Said:
    reader = Reader(data)
    reader.kind(0x81)
    said = Said(reader.u64(), reader.text(), reader.u8(), reader.text())
    reader.end()
    return said
