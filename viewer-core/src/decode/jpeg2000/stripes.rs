//! The lines of a component's bands, decoded a row of code blocks at a time.

use super::embedded;
use super::high_throughput::{self, Coded, Codes};
use super::parameters::BlockStyle;
use super::tile::{Band, Block, Chunk, Resolution};
use super::wavelet::BandLines;
use super::{corrupt, unsupported};
use crate::decode::DecodeError;
use protocol::order;

/// How coefficients of a band become what the transform takes.
pub(super) trait Dequantize: Copy + Default {
    /// Bits of a magnitude behind its first that are of no use.
    fn unused(planes: u32) -> u32;
    /// What a coefficient without those stands for, where `unit` is what one does.
    fn value(coefficient: i32, unit: f32) -> Self;
}

impl Dequantize for i32 {
    fn unused(planes: u32) -> u32 {
        31 - planes
    }

    fn value(coefficient: i32, _: f32) -> Self {
        coefficient
    }
}

impl Dequantize for f32 {
    // Half of the last plane counts.
    fn unused(planes: u32) -> u32 {
        30_u32.saturating_sub(planes)
    }

    fn value(coefficient: i32, unit: f32) -> Self {
        coefficient as f32 * unit
    }
}

/// A coefficient as it is kept.
trait Kept: Copy + Default {
    fn of(coefficient: i32) -> Self;
    fn coefficient(self) -> i32;
}

impl Kept for i16 {
    #[expect(clippy::cast_possible_truncation, reason = "taken for 15 bits at most")]
    fn of(coefficient: i32) -> Self {
        coefficient as Self
    }

    fn coefficient(self) -> i32 {
        self.into()
    }
}

impl Kept for i32 {
    fn of(coefficient: i32) -> Self {
        coefficient
    }

    fn coefficient(self) -> i32 {
        self
    }
}

/// Lines of coefficients: in half the room where they are small, as those of pictures of 8 bits are.
enum Lines {
    Narrow(Vec<i16>),
    Wide(Vec<i32>),
}

/// One band: the row of blocks under way.
struct Stripe<'a> {
    band: &'a Band,
    /// Blocks that are still to come, by their lines.
    blocks: std::vec::IntoIter<&'a Block>,
    lines: Lines,
    /// Bits that coefficients are shifted down by, and what one stands for then.
    unused: u32,
    unit: f32,
    /// Lines of `lines` that were given out, and all of them.
    gone: usize,
    height: usize,
}

/// All bands of a component, in the order LL, then HL, LH, HH of each level.
pub(super) struct Stripes<'a> {
    stream: &'a [u8],
    decoder: Decoder<'a>,
    bands: Vec<Stripe<'a>>,
}

impl<'a> Stripes<'a> {
    /// `resolutions` are those that are wanted, from the lowest on; their samples are of type `T`.
    pub fn new<T: Dequantize>(
        stream: &'a [u8],
        resolutions: &'a [Resolution],
        codes: &'a Codes,
    ) -> Option<Self> {
        let style = resolutions.first()?.style;
        let bands = resolutions.iter().flat_map(|each| &each.bands);
        let stripe = |band: &'a Band| {
            let blocks = band.precincts.iter().flat_map(|grid| &grid.blocks);
            let mut blocks: Vec<&Block> = blocks.collect();
            order::sort_by_key(&mut blocks, |block| block.y);
            let unused = T::unused(band.planes);
            let down = 31 - band.planes.cast_signed() - unused.cast_signed();
            Stripe {
                band,
                blocks: blocks.into_iter(),
                // Magnitudes have 31 bits before those that are of no use are gone.
                lines: match 31 - unused {
                    ..=15 => Lines::Narrow(Vec::new()),
                    _ => Lines::Wide(Vec::new()),
                },
                unused,
                unit: band.step / 2.0_f32.powi(down),
                gone: 0,
                height: 0,
            }
        };
        Some(Self {
            stream,
            decoder: Decoder::new(style, codes),
            bands: bands.map(stripe).collect(),
        })
    }
}

impl<T: Dequantize> BandLines<T> for Stripes<'_> {
    fn next_line(&mut self, band: usize, scale: f32, line: &mut Vec<T>) -> Result<(), DecodeError> {
        let Some(stripe) = self.bands.get_mut(band) else {
            return Err(corrupt("a band is missing"));
        };
        let width = stripe.band.area.width();
        if width > 0 && stripe.gone >= stripe.height {
            stripe.fill(self.stream, &mut self.decoder)?;
        }
        let start = stripe.gone * width;
        stripe.gone += 1;
        let (range, unit) = (start..start + width, stripe.unit * scale);
        let found = match &stripe.lines {
            Lines::Narrow(kept) => kept.get(range).map(|kept| put(kept, unit, line)),
            Lines::Wide(kept) => kept.get(range).map(|kept| put(kept, unit, line)),
        };
        found.ok_or_else(|| corrupt("bands that do not fit together"))
    }
}

fn put<T: Dequantize>(kept: &[impl Kept], unit: f32, line: &mut Vec<T>) {
    line.extend(kept.iter().map(|it| T::value(it.coefficient(), unit)));
}

impl Stripe<'_> {
    /// Decodes the next row of blocks.
    fn fill(&mut self, stream: &[u8], decoder: &mut Decoder) -> Result<(), DecodeError> {
        let Self {
            band,
            blocks,
            lines,
            unused,
            gone,
            height,
            ..
        } = self;
        *gone = 0;
        let row = Row {
            band,
            unused: *unused,
            stream,
        };
        *height = match lines {
            Lines::Narrow(lines) => row.fill(blocks, lines, decoder)?,
            Lines::Wide(lines) => row.fill(blocks, lines, decoder)?,
        };
        Ok(())
    }
}

/// A row of blocks of a band.
struct Row<'a> {
    band: &'a Band,
    unused: u32,
    stream: &'a [u8],
}

impl Row<'_> {
    /// Decodes the next blocks into `lines`; how many lines they are.
    fn fill<K: Kept>(
        &self,
        blocks: &mut std::vec::IntoIter<&Block>,
        lines: &mut Vec<K>,
        decoder: &mut Decoder,
    ) -> Result<usize, DecodeError> {
        let left = blocks.as_slice();
        let Some((y, height)) = left.first().map(|each| (each.y, each.height)) else {
            lines.clear();
            return Ok(0);
        };
        let width = self.band.area.width();
        let count = left.iter().take_while(|each| each.y == y).count();
        // Blocks side by side write every sample; what stood there before need not go first.
        let covered: usize = left.iter().take(count).map(|each| each.width).sum();
        if covered != width {
            lines.clear();
        }
        lines.resize(width * height, K::default());
        for block in blocks.by_ref().take(count) {
            let columns = block.x..block.x + block.width;
            let lines = lines.chunks_exact_mut(width);
            let lines = lines.map(|line| &mut line[columns.clone()]);
            // An HT block without bytes has nothing but zeros; of part 1 ones that are not there have a meaning.
            let is_empty = |first: &Chunk| decoder.style.high_throughput && first.length == 0;
            if block.chunks.first().is_none_or(is_empty) {
                lines.for_each(|line| line.fill(K::default()));
                continue;
            }
            let spare = self.band.spare_planes;
            let empty_planes = (block.empty_planes.checked_sub(spare))
                .ok_or_else(|| unsupported("coefficients of so many bits"))?;
            if empty_planes >= self.band.planes {
                return Err(corrupt("an impossible number of bit planes"));
            }
            decoder.decode(self.stream, self.band, block, empty_planes)?;
            for (line, bits) in lines.zip(decoder.lines(block)) {
                if self.band.region_shift > 0 {
                    for (out, bits) in line.iter_mut().zip(bits) {
                        *out = K::of(self.coefficient(moved_down(self.band, *bits)));
                    }
                    continue;
                }
                for (out, bits) in line.iter_mut().zip(bits) {
                    *out = K::of(self.coefficient(*bits));
                }
            }
        }
        Ok(height)
    }

    /// From sign and magnitude, without the bits that are of no use.
    #[inline(always)]
    fn coefficient(&self, bits: u32) -> i32 {
        let magnitude = ((bits & 0x7FFF_FFFF) >> self.unused).cast_signed();
        let sign = bits.cast_signed() >> 31;
        (magnitude ^ sign) - sign
    }
}

/// Annex H.1: coefficients of the region of interest are those above all others.
fn moved_down(band: &Band, bits: u32) -> u32 {
    let magnitude = bits & 0x7FFF_FFFF;
    let others = 31 - band.planes + band.region_shift;
    if magnitude >> others == 0 {
        return bits;
    }
    bits & 0x8000_0000 | magnitude >> band.region_shift
}

/// Decodes the blocks of a component, which are all of one kind.
struct Decoder<'a> {
    style: BlockStyle,
    kind: Kind<'a>,
    /// Code words that came in several packets.
    joined: [Vec<u8>; 2],
}

enum Kind<'a> {
    HighThroughput(high_throughput::BlockDecoder<'a>),
    Embedded(embedded::BlockDecoder),
}

impl<'a> Decoder<'a> {
    fn new(style: BlockStyle, codes: &'a Codes) -> Self {
        Self {
            style,
            kind: if style.high_throughput {
                Kind::HighThroughput(high_throughput::BlockDecoder::new(codes))
            } else {
                Kind::Embedded(embedded::BlockDecoder::new())
            },
            joined: Default::default(),
        }
    }

    fn decode(
        &mut self,
        stream: &[u8],
        band: &Band,
        block: &Block,
        empty_planes: u32,
    ) -> Result<(), DecodeError> {
        let Self {
            style,
            kind,
            joined,
        } = self;
        let damaged = || corrupt("a damaged code block");
        let mut words = block.chunks.chunk_by(|_, next| !next.begins);
        match kind {
            Kind::HighThroughput(decoder) => {
                let [first, second] = joined;
                let (cleanup, _) = word(stream, words.next().unwrap_or_default(), first)?;
                let (refinement, passes) = word(stream, words.next().unwrap_or_default(), second)?;
                let coded = Coded {
                    cleanup,
                    refinement,
                    passes: 1 + passes,
                    empty_planes,
                    causal: style.causal,
                };
                decoder
                    .decode(&coded, block.width, block.height)
                    .ok_or_else(damaged)
            }
            Kind::Embedded(decoder) => {
                let passes: u32 = block.chunks.iter().map(|each| each.passes).sum();
                if empty_planes + (passes + 1) / 3 >= band.planes {
                    return Err(corrupt("more coding passes than bit planes"));
                }
                let shape = embedded::Shape {
                    width: block.width,
                    height: block.height,
                    style: *style,
                    orientation: band.orientation,
                    empty_planes,
                };
                decoder.begin(shape).ok_or_else(damaged)?;
                for chunks in words {
                    let (bytes, passes) = word(stream, chunks, &mut joined[0])?;
                    decoder
                        .code_word(bytes, passes, shape)
                        .ok_or_else(damaged)?;
                }
                Ok(())
            }
        }
    }

    /// The lines of the last block; they may be longer than it is wide.
    fn lines(&self, block: &Block) -> std::slice::ChunksExact<'_, u32> {
        match &self.kind {
            Kind::HighThroughput(decoder) => decoder.lines(),
            Kind::Embedded(decoder) => decoder.lines(block.width),
        }
    }
}

/// The bytes and passes of a code word.
fn word<'a>(
    stream: &'a [u8],
    chunks: &[Chunk],
    joined: &'a mut Vec<u8>,
) -> Result<(&'a [u8], u32), DecodeError> {
    let bytes = |chunk: &Chunk| {
        let bytes = stream.get(chunk.start..chunk.start + chunk.length);
        bytes.ok_or_else(|| corrupt("the stream ends early"))
    };
    if let [only] = chunks {
        return Ok((bytes(only)?, only.passes));
    }
    joined.clear();
    for chunk in chunks {
        joined.extend_from_slice(bytes(chunk)?);
    }
    Ok((joined, chunks.iter().map(|each| each.passes).sum()))
}
