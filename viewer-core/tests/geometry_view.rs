//! A frame in a viewport: scales, turns and parities worked out by hand.

use glam::DVec2;
use viewer_core::geometry::{MAX_ZOOM, MIN_ZOOM, ViewGeometry, ViewTransform};

const FIRST: ViewTransform = ViewTransform {
    zoom: 1.0,
    pan: [0.0, 0.0],
    rotation: 0.0,
    flip: false,
};

fn on_canvas(geometry: &ViewGeometry, column: f64, row: f64) -> [f64; 2] {
    geometry
        .canvas_from_pixel
        .transform_point2(DVec2::new(column, row))
        .to_array()
}

fn near(actual: [f64; 2], expected: [f64; 2]) {
    let off = DVec2::from_array(actual).distance(DVec2::from_array(expected));
    assert!(off < 1e-9, "{actual:?} is not {expected:?}");
}

#[test]
fn the_default_view_is_the_first_paint() {
    assert_eq!(ViewTransform::default(), FIRST);
}

#[test]
fn an_image_as_large_as_its_viewport_is_the_identity_to_the_bit() {
    for size in [511, 512] {
        let geometry = ViewGeometry::new(size, size, 1.0, size, size, &FIRST);
        let identity = [1.0_f64, 0.0, 0.0, 1.0, 0.0, 0.0].map(f64::to_bits);
        assert_eq!(
            geometry.pixel_from_canvas_array().map(f64::to_bits),
            identity
        );
        assert_eq!(
            geometry.canvas_from_pixel.to_cols_array().map(f64::to_bits),
            identity
        );
        assert_eq!(geometry.scale, 1.0);
    }
}

#[test]
fn centres_stay_at_integers_when_an_image_is_doubled() {
    // Canvas pixels 0 and 1 share image pixel 0: their centres lie a quarter pixel off its centre.
    let geometry = ViewGeometry::new(512, 512, 1.0, 1024, 1024, &FIRST);
    assert_eq!(
        geometry.pixel_from_canvas_array(),
        [0.5, 0.0, 0.0, 0.5, -0.25, -0.25]
    );
    assert_eq!(geometry.scale, 2.0);
}

#[test]
fn the_array_is_column_major() {
    let view = ViewTransform {
        rotation: 90.0,
        pan: [3.0, 7.0],
        ..FIRST
    };
    let geometry = ViewGeometry::new(100, 80, 1.0, 100, 100, &view);
    let m = geometry.pixel_from_canvas_array();
    let (x, y) = (11.0, 5.0);
    let pixel = [m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5]];
    near(on_canvas(&geometry, pixel[0], pixel[1]), [x, y]);
}

#[test]
fn fit_is_the_largest_scale_with_the_whole_image_inside() {
    // 100 x 50 in 200 x 200: twice as large, 50 canvas pixels free above and below.
    let geometry = ViewGeometry::new(100, 50, 1.0, 200, 200, &FIRST);
    assert_eq!(geometry.scale, 2.0);
    assert_eq!(on_canvas(&geometry, -0.5, -0.5), [-0.5, 49.5]);
    assert_eq!(on_canvas(&geometry, 99.5, 49.5), [199.5, 149.5]);
}

#[test]
fn fit_follows_the_nearest_quarter_turn() {
    let scale = |rotation| {
        ViewGeometry::new(100, 50, 1.0, 100, 200, &ViewTransform { rotation, ..FIRST }).scale
    };
    for upright in [0.0, 44.0, 136.0, 180.0, 224.0, 316.0] {
        assert_eq!(scale(upright), 1.0, "{upright} degrees");
    }
    for on_its_side in [46.0, 90.0, 134.0, 226.0, 270.0, 314.0] {
        assert_eq!(scale(on_its_side), 2.0, "{on_its_side} degrees");
    }
}

#[test]
fn the_longer_side_of_a_pixel_is_stretched() {
    let wide = ViewGeometry::new(100, 100, 2.0, 200, 200, &FIRST);
    assert_eq!(
        wide.canvas_from_pixel.matrix2.to_cols_array(),
        [2.0, 0.0, 0.0, 1.0]
    );
    let tall = ViewGeometry::new(100, 100, 0.5, 200, 200, &FIRST);
    assert_eq!(
        tall.canvas_from_pixel.matrix2.to_cols_array(),
        [1.0, 0.0, 0.0, 2.0]
    );
    assert_eq!((wide.scale, tall.scale), (1.0, 1.0));
}

#[test]
fn rotation_is_clockwise_and_comes_after_the_flip() {
    // A 101 x 101 image, centre (50, 50); the pixel ten to the right of it.
    let place = |rotation, flip| {
        let view = ViewTransform {
            rotation,
            flip,
            ..FIRST
        };
        on_canvas(
            &ViewGeometry::new(101, 101, 1.0, 101, 101, &view),
            60.0,
            50.0,
        )
    };
    assert_eq!(place(0.0, false), [60.0, 50.0]);
    assert_eq!(place(90.0, false), [50.0, 60.0]);
    assert_eq!(place(180.0, false), [40.0, 50.0]);
    assert_eq!(place(270.0, false), [50.0, 40.0]);
    assert_eq!(place(-90.0, false), [50.0, 40.0]);
    assert_eq!(place(0.0, true), [40.0, 50.0]);
    assert_eq!(place(90.0, true), [50.0, 40.0]);
    // 30 degrees: (10 cos 30, 10 sin 30) from the centre, y downwards.
    near(place(30.0, false), [50.0 + 8.660_254_037_844_386, 55.0]);
}

#[test]
fn pan_moves_the_image_by_canvas_pixels_whatever_the_turn() {
    let view = ViewTransform {
        zoom: 3.0,
        pan: [10.0, -4.0],
        rotation: 90.0,
        flip: true,
    };
    let geometry = ViewGeometry::new(101, 101, 1.0, 101, 101, &view);
    near(on_canvas(&geometry, 50.0, 50.0), [60.0, 46.0]);
    near(
        on_canvas(
            &ViewGeometry::new(101, 101, 1.0, 101, 101, &view.panned(1.0, 2.0)),
            50.0,
            50.0,
        ),
        [61.0, 48.0],
    );
}

#[test]
fn one_to_one_is_crisp_for_every_parity_turn_and_flip() {
    for (columns, rows) in [(512, 512), (511, 300), (96, 1001), (2021, 1987)] {
        for (width, height) in [(800, 600), (801, 600), (333, 777)] {
            for quarter_turns in 0..4 {
                for flip in [false, true] {
                    let rotation = f64::from(quarter_turns) * 90.0;
                    let view = ViewTransform {
                        rotation,
                        flip,
                        ..FIRST
                    };
                    let make = |view| ViewGeometry::new(columns, rows, 1.0, width, height, &view);
                    let chosen = make(view).one_to_one();
                    let geometry = make(chosen);
                    assert_eq!(geometry.scale, 1.0);
                    let m = geometry.pixel_from_canvas_array();
                    assert!(m.iter().all(|number| number.fract() == 0.0), "{m:?}");
                    let negative_zero = (-0.0_f64).to_bits();
                    assert!(m.iter().all(|n| n.to_bits() != negative_zero), "{m:?}");
                    assert!(
                        chosen.pan.iter().all(|pan| [0.0, 0.5].contains(pan)),
                        "{chosen:?}"
                    );
                    assert_eq!(geometry.one_to_one(), chosen);
                }
            }
        }
    }
}

#[test]
fn one_to_one_is_exact_where_a_reciprocal_is_not() {
    // In floating point 49 * (1 / 49) is one bit below 1.
    let geometry = ViewGeometry::new(1, 1, 1.0, 49, 49, &FIRST);
    assert_eq!(geometry.fit_scale, 49.0);
    let chosen = ViewGeometry::new(1, 1, 1.0, 49, 49, &geometry.one_to_one());
    assert_eq!(
        chosen.pixel_from_canvas_array(),
        [1.0, 0.0, 0.0, 1.0, -24.0, -24.0]
    );
}

#[test]
fn rotation_stays_below_a_whole_turn() {
    assert_eq!(FIRST.turned(-90.0).rotation, 270.0);
    assert_eq!(FIRST.turned(720.0).rotation, 0.0);
    assert_eq!(FIRST.turned(-1e-20).rotation, 0.0);
}

#[test]
fn one_to_one_keeps_what_is_in_the_centre() {
    let view = ViewTransform {
        zoom: 4.0,
        pan: [123.4, -56.7],
        rotation: 90.0,
        flip: true,
    };
    let before = ViewGeometry::new(512, 400, 1.0, 900, 700, &view);
    let centre = DVec2::new(449.5, 349.5);
    let pixel = before.pixel_from_canvas.transform_point2(centre);
    let after = ViewGeometry::new(512, 400, 1.0, 900, 700, &before.one_to_one());
    let off = (after.canvas_from_pixel.transform_point2(pixel) - centre).abs();
    assert!(off.max_element() <= 0.5 + 1e-9, "{off}");
}

#[test]
fn one_to_one_of_oblong_pixels_keeps_the_shorter_side() {
    let geometry = ViewGeometry::new(100, 100, 1.2, 300, 300, &FIRST);
    let chosen = ViewGeometry::new(100, 100, 1.2, 300, 300, &geometry.one_to_one());
    assert_eq!(chosen.scale, 1.0);
    assert_eq!(
        chosen.canvas_from_pixel.matrix2.to_cols_array(),
        [1.2, 0.0, 0.0, 1.0]
    );
}

#[test]
fn one_to_one_at_an_angle_has_the_scale() {
    let view = ViewTransform {
        rotation: 33.0,
        zoom: 2.0,
        pan: [8.0, 6.0],
        ..FIRST
    };
    let chosen = ViewGeometry::new(512, 512, 1.0, 1024, 1024, &view).one_to_one();
    // Scale 4 before, 1 after: the pan shrinks with it.
    assert_eq!(
        chosen,
        ViewTransform {
            zoom: 0.5,
            pan: [2.0, 1.5],
            ..view
        }
    );
}

#[test]
fn zooming_by_steps_stays_within_its_limits() {
    let geometry =
        |zoom| ViewGeometry::new(512, 512, 1.0, 512, 512, &ViewTransform { zoom, ..FIRST });
    assert_eq!(geometry(1.0).zoomed(2.0, None).zoom, 2.0);
    assert_eq!(geometry(1.0).zoomed(1e9, None).zoom, MAX_ZOOM);
    assert_eq!(geometry(1.0).zoomed(1e-9, None).zoom, MIN_ZOOM);
    // A zoom that was set beyond them is not thrown back.
    assert_eq!(geometry(0.01).zoomed(0.5, None).zoom, 0.01);
    assert_eq!(geometry(0.01).zoomed(2.0, None).zoom, 0.02);
    assert_eq!(geometry(300.0).zoomed(1.5, None).zoom, 300.0);
    assert_eq!(geometry(300.0).zoomed(0.5, None).zoom, 150.0);
    for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(geometry(3.0).zoomed(factor, Some([1.0, 2.0])).zoom, 3.0);
    }
}

#[test]
fn zooming_about_the_centre_scales_the_pan() {
    let view = ViewTransform {
        pan: [10.0, -20.0],
        ..FIRST
    };
    let geometry = ViewGeometry::new(512, 512, 1.0, 512, 512, &view);
    assert_eq!(
        geometry.zoomed(2.0, None),
        ViewTransform {
            zoom: 2.0,
            pan: [20.0, -40.0],
            ..FIRST
        }
    );
}

#[test]
fn flips_undo_themselves_and_four_quarter_turns_too() {
    for flip in [false, true] {
        for rotation in [0.0, 90.0, 180.0, 270.0, 22.5] {
            let view = ViewTransform {
                zoom: 2.5,
                pan: [3.25, -8.5],
                rotation,
                flip,
            };
            assert_eq!(view.flipped_across().flipped_across(), view);
            assert_eq!(view.flipped_down().flipped_down(), view);
            assert_eq!(view.turned(90.0).turned(-90.0), view);
            assert_eq!(
                view.turned(90.0).turned(90.0).turned(90.0).turned(90.0),
                view
            );
            // Both mirrors are half a turn.
            assert_eq!(view.flipped_across().flipped_down(), view.turned(180.0));
        }
    }
}

#[test]
fn a_view_that_came_back_draws_as_the_first_paint_to_the_bit() {
    let matrix = |view| {
        ViewGeometry::new(500, 333, 1.3, 801, 600, &view)
            .pixel_from_canvas_array()
            .map(f64::to_bits)
    };
    let wandered = FIRST.turned(90.0).flipped_down().panned(7.0, 9.0);
    assert_ne!(matrix(wandered), matrix(FIRST));
    let back = wandered.panned(-7.0, -9.0).flipped_down().turned(-90.0);
    assert_eq!(matrix(back), matrix(FIRST));
    assert_eq!(matrix(ViewTransform::default()), matrix(FIRST));
}

#[test]
fn numbers_that_make_no_sense_still_make_finite_matrices() {
    let bad = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -1.0,
        1e308,
        -1e308,
        1e-320,
    ];
    for a in bad {
        for b in bad {
            let view = ViewTransform {
                zoom: a,
                pan: [b, a],
                rotation: b,
                flip: true,
            };
            for size in [0, 1, u32::MAX] {
                let geometry = ViewGeometry::new(size, 7, b, 9, size, &view);
                for view in [
                    geometry.one_to_one(),
                    geometry.zoomed(a, Some([b, 1.0])),
                    view,
                ] {
                    let geometry =
                        ViewGeometry::new(size, 7, b, 9, size, &view.turned(a).panned(b, a));
                    assert!(geometry.pixel_from_canvas.is_finite(), "{a} {b} {size}");
                    assert!(geometry.canvas_from_pixel.is_finite(), "{a} {b} {size}");
                }
            }
        }
    }
}
