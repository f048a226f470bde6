//! Rectangles of samples that are decoded chunk by chunk into a bounded cache.
//!
//! ```text
//! columns ──▶                                  a sample is an f32: exact for i16 and u16, NaN where it is void
//! rows │ ┌───────┬───────┬───┐ height          chunk: what a format decodes at once (a strip, a tile, a band of rows)
//!      ▼ │chunk 0│   1   │ 2 │                 row-major in itself; the last ones of rows and columns are smaller
//!        └───────┴───────┴───┘ width
//! ```

use std::sync::Arc;

use super::cache::{Chunk, ChunkCache};
use super::error::{ReliefError, ReliefFault};

/// Samples in a chunk: larger ones are refused before anything is allocated (64 MiB).
pub(super) const CHUNK_SAMPLES_MAX: u64 = 1 << 24;
/// Of chunks with more samples (4 MiB) only one is decoded at a time, and a reader holds only one.
const LARGE_SAMPLES: usize = 1 << 20;

/// A reader of one file.
pub(super) trait Raster: Send + Sync {
    fn shape(&self) -> Shape;
    /// Decodes a chunk: as many samples as [`Shape::chunk_size`] says.
    fn decode(&self, chunk: u32) -> Result<Vec<f32>, ReliefFault>;
    /// Bytes of memory that it holds.
    fn held_bytes(&self) -> u64 {
        0
    }
}

/// How a raster is cut into chunks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    pub(super) width: u32,        // ≥ 2
    pub(super) height: u32,       // ≥ 2
    pub(super) chunk_width: u32,  // 1 ..= width
    pub(super) chunk_height: u32, // 1 ..= height
}

impl Shape {
    /// A shape whose chunks can be held; tiles may be larger than their raster.
    pub(super) fn new(size: [u32; 2], chunk: [u32; 2]) -> Result<Self, ReliefFault> {
        if size[0] < 2 || size[1] < 2 {
            return Err(ReliefFault::Value {
                place: "size".into(),
                value: f64::from(size[0].min(size[1])),
                problem: "samples along an edge are too few: want 2 or more",
            });
        }
        let [chunk_width, chunk_height] = [0, 1].map(|n| chunk[n].clamp(1, size[n]));
        let count = u64::from(chunk_width) * u64::from(chunk_height);
        if count > CHUNK_SAMPLES_MAX {
            return Err(ReliefFault::TooLarge {
                what: "samples that are decoded at once".into(),
                count,
                count_max: CHUNK_SAMPLES_MAX,
                advice: "rewrite it in tiles, as with `gdal_translate -co TILED=YES`",
            });
        }
        let shape = Self {
            width: size[0],
            height: size[1],
            chunk_width,
            chunk_height,
        };
        let chunks = u64::from(shape.across()) * u64::from(size[1].div_ceil(chunk_height));
        if chunks > u64::from(u32::MAX) {
            return Err(ReliefFault::TooLarge {
                what: "chunks".into(),
                count: chunks,
                count_max: u64::from(u32::MAX),
                advice: "rewrite it in larger tiles",
            });
        }
        Ok(shape)
    }

    /// Bands of whole rows of about 64 Ki samples.
    pub(super) fn bands(size: [u32; 2]) -> Result<Self, ReliefFault> {
        let rows = (1 << 16) / size[0].max(1);
        Self::new(size, [size[0], rows.max(1)])
    }

    /// Chunks side by side.
    pub(super) fn across(&self) -> u32 {
        self.width.div_ceil(self.chunk_width)
    }

    /// First column and row of a chunk, its columns and rows.
    pub(super) fn chunk_size(&self, chunk: u32) -> ([u32; 2], [u32; 2]) {
        let from = [
            chunk % self.across() * self.chunk_width,
            chunk / self.across() * self.chunk_height,
        ];
        let size = [
            self.chunk_width.min(self.width - from[0]),
            self.chunk_height.min(self.height - from[1]),
        ];
        (from, size)
    }

    /// Whether its chunks are such that only one is decoded at a time.
    pub(super) fn is_large(&self) -> bool {
        self.chunk_width as usize * self.chunk_height as usize > LARGE_SAMPLES
    }

    fn place(&self, column: u32, row: u32) -> Place {
        let [across, down] = [column / self.chunk_width, row / self.chunk_height];
        let from = [across * self.chunk_width, down * self.chunk_height];
        let stride = self.chunk_width.min(self.width - from[0]);
        Place {
            chunk: down * self.across() + across,
            index: ((row - from[1]) * stride + column - from[0]) as usize,
            stride: stride as usize,
            has_next: [
                column + 1 < from[0] + stride,
                row + 1 < (from[1] + self.chunk_height).min(self.height),
            ],
        }
    }
}

/// Where a sample lies among chunks.
struct Place {
    chunk: u32,
    index: usize,
    stride: usize,
    has_next: [bool; 2], // whether the next column and row are in this chunk
}

/// A raster under the number that its chunks have in the cache.
pub(super) struct Numbered {
    pub(super) number: u32,
    pub(super) name: Box<str>,
    pub(super) raster: Arc<dyn Raster>,
    pub(super) shape: Shape,
}

/// Reads samples, with the chunks used last at hand so that the cache's lock is rarely taken.
pub(super) struct Reader<'a> {
    cache: &'a ChunkCache<u64>,
    held: [Option<(u64, Arc<Chunk>)>; HELD],
    last: Window,
}

/// Chunks that a reader holds, at most; of a file with large ones as many as have [`HELD_SAMPLES`].
const HELD: usize = 16;
const HELD_SAMPLES: usize = 1 << 20;

/// The chunk that was read last: what is asked next is mostly in it, and then nothing is divided.
#[derive(Clone, Copy)]
struct Window {
    raster: u32,
    slot: usize,
    from: [u32; 2], // column and row of its first sample
    size: [u32; 2], // 0 of none
}

impl Window {
    const NONE: Self = Self {
        raster: 0,
        slot: 0,
        from: [0; 2],
        size: [0; 2],
    };

    /// Where the square of samples from a column and row on begins, if all of it is inside.
    #[inline(always)]
    fn square(&self, raster: u32, column: u32, row: u32) -> Option<usize> {
        let [x, y] = [
            column.wrapping_sub(self.from[0]),
            row.wrapping_sub(self.from[1]),
        ];
        let is_inside = self.raster == raster
            && x < self.size[0].saturating_sub(1)
            && y < self.size[1].saturating_sub(1);
        is_inside.then(|| y as usize * self.size[0] as usize + x as usize)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(cache: &'a ChunkCache<u64>) -> Self {
        let held = [const { None }; HELD];
        Self {
            cache,
            held,
            last: Window::NONE,
        }
    }

    /// The sample of a column and row, NaN where it is void.
    pub(super) fn sample(
        &mut self,
        of: &Numbered,
        column: u32,
        row: u32,
    ) -> Result<f32, ReliefError> {
        let place = of.shape.place(column, row);
        Ok(self.chunk(of, place.chunk)?[place.index])
    }

    /// The samples of (column, row), the next column, the next row, and of both; neither may be the last.
    #[inline]
    pub(super) fn square(
        &mut self,
        of: &Numbered,
        column: u32,
        row: u32,
    ) -> Result<[f32; 4], ReliefError> {
        if let Some(index) = self.last.square(of.number, column, row)
            && let Some((_, chunk)) = &self.held[self.last.slot]
        {
            let stride = self.last.size[0] as usize;
            let rows = &chunk[index..][..stride + 2];
            return Ok([rows[0], rows[1], rows[stride], rows[stride + 1]]);
        }
        let place = of.shape.place(column, row);
        if place.has_next == [true, true] {
            let rows = &self.chunk(of, place.chunk)?[place.index..][..place.stride + 2];
            return Ok([rows[0], rows[1], rows[place.stride], rows[place.stride + 1]]);
        }
        let mut square = [0.0; 4];
        for (n, sample) in (0..).zip(&mut square) {
            *sample = self.sample(of, column + n % 2, row + n / 2)?;
        }
        Ok(square)
    }

    fn chunk(&mut self, of: &Numbered, chunk: u32) -> Result<&[f32], ReliefError> {
        let key = u64::from(of.number) << 32 | u64::from(chunk);
        // Chunks beside each other, or one below the other, get slots of their own, as many as there are.
        let across = of.shape.across();
        let slots = HELD_SAMPLES / (of.shape.chunk_width as usize * of.shape.chunk_height as usize);
        let (down, beside) = (chunk / across, chunk % across);
        let slot = beside
            .wrapping_add(down.wrapping_mul(5))
            .wrapping_add(7 * (of.number % 16)) as usize
            % slots.clamp(1, HELD);
        if self.held[slot].as_ref().is_none_or(|held| held.0 != key) {
            let [width, height] = of.shape.chunk_size(chunk).1;
            let count = width as usize * height as usize;
            let is_large = count > LARGE_SAMPLES;
            let samples = self.cache.get(key, is_large, || {
                let samples = of.raster.decode(chunk)?;
                assert_eq!(samples.len(), count);
                Ok(samples)
            });
            if is_large {
                self.held = [const { None }; HELD];
            }
            let samples = samples.map_err(|fault: ReliefFault| fault.of(&of.name))?;
            self.held[slot] = Some((key, samples));
        }
        let (from, size) = of.shape.chunk_size(chunk);
        self.last = Window {
            raster: of.number,
            slot,
            from,
            size,
        };
        Ok(&self.held[slot].as_ref().expect("just filled").1)
    }
}
