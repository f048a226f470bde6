//! What is always so.

use super::order::CELL_MAX;
use super::tile::Tile;
use super::view::IndexView;
use crate::cell::{direction_to_face_uv, st_to_ij, uv_to_st};

impl IndexView<'_> {
    /// Panics when the index contradicts itself, or the ids and places that it is viewed with.
    pub fn assert_well_formed(&self) {
        let order = &self.index.order;
        let mut rows = order.rows[..self.len()].to_vec();
        rows.sort_unstable();
        assert!(rows.iter().enumerate().all(|(n, row)| n == *row as usize));
        let mut slot = 0;
        for tile in &order.tiles[..6 << (2 * order.level)] {
            assert_eq!(tile.start, slot, "tiles follow each other");
            slot = tile.end;
            if tile.start != tile.end {
                self.assert_tile(tile);
            }
        }
        assert_eq!(slot as usize, self.len());
    }

    fn assert_tile(&self, tile: &Tile) {
        let order = &self.index.order;
        let mut slot = tile.start;
        let mut inner_tiles = 0;
        for cell in tile.cells..tile.cells + tile.cell_count() {
            let end = order.start_of(cell + 1);
            assert_eq!(order.start_of(cell), slot, "cells follow each other");
            match order.tile_of(cell) {
                Some(inner) => {
                    inner_tiles += 1;
                    assert_eq!([inner.start, inner.end], [slot, end]);
                    assert!(inner.len() > CELL_MAX && inner.level >= tile.level + tile.bits);
                    assert_eq!(tile.cells + tile.cell_of(inner.i, inner.j), cell);
                    self.assert_tile(inner);
                }
                None => self.assert_cell(tile, cell, [slot, end]),
            }
            slot = end;
        }
        assert_eq!(slot, tile.end);
        assert_eq!(tile.is_split, inner_tiles > 0);
    }

    fn assert_cell(&self, tile: &Tile, cell: u32, [from, end]: [u32; 2]) {
        assert!(!tile.can_split() || end - from <= CELL_MAX);
        let lanes = &self.index.approximations;
        let mut before = None;
        for slot in from as usize..end as usize {
            let row = self.index.order.rows[slot] as usize;
            let place = self.places[row].to_vec();
            let (face, u, v) = direction_to_face_uv(place);
            let [i, j] = [u, v].map(|w| st_to_ij(uv_to_st(w)));
            assert!(face == tile.face && tile.holds(i, j));
            assert_eq!(tile.cells + tile.cell_of(i, j), cell);
            let key = Some((self.ids[row], row));
            assert!(before < key, "a cell's entities ascend by id");
            before = key;
            let steps = (place - tile.origin_m) * tile.steps_per_m;
            let near = [lanes.x[slot], lanes.y[slot], lanes.z[slot]].map(f64::from);
            let off = (steps - glam::DVec3::from_array(near)).abs().max_element();
            assert!(off <= 0.5 + 1e-3, "{off} steps off");
            let rho2 = place.length_squared();
            let [lo, hi] = self.index.order.rho2;
            assert!(lo <= rho2 && rho2 <= hi);
        }
    }
}
