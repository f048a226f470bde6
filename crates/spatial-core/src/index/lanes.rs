//! Doing work with the vector instructions of a level.

use crate::simd::SimdLevel;

/// Work that is compiled once for each level.
pub(super) trait Work {
    /// Does the work. It and what it calls in its loops are to be inlined always: only then do they use the instructions.
    fn run(self);
}

/// Does work with the instructions of a level that the CPU has.
#[inline(always)]
pub(super) fn at_level<W: Work>(level: SimdLevel, work: W) {
    debug_assert!(level <= SimdLevel::detected());
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the index checked when it was made that the CPU has its level.
        SimdLevel::Avx512 => unsafe { at_avx512(work) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        SimdLevel::Avx2 => unsafe { at_avx2(work) },
        _ => at_scalar(work),
    }
}

/// Not inlined, so that work may do work of its own kind.
#[inline(never)]
fn at_scalar<W: Work>(work: W) {
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(
    enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt"
)]
fn at_avx512<W: Work>(work: W) {
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
fn at_avx2<W: Work>(work: W) {
    work.run();
}
