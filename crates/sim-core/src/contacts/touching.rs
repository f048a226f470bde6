//! Who touches whom in one block, as a list.

use spatial_core::EntityId;

use super::pair::{Bodies, Touches};
use super::{CellSort, Contacts, Found, LANES, Pair};
use crate::kernels::Kernels;

impl Contacts<'_> {
    /// Adds the pairs that this block is to tell of: of its own agents all, of one of them and a guest those in which its own has the
    /// lesser id, for the other's block has the pair as well, unless the guest is one of the last, who are asleep: they have none.
    ///
    /// # Safety
    /// As [`Kernels`].
    #[inline(always)]
    pub(crate) unsafe fn list<K: Kernels>(
        &self,
        cells: &CellSort,
        asleep: usize,
        found: &mut Found,
        out: &mut Vec<[EntityId; 2]>,
    ) {
        found.begin(cells);
        let first_asleep = self.agents.count() - asleep;
        let mut from = 0;
        while from < cells.count() {
            // SAFETY: as the caller promises.
            from = unsafe { K::search(cells, from, found) };
            found.list_pairs(cells);
            for pairs in found.pairs.chunks(LANES) {
                self.add_touching(pairs, first_asleep as u32, out);
            }
        }
    }

    /// Adds those of a few pairs who touch and are told of here.
    #[inline(always)]
    fn add_touching(&self, pairs: &[Pair], first_asleep: u32, out: &mut Vec<[EntityId; 2]>) {
        let own_end = self.agents.x.len() as u32;
        let mut both = [Bodies::default(); 2];
        let mut ids = [[EntityId(0); 2]; LANES];
        for (lane, pair) in pairs.iter().enumerate() {
            let mut pair = *pair;
            ids[lane] = pair.map(|number| self.id(number));
            if ids[lane][1] < ids[lane][0] {
                ids[lane].reverse();
                pair.reverse();
            }
            for (bodies, number) in both.iter_mut().zip(pair) {
                bodies.set(lane, &self.agents.get(number as usize, self.kinds));
            }
        }
        // As the one of the lesser id sees it.
        let touches = Touches::new(&both[0], &both[1], self.up);
        for (lane, pair) in pairs.iter().enumerate() {
            let [own, other] = match pair[0] < pair[1] {
                true => *pair,
                false => [pair[1], pair[0]],
            };
            let is_told = other < own_end
                || own < own_end && (other >= first_asleep || self.id(own) == ids[lane][0]);
            if is_told && touches.touching(lane) != 0 {
                out.push(ids[lane]);
            }
        }
    }
}
