//! How soon players are answered.

use std::sync::Arc;
use std::time::Duration;

use bluemarble_server::Server;
use bluemarble_server::simulated::{self, Disk, Simulated};
use client::{Connection, Event};
use net_proto::quic::simulated::{Link, Network, run};
use tokio::time::{Instant, sleep};

use crate::lines::server_addr;
use crate::lots::Lots;
use crate::place::{Place, RATE_HZ};
use crate::plan::Plan;
use crate::rules::{COUNT, Market};
use crate::told::Book;

/// The slowest of some answers to one who asks and does nothing else, in a world without anybody else.
async fn slowest_answer(seed: u64, questions: u64) -> Duration {
    simulated::begin();
    let (place, network) = (Place::new(seed), Network::new(seed, Link::default()));
    let book = Arc::<Book>::default();
    let disk = Disk {
        pause: Duration::from_millis(1)..Duration::from_millis(5),
        seed,
        is_liar: false,
    };
    let config = place.config(seed, &Plan::quiet());
    let builder = Server::builder(config).game(Market::new(Arc::clone(&book), false));
    let server = Simulated::start(builder, &network, &disk).unwrap();
    let endpoint = network
        .client_endpoint(([10, 1, 0, 1], 5_000).into())
        .unwrap();
    let ticket = place.ticket(0, 1);
    let mut line = Connection::connect(&endpoint, server_addr(), &ticket)
        .await
        .unwrap();
    let (mut lots, mut slowest) = (Lots::of(seed, 4), Duration::ZERO);
    for operation in 1_000_000..1_000_000 + questions {
        sleep(lots.time_ms(300..900)).await;
        let asked = Instant::now();
        line.command(operation, COUNT, &[]).unwrap();
        while !matches!(line.next().await.unwrap(), Event::Answer(a) if a.operation == operation) {}
        slowest = slowest.max(asked.elapsed());
    }
    line.close();
    server.stop().await.unwrap();
    book.verdict().unwrap();
    slowest
}

/// State hashes are journalled every eighth tick: an answer does not wait for the next one. It takes up to a tick until it is asked, and another
/// where that tick has something for the disk.
#[test]
fn what_records_nothing_is_answered_within_the_next_tick() {
    let tick = Duration::from_secs(1) / u32::from(RATE_HZ);
    let slowest = run(slowest_answer(1, 20));
    assert!(slowest <= 2 * tick, "{slowest:?}");
}
