//! The coding parameters of an HTJ2K code stream, and the coded bytes of each tile.
//!
//! Size, tiles and components were read and bounded by `jpeg2000::header` before.
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex A; ISO/IEC 15444-15 annex A.

use super::{corrupt, unsupported};
use crate::decode::DecodeError;

/// How a component is cut up and transformed (COD, COC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coding {
    pub levels: u32,
    pub reversible: bool,
    /// Binary logarithms of the size of code blocks.
    pub block_width: u32,
    pub block_height: u32,
    pub causal: bool,
    /// Binary logarithms of width and height of precincts, one pair a resolution.
    pub precincts: Vec<(u32, u32)>,
}

/// Step sizes of the bands (QCD, QCC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantization {
    pub guard_bits: u32,
    /// Each band's follows from the first.
    pub derived: bool,
    /// Exponent and mantissa: LL, then HL, LH and HH of each resolution.
    pub steps: Vec<(u32, u32)>,
}

/// What holds for all tiles.
pub(super) struct MainHeader {
    pub progression: u8,
    pub layers: u32,
    pub color_transform: bool,
    pub coding: Vec<Coding>,
    pub quantization: Vec<Quantization>,
    pub tile_columns: u32,
    pub tile_rows: u32,
    pub tile_left: u32,
    pub tile_top: u32,
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

/// Reads the main header and joins the parts of each tile.
pub(super) fn read(
    stream: &[u8],
    components: usize,
    tiles: usize,
) -> Result<(MainHeader, Vec<Vec<u8>>), DecodeError> {
    let cut = || corrupt("a marker segment is not whole");
    let mut position = 2;
    let mut size = None;
    let mut style = None;
    let mut own_coding = vec![None; components];
    let mut steps = None;
    let mut own_steps = vec![None; components];
    let mut data = vec![Vec::new(); tiles];
    let mut in_tile: Option<(usize, usize)> = None;
    loop {
        let code = match stream.get(position..position + 2) {
            Some(&[0xFF, code]) => code,
            _ => return Err(corrupt("the stream ends early")),
        };
        match code {
            0xD9 => break,
            // SOD: what follows, up to the end of the part, is coded data.
            0x93 => {
                let (tile, end) = in_tile.take().ok_or_else(cut)?;
                let part = stream.get(position + 2..end);
                let part = part.ok_or_else(|| corrupt("the stream ends early"))?;
                data[tile].extend_from_slice(part);
                position = end;
                if end == stream.len() {
                    break;
                }
                continue;
            }
            0x30..=0x3F => {
                position += 2;
                continue;
            }
            _ => {}
        }
        let length = stream.get(position + 2..position + 4).ok_or_else(cut)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let body = stream
            .get(position + 4..position + 2 + length)
            .ok_or_else(cut)?;
        match code {
            // Limits were checked by the first one.
            0x51 if size.is_some() => return Err(corrupt("a second image size segment")),
            0x51 => size = Some(body),
            0x52 if in_tile.is_none() => style = Some(read_style(body).ok_or_else(cut)??),
            0x53 if in_tile.is_none() => {
                let &[component, style, ref parameters @ ..] = body else {
                    return Err(cut());
                };
                let own = own_coding.get_mut(usize::from(component)).ok_or_else(cut)?;
                *own = Some(read_coding(style, parameters).ok_or_else(cut)??);
            }
            0x5C if in_tile.is_none() => steps = Some(read_steps(body).ok_or_else(cut)?),
            0x5D if in_tile.is_none() => {
                let (component, body) = body.split_first().ok_or_else(cut)?;
                let own = own_steps.get_mut(usize::from(*component)).ok_or_else(cut)?;
                *own = Some(read_steps(body).ok_or_else(cut)?);
            }
            0x52 | 0x53 | 0x5C | 0x5D => return Err(unsupported("parameters of a single tile")),
            0x5E => return Err(unsupported("a region of interest")),
            0x5F => return Err(unsupported("a change of the progression order")),
            0x60 | 0x61 => return Err(unsupported("packed packet headers")),
            0x72 | 0x74..=0x79 => return Err(unsupported("an extension of part 2")),
            0x90 => {
                let &[high, low, a, b, c, d, ..] = body else {
                    return Err(cut());
                };
                let tile = usize::from(u16::from_be_bytes([high, low]));
                let part = u32::from_be_bytes([a, b, c, d]) as usize;
                let end = match part {
                    // The last part may go on to the end, where EOC stands.
                    0 if stream.ends_with(&[0xFF, 0xD9]) => stream.len() - 2,
                    0 => stream.len(),
                    _ => position.checked_add(part).ok_or_else(cut)?,
                };
                if tile >= tiles || in_tile.is_some() || end <= position {
                    return Err(corrupt("an impossible tile part"));
                }
                in_tile = Some((tile, end));
            }
            _ => {}
        }
        position += 2 + length;
    }
    let missing = || corrupt("a main segment is missing");
    let (progression, layers, color_transform, coding) = style.ok_or_else(missing)?;
    let steps = steps.ok_or_else(missing)?;
    let word = |place: usize| {
        let bytes = size.and_then(|body| body.get(place..place + 4)?.try_into().ok());
        bytes.map(u32::from_be_bytes).ok_or_else(missing)
    };
    let header = MainHeader {
        progression,
        layers,
        color_transform,
        coding: own_coding
            .into_iter()
            .map(|own| own.unwrap_or_else(|| coding.clone()))
            .collect(),
        quantization: own_steps
            .into_iter()
            .map(|own| own.unwrap_or_else(|| steps.clone()))
            .collect(),
        right: word(2)?,
        bottom: word(6)?,
        left: word(10)?,
        top: word(14)?,
        tile_columns: word(18)?,
        tile_rows: word(22)?,
        tile_left: word(26)?,
        tile_top: word(30)?,
    };
    Ok((header, data))
}

type Style = (u8, u32, bool, Coding);

/// COD (A.6.1); `None` where it is cut.
fn read_style(body: &[u8]) -> Option<Result<Style, DecodeError>> {
    let &[
        style,
        progression,
        high,
        low,
        transform,
        ref parameters @ ..,
    ] = body
    else {
        return None;
    };
    let layers = u32::from(u16::from_be_bytes([high, low]));
    if progression > 4 || layers == 0 || transform > 1 {
        return Some(Err(corrupt("an impossible coding style")));
    }
    let coding = read_coding(style, parameters)?;
    Some(coding.map(|coding| (progression, layers, transform == 1, coding)))
}

fn read_coding(style: u8, parameters: &[u8]) -> Option<Result<Coding, DecodeError>> {
    let &[levels, width, height, blocks, transform, ref sizes @ ..] = parameters else {
        return None;
    };
    let levels = u32::from(levels);
    // Part 15 A.5: bit 6 for HT blocks, bit 7 for a mixture with those of part 1.
    if blocks & 0xC0 != 0x40 {
        return Some(Err(unsupported(
            "code blocks of part 1 among those of part 15",
        )));
    }
    if levels > 32 || width > 8 || height > 8 || width + height > 8 || transform > 1 {
        return Some(Err(corrupt("an impossible coding style")));
    }
    let mut precincts = Vec::new();
    for resolution in 0..=levels as usize {
        precincts.push(if style & 1 == 0 {
            (15, 15)
        } else {
            let size = *sizes.get(resolution)?;
            (u32::from(size & 15), u32::from(size >> 4))
        });
    }
    if precincts.iter().skip(1).any(|(x, y)| *x == 0 || *y == 0) {
        return Some(Err(corrupt("an impossible precinct")));
    }
    Some(Ok(Coding {
        levels,
        reversible: transform == 1,
        block_width: u32::from(width) + 2,
        block_height: u32::from(height) + 2,
        causal: blocks & 8 != 0,
        precincts,
    }))
}

/// QCD (A.6.4); `None` where it is cut.
fn read_steps(body: &[u8]) -> Option<Quantization> {
    let (style, rest) = body.split_first()?;
    let steps: Vec<(u32, u32)> = match style & 31 {
        0 => rest.iter().map(|step| (u32::from(step >> 3), 0)).collect(),
        1 | 2 => rest
            .as_chunks::<2>()
            .0
            .iter()
            .map(|bytes| u32::from(u16::from_be_bytes(*bytes)))
            .map(|step| (step >> 11, step & 0x7FF))
            .collect(),
        _ => return None,
    };
    if steps.is_empty() {
        return None;
    }
    Some(Quantization {
        guard_bits: u32::from(style >> 5),
        derived: style & 31 == 1,
        steps,
    })
}
