//! Logging in, sharing what is on screen, and leaving the screen alone.

use std::path::{Path, PathBuf};

use crate::guest_stage::{Shared, WORD, files_of, phone};
use sagitta_tests::{Backend, Browser, Page};
use serde_json::json;

const FIRST: &str = "window.sagitta?.viewports?.()[0]";

/// Logs in by keyboard on the way to a page of the app, which must come afterwards.
pub fn sign_in(shared: &Shared, address: &str) {
    let page = &shared.page;
    page.set_viewport(1366, 768, 1.0, false).unwrap();
    page.goto(&format!("{}{address}", shared.gateway.url()))
        .unwrap();
    page.wait_for("location.pathname === '/auth/login'", 30)
        .unwrap();
    // The name has the focus at once.
    page.wait_for("document.activeElement.id === 'name'", 20)
        .unwrap();
    page.text("reader").unwrap();
    page.key("Tab").unwrap();
    page.text(WORD).unwrap();
    page.key("Enter").unwrap();
    let path = address.split('?').next().unwrap();
    page.wait_for(&format!("location.pathname === '/{path}'"), 30)
        .unwrap();
}

pub fn wait_for_image(page: &Page) {
    page.wait_for(&format!("{FIRST}?.state === 'final'"), 90)
        .unwrap();
}

#[test]
fn the_view_on_screen_is_shared_and_opens_on_a_phone_as_it_was() {
    let shared = Shared::new();
    let page = &shared.page;
    let address = format!("viewer?StudyInstanceUIDs={}", shared.study);
    sign_in(&shared, &address);
    // The address that was asked for is gone on with.
    assert_eq!(
        shared.eval("location.search"),
        format!("?StudyInstanceUIDs={}", shared.study)
    );
    wait_for_image(page);
    page.eval("window.sagitta.setSlice(0, 12)").unwrap();
    page.eval("window.sagitta.setWindow(0, { center: -550, width: 1234 })")
        .unwrap();
    page.eval("window.sagitta.setView(0, { zoom: 2, rotation: 90, invert: true })")
        .unwrap();
    let instance = shared.eval(&format!("{FIRST}.instance"));
    page.key("s").unwrap();
    page.wait_for("document.querySelector('.sharepop .primary')", 20)
        .unwrap();
    page.click_on("#share-note").unwrap();
    page.text("Look at the right hilum.").unwrap();
    page.click_on(".sharepop .ft .primary").unwrap();
    page.wait_for("document.querySelector('#share-link')", 30)
        .unwrap();
    let link = shared.eval("document.querySelector('#share-link').value");
    let link = link.as_str().unwrap();
    assert!(link.starts_with(&format!("{}s#v1.", shared.gateway.url())));
    let pin = shared.words(".pinv").replace('\u{a0}', "");
    assert!(pin.len() >= 6 && pin.bytes().all(|digit| digit.is_ascii_digit()));
    page.wait_for(
        "document.querySelector('.mine li')?.textContent.includes('not opened yet')",
        20,
    )
    .unwrap();
    shared.expect_no_problems();

    let browser = Browser::launch(Backend::WebGl2).unwrap();
    let guest = phone(&browser);
    guest.goto(link).unwrap();
    guest
        .wait_for("document.querySelector('#pin')?.offsetParent", 30)
        .unwrap();
    guest.click_on("#pin").unwrap();
    guest.text(&pin).unwrap();
    guest.key("Enter").unwrap();
    wait_for_image(&guest);
    let seen = guest
        .eval(&format!(
            "(() => {{ const it = {FIRST}; return [it.instance, it.slice, it.window.center, it.window.width]; }})()"
        ))
        .unwrap();
    assert_eq!(seen, json!([instance, 12, -550, 1234]));
    let note = "document.body.innerText.includes('Look at the right hilum.')";
    guest.wait_for(note, 20).unwrap();

    // The maker sees that it was opened, and takes it back.
    page.key("Escape").unwrap();
    page.key("s").unwrap();
    page.wait_for(
        "document.querySelector('.mine li')?.textContent.includes('opened 1 of 5 times')",
        20,
    )
    .unwrap();
    page.click_on(".mine .danger").unwrap();
    page.wait_for(
        "document.querySelector('.mine li')?.textContent.includes('revoked')",
        20,
    )
    .unwrap();
    let status = "fetch('api/shares/opened').then((it) => it.status)";
    assert_eq!(guest.eval(status).unwrap(), 401);
}

#[test]
fn t18_a_screen_that_is_left_alone_hides_the_images_and_goes_on_after_the_password() {
    let canary = "Xylophonequartz";
    let shared = Shared::over(files_of(&format!("{canary}^Ada")), "idle = \"8s\"\n");
    let page = &shared.page;
    sign_in(
        &shared,
        &format!("viewer?StudyInstanceUIDs={}", shared.study),
    );
    wait_for_image(page);
    let cookies = page.call("Network.getAllCookies", json!({})).unwrap();
    let session = cookies["cookies"][0]["value"].as_str().unwrap().to_owned();
    assert!(session.len() >= 43, "{cookies}");
    page.eval("window.sagitta.setSlice(0, 7)").unwrap();
    assert!(shared.words(".patient").contains(canary));
    // Nobody touches anything.
    page.wait_for("document.querySelector('.veil')", 60)
        .unwrap();
    let hidden = "getComputedStyle(document.querySelector('canvas')).visibility === 'hidden' \
        && getComputedStyle(document.querySelector('.patient')).visibility === 'hidden'";
    page.wait_for(hidden, 10).unwrap();
    page.wait_for(
        "fetch('dicomweb/studies').then((it) => it.status === 401)",
        20,
    )
    .unwrap();
    // The keyboard reaches nothing behind it: the password has the focus.
    page.text("not it").unwrap();
    page.key("Enter").unwrap();
    page.wait_for(
        "document.querySelector('#veil-refused').textContent.includes('not right')",
        20,
    )
    .unwrap();
    page.text(WORD).unwrap();
    page.key("Enter").unwrap();
    page.wait_for("!document.querySelector('.veil')", 20)
        .unwrap();
    assert_eq!(shared.eval(&format!("{FIRST}.slice")), 7);
    wait_for_image(page);
    // Neither the title nor an address tells who was looked at: the history keeps them.
    let told = shared.eval("document.title + ' ' + location.href");
    assert!(!told.as_str().unwrap().contains(canary));

    // After signing out nothing of the patient is left in the browser's profile.
    page.key("q").unwrap();
    page.wait_for("document.querySelector('.bar .anchor .tool')", 20)
        .unwrap();
    page.click_on(".bar .anchor .tool").unwrap();
    page.wait_for("document.querySelector('.account form button')", 20)
        .unwrap();
    page.click_on(".account form button").unwrap();
    page.wait_for("location.pathname === '/auth/login'", 30)
        .unwrap();
    let status = "fetch('/dicomweb/studies').then((it) => it.status)";
    assert_eq!(shared.eval(status), 401);
    // Nor is it in the dumps of a page that crashes afterwards.
    let Shared { browser, .. } = shared;
    println!("{} dumps", browser.crash_renderers().unwrap());
    let profile = browser.end().unwrap();
    for secret in [canary, &session, WORD] {
        let mut files = 0;
        scan(profile.path(), secret, &mut files);
        assert!(files > 10, "{files} files of a profile were read");
    }
}

#[test]
fn t18_whoever_opened_a_link_leaves_no_patient_and_no_session_in_the_browser() {
    let canary = "Xylophonequartz";
    let shared = Shared::over(files_of(&format!("{canary}^Ada")), "");
    let note = "Zephyrquinoa";
    let made = shared.share(&json!({ "uses": 1, "note": note }));
    shared.open(&made);
    let page = &shared.page;
    let seen = page.eval("window.sagitta.complete().then(() => document.body.textContent)");
    let seen = seen.unwrap();
    assert!(seen.as_str().unwrap().contains(canary), "{seen}");
    let cookies = page.call("Network.getAllCookies", json!({})).unwrap();
    let session = cookies["cookies"][0]["value"].as_str().unwrap().to_owned();
    assert!(session.len() >= 43, "{cookies}");
    // The link is taken back: the page closes at its next request.
    shared.revoke(&made);
    page.wait_for(
        "fetch('api/shares/opened').then((it) => it.status === 401)",
        20,
    )
    .unwrap();
    let Shared { browser, .. } = shared;
    let profile = browser.end().unwrap();
    for secret in [canary, note, &session] {
        let mut files = 0;
        scan(profile.path(), secret, &mut files);
        assert!(files > 10, "{files} files of a profile were read");
    }
}

/// Fails where a file below a folder holds a text, in one or two bytes a letter.
fn scan(folder: &Path, text: &str, files: &mut usize) {
    let mut hits = Vec::new();
    *files += find(folder, text, &mut hits);
    assert!(hits.is_empty(), "{hits:?}");
}

/// Files below a folder that hold a text, in one or two bytes a letter; gives how many were read.
fn find(folder: &Path, text: &str, hits: &mut Vec<PathBuf>) -> usize {
    let mut files = 0;
    let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0]).collect();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        if kind.is_dir() {
            files += find(&path, text, hits);
        } else if kind.is_file() {
            let Ok(bytes) = std::fs::read(&path) else {
                continue;
            };
            files += 1;
            let holds = |wanted: &[u8]| bytes.windows(wanted.len()).any(|part| part == wanted);
            if holds(text.as_bytes()) || holds(&wide) {
                hits.push(path);
            }
        }
    }
    files
}
