//! k-d trees.

use std::num::NonZeroUsize;

use ::kiddo::{Eytzinger, ImmutableKdTree, MutableKdTree, QueryScratch, SquaredEuclidean};

use super::{Found, MovingPoints, PointIndex};

/// A tree and the memory for its queries. Both kinds are built and asked alike, in the fastest ways that are documented: on
/// this thread alone, whose time is measured; unsorted and visiting where that will do, with scratch memory kept.
macro_rules! tree {
    ($(#[$doc:meta])* $name:ident: $tree:ident, $label:literal) => {
        $(#[$doc])*
        pub(crate) struct $name {
            tree: $tree<f64, 3>,
            scratch: QueryScratch<Eytzinger, f64, 3>,
        }

        impl $name {
            pub(crate) const NAME: &str = $label;

            pub(crate) fn build(points: &[[f64; 3]]) -> Self {
                let tree = $tree::builder()
                    .with_serial_construction()
                    .build_from_slice(points)
                    .expect("points that are finite and not all equal");
                Self {
                    scratch: tree.create_scratch::<SquaredEuclidean<f64>>(),
                    tree,
                }
            }
        }

        impl PointIndex for $name {
            fn name(&self) -> &'static str {
                Self::NAME
            }

            fn within(&mut self, center: [f64; 3], radius_m: f64, found: &mut Vec<Found>) {
                found.clear();
                self.tree
                    .query(&center)
                    .within::<SquaredEuclidean<f64>>(radius_m * radius_m)
                    .unsorted()
                    .with_scratch(&mut self.scratch)
                    .visit(|hit| found.push((hit.item, hit.distance)));
            }

            fn nearest(&mut self, center: [f64; 3], count: usize, found: &mut Vec<Found>) {
                found.clear();
                let Some(count) = NonZeroUsize::new(count) else {
                    return;
                };
                let nearest = self
                    .tree
                    .query(&center)
                    .nearest_n::<SquaredEuclidean<f64>>(count)
                    .with_scratch(&mut self.scratch)
                    .execute();
                found.extend(nearest.iter().map(|hit| (hit.item, hit.distance)));
            }
        }
    };
}

tree!(
    /// The tree that it recommends for points that are known up front: its queries are the fastest on stable Rust.
    Immutable: ImmutableKdTree, "kiddo 6.3.0 immutable f64"
);
tree!(
    /// The tree that it recommends for points that come and go. It does not move them: out and in again.
    Mutable: MutableKdTree, "kiddo 6.3.0 mutable f64"
);

impl MovingPoints for Mutable {
    fn move_each(&mut self, from: &[[f64; 3]], to: &[[f64; 3]]) {
        for (row, (from, to)) in (0u32..).zip(from.iter().zip(to)) {
            self.tree.remove(from, row);
            self.tree
                .add(to, row)
                .expect("a finite point beside few equal ones");
        }
    }
}
