//! A few cells that contain a polygon: where the search for a covering begins.
//!
//! Which cells a covering has hangs on them, so they are those of the C++ library: its index of edges has cells with few
//! edges and cells inside, and it begins with the smallest cell around them on each face, or, if one face has them all,
//! in each child of that cell. Here the index is not made: where its cells end follows from the numbers of edges.

use super::edge_set::EdgeSet;
use super::edge_tree::{EdgeTree, FINEST_LEVEL, FaceEdge, Square};
use crate::cell::CellId;
use crate::region::{CellBound, Relation};

/// A cell of the library's index is split if it has more edges that are shorter than it is wide, ...
const SHORT_MAX: usize = 10;
/// ... unless they are less than one in so many of its edges.
const SHORT_ONE_IN: usize = 5;

/// At most six cells that contain the shapes of a tree together. Costs a pass over the edges if they lie on one face.
pub(super) fn first_cells(tree: &EdgeTree, edges: &EdgeSet) -> CellBound {
    let search = Search { tree, edges };
    let faces = (0..6).map(|face| CellId::from_face_ij(face, 0, 0, 0));
    let mut touched = faces.filter(|face| search.touches(*face));
    let (Some(face), second) = (touched.next(), touched.next()) else {
        return CellBound::new([]);
    };
    let root = search.shrunk(face, None);
    if let Some(second) = second {
        let others = [second].into_iter().chain(touched);
        return CellBound::new(
            [root]
                .into_iter()
                .chain(others.map(|f| search.shrunk(f, None))),
        );
    }
    let counts = search.counts(root);
    if !counts.is_split(root.level()) {
        return CellBound::new([root]);
    }
    let children = root.children().into_iter().flatten();
    let touched = children.filter(|child| search.touches(*child));
    CellBound::new(touched.map(|child| search.shrunk(child, Some(&search.counts(child)))))
}

struct Search<'a> {
    tree: &'a EdgeTree,
    edges: &'a EdgeSet,
}

impl Search<'_> {
    fn touches(&self, cell: CellId) -> bool {
        self.tree.relation(self.edges, cell) != Relation::Outside
    }

    /// Down to where more than one child touches the shapes, or the library's index ends. The edges are the same all the
    /// way.
    fn shrunk(&self, mut cell: CellId, counts: Option<&Counts>) -> CellId {
        while counts.is_none_or(|counts| counts.is_split(cell.level())) {
            let mut touched = cell
                .children()
                .into_iter()
                .flatten()
                .filter(|c| self.touches(*c));
            match (touched.next(), touched.next()) {
                (Some(only), None) => cell = only,
                _ => break,
            }
        }
        cell
    }

    fn counts(&self, cell: CellId) -> Counts {
        let square = Square::new(cell);
        let mut counts = Counts::default();
        for edge in 0..self.edges.len() as u32 {
            let part = FaceEdge::clipped(square.face, self.edges.ends(edge), edge);
            if let Some(part) = part.filter(|part| part.touches(&square)) {
                counts.of_level[usize::from(part.finest_level)] += 1;
            }
        }
        counts
    }
}

/// How many edges of a cell are as long as cells of each level are wide.
#[derive(Default)]
struct Counts {
    of_level: [usize; FINEST_LEVEL as usize + 1],
}

impl Counts {
    fn is_split(&self, level: u8) -> bool {
        let short: usize = self.of_level.iter().skip(usize::from(level)).sum();
        let all: usize = self.of_level.iter().sum();
        short > SHORT_MAX.max(all / SHORT_ONE_IN)
    }
}
