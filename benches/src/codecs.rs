//! Codecs of tiles on whole grids of real relief.

use spatial_core::{Codec, HotGrid, decode_grid, encode_grid};

use crate::case::{Case, Size, hash_of};
use crate::relief::{self, Relief, SIDE};
use crate::seeded::Seeded;

/// Samples read at random.
const COUNT: usize = 100_000;

/// A grid encoded.
struct Encoded {
    name: &'static str,
    payload: Vec<u8>,
    samples: Vec<i16>,
}

fn encoded(codec: Codec, size: Size) -> Option<Vec<Encoded>> {
    let mut grids = relief::all()?;
    if size == Size::Tiny {
        grids.truncate(1);
    }
    let encode = |grid: Relief| Encoded {
        name: grid.name,
        payload: encode_grid(codec, SIDE, &grid.samples).expect("a side of 8 n + 1"),
        samples: grid.samples,
    };
    let grids: Vec<_> = grids.into_iter().map(encode).collect();
    for grid in &grids {
        let bytes = grid.payload.len() as f64 / grid.samples.len() as f64;
        println!("{}: {codec:?} {bytes:.4} bytes a sample", grid.name);
    }
    Some(grids)
}

/// Decodes all grids; an operation is two bytes of samples.
pub(crate) struct Decode {
    codec: Codec,
    grids: Vec<Encoded>,
    hash: u64,
}

impl Decode {
    pub(crate) fn new(size: Size, codec: Codec) -> Option<Self> {
        let grids = encoded(codec, size)?;
        Some(Self {
            codec,
            grids,
            hash: 0,
        })
    }
}

impl Case for Decode {
    fn operations(&self) -> u64 {
        (self.grids.len() * SIDE * SIDE) as u64
    }

    fn run(&mut self) {
        for grid in &self.grids {
            let samples = decode_grid(self.codec, SIDE, &grid.payload).expect("just encoded");
            assert!(samples == grid.samples, "lossless");
            self.hash = samples[SIDE + 7] as u64;
        }
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// Encodes all grids; an operation is a sample.
pub(crate) struct Encode {
    codec: Codec,
    grids: Vec<Relief>,
    hash: u64,
}

impl Encode {
    pub(crate) fn new(size: Size, codec: Codec) -> Option<Self> {
        let mut grids = relief::all()?;
        if size == Size::Tiny {
            grids.truncate(1);
        }
        Some(Self {
            codec,
            grids,
            hash: 0,
        })
    }
}

impl Case for Encode {
    fn operations(&self) -> u64 {
        (self.grids.len() * SIDE * SIDE) as u64
    }

    fn run(&mut self) {
        let encode = |grid: &Relief| {
            let payload = encode_grid(self.codec, SIDE, &grid.samples).expect("a side of 8 n + 1");
            payload.len() as u64
        };
        self.hash = hash_of(self.grids.iter().map(encode));
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// Reads samples of one grid in random order, where they lie.
pub(crate) struct Samples {
    grid: Encoded,
    places: Vec<(usize, usize)>,
    values: Vec<i16>,
}

impl Samples {
    pub(crate) fn new(size: Size) -> Option<Self> {
        let mut seeded = Seeded(9);
        let mut axis = || ((seeded.signed() + 1.0) / 2.0 * SIDE as f64) as usize % SIDE;
        Some(Self {
            grid: encoded(Codec::Hot, size)?.pop()?,
            places: (0..size.of(COUNT)).map(|_| (axis(), axis())).collect(),
            values: Vec::new(),
        })
    }
}

impl Case for Samples {
    fn operations(&self) -> u64 {
        self.places.len() as u64
    }

    fn run(&mut self) {
        let grid = HotGrid::new(SIDE, &self.grid.payload).expect("just encoded");
        let sample = |(i, j): &(usize, usize)| grid.sample(*i, *j).expect("inside");
        self.values.clear();
        self.values.extend(self.places.iter().map(sample));
    }

    fn hash(&self) -> u64 {
        let want = |(i, j): &(usize, usize)| self.grid.samples[j * SIDE + i];
        assert!(self.places.iter().map(want).eq(self.values.iter().copied()));
        hash_of(self.values.iter().map(|v| *v as u64))
    }
}
