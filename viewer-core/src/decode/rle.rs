//! RLE Lossless: each byte of a sample is a plane, each plane is PackBits.
//!
//! The planes are laid together to native pixels, which `native` then reads; but a pixel of one bit has a byte of its
//! own, as any composite pixel code is filled up to whole bytes (G.2).
//! Source: DICOM PS3.5 annex G.

use super::shape::Shape;
use super::{DecodeError, Limits, native, work};
use crate::pixel::{Frame, Photometric, PixelFormat};

const CODEC: &str = "RLE";
/// The number of segments and fifteen offsets, four bytes each (G.5).
const HEADER_BYTES: usize = 64;
const MOST_SEGMENTS: usize = 15;

/// Decodes one RLE frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let shape = Shape::of_format(format, limits)?;
    // Chroma is never shared in RLE: each sample has its own planes.
    let photometric = match format.photometric {
        Photometric::YbrFull422 => Photometric::YbrFull,
        other => other,
    };
    let plane_bytes = shape.pixels;
    let sample_bytes = usize::from(format.bits_allocated.div_ceil(8));
    let stride = sample_bytes * usize::from(format.samples_per_pixel);
    let segments = segments(bytes, stride)?;

    // Two bytes stand for 128 at most: a few that claim a huge picture are refused before there is room for it.
    if bytes.len() < plane_bytes / 64 * stride {
        return Err(short());
    }
    let mut planes = vec![0; plane_bytes * stride];
    for (plane, segment) in planes.chunks_exact_mut(plane_bytes).zip(segments) {
        unpack(segment, plane)?;
    }
    if format.bits_allocated == 1 {
        planes.iter_mut().for_each(|byte| *byte &= 1);
        return Ok(shape.frame(1, photometric, planes));
    }
    let pixels = lay_together(planes, plane_bytes, stride, sample_bytes);
    // A composite pixel code of twelve bits is filled up to two bytes (G.2), like one of sixteen.
    let whole_bytes = PixelFormat {
        bits_allocated: format.bits_allocated.next_multiple_of(8),
        ..format.clone()
    };
    native::finish(pixels, &whole_bytes, shape, photometric)
}

/// The compressed segments in the order of the header; there must be `count` of them.
fn segments(bytes: &[u8], count: usize) -> Result<Vec<&[u8]>, DecodeError> {
    let word = |index: usize| {
        let word = bytes.get(index * 4..index * 4 + 4)?;
        let value = u32::from_le_bytes(word.try_into().ok()?);
        usize::try_from(value).ok()
    };
    if bytes.len() < HEADER_BYTES {
        return Err(corrupt("the header of 64 bytes is not whole"));
    }
    if word(0) != Some(count) || count > MOST_SEGMENTS {
        return Err(corrupt("the number of segments does not fit the pixels"));
    }
    (1..=count)
        .map(|index| {
            let start = word(index).filter(|start| *start >= HEADER_BYTES)?;
            let end = if index < count {
                word(index + 1)?
            } else {
                bytes.len()
            };
            bytes.get(start..end.min(bytes.len()))
        })
        .collect::<Option<_>>()
        .ok_or_else(|| corrupt("a segment lies outside the frame"))
}

/// PackBits (G.3.2). Bytes behind a full plane are padding.
fn unpack(mut segment: &[u8], plane: &mut [u8]) -> Result<(), DecodeError> {
    let mut free = plane;
    work::count(free.len());
    while !free.is_empty() {
        work::count(1);
        let (&control, rest) = segment.split_first().ok_or_else(short)?;
        segment = rest;
        match control {
            // A literal run that is longer than what is left of the plane carries padding.
            0..=127 => {
                let count = (usize::from(control) + 1).min(free.len());
                let (literal, rest) = segment.split_at_checked(count).ok_or_else(short)?;
                let (filled, left) = free.split_at_mut(count);
                filled.copy_from_slice(literal);
                (segment, free) = (rest, left);
            }
            // -128 says nothing.
            128 => {}
            129..=255 => {
                let (&value, rest) = segment.split_first().ok_or_else(short)?;
                let count = (257 - usize::from(control)).min(free.len());
                let (filled, left) = free.split_at_mut(count);
                filled.fill(value);
                (segment, free) = (rest, left);
            }
        }
    }
    Ok(())
}

/// Planes (of each sample the most significant byte first) to interleaved little endian samples.
fn lay_together(
    planes: Vec<u8>,
    plane_bytes: usize,
    stride: usize,
    sample_bytes: usize,
) -> Vec<u8> {
    if stride == 1 {
        return planes;
    }
    let mut pixels = vec![0; planes.len()];
    if stride == 2 {
        let (high, low) = planes.split_at(plane_bytes);
        for ((pixel, high), low) in pixels.chunks_exact_mut(2).zip(high).zip(low) {
            pixel.copy_from_slice(&[*low, *high]);
        }
        return pixels;
    }
    for (index, plane) in planes.chunks_exact(plane_bytes).enumerate() {
        let (sample, byte) = (index / sample_bytes, index % sample_bytes);
        let place = sample * sample_bytes + (sample_bytes - 1 - byte);
        for (pixel, value) in pixels.chunks_exact_mut(stride).zip(plane) {
            pixel[place] = *value;
        }
    }
    pixels
}

fn short() -> DecodeError {
    corrupt("a segment ends before its plane is full")
}

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt {
        codec: CODEC,
        reason: reason.to_owned(),
    }
}
