//! Windows: which presets a modality has, what a drag does, and the window of an image without one.
//!
//! Source: DICOM PS3.3 C.11.2.1.2 (Window Center and Window Width).

use super::overlay::{number, window_number};
use crate::model::NamedVoi;
use crate::model::suv::SuvKind;
use crate::pixel::{SampleType, VoiFunction, VoiLut, Window};

/// Where the window on screen comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WindowSource {
    /// The file's own, by its place in the list; the first one at first paint.
    File(usize),
    /// A preset of the modality, by its place in [`presets`].
    Preset(usize),
    /// Set by the user.
    User(Window),
}

/// A named window that a number key chooses.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Name on screen.
    pub name: String,
    /// Center and width in modality units.
    pub window: Window,
    /// What choosing it sets.
    pub source: WindowSource,
}

/// CT presets in Hounsfield units: name, width, center. Customary values of radiology departments.
const CT: [(&str, f64, f64); 6] = [
    ("Soft tissue", 400.0, 40.0),
    ("Lung", 1500.0, -600.0),
    ("Bone", 2000.0, 400.0),
    ("Brain", 80.0, 40.0),
    ("Liver", 160.0, 60.0),
    ("Angio", 600.0, 200.0),
];

/// Upper ends of windows of PET from 0, in standardized uptake values. Customary values of nuclear medicine.
const PET: [(&str, f64); 5] = [
    ("SUV 0\u{2013}5", 5.0),
    ("SUV 0\u{2013}7", 7.0),
    ("SUV 0\u{2013}10", 10.0),
    ("SUV 0\u{2013}15", 15.0),
    ("SUV 0\u{2013}20", 20.0),
];

/// What decides which windows are customary for an image.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Customary<'a> {
    /// Modality of its series.
    pub modality: &'a str,
    /// Unit of its modality values.
    pub unit: &'a str,
    /// What these are multiplied by for standardized uptake values, where that is known.
    pub suv: Option<f64>,
}

impl Customary<'_> {
    /// The customary windows, by their places.
    fn windows(self) -> Vec<(&'static str, VoiLut)> {
        if let Some(factor) = self.suv {
            let window = |(name, upper): (&'static str, f64)| {
                let width = upper / factor;
                let center = width / 2.0;
                // Ends at 0 and at the upper value exactly: values may be as small as the offsets of the other function.
                (name, VoiLut::LinearExact(Window { center, width }))
            };
            return PET.into_iter().map(window).collect();
        }
        if (self.modality, self.unit) != ("CT", "HU") {
            return Vec::new();
        }
        let window = |(name, width, center)| (name, VoiLut::Linear(Window { center, width }));
        CT.into_iter().map(window).collect()
    }
}

/// Name of a file's window that has no explanation.
const UNNAMED: &str = "From file";

/// The presets of an image, the file's own first: key 1 is from the file.
pub fn presets(of: Customary, file: &[NamedVoi]) -> Vec<Preset> {
    let own = file.iter().enumerate().map(|(index, named)| Preset {
        name: name_of(file, index),
        window: span(&named.voi),
        source: WindowSource::File(index),
    });
    // A customary window that the file names too is offered once, as the file's.
    let is_new = |voi: &VoiLut| file.iter().all(|named| named.voi != *voi);
    let customary = of.windows().into_iter().enumerate();
    let customary = customary.filter(|(_, (_, voi))| is_new(voi));
    own.chain(customary.map(|(index, (name, voi))| Preset {
        name: name.to_owned(),
        window: span(&voi),
        source: WindowSource::Preset(index),
    }))
    .collect()
}

/// The curve that a source stands for, and its name (empty for the user's own); `fallback` where the file has
/// none. A user's window keeps the function of the file's.
pub fn resolve(
    source: WindowSource,
    of: Customary,
    file: &[NamedVoi],
    function: VoiFunction,
    fallback: Window,
) -> (VoiLut, String) {
    let from_file = |index: usize| {
        let index = if index < file.len() { index } else { 0 };
        file.get(index).map_or_else(
            || (VoiLut::Linear(fallback), "Full range".to_owned()),
            |named| (named.voi.clone(), name_of(file, index)),
        )
    };
    match source {
        WindowSource::File(index) => from_file(index),
        WindowSource::Preset(index) => match of.windows().into_iter().nth(index) {
            Some((name, voi)) => (voi, name.to_owned()),
            None => from_file(0),
        },
        WindowSource::User(window) => (function.with(window), String::new()),
    }
}

/// Width and center as they are shown: in uptake values where the image has such.
pub fn window_words(window: Window, uptake: Option<(SuvKind, f64)>) -> [String; 2] {
    let [width, center] = [window.width, window.center].map(|value| match uptake {
        Some((_, factor)) => value * factor,
        None => value,
    });
    match uptake {
        Some((kind, _)) => [
            number(width, 2),
            format!("{} {}", number(center, 2), kind.unit()),
        ],
        None => [window_number(width), window_number(center)],
    }
}

/// Center and width of a curve: those of a window, or the range of inputs that a table has entries for.
pub fn span(voi: &VoiLut) -> Window {
    match voi {
        VoiLut::Linear(window) | VoiLut::LinearExact(window) | VoiLut::Sigmoid(window) => *window,
        VoiLut::Table(lut) => {
            let [first, last] = lut.input_range();
            full_range(first, last)
        }
    }
}

fn name_of(file: &[NamedVoi], index: usize) -> String {
    let Some(named) = file.get(index) else {
        return String::new();
    };
    // Tables come before windows, and both are counted from 1.
    let tables = (file.iter())
        .take_while(|named| matches!(named.voi, VoiLut::Table(_)))
        .count();
    let (kind, place) = match named.voi {
        VoiLut::Table(_) => ("LUT from file", index),
        _ => (UNNAMED, index - tables.min(index)),
    };
    match (named.name.trim(), place) {
        ("", 0) => kind.to_owned(),
        ("", place) => format!("{kind} {}", place + 1),
        (name, _) => sentence_case(name),
    }
}

/// "SOFT_TISSUE" as scanners write it, as people read it: "Soft tissue". Mixed case stays as it is.
fn sentence_case(name: &str) -> String {
    let spaced = name.replace('_', " ");
    if spaced.chars().any(char::is_lowercase) {
        return spaced;
    }
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| {
        first
            .to_uppercase()
            .chain(letters.flat_map(char::to_lowercase))
            .collect()
    })
}

/// The window that spans a range of modality values exactly, by the formula of C.11.2.1.2.1: the
/// smallest value is the last black one and the largest the first white one.
pub fn full_range(smallest: f64, largest: f64) -> Window {
    Window {
        center: f64::midpoint(smallest, largest) + 0.5,
        width: (largest - smallest + 1.0).max(1.0),
    }
}

/// The window under which 8-bit colour passes unchanged.
pub const COLOUR: Window = Window {
    center: 128.0,
    width: 256.0,
};

/// The window of an image whose range is not known yet: all that its bits can say.
pub fn bit_range(bits_stored: u16, sample_type_signed: bool) -> (f64, f64) {
    let span = 2f64.powi(i32::from(bits_stored.min(32)));
    if sample_type_signed {
        (-span / 2.0, span / 2.0 - 1.0)
    } else {
        (0.0, span - 1.0)
    }
}

/// Smallest and largest stored value of samples that are no padding.
pub fn sample_range(
    data: &[u8],
    sample_type: SampleType,
    is_padding: impl Fn(f64) -> bool,
) -> Option<(f64, f64)> {
    let mut range: Option<(f64, f64)> = None;
    let count = data.len() / sample_type.size_bytes();
    for index in 0..count {
        let Some(value) = crate::pixel::format::sample_at(data, sample_type, index) else {
            break;
        };
        if value.is_finite() && !is_padding(value) {
            let (low, high) = range.get_or_insert((value, value));
            *low = low.min(value);
            *high = high.max(value);
        }
    }
    range
}

/// A drag of `dx`, `dy` CSS pixels: right widens, up brightens (lowers the center). A full width of
/// the viewport is worth about two widths, so that fine and wide windows feel the same.
pub fn drag(window: Window, dx: f64, dy: f64) -> Window {
    let step = (window.width / 300.0).max(0.05);
    Window {
        center: round_to(window.center + dy * step, step),
        width: round_to(window.width * (dx / 250.0).exp(), step).max(1.0),
    }
}

/// Rounds to whole numbers where the step is coarse enough that nobody sees it.
fn round_to(value: f64, step: f64) -> f64 {
    if step >= 0.5 {
        value.round()
    } else {
        (value * 100.0).round() / 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::voi::linear;

    const HOUNSFIELD: Customary<'_> = of("CT", "HU");

    const fn of<'a>(modality: &'a str, unit: &'a str) -> Customary<'a> {
        Customary {
            modality,
            unit,
            suv: None,
        }
    }

    #[test]
    fn the_first_preset_is_from_the_file() {
        let file = [NamedVoi {
            name: "LUNG_WINDOW".into(),
            voi: VoiLut::Linear(Window {
                center: -500.0,
                width: 1400.0,
            }),
        }];
        let list = presets(HOUNSFIELD, &file);
        assert_eq!(list[0].name, "Lung window");
        assert_eq!(list[0].source, WindowSource::File(0));
        assert_eq!(list[1].name, "Soft tissue");
    }

    #[test]
    fn a_window_that_the_file_names_is_offered_once() {
        let file = [NamedVoi {
            name: String::new(),
            voi: VoiLut::Linear(Window {
                center: 40.0,
                width: 400.0,
            }),
        }];
        let list = presets(HOUNSFIELD, &file);
        assert_eq!(list.len(), 6);
        assert_eq!(list[1].name, "Lung");
    }

    #[test]
    fn tables_and_windows_without_names_are_counted_each_for_itself() {
        let lut = crate::pixel::LutDescriptor::new([3, -5, 8], true)
            .and_then(|descriptor| descriptor.table(vec![0, 9, 255]))
            .unwrap();
        let table = NamedVoi {
            name: String::new(),
            voi: VoiLut::Table(lut),
        };
        let window = NamedVoi {
            name: String::new(),
            voi: VoiLut::COLOR,
        };
        let file = [table.clone(), table, window.clone(), window];
        let names: Vec<String> = presets(of("DX", ""), &file)
            .into_iter()
            .map(|p| p.name)
            .collect();
        assert_eq!(
            names,
            [
                "LUT from file",
                "LUT from file 2",
                "From file",
                "From file 2"
            ]
        );
        assert_eq!(span(&file[0].voi), full_range(-5.0, -3.0));
    }

    #[test]
    fn a_users_window_keeps_the_files_function() {
        let window = Window {
            center: 3.0,
            width: 4.0,
        };
        let user = WindowSource::User(window);
        let (voi, name) = resolve(user, of("DX", ""), &[], VoiFunction::Sigmoid, window);
        assert_eq!((voi, name), (VoiLut::Sigmoid(window), String::new()));
    }

    #[test]
    fn hounsfield_presets_are_not_offered_for_other_units() {
        assert!(presets(of("MR", ""), &[]).is_empty());
        assert!(presets(of("CT", ""), &[]).is_empty());
    }

    #[test]
    fn windows_of_pet_end_at_whole_uptake_values() {
        let pet = Customary {
            modality: "PT",
            unit: "Bq/ml",
            suv: Some(0.000_25),
        };
        let list = presets(pet, &[]);
        assert_eq!(list[0].name, "SUV 0\u{2013}5");
        // 5 / 0.00025 Bq/ml, from 0.
        let voi = resolve(
            list[0].source,
            pet,
            &[],
            VoiFunction::Linear,
            list[0].window,
        )
        .0;
        let VoiLut::LinearExact(window) = voi else {
            panic!("{voi:?}");
        };
        assert_eq!((window.center, window.width), (10_000.0, 20_000.0));
        assert!(presets(of("PT", "Bq/ml"), &[]).is_empty());
    }

    #[test]
    fn the_full_range_is_black_at_its_bottom_and_white_at_its_top() {
        let window = full_range(-1000.0, 3095.0);
        assert_eq!(linear(-1000.0, window.center, window.width), 0.0);
        assert_eq!(linear(3095.0, window.center, window.width), 1.0);
        assert!(linear(-999.0, window.center, window.width) > 0.0);
        assert!(linear(3094.0, window.center, window.width) < 1.0);
    }

    #[test]
    fn the_colour_window_changes_nothing() {
        for value in 0..=255_u8 {
            let grey = linear(f64::from(value), COLOUR.center, COLOUR.width) * 255.0;
            assert_eq!(grey.round(), f64::from(value));
        }
    }

    #[test]
    fn padding_does_not_widen_the_range() {
        let data: Vec<u8> = [-2000_i16, 5, 90]
            .iter()
            .flat_map(|v| v.to_le_bytes())
            .collect();
        let range = sample_range(&data, SampleType::I16, |v| v == -2000.0);
        assert_eq!(range, Some((5.0, 90.0)));
    }
}
