//! The marker segments of a JPEG-LS stream.
//!
//! Source: ISO/IEC 14495-1 annex C; ISO/IEC 10918-1 annex B for those shared with JPEG.

use super::super::DecodeError;
use super::{corrupt, unsupported};

/// The frame header (SOF55).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// Bits a sample, 2 to 16.
    pub precision: u8,
    pub rows: u32,
    pub columns: u32,
    /// Identifiers of the components in the order of the pixel.
    pub components: Vec<u8>,
}

/// How the samples of several components follow each other in a scan (C.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// One component a scan.
    None,
    /// A line of each component in turn.
    Line,
    /// A sample of each component in turn.
    Sample,
}

/// A scan header (SOS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScanHeader {
    /// Indices into [`FrameHeader::components`].
    pub components: Vec<usize>,
    /// Numbers of their mapping tables, 0 for none.
    pub mappings: Vec<u8>,
    /// Largest difference that the encoder allowed.
    pub near: i32,
    pub interleave: Interleave,
}

/// Preset coding parameters (C.2.4.1.1); zero stands for the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Presets {
    pub max_value: i32,
    pub thresholds: [i32; 3],
    pub reset: i32,
}

/// One step of a stream.
pub(super) enum Part<'a> {
    Frame(FrameHeader),
    Presets(Presets),
    /// A mapping table, or more of one: what follows its type.
    Mapping {
        goes_on: bool,
        body: &'a [u8],
    },
    /// Lines between two restart markers; zero for none.
    RestartInterval(u32),
    /// A scan, and all bytes behind its header.
    Scan(ScanHeader, &'a [u8]),
    End,
}

/// Walks through the marker segments.
pub(super) struct Parts<'a> {
    rest: &'a [u8],
    components: Vec<u8>,
}

impl<'a> Parts<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let rest = bytes
            .strip_prefix(&[0xFF, 0xD8])
            .ok_or_else(|| corrupt("not a JPEG stream"))?;
        Ok(Self {
            rest,
            components: Vec::new(),
        })
    }

    /// Goes on behind the entropy-coded data of a scan.
    pub fn resume(&mut self, rest: &'a [u8]) {
        self.rest = rest;
    }

    /// The next part that matters. A stream that ends without EOI ends all the same.
    pub fn next(&mut self) -> Result<Part<'a>, DecodeError> {
        loop {
            let (code, rest) = match *self.rest {
                [] | [_] => return Ok(Part::End),
                // Fill bytes may stand before a marker.
                [0xFF, 0xFF, ..] => {
                    self.rest = &self.rest[1..];
                    continue;
                }
                [0xFF, code, ref rest @ ..] => (code, rest),
                _ => return Err(corrupt("a marker is missing")),
            };
            if code == 0xD9 {
                return Ok(Part::End);
            }
            let whole = |length: usize| rest.get(2..length);
            let body = match *rest {
                [high, low, ..] => whole(usize::from(u16::from_be_bytes([high, low]))),
                _ => None,
            }
            .ok_or_else(|| corrupt("a marker segment is not whole"))?;
            self.rest = &rest[2 + body.len()..];
            match code {
                0xF7 => {
                    let header = frame_header(body)?;
                    self.components.clone_from(&header.components);
                    return Ok(Part::Frame(header));
                }
                0xF8 => return preset_parameters(body),
                0xDD => return restart_interval(body).map(Part::RestartInterval),
                0xDA => return Ok(Part::Scan(scan_header(body, &self.components)?, self.rest)),
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    return Err(corrupt("a JPEG stream that is not JPEG-LS"));
                }
                // Comments and application data.
                _ => {}
            }
        }
    }
}

fn frame_header(body: &[u8]) -> Result<FrameHeader, DecodeError> {
    let &[precision, y1, y0, x1, x0, count, ref table @ ..] = body else {
        return Err(corrupt("the frame header is not whole"));
    };
    if !(2..=16).contains(&precision) {
        return Err(corrupt("the precision is not 2 to 16 bits"));
    }
    let (rows, columns) = (u16::from_be_bytes([y1, y0]), u16::from_be_bytes([x1, x0]));
    if rows == 0 || columns == 0 {
        return Err(unsupported(
            "an image size that the frame header does not name",
        ));
    }
    let table = table
        .get(..3 * usize::from(count))
        .filter(|table| !table.is_empty());
    let table = table
        .ok_or_else(|| corrupt("the frame header is not whole"))?
        .as_chunks::<3>()
        .0;
    if table.iter().any(|[_, sampling, _]| *sampling != 0x11) {
        return Err(unsupported("a subsampled component"));
    }
    Ok(FrameHeader {
        precision,
        rows: u32::from(rows),
        columns: u32::from(columns),
        components: table.iter().map(|[identifier, ..]| *identifier).collect(),
    })
}

fn preset_parameters(body: &[u8]) -> Result<Part<'_>, DecodeError> {
    match *body {
        [1, a1, a0, b1, b0, c1, c0, d1, d0, e1, e0] => {
            let word = |high, low| i32::from(u16::from_be_bytes([high, low]));
            Ok(Part::Presets(Presets {
                max_value: word(a1, a0),
                thresholds: [word(b1, b0), word(c1, c0), word(d1, d0)],
                reset: word(e1, e0),
            }))
        }
        [kind @ (2 | 3), ref body @ ..] => Ok(Part::Mapping {
            goes_on: kind == 3,
            body,
        }),
        [4, ..] => Err(unsupported("an image of more than 65535 rows or columns")),
        _ => Err(corrupt("the preset parameters are not whole")),
    }
}

fn restart_interval(body: &[u8]) -> Result<u32, DecodeError> {
    if !(2..=4).contains(&body.len()) {
        return Err(corrupt("the restart interval is not whole"));
    }
    Ok(body
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte)))
}

fn scan_header(body: &[u8], frame: &[u8]) -> Result<ScanHeader, DecodeError> {
    let missing = || corrupt("the scan header is not whole");
    let (&count, rest) = body.split_first().ok_or_else(missing)?;
    let (table, rest) = rest
        .split_at_checked(2 * usize::from(count))
        .ok_or_else(missing)?;
    let &[near, interleave, transform] = rest else {
        return Err(missing());
    };
    let (mut components, mut mappings) = (Vec::with_capacity(3), Vec::with_capacity(3));
    for [identifier, mapping] in table.as_chunks::<2>().0 {
        mappings.push(*mapping);
        let index = frame.iter().position(|other| other == identifier);
        components.push(index.ok_or_else(|| corrupt("a scan of an unknown component"))?);
    }
    if transform != 0 {
        return Err(unsupported("a point transform"));
    }
    let interleave = match (interleave, components.len()) {
        (0, 1) => Interleave::None,
        // With one component, each order is the same.
        (1 | 2, 1) => Interleave::None,
        (1, 2..) => Interleave::Line,
        (2, 2..) => Interleave::Sample,
        _ => return Err(corrupt("the components of a scan are in no known order")),
    };
    Ok(ScanHeader {
        components,
        mappings,
        near: i32::from(near),
        interleave,
    })
}
