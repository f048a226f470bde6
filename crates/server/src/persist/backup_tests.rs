//! Backups of a world that goes on meanwhile, and the way back.

use std::path::Path;

use super::backup::back_up;
use super::restore::{restore, verify_backup};
use super::*;

const WORLD: u16 = 3;

/// Segments of some ten ticks.
fn options() -> StoreOptions {
    StoreOptions {
        journal_bytes_max: 128 << 10,
        reserve_bytes: 0,
        ..StoreOptions::new(WORLD)
    }
}

/// Ticks `from..to`, durable, with a checkpoint before every 50th.
fn run(store: &Store, from: u64, to: u64) {
    for tick in from..to {
        if tick > 0 && tick % 50 == 0 {
            store.checkpoint(tick, vec![8], tick.to_le_bytes().to_vec());
        }
        while store.readiness() == Readiness::Full {
            std::thread::yield_now();
        }
        let frames = vec![(FrameKind::Entry, vec![tick as u8; 20])];
        store.append(TickFrames { tick, frames });
    }
    while store.durable_tick() + 1 < to {
        assert!(!store.has_failed());
        std::thread::yield_now();
    }
}

fn start(dir: &Path) -> Store {
    let lock = DirLock::take(dir).unwrap();
    Store::create(lock, options(), vec![7], vec![0; 8]).unwrap()
}

fn go_on(_: usize, _: usize) -> bool {
    true
}

fn copy(data: &Path, out: &Path) -> BackedUp {
    back_up(data, out, WORLD, &go_on).unwrap()
}

/// Where a directory starts, and the ticks of its frames.
fn held(dir: &Path, from: StartFrom) -> (u64, Vec<u64>) {
    let Found::World(found) = recover(dir, WORLD, from).unwrap() else {
        panic!("nothing found");
    };
    let state = &found.checkpoint.state;
    assert_eq!(state[..], found.checkpoint.tick.to_le_bytes());
    let mut ticks = Vec::new();
    let seen = found.for_each_frame::<StorageError>(|frame| {
        assert_eq!(frame.payload, [frame.tick as u8; 20]);
        ticks.push(frame.tick);
        Ok(())
    });
    seen.unwrap();
    (found.checkpoint.tick, ticks)
}

#[test]
fn a_running_world_is_copied_and_comes_back() {
    let place = tempfile::tempdir().unwrap();
    let (data, out) = (place.path().join("data"), place.path().join("backup"));
    let store = start(&data);
    std::fs::write(data.join("token.key"), b"secret").unwrap();
    run(&store, 0, 120);
    let first = copy(&data, &out);
    assert!(first.is_full && first.end_tick == 119 && first.from_tick == 0);
    assert_eq!(
        (first.files, first.bytes),
        (first.files_new, first.bytes_new)
    );
    run(&store, 120, 330);
    let second = copy(&data, &out);
    assert!(!second.is_full && second.end_tick == 329 && second.from_tick == 0);
    assert!(
        second.bytes_new < second.bytes - first.bytes / 2,
        "{second:?}"
    );
    // Nothing is new.
    let third = copy(&data, &out);
    assert_eq!((third.files_new, third.bytes_new), (0, 0), "{third:?}");
    drop(store);

    let found = verify_backup(&out, &go_on).unwrap();
    assert_eq!((found.end_tick, found.bytes), (329, second.bytes));
    let back = place.path().join("back");
    restore(&out, &back, None, &go_on).unwrap();
    assert_eq!(held(&back, StartFrom::Oldest), (0, (0..330).collect()));
    assert_eq!(held(&back, StartFrom::Newest), (300, (300..330).collect()));
    assert_eq!(std::fs::read(back.join("token.key")).unwrap(), b"secret");
    // It goes on where it was.
    let lock = DirLock::take(&back).unwrap();
    let Found::World(found) = recover(&back, WORLD, StartFrom::Newest).unwrap() else {
        panic!("nothing found");
    };
    let store = Store::resume(lock, options(), &found).unwrap();
    run(&store, 330, 340);
    drop(store);
    assert_eq!(held(&back, StartFrom::Oldest), (0, (0..340).collect()));
    // Where something is, nothing is restored to.
    let error = restore(&out, &back, None, &go_on).unwrap_err();
    assert!(error.is_misuse(), "{error}");
}

#[test]
fn every_tick_of_the_past_can_be_gone_back_to() {
    let place = tempfile::tempdir().unwrap();
    let (data, out) = (place.path().join("data"), place.path().join("backup"));
    let store = start(&data);
    run(&store, 0, 130);
    copy(&data, &out);
    drop(store);
    for tick in [0, 1, 48, 49, 50, 51, 100, 128, 129] {
        let to = place.path().join(format!("to-{tick}"));
        let restored = restore(&out, &to, Some(tick), &go_on).unwrap();
        assert_eq!(restored.end_tick, tick);
        assert_eq!(held(&to, StartFrom::Oldest), (0, (0..=tick).collect()));
        let newest = (tick + 1) / 50 * 50;
        assert_eq!(held(&to, StartFrom::Newest).0, newest);
    }
    let error = restore(&out, &place.path().join("to"), Some(130), &go_on).unwrap_err();
    assert!(
        error.is_misuse() && !place.path().join("to").exists(),
        "{error}"
    );
}

#[test]
fn backups_go_with_the_world_and_drop_what_it_drops() {
    let place = tempfile::tempdir().unwrap();
    let (data, out) = (place.path().join("data"), place.path().join("backup"));
    let store = start(&data);
    let mut last = copy(&data, &out);
    for turn in 0..12 {
        // Copied while it is written, and while old segments go.
        std::thread::scope(|scope| {
            scope.spawn(|| run(&store, turn * 500, turn * 500 + 500));
            for _ in 0..3 {
                let next = copy(&data, &out);
                assert!(next.end_tick >= last.end_tick);
                last = next;
                verify_backup(&out, &go_on).unwrap();
            }
        });
    }
    last = copy(&data, &out);
    assert!(last.from_tick > 0 && last.end_tick == 5_999, "{last:?}");
    assert!(last.bytes < 200 << 10, "{last:?}");
    let files = names(&out).unwrap().len();
    assert_eq!(files, last.files + 2, "manifest and lock");
    drop(store);
    let back = place.path().join("back");
    restore(&out, &back, None, &go_on).unwrap();
    let (from, ticks) = held(&back, StartFrom::Oldest);
    assert_eq!(
        (from, ticks),
        (last.from_tick, (last.from_tick..6_000).collect())
    );
}

#[test]
fn a_backup_that_was_broken_off_leaves_the_one_before() {
    let place = tempfile::tempdir().unwrap();
    let (data, out) = (place.path().join("data"), place.path().join("backup"));
    let store = start(&data);
    run(&store, 0, 120);
    let first = copy(&data, &out);
    run(&store, 120, 330);
    let half = back_up(&data, &out, WORLD, &|at, _| at < 12);
    assert!(matches!(half, Err(StorageError::BrokenOff)), "{half:?}");
    assert_eq!(
        verify_backup(&out, &go_on).unwrap().end_tick,
        first.end_tick
    );
    copy(&data, &out);
    assert_eq!(verify_backup(&out, &go_on).unwrap().end_tick, 329);
}

#[test]
fn what_is_not_acknowledged_is_not_copied() {
    let place = tempfile::tempdir().unwrap();
    let (data, out) = (place.path().join("data"), place.path().join("backup"));
    let store = start(&data);
    run(&store, 0, 40);
    let witness = std::fs::read(witness::path_in(&data)).unwrap();
    run(&store, 40, 120);
    drop(store);
    std::fs::write(witness::path_in(&data), witness).unwrap();
    assert_eq!(copy(&data, &out).end_tick, 39);
    let back = place.path().join("back");
    restore(&out, &back, None, &go_on).unwrap();
    assert_eq!(held(&back, StartFrom::Oldest), (0, (0..40).collect()));
}

#[test]
fn every_damage_of_a_backup_is_found() {
    let place = tempfile::tempdir().unwrap();
    let (data, out) = (place.path().join("data"), place.path().join("backup"));
    let store = start(&data);
    run(&store, 0, 60);
    copy(&data, &out);
    drop(store);
    for name in names(&out).unwrap() {
        let path = out.join(&name);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (at % 8);
            std::fs::write(&path, bytes).unwrap();
            assert!(verify_backup(&out, &go_on).is_err(), "{name}: {at}");
        }
        if !whole.is_empty() {
            std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            assert!(verify_backup(&out, &go_on).is_err(), "{name}");
            std::fs::remove_file(&path).unwrap();
            assert!(verify_backup(&out, &go_on).is_err(), "{name}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
    verify_backup(&out, &go_on).unwrap();
}

#[test]
fn other_directories_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let (data, out) = (place.path().join("data"), place.path().join("backup"));
    let store = start(&data);
    let refused = |from: &Path, to: &Path, world| {
        let error = back_up(from, to, world, &go_on).unwrap_err();
        assert!(error.is_misuse(), "{error}");
    };
    refused(&data, &data, WORLD);
    let other = place.path().join("other");
    std::fs::create_dir(&other).unwrap();
    refused(&other, &out, WORLD);
    std::fs::write(other.join("thesis"), b"all of it").unwrap();
    refused(&data, &other, WORLD);
    refused(&data, &out, 9);
    copy(&data, &out);
    drop(store);
    assert!(verify_backup(&other, &go_on).unwrap_err().is_misuse());
}
