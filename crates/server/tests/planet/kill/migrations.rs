//! Migrations of a base of format 1.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{DB, SstFileWriter};
use spatial_core::{
    CURRENT_FILE, CellId, DB_DIR, HeightTile, MANIFEST_FILE, PackStore, RocksStore, TileStore,
    base_key, base_options,
};

use super::super::{Random, read_all, succeed};
use super::{Victim, building, kill_behind_parts, names, words};

const BASE: &str = "base-00c0ffee";
/// What the first version of the program packed.
const PACK: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../spatial-core/tests/data/planet_format1_raw.pack"
);

/// That planet as the base that the first version made of it, in place of what was there; its tiles.
fn write_format_1(planet: &Path) -> Vec<Arc<HeightTile>> {
    let pack = PackStore::open(PACK).unwrap();
    assert_eq!(pack.manifest().format(), 1);
    let _ = fs::remove_dir_all(planet);
    let base = planet.join(BASE);
    fs::create_dir_all(&base).unwrap();
    let mut options = base_options();
    options.create_if_missing(true);
    let table = base.join("tiles.sst");
    let mut writer = SstFileWriter::create(&options);
    writer.open(&table).unwrap();
    for cell in pack.cells() {
        let tile = pack.tile(*cell).unwrap();
        writer.put(base_key(*cell), tile.bytes().unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let db = DB::open(&options, base.join(DB_DIR)).unwrap();
    db.ingest_external_file(vec![&table]).unwrap();
    drop(db);
    fs::remove_file(table).unwrap();
    fs::write(base.join(MANIFEST_FILE), pack.manifest().encode().unwrap()).unwrap();
    fs::write(planet.join(CURRENT_FILE), format!("{BASE}\n")).unwrap();
    pack.cells()
        .iter()
        .map(|c| pack.load(*c).unwrap())
        .collect()
}

/// Whether a planet has the samples of these tiles; migrated they have geometric errors, too.
fn is_same(planet: &Path, want: &[Arc<HeightTile>]) -> bool {
    let found = read_all(planet).unwrap();
    let name = |tile: &Arc<HeightTile>| (tile.cell(), tile.checksum());
    found.iter().map(name).eq(want.iter().map(name))
}

fn format(planet: &Path) -> u32 {
    RocksStore::open(planet).unwrap().manifest().format()
}

/// Parts of three tiles: ten of them.
fn args(planet: &Path) -> Vec<String> {
    let planet = planet.display().to_string();
    words(&["migrate", "--json", "--part-tiles", "3", &planet])
}

#[test]
fn a_killed_migration_leaves_the_old_base_or_the_new() {
    let dir = tempfile::tempdir().unwrap();
    let planet = dir.path().join("planet");
    let want = write_format_1(&planet);
    Victim {
        name: "migrate",
        args: &|_| args(&planet),
        reset: &|| drop(write_format_1(&planet)),
    }
    .kill(&mut Random::new(10), |_| {
        assert!(is_same(&planet, &want));
        succeed(&["verify", &planet.display().to_string()]);
        format(&planet) == 2
    });
    assert!(is_same(&planet, &want) && format(&planet) == 2);
    assert!(names(&planet).len() <= 4, "{:?}", names(&planet));
}

#[test]
fn a_killed_migration_goes_on_with_its_whole_parts() {
    let dir = tempfile::tempdir().unwrap();
    let planet = dir.path().join("planet");
    let want = write_format_1(&planet);
    let cells: Vec<CellId> = want.iter().map(|tile| tile.cell()).collect();
    let again = || drop(write_format_1(&planet));
    let kept = kill_behind_parts(&planet, 4, &args(&planet), again);
    assert!((12..30).contains(&kept.len()), "{}", kept.len());
    assert!(kept.iter().all(|cell| cells.contains(cell)));
    assert!(is_same(&planet, &want) && format(&planet) == 1);
    let report = succeed(&args(&planet).iter().map(String::as_str).collect::<Vec<_>>());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["tiles_kept"], kept.len());
    assert_eq!(
        (&report["from_format"], &report["to_format"]),
        (&1.into(), &2.into())
    );
    assert!(is_same(&planet, &want) && format(&planet) == 2);
    assert_eq!(building(&planet), None);
    let again = succeed(&["migrate", &planet.display().to_string()]);
    assert!(again.contains("is of format 2 already"), "{again}");
}
