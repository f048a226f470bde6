//! A damaged planet is one clear error that names the file: no panic, no wrong height.

use std::fs;
use std::path::{Path, PathBuf};

use spatial_core::{CellId, HeightTile, LatticeSpec, Manifest, PackWriter, RocksStore, TileStore};

use super::{Random, bluemarble, fail, import, read_all, small_relief, succeed};

/// A small planet, and copies of it to damage.
struct Planet {
    dir: tempfile::TempDir,
    whole: PathBuf,
}

impl Planet {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let whole = dir.path().join("whole");
        import(&small_relief(dir.path()), 128, &whole);
        Self { dir, whole }
    }

    fn copy(&self) -> PathBuf {
        let copy = self.dir.path().join("copy");
        let _ = fs::remove_dir_all(&copy);
        for file in self.files() {
            let to = copy.join(&file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(self.whole.join(&file), to).unwrap();
        }
        copy
    }

    /// All files, relative to the planet.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut dirs = vec![self.whole.clone()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    dirs.push(path);
                } else {
                    files.push(path.strip_prefix(&self.whole).unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }

    fn find(&self, end: &str) -> PathBuf {
        let found = self
            .files()
            .into_iter()
            .find(|f| f.to_string_lossy().ends_with(end));
        found.unwrap_or_else(|| panic!("no {end}"))
    }
}

/// Flips, cuts and removals in every file of a planet's folder: refused by name, or nothing changes.
#[test]
fn damage_anywhere_in_the_folder_is_found_or_harmless() {
    let planet = Planet::new();
    let want = read_all(&planet.whole).unwrap();
    let mut random = Random::new(6);
    let (mut refused, mut harmless) = (0, 0);
    let mut check = |copy: &Path, what: String| match read_all(copy) {
        Ok(tiles) => {
            assert_eq!(tiles, want, "{what}");
            harmless += 1;
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.contains(&copy.display().to_string()), "{what}: {text}");
            refused += 1;
        }
    };
    for file in planet.files() {
        let bytes = fs::read(planet.whole.join(&file)).unwrap();
        for n in 0..if bytes.len() > 100_000 { 60 } else { 12 } {
            if bytes.is_empty() {
                continue;
            }
            let mut bad = bytes.clone();
            // The ends hold what is most delicate: names, footers, indices.
            let at = match n % 4 {
                0 => random.below(bytes.len().min(64) as u64) as usize,
                1 => bytes.len() - 1 - random.below(bytes.len().min(2_000) as u64) as usize,
                _ => random.below(bytes.len() as u64) as usize,
            };
            let copy = planet.copy();
            bad[at] ^= 1 << random.below(8);
            fs::write(copy.join(&file), &bad).unwrap();
            check(&copy, format!("{} byte {at}", file.display()));
            if n % 3 == 0 {
                fs::write(copy.join(&file), &bytes[..at]).unwrap();
                check(&copy, format!("{} cut at {at}", file.display()));
            }
        }
        let copy = planet.copy();
        fs::remove_file(copy.join(&file)).unwrap();
        check(&copy, format!("{} removed", file.display()));
    }
    println!("{refused} damages refused, {harmless} harmless");
    assert!(refused > 50);
}

/// A flipped sample in the database: the planet opens, and that tile alone is refused, at its first read.
#[test]
fn one_damaged_tile_leaves_the_others_readable() {
    let planet = Planet::new();
    let copy = planet.copy();
    let table = copy.join(planet.find(".sst"));
    let mut bytes = fs::read(&table).unwrap();
    let tile = bytes.windows(4).position(|w| w == b"BMTL").unwrap();
    bytes[tile + 1_000] ^= 0x10;
    fs::write(&table, bytes).unwrap();
    let store = RocksStore::open(&copy).unwrap();
    let results: Vec<bool> = store
        .cells()
        .iter()
        .map(|c| store.tile(*c).is_ok())
        .collect();
    assert_eq!(results, [false, true, true, true, true, true]);
    let error = fail_verify(&copy);
    assert!(
        error.contains("checksum") && error.contains(&store.cells()[0].token()),
        "{error}"
    );
}

fn fail_verify(planet: &Path) -> String {
    let output = bluemarble(&["verify", &planet.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn commands_name_what_is_wrong() {
    let planet = Planet::new();
    let (dir, whole) = (planet.dir.path(), planet.whole.display().to_string());
    let path = |name: &str| dir.join(name).display().to_string();

    let copy = planet.copy();
    let manifest = copy.join(planet.find("manifest.json"));
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("6371008.8", "6371008.9")).unwrap();
    let error = fail(1, &["info", &copy.display().to_string()]);
    assert!(
        error.contains("manifest.json") && error.contains("checksum"),
        "{error}"
    );

    fs::write(copy.join("CURRENT"), "../../etc\n").unwrap();
    let error = fail(1, &["info", &copy.display().to_string()]);
    assert!(error.contains("CURRENT"), "{error}");

    succeed(&["pack", &whole, "--out", &path("a.pack")]);
    let mut pack = fs::read(path("a.pack")).unwrap();
    let last = pack.len() - 1;
    pack[last] ^= 1;
    fs::write(path("b.pack"), &pack).unwrap();
    let output = bluemarble(&["verify", &path("b.pack")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("b.pack: tile "));
    fs::write(path("c.pack"), &pack[..last]).unwrap();
    assert!(fail(1, &["info", &path("c.pack")]).contains("c.pack: the file is not as long"));
    assert!(fail(1, &["info", &path("small.raw")]).contains("magic"));
    assert!(fail(1, &["info", &path("none.pack")]).contains("no such planet"));
    assert!(fail(1, &["info", &dir.display().to_string()]).contains("CURRENT"));
}

#[test]
fn a_pack_that_claims_more_tiles_than_fit_memory_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vast.pack");
    let lattice = LatticeSpec::new(18, 16, 0.0, 1.0).unwrap();
    let manifest =
        Manifest::new(spatial_core::Planet::EARTH, lattice, "none", "none").with_tiles(6);
    let mut pack = PackWriter::new(fs::File::create(&path).unwrap(), &manifest).unwrap();
    for face in 0..6 {
        let cell = CellId::from_face_ij(face, 0, 0, 0);
        let tile = HeightTile::new(cell, 16, vec![0; 17 * 17]).unwrap();
        pack.push(cell, &tile.encode_raw()).unwrap();
    }
    pack.finish().unwrap();
    assert!(fail_verify(&path).contains("6 tiles instead of 137438953470"));
}

/// Sound tiles that say too little of how far they are from their parents' ground.
#[test]
fn a_wrong_geometric_error_is_found() {
    let planet = Planet::new();
    import(&small_relief(planet.dir.path()), 256, &planet.whole);
    let whole = RocksStore::open(&planet.whole).unwrap();
    let deepest = *whole.cells().iter().find(|c| c.level() == 1).unwrap();
    let path = planet.dir.path().join("flat.pack");
    let mut pack = PackWriter::new(fs::File::create(&path).unwrap(), whole.manifest()).unwrap();
    for cell in whole.cells() {
        let tile = HeightTile::clone(&whole.load(*cell).unwrap());
        let tile = match *cell == deepest {
            true => tile.with_geometric_error(1),
            false => tile,
        };
        pack.push(*cell, &tile.encode_raw()).unwrap();
    }
    pack.finish().unwrap();
    let error = fail_verify(&path);
    let named = format!("tile {deepest}: says that its geometric error is 1 quanta");
    assert!(
        error.contains(&named) && !error.contains("more problems"),
        "{error}"
    );
}
