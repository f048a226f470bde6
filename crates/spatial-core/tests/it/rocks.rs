//! The base planet: what is opened is complete, and nothing is believed before it is compared.

use std::fs;
use std::path::Path;

use rocksdb::{DB, IngestExternalFileOptions, SstFileWriter};
use spatial_core::{
    CURRENT_FILE, CellId, DB_DIR, HeightTile, LatticeSpec, MANIFEST_FILE, Manifest, Planet,
    RocksStore, StoreError, TileStore, base_key, base_options,
};

const BASE: &str = "base-00c0ffee";

fn manifest(levels: u8) -> Manifest {
    let lattice = LatticeSpec::new(levels, 8, 0.0, 1.0).unwrap();
    Manifest::new(Planet::EARTH, lattice, "made for a test", "none")
}

/// A planet's folder with tiles under these cells.
fn write_base(planet: &Path, manifest: &Manifest, cells: &[CellId]) {
    let base = planet.join(BASE);
    fs::create_dir_all(&base).unwrap();
    let table = base.join("tiles.sst");
    let mut options = base_options();
    options.create_if_missing(true);
    let mut writer = SstFileWriter::create(&options);
    writer.open(&table).unwrap();
    for cell in cells {
        let samples = vec![i16::from(cell.face()) + 40; 81];
        let tile = HeightTile::new(*cell, 8, samples).unwrap();
        writer.put(base_key(*cell), tile.encode_raw()).unwrap();
    }
    writer.finish().unwrap();
    let db = DB::open(&options, base.join(DB_DIR)).unwrap();
    let mut ingestion = IngestExternalFileOptions::default();
    ingestion.set_move_files(true);
    db.ingest_external_file_opts(&ingestion, vec![&table])
        .unwrap();
    drop(db);
    fs::write(base.join(MANIFEST_FILE), manifest.encode().unwrap()).unwrap();
    fs::write(planet.join(CURRENT_FILE), format!("{BASE}\n")).unwrap();
}

fn opened(manifest: &Manifest, cells: &[CellId]) -> Result<Vec<i16>, StoreError> {
    let dir = tempfile::tempdir().unwrap();
    write_base(dir.path(), manifest, cells);
    let store = RocksStore::open(dir.path())?;
    let low = |cell: &CellId| store.load(*cell).map(|tile| tile.min());
    store.cells().iter().map(low).collect()
}

#[test]
fn a_whole_base_opens() {
    let manifest = manifest(2);
    let cells = manifest.lattice().cells();
    let low = opened(&manifest, &cells).unwrap();
    let want: Vec<i16> = cells.iter().map(|c| i16::from(c.face()) + 40).collect();
    assert_eq!((low.len(), low), (30, want));
}

/// The manifest of 137 billion tiles, with a right checksum, on six: refused before their list is made.
#[test]
fn a_manifest_of_more_levels_than_there_are_is_refused() {
    let few = manifest(1).lattice().cells();
    let error = opened(&manifest(18), &few).unwrap_err().to_string();
    assert!(error.contains("holds 6 tiles"), "{error}");
}

#[test]
fn a_base_that_lacks_or_adds_a_tile_is_refused() {
    let whole = manifest(2);
    let cells = whole.lattice().cells();
    let strangers = [0, 13, 29].map(|n: usize| cells[n].children().unwrap()[3]);
    for (gone, stranger) in [0, 13, 29].into_iter().zip(strangers) {
        let mut rest = cells.clone();
        rest.remove(gone);
        let error = opened(&whole, &rest).unwrap_err().to_string();
        assert!(error.contains("holds 29 tiles"), "{error}");
        // As many as there should be, but a stranger among them.
        rest.push(stranger);
        rest.sort_unstable();
        let error = opened(&whole, &rest).unwrap_err().to_string();
        let named = format!("tile {}: is not in the database", cells[gone].token());
        let ends = "the database's first or last tile is not the lattice's";
        assert!(
            error.contains(if gone == 13 { &named } else { ends }),
            "{error}"
        );
    }
    let mut more = cells.clone();
    more.push(strangers[1]);
    more.sort_unstable();
    let error = opened(&whole, &more).unwrap_err().to_string();
    assert!(error.contains("holds 31 tiles"), "{error}");
    // A manifest that admits to a part of the lattice is no base's.
    let part = whole.with_tiles(29);
    let error = opened(&part, &cells[..29]).unwrap_err().to_string();
    assert!(error.contains("lattice"), "{error}");
}
