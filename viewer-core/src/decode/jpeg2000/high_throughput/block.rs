//! One HT code block: bytes to coefficients with sign and magnitude.
//!
//! A coefficient has its sign in bit 31; below it stands the magnitude, whose first bit plane is bit 30, with
//! half of the last decoded plane added to it.
//!
//! Quads go two at a time and a row at a time: first what the codes say of them, then their samples. Both read
//! bits that were laid down without stuffing, by tables and without branches on what a sample is.
//! Source: ISO/IEC 15444-15 (ITU-T T.814) clause 7 (decoding) and annex B (bit streams).

use super::codes::{BOTH_IN_FIRST_ROW, Codes, quad};
use super::refinement::Grid;
use super::streams::{Bits, RunLengths};
use crate::decode::simd::{Lanes, Native};
use crate::decode::work;

/// Where the coded bytes of a block are and how they are to be read.
pub(in crate::decode::jpeg2000) struct Coded<'a> {
    /// Bytes of the cleanup pass.
    pub cleanup: &'a [u8],
    /// Bytes of the two passes behind it.
    pub refinement: &'a [u8],
    /// 1 to 3.
    pub passes: u32,
    /// Bit planes that hold nothing.
    pub empty_planes: u32,
    /// Samples below the stripe of four lines do not count.
    pub causal: bool,
}

/// Decodes blocks one after another.
pub(in crate::decode::jpeg2000) struct BlockDecoder<'a> {
    codes: &'a Codes,
    magnitudes: Bits,
    quad_codes: Bits,
    /// What the codes say of the quads of a row and of the row above it; see [`quad`].
    row: Vec<u32>,
    row_above: Vec<u32>,
    /// Of the bottom samples of each quad the doubled magnitudes less one. One quad more at both ends.
    bottom: Vec<[u32; 2]>,
    bottom_above: Vec<[u32; 2]>,
    coefficients: Vec<u32>,
    stride: usize,
}

impl<'a> BlockDecoder<'a> {
    pub fn new(codes: &'a Codes) -> Self {
        Self {
            codes,
            magnitudes: Bits::default(),
            quad_codes: Bits::default(),
            row: Vec::new(),
            row_above: Vec::new(),
            bottom: Vec::new(),
            bottom_above: Vec::new(),
            coefficients: Vec::new(),
            stride: 0,
        }
    }

    /// Decodes a block of `width` x `height` coefficients; `None` for bytes that no encoder makes.
    pub fn decode(&mut self, coded: &Coded, width: usize, height: usize) -> Option<()> {
        if coded.empty_planes > 28 {
            return None;
        }
        self.stride = width.next_multiple_of(2);
        let size = self.stride * height.next_multiple_of(2);
        self.coefficients.resize(size, 0);
        work::count(size * coded.passes as usize);
        work::count(coded.cleanup.len() + coded.refinement.len());
        self.cleanup(coded, width, height)?;
        if coded.passes > 1 {
            let grid = Grid {
                width,
                height,
                stride: self.stride,
                causal: coded.causal,
            };
            grid.decode(coded, &mut self.magnitudes, &mut self.coefficients);
        }
        Some(())
    }

    /// The lines of the last block; they may be longer than the block is wide.
    pub fn lines(&self) -> std::slice::ChunksExact<'_, u32> {
        self.coefficients.chunks_exact(self.stride.max(1))
    }

    /// The cleanup pass (7.3).
    fn cleanup(&mut self, coded: &Coded, width: usize, height: usize) -> Option<()> {
        let bytes = coded.cleanup;
        let &[.., before, last] = bytes else {
            return None;
        };
        // 7.1.1: the last twelve bits tell the length of the suffix.
        let suffix = usize::from(last) << 4 | usize::from(before & 15);
        if !(2..=4079).contains(&suffix) || suffix > bytes.len() {
            return None;
        }
        let (magnitudes, suffix) = bytes.split_at(bytes.len() - suffix);
        self.magnitudes.lay_forward(magnitudes, 0xFF);
        self.quad_codes.lay_codes(suffix);
        let mut runs = RunLengths::new(suffix);

        let quads = width.div_ceil(2);
        for row in [&mut self.row, &mut self.row_above] {
            row.clear();
            row.resize(quads + 4, 0);
        }
        for row in [&mut self.bottom, &mut self.bottom_above] {
            row.clear();
            row.resize(quads + 2, [0; 2]);
        }
        let pairs_of_lines = self.coefficients.chunks_exact_mut((2 * self.stride).max(1));
        for (index, lines) in pairs_of_lines.enumerate().take(height.div_ceil(2)) {
            let read_codes = if index == 0 {
                read_codes::<true>
            } else {
                read_codes::<false>
            };
            let above = &self.row_above;
            read_codes(
                self.codes,
                &mut self.quad_codes,
                &mut runs,
                above,
                &mut self.row,
            );
            read_samples(
                self.codes,
                &mut self.magnitudes,
                coded.empty_planes,
                &self.row[1..=quads],
                &self.bottom_above,
                &mut self.bottom[1..],
                lines.split_at_mut(self.stride),
            )?;
            std::mem::swap(&mut self.row, &mut self.row_above);
            std::mem::swap(&mut self.bottom, &mut self.bottom_above);
        }
        Some(())
    }
}

/// What the codes say of a row of quads (7.3.5 and 7.3.6): [`quad`], and above its bits the exponent beyond the guide.
///
/// Rows begin and end with a quad that is not there; behind that come two more, so that pairs are whole.
fn read_codes<const FIRST: bool>(
    codes: &Codes,
    bits: &mut Bits,
    runs: &mut RunLengths,
    above: &[u32],
    row: &mut [u32],
) {
    let table = codes.of_row(FIRST);
    let mut reader = bits.reader();
    let mut quads_left = row.len() - 4;
    let pairs = quads_left.div_ceil(2);
    let (mut left, mut before) = (0, above[0]);
    let row = row[1..].as_chunks_mut::<2>().0.iter_mut().take(pairs);
    let (above, _) = above[1..].as_chunks::<2>();
    for ((pair, above), after) in row.zip(above).zip(&above[1..]) {
        let mut word = reader.peek();
        let mut used = 0;
        let mut next = |above: [u32; 3], left: u32| {
            let context = if FIRST {
                first_context(left)
            } else {
                context(left, above)
            };
            if context == 0 && !runs.event() {
                return 0;
            }
            let code = u32::from(table[(context as usize & 7) << 7 | (word & 127) as usize]);
            word >>= code >> quad::LENGTH;
            used += code >> quad::LENGTH;
            code
        };
        let one = next([before, above[0], above[1]], left);
        let two = if quads_left > 1 {
            next([above[0], above[1], after[0]], one)
        } else {
            0
        };
        quads_left -= quads_left.min(2);
        before = above[1];
        *pair = [one, two];
        left = two;
        let has = |code: u32| code >> quad::HAS_EXPONENT & 1;
        let mut kind = has(one) | has(two) << 1;
        if kind > 0 {
            if FIRST && kind == 3 {
                kind = BOTH_IN_FIRST_ROW + u32::from(runs.event());
            }
            let exponents = codes.exponents(kind, word);
            word >>= exponents.length();
            let more = exponents.more();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "ten bits at most are looked at"
            )]
            let bits = word as u32;
            let suffixes = [
                bits & ((1 << more[0]) - 1),
                bits >> more[0] & ((1 << more[1]) - 1),
            ];
            used += exponents.length() + exponents.more_of_both();
            let bases = exponents.bases();
            let mut sums = [bases[0] + suffixes[0], bases[1] + suffixes[1]];
            // Only magnitudes of more bits than samples of 16 bits have need it.
            if suffixes[0].max(suffixes[1]) >= 28 {
                word >>= exponents.more_of_both();
                for (sum, suffix) in sums.iter_mut().zip(suffixes) {
                    if suffix >= 28 {
                        *sum += 4 * (word as u32 & 15);
                        word >>= 4;
                        used += 4;
                    }
                }
            }
            *pair = [one | sums[0] << 16, two | sums[1] << 16];
        }
        reader.skip(used);
    }
    let position = reader.position;
    bits.seek(position);
}

/// The context of a quad in the first row (7.3.5), from the quad to the left.
#[inline]
fn first_context(left: u32) -> u32 {
    (left | left >> 1) & 1 | left >> 1 & 6
}

/// The context of a quad in the other rows, from the quad to the left and the three above it.
#[inline]
fn context(left: u32, above: [u32; 3]) -> u32 {
    let [before, over, after] = above;
    (before >> 3 | over >> 1) & 1
        | (left >> 1 | left >> 2) & 2
        | ((over >> 3 | after >> 1) & 1) << 2
}

/// The samples of a row of quads (7.3.7), into two lines.
fn read_samples(
    codes: &Codes,
    bits: &mut Bits,
    empty_planes: u32,
    row: &[u32],
    bottom_above: &[[u32; 2]],
    bottom: &mut [[u32; 2]],
    (top, low): (&mut [u32], &mut [u32]),
) -> Option<()> {
    let mut reader = bits.reader();
    let lines = top
        .as_chunks_mut::<2>()
        .0
        .iter_mut()
        .zip(low.as_chunks_mut::<2>().0);
    let rows = row.iter().zip(bottom_above.windows(3)).zip(bottom);
    for (((code, above), bottom), (top, low)) in rows.zip(lines) {
        let significant = code & quad::SIGNIFICANT;
        if significant == 0 {
            (*bottom, *top, *low) = ([0; 2], [0; 2], [0; 2]);
            continue;
        }
        // More than one significant sample takes the exponents above as a guide.
        let around = above[0][1] | above[1][0] | above[1][1] | above[2][0] | 2;
        let is_alone = significant & (significant - 1) == 0;
        let guide = if is_alone {
            1
        } else {
            31 - around.leading_zeros()
        };
        let exponent = (code >> 16) + guide;
        if exponent > empty_planes + 2 {
            return None;
        }
        let raw = if exponent <= 14 {
            let word = reader.peek();
            let ends = codes.ends(*code, exponent);
            reader.skip(ends >> 24);
            [
                word,
                word >> (ends & 63),
                word >> (ends >> 8 & 63),
                word >> (ends >> 16 & 63),
            ]
            .map(|word| word as u32)
        } else {
            [0, 1, 2, 3].map(|sample| {
                let known = code >> (quad::KNOWN + sample) & 1;
                reader.take((exponent - known) * (code >> sample & 1))
            })
        };
        let (values, coefficients) = quad_of::<Native>(*code, exponent, raw, 29 - empty_planes);
        *bottom = [values[1], values[3]];
        *top = [coefficients[0], coefficients[2]];
        *low = [coefficients[1], coefficients[3]];
    }
    let position = reader.position;
    bits.seek(position);
    Some(())
}

/// The samples of a quad, of which `raw` holds the bits, with others above them: their doubled magnitudes less one, and the
/// coefficients, whose last plane is at `shift`.
#[inline]
fn quad_of<L: Lanes>(code: u32, exponent: u32, raw: [u32; 4], shift: u32) -> ([u32; 4], [u32; 4]) {
    let code = L::splat32(code.cast_signed());
    let is_set = |first: u32| {
        let bits = L::load32(&[1 << first, 2 << first, 4 << first, 8 << first]);
        L::equal32(L::and(code, bits), bits)
    };
    let (significant, known, top) = (is_set(0), is_set(quad::KNOWN), is_set(quad::TOP));
    let half = 1_u32.wrapping_shl(exponent.wrapping_sub(1));
    // The bit above those of the sample.
    let over = L::subtract32(
        L::splat32(half.wrapping_mul(2).cast_signed()),
        L::and(known, L::splat32(half.cast_signed())),
    );
    let raw = L::load32(&raw);
    let one = L::splat32(1);
    let magnitude = L::and(raw, L::subtract32(over, one));
    let value = L::or(L::or(magnitude, L::and(top, over)), one);
    let value = L::and(value, significant);
    let placed = L::shift_left32(L::add32(value, L::splat32(2)), shift);
    let coefficient = L::and(L::or(L::shift_left32(raw, 31), placed), significant);
    let (mut values, mut coefficients) = ([0; 4], [0; 4]);
    L::store32(value, &mut values);
    L::store32(coefficient, &mut coefficients);
    (values, coefficients)
}
