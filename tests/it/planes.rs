//! Overlay planes and shutters on the page itself: `capture()` leaves graphics out, so the screen is looked at.

use crate::pictures::{aspect_of, differences, folder_of, on_canvas, place};
use crate::shown::{capture, on_page};
use crate::stage::Stage;
use phantom::pictures::{Answer, Picture, pictures};
use sagitta_tests::{Backend, Picture as Drawn};
use std::time::{Duration, Instant};
use viewer_core::geometry::{ViewGeometry, ViewTransform};

/// The colour of overlay graphics on screen.
pub const GRAPHICS: [u8; 3] = [240, 227, 164];

/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(80);

fn named(start: &str, count: usize) -> Vec<Picture> {
    let mut all = pictures(7);
    all.retain(|picture| picture.name.starts_with(start));
    assert_eq!(all.len(), count, "{start}");
    all
}

/// The part of the page that is the first viewport.
fn screen(stage: &Stage) -> Drawn {
    let (page, [left, top]) = on_page(stage);
    let (width, height) = crate::shown::viewport_size(stage);
    let rows = (top..top + height).flat_map(|y| (left..left + width).map(move |x| (x, y)));
    Drawn {
        width,
        height,
        rgb: rows.map(|(x, y)| page.at(x, y).unwrap()).collect(),
    }
}

/// The answer with its graphics painted over.
fn with_graphics(answer: &Answer) -> Answer {
    let mut painted = answer.clone();
    for (pixel, bit) in painted.rgb.chunks_mut(3).zip(&answer.overlay) {
        if *bit == 1 {
            pixel.copy_from_slice(&GRAPHICS);
        }
    }
    painted
}

/// Waits until nothing is wrong with the screen: bits come after the picture, and the page shows what was drawn
/// a little later.
fn expect_soon(stage: &Stage, what: &str, wrong: impl Fn(&Drawn) -> Option<String>) {
    let began = Instant::now();
    loop {
        match wrong(&screen(stage)) {
            None => return,
            Some(wrong) if began.elapsed() > PATIENCE => panic!("{what}: {wrong}"),
            Some(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn expect_screen(stage: &Stage, answer: &Answer, axes: [[f64; 2]; 2], what: &str) {
    expect_soon(stage, what, |drawn| differences(drawn, answer, axes));
}

/// Opens a frame without texts over it, at one canvas pixel for each of its pixels.
fn open(stage: &Stage, picture: &Picture, index: usize) -> [[f64; 2]; 2] {
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{}'], series: '{}', instance: '{}', frame: {} }})",
        picture.study_uid,
        picture.series_uid,
        picture.sop_instance_uid,
        index + 1
    ));
    let sets = stage.metadata(&picture.study_uid, &picture.series_uid);
    let axes = place(stage, &picture.frames[index], aspect_of(&sets[0]));
    stage.page.mouse_move(1.0, 1.0).unwrap();
    axes
}

/// Enlarged four times, turned by a quarter and flipped: graphics are where the pixels of the plane went.
fn expect_graphics_turned(stage: &Stage, answer: &Answer, what: &str) {
    let (width, height) = crate::shown::viewport_size(stage);
    let size = [answer.columns, answer.rows].map(|edge| edge as u32);
    let geometry =
        |view: &ViewTransform| ViewGeometry::new(size[0], size[1], 1.0, width, height, view);
    // What fits is the image as it is turned.
    let turned = ViewTransform {
        rotation: 90.0,
        ..ViewTransform::default()
    };
    let fitted = geometry(&turned).scale;
    stage.eval(&format!(
        "window.sagitta.setView(0, {{ zoom: {}, pan: [0, 0], rotation: 90, flip: true }})",
        4.0 / fitted
    ));
    // A pixel's centre, counted from the image's: flipped left to right on screen first, then turned clockwise.
    let at = |column: usize, row: usize| {
        let x = (column as f64 - (answer.columns as f64 - 1.0) / 2.0) * 4.0;
        let y = (row as f64 - (answer.rows as f64 - 1.0) / 2.0) * 4.0;
        let (x, y) = (-x, y);
        let (x, y) = (-y, x);
        let corner = |edge: u32| f64::from(edge) / 2.0;
        (
            (corner(width) + x).floor() as u32,
            (corner(height) + y).floor() as u32,
        )
    };
    expect_soon(stage, &format!("{what}, turned"), |drawn| {
        (answer.overlay.iter().enumerate()).find_map(|(index, bit)| {
            let (column, row) = (index % answer.columns, index / answer.columns);
            let (x, y) = at(column, row);
            let found = drawn.at(x, y).unwrap();
            let is_right = (found == GRAPHICS) == (*bit == 1);
            (!is_right).then(|| format!("({column}, {row}) at {x}, {y}: {found:?}, bit {bit}"))
        })
    });
}

#[test]
fn overlay_planes_lie_on_their_pixels_and_can_be_hidden_on_every_backend() {
    let all = named("overlay-", 4);
    let folder = folder_of(&all);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        let mut frames = 0;
        stage.open(&all[0].study_uid, &all[0].series_uid);
        stage.page.key("u").unwrap();
        for picture in &all {
            for (index, answer) in picture.frames.iter().enumerate() {
                let what = format!("{}, {} frame {}", backend.name(), picture.name, index + 1);
                let painted = with_graphics(answer);
                let axes = open(&stage, picture, index);
                assert!(
                    on_canvas(axes[0], 0).is_some(),
                    "{what}: not on canvas pixels"
                );
                expect_screen(&stage, &painted, axes, &what);
                // The captured picture is without them.
                assert_eq!(
                    differences(&capture(&stage), answer, axes),
                    None,
                    "{what}, captured"
                );
                stage.page.key("Shift+O").unwrap();
                expect_screen(&stage, answer, axes, &format!("{what}, hidden"));
                stage.page.key("Shift+O").unwrap();
                expect_screen(&stage, &painted, axes, &format!("{what}, shown again"));
                expect_graphics_turned(&stage, answer, &what);
                stage.page.key("r").unwrap();
                frames += 1;
            }
        }
        println!("{}: {frames} frames with overlay planes", backend.name());
        stage.expect_no_problems();
    }
}

/// The menu does what the key does.
#[test]
fn the_view_menu_hides_overlay_planes() {
    let all = named("overlay-own-bits", 1);
    let folder = folder_of(&all);
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let answer = &all[0].frames[0];
    let axes = open(&stage, &all[0], 0);
    let painted = with_graphics(answer);
    expect_screen(&stage, &painted, axes, "at first");
    for (row, expected) in [
        ("Hide overlay planes", answer),
        ("Show overlay planes", &painted),
    ] {
        stage
            .page
            .click_on("button.tool[aria-label='Turn, flip, zoom']")
            .unwrap();
        let last = ".turn .row:last-of-type";
        let says = format!("document.querySelector('{last} .name')?.textContent === '{row}'");
        stage.page.wait_for(&says, 10).unwrap();
        stage.page.click_on(last).unwrap();
        stage.page.key("Escape").unwrap();
        expect_screen(&stage, expected, axes, row);
    }
    stage.expect_no_problems();
}

#[test]
fn shutters_cover_the_screen_with_their_presentation_value_on_every_backend() {
    let all = named("shutter-", 4);
    let folder = folder_of(&all);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        stage.open(&all[0].study_uid, &all[0].series_uid);
        stage.page.key("u").unwrap();
        for picture in &all {
            let what = format!("{}, {}", backend.name(), picture.name);
            let answer = &picture.frames[0];
            let axes = open(&stage, picture, 0);
            expect_screen(&stage, answer, axes, &what);
            // A shutter is no overlay graphics: hiding those leaves it.
            stage.page.key("Shift+O").unwrap();
            expect_screen(&stage, answer, axes, &format!("{what}, planes hidden"));
            stage.page.key("Shift+O").unwrap();
            // What is covered is a presentation value: it is not inverted with the image. One shutter has a grey
            // that pixels below it have too, so that these cannot be told apart here.
            if picture.name == "shutter-all-three" {
                continue;
            }
            let inverted = inverted(answer, &covered(picture));
            stage.page.key("i").unwrap();
            expect_screen(&stage, &inverted, axes, &format!("{what}, inverted"));
            stage.page.key("i").unwrap();
        }
        println!("{}: {} shutters", backend.name(), all.len());
        stage.expect_no_problems();
    }
}

/// Pixels that the shutter covers: those whose grey is not the one of their value, 0 to 4095 under the window of
/// the whole range.
fn covered(picture: &Picture) -> Vec<bool> {
    let answer = &picture.frames[0];
    let is_inverse = picture.name == "shutter-polygonal";
    let grey = |value: f64| {
        let level = value / 4095.0 * 255.0;
        (if is_inverse { 255.0 - level } else { level } + 0.5).floor() as u8
    };
    answer
        .values
        .iter()
        .zip(answer.rgb.chunks(3))
        .map(|(value, pixel)| pixel[0] != grey(*value))
        .collect()
}

fn inverted(answer: &Answer, covered: &[bool]) -> Answer {
    let mut inverted = answer.clone();
    for (pixel, is_covered) in inverted.rgb.chunks_mut(3).zip(covered) {
        if !is_covered {
            pixel.iter_mut().for_each(|level| *level = 255 - *level);
        }
    }
    inverted
}
