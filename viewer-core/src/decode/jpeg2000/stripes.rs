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
    fn new(band: &Band) -> impl Fn(u32) -> Self;
}

impl Dequantize for i32 {
    fn new(band: &Band) -> impl Fn(u32) -> Self {
        let shift = 31 - band.planes;
        move |bits| {
            let magnitude = ((bits & 0x7FFF_FFFF) >> shift).cast_signed();
            let sign = bits.cast_signed() >> 31;
            (magnitude ^ sign) - sign
        }
    }
}

impl Dequantize for f32 {
    fn new(band: &Band) -> impl Fn(u32) -> Self {
        let step = band.step / 2.0_f32.powi(31 - band.planes.cast_signed());
        move |bits| {
            let magnitude = (bits & 0x7FFF_FFFF).cast_signed() as f32 * step;
            f32::from_bits(magnitude.to_bits() | bits & 0x8000_0000)
        }
    }
}

/// One band: the row of blocks under way.
struct Stripe<'a, T> {
    band: &'a Band,
    /// Blocks that are still to come, by their lines.
    blocks: std::vec::IntoIter<&'a Block>,
    lines: Vec<T>,
    /// Lines of `lines` that were given out.
    gone: usize,
}

/// All bands of a component, in the order LL, then HL, LH, HH of each level.
pub(super) struct Stripes<'a, T> {
    stream: &'a [u8],
    decoder: Decoder<'a>,
    bands: Vec<Stripe<'a, T>>,
}

impl<'a, T: Dequantize> Stripes<'a, T> {
    /// `resolutions` are those that are wanted, from the lowest on.
    pub fn new(stream: &'a [u8], resolutions: &'a [Resolution], codes: &'a Codes) -> Option<Self> {
        let style = resolutions.first()?.style;
        let bands = resolutions.iter().flat_map(|each| &each.bands);
        let stripe = |band: &'a Band| {
            let blocks = band.precincts.iter().flat_map(|grid| &grid.blocks);
            let mut blocks: Vec<&Block> = blocks.collect();
            order::sort_by_key(&mut blocks, |block| block.y);
            Stripe {
                band,
                blocks: blocks.into_iter(),
                lines: Vec::new(),
                gone: 0,
            }
        };
        Some(Self {
            stream,
            decoder: Decoder::new(style, codes),
            bands: bands.map(stripe).collect(),
        })
    }
}

impl<T: Dequantize> BandLines<T> for Stripes<'_, T> {
    fn next_line(&mut self, band: usize) -> Result<&[T], DecodeError> {
        let Some(stripe) = self.bands.get_mut(band) else {
            return Err(corrupt("a band is missing"));
        };
        let width = stripe.band.area.width();
        if width > 0 && stripe.gone * width >= stripe.lines.len() {
            stripe.fill(self.stream, &mut self.decoder)?;
        }
        let start = stripe.gone * width;
        stripe.gone += 1;
        let line = stripe.lines.get(start..start + width);
        line.ok_or_else(|| corrupt("bands that do not fit together"))
    }
}

impl<T: Dequantize> Stripe<'_, T> {
    /// Decodes the next row of blocks.
    fn fill(&mut self, stream: &[u8], decoder: &mut Decoder) -> Result<(), DecodeError> {
        self.gone = 0;
        let blocks = self.blocks.as_slice();
        let Some((y, height)) = blocks.first().map(|each| (each.y, each.height)) else {
            self.lines.clear();
            return Ok(());
        };
        let width = self.band.area.width();
        let value = T::new(self.band);
        let count = blocks.iter().take_while(|each| each.y == y).count();
        // Blocks side by side write every sample; what stood there before need not go first.
        let covered: usize = blocks.iter().take(count).map(|each| each.width).sum();
        if covered != width {
            self.lines.clear();
        }
        self.lines.resize(width * height, T::default());
        for block in self.blocks.by_ref().take(count) {
            // An HT block without bytes has nothing but zeros; of part 1 ones that are not there have a meaning.
            let is_empty = |first: &Chunk| decoder.style.high_throughput && first.length == 0;
            if block.chunks.first().is_none_or(is_empty) {
                for line in self.lines.chunks_exact_mut(width) {
                    line[block.x..block.x + block.width].fill(T::default());
                }
                continue;
            }
            let spare = self.band.spare_planes;
            let empty_planes = (block.empty_planes.checked_sub(spare))
                .ok_or_else(|| unsupported("coefficients of so many bits"))?;
            if empty_planes >= self.band.planes {
                return Err(corrupt("an impossible number of bit planes"));
            }
            decoder.decode(stream, self.band, block, empty_planes)?;
            let lines = self.lines.chunks_exact_mut(width);
            for (line, bits) in lines.zip(decoder.lines(block)) {
                let line = &mut line[block.x..block.x + block.width];
                if self.band.region_shift > 0 {
                    for (out, bits) in line.iter_mut().zip(bits) {
                        *out = value(moved_down(self.band, *bits));
                    }
                    continue;
                }
                for (out, bits) in line.iter_mut().zip(bits) {
                    *out = value(*bits);
                }
            }
        }
        Ok(())
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
