//! The rest of the grey-scale chain, palettes and masks for made-up scenes.

use super::TestScene;
use super::chance::Chance;
use std::sync::Arc;
use viewer_core::pixel::{
    Lut, LutDescriptor, Mask, ModalityLut, OverlayBits, Palette, Presentation, Shutter,
    ShutterShape, VoiFunction, VoiLut, Window,
};

/// Gives a scene, which has rescale and LINEAR, other steps by chance.
pub(super) fn vary(chance: &mut Chance, scene: &mut TestScene, window: Window, range: [f64; 2]) {
    let is_narrow = scene.pixels.sample_type.size_bytes() <= 2;
    if !scene.pixels.is_color() {
        match chance.below(8) {
            0 => scene.params.voi = VoiFunction::LinearExact.with(window),
            1 | 2 => scene.params.voi = VoiFunction::Sigmoid.with(window),
            3 => {
                let values = range.map(|stored| scene.params.modality.apply(stored));
                scene.params.voi = VoiLut::Table(table(chance, values));
            }
            _ => {}
        }
        if is_narrow && chance.one_in(8) {
            scene.params.modality = ModalityLut::Table(table(chance, range));
        }
        if chance.one_in(10) {
            let lut = table(chance, [0.0, 40.0]);
            scene.params.presentation = match scene.params.presentation {
                Presentation::Inverse => Presentation::InverseTable(lut),
                _ => Presentation::Table(lut),
            };
        }
        if is_narrow && chance.one_in(7) {
            let channels = [0, 1, 2].map(|_| table(chance, range));
            // Tables of one palette have one first input.
            let first = channels[0].first();
            let channels = channels.map(|lut| at(first, &lut));
            let is_supplemental = chance.one_in(3);
            scene.params.palette = Some(Arc::new(Palette::new(channels, is_supplemental)));
        }
    }
    if chance.one_in(6) {
        scene.params.mask = mask(chance, [scene.columns, scene.rows]);
        scene.params.shows_overlays = !chance.one_in(3);
    }
}

/// A table over part of a range of inputs: a curve, or in one of four noise.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut to the descriptor's range; entries lie below 2^bits"
)]
fn table(chance: &mut Chance, [a, b]: [f64; 2]) -> Lut {
    let (low, high) = (a.min(b), a.max(b));
    let length = (high - low)
        .clamp(1.0, 65_536.0)
        .min(chance.by_magnitude(2.0, 70_000.0));
    let length = length.floor().clamp(1.0, 65_536.0);
    let first = (low + chance.unit() * (high - low - length).max(0.0)).round();
    let first = first.clamp(-32_768.0, 32_767.0) as i64;
    let bits = 8 + chance.below(9);
    let full = f64::from((1_u32 << bits) - 1);
    let is_noise = chance.one_in(4);
    let gamma = chance.by_magnitude(0.3, 3.0);
    let entries = (0..length as u32)
        .map(|place| {
            let part = if is_noise {
                chance.unit()
            } else {
                (f64::from(place) / length).powf(gamma)
            };
            (part * full).round() as u16
        })
        .collect();
    let length = length as i64 % 65_536;
    LutDescriptor::new([length, first, i64::from(bits)], true)
        .and_then(|descriptor| descriptor.table(entries))
        .unwrap_or_else(|error| unreachable!("a made-up table: {error}"))
}

/// The same entries from another first input on.
fn at(first: i32, lut: &Lut) -> Lut {
    let length = i64::try_from(lut.entries().len()).unwrap_or(1) % 65_536;
    LutDescriptor::new([length, i64::from(first), i64::from(lut.bits())], true)
        .and_then(|descriptor| descriptor.table(lut.entries().to_vec()))
        .unwrap_or_else(|error| unreachable!("a made-up table: {error}"))
}

/// Overlay planes, a shutter or both.
#[expect(clippy::cast_possible_truncation, reason = "a place near the frame")]
fn mask(chance: &mut Chance, [columns, rows]: [u32; 2]) -> Option<Mask> {
    let mut planes = Vec::new();
    for _ in 0..chance.below(3) {
        let size = [1 + chance.below(columns + 20), 1 + chance.below(rows + 20)];
        let bytes = (size[0] as usize * size[1] as usize).div_ceil(8);
        // Few bits, so that lines and points of one pixel occur.
        let data: Vec<u8> = (0..bytes)
            .map(|_| {
                if chance.one_in(12) {
                    1 << chance.below(8)
                } else {
                    0
                }
            })
            .collect();
        let origin = [rows, columns].map(|edge| {
            let edge = f64::from(edge);
            (chance.between(-0.3, 0.6) * edge) as i32
        });
        planes.extend(OverlayBits::of_frame(size, origin, &data, 0));
    }
    let [width, height] = [columns, rows].map(f64::from);
    let shape = match chance.below(4) {
        0 => Some(ShutterShape::Rectangle {
            left: width * 0.1,
            right: width * 0.9,
            upper: height * 0.2,
            lower: height * 0.8,
        }),
        1 => Some(ShutterShape::Circle {
            center: [height * 0.5, width * 0.45],
            radius: width * 0.4,
        }),
        2 => Some(ShutterShape::Polygon {
            vertices: vec![[1.0, 1.0], [height, width * 0.3], [height * 0.4, width]],
        }),
        _ => None,
    };
    let shutter = shape.map(|shape| Shutter {
        shapes: vec![shape],
        level: u8::try_from(chance.below(256)).unwrap_or(0),
    });
    Mask::new([columns, rows], &planes, shutter.as_ref())
}
