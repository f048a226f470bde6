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

/// A running `bluemarble bots`.
pub(super) struct Fleet {
    child: Child,
    /// Closing it asks the bots to end.
    leash: Option<ChildStdin>,
    latest: Arc<Mutex<FleetReport>>,
    reader: Option<JoinHandle<()>>,
}

impl Fleet {
    pub(super) fn start(
        addr: SocketAddr,
        data: &Path,
        count: u32,
        seconds: Option<u64>,
    ) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args([
                "bots",
                "--json",
                "--leash",
                "--nice=10",
                "--addr",
                &addr.to_string(),
            ])
            .args([
                "--data",
                super::text_of(data)?,
                "--count",
                &count.to_string(),
            ])
            .args(seconds.map(|s| format!("--seconds={s}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the bots")?;
        let latest = Arc::new(Mutex::new(FleetReport::default()));
        let reader = child.stdout.take().map(|out| {
            let latest = Arc::clone(&latest);
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if let Ok(Line::Bots(report)) = serde_json::from_str(&line) {
                        *latest.lock().unwrap_or_else(PoisonError::into_inner) = report;
                    }
                }
            })
        });
        Ok(Self {
            leash: child.stdin.take(),
            child,
            latest,
            reader,
        })
    }

    pub(super) fn latest(&self) -> FleetReport {
        let latest = self.latest.lock();
        latest.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub(super) fn ask_to_end(&mut self) {
        self.leash = None;
    }

    /// Waits for the bots to end, no longer than `patience`, and returns their last word.
    pub(super) fn end(mut self, patience: Duration) -> FleetReport {
        self.ask_to_end();
        let deadline = Instant::now() + patience;
        while !self.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Killing what has ended does nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.latest()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // Reached with a living child only when the demo fails: it must not outlive us.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
