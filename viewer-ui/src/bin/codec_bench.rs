//! All decoders as a module for node, where `cargo xtask bench codecs` measures them beside another viewer's: is not part of
//! the app.
//!
//! As with those, the bytes of a frame are copied in, its samples are copied out, and colours are RGB.

use viewer_core::decode::{Limits, decode_frame, to_rgb8};
use viewer_core::pixel::{ColorModel, Photometric, PixelFormat};
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

fn main() {
    console_error_panic_hook::set_once();
}

/// Decodes one frame of 1 or 3 samples a pixel, the latter of RGB: stored values, little endian, interleaved.
///
/// # Errors
/// The frame cannot be decoded.
#[wasm_bindgen]
pub fn decode(
    bytes: &[u8],
    transfer_syntax: &str,
    rows: u32,
    columns: u32,
    samples_per_pixel: u16,
    bits_stored: u16,
    signed: bool,
) -> Result<Vec<u8>, JsError> {
    let format = PixelFormat {
        rows,
        columns,
        samples_per_pixel,
        bits_allocated: if bits_stored > 8 { 16 } else { 8 },
        bits_stored,
        high_bit: bits_stored.saturating_sub(1),
        signed,
        float: false,
        planar: false,
        photometric: if samples_per_pixel == 1 {
            Photometric::Monochrome2
        } else {
            Photometric::Rgb
        },
    };
    let frame = decode_frame(bytes, transfer_syntax, &format, &Limits::default())?;
    match ColorModel::of(frame.photometric) {
        // Of JPEG by DCT. The app leaves this to the graphics card, the other decoders do it themselves.
        Some(ColorModel::YbrFull | ColorModel::YbrPartial) => {
            to_rgb8(&frame).ok_or_else(|| JsError::new("the colours have no 8 bits"))
        }
        _ => Ok(frame.data),
    }
}
