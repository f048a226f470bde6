//! A world with no place left.

use bluemarble_server::Server;
use net_proto::RefuseCode;

use crate::support::{Place, Raw, runtime, wait_for};

#[test]
fn a_full_world_leaves_tickets_good() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.players_max = Some(1))).unwrap();
    let addr = server.local_addr();
    let ticket = place.ticket(2);
    runtime().block_on(async {
        let (first, _) = Raw::enter(addr, &place.ticket(1)).await;
        let mut second = Raw::open(addr, place.cert()).await;
        second.show(&ticket).await;
        assert_eq!(second.refusal().await.code, RefuseCode::FULL);
        first.leave().await;
    });
    wait_for(&server, "a free place", |s| s.leaves == 1);
    runtime().block_on(Raw::enter(addr, &ticket));
    server.stop().unwrap();
}

#[test]
fn a_player_takes_the_place_of_its_own_dead_session() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.players_max = Some(1))).unwrap();
    let addr = server.local_addr();
    runtime().block_on(async {
        let (mut dead, before) = Raw::enter(addr, &place.ticket(1)).await;
        let (alive, after) = Raw::enter(addr, &place.ticket(1)).await;
        assert_ne!(before.player, after.player);
        assert_eq!(dead.refusal().await.code, RefuseCode::REPLACED);
        // The new session is the one that stays, after the old one has gone altogether.
        wait_for(&server, "the end of the old", |s| s.leaves == 1);
        for _ in 0..3 {
            alive.connection.read_datagram().await.unwrap();
        }
        assert_eq!(alive.connection.close_reason(), None);
        let status = wait_for(&server, "one player", |s| s.players == 1);
        assert_eq!((status.joins, status.leaves), (2, 1));
    });
    server.stop().unwrap();
}
