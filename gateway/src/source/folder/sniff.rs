//! Where a file's data set starts and how it is written, also where the file does not say so.
//!
//! Files without preamble, without meta group, or with a meta group that lies about the encoding
//! all occur. Source: DICOM PS3.10 section 7.1 (file meta information), PS3.5 section 7.1.

use std::path::Path;

use dicom_core::Tag;
use dicom_core::dictionary::DataDictionary as _;
use dicom_dictionary_std::StandardDataDictionary;

use super::input::{Input, InputError};

/// Implicit VR little endian.
pub const IMPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
/// Explicit VR little endian.
pub const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Deflated explicit VR little endian.
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Explicit VR big endian.
pub const EXPLICIT_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
/// Frames as they are, a fragment each.
pub const ENCAPSULATED_UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";
/// RLE lossless.
pub const RLE: &str = "1.2.840.10008.1.2.5";

/// How the elements of a data set are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    /// Elements carry no VR.
    pub implicit: bool,
    /// Numbers start with their most significant byte.
    pub big_endian: bool,
}

impl Syntax {
    /// How data sets of a transfer syntax are written.
    pub fn of(transfer_syntax: &str) -> Self {
        Self {
            implicit: transfer_syntax == IMPLICIT_LITTLE_ENDIAN,
            big_endian: transfer_syntax == EXPLICIT_BIG_ENDIAN,
        }
    }

    fn transfer_syntax(self) -> &'static str {
        match self {
            Self { implicit: true, .. } => IMPLICIT_LITTLE_ENDIAN,
            Self {
                big_endian: true, ..
            } => EXPLICIT_BIG_ENDIAN,
            _ => EXPLICIT_LITTLE_ENDIAN,
        }
    }
}

/// A file opened at its data set.
pub struct Start {
    /// At the first element after the meta group, inflated where the file is deflated.
    pub input: Input,
    /// How the elements are written.
    pub syntax: Syntax,
    /// Transfer Syntax UID, guessed where the file does not say it.
    pub transfer_syntax: String,
    /// The file has a preamble, its prefix, and a meta group that names this very syntax.
    pub is_whole: bool,
}

/// True for native transfer syntaxes: pixels lie there as they are, without fragments.
pub fn is_native(transfer_syntax: &str) -> bool {
    [
        IMPLICIT_LITTLE_ENDIAN,
        EXPLICIT_LITTLE_ENDIAN,
        DEFLATED,
        EXPLICIT_BIG_ENDIAN,
    ]
    .contains(&transfer_syntax)
}

/// Opens a file; `None` where it is no DICOM.
pub fn open(path: &Path, inflate_cap_bytes: u64) -> Result<Option<Start>, InputError> {
    let mut input = Input::open(path)?;
    let head = input.peek(144)?;
    let Some(offset) = start_offset(&head) else {
        return Ok(None);
    };
    input.skip(offset)?;
    let declared = read_meta(&mut input)?;
    let has_prefix = offset == 132;
    let mut transfer_syntax = declared.clone().unwrap_or_default();
    if transfer_syntax == DEFLATED {
        let syntax = Syntax::of(DEFLATED);
        return Ok(Some(Start {
            input: input.inflate(inflate_cap_bytes),
            syntax,
            transfer_syntax,
            is_whole: has_prefix,
        }));
    }
    let mut syntax = Syntax::of(&transfer_syntax);
    if let Some(seen) = plausible(&input.peek(8)?).filter(|seen| *seen != syntax) {
        syntax = seen;
        if transfer_syntax.is_empty() || is_native(&transfer_syntax) {
            seen.transfer_syntax().clone_into(&mut transfer_syntax);
        }
    }
    if transfer_syntax.is_empty() {
        syntax.transfer_syntax().clone_into(&mut transfer_syntax);
    }
    let is_whole = has_prefix && declared.is_some_and(|declared| declared == transfer_syntax);
    Ok(Some(Start {
        input,
        syntax,
        transfer_syntax,
        is_whole,
    }))
}

/// Where the meta group, or without one the data set, starts.
fn start_offset(head: &[u8]) -> Option<u64> {
    let at = |offset: usize| head.get(offset..).and_then(plausible).is_some();
    if head.get(128..132) == Some(b"DICM") {
        // `DICM` may also stand by chance inside a file without preamble.
        return Some(if !at(132) && at(0) { 0 } else { 132 });
    }
    if head.starts_with(b"DICM") {
        return Some(4);
    }
    at(0).then_some(0)
}

/// How the element at the front is written, if it looks like the first of a data set.
pub fn plausible(bytes: &[u8]) -> Option<Syntax> {
    let bytes: &[u8; 8] = bytes.get(..8)?.try_into().ok()?;
    let [a, b, c, d, e, f, g, h] = *bytes;
    let explicit = is_vr([e, f]);
    for big_endian in [false, true] {
        let word = if big_endian {
            u16::from_be_bytes
        } else {
            u16::from_le_bytes
        };
        let (group, element) = (word([a, b]), word([c, d]));
        let early = matches!(group, 0x0002 | 0x0004 | 0x0008 | 0x0010);
        if !early || StandardDataDictionary.by_tag(Tag(group, element)).is_none() {
            continue;
        }
        let length = u32::from_le_bytes([e, f, g, h]);
        if explicit {
            return Some(Syntax {
                implicit: false,
                big_endian,
            });
        }
        if !big_endian && (length < 1 << 16 || length == u32::MAX) {
            return Some(Syntax {
                implicit: true,
                big_endian: false,
            });
        }
    }
    None
}

/// True for the two letters of a VR that PS3.5 defines.
pub fn is_vr(letters: [u8; 2]) -> bool {
    matches!(
        &letters,
        b"AE"
            | b"AS"
            | b"AT"
            | b"CS"
            | b"DA"
            | b"DS"
            | b"DT"
            | b"FD"
            | b"FL"
            | b"IS"
            | b"LO"
            | b"LT"
            | b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"PN"
            | b"SH"
            | b"SL"
            | b"SQ"
            | b"SS"
            | b"ST"
            | b"SV"
            | b"TM"
            | b"UC"
            | b"UI"
            | b"UL"
            | b"UN"
            | b"UR"
            | b"US"
            | b"UT"
            | b"UV"
    )
}

/// True for VRs whose explicit form has a length of 32 bits.
pub fn has_long_length(letters: [u8; 2]) -> bool {
    matches!(
        &letters,
        b"OB"
            | b"OD"
            | b"OF"
            | b"OL"
            | b"OV"
            | b"OW"
            | b"SQ"
            | b"SV"
            | b"UC"
            | b"UN"
            | b"UR"
            | b"UT"
            | b"UV"
    )
}

/// Passes over group 0002 and returns the Transfer Syntax UID that it names.
fn read_meta(input: &mut Input) -> Result<Option<String>, InputError> {
    let mut transfer_syntax = None;
    loop {
        let head = input.peek(12)?;
        let [2, 0, low, high, a, b, c, d, rest @ ..] = head.as_slice() else {
            return Ok(transfer_syntax);
        };
        let (header, length) = match (is_vr([*a, *b]), has_long_length([*a, *b]), rest) {
            (true, true, &[e, f, g, h]) => (12, u32::from_le_bytes([e, f, g, h])),
            (true, true, _) => return Err(InputError::Ends),
            (true, false, _) => (8, u32::from(u16::from_le_bytes([*c, *d]))),
            (false, ..) => (8, u32::from_le_bytes([*a, *b, *c, *d])),
        };
        input.skip(header)?;
        if u16::from_le_bytes([*low, *high]) == 0x0010 && length <= 128 {
            let value = input.read_vec(u64::from(length))?;
            let text = String::from_utf8_lossy(&value);
            let text = text.trim_matches(['\0', ' ']);
            transfer_syntax = (!text.is_empty()).then(|| text.to_owned());
        } else {
            input.skip(u64::from(length))?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_shows_in_the_first_element() {
        let syntax = |implicit, big_endian| {
            Some(Syntax {
                implicit,
                big_endian,
            })
        };
        assert_eq!(
            plausible(b"\x08\x00\x05\x00CS\x0A\x00"),
            syntax(false, false)
        );
        assert_eq!(
            plausible(b"\x00\x08\x00\x05CS\x00\x0A"),
            syntax(false, true)
        );
        assert_eq!(
            plausible(b"\x08\x00\x05\x00\x0A\x00\x00\x00"),
            syntax(true, false)
        );
        for other in [
            b"<!DOCTYP".as_slice(),
            b"\x89PNG\r\n\x1A\n",
            b"\x08\x00",
            b"",
        ] {
            assert_eq!(plausible(other), None);
        }
    }

    #[test]
    fn dicm_by_chance_is_no_preamble() {
        let mut head = b"\x08\x00\x05\x00CS\x0A\x00ISO_IR 100".to_vec();
        head.resize(128, b' ');
        head.extend(b"DICMA1\x08\x00\x3E\x10LO");
        assert_eq!(start_offset(&head), Some(0));
        let mut proper = vec![0; 128];
        proper.extend(b"DICM\x02\x00\x00\x00UL\x04\x00");
        assert_eq!(start_offset(&proper), Some(132));
    }
}
