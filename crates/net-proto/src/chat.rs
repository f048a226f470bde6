//! Chat: what players say to each other, on streams of its own that wait for everything but ground.

use spatial_core::EntityId;

use crate::bytes::ByteReader;
use crate::control::write_frame;
use crate::error::WireError;
use crate::text::ShortText;

/// What a player says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Say {
    /// To whom: 0 to those near, others are the game's.
    pub channel: u8,
    /// What.
    pub text: ShortText,
}

impl Say {
    /// The channel of those near.
    pub const NEAR: u8 = 0;

    /// Appends the frame that travels.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_frame(out, |out| {
            out.extend_from_slice(&[kind::SAY, self.channel]);
            self.text.encode(out);
        });
    }

    /// From the content of a frame.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one legal message.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(frame);
        expect(&mut reader, kind::SAY)?;
        let said = Self {
            channel: reader.u8()?,
            text: ShortText::decode(&mut reader)?,
        };
        reader.finish()?;
        Ok(said)
    }
}

/// What a player hears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// Who says it; it need not be in view.
    pub speaker: EntityId,
    /// The speaker's name.
    pub name: ShortText,
    /// As in [`Say`].
    pub channel: u8,
    /// What.
    pub text: ShortText,
}

impl Said {
    /// Appends the frame that travels.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_frame(out, |out| {
            out.push(kind::SAID);
            out.extend_from_slice(&self.speaker.0.to_le_bytes());
            self.name.encode(out);
            out.push(self.channel);
            self.text.encode(out);
        });
    }

    /// From the content of a frame.
    ///
    /// # Errors
    /// [`WireError`] for anything but exactly one legal message.
    pub fn decode(frame: &[u8]) -> Result<Self, WireError> {
        let mut reader = ByteReader::new(frame);
        expect(&mut reader, kind::SAID)?;
        let said = Self {
            speaker: EntityId(reader.u64()?),
            name: ShortText::decode(&mut reader)?,
            channel: reader.u8()?,
            text: ShortText::decode(&mut reader)?,
        };
        reader.finish()?;
        Ok(said)
    }
}

fn expect(reader: &mut ByteReader<'_>, kind: u8) -> Result<(), WireError> {
    match reader.u8()? {
        same if same == kind => Ok(()),
        other => Err(WireError::Kind(other)),
    }
}

mod kind {
    pub(super) const SAY: u8 = 0x01;
    pub(super) const SAID: u8 = 0x81;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard_and_nothing_else() {
        let text = ShortText::lossy("halló ☃");
        let say = Say {
            channel: 3,
            text: text.clone(),
        };
        let mut frame = Vec::new();
        say.encode(&mut frame);
        assert_eq!(Say::decode(&frame[2..]), Ok(say));
        assert_eq!(Said::decode(&frame[2..]), Err(WireError::Kind(1)));

        let said = Said {
            speaker: EntityId(7),
            name: ShortText::lossy("Zoë"),
            channel: Say::NEAR,
            text,
        };
        let mut frame = Vec::new();
        said.encode(&mut frame);
        assert_eq!(Said::decode(&frame[2..]), Ok(said));
        for cut in 2..frame.len() {
            assert!(Said::decode(&frame[2..cut]).is_err());
        }
        frame.push(0);
        assert_eq!(Said::decode(&frame[2..]), Err(WireError::Trailing));
    }
}
