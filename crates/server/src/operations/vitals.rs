//! Signs of life: written by whoever knows, read without a lock, so that no answer about health waits for a tick.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock;

/// A world whose thread has not turned for so long does not any more.
const DEAD: Duration = Duration::from_secs(30);
/// A world that has made no tick for so long keeps players waiting.
const STUCK: Duration = Duration::from_secs(2);

/// Of a whole server.
#[derive(Debug)]
pub(crate) struct Vitals {
    worlds: Vec<Arc<WorldVitals>>,
    is_draining: AtomicBool,
}

/// Of one world.
#[derive(Debug)]
pub(crate) struct WorldVitals {
    begun: Instant,
    /// Its number.
    pub(crate) world: u16,
    /// When its thread last turned and when it last made a tick, milliseconds since `begun`; 0 before the first.
    turned_ms: AtomicU64,
    ticked_ms: AtomicU64,
    tick: AtomicU64,
    durable_tick: AtomicU64,
    waiting: AtomicU64,
    has_failed: AtomicBool,
    has_ended: AtomicBool,
}

/// What a world's thread says each time that it turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beat {
    pub(crate) tick: u64,
    pub(crate) durable_tick: u64,
    /// Ticks that wait for the disk.
    pub(crate) waiting: u64,
    pub(crate) has_ticked: bool,
    /// The store has given up.
    pub(crate) has_failed: bool,
}

impl Vitals {
    pub(crate) fn new(worlds: Vec<Arc<WorldVitals>>) -> Self {
        Self {
            worlds,
            is_draining: AtomicBool::new(false),
        }
    }

    /// No more players are to come.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Whether all worlds' threads turn, however late they are.
    pub(crate) fn is_live(&self) -> bool {
        self.worlds.iter().all(|world| world.is_live())
    }

    /// Whether players may come.
    pub(crate) fn is_ready(&self) -> bool {
        !self.is_draining() && self.worlds.iter().all(|world| world.is_ready())
    }

    pub(crate) fn worlds(&self) -> &[Arc<WorldVitals>] {
        &self.worlds
    }
}

impl WorldVitals {
    pub(crate) fn new(world: u16) -> Self {
        Self {
            begun: clock::now(),
            world,
            turned_ms: AtomicU64::new(0),
            ticked_ms: AtomicU64::new(0),
            tick: AtomicU64::new(0),
            durable_tick: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
        }
    }

    pub(crate) fn beat(&self, beat: Beat) {
        let now = self.now_ms(clock::now());
        self.tick.store(beat.tick, Ordering::Relaxed);
        self.durable_tick
            .store(beat.durable_tick, Ordering::Relaxed);
        self.waiting.store(beat.waiting, Ordering::Relaxed);
        self.has_failed.store(beat.has_failed, Ordering::Relaxed);
        if beat.has_ticked {
            self.ticked_ms.store(now, Ordering::Release);
        }
        self.turned_ms.store(now, Ordering::Release);
    }

    /// Its thread is about to end.
    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Release);
    }

    pub(crate) fn is_live(&self) -> bool {
        self.is_live_at(clock::now())
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready_at(clock::now())
    }

    fn is_live_at(&self, now: Instant) -> bool {
        let turned_ms = self.turned_ms.load(Ordering::Acquire);
        !self.has_ended.load(Ordering::Acquire) && self.since(turned_ms, now) < DEAD
    }

    fn is_ready_at(&self, now: Instant) -> bool {
        self.is_live_at(now) && !self.has_failed() && self.is_ticking_at(now)
    }

    /// Whether it makes ticks.
    pub(crate) fn is_ticking(&self) -> bool {
        self.is_ticking_at(clock::now())
    }

    fn is_ticking_at(&self, now: Instant) -> bool {
        let ticked_ms = self.ticked_ms.load(Ordering::Acquire);
        ticked_ms != 0 && self.since(ticked_ms, now) < STUCK
    }

    /// How long ago it last made a tick.
    pub(crate) fn age(&self) -> Duration {
        self.since(self.ticked_ms.load(Ordering::Acquire), clock::now())
    }

    pub(crate) fn tick(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    pub(crate) fn durable_tick(&self) -> u64 {
        self.durable_tick.load(Ordering::Relaxed)
    }

    /// Ticks that wait for the disk.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether its store has given up.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    fn since(&self, ms: u64, now: Instant) -> Duration {
        Duration::from_millis(self.now_ms(now).saturating_sub(ms))
    }

    /// Not 0.
    fn now_ms(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.begun);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEAT: Beat = Beat {
        tick: 5,
        durable_tick: 4,
        waiting: 1,
        has_ticked: true,
        has_failed: false,
    };

    #[test]
    fn a_world_is_ready_while_it_ticks_and_live_while_it_turns() {
        let world = Arc::new(WorldVitals::new(1));
        let vitals = Vitals::new(vec![world.clone()]);
        assert!(vitals.is_live() && !vitals.is_ready(), "before a tick");
        world.beat(BEAT);
        assert!(vitals.is_live() && vitals.is_ready());
        let later = |s| Instant::now() + Duration::from_secs(s);
        assert!(world.is_live_at(later(20)) && !world.is_ready_at(later(3)));
        assert!(!world.is_live_at(later(31)));
        world.beat(Beat {
            has_failed: true,
            ..BEAT
        });
        assert!(vitals.is_live() && !vitals.is_ready(), "nothing is stored");
        world.beat(BEAT);
        vitals.drain();
        assert!(vitals.is_live() && !vitals.is_ready(), "nobody is to come");
        world.end();
        assert!(!vitals.is_live());
    }

    #[test]
    fn one_world_of_several_is_enough_to_be_ill() {
        let worlds: Vec<_> = (1..4).map(|n| Arc::new(WorldVitals::new(n))).collect();
        let vitals = Vitals::new(worlds.clone());
        worlds.iter().for_each(|world| world.beat(BEAT));
        assert!(vitals.is_ready());
        worlds[1].end();
        assert!(!vitals.is_live() && !vitals.is_ready());
    }
}
