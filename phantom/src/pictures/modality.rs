//! Grey pictures whose modality values need care: Modality LUTs, slopes of several files and frames, real world values.
//!
//! Source: PS3.3 C.11.1 (Modality LUT), C.7.6.16.2.9 (Pixel Value Transformation), C.7.6.16.2.11 (Real World Value Mapping).

use super::chain::{DX, write_table};
use super::formula::{Table, Voi};
use super::part10::{Cells, Form, Set, packed_words};
use super::{Draft, Picture, grey, ramp, reals, words};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// MR Image Storage.
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";
/// Enhanced MR Image Storage.
pub(super) const ENHANCED_MR: &str = "1.2.840.10008.5.1.4.1.1.4.1";
/// Positron Emission Tomography Image Storage.
const PET: &str = "1.2.840.10008.5.1.4.1.1.128";
/// CT Image Storage.
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    vec![
        modality_lut(seed),
        modality_lut_signed(seed),
        modality_lut_bytes(seed, "modality-lut-8-packed", true),
        modality_lut_bytes(seed, "modality-lut-8-padded", false),
        mr_private_scaling(seed),
        mr_plain(seed),
        negative_slope(seed),
        pet_slopes(seed),
        enhanced_per_frame(seed),
        rwvm(seed),
    ]
}

/// A Modality LUT of 16-bit entries; of type OD, so that 2140 is an optical density of 2.140.
fn modality_lut(seed: u64) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let table = Table {
        first: 100,
        bits: 16,
        entries: (0..3500_u16).map(|k| 4000 - k).collect(),
    };
    let mut item = Set::default();
    write_table(
        &mut item,
        tags::LUT_DESCRIPTOR,
        tags::LUT_DATA,
        &table,
        "US",
    );
    with_table(seed, "modality-lut", "OD", &form, &codes, &table, item)
}

/// Signed pixels: the first value mapped is negative.
fn modality_lut_signed(seed: u64) -> Picture {
    let form = Form {
        signed: true,
        ..Form::grey(64, 64, 12)
    };
    let codes: Vec<i64> = (-2048..2048).collect();
    let table = Table {
        first: -1500,
        bits: 16,
        entries: (0..3000_u16).map(|k| k * 2).collect(),
    };
    let mut item = Set::default();
    write_table(
        &mut item,
        tags::LUT_DESCRIPTOR,
        tags::LUT_DATA,
        &table,
        "SS",
    );
    with_table(
        seed,
        "modality-lut-signed",
        "US",
        &form,
        &codes,
        &table,
        item,
    )
}

/// 8-bit entries, an odd number of them: two in a word (C.11.1.1.1), or each in a word of its own as some writers do.
fn modality_lut_bytes(seed: u64, name: &str, packed: bool) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let table = Table {
        first: 0,
        bits: 8,
        entries: (0..255_u16).map(|k| k * k / 255).collect(),
    };
    let mut item = Set::default();
    write_table(
        &mut item,
        tags::LUT_DESCRIPTOR,
        tags::LUT_DATA,
        &table,
        "US",
    );
    if packed {
        let bytes: Vec<u8> = table.entries.iter().map(|entry| *entry as u8).collect();
        item.words(tags::LUT_DATA, "OW", &packed_words(&bytes));
    }
    with_table(seed, name, "US", &form, &codes, &table, item)
}

fn with_table(
    seed: u64,
    name: &str,
    unit: &'static str,
    form: &Form,
    codes: &[i64],
    table: &Table,
    mut item: Set,
) -> Picture {
    item.text(tags::MODALITY_LUT_TYPE, "LO", unit);
    let mut draft = Draft::new(seed, name, "CR", DX);
    draft.set.items(tags::MODALITY_LUT_SEQUENCE, vec![item]);
    let top = table.entries.iter().max().copied().unwrap_or(0);
    let (center, width) = (f64::from(top) / 2.0, f64::from(top) * 0.8);
    draft.window(&center.to_string(), &width.to_string());
    let voi = Voi::Linear(center, width);
    let values: Vec<f64> = reals(codes)
        .iter()
        .map(|code| f64::from(table.entry(*code)))
        .collect();
    let frames = vec![grey(form, &values, unit, |x| voi.apply(x))];
    // Signed values of 12 bits do not spread their sign into the unused bits.
    let stored: Vec<u16> = words(codes).iter().map(|word| word & 0xfff).collect();
    draft.finish(form, &Cells::Words(stored), frames)
}

/// A private scale beside the standard's rescale, which is the one that counts.
fn mr_private_scaling(seed: u64) -> Picture {
    let (slope, intercept) = (2.5, -20.0);
    let mut draft = Draft::new(seed, "mr-private-scaling", "MR", MR);
    draft.rescale("-20", "2.5", "normalized");
    draft
        .set
        .text(Tag(0x2005, 0x10), "LO", "Philips MR Imaging DD 001");
    draft.set.fl(Tag(0x2005, 0x100d), &[3.0]);
    draft.set.fl(Tag(0x2005, 0x100e), &[0.0125]);
    linear_mr(draft, slope, intercept, "normalized")
}

/// No rescale: the modality values are the stored values, without a unit.
fn mr_plain(seed: u64) -> Picture {
    let draft = Draft::new(seed, "mr-plain", "MR", MR);
    linear_mr(draft, 1.0, 0.0, "")
}

fn linear_mr(mut draft: Draft, slope: f64, intercept: f64, unit: &'static str) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let values: Vec<f64> = codes
        .iter()
        .map(|code| *code as f64 * slope + intercept)
        .collect();
    draft.window("1500", "2400");
    let voi = Voi::Linear(1500.0, 2400.0);
    let frames = vec![grey(&form, &values, unit, |x| voi.apply(x))];
    draft.finish(&form, &Cells::Words(words(&codes)), frames)
}

/// A slope below zero turns the order of grey values around.
fn negative_slope(seed: u64) -> Picture {
    let form = Form {
        signed: true,
        ..Form::grey(64, 64, 16)
    };
    let codes = ramp(form.area(), -32_768, 32_767, &[0, 860, 940, 1059]);
    let values: Vec<f64> = codes.iter().map(|code| 1000.0 - *code as f64).collect();
    let mut draft = Draft::new(seed, "rescale-negative-slope", "CT", CT);
    draft.rescale("1000", "-1", "HU");
    draft.window("40", "400");
    let voi = Voi::Linear(40.0, 400.0);
    let frames = vec![grey(&form, &values, "HU", |x| voi.apply(x))];
    draft.finish(&form, &Cells::Words(words(&codes)), frames)
}

/// Five slices of one series, each scaled for its own maximum.
fn pet_slopes(seed: u64) -> Picture {
    let name = "pet-slopes";
    let form = Form {
        signed: true,
        ..Form::grey(32, 32, 16)
    };
    let slice = |index: usize| {
        let slope = [0.5, 1.25, 0.125, 2.0, 0.75][index];
        let codes = ramp(form.area(), 0, 32_767 - index as i64 * 1000, &[0]);
        let values: Vec<f64> = codes.iter().map(|code| *code as f64 * slope).collect();
        let mut draft = Draft::numbered(seed, name, "PT", PET, index + 1);
        draft.rescale("0", &slope.to_string(), "BQML");
        draft.set.text(tags::UNITS, "CS", "BQML");
        draft.window("10000", "20000");
        let frame_of_reference = crate::dicom::uid(seed, "pictures/pet-slopes/frame");
        draft
            .set
            .text(tags::FRAME_OF_REFERENCE_UID, "UI", &frame_of_reference);
        draft.set.text(
            tags::IMAGE_POSITION_PATIENT,
            "DS",
            &format!("0\\0\\{}", index * 4),
        );
        draft
            .set
            .text(tags::IMAGE_ORIENTATION_PATIENT, "DS", "1\\0\\0\\0\\1\\0");
        draft.set.text(tags::PIXEL_SPACING, "DS", "4\\4");
        draft.set.text(tags::SLICE_THICKNESS, "DS", "4");
        let voi = Voi::Linear(10_000.0, 20_000.0);
        let frames = vec![grey(&form, &values, "BQML", |x| voi.apply(x))];
        draft.finish(&form, &Cells::Words(words(&codes)), frames)
    };
    let mut first = slice(0);
    first.files[0].0 = format!("{name}-1.dcm");
    for index in 1..5 {
        let further = slice(index);
        first
            .others
            .push((further.sop_instance_uid, further.frames));
        let files = further.files.into_iter();
        first
            .files
            .extend(files.map(|(_, bytes)| (format!("{name}-{}.dcm", index + 1), bytes)));
    }
    first
}

/// Slope, intercept and window of each frame's own functional groups.
fn enhanced_per_frame(seed: u64) -> Picture {
    let scales = [
        ("1", "0", "500", "800", [1.0, 0.0, 500.0, 800.0]),
        ("0.5", "-100", "900", "1500", [0.5, -100.0, 900.0, 1500.0]),
        ("2", "10", "4000", "7000", [2.0, 10.0, 4000.0, 7000.0]),
        ("4", "-2000", "0", "1", [4.0, -2000.0, 0.0, 1.0]),
    ];
    let form = Form {
        frames: scales.len(),
        ..Form::grey(32, 32, 12)
    };
    let codes = ramp(form.area(), 0, 4095, &[100, 500, 900]);
    let mut draft = Draft::new(seed, "enhanced-per-frame", "MR", ENHANCED_MR);
    draft
        .set
        .text(tags::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY\\M\\NONE");
    let mut frames = Vec::new();
    let mut groups = Vec::new();
    for (slope, intercept, center, width, [s, i, c, w]) in scales {
        let mut item = Set::default();
        let mut transformation = Set::default();
        transformation.text(tags::RESCALE_INTERCEPT, "DS", intercept);
        transformation.text(tags::RESCALE_SLOPE, "DS", slope);
        transformation.text(tags::RESCALE_TYPE, "LO", "US");
        item.items(
            tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
            vec![transformation],
        );
        let mut voi = Set::default();
        voi.text(tags::WINDOW_CENTER, "DS", center);
        voi.text(tags::WINDOW_WIDTH, "DS", width);
        item.items(tags::FRAME_VOILUT_SEQUENCE, vec![voi]);
        let mut content = Set::default();
        content.ul(tags::DIMENSION_INDEX_VALUES, &[groups.len() as u32 + 1]);
        item.items(tags::FRAME_CONTENT_SEQUENCE, vec![content]);
        let mut position = Set::default();
        position.text(
            tags::IMAGE_POSITION_PATIENT,
            "DS",
            &format!("0\\0\\{}", groups.len() * 5),
        );
        item.items(tags::PLANE_POSITION_SEQUENCE, vec![position]);
        groups.push(item);
        let values: Vec<f64> = codes.iter().map(|code| *code as f64 * s + i).collect();
        let voi = Voi::Linear(c, w);
        frames.push(grey(&form, &values, "US", |x| voi.apply(x)));
    }
    draft
        .set
        .items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, groups);
    draft.set.items(
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
        vec![shared_groups()],
    );
    let all: Vec<u16> = words(&codes).repeat(form.frames);
    draft.finish(&form, &Cells::Words(all), frames)
}

/// Spacing and orientation that all frames share.
pub(super) fn shared_groups() -> Set {
    let mut shared = Set::default();
    let mut measures = Set::default();
    measures.text(tags::PIXEL_SPACING, "DS", "2\\2");
    measures.text(tags::SLICE_THICKNESS, "DS", "5");
    shared.items(tags::PIXEL_MEASURES_SEQUENCE, vec![measures]);
    let mut orientation = Set::default();
    orientation.text(tags::IMAGE_ORIENTATION_PATIENT, "DS", "1\\0\\0\\0\\1\\0");
    shared.items(tags::PLANE_ORIENTATION_SEQUENCE, vec![orientation]);
    shared
}

/// Diffusion values by a linear map in mm2/s; the window is about the stored values, as the map is none of its business.
fn rwvm(seed: u64) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let mut draft = Draft::new(seed, "rwvm", "MR", MR);
    draft.window("1200", "2000");
    let mut map = Set::default();
    map.us(tags::REAL_WORLD_VALUE_FIRST_VALUE_MAPPED, &[0]);
    map.us(tags::REAL_WORLD_VALUE_LAST_VALUE_MAPPED, &[4095]);
    map.fd(tags::REAL_WORLD_VALUE_INTERCEPT, &[-0.0005]);
    map.fd(tags::REAL_WORLD_VALUE_SLOPE, &[0.000_001]);
    map.text(
        tags::LUT_EXPLANATION,
        "LO",
        "Apparent diffusion coefficient",
    );
    map.text(tags::LUT_LABEL, "SH", "ADC");
    map.code(
        tags::MEASUREMENT_UNITS_CODE_SEQUENCE,
        ["mm2/s", "UCUM", "square millimeter per second"],
    );
    draft
        .set
        .items(tags::REAL_WORLD_VALUE_MAPPING_SEQUENCE, vec![map]);
    let voi = Voi::Linear(1200.0, 2000.0);
    let mut answer = grey(&form, &reals(&codes), "mm2/s", |x| voi.apply(x));
    for value in &mut answer.values {
        *value = *value * 0.000_001 - 0.0005;
    }
    draft.finish(&form, &Cells::Words(words(&codes)), vec![answer])
}
