//! Own states come in the tick that first used a datagram's inputs; clients get into step with the snapshots, so that both are one packet.

use std::time::Duration;

use bluemarble_server::Server;
use client::{Connection, Event};
use net_proto::Input;
use net_proto::quic::client_endpoint;
use tokio::time::{Instant, interval};

use crate::support::{Place, runtime};

#[test]
fn clients_get_into_step() {
    let place = Place::new();
    let server = Server::start(place.config(|s| s.agents = Some(0))).unwrap();
    let addr = server.local_addr();
    let (mut ticks, mut changes) = (Vec::new(), 0);
    runtime().block_on(async {
        let endpoint = client_endpoint(addr).unwrap();
        let ticket = place.ticket(1);
        let mut player = Connection::connect(&endpoint, addr, &ticket).await.unwrap();
        let tick = Duration::from_secs(1) / u32::from(player.core().welcome().tick_rate_hz);
        let mut beat = interval(2 * tick);
        let (until, mut inputs, mut is_thrown) =
            (Instant::now() + Duration::from_secs(6), 2, false);
        while Instant::now() < until {
            tokio::select! {
                event = player.next() => if let Event::Own(own, _) = event.unwrap() {
                    ticks.push(own.tick);
                },
                _ = beat.tick() => {
                    if player.take_misstep() {
                        changes += 1;
                        inputs = 3;
                        beat.reset_after(tick);
                        continue;
                    }
                    (0..inputs).for_each(|_| {
                        player.push_input(Input::default());
                    });
                    inputs = 2;
                    player.send_inputs().unwrap();
                    if ticks.len() >= 30 && !is_thrown {
                        is_thrown = true; // out of step: no input is made in one tick
                        beat.reset_after(3 * tick);
                    }
                }
            }
        }
    });
    let outside = |ticks: &[u64]| ticks.iter().filter(|tick| *tick % 2 == 1).count();
    let told = format!("{changes} changes of step, {ticks:?}");
    // While out of step it was told at once, and at the end it is in step, but for what a busy machine delays.
    assert!(changes >= 1 && outside(&ticks) >= 4, "{told}");
    assert!(outside(&ticks[ticks.len() - 20..]) <= 8, "{told}");
    server.stop().unwrap();
}
