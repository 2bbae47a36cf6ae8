//! JPEG-LS, lossless and near-lossless, of 2 to 16 bits and up to three components.
//!
//! `header` reads the marker segments, `scan` the entropy-coded lines with the parameters of `coding`,
//! the statistics of `contexts` and the bits of `bits`. `mapping` gives samples their values where a stream holds indices.
//! Source: ISO/IEC 14495-1 (ITU-T T.87); DICOM PS3.5 8.2.3 and A.4.3.

mod bits;
mod coding;
mod contexts;
mod header;
mod mapping;
mod scan;

use super::canvas::Canvas;
use super::shape::{Shape, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, Photometric, PixelFormat};
use header::{Part, Parts, Presets};
use mapping::Mappings;

const CODEC: &str = "JPEG-LS";

/// Decodes one JPEG-LS frame.
pub(super) fn decode(
    bytes: &[u8],
    format: &PixelFormat,
    limits: &Limits,
) -> Result<Frame, DecodeError> {
    let mut parts = Parts::new(bytes)?;
    let mut settings = Settings::default();
    let header = loop {
        match parts.next()? {
            Part::Frame(header) => break header,
            Part::Scan(..) | Part::End => return Err(corrupt("the frame header is missing")),
            other => settings.take(&other)?,
        }
    };
    let components = u32::try_from(header.components.len()).unwrap_or(u32::MAX);
    check_same(CODEC, format, header.rows, header.columns, components)?;
    Shape::of_stream(format, header.precision, limits)?;

    // There is no room for samples before it is known how many bits they have: mapping tables may come up to the scan.
    let mut picture = None;
    let mut missing = vec![true; header.components.len()];
    while missing.contains(&true) {
        let (scan, data) = match parts.next()? {
            Part::Frame(_) => return Err(corrupt("a second frame header")),
            Part::Scan(scan, data) => (scan, data),
            Part::End => return Err(corrupt("a component is missing")),
            other => {
                settings.take(&other)?;
                continue;
            }
        };
        for index in &scan.components {
            if !std::mem::replace(&mut missing[*index], false) {
                return Err(corrupt("a component comes twice"));
            }
        }
        let tables: Vec<Option<&[u16]>> = (scan.mappings.iter())
            .map(|number| settings.mappings.table(*number))
            .collect::<Result<_, _>>()?;
        let widest = tables.iter().flatten().map(|table| mapping::bits(table));
        let precision = widest.fold(header.precision, u8::max);
        if picture.is_none() {
            let shape = Shape::of_stream(format, precision, limits)?;
            let canvas = Canvas::new(precision, &shape, format.signed);
            picture = Some((shape, precision, canvas));
        }
        let Some((_, begun, canvas)) = &mut picture else {
            return Err(corrupt("a component is missing"));
        };
        if precision > *begun {
            return Err(unsupported(
                "mapping tables of which later ones have more bits",
            ));
        }
        let coding = coding::Coding::new(header.precision, scan.near, settings.presets)?;
        let layout = scan::Layout {
            rows: header.rows,
            columns: header.columns as usize,
            components: scan.components.len(),
            interleave: scan.interleave,
            restart_interval: settings.restart_interval,
        };
        let mut rows = vec![0; scan.components.len()];
        let mut mapped = Vec::new();
        let rest = scan::decode(data, &coding, &layout, |index, line| {
            let component = scan.components[index];
            match tables[index] {
                None => canvas.write(rows[index], component, line),
                Some(table) => {
                    mapping::map(table, line, &mut mapped)?;
                    canvas.write(rows[index], component, &mapped);
                }
            }
            rows[index] += 1;
            Ok(())
        })?;
        parts.resume(rest);
    }
    let Some((shape, precision, canvas)) = picture else {
        return Err(corrupt("a component is missing"));
    };
    let photometric = match format.photometric {
        // Chroma is never shared in JPEG-LS.
        Photometric::YbrFull422 => Photometric::YbrFull,
        other => other,
    };
    Ok(shape.frame(u16::from(precision), photometric, canvas.data))
}

/// What segments before a scan say of it.
#[derive(Default)]
struct Settings {
    presets: Presets,
    restart_interval: u32,
    mappings: Mappings,
}

impl Settings {
    fn take(&mut self, part: &Part) -> Result<(), DecodeError> {
        match *part {
            Part::Presets(presets) => self.presets = presets,
            Part::RestartInterval(lines) => self.restart_interval = lines,
            Part::Mapping { goes_on, body } => self.mappings.take(goes_on, body)?,
            Part::Frame(_) | Part::Scan(..) | Part::End => {}
        }
        Ok(())
    }
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
