//! One bot: connects, walks about, comes back when its line is lost, leaves.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use client::{ConnectError, Connection, Reach, ResumeTicket, SessionError};
use net_proto::{RefuseCode, Ticket};
use quinn::Endpoint;
use spatial_core::{Terrain, TileStore};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval_at, sleep};

use super::cheat::{Cheat, Cheater};
use super::line::Line;
use super::tally::{self, Tally};
use super::visit::Visit;

/// Ticks between two datagrams; each carries one input a tick.
const TICKS_A_DATAGRAM: u32 = 2;
/// Between attempts to come back.
const RETRY: Duration = Duration::from_millis(250);

/// What a bot is to do.
pub(super) struct Errand {
    pub(super) addr: SocketAddr,
    pub(super) seed: u64,
    pub(super) hysteresis_m: f64,
    pub(super) ground: Option<Ground>,
    /// Whether the server is asked for the ground, whatever is at hand.
    pub(super) downloads: bool,
    pub(super) cheat: Option<Cheat>,
    pub(super) drops: Option<Drops>,
    /// Whether it now and then asks for more than anybody may have.
    pub(super) sprints: bool,
    pub(super) starts_after: Duration,
}

/// How a bot loses its line, again and again.
#[derive(Clone, Copy)]
pub(super) struct Drops {
    /// About.
    pub(super) every: Duration,
    /// Until it comes back, at most.
    pub(super) away: Duration,
}

/// The ground that is served: to look up, and to predict over.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) terrain: Arc<Terrain>,
    pub(super) store: Arc<dyn TileStore>,
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
        let line = match self.errand.drops.map(|_| Line::open(self.errand.addr)) {
            None => None,
            Some(Ok(line)) => Some(line),
            Some(Err(error)) => return self.fail_connect(&ConnectError::Setup(error.to_string())),
        };
        let endpoint = line.as_ref().map_or(endpoint, |line| &line.endpoint);
        let connected = match ticket() {
            Ok(ticket) => Connection::connect(endpoint, self.errand.addr, &ticket).await,
            Err(error) => Err(ConnectError::Setup(error.to_string())),
        };
        match connected {
            Ok(connection) => self.stay(connection, line).await,
            Err(error) => self.fail_connect(&error),
        }
    }

    fn fail_connect(&self, error: &ConnectError) {
        self.tally.fail(
            || format!("connect: {error}"),
            |sums| {
                sums.connects_failed += 1;
                sums.protocol_errors += u64::from(matches!(error, ConnectError::Wire(_)));
            },
        );
    }

    /// Walks about until it is over, over one connection after the other.
    async fn stay(&mut self, mut connection: Connection, mut line: Option<Line>) {
        self.tally.add(|sums| sums.connected += 1);
        let mut visit = Visit::new(&self.errand, &connection);
        let entity = connection.core().welcome().player;
        self.tally.promise(&tally::Line::Spawn { entity: entity.0 });
        loop {
            self.predict(&mut connection);
            let end = self.walk_about(&mut connection, &mut visit).await;
            let found = visit.checks.finish();
            self.tally.blame(found, || "the whole visit".into());
            let lost = Instant::now();
            if let (End::Dropped, Some(line)) = (&end, &line) {
                line.cut();
                self.tally.add(|sums| sums.lines_dropped += 1);
            }
            let is_lost = matches!(end, End::Dropped) || connection.is_line_lost();
            let Some(ticket) = connection.resume_ticket().filter(|_| is_lost) else {
                return self.part(end, connection);
            };
            let Some((next, its_line)) = self.come_back(&ticket, &mut visit).await else {
                return;
            };
            if next.core().welcome().player != entity {
                self.tally.fail(
                    || {
                        format!(
                            "came back as {}, not {entity}",
                            next.core().welcome().player
                        )
                    },
                    |sums| sums.entities_changed += 1,
                );
            }
            visit.go_on(&self.errand, &next, lost);
            (connection, line) = (next, Some(its_line));
        }
    }

    /// Between datagrams, as fast as the world's time runs.
    fn period(&self, connection: &Connection) -> Duration {
        let period = connection.core().tick_period() * TICKS_A_DATAGRAM;
        let cheat = self.errand.cheat;
        cheat.map_or(period, |cheat| cheat.period(period))
    }

    /// When to send. After a pause the missed ticks are not made up for: an input is for now.
    fn beat(&self, connection: &Connection) -> Interval {
        let period = self.period(connection);
        let mut beat = interval_at(tokio::time::Instant::now() + period, period);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        beat
    }

    /// Over one connection.
    async fn walk_about(&mut self, connection: &mut Connection, visit: &mut Visit) -> End {
        let mut beat = self.beat(connection);
        let mut inputs = TICKS_A_DATAGRAM; // for the next datagram
        let drops = self.errand.drops.map(|drops| drops.every);
        let drop_in = drops.map(|every| every.mul_f64(visit.lots.within(0.5, 1.5)));
        let drop_at = drop_in.map(|time| Instant::now() + time);
        loop {
            tokio::select! {
                event = connection.next() => match event {
                    Ok(event) => visit.handle(&self.tally, connection, event),
                    Err(error) => return End::Failed(error),
                },
                _ = beat.tick() => {
                    if self.errand.cheat.is_none() && connection.take_misstep() {
                        inputs += 1;
                        beat.reset_after(beat.period() / TICKS_A_DATAGRAM);
                    } else if let Err(error) = visit.walk(connection, inputs) {
                        return End::Failed(error);
                    } else {
                        inputs = TICKS_A_DATAGRAM;
                    }
                }
                _ = self.stopped.wait_for(|stopped| *stopped) => return End::Asked,
            }
            if beat.period() != self.period(connection) {
                beat = self.beat(connection);
            }
            visit.account(&self.tally, connection);
            if visit.cheater.as_ref().is_some_and(Cheater::is_halted) {
                self.tally.add(|sums| sums.caught += 1);
                return End::Asked;
            }
            let is_due = drop_at.is_some_and(|at| Instant::now() >= at);
            if is_due && visit.lost.is_none() && connection.resume_ticket().is_some() {
                return End::Dropped;
            }
        }
    }

    /// Takes the session up again, from another address; none when it is told to stop, or cannot.
    async fn come_back(
        &mut self,
        ticket: &ResumeTicket,
        visit: &mut Visit,
    ) -> Option<(Connection, Line)> {
        let away = self.errand.drops.map_or(Duration::ZERO, |drops| drops.away);
        let away = away.mul_f64(visit.lots.within(0.0, 1.0));
        let due = Instant::now() + ticket.good_for();
        let addr = self.errand.addr;
        let coming = async {
            sleep(away).await;
            loop {
                let error = match attempt(addr, ticket).await {
                    Ok(back) => return Ok(back),
                    Err(error) => error,
                };
                let is_final = Instant::now() >= due
                    || !matches!(
                        error,
                        ConnectError::Setup(_) | ConnectError::Timeout | ConnectError::Closed(_)
                    );
                if is_final {
                    return Err(error);
                }
                sleep(RETRY).await;
            }
        };
        let back = tokio::select! {
            back = coming => back,
            _ = self.stopped.wait_for(|stopped| *stopped) => return None,
        };
        match back {
            Ok(back) => {
                self.tally.add(|sums| sums.resumes += 1);
                Some(back)
            }
            Err(error) => {
                let words = || format!("resume: {error}");
                self.tally.fail(words, |sums| sums.resumes_failed += 1);
                None
            }
        }
    }

    /// Leaves, or says why it is out.
    fn part(&self, end: End, connection: Connection) {
        match end {
            End::Asked | End::Dropped => connection.close(),
            End::Failed(SessionError::Refused(refuse)) if self.is_caught(refuse.code) => {
                self.tally.add(|sums| sums.caught += 1);
            }
            End::Failed(error) => self.tally.fail(
                || format!("session: {error}"),
                |sums| {
                    sums.disconnects += 1;
                    sums.protocol_errors += u64::from(matches!(error, SessionError::Wire(_)));
                },
            ),
        }
    }
}

/// How a bot's connection ends.
enum End {
    /// The bot is told to stop, or has been caught.
    Asked,
    /// It cuts its line.
    Dropped,
    Failed(SessionError),
}

async fn attempt(
    addr: SocketAddr,
    ticket: &ResumeTicket,
) -> Result<(Connection, Line), ConnectError> {
    let line = Line::open(addr).map_err(|error| ConnectError::Setup(error.to_string()))?;
    let connection = Connection::resume(&line.endpoint, addr, ticket).await?;
    Ok((connection, line))
}

impl Bot {
    /// Predicts the avatar, where the ground is at hand.
    fn predict(&self, connection: &mut Connection) {
        if self.errand.downloads {
            return connection.download_ground(None, Reach::default());
        }
        let Some(ground) = &self.errand.ground else {
            return;
        };
        if let Err(error) = connection.predict(Arc::clone(&ground.store)) {
            self.tally.fail(
                || format!("prediction: {error}"),
                |sums| sums.protocol_errors += 1,
            );
        }
    }

    /// Whether this is how a cheater's session should end.
    fn is_caught(&self, code: RefuseCode) -> bool {
        self.errand.cheat.is_some() && [RefuseCode::UNFAIR, RefuseCode::FLOOD].contains(&code)
    }
}
