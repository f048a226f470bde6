//! All pairs of a crowd that touch.

use spatial_core::EntityId;

use crate::case::{Case, Size, hash_of};
use crate::tick::{Crowd, Spread};

/// A crowd, and who touches whom.
pub(crate) struct Touching {
    pub(crate) crowd: Crowd,
    pub(crate) pairs: Vec<[EntityId; 2]>,
}

impl Touching {
    pub(crate) fn of_a_million(size: Size) -> Self {
        let mut crowd = Crowd::new(size, 1_000_000, Spread::Square);
        (0..3).for_each(|_| crowd.run());
        Self {
            crowd,
            pairs: Vec::new(),
        }
    }

    /// Lists all pairs.
    pub(crate) fn list(&mut self) {
        self.crowd.world_mut().touching(&mut self.pairs);
    }
}

impl Case for Touching {
    fn operations(&self) -> u64 {
        self.crowd.operations()
    }

    fn run(&mut self) {
        self.list();
    }

    fn hash(&self) -> u64 {
        let mut pairs = self.pairs.clone();
        pairs.sort_unstable();
        hash_of(pairs.iter().flatten().map(|id| id.0))
    }
}
