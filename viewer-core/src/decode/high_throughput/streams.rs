//! The interleaved bit streams of an HT code block.
//!
//! Source: ISO/IEC 15444-15 (ITU-T T.814) 7.1.2 (MagSgn), 7.1.3 (MEL), 7.1.4 (VLC), 7.1.5 (SigProp, MagRef)
//! and 7.3.3 (adaptive run lengths).

/// Bits from the first byte on, lowest bit first; behind 0xFF the highest bit of a byte is left out.
pub(super) struct Forward<'a> {
    bytes: std::slice::Iter<'a, u8>,
    /// What is read behind the end.
    fill: u8,
    value: u64,
    count: u32,
    is_stuffed: bool,
}

impl<'a> Forward<'a> {
    pub fn new(bytes: &'a [u8], fill: u8) -> Self {
        Self {
            bytes: bytes.iter(),
            fill,
            value: 0,
            count: 0,
            is_stuffed: false,
        }
    }

    /// The next `count` bits, at most 32.
    #[inline]
    pub fn take(&mut self, count: u32) -> u32 {
        while self.count < count {
            let byte = self.bytes.next().copied().unwrap_or(self.fill);
            let length = 8 - u32::from(self.is_stuffed);
            let bits = if self.is_stuffed { byte & 0x7F } else { byte };
            self.value |= u64::from(bits) << self.count;
            self.count += length;
            self.is_stuffed = byte == 0xFF;
        }
        let bits = self.value & ((1 << count) - 1);
        self.value >>= count;
        self.count -= count;
        #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits")]
        let bits = bits as u32;
        bits
    }
}

/// Bits from the last byte back, lowest bit first; zeros behind the end.
///
/// The highest bit of a byte is left out where its other bits are ones and the byte before was above 0x8F.
pub(super) struct Backward<'a> {
    bytes: std::iter::Rev<std::slice::Iter<'a, u8>>,
    value: u64,
    count: u32,
    may_stuff: bool,
}

impl<'a> Backward<'a> {
    /// The codes of quads: `suffix` without its last byte and the half of the byte before.
    pub fn of_codes(suffix: &'a [u8]) -> Self {
        let (rest, half) = match suffix {
            [rest @ .., half, _] => (rest, *half),
            _ => (&[][..], 0),
        };
        let bits = half >> 4;
        Self {
            bytes: rest.iter().rev(),
            value: bits.into(),
            count: if bits & 7 == 7 { 3 } else { 4 },
            may_stuff: half | 15 > 0x8F,
        }
    }

    /// The bits of magnitude refinement.
    pub fn of_refinement(bytes: &'a [u8]) -> Self {
        Self {
            bytes: bytes.iter().rev(),
            value: 0,
            count: 0,
            may_stuff: true,
        }
    }

    #[inline]
    fn fill(&mut self, count: u32) {
        while self.count < count {
            let byte = self.bytes.next().copied().unwrap_or(0);
            self.value |= u64::from(byte) << self.count;
            let is_stuffed = self.may_stuff && byte & 0x7F == 0x7F;
            self.count += 8 - u32::from(is_stuffed);
            self.may_stuff = byte > 0x8F;
        }
    }

    /// The next `count` bits, which stay.
    #[inline]
    pub fn peek(&mut self, count: u32) -> u32 {
        self.fill(count);
        #[expect(clippy::cast_possible_truncation, reason = "a few bits")]
        let bits = (self.value & ((1 << count) - 1)) as u32;
        bits
    }

    #[inline]
    pub fn skip(&mut self, count: u32) {
        self.value >>= count;
        self.count -= count;
    }

    #[inline]
    pub fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
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
    pub fn event(&mut self) -> bool {
        const EXPONENTS: [u32; 13] = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5];
        if self.left == 0 && !self.ends_true {
            let exponent = EXPONENTS[self.state];
            if self.bit() == 1 {
                self.left = 1 << exponent;
                self.state = (self.state + 1).min(12);
            } else {
                self.left = (0..exponent).fold(0, |run, _| run << 1 | self.bit());
                self.ends_true = true;
                self.state = self.state.saturating_sub(1);
            }
        }
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        std::mem::take(&mut self.ends_true)
    }
}
