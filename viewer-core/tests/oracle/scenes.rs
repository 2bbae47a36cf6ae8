//! Made-up scenes: once as parameters of the renderer, once as JSON in the words of the standard.

use super::chance::Chance;
use serde_json::{Value, json};
use std::sync::Arc;
use viewer_core::pixel::{
    ColorModel, FrameParams, FrameView, Lut, LutDescriptor, Mask, ModalityLut, OverlayBits,
    PaddingRange, Palette, PixelKind, Presentation, SampleType, Shutter, ShutterShape, VoiFunction,
    VoiLut, Window, palette,
};

/// One frame and one view of it.
pub struct Scene {
    pub columns: u32,
    pub rows: u32,
    pub pixels: PixelKind,
    pub data: Vec<u8>,
    pub params: FrameParams,
    pub width: u32,
    pub height: u32,
    /// The same for the other implementation, without the place of its samples.
    pub json: Value,
}

impl Scene {
    pub fn view(&self) -> FrameView<'_> {
        FrameView {
            rows: self.rows,
            columns: self.columns,
            pixels: self.pixels,
            data: &self.data,
        }
    }
}

const TYPES: [(SampleType, &str); 8] = [
    (SampleType::U8, "u1"),
    (SampleType::I8, "i1"),
    (SampleType::U16, "u2"),
    (SampleType::I16, "i2"),
    (SampleType::U32, "u4"),
    (SampleType::I32, "i4"),
    (SampleType::F32, "f4"),
    (SampleType::F64, "f8"),
];

/// The scene of a number; always the same.
pub fn scene(number: u32) -> Scene {
    let chance = &mut Chance(u64::from(number) * 104_729 + 77);
    let is_color = number % 6 == 5;
    let (sample_type, name) = TYPES[if is_color { 0 } else { number as usize % 8 }];
    let largest = if chance.one_in(4) { 150 } else { 40 };
    let [columns, rows] = [0, 1].map(|_| 1 + chance.below(largest));
    let [width, height] = [0, 1].map(|_| 1 + chance.below(60));
    let range = stored_range(chance, sample_type);
    let samples = if is_color { 3 } else { 1 };
    let padding = (!is_color && chance.one_in(3)).then(|| {
        let last = range[0] + chance.between(0.0, 2.0);
        [range[0], if chance.one_in(2) { range[0] } else { last }]
    });
    let data = stored(
        chance,
        sample_type,
        range,
        padding,
        columns * rows * samples,
    );
    let color = ["RGB", "YBR_FULL", "YBR_PARTIAL"][chance.below(3) as usize];
    let mut scene = Scene {
        columns,
        rows,
        pixels: PixelKind {
            samples_per_pixel: samples as u16,
            sample_type,
            color: match color {
                "YBR_FULL" => ColorModel::YbrFull,
                "YBR_PARTIAL" => ColorModel::YbrPartial,
                _ => ColorModel::Rgb,
            },
        },
        data,
        params: FrameParams {
            pixel_from_canvas: view(chance, [columns, rows], [width, height]),
            padding: padding.map(|[first, last]| PaddingRange::new(first, last)),
            interpolate: !chance.one_in(4),
            ..FrameParams::default()
        },
        width,
        height,
        json: json!({}),
    };
    scene.json = json!({
        "columns": columns, "rows": rows, "samples": samples, "type": name, "photometric": color,
        "width": width, "height": height, "padding": padding,
        "pixel_from_canvas": scene.params.pixel_from_canvas,
        "interpolate": scene.params.interpolate,
        "presentation": null, "palette": null, "overlays": [], "shutter": null,
    });
    let signed = sample_type.is_signed();
    if !is_color && sample_type.size_bytes() <= 2 && chance.one_in(4) {
        add_palette(chance, &mut scene, range, signed);
    }
    add_chain(chance, &mut scene, range, signed);
    add_masks(chance, &mut scene);
    scene
}

/// Smallest and largest stored value: several Bits Stored, and for floats several scales.
fn stored_range(chance: &mut Chance, sample_type: SampleType) -> [f64; 2] {
    if matches!(sample_type, SampleType::F32 | SampleType::F64) {
        let scale = chance.by_magnitude(0.5, 1e5);
        return [-scale, scale].map(|end| f64::from(end as f32));
    }
    let container = 8 * sample_type.size_bytes() as u32;
    let full = f64::from(container - chance.below(container / 2)).exp2();
    if sample_type.is_signed() {
        [-full / 2.0, full / 2.0 - 1.0]
    } else {
        [0.0, full - 1.0]
    }
}

fn stored(
    chance: &mut Chance,
    sample_type: SampleType,
    [low, high]: [f64; 2],
    padding: Option<[f64; 2]>,
    count: u32,
) -> Vec<u8> {
    let noise = if chance.one_in(3) { 1.0 } else { 0.02 };
    let bend = chance.between(0.001, 0.2);
    let mut data = Vec::new();
    for i in 0..count {
        let wave = 0.5 + 0.5 * (f64::from(i) * bend).sin();
        let value = low + (high - low) * (wave * (1.0 - noise) + chance.unit() * noise);
        let is_hole = padding.is_some() && chance.one_in(9);
        let value = padding
            .filter(|_| is_hole)
            .map_or(value, |[first, _]| first);
        let value = match sample_type {
            SampleType::F32 | SampleType::F64 if chance.one_in(200) => f64::NAN,
            SampleType::F32 | SampleType::F64 if chance.one_in(200) => f64::INFINITY,
            _ => value,
        };
        match sample_type {
            SampleType::F32 => data.extend((value as f32).to_le_bytes()),
            SampleType::F64 => data.extend(value.to_le_bytes()),
            _ => data.extend(&(value.floor() as i64).to_le_bytes()[..sample_type.size_bytes()]),
        }
    }
    data
}

/// Any zoom; straight, by quarter turns or any angle; either side; the image near the middle.
fn view(chance: &mut Chance, frame: [u32; 2], canvas: [u32; 2]) -> [f64; 6] {
    let step = match chance.below(4) {
        0 => 1.0,
        _ => 1.0 / chance.by_magnitude(0.15, 20.0),
    };
    let [cos, sin] = match chance.below(3) {
        0 => [1.0, 0.0],
        1 => [[0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]][chance.below(3) as usize],
        _ => {
            let (sin, cos) = chance.between(0.0, std::f64::consts::TAU).sin_cos();
            [cos, sin]
        }
    };
    let flip = if chance.one_in(2) { -1.0 } else { 1.0 };
    let m = [
        cos * step * flip,
        sin * step,
        -sin * step * flip,
        cos * step,
    ];
    let middle = frame
        .map(|edge| (f64::from(edge) - 1.0) / 2.0 + chance.between(-0.2, 0.2) * f64::from(edge));
    let middle = if chance.one_in(3) {
        middle.map(f64::round)
    } else {
        middle
    };
    let [x, y] = canvas.map(|edge| f64::from(edge / 2));
    let start = [0, 1].map(|axis: usize| middle[axis] - m[axis] * x - m[axis + 2] * y);
    [m[0], m[1], m[2], m[3], start[0], start[1]]
}

fn add_chain(chance: &mut Chance, scene: &mut Scene, range: [f64; 2], signed: bool) {
    let is_grey = scene.pixels.samples_per_pixel == 1;
    let is_indexed = scene
        .params
        .palette
        .as_ref()
        .is_some_and(|p| !p.is_supplemental());
    // Numbers with few binary digits, where equality decides at thresholds; or any.
    let is_plain = chance.one_in(2);
    let slope = if is_plain {
        [1.0, 0.5, 2.0, -1.0, 0.25][chance.below(5) as usize]
    } else {
        chance.by_magnitude(0.01, 20.0) * if chance.one_in(4) { -1.0 } else { 1.0 }
    };
    let intercept = chance.between(-2000.0, 2000.0);
    let intercept = if is_plain {
        intercept.round()
    } else {
        intercept
    };
    let mut modality = ModalityLut::Rescale { slope, intercept };
    scene.json["modality"] = json!({"slope": slope, "intercept": intercept});
    if is_grey && chance.one_in(5) {
        let (lut, json) = table(chance, range, signed);
        modality = ModalityLut::Table(lut);
        scene.json["modality"] = json;
    }
    let values = match &modality {
        ModalityLut::Table(lut) => [0.0, lut.full_scale()],
        _ => range.map(|stored| modality.apply(stored)),
    };
    let middle = chance.between(values[0], values[1]);
    let is_linear = !is_grey || is_indexed;
    let function = if is_linear { 0 } else { chance.below(4) };
    let has_window = is_grey && !is_indexed || chance.one_in(4);
    let window = Window {
        center: match has_window {
            false => 128.0,
            true if is_linear => chance.between(50.0, 200.0),
            true if is_plain => (middle * 2.0).round() / 2.0,
            true => middle,
        },
        width: match (has_window, chance.below(8)) {
            (false, _) => 256.0,
            (true, 0) => 1.0,
            (true, 1) => chance.between(0.01, 1.0),
            (true, 2) => 2.0,
            (true, _) if is_linear => chance.between(2.0, 400.0),
            (true, _) => chance.by_magnitude(1.0, (values[1] - values[0]).abs().max(2.0)),
        },
    };
    let (code, function) = match function {
        1 => ("LINEAR_EXACT", VoiFunction::LinearExact),
        2 => ("SIGMOID", VoiFunction::Sigmoid),
        _ => ("LINEAR", VoiFunction::Linear),
    };
    scene.params.voi = function.with(window);
    scene.json["voi"] = json!({"function": code, "center": window.center, "width": window.width});
    if !is_linear && chance.one_in(5) {
        let (lut, json) = table(chance, values, true);
        scene.params.voi = VoiLut::Table(lut);
        scene.json["voi"] = json;
    }
    let mut inverse = chance.one_in(2);
    scene.params.presentation = if inverse {
        Presentation::Inverse
    } else {
        Presentation::Identity
    };
    if is_grey && scene.params.palette.is_none() && chance.one_in(6) {
        let (lut, json) = table(chance, [0.0, 50.0], false);
        scene.json["presentation"] = json;
        inverse = chance.one_in(2);
        scene.params.presentation = if inverse {
            Presentation::InverseTable(lut)
        } else {
            Presentation::Table(lut)
        };
    }
    scene.json["inverse"] = json!(inverse);
    scene.params.modality = modality;
}

/// Three numbers as a file writes them: 0 for 65,536 entries, and the first input as 16 bits without sign.
fn descriptor(length: usize, first: f64, bits: u32) -> [i64; 3] {
    [
        length as i64 % 65_536,
        first as i64 & 0xffff,
        i64::from(bits),
    ]
}

/// A table over part of a range: a curve, or noise.
fn table(chance: &mut Chance, [a, b]: [f64; 2], signed: bool) -> (Lut, Value) {
    let most = (a - b).abs().clamp(1.0, 65_536.0);
    let length = chance.by_magnitude(1.0, most.max(2.0)).min(most) as usize;
    let length = if chance.one_in(12) {
        65_536
    } else {
        length.max(1)
    };
    let first = a.min(b) + chance.unit() * ((a - b).abs() - length as f64).max(0.0);
    let first = if signed {
        first.clamp(-32_768.0, 32_767.0)
    } else {
        first.clamp(0.0, 65_535.0)
    };
    let bits = 8 + chance.below(9);
    let full = f64::from((1_u32 << bits) - 1);
    let is_noise = chance.one_in(3);
    let gamma = chance.by_magnitude(0.3, 3.0);
    let entries: Vec<u16> = (0..length)
        .map(|place| {
            let part = if is_noise {
                chance.unit()
            } else {
                (place as f64 / length as f64).powf(gamma)
            };
            (part * full).round() as u16
        })
        .collect();
    let values = descriptor(length, first.round(), bits);
    let lut = LutDescriptor::new(values, signed)
        .unwrap()
        .table(entries.clone())
        .unwrap();
    (lut, json!({"descriptor": values, "entries": entries}))
}

fn add_palette(chance: &mut Chance, scene: &mut Scene, range: [f64; 2], signed: bool) {
    let is_wide = chance.one_in(2);
    let is_segmented = chance.one_in(2);
    let is_supplemental = chance.one_in(3);
    let bits = if is_wide { 16 } else { 8 };
    let most: u32 = if is_wide { 65_536 } else { 256 };
    let length = 4 * (1 + chance.below(60)) as usize;
    let first = chance
        .between(range[0], range[1])
        .round()
        .clamp(-32_768.0, 65_535.0);
    let values = descriptor(length, first, bits);
    let mut all = Vec::new();
    let channels = [0, 1, 2].map(|_| {
        // The largest entry occurs, so that sixteen bits are sixteen bits.
        let words = if is_segmented {
            segments(chance, length, most, is_wide)
        } else {
            let mut entries: Vec<u16> = (0..length).map(|_| chance.below(most) as u16).collect();
            entries[0] = (most - 1) as u16;
            entries
        };
        let bytes: Vec<u8> = if is_wide {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        } else {
            words.iter().map(|word| *word as u8).collect()
        };
        all.push(words);
        let descriptor = LutDescriptor::new(values, signed).unwrap();
        palette::channel(&descriptor, &bytes, is_segmented).unwrap()
    });
    scene.json["palette"] = json!({
        "descriptors": [values, values, values], "words": all, "segmented": is_segmented,
        "supplemental": is_supplemental, "signed": signed,
    });
    scene.params.palette = Some(Arc::new(Palette::new(channels, is_supplemental)));
}

/// Segments that make `length` entries, a multiple of 4: discrete, linear, and half of them again.
fn segments(chance: &mut Chance, length: usize, most: u32, is_wide: bool) -> Vec<u16> {
    let quarter = (length / 4) as u16;
    let mut words = vec![0, quarter];
    words.extend((0..quarter).map(|_| chance.below(most) as u16));
    words[2] = (most - 1) as u16;
    words.extend([1, quarter, chance.below(most) as u16]);
    words.extend(if is_wide {
        vec![2, 2, 0, 0]
    } else {
        vec![2, 2, 0, 0, 0, 0]
    });
    words
}

fn add_masks(chance: &mut Chance, scene: &mut Scene) {
    let [columns, rows] = [scene.columns, scene.rows];
    let mut planes = Vec::new();
    let mut plane_json = Vec::new();
    for _ in 0..chance.below(6).saturating_sub(3) {
        let size = [1 + chance.below(columns + 9), 1 + chance.below(rows + 9)];
        let frame = chance.below(2);
        let count = (size[0] * size[1] * (frame + 1)) as usize;
        let bytes: Vec<u8> = (0..count.div_ceil(8))
            .map(|_| {
                if chance.one_in(9) {
                    1 << chance.below(8)
                } else {
                    0
                }
            })
            .collect();
        let origin =
            [rows, columns].map(|edge| (chance.between(-0.4, 0.8) * f64::from(edge)) as i32);
        planes.extend(OverlayBits::of_frame(size, origin, &bytes, frame));
        plane_json.push(json!({
            "columns": size[0], "rows": size[1], "origin": origin, "frame": frame, "bytes": bytes,
        }));
    }
    let [width, height] = [columns, rows].map(f64::from);
    let part = |part: f64, of: f64| (part * of).round();
    let mut shapes = Vec::new();
    let mut shape_json = Vec::new();
    if chance.one_in(9) {
        let [left, right] = [part(0.1, width), part(0.9, width)];
        let [upper, lower] = [part(0.2, height), part(0.8, height)];
        shapes.push(ShutterShape::Rectangle {
            left,
            right,
            upper,
            lower,
        });
        shape_json.push(json!({"kind": "RECTANGULAR", "edges": [left, right, upper, lower]}));
    }
    if chance.one_in(9) {
        let (center, radius) = (
            [part(0.5, height), part(0.4, width)],
            part(0.4, width).max(1.0),
        );
        shapes.push(ShutterShape::Circle { center, radius });
        shape_json.push(json!({"kind": "CIRCULAR", "center": center, "radius": radius}));
    }
    if chance.one_in(9) {
        // Concave, so that even and odd crossings occur.
        let vertices = vec![
            [1.0, 1.0],
            [height, part(0.3, width)],
            [part(0.4, height), part(0.4, width)],
            [part(0.6, height), width],
        ];
        shape_json.push(json!({"kind": "POLYGONAL", "vertices": vertices}));
        shapes.push(ShutterShape::Polygon { vertices });
    }
    let value = chance.below(65_536);
    let shutter = (!shapes.is_empty()).then(|| Shutter {
        shapes,
        level: ((value * 255 + 32_767) / 65_535) as u8,
    });
    if shutter.is_some() {
        scene.json["shutter"] = json!({"shapes": shape_json, "value": value});
    }
    scene.params.shows_overlays = !chance.one_in(4);
    scene.json["overlays"] = json!(plane_json);
    scene.json["shows_overlays"] = json!(scene.params.shows_overlays);
    scene.params.mask = Mask::new([columns, rows], &planes, shutter.as_ref());
}
