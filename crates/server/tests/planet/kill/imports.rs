//! Imports.

use std::fs;
use std::path::Path;

use spatial_core::{RocksStore, TileStore};

use super::super::{Random, fail, import, read_all, small_relief, succeed};
use super::{Victim, building, kill_behind_parts, names, words};

const SAMPLES: &str = "256";
const TILES: usize = 6 * (1 + 4);

/// An import in six parts, of a face each.
fn args(relief: &Path, out: &Path, sources: &str) -> Vec<String> {
    let (relief, out) = (relief.display().to_string(), out.display().to_string());
    words(&[
        "import",
        "--json",
        "--samples",
        SAMPLES,
        "--part-tiles",
        "5",
        "--sources",
        sources,
        "--relief",
        &relief,
        "--out",
        &out,
    ])
}

#[test]
fn a_killed_import_leaves_the_old_planet_or_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let planet = dir.path().join("planet");
    let folder = planet.display().to_string();
    // Every second sweep begins in an empty folder: then there is no planet, or the whole first one.
    let sweeps = std::cell::Cell::new(0);
    let now = std::cell::RefCell::new(None);
    let reset = || {
        sweeps.set(sweeps.get() + 1);
        if sweeps.get() % 2 == 0 {
            fs::remove_dir_all(&planet).unwrap();
            now.replace(None);
        }
    };
    let name = |n: u32| format!("import {n}");
    Victim {
        name: "import",
        args: &|n| args(&relief, &planet, &name(n)),
        reset: &reset,
    }
    .kill(&mut Random::new(5), |n| {
        let found = sources(&planet);
        let before = now.replace(found.clone());
        let is_new = found == Some(name(n));
        assert!(
            found == before || is_new,
            "{found:?} after {before:?}, import {n}"
        );
        if found.is_some() {
            succeed(&["verify", &folder]);
        }
        is_new
    });
    let names = names(&planet);
    assert!(
        names.len() <= 4,
        "CURRENT, LOCK, the base and the one before it: {names:?}"
    );
    succeed(&["verify", &folder]);
}

/// The same sources again after a kill: parts that are whole are kept, and what comes of it is the same planet. Other sources have
/// nothing to do with those parts.
#[test]
fn a_killed_import_goes_on_with_its_whole_parts() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let (planet, whole) = (dir.path().join("planet"), dir.path().join("whole"));
    import(&relief, 256, &whole);
    let report = |args: &[String]| -> serde_json::Value {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        serde_json::from_str(&succeed(&args)).unwrap()
    };
    let clear = || drop(fs::remove_dir_all(&planet));
    for (sources, is_same) in [("resumed", true), ("others", false)] {
        let killed = args(&relief, &planet, "resumed");
        let kept = kill_behind_parts(&planet, 2, &killed, clear);
        assert!(
            (10..TILES).contains(&kept.len()) && kept.len() % 5 == 0,
            "{}",
            kept.len()
        );
        let report = report(&args(&relief, &planet, sources));
        assert_eq!(report["tiles_kept"], if is_same { kept.len() } else { 0 });
        assert_eq!(read_all(&planet).unwrap(), read_all(&whole).unwrap());
        assert_eq!(building(&planet), None);
        succeed(&["verify", &planet.display().to_string()]);
    }
}

#[test]
fn two_imports_into_one_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let planet = dir.path().join("planet");
    import(&relief, 128, &planet);
    let lock = fs::File::open(planet.join("LOCK")).unwrap();
    lock.lock().unwrap();
    let (relief, out) = (relief.display().to_string(), planet.display().to_string());
    let again = [
        "import",
        "--relief",
        &relief,
        "--samples",
        "128",
        "--out",
        &out,
    ];
    let error = fail(1, &again);
    assert!(
        error.contains("LOCK") && error.contains("another import"),
        "{error}"
    );
    drop(lock);
    succeed(&again);
}

/// What the planet's manifest says of its sources, if there is a planet; then it must be whole.
fn sources(planet: &Path) -> Option<String> {
    if !planet.join("CURRENT").exists() {
        return None;
    }
    assert_eq!(read_all(planet).unwrap().len(), TILES);
    let store = RocksStore::open(planet).unwrap();
    Some(store.manifest().sources().to_owned())
}
