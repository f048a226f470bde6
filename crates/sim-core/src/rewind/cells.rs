//! Who of a tick is in which cell: squares on the faces of a cube around the planet, hashed, of players by slot.
//!
//! ```text
//!  a face, projected from the planet's centre:        entry   slot u16 ┆ tag 4 ┆ across 6 ┆ up 6 bits
//!  ┌──┬──┬──┬──┐ tile of 4 × 4 cells: its hash        where within the cell, in steps of 64ths
//!  ├──┼──┼──┼──┤ names 16 buckets, one for each       starts  ▐ of bucket 0 ▐ of 1 ▐ …
//!  ├──┼──┼──┼──┤ cell, and the tag                    entries ▐ of bucket 0 ▐ of 1 ▐ …
//!  └──┴──┴──┴──┘
//! ```
//!
//! From the centre, a straight way is a straight line on a face and an upright capsule is a dot of its width, so cells need
//! neither frames nor heights. Cubes of space were more than twice as slow: in 100 m a way passes 84 of 8 m, and 23 such squares.

use spatial_core::{DVec3, prefetch};

/// The edge of a cell at the middle of a face, on the datum, metres; half of that at its corners. With 8 m a shot took a quarter longer.
const CELL_M: f64 = 16.0;

/// Steps within a cell along an axis.
pub(super) const STEPS: u32 = 64;

/// The players of one tick by cells.
#[derive(Default)]
pub(super) struct Cells {
    starts: Vec<u16>,  // of each bucket's entries, and the end: a power of two and 1
    entries: Vec<u32>, // by bucket, then slot
    /// No capsule is wider, metres.
    pub(super) radius_m: f64,
    /// No capsule is higher, metres.
    pub(super) height_m: f64,
    /// Nobody who walked went further since the tick before, metres.
    pub(super) moved_m: f64,
}

/// What is kept from one making to the next.
#[derive(Default)]
pub(super) struct Maker {
    pub(super) spare: Vec<Cells>,
    keyed: Vec<(u16, u32)>, // bucket and entry
}

/// How the faces are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet {
    /// Cells along half a face's edge.
    pub(super) scale: f64,
    shift: u32, // leaves as many bits of a hash as number the tiles
}

/// A cell: a face, and which one across and up from two half-edges outside of its middle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct CellAt {
    pub(super) face: u8,
    pub(super) i: u32,
    pub(super) j: u32,
}

impl Sheet {
    /// For a planet's radius and so many players.
    pub(super) fn new(radius_m: f64, players_max: usize) -> Self {
        let buckets = (players_max / 2).clamp(32, 1 << 15).next_power_of_two();
        Self {
            scale: radius_m / CELL_M,
            shift: 64 - (buckets / 16).trailing_zeros(),
        }
    }

    fn buckets(self) -> usize {
        16 << (64 - self.shift)
    }

    /// Where a cell's players are.
    #[inline]
    fn key(self, cell: CellAt) -> Key {
        let tile = u64::from(cell.i >> 2) << 32 | u64::from(cell.j >> 2);
        let mixed = (tile ^ u64::from(cell.face) << 60).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let hash = (mixed ^ (mixed >> 32)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let within = (cell.i & 3) << 2 | (cell.j & 3);
        Key {
            bucket: ((hash >> self.shift) << 4) as u32 | within,
            tag: (hash >> 24) as u32 & 0xf,
        }
    }
}

/// What an entry says: slot, tag of the cell, and the steps within it across and up.
#[inline]
pub(super) fn parts(entry: u32) -> (u16, u32, [u32; 2]) {
    let steps = [entry >> 6 & 63, entry & 63];
    ((entry >> 16) as u16, entry >> 12 & 0xf, steps)
}

/// Where a cell's players are, and what tells them from those of most other cells there.
#[derive(Clone, Copy, Default)]
pub(super) struct Key {
    bucket: u32, // its tile's are other tiles' too
    pub(super) tag: u32,
}

/// The face above a place.
#[inline]
pub(super) fn face_of(at: DVec3) -> u8 {
    let [x, y, z] = [at.x.abs(), at.y.abs(), at.z.abs()];
    let (axis, along) = if x >= y && x >= z {
        (0, at.x)
    } else if y >= z {
        (1, at.y)
    } else {
        (2, at.z)
    };
    axis << 1 | u8::from(along < 0.0)
}

/// A place as a face sees it: across, up, and out.
#[inline]
pub(super) fn seen_from(face: u8, at: DVec3) -> [f64; 3] {
    let out = |along: f64| if face & 1 == 0 { along } else { -along };
    match face >> 1 {
        0 => [at.y, at.z, out(at.x)],
        1 => [at.z, at.x, out(at.y)],
        _ => [at.x, at.y, out(at.z)],
    }
}

impl Cells {
    /// Sorts the feet of players into cells.
    pub(super) fn fill(
        &mut self,
        maker: &mut Maker,
        sheet: Sheet,
        feet: impl Iterator<Item = (u16, DVec3)>,
    ) {
        maker.keyed.clear();
        self.starts.clear();
        self.starts.resize(sheet.buckets() + 1, 0);
        let steps = sheet.scale * f64::from(STEPS);
        for (slot, at) in feet {
            let face = face_of(at);
            let [a, b, out] = seen_from(face, at);
            // Within one half-edge of the middle, so from 1 to 3 of them; below 2³² on the largest planet.
            let [p, q] = [a, b].map(|x| ((x / out + 2.0) * steps) as u32);
            let (i, j) = (p / STEPS, q / STEPS);
            let key = sheet.key(CellAt { face, i, j });
            let within = (p % STEPS) << 6 | (q % STEPS);
            let entry = u32::from(slot) << 16 | key.tag << 12 | within;
            maker.keyed.push((key.bucket as u16, entry));
            self.starts[key.bucket as usize] += 1;
        }
        let mut end = 0;
        for start in &mut self.starts {
            end += *start;
            *start = end;
        }
        self.entries.clear();
        self.entries.resize(maker.keyed.len(), 0);
        for (bucket, entry) in maker.keyed.iter().rev() {
            let start = &mut self.starts[usize::from(*bucket)];
            *start -= 1;
            self.entries[usize::from(*start)] = *entry;
        }
    }

    /// Where to look for those whose feet are in a cell; the memory is asked for.
    #[inline]
    pub(super) fn look_up(&self, sheet: Sheet, cell: CellAt) -> Key {
        let key = sheet.key(cell);
        prefetch(&self.starts[key.bucket as usize]);
        key
    }

    /// The first of their entries, and a few others', and the one after the last; the memory is asked for.
    #[inline]
    pub(super) fn run(&self, key: Key) -> [u16; 2] {
        let bucket = key.bucket as usize;
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        if let Some(first) = self.entries.get(usize::from(start)) {
            prefetch(first);
        }
        [start, end]
    }

    /// The entries of a run.
    #[inline]
    pub(super) fn entries(&self, [start, end]: [u16; 2]) -> &[u32] {
        &self.entries[usize::from(start)..usize::from(end)]
    }

    /// How many players there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        self.starts.capacity() * size_of::<u16>() + self.entries.capacity() * size_of::<u32>()
    }
}

impl Maker {
    /// Bytes that it holds.
    pub(super) fn bytes(&self) -> usize {
        let spare: usize = self.spare.iter().map(Cells::bytes).sum();
        spare + self.keyed.capacity() * size_of::<(u16, u32)>()
    }
}
