//! Interest: a watcher's set, kept from tick to tick, with hysteresis.
//!
//! ```text
//!   ──────enter──────┐             outside ──(distance ≤ enter)──► member
//!   ─────────leave───┼──────┐      member ───(distance > leave)──► outside
//!   watcher          │ kept │      between the two radii nothing changes, so a walker on the rim
//!                                  does not flicker
//! ```

use core::cmp::Ordering;

use super::moving::{Hit, InvalidRadius, check_radius};
use super::view::IndexView;
use crate::ids::EntityId;
use crate::planet::Ecef;

/// Who a watcher sees. It asks the index once an update.
#[derive(Clone, Debug)]
pub struct Watch {
    enter_m: f64, // at most leave_m
    leave_m: f64,
    members: Vec<Hit>, // ascending by id
    near: Vec<Hit>,    // scratch: everybody within leave_m
}

/// What changed at an update, ascending by id.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WatchEvents {
    /// Who has come into the set.
    pub entered: Vec<EntityId>,
    /// Who has left it: gone beyond the leaving radius, or gone from the index.
    pub left: Vec<EntityId>,
}

impl Watch {
    /// A watcher that sees nobody yet: entities enter within `enter_m` and leave beyond `leave_m`, metres.
    ///
    /// # Errors
    /// [`InvalidRadius`] when `enter_m` is negative or NaN, or `leave_m` is smaller or NaN.
    pub fn new(enter_m: f64, leave_m: f64) -> Result<Self, InvalidRadius> {
        check_radius(enter_m)?;
        if leave_m.is_nan() || leave_m < enter_m {
            return Err(InvalidRadius(leave_m));
        }
        Ok(Self {
            enter_m,
            leave_m,
            members: Vec::new(),
            near: Vec::new(),
        })
    }

    /// Brings the set up to date and replaces `events` by what changed. Allocates only to grow.
    ///
    /// Costs one radius query, a sort of its hits by id and one pass.
    pub fn update(&mut self, view: IndexView<'_>, center: Ecef, events: &mut WatchEvents) {
        events.entered.clear();
        events.left.clear();
        view.radius(center, self.leave_m, &mut self.near)
            .expect("the radius was checked when the watch was made");
        self.near.sort_unstable_by_key(|hit| hit.id);
        let mut old = self.members.iter().peekable();
        let enter_m = self.enter_m;
        self.near.retain(|hit| {
            while let Some(gone) = old.next_if(|member| member.id < hit.id) {
                events.left.push(gone.id);
            }
            let stays = old.next_if(|member| member.id == hit.id).is_some();
            let enters = !stays && hit.distance_m <= enter_m;
            if enters {
                events.entered.push(hit.id);
            }
            stays || enters
        });
        events.left.extend(old.map(|gone| gone.id));
        core::mem::swap(&mut self.members, &mut self.near);
    }

    /// Who is in the set, ascending by id, with row and distance as of the last update.
    pub fn members(&self) -> &[Hit] {
        &self.members
    }

    /// Whether an entity is in the set. One binary search.
    pub fn contains(&self, id: EntityId) -> bool {
        let found = self.members.binary_search_by(|member| member.id.cmp(&id));
        found.is_ok()
    }

    /// Panics when the set is out of order or somebody is out of reach.
    pub fn assert_well_formed(&self) {
        let ascending = |pair: &[Hit]| pair[0].id.cmp(&pair[1].id) == Ordering::Less;
        assert!(self.members.windows(2).all(ascending));
        assert!(
            self.members
                .iter()
                .all(|member| member.distance_m <= self.leave_m)
        );
    }
}
