//! A tile of height samples, decoded.

use std::sync::Arc;

use super::codec::{self, Codec, ERROR_BOUND_MAX, ERROR_UNKNOWN, Header, TileError};
use super::lattice::{LatticeSpec, column_row};
use crate::cell::CellId;

/// One tile: (N+1)² height samples of a cell, edges and corners included.
///
/// Cloning shares the samples. 33 KB at N = 128.
#[derive(Clone, PartialEq, Debug)]
pub struct HeightTile {
    cell: CellId,
    intervals: u16,            // a legal power of two
    column: u32,               // of the cell among those of its level
    row: u32,                  //
    min: i16,                  // of all samples
    max: i16,                  //
    geometric_error: u16,      // quanta
    error_bound: u16,          // quanta
    checksum: u64,             // of the samples
    samples: Arc<[i16]>,       // (intervals + 1)², index = j·(intervals + 1) + i
    filled: Option<Arc<[u8]>>, // a bit a sample, one of them set
}

impl HeightTile {
    /// The largest error bound, quanta.
    pub const ERROR_BOUND_MAX: u16 = codec::ERROR_BOUND_MAX;

    /// A tile from its samples, index = j·(intervals + 1) + i with i along s and j along t.
    ///
    /// # Errors
    /// [`TileError::Intervals`] or [`TileError::Length`] when the numbers do not fit together.
    pub fn new(cell: CellId, intervals: u16, samples: Vec<i16>) -> Result<Self, TileError> {
        let header = Header::of_samples(cell, intervals, &samples)?;
        Ok(Self::from_parts(&header, samples, None))
    }

    /// A tile from its encoding, of any codec and version. An archive tile may need its decoded parent, but at level 0.
    ///
    /// # Errors
    /// [`TileError`] for bytes that are not a sound tile and nothing else, or when the parent is not the tile's.
    pub fn decode(bytes: &[u8], parent: Option<&Self>) -> Result<Self, TileError> {
        codec::decode(bytes, parent)
    }

    pub(super) fn from_parts(
        header: &Header,
        samples: Vec<i16>,
        filled: Option<Arc<[u8]>>,
    ) -> Self {
        let (column, row) = column_row(header.cell);
        Self {
            cell: header.cell,
            intervals: header.intervals,
            column,
            row,
            min: header.min,
            max: header.max,
            geometric_error: header.geometric_error,
            error_bound: header.error_bound,
            checksum: header.checksum_of_samples(&samples),
            samples: samples.into(),
            filled,
        }
    }

    /// The tile with its geometric error: the largest difference, in quanta, between a sample and what its parent's
    /// samples interpolate there.
    #[must_use]
    pub fn with_geometric_error(self, quanta: u16) -> Self {
        Self {
            geometric_error: quanta,
            ..self
        }
    }

    /// The tile with a map of the samples that were filled at import, not measured: sample n is bit n mod 8 of byte
    /// n / 8.
    ///
    /// # Errors
    /// [`TileError::Filled`] unless the map has (N+1)² bits and a byte's rest of zeros.
    pub fn with_filled(self, bits: &[u8]) -> Result<Self, TileError> {
        let count = self.samples.len();
        if bits.len() == codec::map_bytes(count) && bits.iter().all(|byte| *byte == 0) {
            return Ok(Self {
                filled: None,
                ..self
            });
        }
        if !codec::is_map(bits, count) {
            return Err(TileError::Filled);
        }
        let filled = Some(bits.into());
        Ok(Self { filled, ..self })
    }

    /// The tile with samples rounded so that each errs by at most so many quanta and compresses better. It is a
    /// function of the sample alone: tiles of one error bound still agree on the edges that they share. Its geometric error is not known.
    ///
    /// # Errors
    /// [`TileError::ErrorBound`] beyond 16,383.
    pub fn rounded(&self, error_bound: u16) -> Result<Self, TileError> {
        if error_bound > ERROR_BOUND_MAX {
            return Err(TileError::ErrorBound(error_bound));
        }
        let samples: Vec<i16> = self
            .samples
            .iter()
            .map(|v| codec::rounded(*v, error_bound))
            .collect();
        let header = Header {
            error_bound,
            ..Header::of_samples(self.cell, self.intervals, &samples)?
        };
        Ok(Self::from_parts(&header, samples, self.filled.clone()))
    }

    /// What stands for a value in this tile: the value itself, or with an error bound e the nearest multiple of 2 e + 1.
    pub fn rounded_sample(&self, value: i16) -> i16 {
        codec::rounded(value, self.error_bound)
    }

    pub(super) fn header(&self, codec: Codec) -> Header {
        Header {
            version: 2,
            codec,
            intervals: self.intervals,
            cell: self.cell,
            min: self.min,
            max: self.max,
            geometric_error: self.geometric_error,
            error_bound: self.error_bound,
        }
    }

    /// The tile's bytes. The archive codec looks at the parent, which every tile but one of level 0 has, and writes
    /// only what it lacks if that is less.
    ///
    /// Cost for N = 128: raw 10 µs, the others some milliseconds.
    ///
    /// # Errors
    /// [`TileError::Parent`] of the archive codec unless the parent is that of this tile (none at level 0).
    pub fn encode(&self, codec: Codec, parent: Option<&Self>) -> Result<Vec<u8>, TileError> {
        codec::encode(self, codec, parent)
    }

    /// The raw encoding: any sample can be read from it without decoding.
    pub fn encode_raw(&self) -> Vec<u8> {
        self.encode(Codec::Raw, None)
            .expect("raw samples have nothing that could fail")
    }

    /// The archive encoding.
    ///
    /// # Errors
    /// [`TileError::Parent`] unless the parent is that of this tile (none at level 0).
    pub fn encode_archive(&self, parent: Option<&Self>) -> Result<Vec<u8>, TileError> {
        self.encode(Codec::Archive, parent)
    }

    /// The cell.
    pub fn cell(&self) -> CellId {
        self.cell
    }

    /// Intervals along an edge.
    pub fn intervals(&self) -> u16 {
        self.intervals
    }

    /// Smallest sample.
    pub fn min(&self) -> i16 {
        self.min
    }

    /// Largest sample.
    pub fn max(&self) -> i16 {
        self.max
    }

    /// The geometric error in quanta, if it was computed.
    pub fn geometric_error(&self) -> Option<u16> {
        (self.geometric_error != ERROR_UNKNOWN).then_some(self.geometric_error)
    }

    /// By how many quanta a sample may differ from the one that was imported.
    pub fn error_bound(&self) -> u16 {
        self.error_bound
    }

    /// The map of filled samples, if there are any: sample n is bit n mod 8 of byte n / 8.
    pub fn filled(&self) -> Option<&[u8]> {
        self.filled.as_deref()
    }

    /// Whether the sample at column i and row j was filled at import, not measured.
    ///
    /// # Panics
    /// When an index is beyond [`HeightTile::intervals`].
    pub fn is_filled(&self, i: usize, j: usize) -> bool {
        let side = usize::from(self.intervals) + 1;
        assert!(i < side && j < side);
        let n = j * side + i;
        self.filled
            .as_ref()
            .is_some_and(|bits| bits[n / 8] >> (n % 8) & 1 != 0)
    }

    /// Checksum that names the samples (xxh3-64), however the tile was stored: what residency records carry.
    pub fn checksum(&self) -> u64 {
        self.checksum
    }

    /// All samples, index = j·(intervals + 1) + i.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// The sample at column i and row j.
    ///
    /// # Panics
    /// When an index is beyond [`HeightTile::intervals`].
    pub fn sample(&self, i: usize, j: usize) -> i16 {
        let side = usize::from(self.intervals) + 1;
        assert!(i < side && j < side);
        self.samples[j * side + i]
    }

    /// The height at (s, t) of the tile's face, metres: bilinear between the four samples around it.
    ///
    /// s and t beyond the tile (as rounding at an edge may give) count as its edge. Tiles that share an edge agree
    /// on it to 1e-9 m. The same bits on every platform: only + − × and one floor an axis.
    ///
    /// # Panics
    /// In debug builds when the face is not the tile's.
    pub fn height_m(&self, spec: &LatticeSpec, face: u8, s: f64, t: f64) -> f64 {
        debug_assert_eq!(face, self.cell.face());
        debug_assert_eq!(spec.intervals(), self.intervals);
        let intervals = self.intervals;
        let x = local(s, self.cell.level(), self.column, intervals);
        let y = local(t, self.cell.level(), self.row, intervals);
        spec.height_m(bilinear(intervals, x, y, |index| self.samples[index]))
    }
}

/// s as intervals from the edge of the tile in a column of a level. Exact: two scalings by powers of two and a
/// difference of neighbours.
#[inline(always)]
pub(crate) fn local(s: f64, level: u8, column: u32, intervals: u16) -> f64 {
    let n = f64::from(intervals);
    s * f64::from(1u32 << level) * n - f64::from(column) * n
}

/// Bilinear value at x, y intervals from a tile's corner, clamped to the tile; `at` reads one sample.
fn bilinear(intervals: u16, x: f64, y: f64, at: impl Fn(usize) -> i16) -> f64 {
    let side = usize::from(intervals) + 1;
    let (i, fx) = interval_of(x, intervals);
    let (j, fy) = interval_of(y, intervals);
    let corner = j * side + i;
    interpolate(
        [0, 1, side, side + 1].map(|offset| at(corner + offset)),
        fx,
        fy,
    )
}

/// Bilinear value between the samples at (0, 0), (1, 0), (0, 1), (1, 1): how heights lie between samples, everywhere.
#[inline(always)]
pub fn interpolate(corners: [i16; 4], fx: f64, fy: f64) -> f64 {
    let [a, b, c, d] = corners.map(f64::from);
    let low = a * (1.0 - fx) + b * fx;
    let high = c * (1.0 - fx) + d * fx;
    low * (1.0 - fy) + high * fy
}

/// The interval that contains x, and how far into it x lies, 0 to 1. NaN counts as 0.
#[inline(always)]
pub(crate) fn interval_of(x: f64, intervals: u16) -> (usize, f64) {
    let n = f64::from(intervals);
    // Not `max` and `min`, which take longer to treat NaN in their way.
    let x = if x > 0.0 { x } else { 0.0 };
    let x = if x < n { x } else { n };
    // Truncation is a floor from 0 on, and where the CPU has no instruction for that, no call.
    let whole = (x as u32).min(u32::from(intervals) - 1);
    (whole as usize, x - f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terrain::face_st;

    /// A height that is a function of the direction alone, so that shared samples are equal.
    fn tile(spec: &LatticeSpec, cell: CellId) -> HeightTile {
        let n = u32::from(spec.intervals());
        let (column, row) = column_row(cell);
        let step = 1 << (spec.leaf_level() - cell.level());
        let samples = (0..(n + 1) * (n + 1)).map(|k| {
            let (i, j) = (column * n + k % (n + 1), row * n + k / (n + 1));
            let d = spec.direction(cell.face(), i * step, j * step);
            (4_000.0 * (3.0 * d.x + d.y * d.z * 7.0 + d.z)) as i16
        });
        HeightTile::new(cell, spec.intervals(), samples.collect()).unwrap()
    }

    #[test]
    fn heights_at_samples_are_the_samples() {
        let spec = LatticeSpec::new(3, 16, -5.0, 0.5).unwrap();
        let t = tile(&spec, CellId::from_face_ij(4, 3 << 28, 1 << 28, 2));
        let n = f64::from(spec.face_intervals());
        for j in 0..=16 {
            for i in 0..=16 {
                let (s, u) = ((48.0 + i as f64) / n, (16.0 + j as f64) / n);
                let want = -5.0 + 0.5 * f64::from(t.sample(i, j));
                assert_eq!(t.height_m(&spec, 4, s, u), want);
            }
        }
    }

    /// Along every edge of every face, the neighbour across it gives the same height.
    #[test]
    fn faces_agree_along_their_edges() {
        let spec = LatticeSpec::new(2, 16, 0.0, 1.0).unwrap();
        let mut edges = 0;
        for face in 0..6u8 {
            for k in 0..=1_000u32 {
                let along = f64::from(k) / 1_000.0;
                for (s, t) in [(along, 0.0), (1.0, along), (along, 1.0), (0.0, along)] {
                    let here = tile_height(&spec, face, s, t);
                    let cube = crate::cell::face_uv_to_direction(
                        face,
                        crate::cell::st_to_uv(s),
                        crate::cell::st_to_uv(t),
                    );
                    // Push the direction across the edge in turn towards each face that touches it.
                    for axis in 0..3 {
                        let mut nudged = cube;
                        nudged[axis] *= 1.0 + 1e-15;
                        let (other, s2, t2) = face_st(nudged);
                        let there = tile_height(&spec, other, s2, t2);
                        edges += u32::from(other != face);
                        assert!(
                            (here - there).abs() < 1e-9,
                            "{face} {s} {t}: {here} {there}"
                        );
                    }
                }
            }
        }
        assert!(edges > 10_000, "{edges}");
    }

    fn tile_height(spec: &LatticeSpec, face: u8, s: f64, t: f64) -> f64 {
        thread_local! {
            static TILES: std::cell::RefCell<std::collections::BTreeMap<CellId, HeightTile>> =
                const { std::cell::RefCell::new(std::collections::BTreeMap::new()) };
        }
        let cell = spec.tile_of(face, s, t);
        TILES.with_borrow_mut(|tiles| {
            let tile = tiles.entry(cell).or_insert_with(|| tile(spec, cell));
            tile.height_m(spec, face, s, t)
        })
    }

    #[test]
    fn nonsense_is_harmless() {
        let spec = LatticeSpec::new(1, 8, 0.0, 1.0).unwrap();
        let t = tile(&spec, CellId::from_face_ij(0, 0, 0, 0));
        for s in [f64::NAN, f64::INFINITY, -1e300, 2.0] {
            let h = t.height_m(&spec, 0, s, s);
            assert!((f64::from(t.min())..=f64::from(t.max())).contains(&h));
        }
        assert!(HeightTile::new(t.cell(), 8, vec![0; 80]).is_err());
        assert!(HeightTile::new(t.cell(), 9, vec![0; 100]).is_err());
    }
}
