//! Walking along a way over tiles and blocks of their cells, until it meets the ground.
//!
//! ```text
//! level 7 ┌───────────────┬───      a block whose highest sample is below the way is left at once, and where it ends a larger
//!         │       ┌───┐   │         one begins, that is tried next; otherwise a quarter of it is tried, down to one cell
//!         │       │ 4 │ ──┼──▶
//!         │       └───┘   │         (level 0), in which the way and the ground are compared.
//!         └───────────────┴───
//! ```
//! High above the ground whole cells of the quadtree are passed over likewise, by the highest sample below their nodes: no tile is
//! read that the way does not come near to.

use glam::DVec3;

use super::grid::{Cells, Grid};
use super::line::{FaceLine, Line, lesser};
use super::maxima::{Cache, FIRST_LEVEL, Maxima};
use super::patch::Patch;
use super::{Samples, StoreError, StoredTile, Terrain};
use crate::cell::{LEAVES, MAX_LEVEL, direction_to_face_uv, st_to_ij, st_to_uv, uv_to_st};
use crate::store::{Finest, Square};
use crate::terrain::face_st;

/// A line without a bend is over fewer faces than this.
const FACES_MAX: u32 = 16;

/// A way that goes down more steeply than this (sine of the angle) goes to the cells at once.
const STEEP: f64 = 0.3;

/// So far beyond the lowest corner of a cell a steep way has met its ground, whatever rounding says.
const BEYOND_M: f64 = 1e-3;

/// A walk that has come to some place of the way.
pub(super) struct Walk<'t> {
    terrain: &'t Terrain,
    line: &'t Line,
    on_face: FaceLine,
    base_m: f64, // the distance from the planet's centre of a sample of 0
    quantum_m: f64,
    is_steep: bool,
    is_high: bool, // so that there may be nothing but air for more than a tile
    at_m: f64,
    end_m: f64,
    level: u32, // of the blocks that are tried
}

/// How a walk over one tile ended.
enum Ending {
    Contact(f64),
    WayEnds,
    /// At the edge of the tile that is crossed along an axis.
    Edge(usize),
}

/// Asks for what a walk from a place reads first, while other walks are under way: a walk alone waits for one after the other.
#[inline(always)]
pub(super) fn prefetch_start(terrain: &Terrain, cache: &Cache, from: DVec3) {
    let (face, s, t) = face_st(from);
    let Ok(finest) = terrain.finest(face, st_to_ij(s), st_to_ij(t)) else {
        return; // the walk itself says so
    };
    let grid = Grid::new(terrain.lattice(), finest);
    let cells = grid.cells(&finest, [s, t]);
    cache.prefetch(&finest, terrain.lattice().intervals(), cells.ij);
    if let Ok(tile) = terrain.store.tile_at(finest.slot as usize) {
        grid.prefetch_block(tile.samples(), cells.ij);
    }
}

/// The edge by which a tile is entered.
#[derive(Clone, Copy)]
struct Edge {
    axis: usize,      // along which it is crossed
    leaf: u32,        // the first one beyond it, along that axis
    beside: [u32; 2], // the first and last one along the other axis that it reaches
}

/// The leaf at a place of a face, beyond an edge whatever rounding says.
#[inline(always)]
fn leaf_at([s, t]: [f64; 2], edge: &Option<Edge>) -> [u32; 2] {
    let mut leaf = [st_to_ij(s), st_to_ij(t)];
    if let Some(Edge {
        axis,
        leaf: first,
        beside: [lo, hi],
    }) = *edge
    {
        leaf[axis] = first;
        leaf[1 - axis] = leaf[1 - axis].clamp(lo, hi);
    }
    leaf
}

/// Where a block ends along an axis.
#[derive(Clone, Copy)]
struct End {
    line: u32, // of the tile's lattice
    at_m: f64, // where it is crossed
}

impl<'t> Walk<'t> {
    /// A walk along a part of a way, which must not go through the planet's centre; `is_high` if it begins high above the ground.
    pub(super) fn new(
        terrain: &'t Terrain,
        line: &'t Line,
        [from_m, end_m]: [f64; 2],
        is_high: bool,
    ) -> Self {
        let (face, _, _) = direction_to_face_uv(line.at(from_m));
        let lattice = terrain.lattice();
        let (ahead, radius) = (line.foot_m - from_m, line.radius_m(from_m));
        Self {
            on_face: FaceLine::new(face, line),
            base_m: terrain.planet().radius_m() + lattice.offset_m(),
            quantum_m: lattice.quantum_m(),
            is_steep: ahead > STEEP * radius && line.bend_per_m == 0.0,
            is_high: is_high && terrain.is_whole(),
            at_m: from_m,
            level: FIRST_LEVEL,
            terrain,
            line,
            end_m,
        }
    }

    /// The first place of the way that is on or under the ground.
    pub(super) fn first_contact_m(&mut self, cache: &mut Cache) -> Result<Option<f64>, StoreError> {
        let mut edge = None;
        let mut faces = 1;
        while faces < FACES_MAX {
            let st = self.st();
            let [i, j] = leaf_at(st, &edge);
            let (square, ending) = match self.pass_over([i, j]) {
                Some(passed) => passed,
                None => {
                    let finest = self.terrain.finest(self.on_face.face, i, j)?;
                    (finest.reach, self.cross(&finest, st, edge, cache)?)
                }
            };
            let axis = match ending {
                Ending::Contact(at_m) => return Ok(Some(at_m)),
                Ending::WayEnds => return Ok(None),
                Ending::Edge(axis) => axis,
            };
            edge = self.edge_of(square, axis);
            if edge.is_none() {
                let (there, axis, is_upper) = self.on_face.beyond(self.line, axis, self.at_m);
                self.on_face = there;
                edge = Some(Edge {
                    axis,
                    leaf: if is_upper { LEAVES - 1 } else { 0 },
                    beside: [0, LEAVES - 1],
                });
                faces += 1;
            }
        }
        debug_assert!(false, "no end: {:?}", self.line);
        Ok(None)
    }

    /// Over the largest cell that holds a leaf and whose ground is all below the way; `None` when even a tile's is not, or it is
    /// not worth looking.
    #[inline(always)]
    fn pass_over(&mut self, leaf: [u32; 2]) -> Option<(Square, Ending)> {
        match self.is_high {
            true => self.pass_over_cell(leaf),
            false => None,
        }
    }

    #[inline(never)]
    fn pass_over_cell(&mut self, [i, j]: [u32; 2]) -> Option<(Square, Ending)> {
        let nodes = self.terrain.store.nodes();
        let here_m = self.line.radius_m(self.at_m);
        let mut number = u32::from(self.on_face.face);
        for level in 0..MAX_LEVEL {
            let node = nodes.node(number);
            let square = Square::at(level, i, j);
            let first = [square.column, square.row];
            let highest_m = self.radius_of(node.max());
            if highest_m < here_m {
                let ends_m = [0, 1].map(|axis| {
                    let line = first[axis] + u32::from(self.on_face.is_forward[axis]);
                    let c = st_to_uv(f64::from(line) / f64::from(1u32 << level));
                    self.on_face.crossing_m(axis, c, self.at_m)
                });
                let out_m = lesser(lesser(ends_m[0], ends_m[1]), self.end_m);
                if self.line.is_above(highest_m, self.at_m, out_m) {
                    self.at_m = out_m;
                    let axis = usize::from(ends_m[1] < ends_m[0]);
                    let ending = match out_m >= self.end_m {
                        true => Ending::WayEnds,
                        false => Ending::Edge(axis),
                    };
                    return Some((square, ending));
                }
            }
            let below = MAX_LEVEL - level - 1;
            let quadrant = (j >> below & 1) << 1 | (i >> below & 1);
            number = node.child(quadrant as u8)?;
        }
        None
    }

    /// What is known of the leaf beyond a cell's edge that is crossed along an axis; `None` when it is on another face.
    fn edge_of(&self, square: Square, axis: usize) -> Option<Edge> {
        let size = 1u32 << (MAX_LEVEL - square.level);
        let first = [square.column * size, square.row * size];
        let leaf = match self.on_face.is_forward[axis] {
            true => first[axis] + size,
            false => first[axis].checked_sub(1)?,
        };
        let other = first[1 - axis];
        (leaf < LEAVES).then_some(Edge {
            axis,
            leaf,
            beside: [other, other + size - 1],
        })
    }

    /// s and t where the walk is.
    #[inline(always)]
    fn st(&self) -> [f64; 2] {
        let [u, v] = self.on_face.uv(self.at_m);
        [uv_to_st(u), uv_to_st(v)]
    }

    /// Over one tile, as far as it is the finest; it was entered along an axis.
    #[inline(always)]
    fn cross(
        &mut self,
        finest: &Finest,
        st: [f64; 2],
        edge: Option<Edge>,
        cache: &mut Cache,
    ) -> Result<Ending, StoreError> {
        let terrain = self.terrain;
        let grid = Grid::new(terrain.lattice(), *finest);
        let fetch = || terrain.store.tile_at(finest.slot as usize);
        let mut tile: Option<StoredTile<'t>> = None;
        let key = (terrain.number, finest, grid.intervals as u16);
        let maxima = cache.get(key, || Ok(tile.insert(fetch()?).samples()))?;
        let (mut cells, reach) = (grid.cells(finest, st), grid.reach(finest));
        if let Some(Edge { axis, .. }) = edge {
            let is_forward = self.on_face.is_forward[axis];
            cells.ij[axis] = reach.entry(axis, is_forward);
        }
        // A steep way is far above all of a tile, or near the ground of a few cells.
        self.level = match self.is_steep {
            true => reach.top,
            false => self.level.min(reach.top),
        };
        let mut ends = self.block(&grid, &cells);
        loop {
            let out_m = lesser(lesser(ends[0].at_m, ends[1].at_m), self.end_m);
            if self.level == 0 {
                let samples = tile.as_ref().expect("fetched on the way down").samples();
                if let Some(at_m) = self.contact_in_cell(&grid, cells.ij, samples, out_m) {
                    return Ok(Ending::Contact(at_m));
                }
            } else if self.descend(&grid, maxima, &mut cells, (finest, out_m)) {
                if self.level == 0 {
                    if tile.is_none() {
                        tile = Some(fetch()?);
                    }
                    let samples = tile.as_ref().expect("just fetched").samples();
                    grid.prefetch_block(samples, cells.ij);
                }
                ends = self.block(&grid, &cells);
                continue;
            }
            if out_m >= self.end_m {
                return Ok(Ending::WayEnds);
            }
            self.at_m = out_m;
            let axis = usize::from(ends[1].at_m < ends[0].at_m);
            let (line, is_forward) = (ends[axis].line, self.on_face.is_forward[axis]);
            cells.step(axis, line, is_forward, self.level == 0);
            let is_larger = self.climb(line, reach.top);
            if line == reach.end(axis, is_forward) {
                self.is_high = self.level == reach.top && terrain.is_whole();
                return Ok(Ending::Edge(axis));
            }
            match is_larger {
                true => ends = self.block(&grid, &cells),
                false => ends[axis] = self.end_of(&grid, &cells, axis),
            }
        }
    }

    /// Where the block ends that it is in, along both axes.
    #[inline(always)]
    fn block(&self, grid: &Grid<'_>, cells: &Cells) -> [End; 2] {
        [self.end_of(grid, cells, 0), self.end_of(grid, cells, 1)]
    }

    /// Where the block ends that it is in, along an axis.
    #[inline(always)]
    fn end_of(&self, grid: &Grid<'_>, cells: &Cells, axis: usize) -> End {
        let is_forward = u32::from(self.on_face.is_forward[axis]);
        let line = ((cells.ij[axis] >> self.level) + is_forward) << self.level;
        let c = grid.uv_of(axis, line);
        End {
            line,
            at_m: self.on_face.crossing_m(axis, c, self.at_m),
        }
    }

    /// Where a larger block ends too, the next larger one is tried.
    #[inline(always)]
    fn climb(&mut self, line: u32, top: u32) -> bool {
        let larger = (self.level + 1).max(FIRST_LEVEL);
        let is_larger = line & ((1 << larger) - 1) == 0 && self.level < top;
        if is_larger {
            self.level = larger;
        }
        is_larger
    }

    /// Where the way first meets the ground of a cell, until it leaves it.
    #[inline(always)]
    fn contact_in_cell(
        &self,
        grid: &Grid<'_>,
        [i, j]: [u32; 2],
        samples: Samples<'_>,
        out_m: f64,
    ) -> Option<f64> {
        let side = grid.intervals as usize + 1;
        let corners = samples.corners(j as usize * side + i as usize, side);
        let [a, b, c, d] = corners;
        let highest_m = self.radius_of(a.max(b).max(c.max(d)));
        let (mut from_m, mut to_m) = (self.at_m, out_m);
        if self.line.is_above(highest_m, from_m, to_m) {
            return None;
        }
        if self.is_steep {
            // From where it comes below the highest corner to the lowest: a part that is short whatever the cell's size.
            let entry_m = |radius_m: f64| self.line.entry_m(radius_m);
            from_m = from_m.max(entry_m(highest_m).unwrap_or(from_m)).min(to_m);
            let lowest_m = entry_m(self.radius_of(a.min(b).min(c.min(d))));
            to_m = to_m
                .min(lowest_m.map_or(to_m, |at_m| at_m + BEYOND_M))
                .max(from_m);
        }
        let patch = Patch::new(
            grid.lattice,
            self.terrain.planet().radius_m(),
            (grid.face_intervals, [grid.first[0] + i, grid.first[1] + j]),
            corners,
        );
        patch.first_contact_m((self.line, &self.on_face), from_m, to_m)
    }

    /// Tries the block that it is in: whether its ground reaches the way, so that smaller blocks are to be tried.
    #[inline(always)]
    fn descend(
        &mut self,
        grid: &Grid<'_>,
        maxima: Maxima<'_>,
        cells: &mut Cells,
        (finest, out_m): (&Finest, f64),
    ) -> bool {
        let [i, j] = cells.ij;
        let radius_m = self.radius_of(maxima.at(self.level, i, j));
        if self.line.is_above(radius_m, self.at_m, out_m) {
            return false;
        }
        if self.is_steep {
            // Until there it is above all of the block.
            let entry_m = self.line.entry_m(radius_m).unwrap_or(self.at_m);
            if entry_m > self.at_m {
                self.at_m = entry_m.min(out_m);
                cells.is_exact = [false; 2];
            }
        }
        if !(cells.is_exact[0] && cells.is_exact[1]) {
            let there = grid.cells(finest, self.st());
            for axis in 0..2 {
                let first = cells.ij[axis] >> self.level << self.level;
                let within = there.ij[axis].clamp(first, first + (1 << self.level) - 1);
                cells.ij[axis] = if cells.is_exact[axis] {
                    cells.ij[axis]
                } else {
                    within
                };
            }
            cells.is_exact = [true; 2];
        }
        self.level = match self.level {
            FIRST_LEVEL => 0,
            _ if self.is_steep => 0,
            level => level - 1,
        };
        true
    }

    /// How far from the planet's centre ground of a stored height is.
    #[inline(always)]
    fn radius_of(&self, value: i16) -> f64 {
        self.base_m + self.quantum_m * f64::from(value)
    }
}
