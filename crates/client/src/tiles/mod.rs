//! Ground that the server sends, for clients that ship none.

mod cache;
mod fetch;
mod plan;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use net_proto::{
    BulkAnswer, BulkRequest, GroundInfo, TILE_BYTES_MAX, TileAnswer, Welcome, WireError, sound_tile,
};
use spatial_core::{CellId, DVec3, Ecef, HeightTile, Manifest, MemoryStore, Planet, TileStore};

pub use cache::{CacheCounts, TileCache};
pub use plan::{Reach, tiles_around};

use fetch::{Heard, TileFetch};

/// The tiles around a player, as the server has them.
///
/// Pure but for the cache: requests come out, answers go in, times are durations since any fixed moment. At most
/// [`Reach::count_max`] tiles are held. What the cache has is used at once, and the server asked whether it is still right.
#[derive(Clone, Debug)]
pub struct ServedGround {
    planet: Planet,
    fingerprint: u64, // of the lattice, as the server welcomed us with
    reach: Reach,
    speed_max_mps: f64,
    cache: Option<Arc<TileCache>>,
    info: Option<GroundInfo>,
    is_asked: bool, // what the ground is
    fetch: TileFetch,
    tiles: BTreeMap<CellId, HeightTile>,
    store: Option<Arc<MemoryStore>>, // of exactly these tiles
    seen: Option<(Duration, Ecef)>,  // when and where the player was when it was last planned
    counts: ServedCounts,
}

/// What came of asking for ground.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ServedCounts {
    /// Tiles that came.
    pub came: u64,
    /// Their bytes, as they travelled.
    pub bytes: u64,
    /// Tiles that were here and right.
    pub unchanged: u64,
    /// Answers that there is none.
    pub absent: u64,
    /// Answers to ask later.
    pub later: u64,
}

impl ServedGround {
    /// For a welcomed player; tiles are kept in a cache, if there is one.
    pub fn new(
        welcome: &Welcome,
        planet: Planet,
        cache: Option<Arc<TileCache>>,
        reach: Reach,
    ) -> Self {
        Self {
            planet,
            fingerprint: welcome.lattice,
            reach,
            speed_max_mps: 2.0 * f64::from(welcome.speed_limit) / 256.0,
            cache,
            info: None,
            is_asked: false,
            fetch: TileFetch::default(),
            tiles: BTreeMap::new(),
            store: None,
            seen: None,
            counts: ServedCounts::default(),
        }
    }

    /// The player is here: what it is going to need is planned anew, four times a second at most, and looked for in the cache, a few tiles at a
    /// time. True when other tiles are here than before.
    pub fn look(&mut self, now: Duration, place: Ecef) -> bool {
        let Some(info) = self.info else {
            return false;
        };
        let is_due = (self.seen).is_none_or(|(then, _)| now.saturating_sub(then) >= PLANNED_EVERY);
        if is_due {
            let velocity = self.velocity(now, place);
            self.seen = Some((now, place));
            let cells = tiles_around(&info.lattice, place, velocity, &self.reach);
            self.fetch.want(cells);
        }
        let before = self.tiles.len();
        self.tiles.retain(|cell, _| self.fetch.wants(*cell));
        let mut is_other = self.tiles.len() != before;
        for _ in 0..READS_A_LOOK {
            let Some(cell) = self.fetch.to_look_for() else {
                break;
            };
            let tile = self
                .cache
                .as_ref()
                .and_then(|cache| cache.read(&info, cell));
            self.fetch
                .looked(cell, tile.as_ref().map_or(0, HeightTile::checksum));
            if let Some(tile) = tile {
                self.tiles.insert(cell, tile);
                is_other = true;
            }
        }
        if is_other {
            self.make_store();
        }
        is_other
    }

    /// What the player stands on, says the server, is called so: [`net_proto::OwnState::ground`]. What is called otherwise here is asked for again.
    pub fn compare(&mut self, now: Duration, place: Ecef, name: u32) {
        if let Some(info) = self.info.filter(|_| name != 0) {
            let cell = info.lattice.tile_at(place.to_vec());
            self.fetch.compare(cell, name, now);
        }
    }

    /// The next request to send, if there is one.
    pub fn poll(&mut self, now: Duration) -> Option<BulkRequest> {
        if self.info.is_none() {
            return (!core::mem::replace(&mut self.is_asked, true)).then_some(BulkRequest::Ground);
        }
        self.fetch.poll(now)
    }

    /// Takes in an answer. True when other tiles are here than before, or it is known now what the ground is.
    ///
    /// # Errors
    /// [`WireError`]: the server is not to be trusted, the session should end.
    pub fn hear(&mut self, now: Duration, frame: &[u8]) -> Result<bool, WireError> {
        match BulkAnswer::decode(frame)? {
            BulkAnswer::Ground(info) => self.learn(info),
            BulkAnswer::Tile(cell, answer) => {
                self.fetch.expect(cell)?;
                self.counts.bytes += frame.len() as u64;
                self.fetch.weigh(frame.len());
                let mut buffer = [0; TILE_BYTES_MAX];
                let heard = match answer {
                    TileAnswer::Absent => Heard::Absent,
                    TileAnswer::Unchanged => Heard::Unchanged,
                    TileAnswer::Later(after_ms) => {
                        Heard::Later(Duration::from_millis(after_ms.into()))
                    }
                    TileAnswer::Plain(bytes) => self.take(cell, bytes)?,
                    TileAnswer::Packed(packed) => self.take(cell, packed.unpack(&mut buffer)?)?,
                };
                self.settle(cell, heard, now)
            }
        }
    }

    /// The stream has ended: everything is asked for again on the next one.
    pub fn restart(&mut self, now: Duration) {
        self.is_asked = false;
        self.fetch.restart(now);
    }

    /// The tiles that are here, for predictions and any question about the ground; none before it is known what the ground is.
    pub fn store(&self) -> Option<Arc<dyn TileStore>> {
        Some(self.tiles()?)
    }

    pub(crate) fn tiles(&self) -> Option<Arc<MemoryStore>> {
        self.store.clone()
    }

    /// What the terrain is, once the server has said so.
    pub fn info(&self) -> Option<&GroundInfo> {
        self.info.as_ref()
    }

    /// Whether everything that is wanted now is here and right.
    pub fn is_settled(&self) -> bool {
        self.info.is_some() && self.seen.is_some() && self.fetch.is_settled()
    }

    /// What came of asking.
    pub fn counts(&self) -> ServedCounts {
        self.counts
    }

    fn learn(&mut self, info: GroundInfo) -> Result<bool, WireError> {
        if !self.is_asked || self.info.is_some_and(|known| known != info) {
            return Err(WireError::Unexpected("another ground"));
        }
        if info.lattice.fingerprint() != self.fingerprint {
            return Err(WireError::Field("lattice"));
        }
        self.info = Some(info);
        self.make_store();
        Ok(true)
    }

    fn take(&mut self, cell: CellId, bytes: &[u8]) -> Result<Heard, WireError> {
        let info = self
            .info
            .ok_or(WireError::Unexpected("a tile before the ground"))?;
        let tile = sound_tile(bytes, cell, &info.lattice).ok_or(WireError::Field("tile"))?;
        if let Some(cache) = &self.cache {
            cache.write(&info, cell, bytes);
        }
        let name = tile.checksum();
        self.tiles.insert(cell, tile);
        Ok(Heard::Came(name))
    }

    fn settle(&mut self, cell: CellId, heard: Heard, now: Duration) -> Result<bool, WireError> {
        self.fetch.hear(cell, heard, now)?;
        match heard {
            Heard::Absent => {
                self.counts.absent += 1;
                self.tiles.remove(&cell);
            }
            Heard::Unchanged => self.counts.unchanged += 1,
            Heard::Later(_) => self.counts.later += 1,
            Heard::Came(_) => self.counts.came += 1,
        }
        let is_other = matches!(heard, Heard::Absent | Heard::Came(_));
        if is_other {
            self.make_store();
        }
        Ok(is_other)
    }

    /// Metres a second since it was planned last. Nobody is that fast who was moved.
    fn velocity(&self, now: Duration, place: Ecef) -> DVec3 {
        let Some((then, before)) = self.seen else {
            return DVec3::ZERO;
        };
        let passed_s = now.saturating_sub(then).as_secs_f64();
        let velocity = (place.to_vec() - before.to_vec()) / passed_s;
        match velocity.length() <= self.speed_max_mps {
            true => velocity,
            false => DVec3::ZERO,
        }
    }

    fn make_store(&mut self) {
        let Some(info) = &self.info else {
            return;
        };
        let manifest = Manifest::new(
            self.planet,
            info.lattice,
            "the server",
            "as the server says",
        );
        // Every tile is one of the lattice's.
        self.store = MemoryStore::new(manifest, self.tiles.values().cloned())
            .ok()
            .map(Arc::new);
    }
}

/// How often it is planned what is wanted.
const PLANNED_EVERY: Duration = Duration::from_millis(250);
/// Tiles that are looked for in the cache at once: a file is opened for each.
const READS_A_LOOK: usize = 4;
