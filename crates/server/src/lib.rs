//! bluemarble-server.
