//! Planets of rough ground, and marching over them.

use std::sync::Arc;

use spatial_core::{
    CellId, DVec3, Ecef, HeightTile, LatticeSpec, Manifest, MemoryStore, MissingTile, PackStore,
    Planet, RayHit, Terrain, TileStore, cell_at, column_row,
};

use crate::golden::Draws;

/// What answers may be wrong by in height, metres, as documented.
pub(super) const ERROR_M: f64 = 1e-3;

/// Ground of the finest level alone: waves with noise on every sample.
pub(super) fn rough(planet: Planet, lattice: LatticeSpec, amplitude: f64) -> Terrain {
    Terrain::new(Arc::new(rough_store(planet, lattice, amplitude)))
}

pub(super) fn rough_store(planet: Planet, lattice: LatticeSpec, amplitude: f64) -> MemoryStore {
    let level = lattice.leaf_level();
    let side = 1u32 << level;
    let cells = (0..6u8)
        .flat_map(|face| (0..side * side).map(move |k| cell_at(face, level, k % side, k / side)));
    let manifest = Manifest::new(planet, lattice, "made for a test", "none");
    let tiles = cells.map(|cell| rough_tile(&lattice, cell, amplitude));
    MemoryStore::new(manifest, tiles).unwrap()
}

/// Six faces of rough ground, and below each tile some of its children, rough between their parent's samples but on their edges:
/// ground without cracks but for the rounding of halves, which is half a quantum a level.
pub(super) fn sparse(planet: Planet, lattice: LatticeSpec, amplitude: f64, seed: u64) -> Terrain {
    let whole = LatticeSpec::new(
        1,
        lattice.intervals(),
        lattice.offset_m(),
        lattice.quantum_m(),
    );
    let faces = (0..6).map(|face| rough_tile(&whole.unwrap(), cell_at(face, 0, 0, 0), amplitude));
    let (mut draws, mut tiles) = (Draws(seed), Vec::new());
    let mut open: Vec<HeightTile> = faces.collect();
    while let Some(tile) = open.pop() {
        let finer = tile.cell().level() < lattice.leaf_level();
        for child in tile.cell().children().into_iter().flatten() {
            if finer && draws.below(9) < 5 {
                open.push(rougher(&tile, child, amplitude, &mut draws));
            }
        }
        tiles.push(tile);
    }
    let manifest = Manifest::new(planet, lattice, "made for a test", "none");
    let manifest = manifest.with_missing(MissingTile::Coarser);
    Terrain::new(Arc::new(MemoryStore::new(manifest, tiles).unwrap()))
}

fn rougher(parent: &HeightTile, child: CellId, amplitude: f64, draws: &mut Draws) -> HeightTile {
    let smooth = parent.refined(child).unwrap();
    let (n, mut samples) = (usize::from(smooth.intervals()), smooth.samples().to_vec());
    let noise = amplitude / f64::from(2u32 << child.level());
    for (k, sample) in samples.iter_mut().enumerate() {
        let (i, j) = (k % (n + 1), k / (n + 1));
        let is_inside = i % n != 0 && j % n != 0;
        if is_inside && (i % 2 != 0 || j % 2 != 0) {
            *sample += (noise * draws.signed()) as i16;
        }
    }
    HeightTile::new(child, smooth.intervals(), samples).unwrap()
}

fn rough_tile(lattice: &LatticeSpec, cell: CellId, amplitude: f64) -> HeightTile {
    let n = u32::from(lattice.intervals());
    let (column, row) = column_row(cell);
    let samples = (0..(n + 1) * (n + 1)).map(|k| {
        let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
        let d = lattice.direction(cell.face(), i, j);
        // A function of the direction alone, so that shared samples are equal.
        let [x, y, z] = d.to_array().map(f64::to_bits);
        let noise = Draws(x.wrapping_mul(3) ^ y.rotate_left(21) ^ z.rotate_left(42)).signed();
        let waves = libm::sin(9.0 * d.x + 4.0 * d.y) * libm::cos(7.0 * d.z - 3.0 * d.y);
        (amplitude * (0.6 * waves + 0.4 * noise)) as i16
    });
    HeightTile::new(cell, lattice.intervals(), samples.collect()).unwrap()
}

/// The Earth that the repository carries.
pub(super) fn earth() -> Terrain {
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/earth-1024.pack");
    Terrain::new(Arc::new(PackStore::open(pack).unwrap()))
}

pub(super) fn ecef(p: DVec3) -> Ecef {
    Ecef::new(p.x, p.y, p.z).unwrap()
}

/// So many metres above the ground in a direction.
pub(super) fn above_ground(terrain: &Terrain, direction: DVec3, above_m: f64) -> Ecef {
    let height_m = terrain.height(ecef(direction * 1e6)).unwrap();
    ecef(direction.normalize() * (terrain.planet().radius_m() + height_m + above_m))
}

/// A way whose clearance over the ground is marched along.
pub(super) struct March<'a> {
    pub(super) terrain: &'a Terrain,
    pub(super) from: DVec3,
    pub(super) direction: DVec3, // of length 1
    pub(super) length_m: f64,
    /// What refraction lifts, metres, so far along.
    pub(super) lift_m: &'a dyn Fn(f64) -> f64,
    pub(super) steps: u32,
    /// What the answer may be wrong by in height, metres.
    pub(super) error_m: f64,
}

impl March<'_> {
    /// How far above the ground the way is, metres.
    pub(super) fn clearance_m(&self, along_m: f64) -> f64 {
        let p = self.from + self.direction * along_m;
        let ground_m = self.terrain.height(ecef(p)).unwrap();
        p.length() + (self.lift_m)(along_m) - self.terrain.planet().radius_m() - ground_m
    }

    /// What is wrong with an answer, if anything: the ground is met where it says, and nowhere before.
    pub(super) fn fault(&self, hit: Option<RayHit>) -> Option<String> {
        if let Some(hit) = hit {
            let clearance_m = self.clearance_m(hit.distance_m);
            let is_met = clearance_m <= self.error_m
                && (hit.distance_m == 0.0 || clearance_m >= -self.error_m);
            if !is_met || !(0.0..=self.length_m + 1e-6).contains(&hit.distance_m) {
                return Some(format!("{clearance_m} m above the ground at {hit:?}"));
            }
            let place = self.from + self.direction * hit.distance_m;
            if place.distance(hit.place.to_vec()) > 1e-5 * (1.0 + 1e-7 * self.from.length()) {
                return Some(format!("{place} is not {hit:?}"));
            }
        }
        if hit.is_some_and(|hit| hit.distance_m == 0.0) {
            return None;
        }
        let end_m = hit.map_or(self.length_m, |hit| hit.distance_m);
        let step_m = end_m / f64::from(self.steps);
        let at = |n: u32| self.clearance_m(step_m * f64::from(n));
        let mut last = [f64::INFINITY, at(0)];
        if last[1] < -self.error_m {
            return Some(format!("starts {} m under the ground", -last[1]));
        }
        for n in 1..=self.steps {
            let next = at(n);
            let is_dip = last[1] <= last[0] && last[1] <= next;
            let lowest = match is_dip {
                true => self.lowest_m(step_m * f64::from(n.max(2) - 2), step_m * f64::from(n)),
                false => next,
            };
            // At the end it is met.
            if lowest < -self.error_m && (n < self.steps || hit.is_none()) {
                return Some(format!(
                    "{lowest} m before {} m: {hit:?}",
                    step_m * f64::from(n)
                ));
            }
            last = [last[1], next];
        }
        None
    }

    /// The least clearance in a valley (golden sections).
    fn lowest_m(&self, mut a: f64, mut b: f64) -> f64 {
        let part = 0.618_033_988_749_895;
        for _ in 0..40 {
            let (c, d) = (b - part * (b - a), a + part * (b - a));
            match self.clearance_m(c) < self.clearance_m(d) {
                true => b = d,
                false => a = c,
            }
        }
        self.clearance_m(0.5 * (a + b))
    }
}

/// How often, unless the environment asks for more.
pub(super) fn count(few: usize) -> usize {
    let asked = std::env::var("BLUEMARBLE_RAYS").ok();
    asked.map_or(few, |n| n.parse().expect("BLUEMARBLE_RAYS is a number"))
}

/// Leaf tiles of a store, for taking some away.
pub(super) fn without(store: &MemoryStore, gone: CellId) -> MemoryStore {
    let rest = store.cells().iter().filter(|cell| **cell != gone);
    let rest = rest.map(|cell| (*store.load(*cell).unwrap()).clone());
    MemoryStore::new(store.manifest().clone(), rest).unwrap()
}
