//! Marker segments of a JPEG stream.
//!
//! Source: ISO/IEC 10918-1 (ITU-T T.81) annex B; ISO/IEC 10918-5 (JFIF); ITU-T T.872 6.5.3 (Adobe's APP14).

use super::bits::{CoefficientCodes, Huffman};
use super::{corrupt, unsupported};
use crate::decode::DecodeError;

/// How the samples are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// DCT, each block whole (SOF0 and SOF1).
    Sequential,
    /// DCT, each block in several scans (SOF2).
    Progressive,
    /// Differences of samples (SOF3).
    Lossless,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Component {
    pub id: u8,
    /// Samples of this component where the one with most has `Frame::horizontal`.
    pub horizontal: usize,
    pub vertical: usize,
    /// Number of the quantization table.
    pub quantization: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub process: Process,
    pub precision: u8,
    /// 0 where a DNL segment behind the first scan says it.
    pub rows: u32,
    pub columns: u32,
    pub components: Vec<Component>,
}

impl Frame {
    /// Most samples of a component in the direction of a row.
    pub fn horizontal(&self) -> usize {
        let each = self.components.iter().map(|component| component.horizontal);
        each.max().unwrap_or(1)
    }

    /// Most samples of a component in the direction of a column.
    pub fn vertical(&self) -> usize {
        let each = self.components.iter().map(|component| component.vertical);
        each.max().unwrap_or(1)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ScanComponent {
    /// Place in `Frame::components`.
    pub index: usize,
    /// Huffman table of DC coefficients, or of all differences of a lossless scan.
    pub dc: usize,
    /// Huffman table of AC coefficients.
    pub ac: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan {
    pub components: Vec<ScanComponent>,
    /// First coefficient, or the predictor of a lossless scan.
    pub start: usize,
    /// Last coefficient.
    pub end: usize,
    /// Bit position of the scan before, 0 for the first.
    pub high: u8,
    /// Bit position of this scan, or the point transform of a lossless one.
    pub low: u8,
}

/// Tables that stay in force until others replace them.
#[derive(Default)]
pub(super) struct Tables {
    /// In zigzag order.
    pub quantization: [Option<[u16; 64]>; 4],
    pub dc: [Option<Huffman>; 4],
    pub ac: [Option<CoefficientCodes>; 4],
    /// MCUs between restart markers, 0 for none.
    pub restart_interval: u32,
}

/// What comes next in the stream.
pub(super) enum Part {
    Frame(Frame),
    Scan(Scan),
    /// The end, and whether the stream says so itself.
    End(bool),
}

/// Walks through the marker segments.
pub(super) struct Parts<'a> {
    bytes: &'a [u8],
    position: usize,
    components: Vec<u8>,
    pub tables: Tables,
    /// The transform that Adobe's APP14 names.
    pub adobe: Option<u8>,
    /// A JFIF segment was met: colours are YCbCr.
    pub jfif: bool,
}

impl<'a> Parts<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if !bytes.starts_with(&[0xFF, 0xD8]) {
            return Err(corrupt("the start of image is missing"));
        }
        Ok(Self {
            bytes,
            position: 2,
            components: Vec::new(),
            tables: Tables::default(),
            adobe: None,
            jfif: false,
        })
    }

    /// The entropy-coded data behind a scan header.
    pub fn data(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }

    /// Goes on behind the entropy-coded bytes that a scan took.
    pub fn resume(&mut self, taken: usize) {
        self.position += taken;
    }

    pub fn next(&mut self) -> Result<Part, DecodeError> {
        loop {
            let Some(code) = self.marker() else {
                return Ok(Part::End(false));
            };
            // Markers without a segment: TEM, restart markers left over, a second SOI.
            match code {
                0xD9 => return Ok(Part::End(true)),
                0x01 | 0xD0..=0xD8 => continue,
                _ => {}
            }
            let body = self
                .bytes
                .get(self.position..self.position + 2)
                .and_then(|length| length.try_into().ok())
                .map(|length| usize::from(u16::from_be_bytes(length)))
                .and_then(|length| self.bytes.get(self.position + 2..self.position + length))
                .ok_or_else(|| corrupt("a marker segment is not whole"))?;
            self.position += 2 + body.len();
            match code {
                0xC4 => self.huffman(body)?,
                0xDB => self.quantization(body)?,
                0xDD => {
                    let &[high, low, ..] = body else {
                        return Err(corrupt("the restart interval is not whole"));
                    };
                    self.tables.restart_interval = u32::from(u16::from_be_bytes([high, low]));
                }
                0xC0..=0xC3 => {
                    let frame = frame(code, body)?;
                    self.components = frame.components.iter().map(|each| each.id).collect();
                    return Ok(Part::Frame(frame));
                }
                0xC5..=0xC7 | 0xDE | 0xDF => return Err(unsupported("the hierarchical process")),
                0xC8..=0xCF => return Err(unsupported("arithmetic coding")),
                0xDA => return Ok(Part::Scan(self.scan(body)?)),
                0xE0 if body.starts_with(b"JFIF\0") => self.jfif = true,
                0xEE if body.starts_with(b"Adobe") => self.adobe = body.get(11).copied(),
                _ => {}
            }
        }
    }

    /// The code of the next marker; what stands before it is not looked at.
    fn marker(&mut self) -> Option<u8> {
        loop {
            let rest = self.bytes.get(self.position..)?;
            self.position += 1 + rest.iter().position(|byte| *byte == 0xFF)?;
            match self.bytes.get(self.position)? {
                0 => self.position += 1,
                0xFF => {}
                code => {
                    self.position += 1;
                    return Some(*code);
                }
            }
        }
    }

    fn huffman(&mut self, mut body: &[u8]) -> Result<(), DecodeError> {
        let cut = || corrupt("a Huffman table is not whole");
        while let Some((&place, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(cut)?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, rest) = rest.split_at_checked(total).ok_or_else(cut)?;
            let codes = Huffman::new(counts, symbols)?;
            let number = usize::from(place & 15);
            let too_many = || corrupt("more than four Huffman tables");
            match place >> 4 {
                0 => *self.tables.dc.get_mut(number).ok_or_else(too_many)? = Some(codes),
                1 => {
                    let table = self.tables.ac.get_mut(number).ok_or_else(too_many)?;
                    *table = Some(CoefficientCodes::new(codes));
                }
                _ => return Err(corrupt("an unknown class of Huffman tables")),
            }
            body = rest;
        }
        Ok(())
    }

    fn quantization(&mut self, mut body: &[u8]) -> Result<(), DecodeError> {
        let cut = || corrupt("a quantization table is not whole");
        while let Some((&place, rest)) = body.split_first() {
            let wide = place >> 4 != 0;
            let (values, rest) = rest
                .split_at_checked(if wide { 128 } else { 64 })
                .ok_or_else(cut)?;
            let mut table = [0; 64];
            for (index, value) in table.iter_mut().enumerate() {
                *value = if wide {
                    u16::from_be_bytes([values[2 * index], values[2 * index + 1]])
                } else {
                    u16::from(values[index])
                };
            }
            *self
                .tables
                .quantization
                .get_mut(usize::from(place & 15))
                .ok_or_else(|| corrupt("more than four quantization tables"))? = Some(table);
            body = rest;
        }
        Ok(())
    }

    fn scan(&self, body: &[u8]) -> Result<Scan, DecodeError> {
        let cut = || corrupt("a scan header is not whole");
        let (&count, rest) = body.split_first().ok_or_else(cut)?;
        let (each, rest) = rest
            .split_at_checked(2 * usize::from(count))
            .ok_or_else(cut)?;
        let &[start, end, position, ..] = rest else {
            return Err(cut());
        };
        let mut components: Vec<ScanComponent> = Vec::new();
        for &[id, tables] in each.as_chunks::<2>().0 {
            let index = self.components.iter().position(|known| *known == id);
            let index = index.ok_or_else(|| corrupt("a scan of an unknown component"))?;
            if components.iter().any(|known| known.index == index) || tables & 0xCC != 0 {
                return Err(corrupt("an impossible scan header"));
            }
            components.push(ScanComponent {
                index,
                dc: usize::from(tables >> 4),
                ac: usize::from(tables & 15),
            });
        }
        if components.is_empty() {
            return Err(corrupt("a scan without components"));
        }
        Ok(Scan {
            components,
            start: usize::from(start),
            end: usize::from(end),
            high: position >> 4,
            low: position & 15,
        })
    }
}

fn frame(code: u8, body: &[u8]) -> Result<Frame, DecodeError> {
    let &[
        precision,
        row_high,
        row_low,
        column_high,
        column_low,
        count,
        ref each @ ..,
    ] = body
    else {
        return Err(corrupt("the frame header is not whole"));
    };
    let process = match code {
        0xC2 => Process::Progressive,
        0xC3 => Process::Lossless,
        _ => Process::Sequential,
    };
    let possible = match process {
        Process::Lossless => (2..=16).contains(&precision),
        _ => matches!(precision, 8 | 12),
    };
    if !possible {
        return Err(corrupt("an impossible precision"));
    }
    let each = each
        .get(..3 * usize::from(count))
        .ok_or_else(|| corrupt("the frame header is not whole"))?;
    let mut components: Vec<Component> = Vec::new();
    for &[id, sampling, quantization] in each.as_chunks::<3>().0 {
        let (horizontal, vertical) = (usize::from(sampling >> 4), usize::from(sampling & 15));
        if !(1..=4).contains(&horizontal)
            || !(1..=4).contains(&vertical)
            || quantization > 3
            || components.iter().any(|known| known.id == id)
        {
            return Err(corrupt("an impossible component"));
        }
        components.push(Component {
            id,
            horizontal,
            vertical,
            quantization: usize::from(quantization),
        });
    }
    Ok(Frame {
        process,
        precision,
        rows: u32::from(u16::from_be_bytes([row_high, row_low])),
        columns: u32::from(u16::from_be_bytes([column_high, column_low])),
        components,
    })
}
