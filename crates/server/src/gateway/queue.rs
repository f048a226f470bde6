//! The queue of those who find the world full: first come, first served, each told its place and how long it may take.
//!
//! Who waits has used its ticket. Who says hello again while it waits takes its own place over. Nobody overtakes: while anybody waits, a place
//! that becomes free goes to who is next, and a player without a session stands behind. While the world's disk is full the queue stands still.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use net_proto::quic::{ControlReader, ControlWriter, Peer, STREAM_DEADLINE};
use net_proto::{PlayerId, Queued, RefuseCode, ServerMessage};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::counts::Waited;
use super::login::{Comer, Refusal, used};
use super::table::{Entered, Gate, NoEntry, lock};
use crate::status::QueueCounts;

/// How often a place that has changed is told.
const TELL: Duration = Duration::from_secs(2);
/// How often one is told that has not: every so many of these.
const TELL_ANYWAY: u32 = 2;

/// Everybody who waits, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    next: u64,
    pace: Pace,
}

#[derive(Debug)]
struct Waiting {
    /// Rises along the queue.
    number: u64,
    player: PlayerId,
    /// Whose turn it is to speak for the player: the newest of its connections.
    speaker: u64,
    wake: Arc<Notify>,
}

/// A connection's place.
#[derive(Debug)]
struct Spot {
    number: u64,
    speaker: u64,
    wake: Arc<Notify>,
}

/// What became of a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// So many are before it.
    Behind(usize),
    /// Another connection of the player has it, or it has been sent away.
    Lost,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a player finds a place: its own, if it waits already.
    fn has_place_for(&self, player: PlayerId, places_max: usize) -> bool {
        self.waiting.len() < places_max || self.waiting.iter().any(|w| w.player == player)
    }

    /// Puts a player at the end, or its newer connection in its place. None where too many wait.
    fn join(&mut self, player: PlayerId, places_max: usize) -> Option<Spot> {
        let speaker = self.next;
        self.next += 1;
        let wake = Arc::new(Notify::new());
        if let Some(same) = self.waiting.iter_mut().find(|w| w.player == player) {
            same.speaker = speaker;
            let before = core::mem::replace(&mut same.wake, Arc::clone(&wake));
            before.notify_one();
            let number = same.number;
            return Some(Spot {
                number,
                speaker,
                wake,
            });
        }
        if self.waiting.len() >= places_max {
            return None;
        }
        let number = speaker;
        self.waiting.push_back(Waiting {
            number,
            player,
            speaker,
            wake: Arc::clone(&wake),
        });
        Some(Spot {
            number,
            speaker,
            wake,
        })
    }

    fn standing(&self, spot: &Spot) -> Standing {
        let found = self
            .waiting
            .binary_search_by_key(&spot.number, |w| w.number);
        match found {
            Ok(before) if self.waiting[before].speaker == spot.speaker => Standing::Behind(before),
            _ => Standing::Lost,
        }
    }

    /// Takes a connection out; whether it was in.
    fn leave(&mut self, spot: &Spot) -> bool {
        match self.standing(spot) {
            Standing::Lost => false,
            Standing::Behind(before) => {
                self.waiting.remove(before);
                self.wake_next();
                true
            }
        }
    }

    /// Takes out whom it is not to have; whether it was in.
    pub(super) fn expel(&mut self, player: PlayerId) -> bool {
        let found = self.waiting.iter().position(|w| w.player == player);
        let gone = found.and_then(|at| self.waiting.remove(at));
        if let Some(gone) = &gone {
            gone.wake.notify_one();
        }
        gone.is_some()
    }

    /// A place may be free.
    pub(super) fn wake_next(&self) {
        if let Some(next) = self.waiting.front() {
            next.wake.notify_one();
        }
    }

    pub(super) fn wake_all(&self) {
        self.waiting.iter().for_each(|w| w.wake.notify_one());
    }

    /// What somebody behind so many is told.
    fn told(&self, before: usize) -> Queued {
        let place = u32::try_from(before + 1).unwrap_or(u32::MAX);
        Queued {
            place,
            wait_s: self.pace.wait_s(place),
        }
    }

    pub(super) fn write(&self, counts: &mut QueueCounts) {
        counts.waiting = self.waiting.len() as u32;
        counts.wait_s = match self.is_empty() {
            true => 0,
            false => self.told(self.waiting.len()).wait_s,
        };
    }
}

/// How fast the queue moves: a mean over some of the last who got in.
#[derive(Debug, Default)]
struct Pace {
    last: Option<Instant>,
    mean_s: Option<f64>,
}

impl Pace {
    /// Somebody gets in.
    fn step(&mut self, now: Instant) {
        if let Some(last) = self.last.replace(now) {
            let took_s = now.saturating_duration_since(last).as_secs_f64();
            let mean_s = self.mean_s.unwrap_or(took_s);
            self.mean_s = Some(mean_s + (took_s - mean_s) / 8.0);
        }
    }

    fn wait_s(&self, place: u32) -> u16 {
        match self.mean_s {
            None => Queued::UNKNOWN,
            Some(mean_s) => (mean_s * f64::from(place))
                .ceil()
                .min(f64::from(Queued::UNKNOWN - 1)) as u16,
        }
    }
}

/// Leaves the queue however the wait ends.
struct Leaving<'a>(&'a Gate, Spot);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if lock(&self.0.queue).leave(&self.1) {
            self.0.counters.wait(Waited::Left);
        }
    }
}

/// How a wait ended without a place.
pub(super) enum Unplaced {
    /// Its client went away.
    Gone,
    Refused(Refusal),
}

impl Gate {
    /// Waits for a place in a full world.
    pub(super) async fn stand_in_line(
        &self,
        line: (&Peer, usize),
        comer: &Comer,
        (reader, writer): (&mut ControlReader, &mut ControlWriter),
    ) -> Result<Entered, Unplaced> {
        let spot = self
            .join_queue(comer)
            .map_err(|why| Unplaced::Refused(why.into()))?;
        let spot = Leaving(self, spot);
        let begun = Instant::now();
        let mut ticks = interval(TELL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut told, mut silent) = (None, 0);
        loop {
            let is_time = tokio::select! {
                biased; // what it is woken by does not come often
                _ = spot.1.wake.notified() => false,
                _ = ticks.tick() => true,
                frame = reader.next() => return Err(match frame {
                    Ok(Some(_)) => Unplaced::Refused(Refusal::new(RefuseCode::MALFORMED, "who waits says nothing")),
                    _ => Unplaced::Gone,
                }),
            };
            let queued = match self.try_next(&spot.1, line, comer)? {
                Ok(entered) => {
                    self.measures.queue.observe(begun.elapsed().as_secs_f64());
                    return Ok(entered);
                }
                Err(queued) => queued,
            };
            silent += 1;
            if !is_time || told == Some(queued) && silent < TELL_ANYWAY {
                continue;
            }
            (told, silent) = (Some(queued), 0);
            let mut frame = Vec::new();
            ServerMessage::Queued(queued).encode(&mut frame);
            if writer.send(&frame, STREAM_DEADLINE).await.is_err() {
                return Err(Unplaced::Gone);
            }
        }
    }

    /// Uses a ticket for a place in the queue.
    fn join_queue(&self, comer: &Comer) -> Result<Spot, NoEntry> {
        let places_max = self.limits().queue_max;
        let mut queue = lock(&self.queue);
        if !queue.has_place_for(comer.claims.player, places_max) {
            return Err(NoEntry::Full);
        }
        self.use_token(used(&comer.claims), comer.now_s)?;
        let spot = queue
            .join(comer.claims.player, places_max)
            .ok_or(NoEntry::Full)?;
        self.counters.wait(Waited::Joined);
        Ok(spot)
    }

    /// A session, if it is somebody's turn and there is room; else its place.
    fn try_next(
        &self,
        spot: &Spot,
        line: (&Peer, usize),
        comer: &Comer,
    ) -> Result<Result<Entered, Queued>, Unplaced> {
        if let Some(refusal) = self.shut(comer.claims.player, comer.now_s) {
            return Err(Unplaced::Refused(refusal));
        }
        let mut sessions = lock(&self.sessions);
        let mut queue = lock(&self.queue);
        let before = match queue.standing(spot) {
            Standing::Behind(before) => before,
            Standing::Lost => {
                let text = "you wait elsewhere";
                return Err(Unplaced::Refused(Refusal::new(RefuseCode::REPLACED, text)));
            }
        };
        let is_open = self.has_place(&sessions, comer.claims.player) && !self.disk.is_up();
        if before > 0 || !is_open {
            return Ok(Err(queue.told(before)));
        }
        queue.waiting.pop_front();
        queue.pace.step(Instant::now());
        self.counters.wait(Waited::Entered);
        let entered = self.take_place(&mut sessions, line, comer);
        queue.wake_next();
        Ok(Ok(entered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(queue: &mut Queue, player: u64) -> Spot {
        queue.join(PlayerId(player), 5).unwrap()
    }

    #[test]
    fn who_came_first_is_next_and_nobody_overtakes() {
        let mut queue = Queue::default();
        let spots: Vec<Spot> = (0..5).map(|player| join(&mut queue, player)).collect();
        assert!(queue.join(PlayerId(9), 5).is_none(), "it is bounded");
        let places = |queue: &Queue| spots.iter().map(|s| queue.standing(s)).collect::<Vec<_>>();
        assert_eq!(
            places(&queue),
            (0..5).map(Standing::Behind).collect::<Vec<_>>()
        );
        assert!(queue.leave(&spots[1]) && !queue.leave(&spots[1]));
        assert!(queue.expel(PlayerId(3)) && !queue.expel(PlayerId(3)));
        use Standing::{Behind, Lost};
        assert_eq!(
            places(&queue),
            [Behind(0), Lost, Behind(1), Lost, Behind(2)]
        );
        let back = join(&mut queue, 1);
        assert_eq!(queue.standing(&back), Behind(3), "at the end");
    }

    #[test]
    fn a_player_who_comes_again_keeps_its_place() {
        let mut queue = Queue::default();
        let first = join(&mut queue, 1);
        let old = join(&mut queue, 2);
        join(&mut queue, 3);
        let new = join(&mut queue, 2);
        assert_eq!(queue.standing(&old), Standing::Lost);
        assert_eq!(queue.standing(&new), Standing::Behind(1));
        assert!(!queue.leave(&old), "that is not its own any more");
        assert!(queue.leave(&first));
        assert_eq!(queue.standing(&new), Standing::Behind(0));
    }

    #[test]
    fn the_wait_is_as_the_queue_has_moved() {
        let (mut queue, start) = (Queue::default(), Instant::now());
        assert_eq!(queue.told(4).wait_s, Queued::UNKNOWN);
        for n in 0..50 {
            queue.pace.step(start + Duration::from_secs(3 * n));
        }
        assert_eq!(
            queue.told(4),
            Queued {
                place: 5,
                wait_s: 15
            }
        );
        assert_eq!(queue.told(1_000_000).wait_s, Queued::UNKNOWN - 1);
        for n in 0..50 {
            queue.pace.step(start + Duration::from_secs(147 + n));
        }
        assert_eq!(queue.told(9).wait_s, 11, "a little over one a second");
    }
}
