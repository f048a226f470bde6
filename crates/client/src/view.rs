//! What is around the player, where and when it is to be drawn.

use std::time::Duration;

use net_proto::{Replica, SnapshotInfo, Welcome};
use spatial_core::{Ecef, EntityId, Planet};

use crate::clock::RenderClock;
use crate::roster::{Coming, Roster};
use crate::track::Pace;
use crate::tracks::Tracks;

/// An entity as it is to be drawn.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Seen {
    /// The entity.
    pub id: EntityId,
    /// Where.
    pub place: Ecef,
    /// Heading, 0 = north, clockwise, 65536 = full turn.
    pub heading: u16,
    /// The tick of its newest state.
    pub tick: u64,
    /// The time between ticks at which it is drawn: that of everybody, or earlier if little is told of it.
    pub shown: f64,
}

/// What a client draws: entities on their ways between the states that have come, and who comes and goes.
///
/// Pure: times are durations since any fixed moment. Feed it every snapshot, in the order in which they come:
/// ```
/// use std::time::Duration;
/// use client::View;
/// # use net_proto::{Replica, SnapshotInfo, Welcome};
/// # fn of(welcome: &Welcome, planet: spatial_core::Planet, info: &SnapshotInfo, replica: &Replica, now: Duration) {
/// let mut view = View::new(welcome, planet);
/// view.take_in(now, info, replica);
/// let (mut seen, mut comings) = (Vec::new(), Vec::new());
/// let shown = view.draw(now, &mut seen); // and tell the session, with `show`
/// view.take_comings(&mut comings);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct View {
    clock: RenderClock,
    tracks: Tracks,
    roster: Roster,
    drawn: Option<Duration>,
}

impl View {
    /// A view of nothing, in the world that a server welcomes to.
    pub fn new(welcome: &Welcome, planet: Planet) -> Self {
        let pace = Pace {
            rate_hz: f64::from(welcome.tick_rate_hz.max(1)),
            snapshot_ticks: u64::from(welcome.snapshot_ticks.max(1)),
        };
        Self {
            clock: RenderClock::new(welcome.tick_rate_hz, welcome.snapshot_ticks),
            tracks: Tracks::new(planet, pace),
            roster: Roster::default(),
            drawn: None,
        }
    }

    /// The session has been taken up again: whoever was in view has left it, and nobody is until it is told anew.
    pub fn restart(&mut self, welcome: &Welcome) {
        self.tracks.clear(welcome.tick, &mut self.roster);
        self.clock = RenderClock::new(welcome.tick_rate_hz, welcome.snapshot_ticks);
    }

    /// The world's time runs at another pace from now on ([`crate::Event::TimeDilation`]): 1 is that of its tick rate.
    pub fn set_pace(&mut self, now: Duration, pace: f64) {
        self.clock.set_pace(now, pace);
    }

    /// Takes in what a snapshot has made of the replica. Looks at every entity in view; allocates only when more come into it than ever before.
    pub fn take_in(&mut self, now: Duration, info: &SnapshotInfo, replica: &Replica) {
        self.clock.observe(now, info.tick);
        self.tracks.take_in(info, replica, &mut self.roster);
    }

    /// Replaces what `out` held by the entities in view as they are to be drawn now, ascending by id; those in no frame of the planet
    /// are left out. Returns the tick that it is of.
    pub fn draw(&mut self, now: Duration, out: &mut Vec<Seen>) -> f64 {
        let tick = self.clock.tick(now);
        let passed = self
            .drawn
            .map_or(Duration::ZERO, |then| now.saturating_sub(then));
        self.drawn = Some(now);
        self.tracks.draw(tick, passed.as_secs_f64(), out);
        tick
    }

    /// The tick to draw now.
    pub fn tick(&mut self, now: Duration) -> f64 {
        self.clock.tick(now)
    }

    /// Appends who has come and gone since the last call, in order. An entity that left and came back is told to have done so.
    pub fn take_comings(&mut self, out: &mut Vec<Coming>) {
        self.roster.take(out);
    }

    /// Comings and goings that cancelled each other out and were dropped, because nobody asked for them in time:
    /// [`Coming::WAITING_MAX`] wait at most.
    pub fn comings_untold(&self) -> u64 {
        self.roster.untold()
    }

    /// The server's ticks by the local clock.
    pub fn clock(&self) -> &RenderClock {
        &self.clock
    }
}
