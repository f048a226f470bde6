//! Whether a world's rules are deterministic: found out by running them in every way that must not matter.

use crate::level::SimLevel;
use crate::record::Record;
use crate::snapshot::Snapshot;
use crate::world::{StepError, World};

/// A world to be run again and again: how it begins, and what its ticks consume.
pub trait Trial: Sync {
    /// The world before its first tick, with its columns, systems and staged ground.
    fn begin(&self) -> World;

    /// The records of a tick. The world is given for what they depend on.
    fn records(&self, world: &mut World, tick: u64) -> Vec<Record>;
}

/// Why a world's rules are not deterministic.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// A step was refused.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Two ways of running it differ.
    #[error(
        "{way}: the state after tick {tick} is {found:016x}, and {want:016x} on one thread, one by one"
    )]
    Differs {
        /// How it was run.
        way: String,
        /// The first tick after which it shows.
        tick: u64,
        /// The hash.
        found: u64,
        /// The hash of the first run.
        want: u64,
    },
}

/// Runs a trial on 1, 2, 3 and 8 threads at every [`SimLevel`] that the CPU has, and once more going back to a snapshot from half way;
/// gives the hash at the end. Compares the state after every tick.
///
/// # Errors
/// [`ProofError`] names the first tick after which two runs differ.
///
/// # Panics
/// When no threads are to be had.
pub fn prove(trial: &impl Trial, ticks: u64) -> Result<u64, ProofError> {
    let want = run(trial, ticks, 1, SimLevel::Scalar, false)?;
    let ways = SimLevel::ALL
        .into_iter()
        .filter(|level| level.is_available());
    let ways = ways.flat_map(|level| [1, 2, 3, 8].map(|threads| (level, threads, threads == 2)));
    for (level, threads, is_restored) in ways {
        let found = run(trial, ticks, threads, level, is_restored)?;
        let differs = (0..)
            .zip(want.iter().zip(&found))
            .find(|(_, (a, b))| a != b);
        if let Some((tick, (want, found))) = differs {
            let restored = if is_restored {
                ", restored half way"
            } else {
                ""
            };
            return Err(ProofError::Differs {
                way: format!("{level:?} on {threads} threads{restored}"),
                tick,
                found: *found,
                want: *want,
            });
        }
    }
    Ok(want.last().copied().unwrap_or_default())
}

/// The hash after each tick.
fn run(
    trial: &impl Trial,
    ticks: u64,
    threads: usize,
    level: SimLevel,
    is_restored: bool,
) -> Result<Vec<u64>, StepError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a few threads can be had").install(|| {
        let mut world = trial.begin();
        assert!(world.set_level(level), "only levels that there are");
        let mut hashes = Vec::new();
        let mut snapshot = Snapshot::default();
        let step = |world: &mut World, tick: u64| {
            let records = trial.records(world, tick);
            world.step(tick, &records).map(|_| world.hash())
        };
        for tick in 0..ticks {
            if is_restored && tick == ticks / 2 {
                world.snapshot(&mut snapshot);
                for ahead in tick..(tick + 5).min(ticks) {
                    step(&mut world, ahead)?;
                }
                world.restore(&snapshot).expect("it is of this world");
            }
            hashes.push(step(&mut world, tick)?);
        }
        Ok(hashes)
    })
}
