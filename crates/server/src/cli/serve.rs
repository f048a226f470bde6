//! `bluemarble serve`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::out::Speaker;
use crate::config::{Config, Settings};
use crate::server::Server;

/// How often a server that has ended by itself is noticed.
const WATCH: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(super) struct ServeArgs {
    /// Configuration file (TOML); the environment and flags override it
    #[arg(long, env = "BLUEMARBLE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// Print JSON lines instead of text
    #[arg(long)]
    json: bool,
}

/// Settings from flags and environment, then from a file.
pub(super) fn config(settings: Settings, file: Option<&PathBuf>) -> Result<Config> {
    Settings::check_variables(std::env::vars_os().map(|(name, _)| name))?;
    let file = file.map(|path| Settings::read(path)).transpose()?;
    Ok(Config::new(settings.or(file.unwrap_or_default()))?)
}

pub(super) fn run(args: ServeArgs) -> Result<ExitCode> {
    let config = config(args.settings, args.config.as_ref())?;
    let status_s = config.status_s;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Before the server starts: a signal that comes early must not kill it half-way.
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let server = Server::start(config)?;
    let out = Output {
        json: args.json,
        speaker: Speaker::new()?,
    };
    out.listening(&server);
    let reason = runtime.block_on(watch(&server, &mut signals, status_s, &out));
    let last = server.stop()?;
    out.stopped(reason, &last);
    Ok(ExitCode::SUCCESS)
}

/// Prints the status until a signal comes or the server ends; says which.
async fn watch(
    server: &Server,
    signals: &mut Signals,
    status_s: u32,
    out: &Output,
) -> &'static str {
    let every = Duration::from_secs(if status_s == 0 {
        3_600
    } else {
        status_s.into()
    });
    let mut status = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    let mut check = tokio::time::interval(WATCH);
    loop {
        tokio::select! {
            reason = signals.next() => return reason,
            _ = status.tick(), if status_s > 0 => out.status(server),
            _ = check.tick() => if !server.is_running() {
                return "the world ended";
            },
        }
    }
}

/// The signals that ask a process to end.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self> {
        let catch = |kind| signal(kind).context("cannot catch signals");
        Ok(Self {
            interrupt: catch(SignalKind::interrupt())?,
            terminate: catch(SignalKind::terminate())?,
        })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

struct Output {
    json: bool,
    speaker: Speaker,
}

impl Output {
    fn listening(&self, server: &Server) {
        let (addr, found) = (server.local_addr(), server.status());
        if self.json {
            self.speaker
                .say(json!({ "event": "listening", "addr": addr, "status": found }));
        } else {
            self.speaker.say(format_args!(
                "listening on {addr}; world at tick {} ({} journal entries replayed)",
                found.recovered_tick, found.recovered_entries
            ));
        }
    }

    fn status(&self, server: &Server) {
        let status = server.status();
        if self.json {
            self.speaker
                .say(json!({ "event": "status", "status": status }));
        } else {
            self.speaker.say(status.line());
        }
    }

    fn stopped(&self, reason: &str, last: &crate::status::Status) {
        if self.json {
            self.speaker
                .say(json!({ "event": "stopped", "reason": reason, "status": last }));
        } else {
            self.speaker.say(format_args!(
                "stopped ({reason}) at tick {}, state hash {}",
                last.tick, last.state_hash
            ));
        }
    }
}
