//! Look-up tables: what a LUT Descriptor and its data say.
//!
//! One shape for the Modality LUT, the VOI LUT, the Presentation LUT and each channel of a palette.
//! Source: DICOM PS3.3 C.11.1.1, C.11.2.1.1, C.11.6.1, C.7.6.3.1.5 and C.7.6.3.1.6.

use std::sync::Arc;

/// Most entries of a table: the number that a descriptor writes as 0.
pub const MOST_ENTRIES: usize = 1 << 16;

/// A table from whole numbers to whole numbers of up to 16 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lut {
    /// The input that the first entry is for. Smaller ones have it too, larger ones than the last's the last.
    first: i32,
    /// Bits of an entry: the full scale is `2^bits - 1`.
    bits: u16,
    /// At least one entry.
    entries: Arc<[u16]>,
}

/// Why a table cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LutError {
    /// The descriptor has not three numbers, or impossible ones.
    #[error("its descriptor is not valid")]
    Descriptor,
    /// There are fewer entries than the descriptor says.
    #[error("it has {actual} of {expected} entries")]
    TooShort {
        /// Entries that the descriptor promises.
        expected: usize,
        /// Entries that are there.
        actual: usize,
    },
    /// A segment of a segmented table breaks the rules of C.7.9.2.
    #[error("its segments are not valid")]
    Segments,
}

/// LUT Descriptor (0028,3002), (0028,1101) and others: number of entries, first input, bits of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LutDescriptor {
    /// Number of entries, `1..=65536`.
    pub length: usize,
    /// The input of the first entry.
    pub first: i32,
    /// Bits of an entry, `1..=16`.
    pub bits: u16,
}

impl LutDescriptor {
    /// Reads the three values. The length 0 means 65,536. The first input is read with the sign of the
    /// table's input, whichever way the file wrote it: `-5` and `65531` are the same 16 bits.
    ///
    /// # Errors
    /// A number that no descriptor may have.
    pub fn new(values: [i64; 3], input_is_signed: bool) -> Result<Self, LutError> {
        let [length, first, bits] = values;
        // A length beyond 32767 is negative where a file wrote it as SS.
        let length = match length {
            0 => MOST_ENTRIES,
            length => usize::try_from(length.rem_euclid(1 << 16)).unwrap_or(0),
        };
        let is_word = |number: i64| (-32_768..65_536).contains(&number);
        if length == 0 || !is_word(values[0]) || !is_word(first) {
            return Err(LutError::Descriptor);
        }
        let bits = u16::try_from(bits)
            .ok()
            .filter(|bits| (1..=16).contains(bits))
            .ok_or(LutError::Descriptor)?;
        let first = match first.rem_euclid(1 << 16) {
            high if input_is_signed && high >= 1 << 15 => high - (1 << 16),
            first => first,
        };
        Ok(Self {
            length,
            first: i32::try_from(first).map_err(|_| LutError::Descriptor)?,
            bits,
        })
    }

    /// Reads little endian entries. Entries of up to 8 bits stand one a byte or, as many files have them, one
    /// a word: the number of bytes tells.
    ///
    /// # Errors
    /// Too few entries.
    pub fn read(&self, bytes: &[u8]) -> Result<Lut, LutError> {
        let (words, _) = bytes.as_chunks::<2>();
        let entries: Vec<u16> = if self.bits <= 8 && words.len() < self.length {
            bytes.iter().map(|byte| u16::from(*byte)).collect()
        } else {
            words.iter().map(|word| u16::from_le_bytes(*word)).collect()
        };
        self.table(entries)
    }

    /// Takes entries that are numbers already.
    ///
    /// # Errors
    /// Too few entries.
    pub fn table(&self, mut entries: Vec<u16>) -> Result<Lut, LutError> {
        if entries.len() < self.length {
            return Err(LutError::TooShort {
                expected: self.length,
                actual: entries.len(),
            });
        }
        entries.truncate(self.length);
        // Some writers understate the bits of their entries: the full scale holds what occurs.
        let largest = entries.iter().copied().max().unwrap_or(0);
        let needed = u16::try_from(16 - largest.leading_zeros()).unwrap_or(16);
        Ok(Lut {
            first: self.first,
            bits: self.bits.max(needed),
            entries: entries.into(),
        })
    }
}

impl Lut {
    /// The input that the first entry is for.
    pub fn first(&self) -> i32 {
        self.first
    }

    /// Bits of an entry.
    pub fn bits(&self) -> u16 {
        self.bits
    }

    /// The entries.
    pub fn entries(&self) -> &[u16] {
        &self.entries
    }

    /// Largest number that an entry can be.
    pub fn full_scale(&self) -> f64 {
        f64::from((1_u32 << self.bits.min(16)) - 1)
    }

    /// First and last input that has an entry of its own.
    pub fn input_range(&self) -> [f64; 2] {
        let first = f64::from(self.first);
        [first, first + self.last_index()]
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "there are at most 65,536 entries"
    )]
    fn last_index(&self) -> f64 {
        (self.entries.len() - 1) as f64
    }

    /// The entry of an input; between two whole inputs the straight line between their entries.
    pub fn at(&self, input: f64) -> f64 {
        self.at_index(input - f64::from(self.first))
    }

    /// The entry at a place counted from 0, which need not be whole.
    pub fn at_index(&self, index: f64) -> f64 {
        // No number is taken as the first: `max` drops it.
        let index = index.max(0.0).min(self.last_index());
        let whole = index.floor();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0..=65535"
        )]
        let place = whole as usize;
        let entry = |place: usize| {
            let entry = self.entries.get(place).or(self.entries.last());
            entry.map_or(0.0, |entry| f64::from(*entry))
        };
        let below = entry(place);
        below + (entry(place + 1) - below) * (index - whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lut(values: [i64; 3], signed: bool, entries: &[u16]) -> Lut {
        let descriptor = LutDescriptor::new(values, signed).unwrap();
        descriptor.table(entries.to_vec()).unwrap()
    }

    /// C.11.2.1.1: inputs at or below the first mapped value have the first entry, those from the last
    /// one on the last entry.
    #[test]
    fn inputs_beyond_the_ends_have_the_end_entries() {
        let lut = lut([4, -2, 8], true, &[10, 20, 40, 80]);
        let found = [-9.0, -2.0, -1.0, 0.0, 1.0, 7.0].map(|input| lut.at(input));
        assert_eq!(found, [10.0, 10.0, 20.0, 40.0, 80.0, 80.0]);
        assert_eq!(lut.at(-0.5), 30.0);
        assert_eq!(lut.at(f64::NAN), 10.0);
    }

    /// C.11.1.1: "When the number of table entries is equal to 2^16 then this value shall be 0".
    #[test]
    fn the_length_0_means_65536() {
        let descriptor = LutDescriptor::new([0, 0, 16], false).unwrap();
        assert_eq!(descriptor.length, 65_536);
    }

    #[test]
    fn the_first_input_has_the_sign_of_the_input() {
        let first = |value, signed| LutDescriptor::new([1, value, 16], signed).unwrap().first;
        assert_eq!(first(65_531, true), -5);
        assert_eq!(first(-5, true), -5);
        assert_eq!(first(-5, false), 65_531);
        assert_eq!(first(40_000, false), 40_000);
    }

    #[test]
    fn impossible_descriptors_are_refused() {
        for values in [
            [4, 0, 0],
            [4, 0, 17],
            [70_000, 0, 8],
            [4, 99_999, 8],
            [4, 0, -8],
        ] {
            assert_eq!(
                LutDescriptor::new(values, false),
                Err(LutError::Descriptor),
                "{values:?}"
            );
        }
    }

    #[test]
    fn eight_bit_entries_stand_one_a_byte_or_one_a_word() {
        let descriptor = LutDescriptor::new([3, 0, 8], false).unwrap();
        let bytes = descriptor.read(&[1, 2, 3, 0]).unwrap();
        let words = descriptor.read(&[1, 0, 2, 0, 3, 0]).unwrap();
        assert_eq!(bytes.entries(), [1, 2, 3]);
        assert_eq!(words, bytes);
    }

    #[test]
    fn a_table_that_is_too_short_is_an_error() {
        let descriptor = LutDescriptor::new([4, 0, 16], false).unwrap();
        let error = descriptor.read(&[0; 6]).unwrap_err();
        assert_eq!(error.to_string(), "it has 3 of 4 entries");
    }

    #[test]
    fn bits_that_are_understated_grow_with_the_entries() {
        assert_eq!(lut([2, 0, 8], false, &[0, 4095]).full_scale(), 4095.0);
        assert_eq!(lut([2, 0, 12], false, &[0, 255]).full_scale(), 4095.0);
    }
}
