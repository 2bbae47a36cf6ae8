//! Failures of other viewers, each a test here, and threats: named for the row that tells of it.

use crate::hosting::serve_page;
use crate::made::Made;
use crate::stage::{Stage, ct_folder};
use sagitta_tests::{Backend, TempFolder, phantom_folder};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn lesson_05_the_first_image_needs_one_series_metadata_and_one_frame() {
    let folder = phantom_folder(2).unwrap();
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    let study = stage.study();
    let series = stage.series(&study, "Small CT");
    stage
        .page
        .init_script(
            "addEventListener('DOMContentLoaded', () => { const timer = setInterval(() => {
               if (!window.sagitta) return; clearInterval(timer);
               window.sagitta.on('firstimage', () => { window.__first = performance.getEntriesByType('resource').map((e) => e.name); });
             }, 1); })",
        )
        .unwrap();
    stage.go(&format!(
        "viewer?StudyInstanceUIDs={study}&SeriesInstanceUIDs={series}"
    ));
    stage
        .page
        .wait_for(
            "!!window.__first || window.sagitta.stats().first_image_ms !== null",
            30,
        )
        .unwrap();
    let all = stage.page.requests();
    let data: Vec<&String> = all
        .iter()
        .filter(|url| url.contains("/dicomweb/"))
        .collect();
    // In the order of their sending: metadata of the named series, then frames of that series.
    assert!(
        data[0].ends_with(&format!("series/{series}/metadata")),
        "{}",
        data[0]
    );
    assert!(
        data[1].contains(&format!("series/{series}/instances/")),
        "{}",
        data[1]
    );
    assert!(data[1].contains("/frames/1"), "{}", data[1]);
    let before_thumbnails = data
        .iter()
        .take_while(|url| !url.contains("/thumbnail"))
        .count();
    assert!(
        data[..before_thumbnails]
            .iter()
            .all(|url| url.contains(&series) && !url.contains("/bulk/")),
        "something else was asked for before the first image"
    );
    println!(
        "first image after {} requests to the store at most",
        before_thumbnails
    );
}

#[test]
fn lesson_05_on_a_slow_line_the_first_image_shares_it_with_nothing() {
    let folder = ct_folder(512, 8);
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    let study = stage.study();
    let series = stage.series(&study, "CT for tests");
    // Half a megabyte a second: one frame takes a second.
    stage.go("");
    let line = json!({ "offline": false, "latency": 20, "downloadThroughput": 500_000, "uploadThroughput": -1 });
    stage
        .page
        .call("Network.emulateNetworkConditions", line)
        .unwrap();
    let seen = stage.eval(&format!(
        "(async () => {{ await window.sagitta.open({{ studies: ['{study}'], series: '{series}' }});
           const {{ first_image_ms }} = window.sagitta.stats(); await window.sagitta.complete();
           const all = performance.getEntriesByType('resource').filter((e) => e.name.includes('/frames/'));
           const [first, ...rest] = all.sort((a, b) => a.startTime - b.startTime);
           return {{ first_image_ms, count: all.length, first: first.responseEnd, next: rest[0].startTime }}; }})()"
    ));
    println!("a frame a second: {seen}");
    assert_eq!(seen["count"], 8, "{seen}");
    let at = |name: &str| seen[name].as_f64().unwrap();
    // To the precision of the browser's clock.
    assert!(at("next") >= at("first") - 1.0, "{seen}");
}

#[test]
fn lesson_18_a_page_that_frames_the_viewer_needs_no_special_headers() {
    let folder = phantom_folder(2).unwrap();
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    let (study, gateway) = (stage.study(), stage.gateway.url());
    let port = serve_page(format!(
        "<!doctype html><title>A page</title>
         <sagitta-viewer src='{gateway}' style='display:block;width:640px;height:480px'></sagitta-viewer>
         <script type=module>
         await import('{gateway}embed.js');
         const viewer = window.viewer = await document.querySelector('sagitta-viewer').viewer(1);
         window.told = []; for (const name of ['firstimage', 'complete', 'viewportchanged', 'error'])
           viewer.on(name, (e) => window.told.push([name, e]));
         </script>"
    ));
    stage
        .page
        .goto(&format!("http://localhost:{port}/"))
        .unwrap();
    stage.page.wait_for("!!window.viewer", 60).unwrap();
    let seen = stage.eval(&format!(
        "(async () => {{ await viewer.open({{ studies: ['{study}'] }}); await viewer.complete();
           const [shown] = await viewer.viewports(); const blob = await viewer.capture(0);
           const bitmap = await createImageBitmap(blob);
           const pixels = await viewer.pixels(shown.instance, shown.frame);
           const refused = await viewer.setLayout('3d').catch((e) => e.code);
           await viewer.setSlice(0, 1);
           return {{ state: shown.state, png: blob.type, size: pixels.data.length, kind: ArrayBuffer.isView(pixels.data),
                     wide: bitmap.width === shown.width, told: window.told.map(([name]) => name), refused,
                     slice: (await viewer.viewports())[0].slice, backend: (await viewer.stats()).backend,
                     isolated: crossOriginIsolated, shared: typeof SharedArrayBuffer }}; }})()"
    ));
    assert_eq!(seen["state"], "final", "{seen}");
    assert_eq!(seen["png"], "image/png");
    assert_eq!((&seen["wide"], &seen["kind"]), (&json!(true), &json!(true)));
    assert!(seen["size"].as_u64().unwrap() > 0);
    for (event, least) in [("firstimage", 1), ("complete", 1), ("viewportchanged", 2)] {
        let told = seen["told"].as_array().unwrap();
        let count = told.iter().filter(|name| *name == event).count();
        assert!(count >= least, "{event}: {seen}");
    }
    assert_eq!(seen["refused"], "unsupported");
    assert_eq!(
        (&seen["slice"], &seen["backend"]),
        (&json!(1), &json!("webgl2"))
    );
    assert_eq!(seen["isolated"], false);
    let frames = stage.page.frames("");
    assert_eq!(frames.len(), 1);
    let within = frames[0].eval("[crossOriginIsolated, typeof SharedArrayBuffer]");
    assert_eq!(within.unwrap(), json!([false, "undefined"]));
    stage.expect_no_problems();
}

#[test]
fn t06_messages_of_others_than_the_parent_are_ignored() {
    let folder = phantom_folder(2).unwrap();
    let stage = Stage::blank(Backend::Cpu, folder.path());
    let (study, gateway) = (stage.study(), stage.gateway.url());
    // A frame beside the viewer, on an origin that could be its parent, calls whatever it likes and forges answers.
    let hostile = serve_page(
        "<!doctype html><script>
         const calls = [{ hello: true }, { id: 1, method: 'close', args: [] }, { id: 2, method: 'setLayout', args: ['2x2'] }];
         let heard = 0; addEventListener('message', (e) => { if (e.source !== parent) heard++; });
         setInterval(() => { for (const call of calls) parent.frames[0].postMessage({ sagitta: 1, ...call }, '*');
           parent.postMessage({ sagitta: 1, event: 'error', detail: { code: 'forged' } }, '*');
           parent.postMessage({ sagitta: 1, id: 1, value: 'forged' }, '*');
           parent.postMessage({ rounds: heard }, '*'); }, 50);
         </script>"
            .into(),
    );
    let port = serve_page(format!(
        "<!doctype html><title>A page</title>
         <sagitta-viewer src='{gateway}' style='display:block;width:640px;height:480px'></sagitta-viewer>
         <script type=module>
         await import('{gateway}embed.js');
         window.rounds = []; addEventListener('message', (e) => {{ if ('rounds' in e.data) window.rounds.push(e.data.rounds); }});
         const viewer = window.viewer = await document.querySelector('sagitta-viewer').viewer(1);
         window.forged = 0; viewer.on('error', () => window.forged++);
         </script>"
    ));
    stage
        .page
        .goto(&format!("http://localhost:{port}/"))
        .unwrap();
    stage.page.wait_for("!!window.viewer", 60).unwrap();
    stage.eval(&format!(
        "(() => {{ const frame = document.createElement('iframe'); frame.src = 'http://127.0.0.1:{hostile}/'; document.body.append(frame); }})()"
    ));
    stage.page.wait_for("window.rounds.length > 2", 20).unwrap();
    let opened = stage.eval(&format!(
        "viewer.open({{ studies: ['{study}'] }}).then((it) => it ?? 'as it should be')"
    ));
    assert_eq!(opened, "as it should be");
    stage
        .page
        .wait_for("window.rounds.length > 20", 20)
        .unwrap();
    let seen = stage.eval(
        "(async () => ({ shown: await viewer.viewports(), forged: window.forged, heard: window.rounds.at(-1) }))()",
    );
    assert_eq!(seen["shown"].as_array().unwrap().len(), 1, "{seen}");
    assert_eq!(seen["shown"][0]["state"], "final", "{seen}");
    assert_eq!((&seen["forged"], &seen["heard"]), (&json!(0), &json!(0)));
}

#[test]
fn lesson_25_a_strict_policy_is_enough_for_a_whole_session() {
    let folder = phantom_folder(2).unwrap();
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        let page = &stage.page;
        page.wait_for(
            "document.querySelectorAll('tbody tr[aria-selected]').length > 0",
            30,
        )
        .unwrap();
        page.key("/").unwrap();
        page.text("tiny").unwrap();
        page.key("Escape").unwrap();
        page.wait_for(
            "document.querySelectorAll('tbody tr[aria-selected]').length > 0",
            20,
        )
        .unwrap();
        page.click_on("tbody tr[aria-selected]").unwrap();
        page.wait_for(
            "document.querySelectorAll('.preview .thumb').length > 3",
            20,
        )
        .unwrap();
        page.click_on(".preview .primary").unwrap();
        page.wait_for("window.sagitta.viewports()[0].state === 'final'", 30)
            .unwrap();
        for key in [
            "i", "2", "h", ".", "+", "o", "r", "u", "u", "y", "?", "Escape", "g", "Escape",
        ] {
            page.key(key).unwrap();
        }
        // The overlay of keys lies over the bar until the page is drawn without it.
        page.wait_for("!document.querySelector('.scrim, .pop')", 20)
            .unwrap();
        page.click_on(".preset").unwrap();
        page.wait_for("!!document.querySelector('.presets')", 5)
            .unwrap();
        page.key("Escape").unwrap();
        for layout in ["2x2", "3x3", "1x1"] {
            page.eval(&format!("window.sagitta.setLayout('{layout}')"))
                .unwrap();
        }
        page.key("q").unwrap();
        page.wait_for("!!document.querySelector('.list')", 10)
            .unwrap();
        stage.expect_no_problems();
        // Everything that the pages load, and what they answer to strangers.
        let loaded = page.requests().into_iter().filter_map(|url| {
            let path = url.strip_prefix(&stage.gateway.url())?.to_owned();
            path.starts_with("assets/").then(|| format!("/{path}"))
        });
        let loaded: Vec<String> = loaded.collect();
        assert!(loaded.len() > 4, "{loaded:?}");
        let fixed = [
            "/",
            "/viewer",
            "/embed",
            "/embed.js",
            "/bench.html",
            "/config.json",
            "/healthz",
            "/dicomweb/studies",
            "/none",
        ];
        for path in loaded.iter().map(String::as_str).chain(fixed) {
            let answer = stage.gateway.get(path).unwrap();
            let policy = answer
                .header("content-security-policy")
                .unwrap_or_default()
                .to_owned();
            assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
            assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
            assert!(
                !policy
                    .replace("'wasm-unsafe-eval'", "")
                    .contains("unsafe-eval"),
                "{path}: {policy}"
            );
        }
    }
}

#[test]
fn t02_markup_in_names_shows_as_text() {
    let markup = |mark: &str| format!("<img src=x onerror=window.ran='{mark}'>");
    // An equals sign would end the name's first group (PS3.5 6.2.1).
    let name = "<script>ran('name')</script>";
    let study = Made {
        name: name.into(),
        id: markup("id"),
        accession: "<b>a</b>".into(),
        study_description: markup("study"),
        series_description: markup("series"),
        ..Made::of_study(1)
    };
    let other = Made {
        series: 2,
        modality: "SR",
        is_picture: false,
        ..study.clone()
    };
    let folder = TempFolder::new("markup").unwrap();
    for (name, made) in [("1.dcm", &study), ("2.dcm", &other)] {
        folder.write(name, &made.bytes()).unwrap();
    }
    let stage = Stage::blank(Backend::Cpu, folder.path());
    stage.page.set_viewport(1920, 1080, 1.0, false).unwrap();
    stage.go("");
    let shows = |place: &str, mark: &str| {
        let text = match mark {
            "name" => name.to_owned(),
            mark => markup(mark),
        };
        let text = serde_json::to_string(&text).unwrap();
        let script = format!(
            "[...document.querySelectorAll('{place}')].some((it) => it.textContent.includes({text}))"
        );
        stage.page.wait_for(&script, 20).unwrap();
    };
    for (place, mark) in [
        ("tbody .c-name", "name"),
        ("tbody .c-id", "id"),
        ("tbody .c-desc", "study"),
        (".preview h2", "name"),
        (".preview .desc", "study"),
        (".preview .thumb .cap", "series"),
        (".preview .objs", "series"),
    ] {
        shows(place, mark);
    }
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{}'] }})",
        study.study_uid()
    ));
    for (place, mark) in [
        (".patient", "name"),
        (".patient", "id"),
        (".rail .cap", "series"),
    ] {
        shows(place, mark);
    }
    let made = stage.eval("document.querySelectorAll('img[src=x], b b, [onerror], #app script, .list script, .reader script').length");
    assert_eq!(made, 0);
    assert_eq!(stage.eval("window.ran ?? null"), json!(null));
    // No patient's name in the history.
    let kept = stage.eval("document.title + decodeURIComponent(location.href)");
    assert!(!kept.as_str().unwrap().contains('<'), "{kept}");
    stage.expect_no_problems();
}

#[test]
fn t26_a_foreign_host_is_refused_by_the_program() {
    let folder = phantom_folder(1).unwrap();
    let gateway = sagitta_tests::Gateway::start(&[folder.path()]).unwrap();
    for path in [
        "/",
        "/config.json",
        "/dicomweb/studies",
        "/healthz",
        "/assets/x",
        "/none",
    ] {
        for host in [
            "evil.example.org",
            "127.0.0.1.evil.example.org",
            "localhost:1",
            "",
        ] {
            let mut stream = TcpStream::connect(("127.0.0.1", gateway.port())).unwrap();
            write!(
                stream,
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            )
            .unwrap();
            let mut answer = String::new();
            // The body may be cut: the status line is what counts.
            let _ = stream.read_to_string(&mut answer);
            assert!(
                answer.starts_with("HTTP/1.1 421"),
                "{path} for {host:?}: {}",
                &answer[..answer.len().min(60)]
            );
        }
    }
}
