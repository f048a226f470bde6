//! Queries: an index together with what it was built from.

use glam::DVec3;

use super::moving::{Hit, InvalidRadius, MovingIndex, check_radius};
use super::reach::LeafRanges;
use super::scan::{Found, Kernel, KernelWork, Lanes, Sieve, scan, with_kernel};
use super::tile::Tile;
use super::walk::Visitor;
use crate::ids::EntityId;
use crate::planet::Ecef;
use crate::simd::SimdLevel;

/// An index with the ids and places that it was built from. All queries are its methods.
///
/// The truth of every query is [`Ecef::distance_m`] of these places, bounds included. Results come in iteration order:
/// by cell, then entity id ([`IndexView::rows`]), unless a query says otherwise.
///
/// A view is two words and two slices; many threads may ask it at once.
#[derive(Clone, Copy, Debug)]
pub struct IndexView<'a> {
    pub(super) index: &'a MovingIndex,
    pub(super) ids: &'a [EntityId], // as long as the index
    pub(super) places: &'a [Ecef],  // as long as the index
}

/// No two places are as far apart.
pub(super) const RADIUS_MAX_M: f64 = 1e11;

impl<'a> IndexView<'a> {
    /// Entities.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// All rows in iteration order: by cell, then entity id. It is a function of places and ids alone, not of rows, of history
    /// or of threads.
    ///
    /// Queries at the entities themselves are fastest in this order, and ticks when the rows of the slices are.
    pub fn rows(&self) -> &'a [u32] {
        &self.index.order.rows[..self.len()]
    }

    /// The rows of everybody within a distance, the bound included, in iteration order. `rows` is cleared first.
    ///
    /// The fastest call: it reads a place only where an approximation is too near the rim to decide.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN; `rows` is unchanged.
    pub fn rows_within(
        &self,
        center: Ecef,
        radius_m: f64,
        rows: &mut Vec<u32>,
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        rows.clear();
        let ball = Ball::new(center, radius_m);
        let tell = |found: &Found| {
            let len = rows.len() + found.count;
            rows.extend_from_slice(&found.rows); // all, for a copy of known size
            rows.truncate(len);
        };
        self.visit_ball(ball, tell);
        Ok(())
    }

    /// Everybody within a distance, the bound included, in iteration order. `hits` is cleared first.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN; `hits` is unchanged.
    pub fn radius(
        &self,
        center: Ecef,
        radius_m: f64,
        hits: &mut Vec<Hit>,
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        hits.clear();
        self.for_each_within(center, radius_m, |hit| hits.push(hit))
    }

    /// As [`IndexView::radius`], into a closure.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN.
    pub fn for_each_within(
        &self,
        center: Ecef,
        radius_m: f64,
        mut tell: impl FnMut(Hit),
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        self.visit_ball(Ball::new(center, radius_m), |found| {
            for row in &found.rows[..found.count] {
                tell(self.hit(*row, center));
            }
        });
        Ok(())
    }

    /// A batch of [`IndexView::rows_within`]: calls with the number of each centre and its rows, which are kept in `rows`.
    ///
    /// Centres in cell order ([`IndexView::rows`], [`MovingIndex::sort_by_cell`]) take half to two thirds of the time of centres
    /// in random order. To use many threads, give each a run of the centres.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN; nobody is called.
    pub fn rows_within_each(
        &self,
        centers: &[Ecef],
        radius_m: f64,
        rows: &mut Vec<u32>,
        mut tell: impl FnMut(usize, &[u32]),
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        for (n, center) in centers.iter().enumerate() {
            self.rows_within(*center, radius_m, rows)?;
            tell(n, rows);
        }
        Ok(())
    }

    /// An entity as seen from a place.
    #[inline(always)]
    pub(super) fn hit(&self, row: u32, center: Ecef) -> Hit {
        Hit {
            id: self.ids[row as usize],
            row,
            distance_m: self.places[row as usize].distance_m(center),
        }
    }

    /// Tells the rows within a ball.
    #[inline(always)]
    pub(super) fn visit_ball(&self, ball: Ball, tell: impl FnMut(&Found)) {
        let work = BallWork {
            view: *self,
            ball,
            tell,
        };
        with_kernel(self.index.simd, work);
    }
}

/// All places within a distance of a centre.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ball {
    pub(super) center: Ecef,
    pub(super) radius_m: f64, // from 0 to RADIUS_MAX_M
}

impl Ball {
    /// For a radius that was checked.
    pub(super) fn new(center: Ecef, radius_m: f64) -> Self {
        Self {
            center,
            radius_m: radius_m.min(RADIUS_MAX_M),
        }
    }
}

struct BallWork<'a, F> {
    view: IndexView<'a>,
    ball: Ball,
    tell: F,
}

impl<F: FnMut(&Found)> KernelWork for BallWork<'_, F> {
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let index = self.view.index;
        let mut visitor = BallVisitor {
            kernel,
            lanes: index.lanes(),
            level: index.simd,
            places: self.view.places,
            center: self.ball.center.0,
            radius_m: self.ball.radius_m,
            tell: self.tell,
        };
        let (center, radius_m) = (visitor.center, visitor.radius_m);
        let ranges = LeafRanges::of_ball(center, radius_m, index.order.rho2);
        for range in ranges.as_slice() {
            index.order.visit(range, &mut visitor);
        }
    }
}

struct BallVisitor<'a, K, F> {
    kernel: K,
    lanes: Lanes<'a>,
    level: SimdLevel,
    places: &'a [Ecef],
    center: DVec3,
    radius_m: f64,
    tell: F,
}

impl<K: Kernel, F: FnMut(&Found)> Visitor for BallVisitor<'_, K, F> {
    type Local = Sieve;

    fn level(&self) -> SimdLevel {
        self.level
    }

    #[inline(always)]
    fn enter(&mut self, tile: &Tile) -> Option<Sieve> {
        Some(Sieve::new(tile, self.center, self.radius_m))
    }

    #[inline(always)]
    fn run(&mut self, _: &Tile, sieve: &Sieve, slots: [u32; 2]) {
        let exact = |row: u32| {
            let place = self.places[row as usize];
            place.distance_m(Ecef(self.center)) <= self.radius_m
        };
        scan(self.kernel, self.lanes, sieve, slots, exact, &mut self.tell);
    }
}
