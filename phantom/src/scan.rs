//! CT series taken of an anatomy: slices with the sharpness and noise of a kernel, and a localizer.
//!
//! Source: PS3.3 A.3 and C.8.2 (CT Image).

use crate::PhantomError;
use crate::ct::{Anatomy, Grid};
use crate::dicom::{Encoding, Pixels, Place, Plane, Samples};
use crate::filter::{blur, correlated_noise, sharpen};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use glam::DVec3;
use std::sync::Arc;

/// CT Image Storage.
pub(crate) const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Stored value of 0 HU: Rescale Intercept is its negative.
const OFFSET: f64 = 1024.0;

/// How raw data become a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Smooth, little noise: organs.
    Soft,
    /// Sharp, noisy: lungs.
    Lung,
}

impl Kernel {
    /// Standard deviation of the noise, in HU.
    pub fn noise_hu(self) -> f64 {
        match self {
            Self::Soft => 11.0,
            Self::Lung => 34.0,
        }
    }

    /// The convolution kernel's name.
    fn name(self) -> &'static str {
        match self {
            Self::Soft => "SOFT",
            Self::Lung => "LUNG",
        }
    }

    /// Window centres, widths and explanations, the first one first.
    fn windows(self) -> [&'static str; 3] {
        match self {
            Self::Soft => ["40\\-600", "400\\1500", "SOFT TISSUE\\LUNG"],
            Self::Lung => ["-600\\40", "1500\\400", "LUNG\\SOFT TISSUE"],
        }
    }

    fn apply(self, values: &mut [f32], columns: usize, seed: u64) {
        let sigma = self.noise_hu() as f32;
        let noise = match self {
            Self::Soft => {
                blur(values, columns, 0.62);
                correlated_noise(values.len(), columns, 0.85, seed)
            }
            Self::Lung => {
                blur(values, columns, 0.4);
                sharpen(values, columns, 0.7);
                correlated_noise(values.len(), columns, 0.45, seed)
            }
        };
        for (value, noise) in values.iter_mut().zip(noise) {
            // Air outside is quieter than tissue, as after reconstruction.
            *value += noise * sigma * if *value < -960.0 { 0.6 } else { 1.0 };
        }
    }
}

/// A series of axial slices from head to foot.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Where the series belongs.
    pub place: Place,
    /// What is scanned.
    pub anatomy: Arc<Anatomy>,
    /// The kernel.
    pub kernel: Kernel,
    /// Rows and columns.
    pub side: u16,
    /// Distance between pixels, in mm.
    pub spacing_mm: f64,
    /// Level of the first slice, in mm.
    pub top_mm: f64,
    /// Distance from slice to slice, which is also the thickness, in mm.
    pub step_mm: f64,
    /// Number of slices.
    pub slices: usize,
    /// The contrast medium, if one was given.
    pub contrast: Option<&'static str>,
}

impl Scan {
    /// Level of slice `index`, in mm.
    pub fn z_mm(&self, index: usize) -> f64 {
        self.top_mm - index as f64 * self.step_mm
    }

    /// Places of the pixels of slice `index`.
    pub fn grid(&self, index: usize) -> Grid {
        let side = usize::from(self.side);
        let half = (side as f64 - 1.0) * 0.5 * self.spacing_mm;
        Grid {
            columns: side,
            rows: side,
            first_mm: DVec3::new(-half, 18.0 - half, self.z_mm(index)),
            column_spacing_mm: self.spacing_mm,
            row_spacing_mm: self.spacing_mm,
        }
    }

    /// The file of slice `index` (0-based; its instance number is one more).
    pub fn file(&self, index: usize, encoding: Encoding) -> Result<Vec<u8>, PhantomError> {
        let grid = self.grid(index);
        let mut values = self.anatomy.slice(&grid);
        let seed = crate::random::hash(self.place.seed, &self.place.instance_uid(index + 1));
        self.kernel.apply(&mut values, grid.columns, seed);
        let words = values.iter().map(|hu| stored(*hu)).collect();
        let pixels = Pixels {
            photometric: "MONOCHROME2",
            rows: self.side,
            columns: self.side,
            samples_per_pixel: 1,
            bits_stored: 12,
            signed: false,
            frames: 1,
            samples: Samples::Words(words),
        };
        let mut set = self
            .place
            .dataset(CT_IMAGE, index + 1, "ORIGINAL\\PRIMARY\\AXIAL");
        self.place.plane(
            &mut set,
            &Plane {
                position_mm: grid.first_mm.to_array(),
                orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
                row_spacing_mm: self.spacing_mm,
                column_spacing_mm: self.spacing_mm,
                thickness_mm: self.step_mm,
            },
        );
        technique(&mut set);
        set.decimals(tags::SLICE_LOCATION, &[grid.first_mm.z]);
        set.decimals(tags::SPACING_BETWEEN_SLICES, &[self.step_mm]);
        set.text(tags::CONVOLUTION_KERNEL, VR::SH, self.kernel.name());
        if let Some(agent) = self.contrast {
            set.text(tags::CONTRAST_BOLUS_AGENT, VR::LO, agent);
        }
        let [centers, widths, explanations] = self.kernel.windows();
        set.text(tags::WINDOW_CENTER, VR::DS, centers);
        set.text(tags::WINDOW_WIDTH, VR::DS, widths);
        set.text(tags::WINDOW_CENTER_WIDTH_EXPLANATION, VR::LO, explanations);
        set.into_file(&pixels, encoding)
    }
}

/// Attributes of the CT image module that all images share.
pub(crate) fn technique(set: &mut crate::dicom::Dataset) {
    set.text(tags::PATIENT_POSITION, VR::CS, "HFS");
    set.integer(tags::ACQUISITION_NUMBER, 1);
    set.text(tags::KVP, VR::DS, "120");
    set.text(tags::X_RAY_TUBE_CURRENT, VR::IS, "210");
    set.text(tags::EXPOSURE_TIME, VR::IS, "500");
    set.text(tags::GANTRY_DETECTOR_TILT, VR::DS, "0");
    set.text(tags::RESCALE_INTERCEPT, VR::DS, "-1024");
    set.text(tags::RESCALE_SLOPE, VR::DS, "1");
    set.text(tags::RESCALE_TYPE, VR::LO, "HU");
}

/// The stored value of a number of Hounsfield units, held within 12 bits.
fn stored(hu: f32) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "held within 0..=4095"
    )]
    let word = (f64::from(hu) + OFFSET).round().clamp(0.0, 4095.0) as u16;
    word
}
