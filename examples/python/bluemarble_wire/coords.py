"""From a frame and integers to latitude, longitude and altitude (docs/coords.md)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

Vector = tuple[float, float, float]

LEAF_LEVEL = 30
SWAP, INVERT = 1, 2
POS_TO_IJ = ((0, 1, 3, 2), (0, 2, 3, 1), (3, 2, 0, 1), (3, 1, 0, 2))
"""S2's Hilbert curve: for each orientation, which quarter (2 i + j) the curve visits at which step."""
POS_TO_TURN = (SWAP, 0, 0, SWAP | INVERT)
"""How the orientation changes in the quarter of each step."""


class Geodetic(NamedTuple):
    """A place as people write it. Altitude is above the datum, a sphere, not above the ground."""

    lat_deg: float
    lon_deg: float
    altitude_m: float

    def __str__(self) -> str:
        north, east = "N" if self.lat_deg >= 0 else "S", "E" if self.lon_deg >= 0 else "W"
        return f"{abs(self.lat_deg):.6f}°{north} {abs(self.lon_deg):.6f}°{east} {self.altitude_m:.1f} m"


class Frame(NamedTuple):
    """A tangent frame: where it is, and its axes."""

    origin: Vector
    east: Vector
    north: Vector
    up: Vector


def is_cell(frame_id: int) -> bool:
    """Whether a frame is on the ground; others are carriers, or nothing."""
    return frame_id != 0 and frame_id >> 61 <= 5 and (frame_id & -frame_id).bit_length() % 2 == 1


def place(frame_id: int, position: tuple[float, float, float], radius_m: float) -> Vector:
    """Planet-centred, planet-fixed metres of a position (metres) in a frame on the ground."""
    frame = frame_of(frame_id, radius_m)
    x, y, z = (
        o + position[0] * e + position[1] * n + position[2] * u
        for o, e, n, u in zip(frame.origin, frame.east, frame.north, frame.up, strict=True)
    )
    return x, y, z


def geodetic(at: Vector, radius_m: float) -> Geodetic:
    """Latitude and longitude on the sphere, and the height above it."""
    x, y, z = at
    level = math.hypot(x, y)
    return Geodetic(math.degrees(math.atan2(z, level)), math.degrees(math.atan2(y, x)), math.hypot(level, z) - radius_m)


@lru_cache(maxsize=4096)
def frame_of(frame_id: int, radius_m: float) -> Frame:
    """The frame that belongs to a cell: its origin lies on the datum at the cell's centre."""
    if not is_cell(frame_id):
        raise ValueError(f"frame {frame_id:#x} is not on the ground")
    up = centre(frame_id)
    level = math.hypot(up[0], up[1])
    east = (-up[1] / level, up[0] / level, 0.0)
    north = (-up[2] * east[1], up[2] * east[0], level)
    x, y, z = (radius_m * axis for axis in up)
    return Frame((x, y, z), east, north, up)


def centre(cell: int) -> Vector:
    """The direction of a cell's centre."""
    face, i, j, level = face_i_j_level(cell)
    u, v = (quadratic((2 * k + 1) / (2 << level)) for k in (i, j))
    return unit(cube_point(face, u, v))


def face_i_j_level(cell: int) -> tuple[int, int, int, int]:
    """Which face a cell is on, and where on the 2^level x 2^level cells of it."""
    face = cell >> 61
    level = LEAF_LEVEL - (cell & -cell).bit_length() // 2
    i = j = 0
    orientation = face & SWAP
    for step in range(level):
        position = cell >> (59 - 2 * step) & 3
        quarter = POS_TO_IJ[orientation][position]
        i, j = 2 * i + (quarter >> 1), 2 * j + (quarter & 1)
        orientation ^= POS_TO_TURN[position]
    return face, i, j, level


def cell_at(at: Vector, level: int) -> int:
    """The cell of a level that a place lies in, at whatever height."""
    face, s, t = face_s_t(at)
    i, j = (min(int(axis * (1 << level)), (1 << level) - 1) for axis in (s, t))
    cell, orientation = face, face & SWAP
    for step in reversed(range(level)):
        position = POS_TO_IJ[orientation].index((i >> step & 1) << 1 | (j >> step & 1))
        cell = cell << 2 | position
        orientation ^= POS_TO_TURN[position]
    return (cell << 1 | 1) << (60 - 2 * level)


def face_s_t(at: Vector) -> tuple[int, float, float]:
    """Which face a direction meets, and where on it."""
    x, y, z = at
    axis = 0 if abs(x) > max(abs(y), abs(z)) else 1 if abs(y) > abs(z) else 2
    u, v = ((y, z), (-x, z), (-x, -y))[axis] if at[axis] >= 0 else ((z, y), (z, -x), (-y, -x))[axis]
    return axis if at[axis] >= 0 else axis + 3, inverse(u / at[axis]), inverse(v / at[axis])


def inverse(u: float) -> float:
    """The inverse of the quadratic projection."""
    return 0.5 * math.sqrt(1 + 3 * u) if u >= 0 else 1 - 0.5 * math.sqrt(1 - 3 * u)


def quadratic(s: float) -> float:
    """S2's quadratic projection: s or t, 0 to 1 along a face, to u or v, -1 to 1."""
    return (4 * s * s - 1) / 3 if s >= 0.5 else (1 - 4 * (1 - s) * (1 - s)) / 3


def cube_point(face: int, u: float, v: float) -> Vector:
    """The point of the cube that u and v name on a face."""
    return (
        (1.0, u, v),
        (-u, 1.0, v),
        (-u, -v, 1.0),
        (-1.0, -v, -u),
        (v, -1.0, -u),
        (v, u, -1.0),
    )[face]


def unit(vector: Vector) -> Vector:
    length = math.sqrt(sum(axis * axis for axis in vector))
    x, y, z = (axis / length for axis in vector)
    return x, y, z
