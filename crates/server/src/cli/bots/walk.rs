//! One bot: connects, walks about, checks, leaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use client::{ConnectError, Connection, Event, SessionError};
use net_proto::{DigestVerdict, Input, SnapshotInfo, Ticket};
use quinn::Endpoint;
use spatial_core::{Position, UNITS_PER_M};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::check::Checks;
use super::tally::Tally;
use crate::lots::Lots;

/// Ticks between two datagrams; each carries one input a tick.
const TICKS_A_DATAGRAM: u32 = 2;
/// Walking speeds, metres a second.
const SPEED_MPS: core::ops::Range<f64> = 0.5..3.0;
/// Seconds until a bot turns.
const WHIM_S: core::ops::Range<f64> = 2.0..6.0;
/// How far a bot strays from where it arrived before it turns back, metres.
const STRAY_M: f64 = 150.0;

/// What a bot is to do.
pub(super) struct Errand {
    pub(super) addr: SocketAddr,
    pub(super) seed: u64,
    pub(super) hysteresis_m: f64,
    pub(super) starts_after: Duration,
}

pub(super) struct Bot {
    pub(super) errand: Errand,
    pub(super) tally: Arc<Tally>,
    pub(super) stopped: watch::Receiver<bool>,
}

impl Bot {
    /// Lives until it is stopped or its session ends.
    pub(super) async fn run(
        mut self,
        endpoint: Endpoint,
        ticket: Box<dyn FnOnce() -> Result<Ticket> + Send>,
    ) {
        let begins = tokio::select! {
            () = sleep(self.errand.starts_after) => true,
            _ = self.stopped.wait_for(|stopped| *stopped) => false,
        };
        if begins {
            self.visit(&endpoint, ticket).await;
        }
    }

    async fn visit(
        &mut self,
        endpoint: &Endpoint,
        ticket: Box<dyn FnOnce() -> Result<Ticket> + Send>,
    ) {
        let connected = match ticket() {
            Ok(ticket) => Connection::connect(endpoint, self.errand.addr, &ticket).await,
            Err(error) => Err(ConnectError::Setup(error.to_string())),
        };
        match connected {
            Ok(connection) => self.stay(connection).await,
            Err(error) => self.tally.fail(
                || format!("connect: {error}"),
                |sums| {
                    sums.connects_failed += 1;
                    sums.protocol_errors += u64::from(matches!(error, ConnectError::Wire(_)));
                },
            ),
        }
    }

    async fn stay(&mut self, mut connection: Connection) {
        self.tally.add(|sums| sums.connected += 1);
        let mut visit = Visit::new(&self.errand, &connection);
        let rate = u32::from(connection.core().welcome().tick_rate_hz);
        let mut beat = interval(Duration::from_secs(1) * TICKS_A_DATAGRAM / rate);
        // After a pause the missed ticks are not made up for: an input is for now.
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let ended = loop {
            tokio::select! {
                event = connection.next() => match event {
                    Ok(event) => visit.handle(&self.tally, &connection, event),
                    Err(error) => break Some(error),
                },
                _ = beat.tick() => {
                    if let Err(error) = visit.walk(&mut connection) {
                        break Some(error);
                    }
                }
                _ = self.stopped.wait_for(|stopped| *stopped) => break None,
            }
            visit.account(&self.tally, &connection);
        };
        match ended {
            None => connection.close(),
            Some(error) => self.tally.fail(
                || format!("session: {error}"),
                |sums| {
                    sums.disconnects += 1;
                    sums.protocol_errors += u64::from(matches!(error, SessionError::Wire(_)));
                },
            ),
        }
    }
}

/// A bot's time in the world.
struct Visit {
    checks: Checks,
    lots: Lots,
    wish: Input,
    turn_at: Instant,
    home: Option<Position>,
    /// What has been accounted for: when, datagrams, bytes.
    accounted: (Instant, u64, u64),
}

impl Visit {
    fn new(errand: &Errand, connection: &Connection) -> Self {
        let now = Instant::now();
        Self {
            checks: Checks::new(connection.core(), errand.hysteresis_m),
            lots: Lots::new(errand.seed),
            wish: Input::default(),
            turn_at: now,
            home: None,
            accounted: (now, 0, 0),
        }
    }

    fn handle(&mut self, tally: &Tally, connection: &Connection, event: Event) {
        match event {
            Event::Snapshot(info) => self.look(tally, connection, &info),
            Event::Digest(digest, verdict) => {
                tally.told_hash(&digest);
                tally.add(|sums| sums.digests += 1);
                if let DigestVerdict::Mismatch(count) = verdict {
                    tally.fail(
                        || {
                            format!(
                                "digest of epoch {:?}: {count} entities differ",
                                digest.epoch
                            )
                        },
                        |sums| sums.digest_mismatches += 1,
                    );
                }
            }
            Event::Redirect(_)
            | Event::Maintenance(_)
            | Event::TimeDilation(_)
            | Event::Refused(_) => {}
        }
    }

    fn look(&mut self, tally: &Tally, connection: &Connection, info: &SnapshotInfo) {
        let core = connection.core();
        tally.told(info.durable_tick);
        if info.completed.is_some() {
            tally.complete_epoch(core.replica().tracked().len().saturating_sub(1) as u64);
        }
        let found = self.checks.after(core, info);
        tally.add(|sums| sums.snapshots += 1);
        if found.count() > 0 {
            tally.fail(
                || format!("tick {}: {found:?}", info.tick),
                |sums| {
                    sums.violations += found.count();
                    sums.violation_kinds.add(found);
                },
            );
        }
        if self.home.is_none() {
            self.home = core.player().map(|own| own.state.position());
        }
    }

    /// One input a tick, sent together.
    fn walk(&mut self, connection: &mut Connection) -> Result<(), SessionError> {
        if Instant::now() >= self.turn_at {
            self.turn(connection);
        }
        for _ in 0..TICKS_A_DATAGRAM {
            connection.push_input(self.wish);
        }
        connection.send_inputs()
    }

    fn turn(&mut self, connection: &Connection) {
        let whim = self.lots.within(WHIM_S.start, WHIM_S.end);
        self.turn_at = Instant::now() + Duration::from_secs_f64(whim);
        let any = self.lots.within(0.0, core::f64::consts::TAU);
        let bearing = self.way_back(connection).unwrap_or(any);
        let speed =
            self.lots.within(SPEED_MPS.start, SPEED_MPS.end) * f64::from(Input::UNITS_PER_MPS);
        self.wish = Input {
            east: (speed * bearing.sin()) as i16,
            north: (speed * bearing.cos()) as i16,
            heading: ((bearing / core::f64::consts::TAU).rem_euclid(1.0) * 65_536.0) as u32 as u16,
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
    fn account(&mut self, tally: &Tally, connection: &Connection) {
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
