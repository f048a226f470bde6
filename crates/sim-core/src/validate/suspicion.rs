//! The score of a player: findings add to it, time takes from it.

use super::finding::{Escalation, Finding};

/// Points fade so many a second.
const FADE_PER_S: u64 = 30;

/// A score that fades, and what was ever found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Suspicion {
    pub(super) score: u32, // 2⁻⁸ points, as it was in `tick`
    pub(super) tick: u64,
    pub(super) highest: Escalation,           // ever
    pub(super) counts: [u16; Finding::KINDS], // saturating
}

impl Suspicion {
    pub(super) fn add(&mut self, finding: Finding, tick: u64, tick_rate_hz: u16) {
        let points = finding.score().saturating_mul(256);
        self.score = self.faded(tick, tick_rate_hz).saturating_add(points);
        self.tick = tick;
        self.highest = self.highest.max(Escalation::of(self.score / 256));
        let count = &mut self.counts[finding.kind()];
        *count = count.saturating_add(1);
    }

    pub(super) fn points(&self, tick: u64, tick_rate_hz: u16) -> u32 {
        self.faded(tick, tick_rate_hz) / 256
    }

    fn faded(&self, tick: u64, tick_rate_hz: u16) -> u32 {
        let passed = tick.saturating_sub(self.tick);
        let fade = passed.saturating_mul(FADE_PER_S * 256 / u64::from(tick_rate_hz.max(1)));
        let left = u64::from(self.score).saturating_sub(fade);
        left as u32 // not more than the score
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_fade_and_the_highest_escalation_stays() {
        let mut suspicion = Suspicion::default();
        suspicion.add(Finding::Wall, 100, 30);
        assert_eq!(suspicion.points(100, 30), 400);
        assert_eq!(suspicion.points(400, 30), 100);
        assert_eq!(suspicion.points(u64::MAX, 30), 0);
        suspicion.add(Finding::Flood, 1_000, 30);
        assert_eq!(suspicion.points(1_000, 30), 10);
        assert_eq!(suspicion.highest, Escalation::Correct);
        assert_eq!((suspicion.counts[14], suspicion.counts[6]), (1, 1));
    }

    #[test]
    fn no_number_of_findings_is_too_many() {
        let mut suspicion = Suspicion::default();
        for _ in 0..100_000 {
            suspicion.add(Finding::Teleport { way: u32::MAX }, 7, 60);
        }
        assert_eq!(suspicion.points(7, 60), u32::MAX / 256);
        assert_eq!(suspicion.highest, Escalation::Ban);
        assert_eq!(suspicion.counts[13], u16::MAX);
    }
}
