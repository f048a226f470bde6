//! The k nearest: balls that grow until one holds enough.

use core::f64::consts::PI;

use super::moving::Hit;
use super::order::Order;
use super::tile::Tile;
use super::view::{Ball, IndexView, RADIUS_MAX_M};
use crate::cell::{MAX_LEVEL, direction_to_face_uv, st_to_ij, uv_to_st};
use crate::planet::Ecef;

/// A ball that holds too few grows by at most this factor.
const GROWTH_MAX: f64 = 3.0;

impl IndexView<'_> {
    /// The `count` nearest entities, ordered by (distance, entity id); all when there are fewer, none for a count of 0. `hits`
    /// is cleared first.
    ///
    /// Costs one or two radius queries of about twice the count where entities are spread evenly.
    pub fn nearest(&self, center: Ecef, count: usize, hits: &mut Vec<Hit>) {
        hits.clear();
        let count = count.min(self.len());
        if count == 0 {
            return;
        }
        let wanted = 1.35 * count as f64 + 4.0;
        let mut radius_m = self.index.order.radius_guess_m(center, wanted);
        loop {
            hits.clear();
            self.visit_ball(Ball::new(center, radius_m), |found| {
                for row in &found.rows[..found.count] {
                    hits.push(self.hit(*row, center));
                }
            });
            if hits.len() >= count || radius_m >= RADIUS_MAX_M {
                break;
            }
            let growth = (wanted / (hits.len() as f64 + 0.5)).sqrt();
            radius_m *= growth.clamp(1.25, GROWTH_MAX);
        }
        keep_nearest(hits, count);
    }
}

/// Sorts by (distance, id) as much as is kept.
fn keep_nearest(hits: &mut Vec<Hit>, count: usize) {
    let nearer = |a: &Hit, b: &Hit| {
        a.distance_m
            .total_cmp(&b.distance_m)
            .then(a.id.cmp(&b.id))
            .then(a.row.cmp(&b.row))
    };
    if hits.len() > count {
        hits.select_nth_unstable_by(count - 1, nearer);
        hits.truncate(count);
    }
    hits.sort_unstable_by(nearer);
}

impl Order {
    /// A radius around a place within which about so many entities may be, by the cells around it. At least a millimetre.
    fn radius_guess_m(&self, center: Ecef, wanted: f64) -> f64 {
        let (face, u, v) = direction_to_face_uv(center.0);
        let [i, j] = [u, v].map(|w| st_to_ij(uv_to_st(w)));
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
