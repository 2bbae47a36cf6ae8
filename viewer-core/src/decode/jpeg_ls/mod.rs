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

use super::shape::{Shape, check_same};
use super::{DecodeError, Limits};
use crate::pixel::{Frame, Photometric, PixelFormat};
use header::{FrameHeader, Part, Parts, Presets};

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

    let mut canvas = Canvas::new(&header, &shape, format.signed);
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

/// The interleaved samples of the frame while its lines come in.
struct Canvas {
    data: Vec<u8>,
    line_bytes: usize,
    sample_bytes: usize,
    pixel_bytes: usize,
    /// Bits above the precision, where the samples are signed: JPEG-LS knows no sign.
    unused: u32,
}

impl Canvas {
    fn new(header: &FrameHeader, shape: &Shape, signed: bool) -> Self {
        let sample_bytes = shape.sample_type.size_bytes();
        let pixel_bytes = sample_bytes * usize::from(shape.samples_per_pixel);
        Self {
            data: vec![0; shape.bytes],
            line_bytes: pixel_bytes * shape.columns as usize,
            sample_bytes,
            pixel_bytes,
            unused: if signed {
                32 - u32::from(header.precision)
            } else {
                0
            },
        }
    }

    fn write(&mut self, row: usize, component: usize, line: &[u16]) {
        let start = row * self.line_bytes;
        let Some(target) = self.data.get_mut(start..start + self.line_bytes) else {
            return;
        };
        let unused = self.unused;
        let value = |sample: u16| ((i32::from(sample) << unused) >> unused).to_le_bytes();
        match (self.sample_bytes, self.pixel_bytes) {
            (1, 1) => {
                for (byte, sample) in target.iter_mut().zip(line) {
                    *byte = value(*sample)[0];
                }
            }
            (2, 2) => {
                for (bytes, sample) in target.as_chunks_mut::<2>().0.iter_mut().zip(line) {
                    let [low, high, ..] = value(*sample);
                    *bytes = [low, high];
                }
            }
            (1, 3) => {
                let component = component.min(2);
                for (bytes, sample) in target.as_chunks_mut::<3>().0.iter_mut().zip(line) {
                    bytes[component] = value(*sample)[0];
                }
            }
            (size, pixel) => {
                let place = component * size..component * size + size;
                for (bytes, sample) in target.chunks_exact_mut(pixel).zip(line) {
                    bytes[place.clone()].copy_from_slice(&value(*sample)[..size]);
                }
            }
        }
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
