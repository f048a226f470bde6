//! Coverings: regions as a few cells.
//!
//! The search of the C++ library, so that coverings are the same: a queue of cells that touch the region, the largest
//! first, each replaced by those of its children that do, until the number of cells would pass the limit.

use super::cell_union::{CellUnion, denormalise, normalise};
use super::queue::Queue;
use super::{Cell, Region, Relation};
use crate::cell::{CellId, MAX_LEVEL};

/// Which cells a covering may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoveringOptions {
    /// No cell is coarser than this level, even if that takes more than `cells_max` cells.
    pub min_level: u8,
    /// No cell is finer than this level.
    pub max_level: u8,
    /// Levels are `min_level` and every so many levels below it: 1, 2 or 3.
    pub level_mod: u8,
    /// At most so many cells, if three at a corner of the cube or six around the sphere are not already too many.
    pub cells_max: usize,
}

impl Default for CoveringOptions {
    /// All levels, at most 8 cells.
    fn default() -> Self {
        Self {
            min_level: 0,
            max_level: MAX_LEVEL,
            level_mod: 1,
            cells_max: 8,
        }
    }
}

/// Makes coverings; its scratch memory is used again, so that coverings cost no allocation after the first few.
///
/// ```
/// use spatial_core::{Cap, Coverer, CoveringOptions, DVec3, Planet};
///
/// let mut coverer = Coverer::new(CoveringOptions { cells_max: 20, ..Default::default() })?;
/// let cap = Cap::on_planet(Planet::EARTH, DVec3::new(0.3, -0.2, 0.9), 100_000.0)?;
/// let outside = coverer.covering(&cap);
/// let inside = coverer.interior_covering(&cap);
/// assert!(outside.len() <= 20 && outside.contains(&inside));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Coverer {
    options: CoveringOptions,
    search: Search,
    cells: Vec<CellId>,
}

impl Coverer {
    /// With the options.
    ///
    /// # Errors
    /// [`CoveringError`] names the option that is out of range.
    pub fn new(options: CoveringOptions) -> Result<Self, CoveringError> {
        let CoveringOptions {
            min_level,
            max_level,
            level_mod,
            cells_max,
        } = options;
        if max_level > MAX_LEVEL || min_level > max_level {
            return Err(CoveringError::Levels(min_level, max_level));
        }
        if !(1..=3).contains(&level_mod) {
            return Err(CoveringError::LevelMod(level_mod));
        }
        if cells_max == 0 {
            return Err(CoveringError::NoCells);
        }
        Ok(Self {
            options,
            search: Search::default(),
            cells: Vec::new(),
        })
    }

    /// Its options.
    pub fn options(&self) -> CoveringOptions {
        self.options
    }

    /// Cells that contain the region: sorted and disjoint, of allowed levels only.
    ///
    /// Normalised if every level is allowed; otherwise four siblings whose parent's level is not allowed stay.
    pub fn covering(&mut self, region: &(impl Region + ?Sized)) -> CellUnion {
        let mut ids = Vec::new();
        self.covering_into(region, &mut ids);
        CellUnion::verbatim(ids).expect("a covering is sorted and disjoint")
    }

    /// [`Coverer::covering`] into a list, which is emptied first. Allocates nothing once the scratch memory is large enough,
    /// unless a restriction of the levels splits cells.
    pub fn covering_into(&mut self, region: &(impl Region + ?Sized), ids: &mut Vec<CellId>) {
        self.cover(region, Side::Outside, ids);
    }

    /// Cells that lie inside the region: sorted and disjoint, of allowed levels only; as large as the search finds them, so
    /// usually not all of the inside. A region without area has none.
    ///
    /// They are at most `cells_max`, or up to six if those that the search begins with are inside already: as in the C++
    /// library these are kept, one on each face of the cube, whatever the limit.
    ///
    /// A thin region is searched along all its length down to cells that fit, or to `max_level`: with a wall of a metre
    /// around the Earth that takes seconds.
    pub fn interior_covering(&mut self, region: &(impl Region + ?Sized)) -> CellUnion {
        let mut ids = Vec::new();
        self.interior_covering_into(region, &mut ids);
        CellUnion::verbatim(ids).expect("a covering is sorted and disjoint")
    }

    /// [`Coverer::interior_covering`] into a list, which is emptied first.
    pub fn interior_covering_into(
        &mut self,
        region: &(impl Region + ?Sized),
        ids: &mut Vec<CellId>,
    ) {
        self.cover(region, Side::Inside, ids);
    }

    /// A looser covering, many times faster: [`Region::cell_bound`], made to keep the options.
    pub fn fast_covering_into(&mut self, region: &(impl Region + ?Sized), ids: &mut Vec<CellId>) {
        ids.clear();
        ids.extend_from_slice(&region.cell_bound());
        canonicalise(&self.options, &mut self.cells, ids);
    }

    fn cover(&mut self, region: &(impl Region + ?Sized), side: Side, ids: &mut Vec<CellId>) {
        ids.clear();
        let options = self.options;
        self.cells.clear();
        self.cells.extend_from_slice(&region.cell_bound());
        let few = CoveringOptions {
            min_level: 0,
            level_mod: 1,
            cells_max: options.cells_max.min(4),
            ..options
        };
        canonicalise(&few, ids, &mut self.cells);
        ids.clear();
        allow_levels(&options, &mut self.cells);
        self.search.run(region, side, &options, &self.cells, ids);
        normalise(ids);
        if options.min_level > 0 || options.level_mod > 1 {
            core::mem::swap(ids, &mut self.cells);
            ids.clear();
            denormalise(&self.cells, options.min_level, options.level_mod, ids);
        }
    }
}

impl CoveringOptions {
    /// The finest allowed level that is not finer than `level`; a level coarser than the coarsest stays.
    fn allowed(&self, level: u8) -> u8 {
        if level > self.min_level {
            level - (level - self.min_level) % self.level_mod
        } else {
            level
        }
    }
}

/// Whether cells are to lie around the region or within it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Outside,
    Inside,
}

/// A cell that touches the region, with those of its children that do.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    cell: Cell,
    done: bool,         // a part of the covering as it is
    children: [u32; 2], // range in Search::candidates; set when the candidate is queued
}

/// The scratch memory of a search.
#[derive(Clone, Default, Debug)]
struct Search {
    candidates: Vec<Candidate>,
    queue: Queue,
}

impl Search {
    fn run(
        &mut self,
        region: &(impl Region + ?Sized),
        side: Side,
        options: &CoveringOptions,
        start: &[CellId],
        ids: &mut Vec<CellId>,
    ) {
        self.candidates.clear();
        self.queue.clear();
        let mut pass = Pass {
            search: self,
            region,
            side,
            options,
            ids,
        };
        for id in start {
            let cell = Cell::new(*id);
            let relation = region.relation(&cell);
            let at = pass.search.candidates.len();
            if relation != Relation::Outside && pass.take(cell, relation).is_some() {
                pass.add(at);
            }
        }
        pass.refine();
    }
}

/// One covering in the making.
struct Pass<'a, R: ?Sized> {
    search: &'a mut Search,
    region: &'a R,
    side: Side,
    options: &'a CoveringOptions,
    ids: &'a mut Vec<CellId>,
}

impl<R: Region + ?Sized> Pass<'_, R> {
    /// Replaces candidates by their children, the most promising first, as long as the limit allows.
    fn refine(&mut self) {
        let cells_max = self.options.cells_max;
        while self.side == Side::Outside || self.ids.len() < cells_max {
            let Some(at) = self.search.queue.pop() else {
                return;
            };
            let Candidate {
                cell,
                children: [first, end],
                ..
            } = self.search.candidates[at as usize];
            let count = (end - first) as usize;
            let fits = || self.ids.len() + self.search.queue.len() + count <= cells_max;
            if self.side == Side::Inside
                || cell.level() < self.options.min_level
                || count == 1
                || fits()
            {
                for child in first..end {
                    if self.side == Side::Outside || self.ids.len() < cells_max {
                        self.add(child as usize);
                    }
                }
            } else {
                self.ids.push(cell.id());
            }
        }
    }

    /// Takes a candidate into the covering, or into the queue with its children.
    fn add(&mut self, at: usize) {
        let Candidate { cell, done, .. } = self.search.candidates[at];
        if done {
            self.ids.push(cell.id());
            return;
        }
        // Above the first allowed level one level at a time, so that it is not missed.
        let levels = if cell.level() < self.options.min_level {
            1
        } else {
            self.options.level_mod
        };
        let first = self.search.candidates.len();
        let finished = self.expand(cell, levels);
        let count = self.search.candidates.len() - first;
        if count == 0 {
            return;
        }
        let all_done = finished == 1 << self.shift() && cell.level() >= self.options.min_level;
        if self.side == Side::Outside && all_done {
            self.ids.push(cell.id()); // rather than all of its children
            return;
        }
        self.search.candidates[at].children = [first as u32, (first + count) as u32];
        // Large cells first, since most can be gained there; then those with few children, then those with few that
        // are done. At most 64 children: 7 bits each, under 5 of the level.
        let shift = self.shift();
        let cost = (((u32::from(cell.level()) << shift) + count as u32) << shift) + finished;
        self.search.queue.push(cost, at as u32);
    }

    /// Appends the descendants so many levels down that touch the region; the answer is how many of them are done.
    fn expand(&mut self, cell: Cell, levels: u8) -> u32 {
        if cell.level() == MAX_LEVEL {
            return 0; // leaves are always done
        }
        let mut finished = 0;
        for (position, relation) in (0..4).zip(self.region.child_relations(&cell)) {
            if relation == Relation::Outside {
                continue;
            }
            let child = cell.child(position);
            if levels > 1 {
                finished += self.expand(child, levels - 1);
            } else if let Some(done) = self.take(child, relation) {
                finished += u32::from(done);
            }
        }
        finished
    }

    /// Appends the cell, which touches the region, as a candidate, and says whether it is done; `None` if it cannot become a
    /// part of the covering.
    fn take(&mut self, cell: Cell, relation: Relation) -> Option<bool> {
        let level = cell.level();
        let mut done = false;
        if level >= self.options.min_level {
            let finest = level + self.options.level_mod > self.options.max_level;
            match self.side {
                Side::Outside => done = finest || relation == Relation::Inside,
                Side::Inside if relation == Relation::Inside => done = true,
                Side::Inside if finest => return None,
                Side::Inside => {}
            }
        }
        self.search.candidates.push(Candidate {
            cell,
            done,
            children: [0; 2],
        });
        Some(done)
    }

    /// The number of children at the next allowed level, as a power of two.
    fn shift(&self) -> u32 {
        2 * u32::from(self.options.level_mod)
    }
}

/// Raises cells to allowed levels, in ascending order, and drops those that are inside others then.
fn allow_levels(options: &CoveringOptions, ids: &mut Vec<CellId>) {
    if options.level_mod == 1 {
        return;
    }
    let mut kept = 0;
    for n in 0..ids.len() {
        let id = ids[n].parent(options.allowed(ids[n].level()));
        if kept > 0 && ids[kept - 1].contains(id) {
            continue;
        }
        while kept > 0 && id.contains(ids[kept - 1]) {
            kept -= 1;
        }
        ids[kept] = id;
        kept += 1;
    }
    ids.truncate(kept);
}

/// Makes any cells keep the options, by merging those that are near each other on the curve.
fn canonicalise(options: &CoveringOptions, scratch: &mut Vec<CellId>, ids: &mut Vec<CellId>) {
    for id in ids.iter_mut() {
        *id = id.parent(options.allowed(id.level().min(options.max_level)));
    }
    normalise(ids);
    if options.min_level > 0 || options.level_mod > 1 {
        scratch.clear();
        denormalise(ids, options.min_level, options.level_mod, scratch);
        core::mem::swap(ids, scratch);
    }
    while ids.len() > options.cells_max && merge_nearest(options, ids) {}
}

/// Replaces two adjacent cells, those with the smallest common ancestor, by it; `false` when no ancestor is allowed.
fn merge_nearest(options: &CoveringOptions, ids: &mut Vec<CellId>) -> bool {
    let ancestor = |n: usize| {
        Some((
            options.allowed(ids[n].common_ancestor_level(ids[n + 1])?),
            n,
        ))
    };
    // The first of equals.
    let nearest = (0..ids.len() - 1)
        .filter_map(ancestor)
        .max_by_key(|(level, n)| (*level, core::cmp::Reverse(*n)));
    let Some((mut level, n)) = nearest.filter(|(level, _)| *level >= options.min_level) else {
        return false;
    };
    let mut id = ids[n].parent(level);
    replace_with(ids, id);
    // That may have completed the children of a larger cell.
    while level >= options.min_level + options.level_mod {
        level -= options.level_mod;
        id = id.parent(level);
        if !has_all_below(ids, id, level + options.level_mod) {
            break;
        }
        replace_with(ids, id);
    }
    true
}

/// Puts a cell in the place of all that it contains.
fn replace_with(ids: &mut Vec<CellId>, id: CellId) {
    let first = ids.partition_point(|cell| *cell < id.range_min());
    let end = ids.partition_point(|cell| *cell <= id.range_max());
    ids[first] = id;
    ids.drain(first + 1..end);
}

/// Whether all descendants of a cell at a level are in the list.
fn has_all_below(ids: &[CellId], id: CellId, level: u8) -> bool {
    let first = ids.partition_point(|cell| *cell < id.range_min());
    let end = ids.partition_point(|cell| *cell <= id.range_max());
    let count = 1usize << (2 * (level - id.level()));
    end - first == count && ids[first..end].iter().all(|cell| cell.level() == level)
}

/// Which option of a covering is out of range.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CoveringError {
    /// The levels do not ascend within 0 to 30.
    #[error("levels from {0} to {1} of a covering do not ascend within 0 to 30")]
    Levels(u8, u8),
    /// Not every level, every second, or every third.
    #[error("every {0}-th level for a covering; want 1, 2 or 3")]
    LevelMod(u8),
    /// Nothing can be covered with no cells.
    #[error("a covering of at most 0 cells; want 1 or more")]
    NoCells,
}
