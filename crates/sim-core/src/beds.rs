//! The beds of those who are asleep, in order: an ordered set that keeps its memory.
//!
//! ```text
//! runs    ┌ (k₀,3) (k₀,7) (k₁,2) … ┐┌ (k₄,1) … ┐   ascending throughout; at most 128 beds each, none of them empty
//! lasts     last of each run                       what a search looks at first
//! spare   runs that nobody needs just now
//! ```
//! Two runs that follow one another have more than [`JOINED`] beds together, or else they are joined. So runs are at most
//! [`runs_of`] the beds, and they are made when there are more beds than ever: whoever comes and goes after that allocates nothing.

/// The key of a block, and a row.
pub(crate) type Bed = (u64, u32);

/// Beds of a run.
const RUN: usize = 128;
/// Two runs with so many are joined. Far enough from a full one that nobody splits and joins by turns.
const JOINED: usize = 112;
/// Beds of a run when all are laid at once.
const FILLED: usize = 96;

/// Beds, ascending; 36 bytes each.
#[derive(Default)]
pub(crate) struct Beds {
    runs: Vec<Vec<Bed>>,
    lasts: Vec<Bed>,
    spare: Vec<Vec<Bed>>,
    count: usize,
}

/// Runs that so many beds may need, with those that come and go within an insertion.
fn runs_of(beds: usize) -> usize {
    2 * beds / (JOINED + 1) + 4
}

impl Beds {
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.lasts.clear();
        self.spare.append(&mut self.runs);
        self.spare.iter_mut().for_each(Vec::clear);
    }

    /// Has these from now on, which ascend.
    pub(crate) fn fill(&mut self, beds: &[Bed]) {
        debug_assert!(beds.is_sorted_by(|a, b| a < b));
        self.clear();
        self.make_room(beds.len());
        self.count = beds.len();
        for (n, beds) in beds.chunks(FILLED).enumerate() {
            self.open(n);
            self.runs[n].extend_from_slice(beds);
            self.note_last(n);
        }
    }

    /// Adds one that may be there already.
    pub(crate) fn insert(&mut self, bed: Bed) {
        if self.runs.is_empty() {
            return self.fill(&[bed]);
        }
        let mut run = self.run_of(bed).min(self.runs.len() - 1);
        let Err(mut at) = self.runs[run].binary_search(&bed) else {
            return;
        };
        self.make_room(self.count + 1);
        let is_full = self.runs[run].len() == RUN;
        if is_full {
            self.split(run);
            let half = self.runs[run].len();
            (run, at) = if at <= half {
                (run, at)
            } else {
                (run + 1, at - half)
            };
        }
        self.runs[run].insert(at, bed);
        self.note_last(run);
        self.count += 1;
        if is_full {
            self.join_around(run);
        }
    }

    /// Takes one away that may not be there.
    pub(crate) fn remove(&mut self, bed: Bed) {
        let run = self.run_of(bed);
        let Some(Ok(at)) = self.runs.get(run).map(|beds| beds.binary_search(&bed)) else {
            return;
        };
        self.runs[run].remove(at);
        self.count -= 1;
        if self.runs[run].is_empty() {
            self.close(run);
        } else {
            self.note_last(run);
            self.join_around(run);
        }
    }

    /// Those from one to another, both included.
    pub(crate) fn between(&self, first: Bed, last: Bed) -> impl Iterator<Item = Bed> + '_ {
        let runs = self.runs[self.run_of(first)..].iter();
        let beds = runs.flatten().skip_while(move |bed| **bed < first);
        beds.take_while(move |bed| **bed <= last).copied()
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Bed> + '_ {
        self.runs.iter().flatten().copied()
    }

    /// The first run that ends with a bed or behind it; behind all runs, if there is none.
    fn run_of(&self, bed: Bed) -> usize {
        self.lasts.partition_point(|last| *last < bed)
    }

    /// Makes the runs that so many beds may need.
    fn make_room(&mut self, beds: usize) {
        let runs = runs_of(beds);
        while self.runs.len() + self.spare.len() < runs {
            self.spare.push(Vec::with_capacity(RUN));
        }
        let more = |there: usize| runs.saturating_sub(there);
        self.runs.reserve(more(self.runs.len()));
        self.lasts.reserve(more(self.lasts.len()));
        self.spare.reserve(more(self.spare.len()));
    }

    /// A new run, empty.
    fn open(&mut self, run: usize) {
        let beds = self.spare.pop().expect("there is room for all");
        self.runs.insert(run, beds);
        self.lasts.insert(run, (0, 0));
    }

    /// A run is empty.
    fn close(&mut self, run: usize) {
        self.lasts.remove(run);
        self.spare.push(self.runs.remove(run));
    }

    fn note_last(&mut self, run: usize) {
        self.lasts[run] = *self.runs[run].last().expect("no run is empty");
    }

    /// Halves a run.
    fn split(&mut self, run: usize) {
        self.open(run + 1);
        let (before, after) = self.runs.split_at_mut(run + 1);
        after[0].extend(before[run].drain(RUN / 2..));
        self.note_last(run);
        self.note_last(run + 1);
    }

    /// Joins those near a run, which was changed, that have become too small.
    fn join_around(&mut self, run: usize) {
        // From behind, so that joining does not renumber those that come next.
        for first in (run.saturating_sub(2)..=run + 1).rev() {
            self.join(first);
        }
    }

    /// Joins a run with the next one if both are small.
    fn join(&mut self, run: usize) {
        let Some([beds, next]) = self.runs.get_mut(run..run + 2) else {
            return;
        };
        if beds.len() + next.len() <= JOINED {
            beds.append(next);
            self.close(run + 1);
            self.note_last(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check(beds: &Beds, want: &BTreeSet<Bed>) {
        assert!(beds.iter().eq(want.iter().copied()));
        assert_eq!(beds.is_empty(), want.is_empty());
        assert_eq!(beds.count, want.len());
        assert!(beds.runs.iter().all(|run| (1..=RUN).contains(&run.len())));
        let lasts = beds.runs.iter().map(|run| run[run.len() - 1]);
        assert!(lasts.eq(beds.lasts.iter().copied()));
        assert!(
            beds.runs.len() + 1 < runs_of(want.len()),
            "{}",
            beds.runs.len()
        );
    }

    /// Against a B-tree, while many come, while many go, and while they balance; numbers of a multiplicative generator.
    #[test]
    fn beds_are_those_of_a_tree() {
        let mut seed = 9u64;
        let mut draw = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % n
        };
        let (mut beds, mut want) = (Beds::default(), BTreeSet::new());
        for (steps, of_ten) in [(9_000, 9), (9_000, 5), (12_000, 1), (9_000, 5), (4_000, 10)] {
            for step in 0..steps {
                let bed = (draw(400), draw(40) as u32);
                if draw(10) < of_ten {
                    beds.insert(bed);
                    want.insert(bed);
                } else {
                    // One of those that are there, if there is one behind.
                    let bed = want.range(bed..).next().copied().unwrap_or(bed);
                    beds.remove(bed);
                    want.remove(&bed);
                }
                if step % 64 == 0 {
                    check(&beds, &want);
                    let (first, last) = ((draw(400), draw(40) as u32), (draw(400), 7));
                    let between = want.iter().copied().filter(|b| (first..=last).contains(b));
                    assert!(beds.between(first, last).eq(between));
                }
            }
        }
        let all: Vec<_> = want.iter().copied().collect();
        beds.fill(&all);
        check(&beds, &want);
        want.clear();
        beds.clear();
        check(&beds, &want);
        assert_eq!(beds.between((0, 0), (u64::MAX, 0)).count(), 0);
    }

    /// Those who come and go again find the room of those who were there before.
    #[test]
    fn what_was_there_once_has_room() {
        let mut beds = Beds::default();
        let all: Vec<_> = (0..20_000).map(|n| (n / 7, (n % 7) as u32)).collect();
        beds.fill(&all);
        let runs = beds.runs.len() + beds.spare.len();
        for n in 0..100_000u64 {
            let bed = all[(n * 7_919 % 20_000) as usize];
            beds.remove(bed);
            if n % 3 != 0 {
                beds.insert(bed);
            }
        }
        all.iter().for_each(|bed| beds.insert(*bed));
        assert!(beds.iter().eq(all));
        assert_eq!(beds.runs.len() + beds.spare.len(), runs);
    }
}
