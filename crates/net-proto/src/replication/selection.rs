//! What of a snapshot is sent when there is not room for all: whoever matters most and has waited longest.

use spatial_core::EntityId;

use super::cache::Place;
use crate::limits::ENTITIES_MAX;

/// Updates that a client might be sent, in order of their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    pub(super) candidates: Vec<Candidate>,
    scores: Vec<u32>,   // of each of them, once they are needed
    order: Vec<u64>,    // keys of those that are chosen from
    likely_bits: usize, // of all of them
    whole: usize,       // those who are members of no set
}

/// An update that a client might be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) row: u32,
    pub(super) member: u32, // of the baseline's set; NO_MEMBER
    pub(super) place: Place,
    pub(super) distance_dm: u32,
    pub(super) is_chosen: bool,
}

/// How much somebody matters who is so far away, decimetres: half as much at 8 m as at none, a thirteenth at 100.
fn weight_at(distance_dm: u32) -> u32 {
    const HALF_DM: u32 = 80;
    let weight = u32::from(u16::MAX) * HALF_DM / HALF_DM.saturating_add(distance_dm);
    weight.max(1)
}

/// The place in its set of who is in none.
pub(super) const NO_MEMBER: u32 = u32::MAX;

/// Who was left out, strictly ascending by id, and its score: the sum of its weights since it was last sent.
pub(super) type Waiting = Vec<(EntityId, u32)>;

impl Selection {
    /// Forgets the last client's.
    pub(super) fn begin(&mut self) {
        self.candidates.clear();
        self.scores.clear();
        (self.likely_bits, self.whole) = (0, 0);
    }

    /// One more, of a later id.
    #[inline]
    pub(super) fn push(&mut self, candidate: Candidate) {
        self.likely_bits += candidate.likely_bits();
        self.whole += usize::from(candidate.member == NO_MEMBER);
        self.candidates.push(candidate);
    }

    /// What all of them are likely to take.
    pub(super) fn likely_bits(&self) -> usize {
        self.likely_bits
    }

    /// How many of them are members of no set.
    pub(super) fn whole(&self) -> usize {
        self.whole
    }

    /// Chooses those with the highest scores that fit so many bits, ids included; the own entity is always one. All others wait. Of
    /// equals others come first in each `turn`.
    pub(super) fn choose(
        &mut self,
        (bits_max, turn): (usize, u64),
        waiting: &Waiting,
        (id_of, own): (impl Fn(u32) -> EntityId + Copy, Option<EntityId>),
    ) {
        self.score(waiting, id_of, own);
        let keys = (0..)
            .zip(&self.scores)
            .map(|(n, score)| key(*score, n, turn));
        self.order.clear();
        self.order.extend(keys);
        let looked_at = self.put_first(bits_max);
        let mut left = bits_max;
        for (place, key) in self.order.iter().enumerate() {
            let n = candidate_of(*key);
            let candidate = &mut self.candidates[n];
            let bits = candidate.likely_bits();
            let is_own = self.scores[n] == u32::MAX;
            candidate.is_chosen = is_own || (place < looked_at && bits <= left);
            if candidate.is_chosen {
                left = left.saturating_sub(bits);
            }
        }
    }

    /// Puts first in the order those who are likely to fit, and behind them some of the next, in order; returns how many these are. To sort all would take three
    /// times as long.
    fn put_first(&mut self, bits_max: usize) -> usize {
        let count = self.order.len();
        let fitting = (count * bits_max / self.likely_bits.max(1)).min(count);
        let (sure, last) = (
            fitting - fitting / 8,
            (fitting + fitting / 4 + 8).min(count),
        );
        if last < count {
            self.order.select_nth_unstable(last);
        }
        let first = &mut self.order[..last];
        if sure > 0 && sure < last {
            first.select_nth_unstable(sure);
        }
        let bits_of = |key: &u64| self.candidates[candidate_of(*key)].likely_bits();
        let sure_bits: usize = first[..sure].iter().map(bits_of).sum();
        match sure_bits <= bits_max {
            true => first[sure..].sort_unstable(),
            false => first.sort_unstable(), // long ones are among them
        }
        last
    }

    fn score(&mut self, waiting: &Waiting, id_of: impl Fn(u32) -> EntityId, own: Option<EntityId>) {
        let mut waiting = waiting.iter().peekable();
        self.scores.clear();
        for candidate in &self.candidates {
            let id = id_of(candidate.row);
            while waiting.next_if(|(before, _)| *before < id).is_some() {}
            let waited = waiting.peek().filter(|(same, _)| *same == id);
            let waited = waited.map_or(0, |(_, score)| *score);
            let score = match own == Some(id) {
                true => u32::MAX,
                false => waited
                    .saturating_add(weight_at(candidate.distance_dm) * candidate.place.priority())
                    .min(u32::MAX - 1),
            };
            self.scores.push(score);
        }
    }

    /// Notes who waits now: all that are not chosen.
    pub(super) fn wait(
        &mut self,
        waiting: &mut Waiting,
        (id_of, own): (impl Fn(u32) -> EntityId + Copy, Option<EntityId>),
    ) {
        if self.scores.is_empty() {
            self.score(waiting, id_of, own); // all were to be sent, and not all fitted
        }
        waiting.clear();
        let scored = self.scores.iter().zip(&self.candidates);
        let left_out = scored.filter(|(_, candidate)| !candidate.is_chosen);
        waiting.extend(left_out.map(|(score, candidate)| (id_of(candidate.row), *score)));
    }
}

/// Of a candidate: the higher its score the less; of equals others come first in each turn.
fn key(score: u32, n: u32, turn: u64) -> u64 {
    const _: () = assert!(ENTITIES_MAX <= 1 << CANDIDATE_BITS);
    let chance = (u64::from(n) ^ turn).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (32 + CANDIDATE_BITS);
    u64::from(!score) << 32 | chance << CANDIDATE_BITS | u64::from(n)
}

#[expect(clippy::cast_possible_truncation, reason = "it is in the lowest bits")]
fn candidate_of(key: u64) -> usize {
    usize::from(key as u16)
}

const CANDIDATE_BITS: u32 = 16;

impl Candidate {
    fn likely_bits(&self) -> usize {
        // One bit where all are written.
        let id_bits = if self.member == NO_MEMBER { 8 } else { 3 };
        (self.place.bit_count() + id_bits) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(distances_dm: &[u32]) -> Selection {
        let candidate = |(row, distance_dm): (u32, &u32)| Candidate {
            row,
            member: row,
            place: Place::of_bits(32),
            distance_dm: *distance_dm,
            is_chosen: true,
        };
        let mut selection = Selection::default();
        let all = (0..).zip(distances_dm).map(candidate);
        all.for_each(|candidate| selection.push(candidate));
        selection
    }

    fn id_of(row: u32) -> EntityId {
        EntityId(10 + u64::from(row))
    }

    /// How often each is sent in so many snapshots with room for `room`.
    fn sent(
        distances_dm: &[u32],
        own: Option<EntityId>,
        (snapshots, room): (u64, usize),
    ) -> Vec<u32> {
        let mut counts = vec![0; distances_dm.len()];
        let mut waiting = Waiting::new();
        for turn in 0..snapshots {
            let mut all = selection(distances_dm);
            all.choose((35 * room, turn), &waiting, (id_of, own));
            all.wait(&mut waiting, (id_of, own));
            let chosen = all.candidates.iter().filter(|c| c.is_chosen);
            assert!(chosen.clone().count() <= room);
            chosen.for_each(|c| counts[c.row as usize] += 1);
        }
        counts
    }

    #[test]
    fn equals_take_turns() {
        let counts = sent(&[50; 10], None, (100, 3));
        assert!(counts.iter().all(|n| (28..=32).contains(n)), "{counts:?}");
        assert_eq!(sent(&[u32::MAX; 4], None, (8, 1)), [2; 4]);
    }

    #[test]
    fn who_matters_more_is_sent_more_often_and_nobody_starves() {
        // Three times as much as the next two, and 900 times as much as the last.
        let counts = sent(&[0, 160, 160, 71_920], None, (1_500, 1));
        assert!((700..=900).contains(&counts[0]), "{counts:?}");
        assert!(
            (300..=400).contains(&counts[1]) && counts[1] == counts[2],
            "{counts:?}"
        );
        assert!(counts[3] >= 1, "{counts:?}");
    }

    #[test]
    fn oneself_is_always_sent() {
        let far = u32::MAX;
        assert_eq!(sent(&[0, far, far], Some(id_of(1)), (30, 1)), [0, 30, 0]);
    }
}
