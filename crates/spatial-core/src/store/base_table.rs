//! The file beside a base's manifest that lists its tiles.
//!
//! ```text
//!  0  8  magic "BMTABLE\n"
//!  8  8  tiles n, u64
//! 16  8  checksum: xxh3-64 of bytes 0..16, of the manifest's bytes, and of the table
//! 24  …  18·n  the table of the tiles, see `table.rs`
//! ```
//! The checksum binds it to the manifest, its seals bind the tiles to it: parts of two bases are never one planet.

use xxhash_rust::xxh3::Xxh3;

use super::manifest::{Manifest, ManifestError};
use super::nodes::TileEntry;
use super::table;
use crate::terrain::TileError;

const MAGIC: [u8; 8] = *b"BMTABLE\n";
const CHECKSUM_AT: usize = 16;
const HEADER_BYTES: usize = 24;

/// Gathers what a base's table says of its tiles while they are written.
#[derive(Clone, Default, Debug)]
pub struct TableBuilder {
    entries: Vec<TileEntry>,
}

impl TableBuilder {
    /// Lists an encoded tile; cells must ascend, or the base is refused when it is opened.
    ///
    /// # Errors
    /// [`TileError`] when the bytes are no tile.
    pub fn push(&mut self, tile: &[u8]) -> Result<(), TileError> {
        self.entries.push(table::entry_of(tile)?);
        Ok(())
    }

    /// How many tiles are listed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Lists behind these tiles those of another, which must come later.
    pub fn append(&mut self, mut later: Self) {
        self.entries.append(&mut later.entries);
    }

    /// The table alone, without a manifest: what a part of a base that is being made keeps.
    pub fn encode_part(&self) -> Vec<u8> {
        encode(&self.entries, &[])
    }

    /// Reads back what [`TableBuilder::encode_part`] wrote; `None` when it is not whole.
    pub fn decode_part(bytes: &[u8]) -> Option<Self> {
        let entries = decode(bytes, &[]).ok()?;
        Some(Self { entries })
    }

    /// The bytes of the file, of a base with this manifest.
    ///
    /// # Errors
    /// [`ManifestError`] when the manifest cannot be written.
    pub fn encode(&self, manifest: &Manifest) -> Result<Vec<u8>, ManifestError> {
        Ok(encode(&self.entries, &manifest.encode()?))
    }
}

fn encode(entries: &[TileEntry], manifest_text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + table::ENTRY_BYTES * entries.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    table::encode(entries, &mut out);
    let checksum = checksum_of(&out, manifest_text);
    out[CHECKSUM_AT..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    out
}

/// Bytes of the file of so many tiles; `None` when that is no number.
pub(crate) fn byte_count(tiles: u64) -> Option<u64> {
    tiles
        .checked_mul(table::ENTRY_BYTES as u64)?
        .checked_add(HEADER_BYTES as u64)
}

/// The tiles that are listed, if the file is whole and the manifest's.
pub(crate) fn decode(bytes: &[u8], manifest_text: &[u8]) -> Result<Vec<TileEntry>, &'static str> {
    let (head, table) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or("too short to be a table of tiles")?;
    if head[..8] != MAGIC {
        return Err("wrong magic: not a table of tiles");
    }
    let [tiles, checksum] = [8, CHECKSUM_AT].map(|at| {
        let mut word = [0; 8];
        word.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(word)
    });
    if byte_count(tiles) != Some(bytes.len() as u64) {
        return Err("not as long as its number of tiles asks");
    }
    if checksum_of(bytes, manifest_text) != checksum {
        return Err("its checksum is wrong: damaged, or another base's");
    }
    table::decode(table)
}

fn checksum_of(bytes: &[u8], manifest_text: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..CHECKSUM_AT]);
    hash.update(manifest_text);
    hash.update(&bytes[HEADER_BYTES..]);
    hash.digest()
}
