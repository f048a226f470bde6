//! The tiles of a planet from a source of heights, in the order of their cells and in parts.
//!
//! ```text
//! level 0 … U−1   built one by one from their parents, which wait on a stack
//! level U … L     units: a subtree of three levels, each built by one thread
//! part            some thousand tiles of whole units: what a killed import need not do again
//! ```
//! A tile takes its parent's samples at even places; along an edge whose neighbour of the same level is absent, halves
//! between them; all others are the source's own value at the sample's place. All are rounded by the error bound, each
//! by itself. So tiles that share a sample agree on it, whoever builds them and in whatever order.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Result, bail};
use rayon::prelude::*;
use spatial_core::{
    CellId, Codec, DVec3, HeightTile, LatticeSpec, ReliefSample, column_row, halfway,
};

use super::base::Put;

/// Levels of a unit.
const UNIT_LEVELS: u8 = 3;
/// Units that are in memory at a time: at most 1,344 tiles, 90 MB with their encodings.
const BATCH_UNITS: usize = 64;

/// Where heights come from.
pub(super) trait Source: Sync {
    /// Appends the heights in directions of length one; `None` where nothing is known.
    fn samples(&self, at: &[DVec3], out: &mut Vec<Option<ReliefSample>>) -> Result<()>;
}

/// Which tiles a planet will have, and what they are made of.
pub(super) struct Pyramid<'a, S> {
    pub(super) source: &'a S,
    pub(super) spec: LatticeSpec,
    pub(super) cells: &'a [CellId], // ascending, with every tile's parent
    pub(super) codec: Codec,        // one that is read in place
    pub(super) part_tiles: usize,   // a part has at least so many, but the last
    pub(super) error_bound: u16,    // quanta by which samples are rounded at most
}

/// What one thread builds: cells of one unit, or one tile that has been built.
enum Item<'a> {
    Unit(Option<HeightTile>, &'a [CellId]), // the parent of its coarsest tile
    Tile(HeightTile),
}

impl<S: Source> Pyramid<'_, S> {
    /// The parts: ranges of cells, of whole units.
    pub(super) fn parts(&self) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut end) = (0, 0);
        while end < self.cells.len() {
            end += self.group(&self.cells[end..]);
            if end - start >= self.part_tiles || end == self.cells.len() {
                parts.push(start..end);
                start = end;
            }
        }
        parts
    }

    /// Builds and writes a part's tiles.
    pub(super) fn write(&self, part: Range<usize>, put: &mut Put<'_>) -> Result<()> {
        let mut rest = &self.cells[part];
        let mut stack = Stack::default();
        while !rest.is_empty() {
            let mut items = Vec::with_capacity(BATCH_UNITS);
            while !rest.is_empty() && items.len() < BATCH_UNITS {
                let (group, later) = rest.split_at(self.group(rest));
                items.push(self.item(group, &mut stack)?);
                rest = later;
            }
            let encoded: Result<Vec<_>> = items.into_par_iter().map(|i| self.build(i)).collect();
            for (cell, tile) in encoded?.iter().flatten() {
                put(*cell, tile)?;
            }
        }
        Ok(())
    }

    /// How many of the first of these cells belong together: those of one unit, or one.
    fn group(&self, cells: &[CellId]) -> usize {
        let level = self.unit_level();
        if cells[0].level() < level {
            return 1;
        }
        let unit = cells[0].parent(level);
        cells
            .iter()
            .take_while(|cell| unit.contains(**cell))
            .count()
    }

    fn unit_level(&self) -> u8 {
        self.spec.levels().saturating_sub(UNIT_LEVELS)
    }

    fn item<'b>(&self, group: &'b [CellId], stack: &mut Stack) -> Result<Item<'b>> {
        let level = self.unit_level();
        if group[0].level() < level {
            return Ok(Item::Tile(stack.tile(self, group[0])?.clone()));
        }
        let parent = match level {
            0 => None,
            _ => Some(stack.tile(self, group[0].parent(level - 1))?.clone()),
        };
        Ok(Item::Unit(parent, group))
    }

    /// The encoded tiles of an item, ascending.
    fn build(&self, item: Item<'_>) -> Result<Vec<(CellId, Vec<u8>)>> {
        let (parent, cells) = match item {
            Item::Tile(tile) => return Ok(vec![(tile.cell(), tile.encode(self.codec, None)?)]),
            Item::Unit(parent, cells) => (parent, cells),
        };
        let mut from_above: Vec<CellId> = cells.to_vec();
        from_above.sort_by_key(|cell| cell.level());
        let mut built: BTreeMap<CellId, HeightTile> = BTreeMap::new();
        for cell in from_above {
            let above = (cell.level() > 0).then(|| cell.parent(cell.level() - 1));
            let above = above
                .and_then(|above| built.get(&above))
                .or(parent.as_ref());
            let tile = self.tile(cell, above)?;
            built.insert(cell, tile);
        }
        let encode = |(cell, tile): (&CellId, &HeightTile)| -> Result<(CellId, Vec<u8>)> {
            Ok((*cell, tile.encode(self.codec, None)?))
        };
        built.iter().map(encode).collect()
    }

    /// A tile from the source and its parent, which only those of level 0 lack.
    fn tile(&self, cell: CellId, parent: Option<&HeightTile>) -> Result<HeightTile> {
        let n = usize::from(self.spec.intervals());
        let count = (n + 1) * (n + 1);
        let (mut samples, mut filled) = (vec![0i16; count], vec![0u8; count.div_ceil(8)]);
        if let Some(parent) = parent {
            take_even(cell, parent, &mut samples, &mut filled);
        }
        let (sides, lines) = (self.absent_sides(cell), self.spec.tile_lines(cell));
        let (mut asked, mut directions) = (Vec::new(), Vec::new());
        for at in 0..count {
            let (i, j) = (at % (n + 1), at / (n + 1));
            if parent.is_some() && i % 2 == 0 && j % 2 == 0 {
                continue;
            }
            if parent.is_some()
                && let Some(along) = on_side((i, j), n, sides)
            {
                samples[at] = halfway(samples[at - along], samples[at + along]);
                continue;
            }
            asked.push(at);
            directions.push(lines.direction(i, j));
        }
        let mut found = Vec::with_capacity(asked.len());
        self.source.samples(&directions, &mut found)?;
        for (at, sample) in asked.into_iter().zip(found) {
            // Ground that no source knows lies at the datum.
            samples[at] = self.stored(sample.map_or(0.0, |s| s.height_m))?;
            filled[at / 8] |= u8::from(sample.is_none_or(|s| s.is_filled)) << (at % 8);
        }
        let tile = HeightTile::new(cell, self.spec.intervals(), samples)?.with_filled(&filled)?;
        let tile = match self.error_bound {
            0 => tile,
            bound => tile.rounded(bound)?,
        };
        Ok(match parent {
            Some(parent) => {
                let error = tile.geometric_error_under(parent)?;
                tile.with_geometric_error(error)
            }
            None => tile,
        })
    }

    /// Which of the sides south, east, north, west have no neighbour of the same level.
    fn absent_sides(&self, cell: CellId) -> [bool; 4] {
        cell.edge_neighbors()
            .map(|beside| self.cells.binary_search(&beside).is_err())
    }

    /// The stored number nearest to a height.
    fn stored(&self, height_m: f64) -> Result<i16> {
        let value = ((height_m - self.spec.offset_m()) / self.spec.quantum_m()).round();
        if !(f64::from(i16::MIN)..=f64::from(i16::MAX)).contains(&value) {
            bail!(
                "a height of {height_m} m is no number of steps of {} m that 16 bits hold; choose larger steps",
                self.spec.quantum_m()
            );
        }
        Ok(value as i16)
    }
}

/// The parent's samples at a tile's even places, and which of them were filled.
fn take_even(cell: CellId, parent: &HeightTile, samples: &mut [i16], filled: &mut [u8]) {
    let n = usize::from(parent.intervals());
    let (column, row) = column_row(cell);
    let (i0, j0) = (n / 2 * (column & 1) as usize, n / 2 * (row & 1) as usize);
    for j in 0..=n / 2 {
        for i in 0..=n / 2 {
            let at = 2 * j * (n + 1) + 2 * i;
            samples[at] = parent.sample(i0 + i, j0 + j);
            filled[at / 8] |= u8::from(parent.is_filled(i0 + i, j0 + j)) << (at % 8);
        }
    }
}

/// For a sample at an odd place of one of these sides: how far along the side its two neighbours' indices are.
fn on_side((i, j): (usize, usize), n: usize, sides: [bool; 4]) -> Option<usize> {
    let [south, east, north, west] = sides;
    if (j == 0 && south) || (j == n && north) {
        return Some(1);
    }
    ((i == 0 && west) || (i == n && east)).then_some(n + 1)
}

/// The tiles above the units that were built last, one a level.
#[derive(Default)]
struct Stack {
    tiles: Vec<HeightTile>,
}

impl Stack {
    fn tile<S: Source>(&mut self, pyramid: &Pyramid<'_, S>, cell: CellId) -> Result<&HeightTile> {
        let level = usize::from(cell.level());
        if self.tiles.get(level).is_none_or(|tile| tile.cell() != cell) {
            let parent = match level {
                0 => None,
                // At most 17 deep: a level each.
                _ => Some(self.tile(pyramid, cell.parent(cell.level() - 1))?),
            };
            let tile = pyramid.tile(cell, parent)?;
            self.tiles.truncate(level);
            self.tiles.push(tile);
        }
        Ok(&self.tiles[level])
    }
}
