//! What an import reads, and how finely the planet is divided for it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use spatial_core::{
    Cell, CellId, DVec3, HeightEncoding, LatLngRect, LatticeSpec, Mosaic, MosaicOptions,
    PictureGrid, Planet, Registration, Relief as _, ReliefOptions, ReliefSample, open_relief,
    side_file,
};
use xxhash_rust::xxh3::Xxh3;

use super::pyramid::Source;
use super::surface::{Surface, places};

/// Tiles of a planet: their list takes 400 MB.
const TILES_MAX: usize = 50_000_000;

/// Places of a box at which the lattice's spacing is looked at.
const SPACING_PLACES: usize = 400;

/// A file of heights, and its priority.
#[derive(Clone, Debug)]
pub(super) struct SourceFile {
    pub(super) path: PathBuf,
    pub(super) priority: i32,
}

/// Files of heights as one, and where each of them reaches.
pub(super) struct Sources {
    mosaic: Mosaic,
    reaches: Vec<Reach>,
    samples: u64,
    checksum: u64,
}

/// Where a file has heights, and how fine they are.
pub(super) struct Reach {
    pub(super) name: String,
    pub(super) bounds: LatLngRect,
    pub(super) spacing_m: f64,
}

/// What holds for files that do not say it of themselves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsaid {
    pub(super) epsg: Option<u32>,
    pub(super) encoding: Option<HeightEncoding>,
}

impl Unsaid {
    /// For a file beside those that hold so many bytes.
    fn options(self, path: &Path, held_bytes: u64) -> ReliefOptions {
        let picture = |encoding| PictureGrid {
            encoding,
            bounds: None,
            registration: Registration::Area,
        };
        ReliefOptions {
            picture: match side_file(path) {
                Some(_) => None,
                None => self.encoding.map(picture),
            },
            epsg: self.epsg,
            // Of all together.
            inflated_bytes_max: Some(ReliefOptions::INFLATED_BYTES_MAX - held_bytes),
            ..ReliefOptions::default()
        }
    }
}

impl Sources {
    /// Opens files; their bytes are read once for a checksum, their samples when they are asked for.
    pub(super) fn open(files: &[SourceFile], unsaid: Unsaid, feather_samples: f64) -> Result<Self> {
        let (mut sources, mut reaches, mut samples) = (Vec::new(), Vec::new(), 0);
        let (mut hash, mut held_bytes) = (Xxh3::new(), 0);
        hash.update(&feather_samples.to_le_bytes());
        for SourceFile { path, priority } in files {
            let source = open_relief(path, &unsaid.options(path, held_bytes))?;
            held_bytes += source.held_bytes();
            hash.update(&priority.to_le_bytes());
            // Names say where some kinds of files lie, and a side file what the numbers mean.
            let name = path.file_name().unwrap_or_default();
            hash.update(name.as_encoded_bytes());
            hash_file(path, &mut hash)?;
            if let Some(side) = side_file(path) {
                hash_file(&side, &mut hash)?;
            }
            // Folders of pictures, codes and encodings say it too.
            let bounds = [source.bounds().lat_rad(), source.bounds().lng_rad()].concat();
            bounds
                .iter()
                .for_each(|x: &f64| hash.update(&x.to_le_bytes()));
            hash.update(format!("{unsaid:?}").as_bytes());
            samples += source.size().map(u64::from).iter().product::<u64>();
            reaches.push(Reach {
                name: path.display().to_string(),
                bounds: source.bounds(),
                spacing_m: source.spacing_m(),
            });
            sources.push((source, *priority));
        }
        Ok(Self {
            mosaic: Mosaic::new(sources, MosaicOptions { feather_samples }),
            reaches,
            samples,
            checksum: hash.digest(),
        })
    }

    /// Where the files reach.
    pub(super) fn reaches(&self) -> &[Reach] {
        &self.reaches
    }

    /// Samples of all files.
    pub(super) fn sample_count(&self) -> u64 {
        self.samples
    }

    /// A checksum of the files and of how they are put together.
    pub(super) fn checksum(&self) -> u64 {
        self.checksum
    }

    /// The level down to which each file's cells are divided: the coarsest with which 99 of 100 places deviate by no
    /// more than `error_max_m`, or without that the coarsest whose samples lie nowhere in the file's box farther apart than the file's.
    pub(super) fn levels(&self, spec: &LatticeSpec, error_max_m: Option<f64>) -> Result<Vec<u8>> {
        let by_spacing = |reach: &Reach| {
            (0..spec.leaf_level())
                .find(|level| spacing_m(spec, &reach.bounds, *level) <= reach.spacing_m)
                .unwrap_or(spec.leaf_level())
        };
        let Some(error_max_m) = error_max_m else {
            return Ok(self.reaches.iter().map(by_spacing).collect());
        };
        let meets = |reach: &Reach| -> Result<u8> {
            // Two levels beyond the file's own spacing nothing is left to be won.
            let last = (by_spacing(reach) + 2).min(spec.leaf_level());
            for level in 0..last {
                if Surface::new(self, spec, level).p99_m(&reach.bounds)? <= error_max_m {
                    return Ok(level);
                }
            }
            Ok(last)
        };
        self.reaches.iter().map(meets).collect()
    }

    /// The cells of all tiles down to these levels of each file, ascending, with all six faces.
    pub(super) fn cells(&self, levels: &[u8]) -> Result<Vec<CellId>> {
        let all: Vec<usize> = (0..self.reaches.len()).collect();
        let mut cells = Vec::new();
        for face in 0..6 {
            self.divide(
                CellId::from_face_ij(face, 0, 0, 0),
                &all,
                levels,
                &mut cells,
            );
        }
        if cells.len() > TILES_MAX {
            bail!(
                "more than {TILES_MAX} tiles; ask for fewer --samples, a larger --max-error, or smaller files"
            );
        }
        cells.sort_unstable();
        Ok(cells)
    }

    /// A cell, and below it what the files reach that its parent's neighbourhood named.
    fn divide(&self, cell: CellId, files: &[usize], levels: &[u8], cells: &mut Vec<CellId>) {
        cells.push(cell);
        let finer = |file: &&usize| levels[**file] > cell.level();
        let bound = Cell::new(cell);
        let reach = |file: &&usize| self.reaches[**file].bounds.intersects_cell(&bound);
        let files: Vec<usize> = files.iter().filter(finer).filter(reach).copied().collect();
        if files.is_empty() || cells.len() > TILES_MAX {
            return;
        }
        for child in cell.children().into_iter().flatten() {
            let bound = Cell::new(child);
            let is_reached = files
                .iter()
                .any(|f| self.reaches[*f].bounds.intersects_cell(&bound));
            if is_reached {
                self.divide(child, &files, levels, cells);
            }
        }
    }
}

impl Source for Sources {
    fn samples(&self, at: &[DVec3], out: &mut Vec<Option<ReliefSample>>) -> Result<()> {
        Ok(self.mosaic.samples(at, out)?)
    }
}

/// How far apart neighbouring samples of a level lie at most in a box, metres on the Earth, to a percent or two.
fn spacing_m(spec: &LatticeSpec, bounds: &LatLngRect, level: u8) -> f64 {
    let places = places(bounds, SPACING_PLACES).into_iter();
    let longest = places.map(|place| longest_side(CellId::from_direction(place).parent(level)));
    let longest = longest.fold(0.0, f64::max);
    Planet::EARTH.radius_m() * longest / f64::from(spec.intervals())
}

/// The chord of a cell's longest side, of a sphere of radius 1.
fn longest_side(cell: CellId) -> f64 {
    let vertices = Cell::new(cell).vertices();
    let sides = (0..4).map(|k| vertices[k].distance(vertices[(k + 1) % 4]));
    sides.fold(0.0, f64::max)
}

fn hash_file(path: &Path, hash: &mut Xxh3) -> Result<()> {
    let named = || path.display().to_string();
    let mut file = File::open(path).with_context(named)?;
    let (mut chunk, mut bytes) = (vec![0; 1 << 20], 0u64);
    loop {
        match file.read(&mut chunk).with_context(named)? {
            // Its length ends it: no two lists of files are one sequence of bytes.
            0 => {
                hash.update(&bytes.to_le_bytes());
                return Ok(());
            }
            n => {
                bytes += n as u64;
                hash.update(&chunk[..n]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn checksum(path: &Path) -> u64 {
        let file = SourceFile {
            path: path.to_owned(),
            priority: 0,
        };
        Sources::open(&[file], Unsaid::default(), 32.0)
            .unwrap()
            .checksum()
    }

    /// Parts that a killed import left belong to other inputs as soon as anything is different that heights follow from.
    #[test]
    fn names_and_side_files_count() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a.raw"), dir.path().join("b.raw"));
        let side = |scale: f64| {
            format!(
                r#"{{ "width": 3, "height": 2, "sample": "i16", "scale": {scale:?}, "bounds":
                    {{ "south": 0, "west": 0, "north": 1, "east": 2 }} }}"#
            )
        };
        for path in [&a, &b] {
            fs::write(path, [7; 12]).unwrap();
            fs::write(path.with_extension("json"), side(1.0)).unwrap();
        }
        let before = checksum(&a);
        assert_eq!(checksum(&a), before);
        assert_ne!(checksum(&b), before);
        fs::write(a.with_extension("json"), side(0.5)).unwrap();
        assert_ne!(checksum(&a), before);
    }
}
