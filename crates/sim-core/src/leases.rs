//! Names for agents whom systems spawn.

use std::collections::VecDeque;

use spatial_core::EntityId;

use crate::record::{EntryError, Reader};

/// Most runs of names that wait.
const RUNS_MAX: usize = 1_024;

/// Runs of names that nobody has had yet: part of the state.
#[derive(Clone, Default)]
pub(crate) struct Leases {
    runs: VecDeque<[u64; 2]>, // next and end; none is empty
}

impl Leases {
    /// Takes in a run. False when it is empty or goes beyond the last name, or too many wait.
    pub(crate) fn add(&mut self, first: EntityId, count: u64) -> bool {
        let end = first.0.checked_add(count);
        let is_legal = count > 0 && first.0 > 0 && self.runs.len() < RUNS_MAX;
        let end = end.filter(|_| is_legal);
        end.inspect(|end| self.runs.push_back([first.0, *end]))
            .is_some()
    }

    /// The next name.
    pub(crate) fn next(&mut self) -> Option<EntityId> {
        let [next, end] = self.runs.front_mut()?;
        let name = EntityId(*next);
        *next += 1;
        if next == end {
            self.runs.pop_front();
        }
        Some(name)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend((self.runs.len() as u32).to_le_bytes());
        let numbers = self.runs.iter().flatten();
        out.extend(numbers.flat_map(|number| number.to_le_bytes()));
    }

    pub(crate) fn decode(r: &mut Reader<'_>) -> Result<Self, EntryError> {
        let mut leases = Self::default();
        for _ in 0..r.u32()? {
            let (next, end) = (r.u64()?, r.u64()?);
            if !leases.add(EntityId(next), end.wrapping_sub(next)) {
                return Err(EntryError::Lease(next));
            }
        }
        Ok(leases)
    }
}
