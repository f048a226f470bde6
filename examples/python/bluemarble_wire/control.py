"""The control stream (section 3): frames, the client's hello, and everything that a server says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from .columns import Columns, decode_columns
from .game import Answer, Event, decode_answer, decode_event
from .reader import Malformed, Reader, legal

PROTOCOL_VERSION = 3
CLIENT_FRAME_BYTES_MAX = 1024
TOKEN_BYTES_MAX = 512
DIGEST_ENTITIES_MAX = 16
AXIS_MAX = (1 << 22) - 1
"""Positions on the wire go from -2^22 to this, in 2^-7 m."""

REFUSALS = {
    1: "version",
    2: "world",
    3: "token",
    4: "full",
    5: "malformed",
    6: "closing",
    7: "connected elsewhere",
    8: "too many messages",
    9: "no hello in time, or messages or ground that are not read",
    10: "unfair play",
    11: "token for another server",
    12: "possession not proven",
    13: "nothing to resume",
}
MALFORMED = 5
FAREWELL = 0


def frame(message: bytes) -> bytes:
    """A message as a client sends it on a stream: its length before it."""
    assert 1 <= len(message) <= CLIENT_FRAME_BYTES_MAX
    return len(message).to_bytes(2, "little") + message


class Frames:
    """Cuts a stream, which arrives in pieces of any size, into messages."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes what has arrived and yields every message that is complete now."""
        self._bytes += data
        while len(self._bytes) >= 2:
            size = int.from_bytes(self._bytes[:2], "little")
            legal(size != 0, "a frame is empty")
            if len(self._bytes) < 2 + size:
                return
            message = bytes(self._bytes[2 : 2 + size])
            del self._bytes[: 2 + size]
            yield message

    @property
    def is_between(self) -> bool:
        """Whether nothing of a message has come that is not complete."""
        return not self._bytes


def encode_hello(world_id: int, token: bytes, proof: bytes) -> bytes:
    """A client's first message."""
    assert len(token) <= TOKEN_BYTES_MAX and len(proof) == 64
    return b"".join(
        (
            b"\x01BMRB",
            PROTOCOL_VERSION.to_bytes(2, "little"),
            world_id.to_bytes(8, "little"),
            len(token).to_bytes(2, "little"),
            token,
            proof,
        )
    )


@dataclass(frozen=True)
class Hello:
    """What a hello says; clients only write them."""

    version: int
    world_id: int
    token: bytes
    proof: bytes


def decode_hello(data: bytes) -> Hello:
    """Reads a hello of version 3, as a server would."""
    reader = Reader(data)
    reader.kind(0x01)
    legal(reader.take(4) == b"BMRB", "a hello has another magic")
    version, world_id, size = reader.u16(), reader.u64(), reader.u16()
    legal(version == PROTOCOL_VERSION, "a hello of another version")
    legal(size <= TOKEN_BYTES_MAX, "a token is too long")
    hello = Hello(version, world_id, reader.take(size), reader.take(64))
    reader.end()
    return hello


def encode_return(world_id: int, secret: bytes, proof: bytes) -> bytes:
    """The first message, in place of a hello, of a client whose line was lost."""
    assert len(secret) == 32 and len(proof) == 64
    head = b"\x02BMRB" + PROTOCOL_VERSION.to_bytes(2, "little")
    return head + world_id.to_bytes(8, "little") + secret + proof


@dataclass(frozen=True)
class Return:
    """What a return says; clients only write them."""

    version: int
    world_id: int
    secret: bytes
    proof: bytes


def decode_return(data: bytes) -> Return:
    """Reads a return, as a server would."""
    reader = Reader(data)
    reader.kind(0x02)
    legal(reader.take(4) == b"BMRB", "a return has another magic")
    version = reader.u16()
    legal(version == PROTOCOL_VERSION, "a return of another version")
    again = Return(version, reader.u64(), reader.take(32), reader.take(64))
    reader.end()
    return again


@dataclass(frozen=True)
class Welcome:
    """The player is in. Lengths, speeds and so on are in the units of the wire; properties have metres."""

    world_id: int
    entity: int
    tick: int
    tick_rate_hz: int
    snapshot_ticks: int
    radius_mm: int
    interest_dm: int
    speed_max: int
    gravity: int
    movement: int
    capsule_radius: int
    capsule_height: int
    acceleration: int
    steepest: int
    step: int
    jump_speed: int
    drag: int
    flyer_gravity: int
    lattice: int
    """Fingerprint of the terrain's lattice; 0 says nothing."""

    @property
    def radius_m(self) -> float:
        return self.radius_mm / 1000


@dataclass(frozen=True)
class Refuse:
    """The player is not let in, or sent away."""

    code: int
    text: str


@dataclass(frozen=True)
class DigestEntity:
    """What the server says that an entity of a complete set was."""

    entity: int
    frame: int
    x: int
    y: int
    z: int
    heading: int


@dataclass(frozen=True)
class Digest:
    """Some of what the client must have had at an epoch that it acknowledged."""

    epoch: int
    durable_tick: int
    state_hash: int
    entities: tuple[DigestEntity, ...]


@dataclass(frozen=True)
class Redirect:
    """The session goes on elsewhere."""

    address: str
    token: bytes
    fingerprint: bytes


@dataclass(frozen=True)
class Maintenance:
    """The server will stop."""

    in_s: int
    text: str


@dataclass(frozen=True)
class TimeDilation:
    """The world's time runs slower than its tick rate says."""

    thousandths: int


@dataclass(frozen=True)
class Queued:
    """The world is full: the player's place in the queue, and for how long."""

    place: int
    wait_s: int


@dataclass(frozen=True)
class Resume:
    """What the player can come back with should its line be lost; never shown."""

    secret: bytes = field(repr=False)
    good_for_s: int


ServerMessage = (
    Welcome | Refuse | Digest | Redirect | Maintenance | TimeDilation | Queued | Columns | Resume | Answer | Event
)


def decode_server_message(data: bytes) -> ServerMessage:
    """Reads any message of a server. One of an unknown kind is refused like a malformed one."""
    decode = SERVER_KINDS.get(data[0]) if data else None
    if decode is None:
        raise Malformed("a message is of an unknown kind")
    return decode(data)


def decode_welcome(data: bytes) -> Welcome:
    reader = Reader(data)
    reader.kind(0x81)
    sizes = (8, 8, 8, 2, 1, 8, 4, 2, 2, 1, 2, 2, 2, 2, 2, 2, 2, 2, 8)
    welcome = Welcome(*(reader.unsigned(size) for size in sizes))
    reader.end()
    legal(1 <= welcome.tick_rate_hz <= 1000, "ticks a second are 1 to 1,000")
    legal(10**7 <= welcome.radius_mm <= 10**11, "a planet has a radius of 10 to 100,000 km")
    legal(welcome.snapshot_ticks in (1, 2, 4, 8), "snapshots come every 1, 2, 4 or 8 ticks")
    return welcome


def decode_refuse(data: bytes) -> Refuse:
    reader = Reader(data)
    reader.kind(0x82)
    refuse = Refuse(reader.u16(), reader.text())
    reader.end()
    return refuse


def decode_digest(data: bytes) -> Digest:
    reader = Reader(data)
    reader.kind(0x83)
    epoch, durable_tick, state_hash, count = reader.u32(), reader.u64(), reader.u64(), reader.u8()
    legal(epoch != 0, "there is no epoch 0")
    legal(count <= DIGEST_ENTITIES_MAX, "a digest has at most 16 entities")
    entities = tuple(read_digest_entity(reader) for _ in range(count))
    reader.end()
    return Digest(epoch, durable_tick, state_hash, entities)


def read_digest_entity(reader: Reader) -> DigestEntity:
    entity, frame_id = reader.u64(), reader.u64()
    x, y, z = (reader.signed(4) for _ in range(3))
    legal(all(-AXIS_MAX - 1 <= axis <= AXIS_MAX for axis in (x, y, z)), "a position is out of range")
    return DigestEntity(entity, frame_id, x, y, z, reader.u8())


def decode_redirect(data: bytes) -> Redirect:
    reader = Reader(data)
    reader.kind(0x84)
    address, size = reader.text(), reader.u16()
    legal(size <= TOKEN_BYTES_MAX, "a token is too long")
    redirect = Redirect(address, reader.take(size), reader.take(32))
    reader.end()
    return redirect


def decode_maintenance(data: bytes) -> Maintenance:
    reader = Reader(data)
    reader.kind(0x85)
    maintenance = Maintenance(reader.u32(), reader.text())
    reader.end()
    return maintenance


def decode_time_dilation(data: bytes) -> TimeDilation:
    reader = Reader(data)
    reader.kind(0x86)
    dilation = TimeDilation(reader.u16())
    reader.end()
    legal(1 <= dilation.thousandths <= 1000, "time runs at 1 to 1,000 thousandths")
    return dilation


def decode_resume(data: bytes) -> Resume:
    reader = Reader(data)
    reader.kind(0x88)
    resume = Resume(reader.take(32), reader.u16())
    reader.end()
    legal(resume.good_for_s != 0, "a secret is good for some time")
    return resume


def decode_queued(data: bytes) -> Queued:
    reader = Reader(data)
    reader.kind(0x8B)
    queued = Queued(reader.u32(), reader.u16())
    reader.end()
    legal(queued.place != 0, "places in a queue are counted from 1")
    return queued


SERVER_KINDS: dict[int, Callable[[bytes], ServerMessage]] = {
    0x81: decode_welcome,
    0x82: decode_refuse,
    0x83: decode_digest,
    0x84: decode_redirect,
    0x85: decode_maintenance,
    0x86: decode_time_dilation,
    0x87: decode_columns,
    0x88: decode_resume,
    0x89: decode_answer,
    0x8A: decode_event,
    0x8B: decode_queued,
}
