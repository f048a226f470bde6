//! Relief from other people's files: readers, and the mosaic of many.
//!
//! ```text
//! file ──► Raster (chunks of samples) ─┐
//!          Georef (where they lie)  ───┴► ReliefSource ──┐
//!                                         ReliefSource ──┴► Mosaic: layers of priority, feathered borders, filled voids
//! ```
//! Goals: never trust a header, at most 1 GiB whatever the input, the same answer from the same direction whatever was
//! asked before. Nothing here writes a file. `docs/terrain.md` says what is read and how.

mod border;
mod buckets;
mod bytes;
mod cache;
mod error;
mod fill;
mod geokeys;
mod georef;
mod geotiff;
mod hgt;
mod layer;
mod mesh;
mod mosaic;
mod mosaic_parts;
mod picture;
mod plane;
mod raster;
mod raw;
mod source;
mod turns;

pub use error::{ReliefError, ReliefFault};
pub use mosaic::{Mosaic, MosaicOptions};
pub use picture::{HeightEncoding, PictureGrid};
pub use raw::{Endian, GridBounds, RawGrid, Registration, RowOrder, SampleType};
pub use source::{ReliefOptions, ReliefSource, open_relief, side_file};

use glam::DVec3;

use crate::region::LatLngRect;

/// Heights by direction: of one file, or of many.
pub trait Relief: Send + Sync {
    /// What it is called: the path of a file.
    fn name(&self) -> &str;

    /// A box around all that it has heights for.
    fn bounds(&self) -> LatLngRect;

    /// How far apart neighbouring samples lie in the direction in which they lie closest, in the middle of its box, metres on the Earth;
    /// of several the least.
    fn spacing_m(&self) -> f64;

    /// Appends the height in each direction (of any length but zero); `None` where it has none.
    ///
    /// A height is a function of the direction alone. Fast for directions that lie near each other, some 17,000 at a time.
    ///
    /// # Errors
    /// [`ReliefError`] when a file cannot be read; `out` then has some of the answers.
    fn samples(&self, at: &[DVec3], out: &mut Vec<Option<ReliefSample>>)
    -> Result<(), ReliefError>;

    /// The height in one direction; see [`Relief::samples`].
    ///
    /// # Errors
    /// Those of [`Relief::samples`].
    fn sample(&self, at: DVec3) -> Result<Option<ReliefSample>, ReliefError> {
        let mut out = Vec::with_capacity(1);
        self.samples(&[at], &mut out)?;
        Ok(out[0])
    }
}

/// A height.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ReliefSample {
    /// Metres above the datum.
    pub height_m: f64,
    /// Whether a void was filled to answer.
    pub is_filled: bool,
}

/// Decoded chunks that are kept at most, bytes; fewer beside compressed grids in memory, see [`Budget`](mosaic::Budget).
const CACHE_BYTES: usize = 384 << 20;
/// Directions that go through each stage together: their coordinates stay in the first-level cache.
const BATCH: usize = 512;
