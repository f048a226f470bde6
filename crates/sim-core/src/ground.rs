//! The terrain that a world stands on: tiles of its one collision level, made resident by records.

use std::collections::BTreeMap;
use std::sync::Arc;

use spatial_core::{
    CellId, DVec3, HeightTile, LatticeSpec, Planet, direction_to_face_uv, face_st, interpolate,
    to_face_frame, uv_to_st,
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
    staged: BTreeMap<(CellId, u64), Arc<HeightTile>>, // by checksum, too: who goes back offers what was resident again
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
            staged: BTreeMap::new(),
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
            let cell = tile.cell();
            while let Some((other, _)) = self.staged.range((cell, 0)..=(cell, u64::MAX)).next() {
                let other = *other;
                self.staged.remove(&other);
            }
            self.staged.insert((cell, tile.checksum()), tile);
        }
    }

    /// Whether the tile was staged with these samples.
    pub(crate) fn is_staged(&self, tile: CellId, checksum: u64) -> bool {
        self.staged.contains_key(&(tile, checksum))
    }

    /// Makes a staged tile resident; what is resident stays as it is.
    pub(crate) fn admit(&mut self, tile: CellId, checksum: u64) {
        let Some(offered) = self.staged.remove(&(tile, checksum)) else {
            return;
        };
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
        let offered = gone.into_iter().map(|t| ((t.cell(), t.checksum()), t));
        self.staged.extend(offered);
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
    ///
    /// Samples of many are looked up one right after the other, so that the CPU waits for several of them at the same time.
    #[inline(always)]
    pub(crate) fn heights_m(&self, [x, y, z]: [&[f64]; 3], heights: &mut [f64]) {
        let mut tile = LastTile::default();
        let mut points: [Points; GROUPS] = Default::default();
        let mut corners: [Corners; GROUPS] = Default::default();
        let many = LANES * GROUPS;
        let (xs, ys, zs) = (x.chunks(many), y.chunks(many), z.chunks(many));
        for (((x, y), z), heights) in xs.zip(ys).zip(zs).zip(heights.chunks_mut(many)) {
            let groups = heights.len().div_ceil(LANES);
            let (points, corners) = (&mut points[..groups], &mut corners[..groups]);
            let eights = x.chunks(LANES).zip(y.chunks(LANES)).zip(z.chunks(LANES));
            for (points, ((x, y), z)) in points.iter_mut().zip(eights) {
                *points = match (x.try_into(), y.try_into(), z.try_into()) {
                    (Ok(x), Ok(y), Ok(z)) => self.locate([x, y, z]),
                    _ => self.locate([x, y, z].map(padded).each_ref()),
                };
            }
            for (corners, points) in corners.iter_mut().zip(&*points) {
                self.look_up(points, corners, &mut tile);
            }
            let all = points.iter().zip(&*corners);
            for (heights, (points, corners)) in heights.chunks_mut(LANES).zip(all) {
                let values = self.interpolate(points, corners);
                heights.copy_from_slice(&values[..heights.len()]);
            }
        }
    }

    /// Where eight directions meet the lattice.
    #[inline(always)]
    fn locate(&self, p: [&[f64; LANES]; 3]) -> Points {
        let (face, mut s, mut t) = faces_uv(p);
        let per_face = f64::from(self.lattice.face_intervals());
        let last = self.lattice.face_intervals().cast_signed() - 1;
        let (mut i, mut j) = ([0; LANES], [0; LANES]);
        for n in 0..LANES {
            // Products with powers of two are exact, so where a sample begins does not matter.
            let (along, across) = (uv_to_st(s[n]) * per_face, uv_to_st(t[n]) * per_face);
            (i[n], j[n]) = (whole_of(along).min(last), whole_of(across).min(last));
            (s[n], t[n]) = (along - f64::from(i[n]), across - f64::from(j[n]));
        }
        Points { face, i, j, s, t }
    }

    /// The samples around points of the lattice.
    #[inline(always)]
    fn look_up<'a>(&'a self, at: &Points, corners: &mut Corners, tile: &mut LastTile<'a>) {
        let intervals = self.lattice.intervals();
        let (shift, mask) = (intervals.trailing_zeros(), i32::from(intervals) - 1);
        for n in 0..LANES {
            let place = [
                u32::from(at.face[n]),
                (at.i[n] >> shift) as u32,
                (at.j[n] >> shift) as u32,
            ];
            let found = tile.find(self, place).map(|found| {
                let (i, j) = ((at.i[n] & mask) as usize, (at.j[n] & mask) as usize);
                corners_of(found.samples(), intervals, i, j)
            });
            corners.missing[n] = if found.is_some() { 0 } else { u64::MAX };
            [corners.low[n], corners.high[n]] = found.unwrap_or_default();
        }
    }

    /// Heights at points of the lattice.
    #[inline(always)]
    fn interpolate(&self, at: &Points, corners: &Corners) -> [f64; LANES] {
        let mut values = [0.0; LANES];
        for (n, out) in values.iter_mut().enumerate() {
            let (low, high) = (corners.low[n], corners.high[n]);
            let [a, b] = [low as i16, (low >> 16) as i16];
            let [c, d] = [high as i16, (high >> 16) as i16];
            let value = interpolate([a, b, c, d], at.s[n], at.t[n]);
            // All bits are a NaN.
            let bits = self.lattice.height_m(value).to_bits() | corners.missing[n];
            *out = f64::from_bits(bits);
        }
        values
    }
}

/// Heights that are computed together.
const LANES: usize = 8;

/// Groups of them whose samples are looked up together.
const GROUPS: usize = 8;

/// Eight places in units of the lattice of their face: interval, and how far into it.
#[derive(Default)]
struct Points {
    face: [u8; LANES],
    i: [i32; LANES],
    j: [i32; LANES],
    s: [f64; LANES],
    t: [f64; LANES],
}

/// The samples around them: a pair below and a pair above.
#[derive(Default)]
struct Corners {
    low: [i32; LANES],
    high: [i32; LANES],
    missing: [u64; LANES], // all bits where there are none
}

/// The integer below a number from 0 to 2³⁰. Casts saturate, which costs a vector more than this.
#[inline(always)]
fn whole_of(number: f64) -> i32 {
    const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 × 2⁵²: the sum's low bits are the nearest integer
    let sum = number + ROUND;
    let nearest = sum.to_bits() as i32;
    nearest.wrapping_sub(i32::from(sum - ROUND > number))
}

/// Fewer than eight numbers, and the last of them as often as is needed.
#[cold]
fn padded(values: &[f64]) -> [f64; LANES] {
    core::array::from_fn(|n| values[n.min(values.len() - 1)])
}

/// The faces of eight directions and where they meet them: the bits of [`direction_to_face_uv`]. Neighbours mostly share a face.
#[inline(always)]
fn faces_uv([x, y, z]: [&[f64; LANES]; 3]) -> ([u8; LANES], [f64; LANES], [f64; LANES]) {
    let face = direction_to_face_uv(DVec3::new(x[0], y[0], z[0])).0;
    // Which parts a face's are, and their signs; products with those are exact.
    let parts = to_face_frame(face, DVec3::new(1.0, 2.0, 3.0));
    let lanes = parts.map(|part| match part.abs() as u32 {
        1 => x,
        2 => y,
        _ => z,
    });
    let [(a, a_sign), (b, b_sign), (w, w_sign)] =
        [0, 1, 2].map(|n| (lanes[n], 1f64.copysign(parts[n])));
    let (mut u, mut v, mut is_other) = ([0.0; LANES], [0.0; LANES], false);
    for n in 0..LANES {
        let (a, b, w) = (a[n] * a_sign, b[n] * b_sign, w[n] * w_sign);
        is_other |= !((a.abs() < w) & (b.abs() < w));
        (u[n], v[n]) = (a / w, b / w);
    }
    if !is_other {
        return ([face; LANES], u, v);
    }
    let mut faces = [0; LANES];
    for n in 0..LANES {
        (faces[n], u[n], v[n]) = direction_to_face_uv(DVec3::new(x[n], y[n], z[n]));
    }
    (faces, u, v)
}

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

/// The samples around interval (i, j) of a tile: a pair of the row below and one of the row above, the first of each in the low bits.
#[inline(always)]
fn corners_of(samples: &[i16], intervals: u16, i: usize, j: usize) -> [i32; 2] {
    let side = usize::from(intervals) + 1;
    let at = j * side + i;
    let around = &samples[at..at + side + 2];
    let pair = |first: i16, second: i16| i32::from(second) << 16 | i32::from(first) & 0xffff;
    [
        pair(around[0], around[1]),
        pair(around[side], around[side + 1]),
    ]
}
