//! Terrain: the lattice of height samples on the cube's faces, and the tiles that hold them.
//!
//! `docs/terrain.md` draws every byte.

mod codec;
mod lattice;
mod residual;
mod tile;

pub use codec::TileError;
#[cfg(feature = "rocksdb")]
pub(crate) use codec::raw_bytes;
pub(crate) use codec::{CODEC_RAW, Header, raw_payload, verify};
pub use lattice::{InvalidLattice, LatticeSpec, cell_at, column_row, face_st};
pub use tile::HeightTile;
pub(crate) use tile::{interpolate, interval_of, local};
