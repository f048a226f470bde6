//! Four numbers, eight words: AVX2.

use core::arch::x86_64::*;
use core::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Sub};

use super::super::hilbert::Word;
use super::lanes::{Float, Lanes, Mask, SPREAD};

/// The proof that the CPU has the instructions of [`crate::SimdLevel::Avx2`].
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

/// 4 numbers.
#[derive(Clone, Copy)]
pub(super) struct F64x4(__m256d);

/// 4 answers.
#[derive(Clone, Copy)]
pub(super) struct M64x4(__m256d);

/// 8 words.
#[derive(Clone, Copy)]
pub(super) struct U32x8(__m256i);

impl Avx2 {
    /// # Safety
    /// The CPU must have every instruction set of [`crate::SimdLevel::Avx2`].
    pub(super) unsafe fn new() -> Self {
        Self(())
    }

    /// A word plus a step in the direction of each sign: 1, 0 or −1.
    #[inline(always)]
    pub(super) fn stepped(self, from: u32, step: i32, signs: &[i32; 8]) -> U32x8 {
        // SAFETY: `self` is the proof that the CPU has the instructions; the array has eight words.
        U32x8(unsafe {
            let signs = _mm256_loadu_si256(signs.as_ptr().cast());
            let steps = _mm256_sign_epi32(_mm256_set1_epi32(step), signs);
            _mm256_add_epi32(_mm256_set1_epi32(from as i32), steps)
        })
    }
}

/// Operators whose vectors exist only where the level's proof exists.
macro_rules! operators {
    ($type:ident: $($trait:ident $method:ident $intrinsic:ident),*) => {$(
        impl $trait for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: the operands were made with the proof that the CPU has the instructions.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    )*};
}

operators!(F64x4: Add add _mm256_add_pd, Sub sub _mm256_sub_pd, Mul mul _mm256_mul_pd, Div div _mm256_div_pd);
operators!(U32x8: BitAnd bitand _mm256_and_si256, BitOr bitor _mm256_or_si256, BitXor bitxor _mm256_xor_si256);
operators!(M64x4: BitAnd bitand _mm256_and_pd, BitOr bitor _mm256_or_pd, BitXor bitxor _mm256_xor_pd);

impl Mask for M64x4 {
    #[inline(always)]
    fn bits(self) -> u32 {
        // SAFETY: as for the operators.
        unsafe { _mm256_movemask_pd(self.0) as u32 }
    }
}

impl Neg for F64x4 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: as for the operators.
        Self(unsafe { _mm256_xor_pd(self.0, _mm256_set1_pd(-0.0)) })
    }
}

impl Float for F64x4 {
    type Mask = M64x4;

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: as for the operators; so in all of these.
        Self(unsafe { _mm256_sqrt_pd(self.0) })
    }

    #[inline(always)]
    fn floor(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_floor_pd(self.0) })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_andnot_pd(_mm256_set1_pd(-0.0), self.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_max_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_min_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn gt(self, other: Self) -> M64x4 {
        // SAFETY: as above.
        M64x4(unsafe { _mm256_cmp_pd::<_CMP_GT_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn ge(self, other: Self) -> M64x4 {
        // SAFETY: as above.
        M64x4(unsafe { _mm256_cmp_pd::<_CMP_GE_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, mask: M64x4, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_blendv_pd(other.0, self.0, mask.0) })
    }

    #[inline(always)]
    fn times_sign_of(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe {
            let sign = _mm256_and_pd(other.0, _mm256_set1_pd(-0.0));
            _mm256_xor_pd(self.0, sign)
        })
    }
}

impl Word for U32x8 {
    #[inline(always)]
    fn same(self, bits: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm256_set1_epi32(bits as i32) })
    }

    #[inline(always)]
    fn up<const N: u32>(self) -> Self {
        // SAFETY: as above. The count is known when this is compiled.
        Self(unsafe { _mm256_sll_epi32(self.0, _mm_cvtsi32_si128(N as i32)) })
    }

    #[inline(always)]
    fn down<const N: u32>(self) -> Self {
        // SAFETY: as above. The count is known when this is compiled.
        Self(unsafe { _mm256_srl_epi32(self.0, _mm_cvtsi32_si128(N as i32)) })
    }
}

impl Lanes for Avx2 {
    type F = F64x4;
    type M = M64x4;
    type W = U32x8;
    const COUNT: usize = 4;

    #[inline(always)]
    fn splat(self, x: f64) -> F64x4 {
        // SAFETY: `self` is the proof that the CPU has the instruction; so in all of these.
        F64x4(unsafe { _mm256_set1_pd(x) })
    }

    #[inline(always)]
    fn load(self, from: &[f64]) -> F64x4 {
        let from: &[f64; 4] = from.first_chunk().expect("the caller counts the lanes");
        // SAFETY: as above; the array has 4 numbers.
        F64x4(unsafe { _mm256_loadu_pd(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, x: F64x4, to: &mut [f64]) {
        let to: &mut [f64; 4] = to.first_chunk_mut().expect("the caller counts the lanes");
        // SAFETY: as above; the array has 4 numbers.
        unsafe { _mm256_storeu_pd(to.as_mut_ptr(), x.0) };
    }

    #[inline(always)]
    fn load_words(self, from: &[u32]) -> U32x8 {
        let from: &[u32; 8] = from.first_chunk().expect("the caller counts the lanes");
        // SAFETY: as above; the array has 8 words.
        U32x8(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn words(self, [a, b]: [F64x4; 2]) -> U32x8 {
        // SAFETY: as above.
        U32x8(unsafe { _mm256_set_m128i(_mm256_cvttpd_epi32(b.0), _mm256_cvttpd_epi32(a.0)) })
    }

    #[inline(always)]
    fn floats(self, w: U32x8) -> [F64x4; 2] {
        // SAFETY: as above.
        unsafe {
            let (a, b) = (
                _mm256_castsi256_si128(w.0),
                _mm256_extracti128_si256::<1>(w.0),
            );
            [F64x4(_mm256_cvtepi32_pd(a)), F64x4(_mm256_cvtepi32_pd(b))]
        }
    }

    #[inline(always)]
    fn store_ids(self, hi: U32x8, lo: U32x8, to: &mut [u64]) {
        let to: &mut [u64; 8] = to.first_chunk_mut().expect("the caller counts the lanes");
        let to: *mut __m256i = to.as_mut_ptr().cast();
        // SAFETY: as above; the array has two vectors.
        unsafe {
            let (hi, lo) = (hi.0, lo.0);
            _mm256_storeu_si256(
                to,
                id(_mm256_castsi256_si128(hi), _mm256_castsi256_si128(lo)),
            );
            let (hi, lo) = (
                _mm256_extracti128_si256::<1>(hi),
                _mm256_extracti128_si256::<1>(lo),
            );
            _mm256_storeu_si256(to.add(1), id(hi, lo));
        }
    }

    #[inline(always)]
    fn load_ids(self, from: &[u64]) -> [U32x8; 3] {
        let from: &[u64; 8] = from.first_chunk().expect("the caller counts the lanes");
        let from: *const __m256i = from.as_ptr().cast();
        // SAFETY: as above; the array has two vectors.
        unsafe {
            let (a, b) = (_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1)));
            let (a_stop, b_stop) = (lowest_bits(a), lowest_bits(b));
            let (a, b) = (_mm256_xor_si256(a, a_stop), _mm256_xor_si256(b, b_stop));
            [
                gathered(_mm256_srli_epi64::<2>(a), _mm256_srli_epi64::<2>(b)),
                gathered(_mm256_srli_epi64::<1>(a), _mm256_srli_epi64::<1>(b)),
                gathered(a_stop, b_stop),
            ]
        }
    }
}

/// Ids of leaves from the bits of their Hilbert positions.
///
/// # Safety
/// The CPU must have the level's instructions; so in all of these.
#[inline(always)]
unsafe fn id(hi: __m128i, lo: __m128i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let both = _mm256_or_si256(_mm256_slli_epi64::<1>(spread(hi)), spread(lo));
        _mm256_or_si256(_mm256_slli_epi64::<1>(both), _mm256_set1_epi64x(1))
    }
}

/// The lowest bit set of each number.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn lowest_bits(x: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe { _mm256_and_si256(x, _mm256_sub_epi64(_mm256_setzero_si256(), x)) }
}

/// The bits of words at the even places of numbers twice as long: a byte becomes two, each a spread nibble.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn spread(words: __m128i) -> __m256i {
    // SAFETY: the caller's promise; the table has 16 bytes.
    unsafe {
        let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(SPREAD.as_ptr().cast()));
        let bytes = _mm256_cvtepu8_epi16(words);
        let nibbles = _mm256_and_si256(
            _mm256_or_si256(bytes, _mm256_slli_epi16::<4>(bytes)),
            _mm256_set1_epi8(15),
        );
        _mm256_shuffle_epi8(table, nibbles)
    }
}

/// The bits at the even places of both, in words.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn gathered(a: __m256i, b: __m256i) -> U32x8 {
    // SAFETY: the caller's promise.
    unsafe {
        let (a, b) = (bytes(a), bytes(b));
        // Packing works on halves: a0 b0 a1 b1 to a0 a1 b0 b1.
        U32x8(_mm256_permute4x64_epi64::<0b11_01_10_00>(
            _mm256_packus_epi16(a, b),
        ))
    }
}

/// The bits at the even places of each sixteen bits, in the lower byte; the upper one is zero.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn bytes(x: __m256i) -> __m256i {
    // SAFETY: the caller's promise.
    unsafe {
        let x = _mm256_and_si256(x, _mm256_set1_epi16(0x5555));
        let x = _mm256_or_si256(x, _mm256_srli_epi64::<1>(x));
        let x = _mm256_and_si256(x, _mm256_set1_epi16(0x3333));
        let x = _mm256_or_si256(x, _mm256_srli_epi64::<2>(x));
        let x = _mm256_and_si256(x, _mm256_set1_epi16(0x0f0f));
        let x = _mm256_or_si256(x, _mm256_srli_epi64::<4>(x));
        _mm256_and_si256(x, _mm256_set1_epi16(0x00ff))
    }
}
