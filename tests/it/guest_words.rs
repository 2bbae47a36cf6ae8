//! What the page behind a link says: each way in which it is closed, the PIN, and every language.

use crate::guest_stage::{Shared, phone};
use sagitta_tests::{Gateway, TempFolder};
use serde_json::json;

/// Title and sentence of the page.
fn said(shared: &Shared) -> String {
    format!("{} | {}", shared.words("#title"), shared.words("#sentence"))
}

#[test]
fn each_way_in_which_a_link_is_closed_is_said_in_words() {
    let shared = Shared::new();
    let url = shared.gateway.url();
    let closed = |change: &str, title: &str| {
        let made = shared.share(&json!({}));
        shared.alter(&made, change);
        shared.open_page(&made.url);
        assert!(said(&shared).starts_with(title), "{}", said(&shared));
        // Only the sentence is there, and words to ask for another link: nothing that opens, no name.
        assert_eq!(
            shared.eval("[...document.querySelectorAll('button, input, textarea, dl')].filter((it) => it.offsetParent).map((it) => it.id)"),
            json!(["request"]),
            "{title}"
        );
        assert!(!shared.words("body").contains("Reader"), "{title}");
        assert_eq!(shared.eval("location.hash"), "");
    };
    closed("ends = 1", "This link has expired | Ask the person");
    closed("failures = 10", "This link is locked | The PIN was wrong");
    closed("most_uses = 2, uses = 2", "This link has been used up | ");
    let made = shared.share(&json!({}));
    shared.revoke(&made);
    shared.open_page(&made.url);
    assert!(said(&shared).starts_with("This link was taken back | "));
    for (rest, title) in [
        (
            format!("s#v1.{}.{}", made.id, "A".repeat(43)),
            "This link is not known here | ",
        ),
        (format!("s#v1.{}", made.id), "This link is not complete | "),
        ("s".to_owned(), "This link is not complete | "),
    ] {
        shared.open_page(&format!("{url}{rest}"));
        assert!(said(&shared).starts_with(title), "{}", said(&shared));
    }
}

#[test]
fn a_gateway_without_login_says_that_it_opens_no_links() {
    let shared = Shared::new();
    let folder = TempFolder::new("empty").unwrap();
    let gateway = Gateway::start(&[folder.path()]).unwrap();
    let link = format!(
        "{}s#v1.{}.{}",
        gateway.url(),
        "0".repeat(32),
        "A".repeat(43)
    );
    shared.open_page(&link);
    assert!(said(&shared).starts_with("This server opens no links | "));
}

#[test]
fn without_a_connection_nothing_is_used_up_and_another_try_goes_on() {
    let shared = Shared::new();
    let made = shared.share(&json!({ "uses": 1 }));
    let page = &shared.page;
    shared.open_page(&made.url);
    page.offline(true).unwrap();
    shared.tap("#open");
    page.wait_for("document.body.dataset.state === 'offline'", 20)
        .unwrap();
    assert!(said(&shared).starts_with("No connection | "));
    page.offline(false).unwrap();
    shared.tap("#again");
    page.wait_for("document.body.dataset.state === 'offered'", 20)
        .unwrap();
    shared.tap("#open");
    shared.wait_for_image();
}

#[test]
fn a_wrong_pin_says_how_many_tries_are_left_and_a_pasted_one_opens() {
    let shared = Shared::new();
    let made = shared.share(&json!({ "pin": true, "uses": 1 }));
    let pin = made.pin.clone().unwrap();
    let page = &shared.page;
    shared.open_page(&made.url);
    assert_eq!(
        shared.eval("document.querySelector('#pin').inputMode"),
        "numeric"
    );
    let type_in = |text: &str| {
        shared.tap("#pin");
        shared.eval("document.querySelector('#pin').value = ''");
        page.text(text).unwrap();
        shared.tap("#open");
    };
    let problem = |text: &str| {
        let script = format!("document.querySelector('#problem').textContent.includes('{text}')");
        page.wait_for(&script, 20).unwrap();
    };
    type_in("12");
    problem("six digits");
    let wrong = if pin == "000000" { "000001" } else { "000000" };
    for left in ["9", "8", "7", "6"] {
        type_in(wrong);
        problem(&format!("Tries left: {left}"));
    }
    // What came too soon is told how long to wait, and costs nothing.
    type_in(wrong);
    problem("Try again in");
    shared.alter(&made, "wait_until = 0");
    // As messages show it, and with the wide digits of a Japanese keyboard.
    let wide: String = pin
        .chars()
        .map(|digit| char::from_u32(u32::from(digit) - 0x30 + 0xFF10).unwrap())
        .collect();
    let (first, last) = wide.split_at(9);
    type_in(&format!("{first} {last}"));
    shared.wait_for_image();
    // Opened once, and whoever opened it finds the way back though the link is used up.
    shared.open_page(&made.url);
    assert_eq!(shared.eval("document.body.dataset.state"), "offered");
    shared.tap("#open");
    shared.wait_for_image();
    // Someone else does not.
    shared
        .page
        .call("Network.clearBrowserCookies", json!({}))
        .unwrap();
    shared.open_page(&made.url);
    assert!(said(&shared).starts_with("This link has been used up"));
    // Words for whoever sent it, which name neither the link nor what it opened.
    shared.eval("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }");
    assert_eq!(shared.words("#request"), "Copy a request to send");
    shared.tap("#request");
    let is_copied = "document.querySelector('#request').textContent.startsWith('Copied')";
    page.wait_for(is_copied, 20).unwrap();
    let copied = shared.eval("window.copied");
    let copied = copied.as_str().unwrap();
    assert!(copied.contains("a new one") && !copied.contains(&made.url));
    // Where nothing may be copied the same words can be marked.
    shared.eval("navigator.clipboard.writeText = () => Promise.reject(new Error('denied'))");
    shared.tap("#request");
    let is_shown = "document.querySelector('#letter').checkVisibility()";
    page.wait_for(is_shown, 20).unwrap();
    assert_eq!(
        shared.eval("document.querySelector('#letter').value"),
        copied
    );
}

#[test]
fn page_and_reader_speak_the_language_of_the_browser() {
    let shared = Shared::new();
    let made = shared.share(&json!({}));
    let agent = shared.eval("navigator.userAgent");
    for (language, tag, title, button, more) in [
        ("de-CH,en", "de", "Bilder für Sie", "Bilder zeigen", "Mehr"),
        (
            "fr",
            "fr",
            "Images partagées avec vous",
            "Afficher les images",
            "Plus",
        ),
        (
            "es-MX",
            "es",
            "Imágenes compartidas con usted",
            "Ver las imágenes",
            "Más",
        ),
        ("ja", "ja", "画像が共有されています", "画像を表示", "その他"),
        ("fi", "en", "Images shared with you", "Show images", "More"),
    ] {
        let page = phone(&shared.browser);
        let asked = json!({ "userAgent": agent, "acceptLanguage": language });
        page.call("Emulation.setUserAgentOverride", asked).unwrap();
        page.goto(&made.url).unwrap();
        page.wait_for("document.body.dataset.state === 'offered'", 30)
            .unwrap();
        let seen = page
            .eval("[document.documentElement.lang, document.querySelector('h1').textContent, document.querySelector('#open').textContent]")
            .unwrap();
        assert_eq!(seen, json!([tag, title, button]), "{language}");
        let (x, y) = page.center_of("#open").unwrap();
        page.tap(x, y).unwrap();
        page.wait_for("!!document.querySelector('.vp.shows')", 90)
            .unwrap();
        let seen = page
            .eval("[document.documentElement.lang, document.querySelector('[aria-haspopup]').getAttribute('aria-label')]")
            .unwrap();
        assert_eq!(seen, json!([tag, more]), "{language}");
    }
}

#[test]
fn everything_that_is_touched_is_large_enough_for_a_thumb() {
    let shared = Shared::new();
    let made = shared.share(&json!({ "pin": true }));
    let small = "[...document.querySelectorAll('button, input, a, [role=slider]')].filter((it) => it.checkVisibility()).map((it) => [it.outerHTML.slice(0, 80), it.getBoundingClientRect()]).filter(([, box]) => box.width < 44 || box.height < 44).map(([name]) => name)";
    shared.open_page(&made.url);
    assert_eq!(shared.eval(small), json!([]));
    let open = shared.share(&json!({ "download": true, "note": "For the board." }));
    shared.open(&open);
    shared
        .page
        .wait_for("document.querySelectorAll('.sth').length === 4", 30)
        .unwrap();
    assert_eq!(shared.eval(small), json!([]));
    shared.tap(".guest-head .round[aria-haspopup]");
    shared
        .page
        .wait_for("!!document.querySelector('[role=dialog]')", 10)
        .unwrap();
    assert_eq!(shared.eval(small), json!([]));
    // Nothing is cut at the side of a small phone.
    shared.page.set_viewport(320, 640, 2.0, true).unwrap();
    assert_eq!(
        shared.eval("document.documentElement.scrollWidth <= innerWidth"),
        true
    );
}
