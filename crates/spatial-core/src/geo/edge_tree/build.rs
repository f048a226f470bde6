//! Building the tree: down the cells in Hilbert order, the edges with it.

use super::face_edge::FaceEdge;
use super::leaf::{Block, LANES, Leaf, PAGE_SHAPES, REACH};
use super::sets::SetsBuilder;
use super::square::{Square, curve_start};
use super::tracker::Tracker;
use super::{EdgeTree, FINEST_LEVEL, Word};
use crate::cell::CellId;
use crate::geo::edge_set::EdgeSet;

/// A cell with more edges that are no longer than itself is split.
const SPLIT_ABOVE: usize = 12;
/// The table has no more levels than fit the second cache with its 4 bytes a cell.
const TABLE_LEVEL_MAX: u8 = 7;
/// In cells of more edges, shared borders are not looked for: the search is quadratic.
const MERGED_MAX: usize = 128;

/// The tree over the first `count` edges, none longer than a quarter of a turn; `inside` are the shapes that contain
/// [`curve_start`], ascending. Half a microsecond an edge.
pub(in crate::geo) fn build(edges: &EdgeSet, count: u32, inside: Vec<u32>) -> EdgeTree {
    let table_level = table_level(count);
    let mut builder = Builder {
        edges,
        count,
        tree: EdgeTree {
            table_level,
            table: vec![Word::set(0); 6 << (2 * table_level)],
            nodes: Vec::new(),
            leaves: Vec::new(),
            blocks: Vec::new(),
            block_edges: Vec::new(),
            local_shapes: Vec::new(),
            sets: SetsBuilder::new().finish(),
        },
        sets: SetsBuilder::new(),
        tracker: Tracker::new(curve_start(), inside),
        face_edges: Vec::new(),
        open: Vec::new(),
        near: Vec::new(),
        lanes: Vec::new(),
    };
    for face in 0..6 {
        builder.build_face(face);
    }
    builder.tree.sets = builder.sets.finish();
    builder.tree
}

/// About a cell for every four edges.
fn table_level(edges: u32) -> u8 {
    let levels = (edges.max(1).ilog2() / 2) as u8;
    levels.saturating_sub(1).min(TABLE_LEVEL_MAX)
}

struct Builder<'a> {
    edges: &'a EdgeSet,
    count: u32,
    tree: EdgeTree,
    sets: SetsBuilder,
    tracker: Tracker,
    face_edges: Vec<FaceEdge>,
    /// Numbers of `face_edges`: a list for each cell from the face to the one at work.
    open: Vec<u32>,
    /// The edges of the leaf at work.
    near: Vec<u32>,
    lanes: Vec<Lane>,
}

/// An edge of a leaf, before it has its place.
#[derive(Clone, Copy)]
struct Lane {
    face_edge: u32,
    edge: u32,
    shapes: [u32; 2], // the second is NONE unless a border is shared
}

impl Builder<'_> {
    fn build_face(&mut self, face: u8) {
        self.face_edges.clear();
        for edge in 0..self.count {
            self.face_edges
                .extend(FaceEdge::clipped(face, self.edges.ends(edge), edge));
        }
        self.open.clear();
        self.open.extend(0..self.face_edges.len() as u32);
        let id = CellId::from_face_ij(face, 0, 0, 0);
        self.build_cell(&Square::new(id), 0, 0);
    }

    /// The cell whose edges are `open[first..]`; `node` is the one it lies in, below the table.
    fn build_cell(&mut self, square: &Square, first: usize, node: u32) {
        let level = square.level;
        let count = self.open.len() - first;
        if count == 0 {
            let set = self.tracker.set(&mut self.sets);
            return self.write(square, node, Word::set(set));
        }
        let splitting = |number: &&u32| self.face_edges[**number as usize].finest_level >= level;
        if level == FINEST_LEVEL
            || self.open[first..]
                .iter()
                .filter(splitting)
                .nth(SPLIT_ABOVE)
                .is_none()
        {
            return self.build_leaf(square, first, node);
        }
        let mut inner = node;
        if level >= self.tree.table_level && (level - self.tree.table_level).is_multiple_of(2) {
            inner = self.tree.nodes.len() as u32;
            self.tree.nodes.push([Word::set(0); 16]);
            self.write(square, node, Word::node(inner));
        }
        let end = self.open.len();
        for child in square.children() {
            for n in first..end {
                let number = self.open[n];
                if self.face_edges[number as usize].touches(&child) {
                    self.open.push(number);
                }
            }
            self.build_cell(&child, end, inner);
            self.open.truncate(end);
        }
    }

    /// Fills the part of the table, or of the node, that a cell is.
    fn write(&mut self, square: &Square, node: u32, word: Word) {
        let (level, table_level) = (square.level, self.tree.table_level);
        let [i, j] = square.ij;
        if level <= table_level {
            let finer = table_level - level;
            let row = |i: u32| (u32::from(square.face) << table_level | i) << table_level;
            for i in i << finer..(i + 1) << finer {
                let (from, to) = (row(i) | j << finer, row(i) + ((j + 1) << finer));
                self.tree.table[from as usize..to as usize].fill(word);
            }
            return;
        }
        // A node's cells are two levels below it; a child one level below fills four of them.
        let finer = (level - table_level) % 2;
        let side = 1 << finer;
        let [i, j] = [i, j].map(|k| (k << finer) & 3);
        for i in i..i + side {
            let (from, to) = (i << 2 | j, (i << 2 | j) + side);
            self.tree.nodes[node as usize][from as usize..to as usize].fill(word);
        }
    }

    fn build_leaf(&mut self, square: &Square, first: usize, node: u32) {
        self.near.clear();
        let numbers = &self.open[first..];
        self.near
            .extend(numbers.iter().map(|n| self.face_edges[*n as usize].edge));
        let [enter, leave] = square.curve_ends();
        self.tracker.jump(enter);
        self.tracker
            .walk(square.middle(), self.edges, self.near.iter().copied());
        let leaf = self.tree.leaves.len() as u32;
        self.merge_borders(first);
        self.push_pages(square);
        self.tracker
            .walk(leave, self.edges, self.near.iter().copied());
        self.write(square, node, Word::leaf(leaf));
    }

    /// The edges of the leaf, those of two shapes once.
    fn merge_borders(&mut self, first: usize) {
        self.lanes.clear();
        for n in first..self.open.len() {
            let face_edge = self.open[n];
            let edge = self.face_edges[face_edge as usize].edge;
            let shape = self.edges.edge(edge).shape;
            let lane = Lane {
                face_edge,
                edge,
                shapes: [shape, super::NONE],
            };
            match self.twin_of(edge) {
                Some(twin) => self.lanes[twin].shapes[1] = shape,
                None => self.lanes.push(lane),
            }
        }
        // Both sides of such an edge belong to one shape.
        self.lanes.retain(|lane| lane.shapes[0] != lane.shapes[1]);
    }

    fn twin_of(&self, edge: u32) -> Option<usize> {
        if self.lanes.len() > MERGED_MAX {
            return None;
        }
        let [a, b] = self.edges.ends(edge);
        self.lanes.iter().position(|lane| {
            let [c, d] = self.edges.ends(lane.edge);
            lane.shapes[1] == super::NONE && ((a == d && b == c) || (a == c && b == d))
        })
    }

    /// The leaf's pages, each of so many shapes as a mask has bits.
    fn push_pages(&mut self, square: &Square) {
        let mut shapes: Vec<u32> = self
            .near
            .iter()
            .map(|edge| self.edges.edge(*edge).shape)
            .collect();
        shapes.sort_unstable();
        shapes.dedup();
        let inside = self.tracker.inside();
        let elsewhere = inside
            .iter()
            .copied()
            .filter(|s| shapes.binary_search(s).is_err());
        let set = self.sets.number(&elsewhere.collect::<Vec<_>>());
        let pages = shapes.chunks(PAGE_SHAPES).count();
        for (n, page) in shapes.chunks(PAGE_SHAPES).enumerate() {
            let first_block = self.tree.blocks.len() as u32;
            self.push_blocks(square, page);
            let is_inside = |shape: &u32| self.tracker.inside().binary_search(shape).is_ok();
            let bits = page
                .iter()
                .enumerate()
                .map(|(bit, shape)| u32::from(is_inside(shape)) << bit);
            let first_shape = self.tree.local_shapes.len() as u32;
            self.tree.leaves.push(Leaf {
                center: square.center,
                inverse_half: square.half.map(|half| 1.0 / half),
                blocks: [first_block, self.tree.blocks.len() as u32],
                shapes: [first_shape, first_shape + page.len() as u32],
                inside: bits.fold(0, |all, bit| all | bit),
                set,
                first: self.sets.first(set),
                face: square.face,
                has_next: n + 1 < pages,
            });
            self.tree.local_shapes.extend_from_slice(page);
        }
    }

    /// The edges of a page's shapes; what is left of the last block can be crossed by nothing.
    fn push_blocks(&mut self, square: &Square, page: &[u32]) {
        let mut used = LANES;
        for lane in &self.lanes {
            let bit = |shape: &u32| page.binary_search(shape).map_or(0, |bit| 1u32 << bit);
            let flips = lane.shapes.iter().map(bit).fold(0, |all, bit| all | bit);
            if flips == 0 {
                continue;
            }
            if used == LANES {
                let c = [1.0; LANES];
                self.tree.blocks.push(Block {
                    c,
                    ..Block::default()
                });
                self.tree.block_edges.push([0; LANES]);
                used = 0;
            }
            let ends = self.face_edges[lane.face_edge as usize].within(square, REACH);
            let last = self.tree.blocks.len() - 1;
            self.tree.blocks[last].set_lane(used, ends, flips);
            self.tree.block_edges[last][used] = lane.edge;
            used += 1;
        }
    }
}

impl Block {
    fn set_lane(&mut self, lane: usize, [a, b]: [[f64; 2]; 2], flips: u32) {
        self.ax[lane] = a[0] as f32;
        self.ay[lane] = a[1] as f32;
        self.bx[lane] = b[0] as f32;
        self.by[lane] = b[1] as f32;
        self.c[lane] = (a[0] * b[1] - a[1] * b[0]) as f32;
        self.flips[lane] = flips;
    }
}
