//! High-Throughput JPEG 2000: the wavelets and packets of part 1 with the block coder of part 15.
//!
//! `main_header` reads the parameters, `tile` cuts tiles into code blocks, `packets` finds their bytes. Then the
//! frame is made line by line: `wavelet` asks `stripes` for lines of bands, which decode a row of blocks when its
//! first line is wanted. A `block` has a cleanup pass and passes of `refinement`, with the bit `streams` and the
//! `codes` of `code_table`.
//!
//! Streams of one coder for all blocks, with parameters that hold for all tiles, are read: all five
//! progression orders, precincts, layers, tile parts, colour transforms.
//! Source: ISO/IEC 15444-1 and 15444-15 (ITU-T T.800 and T.814); DICOM PS3.5 8.2.18 and A.4.11.

mod block;
mod code_table;
mod codes;
mod main_header;
mod packets;
mod refinement;
mod streams;
mod stripes;
mod tile;
mod wavelet;

use super::canvas::Canvas;
use super::jpeg2000::{self, header};
use super::shape::{Shape, check, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, PixelFormat};
use codes::Codes;
use main_header::MainHeader;
use stripes::{Dequantize, Stripes};
use tile::TileComponent;
use wavelet::{Area, Filter, Irreversible, Level, Reversible};

const CODEC: &str = "High-Throughput JPEG 2000";

/// Decodes one HTJ2K frame; a stream of the other coder is sent on.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let stream = header::code_stream(bytes)?;
    let size = header::read(stream)?;
    if !size.high_throughput {
        return Err(DecodeError::NotInThisModule);
    }
    let components = u32::from(size.components);
    check_same(CODEC, format, size.rows, size.columns, components)?;
    let shape = Shape::of_stream(format, size.precision, limits)?;
    header::check_cost(stream, &size, limits)?;
    let tiles = usize::try_from(size.tiles).unwrap_or(usize::MAX);
    check(size.tiles, 65_535, "tiles")?;

    let components = usize::from(size.components);
    let (main, data) = main_header::read(stream, components, tiles)?;
    let codes = Codes::default();
    let depth = Depth {
        precision: size.precision.into(),
        signed: size.signed,
    };
    let mut canvas = Canvas::new(size.precision, &shape, format.signed);
    for (index, data) in (0_u32..).zip(&data) {
        let area = tile::tile_area(&main, index);
        decode_tile(data, area, &main, depth, &codes, &mut canvas)?;
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
    /// From levels to the bits of stored values.
    fn store(self, levels: impl Iterator<Item = i32>, stored: &mut [u16]) {
        let half = 1 << (self.precision - 1);
        let (offset, mask) = (if self.signed { 0 } else { half }, 2 * half - 1);
        for (stored, level) in stored.iter_mut().zip(levels) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the bits below the precision are the value"
            )]
            let bits = ((level.clamp(-half, half - 1) + offset) & mask) as u16;
            *stored = bits;
        }
    }
}

/// Decodes the lines of a tile into the frame, all components of a line at a time.
fn decode_tile(
    data: &[u8],
    area: Area,
    main: &MainHeader,
    depth: Depth,
    codes: &Codes,
    canvas: &mut Canvas,
) -> Result<(), DecodeError> {
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
    if area.is_empty() {
        return Ok(());
    }
    let mut lines: Vec<Lines> = components
        .iter()
        .map(|component| Lines::new(data, component, codes, area.width()))
        .collect();
    let (left, top) = (
        (area.x0 - main.left) as usize,
        (area.y0 - main.top) as usize,
    );
    let mut stored = vec![0; area.width()];
    for y in 0..area.height() {
        for component in &mut lines {
            component.advance()?;
        }
        if main.color_transform {
            undo_color_transform(&mut lines)?;
        }
        for (index, component) in lines.iter().enumerate() {
            component.store(depth, &mut stored);
            canvas.write_part((top + y, left), index, &stored);
        }
    }
    Ok(())
}

/// A component of a tile, line by line.
enum Lines<'a> {
    Whole(Transform<'a, Reversible>),
    Real(Transform<'a, Irreversible>),
}

struct Transform<'a, F: Filter> {
    bands: Stripes<'a, F::Sample>,
    levels: Vec<Level<F>>,
    line: Vec<F::Sample>,
}

impl<'a> Lines<'a> {
    fn new(data: &'a [u8], component: &'a TileComponent, codes: &'a Codes, width: usize) -> Self {
        if component.reversible {
            Self::Whole(Transform::new(data, component, codes, width))
        } else {
            Self::Real(Transform::new(data, component, codes, width))
        }
    }

    /// Makes the next line.
    fn advance(&mut self) -> Result<(), DecodeError> {
        match self {
            Self::Whole(each) => {
                wavelet::next_line(&mut each.levels, &mut each.bands, &mut each.line)
            }
            Self::Real(each) => {
                wavelet::next_line(&mut each.levels, &mut each.bands, &mut each.line)
            }
        }
    }

    /// The bits of the line's stored values.
    fn store(&self, depth: Depth, stored: &mut [u16]) {
        match self {
            Self::Whole(each) => depth.store(each.line.iter().copied(), stored),
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            Self::Real(each) => depth.store(
                each.line.iter().map(|value| (value + 0.5).floor() as i32),
                stored,
            ),
        }
    }
}

impl<'a, F: Filter<Sample: Dequantize>> Transform<'a, F> {
    fn new(data: &'a [u8], component: &'a TileComponent, codes: &'a Codes, width: usize) -> Self {
        let areas = component.resolutions.iter().map(|each| each.area);
        let widths = areas.clone().map(Area::width);
        let levels = areas.skip(1).zip(widths);
        Self {
            bands: Stripes::new(data, component, codes),
            levels: levels
                .map(|(area, below)| Level::new(area, below))
                .collect(),
            line: vec![F::Sample::default(); width],
        }
    }
}

/// Annex G: RCT of whole numbers, ICT of real ones, in the line that is under way.
fn undo_color_transform(lines: &mut [Lines]) -> Result<(), DecodeError> {
    let [first, second, third, ..] = lines else {
        return Err(corrupt("a colour transform of fewer than three components"));
    };
    match (first, second, third) {
        (Lines::Whole(y), Lines::Whole(u), Lines::Whole(v)) => {
            for ((y, u), v) in y.line.iter_mut().zip(&mut u.line).zip(&mut v.line) {
                let green = y.wrapping_sub(u.wrapping_add(*v) >> 2);
                (*y, *u, *v) = (v.wrapping_add(green), green, u.wrapping_add(green));
            }
        }
        (Lines::Real(y), Lines::Real(blue), Lines::Real(red)) => {
            let lines = y.line.iter_mut().zip(&mut blue.line).zip(&mut red.line);
            for ((y, cb), cr) in lines {
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
