//! The three coding passes over the bit planes of a code block, in stripes of four lines, column by column.
//!
//! Of each column of a stripe one word says what is known of its four samples and of those around it, so that most
//! columns need one look, and a context one look into a table. Samples of a column lie three bits apart in it:
//! - bits 0 to 17: which are significant, in six lines from the one above the stripe on, each of three columns;
//! - bits 18, 21, 24, 27: which samples the plane's first pass decided;
//! - bits 19, 22, 25, 28: which were refined before;
//! - bits 32 to 49: which are negative, as the significant ones.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex D.3.

use super::arithmetic::{Arithmetic, RUN, Raw, UNIFORM};
use super::contexts::{SIGN, Significance};

/// Coefficients of a block (annex A.6.1: at most), a power of two.
pub(super) const MOST_COEFFICIENTS: usize = 4096;
/// Words of columns, with one around the block on each side: at most 1026 times 3, 66 times 18 or 6 times 258.
pub(super) const MOST_COLUMNS: usize = 4096;

const SIGNIFICANT: u32 = 0x3FFFF;
const OWN: u32 = 4;
const DECIDED: u32 = 18;
const REFINED: u32 = 19;
const SIGNS: u32 = 32;
/// The first bit of each of four samples.
const FOUR: u32 = 0b001_001_001_001;

/// Where decisions come from.
pub(super) trait Decisions: Copy {
    fn is_significant(&mut self, context: u8) -> bool;
    /// 1 for negative; `around` is an index of [`SIGN`].
    fn sign(&mut self, around: usize) -> u32;
    /// The next bit of a magnitude.
    fn refinement(&mut self, context: usize) -> u32;
}

impl Decisions for Arithmetic<'_> {
    #[inline(always)]
    fn is_significant(&mut self, context: u8) -> bool {
        self.symbol(context.into()) == 1
    }

    #[inline(always)]
    fn sign(&mut self, around: usize) -> u32 {
        let context = SIGN[around & 255];
        self.symbol((context & 31).into()) ^ u32::from(context >> 7)
    }

    #[inline(always)]
    fn refinement(&mut self, context: usize) -> u32 {
        self.symbol(context)
    }
}

impl Decisions for Raw<'_> {
    fn is_significant(&mut self, _: u8) -> bool {
        self.bit() == 1
    }

    fn sign(&mut self, _: usize) -> u32 {
        self.bit()
    }

    fn refinement(&mut self, _: usize) -> u32 {
        self.bit()
    }
}

/// A block under way.
pub(super) struct Planes<'a> {
    pub columns: &'a mut [u64; MOST_COLUMNS],
    /// Line by line: sign in bit 31, below it the magnitude, with half of the last decoded plane added.
    pub coefficients: &'a mut [u32; MOST_COEFFICIENTS],
    pub width: usize,
    pub height: usize,
    pub significance: &'a Significance,
    /// Samples below a stripe do not count in it.
    pub causal: bool,
    /// The bit of the plane under way.
    pub plane: u32,
}

impl Planes<'_> {
    /// Each stripe: its first column's word, its first coefficient, and which of four samples of a column there are.
    fn stripes(&self) -> impl Iterator<Item = (usize, usize, u32)> + use<> {
        let (width, height) = (self.width, self.height);
        (0..height.div_ceil(4)).map(move |stripe| {
            let lines = (height - 4 * stripe).min(4);
            let first = (stripe + 1) * (width + 2) + 1;
            (first, 4 * stripe * width, FOUR >> (12 - 3 * lines))
        })
    }

    /// Significance propagation (D.3.1).
    pub fn propagate<D: Decisions>(&mut self, source: &mut D) {
        let mut decisions = *source;
        for (first, line, rows) in self.stripes() {
            for x in 0..self.width {
                let at = first + x;
                let mut column = self.columns[at % MOST_COLUMNS];
                if low(column) & SIGNIFICANT == 0 {
                    continue;
                }
                let mut members = beside(column) & !(low(column) >> OWN) & rows;
                if members == 0 {
                    continue;
                }
                while members != 0 {
                    let row = members.trailing_zeros();
                    members &= members - 1;
                    column |= 1 << (DECIDED + row);
                    let context = self.significance[around(column, row)];
                    if decisions.is_significant(context) {
                        column = self.found(&mut decisions, column, at, line + x, row);
                        // The sample below has a significant neighbour now.
                        members |= (8 << row) & rows & !(low(column) >> OWN);
                    }
                }
                self.columns[at % MOST_COLUMNS] = column;
            }
        }
        *source = decisions;
    }

    /// Magnitude refinement (D.3.3).
    pub fn refine<D: Decisions>(&mut self, source: &mut D) {
        let mut decisions = *source;
        let half = (1 << self.plane) >> 1;
        for (first, line, _) in self.stripes() {
            for x in 0..self.width {
                let at = first + x;
                let column = self.columns[at % MOST_COLUMNS];
                let known = low(column) >> OWN & !(low(column) >> DECIDED) & FOUR;
                if known == 0 {
                    continue;
                }
                let mut members = known;
                while members != 0 {
                    let row = members.trailing_zeros();
                    members &= members - 1;
                    let others = around(column, row) & 0b111_101_111;
                    let was_refined = low(column) >> (REFINED + row) & 1;
                    // The last of three contexts where it was refined, else by whether there are others (table D.4).
                    let context = usize::from(others != 0) | (2 * was_refined) as usize;
                    let bit = decisions.refinement(14 + context.min(2));
                    // The bit stood for half of the last plane.
                    let place = (line + x + self.width * index(row)) % MOST_COEFFICIENTS;
                    let value = &mut self.coefficients[place];
                    *value = *value ^ (bit ^ 1) << self.plane | half;
                }
                self.columns[at % MOST_COLUMNS] |= u64::from(known << REFINED);
            }
        }
        *source = decisions;
    }

    /// The cleanup pass (D.3.4).
    pub fn clean_up(&mut self, source: &mut Arithmetic) {
        let mut decisions = *source;
        for (first, line, rows) in self.stripes() {
            for x in 0..self.width {
                let at = first + x;
                let mut column = self.columns[at % MOST_COLUMNS];
                let known = low(column) >> OWN | low(column) >> DECIDED;
                let mut members = !known & rows;
                if low(column) & (SIGNIFICANT | FOUR << DECIDED) == 0 && rows == FOUR {
                    if decisions.symbol(RUN) == 0 {
                        continue;
                    }
                    let row = decisions.symbol(UNIFORM) << 1 | decisions.symbol(UNIFORM);
                    column = self.found(&mut decisions, column, at, line + x, 3 * row);
                    members &= !7 << (3 * row);
                }
                while members != 0 {
                    let row = members.trailing_zeros();
                    members &= members - 1;
                    let context = self.significance[around(column, row)];
                    if decisions.is_significant(context) {
                        column = self.found(&mut decisions, column, at, line + x, row);
                    }
                }
                self.columns[at % MOST_COLUMNS] = column & !u64::from(FOUR << DECIDED);
            }
        }
        *source = decisions;
    }

    /// Takes in that a sample is significant; its sign follows (D.3.2).
    #[inline(always)]
    fn found(
        &mut self,
        decisions: &mut impl Decisions,
        column: u64,
        at: usize,
        first: usize,
        row: u32,
    ) -> u64 {
        let cross = (column >> row & 0b010_101_010) as usize;
        let signs = (column >> (SIGNS + row) & 0b010_101_010) as usize;
        let negative = decisions.sign(cross | signs >> 1);
        let place = (first + self.width * index(row)) % MOST_COEFFICIENTS;
        self.coefficients[place] = negative << 31 | (3 << self.plane) >> 1;

        let sample = 1 | u64::from(negative) << SIGNS;
        let stride = self.width + 2;
        self.mark(at - 1, sample << (row + 5));
        self.mark(at + 1, sample << (row + 3));
        if row == 0 && !self.causal {
            let above = at - stride;
            self.mark(above - 1, sample << 17);
            self.mark(above, sample << 16);
            self.mark(above + 1, sample << 15);
        }
        if row == 9 {
            let below = at + stride;
            self.mark(below - 1, sample << 2);
            self.mark(below, sample << 1);
            self.mark(below + 1, sample);
        }
        column | sample << (row + OWN)
    }

    #[inline(always)]
    fn mark(&mut self, at: usize, bits: u64) {
        self.columns[at % MOST_COLUMNS] |= bits;
    }
}

#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lower half is meant")]
fn low(column: u64) -> u32 {
    column as u32
}

/// Which samples of a column are significant or have a significant one around.
#[inline(always)]
fn beside(column: u64) -> u32 {
    let lines = low(column) & SIGNIFICANT;
    let three = lines | lines >> 3 | lines >> 6;
    (three | three >> 1 | three >> 2) & FOUR
}

/// Which samples around that at bit `row` are significant.
#[inline(always)]
fn around(column: u64, row: u32) -> usize {
    (low(column) >> row & 511) as usize
}

/// The sample of a column whose first bit is `row`.
#[inline(always)]
fn index(row: u32) -> usize {
    ((row * 11) >> 5) as usize
}
