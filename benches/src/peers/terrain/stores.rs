//! Tiles of 32 KiB that were read before: our stores and others, of the same tiles.

use std::io;
use std::path::Path;

use spatial_core::{CellId, PackStore, RocksStore, TileStore};

use super::super::contest::Contest;
use super::super::rivals::shelves::{Entry, Key, Lmdb, Redb, Rocks, Shelf};
use super::super::row::Unit;
use super::super::{Pace, Tell};
use crate::planets::Plan;
use crate::seeded::Seeded;
use crate::store::middle_of;

const TILES: usize = 384;
const READS: usize = 20_000;

const BASE: &str = "store: a hot tile of 32 KiB, RocksStore";
const PACK: &str = "store: a hot tile of 32 KiB, PackStore";

pub(super) fn race(pace: &Pace, tell: Tell<'_>) -> io::Result<()> {
    if ![BASE, PACK].iter().any(|case| pace.wants(case)) {
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let (plan, mut seeded) = (Plan::hills(pace.size.of(TILES)), Seeded(62));
    let (base, pack) = (dir.path().join("base"), dir.path().join("pack"));
    plan.write_base(&base);
    plan.write_pack(&pack);
    let entries = entries_of(&plan);
    let rivals = Rivals {
        copied: shelf(&dir.path().join("rocks"), &entries),
        pinned: shelf(&dir.path().join("pinned"), &entries),
        lmdb: shelf(&dir.path().join("lmdb"), &entries),
        redb: shelf(&dir.path().join("redb"), &entries),
    };
    let reads = (0..pace.size.of(READS)).map(|_| seeded.below(entries.len()));
    let reads: Vec<usize> = reads.collect();
    if pace.wants(BASE) {
        let store = RocksStore::open(&base).expect("the base just written");
        rivals.race(pace, (BASE, &store), (&entries, &reads), tell)?;
    }
    if pace.wants(PACK) {
        let store = PackStore::open(&pack).expect("the pack just written");
        rivals.race(pace, (PACK, &store), (&entries, &reads), tell)?;
    }
    Ok(())
}

/// A planet's tiles under the keys that others have them under.
pub(super) fn entries_of(plan: &Plan) -> Vec<Entry> {
    let entry = |cell: &CellId| (cell.to_u64().to_be_bytes(), (plan.tile)(*cell));
    plan.cells.iter().map(entry).collect()
}

/// A rival's store of these tiles, in a new folder.
pub(super) fn shelf<S: Shelf>(dir: &Path, entries: &[Entry]) -> S {
    std::fs::create_dir_all(dir).expect("a folder that can be written");
    S::write(dir, entries);
    S::open(dir)
}

struct Rivals {
    copied: Rocks<false>,
    pinned: Rocks<true>,
    lmdb: Lmdb,
    redb: Redb,
}

impl Rivals {
    /// Ours against all, on reads given by their numbers among the tiles.
    fn race(
        &self,
        pace: &Pace,
        (case, store): (&str, &dyn TileStore),
        (entries, reads): (&[Entry], &[usize]),
        tell: Tell<'_>,
    ) -> io::Result<()> {
        let cells: Vec<CellId> = reads.iter().map(|n| store.cells()[*n]).collect();
        let keys: Vec<Key> = reads.iter().map(|n| entries[*n].0).collect();
        for (cell, (_, tile)) in store.cells().iter().zip(entries) {
            let found = store.tile(*cell).expect("a tile of the planet");
            assert!(
                found.bytes() == Some(tile),
                "ours are the tiles that were written"
            );
        }
        let ours = || {
            let middle = |cell: &CellId| {
                let tile = store.tile(*cell).expect("a tile of the planet");
                u64::from(middle_of(
                    tile.bytes().expect("raw tiles are read in place"),
                ))
            };
            cells.iter().map(middle).sum::<u64>()
        };
        let contest = Contest::new(case, Unit::Ns, cells.len(), ours);
        let contest = against(contest, &self.copied, entries, &keys);
        let contest = against(contest, &self.pinned, entries, &keys);
        let contest = against(contest, &self.lmdb, entries, &keys);
        tell(against(contest, &self.redb, entries, &keys).run(pace))
    }
}

fn against<'a, S: Shelf>(
    contest: Contest<'a>,
    shelf: &'a S,
    entries: &[Entry],
    keys: &'a [Key],
) -> Contest<'a> {
    let same = |(key, tile): &Entry| shelf.with(key, |found| found == tile);
    let agree = entries.iter().all(same);
    contest.against(S::NAME, Some(agree), move || {
        keys.iter()
            .map(|key| u64::from(shelf.with(key, middle_of)))
            .sum::<u64>()
    })
}
