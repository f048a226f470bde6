//! Frames of the control stream: a length (u16, little-endian, not counting itself) and so many bytes.

use crate::error::WireError;

/// Cuts a stream of bytes into frames. Holds at most one frame, and allocates only for bytes that have arrived.
#[derive(Clone, Debug)]
pub struct FrameReader {
    held: Vec<u8>,     // length and content so far
    is_complete: bool, // held is a frame that was handed out
    bytes_max: usize,
}

impl FrameReader {
    /// A reader of frames of at most `bytes_max` bytes each, their length not counted.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            held: Vec::new(),
            is_complete: false,
            bytes_max,
        }
    }

    /// Takes bytes from the front of `input` until a frame is complete; call it until it returns `None`.
    ///
    /// # Errors
    /// [`WireError::TooLong`] as soon as a length beyond the bound has arrived, [`WireError::Short`] for an empty
    /// frame. The stream cannot be read on.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, WireError> {
        if core::mem::take(&mut self.is_complete) {
            self.held.clear();
        }
        self.fill(input, LENGTH_BYTES);
        let Some(&length) = self.held.first_chunk() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_le_bytes(length));
        if length > self.bytes_max {
            return Err(WireError::TooLong(length));
        }
        if length == 0 {
            return Err(WireError::Short);
        }
        self.fill(input, LENGTH_BYTES + length);
        self.is_complete = self.held.len() == LENGTH_BYTES + length;
        Ok(self.is_complete.then(|| &self.held[LENGTH_BYTES..]))
    }

    /// Whether the stream may end here: no frame is incomplete.
    pub fn is_between_frames(&self) -> bool {
        self.is_complete || self.held.is_empty()
    }

    fn fill(&mut self, input: &mut &[u8], until: usize) {
        let wanted = until.saturating_sub(self.held.len()).min(input.len());
        let (now, rest) = input.split_at(wanted);
        self.held.extend_from_slice(now);
        *input = rest;
    }
}

/// Appends a frame whose content `write` appends. Asserts that it is not longer than a length can say.
pub(crate) fn write_frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH_BYTES]);
    write(out);
    let length = u16::try_from(out.len() - start - LENGTH_BYTES)
        .expect("every message's fields are bounded far below 64 KiB");
    out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
}

const LENGTH_BYTES: usize = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames_of(reader: &mut FrameReader, mut input: &[u8]) -> Result<Vec<Vec<u8>>, WireError> {
        let mut frames = Vec::new();
        while let Some(frame) = reader.next(&mut input)? {
            frames.push(frame.to_vec());
        }
        Ok(frames)
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..8),
            step in 1usize..20,
        ) {
            let mut stream = Vec::new();
            for frame in &frames {
                write_frame(&mut stream, |out| out.extend_from_slice(frame));
            }
            let mut reader = FrameReader::new(40);
            let mut got = Vec::new();
            for chunk in stream.chunks(step) {
                got.extend(frames_of(&mut reader, chunk)?);
            }
            prop_assert_eq!(got, frames);
            prop_assert!(reader.is_between_frames());
        }

        #[test]
        fn memory_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut reader = FrameReader::new(100);
            for chunk in bytes.chunks(17) {
                if frames_of(&mut reader, chunk).is_err() {
                    break;
                }
                prop_assert!(reader.held.len() <= 102 && reader.held.capacity() <= 256);
            }
        }
    }

    #[test]
    fn illegal_lengths_are_refused_at_once() {
        let next = |mut bytes: &[u8]| FrameReader::new(100).next(&mut bytes).map(|_| ());
        assert_eq!(next(&[101, 0]), Err(WireError::TooLong(101)));
        assert_eq!(next(&[0, 0]), Err(WireError::Short));
        assert_eq!(next(&[100, 0]), Ok(()));
        let mut reader = FrameReader::new(100);
        assert_eq!(reader.next(&mut &[5u8, 0, 1][..]), Ok(None));
        assert!(!reader.is_between_frames());
    }
}
