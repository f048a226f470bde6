//! Damaged packs and bases: an error, or the very answers of the sound one; never a panic, never another height. Of packs with
//! tiles of every codec, of bases with both that they may hold.
//!
//! `BLUEMARBLE_CORRUPTIONS` is how many of each kind of store are tried; of bases fewer without it, as each is opened by RocksDB.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use spatial_core::{
    Codec, DVec3, Ecef, HeightTile, PackStore, Ray, RayHit, Sight, StoreError, Terrain, TileStore,
};

use super::sparse::{Random, archive, encoded, pack_of, planet};

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

/// Questions about the ground, and what the sound planet answers.
struct Oracle {
    sound: Arc<dyn TileStore>,
    places: Vec<Ecef>,
    heights_m: Vec<f64>,
    rays: Vec<(Ray, Option<RayHit>)>,
    sights: Vec<(Ecef, Ecef, Sight)>,
}

impl Oracle {
    fn new(sound: Arc<dyn TileStore>, random: &mut Random) -> Self {
        let terrain = Terrain::new(sound.clone());
        let mut place = |k: u32, above_m: f64| {
            let place = random.direction(k).normalize() * (6_371_008.8 + above_m);
            Ecef::new(place.x, place.y, place.z).unwrap()
        };
        let places: Vec<Ecef> = (0..40).map(|k| place(k, 0.0)).collect();
        let heights_m = places.iter().map(|p| terrain.height(*p).unwrap());
        let rays = (0..12).map(|k| {
            // Every third straight down, the others slanting to a place within 30 degrees.
            let (from, aside) = (place(k, 30_000.0), place(k + 5, 0.0).to_vec());
            let to = if k % 3 == 0 {
                DVec3::ZERO
            } else {
                from.to_vec() * 0.9 + aside * 0.05
            };
            let ray = Ray {
                from,
                direction: to - from.to_vec(),
                reach_m: f64::INFINITY,
            };
            (ray, terrain.raycast(&ray).unwrap())
        });
        let rays: Vec<_> = rays.collect();
        assert!(rays.iter().filter(|(_, hit)| hit.is_some()).count() > 6);
        let sights = (0..6).map(|k| {
            let (from, far) = (place(k, 9_000.0), place(k + 9, 0.0).to_vec());
            let to = (from.to_vec() + far * 0.03).normalize() * 6_380_000.0;
            let to = Ecef::new(to.x, to.y, to.z).unwrap();
            (from, to, terrain.sight(from, to, 0.13).unwrap())
        });
        Self {
            sights: sights.collect(),
            heights_m: heights_m.collect(),
            places,
            rays,
            sound,
        }
    }

    /// What is read of a damaged store is the sound one's; whether it was refused, whole or in part.
    fn check(&self, damaged: Result<impl TileStore + 'static, StoreError>, what: &str) -> bool {
        let Ok(store) = damaged else { return true };
        let store: Arc<dyn TileStore> = Arc::new(store);
        assert_eq!(store.manifest(), self.sound.manifest(), "{what}");
        assert_eq!(store.cells(), self.sound.cells(), "{what}");
        // First, so that it is by questions that tiles are met.
        let is_refused = self.ask(&Terrain::new(store.clone()), what);
        let (tiles, error) = read_all(&*store);
        assert!(
            !is_refused || error.is_some(),
            "{what}: refused a sound tile"
        );
        for (slot, tile) in tiles.iter().enumerate() {
            let want = self.sound.load_at(slot).unwrap();
            assert!(
                tile.is_none() || tile.as_ref() == Some(&want),
                "{what}: a wrong tile"
            );
            let number = |s: &dyn TileStore| s.nodes().find(want.cell()).unwrap();
            let (a, b) = (number(&*store), number(&*self.sound));
            let (a, b) = (store.nodes().node(a), self.sound.nodes().node(b));
            assert_eq!((a.min(), a.max()), (b.min(), b.max()), "{what}");
        }
        error.is_some()
    }

    /// Every answer is the sound planet's, bit for bit; whether one was refused.
    fn ask(&self, terrain: &Terrain, what: &str) -> bool {
        let mut is_refused = false;
        let mut batch = vec![f64::NAN; self.places.len()];
        let whole = terrain.heights(&self.places, &mut batch);
        let answered = whole.map_or_else(|e| e.index, |()| self.places.len());
        for (k, (place, want)) in self.places.iter().zip(&self.heights_m).enumerate() {
            match terrain.height(*place) {
                Ok(got) => assert_eq!(got.to_bits(), want.to_bits(), "{what}: a wrong height"),
                Err(_) => is_refused = true,
            }
            let of_batch = batch[k].to_bits();
            assert!(
                k >= answered || of_batch == want.to_bits(),
                "{what}: a wrong height of many"
            );
        }
        for (ray, want) in &self.rays {
            match terrain.raycast(ray) {
                Ok(got) => assert_eq!(got, *want, "{what}: a wrong hit"),
                Err(_) => is_refused = true,
            }
        }
        for (from, to, want) in &self.sights {
            match terrain.sight(*from, *to, 0.13) {
                Ok(got) => assert_eq!(got, *want, "{what}: wrong sight"),
                Err(_) => is_refused = true,
            }
        }
        is_refused || answered < self.places.len()
    }
}

#[test]
fn of_packs_nothing_wrong_is_read() {
    println!("seed 11");
    let mut random = Random(11);
    let memory = Arc::new(planet(&mut random));
    let packs = [
        pack_of(&*memory, |cell| encoded(&*memory, cell, Codec::Raw)),
        pack_of(&*memory, |cell| encoded(&*memory, cell, Codec::Hot)),
        pack_of(&*memory, |cell| encoded(&*memory, cell, Codec::Wire)),
        pack_of(&*memory, |cell| archive(&*memory, cell)),
    ];
    let oracle = Oracle::new(memory, &mut random);
    let (count, mut refused) = (count(400), 0);
    for n in 0..count {
        let sound = &packs[n as usize % packs.len()];
        let mut bad = sound.clone();
        let what = corrupt(&mut bad, &mut random);
        let is_changed = bad != *sound;
        let what = format!("{n}: {what}");
        let is_refused = oracle.check(PackStore::from_bytes(bad, "bad"), &what);
        assert_eq!(is_refused, is_changed, "{what}");
        refused += u64::from(is_refused);
    }
    println!("{refused} of {count} damaged packs refused, the others were not changed");
    assert!(2 * refused > count);
}

#[cfg(feature = "rocksdb")]
mod bases {
    use std::fs;
    use std::path::{Path, PathBuf};

    use std::sync::Arc;

    use spatial_core::{Codec, LatticeSpec, Manifest, Planet, RocksStore, TileStore};

    use super::super::rocks::write_tiles;
    use super::super::sparse::{Random, encoded, planet};
    use super::{Oracle, corrupt, count};

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
        let memory = Arc::new(planet(&mut random));
        let [raw, hot, other] = [(); 3].map(|()| tempfile::tempdir().unwrap());
        for (dir, codec) in [(&raw, Codec::Raw), (&hot, Codec::Hot)] {
            let tiles = memory.cells().iter();
            let tiles: Vec<_> = tiles.map(|c| (*c, encoded(&*memory, *c, codec))).collect();
            write_tiles(dir.path(), memory.manifest(), &tiles, 100);
        }
        let strange: Vec<_> = memory
            .cells()
            .iter()
            .map(|c| (*c, super::super::rocks::tile(*c)))
            .collect();
        let lattice: LatticeSpec = *memory.manifest().lattice();
        let manifest = Manifest::new(Planet::EARTH, lattice, "another", "none")
            .with_tiles(memory.manifest().tiles())
            .with_missing(memory.manifest().missing());
        write_tiles(other.path(), &manifest, &strange, 100);
        let oracle = Oracle::new(memory, &mut random);
        let dirs = [raw.path(), hot.path()];
        let names = dirs.map(|dir| {
            let mut names = Vec::new();
            files(dir, &mut names);
            names.sort();
            names
        });
        let check = |dir: &Path, what: &str| oracle.check(RocksStore::open(dir), what);
        dirs.iter()
            .for_each(|dir| assert!(!check(dir, "untouched")));
        let (count, mut refused) = (count(100), 0);
        for n in 0..count {
            let (dir, names) = (dirs[n as usize % 2], &names[n as usize % 2]);
            let file = &names[random.below(names.len() as u64) as usize];
            let before = fs::read(file).unwrap();
            let name = file.strip_prefix(dir).unwrap();
            let what = match (random.below(20), fs::read(other.path().join(name))) {
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
                    let mut bad = before.clone();
                    let what = corrupt(&mut bad, &mut random);
                    fs::write(file, &bad).unwrap();
                    what
                }
            };
            let what = format!("{n}: {}: {what}", name.display());
            refused += u64::from(check(dir, &what));
            fs::write(file, &before).unwrap();
        }
        println!("{refused} of {count} damaged bases refused, the others read as before");
        assert!(3 * refused > count);
        dirs.iter().for_each(|dir| assert!(!check(dir, "restored")));
    }
}
