"""Inputs, own states and own values (section 4): what a player asks for, and what only the player is told."""

from __future__ import annotations

from dataclasses import dataclass

import xxhash

from .bits import BitReader
from .columns import Codes, Columns, read_all
from .reader import Reader, legal

INPUT, OWN_STATE, OWN_VALUES = 0x01, 0x03, 0x05
INPUTS_MAX = 16
INPUTS_REPEATED = 4
NOTHING_SHOWN = 65535


@dataclass(frozen=True)
class Wish:
    """What a player asks for in one tick: velocity in 2^-8 m/s; heading, 65,536 to the turn, clockwise from north."""

    east: int = 0
    north: int = 0
    up: int = 0
    heading: int = 0
    buttons: int = 0

    def encode(self) -> bytes:
        velocity = (axis.to_bytes(2, "little", signed=True) for axis in (self.east, self.north, self.up))
        return b"".join(velocity) + self.heading.to_bytes(2, "little") + self.buttons.to_bytes(2, "little")


@dataclass(frozen=True)
class Inputs:
    """One datagram of inputs with all that goes along with them."""

    acknowledged_epoch: int
    seen_tick: int
    """The low half of a tick; 0 = none."""
    shown_behind: int
    """2^-8 ticks."""
    predicted_from: int
    """Hash of a state, 0 = it was not predicted."""
    first: int
    wishes: tuple[Wish, ...]

    def encode(self) -> bytes:
        """As it is sent."""
        assert self.first != 0 and 1 <= len(self.wishes) <= INPUTS_MAX
        return b"".join(
            (
                bytes((INPUT,)),
                self.acknowledged_epoch.to_bytes(4, "little"),
                self.seen_tick.to_bytes(4, "little"),
                self.shown_behind.to_bytes(2, "little"),
                self.predicted_from.to_bytes(4, "little"),
                self.first.to_bytes(4, "little"),
                bytes((len(self.wishes),)),
                *(wish.encode() for wish in self.wishes),
            )
        )


def decode_inputs(data: bytes) -> Inputs:
    """Reads inputs, as a server would."""
    reader = Reader(data)
    reader.kind(INPUT)
    epoch, seen, shown, hashed = reader.u32(), reader.u32(), reader.u16(), reader.u32()
    first, count = reader.u32(), reader.u8()
    legal(first != 0, "inputs are numbered from 1")
    legal(1 <= count <= INPUTS_MAX, "a datagram has 1 to 16 inputs")
    wishes = tuple(
        Wish(reader.signed(2), reader.signed(2), reader.signed(2), reader.u16(), reader.u16()) for _ in range(count)
    )
    reader.end()
    return Inputs(epoch, seen, shown, hashed, first, wishes)


class Asked:
    """The inputs of a session that may have to be sent again."""

    def __init__(self) -> None:
        self._wishes: list[Wish] = []
        self._first = 1
        self.acknowledged = 0

    @property
    def last(self) -> int:
        """Number of the newest input, 0 before the first."""
        return self._first + len(self._wishes) - 1

    def ask(self, wish: Wish) -> None:
        """Makes the input of the next tick."""
        self._wishes.append(wish)
        surplus = len(self._wishes) - INPUTS_MAX
        if surplus > 0:
            del self._wishes[:surplus]
            self._first += surplus

    def due(self) -> tuple[int, tuple[Wish, ...]]:
        """Number of the first, and all, that go into the next datagram: what is not acknowledged, but at least four."""
        count = max(self.last - self.acknowledged, INPUTS_REPEATED)
        wishes = tuple(self._wishes[-count:])
        return self.last - len(wishes) + 1, wishes


@dataclass(frozen=True)
class OwnState:
    """The exact state of the player's entity before a tick. Axes are in 2^-16 m and 2^-16 m/s."""

    tick: int
    last_input: int
    tile_name_low: int
    frame: int
    position: tuple[int, int, int]
    velocity: tuple[int, int, int]
    gait: int
    """0 walks, 1 falls, 2 swims."""

    def state_hash(self) -> int:
        """What an input says that was predicted from this state."""
        axes = b"".join(axis.to_bytes(4, "little", signed=True) for axis in self.position + self.velocity)
        hashed = xxhash.xxh3_64_intdigest(self.frame.to_bytes(8, "little") + axes + bytes((self.gait,)))
        return hashed & 0xFFFF_FFFF or 1


def decode_own_state(data: bytes) -> OwnState:
    """Reads a datagram of kind 0x03."""
    reader = Reader(data)
    reader.kind(OWN_STATE)
    tick, last_input, tile, frame = reader.u64(), reader.u32(), reader.u32(), reader.u64()
    x, y, z, east, north, up = (reader.signed(4) for _ in range(6))
    gait = reader.u8()
    reader.end()
    legal(gait <= 2, "an unknown way of moving")
    return OwnState(tick, last_input, tile, frame, (x, y, z), (east, north, up), gait)


@dataclass(frozen=True)
class OwnValues:
    """The codes of all columns for owners, column by column."""

    tick: int
    codes: tuple[Codes, ...]


def decode_own_values(data: bytes, columns: Columns) -> OwnValues:
    """Reads a datagram of kind 0x05."""
    reader = Reader(data)
    reader.kind(OWN_VALUES)
    tick, bits = reader.u64(), BitReader(reader.rest())
    values = OwnValues(tick, read_all(columns.for_owner, bits))
    bits.end()
    return values
