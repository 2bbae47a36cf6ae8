//! The formulas of the picture chain in double precision, written as the standard says them.
//!
//! They are the yardstick of the pictures' answers, so nothing here is clever and nothing is shared with a viewer.
//! Display values are 0..=255, rounded half up.
//!
//! Source: PS3.3 C.11.1 (Modality LUT), C.11.2 (VOI LUT), C.7.6.3.1.2 (colour), C.7.6.3.1.5 (palettes).

/// Grey 0..=255 of a presentation value in 0.0..=1.0.
pub fn byte(value: f64) -> u8 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within 0..=255"
    )]
    let byte = (value * 255.0 + 0.5).floor().clamp(0.0, 255.0) as u8;
    byte
}

/// How modality values become presentation values.
#[derive(Debug, Clone, PartialEq)]
pub enum Voi {
    /// Window Center and Width under VOI LUT Function LINEAR (C.11.2.1.2.1).
    Linear(f64, f64),
    /// Window Center and Width under LINEAR_EXACT (C.11.2.1.3.2).
    LinearExact(f64, f64),
    /// Window Center and Width under SIGMOID (C.11.2.1.3.1).
    Sigmoid(f64, f64),
    /// A VOI LUT (C.11.2.1.1).
    Table(Table),
    /// No window: from the smallest value to the largest one.
    Range(f64, f64),
}

impl Voi {
    /// The presentation value of a modality value, 0.0..=1.0.
    pub fn apply(&self, x: f64) -> f64 {
        match self {
            Self::Linear(c, w) => {
                if x <= c - 0.5 - (w - 1.0) / 2.0 {
                    0.0
                } else if x > c - 0.5 + (w - 1.0) / 2.0 {
                    1.0
                } else {
                    (x - (c - 0.5)) / (w - 1.0) + 0.5
                }
            }
            Self::LinearExact(c, w) => {
                if x <= c - w / 2.0 {
                    0.0
                } else if x > c + w / 2.0 {
                    1.0
                } else {
                    (x - c) / w + 0.5
                }
            }
            Self::Sigmoid(c, w) => 1.0 / (1.0 + (-4.0 * (x - c) / w).exp()),
            Self::Table(table) => {
                f64::from(table.entry(x)) / (2.0_f64.powi(i32::from(table.bits)) - 1.0)
            }
            Self::Range(low, high) => ((x - low) / (high - low)).clamp(0.0, 1.0),
        }
    }
}

/// A look-up table: descriptor and entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// First value mapped.
    pub first: i64,
    /// Bits of an entry.
    pub bits: u16,
    /// The entries.
    pub entries: Vec<u16>,
}

impl Table {
    /// The entry of a value: the first one below the mapped range, the last one above it.
    pub fn entry(&self, value: f64) -> u16 {
        #[expect(clippy::cast_possible_truncation, reason = "held within the table")]
        let index =
            (value - self.first as f64).clamp(0.0, self.entries.len() as f64 - 1.0) as usize;
        self.entries[index]
    }
}

/// RGB of YBR_FULL, each of 8 bits: the inverse of the equations of C.7.6.3.1.2.
pub fn ybr_full([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let [y, b, r] = [f64::from(y), f64::from(cb) - 128.0, f64::from(cr) - 128.0];
    // CCIR 601: Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B - Y) / 1.772, Cr = (R - Y) / 1.402.
    let (red, blue) = (y + 1.402 * r, y + 1.772 * b);
    let green = (y - 0.299 * red - 0.114 * blue) / 0.587;
    [red, green, blue].map(|value| byte(value / 255.0))
}

/// RGB of the partial range: Y in 16..=235, Cb and Cr in 16..=240 (CCIR 601-2, C.7.6.3.1.2).
pub fn ybr_partial([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let y = (f64::from(y) - 16.0) * 255.0 / 219.0;
    let [b, r] = [cb, cr].map(|value| (f64::from(value) - 128.0) * 255.0 / 224.0);
    let (red, blue) = (y + 1.402 * r, y + 1.772 * b);
    let green = (y - 0.299 * red - 0.114 * blue) / 0.587;
    [red, green, blue].map(|value| byte(value / 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-12, "{actual} for {expected}");
    }

    /// Note 4 of C.11.2.1.2.1: center 2048 and width 4096 of 12 bits is the whole range, 0 to 4095.
    #[test]
    fn linear_of_the_whole_range_is_the_standard_s_example() {
        let voi = Voi::Linear(2048.0, 4096.0);
        close(voi.apply(0.0), 0.0);
        close(voi.apply(4095.0), 1.0);
        close(voi.apply(2047.5), 0.5);
        close(voi.apply(819.0), 0.2);
    }

    /// C.11.2.1.2.1, examples of small windows: center 2048, width 1 is black up to 2047 and white from 2048 on.
    #[test]
    fn linear_of_width_one_is_a_threshold_between_the_values() {
        let voi = Voi::Linear(2048.0, 1.0);
        assert_eq!(
            [2047.0, 2047.5, 2047.6, 2048.0].map(|x| voi.apply(x)),
            [0.0, 0.0, 1.0, 1.0]
        );
    }

    /// C.11.2.1.2.1: center 0, width 100 runs from -50 to 49.
    #[test]
    fn linear_of_width_one_hundred_about_zero_reaches_49() {
        let voi = Voi::Linear(0.0, 100.0);
        assert_eq!(
            [-51.0, -50.0, 49.0, 50.0].map(|x| voi.apply(x)),
            [0.0, 0.0, 1.0, 1.0]
        );
        close(voi.apply(-0.5), 0.5);
    }

    #[test]
    fn linear_exact_is_symmetric_about_the_center() {
        let voi = Voi::LinearExact(10.0, 0.5);
        assert_eq!(
            [9.75, 9.875, 10.0, 10.125, 10.25, 10.375].map(|x| voi.apply(x)),
            [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
        );
    }

    #[test]
    fn sigmoid_is_one_half_at_the_center_and_has_the_slope_of_the_window_there() {
        let voi = Voi::Sigmoid(2000.0, 1000.0);
        close(voi.apply(2000.0), 0.5);
        // 1 / (1 + e^-2), a half width above the center.
        close(voi.apply(2500.0), 0.880_797_077_977_882_4);
        close(voi.apply(1500.0) + voi.apply(2500.0), 1.0);
    }

    #[test]
    fn a_table_holds_its_ends() {
        let table = Table {
            first: -2,
            bits: 10,
            entries: vec![0, 341, 1023],
        };
        assert_eq!(
            [-9.0, -2.0, -1.0, 0.0, 7.0].map(|x| table.entry(x)),
            [0, 0, 341, 1023, 1023]
        );
        close(Voi::Table(table).apply(-1.0), 1.0 / 3.0);
    }

    #[test]
    fn a_grey_of_one_half_rounds_up() {
        assert_eq!([0.0, 0.5 / 255.0, 0.5, 1.0].map(byte), [0, 1, 128, 255]);
    }

    /// Colours of C.7.6.3.1.2's equations: pure red is Y 76.2, Cb 85.0, Cr 255.5.
    #[test]
    fn ybr_gives_back_grey_and_the_primaries() {
        assert_eq!(ybr_full([77, 128, 128]), [77, 77, 77]);
        assert_eq!(ybr_full([76, 85, 255]), [254, 0, 0]);
        assert_eq!(ybr_partial([16, 128, 128]), [0, 0, 0]);
        assert_eq!(ybr_partial([235, 128, 128]), [255, 255, 255]);
        assert_eq!(ybr_partial([126, 128, 128]), [128, 128, 128]);
    }
}
