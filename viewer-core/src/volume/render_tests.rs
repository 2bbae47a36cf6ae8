//! Pixels of planes against the formulas of the standard.

use super::super::{Interpolation, Slice, SliceState, VolumeGrid};
use super::*;
use crate::geometry::{ImagePlane, Projection, Slab, ViewPlane};
use crate::pixel::{Frame, LutDescriptor, ModalityLut, Photometric, SampleType, Window};
use std::sync::Arc;

/// 6 slices of 40 x 4 voxels of 1 mm, 1 mm apart; stored values rise by 10 a column and 100 a slice; HU.
fn volume() -> (Arc<VolumeGrid>, Slices) {
    let axial = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let plane = |z: u32| ImagePlane::new([0.0, 0.0, z.into()], axial, [1.0, 1.0]).unwrap();
    let planes: Vec<_> = (0..6).map(plane).collect();
    let grid = VolumeGrid::stack(&planes, [40, 4]).unwrap().grid;
    let mut slices = Slices::new(40, 4, 6);
    for z in 0..6_u16 {
        let row = (0..40_u16).flat_map(|x| (x * 10 + z * 100).to_le_bytes());
        let frame = Frame {
            rows: 4,
            columns: 40,
            samples_per_pixel: 1,
            sample_type: SampleType::U16,
            bits_stored: 16,
            photometric: Photometric::Monochrome2,
            data: row.collect::<Vec<u8>>().repeat(4),
        };
        let modality = ModalityLut::Rescale {
            slope: 2.0,
            intercept: -500.0,
        };
        let slice = Slice::new(frame, modality).unwrap();
        slices.put(z.into(), Arc::new(slice)).unwrap();
    }
    (Arc::new(grid), slices)
}

/// 50 x 4 pixels over the 40 columns at a height: five black columns on each side.
fn params(grid: &Arc<VolumeGrid>, z: f64, voi: VoiLut) -> PlaneParams {
    let center = [19.5, 1.5, z];
    PlaneParams {
        grid: grid.clone(),
        plane: ViewPlane::new(center, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 1.0).unwrap(),
        size: [50, 4],
        interpolation: Interpolation::Trilinear,
        voi,
        presentation: Presentation::Identity,
    }
}

fn here(count: usize) -> Presence {
    let mut presence = Presence::new(count);
    for slice in 0..count {
        presence.set(slice, SliceState::Here);
    }
    presence
}

fn window(center: f64, width: f64) -> Window {
    Window { center, width }
}

/// The picture of a plane at z = 2.5, where the modality value of column `x` is `20 x`, against a formula for grey.
fn check(params: &PlaneParams, slices: &Slices, grey: impl Fn(f64) -> f64) {
    let mut rgba = vec![7; 50 * 4 * 4];
    render(slices, &here(6), params, &mut rgba).unwrap();
    for (index, pixel) in rgba.chunks(4).enumerate() {
        assert_eq!((pixel[0], pixel[1], pixel[3]), (pixel[1], pixel[2], 255));
        let x = index % 50;
        if !(5..45).contains(&x) {
            assert_eq!(pixel[0], 0, "{x}");
            continue;
        }
        let expected = grey(20.0 * (x as f64 - 5.0)) * 255.0;
        assert!(
            (f64::from(pixel[0]) - expected).abs() < 0.5001,
            "{x}: {pixel:?}, {expected}"
        );
    }
}

/// PS3.3 C.11.2.1.2.1, C.11.2.1.3.2 and C.11.2.1.3.1, written as they stand there.
#[test]
fn windows_are_those_of_the_standard() {
    let (grid, slices) = volume();
    let linear = |x: f64, c: f64, w: f64| {
        if x <= c - 0.5 - (w - 1.0) / 2.0 {
            0.0
        } else if x > c - 0.5 + (w - 1.0) / 2.0 {
            1.0
        } else {
            (x - (c - 0.5)) / (w - 1.0) + 0.5
        }
    };
    for (c, w) in [(350.0, 500.0), (100.0, 1.0), (100.5, 1.0), (-300.0, 80.0)] {
        let params = params(&grid, 2.5, VoiLut::Linear(window(c, w)));
        check(&params, &slices, |x| linear(x, c, w));
    }
    let exact = params(&grid, 2.5, VoiLut::LinearExact(window(360.0, 0.5)));
    check(&exact, &slices, |x| {
        ((x - 360.0) / 0.5 + 0.5).clamp(0.0, 1.0)
    });
    let sigmoid = params(&grid, 2.5, VoiLut::Sigmoid(window(300.0, 400.0)));
    check(&sigmoid, &slices, |x| {
        1.0 / (1.0 + (-4.0 * (x - 300.0) / 400.0).exp())
    });
}

#[test]
fn tables_and_inversion_come_after_the_modality_value() {
    let (grid, slices) = volume();
    let table = |values: [i64; 3], entries: &[u16]| {
        let descriptor = LutDescriptor::new(values, false).unwrap();
        descriptor.table(entries.to_vec()).unwrap()
    };
    // Values 100 to 103 are 0, 50, 255 and 90: below 100 is 0, from 103 on 90.
    let voi = VoiLut::Table(table([4, 100, 8], &[0, 50, 255, 90]));
    let params = params(&grid, 2.5, voi);
    check(
        &params,
        &slices,
        |x| if x < 103.0 { 0.0 } else { 90.0 / 255.0 },
    );
    let params = PlaneParams {
        voi: VoiLut::LinearExact(window(400.0, 800.0)),
        presentation: Presentation::Inverse,
        ..params
    };
    check(&params, &slices, |x| 1.0 - x / 800.0);
    // Grey 0, 0.5 and 1 become 1, 0.2 and 0.
    let params = PlaneParams {
        presentation: Presentation::Table(table([3, 0, 8], &[255, 51, 0])),
        ..params
    };
    check(&params, &slices, |x| {
        let grey = x / 800.0;
        if grey < 0.5 {
            1.0 - 1.6 * grey
        } else {
            0.4 * (1.0 - grey)
        }
    });
}

#[test]
fn a_slice_that_failed_is_hatched_and_one_on_its_way_is_bridged() {
    let (grid, mut slices) = volume();
    slices.remove(3);
    let params = params(&grid, 2.5, VoiLut::LinearExact(window(500.0, 1000.0)));
    let mut presence = here(6);
    presence.set(3, SliceState::Failed);
    let mut rgba = vec![7; 50 * 4 * 4];
    render(&slices, &presence, &params, &mut rgba).unwrap();
    for (index, pixel) in rgba.chunks(4).enumerate() {
        let (x, y) = (index % 50, index / 50);
        let expected = match (5..45).contains(&x) {
            true if (x + y) % 12 < 2 => 88,
            true => 24,
            false => 0,
        };
        assert_eq!(pixel, [expected, expected, expected, 255], "{x} {y}");
    }
    // Between slices 2 and 4, a quarter of the way: 2 * (10 * 14 + 250) - 500 = 280 HU in column 14.
    presence.set(3, SliceState::Awaited);
    render(&slices, &presence, &params, &mut rgba).unwrap();
    assert_eq!(rgba[19 * 4], 71);
    // Nothing came yet.
    let nothing = Slices::new(40, 4, 6);
    render(&nothing, &Presence::new(6), &params, &mut rgba).unwrap();
    assert!(rgba.chunks(4).all(|pixel| pixel == [0, 0, 0, 255]));
}

#[test]
fn bands_are_the_whole_and_a_short_buffer_is_filled_as_far_as_it_goes() {
    let (grid, slices) = volume();
    let slab = Slab {
        thickness_mm: 2.0,
        projection: Projection::Mip,
        step_mm: None,
    };
    let plain = params(&grid, 2.2, VoiLut::LinearExact(window(500.0, 1000.0)));
    let plane = plain.plane.with_slab(slab).unwrap();
    let params = PlaneParams {
        plane,
        size: [50, 150],
        ..plain
    };
    let mut whole = vec![0; 50 * 150 * 4];
    render(&slices, &here(6), &params, &mut whole).unwrap();
    let mut band = vec![0; 50 * 80 * 4];
    render_rows(&slices, &here(6), &params, 70..150, &mut band).unwrap();
    assert_eq!(band, whole[50 * 70 * 4..]);
    let mut short = vec![9; 50 * 70 * 4 + 5];
    render(&slices, &here(6), &params, &mut short).unwrap();
    assert_eq!(short[..50 * 70 * 4], whole[..50 * 70 * 4]);
    assert_eq!(short[50 * 70 * 4..], [9; 5]);
}
