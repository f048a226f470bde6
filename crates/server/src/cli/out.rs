//! Lines on standard output, which may be a pipe that nobody reads.

use std::fmt::Display;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Status lines that wait for a slow reader; beyond that they are dropped.
const WAITING_MAX: usize = 64;
/// How long a process that ends waits for its last lines to leave.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A line at once: whoever reads it from a pipe is waiting, and nobody reading is no failure.
pub(super) fn say(line: impl Display) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Says lines from a thread of its own: who calls never waits for who reads.
pub(super) struct Speaker {
    lines: Option<SyncSender<String>>,
    done: Receiver<()>,
}

impl Speaker {
    pub(super) fn new() -> std::io::Result<Self> {
        let (lines, spoken) = sync_channel::<String>(WAITING_MAX);
        let (finished, done) = channel();
        std::thread::Builder::new()
            .name("speaker".into())
            .spawn(move || {
                spoken.iter().for_each(say);
                let _ = finished.send(());
            })?;
        Ok(Self {
            lines: Some(lines),
            done,
        })
    }

    /// Queues a line; drops it when too many wait.
    pub(super) fn say(&self, line: impl Display) {
        if let Some(lines) = &self.lines {
            let _ = lines.try_send(line.to_string());
        }
    }
}

impl Drop for Speaker {
    /// Waits a moment for the queued lines; a reader who does not read keeps nobody from ending.
    fn drop(&mut self) {
        self.lines = None;
        let _ = self.done.recv_timeout(LAST_WORDS);
    }
}
