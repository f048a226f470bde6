//! Datagrams that lie together, so that not each is allocated.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Of a sheet. One datagram that waits holds so much.
const SHEET_BYTES: usize = 8 << 10;
/// So many are kept to be written on again.
const SHEETS_MAX: usize = 1_024;

/// Sheets that datagrams are written on, one after the other. Each is written on again when all that was on it has been sent.
#[derive(Debug, Default)]
pub(super) struct Sheets {
    open: BytesMut,
    full: VecDeque<BytesMut>, // the oldest first
    has_begun: bool,          // the open one is a sheet
}

impl Sheets {
    /// A copy of a datagram.
    pub(super) fn keep(&mut self, datagram: &[u8]) -> Bytes {
        if self.open.capacity() < datagram.len() {
            self.turn();
        }
        self.open.extend_from_slice(datagram);
        self.open.split().freeze()
    }

    /// Goes on to another sheet.
    fn turn(&mut self) {
        let oldest = self.full.front_mut();
        let is_free = oldest.is_some_and(|sheet| sheet.try_reclaim(SHEET_BYTES));
        let next = match is_free {
            true => self.full.pop_front(),
            false => None,
        };
        let next = next.unwrap_or_else(|| BytesMut::with_capacity(SHEET_BYTES));
        let full = core::mem::replace(&mut self.open, next);
        if self.has_begun {
            self.full.push_back(full);
        }
        self.has_begun = true;
        if self.full.len() > SHEETS_MAX {
            self.full.pop_front(); // freed when all that is on it has been sent
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_and_sheets_are_used_again() {
        let mut sheets = Sheets::default();
        let mut waiting = VecDeque::new();
        for n in 0..100_000u32 {
            let datagram = vec![n as u8; n as usize * 7 % 1_162];
            waiting.push_back((sheets.keep(&datagram), datagram));
            if waiting.len() > 100 {
                let (kept, datagram) = waiting.pop_front().unwrap();
                assert_eq!(kept, datagram);
            }
        }
        // A hundred datagrams of 1,162 bytes at most.
        assert!(
            sheets.full.len() <= 1 + 100 * 1_162 / (SHEET_BYTES - 1_162),
            "{}",
            sheets.full.len()
        );
    }
}
