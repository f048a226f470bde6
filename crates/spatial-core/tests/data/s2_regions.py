"""Makes s2_regions.bin: geometry and coverings as the C++ S2 library answers them, through PyPI's s2geometry 0.14.

    python3 -m venv venv && venv/bin/pip install s2geometry==0.14.0 && venv/bin/python s2_regions.py

A tape as s2_tape.py writes it. A section is a number of records, then the records:
    cells      id · vertices 0 and 2 · centre · exact, approximate, average area · cap bound (axis, height) ·
               rectangle bound (4) · 2 x (point, distance in radians)
    caps       cap · rectangle bound · other cap · contains, intersects (0 or 1) · union (axis, height)
    rects      rectangle, degrees · the same, radians · area · cap bound · other rectangle, degrees · contains,
               intersects · union · intersection (radians) · distance, radians · expanded by it (radians)
    unions     list a · list b · a normalised · b normalised · contains, intersects · intersection · level and
               modulus · a denormalised · approximate, exact area, cap bound and rectangle bound of a
    coverings  kind (0 cap, 1 rectangle, 2 cells) · the region (cap, rectangle in degrees, list) ·
               levels, modulus, number of cells · covering · interior covering
A point is x, y, z; a cap is a point and a height; a rectangle is south, north, west, east.
"""

import math
import random

import s2geometry as s2

from s2_tape import coverer_of, finest_low, ids, log_uniform, near, point, put, put_list, save, uniform, unit

SEED = 20_261
CELLS, CAPS, RECTS, UNIONS = 620, 300, 300, 200
COVERINGS = {0: 900, 1: 400, 2: 200}
random.seed(SEED)


def raw(p):
    return tuple(s2.S2Point_ToRaw(p))


def special():
    """Poles, antimeridian, edges and corners of the cube, exactly or nearly."""
    pole = (0.0, 0.0, random.choice([1.0, -1.0]))
    z = random.uniform(-1, 1)
    meridian = (-math.sqrt(1 - z * z), 0.0, z)
    sign = lambda: random.choice([1.0, -1.0])
    edge = [sign(), sign(), random.uniform(-1, 1)]
    random.shuffle(edge)
    corner = (sign(), sign(), sign())
    p = random.choice([pole, meridian, unit(edge), unit(corner)])
    step = random.choice([0.0, 1e-12, 1e-6, 1e-2])
    return near(p, step) if step else p


def place(n):
    return special() if n % 5 == 0 else uniform()


def leaf(p):
    return s2.S2CellId(point(p))


def cap_of(values):
    return s2.S2Cap.FromCenterHeight(point(values[:3]), values[3])


def random_cap(n, largest):
    angle = log_uniform(1e-8, largest)
    return (*place(n), 2 * math.sin(angle / 2) ** 2)


def cap_values(cap):
    return (*raw(cap.center()), float(cap.height()))


def rect_of(south, north, west, east):
    at = s2.S2LatLng.FromDegrees
    return s2.S2LatLngRect(at(south, west), at(north, east))


def rect_values(rect):
    angles = (rect.lat_lo(), rect.lat_hi(), rect.lng_lo(), rect.lng_hi())
    return tuple(float(a.radians()) for a in angles)


def random_rect(n):
    # Thinner ones have interior coverings that take seconds.
    height = log_uniform(1e-4, 170)
    width = min(height * log_uniform(0.03, 30), 350)
    south = random.uniform(-90, 90 - height)
    if n % 5 == 0:
        south = random.choice([-90.0, 90.0 - height])
    west = random.choice([random.uniform(-180, 180), 180 - width * random.random()])
    east = west + width
    return (south, min(south + height, 90.0), west, east - 360 if east > 180 else east)


def union_of(numbers):
    union = s2.S2CellUnion()
    union.Init(numbers)
    return union


def random_cells(n):
    """Cells around a place, of mixed levels, with overlaps and families of siblings."""
    center, cells = place(n), []
    for _ in range(random.randint(1, 20)):
        cell = leaf(near(center, log_uniform(1e-4, 1))).parent(random.randint(1, 12))
        cells.append(cell)
        if random.random() < 0.4:
            family = [cell.parent(cell.level() - 1).child(k) for k in range(4)]
            cells += random.sample(family, random.choice([2, 3, 4]))
    return ids(cells)


def put_cell(n):
    cell = s2.S2Cell(leaf(place(n)).parent(n % 31))
    put(cell.id().id(), raw(cell.GetVertex(0)), raw(cell.GetVertex(2)), raw(cell.GetCenter()))
    put(float(cell.ExactArea()), float(cell.ApproxArea()), float(cell.AverageArea()))
    put(cap_values(cell.GetCapBound()), rect_values(cell.GetRectBound()))
    for step in (log_uniform(1e-9, 1), 3.0):
        p = near(raw(cell.GetCenter()), step)
        put(p, float(cell.GetDistance(point(p)).ToAngle().radians()))


def put_cap(n):
    a, b = random_cap(n, 3.0), random_cap(n + 2, 2.0)
    if n % 3 == 0:
        b = (*near(a[:3], log_uniform(1e-6, 1)), b[3])
    cap, other = cap_of(a), cap_of(b)
    put(a, rect_values(cap.GetRectBound()), b, cap.Contains(other), cap.Intersects(other))
    put(cap_values(cap.Union(other)))


def put_rect(n):
    a, b = random_rect(n), random_rect(n + 2)
    rect, other = rect_of(*a), rect_of(*b)
    distance = log_uniform(1e-6, 1)
    put(a, rect_values(rect), float(rect.Area()), cap_values(rect.GetCapBound()))
    put(b, rect.Contains(other), rect.Intersects(other))
    put(rect_values(rect.Union(other)), rect_values(rect.Intersection(other)))
    put(distance, rect_values(rect.ExpandedByDistance(s2.S1Angle.Radians(distance))))


def put_union(n):
    a, b = random_cells(n), random_cells(n)
    if n % 3 == 0:
        b = random.sample(a, (len(a) + 1) // 2)
    ua, ub = union_of(a), union_of(b)
    put_list(a), put_list(b)
    put_list(ids(ua.cell_ids())), put_list(ids(ub.cell_ids()))
    put(ua.Contains(ub), ua.Intersects(ub))
    put_list(ids(ua.Intersection(ub).cell_ids()))
    level, modulus = random.randint(0, 4), random.randint(1, 3)
    few = union_of(ids(ua.cell_ids())[:3])
    put(level, modulus)
    put_list(ids(few.Denormalize(level, modulus)))
    put(float(ua.ApproxArea()), float(ua.ExactArea()), cap_values(ua.GetCapBound()))
    put(rect_values(ua.GetRectBound()))


def put_covering(kind, n):
    if kind == 0:
        values = random_cap(n, 3.1)
        region = cap_of(values)
    elif kind == 1:
        values = random_rect(n)
        region = rect_of(*values)
    else:
        values = random_cells(n)
        region = union_of(values)
    low = random.choice([0, 0, 0, random.randint(0, 8)])
    high = random.choice([30, 30, random.randint(low, 20)])
    modulus = random.choice([1, 1, 1, 2, 3])
    count = random.choice([8, 8, 8, 1, 3, 4, 5, 20, 50])
    size = values[3] if kind == 0 else 1
    if kind == 1:
        size = math.radians(max(values[1] - values[0], (values[3] - values[2]) % 360)) ** 2
    # Least levels make coverings of large regions long.
    low = min(low, finest_low(size))
    coverer = coverer_of(low, high, modulus, count)
    covering = ids(coverer.GetCovering(region))
    if len(covering) > 60:
        put_covering(kind, n)
        return
    put(kind)
    put_list(values) if kind == 2 else put(values)
    put(low, high, modulus, count)
    put_list(covering)
    put_list(ids(coverer.GetInteriorCovering(region)))


def main():
    for count, record in [(CELLS, put_cell), (CAPS, put_cap), (RECTS, put_rect), (UNIONS, put_union)]:
        put(count)
        for n in range(count):
            record(n)
    put(sum(COVERINGS.values()))
    for kind, count in COVERINGS.items():
        for n in range(count):
            put_covering(kind, n)
    save("s2_regions.bin")


main()
