"""Frames against S2's C++ library (PyPI's s2geometry 0.14), and places against arithmetic that needs no frames."""

from __future__ import annotations

import math
import unittest

from bluemarble_wire import coords

EARTH_M = 6_371_008.8
CENTRES = (
    (0x478F35D000000000, (0.6881537904185318, 0.09352104812348264, 0.7195124559661861)),
    (0x916DD5F000000000, (0.30102064411958307, -0.9244609129772028, -0.23400553880450733)),
    (0x4555555000000000, (0.00016278028056833423, 0.00016278028056833423, 0.99999997350258)),
    (0xA555539000000000, (-0.0008142976431667219, -0.0014664510124311964, -0.9999985932193987)),
    (0x6555555000000000, (-0.99999997350258, 0.00016278028056833423, 0.00016278028056833423)),
    (0x7AAAAAB000000000, (-0.99999997350258, -0.00016278028056833423, 0.00016278028056833423)),
    (0x1555555000000000, (0.5774755749612446, 0.5772876061042623, 0.5772876061042623)),
    (0x39E8535000000000, (0.04756100510367116, 0.8817001223215762, 0.46940690780137223)),
    (0x6B12B1D000000000, (-0.7273631423370199, 0.399894615550885, -0.5576980864437552)),
    (0x48D60CB000000000, (0.40523989040797054, -0.163011160910711, 0.8995598883013172)),
    (0x31DA1C0000000000, (-0.23884297736509175, 0.9708124331339193, 0.02184609429571911)),
    (0x89C25A38D0000000, (0.20897131726643953, -0.7287647050409323, 0.6520989136983225)),
    (0x1000000000000000, (1.0, 0.0, 0.0)),
    (0x3400000000000000, (-0.35897907930886896, 0.8615497903412856, 0.35897907930886896)),
)
"""Cells of all faces and several levels, with the direction of their centres."""


class Frames(unittest.TestCase):
    def test_centres_are_s2s(self) -> None:
        for cell, expected in CENTRES:
            with self.subTest(f"{cell:#x}"):
                self.assertLess(math.dist(coords.centre(cell), expected), 1e-15)

    def test_a_place_lies_in_its_cells(self) -> None:
        for cell, direction in CENTRES:
            _, _, _, level = coords.face_i_j_level(cell)
            with self.subTest(f"{cell:#x}"):
                self.assertEqual(coords.cell_at(direction, level), cell)
                for coarser in range(level):
                    above = coords.cell_at(direction, coarser)
                    self.assertLessEqual(abs(cell - above), (above & -above) - 1)

    def test_the_origin_lies_on_the_datum(self) -> None:
        for cell, (x, y, z) in CENTRES:
            place = coords.geodetic(coords.place(cell, (0, 0, 0), EARTH_M), EARTH_M)
            with self.subTest(f"{cell:#x}"):
                self.assertAlmostEqual(place.altitude_m, 0, delta=1e-8)
                self.assertAlmostEqual(place.lat_deg, math.degrees(math.asin(z)), delta=1e-9)
                self.assertAlmostEqual(place.lon_deg, math.degrees(math.atan2(y, x)), delta=1e-9)

    def test_axes_point_east_north_and_up(self) -> None:
        metre_deg = math.degrees(1 / EARTH_M)
        for cell, _ in CENTRES:
            origin, east, north, up = (
                coords.geodetic(coords.place(cell, step, EARTH_M), EARTH_M)
                for step in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))
            )
            with self.subTest(f"{cell:#x}"):
                self.assertAlmostEqual(up.altitude_m - origin.altitude_m, 1, delta=1e-8)
                self.assertAlmostEqual((north.lat_deg - origin.lat_deg) / metre_deg, 1, delta=1e-5)
                wider = math.cos(math.radians(origin.lat_deg))
                self.assertAlmostEqual((east.lon_deg - origin.lon_deg) / metre_deg * wider, 1, delta=1e-5)

    def test_at_2_km_the_datum_lies_31_cm_below_the_plane(self) -> None:
        place = coords.geodetic(coords.place(CENTRES[0][0], (2000, 0, 0), EARTH_M), EARTH_M)
        self.assertAlmostEqual(place.altitude_m, 0.31, delta=0.005)

    def test_what_is_no_cell_has_no_place(self) -> None:
        for frame in (0, 0xC000000000000001, 0xE000000000000007, 0x4000002000000000, 0x2):
            with self.subTest(f"{frame:#x}"):
                self.assertFalse(coords.is_cell(frame))
                with self.assertRaises(ValueError):
                    coords.frame_of(frame, EARTH_M)
