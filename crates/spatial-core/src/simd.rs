//! Which vector instructions the kernels use: found once at run time, never a feature of the build.
//!
//! Every kernel has one scalar version, which is its specification; the others are that same code, or lanes of it, behind
//! `#[target_feature]`. All levels give the same results.

use std::sync::OnceLock;

/// A set of vector instructions, each including the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SimdLevel {
    /// What every CPU of the target has.
    Scalar,
    /// AVX2 with BMI1, BMI2 and POPCNT (x86-64-v3 without its fused multiply-adds).
    Avx2,
    /// AVX-512 F, BW, CD, DQ, VL, VBMI and VBMI2, as CPUs have them since Ice Lake and Zen 4.
    Avx512,
}

static LEVEL: OnceLock<SimdLevel> = OnceLock::new();

impl SimdLevel {
    /// All levels, ascending.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// The greatest level of this CPU. Detected at the first call; a load afterwards.
    #[inline]
    pub fn detected() -> Self {
        *LEVEL.get_or_init(detect)
    }

    /// Makes this the greatest level that the process uses, if the CPU has more: to measure another CPU's path.
    /// Returns whether it came in time, before the first use of any.
    pub fn limit(self) -> bool {
        LEVEL.set(detect().min(self)).is_ok()
    }

    /// The levels that this CPU has, ascending: what a test tries.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(|level| *level <= Self::detected())
    }
}

#[cfg(target_arch = "x86_64")]
fn detect() -> SimdLevel {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2");
    match (avx2, avx512) {
        (true, true) => SimdLevel::Avx512,
        (true, false) => SimdLevel::Avx2,
        (false, _) => SimdLevel::Scalar,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> SimdLevel {
    SimdLevel::Scalar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_detected_level_is_the_last_available_one() {
        let available: Vec<_> = SimdLevel::available().collect();
        assert_eq!(available.first(), Some(&SimdLevel::Scalar));
        assert_eq!(available.last(), Some(&SimdLevel::detected()));
    }
}
