//! bluemarble-sim-core.
