//! A radiograph of a left hand: bones and flesh as thicknesses along the beam.

use crate::PhantomError;
use crate::dicom::{Encoding, Place};
use crate::filter::{blur, correlated_noise};
use crate::noise::{Noise, smooth_step};
use crate::radiograph::{DX_IMAGE, Exposure, Mark, describe, grey, letter_l, stored};
use crate::voi_luts::{Tone, add_voi_luts};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use glam::{Vec2, Vec3};

const COLUMNS: u16 = 1100;
const ROWS: u16 = 1500;
const SPACING_MM: f64 = 0.16;

/// A long bone: ends, radius of the middle and of the two ends, in mm.
struct Bone {
    start: Vec2,
    end: Vec2,
    shaft: f32,
    base: f32,
    head: f32,
}

/// Files the radiograph, MONOCHROME2 of 12 bits, laterality L.
pub(crate) fn file(place: &Place, encoding: Encoding) -> Result<Vec<u8>, PhantomError> {
    let (columns, rows) = (usize::from(COLUMNS), usize::from(ROWS));
    let (bones, carpals) = skeleton();
    let noise = Noise::new(place.seed);
    let mut picture = vec![0.0_f32; columns * rows];
    for (index, value) in picture.iter_mut().enumerate() {
        // The wrist lies low in the picture; y grows towards the finger tips, x towards the thumb.
        let p = Vec2::new(
            (index % columns) as f32 * SPACING_MM as f32 - 82.0,
            203.0 - (index / columns) as f32 * SPACING_MM as f32,
        );
        *value = depth(p, &bones, &carpals, &noise);
    }
    blur(&mut picture, columns, 1.1);
    let grain = correlated_noise(picture.len(), columns, 0.7, place.seed);
    let mut words: Vec<u16> = picture
        .iter()
        .zip(grain)
        .map(|(mm, grain)| stored(90.0 + mm * 58.0 + grain * 16.0).min(4095))
        .collect();
    letter_l(
        &mut words,
        columns,
        &Mark {
            left: columns - columns / 8,
            top: rows / 16,
            scale: 9,
        },
        4000,
    );
    let pixels = grey(words, ROWS, COLUMNS, "MONOCHROME2", 12);
    let mut set = place.dataset(DX_IMAGE, 1, "ORIGINAL\\PRIMARY\\");
    describe(
        &mut set,
        &Exposure {
            spacing_mm: SPACING_MM,
            kvp: "50",
            window: [1900.0, 3300.0],
            inverse: false,
        },
    );
    add_voi_luts(
        &mut set,
        &[
            Tone {
                explanation: "BONE",
                first: 60,
                count: 3700,
                middle: 0.52,
                contrast: 5.0,
            },
            Tone {
                explanation: "SOFT TISSUE",
                first: 60,
                count: 2600,
                middle: 0.30,
                contrast: 7.0,
            },
        ],
    );
    // In the anatomical position arms hang down with the palms forward: the left thumb points to the left, and rows
    // run from the finger tips (feet) to the wrist (head).
    set.text(tags::PATIENT_ORIENTATION, VR::CS, "L\\H");
    set.text(tags::IMAGE_LATERALITY, VR::CS, "L");
    set.text(tags::VIEW_POSITION, VR::CS, "PA");
    set.code(tags::ANATOMIC_REGION_SEQUENCE, ["85562004", "SCT", "Hand"]);
    set.code(
        tags::VIEW_CODE_SEQUENCE,
        ["272479007", "SCT", "postero-anterior"],
    );
    set.into_file(&pixels, encoding)
}

/// Water-equivalent depth in mm at one place of the picture.
fn depth(p: Vec2, bones: &[Bone], carpals: &[(Vec2, Vec2)], noise: &Noise) -> f32 {
    let mut flesh = 0.0_f32;
    let mut bone_mm = 0.0_f32;
    let grain = |scale: f32| noise.at(Vec3::new(p.x / scale, p.y / scale, 0.37));
    for bone in bones {
        let along = bone.end - bone.start;
        let length = along.length();
        let way = (p - bone.start).dot(along) / length;
        let t = (way / length).clamp(0.0, 1.0);
        // Ends are flatter than half balls.
        let beyond = (-way).max(way - length).max(0.0) * 1.6;
        let distance = (p - bone.start).perp_dot(along / length).hypot(beyond);
        if distance > 26.0 {
            continue;
        }
        let near_base = smooth_step(0.46, -0.12, t);
        let near_head = smooth_step(0.56, 1.1, t);
        let radius = bone.shaft
            + (bone.base - bone.shaft) * near_base
            + (bone.head - bone.shaft) * near_head;
        let outer = chord(distance, radius);
        // Shafts have thick walls about the marrow; ends are spongy under a thin shell.
        let hollow = radius * (0.60 + 0.30 * near_base.max(near_head));
        let spongy = 0.62 - 0.34 * near_base.max(near_head) - 0.10 * grain(1.1) - 0.06 * grain(3.0);
        bone_mm += (outer - chord(distance, hollow) * spongy) * (6.5 / radius).min(1.0);
        let cover = radius * 0.55 + 4.6;
        flesh = soft_max(flesh, chord(distance, radius + cover));
    }
    for (center, half) in carpals {
        let scaled = (p - *center) / *half;
        let d = scaled.length();
        let wobble = 1.0 + 0.06 * grain(5.0);
        let radius = half.min_element();
        let outer = chord(d * radius, radius * wobble);
        bone_mm += outer - chord(d * radius, radius * 0.88 * wobble) * (0.30 - 0.1 * grain(1.2));
    }
    // The palm and the wrist as one broad pad.
    let palm = ((p - Vec2::new(0.0, 56.0)) / Vec2::new(39.0, 62.0)).length();
    let wrist = ((p.x + 1.0) / (27.0 + 0.004 * (p.y + 10.0).powi(2)).min(34.0)).abs();
    let lower = smooth_step(52.0, 12.0, p.y);
    flesh = soft_max(flesh, 26.0 * (1.0 - palm.powi(4)).max(0.0).sqrt());
    flesh = soft_max(flesh, lower * 31.0 * (1.0 - wrist.powi(4)).max(0.0).sqrt());
    flesh * (1.0 + 0.025 * grain(7.0)) + bone_mm * 1.9
}

fn chord(distance: f32, radius: f32) -> f32 {
    2.0 * (radius * radius - distance * distance).max(0.0).sqrt()
}

fn soft_max(a: f32, b: f32) -> f32 {
    crate::noise::smooth_max(a, b, 7.0)
}

fn skeleton() -> (Vec<Bone>, Vec<(Vec2, Vec2)>) {
    let mut bones = Vec::new();
    let mut ray = |start: Vec2, degrees: f32, bend: f32, lengths: &[f32], radii: &[[f32; 3]]| {
        let (mut at, mut turn) = (start, degrees);
        for (length, [shaft, base, head]) in lengths.iter().zip(radii) {
            let way = Vec2::new(turn.to_radians().sin(), turn.to_radians().cos());
            let (from, to) = (at + way * base * 0.75, at + way * (length - head * 0.85));
            bones.push(Bone {
                start: from,
                end: to,
                shaft: *shaft,
                base: *base,
                head: *head,
            });
            at += way * (length + 1.1);
            turn += bend;
        }
    };
    let finger = |scale: f32| {
        [
            [4.3, 7.2, 7.0],
            [4.0, 7.0, 5.0],
            [3.4, 5.6, 4.2],
            [2.4, 4.8, 3.2],
        ]
        .map(|r| r.map(|v: f32| v * scale))
    };
    ray(
        Vec2::new(12.5, 30.0),
        9.0,
        -1.0,
        &[68.0, 40.0, 24.0, 18.0],
        &finger(1.0),
    );
    ray(
        Vec2::new(1.0, 31.0),
        0.5,
        -0.6,
        &[66.0, 44.0, 28.0, 18.5],
        &finger(1.03),
    );
    ray(
        Vec2::new(-9.0, 29.0),
        -8.0,
        1.0,
        &[59.0, 41.0, 27.0, 18.5],
        &finger(0.95),
    );
    ray(
        Vec2::new(-17.5, 26.0),
        -17.5,
        2.0,
        &[54.0, 33.0, 19.5, 16.5],
        &finger(0.86),
    );
    ray(
        Vec2::new(22.0, 19.0),
        46.0,
        -9.0,
        &[45.0, 32.0, 22.0],
        &[[5.0, 7.8, 7.2], [4.4, 7.0, 5.4], [3.2, 6.4, 4.0]],
    );
    bones.push(Bone {
        start: Vec2::new(9.0, -64.0),
        end: Vec2::new(9.0, -12.0),
        shaft: 7.4,
        base: 7.4,
        head: 12.5,
    });
    bones.push(Bone {
        start: Vec2::new(-14.0, -64.0),
        end: Vec2::new(-15.0, -8.0),
        shaft: 5.6,
        base: 5.6,
        head: 7.8,
    });
    let carpals = [
        ([14.0, 5.5], [8.5, 6.4]),
        ([1.0, 5.0], [7.6, 6.6]),
        ([-10.5, 8.0], [6.6, 6.0]),
        ([-14.5, 11.5], [4.4, 4.6]),
        ([20.0, 14.5], [6.4, 5.6]),
        ([12.5, 19.5], [5.4, 5.4]),
        ([3.0, 18.0], [6.8, 9.4]),
        ([-9.5, 18.5], [7.2, 7.0]),
    ];
    (
        bones,
        carpals
            .iter()
            .map(|(c, h)| (Vec2::from(*c), Vec2::from(*h)))
            .collect(),
    )
}
