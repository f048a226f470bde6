"""What the C++ S2 library answers about cells, through PyPI's s2geometry 0.14.

    python3 -m venv venv && venv/bin/pip install s2geometry==0.14.0 zstandard
    venv/bin/python s2_cells.py                      makes s2_cells.bin.zst, which `make test` compares with
    venv/bin/python s2_cells.py --stream SEED COUNT  writes so many records to standard output, for `make test-full`

A record, little-endian u64 each:
    x, y, z (bits of f64) · leaf · cell · first leaf · last leaf · fold of its four children (0 of a leaf) ·
    4 edge neighbours · fold of its vertex neighbours at the level above (0 of a face) ·
    fold of all neighbours at its level · fold of all neighbours two levels finer (or at level 30) ·
    x, y, z of its centre (bits) · token, the text as a big-endian number of 16 bytes (two words)
The cell is the leaf's ancestor at level (number of the record) modulo 31. A fold is h = 0, then for each id
h = (rotate h left by 5) xor id, times 0x9e3779b97f4a7c15, modulo 2^64: order and repetitions count.

The committed file has the first FULL records whole, and of the rest the vector and a fold of the other words:
    count u32 · whole u32 · whole records · x, y, z, fold of the others
"""

import itertools
import math
import os
import random
import struct
import sys

import s2geometry as s2

COUNT, FULL = 100_000, 3_000
MASK = (1 << 64) - 1


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


def edge():
    """A few leaves from an edge of the cube, or on it."""
    step = random.choice([0.0, 1e-16, 1e-12, 1e-9, 3e-9, 1e-8, 1e-4])
    p = [1.0, 1.0 - step, random.uniform(-1, 1)]
    p = [w * random.choice([1.0, -1.0]) for w in p]
    random.shuffle(p)
    return random.choice([tuple(p), unit(*p)])


def corner():
    c = [random.choice([1.0, -1.0]) for _ in range(3)]
    step = random.choice([0.0, 1e-16, 1e-15, 1e-12, 1e-9, 1e-8, 1e-6])
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


KINDS = [uniform, uniform, uniform, face_tie, lattice_line, lattice_line, edge, corner, pole, antimeridian]


def fold(ids):
    h = 0
    for n in ids:
        h = ((((h << 5) | (h >> 59)) & MASK) ^ n) * 0x9E3779B97F4A7C15 & MASK
    return h


def ids(cells):
    return [cell.id() for cell in cells]


def bits(vector):
    return list(struct.unpack("<3Q", struct.pack("<3d", *vector)))


def record(n, p):
    leaf = s2.S2CellId(s2.S2Point_FromRaw(*map(float, p)))
    level = n % 31
    cell = leaf.parent(level)
    assert cell.level() == level
    children = [] if cell.is_leaf() else [cell.child(k).id() for k in range(4)]
    vertex = ids(cell.GetVertexNeighbors(level - 1)) if level else []
    token = cell.ToToken().encode().rjust(16, b"\0")
    return (
        bits(p)
        + [leaf.id(), cell.id(), cell.range_min().id(), cell.range_max().id(), fold(children)]
        + ids(cell.GetEdgeNeighbors())
        + [fold(vertex), fold(ids(cell.GetAllNeighbors(level)))]
        + [fold(ids(cell.GetAllNeighbors(min(level + 2, 30))))]
        + bits(s2.S2Point_ToRaw(cell.ToPoint()))
        + list(struct.unpack(">2Q", token))
    )


def records(seed, count):
    """Starts with all vectors of 1, -1, 0 and -0."""
    random.seed(seed)
    signs = itertools.product([1.0, -1.0, 0.0, -0.0], repeat=3)
    points = [p for p in signs if any(w != 0 for w in p)]
    for n in range(count):
        yield record(n, points[n] if n < len(points) else KINDS[n % len(KINDS)]())


def packed(words):
    return struct.pack(f"<{len(words)}Q", *words)


def stream(seed, count):
    for words in records(seed, count):
        sys.stdout.buffer.write(packed(words))


def golden():
    import zstandard

    out = bytearray(struct.pack("<II", COUNT, FULL))
    for n, words in enumerate(records(20_214, COUNT)):
        out += packed(words if n < FULL else words[:3] + [fold(words[3:])])
    target = os.path.join(os.path.dirname(os.path.abspath(__file__)), "s2_cells.bin.zst")
    with open(target, "wb") as file:
        file.write(zstandard.ZstdCompressor(level=19).compress(bytes(out)))
    print(os.path.getsize(target), "bytes")


if sys.argv[1:2] == ["--stream"]:
    stream(int(sys.argv[2]), int(sys.argv[3]))
else:
    golden()
