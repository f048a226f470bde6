"""The client and a real server, which `BLUEMARBLE_PROGRAM` names: `bluemarble serve` on the bundled Earth."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bluemarble_wire.player import Player
from bluemarble_wire.session import Ended, Refused, Session, connect
from bluemarble_wire.ticket import Ticket, parse_ticket

HERE = Path(__file__).resolve().parents[1]
EARTH = HERE.parents[1] / "assets" / "earth-1024.pack"
PROGRAM = os.environ.get("BLUEMARBLE_PROGRAM", "")
START_S = 30.0
STAY_S = 8.0
ANSWER_S = 20.0
NO_COMMAND = 65535
# Whatever else is configured around here is not this server's.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("BLUEMARBLE_")}


@unittest.skipUnless(PROGRAM, "BLUEMARBLE_PROGRAM does not name the program")
class WithServer(unittest.TestCase):
    data: str
    server: subprocess.Popen[bytes]
    host: str
    port: int

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory(prefix="bluemarble-python-")
        cls.addClassCleanup(folder.cleanup)
        cls.data = folder.name + "/world"
        arguments = ["serve", "--listen", "127.0.0.1:0", "--planet", str(EARTH), "--data", cls.data]
        arguments += ["--agents", "500", "--towns", "2", "--status-s", "0"]
        cls.server = subprocess.Popen([PROGRAM, *arguments], stdout=subprocess.PIPE, env=ENVIRONMENT)
        cls.addClassCleanup(cls.stop)
        cls.host, cls.port = cls.listening()

    @classmethod
    def listening(cls) -> tuple[str, int]:
        """Waits for the line that says where the server is."""
        line, pipe, until = b"", cls.server.stdout, time.monotonic() + START_S
        assert pipe is not None
        while not line.endswith(b"\n"):
            if not select.select([pipe], [], [], max(until - time.monotonic(), 0))[0]:
                raise TimeoutError("the server does not listen")
            byte = os.read(pipe.fileno(), 1)
            if not byte:
                raise ChildProcessError("the server has ended")
            line += byte
        found = re.match(rb"listening on (\S+):(\d+);", line)
        assert found, f"the server says {line!r}"
        return found[1].decode(), int(found[2])

    @classmethod
    def stop(cls) -> None:
        with cls.server as server:  # closes the pipe, too
            server.terminate()
            if server.wait(START_S) != 0:
                raise ChildProcessError(f"the server has ended with {server.returncode}")

    def ticket_line(self, player: int) -> str:
        arguments = ["token", "--data", self.data, "--player", str(player), "--name", "Ada"]
        ran = subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True, env=ENVIRONMENT)
        return str(ran.stdout)

    def ticket(self, player: int) -> Ticket:
        return parse_ticket(self.ticket_line(player))

    def enter(self, ticket: Ticket) -> Player:
        """Enters, and leaves at once."""

        async def visit() -> Player:
            transport, session = await connect(self.host, self.port, ticket, Player(say=print))
            try:
                await session.enter(ticket)
                return session.player
            finally:
                await leave(session, transport)

        return asyncio.run(visit())

    def refusal(self, ticket: Ticket) -> int:
        with self.assertRaises(Refused) as refused:
            self.enter(ticket)
        return refused.exception.code

    def test_a_visit(self) -> None:
        """The program as people run it: a ticket on its input, and what it saw as its last line."""
        command = [sys.executable, "-W", "error", "client.py", f"{self.host}:{self.port}", "--ground", "--json"]
        command += ["--seconds", str(STAY_S)]
        ticket = self.ticket_line(1)
        ran = subprocess.run(command, input=ticket, capture_output=True, text=True, cwd=HERE, timeout=60, check=False)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""), ran.stdout)
        summary = json.loads(ran.stdout.splitlines()[-1])
        self.assertGreater(summary["entities_most"], 0)
        self.assertGreater(summary["digests_equal"], 0)
        self.assertEqual(summary["digests_unequal"], 0)
        self.assertGreater(summary["columns"], 0)
        self.assertGreater(summary["own_states"], 0)
        self.assertGreater(summary["inputs_used"], 0)
        self.assertGreater(summary["moved_m"], 1)
        # The tile has the name that the server told with the player's state, and the player's feet are on it.
        self.assertTrue(summary["tile_is_the_servers"])
        self.assertEqual(summary["gait"], "walks")
        self.assertLess(abs(summary["above_ground_m"]), 0.01)

    def test_a_proof_with_another_key_is_refused(self) -> None:
        ticket = self.ticket(2)
        self.assertEqual(self.refusal(replace(ticket, key_seed=bytes(32))), 12)
        # It was not used by that: whose it is still gets in with it.
        self.assertIsNotNone(self.enter(ticket).welcome)

    def test_a_used_token_is_refused(self) -> None:
        ticket = self.ticket(3)
        self.assertIsNotNone(self.enter(ticket).welcome)
        self.assertEqual(self.refusal(ticket), 3)

    def test_commands_are_answered_and_words_heard(self) -> None:
        async def visit() -> Player:
            ticket = self.ticket(5)
            transport, session = await connect(self.host, self.port, ticket, Player(say=lambda words: None))
            try:
                await session.enter(ticket)
                session.command(NO_COMMAND, b"door")
                await until(lambda: session.player.answer is not None)
                session.say("hello there")
                await until(lambda: session.player.said is not None)
                return session.player
            finally:
                await leave(session, transport)

        player = asyncio.run(visit())
        assert player.answer is not None and player.said is not None and player.welcome is not None
        self.assertEqual((player.answer.operation, player.answer.code), (1, 1))
        self.assertEqual((player.said.entity, player.said.name), (player.welcome.entity, "Ada"))
        self.assertEqual((player.said.channel, player.said.text), (0, "hello there"))

    def lose(self, ticket: Ticket) -> Player:
        """Enters, and falls silent without a farewell."""

        async def visit() -> Player:
            transport, session = await connect(self.host, self.port, ticket, Player(say=print))
            await session.enter(ticket)
            await until(lambda: session.player.resume is not None)
            session.fall_silent()
            transport.abort()
            return session.player

        return asyncio.run(visit())

    def come_back(self, ticket: Ticket, before: Player) -> Player:
        """Comes back to a session, and leaves it."""
        assert before.resume is not None
        secret = before.resume.secret

        async def visit() -> Player:
            transport, session = await connect(self.host, self.port, ticket, Player(say=print))
            try:
                await session.come_back(ticket, secret)
                await until(lambda: session.player.resume is not None and session.player.entities > 0)
                return session.player
            finally:
                await leave(session, transport)

        return asyncio.run(visit())

    def test_a_lost_line_is_taken_up_again(self) -> None:
        ticket = self.ticket(6)
        before = self.lose(ticket)
        after = self.come_back(ticket, before)
        assert before.welcome is not None and after.welcome is not None
        self.assertEqual(before.welcome.entity, after.welcome.entity)
        self.assertGreater(after.welcome.tick, before.welcome.tick)
        # After a farewell there is nothing to come back to.
        with self.assertRaises(Refused) as refused:
            self.come_back(ticket, after)
        self.assertEqual(refused.exception.code, 13)

    def test_a_return_with_another_key_is_refused(self) -> None:
        ticket = self.ticket(7)
        before = self.lose(ticket)
        with self.assertRaises(Refused) as refused:
            self.come_back(replace(ticket, key_seed=bytes(32)), before)
        self.assertEqual(refused.exception.code, 12)
        # The secret was not used by that.
        self.assertIsNotNone(self.come_back(ticket, before).welcome)

    def test_another_certificate_is_not_accepted(self) -> None:
        ticket = replace(self.ticket(4), fingerprint=bytes(32))
        with self.assertLogs("quic", "WARNING"), self.assertRaises(Ended) as ended:
            self.enter(ticket)
        self.assertIn("certificate", str(ended.exception))


async def until(condition: Callable[[], bool]) -> None:
    """Waits, but not for ever."""
    async with asyncio.timeout(ANSWER_S):
        while not condition():
            await asyncio.sleep(0.01)


async def leave(session: Session, transport: asyncio.DatagramTransport) -> None:
    await session.leave()
    transport.close()
