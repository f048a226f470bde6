//! The columns by which a tick finds who is where.

use spatial_core::Table;

use crate::agent::{Body, BodyLanes, State, StateLanes, Tier};
use crate::frames::Slot;
use crate::roll::block_key;

/// All rows as they are before the tick.
pub(crate) struct Rows<'a> {
    pub(crate) body: BodyLanes<'a>,
    pub(crate) state: StateLanes<'a>,
    pub(crate) slots: &'a [Slot],
}

impl<'a> Rows<'a> {
    /// A table's rows, whose frames have these slots.
    pub(crate) fn new(table: &'a Table, slots: &'a [Slot]) -> Self {
        assert_eq!(table.len(), slots.len());
        Self {
            body: table.lanes::<Body>(),
            state: table.lanes::<State>(),
            slots,
        }
    }

    #[inline(always)]
    pub(crate) fn xyz(&self, row: usize) -> [i32; 3] {
        [self.body.x[row], self.body.y[row], self.body.z[row]]
    }

    #[inline(always)]
    pub(crate) fn kind(&self, row: usize) -> u16 {
        self.state.kind[row]
    }

    /// The block that a row is in.
    #[inline(always)]
    pub(crate) fn key(&self, row: usize) -> u64 {
        block_key(self.slots[row], self.body.x[row], self.body.y[row])
    }

    /// Whether there is such a row, and it moves at all.
    pub(crate) fn is_awake(&self, row: usize) -> bool {
        let tier = self.state.tier.get(row);
        tier.is_some_and(|tier| Tier(*tier) != Tier::ASLEEP)
    }
}
