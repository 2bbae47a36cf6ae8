//! Frames as they lie in the file: found by offset, read one at a time.
//!
//! Native pixels are cut by the size of a frame, fragments are put together. What is native goes
//! out little endian, and a frame of single bits starts on a byte.
//! Source: DICOM PS3.5 sections 8.1, 8.2 and A.4, PS3.18 section 8.7.3.

use std::ops::Range;

use super::fragments::{Fragment, Fragments};
use super::input::{Input, InputError};
use super::pieces::FramePieces;
use super::scan::{self, PixelPlace, ScanLimits};
use super::sniff::{self, DEFLATED, EXPLICIT_BIG_ENDIAN, RLE};
use super::values::swapped;
use super::walk::{Listed, modified_ns};
use super::whole::PIECE_BYTES;

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
    /// Number of Frames says more than there are.
    #[error("frame {number} is not in the file, which holds {found} whole ones")]
    Missing {
        /// Frame, from 1.
        number: u32,
        /// Frames that are there.
        found: u32,
    },
    /// A fragment without a byte in it.
    #[error("frame {number} is empty")]
    Empty {
        /// Frame, from 1.
        number: u32,
    },
    /// More fragments than frames and nothing that tells which belong together.
    #[error("the file does not say where its frames start")]
    NoTable,
    /// Rows, columns or bits are missing or absurd.
    #[error("the header does not say how large a frame is")]
    NoSize,
    /// A frame or another value larger than the limit.
    #[error("{bytes} bytes are more than is sent at once")]
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
    /// Fragments, some for each frame.
    Fragments {
        /// All of them.
        list: Vec<Fragment>,
        /// Those of each frame, as far as the file holds it.
        frames: Vec<Range<usize>>,
    },
}

/// Where one frame is.
enum Place<'a> {
    /// First byte in the value, and bits of it that are not of this frame.
    Native {
        offset: u64,
        shift: u64,
    },
    Fragments(&'a [Fragment]),
}

/// Most bytes of one frame, or of another value, that are read at once.
pub const FRAME_LIMIT_BYTES: u64 = 512 << 20;

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
                let list = vec![(place.offset, length)];
                return Ok(FrameTable::Fragments {
                    list,
                    frames: std::iter::once(0..1).collect(),
                });
            }
        }
        self.fragments(place)
    }

    /// Says in words why a frame cannot be had, as far as that shows without reading it; `number`
    /// counts from 1.
    pub fn check(&self, table: &FrameTable, number: u32) -> Result<(), FrameError> {
        self.find(table, number).map(|_| ())
    }

    /// Reads one frame; `number` counts from 1.
    pub fn read_frame(&self, table: &FrameTable, number: u32) -> Result<Vec<u8>, FrameError> {
        match self.find(table, number)? {
            Place::Native { offset, shift } => self.native(table, number, offset, shift),
            Place::Fragments(fragments) => self.join(fragments, number),
        }
    }

    /// A frame to be read piece by piece, where it goes out as it lies in the file and is larger than a piece.
    ///
    /// # Errors
    /// As of [`Self::read_frame`].
    pub fn pieces(
        &self,
        table: &FrameTable,
        number: u32,
    ) -> Result<Option<FramePieces>, FrameError> {
        let spans = match (self.find(table, number)?, table) {
            (Place::Native { offset, .. }, FrameTable::Native { offset: start, .. }) => {
                vec![(start + offset, self.frame_bits.div_ceil(8))]
            }
            (Place::Native { .. }, FrameTable::Fragments { .. }) => return Ok(None),
            (Place::Fragments(fragments), _) => fragments.to_vec(),
        };
        let is_made = self.transfer_syntax == DEFLATED
            || (self.transfer_syntax == EXPLICIT_BIG_ENDIAN && self.word_bytes() > 1)
            || !self.frame_bits.is_multiple_of(8) && self.is_native()
            || self.is_packed() && self.is_native();
        let bytes = spans.iter().map(|(_, length)| length).sum::<u64>();
        if is_made || bytes <= PIECE_BYTES {
            return Ok(None);
        }
        FramePieces::open(self, spans, number).map(Some)
    }

    /// Where a frame is, if it is there whole.
    fn find<'a>(&self, table: &'a FrameTable, number: u32) -> Result<Place<'a>, FrameError> {
        let count = self.frame_count;
        if number == 0 || number > count {
            return Err(FrameError::OutOfRange { number, count });
        }
        let index = number - 1;
        let (list, frames) = match table {
            FrameTable::Native { length, .. } => return self.find_native(*length, index),
            FrameTable::Fragments { list, frames } => (list, frames),
        };
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let fragments = frames
            .get(at)
            .and_then(|range| list.get(range.clone()))
            .ok_or_else(|| FrameError::Missing {
                number,
                found: u32::try_from(frames.len()).unwrap_or(u32::MAX),
            })?;
        let bytes = fragments
            .iter()
            .fold(0u64, |sum, (_, length)| sum.saturating_add(*length));
        let end = fragments
            .last()
            .map_or(0, |(offset, length)| offset + length);
        if bytes == 0 {
            Err(FrameError::Empty { number })
        } else if bytes > FRAME_LIMIT_BYTES {
            Err(FrameError::TooLarge { bytes })
        } else if end > self.file.size && self.transfer_syntax != DEFLATED {
            Err(FrameError::Incomplete { number })
        } else {
            Ok(Place::Fragments(fragments))
        }
    }

    fn find_native(&self, length: u64, index: u32) -> Result<Place<'static>, FrameError> {
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
        let (offset, shift) = (first_bit / 8, first_bit % 8);
        if offset + (shift + self.frame_bits).div_ceil(8) <= length {
            return Ok(Place::Native { offset, shift });
        }
        let found = length.saturating_mul(8) / self.frame_bits;
        Err(if offset < length {
            FrameError::Incomplete { number }
        } else {
            FrameError::Missing {
                number,
                found: u32::try_from(found).unwrap_or(u32::MAX),
            }
        })
    }

    /// Opens the file, if it still is the one that was indexed.
    pub(super) fn open(&self) -> Result<Input, FrameError> {
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

    fn native(
        &self,
        table: &FrameTable,
        number: u32,
        first: u64,
        shift: u64,
    ) -> Result<Vec<u8>, FrameError> {
        let FrameTable::Native { offset, length } = table else {
            return Err(FrameError::NoSize);
        };
        let span = (shift + self.frame_bits).div_ceil(8);
        let big_endian = self.transfer_syntax == EXPLICIT_BIG_ENDIAN;
        // Words are turned round whole, also where a frame begins or ends amid one.
        let word_bytes = if big_endian { self.word_bytes() } else { 1 };
        let word = word_bytes as u64;
        let from = first - first % word;
        let to = (first + span).next_multiple_of(word).min(*length);
        let mut input = self.open()?;
        let incomplete = |error| match error {
            InputError::Ends => FrameError::Incomplete { number },
            error => FrameError::Unreadable(error),
        };
        input.skip(offset + from).map_err(incomplete)?;
        let words = input.read_vec(to - from).map_err(incomplete)?;
        let mut stored = swapped(&words, word_bytes, big_endian);
        stored.drain(..usize::try_from(first - from).unwrap_or(usize::MAX));
        stored.truncate(usize::try_from(span).unwrap_or(usize::MAX));
        if self.is_packed() {
            return Ok(aligned_bits(&stored, shift, self.frame_bits));
        }
        Ok(stored)
    }

    /// Frames may begin inside a byte: pixels have one bit, or the twelve of files of old.
    fn is_packed(&self) -> bool {
        matches!(self.bits_allocated, 1 | 12)
    }

    /// Bytes that are turned round together in big endian files: those of a word of the VR, whatever the bits of
    /// a pixel (PS3.5 6.2 and 7.3).
    pub fn word_bytes(&self) -> usize {
        match self.place.map(|place| place.vr) {
            Some([b'O', b'W']) => 2,
            Some([b'O', b'F' | b'L']) => 4,
            Some([b'O', b'D' | b'V']) => 8,
            _ => 1,
        }
    }

    /// Walks over the fragments and tells which belong to which frame.
    fn fragments(&self, place: PixelPlace) -> Result<FrameTable, FrameError> {
        let mut input = self.open()?;
        match input.skip(place.offset) {
            Err(InputError::Ends) => return Err(FrameError::Incomplete { number: 1 }),
            result => result.map_err(FrameError::Unreadable)?,
        }
        let is_rle = self.transfer_syntax == RLE;
        let found = Fragments::walk(&mut input, is_rle).map_err(FrameError::Unreadable)?;
        let count = usize::try_from(self.frame_count).unwrap_or(usize::MAX);
        let frames = if is_video(&self.transfer_syntax) {
            std::iter::once(0..found.list.len()).collect()
        } else {
            let extended = if found.is_clear(count) {
                Vec::new()
            } else {
                self.extended_table()
            };
            found.frames(count, &extended).ok_or(FrameError::NoTable)?
        };
        let list = found.list;
        Ok(FrameTable::Fragments { list, frames })
    }

    /// The Extended Offset Table (7FE0,0001), empty where there is none. PS3.3 C.7.6.3.1.8.
    fn extended_table(&self) -> Vec<u64> {
        let Ok(scan) = scan::scan(&self.file.path, &ScanLimits::default()) else {
            return Vec::new();
        };
        let place = scan.bulk.iter().find(|place| place.tag_path == "7FE00001");
        let limit = ScanLimits::default().inline_bytes;
        let bytes = place
            .filter(|place| place.length <= limit)
            .and_then(|place| {
                let mut input = self.open().ok()?;
                input.skip(place.offset).ok()?;
                input.read_vec(place.length).ok()
            });
        let bytes = bytes.unwrap_or_default();
        let (offsets, _) = bytes.as_chunks::<8>();
        offsets
            .iter()
            .map(|offset| u64::from_le_bytes(*offset))
            .collect()
    }

    fn join(&self, fragments: &[Fragment], number: u32) -> Result<Vec<u8>, FrameError> {
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

/// Moves a frame of packed pixels to the front of a byte; bits after it are 0. PS3.5 8.1.1: the
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
}
