//! How many bytes a client is sent.

use crate::limits::{ENTITIES_MAX, EPOCH_TICKS};

/// Bits of an entity in a complete set that nothing is known of: those of a whole state and its id.
const WHOLE_BITS: u32 = 180;
/// And at least.
const BITS_MIN: u32 = 24;

/// So many bytes a second, and for a short while more: a token bucket over ticks.
///
/// What must be sent at once is, and paid off later: the complete set of an epoch leaves so much less for the snapshots after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SendBudget {
    bytes_per_s: u32,
    tick_rate_hz: u32,
    saved: i64,    // bytes times ticks a second; negative: owed
    tick: u64,     // up to which bytes were added
    set_bits: u32, // of an entity in complete sets, as they have been lately
}

impl SendBudget {
    /// So much may be saved up, and owed, in seconds of bytes.
    const SAVED_S: i64 = 1;

    /// For a world of so many ticks a second; 0 counts as 1.
    pub fn new(bytes_per_s: u32, tick_rate_hz: u16) -> Self {
        Self {
            bytes_per_s,
            tick_rate_hz: u32::from(tick_rate_hz.max(1)),
            saved: 0,
            tick: 0,
            set_bits: WHOLE_BITS,
        }
    }

    /// Entities that it is enough to keep in view, at least 16: their complete sets, if they are as those of the last epochs, take three fifths
    /// of it.
    pub fn entities_max(&self) -> usize {
        let bits = 8 * EPOCH_TICKS * u64::from(self.bytes_per_s);
        let entity_bits = u64::from(self.set_bits) * u64::from(self.tick_rate_hz);
        let entities = bits * 3 / 5 / entity_bits;
        let entities = usize::try_from(entities).unwrap_or(usize::MAX);
        entities.clamp(16, ENTITIES_MAX)
    }

    /// Bytes that a snapshot of a tick may have.
    pub fn at(&mut self, tick: u64) -> usize {
        let passed = i64::try_from(tick.saturating_sub(self.tick)).unwrap_or(i64::MAX);
        self.tick = self.tick.max(tick);
        let gained = passed.saturating_mul(i64::from(self.bytes_per_s));
        self.saved = self.saved.saturating_add(gained).min(self.bound());
        usize::try_from(self.saved / i64::from(self.tick_rate_hz)).unwrap_or(0)
    }

    /// So many bytes have been sent.
    pub fn spend(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let spent = bytes.saturating_mul(i64::from(self.tick_rate_hz));
        self.saved = self.saved.saturating_sub(spent).max(-self.bound());
    }

    /// The complete set of an epoch has been sent, of so many entities. What one takes is remembered for [`SendBudget::entities_max`]: at once
    /// where it is more than before, as when values of columns change or nothing is acknowledged, and within some epochs where it is less.
    pub fn spend_set(&mut self, bytes: usize, entities: usize) {
        self.spend(bytes);
        if let Some(bits) = (8 * bytes).checked_div(entities) {
            let bits = u32::try_from(bits).unwrap_or(u32::MAX);
            let faded = self.set_bits - self.set_bits / 4;
            self.set_bits = bits.max(faded).max(BITS_MIN);
        }
    }

    fn bound(&self) -> i64 {
        Self::SAVED_S * i64::from(self.bytes_per_s) * i64::from(self.tick_rate_hz)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_there_is() {
        let mut budget = SendBudget::new(3_000, 30);
        let mut sent = 0;
        for tick in 1..=900 {
            // The complete sets of epochs go out whatever they take.
            let bytes = if tick % 8 == 0 {
                500
            } else {
                budget.at(tick).min(200)
            };
            budget.at(tick);
            budget.spend(bytes);
            sent += bytes;
        }
        assert!((89_000..=91_000).contains(&sent), "{sent}");
    }

    #[test]
    fn neither_savings_nor_debts_grow_for_ever() {
        let mut budget = SendBudget::new(1_000, 20);
        assert_eq!(budget.at(1_000_000), 1_000);
        budget.spend(usize::MAX);
        assert_eq!(budget.at(1_000_020), 0);
        assert_eq!(budget.at(1_000_040), 1_000);
        assert_eq!(budget.at(5), 1_000);
    }

    #[test]
    fn who_can_be_kept_in_view_is_who_was_lately() {
        let mut budget = SendBudget::new(20_000, 30);
        assert_eq!(budget.entities_max(), 142); // whole states: nothing is known yet
        for _ in 0..12 {
            budget.spend_set(4 * 300, 300);
        }
        assert_eq!(budget.entities_max(), 800);
        // The values of all change: the very next set fits again.
        budget.spend_set(40 * 800, 800);
        assert_eq!(budget.entities_max(), 80);
        budget.spend_set(7, 0);
        for (bytes_per_s, entities) in [(0, 16), (u32::MAX, ENTITIES_MAX)] {
            let mut budget = SendBudget::new(bytes_per_s, 30);
            (0..99).for_each(|_| budget.spend_set(1, 1_000));
            assert_eq!(budget.entities_max(), entities);
        }
    }
}
