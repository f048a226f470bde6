//! A sign at the door: whether what comes in can be made durable.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Put up by the world when its disk is full, read by the sessions.
#[derive(Debug, Default)]
pub(crate) struct DiskSign {
    is_full: AtomicBool,
    refused: AtomicU64,
}

impl DiskSign {
    /// Says whether the disk is full.
    pub(crate) fn put(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Release);
    }

    /// Logins and commands that were refused because of it.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether it is up.
    pub(super) fn is_up(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// Whether somebody's request is refused now; counts it.
    pub(super) fn refuses(&self) -> bool {
        let refuses = self.is_up();
        self.refused.fetch_add(refuses.into(), Ordering::Relaxed);
        refuses
    }
}
