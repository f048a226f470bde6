//! The store thread: what it refuses, how it fails, and when its queue is full.

use std::time::{Duration, Instant};

use super::*;

#[test]
fn frames_that_could_not_be_read_back_are_refused_before_the_write() {
    let huge = vec![0; frame::PAYLOAD_BYTES_MAX + 1];
    for (tick, payload) in [(4, vec![1]), (5, huge)] {
        let dir = tempfile::tempdir().unwrap();
        write_journal(dir.path(), 5);
        let mut store = resume(dir.path());
        store.checkpoint(5, vec![], vec![]);
        let frames = vec![(FrameKind::Entry, payload)];
        store.append(TickFrames { tick, frames });
        // Neither does a checkpoint follow that names a place which the journal does not reach.
        store.checkpoint(6, vec![], vec![]);
        let error = store.close().unwrap_err();
        assert!(matches!(error, StorageError::Unwritable { .. }), "{error}");
        assert!(error.is_untrusted() && store.has_failed());
        drop(store);
        assert_eq!(found(dir.path(), StartFrom::Newest).unwrap(), (5, vec![]));
    }
}

#[test]
fn a_segment_that_is_full_is_followed_at_the_next_tick_only() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DirLock::take(dir.path()).unwrap();
    let mut store = Store::create(lock, options(), vec![], vec![]).unwrap();
    let frames = |tick: u64, bytes| vec![(FrameKind::Entry, vec![tick as u8; bytes])];
    for tick in 0..5 {
        let frames = frames(tick, frame::PAYLOAD_BYTES_MAX);
        store.append(TickFrames { tick, frames });
    }
    for tick in [4, 4, 5] {
        let frames = frames(tick, 1);
        store.append(TickFrames { tick, frames });
    }
    store.close().unwrap();
    drop(store);
    assert_eq!(journals(dir.path()).len(), 6);
    assert_eq!(
        found(dir.path(), StartFrom::Newest).unwrap(),
        (0, vec![0, 1, 2, 3, 4, 4, 4, 5])
    );
}

#[test]
fn a_panic_of_the_store_thread_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write_journal(dir.path(), 5);
    let mut store = resume(dir.path());
    store.panic();
    let deadline = Instant::now() + Duration::from_secs(10);
    while store.readiness() != Readiness::Failed {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    let error = store.close().unwrap_err();
    assert!(error.is_untrusted() && matches!(error, StorageError::ThreadEnded));
}

#[test]
fn a_failed_write_or_sync_stops_the_acknowledgements() {
    // Writing to /dev/full fails, syncing /dev/null does.
    for device in ["/dev/full", "/dev/null"] {
        let dir = tempfile::tempdir().unwrap();
        let lock = DirLock::take(dir.path()).unwrap();
        let mut store = Store::create_on(lock, options(), Path::new(device)).unwrap();
        append(&store, 1);
        let deadline = Instant::now() + Duration::from_secs(10);
        while !store.has_failed() {
            assert!(Instant::now() < deadline);
            std::thread::yield_now();
        }
        // However full the queue is: nobody will empty it.
        (2..200).for_each(|tick| append(&store, tick));
        assert!(store.queued() > store::QUEUE_TICKS);
        assert_eq!(store.readiness(), Readiness::Failed);
        assert_eq!(store.durable_tick(), 0);
        assert!(store.close().unwrap_err().is_untrusted());
    }
}

#[test]
fn the_queue_says_when_it_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DirLock::take(dir.path()).unwrap();
    let store = Store::create(lock, options(), vec![], vec![]).unwrap();
    let mut stalls = 0;
    for tick in 0..2_000 {
        while store.readiness() == Readiness::Full {
            stalls += 1;
            std::thread::yield_now();
        }
        append(&store, tick);
        assert!(store.queued() <= store::QUEUE_TICKS);
    }
    assert!(stalls > 0, "2,000 ticks at once outrun any disk");
    drop(store);
    assert_eq!(
        found(dir.path(), StartFrom::Newest).unwrap(),
        (0, twice(0..2_000))
    );
}
