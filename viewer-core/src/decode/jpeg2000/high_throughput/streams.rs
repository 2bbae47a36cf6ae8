//! The interleaved bit streams of an HT code block.
//!
//! Source: ISO/IEC 15444-15 (ITU-T T.814) 7.1.2 (MagSgn), 7.1.3 (MEL), 7.1.4 (VLC), 7.1.5 (SigProp, MagRef)
//! and 7.3.3 (adaptive run lengths).

/// Bits in the order in which they are read, without those that were stuffed in.
///
/// They are laid down once for a whole block, four bytes at a time, so that reading them is a load and a shift.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// What is read behind the end: all zeros or all ones.
    fill: u64,
    /// Bits that were read.
    position: usize,
}

impl Bits {
    /// Bits from the first byte on, lowest bit first; behind 0xFF the highest bit of a byte is left out.
    /// Behind the end comes `fill`: 0 or 0xFF.
    pub fn lay_forward(&mut self, bytes: &[u8], fill: u8) {
        let mut packer = self.packer(bytes.len(), fill);
        let (words, rest) = bytes.as_chunks::<4>();
        let mut is_stuffed = false;
        let one = |byte: u8, is_stuffed: bool, packer: &mut Packer| {
            let stuffed = u32::from(is_stuffed);
            packer.push(u32::from(byte) & (0xFF >> stuffed), 8 - stuffed);
            byte == 0xFF
        };
        for word in words {
            let value = u32::from_le_bytes(*word);
            if is_stuffed || low_ones(value) & value != 0 {
                for byte in word {
                    is_stuffed = one(*byte, is_stuffed, &mut packer);
                }
            } else {
                packer.push(value, 32);
            }
        }
        for byte in rest {
            is_stuffed = one(*byte, is_stuffed, &mut packer);
        }
        packer.finish();
    }

    /// The codes of quads: bits of `suffix` from its end back, without its last byte and the lower half of the
    /// byte before.
    pub fn lay_codes(&mut self, suffix: &[u8]) {
        let (rest, half) = match suffix {
            [rest @ .., half, _] => (rest, *half),
            _ => (&[][..], 0),
        };
        let bits = u32::from(half >> 4);
        let count = if bits & 7 == 7 { 3 } else { 4 };
        self.lay_backward(rest, (bits & ((1 << count) - 1), count), half | 15 > 0x8F);
    }

    /// The bits of magnitude refinement.
    pub fn lay_refinement(&mut self, bytes: &[u8]) {
        self.lay_backward(bytes, (0, 0), true);
    }

    /// `first` (bits and their count), then bits from the last byte back, lowest bit first; zeros behind the end.
    ///
    /// The highest bit of a byte is left out where its other bits are ones and the byte before was above 0x8F.
    fn lay_backward(&mut self, bytes: &[u8], first: (u32, u32), mut may_stuff: bool) {
        let mut packer = self.packer(bytes.len() + 1, 0);
        packer.push(first.0, first.1);
        let (rest, words) = bytes.as_rchunks::<4>();
        let one = |byte: u8, may_stuff: bool, packer: &mut Packer| {
            let stuffed = u32::from(may_stuff && byte & 0x7F == 0x7F);
            packer.push(u32::from(byte) & (0xFF >> stuffed), 8 - stuffed);
            byte > 0x8F
        };
        for word in words.iter().rev() {
            let value = u32::from_be_bytes(*word);
            if low_ones(value) != 0 {
                for byte in word.iter().rev() {
                    may_stuff = one(*byte, may_stuff, &mut packer);
                }
            } else {
                packer.push(value, 32);
                may_stuff = word[0] > 0x8F;
            }
        }
        for byte in rest.iter().rev() {
            may_stuff = one(*byte, may_stuff, &mut packer);
        }
        packer.finish();
    }

    fn packer(&mut self, length: usize, fill: u8) -> Packer<'_> {
        self.position = 0;
        self.fill = u64::from_ne_bytes([fill; 8]);
        self.bytes.clear();
        self.bytes.resize(length + 16, fill);
        Packer {
            bytes: &mut self.bytes,
            at: 0,
            value: 0,
            count: 0,
            fill: self.fill,
        }
    }

    /// Reads on from where reading ended.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            bytes: &self.bytes,
            fill: self.fill,
            position: self.position,
        }
    }

    /// Where reading is to go on.
    pub fn seek(&mut self, position: usize) {
        self.position = position;
    }
}

/// Reads bits; a value of its own, so that it stays in registers.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    fill: u64,
    /// Bits from the first one on.
    pub position: usize,
}

impl Reader<'_> {
    /// The next 57 bits at least, lowest first; they stay.
    #[inline]
    pub fn peek(&self) -> u64 {
        let at = self.position / 8;
        let loaded = self.bytes.get(at..at + 8);
        let word = loaded.and_then(|bytes| bytes.first_chunk());
        word.map_or(self.fill, |bytes| u64::from_le_bytes(*bytes)) >> (self.position % 8)
    }

    #[inline]
    pub fn skip(&mut self, count: u32) {
        self.position += count as usize;
    }

    /// The next `count` bits, at most 32.
    #[inline]
    pub fn take(&mut self, count: u32) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits")]
        let bits = (self.peek() & ((1 << count) - 1)) as u32;
        self.skip(count);
        bits
    }
}

/// The highest bit of each of the four bytes whose lower seven bits are all ones.
#[inline]
fn low_ones(word: u32) -> u32 {
    ((word & 0x7F7F_7F7F) + 0x0101_0101) & 0x8080_8080
}

/// Puts bits behind each other.
struct Packer<'a> {
    bytes: &'a mut [u8],
    at: usize,
    value: u64,
    count: u32,
    fill: u64,
}

impl Packer<'_> {
    /// At most 32 bits.
    #[inline]
    fn push(&mut self, bits: u32, count: u32) {
        self.value |= u64::from(bits) << self.count;
        self.count += count;
        if self.count >= 32 {
            let [a, b, c, d, ..] = self.value.to_le_bytes();
            self.bytes[self.at..self.at + 4].copy_from_slice(&[a, b, c, d]);
            self.at += 4;
            self.value >>= 32;
            self.count -= 32;
        }
    }

    fn finish(self) {
        let last = self.value | self.fill << self.count;
        self.bytes[self.at..self.at + 8].copy_from_slice(&last.to_le_bytes());
    }
}
/// Events in adaptive run lengths: bits from the first byte on, highest bit first.
pub(super) struct RunLengths<'a> {
    suffix: &'a [u8],
    position: usize,
    byte: u8,
    count: u32,
    state: usize,
    /// Events that are false before the next one that may be true.
    left: u32,
    ends_true: bool,
}

impl<'a> RunLengths<'a> {
    /// From the suffix of a block; its last byte is no part of the bits, nor half of the byte before.
    pub fn new(suffix: &'a [u8]) -> Self {
        Self {
            suffix,
            position: 0,
            byte: 0,
            count: 0,
            state: 0,
            left: 0,
            ends_true: false,
        }
    }

    fn bit(&mut self) -> u32 {
        if self.count == 0 {
            self.count = if self.byte == 0xFF { 7 } else { 8 };
            self.byte = match (self.suffix.len() - 1).checked_sub(self.position + 1) {
                None => 0xFF,
                Some(0) => self.suffix[self.position] | 15,
                Some(_) => self.suffix[self.position],
            };
            self.position += 1;
        }
        self.count -= 1;
        u32::from(self.byte >> self.count & 1)
    }

    /// The next event.
    #[inline(always)]
    pub fn event(&mut self) -> bool {
        if self.left == 0 {
            return self.end_of_run();
        }
        self.left -= 1;
        false
    }

    /// The event behind a run, or the first of the next one.
    fn end_of_run(&mut self) -> bool {
        const EXPONENTS: [u32; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];
        if std::mem::take(&mut self.ends_true) {
            return true;
        }
        let exponent = EXPONENTS[self.state];
        if self.bit() == 1 {
            self.left = (1 << exponent) - 1;
            self.state = (self.state + 1).min(12);
            return false;
        }
        let run = (0..exponent).fold(0, |run, _| run << 1 | self.bit());
        self.state = self.state.saturating_sub(1);
        if run == 0 {
            return true;
        }
        (self.left, self.ends_true) = (run - 1, true);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind 0xFF a byte has seven bits; so it is within four bytes and from four to four.
    #[test]
    fn stuffed_bits_are_left_out_forwards() {
        let mut bits = Bits::default();
        bits.lay_forward(
            &[0x12, 0xFF, 0x7F, 0x01, 0xA5, 0, 0, 0xFF, 0x55, 0x03],
            0xFF,
        );
        let mut reader = bits.reader();
        let read = [8, 8, 7, 8, 8, 8, 8, 8, 7, 8].map(|count| reader.take(count));
        assert_eq!(read, [0x12, 0xFF, 0x7F, 1, 0xA5, 0, 0, 0xFF, 0x55, 3]);
        // Behind the end all bits are ones.
        assert_eq!((reader.take(32), reader.take(32)), (u32::MAX, u32::MAX));
    }

    /// A byte whose lower bits are ones has seven bits where the byte before was above 0x8F.
    #[test]
    fn stuffed_bits_are_left_out_backwards() {
        let mut bits = Bits::default();
        bits.lay_refinement(&[0x01, 0x7F, 0x90, 0x7F, 0x8F, 0xFF, 0x91, 0x22, 0x7F]);
        let mut reader = bits.reader();
        let read = [7, 8, 8, 7, 8, 8, 8, 7, 8].map(|count| reader.take(count));
        assert_eq!(read, [0x7F, 0x22, 0x91, 0x7F, 0x8F, 0x7F, 0x90, 0x7F, 0x01]);
        assert_eq!(reader.take(32), 0);
    }
}
