"""Makes s2_cells.bin: cell ids as the C++ S2 library answers them, through PyPI's s2geometry 0.14.

    python3 -m venv venv && venv/bin/pip install s2geometry==0.14.0 && venv/bin/python s2_cells.py

Layout, little-endian:
    leaves u32 · cells u32
    leaf   x, y, z f64 · leaf id u64
    cell   leaf id u64 · id u64 · first leaf u64 · last leaf u64 · children 4 x u64 (0 of a leaf) ·
           level u8 · token (u8 length, padded with zeros to 16 bytes)
"""

import itertools
import math
import os
import random
import struct

import s2geometry as s2

random.seed(20_214)
LEAVES, CELLS = 5_000, 1_000


def unit(x, y, z):
    n = math.sqrt(x * x + y * y + z * z)
    return (x / n, y / n, z / n)


def uniform():
    return unit(random.gauss(0, 1), random.gauss(0, 1), random.gauss(0, 1))


def st_to_uv(s):
    if s >= 0.5:
        return (1 / 3.0) * (4 * s * s - 1)
    return (1 / 3.0) * (1 - 4 * (1 - s) * (1 - s))


def on_face(face, u, v):
    return [(1, u, v), (-u, 1, v), (-u, -v, 1), (-1, -v, -u), (v, -1, -u), (v, u, -1)][face]


def nudged(w):
    return random.choice([w, math.nextafter(w, math.inf), math.nextafter(w, -math.inf)])


def face_tie():
    """Two components of equal magnitude, the third smaller, equal or a step beside."""
    a = random.random()
    third = random.choice([0.0, -0.0, a * random.random(), nudged(a)])
    p = [random.choice([a, -a]), random.choice([a, -a]), random.choice([third, -third])]
    random.shuffle(p)
    return random.choice([tuple(p), unit(*p)])


def lattice_line():
    """On a line between leaves, odd numbers included, at any level's spacing."""
    def coordinate():
        level = random.randint(1, 30)
        k = random.randint(0, 1 << level) if level < 4 else random.randrange(1, 1 << level, 2)
        return nudged(st_to_uv(k / (1 << level)))
    p = on_face(random.randrange(6), coordinate(), random.choice([coordinate(), random.uniform(-1, 1)]))
    return random.choice([p, unit(*p)])


def corner():
    c = [random.choice([1.0, -1.0]) for _ in range(3)]
    step = random.choice([0.0, 1e-16, 1e-15, 1e-12, 1e-9, 1e-6])
    p = [w + random.uniform(-step, step) for w in c]
    return random.choice([tuple(p), unit(*p)])


def pole():
    """Poles and the other face centres, exactly and nearly."""
    step = random.choice([0.0, 5e-324, 1e-300, 1e-17, 1e-12, 1e-9, 1e-6])
    p = [random.uniform(-step, step), random.uniform(-step, step), random.choice([1.0, -1.0])]
    random.shuffle(p)
    return tuple(p)


def antimeridian():
    z = random.uniform(-1, 1)
    y = random.choice([0.0, -0.0, 1e-300, -1e-16, 1e-9])
    return (-math.sqrt(1 - z * z), y, z)


def leaf_of(p):
    return s2.S2CellId(s2.S2Point_FromRaw(*map(float, p)))


points = list(itertools.product([1.0, -1.0, 0.0, -0.0], repeat=3))
points = [p for p in points if any(w != 0 for w in p)]
kinds = [uniform, uniform, face_tie, lattice_line, lattice_line, corner, pole, antimeridian]
while len(points) < LEAVES:
    points.append(kinds[len(points) % len(kinds)]())
leaves = [leaf_of(p) for p in points]

out = bytearray(struct.pack("<II", LEAVES, CELLS))
for p, leaf in zip(points, leaves):
    out += struct.pack("<dddQ", *p, leaf.id())
for n in range(CELLS):
    leaf = leaves[n * LEAVES // CELLS]
    level = n % 31
    cell = leaf.parent(level)
    assert cell.level() == level
    children = [0] * 4 if cell.is_leaf() else [cell.child(k).id() for k in range(4)]
    first, last = cell.range_min().id(), cell.range_max().id()
    out += struct.pack("<8QB", leaf.id(), cell.id(), first, last, *children, level)
    token = cell.ToToken().encode()
    out += struct.pack("<B16s", len(token), token)

target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "s2_cells.bin")
with open(target, "wb") as file:
    file.write(out)
print(len(out), "bytes")
