//! A set of rows as bits in two levels.
//!
//! ```text
//! summary   bit w of word s: whether words[64·s + w] has any bit          4,096 rows a word
//! words     bit r of word w: whether row 64·w + r is in the set             64 rows a word
//! ```
//! A sparse set of millions of rows is walked through the words that have bits only: 5,000 of 4.5 million rows cost
//! 1,099 words of the summary and at most 5,000 others.

use core::ops::Range;

use super::moves::Move;

/// Rows of a word of the summary.
pub(crate) const SUMMARY_ROWS: usize = 64 * 64;

/// A set of rows.
#[derive(Clone, Default)]
pub(crate) struct Bits {
    rows: usize,
    words: Vec<u64>,   // ⌈rows / 64⌉; bits from `rows` on are 0
    summary: Vec<u64>, // ⌈words / 64⌉; a bit is set exactly when its word is not 0
}

impl Bits {
    /// An empty set of so many rows.
    pub(crate) fn none(rows: usize) -> Self {
        let mut bits = Self::default();
        bits.resize(rows);
        bits
    }

    /// All of so many rows.
    pub(crate) fn all(rows: usize) -> Self {
        let mut bits = Self::none(rows);
        bits.insert_range(0..rows);
        bits
    }

    /// The set of saved words; `None` when their number is not that of the rows or there are bits behind the last row.
    pub(crate) fn from_words(words: Vec<u64>, rows: usize) -> Option<Self> {
        let spare =
            (!rows.is_multiple_of(64)).then(|| words.last().map_or(0, |last| last >> (rows % 64)));
        if words.len() != rows.div_ceil(64) || spare.unwrap_or(0) != 0 {
            return None;
        }
        let summary = vec![0; words.len().div_ceil(64)];
        let mut bits = Self {
            rows,
            words,
            summary,
        };
        bits.summarise();
        Some(bits)
    }

    /// Becomes the set of words that a set of as many rows had.
    pub(crate) fn set_words(&mut self, words: &[u64]) {
        self.words.copy_from_slice(words);
        self.summary.fill(0);
        self.summarise();
    }

    /// What is saved.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    /// Whether a row is in the set.
    ///
    /// # Panics
    /// When there is no such row; so do the others that take rows.
    #[inline]
    pub(crate) fn contains(&self, row: usize) -> bool {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        self.words[row / 64] >> (row % 64) & 1 != 0
    }

    /// Adds a row.
    #[inline]
    pub(crate) fn insert(&mut self, row: usize) {
        self.view_mut().insert(row);
    }

    /// Takes a row out.
    #[inline]
    pub(crate) fn remove(&mut self, row: usize) {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        let word = &mut self.words[row / 64];
        *word &= !(1 << (row % 64));
        if *word == 0 {
            self.summary[row / SUMMARY_ROWS] &= !(1 << (row / 64 % 64));
        }
    }

    /// Adds rows.
    pub(crate) fn insert_range(&mut self, rows: Range<usize>) {
        self.view_mut().insert_range(rows);
    }

    /// Adds the rows of another set over the same rows. Costs what the other set has.
    pub(crate) fn absorb(&mut self, other: &Self) {
        assert_eq!(self.rows, other.rows, "sets over the same rows");
        for (s, (to, from)) in self.summary.iter_mut().zip(&other.summary).enumerate() {
            *to |= from;
            for w in ones(*from) {
                self.words[64 * s + w] |= other.words[64 * s + w];
            }
        }
    }

    /// Takes all rows out. Costs what the set has.
    pub(crate) fn clear(&mut self) {
        for (s, summary) in self.summary.iter_mut().enumerate() {
            for w in ones(core::mem::take(summary)) {
                self.words[64 * s + w] = 0;
            }
        }
    }

    /// Whether no row is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        self.summary.iter().all(|word| *word == 0)
    }

    /// The rows of the set, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.summary.iter().enumerate().flat_map(move |(s, word)| {
            ones(*word)
                .map(move |w| 64 * s + w)
                .flat_map(move |w| ones(self.words[w]).map(move |r| 64 * w + r))
        })
    }

    /// Takes all rows out, ascending.
    #[inline]
    pub(crate) fn drain(&mut self, mut each: impl FnMut(usize)) {
        for (s, summary) in self.summary.iter_mut().enumerate() {
            let words = &mut self.words[64 * s..];
            while *summary != 0 {
                let w = summary.trailing_zeros() as usize;
                *summary &= *summary - 1;
                let first = SUMMARY_ROWS * s + 64 * w;
                ones(core::mem::take(&mut words[w])).for_each(|r| each(first + r));
            }
        }
    }

    /// Makes room for more rows.
    pub(crate) fn reserve(&mut self, more: usize) {
        let words = (self.rows + more).div_ceil(64);
        self.words.reserve(words - self.words.len());
        let summary = words.div_ceil(64);
        self.summary.reserve(summary - self.summary.len());
    }

    /// Changes the number of rows; new ones are not in the set.
    pub(crate) fn resize(&mut self, rows: usize) {
        let shrinks = rows < self.rows;
        self.rows = rows;
        self.words.resize(rows.div_ceil(64), 0);
        self.summary.resize(self.words.len().div_ceil(64), 0);
        if !shrinks {
            return;
        }
        let Some(last) = self.words.len().checked_sub(1) else {
            return;
        };
        if !rows.is_multiple_of(64) {
            self.words[last] &= (1 << (rows % 64)) - 1;
        }
        let summary = &mut self.summary[last / 64];
        *summary &= u64::MAX >> (63 - last % 64);
        if self.words[last] == 0 {
            *summary &= !(1 << (last % 64));
        }
    }

    /// Follows rows that move into gaps; what is behind `rows` is gone.
    pub(crate) fn compact(&mut self, moves: &[Move], rows: usize) {
        for Move { from, to } in moves {
            if self.contains(*from as usize) {
                self.insert(*to as usize);
            } else {
                self.remove(*to as usize);
            }
        }
        self.resize(rows);
    }

    /// Row n becomes what row `order[n]` was. `order` is a permutation of the rows; `spare` is room to work in.
    pub(crate) fn reorder(&mut self, order: &[u32], spare: &mut Vec<u64>) {
        if self.is_empty() {
            return;
        }
        spare.clear();
        spare.extend(order.chunks(64).map(|chunk| {
            let bit = |(n, row): (usize, &u32)| u64::from(self.contains(*row as usize)) << n;
            chunk.iter().enumerate().map(bit).fold(0, |a, b| a | b)
        }));
        self.words.copy_from_slice(spare);
        self.summarise();
    }

    /// All rows, to add some of them.
    pub(crate) fn view_mut(&mut self) -> BitsMut<'_> {
        BitsMut {
            rows: self.rows,
            words: &mut self.words,
            summary: &mut self.summary,
        }
    }

    fn summarise(&mut self) {
        for (summary, words) in self.summary.iter_mut().zip(self.words.chunks(64)) {
            let bit = |(w, word): (usize, &u64)| u64::from(*word != 0) << w;
            *summary = words.iter().enumerate().map(bit).fold(0, |a, b| a | b);
        }
    }

    /// Panics unless the set is one over this many rows and the levels agree.
    pub(crate) fn assert_well_formed(&self, rows: usize) {
        assert_eq!(self.rows, rows);
        let again = Self::from_words(self.words.clone(), rows);
        let again = again.expect("words are those of the rows");
        assert_eq!(self.summary, again.summary);
    }
}

/// A run of rows of a set, to add some of them; rows are counted from the run's first.
pub(crate) struct BitsMut<'a> {
    rows: usize,
    words: &'a mut [u64],
    summary: &'a mut [u64],
}

impl BitsMut<'_> {
    /// Adds a row.
    #[inline]
    pub(crate) fn insert(&mut self, row: usize) {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        self.words[row / 64] |= 1 << (row % 64);
        self.summary[row / SUMMARY_ROWS] |= 1 << (row / 64 % 64);
    }

    /// Adds rows.
    pub(crate) fn insert_range(&mut self, rows: Range<usize>) {
        assert!(rows.end <= self.rows, "rows {rows:?} of {}", self.rows);
        set_range(self.words, rows.clone());
        if !rows.is_empty() {
            set_range(self.summary, rows.start / 64..rows.end.div_ceil(64));
        }
    }

    /// The rows before one and those from it on; `at` is a multiple of [`SUMMARY_ROWS`].
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        assert!(at.is_multiple_of(SUMMARY_ROWS) && at <= self.rows);
        let (words, words_after) = self.words.split_at_mut(at / 64);
        let (summary, summary_after) = self.summary.split_at_mut(at / SUMMARY_ROWS);
        let before = Self {
            rows: at,
            words,
            summary,
        };
        let after = Self {
            rows: self.rows - at,
            words: words_after,
            summary: summary_after,
        };
        (before, after)
    }
}

/// Sets a range of bits of words.
fn set_range(words: &mut [u64], bits: Range<usize>) {
    if bits.is_empty() {
        return;
    }
    let (first, last) = (bits.start / 64, (bits.end - 1) / 64);
    let head = u64::MAX << (bits.start % 64);
    let tail = u64::MAX >> (63 - (bits.end - 1) % 64);
    if first == last {
        words[first] |= head & tail;
        return;
    }
    words[first] |= head;
    words[first + 1..last].fill(u64::MAX);
    words[last] |= tail;
}

/// The places of the ones of a word, ascending.
#[inline]
fn ones(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let place = (word != 0).then(|| word.trailing_zeros() as usize);
        word &= word.wrapping_sub(1);
        place
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Sizes around the words of both levels.
    const SIZES: [usize; 9] = [0, 1, 63, 64, 65, 4_095, 4_096, 4_097, 9_000];

    fn every(rows: usize, step: usize) -> (Bits, BTreeSet<usize>) {
        let mut bits = Bits::none(rows);
        (0..rows).step_by(step).for_each(|row| bits.insert(row));
        (bits, (0..rows).step_by(step).collect())
    }

    fn check(bits: &Bits, rows: usize, want: &BTreeSet<usize>) {
        bits.assert_well_formed(rows);
        assert!(bits.iter().eq(want.iter().copied()));
        assert_eq!(bits.is_empty(), want.is_empty());
        assert!((0..rows).all(|row| bits.contains(row) == want.contains(&row)));
    }

    #[test]
    fn rows_go_in_and_out() {
        for rows in SIZES {
            let (mut bits, mut model) = every(rows, 7);
            for row in (0..rows).step_by(3) {
                bits.remove(row);
                model.remove(&row);
            }
            check(&bits, rows, &model);
            let mut drained = Vec::new();
            bits.drain(|row| drained.push(row));
            assert!(drained.into_iter().eq(model));
            check(&bits, rows, &BTreeSet::new());
        }
    }

    #[test]
    fn ranges_are_their_rows() {
        for rows in SIZES {
            for (start, end) in [
                (0, rows),
                (1, rows),
                (0, rows / 2),
                (63, 65),
                (64, 4_096),
                (5, 5),
            ] {
                if start > end || end > rows {
                    continue;
                }
                let mut bits = Bits::none(rows);
                bits.insert_range(start..end);
                check(&bits, rows, &(start..end).collect());
            }
            check(&Bits::all(rows), rows, &(0..rows).collect());
        }
    }

    #[test]
    fn sizes_change_and_cut_bits_off() {
        for from in SIZES {
            for to in SIZES {
                let (mut bits, mut model) = every(from, 5);
                bits.resize(to);
                model.retain(|row| *row < to);
                check(&bits, to, &model);
            }
        }
    }

    #[test]
    fn sets_are_united_and_cleared() {
        let ((mut a, left), (b, right)) = (every(9_000, 70), every(9_000, 4_000));
        a.absorb(&b);
        check(&a, 9_000, &left.union(&right).copied().collect());
        a.clear();
        check(&a, 9_000, &BTreeSet::new());
    }

    #[test]
    fn a_permutation_moves_bits() {
        let rows = 4_500;
        let order: Vec<u32> = (0..rows as u32).map(|n| n * 7 % rows as u32).collect();
        let (mut bits, model) = every(rows, 11);
        bits.reorder(&order, &mut Vec::new());
        let want = (0..rows).filter(|n| model.contains(&(order[*n] as usize)));
        check(&bits, rows, &want.collect());
    }

    #[test]
    fn halves_count_from_their_own_first_row() {
        let mut bits = Bits::none(9_000);
        let (mut before, after) = bits.view_mut().split_at(4_096);
        before.insert(4_095);
        let (mut middle, mut after) = after.split_at(4_096);
        middle.insert_range(0..2);
        after.insert(807);
        check(&bits, 9_000, &[4_095, 4_096, 4_097, 8_999].into());
    }

    #[test]
    fn words_that_are_no_set_are_refused() {
        assert!(Bits::from_words(vec![1 << 3], 4).is_some());
        assert!(Bits::from_words(vec![1 << 4], 4).is_none());
        assert!(Bits::from_words(vec![u64::MAX], 64).is_some());
        assert!(Bits::from_words(vec![0, 0], 64).is_none());
        assert!(Bits::from_words(vec![], 1).is_none());
    }
}
