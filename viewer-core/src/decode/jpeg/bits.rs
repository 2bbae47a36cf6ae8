//! Entropy-coded bits of a JPEG scan and the Huffman codes in them.
//!
//! Source: ISO/IEC 10918-1 (ITU-T T.81) annex C (tables), F.2.2 (decoding), B.1.1.5 (byte stuffing).

use super::corrupt;
use crate::decode::{DecodeError, work};

/// Reads bits from the first on; a zero byte behind 0xFF is taken out, a marker ends the bits.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    position: usize,
    /// The next bits, the first one on top.
    value: u64,
    /// Bits in `value`.
    count: u32,
    /// Zero bits among them that stand in for what the data does not hold.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            position: 0,
            value: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Bytes that were taken; no marker is among them.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Makes sure that 48 bits are there.
    #[inline]
    fn fill(&mut self) {
        if self.count >= 48 {
            return;
        }
        if let Some(next) = self.bytes.get(self.position..self.position + 8)
            && let Ok(next) = next.try_into().map(u64::from_be_bytes)
            && !has_ff(next)
        {
            // Bits below those that are counted are the same ones that come again with the next call.
            self.value |= next >> self.count;
            let taken = (64 - self.count) / 8;
            self.position += taken as usize;
            self.count += 8 * taken;
            return;
        }
        *self = self.filled_bytewise();
    }

    /// By value, so that a copy which is at work can stay in registers.
    #[cold]
    #[inline(never)]
    fn filled_bytewise(mut self) -> Self {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.position..) {
                Some([0xFF, 0, ..]) => {
                    self.position += 2;
                    0xFF
                }
                Some([0xFF, ..] | []) | None => {
                    self.made_up += 8;
                    0
                }
                Some([byte, ..]) => {
                    self.position += 1;
                    *byte
                }
            };
            self.value |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
        self
    }

    #[inline]
    fn drop_bits(&mut self, count: u32) {
        self.value <<= count;
        self.count -= count;
    }

    /// Makes sure that the longest code and the longest value behind it are there.
    #[inline]
    fn fill_for_coefficient(&mut self) {
        if self.count < 32 {
            self.fill();
        }
    }

    /// The next `count` bits, at most 16.
    #[inline]
    pub fn take(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        self.fill();
        let bits = (self.value >> (64 - count)) as u32;
        self.drop_bits(count);
        bits
    }

    /// A difference of `count` bits, at most 16, by F.2.2.1: a leading zero makes it negative.
    #[inline]
    pub fn difference(&mut self, count: u32) -> i32 {
        if count == 0 {
            return 0;
        }
        let bits = self.take(count).cast_signed();
        if bits < 1 << (count - 1) {
            bits - (1 << count) + 1
        } else {
            bits
        }
    }

    /// Refuses to go on once bits were used that the data does not hold.
    #[inline]
    pub fn check(&self) -> Result<(), DecodeError> {
        if self.made_up > self.count {
            return Err(corrupt("the stream ends early"));
        }
        Ok(())
    }

    /// Goes over to what follows the next restart marker, which has to be number `index` modulo 8.
    pub fn restart(&mut self, index: u32) -> Result<(), DecodeError> {
        self.check()?;
        while self.bytes.get(self.position..self.position + 2) == Some(&[0xFF, 0xFF]) {
            self.position += 1;
        }
        let expected = 0xD0 + (index % 8) as u8;
        let found = self.bytes.get(self.position..self.position + 2);
        if found != Some(&[0xFF, expected]) || self.count - self.made_up >= 8 {
            return Err(corrupt("a restart marker is missing"));
        }
        *self = Self {
            position: self.position + 2,
            ..Self::new(self.bytes)
        };
        Ok(())
    }
}

/// True where one of the eight bytes is 0xFF.
#[inline]
fn has_ff(bytes: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    (!bytes).wrapping_sub(ONES) & bytes & (ONES << 7) != 0
}

const FAST_BITS: u32 = 9;

/// A Huffman code: what symbol the next bits stand for.
pub(super) struct Huffman {
    /// By the next [`FAST_BITS`] bits: length in the high byte and symbol; 0 for longer codes.
    fast: [u16; 1 << FAST_BITS],
    /// By length: the first 16 bits that are above all codes up to this length.
    limits: [u32; 17],
    /// By length: what leads from a code to the place of its symbol.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// The code with `counts[n]` symbols of length `n + 1` (annex C.2).
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, DecodeError> {
        work::count(1 << FAST_BITS);
        let mut table = Self {
            fast: [0; 1 << FAST_BITS],
            limits: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut index) = (0_u32, 0_usize);
        for length in 1..=16_u32 {
            let count = u32::from(counts[length as usize - 1]);
            table.offsets[length as usize] = index as i32 - code.cast_signed();
            if code + count > 1 << length {
                return Err(corrupt("a Huffman table holds too many codes"));
            }
            for _ in 0..count {
                if length <= FAST_BITS {
                    let first = (code << (FAST_BITS - length)) as usize;
                    let entry = (length as u16) << 8 | u16::from(symbols[index]);
                    table.fast[first..first + (1 << (FAST_BITS - length))].fill(entry);
                }
                code += 1;
                index += 1;
            }
            table.limits[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Ok(table)
    }

    /// The next symbol.
    #[inline]
    pub fn symbol(&self, bits: &mut Bits) -> Result<u8, DecodeError> {
        work::count(1);
        bits.fill();
        let entry = self.fast[(bits.value >> (64 - FAST_BITS)) as usize];
        if entry != 0 {
            bits.drop_bits(u32::from(entry >> 8));
            return Ok((entry & 0xFF) as u8);
        }
        self.long_symbol(bits)
    }

    #[cold]
    fn long_symbol(&self, bits: &mut Bits) -> Result<u8, DecodeError> {
        let next = (bits.value >> 48) as u32;
        for length in FAST_BITS + 1..=16 {
            if next < self.limits[length as usize] {
                let code = (next >> (16 - length)).cast_signed();
                let place = usize::try_from(code + self.offsets[length as usize]);
                bits.drop_bits(length);
                return place
                    .ok()
                    .and_then(|place| self.symbols.get(place).copied())
                    .ok_or_else(|| corrupt("an unknown Huffman code"));
            }
        }
        bits.check()?;
        Err(corrupt("an unknown Huffman code"))
    }
}

/// What a code of AC coefficients stands for (F.2.2.2).
pub(super) enum Coefficient {
    /// So many zeros, then a coefficient.
    Value { run: usize, value: i16 },
    /// Sixteen zeros.
    Zeros,
    /// All further ones of the block are zero.
    End,
}

const QUICK_BITS: u32 = 10;
/// Of an entry that is to be looked up otherwise.
const SLOW: u32 = 0;

/// A code of AC coefficients. Most codes and the values behind them are short, and found together.
pub(super) struct CoefficientCodes {
    pub codes: Huffman,
    /// By the next [`QUICK_BITS`] bits: how many of them are taken, in 8 bits, the run before the coefficient, in 8 bits,
    /// and its value, in 16.
    quick: Box<[u32; 1 << QUICK_BITS]>,
}

impl CoefficientCodes {
    pub fn new(codes: Huffman) -> Self {
        work::count(1 << QUICK_BITS);
        let mut quick = Box::new([SLOW; 1 << QUICK_BITS]);
        for (next, entry) in (0_u64..).zip(quick.iter_mut()) {
            let code = codes.fast[(next >> (QUICK_BITS - FAST_BITS)) as usize];
            let (length, symbol) = (u32::from(code >> 8), u32::from(code & 0xFF));
            let (run, size) = (symbol >> 4, symbol & 15);
            if size > 0 && length > 0 && length + size <= QUICK_BITS {
                let mut bits = Bits::new(&[]);
                bits.value = next << (64 - QUICK_BITS) << length;
                bits.count = 64;
                let value = bits.difference(size) as u32 & 0xFFFF;
                *entry = value << 16 | run << 8 | (length + size);
            }
        }
        Self { codes, quick }
    }

    #[inline]
    pub fn next(&self, bits: &mut Bits) -> Result<Coefficient, DecodeError> {
        work::count(1);
        bits.fill_for_coefficient();
        let entry = self.quick[(bits.value >> (64 - QUICK_BITS)) as usize];
        if entry != SLOW {
            bits.drop_bits(entry & 0xFF);
            return Ok(Coefficient::Value {
                run: (entry >> 8 & 0xFF) as usize,
                value: ((entry >> 16) as u16).cast_signed(),
            });
        }
        let symbol = self.codes.symbol(bits)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size > 0 {
            let value = bits.difference(size) as i16;
            return Ok(Coefficient::Value { run, value });
        }
        Ok(if run == 15 {
            Coefficient::Zeros
        } else {
            Coefficient::End
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_stuffed_zero_is_no_bit_and_a_marker_ends_the_bits() {
        let mut bits = Bits::new(&[0xFF, 0x00, 0xA5, 0xFF, 0xD9]);
        assert_eq!(bits.take(16), 0xFFA5);
        assert!(bits.check().is_ok());
        assert_eq!(bits.take(1), 0);
        assert!(bits.check().is_err());
    }

    /// Table F.1 and figure F.12: the sign of a difference is its leading bit.
    #[test]
    fn differences_have_their_sign_in_front() {
        let mut bits = Bits::new(&[0b0110_0011, 0b1000_0000]);
        assert_eq!(bits.difference(1), -1);
        assert_eq!(bits.difference(1), 1);
        assert_eq!(bits.difference(1), 1);
        assert_eq!(bits.difference(3), -7);
        assert_eq!(bits.difference(3), 7);
    }

    /// Table K.3, the code of luminance DC differences: 2 is 011, 11 is 111111110.
    #[test]
    fn codes_of_the_standards_example_are_read() {
        let counts = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
        let symbols: Vec<u8> = (0..12).collect();
        let table = Huffman::new(&counts, &symbols).unwrap();
        let mut bits = Bits::new(&[0b0110_0111, 0b1111_1000, 0, 0]);
        assert_eq!(table.symbol(&mut bits).unwrap(), 2);
        assert_eq!(table.symbol(&mut bits).unwrap(), 0);
        assert_eq!(table.symbol(&mut bits).unwrap(), 11);
    }

    #[test]
    fn a_table_with_more_codes_than_there_are_is_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Huffman::new(&counts, &[0, 1, 2]).is_err());
    }
}
