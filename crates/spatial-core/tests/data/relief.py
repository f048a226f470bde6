#!/usr/bin/env python3
"""Writes tests/data/relief/: small GeoTIFFs by two independent writers (GDAL through rasterio, tifffile with
imagecodecs), and relief.csv: heights at places, by pyproj and bilinear interpolation in numpy.

    pip install numpy==2.4.6 tifffile==2026.3.3 imagecodecs==2026.3.6 rasterio==1.4.4 pyproj==3.7.2
    python3 relief.py [folder with srtm3/S33W071.tif]

Each row of the table: file, latitude, longitude, height (empty where there is none). Files of the data that is not in the
repository are named by their path there.
"""

import csv
import pathlib
import random
import sys

import numpy as np
import pyproj
import rasterio
import tifffile

HERE = pathlib.Path(__file__).parent / "relief"
WIDTH, HEIGHT = 45, 37
rows = []


def ground(dtype, nodata=None):
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    h = 1500 + 900 * np.sin(x / 7) * np.cos(y / 5) + 3 * x - 2 * y
    h = h.astype(np.float32) if dtype == np.float32 else np.round(h)
    if dtype == np.int16:
        h = h - 1000
    h = h.astype(dtype)
    if nodata is not None:
        h[10:14, 20:23] = nodata
        h[0, 0] = nodata
    return h


def expected(name, h, transform, epsg, nodata=None, count=60, seed=0):
    """Heights at places: the transform is GDAL's, to corners of pixels; samples are in their middles."""
    rng = random.Random(f"{name} {seed}")
    to_map = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    height, width = h.shape
    for n in range(count):
        x, y = rng.uniform(0, width - 1), rng.uniform(0, height - 1)
        if n % 5 == 0:
            x, y = round(x), rng.choice([0, height - 1])
        east, north = transform * (x + 0.5, y + 0.5)
        lon, lat = to_map.transform(east, north, direction="INVERSE")
        lat, lon = round(lat, 12), round(lon, 12)
        x, y = ~transform * to_map.transform(lon, lat)
        x, y = min(max(x - 0.5, 0), width - 1), min(max(y - 0.5, 0), height - 1)
        i, j = min(int(x), width - 2), min(int(y), height - 2)
        fx, fy = x - i, y - j
        square = h[j : j + 2, i : i + 2].astype(np.float64)
        if nodata is not None and (square == nodata).any() or np.isnan(square).any():
            # A corner of no weight does not count; places that near to one are left out.
            if min(fx, 1 - fx, fy, 1 - fy) > 1e-6:
                rows.append([name, lat, lon, ""])
            continue
        weights = np.array([[(1 - fx) * (1 - fy), fx * (1 - fy)], [(1 - fx) * fy, fx * fy]])
        rows.append([name, lat, lon, repr(float((square * weights).sum()))])


def by_gdal(name, dtype, epsg, west_north, step, nodata=None, area=True, turned=0.0, **options):
    h = ground(dtype, nodata)
    transform = rasterio.Affine(step[0], turned * step[0], west_north[0], turned * step[1], -step[1], west_north[1])
    profile = dict(driver="GTiff", width=WIDTH, height=HEIGHT, count=1, dtype=dtype, crs=f"EPSG:{epsg}", nodata=nodata)
    with rasterio.open(HERE / name, "w", transform=transform, **profile, **options) as file:
        file.write(h, 1)
        if not area:
            file.update_tags(AREA_OR_POINT="Point")
    with rasterio.open(HERE / name) as file:
        assert (file.read(1) == h).all() and file.transform.almost_equals(transform)
        expected(name, h, file.transform, epsg, nodata)


def by_tifffile(name, dtype, epsg, west_north, step, big=False, order="<", nodata=None, point=False, **options):
    """Geographic or UTM tags by hand; the first sample is the tie point of a point raster."""
    h = ground(dtype, nodata)
    is_utm = epsg > 30000
    keys = [1, 1, 0, 3, 1024, 0, 1, 1 if is_utm else 2, 1025, 0, 1, 2 if point else 1]
    keys += [3072 if is_utm else 2048, 0, 1, epsg]
    tags = [
        (33550, "d", 3, (step[0], step[1], 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, *west_north, 0.0), True),
        (34735, "H", len(keys), tuple(keys), True),
    ]
    if nodata is not None:
        text = str(nodata)
        tags.append((42113, "s", len(text) + 1, text, True))
    tifffile.imwrite(HERE / name, h, bigtiff=big, byteorder=order, extratags=tags, photometric="minisblack", metadata=None, **options)
    shift = 0.5 if point else 0.0
    corner = (west_north[0] - shift * step[0], west_north[1] + shift * step[1])
    transform = rasterio.Affine(step[0], 0, corner[0], 0, -step[1], corner[1])
    expected(name, h, transform, epsg, nodata)


def main():
    HERE.mkdir(exist_ok=True)
    i16, u16, f32 = np.int16, np.uint16, np.float32
    degrees, metres = (1 / 1200, 1 / 1200), (30.0, 25.0)
    andes, utm19s = (-70.5, -32.25), (401_000.0, 6_372_000.0)
    # Strips and tiles, compressions, predictors.
    by_gdal("strips_plain.tif", i16, 4326, andes, degrees, nodata=-32767)
    by_gdal("strips_deflate_2.tif", i16, 4326, andes, degrees, compress="deflate", predictor=2, blockysize=5)
    by_gdal("tiles_lzw_2.tif", u16, 4326, andes, degrees, compress="lzw", predictor=2, tiled=True, blockxsize=16, blockysize=16)
    by_gdal("tiles_zstd_3.tif", f32, 4326, andes, degrees, nodata=-9999, compress="zstd", predictor=3, tiled=True, blockxsize=32, blockysize=16)
    by_gdal("tiles_deflate_3.tif", f32, 4258, andes, degrees, compress="deflate", predictor=3, tiled=True, blockxsize=16, blockysize=32)
    by_gdal("strips_zstd_2_point.tif", i16, 4326, andes, degrees, compress="zstd", predictor=2, area=False)
    by_gdal("strips_lzw_big_endian.tif", i16, 4326, andes, degrees, compress="lzw", ENDIANNESS="BIG")
    by_gdal("tiles_big_tiff.tif", i16, 4326, andes, degrees, tiled=True, blockxsize=16, blockysize=16, BIGTIFF="YES", compress="deflate")
    by_gdal("turned.tif", i16, 4326, andes, degrees, turned=0.25)
    # Maps.
    by_gdal("utm_south.tif", f32, 32719, utm19s, metres, compress="zstd", predictor=3)
    by_gdal("utm_north.tif", i16, 32632, (655_000.0, 5_190_000.0), metres, nodata=-32768, compress="lzw")
    by_gdal("utm_antimeridian.tif", u16, 32701, (177_000.0, 8_150_000.0), (150.0, 150.0), tiled=True, blockxsize=16, blockysize=16)
    by_gdal("mercator.tif", i16, 3857, (1_113_000.0, 5_621_000.0), (40.0, 40.0), compress="deflate")
    # The other writer.
    by_tifffile("other_tiles_big.tif", f32, 4326, andes, degrees, big=True, tile=(16, 32), compression="zstd", predictor=3)
    by_tifffile("other_big_endian.tif", f32, 4326, andes, degrees, order=">", tile=(16, 16), compression="deflate", predictor=3, nodata=-9999)
    by_tifffile("other_big_big_endian.tif", i16, 32719, utm19s, metres, big=True, order=">", rowsperstrip=4, compression="lzw", predictor=2)
    by_tifffile("other_point.tif", u16, 4326, andes, degrees, point=True, rowsperstrip=7)
    if len(sys.argv) > 1:
        path = pathlib.Path(sys.argv[1]) / "srtm3/S33W071.tif"
        with rasterio.open(path) as file:
            expected("srtm3/S33W071.tif", file.read(1), file.transform, 4326, file.nodata, count=200)
    with open(HERE.parent / "relief.csv", "w", newline="") as table:
        csv.writer(table, lineterminator="\n").writerows(rows)


main()
