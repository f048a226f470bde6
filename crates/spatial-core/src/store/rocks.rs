//! The base planet in RocksDB: read-only, mapped, without copies.
//!
//! ```text
//! <planet>/CURRENT                name of the base in use, and a line feed
//! <planet>/base-<8 hex>/          one import, immutable
//!     manifest.json               what the planet is
//!     db.seals                    what db/ consists of, see `db_seals.rs`; not in format 1
//!     tiles.table                 which tiles there are, see `base_table.rs`; not in format 1
//!     db/                         tiles: key → encoded tile
//! key    world u16, 0 │ cell id u64 │ shell u8, 0      11 bytes, big-endian: the order of cells
//! ```
//! RocksDB returns bytes of its mapping without a copy only from a database opened read-only with all its files
//! open, from uncompressed blocks; only then are its tables immortal. Every other option follows from that.
//!
//! The database is opened twice. A tile's first read goes through the one without mappings: it reads the tile's block alone, at
//! once, and verifies it, where a fault in a mapping reads as much as the system reads ahead (8 MiB on some machines: 3 ms), or a page of
//! nine. After that the block is in the system's cache, and the other one gives its place in the mapping, which is kept: RocksDB takes
//! 0.9 µs to find it again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, DB, DBCompressionType, DBPinnableSlice, InfoLogger,
    LogLevel, Options, ReadOptions,
};

use super::base_table;
use super::db_seals::check_database;
use super::manifest::{self, Manifest, ManifestError};
use super::nodes::{NodeTable, TileEntry};
use super::stored_tile::check_tile;
use super::{StoreError, StoredTile, TileStore};
use crate::cell::CellId;
use crate::terrain::{BYTES_MIN, HeightTile, Parts, TileError};

/// The file of a planet's folder that names the base in use.
pub const CURRENT_FILE: &str = "CURRENT";
/// The manifest's file, in a base's folder.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The file of the tiles' table, in a base's folder.
pub const TABLE_FILE: &str = "tiles.table";
/// The file that vouches for the database's files, in a base's folder.
pub const DB_SEALS_FILE: &str = "db.seals";
/// The database's folder, in a base's folder.
pub const DB_DIR: &str = "db";

const KEY_BYTES: usize = 11;
/// Tiles are larger than a block, so each gets one of its own.
const BLOCK_BYTES: usize = 4_096;

/// The base planet of a folder that `bluemarble planet import` made. Tiles are read where they are mapped.
pub struct RocksStore {
    pins: Pins,             // of `db`, so dropped before it
    db: DB,                 // mapped
    unmapped: DB,           // the same files
    unchecked: ReadOptions, // verifies nothing
    dir: PathBuf,           // of the database, named in errors
    manifest: Manifest,
    nodes: NodeTable,
}

impl RocksStore {
    /// Opens the base in use of a planet's folder. Costs twice the database's index and some 50 bytes a tile, reads no tile; a tile
    /// that was read costs some 100 bytes more.
    ///
    /// The base holds every tile that its table lists (in format 1 every tile of its lattice), or it is refused. The
    /// database's files must not be changed while it is open; an import makes a new base and leaves this one.
    ///
    /// # Errors
    /// [`StoreError`] when the folder is no planet, or damaged.
    pub fn open(planet: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_base(&base_dir(planet.as_ref())?)
    }

    /// Opens a base by its own folder, whether it is in use or not.
    ///
    /// # Errors
    /// As [`RocksStore::open`].
    pub fn open_base(base: &Path) -> Result<Self, StoreError> {
        let (manifest, text) = read_manifest(&base.join(MANIFEST_FILE))?;
        let dir = base.join(DB_DIR);
        let database = |e: rocksdb::Error| StoreError::damaged(&dir, e.into_string());
        let entries = match manifest.format() {
            1 => None,
            _ => {
                check_database(base)?;
                Some(read_table(&base.join(TABLE_FILE), &text, &manifest)?)
            }
        };
        let open = |options: &Options| DB::open_for_read_only(options, &dir, false);
        let db = open(&base_options()).map_err(database)?;
        let mut options = base_options();
        options.set_allow_mmap_reads(false);
        let unmapped = open(&options).map_err(database)?;
        let entries = match entries {
            Some(entries) => check_listed(&db, &entries).map(|()| entries),
            None => check_whole(&db, &manifest).map(|()| whole(&manifest)),
        };
        let entries = entries.map_err(|reason| StoreError::damaged(&dir, reason))?;
        let nodes =
            NodeTable::new(&entries, &manifest).map_err(|e| StoreError::damaged(&dir, e))?;
        let mut unchecked = ReadOptions::default();
        unchecked.set_verify_checksums(false);
        Ok(Self {
            pins: Pins::new(entries.len()),
            db,
            unmapped,
            unchecked,
            dir,
            manifest,
            nodes,
        })
    }

    /// The bytes of a tile that was never read, where they are mapped. RocksDB has verified their block before: it would follow
    /// damaged offsets into nowhere.
    fn first_read(&self, slot: usize) -> Result<DBPinnableSlice<'_>, StoreError> {
        let cell = self.nodes.cells()[slot];
        let damaged = |reason| StoreError::damaged(&self.dir, format!("tile {cell}: {reason}"));
        let found = |found: Result<Option<_>, rocksdb::Error>| {
            found
                .map_err(|e| damaged(e.into_string()))?
                .ok_or_else(|| damaged("is not in the database".to_owned()))
        };
        found(self.unmapped.get_pinned(base_key(cell)))?;
        found(self.db.get_pinned_opt(base_key(cell), &self.unchecked))
    }

    /// A tile that was never read: verified, and a codec that is read in place.
    #[cold]
    fn first_tile_at(&self, slot: usize) -> Result<StoredTile<'_>, StoreError> {
        let bytes = self.first_read(slot)?;
        let place = (self.dir.as_path(), self.manifest.lattice());
        if check_tile(&bytes, (&self.nodes, slot), place)? {
            // SAFETY: a struct's fields are dropped in their order, and the pins stand before the database.
            return Ok(StoredTile::mapped(unsafe { self.pins.keep(slot, bytes) }));
        }
        // A base holds tiles that are read in place.
        let cell = self.nodes.cells()[slot];
        let parts = Parts::parse(&bytes).map_err(|e| StoreError::tile(&self.dir, cell, e))?;
        let codec = TileError::Codec(parts.header.codec as u8);
        Err(StoreError::tile(&self.dir, cell, codec))
    }
}

/// Where tiles are mapped that were read before, by their slots.
struct Pins(Box<[OnceLock<DBPinnableSlice<'static>>]>);

impl Pins {
    fn new(tiles: usize) -> Self {
        Self((0..tiles).map(|_| OnceLock::new()).collect())
    }

    #[inline(always)]
    fn get(&self, slot: usize) -> Option<&[u8]> {
        self.0[slot].get().map(|pinned| &pinned[..])
    }

    /// Keeps where a tile is.
    ///
    /// # Safety
    /// The pins must be dropped before the database that the bytes are of.
    unsafe fn keep(&self, slot: usize, pinned: DBPinnableSlice<'_>) -> &[u8] {
        // SAFETY: only the lifetime differs. The database outlives the pins, as the caller promises, and the bytes are handed out for
        // no longer than the pins live.
        let pinned: DBPinnableSlice<'static> = unsafe { std::mem::transmute(pinned) };
        self.0[slot].get_or_init(|| pinned)
    }
}

impl std::fmt::Debug for RocksStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RocksStore")
            .field("dir", &self.dir)
            .finish_non_exhaustive()
    }
}

impl TileStore for RocksStore {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn file(&self) -> &Path {
        &self.dir
    }

    fn nodes(&self) -> &NodeTable {
        &self.nodes
    }

    #[inline]
    fn tile_at(&self, slot: usize) -> Result<StoredTile<'_>, StoreError> {
        match self.pins.get(slot) {
            Some(bytes) => Ok(StoredTile::mapped(bytes)),
            None => self.first_tile_at(slot),
        }
    }

    fn load_at(&self, slot: usize) -> Result<Arc<HeightTile>, StoreError> {
        let tile = self.tile_at(slot)?.to_tile();
        tile.map_err(|e| StoreError::tile(&self.dir, self.nodes.cells()[slot], e))
    }
}

/// The folder of the base in use of a planet's folder.
///
/// # Errors
/// [`StoreError`] when `CURRENT` is absent or does not name one.
pub fn base_dir(planet: &Path) -> Result<PathBuf, StoreError> {
    let file = planet.join(CURRENT_FILE);
    let text = fs::read(&file).map_err(|e| StoreError::io(&file, e))?;
    let name = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_suffix('\n'))
        .filter(|name| is_base_name(name))
        .ok_or_else(|| StoreError::damaged(&file, "does not name a base of the planet"))?;
    Ok(planet.join(name))
}

/// `base-` and eight lower-case hexadecimal digits: never a path to elsewhere.
pub fn is_base_name(name: &str) -> bool {
    name.strip_prefix("base-").is_some_and(|digits| {
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        digits.len() == 8 && digits.bytes().all(is_digit)
    })
}

/// The entries of format 1: every cell of the lattice, of which nothing is known.
fn whole(manifest: &Manifest) -> Vec<TileEntry> {
    let cells = manifest.lattice().cells();
    cells.into_iter().map(TileEntry::unknown).collect()
}

/// Accepts a database of as many tiles as the table lists, from its first cell to its last, in tables that follow each
/// other. The numbers are those of the tables' own properties; what is between is found when it is read, as in
/// [`check_whole`].
fn check_listed(db: &DB, entries: &[TileEntry]) -> Result<(), String> {
    let mut tables = db.live_files().map_err(rocksdb::Error::into_string)?;
    tables.sort_by(|a, b| a.start_key.cmp(&b.start_key));
    if tables.windows(2).any(|w| w[0].end_key >= w[1].start_key) {
        return Err("the database's tables overlap".to_owned());
    }
    let count: u64 = tables.iter().map(|t| t.num_entries).sum();
    if count != entries.len() as u64 || tables.iter().any(|t| t.num_deletions != 0) {
        let listed = entries.len();
        return Err(format!(
            "the database holds {count} tiles, its table lists {listed}"
        ));
    }
    let ends = (
        tables.first().and_then(|t| t.start_key.as_deref()),
        tables.last().and_then(|t| t.end_key.as_deref()),
    );
    let [first, last] = [entries.first(), entries.last()].map(|e| e.map(|e| base_key(e.cell)));
    if ends
        != (
            first.as_ref().map(|k| &k[..]),
            last.as_ref().map(|k| &k[..]),
        )
    {
        return Err("the database's first or last tile is not the table's".to_owned());
    }
    Ok(())
}

/// Accepts a database of as many tiles as the lattice has, from its first cell to its last. So a base that lacks some
/// is found when it is opened, and memory for the list of cells is at most a twentieth of the table's file.
///
/// The numbers are those of the table's own properties. Walking over the keys would read a page of every tile, and an
/// unverified walk follows damaged offsets into nowhere; other keys in between, which no import makes, are found when
/// a tile that they took the place of is read.
fn check_whole(db: &DB, manifest: &Manifest) -> Result<(), String> {
    let spec = manifest.lattice();
    if manifest.tiles() != spec.tile_count() {
        return Err("the manifest's number of tiles is not that of its lattice".to_owned());
    }
    let tables = db.live_files().map_err(rocksdb::Error::into_string)?;
    let [table] = &tables[..] else {
        return Err(format!("the database has {} tables, want 1", tables.len()));
    };
    if (table.num_entries, table.num_deletions) != (spec.tile_count(), 0) {
        let (found, want) = (table.num_entries, spec.tile_count());
        return Err(format!(
            "the database holds {found} tiles, its planet has {want}"
        ));
    }
    if (table.size as u64) / BYTES_MIN < spec.tile_count() {
        return Err("the database is too short for its tiles".to_owned());
    }
    let face = |n: u8| CellId::from_face_ij(n, 0, 0, 0);
    let level = spec.leaf_level();
    // Of a face's tiles, the first and the last leaf stand at the ends.
    let first = base_key(face(0).range_min().parent(level));
    let last = base_key(face(5).range_max().parent(level));
    let ends = (table.start_key.as_deref(), table.end_key.as_deref());
    if ends != (Some(&first[..]), Some(&last[..])) {
        return Err("the database's first or last tile is not the lattice's".to_owned());
    }
    Ok(())
}

/// The database key of a tile.
pub fn base_key(cell: CellId) -> [u8; KEY_BYTES] {
    let mut key = [0; KEY_BYTES];
    key[2..10].copy_from_slice(&cell.to_u64().to_be_bytes());
    key
}

/// The options under which a base is written and read.
pub fn base_options() -> Options {
    let mut block = BlockBasedOptions::default();
    block.disable_cache();
    block.set_block_size(BLOCK_BYTES);
    block.set_block_restart_interval(1);
    block.set_format_version(6);
    block.set_index_type(BlockBasedIndexType::BinarySearch);
    block.set_cache_index_and_filter_blocks(false);
    let mut options = Options::default();
    options.set_block_based_table_factory(&block);
    options.set_compression_type(DBCompressionType::None);
    options.set_allow_mmap_reads(true);
    options.set_max_open_files(-1);
    // A tile is read at once when it is first met. If the system drops it later, a place on it is a page or two.
    options.set_advise_random_on_open(true);
    // Without a logger of ours RocksDB would write a LOG file beside data that is only read.
    options.set_info_logger(InfoLogger::new_stderr_logger(LogLevel::Fatal, None::<&str>));
    options
}

/// A manifest, and its bytes.
fn read_manifest(file: &Path) -> Result<(Manifest, Vec<u8>), StoreError> {
    let io = |e| StoreError::io(file, e);
    let bytes = fs::metadata(file).map_err(io)?.len();
    if bytes > manifest::BYTES_MAX as u64 {
        return Err(StoreError::manifest(file, ManifestError::Length));
    }
    let text = fs::read(file).map_err(io)?;
    let manifest = Manifest::decode(&text).map_err(|e| StoreError::manifest(file, e))?;
    Ok((manifest, text))
}

/// The tiles that a base's table lists. A file that is not as long as the manifest's number of tiles asks is not read.
fn read_table(
    file: &Path,
    manifest_text: &[u8],
    manifest: &Manifest,
) -> Result<Vec<TileEntry>, StoreError> {
    let io = |e| StoreError::io(file, e);
    let damaged = |reason| StoreError::damaged(file, reason);
    let bytes = fs::metadata(file).map_err(io)?.len();
    if base_table::byte_count(manifest.tiles()) != Some(bytes) {
        return Err(damaged(
            "not as long as the manifest's number of tiles asks",
        ));
    }
    let table = fs::read(file).map_err(io)?;
    base_table::decode(&table, manifest_text).map_err(damaged)
}
