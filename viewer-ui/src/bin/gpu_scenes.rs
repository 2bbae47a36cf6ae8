//! A page for tests: the made-up scenes of viewer-gpu on this browser's WebGPU or WebGL2.
//!
//! `?backend=webgpu` or `webgl2` says on which, `&count=` how many (500), `&tiles` cuts frames into tiles; `&planes` draws
//! planes through volumes instead, which `&tiles` cuts into bricks. The
//! outcome is `window.__scenes`; then four stripes of 100 x 100 canvas pixels with the greys of [`STRIPES`] stand
//! on the canvas, so that a picture of the page tells whether the canvas itself shows what was drawn.

use serde::Serialize;
use viewer_core::pixel::icc::ScreenColors;
use viewer_core::pixel::{FrameParams, FrameView, PixelKind, SampleType};
use viewer_gpu::test_scenes::Report;
use viewer_ui::platform::gpu::{Content, Drawn, GpuScreen, Kind, Limits};
use viewer_ui::platform::{canvas, page};
use wasm_bindgen::JsValue;

/// Greys of the stripes, from the left.
const STRIPES: [u8; 4] = [0, 85, 170, 255];

/// What `window.__scenes` holds.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    backend: String,
    /// Scenes that were compared.
    scenes: u32,
    /// Scenes whose frames were cut into tiles.
    tiled: u32,
    /// Planes that were drawn again with the graphics card mixing voxels.
    mixed: u32,
    /// Largest difference in grey levels, and its scene.
    worst: u8,
    worst_scene: u32,
    /// Channels that differ at all, of all, and those that are neither black nor white.
    differing: u64,
    channels: u64,
    between: u64,
    /// Of planes: largest difference of values as a share of their range, and samples that only one renderer has.
    apart: f32,
    kinds: u64,
    /// What the device complained about.
    errors: Vec<String>,
    /// Why there is no result.
    error: Option<String>,
}

fn main() {
    console_error_panic_hook::set_once();
    wasm_bindgen_futures::spawn_local(async {
        let backend = parameter("backend").unwrap_or_default();
        let outcome = match run(&backend).await {
            Ok(report) => Outcome {
                backend,
                scenes: report.scenes,
                tiled: report.tiled,
                mixed: report.mixed,
                worst: report.worst,
                worst_scene: report.worst_scene,
                differing: report.differing,
                channels: report.channels,
                between: report.between,
                apart: report.apart,
                kinds: report.kinds,
                errors: report.errors,
                error: None,
            },
            Err(error) => Outcome {
                backend,
                error: Some(error),
                ..Outcome::default()
            },
        };
        publish(&outcome);
    });
}

fn parameter(name: &str) -> Option<String> {
    let pairs = page::query();
    let found = pairs.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value)
}

async fn run(backend: &str) -> Result<Report, String> {
    let kind = match backend {
        "webgpu" => Kind::WebGpu,
        "webgl2" => Kind::WebGl2,
        _ => return Err("backend is webgpu or webgl2".into()),
    };
    let count = match parameter("count") {
        Some(count) => count
            .parse()
            .map_err(|_| "count is a whole number".to_owned())?,
        None => 500,
    };
    let mut screen = GpuScreen::new(kind, ScreenColors::Srgb, Limits::default(), || ()).await?;
    let is_cut = parameter("tiles").is_some();
    let report = if parameter("planes").is_some() {
        screen.run_planes(count, is_cut).await
    } else {
        screen.run_scenes(count, is_cut).await
    };
    let report = report.map_err(|error| error.to_string())?;
    draw_stripes(&mut screen)?;
    // The page shows its canvas until it is closed.
    std::mem::forget(screen);
    Ok(report)
}

fn draw_stripes(screen: &mut GpuScreen) -> Result<(), String> {
    let document = web_sys::window().and_then(|window| window.document());
    let body = document.and_then(|document| document.query_selector("body").ok()?);
    canvas::place(&body.ok_or("the page has no body")?, screen.canvas());
    let key = u64::MAX;
    screen.upload(
        key,
        &FrameView {
            rows: 1,
            columns: 4,
            pixels: PixelKind::grey(SampleType::U8),
            data: &STRIPES,
        },
    )?;
    let params = FrameParams {
        // Canvas pixels 0 to 99 lie on column 0, and so on.
        pixel_from_canvas: [0.01, 0.0, 0.0, 0.0, -0.495, 0.0],
        interpolate: false,
        ..FrameParams::default()
    };
    let content = Content::Frame(key, params);
    match screen.draw(vec![([0, 0, 400, 100], content)], [400, 100]) {
        Drawn::Yes => Ok(()),
        Drawn::NotNow => Err("the canvas is busy".into()),
        Drawn::Lost => Err("the context is lost".into()),
    }
}

fn publish(outcome: &Outcome) {
    let Some(window) = web_sys::window() else {
        return;
    };
    let value = serde_wasm_bindgen::to_value(outcome).unwrap_or(JsValue::NULL);
    // A frozen window keeps nothing; the test then says that nothing came.
    let _ = js_sys::Reflect::set(&window, &JsValue::from_str("__scenes"), &value);
}
