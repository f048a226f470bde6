//! What a restart keeps, and what it refuses.

use std::path::Path;

use bluemarble_server::{Server, ServerError, StorageError};

use crate::support::{Place, Raw, runtime, wait_for};

#[test]
fn a_restart_keeps_the_state_and_goes_on() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    wait_for(&server, "agents", |s| s.entities >= 50 && s.tick >= 60);
    let last = server.stop().unwrap();
    assert_eq!(last.state_hash_tick, last.tick);
    assert_eq!(last.durable_tick + 1, last.tick);

    let server = Server::start(place.config(|_| {})).unwrap();
    let found = server.status();
    assert_eq!(
        (found.tick, &found.state_hash),
        (last.tick, &last.state_hash)
    );
    assert_eq!((found.entities, found.recovered_entries), (50, 0));
    let later = wait_for(&server, "time passing", |s| s.tick > last.tick + 30);
    assert_eq!((later.entities, later.held), (50, 0));
    server.stop().unwrap();
}

#[test]
fn players_who_leave_are_gone_and_names_are_never_reused() {
    let place = Place::new();
    let mut names = Vec::new();
    for _ in 0..3 {
        let server = Server::start(place.config(|_| {})).unwrap();
        runtime().block_on(async {
            for player in 0..2 {
                let (raw, welcome) = Raw::enter(server.local_addr(), &place.ticket(player)).await;
                names.push(welcome.player);
                raw.leave().await;
            }
        });
        wait_for(&server, "everybody gone", |s| {
            s.joins == 2 && s.players == 0
        });
        let last = server.stop().unwrap();
        assert_eq!(last.entities, 50);
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn a_second_server_a_changed_rate_and_an_occupied_port_are_refused() {
    let place = Place::new();
    let server = Server::start(place.config(|_| {})).unwrap();
    let error = Server::start(place.config(|_| {})).unwrap_err();
    assert!(
        matches!(error, ServerError::Storage(StorageError::Locked(_))),
        "{error}"
    );
    assert_eq!(error.exit_code(), 1);
    let addr = server.local_addr();
    let other = Place::new();
    let error = Server::start(other.config(|s| s.listen = Some(addr))).unwrap_err();
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    server.stop().unwrap();

    let error = Server::start(place.config(|s| s.tick_rate_hz = Some(60))).unwrap_err();
    assert!(error.to_string().contains("tick_rate_hz = 30"), "{error}");
    let error = Server::start(place.config(|s| s.world = Some(2))).unwrap_err();
    assert!(
        error.to_string().contains("world 1, not of world 2"),
        "{error}"
    );
    assert_eq!(error.exit_code(), 2);
    Server::start(place.config(|_| {})).unwrap().stop().unwrap();
}

/// A copy of a running server's data directory, as a crash leaves it: what is written after it is lost.
fn copy_of_running(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(from)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    // The witness first: it may lag behind the journal, never lead.
    names.sort_by_key(|name| name != "witness");
    for name in names {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

#[test]
fn a_crash_hands_no_name_out_again() {
    let place = Place::new();
    let crashed = place.path().join("crashed");
    let server = Server::start(place.config(|_| {})).unwrap();
    wait_for(&server, "agents", |s| {
        s.entities >= 50 && s.durable_tick >= 30
    });
    copy_of_running(&place.data(), &crashed);
    let enter = |server: &Server, player| {
        runtime().block_on(async {
            let (raw, welcome) = Raw::enter(server.local_addr(), &place.ticket(player)).await;
            raw.leave().await;
            welcome.player.0
        })
    };
    let seen = enter(&server, 1);
    server.stop().unwrap();

    let server = Server::start(place.config(|s| s.data_dir = Some(crashed))).unwrap();
    let next = enter(&server, 2);
    assert!(next > seen, "{next} after {seen}");
    server.stop().unwrap();
}
