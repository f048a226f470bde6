//! Inputs in step with snapshots.

/// So many own states in a row tell that inputs come out of step: one or two may be late ones.
const MISSTEPS: u8 = 4;
/// After a change of step so many are not looked at: they are of inputs that were on their way.
const REST: u8 = 8;

/// Whether the server uses new inputs in the ticks in which it sends snapshots.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Step {
    missteps: u8,
    rest: u8,
}

impl Step {
    /// An own state has come, of a tick with snapshots or not.
    pub(crate) fn see(&mut self, is_in_step: bool) {
        if self.rest > 0 {
            self.rest -= 1;
        } else if is_in_step {
            self.missteps = 0;
        } else {
            self.missteps = (self.missteps + 1).min(MISSTEPS);
        }
    }

    /// Whether to change step; then that is taken as done.
    pub(crate) fn take_misstep(&mut self) -> bool {
        let changes = self.missteps == MISSTEPS;
        if changes {
            (self.missteps, self.rest) = (0, REST);
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_out_of_step_changes_it_once() {
        let mut step = Step::default();
        for _ in 0..3 {
            step.see(false);
            assert!(!step.take_misstep());
        }
        step.see(true);
        (0..3).for_each(|_| step.see(false));
        assert!(!step.take_misstep());
        step.see(false);
        assert!(step.take_misstep() && !step.take_misstep());
        (0..8 + 3).for_each(|_| step.see(false));
        assert!(!step.take_misstep());
        step.see(false);
        assert!(step.take_misstep());
    }
}
