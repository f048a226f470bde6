//! Payloads of any square grid, without a tile around them.

use super::header::Codec;
use super::{archive, hot, raw_samples, wire};

/// Blocks of hot that fit a row's places.
const SIDE_MAX: usize = 8 * 512 + 1;

/// Whether a grid of this side has payloads: 8 n + 1 samples, at most 4,097.
fn is_legal(side: usize) -> bool {
    side % 8 == 1 && (9..=SIDE_MAX).contains(&side)
}

/// The payload of `side`² samples, as a tile has it that knows no parent: to measure codecs on whole grids. `None` for
/// a side that is not 8 n + 1, n from 1 to 512, or another number of samples.
pub fn encode_grid(codec: Codec, side: usize, samples: &[i16]) -> Option<Vec<u8>> {
    if !is_legal(side) || samples.len() != side * side {
        return None;
    }
    match codec {
        Codec::Raw => Some(samples.iter().flat_map(|v| v.to_le_bytes()).collect()),
        Codec::Hot => Some(hot::encode(side, samples)),
        Codec::Wire => wire::encode(side, samples),
        Codec::Archive => Some(archive::encode(side, samples, None)),
    }
}

/// The samples of a payload of [`encode_grid`]; `None` when it is damaged.
pub fn decode_grid(codec: Codec, side: usize, payload: &[u8]) -> Option<Vec<i16>> {
    if !is_legal(side) {
        return None;
    }
    match codec {
        Codec::Raw => (payload.len() == 2 * side * side).then(|| raw_samples(payload)),
        Codec::Hot => hot::decode(side, payload),
        Codec::Wire => wire::decode(side, payload),
        Codec::Archive => archive::decode(side, payload, None),
    }
}

/// Samples of a hot payload of [`encode_grid`], read where they lie.
#[derive(Clone, Copy)]
pub struct HotGrid<'a> {
    side: usize,
    hot: hot::Hot<'a>,
}

impl<'a> HotGrid<'a> {
    /// A view of a payload; `None` when it is too short for its side.
    pub fn new(side: usize, payload: &'a [u8]) -> Option<Self> {
        if !is_legal(side) {
            return None;
        }
        let hot = hot::Hot::new(side, payload)?;
        Some(Self { side, hot })
    }

    /// The sample at column i and row j; `None` outside, or when the payload is damaged. 15 ns.
    #[inline]
    pub fn sample(&self, i: usize, j: usize) -> Option<i16> {
        if i < self.side && j < self.side {
            self.hot.sample(i, j)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grids_larger_than_tiles() {
        let side = 201; // as the 1,201 of SRTM an odd number of eights
        let at = |k: usize| ((k % side) * 3 + (k / side) * (k % side) / 5 + k * 7919 % 23) as i16;
        let samples: Vec<i16> = (0..side * side).map(at).collect();
        for codec in Codec::ALL {
            let payload = encode_grid(codec, side, &samples).unwrap();
            assert_eq!(
                decode_grid(codec, side, &payload).as_ref(),
                Some(&samples),
                "{codec:?}"
            );
            assert_eq!(decode_grid(codec, side, &payload[1..]), None);
            assert_eq!(encode_grid(codec, side - 1, &samples), None);
            assert_eq!(decode_grid(codec, 0, &payload), None);
        }
        let payload = encode_grid(Codec::Hot, side, &samples).unwrap();
        let grid = HotGrid::new(side, &payload).unwrap();
        for (k, want) in samples.iter().enumerate() {
            assert_eq!(grid.sample(k % side, k / side), Some(*want));
        }
        assert_eq!(grid.sample(side, 0), None);
    }
}
