//! The snapshots that were packed last, for the next clients: who sees the same, and has the same, is told the same.
//!
//! In a room where all see all, or a crowd, one client costs what encoding costs, and each other a comparison and a copy.

use super::replicator::PackStats;
use super::selection::Candidate;
use super::snapshot::{Datagrams, Header};

/// The last few: clients who stand together have acknowledged one of a few epochs.
#[derive(Clone, Debug, Default)]
pub(super) struct Twins {
    all: [Twin; TWINS],
    next: usize,   // the newest
    is_kept: bool, // the one that is being packed
    /// How often one of them was told, since the start.
    pub(super) told: u64,
}

const TWINS: usize = 8;

impl Twins {
    /// The world has moved on.
    pub(super) fn forget(&mut self) {
        for twin in &mut self.all {
            twin.header = None;
        }
    }

    /// One of them for another client, replacing what `out` held, and of a complete set who is in it; none where it would be another.
    pub(super) fn tell(
        &mut self,
        of: &Seen<'_>,
        out: &mut Datagrams,
    ) -> Option<(PackStats, &[Candidate])> {
        let told = self.all.iter().find_map(|twin| twin.tell(of, out));
        self.told += u64::from(told.is_some());
        told
    }

    /// Another snapshot is being packed; `candidates`: who is in a complete set.
    pub(super) fn begin(
        &mut self,
        of: &Seen<'_>,
        (likely_bits, candidates): (usize, &[Candidate]),
    ) {
        self.is_kept = likely_bits <= of.bits_max && of.visible.len() >= VISIBLE_MIN;
        if self.is_kept {
            self.next = (self.next + 1) % TWINS;
            self.all[self.next].begin(of, (likely_bits, candidates));
        }
    }

    /// That is it. It is kept where nothing was left out.
    pub(super) fn end(&mut self, datagrams: &Datagrams, stats: PackStats) {
        if core::mem::take(&mut self.is_kept) {
            self.all[self.next].end(datagrams, stats);
        }
    }
}

/// One of them.
#[derive(Clone, Debug, Default)]
struct Twin {
    /// How it begins; of another client only the number of its last input differs. None where there is nothing to be shared.
    header: Option<Header>,
    datagrams_max: usize,
    visible: Vec<u32>,
    sent: Vec<u32>, // the client's set of the baseline
    back: u32,      // and epochs from that to what it was written against
    likely_bits: usize,
    candidates: Vec<Candidate>, // of a complete set
    datagrams: Datagrams,
    stats: PackStats,
}

/// What a client's snapshot depends on, beside the world.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) header: &'a Header,
    pub(super) datagrams_max: usize,
    /// Bits that it may have.
    pub(super) bits_max: usize,
    pub(super) visible: &'a [u32],
    /// The client's set of the baseline.
    pub(super) sent: &'a [u32],
    /// Epochs from that to what it was written against.
    pub(super) back: u32,
}

/// Smaller snapshots are packed as soon as they are compared.
const VISIBLE_MIN: usize = 16;

impl Twin {
    fn begin(&mut self, of: &Seen<'_>, (likely_bits, candidates): (usize, &[Candidate])) {
        self.header = Some(*of.header);
        (self.datagrams_max, self.likely_bits) = (of.datagrams_max, likely_bits);
        self.back = of.back;
        refill(&mut self.visible, of.visible);
        refill(&mut self.sent, of.sent);
        refill(&mut self.candidates, candidates);
    }

    fn end(&mut self, datagrams: &Datagrams, stats: PackStats) {
        match stats.deferred {
            0 => {
                self.datagrams.clone_from(datagrams);
                self.stats = stats;
            }
            _ => self.header = None,
        }
    }

    fn tell(&self, of: &Seen<'_>, out: &mut Datagrams) -> Option<(PackStats, &[Candidate])> {
        let theirs = Header {
            last_input_seq: of.header.last_input_seq,
            ..self.header?
        };
        let is_same = theirs == *of.header
            && (self.datagrams_max, self.back) == (of.datagrams_max, of.back)
            && self.likely_bits <= of.bits_max
            && self.visible == of.visible
            && self.sent == of.sent;
        if !is_same {
            return None;
        }
        out.clone_from(&self.datagrams);
        out.note_input(of.header.last_input_seq);
        Some((self.stats, &self.candidates))
    }
}

fn refill<T: Copy>(out: &mut Vec<T>, with: &[T]) {
    out.clear();
    out.extend_from_slice(with);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::snapshot::Coding;

    fn header(last_input_seq: u32) -> Header {
        Header {
            coding: Coding::Predicted,
            tick: 9,
            baseline: None,
            part: 0,
            parts: 1,
            last_input_seq,
            durable_lag: 2,
            updates: 0,
            whole: 0,
        }
    }

    const SEEN: [u32; 20] = [5; 20];

    /// What is told to who sees so, with so many updates and a number of the last input.
    fn told(twins: &mut Twins, of: Seen<'_>) -> Option<(usize, u8)> {
        let mut out = Datagrams::new();
        let (stats, _) = twins.tell(&of, &mut out)?;
        let seq = out.iter().next()?[12];
        Some((stats.updates, seq))
    }

    /// Packs a snapshot of five updates for who sees so.
    fn pack(twins: &mut Twins, of: &Seen<'_>, (likely_bits, deferred): (usize, usize)) {
        twins.begin(of, (likely_bits, &[]));
        let mut datagrams = Datagrams::new();
        let (bytes, ends) = datagrams.refill();
        of.header.encode(bytes);
        ends.push(bytes.len());
        let stats = PackStats {
            updates: 5,
            deferred,
            ..PackStats::default()
        };
        twins.end(&datagrams, stats);
    }

    fn seen<'a>(header: &'a Header, visible: &'a [u32]) -> Seen<'a> {
        Seen {
            header,
            datagrams_max: 4,
            bits_max: 900,
            visible,
            sent: &[3, 4],
            back: 1,
        }
    }

    #[test]
    fn only_who_would_be_told_the_same_is() {
        let (mine, theirs) = (header(7), header(8));
        let later = Header {
            tick: 10,
            ..header(8)
        };
        let (seen, other) = (seen(&mine, &SEEN), seen(&theirs, &SEEN));
        let mut twins = Twins::default();
        assert_eq!(told(&mut twins, other), None);
        pack(&mut twins, &seen, (800, 0));
        assert_eq!(told(&mut twins, other), Some((5, 8)));
        #[rustfmt::skip]
        let different = [
            Seen { header: &later, ..seen },
            Seen { datagrams_max: 3, ..seen },
            Seen { bits_max: 799, ..seen },
            Seen { visible: &SEEN[1..], ..seen },
            Seen { sent: &[3], ..seen },
            Seen { back: 2, ..seen },
        ];
        for different in different {
            assert_eq!(told(&mut twins, different), None);
        }
        twins.forget();
        assert_eq!(told(&mut twins, other), None);
    }

    #[test]
    fn what_is_not_whole_is_nobody_elses() {
        let mine = header(7);
        let (seen, few) = (seen(&mine, &SEEN), seen(&mine, &SEEN[..VISIBLE_MIN - 1]));
        let mut twins = Twins::default();
        pack(&mut twins, &seen, (901, 0));
        pack(&mut twins, &seen, (800, 1));
        assert_eq!(told(&mut twins, seen), None);
        // And drives none out that is.
        pack(&mut twins, &seen, (800, 0));
        for _ in 0..TWINS {
            pack(&mut twins, &seen, (901, 0));
            pack(&mut twins, &few, (100, 0));
        }
        assert_eq!(told(&mut twins, seen), Some((5, 7)));
        assert_eq!(told(&mut twins, few), None);
    }
}
