//! Damage of journal, checkpoint and witness: it is found, or what comes back is all that was acknowledged.

use std::path::{Path, PathBuf};

use bluemarble_server::Server;
use serde_json::Value;

use crate::support::{Place, program, wait_for};
use crate::{day, size};

/// What became of a damaged directory.
#[derive(PartialEq, Debug)]
enum Fate {
    Found,
    Whole,
    Silent(String),
}

/// A file's name and bytes.
type Kept = (PathBuf, Vec<u8>);
/// A directory's files.
type Files = Vec<Kept>;

fn files_of(dir: &Path) -> Files {
    let read = std::fs::read_dir(dir).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (
            path.file_name().unwrap().into(),
            std::fs::read(&path).unwrap(),
        )
    });
    let mut files: Files = read.collect();
    files.retain(|(name, _)| {
        let name = name.to_str().unwrap();
        name == "witness" || name.ends_with(".bmj") || name.ends_with(".bmc")
    });
    files.sort();
    files
}

/// A world that has lived so long, and was ended in order.
fn lived(place: &Place, ticks: u64) -> Files {
    let server = Server::start(place.config(|s| {
        s.checkpoint_s = Some(1);
        s.reserve_bytes = Some(0);
    }))
    .unwrap();
    wait_for(&server, "ticks", |s| s.durable_tick > ticks);
    server.stop().unwrap();
    files_of(&place.data())
}

fn judge(place: &Place, dir: &Path, whole: &Value) -> Fate {
    let mut command = program();
    command
        .args(["replay", "run", "--json", "--planet"])
        .arg(place.planet());
    let out = command.arg(dir).output().unwrap();
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    match out.status.code() {
        Some(0) => {
            let found: Value = serde_json::from_slice(&out.stdout).unwrap();
            let same = ["tick", "hash", "journal_end"]
                .iter()
                .all(|k| found[k] == whole[k]);
            if same {
                Fate::Whole
            } else {
                Fate::Silent(found.to_string())
            }
        }
        Some(70 | 2) if text.contains(dir.to_str().unwrap()) || text.contains("checkpoint") => {
            Fate::Found
        }
        code => Fate::Silent(format!("{code:?}: {text}")),
    }
}

fn journals(files: &Files) -> Vec<&Kept> {
    let is_journal = |file: &&Kept| file.0.extension().is_some_and(|e| e == "bmj");
    files.iter().filter(is_journal).collect()
}

/// Whether these begin with all that those were.
fn are_kept(these: &[&Kept], those: &[&Kept]) -> bool {
    let mut both = these.iter().zip(those);
    these.len() == those.len()
        && both.all(|(this, that)| this.0 == that.0 && this.1.starts_with(&that.1))
}

fn put(dir: &Path, files: &Files) {
    let _ = std::fs::remove_dir_all(dir);
    std::fs::create_dir(dir).unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.join(name), bytes).unwrap();
    }
}

/// Damages one of the files.
fn mutate(files: &mut Files, random: &mut impl FnMut(usize) -> usize) -> String {
    // Half of it in the journal.
    let is_journal = |file: &(PathBuf, Vec<u8>)| file.0.extension().is_some_and(|e| e == "bmj");
    let journal = files.iter().position(is_journal).unwrap();
    let at = [journal, random(files.len())][random(2)];
    let (name, bytes) = &mut files[at];
    let (from, kind) = (random(bytes.len()), random(7));
    let to = (from + 1 + random(200)).min(bytes.len());
    match kind {
        0 => bytes[from] ^= 1 << random(8),
        1 => bytes.truncate(from),
        2 => bytes[from..to].fill(0),
        3 => drop(bytes.drain(from..to)),
        4 => bytes
            .splice(from..from, bytes[from..to].to_vec())
            .for_each(drop),
        5 => bytes[from..to].fill_with(|| random(256) as u8),
        _ => {
            let gone = name.display().to_string();
            files.remove(at);
            return format!("{gone} removed");
        }
    }
    format!("{} {kind} at {from} to {to}", name.display())
}

#[test]
fn no_damage_is_silent() {
    let place = Place::new();
    let files = lived(&place, 70);
    let dir = place.path().join("damaged");
    put(&dir, &files);
    let mut command = program();
    command
        .args(["replay", "run", "--json", "--planet"])
        .arg(place.planet());
    let whole = command.arg(&dir).output().unwrap();
    let whole: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(judge(&place, &dir, &whole), Fate::Whole);
    let mut seed =
        0x9e37_79b9_7f4a_7c15u64.wrapping_mul(2 * u64::from(size("BLUEMARBLE_SEED", 0)) + 1);
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below.max(1) as u64) as usize
    };
    let (count, mut found) = (size("BLUEMARBLE_DAMAGES", 300), 0);
    for number in 0..count {
        let mut damaged = files.clone();
        let what = mutate(&mut damaged, &mut random);
        put(&dir, &damaged);
        match judge(&place, &dir, &whole) {
            Fate::Found => found += 1,
            // Only a checkpoint or a slot of the witness can do without; what follows the journal's end is a torn tail.
            Fate::Whole => assert!(
                are_kept(&journals(&damaged), &journals(&files)),
                "{number}: {what}"
            ),
            Fate::Silent(how) => panic!("{number}: {what}: {how}"),
        }
    }
    assert!(found > count / 2, "{found} of {count}");
    let figure = format!(
        "{count} damages: {found} found, {} came back whole, 0 silent",
        count - found
    );
    day("damaged journal, checkpoint or witness", figure);

    // The planted fault: a directory that is whole in itself, of another life.
    let other = Place::new();
    put(&dir, &lived(&other, 40));
    assert!(matches!(judge(&place, &dir, &whole), Fate::Silent(_)));
}
