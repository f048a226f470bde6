"""Golden vectors of the map projections and of WGS84, made with PyPI's pyproj.

Usage: python projections.py > projections.csv

Lines: name,lat_deg,lon_deg,x_m,y_m; for `wgs84` lat,lon,height,x,y,z; for `geodesic` lat1,lon1,lat2,lon2,distance,
azimuth at 1, azimuth at 2. A fifth of the points lie at the edges of the valid areas, the poles and the antimeridian.
"""

import math
import random
from decimal import Decimal, getcontext

import pyproj

RADIUS = 6371008.8
DELTAS = [0.0, 1e-9, 1e-6, 1e-3]
random.seed(20)


def line(*fields):
    print(",".join(f if isinstance(f, str) else repr(round(f, 7)) if abs(f) > 1000 else repr(f) for f in fields))


def transformer(projection):
    to = pyproj.CRS(projection)
    return pyproj.Transformer.from_crs(to.geodetic_crs, to, always_xy=True)


def lon():
    if random.random() < 0.2:
        return random.choice([-180.0, 180.0, 0.0, 90.0, -90.0]) if random.random() < 0.5 else (
            random.choice([-180.0, 180.0]) * (1 - random.choice(DELTAS)))
    return random.uniform(-180, 180)


def lat(south, north):
    if random.random() < 0.2:
        edge, inwards = random.choice([(south, 1), (north, -1)])
        return edge + inwards * random.choice(DELTAS)
    return random.uniform(south, north)


def grid(name, projection, south, north, count=250):
    """Points of a zone of latitudes, all around."""
    to = transformer(projection)
    for _ in range(count):
        p = (lat(south, north), lon())
        line(name, *p, *to.transform(p[1], p[0], errcheck=True))


def cap(name, projection, centre, reach, count=250):
    """Points up to a distance in degrees from a centre."""
    to = transformer(projection)
    sphere = pyproj.Geod(a=RADIUS, f=0)
    for n in range(count):
        far = reach * (1 - random.choice(DELTAS)) if n % 10 == 0 else reach * random.random() ** 0.5
        azimuth = random.choice([0.0, 90.0, 180.0, 270.0]) if n % 10 == 1 else random.uniform(-180, 180)
        x, y, _ = sphere.fwd(centre[1], centre[0], azimuth, far * 111195.0797343)
        if n % 25 == 2 and abs(90 - centre[0]) < reach:
            y = 90.0
        line(name, y, x, *to.transform(x, y, errcheck=True))


def utm(count=500):
    for n in range(count):
        zone, south = n % 60 + 1, n // 60 % 2 == 1
        to = transformer(f"+proj=utm +zone={zone} +datum=WGS84" + (" +south" if south else ""))
        middle = 6 * zone - 183
        off = random.choice([-30.0, 30.0, -3.0, 3.0, 0.0]) if random.random() < 0.2 else random.uniform(-9, 9)
        y, x = lat(-80.0, 84.0), middle + off
        line(f"utm{zone}{'s' if south else 'n'}", y, x, *to.transform(x, y, errcheck=True))


def wgs84(count=300):
    to = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    for _ in range(count):
        y, x = lat(-90.0, 90.0), lon()
        height = random.choice([-12000.0, 0.0, 100000.0, 4e7]) if random.random() < 0.4 else random.uniform(-12000, 100000)
        line("wgs84", y, x, height, *to.transform(x, y, height))


def geodesics(count=200):
    earth = pyproj.Geod(ellps="WGS84")
    for n in range(count):
        y, x = lat(-90.0, 90.0), lon()
        if n % 5 == 0:  # nearly opposite: where simple iterations fail
            v, u = -y + random.uniform(-0.5, 0.5), x + 180 + random.uniform(-0.5, 0.5)
            v = max(-90.0, min(90.0, v))
            u = u - 360 if u > 180 else u
        else:
            v, u = lat(-90.0, 90.0), lon()
        there, back, distance = earth.inv(x, y, u, v)
        if abs(y) < 90 and abs(v) < 90 and distance > 1.0:
            line("geodesic", y, x, v, u, distance, there, back - 180 if back > 0 else back + 180)


grid("equirectangular", f"+proj=eqc +R={RADIUS} +lat_ts=30 +lon_0=10", -90, 90)
grid("web_mercator", "EPSG:3857", -85.06, 85.06)
utm()
for name, code, edges in [
    ("arctic", 3413, (0, 90)), ("antarctic", 3031, (-90, 0)), ("arctic_71", 3995, (0, 90)),
    ("ups_north", 32661, (0, 90)), ("ups_south", 32761, (-90, 0)),
]:
    to = pyproj.CRS(f"EPSG:{code}")
    grid(name, to, *edges, count=120)
cap("europe", "EPSG:3035", (52.0, 10.0), 178.8)
cap("laea_north", "+proj=laea +lat_0=90 +lon_0=-20 +datum=WGS84", (90.0, -20.0), 178.8, 120)
cap("laea_south", "+proj=laea +lat_0=-90 +lon_0=170 +datum=WGS84", (-90.0, 170.0), 178.8, 120)
cap("laea_equator", "+proj=laea +lat_0=0 +lon_0=179 +datum=WGS84", (0.0, 179.0), 178.8, 120)
def mollweide(count=250):
    """PROJ's iteration ends early near the poles and is metres off there; those points are computed with 60 digits."""
    to = transformer(f"+proj=moll +R={RADIUS} +lon_0=-150")
    for _ in range(count):
        y, x = lat(-90.0, 90.0), lon()
        point = to.transform(x, y, errcheck=True)
        if abs(y) == 90:
            point = (0.0, math.copysign(RADIUS * math.sqrt(2), y))
        elif 89.9 < abs(y):
            colatitude = (90 - abs(Decimal(y))) * PI / 180
            k = PI * (1 - cos_sin(colatitude)[0])
            t = (6 * k) ** (Decimal(1) / 3)
            for _ in range(200):
                c, s = cos_sin(t)
                t -= (t - s - k) / (1 - c)
            c, s = cos_sin(t / 2)
            east = math.remainder(x + 150, 360)
            r = Decimal(RADIUS) * Decimal(2).sqrt()
            point = (float(2 * r * Decimal(east) / 180 * s), float((r * c).copy_sign(Decimal(y))))
        line("mollweide", y, x, *point)


getcontext().prec = 60
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494")


def cos_sin(x):
    """By their series, for angles below 1."""
    sums, term, n = [Decimal(0), Decimal(0)], Decimal(1), 0
    while abs(term) > Decimal("1e-58"):
        sums[n % 2] += term if n % 4 < 2 else -term
        n += 1
        term *= x / n
    return sums


mollweide()
cap("orthographic", "+proj=ortho +lat_0=40 +lon_0=-100 +datum=WGS84", (40.0, -100.0), 89.8)
cap("ortho_south", "+proj=ortho +lat_0=-90 +lon_0=30 +datum=WGS84", (-90.0, 30.0), 89.8, 120)
cap("ortho_sphere", f"+proj=ortho +lat_0=0 +lon_0=180 +R={RADIUS}", (0.0, 180.0), 89.8, 120)
wgs84()
geodesics()
