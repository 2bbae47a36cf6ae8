//! Packets: which code blocks come when, and which bytes are theirs.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex B.10; lengths of HT blocks: ISO/IEC 15444-15 annex B.

use super::order::Order;
use super::parameters::{BlockStyle, Parameters};
use super::tile::{Block, BlockGrid, Chunk, TileComponent};
use super::tile_parts::Tile;
use super::{corrupt, unsupported};
use crate::decode::shape::check;
use crate::decode::{DecodeError, Limits, work};
use std::ops::Range;

/// A tag tree (B.10.2): the least value of each group of four, level by level.
pub(super) struct TagTree {
    /// From the leaves to the root: columns, and value and whether it is final for each node.
    levels: Vec<(usize, Vec<(u32, bool)>)>,
}

impl TagTree {
    pub fn new(mut columns: usize, mut rows: usize) -> Self {
        let mut levels = Vec::new();
        while columns * rows > 0 {
            levels.push((columns, vec![(0, false); columns * rows]));
            if columns * rows == 1 {
                break;
            }
            (columns, rows) = (columns.div_ceil(2), rows.div_ceil(2));
        }
        Self { levels }
    }

    /// The value of a leaf as far as it is known to be below `limit`.
    fn read(
        &mut self,
        x: usize,
        y: usize,
        limit: u32,
        bits: &mut HeaderBits,
    ) -> Result<Leaf, DecodeError> {
        let mut least = 0;
        for (level, (columns, nodes)) in self.levels.iter_mut().enumerate().rev() {
            work::count(1);
            let node = &mut nodes[(y >> level) * *columns + (x >> level)];
            node.0 = node.0.max(least);
            while !node.1 && node.0 < limit {
                if bits.bit()? == 1 {
                    node.1 = true;
                } else {
                    node.0 += 1;
                }
            }
            least = node.0;
            if !node.1 {
                return Ok(Leaf::Beyond { level });
            }
        }
        Ok(if least < limit {
            Leaf::Value(least)
        } else {
            Leaf::Beyond { level: 0 }
        })
    }

    /// True for the level of the root.
    fn is_root(&self, level: usize) -> bool {
        level + 1 >= self.levels.len()
    }
}

/// What is known of a leaf.
enum Leaf {
    Value(u32),
    /// Its value is the limit or more, and so is that of all leaves below the same node of this level.
    Beyond {
        level: usize,
    },
}

/// Bits of a packet header: behind 0xFF the highest bit of a byte is left out (B.10.1).
struct HeaderBits<'a> {
    data: &'a [u8],
    position: usize,
    byte: u8,
    count: u32,
}

impl HeaderBits<'_> {
    fn bit(&mut self) -> Result<u32, DecodeError> {
        work::count(1);
        if self.count == 0 {
            self.count = if self.byte == 0xFF { 7 } else { 8 };
            self.byte = *self.data.get(self.position).ok_or_else(early)?;
            self.position += 1;
        }
        self.count -= 1;
        Ok(u32::from(self.byte >> self.count & 1))
    }

    fn take(&mut self, count: u32) -> Result<u32, DecodeError> {
        (0..count).try_fold(0, |bits, _| Ok(bits << 1 | self.bit()?))
    }

    /// Where the packet's body begins.
    fn end(&self) -> usize {
        self.position + usize::from(self.byte == 0xFF)
    }
}

pub(super) fn early() -> DecodeError {
    corrupt("the stream ends early")
}

/// Whether packets end before they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Whole,
    Early,
}

/// Reads the headers of all packets of a tile.
///
/// A stream that ends early is an error unless it `may_end_early`; then what is there is read.
pub(super) fn read(
    stream: &[u8],
    tile: &Tile,
    parameters: &Parameters,
    components: &mut [TileComponent],
    (limits, may_end_early): (&Limits, bool),
) -> Result<End, DecodeError> {
    let length: usize = tile.parts.iter().map(Range::len).sum();
    let room = length + tile.headers.as_ref().map_or(0, Vec::len);
    let order = match Order::new(parameters, components, room) {
        Err(error) if may_end_early && error == early() => return Ok(End::Early),
        order => order?,
    };
    let mut source = Source {
        stream,
        parts: tile.parts.iter(),
        part: 0..0,
        headers: tile.headers.as_deref(),
        header_position: 0,
        chunks: 0,
        limits,
    };
    let mut result = Ok(());
    order.packets(&mut |place, layer| {
        let resolution = &mut components[place.component].resolutions[place.resolution];
        let style = resolution.style;
        let grids = resolution.bands.iter_mut();
        let mut grids: Vec<&mut BlockGrid> = grids
            .map(|band| &mut band.precincts[place.precinct])
            .collect();
        result = source.packet(layer, style, &mut grids);
        result.is_ok()
    });
    match result {
        Err(error) if may_end_early && error == early() => Ok(End::Early),
        result => result.map(|()| End::Whole),
    }
}

/// Where packets are read.
struct Source<'a> {
    stream: &'a [u8],
    parts: std::slice::Iter<'a, Range<usize>>,
    /// What is left of the part under way.
    part: Range<usize>,
    /// Packet headers that stand apart.
    headers: Option<&'a [u8]>,
    header_position: usize,
    /// How many chunks there are of all blocks.
    chunks: usize,
    limits: &'a Limits,
}

impl Source<'_> {
    fn packet(
        &mut self,
        layer: u32,
        style: BlockStyle,
        grids: &mut [&mut BlockGrid],
    ) -> Result<(), DecodeError> {
        // A packet lies in one part (A.4.2).
        while self.part.is_empty() && (self.headers.is_none() || !self.parts.as_slice().is_empty())
        {
            self.part = self.parts.next().cloned().ok_or_else(early)?;
        }
        let data = &self.stream[..self.part.end];
        // SOP may stand before any packet, EPH behind any header.
        if data.get(self.part.start..self.part.start + 4) == Some(&[0xFF, 0x91, 0, 4]) {
            self.part.start += 6;
        }
        let (data, position) = match self.headers {
            Some(headers) => (headers, self.header_position),
            None => (data, self.part.start),
        };
        let mut bits = HeaderBits {
            data,
            position,
            byte: 0,
            count: 0,
        };
        // Blocks of this packet, by grid and place, in order, and how many of their chunks it holds.
        let mut found = Vec::new();
        if bits.bit()? == 1 {
            for (index, grid) in grids.iter_mut().enumerate() {
                let mut place = 0;
                while place < grid.blocks.len() {
                    match read_block(grid, place, layer, style, &mut bits)? {
                        Inclusion::Here { chunks } => {
                            found.push((index, place, chunks));
                            self.chunks += chunks;
                        }
                        Inclusion::NotHere => {}
                        Inclusion::Later { blocks } => {
                            place += blocks;
                            continue;
                        }
                    }
                    place += 1;
                }
            }
        }
        let chunk_bytes = (self.chunks * size_of::<Chunk>()) as u64;
        let limit = self.limits.frame_bytes as u64;
        check(chunk_bytes, limit, "bytes of code word tables")?;
        let mut position = bits.end();
        if data.get(position..position + 2) == Some(&[0xFF, 0x92]) {
            position += 2;
        }
        match self.headers {
            Some(_) => self.header_position = position,
            None => self.part.start = position,
        }
        self.body(&found, grids)
    }

    /// The bytes of the blocks follow each other.
    fn body(
        &mut self,
        found: &[(usize, usize, usize)],
        grids: &mut [&mut BlockGrid],
    ) -> Result<(), DecodeError> {
        let mut result = Ok(());
        for (index, place, count) in found {
            let block = &mut grids[*index].blocks[*place];
            let first = block.chunks.len().saturating_sub(*count);
            let mut whole = first;
            for chunk in &mut block.chunks[first..] {
                chunk.start = self.part.start;
                let end = chunk.start.saturating_add(chunk.length);
                if result.is_err() || end > self.part.end {
                    result = Err(early());
                    break;
                }
                self.part.start = end;
                whole += 1;
            }
            // What is not there is not decoded.
            block.chunks.truncate(whole);
        }
        result
    }
}

/// What a packet header says of a block.
enum Inclusion {
    /// So many chunks of it follow.
    Here { chunks: usize },
    /// It came in a layer before, and nothing is added.
    NotHere,
    /// It is in none of the layers so far, nor are so many blocks from it on.
    Later { blocks: usize },
}

/// Reads what the header says of one block.
fn read_block(
    grid: &mut BlockGrid,
    place: usize,
    layer: u32,
    style: BlockStyle,
    bits: &mut HeaderBits,
) -> Result<Inclusion, DecodeError> {
    work::count(1);
    let (x, y) = (place % grid.columns, place / grid.columns);
    let block = &mut grid.blocks[place];
    if block.is_included {
        if bits.bit()? == 0 {
            return Ok(Inclusion::NotHere);
        }
    } else {
        if let Leaf::Beyond { level } = grid.inclusion.read(x, y, layer + 1, bits)? {
            // Else a few bits that say "not yet" for many blocks would cost time for each of them in each layer.
            let blocks = if grid.inclusion.is_root(level) {
                grid.blocks.len()
            } else {
                (((x >> level) + 1) << level).min(grid.columns) - x
            };
            return Ok(Inclusion::Later { blocks });
        }
        // More planes than 32 bits have end in an error of the block.
        let Leaf::Value(planes) = grid.planes.read(x, y, 64, bits)? else {
            return Err(corrupt("an impossible number of bit planes"));
        };
        block.empty_planes = planes;
        block.is_included = true;
    }
    let before = block.chunks.len();
    let passes = passes(bits)?;
    while bits.bit()? == 1 {
        block.length_bits += 1;
        if block.length_bits > 28 {
            return Err(corrupt("an impossible length of a code block"));
        }
    }
    if style.high_throughput {
        read_two_words(block, passes, bits)?;
    } else {
        read_words(block, passes, style, bits)?;
    }
    Ok(Inclusion::Here {
        chunks: block.chunks.len() - before,
    })
}

/// The lengths of code words (B.10.7).
fn read_words(
    block: &mut Block,
    mut passes: u32,
    style: BlockStyle,
    bits: &mut HeaderBits,
) -> Result<(), DecodeError> {
    // Nothing but empty words would be as many; 164 are the most that 55 bit planes have.
    if block.passes + passes > 164 {
        return Err(corrupt("an impossible number of coding passes"));
    }
    while passes > 0 {
        let mut room = style.passes_of_word(block.word_start);
        let begins = block.passes == 0 || block.passes - block.word_start >= room;
        if begins {
            block.word_start = block.passes;
            room = style.passes_of_word(block.passes);
        }
        let count = passes.min(room - (block.passes - block.word_start));
        let length = bits.take((block.length_bits + count.ilog2()).min(32))?;
        block.chunks.push(Chunk {
            start: 0,
            length: length as usize,
            passes: count,
            begins,
        });
        block.passes += count;
        passes -= count;
    }
    Ok(())
}

/// The lengths of the words of an HT block: the cleanup pass is one, the two passes behind it are the other.
fn read_two_words(
    block: &mut Block,
    passes: u32,
    bits: &mut HeaderBits,
) -> Result<(), DecodeError> {
    let mut chunk = |count: u32, bit_count: u32, begins: bool| {
        let length = bits.take(bit_count.min(32))?;
        block.chunks.push(Chunk {
            start: 0,
            length: length as usize,
            passes: count,
            begins,
        });
        Ok(())
    };
    let mut left = passes;
    if block.passes == 0 {
        // Passes of planes that hold nothing stand before the cleanup pass, three for each.
        let empty = (passes - 1) / 3;
        block.empty_planes += empty;
        chunk(1, block.length_bits + (3 * empty + 1).ilog2(), true)?;
        block.passes = 1;
        left -= 3 * empty + 1;
    }
    if block.passes + left > 3 {
        return Err(unsupported("several cleanup passes of a code block"));
    }
    if left > 0 {
        chunk(left, block.length_bits + left.ilog2(), block.passes == 1)?;
        block.passes += left;
    }
    Ok(())
}

/// Table B.4.
fn passes(bits: &mut HeaderBits) -> Result<u32, DecodeError> {
    if bits.bit()? == 0 {
        return Ok(1);
    }
    if bits.bit()? == 0 {
        return Ok(2);
    }
    let two = bits.take(2)?;
    if two < 3 {
        return Ok(3 + two);
    }
    let five = bits.take(5)?;
    if five < 31 {
        return Ok(6 + five);
    }
    Ok(37 + bits.take(7)?)
}
