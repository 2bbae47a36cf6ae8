//! Passkeys in Chromium, with its virtual authenticator; the pages of login with and without them.

use sagitta_tests::{Backend, Browser, Gateway, Page, TempFolder};
use serde_json::{Value, json};
use std::path::Path;

pub const WORD: &str = "correct horse battery";

/// A gateway with login, known as localhost: a secure context without a certificate.
pub fn gateway(folder: &Path) -> Gateway {
    let key = folder.join("audit.key");
    std::fs::write(&key, [7; 32]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let config = folder.join("gateway.toml");
    let text = "[auth.local]\n[audit]\nchain_key_file = \"audit.key\"\n";
    std::fs::write(&config, text).unwrap();
    let data = folder.join("data");
    std::fs::create_dir(&data).unwrap();
    Gateway::start_with(&[data.as_path()], &["--config", config.to_str().unwrap()]).unwrap()
}

/// The code that the gateway prints at its first start.
pub fn code(gateway: &Gateway) -> String {
    for _ in 0..100 {
        let said = gateway.log();
        if let Some(rest) = said.split("use the code ").nth(1) {
            return rest.split_whitespace().next().unwrap().to_owned();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("no code was printed: {}", gateway.log());
}

/// Fills a form in, and sends it by its button.
pub fn send(page: &Page, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        let script = format!(
            "document.querySelector('[name={name}]').value = {}",
            json!(value)
        );
        page.eval(&script).unwrap();
    }
    page.click_on("form .btn.primary").unwrap();
}

pub fn is_at(page: &Page, path: &str) {
    let script = format!(
        "location.pathname === {} && document.readyState === 'complete'",
        json!(path)
    );
    page.wait_for(&script, 30).unwrap();
}

#[test]
fn t11_a_passkey_is_added_and_logs_in_by_a_real_browser() {
    let folder = TempFolder::new("passkeys").unwrap();
    let gateway = gateway(folder.path());
    let home = format!("http://localhost:{}", gateway.port());
    let code = code(&gateway);
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.call("WebAuthn.enable", json!({})).unwrap();
    let device = json!({"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": true, "hasUserVerification": true,
        "isUserVerified": true, "automaticPresenceSimulation": true,
    }});
    let made = page
        .call("WebAuthn.addVirtualAuthenticator", device)
        .unwrap();
    let device = made["authenticatorId"].clone();
    page.goto(&format!("{home}/auth/first")).unwrap();
    send(
        &page,
        &[("name", "admin"), ("code", &code), ("password", WORD)],
    );
    is_at(&page, "/auth/enrol");
    page.wait_for("!document.querySelector('[data-passkey]').hidden", 10)
        .unwrap();
    page.click_on("[data-passkey] button").unwrap();
    is_at(&page, "/auth/passkeys");
    let keys = page
        .call(
            "WebAuthn.getCredentials",
            json!({"authenticatorId": device}),
        )
        .unwrap();
    assert_eq!(keys["credentials"].as_array().unwrap().len(), 1);
    assert_eq!(keys["credentials"][0]["isResidentCredential"], true);
    assert_eq!(keys["credentials"][0]["rpId"], "localhost");
    let user =
        "fetch('/api/session').then((answer) => answer.json()).then((it) => it.user ?? null)";
    assert_eq!(page.eval(user).unwrap(), "admin");
    // Out, and in again without a word.
    let out = "fetch('/auth/logout', { method: 'POST' }).then((answer) => answer.status)";
    assert_eq!(page.eval(out).unwrap(), 200);
    assert_eq!(page.eval(user).unwrap(), Value::Null);
    page.goto(&format!("{home}/auth/login")).unwrap();
    page.click_on("[data-passkey] button").unwrap();
    page.wait_for("location.pathname === '/'", 30).unwrap();
    assert_eq!(page.eval(user).unwrap(), "admin");
    // After the password it is the second step.
    assert_eq!(page.eval(out).unwrap(), 200);
    page.goto(&format!("{home}/auth/login")).unwrap();
    send(&page, &[("name", "admin"), ("password", WORD)]);
    is_at(&page, "/auth/mfa");
    assert_eq!(page.eval(user).unwrap(), Value::Null);
    // A device that did not verify its user is not enough, and that is said.
    let verified = |is: bool| {
        let how = json!({"authenticatorId": device, "isUserVerified": is});
        page.call("WebAuthn.setUserVerified", how).unwrap();
    };
    verified(false);
    page.click_on("[data-passkey] button").unwrap();
    page.wait_for(
        "document.querySelector('[data-passkey] [role=alert]').checkVisibility()",
        60,
    )
    .unwrap();
    assert_eq!(page.eval("location.pathname").unwrap(), "/auth/mfa");
    verified(true);
    page.click_on("[data-passkey] button").unwrap();
    page.wait_for("location.pathname === '/'", 30).unwrap();
    assert_eq!(page.eval(user).unwrap(), "admin");
}
