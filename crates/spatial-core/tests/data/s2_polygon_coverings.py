"""Makes s2_polygon_coverings.bin: coverings of polygons by the C++ S2 library, through PyPI's s2geometry 0.14.

    python3 -m venv venv && venv/bin/pip install s2geometry==0.14.0 && venv/bin/python s2_polygon_coverings.py

A tape as s2_tape.py writes it. The number of polygons, then of each:
    how it is meant (0: the smaller part of each ring, 1: left of its ring) · rings, each a list of points ·
    points inside · sets of options, each: levels, modulus, number of cells · covering · interior covering
"""

import json
import math
import os
import random

import s2geometry as s2

from s2_tape import HERE, at, coverer_of, finest_low, ids, log_uniform, near, point, put, put_list, save, uniform, unit

SEED = 20_262
STARS, LARGE = 224, 20
COUNTRIES = [
    "Austria", "Bolivia", "Chile", "Croatia", "Greece", "Indonesia", "Italy", "Japan", "New Zealand", "Norway",
    "Somalia", "South Africa", "Vietnam",
]  # fmt: skip
random.seed(SEED)


def special():
    """Poles, antimeridian, edges and corners of the cube, exactly or nearly."""
    z = random.uniform(-1, 1)
    sign = lambda: random.choice([1.0, -1.0])
    edge = [sign(), sign(), random.uniform(-1, 1)]
    random.shuffle(edge)
    pole, meridian = (0.0, 0.0, sign()), (-math.sqrt(1 - z * z), 0.0, z)
    p = random.choice([pole, meridian, unit(edge), unit((sign(), sign(), sign()))])
    step = random.choice([0.0, 1e-12, 1e-6, 1e-2])
    return near(p, step) if step else p


def star(center, least, most, corners):
    """A ring of `corners` points between two distances from the center, counter-clockwise."""
    turn, step = random.uniform(0, 2 * math.pi), 2 * math.pi / corners
    angles = [turn + step * (n + random.uniform(-0.2, 0.2)) for n in range(corners)]
    return [at(center, angle, random.uniform(least, most)) for angle in angles]


def star_polygon(n):
    """A star; of some, with a hole, with an island in the hole, or with another star beside it."""
    center = special() if n % 5 == 0 else uniform()
    most = log_uniform(1e-7, 0.9)  # from a metre
    least = most * random.choice([0.95, 0.6, 0.3])
    corners = random.choice([3, 4, 5, 6, 8, 12, 20])
    rings = [star(center, least, most, corners)]
    kind = n % 4
    if kind in (1, 2) and corners >= 5:
        rings.append(star(center, 0.2 * least, 0.4 * least, random.randint(3, 9)))
    if kind == 2 and corners >= 5:
        # A hole of three corners goes as near as a tenth of its radius.
        rings.append(star(center, 0.005 * least, 0.01 * least, random.randint(3, 6)))
    if kind == 3 and most < 0.5:
        other = at(center, random.uniform(0, 2 * math.pi), 2.2 * most)
        rings.append(star(other, least, most, random.randint(3, 9)))
    return 0, rings


def large_polygon(n):
    """All but a star."""
    return 1, [star(special() if n % 5 == 0 else uniform(), 0.05, log_uniform(0.1, 1.2), random.randint(3, 9))[::-1]]


def countries():
    """The rings of countries of Natural Earth 1:110,000,000, through the shared arcs of the file."""
    with open(os.path.join(HERE, "../../../../assets/countries-110m.json")) as file:
        world = json.load(file)
    scale, shift = world["transform"]["scale"], world["transform"]["translate"]

    def arc(number):
        x = y = 0
        points = []
        for dx, dy in world["arcs"][number if number >= 0 else ~number]:
            x, y = x + dx, y + dy
            points.append((x * scale[0] + shift[0], y * scale[1] + shift[1]))
        return points if number >= 0 else points[::-1]

    def ring(numbers):
        points = []
        for number in numbers:
            points += arc(number)[1:] if points else arc(number)
        directions = []
        for lng, lat in points[:-1]:
            lng, lat = math.radians(lng), math.radians(lat)
            directions.append((math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat)))
        return [unit(p) for p in directions]

    for country in world["objects"]["countries"]["geometries"]:
        if country["properties"]["name"] in COUNTRIES:
            parts = country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]
            yield 0, [ring(numbers) for part in parts for numbers in part]


def library_polygon(directed, rings):
    loops = []
    for ring in rings:
        loop = s2.S2Loop()
        loop.Init([point(p) for p in ring])
        if not directed:
            loop.Normalize()
        loops.append(loop)
    if directed:
        return s2.S2Polygon(loops[0]), loops
    polygon = s2.S2Polygon()
    polygon.InitNested(loops)
    assert polygon.IsValid()
    return polygon, loops


def points_inside(polygon, rings, count):
    """Anywhere about a ring and, half of them, next to the boundary."""
    found = []
    for n in range(100_000):
        if len(found) == count:
            break
        ring = random.choice(rings)
        if n % 2:
            k = random.randrange(len(ring))
            t, size = random.random(), log_uniform(1e-12, 1e-2)
            p = [a + t * (b - a) for a, b in zip(ring[k - 1], ring[k])]
            reach = size * math.dist(ring[k - 1], ring[k])
        else:
            p, reach = unit([sum(w) for w in zip(*ring)]), 1.2 * math.dist(ring[0], ring[len(ring) // 2])
        p = near(p, reach)
        if polygon.Contains(point(p)):
            found.append(p)
    return found


def put_coverings(polygon, sets):
    put(sets)
    done = 0
    finest = finest_low(min(polygon.GetArea(), 1.0))
    while done < sets:
        # Least levels make coverings of large regions long.
        low = min(random.choice([0, 0, 0, random.randint(0, 12)]), finest)
        high = random.choice([30, 30, random.randint(low, 20)])
        modulus = random.choice([1, 1, 1, 2, 3])
        count = random.choice([8, 8, 8, 1, 3, 4, 5, 20, 50])
        coverer = coverer_of(low, high, modulus, count)
        covering = ids(coverer.GetCovering(polygon))
        if len(covering) > 60:
            continue
        put(low, high, modulus, count)
        put_list(covering)
        put_list(ids(coverer.GetInteriorCovering(polygon)))
        done += 1


def main():
    polygons = [star_polygon(n) for n in range(STARS)] + [large_polygon(n) for n in range(LARGE)]
    polygons += countries()
    put(len(polygons))
    for directed, rings in polygons:
        polygon, _loops = library_polygon(directed, rings)
        put(directed, len(rings))
        for ring in rings:
            put_list(ring)
        inside = points_inside(polygon, rings, 6)
        put_list(inside)
        put_coverings(polygon, 3)
    save("s2_polygon_coverings.bin")


main()
