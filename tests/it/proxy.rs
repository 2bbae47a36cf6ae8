//! The gateway behind nginx, which speaks TLS for it below a path, as `docs/nginx-gateway.conf` says.

use crate::account::wait_for_image;
use crate::guest_stage::{WORD, phone};
use crate::hosting::serve_page;
use crate::stage::ct_folder;
use sagitta_tests::{
    Backend, Browser, Gateway, Nginx, Page, ProblemKind, TempFolder, free_port, run_program,
};
use serde_json::{Value, json};

/// Browser, nginx and gateway; they go in this order.
struct Site {
    page: Page,
    browser: Browser,
    _nginx: Nginx,
    gateway: Gateway,
    /// Where browsers find it, with a slash at the end.
    url: String,
    login: TempFolder,
    _files: TempFolder,
    parent: u16,
}

const SECRET: &str = "an example secret of the EHR's server 0123456789";

impl Site {
    fn start() -> Self {
        let files = ct_folder(64, 6);
        let login = TempFolder::new("login").unwrap();
        for (name, bytes) in [
            ("audit.key", &[7; 32][..]),
            ("ehr.secret", SECRET.as_bytes()),
        ] {
            use std::os::unix::fs::PermissionsExt as _;
            let path = login.write(name, bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let port = free_port().unwrap();
        let url = format!("https://viewer.localhost:{port}/imaging/");
        let parent = serve_page(PARENT.replace("GATEWAY", &url));
        let config = format!(
            "[server]\npublic_url = \"{}\"\ntrusted_proxies = [\"127.0.0.1/32\"]\n\
             [auth.local]\nsecond_factor = \"optional\"\n[audit]\nchain_key_file = \"audit.key\"\n\
             [embed]\nallowed_parents = [\"http://a.localhost:{parent}\"]\n\
             [[launch_client]]\nid = \"ehr\"\nsecret_file = \"ehr.secret\"\n",
            url.trim_end_matches('/')
        );
        let config = login.write("gateway.toml", config.as_bytes()).unwrap();
        let config = config.to_str().unwrap();
        let gateway = Gateway::start_with(&[files.path()], &["--config", config]).unwrap();
        gateway.wait_until_indexed(120).unwrap();
        let nginx = Nginx::before_gateway(port, gateway.port()).unwrap();
        // Its certificate is of its own making.
        let browser =
            Browser::launch_with(Backend::WebGl2, &["--ignore-certificate-errors"]).unwrap();
        let page = browser.page().unwrap();
        Self {
            page,
            browser,
            _nginx: nginx,
            gateway,
            url,
            login,
            _files: files,
            parent,
        }
    }

    /// Makes the user who logs in, and gives the code for the first password.
    fn add_user(&self) -> String {
        let config = self.login.path().join("gateway.toml");
        let add = ["user", "add", "reader", "--role", "radiologist", "--config"];
        let said = run_program(&[&add[..], &[config.to_str().unwrap()]].concat()).unwrap();
        said.trim().rsplit(' ').next().unwrap().to_owned()
    }

    fn is_at(&self, path: &str) {
        let script = format!(
            "location.pathname === '/imaging/{path}' && document.readyState === 'complete'"
        );
        self.page.wait_for(&script, 30).unwrap();
    }

    fn fill(&self, fields: &[(&str, &str)]) {
        for (name, value) in fields {
            let field = format!(
                "document.querySelector('[name={name}]').value = {}",
                json!(value)
            );
            self.page.eval(&field).unwrap();
        }
        self.page.click_on("form .btn.primary").unwrap();
    }
}

/// A page of another site around the viewer.
const PARENT: &str = "<!doctype html><title>An EHR</title><body><script type=module>
    await import('GATEWAYembed.js');
    const element = document.createElement('sagitta-viewer');
    element.style.cssText = 'display: block; width: 800px; height: 500px';
    element.setAttribute('ticket', new URLSearchParams(location.search).get('ticket'));
    element.setAttribute('src', 'GATEWAY');
    document.body.append(element);
    window.viewer = await element.viewer(1);
    </script>";

/// The page had no problem but requests that were refused on purpose.
fn expect_quiet(page: &Page) {
    let problems = page.problems();
    let mut others = problems.iter().filter(|it| it.kind != ProblemKind::Network);
    assert!(others.next().is_none(), "{problems:?}");
}

/// All that the page asked for lies below the gateway's public address.
fn expect_below(page: &Page, url: &str) {
    for asked in page.requests() {
        let asked = asked.trim_start_matches("blob:");
        let is_ours = asked.starts_with(url) || asked.starts_with("data:");
        let is_blob = url.starts_with(asked.rsplit_once('/').unwrap().0);
        assert!(is_ours || is_blob, "{asked}");
    }
}

#[test]
fn login_a_shared_link_and_a_frame_work_behind_nginx_with_tls_below_a_path() {
    let site = Site::start();
    let (page, url) = (&site.page, site.url.as_str());
    let code = site.add_user();

    // In by the front page: to the login, a first password, the list.
    page.goto(url).unwrap();
    site.is_at("auth/login");
    page.goto(&format!("{url}auth/first")).unwrap();
    site.fill(&[("name", "reader"), ("code", &code), ("password", WORD)]);
    site.is_at("");
    let cookies = page.call("Network.getAllCookies", json!({})).unwrap();
    let kept = cookies["cookies"].as_array().unwrap();
    assert_eq!(kept.len(), 1, "{cookies}");
    assert_eq!(
        (
            &kept[0]["name"],
            &kept[0]["secure"],
            &kept[0]["httpOnly"],
            &kept[0]["path"]
        ),
        (
            &json!("__Host-sid"),
            &json!(true),
            &json!(true),
            &json!("/")
        )
    );
    // An address that was asked for before the login comes after it.
    page.wait_for("!!document.querySelector('.bar .anchor .tool')", 60)
        .unwrap();
    page.click_on(".bar .anchor .tool").unwrap();
    page.click_on(".account form button").unwrap();
    site.is_at("auth/login");
    let studies = site
        .page
        .eval("fetch('../dicomweb/studies').then((it) => it.status)");
    assert_eq!(studies.unwrap(), 401);
    let uid = "1.2.3.4";
    page.goto(&format!("{url}viewer?StudyInstanceUIDs={uid}"))
        .unwrap();
    site.is_at("auth/login");
    site.fill(&[("name", "reader"), ("password", WORD)]);
    page.wait_for(
        &format!(
            "location.pathname + location.search === '/imaging/viewer?StudyInstanceUIDs={uid}'"
        ),
        30,
    )
    .unwrap();
    page.goto(url).unwrap();
    page.wait_for("!!document.querySelector('tbody tr[aria-selected]')", 60)
        .unwrap();
    page.click_on("tbody tr[aria-selected]").unwrap();
    page.wait_for("!!document.querySelector('.preview .primary')", 30)
        .unwrap();
    page.click_on(".preview .primary").unwrap();
    wait_for_image(page);
    page.eval("window.sagitta.complete()").unwrap();
    let shown = page.eval("window.sagitta.viewports()[0]").unwrap();
    assert_eq!(shown["slices"], 6, "{shown}");
    assert_eq!(page.eval("isSecureContext").unwrap(), true);

    // A link, made in the reader, names the public address.
    page.key("s").unwrap();
    page.wait_for("document.querySelector('.sharepop .primary')", 20)
        .unwrap();
    page.click_on(".sharepop .ft .primary").unwrap();
    page.wait_for("document.querySelector('#share-link')", 30)
        .unwrap();
    let link = page
        .eval("document.querySelector('#share-link').value")
        .unwrap();
    let link = link.as_str().unwrap();
    assert!(link.starts_with(&format!("{url}s#v1.")), "{link}");
    let pin = page
        .eval("document.querySelector('.pinv').textContent.replace(/\\D/g, '')")
        .unwrap();
    expect_quiet(page);
    expect_below(page, url);

    // Whoever gets it opens it in a browser of their own.
    let browser = Browser::launch_with(Backend::WebGl2, &["--ignore-certificate-errors"]).unwrap();
    let guest = phone(&browser);
    guest.goto(link).unwrap();
    guest
        .wait_for("document.querySelector('#pin')?.offsetParent", 30)
        .unwrap();
    guest.click_on("#pin").unwrap();
    guest.text(pin.as_str().unwrap()).unwrap();
    guest.key("Enter").unwrap();
    guest
        .wait_for("location.pathname === '/imaging/shared'", 30)
        .unwrap();
    wait_for_image(&guest);
    expect_quiet(&guest);
    expect_below(&guest, url);

    // In a frame of another site's page, by a ticket that another system asks of the gateway itself.
    let study = shown["study"].as_str().unwrap();
    let asked = json!({ "user": "reader", "study": study }).to_string();
    let bearer = format!("Bearer {SECRET}");
    let answer = site
        .gateway
        .send(
            "/api/launch",
            &[
                ("authorization", &bearer),
                ("content-type", "application/json"),
            ],
            &asked,
        )
        .unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    let ticket = answer["ticket"].as_str().unwrap();
    let around = site.browser.page().unwrap();
    around
        .goto(&format!(
            "http://a.localhost:{}/?ticket={ticket}",
            site.parent
        ))
        .unwrap();
    around.wait_for("!!window.viewer", 60).unwrap();
    let shows = format!(
        "window.viewer.viewports().then(([it]) => it?.study === '{study}' && it.state === 'final')"
    );
    around.wait_for(&shows, 60).unwrap();
    expect_quiet(&around);
}
