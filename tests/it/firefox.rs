//! The viewer in a frame of another site's page, in a second engine: Firefox, which keeps other sites' cookies apart or takes none.

use crate::embed_stage::{SETTLED, Scene, expect_thirty, patients, thirty_calls};
use crate::hosting::serve_page;
use sagitta_tests::{Firefox, Picture, Tab};
use serde_json::{Value, json};

/// `network.cookie.cookieBehavior`: total cookie protection, the default; no third-party cookies at all.
const APART: u8 = 5;
const NONE: u8 = 1;
/// No cookies of anybody.
const BLOCKED: u8 = 2;

fn firefox(cookies: u8) -> Firefox {
    Firefox::launch(&[("network.cookie.cookieBehavior", json!(cookies))]).unwrap()
}

fn go(page: &Tab<'_>, address: &str) {
    page.goto(address).unwrap();
    page.wait_for(SETTLED, 120).unwrap();
}

/// The only frame of the page.
fn frame<'a>(page: &Tab<'a>) -> Tab<'a> {
    let mut frames = page.frames().unwrap();
    assert_eq!(frames.len(), 1);
    frames.remove(0)
}

/// Nothing was blocked, and no exception thrown.
fn expect_quiet(page: &Tab<'_>) {
    assert_eq!(page.problems().unwrap(), Vec::<String>::new());
    assert_eq!(frame(page).problems().unwrap(), Vec::<String>::new());
}

/// Share of a screenshot's pixels, within the frame's middle, that are of a grey.
fn share_of(page: &Tab<'_>, grey: u8) -> f64 {
    let picture = Picture::from_png(&page.screenshot().unwrap()).unwrap();
    let is_close =
        |[red, green, blue]: [u8; 3]| [red, green, blue].iter().all(|it| it.abs_diff(grey) <= 1);
    picture.share_within((350, 200, 100, 100), is_close)
}

/// Thirty calls in a browser that treats cookies in this way; then what a page of another site sees.
fn thirty_in(cookies: u8, is_without_cookie: bool) {
    let scene = Scene::new("15m");
    let browser = firefox(cookies);
    let page = browser.page().unwrap();
    let [one, _] = patients();
    let ticket = scene.ticket(&json!({ "study": one.study_uid() }));
    go(&page, &scene.address(0, &[("ticket", &ticket)]));
    expect_thirty(&page.eval(&thirty_calls()).unwrap());
    expect_quiet(&page);
    // What is on screen is the picture, each pixel of which is 60.
    let shows = format!(
        "window.viewer.open({{ studies: ['{}'] }}).then(() => window.viewer.viewports()).then(([it]) => it.state === 'final')",
        one.study_uid()
    );
    page.wait_for(&shows, 60).unwrap();
    let shown = share_of(&page, 60);
    assert!(shown > 0.99, "{shown} of the middle is the picture's grey");
    assert_eq!(
        scene.record().contains("without a cookie"),
        is_without_cookie
    );
    let within = frame(&page);
    assert_eq!(within.eval("location.hash + location.search").unwrap(), "");
    // No storage holds anything of the session, and scripts see no cookie.
    let kept = "(() => { const count = (name) => { try { return window[name].length; } catch { return 0; } };
        return [count('localStorage'), count('sessionStorage'), document.cookie]; })()";
    assert_eq!(within.eval(kept).unwrap(), json!([0, 0, ""]));
    // Under another site's page the session is absent; under the first it is there again, where there is a cookie.
    let open = format!("window.viewer.open({{ studies: ['{}'] }})", one.study_uid());
    go(&page, &scene.address(1, &[]));
    assert_eq!(page.rejection(&open).unwrap(), "login_needed");
    go(&page, &scene.address(0, &[]));
    if is_without_cookie {
        assert_eq!(page.rejection(&open).unwrap(), "login_needed");
    } else {
        assert_eq!(page.eval(&open).unwrap(), Value::Null);
    }
}

#[test]
fn t04_thirty_calls_work_in_firefox_where_each_site_has_cookies_of_its_own() {
    thirty_in(APART, false);
}

#[test]
fn t04_thirty_calls_work_in_firefox_without_third_party_cookies() {
    thirty_in(NONE, true);
}

#[test]
fn t04_thirty_calls_work_in_firefox_without_any_cookie() {
    thirty_in(BLOCKED, true);
}

#[test]
fn t06_in_firefox_pages_that_are_not_listed_neither_frame_the_viewer_nor_speak_to_it() {
    let scene = Scene::new("15m");
    let browser = firefox(APART);
    let page = browser.page().unwrap();
    let stranger = serve_page(crate::embed_stage::EHR.into());
    let gateway = format!("http://127.0.0.1:{}/", scene.gateway.port());
    for host in ["a.localhost", "localhost", "127.0.0.1"] {
        let address = format!("http://{host}:{stranger}/?gateway={gateway}&patience=4000");
        go(&page, &address);
        assert_eq!(page.eval("window.refused").unwrap(), "no_answer", "{host}");
        // The browser shows an error of its own instead: no page of the gateway's is in the frame.
        let place = frame(&page).eval("document.documentURI").unwrap();
        assert!(place.as_str().unwrap().starts_with("about:"), "{place}");
    }
}
