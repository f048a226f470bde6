"""Tiles of the bundled Earth: decoded, compared along the edges that they share, and refused when they are damaged."""

from __future__ import annotations

import random
import unittest

from bluemarble_wire.reader import Malformed
from bluemarble_wire.tile import HeightTile, decode_tile

from .pack import tiles

FACES = [0x1000000000000000, 0x3000000000000000, 0x5000000000000000]


class Earth(unittest.TestCase):
    faces: list[HeightTile]
    coded: dict[int, tuple[int, bytes]]

    @classmethod
    def setUpClass(cls) -> None:
        cls.coded = {cell: (seal, data) for cell, seal, data in tiles()}
        cls.faces = [decode_tile(cls.coded[cell][1]) for cell in FACES]

    def test_tiles_are_whose_they_say(self) -> None:
        for cell, tile in zip(FACES, self.faces, strict=True):
            seal, data = self.coded[cell]
            self.assertEqual((tile.cell, tile.intervals), (cell, 128))
            self.assertEqual(int.from_bytes(data[24:28], "little"), seal)

    def test_shared_edges_are_equal(self) -> None:
        africa, india, north = (tile.samples for tile in self.faces)
        side = 129
        for n in range(side):
            # u = 1 of face 0 is u = -1 of face 1.
            self.assertEqual(africa[n * side + 128], india[n * side])
            # v = 1 of face 0 is u = -1 of face 2, the other way round.
            self.assertEqual(africa[128 * side + n], north[(128 - n) * side])

    def test_heights_are_bilinear(self) -> None:
        tile = self.faces[1]
        a, b, c, d = (tile.samples[j * 129 + i] for j, i in ((5, 7), (5, 8), (6, 7), (6, 8)))
        self.assertEqual(tile.sample(7, 5), a)
        self.assertEqual(tile.sample(7.25, 5.5), ((0.75 * a + 0.25 * b) + (0.75 * c + 0.25 * d)) / 2)
        self.assertEqual(tile.sample(128, 128), tile.samples[-1])

    def test_a_tile_that_needs_its_parent_is_refused(self) -> None:
        _, data = self.coded[0x0400000000000000]
        with self.assertRaises(Malformed):
            decode_tile(data)

    def test_damaged_tiles_are_refused(self) -> None:
        _, data = self.coded[FACES[0]]
        chance = random.Random(3)
        for _ in range(50):
            at = chance.randrange(len(data))
            with self.subTest(at=at), self.assertRaises(Malformed):
                decode_tile(data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :])
        for length in (0, 3, 39, 40, len(data) - 1):
            with self.subTest(length=length), self.assertRaises(Malformed):
                decode_tile(data[:length])
        with self.assertRaises(Malformed):
            decode_tile(data + b"\0")
