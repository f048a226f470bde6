//! What a client has seen of the world, and what its player is shown: the server judges by both.

use net_proto::InputHead;

/// Ticks that have come, against inputs that were made.
///
/// ```text
/// ticks come      10     12          14          16
/// inputs      1        2     ·  ·  · 3 4 5       6        a frame stutters: three are made at once
/// seen due    –        10            12 12 12    14       none of them could have seen 14 when it should have been made
/// ```
/// The last input before some ticks came had not seen them; nor had those that are made after it without anything coming in between.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sight {
    newest: Option<u64>,
    at_input: Option<u64>, // the newest tick when the last input was made
    due: Option<u64>,      // and surely before the last input was due
    has_come: bool,        // something has since the last input
    shown: Option<u64>,    // 2⁻⁸ ticks
}

impl Sight {
    /// A tick has come.
    pub(crate) fn see(&mut self, tick: u64) {
        self.newest = self.newest.max(Some(tick));
        self.has_come = true;
    }

    /// The player is shown a time between ticks.
    pub(crate) fn show(&mut self, tick: f64) {
        // Casts saturate; what is not after 0 is nothing.
        let parts = (tick * InputHead::PARTS_PER_TICK as f64).round();
        self.shown = (parts > 0.0).then_some(parts as u64);
    }

    /// An input is made.
    pub(crate) fn make(&mut self) {
        if self.has_come {
            self.due = self.at_input;
            self.at_input = self.newest;
            self.has_come = false;
        }
    }

    /// What of it travels with the last input.
    pub(crate) fn head(&self) -> InputHead {
        let head = InputHead::default();
        match self.due {
            Some(seen) => head.seeing(seen, self.shown),
            None => head,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_late_was_not_seen_when_an_input_was_due() {
        let mut sight = Sight::default();
        let mut make = |ticks: &[u64]| {
            ticks.iter().for_each(|tick| sight.see(*tick));
            sight.make();
            sight.head().seen
        };
        let seen = [&[10][..], &[12], &[14], &[], &[], &[16, 15], &[18]].map(&mut make);
        assert_eq!(seen, [0, 10, 12, 12, 12, 14, 16]);
    }

    #[test]
    fn what_is_shown_lies_behind_what_was_seen() {
        let mut sight = Sight::default();
        for tick in [100, 102] {
            sight.see(tick);
            sight.make();
        }
        for (tick, behind) in [
            (98.5, 384),
            (100.0, 0),
            (1e9, 0),
            (0.0, u16::MAX),
            (f64::NAN, u16::MAX),
        ] {
            sight.show(tick);
            assert_eq!(sight.head().behind, behind, "{tick}");
        }
    }
}
