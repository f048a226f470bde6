//! Recovery: finds the state to start from and the frames after it, and refuses what cannot be trusted.

use std::path::{Path, PathBuf};

use super::checkpoint::{Checkpoint, list_checkpoints};
use super::frame::{BadFrame, Frame, Frames};
use super::segment::{HEADER_BYTES, Segment, list_segments};
use super::witness::{self, Witnessed};
use super::{StorageError, io_at, write_atomically};

/// So much of a torn tail is kept for inspection.
const CUT_BYTES_MAX: usize = 1 << 20;

/// Which checkpoint a recovery starts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum StartFrom {
    /// The newest valid one: the shortest way to the present.
    Newest,
    /// The oldest valid one: as much history as is kept.
    Oldest,
    /// The newest valid one of this tick or an earlier one: the shortest way to a moment of the past.
    Before(u64),
}

/// What a data directory holds.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing yet.
    Empty,
    /// A world.
    World(Box<Recovery>),
}

/// A world found in a data directory, verified: chain, witness and checkpoint agree.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// Where replay starts.
    pub(crate) checkpoint: Checkpoint,
    /// The end of the journal: the last frame's tick and hash.
    pub(crate) end: Witnessed,
    /// The torn tail, if there is one, cut when the world goes on: its file and where it starts.
    pub(crate) torn: Option<(PathBuf, u64)>,
    segments: Vec<(u64, PathBuf)>,
    last: (PathBuf, u64),
    /// Segment number and offset of the first frame after the checkpoint.
    resume: (usize, usize),
    world: u16,
}

/// Reads and verifies a data directory without changing it.
///
/// # Errors
/// Whatever [`StorageError`] names: damage behind the checkpoint, something acknowledged that is missing, a foreign file.
pub(crate) fn recover(dir: &Path, world: u16, from: StartFrom) -> Result<Found, StorageError> {
    recover_witnessed(dir, world, from, None)
}

/// As [`recover`], and asks the witness that is kept in a second place, too.
pub(crate) fn recover_witnessed(
    dir: &Path,
    world: u16,
    from: StartFrom,
    witness_dir: Option<&Path>,
) -> Result<Found, StorageError> {
    let mut segments = list_segments(dir)?;
    let checkpoint = choose_checkpoint(dir, world, (from, &segments))?;
    let second = witness_dir.map(|place| witness::second_in(place, world));
    let second = second.map(|path| Ok((witness::read(&path, world)?, path)));
    let second = second.transpose()?;
    let first_path = witness::path_in(dir);
    // A first start that was cut off may have left anything here: judged below.
    let first = witness::read(&first_path, world);
    let Some(checkpoint) = checkpoint else {
        return begin(dir, &segments, &first, second.as_ref());
    };
    let missing = |name: &str| StorageError::Missing {
        path: dir.join(name),
        because: "the directory holds a checkpoint",
    };
    if segments.is_empty() {
        return Err(missing("journal-*.bmj"));
    }
    let first = first?.ok_or_else(|| missing("witness"))?;
    let mut witnesses = vec![Testimony::new(first_path, first)];
    match second {
        Some((Some(said), path)) => witnesses.push(Testimony::new(path, said)),
        Some((None, path)) => {
            tracing::warn!(path = %path.display(), "there is no second witness yet: it is made now");
        }
        None => {}
    }
    // What the checkpoint covers is the past.
    let behind = segments.partition_point(|(first, _)| *first <= checkpoint.tick);
    segments.drain(..behind.saturating_sub(1));
    let mut survey = Survey::new(&checkpoint, witnesses);
    for (number, (tick, path)) in segments.iter().enumerate() {
        let segment = Segment::read(path, *tick, world)?;
        survey.walk(number, &segment, number + 1 == segments.len())?;
    }
    survey.finish(world, checkpoint, segments)
}

/// A directory without a checkpoint: nothing is there yet, unless something was acknowledged.
fn begin(
    dir: &Path,
    segments: &[(u64, PathBuf)],
    first: &Result<Option<Witnessed>, StorageError>,
    second: Option<&(Option<Witnessed>, PathBuf)>,
) -> Result<Found, StorageError> {
    if let Some((Some(said), path)) = second
        && said.tick > 0
    {
        return Err(StorageError::Behind {
            path: dir.to_owned(),
            offset: 0,
            recovered: 0,
            witnessed: said.tick,
            witness: path.clone(),
            remedy: Testimony::SECOND,
        });
    }
    let acknowledged = matches!(first, Ok(Some(found)) if found.tick > 0);
    match segments {
        [] if matches!(first, Ok(None)) => Ok(Found::Empty),
        [(0, path)] if !acknowledged && is_unused(path)? => Ok(Found::Empty),
        _ => Err(StorageError::Missing {
            path: dir.join("checkpoint-*.bmc"),
            because: "the directory holds a journal or a witness",
        }),
    }
}

/// Whether a first start was cut off before the first checkpoint: a header and nothing else.
fn is_unused(path: &Path) -> Result<bool, StorageError> {
    let bytes = std::fs::metadata(path).map_err(io_at(path, "read the journal"))?;
    Ok(bytes.len() == HEADER_BYTES as u64)
}

/// The newest or oldest checkpoint that is whole; damaged ones are passed over with a warning while another remains.
fn choose_checkpoint(
    dir: &Path,
    world: u16,
    (from, segments): (StartFrom, &[(u64, PathBuf)]),
) -> Result<Option<Checkpoint>, StorageError> {
    let mut all = list_checkpoints(dir)?;
    match from {
        StartFrom::Newest => all.reverse(),
        StartFrom::Before(tick) => {
            all.retain(|(at, _)| *at <= tick);
            all.reverse();
        }
        // One whose segment is gone was about to go, too.
        StartFrom::Oldest => all.retain(|(at, _)| segments.first().is_none_or(|s| s.0 <= *at)),
    }
    let mut damage = None;
    for (_, path) in all {
        match Checkpoint::read(&path, world) {
            Ok(checkpoint) => return Ok(Some(checkpoint)),
            Err(error @ StorageError::Damaged { .. }) => {
                tracing::warn!(%error, "a damaged checkpoint was passed over");
                damage.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    damage.map_or(Ok(None), Err)
}

/// What a witness says, and whether the journal contains it.
struct Testimony {
    path: PathBuf,
    said: Witnessed,
    is_seen: bool,
}

impl Testimony {
    const FIRST: &str = "restore the directory from a backup (`bluemarble world restore`)";
    const SECOND: &str = "restore a newer backup (`bluemarble world restore`); or, if what came after may be lost, remove that witness";

    fn new(path: PathBuf, said: Witnessed) -> Self {
        Self {
            path,
            said,
            is_seen: false,
        }
    }
}

/// One walk over the segments.
struct Survey {
    checkpoint_chain: u64,
    /// The one beside the journal comes first.
    witnesses: Vec<Testimony>,
    first_tick: u64,
    resume: Option<(usize, usize)>,
    end: Witnessed,
    end_path: PathBuf,
    end_offset: u64,
    torn: Option<(PathBuf, u64)>,
    is_first: bool,
}

impl Survey {
    fn new(checkpoint: &Checkpoint, witnesses: Vec<Testimony>) -> Self {
        Self {
            checkpoint_chain: checkpoint.chain,
            witnesses,
            first_tick: 0,
            resume: None,
            end: Witnessed { tick: 0, chain: 0 },
            end_path: PathBuf::new(),
            end_offset: 0,
            torn: None,
            is_first: true,
        }
    }

    fn walk(&mut self, number: usize, segment: &Segment, last: bool) -> Result<(), StorageError> {
        let header = segment.header;
        if !self.is_first && header.chain != self.end.chain {
            return Err(StorageError::Damaged {
                path: segment.path.clone(),
                offset: 24,
                what: "does not continue the segment before it (one is missing or foreign)",
            });
        }
        if self.is_first {
            self.first_tick = header.first_tick;
        }
        self.is_first = false;
        let floor = self.end.tick.max(header.first_tick);
        let mut frames = Frames::new(&segment.bytes, HEADER_BYTES, header.chain, floor);
        self.visit(
            number,
            &frames,
            self.end.tick.max(header.first_tick.saturating_sub(1)),
        );
        while let Some(frame) = frames.next() {
            match frame {
                Ok(frame) => self.visit(number, &frames, frame.tick),
                Err(bad) => {
                    self.stop(segment, bad, last)?;
                    break;
                }
            }
        }
        self.end_path.clone_from(&segment.path);
        self.end_offset = frames.offset() as u64;
        Ok(())
    }

    /// Notes what the chain shows where a frame ends.
    fn visit(&mut self, number: usize, at: &Frames<'_>, tick: u64) {
        self.end = Witnessed {
            tick,
            chain: at.chain(),
        };
        for witness in &mut self.witnesses {
            witness.is_seen |= at.chain() == witness.said.chain;
        }
        if at.chain() == self.checkpoint_chain {
            self.resume = Some((number, at.offset()));
        }
    }

    /// A bad frame: the torn tail of the last segment, or damage.
    fn stop(&mut self, segment: &Segment, bad: BadFrame, last: bool) -> Result<(), StorageError> {
        if !last || bad.is_damage {
            return Err(StorageError::Damaged {
                path: segment.path.clone(),
                offset: bad.offset as u64,
                what: bad.what,
            });
        }
        self.torn = Some((segment.path.clone(), bad.offset as u64));
        Ok(())
    }

    /// The newest thing acknowledged that is not there. What a witness said before the first segment is in the
    /// checkpoint: a power cut may leave a witness that is so old.
    fn unseen(&self) -> Option<(usize, &Testimony)> {
        let is_missing = |w: &Testimony| !w.is_seen && w.said.tick >= self.first_tick;
        let all = self.witnesses.iter().enumerate();
        all.filter(|(_, w)| is_missing(w))
            .max_by_key(|(_, w)| w.said.tick)
    }

    fn finish(
        self,
        world: u16,
        checkpoint: Checkpoint,
        segments: Vec<(u64, PathBuf)>,
    ) -> Result<Found, StorageError> {
        if let Some((number, witness)) = self.unseen() {
            return Err(StorageError::Behind {
                path: self.end_path.clone(),
                offset: self.end_offset,
                recovered: self.end.tick,
                witnessed: witness.said.tick,
                witness: witness.path.clone(),
                remedy: [Testimony::FIRST, Testimony::SECOND][number.min(1)],
            });
        }
        let resume = self.resume.ok_or(StorageError::Damaged {
            path: self.end_path.clone(),
            offset: self.end_offset,
            what: "the journal does not contain the place of the checkpoint",
        })?;
        Ok(Found::World(Box::new(Recovery {
            checkpoint,
            end: self.end,
            torn: self.torn,
            segments,
            last: (self.end_path, self.end_offset),
            resume,
            world,
        })))
    }
}

impl Recovery {
    /// Replaces the last segment by a synced copy of its valid frames; a torn tail stays aside in a file of its own.
    ///
    /// Written anew rather than synced in place: after a failed sync the system may hold pages that it takes for
    /// written, and they would be trusted without being on the disk.
    pub(crate) fn settle(&self) -> Result<(), StorageError> {
        let Some((tick, path)) = self.segments.last() else {
            return Ok(());
        };
        let segment = Segment::read(path, *tick, self.world)?;
        let end = self.last.1 as usize;
        let valid = segment.bytes.get(..end).unwrap_or_default();
        let mut frames = Frames::new(valid, HEADER_BYTES, segment.header.chain, 0);
        while let Some(Ok(_)) = frames.next() {}
        if frames.offset() != end || frames.chain() != self.end.chain {
            return Err(StorageError::Damaged {
                path: path.clone(),
                offset: frames.offset() as u64,
                what: "changed since it was verified",
            });
        }
        if self.torn.is_some() {
            let aside = path.with_extension("cut");
            tracing::warn!(file = %path.display(), offset = end, aside = %aside.display(), "cutting a torn, never acknowledged tail");
            let tail = &segment.bytes[end..];
            write_atomically(&aside, &[&tail[..tail.len().min(CUT_BYTES_MAX)]])?;
        }
        write_atomically(path, &[valid])
    }

    /// The earliest tick that a frame after these may have.
    pub(crate) fn floor(&self) -> u64 {
        let first = self.segments.last().map_or(0, |(tick, _)| *tick);
        self.end.tick.max(first)
    }

    /// The segment to continue, and its bytes.
    pub(crate) fn last_segment(&self) -> (&Path, u64) {
        (&self.last.0, self.last.1)
    }

    /// Hands every frame after the checkpoint to `apply`, in order.
    pub(crate) fn for_each_frame<E: From<StorageError>>(
        &self,
        mut apply: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (first, mut offset) = self.resume;
        let mut chain = self.checkpoint.chain;
        for (tick, path) in &self.segments[first..] {
            let segment = Segment::read(path, *tick, self.world)?;
            let mut frames = Frames::new(&segment.bytes, offset, chain, 0);
            // A bad frame here is the torn tail: the survey has judged it.
            while let Some(Ok(frame)) = frames.next() {
                apply(frame)?;
            }
            chain = frames.chain();
            offset = HEADER_BYTES;
        }
        Ok(())
    }
}
