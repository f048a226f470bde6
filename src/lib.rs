//! Bluemarble: the spatial engine for worlds the size of a planet.
