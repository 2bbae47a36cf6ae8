//! Colours of sRGB as those of Display P3, for canvases of that gamut.
//!
//! Source: CSS Color 4, 10.2 (sRGB), 10.4 (Display P3): SMPTE EG 432-1 primaries, D65, the curve of sRGB. Both have one
//! white and one curve, so greys are the same in both, and every colour of sRGB lies within Display P3: nothing
//! is cut. Twin: `shaders/frame.wgsl`.

/// Linear light of sRGB to linear light of Display P3; rows are red, green, blue. Both have one blue primary.
const P3_FROM_SRGB: [[f64; 3]; 3] = [
    [0.822_461_968_7, 0.177_538_031_3, 0.0],
    [0.033_194_198_9, 0.966_805_801_1, 0.0],
    [0.017_082_630_7, 0.072_397_440_7, 0.910_519_928_6],
];

/// The Display P3 levels, `0..=255`, of one colour in sRGB levels.
pub fn to_display_p3(srgb: [u8; 3]) -> [u8; 3] {
    let [red, green, blue] = srgb;
    if red == green && green == blue {
        return srgb;
    }
    let light = srgb.map(|level| linear(f64::from(level) / 255.0));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0.5..=255.5, and cutting the fraction is the floor; beyond it is cut to the range"
    )]
    P3_FROM_SRGB.map(|[r, g, b]| {
        let light = r * light[0] + g * light[1] + b * light[2];
        (encoded(light) * 255.0 + 0.5) as u8
    })
}

/// The curve of IEC 61966-2-1 to linear light, both `0.0..=1.0`.
fn linear(level: f64) -> f64 {
    if level <= 0.040_45 {
        level / 12.92
    } else {
        ((level + 0.055) / 1.055).powf(2.4)
    }
}

/// The same curve back.
fn encoded(light: f64) -> f64 {
    if light <= 0.003_130_8 {
        light * 12.92
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::{DMat3, DVec3};

    /// Linear RGB to XYZ by the primaries: each column is a primary, scaled so that all three make white.
    fn to_xyz(primaries: [[f64; 2]; 3]) -> DMat3 {
        let xyz = |[x, y]: [f64; 2]| DVec3::new(x / y, 1.0, (1.0 - x - y) / y);
        let [red, green, blue] = primaries.map(xyz);
        let columns = DMat3::from_cols(red, green, blue);
        let white = columns.inverse() * xyz([0.3127, 0.3290]);
        columns * DMat3::from_diagonal(white)
    }

    fn p3_from_srgb() -> DMat3 {
        let srgb = to_xyz([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]]);
        let p3 = to_xyz([[0.680, 0.320], [0.265, 0.690], [0.150, 0.060]]);
        p3.inverse() * srgb
    }

    #[test]
    fn the_matrix_follows_from_the_primaries() {
        let expected = p3_from_srgb().transpose().to_cols_array_2d();
        for (row, expected) in P3_FROM_SRGB.iter().zip(expected) {
            for (found, expected) in row.iter().zip(expected) {
                let apart = (found - expected).abs();
                assert!(apart < 1e-9, "{found} {expected}");
            }
        }
    }

    #[test]
    fn every_colour_of_srgb_is_the_rounded_one_of_the_formula() {
        let matrix = p3_from_srgb();
        let curve = |level: f64| match level <= 0.04045 {
            true => level / 12.92,
            false => ((level + 0.055) / 1.055).powf(2.4),
        };
        let back = |light: f64| match light <= 0.003_130_8 {
            true => light * 12.92,
            false => 1.055 * light.powf(1.0 / 2.4) - 0.055,
        };
        let steps = || (0..=255_u8).step_by(5);
        for (r, g, b) in
            steps().flat_map(|r| steps().flat_map(move |g| steps().map(move |b| (r, g, b))))
        {
            let light = [r, g, b].map(|level| curve(f64::from(level) / 255.0));
            let expected = (matrix * DVec3::from(light)).to_array();
            let found = to_display_p3([r, g, b]);
            for (found, expected) in found.iter().zip(expected) {
                let apart = (f64::from(*found) - 255.0 * back(expected.max(0.0))).abs();
                assert!(apart < 0.500_001, "{r} {g} {b}: {found}, {apart}");
            }
        }
    }

    #[test]
    fn greys_stay_and_the_pure_colours_are_those_of_css() {
        for grey in 0..=255 {
            assert_eq!(to_display_p3([grey; 3]), [grey; 3]);
        }
        // CSS Color 4 in the small: red is color(display-p3 0.9175 0.2003 0.1386).
        assert_eq!(to_display_p3([255, 0, 0]), [234, 51, 35]);
        // color(display-p3 0.4584 0.9853 0.2983).
        assert_eq!(to_display_p3([0, 255, 0]), [117, 251, 76]);
        // color(display-p3 0 0 0.9596).
        assert_eq!(to_display_p3([0, 0, 255]), [0, 0, 245]);
    }
}
