//! Packets: which code blocks come when, and which bytes are theirs.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex B.10 (headers) and B.12 (progression orders); lengths of HT
//! blocks: ISO/IEC 15444-15 annex B.

use super::main_header::MainHeader;
use super::tile::{Block, BlockGrid, TileComponent};
use super::{corrupt, unsupported};
use crate::decode::{DecodeError, work};
use protocol::order;

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

fn early() -> DecodeError {
    corrupt("the stream ends early")
}

/// A precinct, which has a packet in each layer, and its place in the order of the stream.
struct Precinct {
    key: [u64; 5],
    resolution: usize,
    component: usize,
    precinct: usize,
}

/// Reads all packets of a tile.
pub(super) fn read(
    data: &[u8],
    header: &MainHeader,
    components: &mut [TileComponent],
) -> Result<(), DecodeError> {
    let mut position = 0;
    let precincts = order(header, components, data.len())?;
    // Layers are outermost, stand within a resolution, or within a precinct.
    let alike = |a: &Precinct, b: &Precinct| match header.progression {
        0 => true,
        1 => a.resolution == b.resolution,
        _ => false,
    };
    for group in precincts.chunk_by(alike) {
        for layer in 0..header.layers {
            for each in group {
                let resolution = &mut components[each.component].resolutions[each.resolution];
                let grids = resolution.bands.iter_mut();
                let mut grids: Vec<&mut BlockGrid> = grids
                    .map(|band| &mut band.precincts[each.precinct])
                    .collect();
                position = read_packet(data, position, layer, &mut grids)?;
            }
        }
    }
    Ok(())
}

fn order(
    header: &MainHeader,
    components: &[TileComponent],
    length: usize,
) -> Result<Vec<Precinct>, DecodeError> {
    let all = components.iter().flat_map(|each| &each.resolutions);
    let precincts: usize = all.map(|resolution| resolution.origins.len()).sum();
    // Each packet has at least one byte.
    if precincts.saturating_mul(header.layers as usize) > length {
        return Err(early());
    }
    let mut all = Vec::with_capacity(precincts);
    for (component, each) in components.iter().enumerate() {
        for (resolution, area) in each.resolutions.iter().enumerate() {
            for (precinct, (y, x)) in area.origins.iter().enumerate() {
                let (r, c, k) = (resolution as u64, component as u64, precinct as u64);
                let key = match header.progression {
                    0 | 1 => [r, c, k, 0, 0],
                    2 => [r, *y, *x, c, k],
                    3 => [*y, *x, c, r, k],
                    _ => [c, *y, *x, r, k],
                };
                all.push(Precinct {
                    key,
                    resolution,
                    component,
                    precinct,
                });
            }
        }
    }
    order::sort_by_key(&mut all, |each| each.key);
    Ok(all)
}

/// Reads one packet; returns where the next one begins.
fn read_packet(
    data: &[u8],
    mut position: usize,
    layer: u32,
    grids: &mut [&mut BlockGrid],
) -> Result<usize, DecodeError> {
    // SOP may stand before any packet, EPH behind any header.
    if data.get(position..position + 4) == Some(&[0xFF, 0x91, 0, 4]) {
        position += 6;
    }
    let mut bits = HeaderBits {
        data,
        position,
        byte: 0,
        count: 0,
    };
    // Blocks of this packet, by grid and place, in order.
    let mut found = Vec::new();
    if bits.bit()? == 1 {
        for (index, grid) in grids.iter_mut().enumerate() {
            let mut place = 0;
            while place < grid.blocks.len() {
                match read_block(grid, place, layer, &mut bits)? {
                    Inclusion::Here => found.push((index, place)),
                    Inclusion::Later { blocks } => {
                        place += blocks;
                        continue;
                    }
                    Inclusion::Before => {}
                }
                place += 1;
            }
        }
    }
    position = bits.end();
    if data.get(position..position + 2) == Some(&[0xFF, 0x92]) {
        position += 2;
    }
    for (index, place) in found {
        let block = &mut grids[index].blocks[place];
        block.start = position;
        let end = (position.checked_add(block.cleanup))
            .and_then(|end| end.checked_add(block.refinement))
            .filter(|end| *end <= data.len());
        position = end.ok_or_else(early)?;
    }
    Ok(position)
}

/// What a packet header says of a block.
enum Inclusion {
    /// Its bytes follow.
    Here,
    /// They came in a layer before.
    Before,
    /// It is in none of the layers so far, nor are so many blocks from it on.
    Later { blocks: usize },
}

/// Reads what the header says of one block.
fn read_block(
    grid: &mut BlockGrid,
    place: usize,
    layer: u32,
    bits: &mut HeaderBits,
) -> Result<Inclusion, DecodeError> {
    work::count(1);
    let (x, y) = (place % grid.columns, place / grid.columns);
    let block = &mut grid.blocks[place];
    if block.is_included {
        if bits.bit()? == 0 {
            return Ok(Inclusion::Before);
        }
        return Err(unsupported("a code block in several layers"));
    }
    if let Leaf::Beyond { level } = grid.inclusion.read(x, y, layer + 1, bits)? {
        // Else a few bits that say "not yet" for many blocks would cost time for each of them in each layer.
        let blocks = if grid.inclusion.is_root(level) {
            grid.blocks.len()
        } else {
            (((x >> level) + 1) << level).min(grid.columns) - x
        };
        return Ok(Inclusion::Later { blocks });
    }
    block.is_included = true;
    // More planes than 32 bits have end in an error of the block.
    let Leaf::Value(planes) = grid.planes.read(x, y, 64, bits)? else {
        return Err(corrupt("an impossible number of bit planes"));
    };
    block.empty_planes = planes;
    read_lengths(block, bits)?;
    Ok(Inclusion::Here)
}

fn read_lengths(block: &mut Block, bits: &mut HeaderBits) -> Result<(), DecodeError> {
    let passes = passes(bits)?;
    while bits.bit()? == 1 {
        block.length_bits += 1;
        if block.length_bits > 28 {
            return Err(corrupt("an impossible length of a code block"));
        }
    }
    // Passes of planes that hold nothing stand before the cleanup pass, three for each.
    let empty = (passes - 1) / 3;
    block.empty_planes += empty;
    block.passes = passes - 3 * empty;
    let cleanup_bits = block.length_bits + (3 * empty + 1).ilog2();
    block.cleanup = bits.take(cleanup_bits.min(32))? as usize;
    if block.passes > 1 {
        let more = block.length_bits + (block.passes - 1).ilog2();
        block.refinement = bits.take(more)? as usize;
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
