//! axe-core finds nothing on the pages of login, of sharing, of the link's recipient, on the phone, in the list and reader.
//!
//! Pages stand still while they are looked at (`prefers-reduced-motion`), so that no colour is caught on its way.

use crate::account::{sign_in, wait_for_image};
use crate::embed_stage::{Scene, patients};
use crate::guest_stage::{Shared, files_of};
use crate::passkeys::{WORD, code, gateway, is_at, send};
use sagitta_tests::{Backend, Browser, Page, TempFolder, axe_core, run_program};
use serde_json::{Value, json};
use std::process::Command;

/// Looks at the whole document; also at what it calls worth a second look where that is about contrast on pictures.
const RUN: &str = "axe.run(document, { resultTypes: ['violations', 'passes'], iframes: false }).then((it) => ({
    passes: it.passes.length,
    found: it.violations.map((one) => `${one.id} (${one.help}): ` + one.nodes.slice(0, 5).map((node) =>
      `${node.target.join(' ')} ${node.html.slice(0, 160)} [${[...node.any, ...node.all, ...node.none].map((check) => check.message).join('; ').slice(0, 300)}]`).join(' || ')) }))";

/// Pages that were looked at, and what was found: all pages are looked at before it fails.
struct Looked {
    source: String,
    pages: Vec<String>,
    found: Vec<String>,
}

impl Looked {
    fn new() -> Self {
        Self {
            source: axe_core().unwrap(),
            pages: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Lets axe look at a page as it is now.
    fn at(&mut self, name: &str, page: &Page) {
        let still =
            json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
        page.call("Emulation.setEmulatedMedia", still).unwrap();
        page.eval(&format!("(() => {{ {}; }})()", self.source))
            .unwrap();
        let seen = page.eval(RUN).unwrap();
        // Rules that passed say that it really looked.
        assert!(seen["passes"].as_u64().unwrap() >= 8, "{name}: {seen}");
        for one in seen["found"].as_array().unwrap() {
            self.found
                .push(format!("{name}: {}", one.as_str().unwrap()));
        }
        self.pages.push(name.to_owned());
    }
}

impl Drop for Looked {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        println!("{} pages: {}", self.pages.len(), self.pages.join(", "));
        assert!(self.found.is_empty(), "{}", self.found.join("\n"));
    }
}

/// A code by time, worked out by Debian's oathtool.
fn oathtool(key: &str) -> String {
    let out = Command::new("oathtool")
        .args(["--totp", "--base32", key])
        .output()
        .expect("oathtool is missing: cargo xtask test installs it");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[test]
fn axe_finds_nothing_on_pages_of_login() {
    let mut looked = Looked::new();
    let folder = TempFolder::new("axe").unwrap();
    let gateway = gateway(folder.path());
    let home = format!("http://localhost:{}", gateway.port());
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let go = |path: &str| page.goto(&format!("{home}{path}")).unwrap();
    go("/auth/login");
    page.wait_for("!!document.querySelector('.reveal button')", 20)
        .unwrap();
    // The name keeps the focus; what is typed as a password can be looked at, and is sent as a password.
    let seen = "[document.activeElement.id, document.querySelector('#password').type, document.querySelector('.reveal button').ariaPressed]";
    assert_eq!(
        page.eval(seen).unwrap(),
        json!(["name", "password", "false"])
    );
    page.click_on(".reveal button").unwrap();
    assert_eq!(
        page.eval(seen).unwrap(),
        json!(["password", "text", "true"])
    );
    looked.at("login", &page);
    page.eval("dispatchEvent(new Event('pagehide'))").unwrap();
    assert_eq!(
        page.eval(seen).unwrap(),
        json!(["password", "password", "false"])
    );
    page.set_viewport(390, 844, 2.0, true).unwrap();
    looked.at("login on a phone", &page);
    page.set_viewport(1280, 800, 1.0, false).unwrap();
    send(&page, &[("name", "nobody"), ("password", "not it at all")]);
    page.wait_for("!!document.querySelector('#problem')", 30)
        .unwrap();
    looked.at("login refused", &page);
    go("/auth/first");
    looked.at("first password", &page);
    let code = code(&gateway);
    send(
        &page,
        &[("name", "admin"), ("code", &code), ("password", WORD)],
    );
    is_at(&page, "/auth/enrol");
    looked.at("enrol", &page);
    let key = page
        .eval("document.querySelector('code').textContent")
        .unwrap();
    send(&page, &[("code", &oathtool(key.as_str().unwrap()))]);
    page.wait_for("document.querySelectorAll('.codes li').length === 10", 30)
        .unwrap();
    looked.at("recovery codes", &page);
    go("/auth/passkeys");
    looked.at("passkeys", &page);
    let lock = "fetch('/api/session/lock', { method: 'POST', headers: { 'X-Sagitta': '1' } }).then((it) => it.ok)";
    assert_eq!(page.eval(lock).unwrap(), true);
    go("/auth/unlock");
    is_at(&page, "/auth/unlock");
    looked.at("locked", &page);
    page.eval("document.querySelector('form[action$=logout]').requestSubmit()")
        .unwrap();
    is_at(&page, "/auth/login");
    send(&page, &[("name", "admin"), ("password", WORD)]);
    is_at(&page, "/auth/mfa");
    looked.at("second step", &page);
    send(&page, &[("code", "000000")]);
    page.wait_for("!!document.querySelector('#problem')", 30)
        .unwrap();
    looked.at("second step refused", &page);
}

#[test]
fn axe_finds_nothing_on_the_list_the_reader_and_the_share_dialog() {
    let mut looked = Looked::new();
    let store = TempFolder::new("axe-store").unwrap();
    let more = format!("[store]\npath = {:?}\n", store.path());
    let shared = Shared::over(files_of("Test^Ct"), &more);
    let page = &shared.page;
    sign_in(&shared, "");
    page.wait_for("!!document.querySelector('tbody tr[aria-selected]')", 60)
        .unwrap();
    looked.at("list", page);
    page.key("u").unwrap();
    page.wait_for("document.activeElement.textContent === 'Choose files'", 20)
        .unwrap();
    looked.at("upload", page);
    page.key("Escape").unwrap();
    page.click_on("tbody tr[aria-selected]").unwrap();
    page.wait_for(
        "document.querySelectorAll('.preview .thumb').length > 1",
        30,
    )
    .unwrap();
    looked.at("list with preview", page);
    page.click_on(".bar .anchor .tool").unwrap();
    page.wait_for("!!document.querySelector('.account')", 20)
        .unwrap();
    looked.at("menu of the user", page);
    page.key("Escape").unwrap();
    page.goto(&format!(
        "{}viewer?StudyInstanceUIDs={}",
        shared.gateway.url(),
        shared.study
    ))
    .unwrap();
    wait_for_image(page);
    page.wait_for("document.querySelectorAll('.rail .thumb').length > 1", 30)
        .unwrap();
    looked.at("reader", page);
    page.key("?").unwrap();
    page.wait_for("!!document.querySelector('.keysheet')", 20)
        .unwrap();
    looked.at("keys", page);
    page.key("Escape").unwrap();
    page.wait_for("!document.querySelector('.scrim')", 20)
        .unwrap();
    page.click_on(".preset").unwrap();
    page.wait_for("!!document.querySelector('.presets')", 20)
        .unwrap();
    looked.at("presets", page);
    page.key("Escape").unwrap();
    page.key("g").unwrap();
    page.wait_for("!!document.querySelector('.pop.lay')", 20)
        .unwrap();
    looked.at("layouts", page);
    page.key("Escape").unwrap();
    for layout in ["2x2", "1x1"] {
        page.eval(&format!("window.sagitta.setLayout('{layout}')"))
            .unwrap();
        looked.at(layout, page);
    }
    page.key("s").unwrap();
    page.wait_for("!!document.querySelector('.sharepop .primary')", 20)
        .unwrap();
    looked.at("share", page);
    page.click_on(".sharepop .ft .primary").unwrap();
    page.wait_for("!!document.querySelector('#share-link')", 30)
        .unwrap();
    page.wait_for("!!document.querySelector('.mine li')", 20)
        .unwrap();
    looked.at("shared", page);
    page.key("Escape").unwrap();
    // Light, as some like it by day.
    page.eval("window.sagitta.setAppearance?.({ theme: 'light' })")
        .unwrap();
    looked.at("reader by day", page);
    let lock = "fetch('/api/session/lock', { method: 'POST', headers: { 'X-Sagitta': '1' } }).then((it) => it.ok)";
    assert_eq!(page.eval(lock).unwrap(), true);
    page.eval("window.sagitta.open({ studies: ['1.2.3'] }).catch(() => {})")
        .unwrap();
    page.wait_for("!!document.querySelector('.veil')", 30)
        .unwrap();
    looked.at("locked reader", page);
}

#[test]
fn axe_finds_nothing_on_the_page_behind_a_link_and_the_reader_on_a_phone() {
    let mut looked = Looked::new();
    let shared = Shared::new();
    let page = &shared.page;
    let made = shared.share(&json!({ "download": true, "note": "For the board." }));
    let behind = shared.share(&json!({ "pin": true }));
    shared.open_page(&behind.url);
    looked.at("link with a PIN", page);
    shared.tap("#pin");
    page.text("12").unwrap();
    shared.tap("#open");
    page.wait_for("document.querySelector('#problem').textContent", 20)
        .unwrap();
    looked.at("link with half a PIN", page);
    shared.revoke(&behind);
    shared.open_page(&behind.url);
    looked.at("link that was taken back", page);
    shared.open_page(&made.url);
    looked.at("link", page);
    shared.tap("#open");
    shared.wait_for_image();
    page.wait_for("document.querySelectorAll('.sth').length === 4", 30)
        .unwrap();
    looked.at("phone", page);
    page.set_viewport(844, 390, 2.0, true).unwrap();
    looked.at("phone held across", page);
    page.set_viewport(390, 844, 2.0, true).unwrap();
    shared.tap(".guest-head .round[aria-haspopup]");
    page.wait_for("!!document.querySelector('[role=dialog]')", 10)
        .unwrap();
    looked.at("sheet", page);
    shared.tap(".guest-sheet li:first-child button");
    page.wait_for("document.querySelectorAll('.vp.shows').length === 2", 30)
        .unwrap();
    looked.at("two series", page);
    shared.tap("li:nth-child(3) .sth");
    page.wait_for("!!document.querySelector('.guest-report .title')", 30)
        .unwrap();
    looked.at("report", page);
    shared.revoke(&made);
    shared.tap(".guest-report .round");
    shared.tap("li:nth-child(4) .sth");
    page.wait_for("!!document.querySelector('.guest-whole h1')", 30)
        .unwrap();
    looked.at("phone after the link was taken back", page);
}

#[test]
fn axe_finds_nothing_in_the_frame() {
    let mut looked = Looked::new();
    let scene = Scene::new("15m");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let [one, _] = patients();
    scene.go(&page, 0, &[]);
    let open = format!("window.viewer.open({{ studies: ['{}'] }})", one.study_uid());
    assert_eq!(page.rejection(&open).unwrap()["code"], "login_needed");
    let frame = page.frames("").remove(0);
    frame
        .wait_for("!!document.querySelector('.gate button')", 20)
        .unwrap();
    looked.at("gate of the frame", &frame);
    let ticket = scene.ticket(&json!({ "study": one.study_uid() }));
    scene.go(&page, 0, &[("ticket", &ticket)]);
    assert_eq!(page.eval(&open).unwrap(), Value::Null);
    let frame = page.frames("").remove(0);
    looked.at("frame", &frame);
}

#[test]
fn axe_finds_nothing_on_the_pages_of_administration_and_of_the_record() {
    let mut looked = Looked::new();
    let folder = TempFolder::new("axe-admin").unwrap();
    let gateway = gateway(folder.path());
    let home = format!("http://localhost:{}", gateway.port());
    let config = folder.path().join("gateway.toml");
    let added = ["user", "add", "watch", "--role", "auditor", "--config"];
    let said = run_program(&[&added[..], &[config.to_str().unwrap()]].concat()).unwrap();
    let watch = said.trim().rsplit(' ').next().unwrap().to_owned();
    for (name, code, path, settled) in [
        (
            "admin",
            code(&gateway),
            "/admin",
            "document.querySelectorAll('#rows tr').length > 1",
        ),
        (
            "watch",
            watch,
            "/audit",
            "document.querySelectorAll('.events tbody tr').length > 1",
        ),
    ] {
        let browser = Browser::launch(Backend::Cpu).unwrap();
        let page = browser.page().unwrap();
        page.goto(&format!("{home}/auth/first")).unwrap();
        send(
            &page,
            &[("name", name), ("code", &code), ("password", WORD)],
        );
        is_at(&page, "/auth/enrol");
        let key = page
            .eval("document.querySelector('code').textContent")
            .unwrap();
        send(&page, &[("code", &oathtool(key.as_str().unwrap()))]);
        page.wait_for("document.querySelectorAll('.codes li').length === 10", 30)
            .unwrap();
        page.goto(&format!("{home}{path}")).unwrap();
        page.wait_for(settled, 30).unwrap();
        looked.at(path, &page);
        page.set_viewport(390, 844, 2.0, true).unwrap();
        looked.at(&format!("{path} on a phone"), &page);
    }
}
