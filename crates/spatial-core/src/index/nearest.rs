//! The k nearest: balls that grow until one holds enough.

use core::f64::consts::PI;

use super::few::{FEW_MAX, Few, FewWork};
use super::moving::Hit;
use super::order::Order;
use super::reach::LeafRanges;
use super::scan::{Kernel, KernelWork, Lanes, Sieve, scan_squares, with_kernel};
use super::tile::Tile;
use super::view::{Ball, IndexView, RADIUS_MAX_M};
use super::walk::Visitor;
use crate::cell::{MAX_LEVEL, direction_to_face_uv, st_to_ij, uv_to_st};
use crate::ids::EntityId;
use crate::planet::Ecef;
use crate::simd::SimdLevel;

/// A ball that holds too few grows by at most this factor.
const GROWTH_MAX: f64 = 3.0;

impl IndexView<'_> {
    /// The `count` nearest entities, ordered by (distance, entity id); all when there are fewer, none for a count of 0. `hits`
    /// is cleared first.
    ///
    /// Costs one or two radius queries of about one and a half times the count where entities are spread evenly. Places are read of as many
    /// as are wanted, and of those whose approximations cannot tell.
    pub fn nearest(&self, center: Ecef, count: usize, hits: &mut Vec<Hit>) {
        hits.clear();
        let count = count.min(self.len());
        if count == 0 {
            return;
        }
        let wanted = wanted(count);
        let radius_m = self
            .index
            .order
            .radius_guess_m(center, leaf_of(center), wanted);
        self.nearest_from(center, count, radius_m, hits);
    }

    /// The nearest, at least one, by balls that grow from a radius.
    pub(super) fn nearest_from(
        &self,
        center: Ecef,
        count: usize,
        mut radius_m: f64,
        hits: &mut Vec<Hit>,
    ) {
        if count <= FEW_MAX {
            match self.few_nearest(center, count, radius_m, hits) {
                Ok(()) => return,
                Err(crowded_m) => radius_m = crowded_m,
            }
        }
        self.nearest_of_many(center, count, radius_m, hits);
    }

    /// As above, of more than are ranked in lanes.
    pub(super) fn nearest_of_many(
        &self,
        center: Ecef,
        count: usize,
        mut radius_m: f64,
        hits: &mut Vec<Hit>,
    ) {
        let wanted = wanted(count);
        loop {
            let error_m = self.find_near(Ball::new(center, radius_m), hits);
            let is_all = radius_m >= RADIUS_MAX_M;
            let found = hits.len();
            if found >= count {
                self.keep_nearest(center, count, error_m, hits);
                // Whoever is further than the radius may have been passed over for somebody nearer.
                if is_all || hits[count - 1].distance_m <= radius_m {
                    return;
                }
            }
            radius_m *= growth(wanted, found);
        }
    }

    /// The nearest, by balls that grow from a radius; or the radius of a ball with too many.
    fn few_nearest(
        &self,
        center: Ecef,
        count: usize,
        mut radius_m: f64,
        hits: &mut Vec<Hit>,
    ) -> Result<(), f64> {
        let mut few = Few::none();
        loop {
            let ball = Ball::new(center, radius_m);
            self.find_few(ball, &ball.ranges(&self.index.order), &mut few);
            match self.take_few(ball, count, &few, hits) {
                FewVerdict::Found => return Ok(()),
                FewVerdict::TooMany => return Err(radius_m),
                FewVerdict::TooFew { longer_m } => radius_m = longer_m,
            }
        }
    }

    /// Those who may be within a ball, whose ranges these are.
    pub(super) fn find_few(&self, ball: Ball, ranges: &LeafRanges, few: &mut Few) {
        let work = FewWork {
            index: self.index,
            ball,
            ranges,
            few,
        };
        with_kernel(self.index.simd, work);
    }

    /// The nearest of those who were found in a ball, when it holds them for sure.
    #[inline(always)]
    pub(super) fn take_few(
        &self,
        ball: Ball,
        count: usize,
        few: &Few,
        hits: &mut Vec<Hit>,
    ) -> FewVerdict {
        let Ball { center, radius_m } = ball;
        if !few.is_complete() {
            return FewVerdict::TooMany;
        }
        if few.len >= count {
            hits.clear();
            hits.extend(few.nearest(count).map(|row| self.hit(row, center)));
            sort(hits);
            hits.truncate(count);
            if radius_m >= RADIUS_MAX_M || hits[count - 1].distance_m <= radius_m {
                return FewVerdict::Found;
            }
        }
        FewVerdict::TooFew {
            longer_m: radius_m * growth(wanted(count), few.len),
        }
    }

    /// Everybody who is within a ball and some beyond, at approximate distances; returns by how much these may be wrong.
    fn find_near(&self, ball: Ball, hits: &mut Vec<Hit>) -> f64 {
        hits.clear();
        let mut error_m = 0.0;
        let work = NearWork {
            view: *self,
            ball,
            hits,
            error_m: &mut error_m,
        };
        with_kernel(self.index.simd, work);
        error_m
    }

    /// Keeps the `count` nearest of at least as many at approximate distances, at their own distances and in order.
    fn keep_nearest(&self, center: Ecef, count: usize, error_m: f64, hits: &mut Vec<Hit>) {
        if hits.len() > count {
            let (_, last, _) = hits
                .select_nth_unstable_by(count - 1, |a, b| a.distance_m.total_cmp(&b.distance_m));
            let rim_m = last.distance_m + 2.0 * error_m;
            hits.retain(|hit| hit.distance_m <= rim_m);
        }
        for hit in hits.iter_mut() {
            *hit = self.hit(hit.row, center);
        }
        sort(hits);
        hits.truncate(count);
    }
}

/// What a ball holds.
pub(super) enum FewVerdict {
    Found,
    TooMany,
    TooFew { longer_m: f64 },
}

/// How many a ball is to hold for so many nearest.
pub(super) fn wanted(count: usize) -> f64 {
    let wanted = 1.25 * count as f64 + 3.0;
    if count <= FEW_MAX {
        wanted + 0.5 * count as f64 // more cost little there, and a second ball as much as the first
    } else {
        wanted
    }
}

/// By how much a ball grows that holds so many.
fn growth(wanted: f64, found: usize) -> f64 {
    let growth = (wanted / (found as f64 + 0.5)).sqrt();
    growth.clamp(1.25, GROWTH_MAX)
}

fn sort(hits: &mut [Hit]) {
    hits.sort_unstable_by(|a, b| {
        let by_distance = a.distance_m.total_cmp(&b.distance_m);
        by_distance.then_with(|| (a.id, a.row).cmp(&(b.id, b.row)))
    });
}

struct NearWork<'a> {
    view: IndexView<'a>,
    ball: Ball,
    hits: &'a mut Vec<Hit>,
    error_m: &'a mut f64,
}

impl KernelWork for NearWork<'_> {
    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) {
        let index = self.view.index;
        let Ball { center, radius_m } = self.ball;
        let mut visitor = NearVisitor {
            kernel,
            lanes: index.lanes(),
            level: index.simd,
            ball: self.ball,
            hits: self.hits,
            error_m: self.error_m,
        };
        let ranges = LeafRanges::of_ball(center.0, radius_m, index.order.rho2);
        for range in ranges.as_slice() {
            index.order.visit(range, &mut visitor);
        }
    }
}

struct NearVisitor<'a, K> {
    kernel: K,
    lanes: Lanes<'a>,
    level: SimdLevel,
    ball: Ball,
    hits: &'a mut Vec<Hit>,
    error_m: &'a mut f64,
}

impl<K: Kernel> Visitor for NearVisitor<'_, K> {
    type Local = (Sieve, f64); // and a step, metres

    fn level(&self) -> SimdLevel {
        self.level
    }

    #[inline(always)]
    fn enter(&mut self, tile: &Tile) -> Option<(Sieve, f64)> {
        let sieve = Sieve::new(tile, self.ball.center.0, self.ball.radius_m);
        let step_m = 1.0 / tile.steps_per_m;
        // Beyond the rim by another error, so twice is enough for all that are told.
        let error_m = 2.0 * sieve.error * step_m;
        *self.error_m = self.error_m.max(error_m);
        Some((sieve, step_m))
    }

    #[inline(always)]
    fn run(&mut self, _: &Tile, (sieve, step_m): &(Sieve, f64), slots: [u32; 2]) {
        scan_squares(self.kernel, self.lanes, sieve, slots, |found, squares| {
            let near = found.rows.iter().zip(squares).take(found.count);
            self.hits.extend(near.map(|(row, square)| Hit {
                id: EntityId(0), // until it is known who is wanted
                row: *row,
                distance_m: f64::from(*square).sqrt() * step_m,
            }));
        });
    }
}

/// The face, i and j of the leaf that a place is in.
#[inline(always)]
pub(super) fn leaf_of(place: Ecef) -> (u8, u32, u32) {
    let (face, u, v) = direction_to_face_uv(place.0);
    let [i, j] = [u, v].map(|w| st_to_ij(uv_to_st(w)));
    (face, i, j)
}

impl Order {
    /// A radius around a place in a leaf within which about so many entities may be, by the cells around it. At least a
    /// millimetre.
    pub(super) fn radius_guess_m(
        &self,
        center: Ecef,
        (face, i, j): (u8, u32, u32),
        wanted: f64,
    ) -> f64 {
        let tile = self.tile_at(face, i, j);
        let (cells, count) = self.count_around(tile, i, j);
        // Cells of one level differ in size by a factor of two; their mean is near enough.
        let leaves = f64::from(1u32 << tile.shift());
        let edge_m =
            leaves / f64::from(1u32 << MAX_LEVEL) * (4.0 * PI / 6.0).sqrt() * center.0.length();
        let area_m2 = f64::from(cells) * edge_m * edge_m;
        let radius_m = (wanted * area_m2 / (PI * (f64::from(count) + 0.5))).sqrt();
        radius_m.clamp(1e-3, RADIUS_MAX_M)
    }

    /// How many of the cells around a leaf, itself included, lie in its tile, and how many entities lie in them.
    fn count_around(&self, tile: &Tile, i: u32, j: u32) -> (u32, u32) {
        if tile.start == tile.end {
            return (1, 0);
        }
        let last = (1u32 << tile.bits) - 1;
        let around = |ij: u32, first: u32| {
            let cell = (ij - first) >> tile.shift();
            [cell.saturating_sub(1), (cell + 1).min(last)]
        };
        let ([i0, i1], [j0, j1]) = (around(i, tile.i), around(j, tile.j));
        let count_row = |i: u32| {
            let row = tile.cells + (i << tile.bits);
            self.start_of(row + j1 + 1) - self.start_of(row + j0)
        };
        let cells = (i1 - i0 + 1) * (j1 - j0 + 1);
        (cells, (i0..=i1).map(count_row).sum())
    }
}
