//! High-Throughput JPEG 2000: the wavelets and packets of part 1 with the block coder of part 15.
//!
//! `main_header` reads the parameters, `tile` cuts tiles into code blocks, `packets` finds their bytes,
//! `block` decodes them with the bit `streams` and the codes of `code_table`, `wavelet` turns bands into
//! samples. Streams of one coder for all blocks, with parameters that hold for all tiles, are read: all five
//! progression orders, precincts, layers, tile parts, colour transforms.
//! Source: ISO/IEC 15444-1 and 15444-15 (ITU-T T.800 and T.814); DICOM PS3.5 8.2.18 and A.4.11.

mod block;
mod code_table;
mod main_header;
mod packets;
mod streams;
mod tile;
mod wavelet;

use super::canvas::Canvas;
use super::jpeg2000::{self, header};
use super::shape::{Shape, check, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, PixelFormat};
use block::{Coded, Codes};
use main_header::MainHeader;
use tile::{Band, TileComponent};
use wavelet::{Area, Filter, Irreversible, Reversible};

const CODEC: &str = "High-Throughput JPEG 2000";

/// Decodes one HTJ2K frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let stream = header::code_stream(bytes)?;
    let size = header::read(stream)?;
    if !size.high_throughput {
        return jpeg2000::decode(bytes, format, limits);
    }
    let components = u32::from(size.components);
    check_same(CODEC, format, size.rows, size.columns, components)?;
    let shape = Shape::of_stream(format, size.precision, limits)?;
    header::check_cost(stream, &size, limits)?;
    let tiles = usize::try_from(size.tiles).unwrap_or(usize::MAX);
    check(size.tiles, 65_535, "tiles")?;

    let components = usize::from(size.components);
    let (main, data) = main_header::read(stream, components, tiles)?;
    let codes = Codes::new();
    let depth = Depth {
        precision: size.precision.into(),
        signed: size.signed,
    };
    let mut planes = vec![vec![0_u16; shape.pixels]; components];
    for (index, data) in (0_u32..).zip(&data) {
        let area = tile::tile_area(&main, index);
        let samples = decode_tile(data, area, &main, depth, &codes)?;
        let (left, top) = (
            (area.x0 - main.left) as usize,
            (area.y0 - main.top) as usize,
        );
        for (plane, samples) in planes.iter_mut().zip(&samples) {
            for (y, line) in samples.chunks(area.width().max(1)).enumerate() {
                let start = (top + y) * shape.columns as usize + left;
                plane[start..start + line.len()].copy_from_slice(line);
            }
        }
    }
    let mut canvas = Canvas::new(size.precision, &shape, format.signed);
    for (component, plane) in planes.iter().enumerate() {
        for (row, line) in plane.chunks(shape.columns as usize).enumerate() {
            canvas.write(row, component, line);
        }
    }
    let photometric = jpeg2000::photometric(&size, format);
    Ok(shape.frame(u16::from(size.precision), photometric, canvas.data))
}

#[derive(Clone, Copy)]
struct Depth {
    precision: u32,
    signed: bool,
}

impl Depth {
    /// From a level to the bits of a stored value.
    fn bits(self, level: i32) -> u16 {
        let half = 1 << (self.precision - 1);
        let value = level.clamp(-half, half - 1);
        let value = if self.signed { value } else { value + half };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the bits below the precision are the value"
        )]
        let bits = (value & ((1 << self.precision) - 1)) as u16;
        bits
    }
}

/// The samples of each component in a tile.
enum Samples {
    Whole(Vec<i32>),
    Real(Vec<f32>),
}

fn decode_tile(
    data: &[u8],
    area: Area,
    main: &MainHeader,
    depth: Depth,
    codes: &Codes,
) -> Result<Vec<Vec<u16>>, DecodeError> {
    let mut components = Vec::new();
    for (coding, quantization) in main.coding.iter().zip(&main.quantization) {
        components.push(tile::component(
            area,
            coding,
            quantization,
            depth.precision,
        )?);
    }
    packets::read(data, main, &mut components)?;
    let mut samples = Vec::new();
    for component in &components {
        samples.push(if component.reversible {
            Samples::Whole(transform::<Reversible>(component, |band| {
                band_values(data, component, band, codes, |bits| {
                    let magnitude = (bits & 0x7FFF_FFFF) >> (31 - band.planes);
                    signed(bits, magnitude.cast_signed())
                })
            })?)
        } else {
            Samples::Real(transform::<Irreversible>(component, |band| {
                let step = band.step / 2.0_f32.powi(31 - band.planes.cast_signed());
                band_values(data, component, band, codes, |bits| {
                    let magnitude = (bits & 0x7FFF_FFFF) as f32 * step;
                    if bits >> 31 == 1 {
                        -magnitude
                    } else {
                        magnitude
                    }
                })
            })?)
        });
    }
    if main.color_transform {
        undo_color_transform(&mut samples)?;
    }
    Ok(samples
        .iter()
        .map(|samples| match samples {
            Samples::Whole(values) => values.iter().map(|value| depth.bits(*value)).collect(),
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            Samples::Real(values) => values
                .iter()
                .map(|value| depth.bits((value + 0.5).floor() as i32))
                .collect(),
        })
        .collect())
}

fn signed(bits: u32, magnitude: i32) -> i32 {
    if bits >> 31 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

/// From the bands of a component to its samples, resolution by resolution.
fn transform<F: Filter>(
    component: &TileComponent,
    values: impl Fn(&Band) -> Result<Vec<F::Sample>, DecodeError>,
) -> Result<Vec<F::Sample>, DecodeError> {
    let mut low = Vec::new();
    for resolution in &component.resolutions {
        match &resolution.bands[..] {
            [only] => low = values(only)?,
            [hl, lh, hh] => {
                let [hl, lh, hh] = [values(hl)?, values(lh)?, values(hh)?];
                if resolution.area.is_empty() {
                    low = Vec::new();
                    continue;
                }
                low = wavelet::inverse::<F>(resolution.area, [&low, &hl, &lh, &hh]);
            }
            _ => {}
        }
    }
    Ok(low)
}

/// The coefficients of a band.
fn band_values<T: Copy + Default>(
    data: &[u8],
    component: &TileComponent,
    band: &Band,
    codes: &Codes,
    value: impl Fn(u32) -> T,
) -> Result<Vec<T>, DecodeError> {
    let width = band.area.width();
    let mut values = vec![T::default(); width * band.area.height()];
    let mut coefficients = Vec::new();
    for block in band.precincts.iter().flat_map(|grid| &grid.blocks) {
        if !block.is_included || block.cleanup == 0 {
            continue;
        }
        let (cleanup, refinement) = data
            .get(block.start..block.start + block.cleanup + block.refinement)
            .map(|bytes| bytes.split_at(block.cleanup))
            .ok_or_else(|| corrupt("the stream ends early"))?;
        let coded = Coded {
            cleanup,
            refinement,
            passes: block.passes,
            empty_planes: block.empty_planes,
            causal: component.causal,
        };
        if block.empty_planes >= band.planes {
            return Err(corrupt("an impossible number of bit planes"));
        }
        block::decode(&coded, codes, block.width, block.height, &mut coefficients)
            .ok_or_else(|| corrupt("a damaged code block"))?;
        for (y, line) in coefficients.chunks(block.width).enumerate() {
            let start = (block.y + y) * width + block.x;
            for (out, bits) in values[start..start + line.len()].iter_mut().zip(line) {
                *out = value(*bits);
            }
        }
    }
    Ok(values)
}

/// Annex G: RCT of whole numbers, ICT of real ones.
fn undo_color_transform(samples: &mut [Samples]) -> Result<(), DecodeError> {
    let [first, second, third, ..] = samples else {
        return Err(corrupt("a colour transform of fewer than three components"));
    };
    match (first, second, third) {
        (Samples::Whole(y), Samples::Whole(u), Samples::Whole(v)) => {
            for ((y, u), v) in y.iter_mut().zip(u).zip(v) {
                let green = y.wrapping_sub(u.wrapping_add(*v) >> 2);
                (*y, *u, *v) = (v.wrapping_add(green), green, u.wrapping_add(green));
            }
        }
        (Samples::Real(y), Samples::Real(blue), Samples::Real(red)) => {
            for ((y, cb), cr) in y.iter_mut().zip(blue).zip(red) {
                let luma = *y;
                let green = luma - 0.344_136_3 * *cb - 0.714_136_3 * *cr;
                (*y, *cb, *cr) = (luma + 1.402 * *cr, green, luma + 1.772 * *cb);
            }
        }
        _ => return Err(corrupt("a colour transform of different components")),
    }
    Ok(())
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
