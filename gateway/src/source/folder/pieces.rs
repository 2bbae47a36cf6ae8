//! A frame that goes out as it lies in the file, piece by piece: whoever reads slowly costs a piece, not a frame.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use super::fragments::Fragment;
use super::frames::{FrameError, StoredPixels};
use super::input::InputError;
use super::walk::{Listed, modified_ns};
use super::whole::PIECE_BYTES;

/// What is left of a frame.
#[derive(Debug)]
pub struct FramePieces {
    file: File,
    listed: Listed,
    spans: std::vec::IntoIter<Fragment>,
    /// Of the span that is being read.
    span: Fragment,
    number: u32,
}

impl FramePieces {
    /// Of the bytes of a frame, which lie in these parts of the file.
    ///
    /// # Errors
    /// The file is another one than was indexed.
    pub(super) fn open(
        pixels: &StoredPixels,
        spans: Vec<Fragment>,
        number: u32,
    ) -> Result<Self, FrameError> {
        let file = File::open(&pixels.file.path).map_err(|_| FrameError::Changed)?;
        let pieces = Self {
            file,
            listed: pixels.file.clone(),
            spans: spans.into_iter(),
            span: (0, 0),
            number,
        };
        pieces.check()?;
        Ok(pieces)
    }

    /// Bytes that are still to come.
    pub fn length(&self) -> u64 {
        let later = self.spans.as_slice().iter().map(|(_, length)| length);
        self.span.1 + later.sum::<u64>()
    }

    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    /// The file has changed under way, or cannot be read.
    pub fn read(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        while self.span.1 == 0 {
            match self.spans.next() {
                Some(span) => self.span = span,
                None => return Ok(None),
            }
        }
        let (offset, length) = self.span;
        let taken = length.min(PIECE_BYTES);
        self.span = (offset + taken, length - taken);
        let mut piece = Vec::with_capacity(usize::try_from(taken).unwrap_or_default());
        let unreadable = |error| FrameError::Unreadable(InputError::from(error));
        self.file
            .seek(SeekFrom::Start(offset))
            .map_err(unreadable)?;
        let read = (&self.file).take(taken).read_to_end(&mut piece);
        if read.map_err(unreadable)? as u64 != taken {
            let number = self.number;
            return Err(FrameError::Incomplete { number });
        }
        // Behind the reading: what was read before this is of the file that was indexed.
        self.check()?;
        Ok(Some(piece))
    }

    fn check(&self) -> Result<(), FrameError> {
        let now = self.file.metadata().map_err(|_| FrameError::Changed)?;
        match (now.len(), modified_ns(&now)) == (self.listed.size, self.listed.modified_ns) {
            true => Ok(()),
            false => Err(FrameError::Changed),
        }
    }
}
