//! Client tiles, their nodes and their meshes.

mod bounds;
mod bytes;
mod meshes;
mod scene;
mod tiles;
