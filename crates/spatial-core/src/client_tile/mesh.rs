//! The mesh of a client tile.
//!
//! ```text
//! ●──●──●──●──●      a vertex a sample, two triangles a quad, counter-clockwise from outside
//! │ /│ /│ /│ /│
//! ●──●──●──●──●      towards ground that is coarser by d levels, vertices of the edge collapse onto every 2ᵈ-th, which the
//! │ /│ /│ /│ /│      neighbour has as well (a parent's samples are its children's at even places):
//! ●──●──●──●──●
//! │╱  ╲│ ╱  ╲ │      triangles that lose their area are left out
//! ●─────●─────●
//! ```
//! So meshes of any levels side by side leave no vertex in the middle of another's edge and every edge has its twin, without skirts.
//! That holds for the topology; where positions are concerned, each tile's are f32 about a centre of its own, so those of a shared
//! vertex differ by up to 10.4·10⁻⁸ of the sum of both balls' radii (2 mm between balls of 10 km). A tile's
//! corners must stay where they are, so a neighbour is coarser by at most log₂ C levels (6 of 64 intervals).
//!
//! **Outwards.** Vertices lie on rays from the planet's centre, in the plane of the cube's face on the lattice, where every triangle
//! here is counter-clockwise; so the determinant of its three vertices, each some positive number times its ray, is positive, and
//! its plane faces outwards whatever the heights are.

use super::bounds::ground_from_center_m;
use super::grid;
use super::places::Places;
use super::tile::ClientTile;
use crate::cell::CellId;
use crate::planet::{Ecef, Planet};
use crate::terrain::{LatticeSpec, line_crossing};
use glam::DVec3;

/// A tile's mesh: vertex j·(C + 1) + i is that of its sample at column i and row j.
#[derive(Clone, PartialEq, Debug)]
pub struct TileMesh {
    /// The tile's cell.
    pub cell: CellId,
    /// Intervals along its edges: C.
    pub intervals: u16,
    /// What positions are relative to: the centre of the ball around the tile.
    pub center: Ecef,
    /// Metres along the planet-centred axes from the centre. Each coordinate is rounded to f32, so a vertex lies within
    /// 10.4·10⁻⁸ of the ball's radius of where it is: 1 mm of 10 km.
    pub positions: Vec<[f32; 3]>,
    /// Outwards, of length 1: the direction of the sum of the areas of the quads around, as vectors. A tile's own samples and those
    /// around it decide, so tiles of one level have the same bits on both sides of an edge, at corners of the cube too.
    pub normals: Vec<[f32; 3]>,
    /// Three of each triangle, counter-clockwise from outside. Vertices that were collapsed are in none.
    pub indices: Vec<u16>,
}

/// By how many levels the neighbours of a tile are coarser: below, right, above, left, in the order of
/// [`CellId::edge_neighbors`](crate::CellId::edge_neighbors); 0 for one of the same level, and for finer ones.
pub type EdgeSteps = [u8; 4];

/// A neighbour is coarser than a mesh can follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a neighbour that is coarser by {levels} levels has no vertices along the whole tile; at most {max} are possible"
)]
pub struct TooCoarse {
    /// By how many levels.
    pub levels: u8,
    /// The most that a tile's intervals allow.
    pub max: u8,
}

impl ClientTile {
    /// The tile's mesh beside neighbours that may be coarser.
    ///
    /// # Errors
    /// [`TooCoarse`] when an edge's step is above log₂ C.
    pub fn mesh(
        &self,
        planet: Planet,
        spec: &LatticeSpec,
        coarser: EdgeSteps,
    ) -> Result<TileMesh, TooCoarse> {
        let max = self.intervals.trailing_zeros() as u8;
        if let Some(levels) = coarser.into_iter().find(|levels| *levels > max) {
            return Err(TooCoarse { levels, max });
        }
        let places = self.positions(planet, spec);
        let center = self.bounds(planet, spec).center();
        let side = grid::side(self.intervals);
        let mut positions = Vec::with_capacity((side - 2) * (side - 2));
        for row in places.chunks(side).skip(1).take(side - 2) {
            let own = row[1..side - 1].iter();
            positions.extend(own.map(|p| (*p - center.to_vec()).to_array().map(|x| x as f32)));
        }
        Ok(TileMesh {
            cell: self.cell,
            intervals: self.intervals,
            center,
            positions,
            normals: self.normals(&places),
            indices: indices(self.intervals, coarser),
        })
    }

    /// Where the samples are, those around the tile too; across a corner of the cube the one beside.
    fn positions(&self, planet: Planet, spec: &LatticeSpec) -> Vec<DVec3> {
        let places = Places::of(self.cell, self.intervals);
        let side = grid::side(self.intervals);
        let from_center =
            |sample: i16| ground_from_center_m(planet, spec.height_m(f64::from(sample)));
        let mut out = vec![DVec3::ZERO; side * side];
        let [us, vs] = places.lines();
        for (j, v) in (1..).zip(&vs) {
            for (i, u) in (1..).zip(&us) {
                let direction = line_crossing(self.cell.face(), *u, *v);
                out[j * side + i] = direction * from_center(self.samples[j * side + i]);
            }
        }
        for (i, j) in grid::ring(self.intervals) {
            if let Some(place) = places.at(i, j) {
                let at = grid::index(self.intervals, i, j);
                out[at] = places.direction(place) * from_center(self.samples[at]);
            }
        }
        out
    }

    /// The normals of the tile's own samples.
    fn normals(&self, places: &[DVec3]) -> Vec<[f32; 3]> {
        let side = grid::side(self.intervals);
        let quads = side - 1;
        // Twice a quad's area as a vector: the product of its diagonals, the same bits from whichever corner it is looked at.
        let mut areas = vec![DVec3::ZERO; quads * quads];
        for j in 0..quads {
            let (low, high) = (
                &places[j * side..][..side],
                &places[(j + 1) * side..][..side],
            );
            for i in 0..quads {
                areas[j * quads + i] = (high[i + 1] - low[i]).cross(high[i] - low[i + 1]);
            }
        }
        let mut normals = Vec::with_capacity((side - 2) * (side - 2));
        for j in 1..quads {
            let (low, high) = (
                &areas[(j - 1) * quads..][..quads],
                &areas[j * quads..][..quads],
            );
            for i in 1..quads {
                // Opposite quads first: the same sum however the tile is turned.
                let sum = (low[i - 1] + high[i]) + (low[i] + high[i - 1]);
                normals.push(unit(sum, places[j * side + i]));
            }
        }
        let own = side - 2;
        for [corner, ..] in grid::repeated(self.cell, self.intervals) {
            let (i, j) = (corner % side, corner / side);
            let inwards = |k: usize| k.clamp(1, own);
            let (column, row) = (inwards(i), inwards(j));
            let around =
                [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| (column - 1 + x, row - 1 + y));
            // The quad that would reach across the corner of the cube is not there.
            let there = around
                .into_iter()
                .filter(|quad| *quad != (i.min(quads - 1), j.min(quads - 1)));
            let mut three = there.map(|(x, y)| areas[y * quads + x]);
            let three = core::array::from_fn(|_| three.next().expect("four less one"));
            let up = places[row * side + column];
            normals[(row - 1) * own + column - 1] = unit(sum_of_three(three), up);
        }
        normals
    }
}

/// The sum of three vectors, the same bits in whatever order they come.
fn sum_of_three(vectors: [DVec3; 3]) -> DVec3 {
    let along = |axis: usize| {
        let mut parts = vectors.map(|v| v[axis]);
        parts.sort_unstable_by(f64::total_cmp);
        parts[0] + parts[1] + parts[2]
    };
    DVec3::new(along(0), along(1), along(2))
}

/// A vector of length 1; upwards where the areas around are too small for numbers.
fn unit(v: DVec3, up: DVec3) -> [f32; 3] {
    let v = if v.length_squared() >= f64::MIN_POSITIVE {
        v
    } else {
        up
    };
    (v / v.length_squared().sqrt()).to_array().map(|x| x as f32)
}

/// The triangles of a tile of C intervals.
fn indices(intervals: u16, [below, right, above, left]: EdgeSteps) -> Vec<u16> {
    let (c, row) = (intervals, intervals + 1);
    let collapsed = |k: u16, levels: u8| k >> levels << levels;
    let vertex = |i: u16, j: u16| {
        let (mut i, mut j) = (i, j);
        if j == 0 {
            i = collapsed(i, below);
        } else if j == c {
            i = collapsed(i, above);
        }
        if i == 0 {
            j = collapsed(j, left);
        } else if i == c {
            j = collapsed(j, right);
        }
        j * row + i
    };
    let mut out = Vec::with_capacity(6 * usize::from(c) * usize::from(c));
    for j in 0..c {
        for i in 0..c {
            let [a, b, d, e] = if j == 0 || j == c - 1 || i == 0 || i == c - 1 {
                [
                    vertex(i, j),
                    vertex(i + 1, j),
                    vertex(i, j + 1),
                    vertex(i + 1, j + 1),
                ]
            } else {
                let a = j * row + i;
                [a, a + 1, a + row, a + row + 1]
            };
            for triangle in [[a, b, e], [a, e, d]] {
                let [p, q, r] = triangle;
                if p != q && q != r && r != p {
                    out.extend(triangle);
                }
            }
        }
    }
    out
}
