//! Tiles on the disk, so that they come over the line once.
//!
//! ```text
//! folder/ 1122334455667788-99aabbccddeeff00/     a planet: fingerprint of its lattice, what the server calls it
//!             3a00000000000000.tile              a tile as it came (docs/terrain.md): with its cell and an xxh3-64 of all its bytes
//!             3a00000000000000.4711-0.tmp        one that is being written, by a process; renamed when it is whole
//! ```
//! Every read checks the tile as if a stranger had sent it. What is cut, damaged or another tile is removed and was never there, so nothing is
//! synced: a crash may lose what was written last, and no more. Any number of processes may share a folder.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use net_proto::{GroundInfo, TILE_BYTES_MAX, sound_tile};
use spatial_core::{CellId, HeightTile, LatticeSpec};

/// A folder of tiles that were downloaded, for any number of planets, sessions and processes.
///
/// When the files are more than so many bytes, those that were not read for longest are removed, down to seven eighths. With several processes it may grow by what
/// each of them writes between two looks, a sixteenth of the bound.
#[derive(Debug)]
pub struct TileCache {
    folder: PathBuf,
    bytes_max: u64,
    bytes: AtomicU64,   // of all files at the last look, and what was written since
    written: AtomicU64, // since the last look
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    damaged: AtomicU64,
    failed: AtomicU64,
}

/// What a cache was worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CacheCounts {
    /// Tiles that were there.
    pub hits: u64,
    /// Tiles that were not.
    pub misses: u64,
    /// Of them, files that were no such tile, and were removed.
    pub damaged: u64,
    /// Tiles that could not be written.
    pub failed: u64,
}

impl TileCache {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// That of the system.
    pub fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let cache = Self {
            folder: folder.to_owned(),
            bytes_max,
            bytes: AtomicU64::new(0),
            written: AtomicU64::new(0),
            counts: Counts::default(),
        };
        cache.make_room();
        Ok(cache)
    }

    /// What it was worth so far.
    pub fn counts(&self) -> CacheCounts {
        let Counts {
            hits,
            misses,
            damaged,
            failed,
        } = &self.counts;
        let [hits, misses, damaged, failed] =
            [hits, misses, damaged, failed].map(|count| count.load(Ordering::Relaxed));
        CacheCounts {
            hits,
            misses,
            damaged,
            failed,
        }
    }

    /// A planet's tile, if it is here and sound.
    pub fn read(&self, planet: &GroundInfo, cell: CellId) -> Option<HeightTile> {
        let path = self.folder_of(planet).join(file_name(cell));
        let tile = self.read_file(&path, cell, &planet.lattice);
        let count = match tile {
            Some(_) => &self.counts.hits,
            None => &self.counts.misses,
        };
        count.fetch_add(1, Ordering::Relaxed);
        tile
    }

    /// Keeps a planet's tile as it came; what cannot be written is not kept, and counted.
    pub fn write(&self, planet: &GroundInfo, cell: CellId, bytes: &[u8]) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = self.folder_of(planet);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let new = folder.join(format!("{:016x}.{process}-{number}.tmp", cell.to_u64()));
        let done = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(&new, bytes))
            .and_then(|()| fs::rename(&new, folder.join(file_name(cell))));
        if done.is_err() {
            let _ = fs::remove_file(&new); // it may not even have been made
            self.counts.failed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let count = bytes.len() as u64;
        let bytes = self.bytes.fetch_add(count, Ordering::Relaxed) + count;
        let written = self.written.fetch_add(count, Ordering::Relaxed) + count;
        if bytes > self.bytes_max || written > self.bytes_max / 16 {
            self.make_room();
        }
    }

    fn read_file(&self, path: &Path, cell: CellId, lattice: &LatticeSpec) -> Option<HeightTile> {
        let file = File::open(path).ok()?;
        let mut bytes = Vec::new();
        let bound = TILE_BYTES_MAX as u64 + 1;
        (&file).take(bound).read_to_end(&mut bytes).ok()?;
        match sound_tile(&bytes, cell, lattice) {
            Some(tile) => {
                // Read last now. Who may not say so has it removed sooner.
                let _ = file.set_modified(SystemTime::now());
                Some(tile)
            }
            None => {
                let _ = fs::remove_file(path); // somebody else may have done so
                self.counts.damaged.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Looks at all files, and removes those that were not read for longest if they are too many. Half-written ones go as any other.
    fn make_room(&self) {
        let mut files = self.files();
        let mut bytes: u64 = files.iter().map(|file| file.1).sum();
        if bytes > self.bytes_max {
            files.sort();
            for (_, count, path) in files {
                if bytes <= self.bytes_max / 8 * 7 {
                    break;
                }
                if fs::remove_file(path).is_ok() {
                    bytes -= count;
                }
            }
        }
        self.bytes.store(bytes, Ordering::Relaxed);
        self.written.store(0, Ordering::Relaxed);
    }

    /// When they were read last, their bytes, and what they are called. Files of others are not ours to touch.
    fn files(&self) -> Vec<(SystemTime, u64, PathBuf)> {
        let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
        let is_planet = |path: &PathBuf| {
            let name = path.file_name().map(std::ffi::OsStr::as_encoded_bytes);
            name.is_some_and(|name| name.len() == 33 && name[16] == b'-')
        };
        let planets = entries(&self.folder)
            .map(|entry| entry.path())
            .filter(is_planet);
        let files = planets.flat_map(|folder| entries(&folder));
        let is_ours = |path: &Path| path.extension().is_some_and(|e| e == "tile" || e == "tmp");
        let about = files.filter_map(|entry| {
            let data = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((data.modified().ok()?, data.len(), entry.path()))
        });
        about.filter(|file| is_ours(&file.2)).collect()
    }

    fn folder_of(&self, planet: &GroundInfo) -> PathBuf {
        let (lattice, planet) = (planet.lattice.fingerprint(), planet.planet);
        self.folder.join(format!("{lattice:016x}-{planet:016x}"))
    }
}

fn file_name(cell: CellId) -> String {
    format!("{:016x}.tile", cell.to_u64())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LATTICE: (u8, u16) = (8, 16);

    fn planet(number: u64) -> GroundInfo {
        GroundInfo {
            planet: number,
            lattice: LatticeSpec::new(LATTICE.0, LATTICE.1, 0.0, 1.0).unwrap(),
        }
    }

    fn cell(n: u32) -> CellId {
        CellId::from_face_ij(1, n << 23, 0, 7)
    }

    fn tile(n: u32) -> HeightTile {
        let samples = (0..17 * 17).map(|k| (k * (n as i32 + 3) % 500) as i16);
        HeightTile::new(cell(n), LATTICE.1, samples.collect()).unwrap()
    }

    fn path(folder: &Path, n: u32) -> PathBuf {
        let planet = planet(1);
        let folder = folder.join(format!("{:016x}-{:016x}", planet.lattice.fingerprint(), 1));
        folder.join(file_name(cell(n)))
    }

    #[test]
    fn what_was_written_is_there_for_every_process_and_only_for_its_planet() {
        let folder = tempfile::tempdir().unwrap();
        let cache = TileCache::open(folder.path(), 1 << 20).unwrap();
        let other = TileCache::open(folder.path(), 1 << 20).unwrap();
        assert_eq!(cache.read(&planet(1), cell(5)), None);
        cache.write(&planet(1), cell(5), &tile(5).encode_raw());
        assert_eq!(other.read(&planet(1), cell(5)), Some(tile(5)));
        assert_eq!(cache.read(&planet(2), cell(5)), None);
        assert_eq!(cache.read(&planet(1), cell(6)), None);
        // A tile under another's name is none.
        cache.write(&planet(1), cell(6), &tile(5).encode_raw());
        assert_eq!(cache.read(&planet(1), cell(6)), None);
        assert!(!path(folder.path(), 6).exists());
        let counts = cache.counts();
        assert_eq!((counts.misses, counts.damaged, counts.failed), (4, 1, 0));
    }

    #[test]
    fn whatever_happens_to_a_file_it_is_the_tile_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = TileCache::open(folder.path(), 1 << 20).unwrap();
        let (good, path) = (tile(9).encode_raw(), path(folder.path(), 9));
        cache.write(&planet(1), cell(9), &good);
        let damaged = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let read = cache.read(&planet(1), cell(9));
            assert_eq!(path.exists(), read.is_some());
            read
        };
        for count in (0..good.len()).step_by(7) {
            assert_eq!(damaged(&good[..count]), None, "cut at {count}");
        }
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(damaged(&bytes), None, "bit {bit}");
        }
        assert_eq!(damaged(&[&good[..], &[0]].concat()), None);
        assert_eq!(damaged(&vec![0; 1 << 20]), None);
        assert_eq!(damaged(&good), Some(tile(9)));
    }

    #[test]
    fn the_bound_is_kept_and_what_was_read_last_stays() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = tile(0).encode_raw().len() as u64;
        let cache = TileCache::open(folder.path(), 10 * bytes).unwrap();
        let age = |n: u32, seconds: u64| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds);
            File::open(path(folder.path(), n))
                .unwrap()
                .set_modified(time)
                .unwrap();
        };
        for n in 0..10 {
            cache.write(&planet(1), cell(n), &tile(n).encode_raw());
            age(n, u64::from(n));
        }
        // Read, though the oldest.
        assert!(cache.read(&planet(1), cell(0)).is_some());
        fs::write(folder.path().join("a stranger's.tile"), vec![0; 100_000]).unwrap();
        cache.write(&planet(1), cell(10), &tile(10).encode_raw());
        let total: u64 = cache.files().iter().map(|file| file.1).sum();
        assert!(total <= 10 * bytes * 7 / 8, "{total}");
        for n in [0, 9, 10] {
            assert!(cache.read(&planet(1), cell(n)).is_some(), "{n}");
        }
        assert_eq!(cache.read(&planet(1), cell(1)), None);
        assert!(folder.path().join("a stranger's.tile").exists());
    }

    /// What a crash leaves is nobody's tile, and goes in time.
    #[test]
    fn half_written_files_are_never_read_and_count() {
        let folder = tempfile::tempdir().unwrap();
        let cache = TileCache::open(folder.path(), 1 << 20).unwrap();
        cache.write(&planet(1), cell(1), &tile(1).encode_raw());
        let half = path(folder.path(), 2).with_extension("4711-0.tmp");
        fs::write(&half, &tile(2).encode_raw()[..50]).unwrap();
        assert_eq!(cache.read(&planet(1), cell(2)), None);
        assert_eq!(cache.files().len(), 2);
        let full = TileCache::open(folder.path(), 10).unwrap();
        assert_eq!((full.files().len(), half.exists()), (0, false));
    }

    #[test]
    fn processes_that_write_and_read_the_same_tiles_agree() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = tile(0).encode_raw().len() as u64;
        std::thread::scope(|scope| {
            for seed in 0..4u32 {
                let cache = TileCache::open(folder.path(), 12 * bytes).unwrap();
                scope.spawn(move || {
                    for k in 0..400u32 {
                        let n = (k * 7 + seed * 13) % 30;
                        match cache.read(&planet(1), cell(n)) {
                            Some(read) => assert_eq!(read, tile(n)),
                            None => cache.write(&planet(1), cell(n), &tile(n).encode_raw()),
                        }
                    }
                    assert_eq!(cache.counts().damaged, 0);
                });
            }
        });
    }
}
