"""Every example of docs/wire.md says what the text beside it says, and no cut or lengthened one is accepted."""

from __future__ import annotations

import random
import unittest
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bluemarble_wire import chat, columns, control, game, ground, inputs, ticket
from bluemarble_wire.columns import NO_COLUMNS, Column, Columns, Lane
from bluemarble_wire.player import Player
from bluemarble_wire.reader import Malformed
from bluemarble_wire.replica import Replica
from bluemarble_wire.snapshot import CompleteSet, Snapshot, decode_snapshot

from .document import examples, framed

FRAME = 0x4000001000000000
ISSUER = Ed25519PrivateKey.from_private_bytes(bytes(range(0x00, 0x20)))
HOLDER = Ed25519PrivateKey.from_private_bytes(bytes(range(0x20, 0x40)))
EXPORTED = bytes([0x0B]) * 32
FACE_1, ITS_FIRST_QUARTER = 0x3000000000000000, 0x2400000000000000
OWNER = Columns(
    for_owner=(
        Column(
            "load", "raw", 1, True, 0, 1,
            (Lane("mass", "u16", 10, 0.0, 1023.0, 1.0), Lane("seats", "u8", 3, 0.0, 7.0, 1.0)),
        ),
    )
)  # fmt: skip
"""What the example of own values says of its columns."""

DECODERS: dict[str, Callable[[bytes], object]] = {
    "hello": control.decode_hello,
    "welcome": control.decode_welcome,
    "columns": columns.decode_columns,
    "refuse": control.decode_refuse,
    "digest": control.decode_digest,
    "redirect": control.decode_redirect,
    "resume": control.decode_resume,
    "return": control.decode_return,
    "maintenance": control.decode_maintenance,
    "queued": control.decode_queued,
    "time_dilation": control.decode_time_dilation,
    "command": game.decode_command,
    "answer": game.decode_answer,
    "event": game.decode_event,
    "say": chat.decode_say,
    "said": chat.decode_said,
    "input": inputs.decode_inputs,
    "own": inputs.decode_own_state,
    "absolute": lambda data: decode_snapshot(data, NO_COLUMNS),
    "moved": lambda data: decode_snapshot(data, NO_COLUMNS),
    "next_set": lambda data: decode_snapshot(data, NO_COLUMNS),
    "predicted": lambda data: decode_snapshot(data, NO_COLUMNS),
    "values_set": lambda data: decode_snapshot(data, columns.decode_columns(framed("columns"))),
    "values": lambda data: decode_snapshot(data, columns.decode_columns(framed("columns"))),
    "own_values": lambda data: inputs.decode_own_values(data, OWNER),
    "ground_request": ground.decode_request,
    "tiles_request": ground.decode_request,
    "ground": ground.decode_answer,
    "tile_unchanged": ground.decode_answer,
    "tile_later": ground.decode_answer,
    "tile_plain": ground.decode_answer,
    "tile_packed": ground.decode_answer,
}
DATAGRAMS = {"input", "own", "absolute", "moved", "next_set", "predicted", "values_set", "values", "own_values"}
GROWS = {"tile_plain": 11, "command": 11, "answer": 19, "event": 11}
"""The last field of these is whatever is left, so a byte more makes another message, and so many are the least."""


def message(name: str) -> bytes:
    return examples()[name] if name in DATAGRAMS else framed(name)


class EveryExample(unittest.TestCase):
    def test_has_a_decoder(self) -> None:
        self.assertEqual(set(DECODERS), set(examples()))

    def test_is_accepted_whole(self) -> None:
        for name, decode in DECODERS.items():
            with self.subTest(name):
                decode(message(name))

    def test_is_refused_cut_at_any_length(self) -> None:
        for name, decode in DECODERS.items():
            data = message(name)
            for length in range(GROWS.get(name, len(data))):
                with self.subTest(name, length=length), self.assertRaises(Malformed):
                    decode(data[:length])

    def test_is_refused_with_a_byte_behind_it(self) -> None:
        for name in DECODERS.keys() - GROWS.keys():
            for byte in (b"\x00", b"\x01", b"\xff"):
                with self.subTest(name, byte=byte), self.assertRaises(Malformed):
                    DECODERS[name](message(name) + byte)

    def test_is_refused_as_another_kind(self) -> None:
        for name, decode in DECODERS.items():
            data = message(name)
            with self.subTest(name), self.assertRaises(Malformed):
                decode(bytes([data[0] ^ 0x40]) + data[1:])

    def test_damaged_is_read_or_refused(self) -> None:
        """Whatever a peer sends: `Malformed`, or a message; never another exception."""
        chance = random.Random(11)
        for name, decode in DECODERS.items():
            refused = 0
            for _ in range(500):
                data = bytearray(message(name))
                for _ in range(chance.randrange(1, 4)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
                try:
                    decode(bytes(data))
                except Malformed:
                    refused += 1
            self.assertGreater(refused, 0, name)

    def test_comes_out_of_a_stream_in_pieces(self) -> None:
        frames = control.Frames()
        names = sorted(DECODERS.keys() - DATAGRAMS)
        stream = b"".join(examples()[name] for name in names)
        came = [data for byte in stream for data in frames.feed(bytes([byte]))]
        self.assertEqual(came, [framed(name) for name in names])
        self.assertTrue(frames.is_between)

    def test_empty_frames_are_refused(self) -> None:
        with self.assertRaises(Malformed):
            list(control.Frames().feed(b"\0\0"))


class Letters(unittest.TestCase):
    def test_hello(self) -> None:
        hello = control.decode_hello(framed("hello"))
        token = ticket.decode_token(hello.token)
        self.assertEqual((hello.version, hello.world_id), (3, 77))
        self.assertEqual((token.world_id, token.player_id, token.name), (77, 5, "Ada"))
        self.assertEqual((token.holds_from_s, token.holds_until_s), (1000, 1060))
        self.assertEqual((token.nonce, token.audience), (bytes([7]) * 16, bytes([0x0A]) * 16))
        self.assertEqual(token.holder, HOLDER.public_key().public_bytes_raw())
        ISSUER.public_key().verify(token.signature, token.signed(hello.token))
        mine = ticket.Ticket(hello.token, bytes(32), HOLDER.private_bytes_raw())
        self.assertEqual(hello.proof, mine.proof(EXPORTED))
        self.assertEqual(control.encode_hello(mine.world_id, mine.token, mine.proof(EXPORTED)), framed("hello"))
        self.assertEqual(control.frame(framed("hello")), examples()["hello"])

    def test_welcome(self) -> None:
        welcome = control.decode_welcome(framed("welcome"))
        self.assertEqual((welcome.world_id, welcome.entity, welcome.tick), (77, 1000, 240))
        self.assertEqual((welcome.tick_rate_hz, welcome.snapshot_ticks), (30, 2))
        self.assertEqual((welcome.radius_m, welcome.interest_dm), (6_371_008.8, 2000))
        self.assertEqual((welcome.speed_max, welcome.movement), (4 * 256, 1))
        self.assertAlmostEqual(welcome.gravity / 256, 9.81, delta=1 / 256)
        self.assertAlmostEqual(welcome.capsule_radius / 256, 0.4, delta=1 / 256)
        self.assertAlmostEqual(welcome.capsule_height / 256, 1.8, delta=1 / 256)
        self.assertNotEqual(welcome.lattice, 0)

    def test_columns(self) -> None:
        known = columns.decode_columns(framed("columns"))
        (health,) = known.for_all
        self.assertEqual(known.for_owner, ())
        self.assertEqual((health.name, health.kind, health.version), ("health", "scalar", 2))
        self.assertEqual((health.for_owner, health.rate_hz, health.priority), (False, 5, 4))
        points, heat = health.lanes
        self.assertEqual((points.name, points.type, points.bits), ("points", "u16", 10))
        self.assertEqual([points.value(code) for code in (0, 700, 1023)], [0, 700, 1023])
        self.assertEqual((heat.name, heat.type, heat.bits), ("heat", "f32", 7))
        self.assertEqual([heat.value(code) for code in (0, 1, 120, 127)], [-10.0, -9.5, 50.0, 50.0])

    def test_refuse(self) -> None:
        self.assertEqual(control.decode_server_message(framed("refuse")), control.Refuse(4, "full"))

    def test_coming_back(self) -> None:
        secret = bytes([0x0C]) * 32
        self.assertEqual(control.decode_server_message(framed("resume")), control.Resume(secret, 30))
        mine = ticket.Ticket(control.decode_hello(framed("hello")).token, bytes(32), HOLDER.private_bytes_raw())
        proof = mine.proof_of_return(EXPORTED)
        self.assertEqual(control.encode_return(77, secret, proof), framed("return"))
        self.assertEqual(control.decode_return(framed("return")), control.Return(3, 77, secret, proof))

    def test_digest(self) -> None:
        entity = control.DigestEntity(1000, FRAME, 128, -256, 384, 64)
        expected = control.Digest(30, 238, 0x0123456789ABCDEF, (entity,))
        self.assertEqual(control.decode_server_message(framed("digest")), expected)

    def test_redirect(self) -> None:
        token = control.decode_hello(framed("hello")).token
        expected = control.Redirect("example.org:4433", token, bytes([0xAA]) * 32)
        self.assertEqual(control.decode_server_message(framed("redirect")), expected)

    def test_maintenance_and_time_dilation(self) -> None:
        decode = control.decode_server_message
        self.assertEqual(decode(framed("maintenance")), control.Maintenance(60, "back soon"))
        self.assertEqual(decode(framed("queued")), control.Queued(12, 90))
        self.assertEqual(decode(framed("time_dilation")), control.TimeDilation(500))
        for refused in (b"", b"\x86\0\0", b"\x86\xe9\x03", b"\xfe", b"\x01", b"\x85\x1e\0\0\0\x02h\x07"):
            with self.subTest(refused), self.assertRaises(Malformed):
                decode(refused)


class Game(unittest.TestCase):
    def test_command_answer_event(self) -> None:
        command = game.Command(7, 300, b"door")
        self.assertEqual(game.decode_command(framed("command")), command)
        self.assertEqual(control.frame(command.encode()), examples()["command"])
        self.assertEqual(control.decode_server_message(framed("answer")), game.Answer(7, 250, 0, b"open"))
        self.assertEqual(control.decode_server_message(framed("event")), game.Event(250, 301, b""))

    def test_what_is_too_long_or_nobodys(self) -> None:
        for decode, head, most in (
            (game.decode_command, framed("command")[:11], 1000),
            (game.decode_answer, framed("answer")[:19], 4096),
            (game.decode_event, framed("event")[:11], 4096),
        ):
            decode(head + bytes(most))
            with self.assertRaises(Malformed):
                decode(head + bytes(most + 1))
        with self.assertRaises(Malformed):
            game.decode_command(b"\x03" + bytes(8) + b"\x2c\x01")

    def test_answers_to_nothing_are_refused(self) -> None:
        player = Player(say=lambda words: None)
        player.take_message(control.decode_server_message(framed("welcome")))
        player.command(300, b"door")
        answer = game.Answer(1, 250, 0, b"")
        player.take_message(answer)
        with self.assertRaises(Malformed):
            player.take_message(answer)

    def test_chat(self) -> None:
        say = chat.Say(chat.NEAR, "hello there")
        self.assertEqual(chat.decode_say(framed("say")), say)
        self.assertEqual(control.frame(say.encode()), examples()["say"])
        self.assertEqual(chat.decode_said(framed("said")), chat.Said(1000, "Ada", chat.NEAR, "hello there"))


class Datagrams(unittest.TestCase):
    def test_input(self) -> None:
        self.assertEqual(inputs.decode_inputs(examples()["input"]).encode(), examples()["input"])
        state = inputs.decode_own_state(examples()["own"])
        east = inputs.Wish(256, 0, 0, 0x4000, 0)
        west = inputs.Wish(-256, 0, 0, 0x4000, 1)
        expected = inputs.Inputs(30, 242, 3 * 128, state.state_hash(), 17, (east, west))
        self.assertEqual(inputs.decode_inputs(examples()["input"]), expected)

    def test_own_state(self) -> None:
        expected = inputs.OwnState(242, 17, 0x12345678, FRAME, (1, -2, 196608), (4, -5, 6), 2)
        self.assertEqual(inputs.decode_own_state(examples()["own"]), expected)

    def test_own_values(self) -> None:
        values = inputs.decode_own_values(examples()["own_values"], OWNER)
        self.assertEqual(values, inputs.OwnValues(242, ((700, 5),)))


class Snapshots(unittest.TestCase):
    """The four snapshots of the document, one after the other."""

    def places(self, replica: Replica) -> dict[int, tuple[float, ...]]:
        return {e: tuple(axis / 128 for axis in seen.state.position) for e, seen in replica.view.items()}

    def receive(self, replica: Replica, name: str) -> Snapshot:
        taken = decode_snapshot(examples()[name], NO_COLUMNS)
        replica.receive(taken)
        return taken

    def test_story(self) -> None:
        replica = Replica()
        first = self.receive(replica, "absolute")
        self.assertEqual((first.tick, first.epoch, first.baseline_epoch, first.part, first.parts), (240, 30, 0, 0, 1))
        self.assertEqual((first.last_input, first.durable_ticks_ago), (17, 2))
        self.assertEqual(self.places(replica), {1000: (1, -2, 3), 1003: (2, 0, 0)})
        self.assertEqual([replica.view[e].state.heading for e in (1000, 1003)], [64, 0])
        self.assertEqual({seen.state.frame for seen in replica.view.values()}, {FRAME})
        self.assertEqual(replica.acknowledged_epoch, 30)
        self.assertEqual(replica.check(control.decode_digest(framed("digest"))), (1, 0))

        moved = self.receive(replica, "moved")
        self.assertEqual((moved.tick, moved.epoch, moved.baseline_epoch), (242, 0, 30))
        self.assertEqual(self.places(replica), {1000: (1.5, -2, 3), 1003: (2, 0, 0), 1004: (0, 0, 0)})

        following = self.receive(replica, "next_set")
        self.assertEqual((following.tick, following.epoch, following.baseline_epoch), (248, 31, 30))
        self.assertEqual(self.places(replica), {1000: (0.5, -2.25, 3.5), 1003: (2, 0, 0), 1004: (0, 0, 0)})
        self.assertEqual(replica.view[1000].state.heading, 61)
        self.assertEqual(replica.acknowledged_epoch, 31)
        member = replica.sets[31].members[1000]
        self.assertEqual((member.motion, member.motion_ticks), ((-64, -32, 64), 8))
        x, y, z = member.state.position
        self.assertEqual(member.predicted(3), (x - 24, y - 12, z + 24))

        predicted = self.receive(replica, "predicted")
        self.assertEqual((predicted.tick, predicted.baseline_epoch), (251, 31))
        self.assertEqual(replica.view[1000].state.position, (x - 24 - 1, y - 12, z + 24))
        self.assertEqual(replica.view[1003].tick, 248)
        self.assertEqual(replica.view[1004].state.position, (0, 40, 0))

    def test_values(self) -> None:
        known = columns.decode_columns(framed("columns"))
        points, heat = known.for_all[0].lanes
        replica = Replica()

        def values() -> dict[int, tuple[float, float]]:
            codes = {entity: seen.state.codes[0] for entity, seen in replica.view.items()}
            return {entity: (points.value(a), heat.value(b)) for entity, (a, b) in codes.items()}

        replica.receive(decode_snapshot(examples()["values_set"], known))
        self.assertEqual(values(), {1000: (700, 20.0), 1003: (1, -10.0)})
        self.assertEqual(self.places(replica), {1000: (1, -2, 3), 1003: (2, 0, 0)})
        replica.receive(decode_snapshot(examples()["values"], known))
        self.assertEqual(values(), {1000: (700, 20.0), 1003: (2, -10.0)})
        self.assertEqual(self.places(replica), {1000: (1.5, -2, 3), 1003: (2, 0, 0)})

    def test_updates_without_their_baseline_are_dropped(self) -> None:
        replica = Replica()
        self.receive(replica, "moved")
        self.assertEqual(self.places(replica), {1004: (0, 0, 0)})
        self.receive(replica, "next_set")
        self.assertEqual(replica.acknowledged_epoch, 0)

    def test_damaged_stories_are_read_or_refused(self) -> None:
        chance = random.Random(12)
        for _ in range(1_000):
            replica = Replica()
            for name in ("absolute", "moved", "next_set", "predicted"):
                data = bytearray(examples()[name])
                if chance.random() < 0.5:
                    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                try:
                    replica.receive(decode_snapshot(bytes(data), NO_COLUMNS))
                except Malformed:
                    break

    def test_places_beyond_the_set_are_refused(self) -> None:
        only = decode_snapshot(examples()["absolute"], NO_COLUMNS)
        members = dict(list(only.resolve(None))[:1])
        update = decode_snapshot(examples()["predicted"], NO_COLUMNS)
        with self.assertRaises(Malformed):
            list(update.resolve(CompleteSet(31, members)))

    def test_illegal_heads_are_refused(self) -> None:
        good = examples()["moved"]
        illegal = {
            "a baseline too old": (1, bytes([4])),
            "a member without a baseline": (1, bytes([255])),
            "a baseline before the first epoch": (2, bytes([7])),
            "an epoch that is its own baseline": (2, bytes([248])),
            "a part beyond the last": (10, bytes([1])),
            "no parts": (11, bytes([0])),
        }
        for what, (offset, octets) in illegal.items():
            with self.subTest(what), self.assertRaises(Malformed):
                decode_snapshot(good[:offset] + octets + good[offset + len(octets) :], NO_COLUMNS)


class GroundMessages(unittest.TestCase):
    def test_requests(self) -> None:
        self.assertIsNone(ground.decode_request(framed("ground_request")))
        self.assertEqual(control.frame(ground.GROUND_REQUEST), examples()["ground_request"])
        asks = (ground.Ask(FACE_1), ground.Ask(ITS_FIRST_QUARTER, 0x1122334455667788))
        self.assertEqual(ground.decode_request(framed("tiles_request")), asks)
        self.assertEqual(control.frame(ground.encode_tiles_request(asks)), examples()["tiles_request"])

    def test_ground(self) -> None:
        expected = ground.Ground(0x0123456789ABCDEF, 4, 128, 0.0, 1.0)
        self.assertEqual(ground.decode_answer(framed("ground")), expected)

    def test_tiles(self) -> None:
        answers = {
            "tile_unchanged": ground.Tile(ITS_FIRST_QUARTER, ground.Verdict.UNCHANGED),
            "tile_later": ground.Tile(FACE_1, ground.Verdict.LATER, wait_ms=250),
            "tile_plain": ground.Tile(FACE_1, ground.Verdict.PLAIN, data=b"\1\2\3"),
            "tile_packed": ground.Tile(FACE_1, ground.Verdict.PACKED, data=bytes(64)),
        }
        for name, expected in answers.items():
            with self.subTest(name):
                self.assertEqual(ground.decode_answer(framed(name)), expected)
