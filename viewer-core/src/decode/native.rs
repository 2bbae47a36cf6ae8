//! Native pixels: as they stand in the file, without a codec.
//!
//! Byte order, planes, packed bits, shared chroma and unused high bits end here: what leaves is one
//! interleaved little endian sample after the other.
//!
//! Twelve bits allocated, which the standard allowed once, are packed as single bits still are: a pixel goes on in the
//! lowest bits of the next byte.
//! Source: DICOM PS3.5 section 8.1.1, 8.2 and annex D (of editions to 2007 for twelve bits); PS3.3 C.7.6.3.1.2 and C.7.6.3.1.3.

use std::borrow::Cow;

use super::shape::Shape;
use super::{DecodeError, Limits, work};
use crate::pixel::{Frame, Photometric, PixelFormat, SampleType};

/// Decodes one native frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    big_endian: bool,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let shape = Shape::of_format(format, limits)?;
    // Where the words of such pixels are turned round, and how, is not known of any file.
    if big_endian && format.bits_allocated == 12 {
        return Err(DecodeError::ImpossibleFormat {
            attribute: "bits allocated in big endian",
        });
    }
    // A frame under a 4:2:2 label that holds every sample is what some writers and servers make of it.
    let shared = format.photometric == Photometric::YbrFull422 && !fits(bytes.len(), shape.bytes);
    let expected = if shared {
        frame_bytes(format, &shape)
    } else {
        full_bytes(format, &shape)
    };
    if !fits(bytes.len(), expected) {
        return Err(DecodeError::WrongLength {
            expected,
            actual: bytes.len(),
        });
    }
    work::count(shape.bytes);
    let mut data = bytes[..expected].to_vec();
    if big_endian {
        turn_words(&mut data, format);
    }
    let photometric = match format.photometric {
        Photometric::YbrFull422 => Photometric::YbrFull,
        other => other,
    };
    let sample_bytes = shape.sample_type.size_bytes();
    if shared {
        if !format.columns.is_multiple_of(2) {
            return Err(DecodeError::ImpossibleFormat {
                attribute: "odd columns with shared chroma",
            });
        }
        data = repeat_chroma(&data, sample_bytes, shape.bytes);
    } else if format.planar && format.samples_per_pixel > 1 {
        data = interleave(&data, usize::from(format.samples_per_pixel), sample_bytes);
    }
    finish(data, format, shape, photometric)
}

/// A frame may be followed by the one byte that makes its element even.
fn fits(actual: usize, expected: usize) -> bool {
    actual == expected || (actual == expected + 1 && !expected.is_multiple_of(2))
}

/// Bytes of one native frame that holds every sample.
fn full_bytes(format: &PixelFormat, shape: &Shape) -> usize {
    if format.is_packed() {
        packed_bits(format, shape).div_ceil(8)
    } else {
        shape.bytes
    }
}

/// Bits of one native frame of packed pixels.
fn packed_bits(format: &PixelFormat, shape: &Shape) -> usize {
    shape
        .samples
        .saturating_mul(usize::from(format.bits_allocated))
}

/// Bytes of one native frame.
fn frame_bytes(format: &PixelFormat, shape: &Shape) -> usize {
    match format.photometric {
        // Two luma samples share one pair of chroma samples: four samples for two pixels.
        Photometric::YbrFull422 => shape.bytes / 3 * 2,
        _ => full_bytes(format, shape),
    }
}

/// From interleaved little endian native pixels to the frame: bits are unpacked, unused bits cleared.
pub(super) fn finish(
    mut data: Vec<u8>,
    format: &PixelFormat,
    shape: Shape,
    photometric: Photometric,
) -> Result<Frame, DecodeError> {
    if format.bits_allocated == 1 {
        data = unpack_bits(&data, shape.samples);
    } else if format.bits_allocated == 12 {
        data = unpack_twelve(&data, shape.samples);
        let widened = PixelFormat {
            bits_allocated: 16,
            ..format.clone()
        };
        clear_unused_bits(&mut data, &widened, shape.sample_type);
    } else if !format.float {
        clear_unused_bits(&mut data, format, shape.sample_type);
    }
    if data.len() != shape.bytes {
        return Err(DecodeError::WrongLength {
            expected: shape.bytes,
            actual: data.len(),
        });
    }
    let bits = if format.float || format.bits_allocated == 1 {
        format.bits_allocated
    } else {
        format.bits_stored
    };
    Ok(shape.frame(bits, photometric, data))
}

/// Packed bits, the first pixel in the least significant bit (PS3.5 section 8.1.1), to bytes 0 and 1.
fn unpack_bits(packed: &[u8], count: usize) -> Vec<u8> {
    packed
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1))
        .take(count)
        .collect()
}

/// Packed pixels of twelve bits, two in three bytes, the first pixel's lowest bits first, to words of 16.
fn unpack_twelve(packed: &[u8], count: usize) -> Vec<u8> {
    let mut words = Vec::with_capacity(2 * count);
    for three in packed.chunks(3) {
        let byte = |place: usize| three.get(place).copied().unwrap_or(0);
        let [first, middle, last] = [byte(0), byte(1), byte(2)];
        words.extend([first, middle & 15, middle >> 4 | last << 4, last >> 4]);
    }
    words.truncate(2 * count);
    words
}

/// Big endian to little endian. Pixel Data of more than 8 bits are words of 16 (VR OW), so that a pixel of 32 bits
/// has its low word first in either order; Float and Double Float Pixel Data are numbers of 4 and 8 bytes.
fn turn_words(data: &mut [u8], format: &PixelFormat) {
    match (format.bits_allocated, format.float) {
        (32, true) => data.chunks_exact_mut(4).for_each(<[u8]>::reverse),
        (64, _) => data.chunks_exact_mut(8).for_each(<[u8]>::reverse),
        (16.., _) => swap_words(data),
        _ => {}
    }
}

/// Swaps the bytes of each 16-bit word.
///
/// Pixels of 8 bits or 1 bit in an element of VR OW of a big endian file need this, over the whole
/// element, before it is cut into frames; in one of VR OB they stand in order (PS3.5 annex D).
pub fn swap_words(data: &mut [u8]) {
    data.chunks_exact_mut(2).for_each(|word| word.swap(0, 1));
}

/// Planes to pixels.
fn interleave(planes: &[u8], samples: usize, sample_bytes: usize) -> Vec<u8> {
    let mut pixels = vec![0; planes.len()];
    let stride = samples * sample_bytes;
    for (index, plane) in planes.chunks_exact(planes.len() / samples).enumerate() {
        let place = index * sample_bytes..(index + 1) * sample_bytes;
        for (pixel, sample) in pixels
            .chunks_exact_mut(stride)
            .zip(plane.chunks_exact(sample_bytes))
        {
            pixel[place.clone()].copy_from_slice(sample);
        }
    }
    pixels
}

/// `Y1 Y2 Cb Cr` for two pixels to `Y1 Cb Cr Y2 Cb Cr` (PS3.3 C.7.6.3.1.2).
fn repeat_chroma(data: &[u8], sample_bytes: usize, out_bytes: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(out_bytes);
    for pair in data.chunks_exact(4 * sample_bytes) {
        let (luma, chroma) = pair.split_at(2 * sample_bytes);
        for luma in luma.chunks_exact(sample_bytes) {
            pixels.extend_from_slice(luma);
            pixels.extend_from_slice(chroma);
        }
    }
    pixels
}

/// Moves High Bit to the top and back down by the sign rule: bits beside Bits Stored vanish.
fn clear_unused_bits(data: &mut [u8], format: &PixelFormat, sample_type: SampleType) {
    let up = u32::from(format.bits_allocated - 1 - format.high_bit);
    let down = u32::from(format.bits_allocated - format.bits_stored);
    if down == 0 {
        return;
    }
    match sample_type {
        SampleType::U8 => data
            .iter_mut()
            .for_each(|value| *value = *value << up >> down),
        SampleType::I8 => data.iter_mut().for_each(|value| {
            *value = ((*value << up).cast_signed() >> down).cast_unsigned();
        }),
        SampleType::U16 => each(data, |bytes| {
            (u16::from_le_bytes(bytes) << up >> down).to_le_bytes()
        }),
        SampleType::I16 => each(data, |bytes| {
            (i16::from_le_bytes(bytes) << up >> down).to_le_bytes()
        }),
        SampleType::U32 => each(data, |bytes| {
            (u32::from_le_bytes(bytes) << up >> down).to_le_bytes()
        }),
        SampleType::I32 => each(data, |bytes| {
            (i32::from_le_bytes(bytes) << up >> down).to_le_bytes()
        }),
        SampleType::F32 | SampleType::F64 => {}
    }
}

fn each<const N: usize>(data: &mut [u8], change: impl Fn([u8; N]) -> [u8; N]) {
    for sample in data.as_chunks_mut::<N>().0 {
        *sample = change(*sample);
    }
}

/// Cuts one frame (`frame_index` from 0) out of a native Pixel Data element of many frames.
///
/// Frames of packed pixels follow each other without padding, so one may begin inside a byte; such a frame
/// is moved to begin at a byte, its last byte filled with zeros (PS3.5 section 8.1.1).
///
/// # Errors
/// Impossible attributes, more than [`Limits`] allows, or an element that ends before the frame does.
pub fn frame_of<'a>(
    pixel_data: &'a [u8],
    frame_index: usize,
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Cow<'a, [u8]>, DecodeError> {
    let shape = Shape::of_format(format, limits)?;
    let short = |expected| DecodeError::WrongLength {
        expected,
        actual: pixel_data.len(),
    };
    let unit = if format.is_packed() {
        packed_bits(format, &shape)
    } else {
        frame_bytes(format, &shape)
    };
    let start = unit
        .checked_mul(frame_index)
        .ok_or_else(|| short(usize::MAX))?;
    let end = start.checked_add(unit).ok_or_else(|| short(usize::MAX))?;
    if !format.is_packed() {
        return pixel_data
            .get(start..end)
            .map(Cow::Borrowed)
            .ok_or_else(|| short(end));
    }
    let packed = pixel_data
        .get(start / 8..end.div_ceil(8))
        .ok_or_else(|| short(end.div_ceil(8)))?;
    let offset = start % 8;
    if offset == 0 && end.is_multiple_of(8) {
        return Ok(Cow::Borrowed(packed));
    }
    let mut moved: Vec<u8> = (0..unit.div_ceil(8))
        .map(|index| {
            let next = packed.get(index + 1).copied().unwrap_or(0);
            let pair = u16::from_le_bytes([packed[index], next]);
            (pair >> offset).to_le_bytes()[0]
        })
        .collect();
    if let (Some(last), used @ 1..) = (moved.last_mut(), unit % 8) {
        *last &= (1 << used) - 1;
    }
    Ok(Cow::Owned(moved))
}
