//! `bluemarble bots`: real clients, many to a thread, that walk about and check what they receive.

mod cheat;
mod check;
mod course;
mod ledger;
mod line;
#[cfg(target_os = "linux")]
mod load;
mod tally;
mod visit;
mod walk;

use std::io::{BufRead, IsTerminal, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use net_proto::quic::client_endpoint;
use net_proto::{Audience, PlayerId, PlayerName, Ticket};
use spatial_core::Terrain;
use tokio::sync::watch;

use super::Misuse;
use super::serve::Signals;
use super::token::{TTL_S, open_issuer, parse_audience};
use crate::issuer::Issuer;
use crate::server::open_planet;

use cheat::Cheat;
use tally::Tally;
pub(super) use tally::{FleetReport, Line};
use walk::{Bot, Drops, Errand, Ground};

/// One bot in so many tries the speed limit.
const SPRINTERS_ONE_IN: u32 = 10;
/// How long farewells may take.
const GOODBYE: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(super) struct BotsArgs {
    /// The server
    #[arg(long, value_name = "ADDRESS")]
    #[cfg_attr(target_os = "linux", arg(required_unless_present = "in_process"))]
    #[cfg_attr(not(target_os = "linux"), arg(required = true))]
    addr: Option<SocketAddr>,
    /// The server's data directory: bots sign their own tickets. Without it, tickets are read from standard input,
    /// one a line
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The world
    #[arg(long, default_value_t = 1, value_name = "N")]
    world: u16,
    /// Whom the bots' tickets are for, where the server is configured with an audience
    #[arg(long, env = "BLUEMARBLE_AUDIENCE", value_name = "HEX", value_parser = parse_audience)]
    audience: Option<Audience>,
    /// How many bots
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// End after so many seconds
    #[arg(long, value_name = "S")]
    seconds: Option<u64>,
    /// Number of the first bot's player
    #[arg(long, default_value_t = 1, value_name = "N")]
    first_player: u64,
    /// Bots that connect in a second
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Threads that carry them
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// The server's hysteresis of interest, metres: what is seen may be so much beyond the radius
    #[arg(long, default_value_t = 10.0, value_name = "M")]
    hysteresis_m: f64,
    /// The planet that is served: bots then also predict their avatars, and check that everybody stands on the ground
    #[arg(long, value_name = "PATH")]
    planet: Option<PathBuf>,
    /// Predict over the ground that the server sends, as who has no planet does
    #[arg(long)]
    download: bool,
    /// After two seconds do what no honest client does; good is then that every avatar is stopped or every session ended for it
    #[arg(long, value_enum, value_name = "CHEAT")]
    cheat: Option<Cheat>,
    /// Bots lose their lines every so many seconds, about, without a word, and come back to their avatars
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    drop_every: Option<u32>,
    /// So many of 100 bots do
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    drop_percent: u32,
    /// They stay away for up to so many seconds; a server notices after ten
    #[arg(long, default_value_t = 0.0, value_name = "S")]
    drop_for: f64,
    /// Fail unless bots see so many others, on average
    #[arg(long, default_value_t = 0.0, value_name = "N")]
    seen_min: f64,
    /// Seed of the walks
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// End when standard input closes (needs --data)
    #[arg(long)]
    leash: bool,
    /// Lower the bots' priority by so much, so that a server on the same machine goes first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..=19))]
    nice: Option<i32>,
    /// Print a line for everything that a bot is told is on the disk: ticks, state hashes, its avatar, its inputs
    /// (JSON)
    #[arg(long)]
    durable: bool,
    /// Print JSON lines instead of text
    #[arg(long)]
    json: bool,
    #[cfg(target_os = "linux")]
    #[command(flatten)]
    load: load::LoadArgs,
}

impl BotsArgs {
    /// The server.
    fn addr(&self) -> SocketAddr {
        self.addr.expect("nobody asks who plays in the process")
    }
}

pub(super) fn run(args: &BotsArgs) -> Result<ExitCode> {
    if let Some(by) = args.nice {
        rustix::process::nice(by).context("cannot lower the priority")?;
    }
    #[cfg(target_os = "linux")]
    if let Some(pattern) = args.load.pattern() {
        return load::run(args, pattern);
    }
    if args.cheat == Some(Cheat::Forge) && args.planet.is_none() && !args.download {
        return Err(Misuse(
            "--cheat forge needs --planet or --download: who predicts nothing says nothing".into(),
        )
        .into());
    }
    if args.cheat.is_some() && args.drop_every.is_some() {
        return Err(Misuse("--cheat and --drop-every do not go together".into()).into());
    }
    if !(0.0..=3_600.0).contains(&args.drop_for) {
        return Err(Misuse("--drop-for must be 0 to 3600 seconds".into()).into());
    }
    let planet = args.planet.as_deref().map(open_planet).transpose()?;
    let ground = planet.map(|store| Ground {
        terrain: Arc::new(Terrain::new(Arc::clone(&store))),
        store,
    });
    let purse = Arc::new(Purse::open(args)?);
    let count = purse.count(args.count);
    let tally = Arc::new(Tally::new(count, args));
    let (stop, stopped) = watch::channel(false);
    let (ended, ends) = std::sync::mpsc::channel();
    watch_for_end(args.leash, &ended)?;
    let threads = (0..args.threads)
        .map(|thread| {
            spawn(
                args,
                thread,
                (&purse, count, &ground),
                (&tally, &stopped),
                ended.clone(),
            )
        })
        .collect::<Result<Vec<_>>>()?;
    drop(ended);
    report(args, &tally, &ends);
    let _ = stop.send(true);
    for thread in threads {
        thread
            .join()
            .map_err(|_| anyhow!("a bots' thread panicked"))??;
    }
    let last = tally.report(true);
    say(args, &last);
    Ok(if last.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Why the wait may be over.
enum End {
    /// A signal came, or the leash was let go.
    Asked,
    /// A thread's bots have all ended.
    Thread,
}

/// Threads that end with the process: one waits for a signal, one for the leash.
fn watch_for_end(leash: bool, ended: &std::sync::mpsc::Sender<End>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let on_signal = ended.clone();
    std::thread::spawn(move || {
        runtime.block_on(signals.next());
        let _ = on_signal.send(End::Asked);
    });
    if leash {
        let on_leash = ended.clone();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = on_leash.send(End::Asked);
        });
    }
    Ok(())
}

/// Prints how it goes until the time is up, the leash is let go, a signal comes or every bot has ended.
fn report(args: &BotsArgs, tally: &Tally, ends: &std::sync::mpsc::Receiver<End>) {
    let deadline = args
        .seconds
        .map(|s| Instant::now() + Duration::from_secs(s));
    let mut threads_ended = 0;
    loop {
        let left = deadline.map_or(Duration::MAX, |d| {
            d.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            return;
        }
        match ends.recv_timeout(left.min(Duration::from_secs(1))) {
            Err(RecvTimeoutError::Timeout) => say(args, &tally.report(false)),
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(End::Asked) => return,
            Ok(End::Thread) => {
                threads_ended += 1;
                if threads_ended >= args.threads {
                    return;
                }
            }
        }
    }
}

fn say(args: &BotsArgs, report: &FleetReport) {
    if args.json {
        tally::print(&Line::Bots(Box::new(report.clone())));
    } else if report.has_summary || std::io::stdout().is_terminal() {
        super::out::say(report.text());
    }
}

/// Where tickets come from.
enum Purse {
    Issuer(Box<Issuer>, u64),
    Tickets(Vec<Ticket>),
}

impl Purse {
    fn open(args: &BotsArgs) -> Result<Self> {
        if let Some(data) = &args.data {
            let issuer = open_issuer(data, args.world, args.audience)?;
            return Ok(Self::Issuer(Box::new(issuer), args.first_player));
        }
        if args.leash {
            return Err(
                Misuse("--leash needs --data: standard input holds the tickets".into()).into(),
            );
        }
        let lines = std::io::stdin().lock().lines();
        let mut tickets = Vec::new();
        for (n, line) in lines.enumerate() {
            let line = line.context("cannot read tickets from standard input")?;
            let ticket = line.trim().parse();
            tickets
                .push(ticket.map_err(|e| Misuse(format!("standard input, line {}: {e}", n + 1)))?);
        }
        Ok(Self::Tickets(tickets))
    }

    fn count(&self, wanted: u32) -> u32 {
        match self {
            Self::Issuer(..) => wanted,
            Self::Tickets(tickets) => tickets.len() as u32,
        }
    }

    /// The ticket of the nth bot; where they are made, a new one.
    fn ticket(&self, n: u32) -> Result<Ticket> {
        match self {
            Self::Tickets(tickets) => Ok(tickets[n as usize].clone()),
            Self::Issuer(issuer, first) => {
                let name = PlayerName::new(&format!("bot {n}"))?;
                Ok(issuer.ticket(PlayerId(first + u64::from(n)), name, TTL_S)?)
            }
        }
    }
}

/// How the nth bot loses its line, if it does.
fn drops(args: &BotsArgs, n: u32) -> Option<Drops> {
    let every = Duration::from_secs(u64::from(args.drop_every?));
    // The 100 of every hundred are spread over it.
    let drops = n * 37 % 100 < args.drop_percent;
    let away = Duration::from_secs_f64(args.drop_for);
    drops.then_some(Drops { every, away })
}

/// Starts the thread that carries every `threads`-th bot.
fn spawn(
    args: &BotsArgs,
    thread: u32,
    (purse, count, ground): (&Arc<Purse>, u32, &Option<Ground>),
    (tally, stopped): (&Arc<Tally>, &watch::Receiver<bool>),
    ended: std::sync::mpsc::Sender<End>,
) -> Result<JoinHandle<Result<()>>> {
    let mut bots = Vec::new();
    for n in (0..count).filter(|n| n % args.threads == thread) {
        let bot = Bot {
            errand: Errand {
                addr: args.addr(),
                seed: args.seed.wrapping_mul(1_000_003) ^ u64::from(n),
                hysteresis_m: args.hysteresis_m,
                ground: ground.clone(),
                downloads: args.download,
                cheat: args.cheat,
                drops: drops(args, n),
                sprints: n % SPRINTERS_ONE_IN == 0,
                starts_after: Duration::from_secs(1) * n / args.rate,
            },
            tally: Arc::clone(tally),
            stopped: stopped.clone(),
        };
        let purse = Arc::clone(purse);
        bots.push((bot, Box::new(move || purse.ticket(n)) as Fetch));
    }
    let addr = args.addr();
    Ok(std::thread::Builder::new()
        .name(format!("bots-{thread}"))
        .spawn(move || {
            let done = carry(addr, bots);
            let _ = ended.send(End::Thread);
            done
        })?)
}

type Fetch = Box<dyn FnOnce() -> Result<Ticket> + Send>;

fn carry(addr: SocketAddr, bots: Vec<(Bot, Fetch)>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let endpoint = client_endpoint(addr)?;
        let running: Vec<_> = bots
            .into_iter()
            .map(|(bot, ticket)| tokio::spawn(bot.run(endpoint.clone(), ticket)))
            .collect();
        for bot in running {
            bot.await.context("a bot panicked")?;
        }
        let _ = tokio::time::timeout(GOODBYE, endpoint.wait_idle()).await;
        Ok(())
    })
}
