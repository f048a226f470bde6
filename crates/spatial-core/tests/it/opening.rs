//! How long opening a planet takes, and reading a tile that is hot.
//!
//! `BLUEMARBLE_TILES` is how many tiles are opened; a million in the full-size run, where the promised times are asserted.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

use spatial_core::{
    CellId, HeightTile, LatticeSpec, Manifest, MissingTile, PackStore, PackWriter, Planet,
    TileStore,
};

const OPENED_MAX: Duration = Duration::from_secs(1);

/// How many tiles, and whether times are asserted.
fn count() -> (usize, bool) {
    match std::env::var("BLUEMARBLE_TILES") {
        Ok(n) => (n.parse().expect("BLUEMARBLE_TILES is a number"), true),
        Err(_) => (3_000, false),
    }
}

/// All cells of the upper levels and as many of the next as it takes, with a manifest of their planet.
fn cells(count: usize, intervals: u16) -> (Manifest, Vec<CellId>) {
    let whole = |levels: u8| LatticeSpec::new(levels, intervals, 0.0, 1.0).unwrap();
    let levels = (1..18)
        .rev()
        .find(|l| whole(*l).tile_count() <= count as u64);
    let levels = levels.unwrap();
    let mut cells = whole(levels).cells();
    let last = cells.iter().filter(|c| c.level() == levels - 1);
    let finer = last.flat_map(|c| c.children().unwrap());
    let finer: Vec<_> = finer.take(count - cells.len()).collect();
    cells.extend(finer);
    cells.sort_unstable();
    let manifest = Manifest::new(Planet::EARTH, whole(levels + 1), "made for a test", "none")
        .with_tiles(cells.len() as u64)
        .with_missing(MissingTile::Coarser);
    (manifest, cells)
}

fn tile(cell: CellId, intervals: u16) -> Vec<u8> {
    let side = usize::from(intervals) + 1;
    let samples = (0..side * side).map(|k| (cell.to_u64() as usize >> 40 ^ k) as i16 & 0xfff);
    let tile = HeightTile::new(cell, intervals, samples.collect()).unwrap();
    tile.encode_raw()
}

fn write_pack(path: &Path, manifest: &Manifest, cells: &[CellId]) {
    let out = BufWriter::with_capacity(1 << 20, File::create(path).unwrap());
    let mut writer = PackWriter::new(out, manifest).unwrap();
    let intervals = manifest.lattice().intervals();
    for cell in cells {
        writer.push(*cell, &tile(*cell, intervals)).unwrap();
    }
    writer.finish().unwrap();
}

/// The shortest of five.
fn opening<S: TileStore>(open: impl Fn() -> S, tiles: usize) -> Duration {
    let times = (0..5).map(|_| {
        let start = Instant::now();
        let store = open();
        let time = start.elapsed();
        assert_eq!(store.cells().len(), tiles);
        time
    });
    times.min().unwrap()
}

/// Nanoseconds of a read of a random tile, all read before: the shortest of seven rounds.
fn hot_read_ns(store: &dyn TileStore) -> f64 {
    let cells = store.cells();
    let sum = |seed: u64| {
        let mut state = seed;
        let mut sum = 0u64;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let cell = cells[(state >> 33) as usize % cells.len()];
            let tile = store.tile(cell).unwrap();
            let bytes = tile.bytes().unwrap();
            sum += u64::from(bytes[(bytes.len() / 2) & !1]); // a low byte
        }
        sum
    };
    cells
        .iter()
        .for_each(|cell| drop(store.tile(*cell).unwrap()));
    let rounds = (0..7).map(|seed| {
        let start = Instant::now();
        assert!(sum(seed) > 0);
        start.elapsed().as_nanos() as f64 / 20_000.0
    });
    rounds.fold(f64::INFINITY, f64::min)
}

#[test]
fn opening_and_hot_reads_are_fast() {
    let (tiles, is_asserted) = count();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.pack");
    let (manifest, cells) = cells(tiles, 8);
    write_pack(&path, &manifest, &cells);
    let pack = opening(|| PackStore::open(&path).unwrap(), tiles);
    println!("{tiles} tiles of a pack are open after {pack:.1?}");
    let (of_large, large) = self::cells(126, 128);
    let path = dir.path().join("large.pack");
    write_pack(&path, &of_large, &large);
    let pack_ns = hot_read_ns(&PackStore::open(&path).unwrap());
    println!("a hot tile of a pack is read in {pack_ns:.0} ns");
    #[cfg(feature = "rocksdb")]
    {
        use super::rocks::write_tiles;
        use spatial_core::RocksStore;
        let base = |name: &str, manifest: &Manifest, cells: &[CellId]| {
            let planet = dir.path().join(name);
            let intervals = manifest.lattice().intervals();
            let tiles: Vec<_> = cells.iter().map(|c| (*c, tile(*c, intervals))).collect();
            write_tiles(&planet, manifest, &tiles, 100_000);
            planet
        };
        let tiny = base("tiny", &manifest, &cells);
        let rocks = opening(|| RocksStore::open(&tiny).unwrap(), tiles);
        println!("{tiles} tiles of a base are open after {rocks:.1?}");
        let large = base("large", &of_large, &large);
        let rocks_ns = hot_read_ns(&RocksStore::open(&large).unwrap());
        println!("a hot tile of a base is read in {rocks_ns:.0} ns");
        assert!(!is_asserted || (rocks <= OPENED_MAX && rocks_ns <= 1_000.0));
    }
    assert!(!is_asserted || (pack <= OPENED_MAX && pack_ns <= 300.0));
}
