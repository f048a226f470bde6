//! Which edges are near a point: a packed tree of boxes around runs of edges.
//!
//! A run is up to eight edges of one chain, which lie together anyway. Runs are sorted along the Hilbert curve; every
//! eight have a node, every eight nodes one above (a packed Hilbert R-tree; Kamel, Faloutsos 1993). Boxes are f32 around
//! unit vectors; distances are chords. A search keeps its open nodes on a stack of fixed size.

use glam::{DVec3, Vec3};

use super::edge_distance::chord_to_edge;
use super::edge_set::EdgeSet;
use crate::cell::CellId;
use crate::region::Chord;

/// Children of a node, and edges of a run.
const FAN: usize = 8;
/// 2²⁶ edges have at most 26 / 3 levels above their runs; each leaves at most seven open besides the one that is visited.
const OPEN_MAX: usize = 80;
/// What a box is larger than its edges on every side: more than f32 may round a point or a side by, twice.
const SLACK: f32 = 3e-7;
/// And what is subtracted from the square of a distance to a box, in proportion, for its three roundings.
const SHRINK: f32 = 1.0 - 1e-6;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct BoxTree {
    /// The root is last; a node's children are nodes of the level below, or runs.
    nodes: Vec<Node>,
    /// First node of each level from the lowest, and the end.
    levels: Vec<u32>,
    /// First edge and number of edges.
    runs: Vec<[u32; 2]>,
}

/// The boxes of eight children; those that do not exist are infinitely far.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
struct Node {
    low: [[f32; FAN]; 3],
    high: [[f32; FAN]; 3],
}

impl Node {
    const EMPTY: Self = Self {
        low: [[f32::INFINITY; FAN]; 3],
        high: [[f32::INFINITY; FAN]; 3],
    };

    /// Squared distances of a point from the boxes, at most as large as they are.
    #[inline]
    fn distances(&self, p: Vec3) -> [f32; FAN] {
        let p = p.to_array();
        let mut squares = [0.0; FAN];
        for ((low, high), at) in self.low.iter().zip(&self.high).zip(p) {
            for (child, square) in squares.iter_mut().enumerate() {
                let below = low[child] - at;
                let above = at - high[child];
                let apart = if below > above { below } else { above };
                let apart = if apart > 0.0 { apart } else { 0.0 };
                *square += apart * apart;
            }
        }
        squares.map(|square| square * SHRINK)
    }
}

/// What a search has still to look at.
#[derive(Clone, Copy, Default)]
struct Open {
    distance: f32,
    level: u32, // 0: a run
    number: u32,
}

impl BoxTree {
    /// The tree over all edges.
    pub(super) fn new(edges: &EdgeSet) -> Self {
        let mut runs: Vec<(u64, [u32; 2])> =
            runs_of(edges).map(|run| (key(edges, run), run)).collect();
        runs.sort_unstable();
        let runs: Vec<_> = runs.into_iter().map(|(_, run)| run).collect();
        let mut boxes: Vec<_> = runs.iter().map(|run| box_of_run(edges, *run)).collect();
        let mut tree = Self {
            nodes: Vec::with_capacity(runs.len() / (FAN - 1) + 2),
            levels: vec![0],
            runs,
        };
        while tree.levels.len() == 1 || boxes.len() > 1 {
            boxes = boxes
                .chunks(FAN)
                .map(|chunk| tree.push_node(chunk))
                .collect();
            tree.levels.push(tree.nodes.len() as u32);
        }
        tree
    }

    /// Adds a node and returns the box around it.
    fn push_node(&mut self, boxes: &[[Vec3; 2]]) -> [Vec3; 2] {
        let mut node = Node::EMPTY;
        for (child, [low, high]) in boxes.iter().enumerate() {
            for axis in 0..3 {
                node.low[axis][child] = low[axis];
                node.high[axis][child] = high[axis];
            }
        }
        self.nodes.push(node);
        boxes
            .iter()
            .fold([Vec3::INFINITY, Vec3::NEG_INFINITY], |[low, high], b| {
                [low.min(b[0]), high.max(b[1])]
            })
    }

    /// Visits edges no farther than a bound that the visitor may lower by what it returns; near ones first, roughly.
    pub(super) fn search(
        &self,
        edges: &EdgeSet,
        p: DVec3,
        bound: Chord,
        mut visit: impl FnMut(u32, Chord) -> Chord,
    ) {
        let mut bound = bound;
        let place = p.as_vec3();
        let mut open = [Open::default(); OPEN_MAX];
        let top = self.levels.len() as u32 - 1;
        open[0] = Open {
            distance: 0.0,
            level: top,
            number: 0,
        };
        let mut count = usize::from(!self.runs.is_empty());
        while count > 0 {
            count -= 1;
            let Open {
                distance,
                level,
                number,
            } = open[count];
            if f64::from(distance) > bound.0 {
                continue;
            }
            if level == 0 {
                let [first, length] = self.runs[number as usize];
                for edge in first..first + length {
                    let [a, b] = edges.ends(edge);
                    let chord = chord_to_edge(p, a, b);
                    if chord <= bound {
                        bound = visit(edge, chord);
                    }
                }
                continue;
            }
            let node = &self.nodes[(self.levels[level as usize - 1] + number) as usize];
            count = push_near(
                &mut open,
                count,
                node.distances(place),
                bound,
                [level - 1, number],
            );
        }
    }

    /// The squared chord to the nearest edge, if there is any.
    pub(super) fn nearest_edge(&self, edges: &EdgeSet, p: DVec3) -> Option<Chord> {
        let mut least = None;
        self.search(edges, p, Chord::STRAIGHT, |_, chord| {
            least = Some(chord);
            chord
        });
        least
    }

    /// Whether an edge is no farther than a chord.
    pub(super) fn is_any_within(&self, edges: &EdgeSet, p: DVec3, bound: Chord) -> bool {
        let mut is_any = false;
        self.search(edges, p, bound, |_, _| {
            is_any = true;
            Chord(-1.0) // nothing is that near: the search ends
        });
        is_any
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.runs.capacity() * 8
            + self.levels.capacity() * 4
    }
}

/// Opens the children within the bound, the nearest on top; returns how many are open.
fn push_near(
    open: &mut [Open; OPEN_MAX],
    first: usize,
    distances: [f32; FAN],
    bound: Chord,
    [level, parent]: [u32; 2],
) -> usize {
    let mut count = first;
    for (child, distance) in distances.into_iter().enumerate() {
        if f64::from(distance) > bound.0 {
            continue;
        }
        let number = parent * FAN as u32 + child as u32;
        let mut at = count;
        while at > first && open[at - 1].distance < distance {
            open[at] = open[at - 1];
            at -= 1;
        }
        open[at] = Open {
            distance,
            level,
            number,
        };
        count += 1;
    }
    count
}

/// Up to [`FAN`] edges of one shape, each of which begins where the one before ends.
fn runs_of(edges: &EdgeSet) -> impl Iterator<Item = [u32; 2]> {
    let count = edges.len() as u32;
    let mut first = 0;
    core::iter::from_fn(move || {
        if first == count {
            return None;
        }
        let mut end = first + 1;
        let follows = |edge: u32| {
            let (before, edge) = (edges.edge(edge - 1), edges.edge(edge));
            before.b == edge.a && before.shape == edge.shape
        };
        while end < count && end - first < FAN as u32 && follows(end) {
            end += 1;
        }
        let run = [first, end - first];
        first = end;
        Some(run)
    })
}

/// Where the run is on the Hilbert curve.
fn key(edges: &EdgeSet, [first, length]: [u32; 2]) -> u64 {
    let [middle, _] = edges.ends(first + length / 2);
    CellId::from_direction(middle).to_u64()
}

/// An arc leaves its chord by at most an eighth of the chord's square (for a quarter of a turn, 17 % more).
fn box_of_run(edges: &EdgeSet, [first, length]: [u32; 2]) -> [Vec3; 2] {
    let around = |[low, high]: [Vec3; 2], edge: u32| {
        let [a, b] = edges.ends(edge);
        let margin = SLACK + 0.16 * a.distance_squared(b) as f32;
        let (lower, higher) = (a.min(b).as_vec3(), a.max(b).as_vec3());
        [low.min(lower - margin), high.max(higher + margin)]
    };
    (first..first + length).fold([Vec3::INFINITY, Vec3::NEG_INFINITY], around)
}
