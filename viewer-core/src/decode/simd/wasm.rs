//! The vectors of WebAssembly.
#![expect(unsafe_code, reason = "loads and stores of whole vectors")]

use super::Lanes;
use std::arch::wasm32::*;

/// Lanes in a vector of the feature `simd128`.
pub(in crate::decode) struct Wasm;

impl Lanes for Wasm {
    type Vector = v128;

    #[inline]
    fn load(from: &[i16; 8]) -> v128 {
        // SAFETY: the array has 16 bytes, and this load asks for no alignment.
        unsafe { v128_load(from.as_ptr().cast()) }
    }

    #[inline]
    fn load_unsigned(from: &[u16; 8]) -> v128 {
        // SAFETY: the array has 16 bytes, and this load asks for no alignment.
        unsafe { v128_load(from.as_ptr().cast()) }
    }

    #[inline]
    fn store_unsigned(vector: v128, to: &mut [u16; 8]) {
        // SAFETY: the array has 16 bytes, and this store asks for no alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    fn splat16(value: i16) -> v128 {
        i16x8_splat(value)
    }

    #[inline]
    fn splat32(value: i32) -> v128 {
        i32x4_splat(value)
    }

    #[inline]
    fn load32(from: &[u32; 4]) -> v128 {
        // SAFETY: the array has 16 bytes, and this load asks for no alignment.
        unsafe { v128_load(from.as_ptr().cast()) }
    }

    #[inline]
    fn store32(vector: v128, to: &mut [u32; 4]) {
        // SAFETY: the array has 16 bytes, and this store asks for no alignment.
        unsafe { v128_store(to.as_mut_ptr().cast(), vector) }
    }

    #[inline]
    fn and(a: v128, b: v128) -> v128 {
        v128_and(a, b)
    }

    #[inline]
    fn or(a: v128, b: v128) -> v128 {
        v128_or(a, b)
    }

    #[inline]
    fn equal32(a: v128, b: v128) -> v128 {
        i32x4_eq(a, b)
    }

    #[inline]
    fn shift_left32(a: v128, shift: u32) -> v128 {
        i32x4_shl(a, shift)
    }

    #[inline]
    fn shift_right32<const SHIFT: u32>(a: v128) -> v128 {
        i32x4_shr(a, SHIFT)
    }

    #[inline]
    fn add16(a: v128, b: v128) -> v128 {
        i16x8_add(a, b)
    }

    #[inline]
    fn multiply16(a: v128, b: v128) -> v128 {
        i16x8_mul(a, b)
    }

    #[inline]
    fn shift_right_unsigned16<const SHIFT: u32>(a: v128) -> v128 {
        u16x8_shr(a, SHIFT)
    }

    #[inline]
    fn load_in_turn(from: &[u8; 48]) -> [[v128; 2]; 3] {
        let mut parts = [u8x16_splat(0); 3];
        for (part, from) in parts.iter_mut().zip(from.as_chunks::<16>().0) {
            // SAFETY: the array has 16 bytes, and this load asks for no alignment.
            *part = unsafe { v128_load(from.as_ptr().cast()) };
        }
        let [a, b, c] = parts;
        // Bytes of the first two thirds, then those of the last.
        let first = i8x16_shuffle::<0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0>(a, b);
        let second = i8x16_shuffle::<1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0>(a, b);
        let third = i8x16_shuffle::<2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0>(a, b);
        let whole = [
            i8x16_shuffle::<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29>(first, c),
            i8x16_shuffle::<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30>(second, c),
            i8x16_shuffle::<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31>(third, c),
        ];
        whole.map(|bytes| {
            [
                u16x8_extend_low_u8x16(bytes),
                u16x8_extend_high_u8x16(bytes),
            ]
        })
    }

    #[inline]
    fn store_in_turn(lanes: [[v128; 2]; 3], to: &mut [u8; 48]) {
        let [a, b, c] = lanes.map(|[low, high]| u8x16_narrow_i16x8(low, high));
        // Two of three bytes first; the third comes in between, or over a byte that stands in for it.
        let parts = [
            i8x16_shuffle::<0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5>(a, b),
            i8x16_shuffle::<21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26>(a, b),
            i8x16_shuffle::<0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0>(a, b),
        ];
        let parts = [
            i8x16_shuffle::<0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15>(parts[0], c),
            i8x16_shuffle::<0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15>(parts[1], c),
            i8x16_shuffle::<26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31>(parts[2], c),
        ];
        for (part, to) in parts.into_iter().zip(to.as_chunks_mut::<16>().0) {
            // SAFETY: the array has 16 bytes, and this store asks for no alignment.
            unsafe { v128_store(to.as_mut_ptr().cast(), part) }
        }
    }

    #[inline]
    fn min16(a: v128, b: v128) -> v128 {
        i16x8_min(a, b)
    }

    #[inline]
    fn max16(a: v128, b: v128) -> v128 {
        i16x8_max(a, b)
    }

    #[inline]
    fn add32(a: v128, b: v128) -> v128 {
        i32x4_add(a, b)
    }

    #[inline]
    fn subtract32(a: v128, b: v128) -> v128 {
        i32x4_sub(a, b)
    }

    #[inline]
    fn dot(a: v128, b: v128) -> v128 {
        i32x4_dot_i16x8(a, b)
    }

    #[inline]
    fn narrow(a: v128, b: v128) -> v128 {
        i16x8_narrow_i32x4(a, b)
    }

    #[inline]
    fn low16(a: v128, b: v128) -> v128 {
        i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b)
    }

    #[inline]
    fn high16(a: v128, b: v128) -> v128 {
        i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b)
    }

    #[inline]
    fn low32(a: v128, b: v128) -> v128 {
        i32x4_shuffle::<0, 4, 1, 5>(a, b)
    }

    #[inline]
    fn high32(a: v128, b: v128) -> v128 {
        i32x4_shuffle::<2, 6, 3, 7>(a, b)
    }

    #[inline]
    fn low64(a: v128, b: v128) -> v128 {
        i64x2_shuffle::<0, 2>(a, b)
    }

    #[inline]
    fn high64(a: v128, b: v128) -> v128 {
        i64x2_shuffle::<1, 3>(a, b)
    }
}
