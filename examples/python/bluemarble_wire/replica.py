"""What a client makes of snapshots: complete sets, the view of the world, and whether the server agrees."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from .control import Digest
from .reader import legal
from .snapshot import ENTITIES_MAX, EPOCH_TICKS, EPOCHS_ALIVE, CompleteSet, Member, Snapshot, State

DIGEST_EPOCHS_KEPT = 16
"""Digests come up to a second after their epoch. Baselines alone would need four."""


@dataclass
class Seen:
    """The newest that is known of an entity."""

    tick: int
    state: State


@dataclass
class Assembly:
    """An epoch some of whose parts have come."""

    parts: int
    baseline_epoch: int
    arrived: dict[int, Snapshot] = field(default_factory=dict)

    def add(self, snapshot: Snapshot) -> bool:
        """Takes a part, and says whether it was the last one missing."""
        legal(snapshot.parts == self.parts, "parts of an epoch disagree on how many there are")
        legal(snapshot.baseline_epoch == self.baseline_epoch, "parts of an epoch disagree on their baseline")
        if snapshot.part in self.arrived:
            return False
        self.arrived[snapshot.part] = snapshot
        return len(self.arrived) == self.parts

    def in_order(self) -> list[Snapshot]:
        """All parts. Over them places and ids ascend, and members come before whole states."""
        parts = [self.arrived[part] for part in range(self.parts)]
        order = [(0, update.place) for part in parts for update in part.members]
        order += [(1, entity) for part in parts for entity, _ in part.whole]
        legal(all(a < b for a, b in pairwise(order)), "places or ids do not ascend over the parts of an epoch")
        for before, after in pairwise(parts):
            legal(not before.whole or not after.members, "a member comes after a whole state")
        return parts


class Replica:
    """The part of the world that a player sees."""

    def __init__(self) -> None:
        self.view: dict[int, Seen] = {}
        self.newest_tick = 0
        self.acknowledged_epoch = 0
        """The newest epoch whose set is complete; 0 = none."""
        self.sets: dict[int, CompleteSet] = {}
        self._assemblies: dict[int, Assembly] = {}
        self.bits = 0
        self.updates = 0

    def receive(self, snapshot: Snapshot) -> None:
        """Takes a snapshot in."""
        self.newest_tick = max(self.newest_tick, snapshot.tick)
        self.bits += snapshot.bits
        self.updates += len(snapshot.members) + len(snapshot.whole)
        baseline = self.sets.get(snapshot.baseline_epoch)
        for entity, member in snapshot.resolve(baseline):
            self._look(entity, snapshot.tick, member.state)
        is_understood = baseline is not None or not snapshot.members
        if snapshot.epoch and is_understood and snapshot.epoch not in self.sets:
            self._assemble(snapshot)
        self._forget_old_epochs()
        legal(len(self.view) <= ENTITIES_MAX, "more entities than a view may have")

    def _look(self, entity: int, tick: int, state: State) -> None:
        """Takes an update of one entity, unless something newer is known."""
        seen = self.view.get(entity)
        if seen is None:
            # It may have left by now if a newer epoch does not have it.
            if tick > EPOCH_TICKS * self.acknowledged_epoch:
                self.view[entity] = Seen(tick, state)
        elif tick > seen.tick:
            seen.tick, seen.state = tick, state

    def _assemble(self, snapshot: Snapshot) -> None:
        """Keeps a part of an epoch; the last one completes it."""
        new = Assembly(snapshot.parts, snapshot.baseline_epoch)
        assembly = self._assemblies.setdefault(snapshot.epoch, new)
        if assembly.add(snapshot):
            del self._assemblies[snapshot.epoch]
            self._complete(snapshot.epoch, assembly)

    def _complete(self, epoch: int, assembly: Assembly) -> None:
        baseline = self.sets.get(assembly.baseline_epoch)
        parts = assembly.in_order()
        if baseline is None and any(part.members for part in parts):
            return  # it is forgotten by now
        members: dict[int, Member] = {}
        for part in parts:
            for entity, member in part.resolve(baseline):
                legal(entity not in members, "an entity is twice in an epoch")
                members[entity] = member
        legal(len(members) <= ENTITIES_MAX, "more entities than a complete set may have")
        self.sets[epoch] = CompleteSet(epoch, members)
        if epoch > self.acknowledged_epoch:
            self.acknowledged_epoch = epoch
            self._take_leave(epoch)

    def _take_leave(self, epoch: int) -> None:
        """What the newest complete set does not have, and has not come since, has left the view."""
        members = self.sets[epoch].members
        gone = [e for e, seen in self.view.items() if e not in members and seen.tick <= EPOCH_TICKS * epoch]
        for entity in gone:
            del self.view[entity]

    def _forget_old_epochs(self) -> None:
        newest = self.newest_tick // EPOCH_TICKS
        for epochs, kept in ((self.sets, DIGEST_EPOCHS_KEPT), (self._assemblies, EPOCHS_ALIVE)):
            for epoch in [epoch for epoch in epochs if epoch <= newest - kept]:
                del epochs[epoch]

    def check(self, digest: Digest) -> tuple[int, int]:
        """How many entities of a digest are bit for bit what this client had, and how many are not.

        (0, 0) where the epoch is no longer kept: then nothing can be told.
        """
        complete = self.sets.get(digest.epoch)
        if complete is None:
            return 0, 0
        equal = 0
        for said in digest.entities:
            had = complete.members.get(said.entity)
            place = (said.frame, (said.x, said.y, said.z), said.heading)
            equal += had is not None and had.state[:3] == place
        return equal, len(digest.entities) - equal
