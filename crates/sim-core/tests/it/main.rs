//! The simulation as its users see it.

mod allocations;
mod characters;
mod checkpoint;
mod contacts;
mod determinism;
mod difference;
mod flight;
mod golden;
mod movement;
mod obstacles;
mod quality_falls;
mod quality_scene;
mod quality_slopes;
mod quality_walks;
mod records;
mod rewind;
mod scene;
mod sight;
mod solo;
mod steady;
mod systems;
mod touching;
mod validate;
