//! Failures of other viewers, each a test here, and threats: named for the row that tells of it.

use crate::stage::{Stage, ct_folder};
use sagitta_tests::{Backend, TempFolder, phantom_folder};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

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

/// Answers every request with one page, until the process ends.
fn serve_page(html: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(stream, &html);
        }
    });
    port
}

fn answer(mut stream: TcpStream, html: &str) {
    let mut request = [0; 4096];
    // What the browser asks does not matter: there is one page.
    let _ = stream.read(&mut request);
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{html}",
        html.len()
    );
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
         window.told = []; viewer.on('firstimage', (e) => window.told.push(e.ms));
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
           const pixels = await viewer.pixels(shown.instance, shown.frame);
           const refused = await viewer.setLayout('mpr').catch((e) => e.code);
           return {{ state: shown.state, png: blob.type, size: pixels.data.length, told: told.length, refused,
                     isolated: crossOriginIsolated, shared: typeof SharedArrayBuffer }}; }})()"
    ));
    assert_eq!(seen["state"], "final", "{seen}");
    assert_eq!(seen["png"], "image/png");
    assert!(seen["size"].as_u64().unwrap() > 0);
    assert_eq!(seen["told"], 1);
    assert_eq!(seen["refused"], "unsupported");
    assert_eq!(seen["isolated"], false);
}

#[test]
fn lesson_20_memory_is_given_back_after_fifty_studies() {
    let folder = ct_folder(256, 40);
    for backend in [Backend::WebGl2, Backend::Cpu] {
        let stage = Stage::list(backend, folder.path());
        let study = stage.study();
        let cycle = |times: u32| {
            stage.eval(&format!(
                "(async () => {{ for (let i = 0; i < {times}; i++) {{
                   await window.sagitta.open({{ studies: ['{study}'] }}); await window.sagitta.complete();
                   await window.sagitta.close(); }} }})()"
            ));
            for _ in 0..3 {
                stage.page.collect_garbage().unwrap();
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            stage.browser.renderer_rss_kib()
        };
        let after_five = cycle(5);
        let after_fifty = cycle(45);
        let left = stage.eval("window.sagitta.stats()");
        println!(
            "{}: {} MiB after 5 cycles, {} MiB after 50",
            backend.name(),
            after_five / 1024,
            after_fifty / 1024
        );
        assert_eq!(left["cpu_bytes"], 0);
        assert_eq!(left["gpu_bytes"], 0);
        assert!(
            after_fifty as f64 <= after_five as f64 * 1.1,
            "{after_five} -> {after_fifty} KiB"
        );
    }
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
        for path in [
            "/",
            "/viewer",
            "/embed",
            "/bench.html",
            "/config.json",
            "/dicomweb/studies",
            "/none",
        ] {
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

/// The small CT with other texts of the same length in patient name and descriptions.
fn with_markup() -> TempFolder {
    let folder = TempFolder::new("markup").unwrap();
    let replace = |bytes: &mut [u8], old: &[u8], new: &[u8]| {
        assert_eq!(old.len(), new.len());
        let places: Vec<usize> = bytes
            .windows(old.len())
            .enumerate()
            .filter(|(_, w)| *w == old)
            .map(|(at, _)| at)
            .collect();
        for at in places {
            bytes[at..at + old.len()].copy_from_slice(new);
        }
    };
    for (name, mut bytes) in phantom::small(1).unwrap() {
        if name.starts_with("ct/") {
            replace(
                &mut bytes,
                b"Small study for tests ",
                b"<img src=x onerror=a()",
            );
            replace(&mut bytes, b"Small CT", b"<b>x</b>");
            replace(&mut bytes, "Tiny^Th\u{e9}o".as_bytes(), b"<i>^ab</i>");
            folder.write(&name, &bytes).unwrap();
        }
    }
    folder
}

#[test]
fn t02_markup_in_names_shows_as_text() {
    let folder = with_markup();
    let stage = Stage::list(Backend::Cpu, folder.path());
    stage
        .page
        .wait_for("!!document.querySelector('.preview h2')", 30)
        .unwrap();
    let text = stage.eval("document.body.innerText");
    let text = text.as_str().unwrap().to_owned();
    assert!(text.contains("<img src=x onerror=a()"), "{text}");
    assert!(text.contains("<i>"), "{text}");
    let study = stage.study();
    stage.eval(&format!("window.sagitta.open({{ studies: ['{study}'] }})"));
    stage
        .page
        .wait_for(
            "document.querySelector('.rail .cap')?.textContent.includes('<b>x</b>')",
            20,
        )
        .unwrap();
    let made =
        stage.eval("document.querySelectorAll('img[src=x], .patient i, .rail b, .ov b b').length");
    assert_eq!(made, 0);
    let banner = stage.eval("document.querySelector('.patient').textContent");
    assert!(banner.as_str().unwrap().contains("<i>"), "{banner}");
    // No patient's name in the history.
    let kept = stage.eval("document.title + location.href");
    assert!(!kept.as_str().unwrap().contains("<i>"), "{kept}");
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
