//! All pairs within a distance of each other: what collisions start from.
//!
//! ```text
//!      · · · │· · ·        entities that follow each other in iteration order and lie together form a group;
//!      · · ┌─┴──┐ ·        their neighbourhood is gathered once, from the group's first slot on: who is before it
//!      ────┤ G  │~~        has been paired with the group already. So each pair is met once, from its earlier
//!      ~~~~└────┘~~        entity.
//! ```

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
    places: Vec<DVec3>, // of the run of slots that is being paired
}

impl PairSearch {
    /// Without any space yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every pair of entities at most `radius_m` apart, once: in the iteration order of the earlier one, then of the
    /// later one. [`crate::Ecef::distance_m`] decides. Allocates only to grow.
    ///
    /// Of a million with 16 others in reach each, an entity costs about as much as a radius query in cell order, so 20 ns a
    /// pair; with next to nobody in reach, 100 ns.
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
            let rows = &order.rows[run.start as usize..run.end as usize];
            // All at once, so that the memory's answers overlap.
            let places = rows.iter().map(|row| index.places[*row as usize].to_vec());
            self.places.clear();
            self.places.extend(places);
            let extent_max_m = (GROUP_EXTENT * radius_m).max(GROUP_SPACINGS * spacing_m(tile));
            let mut from = 0;
            while from < rows.len() {
                let group = Group::new(&self.places[from..], extent_max_m);
                self.pair_group(&index, &group, (run.start, from), radius_m, &mut pair);
                from += group.count;
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

    /// Pairs a group, of entities from one of a run of slots on, with each other and with those behind them.
    fn pair_group(
        &mut self,
        index: &IndexView<'_>,
        group: &Group,
        (run_start, from): (u32, usize),
        radius_m: f64,
        pair: &mut impl FnMut(Pair),
    ) {
        let slot = run_start + from as u32;
        let reach_m = (radius_m + group.extent_m) * (1.0 + 1e-12) + group.slack_m;
        self.hood.gather(index, (group.center, reach_m), slot);
        // Whoever is in the group is in reach, so its slots are the first candidates.
        for n in 0..group.count {
            let place = self.places[from + n];
            let offset = (place - group.center).to_array();
            let probe = Probe::new(&self.hood, offset, radius_m, radius_m);
            let distance_m = |other: u32| index.places[other as usize].to_vec().distance(place);
            self.near.clear();
            let others = (&self.hood, n + 1);
            sift(index.index.simd, others, &probe, &mut self.near, distance_m);
            if self.near.is_empty() {
                continue;
            }
            let row = index.index.order.rows[slot as usize + n];
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

/// How far from each other, about, the entities of a tile are.
fn spacing_m(tile: &Tile) -> f64 {
    65_536.0 / (tile.steps_per_m * f64::from(tile.len()).sqrt())
}

/// Entities that share a neighbourhood: the first of a run of slots, and those after it that are near it.
struct Group {
    count: usize,
    center: DVec3,
    extent_m: f64, // nobody is further from the centre
    slack_m: f64,  // the rounding of a place
}

/// The extent of a group, as a part of the radius, or in spacings of the entities there if that is more; and how many
/// there are at most.
const GROUP_EXTENT: f64 = 0.8;
const GROUP_SPACINGS: f64 = 2.0;
const GROUP_MAX: usize = 48;

impl Group {
    fn new(places: &[DVec3], extent_max_m: f64) -> Self {
        let square_max = extent_max_m * extent_max_m;
        let (mut lo, mut hi) = (places[0], places[0]);
        let mut count = 1;
        for next in places.iter().take(GROUP_MAX).skip(1) {
            let (lower, upper) = (lo.min(*next), hi.max(*next));
            if lower.distance_squared(upper) > square_max {
                break;
            }
            (lo, hi) = (lower, upper);
            count += 1;
        }
        Self {
            count,
            center: (lo + hi) / 2.0,
            extent_m: lo.distance(hi) / 2.0,
            slack_m: lo.abs().max(hi.abs()).max_element() * 1e-14,
        }
    }
}
