//! Cines: ultrasound with calibrated regions, frame times of all kinds, XA, NM, multi-frame captures.
//!
//! Source: PS3.3 C.8.5.5 (regions), C.7.6.5 (Cine), C.7.6.6 (Multi-frame), C.8.4.8 (NM Multi-frame).

use super::colour::{arranged, samples};
use super::formula::Voi;
use super::part10::{Cells, Form, Set};
use super::{Answer, Draft, Picture, Region, Timing, colours, grey};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Ultrasound Multi-frame Image Storage.
pub(super) const US_MULTI_FRAME: &str = "1.2.840.10008.5.1.4.1.1.3.1";
/// X-Ray Angiographic Image Storage.
const XA: &str = "1.2.840.10008.5.1.4.1.1.12.1";
/// Nuclear Medicine Image Storage.
const NM: &str = "1.2.840.10008.5.1.4.1.1.20";
/// Multi-frame Grayscale Byte Secondary Capture Image Storage.
const MULTI_FRAME_BYTE: &str = "1.2.840.10008.5.1.4.1.1.7.2";

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    vec![
        us_regions(seed),
        us_frame_vector(seed),
        xa_cine(seed),
        nm(seed),
        sc_multi_frame(seed),
    ]
}

/// A 2D region with deltas of its own in each direction, and a spectral one of seconds and cm/s below it.
pub(super) const REGIONS: [Region; 2] = [
    Region {
        corners: [4, 2, 91, 39],
        units: [3, 3],
        deltas: [0.05, 0.04],
        reference: None,
    },
    Region {
        corners: [8, 44, 87, 69],
        units: [4, 7],
        deltas: [0.01, -2.5],
        reference: Some(([0, 12], [0.0, 0.0])),
    },
];

/// One item of the Sequence of Ultrasound Regions; `kind` is spatial format and data type.
pub(super) fn region_item(region: &Region, [format, kind]: [u16; 2]) -> Set {
    let mut item = Set::default();
    item.us(tags::REGION_SPATIAL_FORMAT, &[format]);
    item.us(tags::REGION_DATA_TYPE, &[kind]);
    item.ul(tags::REGION_FLAGS, &[0]);
    for (tag, corner) in [
        tags::REGION_LOCATION_MIN_X0,
        tags::REGION_LOCATION_MIN_Y0,
        tags::REGION_LOCATION_MAX_X1,
        tags::REGION_LOCATION_MAX_Y1,
    ]
    .into_iter()
    .zip(region.corners)
    {
        item.ul(tag, &[corner]);
    }
    item.us(tags::PHYSICAL_UNITS_X_DIRECTION, &[region.units[0]]);
    item.us(tags::PHYSICAL_UNITS_Y_DIRECTION, &[region.units[1]]);
    item.fd(tags::PHYSICAL_DELTA_X, &[region.deltas[0]]);
    item.fd(tags::PHYSICAL_DELTA_Y, &[region.deltas[1]]);
    if let Some((pixel, values)) = region.reference {
        item.sl(tags::REFERENCE_PIXEL_X0, &[pixel[0]]);
        item.sl(tags::REFERENCE_PIXEL_Y0, &[pixel[1]]);
        item.fd(tags::REFERENCE_PIXEL_PHYSICAL_VALUE_X, &[values[0]]);
        item.fd(tags::REFERENCE_PIXEL_PHYSICAL_VALUE_Y, &[values[1]]);
    }
    item
}

/// Points at Frame Time and sets it.
fn frame_time(set: &mut Set, milliseconds: &str) {
    set.text(tags::FRAME_TIME, "DS", milliseconds);
    set.at(tags::FRAME_INCREMENT_POINTER, &[tags::FRAME_TIME]);
}

/// Frames that start every so many milliseconds.
fn steady(frames: usize, step_ms: f64) -> Timing {
    Timing {
        starts_ms: (0..frames).map(|k| k as f64 * step_ms).collect(),
        representative_frame_number: None,
    }
}

/// 20 frames of 96 x 72 in colour, 40 ms each.
fn us_regions(seed: u64) -> Picture {
    let form = Form {
        frames: 20,
        ..Form::colour("RGB", 96, 72)
    };
    let mut draft = Draft::new(seed, "us-regions", "US", US_MULTI_FRAME);
    frame_time(&mut draft.set, "40");
    let items = vec![
        region_item(&REGIONS[0], [1, 1]),
        region_item(&REGIONS[1], [3, 3]),
    ];
    draft.set.items(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, items);
    let mut all = Vec::new();
    let mut frames = Vec::new();
    for frame in 0..form.frames {
        // Frame 0 has the corners of the colour cube in its first pixels; a white column moves over the others.
        let mut pixels = samples(seed, &format!("us-regions/{frame}"), form.area());
        for row in 0..72 {
            pixels[row * 96 + 4 * frame + 8] = [255; 3];
        }
        all.extend(arranged(&pixels, false));
        frames.push(colours(&form, pixels));
    }
    let mut picture = draft.finish(&form, &Cells::Bytes(all), frames);
    picture.regions = REGIONS.to_vec();
    picture.cine = Some(steady(20, 40.0));
    picture
}

/// Twelve frames at unequal times.
fn us_frame_vector(seed: u64) -> Picture {
    let steps = [0, 20, 40, 60, 20, 100, 33, 33, 34, 200, 10, 50];
    let mut draft = Draft::new(seed, "us-frame-vector", "US", US_MULTI_FRAME);
    let texts: Vec<String> = steps.iter().map(i32::to_string).collect();
    draft
        .set
        .text(tags::FRAME_TIME_VECTOR, "DS", &texts.join("\\"));
    draft
        .set
        .at(tags::FRAME_INCREMENT_POINTER, &[tags::FRAME_TIME_VECTOR]);
    let starts = steps.iter().scan(0.0, |at, step| {
        *at += f64::from(*step);
        Some(*at)
    });
    let timing = Timing {
        starts_ms: starts.collect(),
        representative_frame_number: None,
    };
    let form = Form {
        frames: steps.len(),
        ..Form::grey(32, 24, 8)
    };
    grey_cine(draft, &form, None, timing)
}

/// 30 frames, 15 to show in a second, the eighth one to stand for all.
fn xa_cine(seed: u64) -> Picture {
    let mut draft = Draft::new(seed, "xa-cine", "XA", XA);
    draft
        .set
        .text(tags::RECOMMENDED_DISPLAY_FRAME_RATE, "IS", "15");
    draft.set.text(tags::CINE_RATE, "IS", "15");
    draft.set.us(tags::REPRESENTATIVE_FRAME_NUMBER, &[8]);
    draft
        .set
        .text(tags::PIXEL_INTENSITY_RELATIONSHIP, "CS", "LIN");
    draft
        .set
        .at(tags::FRAME_INCREMENT_POINTER, &[tags::FRAME_TIME]);
    draft.set.text(tags::FRAME_TIME, "DS", "66.666667");
    let form = Form {
        frames: 30,
        ..Form::grey(48, 48, 8)
    };
    let timing = Timing {
        representative_frame_number: Some(8),
        ..steady(30, 1000.0 / 15.0)
    };
    grey_cine(draft, &form, Some([128.0, 180.0]), timing)
}

/// Eight views about the patient, counts of 16 bits; the frames are no points in time.
fn nm(seed: u64) -> Picture {
    let mut draft = Draft::new(seed, "nm", "NM", NM);
    draft
        .set
        .text(tags::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY\\TOMO\\EMISSION");
    let vectors = [
        tags::ENERGY_WINDOW_VECTOR,
        tags::DETECTOR_VECTOR,
        tags::ROTATION_VECTOR,
        tags::ANGULAR_VIEW_VECTOR,
    ];
    draft.set.at(tags::FRAME_INCREMENT_POINTER, &vectors);
    for tag in &vectors[..3] {
        draft.set.us(*tag, &[1; 8]);
    }
    draft.set.us(vectors[3], &[1, 2, 3, 4, 5, 6, 7, 8]);
    for (tag, count) in [
        (tags::NUMBER_OF_ENERGY_WINDOWS, 1),
        (tags::NUMBER_OF_DETECTORS, 1),
        (tags::NUMBER_OF_ROTATIONS, 1),
        (Tag(0x0054, 0x0053), 8),
    ] {
        draft.set.us(tag, &[count]);
    }
    let form = Form {
        frames: 8,
        ..Form::grey(32, 32, 16)
    };
    let codes: Vec<u16> = (0..form.area() as u16 * 8).collect();
    draft.window("4096", "8192");
    let voi = Voi::Linear(4096.0, 8192.0);
    let frame = |codes: &[u16]| {
        let values: Vec<f64> = codes.iter().map(|code| f64::from(*code)).collect();
        grey(&form, &values, "", |x| voi.apply(x))
    };
    let frames: Vec<Answer> = codes.chunks(form.area()).map(frame).collect();
    draft.finish(&form, &Cells::Words(codes), frames)
}

/// Ten grey frames of bytes, 100 ms each.
fn sc_multi_frame(seed: u64) -> Picture {
    let mut draft = Draft::new(seed, "sc-multi-frame", "OT", MULTI_FRAME_BYTE);
    draft.set.text(tags::CONVERSION_TYPE, "CS", "SYN");
    draft.rescale("0", "1", "US");
    draft
        .set
        .text(tags::PRESENTATION_LUT_SHAPE, "CS", "IDENTITY");
    frame_time(&mut draft.set, "100");
    let form = Form {
        frames: 10,
        ..Form::grey(33, 21, 8)
    };
    let mut picture = grey_cine(draft, &form, Some([100.0, 150.0]), steady(10, 100.0));
    for frame in &mut picture.frames {
        frame.unit = "US";
    }
    picture
}

/// Frames of bytes: a ramp of all codes that moves on by 5 from frame to frame. Without a window codes are greys.
fn grey_cine(mut draft: Draft, form: &Form, window: Option<[f64; 2]>, timing: Timing) -> Picture {
    if let Some([center, width]) = window {
        draft.window(&center.to_string(), &width.to_string());
    }
    let bytes: Vec<u8> = (0..form.frames)
        .flat_map(|frame| (0..form.area()).map(move |at| (at + 5 * frame) as u8))
        .collect();
    let voi = window.map_or(Voi::Range(0.0, 255.0), |[c, w]| Voi::Linear(c, w));
    let frame = |bytes: &[u8]| {
        let values: Vec<f64> = bytes.iter().map(|byte| f64::from(*byte)).collect();
        grey(form, &values, "", |x| voi.apply(x))
    };
    let frames = bytes.chunks(form.area()).map(frame).collect();
    let mut picture = draft.finish(form, &Cells::Bytes(bytes), frames);
    picture.cine = Some(timing);
    picture
}
