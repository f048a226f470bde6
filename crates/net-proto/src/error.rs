//! Why a peer's bytes were refused.

/// Why a message was refused. The message had no effect.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WireError {
    /// The message ends before its content does.
    #[error("message ends before its content does")]
    Short,
    /// Bytes follow the content.
    #[error("bytes follow the content of the message")]
    Trailing,
    /// The padding of the last byte is not zero.
    #[error("padding bits are not zero")]
    Padding,
    /// No message has this kind.
    #[error("message kind {0:#04x} is unknown")]
    Kind(u8),
    /// A message that is legal, but not now.
    #[error("{0} is not expected now")]
    Unexpected(&'static str),
    /// A hello does not begin with the magic bytes.
    #[error("hello does not begin with the magic bytes of this protocol")]
    Magic,
    /// The peer speaks another version of the protocol.
    #[error("peer speaks protocol version {0}, this program speaks {ours}", ours = crate::PROTOCOL_VERSION)]
    Version(u16),
    /// A message is longer than its kind or the receiver allows.
    #[error("message of {0} bytes is longer than allowed here")]
    TooLong(usize),
    /// A field has a value that is not legal.
    #[error("field `{0}` has an illegal value")]
    Field(&'static str),
    /// An update is relative to an entity that the acknowledged set does not hold.
    #[error("update of entity {0} refers to a set that does not hold it")]
    NoBaseline(u64),
    /// More entities than [`crate::ENTITIES_MAX`].
    #[error("more entities in view than a client holds")]
    TooManyEntities,
}
