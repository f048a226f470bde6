//! What an import does most: heights of a file at the places of a planet's samples.

use std::fs;
use std::path::{Path, PathBuf};

use spatial_core::{
    CellId, DVec3, Geodetic, HeightTile, LatticeSpec, Mosaic, MosaicOptions, Relief as _,
    ReliefOptions, column_row, open_relief,
};
use tempfile::TempDir;

use crate::case::{Case, Size, mix};

/// Samples along a file's edge.
const SIDE: usize = 3_601;
/// The south-west corner, degrees.
const CORNER: [f64; 2] = [45.0, 6.0];
/// The level whose samples lie no farther apart than the file's: 17 to 23 m.
const LEVEL: u8 = 12;
const INTERVALS: u16 = 128;

/// All tiles of the finest level that lie on a square degree of an .hgt of 3,601² samples, from opening the file to raw tiles; they are
/// what an import computes, but for a quarter of the samples, which it takes from tiles above.
pub(crate) struct Resample {
    path: PathBuf,
    spec: LatticeSpec,
    cells: Vec<CellId>,
    hash: u64,
    _dir: TempDir,
}

impl Resample {
    pub(crate) fn new(size: Size) -> Self {
        let dir = tempfile::tempdir().expect("a folder for temporary files");
        let path = write_hgt(dir.path());
        let spec = LatticeSpec::new(LEVEL + 1, INTERVALS, 0.0, 1.0).expect("a legal lattice");
        // Tiles are 0.02° wide and more.
        let mut cells: Vec<CellId> = (0..200 * 200)
            .map(|k| (f64::from(k % 200) / 199.0, f64::from(k / 200) / 199.0))
            .map(|(east, north)| {
                let place = Geodetic::from_degrees(CORNER[0] + north, CORNER[1] + east, 0.0);
                spec.tile_at(place.expect("inside the square").direction())
            })
            .collect();
        cells.sort_unstable();
        cells.dedup();
        cells.truncate(match size {
            Size::Tiny => 10,
            Size::Full => usize::MAX,
        });
        Self {
            path,
            spec,
            cells,
            hash: 0,
            _dir: dir,
        }
    }

    /// Samples that are computed.
    pub(crate) fn sample_count(&self) -> usize {
        let side = usize::from(INTERVALS) + 1;
        self.cells.len() * side * side
    }

    /// Does it all once.
    pub(crate) fn resample(&mut self) {
        let source =
            open_relief(&self.path, &ReliefOptions::default()).expect("the file just written");
        let options = MosaicOptions {
            feather_samples: 32.0,
        };
        let mosaic = Mosaic::new(vec![(source, 0)], options);
        let (mut directions, mut found) = (Vec::new(), Vec::new());
        for cell in &self.cells {
            directions.clear();
            found.clear();
            directions.extend(directions_of(&self.spec, *cell));
            mosaic
                .samples(&directions, &mut found)
                .expect("the file just written");
            let samples = found
                .iter()
                .map(|sample| sample.map_or(0, |s| s.height_m.round() as i16));
            let tile = HeightTile::new(*cell, INTERVALS, samples.collect()).expect("a whole tile");
            let raw = tile.encode_raw();
            let bytes = raw.last_chunk::<8>().expect("longer than that");
            self.hash = mix(self.hash ^ tile.checksum() ^ u64::from_le_bytes(*bytes));
        }
    }
}

impl Case for Resample {
    fn operations(&self) -> u64 {
        self.sample_count() as u64
    }

    fn run(&mut self) {
        self.hash = 0;
        self.resample();
    }

    fn hash(&self) -> u64 {
        self.hash
    }
}

/// The directions of a tile's samples, of the finest level.
fn directions_of(spec: &LatticeSpec, cell: CellId) -> impl Iterator<Item = DVec3> {
    let n = u32::from(spec.intervals());
    let (column, row) = column_row(cell);
    let (face, spec) = (cell.face(), *spec);
    let places = (0..=n).flat_map(move |j| (0..=n).map(move |i| (column * n + i, row * n + j)));
    places.map(move |(i, j)| spec.direction(face, i, j))
}

/// Ridges and valleys, big-endian, from north to south.
fn write_hgt(dir: &Path) -> PathBuf {
    let wave = |k: usize, length: usize| {
        let phase = (k % length) as i32 - (length / 2) as i32;
        phase.abs()
    };
    let samples = (0..SIDE * SIDE)
        .map(|k| (k / SIDE, k % SIDE))
        .map(|(row, column)| {
            500 + wave(row + column, 1_001)
                + wave(3 * row + column, 307) / 2
                + wave(row * column, 23) / 4
        });
    let bytes: Vec<u8> = samples.flat_map(|v| (v as i16).to_be_bytes()).collect();
    let path = dir.join(format!("N{:02}E{:03}.hgt", CORNER[0], CORNER[1]));
    fs::write(&path, bytes).expect("room on the disk");
    path
}
