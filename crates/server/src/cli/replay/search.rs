//! The search for the first tick after which two replays differ.
//!
//! Both run side by side and are compared after every tick: a difference may be gone some ticks later, as a heading is that the next
//! input sets anew. The two hashes cost less than the two steps.

use sim_core::Difference;

use super::side::{Side, SideError};

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The first difference, if there is one, and the tick after which it is there; none when it is there from the start.
    pub(super) found: Option<(Option<u64>, Difference)>,
    /// The first tick whose records are not the same in both journals.
    pub(super) records_differ: Option<u64>,
    /// Ticks that were executed in both.
    pub(super) ticks: u64,
    /// The tick that would have been next.
    pub(super) next: u64,
}

/// Runs both to the end of the shorter journal, or up to and with a tick, or until they differ. `tell` hears how far they are.
pub(super) fn search(
    left: &mut Side<'_>,
    right: &mut Side<'_>,
    until: u64,
    mut tell: impl FnMut(u64),
) -> Result<Outcome, SideError> {
    let begin = left.world.tick().max(right.world.tick());
    left.run_to(begin)?;
    right.run_to(begin)?;
    let mut outcome = Outcome {
        next: begin,
        ..Outcome::default()
    };
    if let Some(difference) = left.world.difference(&right.world) {
        outcome.found = Some((None, difference));
        return Ok(outcome);
    }
    while left.world.tick() <= until && !left.is_over()? && !right.is_over()? {
        let tick = left.world.tick();
        left.step()?;
        right.step()?;
        (outcome.ticks, outcome.next) = (outcome.ticks + 1, tick + 1);
        tell(tick);
        if left.records() != right.records() {
            outcome.records_differ = outcome.records_differ.or(Some(tick));
        }
        if left.world.hash() != right.world.hash() {
            let difference = left.world.difference(&right.world);
            outcome.found = difference.map(|difference| (Some(tick), difference));
            return Ok(outcome);
        }
    }
    Ok(outcome)
}
