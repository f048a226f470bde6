//! Players who do nothing wrong, and whom a bad day must not touch.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use client::{Connection, Event};
use net_proto::Input;
use net_proto::quic::client_endpoint;

use crate::served::Served;
use crate::support::runtime;

/// They walk about on a thread of their own until they are asked how it was.
pub(crate) struct Honest {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Fate>>,
}

/// How it was for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fate {
    /// Snapshots that came.
    pub(crate) snapshots: u64,
    /// Why its session ended before it wanted to, if it did.
    pub(crate) lost: Option<String>,
    pub(crate) mismatched: u64,
}

impl Honest {
    /// Lets so many in, from a number on; returns when all are. The first leaves in the middle if it is to: a session that the server has lost, as far as others can tell.
    pub(crate) fn enter(served: &Served, (first, count): (u64, u64), is_one_lost: bool) -> Self {
        let tickets: Vec<_> = (first..first + count)
            .map(|n| served.place.ticket(n))
            .collect();
        let (addr, stop) = (served.addr, Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async {
                let endpoint = client_endpoint(addr).unwrap();
                let mut walking = tokio::task::JoinSet::new();
                for (n, ticket) in tickets.into_iter().enumerate() {
                    let connection = Connection::connect(&endpoint, addr, &ticket).await.unwrap();
                    let is_lost = is_one_lost && n == 0;
                    walking.spawn(walk(connection, Arc::clone(&stopped), is_lost));
                }
                ready.send(()).unwrap();
                let fates = walking.join_all().await;
                endpoint.wait_idle().await;
                fates
            })
        });
        is_ready.recv().unwrap();
        Self { stop, thread }
    }

    pub(crate) fn ask(self) -> Vec<Fate> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

async fn walk(mut connection: Connection, stop: Arc<AtomicBool>, is_lost: bool) -> Fate {
    let mut fate = Fate {
        snapshots: 0,
        lost: None,
        mismatched: 0,
    };
    let period = Duration::from_secs(1) / u32::from(connection.core().welcome().tick_rate_hz);
    let mut ticks = tokio::time::interval(period);
    for n in 0u64.. {
        tokio::select! {
            event = connection.next() => match event {
                Ok(Event::Snapshot(_)) => fate.snapshots += 1,
                Ok(_) => {}
                Err(error) => {
                    fate.lost = Some(error.to_string());
                    return fate;
                }
            },
            _ = ticks.tick() => {
                connection.push_input(Input { east: 300, ..Input::default() });
                if n % 2 == 0 {
                    let _ = connection.send_inputs(); // `next` says why not
                }
            }
        }
        if is_lost && fate.snapshots > 10 {
            fate.lost = Some("as planted".into());
            break;
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    fate.mismatched = connection.core().digests().mismatched;
    connection.close();
    fate
}
