//! What is killed leaves the old planet, backup or pack, or the whole new one; `planet verify` accepts what is there.
//!
//! `BLUEMARBLE_KILLS` is how many imports, and how many backups and packs, are killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use spatial_core::{RocksStore, TileStore};

use super::{Random, fail, import, read_all, small_relief, succeed};

/// Kills of each kind.
fn kills() -> u32 {
    let asked = std::env::var("BLUEMARBLE_KILLS").ok();
    asked.map_or(12, |n| n.parse().expect("BLUEMARBLE_KILLS is a number"))
}

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
    for n in 0..kills() {
        let name = format!("import {n}");
        let share = (f64::from(n) + 0.5 + 0.4 * random.unit()) / f64::from(kills());
        kill_after(start(&relief, &planet, &name), length.mul_f64(1.1 * share));
        let found = sources(&planet);
        assert!(
            found == now || found.as_ref() == Some(&name),
            "{found:?} after {now:?}, {name}"
        );
        counts[usize::from(found != now)] += 1;
        if found != now {
            succeed(&["verify", &planet.display().to_string()]);
        }
        now = found;
    }
    println!(
        "an import takes {length:?}; of {} killed, {} left the old planet, {} the new",
        kills(),
        counts[0],
        counts[1]
    );
    assert!(counts[0] > 0, "no kill was early enough to prove anything");

    let status = start(&relief, &planet, "the last").wait().unwrap();
    assert!(status.success());
    assert_eq!(sources(&planet).as_deref(), Some("the last"));
    let names = names(&planet);
    assert!(
        names.len() <= 4,
        "CURRENT, LOCK, the base and the one before it: {names:?}"
    );
    succeed(&["verify", &planet.display().to_string()]);
}

/// The same sources again after a kill: parts that are whole are kept, and what comes of it is the same planet.
#[test]
fn a_killed_import_goes_on_with_its_whole_parts() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let (planet, whole) = (dir.path().join("planet"), dir.path().join("whole"));
    assert!(start(&relief, &whole, "resumed").wait().unwrap().success());
    let mut child = start(&relief, &planet, "resumed");
    // Until its first part is whole, or it has ended.
    let is_part = |name: &str| name.starts_with("building-");
    let first = || names(&planet).into_iter().find(|name| is_part(name));
    while child.try_wait().unwrap().is_none() {
        let part = first().map(|building| planet.join(building).join("00000.table"));
        if part.is_some_and(|part| part.exists()) {
            break;
        }
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let was_killed = !planet.join("CURRENT").exists() && first().is_some();
    let report = Command::new(env!("CARGO_BIN_EXE_bluemarble"))
        .args(["planet", "import", "--json", "--samples", SAMPLES])
        .args(["--sources", "resumed", "--relief"])
        .arg(&relief)
        .arg("--out")
        .arg(&planet)
        .output()
        .unwrap();
    assert!(report.status.success());
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    println!(
        "killed in time: {was_killed}; kept {} tiles",
        report["tiles_kept"]
    );
    if was_killed {
        assert_eq!(report["tiles_kept"], TILES);
    }
    assert_eq!(read_all(&planet).unwrap(), read_all(&whole).unwrap());
    assert!(first().is_none(), "{:?}", names(&planet));
    // Other sources have nothing to do with those parts.
    succeed(&["verify", &planet.display().to_string()]);
}

#[test]
fn killed_backups_and_packs_leave_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let relief = small_relief(dir.path());
    let path = |name: &str| dir.path().join(name).display().to_string();
    let mut random = Random::new(8);
    import(&relief, 256, &dir.path().join("planet"));
    let want = read_all(&dir.path().join("planet")).unwrap();
    for command in ["backup", "pack"] {
        let out = path(command);
        let child = || {
            Command::new(env!("CARGO_BIN_EXE_bluemarble"))
                .args(["planet", command, &path("planet"), "--out", &out])
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let start_of = Instant::now();
        assert!(child().wait().unwrap().success());
        let length = start_of.elapsed();
        let mut left = 0;
        for n in 0..kills() {
            if n % 8 == 0 {
                let _ = std::fs::remove_dir_all(&out);
                let _ = std::fs::remove_file(&out);
            }
            let share = (f64::from(n % 8) + 0.5 + 0.4 * random.unit()) / 8.0;
            kill_after(child(), length.mul_f64(1.1 * share));
            let there = Path::new(&out).join("CURRENT");
            if Path::new(&out).is_file() || there.exists() {
                succeed(&["verify", &out]);
                left += 1;
            }
        }
        println!(
            "{command} takes {length:?}; of {} killed, {left} left a whole one",
            kills()
        );
        assert!(child().wait().unwrap().success());
        succeed(&["verify", &out]);
    }
    assert_eq!(read_all(Path::new(&path("backup"))).unwrap(), want);
    assert!(names(&dir.path().join("backup")).len() <= 4);
    let left = names(dir.path());
    let temporary: Vec<_> = left.iter().filter(|name| name.contains(".tmp-")).collect();
    assert!(
        temporary.len() <= 1,
        "what killed packs left is removed by the next: {temporary:?}"
    );
    // What is backed up is restored, under a planet that is there as well.
    succeed(&["restore", &path("backup"), "--out", &path("restored")]);
    succeed(&["restore", &path("backup"), "--out", &path("planet")]);
    for planet in ["restored", "planet"] {
        assert_eq!(read_all(&dir.path().join(planet)).unwrap(), want);
    }
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

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let name = |e: std::io::Result<std::fs::DirEntry>| e.unwrap().file_name();
    entries
        .map(|e| name(e).to_string_lossy().into_owned())
        .collect()
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
