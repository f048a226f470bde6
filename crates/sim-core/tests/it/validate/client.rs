//! A client: walks, turns and jumps, predicts, and sends every unacknowledged input in every second tick.

use std::collections::VecDeque;

use sim_core::{Claim, Input, Kind, Mode, Received};

use super::ground::Hills;
use super::line::TICK;
use super::server::State;
use crate::scene::Seeded;

/// What its player is: 4 m/s, jumps 1 m high.
pub(super) const KIND: Kind = Kind::character(1_024);

/// Somebody on the hills: moved by inputs, the same on both sides of the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Body {
    pub(super) at: [i32; 3], // east, north, above the ground, grid units
    pub(super) rise: i32,    // grid units a tick
}

impl Body {
    pub(super) fn step(&mut self, input: &Input, rate: i32) {
        self.at[0] += i32::from(input.east) * 256 / rate;
        self.at[1] += i32::from(input.north) * 256 / rate;
        if self.at[2] == 0 && input.buttons & Input::JUMP != 0 {
            self.rise = i32::from(KIND.jump_speed) * 256 / rate;
        }
        self.rise -= 9_81 * 65_536 / 100 / (rate * rate);
        self.at[2] += self.rise;
        if self.at[2] <= 0 {
            (self.at[2], self.rise) = (0, 0);
        }
    }

    pub(super) fn hash(&self) -> u32 {
        let [x, y, z] = self.at.map(|axis| axis as u32);
        let mixed = x ^ y.rotate_left(11) ^ z.rotate_left(22) ^ (self.rise as u32).rotate_left(5);
        mixed.wrapping_mul(0x9e37_79b9)
    }
}

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
    pub(super) hills: Hills,
    pub(super) rate: i32,
    pub(super) body: Body,
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
            hills: Hills::new(),
            rate: i32::from(rate),
            body: Body::default(),
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
    pub(super) fn hear(&mut self, state: &State) {
        if self.seen.is_some_and(|seen| seen >= state.tick) {
            return;
        }
        self.seen = Some(state.tick);
        self.acknowledged = state.applied;
        if self.is_corrected && state.applied > 0 {
            self.body = state.body;
            for said in self
                .said
                .iter_mut()
                .filter(|said| said.input.seq > state.applied)
            {
                self.body.step(&said.input, self.rate);
            }
        }
    }

    /// Makes the input of a tick: walks at the limit of its speed, mostly straight on, and not away from the hills.
    pub(super) fn play(&mut self) -> Input {
        if self.seeded.below(20) == 0 {
            let turn = self.seeded.below(0x4000) as u16;
            self.wish.heading = self.wish.heading.wrapping_add(turn.wrapping_sub(0x2000));
            let angle = self.seeded.next() as f64;
            let speed = [0.0, 300.0, 1_024.0, 1_024.0][self.seeded.below(4) as usize];
            self.wish.east = (speed * libm::sin(angle)).round() as i16;
            self.wish.north = (speed * libm::cos(angle)).round() as i16;
        }
        for (axis, wish) in [&mut self.wish.east, &mut self.wish.north]
            .into_iter()
            .enumerate()
        {
            let is_far = self.body.at[axis].abs() > 150 << 16;
            if is_far && (self.body.at[axis] > 0) == (*wish > 0) {
                *wish = -*wish;
            }
        }
        self.wish.buttons = u16::from(self.seeded.below(60) == 0) * Input::JUMP;
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
        self.body.step(&input, self.rate);
        let claim = self.claim();
        self.said.push_back(Said { input, claim });
        if self.said.len() > KEPT {
            self.said.pop_front();
        }
        self.newest()
    }

    /// Where it says that it is.
    pub(super) fn claim(&self) -> Claim {
        Claim {
            seq: self.seq,
            position: self.hills.position(self.body.at),
            mode: match self.body.at[2] {
                0 => Mode::Walk,
                _ => Mode::Fall,
            },
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
