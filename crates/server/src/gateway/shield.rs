//! A defect of the transport ends one connection, not those of all.
//!
//! A panic within quinn leaves the lock of its connection poisoned, and everything that is done with that connection later panics as well, dropping the last
//! handle of it included. Whoever works for all connections does that behind a shield.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What comes of some work on one connection, all handles that the work owns dropped; `None` where it panicked. What it shares with others must
/// be whole at all times.
pub(super) fn shielded<R>(work: impl FnOnce() -> R) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a connection that is broken.
    struct Broken;

    impl Drop for Broken {
        fn drop(&mut self) {
            panic!("a poisoned lock");
        }
    }

    #[test]
    fn a_panic_ends_at_the_shield() {
        assert_eq!(shielded(|| 7), Some(7));
        assert_eq!(shielded(|| -> u8 { panic!("a poisoned lock") }), None);
        let broken = Broken;
        assert_eq!(shielded(move || drop(broken)), None);
    }
}
