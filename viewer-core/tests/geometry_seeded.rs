//! What holds for every view and plane, on seeded random ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use glam::{DQuat, DVec2, DVec3};
use viewer_core::geometry::{
    ImagePlane, PatientDirections, ViewGeometry, ViewTransform, edge_letters, letters,
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (high - low) * ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn size(&mut self) -> u32 {
        self.between(1.0, 3000.0) as u32
    }

    fn point(&mut self) -> DVec2 {
        DVec2::new(self.between(-50.0, 3000.0), self.between(-50.0, 3000.0))
    }

    fn view(&mut self) -> ViewTransform {
        ViewTransform {
            zoom: self.between(0.2, 20.0),
            pan: [self.between(-800.0, 800.0), self.between(-800.0, 800.0)],
            rotation: self.between(0.0, 360.0),
            flip: self.between(0.0, 1.0) < 0.5,
        }
    }

    fn plane(&mut self) -> ImagePlane {
        let mut number = || self.between(-1.0, 1.0);
        let turn = DQuat::from_xyzw(number(), number(), number(), number()).normalize();
        let (row, column) = (turn * DVec3::X, turn * DVec3::Y);
        ImagePlane::new(
            [
                self.between(-500.0, 500.0),
                self.between(-500.0, 500.0),
                self.between(-900.0, 900.0),
            ],
            [row.x, row.y, row.z, column.x, column.y, column.z],
            [self.between(0.1, 3.0), self.between(0.1, 3.0)],
        )
        .unwrap()
    }
}

fn near(actual: DVec2, expected: DVec2, seed: u64) {
    assert!(
        actual.distance(expected) < 1e-6,
        "seed {seed}: {actual} is not {expected}"
    );
}

/// An image in a viewport; views of it are made by the returned function.
fn frame(random: &mut Random) -> (impl Fn(&ViewTransform) -> ViewGeometry + use<>, DVec2) {
    let (columns, rows, aspect) = (random.size(), random.size(), random.between(0.3, 3.0));
    let (width, height) = (random.size(), random.size());
    let make =
        move |view: &ViewTransform| ViewGeometry::new(columns, rows, aspect, width, height, view);
    (make, DVec2::new(width.into(), height.into()))
}

#[test]
fn pixel_canvas_and_patient_lead_there_and_back() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let geometry = frame(&mut random).0(&random.view());
        let plane = random.plane();
        let canvas = random.point();
        let pixel = geometry.pixel_from_canvas.transform_point2(canvas);
        let patient = plane.patient_from_pixel(pixel.x, pixel.y);
        let off_plane = patient + plane.normal() * 12.5;
        let (column, row, distance_mm) = plane.pixel_from_patient(off_plane);
        assert!((distance_mm - 12.5).abs() < 1e-6, "seed {seed}");
        near(DVec2::new(column, row), pixel, seed);
        near(
            geometry
                .canvas_from_pixel
                .transform_point2(DVec2::new(column, row)),
            canvas,
            seed,
        );
    }
}

#[test]
fn at_fit_the_image_touches_the_viewport_and_lies_inside() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let (columns, rows, aspect) = (random.size(), random.size(), random.between(0.3, 3.0));
        let (width, height) = (random.size(), random.size());
        let rotation = [0.0, 90.0, 180.0, 270.0][random.between(0.0, 4.0) as usize];
        let view = ViewTransform {
            rotation,
            ..ViewTransform::default()
        };
        let geometry = ViewGeometry::new(columns, rows, aspect, width, height, &view);
        let place = |x: f64, y: f64| {
            geometry
                .canvas_from_pixel
                .transform_point2(DVec2::new(x, y))
        };
        let (a, b) = (
            place(-0.5, -0.5),
            place(f64::from(columns) - 0.5, f64::from(rows) - 0.5),
        );
        let free = DVec2::new(width.into(), height.into()) - (a - b).abs();
        assert!(free.min_element().abs() < 1e-6, "seed {seed}: {free}");
        near(
            (a + b) / 2.0,
            DVec2::new(f64::from(width) - 1.0, f64::from(height) - 1.0) / 2.0,
            seed,
        );
    }
}

#[test]
fn a_flip_mirrors_the_screen_however_the_image_is_turned() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let (make, size) = frame(&mut random);
        let view = random.view();
        let pixel = random.point();
        let place = |view: &ViewTransform| make(view).canvas_from_pixel.transform_point2(pixel);
        let DVec2 { x, y } = place(&view);
        near(
            place(&view.flipped_across()),
            DVec2::new(size.x - 1.0 - x, y),
            seed,
        );
        near(
            place(&view.flipped_down()),
            DVec2::new(x, size.y - 1.0 - y),
            seed,
        );
        near(
            place(&view.flipped_across().flipped_across()),
            DVec2::new(x, y),
            seed,
        );
    }
}

#[test]
fn a_turn_turns_the_screen_around_the_viewports_centre() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let (view, pixel) = (random.view(), random.point());
        let degrees = random.between(-400.0, 400.0);
        // A square image, so that fit is the same at every angle.
        let place = |view: &ViewTransform| {
            let geometry = ViewGeometry::new(300, 300, 1.0, 640, 480, view);
            let centre = DVec2::new(319.5, 239.5);
            geometry.canvas_from_pixel.transform_point2(pixel) - centre
        };
        let (sin, cos) = degrees.to_radians().sin_cos();
        let DVec2 { x, y } = place(&view);
        let expected = DVec2::new(x * cos - y * sin, x * sin + y * cos);
        near(place(&view.turned(degrees)), expected, seed);
    }
}

#[test]
fn zooming_leaves_the_point_under_the_pointer_where_it_is() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let make = frame(&mut random).0;
        let before = make(&random.view());
        let about = random.point();
        let factor = random.between(0.5, 2.0);
        let after = make(&before.zoomed(factor, Some(about.to_array())));
        assert!(
            (after.scale / before.scale - factor).abs() < 1e-9,
            "seed {seed}"
        );
        let pixel = before.pixel_from_canvas.transform_point2(about);
        near(after.canvas_from_pixel.transform_point2(pixel), about, seed);
    }
}

#[test]
fn letters_are_those_of_the_way_from_edge_to_edge_in_the_patient() {
    for seed in 0..2000 {
        let mut random = Random(seed);
        let plane = random.plane();
        let aspect = plane.column_spacing_mm / plane.row_spacing_mm;
        let (columns, rows) = (random.size(), random.size());
        let geometry = ViewGeometry::new(columns, rows, aspect, 640, 480, &random.view());
        let patient = |x: f64, y: f64| {
            let pixel = geometry
                .pixel_from_canvas
                .transform_point2(DVec2::new(x, y));
            plane.patient_from_pixel(pixel.x, pixel.y)
        };
        let edges = edge_letters(
            geometry.canvas_from_pixel.matrix2,
            PatientDirections::from(&plane),
        );
        assert_eq!(
            edges.right,
            letters(patient(639.0, 240.0) - patient(0.0, 240.0)),
            "seed {seed}"
        );
        assert_eq!(
            edges.left,
            letters(patient(0.0, 240.0) - patient(639.0, 240.0)),
            "seed {seed}"
        );
        assert_eq!(
            edges.bottom,
            letters(patient(320.0, 479.0) - patient(320.0, 0.0)),
            "seed {seed}"
        );
        assert_eq!(
            edges.top,
            letters(patient(320.0, 0.0) - patient(320.0, 479.0)),
            "seed {seed}"
        );
    }
}
