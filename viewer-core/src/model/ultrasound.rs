//! Ultrasound regions: what a pixel of a region measures, and in which unit.
//!
//! An ultrasound image holds several scales side by side: tissue in cm, a Doppler spectrum of seconds by cm/s,
//! an ECG. So there is no spacing of the image, only one at (frame, region, point).
//! Source: DICOM PS3.3 C.8.5.5 (US Region Calibration).

use super::tags;
use protocol::dicomweb::json::Dataset;

/// Physical unit of a region's axis, C.8.5.5.1.15 and 1.16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionUnit {
    /// No unit, or one that the standard does not name.
    None,
    /// Percent.
    Percent,
    /// Decibel.
    Decibel,
    /// Centimetre.
    Centimetre,
    /// Second.
    Second,
    /// 1/s.
    Hertz,
    /// dB/s.
    DecibelPerSecond,
    /// cm/s.
    CentimetrePerSecond,
    /// cm2.
    SquareCentimetre,
    /// cm2/s.
    SquareCentimetrePerSecond,
    /// cm3.
    CubicCentimetre,
    /// cm3/s.
    CubicCentimetrePerSecond,
    /// Degree of angle.
    Degree,
}

impl RegionUnit {
    fn of(code: u32) -> Self {
        match code {
            1 => Self::Percent,
            2 => Self::Decibel,
            3 => Self::Centimetre,
            4 => Self::Second,
            5 => Self::Hertz,
            6 => Self::DecibelPerSecond,
            7 => Self::CentimetrePerSecond,
            8 => Self::SquareCentimetre,
            9 => Self::SquareCentimetrePerSecond,
            10 => Self::CubicCentimetre,
            11 => Self::CubicCentimetrePerSecond,
            12 => Self::Degree,
            _ => Self::None,
        }
    }

    /// On screen.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Percent => "%",
            Self::Decibel => "dB",
            Self::Centimetre => "cm",
            Self::Second => "s",
            Self::Hertz => "Hz",
            Self::DecibelPerSecond => "dB/s",
            Self::CentimetrePerSecond => "cm/s",
            Self::SquareCentimetre => "cm\u{b2}",
            Self::SquareCentimetrePerSecond => "cm\u{b2}/s",
            Self::CubicCentimetre => "cm\u{b3}",
            Self::CubicCentimetrePerSecond => "cm\u{b3}/s",
            Self::Degree => "\u{b0}",
        }
    }
}

/// One region of an ultrasound image.
#[derive(Debug, Clone, PartialEq)]
pub struct UltrasoundRegion {
    /// First column, first row, last column, last row, counted from 0.
    pub bounds: [u32; 4],
    /// Unit of x and y.
    pub units: [RegionUnit; 2],
    /// What one pixel to the right and one downwards is worth.
    pub deltas: [f64; 2],
    /// Column and row, from the region's first pixel, that have the reference values.
    pub reference: [f64; 2],
    /// Value of x and y there.
    pub reference_values: [f64; 2],
    /// Region Spatial Format: 1 = 2D, 2 = M-mode, 3 = spectral, 4 = wave form, 5 = graphics.
    pub format: u32,
    /// Region Data Type, C.8.5.5.1.2: 1 = tissue, 2 = colour flow, 3 = PW Doppler, ...
    pub kind: u32,
    /// Lower priority lies on top where regions overlap: Region Flags bit 0 says so.
    pub is_low_priority: bool,
}

/// What stands under a point of a region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegionValue {
    /// Value along x, from the reference pixel.
    pub x: f64,
    /// Value along y; upwards is positive where the scale is a velocity, as the reference says.
    pub y: f64,
    /// Units of both.
    pub units: [RegionUnit; 2],
}

impl UltrasoundRegion {
    /// True where a pixel lies in it.
    pub fn contains(&self, column: f64, row: f64) -> bool {
        let [left, top, right, bottom] = self.bounds.map(f64::from);
        (left - 0.5..right + 0.5).contains(&column) && (top - 0.5..bottom + 0.5).contains(&row)
    }

    /// Physical values at a point, in pixels of the frame.
    pub fn value_at(&self, column: f64, row: f64) -> RegionValue {
        let [left, top, ..] = self.bounds.map(f64::from);
        let x = column - left - self.reference[0];
        let y = row - top - self.reference[1];
        RegionValue {
            x: x * self.deltas[0] + self.reference_values[0],
            y: y * self.deltas[1] + self.reference_values[1],
            units: self.units,
        }
    }

    /// Millimetres between columns and between rows; `None` where an axis is no length.
    pub fn spacing_mm(&self) -> Option<[f64; 2]> {
        let is_length = self.units == [RegionUnit::Centimetre; 2];
        is_length.then(|| [self.deltas[0].abs() * 10.0, self.deltas[1].abs() * 10.0])
    }

    /// In words.
    pub fn name(&self) -> &'static str {
        match (self.kind, self.format) {
            (1, 2) => "M-mode",
            (1, _) => "Tissue",
            (2, _) => "Colour flow",
            (3, _) => "PW Doppler",
            (4, _) => "CW Doppler",
            (0xA, _) => "ECG",
            (_, 1) => "2D",
            (_, 2) => "M-mode",
            (_, 3) => "Spectrum",
            (_, 4) => "Wave form",
            _ => "Region",
        }
    }
}

/// The regions of an image of `columns` x `rows`; what makes no sense is left out with a note.
pub(super) fn regions(
    set: &Dataset,
    [columns, rows]: [u32; 2],
    notes: &mut Vec<String>,
) -> Vec<UltrasoundRegion> {
    let items = set.items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS);
    let found: Vec<_> = (items.iter())
        .filter_map(|item| region(item, [columns, rows]))
        .collect();
    if found.len() < items.len() {
        notes.push("an ultrasound region that is not valid is ignored".into());
    }
    found
}

fn region(item: &Dataset, [columns, rows]: [u32; 2]) -> Option<UltrasoundRegion> {
    let bounds = [0x0018_6018, 0x0018_601A, 0x0018_601C, 0x0018_601E].map(|tag| item.whole(tag));
    let [left, top, right, bottom] = bounds;
    let bounds = [left?, top?, right?, bottom?];
    let [left, top, right, bottom] = bounds;
    let is_on_image = left <= right && top <= bottom && left < columns && top < rows;
    // A last pixel one beyond the image occurs where writers count from 1.
    if !is_on_image || right > columns || bottom > rows {
        return None;
    }
    let deltas = [0x0018_602C, 0x0018_602E].map(|tag| item.number(tag));
    let deltas = [deltas[0]?, deltas[1]?];
    if deltas.contains(&0.0) {
        return None;
    }
    let number = |tag| item.number(tag).unwrap_or(0.0);
    let flags = item.whole(0x0018_6016).unwrap_or(0);
    Some(UltrasoundRegion {
        bounds,
        units: [0x0018_6024, 0x0018_6026].map(|tag| RegionUnit::of(item.whole(tag).unwrap_or(0))),
        deltas,
        reference: [number(0x0018_6020), number(0x0018_6022)],
        reference_values: [number(0x0018_6028), number(0x0018_602A)],
        format: item.whole(0x0018_6012).unwrap_or(0),
        kind: item.whole(0x0018_6014).unwrap_or(0),
        is_low_priority: flags & 1 == 1,
    })
}

/// The region at a point: where several overlap, one of high priority, else the smallest.
pub fn region_at(regions: &[UltrasoundRegion], column: f64, row: f64) -> Option<&UltrasoundRegion> {
    let area = |region: &UltrasoundRegion| {
        let [left, top, right, bottom] = region.bounds;
        u64::from(right - left + 1) * u64::from(bottom - top + 1)
    };
    regions
        .iter()
        .filter(|region| region.contains(column, row))
        .min_by_key(|region| (region.is_low_priority, area(region)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn read(items: &str) -> (Vec<UltrasoundRegion>, Vec<String>) {
        let text = format!(r#"[{{"00186011":{{"vr":"SQ","Value":[{items}]}}}}]"#);
        let set = json::parse(&text).unwrap().remove(0);
        let mut notes = Vec::new();
        let found = regions(&set, [640, 480], &mut notes);
        (found, notes)
    }

    fn item(bounds: [i32; 4], deltas: &str, units: [u32; 2], more: &str) -> String {
        let [l, t, r, b] = bounds;
        let [x, y] = units;
        format!(
            r#"{{"00186018":{{"Value":[{l}]}},"0018601A":{{"Value":[{t}]}},"0018601C":{{"Value":[{r}]}},
            "0018601E":{{"Value":[{b}]}},{deltas},"00186024":{{"Value":[{x}]}},"00186026":{{"Value":[{y}]}}{more}}}"#
        )
    }

    const CM: &str = r#""0018602C":{"Value":[0.05]},"0018602E":{"Value":[0.025]}"#;

    #[test]
    fn each_region_has_its_own_spacing() {
        let doppler = r#""0018602C":{"Value":[0.004]},"0018602E":{"Value":[-0.5]}"#;
        let baseline = r#","00186022":{"Value":[60]}"#;
        let (found, notes) = read(
            &[
                item([0, 0, 399, 239], CM, [3, 3], ""),
                item([0, 240, 639, 479], doppler, [4, 7], baseline),
            ]
            .join(","),
        );
        assert!(notes.is_empty());
        let tissue = region_at(&found, 100.0, 100.0).unwrap();
        assert_eq!(tissue.spacing_mm(), Some([0.5, 0.25]));
        let spectrum = region_at(&found, 250.0, 280.0).unwrap();
        assert_eq!(spectrum.spacing_mm(), None);
        let value = spectrum.value_at(250.0, 280.0);
        assert_eq!([value.x, value.y], [1.0, 10.0]);
        assert_eq!(value.units.map(RegionUnit::symbol), ["s", "cm/s"]);
        assert_eq!(region_at(&found, 500.0, 100.0), None);
    }

    #[test]
    fn regions_outside_or_without_scale_are_ignored_with_a_note() {
        let zero = r#""0018602C":{"Value":[0]},"0018602E":{"Value":[0.1]}"#;
        let no_number = r#""0018602C":{"Value":["NaN"]},"0018602E":{"Value":[0.1]}"#;
        for broken in [
            item([700, 0, 800, 10], CM, [3, 3], ""),
            item([-5, 0, 80, 10], CM, [3, 3], ""),
            item([50, 0, 10, 10], CM, [3, 3], ""),
            item([0, 0, 80, 10], zero, [3, 3], ""),
            item([0, 0, 80, 10], no_number, [3, 3], ""),
        ] {
            let (found, notes) = read(&broken);
            assert_eq!((found.len(), notes.len()), (0, 1), "{broken}");
        }
    }

    #[test]
    fn the_smaller_of_two_regions_lies_on_top_but_for_its_priority() {
        let low = r#","00186016":{"Value":[1]}"#;
        let large = item([0, 0, 300, 300], CM, [3, 3], "");
        let small = item([10, 10, 50, 50], CM, [4, 4], "");
        let (found, _) = read(&format!("{large},{small}"));
        assert_eq!(region_at(&found, 20.0, 20.0).unwrap().bounds[0], 10);
        let small = item([10, 10, 50, 50], CM, [4, 4], low);
        let (found, _) = read(&format!("{large},{small}"));
        assert_eq!(region_at(&found, 20.0, 20.0).unwrap().bounds[0], 0);
    }
}
