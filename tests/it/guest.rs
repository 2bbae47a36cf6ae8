//! Shared links on a phone: from the link to the images, what fingers do there, the report, and the end of it.

use crate::guest_stage::{FINDING, PDF, Shared};
use serde_json::{Value, json};

const PLACE: &str = "Number(document.querySelector('.cnt').textContent.split('/')[0])";
const WINDOW: &str =
    "(() => { const w = window.sagitta.viewports()[0].window; return [w.center, w.width]; })()";

#[test]
fn t07_from_a_link_to_scrolling_in_two_touches_and_the_secret_stays_nowhere() {
    let shared = Shared::new();
    let made = shared.share(&json!({ "uses": 1, "note": "Please look at the right hilum." }));
    let page = &shared.page;
    shared.open_page(&made.url);
    // The address has forgotten it before anything was touched.
    assert_eq!(shared.eval("location.hash"), "");
    assert!(shared.words("#from").contains("Dr A. Reader"));
    let before = shared.eval("document.body.innerText");
    for word in ["Test", "Ct", "CHEST", "CT for tests"] {
        assert!(!before.as_str().unwrap().contains(word), "{word}");
    }
    let mut touches = 0;
    shared.tap("#open");
    touches += 1;
    shared.wait_for_image();
    // On a busy computer a finger that lies still for long asks for a value instead.
    shared.eval("window.sagitta.complete()");
    let first = shared.eval(PLACE);
    let (x, y) = page.center_of("#viewport-0").unwrap();
    page.swipe(&[((x, y), (x, y + 120.0))], 20).unwrap();
    touches += 1;
    page.wait_for(&format!("{PLACE} > {first} + 2"), 20)
        .unwrap();
    assert!(touches <= 3);
    assert!(shared.words(".guest-note").contains("right hilum"));

    // Nowhere: address, history, referrer, what the browser keeps, other requests, what the gateway says and records.
    let history = page.call("Page.getNavigationHistory", json!({})).unwrap();
    let kept = shared.eval(
        "[location.href, document.referrer, document.cookie, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), document.documentElement.outerHTML].join(' ')",
    );
    let requests = page.requests().join(" ");
    for (place, text) in [
        ("history", history.to_string()),
        ("page", kept.to_string()),
        ("requests", requests),
        ("output", shared.gateway.log()),
        ("record", shared.record()),
    ] {
        assert!(!text.contains(&made.secret), "{place}");
        assert!(!text.contains("#v1"), "{place}");
    }
    assert_eq!(
        shared.eval("location.pathname + location.search"),
        "/shared"
    );
    assert!(!history.to_string().contains(&shared.study));
    let answer = page
        .eval("fetch('api/shares/opened').then((it) => it.text())")
        .unwrap();
    assert!(!answer.as_str().unwrap().contains(&made.secret));
    shared.expect_no_problems();
    // Loading it anew needs no link any more.
    page.reload().unwrap();
    shared.wait_for_image();
}

#[test]
fn fingers_scroll_pinch_brighten_and_the_slider_goes_anywhere() {
    let shared = Shared::new();
    shared.open(&shared.share(&json!({})));
    let page = &shared.page;
    let (x, y) = page.center_of("#viewport-0").unwrap();
    let picture = || page.eval_bytes("window.sagitta.capture(0)").unwrap();
    let (window, plain) = (shared.eval(WINDOW), picture());
    // Two fingers that part enlarge and change nothing else.
    let pinch = [
        ((x - 30.0, y), (x - 90.0, y)),
        ((x + 30.0, y), (x + 90.0, y)),
    ];
    page.swipe(&pinch, 10).unwrap();
    assert!(picture() != plain);
    assert_eq!(shared.eval(WINDOW), window);
    // A double tap fits it again.
    page.tap(x, y).unwrap();
    page.tap(x, y).unwrap();
    assert!(picture() == plain);
    // Two fingers side by side change the brightness.
    let together = [
        ((x - 40.0, y), (x - 40.0, y + 80.0)),
        ((x + 40.0, y), (x + 40.0, y + 80.0)),
    ];
    page.swipe(&together, 10).unwrap();
    page.wait_for(&format!("{WINDOW}[0] > {}", window[0]), 20)
        .unwrap();
    assert!(picture() != plain);
    // Names bring it back, and to others.
    shared.tap(".pchips button");
    page.wait_for(&format!("{WINDOW}[0] === {}", window[0]), 20)
        .unwrap();
    // It was neither moved nor enlarged meanwhile, and is the same image.
    assert!(picture() == plain);
    let names =
        shared.eval("[...document.querySelectorAll('.pchips button')].map((it) => it.textContent)");
    let names: Vec<&str> = names
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(names[..2], ["As sent", "Lung"]);
    assert!(names.contains(&"Bone"));
    shared.tap(".pchips button:nth-child(2)");
    page.wait_for(&format!("{WINDOW}[0] === -600"), 20).unwrap();
    // The end of the slider is the last image.
    let track = shared.eval(
        "(() => { const box = document.querySelector('.scrub input').getBoundingClientRect(); return [box.right - 3, box.y + box.height / 2]; })()",
    );
    page.tap(track[0].as_f64().unwrap(), track[1].as_f64().unwrap())
        .unwrap();
    page.wait_for(&format!("{PLACE} === 25"), 20).unwrap();
    // Playing goes on from there.
    shared.tap(".scrub .round");
    page.wait_for(&format!("{PLACE} < 25"), 20).unwrap();
    shared.expect_no_problems();
}

#[test]
fn two_series_stand_beside_each_other_and_the_sheet_says_who_and_until_when() {
    let shared = Shared::new();
    shared.open(&shared.share(&json!({ "download": false })));
    let page = &shared.page;
    page.wait_for("document.querySelectorAll('.sth').length === 4", 30)
        .unwrap();
    shared.tap(".guest-head .round[aria-haspopup]");
    page.wait_for("!!document.querySelector('[role=dialog]')", 10)
        .unwrap();
    let sheet = shared.words(".guest-sheet");
    assert!(
        sheet.contains("Shared by Dr A. Reader") && sheet.contains("Open until"),
        "{sheet}"
    );
    // Nothing is offered that the link does not permit.
    assert!(!sheet.contains("Download"));
    shared.tap(".guest-sheet li:first-child button");
    page.wait_for("document.querySelectorAll('.vp.shows').length === 2", 30)
        .unwrap();
    // On a screen that is held upright they stand one above the other.
    let apart = shared.eval(
        "(() => { const [a, b] = [...document.querySelectorAll('.vp')].map((it) => it.getBoundingClientRect()); return [b.top - a.top, b.left - a.left]; })()",
    );
    assert!(
        apart[0].as_f64().unwrap() > 100.0 && apart[1] == json!(0),
        "{apart}"
    );
    assert_eq!(
        shared.eval("new Set(window.sagitta.viewports().map((it) => it.series)).size"),
        2
    );
    // Held across, the controls stand beside the image.
    page.set_viewport(844, 390, 2.0, true).unwrap();
    page.wait_for(
        "document.querySelector('.guest-side').getBoundingClientRect().left >= document.querySelector('.area').getBoundingClientRect().right",
        20,
    )
    .unwrap();
    shared.expect_no_problems();
}

#[test]
fn the_report_stands_beside_the_image_as_text_and_a_document_is_a_file() {
    let shared = Shared::new();
    shared.open(&shared.share(&json!({ "download": true, "note": "For the board." })));
    let page = &shared.page;
    page.wait_for("document.querySelectorAll('.sth').length === 4", 30)
        .unwrap();
    shared.tap("li:nth-child(3) .sth");
    page.wait_for("!!document.querySelector('.guest-report .title')", 30)
        .unwrap();
    assert_eq!(shared.words(".guest-report .title"), "Radiology Report");
    let text = shared.words(".guest-report .text");
    // Text stays text, whatever it looks like.
    assert!(text.contains(FINDING), "{text}");
    assert_eq!(
        shared.eval("document.querySelectorAll('.guest-report b').length"),
        0
    );
    assert!(text.contains("not signed yet"), "{text}");
    assert!(shared.eval("!!document.querySelector('.vp.shows')") == true);
    shared.tap(".guest-report .round");
    page.wait_for("!document.querySelector('.guest-report')", 10)
        .unwrap();
    shared.tap("li:nth-child(4) .sth");
    page.wait_for("!!document.querySelector('.guest-report a')", 30)
        .unwrap();
    let got = shared.eval(
        "(async () => { const link = document.querySelector('.guest-report a'); const it = await fetch(link.href);
          return [link.download, it.status, it.headers.get('content-type'), it.headers.get('content-security-policy'), (await it.text()).slice(0, 40)]; })()",
    );
    assert_eq!(got[0], "report.pdf");
    assert_eq!((&got[1], &got[2]), (&json!(200), &json!("application/pdf")));
    assert!(got[3].as_str().unwrap().ends_with("sandbox"));
    assert_eq!(got[4], String::from_utf8_lossy(&PDF[..40]).as_ref());
    // The files are there as the link permits.
    shared.tap(".guest-head .round[aria-haspopup]");
    let zip = page
        .eval_bytes("fetch(document.querySelector('.guest-sheet a').href).then((it) => it.blob())")
        .unwrap();
    assert_eq!(zip[..4], *b"PK\x03\x04");
    shared.expect_no_problems();
}

#[test]
fn t08_a_link_that_is_taken_back_hides_the_images_at_the_next_request() {
    let shared = Shared::new();
    let made = shared.share(&json!({}));
    shared.open(&made);
    let page = &shared.page;
    page.wait_for("document.querySelectorAll('.sth').length === 4", 30)
        .unwrap();
    assert_eq!(shared.eval("document.querySelectorAll('canvas').length"), 1);
    shared.revoke(&made);
    shared.tap("li:nth-child(3) .sth");
    page.wait_for("!!document.querySelector('.guest-whole')", 30)
        .unwrap();
    assert!(
        shared
            .words(".guest-whole")
            .contains("These images are closed")
    );
    // Nothing of them is left: no canvas, no name, no frame.
    assert_eq!(
        shared.eval("document.querySelectorAll('canvas, .vp, img').length"),
        0
    );
    assert!(!shared.words("body").contains("Test"));
    let stats = shared.eval("window.sagitta.stats()");
    assert_eq!(
        (&stats["cpu_bytes"], &stats["gpu_bytes"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn whoever_opens_the_readers_address_without_a_link_is_told_so() {
    let shared = Shared::new();
    let page = &shared.page;
    let url = format!("{}shared", shared.gateway.url());
    page.goto(&url).unwrap();
    page.wait_for("!!document.querySelector('.guest-whole h1')", 60)
        .unwrap();
    page.wait_for(
        "document.querySelector('.guest-whole h1').textContent === 'These images are closed'",
        30,
    )
    .unwrap();
}
