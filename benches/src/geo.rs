//! Features: where points are among countries, and what is near.

use std::hint::black_box;

use spatial_core::{
    DVec3, Feature, FeatureIndex, FileOptions, NearFeature, Winding, read_topojson,
};

use crate::case::{Case, Size, hash_of};
use crate::data;
use crate::seeded::Seeded;

/// Natural Earth 1:110,000,000, which the repository carries.
const COUNTRIES_110M: &str = include_str!("../../assets/countries-110m.json");
const POINTS: usize = 1_000_000;

/// The countries at a scale; the finer ones if `make data` has fetched them.
pub(crate) fn countries(scale: &str) -> Option<Vec<Feature>> {
    let text = match scale {
        "110m" => COUNTRIES_110M.to_owned(),
        _ => {
            let path = data::path(&format!("countries-{scale}.json"))?;
            std::fs::read_to_string(path).ok()?
        }
    };
    // Sudan's border crosses itself at 1:110,000,000.
    let options = FileOptions {
        winding: Winding::EvenOdd,
        ..FileOptions::default()
    };
    Some(read_topojson(&text, "countries", &options).expect("a file that is part of the tests"))
}

/// Even over the sphere.
pub(crate) fn points(count: usize) -> Vec<DVec3> {
    let mut seeded = Seeded(21);
    (0..count).map(|_| seeded.direction()).collect()
}

/// Which country each point is in.
pub(crate) struct Locate {
    index: FeatureIndex,
    points: Vec<DVec3>,
    found: Vec<Option<u32>>,
    is_batch: bool,
}

impl Locate {
    pub(crate) fn new(size: Size, scale: &str, is_batch: bool) -> Option<Self> {
        let index = FeatureIndex::new(countries(scale)?).expect("few edges");
        let points = points(size.of(POINTS));
        let found = Vec::with_capacity(points.len());
        Some(Self {
            index,
            points,
            found,
            is_batch,
        })
    }
}

impl Case for Locate {
    fn operations(&self) -> u64 {
        self.points.len() as u64
    }

    fn run(&mut self) {
        if self.is_batch {
            self.index
                .first_containing_each(&self.points, &mut self.found)
                .expect("directions");
            return;
        }
        self.found.clear();
        let first = |p: &DVec3| self.index.first_containing(*p).expect("a direction");
        self.found.extend(self.points.iter().map(first));
    }

    fn hash(&self) -> u64 {
        hash_of(
            self.found
                .iter()
                .map(|found| found.map_or(0, |n| u64::from(n) + 1)),
        )
    }
}

/// The index over countries that are read already; an operation is an edge.
pub(crate) struct Build {
    features: Vec<Feature>,
    edges: u64,
    bytes: u64,
}

impl Build {
    pub(crate) fn new(scale: &str) -> Option<Self> {
        let features = countries(scale)?;
        let edges = features
            .iter()
            .map(|feature| feature.geometry.edge_count() as u64)
            .sum();
        Some(Self {
            features,
            edges,
            bytes: 0,
        })
    }
}

impl Case for Build {
    fn operations(&self) -> u64 {
        self.edges
    }

    fn run(&mut self) {
        // The features go in and come back: nothing but the index is made.
        let index = FeatureIndex::new(core::mem::take(&mut self.features)).expect("few edges");
        self.bytes = index.heap_bytes() as u64;
        self.features = index.into_features();
    }

    fn hash(&self) -> u64 {
        hash_of([self.edges, self.bytes])
    }
}

/// The eight countries nearest to each point.
pub(crate) struct Nearest {
    index: FeatureIndex,
    points: Vec<DVec3>,
    found: Vec<NearFeature>,
}

impl Nearest {
    pub(crate) fn new(size: Size) -> Option<Self> {
        Some(Self {
            index: FeatureIndex::new(countries("110m")?).expect("few edges"),
            points: points(size.of(10_000)),
            found: Vec::new(),
        })
    }

    fn find(&mut self, at: usize) {
        self.index
            .nearest(self.points[at], 8, &mut self.found)
            .expect("a direction");
    }
}

impl Case for Nearest {
    fn operations(&self) -> u64 {
        self.points.len() as u64
    }

    fn run(&mut self) {
        for at in 0..self.points.len() {
            self.find(at);
            black_box(&self.found);
        }
    }

    fn hash(&self) -> u64 {
        let mut found = Vec::new();
        let near = self.points.iter().flat_map(|p| {
            self.index.nearest(*p, 8, &mut found).expect("a direction");
            found
                .iter()
                .map(|near| u64::from(near.feature) ^ near.distance_rad.to_bits())
                .collect::<Vec<_>>()
        });
        hash_of(near)
    }
}
