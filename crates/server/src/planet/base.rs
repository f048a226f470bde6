//! Writing a base: a folder of its own that becomes the planet's by one rename.
//!
//! ```text
//! 1  lock <planet>/LOCK                  a second writer is refused; the lock dies with its process
//! 2  remove base-* but CURRENT's,        what a killed writer left, and the base before the last
//!    building-* but this one's,
//!    CURRENT.tmp-*
//! 3  building-<16 hex>/                  named by a fingerprint of all that goes in
//!      00000.sst, 00000.table …          parts; one is whole once its table is there
//! 4    db, manifest.json, tiles.table    of all parts, synced
//! 5  rename building-… to base-<8 hex>, sync the folder
//! 6  write CURRENT.tmp-<pid>, sync, rename to CURRENT, sync the folder
//! ```
//! Killed before the rename in 6, the planet is the old one; after it, the new one. Killed before that in 5, the same writer goes
//! on after the last whole part; between the two it begins anew, for a base that nobody names is a leftover. The old base stays until the next writer, for those who have it open.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use rocksdb::{DB, IngestExternalFileOptions, Options, SstFileWriter};
use spatial_core::{
    CURRENT_FILE, CellId, DB_DIR, DB_SEALS_FILE, MANIFEST_FILE, Manifest, TABLE_FILE, TableBuilder,
    base_dir, base_key, base_options, database_seals, is_base_name,
};
use xxhash_rust::xxh3::xxh3_64;

use super::atomic_file::{self, sync_dir};

const LOCK_FILE: &str = "LOCK";
const BASE_PREFIX: &str = "base-";
const BUILDING_PREFIX: &str = "building-";
/// Links to the parts, which the database takes over.
const LINKS_DIR: &str = "links";

/// Tiles of a part: what a killed writer need not do again.
pub(super) const PART_TILES: usize = 4_096;
/// Of a part's files, the names' ends: the list of its tiles, and they themselves.
const PART_KINDS: [&str; 2] = ["table", "sst"];

/// A planet's folder, locked for writing.
pub(super) struct PlanetDir {
    dir: PathBuf,
    _lock: File,
}

/// What writes a part's tiles, ascending, by the function it is given.
pub(super) type Put<'a> = dyn FnMut(CellId, &[u8]) -> Result<()> + 'a;

impl PlanetDir {
    /// Locks a planet's folder, making it if need be.
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
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "{}: another import is running; wait for it to end",
                path.display()
            ),
            Err(TryLockError::Error(e)) => {
                return Err(e).with_context(|| path.display().to_string());
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            _lock: lock,
        })
    }

    /// Begins a base, or goes on with the one of this fingerprint that a killed writer left; clears all other leftovers.
    pub(super) fn building(&self, fingerprint: u64) -> Result<Building<'_>> {
        let name = format!("{BUILDING_PREFIX}{fingerprint:016x}");
        clear_leftovers(&self.dir, &name)?;
        let dir = self.dir.join(name);
        fs::create_dir_all(&dir).with_context(|| dir.display().to_string())?;
        Ok(Building { planet: self, dir })
    }
}

/// A base that is being made.
pub(super) struct Building<'a> {
    planet: &'a PlanetDir,
    dir: PathBuf,
}

impl Building<'_> {
    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Makes a folder that holds a whole base, synced but for its names, the planet's; the base's folder.
    pub(super) fn publish_whole(&self) -> Result<PathBuf> {
        sync_dir(&self.dir.join(DB_DIR))?;
        sync_dir(&self.dir)?;
        self.planet.publish(&self.dir)
    }

    /// The table of a part that is whole.
    pub(super) fn finished(&self, part: usize) -> Option<TableBuilder> {
        let [table, tiles] = self.files(part);
        let table = TableBuilder::decode_part(&fs::read(table).ok()?)?;
        tiles.exists().then_some(table)
    }

    /// Writes a part: a sorted table of tiles outside the database, synced, then the list of them.
    pub(super) fn write_part(
        &self,
        part: usize,
        write_tiles: impl FnOnce(&mut Put<'_>) -> Result<()>,
    ) -> Result<TableBuilder> {
        let [table_file, tiles_file] = self.files(part);
        let named = || tiles_file.display().to_string();
        let mut table = TableBuilder::default();
        let options = base_options();
        let mut writer = SstFileWriter::create(&options);
        remove(&tiles_file)?;
        writer.open(&tiles_file).with_context(named)?;
        write_tiles(&mut |cell, tile| {
            table.push(tile)?;
            writer.put(base_key(cell), tile).with_context(named)
        })?;
        writer.finish().with_context(named)?;
        File::open(&tiles_file)
            .and_then(|file| file.sync_all())
            .with_context(named)?;
        atomic_file::write(&table_file, &table.encode_part())?;
        Ok(table)
    }

    /// Makes of the parts, which are whole and follow each other, the planet's base; its folder.
    pub(super) fn publish(self, manifest: &Manifest, parts: usize) -> Result<PathBuf> {
        let mut table = TableBuilder::default();
        for part in 0..parts {
            let [file, _] = self.files(part);
            let finished = self.finished(part);
            table.append(finished.with_context(|| format!("{}: not whole", file.display()))?);
        }
        self.ingest(parts)?;
        let seals = database_seals(&self.dir);
        let seals = seals.with_context(|| self.dir.join(DB_DIR).display().to_string())?;
        atomic_file::write(&self.dir.join(DB_SEALS_FILE), &seals)?;
        atomic_file::write(&self.dir.join(TABLE_FILE), &table.encode(manifest)?)?;
        atomic_file::write(&self.dir.join(MANIFEST_FILE), &manifest.encode()?)?;
        let base = self.publish_whole()?;
        // Now nobody goes on with the parts; a writer killed here leaves second names in the base, which cost nothing.
        for part in 0..parts {
            for kind in PART_KINDS {
                remove(&base.join(part_name(part, kind)))?;
            }
        }
        remove(&base.join(LINKS_DIR))?;
        Ok(base)
    }

    /// Lets a new database take over links to the parts; into an empty one they go to the last level at once.
    fn ingest(&self, parts: usize) -> Result<()> {
        let (links, dir) = (self.dir.join(LINKS_DIR), self.dir.join(DB_DIR));
        // What a killed writer made of the parts, which are all still there.
        remove(&links)?;
        remove(&dir)?;
        fs::create_dir_all(&links).with_context(|| links.display().to_string())?;
        let mut tables = Vec::new();
        for part in 0..parts {
            let [_, tiles] = self.files(part);
            let link = links.join(format!("{part:05}.sst"));
            link_or_copy(&tiles, &link)?;
            tables.push(link);
        }
        let named = || dir.display().to_string();
        let mut options: Options = base_options();
        options.create_if_missing(true);
        let db = DB::open(&options, &dir).with_context(named)?;
        let mut ingestion = IngestExternalFileOptions::default();
        ingestion.set_move_files(true);
        db.ingest_external_file_opts(&ingestion, tables)
            .with_context(named)?;
        db.cancel_all_background_work(true);
        Ok(())
    }

    fn files(&self, part: usize) -> [PathBuf; 2] {
        PART_KINDS.map(|kind| self.dir.join(part_name(part, kind)))
    }
}

impl PlanetDir {
    /// Makes a whole and synced folder within the planet's the base in use; the base's folder.
    pub(super) fn publish(&self, whole: &Path) -> Result<PathBuf> {
        let name = unused_name(&self.dir);
        let base = self.dir.join(&name);
        fs::rename(whole, &base).with_context(|| base.display().to_string())?;
        sync_dir(&self.dir)?;
        atomic_file::write(&self.dir.join(CURRENT_FILE), format!("{name}\n").as_bytes())?;
        Ok(base)
    }
}

fn part_name(part: usize, kind: &str) -> String {
    format!("{part:05}.{kind}")
}

/// A second name of a file, or where the file system knows none, a synced copy.
pub(super) fn link_or_copy(from: &Path, to: &Path) -> Result<()> {
    if fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    copy(from, to)
}

/// A synced copy.
pub(super) fn copy(from: &Path, to: &Path) -> Result<()> {
    let copied = fs::copy(from, to).and_then(|_| File::open(to)?.sync_all());
    copied.with_context(|| format!("{} to {}", from.display(), to.display()))
}

/// Removes a file or a folder that may be there.
fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(e).with_context(|| path.display().to_string())
        }
        _ => Ok(()),
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

/// Only names that a writer here gives: everything else is somebody's, and never removed.
fn is_ours(name: &str) -> bool {
    name == CURRENT_FILE || is_base_name(name) || is_building(name) || is_temporary(name)
}

/// A base that is being made.
fn is_building(name: &str) -> bool {
    let digits = name.strip_prefix(BUILDING_PREFIX);
    digits.is_some_and(|digits| digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// What a killed writer left of [`CURRENT_FILE`].
fn is_temporary(name: &str) -> bool {
    atomic_file::is_temporary_of(name, CURRENT_FILE)
}

fn clear_leftovers(dir: &Path, building: &str) -> Result<()> {
    let file = dir.join(CURRENT_FILE);
    // What cannot be looked at is not absent: without its name every base would be a leftover.
    let current = match file
        .try_exists()
        .with_context(|| file.display().to_string())?
    {
        true => Some(base_dir(dir)?),
        false => None,
    };
    for name in entries(dir)? {
        let path = dir.join(&name);
        let is_left = (is_base_name(&name) && current.as_ref() != Some(&path))
            || (is_building(&name) && name != building)
            || is_temporary(&name);
        if is_left {
            remove(&path)?;
        }
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
