"""What the makers of golden regions and polygons share: the tape that they write, places on the sphere, coverers.

A tape is little-endian words of 8 bytes, each an f64 or a u64; lists have their length before them.
"""

import math
import os
import random
import struct

import s2geometry as s2

HERE = os.path.dirname(os.path.abspath(__file__))
tape = bytearray()


def put(*values):
    for value in values:
        if isinstance(value, (list, tuple)):
            put(*value)
        elif isinstance(value, float):
            tape.extend(struct.pack("<d", value))
        else:
            tape.extend(struct.pack("<Q", int(value)))


def put_list(values):
    put(len(values))
    put(*values)


def save(name):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(tape)
    print(name, len(tape), "bytes")


def unit(p):
    n = math.sqrt(sum(w * w for w in p))
    return tuple(w / n for w in p)


def cross(a, b):
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def axes(center):
    aside = (1.0, 0.0, 0.0) if abs(center[0]) < 0.7 else (0.0, 1.0, 0.0)
    east = unit(cross(aside, center))
    return east, cross(center, east)


def at(center, angle, far):
    """So far from a place, radians."""
    east, north = axes(center)
    x, y = math.sin(far) * math.cos(angle), math.sin(far) * math.sin(angle)
    return unit([math.cos(far) * c + x * e + y * n for c, e, n in zip(center, east, north)])


def point(p):
    return s2.S2Point_FromRaw(*map(float, p))


def uniform():
    return unit([random.gauss(0, 1) for _ in range(3)])


def near(p, step):
    return unit([w + random.uniform(-step, step) for w in p])


def log_uniform(lo, hi):
    return math.exp(random.uniform(math.log(lo), math.log(hi)))


def ids(cells):
    return [cell.id() for cell in cells]


def finest_low(size):
    """The finest least level at which coverings of a region of a size (radians squared) are not too long."""
    return int(max(0, -math.log2(math.sqrt(size) + 1e-12)) + 2)


def coverer_of(low, high, modulus, count):
    coverer = s2.S2RegionCoverer()
    coverer.set_min_level(low), coverer.set_max_level(high)
    coverer.set_level_mod(modulus), coverer.set_max_cells(count)
    return coverer
