//! What a client draws ground from: nodes of the terrain's quadtree, their tiles of 65² samples, and meshes of those.
//!
//! ```text
//! stored tile of level k − 1, N intervals           client tiles of level k: C = N / 2 intervals, with the samples
//! ┌───────────┬───────────┐                         around them, so that a client needs no neighbour
//! │           │           │                           · · · · · ·
//! │           │           │                           · ┌─────┐ ·      (C + 3)² samples are sent,
//! ├───────────┼───────────┤                           · │     │ ·      (C + 1)² of them are the tile's
//! │  client   │           │                           · └─────┘ ·
//! │   tile    │           │                           · · · · · ·
//! └───────────┴───────────┘
//! ```
//! A client tile of level 0 has every second sample of the face's tile. So there are client tiles of levels 0 to L + 1, and
//! again a parent's samples are its children's at even places. `docs/terrain.md` draws every byte.

mod bounds;
mod cap;
mod encoding;
mod grid;
mod horizon;
mod mesh;
mod places;
mod sagitta;
mod seams;
mod source;
mod tile;

pub use bounds::NodeBounds;
pub use horizon::Horizon;
pub use mesh::{EdgeSteps, TileMesh, TooCoarse};
pub use tile::ClientTile;
