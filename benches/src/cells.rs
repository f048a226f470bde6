//! Cell conversion, one by one and in batches, and the cells around a cell.

use spatial_core::{CellId, DVec3, Ecef, grid_keys_of_places};

use crate::case::{Case, Size, hash_of};
use crate::seeded::Seeded;

/// As many as stay in the L2 cache with their results.
const COUNT: usize = 10_000;

fn directions(size: Size) -> Vec<DVec3> {
    let mut seeded = Seeded(1);
    (0..size.of(COUNT)).map(|_| seeded.direction()).collect()
}

fn leaves(size: Size) -> Vec<CellId> {
    directions(size)
        .into_iter()
        .map(CellId::from_direction)
        .collect()
}

fn hash_of_cells(cells: &[CellId]) -> u64 {
    hash_of(cells.iter().map(|cell| cell.to_u64()))
}

fn axes(directions: &[DVec3]) -> [Vec<f64>; 3] {
    [0, 1, 2].map(|axis| directions.iter().map(|p| p[axis]).collect())
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
        hash_of_cells(&self.leaves)
    }
}

/// The same in a batch, checked.
pub(crate) struct BatchToLeaf {
    axes: [Vec<f64>; 3],
    leaves: Vec<CellId>,
}

impl BatchToLeaf {
    pub(crate) fn new(size: Size) -> Self {
        Self {
            axes: axes(&directions(size)),
            leaves: vec![CellId::begin(0); size.of(COUNT)],
        }
    }
}

impl Case for BatchToLeaf {
    fn operations(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn run(&mut self) {
        let [x, y, z] = &self.axes;
        CellId::from_directions(x, y, z, &mut self.leaves).expect("drawn from the unit sphere");
    }

    fn hash(&self) -> u64 {
        hash_of_cells(&self.leaves)
    }
}

/// From latitudes and longitudes to leaves, in a batch.
pub(crate) struct DegreesToLeaf {
    lat_deg: Vec<f64>,
    lon_deg: Vec<f64>,
    leaves: Vec<CellId>,
}

impl DegreesToLeaf {
    pub(crate) fn new(size: Size) -> Self {
        let directions = directions(size);
        let lat = |p: &DVec3| libm::asin(p.z).to_degrees().clamp(-90.0, 90.0);
        let lon = |p: &DVec3| libm::atan2(p.y, p.x).to_degrees();
        Self {
            lat_deg: directions.iter().map(lat).collect(),
            lon_deg: directions.iter().map(lon).collect(),
            leaves: vec![CellId::begin(0); directions.len()],
        }
    }
}

impl Case for DegreesToLeaf {
    fn operations(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn run(&mut self) {
        CellId::from_degrees_lanes(&self.lat_deg, &self.lon_deg, &mut self.leaves)
            .expect("angles of directions are in range");
    }

    fn hash(&self) -> u64 {
        hash_of_cells(&self.leaves)
    }
}

/// From places to keys of a grid, in a batch.
pub(crate) struct ToKey {
    places: Vec<Ecef>,
    keys: Vec<u64>,
}

impl ToKey {
    pub(crate) fn new(size: Size) -> Self {
        let place = |p: DVec3| p * 6_371_008.8;
        let ecef = |p: DVec3| Ecef::new(p.x, p.y, p.z).expect("on the Earth");
        let places: Vec<_> = directions(size).into_iter().map(place).map(ecef).collect();
        let keys = vec![0; places.len()];
        Self { places, keys }
    }
}

impl Case for ToKey {
    fn operations(&self) -> u64 {
        self.keys.len() as u64
    }

    fn run(&mut self) {
        grid_keys_of_places(&self.places, 9, &mut self.keys);
    }

    fn hash(&self) -> u64 {
        hash_of(self.keys.iter().copied())
    }
}

/// From leaves to their centres.
pub(crate) struct ToXyz {
    leaves: Vec<CellId>,
    centers: Vec<DVec3>,
}

impl ToXyz {
    pub(crate) fn new(size: Size) -> Self {
        let leaves = leaves(size);
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

/// The same in a batch: to directions or to latitudes and longitudes.
pub(crate) struct BatchFromLeaf<const AXES: usize> {
    leaves: Vec<CellId>,
    out: [Vec<f64>; AXES],
}

impl<const AXES: usize> BatchFromLeaf<AXES> {
    pub(crate) fn new(size: Size) -> Self {
        let leaves = leaves(size);
        let out = core::array::from_fn(|_| vec![0.0; leaves.len()]);
        Self { leaves, out }
    }
}

impl<const AXES: usize> Case for BatchFromLeaf<AXES> {
    fn operations(&self) -> u64 {
        self.leaves.len() as u64
    }

    fn run(&mut self) {
        match self.out.as_mut_slice() {
            [x, y, z] => CellId::centers(&self.leaves, x, y, z),
            [lat, lon] => CellId::centers_lat_lon_rad(&self.leaves, lat, lon),
            _ => unreachable!("three axes or two angles"),
        }
    }

    fn hash(&self) -> u64 {
        hash_of(self.out.iter().flatten().map(|w| w.to_bits()))
    }
}

/// The cells around cells of level 16, as many as asked for.
pub(crate) struct Around {
    cells: Vec<CellId>,
    around: fn(CellId) -> u64,
    sum: u64,
}

impl Around {
    fn new(size: Size, around: fn(CellId) -> u64) -> Self {
        let cells = leaves(size).into_iter().map(|leaf| leaf.parent(16));
        Self {
            cells: cells.collect(),
            around,
            sum: 0,
        }
    }

    pub(crate) fn all(size: Size) -> Self {
        Self::new(size, |cell| sum(&cell.neighbors()))
    }

    pub(crate) fn edges(size: Size) -> Self {
        Self::new(size, |cell| sum(&cell.edge_neighbors()))
    }

    pub(crate) fn vertex(size: Size) -> Self {
        Self::new(size, |cell| sum(&cell.vertex_neighbors(15)))
    }
}

fn sum(cells: &[CellId]) -> u64 {
    cells.iter().fold(0, |sum, cell| sum ^ cell.to_u64())
}

impl Case for Around {
    fn operations(&self) -> u64 {
        self.cells.len() as u64
    }

    fn run(&mut self) {
        let sums = self.cells.iter().map(|cell| (self.around)(*cell));
        self.sum = sums.fold(0, u64::wrapping_add);
    }

    fn hash(&self) -> u64 {
        self.sum
    }
}
