//! Tiles of stores on disk that have been read before.

use spatial_core::{CellId, PackStore, RocksStore, TileStore};
use tempfile::TempDir;

use crate::case::{Case, Size, hash_of};
use crate::planets::Plan;
use crate::seeded::Seeded;

const TILES: usize = 384;
const READS: usize = 20_000;

/// Reads tiles of 32 KiB in random order, where they lie: of each its address and a sample in its middle.
pub(crate) struct HotReads {
    store: Box<dyn TileStore>,
    cells: Vec<CellId>,
    sum: u64,
    _dir: TempDir, // its files are mapped
}

impl HotReads {
    pub(crate) fn of_pack(size: Size) -> Self {
        Self::new(size, |plan, dir| {
            let path = dir.path().join("hills.pack");
            plan.write_pack(&path);
            Box::new(PackStore::open(path).expect("the pack just written"))
        })
    }

    pub(crate) fn of_base(size: Size) -> Self {
        Self::new(size, |plan, dir| {
            plan.write_base(dir.path());
            Box::new(RocksStore::open(dir.path()).expect("the base just written"))
        })
    }

    fn new(size: Size, write: fn(&Plan, &TempDir) -> Box<dyn TileStore>) -> Self {
        let (plan, mut seeded) = (Plan::hills(size.of(TILES)), Seeded(61));
        let dir = tempfile::tempdir().expect("a folder for temporary files");
        let reads = (0..size.of(READS)).map(|_| plan.cells[seeded.below(plan.cells.len())]);
        Self {
            cells: reads.collect(),
            store: write(&plan, &dir),
            sum: 0,
            _dir: dir,
        }
    }
}

impl Case for HotReads {
    fn operations(&self) -> u64 {
        self.cells.len() as u64
    }

    fn run(&mut self) {
        let middle = |cell: &CellId| {
            let tile = self.store.tile(*cell).expect("a tile of the planet");
            u64::from(middle_of(
                tile.bytes().expect("raw tiles are read in place"),
            ))
        };
        self.sum = self.cells.iter().map(middle).sum();
    }

    fn hash(&self) -> u64 {
        hash_of([self.sum])
    }
}

/// A byte of a tile's samples: what a read that is timed looks at.
pub(crate) fn middle_of(tile: &[u8]) -> u8 {
    tile[(tile.len() / 2) & !1]
}
