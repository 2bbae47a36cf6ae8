//! What a frame under the label of native pixels really is.
//!
//! Some servers send the stored, compressed frame labelled 1.2.840.10008.1.2.1. The first bytes of the
//! JPEG family tell it; plain pixels of the right length are never looked at.

use super::DecodeError;
use super::transfer_syntax::{Codec, HTJ2K, JPEG_BASELINE, JPEG_EXTENDED, JPEG_LOSSLESS, JPEG_XL};

/// Signature box of JP2, ISO/IEC 15444-1 annex I.5.1.
pub(super) const JP2_SIGNATURE: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n";
const JXL_SIGNATURE: &[u8] = b"\0\0\0\x0CJXL \r\n\x87\n";

/// The codec that the first bytes name; `None` where they name none, an error where this build lacks it.
pub(super) fn codec(bytes: &[u8]) -> Option<Result<Codec, DecodeError>> {
    let lacking = |uid: &str| {
        Some(Err(DecodeError::UnsupportedTransferSyntax {
            uid: uid.to_owned(),
        }))
    };
    if bytes.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) {
        // Bit 14 of Rsiz: part 15 (high throughput) is needed, ISO/IEC 15444-15 annex A.
        return match bytes.get(6) {
            Some(capabilities) if capabilities & 0x40 != 0 => lacking(HTJ2K),
            _ => Some(Ok(Codec::Jpeg2000)),
        };
    }
    if bytes.starts_with(JP2_SIGNATURE) {
        return Some(Ok(Codec::Jpeg2000));
    }
    if bytes.starts_with(JXL_SIGNATURE) || bytes.starts_with(&[0xFF, 0x0A]) {
        return lacking(JPEG_XL);
    }
    if !bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return None;
    }
    match start_of_frame(bytes)? {
        0xF7 => Some(Ok(Codec::JpegLs)),
        0xC0 => lacking(JPEG_BASELINE),
        0xC1 | 0xC2 => lacking(JPEG_EXTENDED),
        0xC3 => lacking(JPEG_LOSSLESS),
        _ => None,
    }
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
