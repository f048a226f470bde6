"""A player without a socket: takes messages and datagrams, and makes inputs. Time comes in as ticks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from . import coords
from .chat import Said
from .columns import NO_COLUMNS, Codes, Column, Columns
from .control import Digest, Maintenance, Queued, Redirect, Resume, ServerMessage, TimeDilation, Welcome
from .game import Answer, Command, Event
from .inputs import (
    NOTHING_SHOWN,
    OWN_STATE,
    OWN_VALUES,
    Asked,
    Inputs,
    OwnState,
    Wish,
    decode_own_state,
    decode_own_values,
)
from .reader import Malformed, legal
from .replica import Replica
from .snapshot import SNAPSHOT, State, decode_snapshot

EARLY_DATAGRAMS_MAX = 256
FINE_PER_M = 1 << 16
WIRE_PER_M = 1 << 7
SPEED_PER_MPS = 1 << 8
CIRCLE_S = 6.0


@dataclass
class Counts:
    """What has come, in all sessions that one was taken up again as."""

    sessions: int = 0
    datagrams: int = 0
    own_states: int = 0
    own_values: int = 0
    digests_equal: int = 0
    digests_unequal: int = 0
    digests_unknown: int = 0
    entities_most: int = 0
    answers: int = 0
    events: int = 0
    said: int = 0


class Player:
    """What a client knows and wants."""

    def __init__(self, say: Callable[[str], None], counts: Counts | None = None) -> None:
        self._say = say
        self.welcome: Welcome | None = None
        self.columns: Columns | None = None
        self.redirect: Redirect | None = None
        self.resume: Resume | None = None
        """The newest."""
        self.replica = Replica()
        self.asked = Asked()
        self.own: OwnState | None = None
        self.own_values: tuple[Codes, ...] = ()
        self.counts = counts or Counts()
        self.time_rate = 1.0
        """How fast the world's time runs."""
        self._own_values_tick = -1
        self._early: list[bytes] = []
        self._operation = 0
        self._unanswered: set[int] = set()
        self.answer: Answer | None = None
        """The newest."""
        self.said: Said | None = None
        """What was said last."""

    # --- what comes ------------------------------------------------------------------------------------------

    def take_message(self, message: ServerMessage) -> None:
        """Takes a message of the control stream, except a refusal."""
        if isinstance(message, Columns):
            legal(self.columns is None, "columns come once, ahead of the welcome")
            self.columns = message
        elif isinstance(message, Welcome):
            self._take_welcome(message)
        elif isinstance(message, Queued):
            legal(self.welcome is None, "who has been welcomed does not wait")
            self._say(f"the world is full: place {message.place} in the queue")
        elif self.welcome is None:
            raise Malformed("something else came before the welcome")
        elif isinstance(message, Digest):
            self._take_digest(message)
        elif isinstance(message, TimeDilation):
            self.time_rate = message.thousandths / 1000
        elif isinstance(message, Maintenance):
            self._say(f"the server stops in {message.in_s} s: {message.text}")
        elif isinstance(message, Redirect):
            self._say(f"the session goes on at {message.address}")
            self.redirect = message
        elif isinstance(message, Resume):
            self.resume = message
        elif isinstance(message, Answer):
            self._take_answer(message)
        elif isinstance(message, Event):
            self.counts.events += 1
            self._say(f"event {message.kind} in tick {message.tick}, {len(message.body)} bytes")

    def _take_answer(self, answer: Answer) -> None:
        legal(answer.operation in self._unanswered, "an answer to no command")
        self._unanswered.remove(answer.operation)
        self.answer = answer
        self.counts.answers += 1
        self._say(str(answer))

    def take_said(self, said: Said) -> None:
        """Takes what somebody has said."""
        self.said = said
        self.counts.said += 1
        self._say(f"{said.name} (entity {said.entity}): {said.text}")

    def _take_welcome(self, welcome: Welcome) -> None:
        legal(self.welcome is None, "there is one welcome")
        self.welcome = welcome
        self.counts.sessions += 1
        self.columns = self.columns or NO_COLUMNS
        for data in self._early:
            self._take_known(data, self.columns)
        self._early.clear()

    def _take_digest(self, digest: Digest) -> None:
        equal, unequal = self.replica.check(digest)
        self.counts.digests_equal += equal > 0 and unequal == 0
        self.counts.digests_unequal += unequal > 0
        self.counts.digests_unknown += equal == unequal == 0
        if unequal:
            self._say(f"the digest of epoch {digest.epoch} disagrees about {unequal} entities")

    def take_datagram(self, data: bytes) -> None:
        """Takes a datagram. One that comes before the welcome has to wait for what its columns are."""
        self.counts.datagrams += 1
        if self.welcome is not None and self.columns is not None:
            self._take_known(data, self.columns)
        elif len(self._early) < EARLY_DATAGRAMS_MAX:
            self._early.append(data)

    def _take_known(self, data: bytes, columns: Columns) -> None:
        kind = data[0] if data else None
        if kind == SNAPSHOT:
            snapshot = decode_snapshot(data, columns)
            self.asked.acknowledged = max(self.asked.acknowledged, snapshot.last_input)
            self.replica.receive(snapshot)
            self.counts.entities_most = max(self.counts.entities_most, len(self.replica.view))
        elif kind == OWN_STATE:
            state = decode_own_state(data)
            self.counts.own_states += 1
            if self.own is None or state.tick > self.own.tick:
                self.own = state
        elif kind == OWN_VALUES:
            values = decode_own_values(data, columns)
            self.counts.own_values += 1
            if values.tick > self._own_values_tick:
                self._own_values_tick, self.own_values = values.tick, values.codes
        else:
            raise Malformed("a datagram is of an unknown kind")

    # --- what goes -------------------------------------------------------------------------------------------

    def walk_in_a_circle(self) -> None:
        """Asks for the next step on a circle of some seconds."""
        welcome = self._known_welcome()
        ticks = CIRCLE_S * welcome.tick_rate_hz
        turns = (self.asked.last / ticks) % 1.0
        east, north = math.sin(math.tau * turns), math.cos(math.tau * turns)
        speed = welcome.speed_max
        # Cut towards zero: rounded up, the wish could be faster than allowed.
        self.asked.ask(Wish(int(speed * east), int(speed * north), 0, int(turns * 65536), 0))

    def stand(self) -> None:
        """Asks to stay."""
        self.asked.ask(Wish())

    def command(self, kind: int, body: bytes) -> bytes:
        """The message that asks something of the game; it will be answered."""
        self._operation += 1
        self._unanswered.add(self._operation)
        return Command(self._operation, kind, body).encode()

    def inputs(self) -> bytes:
        """The datagram that is due."""
        first, wishes = self.asked.due()
        seen = max(self.replica.newest_tick, self.own.tick if self.own else 0)
        # This client draws nothing and predicts nothing.
        return Inputs(self.replica.acknowledged_epoch, seen & 0xFFFF_FFFF, NOTHING_SHOWN, 0, first, wishes).encode()

    # --- what is known ---------------------------------------------------------------------------------------

    def _known_welcome(self) -> Welcome:
        assert self.welcome is not None, "nothing is known before the welcome"
        return self.welcome

    @property
    def for_all(self) -> tuple[Column, ...]:
        """The columns that are told of everybody."""
        return self.columns.for_all if self.columns else ()

    @property
    def for_owner(self) -> tuple[Column, ...]:
        """The columns that are told of the player alone."""
        return self.columns.for_owner if self.columns else ()

    @property
    def entities(self) -> int:
        """How many are in view."""
        return len(self.replica.view)

    @property
    def own_place(self) -> coords.Vector | None:
        """Where the player is: exactly if an own state has come, else to 2^-7 m."""
        radius_m = self._known_welcome().radius_m
        seen = self.replica.view.get(self._known_welcome().entity)
        if self.own is not None and coords.is_cell(self.own.frame):
            x, y, z = (axis / FINE_PER_M for axis in self.own.position)
            return coords.place(self.own.frame, (x, y, z), radius_m)
        return None if seen is None else place_of(seen.state, radius_m)

    def where(self, state: State) -> str:
        """A place in words."""
        radius_m = self._known_welcome().radius_m
        at = place_of(state, radius_m)
        return f"aboard {state.frame & (1 << 61) - 1}" if at is None else str(coords.geodetic(at, radius_m))

    def nearest(self, count: int) -> list[tuple[float, int, State]]:
        """Who is nearest: distance in metres, entity, state."""
        welcome, me = self._known_welcome(), self.own_place
        if me is None:
            return []
        found = []
        for entity, seen in self.replica.view.items():
            at = place_of(seen.state, welcome.radius_m)
            if at is not None and entity != welcome.entity:
                found.append((math.dist(me, at), entity, seen.state))
        return sorted(found)[:count]


def place_of(state: State, radius_m: float) -> coords.Vector | None:
    """Planet-centred metres; None aboard a carrier, whose own pose the wire does not tell."""
    if not coords.is_cell(state.frame):
        return None
    x, y, z = (axis / WIRE_PER_M for axis in state.position)
    return coords.place(state.frame, (x, y, z), radius_m)
