//! What the game's own rules say on the control stream: what it means is theirs.

use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::limits::{COMMAND_BYTES_MAX, EVENT_BYTES_MAX};

/// What a player asks of the game beside moving: to trade, to build, to open a door.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// What its client calls it, not 0. The answer says it again.
    pub operation: u64,
    /// The game's.
    pub kind: u16,
    /// The game's; at most [`COMMAND_BYTES_MAX`].
    pub body: Vec<u8>,
}

impl Command {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.operation.to_le_bytes());
        out.extend_from_slice(&self.kind.to_le_bytes());
        out.extend_from_slice(&self.body);
    }

    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let operation = match reader.u64()? {
            0 => return Err(WireError::Field("operation")),
            operation => operation,
        };
        Ok(Self {
            operation,
            kind: reader.u16()?,
            body: body(reader, COMMAND_BYTES_MAX)?,
        })
    }
}

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The command's.
    pub operation: u64,
    /// The tick in which it was done or refused.
    pub tick: u64,
    /// Which of both, and why.
    pub code: AnswerCode,
    /// The game's; at most [`EVENT_BYTES_MAX`].
    pub body: Vec<u8>,
}

impl Answer {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.operation.to_le_bytes());
        out.extend_from_slice(&self.tick.to_le_bytes());
        out.extend_from_slice(&self.code.0.to_le_bytes());
        out.extend_from_slice(&self.body);
    }

    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            operation: reader.u64()?,
            tick: reader.u64()?,
            code: AnswerCode(reader.u16()?),
            body: body(reader, EVENT_BYTES_MAX)?,
        })
    }
}

/// What became of a command. From [`AnswerCode::GAME`] on the game's own reasons, below it the server's; a newer one may have more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AnswerCode(pub u16);

impl AnswerCode {
    /// Done; what it did is on the disk.
    pub const DONE: Self = Self(0);
    /// The game has no such command.
    pub const UNKNOWN: Self = Self(1);
    /// The player says too much in too little time: it was not looked at.
    pub const TOO_MANY: Self = Self(2);
    /// The server has no time for it: it was not looked at.
    pub const BUSY: Self = Self(3);
    /// Its body means nothing.
    pub const MALFORMED: Self = Self(4);
    /// The server cannot store anything at the moment: it was not looked at.
    pub const STORAGE: Self = Self(5);
    /// The first of the game's own.
    pub const GAME: Self = Self(256);
}

/// What the game tells a player, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GameEvent {
    /// The tick in which it happened.
    pub tick: u64,
    /// The game's.
    pub kind: u16,
    /// The game's; at most [`EVENT_BYTES_MAX`].
    pub body: Vec<u8>,
}

impl GameEvent {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tick.to_le_bytes());
        out.extend_from_slice(&self.kind.to_le_bytes());
        out.extend_from_slice(&self.body);
    }

    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            tick: reader.u64()?,
            kind: reader.u16()?,
            body: body(reader, EVENT_BYTES_MAX)?,
        })
    }
}

/// Whatever is left of a message.
fn body(reader: &mut ByteReader<'_>, bytes_max: usize) -> Result<Vec<u8>, WireError> {
    let rest = reader.take_rest();
    if rest.len() > bytes_max {
        return Err(WireError::TooLong(rest.len()));
    }
    Ok(rest.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::control::{ClientMessage, ServerMessage};

    fn bodies(bytes_max: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..=bytes_max)
    }

    /// The content of a frame.
    fn content(frame: &[u8]) -> &[u8] {
        &frame[2..]
    }

    proptest! {
        #[test]
        fn what_is_said_is_heard(
            operation in 1u64..,
            (tick, kind, code) in any::<(u64, u16, u16)>(),
            short in bodies(COMMAND_BYTES_MAX),
            long in bodies(EVENT_BYTES_MAX),
        ) {
            let command = ClientMessage::Command(Command { operation, kind, body: short });
            let mut out = Vec::new();
            command.encode(&mut out);
            prop_assert_eq!(ClientMessage::decode(content(&out)), Ok(command));

            let code = AnswerCode(code);
            for message in [
                ServerMessage::Answer(Answer { operation, tick, code, body: long.clone() }),
                ServerMessage::Event(GameEvent { tick, kind, body: long }),
            ] {
                let mut out = Vec::new();
                message.encode(&mut out);
                prop_assert_eq!(ServerMessage::decode(content(&out)), Ok(message));
            }
        }
    }

    #[test]
    fn what_is_too_long_or_has_no_name_is_refused() {
        let command = |operation: u64, bytes| {
            let mut out = Vec::new();
            let (kind, body) = (7, vec![0; bytes]);
            ClientMessage::Command(Command {
                operation,
                kind,
                body,
            })
            .encode(&mut out);
            ClientMessage::decode(content(&out)).map(|_| ())
        };
        assert_eq!(command(1, COMMAND_BYTES_MAX), Ok(()));
        assert_eq!(command(0, 0), Err(WireError::Field("operation")));
        let long = COMMAND_BYTES_MAX + 1;
        assert_eq!(command(1, long), Err(WireError::TooLong(long)));
    }
}
