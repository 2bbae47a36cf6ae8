//! JPEG XL, lossless, lossy and recompressed JPEG, by the crate jxl.
//!
//! The crate is told how many samples it may take; size and depth are compared before a picture is decoded.
//! XYB and the YCbCr of a recompressed JPEG leave the crate as RGB. Channels beyond the colours are left out.
//! Source: ISO/IEC 18181-1 and -2; DICOM PS3.5 8.2.17 and A.4.12 to A.4.14.

use std::panic::{AssertUnwindSafe, catch_unwind};

use jxl::api::{
    Endianness, Event, JxlBitDepth, JxlColorType, JxlDataFormat, JxlDecoder, JxlDecoderOptions,
    JxlOutputBuffer, JxlPixelFormat, ProfileLevel,
};

use super::canvas::Canvas;
use super::shape::{Shape, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, Photometric, PixelFormat};

const CODEC: &str = "JPEG XL";

/// Decodes one JPEG XL frame; `recompressed` says that the transfer syntax names a JPEG inside.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    recompressed: bool,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    // A first look: what the attributes ask for has to be possible before the stream is believed.
    let least = Shape::of_stream(format, 8, limits)?;
    // The crate holds no state between calls, so a panic in it leaves nothing behind.
    let picture = catch_unwind(AssertUnwindSafe(|| {
        read(bytes, format, least.samples, limits)
    }));
    let (shape, precision, is_xyb, data) =
        picture.map_err(|_| corrupt("the stream is damaged"))??;
    let photometric = match format.photometric {
        tag if tag.is_grey() || tag == Photometric::PaletteColor => tag,
        _ if recompressed || is_xyb => Photometric::Rgb,
        Photometric::YbrFull422 => Photometric::YbrFull,
        Photometric::YbrFull | Photometric::YbrPartial420 => format.photometric,
        _ => Photometric::Rgb,
    };
    Ok(shape.frame(u16::from(precision), photometric, data))
}

fn read(
    bytes: &[u8],
    format: &PixelFormat,
    samples: usize,
    limits: &Limits,
) -> Result<(Shape, u8, bool, Vec<u8>), DecodeError> {
    let mut options = JxlDecoderOptions::default();
    options.adjust_orientation = false;
    options.max_profile_level = ProfileLevel::Main10;
    // Extra channels and frames that others refer to count as well.
    options.sample_limit = Some(samples.saturating_mul(4).saturating_add(1 << 20));
    let mut decoder = JxlDecoder::new(options);
    let mut input = bytes;
    until(&mut decoder, &mut input, None, |event| {
        matches!(event, Event::BasicInfo)
    })?;

    let info = decoder.basic_info().ok_or_else(too_short)?;
    let (columns, rows) = info.size;
    let is_xyb = !info.uses_original_profile;
    let extra = info.extra_channels.len();
    let JxlBitDepth::Int { bits_per_sample } = info.bit_depth else {
        return Err(unsupported("floating point"));
    };
    let precision = match u8::try_from(bits_per_sample) {
        Ok(bits @ 1..=16) => bits,
        _ => return Err(unsupported("more than 16 bits a sample")),
    };
    let profile = decoder.embedded_color_profile().ok_or_else(too_short)?;
    let components = u32::try_from(profile.channels()).unwrap_or(u32::MAX);
    let edge = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    check_same(CODEC, format, edge(rows), edge(columns), components)?;
    let shape = Shape::of_stream(format, precision, limits)?;

    let (size, data_format) = if precision <= 8 {
        (
            1,
            JxlDataFormat::U8 {
                bit_depth: precision,
            },
        )
    } else {
        (
            2,
            JxlDataFormat::U16 {
                endianness: Endianness::LittleEndian,
                bit_depth: precision,
            },
        )
    };
    decoder
        .set_pixel_format(JxlPixelFormat {
            color_type: if components == 1 {
                JxlColorType::Grayscale
            } else {
                JxlColorType::Rgb
            },
            color_data_format: Some(data_format),
            extra_channel_format: vec![None; extra],
        })
        .map_err(damaged)?;
    let line_bytes = shape.samples / rows * size;
    // Lines of two-byte samples have to begin at even addresses.
    let mut room = vec![0_u8; line_bytes * rows + 1];
    let start = room.as_ptr().align_offset(size).min(1);
    let picture = &mut room[start..start + line_bytes * rows];
    let mut buffers = [JxlOutputBuffer::new(picture, rows, line_bytes)];
    until(&mut decoder, &mut input, Some(&mut buffers), |event| {
        matches!(event, Event::FrameComplete { .. })
    })?;
    drop(decoder);

    // Samples without a sign stand there as they will.
    if !format.signed && shape.sample_type.size_bytes() == size {
        room.drain(..start);
        room.truncate(shape.bytes);
        return Ok((shape, precision, is_xyb, room));
    }
    let picture = &room[start..start + line_bytes * rows];
    let mut canvas = Canvas::new(precision, &shape, format.signed);
    let samples_per_pixel = usize::from(shape.samples_per_pixel);
    let mut line = vec![0_u16; columns];
    for (row, bytes) in picture.chunks(line_bytes).enumerate() {
        for component in 0..samples_per_pixel {
            let pixels = bytes[component * size..].chunks(samples_per_pixel * size);
            for (sample, pixel) in line.iter_mut().zip(pixels) {
                *sample = if size == 1 {
                    u16::from(pixel[0])
                } else {
                    u16::from_le_bytes([pixel[0], pixel[1]])
                };
            }
            canvas.write(row, component, &line);
        }
    }
    Ok((shape, precision, is_xyb, canvas.data))
}

/// Goes on until an event is the wanted one; the end of the data before it is an error.
fn until(
    decoder: &mut JxlDecoder,
    input: &mut &[u8],
    mut buffers: Option<&mut [JxlOutputBuffer]>,
    is_wanted: impl Fn(&Event) -> bool,
) -> Result<(), DecodeError> {
    loop {
        let before = input.len();
        let event = decoder
            .process(input, buffers.as_deref_mut(), None)
            .map_err(damaged)?;
        if is_wanted(&event) {
            return Ok(());
        }
        match event {
            Event::NeedMoreInput { .. } if input.len() == before => return Err(too_short()),
            Event::Complete | Event::FrameComplete { .. } => {
                return Err(corrupt("the stream holds no picture"));
            }
            _ => {}
        }
    }
}

fn damaged(error: jxl::error::Error) -> DecodeError {
    DecodeError::Corrupt {
        codec: CODEC,
        reason: error.to_string(),
    }
}

fn too_short() -> DecodeError {
    corrupt("the stream ends early")
}

fn corrupt(reason: &str) -> DecodeError {
    DecodeError::Corrupt {
        codec: CODEC,
        reason: reason.to_owned(),
    }
}

fn unsupported(feature: &'static str) -> DecodeError {
    DecodeError::UnsupportedFeature {
        codec: CODEC,
        feature,
    }
}
