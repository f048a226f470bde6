"""The bundled Earth's tiles, read from its pack as docs/terrain.md draws it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

EARTH = Path(__file__).resolve().parents[3] / "assets" / "earth-1024.pack"


def tiles() -> Iterator[tuple[int, int, bytes]]:
    """Cell, seal and bytes of every tile."""
    data = EARTH.read_bytes()
    magic, version, manifest, count, start, size = struct.unpack_from("<8sIIQQQ", data)
    assert magic == b"BMPACK\r\n" and version == 2 and size == len(data)
    table = 48 + (manifest + 7) // 8 * 8
    cells = struct.unpack_from(f"<{count}Q", data, table)
    seals = struct.unpack_from(f"<{count}I", data, table + 8 * count)
    lengths = struct.unpack_from(f"<{count}I", data, table + 18 * count)
    for cell, seal, length in zip(cells, seals, lengths, strict=True):
        start = (start + 63) // 64 * 64
        yield cell, seal, data[start : start + length]
        start += length
