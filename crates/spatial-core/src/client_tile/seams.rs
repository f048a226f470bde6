//! Normals where levels meet.

use super::mesh::TileMesh;
use super::places::Places;
use crate::terrain::line_crossing;

/// A vertex by its direction, whose bits are the same in every mesh that has it.
type Key = [u64; 3];

impl TileMesh {
    /// Takes over a coarser mesh's normals at the vertices that both have, so that light does not jump where levels meet: seen
    /// from the finer side ground of another slope lies there than the coarser mesh shows. Whatever is not shared stays.
    ///
    /// Of all meshes that touch this one, in a corner alone too, those of coarser levels are to be adopted from, the finer of
    /// them first, each after it has adopted itself. Costs some 30 µs.
    pub fn adopt_normals(&mut self, coarser: &Self) {
        let mut theirs = coarser.border();
        theirs.sort_unstable();
        for (key, vertex) in self.border() {
            if let Ok(found) = theirs.binary_search_by_key(&key, |(key, _)| *key) {
                self.normals[usize::from(vertex)] = coarser.normals[usize::from(theirs[found].1)];
            }
        }
    }

    /// The vertices of the tile's edges.
    fn border(&self) -> Vec<(Key, u16)> {
        let places = Places::of(self.cell, self.intervals);
        let [us, vs] = places.lines();
        let c = self.intervals;
        let along = 0..=c;
        let edges = along.flat_map(|k| [(k, 0), (k, c), (0, k), (c, k)]);
        let vertex = |(i, j): (u16, u16)| {
            let direction = line_crossing(self.cell.face(), us[usize::from(i)], vs[usize::from(j)]);
            (direction.to_array().map(f64::to_bits), j * (c + 1) + i)
        };
        edges.map(vertex).collect()
    }
}
