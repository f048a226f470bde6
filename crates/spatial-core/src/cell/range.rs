//! Runs of cells of one level, in Hilbert order.

use core::iter::FusedIterator;

use super::id::{CellId, MAX_LEVEL};

/// Consecutive cells of one level along the curve: an iterator from both ends that knows its length.
///
/// ```
/// # use spatial_core::{CellId, CellRange};
/// let cell = CellId::from_token("89c25")?;
/// let inside = cell.descendants(cell.level() + 2);
/// assert_eq!(inside.len(), 16);
/// assert!(inside.clone().all(|c| cell.contains(c)));
/// assert_eq!(CellRange::all(3).len(), 6 * 64);
/// # Ok::<(), spatial_core::InvalidToken>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CellRange {
    next: u64, // id of the first cell that is left
    end: u64,  // one step after the last one; equal to `next` at the end
    step: u64, // between ids of this level: twice the stop bit
}

impl CellRange {
    /// All cells of a level.
    ///
    /// # Panics
    /// When the level is above 30.
    pub fn all(level: u8) -> Self {
        Self::between(CellId::begin(level), CellId::last(level))
            .expect("both are of one level and in order")
    }

    /// The cells from `first` to `last`, both included; `None` when their levels differ or `last` comes first.
    pub fn between(first: CellId, last: CellId) -> Option<Self> {
        (first.level() == last.level() && first <= last).then(|| {
            let step = first.stop() << 1;
            Self {
                next: first.to_u64(),
                end: last.to_u64() + step,
                step,
            }
        })
    }
}

impl CellId {
    /// The first cell of a level on the curve.
    ///
    /// # Panics
    /// When the level is above 30.
    pub fn begin(level: u8) -> Self {
        Self::from_face_ij(0, 0, 0, level)
    }

    /// The last cell of a level on the curve; the library's `End` is one step further and names no cell.
    ///
    /// # Panics
    /// When the level is above 30.
    pub fn last(level: u8) -> Self {
        assert!(level <= MAX_LEVEL);
        let stop = 1 << (2 * (MAX_LEVEL - level));
        Self::from_bits((6 << 61) - stop)
    }

    /// The cells of a level inside this one, itself at its own level.
    ///
    /// # Panics
    /// When the level is coarser than the cell's or above 30.
    pub fn descendants(self, level: u8) -> CellRange {
        let (first, last) = (self.first_descendant(level), self.last_descendant(level));
        CellRange::between(first, last).expect("both are of one level and in order")
    }

    /// The first cell of a level inside this one (the library's `child_begin`).
    ///
    /// # Panics
    /// When the level is coarser than the cell's or above 30.
    pub fn first_descendant(self, level: u8) -> Self {
        assert!((self.level()..=MAX_LEVEL).contains(&level));
        self.range_min().parent(level)
    }

    /// The last cell of a level inside this one.
    ///
    /// # Panics
    /// When the level is coarser than the cell's or above 30.
    pub fn last_descendant(self, level: u8) -> Self {
        assert!((self.level()..=MAX_LEVEL).contains(&level));
        self.range_max().parent(level)
    }

    /// The next cell of this level along the curve; `None` after the last.
    pub fn next(self) -> Option<Self> {
        self.advance(1)
    }

    /// The cell of this level before this one; `None` before the first.
    pub fn prev(self) -> Option<Self> {
        self.advance(-1)
    }

    /// The cell of this level so many steps further along the curve, or back; `None` beyond either end.
    pub fn advance(self, steps: i64) -> Option<Self> {
        let index = self.curve_index().checked_add_signed(steps)?;
        (index < cell_count(self.level())).then(|| self.at_curve_index(index))
    }

    /// As [`CellId::advance`], but the curve goes on from its end to its beginning.
    pub fn advance_wrap(self, steps: i64) -> Self {
        let count = i128::from(cell_count(self.level()));
        let index = (i128::from(self.curve_index()) + i128::from(steps)).rem_euclid(count);
        self.at_curve_index(index as u64)
    }

    /// How many cells of this level come before this one along the curve.
    pub fn curve_index(self) -> u64 {
        self.to_u64() >> self.index_shift()
    }

    fn at_curve_index(self, index: u64) -> Self {
        Self::from_bits(index << self.index_shift() | self.stop())
    }

    /// Below its curve index an id has the stop bit and zeros.
    fn index_shift(self) -> u8 {
        2 * (MAX_LEVEL - self.level()) + 1
    }
}

/// Cells of a level.
fn cell_count(level: u8) -> u64 {
    6 << (2 * level)
}

impl Iterator for CellRange {
    type Item = CellId;

    fn next(&mut self) -> Option<CellId> {
        (self.next < self.end).then(|| {
            let cell = CellId::from_bits(self.next);
            self.next += self.step;
            cell
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = ((self.end - self.next) / self.step) as usize;
        (left, Some(left))
    }

    fn nth(&mut self, n: usize) -> Option<CellId> {
        let skipped = n.min(self.len());
        self.next += skipped as u64 * self.step;
        self.next()
    }
}

impl DoubleEndedIterator for CellRange {
    fn next_back(&mut self) -> Option<CellId> {
        (self.next < self.end).then(|| {
            self.end -= self.step;
            CellId::from_bits(self.end)
        })
    }
}

impl ExactSizeIterator for CellRange {}
impl FusedIterator for CellRange {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_has_two_ends() {
        for level in 0..=MAX_LEVEL {
            let (first, last) = (CellId::begin(level), CellId::last(level));
            assert_eq!((first.level(), last.level()), (level, level));
            assert_eq!((first.prev(), last.next()), (None, None));
            assert_eq!(first.advance(i64::MIN), None);
            assert_eq!(first.advance_wrap(-1), last);
            assert_eq!(last.advance_wrap(1), first);
            assert_eq!(first.advance_wrap(6 << (2 * level)), first);
            assert_eq!(last.curve_index(), cell_count(level) - 1);
            assert_eq!(first.advance(last.curve_index() as i64), Some(last));
        }
    }

    #[test]
    fn ranges_are_steps_along_the_curve() {
        let all: Vec<_> = CellRange::all(3).collect();
        assert_eq!(all.len(), 384);
        assert!(
            all.windows(2)
                .all(|w| w[0].next() == Some(w[1]) && w[1].prev() == Some(w[0]))
        );
        let mut backwards: Vec<_> = CellRange::all(3).rev().collect();
        backwards.reverse();
        assert_eq!(backwards, all);
        assert_eq!(CellRange::all(3).nth(100), Some(all[100]));
        assert_eq!(CellRange::all(3).nth(384), None);
        assert_eq!(CellRange::all(30).len(), 6 << 60);
        assert_eq!(all[7].descendants(3).collect::<Vec<_>>(), [all[7]]);
        let children = all[7].children().expect("level 3 has children");
        assert_eq!(all[7].descendants(4).collect::<Vec<_>>(), children);
        assert_eq!(CellRange::between(all[9], all[8]), None);
        assert_eq!(CellRange::between(all[8], children[0]), None);
    }
}
