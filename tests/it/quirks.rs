//! The viewer against whatever other people's servers do: the first image, its values, and how much was asked in vain.

use crate::mock::{GREY, INSTANCES, Mock, Quirk, made, wasted};
use sagitta_tests::{Backend, Browser, Gateway, Nginx, Orthanc, Page, TempFolder, TinyPacs};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Most requests that may bring nothing when a server is met for the first time.
const MOST_WASTED: usize = 3;

/// The picture of `grey12.htj2k`, as `viewer-core/tests/streams/README.md` describes it.
fn stream_value(x: u32, y: u32) -> u32 {
    if (x / 8 + y / 8).is_multiple_of(2) {
        1000
    } else {
        (x * 97 + y * 57) % 4096
    }
}

/// What is shown for the value of the plain pictures: a table beside the metadata turns it round.
fn grey_of(quirk: Quirk) -> u8 {
    match quirk {
        Quirk::BulkRelative | Quirk::BulkUpwards | Quirk::BulkByHost | Quirk::BulkAtWrongHost => {
            255 - GREY
        }
        _ => GREY,
    }
}

fn go(page: &Page, url: &str) {
    page.goto(url).unwrap();
    page.wait_for("!!window.sagitta", 60).unwrap();
}

/// Opens the study of a server: the first image stands there, and so does its thumbnail.
fn expect_shown(page: &Page, quirk: Quirk) {
    let name = quirk.name();
    expect_picture(page, &name, quirk);
    if quirk.gives_metadata() {
        page.wait_for(
            "document.querySelector('.rail .thumb img')?.naturalWidth > 0",
            30,
        )
        .unwrap_or_else(|error| panic!("{name} has no thumbnail: {error}"));
    }
}

/// Opens the study of a source: all images have come, and the first one stands there with its values.
fn expect_picture(page: &Page, name: &str, quirk: Quirk) {
    let first = made(quirk, 1);
    let (study, series) = (first.study_uid(), first.series_uid());
    let opened = page
        .eval(&format!(
            "window.sagitta.open({{ studies: ['{study}'], source: '{name}' }}).then(() => window.sagitta.complete())
               .then(() => 'complete', (error) => error.code + ': ' + error.message)"
        ))
        .unwrap();
    assert_eq!(opened, "complete", "{name}");
    let stats = page.eval("window.sagitta.stats()").unwrap();
    assert_eq!(stats["frames_failed"], 0, "{name}: {stats}");
    let slices = page.eval("window.sagitta.viewports()[0].slices").unwrap();
    assert_eq!(slices, json!(INSTANCES), "{name}");
    for instance in 1..=INSTANCES {
        let data = page
            .eval(&format!(
                "window.sagitta.pixels('{series}.{instance}', 1, '{study}', '{series}').then((it) => [...it.data])"
            ))
            .unwrap();
        let expected: Vec<u32> = match quirk {
            Quirk::CodeStreamMislabelled => (0..33 * 36)
                .map(|place| stream_value(place % 36, place / 36))
                .collect(),
            _ => vec![u32::from(GREY); 64],
        };
        assert_eq!(data, json!(expected), "{name} instance {instance}");
    }
    if quirk != Quirk::CodeStreamMislabelled {
        let shown = page
            .eval(
                "window.sagitta.capture(0).then(createImageBitmap).then((it) => { const pen = new OffscreenCanvas(it.width, it.height).getContext('2d');
                   pen.drawImage(it, 0, 0); return pen.getImageData(it.width / 2, it.height / 2, 1, 1).data[0]; })",
            )
            .unwrap();
        assert_eq!(shown, json!(grey_of(quirk)), "{name}");
    }
}

/// Meets every server for the first time, then again in the same session, then in another one.
fn meet_all(mock: &Mock, page: &Page, url: &str, prefix: &str) {
    go(page, url);
    let mut report = String::new();
    let mut faults = Vec::new();
    for meeting in 0..3 {
        if meeting == 2 {
            go(page, url);
        }
        for quirk in Quirk::ALL {
            if meeting == 1 {
                page.eval("window.sagitta.close()").unwrap();
            }
            mock.take(prefix, quirk);
            expect_shown(page, quirk);
            let asked = mock.take(prefix, quirk);
            assert!(!asked.is_empty(), "{} was not asked", quirk.name());
            let in_vain = wasted(&asked);
            let most = if meeting == 0 { MOST_WASTED } else { 0 };
            let _ = writeln!(
                report,
                "{prefix} meeting {}: {} asked {}, in vain {}",
                meeting + 1,
                quirk.name(),
                asked.len(),
                in_vain.len()
            );
            if in_vain.len() > most {
                faults.push(format!(
                    "{} meeting {}: {in_vain:?}",
                    quirk.name(),
                    meeting + 1
                ));
            }
        }
    }
    println!("{report}");
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn lesson_22_the_viewer_gets_on_with_every_server_and_remembers_how() {
    let mock = Mock::start();
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.set_viewport(900, 560, 1.0, false).unwrap();
    meet_all(&mock, &page, &mock.app(), "direct");

    // An unknown study is said to be unknown, whatever stands for an empty list.
    for quirk in [Quirk::Usual, Quirk::EmptyIsNoContent] {
        let told = page
            .eval(&format!(
                "window.sagitta.open({{ studies: ['1.2.3.4'], source: '{}' }}).then(() => '', (error) => error.code)",
                quirk.name()
            ))
            .unwrap();
        assert_eq!(told, "study_unknown", "{}", quirk.name());
    }
    // What is kept in the browser names servers and nothing else.
    let kept = page.eval("JSON.stringify(localStorage)").unwrap();
    let kept = kept.as_str().unwrap();
    assert!(kept.contains(&Quirk::WholeOnly.name()), "{kept}");
    let first = made(Quirk::Usual, 1);
    for secret in [
        first.study_uid(),
        first.id,
        first.accession,
        "Example".into(),
    ] {
        assert!(!kept.contains(&secret), "{kept}");
    }
    expect_list(&page, &mock);
}

#[test]
fn lesson_22_the_gateway_gets_on_with_every_server_and_remembers_how() {
    let mock = Mock::start();
    let folder = TempFolder::new("quirks").unwrap();
    let mut config = String::new();
    for quirk in Quirk::ALL {
        let (name, root) = (quirk.name(), mock.root("via", quirk));
        let _ = write!(
            config,
            "[[source]]\nid = \"{name}\"\nlabel = \"{name}\"\ndicomweb = \"{root}\"\n"
        );
    }
    let config = folder.write("gateway.toml", config.as_bytes()).unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let gateway = Gateway::start_with(&[&data], &["--config", config.to_str().unwrap()]).unwrap();
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    page.set_viewport(900, 560, 1.0, false).unwrap();
    meet_all(&mock, &page, &gateway.url(), "via");
    // To the viewer all of them are one well-behaved server; only pictures are not there where nobody draws them.
    let refused: Vec<_> = page
        .request_log()
        .into_iter()
        .filter(|request| request.status.is_some_and(|status| status >= 400))
        .filter(|request| !request.url.contains("/thumbnail"))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// Meets a real server, again in the same session, then in another one.
fn meet_real(name: &str, url: &str, source: &str) {
    let browser = Browser::launch(Backend::Cpu).unwrap();
    let page = browser.page().unwrap();
    let mut before = 0;
    for meeting in 0..3 {
        match meeting {
            1 => drop(page.eval("window.sagitta.close()").unwrap()),
            _ => go(&page, url),
        }
        expect_picture(&page, source, Quirk::Usual);
        let log = page.request_log();
        let in_vain: Vec<_> = log[before..]
            .iter()
            .filter(|request| request.status.is_some_and(|status| status >= 400))
            .collect();
        before = log.len();
        let most = if meeting == 0 { MOST_WASTED } else { 0 };
        println!("{name} meeting {}: in vain {}", meeting + 1, in_vain.len());
        assert!(
            in_vain.len() <= most,
            "{name} meeting {}: {in_vain:?}",
            meeting + 1
        );
    }
}

#[test]
fn lesson_22_the_viewer_reads_whole_instances_of_a_real_server_without_metadata() {
    let tiny = TinyPacs::start().unwrap();
    for instance in 1..=INSTANCES {
        tiny.store(&made(Quirk::Usual, instance).bytes()).unwrap();
    }
    // The app and the server under one origin, as `docs/nginx.conf` says.
    let nginx = Nginx::start(tiny.port()).unwrap();
    let url = format!("{}/apps/sagitta/", nginx.origin());
    meet_real("tiny-pacs", &url, "orthanc");
}

#[test]
fn lesson_22_the_viewer_asks_orthanc_and_the_gateway_for_next_to_nothing_in_vain() {
    let orthanc = Orthanc::start().unwrap();
    let folder = TempFolder::new("met").unwrap();
    for instance in 1..=INSTANCES {
        let file = made(Quirk::Usual, instance).bytes();
        orthanc.store(&file).unwrap();
        folder.write(&format!("{instance}.dcm"), &file).unwrap();
    }
    let nginx = Nginx::start(orthanc.port()).unwrap();
    let url = format!("{}/apps/sagitta/", nginx.origin());
    meet_real("Orthanc", &url, "orthanc");
    let gateway = Gateway::start(&[folder.path()]).unwrap();
    gateway.wait_until_indexed(20).unwrap();
    meet_real("gateway", &gateway.url(), "local");
}

/// A server that passes over limits: each of its studies stands in the list once.
fn expect_list(page: &Page, mock: &Mock) {
    go(page, &mock.app());
    page.eval(
        "(() => { const field = document.querySelector('select.source');
           field.selectedIndex = [...field.options].findIndex((it) => it.textContent === 'limitignored');
           field.dispatchEvent(new Event('change', { bubbles: true })); })()",
    )
    .unwrap();
    page.wait_for("document.body.innerText.includes('130')", 30)
        .unwrap();
    let rows: Value = page
        .eval(
            "[...document.querySelectorAll('tbody tr[aria-selected]')].map((it) => it.textContent)",
        )
        .unwrap();
    let rows = rows.as_array().unwrap();
    let mut different = rows.clone();
    different.sort_by_key(ToString::to_string);
    different.dedup();
    assert!(
        !rows.is_empty() && different.len() == rows.len(),
        "{rows:?}"
    );
}
