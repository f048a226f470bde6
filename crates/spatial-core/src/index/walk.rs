//! Going through the tiles and runs of cells that lie in a part of a face.

use super::lanes::{Work, at_level};
use super::order::{IS_TILE, Order};
use super::reach::LeafRange;
use super::tile::Tile;
use crate::cell::MAX_LEVEL;
use crate::simd::SimdLevel;

/// Who is led through a part of the index.
pub(super) trait Visitor {
    /// What the visitor knows about a tile.
    type Local;

    /// The level whose instructions the visitor uses: it is inlined into functions that have them.
    fn level(&self) -> SimdLevel {
        SimdLevel::Scalar
    }

    /// A tile that holds somebody and touches the range; `None` passes it by.
    fn enter(&mut self, tile: &Tile) -> Option<Self::Local>;

    /// Slots `from..to` of the tile's own cells, approximated in its frame. May be none.
    fn run(&mut self, tile: &Tile, local: &Self::Local, slots: [u32; 2]);
}

impl Order {
    /// Leads a visitor through the cells in reach, in iteration order. A run is as much of a row of cells as lies
    /// together.
    #[inline(always)]
    pub(super) fn visit<V: Visitor>(&self, range: &LeafRange, visitor: &mut V) {
        let shift = u32::from(MAX_LEVEL - self.level);
        let [i0, i1] = range.i.map(|i| i >> shift);
        let [j0, j1] = range.j.map(|j| j >> shift);
        for i in i0..=i1 {
            let row = (u32::from(range.face) << self.level | i) << self.level;
            for tile in &self.tiles[(row | j0) as usize..=(row | j1) as usize] {
                if tile.start != tile.end {
                    self.visit_tile(tile, range, visitor);
                }
            }
        }
    }

    /// A tile that touches the range.
    #[inline(always)]
    fn visit_tile<V: Visitor>(&self, tile: &Tile, range: &LeafRange, visitor: &mut V) {
        let Some(local) = visitor.enter(tile) else {
            return;
        };
        let [[i0, i1], [j0, j1]] = tile.cells_in(range);
        for i in i0..=i1 {
            let row = tile.cells + (i << tile.bits);
            let cells = [row + j0, row + j1];
            if tile.is_split {
                self.visit_cells(tile, &local, cells, range, visitor);
            } else {
                let slots = [cells[0], cells[1] + 1].map(|cell| self.cells[cell as usize]);
                visitor.run(tile, &local, slots);
            }
        }
    }

    /// Neighbours in a row of cells, of which some may be tiles.
    #[inline(always)]
    fn visit_cells<V: Visitor>(
        &self,
        tile: &Tile,
        local: &V::Local,
        cells: [u32; 2],
        range: &LeafRange,
        visitor: &mut V,
    ) {
        let mut from = self.start_of(cells[0]);
        for cell in cells[0]..=cells[1] {
            if let Some(inner) = self.tile_of(cell) {
                visitor.run(tile, local, [from, inner.start]);
                from = inner.end;
                if inner.touches(range) {
                    let work = VisitInner {
                        order: self,
                        tile: inner,
                        range,
                        visitor,
                    };
                    at_level(work.visitor.level(), work);
                }
            }
        }
        visitor.run(tile, local, [from, self.start_of(cells[1] + 1)]);
    }

    /// The first tile around a leaf, the one that is not within another.
    #[inline(always)]
    pub(super) fn first_tile_at(&self, face: u8, i: u32, j: u32) -> &Tile {
        let shift = u32::from(MAX_LEVEL - self.level);
        let row = (u32::from(face) << self.level | i >> shift) << self.level;
        &self.tiles[(row | j >> shift) as usize]
    }

    /// The innermost tile around a leaf.
    pub(super) fn tile_at(&self, face: u8, i: u32, j: u32) -> &Tile {
        let mut tile = self.first_tile_at(face, i, j);
        while tile.is_split {
            match self.tile_of(tile.cells + tile.cell_of(i, j)) {
                Some(inner) if inner.holds(i, j) => tile = inner,
                _ => break,
            }
        }
        tile
    }

    /// The slot where the cell around a leaf starts: ascending in iteration order.
    pub(super) fn slot_of(&self, face: u32, i: u32, j: u32) -> u32 {
        let tile = self.tile_at(face as u8, i, j);
        if tile.start == tile.end {
            tile.start
        } else {
            self.start_of(tile.cells + tile.cell_of(i, j))
        }
    }

    /// The tile that a cell, by its directory entry, is; `None` of an ordinary one.
    #[inline(always)]
    pub(super) fn tile_of(&self, cell: u32) -> Option<&Tile> {
        let entry = self.cells[cell as usize];
        (entry & IS_TILE != 0).then(|| &self.tiles[(entry & !IS_TILE) as usize])
    }

    /// The slot where a cell, by its directory entry, starts.
    #[inline(always)]
    pub(super) fn start_of(&self, cell: u32) -> u32 {
        match self.tile_of(cell) {
            Some(tile) => tile.start,
            None => self.cells[cell as usize],
        }
    }

    /// Calls with the runs of slots that are approximated in a tile's own frame, empty ones among them.
    pub(super) fn for_each_own_run(&self, tile: &Tile, mut visit: impl FnMut([u32; 2])) {
        let mut from = tile.start;
        if tile.is_split {
            for cell in tile.cells..tile.cells + tile.cell_count() {
                if let Some(inner) = self.tile_of(cell) {
                    visit([from, inner.start]);
                    from = inner.end;
                }
            }
        }
        visit([from, tile.end]);
    }
}

/// A visit of a tile within a tile: a call of its own, for there may be more within.
struct VisitInner<'a, V> {
    order: &'a Order,
    tile: &'a Tile,
    range: &'a LeafRange,
    visitor: &'a mut V,
}

impl<V: Visitor> Work for VisitInner<'_, V> {
    #[inline(always)]
    fn run(self) {
        self.order.visit_tile(self.tile, self.range, self.visitor);
    }
}
