//! The viewer in a frame of another site's page: sessions by tickets, the API over messages, and changes of the patient.

use crate::embed_stage::{EHR, Scene, expect_thirty, patients, thirty_calls};
use crate::hosting::serve_page;
use crate::made::Made;
use sagitta_tests::{Backend, Browser, Page};
use serde_json::{Value, json};

/// Chromium without third-party cookies, as it is to be once they are gone.
const NO_THIRD_PARTY: [&str; 1] = ["--test-third-party-cookie-phaseout"];

/// The cookie of the frame's session as the browser keeps it.
fn frame_cookie(page: &Page) -> Option<Value> {
    let all = page.call("Network.getAllCookies", json!({})).unwrap();
    let mut all = all["cookies"].as_array().unwrap().iter();
    all.find(|cookie| cookie["name"] == "__Host-esid").cloned()
}

#[test]
fn t04_thirty_calls_work_without_third_party_cookies_by_a_cookie_of_this_page_alone() {
    let scene = Scene::new("15m");
    let browser = Browser::launch_with(Backend::Cpu, &NO_THIRD_PARTY).unwrap();
    let page = browser.page().unwrap();
    let [one, _] = patients();
    let ticket = scene.ticket(&json!({ "study": one.study_uid() }));
    scene.go(&page, 0, &[("ticket", &ticket)]);
    assert_eq!(
        page.eval("window.element.getAttribute('ticket')").unwrap(),
        Value::Null
    );
    expect_thirty(&page.eval(&thirty_calls()).unwrap());
    let cookie = frame_cookie(&page).expect("a partitioned cookie");
    assert_eq!(cookie["partitionKey"]["topLevelSite"], "http://a.localhost");
    assert_eq!(
        (&cookie["httpOnly"], &cookie["secure"]),
        (&json!(true), &json!(true))
    );
    // The ticket is in no address that the browser keeps.
    let frame = page.frames("").remove(0);
    assert_eq!(frame.eval("location.hash + location.search").unwrap(), "");
    // The page around it was told by its own address.
    let requests = page.requests();
    let mut others = requests
        .iter()
        .filter(|url| !url.starts_with("http://a.localhost"));
    assert!(!others.any(|url| url.contains(&ticket)));
    assert!(requests.len() > 10);
    // Under the other page the session is absent; the frame asks its user to sign in.
    scene.go(&page, 1, &[]);
    let open = format!("window.viewer.open({{ studies: ['{}'] }})", one.study_uid());
    assert_eq!(page.rejection(&open).unwrap()["code"], "login_needed");
    let frame = page.frames("").remove(0);
    frame
        .wait_for("!!document.querySelector('.gate button')", 20)
        .unwrap();
    // Back under the first one it is there again.
    scene.go(&page, 0, &[("study", &one.study_uid())]);
    page.wait_for("window.told.some(([name]) => name === 'firstimage')", 60)
        .unwrap();
    assert!(!scene.record().contains("without a cookie"));
}

#[test]
fn t04_thirty_calls_work_without_any_cookie_by_a_bearer_in_memory() {
    let scene = Scene::new("15m");
    let no_cookies = json!({ "profile": { "default_content_setting_values": { "cookies": 2 } } });
    let browser = Browser::launch_prepared(Backend::Cpu, &[], Some(&no_cookies)).unwrap();
    let page = browser.page().unwrap();
    let [one, _] = patients();
    let ticket = scene.ticket(&json!({ "study": one.study_uid() }));
    scene.go(&page, 0, &[("ticket", &ticket)]);
    expect_thirty(&page.eval(&thirty_calls()).unwrap());
    assert_eq!(frame_cookie(&page), None);
    assert!(scene.record().contains("without a cookie"));
    let frame = page.frames("").remove(0);
    // Nothing of it is where a script or another page finds it.
    let kept = "(() => { try { return localStorage.length + sessionStorage.length; } catch { return 0; } })()";
    assert_eq!(frame.eval(kept).unwrap(), 0);
    // Loaded anew it is gone.
    scene.go(&page, 0, &[]);
    let open = format!("window.viewer.open({{ studies: ['{}'] }})", one.study_uid());
    assert_eq!(page.rejection(&open).unwrap()["code"], "login_needed");
}

#[test]
fn t06_pages_that_are_not_listed_neither_frame_the_viewer_nor_speak_to_it() {
    let scene = Scene::new("15m");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let gateway = format!("http://127.0.0.1:{}/", scene.gateway.port());
    // The right host on another port is another origin.
    let hostile = serve_page(EHR.into());
    for host in ["a.localhost", "localhost", "127.0.0.1"] {
        page.goto(&format!(
            "http://{host}:{hostile}/?gateway={gateway}&patience=4000"
        ))
        .unwrap();
        page.wait_for("!!window.refused || !!window.viewer", 30)
            .unwrap();
        assert_eq!(page.eval("window.refused").unwrap(), "no_answer", "{host}");
    }
    // A window of its own is no frame: it hears nobody.
    page.eval(&format!(
        "(() => {{ window.heard = 0; window.rounds = 0; addEventListener('message', () => window.heard++);
           const other = window.open('{gateway}embed');
           setInterval(() => {{ window.rounds++; for (const more of [{{ hello: true }}, {{ id: 1, method: 'stats', args: [] }}])
             other.postMessage({{ sagitta: 1, ...more }}, '*'); }}, 50); }})()"
    ))
    .unwrap();
    page.wait_for("window.rounds > 60", 30).unwrap();
    assert_eq!(page.eval("window.heard").unwrap(), 0);
}

#[test]
fn calls_that_cannot_be_understood_are_answered_by_a_code() {
    let scene = Scene::new("15m");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    scene.go(&page, 0, &[]);
    let answers = page
        .eval(
            "(async () => { const frame = document.querySelector('iframe').contentWindow;
               const origin = new URL(window.element.getAttribute('src')).origin, answers = [];
               addEventListener('message', (event) => { if (event.source === frame) answers.push(event.data); });
               for (const call of [{ id: 901, method: 'eval', args: ['1'] }, { id: 902, method: 'open', args: 'x' },
                 { id: 903, method: 'setSlice', args: ['0', {}] }, { id: 904 }, { id: 905, method: 'constructor', args: [] }])
                 frame.postMessage({ sagitta: 1, ...call }, origin);
               frame.postMessage({ sagitta: 2, id: 906, method: 'stats', args: [] }, origin);
               frame.postMessage('nonsense', origin); frame.postMessage({ other: true }, origin);
               while (answers.filter((it) => it.error).length < 6) await new Promise((done) => setTimeout(done, 20));
               return answers.filter((it) => it.error).map((it) => [it.id, it.error.code, it.sagitta]); })()",
        )
        .unwrap();
    assert_eq!(
        answers,
        json!([
            [901, "unknown_method", 1],
            [902, "bad_argument", 1],
            [903, "bad_argument", 1],
            [904, "bad_argument", 1],
            [905, "unknown_method", 1],
            [906, "unsupported", 1]
        ])
    );
    // A wait ends when its caller gives up, and by time.
    for (options, code) in [
        ("{ signal: AbortSignal.abort() }", "aborted"),
        ("{ timeout: 0 }", "timeout"),
    ] {
        let call = format!("window.viewer.with({options}).complete()");
        assert_eq!(page.rejection(&call).unwrap()["code"], code);
    }
}

#[test]
fn attributes_act_without_loading_the_frame_anew() {
    let scene = Scene::new("15m");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let [one, two] = patients();
    let ticket = scene.ticket(&json!({ "study": one.study_uid() }));
    // A ticket alone opens what it is for.
    scene.go(&page, 0, &[("ticket", &ticket)]);
    let shows = |made: &Made| {
        let script = format!(
            "window.viewer.viewports().then(([it]) => it.study === '{}' && it.state === 'final')",
            made.study_uid()
        );
        page.wait_for(&script, 60).unwrap();
    };
    shows(&one);
    assert_eq!(
        page.eval("document.querySelector('iframe').allow").unwrap(),
        "fullscreen; clipboard-write"
    );
    page.frames("").remove(0).eval("window.mark = 1").unwrap();
    // The other patient needs a ticket of her own.
    let other = format!(
        "window.element.setAttribute('study', '{}')",
        two.study_uid()
    );
    page.eval(&other).unwrap();
    page.wait_for("window.told.some(([name]) => name === 'error')", 30)
        .unwrap();
    let ticket = scene.ticket(&json!({ "patient": two.id }));
    page.eval(&format!(
        "window.element.setAttribute('ticket', '{ticket}')"
    ))
    .unwrap();
    shows(&two);
    page.eval("window.element.removeAttribute('study')")
        .unwrap();
    page.wait_for(
        "window.viewer.viewports().then(([it]) => it.state === 'empty')",
        30,
    )
    .unwrap();
    let accession = format!(
        "window.element.setAttribute('accession', '{}')",
        two.accession
    );
    page.eval(&accession).unwrap();
    shows(&two);
    page.eval("window.element.setAttribute('theme', 'light')")
        .unwrap();
    let frame = page.frames("").remove(0);
    frame
        .wait_for("document.documentElement.dataset.theme === 'light'", 20)
        .unwrap();
    assert_eq!(frame.eval("window.mark").unwrap(), 1);
}

#[test]
fn a_user_signs_in_by_a_window_of_the_frame() {
    let scene = Scene::new("15m");
    let browser = Browser::launch_with(Backend::Cpu, &NO_THIRD_PARTY).unwrap();
    let page = browser.page().unwrap();
    let [one, _] = patients();
    // Logged in elsewhere in this browser: the frame gets nothing of that by itself.
    let cookie = scene.log_in();
    let (name, value) = cookie.split_once('=').unwrap();
    let url = scene.gateway.url();
    let set = json!({ "name": name, "value": value, "url": url, "path": "/", "secure": true, "httpOnly": true, "sameSite": "Lax" });
    scene.go(&page, 0, &[("study", &one.study_uid())]);
    let frame = page.frames("").remove(0);
    frame
        .wait_for("!!document.querySelector('.gate .btn')", 20)
        .unwrap();
    page.call("Network.setCookie", set).unwrap();
    frame
        .eval("document.querySelector('.gate .btn').click()")
        .unwrap();
    page.wait_for("window.told.some(([name]) => name === 'firstimage')", 60)
        .unwrap();
    assert!(scene.record().contains("launch by the user"));
}

#[test]
fn a_session_that_is_not_used_ends_and_says_so_before() {
    let scene = Scene::new("15s");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let [one, _] = patients();
    let ticket = scene.ticket(&json!({ "study": one.study_uid() }));
    scene.go(&page, 0, &[("ticket", &ticket)]);
    page.wait_for("window.told.some(([name]) => name === 'logout')", 60)
        .unwrap();
    let told = page.eval("window.told.map(([name]) => name)").unwrap();
    let told: Vec<&str> = told
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let place = |name: &str| told.iter().position(|it| *it == name);
    assert!(
        place("idle").is_some()
            && place("sessionexpiring").is_some()
            && place("sessionexpiring") < place("logout"),
        "{told:?}"
    );
    let frame = page.frames("").remove(0);
    frame
        .wait_for("!!document.querySelector('.gate button')", 20)
        .unwrap();
    let text = frame.eval("document.body.innerText").unwrap();
    assert!(!text.as_str().unwrap().contains("Alpha"), "{text}");
    let open = format!("window.viewer.open({{ studies: ['{}'] }})", one.study_uid());
    assert_eq!(page.rejection(&open).unwrap()["code"], "login_needed");
}

/// Looks at every change of the page and before every painting: whoever the banner names, nothing of the other patient is there.
const WATCH: &str = "(() => {
    const people = [{ name: 'Alpha', grey: 60 }, { name: 'Beta', grey: 200 }];
    const copy = document.createElement('canvas'); copy.width = copy.height = 8;
    const pen = copy.getContext('2d', { willReadFrequently: true });
    const grey = (picture) => { pen.clearRect(0, 0, 8, 8);
      try { pen.drawImage(picture, 0, 0, 8, 8); } catch { return null; }
      const [red, , , alpha] = pen.getImageData(4, 4, 1, 1).data; return alpha ? red : null; };
    window.bad = []; window.looks = 0; window.banners = []; window.greys = {};
    const look = () => {
      window.looks++;
      const banner = document.querySelector('.patient')?.textContent ?? '';
      const who = people.find((it) => banner.includes(it.name));
      if (who && window.banners.at(-1) !== who.name) window.banners.push(who.name);
      const other = people.find((it) => who && it !== who);
      const text = document.body.textContent + document.title;
      if (other && text.includes(other.name)) window.bad.push(`${other.name} named under ${who.name}`);
      const stage = document.querySelector('canvas.stage');
      const pictures = [...document.querySelectorAll('img')].filter((it) => it.complete && it.naturalWidth);
      if (stage && getComputedStyle(stage).visibility !== 'hidden' && stage.width) pictures.push(stage);
      for (const picture of pictures) {
        const seen = grey(picture);
        if (seen !== null) window.greys[seen] = (window.greys[seen] ?? 0) + 1;
        if (other && seen !== null && Math.abs(seen - other.grey) < 20) window.bad.push(`${picture.tagName} ${seen} under ${who.name}`);
      }
    };
    const each = () => { look(); requestAnimationFrame(each); }; each();
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    })()";

#[test]
fn t24_a_hundred_racing_changes_of_the_patient_never_show_the_earlier_one() {
    let scene = Scene::new("15m");
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let [one, two] = patients();
    let ticket = scene.own_ticket();
    scene.go(&page, 0, &[("ticket", &ticket)]);
    let frame = page.frames("").remove(0);
    frame.eval(WATCH).unwrap();
    let script = format!(
        "(async () => {{ const targets = [{{ studies: ['{}'] }}, {{ accession: '{}' }}, {{ patient: '{}' }}, {{ studies: ['{}'] }}];
           const ends = {{}}; let opened; const waits = [];
           for (let round = 0; round < 100; round++) {{
             opened = window.viewer.open(targets[(round * 3) % 4]);
             waits.push(opened.then(() => 'done', (error) => error.code).then((end) => {{ ends[end] = (ends[end] ?? 0) + 1; }}));
             // One after the other, at once, and somewhere in between.
             if (round % 5 === 4) await opened.catch(() => {{}});
             else await new Promise((done) => setTimeout(done, (round * 37) % 90)); }}
           await Promise.all(waits); await window.viewer.open(targets[3]);
           return ends; }})()",
        one.study_uid(), two.accession, one.id, two.study_uid()
    );
    let ends = page.eval(&script).unwrap();
    let count = |end: &str| ends[end].as_u64().unwrap_or(0);
    assert_eq!(count("done") + count("superseded"), 100, "{ends}");
    assert!(count("done") >= 20 && count("superseded") > 0, "{ends}");
    let seen = frame
        .eval("({ bad: window.bad.slice(0, 5), looks: window.looks, changes: window.banners.length, greys: window.greys, last: window.banners.at(-1) })")
        .unwrap();
    println!("{ends} {seen}");
    assert_eq!(seen["bad"], json!([]), "{seen}");
    assert_eq!(seen["last"], "Beta");
    assert!(seen["changes"].as_u64().unwrap() > 10, "{seen}");
    // Both were really seen.
    for grey in ["60", "200"] {
        assert!(seen["greys"][grey].as_u64().unwrap_or(0) > 0, "{seen}");
    }
}
