//! The cells around a cell, across the edges and corners of the cube too, in the C++ library's order.
//!
//! ```text
//!  j ▲   6  3  7          2          i and j of the face that the cell lies on; beyond its edge
//!    │   4  ·  5       3  ·  1       the neighbour on the next face. Where three faces meet, the
//!    │   0  2  1          0          diagonal neighbour that is not there is one of the two others.
//!    └──────► i
//!     neighbors     edge_neighbors
//! ```

use core::iter::FusedIterator;
use core::ops::Deref;

use super::id::CellId;
use super::kernels::{cells_around, cells_at};
use super::{LEAVES, MAX_LEVEL};

impl CellId {
    /// The four cells of this level that share an edge with this one: below, right, above, left.
    ///
    /// Across an edge of the cube too. Allocates nothing; see [`CellId::neighbors`] for the cost.
    pub fn edge_neighbors(self) -> [Self; 4] {
        self.around(&[[0, -1], [1, 0], [0, 1], [-1, 0]])
    }

    /// The eight cells of this level around this one, in the order of the library's `AppendAllNeighbors`.
    ///
    /// At a corner of the cube there are seven: one of them comes twice, as it does there. Around a face there are
    /// four, the diagonal ones are repetitions. Allocates nothing; costs one look at the id and one scan of eight lanes.
    ///
    /// ```
    /// # use spatial_core::CellId;
    /// let cell = CellId::from_token("89c25")?;
    /// let [.., right, _, _] = cell.neighbors();
    /// assert_eq!(right, cell.edge_neighbors()[1]);
    /// # Ok::<(), spatial_core::InvalidToken>(())
    /// ```
    pub fn neighbors(self) -> [Self; 8] {
        self.around(&[
            [-1, -1],
            [1, -1],
            [0, -1],
            [0, 1],
            [-1, 0],
            [1, 0],
            [-1, 1],
            [1, 1],
        ])
    }

    /// The cells of this level at offsets of at most one cell along i and j.
    #[inline(always)]
    fn around<const N: usize>(self, offsets: &[[i32; 2]; N]) -> [Self; N] {
        let (face, i, j) = self.to_face_ij();
        let (level, size) = (self.level(), self.size_ij());
        let has_room = |k: u32| k >= size && k + size < LEAVES;
        if has_room(i) && has_room(j) {
            cells_around((face, i, j), [size as i32; 2], offsets, level)
        } else {
            let step = |k: u32, sign: i32| i64::from(k) + i64::from(sign) * i64::from(size);
            let places = offsets.map(|[right, up]| place(face, step(i, right), step(j, up)));
            cells_at(places, level)
        }
    }

    /// All cells of a level whose boundary touches this one's from outside, in the order of the library's
    /// `AppendAllNeighbors`, repetitions at corners of the cube included. Allocates nothing.
    ///
    /// # Panics
    /// When the level is coarser than the cell's or above 30.
    pub fn neighbors_at(self, level: u8) -> NeighborsAt {
        assert!((self.level()..=MAX_LEVEL).contains(&level));
        let (face, i, j) = self.to_face_ij();
        NeighborsAt {
            corner: (face, i64::from(i), i64::from(j)),
            size: i64::from(self.size_ij()),
            level,
            next: 0,
        }
    }

    /// The cells of a level around that vertex of this cell's ancestor there which is nearest to this cell: four, or three
    /// at a corner of the cube. The ancestor comes first, then its neighbour along i, along j, and the diagonal one.
    ///
    /// # Panics
    /// When the level is not coarser than the cell's: then no vertex is the nearest.
    pub fn vertex_neighbors(self, level: u8) -> VertexNeighbors {
        assert!(level < self.level());
        const OFFSETS: [[i32; 2]; 4] = [[0, 0], [1, 0], [0, 1], [1, 1]];
        let (face, i, j) = self.to_face_ij();
        let size = 1i32 << (MAX_LEVEL - level);
        // The next bit says in which half of the ancestor the cell lies.
        let step = |k: u32| {
            if k & (size as u32 >> 1) != 0 {
                size
            } else {
                -size
            }
        };
        let steps = [step(i), step(j)];
        let next = [
            i64::from(i) + i64::from(steps[0]),
            i64::from(j) + i64::from(steps[1]),
        ];
        let [i_stays, j_stays] = next.map(on_face);
        let cells = if i_stays && j_stays {
            cells_around((face, i, j), steps, &OFFSETS, level)
        } else {
            let along = [[i64::from(i), next[0]], [i64::from(j), next[1]]];
            let at = |[right, up]: [i32; 2]| {
                place(face, along[0][right as usize], along[1][up as usize])
            };
            cells_at(OFFSETS.map(at), level)
        };
        let count = if i_stays || j_stays { 4 } else { 3 };
        VertexNeighbors { cells, count }
    }
}

/// The three or four cells around a vertex; a slice of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VertexNeighbors {
    cells: [CellId; 4],
    count: u8, // 3 or 4
}

impl Deref for VertexNeighbors {
    type Target = [CellId];

    fn deref(&self) -> &[CellId] {
        &self.cells[..usize::from(self.count)]
    }
}

impl IntoIterator for VertexNeighbors {
    type Item = CellId;
    type IntoIter = core::iter::Take<core::array::IntoIter<CellId, 4>>;

    fn into_iter(self) -> Self::IntoIter {
        self.cells.into_iter().take(usize::from(self.count))
    }
}

/// The cells of a finer level around a cell: what [`CellId::neighbors_at`] returns.
#[derive(Clone, Debug)]
pub struct NeighborsAt {
    corner: (u8, i64, i64), // face and lowest leaf of the cell
    size: i64,              // of the cell, in leaves
    level: u8,
    next: i64, // below 4 + 4·(cells along the cell's edge)
}

impl NeighborsAt {
    fn along_edge(&self) -> i64 {
        self.size >> (MAX_LEVEL - self.level)
    }

    fn end(&self) -> i64 {
        4 + 4 * self.along_edge()
    }

    /// In cells of the level from the corner: the two lower corners, then a cell of each edge in turn, the upper corners.
    fn offset(&self, n: i64) -> (i64, i64) {
        let along = self.along_edge();
        let (k, edge) = ((n + 2) / 4 - 1, (n + 2) % 4);
        match edge {
            0 if k < along => (k, -1),
            1 if k < along => (k, along),
            // The rows of the upper corners have no cells between them: their numbers stand two further on.
            0 => (-1, along),
            1 => (along, along),
            2 => (-1, k),
            _ => (along, k),
        }
    }
}

impl Iterator for NeighborsAt {
    type Item = CellId;

    fn next(&mut self) -> Option<CellId> {
        (self.next < self.end()).then(|| {
            let ((face, i, j), (right, up)) = (self.corner, self.offset(self.next));
            let size = 1i64 << (MAX_LEVEL - self.level);
            self.next += 1;
            leaf(place(face, i + right * size, j + up * size)).parent(self.level)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.end() - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for NeighborsAt {}
impl FusedIterator for NeighborsAt {}

fn on_face(k: i64) -> bool {
    (0..i64::from(LEAVES)).contains(&k)
}

fn leaf((face, i, j): (u8, u32, u32)) -> CellId {
    CellId::leaf_at(face, i, j)
}

/// Face and leaf coordinates of a place on a face, or of the leaf just across its edge when it lies beyond.
#[inline(always)]
fn place(face: u8, i: i64, j: i64) -> (u8, u32, u32) {
    if on_face(i) && on_face(j) {
        (face, i as u32, j as u32)
    } else {
        across(face, i, j)
    }
}

/// As [`place`], beyond an edge: the face unrolled into its plane and looked at from the centre of the cube.
///
/// All is exact in units of half a leaf, with the face at distance `EDGE`: centres of leaves are odd, and whatever lies
/// beyond an edge is moved to one unit beyond, so that it belongs to the next face's first row.
#[cold]
fn across(face: u8, i: i64, j: i64) -> (u8, u32, u32) {
    const EDGE: i64 = LEAVES as i64;
    let half_leaves = |k: i64| (2 * k + 1 - EDGE).clamp(-EDGE - 1, EDGE + 1);
    let (face, u, v) = face_of_cube(on_cube(face, EDGE, half_leaves(i), half_leaves(j)));
    let leaf = |w: i64| ((w + EDGE) >> 1).clamp(0, EDGE - 1) as u32;
    (face, leaf(u), leaf(v))
}

/// The point of the cube at integers u and v of a face that lies `edge` from the centre: the axes of
/// [`face_uv_to_direction`](super::face_uv_to_direction).
pub(crate) fn on_cube(face: u8, edge: i64, u: i64, v: i64) -> [i64; 3] {
    match face {
        0 => [edge, u, v],
        1 => [-u, edge, v],
        2 => [-u, -v, edge],
        3 => [-edge, -v, -u],
        4 => [v, -edge, -u],
        _ => [v, u, -edge],
    }
}

/// The face that a point of the cube lies on, and u and v there. As for directions, the later axis wins a tie.
pub(crate) fn face_of_cube([x, y, z]: [i64; 3]) -> (u8, i64, i64) {
    match [x.abs(), y.abs(), z.abs()] {
        [a, b, c] if a > b && a > c => {
            if x > 0 {
                (0, y, z)
            } else {
                (3, -z, -y)
            }
        }
        [_, b, c] if b > c => {
            if y > 0 {
                (1, -x, z)
            } else {
                (4, -z, x)
            }
        }
        _ => {
            if z > 0 {
                (2, -x, -y)
            } else {
                (5, y, x)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neighbours of neighbours: whoever is across an edge has this cell across one of its own.
    #[test]
    fn edge_neighbours_are_mutual() {
        for level in [0, 1, 2, 5] {
            for cell in super::super::CellRange::all(level) {
                let around = cell.edge_neighbors();
                for (n, other) in around.iter().enumerate() {
                    assert_ne!(*other, cell);
                    assert!(!around[..n].contains(other), "{cell} has {other} twice");
                    assert!(other.edge_neighbors().contains(&cell), "{cell} {other}");
                }
            }
        }
    }

    /// Eight distinct cells, seven at the corners of the cube.
    #[test]
    fn corners_of_the_cube_have_seven_around_them() {
        let mut with_seven = 0;
        for cell in super::super::CellRange::all(4) {
            let mut around = cell.neighbors().to_vec();
            assert_eq!(around, cell.neighbors_at(4).collect::<Vec<_>>());
            around.sort();
            around.dedup();
            assert!(!around.contains(&cell));
            match around.len() {
                8 => {}
                7 => with_seven += 1,
                other => panic!("{cell} has {other} neighbours"),
            }
        }
        assert_eq!(with_seven, 8 * 3);
    }

    #[test]
    fn three_cells_meet_at_a_corner_of_the_cube() {
        let corner = CellId::from_face_ij(0, 0, 0, MAX_LEVEL);
        assert_eq!(corner.vertex_neighbors(5).len(), 3);
        let inside = CellId::from_face_ij(0, 1 << 29, 0, MAX_LEVEL);
        assert_eq!(inside.vertex_neighbors(5).len(), 4);
        assert_eq!(inside.vertex_neighbors(5).into_iter().count(), 4);
        assert_eq!(corner.parent(28).neighbors_at(30).len(), 20);
    }
}
