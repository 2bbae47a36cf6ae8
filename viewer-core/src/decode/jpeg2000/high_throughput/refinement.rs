//! The passes behind the cleanup pass, in stripes of four lines, column by column.
//!
//! Source: ISO/IEC 15444-15 (ITU-T T.814) 7.4 and 7.5.

use super::block::Coded;
use super::streams::{Bits, Reader};

/// A block of coefficients; lines begin `stride` apart.
pub(super) struct Grid {
    pub width: usize,
    pub height: usize,
    pub stride: usize,
    pub causal: bool,
}

impl Grid {
    pub fn decode(&self, coded: &Coded, bits: &mut Bits, out: &mut [u32]) {
        let plane = 30 - coded.empty_planes;
        // Columns that are only there to make quads whole count nowhere.
        for line in out.chunks_exact_mut(self.stride.max(1)) {
            line[self.width..].fill(0);
        }
        let cleaned: Vec<bool> = out.iter().map(|value| *value != 0).collect();
        bits.lay_forward(coded.refinement, 0);
        self.propagate(&mut bits.reader(), plane, &cleaned, out);
        if coded.passes > 2 {
            bits.lay_refinement(coded.refinement);
            self.refine(&mut bits.reader(), plane, &cleaned, out);
        }
    }

    /// Significance propagation (7.4): samples beside significant ones, four columns at a time.
    fn propagate(&self, bits: &mut Reader, plane: u32, cleaned: &[bool], out: &mut [u32]) {
        let mut found: Vec<usize> = Vec::new();
        for y in (0..self.height).step_by(4) {
            let end = (y + 4).min(self.height);
            for x in (0..self.width).step_by(4) {
                found.clear();
                for column in x..(x + 4).min(self.width) {
                    for line in y..end {
                        let place = line * self.stride + column;
                        let is_member = !cleaned[place] && self.has_neighbour(out, column, line, y);
                        if is_member && bits.take(1) == 1 {
                            // The sign follows; until then the value tells neighbours.
                            out[place] = 3 << (plane - 2);
                            found.push(place);
                        }
                    }
                }
                for place in &found {
                    out[*place] |= bits.take(1) << 31;
                }
            }
        }
    }

    fn has_neighbour(&self, out: &[u32], column: usize, line: usize, stripe: usize) -> bool {
        let columns = column.saturating_sub(1)..(column + 2).min(self.width);
        let mut last = (line + 2).min(self.height);
        if self.causal {
            last = last.min(stripe + 4);
        }
        (line.saturating_sub(1)..last).any(|line| {
            let row = &out[line * self.stride..(line + 1) * self.stride];
            row[columns.clone()].iter().any(|value| *value != 0)
        })
    }

    /// Magnitude refinement (7.5) of what the cleanup pass found.
    fn refine(&self, bits: &mut Reader, plane: u32, cleaned: &[bool], out: &mut [u32]) {
        for y in (0..self.height).step_by(4) {
            for column in 0..self.width {
                for line in y..(y + 4).min(self.height) {
                    let place = line * self.stride + column;
                    if cleaned[place] {
                        // What stood for half of the last plane becomes the bit of the next one.
                        let bit = bits.take(1);
                        out[place] ^= (1 - bit) << (plane - 1) | 1 << (plane - 2);
                    }
                }
            }
        }
    }
}
