//! The code stream cut into its main header and the parts of its tiles.
//!
//! Nothing is copied but packet headers that stand apart from their packets.
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex A.3, A.4 and A.7.

use super::packets::early;
use super::parameters::Segment;
use super::{corrupt, unsupported};
use crate::decode::DecodeError;
use protocol::order;
use std::ops::Range;

/// What the parts of a tile hold.
#[derive(Default)]
pub(super) struct Tile<'a> {
    pub segments: Vec<Segment<'a>>,
    /// Where its packets are in the stream.
    pub parts: Vec<Range<usize>>,
    /// The headers of its packets where they stand apart (PPM, PPT).
    pub headers: Option<Vec<u8>>,
}

pub(super) struct TileParts<'a> {
    pub main: Vec<Segment<'a>>,
    pub tiles: Vec<Tile<'a>>,
    /// The stream does not end before its end.
    pub is_whole: bool,
}

const SOT: u8 = 0x90;
const SOD: u8 = 0x93;
const EOC: u8 = 0xD9;
const PPM: u8 = 0x60;
const PPT: u8 = 0x61;

/// Reads all headers of a stream with `count` tiles. A stream that ends early is an error unless it `may_end_early`.
pub(super) fn read(
    stream: &[u8],
    count: usize,
    may_end_early: bool,
) -> Result<TileParts<'_>, DecodeError> {
    let mut reader = Reader {
        stream,
        position: 2,
        parts: TileParts {
            main: Vec::new(),
            tiles: Vec::new(),
            is_whole: true,
        },
        order: Vec::new(),
        main_headers: Vec::new(),
        part_headers: Vec::new(),
        part: None,
    };
    reader.parts.tiles.resize_with(count, Tile::default);
    match reader.read(may_end_early) {
        Err(error) if may_end_early && error == early() && !reader.order.is_empty() => {
            reader.parts.is_whole = false;
        }
        result => result?,
    }
    reader.give_headers()?;
    Ok(reader.parts)
}

struct Reader<'a> {
    stream: &'a [u8],
    position: usize,
    parts: TileParts<'a>,
    /// The tile of each part, as they come.
    order: Vec<usize>,
    /// Bodies of PPM, and of PPT of the part under way.
    main_headers: Vec<&'a [u8]>,
    part_headers: Vec<&'a [u8]>,
    /// Tile and end of the part whose header is under way.
    part: Option<(usize, usize)>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, may_end_early: bool) -> Result<(), DecodeError> {
        loop {
            let code = match self.stream.get(self.position..self.position + 2) {
                Some(&[0xFF, code]) => code,
                _ => return Err(early()),
            };
            match code {
                EOC => return Ok(()),
                SOD => {
                    if self.end_header(may_end_early)? == self.stream.len() {
                        return Ok(());
                    }
                    continue;
                }
                // Markers without a segment.
                0x30..=0x3F => {
                    self.position += 2;
                    continue;
                }
                _ => {}
            }
            let length = self.stream.get(self.position + 2..self.position + 4);
            let &[high, low] = length.ok_or_else(early)? else {
                return Err(early());
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            let body = self
                .stream
                .get(self.position + 4..self.position + 2 + length);
            let body = body.ok_or_else(early)?;
            self.segment(Segment { code, body })?;
            self.position += 2 + length;
        }
    }

    fn segment(&mut self, segment: Segment<'a>) -> Result<(), DecodeError> {
        match (segment.code, self.part) {
            (SOT, _) => self.begin_part(segment.body)?,
            (PPM, None) => self.main_headers.push(segment.body),
            (PPT, Some(_)) => self.part_headers.push(segment.body),
            (PPM | PPT, _) => return Err(corrupt("packed packet headers in the wrong place")),
            // Quantisation, component transforms, wavelets and offsets of part 2 (ISO/IEC 15444-2 annex A).
            (0x5A..=0x5B | 0x70..=0x79, _) => return Err(unsupported("an extension of part 2")),
            (Segment::COD..=Segment::COC | Segment::QCD..=Segment::POC, None) => {
                self.parts.main.push(segment);
            }
            (Segment::COD..=Segment::COC | Segment::QCD..=Segment::POC, Some((tile, _))) => {
                self.parts.tiles[tile].segments.push(segment);
            }
            _ => {}
        }
        Ok(())
    }

    fn begin_part(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let &[high, low, a, b, c, d, ..] = body else {
            return Err(corrupt("a marker segment is not whole"));
        };
        let tile = usize::from(u16::from_be_bytes([high, low]));
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        let end = match length {
            // The last part may go on to the end, where EOC stands.
            0 if self.stream.ends_with(&[0xFF, EOC]) => self.stream.len() - 2,
            0 => self.stream.len(),
            _ => self.position.saturating_add(length),
        };
        if tile >= self.parts.tiles.len() || self.part.is_some() || end <= self.position {
            return Err(corrupt("an impossible tile part"));
        }
        self.part = Some((tile, end));
        Ok(())
    }

    /// The header of a part ends, its packets follow; returns where they end.
    fn end_header(&mut self, may_end_early: bool) -> Result<usize, DecodeError> {
        let misplaced = || corrupt("an impossible tile part");
        let (tile, end) = self.part.take().ok_or_else(misplaced)?;
        let start = self.position + 2;
        let end = if end > self.stream.len() {
            if !may_end_early {
                return Err(early());
            }
            self.parts.is_whole = false;
            self.stream.len()
        } else {
            end
        };
        if end < start {
            return Err(misplaced());
        }
        self.order.push(tile);
        let own = &mut self.parts.tiles[tile];
        own.parts.push(start..end);
        if !self.part_headers.is_empty() {
            let headers = own.headers.get_or_insert_default();
            join(&mut self.part_headers, headers);
        }
        self.position = end;
        Ok(end)
    }

    /// Gives each tile the packet headers of the main header that are its own (A.7.4).
    fn give_headers(&mut self) -> Result<(), DecodeError> {
        if self.main_headers.is_empty() {
            return Ok(());
        }
        let mut joined = Vec::new();
        join(&mut self.main_headers, &mut joined);
        let mut rest = joined.as_slice();
        for tile in &self.order {
            let part = rest.split_first_chunk::<4>().and_then(|(length, more)| {
                more.split_at_checked(u32::from_be_bytes(*length) as usize)
            });
            let (own, more) = part.ok_or_else(|| corrupt("packed packet headers are missing"))?;
            let headers = &mut self.parts.tiles[*tile].headers;
            headers.get_or_insert_default().extend_from_slice(own);
            rest = more;
        }
        Ok(())
    }
}

/// Joins bodies by the index with which each begins.
fn join(bodies: &mut Vec<&[u8]>, joined: &mut Vec<u8>) {
    order::sort_by_key(bodies, |body| body.first().copied());
    for body in bodies.drain(..) {
        joined.extend_from_slice(body.get(1..).unwrap_or_default());
    }
}
