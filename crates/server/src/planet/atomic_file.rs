//! Files that are there whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Between a file's name and the process that writes it.
const TEMPORARY: &str = ".tmp-";

/// A file being written beside its final place; dropped before [`AtomicFile::publish`], it is removed.
pub(super) struct AtomicFile {
    temporary: PathBuf,
    destination: PathBuf,
    file: Option<File>,
}

impl AtomicFile {
    /// Begins a file of this process's own beside the destination.
    pub(super) fn create(destination: &Path) -> Result<Self> {
        let Some(name) = destination.file_name() else {
            bail!("{}: not the name of a file", destination.display());
        };
        if destination.is_dir() {
            bail!("{}: is a folder; name a file", destination.display());
        }
        clear_abandoned(destination, name);
        let mut temporary_name = name.to_owned();
        temporary_name.push(format!("{TEMPORARY}{}", std::process::id()));
        let temporary = destination.with_file_name(temporary_name);
        let file = File::create(&temporary).with_context(|| temporary.display().to_string())?;
        Ok(Self {
            temporary,
            destination: destination.to_owned(),
            file: Some(file),
        })
    }

    /// The open file.
    pub(super) fn file(&self) -> Result<&File> {
        self.file.as_ref().context("the file was closed")
    }

    /// Syncs the file and puts it in its place; what was there before is replaced.
    pub(super) fn publish(mut self) -> Result<()> {
        let named = || self.destination.display().to_string();
        self.file()?.sync_all().with_context(named)?;
        fs::rename(&self.temporary, &self.destination).with_context(named)?;
        sync_dir(parent(&self.destination)).with_context(named)?;
        self.file = None;
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if self.file.is_some() {
            // Nothing to be done about a failure, and nothing reads the file.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Whether a name is one that a file has while it is being written.
pub(super) fn is_temporary_of(found: &str, name: &str) -> bool {
    writer_of(OsStr::new(found), OsStr::new(name)).is_some()
}

/// The process that writes a file under a temporary name.
fn writer_of(found: &OsStr, name: &OsStr) -> Option<u32> {
    let rest = found
        .as_encoded_bytes()
        .strip_prefix(name.as_encoded_bytes())?;
    let process = rest.strip_prefix(TEMPORARY.as_bytes())?;
    std::str::from_utf8(process).ok()?.parse().ok()
}

/// Removes what killed processes left of a file; where nobody can say which live, nothing.
fn clear_abandoned(destination: &Path, name: &OsStr) {
    let processes = Path::new("/proc/self")
        .exists()
        .then_some(Path::new("/proc"));
    let (Some(processes), Ok(entries)) = (processes, fs::read_dir(parent(destination))) else {
        return;
    };
    for entry in entries.flatten() {
        let process = writer_of(&entry.file_name(), name);
        if process.is_some_and(|p| !processes.join(p.to_string()).exists()) {
            // Whoever else removes it first does as well.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Writes a whole file, synced, then renames it into place.
pub(super) fn write(destination: &Path, bytes: &[u8]) -> Result<()> {
    let file = AtomicFile::create(destination)?;
    file.file()?
        .write_all(bytes)
        .with_context(|| destination.display().to_string())?;
    file.publish()
}

/// Whether two names are of one file that exists, over whatever links.
pub(super) fn is_same(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    let identity = |path: &Path| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).map(|m| (m.dev(), m.ino()))
    };
    #[cfg(not(unix))]
    let identity = |path: &Path| fs::canonicalize(path);
    matches!((identity(a), identity(b)), (Ok(a), Ok(b)) if a == b)
}

/// Whether a file, which need not exist, has its place in a folder or below.
pub(super) fn is_within(file: &Path, dir: &Path) -> bool {
    match fs::canonicalize(parent(file)) {
        Ok(place) => place.ancestors().any(|above| is_same(above, dir)),
        Err(_) => false, // no folder to write to
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .with_context(|| dir.display().to_string())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
