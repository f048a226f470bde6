//! Queries on the ground against marching along the documented surface.

mod heights;
mod rays;
mod scene;
mod sight;
mod surface;
