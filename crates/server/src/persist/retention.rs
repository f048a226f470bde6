//! What of the past is kept, and what goes so that the disk is bounded.
//!
//! ```text
//! segments      up to `journal_bytes_max`, the oldest go first
//! checkpoints   the two newest, always; and milestones, from which the past can be replayed: at most 64, and a quarter
//!               of the bytes. Where there are more, the one goes without which the others lie closest together.
//! .cut files    the 8 newest
//! ```
//! What the older of the two newest checkpoints needs never goes, whatever the bounds say. Nothing is remembered: what
//! to remove follows from names and sizes alone, so a process that died half-way is no special case.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::checkpoint::list_checkpoints;
use super::options::StoreOptions;
use super::segment::list_segments;
use super::{StorageError, io_at, list};

/// Checkpoints from which recovery starts.
const NEWEST: usize = 2;
/// Older ones.
const MILESTONES_MAX: usize = 64;
/// Tails that were cut off and are kept for inspection.
const CUTS_MAX: usize = 8;

/// A file of the directory that may go.
#[derive(Clone, PartialEq, Debug)]
struct Held {
    tick: u64,
    path: PathBuf,
    bytes: u64,
}

/// Removes what is beyond the bounds, so that another segment has room within them.
pub(super) fn tidy(dir: &Path, options: &StoreOptions) -> Result<(), StorageError> {
    let room = options.segment_bytes() as u64;
    let segment_bytes_max = options.journal_bytes_max.saturating_sub(room);
    let checkpoint_bytes_max = options.journal_bytes_max / 4;
    let checkpoints = sized(list_checkpoints(dir)?)?;
    let (gone, kept) = thinned(checkpoints, checkpoint_bytes_max);
    remove(&gone)?;
    let segments = sized(list_segments(dir)?)?;
    let count = beyond(&segments, &kept, segment_bytes_max);
    // Checkpoints first: one whose segment is missing would be of no use, a segment without is merely not read.
    if let Some(first) = segments.get(count) {
        remove(kept.iter().filter(|c| count > 0 && c.tick < first.tick))?;
    }
    remove(&segments[..count])?;
    let cuts = sized(list(dir, "journal-", ".cut")?)?;
    remove(&cuts[..cuts.len().saturating_sub(CUTS_MAX)])
}

/// How many of the oldest segments go: those that no checkpoint needs, and those beyond the bound.
fn beyond(segments: &[Held], checkpoints: &[Held], bytes_max: u64) -> usize {
    let Some(oldest) = checkpoints.first() else {
        return 0;
    };
    let needed = checkpoints[checkpoints.len().saturating_sub(NEWEST)].tick;
    let mut bytes: u64 = segments.iter().map(|s| s.bytes).sum();
    let mut count = 0;
    // A segment is behind a tick when the next one begins at or before it.
    while let Some(next) = segments.get(count + 1)
        && (next.tick <= oldest.tick || (bytes > bytes_max && next.tick <= needed))
    {
        bytes -= segments[count].bytes;
        count += 1;
    }
    count
}

/// Which checkpoints go and which stay.
fn thinned(mut all: Vec<Held>, bytes_max: u64) -> (Vec<Held>, Vec<Held>) {
    let mut gone = Vec::new();
    loop {
        let milestones = all.len().saturating_sub(NEWEST);
        let bytes: u64 = all[..milestones].iter().map(|c| c.bytes).sum();
        if milestones == 0 || (milestones <= MILESTONES_MAX && bytes <= bytes_max) {
            return (gone, all);
        }
        // The oldest is where history begins: it goes last.
        let span = |at: &usize| all[at + 1].tick - all[at - 1].tick;
        let closest = (1..milestones).min_by_key(span).unwrap_or(0);
        gone.push(all.remove(closest));
    }
}

/// Which of a backup's checkpoints stay: by number alone, as they are few.
pub(super) fn spread(ticks: impl Iterator<Item = u64>) -> BTreeSet<u64> {
    let held = |tick| Held {
        tick,
        path: PathBuf::new(),
        bytes: 0,
    };
    let all: BTreeSet<u64> = ticks.collect();
    let (_, kept) = thinned(all.into_iter().map(held).collect(), u64::MAX);
    kept.into_iter().map(|held| held.tick).collect()
}

fn sized(files: Vec<(u64, PathBuf)>) -> Result<Vec<Held>, StorageError> {
    let sized = |(tick, path): (u64, PathBuf)| {
        let bytes = std::fs::metadata(&path)
            .map_err(io_at(&path, "look at"))?
            .len();
        Ok(Held { tick, path, bytes })
    };
    files.into_iter().map(sized).collect()
}

fn remove<'a>(files: impl IntoIterator<Item = &'a Held>) -> Result<(), StorageError> {
    for Held { path, .. } in files {
        std::fs::remove_file(path).map_err(io_at(path, "remove"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(ticks: impl IntoIterator<Item = u64>, bytes: u64) -> Vec<Held> {
        let held = |tick| Held {
            tick,
            path: PathBuf::new(),
            bytes,
        };
        ticks.into_iter().map(held).collect()
    }

    fn ticks(held: &[Held]) -> Vec<u64> {
        held.iter().map(|h| h.tick).collect()
    }

    #[test]
    fn milestones_stay_evenly_spread_and_bounded() {
        let mut kept = Vec::new();
        for tick in 0..10_000 {
            kept.extend(held([tick * 10], 1));
            kept = thinned(kept, 1_000).1;
            assert!(kept.len() <= MILESTONES_MAX + NEWEST);
            let newest: Vec<u64> = kept.iter().rev().take(2).map(|h| h.tick).collect();
            assert_eq!(newest[0], tick * 10);
            assert!(tick == 0 || newest[1] == tick * 10 - 10);
        }
        assert_eq!(kept[0].tick, 0, "history begins where it did");
        let gaps: Vec<u64> = kept.windows(2).map(|w| w[1].tick - w[0].tick).collect();
        let widest = gaps.iter().max().unwrap();
        assert!(*widest <= 4 * 100_000 / 64, "{gaps:?}");
    }

    #[test]
    fn large_checkpoints_are_fewer() {
        let (gone, kept) = thinned(held([0, 10, 20, 30, 40, 50], 100), 250);
        assert_eq!(
            (ticks(&gone), ticks(&kept)),
            (vec![10, 30], vec![0, 20, 40, 50])
        );
        // Those that recovery needs stay, however large they are.
        let (_, kept) = thinned(held([0, 10, 20], 1_000), 250);
        assert_eq!(ticks(&kept), [10, 20]);
    }

    #[test]
    fn segments_go_by_bytes_and_by_use() {
        let segments = held([0, 10, 20, 30], 100);
        let count = |checkpoints: &[u64], bytes_max| {
            beyond(&segments, &held(checkpoints.iter().copied(), 1), bytes_max)
        };
        assert_eq!(count(&[0, 25, 35], 400), 0);
        assert_eq!(count(&[0, 25, 35], 399), 1);
        assert_eq!(count(&[0, 25, 35], 200), 2);
        assert_eq!(count(&[0, 25, 35], 0), 2, "25 is needed");
        assert_eq!(count(&[10, 25, 35], 400), 1, "nothing starts before 10");
        assert_eq!(count(&[], 0), 0);
        assert_eq!(count(&[40], 0), 3);
    }
}
