//! Eight numbers, sixteen words: AVX-512.

use core::arch::x86_64::*;
use core::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Sub};

use super::super::hilbert::Word;
use super::lanes::{Float, Lanes, Mask, SPREAD};

/// The proof that the CPU has the instructions of [`crate::SimdLevel::Avx512`].
#[derive(Clone, Copy)]
pub(super) struct Avx512(());

/// 8 numbers.
#[derive(Clone, Copy)]
pub(super) struct F64x8(__m512d);

/// 8 answers.
#[derive(Clone, Copy)]
pub(super) struct M64x8(__mmask8);

/// 16 words.
#[derive(Clone, Copy)]
pub(super) struct U32x16(__m512i);

impl Avx512 {
    /// # Safety
    /// The CPU must have every instruction set of [`crate::SimdLevel::Avx512`].
    pub(super) unsafe fn new() -> Self {
        Self(())
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

operators!(F64x8: Add add _mm512_add_pd, Sub sub _mm512_sub_pd, Mul mul _mm512_mul_pd, Div div _mm512_div_pd);
operators!(U32x16: BitAnd bitand _mm512_and_si512, BitOr bitor _mm512_or_si512, BitXor bitxor _mm512_xor_si512);

/// Masks are plain bits.
macro_rules! mask_operators {
    ($($trait:ident $method:ident $operator:tt),*) => {$(
        impl $trait for M64x8 {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(self.0 $operator other.0)
            }
        }
    )*};
}

mask_operators!(BitAnd bitand &, BitOr bitor |, BitXor bitxor ^);

impl Mask for M64x8 {
    #[inline(always)]
    fn bits(self) -> u32 {
        u32::from(self.0)
    }
}

impl Neg for F64x8 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        // SAFETY: as for the operators.
        Self(unsafe { _mm512_xor_pd(self.0, _mm512_set1_pd(-0.0)) })
    }
}

impl Float for F64x8 {
    type Mask = M64x8;

    #[inline(always)]
    fn sqrt(self) -> Self {
        // SAFETY: as for the operators; so in all of these.
        Self(unsafe { _mm512_sqrt_pd(self.0) })
    }

    #[inline(always)]
    fn floor(self) -> Self {
        // SAFETY: as above.
        Self(unsafe {
            _mm512_roundscale_pd::<{ _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC }>(self.0)
        })
    }

    #[inline(always)]
    fn abs(self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_andnot_pd(_mm512_set1_pd(-0.0), self.0) })
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_max_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn min(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_min_pd(self.0, other.0) })
    }

    #[inline(always)]
    fn gt(self, other: Self) -> M64x8 {
        // SAFETY: as above.
        M64x8(unsafe { _mm512_cmp_pd_mask::<_CMP_GT_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn ge(self, other: Self) -> M64x8 {
        // SAFETY: as above.
        M64x8(unsafe { _mm512_cmp_pd_mask::<_CMP_GE_OQ>(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, mask: M64x8, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_mask_blend_pd(mask.0, other.0, self.0) })
    }

    #[inline(always)]
    fn times_sign_of(self, other: Self) -> Self {
        // SAFETY: as above.
        Self(unsafe {
            let sign = _mm512_and_pd(other.0, _mm512_set1_pd(-0.0));
            _mm512_xor_pd(self.0, sign)
        })
    }
}

impl Word for U32x16 {
    #[inline(always)]
    fn same(self, bits: u32) -> Self {
        // SAFETY: as above.
        Self(unsafe { _mm512_set1_epi32(bits as i32) })
    }

    #[inline(always)]
    fn up<const N: u32>(self) -> Self {
        // SAFETY: as above. The count is known when this is compiled.
        Self(unsafe { _mm512_sll_epi32(self.0, _mm_cvtsi32_si128(N as i32)) })
    }

    #[inline(always)]
    fn down<const N: u32>(self) -> Self {
        // SAFETY: as above. The count is known when this is compiled.
        Self(unsafe { _mm512_srl_epi32(self.0, _mm_cvtsi32_si128(N as i32)) })
    }
}

impl Lanes for Avx512 {
    type F = F64x8;
    type M = M64x8;
    type W = U32x16;
    const COUNT: usize = 8;

    #[inline(always)]
    fn splat(self, x: f64) -> F64x8 {
        // SAFETY: `self` is the proof that the CPU has the instruction; so in all of these.
        F64x8(unsafe { _mm512_set1_pd(x) })
    }

    #[inline(always)]
    fn load(self, from: &[f64]) -> F64x8 {
        let from: &[f64; 8] = from.first_chunk().expect("the caller counts the lanes");
        // SAFETY: as above; the array has 8 numbers.
        F64x8(unsafe { _mm512_loadu_pd(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, x: F64x8, to: &mut [f64]) {
        let to: &mut [f64; 8] = to.first_chunk_mut().expect("the caller counts the lanes");
        // SAFETY: as above; the array has 8 numbers.
        unsafe { _mm512_storeu_pd(to.as_mut_ptr(), x.0) };
    }

    #[inline(always)]
    fn load_words(self, from: &[u32]) -> U32x16 {
        let from: &[u32; 16] = from.first_chunk().expect("the caller counts the lanes");
        // SAFETY: as above; the array has 16 words.
        U32x16(unsafe { _mm512_loadu_si512(from.as_ptr().cast()) })
    }

    #[inline(always)]
    fn words(self, [a, b]: [F64x8; 2]) -> U32x16 {
        // SAFETY: as above.
        U32x16(unsafe {
            let (a, b) = (_mm512_cvttpd_epi32(a.0), _mm512_cvttpd_epi32(b.0));
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(a), b)
        })
    }

    #[inline(always)]
    fn floats(self, w: U32x16) -> [F64x8; 2] {
        // SAFETY: as above.
        unsafe {
            let (a, b) = (
                _mm512_castsi512_si256(w.0),
                _mm512_extracti64x4_epi64::<1>(w.0),
            );
            [F64x8(_mm512_cvtepi32_pd(a)), F64x8(_mm512_cvtepi32_pd(b))]
        }
    }

    #[inline(always)]
    fn store_ids(self, hi: U32x16, lo: U32x16, to: &mut [u64]) {
        let to: &mut [u64; 16] = to.first_chunk_mut().expect("the caller counts the lanes");
        let to: *mut __m512i = to.as_mut_ptr().cast();
        // SAFETY: as above; the array has two vectors.
        unsafe {
            let (hi, lo) = (hi.0, lo.0);
            _mm512_storeu_si512(
                to,
                id(_mm512_castsi512_si256(hi), _mm512_castsi512_si256(lo)),
            );
            let (hi, lo) = (
                _mm512_extracti64x4_epi64::<1>(hi),
                _mm512_extracti64x4_epi64::<1>(lo),
            );
            _mm512_storeu_si512(to.add(1), id(hi, lo));
        }
    }

    #[inline(always)]
    fn load_ids(self, from: &[u64]) -> [U32x16; 3] {
        let from: &[u64; 16] = from.first_chunk().expect("the caller counts the lanes");
        let from: *const __m512i = from.as_ptr().cast();
        // SAFETY: as above; the array has two vectors.
        unsafe {
            let (a, b) = (_mm512_loadu_si512(from), _mm512_loadu_si512(from.add(1)));
            let (a_stop, b_stop) = (lowest_bits(a), lowest_bits(b));
            let (a, b) = (_mm512_xor_si512(a, a_stop), _mm512_xor_si512(b, b_stop));
            [
                gathered(_mm512_srli_epi64::<2>(a), _mm512_srli_epi64::<2>(b)),
                gathered(_mm512_srli_epi64::<1>(a), _mm512_srli_epi64::<1>(b)),
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
unsafe fn id(hi: __m256i, lo: __m256i) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let both = _mm512_or_si512(_mm512_slli_epi64::<1>(spread(hi)), spread(lo));
        _mm512_or_si512(_mm512_slli_epi64::<1>(both), _mm512_set1_epi64(1))
    }
}

/// The lowest bit set of each number.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn lowest_bits(x: __m512i) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe { _mm512_and_si512(x, _mm512_sub_epi64(_mm512_setzero_si512(), x)) }
}

/// The bits of words at the even places of numbers twice as long: a byte becomes two, each a spread nibble.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn spread(words: __m256i) -> __m512i {
    // SAFETY: the caller's promise; the table has 16 bytes.
    unsafe {
        let table = _mm512_broadcast_i32x4(_mm_loadu_si128(SPREAD.as_ptr().cast()));
        let bytes = _mm512_cvtepu8_epi16(words);
        let nibbles = _mm512_and_si512(
            _mm512_or_si512(bytes, _mm512_slli_epi16::<4>(bytes)),
            _mm512_set1_epi8(15),
        );
        _mm512_shuffle_epi8(table, nibbles)
    }
}

/// The bits at the even places of both, in words.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn gathered(a: __m512i, b: __m512i) -> U32x16 {
    // SAFETY: the caller's promise.
    unsafe {
        let (a, b) = (bytes(a), bytes(b));
        let (a, b) = (_mm512_cvtepi16_epi8(a), _mm512_cvtepi16_epi8(b));
        U32x16(_mm512_inserti64x4::<1>(_mm512_castsi256_si512(a), b))
    }
}

/// The bits at the even places of each sixteen bits, in the lower byte; the upper one is arbitrary.
///
/// # Safety
/// As for [`id`].
#[inline(always)]
unsafe fn bytes(x: __m512i) -> __m512i {
    // SAFETY: the caller's promise.
    unsafe {
        let x = _mm512_and_si512(x, _mm512_set1_epi16(0x5555));
        let x = _mm512_or_si512(x, _mm512_srli_epi64::<1>(x));
        let x = _mm512_and_si512(x, _mm512_set1_epi16(0x3333));
        let x = _mm512_or_si512(x, _mm512_srli_epi64::<2>(x));
        let x = _mm512_and_si512(x, _mm512_set1_epi16(0x0f0f));
        _mm512_or_si512(x, _mm512_srli_epi64::<4>(x))
    }
}
