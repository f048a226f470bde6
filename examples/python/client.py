#!/usr/bin/env python3
"""Enters a Bluemarble world, walks about, and says each second what it sees.

    bluemarble token --data DIR --player 1 | python client.py 127.0.0.1:4433 --seconds 10

Ends with 0; with 1 if a digest disagreed with what this client had; with 3 if it was refused or the session broke.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import sys
from dataclasses import asdict, dataclass, replace

from bluemarble_wire import coords
from bluemarble_wire.columns import Column
from bluemarble_wire.control import Redirect
from bluemarble_wire.player import Counts, Player
from bluemarble_wire.reader import Malformed
from bluemarble_wire.session import Ended, LineLost, Session, connect
from bluemarble_wire.ticket import Ticket, parse_ticket

UNEQUAL, BROKEN = 1, 3
REDIRECTS_MAX = 4
RETRY_S = 0.5
TICKS_A_DATAGRAM = 2
GAITS = ("walks", "falls", "swims")


def main(arguments: list[str] | None = None) -> int:
    options = parse_options(arguments)
    try:
        ticket = parse_ticket(options.ticket or sys.stdin.readline())
        summary = asyncio.run(visit(options, ticket))
    except (Ended, Malformed, OSError) as error:
        print(f"client: {error}", file=sys.stderr)
        return BROKEN
    print(json.dumps(summary) if options.json else "\n".join(f"{name:18} {value}" for name, value in summary.items()))
    return UNEQUAL if summary["digests_unequal"] else 0


def parse_options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Enters a Bluemarble world, and says each second what it sees.")
    parser.add_argument("address", type=host_and_port, help="host and port of the server")
    parser.add_argument("--ticket", help="the line that `bluemarble token` prints; else it is read from the input")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to stay (10)")
    parser.add_argument("--stand", action="store_true", help="stand still instead of walking in a circle")
    parser.add_argument("--ground", action="store_true", help="ask for the ground under the player, and compare")
    parser.add_argument("--say", metavar="TEXT", help="say something to those near")
    parser.add_argument("--json", action="store_true", help="print the summary as a line of JSON")
    return parser.parse_args(arguments)


def host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError(f"{text} is no host:port")
    return host.strip("[]"), int(port)


@dataclass
class Way:
    """Where a player goes next, and with what."""

    address: tuple[str, int]
    ticket: Ticket
    secret: bytes | None = None
    """Of a session whose line was lost: the way back into it."""
    until: float = math.inf
    """How long that is open."""
    entity: int = 0
    """Whose session it was."""


async def visit(options: argparse.Namespace, ticket: Ticket) -> dict[str, object]:
    """Plays, wherever redirects lead, and comes back when the line is lost."""
    loop = asyncio.get_running_loop()
    way, until = Way(options.address, ticket), loop.time() + options.seconds
    counts, redirects = Counts(), 0
    while True:
        player = Player(say=print, counts=counts)
        try:
            session, moved_m = await stay(way, player, options, until)
        except LineLost as lost:
            way = back(way, player, lost, loop.time())
            await asyncio.sleep(RETRY_S)
            continue
        if player.redirect is None:
            return summary_of(player, moved_m) | ground_of(session)
        redirects += 1
        if redirects > REDIRECTS_MAX:
            raise Ended("redirects lead in circles")
        way = follow(player.redirect, ticket)


async def stay(way: Way, player: Player, options: argparse.Namespace, until: float) -> tuple[Session, float]:
    """One connection, from its beginning to its end; how far the player has been from where it began."""
    transport, session = await connect(*way.address, way.ticket, player)
    try:
        if way.secret is None:
            await session.enter(way.ticket)
        elif (await session.come_back(way.ticket, way.secret)).entity != way.entity:
            raise Malformed("the session that was taken up again is another's")
        return session, await play(session, options, until)
    finally:
        await session.leave()
        transport.close()


def back(way: Way, player: Player, lost: LineLost, now: float) -> Way:
    """The way back into a session whose line was lost, while there is one."""
    if player.welcome is not None and player.resume is not None:
        way = replace(
            way, secret=player.resume.secret, until=now + player.resume.good_for_s, entity=player.welcome.entity
        )
    if way.secret is None or now > way.until:
        raise lost
    print(f"{lost}; coming back")
    return way


def follow(redirect: Redirect, ticket: Ticket) -> Way:
    """The way to the next server, with the key that is there already."""
    try:
        address = host_and_port(redirect.address)
    except argparse.ArgumentTypeError as error:
        raise Malformed(str(error)) from error
    return Way(address, Ticket(redirect.token, redirect.fingerprint, ticket.key_seed))


async def play(session: Session, options: argparse.Namespace, until: float) -> float:
    """One input a tick, until it is time to go; how far from where it began the player has been, in metres."""
    loop, player = asyncio.get_running_loop(), session.player
    assert player.welcome is not None
    print(f"entity {player.welcome.entity} of world {player.welcome.world_id}, tick {player.welcome.tick}")
    print(f"told of everybody: {names(player.for_all)}; of myself: {names(player.for_owner)}")
    tick_s = 1 / player.welcome.tick_rate_hz
    if options.say:
        session.say(options.say)
    began = due = reported = loop.time()
    home: coords.Vector | None = None
    moved_m = 0.0
    while loop.time() < until and player.redirect is None:
        if session.end is not None:
            raise session.end
        player.stand() if options.stand else player.walk_in_a_circle()
        if player.asked.last % TICKS_A_DATAGRAM == 0:
            session.send_datagram(player.inputs())
        if options.ground:
            session.look_around()
        if (place := player.own_place) is not None:
            home = home or place
            moved_m = max(moved_m, math.dist(home, place))
        if loop.time() >= reported + 1:
            reported += 1
            print(line_of(player, loop.time() - began))
        # Ticks that were missed are not made up for: the server lets the last wish stand.
        due = max(due + tick_s / player.time_rate, loop.time())
        await asyncio.sleep(due - loop.time())
    return moved_m


def names(columns: tuple[Column, ...]) -> str:
    """Columns and their lanes in words."""
    words = [f"{column.name} ({', '.join(lane.name for lane in column.lanes)})" for column in columns]
    return ", ".join(words) or "place and heading alone"


def line_of(player: Player, seconds: float) -> str:
    """What the player sees."""
    assert player.welcome is not None
    replica, place = player.replica, player.own_place
    words = [f"{seconds:5.1f} s  tick {replica.newest_tick}  {player.entities} entities"]
    words.append(f"{replica.bits / max(replica.updates, 1):.1f} bits an update")
    if place is not None:
        words.append(f"me at {coords.geodetic(place, player.welcome.radius_m)}")
    for distance_m, entity, state in player.nearest(1):
        words.append(f"{entity} is {distance_m:.1f} m away at {player.where(state)}")
    return ", ".join(words)


def summary_of(player: Player, moved_m: float) -> dict[str, object]:
    replica = player.replica
    return asdict(player.counts) | {
        "columns": len(player.for_all) + len(player.for_owner),
        "inputs": player.asked.last,
        "inputs_used": player.asked.acknowledged,
        "epoch": replica.acknowledged_epoch,
        "updates": replica.updates,
        "bits_an_update": round(replica.bits / max(replica.updates, 1), 2),
        "moved_m": round(moved_m, 3),
    }


def ground_of(session: Session) -> dict[str, object]:
    """What is known of the ground under the player, if it was asked for."""
    player, survey = session.player, session.survey
    place = player.own_place
    if survey is None or survey.tile is None or place is None or player.own is None or player.welcome is None:
        return {}
    ground_m = survey.height_m(place)
    altitude_m = coords.geodetic(place, player.welcome.radius_m).altitude_m
    return {
        "gait": GAITS[player.own.gait],
        "tile": f"{survey.tile.cell:#x}",
        "tile_is_the_servers": survey.tile.name() & 0xFFFF_FFFF == player.own.tile_name_low,
        "above_ground_m": None if ground_m is None else round(altitude_m - ground_m, 4),
    }


if __name__ == "__main__":
    sys.exit(main())
