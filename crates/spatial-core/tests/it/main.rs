//! Tests of the public face of spatial-core.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod allocations;
mod bad_input;
mod cell_unions;
mod cells;
mod client_tiles;
mod columns;
mod coords;
mod corruption;
mod countries;
mod coverings;
mod extremes;
mod feature_files;
mod frames;
mod golden;
mod ground;
mod index;
mod lanes;
mod life;
#[cfg(feature = "maps")]
mod maps;
mod nasty_files;
mod nasty_polygons;
mod polygon_coverings;
mod polygons;
mod predicates;
mod projections;
mod query_batches;
mod regions;
#[cfg(feature = "import")]
mod relief;
#[cfg(feature = "rocksdb")]
mod rocks;
mod sparse;
mod sphere;
mod standing;
mod terrain;
mod world;
