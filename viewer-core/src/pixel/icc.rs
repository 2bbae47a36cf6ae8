//! Colours of a file's own ICC profile as colours of the screen.
//!
//! Source: DICOM PS3.3 C.11.15 (ICC Profile Module), ICC.1.

use qcms::{DataType, Intent, Profile, Transform};

/// Tags that the reader of profiles does not bear with, whatever they hold.
const REFUSED_TAGS: [&[u8; 4]; 1] = [b"cicp"];
/// Bytes before the tag table of a profile, and bytes of an entry.
const HEADER_BYTES: usize = 128;
const ENTRY_BYTES: usize = 12;
/// Most bytes of a profile that is read.
const MOST_BYTES: usize = 8 << 20;

/// Colours of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScreenColors {
    /// sRGB.
    #[default]
    Srgb,
    /// Display P3: the primaries of DCI-P3, white D65, the curve of sRGB.
    DisplayP3,
}

/// The way from a profile's colours to those of the screen.
pub struct ColorTransform {
    transform: Option<Transform>,
}

impl std::fmt::Debug for ColorTransform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColorTransform").finish_non_exhaustive()
    }
}

impl ColorTransform {
    /// Reads a profile; `None` where it is damaged, is not for RGB, or uses what is not supported.
    pub fn new(profile: &[u8], screen: ScreenColors) -> Option<Self> {
        if profile.len() > MOST_BYTES || names_a_refused_tag(profile)? {
            return None;
        }
        // The colours of the data: RGB, ICC.1 7.2.6.
        if profile.get(16..20)? != b"RGB " {
            return None;
        }
        let input = Profile::new_from_slice(profile, false)?;
        if input.is_sRGB() && screen == ScreenColors::Srgb {
            return Some(Self { transform: None });
        }
        let output = screen.profile()?;
        let intent = Intent::RelativeColorimetric;
        let transform = Transform::new(&input, &output, DataType::RGB8, intent)?;
        Some(Self {
            transform: Some(transform),
        })
    }

    /// Converts interleaved 8-bit RGB in place.
    pub fn apply(&self, rgb: &mut [u8]) {
        let whole = rgb.len() / 3 * 3;
        if let (Some(transform), Some(pixels)) = (&self.transform, rgb.get_mut(..whole)) {
            transform.apply(pixels);
        }
    }
}

impl ScreenColors {
    fn profile(self) -> Option<Box<Profile>> {
        match self {
            Self::Srgb => Some(Profile::new_sRGB()),
            // CSS Color 4, section 10.4: SMPTE EG 432-1 primaries, D65, the curve of sRGB.
            Self::DisplayP3 => {
                let place = |x, y| qcms::CIE_xyY { x, y, Y: 1.0 };
                let primaries = qcms::CIE_xyYTRIPLE {
                    red: place(0.680, 0.320),
                    green: place(0.265, 0.690),
                    blue: place(0.150, 0.060),
                };
                Profile::new_rgb_with_table(place(0.3127, 0.3290), primaries, &srgb_curve())
            }
        }
    }
}

/// The curve of IEC 61966-2-1 from levels to linear light, 16 bits each.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0..=65535"
)]
fn srgb_curve() -> Vec<u16> {
    let linear = |level: f64| {
        if level <= 0.040_45 {
            level / 12.92
        } else {
            ((level + 0.055) / 1.055).powf(2.4)
        }
    };
    (0..1024)
        .map(|place| (linear(f64::from(place) / 1023.0) * 65_535.0).round() as u16)
        .collect()
}

/// Looks through the tag table; `None` where it is cut off.
fn names_a_refused_tag(profile: &[u8]) -> Option<bool> {
    let (count, entries) = profile.get(HEADER_BYTES..)?.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
    let table = entries.get(..count.checked_mul(ENTRY_BYTES)?)?;
    Some(
        table
            .chunks_exact(ENTRY_BYTES)
            .any(|entry| REFUSED_TAGS.iter().any(|tag| entry.starts_with(*tag))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix profile of ICC.1 version 2: primaries as columns of XYZ at D50, one gamma for all channels.
    fn profile(columns: [[f64; 3]; 3], gamma: f64) -> Vec<u8> {
        let fixed = |number: f64| ((number * 65_536.0).round() as i32).to_be_bytes();
        let xyz = |[x, y, z]: [f64; 3]| {
            let mut tag = b"XYZ \0\0\0\0".to_vec();
            for number in [x, y, z] {
                tag.extend(fixed(number));
            }
            tag
        };
        let mut curve = b"curv\0\0\0\0\0\0\0\x01".to_vec();
        curve.extend(((gamma * 256.0).round() as u16).to_be_bytes());
        curve.extend([0, 0]);
        let white = [0.9642, 1.0, 0.8249];
        let tags = [
            (b"wtpt", xyz(white)),
            (b"rXYZ", xyz(columns[0])),
            (b"gXYZ", xyz(columns[1])),
            (b"bXYZ", xyz(columns[2])),
            (b"rTRC", curve.clone()),
            (b"gTRC", curve.clone()),
            (b"bTRC", curve),
        ];
        let mut table = (tags.len() as u32).to_be_bytes().to_vec();
        let mut body = Vec::new();
        let start = 128 + 4 + 12 * tags.len();
        for (name, data) in tags {
            table.extend(name);
            table.extend(((start + body.len()) as u32).to_be_bytes());
            table.extend((data.len() as u32).to_be_bytes());
            body.extend(data);
        }
        let mut whole = vec![0; 128];
        whole[8..12].copy_from_slice(&[2, 0x40, 0, 0]);
        whole[12..24].copy_from_slice(b"mntrRGB XYZ ");
        whole[36..40].copy_from_slice(b"acsp");
        whole[68..80].copy_from_slice(&[0, 0, 0xf6, 0xd6, 0, 1, 0, 0, 0, 0, 0xd3, 0x2d]);
        whole.extend(table);
        whole.extend(body);
        let length = whole.len() as u32;
        whole[..4].copy_from_slice(&length.to_be_bytes());
        whole
    }

    /// Columns of Adobe RGB (1998) and of sRGB at D50, as their specifications give them.
    const ADOBE: [[f64; 3]; 3] = [
        [0.60974, 0.31111, 0.01947],
        [0.20528, 0.62567, 0.06087],
        [0.14919, 0.06322, 0.74457],
    ];
    const SRGB: [[f64; 3]; 3] = [
        [0.43607, 0.22249, 0.01392],
        [0.38515, 0.71687, 0.09708],
        [0.14307, 0.06061, 0.71410],
    ];

    /// IEC 61966-2-1, from linear light.
    fn srgb_level(linear: f64) -> f64 {
        let linear = linear.clamp(0.0, 1.0);
        255.0
            * if linear <= 0.003_130_8 {
                12.92 * linear
            } else {
                1.055 * linear.powf(1.0 / 2.4) - 0.055
            }
    }

    #[test]
    fn adobe_rgb_becomes_srgb_by_the_matrices_of_both() {
        let transform = ColorTransform::new(&profile(ADOBE, 563.0 / 256.0), ScreenColors::Srgb)
            .expect("a valid profile");
        let from_xyz = glam::DMat3::from_cols_array_2d(&SRGB).inverse();
        let to_xyz = glam::DMat3::from_cols_array_2d(&ADOBE);
        for rgb in [
            [0, 0, 0],
            [255, 255, 255],
            [128, 128, 128],
            [200, 90, 60],
            [40, 140, 120],
        ] {
            let mut found = rgb;
            transform.apply(&mut found);
            let linear = rgb.map(|level: u8| (f64::from(level) / 255.0).powf(563.0 / 256.0));
            let expected = (from_xyz * (to_xyz * glam::DVec3::from(linear))).to_array();
            for (found, expected) in found.iter().zip(expected.map(srgb_level)) {
                assert!(
                    (f64::from(*found) - expected).abs() <= 1.0,
                    "{rgb:?}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn display_p3_needs_less_red_than_srgb_for_the_same_colour() {
        let p3 = ColorTransform::new(&profile(SRGB, 2.2), ScreenColors::DisplayP3)
            .expect("a valid profile");
        let mut red = [255, 0, 0];
        p3.apply(&mut red);
        // sRGB's red in Display P3, CSS Color 4: (0.917, 0.200, 0.139).
        for (found, expected) in red.iter().zip([234_u8, 51, 35]) {
            assert!(found.abs_diff(expected) <= 2, "{red:?}");
        }
    }

    /// Columns of Display P3 at D50: its primaries, white D65, adapted as ICC.1 annex E says.
    const P3: [[f64; 3]; 3] = [
        [0.51512, 0.24120, -0.00105],
        [0.29198, 0.69225, 0.04189],
        [0.15710, 0.06657, 0.78407],
    ];

    #[test]
    fn colours_of_display_p3_are_not_cut_on_such_a_screen() {
        let transform = ColorTransform::new(&profile(P3, 563.0 / 256.0), ScreenColors::DisplayP3)
            .expect("a valid profile");
        for rgb in [
            [255, 0, 0],
            [0, 255, 0],
            [0, 0, 255],
            [128, 128, 128],
            [40, 200, 120],
        ] {
            let mut found = rgb;
            transform.apply(&mut found);
            // Only the curve differs.
            let linear = rgb.map(|level: u8| (f64::from(level) / 255.0).powf(563.0 / 256.0));
            for (found, expected) in found.iter().zip(linear.map(srgb_level)) {
                let apart = (f64::from(*found) - expected).abs();
                assert!(apart <= 1.0, "{rgb:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn damaged_profiles_are_refused() {
        let whole = profile(ADOBE, 2.2);
        for length in 0..whole.len() {
            // Some cuts only take what is not needed; none may break down.
            let _ = ColorTransform::new(&whole[..length], ScreenColors::Srgb);
        }
        assert!(ColorTransform::new(&whole[..100], ScreenColors::Srgb).is_none());
        let mut grey = whole.clone();
        grey[16..20].copy_from_slice(b"GRAY");
        assert!(ColorTransform::new(&grey, ScreenColors::Srgb).is_none());
        let mut refused = whole;
        refused[132..136].copy_from_slice(b"cicp");
        assert!(ColorTransform::new(&refused, ScreenColors::Srgb).is_none());
    }
}
