//! What the codes of quads and of their exponents mean, as tables over the next bits.

use super::code_table::{FIRST_ROW, OTHER_ROWS};

/// Bits of what a code says of a quad: the samples are 0 top left, 1 bottom left, 2 top right, 3 bottom right.
///
/// Bits 0 to 3: which samples are significant; 4 to 7: which have one magnitude bit less (e_k); 8 to 11: the highest
/// bit of those (e_1); 12: the quad has an exponent (u_off); 13 to 15: length of the code.
pub(super) mod quad {
    pub const SIGNIFICANT: u32 = 15;
    pub const KNOWN: u32 = 4;
    pub const TOP: u32 = 8;
    pub const HAS_EXPONENT: u32 = 12;
    pub const LENGTH: u32 = 13;
}

/// The tables, made once for a frame.
pub(in crate::decode::jpeg2000) struct Codes {
    /// By context and the next seven bits.
    first_row: Box<[u16; 1024]>,
    other_rows: Box<[u16; 1024]>,
    /// By the kind of pair and the next six bits.
    exponents: Box<[Exponents; 384]>,
    /// By the lower eight bits of what is said of a quad: for each sample, in bytes, how many up to it are significant, and
    /// how many of these have one bit less.
    counts: Box<[[u32; 2]; 256]>,
}

/// The prefixes of a pair's exponents: what they come to, and how many bits follow for each.
#[derive(Clone, Copy, Default)]
struct Prefixes {
    length: u8,
    bases: [u8; 2],
    more: [u8; 2],
}

/// Bits of what the prefixes of a pair's exponents say.
///
/// Bits 0 to 3: their length; 4 to 6 and 7 to 9: how many bits follow for each exponent; 10 to 13: how many for both;
/// 14 to 16 and 17 to 19: what the prefixes stand for.
#[derive(Clone, Copy, Default)]
pub(in crate::decode::jpeg2000) struct Exponents(u32);

impl Exponents {
    fn new(prefixes: Prefixes) -> Self {
        let Prefixes {
            length,
            bases: [first, second],
            more,
        } = prefixes;
        let [length, first, second] = [length, first, second].map(u32::from);
        let more = more.map(u32::from);
        Self(
            length
                | more[0] << 4
                | more[1] << 7
                | (more[0] + more[1]) << 10
                | first << 14
                | second << 17,
        )
    }

    /// Bits of the prefixes.
    #[inline]
    pub fn length(self) -> u32 {
        self.0 & 15
    }

    /// Bits that follow.
    #[inline]
    pub fn more(self) -> [u32; 2] {
        [self.0 >> 4 & 7, self.0 >> 7 & 7]
    }

    #[inline]
    pub fn more_of_both(self) -> u32 {
        self.0 >> 10 & 15
    }

    #[inline]
    pub fn bases(self) -> [u32; 2] {
        [self.0 >> 14 & 7, self.0 >> 17 & 7]
    }
}

/// A pair with exponents in the first row of quads.
pub(super) const BOTH_IN_FIRST_ROW: u32 = 4;

impl Default for Codes {
    fn default() -> Self {
        let expand = |entries: &[u32]| {
            let mut codes = Box::new([0; 1024]);
            for entry in entries {
                let field = |shift: u32, bits: u32| (entry >> shift & ((1 << bits) - 1)) as u16;
                let length = field(0, 3);
                let code = field(19, 4)
                    | field(14, 4) << quad::KNOWN
                    | field(10, 4) << quad::TOP
                    | field(18, 1) << quad::HAS_EXPONENT
                    | length << quad::LENGTH;
                let first = usize::from(field(23, 3)) << 7 | usize::from(field(3, 7));
                for place in (first..(first | 127) + 1).step_by(1 << length) {
                    codes[place] = code;
                }
            }
            codes
        };
        let mut exponents = Box::new([Exponents::default(); 384]);
        for (place, entry) in (0_u32..).zip(exponents.iter_mut()) {
            *entry = Exponents::new(Prefixes::of(place / 64, place % 64));
        }
        let mut counts = Box::new([[0; 2]; 256]);
        for (place, entry) in (0_u32..).zip(counts.iter_mut()) {
            let significant = place & quad::SIGNIFICANT;
            let up_to = |bits: u32| {
                (0..4).fold(0, |sum, n| {
                    sum | (bits & ((2 << n) - 1)).count_ones() << (8 * n)
                })
            };
            *entry = [
                up_to(significant),
                up_to(significant & place >> quad::KNOWN),
            ];
        }
        Self {
            first_row: expand(FIRST_ROW),
            other_rows: expand(OTHER_ROWS),
            exponents,
            counts,
        }
    }
}

impl Codes {
    /// Codes of the first row of quads, or of the others.
    pub fn of_row(&self, is_first: bool) -> &[u16; 1024] {
        if is_first {
            &self.first_row
        } else {
            &self.other_rows
        }
    }

    /// Where the bits of each sample of a quad end, in bytes, if those of the largest are `exponent`, 14 at most.
    #[inline]
    pub fn ends(&self, code: u32, exponent: u32) -> u32 {
        let [significant, known] = self.counts[(code & 255) as usize];
        significant * exponent - known
    }

    /// `kind` is 1 if the first quad of the pair has an exponent, 2 if the second has, 3 if both have;
    /// [`BOTH_IN_FIRST_ROW`] if both have in the first row, one more with an event.
    #[inline]
    pub fn exponents(&self, kind: u32, bits: u64) -> Exponents {
        self.exponents[(kind as usize * 64 + (bits & 63) as usize).min(383)]
    }
}

impl Prefixes {
    /// 7.3.6.
    fn of(kind: u32, bits: u32) -> Self {
        let (first, length, more) = prefix(bits);
        match kind {
            0 => Self::default(),
            1 => Self {
                length,
                bases: [first, 0],
                more: [more, 0],
            },
            2 => Self {
                length,
                bases: [0, first],
                more: [0, more],
            },
            BOTH_IN_FIRST_ROW if first > 2 => Self {
                length: length + 1,
                bases: [first, (bits >> length & 1) as u8 + 1],
                more: [more, 0],
            },
            _ => {
                let (second, second_length, second_more) = prefix(bits >> length);
                let above = if kind > BOTH_IN_FIRST_ROW { 2 } else { 0 };
                Self {
                    length: length + second_length,
                    bases: [first + above, second + above],
                    more: [more, second_more],
                }
            }
        }
    }
}

/// The prefix of an exponent (table 3): what it stands for, its length, and how many bits follow it.
fn prefix(bits: u32) -> (u8, u8, u8) {
    match bits & 7 {
        0b000 => (5, 3, 5),
        0b100 => (3, 3, 1),
        0b010 | 0b110 => (2, 2, 0),
        _ => (1, 1, 0),
    }
}
