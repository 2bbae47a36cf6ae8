//! Displays of a wide gamut: what the page's canvas holds in Display P3, by the formulas of CSS Color 4, and what a
//! capture holds in sRGB. Browsers without such a display are told that they have one.

use crate::pictures::{folder_of, on_canvas, place};
use crate::shown::{capture, stored};
use crate::stage::Stage;
use phantom::pictures::{Answer, Picture, pictures};
use sagitta_tests::Backend;
use serde_json::json;

/// Most that a level may differ from the formula's: half a level by rounding, half by arithmetic.
const TOLERANCE: f64 = 1.0;
/// The gamma of the profiles in made-up files.
const GAMMA: f64 = 563.0 / 256.0;
/// Red, green, blue and the white D65 of a colour space: CIE x and y.
type Space = [[f64; 2]; 4];
const D65: [f64; 2] = [0.3127, 0.3290];
/// CSS Color 4, 10.2, 10.4 and 10.5.
const SRGB: Space = [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06], D65];
const P3: Space = [[0.680, 0.320], [0.265, 0.690], [0.150, 0.060], D65];
const ADOBE: Space = [[0.64, 0.33], [0.21, 0.71], [0.15, 0.06], D65];
const SWAPPED: Space = [SRGB[2], SRGB[1], SRGB[0], D65];
/// Colour of overlay graphics in sRGB.
const OVERLAY: [f64; 3] = [240.0, 227.0, 164.0];

type Matrix = [[f64; 3]; 3];

/// Solves three columns times x = right, by Cramer's rule.
fn solved(columns: Matrix, right: [f64; 3]) -> [f64; 3] {
    let determinant = |[a, b, c]: Matrix| {
        a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1])
            + c[0] * (a[1] * b[2] - a[2] * b[1])
    };
    let whole = determinant(columns);
    [0, 1, 2].map(|k| {
        let mut other = columns;
        other[k] = right;
        determinant(other) / whole
    })
}

/// XYZ of the primaries as columns, scaled so that all three make white.
fn to_xyz([red, green, blue, white]: Space) -> Matrix {
    let xyz = |[x, y]: [f64; 2]| [x / y, 1.0, (1.0 - x - y) / y];
    let columns = [red, green, blue].map(xyz);
    let scales = solved(columns, xyz(white));
    [0, 1, 2].map(|k| columns[k].map(|part| part * scales[k]))
}

/// Levels of `to`, which has the curve of sRGB, of linear light in `from`.
fn converted(from: Space, light: [f64; 3], to: Space) -> [f64; 3] {
    let columns = to_xyz(from);
    let xyz = [0, 1, 2].map(|k| (0..3).map(|i| columns[i][k] * light[i]).sum());
    solved(to_xyz(to), xyz).map(|light| {
        let light = light.clamp(0.0, 1.0);
        255.0
            * if light <= 0.003_130_8 {
                12.92 * light
            } else {
                1.055 * light.powf(1.0 / 2.4) - 0.055
            }
    })
}

/// Display P3 levels of sRGB levels.
fn p3_of_srgb(levels: [f64; 3]) -> [f64; 3] {
    let linear = |level: f64| {
        let level = level / 255.0;
        if level <= 0.040_45 {
            level / 12.92
        } else {
            ((level + 0.055) / 1.055).powf(2.4)
        }
    };
    converted(SRGB, levels.map(linear), P3)
}

/// Says which colours the display shows: `p3` or `srgb`.
fn emulate(stage: &Stage, gamut: &str) {
    let features = json!({ "features": [{ "name": "color-gamut", "value": gamut }] });
    stage
        .page
        .call("Emulation.setEmulatedMedia", features)
        .unwrap();
}

/// Draws the first viewport anew, and reads what the page's canvas holds in Display P3, before the browser takes it.
const CANVAS: &str = "(async () => {
  await sagitta.setView(0, { rotation: 90 });
  const drawn = sagitta.setView(0, { rotation: 0 });
  await new Promise((done) => requestAnimationFrame(done));
  const stage = document.querySelector('canvas.stage');
  const [view, all] = [document.querySelector('.vp'), stage].map((it) => it.getBoundingClientRect());
  const copy = Object.assign(document.createElement('canvas'), { width: stage.width, height: stage.height });
  const colorSpace = 'display-p3';
  const context = copy.getContext('2d', { colorSpace, willReadFrequently: true });
  context.drawImage(stage, 0, 0);
  await drawn;
  const [x, y] = [view.left - all.left, view.top - all.top];
  return context.getImageData(x, y, view.width, view.height, { colorSpace }).data; })()";

/// Pixels of a frame on the page's canvas in Display P3; `None` between two canvas pixels.
fn on_page(stage: &Stage, answer: &Answer, axes: [[f64; 2]; 2]) -> Vec<Option<[u8; 3]>> {
    let rgba = stage.page.eval_bytes(CANVAS).unwrap();
    let width = stage.eval("window.sagitta.viewports()[0].width");
    let width = usize::try_from(width.as_u64().unwrap()).unwrap();
    let at = |index: usize| {
        let x = on_canvas(axes[0], index % answer.columns)? as usize;
        let y = on_canvas(axes[1], index / answer.columns)? as usize;
        rgba.get(4 * (y * width + x)..)?.first_chunk::<3>().copied()
    };
    (0..answer.columns * answer.rows).map(at).collect()
}

/// What a wide canvas must hold: colours of a profile by the profile's primaries, others by their sRGB.
fn expected(stage: &Stage, picture: &Picture) -> Vec<[f64; 3]> {
    let device = match &*picture.name {
        "rgb-icc-p3" => Some(P3),
        "rgb-icc-adobe" => Some(ADOBE),
        "rgb-icc-swapped" => Some(SWAPPED),
        _ => None,
    };
    let Some(device) = device else {
        let answer = &picture.frames[0];
        let (shown, _) = answer.rgb.as_chunks::<3>();
        let is_overlay = |index: usize| answer.overlay.get(index) == Some(&1);
        return (0..)
            .zip(shown)
            .map(|(index, rgb)| match is_overlay(index) {
                true => p3_of_srgb(OVERLAY),
                false => p3_of_srgb(rgb.map(f64::from)),
            })
            .collect();
    };
    let samples = stored(stage, &picture.sop_instance_uid, 1);
    let (samples, _) = samples.as_chunks::<3>();
    let light = |sample: &[f64; 3]| sample.map(|level| (level / 255.0).powf(GAMMA));
    samples
        .iter()
        .map(|sample| converted(device, light(sample), P3))
        .collect()
}

/// Largest difference, and how many pixels could be compared.
fn compare(found: &[Option<[u8; 3]>], expected: &[[f64; 3]]) -> (f64, usize) {
    assert_eq!(found.len(), expected.len());
    let (mut worst, mut count) = (0.0_f64, 0);
    for (found, expected) in found.iter().zip(expected) {
        let Some(found) = found else { continue };
        count += 1;
        for (found, expected) in found.iter().zip(expected) {
            worst = worst.max((f64::from(*found) - expected).abs());
        }
    }
    (worst, count)
}

/// Opens a picture at one canvas pixel for each of its own.
fn open(stage: &Stage, picture: &Picture) -> [[f64; 2]; 2] {
    stage.open(&picture.study_uid, &picture.series_uid);
    place(stage, &picture.frames[0], 1.0)
}

/// The difference of a capture from the sRGB answer.
fn captured(stage: &Stage, answer: &Answer, axes: [[f64; 2]; 2]) -> f64 {
    let drawn = capture(stage);
    let at = |index: usize| {
        let x = on_canvas(axes[0], index % answer.columns)?;
        drawn.at(x, on_canvas(axes[1], index / answer.columns)?)
    };
    let found: Vec<_> = (0..answer.columns * answer.rows).map(at).collect();
    let (shown, _) = answer.rgb.as_chunks::<3>();
    let expected: Vec<_> = shown.iter().map(|rgb| rgb.map(f64::from)).collect();
    compare(&found, &expected).0
}

/// The made-up pictures of these names.
fn chosen(names: &[&str]) -> Vec<Picture> {
    let mut all = pictures(7);
    all.retain(|picture| names.contains(&&*picture.name));
    assert_eq!(all.len(), names.len());
    all
}

const NAMES: [&str; 8] = [
    "rgb-icc-p3",
    "rgb-icc-adobe",
    "rgb-icc-swapped",
    "rgb-planar-0",
    "ybr-full",
    "palette-8",
    "mr-plain",
    "overlay-own-bits",
];

#[test]
fn a_wide_display_shows_colours_beyond_srgb_and_all_others_as_before_on_every_backend() {
    let pictures = chosen(&NAMES);
    let folder = folder_of(&pictures);
    let mut wrong = Vec::new();
    for backend in Backend::ALL {
        for gamut in ["p3", "srgb"] {
            let stage = Stage::blank(backend, folder.path());
            stage.make_small();
            emulate(&stage, gamut);
            stage.go("");
            for picture in &pictures {
                let axes = open(&stage, picture);
                let answer = &picture.frames[0];
                let wanted = match gamut {
                    "p3" => expected(&stage, picture),
                    // An sRGB canvas holds its answer; only it is read as Display P3.
                    _ if !answer.overlay.is_empty() => expected(&stage, picture),
                    _ => {
                        let (shown, _) = answer.rgb.as_chunks::<3>();
                        let shown = shown.iter().map(|rgb| p3_of_srgb(rgb.map(f64::from)));
                        shown.collect()
                    }
                };
                let (apart, count) = compare(&on_page(&stage, answer, axes), &wanted);
                let of_capture = captured(&stage, answer, axes);
                let what = format!("{} {gamut} {}", backend.name(), picture.name);
                println!("{what}: {count} pixels, {apart:.2} on the page, {of_capture} captured");
                // A level off in sRGB is one in Display P3 at most, and reading the canvas so rounds once more.
                let most = if gamut == "p3" { TOLERANCE } else { 1.6 };
                if count < 100 || apart > most || of_capture > TOLERANCE {
                    wrong.push(what);
                }
            }
            stage.expect_no_problems();
            let notes = stage.eval("window.sagitta.stats().notes").to_string();
            assert!(!notes.contains("sRGB"), "{notes}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The stored red of the picture in the primaries of Display P3, on the page.
fn red_on_page(stage: &Stage, picture: &Picture, axes: [[f64; 2]; 2]) -> [u8; 3] {
    // The corners of the cube come first: the second one is red.
    on_page(stage, &picture.frames[0], axes)[1].unwrap()
}

fn wait_for_red(stage: &Stage, picture: &Picture, axes: [[f64; 2]; 2], wanted: [u8; 3]) {
    let mut red = [0; 3];
    for _ in 0..100 {
        red = red_on_page(stage, picture, axes);
        if (red.iter().zip(wanted)).all(|(found, wanted)| found.abs_diff(wanted) <= 1) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("{red:?} is on the page, not {wanted:?}");
}

/// Keeps what the app draws by, so that `__lose` can take it away.
const KEEP: &str = "(() => {
  const get = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    const context = get.call(this, kind, ...rest);
    if (kind === 'webgl2' && context) {
      window.__lose = () => context.getExtension('WEBGL_lose_context').loseContext();
    }
    return context; };
  if (!self.GPUAdapter) return;
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await request.apply(this, args);
    window.__lose = () => device.destroy();
    return device; }; })()";

#[test]
fn the_canvas_follows_the_window_to_another_display_and_a_loss_leaves_it_wide_on_every_backend() {
    let pictures = chosen(&["rgb-icc-p3"]);
    let (folder, picture) = (folder_of(&pictures), &pictures[0]);
    for backend in Backend::ALL {
        let stage = Stage::blank(backend, folder.path());
        emulate(&stage, "srgb");
        stage.page.init_script(KEEP).unwrap();
        stage.go("");
        let axes = open(&stage, picture);
        // CSS Color 4: sRGB's red is (0.9175, 0.2003, 0.1386) in Display P3.
        let [narrow, wide] = [[234, 51, 35], [255, 0, 0]];
        wait_for_red(&stage, picture, axes, narrow);
        for (gamut, wanted) in [("p3", wide), ("srgb", narrow), ("p3", wide)] {
            emulate(&stage, gamut);
            wait_for_red(&stage, picture, axes, wanted);
            assert!(captured(&stage, &picture.frames[0], axes) <= TOLERANCE);
        }
        if backend != Backend::Cpu {
            stage.eval("window.__lose()");
            let rebuilt = "sagitta.stats().notes.some((note) => note.includes('rebuilt'))";
            stage.page.wait_for(rebuilt, 20).unwrap();
            stage
                .page
                .wait_for(
                    "!!document.querySelector('.strip [aria-label=Dismiss]')",
                    20,
                )
                .unwrap();
            stage.page.click_on(".strip [aria-label=Dismiss]").unwrap();
            wait_for_red(&stage, picture, axes, wide);
        }
        stage.expect_no_problems();
    }
}

#[test]
fn a_browser_that_draws_no_display_p3_stays_srgb_and_says_so() {
    let pictures = chosen(&["rgb-icc-p3"]);
    let (folder, picture) = (folder_of(&pictures), &pictures[0]);
    // As browsers do that do not know the name: it is dropped.
    let narrow = "(() => {
      const get = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, settings) {
        return get.call(this, kind, kind === '2d' ? {} : settings); };
      delete WebGL2RenderingContext.prototype.drawingBufferColorSpace;
      if (self.GPUCanvasContext) {
        const configure = GPUCanvasContext.prototype.configure;
        GPUCanvasContext.prototype.configure = function ({ colorSpace, ...rest }) { configure.call(this, rest); };
      } })()";
    for backend in Backend::ALL {
        let stage = Stage::blank(backend, folder.path());
        emulate(&stage, "p3");
        stage.page.init_script(narrow).unwrap();
        stage.go("");
        let axes = open(&stage, picture);
        assert!(captured(&stage, &picture.frames[0], axes) <= TOLERANCE);
        let notes = stage.eval("window.sagitta.stats().notes").to_string();
        let words = format!("{}: its canvas shows no more colours", backend.name());
        assert!(notes.contains(&words), "{notes}");
        assert_eq!(stage.eval("window.sagitta.stats().backend"), backend.name());
        stage.expect_no_problems();
    }
}
