"""Columns (section 3): what a world tells of its entities besides place and heading, and what the codes mean."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from .bits import BitReader
from .reader import Malformed, Reader, legal

COLUMNS_MAX = 64
LANES_SENT_MAX = 64
COLUMN_BITS_MAX = 448

KINDS = {1: "point", 2: "vector", 3: "rotation", 4: "angle", 5: "scalar", 6: "raw"}
TYPES = {1: "i8", 2: "i16", 3: "i32", 4: "i64", 5: "u8", 6: "u16", 7: "u32", 8: "u64", 9: "f32", 10: "f64"}
LANE_TYPES = {
    "point": {"i32", "f32", "f64"},
    "vector": {"i8", "i16", "i32", "f32", "f64"},
    "rotation": {"i16", "f32", "f64"},
    "angle": {"u16"},
}
LANE_COUNTS = {"point": {3}, "vector": {2, 3}, "rotation": {4}}

Codes = tuple[int, ...]
"""One code for each lane of a list of columns."""


@dataclass(frozen=True)
class Lane:
    """One number of a column."""

    name: str
    type: str
    code_bits: int
    """0 = all bits of the type, as they are."""
    least: float = 0.0
    greatest: float = 0.0
    quantum: float = 0.0

    @property
    def bits(self) -> int:
        """How many bits a code has on the wire."""
        return self.code_bits or type_bits(self.type)

    @property
    def last(self) -> int:
        """The code of the greatest value."""
        return math.floor((self.greatest - self.least) / self.quantum + 0.5)

    def value(self, code: int) -> int | float:
        """What a code stands for."""
        if self.code_bits == 0:
            return as_it_is(self.type, code)
        value = min(self.least + min(code, self.last) * self.quantum, self.greatest)
        if self.type == "f64":
            return value
        if self.type == "f32":
            return float(struct.unpack("<f", struct.pack("<f", value))[0])
        return round(value)


@dataclass(frozen=True)
class Column:
    """One component's values: some lanes."""

    name: str
    kind: str
    version: int
    for_owner: bool
    """Only the player whose entity it is gets to know it."""
    rate_hz: int
    """How often a second the values are looked at, at most; 0 = always."""
    priority: int
    lanes: tuple[Lane, ...]

    def read(self, bits: BitReader) -> Codes:
        """A code for each lane."""
        return tuple(bits.unsigned(lane.bits) for lane in self.lanes)


@dataclass(frozen=True)
class Columns:
    """All that a world tells."""

    for_all: tuple[Column, ...] = ()
    for_owner: tuple[Column, ...] = ()


NO_COLUMNS = Columns()


def read_all(columns: tuple[Column, ...], bits: BitReader) -> tuple[Codes, ...]:
    """The codes of all lanes of these columns, column by column."""
    return tuple(column.read(bits) for column in columns)


def type_bits(name: str) -> int:
    """Bits of a lane's type."""
    return int(name[1:])


def as_it_is(name: str, code: int) -> int | float:
    """The value whose bits are the code."""
    width = type_bits(name)
    if name[0] == "f":
        return float(struct.unpack("<f" if width == 32 else "<d", code.to_bytes(width // 8, "little"))[0])
    if name[0] == "i" and code >> (width - 1):
        return code - (1 << width)
    return code


def decode_columns(data: bytes) -> Columns:
    """Reads the message of kind 0x87."""
    reader = Reader(data)
    reader.kind(0x87)
    count = reader.u8()
    legal(count <= COLUMNS_MAX, "too many columns")
    columns = [read_column(reader) for _ in range(count)]
    reader.end()
    legal(are_different(column.name for column in columns), "two columns have one name")
    owners = [column.for_owner for column in columns]
    legal(owners == sorted(owners), "columns for all come first")
    sides = Columns(
        tuple(column for column in columns if not column.for_owner),
        tuple(column for column in columns if column.for_owner),
    )
    for side in (sides.for_all, sides.for_owner):
        lanes = [lane for column in side for lane in column.lanes]
        legal(len(lanes) <= LANES_SENT_MAX, "too many lanes")
        legal(sum(lane.bits for lane in lanes) <= COLUMN_BITS_MAX, "the codes of an entity take too many bits")
    return sides


def read_column(reader: Reader) -> Column:
    name, kind, version = reader.name(), reader.u8(), reader.u16()
    audience, rate_hz, priority, lanes = reader.u8(), reader.u16(), reader.u8(), reader.u8()
    legal(kind in KINDS, "an unknown kind of column")
    legal(audience in (1, 2), "a column is for all or for the owner")
    legal(priority != 0, "a column has no priority")
    legal(1 <= lanes <= 32, "a column has 1 to 32 lanes")
    read = tuple(read_lane(reader) for _ in range(lanes))
    legal(are_different(lane.name for lane in read), "two lanes of a column have one name")
    legal(fits(KINDS[kind], [lane.type for lane in read]), "a column of this kind has other lanes")
    return Column(name, KINDS[kind], version, audience == 2, rate_hz, priority, read)


def read_lane(reader: Reader) -> Lane:
    name, type_code, code_bits = reader.name(), reader.u8(), reader.u8()
    legal(type_code in TYPES, "an unknown type of lane")
    legal(code_bits <= 52, "a code has at most 52 bits")
    type_name = TYPES[type_code]
    if code_bits == 0:
        return Lane(name, type_name, 0)
    legal(type_name[0] == "f" or code_bits <= type_bits(type_name), "a code has more bits than its type")
    least, greatest, quantum = (decimal(reader.name()) for _ in range(3))
    lane = Lane(name, type_name, code_bits, least, greatest, quantum)
    legal(is_sound(lane), "a lane's least, greatest and quantum do not fit it")
    return lane


def is_sound(lane: Lane) -> bool:
    """Whether a lane's codes stand for some values of its type."""
    lowest, highest = type_range(lane.type)
    numbers = (lane.least, lane.greatest, lane.quantum)
    return (
        lowest <= lane.least < lane.greatest <= highest
        and lane.quantum > 0
        and (lane.type[0] == "f" or all(number.is_integer() for number in numbers))
        and math.isfinite((lane.greatest - lane.least) / lane.quantum)
        and 1 <= lane.last < 1 << lane.code_bits
    )


def type_range(name: str) -> tuple[float, float]:
    """Least and greatest value of a lane's type; of 64-bit integers those that are whole numbers as a double, too."""
    width = min(type_bits(name), 53)
    if name == "f64":
        return -sys.float_info.max, sys.float_info.max
    if name == "f32":
        greatest = math.ldexp(2 - 2**-23, 127)
        return -greatest, greatest
    if width == 53:
        return (0.0 if name[0] == "u" else -(2.0**53)), 2.0**53
    return (0.0, 2.0**width - 1) if name[0] == "u" else (-(2.0 ** (width - 1)), 2.0 ** (width - 1) - 1)


def fits(kind: str, types: list[str]) -> bool:
    """Whether a column of a kind may have lanes of these types."""
    if kind not in LANE_TYPES:
        return True
    if kind == "point" and len(types) == 4 and types[0] == "u64":
        types = types[1:]  # the frame
    is_count = len(types) in LANE_COUNTS.get(kind, {len(types)})
    return is_count and len(set(types)) == 1 and types[0] in LANE_TYPES[kind]


def are_different(names: Iterable[str]) -> bool:
    """Whether no name is there twice."""
    seen = list(names)
    return len(set(seen)) == len(seen)


def decimal(text: str) -> float:
    """A finite number, written in the one way that there is."""
    try:
        value = float(text)
    except ValueError as error:
        raise Malformed("a number is none") from error
    if not math.isfinite(value) or scientific(value) != text:
        raise Malformed("a number is not written as it should be")
    return value


def scientific(value: float) -> str:
    """The fewest digits that read back to the same double, one of them before the point: 1.25e-1."""
    mantissa, _, exponent = repr(value).partition("e")
    sign, mantissa = ("-", mantissa[1:]) if mantissa[0] == "-" else ("", mantissa)
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0")
    power = int(exponent or 0) + (len(whole) - 1) - (len(whole + part) - len(digits))
    digits = digits.rstrip("0")
    if not digits:
        return f"{sign}0e0"
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{power}"
