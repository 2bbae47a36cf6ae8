//! JPEG-LS, lossless and near-lossless, of 2 to 16 bits and up to three components.
//!
//! `header` reads the marker segments, `scan` the entropy-coded lines with the parameters of `coding`,
//! the statistics of `contexts` and the bits of `bits`. Mapping tables, which no DICOM syntax allows, are
//! refused.
//! Source: ISO/IEC 14495-1 (ITU-T T.87); DICOM PS3.5 8.2.3 and A.4.3.

mod bits;
mod coding;
mod contexts;
mod header;
mod scan;

use super::canvas::Canvas;
use super::shape::{Shape, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, Photometric, PixelFormat};
use header::{Part, Parts, Presets};

const CODEC: &str = "JPEG-LS";

/// Decodes one JPEG-LS frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let mut parts = Parts::new(bytes)?;
    let mut presets = Presets::default();
    let mut restart_interval = 0;
    let header = loop {
        match parts.next()? {
            Part::Frame(header) => break header,
            Part::Presets(found) => presets = found,
            Part::RestartInterval(lines) => restart_interval = lines,
            Part::Scan(..) | Part::End => return Err(corrupt("the frame header is missing")),
        }
    };
    let components = u32::try_from(header.components.len()).unwrap_or(u32::MAX);
    check_same(CODEC, format, header.rows, header.columns, components)?;
    let shape = Shape::of_stream(format, header.precision, limits)?;

    let mut canvas = Canvas::new(header.precision, &shape, format.signed);
    let mut missing = vec![true; header.components.len()];
    while missing.contains(&true) {
        match parts.next()? {
            Part::Frame(_) => return Err(corrupt("a second frame header")),
            Part::Presets(found) => presets = found,
            Part::RestartInterval(lines) => restart_interval = lines,
            Part::Scan(scan, data) => {
                for index in &scan.components {
                    if !std::mem::replace(&mut missing[*index], false) {
                        return Err(corrupt("a component comes twice"));
                    }
                }
                let coding = coding::Coding::new(header.precision, scan.near, presets)?;
                let layout = scan::Layout {
                    rows: header.rows,
                    columns: header.columns as usize,
                    components: scan.components.len(),
                    interleave: scan.interleave,
                    restart_interval,
                };
                let mut rows = vec![0; scan.components.len()];
                let rest = scan::decode(data, &coding, &layout, |index, line| {
                    canvas.write(rows[index], scan.components[index], line);
                    rows[index] += 1;
                })?;
                parts.resume(rest);
            }
            Part::End => return Err(corrupt("a component is missing")),
        }
    }
    let photometric = match format.photometric {
        // Chroma is never shared in JPEG-LS.
        Photometric::YbrFull422 => Photometric::YbrFull,
        other => other,
    };
    Ok(shape.frame(u16::from(header.precision), photometric, canvas.data))
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
