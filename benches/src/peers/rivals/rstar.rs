//! R*-trees.

use ::rstar::{AABB, PointDistance, RTree, RTreeObject};

use super::{Found, MovingPoints, PointIndex};

/// A tree of points in space, loaded in bulk.
pub(crate) struct Tree(RTree<Entry>);

#[derive(Clone, Copy, PartialEq)]
struct Entry {
    at: [f64; 3],
    row: u32,
}

impl RTreeObject for Entry {
    type Envelope = AABB<[f64; 3]>;

    fn envelope(&self) -> Self::Envelope {
        AABB::from_point(self.at)
    }
}

impl PointDistance for Entry {
    fn distance_2(&self, point: &[f64; 3]) -> f64 {
        square_between(self.at, *point)
    }
}

impl Tree {
    pub(crate) const NAME: &str = "rstar 0.14.0";

    pub(crate) fn build(points: &[[f64; 3]]) -> Self {
        let entry = |(row, at): (u32, &[f64; 3])| Entry { at: *at, row };
        Self(RTree::bulk_load((0..).zip(points).map(entry).collect()))
    }
}

impl PointIndex for Tree {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// It gives no distances: they are taken again, as a caller would.
    fn within(&mut self, center: [f64; 3], radius_m: f64, found: &mut Vec<Found>) {
        found.clear();
        let entries = self.0.locate_within_distance(center, radius_m * radius_m);
        found.extend(entries.map(|entry| (entry.row, square_between(entry.at, center))));
    }

    fn nearest(&mut self, center: [f64; 3], count: usize, found: &mut Vec<Found>) {
        found.clear();
        let nearest = self.0.nearest_neighbor_iter_with_distance_2(center);
        found.extend(
            nearest
                .take(count)
                .map(|(entry, square)| (entry.row, square)),
        );
    }
}

impl MovingPoints for Tree {
    fn move_each(&mut self, from: &[[f64; 3]], to: &[[f64; 3]]) {
        for (row, (from, to)) in (0u32..).zip(from.iter().zip(to)) {
            self.0.remove(&Entry { at: *from, row });
            self.0.insert(Entry { at: *to, row });
        }
    }
}

fn square_between(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum()
}
