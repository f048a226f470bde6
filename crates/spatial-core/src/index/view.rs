//! Queries: an index together with what it was built from.

use glam::DVec3;

use super::approximation::PADDING;
use super::moving::{Hit, InvalidRadius, MovingIndex, check_radius};
use super::order::Order;
use super::reach::LeafRanges;
use super::scan::{Found, Kernel, KernelWork, Lanes, Sieve, sieve_next, with_kernel};
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
        self.push_rows(ball, &ball.ranges(&self.index.order), rows);
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
        let ball = Ball::new(center, radius_m);
        self.visit_ball(ball, &ball.ranges(&self.index.order), |found| {
            for row in &found.rows[..found.count] {
                tell(self.hit(*row, center));
            }
        });
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

    /// Appends the rows within a ball, whose ranges these are.
    pub(super) fn push_rows(&self, ball: Ball, ranges: &LeafRanges, rows: &mut Vec<u32>) {
        self.visit_ball(ball, ranges, |found| found.push_to(rows));
    }

    /// Tells the rows within a ball, whose ranges these are.
    #[inline(always)]
    fn visit_ball(&self, ball: Ball, ranges: &LeafRanges, tell: impl FnMut(&Found)) {
        let work = BallWork {
            view: *self,
            ball,
            ranges,
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
    /// For places that nobody has asked about.
    pub(super) const NONE: Self = Self {
        center: Ecef(DVec3::ZERO),
        radius_m: 0.0,
    };

    /// For a radius that was checked.
    pub(super) fn new(center: Ecef, radius_m: f64) -> Self {
        Self {
            center,
            radius_m: radius_m.min(RADIUS_MAX_M),
        }
    }

    /// The leaves that it can touch.
    #[inline(always)]
    pub(super) fn ranges(self, order: &Order) -> LeafRanges {
        LeafRanges::of_ball(self.center.0, self.radius_m, order.rho2)
    }
}

struct BallWork<'a, F> {
    view: IndexView<'a>,
    ball: Ball,
    ranges: &'a LeafRanges,
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
        for range in self.ranges.as_slice() {
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
    fn run(&mut self, _: &Tile, sieve: &Sieve, [from, to]: [u32; 2]) {
        // No closures: called at several places, they would not be compiled for the kernel's instructions.
        let (mut slot, to) = (from as usize, to as usize);
        while slot < to {
            let (sieved, rows) = sieve_next(self.kernel, self.lanes, sieve, [slot, to]);
            let (mut within, mut rim) = (sieved.inner, sieved.outer & !sieved.inner);
            while rim != 0 {
                let lane = rim.trailing_zeros();
                let place = self.places[rows[lane as usize] as usize];
                let is_within = place.distance_m(Ecef(self.center)) <= self.radius_m;
                within |= u16::from(is_within) << lane;
                rim &= rim - 1;
            }
            (self.tell)(&Found {
                rows: self.kernel.pack(rows, within),
                count: within.count_ones() as usize,
            });
            slot += PADDING;
        }
    }
}
