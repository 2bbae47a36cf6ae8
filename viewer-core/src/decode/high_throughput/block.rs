//! One HT code block: bytes to coefficients with sign and magnitude.
//!
//! A coefficient has its sign in bit 31; below it stands the magnitude, whose first bit plane is bit 30, with
//! half of the last decoded plane added to it.
//! Source: ISO/IEC 15444-15 (ITU-T T.814) clause 7 (decoding) and annex B (bit streams).

use super::code_table::{FIRST_ROW, OTHER_ROWS};
use super::streams::{Backward, Forward, RunLengths};

/// What a code of a quad says.
#[derive(Clone, Copy, Default)]
struct Code {
    length: u8,
    /// Which samples are significant: bit 0 top left, 1 bottom left, 2 top right, 3 bottom right.
    significant: u8,
    has_exponent: bool,
    known: u8,
    top: u8,
}

/// Codes by context and the next seven bits.
pub(super) struct Codes {
    first_row: Vec<Code>,
    other_rows: Vec<Code>,
}

impl Codes {
    pub fn new() -> Self {
        let expand = |entries: &[u32]| {
            let mut codes = vec![Code::default(); 1024];
            for entry in entries {
                let field = |shift: u32, bits: u32| (entry >> shift & ((1 << bits) - 1)) as u8;
                let code = Code {
                    length: field(0, 3),
                    top: field(10, 4),
                    known: field(14, 4),
                    has_exponent: field(18, 1) == 1,
                    significant: field(19, 4),
                };
                let first = usize::from(field(23, 3)) << 7 | usize::from(field(3, 7));
                for place in (first..(first | 127) + 1).step_by(1 << code.length) {
                    codes[place] = code;
                }
            }
            codes
        };
        Self {
            first_row: expand(FIRST_ROW),
            other_rows: expand(OTHER_ROWS),
        }
    }
}

/// Where the coded bytes of a block are and how they are to be read.
pub(super) struct Coded<'a> {
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

/// Decodes a block of `width` x `height` coefficients into `out`; `None` for bytes that no encoder makes.
pub(super) fn decode(
    coded: &Coded,
    codes: &Codes,
    width: usize,
    height: usize,
    out: &mut Vec<u32>,
) -> Option<()> {
    out.clear();
    out.resize(width * height, 0);
    if coded.empty_planes > 28 {
        return None;
    }
    let plane = 30 - coded.empty_planes;
    cleanup(coded, codes, width, height, out)?;
    if coded.passes > 1 {
        let cleaned: Vec<bool> = out.iter().map(|value| *value != 0).collect();
        let grid = Grid {
            width,
            height,
            causal: coded.causal,
        };
        grid.propagate(coded.refinement, plane, &cleaned, out);
        if coded.passes > 2 {
            grid.refine(coded.refinement, plane, &cleaned, out);
        }
    }
    Some(())
}

/// The cleanup pass (7.3): quads of 2 x 2 samples, two at a time.
fn cleanup(
    coded: &Coded,
    codes: &Codes,
    width: usize,
    height: usize,
    out: &mut [u32],
) -> Option<()> {
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
    let mut magnitudes = Forward::new(magnitudes, 0xFF);
    let mut runs = RunLengths::new(suffix);
    let mut bits = Backward::of_codes(suffix);

    let quads = width.div_ceil(2);
    // Of the row of quads above and of this one: significance, and of its bottom samples the doubled
    // magnitudes less one. One more at both ends, which stay zero.
    let mut above = vec![0_u8; quads + 3];
    let mut here = vec![0_u8; quads + 3];
    let mut above_bottom = vec![0_u32; 2 * quads + 4];
    let mut bottom = vec![0_u32; 2 * quads + 4];
    for y in (0..height).step_by(2) {
        let table = if y == 0 {
            &codes.first_row
        } else {
            &codes.other_rows
        };
        here.fill(0);
        bottom.fill(0);
        for quad in (0..quads).step_by(2) {
            let mut pair = [Code::default(); 2];
            for (place, code) in pair.iter_mut().enumerate() {
                let q = quad + place;
                if q >= quads {
                    break;
                }
                let context = context(y == 0, here[q], &above[q..q + 3]);
                if context > 0 || runs.event() {
                    *code = table[context << 7 | bits.peek(7) as usize];
                    bits.skip(code.length.into());
                }
                here[q + 1] = code.significant;
            }
            let exponents = exponents(y == 0, pair, &mut bits, &mut runs);
            for (place, (code, exponent)) in pair.into_iter().zip(exponents).enumerate() {
                let q = quad + place;
                if q >= quads || code.significant == 0 {
                    continue;
                }
                // 7.3.7: more than one significant sample takes the exponents above as a guide.
                let guide = if y > 0 && code.significant.count_ones() > 1 {
                    let neighbours = &above_bottom[2 * q..2 * q + 4];
                    let all = neighbours.iter().fold(2, |all, value| all | value);
                    31 - all.leading_zeros()
                } else {
                    1
                };
                let exponent = exponent + guide;
                if exponent > coded.empty_planes + 2 {
                    return None;
                }
                for sample in 0..4 {
                    if code.significant >> sample & 1 == 0 {
                        continue;
                    }
                    let (x, line) = (2 * q + sample / 2, y + sample % 2);
                    let length = exponent - u32::from(code.known >> sample & 1);
                    let raw = magnitudes.take(length);
                    let value = raw | u32::from(code.top >> sample & 1) << length | 1;
                    if sample % 2 == 1 {
                        bottom[2 * q + 1 + sample / 2] = value;
                    }
                    if x < width && line < height {
                        out[line * width + x] =
                            raw << 31 | (value + 2) << (29 - coded.empty_planes);
                    }
                }
            }
        }
        std::mem::swap(&mut above, &mut here);
        std::mem::swap(&mut above_bottom, &mut bottom);
    }
    Some(())
}

/// The context of a quad (7.3.5): `left` is the quad to the left, `above` the three above it.
#[inline]
fn context(is_first_row: bool, left: u8, above: &[u8]) -> usize {
    let bit = |set: bool, place: usize| usize::from(set) << place;
    if is_first_row {
        return bit(left & 0b0011 != 0, 0)
            | bit(left & 0b0100 != 0, 1)
            | bit(left & 0b1000 != 0, 2);
    }
    bit(above[0] & 0b1000 != 0 || above[1] & 0b0010 != 0, 0)
        | bit(left & 0b1100 != 0, 1)
        | bit(above[1] & 0b1000 != 0 || above[2] & 0b0010 != 0, 2)
}

/// The exponents of two quads beyond their guides (7.3.6).
#[inline]
fn exponents(
    is_first_row: bool,
    pair: [Code; 2],
    bits: &mut Backward,
    runs: &mut RunLengths,
) -> [u32; 2] {
    let [first, second] = pair.map(|code| code.has_exponent);
    match (first, second) {
        (false, false) => [0, 0],
        (true, false) => {
            let prefix = Prefix::read(bits);
            [prefix.finish(bits), 0]
        }
        (false, true) => {
            let prefix = Prefix::read(bits);
            [0, prefix.finish(bits)]
        }
        (true, true) if is_first_row && runs.event() => {
            let prefixes = [Prefix::read(bits), Prefix::read(bits)];
            let values = Prefix::finish_both(prefixes, bits);
            values.map(|value| value + 2)
        }
        (true, true) => {
            let prefix = Prefix::read(bits);
            if is_first_row && prefix.base > 2 {
                let second = bits.take(1) + 1;
                return [prefix.finish(bits), second];
            }
            Prefix::finish_both([prefix, Prefix::read(bits)], bits)
        }
    }
}

/// The prefix of an exponent: 1, 01, 001 with one bit more, 000 with five (table 3).
#[derive(Clone, Copy)]
struct Prefix {
    base: u32,
    more: u32,
}

impl Prefix {
    #[inline]
    fn read(bits: &mut Backward) -> Self {
        let (base, more, length) = match bits.peek(3) {
            0b000 => (5, 5, 3),
            0b100 => (3, 1, 3),
            0b010 | 0b110 => (2, 0, 2),
            _ => (1, 0, 1),
        };
        bits.skip(length);
        Self { base, more }
    }

    fn finish(self, bits: &mut Backward) -> u32 {
        let suffix = bits.take(self.more);
        self.base + suffix + extension(suffix, bits)
    }

    fn finish_both(pair: [Self; 2], bits: &mut Backward) -> [u32; 2] {
        let suffixes = pair.map(|prefix| bits.take(prefix.more));
        let extensions = suffixes.map(|suffix| extension(suffix, bits));
        [0, 1].map(|place| pair[place].base + suffixes[place] + extensions[place])
    }
}

/// Only magnitudes of more bits than samples of 16 bits have need it.
fn extension(suffix: u32, bits: &mut Backward) -> u32 {
    if suffix < 28 { 0 } else { 4 * bits.take(4) }
}

/// The passes behind the cleanup pass, in stripes of four lines, column by column.
struct Grid {
    width: usize,
    height: usize,
    causal: bool,
}

impl Grid {
    /// Significance propagation (7.4): samples beside significant ones, four columns at a time.
    fn propagate(&self, bytes: &[u8], plane: u32, cleaned: &[bool], out: &mut [u32]) {
        let mut bits = Forward::new(bytes, 0);
        let mut found: Vec<usize> = Vec::new();
        for y in (0..self.height).step_by(4) {
            let end = (y + 4).min(self.height);
            for x in (0..self.width).step_by(4) {
                found.clear();
                for column in x..(x + 4).min(self.width) {
                    for line in y..end {
                        let place = line * self.width + column;
                        let is_member = !cleaned[place] && self.has_neighbour(out, column, line, y);
                        if is_member && bits.take(1) == 1 {
                            // The sign follows; until then the value tells neighbours.
                            out[place] = 3 << (plane - 2);
                            found.push(place);
                        }
                    }
                }
                for place in &found {
                    out[*place] |= bits.take(1) << 31;
                }
            }
        }
    }

    fn has_neighbour(&self, out: &[u32], column: usize, line: usize, stripe: usize) -> bool {
        let columns = column.saturating_sub(1)..(column + 2).min(self.width);
        let mut last = (line + 2).min(self.height);
        if self.causal {
            last = last.min(stripe + 4);
        }
        (line.saturating_sub(1)..last).any(|line| {
            let row = &out[line * self.width..(line + 1) * self.width];
            row[columns.clone()].iter().any(|value| *value != 0)
        })
    }

    /// Magnitude refinement (7.5) of what the cleanup pass found.
    fn refine(&self, bytes: &[u8], plane: u32, cleaned: &[bool], out: &mut [u32]) {
        let mut bits = Backward::of_refinement(bytes);
        for y in (0..self.height).step_by(4) {
            for column in 0..self.width {
                for line in y..(y + 4).min(self.height) {
                    let place = line * self.width + column;
                    if cleaned[place] {
                        // What stood for half of the last plane becomes the bit of the next one.
                        let bit = bits.take(1);
                        out[place] ^= (1 - bit) << (plane - 1) | 1 << (plane - 2);
                    }
                }
            }
        }
    }
}
