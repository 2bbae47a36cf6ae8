//! What a frame really is, whatever its label says.
//!
//! Some servers send the stored, compressed frame labelled 1.2.840.10008.1.2.1, some writers mix labels up. The first bytes of the
//! JPEG family tell it; plain pixels of the right length are never looked at.

use super::transfer_syntax::Codec;

/// Signature box of JP2, ISO/IEC 15444-1 annex I.5.1.
pub(super) const JP2_SIGNATURE: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n";
const JXL_SIGNATURE: &[u8] = b"\0\0\0\x0CJXL \r\n\x87\n";

/// The codec of the JPEG family that the first bytes name; `None` where they name none.
pub(super) fn codec(bytes: &[u8]) -> Option<Codec> {
    if let Some(size) = size_segment(bytes) {
        // Bit 14 of Rsiz: part 15 (high throughput) is needed, ISO/IEC 15444-15 annex A.
        return Some(match size.first() {
            Some(capabilities) if capabilities & 0x40 != 0 => Codec::HighThroughput,
            _ => Codec::Jpeg2000,
        });
    }
    if bytes.starts_with(JP2_SIGNATURE) {
        return Some(Codec::Jpeg2000);
    }
    if bytes.starts_with(JXL_SIGNATURE) || bytes.starts_with(&[0xFF, 0x0A]) {
        return Some(Codec::JpegXl);
    }
    if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return None;
    }
    match start_of_frame(bytes)? {
        0xF7 => Some(Codec::JpegLs),
        _ => Some(Codec::Jpeg),
    }
}

/// What follows the length of the SIZ segment of a JPEG 2000 code stream, bare or in a JP2 file.
fn size_segment(bytes: &[u8]) -> Option<&[u8]> {
    bare_jpeg2000(bytes)?.strip_prefix(START)?.get(2..)
}

/// SOC and SIZ: how every JPEG 2000 code stream begins.
const START: &[u8] = &[0xFF, 0x4F, 0xFF, 0x51];

/// The JPEG 2000 code stream, which may be wrapped in a JP2 file.
pub(super) fn bare_jpeg2000(bytes: &[u8]) -> Option<&[u8]> {
    if !bytes.starts_with(JP2_SIGNATURE) {
        return Some(bytes);
    }
    // The boxes before the code stream are short.
    let head = bytes.get(..bytes.len().min(4096))?;
    let start = head.windows(4).position(|window| window == START)?;
    bytes.get(start..)
}

/// The code of the first start-of-frame marker behind SOI.
pub(super) fn start_of_frame(bytes: &[u8]) -> Option<u8> {
    const FRAMES: &[u8] = &[
        0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7,
    ];
    segment(bytes, FRAMES).map(|(code, _)| code)
}

/// The first marker segment with one of these codes, and what follows its length: the segments of all codecs of the family
/// are built alike, up to where coded data begin.
pub(super) fn segment<'a>(stream: &'a [u8], codes: &[u8]) -> Option<(u8, &'a [u8])> {
    let mut position = 2;
    loop {
        let &[0xFF, code, high, low] = stream.get(position..position + 4)? else {
            return None;
        };
        let end = position + 2 + usize::from(u16::from_be_bytes([high, low]));
        if codes.contains(&code) {
            // A frame header may be cut off: its code is known all the same.
            return Some((code, stream.get(position + 4..end).unwrap_or_default()));
        }
        position = end;
    }
}
