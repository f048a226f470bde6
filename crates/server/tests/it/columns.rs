//! What the world's columns tell of entities reaches their clients.

use std::time::{Duration, Instant};

use bluemarble_server::Server;
use client::Connection;
use net_proto::quic::client_endpoint;
use sim_core::State;

use crate::support::{Place, runtime};

#[test]
fn clients_know_what_they_see() {
    let place = Place::new();
    let server = Server::start(place.config(|s| {
        s.agents = Some(20);
        s.towns = Some(1);
    }))
    .unwrap();
    runtime().block_on(async {
        let endpoint = client_endpoint(server.local_addr()).unwrap();
        let enter = async |player| {
            let ticket = place.ticket(player);
            Connection::connect(&endpoint, server.local_addr(), &ticket).await
        };
        let (mut one, two) = (enter(1).await.unwrap(), enter(2).await.unwrap());
        let until = Instant::now() + Duration::from_secs(1);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if let Ok(event) = tokio::time::timeout(left, one.next()).await {
                event.unwrap();
            }
        }
        let replica = one.core().replica();
        let lane = replica.columns().lane::<State>("kind").unwrap();
        let kind = |id| lane.value::<u16>(replica.codes(id).unwrap()).unwrap();
        let players = [&one, &two].map(|client| client.core().welcome().player);
        assert_eq!(kind(players[0]), kind(players[1]));
        let others = replica.tracked().iter().map(|tracked| tracked.state.id());
        let others: Vec<_> = others.filter(|id| !players.contains(id)).collect();
        assert!(others.len() >= 10);
        assert!(others.iter().all(|id| kind(*id) != kind(players[0])));
    });
    server.stop().unwrap();
}
