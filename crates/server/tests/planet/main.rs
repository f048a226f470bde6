//! `bluemarble planet` and the bundled Earth, against the source and against an oracle of their own.
//!
//! What needs the source grid reads it from `$BLUEMARBLE_DATA` or from `shared/data` beside the repository, and says
//! so when it is absent.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod commands;
mod damage;
mod disks;
mod earth;
mod kill;
mod maps;
mod memory;
mod source;
mod sparse;
mod tiles;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use spatial_core::{DVec3, HeightTile, RocksStore, StoreError, TileStore};

/// A small generator of numbers; its seed is printed with the first.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// −1 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Uniform on the sphere.
    fn direction(&mut self) -> DVec3 {
        loop {
            let v = DVec3::new(self.unit(), self.unit(), self.unit());
            if (1e-3..1.0).contains(&v.length_squared()) {
                return v.normalize();
            }
        }
    }
}

/// Runs the program to its end.
fn bluemarble(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bluemarble"))
        .arg("planet")
        .args(args)
        .output()
        .expect("the program starts")
}

/// Runs the program, which must succeed; its standard output.
fn succeed(args: &[&str]) -> String {
    let output = bluemarble(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{args:?}: {} {stderr}",
        output.status
    );
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// Runs the program, which must fail with this code and one error; the error.
fn fail(code: i32, args: &[&str]) -> String {
    let output = bluemarble(args);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{args:?}: {stderr}");
    stderr
}

/// A relief of 181 × 360 heights that needs no data from elsewhere; its file.
fn small_relief(dir: &Path) -> PathBuf {
    let heights = (0..181i32).flat_map(|row| {
        (0..360i32).flat_map(move |column| {
            let height = (row * 53 + column * 97) % 4_001 - 2_000;
            (height as i16).to_le_bytes()
        })
    });
    let path = dir.join("small.raw");
    std::fs::write(&path, heights.collect::<Vec<u8>>()).expect("the relief is written");
    path
}

/// Imports a small planet into a folder.
fn import(relief: &Path, samples: u32, out: &Path) -> String {
    let (relief, samples) = (relief.display().to_string(), samples.to_string());
    let out = out.display().to_string();
    succeed(&[
        "import",
        "--relief",
        &relief,
        "--samples",
        &samples,
        "--out",
        &out,
    ])
}

/// A planet's folder, opened.
fn store_of(planet: &str) -> Arc<dyn TileStore> {
    Arc::new(RocksStore::open(planet).expect("a planet that was just made"))
}

/// All tiles of a planet's folder, each verified.
fn read_all(planet: &Path) -> Result<Vec<Arc<HeightTile>>, StoreError> {
    let store = RocksStore::open(planet)?;
    store.cells().iter().map(|cell| store.load(*cell)).collect()
}
