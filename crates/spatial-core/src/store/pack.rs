//! A tile pack: one file, mapped.
//!
//! ```text
//!  0  8  magic "BMPACK\r\n"       32  8  bytes of the whole file, u64
//!  8  4  version, u32, 2          40  8  checksum: xxh3-64 of bytes 0..40 and 48..H
//! 12  4  manifest bytes M, u32    48  M  manifest, then zeros to a multiple of 8
//! 16  8  tiles n, u64              …  18·n  the table of the tiles: see `table.rs`
//! 24  8  header bytes H, u64       …  4·n  lengths of the tiles in bytes, u32
//!  H  …  tiles in the order of their ids, each at the next multiple of 64; zeros between
//!
//! version 1: instead of the table and the lengths   8·n cell ids │ 8·n offsets │ 8·n lengths, u64
//! ```
//! Little-endian. Where tiles lie follows from their lengths, and what is between is zero, so manifest and encoded
//! tiles have one pack. All bounds are checked when it is opened; the zeros before a tile are looked at when the tile
//! is: all of them at once would be a pass over the whole file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memmap2::Mmap;
use xxhash_rust::xxh3::Xxh3;

use super::cache::TileCache;
use super::manifest::{self, Manifest};
use super::nodes::{NodeTable, TileEntry};
use super::stored_tile::check_tile;
use super::table;
use super::{StoreError, StoredTile, TileStore};
use crate::cell::CellId;
use crate::terrain::{HeightTile, Parts, is_in_place, needs_parent};

pub(crate) const MAGIC: [u8; 8] = *b"BMPACK\r\n";
pub(crate) const VERSION: u32 = 2;
/// The oldest that is read.
const VERSION_OLDEST: u32 = 1;
pub(crate) const FIXED_BYTES: usize = 48;
pub(crate) const CHECKSUM_AT: usize = 40;
pub(crate) const ALIGNMENT: u64 = 64;

/// A planet in one file that is mapped, not read: opening costs its index, a height one page.
#[derive(Debug)]
pub struct PackStore {
    bytes: Backing,
    file: PathBuf, // named in errors
    manifest: Manifest,
    nodes: NodeTable,
    header_end: usize,
    spans: Vec<Span>, // of each tile, ascending, within `bytes` and behind the header
    decoded: TileCache,
}

/// Where a tile lies.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    length: u32,
}

impl Span {
    fn end(self) -> usize {
        self.start + self.length as usize
    }
}

#[derive(Debug)]
enum Backing {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl PackStore {
    /// Opens and maps a pack, checking its header, its index and its size.
    ///
    /// Nobody may shorten or rewrite the file in place while it is open. Reading a missing part, the operating system
    /// kills the process (SIGBUS); of bytes that change under a reader nothing is promised at all. Replace a pack by
    /// renaming another over it, as `bluemarble planet pack` does, and keep others from writing to it.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or is not a sound pack of this version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let io = |e| StoreError::io(path, e);
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(StoreError::damaged(path, "not a file"));
        }
        if metadata.len() < FIXED_BYTES as u64 {
            return Err(StoreError::damaged(path, "too short to be a tile pack"));
        }
        // SAFETY: the map becomes `&[u8]`, whose bytes must not change while it lives; checking bounds does not help.
        // No program can enforce that of a file. It is required of whoever operates the program, as the documented
        // condition of `open`, and accepted on it, as all users of mapped files do. The map itself is read-only.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let bytes = Backing::Mapped(map);
        bytes.read_here_and_there();
        Self::from_backing(bytes, path)
    }

    /// A pack in memory; `name` stands for the file in errors.
    ///
    /// # Errors
    /// [`StoreError`] when the bytes are not a sound pack of this version.
    pub fn from_bytes(bytes: Vec<u8>, name: &str) -> Result<Self, StoreError> {
        Self::from_backing(Backing::Owned(bytes), Path::new(name))
    }

    fn from_backing(bytes: Backing, file: &Path) -> Result<Self, StoreError> {
        let damaged = |reason| StoreError::damaged(file, reason);
        let header = PackHeader::parse(bytes.as_slice()).map_err(damaged)?;
        let manifest =
            Manifest::decode(header.manifest).map_err(|e| StoreError::manifest(file, e))?;
        if manifest.format() != header.version {
            return Err(damaged("the manifest's format is not the pack's version"));
        }
        let entries = header.entries().map_err(damaged)?;
        Ok(Self {
            nodes: NodeTable::new(&entries, &manifest).map_err(damaged)?,
            header_end: header.end as usize, // at most the length of the slice that holds the pack
            file: file.to_owned(),
            manifest,
            spans: header.spans().map_err(damaged)?,
            decoded: TileCache::default(),
            bytes,
        })
    }

    /// The encoded bytes of a tile, in whichever encoding the pack holds it; not verified.
    fn encoded(&self, slot: usize) -> &[u8] {
        let span = self.spans[slot];
        &self.bytes.as_slice()[span.start..span.end()]
    }

    /// The bytes between a tile and what lies before it, fewer than [`ALIGNMENT`].
    fn gap(&self, slot: usize) -> &[u8] {
        let from = slot
            .checked_sub(1)
            .map_or(self.header_end, |before| self.spans[before].end());
        &self.bytes.as_slice()[from..self.spans[slot].start]
    }

    /// The bytes of a tile, verified, and whether they are read in place.
    fn checked(&self, slot: usize) -> Result<(&[u8], bool), StoreError> {
        if !self.nodes.is_verified(slot) {
            self.bytes.read_ahead(self.spans[slot]);
        }
        if !self.nodes.is_verified(slot) && self.gap(slot).iter().any(|byte| *byte != 0) {
            let cell = self.nodes.cells()[slot];
            let reason = format!("the bytes before tile {cell} are not zero");
            return Err(StoreError::damaged(&self.file, reason));
        }
        let bytes = self.encoded(slot);
        let place = (self.file.as_path(), self.manifest.lattice());
        let is_in_place = check_tile(bytes, (&self.nodes, slot), place)?;
        Ok((bytes, is_in_place))
    }

    /// Decodes a tile, and before it those of its ancestors that it needs and that are not in the cache.
    fn decode(&self, cell: CellId, bytes: &[u8]) -> Result<Arc<HeightTile>, StoreError> {
        if let Some(tile) = self.decoded.get(cell) {
            return Ok(tile);
        }
        let refused = |e| StoreError::tile(&self.file, cell, e);
        // At most 17 deep: a level each.
        let parent = match cell.level() {
            0 => None,
            _ if !needs_parent(&Parts::parse(bytes).map_err(refused)?) => None,
            level => Some(self.load(cell.parent(level - 1))?),
        };
        let tile = HeightTile::decode(bytes, parent.as_deref()).map_err(refused)?;
        let tile = Arc::new(tile);
        self.decoded.put(&tile);
        Ok(tile)
    }
}

impl TileStore for PackStore {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn file(&self) -> &Path {
        &self.file
    }

    fn nodes(&self) -> &NodeTable {
        &self.nodes
    }

    fn tile_at(&self, slot: usize) -> Result<StoredTile<'_>, StoreError> {
        let bytes = self.encoded(slot);
        if self.nodes.is_verified(slot) && is_in_place(bytes) {
            return Ok(StoredTile::mapped(bytes));
        }
        match self.checked(slot)? {
            (bytes, true) => Ok(StoredTile::mapped(bytes)),
            (bytes, false) => {
                let cell = self.nodes.cells()[slot];
                self.decode(cell, bytes).map(StoredTile::decoded)
            }
        }
    }

    fn load_at(&self, slot: usize) -> Result<Arc<HeightTile>, StoreError> {
        let (bytes, _) = self.checked(slot)?;
        self.decode(self.nodes.cells()[slot], bytes)
    }
}

impl Backing {
    /// Tells the system that it is the header and places that are read, not what follows them: at a fault it would read its usual
    /// share around, 8 MiB on some machines, and who asks next would wait for that.
    fn read_here_and_there(&self) {
        #[cfg(unix)]
        if let Self::Mapped(map) = self {
            // Advice: what is refused changes nothing.
            let _ = map.advise(memmap2::Advice::Random);
            let end = u64_at(map, 24).min(map.len() as u64); // what the header says of itself, to be checked yet
            let _ = map.advise_range(memmap2::Advice::WillNeed, 0, end as usize);
        }
    }

    /// Asks for the pages of a tile at once; one after the other they would be waited for.
    #[cfg(unix)]
    fn read_ahead(&self, span: Span) {
        if let Self::Mapped(map) = self {
            // From the zeros before it on, which are looked at too.
            let from = span.start.saturating_sub(ALIGNMENT as usize);
            let _ = map.advise_range(memmap2::Advice::WillNeed, from, span.end() - from);
        }
    }

    #[cfg(not(unix))]
    fn read_ahead(&self, _: Span) {}

    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// The parts of a pack's header whose checksum has matched.
struct PackHeader<'a> {
    version: u32,
    manifest: &'a [u8],
    tables: &'a [u8], // as many bytes a tile as the version says
    tiles: usize,
    end: u64,        // of the header
    file_bytes: u64, // of the pack
}

impl<'a> PackHeader<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, &'static str> {
        if bytes.len() < FIXED_BYTES {
            return Err("too short to be a tile pack");
        }
        if bytes[..8] != MAGIC {
            return Err("wrong magic: not a tile pack");
        }
        let version = u32_at(bytes, 8);
        if !(VERSION_OLDEST..=VERSION).contains(&version) {
            return Err("pack version is neither 1 nor 2: made by another version of the program");
        }
        let (manifest_bytes, tiles) = (u32_at(bytes, 12) as usize, u64_at(bytes, 16));
        let (end, file_bytes) = (u64_at(bytes, 24), u64_at(bytes, 32));
        if file_bytes != bytes.len() as u64 {
            return Err("the file is not as long as its header says: truncated or extended");
        }
        let expected = header_bytes(version, manifest_bytes, tiles);
        if manifest_bytes > manifest::BYTES_MAX || expected != Some(end) {
            return Err("the sizes in the header do not fit together");
        }
        let head = usize::try_from(end)
            .ok()
            .and_then(|end| bytes.get(..end))
            .ok_or("the header is longer than the file")?;
        if header_checksum(head) != u64_at(head, CHECKSUM_AT) {
            return Err("the header's checksum is wrong: damaged");
        }
        let (front, tables) = head.split_at(FIXED_BYTES + manifest_bytes.next_multiple_of(8));
        let (manifest, padding) = front[FIXED_BYTES..].split_at(manifest_bytes);
        if padding.iter().any(|byte| *byte != 0) {
            return Err("the bytes after the manifest are not zero");
        }
        Ok(Self {
            version,
            manifest,
            tables,
            tiles: tables.len() / bytes_a_tile(version) as usize,
            end,
            file_bytes,
        })
    }

    /// What the tables say of the tiles; in version 1 no more than their cells.
    fn entries(&self) -> Result<Vec<TileEntry>, &'static str> {
        if self.version == VERSION {
            return table::decode(&self.tables[..table::ENTRY_BYTES * self.tiles]);
        }
        let ids = words(&self.tables[..8 * self.tiles]);
        let cells: Result<Vec<CellId>, _> = ids.map(CellId::new).collect();
        let cells = cells.map_err(|_| "a tile id is no cell")?;
        Ok(cells.into_iter().map(TileEntry::unknown).collect())
    }

    /// Where the tiles lie.
    fn spans(&self) -> Result<Vec<Span>, &'static str> {
        const OUTSIDE: &str = "a tile lies outside the file or not where it should";
        let (offsets, lengths) = self.offsets_and_lengths();
        let mut spans = Vec::with_capacity(self.tiles);
        let mut end = self.end;
        for length in lengths {
            let start = end.next_multiple_of(ALIGNMENT);
            end = start
                .checked_add(length)
                .filter(|end| *end <= self.file_bytes)
                .ok_or(OUTSIDE)?;
            // Both are at most the length of the slice that holds the pack.
            spans.push(Span {
                start: start as usize,
                length: u32::try_from(length).map_err(|_| OUTSIDE)?,
            });
        }
        if !offsets.is_none_or(|offsets| offsets.eq(spans.iter().map(|s| s.start as u64))) {
            return Err(OUTSIDE);
        }
        if end != self.file_bytes {
            return Err("bytes follow the last tile");
        }
        Ok(spans)
    }

    /// The lengths of the tiles, and in version 1 their offsets.
    fn offsets_and_lengths(
        &self,
    ) -> (
        Option<impl Iterator<Item = u64>>,
        Box<dyn Iterator<Item = u64> + '_>,
    ) {
        if self.version == VERSION {
            let lengths = self.tables[table::ENTRY_BYTES * self.tiles..].as_chunks::<4>();
            let lengths = lengths.0.iter().map(|w| u64::from(u32::from_le_bytes(*w)));
            (None, Box::new(lengths))
        } else {
            let (offsets, lengths) = self.tables[8 * self.tiles..].split_at(8 * self.tiles);
            (Some(words(offsets)), Box::new(words(lengths)))
        }
    }
}

/// The little-endian numbers of a table.
fn words(table: &[u8]) -> impl Iterator<Item = u64> {
    table.chunks_exact(8).map(|word| u64_at(word, 0))
}

/// Bytes that a header holds for each tile.
fn bytes_a_tile(version: u32) -> u64 {
    if version == VERSION {
        table::ENTRY_BYTES as u64 + 4
    } else {
        24
    }
}

/// Bytes before the first tile; `None` when that is no number.
pub(crate) fn header_bytes(version: u32, manifest_bytes: usize, tiles: u64) -> Option<u64> {
    let front = FIXED_BYTES + manifest_bytes.next_multiple_of(8);
    tiles
        .checked_mul(bytes_a_tile(version))?
        .checked_add(front as u64)
}

/// The checksum of a header, over all of it but the checksum itself.
pub(crate) fn header_checksum(head: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&head[..CHECKSUM_AT]);
    hash.update(&head[FIXED_BYTES..]);
    hash.digest()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
