//! What a base's database consists of, so that RocksDB never opens damaged files of its own: of flipped bits in its
//! `MANIFEST` it makes an endless loop.
//!
//! ```text
//! 7f…  the xxh3-64 of all lines below, 16 hexadecimal digits
//! 03… 1234 MANIFEST-000005         of each file: its xxh3-64 (zeros of a table, whose blocks have checksums of their
//! 00… 5678900 000008.sst           own), its bytes, its name; ascending
//! ```

use std::fs;
use std::io;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::StoreError;
use super::rocks::{DB_DIR, DB_SEALS_FILE};

/// Larger files than a database has beside its tables are not read.
const READ_BYTES_MAX: u64 = 64 << 20;

/// The bytes of the file that vouches for a base's database, which must not be open for writing.
///
/// # Errors
/// When a file cannot be read.
pub fn database_seals(base: &Path) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(base.join(DB_DIR))? {
        let entry = entry?;
        let (name, bytes) = (entry.file_name(), entry.metadata()?.len());
        let name = name.to_string_lossy();
        let is_read = !name.ends_with(".sst") && bytes <= READ_BYTES_MAX;
        let checksum = if is_read {
            xxh3_64(&fs::read(entry.path())?)
        } else {
            0
        };
        lines.push(format!("{checksum:016x} {bytes} {name}\n"));
    }
    lines.sort_by(|a, b| a.rsplit(' ').next().cmp(&b.rsplit(' ').next()));
    let body = lines.concat();
    Ok(format!("{:016x}\n{body}", xxh3_64(body.as_bytes())).into_bytes())
}

/// Accepts a database whose files are those that were sealed.
pub(crate) fn check_database(base: &Path) -> Result<(), StoreError> {
    let (file, db) = (base.join(DB_SEALS_FILE), base.join(DB_DIR));
    let sealed = fs::read(&file).map_err(|e| StoreError::io(&file, e))?;
    let found = database_seals(base).map_err(|e| StoreError::io(&db, e))?;
    if sealed == found {
        return Ok(());
    }
    let body = sealed.get(17..).unwrap_or_default();
    if format!("{:016x}\n", xxh3_64(body)).as_bytes() != &sealed[..sealed.len().min(17)] {
        return Err(StoreError::damaged(&file, "its checksum is wrong"));
    }
    let [sealed, found] = [&sealed, &found].map(|text| String::from_utf8_lossy(text));
    let differs = sealed
        .lines()
        .skip(1)
        .find(|line| !found.lines().any(|l| l == *line));
    let name = differs.and_then(|line| line.rsplit(' ').next());
    let reason = match name {
        Some(name) => format!("{name} is damaged or missing"),
        None => "holds a file that is not the base's".to_owned(),
    };
    Err(StoreError::damaged(&db, reason))
}
