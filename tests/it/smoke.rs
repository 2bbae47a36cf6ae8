//! The driver itself, and that the app starts on every backend.

use sagitta_tests::{Backend, Browser, Button, Gateway, ProblemKind, phantom_folder};
use serde_json::json;

/// A page without any server, for what concerns the driver alone.
fn page_of(html: &str) -> String {
    format!("data:text/html,{}", html.replace('#', "%23"))
}

#[test]
fn the_driver_reads_values_and_errors_of_scripts() {
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.goto(&page_of("<p>one</p>")).unwrap();
    assert_eq!(
        page.eval("Promise.resolve({ a: [1, 'x'] })").unwrap(),
        json!({ "a": [1, "x"] })
    );
    let thrown = page
        .eval("Promise.reject(new TypeError('no'))")
        .unwrap_err();
    assert!(thrown.to_string().contains("TypeError: no"), "{thrown}");
    let thrown = page
        .eval("(() => { throw { code: 'gone', message: 'it went' } })()")
        .unwrap_err();
    assert!(thrown.to_string().contains("gone"), "{thrown}");
    let thrown = page.rejection("Promise.reject({ code: 'gone', message: 'it went' })");
    let expected = json!({ "code": "gone", "message": "it went", "name": null });
    assert_eq!(thrown.unwrap(), expected);
    assert!(page.rejection("Promise.resolve(1)").is_err());
    assert_eq!(
        page.eval_bytes("new Uint16Array([1, 0x203])").unwrap(),
        [1, 0, 3, 2]
    );
    page.wait_for(
        "new Promise((done) => setTimeout(() => done('yes'), 50))",
        5,
    )
    .unwrap();
    let late = page.wait_for("document.title === 'never'", 1).unwrap_err();
    assert!(late.to_string().contains("document.title"), "{late}");
}

#[test]
fn the_driver_records_problems_of_pages_and_workers() {
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.goto(&page_of(
        "<meta http-equiv='Content-Security-Policy' content=\"img-src 'none'\">\
         <img src='http://127.0.0.1:1/x.png'>\
         <script>console.error('console', 1); setTimeout(() => { throw new Error('uncaught') }, 0);\
         Promise.reject(new Error('rejected'));\
         new Worker(URL.createObjectURL(new Blob(['throw new Error(\"in worker\")'])))</script>",
    ))
    .unwrap();
    let has = |kind, text: &str| {
        page.problems()
            .iter()
            .any(|problem| problem.kind == kind && problem.text.contains(text))
    };
    let all = [
        (ProblemKind::Console, "console 1"),
        (ProblemKind::Exception, "Error: uncaught"),
        (ProblemKind::Exception, "Error: rejected"),
        (ProblemKind::Exception, "Error: in worker"),
        (
            ProblemKind::Policy,
            "img-src blocked http://127.0.0.1:1/x.png",
        ),
    ];
    for _ in 0..100 {
        if all.iter().all(|(kind, text)| has(*kind, text)) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("recorded: {:?}", page.problems());
}

#[test]
fn the_driver_acts_like_a_mouse_a_keyboard_and_a_finger() {
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.set_viewport(400, 300, 2.0, true).unwrap();
    page.goto(&page_of(
        "<meta name=viewport content='width=device-width'><body style='margin:0;background:rgb(10,20,30);touch-action:none'><input id=field><script>\
         seen = []; for (const name of ['click', 'dblclick', 'wheel', 'keydown', 'pointermove', 'pointerdown'])\
         addEventListener(name, (e) => seen.push([name, e.key ?? e.pointerType ?? '', e.buttons ?? 0, e.deltaY ?? 0, e.ctrlKey].join()))\
         </script>",
    ))
    .unwrap();
    page.double_click(200.0, 200.0).unwrap();
    page.wheel(200.0, 200.0, 0.0, 120.0).unwrap();
    page.drag(Button::Right, (100.0, 100.0), (150.0, 100.0), 2)
        .unwrap();
    page.key("Control+ArrowDown").unwrap();
    page.tap(50.0, 250.0).unwrap();
    let seen = page.eval("seen").unwrap().to_string();
    for expected in [
        "click,mouse,0,0,false",
        "dblclick,,0,0,false",
        "wheel,,0,120,false",
        "pointermove,mouse,2,0,false",
        "keydown,ArrowDown,0,0,true",
        "pointerdown,touch,1,0,false",
    ] {
        assert!(seen.contains(expected), "{expected} is not in {seen}");
    }
    page.click_on("#field").unwrap();
    page.text("na\u{ef}ve").unwrap();
    page.key("A").unwrap();
    page.key("Backspace").unwrap();
    page.key("7").unwrap();
    assert_eq!(page.eval("field.value").unwrap(), "na\u{ef}ve7");
    let picture = page.picture().unwrap();
    assert_eq!((picture.width, picture.height), (800, 600));
    assert_eq!(picture.at(799, 599), Some([10, 20, 30]));
}

#[test]
fn the_app_starts_on_every_backend() {
    let study = phantom_folder(1).unwrap();
    let gateway = Gateway::start(&[study.path()]).unwrap();
    gateway.wait_until_indexed(60).unwrap();
    for backend in Backend::ALL {
        let browser = Browser::launch(backend).unwrap();
        let page = browser.page().unwrap();
        page.goto(&gateway.url()).unwrap();
        page.wait_for("window.sagitta?.version === 1", 60).unwrap();
        assert_eq!(
            page.eval("sagitta.stats().backend").unwrap(),
            backend.name()
        );
        assert_eq!(page.problems(), [], "{}", backend.name());
        assert!(
            page.requests()
                .iter()
                .all(|url| url.starts_with(&gateway.url()))
        );
        assert!(browser.renderer_rss_kib() > 10_000);
    }
}

#[test]
fn a_killed_gateway_starts_again_on_its_port() {
    let study = phantom_folder(1).unwrap();
    let mut gateway = Gateway::start(&[study.path()]).unwrap();
    gateway.wait_until_indexed(60).unwrap();
    let url = gateway.url();
    gateway.kill();
    assert!(gateway.get("/healthz").is_err());
    gateway.restart().unwrap();
    assert_eq!(gateway.url(), url);
    assert_eq!(gateway.get("/healthz").unwrap().status, 200);
}

#[test]
fn pages_come_and_go_without_the_browser() {
    let browser = Browser::launch(Backend::Cpu).unwrap();
    for _ in 0..2 {
        let page = browser.page().unwrap();
        page.goto(&page_of("<p>one</p>")).unwrap();
    }
    let page = browser.page().unwrap();
    page.init_script("globalThis.early = 1").unwrap();
    page.goto(&page_of("<p>two</p>")).unwrap();
    assert_eq!(page.eval("early").unwrap(), 1);
    page.offline(true).unwrap();
    assert_eq!(page.eval("navigator.onLine").unwrap(), false);
    page.offline(false).unwrap();
    page.collect_garbage().unwrap();
    assert!(browser.renderer_rss_kib() > 10_000);
    let left = browser.end().unwrap();
    assert!(left.path().join("Default").is_dir());
}

#[test]
fn a_worker_that_starts_late_loses_no_frame() {
    let study = phantom_folder(1).unwrap();
    let gateway = Gateway::start(&[study.path()]).unwrap();
    gateway.wait_until_indexed(60).unwrap();
    let found = gateway.get("/dicomweb/studies").unwrap();
    let found: serde_json::Value = serde_json::from_slice(&found.body).unwrap();
    let uid = found[0]["0020000D"]["Value"][0].as_str().unwrap();
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.worker_script(
        "for (const name of ['instantiate', 'instantiateStreaming']) {
           const start = WebAssembly[name].bind(WebAssembly);
           WebAssembly[name] = async (...all) => {
             await new Promise((done) => setTimeout(done, 2000));
             return start(...all);
           };
         }",
    );
    page.goto(&format!("{}viewer?StudyInstanceUIDs={uid}", gateway.url()))
        .unwrap();
    // The watchdog over workers would help after a minute: too late.
    page.wait_for("window.sagitta?.stats().first_image_ms > 0", 40)
        .unwrap();
    let notes = page.eval("sagitta.stats().notes").unwrap().to_string();
    assert!(!notes.contains("worker"), "{notes}");
    assert!(
        page.eval("sagitta.stats().first_image_ms")
            .unwrap()
            .as_f64()
            .unwrap()
            > 2000.0
    );
}
