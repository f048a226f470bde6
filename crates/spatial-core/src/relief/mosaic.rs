//! Many files of heights as one.

use glam::DVec3;

use super::border::{find_borders, weight};
use super::cache::ChunkCache;
use super::error::ReliefError;
use super::fill::{BLOCK, fill_block};
use super::layer::{Layer, SheetSample, Spot};
use super::mosaic_parts::layers_of;
use super::plane::Places;
use super::raster::{CHUNK_SAMPLES_MAX, Reader};
use super::source::ReliefSource;
use super::turns::Turns;
use super::{BATCH, CACHE_BYTES, Relief, ReliefSample};
use crate::region::{Cell, LatLngRect};

/// How sources are put together.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct MosaicOptions {
    /// Over how many samples a source fades into what lies beneath it; 0 for a hard edge. Within 0 to 1,000.
    pub feather_samples: f64,
}

impl Default for MosaicOptions {
    /// 32 samples.
    fn default() -> Self {
        Self {
            feather_samples: 32.0,
        }
    }
}

/// Many files of heights that answer as one: by priority, blended at their borders, with voids filled.
///
/// - **Priority.** The greater one lies on top. What it covers it answers alone, but for a rim of `feather_samples` at its
///   border, where its height passes into that of what lies beneath; where nothing does, it answers alone there too.
/// - **Neighbours** of one priority in one coordinate system that do not overlap, or by one sample at most, form one
///   layer, without a border between them; on one lattice they are one raster. Of two samples of one place the first given counts.
/// - **Contradictions.** Of two sources of one priority that overlap by more, the one given first lies on top.
/// - **Voids** are filled from what lies beneath, shifted so that it meets the rim; where nothing does, from the rim; and
///   flagged. Further than some 400 samples from the rim with nothing beneath they stay voids.
pub struct Mosaic {
    layers: Vec<(Layer, ChunkCache<FillKey>)>, // from the top
    cache: ChunkCache<u64>,
    turns: Option<Turns>, // of threads, where chunks are so large that each holding one is too much
    feather_samples: f64,
    bounds: LatLngRect,
    spacings: Vec<(f64, LatLngRect)>, // ascending
}

/// A block of filled voids: its sheet, column and row.
type FillKey = (u32, [i64; 2]);

/// Filled blocks that are kept, bytes over all layers.
const FILLED_BYTES: usize = 64 << 20;

/// What decoded chunks may take, so that all stays below 1 GiB: with compressed grids that are held, filled blocks, what is
/// just being decoded (128 MiB) and the tiles of an import (90 MB).
pub(super) struct Budget {
    /// Bytes of the cache.
    cache_bytes: usize,
    /// How many threads may hold a large chunk outside of it.
    turns: usize,
}

impl Budget {
    /// Of sources that hold so many bytes.
    fn beside(held_bytes: u64) -> Self {
        const ALL: u64 = 704 << 20;
        const CACHE_MIN: u64 = 128 << 20;
        const CHUNK_MAX: u64 = 4 * CHUNK_SAMPLES_MAX;
        const TURNS_MAX: u64 = 4;
        let left = ALL.saturating_sub(held_bytes);
        let cache = left.saturating_sub(CHUNK_MAX);
        let cache = cache.clamp(CACHE_MIN, CACHE_BYTES as u64);
        Self {
            cache_bytes: cache as usize,
            turns: (left.saturating_sub(cache) / CHUNK_MAX).clamp(1, TURNS_MAX) as usize,
        }
    }
}

impl Mosaic {
    /// A mosaic of sources, each with its priority.
    ///
    /// # Panics
    /// When `feather_samples` is not within 0 to 1,000.
    pub fn new(sources: Vec<(ReliefSource, i32)>, options: MosaicOptions) -> Self {
        let feather_samples = options.feather_samples;
        assert!((0.0..=1_000.0).contains(&feather_samples));
        let mut bounds = LatLngRect::EMPTY;
        let mut spacings = Vec::new();
        for (source, _) in &sources {
            bounds = bounds.union(&source.bounds());
            spacings.push((source.spacing_m(), source.bounds()));
        }
        spacings.sort_by(|a, b| a.0.total_cmp(&b.0));
        let budget = Budget::beside(sources.iter().map(|(s, _)| s.held_bytes()).sum());
        let is_large = sources
            .iter()
            .any(|(s, _)| s.part().raster.shape.is_large());
        let mut layers = layers_of(sources);
        for layer in &mut layers {
            find_borders(layer, feather_samples);
        }
        let filled_bytes = FILLED_BYTES / layers.len().max(1);
        let with_cache = |layer| (layer, ChunkCache::new(filled_bytes));
        Self {
            layers: layers.into_iter().map(with_cache).collect(),
            cache: ChunkCache::new(budget.cache_bytes),
            turns: is_large.then(|| Turns::new(budget.turns)),
            feather_samples,
            bounds,
            spacings,
        }
    }

    /// The finest spacing of the sources whose boxes reach into a cell, metres; `None` where none does.
    pub fn spacing_m_in(&self, cell: &Cell) -> Option<f64> {
        let mut reaching = self
            .spacings
            .iter()
            .filter(|(_, bounds)| bounds.intersects_cell(cell));
        reaching.next().map(|(spacing_m, _)| *spacing_m)
    }

    /// Appends the heights of the layers from `first` on.
    fn blend(
        &self,
        first: usize,
        at: &[DVec3],
        reader: &mut Reader<'_>,
        out: &mut Vec<Option<ReliefSample>>,
    ) -> Result<(), ReliefError> {
        let mut places = Places::default();
        for some in at.chunks(BATCH) {
            places.of(some);
            let mut blends = [Blend::default(); BATCH];
            let blends = &mut blends[..some.len()];
            for n in first..self.layers.len() {
                if blends.iter().all(|blend| blend.left == 0.0) {
                    break;
                }
                self.add_layer(n, &places, reader, blends)?;
            }
            out.extend(blends.iter().map(Blend::sample));
        }
        Ok(())
    }

    fn add_layer(
        &self,
        n: usize,
        places: &Places,
        reader: &mut Reader<'_>,
        blends: &mut [Blend],
    ) -> Result<(), ReliefError> {
        let (layer, _) = &self.layers[n];
        let mut last = 0;
        for (at, blend) in blends.iter_mut().enumerate() {
            if blend.left == 0.0 {
                continue;
            }
            let Some(spot) = layer.find(layer.plane.place(places, at), &mut last) else {
                continue;
            };
            let height = match layer.height_m(spot, reader)? {
                Some(height_m) => Some((height_m, false)),
                None => self.filled_height_m(n, spot, reader)?,
            };
            if let Some((height_m, is_filled)) = height {
                blend.add(height_m, is_filled, self.weight(layer, spot));
            }
        }
        Ok(())
    }

    #[inline]
    fn weight(&self, layer: &Layer, spot: Spot) -> f64 {
        let tile = &layer.tiles[spot.tile as usize];
        if tile.borders.is_empty() || tile.is_deep(spot, self.feather_samples) {
            return 1.0;
        }
        let place = tile.part.georef.place([spot.x, spot.y]);
        weight(&tile.borders, place, layer.metric, self.feather_samples)
    }

    #[cold]
    fn filled_height_m(
        &self,
        n: usize,
        spot: Spot,
        reader: &mut Reader<'_>,
    ) -> Result<Option<(f64, bool)>, ReliefError> {
        let layer = &self.layers[n].0;
        layer.careful_height_m(spot, reader, &mut |void| self.fill(n, void))
    }

    /// The filled height of a void of a layer.
    fn fill(&self, n: usize, void: SheetSample) -> Result<Option<f64>, ReliefError> {
        let (layer, filled) = &self.layers[n];
        let block = [void.column.div_euclid(BLOCK), void.row.div_euclid(BLOCK)];
        // One at a time a layer, as each takes some 30 MB while it is made. Layers beneath have caches of their own, so
        // nobody waits for himself.
        let heights = filled.get((void.sheet, block), true, || {
            let mut reader = Reader::new(&self.cache);
            let mut reader_beneath = Reader::new(&self.cache);
            let mut beneath = |at: &[DVec3]| {
                let mut out = Vec::with_capacity(at.len());
                self.blend(n + 1, at, &mut reader_beneath, &mut out)?;
                Ok(out
                    .into_iter()
                    .map(|sample| sample.map(|s| s.height_m))
                    .collect())
            };
            fill_block(layer, void.sheet, block, &mut reader, &mut beneath)
        })?;
        let [x, y] = [void.column.rem_euclid(BLOCK), void.row.rem_euclid(BLOCK)];
        let height_m = heights.get((y * BLOCK + x) as usize).copied();
        Ok(height_m.filter(|h| !h.is_nan()).map(f64::from))
    }
}

impl Relief for Mosaic {
    fn name(&self) -> &str {
        match &self.layers[..] {
            [(layer, _)] if layer.tiles.len() == 1 => &layer.tiles[0].part.raster.name,
            _ => "mosaic",
        }
    }

    fn bounds(&self) -> LatLngRect {
        self.bounds
    }

    fn spacing_m(&self) -> f64 {
        self.spacings
            .first()
            .map_or(f64::INFINITY, |(spacing_m, _)| *spacing_m)
    }

    fn samples(
        &self,
        at: &[DVec3],
        out: &mut Vec<Option<ReliefSample>>,
    ) -> Result<(), ReliefError> {
        let _turn = self.turns.as_ref().map(Turns::take);
        self.blend(0, at, &mut Reader::new(&self.cache), out)
    }
}

/// What layers have said of a place so far.
#[derive(Clone, Copy)]
struct Blend {
    sum: f64,
    weight: f64,
    left: f64,     // 1 − the weights so far
    height_m: f64, // of the last of `count` layers
    count: u32,
    is_filled: bool,
}

impl Default for Blend {
    fn default() -> Self {
        Self {
            sum: 0.0,
            weight: 0.0,
            left: 1.0,
            height_m: 0.0,
            count: 0,
            is_filled: false,
        }
    }
}

impl Blend {
    fn add(&mut self, height_m: f64, is_filled: bool, weight: f64) {
        // On the border itself it still counts where nothing else does.
        let weight = weight.max(1e-9) * self.left;
        self.sum += weight * height_m;
        self.weight += weight;
        self.left -= weight;
        self.height_m = height_m;
        self.count += 1;
        self.is_filled |= is_filled;
    }

    fn sample(&self) -> Option<ReliefSample> {
        let height_m = match self.count {
            0 => return None,
            // Not divided: it is the source's, bit for bit.
            1 => self.height_m,
            _ => self.sum / self.weight,
        };
        let is_filled = self.is_filled;
        Some(ReliefSample {
            height_m,
            is_filled,
        })
    }
}
