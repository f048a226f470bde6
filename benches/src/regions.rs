//! Coverings and cell unions.

use spatial_core::{Cap, CellId, CellUnion, Coverer, CoveringOptions, Planet};

use crate::case::{Case, Size, hash_of};
use crate::seeded::Seeded;

const COUNT: usize = 1_000;

fn caps(size: Size, radius_m: f64) -> Vec<Cap> {
    let mut seeded = Seeded(21);
    let mut cap = || Cap::on_planet(Planet::EARTH, seeded.direction(), radius_m);
    (0..size.of(COUNT))
        .map(|_| cap().expect("a direction and a length make a cap"))
        .collect()
}

/// Coverings of caps by at most 8 cells, into a list that is used again.
pub(crate) struct Covering {
    caps: Vec<Cap>,
    coverer: Coverer,
    cells: Vec<CellId>,
    hash: u64,
}

impl Covering {
    pub(crate) fn new(size: Size, radius_m: f64) -> Self {
        Self {
            caps: caps(size, radius_m),
            coverer: Coverer::new(CoveringOptions::default()).expect("the defaults are legal"),
            cells: Vec::new(),
            hash: 0,
        }
    }
}

impl Case for Covering {
    fn operations(&self) -> u64 {
        self.caps.len() as u64
    }

    fn run(&mut self) {
        let mut hash = 0u64;
        for cap in &self.caps {
            self.coverer.covering_into(cap, &mut self.cells);
            let first = self.cells.first().map_or(0, |id| id.to_u64());
            hash = hash.wrapping_mul(31) ^ first ^ self.cells.len() as u64;
        }
        self.hash = hash;
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// The few cells around a cap, without a search.
pub(crate) struct FastCovering {
    caps: Vec<Cap>,
    firsts: Vec<CellId>,
}

impl FastCovering {
    pub(crate) fn new(size: Size) -> Self {
        let caps = caps(size, 1_000.0);
        let firsts = Vec::with_capacity(caps.len());
        Self { caps, firsts }
    }
}

impl Case for FastCovering {
    fn operations(&self) -> u64 {
        self.caps.len() as u64
    }

    fn run(&mut self) {
        self.firsts.clear();
        let first = |cap: &Cap| cap.cell_bound()[0];
        self.firsts.extend(self.caps.iter().map(first));
    }

    fn hash(&self) -> u64 {
        hash_of(self.firsts.iter().map(|id| id.to_u64()))
    }
}

/// Which of many leaves a union of some 10,000 cells contains.
pub(crate) struct Contains {
    union: CellUnion,
    leaves: Vec<CellId>,
    inside: u64,
}

impl Contains {
    pub(crate) fn new(size: Size) -> Self {
        let mut seeded = Seeded(22);
        let cells = size.of(10_000);
        let union = (0..cells).map(|_| CellId::from_direction(seeded.direction()).parent(7));
        Self {
            union: CellUnion::new(union.collect()),
            leaves: (0..size.of(10 * COUNT))
                .map(|_| CellId::from_direction(seeded.direction()))
                .collect(),
            inside: 0,
        }
    }
}

impl Case for Contains {
    fn operations(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn run(&mut self) {
        let inside = self.leaves.iter().filter(|id| self.union.contains_id(**id));
        self.inside = inside.count() as u64;
    }

    fn hash(&self) -> u64 {
        hash_of([self.inside])
    }
}
