//! bluemarble-client.
