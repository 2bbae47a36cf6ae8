//! Big endian numbers out of bytes that may end at any place.

/// A number of `N` bytes; `None` beyond the end.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// 16 bits.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// 32 bits.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}

/// 32 bits with a sign.
pub(super) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    array(bytes, at).map(i32::from_be_bytes)
}

/// 64 bits.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_be_bytes)
}

/// Bits of a parameter set or a slice header, without the bytes that keep start codes apart (H.264 section 7.4.1).
pub(super) struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

/// Most bytes that are looked at: parameter sets are short, and of a slice only the front is read.
const MOST_BYTES: usize = 1024;

impl Bits {
    /// The bits behind a header of so many bytes.
    pub(super) fn of_nal(nal: &[u8], header: usize) -> Self {
        let payload = nal.get(header..).unwrap_or_default();
        let mut bytes = Vec::new();
        let mut zeros = 0;
        for byte in payload.iter().take(MOST_BYTES) {
            if zeros >= 2 && *byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    /// One bit.
    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// Up to 32 bits.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0_u32, |value, _| Some(value << 1 | u32::from(self.bit()?)))
    }

    /// An Exp-Golomb number, H.264 section 9.1.
    pub(super) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.take(zeros)?;
        Some((1_u32 << zeros) - 1 + rest)
    }

    /// The same with a sign, H.264 section 9.1.1.
    pub(super) fn signed_golomb(&mut self) -> Option<i64> {
        let number = i64::from(self.golomb()?);
        Some(if number % 2 == 1 {
            (number + 1) / 2
        } else {
            -number / 2
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H.264 tables 9-2 and 9-3.
    #[test]
    fn exp_golomb_numbers_are_those_of_the_table() {
        // 1, 010, 011, 00100, 00101, 00110, 00111, 0001000 and 0s.
        let mut bits = Bits::of_nal(&[0b1010_0110, 0b0100_0010, 0b1001_1000, 0b1110_0010, 0], 0);
        let numbers: Vec<u32> = (0..8).map_while(|_| bits.golomb()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
        let mut bits = Bits::of_nal(&[0b0100_1100, 0b1000_0101, 0], 0);
        let numbers: Vec<i64> = (0..4).map_while(|_| bits.signed_golomb()).collect();
        assert_eq!(numbers, [1, -1, 2, -2]);
    }

    #[test]
    fn a_byte_that_keeps_start_codes_apart_is_no_data() {
        let mut bits = Bits::of_nal(&[9, 0, 0, 3, 1], 1);
        assert_eq!(bits.take(24), Some(1));
        assert_eq!(bits.bit(), None);
    }

    #[test]
    fn a_number_without_an_end_is_none() {
        assert_eq!(Bits::of_nal(&[0; 9], 0).golomb(), None);
        assert_eq!(u32_at(&[1, 2, 3], 0), None);
        assert_eq!(u16_at(&[1, 2], usize::MAX), None);
    }
}
