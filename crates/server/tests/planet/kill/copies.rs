//! Backups, packs and restores.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use spatial_core::{FollowedPlanet, HeightTile, TileStore};

use super::super::{Random, import, read_all, small_relief, succeed};
use super::{Victim, names, words};

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
        Victim {
            name: command,
            args: &|_| words(&[command, &path("planet"), "--out", &out]),
            reset: &|| {
                let _ = fs::remove_dir_all(&out);
                let _ = fs::remove_file(&out);
            },
        }
        .kill(&mut random, |_| {
            let is_there = Path::new(&out).is_file() || Path::new(&out).join("CURRENT").exists();
            if is_there {
                succeed(&["verify", &out]);
            }
            is_there
        });
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
    succeed(&["restore", &path("backup"), "--out", &path("restored")]);
    assert_eq!(read_all(&dir.path().join("restored")).unwrap(), want);
}

/// Two backups are restored in turns under a reader, each killed: whatever `CURRENT` names while it is being exchanged is whole.
#[test]
fn killed_restores_swap_whole_bases_under_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let backups = ["even", "odd"];
    let relief = small_relief(dir.path());
    import(&relief, 256, &dir.path().join(backups[0]));
    let lowered: Vec<u8> = fs::read(&relief)
        .unwrap()
        .chunks_exact(2)
        .flat_map(|b| (i16::from_le_bytes([b[0], b[1]]) - 7).to_le_bytes())
        .collect();
    fs::write(&relief, lowered).unwrap();
    import(&relief, 256, &dir.path().join(backups[1]));
    let wholes = backups.map(|name| read_all(&dir.path().join(name)).unwrap());
    let planet = path("planet");
    succeed(&["restore", &path(backups[0]), "--out", &planet]);

    let is_over = AtomicBool::new(false);
    let (reads, swaps) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_until(&is_over, Path::new(&planet), &wholes));
        // Also when an assertion ends the loop: the scope waits for the reader.
        let _over = Over(&is_over);
        Victim {
            name: "restore",
            args: &|n| words(&["restore", &path(backups[n as usize % 2]), "--out", &planet]),
            reset: &|| (),
        }
        .kill(&mut Random::new(9), |n| {
            succeed(&["verify", &planet]);
            read_all(Path::new(&planet)).unwrap() == wholes[n as usize % 2]
        });
        is_over.store(true, Ordering::Relaxed);
        reader.join().unwrap()
    });
    println!("the reader read the planet {reads} times and met {swaps} exchanged bases");
    assert!(reads > swaps && swaps > 0);
    assert!(names(Path::new(&planet)).len() <= 4);
}

/// Sets its flag when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Follows a planet and reads all of it again and again: each time it is one of these, whole. How often, and how often it had been
/// exchanged.
fn read_until(is_over: &AtomicBool, planet: &Path, wholes: &[Vec<Arc<HeightTile>>]) -> (u32, u32) {
    let planet = FollowedPlanet::open(planet).unwrap();
    let (mut reads, mut swaps) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        swaps += u32::from(planet.refresh().unwrap());
        let held = planet.current();
        let tiles: Vec<_> = held
            .cells()
            .iter()
            .map(|c| held.load(*c).unwrap())
            .collect();
        assert!(wholes.contains(&tiles), "a base is one of the two, whole");
        reads += 1;
        std::thread::yield_now();
    }
    (reads, swaps)
}
