//! Many points at once, stage by stage: what waits for memory waits together, and branches that nobody can foresee are
//! lists that grow or do not.

use glam::DVec3;

use super::leaf::Leaf;
use super::{EdgeTree, FacePoint, NONE, Word};
use crate::cell::{FACE_POINTS, FacePoints, MAX_LEVEL, face_points};
use crate::columns::prefetch;
use crate::geo::edge_set::EdgeSet;
use crate::simd::SimdLevel;

/// Points of a chunk that are in cells of one kind.
struct Waiting {
    points: [(u32, Word); FACE_POINTS],
    count: usize,
}

impl Waiting {
    const NONE: Self = Self {
        points: [(0, Word::set(0)); FACE_POINTS],
        count: 0,
    };

    /// Written always and counted if it is of the kind: there is nothing to foresee.
    #[inline(always)]
    fn push_if(&mut self, is_kind: bool, point: u32, word: Word) {
        self.points[self.count & (FACE_POINTS - 1)] = (point, word);
        self.count += usize::from(is_kind);
    }
}

/// The chunk at work.
struct Chunk {
    points: FacePoints,
    firsts: [u32; FACE_POINTS],
    nodes: Waiting,
    leaves: Waiting,
}

impl EdgeTree {
    /// [`EdgeTree::first`] of each direction, in order, told in runs.
    pub(in crate::geo) fn first_of_each(
        &self,
        edges: &EdgeSet,
        directions: &[DVec3],
        tell: impl FnMut(&[u32]),
    ) {
        self.first_of_each_with(SimdLevel::detected(), edges, directions, tell);
    }

    /// The same, with the instructions of a level that the CPU has.
    fn first_of_each_with(
        &self,
        level: SimdLevel,
        edges: &EdgeSet,
        directions: &[DVec3],
        mut tell: impl FnMut(&[u32]),
    ) {
        assert!(level <= SimdLevel::detected());
        let mut chunk = Chunk {
            points: FacePoints::ZERO,
            firsts: [NONE; FACE_POINTS],
            nodes: Waiting::NONE,
            leaves: Waiting::NONE,
        };
        for directions in directions.chunks(FACE_POINTS) {
            face_points(level, directions, &mut chunk.points);
            match level {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the level was detected, and includes these instructions.
                SimdLevel::Avx2 | SimdLevel::Avx512 => unsafe {
                    self.firsts_avx2(edges, directions, &mut chunk);
                },
                _ => self.firsts(edges, directions, &mut chunk),
            }
            tell(&chunk.firsts[..directions.len()]);
        }
    }

    /// # Safety
    /// The CPU must have every instruction set of [`SimdLevel::Avx2`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
    unsafe fn firsts_avx2(&self, edges: &EdgeSet, directions: &[DVec3], chunk: &mut Chunk) {
        self.firsts(edges, directions, chunk);
    }

    /// From the points of a chunk to the least shapes that contain them.
    #[inline(always)]
    fn firsts(&self, edges: &EdgeSet, directions: &[DVec3], chunk: &mut Chunk) {
        self.look_up(directions.len(), chunk);
        let mut shift = MAX_LEVEL - self.table_level;
        while chunk.nodes.count > 0 {
            shift -= 2;
            self.descend(shift, chunk);
        }
        let leaves = &chunk.leaves.points[..chunk.leaves.count];
        for (_, word) in leaves {
            prefetch(&self.leaves[word.number()]);
        }
        for (_, word) in leaves {
            self.prefetch_edges(&self.leaves[word.number()]);
        }
        for &(point, word) in leaves {
            let at = point as usize;
            chunk.firsts[at] = self.first_in_leaf(edges, word, directions[at], chunk.points.uv(at));
        }
    }

    /// Sorts the points by what the table says.
    #[inline(always)]
    fn look_up(&self, count: usize, chunk: &mut Chunk) {
        (chunk.nodes.count, chunk.leaves.count) = (0, 0);
        for at in 0..count {
            let [face, i, j] = chunk.points.leaf(at);
            let word = self.table[FacePoint::table_index(self.table_level, face, i, j)];
            self.sort(at as u32, word, chunk);
        }
    }

    /// One step down for those that are in nodes, to cells so many levels above leaves.
    #[inline(always)]
    fn descend(&self, shift: u8, chunk: &mut Chunk) {
        let count = core::mem::take(&mut chunk.nodes.count);
        for n in 0..count {
            let (point, word) = chunk.nodes.points[n];
            let [_, i, j] = chunk.points.leaf(point as usize);
            self.sort(point, self.child(word, shift, i, j), chunk);
        }
    }

    #[inline(always)]
    fn sort(&self, point: u32, word: Word, chunk: &mut Chunk) {
        let kind = word.kind();
        chunk.nodes.push_if(kind == Word::NODE, point, word);
        chunk.leaves.push_if(kind == Word::LEAF, point, word);
        let set = if kind == 0 { word.number() } else { 0 };
        chunk.firsts[point as usize] = self.sets.first(set as u32);
    }

    /// The first edges; most leaves have no more. A leaf whose edges are all there and back has none.
    #[inline(always)]
    fn prefetch_edges(&self, leaf: &Leaf) {
        if let Some(block) = self.blocks.get(leaf.blocks[0] as usize) {
            prefetch(&block.ax);
            prefetch(&block.bx);
            prefetch(&block.c);
        }
        prefetch(&self.local_shapes[leaf.shapes[0] as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::edge_tree::{build, curve_start};

    /// Rings of a thousand corners around each other, so that there are tables, nodes and leaves; points on their corners,
    /// on their edges and around them.
    #[test]
    fn all_levels_say_what_one_point_at_a_time_says() {
        let corner = |ring: u32, n: u32| {
            let angle = f64::from(n) * 0.002 * core::f64::consts::PI;
            let height = 0.2 + 0.1 * f64::from(ring) + 0.02 * libm::sin(23.0 * angle);
            DVec3::new(libm::cos(angle), libm::sin(angle), height).normalize()
        };
        let mut edges = EdgeSet::default();
        for ring in 0..5 {
            let ring_of: Vec<_> = (0..1_000).map(|n| corner(ring, n)).collect();
            edges.push_chain(&ring_of, true, ring);
        }
        assert!(curve_start().z < 0.0); // outside of all rings
        let tree = build(&edges, edges.len() as u32, Vec::new());
        let between = |n: u32| {
            let (a, b) = (corner(n % 5, n), corner(n % 5, n + 1));
            a.lerp(b, f64::from(n % 7) / 6.0) * (1.0 + f64::from(n % 3))
        };
        let around = |n: u32| corner(n % 9, 3 * n) + 1e-3 * corner(0, 7 * n);
        let beside = |n: u32| DVec3::new(f64::from(n % 50) - 24.5, f64::from(n % 31), -1.0);
        let of = |n| [between(n), around(n), beside(n)];
        let points: Vec<_> = (0..4_001).flat_map(of).collect();
        let want: Vec<_> = points.iter().map(|p| tree.first(&edges, *p)).collect();
        assert!([0, NONE].iter().all(|ring| want.contains(ring)));
        for level in SimdLevel::available() {
            let mut firsts = Vec::new();
            let tell = |run: &[u32]| firsts.extend_from_slice(run);
            tree.first_of_each_with(level, &edges, &points, tell);
            assert_eq!(firsts, want, "{level:?}");
        }
    }
}
