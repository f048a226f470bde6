"""Asks for the ground under the player: a question for the lattice, then one for the finest tile there (section 9)."""

from __future__ import annotations

from . import coords
from .control import frame
from .ground import GROUND_REQUEST, Ask, Ground, Verdict, decode_answer, encode_tiles_request
from .reader import Malformed, legal
from .tile import HeightTile, decode_tile


class Survey:
    """One tile of the ground, without a socket. Time is in seconds, from any beginning."""

    def __init__(self, lattice: int) -> None:
        self._lattice = lattice  # what the welcome says of it; 0 = nothing
        self._is_asking = False
        self._wanted = 0
        self._not_before_s = 0.0
        self.ground: Ground | None = None
        self.tile: HeightTile | None = None
        self.is_done = False

    def request(self, place: coords.Vector | None, now_s: float) -> bytes | None:
        """The frame to send now, if there is one."""
        if self._is_asking or self.is_done or now_s < self._not_before_s:
            return None
        if self.ground is None:
            self._is_asking = True
            return frame(GROUND_REQUEST)
        if place is None:
            return None
        self._is_asking = True
        self._wanted = coords.cell_at(place, self.ground.levels - 1)
        return frame(encode_tiles_request((Ask(self._wanted),)))

    def hear(self, message: bytes, now_s: float) -> None:
        """Takes an answer."""
        answer = decode_answer(message)
        legal(self._is_asking, "an answer to no question")
        self._is_asking = False
        if isinstance(answer, Ground):
            self._take_ground(answer)
            return
        legal(self.ground is not None and answer.cell == self._wanted, "an answer to another question")
        if answer.verdict == Verdict.LATER:
            self._not_before_s = now_s + answer.wait_ms / 1000
            return
        self.is_done = True
        if answer.verdict == Verdict.UNCHANGED:
            raise Malformed("nothing is here that could be unchanged")
        if answer.data:
            self._take_tile(decode_tile(answer.data))

    def _take_ground(self, ground: Ground) -> None:
        legal(self.ground is None, "the ground was asked for once")
        legal(self._lattice in (0, ground.lattice()), "the ground has another lattice than the welcome said")
        self.ground = ground

    def _take_tile(self, tile: HeightTile) -> None:
        assert self.ground is not None
        legal(tile.cell == self._wanted, "a tile of another cell")
        legal(tile.intervals == self.ground.intervals, "a tile of another lattice")
        self.tile = tile

    def height_m(self, place: coords.Vector) -> float | None:
        """How high the ground is at a place; None where it is not on the tile."""
        if self.tile is None or self.ground is None or coords.cell_at(place, self.ground.levels - 1) != self.tile.cell:
            return None
        _, i, j, level = coords.face_i_j_level(self.tile.cell)
        _, s, t = coords.face_s_t(place)
        x, y = (self.tile.intervals * (axis * (1 << level) - corner) for axis, corner in ((s, i), (t, j)))
        return self.ground.offset + self.ground.quantum * self.tile.sample(x, y)
