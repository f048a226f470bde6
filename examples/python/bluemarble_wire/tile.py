"""Tiles (docs/terrain.md): the samples of a square of the ground, as a server sends them.

Read are codecs 0 (raw), 2 (wire) and 3 (archive, as far as it needs no other tile): what comes over the bulk stream
of a world that is served from a pack.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import xxhash
import zstandard

from .entropy import ResidualDecoder
from .reader import Malformed, Reader, legal

HEADER_BYTES = 40
RAW, WIRE, ARCHIVE = 0, 2, 3
ALONE = 0
LANES = 16
ERROR_BOUND_MAX = 16_383


@dataclass(frozen=True)
class HeightTile:
    """(N + 1)^2 samples, row by row; rows ascend with j."""

    cell: int
    intervals: int
    samples: tuple[int, ...]

    def name(self) -> int:
        """The name of the samples: the checksum of the raw tile of version 1 that they make."""
        payload = struct.pack(f"<{len(self.samples)}h", *self.samples)
        head = b"BMTL\1\0" + struct.pack(
            "<HQhhI", self.intervals, self.cell, min(self.samples), max(self.samples), len(payload)
        )
        return xxhash.xxh3_64_intdigest(head + payload)

    def sample(self, x: float, y: float) -> float:
        """The height in quanta, bilinear, at x and y intervals from the tile's corner."""
        i, j = (min(int(axis), self.intervals - 1) for axis in (x, y))
        side, fx, fy = self.intervals + 1, x - i, y - j
        low, high = (
            self.samples[row * side + i] * (1 - fx) + self.samples[row * side + i + 1] * fx for row in (j, j + 1)
        )
        return low * (1 - fy) + high * fy


def decode_tile(data: bytes) -> HeightTile:
    """Reads a tile of version 2."""
    reader = Reader(data)
    legal(reader.take(4) == b"BMTL", "it is no tile")
    version, codec, intervals, cell = reader.u8(), reader.u8(), reader.u16(), reader.u64()
    smallest, largest, payload_bytes, checksum = reader.signed(2), reader.signed(2), reader.u32(), reader.u64()
    _error, bound, map_bytes = reader.u16(), reader.u16(), reader.u32()
    legal(version == 2, "a tile of another version")
    legal(intervals in (8, 16, 32, 64, 128), "a tile has 8 to 128 intervals, a power of two")
    legal(bound <= ERROR_BOUND_MAX, "a tile's error bound is too large")
    legal(xxhash.xxh3_64_intdigest(data[:24] + data[32:]) == checksum, "a tile's checksum is another")
    payload, filled = reader.take(payload_bytes), reader.take(map_bytes)
    reader.end()
    count = (intervals + 1) ** 2
    if filled:
        unpack_zstd(filled, (count + 7) // 8)
    samples = decode_payload(codec, payload, intervals)
    if codec != RAW:
        samples = [clamp(q * (2 * bound + 1)) for q in samples]
    legal((min(samples), max(samples)) == (smallest, largest), "a tile's extremes are others")
    return HeightTile(cell, intervals, tuple(samples))


def decode_payload(codec: int, payload: bytes, intervals: int) -> list[int]:
    side = intervals + 1
    reader = Reader(payload)
    if codec == RAW:
        samples = [reader.signed(2) for _ in range(side * side)]
        reader.end()
        return samples
    if codec == ARCHIVE:
        legal(reader.u8() == ALONE, "a tile needs its parent")
    elif codec != WIRE:
        raise Malformed("a tile of a codec that is not read here")
    first = reader.signed(2)
    weights = [reader.signed(2) for _ in range(9)]
    if codec == WIRE:
        return Predicted(side, first, weights).fill(planes(reader.rest(), side * side - 1))
    scales, states, words = reader.take(15), [reader.u64() for _ in range(4)], reader.rest()
    return Predicted(side, first, weights).fill_from(ResidualDecoder(scales, states, words))


def planes(frame: bytes, count: int) -> Iterator[int]:
    """Residuals from their low bytes and then their high bytes, in zigzag."""
    data = unpack_zstd(frame, 2 * count)
    for low, high in zip(data[:count], data[count:], strict=True):
        folded = high << 8 | low
        yield folded >> 1 ^ -(folded & 1)


class Predicted:
    """A tile of which each sample is told by what it differs from its prediction."""

    def __init__(self, side: int, first: int, weights: list[int]) -> None:
        self.side = side
        self.weights = weights
        self.samples = [[0] * side for _ in range(side)]
        self.sizes = [[0] * side for _ in range(side)]
        self.samples[0][0] = first

    def fill(self, residuals: Iterator[int]) -> list[int]:
        """All samples, from residuals in their order."""
        for i in range(1, self.side):
            self._put(0, i, self.samples[0][i - 1], next(residuals))
        for _, j, i in in_strips(self.side):
            self._put(j, i, self._prediction(j, i), next(residuals))
        return [sample for row in self.samples for sample in row]

    def fill_from(self, coder: ResidualDecoder) -> list[int]:
        """All samples, from residuals whose distribution follows from those around."""
        for i in range(1, self.side):
            activity = 8 * self.sizes[0][i - 1] if i > 1 else 0
            self._put(0, i, self.samples[0][i - 1], coder.residual(i % 4, activity))
        for k, j, i in in_strips(self.side):
            self._put(j, i, self._prediction(j, i), coder.residual(k % 4, self._activity(j, i)))
        coder.end()
        return [sample for row in self.samples for sample in row]

    def _put(self, j: int, i: int, prediction: int, residual: int) -> None:
        self.samples[j][i] = wrap(prediction + residual, 16)
        self.sizes[j][i] = min(abs(wrap(residual, 16)), 4095)

    def _prediction(self, j: int, i: int) -> int:
        total = sum(w * n for w, n in zip(self.weights, around(self.samples, j, i), strict=True))
        return clamp(wrap(total + 512, 32) >> 10)

    def _activity(self, j: int, i: int) -> int:
        w, n, nw, ne, ww, nn, *_ = around(self.sizes, j, i)
        return 2 * w + 2 * n + nw + ne + ww + nn


def in_strips(side: int) -> Iterator[tuple[int, int, int]]:
    """Lane, row and column of all samples from row 1 on, in the order in which their residuals stand."""
    for first in range(1, side, LANES):
        lanes = min(LANES, side - first)
        for step in range(side + 2 * (lanes - 1)):
            for lane in range(lanes):
                if 0 <= (column := step - 2 * lane) < side:
                    yield lane, first + lane, column


def around(rows: list[list[int]], j: int, i: int) -> tuple[int, ...]:
    """W N NW NE WW NN NWW NNW NNE of the place (i, j)."""

    def at(row: int, column: int) -> int:
        row = max(row, 0)
        if column < 0:
            return rows[max(row - 1, 0)][0]
        return rows[row][min(column, len(rows) - 1)]

    return (
        at(j, i - 1),
        at(j - 1, i),
        at(j - 1, i - 1),
        at(j - 1, i + 1),
        at(j, i - 2),
        at(j - 2, i),
        at(j - 1, i - 2),
        at(j - 2, i - 1),
        at(j - 2, i + 1),
    )


def wrap(value: int, bits: int) -> int:
    """In two's complement of so many bits."""
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def clamp(value: int) -> int:
    """Cut to an i16."""
    return max(-32768, min(32767, value))


def unpack_zstd(frame: bytes, size: int) -> bytes:
    """One zstd frame that yields exactly so many bytes."""
    decoder = zstandard.ZstdDecompressor().decompressobj()
    try:
        data = decoder.decompress(frame)
    except zstandard.ZstdError as error:
        raise Malformed("a zstd frame is none") from error
    legal(len(data) == size and not decoder.unused_data, "a zstd frame yields other bytes")
    return data
