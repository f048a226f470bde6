//! Writing a base: a folder of its own that becomes the planet's by one rename.
//!
//! ```text
//! 1  lock <planet>/LOCK             a second import is refused; the lock dies with its process
//! 2  remove base-* but CURRENT's,   what a killed import left
//!    CURRENT.tmp-*
//! 3  write base-<8 hex>/db, manifest.json, all synced
//! 4  write CURRENT.tmp-<pid>, sync, rename to CURRENT, sync the folder
//! ```
//! Killed before the rename in 4, the planet is the old one; after it, the new one. The old base stays until the
//! next import, for those who have it open.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use rocksdb::{DB, IngestExternalFileOptions, Options, SstFileWriter};
use spatial_core::{
    CURRENT_FILE, CellId, DB_DIR, MANIFEST_FILE, Manifest, base_dir, base_key, base_options,
};
use xxhash_rust::xxh3::xxh3_64;

use super::atomic_file::{self, sync_dir};

const LOCK_FILE: &str = "LOCK";
const TABLE_FILE: &str = "tiles.sst";
const BASE_PREFIX: &str = "base-";

/// A planet's folder, locked for an import.
pub(super) struct PlanetDir {
    dir: PathBuf,
    _lock: File,
}

impl PlanetDir {
    /// Locks a planet's folder, making it if need be, and clears what a killed import left.
    pub(super) fn lock(dir: &Path) -> Result<Self> {
        let named = || dir.display().to_string();
        fs::create_dir_all(dir).with_context(named)?;
        refuse_strangers(dir)?;
        let path = dir.join(LOCK_FILE);
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        if lock.try_lock().is_err() {
            bail!(
                "{}: another import is running; wait for it to end",
                path.display()
            );
        }
        clear_leftovers(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            _lock: lock,
        })
    }

    /// Writes a base of these tiles (ascending) and makes it the planet's.
    pub(super) fn publish(
        &self,
        manifest: &Manifest,
        write_tiles: impl FnOnce(&mut dyn FnMut(CellId, &[u8]) -> Result<()>) -> Result<()>,
    ) -> Result<PathBuf> {
        let name = unused_name(&self.dir);
        let base = self.dir.join(&name);
        fs::create_dir(&base).with_context(|| base.display().to_string())?;
        write_table(&base.join(TABLE_FILE), write_tiles)?;
        ingest(&base)?;
        atomic_file::write(&base.join(MANIFEST_FILE), &manifest.encode()?)?;
        sync_dir(&base.join(DB_DIR))?;
        sync_dir(&base)?;
        sync_dir(&self.dir)?;
        atomic_file::write(&self.dir.join(CURRENT_FILE), format!("{name}\n").as_bytes())?;
        Ok(base)
    }
}

/// A folder with other things in it is not made a planet.
fn refuse_strangers(dir: &Path) -> Result<()> {
    let mut names = entries(dir)?;
    names.retain(|name| name != LOCK_FILE && !is_ours(name));
    match names.first() {
        Some(name) => bail!(
            "{}: holds {name}, which belongs to no planet; choose an empty folder",
            dir.display()
        ),
        None => Ok(()),
    }
}

fn is_ours(name: &str) -> bool {
    name.starts_with(BASE_PREFIX) || name.starts_with(CURRENT_FILE)
}

fn clear_leftovers(dir: &Path) -> Result<()> {
    let current = if dir.join(CURRENT_FILE).exists() {
        Some(base_dir(dir)?)
    } else {
        None
    };
    for name in entries(dir)? {
        let path = dir.join(&name);
        let removed = if name.starts_with(BASE_PREFIX) && current.as_ref() != Some(&path) {
            fs::remove_dir_all(&path)
        } else if name.starts_with(CURRENT_FILE) && name != CURRENT_FILE {
            fs::remove_file(&path)
        } else {
            Ok(())
        };
        removed.with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn entries(dir: &Path) -> Result<Vec<String>> {
    let named = || dir.display().to_string();
    fs::read_dir(dir)
        .with_context(named)?
        .map(|entry| {
            Ok(entry
                .with_context(named)?
                .file_name()
                .to_string_lossy()
                .into_owned())
        })
        .collect()
}

/// A name that no base here has: the clock and the process make it, and a look makes sure.
fn unused_name(dir: &Path) -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let mut seed = since.as_nanos() ^ u128::from(std::process::id());
    loop {
        let digits = xxh3_64(&seed.to_le_bytes()) as u32;
        let name = format!("{BASE_PREFIX}{digits:08x}");
        if !dir.join(&name).exists() {
            return name;
        }
        seed += 1;
    }
}

/// Writes one sorted table of all tiles, outside the database.
fn write_table(
    path: &Path,
    write_tiles: impl FnOnce(&mut dyn FnMut(CellId, &[u8]) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let named = || path.display().to_string();
    let options = base_options();
    let mut writer = SstFileWriter::create(&options);
    writer.open(path).with_context(named)?;
    write_tiles(&mut |cell, tile| writer.put(base_key(cell), tile).with_context(named))?;
    writer.finish().with_context(named)
}

/// Moves the table into a new database; into an empty one it goes to the last level at once.
fn ingest(base: &Path) -> Result<()> {
    let (table, dir) = (base.join(TABLE_FILE), base.join(DB_DIR));
    let named = || dir.display().to_string();
    let mut options: Options = base_options();
    options.create_if_missing(true);
    let db = DB::open(&options, &dir).with_context(named)?;
    let mut ingestion = IngestExternalFileOptions::default();
    ingestion.set_move_files(true);
    db.ingest_external_file_opts(&ingestion, vec![&table])
        .with_context(named)?;
    db.cancel_all_background_work(true);
    drop(db);
    match fs::remove_file(&table) {
        // RocksDB has moved it, or linked it and left the name.
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(e).with_context(|| table.display().to_string())
        }
        _ => Ok(()),
    }
}
