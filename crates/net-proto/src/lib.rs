//! bluemarble-net-proto.
