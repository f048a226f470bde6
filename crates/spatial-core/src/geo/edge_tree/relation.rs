//! How a cell lies to the shapes: what coverings ask.

use super::face_edge::FaceEdge;
use super::square::Square;
use super::{EdgeTree, Word};
use crate::cell::{CellId, MAX_LEVEL};
use crate::geo::edge_set::EdgeSet;
use crate::region::Relation;

impl EdgeTree {
    /// How a cell lies to the shapes together; it crosses where an edge touches it.
    pub(in crate::geo) fn relation(&self, edges: &EdgeSet, cell: CellId) -> Relation {
        let (face, i, j) = cell.to_face_ij();
        let mut level = self.table_level;
        let shift = MAX_LEVEL - level;
        let row = |i: u32| (u32::from(face) << level | i) << level;
        if cell.level() <= level {
            let side = 1 << (level - cell.level());
            let (i, j) = (i >> shift, j >> shift);
            let words = (i..i + side).flat_map(|i| {
                let first = (row(i) | j) as usize;
                &self.table[first..first + side as usize]
            });
            return self.relation_of(edges, cell, words);
        }
        let mut word = self.table[(row(i >> shift) | j >> shift) as usize];
        while word.kind() == Word::NODE && level < cell.level() {
            let node = &self.nodes[word.number()];
            level += 2;
            let shift = MAX_LEVEL - level;
            let at = ((i >> shift & 3) << 2 | j >> shift & 3) as usize;
            if cell.level() < level {
                // One level below the node: four of its cells.
                let four = [0, 1, 4, 5].map(|n| &node[at + n]);
                return self.relation_of(edges, cell, four.into_iter());
            }
            word = node[at];
        }
        self.relation_of(edges, cell, [word].iter())
    }

    /// The cell that is made of these words, or lies within the only one.
    fn relation_of<'a>(
        &'a self,
        edges: &EdgeSet,
        cell: CellId,
        mut words: impl Iterator<Item = &'a Word> + Clone,
    ) -> Relation {
        let all = words.clone();
        let first = *words.next().expect("a cell has words");
        // A leaf may be larger than the cell, and crossed elsewhere only.
        if first.kind() == Word::LEAF && words.all(|word| *word == first) {
            return self.relation_in_leaf(edges, cell, first);
        }
        self.relation_of_all(all)
    }

    fn relation_in_leaf(&self, edges: &EdgeSet, cell: CellId, word: Word) -> Relation {
        let square = Square::new(cell);
        let mut is_crossed = false;
        self.for_each_edge_in(word, |edge| {
            let part = FaceEdge::clipped(square.face, edges.ends(edge), edge);
            is_crossed |= part.is_some_and(|part| part.touches(&square));
        });
        if is_crossed {
            return Relation::Crosses;
        }
        match self.first(edges, square.middle()) {
            super::NONE => Relation::Outside,
            _ => Relation::Inside,
        }
    }

    fn relation_of_all<'a>(&'a self, words: impl Iterator<Item = &'a Word>) -> Relation {
        let mut all = None;
        for word in words {
            let relation = match word.kind() {
                Word::LEAF => Relation::Crosses,
                Word::NODE => self.relation_of_node(*word),
                _ if self.sets.get(word.number() as u32).is_empty() => Relation::Outside,
                _ => Relation::Inside,
            };
            if relation == Relation::Crosses || all.is_some_and(|all| all != relation) {
                return Relation::Crosses;
            }
            all = Some(relation);
        }
        all.unwrap_or(Relation::Outside)
    }

    fn relation_of_node(&self, word: Word) -> Relation {
        self.relation_of_all(self.nodes[word.number()].iter())
    }
}
