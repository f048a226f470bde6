//! The bots' process, seen from the demo.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

pub(super) use crate::cli::bots::FleetReport;
use crate::cli::bots::Line;

/// What the bots need to know.
pub(super) struct Crew<'a> {
    pub(super) addr: SocketAddr,
    pub(super) data: &'a Path,
    pub(super) planet: &'a Path,
    pub(super) count: u32,
    /// Without it they stay until they are asked to end.
    pub(super) seconds: Option<u64>,
    /// Others that they must see on average.
    pub(super) seen_min: f64,
}

/// A running `bluemarble bots`; or, if none were wanted, nothing but the time that they would have stayed.
pub(super) struct Fleet {
    child: Option<Child>,
    ends: Option<Instant>,
    /// Closing it asks the bots to end.
    leash: Option<ChildStdin>,
    latest: Arc<Mutex<FleetReport>>,
    reader: Option<JoinHandle<()>>,
}

impl Fleet {
    pub(super) fn start(crew: &Crew<'_>) -> Result<Self> {
        let ends = crew
            .seconds
            .map(|s| Instant::now() + Duration::from_secs(s));
        if crew.count == 0 {
            return Ok(Self {
                child: None,
                ends,
                leash: None,
                latest: Arc::default(),
                reader: None,
            });
        }
        let mut child = command(crew)?.spawn().context("cannot start the bots")?;
        let latest = Arc::new(Mutex::new(FleetReport::default()));
        let reader = child.stdout.take().map(|out| {
            let latest = Arc::clone(&latest);
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if let Ok(Line::Bots(report)) = serde_json::from_str(&line) {
                        *latest.lock().unwrap_or_else(PoisonError::into_inner) = *report;
                    }
                }
            })
        });
        Ok(Self {
            leash: child.stdin.take(),
            child: Some(child),
            ends,
            latest,
            reader,
        })
    }

    pub(super) fn latest(&self) -> FleetReport {
        let latest = self.latest.lock();
        latest.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn has_ended(&mut self) -> bool {
        match &mut self.child {
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => self.ends.is_some_and(|ends| Instant::now() >= ends),
        }
    }

    pub(super) fn ask_to_end(&mut self) {
        self.leash = None;
    }

    /// Waits for the bots to end, no longer than `patience`, and returns their last word.
    pub(super) fn end(mut self, patience: Duration) -> FleetReport {
        self.ask_to_end();
        let deadline = Instant::now() + patience;
        while self.child.is_some() && !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.reap();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.latest()
    }

    fn reap(&mut self) {
        if let Some(child) = &mut self.child {
            // Killing what has ended does nothing.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn command(crew: &Crew<'_>) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["bots", "--json", "--leash", "--nice=10"])
        .arg(format!("--addr={}", crew.addr))
        .arg(format!("--count={}", crew.count))
        .arg(format!("--seen-min={}", crew.seen_min))
        .args(crew.seconds.map(|s| format!("--seconds={s}")))
        .arg("--data")
        .arg(crew.data)
        .arg("--planet")
        .arg(crew.planet)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Ok(command)
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // Reached with a living child only when the demo fails: it must not outlive us.
        self.reap();
    }
}
