//! What can be wrong with a tile.

/// Why bytes are not a tile, or samples not one that can be encoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TileError {
    /// Too few or too many bytes or samples.
    #[error("wrong length: truncated, or not a tile")]
    Length,
    /// The first bytes are not those of a tile.
    #[error("wrong magic: not a tile")]
    Magic,
    /// A version that this program does not know.
    #[error("tile version {0} is not 1 or 2: made by another version of the program")]
    Version(u8),
    /// A version of a client tile that this program does not know.
    #[error("client tile version {0} is not 1: made by another version of the program")]
    ClientVersion(u8),
    /// A codec that this program does not know, or not the one that must be here.
    #[error("tile codec {0} is unknown, or not the one expected here")]
    Codec(u8),
    /// The checksum does not match.
    #[error("checksum mismatch: the bytes are damaged")]
    Checksum,
    /// A sound tile, but not the one that the planet's table lists.
    #[error("not the tile that the planet's table lists: it is another planet's")]
    Seal,
    /// The cell id is none, or too fine for a tile.
    #[error("the tile names no legal cell")]
    Cell,
    /// The number of intervals is not legal.
    #[error("{0} intervals along a tile are not legal")]
    Intervals(u16),
    /// The stored extremes are not those of the samples.
    #[error("stored minimum and maximum are not those of the samples")]
    Extremes,
    /// The error bound is too large, or a sample is none of the values that it leaves.
    #[error("samples do not fit the error bound of {0} quanta")]
    ErrorBound(u16),
    /// The payload does not decode to the samples of a tile.
    #[error("the payload does not decode")]
    Residuals,
    /// The map of filled samples does not decode.
    #[error("the map of filled samples does not decode")]
    Filled,
    /// A tile was given the wrong parent, or none where one is needed.
    #[error("the tile's parent is needed and was not given, or another tile was")]
    Parent,
}
