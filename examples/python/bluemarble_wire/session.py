"""A session over QUIC: events go to a `Player`, which knows no sockets; what the player has to say goes out."""

from __future__ import annotations

import asyncio
import socket

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic import events
from aioquic.quic.connection import stream_is_unidirectional

from .chat import NEAR, Say, decode_said
from .control import (
    FAREWELL,
    MALFORMED,
    REFUSALS,
    Frames,
    Queued,
    Refuse,
    Welcome,
    decode_server_message,
    encode_hello,
    encode_return,
    frame,
)
from .player import Player
from .quic import PinnedConnection
from .reader import Malformed, legal
from .survey import Survey
from .ticket import Ticket

CONNECT_S = 3.0
WELCOME_S = 10.0


class Ended(Exception):
    """The session is over, and not because this client wanted it."""


class Refused(Ended):
    """The server has refused the player, or sent it away."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"refused with code {code} ({REFUSALS.get(code, 'unknown')}): {text}")
        self.code = code


class LineLost(Ended):
    """Nobody has ended the session: the connection is gone. A player may come back."""


class Session(QuicConnectionProtocol):
    """One connection with one player on it."""

    def __init__(self, quic: PinnedConnection, player: Player) -> None:
        super().__init__(quic)
        self.connection = quic
        self.player = player
        self._frames = Frames()
        self._control_stream: int | None = None
        self._is_silent = False
        self._bulk_frames = Frames()
        self._bulk_stream: int | None = None
        self.survey: Survey | None = None
        self._chat_frames: dict[int, Frames] = {}
        self._chat_stream: int | None = None
        self._welcomed: asyncio.Future[Welcome] | None = None
        self._is_queued = False
        """Since it was last asked, the server has said that the player stands in its queue."""
        self.end: Ended | None = None

    def quic_event_received(self, event: events.QuicEvent) -> None:
        try:
            self._take(event)
        except Malformed as error:
            self._end(Ended(f"the server sent what the protocol does not allow: {error}"))
            self.close(MALFORMED, str(error))

    def _take(self, event: events.QuicEvent) -> None:
        if self.end is not None:
            return
        if isinstance(event, events.DatagramFrameReceived):
            self.player.take_datagram(event.data)
        elif isinstance(event, events.StreamDataReceived):
            self._take_stream(event)
        elif isinstance(event, events.ConnectionTerminated):
            self._end(how_it_ended(event))

    def _take_stream(self, event: events.StreamDataReceived) -> None:
        if event.stream_id == self._bulk_stream and self.survey is not None:
            for data in self._bulk_frames.feed(event.data):
                self.survey.hear(data, asyncio.get_running_loop().time())
            return
        if stream_is_unidirectional(event.stream_id):
            self._take_chat(event)
            return
        if event.stream_id != self._control_stream:
            raise Malformed("it opened a stream")
        for data in self._frames.feed(event.data):
            message = decode_server_message(data)
            if isinstance(message, Refuse):
                self._end(Refused(message.code, message.text))
                return
            self._is_queued = isinstance(message, Queued)
            self.player.take_message(message)
            if isinstance(message, Welcome) and self._welcomed is not None and not self._welcomed.done():
                self._welcomed.set_result(message)
        if event.end_stream:
            raise Malformed("the control stream has ended")

    def _take_chat(self, event: events.StreamDataReceived) -> None:
        frames = self._chat_frames.setdefault(event.stream_id, Frames())
        for data in frames.feed(event.data):
            self.player.take_said(decode_said(data))
        if event.end_stream:
            legal(frames.is_between, "what was said ends early")
            del self._chat_frames[event.stream_id]

    def _end(self, end: Ended) -> None:
        self.end = self.end or end
        if self._welcomed is not None and not self._welcomed.done():
            self._welcomed.set_exception(self.end)

    async def enter(self, ticket: Ticket) -> Welcome:
        """Says hello, and waits for the welcome."""
        proof = ticket.proof(self.connection.exported())
        return await self._open(encode_hello(ticket.world_id, ticket.token, proof))

    async def come_back(self, ticket: Ticket, secret: bytes) -> Welcome:
        """The same for a player whose line was lost, with the newest secret of that session in place of the token."""
        proof = ticket.proof_of_return(self.connection.exported())
        return await self._open(encode_return(ticket.world_id, secret, proof))

    async def _open(self, message: bytes) -> Welcome:
        if self.end is not None:
            raise self.end
        self._control_stream = self.connection.get_next_available_stream_id()
        self.connection.send_stream_data(self._control_stream, frame(message))
        self._welcomed = asyncio.get_running_loop().create_future()
        self.transmit()
        while True:
            self._is_queued = False
            done, _ = await asyncio.wait([self._welcomed], timeout=WELCOME_S)
            if done:
                return self._welcomed.result()
            if not self._is_queued:
                raise LineLost("there is no answer")

    def command(self, kind: int, body: bytes = b"") -> None:
        """Asks something of the game."""
        assert self._control_stream is not None
        self.connection.send_stream_data(self._control_stream, frame(self.player.command(kind, body)))
        self.transmit()

    def say(self, text: str, channel: int = NEAR) -> None:
        """Says something to other players."""
        if self._chat_stream is None:
            self._chat_stream = self.connection.get_next_available_stream_id(is_unidirectional=True)
        self.connection.send_stream_data(self._chat_stream, frame(Say(channel, text).encode()))
        self.transmit()

    def look_around(self) -> None:
        """Asks for the ground under the player, on a stream of its own. Call it now and then."""
        assert self.player.welcome is not None
        if self.survey is None:
            self.survey = Survey(self.player.welcome.lattice)
        request = self.survey.request(self.player.own_place, asyncio.get_running_loop().time())
        if request is not None:
            if self._bulk_stream is None:
                self._bulk_stream = self.connection.get_next_available_stream_id()
            self.connection.send_stream_data(self._bulk_stream, request)
            self.transmit()

    def send_datagram(self, data: bytes) -> None:
        """Sends a datagram that may get lost."""
        self.connection.send_datagram_frame(data)
        self.transmit()

    def fall_silent(self) -> None:
        """Sends nothing more, and no farewell either: as if the line were lost."""
        self._is_silent = True

    def transmit(self) -> None:
        if not self._is_silent:
            super().transmit()

    async def leave(self) -> None:
        """A plain farewell."""
        self.close(FAREWELL)
        await self.wait_closed()


def how_it_ended(event: events.ConnectionTerminated) -> Ended:
    """A close by the application has the code of a refusal; all others are QUIC's."""
    if event.frame_type is None and event.error_code in REFUSALS:
        return Refused(event.error_code, event.reason_phrase)
    if event.frame_type is None and event.error_code == FAREWELL:
        return Ended("the server has closed the connection")
    return LineLost(f"the connection has failed: QUIC error {event.error_code:#x} {event.reason_phrase}".rstrip())


async def connect(host: str, port: int, ticket: Ticket, player: Player) -> tuple[asyncio.DatagramTransport, Session]:
    """Connects to the one server that the ticket means."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, _, _, _, address = found[0]
    quic = PinnedConnection(ticket.fingerprint)
    transport, session = await loop.create_datagram_endpoint(
        lambda: Session(quic, player), local_addr=("::" if family == socket.AF_INET6 else "0.0.0.0", 0)
    )
    session.connect(address)
    try:
        await asyncio.wait_for(session.wait_connected(), CONNECT_S)
    except (ConnectionError, TimeoutError) as error:
        session.fall_silent()
        transport.close()
        raise session.end or LineLost("nobody answers") from error
    return transport, session
