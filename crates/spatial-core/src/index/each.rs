//! Batched queries: many of one kind, answered one after the other into one buffer.

use super::ahead::Ahead;
use super::corridor::Corridor;
use super::few::{FEW_MAX, Few};
use super::moving::{Hit, InvalidRadius, check_radius};
use super::nearest::{FewVerdict, leaf_of, wanted};
use super::view::{Ball, IndexView};
use crate::batch::{BatchError, check_all};
use crate::cell::CellId;
use crate::columns::prefetch::prefetch;
use crate::planet::Ecef;
use crate::region::Region;

/// Batches call with the number of each query and its answer, which is kept in a buffer of the caller's.
///
/// Queries in cell order ([`IndexView::rows`], [`crate::MovingIndex::sort_by_cell`]) are fastest. Those around places
/// fetch ahead what the next ones will read, which helps where they are in random order. To use many
/// threads, give each a run of the queries.
impl IndexView<'_> {
    /// A batch of [`IndexView::rows_within`], all of one radius.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN; nobody is called and `rows` is unchanged.
    pub fn rows_within_each(
        &self,
        centers: &[Ecef],
        radius_m: f64,
        rows: &mut Vec<u32>,
        tell: impl FnMut(usize, &[u32]),
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        self.rows_in_balls(centers, |_| radius_m, rows, tell);
        Ok(())
    }

    /// A batch of [`IndexView::rows_within`], each with a radius of its own.
    ///
    /// # Errors
    /// The first radius that is negative or NaN; nobody is called and `rows` is unchanged.
    ///
    /// # Panics
    /// When there are not as many radii as centres.
    pub fn rows_within_radii(
        &self,
        centers: &[Ecef],
        radii_m: &[f64],
        rows: &mut Vec<u32>,
        tell: impl FnMut(usize, &[u32]),
    ) -> Result<(), BatchError<InvalidRadius>> {
        assert_eq!(centers.len(), radii_m.len(), "one radius a centre");
        check_all(radii_m, |radius_m| check_radius(*radius_m))?;
        self.rows_in_balls(centers, |n| radii_m[n], rows, tell);
        Ok(())
    }

    /// A batch of [`IndexView::nearest`], all of one count.
    pub fn nearest_each(
        &self,
        centers: &[Ecef],
        count: usize,
        hits: &mut Vec<Hit>,
        mut tell: impl FnMut(usize, &[Hit]),
    ) {
        let count = count.min(self.len());
        if count == 0 || count > FEW_MAX {
            return for_each(centers, |n, center| {
                self.nearest(*center, count, hits);
                tell(n, hits);
            });
        }
        self.few_nearest_each(centers, count, hits, tell);
    }

    /// A batch of [`IndexView::region_rows`]: boxes, caps, polygons, whatever is a [`Region`].
    pub fn region_rows_each(
        &self,
        regions: &[impl Region],
        rows: &mut Vec<u32>,
        mut tell: impl FnMut(usize, &[u32]),
    ) {
        for_each(regions, |n, region| {
            self.region_rows(region, rows);
            tell(n, rows);
        });
    }

    /// A batch of [`IndexView::cell_rows`].
    pub fn cell_rows_each(
        &self,
        cells: &[CellId],
        rows: &mut Vec<u32>,
        mut tell: impl FnMut(usize, &[u32]),
    ) {
        for_each(cells, |n, cell| {
            self.cell_rows(*cell, rows);
            tell(n, rows);
        });
    }

    /// A batch of [`IndexView::corridor`].
    pub fn corridor_each(
        &self,
        corridors: &[Corridor],
        hits: &mut Vec<Hit>,
        mut tell: impl FnMut(usize, &[Hit]),
    ) {
        for_each(corridors, |n, corridor| {
            self.corridor(corridor, hits);
            tell(n, hits);
        });
    }

    /// Of radii that were checked.
    fn rows_in_balls(
        &self,
        centers: &[Ecef],
        radius_m: impl Fn(usize) -> f64,
        rows: &mut Vec<u32>,
        mut tell: impl FnMut(usize, &[u32]),
    ) {
        let (index, len) = (self.index, centers.len());
        let mut ahead = Ahead::new();
        for n in 0..len {
            let next = ahead.advance((n, len), &index.order, index.lanes(), |n| {
                Ball::new(centers[n], radius_m(n))
            });
            rows.clear();
            self.push_rows(next.ball, &next.ranges, rows);
            tell(n, rows);
        }
    }

    /// Of a count from 1 to [`FEW_MAX`].
    fn few_nearest_each(
        &self,
        centers: &[Ecef],
        count: usize,
        hits: &mut Vec<Hit>,
        mut tell: impl FnMut(usize, &[Hit]),
    ) {
        let (index, len, wanted) = (self.index, centers.len(), wanted(count));
        let mut leaves = [(0, 0, 0); LEAVES];
        let mut leaf_count = 0;
        let mut ahead = Ahead::new();
        let mut found: [(Ball, Few); PLACES_AFTER + 1] =
            core::array::from_fn(|_| (Ball::NONE, Few::none()));
        for n in 0..len + PLACES_AFTER {
            while leaf_count < len.min(n + AROUND_AHEAD + 1) {
                let leaf = leaf_of(centers[leaf_count]);
                leaves[leaf_count % LEAVES] = leaf;
                leaf_count += 1;
                index.order.fetch_around(leaf);
            }
            if n < len {
                let next = ahead.advance((n, len), &index.order, index.lanes(), |n| {
                    let (center, leaf) = (centers[n], leaves[n % LEAVES]);
                    Ball::new(center, index.order.radius_guess_m(center, leaf, wanted))
                });
                let (ball, few) = &mut found[n % (PLACES_AFTER + 1)];
                *ball = next.ball;
                self.find_few(next.ball, &next.ranges, few);
                self.fetch_places(few, count);
            }
            if let Some(earlier) = n.checked_sub(PLACES_AFTER) {
                let (ball, few) = &found[earlier % (PLACES_AFTER + 1)];
                self.take_or_search(*ball, few, count, hits);
                tell(earlier, hits);
            }
        }
    }

    /// Asks for the places that are to be read.
    #[inline(always)]
    fn fetch_places(&self, few: &Few, count: usize) {
        if few.is_complete() && few.len >= count {
            for row in few.nearest(count) {
                prefetch(&self.places[row as usize]);
            }
        }
    }

    /// The answer of one whose candidates are known.
    #[inline(always)]
    fn take_or_search(&self, ball: Ball, few: &Few, count: usize, hits: &mut Vec<Hit>) {
        let Ball { center, radius_m } = ball;
        match self.take_few(ball, count, few, hits) {
            FewVerdict::Found => {}
            FewVerdict::TooMany => self.nearest_of_many(center, count, radius_m, hits),
            FewVerdict::TooFew { longer_m } => self.nearest_from(center, count, longer_m, hits),
        }
    }
}

fn for_each<T>(queries: &[T], mut answer: impl FnMut(usize, &T)) {
    for (n, query) in queries.iter().enumerate() {
        answer(n, query);
    }
}

/// So many queries ahead of their first use the cells around a place are asked for.
const AROUND_AHEAD: usize = 12;
/// Places for their leaves: more than that.
const LEAVES: usize = 16;
/// So many queries after the candidates of one are known, and their places asked for, these are read.
const PLACES_AFTER: usize = 2;
