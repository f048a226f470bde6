//! Terrain: the lattice of height samples on the cube's faces, and the tiles that hold them.
//!
//! `docs/terrain.md` draws every byte.

mod codec;
mod lattice;
mod refine;
mod tile;

#[cfg(feature = "rocksdb")]
pub(crate) use codec::BYTES_MIN;
pub use codec::{Codec, HotGrid, TileError, decode_grid, encode_grid};
pub(crate) use codec::{
    ERROR_BOUND_MAX, InPlace, Parts, TileView, checksum_in, filled, is_in_place, multiples,
    needs_parent, payload, restore, rounded, u16_at, u32_at, u64_at, verify,
};
pub use lattice::{InvalidLattice, LatticeSpec, TileLines, cell_at, column_row, face_st};
pub(crate) use lattice::{line_crossing, line_uv};
pub use refine::halfway;
pub use tile::{HeightTile, interpolate};
pub(crate) use tile::{interval_of, local};
