"""Which way a player goes when it is sent elsewhere, or when the line is lost."""

from __future__ import annotations

import contextlib
import io
import unittest

from bluemarble_wire import control
from bluemarble_wire.player import Player
from bluemarble_wire.reader import Malformed
from bluemarble_wire.session import LineLost
from bluemarble_wire.ticket import Ticket
from client import Way, back, follow

from .document import framed

TICKET = Ticket(bytes([2]) * 185, bytes(32), bytes(range(32)))
LOST = LineLost("lost")


def player(*names: str) -> Player:
    """One who has been told these examples."""
    told = Player(say=lambda words: None)
    for name in names:
        told.take_message(control.decode_server_message(framed(name)))
    return told


def quietly(way: Way, told: Player, lost: LineLost, now: float) -> Way:
    """The way back, without a word about it."""
    with contextlib.redirect_stdout(io.StringIO()):
        return back(way, told, lost, now)


class Ways(unittest.TestCase):
    def test_redirects_keep_the_key(self) -> None:
        redirect = control.decode_redirect(framed("redirect"))
        way = follow(redirect, TICKET)
        self.assertEqual(way.address, ("example.org", 4433))
        self.assertEqual(way.ticket, Ticket(redirect.token, bytes([0xAA]) * 32, TICKET.key_seed))
        self.assertIsNone(way.secret)
        self.assertEqual(way.ticket.world_id, 77)

    def test_redirects_to_nowhere_are_refused(self) -> None:
        for address in ("", "example.org", "example.org:", ":4433", "example.org:0", "example.org:65536", "a:b"):
            with self.subTest(address), self.assertRaises(Malformed):
                follow(control.Redirect(address, TICKET.token, bytes(32)), TICKET)

    def test_the_way_back_is_open_for_a_while(self) -> None:
        way = quietly(Way(("localhost", 1), TICKET), player("welcome", "resume"), LOST, now=100.0)
        self.assertEqual((way.secret, way.until, way.entity), (bytes([0x0C]) * 32, 130.0, 1000))
        # Nobody answered on the way back: what is known of the session is what it said before.
        again = quietly(way, player(), LOST, now=130.0)
        self.assertEqual(again, way)
        with self.assertRaises(LineLost):
            back(way, player(), LOST, now=130.1)

    def test_without_a_secret_there_is_no_way_back(self) -> None:
        for known in (player(), player("welcome")):
            with self.assertRaises(LineLost):
                back(Way(("localhost", 1), TICKET), known, LOST, now=100.0)
