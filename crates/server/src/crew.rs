//! Who does the work beside the world's and the network's: a thread for each, or, where one thread drives everything, whoever does turns of it.

use std::io;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread::JoinHandle;
#[cfg(feature = "simulated")]
pub(crate) use turns::Works;

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
    /// Whoever takes it from here.
    #[cfg(feature = "simulated")]
    Turns(Works),
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
            #[cfg(feature = "simulated")]
            Self::Turns(works) => {
                works.put(name, Box::new(work));
                Ok(None)
            }
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

#[cfg(feature = "simulated")]
mod turns {
    use std::fmt;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use super::{Crew, Work};

    /// Work and its name.
    pub(crate) type Named = (String, Box<dyn Work>);

    /// Work that waits for somebody who does it.
    #[derive(Clone)]
    pub(crate) struct Works {
        all: Arc<Mutex<Vec<Named>>>,
        is_liar: bool,
    }

    impl Crew {
        /// One whose work is taken elsewhere; whether its store is a liar: a planted fault.
        pub(crate) fn by_turns(is_liar: bool) -> (Self, Works) {
            let all = Arc::default();
            let works = Works { all, is_liar };
            (Self::Turns(works.clone()), works)
        }

        /// Whether its store says that everything is durable that it was handed.
        pub(crate) fn is_liar(&self) -> bool {
            matches!(self, Self::Turns(works) if works.is_liar)
        }
    }

    impl Works {
        pub(super) fn put(&self, name: &str, work: Box<dyn Work>) {
            self.lock().push((name.to_owned(), work));
        }

        /// What there is to do, in the order in which it was begun.
        pub(crate) fn take(&self) -> Vec<Named> {
            std::mem::take(&mut self.lock())
        }

        fn lock(&self) -> MutexGuard<'_, Vec<Named>> {
            self.all.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl fmt::Debug for Works {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "Works({})", self.lock().len())
        }
    }
}
