//! `planet backup` and `planet restore`: a planet's base in another folder, verified before it is named.
//!
//! A base is never changed, so it is copied while it is read, and a backup is a planet's folder like any other. The copy
//! grows in a folder of its own; killed, the destination has what it had before, and the next attempt goes on with the
//! files that are whole.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use serde::Serialize;
use spatial_core::{
    DB_DIR, DB_SEALS_FILE, MANIFEST_FILE, RocksStore, TABLE_FILE, TileStore, base_dir,
};
use xxhash_rust::xxh3::Xxh3;

use super::base::{PlanetDir, copy, link_or_copy};
use super::{print_json, progress};

#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The planet's folder; it may be in use
    planet: PathBuf,
    /// Folder of the backup; one that is there gets the newer base
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Give the files second names instead of copying them, where the file system can: fast, but on the same disk
    #[arg(long)]
    link: bool,
}

#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup's folder
    backup: PathBuf,
    /// Folder of the planet; whoever has its old base open keeps that
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Report {
    from: PathBuf,
    to: PathBuf,
    base: PathBuf,
    tiles: usize,
    bytes: u64,
}

pub(super) fn run(args: &BackupArgs, json: bool) -> Result<ExitCode> {
    let put = if args.link { link_or_copy } else { copy };
    transfer(&args.planet, &args.out, put)?.print(json)
}

pub(super) fn restore(args: &RestoreArgs, json: bool) -> Result<ExitCode> {
    transfer(&args.backup, &args.out, copy)?.print(json)
}

/// Copies the base in use of one folder to another, verifies it there, and names it.
fn transfer(from: &Path, to: &Path, put: fn(&Path, &Path) -> Result<()>) -> Result<Report> {
    if !from.is_dir() {
        bail!(
            "{}: not a planet's folder; a pack is one file, copy it",
            from.display()
        );
    }
    let base = base_dir(from)?;
    let store = RocksStore::open_base(&base)?;
    let files = files_of(&base, store.manifest().format())?;
    let planet = PlanetDir::lock(to)?;
    let building = planet.building(fingerprint(&base, &files)?)?;
    let (mut bytes, bar) = (0, progress(files.len(), "copying"));
    for file in &files {
        let (source, copy) = (base.join(file), building.dir().join(file));
        bytes += copy_whole(&source, &copy, put)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let tiles = check(building.dir())?;
    let base = building.publish_whole()?;
    Ok(Report {
        from: from.to_owned(),
        to: to.to_owned(),
        base,
        tiles,
        bytes,
    })
}

/// The files of a base, relative to it.
fn files_of(base: &Path, format: u32) -> Result<Vec<PathBuf>> {
    let db = base.join(DB_DIR);
    let named = || db.display().to_string();
    let mut files = vec![PathBuf::from(MANIFEST_FILE)];
    if format > 1 {
        files.extend([TABLE_FILE, DB_SEALS_FILE].map(PathBuf::from));
    }
    for entry in fs::read_dir(&db).with_context(named)? {
        let name = entry.with_context(named)?.file_name();
        files.push(Path::new(DB_DIR).join(name));
    }
    files.sort();
    Ok(files)
}

/// What names the unfinished copy: the base, its manifest, and its files' names and lengths.
fn fingerprint(base: &Path, files: &[PathBuf]) -> Result<u64> {
    let mut hash = Xxh3::new();
    hash.update(base.as_os_str().as_encoded_bytes());
    for file in files {
        let path = base.join(file);
        let named = || path.display().to_string();
        hash.update(file.as_os_str().as_encoded_bytes());
        hash.update(&path.metadata().with_context(named)?.len().to_le_bytes());
    }
    let manifest = base.join(MANIFEST_FILE);
    hash.update(&fs::read(&manifest).with_context(|| manifest.display().to_string())?);
    Ok(hash.digest())
}

/// Copies a file unless a whole copy is there; its length. It is written under another name first.
fn copy_whole(source: &Path, to: &Path, put: fn(&Path, &Path) -> Result<()>) -> Result<u64> {
    let named = || to.display().to_string();
    let bytes = source
        .metadata()
        .with_context(|| source.display().to_string())?;
    if !to.exists() {
        let dir = to.parent().context("a file has a folder")?;
        fs::create_dir_all(dir).with_context(named)?;
        let growing = to.with_extension("growing");
        let _ = fs::remove_file(&growing);
        put(source, &growing)?;
        fs::rename(&growing, to).with_context(named)?;
    }
    Ok(bytes.len())
}

/// Reads every tile of a base, each verified; how many there are.
fn check(base: &Path) -> Result<usize> {
    let store = RocksStore::open_base(base)?;
    let bar = progress(store.cells().len(), "verifying");
    (0..store.cells().len())
        .into_par_iter()
        .try_for_each(|slot| {
            bar.inc(1);
            store.load_at(slot).map(drop)
        })?;
    bar.finish_and_clear();
    Ok(store.cells().len())
}

impl Report {
    fn print(&self, json: bool) -> Result<ExitCode> {
        if json {
            print_json(self)?;
        } else {
            println!(
                "{} to {}: {} tiles, {} bytes, all verified",
                self.from.display(),
                self.to.display(),
                self.tiles,
                self.bytes
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}
