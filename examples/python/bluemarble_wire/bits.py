"""The stream of bits at the end of snapshots: one long little-endian integer, read from its lowest bit upwards."""

from __future__ import annotations

from .reader import Malformed


class BitReader:
    """Takes fields off the low end. `end` must be called last: only zeros up to a whole byte may be left."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def unsigned(self, width: int) -> int:
        """A field of so many bits: its lowest is the one at the lowest position."""
        end = self.position + width
        if end > 8 * len(self._data):
            raise Malformed("its bits end early")
        part = self._data[self.position // 8 : (end + 7) // 8]
        value = int.from_bytes(part, "little") >> (self.position % 8) & ((1 << width) - 1)
        self.position = end
        return value

    def signed(self, width: int) -> int:
        """The same in two's complement. A field of no bits is 0."""
        value = self.unsigned(width)
        return value - (1 << width) if width and value >> (width - 1) else value

    def flag(self) -> bool:
        """A single bit."""
        return self.unsigned(1) == 1

    def end(self) -> None:
        """Only zeros, and fewer than eight, may follow."""
        left = 8 * len(self._data) - self.position
        if left >= 8:
            raise Malformed("its bits go on after their end")
        if self.unsigned(left) != 0:
            raise Malformed("the bits after its end are not zeros")
