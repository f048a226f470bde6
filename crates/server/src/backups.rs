//! Backups on a schedule, by a thread of their own: neither the tick nor the store waits for them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::persist::{StorageError, back_up};
use crate::status::StatusBoard;

/// The schedule; dropping it breaks off what is being copied.
#[derive(Debug)]
pub(crate) struct Backups {
    stop: Option<Sender<()>>,
    is_stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What is copied where.
struct Plan {
    data: PathBuf,
    out: PathBuf,
    world: u16,
    board: Arc<StatusBoard>,
    is_stopping: Arc<AtomicBool>,
}

impl Backups {
    /// Starts the schedule, if there is one.
    pub(crate) fn start(
        config: &Config,
        board: &Arc<StatusBoard>,
    ) -> std::io::Result<Option<Self>> {
        let Some(out) = config.backup_dir.clone() else {
            return Ok(None);
        };
        let is_stopping = Arc::new(AtomicBool::new(false));
        let plan = Plan {
            data: config.data_dir.clone(),
            out,
            world: config.world,
            board: Arc::clone(board),
            is_stopping: Arc::clone(&is_stopping),
        };
        let every = Duration::from_secs(config.backup_every_s.into());
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("backup".into())
            .spawn(move || {
                while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    plan.run();
                }
            })?;
        Ok(Some(Self {
            stop: Some(stop),
            is_stopping,
            thread: Some(thread),
        }))
    }
}

impl Drop for Backups {
    fn drop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // what it was doing it has said
        }
    }
}

impl Plan {
    /// One backup. A failure is counted and told; the next one is due all the same.
    fn run(&self) {
        let begun = Instant::now();
        let goes_on = |_, _| !self.is_stopping.load(Ordering::Acquire);
        match back_up(&self.data, &self.out, self.world, &goes_on) {
            Ok(done) => {
                tracing::info!(tick = done.end_tick, bytes = done.bytes_new, "backed up");
                self.board.update(|s| {
                    s.backups += 1;
                    s.backup_tick = done.end_tick;
                    s.backup_s = begun.elapsed().as_secs_f64();
                });
            }
            Err(StorageError::BrokenOff) => {}
            Err(error) => {
                tracing::error!(%error, "the backup failed");
                self.board.update(|s| s.backups_failed += 1);
            }
        }
    }
}
