//! A second server on the same store.

use bluemarble_server::{Server, ServerError, StorageError};

use crate::day;
use crate::support::{Place, wait_for};

#[test]
fn a_second_server_is_refused_and_the_first_goes_on() {
    let place = Place::new();
    let first = Server::start(place.config(|_| {})).unwrap();
    wait_for(&first, "a start", |s| s.tick > 10);
    for _ in 0..3 {
        let error = Server::start(place.config(|_| {})).unwrap_err();
        assert!(
            matches!(error, ServerError::Storage(StorageError::Locked(_))),
            "{error}"
        );
        assert_eq!(error.exit_code(), 1);
    }
    let before = first.status();
    let after = wait_for(&first, "more ticks", |s| {
        s.durable_tick > before.durable_tick
    });
    assert!(after.tick > before.tick);
    first.stop().unwrap();
    // The lock is what refused them.
    let second = Server::start(place.config(|_| {})).unwrap();
    assert!(second.status().recovered_tick >= after.durable_tick);
    second.stop().unwrap();
    day(
        "second server on one store",
        "3 of 3 refused, the first went on",
    );
}
