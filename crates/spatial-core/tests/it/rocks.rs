//! The base planet: what is opened is complete, and nothing is believed before it is compared.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rocksdb::{DB, IngestExternalFileOptions, SstFileWriter};
use spatial_core::{
    CURRENT_FILE, CellId, DB_DIR, DB_SEALS_FILE, FollowedPlanet, HeightTile, LatticeSpec,
    MANIFEST_FILE, Manifest, MissingTile, PackStore, Planet, RocksStore, StoreError, TABLE_FILE,
    TableBuilder, TileStore, base_key, base_options, database_seals,
};

/// Encoded tiles, by their cells.
type Tiles = Vec<(CellId, Vec<u8>)>;

const BASE: &str = "base-00c0ffee";

fn manifest(levels: u8) -> Manifest {
    let lattice = LatticeSpec::new(levels, 8, 0.0, 1.0).unwrap();
    Manifest::new(Planet::EARTH, lattice, "made for a test", "none")
}

pub(crate) fn tile(cell: CellId) -> Vec<u8> {
    let samples = vec![i16::from(cell.face()) + 40; 81];
    HeightTile::new(cell, 8, samples).unwrap().encode_raw()
}

/// A planet's folder with these tiles, in tables of at most so many.
pub(crate) fn write_tiles(
    planet: &Path,
    manifest: &Manifest,
    tiles: &[(CellId, Vec<u8>)],
    a_table: usize,
) {
    let base = planet.join(BASE);
    fs::create_dir_all(&base).unwrap();
    let mut options = base_options();
    options.create_if_missing(true);
    let mut files = Vec::new();
    for (n, tiles) in tiles.chunks(a_table).enumerate() {
        files.push(base.join(format!("{n}.sst")));
        let mut writer = SstFileWriter::create(&options);
        writer.open(&files[n]).unwrap();
        for (cell, tile) in tiles {
            writer.put(base_key(*cell), tile).unwrap();
        }
        writer.finish().unwrap();
    }
    let db = DB::open(&options, base.join(DB_DIR)).unwrap();
    let mut ingestion = IngestExternalFileOptions::default();
    ingestion.set_move_files(true);
    db.ingest_external_file_opts(&ingestion, files).unwrap();
    drop(db);
    fs::write(base.join(MANIFEST_FILE), manifest.encode().unwrap()).unwrap();
    fs::write(planet.join(CURRENT_FILE), format!("{BASE}\n")).unwrap();
    if manifest.format() > 1 {
        let mut table = TableBuilder::default();
        tiles.iter().for_each(|(_, tile)| table.push(tile).unwrap());
        fs::write(base.join(TABLE_FILE), table.encode(manifest).unwrap()).unwrap();
        fs::write(base.join(DB_SEALS_FILE), database_seals(&base).unwrap()).unwrap();
    }
}

/// A planet's folder with tiles under these cells.
fn write_base(planet: &Path, manifest: &Manifest, cells: &[CellId]) {
    let tiles: Vec<_> = cells.iter().map(|cell| (*cell, tile(*cell))).collect();
    write_tiles(planet, manifest, &tiles, usize::MAX);
}

fn opened(manifest: &Manifest, cells: &[CellId]) -> Result<Vec<i16>, StoreError> {
    let dir = tempfile::tempdir().unwrap();
    write_base(dir.path(), manifest, cells);
    read(dir.path())
}

fn read(planet: &Path) -> Result<Vec<i16>, StoreError> {
    let store = RocksStore::open(planet)?;
    let low = |cell: &CellId| store.load(*cell).map(|tile| tile.min());
    store.cells().iter().map(low).collect()
}

/// The small planet that the first version of the program packed, as the base that it would have been.
fn write_format_1(planet: &Path, change: impl Fn(&mut Tiles)) -> PackStore {
    let pack = PackStore::open("tests/data/planet_format1_raw.pack").unwrap();
    assert_eq!(pack.manifest().format(), 1);
    let encoded = |c: &CellId| pack.tile(*c).unwrap().bytes().unwrap().to_vec();
    let mut tiles = pack.cells().iter().map(|c| (*c, encoded(c))).collect();
    change(&mut tiles);
    write_tiles(planet, pack.manifest(), &tiles, usize::MAX);
    pack
}

#[test]
fn a_base_of_format_1_opens_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let pack = write_format_1(dir.path(), |_| ());
    let store = RocksStore::open(dir.path()).unwrap();
    assert_eq!(
        (store.manifest(), store.cells()),
        (pack.manifest(), pack.cells())
    );
    for cell in pack.cells() {
        assert_eq!(store.load(*cell).unwrap(), pack.load(*cell).unwrap());
    }
}

/// Sparse, of several tables in the database.
#[test]
fn a_sparse_base_opens() {
    let whole = manifest(3).with_missing(MissingTile::Coarser);
    let cells = whole.lattice().cells();
    let kept: Vec<CellId> = cells
        .iter()
        .filter(|c| c.level() < 2 || c.face() == 3)
        .copied()
        .collect();
    let sparse = whole.with_tiles(kept.len() as u64);
    let dir = tempfile::tempdir().unwrap();
    let tiles: Vec<_> = kept.iter().map(|cell| (*cell, tile(*cell))).collect();
    write_tiles(dir.path(), &sparse, &tiles, 11);
    let want: Vec<i16> = kept.iter().map(|c| i16::from(c.face()) + 40).collect();
    assert_eq!(read(dir.path()).unwrap(), want);
    let store = RocksStore::open(dir.path()).unwrap();
    assert_eq!(store.nodes().finest(3, 0.3, 0.9).unwrap().level, 2);
    assert_eq!(store.nodes().finest(2, 0.3, 0.9).unwrap().level, 1);
}

/// Parts of two bases of one planet are not one base, though each part is sound.
#[test]
fn parts_of_two_bases_are_refused() {
    let dirs = [0, 1].map(|_| tempfile::tempdir().unwrap());
    let manifest = manifest(2);
    let cells = manifest.lattice().cells();
    for (n, dir) in dirs.iter().enumerate() {
        let other = |cell: &CellId| {
            let samples = vec![n as i16; 81];
            (
                *cell,
                HeightTile::new(*cell, 8, samples).unwrap().encode_raw(),
            )
        };
        let said = Manifest::new(Planet::EARTH, *manifest.lattice(), &n.to_string(), "none");
        write_tiles(
            dir.path(),
            &said,
            &cells.iter().map(other).collect::<Vec<_>>(),
            99,
        );
    }
    let [a, b] = dirs.each_ref().map(|dir| dir.path().join(BASE));
    for part in [MANIFEST_FILE, TABLE_FILE, DB_DIR] {
        let (here, there, aside) = (a.join(part), b.join(part), a.join("aside"));
        let swap = || {
            fs::rename(&here, &aside).unwrap();
            fs::rename(&there, &here).unwrap();
            fs::rename(&aside, &there).unwrap();
        };
        swap();
        let errors = dirs
            .each_ref()
            .map(|dir| read(dir.path()).unwrap_err().to_string());
        let expected = if part == DB_DIR {
            "is damaged or missing"
        } else {
            "another base's"
        };
        assert!(
            errors.iter().all(|e| e.contains(expected)),
            "{part}: {errors:?}"
        );
        if part == DB_DIR {
            // With what vouches for it, only the tiles' own seals are left to know.
            let seals = [&a, &b].map(|base| fs::read(base.join(DB_SEALS_FILE)).unwrap());
            fs::write(a.join(DB_SEALS_FILE), &seals[1]).unwrap();
            let error = read(dirs[0].path()).unwrap_err().to_string();
            assert!(error.contains("another planet's"), "{error}");
            fs::write(a.join(DB_SEALS_FILE), &seals[0]).unwrap();
        }
        swap();
        assert!(read(dirs[0].path()).is_ok());
    }
}

#[test]
fn a_whole_base_opens() {
    let manifest = manifest(2);
    let cells = manifest.lattice().cells();
    let low = opened(&manifest, &cells).unwrap();
    let want: Vec<i16> = cells.iter().map(|c| i16::from(c.face()) + 40).collect();
    assert_eq!((low.len(), low), (30, want));
}

/// Readers go on while bases come and go: whoever holds one reads that one, whole, also after its files are gone.
#[test]
fn a_base_is_swapped_under_its_readers() {
    const SWAPS: i16 = 8;
    let dir = tempfile::tempdir().unwrap();
    let manifest = manifest(2);
    let cells = manifest.lattice().cells();
    let publish = |value: i16| {
        let made = tempfile::tempdir_in(dir.path()).unwrap();
        let tiles = cells.iter().map(|cell| {
            let tile = HeightTile::new(*cell, 8, vec![value; 81]).unwrap();
            (*cell, tile.encode_raw())
        });
        write_tiles(made.path(), &manifest, &tiles.collect::<Vec<_>>(), 99);
        let name = format!("base-{value:08x}");
        fs::rename(made.path().join(BASE), dir.path().join(&name)).unwrap();
        fs::write(dir.path().join("CURRENT.new"), format!("{name}\n")).unwrap();
        fs::rename(
            dir.path().join("CURRENT.new"),
            dir.path().join(CURRENT_FILE),
        )
        .unwrap();
        let before = format!("base-{:08x}", value - 1);
        let _ = fs::remove_dir_all(dir.path().join(before));
    };
    publish(0);
    let planet = FollowedPlanet::open(dir.path()).unwrap();
    let first = planet.current();
    let reads = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while last < SWAPS {
                    let held = planet.current();
                    let values: BTreeSet<i16> =
                        cells.iter().map(|c| held.load(*c).unwrap().min()).collect();
                    assert_eq!(values.len(), 1, "parts of two bases: {values:?}");
                    assert!(values.first() >= Some(&last), "{values:?} after {last}");
                    last = *values.first().unwrap();
                    std::thread::yield_now();
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for value in 1..=SWAPS {
            publish(value);
            assert!(planet.refresh().unwrap());
            assert!(!planet.refresh().unwrap());
        }
    });
    assert!(reads.into_inner() > 2);
    assert_eq!(
        first.load(cells[3]).unwrap().min(),
        0,
        "its files are gone, its mapping is not"
    );
    fs::write(dir.path().join(CURRENT_FILE), "base-ffffffff\n").unwrap();
    assert!(planet.refresh().is_err());
    assert_eq!(
        planet.current().load(cells[3]).unwrap().min(),
        SWAPS,
        "the old one stays"
    );
}

/// The manifest of 137 billion tiles, with a right checksum, on six: refused before their list is made.
#[test]
fn a_manifest_of_more_levels_than_there_are_is_refused() {
    let few = manifest(1).lattice().cells();
    let error = opened(&manifest(18), &few).unwrap_err().to_string();
    assert!(
        error.contains("as long as the manifest's number of tiles"),
        "{error}"
    );
}

/// Of format 1, whose only list of tiles is the lattice.
#[test]
fn a_base_of_format_1_that_lacks_or_adds_a_tile_is_refused() {
    let changed = |change: &dyn Fn(&mut Tiles)| {
        let dir = tempfile::tempdir().unwrap();
        write_format_1(dir.path(), change);
        read(dir.path()).unwrap_err().to_string()
    };
    for gone in [0, 13, 29] {
        let error = changed(&|tiles| drop(tiles.remove(gone)));
        assert!(error.contains("holds 29 tiles"), "{error}");
        // As many as there should be, but a stranger among them.
        let error = changed(&|tiles| {
            let stranger = tiles[gone].0.children().unwrap()[3];
            tiles[gone] = (stranger, tile(stranger));
            tiles.sort();
        });
        let pack = PackStore::open("tests/data/planet_format1_raw.pack").unwrap();
        let named = format!(
            "tile {}: is not in the database",
            pack.cells()[gone].token()
        );
        let ends = "the database's first or last tile is not the lattice's";
        assert!(
            error.contains(if gone == 13 { &named } else { ends }),
            "{error}"
        );
    }
    let error = changed(&|tiles| {
        let stranger = tiles[13].0.children().unwrap()[3];
        tiles.push((stranger, tile(stranger)));
        tiles.sort();
    });
    assert!(error.contains("holds 31 tiles"), "{error}");
}

/// A database that holds other tiles than the table lists.
#[test]
fn a_base_that_lacks_or_adds_a_tile_is_refused() {
    let whole = manifest(2);
    let dir = tempfile::tempdir().unwrap();
    let cells = whole.lattice().cells();
    write_base(dir.path(), &whole, &cells);
    let table = fs::read(dir.path().join(BASE).join(TABLE_FILE)).unwrap();
    for gone in [0, 13, 29] {
        let mut rest = cells.clone();
        rest.remove(gone);
        let other = tempfile::tempdir().unwrap();
        let part = whole.clone().with_tiles(29);
        write_base(other.path(), &part, &rest);
        let base = other.path().join(BASE);
        fs::write(base.join(MANIFEST_FILE), whole.encode().unwrap()).unwrap();
        fs::write(base.join(TABLE_FILE), &table).unwrap();
        let error = read(other.path()).unwrap_err().to_string();
        assert!(
            error.contains("holds 29 tiles, its table lists 30"),
            "{error}"
        );
    }
}
