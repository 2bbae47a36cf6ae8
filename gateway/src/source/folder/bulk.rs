//! Values that metadata leaves out: overlays, tables, profiles, and whole native pixels.
//!
//! A value is found by its tag path, also inside the items of sequences, and goes out little endian,
//! whole or in part. Source: DICOM PS3.18 sections 8.7.3.5 and F.2.6.

use std::path::PathBuf;

use super::frames::{FRAME_LIMIT_BYTES, FrameError};
use super::scan::{self, BulkPlace, ScanLimits};
use super::values::swapped;
use super::{StoredInstance, sniff};
use crate::source::SourceError;

/// One value in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkValue {
    /// Bytes of it.
    pub length: u64,
    path: PathBuf,
    offset: u64,
    /// Bytes that are turned round together; 1 in little endian files.
    word_bytes: usize,
    inflated_bytes: u64,
}

impl BulkValue {
    /// Looks a value up in the file of an instance; `tag_path` is that of its `BulkDataURI`.
    ///
    /// # Errors
    /// [`SourceError::BulkUnknown`] where the file has no such value, or has it as fragments.
    pub fn find(
        instance: &StoredInstance,
        tag_path: &str,
        limits: &ScanLimits,
    ) -> Result<Self, SourceError> {
        let path = instance.pixels.file.path.clone();
        let scan = scan::scan(&path, limits).map_err(|_| SourceError::BulkUnknown)?;
        let value = |offset, length, word_bytes| Self {
            length,
            path,
            offset,
            word_bytes,
            inflated_bytes: limits.inflated_bytes,
        };
        let pixels = scan
            .pixels
            .filter(|place| format!("{:08X}", place.tag) == tag_path);
        if let Some(place) = pixels {
            let big_endian = scan.transfer_syntax == sniff::EXPLICIT_BIG_ENDIAN;
            let word_bytes = if big_endian {
                instance.pixels.word_bytes()
            } else {
                1
            };
            let length = place.length.ok_or(SourceError::BulkUnknown)?;
            return Ok(value(place.offset, length, word_bytes));
        }
        let place = scan
            .bulk
            .into_iter()
            .find(|place| place.tag_path == tag_path);
        let place = place.ok_or(SourceError::BulkUnknown)?;
        Ok(value(place.offset, place.length, word_bytes(&place)))
    }

    /// Reads `length` bytes from `first` on; both must lie inside the value.
    ///
    /// # Errors
    /// [`FrameError::TooLarge`] for more than is sent at once, and the disk's.
    pub fn read(&self, first: u64, length: u64) -> Result<Vec<u8>, SourceError> {
        if length > FRAME_LIMIT_BYTES {
            return Err(FrameError::TooLarge { bytes: length }.into());
        }
        let unreadable = |error| SourceError::Frame(FrameError::Unreadable(error));
        let start = sniff::open(&self.path, self.inflated_bytes)
            .map_err(unreadable)?
            .ok_or(SourceError::BulkUnknown)?;
        let word = self.word_bytes as u64;
        let from = first - first % word;
        let end = (first + length).next_multiple_of(word).min(self.length);
        let mut input = start.input;
        let ahead = (self.offset + from).saturating_sub(input.position());
        let stored = input
            .skip(ahead)
            .and_then(|()| input.read_vec(end.saturating_sub(from)))
            .map_err(unreadable)?;
        let mut bytes = swapped(&stored, self.word_bytes, true);
        bytes.drain(..usize::try_from(first - from).unwrap_or(usize::MAX));
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(bytes)
    }
}

fn word_bytes(place: &BulkPlace) -> usize {
    match &place.vr {
        _ if !place.big_endian => 1,
        b"OW" | b"US" | b"SS" | b"AT" => 2,
        b"OF" | b"OL" | b"FL" | b"UL" | b"SL" => 4,
        b"OD" | b"OV" | b"FD" | b"UV" | b"SV" => 8,
        _ => 1,
    }
}
