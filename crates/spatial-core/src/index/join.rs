//! All pairs within a distance of each other: what collisions start from.
//!
//! ```text
//!      · · · │· · ·        entities that lie together in the order of cells form a group; their neighbourhood
//!      · · ┌─┴──┐ ·        is gathered once, from the group's first slot on: who is before it has been paired
//!      ────┤ G  │~~        with the group already. So each pair is met once, from its earlier entity.
//!      ~~~~└────┘~~
//! ```

use core::ops::Range;

use glam::DVec3;

use super::moving::{InvalidRadius, check_radius};
use super::neighbourhood::Neighbourhood;
use super::sift::{INNER, Probe, sift};
use super::tile::Tile;
use super::view::IndexView;
use crate::ids::EntityId;

/// Two entities near each other; `a < b` unless they share an id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pair {
    /// The entity of lesser id.
    pub a: EntityId,
    /// The other one.
    pub b: EntityId,
    /// Their rows in the slices that the index was built from.
    pub rows: [u32; 2],
}

/// Finds pairs; keeps the space for it from one call to the next.
#[derive(Clone, Debug, Default)]
pub struct PairSearch {
    hood: Neighbourhood,
    near: Vec<u32>,
}

impl PairSearch {
    /// Without any space yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every pair of entities at most `radius_m` apart, once: in the iteration order of the earlier one, then of the
    /// later one. [`crate::Ecef::distance_m`] decides. Allocates only to grow.
    ///
    /// Costs about half of a radius query for every entity, and what the pairs cost.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN.
    pub fn for_each(
        &mut self,
        index: IndexView<'_>,
        radius_m: f64,
        mut pair: impl FnMut(Pair),
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        let order = &index.index.order;
        order.for_each_run(|tile, run| {
            let mut slot = run.start;
            while slot < run.end {
                let group = Group::new(&index, tile, slot..run.end, radius_m);
                self.pair_group(&index, &group, radius_m, &mut pair);
                slot = group.slots.end;
            }
        });
        Ok(())
    }

    /// As [`PairSearch::for_each`], into a vector, which is cleared first.
    ///
    /// # Errors
    /// [`InvalidRadius`] when the radius is negative or NaN; `out` is unchanged.
    pub fn pairs(
        &mut self,
        index: IndexView<'_>,
        radius_m: f64,
        out: &mut Vec<Pair>,
    ) -> Result<(), InvalidRadius> {
        check_radius(radius_m)?;
        out.clear();
        self.for_each(index, radius_m, |pair| out.push(pair))
    }

    fn pair_group(
        &mut self,
        index: &IndexView<'_>,
        group: &Group,
        radius_m: f64,
        pair: &mut impl FnMut(Pair),
    ) {
        let reach_m = (radius_m + group.extent_m) * (1.0 + 1e-12);
        let ball = (group.center, reach_m);
        self.hood.gather(index, ball, group.slots.start);
        // Whoever is in the group is in reach, so its slots are the first candidates.
        for (n, slot) in group.slots.clone().enumerate() {
            let row = index.index.order.rows[slot as usize];
            let place = index.places[row as usize];
            let offset = (place.to_vec() - group.center).to_array();
            let probe = Probe::new(&self.hood, offset, radius_m, radius_m);
            let distance_m = |other: u32| index.places[other as usize].distance_m(place);
            self.near.clear();
            let others = (&self.hood, n + 1);
            sift(index.index.simd, others, &probe, &mut self.near, distance_m);
            let id = index.ids[row as usize];
            for other in &self.near {
                let other = other & !INNER;
                pair(Pair::new((id, row), (index.ids[other as usize], other)));
            }
        }
    }
}

impl Pair {
    fn new(one: (EntityId, u32), other: (EntityId, u32)) -> Self {
        let (a, b) = if one.0 <= other.0 {
            (one, other)
        } else {
            (other, one)
        };
        Self {
            a: a.0,
            b: b.0,
            rows: [a.1, b.1],
        }
    }
}

/// Entities that share a neighbourhood: a run of slots of one tile.
struct Group {
    slots: Range<u32>,
    center: DVec3,
    extent_m: f64, // nobody is further from the centre
}

/// Half the extent of a group, as a part of the radius, and how many there are at most.
const GROUP_EXTENT: f64 = 0.4;
const GROUP_MAX: u32 = 48;

impl Group {
    /// The first of some slots of a tile, and those after it that are near it.
    fn new(index: &IndexView<'_>, tile: &Tile, slots: Range<u32>, radius_m: f64) -> Self {
        let lanes = &index.index.approximations;
        let place = |slot: u32| {
            let n = slot as usize;
            [lanes.x[n], lanes.y[n], lanes.z[n]]
        };
        let extent_max = 2.0 * GROUP_EXTENT * radius_m * tile.steps_per_m;
        let square_max = extent_max * extent_max;
        let (mut lo, mut hi) = (place(slots.start), place(slots.start));
        let mut end = slots.start + 1;
        let end_max = slots.end.min(slots.start.saturating_add(GROUP_MAX));
        while end < end_max {
            let next = place(end);
            let lower = [0, 1, 2].map(|n: usize| lo[n].min(next[n]));
            let upper = [0, 1, 2].map(|n: usize| hi[n].max(next[n]));
            if square_of(lower, upper) > square_max {
                break;
            }
            (lo, hi) = (lower, upper);
            end += 1;
        }
        let middle = [0, 1, 2].map(|n: usize| 0.5 * (f64::from(lo[n]) + f64::from(hi[n])));
        let step_m = 1.0 / tile.steps_per_m;
        Self {
            slots: slots.start..end,
            center: tile.origin_m + DVec3::from_array(middle) * step_m,
            // An approximation is half a step off on each axis.
            extent_m: (0.5 * square_of(lo, hi).sqrt() + 1.0) * step_m,
        }
    }
}

fn square_of(lo: [u16; 3], hi: [u16; 3]) -> f64 {
    let [x, y, z] = [0, 1, 2].map(|n: usize| f64::from(hi[n] - lo[n]));
    x * x + y * y + z * z
}
