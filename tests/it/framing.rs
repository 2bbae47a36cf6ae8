//! Who frames what: a page of a stranger nothing at all, a page that is listed one address and no other.

use crate::embed_stage::{Scene, patients};
use crate::hosting::serve_page;
use sagitta_tests::{Backend, Browser, Page};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Frames addresses in a page, by GET or by a form that is sent into the frame, and keeps those that are not done yet.
const FRAME_ALL: &str = "(addresses, method, element) => {
      window.waiting = new Set(addresses);
      for (const [index, address] of addresses.entries()) {
        const done = () => window.waiting.delete(address);
        const frame = document.createElement(element);
        if (method === 'POST') {
          frame.name = `frame-${index}`;
          document.body.append(frame);
          const form = document.createElement('form');
          Object.assign(form, { method, action: address, target: frame.name });
          document.body.append(form);
          frame.addEventListener('load', done);
          form.submit();
          continue;
        }
        for (const event of ['load', 'error']) frame.addEventListener(event, done, { once: true });
        frame[element === 'object' ? 'data' : 'src'] = address;
        document.body.append(frame);
      }
    }";

/// Every route that the gateway says it has, with its parameters, and whether forms may be sent to it.
fn routes(scene: &Scene) -> Vec<(String, bool)> {
    let document = scene.gateway.get("/openapi.json").unwrap();
    let document: Value = serde_json::from_str(&document.text()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let takes_forms = |ways: &Value| ways.get("post").is_some();
    (paths.iter())
        .map(|(path, ways)| (path.clone(), takes_forms(ways)))
        .collect()
}

/// A route with values of a study that is there.
fn filled(route: &str) -> String {
    let [one, _] = patients();
    let mut address = route.to_owned();
    for (name, value) in [
        ("{study}", one.study_uid()),
        ("{series}", one.series_uid()),
        ("{instance}", format!("{}.1", one.series_uid())),
        ("{source}", "local".into()),
        ("{list}", "1".into()),
        ("{tag_path}", "7FE00010".into()),
        ("{id}", "0".repeat(32)),
        ("{name}", "nobody".into()),
        ("{file}", "none.js".into()),
    ] {
        address = address.replace(name, &value);
    }
    assert!(
        !address.contains('{'),
        "a parameter has no value: {address}"
    );
    address
}

/// Addresses of all frames of the page, those of its own process and others; a frame that was refused shows an error of the
/// browser's instead.
fn places(page: &Page) -> Vec<String> {
    let tree = page.call("Page.getFrameTree", json!({})).unwrap();
    let own = tree["frameTree"]["childFrames"].as_array();
    let own = own.into_iter().flatten();
    let mut all: Vec<String> = own
        .map(|child| child["frame"]["url"].as_str().unwrap().to_owned())
        .collect();
    for frame in page.frames("") {
        let place = frame.eval("location.href").unwrap();
        all.push(place.as_str().unwrap().to_owned());
    }
    all
}

/// Frames routes at once in the page of a site; gives what stands in a frame, below the gateway. Routes in `kept` are
/// answered by files that a browser keeps instead of showing them: such a frame stays as empty as it was.
fn framed(page: &Page, site: &str, all: &Routes, how: [&str; 2]) -> Vec<String> {
    let Routes { gateway, kept, .. } = all;
    let routes = all.tried(how);
    let whole = |path: &String| format!("{gateway}{path}");
    page.goto(site).unwrap();
    let before = page.request_log().len();
    let addresses: Vec<String> = routes.iter().map(whole).collect();
    let kept: Vec<String> = kept.iter().map(whole).collect();
    let [method, element] = how;
    page.eval(&format!(
        "({FRAME_ALL})({}, '{method}', '{element}')",
        json!(addresses)
    ))
    .unwrap();
    let settled = format!(
        "[...window.waiting].every((it) => {}.includes(it))",
        json!(kept)
    );
    page.wait_for(&settled, 120)
        .unwrap_or_else(|error| panic!("{site} {how:?}: {error}"));
    // Those that are kept tell the page nothing: the browser has their answers.
    let waiting = page.eval("[...window.waiting]").unwrap();
    let began = Instant::now();
    for address in waiting.as_array().unwrap() {
        let is_answered = || {
            let log = page.request_log();
            log.iter()
                .skip(before)
                .any(|request| *address == *request.url && request.status.is_some())
        };
        while !is_answered() {
            assert!(began.elapsed() < Duration::from_secs(240), "{address}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    let places = places(page);
    let count = |wanted: &dyn Fn(&str) -> bool| places.iter().filter(|it| wanted(it)).count();
    let refused = count(&|place| place.starts_with("chrome-error:"));
    let empty = count(&|place| ["", ":", "about:blank"].contains(&place));
    let shown: Vec<String> = places
        .iter()
        .filter_map(|place| place.strip_prefix(gateway.as_str()))
        .map(str::to_owned)
        .collect();
    // Each frame is accounted for; an object that is refused is as if it were not there.
    if element != "object" {
        assert_eq!(
            refused + empty + shown.len(),
            routes.len(),
            "{site} {how:?}: {places:?}"
        );
        assert!(
            empty <= waiting.as_array().unwrap().len(),
            "{site} {how:?}: {places:?}"
        );
    }
    shown
}

/// What is framed.
struct Routes {
    gateway: String,
    routes: Vec<String>,
    /// Those that forms may be sent to.
    forms: Vec<String>,
    /// Those that have something to show to whoever is logged in.
    shown: Vec<String>,
    kept: Vec<String>,
}

impl Routes {
    /// All in an `iframe`; by a form what takes one; by other elements what has something to show.
    fn tried(&self, how: [&str; 2]) -> &[String] {
        match how {
            ["GET", "iframe"] => &self.routes,
            ["POST", _] => &self.forms,
            _ => &self.shown,
        }
    }
}

#[test]
fn t01_of_all_routes_one_is_framed_by_pages_that_are_listed_and_none_by_strangers() {
    // All frames are asked for by one address.
    let scene = Scene::with("15m", "[limits]\nrequests_per_minute = 100000\n");
    let gateway = format!("http://127.0.0.1:{}", scene.gateway.port());
    let described = routes(&scene);
    let mut routes: Vec<String> = described.iter().map(|(route, _)| filled(route)).collect();
    let takes_forms = described.iter().filter(|(_, takes_forms)| *takes_forms);
    let forms: Vec<String> = takes_forms.map(|(route, _)| filled(route)).collect();
    assert!(routes.len() > 90, "{} routes", routes.len());
    assert!(forms.len() > 25, "{} take forms", forms.len());
    for more in [
        "/embed/",
        "/embed?theme=light",
        "/index.html",
        "/embed.js",
        "/none",
    ] {
        routes.push(more.to_owned());
    }
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.call("Page.setDownloadBehavior", json!({ "behavior": "deny" }))
        .unwrap();
    // Logged in: a page of the same host, on another port, has its frames ask with the cookie.
    let cookie = scene.log_in();
    let (name, value) = cookie.split_once('=').unwrap();
    let set = json!({ "name": name, "value": value, "url": gateway, "path": "/", "secure": true, "httpOnly": true, "sameSite": "Lax" });
    page.call("Network.setCookie", set).unwrap();
    let mut answered = 0;
    let (mut shown, mut kept) = (Vec::new(), Vec::new());
    for route in &routes {
        let asked = scene.gateway.request("GET", route, &[("cookie", &cookie)]);
        let answer = asked.unwrap();
        answered += usize::from(answer.status == 200);
        let kind = answer.header("content-type").unwrap_or_default();
        let is_shown = [
            "text/",
            "image/",
            "application/json",
            "application/dicom+json",
        ]
        .iter()
        .any(|shown| kind.starts_with(shown));
        let is_kept = answer.header("content-disposition").is_some() || !is_shown;
        match answer.status {
            200 if is_kept => kept.push(route.clone()),
            200 => shown.push(route.clone()),
            _ => {}
        }
    }
    assert!(
        answered > 30,
        "{answered} routes answer whoever is logged in"
    );
    assert!(shown.len() > 20, "{} have something to show", shown.len());
    let all = Routes {
        gateway,
        routes,
        forms,
        shown,
        kept,
    };

    // The first of these is another site, the second the same site and another origin.
    let port = serve_page("<!doctype html><title>A stranger</title><body>".into());
    let mut count = 0;
    let ways = [
        ["GET", "iframe"],
        ["POST", "iframe"],
        ["GET", "object"],
        ["GET", "embed"],
    ];
    for host in ["stranger.localhost", "127.0.0.1"] {
        let site = format!("http://{host}:{port}/");
        for how in ways {
            let shown = framed(&page, &site, &all, how);
            assert_eq!(shown, Vec::<String>::new(), "{site} {how:?}");
            count += all.tried(how).len();
        }
    }
    // Listed pages frame the one page that is there to be framed.
    let listed = format!("http://a.localhost:{}/?gateway=", scene.ports[0]);
    for how in ways {
        let mut shown = framed(&page, &listed, &all, how);
        shown.sort();
        let embedded: &[&str] = match how {
            // It is read alone.
            ["POST", _] => &[],
            _ => &["/embed", "/embed?theme=light"],
        };
        assert_eq!(shown, embedded, "{how:?}");
        count += all.tried(how).len();
    }
    println!(
        "{} routes, {} of them files, {count} frames",
        all.routes.len(),
        all.kept.len()
    );
}
