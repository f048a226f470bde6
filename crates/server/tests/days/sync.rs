//! A disk that says that a sync has failed: the server ends with 70 and has lost nothing that it acknowledged.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::day;
use crate::kills::{Life, is_all_there};
use crate::shim::Shim;
use crate::support::Place;

/// Lives until the shim's trigger is pulled and the server has ended by itself, or is killed after a moment.
fn until_it_fails(shim: &Shim, place: &Place, waits: Duration) -> Option<i32> {
    let mut code = None;
    let life = Life {
        time: Duration::from_millis(300),
        shim: Some(shim),
        ..Life::default()
    };
    let told = life.live(place, |server: &mut Child| {
        shim.pull();
        let deadline = Instant::now() + waits;
        while Instant::now() < deadline {
            if let Some(ended) = server.try_wait().unwrap() {
                code = ended.code();
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        server.kill().unwrap();
    });
    is_all_there(place, (1, false), &told);
    code
}

#[test]
fn a_failed_sync_is_fatal_and_loses_nothing() {
    let place = Place::new();
    let Some(shim) = Shim::new(place.path(), "eio") else {
        return day("EIO on sync", "skipped: there is no C compiler");
    };
    let code = until_it_fails(&shim, &place, Duration::from_secs(20));
    assert_eq!(code, Some(70));
    // Where the disk is well again, the world goes on.
    let told = Life::default().live(&place, |server| server.kill().unwrap());
    is_all_there(&place, (2, false), &told);
    day(
        "EIO on sync",
        "the server ended with 70, nothing acknowledged was lost, and it started again",
    );
}

#[test]
fn a_disk_that_lies_is_found_by_the_same_harness() {
    let place = Place::new();
    let Some(shim) = Shim::new(place.path(), "lie") else {
        return day(
            "EIO on sync: planted fault",
            "skipped: there is no C compiler",
        );
    };
    let judged = catch_unwind(AssertUnwindSafe(|| {
        until_it_fails(&shim, &place, Duration::from_secs(2))
    }));
    assert!(judged.is_err(), "writes that were swallowed went unnoticed");
    day(
        "EIO on sync: planted fault",
        "a disk that swallows writes was found",
    );
}
