//! The size of a pixel, which is a property of frame, region and point, never of an image alone.
//!
//! An ultrasound image holds regions of different scales, and places without any; a projection knows its
//! pixels at the detector, where the patient was not. What is unknown is `None`.
//! Source: DICOM PS3.3 C.8.5.5 (US Region Calibration), 10.7.1.3 (Pixel Spacing calibration), C.8.11.3 (DX).

use super::{Instance, region_at};

/// Where a spacing comes from, which says what a length is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpacingSource {
    /// An ultrasound region that measures lengths.
    Region,
    /// Pixel Spacing (0028,0030): in the patient.
    PixelSpacing,
    /// Imager Pixel Spacing (0018,1164): at the detector, larger than in the patient.
    Detector,
}

/// The size of a pixel at a point.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// Between rows, between columns, in mm, as Pixel Spacing counts.
    pub mm: [f64; 2],
    /// Where it comes from.
    pub source: SpacingSource,
}

/// The size of a pixel of a frame at a point in pixels; `None` where the file says none.
///
/// An image with ultrasound regions is measured by them alone: what holds in one holds neither in another
/// nor beside them.
pub fn spacing_at(instance: &Instance, frame: u32, column: f64, row: f64) -> Option<Spacing> {
    if !instance.regions.is_empty() {
        let [x, y] = region_at(&instance.regions, column, row)?.spacing_mm()?;
        return Some(Spacing {
            mm: [y, x],
            source: SpacingSource::Region,
        });
    }
    let of_patient = instance.frame(frame).pixel_spacing_mm;
    let spacing = |source| move |mm| Spacing { mm, source };
    of_patient
        .map(spacing(SpacingSource::PixelSpacing))
        .or_else(|| {
            instance
                .imager_spacing_mm
                .map(spacing(SpacingSource::Detector))
        })
}

/// True where at least one region measures lengths.
pub fn has_length_region(instance: &Instance) -> bool {
    let mut regions = instance.regions.iter();
    regions.any(|region| region.spacing_mm().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn read(attributes: &str) -> Instance {
        let text = format!(
            r#"[{{"00080018":{{"Value":["1.2"]}},"00280010":{{"Value":[480]}},
            "00280011":{{"Value":[640]}},"00280100":{{"Value":[8]}}{attributes}}}]"#
        );
        Instance::from_dataset(&json::parse(&text).unwrap()[0]).unwrap()
    }

    /// A region by its bounds, deltas and units (3 = cm, 4 = s, 7 = cm/s).
    fn region([l, t, r, b]: [u32; 4], [dx, dy]: [f64; 2], [x, y]: [u32; 2]) -> String {
        format!(
            r#"{{"00186018":{{"Value":[{l}]}},"0018601A":{{"Value":[{t}]}},
            "0018601C":{{"Value":[{r}]}},"0018601E":{{"Value":[{b}]}},
            "0018602C":{{"Value":[{dx}]}},"0018602E":{{"Value":[{dy}]}},
            "00186024":{{"Value":[{x}]}},"00186026":{{"Value":[{y}]}}}}"#
        )
    }

    fn ultrasound(more: &str) -> Instance {
        let tissue = region([0, 0, 399, 239], [0.05, 0.025], [3, 3]);
        let zoomed = region([400, 0, 639, 239], [0.0125, 0.0125], [3, 3]);
        let spectrum = region([0, 240, 639, 439], [0.004, -0.5], [4, 7]);
        read(&format!(
            r#","00186011":{{"vr":"SQ","Value":[{tissue},{zoomed},{spectrum}]}}{more}"#
        ))
    }

    fn at(instance: &Instance, column: f64, row: f64) -> Option<([f64; 2], SpacingSource)> {
        spacing_at(instance, 0, column, row).map(|spacing| (spacing.mm, spacing.source))
    }

    #[test]
    fn lesson_07_each_region_has_its_own_spacing() {
        let instance = ultrasound("");
        // 0.05 cm to the right and 0.025 cm downwards: 0.25 mm between rows, 0.5 mm between columns.
        let tissue = Some(([0.25, 0.5], SpacingSource::Region));
        assert_eq!(at(&instance, 100.0, 100.0), tissue);
        let zoomed = Some(([0.125, 0.125], SpacingSource::Region));
        assert_eq!(at(&instance, 500.0, 100.0), zoomed);
        assert!(has_length_region(&instance));
    }

    #[test]
    fn lesson_07_a_spectrum_and_the_ground_between_regions_have_no_spacing() {
        let instance = ultrasound("");
        assert_eq!(at(&instance, 100.0, 300.0), None);
        assert_eq!(at(&instance, 100.0, 460.0), None);
    }

    #[test]
    fn lesson_07_a_spacing_of_the_whole_image_does_not_stand_in_for_a_region() {
        let instance = ultrasound(r#","00280030":{"Value":[1,1]}"#);
        assert_eq!(at(&instance, 100.0, 300.0), None);
        assert_eq!(at(&instance, 100.0, 460.0), None);
        assert_eq!(
            at(&instance, 100.0, 100.0),
            Some(([0.25, 0.5], SpacingSource::Region))
        );
    }

    #[test]
    fn lesson_07_the_detector_is_told_apart_from_the_patient() {
        let detector = r#","00181164":{"Value":[0.14,0.15]}"#;
        assert_eq!(
            at(&read(detector), 1.0, 1.0),
            Some(([0.14, 0.15], SpacingSource::Detector))
        );
        let both = format!(r#"{detector},"00280030":{{"Value":[0.1,0.11]}}"#);
        assert_eq!(
            at(&read(&both), 1.0, 1.0),
            Some(([0.1, 0.11], SpacingSource::PixelSpacing))
        );
        assert_eq!(at(&read(""), 1.0, 1.0), None);
    }
}
