//! The terrain that a world stands on: tiles of its one collision level, made resident by records.

use std::sync::Arc;

use spatial_core::{
    CellId, DVec3, HeightTile, LatticeSpec, Planet, direction_to_face_uv, face_st, interpolate,
    uv_to_st,
};

use crate::sight::pieces_per_m;
use crate::tile_table::TileTable;

/// Resident tiles, and those staged to become so.
///
/// What is resident is state; what is staged is only a supply of samples and never hashed or saved.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) lattice: LatticeSpec,
    pub(crate) base_m: f64, // how far from the planet's centre ground of a stored zero is
    pub(crate) quanta_per_m: f64, // stored steps
    pub(crate) pieces_per_m: f64, // of a line of sight
    resident: Vec<Arc<HeightTile>>, // sorted by cell, no cell twice
    pub(crate) table: TileTable, // of them
    staged: Vec<Arc<HeightTile>>,
}

impl Ground {
    pub(crate) fn new(planet: Planet, lattice: LatticeSpec) -> Self {
        Self {
            base_m: planet.radius_m() + lattice.offset_m(),
            quanta_per_m: 1.0 / lattice.quantum_m(),
            pieces_per_m: pieces_per_m(planet.radius_m()),
            lattice,
            resident: Vec::new(),
            table: TileTable::default(),
            staged: Vec::new(),
        }
    }

    pub(crate) fn lattice(&self) -> &LatticeSpec {
        &self.lattice
    }

    /// Offers a tile; the last offer for a cell counts. A tile of another level or size than the collision level's is
    /// of no use and not kept.
    pub(crate) fn stage(&mut self, tile: Arc<HeightTile>) {
        let fits = tile.cell().level() == self.lattice.leaf_level()
            && tile.intervals() == self.lattice.intervals();
        if fits {
            self.staged.retain(|other| other.cell() != tile.cell());
            self.staged.push(tile);
        }
    }

    /// Whether the tile was staged with these samples.
    pub(crate) fn is_staged(&self, tile: CellId, checksum: u64) -> bool {
        let offered = |t: &Arc<HeightTile>| t.cell() == tile && t.checksum() == checksum;
        self.staged.iter().any(offered)
    }

    /// Makes a staged tile resident; what is resident stays as it is.
    pub(crate) fn admit(&mut self, tile: CellId) {
        let Some(n) = self.staged.iter().position(|t| t.cell() == tile) else {
            return;
        };
        let offered = self.staged.swap_remove(n);
        if let Err(at) = self.resident.binary_search_by_key(&tile, |t| t.cell()) {
            self.table.insert(Arc::clone(&offered));
            self.resident.insert(at, offered);
        }
    }

    /// Takes in what is resident.
    pub(crate) fn snapshot(&self, into: &mut Vec<Arc<HeightTile>>) {
        into.clone_from(&self.resident);
    }

    /// Goes back to what was resident; what is no more is still on offer.
    pub(crate) fn restore(&mut self, from: &[Arc<HeightTile>]) {
        let is_same = |(a, b): (&Arc<HeightTile>, &Arc<HeightTile>)| Arc::ptr_eq(a, b);
        if from.len() == self.resident.len() && from.iter().zip(&self.resident).all(is_same) {
            return;
        }
        let were = core::mem::replace(&mut self.resident, from.to_vec());
        self.table.set(from);
        let now = |tile: &Arc<HeightTile>| self.resident(tile.cell());
        let is_gone = |tile: &Arc<HeightTile>| !now(tile).is_some_and(|now| Arc::ptr_eq(now, tile));
        let gone: Vec<_> = were.into_iter().filter(is_gone).collect();
        self.staged.extend(gone);
    }

    /// Cells and checksums of the resident tiles, in cell order.
    pub(crate) fn inventory(&self) -> impl ExactSizeIterator<Item = (CellId, u64)> + '_ {
        self.resident.iter().map(|t| (t.cell(), t.checksum()))
    }

    pub(crate) fn resident(&self, tile: CellId) -> Option<&Arc<HeightTile>> {
        self.table.tile(tile)
    }

    /// Height of the ground in a direction, metres; `None` where it is not resident. The specification.
    pub(crate) fn height_m(&self, direction: DVec3) -> Option<f64> {
        let (face, s, t) = face_st(direction);
        let tile = self.resident(self.lattice.tile_of(face, s, t))?;
        Some(tile.height_m(&self.lattice, face, s, t))
    }

    /// Heights of the ground in directions, metres, with the bits of [`Ground::height_m`]; NaN where it is not resident.
    #[inline(always)]
    pub(crate) fn heights_m(&self, [x, y, z]: [&[f64]; 3], heights: &mut [f64]) {
        let intervals = self.lattice.intervals();
        let per_face = f64::from(self.lattice.face_intervals());
        let last = self.lattice.face_intervals() - 1;
        let mut tile = LastTile::default();
        let mut at = 0;
        while at < heights.len() {
            let count = LANES.min(heights.len() - at);
            let (mut face, mut s, mut t) = ([0; LANES], [0.0; LANES], [0.0; LANES]);
            for n in 0..count {
                let direction = DVec3::new(x[at + n], y[at + n], z[at + n]);
                (face[n], s[n], t[n]) = direction_to_face_uv(direction);
            }
            // Products with powers of two are exact, so where a sample begins does not matter.
            let (mut i, mut j) = ([0; LANES], [0; LANES]);
            for n in 0..LANES {
                (s[n], t[n]) = (uv_to_st(s[n]) * per_face, uv_to_st(t[n]) * per_face);
                (i[n], j[n]) = ((s[n] as u32).min(last), (t[n] as u32).min(last));
                (s[n], t[n]) = (s[n] - f64::from(i[n]), t[n] - f64::from(j[n]));
            }
            let mut corners = [[0; 4]; LANES];
            let mut is_there = [false; LANES];
            for n in 0..count {
                let (column, row) = (i[n] / u32::from(intervals), j[n] / u32::from(intervals));
                if let Some(found) = tile.find(self, [u32::from(face[n]), column, row]) {
                    let local = |k: u32| (k % u32::from(intervals)) as usize;
                    corners[n] = corners_of(found.samples(), intervals, local(i[n]), local(j[n]));
                    is_there[n] = true;
                }
            }
            let mut values = [0.0; LANES];
            for n in 0..LANES {
                let value = self.lattice.height_m(interpolate(corners[n], s[n], t[n]));
                values[n] = if is_there[n] { value } else { f64::NAN };
            }
            heights[at..at + count].copy_from_slice(&values[..count]);
            at += count;
        }
    }
}

/// Heights that are computed at a time.
const LANES: usize = 8;

/// The tile that was asked last: neighbours mostly stand on one.
#[derive(Default)]
struct LastTile<'a> {
    place: Option<[u32; 3]>, // face, column, row
    tile: Option<&'a HeightTile>,
}

impl<'a> LastTile<'a> {
    #[inline(always)]
    fn find(&mut self, ground: &'a Ground, place: [u32; 3]) -> Option<&'a HeightTile> {
        if self.place != Some(place) {
            let [face, column, row] = place;
            let found = ground.table.find(face as u8, column, row);
            self.tile = found.map(|found| &*found.tile);
            self.place = Some(place);
        }
        self.tile
    }
}

/// The samples around interval (i, j) of a tile.
#[inline(always)]
fn corners_of(samples: &[i16], intervals: u16, i: usize, j: usize) -> [i16; 4] {
    let side = usize::from(intervals) + 1;
    let at = j * side + i;
    let around = &samples[at..at + side + 2];
    [around[0], around[1], around[side], around[side + 1]]
}
