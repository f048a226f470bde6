//! Damaged packs and bases: an error, or the very heights of the sound one; never a panic, never another height.
//!
//! `BLUEMARBLE_CORRUPTIONS` is how many of each kind of store are tried; of bases fewer without it, as each is opened by RocksDB.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use spatial_core::{HeightTile, PackStore, StoreError, TileStore};

use super::sparse::{Random, archive, pack_of, planet, raw};

fn count(without: u64) -> u64 {
    let asked = std::env::var("BLUEMARBLE_CORRUPTIONS").ok();
    asked.map_or(without, |n| {
        n.parse().expect("BLUEMARBLE_CORRUPTIONS is a number")
    })
}

/// One damage of a file; what it was.
fn corrupt(bytes: &mut Vec<u8>, random: &mut Random) -> String {
    let mut below = |end: usize| random.below(end.max(1) as u64) as usize;
    // The head holds what is most delicate.
    let mut place = |length: usize| match below(3) {
        0 => below(length.min(4_000)),
        1 => length - 1 - below(length.min(3_000)),
        _ => below(length),
    };
    let length = bytes.len();
    let (a, b) = (place(length), place(length));
    match below(8) {
        0 => {
            bytes.truncate(a);
            format!("cut at {a}")
        }
        1 => {
            let size = 1 + below(length - a.max(b)).min(300);
            for k in 0..size {
                bytes.swap(a + k, b + k);
            }
            format!("{size} bytes swapped at {a} and {b}")
        }
        2 => {
            let end = length.min(a + 1 + below(4_096));
            bytes[a..end].fill(below(2) as u8 * 0xff);
            format!("filled {a}..{end}")
        }
        3 => {
            let more = 1 + below(99);
            bytes.extend((0..more).map(|k| k as u8));
            format!("{more} bytes more")
        }
        flips => {
            for at in [a, b].into_iter().take(flips % 2 + 1) {
                bytes[at] ^= 1 << below(8);
            }
            format!("{} bits flipped at {a} {b}", flips % 2 + 1)
        }
    }
}

/// Every tile and a height of each, as far as they can be read; the first error.
fn read_all(store: &dyn TileStore) -> (Vec<Option<Arc<HeightTile>>>, Option<StoreError>) {
    let (mut tiles, mut first) = (Vec::new(), None);
    for slot in 0..store.cells().len() {
        let tile = store.load_at(slot);
        if let Ok(tile) = &tile {
            let (spec, face) = (store.manifest().lattice(), tile.cell().face());
            let stored = store.tile_at(slot).unwrap().height_m(spec, face, 0.4, 0.7);
            assert_eq!(stored.unwrap(), tile.height_m(spec, face, 0.4, 0.7));
        }
        tiles.push(tile.map_err(|e| first.get_or_insert(e).to_string()).ok());
    }
    (tiles, first)
}

/// What is read of a damaged store is the sound one's; whether it was refused, whole or in part.
fn check(damaged: Result<impl TileStore, StoreError>, sound: &dyn TileStore, what: &str) -> bool {
    let Ok(store) = damaged else { return true };
    assert_eq!(store.manifest(), sound.manifest(), "{what}");
    assert_eq!(store.cells(), sound.cells(), "{what}");
    let (tiles, error) = read_all(&store);
    for (slot, tile) in tiles.iter().enumerate() {
        let want = sound.load_at(slot).unwrap();
        assert!(
            tile.is_none() || tile.as_ref() == Some(&want),
            "{what}: a wrong tile"
        );
        let number = |s: &dyn TileStore| s.nodes().find(want.cell()).unwrap();
        let (a, b) = (number(&store), number(sound));
        let (a, b) = (store.nodes().node(a), sound.nodes().node(b));
        assert_eq!((a.min(), a.max()), (b.min(), b.max()), "{what}");
    }
    error.is_some()
}

#[test]
fn of_packs_nothing_wrong_is_read() {
    println!("seed 11");
    let mut random = Random(11);
    let memory = planet(&mut random);
    let packs = [
        pack_of(&memory, |cell| raw(&memory, cell)),
        pack_of(&memory, |cell| archive(&memory, cell)),
    ];
    let sound = packs
        .each_ref()
        .map(|p| PackStore::from_bytes(p.clone(), "sound").unwrap());
    let (count, mut refused) = (count(300), 0);
    for n in 0..count {
        let kind = n as usize % 2;
        let mut bad = packs[kind].clone();
        let what = corrupt(&mut bad, &mut random);
        let is_changed = bad != packs[kind];
        let what = format!("{n}: {what}");
        let is_refused = check(PackStore::from_bytes(bad, "bad"), &sound[kind], &what);
        assert_eq!(is_refused, is_changed, "{what}");
        refused += u64::from(is_refused);
    }
    println!(
        "{refused} of {} damaged packs refused, the others were not changed",
        count
    );
    assert!(2 * refused > count);
}

#[cfg(feature = "rocksdb")]
mod bases {
    use std::fs;
    use std::path::{Path, PathBuf};

    use spatial_core::{LatticeSpec, Manifest, Planet, RocksStore, TileStore};

    use super::super::rocks::write_tiles;
    use super::super::sparse::{Random, planet, raw};
    use super::{check, corrupt, count};

    /// All files below a folder.
    fn files(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else {
                found.push(path);
            }
        }
    }

    /// Flips, cuts, swaps within a file; files removed, files of another base of the same cells in their place.
    #[test]
    fn of_bases_nothing_wrong_is_read() {
        println!("seed 12");
        let mut random = Random(12);
        let memory = planet(&mut random);
        let dirs = [0, 1].map(|_| tempfile::tempdir().unwrap());
        let tiles: Vec<_> = memory
            .cells()
            .iter()
            .map(|c| (*c, raw(&memory, *c)))
            .collect();
        write_tiles(dirs[0].path(), memory.manifest(), &tiles, 100);
        let strange: Vec<_> = memory
            .cells()
            .iter()
            .map(|c| (*c, super::super::rocks::tile(*c)))
            .collect();
        let lattice: LatticeSpec = *memory.manifest().lattice();
        let other = Manifest::new(Planet::EARTH, lattice, "another", "none")
            .with_tiles(memory.manifest().tiles())
            .with_missing(memory.manifest().missing());
        write_tiles(dirs[1].path(), &other, &strange, 100);
        let mut names = Vec::new();
        files(dirs[0].path(), &mut names);
        names.sort();
        let sound = memory;
        assert!(!check(
            RocksStore::open(dirs[0].path()),
            &sound,
            "untouched"
        ));
        let (count, mut refused) = (count(100), 0);
        for n in 0..count {
            let file = &names[random.below(names.len() as u64) as usize];
            let name = file.strip_prefix(dirs[0].path()).unwrap();
            let before = fs::read(file).unwrap();
            let (mut bad, twin) = (before.clone(), fs::read(dirs[1].path().join(name)));
            let what = match (random.below(20), twin) {
                (0, _) => {
                    fs::remove_file(file).unwrap();
                    "removed".to_owned()
                }
                (1 | 2, Ok(twin)) => {
                    fs::write(file, twin).unwrap();
                    "the other base's".to_owned()
                }
                _ if before.is_empty() => continue,
                _ => {
                    let what = corrupt(&mut bad, &mut random);
                    fs::write(file, &bad).unwrap();
                    what
                }
            };
            let what = format!("{n}: {}: {what}", name.display());
            refused += u64::from(check(RocksStore::open(dirs[0].path()), &sound, &what));
            fs::write(file, &before).unwrap();
        }
        println!(
            "{refused} of {} damaged bases refused, the others read as before",
            count
        );
        assert!(3 * refused > count);
        assert!(!check(RocksStore::open(dirs[0].path()), &sound, "restored"));
    }
}
