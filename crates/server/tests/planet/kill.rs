//! An import that is killed leaves the old planet or the whole new one.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use spatial_core::{RocksStore, TileStore};

use super::{Random, fail, import, read_all, small_relief, succeed};

const KILLS: u32 = 20;
const SAMPLES: &str = "256";
const TILES: usize = 6 * (1 + 4);

#[test]
fn a_killed_import_leaves_the_old_planet_or_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let planet = dir.path().join("planet");
    let length = time_of_an_import(&relief, &dir.path().join("timing"));

    // Into an empty folder: then there is no planet, or the whole first one.
    let mut now = None;
    let mut random = Random::new(5);
    let mut counts = [0, 0];
    for n in 0..KILLS {
        let name = format!("import {n}");
        let share = (f64::from(n) + 0.5 + 0.4 * random.unit()) / f64::from(KILLS);
        kill_after(start(&relief, &planet, &name), length.mul_f64(1.1 * share));
        let found = sources(&planet);
        assert!(
            found == now || found.as_ref() == Some(&name),
            "{found:?} after {now:?}, {name}"
        );
        counts[usize::from(found != now)] += 1;
        now = found;
    }
    println!(
        "an import takes {length:?}; of {KILLS} killed, {} left the old planet, {} the new",
        counts[0], counts[1]
    );
    assert!(counts[0] > 0, "no kill was early enough to prove anything");

    let status = start(&relief, &planet, "the last").wait().unwrap();
    assert!(status.success());
    assert_eq!(sources(&planet).as_deref(), Some("the last"));
    let names: Vec<_> = std::fs::read_dir(&planet)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        names.len() <= 4,
        "CURRENT, LOCK, the base and the one before it: {names:?}"
    );
    succeed(&["verify", &planet.display().to_string()]);
}

#[test]
fn two_imports_into_one_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let planet = dir.path().join("planet");
    import(&relief, 128, &planet);
    let lock = std::fs::File::open(planet.join("LOCK")).unwrap();
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

fn start(relief: &Path, out: &Path, sources: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bluemarble"))
        .args([
            "planet",
            "import",
            "--samples",
            SAMPLES,
            "--sources",
            sources,
            "--relief",
        ])
        .arg(relief)
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn time_of_an_import(relief: &Path, out: &Path) -> Duration {
    let start_of = Instant::now();
    assert!(start(relief, out, "timing").wait().unwrap().success());
    start_of.elapsed()
}

/// Kills the child (SIGKILL) once it has run for a time, unless it ends before.
fn kill_after(mut child: Child, time: Duration) {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(500));
    }
    child.kill().unwrap();
    child.wait().unwrap();
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
