//! Which tiles there are: the quadtree of a planet's terrain, in memory.
//!
//! ```text
//! nodes  ┌ faces 0 to 5 ┬ level 1 … ┬ level 2 … ┐     the children of a node side by side, ordered by quadrant
//!          first child, which quadrants are there, slot of the tile, bounds of all samples below
//! slots  ┌ cells ascending ┐                          the order of files: tile n of a pack, key n of a database
//! ```
//! Absent tiles cost no look-up. 18 bytes a node, 12 a tile, and 4 to 8 of a table of the finest tiles (`finest.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::finest::{Finest, FinestTable, TILES_MAX};
use super::{Manifest, MissingTile, StoreError};
use crate::cell::{CellId, MAX_LEVEL, st_to_ij};
use crate::terrain::{LatticeSpec, TileError};

/// The slot of a node that has no tile, and the child of a node that has none.
const NONE: u32 = u32::MAX;

/// One tile as a store's table lists it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TileEntry {
    pub(crate) cell: CellId,
    pub(crate) min: i16,
    pub(crate) max: i16,
    pub(crate) error: u16, // in quanta, `Node::ERROR_UNKNOWN` if nobody knows
    pub(crate) seal: Option<u32>, // low half of the checksum of the encoded tile, where the table has it
}

impl TileEntry {
    /// A tile of a store that lists nothing but cells.
    pub(crate) fn unknown(cell: CellId) -> Self {
        Self {
            cell,
            min: i16::MIN,
            max: i16::MAX,
            error: Node::ERROR_UNKNOWN,
            seal: None,
        }
    }
}

/// A node of the quadtree: a cell that has a tile, or finer ones below it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Node {
    first_child: u32,
    slot: u32,
    min: i16,
    max: i16,
    error: u16,
    children: u8, // bit 2·(row & 1) + (column & 1) of the children that are there
}

const _: () = assert!(size_of::<Node>() == 16);

impl Node {
    /// The geometric error of a tile that does not say it.
    pub const ERROR_UNKNOWN: u16 = u16::MAX;

    /// Smallest sample of the tile and of all tiles below it.
    pub fn min(&self) -> i16 {
        self.min
    }

    /// Largest sample of the tile and of all tiles below it.
    pub fn max(&self) -> i16 {
        self.max
    }

    /// How far the tile's samples are at most from what its parent interpolates there, in quanta; or
    /// [`Node::ERROR_UNKNOWN`].
    pub fn error(&self) -> u16 {
        self.error
    }

    /// The number of the node's tile in the order of the cells.
    pub fn slot(&self) -> Option<usize> {
        (self.slot != NONE).then_some(self.slot as usize)
    }

    /// Whether nothing finer is there.
    pub fn is_leaf(&self) -> bool {
        self.children == 0
    }

    /// The number of the child in a quadrant, 2·(row & 1) + (column & 1) of its own row and column.
    pub fn child(&self, quadrant: u8) -> Option<u32> {
        let bit = 1u8 << (quadrant & 3);
        let before = (self.children & (bit - 1)).count_ones();
        (self.children & bit != 0).then(|| self.first_child + before)
    }
}

/// All nodes of a planet, with one bit for each tile: its checksum has matched.
#[derive(Debug)]
pub struct NodeTable {
    nodes: Vec<Node>,         // the six faces first
    errors_below: Vec<u16>,   // of each node, in quanta; ERROR_UNKNOWN if one below it is
    cells: Vec<CellId>,       // strictly ascending
    seals: Vec<u32>,          // of each tile; none at all where the table has none
    verified: Vec<AtomicU64>, // bit n of word n / 64
    finest: Arc<FinestTable>, // which terrains share
}

impl NodeTable {
    /// The quadtree of tiles that must ascend, lie on the manifest's levels, and be as many as it says. Where a missing
    /// tile means its parent's ground, every parent must be there. Linear in time.
    pub(crate) fn new(entries: &[TileEntry], manifest: &Manifest) -> Result<Self, &'static str> {
        let lattice = manifest.lattice();
        if entries.len() as u64 != manifest.tiles() || entries.len() > TILES_MAX {
            return Err("the number of tiles is not the manifest's");
        }
        if !entries.is_sorted_by(|a, b| a.cell < b.cell) {
            return Err("tile ids are not in order");
        }
        if !entries.iter().all(|e| lattice.has_level_of(e.cell)) {
            return Err("a tile's level is not one of the manifest's");
        }
        if !entries.iter().all(|e| e.min <= e.max) {
            return Err("a tile's minimum is above its maximum");
        }
        let nodes = tree(entries, lattice);
        if manifest.missing() == MissingTile::Coarser && nodes.iter().any(|n| n.slot == NONE) {
            return Err("a tile's parent or a face's tile is absent");
        }
        let verified = (0..entries.len().div_ceil(64)).map(|_| AtomicU64::new(0));
        let (leaf_level, missing) = (lattice.leaf_level(), manifest.missing());
        let finest = FinestTable::new(&nodes, entries.len(), leaf_level, missing)?;
        Ok(Self {
            finest: Arc::new(finest),
            errors_below: errors_below(&nodes),
            nodes,
            cells: entries.iter().map(|e| e.cell).collect(),
            seals: entries.iter().filter_map(|e| e.seal).collect(),
            verified: verified.collect(),
        })
    }

    /// The cells of all tiles, ascending; their index is the slot.
    pub fn cells(&self) -> &[CellId] {
        &self.cells
    }

    /// The node with a number: 0 to 5 are the faces, the others' come from [`Node::child`].
    ///
    /// # Panics
    /// When there is no such number.
    pub fn node(&self, number: u32) -> &Node {
        &self.nodes[number as usize]
    }

    /// How far what is known finest below a node is at most from its own tile's ground, in quanta: for each level the largest
    /// difference between a sample and what the level above interpolates there, added up along the worst way down. 0 of a leaf,
    /// [`Node::ERROR_UNKNOWN`] if one of them is.
    ///
    /// # Panics
    /// When there is no such number.
    pub fn error_below(&self, number: u32) -> u16 {
        self.errors_below[number as usize]
    }

    /// How many nodes there are: as many as tiles, where every tile's parent is there.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes: never, the faces have theirs.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The finest tile at (s, t) of a face; s and t beyond [0, 1] count as the nearer end.
    ///
    /// # Errors
    /// [`StoreError::Missing`] of the finest level's cell, where the manifest says that a missing tile is an error.
    ///
    /// # Panics
    /// When face > 5.
    pub fn finest(&self, face: u8, s: f64, t: f64) -> Result<Finest, StoreError> {
        self.finest_at(face, st_to_ij(s), st_to_ij(t))
    }

    /// The finest tile that holds leaf (i, j) of a face; see [`NodeTable::finest`].
    pub(crate) fn finest_at(&self, face: u8, i: u32, j: u32) -> Result<Finest, StoreError> {
        self.finest.finest(face, i, j)
    }

    /// The table of the finest tiles, for those who ask it often.
    pub(crate) fn finest_table(&self) -> &Arc<FinestTable> {
        &self.finest
    }

    /// The number of a cell's node.
    pub fn find(&self, cell: CellId) -> Option<u32> {
        let (face, i, j) = cell.to_face_ij();
        let (number, level) = self.walk(face, i, j, cell.level());
        (level == cell.level()).then_some(number)
    }

    /// The number of a cell's tile in the order of the cells.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when there is none.
    pub fn slot(&self, cell: CellId) -> Result<usize, StoreError> {
        let node = self.find(cell).map(|number| &self.nodes[number as usize]);
        node.and_then(Node::slot)
            .ok_or(StoreError::Missing { cell })
    }

    /// Down towards leaf (i, j) of a face, as far as there are nodes and at most to a level.
    fn walk(&self, face: u8, i: u32, j: u32, level_max: u8) -> (u32, u8) {
        let mut number = u32::from(face);
        for level in 0..level_max {
            let shift = MAX_LEVEL - 1 - level;
            let quadrant = (j >> shift & 1) << 1 | (i >> shift & 1);
            match self.nodes[number as usize].child(quadrant as u8) {
                Some(child) => number = child,
                None => return (number, level),
            }
        }
        (number, level_max)
    }

    /// Whether the tile's check has passed.
    pub(crate) fn is_verified(&self, slot: usize) -> bool {
        let word = &self.verified[slot / 64];
        word.load(Ordering::Relaxed) & 1u64 << (slot % 64) != 0
    }

    /// Runs the check, which yields the encoded tile's checksum, unless it has passed before; then compares the checksum
    /// with the table's. Two threads may both run it; a failure is not remembered.
    pub(crate) fn verify_once(
        &self,
        slot: usize,
        check: impl FnOnce() -> Result<u64, TileError>,
    ) -> Result<(), TileError> {
        if self.is_verified(slot) {
            return Ok(());
        }
        let seal = check()? as u32;
        if self.seals.get(slot).is_some_and(|s| *s != seal) {
            return Err(TileError::Seal);
        }
        // Relaxed: the bit says something about immutable bytes and publishes no other memory.
        self.verified[slot / 64].fetch_or(1u64 << (slot % 64), Ordering::Relaxed);
        Ok(())
    }
}

/// The sum of two geometric errors; unknown if one is.
pub(crate) fn add_errors(a: u16, b: u16) -> u16 {
    match [a, b].contains(&Node::ERROR_UNKNOWN) {
        true => Node::ERROR_UNKNOWN,
        false => a.saturating_add(b).min(Node::ERROR_UNKNOWN - 1),
    }
}

/// See [`NodeTable::error_below`]. Children stand behind their parents: backwards, errors go up.
fn errors_below(nodes: &[Node]) -> Vec<u16> {
    let mut below = vec![0; nodes.len()];
    for number in (0..nodes.len()).rev() {
        let node = nodes[number];
        let children = node.children.count_ones();
        let children = (0..children).map(|k| (node.first_child + k) as usize);
        let worst = children
            .map(|child| add_errors(nodes[child].error, below[child]))
            .max();
        below[number] = worst.unwrap_or(0);
    }
    below
}

/// A node's cell, and its slot.
type Seat = (CellId, u32);

/// The nodes of ascending tiles, level by level, with those in between that have no tile.
fn tree(entries: &[TileEntry], lattice: &LatticeSpec) -> Vec<Node> {
    let levels = seats(entries, lattice);
    let mut nodes = Vec::with_capacity(levels.iter().map(Vec::len).sum());
    nodes.extend(levels[0].iter().map(|seat| leaf(seat, entries)));
    let mut parents: Vec<u32> = (0..6).collect(); // numbers of a level's nodes, in the order of its cells
    for (above, below) in levels.iter().zip(&levels[1..]) {
        parents = add_level(&mut nodes, (above, &parents), below, entries);
    }
    // Children stand behind their parents: backwards, bounds go up.
    for number in (0..nodes.len()).rev() {
        let Node {
            first_child,
            children,
            ..
        } = nodes[number];
        for child in first_child..first_child.saturating_add(children.count_ones()) {
            let (min, max) = (nodes[child as usize].min, nodes[child as usize].max);
            nodes[number].min = nodes[number].min.min(min);
            nodes[number].max = nodes[number].max.max(max);
        }
    }
    // A face without any tile: nothing is known of it.
    for face in nodes[..6].iter_mut().filter(|n| n.min > n.max) {
        (face.min, face.max) = (i16::MIN, i16::MAX);
    }
    nodes
}

/// Each level's seats, ascending, parents before tiles that lack theirs included.
fn seats(entries: &[TileEntry], lattice: &LatticeSpec) -> Vec<Vec<Seat>> {
    let mut levels: Vec<Vec<Seat>> = vec![Vec::new(); usize::from(lattice.levels())];
    for (slot, entry) in entries.iter().enumerate() {
        levels[usize::from(entry.cell.level())].push((entry.cell, slot as u32));
    }
    for level in (1..lattice.levels()).rev() {
        let (above, below) = levels.split_at_mut(usize::from(level));
        let mut wanted: Vec<CellId> = below[0].iter().map(|s| s.0.parent(level - 1)).collect();
        wanted.dedup();
        fill_in(&mut above[usize::from(level) - 1], &wanted);
    }
    let faces: Vec<CellId> = (0..6).map(|f| CellId::from_face_ij(f, 0, 0, 0)).collect();
    fill_in(&mut levels[0], &faces);
    levels
}

/// Adds a seat without a tile for each wanted cell that has none. Both are ascending.
fn fill_in(seats: &mut Vec<Seat>, wanted: &[CellId]) {
    let mut there = seats.iter().peekable();
    let mut absent: Vec<Seat> = Vec::new();
    for cell in wanted {
        while there.next_if(|seat| seat.0 < *cell).is_some() {}
        if there.peek().is_none_or(|seat| seat.0 != *cell) {
            absent.push((*cell, NONE));
        }
    }
    if !absent.is_empty() {
        seats.append(&mut absent);
        seats.sort_unstable(); // of two runs
    }
}

/// Appends a level's nodes behind all others and tells their parents; the new nodes' numbers, in the order of their cells.
fn add_level(
    nodes: &mut Vec<Node>,
    (above, parents): (&[Seat], &[u32]),
    below: &[Seat],
    entries: &[TileEntry],
) -> Vec<u32> {
    let mut numbers = Vec::with_capacity(below.len());
    let mut parent = 0;
    for siblings in below.chunk_by(|a, b| is_sibling(a.0, b.0)) {
        let level = siblings[0].0.level() - 1;
        while above[parent].0 != siblings[0].0.parent(level) {
            parent += 1; // every parent has a seat, and both ascend
        }
        let quadrants = siblings.iter().map(|s| quadrant(s.0));
        let first = nodes.len() as u32;
        let mask = quadrants.clone().fold(0u8, |mask, q| mask | 1 << q);
        let rank = |q: u8| (mask & ((1u8 << q) - 1)).count_ones();
        numbers.extend(quadrants.map(|q| first + rank(q)));
        let of_parent = &mut nodes[parents[parent] as usize];
        (of_parent.first_child, of_parent.children) = (first, mask);
        let mut ordered: Vec<&Seat> = Vec::with_capacity(4);
        ordered.extend(siblings);
        ordered.sort_unstable_by_key(|s| quadrant(s.0));
        nodes.extend(ordered.into_iter().map(|seat| leaf(seat, entries)));
    }
    numbers
}

fn is_sibling(a: CellId, b: CellId) -> bool {
    a.parent(a.level() - 1) == b.parent(b.level() - 1)
}

/// 2·(row & 1) + (column & 1).
fn quadrant(cell: CellId) -> u8 {
    let (_, i, j) = cell.to_face_ij();
    let shift = MAX_LEVEL - cell.level();
    ((j >> shift & 1) << 1 | (i >> shift & 1)) as u8
}

/// The node of a seat, without children yet.
fn leaf((_, slot): &Seat, entries: &[TileEntry]) -> Node {
    let entry = entries.get(*slot as usize);
    Node {
        first_child: NONE,
        slot: *slot,
        // Of nothing: what is below decides.
        min: entry.map_or(i16::MAX, |e| e.min),
        max: entry.map_or(i16::MIN, |e| e.max),
        error: entry.map_or(Node::ERROR_UNKNOWN, |e| e.error),
        children: 0,
    }
}
