//! Floods from outside: garbage, first packets, handshakes that lead nowhere. Honest players play on, ticks keep their time, memory its bound.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use net_proto::quic::connect;
use quinn::ClientConfig;
use quinn::crypto::rustls::QuicClientConfig;

use crate::honest::{Fate, Honest};
use crate::served::{Served, resident};
use crate::support::runtime;
use crate::{day, is_full, length};

/// Honest players.
const HONEST: u64 = 8;
/// What a flood may cost the server, bytes.
const MEMORY_MAX: u64 = 64 << 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flood {
    Calm,
    /// 50,000 datagrams a second that are nothing.
    Garbage,
    /// 50,000 first packets a second, each of a connection of its own, good as far as they go.
    Initials,
    /// 500 connections a second that finish their handshake and say nothing.
    Handshakes,
}

/// What is wrong on purpose, to see that it is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Plant {
    Nothing,
    /// A player's session ends.
    LostPlayer,
    /// The process that is measured is one that leaks.
    Leak,
}

/// How a day was.
#[derive(Debug)]
struct Outcome {
    sent: u64,
    seconds: f64,
    fates: Vec<Fate>,
    grown: u64,
    p99_ms: f64,
    ticks: u64,
}

fn live(flood: Flood, time: Duration, plant: Plant) -> Outcome {
    // At full size a world that has something to do, on a thread of its own: against hardly any work, the turns that a busy machine takes would be all that
    // shows, and work that wants every core has none to leave to a flood.
    let agents = if is_full() {
        "--agents=5000"
    } else {
        "--agents=200"
    };
    let served = Served::start(&[agents, "--towns=20", "--threads=1"], &[]);
    let honest = Honest::enter(&served, (1, HONEST), plant == Plant::LostPlayer);
    std::thread::sleep(Duration::from_millis(500)); // everybody has seen everybody
    let memory = || match plant {
        Plant::Leak => resident(std::process::id()),
        _ => served.resident(),
    };
    let (stop, sent, before) = (AtomicBool::new(false), AtomicU64::new(0), memory());
    let (begun, ticks) = (Instant::now(), served.metric("tick"));
    let (mut most, mut leaked) = (before, Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| storm(flood, &served, (&stop, &sent)));
        while begun.elapsed() < time {
            std::thread::sleep(Duration::from_millis(100));
            if plant == Plant::Leak {
                leaked.push(vec![1u8; 16 << 20]);
            }
            most = most.max(memory());
        }
        stop.store(true, Ordering::Relaxed);
    });
    let seconds = begun.elapsed().as_secs_f64();
    drop(leaked);
    // The status is a second old at most.
    std::thread::sleep(Duration::from_millis(1_100));
    let ticks = (served.metric("tick") - ticks) as u64;
    let fates = honest.ask();
    let last = served.stop();
    Outcome {
        sent: sent.into_inner(),
        seconds,
        fates,
        grown: most - before,
        p99_ms: last["tick_ms"]["p99"].as_f64().unwrap(),
        ticks,
    }
}

/// What is wrong with a day, beside one without a flood.
fn judge(flood: Flood, calm: &Outcome, day: &Outcome) -> Result<(), String> {
    let least = |outcome: &Outcome| outcome.fates.iter().map(|fate| fate.snapshots).min();
    let (usual, now) = (least(calm).unwrap_or(0), least(day).unwrap_or(0));
    for fate in &day.fates {
        if let Some(why) = &fate.lost {
            return Err(format!("an honest player was lost: {why}"));
        }
        if fate.mismatched > 0 {
            return Err("a digest did not match".into());
        }
    }
    // A machine that does other things too slows both down, but not the one to a standstill.
    if day.fates.len() as u64 != HONEST || now < usual / 4 {
        return Err(format!("{now} snapshots where calm days have {usual}"));
    }
    if day.ticks < calm.ticks / 2 {
        return Err(format!(
            "{} ticks where calm days have {}",
            day.ticks, calm.ticks
        ));
    }
    if day.grown > MEMORY_MAX {
        return Err(format!("{} MB more", day.grown >> 20));
    }
    let promised = match flood {
        Flood::Calm => 0.0,
        Flood::Garbage | Flood::Initials => 50_000.0,
        Flood::Handshakes => 500.0,
    };
    let share = if is_full() { 0.9 } else { 0.05 };
    if (day.sent as f64) < promised * share * day.seconds {
        return Err(format!("only {} were sent: that was no flood", day.sent));
    }
    let bound_ms = (calm.p99_ms * 1.2).min(33.0);
    if is_full() && day.p99_ms > bound_ms {
        return Err(format!("ticks of {} ms, more than {bound_ms}", day.p99_ms));
    }
    Ok(())
}

/// Several days: one after the other at full size, for each has the machine then; else at once.
fn days<const N: usize>(all: [(Flood, Plant); N]) -> [Outcome; N] {
    let live = |(flood, plant)| live(flood, length(), plant);
    if is_full() {
        return all.map(live);
    }
    std::thread::scope(|scope| {
        let days = all.map(|day| scope.spawn(move || live(day)));
        days.map(|day| day.join().unwrap())
    })
}

#[test]
fn floods_are_weathered() {
    let floods = [
        Flood::Calm,
        Flood::Garbage,
        Flood::Initials,
        Flood::Handshakes,
    ];
    let [calm, weathered @ ..] = days(floods.map(|flood| (flood, Plant::Nothing)));
    for (flood, outcome) in floods.into_iter().skip(1).zip(&weathered) {
        let figure = format!(
            "{:.0}/s sent for {:.0} s; ticks p99 {:.2} ms (calm {:.2}); +{} MB; {} of {HONEST} players still in",
            outcome.sent as f64 / outcome.seconds,
            outcome.seconds,
            outcome.p99_ms,
            calm.p99_ms,
            outcome.grown >> 20,
            outcome
                .fates
                .iter()
                .filter(|fate| fate.lost.is_none())
                .count(),
        );
        day(&format!("flood of {flood:?}"), &figure);
    }
    for (flood, outcome) in floods.into_iter().skip(1).zip(&weathered) {
        judge(flood, &calm, outcome).unwrap();
    }
    // No flood is no day weathered.
    let weak = judge(Flood::Garbage, &calm, &calm).unwrap_err();
    assert!(weak.contains("no flood"), "{weak}");
}

#[test]
fn the_eyes_see_lost_players_and_memory_that_is_kept() {
    let planted = [Plant::LostPlayer, Plant::Leak];
    let [lost, leak] = days(planted.map(|plant| (Flood::Calm, plant)));
    let found = judge(Flood::Calm, &lost, &lost).unwrap_err();
    assert!(found.contains("lost: as planted"), "{found}");
    let found = judge(Flood::Calm, &leak, &leak).unwrap_err();
    assert!(found.contains("MB more"), "{found}");
}

fn storm(flood: Flood, served: &Served, at: (&AtomicBool, &AtomicU64)) {
    keep_to_the_last_core();
    match flood {
        Flood::Calm => {}
        Flood::Garbage => pour(served.addr, &garbage(), at),
        Flood::Initials => pour(served.addr, &initials(served.addr), at),
        Flood::Handshakes => runtime().block_on(shake(served, at)),
    }
}

/// As a machine of its own would: what an attacker's work costs is not the server's.
fn keep_to_the_last_core() {
    use rustix::thread::{CpuSet, sched_setaffinity};
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut last = CpuSet::new();
    last.set(cores - 1);
    sched_setaffinity(None, &last).unwrap();
}

/// Sends packets one after the other, fifty a millisecond, from sixteen addresses of as many networks.
fn pour(to: SocketAddr, packets: &[Vec<u8>], (stop, sent): (&AtomicBool, &AtomicU64)) {
    let from = |n: u8| UdpSocket::bind((Ipv4Addr::new(127, n + 1, 0, 1), 0)).unwrap();
    let sockets: Vec<UdpSocket> = (0..16).map(from).collect();
    let begun = Instant::now();
    let mut packets = packets.iter().cycle();
    while !stop.load(Ordering::Relaxed) {
        let due = (begun.elapsed().as_secs_f64() * 50_000.0) as u64;
        let behind = due.saturating_sub(sent.load(Ordering::Relaxed)).min(5_000);
        for n in 0..behind {
            // What the system does not take is not counted.
            let socket = &sockets[n as usize % sockets.len()];
            if let Some(packet) = packets.next()
                && socket.send_to(packet, to).is_ok()
            {
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn garbage() -> Vec<Vec<u8>> {
    let mut seed = 1u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize
    };
    (0..4_096)
        .map(|_| {
            let length = random() % 1_300;
            (0..length).map(|_| random() as u8).collect()
        })
        .collect()
}

fn client_config() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    tls.alpn_protocols = vec![net_proto::ALPN.to_vec()];
    ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()))
}

/// What clients send first, each with connection ids of its own.
fn initials(to: SocketAddr) -> Vec<Vec<u8>> {
    let config = client_config();
    let mut endpoint = quinn_proto::Endpoint::new(Arc::default(), None, false, None);
    (0..4_096)
        .map(|_| {
            let now = Instant::now();
            let connected = endpoint.connect(now, config.clone(), to, "bluemarble");
            let (_, mut connection) = connected.unwrap();
            let mut packet = Vec::new();
            let _written = connection.poll_transmit(now, 1, &mut packet).unwrap();
            packet
        })
        .collect()
}

/// Begins 500 handshakes a second from sixteen networks; whoever is let in says nothing.
async fn shake(served: &Served, (stop, sent): (&AtomicBool, &AtomicU64)) {
    let cert = served.place.cert();
    let addr = served.addr;
    let from = |n: u8| {
        let from = SocketAddr::from((Ipv4Addr::new(127, n + 1, 0, 1), 0));
        quinn::Endpoint::client(from).unwrap()
    };
    let endpoints: Vec<quinn::Endpoint> = (0..16).map(from).collect();
    let mut all = tokio::task::JoinSet::new();
    let mut beats = tokio::time::interval(Duration::from_millis(2));
    beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    while !stop.load(Ordering::Relaxed) {
        beats.tick().await;
        let n = sent.fetch_add(1, Ordering::Relaxed) as usize;
        let endpoint = endpoints[n % endpoints.len()].clone();
        all.spawn(async move {
            if let Ok(connection) = connect(&endpoint, addr, cert).await {
                let _ = tokio::time::timeout(Duration::from_secs(3), connection.closed()).await;
            }
        });
        while all.try_join_next().is_some() {}
    }
    all.abort_all();
}
