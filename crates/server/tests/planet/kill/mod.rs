//! What is killed leaves what was there before, or the whole new thing; `planet verify` accepts what is there.
//!
//! `BLUEMARBLE_KILLS` is how many of each command are killed.

mod copies;
mod imports;
mod migrations;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Random;

/// Kills of each kind.
fn kills() -> u32 {
    let asked = std::env::var("BLUEMARBLE_KILLS").ok();
    asked.map_or(8, |n| n.parse().expect("BLUEMARBLE_KILLS is a number"))
}

/// So many kills go over the life of a command, from its beginning to beyond its end.
const SWEEP: u32 = 8;

/// A command of `bluemarble planet` that is killed again and again.
struct Victim<'a> {
    /// As it is printed.
    name: &'a str,
    /// Its arguments, by the number of the kill.
    args: &'a dyn Fn(u32) -> Vec<String>,
    /// Makes the place what it was before; called before every sweep.
    reset: &'a dyn Fn(),
}

impl Victim<'_> {
    /// Kills it as often as asked before its end, and lets `look` see what each kill has left, also those that come too late; it
    /// says whether that is the whole new thing. Then lets it run to its end.
    fn kill(&self, random: &mut Random, mut look: impl FnMut(u32) -> bool) {
        // The shorter of two: most kills are to come before the end.
        let length = (0..2).map(|_| {
            (self.reset)();
            let start = Instant::now();
            self.finish(0);
            start.elapsed()
        });
        let length = length.min().expect("two of them");
        let (mut n, mut in_time, mut whole) = (0, 0, 0);
        while in_time < kills() {
            assert!(
                n < 5 * kills(),
                "{}: too few kills come before its end",
                self.name
            );
            if n % SWEEP == 0 {
                (self.reset)();
            }
            let share = (f64::from(n % SWEEP) + 0.5 + 0.4 * random.unit()) / f64::from(SWEEP);
            in_time += u32::from(kill_after(self.start(n), length.mul_f64(1.1 * share)));
            whole += u32::from(look(n));
            n += 1;
        }
        println!(
            "{} takes {length:?}; {in_time} killed before their end, {} after it; {whole} left a new whole",
            self.name,
            n - in_time
        );
        self.finish(n);
    }

    fn start(&self, n: u32) -> Child {
        start(&(self.args)(n))
    }

    fn finish(&self, n: u32) {
        let status = self.start(n).wait().unwrap();
        assert!(status.success(), "{}: {status}", self.name);
    }
}

fn start(args: &[String]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_bluemarble"))
        .arg("planet")
        .args(args)
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts")
}

/// Kills the child (SIGKILL) once it has run for a time, unless it ends before; whether it had not.
fn kill_after(mut child: Child, time: Duration) -> bool {
    let deadline = Instant::now() + time;
    while Instant::now() < deadline && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(500));
    }
    let in_time = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    in_time
}

/// Starts a command that builds a base in a planet's folder, kills it as soon as so many of its parts are whole, and gives the tiles of
/// all that are by then. One that comes too late to kill is started again by `again`, which makes the place what it was.
fn kill_behind_parts(
    planet: &Path,
    parts: usize,
    args: &[String],
    again: impl Fn(),
) -> Vec<spatial_core::CellId> {
    const ATTEMPTS: u32 = 50;
    for _ in 0..ATTEMPTS {
        again();
        let before = current(planet);
        let mut child = start(args);
        let last = format!("{:05}.table", parts - 1);
        while child.try_wait().unwrap().is_none() {
            if building(planet).is_some_and(|dir| dir.join(&last).exists()) {
                break;
            }
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let Some(dir) = building(planet).filter(|_| current(planet) == before) else {
            continue;
        };
        let whole = names(&dir)
            .into_iter()
            .filter(|name| name.ends_with(".table"));
        let cells = whole.flat_map(|name| cells_of_part(&dir.join(name)));
        return cells.collect();
    }
    panic!("{args:?}: no kill was in time");
}

/// The cells that a part's list names: ids follow a header of 24 bytes, see docs/terrain.md.
fn cells_of_part(table: &Path) -> Vec<spatial_core::CellId> {
    let bytes = fs::read(table).unwrap();
    let count = u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
    let ids = bytes[24..24 + 8 * count].as_chunks::<8>().0.iter();
    ids.map(|id| spatial_core::CellId::new(u64::from_le_bytes(*id)).unwrap())
        .collect()
}

/// The base that a killed writer has left unfinished.
fn building(planet: &Path) -> Option<std::path::PathBuf> {
    let found = names(planet)
        .into_iter()
        .find(|name| name.starts_with("building-"));
    found.map(|name| planet.join(name))
}

/// What is named as the base in use.
fn current(planet: &Path) -> Option<String> {
    fs::read_to_string(planet.join("CURRENT")).ok()
}

fn names(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let name = |e: std::io::Result<fs::DirEntry>| e.unwrap().file_name();
    entries
        .map(|e| name(e).to_string_lossy().into_owned())
        .collect()
}

/// Arguments of a command.
fn words(args: &[&str]) -> Vec<String> {
    args.iter().map(ToString::to_string).collect()
}
