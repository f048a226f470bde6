//! Power cuts: the journal lies on ext4 on a loop device that is shut down under the server.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kills::{Life, Told, is_all_there};
use crate::shim::{Shim, compile, run};
use crate::support::Place;
use crate::{day, size};

/// A file system of its own, unmounted when dropped.
struct Disk {
    image: PathBuf,
    mount: PathBuf,
    godown: PathBuf,
}

impl Disk {
    /// Makes one that holds the place's data; why not, where that is impossible.
    fn new(place: &Place) -> Result<Self, String> {
        let godown = compile(place.path(), "godown.c", &[]).ok_or("there is no C compiler")?;
        let disk = Self {
            image: place.path().join("disk.img"),
            mount: place.path().join("disk"),
            godown,
        };
        let file = std::fs::File::create(&disk.image).unwrap();
        file.set_len(64 << 20).unwrap();
        std::fs::create_dir(&disk.mount).unwrap();
        run("mkfs.ext4", &["-q", "-F", text(&disk.image)])?;
        disk.mount()?;
        let data = disk.mount.join("data");
        std::fs::create_dir(&data).unwrap();
        // What is there before the world is on the disk.
        run("sync", &["-f", text(&disk.mount)])?;
        std::os::unix::fs::symlink(&data, place.data()).unwrap();
        disk.go_down(2)?;
        disk.come_up()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), String> {
        run(
            "mount",
            &["-o", "loop", text(&self.image), text(&self.mount)],
        )
    }

    /// 0: everything is flushed before; 1: the file system's journal is; 2: nothing.
    fn go_down(&self, flags: u32) -> Result<(), String> {
        run(text(&self.godown), &[text(&self.mount), &flags.to_string()])
    }

    fn come_up(&self) -> Result<(), String> {
        for _ in 0..100 {
            match run("umount", &[text(&self.mount)]) {
                Ok(()) => return self.mount(),
                Err(_) => std::thread::sleep(Duration::from_millis(50)), // who was killed still has it
            }
        }
        Err("cannot be unmounted".into())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = run("umount", &["-l", text(&self.mount)]);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A life that ends with a power cut; what was told, with the disk mounted again.
fn cut(place: &Place, disk: &Disk, round: u32, shim: Option<&Shim>) -> Told {
    let life = Life {
        checkpoint_s: if round.is_multiple_of(2) { "1" } else { "3600" },
        time: Duration::from_millis(u64::from(round) * 271 % 900),
        shim,
    };
    let told = life.live(place, |server| {
        disk.go_down([2, 1, 0][round as usize % 3]).unwrap();
        server.kill().unwrap();
    });
    disk.come_up().unwrap();
    told
}

#[test]
fn what_was_acknowledged_survives_power_cuts() {
    let place = Place::new();
    let disk = match Disk::new(&place) {
        Ok(disk) => disk,
        Err(why) => return day("power cuts", format!("skipped: {why}")),
    };
    let rounds = size("BLUEMARBLE_CUTS", 4);
    let mut end = 0;
    for round in 0..rounds {
        let told = cut(&place, &disk, round, None);
        end = is_all_there(&place, (round, round.is_multiple_of(2)), &told);
    }
    day(
        "power cuts",
        format!("{rounds} of {rounds} recovered, {end} ticks"),
    );
}

#[test]
fn a_server_that_does_not_sync_is_found_by_the_same_harness() {
    let rounds = size("BLUEMARBLE_CUTS_UNSYNCED", 1);
    for round in 0..rounds {
        let place = Place::new();
        let disk = match Disk::new(&place) {
            Ok(disk) => disk,
            Err(why) => return day("power cuts: planted fault", format!("skipped: {why}")),
        };
        let shim = Shim::new(place.path(), "off").unwrap();
        let told = cut(&place, &disk, round * 3, Some(&shim));
        let judged = catch_unwind(AssertUnwindSafe(|| {
            is_all_there(&place, (round, true), &told)
        }));
        assert!(
            judged.is_err(),
            "round {round}: unsynced data came back whole"
        );
    }
    day(
        "power cuts: planted fault",
        format!("syncs that do nothing were found {rounds} of {rounds} times"),
    );
}
