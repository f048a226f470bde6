//! The first height after a planet was opened, when the system holds nothing of its files: what is waited for is the disk. Unlike all
//! other rows, these are of the wall's clock.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use spatial_core::{PackStore, RocksStore, Terrain, TileStore};

use super::super::rivals::shelves::{Key, Lmdb, PlainFile, Redb, Rocks, Shelf};
use super::super::row::{Measured, Rival, Unit};
use super::super::{Pace, Tell};
use super::stores::{entries_of, shelf};
use crate::planets::{Plan, files_of};
use crate::seeded::Seeded;
use crate::store::middle_of;

const TILES: usize = 384;
/// Openings, with a height each.
const ROUNDS: usize = 200;

/// Time, and reads that were waited for.
const CASES: [[&str; 2]; 2] = [
    [
        "cold height: RocksStore, p50",
        "cold height: RocksStore, reads, p99",
    ],
    [
        "cold height: PackStore, p50",
        "cold height: PackStore, reads, p99",
    ],
];

/// What one cold question took.
struct Cold {
    us: f64,
    reads: u64, // that were waited for
}

pub(super) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if !CASES.iter().flatten().any(|case| pace.wants(case)) {
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let (plan, rounds) = (Plan::hills(pace.size.of(TILES)), pace.size.of(ROUNDS));
    let (base, pack) = (dir.path().join("base"), dir.path().join("pack"));
    plan.write_base(&base);
    plan.write_pack(&pack);
    let plain = dir.path().join("plain");
    let entries = entries_of(&plan);
    drop(shelf::<PlainFile>(&plain, &entries));
    let keys: Vec<Key> = entries.iter().map(|entry| entry.0).collect();
    let rivals = if is_forgotten(&plain.join("values"))? {
        let folder = |name: &str| dir.path().join(name);
        drop(shelf::<Rocks<true>>(&folder("rocks"), &entries));
        drop(shelf::<Lmdb>(&folder("lmdb"), &entries));
        drop(shelf::<Redb>(&folder("redb"), &entries));
        vec![
            rival::<PlainFile>(&plain, &keys, rounds)?,
            rival::<Rocks<true>>(&folder("rocks"), &keys, rounds)?,
            rival::<Lmdb>(&folder("lmdb"), &keys, rounds)?,
            rival::<Redb>(&folder("redb"), &keys, rounds)?,
        ]
    } else {
        let why = "the system does not forget files of the folder for temporary ones";
        return CASES
            .iter()
            .flatten()
            .try_for_each(|case| tell(Measured::skipped((*case).to_owned(), Unit::Us, why)));
    };
    let open_base =
        || -> Arc<dyn TileStore> { Arc::new(RocksStore::open(&base).expect("just written")) };
    let open_pack =
        || -> Arc<dyn TileStore> { Arc::new(PackStore::open(&pack).expect("just written")) };
    tell_both(CASES[0], &heights(&base, open_base, rounds)?, &rivals, tell)?;
    tell_both(CASES[1], &heights(&pack, open_pack, rounds)?, &rivals, tell)
}

fn tell_both(
    [time, reads]: [&str; 2],
    cold: &[Cold],
    rivals: &[(&'static str, Vec<Cold>)],
    tell: Tell<'_>,
) -> io::Result<()> {
    let p50 = |cold: &[Cold]| quantile(cold.iter().map(|c| c.us), 0.5);
    let p99 = |cold: &[Cold]| quantile(cold.iter().map(|c| c.reads as f64), 0.99);
    let row = |case: &str, unit, of: &dyn Fn(&[Cold]) -> f64| Measured {
        case: case.to_owned(),
        ours: Some(of(cold)),
        unit,
        rivals: rivals
            .iter()
            .map(|(name, cold)| Rival {
                name: (*name).to_owned(),
                figure: Some(of(cold)),
                agree: None,
            })
            .collect(),
    };
    tell(row(time, "us", &p50))?;
    tell(row(reads, "reads", &p99))
}

/// Heights of places in random tiles, one after each opening.
fn heights(
    path: &Path,
    open: impl Fn() -> Arc<dyn TileStore>,
    rounds: usize,
) -> io::Result<Vec<Cold>> {
    let mut seeded = Seeded(63);
    let round = |_| {
        forget(path)?;
        let terrain = Terrain::new(open());
        let cells = terrain.store().cells();
        let place = crate::places::on_datum(cells[seeded.below(cells.len())].center());
        Ok(measured(|| {
            terrain.height(place).expect("a tile of the planet") as u64
        }))
    };
    (0..rounds).map(round).collect()
}

/// Tiles of a rival, one after each opening.
fn rival<S: Shelf>(
    dir: &Path,
    keys: &[Key],
    rounds: usize,
) -> io::Result<(&'static str, Vec<Cold>)> {
    let mut seeded = Seeded(63);
    let round = |_| {
        forget(dir)?;
        let (shelf, key) = (S::open(dir), keys[seeded.below(keys.len())]);
        Ok(measured(|| u64::from(shelf.with(&key, middle_of))))
    };
    let cold: io::Result<Vec<Cold>> = (0..rounds).map(round).collect();
    Ok((S::NAME, cold?))
}

fn measured(ask: impl FnOnce() -> u64) -> Cold {
    // What looking takes itself.
    let looks = Reads::now();
    let looks = Reads::now().since(&looks);
    let (before, start) = (Reads::now(), Instant::now());
    std::hint::black_box(ask());
    let time = start.elapsed();
    let reads = Reads::now().since(&before);
    let counted = reads.faults + reads.calls.saturating_sub(looks.calls);
    Cold {
        us: time.as_secs_f64() * 1e6,
        // What was asked for ahead is neither.
        reads: counted.max(u64::from(reads.bytes > 0)),
    }
}

/// What this thread has read; zeros where the system does not say.
struct Reads {
    faults: u64, // pages that it has waited for a disk for
    calls: u64,  // of the system, to read
    bytes: u64,  // from disks
}

impl Reads {
    fn now() -> Self {
        let stat = fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
        // Behind the name, which is in brackets: state, four numbers of processes, terminal, its group, flags, two of minor faults.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let faults = fields.split_whitespace().nth(9);
        let io = fs::read_to_string("/proc/thread-self/io").unwrap_or_default();
        let number = |name: &str| {
            let line = io.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.trim().parse().ok()).unwrap_or(0)
        };
        Self {
            faults: faults.and_then(|field| field.parse().ok()).unwrap_or(0),
            calls: number("syscr:"),
            bytes: number("read_bytes:"),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            faults: self.faults.saturating_sub(before.faults),
            calls: self.calls.saturating_sub(before.calls),
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }
}

fn quantile(values: impl Iterator<Item = f64>, part: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * part).round() as usize]
}

/// Lets the system forget a file, or all files of a folder; none of them is mapped.
fn forget(path: &Path) -> io::Result<()> {
    files_of(path).iter().try_for_each(forget_file)
}

#[cfg(target_os = "linux")]
fn forget_file(path: &PathBuf) -> io::Result<()> {
    let file = File::open(path)?;
    file.sync_all()?; // what is not on the disk yet is not forgotten
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn forget_file(_: &PathBuf) -> io::Result<()> {
    Ok(())
}

/// Whether a file is read from the disk again after it was forgotten.
fn is_forgotten(path: &Path) -> io::Result<bool> {
    forget(path)?;
    let before = Reads::now();
    fs::read(path)?;
    Ok(Reads::now().since(&before).bytes > 0)
}
