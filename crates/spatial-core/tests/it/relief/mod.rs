//! Readers of relief and their mosaic, against writers and interpolation of their own.

mod geotiff;
mod grids;
mod hgt;
mod mosaics;
mod pictures;

use std::path::PathBuf;

use spatial_core::{DVec3, Geodetic, Relief, ReliefFault, ReliefOptions, ReliefSource};

/// A file of the data that is not in the repository, or `None` and a note.
fn data(file: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let folder = std::env::var_os("BLUEMARBLE_DATA").map_or(PathBuf::from(beside), PathBuf::from);
    let path = folder.join(file);
    if !path.exists() {
        println!("SKIPPED: no {file} in $BLUEMARBLE_DATA or ../shared/data");
        return None;
    }
    Some(path)
}

fn direction(lat: f64, lon: f64) -> DVec3 {
    Geodetic::from_degrees(lat, lon, 0.0).unwrap().direction()
}

/// The height at a place, which is not filled.
fn height(relief: &dyn Relief, lat: f64, lon: f64) -> Option<f64> {
    let sample = relief.sample(direction(lat, lon)).unwrap()?;
    assert!(!sample.is_filled);
    Some(sample.height_m)
}

fn source(name: &str, bytes: Vec<u8>) -> ReliefSource {
    ReliefSource::from_bytes(name, bytes, &ReliefOptions::default()).unwrap()
}

fn refusal(name: &str, bytes: Vec<u8>) -> ReliefFault {
    match ReliefSource::from_bytes(name, bytes, &ReliefOptions::default()) {
        Ok(_) => panic!("{name} was accepted"),
        Err(error) => {
            assert_eq!(&*error.file, name);
            assert!(error.to_string().len() < 500, "{error}");
            error.fault
        }
    }
}

/// A small generator of numbers from 0 to 1; its seed is printed.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Bilinear interpolation of a function of whole numbers, by weights.
fn between(x: f64, y: f64, at: impl Fn(i64, i64) -> f64) -> f64 {
    let (i, j) = (x.floor(), y.floor());
    let (fx, fy) = (x - i, y - j);
    let (i, j) = (i as i64, j as i64);
    at(i, j) * (1.0 - fx) * (1.0 - fy)
        + at(i + 1, j) * fx * (1.0 - fy)
        + at(i, j + 1) * (1.0 - fx) * fy
        + at(i + 1, j + 1) * fx * fy
}
