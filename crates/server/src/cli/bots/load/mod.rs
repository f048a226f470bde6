//! Bots as a load: open loop, thousands to a thread, and a run that says itself when it was they who could not keep up.
//!
//! A client is what a client is, but for prediction: encrypted, with every snapshot decoded and every digest compared, or acknowledged alone where
//! decoding is left to one in so many ([`LoadArgs::whole_one_in`]). It sends at
//! its times whatever the server does; what is sent late counts from when it should have been.

mod crew;
mod guest;
mod inside;
mod machine;
mod report;
mod steps;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use super::{BotsArgs, End, Purse, watch_for_end};
use crate::cli::Misuse;
use crate::cli::out::say;
use crew::{Crew, Errand};
use report::{LoadReport, Sums};
pub(super) use steps::Pattern;

/// What bots do as a load.
#[derive(clap::Args)]
#[command(next_help_heading = "As a load (with --pattern)")]
pub(super) struct LoadArgs {
    /// Bots are a load: where they walk, and when they come. They predict nothing
    #[arg(long, value_enum, value_name = "PATTERN")]
    pattern: Option<Pattern>,
    /// No server and no sockets: the bots play in this process in the world of this configuration, one in a hundred a whole client, for --seconds
    #[arg(long, value_name = "FILE", requires = "pattern")]
    in_process: Option<PathBuf>,
    /// Check everything that is received, one task a bot: what is done without --pattern
    #[arg(long, conflicts_with = "pattern")]
    check: bool,
    /// Bots come from so many addresses 127.x.y.1, each of a network of its own: a server lets few in a second from one
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    spread: u8,
    /// Datagrams of inputs a bot sends a second; by default one every second tick
    #[arg(long, value_name = "N")]
    hz: Option<f64>,
    /// One bot in so many reads all that it is told and compares digests; the others read of themselves alone, and acknowledge as much: to the server
    /// they are the same
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    whole_one_in: u32,
    /// How far bots stray: from where they came in, from the crowd's middle, or along an arm of the star, metres
    #[arg(long, default_value_t = 150.0, value_name = "M")]
    within_m: f64,
    /// Nothing of the first seconds counts but how bots came in
    #[arg(long, default_value_t = 0, value_name = "S")]
    warm_up: u64,
    /// With reconnect-storm: when all lines are lost, seconds after the warm-up
    #[arg(long, default_value_t = 5, value_name = "S")]
    storm_at: u64,
    /// A run is void if more than one in a hundred sends was later than this, milliseconds
    #[arg(long, default_value_t = 5.0, value_name = "MS")]
    late_max_ms: f64,
    /// Bots whose session ends unasked, or does not begin, try again for so long, seconds
    #[arg(long, default_value_t = 0, value_name = "S")]
    insist: u64,
}

impl LoadArgs {
    pub(super) fn pattern(&self) -> Option<Pattern> {
        self.pattern
    }
}

pub(super) fn run(args: &BotsArgs, pattern: Pattern) -> Result<ExitCode> {
    refuse_others(args)?;
    if let Some(file) = &args.load.in_process {
        return inside::run(args, pattern, file);
    }
    let purse = Arc::new(Purse::open(args)?);
    let count = purse.count(args.count);
    let stop = Arc::new(AtomicBool::new(false));
    let board: Vec<_> = (0..args.threads)
        .map(|_| Arc::<Mutex<Sums>>::default())
        .collect();
    let (ended, ends) = channel();
    watch_for_end(args.leash, &ended)?;
    let begin = Instant::now();
    let crews = (0..args.threads)
        .zip(&board)
        .map(|(thread, sums)| {
            let errand = errand(args, pattern, (thread, count, begin));
            let tickets = Arc::clone(&purse);
            let (stop, sums, ended) = (Arc::clone(&stop), Arc::clone(sums), ended.clone());
            start(errand, tickets, (stop, sums), ended)
        })
        .collect::<Result<Vec<_>>>()?;
    drop(ended);
    watch(args, (&board, begin), &ends);
    stop.store(true, Ordering::Release);
    for crew in crews {
        crew.join()
            .map_err(|_| anyhow!("a bots' thread panicked"))??;
    }
    let last = LoadReport {
        has_summary: true,
        ..report(args, &board, begin)
    };
    tell(args, &last);
    Ok(match last.is_good() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn refuse_others(args: &BotsArgs) -> Result<()> {
    let others = [
        (args.cheat.is_some(), "--cheat"),
        (args.drop_every.is_some(), "--drop-every"),
        (args.planet.is_some(), "--planet"),
        (args.download, "--download"),
        (args.durable, "--durable"),
    ];
    for (is_given, name) in others {
        if is_given {
            return Err(Misuse(format!("{name} is for bots that check, without --pattern")).into());
        }
    }
    if !(1.0..=10_000.0).contains(&args.load.within_m) {
        return Err(Misuse("--within-m must be 1 to 10000 metres".into()).into());
    }
    if args.load.hz.is_some_and(|hz| !(1.0..=120.0).contains(&hz)) {
        return Err(Misuse("--hz must be 1 to 120 datagrams a second".into()).into());
    }
    let is_socket = args.load.in_process.is_none();
    if is_socket && args.load.spread > 1 && !args.addr().is_ipv4() {
        return Err(Misuse("--spread needs a server at an address of IPv4".into()).into());
    }
    Ok(())
}

fn errand(
    args: &BotsArgs,
    pattern: Pattern,
    (thread, count, begin): (u32, u32, Instant),
) -> Errand {
    let load = &args.load;
    let warm = begin + Duration::from_secs(load.warm_up);
    let is_storm = pattern == Pattern::ReconnectStorm;
    Errand {
        server: args.addr(),
        from: addresses(args, thread),
        bots: (0..count).filter(|n| n % args.threads == thread).collect(),
        pattern,
        within_m: load.within_m,
        whole_one_in: load.whole_one_in,
        hz: load.hz,
        seed: args.seed,
        begin,
        warm,
        gap: Duration::from_secs(1) / args.rate,
        storm_at: is_storm.then(|| warm + Duration::from_secs(load.storm_at)),
        insist: Duration::from_secs(load.insist),
    }
}

/// Where a thread's bots come from.
fn addresses(args: &BotsArgs, thread: u32) -> Vec<IpAddr> {
    if args.addr().is_ipv6() {
        return vec![std::net::Ipv6Addr::UNSPECIFIED.into()];
    }
    if args.load.spread == 1 {
        return vec![Ipv4Addr::UNSPECIFIED.into()];
    }
    let spread = u32::from(args.load.spread);
    let nth = |n: u32| Ipv4Addr::new(127, 1 + (n >> 8) as u8, n as u8, 1).into();
    (0..spread).map(|n| nth(thread * spread + n)).collect()
}

fn start(
    errand: Errand,
    tickets: Arc<Purse>,
    (stop, sums): (Arc<AtomicBool>, Arc<Mutex<Sums>>),
    ended: std::sync::mpsc::Sender<End>,
) -> Result<JoinHandle<Result<()>>> {
    let thread = std::thread::Builder::new().name("bots".into());
    thread
        .spawn(move || {
            let carried = Crew::new(errand, tickets).and_then(|crew| crew.carry(&stop, &sums));
            let _ = ended.send(End::Thread);
            carried
        })
        .context("cannot start a thread")
}

/// Prints how it goes until the time is up, the leash is let go or a signal comes.
fn watch(args: &BotsArgs, (board, begin): (&[Arc<Mutex<Sums>>], Instant), ends: &Receiver<End>) {
    let deadline = args.seconds.map(|s| begin + Duration::from_secs(s));
    loop {
        let left = deadline.map_or(Duration::MAX, |d| {
            d.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            return;
        }
        match ends.recv_timeout(left.min(Duration::from_secs(1))) {
            Err(RecvTimeoutError::Timeout) => tell(args, &report(args, board, begin)),
            // A thread that ends by itself has failed, and says why when it is joined.
            Ok(End::Asked | End::Thread) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn report(args: &BotsArgs, board: &[Arc<Mutex<Sums>>], begin: Instant) -> LoadReport {
    let mut all = Sums::default();
    for sums in board {
        all.add(&sums.lock().unwrap_or_else(PoisonError::into_inner));
    }
    let warm = begin + Duration::from_secs(args.load.warm_up);
    LoadReport::new(&all, args.load.late_max_ms, warm.elapsed())
}

fn tell(args: &BotsArgs, report: &LoadReport) {
    use std::io::IsTerminal;
    if args.json {
        say(report.json());
    } else if report.has_summary || std::io::stdout().is_terminal() {
        say(report.text());
    }
}
