//! How a player whose line was lost comes back to its session.

use core::fmt;

use sha2::{Digest as _, Sha256};

use super::message::{MAGIC, kind};
use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::holder::Proof;
use crate::ids::WorldId;
use crate::limits::PROTOCOL_VERSION;

/// What a server gives a client to come back with. A server keeps only the [hash](Self::hash), and takes it once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ResumeSecret(pub [u8; 32]);

impl ResumeSecret {
    /// Its SHA-256. Whoever reads a server's memory cannot come back with that, and looking it up tells nobody how close a guess was.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

impl fmt::Debug for ResumeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeSecret(…)")
    }
}

/// The session can be taken up again should its line be lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resume {
    /// Shown by who comes back, once.
    pub secret: ResumeSecret,
    /// For so many seconds after the line was lost, not 0.
    pub good_for_s: u16,
}

impl Resume {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(kind::RESUME);
        out.extend_from_slice(&self.secret.0);
        out.extend_from_slice(&self.good_for_s.to_le_bytes());
    }

    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        let secret = ResumeSecret(reader.array()?);
        match reader.u16()? {
            0 => Err(WireError::Field("seconds")),
            good_for_s => Ok(Self { secret, good_for_s }),
        }
    }
}

/// Asks to go on with a session whose line was lost: in place of a hello.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Return {
    /// Of the protocol: from [`Return::SINCE`] to [`PROTOCOL_VERSION`].
    pub version: u16,
    /// The world.
    pub world: WorldId,
    /// The newest that the session gave.
    pub secret: ResumeSecret,
    /// That this is who opened the session: [`crate::HolderKey::prove_return`].
    pub proof: Proof,
}

impl Return {
    /// The first version of the protocol in which sessions can be taken up again.
    pub const SINCE: u16 = 3;

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.push(kind::RETURN);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.version.to_le_bytes());
        out.extend_from_slice(&self.world.0.to_le_bytes());
        out.extend_from_slice(&self.secret.0);
        out.extend_from_slice(&self.proof.0);
    }

    pub(super) fn decode(reader: &mut ByteReader<'_>) -> Result<Self, WireError> {
        if &reader.array()? != MAGIC {
            return Err(WireError::Magic);
        }
        let version = reader.u16()?;
        if !(Self::SINCE..=PROTOCOL_VERSION).contains(&version) {
            return Err(WireError::Version(version));
        }
        Ok(Self {
            version,
            world: WorldId(reader.u64()?),
            secret: ResumeSecret(reader.array()?),
            proof: Proof(reader.array()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{ClientMessage, ServerMessage};

    fn returning() -> Return {
        Return {
            version: PROTOCOL_VERSION,
            world: WorldId(77),
            secret: ResumeSecret([9; 32]),
            proof: Proof([8; 64]),
        }
    }

    #[test]
    fn a_return_is_read_as_it_was_written() {
        let message = ClientMessage::Return(returning());
        let mut frame = Vec::new();
        message.encode(&mut frame);
        assert_eq!(ClientMessage::decode(&frame[2..]), Ok(message));
        for cut in 2..frame.len() {
            assert!(ClientMessage::decode(&frame[2..cut]).is_err());
        }
        frame.push(0);
        assert!(ClientMessage::decode(&frame[2..]).is_err());
        frame.pop();
        for (version, error) in [(2, WireError::Version(2)), (4, WireError::Version(4))] {
            frame[7] = version;
            assert_eq!(ClientMessage::decode(&frame[2..]), Err(error));
        }
        frame[3] ^= 1;
        assert_eq!(ClientMessage::decode(&frame[2..]), Err(WireError::Magic));
    }

    #[test]
    fn a_resume_is_good_for_some_time() {
        let message = ServerMessage::Resume(Resume {
            secret: ResumeSecret([9; 32]),
            good_for_s: 30,
        });
        let mut frame = Vec::new();
        message.encode(&mut frame);
        assert_eq!(ServerMessage::decode(&frame[2..]), Ok(message));
        frame[35] = 0;
        let decoded = ServerMessage::decode(&frame[2..]);
        assert_eq!(decoded, Err(WireError::Field("seconds")));
    }

    #[test]
    fn secrets_are_not_shown_and_hashed_as_everybody_does() {
        assert!(!format!("{:?}", returning()).contains("9, 9, 9"));
        let zeros = ResumeSecret([0; 32]).hash();
        assert_eq!(zeros[..4], [0x66, 0x68, 0x7a, 0xad]);
        assert_ne!(zeros, ResumeSecret([9; 32]).hash());
    }
}
