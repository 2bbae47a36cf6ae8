//! Code blocks of part 1: bit planes, each in up to three passes, by an arithmetic decoder.
//!
//! A block is decoded code word by code word. Coefficients come as those of `high_throughput` do: the sign in bit 31,
//! below it the magnitude, whose first bit plane is bit 30, with half of the last decoded plane added to it.
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex D.

mod arithmetic;
mod contexts;
mod passes;

use super::parameters::BlockStyle;
use crate::decode::work;
use arithmetic::{Arithmetic, Contexts, Raw, UNIFORM};
use contexts::{HIGH, HIGH_LOW, LOW, Significance};
use passes::{MOST_COEFFICIENTS, MOST_COLUMNS, Planes};

/// Which directions of a band are high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation {
    pub high_x: bool,
    pub high_y: bool,
}

/// What is the same in all code words of a block.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub width: usize,
    pub height: usize,
    pub style: BlockStyle,
    pub orientation: Orientation,
    /// Bit planes that hold nothing.
    pub empty_planes: u32,
}

/// Decodes blocks one after another.
pub(super) struct BlockDecoder {
    columns: Box<[u64; MOST_COLUMNS]>,
    coefficients: Box<[u32; MOST_COEFFICIENTS]>,
    contexts: Contexts,
    /// Passes that were decoded.
    passes: u32,
}

impl BlockDecoder {
    pub fn new() -> Self {
        Self {
            columns: Box::new([0; MOST_COLUMNS]),
            coefficients: Box::new([0; MOST_COEFFICIENTS]),
            contexts: Contexts::new(),
            passes: 0,
        }
    }

    /// Begins a block; `None` where it is larger than blocks are.
    pub fn begin(&mut self, shape: Shape) -> Option<()> {
        let (width, height) = (shape.width, shape.height);
        work::count(width * height);
        self.coefficients.get_mut(..width * height)?.fill(0);
        let words = (width + 2) * (height.div_ceil(4) + 2);
        self.columns.get_mut(..words)?.fill(0);
        self.contexts = Contexts::new();
        self.passes = 0;
        Some(())
    }

    /// Decodes a code word of `passes` passes; `None` for one that no encoder makes.
    pub fn code_word(&mut self, bytes: &[u8], passes: u32, shape: Shape) -> Option<()> {
        let style = shape.style;
        let is_raw = style.is_raw(self.passes);
        let mut arithmetic = Arithmetic::new(bytes, self.contexts);
        let mut raw = Raw::new(bytes);
        work::count(bytes.len());
        for _ in 0..passes {
            work::count(shape.width * shape.height);
            // The first plane has the cleanup pass alone.
            let plane = 30_u32.checked_sub(shape.empty_planes + self.passes.div_ceil(3))?;
            let mut planes = Planes {
                columns: &mut self.columns,
                coefficients: &mut self.coefficients,
                width: shape.width,
                height: shape.height,
                significance: shape.orientation.significance(),
                causal: style.causal,
                plane,
            };
            match (self.passes % 3, is_raw) {
                (1, false) => planes.propagate(&mut arithmetic),
                (1, true) => planes.propagate(&mut raw),
                (2, false) => planes.refine(&mut arithmetic),
                (2, true) => planes.refine(&mut raw),
                _ => {
                    planes.clean_up(&mut arithmetic);
                    // D.5: four bits that tell of an error.
                    if style.segmentation_symbols {
                        let symbols =
                            (0..4).fold(0, |bits, _| bits << 1 | arithmetic.symbol(UNIFORM));
                        if symbols != 0b1010 {
                            return None;
                        }
                    }
                }
            }
            if style.reset {
                arithmetic.reset();
            }
            self.passes += 1;
        }
        self.contexts = arithmetic.contexts();
        Some(())
    }

    /// The lines of the last block.
    pub fn lines(&self, width: usize) -> std::slice::ChunksExact<'_, u32> {
        self.coefficients.chunks_exact(width.max(1))
    }
}

impl Orientation {
    fn significance(self) -> &'static Significance {
        match (self.high_x, self.high_y) {
            (false, _) => &LOW,
            (true, false) => &HIGH_LOW,
            (true, true) => &HIGH,
        }
    }
}
