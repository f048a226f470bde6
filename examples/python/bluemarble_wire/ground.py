"""Ground (section 9): what the bulk stream says. The samples of a tile are the terrain document's business."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

import xxhash

from .coords import is_cell
from .reader import Malformed, Reader, legal

TILE_ASKS_MAX = 16
TILE_BYTES_MAX = 40960
TILE_PACKING_MAX = 64


@dataclass(frozen=True)
class Ground:
    """What terrain a server has."""

    planet: int
    levels: int
    intervals: int
    offset: float
    quantum: float

    def lattice(self) -> int:
        """The fingerprint that a welcome has of this lattice."""
        return xxhash.xxh3_64_intdigest(struct.pack("<BHdd", self.levels, self.intervals, self.offset, self.quantum))


class Verdict(IntEnum):
    """What an answer says of a tile."""

    NONE = 0
    UNCHANGED = 1
    LATER = 2
    PLAIN = 3
    PACKED = 4


@dataclass(frozen=True)
class Tile:
    """An answer."""

    cell: int
    verdict: Verdict
    wait_ms: int = 0
    data: bytes = b""
    """The bytes of a tile, unpacked."""


@dataclass(frozen=True)
class Ask:
    """A tile that is wanted."""

    cell: int
    name: int = 0
    """Of the samples that are here already; 0 = none."""


GROUND_REQUEST = b"\x01"


def encode_tiles_request(asks: tuple[Ask, ...]) -> bytes:
    """Asks for some tiles."""
    assert 1 <= len(asks) <= TILE_ASKS_MAX
    words = (ask.cell.to_bytes(8, "little") + ask.name.to_bytes(8, "little") for ask in asks)
    return b"\x02" + bytes((len(asks),)) + b"".join(words)


def decode_request(data: bytes) -> tuple[Ask, ...] | None:
    """Reads a request, as a server would; None = the question for the ground."""
    reader = Reader(data)
    kind = reader.u8()
    if kind == 0x01:
        reader.end()
        return None
    legal(kind == 0x02, "a request is of an unknown kind")
    count = reader.u8()
    legal(1 <= count <= TILE_ASKS_MAX, "a request has 1 to 16 tiles")
    asks = tuple(Ask(reader.u64(), reader.u64()) for _ in range(count))
    reader.end()
    legal(all(is_cell(ask.cell) for ask in asks), "a tile's cell is none")
    return asks


def decode_answer(data: bytes) -> Ground | Tile:
    """Reads what a server says on the bulk stream."""
    reader = Reader(data)
    kind = reader.u8()
    if kind == 0x81:
        return read_ground(reader)
    if kind == 0x82:
        return read_tile(reader)
    raise Malformed("an answer is of an unknown kind")


def read_ground(reader: Reader) -> Ground:
    ground = Ground(reader.u64(), reader.u8(), reader.u16(), reader.double(), reader.double())
    reader.end()
    legal(1 <= ground.levels <= 18, "a lattice has 1 to 18 levels")
    legal(ground.intervals in (8, 16, 32, 64, 128), "a lattice has 8 to 128 intervals, a power of two")
    legal(-1e6 <= ground.offset <= 1e6 and 0.001 <= ground.quantum <= 100, "a lattice's metres are out of range")
    return ground


def read_tile(reader: Reader) -> Tile:
    cell, verdict = reader.u64(), reader.u8()
    legal(is_cell(cell), "a tile's cell is none")
    legal(verdict in list(Verdict), "a tile is neither here nor there")
    match Verdict(verdict):
        case Verdict.LATER:
            tile = Tile(cell, Verdict.LATER, wait_ms=reader.u16())
        case Verdict.PLAIN:
            tile = Tile(cell, Verdict.PLAIN, data=reader.rest())
            legal(1 <= len(tile.data) <= TILE_BYTES_MAX, "a tile has 1 to 40,960 bytes")
        case Verdict.PACKED:
            size, block = reader.u16(), reader.rest()
            legal(1 <= size <= TILE_PACKING_MAX * len(block), "a tile is packed too well")
            legal(size <= TILE_BYTES_MAX, "a tile has 1 to 40,960 bytes")
            tile = Tile(cell, Verdict.PACKED, data=unpack_lz4(block, size))
        case other:
            tile = Tile(cell, other)
    reader.end()
    return tile


def unpack_lz4(block: bytes, size: int) -> bytes:
    """A block of LZ4 (its format, not its frames) that yields exactly `size` bytes.

    Sequence after sequence: a token (literals, match), literals, the match's distance; nothing after the last literals.
    """
    reader, out = Reader(block), bytearray()
    while True:
        token = reader.u8()
        out += reader.take(lz4_length(reader, token >> 4))
        if reader.is_empty:
            break
        distance, length = reader.u16(), lz4_length(reader, token & 15) + 4
        legal(1 <= distance <= len(out) and len(out) + length <= size, "a match of a packed tile leads out of it")
        for _ in range(length):
            out.append(out[-distance])
    legal(len(out) == size, "a packed tile has another length")
    return bytes(out)


def lz4_length(reader: Reader, length: int) -> int:
    """Four bits, and where they are all set as many bytes as are 255, and one more."""
    if length == 15:
        more = 255
        while more == 255:
            more = reader.u8()
            length += more
    return length
