//! Tile stores: where tiles come from.
//!
//! Nothing here writes a file: a pack is written to whatever the caller offers, the database by the server's
//! importer. A file that has been opened must not be shortened while it is mapped: see [`PackStore::open`].

mod base_table;
mod cache;
#[cfg(feature = "rocksdb")]
mod db_seals;
mod finest;
#[cfg(feature = "rocksdb")]
mod followed;
mod manifest;
mod memory;
mod nodes;
mod pack;
mod pack_writer;
#[cfg(feature = "rocksdb")]
mod rocks;
mod stored_tile;
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use base_table::TableBuilder;
#[cfg(feature = "rocksdb")]
pub use db_seals::database_seals;
pub use finest::Finest;
pub(crate) use finest::{FinestTable, Square};
#[cfg(feature = "rocksdb")]
pub use followed::FollowedPlanet;
pub use manifest::{Manifest, ManifestError, MissingTile};
pub use memory::MemoryStore;
pub(crate) use nodes::add_errors;
pub use nodes::{Node, NodeTable};
pub use pack::PackStore;
pub use pack_writer::{PackWriteError, PackWriter};
#[cfg(feature = "rocksdb")]
pub use rocks::{
    CURRENT_FILE, DB_DIR, DB_SEALS_FILE, MANIFEST_FILE, RocksStore, TABLE_FILE, base_dir, base_key,
    base_options, is_base_name,
};
pub(crate) use stored_tile::Samples;
pub use stored_tile::StoredTile;

use crate::cell::CellId;
use crate::terrain::{HeightTile, TileError};

/// A planet's tiles. Absence is known in memory; a tile's checksum is verified the first time it is read.
pub trait TileStore: Send + Sync {
    /// What the planet is.
    fn manifest(&self) -> &Manifest;

    /// The file, or the folder of a database: what errors name.
    fn file(&self) -> &Path;

    /// Which tiles there are, with the bounds of their samples.
    fn nodes(&self) -> &NodeTable;

    /// A tile by its number in the order of the cells, where it lies; a tile in the archive encoding is decoded.
    ///
    /// # Errors
    /// [`StoreError`] when it is damaged.
    ///
    /// # Panics
    /// When there is no such number.
    fn tile_at(&self, slot: usize) -> Result<StoredTile<'_>, StoreError>;

    /// A tile by its number, decoded, for keeping.
    ///
    /// # Errors
    /// As [`TileStore::tile_at`].
    ///
    /// # Panics
    /// As [`TileStore::tile_at`].
    fn load_at(&self, slot: usize) -> Result<Arc<HeightTile>, StoreError>;

    /// The cells of all tiles, ascending.
    fn cells(&self) -> &[CellId] {
        self.nodes().cells()
    }

    /// A cell's tile where it lies.
    ///
    /// # Errors
    /// [`StoreError`] when there is none, or it is damaged.
    fn tile(&self, cell: CellId) -> Result<StoredTile<'_>, StoreError> {
        self.tile_at(self.nodes().slot(cell)?)
    }

    /// A cell's tile decoded, for keeping.
    ///
    /// # Errors
    /// As [`TileStore::tile`].
    fn load(&self, cell: CellId) -> Result<Arc<HeightTile>, StoreError> {
        self.load_at(self.nodes().slot(cell)?)
    }

    /// A cell's tile decoded; where there is none and the manifest says that the ground is known no finer, what its
    /// nearest ancestor says, halved from level to level. See [`HeightTile::refined`].
    ///
    /// # Errors
    /// As [`TileStore::load`]; [`StoreError::Missing`] of a cell beyond the lattice's levels.
    fn load_refined(&self, cell: CellId) -> Result<Arc<HeightTile>, StoreError> {
        let is_refined = self.manifest().missing() == MissingTile::Coarser
            && self.manifest().lattice().has_level_of(cell);
        match self.load(cell) {
            Err(StoreError::Missing { .. }) if is_refined && cell.level() > 0 => {
                // At most 17 deep: a level each.
                let parent = self.load_refined(cell.parent(cell.level() - 1))?;
                let tile = parent.refined(cell);
                let tile = tile.map_err(|e| StoreError::tile(self.file(), cell, e))?;
                Ok(Arc::new(tile))
            }
            loaded => loaded,
        }
    }
}

/// Why a store cannot be opened, or a tile not be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The planet has no such tile.
    #[error("the planet has no tile {cell} (level {})", cell.level())]
    Missing {
        /// The cell asked for.
        cell: CellId,
    },
    /// A tile is there but cannot be used.
    #[error("{}: tile {cell}: {source}; restore the file or import the planet again", file.display())]
    Tile {
        /// The file, or folder of a database.
        file: PathBuf,
        /// The tile's cell.
        cell: CellId,
        /// What is wrong with it.
        source: TileError,
    },
    /// The manifest cannot be used.
    #[error("{}: {source}", file.display())]
    Manifest {
        /// The file it is in.
        file: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// The file is not what it should be.
    #[error("{}: {reason}; restore the file or make it again", file.display())]
    Damaged {
        /// The file, or folder of a database.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The operating system refused.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// Its answer.
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn damaged(file: &Path, reason: impl Into<String>) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn tile(file: &Path, cell: CellId, source: TileError) -> Self {
        Self::Tile {
            file: file.to_owned(),
            cell,
            source,
        }
    }

    pub(crate) fn io(file: &Path, source: io::Error) -> Self {
        Self::Io {
            file: file.to_owned(),
            source,
        }
    }

    pub(crate) fn manifest(file: &Path, source: ManifestError) -> Self {
        Self::Manifest {
            file: file.to_owned(),
            source,
        }
    }
}
