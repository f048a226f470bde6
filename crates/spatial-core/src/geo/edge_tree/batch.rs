//! Many points at once: first where they are on the cube, many in flight, then what is there.

use glam::DVec3;

use super::{EdgeTree, FacePoint, NONE, Word};
use crate::geo::edge_set::EdgeSet;

/// Points at a time: their places stay in the first cache.
const CHUNK: usize = 256;

impl EdgeTree {
    /// [`EdgeTree::first`] of each direction, in order.
    pub(in crate::geo) fn first_of_each(
        &self,
        edges: &EdgeSet,
        directions: &[DVec3],
        mut tell: impl FnMut(u32),
    ) {
        let mut firsts = [NONE; CHUNK];
        for chunk in directions.chunks(CHUNK) {
            self.firsts_of_chunk(edges, chunk, &mut firsts);
            firsts[..chunk.len()].iter().for_each(|first| tell(*first));
        }
    }

    fn firsts_of_chunk(&self, edges: &EdgeSet, chunk: &[DVec3], firsts: &mut [u32; CHUNK]) {
        let mut leaves = [(0u32, Word::set(0), [0.0; 2]); CHUNK];
        let mut count = 0;
        for (n, p) in chunk.iter().enumerate() {
            let at = FacePoint::new(*p);
            let word = self.word_at(at);
            // Written always and counted if it is a leaf: there is nothing to predict.
            leaves[count] = (n as u32, word, [at.u, at.v]);
            count += usize::from(word.kind() != 0);
            let set = if word.kind() == 0 { word.number() } else { 0 };
            firsts[n] = self.sets.first(set as u32);
        }
        for &(n, word, uv) in &leaves[..count] {
            firsts[n as usize] = self.first_in_leaf(edges, word, chunk[n as usize], uv);
        }
    }
}
