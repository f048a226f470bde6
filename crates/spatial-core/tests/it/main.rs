//! Tests of the public face of spatial-core.

mod columns;
mod terrain;
