//! Backups of a world while it is served, without its lock.
//!
//! Segments only grow, checkpoints appear whole, and the witness says how far both are acknowledged: what lies behind
//! that is never copied, so a backup holds nothing that a power cut could take back. The first backup in a directory
//! copies everything that is kept; later ones copy what is new, and drop what the world has dropped.
//!
//! The manifest is written last. Until then the one before holds, and the files that it names are whole: a segment is
//! replaced by one that begins with the same bytes, all others are new.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::checkpoint::{Checkpoint, list_checkpoints};
use super::frame::Frames;
use super::lock::DirLock;
use super::manifest::{Kept, Manifest, put};
use super::segment::{HEADER_BYTES, Segment, list_segments};
use super::witness::{self, Witnessed};
use super::{StorageError, io_at, names, retention, tick_in_name};

/// How often a backup begins anew because the world has dropped a file that was about to be copied.
const TRIES: u32 = 5;
/// How often the witness is read, which may be written at that moment.
const LOOKS: u32 = 20;
/// Files that are copied as they are.
const KEYS: [&str; 3] = ["token.key", "server.pem", "bans.txt"];

/// Is told how many files of how many are done; false breaks the work off.
pub(crate) type Progress<'a> = &'a dyn Fn(usize, usize) -> bool;

/// What a backup came to.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub(crate) struct BackedUp {
    /// Whether it was the first one in its directory.
    pub(crate) is_full: bool,
    /// Files and bytes that were copied.
    pub(crate) files_new: usize,
    pub(crate) bytes_new: u64,
    /// Files and bytes that it holds.
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// The tick from which it can be restored, and the last that it holds.
    pub(crate) from_tick: u64,
    pub(crate) end_tick: u64,
}

/// Copies what is new of a world to a backup.
///
/// # Errors
/// [`StorageError`]: damage in either place, no room, a directory of other things; [`StorageError::BrokenOff`].
pub(crate) fn back_up(
    data: &Path,
    out: &Path,
    world: u16,
    progress: Progress<'_>,
) -> Result<BackedUp, StorageError> {
    let _lock = DirLock::take_backup(out)?;
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(data, out, world, progress) {
            Err(StorageError::Io { source, path, .. })
                if source.kind() == std::io::ErrorKind::NotFound
                    && path.starts_with(data)
                    && tries < TRIES => {}
            done => return done,
        }
    }
}

fn attempt(
    data: &Path,
    out: &Path,
    world: u16,
    progress: Progress<'_>,
) -> Result<BackedUp, StorageError> {
    let before = Manifest::read(out)?;
    if let Some(before) = before.as_ref().filter(|before| before.world != world) {
        return Err(StorageError::OtherWorld {
            path: out.to_owned(),
            stored: before.world.into(),
            wanted: world,
        });
    }
    let end = acknowledged(data, world)?;
    let mut copy = Copy::new((data, out), world, before.as_ref(), end)?;
    copy.segments(progress)?;
    copy.checkpoints()?;
    copy.keys()?;
    let manifest = Manifest::new(world, end, copy.files);
    manifest.write(out)?;
    forget(out, &manifest)?;
    let ticks = manifest.files.iter();
    let from_tick = ticks.filter_map(|f| tick_in_name(&f.name, "checkpoint-", ".bmc"));
    Ok(BackedUp {
        is_full: before.is_none(),
        files_new: copy.files_new,
        bytes_new: copy.bytes_new,
        files: manifest.files.len(),
        bytes: manifest.bytes(),
        from_tick: from_tick.min().unwrap_or(0),
        end_tick: end.tick,
    })
}

/// How far a world that may be running is acknowledged.
fn acknowledged(data: &Path, world: u16) -> Result<Witnessed, StorageError> {
    let path = witness::path_in(data);
    let mut looks = 0;
    loop {
        looks += 1;
        match witness::read(&path, world) {
            Ok(Some(said)) => return Ok(said),
            Ok(None) => {
                return Err(StorageError::NotADataDir {
                    path: data.to_owned(),
                    what: "not a data directory: it holds no world",
                });
            }
            Err(StorageError::Damaged { .. }) if looks < LOOKS => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
}

/// A backup that is being made.
struct Copy<'a> {
    data: &'a Path,
    out: &'a Path,
    world: u16,
    before: Option<&'a Manifest>,
    end: Witnessed,
    segments: Vec<(u64, PathBuf)>,
    /// Checkpoints that are not in the backup: tick, file, place in the journal.
    candidates: Vec<(u64, PathBuf, u64)>,
    /// Of these places those that what is copied contains.
    reached: BTreeSet<u64>,
    files: Vec<Kept>,
    files_new: usize,
    bytes_new: u64,
}

impl<'a> Copy<'a> {
    fn new(
        (data, out): (&'a Path, &'a Path),
        world: u16,
        before: Option<&'a Manifest>,
        end: Witnessed,
    ) -> Result<Self, StorageError> {
        let checkpoints = list_checkpoints(data)?;
        let mut segments = list_segments(data)?;
        let oldest = checkpoints.first().map_or(0, |(tick, _)| *tick);
        let behind = segments.partition_point(|(first, _)| *first <= oldest);
        segments.drain(..behind.saturating_sub(1));
        let newest = before.and_then(|b| ticks_of(&b.files).max());
        let mut candidates = Vec::new();
        for (tick, path) in checkpoints {
            if newest.is_none_or(|newest| tick > newest) {
                let place = Checkpoint::place(&path)?;
                candidates.push((tick, path, place));
            }
        }
        Ok(Self {
            data,
            out,
            world,
            before,
            end,
            segments,
            candidates,
            reached: BTreeSet::new(),
            files: Vec::new(),
            files_new: 0,
            bytes_new: 0,
        })
    }

    /// Copies segments up to what is acknowledged.
    fn segments(&mut self, progress: Progress<'_>) -> Result<(), StorageError> {
        let segments = std::mem::take(&mut self.segments);
        let mut chain = None;
        for (number, (tick, path)) in segments.iter().enumerate() {
            if !progress(number, segments.len()) {
                return Err(StorageError::BrokenOff);
            }
            if let Some(kept) = self.kept_whole(path)? {
                chain = kept.end_chain;
                self.files.push(kept);
                continue;
            }
            let segment = Segment::read(path, *tick, self.world)?;
            if chain.is_some_and(|chain| chain != segment.header.chain) {
                return Err(StorageError::Damaged {
                    path: path.clone(),
                    offset: 24,
                    what: "does not continue the segment before it (one is missing or foreign)",
                });
            }
            let is_last = number + 1 == segments.len();
            chain = self.segment(&segment, is_last)?;
            if chain.is_none() {
                return Ok(()); // this was the end
            }
        }
        Err(StorageError::Behind {
            path: self.data.to_owned(),
            offset: 0,
            recovered: segments.last().map_or(0, |s| s.0),
            witnessed: self.end.tick,
            witness: witness::path_in(self.data),
            remedy: "stop the server and look what it says when it starts",
        })
    }

    /// Copies a segment; the place where it ends, or none where the acknowledged end is in it.
    fn segment(&mut self, segment: &Segment, is_last: bool) -> Result<Option<u64>, StorageError> {
        let mut frames = Frames::new(&segment.bytes, HEADER_BYTES, segment.header.chain, 0);
        loop {
            if self.candidates.iter().any(|c| c.2 == frames.chain()) {
                self.reached.insert(frames.chain());
            }
            let is_end = frames.chain() == self.end.chain;
            let next = if is_end { None } else { frames.next() };
            match next {
                Some(Ok(_)) => {}
                // What follows the acknowledged end may be half written; nothing else may be.
                Some(Err(bad)) if !is_last => {
                    return Err(StorageError::Damaged {
                        path: segment.path.clone(),
                        offset: bad.offset as u64,
                        what: bad.what,
                    });
                }
                Some(Err(_)) => return Ok(Some(frames.chain())),
                None => {
                    let end_chain = (!is_end).then(|| frames.chain());
                    self.put(&segment.path, &segment.bytes[..frames.offset()], end_chain)?;
                    return Ok(end_chain);
                }
            }
        }
    }

    /// A segment that the backup has, and that grows no more.
    fn kept_whole(&self, path: &Path) -> Result<Option<Kept>, StorageError> {
        let Some(kept) = self.before.and_then(|b| b.get(&name_of(path))) else {
            return Ok(None);
        };
        let here = std::fs::metadata(path).map_err(io_at(path, "look at"))?;
        let there = std::fs::metadata(self.out.join(&kept.name));
        let is_whole = kept.end_chain.is_some()
            && here.len() == kept.bytes
            && there.is_ok_and(|file| file.len() == kept.bytes);
        Ok(is_whole.then(|| kept.clone()))
    }

    /// Copies what can be started from: the newest checkpoint, in a first backup all; keeps those that it has.
    fn checkpoints(&mut self) -> Result<(), StorageError> {
        let first = self.files.first();
        let first = first.and_then(|f| tick_in_name(&f.name, "journal-", ".bmj"));
        let has_place = |file: &&Kept| {
            tick_in_name(&file.name, "checkpoint-", ".bmc").is_some_and(|tick| Some(tick) >= first)
        };
        let before = self.before.map_or(&[][..], |b| &b.files);
        let mut kept: Vec<Kept> = before.iter().filter(has_place).cloned().collect();
        let reached = |c: &&(u64, PathBuf, u64)| self.reached.contains(&c.2);
        let mut new: Vec<_> = self.candidates.iter().filter(reached).cloned().collect();
        if !kept.is_empty() {
            new.drain(..new.len().saturating_sub(1));
        }
        let ticks = ticks_of(&kept).chain(new.iter().map(|c| c.0));
        let stay = retention::spread(ticks);
        kept.retain(|file| ticks_of(std::iter::once(file)).any(|tick| stay.contains(&tick)));
        self.files.append(&mut kept);
        for (_, path, _) in new.iter().filter(|c| stay.contains(&c.0)) {
            let bytes = std::fs::read(path).map_err(io_at(path, "read the checkpoint"))?;
            Checkpoint::decode(path, &bytes, self.world)?;
            self.put(path, &bytes, None)?;
        }
        if ticks_of(&self.files).next().is_none() {
            return Err(StorageError::Missing {
                path: self.data.join("checkpoint-*.bmc"),
                because: "the directory holds a journal",
            });
        }
        Ok(())
    }

    fn keys(&mut self) -> Result<(), StorageError> {
        for name in KEYS {
            let path = self.data.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => self.put(&path, &bytes, None)?,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(io_at(&path, "read")(error)),
            }
        }
        Ok(())
    }

    fn put(
        &mut self,
        source: &Path,
        bytes: &[u8],
        end_chain: Option<u64>,
    ) -> Result<(), StorageError> {
        let file = Kept::of(&name_of(source), bytes, end_chain);
        let has = self.before.and_then(|b| b.get(&file.name));
        let same = |has: &Kept| (has.bytes, has.hash) == (file.bytes, file.hash);
        if !has.is_some_and(same) || !self.out.join(&file.name).is_file() {
            put(&self.out.join(&file.name), bytes)?;
            self.files_new += 1;
            self.bytes_new += file.bytes;
        }
        self.files.push(file);
        Ok(())
    }
}

/// Removes what the manifest does not name any more.
fn forget(out: &Path, manifest: &Manifest) -> Result<(), StorageError> {
    for name in names(out)? {
        if super::is_kept(&name) && manifest.get(&name).is_none() {
            let path = out.join(name);
            std::fs::remove_file(&path).map_err(io_at(&path, "remove"))?;
        }
    }
    Ok(())
}

/// The ticks of the checkpoints among these files.
pub(super) fn ticks_of<'a>(files: impl IntoIterator<Item = &'a Kept>) -> impl Iterator<Item = u64> {
    files
        .into_iter()
        .filter_map(|file| tick_in_name(&file.name, "checkpoint-", ".bmc"))
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}
