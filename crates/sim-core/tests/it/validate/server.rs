//! A server of one player: takes in datagrams, applies an input a tick, judges.

use std::collections::VecDeque;
use std::rc::Rc;

use sim_core::{Finding, Input, Judged, Limits, Prediction, Received, Snapshot, Validator};

use super::body::Body;
use super::client::{Datagram, KIND, Said};
use super::ground::Field;

/// What the server tells its player every tick.
#[derive(Clone)]
pub(super) struct Told {
    pub(super) tick: u64,
    pub(super) applied: u32,
    /// The player's state, while the client may think that it is another.
    pub(super) correction: Option<Rc<Snapshot>>,
}

/// Inputs that wait: 200 ms of them.
const WAITING_MAX: usize = 6;

pub(super) struct Server {
    pub(super) limits: Limits,
    pub(super) validator: Validator,
    pub(super) findings: Vec<Finding>, // of this tick
    field: Field,
    body: Body,
    waiting: VecDeque<Said>, // ascending
    applied: u32,
    disturbed: u64,   // the tick in which it last was
    is_claimed: bool, // clients say where they are
}

impl Server {
    pub(super) fn new(rate: u16, is_claimed: bool) -> Self {
        Self {
            limits: Limits {
                buttons: 0b1111,
                ..Limits::at(rate)
            },
            validator: Validator::default(),
            findings: Vec::new(),
            field: Field::new(),
            body: Body::new(rate),
            waiting: VecDeque::new(),
            applied: 0,
            disturbed: 0,
            is_claimed,
        }
    }

    pub(super) fn judged(&self, tick: u64) -> Judged<'_> {
        Judged {
            tick,
            limits: &self.limits,
            kind: &KIND,
        }
    }

    pub(super) fn receive(&mut self, tick: u64, datagram: &Datagram) {
        let mut inputs = [Input::default(); Received::INPUTS_MAX];
        let said = &datagram.said[..datagram.count];
        for (input, said) in inputs.iter_mut().zip(said) {
            *input = said.input;
        }
        let received = Received {
            inputs: &inputs[..datagram.count],
            seen: datagram.seen,
        };
        let limits = self.limits;
        let at = Judged {
            tick,
            limits: &limits,
            kind: &KIND,
        };
        let used = self.validator.receive(&at, &received, &mut self.findings);
        for (_, said) in said.iter().enumerate().filter(|(n, _)| used >> n & 1 == 1) {
            if self.is_claimed {
                let claim = &said.claim;
                self.validator
                    .claimed(&at, claim, &self.field, &mut self.findings);
            }
            let place = self
                .waiting
                .partition_point(|other| other.input.seq < said.input.seq);
            if said.input.seq > self.applied {
                self.waiting.insert(place, *said);
            }
        }
    }

    /// Applies the next input, or the last one again where there is none.
    pub(super) fn step(&mut self, tick: u64) -> Told {
        let limits = self.limits;
        let at = Judged {
            tick,
            limits: &limits,
            kind: &KIND,
        };
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
        let next = self.waiting.pop_front();
        let is_next = next.is_some_and(|next| next.input.seq == self.applied + 1);
        let prediction = Prediction {
            predicted: next.map_or(0, |next| next.input.predicted),
            actual: self.body.hash(),
            is_disturbed: !is_next,
        };
        if (self.applied > 0 || next.is_some()) && !self.is_claimed {
            self.validator
                .predicted(&at, &prediction, &mut self.findings);
        }
        if !is_next {
            self.disturbed = tick;
        }
        if let Some(next) = next {
            self.applied = next.input.seq;
        }
        let is_simulated = self.applied > 0 && !self.is_claimed;
        if is_simulated {
            self.body.step(next.as_ref().map(|next| &next.input));
        }
        let is_corrected = is_simulated && tick < self.disturbed + 60;
        Told {
            tick,
            applied: self.applied,
            correction: is_corrected.then(|| self.body.snapshot()),
        }
    }
}
