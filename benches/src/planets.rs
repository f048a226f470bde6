//! Planets on disk: a pack and a base of the same tiles.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use rocksdb::{BlockBasedOptions, DB, IngestExternalFileOptions, SstFileWriter};
use spatial_core::{
    CURRENT_FILE, CellId, DB_DIR, DB_SEALS_FILE, HeightTile, LatticeSpec, MANIFEST_FILE, Manifest,
    MissingTile, PackWriter, Planet, TABLE_FILE, TableBuilder, base_key, base_options,
    database_seals,
};

use crate::ground;

/// A folder's name within a planet's.
const BASE: &str = "base-00c0ffee";
/// Tiles of a table, as an import writes them.
const TABLE_TILES: usize = 4_096;

/// What tiles a planet has, and how they are made.
pub(crate) struct Plan {
    pub(crate) manifest: Manifest,
    pub(crate) cells: Vec<CellId>, // ascending
    pub(crate) tile: fn(CellId) -> Vec<u8>,
}

impl Plan {
    /// Hills all over the planet in so many raw tiles of 32 KiB each, at most 384.
    pub(crate) fn hills(tiles: usize) -> Self {
        let mut cells: Vec<CellId> = ground::leaf_cells().take(tiles).collect();
        cells.sort_unstable();
        let manifest = Manifest::new(Planet::EARTH, ground::lattice(), "made for benches", "none");
        Self {
            manifest: manifest.with_tiles(cells.len() as u64),
            cells,
            tile: |cell| ground::tile(cell).encode_raw(),
        }
    }

    /// All cells of the upper levels and as many of the next as it takes, with tiles of 9² samples: tables and indices are as large as
    /// those of a planet of so many large tiles.
    pub(crate) fn many(tiles: usize) -> Self {
        let whole = |levels: u8| LatticeSpec::new(levels, 8, 0.0, 1.0).expect("a legal lattice");
        let levels = (1..18)
            .rev()
            .find(|levels| whole(*levels).tile_count() <= tiles as u64);
        let levels = levels.expect("at least the six faces");
        let mut cells = whole(levels).cells();
        let last = cells.iter().filter(|cell| cell.level() == levels - 1);
        let finer = last.flat_map(|cell| cell.children().into_iter().flatten());
        let finer: Vec<_> = finer.take(tiles - cells.len()).collect();
        cells.extend(finer);
        cells.sort_unstable();
        let manifest = Manifest::new(Planet::EARTH, whole(levels + 1), "made for benches", "none")
            .with_tiles(cells.len() as u64)
            .with_missing(MissingTile::Coarser);
        Self {
            manifest,
            cells,
            tile: small_tile,
        }
    }

    /// Writes it as a pack, synced.
    pub(crate) fn write_pack(&self, path: &Path) {
        let file = File::create(path).expect("a folder that can be written");
        let out = BufWriter::with_capacity(1 << 20, file);
        let mut writer = PackWriter::new(out, &self.manifest).expect("a short manifest");
        for cell in &self.cells {
            writer
                .push(*cell, &(self.tile)(*cell))
                .expect("cells ascend, and there is room");
        }
        let out = writer.finish().expect("as many tiles as the manifest says");
        out.get_ref().sync_all().expect("a disk that writes");
    }

    /// Writes it as a planet's folder, as an import does: tables that follow each other, each tile in a block of its own.
    pub(crate) fn write_base(&self, planet: &Path) {
        let base = planet.join(BASE);
        fs::create_dir_all(&base).expect("a folder that can be written");
        let mut options = base_options();
        options.create_if_missing(true);
        let mut of_tables = base_options();
        let mut blocks = BlockBasedOptions::default();
        // Of one small tile, too: its index is then that of as many large ones.
        blocks.set_block_size(1);
        blocks.set_block_restart_interval(1);
        blocks.set_format_version(6);
        of_tables.set_block_based_table_factory(&blocks);
        let (mut files, mut table) = (Vec::new(), TableBuilder::default());
        for (n, cells) in self.cells.chunks(TABLE_TILES).enumerate() {
            let file = base.join(format!("{n}.sst"));
            let mut writer = SstFileWriter::create(&of_tables);
            writer.open(&file).expect("a new file");
            for cell in cells {
                let tile = (self.tile)(*cell);
                table.push(&tile).expect("a tile");
                writer.put(base_key(*cell), tile).expect("room on the disk");
            }
            writer.finish().expect("room on the disk");
            files.push(file);
        }
        let db = DB::open(&options, base.join(DB_DIR)).expect("a new database");
        let mut ingestion = IngestExternalFileOptions::default();
        ingestion.set_move_files(true);
        db.ingest_external_file_opts(&ingestion, files)
            .expect("tables that follow each other");
        drop(db);
        let put = |name: &str, bytes: Vec<u8>| {
            fs::write(base.join(name), bytes).expect("room on the disk")
        };
        put(
            MANIFEST_FILE,
            self.manifest.encode().expect("a short manifest"),
        );
        put(
            TABLE_FILE,
            table.encode(&self.manifest).expect("a short manifest"),
        );
        put(
            DB_SEALS_FILE,
            database_seals(&base).expect("files just written"),
        );
        fs::write(planet.join(CURRENT_FILE), format!("{BASE}\n")).expect("room on the disk");
    }
}

fn small_tile(cell: CellId) -> Vec<u8> {
    let samples = (0..81).map(|k| (cell.to_u64() as usize >> 40 ^ k) as i16 & 0xfff);
    let tile = HeightTile::new(cell, 8, samples.collect()).expect("a whole tile");
    tile.encode_raw()
}

/// All files below a folder, or the file itself.
pub(crate) fn files_of(path: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![path.to_owned()]);
    while let Some(path) = open.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => open.extend(entries.flatten().map(|entry| entry.path())),
            Err(_) => found.push(path),
        }
    }
    found
}
