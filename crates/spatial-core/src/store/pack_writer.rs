//! Writing a tile pack.

use std::io::{self, Seek, SeekFrom, Write};

use super::manifest::{Manifest, ManifestError};
use super::nodes::TileEntry;
use super::pack::{
    ALIGNMENT, CHECKSUM_AT, FIXED_BYTES, MAGIC, VERSION, header_bytes, header_checksum,
};
use super::table;
use crate::cell::CellId;
use crate::terrain::TileError;

/// Writes tiles in the order of their cells, then the header before them. The layout is drawn in `pack.rs` and
/// `docs/terrain.md`.
///
/// An abandoned writer leaves bytes that no reader accepts: the magic is written last.
#[derive(Debug)]
pub struct PackWriter<W> {
    out: W,
    manifest: Vec<u8>,
    tiles: u64,
    entries: Vec<TileEntry>,
    lengths: Vec<u32>, // of the tiles so far
    end: u64,          // bytes so far
}

impl<W: Write + Seek> PackWriter<W> {
    /// A writer of as many tiles as the manifest says; the pack is of the newest format whatever the manifest's.
    ///
    /// # Errors
    /// [`PackWriteError`] when the manifest is too long or the output cannot be written.
    pub fn new(mut out: W, manifest: &Manifest) -> Result<Self, PackWriteError> {
        let text = manifest.clone().upgraded().encode()?;
        let end =
            header_bytes(VERSION, text.len(), manifest.tiles()).ok_or(PackWriteError::Count)?;
        out.seek(SeekFrom::Start(0))?;
        io::copy(&mut io::Read::take(io::repeat(0), end), &mut out)?;
        Ok(Self {
            out,
            manifest: text,
            tiles: manifest.tiles(),
            entries: Vec::new(),
            lengths: Vec::new(),
            end,
        })
    }

    /// Appends an encoded tile; cells must ascend.
    ///
    /// # Errors
    /// [`PackWriteError::Order`] when they do not, [`PackWriteError::Tile`] when the bytes are no tile, and
    /// [`PackWriteError::Io`] from the output.
    pub fn push(&mut self, cell: CellId, tile: &[u8]) -> Result<(), PackWriteError> {
        if self.entries.last().is_some_and(|last| last.cell >= cell) {
            return Err(PackWriteError::Order);
        }
        let length = u32::try_from(tile.len()).map_err(|_| TileError::Length)?;
        let entry = table::entry_of(tile)?;
        let start = self.end.next_multiple_of(ALIGNMENT);
        let zeros = [0; ALIGNMENT as usize];
        self.out.write_all(&zeros[..(start - self.end) as usize])?;
        self.out.write_all(tile)?;
        self.entries.push(TileEntry { cell, ..entry });
        self.lengths.push(length);
        self.end = start + tile.len() as u64;
        Ok(())
    }

    /// Writes the header and returns the output, flushed.
    ///
    /// # Errors
    /// [`PackWriteError::Count`] when there are not as many tiles as the manifest says, [`PackWriteError::Io`]
    /// from the output.
    pub fn finish(mut self) -> Result<W, PackWriteError> {
        if self.entries.len() as u64 != self.tiles {
            return Err(PackWriteError::Count);
        }
        let header = self.header();
        self.out.seek(SeekFrom::Start(8))?;
        self.out.write_all(&header[8..])?;
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header[..8])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn header(&self) -> Vec<u8> {
        let front = FIXED_BYTES + self.manifest.len().next_multiple_of(8);
        let end = front + (table::ENTRY_BYTES + 4) * self.entries.len();
        let mut head = Vec::with_capacity(end);
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        // A manifest is at most 64 KiB.
        head.extend_from_slice(&(self.manifest.len() as u32).to_le_bytes());
        head.extend_from_slice(&self.tiles.to_le_bytes());
        head.extend_from_slice(&(end as u64).to_le_bytes());
        head.extend_from_slice(&self.end.to_le_bytes());
        head.extend_from_slice(&[0; 8]);
        head.extend_from_slice(&self.manifest);
        head.resize(front, 0);
        table::encode(&self.entries, &mut head);
        head.extend(self.lengths.iter().flat_map(|length| length.to_le_bytes()));
        let checksum = header_checksum(&head);
        head[CHECKSUM_AT..FIXED_BYTES].copy_from_slice(&checksum.to_le_bytes());
        head
    }
}

/// Why a pack was not written.
#[derive(Debug, thiserror::Error)]
pub enum PackWriteError {
    /// Cells must ascend and not repeat.
    #[error("tiles are not in the order of their cells")]
    Order,
    /// The number of tiles is not the manifest's.
    #[error("the number of tiles is not the manifest's")]
    Count,
    /// What was pushed is no tile.
    #[error("not a tile: {0}")]
    Tile(#[from] TileError),
    /// The manifest cannot be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The output refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}
