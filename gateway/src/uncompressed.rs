//! Frames decoded on the server, for clients that take nothing else.

use protocol::dicomweb::json::Dataset;
use viewer_core::decode::{DecodeError, Limits, decode_frame};
use viewer_core::model::Instance;
use viewer_core::model::NoPixels;
use viewer_core::pixel::{Frame, Photometric, PixelFormat};

use crate::source::folder::frames::StoredPixels;
use crate::source::folder::sniff::EXPLICIT_LITTLE_ENDIAN;

/// Why a frame cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UncompressedError {
    /// The header does not describe an image.
    #[error(transparent)]
    Header(#[from] NoPixels),
    /// The decoder refuses it.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// No SOP Instance UID, which the index does not let through.
    #[error("the header is damaged")]
    Damaged,
}

/// Decodes a frame as read from the file.
pub fn decode(
    stored: &[u8],
    pixels: &StoredPixels,
    instance: &Instance,
    limits: &Limits,
) -> Result<Frame, UncompressedError> {
    let format = instance.format.clone()?;
    // Native frames come little endian from the store, whatever the file is.
    let syntax = if pixels.is_native() {
        EXPLICIT_LITTLE_ENDIAN
    } else {
        pixels.transfer_syntax.as_str()
    };
    Ok(decode_frame(stored, syntax, &format, limits)?)
}

/// The bytes of a frame in Explicit VR Little Endian, laid out as the metadata says.
pub fn frame(
    stored: &[u8],
    pixels: &StoredPixels,
    dataset: &Dataset,
    limits: &Limits,
) -> Result<Vec<u8>, UncompressedError> {
    let instance = Instance::from_dataset(dataset).ok_or(UncompressedError::Damaged)?;
    frame_of(stored, pixels, &instance, limits).map(|(bytes, _)| bytes)
}

/// The same of an instance that has been read already, and what its decoded samples are: not what the metadata says, where the
/// code stream had a colour transform.
pub fn frame_of(
    stored: &[u8],
    pixels: &StoredPixels,
    instance: &Instance,
    limits: &Limits,
) -> Result<(Vec<u8>, Photometric), UncompressedError> {
    let format = instance.format.clone()?;
    let frame = decode(stored, pixels, instance, limits)?;
    let photometric = frame.photometric;
    Ok((laid_out(frame, &format), photometric))
}

/// Widens samples to Bits Allocated, packs single bits, and separates colour planes where the metadata says so.
fn laid_out(frame: Frame, format: &PixelFormat) -> Vec<u8> {
    match format.bits_allocated {
        1 => return packed(&frame.data),
        12 if frame.sample_type.size_bytes() == 2 => return packed_twelve(&frame.data),
        _ => {}
    }
    let size = frame.sample_type.size_bytes();
    let wanted = usize::from(format.bits_allocated / 8);
    let (mut data, mut stride) = (frame.data, size);
    if wanted > size {
        let signed = frame.sample_type.is_signed();
        data = data
            .chunks_exact(size)
            .flat_map(|sample| {
                let negative = signed && sample.last().is_some_and(|byte| byte & 0x80 != 0);
                let fill = if negative { 0xFF } else { 0 };
                sample
                    .iter()
                    .copied()
                    .chain(std::iter::repeat_n(fill, wanted - size))
            })
            .collect();
        stride = wanted;
    }
    let samples = usize::from(frame.samples_per_pixel);
    if !format.planar || samples < 2 {
        return data;
    }
    let mut planes = Vec::with_capacity(data.len());
    for sample in 0..samples {
        let pixels = data.chunks_exact(stride * samples);
        pixels.for_each(|pixel| planes.extend(&pixel[sample * stride..(sample + 1) * stride]));
    }
    planes
}

/// Words of 16 bits as pixels of twelve, two in three bytes, the first one's lowest bits first.
fn packed_twelve(words: &[u8]) -> Vec<u8> {
    let two = |pair: &[u8]| {
        let byte = |place: usize| pair.get(place).copied().unwrap_or(0);
        let three = [
            byte(0),
            byte(1) & 15 | byte(2) << 4,
            byte(2) >> 4 | byte(3) << 4,
        ];
        // One pixel alone has a byte and a half.
        three.into_iter().take(if pair.len() < 4 { 2 } else { 3 })
    };
    words.chunks(4).flat_map(two).collect()
}

/// Bytes 0 and 1 as bits, the first in the least significant one. PS3.5 section 8.1.1.
fn packed(pixels: &[u8]) -> Vec<u8> {
    let byte = |eight: &[u8]| {
        (0u8..)
            .zip(eight)
            .fold(0, |byte, (bit, pixel)| byte | (pixel & 1) << bit)
    };
    pixels.chunks(8).map(byte).collect()
}
