//! The vectors of every 64-bit processor of Intel's and AMD's make.
#![expect(unsafe_code, reason = "loads, stores and operations of SSE2")]

use super::Lanes;
use std::arch::x86_64::*;

/// Lanes in a register of SSE2, which the target always has.
pub(in crate::decode) struct Sse2;

impl Lanes for Sse2 {
    type Vector = __m128i;

    #[inline]
    fn load(from: &[i16; 8]) -> __m128i {
        // SAFETY: the array has 16 bytes, and this load asks for no alignment.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
    }

    #[inline]
    fn load_unsigned(from: &[u16; 8]) -> __m128i {
        // SAFETY: the array has 16 bytes, and this load asks for no alignment.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
    }

    #[inline]
    fn store_unsigned(vector: __m128i, to: &mut [u16; 8]) {
        // SAFETY: the array has 16 bytes, and this store asks for no alignment.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    fn splat16(value: i16) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_set1_epi16(value) }
    }

    #[inline]
    fn splat32(value: i32) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_set1_epi32(value) }
    }

    #[inline]
    fn load32(from: &[u32; 4]) -> __m128i {
        // SAFETY: the array has 16 bytes, and this load asks for no alignment.
        unsafe { _mm_loadu_si128(from.as_ptr().cast()) }
    }

    #[inline]
    fn store32(vector: __m128i, to: &mut [u32; 4]) {
        // SAFETY: the array has 16 bytes, and this store asks for no alignment.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    fn and(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_and_si128(a, b) }
    }

    #[inline]
    fn or(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_or_si128(a, b) }
    }

    #[inline]
    fn equal32(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_cmpeq_epi32(a, b) }
    }

    #[inline]
    fn shift_left32(a: __m128i, shift: u32) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_sll_epi32(a, _mm_cvtsi32_si128(shift.cast_signed())) }
    }

    #[inline]
    fn shift_right32<const SHIFT: u32>(a: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_sra_epi32(a, _mm_cvtsi32_si128(SHIFT.cast_signed())) }
    }

    #[inline]
    fn add16(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_add_epi16(a, b) }
    }

    #[inline]
    fn multiply16(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_mullo_epi16(a, b) }
    }

    #[inline]
    fn shift_right_unsigned16<const SHIFT: u32>(a: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_srl_epi16(a, _mm_cvtsi32_si128(SHIFT.cast_signed())) }
    }

    #[inline]
    fn load_in_turn(from: &[u8; 48]) -> [[__m128i; 2]; 3] {
        std::array::from_fn(|place| {
            std::array::from_fn(|half| {
                Self::load(&std::array::from_fn(|lane| {
                    i16::from(from[3 * (8 * half + lane) + place])
                }))
            })
        })
    }

    #[inline]
    fn store_in_turn(lanes: [[__m128i; 2]; 3], to: &mut [u8; 48]) {
        // SSE2 has no such permutation.
        let mut bytes = [[0; 16]; 3];
        for (bytes, [low, high]) in bytes.iter_mut().zip(lanes) {
            // SAFETY: every processor of the target has SSE2; the array has 16 bytes, and this store asks for no alignment.
            unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm_packus_epi16(low, high)) };
        }
        for (place, pixel) in to.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            *pixel = bytes.map(|bytes| bytes[place]);
        }
    }

    #[inline]
    fn min16(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_min_epi16(a, b) }
    }

    #[inline]
    fn max16(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_max_epi16(a, b) }
    }

    #[inline]
    fn add32(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_add_epi32(a, b) }
    }

    #[inline]
    fn subtract32(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_sub_epi32(a, b) }
    }

    #[inline]
    fn dot(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_madd_epi16(a, b) }
    }

    #[inline]
    fn narrow(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_packs_epi32(a, b) }
    }

    #[inline]
    fn low16(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_unpacklo_epi16(a, b) }
    }

    #[inline]
    fn high16(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_unpackhi_epi16(a, b) }
    }

    #[inline]
    fn low32(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_unpacklo_epi32(a, b) }
    }

    #[inline]
    fn high32(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_unpackhi_epi32(a, b) }
    }

    #[inline]
    fn low64(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_unpacklo_epi64(a, b) }
    }

    #[inline]
    fn high64(a: __m128i, b: __m128i) -> __m128i {
        // SAFETY: every processor of the target has SSE2.
        unsafe { _mm_unpackhi_epi64(a, b) }
    }
}
