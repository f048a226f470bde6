//! Who does the work beside the world's and the network's: a thread for each, or, where one thread drives everything, whoever does turns of it.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;

/// Work that goes on beside the world's.
pub(crate) trait Work: Send + 'static {
    /// Does a piece of it. With nothing to do it waits for something, where it `may_wait`. False when nobody is left to work for.
    fn turn(&mut self, may_wait: bool) -> bool;
}

/// Who does it.
#[derive(Clone, Debug, Default)]
pub(crate) enum Crew {
    /// A thread for each.
    #[default]
    Threads,
}

impl Crew {
    /// Has work done until nobody is left to work for; the thread that does it, if it is one.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn employ(
        &self,
        name: &str,
        mut work: impl Work,
    ) -> io::Result<Option<JoinHandle<()>>> {
        match self {
            Self::Threads => std::thread::Builder::new()
                .name(name.into())
                .spawn(move || while work.turn(true) {})
                .map(Some),
        }
    }
}

/// The next thing to do from a queue.
///
/// # Errors
/// [`TryRecvError::Empty`] when there is none now, only where it may not wait; [`TryRecvError::Disconnected`] when there will be none.
pub(crate) fn next<T>(queue: &Receiver<T>, may_wait: bool) -> Result<T, TryRecvError> {
    match may_wait {
        true => queue.recv().map_err(|_| TryRecvError::Disconnected),
        false => queue.try_recv(),
    }
}
