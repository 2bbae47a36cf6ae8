//! JPEG 2000, reversible and irreversible, with the block coders of part 1 and of part 15 (High-Throughput JPEG 2000).
//!
//! `header` takes a JP2 wrapper off and bounds what the stream may cost, `tile_parts` cuts it up, `parameters` reads
//! what is said of the coding. `tile` cuts tiles into code blocks, `packets` finds their bytes in the `order` of the
//! stream. Then the frame is made line by line: `wavelet` asks `stripes` for lines of bands, which decode a row of
//! blocks when its first line is wanted, by `embedded` (part 1) or `high_throughput`.
//!
//! Colours stay those of the code stream: the DICOM attributes say what they mean.
//! Source: ISO/IEC 15444-1 and 15444-15 (ITU-T T.800 and T.814); DICOM PS3.5 8.2.4, 8.2.18, A.4.4 and A.4.11.

mod embedded;
mod header;
mod high_throughput;
mod order;
mod packets;
mod parameters;
mod stripes;
mod tile;
mod tile_parts;
mod wavelet;

use super::canvas::Canvas;
use super::shape::{Shape, check, check_same};
use super::{Completeness, DecodeError, Limits, Reduction};
use crate::pixel::{Frame, Photometric, PixelFormat};
use header::Header;
use high_throughput::Codes;
use packets::End;
use parameters::Parameters;
use stripes::{Dequantize, Stripes};
use tile::Resolution;
use wavelet::{Area, Filter, Irreversible, Level, Reversible};

const CODEC: &str = "JPEG 2000";

/// How much of a frame is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Resolutions that are left out: each halves rows and columns.
    pub reduction: Reduction,
    /// A stream that ends early gives what it holds.
    pub may_end_early: bool,
}

/// Decodes one JPEG 2000 frame of either block coder, whole.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let wanted = Wanted {
        reduction: Reduction::Whole,
        may_end_early: false,
    };
    decode_wanted(bytes, format, limits, wanted).map(|(frame, _)| frame)
}

/// Decodes what is wanted of a frame.
pub(super) fn decode_wanted(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
    wanted: Wanted,
) -> Result<(Frame, Completeness), DecodeError> {
    let stream = header::code_stream(bytes)?;
    let header = header::read(stream)?;
    let components = u32::from(header.components);
    check_same(CODEC, format, header.rows, header.columns, components)?;
    let image = header.grid.image().reduced(wanted.reduction.levels());
    let format = PixelFormat {
        rows: image.y1 - image.y0,
        columns: image.x1 - image.x0,
        ..format.clone()
    };
    let shape = Shape::of_stream(&format, header.precision, limits)?;
    header::check_cost(stream, &header, limits)?;
    check(header.tiles, 65_535, "tiles")?;
    let tiles = usize::try_from(header.tiles).unwrap_or(usize::MAX);

    let parts = tile_parts::read(stream, tiles, wanted.may_end_early)?;
    let main = Parameters::of_main(&parts.main, usize::from(header.components))?;
    let decoder = Decoder {
        stream,
        header: &header,
        main: &main,
        codes: Codes::default(),
        corner: (image.y0, image.x0),
        limits,
        wanted,
    };
    let mut canvas = Canvas::new(header.precision, &shape, format.signed);
    let mut is_whole = parts.is_whole;
    for (index, tile) in (0_u32..).zip(&parts.tiles) {
        let area = header.grid.tile(index);
        is_whole &= decoder.tile(tile, area, &mut canvas)? == End::Whole;
    }
    let photometric = photometric(&header, &format);
    let frame = shape.frame(u16::from(header.precision), photometric, canvas.data);
    let completeness = if is_whole {
        Completeness::Whole
    } else {
        Completeness::Partial
    };
    Ok((frame, completeness))
}

/// What the decoded samples mean: a colour transform of the stream is undone.
fn photometric(header: &Header, format: &PixelFormat) -> Photometric {
    match format.photometric {
        Photometric::YbrIct | Photometric::YbrRct => Photometric::Rgb,
        _ if header.color_transform && format.samples_per_pixel == 3 => Photometric::Rgb,
        other => other,
    }
}

#[derive(Clone, Copy)]
struct Depth {
    precision: u32,
    signed: bool,
}

impl Depth {
    /// What makes a level the bits of a stored value.
    fn stored(self) -> impl Fn(i32) -> u16 {
        let half = 1 << (self.precision - 1);
        let (offset, mask) = (if self.signed { 0 } else { half }, 2 * half - 1);
        move |level| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the bits below the precision are the value"
            )]
            let bits = ((level.clamp(-half, half - 1) + offset) & mask) as u16;
            bits
        }
    }

    /// From levels to the bits of stored values.
    fn store(self, levels: impl Iterator<Item = i32>, stored: &mut [u16]) {
        let value = self.stored();
        for (stored, level) in stored.iter_mut().zip(levels) {
            *stored = value(level);
        }
    }
}

impl Depth {
    /// The same of more than 16 bits.
    fn store_wide(self, levels: impl Iterator<Item = i32>, stored: &mut [u32]) {
        let half = 1_i64 << (self.precision - 1);
        let offset = if self.signed { 0 } else { half };
        for (stored, level) in stored.iter_mut().zip(levels) {
            let value = i64::from(level).clamp(-half, half - 1) + offset;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the bits below the precision are the value"
            )]
            let bits = (value & (2 * half - 1)) as u32;
            *stored = bits;
        }
    }
}

/// What holds for all tiles.
struct Decoder<'a> {
    stream: &'a [u8],
    header: &'a Header,
    main: &'a Parameters,
    codes: Codes,
    /// Row and column at which the frame begins in the reference grid, reduced.
    corner: (u32, u32),
    limits: &'a Limits,
    wanted: Wanted,
}

impl Decoder<'_> {
    /// Decodes the lines of a tile into the frame, all components of a line at a time.
    fn tile(
        &self,
        tile: &tile_parts::Tile,
        area: Area,
        canvas: &mut Canvas,
    ) -> Result<End, DecodeError> {
        let own = if tile.segments.is_empty() {
            None
        } else {
            Some(self.main.of_tile(&tile.segments)?)
        };
        let parameters = own.as_ref().unwrap_or(self.main);
        let precision = u32::from(self.header.precision);
        let mut components = Vec::new();
        for component in 0..usize::from(self.header.components) {
            components.push(tile::component(area, parameters, component, precision)?);
        }
        let bounds = (self.limits, self.wanted.may_end_early);
        let end = packets::read(self.stream, tile, parameters, &mut components, bounds)?;
        components
            .iter_mut()
            .for_each(tile::TileComponent::forget_trees);

        let reduction = self.wanted.reduction.levels();
        let area = area.reduced(reduction);
        if area.is_empty() {
            return Ok(end);
        }
        let mut lines = Vec::new();
        for component in &components {
            let count = component.resolutions.len();
            let resolutions = count
                .checked_sub(reduction as usize)
                .and_then(|count| component.resolutions.get(..count))
                .ok_or_else(|| unsupported("a reduction by more levels than there are"))?;
            let reversible = component.reversible;
            lines.push(Lines::new(
                self.stream,
                resolutions,
                reversible,
                &self.codes,
            )?);
        }
        let (top, left) = self.corner;
        let (top, left) = ((area.y0 - top) as usize, (area.x0 - left) as usize);
        let depth = Depth {
            precision,
            signed: self.header.signed,
        };
        let is_of_three_bytes = lines.len() == 3 && left == 0 && canvas.is_of_three_bytes();
        let mut wide = vec![0; if precision > 16 { area.width() } else { 0 }];
        let mut stored: [Vec<u16>; 3] = std::array::from_fn(|_| vec![0; area.width()]);
        for y in 0..area.height() {
            for component in &mut lines {
                component.advance()?;
            }
            if is_of_three_bytes
                && parameters.color_transform
                && store_whole_colors(&lines, depth, &mut stored)
            {
                let [a, b, c] = &stored;
                canvas.write_pixels(top + y, [a, b, c]);
                continue;
            }
            if parameters.color_transform {
                undo_color_transform(&mut lines)?;
            }
            if is_of_three_bytes {
                for (component, stored) in lines.iter().zip(&mut stored) {
                    component.store(depth, stored);
                }
                let [a, b, c] = &stored;
                canvas.write_pixels(top + y, [a, b, c]);
                continue;
            }
            for (index, component) in lines.iter().enumerate() {
                if precision > 16 {
                    component.store_wide(depth, &mut wide);
                    canvas.write_wide_part((top + y, left), index, &wide);
                    continue;
                }
                let [stored, ..] = &mut stored;
                component.store(depth, stored);
                canvas.write_part((top + y, left), index, stored);
            }
        }
        Ok(end)
    }
}

/// A component of a tile, line by line.
enum Lines<'a> {
    Whole(Transform<'a, Reversible>),
    Real(Transform<'a, Irreversible>),
}

struct Transform<'a, F: Filter> {
    bands: Stripes<'a>,
    levels: Vec<Level<F>>,
    line: Vec<F::Sample>,
}

impl<'a> Lines<'a> {
    fn new(
        stream: &'a [u8],
        resolutions: &'a [Resolution],
        reversible: bool,
        codes: &'a Codes,
    ) -> Result<Self, DecodeError> {
        let lines = if reversible {
            Transform::new(stream, resolutions, codes).map(Self::Whole)
        } else {
            Transform::new(stream, resolutions, codes).map(Self::Real)
        };
        lines.ok_or_else(|| corrupt("a component is missing"))
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

    /// The same of more than 16 bits.
    fn store_wide(&self, depth: Depth, stored: &mut [u32]) {
        match self {
            Self::Whole(each) => depth.store_wide(each.line.iter().copied(), stored),
            #[expect(clippy::cast_possible_truncation, reason = "saturates")]
            Self::Real(each) => depth.store_wide(
                each.line.iter().map(|value| (value + 0.5).floor() as i32),
                stored,
            ),
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
    fn new(stream: &'a [u8], resolutions: &'a [Resolution], codes: &'a Codes) -> Option<Self> {
        let areas = resolutions.iter().map(|each| each.area);
        let widths = areas.clone().map(Area::width);
        let levels = areas.skip(1).zip(widths);
        Some(Self {
            bands: Stripes::new::<F::Sample>(stream, resolutions, codes)?,
            levels: levels
                .map(|(area, below)| Level::new(area, below))
                .collect(),
            line: vec![F::Sample::default(); resolutions.last()?.area.width()],
        })
    }
}

/// RCT undone on the way to stored values; false where samples are not whole numbers.
fn store_whole_colors(lines: &[Lines], depth: Depth, stored: &mut [Vec<u16>; 3]) -> bool {
    let [Lines::Whole(y), Lines::Whole(u), Lines::Whole(v)] = lines else {
        return false;
    };
    let [red, green, blue] = stored;
    let value = depth.stored();
    let levels = y.line.iter().zip(&u.line).zip(&v.line);
    let stored = red.iter_mut().zip(green).zip(blue);
    for (((y, u), v), ((red, green), blue)) in levels.zip(stored) {
        let middle = y.wrapping_sub(u.wrapping_add(*v) >> 2);
        *red = value(v.wrapping_add(middle));
        *green = value(middle);
        *blue = value(u.wrapping_add(middle));
    }
    true
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
