//! What a JPEG 2000 code stream says about itself, before any of it is decoded.
//!
//! The decoder builds tables for tiles, precincts and code blocks from these numbers, so a few damaged
//! bytes could ask for more than a machine has: here they are bounded by what the stream can hold.
//! Source: ISO/IEC 15444-1 annex A (markers), B (tiles, precincts, code blocks), I (JP2).

use super::{corrupt, unsupported};
use crate::decode::shape::check;
use crate::decode::sniff::JP2_SIGNATURE;
use crate::decode::{DecodeError, Limits};

const SIZ: u8 = 0x51;
const COD: u8 = 0x52;
const COC: u8 = 0x53;
const SOT: u8 = 0x90;
const SOD: u8 = 0x93;

/// The SIZ segment and what matters of the main COD segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) struct Header {
    pub rows: u32,
    pub columns: u32,
    pub components: u16,
    /// Bits a sample, the same in every component.
    pub precision: u8,
    pub signed: bool,
    /// The components went through RCT or ICT.
    pub color_transform: bool,
    pub tiles: u64,
    pub grid: ReferenceGrid,
}

/// Where image and tiles lie (B.2, B.3): offsets inclusive, ends exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::decode) struct ReferenceGrid {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
    pub tile_left: u32,
    pub tile_top: u32,
    pub tile_columns: u32,
    pub tile_rows: u32,
}

/// The code stream itself: a JP2 file is opened up to its first contiguous code stream box.
pub(in crate::decode) fn code_stream(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    if bytes.starts_with(&[0xFF, 0x4F]) {
        return Ok(bytes);
    }
    if !bytes.starts_with(JP2_SIGNATURE) {
        return Err(corrupt("neither a code stream nor a JP2 file"));
    }
    let mut boxes = bytes;
    loop {
        let &[a, b, c, d, ref rest @ ..] = boxes else {
            return Err(corrupt("the JP2 file holds no code stream"));
        };
        let Some((kind, content)) = rest.split_first_chunk::<4>() else {
            return Err(corrupt("a JP2 box is not whole"));
        };
        let (header_bytes, length) = match (u32::from_be_bytes([a, b, c, d]), content) {
            // The last box may say that it goes on to the end.
            (0, _) => (8, boxes.len() as u64),
            (1, &[a, b, c, d, e, f, g, h, ..]) => {
                (16, u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
            (length, _) => (8, u64::from(length)),
        };
        let end = usize::try_from(length).unwrap_or(usize::MAX);
        if kind == b"jp2c" {
            return boxes
                .get(header_bytes..end.min(boxes.len()))
                .ok_or_else(|| corrupt("a JP2 box is not whole"));
        }
        boxes = boxes
            .get(end..)
            .filter(|_| end >= header_bytes)
            .ok_or_else(|| corrupt("a JP2 box is not whole"))?;
    }
}

/// Reads and checks SIZ and COD.
pub(in crate::decode) fn read(stream: &[u8]) -> Result<Header, DecodeError> {
    let mut segments = Segments::new(stream);
    let Some(Segment { code: SIZ, body }) = segments.next() else {
        return Err(corrupt("the image size segment is missing"));
    };
    let mut header = read_size(body)?;
    for segment in segments.take_while(|segment| segment.code != SOT) {
        if let (COD, &[_, _, _, _, transform, ..]) = (segment.code, segment.body) {
            header.color_transform = transform == 1;
        }
    }
    Ok(header)
}

fn read_size(body: &[u8]) -> Result<Header, DecodeError> {
    let missing = || corrupt("the image size segment is not whole");
    let word = |place: usize| {
        let bytes = body.get(place..place + 4).ok_or_else(missing)?;
        bytes
            .try_into()
            .map(u32::from_be_bytes)
            .map_err(|_| missing())
    };
    // Rsiz says which parts of the standard a stream needs (annex A.5.1). Encoders claim more than they use, so that
    // what is refused is what is used: segments of part 2, code blocks of both kinds.
    let [width, height, left, top] = [word(2)?, word(6)?, word(10)?, word(14)?];
    let [tile_columns, tile_rows, tile_left, tile_top] =
        [word(18)?, word(22)?, word(26)?, word(30)?];
    let (columns, rows) = match (width.checked_sub(left), height.checked_sub(top)) {
        (Some(columns @ 1..), Some(rows @ 1..)) => (columns, rows),
        _ => return Err(corrupt("the image area is empty")),
    };
    // Annex B.3: the first tile holds at least one point of the image area.
    let first_tile = |offset: u32, tile_offset: u32, tile: u32| {
        tile > 0
            && tile_offset <= offset
            && u64::from(tile_offset) + u64::from(tile) > u64::from(offset)
    };
    if !first_tile(left, tile_left, tile_columns) || !first_tile(top, tile_top, tile_rows) {
        return Err(corrupt("the first tile lies outside the image"));
    }
    if left > 0xFFFF || top > 0xFFFF {
        return Err(unsupported("an image offset above 65535"));
    }
    let tiles = u64::from((width - tile_left).div_ceil(tile_columns))
        * u64::from((height - tile_top).div_ceil(tile_rows));

    let &[high, low] = body.get(34..36).ok_or_else(missing)? else {
        return Err(missing());
    };
    let components = u16::from_be_bytes([high, low]);
    let table = body
        .get(36..36 + 3 * usize::from(components))
        .ok_or_else(missing)?;
    let (first, others) = table.as_chunks::<3>().0.split_first().ok_or_else(missing)?;
    if others.iter().any(|other| other[0] != first[0]) {
        return Err(unsupported("components of different depth"));
    }
    if table
        .as_chunks::<3>()
        .0
        .iter()
        .any(|[_, x, y]| (*x, *y) != (1, 1))
    {
        return Err(unsupported("a subsampled component"));
    }
    let precision = (first[0] & 0x7F) + 1;
    if precision > 32 {
        return Err(unsupported("more than 32 bits a sample"));
    }
    Ok(Header {
        rows,
        columns,
        components,
        precision,
        signed: first[0] & 0x80 != 0,
        color_transform: false,
        tiles,
        grid: ReferenceGrid {
            left,
            top,
            right: width,
            bottom: height,
            tile_left,
            tile_top,
            tile_columns,
            tile_rows,
        },
    })
}

/// Refuses a stream whose tables would cost more than a whole stream of its length can need.
///
/// Every tile has a header of 14 bytes, every precinct a packet of at least one byte. Code blocks are
/// bounded by the limit of the decoded frame.
pub(in crate::decode) fn check_cost(
    stream: &[u8],
    header: &Header,
    limits: &Limits,
) -> Result<(), DecodeError> {
    let length = stream.len() as u64;
    if header.tiles.saturating_mul(14) > length {
        return Err(corrupt("more tiles than the stream can hold"));
    }
    let mut in_tile = false;
    for segment in Segments::new(stream) {
        let (style, parameters) = match (segment.code, segment.body) {
            (COD, [style, _, high, low, _, parameters @ ..]) => (
                (style, u64::from(u16::from_be_bytes([*high, *low]))),
                parameters,
            ),
            // Each component index has one byte, for there are never more than three components here.
            (COC, [_, style, parameters @ ..]) => ((style, 1), parameters),
            (SOT, _) => {
                in_tile = true;
                continue;
            }
            _ => continue,
        };
        let grid = &header.grid;
        let columns = grid.tile_columns.min(header.columns);
        let rows = grid.tile_rows.min(header.rows);
        let count = if in_tile { 1 } else { header.tiles };
        let cost = coding_cost(*style.0 & 1 != 0, parameters, columns, rows)
            .ok_or_else(|| corrupt("the coding style segment is not whole"))?;
        let components = u64::from(header.components);
        if cost
            .precincts
            .saturating_mul(count)
            .saturating_mul(components)
            > length
        {
            return Err(corrupt("more precincts than the stream can hold"));
        }
        let block_bytes = 128 + 32 * style.1.max(1);
        let tables = cost
            .blocks
            .saturating_mul(components)
            .saturating_mul(block_bytes);
        check(
            tables,
            limits.frame_bytes as u64,
            "bytes of code block tables",
        )?;
    }
    Ok(())
}

struct Cost {
    precincts: u64,
    blocks: u64,
}

/// Precincts and code blocks of one tile component (annex B.6 and B.7), never fewer than there are.
fn coding_cost(precinct_sizes: bool, parameters: &[u8], columns: u32, rows: u32) -> Option<Cost> {
    let &[levels, block_width, block_height, _, _, ref sizes @ ..] = parameters else {
        return None;
    };
    if levels > 32 || block_width > 8 || block_height > 8 {
        return None;
    }
    let mut cost = Cost {
        precincts: 0,
        blocks: 0,
    };
    for resolution in 0..=levels {
        let size = if precinct_sizes {
            *sizes.get(usize::from(resolution))?
        } else {
            0xFF
        };
        let reduced = |edge: u32| (u64::from(edge) >> (levels - resolution).min(32)) + 1;
        let precincts = |edge: u32, exponent: u8| (reduced(edge) >> exponent) + 2;
        let (wide, high) = (precincts(columns, size & 15), precincts(rows, size >> 4));
        // At the borders of precincts a code block may be cut, so each adds one.
        let blocks = |edge: u32, exponent: u8, precincts: u64, own: u8| {
            let exponent = (exponent + 2).min(own.saturating_sub(1));
            (reduced(edge) >> exponent) + precincts
        };
        cost.precincts += if precinct_sizes { wide * high } else { 1 };
        cost.blocks += blocks(columns, block_width, wide, size & 15)
            * blocks(rows, block_height, high, size >> 4);
    }
    Some(cost)
}

struct Segment<'a> {
    code: u8,
    body: &'a [u8],
}

/// The marker segments of the main header and of every tile-part header; coded data is jumped over.
struct Segments<'a> {
    stream: &'a [u8],
    position: usize,
    /// Where the tile-part that is being read ends.
    part_end: usize,
}

impl<'a> Segments<'a> {
    fn new(stream: &'a [u8]) -> Self {
        Self {
            stream,
            position: 2,
            part_end: 0,
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Segment<'a>> {
        loop {
            let &[0xFF, code] = self
                .stream
                .get(self.position..self.position.checked_add(2)?)?
            else {
                return None;
            };
            if code == SOD {
                // A part that ends before it began would be read for ever.
                if self.part_end <= self.position {
                    return None;
                }
                self.position = self.part_end;
                continue;
            }
            // Markers without a segment.
            if (0x30..=0x3F).contains(&code) {
                self.position += 2;
                continue;
            }
            let length = self.stream.get(self.position + 2..self.position + 4)?;
            let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
            let body = self
                .stream
                .get(self.position + 4..self.position + 2 + length)?;
            if code == SOT {
                let part = u32::from_be_bytes(body.get(2..6)?.try_into().ok()?);
                let part = usize::try_from(part).ok()?;
                // Zero: the part goes on to the end of the stream.
                self.part_end = if part == 0 {
                    self.stream.len()
                } else {
                    self.position.checked_add(part)?
                };
            }
            self.position += 2 + length;
            return Some(Segment { code, body });
        }
    }
}
