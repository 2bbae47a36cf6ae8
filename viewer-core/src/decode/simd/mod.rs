//! Vectors of 128 bits, for what decoders do to many samples at once.
//!
//! One trait, [`Lanes`]: `scalar` says what each operation does, `wasm` and `sse2` do it with the processor's own
//! vectors, and a test holds these to it. What is computed with them is written once, over the trait, elsewhere. This is
//! the only folder of the crate with unsafe code: loads and stores of whole vectors.
//! Source: WebAssembly core specification 2.0, 4.3.3 (vector operations).

// Beside the processor's own lanes it is only judged by.
#[cfg(any(test, not(any(target_arch = "x86_64", target_feature = "simd128"))))]
mod scalar;
#[cfg(target_arch = "x86_64")]
mod sse2;
#[cfg(target_feature = "simd128")]
mod wasm;

#[cfg(test)]
pub(super) use scalar::Scalar;
#[cfg(not(any(target_arch = "x86_64", target_feature = "simd128")))]
pub(super) use scalar::Scalar as Native;
#[cfg(target_arch = "x86_64")]
pub(super) use sse2::Sse2 as Native;
#[cfg(target_feature = "simd128")]
pub(super) use wasm::Wasm as Native;

/// Operations on eight lanes of 16 bits or four of 32 bits; sums and products wrap.
pub(super) trait Lanes {
    /// A vector, whatever its lanes are.
    type Vector: Copy;

    fn load(from: &[i16; 8]) -> Self::Vector;
    /// The same bits.
    fn load_unsigned(from: &[u16; 8]) -> Self::Vector;
    /// The same bits.
    fn store_unsigned(vector: Self::Vector, to: &mut [u16; 8]);
    /// Eight times the same.
    fn splat16(value: i16) -> Self::Vector;
    /// Four times the same.
    fn splat32(value: i32) -> Self::Vector;
    fn add16(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn multiply16(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Each lane, as a number without sign, by 2 to the `SHIFT`.
    fn shift_right_unsigned16<const SHIFT: u32>(a: Self::Vector) -> Self::Vector;
    fn min16(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn max16(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn add32(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn subtract32(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn load32(from: &[u32; 4]) -> Self::Vector;
    fn store32(vector: Self::Vector, to: &mut [u32; 4]);
    fn and(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn or(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// All bits are set in lanes of 32 bits that are the same, none in others.
    fn equal32(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Each lane times 2 to the `shift`, which is below 32.
    fn shift_left32(a: Self::Vector, shift: u32) -> Self::Vector;
    /// Each lane by 2 to the `SHIFT`, rounded down.
    fn shift_right32<const SHIFT: u32>(a: Self::Vector) -> Self::Vector;
    /// Sixteen lanes each of the bytes of the first, the second and the third in turn.
    fn load_in_turn(from: &[u8; 48]) -> [[Self::Vector; 2]; 3];
    /// The same backwards; what is beyond a byte becomes the nearest value.
    fn store_in_turn(lanes: [[Self::Vector; 2]; 3], to: &mut [u8; 48]);
    /// Four sums of two products each, of neighbours among eight lanes.
    fn dot(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The four lanes of `a`, then those of `b`, as 16 bits: what is beyond them becomes the nearest value.
    fn narrow(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The first halves of both, lanes of 16 bits in turn.
    fn low16(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The second halves.
    fn high16(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The first halves of both, lanes of 32 bits in turn.
    fn low32(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn high32(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The first half of `a`, then that of `b`.
    fn low64(a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn high64(a: Self::Vector, b: Self::Vector) -> Self::Vector;
}

/// Rows of eight lanes become columns.
#[inline]
pub(super) fn transpose<L: Lanes>(v: [L::Vector; 8]) -> [L::Vector; 8] {
    let pairs = |a: usize, b: usize| (L::low16(v[a], v[b]), L::high16(v[a], v[b]));
    let (a0, a1) = pairs(0, 1);
    let (b0, b1) = pairs(2, 3);
    let (c0, c1) = pairs(4, 5);
    let (d0, d1) = pairs(6, 7);
    let fours = |a, b| (L::low32(a, b), L::high32(a, b));
    let (e0, e1) = fours(a0, b0);
    let (f0, f1) = fours(a1, b1);
    let (g0, g1) = fours(c0, d0);
    let (h0, h1) = fours(c1, d1);
    [
        L::low64(e0, g0),
        L::high64(e0, g0),
        L::low64(e1, g1),
        L::high64(e1, g1),
        L::low64(f0, h0),
        L::high64(f0, h0),
        L::low64(f1, h1),
        L::high64(f1, h1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of all sizes, the extremes among them.
    fn numbers(seed: u32) -> [i16; 8] {
        let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
        std::array::from_fn(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            match state % 5 {
                0 => i16::MIN,
                1 => i16::MAX,
                2 => i16::from((state >> 16) as u8) - 128,
                _ => ((state >> 16) as u16).cast_signed(),
            }
        })
    }

    fn both(vector: <Native as Lanes>::Vector) -> [i16; 8] {
        let mut lanes = [0; 8];
        Native::store_unsigned(vector, &mut lanes);
        lanes.map(u16::cast_signed)
    }

    #[test]
    fn the_processors_lanes_do_what_the_scalar_ones_do() {
        for seed in 0..500 {
            let (a, b) = (numbers(seed), numbers(seed + 1000));
            let (x, y) = (Native::load(&a), Native::load(&b));
            let (p, q) = (Scalar::load(&a), Scalar::load(&b));
            macro_rules! same {
                ($($name:ident),*) => {$(
                    assert_eq!(both(Native::$name(x, y)), Scalar::$name(p, q), "{}", stringify!($name));
                )*};
            }
            same!(
                add16, multiply16, min16, max16, and, or, equal32, add32, subtract32, dot, narrow,
                low16, high16, low32, high32, low64, high64
            );
            assert_eq!(
                both(Native::shift_right32::<11>(x)),
                Scalar::shift_right32::<11>(p)
            );
            assert_eq!(both(Native::splat16(a[0])), Scalar::splat16(a[0]));
            assert_eq!(
                both(Native::shift_right_unsigned16::<4>(x)),
                Scalar::shift_right_unsigned16::<4>(p)
            );
            let lanes = [[a, b], [b, a], [a, a]];
            let (mut pixels, mut expected) = ([0; 48], [1; 48]);
            Native::store_in_turn(
                lanes.map(|two| two.map(|each| Native::load(&each))),
                &mut pixels,
            );
            Scalar::store_in_turn(lanes, &mut expected);
            assert_eq!(pixels, expected);
            let loaded = Native::load_in_turn(&pixels).map(|two| two.map(both));
            assert_eq!(loaded, Scalar::load_in_turn(&pixels));
            for shift in [0, 1, 17, 31] {
                assert_eq!(
                    both(Native::shift_left32(x, shift)),
                    Scalar::shift_left32(p, shift)
                );
            }
            assert_eq!(both(Native::equal32(x, x)), [-1; 8]);
            let mut four = [0; 4];
            Native::store32(Native::load32(&[1, 2, u32::MAX, 4]), &mut four);
            assert_eq!(four, [1, 2, u32::MAX, 4]);
            let unsigned = a.map(i16::cast_unsigned);
            assert_eq!(both(Native::load_unsigned(&unsigned)), a);
            let wide = i32::from(a[0]) * i32::from(b[0]);
            assert_eq!(both(Native::splat32(wide)), Scalar::splat32(wide));
        }
    }

    #[test]
    fn transposed_rows_are_columns() {
        let rows: [[i16; 8]; 8] =
            std::array::from_fn(|row| std::array::from_fn(|column| (10 * row + column) as i16));
        let columns = transpose::<Native>(rows.map(|row| Native::load(&row))).map(both);
        for (row, line) in rows.iter().enumerate() {
            for (column, value) in line.iter().enumerate() {
                assert_eq!(columns[column][row], *value);
            }
        }
    }
}
