"""The entropy coder of archive tiles (docs/terrain.md): four range coders that share their words, and fixed shapes."""

from __future__ import annotations

import math
from functools import lru_cache

from .reader import Reader, legal

ONE = 1 << 32
SLOTS = 4096
TOKEN_MAX = 62
ESCAPE = 2 * TOKEN_MAX + 1
SCALE_MAX = 67
SHAPES_R = (78_665_070, 148_652_826, 253_857_248, 398_132_550)


class ResidualDecoder:
    """Residuals, each with the distribution that the activity around it suggests."""

    def __init__(self, scales: bytes, states: list[int], words: bytes) -> None:
        legal(all(state >= ONE for state in states), "a coder begins below its range")
        self._nibbles = [nibble for byte in scales for nibble in (byte & 15, byte >> 4)]
        self._states = states
        self._words = Reader(words)

    def residual(self, coder: int, activity: int) -> int:
        """The next residual that one of the four coders has."""
        c = context(activity)
        scale = min(max(0, 2 * c + self._nibbles[c] - 9), SCALE_MAX)
        shape, bare = (scale, 0) if scale < 24 else (20 + scale % 4, scale // 4 - 5)
        symbol = self._symbol(coder, shape)
        if symbol == ESCAPE:
            return self._bare(coder, 16)
        return ((symbol - TOKEN_MAX) << bare | self._bare(coder, bare)) - (1 << bare >> 1)

    def _symbol(self, coder: int, shape: int) -> int:
        slots, starts, sizes = shape_of(shape)
        x = self._states[coder]
        slot = x % SLOTS
        symbol = slots[slot]
        self._states[coder] = sizes[symbol] * (x // SLOTS) + slot - starts[symbol]
        return symbol

    def _bare(self, coder: int, bits: int) -> int:
        """The lowest bits of a coder as they are; then it fills up."""
        x = self._states[coder]
        value, x = x & (1 << bits) - 1, x >> bits
        if x < ONE:
            x = x * ONE + self._words.u32()
        self._states[coder] = x
        return value

    def end(self) -> None:
        """All coders must be where they began when this was written."""
        self._words.end()
        legal(all(state == ONE for state in self._states), "a coder ends elsewhere")


def context(activity: int) -> int:
    """Half octaves of an activity."""
    if activity < 2:
        return activity
    octave = activity.bit_length() - 1
    return 2 * octave + (activity >> (octave - 1) & 1)


@lru_cache(maxsize=24)
def shape_of(shape: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The symbol of each slot; of each symbol its first slot and how many it has."""
    sizes = [0] * (ESCAPE + 1)
    tails = tails_of(r_of(shape))
    for k in range(1, TOKEN_MAX + 1):
        size = ((tails[k] - tails[k + 1]) * 4094 + ONE // 2) // ONE
        sizes[TOKEN_MAX + k] = sizes[TOKEN_MAX - k] = size
    sizes[ESCAPE] = 2 * ((tails[TOKEN_MAX + 1] * 4094 + ONE // 2) // ONE) + 1
    sizes[TOKEN_MAX] = SLOTS - sum(sizes)
    starts = [sum(sizes[:symbol]) for symbol in range(len(sizes))]
    slots = [symbol for symbol, size in enumerate(sizes) for _ in range(size)]
    return tuple(slots), tuple(starts), tuple(sizes)


def r_of(shape: int) -> int:
    """What a shape's tail shrinks by, in 2^-32."""
    return SHAPES_R[shape] if shape < 4 else math.isqrt(r_of(shape - 4) * ONE)


def tails_of(r: int) -> list[int]:
    """T of the index: the part of all that lies beyond a token."""
    y, square, tails = r, r * r // ONE, [0]
    for _ in range(TOKEN_MAX + 1):
        tails.append(y * ONE // (ONE + y))
        y = y * square // ONE
    return tails
