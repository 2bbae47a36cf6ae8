//! The arithmetic decoder of code blocks (MQ), and the raw bits that stand between its code words.
//!
//! The code register is as wide as a machine word, so that bytes come four at a time, and what follows a decision is
//! computed without branches: which symbol comes is hard to foresee.
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex C; raw bits annex D.6.

/// A row of table C.2: Qe, the next state after MPS and after LPS, and whether the sense of MPS changes then.
type Row = (u32, u32, u32, u32);

const ROWS: [Row; 47] = [
    (0x5601, 1, 1, 1),
    (0x3401, 2, 6, 0),
    (0x1801, 3, 9, 0),
    (0x0AC1, 4, 12, 0),
    (0x0521, 5, 29, 0),
    (0x0221, 38, 33, 0),
    (0x5601, 7, 6, 1),
    (0x5401, 8, 14, 0),
    (0x4801, 9, 14, 0),
    (0x3801, 10, 14, 0),
    (0x3001, 11, 17, 0),
    (0x2401, 12, 18, 0),
    (0x1C01, 13, 20, 0),
    (0x1601, 29, 21, 0),
    (0x5601, 15, 14, 1),
    (0x5401, 16, 14, 0),
    (0x5101, 17, 15, 0),
    (0x4801, 18, 16, 0),
    (0x3801, 19, 17, 0),
    (0x3401, 20, 18, 0),
    (0x3001, 21, 19, 0),
    (0x2801, 22, 19, 0),
    (0x2401, 23, 20, 0),
    (0x2201, 24, 21, 0),
    (0x1C01, 25, 22, 0),
    (0x1801, 26, 23, 0),
    (0x1601, 27, 24, 0),
    (0x1401, 28, 25, 0),
    (0x1201, 29, 26, 0),
    (0x1101, 30, 27, 0),
    (0x0AC1, 31, 28, 0),
    (0x09C1, 32, 29, 0),
    (0x08A1, 33, 30, 0),
    (0x0521, 34, 31, 0),
    (0x0441, 35, 32, 0),
    (0x02A1, 36, 33, 0),
    (0x0221, 37, 34, 0),
    (0x0141, 38, 35, 0),
    (0x0111, 39, 36, 0),
    (0x0085, 40, 37, 0),
    (0x0049, 41, 38, 0),
    (0x0025, 42, 39, 0),
    (0x0015, 43, 40, 0),
    (0x0009, 44, 41, 0),
    (0x0005, 45, 42, 0),
    (0x0001, 45, 43, 0),
    (0x5601, 46, 46, 0),
];

/// States by twice their row plus MPS. From the lowest bit: the next one after MPS (7 bits), MPS (1), the next one after
/// LPS (8), Qe (16).
static STATES: [u32; 128] = states();

const fn states() -> [u32; 128] {
    let mut states = [0; 128];
    let mut row = 0;
    while row < ROWS.len() {
        let (qe, after_mps, after_lps, switch) = ROWS[row];
        let mut mps = 0;
        while mps < 2 {
            states[2 * row + mps as usize] =
                qe << 16 | (2 * after_lps + (mps ^ switch)) << 8 | mps << 7 | (2 * after_mps + mps);
            mps += 1;
        }
        row += 1;
    }
    states
}

/// The states of all contexts of a block; there are 19, more are never named.
#[derive(Clone, Copy)]
pub(super) struct Contexts([u32; 32]);

/// The context of a run of four, and that of bits without a likelihood.
pub(super) const RUN: usize = 17;
pub(super) const UNIFORM: usize = 18;

impl Contexts {
    /// Table D.7.
    pub fn new() -> Self {
        let mut states = [STATES[0]; 32];
        states[0] = STATES[2 * 4];
        states[RUN] = STATES[2 * 3];
        states[UNIFORM] = STATES[2 * 46];
        Self(states)
    }
}

/// Decodes one code word; behind its end come ones (C.3.4, D.4.1).
#[derive(Clone, Copy)]
pub(super) struct Arithmetic<'a> {
    bytes: &'a [u8],
    position: usize,
    after_ones: bool,
    /// The interval, 16 bits.
    interval: u32,
    /// The code: what is compared with the interval are its upper 16 bits.
    code: u64,
    /// How many bits below those have come.
    count: i32,
    contexts: Contexts,
}

impl<'a> Arithmetic<'a> {
    pub fn new(bytes: &'a [u8], contexts: Contexts) -> Self {
        let mut it = Self {
            bytes,
            position: 0,
            after_ones: false,
            interval: 0x8000,
            code: 0,
            count: -15,
            contexts,
        };
        it.refill();
        it
    }

    pub fn contexts(&self) -> Contexts {
        self.contexts
    }

    /// Forgets what was learnt.
    pub fn reset(&mut self) {
        self.contexts = Contexts::new();
    }

    /// The next symbol: 0 or 1.
    #[inline(always)]
    pub fn symbol(&mut self, context: usize) -> u32 {
        let state = self.contexts.0[context & 31];
        let qe = state >> 16;
        let left = self.interval.wrapping_sub(qe);
        let high = (self.code >> 48) as u32;
        let is_lower = u32::from(high < qe);
        let mps = state >> 7 & 1;
        if is_lower == 0 && left & 0x8000 != 0 {
            self.interval = left;
            self.code = self.code.wrapping_sub(u64::from(qe) << 48);
            return mps;
        }
        // The lower part of the interval is LPS, unless it is the larger one.
        let is_lps = is_lower ^ u32::from(left < qe);
        let lower = is_lower.wrapping_neg();
        self.code = self.code.wrapping_sub(u64::from(qe & !lower) << 48);
        let interval = (qe & lower) | (left & !lower);
        self.contexts.0[context & 31] = STATES[(state >> (8 * is_lps) & 127) as usize];
        let shift = interval.leading_zeros().wrapping_sub(16);
        self.interval = interval << (shift & 15);
        self.code <<= shift & 15;
        self.count -= shift.cast_signed();
        if self.count < 0 {
            self.refill();
        }
        mps ^ is_lps
    }

    /// Takes bytes in.
    #[inline(always)]
    fn refill(&mut self) {
        let next = self.bytes.get(self.position..self.position + 4);
        if let Some(&[a, b, c, d]) = next {
            let word = u32::from_be_bytes([a, b, c, d]);
            if !self.after_ones && !has_ones(word) {
                self.code = self.code.wrapping_add(u64::from(word) << (16 - self.count));
                self.count += 32;
                self.position += 4;
                return;
            }
        }
        // By value, so that the decoder has no address and stays in registers.
        let taken = take_slowly(self.bytes, self.position, self.after_ones, self.count);
        self.code = self.code.wrapping_add(taken.code);
        self.count = taken.count;
        self.position = taken.position;
        self.after_ones = taken.after_ones;
    }
}

struct Taken {
    code: u64,
    count: i32,
    position: usize,
    after_ones: bool,
}

/// Byte by byte: behind 0xFF a byte overlaps with it by a bit.
#[cold]
#[inline(never)]
fn take_slowly(bytes: &[u8], mut position: usize, mut after_ones: bool, mut count: i32) -> Taken {
    let mut code = 0_u64;
    while count < 16 {
        let byte = bytes.get(position).copied().unwrap_or(0xFF);
        if !after_ones {
            code = code.wrapping_add(u64::from(byte) << (40 - count));
            count += 8;
        } else if byte > 0x8F {
            // A marker: the code word is over.
            code = code.wrapping_add(0xFF << (40 - count));
            count += 8;
            continue;
        } else {
            code = code.wrapping_add(u64::from(byte) << (41 - count));
            count += 7;
        }
        after_ones = byte == 0xFF;
        position += 1;
    }
    Taken {
        code,
        count,
        position,
        after_ones,
    }
}

/// One of the four bytes is 0xFF.
#[inline(always)]
fn has_ones(word: u32) -> bool {
    (!word).wrapping_sub(0x0101_0101) & word & 0x8080_8080 != 0
}

/// Bits without a code, from the highest of the first byte on; behind 0xFF a byte has seven, behind the end come ones.
#[derive(Clone, Copy)]
pub(super) struct Raw<'a> {
    bytes: &'a [u8],
    byte: u32,
    count: u32,
}

impl<'a> Raw<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            byte: 0,
            count: 0,
        }
    }

    #[inline]
    pub fn bit(&mut self) -> u32 {
        if self.count == 0 {
            self.count = if self.byte == 0xFF { 7 } else { 8 };
            let (byte, rest) = self.bytes.split_first().unwrap_or((&0xFF, &[]));
            (self.byte, self.bytes) = (u32::from(*byte), rest);
        }
        self.count -= 1;
        self.byte >> self.count & 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test sequence of ITU-T T.88 H.2.
    #[test]
    fn the_test_sequence_is_decoded() {
        let coded = [
            0x84, 0xC7, 0x3B, 0xFC, 0xE1, 0xA1, 0x43, 0x04, 0x02, 0x20, 0x00, 0x00, 0x41, 0x0D,
            0xBB, 0x86, 0xF4, 0x31, 0x7F, 0xFF, 0x88, 0xFF, 0x37, 0x47, 0x1A, 0xDB, 0x6A, 0xDF,
            0xFF, 0xAC,
        ];
        let expected = [
            0x00, 0x02, 0x00, 0x51, 0x00, 0x00, 0x00, 0xC0, 0x03, 0x52, 0x87, 0x2A, 0xAA, 0xAA,
            0xAA, 0xAA, 0x82, 0xC0, 0x20, 0x00, 0xFC, 0xD7, 0x9E, 0xF6, 0xBF, 0x7F, 0xED, 0x90,
            0x4F, 0x46, 0xA3, 0xBF,
        ];
        let mut decoder = Arithmetic::new(&coded, Contexts::new());
        for byte in expected {
            let decoded = (0..8).fold(0, |bits, _| bits << 1 | decoder.symbol(1));
            assert_eq!(decoded, byte);
        }
    }

    #[test]
    fn words_with_a_byte_of_ones_are_told_from_others() {
        for word in [0xFF00_0000, 0x00FF_0000, 0x0000_FF00, 0xFF, u32::MAX] {
            assert!(has_ones(word), "{word:x}");
        }
        for word in [0, 0xFE80_7F01, 0x7F7F_7F7F, 0x8080_8080, 0xFEFE_FEFE] {
            assert!(!has_ones(word), "{word:x}");
        }
    }

    #[test]
    fn raw_bits_leave_out_what_was_stuffed_in_and_end_in_ones() {
        let mut raw = Raw::new(&[0xFF, 0x25, 0x80]);
        let mut take = |count: u32| (0..count).fold(0, |bits, _| bits << 1 | raw.bit());
        assert_eq!([take(8), take(7), take(8)], [0xFF, 0x25, 0x80]);
        assert_eq!(take(15), 0x7FFF);
    }
}
