//! The judge of one player.

use super::claims::{Claim, Claims, Surroundings, Verdict};
use super::drift::Drift;
use super::finding::{Escalation, Finding};
use super::inputs::{Asked, Received, is_possible};
use super::limits::Limits;
use super::pace::Pace;
use super::prediction::{Excuse, Prediction};
use super::suspicion::Suspicion;
use super::window::{Known, Window};
use crate::kind::Kind;

/// What a server keeps of a player to judge it by: plain integers, of a fixed size.
///
/// ```
/// use sim_core::{Judged, Kind, Escalation, Input, Received, Limits, Validator};
///
/// let (limits, kind) = (Limits::at(30), Kind::character(1_024)); // walks 4 m/s
/// let judged = |tick| Judged { tick, limits: &limits, kind: &kind };
/// let (mut validator, mut findings) = (Validator::default(), Vec::new());
/// for tick in 0..10 {
///     let fast = Input { seq: tick as u32 + 1, east: 2_048, ..Input::default() };
///     let datagram = Received { inputs: &[fast], seen: None };
///     assert_eq!(validator.receive(&judged(tick), &datagram, &mut findings), 0); // none is to be used
/// }
/// assert_eq!(findings.len(), 10);
/// assert_eq!(validator.escalation(&judged(10)), Escalation::Correct);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Validator {
    pub(super) pace: Pace,
    pub(super) drift: Drift,
    pub(super) window: Window,
    pub(super) excuse: Excuse,
    pub(super) claims: Claims,
    pub(super) suspicion: Suspicion,
}

/// When a player is judged, and by what.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// The tick that is about to be executed.
    pub tick: u64,
    /// The limits.
    pub limits: &'a Limits,
    /// The player's kind: how fast it is and how high it jumps.
    pub kind: &'a Kind,
}

impl Validator {
    /// Judges a datagram of inputs. Gives which of them are to be used: bit n is the nth input, set when it is new, in time, and
    /// possible.
    ///
    /// A client repeats its inputs until they are acknowledged; what came before and is the same is nothing.
    pub fn receive(
        &mut self,
        at: &Judged<'_>,
        datagram: &Received<'_>,
        findings: &mut Vec<Finding>,
    ) -> u16 {
        let first = findings.len();
        let used = self.look_at(at, datagram, &mut |finding| findings.push(finding));
        self.add(at, &findings[first..]);
        used
    }

    /// The client may make inputs from now on, the first with number 1. Without this the first datagram begins, whatever its delay.
    pub fn begin(&mut self, at: &Judged<'_>) {
        self.pace.begin(at.tick, at.limits);
    }

    /// Judges a predicted state.
    pub fn predicted(
        &mut self,
        at: &Judged<'_>,
        prediction: &Prediction,
        findings: &mut Vec<Finding>,
    ) {
        let found = self.excuse.judge(at.tick, prediction, at.limits);
        findings.extend(found);
        self.add(at, found.as_slice());
    }

    /// Judges a claimed position; whether it is to be believed.
    ///
    /// Claims of inputs that were not let through, or are not newer than the last one that was believed, are not looked at and
    /// not believed. The first one is believed unless it is no place or under the ground: where a player enters the world is the server's
    /// to say, with [`Validator::set_place`]. Who was not believed is set back; until the client can have heard of it, nothing more is found.
    pub fn claimed(
        &mut self,
        at: &Judged<'_>,
        claim: &Claim,
        around: &impl Surroundings,
        findings: &mut Vec<Finding>,
    ) -> bool {
        if claim.seq > self.pace.newest_seq {
            return false;
        }
        match self.claims.judge(at, claim, around) {
            Verdict::Believed => true,
            Verdict::Old => false,
            Verdict::Refused(finding) => {
                if self.claims.is_told(at) {
                    findings.push(finding);
                    self.add(at, &[finding]);
                }
                false
            }
        }
    }

    /// The server has put the player somewhere, and threw it upwards at `thrown`, 2⁻⁸ m/s, or not at all: its next claims
    /// start from there.
    pub fn set_place(&mut self, at: &Judged<'_>, claim: &Claim, thrown: u16) {
        self.claims = Claims::start(at, claim, thrown);
    }

    /// The validator of a player who comes back, over another session: what it was found at stays.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self {
            suspicion: self.suspicion,
            ..Self::default()
        }
    }

    /// The player has come into another frame, in which its headings are others.
    pub fn cross(&mut self) {
        self.window.cross();
    }

    /// What is to be done about the player now.
    pub fn escalation(&self, at: &Judged<'_>) -> Escalation {
        Escalation::of(self.points(at))
    }

    /// The score, points, as it has faded by now.
    pub fn points(&self, at: &Judged<'_>) -> u32 {
        self.suspicion.points(at.tick, at.limits.tick_rate_hz)
    }

    /// The highest escalation there ever was.
    pub fn highest(&self) -> Escalation {
        self.suspicion.highest
    }

    /// How often something of this kind was found, at most 65,535.
    pub fn count(&self, of: Finding) -> u16 {
        self.suspicion.counts[of.kind()]
    }

    fn add(&mut self, at: &Judged<'_>, findings: &[Finding]) {
        for finding in findings {
            self.suspicion
                .add(*finding, at.tick, at.limits.tick_rate_hz);
        }
    }

    fn look_at(
        &mut self,
        at: &Judged<'_>,
        datagram: &Received<'_>,
        tell: &mut impl FnMut(Finding),
    ) -> u16 {
        let (tick, limits) = (at.tick, at.limits);
        if !self.pace.admit(tick, limits) {
            tell(Finding::Flood);
            return 0;
        }
        let Some((first, last)) = datagram.numbers() else {
            tell(Finding::Malformed);
            return 0;
        };
        if self.window.is_over(last) {
            tell(Finding::Stale { seq: last });
            return 0;
        }
        if let Some(missing) = self.missing(first, last) {
            tell(Finding::Gap { missing });
        }
        let is_newest = last > self.pace.newest_seq;
        let limit = self.pace.advance(tick, last, limits, tell);
        if let Some(seen) = datagram.seen.filter(|seen| *seen <= tick)
            && is_newest
            && limit == last
            && let Some(ticks) = self.drift.note((tick, limit, seen), limits.tick_rate_hz)
        {
            tell(Finding::FastClock { ticks });
        }
        self.pace
            .compare(tick, (limit, datagram.seen), limits, tell);
        let mut used = 0;
        for (n, input) in datagram.inputs.iter().enumerate() {
            let (seq, input) = (input.seq, Asked::from(input));
            match self.window.known(seq, &input) {
                Known::New if seq <= limit => {
                    let limits = (limits, at.kind);
                    let is_used = is_possible((seq, &input), &self.window, limits, tell);
                    self.window.put(seq, input);
                    used |= u16::from(is_used) << n;
                }
                Known::Other => tell(Finding::Contradiction { seq }),
                Known::New | Known::Same | Known::Over => {}
            }
        }
        used
    }

    /// How many inputs before a datagram's first never came though it has room for them.
    fn missing(&self, first: u32, last: u32) -> Option<u32> {
        let newest = self.window.newest;
        if newest == 0 || first - 1 <= newest {
            return None;
        }
        let has_room = last - newest <= Received::INPUTS_MAX as u32;
        has_room.then(|| first - newest - 1)
    }
}
