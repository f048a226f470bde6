//! Sets of cells, as sorted lists of ids that do not overlap.

use glam::DVec3;

use super::{Cap, Cell, Chord, LatLngRect, Region};
use crate::cell::{CellId, InvalidCell, MAX_LEVEL};

/// Leaves of the whole sphere.
const LEAVES: u64 = 6 << (2 * MAX_LEVEL);

/// The narrowest width of a face, radians; each level halves it (S2's `kMinWidth`, quadratic projection: 2√2/3).
pub(crate) const MIN_WIDTH_RAD: f64 = 0.942_809_041_582_063_4;

/// A region made of cells.
///
/// Ids ascend and do not overlap. A *normalised* union is the shortest list for its leaves: it has no four cells that are the
/// children of one. All operations answer with normalised unions; only [`CellUnion::verbatim`] makes others, for
/// coverings whose levels matter.
///
/// ```
/// use spatial_core::{CellId, CellUnion};
///
/// let face = CellId::from_token("1")?;
/// let children = face.children().expect("a face is no leaf");
/// let three = CellUnion::new(children[1..].to_vec());
/// assert_eq!(three.len(), 3);
/// let all = three.union(&CellUnion::new(vec![children[0]]));
/// assert_eq!(all.ids(), [face]);
/// # Ok::<(), spatial_core::InvalidToken>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default, Debug)]
pub struct CellUnion {
    ids: Vec<CellId>, // ascending, disjoint
}

impl CellUnion {
    /// The normalised union of any cells: sorted, without those inside others, siblings merged. Costs the sort.
    pub fn new(mut ids: Vec<CellId>) -> Self {
        normalise(&mut ids);
        Self { ids }
    }

    /// As [`CellUnion::new`], from numbers.
    ///
    /// # Errors
    /// [`InvalidCellAt`] names the first number that is no id.
    pub fn from_u64s(numbers: &[u64]) -> Result<Self, InvalidCellAt> {
        let checked = |(index, number): (usize, &u64)| {
            CellId::new(*number).map_err(|InvalidCell(number)| InvalidCellAt { index, number })
        };
        let ids = numbers
            .iter()
            .enumerate()
            .map(checked)
            .collect::<Result<_, _>>()?;
        Ok(Self::new(ids))
    }

    /// The union of cells as they are, four siblings included.
    ///
    /// # Errors
    /// [`NotAscending`] names the first cell that does not lie behind the one before it.
    pub fn verbatim(ids: Vec<CellId>) -> Result<Self, NotAscending> {
        let overlap = ids
            .windows(2)
            .position(|pair| pair[0].range_max() >= pair[1].range_min());
        match overlap {
            Some(before) => Err(NotAscending { index: before + 1 }),
            None => Ok(Self { ids }),
        }
    }

    /// The whole sphere: the six faces.
    pub fn whole_sphere() -> Self {
        Self {
            ids: (0..6)
                .map(|face| CellId::from_face_ij(face, 0, 0, 0))
                .collect(),
        }
    }

    /// The cells, ascending.
    pub fn ids(&self) -> &[CellId] {
        &self.ids
    }

    /// The cells, ascending.
    pub fn into_ids(self) -> Vec<CellId> {
        self.ids
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Whether no four cells are the children of one.
    pub fn is_normalised(&self) -> bool {
        !self
            .ids
            .windows(4)
            .any(|four| are_siblings([four[0], four[1], four[2], four[3]]))
    }

    /// Merges siblings.
    pub fn normalise(&mut self) {
        normalise(&mut self.ids);
    }

    /// Whether all of a cell lies inside. A binary search. Siblings that were not merged do not count as their parent.
    pub fn contains_id(&self, id: CellId) -> bool {
        self.cell_from(id).is_some_and(|cell| cell.contains(id))
    }

    /// Whether a part of a cell lies inside. A binary search.
    pub fn intersects_id(&self, id: CellId) -> bool {
        self.cell_from(id)
            .is_some_and(|cell| cell.range_min() <= id.range_max())
    }

    /// The first cell that ends in `id` or behind its start.
    fn cell_from(&self, id: CellId) -> Option<CellId> {
        let at = self
            .ids
            .partition_point(|cell| cell.range_max() < id.range_min());
        self.ids.get(at).copied()
    }

    /// Whether each cell of the other lies in one of this union.
    pub fn contains(&self, other: &Self) -> bool {
        other.ids.iter().all(|id| self.contains_id(*id))
    }

    /// Whether the two have a leaf in common.
    pub fn intersects(&self, other: &Self) -> bool {
        let (short, long) = if self.len() < other.len() {
            (self, other)
        } else {
            (other, self)
        };
        short.ids.iter().any(|id| long.intersects_id(*id))
    }

    /// The leaves of both. Costs a sort of nearly sorted lists.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut ids = Vec::with_capacity(self.len() + other.len());
        ids.extend_from_slice(&self.ids);
        ids.extend_from_slice(&other.ids);
        // The stable sort merges runs.
        ids.sort();
        merge(&mut ids);
        Self { ids }
    }

    /// The leaves that both have. Costs a binary search for each run that the other skips.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (&self.ids[..], &other.ids[..]);
        let mut ids = Vec::new();
        while let (Some(x), Some(y)) = (a.first().copied(), b.first().copied()) {
            if x.contains(y) {
                ids.push(y);
                b = &b[1..];
            } else if y.contains(x) {
                ids.push(x);
                a = &a[1..];
            } else if x < y {
                a = behind(a, y);
            } else {
                b = behind(b, x);
            }
        }
        merge(&mut ids);
        Self { ids }
    }

    /// The leaves that the other does not have.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut ids = Vec::new();
        for id in &self.ids {
            without(*id, &other.ids, &mut ids);
        }
        merge(&mut ids);
        Self { ids }
    }

    /// With a rim of cells of a level around it: whatever lies within the least width of such a cell is inside.
    ///
    /// Cells finer than the level are first enlarged to it.
    ///
    /// # Errors
    /// [`InvalidLevel`] when the level is above 30.
    pub fn expanded_to_level(&self, level: u8) -> Result<Self, InvalidLevel> {
        if level > MAX_LEVEL {
            return Err(InvalidLevel(level));
        }
        let mut ids = Vec::with_capacity(9 * self.len());
        for id in &self.ids {
            let id = id.parent(level.min(id.level()));
            if ids.last() != Some(&id) {
                ids.push(id);
            }
        }
        let within = ids.len();
        for n in 0..within {
            let id = ids[n];
            ids.extend(id.neighbors_at(level));
        }
        Ok(Self::new(ids))
    }

    /// With everything within an angle of it, by cells at most `finer_max` levels below the coarsest of the union: a larger
    /// number follows the angle more closely, with four times fewer or more cells a level.
    ///
    /// # Errors
    /// [`InvalidExpansion`] when the angle is negative or NaN.
    pub fn expanded_by_radius(
        &self,
        radius_rad: f64,
        finer_max: u8,
    ) -> Result<Self, InvalidExpansion> {
        if radius_rad.is_nan() || radius_rad < 0.0 {
            return Err(InvalidExpansion(radius_rad));
        }
        let coarsest = self
            .ids
            .iter()
            .map(|id| id.level())
            .min()
            .unwrap_or(MAX_LEVEL);
        let by_radius = level_of_width(radius_rad);
        let level = by_radius
            .unwrap_or(0)
            .min(coarsest.saturating_add(finer_max));
        let expand = |union: &Self| {
            union
                .expanded_to_level(level)
                .expect("both levels are at most 30")
        };
        let once = expand(self);
        // Wider than a face: from face to face, half the sphere at most needs three steps; two reach all six faces
        // from any one.
        Ok(if by_radius.is_none() {
            expand(&once)
        } else {
            once
        })
    }

    /// How many leaves are inside.
    pub fn leaf_count(&self) -> u64 {
        self.ids
            .iter()
            .map(|id| 1u64 << (2 * (MAX_LEVEL - id.level())))
            .sum()
    }

    /// The area if all cells of a level had the same, steradians: within a factor of 1.7.
    pub fn average_area(&self) -> f64 {
        4.0 * core::f64::consts::PI * (self.leaf_count() as f64 / LEAVES as f64)
    }

    /// The sum of [`Cell::approx_area`], steradians.
    pub fn approx_area(&self) -> f64 {
        self.ids
            .iter()
            .fold(0.0, |sum, id| sum + Cell::new(*id).approx_area())
    }

    /// The sum of [`Cell::exact_area`], steradians.
    pub fn exact_area(&self) -> f64 {
        self.ids
            .iter()
            .fold(0.0, |sum, id| sum + Cell::new(*id).exact_area())
    }

    /// The same leaves in cells of `min_level` and every `level_mod`-th level below it: cells of other levels are
    /// replaced by their descendants at the next one that is allowed (or at 30). Each level is a factor of four.
    ///
    /// # Errors
    /// [`InvalidLevel`] when `min_level` is above 30; a `level_mod` of 0 counts as 1.
    pub fn denormalised(&self, min_level: u8, level_mod: u8) -> Result<Vec<CellId>, InvalidLevel> {
        if min_level > MAX_LEVEL {
            return Err(InvalidLevel(min_level));
        }
        let mut ids = Vec::with_capacity(self.len());
        denormalise(&self.ids, min_level, level_mod.max(1), &mut ids);
        Ok(ids)
    }
}

impl Region for CellUnion {
    fn cap_bound(&self) -> Cap {
        let weighted = |id: &CellId| id.center() * Cell::new(*id).average_area();
        let middle = self
            .ids
            .iter()
            .map(weighted)
            .fold(DVec3::ZERO, |sum, p| sum + p);
        let Some(first) = self.ids.first() else {
            return Cap::EMPTY;
        };
        // Cells all around the sphere may cancel.
        let axis = super::unit(middle).unwrap_or_else(|| first.center());
        let reach = |id: &CellId| {
            let cap = Cell::new(*id).cap_bound();
            (Chord::between(axis, cap.axis()) + cap.chord())
                .rounded_up()
                .0
        };
        Cap::from_parts(axis, Chord(self.ids.iter().map(reach).fold(0.0, f64::max)))
    }

    fn rect_bound(&self) -> LatLngRect {
        let bounds = self.ids.iter().map(|id| Cell::new(*id).rect_bound());
        bounds.fold(LatLngRect::EMPTY, |all, bound| all.union(&bound))
    }

    /// Whether the leaf of the direction is inside: points of an edge between cells belong to one of them only.
    fn contains_point(&self, direction: DVec3) -> bool {
        super::unit(direction).is_some() && self.contains_id(CellId::from_direction(direction))
    }

    fn contains_cell(&self, cell: &Cell) -> bool {
        self.contains_id(cell.id())
    }

    fn may_intersect(&self, cell: &Cell) -> bool {
        self.intersects_id(cell.id())
    }
}

/// The finest level whose cells are all at least this wide; `None` when faces are not.
pub(crate) fn level_of_width(width_rad: f64) -> Option<u8> {
    (0..=MAX_LEVEL)
        .rev()
        .find(|level| MIN_WIDTH_RAD / f64::from(1u32 << level) >= width_rad)
}

/// Sorts, drops what lies inside others, merges siblings; in place.
pub(crate) fn normalise(ids: &mut Vec<CellId>) {
    ids.sort_unstable();
    merge(ids);
}

/// Drops what lies inside others and merges siblings in an ascending list; in place, in one pass.
fn merge(ids: &mut Vec<CellId>) {
    let mut kept = 0; // ids[..kept] is normalised
    for n in 0..ids.len() {
        let mut id = ids[n];
        if kept > 0 && ids[kept - 1].contains(id) {
            continue;
        }
        // A cell sorts between its children.
        while kept > 0 && id.contains(ids[kept - 1]) {
            kept -= 1;
        }
        while kept >= 3 && are_siblings([ids[kept - 3], ids[kept - 2], ids[kept - 1], id]) {
            id = id.parent(id.level() - 1);
            kept -= 3;
        }
        ids[kept] = id;
        kept += 1;
    }
    ids.truncate(kept);
}

/// Whether four ascending disjoint cells are the children of one.
fn are_siblings([a, b, c, d]: [CellId; 4]) -> bool {
    let level = d.level();
    // The positions of four siblings cancel; nearly all others fail here.
    if level == 0 || a.to_u64() ^ b.to_u64() ^ c.to_u64() != d.to_u64() {
        return false;
    }
    let parent = d.parent(level - 1);
    [a, b, c]
        .into_iter()
        .all(|id| id.level() == level && id.parent(level - 1) == parent)
}

/// The rest of an ascending list from the first cell on that does not end before `id`.
fn behind(ids: &[CellId], id: CellId) -> &[CellId] {
    let first = id.range_min();
    &ids[ids.partition_point(|cell| cell.range_max() < first)..]
}

/// Appends the leaves of `id` that are not in `holes`, as cells. At most 30 levels deep.
fn without(id: CellId, holes: &[CellId], ids: &mut Vec<CellId>) {
    let holes = behind(holes, id);
    let last = id.range_max();
    let holes = &holes[..holes.partition_point(|hole| hole.range_min() <= last)];
    match holes.first() {
        None => ids.push(id),
        Some(hole) if hole.contains(id) => {}
        Some(_) => {
            let children = id
                .children()
                .expect("a hole inside a cell is smaller than it");
            children
                .into_iter()
                .for_each(|child| without(child, holes, ids));
        }
    }
}

/// Appends the cells with those of levels that are not allowed replaced by their descendants.
pub(crate) fn denormalise(cells: &[CellId], min_level: u8, level_mod: u8, ids: &mut Vec<CellId>) {
    for id in cells {
        let mut level = id.level().max(min_level);
        if level_mod > 1 {
            let beyond = (level - min_level) % level_mod;
            level = if beyond == 0 {
                level
            } else {
                level.saturating_add(level_mod - beyond).min(MAX_LEVEL)
            };
        }
        descend(*id, level, ids);
    }
}

fn descend(id: CellId, level: u8, ids: &mut Vec<CellId>) {
    if id.level() >= level {
        ids.push(id);
    } else if let Some(children) = id.children() {
        children
            .into_iter()
            .for_each(|child| descend(child, level, ids));
    }
}

/// A number in a list is not the id of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("number {index} of the list, {number:#018x}, is not a cell id")]
pub struct InvalidCellAt {
    /// Its place in the list.
    pub index: usize,
    /// The number.
    pub number: u64,
}

/// A list of cells overlaps or descends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("cell {index} of the list does not lie behind the one before it")]
pub struct NotAscending {
    /// The place of the later of the two.
    pub index: usize,
}

/// A level above 30.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("level {0} is above 30")]
pub struct InvalidLevel(pub u8);

/// A radius that is negative or not a number.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("radius {0} is negative or not a number")]
pub struct InvalidExpansion(pub f64);
