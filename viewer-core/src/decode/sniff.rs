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
    const START: &[u8] = &[0xFF, 0x4F, 0xFF, 0x51];
    let stream = if bytes.starts_with(JP2_SIGNATURE) {
        // The boxes before the code stream are short.
        let head = bytes.get(..bytes.len().min(4096))?;
        let start = head.windows(4).position(|window| window == START)?;
        bytes.get(start..)?
    } else {
        bytes
    };
    stream.strip_prefix(START)?.get(2..)
}

/// The code of the first start-of-frame marker behind SOI.
fn start_of_frame(bytes: &[u8]) -> Option<u8> {
    let mut position = 2;
    loop {
        let &[0xFF, code, high, low] = bytes.get(position..position + 4)? else {
            return None;
        };
        match code {
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF | 0xF7 => return Some(code),
            _ => {}
        }
        position += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
}
