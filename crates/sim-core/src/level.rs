//! Which vector instructions a step uses. All levels give the same bits.

use spatial_core::SimdLevel;

/// A set of vector instructions, each including the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SimLevel {
    /// None: one agent after the other, the specification.
    Scalar,
    /// Lanes of eight in whatever vectors every CPU of the target has (SSE2 on x86-64).
    Sse2,
    /// AVX2.
    Avx2,
}

impl SimLevel {
    /// All levels, ascending.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Sse2, Self::Avx2];

    /// The greatest level of this CPU, or of what [`SimdLevel::limit`] allows.
    pub fn detected() -> Self {
        match SimdLevel::detected() {
            SimdLevel::Scalar => Self::Sse2,
            SimdLevel::Avx2 | SimdLevel::Avx512 => Self::Avx2,
        }
    }

    /// Whether this CPU has it.
    pub fn is_available(self) -> bool {
        self <= Self::detected()
    }
}
