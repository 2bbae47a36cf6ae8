//! Every pixel form, from the bytes of a frame to the colour on screen: photometric interpretation x planes x
//! bits x sign x transfer syntax. Each cell is drawn as the formula says or refused in words.
//!
//! Source: PS3.3 C.7.6.3.1, PS3.5 8.1.1, 8.2, annexes A and G.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "made-up numbers within the range of their type"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use viewer_core::decode::{DecodeError, Limits, decode_frame};
use viewer_core::pixel::{
    ColorModel, FrameParams, FrameView, Lut, LutDescriptor, Palette, Photometric, PixelFormat,
    PixelKind, Presentation, VoiFunction, Window, color, cpu_render,
};

const PHOTOMETRICS: [Photometric; 10] = [
    Photometric::Monochrome1,
    Photometric::Monochrome2,
    Photometric::PaletteColor,
    Photometric::Rgb,
    Photometric::YbrFull,
    Photometric::YbrFull422,
    Photometric::YbrPartial420,
    Photometric::YbrIct,
    Photometric::YbrRct,
    Photometric::Xyb,
];

/// Bits Allocated, Bits Stored, High Bit.
const BITS: [[u16; 3]; 11] = [
    [1, 1, 0],
    [8, 8, 7],
    [8, 6, 5],
    [8, 6, 7],
    [16, 16, 15],
    [16, 12, 11],
    [16, 12, 15],
    [16, 8, 7],
    [32, 32, 31],
    [32, 20, 19],
    [64, 64, 63],
];

const SYNTAXES: [[&str; 2]; 3] = [
    ["little endian", "1.2.840.10008.1.2.1"],
    ["big endian", "1.2.840.10008.1.2.2"],
    ["RLE", "1.2.840.10008.1.2.5"],
];

const COLUMNS: usize = 4;
const ROWS: usize = 2;
const PIXELS: usize = COLUMNS * ROWS;

/// What the sample of a pixel has in its stored bits: ends, middle and others. Neighbours share their chroma,
/// so that it can be stored once for two.
fn stored_bits(bits: u16, pixel: usize, sample: usize, shares: bool) -> u64 {
    let full = (1_u64 << bits.min(63)) - 1;
    let place = if shares && sample > 0 {
        pixel / 2 * 2
    } else {
        pixel
    };
    match place * 3 + sample {
        // Of 32 bits, 0 with a sign lies nearer to a half level than single precision can tell.
        0 if bits >= 32 => full / 16,
        0 => 0,
        4 => full,
        8 => full / 2 + full / 8 + 1,
        other => (other as u64).wrapping_mul(0x9e37_79b9) % (full + 1),
    }
}

/// The number that stored bits are.
fn number(bits: u64, stored: u16, signed: bool) -> i64 {
    let bits = bits as i64;
    if signed && bits >> (stored - 1) & 1 == 1 {
        bits - (1 << stored)
    } else {
        bits
    }
}

/// The frame as a file has it.
fn encode(format: &PixelFormat, syntax: &str) -> Vec<u8> {
    let samples = usize::from(format.samples_per_pixel);
    let shares = format.photometric == Photometric::YbrFull422 && syntax != "RLE";
    let size = usize::from(format.bits_allocated.div_ceil(8));
    let word = |pixel, sample| {
        let bits = stored_bits(format.bits_stored, pixel, sample, is_shared(format));
        if format.bits_allocated == 1 {
            return vec![bits as u8];
        }
        // What stands beside the stored bits belongs to nobody: ones.
        let low = format.high_bit + 1 - format.bits_stored;
        let mask = ((1_u128 << format.bits_stored) - 1) << low;
        let word = (u128::from(bits) << low) | !mask;
        let mut bytes = word.to_le_bytes()[..size].to_vec();
        match syntax {
            // PS3.5 6.2: VR OW is a row of 16-bit words, each of which is turned; the low word stays the first.
            "big endian" if size > 1 => bytes.chunks_exact_mut(2).for_each(<[u8]>::reverse),
            // Annex G.2: the most significant byte plane first.
            "RLE" => bytes.reverse(),
            _ => {}
        }
        bytes
    };
    let is_planar = format.planar && !shares || syntax == "RLE";
    let mut order = Vec::new();
    if is_planar {
        order.extend((0..samples).flat_map(|sample| (0..PIXELS).map(move |pixel| (pixel, sample))));
    } else if shares {
        for pixel in (0..PIXELS).step_by(2) {
            order.extend([(pixel, 0), (pixel + 1, 0), (pixel, 1), (pixel, 2)]);
        }
    } else {
        order.extend((0..PIXELS).flat_map(|pixel| (0..samples).map(move |sample| (pixel, sample))));
    }
    let words: Vec<Vec<u8>> = order
        .into_iter()
        .map(|(pixel, sample)| word(pixel, sample))
        .collect();
    if syntax == "RLE" {
        return rle(&words);
    }
    if format.bits_allocated == 1 {
        packed(&words)
    } else {
        words.concat()
    }
}

fn packed(bits: &[Vec<u8>]) -> Vec<u8> {
    let byte = |bits: &[Vec<u8>]| (bits.iter().rev()).fold(0, |byte, bit| byte << 1 | bit[0]);
    bits.chunks(8).map(byte).collect()
}

/// PS3.5 annex G: one segment for each byte of each sample, here in literal runs. A sample of one bit is a byte (G.2).
fn rle(words: &[Vec<u8>]) -> Vec<u8> {
    let mut segments = Vec::new();
    for plane in words.chunks(PIXELS) {
        for byte in 0..plane[0].len() {
            segments.push(plane.iter().map(|word| word[byte]).collect::<Vec<u8>>());
        }
    }
    let mut header = vec![segments.len() as u32];
    let mut body = Vec::new();
    for segment in segments {
        header.push(64 + body.len() as u32);
        body.push(segment.len() as u8 - 1);
        body.extend(segment);
        if body.len() % 2 == 1 {
            body.push(0x80);
        }
    }
    header.resize(16, 0);
    header
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .chain(body)
        .collect()
}

fn is_shared(format: &PixelFormat) -> bool {
    format.photometric == Photometric::YbrFull422
}

fn palette() -> Palette {
    let lut = |turn: u16| -> Lut {
        let descriptor = LutDescriptor::new([256, 0, 8], false).unwrap();
        descriptor
            .table((0..256).map(|entry| (entry * turn + 9) % 256).collect())
            .unwrap()
    };
    Palette::new([3, 5, 7].map(lut), false)
}

/// The colour on screen by the formulas of the standard.
fn expected(format: &PixelFormat, pixel: usize) -> [u8; 3] {
    let bits = |sample| stored_bits(format.bits_stored, pixel, sample, is_shared(format));
    let full = (1_u64 << format.bits_stored) - 1;
    let byte = |value: f64| (value + 0.5 + 1e-9).floor().clamp(0.0, 255.0) as u8;
    let value = number(bits(0), format.bits_stored, format.signed);
    match format.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 => {
            // The window spans what the bits can hold.
            let lowest = if format.signed {
                -(1_i64 << (format.bits_stored - 1))
            } else {
                0
            };
            let grey = (value - lowest) as f64 / full as f64;
            let is_inverse = format.photometric == Photometric::Monochrome1;
            [byte(255.0 * if is_inverse { 1.0 - grey } else { grey }); 3]
        }
        Photometric::PaletteColor => {
            let index = value.clamp(0, 255) as u64;
            [3, 5, 7].map(|turn| ((index * turn + 9) % 256) as u8)
        }
        other => {
            let sample = |index| f64::from(byte(bits(index) as f64 * 255.0 / full as f64));
            let [a, b, c] = [sample(0), sample(1), sample(2)];
            let (y, cb, cr) = match other {
                Photometric::YbrFull | Photometric::YbrFull422 => (a, b - 128.0, c - 128.0),
                Photometric::YbrPartial420 => {
                    let wide = 255.0 / 224.0;
                    (
                        (a - 16.0) * 255.0 / 219.0,
                        (b - 128.0) * wide,
                        (c - 128.0) * wide,
                    )
                }
                _ => return [a, b, c].map(byte),
            };
            let (red, blue) = (y + 1.402 * cr, y + 1.772 * cb);
            [red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue].map(byte)
        }
    }
}

/// Why the standard has no such image; `None` where it has.
fn refusal(format: &PixelFormat) -> Option<&'static str> {
    let is_color = format.samples_per_pixel == 3;
    match format.bits_allocated {
        // Whole numbers of 64 bits are no pixels that anything else knows (PS3.3 C.7.6.3.1.1 ends at 32).
        64 => Some("bits allocated"),
        1 if is_color => Some("bits allocated"),
        // The input of a palette has 16 bits at most (C.7.6.3.1.5).
        32 if format.photometric == Photometric::PaletteColor => Some("bits allocated"),
        // Only grey values have a sign.
        _ if is_color && format.signed => Some("pixel representation"),
        _ => None,
    }
}

/// Draws a decoded frame pixel by pixel.
fn draw(format: &PixelFormat, bytes: &[u8], syntax: &str) -> Result<Vec<[u8; 3]>, DecodeError> {
    let frame = decode_frame(bytes, syntax, format, &Limits::default())?;
    let lowest = if format.signed {
        -(2.0_f64.powi(i32::from(frame.bits_stored) - 1))
    } else {
        0.0
    };
    let width = 2.0_f64.powi(i32::from(frame.bits_stored));
    let model = ColorModel::of(frame.photometric);
    let is_grey = frame.photometric.is_grey();
    let window = Window {
        center: lowest + width / 2.0,
        width,
    };
    let params = FrameParams {
        voi: if is_grey {
            VoiFunction::Linear.with(window)
        } else {
            FrameParams::default().voi
        },
        presentation: if frame.photometric == Photometric::Monochrome1 {
            Presentation::Inverse
        } else {
            Presentation::Identity
        },
        palette: (frame.photometric == Photometric::PaletteColor).then(|| Arc::new(palette())),
        ..FrameParams::default()
    };
    let samples = model.map(|_| color::to_samples8(&frame).expect("colour of three samples"));
    let view = FrameView {
        rows: frame.rows,
        columns: frame.columns,
        pixels: PixelKind {
            samples_per_pixel: frame.samples_per_pixel,
            sample_type: model.map_or(frame.sample_type, |_| viewer_core::pixel::SampleType::U8),
            color: model.unwrap_or_default(),
        },
        data: samples.as_deref().unwrap_or(&frame.data),
    };
    assert!(view.is_drawable());
    let mut rgba = vec![0; PIXELS * 4];
    cpu_render::render(&view, &params, COLUMNS as u32, ROWS as u32, &mut rgba);
    Ok(rgba
        .as_chunks::<4>()
        .0
        .iter()
        .map(|[r, g, b, _]| [*r, *g, *b])
        .collect())
}

#[test]
fn lesson_14_every_pixel_form_is_drawn_right_or_refused_in_words() {
    let (mut drawn, mut refused) = (0, BTreeMap::<String, u32>::new());
    let mut wrong = Vec::new();
    for photometric in PHOTOMETRICS {
        for [bits_allocated, bits_stored, high_bit] in BITS {
            for [planar, signed] in [[false; 2], [false, true], [true, false], [true; 2]] {
                for [name, uid] in SYNTAXES {
                    let has_one = photometric.is_grey() || photometric == Photometric::PaletteColor;
                    let format = PixelFormat {
                        rows: ROWS as u32,
                        columns: COLUMNS as u32,
                        samples_per_pixel: if has_one { 1 } else { 3 },
                        bits_allocated,
                        bits_stored,
                        high_bit,
                        // A single bit has no sign.
                        signed: signed && bits_allocated > 1,
                        float: false,
                        planar,
                        photometric,
                    };
                    let cell = format!(
                        "{photometric:?} {bits_stored} of {bits_allocated} up to {high_bit}, planar {planar}, signed {signed}, {name}"
                    );
                    let found = draw(&format, &encode(&format, name), uid);
                    match (refusal(&format), found) {
                        (Some(why), Err(error)) if error.to_string().contains(why) => {
                            *refused.entry(error.to_string()).or_default() += 1;
                        }
                        (None, Ok(found)) => {
                            drawn += 1;
                            let expected: Vec<_> =
                                (0..PIXELS).map(|p| expected(&format, p)).collect();
                            if found != expected {
                                wrong.push(format!("{cell}: {found:?} for {expected:?}"));
                            }
                        }
                        (why, found) => wrong.push(format!("{cell}: {found:?}, refusal {why:?}")),
                    }
                }
            }
        }
    }
    println!("{drawn} cells drawn, refused: {refused:?}");
    assert!(
        wrong.is_empty(),
        "{} cells:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let cells = PHOTOMETRICS.len() * BITS.len() * 4 * SYNTAXES.len();
    assert_eq!(drawn + refused.values().sum::<u32>() as usize, cells);
}
