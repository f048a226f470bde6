//! The runs of slots of a part of the index.

use core::ops::Range;

use glam::DVec3;

use super::order::Order;
use super::reach::{LeafRange, for_each_range};
use super::tile::Tile;
use super::walk::Visitor;

/// A visitor that is told runs alone.
struct Runs<F>(F);

impl<F: FnMut(&Tile, Range<u32>)> Visitor for Runs<F> {
    type Local = ();

    #[inline(always)]
    fn enter(&mut self, _: &Tile) -> Option<()> {
        Some(())
    }

    #[inline(always)]
    fn run(&mut self, tile: &Tile, (): &(), [from, to]: [u32; 2]) {
        (self.0)(tile, from..to);
    }
}

impl Order {
    /// Calls with runs that together hold everybody within a ball, and whoever else is in the cells that it touches. Runs
    /// ascend and do not overlap; some may be empty.
    pub(super) fn for_each_run_near(
        &self,
        center: DVec3,
        radius_m: f64,
        visit: impl FnMut(&Tile, Range<u32>),
    ) {
        let mut runs = Runs(visit);
        for_each_range(center, radius_m, self.rho2, |range| {
            self.visit(&range, &mut runs);
        });
    }

    /// As above, of the cells that touch some leaves.
    pub(super) fn for_each_run_of(&self, range: &LeafRange, visit: impl FnMut(&Tile, Range<u32>)) {
        self.visit(range, &mut Runs(visit));
    }

    /// Calls with all runs, each with the tile in whose frame it is approximated.
    pub(super) fn for_each_run(&self, visit: impl FnMut(&Tile, Range<u32>)) {
        let mut runs = Runs(visit);
        for face in 0..6 {
            self.visit(&LeafRange::face(face), &mut runs);
        }
    }
}
