//! Which shapes contain a point: a quadtree of cells over all edges.
//!
//! ```text
//! table    a word for every cell of one level, row-major on each face
//! node     4 × 4 words for the cells two levels finer
//! word     a cell no edge runs through: its set of shapes   ·   a leaf   ·   a node
//! leaf     a cell with few edges: the set of shapes that contain it and have no edge here; of the others, which
//!          contain its middle; the edges, of which each that lies between middle and point turns its shapes over
//! ```
//! Most points end at a set (true-hit filtering; Kipf et al. 2020). In a leaf, edges are tested in f32 from the middle of
//! the cell, several at a time, and those that rounding leaves in doubt are tested exactly; so the answer is that of the
//! exact predicates. An edge splits no cells smaller than itself, so the tree is at most a small multiple of the edges.

mod batch;
mod build;
mod face_edge;
mod leaf;
mod relation;
mod sets;
mod square;
mod tracker;

use glam::DVec3;

use super::edge_set::EdgeSet;
use crate::cell::{MAX_LEVEL, direction_to_face_uv, st_to_ij, uv_to_st};
use crate::region::unit;

pub(super) use build::build;
pub(super) use face_edge::FaceEdge;
use leaf::{Block, Crossed, LANES, Leaf, Step};
use sets::Sets;
pub(super) use square::{Square, curve_start};

/// No cell is split beyond this level (60 cm on Earth): until there, u and v in f64 are exact enough for f32 in a cell.
pub(super) const FINEST_LEVEL: u8 = 24;

/// No shape.
pub(super) const NONE: u32 = u32::MAX;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct EdgeTree {
    table_level: u8,
    table: Vec<Word>,
    nodes: Vec<Node>,
    leaves: Vec<Leaf>,
    blocks: Vec<Block>,
    block_edges: Vec<[u32; LANES]>, // of each lane of `blocks`, for the exact test
    local_shapes: Vec<u32>,
    sets: Sets,
}

/// The cells two levels below a cell, by two bits of i and two of j.
type Node = [Word; 16];

/// What a cell is: two bits of kind above a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Word(u32);

impl Word {
    const KIND: u32 = 3 << 30;
    const LEAF: u32 = 1 << 30;
    const NODE: u32 = 2 << 30;

    const fn set(set: u32) -> Self {
        Self(set)
    }

    const fn leaf(leaf: u32) -> Self {
        Self(Self::LEAF | leaf)
    }

    const fn node(node: u32) -> Self {
        Self(Self::NODE | node)
    }

    #[inline(always)]
    fn kind(self) -> u32 {
        self.0 & Self::KIND
    }

    #[inline(always)]
    fn number(self) -> usize {
        (self.0 & !Self::KIND) as usize
    }
}

/// A point on the cube.
#[derive(Clone, Copy, Debug)]
struct FacePoint {
    face: u32,
    u: f64,
    v: f64,
    i: u32,
    j: u32,
}

impl FacePoint {
    /// Where a leaf is in a table of a level.
    #[inline(always)]
    fn table_index(level: u8, face: u32, i: u32, j: u32) -> usize {
        let level = u32::from(level);
        let shift = u32::from(MAX_LEVEL) - level;
        (((face << level | i >> shift) << level) | j >> shift) as usize
    }

    #[inline(always)]
    fn new(p: DVec3) -> Self {
        let (face, u, v) = direction_to_face_uv(p);
        let [i, j] = [u, v].map(|w| st_to_ij(uv_to_st(w)));
        let face = u32::from(face);
        Self { face, u, v, i, j }
    }
}

impl EdgeTree {
    /// The least shape that contains a direction of any length but zero (callers have checked that); [`NONE`] if none does.
    #[inline]
    pub(super) fn first(&self, edges: &EdgeSet, p: DVec3) -> u32 {
        let at = FacePoint::new(p);
        let word = self.word_at(at);
        if word.kind() == 0 {
            return self.sets.first(word.number() as u32);
        }
        self.first_in_leaf(edges, word, p, [at.u, at.v])
    }

    #[inline(always)]
    fn first_in_leaf(&self, edges: &EdgeSet, word: Word, p: DVec3, uv: [f64; 2]) -> u32 {
        let mut page = word.number();
        let mut first = self.leaves[page].first;
        loop {
            let leaf = &self.leaves[page];
            let inside = self.inside(edges, leaf, p, uv);
            if inside != 0 {
                let shape = leaf.shapes[0] + inside.trailing_zeros();
                first = first.min(self.local_shapes[shape as usize]);
            }
            if !leaf.has_next {
                return first;
            }
            page += 1;
        }
    }

    /// All shapes that contain a direction of any length but zero, in no order.
    pub(super) fn for_each(&self, edges: &EdgeSet, p: DVec3, mut tell: impl FnMut(u32)) {
        let at = FacePoint::new(p);
        let word = self.word_at(at);
        if word.kind() == 0 {
            return self
                .sets
                .get(word.number() as u32)
                .iter()
                .copied()
                .for_each(tell);
        }
        let mut page = word.number();
        self.sets
            .get(self.leaves[page].set)
            .iter()
            .copied()
            .for_each(&mut tell);
        loop {
            let leaf = &self.leaves[page];
            let mut inside = self.inside(edges, leaf, p, [at.u, at.v]);
            while inside != 0 {
                let shape = leaf.shapes[0] + inside.trailing_zeros();
                tell(self.local_shapes[shape as usize]);
                inside &= inside - 1;
            }
            if !leaf.has_next {
                return;
            }
            page += 1;
        }
    }

    /// The edges of the cell that a direction lies in, those of two shapes once.
    pub(super) fn for_each_edge_near(&self, p: DVec3, tell: impl FnMut(u32)) {
        let word = self.word_at(FacePoint::new(p));
        if word.kind() == Word::LEAF {
            self.for_each_edge_in(word, tell);
        }
    }

    /// Tells the edges of every leaf: all pairs of edges that meet are in one together. Edges that are there and back are
    /// in none.
    pub(super) fn for_each_leaf(&self, mut tell: impl FnMut(&[u32])) {
        let mut near = Vec::new();
        let mut is_first_page = true;
        for (page, leaf) in self.leaves.iter().enumerate() {
            if is_first_page {
                near.clear();
                self.for_each_edge_in(Word::leaf(page as u32), |edge| near.push(edge));
                tell(&near);
            }
            is_first_page = !leaf.has_next;
        }
    }

    fn for_each_edge_in(&self, leaf: Word, mut tell: impl FnMut(u32)) {
        let mut page = leaf.number();
        loop {
            let leaf = &self.leaves[page];
            let [first, end] = leaf.blocks.map(|block| block as usize);
            for (block, lanes) in self.blocks[first..end]
                .iter()
                .zip(&self.block_edges[first..])
            {
                let used = lanes
                    .iter()
                    .zip(&block.flips)
                    .filter(|(_, flips)| **flips != 0);
                used.for_each(|(edge, _)| tell(*edge));
            }
            if !leaf.has_next {
                return;
            }
            page += 1;
        }
    }

    /// The shapes of the page that contain the point: bits.
    #[inline(always)]
    fn inside(&self, edges: &EdgeSet, leaf: &Leaf, p: DVec3, [u, v]: [f64; 2]) -> u32 {
        let step = leaf.step_to(u, v);
        let mut crossed = Crossed::default();
        for block in &self.blocks[leaf.blocks[0] as usize..leaf.blocks[1] as usize] {
            crossed.add(block, step);
        }
        match crossed.flips() {
            Some(flips) => leaf.inside ^ flips,
            None => self.inside_exactly(edges, leaf, p, step),
        }
    }

    /// The same without rounding where it leaves doubt.
    #[cold]
    #[inline(never)]
    fn inside_exactly(&self, edges: &EdgeSet, leaf: &Leaf, p: DVec3, step: Step) -> u32 {
        let Some(p) = unit(p) else {
            return 0; // a direction without one is nowhere
        };
        let way = leaf.way_to(p);
        let [first, end] = leaf.blocks.map(|block| block as usize);
        let blocks = self.blocks[first..end]
            .iter()
            .zip(&self.block_edges[first..end]);
        let lanes =
            blocks.flat_map(|(block, edges)| (0..LANES).map(move |lane| (block, edges, lane)));
        lanes.fold(leaf.inside, |inside, (block, numbers, lane)| {
            let is_crossed = block.is_crossed(step, lane).unwrap_or_else(|| {
                let [a, b] = edges.ends(numbers[lane]);
                way.crosses(a, b)
            });
            if is_crossed {
                inside ^ block.flips[lane]
            } else {
                inside
            }
        })
    }

    #[inline(always)]
    fn word_at(&self, at: FacePoint) -> Word {
        let mut shift = MAX_LEVEL - self.table_level;
        let mut word = self.table[FacePoint::table_index(self.table_level, at.face, at.i, at.j)];
        while word.kind() == Word::NODE {
            shift -= 2;
            word = self.child(word, shift, at.i, at.j);
        }
        word
    }

    /// Of a node, the cell that holds a leaf; cells are so many levels above leaves.
    #[inline(always)]
    fn child(&self, node: Word, shift: u8, i: u32, j: u32) -> Word {
        self.nodes[node.number()][((i >> shift & 3) << 2 | j >> shift & 3) as usize]
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.table.capacity() * size_of::<Word>()
            + self.nodes.capacity() * size_of::<Node>()
            + self.leaves.capacity() * size_of::<Leaf>()
            + self.blocks.capacity() * (size_of::<Block>() + size_of::<[u32; LANES]>())
            + self.local_shapes.capacity() * size_of::<u32>()
            + self.sets.heap_bytes()
    }
}
