//! PALETTE COLOR: from stored indices to colours.
//!
//! Source: DICOM PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 (Palette Color Lookup Tables), C.7.9.2 (segmented), C.7.6.19
//! (supplemental).

use super::lut::{Lut, LutDescriptor, LutError, MOST_ENTRIES};

/// The tables of the three channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    /// Red, green, blue.
    channels: [Lut; 3],
    /// Only stored values from the first mapped one on are colours; those below go through the grey-scale
    /// chain (Pixel Presentation COLOR or MIXED on a MONOCHROME2 image).
    is_supplemental: bool,
}

impl Palette {
    /// A palette of three tables.
    pub fn new(channels: [Lut; 3], is_supplemental: bool) -> Self {
        Self {
            channels,
            is_supplemental,
        }
    }

    /// Red, green and blue of a stored value, 8 bits each; `None` where a supplemental palette leaves it grey.
    pub fn color(&self, stored: i64) -> Option<[u8; 3]> {
        let [red, green, blue] = &self.channels;
        if self.is_supplemental && stored < i64::from(red.first()) {
            return None;
        }
        Some([red, green, blue].map(|lut| level(lut, stored)))
    }

    /// True where it only adds colours to a grey image.
    pub fn is_supplemental(&self) -> bool {
        self.is_supplemental
    }
}

/// An entry as a level on screen. Entries of 16 bits hold the level in their high byte, whether the low one
/// repeats it or is 0; tables whose entries are small numbers throughout hold it in the low one.
fn level(lut: &Lut, stored: i64) -> u8 {
    let last = lut.entries().len() - 1;
    let index = usize::try_from(stored - i64::from(lut.first())).unwrap_or(0);
    let entry = lut.entries().get(index.min(last)).copied().unwrap_or(0);
    let scaled = match lut.bits() {
        bits @ 9.. => entry >> (bits - 8),
        8 => entry,
        bits => entry << (8 - bits),
    };
    u8::try_from(scaled).unwrap_or(u8::MAX)
}

/// Expands segmented data (0028,1221) to (0028,1223) to entries. `words` are its numbers, of 16 bits or, where
/// entries have 8, of 8 (`are_bytes`): then the offset of an indirect segment takes four of them.
///
/// # Errors
/// Segments that are cut off, unknown, start with a line, point outside or make more entries than a table has.
pub fn expand_segments(words: &[u16], are_bytes: bool) -> Result<Vec<u16>, LutError> {
    let mut entries = Vec::new();
    let mut position = 0;
    while position < words.len() {
        // Padding to an even length.
        if words[position..] == [0] {
            break;
        }
        position += segment(words, position, &mut entries, [are_bytes, false])?;
    }
    Ok(entries)
}

/// Expands the segment at `position` and says how many words it has.
fn segment(
    words: &[u16],
    position: usize,
    entries: &mut Vec<u16>,
    [are_bytes, is_indirect]: [bool; 2],
) -> Result<usize, LutError> {
    let &[code, length, ref rest @ ..] = words.get(position..).ok_or(LutError::Segments)? else {
        return Err(LutError::Segments);
    };
    let length = usize::from(length);
    if entries.len() + length > MOST_ENTRIES {
        return Err(LutError::Segments);
    }
    match code {
        // Discrete: the entries themselves.
        0 => {
            entries.extend_from_slice(rest.get(..length).ok_or(LutError::Segments)?);
            Ok(2 + length)
        }
        // Linear: from the entry before to the one given.
        1 => {
            let start = i64::from(*entries.last().ok_or(LutError::Segments)?);
            let end = i64::from(*rest.first().ok_or(LutError::Segments)?);
            let count = i64::try_from(length).map_err(|_| LutError::Segments)?;
            for step in 1..=count {
                let value = start * count + (end - start) * step;
                // To the nearest, as the line is between whole numbers.
                let rounded = (2 * value + count).div_euclid(2 * count);
                entries.push(u16::try_from(rounded).map_err(|_| LutError::Segments)?);
            }
            Ok(3)
        }
        // Indirect: segments again that stand elsewhere, by their place in bytes.
        2 if !is_indirect => {
            let (fields, bits) = if are_bytes { (4, 8) } else { (2, 16) };
            let offset = rest.get(..fields).ok_or(LutError::Segments)?;
            let offset =
                (offset.iter().rev()).fold(0, |sum, field| (sum << bits) | usize::from(*field));
            let word_bytes = bits / 8;
            if !offset.is_multiple_of(word_bytes) {
                return Err(LutError::Segments);
            }
            let mut source = offset / word_bytes;
            for _ in 0..length {
                source += segment(words, source, entries, [are_bytes, true])?;
            }
            Ok(2 + fields)
        }
        _ => Err(LutError::Segments),
    }
}

/// Reads one channel, plain or segmented; `words` are little endian.
///
/// # Errors
/// As of [`LutDescriptor::read`] and [`expand_segments`].
pub fn channel(descriptor: &LutDescriptor, bytes: &[u8], segmented: bool) -> Result<Lut, LutError> {
    if !segmented {
        let lut = descriptor.read(bytes)?;
        // Sixteen bits that never use their high byte are 8-bit entries by a writer's mistake.
        let is_small = descriptor.bits == 16 && lut.entries().iter().all(|entry| *entry < 256);
        if is_small {
            let eight = LutDescriptor {
                bits: 8,
                ..*descriptor
            };
            return eight.table(lut.entries().to_vec());
        }
        return Ok(lut);
    }
    let are_bytes = descriptor.bits <= 8;
    let words: Vec<u16> = if are_bytes {
        bytes.iter().map(|byte| u16::from(*byte)).collect()
    } else {
        let (pairs, _) = bytes.as_chunks::<2>();
        pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect()
    };
    descriptor.table(expand_segments(&words, are_bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// C.7.9.2.2: a discrete segment, then a line whose first value is one step from the last entry and whose
    /// last value is y1.
    #[test]
    fn a_line_goes_from_the_entry_before_to_its_own_value() {
        let words = [0, 2, 0, 10, 1, 5, 60];
        assert_eq!(
            expand_segments(&words, false),
            Ok(vec![0, 10, 20, 30, 40, 50, 60])
        );
    }

    #[test]
    fn a_falling_line_is_rounded_to_the_nearest() {
        let words = [0, 1, 10, 1, 4, 0];
        // 7.5, 5, 2.5, 0.
        assert_eq!(expand_segments(&words, false), Ok(vec![10, 8, 5, 3, 0]));
    }

    /// C.7.9.2.3: an indirect segment repeats segments by their offset in bytes.
    #[test]
    fn an_indirect_segment_repeats_others() {
        let words = [0, 2, 7, 9, 1, 2, 13, 2, 2, 0, 0];
        assert_eq!(
            expand_segments(&words, false),
            Ok(vec![7, 9, 11, 13, 7, 9, 11, 13])
        );
    }

    #[test]
    fn the_offset_of_eight_bit_segments_has_four_bytes() {
        let bytes = [0, 2, 7, 9, 1, 2, 13, 2, 1, 0, 0, 0, 0];
        assert_eq!(expand_segments(&bytes, true), Ok(vec![7, 9, 11, 13, 7, 9]));
    }

    #[test]
    fn broken_segments_are_errors() {
        let loops = [2, 1, 0, 0];
        let cut = [0, 9, 1, 2];
        let line_first = [1, 3, 9];
        let unknown = [7, 1, 1];
        let outside = [0, 1, 1, 2, 1, 400, 0];
        for words in [&loops[..], &cut, &line_first, &unknown, &outside] {
            assert_eq!(
                expand_segments(words, false),
                Err(LutError::Segments),
                "{words:?}"
            );
        }
    }

    #[test]
    fn an_indirect_segment_cannot_make_more_than_a_table_holds() {
        let mut words = vec![0, 60_000];
        words.resize(60_002, 1);
        words.extend([2, 9, 0, 0]);
        assert_eq!(expand_segments(&words, false), Err(LutError::Segments));
    }

    fn palette(entries: &[u16], bits: i64, first: i64, is_supplemental: bool) -> Palette {
        let length = entries.len() as i64;
        let descriptor = LutDescriptor::new([length, first, bits], false).unwrap();
        let bytes: Vec<u8> = entries.iter().flat_map(|e| e.to_le_bytes()).collect();
        let lut = channel(&descriptor, &bytes, false).unwrap();
        Palette::new([lut.clone(), lut.clone(), lut], is_supplemental)
    }

    #[test]
    fn the_level_is_the_high_byte_of_16_bits() {
        for entries in [[0x0000, 0xab00, 0xff00], [0x0000, 0xabab, 0xffff]] {
            let found = [0, 1, 2].map(|stored| palette(&entries, 16, 0, false).color(stored));
            assert_eq!(found, [Some([0; 3]), Some([0xab; 3]), Some([255; 3])]);
        }
        let low_bytes = palette(&[0, 0xab, 0xff], 16, 0, false);
        assert_eq!(low_bytes.color(1), Some([0xab; 3]));
    }

    #[test]
    fn indices_beyond_the_palette_have_its_end_colours() {
        let palette = palette(&[1, 2, 3], 8, 100, false);
        let found = [0, 100, 101, 102, 900].map(|stored| palette.color(stored).map(|c| c[0]));
        assert_eq!(found, [1, 1, 2, 3, 3].map(Some));
    }

    #[test]
    fn a_supplemental_palette_leaves_lower_values_grey() {
        let palette = palette(&[9, 8], 8, 100, true);
        assert_eq!(palette.color(99), None);
        assert_eq!(palette.color(101), Some([8; 3]));
    }
}
