//! The shell for programs that poll.

use std::time::{Duration, Instant};

use client::{BlockingSession, ConnectError, Event, SessionError};
use net_proto::RefuseCode;

use crate::server::{Manner, PLAYER, Server};

const PATIENCE: Duration = Duration::from_secs(10);

/// Polls until the predicate holds.
fn poll_until(
    session: &mut BlockingSession,
    mut done: impl FnMut(&BlockingSession, &[Event]) -> bool,
) -> Result<(), SessionError> {
    let deadline = Instant::now() + PATIENCE;
    let mut events = Vec::new();
    while Instant::now() < deadline {
        session.poll(&mut events)?;
        if done(session, &events) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("not within {PATIENCE:?}");
}

#[test]
fn the_player_walks_where_told() {
    let server = Server::start(Manner::Good);
    let mut session =
        BlockingSession::connect(server.addr, &server.good_ticket(), PATIENCE).unwrap();
    let player = |session: &BlockingSession| {
        let mut seen = Vec::new();
        session.entities(&mut seen);
        seen.into_iter().find(|seen| seen.id == PLAYER)
    };
    poll_until(&mut session, |s, _| player(s).is_some()).unwrap();
    let start = player(&session).unwrap().place;
    assert!(session.set_velocity(f64::NAN, 0.0, 0.0).is_err());
    session
        .set_velocity(0.0, 2.0, std::f64::consts::FRAC_PI_2)
        .unwrap();
    poll_until(&mut session, |s, _| {
        player(s).unwrap().place.distance_m(start) > 1.0
    })
    .unwrap();
    let now = player(&session).unwrap();
    assert_eq!(now.heading, 0x4000);
    let north =
        session.planet().geodetic(now.place).lat_rad() - session.planet().geodetic(start).lat_rad();
    assert!(north * 6_371_000.0 > 0.9);
    poll_until(&mut session, |s, _| s.digests().matched >= 1).unwrap();
    assert_eq!(
        (session.digests().mismatched, session.events_dropped()),
        (0, 0)
    );
    assert!(session.traffic().datagrams_in > 10);
    let leaving = Instant::now();
    session.close();
    assert!(leaving.elapsed() < Duration::from_secs(1));
}

#[test]
fn the_end_is_told_and_events_stay_bounded() {
    let server = Server::start(Manner::Closes);
    let mut session =
        BlockingSession::connect(server.addr, &server.good_ticket(), PATIENCE).unwrap();
    match poll_until(&mut session, |_, _| false) {
        Err(SessionError::Refused(refuse)) => assert_eq!(refuse.code, RefuseCode::CLOSING),
        other => panic!("{other:?}"),
    }
    // It stays so.
    assert!(session.poll(&mut Vec::new()).is_err());
}

#[test]
fn errors_of_connecting_are_typed() {
    let server = Server::start(Manner::Mute);
    let connect = |timeout| BlockingSession::connect(server.addr, &server.good_ticket(), timeout);
    let started = Instant::now();
    assert!(matches!(
        connect(Duration::from_millis(300)),
        Err(ConnectError::Timeout)
    ));
    assert!(started.elapsed() < Duration::from_secs(3));
    let server = Server::start(Manner::Good);
    match BlockingSession::connect(server.addr, &server.expired_ticket(), PATIENCE) {
        Err(ConnectError::Refused(refuse)) => assert_eq!(refuse.code, RefuseCode::TOKEN),
        other => panic!("{other:?}"),
    }
}
