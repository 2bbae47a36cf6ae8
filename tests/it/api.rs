//! The JavaScript API, version 1: every method does what the contract says, and refuses in words.

use crate::hosting;
use crate::made::Made;
use crate::shown::wait_until_is;
use crate::stage::{Stage, ct_folder};
use sagitta_tests::{Backend, TempFolder, phantom_folder};
use serde_json::{Value, json};

/// Codes of the errors of calls that must be refused.
fn expect_refused(stage: &Stage, calls: &[(&str, &str)]) {
    for (call, code) in calls {
        let error = stage.page.rejection(call).unwrap();
        assert_eq!(error["code"], *code, "{call}: {error}");
        let words = error["message"].as_str().unwrap();
        assert!(
            !words.is_empty() && !words.contains("http") && !words.contains("1.2."),
            "{call}: {words}"
        );
    }
}

#[test]
fn open_shows_a_study_from_the_list_without_loading_the_page_anew() {
    let folder = phantom_folder(4).unwrap();
    for backend in Backend::ALL {
        let stage = Stage::blank(backend, folder.path());
        // What a page sees in the very moment in which the API is there.
        stage
            .page
            .init_script(
                "Object.defineProperty(window, 'sagitta', { configurable: true, set(api) {
                   window.__atFirst = [api.version, api.stats().backend];
                   Object.defineProperty(window, 'sagitta', { value: api }); } })",
            )
            .unwrap();
        stage.go("");
        assert_eq!(stage.eval("window.__atFirst"), json!([1, backend.name()]));
        let study = stage.study();
        let series = stage.series(&study, "Small CT");
        stage.eval("void (window.__same = true)");
        stage.eval(&format!(
            "window.sagitta.open({{ studies: ['{study}'], series: '{series}', source: 'local' }})"
        ));
        // The promise ends when it stands there: no waiting.
        let shown = stage.eval("window.sagitta.viewports()");
        assert_eq!(shown[0]["state"], "final", "{shown}");
        assert_eq!(stage.eval("window.__same"), true);
        assert_eq!(
            stage.eval("new URLSearchParams(location.search).get('StudyInstanceUIDs')"),
            study
        );
        assert_eq!(shown.as_array().unwrap().len(), 1);
        let sets = stage.metadata(&study, &series);
        let first = &shown[0];
        let expected = [
            ("id", json!(0)),
            ("source", json!("local")),
            ("study", json!(study)),
            ("series", json!(series)),
            ("frame", json!(1)),
            ("kind", json!("stack")),
            ("slices", json!(5)),
            ("times", json!(1)),
            ("plane", Value::Null),
        ];
        for (name, value) in expected {
            assert_eq!(first[name], value, "{name}");
        }
        assert!(
            sets.iter()
                .any(|set| set["00080018"]["Value"][0] == first["instance"])
        );
        assert!(first["window"]["width"].as_f64().unwrap() > 0.0);
        assert!(first["width"].as_u64().unwrap() > 300 && first["height"].as_u64().unwrap() > 300);
        assert!(first["notes"].is_array());
        // Any image can be named, its frame from 1.
        let many = stage.series(&study, "multi-frame");
        let instance = stage.metadata(&study, &many)[0]["00080018"]["Value"][0].clone();
        stage.eval(&format!(
            "window.sagitta.open({{ studies: ['{study}'], series: '{many}', instance: {instance}, frame: 3 }})"
        ));
        let shown = stage.eval("window.sagitta.viewports()[0]");
        assert_eq!(
            (&shown["instance"], &shown["frame"], &shown["slice"]),
            (&instance, &json!(3), &json!(2))
        );
        stage.expect_no_problems();
    }
}

#[test]
fn stats_count_what_was_fetched_decoded_and_drawn() {
    let folder = ct_folder(128, 6);
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    let stats = stage.eval(&format!(
        "(async () => {{ const began = performance.now(); await window.sagitta.open({{ studies: ['{study}'] }});
           const took = performance.now() - began; await window.sagitta.complete();
           return {{ ...window.sagitta.stats(), took }}; }})()"
    ));
    for (name, value) in [
        ("frames_wanted", 6),
        ("frames_loaded", 6),
        ("frames_failed", 0),
        // One number of 16 bits a pixel.
        ("cpu_bytes", 6 * 128 * 128 * 2),
    ] {
        assert_eq!(stats[name], value, "{name} of {stats}");
    }
    assert_eq!(stats["decode_ms"]["count"], 6);
    assert!(stats["draw_ms"]["count"].as_u64().unwrap() >= 1);
    assert!(stats["bytes_fetched"].as_u64().unwrap() >= 6 * 128 * 128 * 2);
    // The list of series, metadata, and six frames.
    assert!(stats["requests"].as_u64().unwrap() >= 8, "{stats}");
    assert!(stats["gpu_bytes"].as_u64().unwrap() > 0);
    assert!(stats["wasm_bytes"].as_u64().unwrap() > 0);
    assert!(stats["workers"].as_u64().unwrap() >= 1);
    // From the call, not from the page's beginning.
    let first = stats["first_image_ms"].as_f64().unwrap();
    assert!(
        first > 0.0 && first <= stats["took"].as_f64().unwrap() + 1.0,
        "{stats}"
    );
}

#[test]
fn calls_that_cannot_be_done_are_refused_with_a_code() {
    let folder = phantom_folder(4).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    expect_refused(
        &stage,
        &[
            (
                "window.sagitta.open({ studies: ['1.2.3.4'] })",
                "study_unknown",
            ),
            ("window.sagitta.open({ studies: [] })", "bad_argument"),
            ("window.sagitta.open()", "bad_argument"),
            (
                "window.sagitta.open({ studies: ['1.2.3.4'], series: '1.2.3' })",
                "study_unknown",
            ),
            (
                "window.sagitta.open({ studies: ['1.2.3.4'], source: 'nowhere' })",
                "source_unknown",
            ),
        ],
    );
    stage.eval(&format!("window.sagitta.open({{ studies: ['{study}'] }})"));
    expect_refused(
        &stage,
        &[
            ("window.sagitta.setSlice(0, 5)", "bad_argument"),
            ("window.sagitta.setSlice(7, 0)", "no_viewport"),
            (
                "window.sagitta.setWindow(0, { center: 0, width: 0 })",
                "bad_argument",
            ),
            (
                "window.sagitta.setWindow(0, { center: 0, width: NaN })",
                "bad_argument",
            ),
            ("window.sagitta.setWindow(0, 'wide')", "bad_argument"),
            (
                "window.sagitta.setWindow(7, { center: 0, width: 1 })",
                "no_viewport",
            ),
            ("window.sagitta.setView(7, { zoom: 1 })", "no_viewport"),
            ("window.sagitta.capture(7)", "no_viewport"),
            ("window.sagitta.setLayout('mpr+3d')", "unsupported"),
            ("window.sagitta.setLayout('3d')", "unsupported"),
            ("window.sagitta.setLayout('7x1')", "bad_argument"),
            ("window.sagitta.setLayout('')", "bad_argument"),
            (
                "window.sagitta.setPlane(0, { center: [0, 0, 0], row: [0, 1, 0], column: [0, 0, -1] })",
                "no_plane",
            ),
            ("window.sagitta.planeValues(0)", "no_plane"),
            ("window.sagitta.planeValues(0, 8, 8)", "no_plane"),
            ("window.sagitta.planeValues(7)", "no_viewport"),
            ("window.sagitta.fuse(0, null)", "unsupported"),
            ("window.sagitta.setTime(0, 1)", "bad_argument"),
            ("window.sagitta.setTime(7, 0)", "no_viewport"),
            ("window.sagitta.complete('1.2.3.4')", "series_unknown"),
            ("window.sagitta.pixels('1.2.3.4', 1)", "instance_unknown"),
            ("window.sagitta.pixels('1.2.3.4', 0)", "frame_unknown"),
        ],
    );
    assert_eq!(stage.eval("window.sagitta.probe(7, 0, 0)"), Value::Null);
    assert_eq!(stage.eval("window.sagitta.probe(0, 0, 0)"), Value::Null);
    let wrong_event = "(() => { try { window.sagitta.on('nothing', () => 0); } catch (error) { return error.code; } })()";
    assert_eq!(stage.eval(wrong_event), "bad_argument");
    // None of it did harm.
    assert_eq!(
        stage.eval("window.sagitta.viewports()[0].state"),
        json!("final")
    );
    stage.expect_no_problems();
}

#[test]
fn close_leaves_nothing_on_screen_and_in_memory() {
    let folder = ct_folder(256, 8);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        let study = stage.study();
        let grey = || {
            let picture = stage.page.picture().unwrap();
            // Within the image, above the words of an empty viewport.
            picture.share_within((500, 150, 400, 220), |[red, green, blue]| {
                red > 40 && red == green && green == blue
            })
        };
        stage.eval(&format!(
            "window.sagitta.open({{ studies: ['{study}'] }}).then(() => window.sagitta.complete())"
        ));
        assert!(grey() > 0.1, "{}", backend.name());
        let stats = stage.eval("window.sagitta.close().then(() => window.sagitta.stats())");
        assert_eq!(stats["cpu_bytes"], 0, "{}: {stats}", backend.name());
        assert_eq!(stats["gpu_bytes"], 0, "{}: {stats}", backend.name());
        assert_eq!(stats["frames_wanted"], 0);
        let shown = stage.eval("window.sagitta.viewports()");
        for viewport in shown.as_array().unwrap() {
            assert_eq!(viewport["state"], "empty", "{shown}");
            assert_eq!(viewport["series"], "");
        }
        assert!(grey() == 0.0, "{}: something is left", backend.name());
        let text = stage.eval("document.body.innerText");
        let text = text.as_str().unwrap();
        assert!(!text.contains("EX-CT") && !text.contains("Ct"), "{text}");
        // Promises that still waited end, and the viewer goes on.
        let left = stage.eval(&format!(
            "(async () => {{ const opening = window.sagitta.open({{ studies: ['{study}'] }}).catch((e) => e.code);
               await window.sagitta.close(); return opening; }})()"
        ));
        assert_eq!(left, "closed");
        stage.eval(&format!("window.sagitta.open({{ studies: ['{study}'] }})"));
        assert!(grey() > 0.1, "{}", backend.name());
        stage.expect_no_problems();
    }
}

#[test]
fn slices_and_windows_are_drawn_when_their_promise_ends() {
    let folder = ct_folder(256, 12);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        let study = stage.study();
        let seen = stage.eval(&format!(
            "(async () => {{ const v = window.sagitta; await v.open({{ studies: ['{study}'] }});
               const print = async () => {{ const hash = await crypto.subtle.digest('SHA-1', await (await v.capture(0)).arrayBuffer());
                 return Array.from(new Uint8Array(hash)).join(); }};
               const first = await print(), seen = [];
               for (let slice = 0; slice < 12; slice++) {{ await v.setSlice(0, slice);
                 const [at] = v.viewports(); seen.push([at.slice, at.state, await print()]); }}
               await v.setSlice(0, 0); const again = await print();
               await v.setWindow(0, {{ center: 10, width: 20 }}); const narrow = await print();
               return {{ first, seen, again, narrow, window: v.viewports()[0].window }}; }})()"
        ));
        let seen_slices = seen["seen"].as_array().unwrap();
        for (slice, one) in seen_slices.iter().enumerate() {
            assert_eq!(one[0], slice);
            assert_eq!(one[1], "final");
        }
        let mut prints: Vec<String> = seen_slices.iter().map(|one| one[2].to_string()).collect();
        assert_eq!(seen["again"].to_string(), prints[0]);
        assert!(
            prints.contains(&seen["first"].to_string()),
            "{}",
            backend.name()
        );
        prints.sort();
        prints.dedup();
        assert_eq!(prints.len(), 12, "each slice has its own picture");
        assert_ne!(seen["narrow"], seen["again"]);
        assert_eq!(seen["window"], json!({ "center": 10, "width": 20 }));
        stage.expect_no_problems();
    }
}

#[test]
fn events_are_told_until_their_listener_is_taken_away() {
    let folder = ct_folder(128, 6);
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    stage
        .page
        .init_script(
            "window.__told = []; Object.defineProperty(window, 'sagitta', { configurable: true, set(api) {
               Object.defineProperty(window, 'sagitta', { value: api });
               window.__off = {};
               for (const name of ['ready', 'firstimage', 'complete', 'viewportchanged', 'measurement', 'error'])
                 window.__off[name] = api.on(name, (event) => window.__told.push([name, event])); } })",
        )
        .unwrap();
    stage.go("");
    wait_until_is(
        &stage,
        "window.__told.map(([name]) => name)",
        &json!(["ready"]),
    );
    let study = stage.study();
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{study}'] }}).then(() => window.sagitta.complete())"
    ));
    let count = |name: &str| {
        let script = format!("window.__told.filter(([name]) => name === '{name}').length");
        stage.eval(&script).as_u64().unwrap()
    };
    stage
        .page
        .wait_for(
            "window.__told.some(([name]) => name === 'complete') && window.__told.some(([name]) => name === 'firstimage')",
            10,
        )
        .unwrap();
    assert_eq!(count("firstimage"), 1);
    assert_eq!(count("complete"), 1);
    let ms = "window.__told.find(([name]) => name === 'firstimage')[1].ms === window.sagitta.stats().first_image_ms";
    assert_eq!(stage.eval(ms), true);
    let before = count("viewportchanged");
    assert!(before > 0);
    stage.eval("window.sagitta.setSlice(0, 1)");
    stage
        .page
        .wait_for(
            &format!(
                "window.__told.filter(([name]) => name === 'viewportchanged').length > {before}"
            ),
            5,
        )
        .unwrap();
    stage.eval("window.__off.viewportchanged()");
    let before = count("viewportchanged");
    stage.eval("window.sagitta.setSlice(0, 2)");
    assert_eq!(count("viewportchanged"), before);
    stage
        .page
        .rejection("window.sagitta.open({ studies: ['1.2.3.4'] })")
        .unwrap();
    let code = "window.__told.filter(([name]) => name === 'error').map(([, event]) => event.code)";
    wait_until_is(&stage, code, &json!(["study_unknown"]));
    stage.expect_no_problems();
}

#[test]
fn pixels_are_found_by_the_instance_alone_whatever_is_on_screen() {
    let folder = phantom_folder(4).unwrap();
    let stage = Stage::list(Backend::Cpu, folder.path());
    let study = stage.study();
    let series = stage.series(&study, "signed");
    let instance = stage.metadata(&study, &series)[0]["00080018"]["Value"][0].clone();
    // From the list, nothing is open. The values of `phantom::small`: the pattern less 300.
    let expected: Vec<i32> = (0..32_i32 * 32)
        .map(|place| (place % 32) * 16 + (place / 32) * 3 - 300)
        .collect();
    let script = format!(
        "window.sagitta.pixels({instance}, 1).then((it) => ({{ ...it, kind: it.data.constructor.name, data: Array.from(it.data) }}))"
    );
    let by_instance = stage.eval(&script);
    for (name, value) in [
        ("rows", json!(32)),
        ("columns", json!(32)),
        ("samples", json!(1)),
        ("bits", json!(16)),
        ("signed", json!(true)),
        ("kind", json!("Int16Array")),
        ("data", json!(expected)),
    ] {
        assert_eq!(by_instance[name], value, "{name}");
    }
    assert_eq!(stage.eval("window.sagitta.stats().frames_wanted"), 0);
    let script = script.replace(", 1)", &format!(", 1, '{study}', '{series}', 'local')"));
    assert_eq!(stage.eval(&script), by_instance);
    // A copy: who writes into it changes nothing that is shown.
    stage.open(&study, &series);
    let twice = stage.eval(&format!(
        "(async () => {{ const first = await window.sagitta.pixels({instance}, 1); first.data.fill(7);
           return Array.from((await window.sagitta.pixels({instance}, 1)).data); }})()"
    ));
    assert_eq!(twice, json!(expected));
    let error = stage
        .page
        .rejection(&format!("window.sagitta.pixels({instance}, 2)"))
        .unwrap();
    assert!(error["code"].is_string(), "{error}");
    stage.expect_no_problems();
}

#[test]
fn every_method_answers_before_anything_is_open() {
    let folder = TempFolder::new("empty").unwrap();
    folder.write("1.dcm", &Made::of_study(1).bytes()).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    expect_refused(&stage, &[("window.sagitta.setSlice(0, 0)", "no_viewport")]);
    // These have nothing to wait for.
    for call in [
        "close()",
        "complete()",
        "setLayout('2x2')",
        "setLayout('1x1')",
    ] {
        let ends = format!("window.sagitta.{call}.then(() => 'ended')");
        assert_eq!(
            stage
                .page
                .eval_within(std::time::Duration::from_secs(10), &ends)
                .unwrap_or_else(|error| panic!("{call}: {error}")),
            "ended"
        );
    }
    for call in [
        "setWindow(0, { center: 0, width: 1 })",
        "setView(0, { zoom: 2 })",
        "capture(0)",
    ] {
        let ends = format!("window.sagitta.{call}.then(() => 'ended', (error) => error.code)");
        let ended = stage
            .page
            .eval_within(std::time::Duration::from_secs(10), &ends)
            .unwrap_or_else(|error| panic!("{call}: {error}"));
        assert_eq!(ended, "no_viewport", "{call}");
    }
    stage.expect_no_problems();
}

/// Uses all members of `window.__bench`.
fn bench_members(stage: &Stage, address: &str, slices: u64) {
    stage.page.goto(address).unwrap();
    stage.page.wait_for("!!window.__bench", 60).unwrap();
    let seen = stage.eval(
        "(async () => { const b = window.__bench; const opened = await b.opened; const loaded = await b.loaded();
           const slice = await b.setSlice(3); const slow = await b.setSlice(2, { finish: true });
           const windowed = await b.setWindow(40, 400); const fast = await b.setWindow(60, 300, { finish: false });
           const resized = await b.resize(700); const [shown] = window.sagitta.viewports();
           return { name: b.name, opened: { ...b.T }, loaded, slice, slow, windowed, fast, resized, shown }; })()",
    );
    assert_eq!(seen["name"], "sagitta");
    for mark in ["first", "firstEvent", "all"] {
        assert!(
            seen["opened"][mark].as_f64().unwrap() > 0.0,
            "{mark}: {seen}"
        );
    }
    assert_eq!(seen["loaded"]["frames"], slices, "{seen}");
    assert!(seen["loaded"]["decodedBytes"].as_u64().unwrap() > 0);
    for step in ["slice", "slow", "windowed", "fast"] {
        let (event, done) = (&seen[step]["event"], &seen[step]["done"]);
        assert!(
            event.as_f64().unwrap() <= done.as_f64().unwrap(),
            "{step}: {seen}"
        );
    }
    let shown = &seen["shown"];
    assert_eq!(shown["slice"], 2, "{seen}");
    assert_eq!(shown["window"], json!({ "center": 60, "width": 300 }));
    assert_eq!(
        (&shown["width"], &shown["height"]),
        (&json!(700), &json!(700))
    );
}

#[test]
fn the_page_for_benchmarks_offers_its_members() {
    let folder = ct_folder(256, 8);
    for backend in Backend::ALL {
        let stage = Stage::blank(backend, folder.path());
        let study = stage.study();
        let series = stage.series(&study, "CT for tests");
        let address = format!(
            "{}bench.html?study={study}&series={series}&mode=stack&vw=512",
            stage.gateway.url()
        );
        bench_members(&stage, &address, 8);
        stage.expect_no_problems();
    }
}

#[test]
fn the_app_runs_from_any_path_of_a_plain_file_server() {
    let folder = ct_folder(256, 8);
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    let port = hosting::serve_app(stage.gateway.port());
    let root = format!("http://127.0.0.1:{port}/some/path/");
    let (study, page) = (stage.study(), &stage.page);
    let series = stage.series(&study, "CT for tests");
    page.goto(&root).unwrap();
    let rows = "document.querySelectorAll('tbody tr[aria-selected]').length";
    page.wait_for(&format!("{rows} === 1"), 60).unwrap();
    page.key("Enter").unwrap();
    page.wait_for("window.sagitta?.viewports()[0]?.state === 'final'", 30)
        .unwrap();
    let path = stage.eval("location.pathname");
    assert_eq!(path, "/some/path/index.html");
    // The address opens the same without any rewriting.
    page.reload().unwrap();
    page.wait_for("window.sagitta?.viewports()[0]?.state === 'final'", 60)
        .unwrap();
    page.key("q").unwrap();
    page.wait_for(&format!("{rows} === 1"), 10).unwrap();
    page.goto(&format!("{root}index.html?StudyInstanceUIDs={study}"))
        .unwrap();
    page.wait_for("window.sagitta?.viewports()[0]?.state === 'final'", 60)
        .unwrap();
    bench_members(
        &stage,
        &format!("{root}bench.html?study={study}&series={series}&mode=stack&vw=512"),
        8,
    );
    let strays: Vec<String> = page
        .requests()
        .into_iter()
        .filter(|url| !url.starts_with(&root) && !url.contains("/dicomweb/"))
        .filter(|url| !url.starts_with("blob:") && !url.starts_with("data:"))
        .collect();
    assert!(strays.is_empty(), "{strays:?}");
    stage.expect_no_problems();
}
