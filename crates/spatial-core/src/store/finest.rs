//! The finest tile at a place, in one read of a small table.
//!
//! ```text
//! roots      a grid over all cells of one level of each face       entry = slot of the finest tile there << 6 | P << 5 | its level
//! branches   a grid of 8 × 8 over the cells three levels finer             | number of a branch       << 6 | 31
//! ```
//! The roots lie on the finest level where the planet is whole, so there are no branches; otherwise on a coarser one that takes no
//! more entries than there are tiles, twice. 4 bytes an entry.

use super::nodes::Node;
use super::{MissingTile, StoreError};
use crate::cell::{CellId, MAX_LEVEL};
use crate::terrain::cell_at;

/// Levels from a branch's node to its entries.
const STRIDE: u8 = 3;
const BRANCH: usize = 1 << (2 * STRIDE);
/// In the place of a level: the entry names a branch.
const IS_BRANCH: u32 = 31;
/// The bits of a level.
const LEVEL: u32 = 31;
/// The tile is the finest in a quadrant of it.
const PART: u32 = 32;
/// Bits below a number.
const NUMBER: u32 = 6;
/// So many tiles have numbers here.
pub(super) const TILES_MAX: usize = 1 << (32 - NUMBER);
/// No tile: no level and no branch has this number.
const NONE: u32 = u32::MAX;
/// So many branches have numbers beside [`NONE`].
const BRANCHES_MAX: usize = (1 << (32 - NUMBER)) - 1;

/// A tile where a place's ground is known finest, and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Finest {
    /// The face.
    pub face: u8,
    /// The tile's level.
    pub level: u8,
    /// Its column among those of its level and face.
    pub column: u32,
    /// Its row.
    pub row: u32,
    /// The tile's number in the order of the cells.
    pub slot: u32,
    /// The cell in which it is the finest: its own, or where there are finer tiles below it, a quadrant; level, column, row.
    pub(crate) reach: Square,
}

/// A cell of a face.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Square {
    pub(crate) level: u8,
    pub(crate) column: u32,
    pub(crate) row: u32,
}

impl Square {
    /// The one of a level that holds leaf (i, j).
    #[inline(always)]
    pub(crate) fn at(level: u8, i: u32, j: u32) -> Self {
        let shift = u32::from(MAX_LEVEL - level);
        Self {
            level,
            column: i >> shift,
            row: j >> shift,
        }
    }
}

impl Finest {
    /// No tile's: what a memory of the last one starts with.
    pub(crate) const NONE: Self = Self {
        face: u8::MAX,
        level: 0,
        column: 0,
        row: 0,
        slot: u32::MAX,
        reach: Square {
            level: 0,
            column: 0,
            row: 0,
        },
    };

    /// Whether it is the finest at leaf (i, j) of a face.
    #[inline(always)]
    pub(crate) fn holds(&self, face: u8, i: u32, j: u32) -> bool {
        self.face == face && Square::at(self.reach.level, i, j) == self.reach
    }

    /// The tile's cell.
    pub fn cell(&self) -> CellId {
        cell_at(self.face, self.level, self.column, self.row)
    }
}

/// The finest tiles of all places.
#[derive(Debug)]
pub(crate) struct FinestTable {
    entries: Vec<u32>, // of the roots, face by face and row by row; then of each branch
    first_branch: usize,
    root_level: u8,
    leaf_level: u8,
    is_whole: bool,
}

impl FinestTable {
    /// Of the nodes of a planet with so many tiles. Linear in time and memory: up to 1.5 KB for a tile that lies alone.
    pub(crate) fn new(
        nodes: &[Node],
        tiles: usize,
        leaf_level: u8,
        missing: MissingTile,
    ) -> Result<Self, &'static str> {
        let root_level = (0..=leaf_level)
            .rev()
            .step_by(usize::from(STRIDE))
            .find(|level| 6u64 << (2 * level) <= (2 * tiles as u64).max(6))
            .unwrap_or(leaf_level % STRIDE);
        let first_branch = 6 << (2 * root_level);
        let mut builder = Builder {
            nodes,
            entries: vec![NONE; first_branch],
            first_branch,
            leaf_level,
            missing,
        };
        for face in 0..6u32 {
            let grid = Grid {
                first: (face as usize) << (2 * root_level),
                top: 0,
                levels: root_level,
            };
            builder.lay(grid, face, [0, 0, 0], NONE);
        }
        if builder.entries.len() > first_branch + BRANCHES_MAX * BRANCH {
            return Err("too many tiles lie apart from each other");
        }
        Ok(Self {
            is_whole: !builder.entries.contains(&NONE),
            entries: builder.entries,
            first_branch,
            root_level,
            leaf_level,
        })
    }

    /// The finest tile that holds leaf (i, j) of a face.
    #[inline(always)]
    pub(crate) fn finest(&self, face: u8, i: u32, j: u32) -> Result<Finest, StoreError> {
        let mut level = self.root_level;
        let at = |x: u32| (x >> (MAX_LEVEL - level)) as usize;
        let row = usize::from(face) << level | at(j);
        let mut entry = self.entries[row << level | at(i)];
        while entry & LEVEL == IS_BRANCH {
            if entry == NONE {
                return Err(self.missing(face, i, j));
            }
            level += STRIDE;
            let at = |x: u32| (x >> (MAX_LEVEL - level)) as usize & ((1 << STRIDE) - 1);
            let branch = self.first_branch + (entry >> NUMBER) as usize * BRANCH;
            entry = self.entries[branch + (at(j) << STRIDE | at(i))];
        }
        let level = (entry & LEVEL) as u8;
        let Square { column, row, .. } = Square::at(level, i, j);
        Ok(Finest {
            face,
            level,
            column,
            row,
            slot: entry >> NUMBER,
            reach: Square::at(level + u8::from(entry & PART != 0), i, j),
        })
    }

    /// Whether there is a tile for every place.
    #[inline(always)]
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    #[cold]
    fn missing(&self, face: u8, i: u32, j: u32) -> StoreError {
        let cell = CellId::from_face_ij(face, i, j, self.leaf_level);
        StoreError::Missing { cell }
    }
}

/// A grid of entries over the cells some levels below a node.
#[derive(Clone, Copy)]
struct Grid {
    first: usize, // entry
    top: u8,      // the node's level
    levels: u8,
}

struct Builder<'a> {
    nodes: &'a [Node],
    entries: Vec<u32>,
    first_branch: usize,
    leaf_level: u8,
    missing: MissingTile,
}

impl Builder<'_> {
    /// Fills in what of a grid lies below a node, so many levels below the grid's top and in this column and row of them; `above`
    /// is what is known from its ancestors. As deep as there are levels.
    fn lay(&mut self, grid: Grid, number: u32, [depth, column, row]: [u32; 3], above: u32) {
        let node = self.nodes[number as usize];
        let level = grid.top + depth as u8;
        let here = self.entry(&node, level).unwrap_or(above);
        let rest = u32::from(grid.levels) - depth;
        if node.is_leaf() {
            return self.fill(grid, [column << rest, row << rest], 1 << rest, here);
        }
        if rest == 0 {
            let entry = self.branch(number, level, here);
            return self.fill(grid, [column, row], 1, entry);
        }
        for quadrant in 0..4u32 {
            let place = [2 * column + (quadrant & 1), 2 * row + (quadrant >> 1)];
            match node.child(quadrant as u8) {
                Some(child) => self.lay(grid, child, [depth + 1, place[0], place[1]], here),
                None => {
                    let rest = rest - 1;
                    self.fill(grid, place.map(|at| at << rest), 1 << rest, here | PART);
                }
            }
        }
    }

    /// A new branch below a node, and its entry.
    fn branch(&mut self, number: u32, level: u8, above: u32) -> u32 {
        let first = self.entries.len();
        if first > self.first_branch + BRANCHES_MAX * BRANCH {
            return NONE; // refused when all is laid
        }
        self.entries.resize(first + BRANCH, NONE);
        let grid = Grid {
            first,
            top: level,
            levels: STRIDE,
        };
        self.lay(grid, number, [0, 0, 0], above);
        let branch = (first - self.first_branch) / BRANCH;
        (branch as u32) << NUMBER | IS_BRANCH // of more than have numbers there will be no table
    }

    fn fill(&mut self, grid: Grid, [column, row]: [u32; 2], size: u32, entry: u32) {
        for row in row..row + size {
            let first = grid.first + ((row as usize) << grid.levels | column as usize);
            self.entries[first..first + size as usize].fill(entry);
        }
    }

    /// Of a node's own tile, if it answers for places that have none finer.
    fn entry(&self, node: &Node, level: u8) -> Option<u32> {
        let answers = level == self.leaf_level || self.missing == MissingTile::Coarser;
        let slot = node.slot().filter(|_| answers)?;
        Some((slot as u32) << NUMBER | u32::from(level))
    }
}

#[cfg(test)]
mod tests {
    use super::super::nodes::{NodeTable, TileEntry};
    use super::*;
    use crate::planet::Planet;
    use crate::store::Manifest;
    use crate::terrain::LatticeSpec;

    fn table(cells: &[CellId], lattice: LatticeSpec, missing: MissingTile) -> NodeTable {
        let manifest = Manifest::new(Planet::EARTH, lattice, "made for a test", "none")
            .with_tiles(cells.len() as u64)
            .with_missing(missing);
        let entries: Vec<TileEntry> = cells.iter().copied().map(TileEntry::unknown).collect();
        NodeTable::new(&entries, &manifest).unwrap()
    }

    /// The corners of a cell, as leaves of its face.
    fn corners(cell: CellId) -> [(u8, u32, u32); 4] {
        let (face, i, j) = cell.to_face_ij();
        let last = cell.size_ij() - 1;
        [(0, 0), (last, 0), (0, last), (last, last)].map(|(di, dj)| (face, i + di, j + dj))
    }

    #[test]
    fn every_tile_is_found_at_its_corners_and_nowhere_else() {
        let lattice = LatticeSpec::new(5, 8, 0.0, 1.0).unwrap();
        let cells = lattice.cells();
        for keep_nth in [1, 3, 50, 400] {
            let kept: Vec<_> = (cells.iter().enumerate())
                .filter(|(n, _)| n % keep_nth == keep_nth / 2)
                .map(|(_, cell)| *cell)
                .collect();
            let nodes = table(&kept, lattice, MissingTile::Error);
            let mut found = 0;
            for cell in cells.iter().filter(|cell| cell.level() == 4) {
                for (face, i, j) in corners(*cell) {
                    match nodes.finest_at(face, i, j) {
                        Ok(finest) => {
                            assert_eq!(kept[finest.slot as usize], *cell);
                            assert_eq!(finest.cell(), *cell);
                            assert!(finest.holds(face, i, j) && !Finest::NONE.holds(face, i, j));
                            found += 1;
                        }
                        Err(error) => {
                            assert!(matches!(error, StoreError::Missing { cell: c } if c == *cell));
                            assert!(kept.binary_search(cell).is_err());
                        }
                    }
                }
            }
            assert_eq!(found, 4 * kept.iter().filter(|c| c.level() == 4).count());
        }
    }

    #[test]
    fn a_hole_of_one_place_many_levels_deep_is_found_and_its_surroundings_are_coarser() {
        for levels in 1..=18 {
            let lattice = LatticeSpec::new(levels, 8, 0.0, 1.0).unwrap();
            let deepest = CellId::from_face_ij(3, 0x1234_5678, 0x0fed_cba9, levels - 1);
            let mut cells: Vec<_> = (0..6).map(|f| CellId::from_face_ij(f, 0, 0, 0)).collect();
            cells.extend((1..levels).map(|level| deepest.parent(level)));
            cells.sort_unstable();
            let nodes = table(&cells, lattice, MissingTile::Coarser);
            for level in 0..levels {
                let cell = deepest.parent(level);
                for (face, i, j) in corners(cell) {
                    let leaf = CellId::from_face_ij(face, i, j, MAX_LEVEL);
                    let want = (0..levels)
                        .rev()
                        .map(|level| leaf.parent(level))
                        .find(|cell| cells.binary_search(cell).is_ok());
                    let finest = nodes.finest_at(face, i, j).unwrap();
                    assert_eq!(Some(finest.cell()), want);
                    assert_eq!(Some(cells[finest.slot as usize]), want);
                    // No finer tile where it is said to be the finest.
                    let reach = finest.reach;
                    let reach = cell_at(face, reach.level, reach.column, reach.row);
                    let is_finest = |c: &CellId| c.level() <= finest.level || !reach.contains(*c);
                    assert!(cells.iter().all(is_finest) && reach.contains(leaf));
                }
            }
        }
    }

    #[test]
    fn a_whole_planet_takes_one_entry_a_tile_of_the_finest_level() {
        let lattice = LatticeSpec::new(6, 8, 0.0, 1.0).unwrap();
        let nodes = table(&lattice.cells(), lattice, MissingTile::Coarser);
        assert_eq!(nodes.finest_table().entries.len(), 6 << 10);
    }
}
