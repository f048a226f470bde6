//! What a power cut does to a journal: for simulated ones.

use std::fs::OpenOptions;
use std::path::Path;

use super::frame::Frames;
use super::segment::{HEADER_BYTES, Segment, list_segments};
use super::{StorageError, io_at, witness};

/// Takes bytes away that were written and not synced: this share of them is kept, 0 to 1. How many are lost.
pub(crate) fn cut_unsynced(dir: &Path, world: u16, kept: f64) -> Result<u64, StorageError> {
    let newest = list_segments(dir)?.pop();
    let witnessed = witness::read(&witness::path_in(dir), world)?;
    let (Some((tick, path)), Some(witnessed)) = (newest, witnessed) else {
        return Ok(0);
    };
    let segment = Segment::read(&path, tick, world)?;
    let mut frames = Frames::new(&segment.bytes, HEADER_BYTES, segment.header.chain, 0);
    // What was synced was witnessed right after.
    while frames.chain() != witnessed.chain {
        let Some(Ok(_)) = frames.next() else {
            return Ok(0);
        };
    }
    let unsynced = segment.bytes.len() - frames.offset();
    let left = frames.offset() + (unsynced as f64 * kept) as usize;
    let file = OpenOptions::new().write(true).open(&path);
    let cut = file.and_then(|file| file.set_len(left as u64));
    cut.map_err(io_at(&path, "cut the journal"))?;
    Ok((segment.bytes.len() - left) as u64)
}
