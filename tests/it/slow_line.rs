//! A link on a slow line: 80 ms to the server and back, 20 Mbit/s, nothing of the app in the browser yet.
//!
//! How long it takes is printed, not judged: `cargo test --workspace slow_line -- --nocapture`.

use crate::guest_stage::Shared;
use serde_json::{Value, json};
use std::time::Instant;

/// Every answer begins 80 ms after its request; 20 Mbit/s are 2.5 million bytes a second.
fn slow() -> Value {
    json!({ "offline": false, "latency": 80, "downloadThroughput": 2_500_000, "uploadThroughput": 2_500_000 })
}

#[test]
fn on_a_slow_line_a_link_fetches_what_the_first_image_needs_and_shows_it() {
    let shared = Shared::new();
    let made = shared.share(&json!({}));
    let page = &shared.page;
    page.call("Network.emulateNetworkConditions", slow())
        .unwrap();
    let began = Instant::now();
    page.goto(&made.url).unwrap();
    page.wait_for("document.body.dataset.state === 'offered'", 60)
        .unwrap();
    let offered = began.elapsed();
    shared.tap("#open");
    let touched = began.elapsed();
    shared.wait_for_image();
    let shown = began.elapsed();
    let seen = shared.eval(
        "performance.getEntriesByType('resource').map((it) => [it.name.replace(location.origin, '').replace(/[0-9.]{20,}/g, 'UID'),
           Math.round(it.startTime), Math.round(it.responseEnd), it.transferSize])",
    );
    println!(
        "the page behind the link after {offered:?}, touched after {touched:?}, first image after {shown:?}; of the reader (ms, ms, bytes):"
    );
    let seen = seen.as_array().unwrap();
    for one in seen {
        println!("{one}");
    }
    // The app came while the page behind the link was read: no module is sent twice.
    let modules: Vec<&Value> = seen
        .iter()
        .filter(|one| one[0].as_str().unwrap().ends_with(".wasm"))
        .collect();
    assert!(modules.len() >= 2, "{seen:?}");
    assert!(modules.iter().all(|one| one[3] == 0), "{modules:?}");
    let requests = page.request_log();
    // Nothing that the first image does not need was asked for before it.
    let asked: Vec<&str> = requests
        .iter()
        .map(|request| request.url.as_str())
        .skip_while(|url| !url.contains("/dicomweb/"))
        .collect();
    let frame = asked
        .iter()
        .position(|url| url.contains("/frames/"))
        .unwrap();
    assert!(
        asked[..frame].iter().all(|url| !url.contains("/thumbnail")
            && !url.contains("/rendered")
            && !url.contains("/assets/plane")),
        "{asked:?}"
    );
}
