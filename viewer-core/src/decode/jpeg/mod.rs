//! JPEG: baseline, extended and progressive DCT of 8 and 12 bits, and lossless of 2 to 16 bits.
//!
//! `markers` reads the segments, `bits` the Huffman codes, `scan` and `blocks` the DCT processes, `lossless`
//! the other one; `color` decides what three components mean. Nothing is converted: YBR stays YBR; `spread`
//! gives chroma that pixels share to each of them. Arithmetic coding and the hierarchical process,
//! which no DICOM syntax in use allows, are refused.
//! Source: ISO/IEC 10918-1 (ITU-T T.81); DICOM PS3.5 8.2.1 and A.4.1.

mod bits;
mod blocks;
mod color;
mod lossless;
mod markers;
mod real;
mod scan;
mod spread;
mod whole;

use super::canvas::Canvas;
use super::shape::{Shape, check, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, PixelFormat};
use blocks::Transform;
use markers::{Part, Parts, Process, Tables};
use scan::{Coefficients, Layout};
use spread::Spread;

const CODEC: &str = "JPEG";

/// Decodes one JPEG frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let mut parts = Parts::new(bytes)?;
    let frame = match parts.next()? {
        Part::Frame(frame) => markers::Frame {
            // DNL says the number of lines behind the first scan; the attributes say it as well.
            rows: if frame.rows == 0 {
                format.rows
            } else {
                frame.rows
            },
            ..frame
        },
        Part::Scan(_) | Part::End(_) => return Err(corrupt("the frame header is missing")),
    };
    let components = u32::try_from(frame.components.len()).unwrap_or(u32::MAX);
    check_same(CODEC, format, frame.rows, frame.columns, components)?;
    let shape = Shape::of_stream(format, frame.precision, limits)?;
    // A few bytes that claim a huge picture are refused before there is room for it.
    if (bytes.len() as u64).saturating_mul(8) < least_bits(&frame) {
        return Err(corrupt("the stream ends early"));
    }
    let canvas = Canvas::new(frame.precision, &shape, format.signed);
    let data = match frame.process {
        Process::Lossless => lossless(&mut parts, &frame, canvas)?,
        Process::Sequential => sequential(&mut parts, &frame, canvas)?,
        Process::Progressive => progressive(&mut parts, &frame, canvas, limits)?,
    };
    let photometric = color::photometric(&frame, parts.adobe, parts.jfif, format.photometric);
    Ok(shape.frame(u16::from(frame.precision), photometric, data))
}

/// The shortest that the entropy-coded data can be: no code is shorter than a bit. A sample of the lossless process takes
/// one code, a sequential block one for DC and one for the end of AC; progressive blocks may share all but that for DC.
fn least_bits(frame: &markers::Frame) -> u64 {
    let blocks = || {
        let grids = Layout::new(frame).grids;
        let each = grids
            .iter()
            .map(|grid| grid.columns as u64 * grid.rows as u64);
        each.sum::<u64>()
    };
    match frame.process {
        Process::Lossless => {
            u64::from(frame.rows) * u64::from(frame.columns) * frame.components.len() as u64
        }
        Process::Sequential => 2 * blocks(),
        Process::Progressive => blocks(),
    }
}

/// The next scan before the end; `None` behind the last.
fn next_scan(parts: &mut Parts) -> Result<Option<markers::Scan>, DecodeError> {
    match parts.next()? {
        Part::Scan(scan) => Ok(Some(scan)),
        Part::End(_) => Ok(None),
        Part::Frame(_) => Err(corrupt("a second frame header")),
    }
}

/// Components whose samples have not come yet.
struct Missing(Vec<bool>);

impl Missing {
    fn new(frame: &markers::Frame) -> Self {
        Self(vec![true; frame.components.len()])
    }

    fn any(&self) -> bool {
        self.0.contains(&true)
    }

    fn came(&mut self, scan: &markers::Scan) -> Result<(), DecodeError> {
        for component in &scan.components {
            if !std::mem::replace(&mut self.0[component.index], false) {
                return Err(corrupt("a component comes twice"));
            }
        }
        Ok(())
    }
}

fn lossless(
    parts: &mut Parts,
    frame: &markers::Frame,
    mut canvas: Canvas,
) -> Result<Vec<u8>, DecodeError> {
    let mut missing = Missing::new(frame);
    while missing.any() {
        let scan = next_scan(parts)?.ok_or_else(|| corrupt("a component is missing"))?;
        missing.came(&scan)?;
        let write = |component, row, line: &[u16]| canvas.write(row, component, line);
        let taken = lossless::decode(parts.data(), frame, &scan, &parts.tables, write)?;
        parts.resume(taken);
    }
    Ok(canvas.data)
}

fn sequential(
    parts: &mut Parts,
    frame: &markers::Frame,
    canvas: Canvas,
) -> Result<Vec<u8>, DecodeError> {
    let layout = Layout::new(frame);
    let mut lines = Spread::new(frame, canvas);
    let mut missing = Missing::new(frame);
    while missing.any() {
        let scan = next_scan(parts)?.ok_or_else(|| corrupt("a component is missing"))?;
        missing.came(&scan)?;
        let transforms = transforms(frame, &parts.tables, Some(&scan))?;
        let taken = scan::sequential(
            parts.data(),
            &layout,
            &scan,
            &parts.tables,
            &transforms,
            |ready| lines.write(ready),
        )?;
        parts.resume(taken);
    }
    Ok(lines.finish())
}

fn progressive(
    parts: &mut Parts,
    frame: &markers::Frame,
    canvas: Canvas,
    limits: &Limits,
) -> Result<Vec<u8>, DecodeError> {
    let layout = Layout::new(frame);
    let grids = layout.grids.iter();
    let blocks = grids.map(|grid| grid.padded_columns as u64 * grid.padded_rows as u64);
    // Two bytes a coefficient, where a sample may have one; and small images are filled up to whole MCUs.
    check(
        blocks.sum::<u64>().saturating_mul(128),
        (limits.frame_bytes as u64).saturating_mul(2).max(1 << 20),
        "bytes of coefficients",
    )?;
    let mut coefficients = Coefficients::new(&layout);
    loop {
        match parts.next()? {
            Part::Scan(scan) => {
                let taken = coefficients.scan(parts.data(), &layout, &scan, &parts.tables)?;
                parts.resume(taken);
            }
            Part::Frame(_) => return Err(corrupt("a second frame header")),
            // A stream that is cut between two scans looks whole but for its end.
            Part::End(said) if coefficients.is_complete() || said => break,
            Part::End(_) => return Err(corrupt("the stream ends early")),
        }
    }
    if !coefficients.is_picture() {
        return Err(corrupt("a component is missing"));
    }
    let transforms = transforms(frame, &parts.tables, None)?;
    let mut lines = Spread::new(frame, canvas);
    coefficients.samples(&layout, &transforms, |ready| lines.write(ready));
    Ok(lines.finish())
}

/// The transform of each component; only those of a scan's components have to be there.
fn transforms(
    frame: &markers::Frame,
    tables: &Tables,
    scan: Option<&markers::Scan>,
) -> Result<Vec<Transform>, DecodeError> {
    let is_needed = |index: usize| {
        scan.is_none_or(|scan| scan.components.iter().any(|each| each.index == index))
    };
    let each = frame.components.iter().enumerate();
    each.map(
        |(index, component)| match &tables.quantization[component.quantization] {
            Some(table) => Ok(Transform::new(table, frame.precision)),
            None if !is_needed(index) => Ok(Transform::new(&[0; 64], frame.precision)),
            None => Err(corrupt("a quantization table is missing")),
        },
    )
    .collect()
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
