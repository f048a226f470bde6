//! A bot's time in the world: where it walks, and what it makes of what it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Agreement, Connection, Event, SessionError};
use net_proto::{Digest, DigestVerdict, Input, SnapshotInfo};
use spatial_core::{Position, UNITS_PER_M};

use super::cheat::{self, Cheater};
use super::check::{Checks, View};
use super::course::Course;
use super::ledger::Ledger;
use super::tally::{self, Tally};
use super::walk::Errand;
use crate::lots::Lots;

/// Walking speeds, metres a second.
const SPEED_MPS: core::ops::Range<f64> = 0.5..3.0;
/// What a bot that tries the speed limit asks for, metres a second: as much as can be said.
const SPRINT_MPS: f64 = 127.0;
/// One turn in so many of such a bot is a sprint; its first is.
const SPRINT_ONE_IN: u32 = 3;
/// Seconds until a bot turns.
const WHIM_S: core::ops::Range<f64> = 2.0..6.0;
/// How far a bot strays from where it arrived before it turns back, metres.
const STRAY_M: f64 = 150.0;

/// A bot looks around by at most so much in a tick, 2⁻¹⁶ turns.
const TURN_MAX: i16 = 0x1000;
/// A bot shoots when it turns, and jumps once in so many inputs: on its way, so that it goes on as it went.
const JUMP_INPUTS: u32 = 64;
/// What a bot is shown is so many snapshots old.
const SHOWN_LATE: f64 = 2.0;

/// A bot's time in the world.
pub(super) struct Visit {
    pub(super) cheater: Option<Cheater>,
    began: Instant,
    pub(super) checks: Checks,
    course: Course,
    ledger: Ledger,
    pub(super) lots: Lots,
    sprints: bool,
    turns: u32,
    wish: Input,
    heading: u16,
    inputs: u32,
    turn_at: Instant,
    home: Option<Position>,
    /// When the line was lost, until a snapshot comes again.
    pub(super) lost: Option<Instant>,
    /// What has been accounted for: when, datagrams, bytes.
    accounted: (Instant, u64, u64),
}

impl Visit {
    pub(super) fn new(errand: &Errand, connection: &Connection) -> Self {
        let now = Instant::now();
        let core = connection.core();
        let welcome = core.welcome();
        let terrain = errand
            .ground
            .as_ref()
            .map(|ground| Arc::clone(&ground.terrain));
        let tick_s = 1.0 / f64::from(welcome.tick_rate_hz);
        Self {
            cheater: errand.cheat.map(|cheat| Cheater::new(cheat, welcome)),
            began: now,
            checks: Checks::new((welcome, core.planet()), errand.hysteresis_m, terrain),
            course: Course::new(welcome.speed_limit, tick_s),
            ledger: Ledger::default(),
            lots: Lots::new(errand.seed),
            sprints: errand.sprints,
            turns: 0,
            wish: Input::default(),
            heading: 0,
            inputs: 0,
            turn_at: now,
            home: None,
            lost: None,
            accounted: (now, 0, 0),
        }
    }

    /// Over another connection, on which ticks, inputs and what is seen begin anew.
    pub(super) fn go_on(&mut self, errand: &Errand, connection: &Connection, lost: Instant) {
        let new = Self::new(errand, connection);
        self.checks = new.checks;
        self.course = new.course;
        self.ledger = new.ledger;
        self.accounted = new.accounted;
        self.lost = Some(lost);
        self.turn_at = Instant::now(); // it stands
    }

    pub(super) fn handle(&mut self, tally: &Tally, connection: &Connection, event: Event) {
        match event {
            Event::Snapshot(info) => self.look(tally, connection, &info),
            Event::Digest(digest, verdict) => self.compare(tally, connection, &digest, verdict),
            Event::Own(own, agreement) => {
                count(tally, agreement);
                if let Some(cheater) = &mut self.cheater {
                    cheater.see(&own);
                }
            }
            Event::Ground
            | Event::OwnValues
            | Event::Answer(_)
            | Event::Game(_)
            | Event::Said(_)
            | Event::Redirect(_)
            | Event::Maintenance(_)
            | Event::TimeDilation(_)
            | Event::Resumable(_)
            | Event::Lost
            | Event::Resumed(_)
            | Event::Refused(_) => {}
        }
    }

    fn compare(
        &mut self,
        tally: &Tally,
        connection: &Connection,
        digest: &Digest,
        verdict: DigestVerdict,
    ) {
        tally.told_hash(digest);
        match verdict {
            DigestVerdict::Match => tally.add(|sums| sums.digests_matched += 1),
            DigestVerdict::Unknown => tally.add(|sums| sums.digests_unknown += 1),
            DigestVerdict::Mismatch(count) => tally.fail(
                || {
                    format!(
                        "digest of epoch {:?}: {count} entities differ",
                        digest.epoch
                    )
                },
                |sums| sums.digest_mismatches += 1,
            ),
        }
        let known = connection.core().replica().epoch_set(digest.epoch);
        let found = self.checks.digest(digest, verdict, known.map(<[_]>::len));
        tally.blame(found, || format!("digest of epoch {:?}", digest.epoch));
    }

    fn look(&mut self, tally: &Tally, connection: &Connection, info: &SnapshotInfo) {
        let (core, replica) = (connection.core(), connection.core().replica());
        if let Some(lost) = self.lost.take() {
            tally.resumed(lost.elapsed());
        }
        tally.told(info.durable_tick);
        if info.completed.is_some() {
            tally.complete_epoch(replica.tracked().len().saturating_sub(1) as u64);
        }
        let found = self.checks.after(View {
            info,
            tracked: replica.tracked(),
            completed: info.completed.and_then(|epoch| replica.epoch_set(epoch)),
        });
        tally.add(|sums| sums.snapshots += 1);
        tally.blame(found, || format!("tick {}", info.tick));
        for applied in self.ledger.see(info) {
            tally.promise(&tally::Line::Input {
                entity: core.welcome().player.0,
                seq: applied.seq,
                tick: applied.tick,
            });
        }
        if let Some(own) = core.player().filter(|own| own.tick == info.tick) {
            self.home.get_or_insert(own.state.position());
            let legs = self.course.see(info.last_input_seq, own);
            tally.add(|sums| {
                sums.legs += legs.walked;
                sums.legs_astray += legs.astray;
            });
        }
    }

    /// So many inputs, one a tick, sent together.
    pub(super) fn walk(
        &mut self,
        connection: &mut Connection,
        inputs: u32,
    ) -> Result<(), SessionError> {
        let turns = Instant::now() >= self.turn_at;
        if turns {
            self.turn(connection);
        }
        let ticks = f64::from(connection.core().welcome().snapshot_ticks);
        if let Some(newest) = connection.core().replica().newest() {
            let shown = newest.tick as f64 - SHOWN_LATE * ticks;
            connection.show(shown);
        }
        for n in 0..inputs {
            let is_first = turns && n == 0;
            self.inputs += 1;
            let shoot = u16::from(is_first) * Input::SHOOT;
            let jumps = !self.sprints && self.inputs.is_multiple_of(JUMP_INPUTS);
            let jump = u16::from(jumps) * Input::JUMP;
            let left = self.wish.heading.wrapping_sub(self.heading).cast_signed();
            let turn = left.clamp(-TURN_MAX, TURN_MAX);
            self.heading = self.heading.wrapping_add_signed(turn);
            let seq = connection.push_input(Input {
                heading: self.heading,
                buttons: shoot | jump,
                ..self.wish
            });
            if is_first && self.cheater.is_none() {
                self.course.ask(seq, self.wish);
            }
        }
        match &mut self.cheater {
            None => connection.send_inputs(),
            Some(cheater) => {
                let is_honest = self.began.elapsed() < cheat::HONEST;
                cheater.send(connection, is_honest)
            }
        }
    }

    fn turn(&mut self, connection: &Connection) {
        let whim = self.lots.within(WHIM_S.start, WHIM_S.end);
        self.turn_at = Instant::now() + Duration::from_secs_f64(whim);
        let any = self.lots.within(0.0, core::f64::consts::TAU);
        let bearing = self.way_back(connection).unwrap_or(any);
        let stroll = self.lots.within(SPEED_MPS.start, SPEED_MPS.end);
        let is_sprint = self.sprints && self.turns.is_multiple_of(SPRINT_ONE_IN);
        let mps = if is_sprint { SPRINT_MPS } else { stroll };
        self.turns += 1;
        let speed = mps * f64::from(Input::UNITS_PER_MPS);
        self.wish = Input {
            east: (speed * bearing.sin()) as i16,
            north: (speed * bearing.cos()) as i16,
            heading: ((bearing / core::f64::consts::TAU).rem_euclid(1.0) * 65_536.0) as u32 as u16,
            ..Input::default()
        };
    }

    /// The way back to where the bot arrived, if it has strayed (and not changed its frame).
    fn way_back(&self, connection: &Connection) -> Option<f64> {
        let (home, here) = (self.home?, connection.core().player()?.state.position());
        let along = |to: i32, from: i32| (f64::from(to) - f64::from(from)) / UNITS_PER_M;
        let (east, north) = (along(home.x, here.x), along(home.y, here.y));
        let has_strayed = home.frame == here.frame && east.hypot(north) > STRAY_M;
        has_strayed.then(|| east.atan2(north))
    }

    /// Adds the traffic since the last time, about once a second.
    pub(super) fn account(&mut self, tally: &Tally, connection: &Connection) {
        let (last, datagrams, bytes) = self.accounted;
        let passed = last.elapsed();
        if passed < Duration::from_secs(1) {
            return;
        }
        let now = connection.core().traffic();
        tally.received(
            now.datagrams_in - datagrams,
            now.datagram_bytes_in - bytes,
            passed.as_millis() as u64,
        );
        self.accounted = (Instant::now(), now.datagrams_in, now.datagram_bytes_in);
    }
}

/// Counts whether the server's state was as predicted.
fn count(tally: &Tally, agreement: Agreement) {
    let off_m = agreement.correction_m();
    tally.add(|sums| match agreement {
        Agreement::Unpredicted => {}
        Agreement::Agreed => sums.predictions_agreed += 1,
        Agreement::Corrected(_) => {
            sums.predictions_corrected += 1;
            sums.correction_max_m = sums.correction_max_m.max(off_m);
        }
    });
}
