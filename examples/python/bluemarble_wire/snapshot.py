"""Snapshots (section 5): a datagram taken apart, and what it means against a complete set.

Taking apart needs only the columns. What a *member* is now needs the complete set that the datagram names as its
baseline, which a client may not have: so the two are separate steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from .bits import BitReader
from .columns import Codes, Columns, read_all
from .control import AXIS_MAX
from .reader import Malformed, Reader, legal

SNAPSHOT = 0x04
DATAGRAM_BYTES_MAX = 1162
EPOCH_TICKS = 8
EPOCHS_ALIVE = 4
ENTITIES_MAX = 8192
NO_BASELINE = 255
MOTION_MAX = (1 << 15) - 1
WIDTHS_XY = (0, 2, 3, 4, 6, 8, 11, 25)
WIDTHS_Z = (0, 2, 4, 25)
WIDTHS_ID = (5, 9, 16, 64)

Axes = tuple[int, int, int]
"""East, north and up of a frame's origin, 2^-7 m."""


class State(NamedTuple):
    """What all who see an entity know of it."""

    frame: int
    position: Axes
    heading: int
    """256 to the turn."""
    codes: tuple[Codes, ...]
    """Of each column for all."""


class Update(NamedTuple):
    """How a member differs from what its baseline says."""

    place: int
    off: Axes
    """From where it is predicted."""
    turn: int | None
    """To be added to the heading; None where `heading` says it."""
    heading: int
    codes: tuple[Codes | None, ...]
    """Of each column for all; None = as in the baseline."""


class Member(NamedTuple):
    """An entity of a complete set, and how it had moved since the set before it."""

    state: State
    motion: Axes
    motion_ticks: int
    """0 where it came whole: it is predicted to stay."""

    def predicted(self, ticks: int) -> Axes:
        """Where it is, so many ticks after its set, if it goes on like that."""
        if self.motion_ticks == 0:
            return self.state.position
        n = self.motion_ticks
        x, y, z = (at + (2 * d * ticks + n) // (2 * n) for at, d in zip(self.state.position, self.motion, strict=True))
        return x, y, z


@dataclass(frozen=True)
class Snapshot:
    """A datagram, taken apart."""

    tick: int
    baseline_epoch: int
    """0 = none: there is no epoch 0."""
    part: int
    parts: int
    last_input: int
    durable_ticks_ago: int
    members: tuple[Update, ...]
    whole: tuple[tuple[int, State], ...]
    bits: int
    """How many bits the updates and states took."""

    @property
    def epoch(self) -> int:
        """The epoch whose complete set this is a part of; 0 = of none."""
        return self.tick // EPOCH_TICKS if self.tick % EPOCH_TICKS == 0 else 0

    def resolve(self, baseline: CompleteSet | None) -> Iterator[tuple[int, Member]]:
        """What the entities are that it names: first the members of its baseline, if that is here, then whole ones."""
        if baseline is not None:
            for update in self.members:
                yield resolve_member(update, baseline, self.tick)
        for entity, state in self.whole:
            yield entity, Member(state, (0, 0, 0), 0)


@dataclass
class CompleteSet:
    """Everything that the player saw at an epoch."""

    epoch: int
    members: dict[int, Member]
    ids: list[int] = field(init=False)
    """In order: updates name members by their places in it."""

    def __post_init__(self) -> None:
        self.ids = sorted(self.members)


def resolve_member(update: Update, baseline: CompleteSet, tick: int) -> tuple[int, Member]:
    """What a member of a complete set is at a tick."""
    legal(update.place < len(baseline.ids), "an update is for a place that its baseline does not have")
    entity = baseline.ids[update.place]
    before = baseline.members[entity]
    ticks = tick - EPOCH_TICKS * baseline.epoch
    x, y, z = (at + off for at, off in zip(before.predicted(ticks), update.off, strict=True))
    legal(all(-AXIS_MAX - 1 <= axis <= AXIS_MAX for axis in (x, y, z)), "an update leads out of its frame")
    heading = update.heading if update.turn is None else (before.state.heading + update.turn) % 256
    codes = tuple(new or old for new, old in zip(update.codes, before.state.codes, strict=True))
    state = State(before.state.frame, (x, y, z), heading, codes)
    return entity, Member(state, *motion(before.state.position, state.position, ticks))


def motion(before: Axes, now: Axes, ticks: int) -> tuple[Axes, int]:
    """How far and in how many ticks it went; nowhere, if it went farther than is believed."""
    x, y, z = (b - a for a, b in zip(before, now, strict=True))
    if all(-MOTION_MAX - 1 <= axis <= MOTION_MAX for axis in (x, y, z)):
        return (x, y, z), ticks
    return (0, 0, 0), 0


def decode_snapshot(data: bytes, columns: Columns) -> Snapshot:
    """Takes a datagram of kind 0x04 apart."""
    legal(len(data) <= DATAGRAM_BYTES_MAX, "a datagram is too long")
    reader = Reader(data)
    reader.kind(SNAPSHOT)
    before, tick, part, parts = reader.u8(), reader.u64(), reader.u8(), reader.u8()
    last_input, durable_ago, members, whole = reader.u32(), reader.u16(), reader.u16(), reader.u16()
    legal(part < parts, "a part beyond the last")
    legal(before != NO_BASELINE or members == 0, "members without a baseline")
    bits = BitReader(reader.rest())
    snapshot = Snapshot(
        tick=tick,
        baseline_epoch=baseline_epoch(before, tick),
        part=part,
        parts=parts,
        last_input=last_input,
        durable_ticks_ago=durable_ago,
        members=tuple(read_members(bits, members, columns)),
        whole=tuple(read_whole(bits, whole, columns)),
        bits=bits.position,
    )
    bits.end()
    return snapshot


def baseline_epoch(before: int, tick: int) -> int:
    """The epoch that a datagram's second byte names; 0 = none."""
    if before == NO_BASELINE:
        return 0
    legal(before < EPOCHS_ALIVE, "a baseline is too old")
    legal(before > 0 or tick % EPOCH_TICKS != 0, "an epoch is its own baseline")
    epoch = tick // EPOCH_TICKS - before
    legal(epoch > 0, "a baseline before the first epoch")
    return epoch


def read_members(bits: BitReader, count: int, columns: Columns) -> Iterator[Update]:
    """So many times a gap and an update."""
    place = -1
    for _ in range(count):
        place += 1 + read_gap(bits)
        off_x, off_y = read_pair(bits, WIDTHS_XY[bits.unsigned(3)])
        off_z = bits.signed(WIDTHS_Z[bits.unsigned(2)])
        turn, heading = read_turn(bits)
        yield Update(place, (off_x, off_y, off_z), turn, heading, read_changes(bits, columns))


def read_pair(bits: BitReader, width: int) -> tuple[int, int]:
    return bits.signed(width), bits.signed(width)


def read_gap(bits: BitReader) -> int:
    """How many members are passed over."""
    if not bits.flag():
        return 0
    if not bits.flag():
        return bits.unsigned(2) + 1
    if not bits.flag():
        return bits.unsigned(5) + 5
    return bits.unsigned(13)


def read_turn(bits: BitReader) -> tuple[int | None, int]:
    """By how much the heading has changed, or None and the heading itself."""
    if not bits.flag():
        return 0, 0
    if not bits.flag():
        return bits.signed(4), 0
    return None, bits.unsigned(8)


def read_changes(bits: BitReader, columns: Columns) -> tuple[Codes | None, ...]:
    """The codes of the columns that have changed; None for one that has not."""
    if not columns.for_all or not bits.flag():
        return (None,) * len(columns.for_all)
    return tuple(column.read(bits) if bits.flag() else None for column in columns.for_all)


def read_whole(bits: BitReader, count: int, columns: Columns) -> Iterator[tuple[int, State]]:
    """So many times an id and a state."""
    entity = 0
    for _ in range(count):
        entity += 1 + bits.unsigned(WIDTHS_ID[bits.unsigned(2)])
        legal(entity < 1 << 64, "an id has at most 64 bits")
        frame = read_frame(bits)
        x, y, z = (bits.signed(23) for _ in range(3))
        yield entity, State(frame, (x, y, z), bits.unsigned(8), read_all(columns.for_all, bits))


def read_frame(bits: BitReader) -> int:
    """A frame id: how many zeros are below its lowest 1, and what is above that."""
    zeros = bits.unsigned(7)
    if zeros == 64:
        return 0
    if zeros > 64:
        raise Malformed("a frame id has at most 64 zeros")
    return (bits.unsigned(max(63 - zeros, 0)) << 1 | 1) << zeros
