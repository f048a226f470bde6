"""Columns that nobody would send, numbers, and what codes mean."""

from __future__ import annotations

import math
import random
import struct
import unittest

from bluemarble_wire.columns import Lane, decimal, decode_columns, scientific
from bluemarble_wire.reader import Malformed, is_clean


def name(text: str) -> bytes:
    return bytes([len(text.encode())]) + text.encode()


def lane(called: str, type_code: int, bits: int, *numbers: str) -> bytes:
    return name(called) + bytes((type_code, bits)) + b"".join(name(number) for number in numbers)


def column(called: str, kind: int, *lanes: bytes, audience: int = 1, priority: int = 1) -> bytes:
    head = name(called) + bytes((kind,)) + b"\1\0" + bytes((audience,)) + b"\0\0"
    return head + bytes((priority, len(lanes))) + b"".join(lanes)


def message(*columns: bytes) -> bytes:
    return bytes((0x87, len(columns))) + b"".join(columns)


I16, I32, U8, U16, U64, F32, F64 = 2, 3, 5, 6, 8, 9, 10
WHOLE = lane("a", U8, 0)
TEN_BITS = lane("a", U16, 10, "0e0", "1.023e3", "1e0")


class Messages(unittest.TestCase):
    def test_legal_ones(self) -> None:
        for legal in (
            message(),
            message(column("c", 5, WHOLE)),
            message(column("c", 5, TEN_BITS), column("d", 6, TEN_BITS, audience=2)),
            message(column("p", 1, *(lane(axis, I32, 0) for axis in "xyz"))),
            message(column("p", 1, lane("frame", U64, 0), *(lane(axis, I32, 0) for axis in "xyz"))),
            message(column("v", 2, *(lane(axis, F32, 0) for axis in "xy"))),
            message(column("r", 3, *(lane(axis, I16, 0) for axis in "xyzw"))),
            message(column("a", 4, lane("heading", U16, 0))),
        ):
            decode_columns(legal)

    def test_illegal_ones(self) -> None:
        seven_longs = [lane(str(n), F64, 0) for n in range(7)]
        for what, illegal in {
            "owners' first": message(column("c", 5, WHOLE, audience=2), column("d", 5, WHOLE)),
            "one name twice": message(column("c", 5, WHOLE), column("c", 5, WHOLE)),
            "a lane twice": message(column("c", 5, WHOLE, WHOLE)),
            "no lanes": message(column("c", 5)),
            "no priority": message(column("c", 5, WHOLE, priority=0)),
            "nobody's": message(column("c", 5, WHOLE, audience=0)),
            "an unknown kind": message(column("c", 7, WHOLE)),
            "an unknown type": message(column("c", 5, lane("a", 11, 0))),
            "449 bits": message(column("c", 5, *seven_longs, lane("z", U8, 1, "0e0", "1e0", "1e0"))),
            "a point of two": message(column("p", 1, lane("x", I32, 0), lane("y", I32, 0))),
            "a vector of two types": message(column("v", 2, lane("x", F32, 0), lane("y", F64, 0))),
            "a rotation of three": message(column("r", 3, *(lane(axis, F32, 0) for axis in "xyz"))),
            "a signed angle": message(column("a", 4, lane("heading", I16, 0))),
            "more bits than the type": message(column("c", 5, lane("a", U8, 9, "0e0", "1e0", "1e0"))),
            "a range beyond the type": message(column("c", 5, lane("a", U8, 8, "0e0", "2.56e2", "2e0"))),
            "a quantum of 0": message(column("c", 5, lane("a", U8, 8, "0e0", "1e0", "0e0"))),
            "half an integer": message(column("c", 5, lane("a", U8, 8, "0e0", "1e0", "5e-1"))),
            "nothing between": message(column("c", 5, lane("a", U8, 8, "1e0", "1e0", "1e0"))),
            "more steps than codes": message(column("c", 5, lane("a", U8, 7, "0e0", "1.28e2", "1e0"))),
            "fewer than a step": message(column("c", 5, lane("a", F64, 7, "0e0", "1e0", "3e0"))),
            "another spelling": message(column("c", 5, lane("a", U16, 10, "0", "1.023e3", "1e0"))),
        }.items():
            with self.subTest(what), self.assertRaises(Malformed):
                decode_columns(illegal)


class Numbers(unittest.TestCase):
    def test_spelling(self) -> None:
        for value, text in {
            0.0: "0e0", 1.0: "1e0", 10.0: "1e1", -3.0: "-3e0", 0.125: "1.25e-1", 123456.0: "1.23456e5",
            1e22: "1e22", 1.5e300: "1.5e300", 5e-324: "5e-324", 0.1 + 0.2: "3.0000000000000004e-1",
        }.items():  # fmt: skip
            self.assertEqual(scientific(value), text)
            self.assertEqual(decimal(text), value)
        self.assertEqual(scientific(-0.0), "-0e0")

    def test_any_double_is_read_back(self) -> None:
        chance = random.Random(7)
        for _ in range(2_000):
            (value,) = struct.unpack("<d", chance.randbytes(8))
            if math.isfinite(value):
                self.assertEqual(decimal(scientific(value)), value)

    def test_other_spellings_are_refused(self) -> None:
        for text in (
            "0",
            "1",
            "1.0e0",
            "01e0",
            "1e+1",
            "1E1",
            "1e01",
            "inf",
            "nan",
            "1e400",
            "1_0e0",
            " 1e0",
            "",
            "e1",
        ):
            with self.subTest(text), self.assertRaises(Malformed):
                decimal(text)


class Codes(unittest.TestCase):
    def test_the_last_code_is_the_greatest_value(self) -> None:
        odd = Lane("a", "u16", 10, 5, 100, 10)
        self.assertEqual([odd.value(code) for code in (0, 1, 9, 10, 1023)], [5, 15, 95, 100, 100])
        short = Lane("a", "f64", 7, 0.0, 10.4, 1.0)
        self.assertEqual([short.value(code) for code in (9, 10, 11, 127)], [9.0, 10.0, 10.0, 10.0])

    def test_values_as_they_are(self) -> None:
        self.assertEqual(Lane("a", "i8", 0).value(0xFF), -1)
        self.assertEqual(Lane("a", "u8", 0).value(0xFF), 255)
        self.assertEqual(Lane("a", "f32", 0).value(0x3FC00000), 1.5)
        self.assertEqual(Lane("a", "f64", 0).value(0x3FF8 << 48), 1.5)

    def test_a_float_is_rounded_to_its_type(self) -> None:
        self.assertEqual(Lane("a", "f32", 4, 0.0, 1.0, 0.1).value(1), struct.unpack("<f", struct.pack("<f", 0.1))[0])


class Characters(unittest.TestCase):
    def test_what_is_clean(self) -> None:
        for clean in ("a", " ", "\u00e9", "\u5730", "\u2010", "\U0001f30d"):
            self.assertTrue(is_clean(clean), hex(ord(clean)))
        for unclean in (
            0,
            0x1F,
            0x7F,
            0x85,
            0x61C,
            0x200B,
            0x200F,
            0x2028,
            0x202E,
            0x2060,
            0x206F,
            0xFEFF,
            0xFFFB,
            0xE0041,
        ):
            self.assertFalse(is_clean(chr(unclean)), hex(unclean))
