//! The coding parameters of a code stream and of its tiles.
//!
//! What a tile's header says goes before what the main header says, and what is said of a component before what is
//! said of all.
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex A.6; ISO/IEC 15444-15 annex A.

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
    pub style: BlockStyle,
    /// Binary logarithms of width and height of precincts, one pair a resolution.
    pub precincts: Vec<(u32, u32)>,
}

/// How code blocks are coded (table A.19).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockStyle {
    /// Blocks of part 15.
    pub high_throughput: bool,
    /// Later passes are raw bits in part.
    pub bypass: bool,
    /// Contexts begin anew with each pass.
    pub reset: bool,
    /// Each pass is a code word.
    pub terminate: bool,
    /// Samples below the stripe of four lines do not count.
    pub causal: bool,
    pub segmentation_symbols: bool,
}

impl BlockStyle {
    /// Whether the pass behind `passes` others is raw bits (D.6).
    pub fn is_raw(self, passes: u32) -> bool {
        self.bypass && passes >= 10 && !passes.is_multiple_of(3)
    }

    /// How many passes there may be in the code word that begins behind `passes` others (tables D.8 and D.9).
    pub fn passes_of_word(self, passes: u32) -> u32 {
        if self.terminate {
            1
        } else if !self.bypass {
            u32::MAX
        } else if passes == 0 {
            10
        } else if self.is_raw(passes) {
            2
        } else {
            1
        }
    }
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

/// Packets in one order, up to these layers, resolutions and components (POC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progression {
    /// 0 LRCP, 1 RLCP, 2 RPCL, 3 PCRL, 4 CPRL.
    pub order: u8,
    pub layers: u32,
    pub resolutions: (usize, usize),
    pub components: (usize, usize),
}

/// More changes of the progression order than encoders make; each may concern a component, a resolution and a layer.
const MOST_CHANGES: usize = 256;

/// A marker segment that says something of the coding.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment<'a> {
    pub code: u8,
    pub body: &'a [u8],
}

impl Segment<'_> {
    pub const COD: u8 = 0x52;
    pub const COC: u8 = 0x53;
    pub const QCD: u8 = 0x5C;
    pub const QCC: u8 = 0x5D;
    pub const RGN: u8 = 0x5E;
    pub const POC: u8 = 0x5F;
}

/// What holds for a tile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    pub color_transform: bool,
    pub layers: u32,
    pub progression: u8,
    /// Where they are there, they stand for `progression`.
    pub changes: Vec<Progression>,
    pub coding: Vec<Coding>,
    pub quantization: Vec<Quantization>,
    /// By how many bit planes each component's region of interest was moved up.
    pub region_shifts: Vec<u32>,
}

impl Parameters {
    /// Those of the main header.
    pub fn of_main(segments: &[Segment], components: usize) -> Result<Self, DecodeError> {
        let mut it = Self {
            color_transform: false,
            layers: 0,
            progression: 0,
            changes: Vec::new(),
            coding: Vec::new(),
            quantization: Vec::new(),
            region_shifts: vec![0; components],
        };
        it.take(segments, components)?;
        if it.coding.is_empty() || it.quantization.is_empty() {
            return Err(corrupt("a main segment is missing"));
        }
        Ok(it)
    }

    /// Those of a tile whose headers hold `segments`.
    pub fn of_tile(&self, segments: &[Segment]) -> Result<Self, DecodeError> {
        let mut it = self.clone();
        if segments.iter().any(|each| each.code == Segment::POC) {
            it.changes.clear();
        }
        it.take(segments, self.region_shifts.len())?;
        Ok(it)
    }

    fn take(&mut self, segments: &[Segment], components: usize) -> Result<(), DecodeError> {
        let of = |code: u8| segments.iter().filter(move |each| each.code == code);
        for segment in of(Segment::COD) {
            let (style, coding) = read_style(segment.body).ok_or_else(cut)??;
            (self.progression, self.layers, self.color_transform) = style;
            self.coding = vec![coding; components];
        }
        for segment in of(Segment::COC) {
            let &[component, style, ref parameters @ ..] = segment.body else {
                return Err(cut());
            };
            let own = self.coding.get_mut(usize::from(component));
            *own.ok_or_else(cut)? = read_coding(style, parameters).ok_or_else(cut)??;
        }
        for segment in of(Segment::QCD) {
            self.quantization = vec![read_steps(segment.body).ok_or_else(cut)?; components];
        }
        for segment in of(Segment::QCC) {
            let (component, body) = segment.body.split_first().ok_or_else(cut)?;
            let own = self.quantization.get_mut(usize::from(*component));
            *own.ok_or_else(cut)? = read_steps(body).ok_or_else(cut)?;
        }
        for segment in of(Segment::RGN) {
            let &[component, style, shift] = segment.body else {
                return Err(cut());
            };
            if style != 0 {
                return Err(unsupported("a region of interest of part 2"));
            }
            let own = self.region_shifts.get_mut(usize::from(component));
            *own.ok_or_else(cut)? = shift.into();
        }
        for segment in of(Segment::POC) {
            let changes = read_changes(segment.body, components).ok_or_else(cut)?;
            self.changes.extend(changes);
            // Each goes over all precincts.
            if self.changes.len() > MOST_CHANGES {
                return Err(unsupported("that many changes of the progression order"));
            }
        }
        Ok(())
    }
}

fn cut() -> DecodeError {
    corrupt("a marker segment is not whole")
}

type Style = (u8, u32, bool);

/// COD (A.6.1); `None` where it is cut.
fn read_style(body: &[u8]) -> Option<Result<(Style, Coding), DecodeError>> {
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
    if transform > 1 {
        return Some(Err(unsupported("a component transform of part 2")));
    }
    if progression > 4 || layers == 0 {
        return Some(Err(corrupt("an impossible coding style")));
    }
    let coding = read_coding(style, parameters)?;
    Some(coding.map(|coding| ((progression, layers, transform == 1), coding)))
}

fn read_coding(style: u8, parameters: &[u8]) -> Option<Result<Coding, DecodeError>> {
    let &[levels, width, height, blocks, transform, ref sizes @ ..] = parameters else {
        return None;
    };
    let levels = u32::from(levels);
    // Part 15 A.5: bit 6 for HT blocks, bit 7 for a mixture with those of part 1.
    if blocks & 0x80 != 0 {
        return Some(Err(unsupported(
            "code blocks of part 1 among those of part 15",
        )));
    }
    if transform > 1 {
        return Some(Err(unsupported("a wavelet of part 2")));
    }
    if levels > 32 || width > 8 || height > 8 || width + height > 8 {
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
        style: BlockStyle {
            high_throughput: blocks & 0x40 != 0,
            bypass: blocks & 1 != 0,
            reset: blocks & 2 != 0,
            terminate: blocks & 4 != 0,
            causal: blocks & 8 != 0,
            // Bit 4 promises how passes end, of which a decoder needs to know nothing.
            segmentation_symbols: blocks & 32 != 0,
        },
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

/// POC (A.6.6), of fewer than 257 components; `None` where it is cut or impossible.
fn read_changes(body: &[u8], components: usize) -> Option<Vec<Progression>> {
    let (changes, []) = body.as_chunks::<7>() else {
        return None;
    };
    let change = |&[first, component, high, low, end, last, order]: &[u8; 7]| {
        // Zero stands for 256.
        let last = if last == 0 { 256 } else { usize::from(last) };
        (order <= 4).then_some(Progression {
            order,
            layers: u16::from_be_bytes([high, low]).into(),
            resolutions: (first.into(), end.into()),
            components: (component.into(), last.min(components)),
        })
    };
    changes.iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables D.8 and D.9: the first ten passes are one code word, then two raw ones and a cleanup pass follow in turn.
    #[test]
    fn code_words_end_where_the_style_of_blocks_says() {
        let plain = BlockStyle {
            high_throughput: false,
            bypass: false,
            reset: false,
            terminate: false,
            causal: false,
            segmentation_symbols: false,
        };
        let bypass = BlockStyle {
            bypass: true,
            ..plain
        };
        let both = BlockStyle {
            terminate: true,
            ..bypass
        };
        assert_eq!(plain.passes_of_word(0), u32::MAX);
        let words = [0, 10, 12, 13, 15].map(|passes| bypass.passes_of_word(passes));
        assert_eq!(words, [10, 2, 1, 2, 1]);
        assert_eq!(
            [0, 1, 10, 12].map(|passes| both.passes_of_word(passes)),
            [1; 4]
        );
        let raw = [0, 4, 9, 10, 11, 12, 13].map(|passes| both.is_raw(passes));
        assert_eq!(raw, [false, false, false, true, true, false, true]);
    }
}
