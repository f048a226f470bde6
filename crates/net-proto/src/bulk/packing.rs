//! Bytes made smaller for the way: LZ4, a block without a frame.

use crate::bytes::ByteReader;
use crate::error::WireError;
use crate::limits::{TILE_BYTES_MAX, TILE_PACKING_MAX};

/// Bytes that were packed.
///
/// At most [`TILE_BYTES_MAX`] come out, and at most [`TILE_PACKING_MAX`] times as many as there are here: a stranger's few bytes are
/// little work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packed<'a> {
    count: u16, // of the bytes that come out: 1 to TILE_BYTES_MAX
    bytes: &'a [u8],
}

/// Packs bytes behind what `out` held, if that makes them smaller by a sixteenth at least and not by more than is legal.
///
/// # Panics
/// When there are none, or more than [`TILE_BYTES_MAX`].
pub fn pack<'a>(plain: &[u8], out: &'a mut Vec<u8>) -> Option<Packed<'a>> {
    assert!((1..=TILE_BYTES_MAX).contains(&plain.len()));
    let start = out.len();
    out.resize(
        start + lz4_flex::block::get_maximum_output_size(plain.len()),
        0,
    );
    let count = lz4_flex::block::compress_into(plain, &mut out[start..]).ok()?;
    out.truncate(start + count);
    let is_smaller = 16 * count <= 15 * plain.len();
    let packed = Packed {
        count: u16::try_from(plain.len()).expect("at most TILE_BYTES_MAX"),
        bytes: &out[start..],
    };
    (is_smaller && packed.is_legal()).then_some(packed)
}

impl<'a> Packed<'a> {
    /// The bytes that were packed, in a buffer of the caller's.
    ///
    /// # Errors
    /// [`WireError::Field`] unless exactly as many come out as are said to.
    pub fn unpack<'b>(&self, buffer: &'b mut [u8; TILE_BYTES_MAX]) -> Result<&'b [u8], WireError> {
        let out = &mut buffer[..usize::from(self.count)];
        match lz4_flex::block::decompress_into(self.bytes, out) {
            Ok(count) if count == out.len() => Ok(out),
            _ => Err(WireError::Field("packed tile")),
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.count.to_le_bytes());
        out.extend_from_slice(self.bytes);
    }

    pub(super) fn decode(mut reader: ByteReader<'a>) -> Result<Self, WireError> {
        let packed = Self {
            count: reader.u16()?,
            bytes: reader.rest(),
        };
        match packed.is_legal() {
            true => Ok(packed),
            false => Err(WireError::Field("packed tile")),
        }
    }

    fn is_legal(&self) -> bool {
        let count = usize::from(self.count);
        (1..=TILE_BYTES_MAX).contains(&count) && count <= TILE_PACKING_MAX * self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unpacked(packed: &Packed<'_>) -> Result<Vec<u8>, WireError> {
        let mut buffer = [0xee; TILE_BYTES_MAX];
        packed.unpack(&mut buffer).map(<[u8]>::to_vec)
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out(words in prop::collection::vec(0u8..4, 1..5_000), prefix in 0usize..9) {
            let mut out = vec![7; prefix];
            if let Some(packed) = pack(&words, &mut out) {
                prop_assert_eq!(unpacked(&packed).unwrap(), words);
            }
            prop_assert!(out[..prefix].iter().all(|byte| *byte == 7));
        }

        #[test]
        fn strangers_bytes_do_no_harm(count in any::<u16>(), bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut frame = count.to_le_bytes().to_vec();
            frame.extend(&bytes);
            if let Ok(packed) = Packed::decode(ByteReader::new(&frame)) {
                prop_assert!(usize::from(count) <= TILE_PACKING_MAX * bytes.len());
                if let Ok(out) = unpacked(&packed) {
                    prop_assert_eq!(out.len(), usize::from(count));
                }
            }
        }
    }

    #[test]
    fn only_what_gains_and_is_legal_is_packed() {
        let mut random = 1u32;
        let noise: Vec<u8> = (0..10_000)
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                random.to_be_bytes()[0]
            })
            .collect();
        assert_eq!(pack(&noise, &mut Vec::new()), None);
        // Zeros pack 250 to 1: more than a reader takes.
        assert_eq!(pack(&[0; TILE_BYTES_MAX], &mut Vec::new()), None);
        let half: Vec<u8> = noise.iter().map(|byte| byte % 4).collect();
        assert!(pack(&half, &mut Vec::new()).is_some());
    }
}
