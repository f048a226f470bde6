"""Makes s2_nasty_polygons.bin: which points the C++ S2 library finds in polygons that nobody draws on purpose, through PyPI's
s2geometry 0.14.

    python3 -m venv venv && venv/bin/pip install s2geometry==0.14.0 && venv/bin/python s2_nasty_polygons.py

A tape as s2_tape.py writes it. The number of polygons, then of each:
    how it is meant (0: the smaller part of each ring, 1: left of its ring) · rings, each a list of points ·
    points, each with 1 if it is inside · area
"""

import math
import random

import s2geometry as s2

from s2_tape import at, axes, point, put, save, unit

SEED, COUNT = 20_263, 240
random.seed(SEED)


def beside(p):
    """Half of its coordinates are the next floats."""
    return tuple(w if random.random() < 0.5 else math.nextafter(w, random.choice([-9, 9])) for w in p)


def sign():
    return random.choice([1.0, -1.0])


def special():
    """Axes, corners and edges of the cube, great circles through axes, the antimeridian, coordinates next to zero."""
    axis, corner = [0.0, 0.0, 0.0], (sign(), sign(), sign())
    axis[random.randrange(3)] = sign()
    edge, circle = [sign(), sign(), random.uniform(-1, 1)], [random.gauss(0, 1), random.gauss(0, 1), 0.0]
    tiny = [random.uniform(-1, 1) * 10 ** random.uniform(-320, 0) for _ in range(3)]
    tiny[random.randrange(3)] = sign()
    for p in (edge, circle):
        random.shuffle(p)
    z = random.uniform(-1, 1)
    meridian = (-math.sqrt(1 - z * z), random.choice([0.0, -0.0, 1e-17, -1e-300]), z)
    return unit(random.choice([axis, corner, edge, circle, tiny, meridian, [random.gauss(0, 1) for _ in range(3)]]))


def star(center, radius, corners):
    turn = random.uniform(0, 7)
    angles = [turn + 2 * math.pi * (n + random.uniform(-0.3, 0.3)) / corners for n in range(corners)]
    return [at(center, angle, radius * random.uniform(0.4, 1)) for angle in angles]


def sliver():
    a, b = special(), special()
    middle = unit([v + w + 1e-9 for v, w in zip(a, b)])
    return [a, beside(middle), b, beside(beside(middle))][: random.choice([3, 4])]


def circle(corners):
    """All on one great circle through axes: a hemisphere, or nothing."""
    axis, turn, part, ring = random.randrange(3), random.uniform(0, 7), random.choice([1, 0.5]), []
    for n in range(corners):
        angle = turn + part * 2 * math.pi * n / corners
        p = [math.cos(angle), math.sin(angle)]
        p.insert(axis, 0.0)
        ring.append(unit(p))
    return ring


def square():
    """Three corners on each side, down to a few floats long."""
    base, step = special(), 2.0 ** -random.randrange(10, 52)
    east, north = axes(base)
    corners = [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    return [unit([b + step * (x * e + y * n) for b, e, n in zip(base, east, north)]) for x, y in corners]


def ring():
    center, corners = special(), random.choice([3, 3, 4, 5, 7, 12, 40])
    shape = star(center, math.exp(random.uniform(math.log(1e-15), math.log(1.2))), corners)
    near = list(shape)
    near.insert(1, beside(near[0]))
    fan = [center] + shape[1:]
    return random.choice([shape, sliver(), circle(corners), square(), near, fan])


def touching():
    """A shell and a hole, or another shell, that have a corner or an edge in common."""
    center, corners = special(), random.choice([3, 4, 6, 9])
    radius = math.exp(random.uniform(math.log(1e-7), math.log(0.5)))
    shell = [at(center, 2 * math.pi * n / corners, radius) for n in range(corners)]
    inner = [at(center, 2 * math.pi * n / corners + 0.2, 0.3 * radius) for n in range(corners)]
    other = [shell[1], shell[0], at(center, math.pi / corners, 2 * radius)]
    second = random.choice([[shell[0]] + inner[1:], [shell[0], at(center, 0.05, 0.2 * radius), at(center, -0.05, 0.2 * radius)], other])
    return [r[::-1] if random.random() < 0.3 else r for r in (shell, second)]


def points_about(rings):
    """Corners, points of edges, and those next to them."""
    found = []
    for r in rings:
        for n in random.sample(range(len(r)), min(len(r), 5)):
            a, b, t = r[n - 1], r[n], random.choice([0.5, random.random()])
            on = unit([v + t * (w - v) for v, w in zip(a, b)])
            size = 10 ** random.uniform(-16, -1)
            found += [a, beside(a), on, beside(on), unit([w + size * random.gauss(0, 1) for w in on])]
    return [p if abs(sum(w * w for w in p) - 1) < 5e-16 else unit(p) for p in found + [special(), special()]]


def library_polygon(directed, rings):
    """None where the library makes none, or an edge is so long that it is split in two here, which shifts it by a rounding."""
    if any(sum(v * w for v, w in zip(r[n - 1], r[n])) < 1e-9 for r in rings for n in range(len(r))):
        return None
    loops = []
    for r in rings:
        loop = s2.S2Loop()
        loop.Init([point(p) for p in r])
        if not loop.IsValid():
            return None
        if not directed:
            loop.Normalize()
        loops.append(loop)
    if len(loops) == 1:
        return loops[0]
    polygon = s2.S2Polygon()
    polygon.InitNested(loops)
    return polygon if polygon.IsValid() else None


def main():
    polygons = []
    while len(polygons) < COUNT:
        directed, rings = (0, touching()) if len(polygons) % 3 == 2 else (len(polygons) % 2, [ring()])
        polygon = library_polygon(directed, rings)
        if polygon is not None:
            polygons.append((directed, rings, polygon))
    put(len(polygons))
    for directed, rings, polygon in polygons:
        put(directed, len(rings))
        for r in rings:
            put(len(r), r)
        points = points_about(rings)
        put(len(points), [(p, polygon.Contains(point(p))) for p in points], polygon.GetArea())
    save("s2_nasty_polygons.bin")


main()
