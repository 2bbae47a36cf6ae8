//! Frames as they lie in the file: found by offset, read one at a time.
//!
//! Native pixels are cut by the size of a frame, fragments are put together. What is native goes
//! out little endian, and a frame of single bits starts on a byte.
//! Source: DICOM PS3.5 sections 8.1, 8.2 and A.4, PS3.18 section 8.7.3.

use super::input::{Input, InputError};
use super::scan::PixelPlace;
use super::sniff::{self, DEFLATED, EXPLICIT_BIG_ENDIAN};
use super::values::swapped;
use super::walk::{Listed, modified_ns};

/// Why a frame cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Reports and the like.
    #[error("this instance has no pixel data")]
    NoPixels,
    /// Beyond the last frame, or 0.
    #[error("frame {number} does not exist, the instance has {count}")]
    OutOfRange {
        /// What was asked for, from 1.
        number: u32,
        /// Number of Frames.
        count: u32,
    },
    /// The file ends inside the frame.
    #[error("the file ends before frame {number} is complete")]
    Incomplete {
        /// Frame, from 1.
        number: u32,
    },
    /// More fragments than frames and nothing that tells which belong together.
    #[error("the file does not say where its frames start")]
    NoTable,
    /// Rows, columns or bits are missing or absurd.
    #[error("the header does not say how large a frame is")]
    NoSize,
    /// A frame larger than the limit.
    #[error("a frame of {bytes} bytes is larger than the limit")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// The disk says no.
    #[error("the file cannot be read just now")]
    Unreadable(#[source] InputError),
    /// Offsets of the index mean nothing in it any more.
    #[error("the file has changed and is being indexed again")]
    Changed,
}

/// What the index says about the pixels of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPixels {
    /// The file as it was indexed.
    pub file: Listed,
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// Where the pixels are; none for reports and the like.
    pub place: Option<PixelPlace>,
    /// Number of Frames.
    pub frame_count: u32,
    /// Bits of one native frame.
    pub frame_bits: u64,
    /// Bits Allocated.
    pub bits_allocated: u16,
}

/// The fragments of one frame.
type FrameFragments = Vec<Fragment>;
/// Offset and length of one fragment.
type Fragment = (u64, u64);

/// Where the frames of one instance are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameTable {
    /// One after the other.
    Native {
        /// First byte of the value.
        offset: u64,
        /// Bytes of the value.
        length: u64,
    },
    /// Fragments of each frame.
    Fragments(Vec<FrameFragments>),
}

/// Most bytes of one frame that are read at once.
const FRAME_LIMIT_BYTES: u64 = 512 << 20;

impl StoredPixels {
    /// True where the pixels go out uncompressed.
    pub fn is_native(&self) -> bool {
        self.place.is_some_and(|place| place.length.is_some())
            && sniff::is_native(&self.transfer_syntax)
    }

    /// Finds the frames; reads the headers of fragments, no pixels.
    pub fn frame_table(&self) -> Result<FrameTable, FrameError> {
        let place = self.place.ok_or(FrameError::NoPixels)?;
        if let Some(length) = place.length {
            let whole = FrameTable::Native {
                offset: place.offset,
                length,
            };
            if sniff::is_native(&self.transfer_syntax) {
                return Ok(whole);
            }
            let mut input = self.open()?;
            let head = input.skip(place.offset).and_then(|()| input.peek(4));
            if head.map_err(FrameError::Unreadable)? != [0xFE, 0xFF, 0x00, 0xE0] {
                // A code stream that some writers store without fragments.
                return Ok(FrameTable::Fragments(vec![vec![(place.offset, length)]]));
            }
        }
        let (offsets, fragments) = self.fragments(place)?;
        self.group(&offsets, &fragments).map(FrameTable::Fragments)
    }

    /// Reads one frame; `number` counts from 1.
    pub fn read_frame(&self, table: &FrameTable, number: u32) -> Result<Vec<u8>, FrameError> {
        if number == 0 || number > self.frame_count {
            return Err(FrameError::OutOfRange {
                number,
                count: self.frame_count,
            });
        }
        let index = number - 1;
        match table {
            FrameTable::Native { offset, length } => self.native(*offset, *length, index),
            FrameTable::Fragments(frames) => {
                let at = usize::try_from(index).unwrap_or(usize::MAX);
                let fragments = frames.get(at).ok_or(FrameError::Incomplete { number })?;
                self.join(fragments, number)
            }
        }
    }

    /// Opens the file, if it still is the one that was indexed.
    fn open(&self) -> Result<Input, FrameError> {
        let path = &self.file.path;
        let metadata = std::fs::metadata(path).map_err(|_| FrameError::Changed)?;
        if (metadata.len(), modified_ns(&metadata)) != (self.file.size, self.file.modified_ns) {
            return Err(FrameError::Changed);
        }
        if self.transfer_syntax == DEFLATED {
            let start = sniff::open(path, FRAME_LIMIT_BYTES).map_err(FrameError::Unreadable)?;
            return start.map(|start| start.input).ok_or(FrameError::NoPixels);
        }
        Input::open(path).map_err(FrameError::Unreadable)
    }

    fn native(&self, offset: u64, length: u64, index: u32) -> Result<Vec<u8>, FrameError> {
        let number = index + 1;
        if self.frame_bits == 0 {
            return Err(FrameError::NoSize);
        }
        let bytes = self.frame_bits.div_ceil(8);
        if bytes > FRAME_LIMIT_BYTES {
            return Err(FrameError::TooLarge { bytes });
        }
        let first_bit = self
            .frame_bits
            .checked_mul(u64::from(index))
            .ok_or(FrameError::NoSize)?;
        let (first, shift) = (first_bit / 8, first_bit % 8);
        let span = (shift + self.frame_bits).div_ceil(8);
        if first + span > length {
            return Err(FrameError::Incomplete { number });
        }
        let mut input = self.open()?;
        let incomplete = |error| match error {
            InputError::Ends => FrameError::Incomplete { number },
            error => FrameError::Unreadable(error),
        };
        input.skip(offset + first).map_err(incomplete)?;
        let stored = input.read_vec(span).map_err(incomplete)?;
        if self.bits_allocated == 1 {
            return Ok(aligned_bits(&stored, shift, self.frame_bits));
        }
        Ok(swapped(
            &stored,
            self.word_bytes(),
            self.transfer_syntax == EXPLICIT_BIG_ENDIAN,
        ))
    }

    /// Bytes that are turned round together in big endian files.
    fn word_bytes(&self) -> usize {
        match (self.place.map(|place| place.vr), self.bits_allocated) {
            (_, 16) => 2,
            (_, 32) => 4,
            (_, 64) => 8,
            (Some([b'O', b'W']), _) => 2,
            _ => 1,
        }
    }

    /// Reads the basic offset table and the place of every fragment.
    fn fragments(&self, place: PixelPlace) -> Result<(Vec<u64>, Vec<Fragment>), FrameError> {
        let mut input = self.open()?;
        input
            .skip(place.offset)
            .map_err(|_| FrameError::Incomplete { number: 1 })?;
        let mut offsets = Vec::new();
        let mut fragments = Vec::new();
        let mut is_table = true;
        loop {
            let mut header = [0; 8];
            if input.read_exact(&mut header).is_err() {
                break;
            }
            let [a, b, c, d, length @ ..] = header;
            let length = u64::from(u32::from_le_bytes(length));
            if [a, b, c, d] != [0xFE, 0xFF, 0x00, 0xE0] {
                break;
            }
            if is_table {
                is_table = false;
                let Ok(table) = input.read_vec(length) else {
                    break;
                };
                offsets = table
                    .chunks_exact(4)
                    .filter_map(|bytes| bytes.try_into().ok())
                    .map(|bytes| u64::from(u32::from_le_bytes(bytes)))
                    .collect();
                continue;
            }
            fragments.push((input.position(), length));
            if input.skip(length).is_err() {
                break;
            }
        }
        Ok((offsets, fragments))
    }

    /// Tells which fragments belong to which frame.
    fn group(
        &self,
        offsets: &[u64],
        fragments: &[Fragment],
    ) -> Result<Vec<FrameFragments>, FrameError> {
        let count = usize::try_from(self.frame_count).unwrap_or(usize::MAX);
        if count == 1 || is_video(&self.transfer_syntax) {
            return Ok(vec![fragments.to_vec()]);
        }
        if fragments.len() <= count {
            return Ok(fragments.iter().map(|fragment| vec![*fragment]).collect());
        }
        let starts: Vec<usize> = if offsets.len() == count {
            // Offsets count from the first byte of the first fragment's item.
            let base = fragments.first().map_or(0, |(offset, _)| offset - 8);
            let find = |offset: &u64| {
                fragments
                    .binary_search_by_key(&(base + offset + 8), |(at, _)| *at)
                    .ok()
            };
            offsets
                .iter()
                .map(find)
                .collect::<Option<_>>()
                .ok_or(FrameError::NoTable)?
        } else {
            self.code_stream_starts(fragments)?
        };
        if starts.len() != count || starts.first() != Some(&0) || !starts.is_sorted() {
            return Err(FrameError::NoTable);
        }
        let ends = starts.iter().skip(1).copied().chain([fragments.len()]);
        Ok(starts
            .iter()
            .zip(ends)
            .map(|(from, to)| fragments[*from..to].to_vec())
            .collect())
    }

    /// Fragments that begin a code stream: JPEG and JPEG-LS, JPEG 2000, JPEG XL.
    fn code_stream_starts(&self, fragments: &[Fragment]) -> Result<Vec<usize>, FrameError> {
        let mut input = self.open()?;
        let mut starts = Vec::new();
        for (index, (offset, _)) in fragments.iter().enumerate() {
            let ahead = offset - input.position();
            let head = input.skip(ahead).and_then(|()| input.peek(4));
            let head = head.map_err(FrameError::Unreadable)?;
            let begins = head.starts_with(&[0xFF, 0xD8])
                || head.starts_with(&[0xFF, 0x4F, 0xFF, 0x51])
                || head.starts_with(&[0xFF, 0x0A]);
            if begins {
                starts.push(index);
            }
        }
        Ok(starts)
    }

    fn join(&self, fragments: &[Fragment], number: u32) -> Result<Vec<u8>, FrameError> {
        let bytes = fragments
            .iter()
            .fold(0u64, |sum, (_, length)| sum.saturating_add(*length));
        if bytes > FRAME_LIMIT_BYTES {
            return Err(FrameError::TooLarge { bytes });
        }
        if bytes == 0 {
            return Err(FrameError::Incomplete { number });
        }
        let mut input = self.open()?;
        let mut frame = Vec::new();
        for (offset, length) in fragments {
            let ahead = offset.saturating_sub(input.position());
            let part = input.skip(ahead).and_then(|()| input.read_vec(*length));
            frame.append(&mut part.map_err(|_| FrameError::Incomplete { number })?);
        }
        Ok(frame)
    }
}

/// MPEG-2, MPEG-4 and HEVC: one stream for all frames.
fn is_video(transfer_syntax: &str) -> bool {
    protocol::dicomweb::media_type::of_transfer_syntax(transfer_syntax).starts_with("video/")
}

/// Moves a frame of single bits to the front of a byte; bits after it are 0. PS3.5 8.1.1: the
/// first pixel is the least significant bit.
fn aligned_bits(stored: &[u8], shift: u64, bits: u64) -> Vec<u8> {
    let next = stored.iter().skip(1).copied().chain([0]);
    let length = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
    let mut aligned: Vec<u8> = stored
        .iter()
        .zip(next)
        .map(|(low, high)| {
            if shift == 0 {
                *low
            } else {
                low >> shift | high << (8 - shift)
            }
        })
        .take(length)
        .collect();
    if let (Some(last), rest @ 1..) = (aligned.last_mut(), bits % 8) {
        *last &= (1 << rest) - 1;
    }
    aligned
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_bits_starts_on_a_byte() {
        // Two frames of 3 x 3 bits: 9 ones, then 9 zeros but for its first and last.
        let stored = [0xFF, 0b0000_0011, 0b0000_0010];
        assert_eq!(aligned_bits(&stored[..2], 0, 9), [0xFF, 1]);
        assert_eq!(aligned_bits(&stored[1..], 1, 9), [1, 1]);
    }

    fn pixels(frame_count: u32) -> StoredPixels {
        StoredPixels {
            file: Listed {
                path: "a".into(),
                size: 0,
                modified_ns: 0,
            },
            transfer_syntax: "1.2.840.10008.1.2.4.80".into(),
            place: None,
            frame_count,
            frame_bits: 0,
            bits_allocated: 16,
        }
    }

    #[test]
    fn an_offset_table_groups_fragments() {
        let fragments = [(108, 10), (126, 10), (144, 10)];
        let grouped = pixels(2).group(&[0, 36], &fragments).unwrap();
        assert_eq!(grouped, [vec![(108, 10), (126, 10)], vec![(144, 10)]]);
        assert!(matches!(
            pixels(2).group(&[0, 35], &fragments),
            Err(FrameError::NoTable)
        ));
    }

    #[test]
    fn one_fragment_a_frame_needs_no_table() {
        let fragments = [(108, 10), (126, 10)];
        assert_eq!(pixels(2).group(&[], &fragments).unwrap().len(), 2);
        assert_eq!(
            pixels(1).group(&[], &fragments).unwrap(),
            [fragments.to_vec()]
        );
    }
}
