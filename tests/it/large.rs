//! Objects of thousands of frames and of tens of millions of pixels: right at both ends and between, in bounded
//! memory.

use crate::shown::{capture, set_window, viewport_size, wait_until_is};
use crate::stage::Stage;
use phantom::pictures::{Large, large_value, write_large};
use sagitta_tests::{Backend, Button, TempFolder};
use serde_json::json;
use std::fs::File;
use std::io::BufWriter;

/// What the browser's renderer may take beside the pixels themselves, in KiB.
const REST_KIB: u64 = 400 * 1024;

fn written(size: [u32; 3], bits: u16) -> (TempFolder, Large) {
    let folder = TempFolder::new("large").unwrap();
    let path = folder.path().join("large.dcm");
    let mut out = BufWriter::new(File::create(path).unwrap());
    let large = write_large(3, size, bits, &mut out).unwrap();
    std::io::Write::flush(&mut out).unwrap();
    (folder, large)
}

/// Grey of a value under LINEAR (C.11.2.1.2.1).
fn level(value: u16, center: f64, width: f64) -> f64 {
    crate::shown::windowed(f64::from(value), center, width)
}

/// Zooms to one pixel on one canvas pixel with a pixel of the image in the middle of the viewport; gives the
/// canvas pixel on which it lies.
fn center_on(stage: &Stage, large: &Large, [column, row]: [u32; 2]) -> [u32; 2] {
    let (width, height) = viewport_size(stage);
    let [columns, rows, _] = large.size;
    let fit = (f64::from(width) / f64::from(columns)).min(f64::from(height) / f64::from(rows));
    let middle = [width / 2, height / 2];
    // The image's centre lies on the viewport's; pixel centres are at halves.
    let pan = [(columns, column, width), (rows, row, height)].map(|(count, at, edge)| {
        f64::from(edge / 2) + 0.5
            - f64::from(edge) / 2.0
            - (f64::from(at) + 0.5 - f64::from(count) / 2.0)
    });
    stage.eval(&format!(
        "window.sagitta.setView(0, {{ zoom: {}, pan: [{}, {}] }})",
        1.0 / fit,
        pan[0],
        pan[1]
    ));
    middle
}

/// Compares drawing and probe about a place: as many pixels of the image as lie within 20 of it.
fn expect_values(stage: &Stage, large: &Large, place: [u32; 3], [center, width]: [f64; 2]) {
    let [column, row, frame] = place;
    let middle = center_on(stage, large, [column, row]);
    let drawn = capture(stage);
    let mut compared = 0;
    for dy in -20..=20_i64 {
        for dx in -20..=20_i64 {
            let (Ok(x), Ok(y)) = (
                u32::try_from(i64::from(column) + dx),
                u32::try_from(i64::from(row) + dy),
            ) else {
                continue;
            };
            let at = |middle: u32, step: i64| (i64::from(middle) + step) as u32;
            let found = drawn.at(at(middle[0], dx), at(middle[1], dy)).unwrap();
            let expected = if x < large.size[0] && y < large.size[1] {
                level(large_value([x, y, frame], large.bits), center, width)
            } else {
                continue;
            };
            let apart = (f64::from(found[0]) - expected).abs();
            assert!(
                apart <= 1.0,
                "({x}, {y}) of frame {frame}: {found:?}, expected {expected}"
            );
            compared += 1;
        }
    }
    assert!(compared >= 21 * 21, "{compared}");
    let probe = stage.eval(&format!(
        "window.sagitta.probe(0, {}, {})",
        middle[0], middle[1]
    ));
    let value = large_value(place, large.bits);
    assert_eq!(
        [&probe["column"], &probe["row"], &probe["stored"]],
        [&json!(column), &json!(row), &json!(value)],
        "{probe}"
    );
}

#[test]
fn three_thousand_frames_are_right_at_both_ends_and_in_the_middle() {
    let (folder, large) = written([64, 64, 3000], 12);
    let window = [2048.0, 4096.0];
    for backend in [Backend::WebGpu, Backend::Cpu] {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        stage.page.stop_recording_requests().unwrap();
        let before = stage.browser.renderer_rss_kib();
        stage.open(&large.study_uid, &large.series_uid);
        assert_eq!(stage.eval("window.sagitta.viewports()[0].slices"), 3000);
        expect_values(&stage, &large, [32, 32, 0], window);
        stage.page.key("End").unwrap();
        wait_until_is(&stage, "window.sagitta.viewports()[0].slice", &json!(2999));
        expect_values(&stage, &large, [32, 32, 2999], window);
        stage.eval("window.sagitta.setSlice(0, 1500)");
        expect_values(&stage, &large, [32, 32, 1500], window);
        stage.eval("window.sagitta.complete()");
        let stats = stage.eval("window.sagitta.stats()");
        assert_eq!(
            [&stats["frames_loaded"], &stats["frames_failed"]],
            [&json!(3000), &json!(0)]
        );
        let grown = stage.browser.renderer_rss_kib().saturating_sub(before);
        // 24 MB of pixels, held once.
        println!(
            "{}: the renderer grew by {} MiB",
            backend.name(),
            grown / 1024
        );
        assert!(grown < REST_KIB, "{grown} KiB");
        stage.page.key("Home").unwrap();
        wait_until_is(&stage, "window.sagitta.viewports()[0].slice", &json!(0));
        expect_values(&stage, &large, [5, 60, 0], window);
        stage.expect_no_problems();
    }
}

#[test]
fn a_frame_of_8000_by_8000_is_right_at_its_corners() {
    let (folder, large) = written([8000, 8000, 1], 16);
    for backend in [Backend::WebGpu, Backend::Cpu] {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        let before = stage.browser.renderer_rss_kib();
        stage.open(&large.study_uid, &large.series_uid);
        let window = [32_768.0, 65_536.0];
        for [column, row] in [[0, 0], [7999, 0], [0, 7999], [7999, 7999], [4321, 1234]] {
            expect_values(&stage, &large, [column, row, 0], window);
        }
        set_window(&stage, 20_000.0, 9_000.0);
        expect_values(&stage, &large, [2000, 600, 0], [20_000.0, 9_000.0]);
        // A drag with the left button is a new window, drawn by the same formula.
        let (x, y) = stage.page.center_of("#viewport-0").unwrap();
        stage
            .page
            .drag(Button::Left, (x, y), (x + 40.0, y - 25.0), 4)
            .unwrap();
        stage.page.mouse_move(1.0, 1.0).unwrap();
        let seen = stage.eval(
            "(() => { const w = window.sagitta.viewports()[0].window; return [w.center, w.width]; })()",
        );
        let seen = [0, 1].map(|index| seen[index].as_f64().unwrap());
        assert!(seen[0] < 20_000.0 && seen[1] > 9_000.0, "{seen:?}");
        expect_values(&stage, &large, [2000, 600, 0], seen);
        let grown = stage.browser.renderer_rss_kib().saturating_sub(before);
        println!(
            "{}: the renderer grew by {} MiB",
            backend.name(),
            grown / 1024
        );
        // 128 MB of pixels: as they came, and as they are drawn.
        assert!(grown < 3 * 125_000 + REST_KIB, "{grown} KiB");
        stage.expect_no_problems();
    }
}

/// Bytes that came over the line, once none has come for a second.
fn fetched_until_quiet(stage: &Stage) -> u64 {
    let fetched = stage.eval(
        "(async () => { const now = () => window.sagitta.stats().bytes_fetched; let before = -1;
           while (before !== now()) { before = now(); await new Promise((done) => setTimeout(done, 1000)); }
           return before; })()",
    );
    fetched.as_u64().unwrap()
}

#[test]
fn lesson_04_a_series_above_the_budget_is_not_fetched_again_and_again() {
    let (folder, large) = written([128, 128, 160], 16);
    let bytes = 128 * 128 * 2 * 160;
    let stage = Stage::blank(Backend::Cpu, folder.path());
    stage.make_small();
    // Megabytes of 5 that are decoded.
    stage.go("?frameBudget=2");
    stage.open(&large.study_uid, &large.series_uid);
    assert!(fetched_until_quiet(&stage) as f64 <= 1.1 * f64::from(bytes));
    // Once through all of it, each slice on screen.
    for slice in (0..160).step_by(8) {
        stage.eval(&format!("window.sagitta.setSlice(0, {slice})"));
        expect_values(&stage, &large, [64, 64, slice], [32_768.0, 65_536.0]);
    }
    let fetched = fetched_until_quiet(&stage);
    println!("{fetched} bytes fetched for {bytes}");
    assert!(fetched as f64 <= 1.1 * f64::from(bytes), "{fetched} bytes");
    let decoded = stage.eval("window.sagitta.stats().cpu_bytes");
    assert!(decoded.as_u64().unwrap() <= 2 << 20, "{decoded}");
    stage.expect_no_problems();
}

#[test]
fn lesson_06_frames_of_one_large_object_come_one_by_one_and_stay_as_wide_as_they_are() {
    let (folder, large) = written([256, 256, 500], 16);
    let bytes = 256 * 256 * 2 * 500;
    let stage = Stage::list(Backend::Cpu, folder.path());
    stage.make_small();
    stage.eval(&format!(
        "(() => {{ window.opening = window.sagitta.open({{ studies: ['{}'], series: '{}', instance: '{}', frame: 400 }})
           .then(() => {{ window.firstAfter = window.sagitta.stats().bytes_fetched; }}); }})()",
        large.study_uid, large.series_uid, large.sop_instance_uid
    ));
    stage.eval("window.opening");
    // The first image needs its own frame; others come meanwhile, but not all of them.
    let before_first = stage.eval("window.firstAfter").as_u64().unwrap();
    println!("{before_first} of {bytes} bytes fetched before the first image");
    assert!(before_first < bytes / 10, "{before_first} bytes");
    expect_values(&stage, &large, [128, 128, 399], [32_768.0, 65_536.0]);
    stage.eval("window.sagitta.complete()");
    let stats = stage.eval("window.sagitta.stats()");
    assert_eq!(stats["cpu_bytes"], bytes, "{stats}");
    let pixels: Vec<_> = stage.page.request_log();
    let whole = pixels.iter().find(|request| {
        request.url.contains("/instances/")
            && !request.url.contains("/frames/")
            && !request.url.contains("/thumbnail")
    });
    assert!(whole.is_none(), "{whole:?}");
    stage.expect_no_problems();
}
