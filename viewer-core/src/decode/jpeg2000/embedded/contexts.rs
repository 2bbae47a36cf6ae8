//! Which context a decision has, by what is known of the samples around, as tables.
//!
//! Around a sample lie, by the bits of an index: 0 NW, 1 N, 2 NE, 3 W, 4 the sample, 5 E, 6 SW, 7 S, 8 SE.
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex D.3.

/// Contexts of significance by which of the nine are significant (table D.1).
pub(super) type Significance = [u8; 512];

/// Bands that are low horizontally: LL and LH.
pub(super) static LOW: Significance = significance(Orientation::Low);
/// HL.
pub(super) static HIGH_LOW: Significance = significance(Orientation::HighLow);
/// HH.
pub(super) static HIGH: Significance = significance(Orientation::High);

enum Orientation {
    Low,
    HighLow,
    High,
}

const fn significance(orientation: Orientation) -> Significance {
    let mut table = [0; 512];
    let mut around = 0;
    while around < 512 {
        let horizontal = (around >> 3 & 1) + (around >> 5 & 1);
        let vertical = (around >> 1 & 1) + (around >> 7 & 1);
        let diagonal = (around & 1) + (around >> 2 & 1) + (around >> 6 & 1) + (around >> 8 & 1);
        table[around] = match orientation {
            Orientation::Low => straight(horizontal, vertical, diagonal),
            Orientation::HighLow => straight(vertical, horizontal, diagonal),
            Orientation::High => slanting(horizontal + vertical, diagonal),
        };
        around += 1;
    }
    table
}

const fn straight(along: usize, across: usize, diagonal: usize) -> u8 {
    match (along, across, diagonal) {
        (2, _, _) => 8,
        (1, 1.., _) => 7,
        (1, 0, 1..) => 6,
        (1, 0, 0) => 5,
        (_, 2, _) => 4,
        (_, 1, _) => 3,
        (_, _, 2..) => 2,
        (_, _, 1) => 1,
        _ => 0,
    }
}

const fn slanting(straight: usize, diagonal: usize) -> u8 {
    match (straight, diagonal) {
        (_, 3..) => 8,
        (1.., 2) => 7,
        (0, 2) => 6,
        (2.., 1) => 5,
        (1, 1) => 4,
        (0, 1) => 3,
        (2.., _) => 2,
        (1, _) => 1,
        _ => 0,
    }
}

/// By bits 1, 3, 5 and 7 for which of N, W, E and S are significant, and by the bits below each for which of those
/// are negative: the context (tables D.2 and D.3), and in bit 7 whether the sign is turned.
pub(super) static SIGN: [u8; 256] = sign();

const fn sign() -> [u8; 256] {
    let mut table = [0; 256];
    let mut around = 0;
    while around < 256 {
        let horizontal = contribution(around >> 2) + contribution(around >> 4);
        let vertical = contribution(around) + contribution(around >> 6);
        table[around] = match (horizontal.signum(), vertical.signum()) {
            (1, 1) => 13,
            (1, 0) => 12,
            (1, _) => 11,
            (0, 1) => 10,
            (0, 0) => 9,
            (0, _) => 10 | 128,
            (_, 1) => 11 | 128,
            (_, 0) => 12 | 128,
            (_, _) => 13 | 128,
        };
        around += 1;
    }
    table
}

const fn contribution(bits: usize) -> i32 {
    match bits & 3 {
        2 => 1,
        3 => -1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of table D.1, each by one pattern that it covers.
    #[test]
    fn contexts_of_significance_are_those_of_the_table() {
        for (around, low, high_low, high) in [
            (0b000_000_000, 0, 0, 0),
            (0b000_101_000, 8, 4, 2),
            (0b010_000_010, 4, 8, 2),
            (0b000_001_000, 5, 3, 1),
            (0b000_100_000, 5, 3, 1),
            (0b010_000_000, 3, 5, 1),
            (0b000_000_010, 3, 5, 1),
            (0b010_001_000, 7, 7, 2),
            (0b001_001_000, 6, 3, 4),
            (0b001_000_000, 1, 1, 3),
            (0b101_000_000, 2, 2, 6),
            (0b101_010_001, 2, 2, 8),
            (0b101_001_000, 6, 3, 7),
            (0b100_101_000, 8, 4, 5),
            // The sample itself does not count.
            (0b000_010_000, 0, 0, 0),
        ] {
            let found = (LOW[around], HIGH_LOW[around], HIGH[around]);
            assert_eq!(found, (low, high_low, high), "{around:09b}");
        }
    }

    /// Rows of table D.3.
    #[test]
    fn contexts_of_signs_are_those_of_the_table() {
        const POSITIVE: usize = 2;
        const NEGATIVE: usize = 3;
        let at = |north: usize, west: usize, east: usize, south: usize| {
            north | west << 2 | east << 4 | south << 6
        };
        for (around, context, is_turned) in [
            (at(POSITIVE, POSITIVE, 0, 0), 13, 0),
            (at(0, POSITIVE, POSITIVE, 0), 12, 0),
            (at(NEGATIVE, 0, POSITIVE, NEGATIVE), 11, 0),
            (at(0, NEGATIVE, POSITIVE, POSITIVE), 10, 0),
            (at(0, 0, 0, 0), 9, 0),
            (at(POSITIVE, 0, 0, NEGATIVE), 9, 0),
            (at(NEGATIVE, 0, 0, 0), 10, 128),
            (at(POSITIVE, NEGATIVE, 0, 0), 11, 128),
            (at(0, 0, NEGATIVE, 0), 12, 128),
            (at(NEGATIVE, NEGATIVE, NEGATIVE, 0), 13, 128),
        ] {
            assert_eq!(SIGN[around], context | is_turned, "{around:08b}");
        }
    }
}
