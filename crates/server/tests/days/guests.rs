//! Hostile players who have logged in: each costs the server a bounded amount, and the others nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use net_proto::{ClientMessage, Command};

use crate::honest::{Fate, Honest};
use crate::served::{Served, resident};
use crate::support::{Place, Raw, runtime};
use crate::{day, is_full, length};

/// What a hostile player may cost the server, bytes.
const MEMORY_MAX: u64 = 1 << 20;
const HONEST: u64 = 8;

/// What they do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Manner {
    /// Opens streams in the wrong order, leaves what is before without a byte, and resets what it has begun.
    Gaps,
    /// Asks and never reads what it is told.
    NeverReads,
    /// A byte a stream, and a byte at a time.
    OneByte,
    /// Comes and goes.
    Churn,
    /// Reads a little, now and then.
    Slow,
}

const MANNERS: [Manner; 5] = [
    Manner::Gaps,
    Manner::NeverReads,
    Manner::OneByte,
    Manner::Churn,
    Manner::Slow,
];

struct Outcome {
    fates: Vec<Fate>,
    grown: u64,
    /// What they did, all together.
    deeds: u64,
    entered: f64,
}

/// `is_leaky`: the process that is measured is this one, which leaks.
fn live(guests: u64, time: Duration, is_leaky: bool) -> Outcome {
    // Watched alone: who is sent away for playing unfair is hostile no more.
    let args = [
        "--cheaters=watch",
        "--players-max=4000",
        "--commands-min=60000",
        "--agents=200",
        "--towns=2",
    ];
    let served = Served::start(&args, &[]);
    let honest = Honest::enter(&served, (1, HONEST), false);
    std::thread::sleep(Duration::from_millis(500));
    let memory = || {
        if is_leaky {
            resident(std::process::id())
        } else {
            served.resident()
        }
    };
    let before = memory();
    let (stop, deeds) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let place = Arc::clone(&served.place);
    let (addr, stopped, done) = (served.addr, Arc::clone(&stop), Arc::clone(&deeds));
    let thread = std::thread::spawn(move || {
        runtime().block_on(async {
            let mut all = tokio::task::JoinSet::new();
            for n in 0..guests {
                let manner = MANNERS[n as usize % MANNERS.len()];
                let who = (Arc::clone(&place), 1_000 + n);
                let shared = (Arc::clone(&stopped), Arc::clone(&done));
                all.spawn(misbehave(manner, addr, who, shared));
                // Below the door's rate for one network.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            while all.join_next().await.is_some() {}
        });
    });
    let begun = Instant::now();
    let (mut most, mut leaked) = (before, Vec::new());
    let entering = Duration::from_millis(10 * guests);
    while begun.elapsed() < time + entering {
        std::thread::sleep(Duration::from_millis(100));
        if is_leaky {
            leaked.push(vec![1u8; 32 << 20]); // more than the tests beside this one give back meanwhile
        }
        most = most.max(memory());
    }
    let entered = served.metric("joins_total") - HONEST as f64;
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    drop(leaked);
    let fates = honest.ask();
    served.stop();
    Outcome {
        fates,
        grown: most - before,
        deeds: deeds.load(Ordering::Relaxed),
        entered,
    }
}

fn judge(guests: u64, outcome: &Outcome) -> Result<(), String> {
    if outcome.entered < guests as f64 {
        return Err(format!("only {} of {guests} got in", outcome.entered));
    }
    if outcome.deeds < guests {
        return Err(format!("{} deeds are no hostility", outcome.deeds));
    }
    if let Some(fate) = outcome
        .fates
        .iter()
        .find(|fate| fate.lost.is_some() || fate.mismatched > 0)
    {
        return Err(format!("an honest player suffered: {fate:?}"));
    }
    if outcome.fates.iter().any(|fate| fate.snapshots < 10) {
        return Err(format!("hardly a snapshot: {:?}", outcome.fates));
    }
    // What the allocator keeps of the first few is not theirs.
    let bound = guests * MEMORY_MAX + (8 << 20);
    if outcome.grown > bound {
        return Err(format!("{} KB for each", (outcome.grown / guests) >> 10));
    }
    Ok(())
}

#[test]
fn a_thousand_hostile_players_cost_little_and_others_nothing() {
    let (guests, time) = match is_full() {
        true => (1_000, length()),
        false => (30, length()),
    };
    let outcome = live(guests, time, false);
    let figure = format!(
        "{} KB each at most; {} deeds; {} of {HONEST} honest players unaffected",
        (outcome.grown / guests) >> 10,
        outcome.deeds,
        outcome
            .fates
            .iter()
            .filter(|fate| fate.lost.is_none())
            .count(),
    );
    day(&format!("{guests} hostile players"), &figure);
    judge(guests, &outcome).unwrap();
}

#[test]
fn the_eyes_see_memory_that_is_kept() {
    let outcome = live(5, Duration::from_secs(1), true);
    let wrong = judge(5, &outcome).unwrap_err();
    assert!(wrong.contains("KB for each"), "{wrong}");
}

type Shared = (Arc<AtomicBool>, Arc<AtomicU64>);

/// Does so until all are to stop; who is sent away comes again.
async fn misbehave(
    manner: Manner,
    addr: SocketAddr,
    (place, player): (Arc<Place>, u64),
    (stop, deeds): Shared,
) {
    let is_over = || stop.load(Ordering::Relaxed);
    while !is_over() {
        let ticket = place.ticket(player);
        let entering = Raw::try_enter(addr, &ticket);
        let Ok(Some(raw)) = tokio::time::timeout(Duration::from_secs(5), entering).await else {
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        if manner == Manner::Churn {
            deeds.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(150)).await;
            raw.connection.close(0u32.into(), b"");
            tokio::time::sleep(Duration::from_millis(800)).await;
            continue;
        }
        let mut guest = Guest { raw, operation: 1 };
        while !is_over() && guest.act(manner).await.is_some() {
            deeds.fetch_add(1, Ordering::Relaxed);
        }
    }
}

struct Guest {
    raw: Raw,
    operation: u64,
}

impl Guest {
    /// A deed; none when the session is over.
    async fn act(&mut self, manner: Manner) -> Option<()> {
        let connection = self.raw.connection.clone();
        if connection.close_reason().is_some() {
            return None;
        }
        let pause = match manner {
            Manner::Gaps => {
                let mut streams = Vec::new();
                for _ in 0..3 {
                    let opening = connection.open_uni();
                    let opened = tokio::time::timeout(Duration::from_millis(50), opening).await;
                    streams.extend(opened.ok().and_then(Result::ok));
                }
                // Of three only the last says something: the beginning of a long word.
                if let Some(last) = streams.last_mut() {
                    last.write_all(&[200, 3, 1, 0, 200]).await.ok()?;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                for mut stream in streams {
                    let _ = stream.reset(7u32.into());
                }
                Duration::from_millis(50)
            }
            Manner::NeverReads => {
                let mut frames = Vec::new();
                for _ in 0..10 {
                    self.operation += 1;
                    let (operation, kind, body) = (self.operation, 9, vec![7; 1_000]);
                    ClientMessage::Command(Command {
                        operation,
                        kind,
                        body,
                    })
                    .encode(&mut frames);
                }
                let writing = self.raw.try_write(&frames);
                let _ = tokio::time::timeout(Duration::from_millis(100), writing).await;
                Duration::from_millis(100)
            }
            Manner::OneByte => {
                if let Ok(Ok(mut stream)) =
                    tokio::time::timeout(Duration::from_millis(50), connection.open_uni()).await
                {
                    let _ = stream.write_all(&[1]).await;
                    let _ = stream.finish();
                }
                self.raw.try_write(&[9]).await?;
                Duration::from_millis(20)
            }
            Manner::Slow | Manner::Churn => {
                let reading = connection.read_datagram();
                let _ = tokio::time::timeout(Duration::from_millis(20), reading).await;
                Duration::from_millis(500)
            }
        };
        tokio::time::sleep(pause).await;
        Some(())
    }
}
