//! One walk through all that people see, with markup wherever someone may write: nothing runs, nothing is blocked.

use crate::account::{sign_in, wait_for_image};
use crate::embed_stage::EHR;
use crate::guest_stage::{FINDING, Shared, files_of, phone};
use crate::hosting::serve_page;
use sagitta_tests::{Backend, Browser, Page, ProblemKind};
use serde_json::{Value, json};

/// An equals sign would end the name's first group (PS3.5 6.2.1).
const NAME: &str = "<script>ran('name')</script>";
const SHOWN: &str = "<img src=x onerror=ran('shown')> Reader";
const NOTE: &str = "<img src=x onerror=ran('note')><b>right</b> hilum";

/// Marks that something of the markup came to life.
const TRAP: &str = "window.ran = (what) => { window.__ran = (window.__ran ?? '') + what; }";

/// Waits until an element holds a text, as text.
fn holds(page: &Page, selector: &str, text: &str) {
    let script = format!(
        "[...document.querySelectorAll('{selector}')].some((it) => (it.textContent + (it.value ?? '')).includes({}))",
        json!(text)
    );
    page.wait_for(&script, 30).unwrap();
}

/// Nothing of the markup is an element or ran, and the policy had nothing to block.
fn expect_text_alone(page: &Page, place: &str) {
    let alive = page
        .eval(
            "[document.querySelectorAll('img[src=x], [onerror], #app script, .form script:not([src]), .recipient script, b b').length, window.__ran ?? '']",
        )
        .unwrap();
    assert_eq!(alive, json!([0, ""]), "{place}");
    let problems = page.problems();
    let blocked: Vec<_> = problems
        .iter()
        .filter(|it| it.kind != ProblemKind::Network)
        .collect();
    assert!(blocked.is_empty(), "{place}: {blocked:?}");
}

#[test]
fn t02_a_walk_through_all_pages_with_markup_everywhere_runs_nothing_and_blocks_nothing() {
    let shared = Shared::over(files_of(NAME), "");
    shared.rename_reader(SHOWN);
    let page = &shared.page;
    page.init_script(TRAP).unwrap();

    // The login repeats what was typed.
    let url = shared.gateway.url();
    page.set_viewport(1366, 768, 1.0, false).unwrap();
    page.goto(&format!("{url}auth/login")).unwrap();
    page.click_on("#name").unwrap();
    page.text("\"><script>ran('login')</script>").unwrap();
    page.key("Tab").unwrap();
    page.text("not it at all").unwrap();
    page.key("Enter").unwrap();
    page.wait_for("!!document.querySelector('#problem')", 30)
        .unwrap();
    holds(page, "#name", "<script>ran('login')</script>");
    expect_text_alone(page, "login");

    sign_in(&shared, "");
    holds(page, "tbody .c-name", NAME);
    page.click_on("tbody tr[aria-selected]").unwrap();
    holds(page, ".preview h2", NAME);
    expect_text_alone(page, "list");
    page.wait_for("!!document.querySelector('.preview .primary')", 30)
        .unwrap();
    page.click_on(".preview .primary").unwrap();
    wait_for_image(page);
    holds(page, ".patient", NAME);
    page.key("s").unwrap();
    page.wait_for("document.querySelector('.sharepop .primary')", 20)
        .unwrap();
    page.click_on("#share-note").unwrap();
    page.text(NOTE).unwrap();
    page.click_on(".sharepop .ft .primary").unwrap();
    page.wait_for("document.querySelector('#share-link')", 30)
        .unwrap();
    let link = shared.eval("document.querySelector('#share-link').value");
    let pin = shared.eval("document.querySelector('.pinv').textContent.replace(/\\D/g, '')");
    page.wait_for("!!document.querySelector('.mine li')", 20)
        .unwrap();
    expect_text_alone(page, "share");
    page.key("Escape").unwrap();
    page.key("q").unwrap();
    page.wait_for("!!document.querySelector('.bar .anchor .tool')", 20)
        .unwrap();
    page.click_on(".bar .anchor .tool").unwrap();
    holds(page, ".account", SHOWN);
    expect_text_alone(page, "menu");

    let browser = Browser::launch(Backend::Cpu).unwrap();
    let guest = phone(&browser);
    guest.init_script(TRAP).unwrap();
    guest.goto(link.as_str().unwrap()).unwrap();
    guest
        .wait_for("document.querySelector('#pin')?.offsetParent", 30)
        .unwrap();
    holds(&guest, "#from", SHOWN);
    expect_text_alone(&guest, "recipient");
    guest.click_on("#pin").unwrap();
    guest.text(pin.as_str().unwrap()).unwrap();
    guest.key("Enter").unwrap();
    wait_for_image(&guest);
    holds(&guest, ".guest-note", NOTE);
    guest
        .wait_for("document.querySelectorAll('.sth').length === 4", 30)
        .unwrap();
    let tap = |selector: &str| {
        let (x, y) = guest.center_of(selector).unwrap();
        guest.tap(x, y).unwrap();
    };
    tap("li:nth-child(3) .sth");
    holds(&guest, ".guest-report .text", FINDING);
    expect_text_alone(&guest, "report");
    tap(".guest-report .round");
    guest
        .wait_for("!document.querySelector('.guest-report')", 20)
        .unwrap();
    tap(".guest-head .round[aria-haspopup]");
    holds(&guest, ".guest-sheet", SHOWN);
    expect_text_alone(&guest, "phone");

    // In a frame: who shares signs in beside it by a ticket.
    let cookie = [("cookie", shared.cookie.as_str())];
    let own = shared
        .gateway
        .post("/api/launch/own", "application/json", &cookie, "{}")
        .unwrap();
    let own: Value = serde_json::from_slice(&own.body).unwrap();
    let ticket = own["ticket"].as_str().unwrap();
    let parent = serve_page(EHR.into());
    let around = browser.page().unwrap();
    around.init_script(TRAP).unwrap();
    around
        .goto(&format!(
            "http://localhost:{parent}/?gateway={url}&ticket={ticket}&study={}",
            shared.study
        ))
        .unwrap();
    around
        .wait_for("window.told?.some(([name]) => name === 'firstimage')", 90)
        .unwrap();
    let frame = around.frames("").remove(0);
    holds(&frame, ".patient", NAME);
    expect_text_alone(&frame, "frame");
    expect_text_alone(&around, "page around the frame");
}
