//! The lines of a component's bands, decoded a row of code blocks at a time.

use super::block::{BlockDecoder, Coded};
use super::codes::Codes;
use super::corrupt;
use super::tile::{Band, Block, TileComponent};
use super::wavelet::BandLines;
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
    data: &'a [u8],
    causal: bool,
    decoder: BlockDecoder<'a>,
    bands: Vec<Stripe<'a, T>>,
}

impl<'a, T: Dequantize> Stripes<'a, T> {
    pub fn new(data: &'a [u8], component: &'a TileComponent, codes: &'a Codes) -> Self {
        let bands = component.resolutions.iter().flat_map(|each| &each.bands);
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
        Self {
            data,
            causal: component.causal,
            decoder: BlockDecoder::new(codes),
            bands: bands.map(stripe).collect(),
        }
    }
}

impl<T: Dequantize> BandLines<T> for Stripes<'_, T> {
    fn next_line(&mut self, band: usize) -> Result<&[T], DecodeError> {
        let Some(stripe) = self.bands.get_mut(band) else {
            return Err(corrupt("a band is missing"));
        };
        let width = stripe.band.area.width();
        if width > 0 && stripe.gone * width >= stripe.lines.len() {
            stripe.fill(self.data, self.causal, &mut self.decoder)?;
        }
        let start = stripe.gone * width;
        stripe.gone += 1;
        let line = stripe.lines.get(start..start + width);
        line.ok_or_else(|| corrupt("bands that do not fit together"))
    }
}

impl<T: Dequantize> Stripe<'_, T> {
    /// Decodes the next row of blocks.
    fn fill(
        &mut self,
        data: &[u8],
        causal: bool,
        decoder: &mut BlockDecoder,
    ) -> Result<(), DecodeError> {
        self.gone = 0;
        self.lines.clear();
        let Some((y, height)) = self
            .blocks
            .as_slice()
            .first()
            .map(|each| (each.y, each.height))
        else {
            return Ok(());
        };
        let width = self.band.area.width();
        self.lines.resize(width * height, T::default());
        let value = T::new(self.band);
        let count = self
            .blocks
            .as_slice()
            .iter()
            .take_while(|each| each.y == y)
            .count();
        for block in self.blocks.by_ref().take(count) {
            if !block.is_included || block.cleanup == 0 {
                continue;
            }
            let (cleanup, refinement) = data
                .get(block.start..block.start + block.cleanup + block.refinement)
                .map(|bytes| bytes.split_at(block.cleanup))
                .ok_or_else(|| corrupt("the stream ends early"))?;
            let coded = Coded {
                cleanup,
                refinement,
                passes: block.passes,
                empty_planes: block.empty_planes,
                causal,
            };
            if block.empty_planes >= self.band.planes {
                return Err(corrupt("an impossible number of bit planes"));
            }
            decoder
                .decode(&coded, block.width, block.height)
                .ok_or_else(|| corrupt("a damaged code block"))?;
            let lines = self.lines.chunks_exact_mut(width);
            for (line, bits) in lines.zip(decoder.lines()) {
                let line = &mut line[block.x..block.x + block.width];
                for (out, bits) in line.iter_mut().zip(bits) {
                    *out = value(*bits);
                }
            }
        }
        Ok(())
    }
}
