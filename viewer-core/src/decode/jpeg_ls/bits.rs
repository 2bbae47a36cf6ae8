//! The bits of one entropy-coded segment, with stuffed bits taken out.
//!
//! After a byte FF the next byte carries seven bits: its first bit is a stuffed zero (ISO/IEC 14495-1
//! A.1). Behind the end come zeros without end; [`BitReader::is_exhausted`] tells whether any was used.

/// Reads bits, the first in the most significant place.
///
/// A small value that is copied: the decoding loops keep it in registers and hand a copy to the rare
/// slow paths.
#[derive(Clone, Copy)]
pub(super) struct BitReader<'a> {
    /// Bytes that are not in `cache` yet.
    rest: &'a [u8],
    /// The next bits, from the top. Below the first `count` bits it may hold bits of `rest`.
    cache: u64,
    /// How many bits of `cache` are read from the segment.
    count: u32,
    after_ff: bool,
    /// Zeros that were put behind the end.
    padding: usize,
}

impl<'a> BitReader<'a> {
    pub fn new(segment: &'a [u8]) -> Self {
        Self {
            rest: segment,
            cache: 0,
            count: 0,
            after_ff: false,
            padding: 0,
        }
    }

    /// True where more bits were taken than the segment has.
    pub fn is_exhausted(&self) -> bool {
        self.padding > self.count as usize
    }

    /// Makes at least 32 bits available.
    #[inline(always)]
    pub fn refill(&mut self) {
        if self.count < 32 {
            if let (Some(&next), false) = (self.rest.first_chunk::<8>(), self.after_ff) {
                let next = u64::from_be_bytes(next);
                if !has_ff(next) {
                    // Whole bytes only are counted; the bits of a part come again with the next refill.
                    self.cache |= next >> self.count;
                    let bytes = (63 - self.count) / 8;
                    self.count += bytes * 8;
                    self.rest = &self.rest[bytes as usize..];
                    return;
                }
            }
            *self = self.refill_by_bytes();
        }
    }

    #[cold]
    #[inline(never)]
    fn refill_by_bytes(mut self) -> Self {
        while self.count <= 56 {
            let width = if self.after_ff { 7 } else { 8 };
            match self.rest.split_first() {
                Some((&byte, rest)) => {
                    self.rest = rest;
                    self.after_ff = byte == 0xFF;
                    let top = u64::from(byte) << (64 - width);
                    self.cache |= top >> self.count;
                }
                None => {
                    self.after_ff = false;
                    self.padding += width as usize;
                }
            }
            self.count += width;
        }
        self
    }

    /// Zeros before the next one, as far as the cache knows.
    #[inline(always)]
    pub fn leading_zeros(&self) -> u32 {
        self.cache.leading_zeros()
    }

    /// Drops bits that are in the cache, 63 at most.
    #[inline(always)]
    pub fn skip(&mut self, count: u32) {
        self.cache <<= count;
        self.count -= count;
    }

    /// The top `count` bits (0 to 32) without taking them.
    #[inline(always)]
    pub fn peek(&self, count: u32) -> u32 {
        // Two shifts, for a shift by 64 is none.
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left")]
        let bits = (self.cache >> 1 >> (63 - count)) as u32;
        bits
    }

    /// Takes `count` bits, 0 to 32.
    #[inline(always)]
    pub fn take(&mut self, count: u32) -> u32 {
        self.refill();
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// A limited Golomb code of parameter `k` (A.5.3): zeros, a one, and `k` bits; or, after `escape`
    /// zeros and a one, the value less one in `plain` bits. `None` for one that no encoder writes.
    #[inline(always)]
    pub fn golomb(&mut self, k: u32, escape: u32, plain: u32) -> Option<u32> {
        self.refill();
        let zeros = self.leading_zeros();
        if zeros < escape && zeros + 1 + k <= self.count {
            let low = ((self.cache << zeros << 1) >> 1 >> (63 - k)) & u64::from(u32::MAX);
            self.cache = self.cache << zeros << 1 << k;
            self.count -= zeros + 1 + k;
            #[expect(clippy::cast_possible_truncation, reason = "masked above")]
            return Some(zeros << k | low as u32);
        }
        let (reader, value) = self.golomb_by_steps(k, escape, plain);
        *self = reader;
        value
    }

    #[cold]
    #[inline(never)]
    fn golomb_by_steps(mut self, k: u32, escape: u32, plain: u32) -> (Self, Option<u32>) {
        let mut zeros = 0;
        loop {
            self.refill();
            let run = self.leading_zeros().min(self.count);
            zeros += run;
            if zeros > escape {
                return (self, None);
            }
            if run < self.count {
                self.skip_long(run + 1);
                break;
            }
            self.skip_long(run);
        }
        let value = if zeros < escape {
            Some(zeros << k | self.take(k))
        } else {
            self.take(plain).checked_add(1)
        };
        (self, value)
    }

    /// Drops up to 64 bits.
    fn skip_long(&mut self, count: u32) {
        self.cache = self.cache.checked_shl(count).unwrap_or(0);
        self.count -= count;
    }
}

/// True where one of the eight bytes is FF.
#[inline(always)]
fn has_ff(bytes: u64) -> bool {
    // The usual test for a zero byte, on the complement.
    let zero = !bytes;
    zero.wrapping_sub(0x0101_0101_0101_0101) & bytes & 0x8080_8080_8080_8080 != 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn the_bit_behind_ff_is_not_part_of_the_data() {
        // FF 7F: eight ones, a stuffed zero, seven ones.
        let mut reader = BitReader::new(&[0xFF, 0x7F, 0x80]);
        assert_eq!(reader.take(15), 0x7FFF);
        assert_eq!(reader.take(8), 0x80);
        assert!(!reader.is_exhausted());
        reader.take(1);
        assert!(reader.is_exhausted());
    }

    #[test]
    fn stuffed_bits_are_found_wherever_they_stand() {
        for place in 0..24 {
            let mut bytes = vec![0xA5; 32];
            bytes[place] = 0xFF;
            bytes[place + 1] = 0x25;
            let mut expected = String::new();
            for (index, byte) in bytes.iter().enumerate() {
                let bits = format!("{byte:08b}");
                expected += if index == place + 1 {
                    &bits[1..]
                } else {
                    &bits
                };
            }
            for step in [1, 3, 7, 13, 32] {
                let mut reader = BitReader::new(&bytes);
                for chunk in expected.as_bytes().chunks_exact(step) {
                    let want = u32::from_str_radix(std::str::from_utf8(chunk).unwrap(), 2).unwrap();
                    assert_eq!(reader.take(step as u32), want, "place {place}, step {step}");
                }
            }
        }
    }

    #[test]
    fn a_golomb_code_is_zeros_a_one_and_k_bits() {
        // 001 10 -> 2 * 4 + 2; then the escape 0001 and 101 -> 5 + 1.
        let mut reader = BitReader::new(&[0b0011_0000, 0b1101_0000]);
        assert_eq!(reader.golomb(2, 3, 3), Some(10));
        assert_eq!(reader.golomb(2, 3, 3), Some(6));
    }

    #[test]
    fn too_many_zeros_are_no_code() {
        assert_eq!(BitReader::new(&[0; 40]).golomb(2, 30, 16), None);
    }
}
