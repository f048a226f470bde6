//! Terrain around entities: asked for ahead of them, loaded by a thread of its own, made resident by records.
//!
//! Both queues hold [`QUEUE`] tiles. At the bound a tile is asked for again later; whoever gets there first is held by
//! the simulation until it is resident, and counted.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

use sim_core::{Record, World};
use spatial_core::{CellId, DVec3, Ecef, HeightTile, LatticeSpec, TileStore};

use crate::crew::{Crew, Work, next};

const QUEUE: usize = 256;
/// Ground is wanted this far ahead, metres: at the highest speed limit twenty seconds.
const AHEAD_M: f64 = 2_000.0;
/// So near are places that ask for the same ground, metres, and so many of those are remembered.
const CUBE_M: f64 = 128.0;
const CUBES: usize = 1_024;
/// Every entity is looked at once in so many ticks.
const ROUND_TICKS: usize = 30;

type Loaded = (CellId, Option<Arc<HeightTile>>);

/// Which tiles are wanted, on their way, or here.
pub(super) struct Residency {
    lattice: LatticeSpec,
    /// Tiles are narrower than ground is wanted ahead.
    is_fine: bool,
    requests: SyncSender<CellId>,
    loaded: Receiver<Loaded>,
    /// Asked for, and not to be asked for again: on their way, resident, or unreadable.
    asked: BTreeSet<CellId>,
    resident: u32,
    next_row: usize,
    /// Cubes of [`CUBE_M`] around which nothing is missing: each in the place of its hash.
    settled: Vec<[i32; 3]>,
}

impl Residency {
    /// Starts the loading, which ends when this is dropped.
    pub(super) fn start(
        world: &World,
        store: Arc<dyn TileStore>,
        crew: &Crew,
    ) -> std::io::Result<Self> {
        let (requests, asked) = sync_channel::<CellId>(QUEUE);
        let (done, loaded) = sync_channel::<Loaded>(QUEUE);
        let loader = Loader {
            store,
            asked,
            done,
            held: None,
        };
        crew.employ("terrain", loader)?;
        let lattice = world.start().lattice;
        // Squares of a face are at most so wide.
        let face_m = world.start().planet.radius_m() * core::f64::consts::FRAC_PI_2;
        let edge_m = face_m / f64::from(1u32 << lattice.leaf_level());
        Ok(Self {
            lattice,
            is_fine: edge_m < 2.0 * AHEAD_M,
            requests,
            loaded,
            asked: BTreeSet::new(),
            resident: 0,
            next_row: 0,
            settled: vec![[i32::MAX; 3]; CUBES],
        })
    }

    /// Tiles that became resident since the start of the process.
    pub(super) fn resident(&self) -> u32 {
        self.resident
    }

    /// Asks for the ground at a place and around it; where somebody near has had all that, for that at the place alone.
    pub(super) fn want(&mut self, world: &World, place: Ecef) {
        let centre = place.to_vec();
        let here = self.lattice.tile_at(centre);
        let cube = (centre / CUBE_M)
            .to_array()
            .map(|along| along.floor() as i32);
        let slot = slot_of(cube);
        if self.settled[slot] == cube {
            self.want_tile(world, here);
            return;
        }
        if self.want_around(world, (centre, here)) && !self.is_fine {
            self.settled[slot] = cube;
        }
    }

    /// Whether nothing of it has to be asked for again.
    fn want_around(&mut self, world: &World, (centre, here): (DVec3, CellId)) -> bool {
        // Steps along the planet's axes: wherever the place is, at least four of them lead well along the ground.
        let axes = [DVec3::X, DVec3::Y, DVec3::Z];
        let around = axes.iter().flat_map(|a| [*a * AHEAD_M, *a * -AHEAD_M]);
        let mut has_all = self.want_tile(world, here);
        if self.is_fine {
            // Steps may pass over them, and whoever is held at a border would be for ever.
            for beside in here.neighbors() {
                has_all &= self.want_tile(world, beside);
            }
        }
        for step in around {
            has_all &= self.want_tile(world, self.lattice.tile_at(centre + step));
        }
        has_all
    }

    /// Whether it need not be asked for again.
    fn want_tile(&mut self, world: &World, cell: CellId) -> bool {
        if self.asked.contains(&cell) {
            return true;
        }
        // A tile that a recovered world brought along is here already.
        let is_asked = world.is_resident(cell) || self.requests.try_send(cell).is_ok();
        if is_asked {
            self.asked.insert(cell);
        }
        is_asked
    }

    /// Looks around a share of the entities.
    pub(super) fn look(&mut self, world: &World) {
        if self.next_row >= world.len() {
            self.next_row = 0;
        }
        let end = (self.next_row + world.len() / ROUND_TICKS + 1).min(world.len());
        for row in self.next_row..end {
            self.want(world, world.place(row));
        }
        self.next_row = end;
    }

    /// Stages what has been loaded and writes the records that make it resident.
    pub(super) fn admit(&mut self, world: &mut World, records: &mut Vec<Record>) {
        while let Ok((cell, tile)) = self.loaded.try_recv() {
            if let Some(tile) = tile {
                records.push(Record::Resident {
                    tile: cell,
                    checksum: tile.checksum(),
                });
                world.stage(tile);
                self.resident += 1;
            }
        }
    }
}

fn slot_of(cube: [i32; 3]) -> usize {
    let hash = cube.iter().fold(0u64, |hash, along| {
        (hash ^ u64::from(along.cast_unsigned())).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    });
    (hash >> 54) as usize // below CUBES
}

/// Loads what is asked for, one tile after the other.
struct Loader {
    store: Arc<dyn TileStore>,
    asked: Receiver<CellId>,
    done: SyncSender<Loaded>,
    /// What found the queue full that it may not wait for.
    held: Option<Loaded>,
}

impl Work for Loader {
    fn turn(&mut self, may_wait: bool) -> bool {
        let loaded = match self.held.take() {
            Some(held) => held,
            None => match next(&self.asked, may_wait) {
                Ok(cell) => (cell, load(&*self.store, cell)),
                Err(gone) => return gone == TryRecvError::Empty,
            },
        };
        if may_wait {
            return self.done.send(loaded).is_ok();
        }
        match self.done.try_send(loaded) {
            Ok(()) => true,
            Err(TrySendError::Full(loaded)) => {
                self.held = Some(loaded);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
    }
}

fn load(store: &dyn TileStore, cell: CellId) -> Option<Arc<HeightTile>> {
    store
        .load_refined(cell)
        .inspect_err(|error| tracing::error!(%error, "no ground there: whoever goes there is held"))
        .ok()
}
