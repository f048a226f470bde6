//! Cell conversion.

use spatial_core::{CellId, DVec3};

use crate::case::{Case, Size, hash_of};
use crate::seeded::Seeded;

/// As many as stay in the L2 cache with their results.
const COUNT: usize = 10_000;

fn directions(size: Size) -> Vec<DVec3> {
    let mut seeded = Seeded(1);
    (0..size.of(COUNT)).map(|_| seeded.direction()).collect()
}

/// From directions to the leaves that contain them.
pub(crate) struct ToLeaf {
    directions: Vec<DVec3>,
    leaves: Vec<CellId>,
}

impl ToLeaf {
    pub(crate) fn new(size: Size) -> Self {
        let directions = directions(size);
        let leaves = Vec::with_capacity(directions.len());
        Self { directions, leaves }
    }
}

impl Case for ToLeaf {
    fn operations(&self) -> u64 {
        self.directions.len() as u64
    }

    fn run(&mut self) {
        self.leaves.clear();
        let leaves = self.directions.iter().map(|d| CellId::from_direction(*d));
        self.leaves.extend(leaves);
    }

    fn hash(&self) -> u64 {
        hash_of(self.leaves.iter().map(|leaf| leaf.to_u64()))
    }
}

/// From leaves to their centres.
pub(crate) struct ToXyz {
    leaves: Vec<CellId>,
    centers: Vec<DVec3>,
}

impl ToXyz {
    pub(crate) fn new(size: Size) -> Self {
        let leaves: Vec<_> = directions(size)
            .into_iter()
            .map(CellId::from_direction)
            .collect();
        let centers = Vec::with_capacity(leaves.len());
        Self { leaves, centers }
    }
}

impl Case for ToXyz {
    fn operations(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn run(&mut self) {
        self.centers.clear();
        self.centers
            .extend(self.leaves.iter().map(|leaf| leaf.center()));
    }

    fn hash(&self) -> u64 {
        hash_of(
            self.centers
                .iter()
                .flat_map(|c| c.to_array().map(f64::to_bits)),
        )
    }
}
