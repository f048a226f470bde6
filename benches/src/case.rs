//! What all benches are.

use rayon::{ThreadPool, ThreadPoolBuilder};

/// Work that is timed, on input prepared from a fixed seed.
pub trait Case {
    /// Operations in one run: what its time is divided by.
    fn operations(&self) -> u64;

    /// Does the work.
    fn run(&mut self);

    /// A hash of what the runs so far have produced; not timed.
    fn hash(&self) -> u64;
}

/// A case on so many threads of its own, which prepare it as well.
pub(crate) struct Pooled<C> {
    pool: ThreadPool,
    case: C,
}

impl<C: Send> Pooled<C> {
    pub(crate) fn new(threads: usize, prepare: impl FnOnce() -> C + Send) -> Self {
        let pool = pool(threads);
        let case = pool.install(prepare);
        Self { pool, case }
    }
}

impl<C: Case + Send> Case for Pooled<C> {
    fn operations(&self) -> u64 {
        self.case.operations()
    }

    fn run(&mut self) {
        let Self { pool, case } = self;
        pool.install(|| case.run());
    }

    fn hash(&self) -> u64 {
        self.case.hash()
    }
}

/// A pool of so many threads.
pub(crate) fn pool(threads: usize) -> ThreadPool {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("a few threads can be had")
}

/// How much input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// As much as a test can afford.
    Tiny,
    /// As much as the case's name says.
    Full,
}

impl Size {
    /// A hundredth of the full number in a test.
    pub(crate) fn of(self, full: usize) -> usize {
        match self {
            Self::Tiny => full / 100,
            Self::Full => full,
        }
    }
}

/// An order-dependent hash of numbers (the finaliser of SplitMix64 over a running sum).
pub(crate) fn hash_of(values: impl IntoIterator<Item = u64>) -> u64 {
    values
        .into_iter()
        .fold(0, |hash: u64, value| mix(hash.wrapping_add(value)))
}

/// The finaliser of SplitMix64.
pub(crate) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
