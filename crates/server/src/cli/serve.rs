//! `bluemarble serve`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::log::Log;
use super::out::Speaker;
use crate::config::{Config, ConfigError, Settings};
use crate::operations::Supervisor;
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

impl ServeArgs {
    /// Settings from flags and environment, then from the file as it is now.
    fn configuration(&self) -> Result<Config, ConfigError> {
        Settings::check_variables(std::env::vars_os().map(|(name, _)| name))?;
        let file = self.config.as_deref().map(Settings::read).transpose()?;
        Config::new(self.settings.clone().or(file.unwrap_or_default()))
    }
}

pub(super) fn run(args: &ServeArgs) -> Result<ExitCode> {
    let config = args.configuration()?;
    let log = Log::start(config.log, &config.log_level)?;
    let supervisor = Supervisor::from_environment();
    let status_s = config.status_s;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Before the server starts: a signal that comes early must not kill it half-way.
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let mut hang_up = runtime.block_on(async { signal(SignalKind::hangup()) })?;
    let server = Server::start(config)?;
    let out = Output {
        json: args.json,
        speaker: Speaker::new()?,
    };
    out.listening(&server);
    let reason = loop {
        let watching = watch(
            &server,
            (&mut signals, &mut hang_up),
            (status_s, &supervisor),
            &out,
        );
        match runtime.block_on(watching) {
            Asked::Reload => reload(args, &server, &log, &out),
            Asked::Stop(reason) => break reason,
        }
    };
    supervisor.say("STOPPING=1");
    if server.is_running() {
        out.draining(reason);
        server.drain();
    }
    let last = server.stop()?;
    out.stopped(reason, &last);
    Ok(ExitCode::SUCCESS)
}

/// Takes what can change of the configuration as it is now, and the list of the kept out. What is wrong stays as it was.
fn reload(args: &ServeArgs, server: &Server, log: &Log, out: &Output) {
    if let Err(error) = server.read_bans() {
        tracing::error!(%error, "the list of the kept out stays");
    }
    match args.configuration() {
        Ok(config) => {
            let refused = server.reload(&config);
            log.set(&config.log_level);
            for key in &refused {
                tracing::error!(key, "this key needs a restart: the old value stays");
            }
            out.reloaded(&refused);
        }
        Err(error) => tracing::error!(%error, "the configuration stays"),
    }
}

/// What a watched server is to do.
enum Asked {
    Reload,
    Stop(&'static str),
}

/// Prints the status, and tells the supervisor, until a signal comes or the server ends.
async fn watch(
    server: &Server,
    (signals, hang_up): (&mut Signals, &mut Signal),
    (status_s, supervisor): (u32, &Supervisor),
    out: &Output,
) -> Asked {
    let pulse = supervisor.pulse().unwrap_or(Duration::from_secs(3_600));
    let mut pulse = tokio::time::interval(pulse);
    let mut is_told = false;
    let every = Duration::from_secs(if status_s == 0 {
        3_600
    } else {
        status_s.into()
    });
    let mut status = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    let mut check = tokio::time::interval(WATCH);
    loop {
        tokio::select! {
            reason = signals.next() => return Asked::Stop(reason),
            _ = hang_up.recv() => return Asked::Reload,
            // Whoever hears nothing restarts the server.
            _ = pulse.tick() => if server.is_live() {
                supervisor.say("WATCHDOG=1");
            },
            _ = status.tick(), if status_s > 0 => out.status(server),
            _ = check.tick() => {
                if !server.is_running() {
                    return Asked::Stop("the world ended");
                }
                if !is_told && server.is_ready() {
                    is_told = true;
                    supervisor.say("READY=1");
                }
            }
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
        let http = server.http_addr();
        if self.json {
            self.speaker
                .say(json!({ "event": "listening", "addr": addr, "http": http, "status": found }));
        } else {
            self.speaker.say(format_args!(
                "listening on {addr}; world at tick {} ({} journal entries replayed)",
                found.recovered_tick, found.recovered_entries
            ));
            if let Some(http) = http {
                self.speaker
                    .say(format_args!("health and metrics on http://{http}"));
            }
        }
    }

    fn reloaded(&self, refused: &[&str]) {
        if self.json {
            self.speaker
                .say(json!({ "event": "reloaded", "refused": refused }));
        } else if refused.is_empty() {
            self.speaker.say("configuration read again");
        } else {
            let keys = refused.join(", ");
            self.speaker.say(format_args!(
                "configuration read again; these keys need a restart and stay: {keys}"
            ));
        }
    }

    fn draining(&self, reason: &str) {
        if self.json {
            self.speaker
                .say(json!({ "event": "draining", "reason": reason }));
        } else {
            self.speaker.say(format_args!("stopping ({reason})"));
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
