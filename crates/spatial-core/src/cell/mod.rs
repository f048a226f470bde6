//! Cells: squares of the cube-sphere quadtree, named by S2's 64-bit ids.
//!
//! ```text
//! id   fff pp pp … pp 1 00 … 00      face (3 bits), one Hilbert position (2 bits) a level, a stop bit
//! xyz  →  face, u, v ∈ [−1, 1]       the cube's face and the point on it (gnomonic)
//!      →  s, t ∈ [0, 1]              quadratic projection: cells of nearly equal area
//!      →  i, j ∈ [0, 2³⁰)            leaf coordinates, floor(2³⁰·s) clamped
//! ```
//! Ids equal those of the C++ library (0.14) bit for bit from the same vector: the later axis wins a tie
//! between faces, u and v come from true divisions, i and j from a floor.

mod hilbert;
mod id;
mod kernels;
mod lanes;
mod neighbors;
mod projection;
mod range;
mod token;

pub use id::{CellId, InvalidCell, MAX_LEVEL};
#[cfg(feature = "import")]
pub(crate) use kernels::lat_lon_rad;
pub(crate) use kernels::{
    FACE_PLACES, FACE_POINTS, FacePlaces, FacePoints, face_places, face_points,
};
pub use kernels::{GridKey, InvalidDirection, grid_keys, grid_keys_of_places};
pub use lanes::{
    InvalidFaceIj, InvalidFaceUv, direction_to_face_uv_lanes, face_uv_to_direction_lanes,
    ij_to_st_lanes, st_to_ij_lanes, st_to_uv_lanes, uv_to_st_lanes,
};
pub use neighbors::{NeighborsAt, VertexNeighbors};
pub(crate) use neighbors::{face_of_cube, on_cube};
pub(crate) use projection::from_face_frame;
pub use projection::{
    direction_to_face_uv, face_uv_to_direction, ij_to_st, st_to_ij, st_to_uv, to_face_frame,
    uv_to_st,
};
pub use range::CellRange;
pub use token::{InvalidToken, Token};

/// The longest cell edge of level 0 in radians; each level halves it (S2's `kMaxEdge`, quadratic projection).
pub(crate) const MAX_EDGE_RAD: f64 = 1.704_897_179_199_218_5;

/// Leaf cells along the edge of a face.
pub(crate) const LEAVES: u32 = 1 << MAX_LEVEL;
