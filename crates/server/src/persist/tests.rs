//! The journal against truncation, bit flips, missing and foreign files.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::witness::{Witness, Witnessed};
use super::*;

mod frames;
mod store_thread;

const WORLD: u16 = 3;

fn options() -> StoreOptions {
    StoreOptions {
        reserve_bytes: 0,
        ..StoreOptions::new(WORLD)
    }
}

/// Segments of some ten ticks.
fn short_segments() -> StoreOptions {
    StoreOptions {
        journal_bytes_max: 128 << 10,
        ..options()
    }
}

/// A journal of `ticks` small ticks in `dir`, with a checkpoint before tick 20 when there are as many.
fn write_journal(dir: &Path, ticks: u64) {
    write_journal_as(dir, ticks, options());
}

fn write_journal_as(dir: &Path, ticks: u64, options: StoreOptions) {
    let lock = DirLock::take(dir).unwrap();
    let mut store = Store::create(lock, options, vec![7], b"state 0".to_vec()).unwrap();
    for tick in 0..ticks {
        if tick == 20 {
            store.checkpoint(20, vec![8], b"state 20".to_vec());
        }
        append(&store, tick);
    }
    store.close().unwrap();
    assert_eq!(store.durable_tick(), ticks - 1);
}

fn append(store: &Store, tick: u64) {
    store.append(TickFrames {
        tick,
        frames: vec![
            (FrameKind::Entry, vec![tick as u8; 1 + tick as usize % 5]),
            (FrameKind::Login, vec![0xaa]),
        ],
    });
}

fn found(dir: &Path, from: StartFrom) -> Result<(u64, Vec<u64>), StorageError> {
    match recover(dir, WORLD, from)? {
        Found::Empty => panic!("nothing found"),
        Found::World(found) => {
            let mut ticks = Vec::new();
            found.for_each_frame::<StorageError>(|frame| {
                assert!(frame.kind != FrameKind::Entry || frame.payload[0] == frame.tick as u8);
                ticks.push(frame.tick);
                Ok(())
            })?;
            Ok((found.checkpoint.tick, ticks))
        }
    }
}

fn twice(ticks: std::ops::Range<u64>) -> Vec<u64> {
    ticks.flat_map(|t| [t, t]).collect()
}

fn journals(dir: &Path) -> Vec<PathBuf> {
    let found = segment::list_segments(dir).unwrap();
    found.into_iter().map(|(_, path)| path).collect()
}

#[test]
fn what_was_written_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 30);
    assert_eq!(
        found(dir.path(), StartFrom::Newest).unwrap(),
        (20, twice(20..30))
    );
    assert_eq!(
        found(dir.path(), StartFrom::Oldest).unwrap(),
        (0, twice(0..30))
    );
    for (before, from) in [(19, 0), (20, 20), (99, 20)] {
        let back = found(dir.path(), StartFrom::Before(before)).unwrap();
        assert_eq!(back, (from, twice(from..30)));
    }
    assert_eq!(journals(dir.path()).len(), 1);
}

#[test]
fn the_past_is_not_read_unless_it_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    write_journal_as(dir.path(), 30, short_segments());
    let all = journals(dir.path());
    assert!(all.len() >= 3, "{all:?}");
    let mut bytes = std::fs::read(&all[0]).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&all[0], bytes).unwrap();
    let back = found(dir.path(), StartFrom::Newest).unwrap();
    assert_eq!(back, (20, twice(20..30)));
    let error = found(dir.path(), StartFrom::Oldest).unwrap_err();
    assert!(error.is_untrusted(), "{error}");
}

#[test]
fn a_long_run_stays_within_its_bounds_and_can_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let bounded = StoreOptions {
        journal_bytes_max: 128 << 10,
        ..options()
    };
    let lock = DirLock::take(dir.path()).unwrap();
    let mut store = Store::create(lock, bounded, vec![7], vec![9; 900]).unwrap();
    let (mut most, mut oldest) = (0, 0);
    for tick in 0..6_000 {
        while store.readiness() != Readiness::Ready {
            std::thread::yield_now();
        }
        if tick > 0 && tick % 100 == 0 {
            store.checkpoint(tick, vec![8], vec![9; 900]);
            most = most.max(bytes_in(dir.path()));
        }
        append(&store, tick);
    }
    store.close().unwrap();
    most = most.max(bytes_in(dir.path()));
    // Journals, a quarter of it for milestones, two checkpoints and the witness.
    let bound = (128 << 10) + (32 << 10) + 2 * 1_000 + 4_200;
    assert!(most <= bound, "{most} bytes");
    assert!(most > 100 << 10, "the past is kept: {most} bytes");
    for at in [6_000, 5_500, 4_500] {
        let back = found(dir.path(), StartFrom::Before(at)).unwrap();
        assert!(back.0 <= at && at - back.0 < 1_000, "{at}: {}", back.0);
        assert_eq!(back.1, twice(back.0..6_000));
        oldest = back.0;
    }
    let back = found(dir.path(), StartFrom::Oldest).unwrap();
    assert!(back.0 > 0 && back.0 <= oldest, "{}", back.0);
    assert_eq!(back.1, twice(back.0..6_000));
}

fn bytes_in(dir: &Path) -> u64 {
    let files = names(dir).unwrap().into_iter();
    // One may go while it is looked at.
    files
        .filter_map(|name| std::fs::metadata(dir.join(name)).ok())
        .map(|file| file.len())
        .sum()
}

#[test]
fn tails_that_were_cut_off_are_few() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 3);
    for tick in 0..20 {
        let cut = dir.path().join(format!("journal-{tick:020}.cut"));
        std::fs::write(cut, b"torn").unwrap();
    }
    let store = resume(dir.path());
    store.checkpoint(3, vec![], vec![]);
    drop(store);
    let cuts = list(dir.path(), "journal-", ".cut").unwrap();
    assert_eq!(cuts.first().map(|c| (c.0, cuts.len())), Some((12, 8)));
}

#[test]
fn a_second_witness_is_asked_too() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = dir.path().join("data");
    let witnessed = StoreOptions {
        witness_dir: Some(other.path().to_owned()),
        ..options()
    };
    write_journal_as(&place, 12, witnessed.clone());
    let look = || recover_witnessed(&place, WORLD, StartFrom::Newest, Some(other.path()));
    assert!(matches!(look(), Ok(Found::World(_))));
    // The whole directory is one of yesterday, its own witness too.
    std::fs::remove_dir_all(&place).unwrap();
    write_journal(&place, 7);
    let error = look().unwrap_err();
    assert!(
        matches!(&error, StorageError::Behind { recovered: 6, witnessed: 11, witness, .. } if witness.starts_with(other.path())),
        "{error}"
    );
    assert!(error.is_untrusted() && error.to_string().contains("remove that witness"));
    assert!(recover(&place, WORLD, StartFrom::Newest).is_ok());
    // Or it is gone.
    std::fs::remove_dir_all(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    let error = look().unwrap_err();
    assert!(
        matches!(error, StorageError::Behind { witnessed: 11, .. }),
        "{error}"
    );
    // Where somebody accepts the loss, it is begun anew.
    std::fs::remove_file(other.path().join("witness-00003")).unwrap();
    assert!(matches!(look(), Ok(Found::Empty)));
}

#[test]
fn a_witness_of_before_the_checkpoint_is_no_loss() {
    // After a power cut it may be that old.
    let dir = tempfile::tempdir().unwrap();
    write_journal_as(dir.path(), 40, short_segments());
    std::fs::write(witness::path_in(dir.path()), earlier_witness(4)).unwrap();
    let back = found(dir.path(), StartFrom::Newest).unwrap();
    assert_eq!(back, (20, twice(20..40)));
}

#[test]
fn a_recovered_journal_goes_on_and_leftovers_go() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 5);
    let leftover = dir.path().join("checkpoint-00000000000000000003.tmp");
    std::fs::write(&leftover, b"half").unwrap();
    for round in 1..6u64 {
        let store = resume(dir.path());
        assert!(!leftover.exists());
        for tick in round * 5..round * 5 + 5 {
            append(&store, tick);
        }
        store.checkpoint(round * 5 + 5, vec![], vec![round as u8]);
        // Once more for the same tick, as a shutdown right after a checkpoint does.
        store.checkpoint(round * 5 + 5, vec![], vec![round as u8]);
    }
    assert_eq!(found(dir.path(), StartFrom::Newest).unwrap(), (30, vec![]));
    assert_eq!(
        found(dir.path(), StartFrom::Oldest).unwrap(),
        (0, twice(0..30))
    );
    assert_eq!(checkpoint::list_checkpoints(dir.path()).unwrap().len(), 6);
}

/// Rewrites the witness as if nothing after `tick` frames had been acknowledged: both slots of an earlier moment.
fn earlier_witness(ticks: u64) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), ticks);
    std::fs::read(witness::path_in(dir.path())).unwrap()
}

#[test]
fn every_truncation_is_cut_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 12);
    let witness_path = witness::path_in(dir.path());
    let late = std::fs::read(&witness_path).unwrap();
    let early = earlier_witness(4);
    let path = journals(dir.path()).pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut recovered = std::collections::BTreeSet::new();
    for len in segment::HEADER_BYTES..whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        std::fs::write(&witness_path, &late).unwrap();
        let error = found(dir.path(), StartFrom::Newest).unwrap_err();
        assert!(
            matches!(error, StorageError::Behind { witnessed: 11, .. }),
            "{len}: {error}"
        );
        assert!(error.is_untrusted());
        assert!(error.to_string().contains(path.to_str().unwrap()));

        std::fs::write(&witness_path, &early).unwrap();
        match found(dir.path(), StartFrom::Newest) {
            Ok((0, ticks)) => {
                assert!(
                    ticks.len() >= 8 && ticks == twice(0..12)[..ticks.len()],
                    "{len}"
                );
                recovered.insert(ticks.len());
            }
            Err(StorageError::Behind {
                witnessed: 3,
                recovered,
                ..
            }) => assert!(recovered <= 3),
            other => panic!("{len}: {other:?}"),
        }
    }
    assert_eq!(recovered, (8..24).collect());
    for len in 0..segment::HEADER_BYTES {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert!(
            found(dir.path(), StartFrom::Newest)
                .unwrap_err()
                .is_untrusted()
        );
    }
}

#[test]
fn a_torn_tail_is_cut_for_good() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 12);
    let path = journals(dir.path()).pop().unwrap();
    let whole = std::fs::metadata(&path).unwrap().len();
    for tail in [
        vec![0u8; 5000],
        vec![0xff; 3],
        b"\x01\0\0\0\x01torn".to_vec(),
    ] {
        let mut torn = std::fs::read(&path).unwrap();
        torn.extend(&tail);
        std::fs::write(&path, torn).unwrap();
        let lock = DirLock::take(dir.path()).unwrap();
        let Found::World(world) = recover(dir.path(), WORLD, StartFrom::Newest).unwrap() else {
            panic!("nothing found");
        };
        assert_eq!(world.torn, Some((path.clone(), whole)));
        drop(Store::resume(lock, options(), &world).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().len(), whole);
        assert_eq!(std::fs::read(path.with_extension("cut")).unwrap(), tail);
    }
    assert_eq!(found(dir.path(), StartFrom::Newest).unwrap().1.len(), 24);
}

#[test]
fn every_bit_flip_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 26);
    let files: Vec<PathBuf> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some())
        .collect();
    assert_eq!(files.len(), 3);
    for path in files {
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            std::fs::write(&path, &flipped).unwrap();
            match found(dir.path(), StartFrom::Newest) {
                // A damaged checkpoint is replaced by the other one and more replay.
                Ok(back) => assert!(
                    back == (0, twice(0..26)) || back == (20, twice(20..26)),
                    "{}:{at}: {back:?}",
                    path.display()
                ),
                Err(error) => assert!(error.is_untrusted(), "{at}: {error}"),
            }
            if path.extension().unwrap() == "bmj" {
                assert!(found(dir.path(), StartFrom::Newest).is_err(), "{at}");
            }
        }
        std::fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn missing_and_foreign_files_are_named() {
    let make = || {
        let dir = tempfile::tempdir().unwrap();
        write_journal_as(dir.path(), 26, short_segments());
        dir
    };
    let refusal = |dir: &Path, world| {
        let error = recover(dir, world, StartFrom::Newest).unwrap_err();
        assert!(error.is_untrusted(), "{error}");
        error.to_string()
    };
    let dir = make();
    for (_, path) in checkpoint::list_checkpoints(dir.path()).unwrap() {
        std::fs::remove_file(path).unwrap();
    }
    assert!(refusal(dir.path(), WORLD).contains("checkpoint-*.bmc: missing"));

    let dir = make();
    std::fs::remove_file(journals(dir.path()).pop().unwrap()).unwrap();
    assert!(refusal(dir.path(), WORLD).contains("tick 25 was acknowledged"));

    let dir = make();
    std::fs::remove_file(witness::path_in(dir.path())).unwrap();
    assert!(refusal(dir.path(), WORLD).contains("witness: missing"));

    let dir = make();
    let error = recover(dir.path(), 9, StartFrom::Newest).unwrap_err();
    assert!(error.is_misuse() && !error.is_untrusted());
    assert!(error.to_string().contains("world 3, not of world 9"));

    for (extension, magic) in [("bmj", "wrong magic"), ("bmc", "wrong magic")] {
        for (at, expected) in [(0, magic), (8, "version")] {
            let dir = make();
            for path in list(dir.path(), "journal-", ".bmj")
                .unwrap()
                .into_iter()
                .chain(list(dir.path(), "checkpoint-", ".bmc").unwrap())
                .map(|(_, path)| path)
                .filter(|path| path.extension().unwrap() == extension)
            {
                let mut bytes = std::fs::read(&path).unwrap();
                bytes[at] = 99;
                std::fs::write(&path, bytes).unwrap();
            }
            let text = refusal(dir.path(), WORLD);
            assert!(
                text.contains(expected) && text.contains(extension),
                "{text}"
            );
        }
    }
}

#[test]
fn a_first_start_that_was_cut_off_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 1);
    let path = journals(dir.path()).pop().unwrap();
    std::fs::remove_file(&checkpoint::list_checkpoints(dir.path()).unwrap()[0].1).unwrap();
    assert!(recover(dir.path(), WORLD, StartFrom::Newest).is_err());
    let header = std::fs::read(&path).unwrap()[..segment::HEADER_BYTES].to_vec();
    std::fs::write(&path, header).unwrap();
    assert!(matches!(
        recover(dir.path(), WORLD, StartFrom::Newest),
        Ok(Found::Empty)
    ));
}

#[test]
fn a_first_start_that_left_any_witness_starts_again() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 1);
    let path = journals(dir.path()).pop().unwrap();
    std::fs::remove_file(&checkpoint::list_checkpoints(dir.path()).unwrap()[0].1).unwrap();
    let header = std::fs::read(&path).unwrap()[..segment::HEADER_BYTES].to_vec();
    std::fs::write(&path, header).unwrap();
    let witness_path = witness::path_in(dir.path());
    let whole = std::fs::read(&witness_path).unwrap();
    for len in [0, 1, 47, 48, 4_096, 4_100] {
        std::fs::write(&witness_path, &whole[..len]).unwrap();
        let found = recover(dir.path(), WORLD, StartFrom::Newest);
        assert!(matches!(found, Ok(Found::Empty)), "{len}: {found:?}");
    }
    // Not so when something was acknowledged.
    std::fs::write(&witness_path, earlier_witness(3)).unwrap();
    assert!(recover(dir.path(), WORLD, StartFrom::Newest).is_err());
}

#[test]
fn the_newer_slot_of_the_witness_wins() {
    let dir = tempfile::tempdir().unwrap();
    let place = |tick, chain| Witnessed { tick, chain };
    let mut witness = Witness::open([witness::path_in(dir.path())], WORLD, place(5, 100)).unwrap();
    for chain in 101..106 {
        witness.write(place(5, chain)).unwrap();
        let found = witness::read(&witness::path_in(dir.path()), WORLD).unwrap();
        assert_eq!(found, Some(place(5, chain)));
    }
    // A torn newer slot leaves the older one.
    let path = witness::path_in(dir.path());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let found = witness::read(&witness::path_in(dir.path()), WORLD).unwrap();
    assert_eq!(found, Some(place(5, 104)));
}

#[test]
fn a_bad_frame_with_a_good_one_behind_it_is_no_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 12);
    let path = journals(dir.path()).pop().unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(witness::path_in(dir.path()), earlier_witness(4)).unwrap();
    // Payloads of the last ticks: frames of 21 bytes around 1 + tick % 5 and 1 bytes.
    let last = whole.len() - 22;
    let entry = last - 21 - 2;
    for (at, is_torn) in [(entry + 13, false), (entry + 22, false), (last + 13, true)] {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        match found(dir.path(), StartFrom::Newest) {
            Ok(_) => assert!(is_torn, "{at}"),
            Err(StorageError::Damaged { offset, .. }) => {
                assert!(!is_torn && offset == entry as u64, "{at}: {offset}");
            }
            other => panic!("{at}: {other:?}"),
        }
    }
}

#[test]
fn what_is_continued_was_written_and_synced_anew() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 5);
    let path = journals(dir.path()).pop().unwrap();
    let before = (std::fs::read(&path).unwrap(), File::open(&path).unwrap());
    let store = resume(dir.path());
    assert_eq!(store.durable_tick(), 4);
    assert_eq!(std::fs::read(&path).unwrap(), before.0);
    // The old file is still open: its number cannot have been given to the new one.
    let inode = before.1.metadata().unwrap().ino();
    assert_ne!(std::fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn a_directory_of_somebody_else_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path();
    let mode = || std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let error = DirLock::take_existing(path).unwrap_err();
    assert!(
        error.is_misuse() && names(path).unwrap().is_empty(),
        "{error}"
    );
    std::fs::write(path.join("thesis.tmp"), b"all of it").unwrap();
    let error = DirLock::take(path).unwrap_err();
    assert!(error.is_misuse() && !error.is_untrusted(), "{error}");
    assert_eq!(names(path).unwrap(), ["thesis.tmp"]);
    assert_eq!(mode(), 0o755);
    // What a first start that was cut off leaves is ours; in a world's directory other files stay.
    std::fs::remove_file(path.join("thesis.tmp")).unwrap();
    std::fs::write(path.join("token.tmp"), b"half").unwrap();
    drop(DirLock::take(path).unwrap());
    assert_eq!(names(path).unwrap(), ["lock"]);
    assert_eq!(mode(), 0o700);
    write_journal(path, 1);
    std::fs::write(path.join("notes.tmp"), b"keep").unwrap();
    drop(resume(path));
    drop(DirLock::take_existing(path).unwrap());
    assert!(path.join("notes.tmp").exists());
}

fn resume(dir: &Path) -> Store {
    let lock = DirLock::take(dir).unwrap();
    let Found::World(world) = recover(dir, WORLD, StartFrom::Newest).unwrap() else {
        panic!("nothing found");
    };
    Store::resume(lock, options(), &world).unwrap()
}

#[test]
fn one_process_owns_a_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("new");
    let lock = DirLock::take(&path).unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert!(matches!(DirLock::take(&path), Err(StorageError::Locked(_))));
    drop(lock);
    assert!(DirLock::take(&path).is_ok());
}
