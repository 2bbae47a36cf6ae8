//! The page of administration in Chromium: by mouse, by keyboard, on a phone, and without a connection.

use sagitta_tests::{Backend, Browser, Gateway, Page, ProblemKind, TempFolder};
use serde_json::{Value, json};

const WORD: &str = "correct horse battery";
/// A name that would run, were it taken for more than text.
const CANARY: &str = "<img src=x onerror=\"document.title='ran'\"><b>Canary</b>";

fn gateway(folder: &TempFolder) -> Gateway {
    let key = folder.write("audit.key", &[7; 32]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let text =
        "[auth.local]\nsecond_factor = \"optional\"\n[audit]\nchain_key_file = \"audit.key\"\n";
    let config = folder.write("gateway.toml", text.as_bytes()).unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    Gateway::start_with(&[data.as_path()], &["--config", config.to_str().unwrap()]).unwrap()
}

/// The code that the gateway prints at its first start.
fn code(gateway: &Gateway) -> String {
    for _ in 0..100 {
        let said = gateway.log();
        if let Some(rest) = said.split("use the code ").nth(1) {
            return rest.split_whitespace().next().unwrap().to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("no code was printed: {}", gateway.log());
}

fn type_into(page: &Page, field: &str, words: &str) {
    page.click_on(field).unwrap();
    page.text(words).unwrap();
}

fn rows(page: &Page) -> String {
    let words = page.eval("document.getElementById('rows').innerText");
    words.unwrap().as_str().unwrap().to_owned()
}

fn wait_for_words(page: &Page, place: &str, words: &str) {
    let script = format!(
        "document.getElementById({}).innerText.includes({})",
        json!(place),
        json!(words)
    );
    page.wait_for(&script, 20).unwrap();
}

#[test]
fn t02_users_are_managed_in_a_browser_and_names_stay_text() {
    let folder = TempFolder::new("admin").unwrap();
    let gateway = gateway(&folder);
    let home = format!("http://localhost:{}", gateway.port());
    let code = code(&gateway);
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.set_viewport(1366, 768, 1.0, false).unwrap();
    page.goto(&format!("{home}/auth/first")).unwrap();
    for (name, value) in [("name", "admin"), ("code", &*code), ("password", WORD)] {
        type_into(&page, &format!("[name={name}]"), value);
    }
    page.key("Enter").unwrap();
    page.wait_for("location.pathname === '/'", 30).unwrap();
    page.take_problems();
    page.goto(&format!("{home}/admin")).unwrap();
    wait_for_words(&page, "rows", "This is you");
    // A user is added, and the code is shown once.
    page.click_on("#add").unwrap();
    type_into(&page, "#user-name", "canary");
    type_into(&page, "#user-shown", CANARY);
    page.click_on("#user-roles input[value=radiologist]")
        .unwrap();
    page.click_on("#user-save").unwrap();
    page.wait_for("document.getElementById('code').open", 20)
        .unwrap();
    let made = page.eval("document.getElementById('code-code').textContent");
    let made = made.unwrap().as_str().unwrap().to_owned();
    assert_eq!(made.len(), 5 * 5 + 4, "{made}");
    page.key("Escape").unwrap();
    wait_for_words(&page, "done", "The user has been added.");
    let text = page.eval("document.documentElement.outerHTML").unwrap();
    assert!(!text.as_str().unwrap().contains(&made));
    wait_for_words(&page, "rows", CANARY);
    let alive = "document.querySelectorAll('#rows img, #rows b, dialog img').length";
    assert_eq!(page.eval(alive).unwrap(), 0);
    assert_ne!(page.eval("document.title").unwrap(), "ran");
    // Locking asks first, and is seen at once.
    let change = "Array.from(document.querySelectorAll('#rows button')).find((it) => it.textContent === 'Change').click()";
    page.eval(change).unwrap();
    page.wait_for("document.getElementById('user').open", 10)
        .unwrap();
    page.click_on("#user-lock").unwrap();
    page.wait_for("document.getElementById('ask').open", 10)
        .unwrap();
    assert!(!rows(&page).contains("Locked"));
    page.click_on("#ask-do").unwrap();
    wait_for_words(&page, "rows", "Locked");
    assert_eq!(
        page.eval("document.querySelectorAll('dialog[open]').length")
            .unwrap(),
        0
    );
    assert_eq!(page.eval(alive).unwrap(), 0);
    // A login that is not fresh: the password is asked for in place, and what was asked for goes on.
    let users = rusqlite::Connection::open(folder.path().join("users.db")).unwrap();
    let old = "UPDATE session SET proved = proved - 1000, strong = strong - 1000";
    users
        .busy_timeout(std::time::Duration::from_secs(20))
        .unwrap();
    users.execute(old, []).unwrap();
    page.eval(change).unwrap();
    page.click_on("#user-remove").unwrap();
    page.click_on("#ask-do").unwrap();
    page.wait_for("document.getElementById('prove').open", 20)
        .unwrap();
    type_into(&page, "#prove-password", "wrong wrong wrong");
    page.key("Enter").unwrap();
    wait_for_words(&page, "prove-problem", "The password is not right.");
    page.eval("document.getElementById('prove-password').value = ''")
        .unwrap();
    type_into(&page, "#prove-password", WORD);
    page.key("Enter").unwrap();
    wait_for_words(&page, "count", "1 in all");
    assert!(!rows(&page).contains("Canary"));
    // Sections by keyboard, and on a phone nothing runs over the edge.
    page.set_viewport(400, 844, 1.0, true).unwrap();
    page.eval("document.getElementById('tab-users').focus()")
        .unwrap();
    for (name, words) in [
        ("sessions", "This one"),
        ("shares", ""),
        ("sources", "Ready"),
    ] {
        page.key("ArrowRight").unwrap();
        let script = format!(
            "document.getElementById('tab-{name}').ariaSelected === 'true' && document.getElementById('panel').ariaBusy === 'false'"
        );
        page.wait_for(&script, 20).unwrap();
        assert!(rows(&page).contains(words), "{name}");
        assert_eq!(
            page.eval("document.documentElement.scrollWidth").unwrap(),
            400,
            "{name}"
        );
    }
    assert_eq!(
        page.eval("location.pathname + location.hash").unwrap(),
        "/admin#sources"
    );
    // Nothing was stopped by the policy and nothing failed, but two requests that were to be refused.
    let mut problems = page.take_problems();
    problems.retain(|problem| problem.kind != ProblemKind::Network);
    assert!(problems.is_empty(), "{problems:?}");
    page.offline(true).unwrap();
    page.click_on("#refresh").unwrap();
    wait_for_words(&page, "trouble", "No connection");
    // It goes on by itself.
    page.offline(false).unwrap();
    page.wait_for("document.getElementById('trouble').hidden", 20)
        .unwrap();
    assert_eq!(
        page.eval("localStorage.length + sessionStorage.length")
            .unwrap(),
        Value::from(0)
    );
}
