//! `bluemarble demo`: the Earth, ten thousand agents, two hundred bots, one command.

mod fleet;
mod view;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use super::out::say;
use super::serve::Signals;
use crate::config::{Config, Settings};
use crate::server::Server;
use crate::status::Status;
use crate::towns::town_radius_m;
use fleet::{Crew, Fleet, FleetReport};
use view::View;

/// The tick of a world at 30 Hz: what its work must stay below.
const TICK_MS: f64 = 33.0;
/// How often the view is drawn, and how often lines are printed where there is no terminal.
const DRAW: Duration = Duration::from_millis(500);
const LINE: Duration = Duration::from_secs(2);
/// What bots may take, beyond their time, to connect and to say goodbye.
const FLEET_GRACE: Duration = Duration::from_secs(20);
/// How long no agent may enter before the demo gives up.
const ENTERING: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(super) struct DemoArgs {
    /// End after so many seconds with a summary; without it the demo runs until Ctrl-C
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Wandering agents
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    agents: u32,
    /// Bots: real clients, in a process of their own
    #[arg(long, default_value_t = 200, value_name = "N")]
    bots: u32,
    /// The planet; by default the bundled Earth
    #[arg(long, env = "BLUEMARBLE_PLANET", value_name = "PATH")]
    planet: Option<PathBuf>,
    /// Print JSON lines instead of a view
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &DemoArgs) -> Result<ExitCode> {
    let planet = args.planet.clone().map_or_else(bundled_earth, Ok)?;
    let data = tempfile::Builder::new()
        .prefix("bluemarble-demo-")
        .tempdir()
        .context("cannot make a directory for the demo's world")?;
    let config = Config::new(Settings {
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        planet: Some(planet.clone()),
        data_dir: Some(data.path().to_owned()),
        agents: Some(args.agents),
        players_max: Some(args.bots.max(1)),
        ..Settings::default()
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Caught from here on: whenever the end is asked for, what was made is removed.
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let seen_min = seen_min(&config, args.bots);
    let server = Server::start(config)?;
    let all_in = runtime.block_on(wait_for_agents(&server, args.agents, &mut signals))?;
    if !all_in {
        server.stop()?;
        return Err(anyhow!("asked to end before all agents had entered"));
    }
    let crew = Crew {
        addr: server.local_addr(),
        data: data.path(),
        planet: &planet,
        count: args.bots,
        seconds: args.seconds,
        seen_min,
    };
    let fleet = Fleet::start(&crew)?;
    let summary = runtime.block_on(watch(args, server, fleet, &mut signals))?;
    if args.json {
        say(summary.to_json());
    } else {
        say(summary.text());
    }
    Ok(if summary.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The pack that comes with the sources: below the working directory, or beside the program's own folders.
fn bundled_earth() -> Result<PathBuf> {
    const PACK: &str = "assets/earth-1024.pack";
    let here = std::env::current_dir()?;
    let program = std::env::current_exe()?;
    let found = here
        .ancestors()
        .chain(program.ancestors())
        .map(|dir| dir.join(PACK))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        anyhow!("{PACK} not found: run from the project's folder, or name a planet with --planet")
    })
}

/// How many others a bot should see at least: four fifths of what residents and bots, anywhere in a town, see of each
/// other.
fn seen_min(config: &Config, bots: u32) -> f64 {
    const SHARE: f64 = 0.8;
    let residents = f64::from(config.agents + bots) / f64::from(config.towns);
    let apart = config.interest_radius_m / town_radius_m(config);
    SHARE * (residents - 1.0).max(0.0) * share_within(apart)
}

/// The share of pairs of points in a unit disc that are no farther apart than this.
fn share_within(apart: f64) -> f64 {
    use core::f64::consts::{FRAC_2_PI, PI};
    if apart >= 2.0 {
        return 1.0;
    }
    let square = apart * apart;
    1.0 + FRAC_2_PI * (square - 1.0) * (apart / 2.0).acos()
        - apart / PI * (1.0 + square / 2.0) * (1.0 - square / 4.0).sqrt()
}

/// Waits until all agents are in; false when the end was asked for before.
async fn wait_for_agents(server: &Server, agents: u32, signals: &mut Signals) -> Result<bool> {
    let (mut last, mut since) = (0, Instant::now());
    let mut look = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            _ = signals.next() => return Ok(false),
            _ = look.tick() => {}
        }
        let now = server.status().entities;
        if now >= agents {
            return Ok(true);
        }
        if now > last {
            (last, since) = (now, Instant::now());
        }
        if since.elapsed() > ENTERING || !server.is_running() {
            return Err(anyhow!(
                "only {now} of {agents} agents entered, and none in the last {} s",
                since.elapsed().as_secs()
            ));
        }
    }
}

/// Shows both sides until the fleet ends or somebody asks for the end.
async fn watch(
    args: &DemoArgs,
    server: Server,
    mut fleet: Fleet,
    signals: &mut Signals,
) -> Result<Summary> {
    let started = Instant::now();
    let deadline = args
        .seconds
        .map(|s| started + Duration::from_secs(s) + FLEET_GRACE);
    let is_live = !args.json && std::io::stdout().is_terminal();
    let mut view = View::new(is_live);
    let mut draw = tokio::time::interval(if is_live { DRAW } else { LINE });
    let mut during = server.status();
    loop {
        tokio::select! {
            _ = signals.next() => {
                fleet.ask_to_end();
                break;
            }
            _ = draw.tick() => {}
        }
        let (status, bots) = (server.status(), fleet.latest());
        if args.json {
            say(json!({ "event": "demo", "server": status, "bots": bots }));
        } else {
            view.show(started.elapsed(), &status, &bots);
        }
        if status.players >= during.players {
            during = status; // while all are still in
        }
        let is_late = deadline.is_some_and(|d| Instant::now() > d);
        if fleet.has_ended() || is_late || !server.is_running() {
            break;
        }
    }
    let report = fleet.end(FLEET_GRACE);
    let stopped = server.stop()?;
    Ok(Summary {
        bots_wanted: args.bots,
        during,
        stopped,
        report,
    })
}

/// How it went.
struct Summary {
    bots_wanted: u32,
    during: Status,
    stopped: Status,
    report: FleetReport,
}

impl Summary {
    fn is_good(&self) -> bool {
        self.failures().is_empty()
    }

    /// What was promised and not kept.
    fn failures(&self) -> Vec<String> {
        let r = &self.report;
        let p99 = self.stopped.tick_ms.p99;
        let checks = [
            (
                r.connected == u64::from(self.bots_wanted),
                "not all bots connected",
            ),
            (r.disconnects == 0, "bots were disconnected"),
            (r.protocol_errors == 0, "protocol errors"),
            (
                r.digests_matched > 0 || self.bots_wanted == 0,
                "no digest was compared",
            ),
            (r.sees_enough(), "bots saw too few others"),
            (r.obeys(), "avatars did not go where they were asked to"),
            (r.digest_mismatches == 0, "digests differed"),
            (r.violations == 0, "bots saw what must not be"),
            (
                r.has_summary || self.bots_wanted == 0,
                "the bots ended without a summary",
            ),
            (p99 < TICK_MS, "tick work p99 is not under 33 ms"),
        ];
        let broken = checks.into_iter().filter(|(holds, _)| !holds);
        broken.map(|(_, what)| what.to_owned()).collect()
    }

    fn text(&self) -> String {
        let (r, s) = (&self.report, &self.stopped);
        let verdict = match self.failures().as_slice() {
            [] => "all promises kept".to_owned(),
            failures => format!("FAILED: {}{}", failures.join("; "), r.what_failed()),
        };
        format!(
            "{} of {} bots connected over QUIC · {} disconnects · {} protocol errors · {} digest mismatches, \
             {} matches, {} unknown · {} violations\n\
             {} entities · tick work p50 {:.2} p99 {:.2} max {:.2} ms over {} ticks · {} skipped\n\
             each player saw {:.0} others and received {:.1} kB/s ({:.1} kB/s with packet headers) · journal {:.1} kB/s\n\
             {verdict}",
            r.connected,
            self.bots_wanted,
            r.disconnects,
            r.protocol_errors,
            r.digest_mismatches,
            r.digests_matched,
            r.digests_unknown,
            r.violations,
            self.during.entities,
            s.tick_ms.p50,
            s.tick_ms.p99,
            s.tick_ms.max,
            s.tick_ms.count,
            s.ticks_skipped,
            r.seen_mean,
            r.bytes_per_player_s / 1e3,
            r.wire_bytes_per_player_s / 1e3,
            s.journal_bytes as f64 / 1e3 / (s.tick_ms.count.max(1) as f64 / 30.0),
        )
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "event": "summary",
            "server": self.stopped,
            "bots": self.report,
            "failures": self.failures(),
        })
    }
}
