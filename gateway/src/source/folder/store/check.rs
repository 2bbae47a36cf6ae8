//! Whether a file that came is one whole instance: its head, its UIDs, and every length in it up to the end of its pixels.
//!
//! Readers elsewhere in the store bear half files, as disks hold them; what is taken in is whole.
//! Source: DICOM PS3.10 section 7.1, PS3.5 sections 7.1, 9.1 and A.4, PS3.18 section 10.5.2.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use flate2::bufread::DeflateDecoder;
use protocol::dicomweb::json::Dataset;

use super::{Incoming, PREAMBLE, Reason};
use crate::source::folder::entry::Entry;
use crate::source::folder::scan::{PixelPlace, ScanLimits, scan};
use crate::source::folder::sniff;

/// Longest head, and most elements of it.
const MOST_HEAD: u64 = 64 << 10;
const MOST_ELEMENTS: usize = 256;

/// What a file's head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Media Storage SOP Class UID.
    pub sop_class: String,
    /// Media Storage SOP Instance UID.
    pub sop: String,
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// Where the data set begins.
    pub data_set: u64,
}

/// Whose an instance is, as far as it could be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// SOP Class UID.
    pub sop_class: String,
    /// SOP Instance UID.
    pub sop: String,
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    /// Patient ID.
    pub patient: String,
}

/// An instance that may be stored.
#[derive(Debug)]
pub struct Checked {
    /// Its file.
    pub incoming: Incoming,
    /// What the index keeps of it.
    pub entry: Box<Entry>,
    /// Whose it is.
    pub names: Names,
}

/// One that may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What could be read; its SOP Instance UID is empty where that could not.
    pub names: Names,
    /// Why.
    pub reason: Reason,
}

/// Looks through a file that came. It takes as long as reading the headers of its fragments, or inflating it.
///
/// # Errors
/// It is not taken.
pub fn examine(incoming: Incoming, limits: &ScanLimits) -> Result<Checked, Box<Refused>> {
    let mut names = Names::default();
    match entry_of(incoming.path(), limits, &mut names) {
        Ok(entry) => Ok(Checked {
            incoming,
            entry: Box::new(entry),
            names,
        }),
        Err(reason) => Err(Box::new(Refused { names, reason })),
    }
}

fn entry_of(path: &Path, limits: &ScanLimits, names: &mut Names) -> Result<Entry, Reason> {
    let head = head(path)?;
    (head.sop_class).clone_into(&mut names.sop_class);
    (head.sop).clone_into(&mut names.sop);
    if !is_uid(&head.sop_class) || !is_uid(&head.sop) {
        // What is no UID names nothing.
        *names = Names::default();
        return Err(Reason::NotUnderstood);
    }
    if !head.transfer_syntax.starts_with("1.2.840.10008.1.2") {
        return Err(Reason::TransferSyntax);
    }
    let scanned = scan(path, limits).map_err(|_| Reason::NotUnderstood)?;
    if scanned.fault.is_some() || scanned.transfer_syntax != head.transfer_syntax {
        return Err(Reason::NotUnderstood);
    }
    is_whole(path, &head, scanned.pixels, limits.inflated_bytes)?;
    let tags = ["00080016", "00080018", "0020000D", "0020000E", "00100020"];
    let few = tags.iter().filter_map(|tag| {
        let element = scanned.attributes.get(*tag)?;
        Some(((*tag).to_owned(), element.clone()))
    });
    let set = Dataset::from_map(few.collect());
    let uid = |tag: u32| set.text(tag).filter(|text| is_uid(text));
    let all = [0x0008_0016, 0x0008_0018, 0x0020_000D, 0x0020_000E].map(uid);
    let [Some(sop_class), Some(sop), Some(study), Some(series)] = all else {
        return Err(Reason::NotUnderstood);
    };
    (names.study, names.series) = (study, series);
    names.patient = set.text(0x0010_0020).unwrap_or_default();
    if (&sop_class, &sop) != (&head.sop_class, &head.sop) {
        return Err(Reason::Contradiction);
    }
    if !is_stored(&sop_class) {
        return Err(Reason::SopClass);
    }
    Entry::from_scan(scanned).map_err(|_| Reason::NotUnderstood)
}

/// Digits and dots, as PS3.5 9.1 wants them. Numbers that begin with a zero are none, but there are devices that write them.
pub fn is_uid(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_digit());
    text.len() <= 64 && text.split('.').all(is_number)
}

/// Instances of the standard's storage classes, and of private ones. A directory of a medium is none.
fn is_stored(sop_class: &str) -> bool {
    !sop_class.starts_with("1.2.840.10008.") || sop_class.starts_with("1.2.840.10008.5.1.4.")
}

/// Reads the head of a file: explicit VR little endian, whatever follows it.
///
/// # Errors
/// It is no file of DICOM, or cannot be read.
pub fn head(path: &Path) -> Result<Head, Reason> {
    let mut file = BufReader::new(File::open(path)?.take(MOST_HEAD));
    let mut front = [0; PREAMBLE as usize + 4];
    exactly(&mut file, &mut front)?;
    if &front[PREAMBLE as usize..] != b"DICM" {
        return Err(Reason::NotUnderstood);
    }
    let mut found = Head {
        sop_class: String::new(),
        sop: String::new(),
        transfer_syntax: String::new(),
        data_set: front.len() as u64,
    };
    for _ in 0..MOST_ELEMENTS {
        let mut start = [0; 8];
        match exactly(&mut file, &mut start) {
            // Nothing but a head.
            Err(Reason::NotUnderstood) => break,
            done => done?,
        }
        let [group, 0, low, high, a, b, c, d] = start else {
            break;
        };
        if group != 2 {
            break;
        }
        let (more, length) = match (sniff::is_vr([a, b]), sniff::has_long_length([a, b])) {
            (false, _) => return Err(Reason::NotUnderstood),
            (true, false) => (0, u32::from(u16::from_le_bytes([c, d]))),
            (true, true) => {
                let mut length = [0; 4];
                exactly(&mut file, &mut length)?;
                (4, u32::from_le_bytes(length))
            }
        };
        if u64::from(length) > MOST_HEAD {
            return Err(Reason::NotUnderstood);
        }
        let mut value = vec![0; usize::try_from(length).unwrap_or_default()];
        exactly(&mut file, &mut value)?;
        found.data_set += 8 + more + u64::from(length);
        let text = || {
            String::from_utf8_lossy(&value)
                .trim_matches(['\0', ' '])
                .to_owned()
        };
        match u16::from_le_bytes([low, high]) {
            0x0002 => found.sop_class = text(),
            0x0003 => found.sop = text(),
            0x0010 => found.transfer_syntax = text(),
            _ => {}
        }
    }
    if found.transfer_syntax.is_empty() {
        return Err(Reason::NotUnderstood);
    }
    Ok(found)
}

/// Fills the buffer; a file that ends before is no whole one.
fn exactly(from: &mut impl Read, bytes: &mut [u8]) -> Result<(), Reason> {
    from.read_exact(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Reason::NotUnderstood,
        _ => error.into(),
    })
}

/// The pixels end before the file does. A deflated file is inflated to its end: what it holds has a bound.
fn is_whole(
    path: &Path,
    head: &Head,
    pixels: Option<PixelPlace>,
    most_inflated: u64,
) -> Result<(), Reason> {
    let mut file = File::open(path)?;
    let mut end = file.metadata()?.len();
    if head.transfer_syntax == sniff::DEFLATED {
        file.seek(SeekFrom::Start(head.data_set))?;
        let inflater = DeflateDecoder::new(BufReader::new(file));
        let mut inflated = inflater.take(most_inflated.saturating_add(1));
        end = io::copy(&mut inflated, &mut io::sink()).map_err(|_| Reason::NotUnderstood)?;
        if end > most_inflated {
            return Err(Reason::TooLarge);
        }
        return match pixels {
            Some(PixelPlace {
                length: Some(length),
                offset,
                ..
            }) if offset.saturating_add(length) > end => Err(Reason::NotUnderstood),
            // There are no fragments in it.
            Some(PixelPlace { length: None, .. }) => Err(Reason::NotUnderstood),
            _ => Ok(()),
        };
    }
    let Some(place) = pixels else {
        return Ok(());
    };
    match place.length {
        Some(length) if place.offset.saturating_add(length) > end => Err(Reason::NotUnderstood),
        Some(_) => Ok(()),
        None => fragments_end(file, place.offset, end),
    }
}

/// Passes over all fragments up to their delimiter.
fn fragments_end(file: File, offset: u64, end: u64) -> Result<(), Reason> {
    let mut input = BufReader::with_capacity(4096, file);
    input.seek(SeekFrom::Start(offset))?;
    let mut position = offset;
    loop {
        let mut item = [0; 8];
        exactly(&mut input, &mut item)?;
        let [tag @ .., a, b, c, d] = item;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        position = position.saturating_add(8 + length);
        match tag {
            [0xFE, 0xFF, 0xDD, 0xE0] => return Ok(()),
            [0xFE, 0xFF, 0x00, 0xE0] if position <= end => {
                let step = i64::try_from(length).map_err(|_| Reason::NotUnderstood)?;
                input.seek_relative(step)?;
            }
            _ => return Err(Reason::NotUnderstood),
        }
    }
}

/// Whether two files hold the same data set in the same transfer syntax. Their heads say who wrote the file, which may differ.
///
/// # Errors
/// One of them cannot be read.
pub fn is_same(one: &Path, other: &Path) -> Result<bool, Reason> {
    let (first, second) = (head(one)?, head(other)?);
    let open = |path: &Path, at: u64| -> io::Result<(BufReader<File>, u64)> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len().saturating_sub(at);
        file.seek(SeekFrom::Start(at))?;
        Ok((BufReader::with_capacity(256 << 10, file), length))
    };
    let (mut a, length) = open(one, first.data_set)?;
    let (mut b, other_length) = open(other, second.data_set)?;
    if length != other_length || first.transfer_syntax != second.transfer_syntax {
        return Ok(false);
    }
    let (mut these, mut those) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    let mut left = length;
    while left > 0 {
        let step = usize::try_from(left.min(64 << 10)).unwrap_or(64 << 10);
        exactly(&mut a, &mut these[..step])?;
        exactly(&mut b, &mut those[..step])?;
        if these[..step] != those[..step] {
            return Ok(false);
        }
        left -= step as u64;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_digits_and_dots_of_64_characters_at_most() {
        let longest = format!("1.{}", "2".repeat(62));
        for uid in ["1", "1.2.840.10008", "1.02", longest.as_str()] {
            assert!(is_uid(uid), "{uid}");
        }
        let long = format!("1.{}", "2".repeat(63));
        for no in [
            "",
            ".",
            "..",
            "1.",
            ".1",
            "1..2",
            "1.a",
            "1/2",
            "1 ",
            "-1",
            long.as_str(),
        ] {
            assert!(!is_uid(no), "{no}");
        }
    }

    #[test]
    fn a_directory_is_no_instance() {
        // PS3.6 table A-1: Media Storage Directory Storage, Verification, CT Image Storage, a private class.
        assert!(!is_stored("1.2.840.10008.1.3.10"));
        assert!(!is_stored("1.2.840.10008.1.1"));
        assert!(is_stored("1.2.840.10008.5.1.4.1.1.2"));
        assert!(is_stored("1.3.12.2.1107.5.9.1"));
    }
}
