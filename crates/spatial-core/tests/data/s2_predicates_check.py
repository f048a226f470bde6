"""Checks s2_predicates.bin with exact fractions, and makes exact_signs.bin with them: signs of determinants of vectors
that are nearly coplanar or nearly axes, which no float arithmetic gets right.

    python3 s2_predicates_check.py

Layout of exact_signs.bin, little-endian: nine f64 (three vectors) · sign of their determinant i8.
"""

import math
import os
import random
import struct
from fractions import Fraction

folder = os.path.dirname(os.path.abspath(__file__))


def determinant(a, b, c):
    a, b, c = ([Fraction(w) for w in v] for v in (a, b, c))
    return (a[0] * (b[1] * c[2] - b[2] * c[1])
            + a[1] * (b[2] * c[0] - b[0] * c[2])
            + a[2] * (b[0] * c[1] - b[1] * c[0]))


def sign(w):
    return (w > 0) - (w < 0)


with open(os.path.join(folder, "s2_predicates.bin"), "rb") as file:
    golden = file.read()
points, triples, _, comparisons = struct.unpack_from("<4I", golden)
at = 16
point = [struct.unpack_from("<3d", golden, at + 24 * n) for n in range(points)]
at += 24 * points
zeros = 0
for n in range(triples):
    a, b, c, got = struct.unpack_from("<3Hb", golden, at + 7 * n)
    want = sign(determinant(point[a], point[b], point[c]))
    zeros += want == 0
    assert got == want if want else got in (-1, 1), (n, got, want)
print(triples, "triples,", zeros, "of them exactly coplanar")


def unit(v):
    n = math.sqrt(sum(w * w for w in v))
    return [w / n for w in v]


def nudged(w):
    for _ in range(random.randint(0, 2)):
        w = math.nextafter(w, random.choice([math.inf, -math.inf]))
    return w


random.seed(20_214)
out = bytearray()
tiny = [5e-324, 1e-310, 2.5e-308, 1e-300, 1e-200, 1e-160, 1e-100, 1e-30]
for n in range(400):
    if n % 2 == 0:
        a, b = (unit([random.gauss(0, 1) for _ in range(3)]) for _ in range(2))
        if n % 4 == 0:
            b = unit([w + random.gauss(0, 1) * 10.0 ** -random.randint(3, 14) for w in a])
        t = random.uniform(-2, 2)
        c = unit([p + t * (q - p) for p, q in zip(a, b)])
        c = [nudged(w) for w in c]
        triple = [a, b, c]
    else:
        def axis():
            v = [random.choice([1, -1]) * random.choice(tiny) * random.random() for _ in range(3)]
            v[random.randrange(3)] = random.choice([1.0, -1.0])
            return v
        triple = [axis(), axis(), axis()]
    random.shuffle(triple)
    out += struct.pack("<9db", *(w for v in triple for w in v), sign(determinant(*triple)))
with open(os.path.join(folder, "exact_signs.bin"), "wb") as file:
    file.write(out)
print(len(out), "bytes of exact signs")
