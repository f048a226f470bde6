//! Fetching memory before it is read.

/// How many entries of a batch are looked ahead: enough to cover a miss of the caches; 8 to 64 are as good.
pub(crate) const AHEAD: usize = 24;

/// Asks the processor to fetch the cache line of a value; where it has no such instruction, nothing.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 CPU has the instruction, and it reads nothing that a program sees: no address faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
