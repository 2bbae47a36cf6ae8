//! A small ICC profile for input devices: three colorants and one gamma, and what it means in sRGB.
//!
//! Source: ICC.1:2001-04 (version 2), 6.1 (header), 6.2 (tag table), 6.5.2 curveType, 6.5.20 XYZType; IEC 61966-2-1
//! (sRGB). All colours are relative to the profile connection space's white, D50.

use super::formula::byte;

/// Red, green and blue of a device in XYZ, adapted to D50, as numbers of 16 fractional bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colorants {
    columns: [[i32; 3]; 3],
}

/// D50 in the profile's numbers: 0.9642, 1, 0.8249.
const D50: [i32; 3] = [63_190, 65_536, 54_061];

/// The gamma of all profiles here, 563/256 = 2.19921875, as Adobe RGB (1998) has it.
const GAMMA: u16 = 563;

/// The primaries of Adobe RGB (1998), 4.3.5.3, adapted to D50.
pub(super) const ADOBE_RGB: Colorants = Colorants {
    columns: [
        [39_960, 20_389, 1276],
        [13_453, 41_004, 3989],
        [9777, 4143, 48_796],
    ],
};

/// The primaries of sRGB adapted to D50, as the profile of IEC 61966-2-1 holds them.
const SRGB: Colorants = Colorants {
    columns: [
        [28_578, 14_581, 912],
        [25_241, 46_981, 6362],
        [9376, 3972, 46_799],
    ],
};

/// The primaries of Display P3 (SMPTE EG 432-1, white D65), adapted to D50 as ICC.1 annex E says.
pub(super) const DISPLAY_P3: Colorants = Colorants {
    columns: [
        [33_759, 15_807, -69],
        [19_135, 45_367, 2745],
        [10_296, 4363, 51_385],
    ],
};

/// sRGB with red and blue exchanged: who ignores the profile shows blue for red.
pub(super) const SWAPPED: Colorants = Colorants {
    columns: [SRGB.columns[2], SRGB.columns[1], SRGB.columns[0]],
};

impl Colorants {
    /// The bytes of the profile.
    pub(super) fn profile(&self) -> Vec<u8> {
        let number = |value: i32| value.to_be_bytes();
        let xyz = |values: [i32; 3]| {
            let mut out = b"XYZ \0\0\0\0".to_vec();
            out.extend(values.iter().flat_map(|value| number(*value)));
            out
        };
        let mut curve = b"curv\0\0\0\0\0\0\0\x01".to_vec();
        curve.extend(GAMMA.to_be_bytes());
        let text = b"text\0\0\0\0Made up\0".to_vec();
        let name = b"Made-up RGB\0";
        let mut description = b"desc\0\0\0\0".to_vec();
        description.extend((name.len() as u32).to_be_bytes());
        description.extend(name);
        // No Unicode and no Macintosh name.
        description.extend([0; 78]);
        let [red, green, blue] = self.columns;
        let entries: [(&[u8; 4], Vec<u8>); 9] = [
            (b"desc", description),
            (b"cprt", text),
            (b"wtpt", xyz(D50)),
            (b"rXYZ", xyz(red)),
            (b"gXYZ", xyz(green)),
            (b"bXYZ", xyz(blue)),
            (b"rTRC", curve.clone()),
            (b"gTRC", curve.clone()),
            (b"bTRC", curve),
        ];
        let mut table = (entries.len() as u32).to_be_bytes().to_vec();
        let mut body = Vec::new();
        let start = 128 + 4 + entries.len() * 12;
        for (signature, mut content) in entries {
            table.extend(signature);
            table.extend(((start + body.len()) as u32).to_be_bytes());
            table.extend((content.len() as u32).to_be_bytes());
            content.resize(content.len().next_multiple_of(4), 0);
            body.extend(content);
        }
        let size = (start + body.len()) as u32;
        let mut out = size.to_be_bytes().to_vec();
        out.extend([0; 4]);
        out.extend([2, 0x40, 0, 0]);
        out.extend(b"scnrRGB XYZ ");
        for part in [2026_u16, 6, 1, 8, 0, 0] {
            out.extend(part.to_be_bytes());
        }
        out.extend(b"acsp");
        out.extend([0; 28]);
        out.extend(D50.iter().flat_map(|value| number(*value)));
        out.resize(128, 0);
        out.extend(table);
        out.extend(body);
        out
    }

    fn matrix(&self) -> [[f64; 3]; 3] {
        self.columns
            .map(|column| column.map(|value| f64::from(value) / 65_536.0))
    }
}

/// sRGB of a device's colour: gamma, colorants, the inverse of sRGB's colorants, the curve of IEC 61966-2-1.
pub(super) fn srgb_from(device: &Colorants, rgb: [u8; 3]) -> [u8; 3] {
    let linear = rgb.map(|value| (f64::from(value) / 255.0).powf(f64::from(GAMMA) / 256.0));
    let [red, green, blue] = device.matrix();
    let xyz = [0, 1, 2].map(|k| red[k] * linear[0] + green[k] * linear[1] + blue[k] * linear[2]);
    solved(SRGB.matrix(), xyz).map(|value| {
        let value = value.clamp(0.0, 1.0);
        byte(if value <= 0.003_130_8 {
            12.92 * value
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        })
    })
}

/// Solves three columns times x = right, by Cramer's rule.
fn solved(columns: [[f64; 3]; 3], right: [f64; 3]) -> [f64; 3] {
    let determinant = |[a, b, c]: [[f64; 3]; 3]| {
        a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1])
            + c[0] * (a[1] * b[2] - a[2] * b[1])
    };
    let whole = determinant(columns);
    [0, 1, 2].map(|k| {
        let mut other = columns;
        other[k] = right;
        determinant(other) / whole
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colorants_of_a_profile_add_up_to_white() {
        for colorants in [ADOBE_RGB, SRGB, DISPLAY_P3] {
            for k in 0..3 {
                let sum: i32 = colorants.columns.iter().map(|column| column[k]).sum();
                assert!((sum - D50[k]).abs() <= 16, "{sum} for {}", D50[k]);
            }
        }
    }

    #[test]
    fn the_profile_says_its_own_length() {
        let profile = ADOBE_RGB.profile();
        assert_eq!(profile[..4], (profile.len() as u32).to_be_bytes());
        assert_eq!(&profile[36..40], b"acsp");
    }

    #[test]
    fn grey_stays_grey_and_saturated_green_is_cut() {
        let [red, green, blue] = srgb_from(&ADOBE_RGB, [128, 128, 128]);
        assert!(red.abs_diff(green) <= 1 && green.abs_diff(blue) <= 1);
        assert_eq!(srgb_from(&ADOBE_RGB, [0, 255, 0])[..2], [0, 255]);
        assert_eq!(srgb_from(&DISPLAY_P3, [255, 0, 0]), [255, 0, 0]);
        assert_eq!(srgb_from(&SWAPPED, [255, 0, 0]), [0, 0, 255]);
    }
}
