//! The static app below a path prefix, served by nginx as `docs/hosting.md` says, with a real Orthanc as its
//! only DICOMweb server.

use phantom::dicom::Encoding;
use sagitta_tests::{
    Answer, Backend, Browser, Gateway, Nginx, Orthanc, Page, TempFolder, shared_data,
};
use serde_json::{Value, json};

/// Orthanc, nginx, a browser and its page; they go in this order.
struct Site {
    page: Page,
    _browser: Browser,
    nginx: Nginx,
    orthanc: Orthanc,
}

impl Site {
    fn start(backend: Backend) -> Self {
        let orthanc = Orthanc::start().unwrap();
        let nginx = Nginx::start(orthanc.port()).unwrap();
        let browser = Browser::launch(backend).unwrap();
        let page = browser.page().unwrap();
        Self {
            page,
            _browser: browser,
            nginx,
            orthanc,
        }
    }

    fn go(&self, path: &str) {
        let url = format!("{}/apps/sagitta/{path}", self.nginx.origin());
        self.page.goto(&url).unwrap();
        self.page.wait_for("!!window.sagitta", 60).unwrap();
    }

    fn eval(&self, script: &str) -> Value {
        self.page.eval(script).unwrap()
    }

    /// Stores a file and returns the UIDs by which it is found.
    fn store(&self, file: &[u8]) -> Stored {
        let id = self.orthanc.store(file).unwrap();
        let answer = self
            .orthanc
            .get(&format!("/instances/{id}/simplified-tags"))
            .unwrap();
        let tags: Value = serde_json::from_slice(&answer.body).unwrap();
        let text = |name: &str| tags[name].as_str().unwrap_or_default().to_owned();
        Stored {
            study: text("StudyInstanceUID"),
            series: text("SeriesInstanceUID"),
            instance: text("SOPInstanceUID"),
        }
    }

    /// SHA-256 of a frame's stored values; `number` counts from 1.
    fn hash(&self, stored: &Stored, number: usize) -> Value {
        self.eval(&format!(
            "(async () => {{ const pixels = await {};
               const digest = await crypto.subtle.digest('SHA-256', pixels.data);
               return [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, '0')).join(''); }})()",
            stored.pixels(number)
        ))
    }

    /// Nothing went wrong on the page, and nothing was asked for outside the app's and the server's paths.
    fn expect_clean(&self) {
        let problems = self.page.problems();
        assert!(problems.is_empty(), "{problems:?}");
        let origin = self.nginx.origin();
        for url in self.page.requests() {
            let is_blob = url
                .strip_prefix("blob:")
                .is_some_and(|rest| rest.starts_with(&origin));
            let path = url.strip_prefix(&origin).unwrap_or_default();
            let is_ours = path.starts_with("/apps/sagitta/") || path.starts_with("/orthanc/");
            assert!(is_blob || is_ours, "a request left its place: {url}");
        }
    }
}

struct Stored {
    study: String,
    series: String,
    instance: String,
}

impl Stored {
    /// The call that gives a frame's stored values; `number` counts from 1.
    fn pixels(&self, number: usize) -> String {
        format!(
            "window.sagitta.pixels({}, {number}, {}, {})",
            json!(self.instance),
            json!(self.study),
            json!(self.series)
        )
    }
}

/// The last bytes of an uncompressed file: its frames.
fn frames_of(file: &[u8], length: usize, count: usize) -> Vec<&[u8]> {
    file[file.len() - length * count..].chunks(length).collect()
}

#[test]
fn a_ct_a_radiograph_and_an_ultrasound_open_from_orthanc_below_a_path() {
    let site = Site::start(Backend::WebGl2);
    let plain = phantom::three(7, Encoding::ExplicitLittle).unwrap();
    let packed = phantom::three(7, Encoding::Rle).unwrap();
    let mut stored = Vec::new();
    for ((name, plain), (_, packed)) in plain.iter().zip(&packed) {
        // The cine is stored compressed, the others as they are.
        let file = if name == "us.dcm" { packed } else { plain };
        let (length, count) = match name.as_str() {
            "us.dcm" => (192 * 144 * 3, 4),
            "dx.dcm" => (352 * 428 * 2, 1),
            _ => (128 * 128 * 2, 1),
        };
        let frames = frames_of(plain, length, count);
        stored.push((name, site.store(file), frames));
    }

    site.go("");
    for words in ["CT chest", "Chest PA", "US abdomen"] {
        let shown = format!("document.body.innerText.includes('{words}')");
        site.page.wait_for(&shown, 30).unwrap();
    }

    for (name, slices) in [("ct/0.dcm", 8), ("dx.dcm", 1), ("us.dcm", 4)] {
        let (_, own, _) = stored.iter().find(|(known, ..)| *known == name).unwrap();
        site.eval(&format!(
            "window.sagitta.open({{ studies: ['{}'] }}).then(() => window.sagitta.complete())",
            own.study
        ));
        let shown = site.eval("window.sagitta.viewports()[0]");
        assert_eq!(shown["slices"], slices, "{name}: {shown}");
        assert_eq!(shown["series"], own.series, "{name}");
        site.eval(&format!("window.sagitta.setSlice(0, {})", slices - 1));
        let stats = site.eval("window.sagitta.stats()");
        assert_eq!(stats["frames_failed"], 0, "{name}: {stats}");
        assert_eq!(stats["frames_loaded"], slices, "{name}: {stats}");
        // The picture is more than its background.
        let colours = site
            .page
            .picture()
            .unwrap()
            .colors_within(500, 200, 400, 300);
        assert!(colours > 50, "{name}: {colours} colours on screen");
        let picture = "document.querySelector('.thumb img')?.naturalWidth > 0";
        site.page.wait_for(picture, 30).unwrap();
    }
    for (name, own, frames) in &stored {
        for (index, frame) in frames.iter().enumerate() {
            let asked = format!("{}.then((pixels) => pixels.data)", own.pixels(index + 1));
            let bytes = site.page.eval_bytes(&asked).unwrap();
            assert!(bytes == *frame, "{name} frame {index} differs");
        }
    }

    // A link, as another system would make it.
    let (_, own, _) = &stored[0];
    site.go(&format!(
        "index.html?StudyInstanceUIDs={}&SeriesInstanceUIDs={}&SOPInstanceUID={}",
        own.study, own.series, own.instance
    ));
    let shown = "window.sagitta.viewports()[0]?.instance";
    site.page
        .wait_for(&format!("{shown} === '{}'", own.instance), 60)
        .unwrap();
    site.expect_clean();
    let twice: Vec<String> = site
        .page
        .request_log()
        .into_iter()
        .filter(|request| request.status.is_some_and(|status| status >= 400))
        .map(|request| request.url)
        .collect();
    assert!(twice.is_empty(), "refused: {twice:?}");
}

#[test]
fn a_search_by_name_and_modality_finds_studies_in_orthanc() {
    let site = Site::start(Backend::Cpu);
    for (_, file) in phantom::three(7, Encoding::ExplicitLittle).unwrap() {
        site.store(&file);
    }
    site.go("");
    let rows = |count: usize| {
        format!("document.querySelectorAll('tbody tr[aria-selected]').length === {count}")
    };
    site.page.wait_for(&rows(3), 30).unwrap();
    // Each finds another number than the one before.
    for (text, count) in [
        ("chest pa", 1),
        ("ada", 3),
        ("B0000003", 1),
        ("Example, Ada", 3),
        ("nobody", 0),
    ] {
        site.eval(&format!(
            "(() => {{ const field = document.querySelector('#list-search'); field.value = {};
               field.dispatchEvent(new InputEvent('input', {{ bubbles: true }})); }})()",
            json!(text)
        ));
        site.page.wait_for(&rows(count), 30).unwrap();
    }
    site.expect_clean();
}

/// Files beside the project, and whether every build decodes them: uncompressed.
const REAL: [(&str, bool); 10] = [
    ("xray/dx_image.dcm", true),
    ("xray/GH133.dcm", false),
    ("us/US-RGB-8-esopecho.dcm", true),
    ("us/examples_rgb_color.dcm", true),
    ("us/gdcm-US-ALOKA-16.dcm", true),
    ("us/ybr422-raw.dcm", true),
    ("us/color-pl.dcm", false),
    ("us/examples_ybr_color.dcm", false),
    (
        "us-cine/IM00001.fragmented_no_bot_jpeg_baseline.50.dcm",
        false,
    ),
    ("us-cine/I_000008.dcm", false),
];

#[test]
fn real_files_have_the_reference_values_through_orthanc() {
    let Some(data) = shared_data() else {
        return;
    };
    let read = |name: &str| std::fs::read(data.join(name)).unwrap();
    let reference: Value = serde_json::from_slice(&read("reference.json")).unwrap();
    let site = Site::start(Backend::WebGl2);
    let mut files: Vec<String> = REAL.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut slices: Vec<String> = std::fs::read_dir(data.join("ct-volume"))
        .unwrap()
        .flatten()
        .map(|entry| format!("ct-volume/{}", entry.file_name().to_string_lossy()))
        .collect();
    slices.sort();
    files.extend(slices.into_iter().take(8));
    let stored: Vec<Stored> = files.iter().map(|name| site.store(&read(name))).collect();
    site.go("");
    let (mut exact, mut close, mut lacking) = (0, 0, Vec::new());
    for (name, own) in files.iter().zip(&stored) {
        let file = &reference["files"][name];
        let frames = file["frames"].as_array().unwrap();
        for number in [1, frames.len()] {
            let expected = &frames[number - 1];
            let answer = site.eval(&format!(
                "{}.then((p) => {{ let sum = 0; for (const v of p.data) sum += v;
                   return {{ rows: p.rows, columns: p.columns, mean: sum / p.data.length }}; }},
                   (error) => ({{ error: error.message }}))",
                own.pixels(number)
            ));
            if let Some(error) = answer["error"].as_str() {
                // A codec that this build lacks is said by name, and nothing is shown.
                assert!(error.contains("JPEG"), "{name}: {error}");
                lacking.push(name.as_str());
                continue;
            }
            assert_eq!(answer["rows"], expected["shape"][0], "{name}");
            assert_eq!(answer["columns"], expected["shape"][1], "{name}");
            if file["compare"] == "exact" {
                assert_eq!(
                    site.hash(own, number),
                    expected["sha256"],
                    "{name} frame {number}"
                );
                exact += 1;
            } else {
                let difference =
                    answer["mean"].as_f64().unwrap() - expected["mean"].as_f64().unwrap();
                assert!(
                    difference.abs() < 1.0,
                    "{name} frame {number}: mean differs by {difference}"
                );
                close += 1;
            }
        }
    }
    println!("{exact} frames exact, {close} within a mean of 1, no codec for {lacking:?}");
    for (name, is_exact) in REAL {
        assert!(!is_exact || !lacking.contains(&name), "{name} must decode");
    }
    let study = &stored[files.len() - 1].study;
    site.eval(&format!(
        "window.sagitta.open({{ studies: ['{study}'] }}).then(() => window.sagitta.complete())"
    ));
    assert_eq!(site.eval("window.sagitta.stats().frames_loaded"), 8);
}

#[test]
fn nginx_serves_the_app_with_the_gateways_headers() {
    let folder = TempFolder::new("empty").unwrap();
    let gateway = Gateway::start(&[folder.path()]).unwrap();
    let orthanc = Orthanc::start().unwrap();
    let nginx = Nginx::start(orthanc.port()).unwrap();
    let ours = gateway.get("/").unwrap();
    let page = nginx.get("/apps/sagitta/", "").unwrap();
    assert_eq!(page.status, 200);
    let same = |answer: &Answer, name: &str| {
        let expected = ours
            .header(name)
            .unwrap_or_else(|| panic!("the gateway sends no {name}"));
        assert_eq!(answer.header(name), Some(expected), "{name}");
    };
    for name in [
        "content-security-policy",
        "x-content-type-options",
        "referrer-policy",
        "permissions-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
    ] {
        same(&page, name);
    }
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(page.header("cache-control"), Some("no-cache"));

    let text = page.text();
    let module = text
        .split("content=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|path| path.ends_with(".wasm"))
        .unwrap();
    let module = format!("/apps/sagitta/{}", module.trim_start_matches("./"));
    let plain = nginx.get(&module, "").unwrap();
    assert_eq!(plain.header("content-type"), Some("application/wasm"));
    assert_eq!(
        plain.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    let packed = nginx.get(&module, "\r\naccept-encoding: gzip").unwrap();
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.body.len() < plain.body.len() / 2);

    let config = nginx
        .get("/apps/sagitta/config.json", "\r\naccept-encoding: gzip")
        .unwrap();
    assert_eq!(config.header("content-encoding"), None);
    assert_eq!(config.header("content-type"), Some("application/json"));
    assert!(config.text().contains("\"orthanc\""));

    let studies = nginx.get("/orthanc/studies", "").unwrap();
    assert_eq!((studies.status, studies.text().trim()), (200, "[]"));
    assert_eq!(studies.header("cache-control"), Some("no-store"));
    assert_eq!(nginx.get("/elsewhere", "").unwrap().status, 404);
    assert_eq!(
        nginx.get("/apps/sagitta/.built-from", "").unwrap().status,
        404
    );
    let post = nginx.request("POST", "/orthanc/studies", "").unwrap();
    assert_eq!(post.status, 403);
}
