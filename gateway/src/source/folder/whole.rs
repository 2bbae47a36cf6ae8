//! Whole instances as files: as they are stored, or as Explicit VR Little Endian.
//!
//! A data set that is explicit little endian already goes out byte for byte, compressed or not. Implicit, big endian and
//! deflated ones are rewritten always, compressed ones where their pixels are asked for uncompressed. Nothing is read before
//! its turn: of an instance that is on its way memory holds what is small, and one piece or one frame.
//! Source: DICOM PS3.10 section 7.1 (file meta information), PS3.18 section 8.7.3.

use std::collections::{BTreeSet, VecDeque};
use std::io::Read as _;
use std::sync::Arc;

use rusqlite::{OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use viewer_core::decode::{Limits, is_supported};
use viewer_core::model::Instance;
use viewer_core::pixel::Photometric;

use super::frames::{FrameError, FrameTable, StoredPixels};
use super::input::Input;
use super::recode::{self, Decoded, Segment};
use super::sniff::{self, DEFLATED, ENCAPSULATED_UNCOMPRESSED, EXPLICIT_LITTLE_ENDIAN, is_native};
use super::{FolderStore, StoredInstance, index, stored_instance};
use crate::auth::access::StudyPass;
use crate::source::SourceError;
use crate::state::LOCAL;
use crate::uncompressed;

/// Bytes that are read at once; whole words of every VR.
pub const PIECE_BYTES: u64 = 64 << 10;
/// Longest file meta information that goes out as it is.
const META_BYTES: u64 = 64 << 10;
/// Bytes before the prefix of a file, and the prefix.
const PREAMBLE: usize = 128;
const PREFIX: &[u8; 4] = b"DICM";
/// Who wrote the file meta information, where that was the gateway.
const IMPLEMENTATION: &str = "2.25.142813068739298169094403817041733989312";
const IMPLEMENTATION_NAME: &str = "SAGITTA";

/// How instances are to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Data sets as they are stored, as far as their syntax may go out.
    Stored,
    /// Everything as Explicit VR Little Endian.
    Explicit,
}

/// Instances of a study, a series, or one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Their rows, in the order in which they go out.
    pub ids: Vec<i64>,
    /// Their transfer syntaxes, and whether there are pixels in it.
    pub syntaxes: BTreeSet<(String, bool)>,
}

impl Chosen {
    /// The one transfer syntax in which all of them go out as stored; `None` where there are several.
    pub fn stored_syntax(&self) -> Option<&str> {
        let mut all = self.syntaxes.iter().map(|(syntax, _)| sent_syntax(syntax));
        let first = all.next()?;
        all.all(|other| other == first).then_some(first)
    }

    /// A transfer syntax that cannot be decoded here.
    pub fn undecodable(&self) -> Option<&str> {
        let mut compressed = self.syntaxes.iter().filter(|(syntax, has_pixels)| {
            let is_plain = is_native(syntax) || syntax == ENCAPSULATED_UNCOMPRESSED;
            *has_pixels && !is_plain && !is_supported(syntax)
        });
        compressed.next().map(|(syntax, _)| syntax.as_str())
    }
}

/// The syntax in which a stored data set goes out (PS3.18 section 8.7.3.3: the others are never sent).
fn sent_syntax(stored: &str) -> &str {
    if is_native(stored) {
        EXPLICIT_LITTLE_ENDIAN
    } else {
        stored
    }
}

/// An instance on its way out.
pub struct Part10 {
    /// Transfer Syntax UID of what goes out.
    pub transfer_syntax: String,
    /// Bytes of the whole file.
    pub length: u64,
    segments: VecDeque<Segment>,
    pixels: StoredPixels,
    decoder: Option<Box<Decoder>>,
    /// A deflated file, inflated so far; others are opened for each piece.
    input: Option<Input>,
}

struct Decoder {
    table: Arc<FrameTable>,
    instance: Instance,
    /// The first frame, which was decoded to know its size.
    first: Option<Vec<u8>>,
}

impl FolderStore {
    /// Which instances a study, a series or one instance are.
    ///
    /// # Errors
    /// One of the UIDs is unknown.
    pub fn chosen(
        &self,
        study: &StudyPass,
        series: Option<&str>,
        sop: Option<&str>,
    ) -> Result<Chosen, SourceError> {
        let study = study.uid_at(LOCAL)?;
        let chosen = self.index.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT f.id, f.transfer_syntax, f.pixel_tag IS NOT NULL FROM files f
                 JOIN series e ON e.study = f.study AND e.uid = f.series
                 WHERE f.study = ?1 AND (?2 IS NULL OR f.series = ?2) AND (?3 IS NULL OR f.sop = ?3)
                     AND f.current = 1
                 ORDER BY e.number IS NULL, e.number, e.uid, f.number IS NULL, f.number, f.sop",
            )?;
            let mut rows = statement.query(params![study, series, sop])?;
            let mut chosen = Chosen::default();
            while let Some(row) = rows.next()? {
                chosen.ids.push(row.get(0)?);
                chosen.syntaxes.insert((row.get(1)?, row.get(2)?));
            }
            Ok(chosen)
        })?;
        if chosen.ids.is_empty() {
            return Err(self.unknown(study, series)?);
        }
        Ok(chosen)
    }

    /// What stands for a study: the instance in the middle of its first series that has pixels.
    ///
    /// # Errors
    /// There is no such study, or it has no pixels.
    pub fn representative(&self, study: &StudyPass) -> Result<StoredInstance, SourceError> {
        let uid = study.uid_at(LOCAL)?;
        let series: Option<String> = self.index.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT e.uid FROM series e WHERE e.study = ?1 AND EXISTS
                     (SELECT 1 FROM files f WHERE f.study = e.study AND f.series = e.uid
                         AND f.current = 1 AND f.pixel_tag IS NOT NULL)
                 ORDER BY e.number IS NULL, e.number, e.uid LIMIT 1",
            )?;
            Ok(statement.query_row([uid], |row| row.get(0)).optional()?)
        })?;
        match series {
            Some(series) => self.middle_instance(study, &series),
            None => match self.unknown(uid, None)? {
                SourceError::StudyUnknown => Err(SourceError::StudyUnknown),
                _ => Err(FrameError::NoPixels.into()),
            },
        }
    }

    /// What tells one state of the chosen files from another, also after the index was made anew.
    ///
    /// # Errors
    /// One of the UIDs is unknown.
    pub fn version(
        &self,
        study: &StudyPass,
        series: Option<&str>,
        sop: Option<&str>,
    ) -> Result<[u8; 32], SourceError> {
        let study = study.uid_at(LOCAL)?;
        let (digest, count) = self.index.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT series, sop, size, modified_ns FROM files
                 WHERE study = ?1 AND (?2 IS NULL OR series = ?2) AND (?3 IS NULL OR sop = ?3)
                     AND current = 1
                 ORDER BY series, sop",
            )?;
            let mut rows = statement.query(params![study, series, sop])?;
            let (mut digest, mut count) = (Sha256::new(), 0_u64);
            while let Some(row) = rows.next()? {
                for column in 0..2 {
                    let text = row.get_ref(column)?.as_str().unwrap_or_default();
                    digest.update((text.len() as u64).to_le_bytes());
                    digest.update(text);
                }
                for column in 2..4 {
                    digest.update(row.get::<_, i64>(column)?.to_le_bytes());
                }
                count += 1;
            }
            Ok((digest, count))
        })?;
        if count == 0 {
            return Err(self.unknown(study, series)?);
        }
        Ok(digest.finalize().into())
    }

    /// One instance, ready to go out.
    ///
    /// # Errors
    /// It has gone or changed since it was chosen, or cannot be rewritten.
    pub fn part10(&self, id: i64, form: Form, limits: &Limits) -> Result<Part10, SourceError> {
        let (instance, sop_class) = self.row(id)?;
        let pixels = &instance.pixels;
        // Its size and time are those of the index, or it is an error.
        drop(pixels.open()?);
        let unreadable = |error| SourceError::Frame(FrameError::Unreadable(error));
        let start = sniff::open(&pixels.file.path, self.limits.inflated_bytes)
            .map_err(unreadable)?
            .ok_or(FrameError::Changed)?;
        let stored = pixels.transfer_syntax.as_str();
        let is_explicit = !is_native(stored) || stored == EXPLICIT_LITTLE_ENDIAN;
        let is_decoded = form == Form::Explicit && !is_native(stored) && pixels.place.is_some();
        let transfer_syntax = match form {
            Form::Stored => sent_syntax(stored),
            Form::Explicit => EXPLICIT_LITTLE_ENDIAN,
        };
        let head = match start.is_whole && transfer_syntax == stored {
            true => stored_head(pixels, &start)?,
            false => None,
        };
        let head = head.unwrap_or_else(|| made_head(&sop_class, &instance.sop, transfer_syntax));
        let mut decoder = None;
        let rest = if is_explicit && !is_decoded {
            let offset = start.input.position();
            vec![Segment::Stored {
                offset,
                length: pixels.file.size.saturating_sub(offset),
                word_bytes: 1,
            }]
        } else {
            let mut decoded = None;
            if is_decoded {
                let (ready, what) = self.decoder(&instance, limits)?;
                decoder = Some(Box::new(ready));
                decoded = Some(what);
            }
            recode::plan(start, &self.limits, decoded.as_ref())
                .map_err(|error| SourceError::Rewritten(error.to_string()))?
        };
        let segments: VecDeque<Segment> =
            std::iter::once(Segment::Bytes(head)).chain(rest).collect();
        let length = segments.iter().map(Segment::length).sum();
        Ok(Part10 {
            transfer_syntax: transfer_syntax.to_owned(),
            length,
            segments,
            pixels: instance.pixels,
            decoder,
            input: None,
        })
    }

    fn row(&self, id: i64) -> Result<(StoredInstance, String), SourceError> {
        let found = self.index.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, sop, path, transfer_syntax, frame_count, frame_bits, bits_allocated,
                    pixel_tag, pixel_vr, pixel_offset, pixel_length, size, modified_ns, sop_class
                 FROM files WHERE id = ?1",
            )?;
            let found = statement.query_row([id], |row| Ok((stored_instance(row), row.get(13)?)));
            match found.optional()? {
                Some((instance, sop_class)) => Ok::<_, index::IndexError>(Some((
                    instance?,
                    Option::<String>::unwrap_or_default(sop_class),
                ))),
                None => Ok(None),
            }
        })?;
        Ok(found.ok_or(FrameError::Changed)?)
    }

    /// The first frame, decoded: what it says of all of them.
    fn decoder(
        &self,
        stored: &StoredInstance,
        limits: &Limits,
    ) -> Result<(Decoder, Decoded), SourceError> {
        let failed = |error: &dyn std::fmt::Display| SourceError::Rewritten(error.to_string());
        let pixels = &stored.pixels;
        let table = self.frame_table(stored)?;
        let dataset = self.dataset(stored)?;
        let instance =
            Instance::from_dataset(&dataset).ok_or_else(|| failed(&"its header is damaged"))?;
        let format = instance.format.clone().map_err(|error| failed(&error))?;
        for number in 1..=pixels.frame_count {
            pixels
                .check(&table, number)
                .map_err(|error| failed(&error))?;
        }
        let mut decoder = Decoder {
            table,
            instance,
            first: None,
        };
        let (first, photometric) = decoder
            .frame(pixels, 1, limits)
            .map_err(|error| failed(&error))?;
        let frame_bits =
            u64::from(format.rows) * u64::from(format.columns) * u64::from(format.bits_allocated);
        let is_ragged =
            format.is_packed() && pixels.frame_count > 1 && !frame_bits.is_multiple_of(8);
        if is_ragged {
            return Err(failed(&"its frames of packed pixels do not end on bytes"));
        }
        let decoded = Decoded {
            photometric: photometric
                .filter(|photometric| *photometric != format.photometric)
                .and_then(code),
            high_bit: format.bits_stored.saturating_sub(1),
            bits_allocated: format.bits_allocated,
            frame_count: pixels.frame_count,
            frame_bytes: first.len() as u64,
        };
        decoder.first = Some(first);
        Ok((decoder, decoded))
    }
}

impl Decoder {
    /// A decoded frame, and what its samples are where that was decided by decoding.
    fn frame(
        &self,
        pixels: &StoredPixels,
        number: u32,
        limits: &Limits,
    ) -> Result<(Vec<u8>, Option<Photometric>), String> {
        let stored = pixels
            .read_frame(&self.table, number)
            .map_err(|error| error.to_string())?;
        if pixels.transfer_syntax == ENCAPSULATED_UNCOMPRESSED {
            return Ok((stored, None));
        }
        uncompressed::frame_of(&stored, pixels, &self.instance, limits)
            .map(|(bytes, photometric)| (bytes, Some(photometric)))
            .map_err(|error| error.to_string())
    }
}

impl Part10 {
    /// The next piece has to be decoded.
    pub fn decodes_next(&self) -> bool {
        matches!(self.segments.front(), Some(Segment::Frames { .. }))
    }

    /// The next piece; `None` after the last one.
    ///
    /// # Errors
    /// The file has changed, or a frame is not as the others.
    pub fn next(&mut self, limits: &Limits) -> Result<Option<Vec<u8>>, SourceError> {
        let Some(segment) = self.segments.front_mut() else {
            return Ok(None);
        };
        match segment {
            Segment::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                self.segments.pop_front();
                Ok(Some(bytes))
            }
            Segment::Stored {
                offset,
                length,
                word_bytes,
            } => {
                let (from, words) = (*offset, *word_bytes);
                let taken = (*length).min(PIECE_BYTES);
                *offset += taken;
                *length -= taken;
                if *length == 0 {
                    self.segments.pop_front();
                }
                let bytes = self.read(from, taken)?;
                Ok(Some(super::values::swapped(&bytes, words, words > 1)))
            }
            Segment::Frames { next, last, bytes } => {
                let (number, expected) = (*next, *bytes);
                *next += 1;
                if *next > *last {
                    self.segments.pop_front();
                }
                let decoder = self.decoder.as_mut().ok_or(FrameError::NoPixels)?;
                let frame = match decoder.first.take().filter(|_| number == 1) {
                    Some(first) => first,
                    None => {
                        let decoded = decoder.frame(&self.pixels, number, limits);
                        decoded.map_err(SourceError::Rewritten)?.0
                    }
                };
                if frame.len() as u64 != expected {
                    let message = "its frames are of different sizes".to_owned();
                    return Err(SourceError::Rewritten(message));
                }
                Ok(Some(frame))
            }
        }
    }

    fn read(&mut self, offset: u64, length: u64) -> Result<Vec<u8>, SourceError> {
        let unreadable = |error| SourceError::Frame(FrameError::Unreadable(error));
        let kept = self.input.take().filter(|it| it.position() <= offset);
        let mut input = match kept {
            Some(input) => input,
            None => self.pixels.open()?,
        };
        input.skip(offset - input.position()).map_err(unreadable)?;
        let bytes = input.read_vec(length).map_err(unreadable)?;
        if self.pixels.transfer_syntax == DEFLATED {
            self.input = Some(input);
        }
        Ok(bytes)
    }
}

/// Preamble, prefix and meta group of a file. The preamble may be a program for those who believe so: it goes out as zeros.
fn stored_head(
    pixels: &StoredPixels,
    start: &sniff::Start,
) -> Result<Option<Vec<u8>>, SourceError> {
    // What is inflated counts from another place.
    let length = start.input.position();
    if length > META_BYTES || pixels.transfer_syntax == DEFLATED {
        return Ok(None);
    }
    let unreadable = |error: std::io::Error| FrameError::Unreadable(error.into());
    let file = std::fs::File::open(&pixels.file.path).map_err(unreadable)?;
    let mut head = Vec::new();
    file.take(length)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    let is_one = head.get(PREAMBLE..PREAMBLE + 4) == Some(PREFIX);
    if !is_one {
        return Ok(None);
    }
    head[..PREAMBLE].fill(0);
    Ok(Some(head))
}

/// Preamble, prefix and a meta group of our own. PS3.10 table 7.1-1.
fn made_head(sop_class: &str, sop: &str, transfer_syntax: &str) -> Vec<u8> {
    let mut group = Vec::new();
    group.extend([2, 0, 1, 0]);
    group.extend(b"OB\0\0");
    group.extend(2_u32.to_le_bytes());
    group.extend([0, 1]);
    let texts = [
        (2, b"UI", sop_class),
        (3, b"UI", sop),
        (0x10, b"UI", transfer_syntax),
        (0x12, b"UI", IMPLEMENTATION),
        (0x13, b"SH", IMPLEMENTATION_NAME),
    ];
    for (element, vr, text) in texts {
        let mut value: Vec<u8> = text.bytes().take(64).collect();
        if !value.len().is_multiple_of(2) {
            value.push(if vr == b"UI" { 0 } else { b' ' });
        }
        group.extend([2, 0, element, 0]);
        group.extend(vr);
        group.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
        group.extend(value);
    }
    let length = u32::try_from(group.len()).unwrap_or_default();
    let mut head = vec![0; PREAMBLE];
    head.extend(PREFIX);
    head.extend(b"\x02\0\0\0UL\x04\0");
    head.extend(length.to_le_bytes());
    head.extend(group);
    head
}

/// The code string of decoded samples; what only code streams have is none of them.
fn code(photometric: Photometric) -> Option<&'static str> {
    Some(match photometric {
        Photometric::Monochrome1 => "MONOCHROME1",
        Photometric::Monochrome2 => "MONOCHROME2",
        Photometric::PaletteColor => "PALETTE COLOR",
        Photometric::Rgb => "RGB",
        Photometric::YbrFull => "YBR_FULL",
        Photometric::YbrPartial420 => "YBR_PARTIAL_420",
        _ => return None,
    })
}
