//! Coding parameters of a scan.
//!
//! Source: ISO/IEC 14495-1 A.2.1 (initialisation), A.4 (reconstruction), C.2.4.1.1 (presets).

use super::super::DecodeError;
use super::corrupt;
use super::header::Presets;

/// What a scan is coded with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Coding {
    pub max_value: i32,
    pub near: i32,
    /// From one quantised error to the next.
    pub step: i32,
    /// How far values are taken back that leave their range.
    wrap: i32,
    /// Number of values that a quantised error can take.
    pub range: i32,
    /// Bits of a quantised error written plainly.
    pub plain_bits: u32,
    /// Longest code.
    pub limit: u32,
    /// Zeros that announce a plain value.
    pub escape: u32,
    pub thresholds: [i32; 3],
    pub reset: i32,
}

/// Errors are exact, and values wrap at a power of two.
pub(super) const EXACT: u8 = 0;
/// Errors are quantised.
pub(super) const NEAR: u8 = 1;
/// Errors are exact, and values wrap elsewhere.
pub(super) const ODD: u8 = 2;

impl Coding {
    /// The parameters of a scan; presets of zero are the defaults.
    pub fn new(precision: u8, near: i32, presets: Presets) -> Result<Self, DecodeError> {
        let largest = (1 << precision) - 1;
        let max_value = if presets.max_value == 0 {
            largest
        } else {
            presets.max_value
        };
        if !(1..=largest).contains(&max_value) {
            return Err(corrupt("the largest value does not fit the precision"));
        }
        if near > max_value.min(510) / 2 {
            return Err(corrupt("the allowed difference is too large"));
        }
        let defaults = default_thresholds(max_value, near);
        let mut thresholds = presets.thresholds;
        for (value, default) in thresholds.iter_mut().zip(defaults) {
            if *value == 0 {
                *value = default;
            }
        }
        let [t1, t2, t3] = thresholds;
        if !(near < t1 && t1 <= t2 && t2 <= t3 && t3 <= max_value.max(t1)) {
            return Err(corrupt("the gradient thresholds are not in order"));
        }
        let reset = if presets.reset == 0 {
            64
        } else {
            presets.reset
        };
        if !(3..=max_value.max(255)).contains(&reset) {
            return Err(corrupt("the reset interval is out of range"));
        }
        let range = (max_value + 2 * near) / (2 * near + 1) + 1;
        let bits = bits_for(max_value + 1).max(2);
        let (limit, plain_bits) = (2 * (bits + bits.max(8)), bits_for(range));
        Ok(Self {
            max_value,
            near,
            step: 2 * near + 1,
            wrap: range * (2 * near + 1),
            range,
            plain_bits,
            limit,
            escape: limit - plain_bits - 1,
            thresholds,
            reset,
        })
    }

    /// How its errors become values: [`EXACT`], [`NEAR`] or [`ODD`].
    pub fn way(&self) -> u8 {
        match (self.max_value + 1).cast_unsigned().is_power_of_two() {
            _ if self.near > 0 => NEAR,
            true => EXACT,
            false => ODD,
        }
    }

    /// The value of a sample from its prediction and its signed, still quantised error (A.4.5, A.8).
    #[inline(always)]
    pub fn reconstruct<const WAY: u8>(&self, predicted: i32, error: i32) -> i32 {
        if WAY == EXACT {
            return (predicted + error) & self.max_value;
        }
        let value = match WAY {
            NEAR => predicted + error * self.step,
            _ => predicted + error,
        };
        // Few values leave their range, so that nearly none waits for this.
        let above_least = (value + self.near).cast_unsigned();
        let value = match above_least <= (self.max_value + 2 * self.near).cast_unsigned() {
            true => value,
            false if value < 0 => value + self.wrap,
            false => value - self.wrap,
        };
        value.clamp(0, self.max_value)
    }

    /// Quantised gradients (A.3.3) by difference; the difference 0 stands at index `max_value`.
    pub fn gradients(&self) -> Vec<i8> {
        let edges = [
            self.near + 1,
            self.thresholds[0],
            self.thresholds[1],
            self.thresholds[2],
        ];
        let zero = self.max_value as usize;
        let mut table = vec![0; 2 * zero + 1];
        for (edge, size) in edges.into_iter().zip(1..) {
            // Of two equal edges the later one counts.
            let edge = edge as usize;
            table[(zero + edge).min(2 * zero + 1)..].fill(size);
            table[..(zero + 1).saturating_sub(edge)].fill(-size);
        }
        table
    }
}

/// Smallest number of bits with which `count` values can be told apart.
fn bits_for(count: i32) -> u32 {
    32 - (count - 1).leading_zeros()
}

/// C.2.4.1.1.1.
fn default_thresholds(max_value: i32, near: i32) -> [i32; 3] {
    let clamp = |value: i32, low: i32| {
        if value > max_value || value < low {
            low
        } else {
            value
        }
    };
    if max_value >= 128 {
        let factor = (max_value.min(4095) + 128) / 256;
        // The standard's BASIC_T1 - 2, BASIC_T2 - 3 and BASIC_T3 - 4: 1, 4 and 17.
        let t1 = clamp(factor + 2 + 3 * near, near + 1);
        let t2 = clamp(4 * factor + 3 + 5 * near, t1);
        [t1, t2, clamp(17 * factor + 4 + 7 * near, t2)]
    } else {
        let factor = 256 / (max_value + 1);
        let t1 = clamp((3 / factor + 3 * near).max(2), near + 1);
        let t2 = clamp((7 / factor + 5 * near).max(3), t1);
        [t1, t2, clamp((21 / factor + 7 * near).max(4), t2)]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests {
    use super::*;

    /// ISO/IEC 14495-1 table C.3 for 8 bits; 12 and 16 bits by the formulas of C.2.4.1.1.1.
    #[test]
    fn default_thresholds_are_those_of_the_standard() {
        assert_eq!(default_thresholds(255, 0), [3, 7, 21]);
        assert_eq!(default_thresholds(4095, 0), [18, 67, 276]);
        assert_eq!(default_thresholds(65535, 0), [18, 67, 276]);
        assert_eq!(default_thresholds(255, 2), [9, 17, 35]);
    }

    #[test]
    fn parameters_of_eight_bits_are_those_of_the_standard() {
        let coding = Coding::new(8, 0, Presets::default()).unwrap();
        assert_eq!(
            (coding.range, coding.plain_bits, coding.limit),
            (256, 8, 32)
        );
        let coding = Coding::new(8, 3, Presets::default()).unwrap();
        // (255 + 6) / 7 + 1
        assert_eq!((coding.range, coding.plain_bits), (38, 6));
    }
}
