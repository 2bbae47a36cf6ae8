//! Volumes in bricks: seams, budgets, and what is shown of bricks that are not here.

mod device;

use device::{block_on, context, yield_now};
use std::sync::Arc;
use viewer_core::geometry::{ImagePlane, Projection, Slab, ViewPlane};
use viewer_core::pixel::{Frame, ModalityLut, Photometric, Presentation, SampleType};
use viewer_core::pixel::{VoiLut, Window};
use viewer_core::volume::{Interpolation, PlaneParams, Slice, Slices, VolumeGrid, plane_values};
use viewer_gpu::{Context, DrawError, Renderer, UploadError, VolumeCache};

const RESCALE: ModalityLut = ModalityLut::Rescale {
    slope: 0.5,
    intercept: -100.0,
};

/// A volume whose slices are computed when they are needed.
struct Body {
    size: [u32; 3],
    grid: Arc<VolumeGrid>,
}

impl Body {
    fn new(size: [u32; 3]) -> Self {
        let planes: Vec<_> = (0..size[2])
            .map(|z| {
                let orientation = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
                ImagePlane::new([0.0, 0.0, f64::from(z)], orientation, [1.0, 1.0]).expect("a plane")
            })
            .collect();
        let stacked = VolumeGrid::stack(&planes, [size[0], size[1]]).expect("a stack");
        Self {
            size,
            grid: Arc::new(stacked.grid),
        }
    }

    /// Stored values without a pattern that bricks could share.
    fn samples(&self, z: u32) -> Vec<u8> {
        let [columns, rows, _] = self.size;
        let places = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let values = places.map(|(x, y)| (x * 397 + y * 1009 + z * 613 + (x * y + z) % 89) % 4001);
        values
            .flat_map(|value| (value as u16).to_le_bytes())
            .collect()
    }

    fn write(&self, context: &Context, volumes: &mut VolumeCache, z: u32) {
        let written = volumes.write_slice(context, 1, z, &self.samples(z), &RESCALE);
        written.expect("written");
    }

    /// Writes all slices once, and then those that the plane lacks.
    fn fill(&self, context: &Context, volumes: &mut VolumeCache, params: &PlaneParams) {
        volumes
            .begin(context, 1, self.size, SampleType::U16)
            .expect("room");
        (0..self.size[2]).for_each(|z| self.write(context, volumes, z));
        self.bring(context, volumes, params);
    }

    fn bring(&self, context: &Context, volumes: &mut VolumeCache, params: &PlaneParams) {
        for z in volumes.missing(1, std::slice::from_ref(params)) {
            self.write(context, volumes, z);
        }
    }

    fn slices(&self) -> Slices {
        let [columns, rows, count] = self.size;
        let mut slices = Slices::new(columns, rows, count as usize);
        for z in 0..count {
            let frame = Frame {
                rows,
                columns,
                samples_per_pixel: 1,
                sample_type: SampleType::U16,
                bits_stored: 16,
                photometric: Photometric::Monochrome2,
                data: self.samples(z),
            };
            let slice = Slice::new(frame, RESCALE).expect("a slice");
            slices.put(z as usize, Arc::new(slice)).expect("a place");
        }
        slices
    }

    fn plane(&self, row: [f64; 3], column: [f64; 3], size: [u32; 2]) -> PlaneParams {
        let plane = ViewPlane::new(self.grid.center().to_array(), row, column, 1.0);
        PlaneParams {
            grid: Arc::clone(&self.grid),
            plane: plane.expect("a plane"),
            size,
            interpolation: Interpolation::Trilinear,
            voi: VoiLut::Linear(Window {
                center: 900.0,
                width: 2000.0,
            }),
            presentation: Presentation::Identity,
        }
    }
}

fn drawn(context: &Context, volumes: &VolumeCache, params: &PlaneParams) -> Vec<f32> {
    let mut renderer = Renderer::new(context);
    let values = renderer.plane_values(context, volumes, 1, params, yield_now);
    let values = block_on(values).expect("drawn");
    assert_eq!(context.take_errors(), Vec::<String>::new());
    values
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

const TILTED: [[f64; 3]; 2] = [[0.8, 0.36, 0.48], [-0.6, 0.48, 0.64]];

#[test]
fn lesson_02_bricks_and_one_piece_give_the_same_bits() {
    let context = context();
    let body = Body::new([150, 140, 136]);
    let slab = Slab {
        thickness_mm: 9.0,
        projection: Projection::Mip,
        step_mm: None,
    };
    let tilted = body.plane(TILTED[0], TILTED[1], [190, 180]);
    let mut thick = tilted.clone();
    thick.plane.slab = Some(slab);
    let across = body.plane([1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [160, 150]);
    for params in [tilted, thick, across] {
        let mut whole = VolumeCache::new(&context, 64 << 20);
        body.fill(&context, &mut whole, &params);
        let expected = drawn(&context, &whole, &params);
        for side in [64, 100] {
            let mut bricks = VolumeCache::new(&context, 64 << 20).with_limits(side);
            body.fill(&context, &mut bricks, &params);
            assert!(bricks.missing(1, std::slice::from_ref(&params)).is_empty());
            assert_eq!(bits(&drawn(&context, &bricks, &params)), bits(&expected));
        }
    }
}

#[test]
fn lesson_02_three_thousand_slices_are_drawn_across_their_seams() {
    let context = context();
    let body = Body::new([40, 24, 3072]);
    let slices = body.slices();
    // Along the slices and a little askew: all seams are crossed.
    let params = body.plane([0.0, 0.02, 0.9998], [1.0, 0.0, 0.0], [2000, 40]);
    let expected = plane_values(&body.grid, &slices, &params.plane, params.size).expect("a plane");
    assert!(expected.iter().filter(|value| !value.is_nan()).count() > 20_000);
    for side in [256, 64] {
        let mut volumes = VolumeCache::new(&context, 64 << 20).with_limits(side);
        body.fill(&context, &mut volumes, &params);
        let found = drawn(&context, &volumes, &params);
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.is_nan(), expected.is_nan(), "{side} {index}");
            // A hundred-thousandth of the range, 2000.
            let apart = (found - expected).abs();
            assert!(
                found.is_nan() || apart < 0.02,
                "{side} {index}: {found} {expected}"
            );
        }
    }
}

#[test]
fn lesson_01_the_budget_holds_and_the_coarse_level_stands_in() {
    let context = context();
    // 50 MB of voxels.
    let body = Body::new([256, 256, 400]);
    let budget = 12 << 20;
    let mut volumes = VolumeCache::new(&context, budget);
    let params = body.plane(TILTED[0], TILTED[1], [300, 300]);
    body.fill(&context, &mut volumes, &params);
    assert!(volumes.bytes() as u64 <= budget, "{}", volumes.bytes());
    let values = drawn(&context, &volumes, &params);
    let slices = body.slices();
    let expected = plane_values(&body.grid, &slices, &params.plane, params.size).expect("a plane");
    let (mut exact, mut coarse) = (0, 0);
    for (found, expected) in values.iter().zip(&expected) {
        assert_eq!(found.is_nan(), expected.is_nan());
        if (found - expected).abs() < 0.02 {
            exact += 1;
        } else if !found.is_nan() {
            // Means of a body whose values lie between -100 and 1900.
            assert!((-100.0..=1900.0).contains(found));
            coarse += 1;
        }
    }
    assert!(exact > 5_000 && coarse > 5_000, "{exact} {coarse}");
    // Another plane takes the places of the first.
    let other = body.plane([0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [60, 60]);
    body.bring(&context, &mut volumes, &other);
    let values = drawn(&context, &volumes, &other);
    let expected = plane_values(&body.grid, &slices, &other.plane, other.size).expect("a plane");
    let all = values.iter().zip(&expected);
    assert!(all.into_iter().all(|(a, b)| (a - b).abs() < 0.02));
    assert!(volumes.bytes() as u64 <= budget);
}

#[test]
fn lesson_01_a_volume_without_room_is_refused_in_words() {
    let context = context();
    let mut volumes = VolumeCache::new(&context, 1 << 16);
    let refused = volumes.begin(&context, 1, [512, 512, 200], SampleType::I16);
    let error = refused.expect_err("no room");
    assert_eq!(
        error.to_string(),
        "there is no room on the graphics card for a volume of 512 x 512 x 200 voxels"
    );
    assert!(!volumes.contains(1) && volumes.bytes() == 0);
    let unknown = volumes.write_slice(&context, 1, 0, &[0; 2], &RESCALE);
    assert!(matches!(unknown, Err(UploadError::NoVolume)));
}

#[test]
fn what_the_last_drawing_did_not_show_makes_room() {
    let context = context();
    let body = Body::new([64, 64, 40]);
    let mut volumes = VolumeCache::new(&context, 800 << 10);
    let params = body.plane([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [20, 20]);
    volumes
        .begin(&context, 1, body.size, SampleType::U16)
        .expect("room");
    body.write(&context, &mut volumes, 20);
    drawn(&context, &volumes, &params);
    // It was shown last, and beside it there is only room in parts, or none.
    let _ = volumes.begin(&context, 2, body.size, SampleType::U16);
    assert!(volumes.contains(1));
    volumes.evict_all();
    assert_eq!(volumes.bytes(), 0);
}

#[test]
fn nothing_panics_without_a_volume_or_a_device() {
    let context = context();
    let body = Body::new([20, 20, 8]);
    let mut volumes = VolumeCache::new(&context, 1 << 20);
    let params = body.plane([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [20, 20]);
    let mut renderer = Renderer::new(&context);
    let none = block_on(renderer.plane_to_rgba(&context, &volumes, 1, &params, yield_now));
    assert_eq!(none, Err(DrawError::NoVolume));
    volumes
        .begin(&context, 1, body.size, SampleType::U16)
        .expect("room");
    let short = volumes.write_slice(&context, 1, 0, &[0; 3], &RESCALE);
    assert!(matches!(short, Err(UploadError::NotDrawable)));
    let beyond = volumes.write_slice(&context, 1, 8, &body.samples(8), &RESCALE);
    assert!(matches!(beyond, Err(UploadError::NotDrawable)));
    volumes.fail_slice(1, 99);
    let other = Body::new([20, 20, 9]).plane([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [20, 20]);
    let other = block_on(renderer.plane_values(&context, &volumes, 1, &other, yield_now));
    assert_eq!(other.map(|values| values.len()), Err(DrawError::Plane));
    context.destroy();
    let lost = volumes.write_slice(&context, 1, 0, &body.samples(0), &RESCALE);
    assert!(matches!(lost, Err(UploadError::Lost)));
    let lost = block_on(renderer.plane_to_rgba(&context, &volumes, 1, &params, yield_now));
    assert_eq!(lost, Err(DrawError::Lost));
    volumes.missing(1, std::slice::from_ref(&params));
    volumes.evict(1);
}

#[test]
fn slices_are_asked_for_from_where_the_user_looks() {
    let context = context();
    let body = Body::new([20, 20, 9]);
    let mut volumes = VolumeCache::new(&context, 1 << 20);
    let params = body.plane([1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [20, 20]);
    volumes
        .begin(&context, 1, body.size, SampleType::U16)
        .expect("room");
    let planes = std::slice::from_ref(&params);
    assert_eq!(volumes.missing(1, planes)[..3], [4, 0, 8]);
    body.write(&context, &mut volumes, 0);
    volumes.fail_slice(1, 8);
    assert_eq!(volumes.missing(1, planes), [4, 2, 6, 1, 3, 5, 7]);
    let presence = volumes.presence(1).expect("it is there");
    assert_eq!((presence.here(), presence.is_final()), (1, false));
}
