//! Who has come into view and who has gone out of it.

use std::collections::{BTreeMap, VecDeque};

use net_proto::ENTITIES_MAX;
use spatial_core::EntityId;

/// Somebody has come into view, or gone out of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Coming {
    /// It is in view from now on.
    Entered {
        /// The entity.
        id: EntityId,
        /// The tick of the snapshot that said so.
        tick: u64,
    },
    /// It is not in view any more.
    Left {
        /// The entity.
        id: EntityId,
        /// The tick of the snapshot that said so.
        tick: u64,
    },
}

impl Coming {
    /// Most that wait to be asked for; about 800 KB.
    pub const WAITING_MAX: usize = 4 * ENTITIES_MAX;

    /// The entity.
    pub fn id(&self) -> EntityId {
        let (Self::Entered { id, .. } | Self::Left { id, .. }) = self;
        *id
    }

    fn is_entered(&self) -> bool {
        matches!(self, Self::Entered { .. })
    }
}

/// Comings and goings since they were asked for last, in order.
///
/// Whoever takes them all, always knows exactly who is in view. When nobody asks for long, what can be said shorter is: of an entity
/// that was in view before, at most that it left and that it is back; of one that was not and is not, nothing. Then at most three times
/// [`ENTITIES_MAX`] wait.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    waiting: VecDeque<Coming>,
    untold: u64,
}

impl Roster {
    pub(crate) fn enters(&mut self, id: EntityId, tick: u64) {
        self.note(Coming::Entered { id, tick });
    }

    pub(crate) fn leaves(&mut self, id: EntityId, tick: u64) {
        self.note(Coming::Left { id, tick });
    }

    /// Appends all that waits.
    pub(crate) fn take(&mut self, out: &mut Vec<Coming>) {
        out.extend(self.waiting.drain(..));
    }

    /// Comings and goings that nobody was told of, because nobody asked in time.
    pub(crate) fn untold(&self) -> u64 {
        self.untold
    }

    fn note(&mut self, coming: Coming) {
        if self.waiting.len() >= Coming::WAITING_MAX {
            let before = self.waiting.len();
            self.shorten();
            self.untold += (before - self.waiting.len()) as u64;
        }
        self.waiting.push_back(coming);
    }

    fn shorten(&mut self) {
        // Whoever leaves first was in view when they were asked for last.
        let mut was_in_view = BTreeMap::new();
        for coming in &self.waiting {
            was_in_view
                .entry(coming.id())
                .or_insert(!coming.is_entered());
        }
        let mut later: BTreeMap<EntityId, (usize, bool)> = BTreeMap::new(); // how many, and whether the last one entered
        let mut kept: VecDeque<Coming> = VecDeque::new();
        while let Some(coming) = self.waiting.pop_back() {
            let was_in_view = was_in_view[&coming.id()];
            let (after, is_back) = later.entry(coming.id()).or_insert((0, coming.is_entered()));
            let tells = match *after {
                0 => *is_back || was_in_view,
                1 => *is_back && was_in_view,
                _ => false,
            };
            *after += 1;
            if tells {
                kept.push_front(coming);
            }
        }
        self.waiting = kept;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn apply(view: &mut BTreeSet<u64>, comings: &[Coming]) {
        for coming in comings {
            let is_new = match coming {
                Coming::Entered { id, .. } => view.insert(id.0),
                Coming::Left { id, .. } => view.remove(&id.0),
            };
            assert!(is_new, "{coming:?}");
        }
    }

    proptest! {
        /// Shortened or not, in order they lead from the view of the last time to that of now.
        #[test]
        fn what_is_told_leads_to_what_is(steps in prop::collection::vec((0u64..12, 0u8..10), 1..300)) {
            let (mut roster, mut truth, mut told) = (Roster::default(), BTreeSet::new(), BTreeSet::new());
            let mut out = Vec::new();
            for (tick, (id, what)) in (1..).zip(steps) {
                match what {
                    0 => {
                        out.clear();
                        roster.take(&mut out);
                        apply(&mut told, &out);
                        prop_assert_eq!(&told, &truth);
                    }
                    1 => {
                        roster.shorten();
                        prop_assert!(roster.waiting.len() <= 3 * 12);
                    }
                    _ if truth.remove(&id) => roster.leaves(EntityId(id), tick),
                    _ => {
                        truth.insert(id);
                        roster.enters(EntityId(id), tick);
                    }
                }
            }
            out.clear();
            roster.take(&mut out);
            let tick_of = |c: &Coming| match c {
                Coming::Entered { tick, .. } | Coming::Left { tick, .. } => *tick,
            };
            prop_assert!(out.is_sorted_by(|a, b| tick_of(a) < tick_of(b)));
            apply(&mut told, &out);
            prop_assert_eq!(told, truth);
        }
    }

    #[test]
    fn whoever_comes_back_is_told_to_have_left() {
        let mut roster = Roster::default();
        let id = EntityId(3);
        roster.enters(id, 1);
        roster.take(&mut Vec::new());
        (0..Coming::WAITING_MAX as u64).for_each(|n| {
            roster.leaves(id, 2 * n + 2);
            roster.enters(id, 2 * n + 3);
        });
        let mut out = Vec::new();
        roster.shorten();
        assert!(roster.untold() > 0);
        roster.take(&mut out);
        let last = 2 * Coming::WAITING_MAX as u64;
        let (left, entered) = (
            Coming::Left { id, tick: last },
            Coming::Entered { id, tick: last + 1 },
        );
        assert_eq!(out, [left, entered]);
    }
}
