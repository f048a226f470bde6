//! bluemarble-ffi.
