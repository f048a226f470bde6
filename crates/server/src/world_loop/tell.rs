//! What the loop tells: players of what they see, operators of how things are.

use net_proto::{Welcome, WorldId};
use spatial_core::EntityId;

use super::rhythm::Quota;
use super::views::Totals;
use super::{WorldLoop, own, room, throttle};
use crate::clock;
use crate::gateway::{Batch, COMMANDS_SINCE, Message, ToSession, depth};

impl WorldLoop {
    /// Lets players in whose spawn is on the disk.
    pub(super) fn welcome(&mut self) {
        let newcomers = self.players.welcome(self.store.durable_tick());
        if newcomers.is_empty() {
            return;
        }
        self.views.welcome();
        let dilation = (self.throttle.pace() < throttle::PACE_FULL).then(|| self.dilation());
        for (session, entity, version) in newcomers {
            if version >= 3
                && let Some(columns) = self.views.columns()
            {
                self.players.say(session, Message::Frame(columns));
            }
            let welcome = Message::Welcome(self.welcome_of(entity));
            self.players.say(session, welcome);
            if version >= COMMANDS_SINCE
                && let Some(frame) = &dilation
            {
                self.players.say(session, Message::Frame(frame.clone()));
            }
        }
    }

    fn welcome_of(&self, player: EntityId) -> Welcome {
        let start = self.world.start();
        Welcome {
            world: WorldId(start.world_id),
            player,
            tick: self.world.tick(),
            tick_rate_hz: start.tick_rate_hz,
            snapshot_ticks: self.config.snapshot_ticks,
            radius_mm: (start.planet.radius_m() * 1e3).round() as u64,
            interest_dm: (self.config.interest_radius_m * 10.0).round() as u32,
            speed_limit: self.towns.player_kind().speed_max,
            gravity: start.gravity,
            avatar: own::avatar(&self.towns.player_kind()),
            lattice: start.lattice.fingerprint(),
        }
    }

    /// Tells players what they see.
    pub(super) fn show(&mut self) {
        if self.players.len() == 0 {
            return;
        }
        let (tick, every) = (self.world.tick(), u64::from(self.config.snapshot_ticks));
        let durable_tick = self.forget_hashes();
        // The tick of an epoch, in which all are told, has nothing else to do where another can do it.
        let is_look = tick % every == every / 2;
        let mut batch = Batch::default();
        let quota = Quota::at(tick, self.config.snapshots());
        let turns = self.players.take_turns(tick, quota);
        if turns.snapshots {
            let (views, players, world) = (&mut self.views, &mut self.players, &self.world);
            views.set_level(self.throttle.level());
            batch = self.pool.install(|| {
                views.advance(world, (is_look, every));
                views.watch(world, players);
                views.pack(world, players, durable_tick)
            });
        }
        if turns.own_states {
            own::between(&self.world, &mut self.players, &mut batch.snapshots);
        }
        batch.snapshots.sort_unstable_by_key(|tell| tell.session);
        self.send(batch);
        if tick.is_multiple_of(every) {
            self.send_digests(durable_tick);
        }
    }

    /// Hands datagrams to the network; at the bound they are dropped, for what comes after them is newer.
    fn send(&mut self, batch: Batch) {
        self.judge.pulse.leave(self.world.tick(), clock::now());
        if !batch.snapshots.is_empty() && self.link.batches.try_send(batch).is_err() {
            self.tally.batches_dropped += 1;
        }
    }

    /// One digest a second for each player, spread over the second's snapshots.
    fn send_digests(&mut self, durable_tick: u64) {
        let Some(durable) = self.hashes.front().filter(|h| h.tick <= durable_tick) else {
            return;
        };
        let every = u64::from(self.config.tick_rate_hz / u16::from(self.config.snapshot_ticks));
        let turn = self.world.tick() / u64::from(self.config.snapshot_ticks);
        for (session, player) in self.players.iter_mut() {
            if !(turn + player.entity.0).is_multiple_of(every.max(1))
                || !player.is_welcome
                || player.is_lost
            {
                continue;
            }
            if let Some(frame) = self.views.digest(player, *durable) {
                let what = Message::Frame(frame);
                // At the bound a digest is dropped: the next one comes in a second.
                let _ = self.link.messages.try_send(ToSession { session, what });
            }
        }
    }

    /// Publishes the status, once a second.
    pub(super) fn report(&mut self) {
        self.obey();
        let Totals {
            snapshots,
            bytes,
            seen,
        } = core::mem::take(&mut self.views.totals);
        let (count, ticks) = self.config.snapshots();
        let snapshots_a_second = f64::from(self.config.tick_rate_hz) * count as f64 / ticks as f64;
        let (syncs, written) = self.store.totals();
        let (tally, players) = (&mut self.tally, self.players.len() as u32);
        let shown = self.views.times;
        let words = self.words.counts;
        let lingering = self.players.lingering() as u32;
        let (hash_tick, hash) = self.newest_hash;
        self.board.update(|s| {
            s.tick = self.world.tick();
            s.state_hash = format!("{hash:016x}");
            s.state_hash_tick = hash_tick;
            s.durable_tick = self.store.durable_tick();
            s.players = players;
            s.lingering = lingering;
            s.entities = self.world.len() as u32;
            s.tiles = self.residency.resident();
            s.throttle = self.throttle.level() as u8;
            s.pace = f64::from(self.throttle.pace()) / f64::from(throttle::PACE_FULL);
            s.seen_mean = seen as f64 / snapshots.max(1) as f64;
            s.bytes_per_player_s = bytes as f64 / snapshots.max(1) as f64 * snapshots_a_second;
            tally.write(shown, s);
            self.gate.write(s);
            for (name, depth) in [
                ("batches", depth(&self.link.batches)),
                ("messages", depth(&self.link.messages)),
            ] {
                s.queues.insert(name.to_owned(), depth);
            }
            s.judged.clone_from(&self.judge.counts);
            s.shots = self.shots.counts;
            (s.journal_syncs, s.journal_bytes) = (syncs, written);
            s.room = room::name(self.room).to_owned();
            s.checkpoints_skipped = self.store.checkpoints_skipped();
            s.storage_refused = self.gate.disk.refused();
            s.chat_dropped += words.unheard;
            (s.commands, s.says) = (words.commands, words.says);
        });
    }
}
