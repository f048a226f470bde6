//! Making tiles of crowded cells.

use super::leaves::{BATCH, Leaves};
use super::order::{Crowd, IS_TILE, NO_EXTREMES, Order, grid_bits, widen};
use super::sorter::Sorter;
use super::tile::Tile;
use crate::cell::MAX_LEVEL;
use crate::ids::EntityId;
use crate::planet::Ecef;

impl Order {
    /// Makes a tile of a cell and sorts its entities by a finer grid, at least one level finer: more crowds may come of it.
    #[inline(always)]
    pub(super) fn split(&mut self, crowd: Crowd, ids: &[EntityId], places: &[Ecef]) {
        let [from, to] = crowd.slots.map(|slot| slot as usize);
        let rho2 = self.find_leaves(places, from, to);
        let mut tile = self.common_tile(crowd.face, from, to);
        [tile.start, tile.end] = crowd.slots;
        tile.bits = grid_bits(tile.len()).min(MAX_LEVEL - tile.level);
        tile.cells = self.cells.len() as u32;
        tile.lay_frame(rho2);
        self.add_entries(tile.cell_count() as usize + 1);
        for slot in from..to {
            let entry = tile.cells + tile.cell_of(self.keys[slot], self.spare[slot]);
            self.keys[slot] = entry;
            self.cells[entry as usize + 1] += 1;
        }
        let number = self.tiles.len();
        self.tiles.push(tile);
        self.start_cells(number);
        self.cells[crowd.entry as usize] = number as u32 | IS_TILE;
        self.spare[from..to].copy_from_slice(&self.rows[from..to]);
        let mut sorter = Sorter {
            cells: &mut self.cells,
            next_ids: &mut self.next_ids,
            rows: &mut self.rows,
            disorder: &mut self.disorder,
            ids,
        };
        for (entry, row) in self.keys[from..to].iter().zip(&self.spare[from..to]) {
            sorter.put(*entry as usize, *row);
        }
        sorter.finish(tile.can_split());
    }

    /// Writes the leaves of slots, i into the keys and j into the spare lane, and returns the extreme squares of distances from the
    /// planet's centre.
    #[inline(always)]
    fn find_leaves(&mut self, places: &[Ecef], from: usize, to: usize) -> [f64; 2] {
        let mut leaves = Leaves::ZERO;
        let mut extremes = NO_EXTREMES;
        for start in (from..to).step_by(BATCH) {
            let end = (start + BATCH).min(to);
            leaves.find(places, &self.rows[start..end]);
            let len = end - start;
            self.keys[start..end].copy_from_slice(&leaves.i[..len]);
            self.spare[start..end].copy_from_slice(&leaves.j[..len]);
            for rho2 in &leaves.rho2[..len] {
                widen(&mut extremes, [*rho2; 2]);
            }
        }
        extremes
    }

    /// The smallest cell around the leaves of slots.
    fn common_tile(&self, face: u8, from: usize, to: usize) -> Tile {
        let (i, j) = (self.keys[from], self.spare[from]);
        let differ = |lane: &[u32], first| lane.iter().fold(0, |all, leaf| all | (leaf ^ first));
        let differ = differ(&self.keys[from..to], i) | differ(&self.spare[from..to], j);
        let shift = u32::BITS - differ.leading_zeros();
        let mask = u32::MAX << shift;
        Tile::at(face, MAX_LEVEL - shift as u8, i & mask, j & mask)
    }
}
