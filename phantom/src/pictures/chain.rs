//! Grey pictures: windows, VOI LUTs, inversion, padding, and what is done without a window.
//!
//! Source: PS3.3 C.11.2 (VOI LUT), C.11.6 (Presentation LUT Shape), C.7.5.1.1.2 (padding).

use super::formula::{Table, Voi};
use super::part10::{Cells, Form, Set};
use super::{Draft, Picture, grey, ramp, reals, words};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Digital X-Ray Image Storage - For Presentation.
pub(super) const DX: &str = "1.2.840.10008.5.1.4.1.1.1.1";
/// Digital Mammography X-Ray Image Storage - For Presentation.
const MG: &str = "1.2.840.10008.5.1.4.1.1.1.2";
/// Multi-frame Grayscale Word Secondary Capture Image Storage.
pub(super) const MULTI_FRAME_WORD: &str = "1.2.840.10008.5.1.4.1.1.7.3";

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    vec![
        dx_voi_lut(seed),
        dx_inverse(seed),
        window(
            seed,
            "dx-sigmoid",
            "SIGMOID",
            ["2000", "1000"],
            1.0,
            Voi::Sigmoid(2000.0, 1000.0),
        ),
        window(
            seed,
            "dx-linear-exact",
            "LINEAR_EXACT",
            ["2047.5", "1000"],
            1.0,
            Voi::LinearExact(2047.5, 1000.0),
        ),
        window(
            seed,
            "dx-linear",
            "LINEAR",
            ["2048", "4096"],
            1.0,
            Voi::Linear(2048.0, 4096.0),
        ),
        // Values in quarters: 1023.25, 1023.5 (black still) and 1023.75 lie about the threshold.
        window(
            seed,
            "window-width-1",
            "LINEAR",
            ["1024", "1"],
            0.25,
            Voi::Linear(1024.0, 1.0),
        ),
        // Values in eighths of a width of one half: three grey values between black and white.
        window(
            seed,
            "window-fraction",
            "LINEAR_EXACT",
            ["256", "0.5"],
            0.125,
            Voi::LinearExact(256.0, 0.5),
        ),
        mammogram(seed),
        no_window(seed),
        no_window_at_all(seed),
    ]
}

/// A LUT as the standard writes it: descriptor of the given VR, then entries as words.
pub(super) fn write_table(
    set: &mut Set,
    descriptor: Tag,
    entries: Tag,
    table: &Table,
    vr: &'static str,
) {
    let first = words(&[table.first])[0];
    let count = (table.entries.len() % 65_536) as u16;
    set.words(descriptor, vr, &[count, first, table.bits]);
    set.words(entries, "OW", &table.entries);
}

/// One item of the VOI LUT Sequence.
pub(super) fn voi_item(table: &Table, explanation: &str, vr: &'static str) -> Set {
    let mut item = Set::default();
    write_table(&mut item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, table, vr);
    item.text(tags::LUT_EXPLANATION, "LO", explanation);
    item
}

/// Entries that follow a curve over 0.0..=1.0.
pub(super) fn curve(first: i64, count: usize, bits: u16, shape: impl Fn(f64) -> f64) -> Table {
    let top = 2.0_f64.powi(i32::from(bits)) - 1.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 65535"
    )]
    let entry = |k: usize| (shape(k as f64 / (count - 1) as f64) * top).round() as u16;
    Table {
        first,
        bits,
        entries: (0..count).map(entry).collect(),
    }
}

/// Two VOI LUTs and no window: an S-shaped one over part of the values, and a brightening one over all of them.
fn dx_voi_lut(seed: u64) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let normal = curve(500, 2500, 12, |t| t * t * (3.0 - 2.0 * t));
    let bright = curve(0, 4096, 16, f64::sqrt);
    let mut draft = Draft::new(seed, "dx-voi-lut", "DX", DX);
    draft.rescale("0", "1", "US");
    draft
        .set
        .text(tags::PRESENTATION_LUT_SHAPE, "CS", "IDENTITY");
    let items = vec![
        voi_item(&normal, "NORMAL", "US"),
        voi_item(&bright, "BRIGHT", "US"),
    ];
    draft.set.items(tags::VOILUT_SEQUENCE, items);
    let answer = |table: &Table| {
        let voi = Voi::Table(table.clone());
        vec![grey(&form, &reals(&codes), "US", |x| voi.apply(x))]
    };
    let (first, second) = (answer(&normal), answer(&bright));
    let mut picture = draft.finish(&form, &Cells::Words(words(&codes)), first.clone());
    picture.choices = vec![("NORMAL".into(), first), ("BRIGHT".into(), second)];
    picture
}

/// MONOCHROME1 with Presentation LUT Shape INVERSE: inverted once. Two windows.
fn dx_inverse(seed: u64) -> Picture {
    let form = Form {
        photometric: "MONOCHROME1",
        ..Form::grey(64, 64, 12)
    };
    let codes: Vec<i64> = (0..4096).collect();
    let mut draft = Draft::new(seed, "dx-inverse", "DX", DX);
    draft.rescale("0", "1", "US");
    draft
        .set
        .text(tags::PRESENTATION_LUT_SHAPE, "CS", "INVERSE");
    draft.window("2048\\1000", "2000\\400");
    draft.set.text(
        tags::WINDOW_CENTER_WIDTH_EXPLANATION,
        "LO",
        "NORMAL\\HARDER",
    );
    let answer = |c, w| {
        let voi = Voi::Linear(c, w);
        vec![grey(&form, &reals(&codes), "US", |x| 1.0 - voi.apply(x))]
    };
    let (first, second) = (answer(2048.0, 2000.0), answer(1000.0, 400.0));
    let mut picture = draft.finish(&form, &Cells::Words(words(&codes)), first.clone());
    picture.choices = vec![("NORMAL".into(), first), ("HARDER".into(), second)];
    picture
}

/// All codes of 12 bits under one window.
fn window(
    seed: u64,
    name: &str,
    function: &str,
    [center, width]: [&str; 2],
    slope: f64,
    voi: Voi,
) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let values: Vec<f64> = codes.iter().map(|code| *code as f64 * slope).collect();
    let mut draft = Draft::new(seed, name, "DX", DX);
    draft.rescale("0", &slope.to_string(), "US");
    draft
        .set
        .text(tags::PRESENTATION_LUT_SHAPE, "CS", "IDENTITY");
    draft.set.text(tags::VOILUT_FUNCTION, "CS", function);
    draft.window(center, width);
    let frames = vec![grey(&form, &values, "US", |x| voi.apply(x))];
    draft.finish(&form, &Cells::Words(words(&codes)), frames)
}

/// 14 bits, a VOI LUT of 10-bit entries whose first mapped value is negative, and a range of padding.
fn mammogram(seed: u64) -> Picture {
    let form = Form::grey(96, 64, 14);
    let (padding, limit) = (0, 40);
    let table = curve(-900, 9000, 10, |t| t * (2.0 - t));
    let edges = [0, 40, 100, 9099, 16_383];
    let codes = ramp(form.area(), 0, 16_383, &edges);
    let values: Vec<f64> = codes.iter().map(|code| *code as f64 - 1000.0).collect();
    let mut draft = Draft::new(seed, "mammogram", "MG", MG);
    draft.rescale("-1000", "1", "US");
    draft
        .set
        .text(tags::PRESENTATION_LUT_SHAPE, "CS", "IDENTITY");
    draft.set.text(tags::IMAGE_LATERALITY, "CS", "R");
    draft.set.text(tags::VIEW_POSITION, "CS", "MLO");
    draft.set.us(tags::PIXEL_PADDING_VALUE, &[padding]);
    draft.set.us(tags::PIXEL_PADDING_RANGE_LIMIT, &[limit]);
    let item = voi_item(&table, "Breast", "SS");
    draft.set.items(tags::VOILUT_SEQUENCE, vec![item]);
    let voi = Voi::Table(table);
    let shade = |x: f64| {
        if x <= f64::from(limit) - 1000.0 {
            0.0
        } else {
            voi.apply(x)
        }
    };
    let frames = vec![grey(&form, &values, "US", shade)];
    draft.finish(&form, &Cells::Words(words(&codes)), frames)
}

/// Two frames without a window, with values from 100 to 3000 in both together, as the attributes say.
fn no_window(seed: u64) -> Picture {
    let mut draft = Draft::new(seed, "no-window", "OT", MULTI_FRAME_WORD);
    draft.rescale("-1000", "1", "US");
    draft.set.us(tags::SMALLEST_IMAGE_PIXEL_VALUE, &[100]);
    draft.set.us(tags::LARGEST_IMAGE_PIXEL_VALUE, &[3000]);
    without_window(draft, -1000.0, "US", |_| [-900.0, 2000.0])
}

/// The same without these attributes: each frame's own range.
fn no_window_at_all(seed: u64) -> Picture {
    let draft = Draft::new(seed, "no-window-at-all", "OT", MULTI_FRAME_WORD);
    without_window(draft, 0.0, "", |values| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        [
            low,
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        ]
    })
}

fn without_window(
    draft: Draft,
    intercept: f64,
    unit: &'static str,
    range: impl Fn(&[f64]) -> [f64; 2],
) -> Picture {
    let form = Form {
        frames: 2,
        ..Form::grey(32, 32, 12)
    };
    let mut codes = ramp(form.area(), 100, 1500, &[]);
    codes.extend(ramp(form.area(), 1200, 3000, &[]));
    let frame = |codes: &[i64]| {
        let values: Vec<f64> = codes.iter().map(|code| *code as f64 + intercept).collect();
        let [low, high] = range(&values);
        let voi = Voi::Range(low, high);
        grey(&form, &values, unit, |x| voi.apply(x))
    };
    let frames = codes.chunks(form.area()).map(frame).collect();
    draft.finish(&form, &Cells::Words(words(&codes)), frames)
}
