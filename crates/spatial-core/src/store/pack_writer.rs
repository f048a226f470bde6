//! Writing a tile pack.

use std::io::{self, Seek, SeekFrom, Write};

use super::manifest::{Manifest, ManifestError};
use super::pack::{
    ALIGNMENT, CHECKSUM_AT, FIXED_BYTES, MAGIC, VERSION, header_bytes, header_checksum,
};
use crate::cell::CellId;

/// Writes tiles in the order of their cells, then the header before them. The layout is drawn in `pack.rs` and
/// `docs/terrain.md`.
///
/// An abandoned writer leaves bytes that no reader accepts: the magic is written last.
#[derive(Debug)]
pub struct PackWriter<W> {
    out: W,
    manifest: Vec<u8>,
    tiles: u64,
    cells: Vec<CellId>,
    spans: Vec<(u64, u64)>, // offset and length of the tiles so far
    end: u64,               // bytes so far
}

impl<W: Write + Seek> PackWriter<W> {
    /// A writer of as many tiles as the manifest says.
    ///
    /// # Errors
    /// [`PackWriteError`] when the manifest is too long or the output cannot be written.
    pub fn new(mut out: W, manifest: &Manifest) -> Result<Self, PackWriteError> {
        let text = manifest.encode()?;
        let end = header_bytes(text.len(), manifest.tiles()).ok_or(PackWriteError::Count)?;
        out.seek(SeekFrom::Start(0))?;
        io::copy(&mut io::Read::take(io::repeat(0), end), &mut out)?;
        Ok(Self {
            out,
            manifest: text,
            tiles: manifest.tiles(),
            cells: Vec::new(),
            spans: Vec::new(),
            end,
        })
    }

    /// Appends an encoded tile; cells must ascend.
    ///
    /// # Errors
    /// [`PackWriteError::Order`] when they do not, [`PackWriteError::Io`] from the output.
    pub fn push(&mut self, cell: CellId, tile: &[u8]) -> Result<(), PackWriteError> {
        if self.cells.last().is_some_and(|last| *last >= cell) {
            return Err(PackWriteError::Order);
        }
        let start = self.end.next_multiple_of(ALIGNMENT);
        let zeros = [0; ALIGNMENT as usize];
        self.out.write_all(&zeros[..(start - self.end) as usize])?;
        self.out.write_all(tile)?;
        self.cells.push(cell);
        self.spans.push((start, tile.len() as u64));
        self.end = start + tile.len() as u64;
        Ok(())
    }

    /// Writes the header and returns the output, flushed.
    ///
    /// # Errors
    /// [`PackWriteError::Count`] when there are not as many tiles as the manifest says, [`PackWriteError::Io`]
    /// from the output.
    pub fn finish(mut self) -> Result<W, PackWriteError> {
        if self.cells.len() as u64 != self.tiles {
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
        let mut head = Vec::with_capacity(front + 24 * self.cells.len());
        head.extend_from_slice(&MAGIC);
        head.extend_from_slice(&VERSION.to_le_bytes());
        // A manifest is at most 64 KiB.
        head.extend_from_slice(&(self.manifest.len() as u32).to_le_bytes());
        head.extend_from_slice(&self.tiles.to_le_bytes());
        head.extend_from_slice(&((front + 24 * self.cells.len()) as u64).to_le_bytes());
        head.extend_from_slice(&self.end.to_le_bytes());
        head.extend_from_slice(&[0; 8]);
        head.extend_from_slice(&self.manifest);
        head.resize(front, 0);
        head.extend(self.cells.iter().flat_map(|c| c.to_u64().to_le_bytes()));
        head.extend(self.spans.iter().flat_map(|s| s.0.to_le_bytes()));
        head.extend(self.spans.iter().flat_map(|s| s.1.to_le_bytes()));
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
    /// The manifest cannot be written.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The output refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}
