//! Real relief: squares of a degree of SRTM at 3″, where `BLUEMARBLE_DATA` names the folder that holds srtm3/; as they are, and on
//! the lattice of a planet.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use spatial_core::{
    CellId, Geodetic, HeightTile, LatticeSpec, Manifest, MemoryStore, Planet, cell_at, column_row,
};

/// Samples along an edge of a square.
pub(crate) const SIDE: usize = 1_201;

/// Tile levels whose samples are no further apart than those of the squares: 131,072 along a face, 60 to 85 m.
const LEVELS: u8 = 11;

/// A square of a degree, row by row from north to south.
pub(crate) struct Square {
    pub(crate) name: &'static str,
    pub(crate) south_deg: f64,
    pub(crate) west_deg: f64,
    hgt_folder: Option<PathBuf>, // where it lies as a .hgt file
    samples: Vec<i16>,
}

impl Square {
    /// One of the squares by its name; `None` when it is not there.
    pub(crate) fn load(name: &'static str) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("BLUEMARBLE_DATA")?).join("srtm3");
        let (file, degrees) = match name {
            "N44W072" => ("N44W072.hgt", (44.0, -72.0)),
            "S33W071" => ("S33W071.tif", (-33.0, -71.0)),
            _ => return None,
        };
        let bytes = std::fs::read(folder.join(file)).ok()?;
        let is_hgt = file.ends_with(".hgt");
        let samples = match is_hgt {
            true => words(&bytes, i16::from_be_bytes),
            false => strips(&bytes)?,
        };
        (samples.len() == SIDE * SIDE).then_some(Self {
            name,
            south_deg: degrees.0,
            west_deg: degrees.1,
            hgt_folder: is_hgt.then_some(folder),
            samples,
        })
    }

    /// The folder of the .hgt file that it is.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.hgt_folder.as_deref()
    }

    /// The sample of a row from the south and a column from the west, metres.
    pub(crate) fn sample(&self, row: usize, column: usize) -> i16 {
        self.samples[(SIDE - 1 - row) * SIDE + column]
    }

    /// Bilinear, in samples from the south-west corner; beyond the square that of its edge.
    pub(crate) fn height_m(&self, north: f64, east: f64) -> f64 {
        let part = |x: f64| {
            let x = x.clamp(0.0, (SIDE - 1) as f64);
            let whole = x.floor().min((SIDE - 2) as f64);
            (whole as usize, x - whole)
        };
        let ((j, fy), (i, fx)) = (part(north), part(east));
        let at = |j: usize, i: usize| f64::from(self.sample(j, i));
        let low = at(j, i) * (1.0 - fx) + at(j, i + 1) * fx;
        let high = at(j + 1, i) * (1.0 - fx) + at(j + 1, i + 1) * fx;
        low * (1.0 - fy) + high * fy
    }

    /// The square on the lattice, in memory: all tiles of the finest level that it touches.
    pub(crate) fn planet(&self) -> MemoryStore {
        self.planet_of_levels(1)
    }

    /// The same with the tiles of some levels.
    pub(crate) fn planet_of_levels(&self, levels: u8) -> MemoryStore {
        let lattice = LatticeSpec::new(LEVELS, 128, 0.0, 1.0).expect("a legal lattice");
        // Tiles are 0.07° wide and more; those beyond the border too, where places on it may round to.
        let leaves = (0..3_600)
            .map(|k| (f64::from(k % 60), f64::from(k / 60)))
            .map(|(i, j)| (i / 56.0 - 0.03, j / 56.0 - 0.03))
            .map(|(east, north)| {
                let place =
                    Geodetic::from_degrees(self.south_deg + north, self.west_deg + east, 0.0);
                lattice.tile_at(place.expect("inside the square").direction())
            });
        let finest = lattice.leaf_level();
        let cells: BTreeSet<CellId> = leaves
            .flat_map(|leaf| (finest + 1 - levels..=finest).map(move |level| leaf.parent(level)))
            .collect();
        let manifest = Manifest::new(Planet::EARTH, lattice, "NASA SRTM3", "public domain");
        let tiles = cells.into_iter().map(|cell| self.tile(&lattice, cell));
        MemoryStore::new(manifest, tiles).expect("tiles of the lattice")
    }

    fn tile(&self, lattice: &LatticeSpec, cell: CellId) -> HeightTile {
        let n = u32::from(lattice.intervals());
        let step = 1 << (lattice.leaf_level() - cell.level());
        let (column, row) = column_row(cell);
        assert_eq!(cell, cell_at(cell.face(), cell.level(), column, row));
        let samples = (0..(n + 1) * (n + 1)).map(|k| {
            let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
            let p = lattice.direction(cell.face(), i * step, j * step);
            let lat_deg = libm::asin(p.z).to_degrees();
            let lon_deg = libm::atan2(p.y, p.x).to_degrees();
            let samples = |degrees: f64| degrees * (SIDE - 1) as f64;
            let height_m = self.height_m(
                samples(lat_deg - self.south_deg),
                samples(lon_deg - self.west_deg),
            );
            height_m.round() as i16
        });
        HeightTile::new(cell, lattice.intervals(), samples.collect()).expect("a whole tile")
    }
}

/// The samples of a GeoTIFF as these squares come in: little-endian i16, not compressed, strips one after the other.
fn strips(bytes: &[u8]) -> Option<Vec<i16>> {
    // The offset of the first strip is entry 273 of the first directory: 12 bytes a tag, behind their number.
    let u16_at = |at: usize| Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    if bytes.get(..4)? != b"II*\0" {
        return None;
    }
    let directory = u32_at(4)?;
    let entries = (0..usize::from(u16_at(directory)?)).map(|n| directory + 2 + 12 * n);
    let entry = entries.clone().find(|at| u16_at(*at) == Some(273))?;
    let first = match u32_at(entry + 4)? {
        1 => u32_at(entry + 8)?,
        _ => u32_at(u32_at(entry + 8)?)?,
    };
    Some(words(
        bytes.get(first..first + 2 * SIDE * SIDE)?,
        i16::from_le_bytes,
    ))
}

fn words(bytes: &[u8], of: impl Fn([u8; 2]) -> i16) -> Vec<i16> {
    bytes.chunks_exact(2).map(|b| of([b[0], b[1]])).collect()
}
