//! The judge of all players: what they send is measured against what an honest client can send.
//!
//! The world simulates every input itself, so nobody walks through walls or faster than its kind by saying so. What is left is found by
//! [`Validator`]: too many inputs, a fast clock, impossible wishes, floods, replays, forged predictions. Findings add to a score that
//! fades, and the score says what becomes of the player. Nothing in here is state of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use net_proto::{PlayerId, QueuedInput};
use sim_core::{
    Escalation, Finding, Input, Judged, Kind, Limits, Prediction, Received, Validator, World,
};

use super::players::{Player, asked};
use super::pulse::Pulse;
use crate::clock;
use crate::config::{Cheaters, Config};
use crate::gateway::{Heard, SessionId};
use crate::status::JudgedCounts;

/// Players that are remembered at once as sent away; of more the one whose time ends first is forgotten.
const OUT_MAX: usize = 65_536;

/// Players who left with a score that has not faded, at most.
const LEFT_MAX: usize = 4_096;

/// Who was sent away, and until when that is remembered.
#[derive(Clone, Copy)]
struct Out {
    until: Instant,
    is_banned: bool,
}

/// What it takes to judge.
pub(super) struct Judge {
    limits: Limits,
    kind: Kind,
    cheaters: Cheaters,
    ban: Duration,
    pub(super) pulse: Pulse,
    now: u64, // the time of this tick
    /// What who has left was found at.
    left: BTreeMap<PlayerId, Validator>,
    findings: Vec<Finding>,
    /// Who was found at something in this tick.
    suspects: BTreeSet<SessionId>,
    out: BTreeMap<PlayerId, Out>,
    pub(super) counts: JudgedCounts,
}

/// What a client kept to itself, or could not know.
#[derive(Clone, Copy)]
pub(super) struct Unknown {
    /// Ground was missing somewhere in the last tick, so somebody was held.
    pub(super) is_ground_missing: bool,
}

impl Judge {
    /// Of players of a kind.
    pub(super) fn new(config: &Config, kind: Kind, period: Duration) -> Self {
        let begun = clock::now();
        Self {
            limits: Limits {
                buttons: Input::JUMP | net_proto::Input::SHOOT,
                ..Limits::at(config.tick_rate_hz)
            },
            kind,
            cheaters: config.cheaters,
            ban: Duration::from_secs(u64::from(config.ban_s)),
            pulse: Pulse::new(begun, period),
            now: 0,
            left: BTreeMap::new(),
            findings: Vec::new(),
            suspects: BTreeSet::new(),
            out: BTreeMap::new(),
            counts: JudgedCounts::default(),
        }
    }

    /// From now on this becomes of who plays unfair; what was done stays.
    pub(super) fn set_rules(&mut self, config: &Config) {
        self.cheaters = config.cheaters;
        self.ban = Duration::from_secs(u64::from(config.ban_s));
    }

    /// Begins a tick.
    pub(super) fn begin(&mut self, at: Instant) {
        self.now = self.pulse.arrival(at);
    }

    fn judged(&self, time: u64) -> Judged<'_> {
        Judged {
            tick: time,
            limits: &self.limits,
            kind: &self.kind,
        }
    }

    /// Judges a datagram that came at an instant; bit n of what it gives says that the nth input is to be used. `newest` is the newest
    /// state that there is.
    pub(super) fn hear(&mut self, heard: &Heard, validator: &mut Validator, newest: u64) -> u16 {
        let datagram = &heard.datagram;
        let mut inputs = [Input::default(); Received::INPUTS_MAX];
        let numbers = datagram.first_seq()..;
        let told = datagram.inputs().iter().zip(numbers);
        for (input, (said, seq)) in inputs.iter_mut().zip(told) {
            *input = asked(seq, said, 0);
        }
        let seen = datagram.head().seen_tick(newest);
        let received = Received {
            inputs: &inputs[..datagram.inputs().len()],
            seen: seen.and_then(|tick| self.pulse.departure(tick)),
        };
        let mut findings = core::mem::take(&mut self.findings);
        let at = self.judged(self.pulse.arrival(heard.at));
        let used = validator.receive(&at, &received, &mut findings);
        self.take(heard.session, findings);
        used
    }

    /// Judges what a client predicted before the input that is used in this tick; without one, it is as surprised as its server.
    pub(super) fn compare(
        &mut self,
        session: SessionId,
        player: &mut Player,
        next: Option<&QueuedInput>,
        (world, unknown): (&World, Unknown),
    ) {
        let is_next = next.is_some_and(|next| next.seq == player.used_seq + 1);
        let is_struck = core::mem::take(&mut player.is_struck);
        let is_surprised = !is_next
            || is_struck
            || player.is_crowded
            || unknown.is_ground_missing
            || world.row_of(player.entity).is_none();
        if is_surprised {
            player.surprised_tick = world.tick();
        }
        let predicted = next.map_or(0, |next| next.predicted);
        if predicted == 0 && !is_surprised {
            return; // it does not say
        }
        // Until the client has seen states of a second later, whenever these get there, it may be wrong.
        let known = player.surprised_tick + u64::from(self.limits.tick_rate_hz);
        let seen = next.and_then(|next| next.seen);
        let is_disturbed = is_surprised || seen.is_none_or(|seen| seen < known);
        let actual = match is_disturbed {
            true => 0, // whatever it is
            false => world.exact(player.entity).map_or(0, |state| state.hash()),
        };
        let prediction = Prediction {
            predicted,
            actual,
            is_disturbed,
        };
        let mut findings = core::mem::take(&mut self.findings);
        let at = self.judged(self.now);
        player.validator.predicted(&at, &prediction, &mut findings);
        self.take(session, findings);
    }

    fn take(&mut self, session: SessionId, mut findings: Vec<Finding>) {
        for finding in findings.drain(..) {
            let count = self.counts.findings.get_mut(finding.name());
            match count {
                Some(count) => *count += 1,
                None => drop(self.counts.findings.insert(finding.name().to_owned(), 1)),
            }
            self.suspects.insert(session);
            tracing::debug!(session = session.0, ?finding, "found");
        }
        self.findings = findings;
    }

    /// Who was found at something since this was last asked.
    pub(super) fn suspects(&mut self) -> impl Iterator<Item = SessionId> + use<> {
        core::mem::take(&mut self.suspects).into_iter()
    }

    /// What is to be done about a player now; counted, and told in the log when it is more than before.
    pub(super) fn sentence(&mut self, player: &mut Player) -> Escalation {
        let at = self.judged(self.now);
        let now = player.validator.escalation(&at);
        let points = player.validator.points(&at);
        let is_worse = now > player.escalation;
        player.escalation = now;
        if is_worse {
            let id = player.player;
            tracing::warn!(player = %id, entity = %player.entity, escalation = ?now, points, "not as an honest client");
        }
        let is_known = self.is_remembered(player.player);
        let sentence = match (now, self.cheaters) {
            // Who was halted goes on when it is not even watched any more: after some seconds, not with the next point that fades.
            (Escalation::Watch, _) if player.is_halted => Escalation::Correct,
            (now, Cheaters::Watch) => now.min(Escalation::Watch),
            (Escalation::Kick | Escalation::Ban, Cheaters::Ban) if is_known => Escalation::Ban,
            (Escalation::Ban, _) => Escalation::Kick, // the first time
            (now, _) => now,
        };
        match sentence {
            Escalation::None | Escalation::Watch => {}
            Escalation::Correct => self.counts.corrected += u64::from(!player.is_halted),
            Escalation::Kick => {
                self.counts.kicked += 1;
                self.put_out(player.player, false);
            }
            Escalation::Ban => {
                self.counts.banned += 1;
                self.put_out(player.player, true);
            }
        }
        sentence
    }

    /// Remembers who was sent away.
    fn put_out(&mut self, player: PlayerId, is_banned: bool) {
        let now = clock::now();
        self.out.retain(|_, out| out.until > now);
        while self.out.len() >= OUT_MAX {
            let first = self.out.iter().min_by_key(|(_, out)| out.until);
            let Some(first) = first.map(|(player, _)| *player) else {
                break;
            };
            self.out.remove(&first);
        }
        let until = now + self.ban;
        self.out.insert(player, Out { until, is_banned });
    }

    /// Whether a player is kept out.
    pub(super) fn is_banned(&self, player: PlayerId) -> bool {
        self.is_remembered(player) && self.out[&player].is_banned
    }

    /// Whether a player was sent away not long ago.
    fn is_remembered(&self, player: PlayerId) -> bool {
        let out = self.out.get(&player);
        out.is_some_and(|out| out.until > clock::now())
    }

    /// The validator of a player who comes in: what it was found at before it left has not faded for that.
    pub(super) fn admit(&mut self, player: PlayerId) -> Validator {
        let left = self.left.remove(&player);
        self.resume(&left.unwrap_or_default())
    }

    /// The validator of a player who comes back over another connection, whose inputs begin anew: what it was found at is not forgotten.
    pub(super) fn resume(&self, before: &Validator) -> Validator {
        let mut validator = before.anew();
        validator.begin(&self.judged(self.now));
        validator
    }

    /// Remembers a player who has left, as long as anything that it was found at is left.
    pub(super) fn leave(&mut self, player: PlayerId, validator: &Validator) {
        let now = self.now;
        let at = |judge: &Self, validator: &Validator| validator.points(&judge.judged(now));
        if at(self, validator) == 0 {
            return;
        }
        if self.left.len() >= LEFT_MAX {
            let mut left = core::mem::take(&mut self.left);
            left.retain(|_, validator| at(self, validator) > 0);
            while left.len() >= LEFT_MAX {
                left.pop_first();
            }
            self.left = left;
        }
        self.left.insert(player, *validator);
    }
}
