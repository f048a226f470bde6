//! A client: walks, turns and jumps, predicts, and sends every unacknowledged input in every second tick.

use std::collections::VecDeque;

use sim_core::{Claim, Input, Kind, Mode, Received};
use spatial_core::Position;

use super::body::Body;
use super::line::TICK;
use super::server::Told;
use crate::scene::Seeded;

/// What its player is: 4 m/s, jumps 1 m high.
pub(super) const KIND: Kind = Kind::character(1_024);

/// An input with what a client says about it.
#[derive(Clone, Copy, Default)]
pub(super) struct Said {
    pub(super) input: Input,
    pub(super) claim: Claim, // where it led
}

/// A datagram.
#[derive(Clone, Copy, Default)]
pub(super) struct Datagram {
    pub(super) said: [Said; Received::INPUTS_MAX],
    pub(super) count: usize,
    pub(super) seen: Option<u64>,
    pub(super) is_cheating: bool,
}

/// A client.
pub(super) struct Client {
    pub(super) body: Body,
    /// How far off the truth its claims are, grid units.
    pub(super) lie: [i32; 3],
    pub(super) seq: u32,
    pub(super) seen: Option<u64>,
    pub(super) seeded: Seeded,
    pub(super) is_corrected: bool, // the server says where it is; else it says so itself
    pub(super) frame: u64,         // when it draws the next frame, slices
    pub(super) pace: u64,          // slices from one to the next
    pub(super) frame_max: u64,     // slices from one frame to the next, at most
    due: u64,                      // when the next input is due
    pub(super) cheated: Option<u32>, // the first input that is none of an honest client
    said: VecDeque<Said>,          // all that may be sent or applied again
    acknowledged: u32,
    wish: Input,
}

const KEPT: usize = 64;

impl Client {
    pub(super) fn new(seed: u64, rate: u16, is_corrected: bool) -> Self {
        let mut seeded = Seeded(seed);
        let due = seeded.below(TICK);
        Self {
            body: Body::new(rate),
            lie: [0; 3],
            seq: 0,
            seen: None,
            seeded,
            is_corrected,
            frame: 0,
            pace: TICK,
            frame_max: TICK / 2,
            due,
            cheated: None,
            said: VecDeque::with_capacity(KEPT + 1),
            acknowledged: 0,
            wish: Input::default(),
        }
    }

    /// What the server says: acknowledges inputs, and where the player is.
    pub(super) fn hear(&mut self, state: &Told) {
        if self.seen.is_some_and(|seen| seen >= state.tick) {
            return;
        }
        self.seen = Some(state.tick);
        self.acknowledged = state.applied;
        let Some(correction) = state.correction.as_ref().filter(|_| self.is_corrected) else {
            return;
        };
        self.body.restore(correction);
        for said in &self.said {
            if said.input.seq > state.applied {
                self.body.step(Some(&said.input));
            }
        }
    }

    /// Makes the input of a tick: walks at the limit of its speed, mostly straight on, and not far away.
    pub(super) fn play(&mut self) -> Input {
        if self.seeded.below(20) == 0 {
            let turn = self.seeded.below(0x4000) as u16;
            self.wish.heading = self.wish.heading.wrapping_add(turn.wrapping_sub(0x2000));
            let angle = self.seeded.next() as f64;
            let speed = [0.0, 300.0, 1_024.0, 1_024.0][self.seeded.below(4) as usize];
            self.wish.east = (speed * libm::sin(angle)).round() as i16;
            self.wish.north = (speed * libm::cos(angle)).round() as i16;
        }
        let at = self.body.at();
        for (axis, wish) in [&mut self.wish.east, &mut self.wish.north]
            .into_iter()
            .enumerate()
        {
            let is_far = at[axis].abs() > 150 << 16;
            if is_far && (at[axis] > 0) == (*wish > 0) {
                *wish = -*wish;
            }
        }
        let jumps = self.body.mode() != Mode::Fall && self.seeded.below(60) == 0;
        self.wish.buttons = u16::from(jumps) * Input::JUMP;
        self.wish
    }

    /// Whether another input is due in this frame. What came since the last frame is heard after them.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.due <= self.frame;
        if is_due {
            self.due += self.pace;
        }
        is_due
    }

    /// Goes on to the next frame; now and then one takes three ticks.
    pub(super) fn wait(&mut self) {
        self.frame += match self.seeded.below(1_000) {
            0 => 3 * TICK,
            _ => self.frame_max / 2 + self.seeded.below(self.frame_max / 2),
        };
    }

    /// Predicts an input and keeps it until it is acknowledged.
    pub(super) fn say(&mut self, input: Input) -> &mut Said {
        self.seq += 1;
        let input = Input {
            seq: self.seq,
            predicted: self.body.hash(),
            ..input
        };
        self.body.step(Some(&input));
        let claim = self.claim();
        self.said.push_back(Said { input, claim });
        if self.said.len() > KEPT {
            self.said.pop_front();
        }
        self.newest()
    }

    /// Where it says that it is.
    pub(super) fn claim(&self) -> Claim {
        let at = self.body.position();
        Claim {
            seq: self.seq,
            position: Position {
                x: at.x + self.lie[0],
                y: at.y + self.lie[1],
                z: at.z + self.lie[2],
                ..at
            },
            mode: self.body.mode(),
        }
    }

    /// The input that was made last.
    pub(super) fn newest(&mut self) -> &mut Said {
        self.said.back_mut().expect("an input was made")
    }

    /// All unacknowledged inputs, at least the last 4, at most 16.
    pub(super) fn datagram(&self) -> Datagram {
        let unheard = self.seq - self.acknowledged.min(self.seq);
        self.earlier(unheard.clamp(4, 16) as usize, 0)
    }

    /// So many inputs, of which the last one was made so many inputs ago.
    pub(super) fn earlier(&self, count: usize, ago: usize) -> Datagram {
        let end = self.said.len() - ago.min(self.said.len());
        let count = count.min(end).min(Received::INPUTS_MAX);
        let mut datagram = Datagram {
            count,
            seen: self.seen,
            is_cheating: ago > 0,
            ..Datagram::default()
        };
        let said = self.said.range(end - count..end);
        for (out, said) in datagram.said.iter_mut().zip(said) {
            *out = *said;
        }
        datagram
    }
}
