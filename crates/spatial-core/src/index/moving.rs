//! The moving index: what it is made of, and how it is made.

use super::approximation::{Approximations, PADDING};
use super::lanes::{Work, at_level};
use super::leaves::{BATCH, Leaves};
use super::order::Order;
use super::scan::Lanes;
use super::view::IndexView;
use crate::ids::EntityId;
use crate::planet::Ecef;
use crate::simd::SimdLevel;

/// Where entities are, for one moment.
///
/// [`MovingIndex::rebuild`] it whenever they have moved; ask it through a [`MovingIndex::view`]. Ids and places stay with the
/// caller: the index keeps the order of the rows and 16-bit approximations of the places, and reads a place only
/// where an approximation cannot decide. About 24 bytes an entity, scratch memory included.
///
/// ```
/// use spatial_core::{EntityId, Geodetic, MovingIndex, Planet};
///
/// let at = |lat, lon| Geodetic::from_degrees(lat, lon, 0.0).map(|at| Planet::EARTH.ecef(at));
/// let ids = [EntityId(7), EntityId(8), EntityId(9)];
/// let places = [at(47.37, 8.54)?, at(46.95, 7.45)?, at(-33.87, 151.21)?];
/// let mut index = MovingIndex::new();
/// index.rebuild(&ids, &places);
///
/// let mut hits = Vec::new();
/// index.view(&ids, &places).nearest(at(47.0, 8.0)?, 2, &mut hits);
/// assert_eq!(hits.iter().map(|hit| hit.id.0).collect::<Vec<_>>(), [8, 7]);
/// # Ok::<(), spatial_core::CoordError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MovingIndex {
    pub(super) simd: SimdLevel, // one that the CPU has
    pub(super) order: Order,
    pub(super) approximations: Approximations,
}

/// An entity that a query has found.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hit {
    /// The entity.
    pub id: EntityId,
    /// Its place in the slices that the index was rebuilt from.
    pub row: u32,
    /// Its distance from the centre of the query, metres.
    pub distance_m: f64,
}

impl MovingIndex {
    /// The most entities that an index holds.
    pub const LEN_MAX: usize = (1 << 31) - 1 - PADDING;

    /// An empty index.
    pub fn new() -> Self {
        Self::with_simd(SimdLevel::detected())
    }

    /// An empty index that uses the vector instructions of a level, or of the CPU's greatest when that is less: for
    /// tests and measurements. All levels give the same results.
    pub fn with_simd(level: SimdLevel) -> Self {
        let mut index = Self {
            simd: level.min(SimdLevel::detected()),
            order: Order::default(),
            approximations: Approximations::default(),
        };
        index.rebuild(&[], &[]);
        index
    }

    /// Replaces everybody by these entities.
    ///
    /// Reads them in the order that the last call has found, so a tick in which entities have moved a little is fast, whoever
    /// has come, gone or changed rows: 1 M take about 20 ms when rows lie in cell order, twice that in random order and for the
    /// first time. Callers who can should now and then sort their rows by [`IndexView::rows`]. The result does not depend
    /// on what was before. Allocates only to grow.
    ///
    /// Ids should differ. One that is given twice counts twice, and within a cell its twins come in the order of rows.
    ///
    /// # Panics
    /// When the slices differ in length or are longer than [`MovingIndex::LEN_MAX`].
    pub fn rebuild(&mut self, ids: &[EntityId], places: &[Ecef]) {
        assert_eq!(ids.len(), places.len(), "one place an id");
        assert!(ids.len() <= Self::LEN_MAX, "rows are numbered by 31 bits");
        // All before any is written: neighbours in memory can then share huge pages.
        self.order.reserve(ids.len());
        self.approximations.reserve(ids.len());
        let index = self;
        at_level(index.simd, Rebuild { index, ids, places });
    }

    /// The index together with the ids and places that it was rebuilt from. With others, answers are of no use.
    ///
    /// # Panics
    /// When the slices are not as long as those were.
    pub fn view<'a>(&'a self, ids: &'a [EntityId], places: &'a [Ecef]) -> IndexView<'a> {
        let lens = [ids.len(), places.len()];
        assert_eq!(lens, [self.len(); 2], "what the index was built from");
        IndexView {
            index: self,
            ids,
            places,
        }
    }

    /// What sieves read.
    #[inline(always)]
    pub(super) fn lanes(&self) -> Lanes<'_> {
        Lanes {
            x: &self.approximations.x,
            y: &self.approximations.y,
            z: &self.approximations.z,
            rows: &self.order.rows,
        }
    }

    /// Entities.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that the index has allocated.
    pub fn byte_count(&self) -> usize {
        self.order.byte_count() + self.approximations.byte_count()
    }

    /// Numbers places in the order of the index's cells, in which queries around them are fastest. `keys` is scratch.
    ///
    /// # Panics
    /// When there are more than 2³² places.
    pub fn sort_by_cell(&self, places: &[Ecef], keys: &mut Vec<u64>, numbers: &mut Vec<u32>) {
        assert!(places.len() <= 1 << 32, "numbers have 32 bits");
        keys.clear();
        let mut leaves = Leaves::ZERO;
        for (batch, chunk) in places.chunks(BATCH).enumerate() {
            let first = batch * BATCH;
            let rows: [u32; BATCH] = core::array::from_fn(|n| n as u32);
            leaves.find(chunk, &rows[..chunk.len()]);
            keys.extend((0..chunk.len()).map(|n| {
                let slot = self.order.slot_of(leaves.face[n], leaves.i[n], leaves.j[n]);
                u64::from(slot) << 32 | (first + n) as u64
            }));
        }
        keys.sort_unstable();
        numbers.clear();
        numbers.extend(keys.iter().map(|key| *key as u32));
    }
}

struct Rebuild<'a> {
    index: &'a mut MovingIndex,
    ids: &'a [EntityId],
    places: &'a [Ecef],
}

impl Work for Rebuild<'_> {
    #[inline(always)]
    fn run(self) {
        let index = self.index;
        index.order.rebuild(self.ids, self.places);
        index.approximations.rebuild(&index.order, self.places);
    }
}

impl Default for MovingIndex {
    fn default() -> Self {
        Self::new()
    }
}

pub(super) fn check_radius(radius_m: f64) -> Result<(), InvalidRadius> {
    if radius_m >= 0.0 {
        Ok(())
    } else {
        Err(InvalidRadius(radius_m))
    }
}

/// A radius that is negative or no number.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("radius {0} m is not a number from 0 up")]
pub struct InvalidRadius(pub f64);
