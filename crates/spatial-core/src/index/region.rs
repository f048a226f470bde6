//! Who is in a part of the globe: a box, a cap, a polygon, whatever is a [`Region`]; and in a cell.
//!
//! ```text
//!   tile  ┌──┬──┬──┬──┐     a tile's square is quartered until a quarter is outside, inside, or has few
//!         │  │▒▒│██│██│     entities; then its cells are read row by row: those inside as they are,
//!         ├──┼──┼──┼──┤     those in doubt entity by entity
//!         │▒▒│██│██│██│
//!         └──┴──┴──┴──┘
//! ```

use core::ops::Range;

use glam::DVec3;

use super::order::Order;
use super::reach::{LeafRange, for_each_range};
use super::tile::Tile;
use super::view::IndexView;
use crate::cell::{CellId, MAX_LEVEL};
use crate::region::{Cap, Cell, Region, Relation};

/// Cells along a side of the squares that are judged.
const SIDE_MAX: usize = 64;
/// A tile or quarter with so few entities is not worth a judgement.
const FEW: u32 = 6;

impl IndexView<'_> {
    /// Rows of everybody in a region, at whatever height, in iteration order. `out` is cleared first.
    ///
    /// [`Region::contains_point`] of the place decides. Who is at the planet's very centre has no direction and is
    /// in no region. A [`Cell`] is asked about its own leaves: of those who stand exactly on an edge, or a rounding beyond it,
    /// some are its neighbour's ([`IndexView::cell_rows`] says the same by leaves alone).
    ///
    /// Costs a few questions about cells along the region's boundary, and one about each entity in them. Allocates only when
    /// `out` grows.
    pub fn region_rows(&self, region: &(impl Region + ?Sized), out: &mut Vec<u32>) {
        self.region_slots(region, out);
        for slot in out {
            *slot = self.index.order.rows[*slot as usize];
        }
    }

    /// As above, slots.
    pub(super) fn region_slots(&self, region: &(impl Region + ?Sized), out: &mut Vec<u32>) {
        out.clear();
        let rows = &self.index.order.rows;
        let place = |slot: u32| self.places[rows[slot as usize] as usize].to_vec();
        // Somebody at the centre is in some cell, but in no region.
        let is_anybody_central = self.index.order.rho2[0] == 0.0;
        self.visit_region(region, &mut |slots, is_inside| {
            if !is_inside {
                out.extend(slots.filter(|slot| region.contains_point(place(*slot))));
            } else if is_anybody_central {
                out.extend(slots.filter(|slot| place(*slot) != DVec3::ZERO));
            } else {
                out.extend(slots);
            }
        });
    }

    /// Rows of everybody whose leaf is in a cell, at whatever height, in iteration order. `out` is cleared first.
    ///
    /// Each entity is in exactly one cell of a level. Allocates only when `out` grows.
    pub fn cell_rows(&self, cell: CellId, out: &mut Vec<u32>) {
        out.clear();
        let order = &self.index.order;
        let (face, i, j) = cell.to_face_ij();
        let last = cell.size_ij() - 1;
        let range = LeafRange {
            face,
            i: [i, i + last],
            j: [j, j + last],
        };
        let shift = u32::from(MAX_LEVEL - cell.level());
        order.for_each_run_of(&range, |tile, run| {
            let rows = &order.rows[run.start as usize..run.end as usize];
            if tile.shift() <= shift {
                out.extend_from_slice(rows);
            } else {
                let inside = |row: &&u32| cell.contains(self.places[**row as usize].leaf());
                out.extend(rows.iter().filter(inside));
            }
        });
    }

    /// Calls with runs of slots, ascending: those inside for sure, and those whose entities are to be asked.
    fn visit_region(
        &self,
        region: &(impl Region + ?Sized),
        visit: &mut impl FnMut(Range<u32>, bool),
    ) {
        let order = &self.index.order;
        let bound = region.cap_bound();
        order.for_each_tile_near(&bound, |tile, range| {
            self.visit_tile(tile, (region, range), visit);
        });
    }

    /// What of a tile is in a region, and in a range of leaves that holds the region's part of the face.
    fn visit_tile(
        &self,
        tile: &Tile,
        (region, range): (&(impl Region + ?Sized), &LeafRange),
        visit: &mut impl FnMut(Range<u32>, bool),
    ) {
        if !tile.touches(range) {
            return;
        }
        if tile.len() <= FEW {
            return visit(tile.start..tile.end, false);
        }
        let mut square = Square {
            order: &self.index.order,
            tile,
            bounds: tile.cells_in(range),
            relations: [[Relation::Outside; SIDE_MAX]; SIDE_MAX],
        };
        let id = CellId::from_face_ij(tile.face, tile.i, tile.j, tile.level);
        square.judge(region, &Cell::new(id), [0, 0], tile.bits);
        let [first, last] = square.bounds[0];
        for i in first..=last {
            self.visit_row(&square, i, (region, range), visit);
        }
    }

    fn visit_row(
        &self,
        square: &Square<'_>,
        i: u32,
        asked: (&(impl Region + ?Sized), &LeafRange),
        visit: &mut impl FnMut(Range<u32>, bool),
    ) {
        let (order, tile) = (square.order, square.tile);
        let row = tile.cells + (i << tile.bits);
        let [mut j, last] = square.bounds[1];
        let relations = &square.relations[i as usize][j as usize..=last as usize];
        for run in relations.chunk_by(|a, b| a == b) {
            let cells = row + j..row + j + run.len() as u32;
            j += run.len() as u32;
            let slots = order.start_of(cells.start)..order.start_of(cells.end);
            match run[0] {
                _ if slots.is_empty() => {}
                Relation::Outside => {}
                Relation::Inside => visit(slots, true),
                Relation::Crosses if tile.is_split => self.visit_cells(cells, asked, visit),
                Relation::Crosses => visit(slots, false),
            }
        }
    }

    /// Doubtful cells, of which some may be tiles.
    fn visit_cells(
        &self,
        cells: Range<u32>,
        asked: (&(impl Region + ?Sized), &LeafRange),
        visit: &mut impl FnMut(Range<u32>, bool),
    ) {
        let order = &self.index.order;
        let mut from = order.start_of(cells.start);
        for cell in cells.clone() {
            if let Some(child) = order.tile_of(cell) {
                visit(from..child.start, false);
                self.visit_tile(child, asked, visit);
                from = child.end;
            }
        }
        visit(from..order.start_of(cells.end), false);
    }
}

/// The cells of a tile, as they are judged.
struct Square<'a> {
    order: &'a Order,
    tile: &'a Tile,
    bounds: [[u32; 2]; 2], // the first and last i, then j, of those that are of interest
    relations: [[Relation; SIDE_MAX]; SIDE_MAX],
}

impl Square<'_> {
    /// Judges the 2^bits × 2^bits cells from one on, which together are `cell`.
    fn judge(&mut self, region: &(impl Region + ?Sized), cell: &Cell, [i, j]: [u32; 2], bits: u8) {
        let last = (1u32 << bits) - 1;
        let [is, js] = self.bounds;
        let is_near = i <= is[1] && i + last >= is[0] && j <= js[1] && j + last >= js[0];
        let count = self.count([i, j], bits);
        if !is_near || count == 0 {
            return;
        }
        // Whose leaf is in a cell may be a rounding outside of it.
        let relation = if count > FEW && is_boundable(cell) {
            region.relation(&cell.padded())
        } else {
            Relation::Crosses
        };
        if relation == Relation::Outside {
            return;
        }
        if relation == Relation::Inside || count <= FEW || bits == 0 {
            for row in &mut self.relations[i as usize..=(i + last) as usize] {
                row[j as usize..=(j + last) as usize].fill(relation);
            }
            return;
        }
        let half = 1u32 << (bits - 1);
        for child in cell.children().into_iter().flatten() {
            let [ci, cj] = child_side(cell, &child);
            self.judge(region, &child, [i + half * ci, j + half * cj], bits - 1);
        }
    }

    fn count(&self, [i, j]: [u32; 2], bits: u8) -> u32 {
        let side = 1 << bits;
        let rows = i..i + side;
        rows.map(|i| {
            let first = self.tile.cells + (i << self.tile.bits) + j;
            self.order.start_of(first + side) - self.order.start_of(first)
        })
        .sum()
    }
}

/// Whether bounds of a cell with a margin hold: not those of whole faces, nor where the margin is on the other side of a pole.
fn is_boundable(cell: &Cell) -> bool {
    let is_polar = matches!(cell.face(), 2 | 5)
        && cell
            .uv_bound()
            .iter()
            .all(|[lo, hi]| *lo <= 0.0 && *hi >= 0.0);
    cell.level() > 0 && !is_polar
}

/// Which half of its parent's i and j a child is in.
fn child_side(parent: &Cell, child: &Cell) -> [u32; 2] {
    let ([pu, pv], [u, v]) = (parent.uv_bound(), child.uv_bound());
    [u32::from(u[0] != pu[0]), u32::from(v[0] != pv[0])]
}

impl Order {
    /// Calls with the tiles that a cap may touch, in iteration order, and with leaves of their face that hold its part of it.
    fn for_each_tile_near(&self, cap: &Cap, mut visit: impl FnMut(&Tile, &LeafRange)) {
        if cap.is_empty() {
            return;
        }
        // chord² = 2 − 2 cos θ, so sin² θ = chord² (1 − chord²/4); beyond a right angle everything is in reach.
        let chord2 = cap.squared_chord() * (1.0 + 1e-12) + 1e-15;
        let sin = if chord2 < 2.0 {
            (chord2 * (1.0 - 0.25 * chord2)).sqrt()
        } else {
            1.0
        };
        for_each_range(cap.axis(), sin, [1.0 - 1e-9, 1.0 + 1e-9], |range| {
            let shift = u32::from(MAX_LEVEL - self.level);
            let [i0, i1] = range.i.map(|i| i >> shift);
            let [j0, j1] = range.j.map(|j| j >> shift);
            for i in i0..=i1 {
                let row = (u32::from(range.face) << self.level | i) << self.level;
                let tiles = &self.tiles[(row | j0) as usize..=(row | j1) as usize];
                for tile in tiles.iter().filter(|tile| tile.len() > 0) {
                    visit(tile, &range);
                }
            }
        });
    }
}
