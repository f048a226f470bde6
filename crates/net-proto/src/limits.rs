//! The protocol's numbers. docs/wire.md repeats them; a test compares.

/// The version of everything on the wire that is spoken.
pub const PROTOCOL_VERSION: u16 = 3;

/// The oldest version that servers speak with clients that are not up to date: the previous one. They refuse any other.
pub const PROTOCOL_VERSION_OLDEST: u16 = 2;

/// The protocol's name in the TLS handshake: that of its transport and hello, which all versions share.
pub const ALPN: &[u8] = b"bluemarble/1";

/// A datagram is never longer: what a 1,200-byte QUIC packet, the smallest path there is, has room for.
pub const DATAGRAM_BYTES_MAX: usize = 1_162;

/// A baseline epoch begins every so many ticks.
pub const EPOCH_TICKS: u64 = 8;

/// So many epochs can serve as baselines: the newest and those before it.
pub const EPOCHS_ALIVE: usize = 4;

/// A client holds, and a server sends one client, at most this many entities.
pub const ENTITIES_MAX: usize = 8_192;

/// Columns that are replicated.
pub const COLUMNS_MAX: usize = 64;

/// Lanes of columns that are replicated to all, and as many to owners.
pub const LANES_SENT_MAX: usize = 64;

/// Bits of an entity's replicated values for all who see it, and as many for its owner.
pub const COLUMN_BITS_MAX: u32 = 448;

/// Inputs in one datagram.
pub const INPUTS_MAX: usize = 16;

/// Unacknowledged inputs that a client repeats at least.
pub const INPUTS_REPEATED: usize = 4;

/// Entities in a digest.
pub const DIGEST_ENTITIES_MAX: usize = 16;

/// Bytes of a text in a control message.
pub const TEXT_BYTES_MAX: usize = 200;

/// A control frame from a client, without its length: a hello, the longest, is shorter.
pub const CLIENT_FRAME_BYTES_MAX: usize = 1_024;

/// A control frame from a server, without its length.
pub const SERVER_FRAME_BYTES_MAX: usize = 65_535;

/// Bytes of a command's body.
pub const COMMAND_BYTES_MAX: usize = 1_000;

/// Bytes of the body of an answer to a command, or of an event.
pub const EVENT_BYTES_MAX: usize = 4_096;

/// Tiles that a request on the bulk stream asks for at most.
pub const TILE_ASKS_MAX: usize = 16;

/// Bytes of a tile: raw samples of the largest lattice, and a map of those that were filled.
pub const TILE_BYTES_MAX: usize = 40_960;

/// How many times as many bytes a packed tile may hold as it has.
pub const TILE_PACKING_MAX: usize = 64;
