//! The bluemarble program.
fn main() {}
