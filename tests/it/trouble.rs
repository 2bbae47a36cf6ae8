//! Lost devices, lost contexts, broken workers, a server that goes away: each provoked, each survived.

use crate::made::Made;
use crate::stage::{Stage, ct_folder, ct_folder_as};
use phantom::dicom::Encoding;
use sagitta_tests::{Backend, Picture, ProblemKind, TempFolder, phantom_folder};
use serde_json::json;
use std::time::Instant;

/// Pixels of the middle of the viewport that are neither black nor white, as the page shows them.
fn shows_an_image(stage: &Stage) -> bool {
    let picture: Picture = stage.page.picture().unwrap();
    picture.colors_within(400, 250, 400, 300) > 20
}

fn wait_for_image(stage: &Stage, seconds: u64) -> f64 {
    let began = std::time::Instant::now();
    while !shows_an_image(stage) {
        assert!(began.elapsed().as_secs() < seconds, "no image came back");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    began.elapsed().as_secs_f64()
}

fn open_ct(stage: &Stage) -> String {
    let study = stage.study();
    stage.eval(&format!("window.sagitta.open({{ studies: ['{study}'] }})"));
    stage.page.key("u").unwrap();
    wait_for_image(stage, 20);
    study
}

fn survives_loss(backend: Backend, keep: &str, lose: &str) {
    let folder = ct_folder(256, 6);
    let stage = Stage::blank(backend, folder.path());
    stage.page.init_script(keep).unwrap();
    stage.go("");
    open_ct(&stage);
    let before = stage.page.eval_bytes("window.sagitta.capture(0)").unwrap();
    let height = stage.eval("window.sagitta.viewports()[0].height");
    stage.eval(lose);
    stage
        .page
        .wait_for(
            "window.sagitta.stats().notes.some((note) => note.includes('rebuilt'))",
            20,
        )
        .unwrap();
    let seconds = wait_for_image(&stage, 20);
    println!(
        "{}: the image stood on screen again after {seconds:.1} s",
        backend.name()
    );
    // The notice takes its place from the image; without it the viewport is as large as before.
    stage.page.click_on(".strip [aria-label=Dismiss]").unwrap();
    let same_size = format!("window.sagitta.viewports()[0].height === {height}");
    stage.page.wait_for(&same_size, 10).unwrap();
    let after = stage.page.eval_bytes("window.sagitta.capture(0)").unwrap();
    let (before, after) = (
        Picture::from_png(&before).unwrap(),
        Picture::from_png(&after).unwrap(),
    );
    assert!(before.rgb == after.rgb, "the picture is another one");
    assert_eq!(stage.eval("window.sagitta.stats().backend"), backend.name());
}

#[test]
fn a_destroyed_webgpu_device_is_replaced() {
    survives_loss(
        Backend::WebGpu,
        "(() => { const request = GPUAdapter.prototype.requestDevice; window.__devices = [];
           GPUAdapter.prototype.requestDevice = async function (...args) {
             const device = await request.apply(this, args); window.__devices.push(device); return device; }; })()",
        "window.__devices.at(-1).destroy()",
    );
}

#[test]
fn lesson_19_a_lost_webgl_context_is_rebuilt() {
    survives_loss(
        Backend::WebGl2,
        "(() => { const get = HTMLCanvasElement.prototype.getContext; window.__contexts = [];
           HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
             const context = get.call(this, kind, ...rest);
             if (kind === 'webgl2' && context) window.__contexts.push(context); return context; }; })()",
        "window.__contexts.at(-1).getExtension('WEBGL_lose_context').loseContext()",
    );
}

/// Lets answers come at about two megabytes a second: loading takes long enough to be disturbed.
fn slow_down(stage: &Stage) {
    let line = json!({ "offline": false, "latency": 20, "downloadThroughput": 2_000_000, "uploadThroughput": -1 });
    stage
        .page
        .call("Network.emulateNetworkConditions", line)
        .unwrap();
}

fn wait_for_loaded(stage: &Stage, condition: &str, seconds: u64) {
    let script = format!("window.sagitta.stats().frames_loaded {condition}");
    stage.page.wait_for(&script, seconds).unwrap();
}

#[test]
fn a_worker_that_breaks_down_is_replaced_and_every_frame_loads() {
    let folder = ct_folder(512, 24);
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    stage
        .page
        .init_script(
            "(() => { const Plain = window.Worker; window.__workers = []; window.__jobs = 0;
               const trap = (worker) => Plain.prototype.postMessage.call(worker, [JSON.stringify('Trap'), new ArrayBuffer(0)]);
               window.__trap = (list) => list.forEach(trap);
               window.Worker = class extends Plain {
                 constructor(...args) { super(...args); window.__workers.push(this); }
                 postMessage(message, ...rest) {
                   // With the second and the ninth job in their hands; the module that a worker starts from is none.
                   if (typeof message?.[0] === 'string' && [2, 9].includes(++window.__jobs)) trap(this);
                   super.postMessage(message, ...rest); } }; })()",
        )
        .unwrap();
    stage.go("");
    slow_down(&stage);
    let study = stage.study();
    let workers = stage.eval("window.sagitta.stats().workers");
    // All of them while they have nothing to do, too.
    stage.eval(&format!(
        "(() => {{ const opened = window.sagitta.open({{ studies: ['{study}'] }}); window.__trap([...window.__workers]); return opened; }})()"
    ));
    let stats = stage.eval("window.sagitta.complete().then(() => window.sagitta.stats())");
    assert_eq!(stats["frames_loaded"], 24, "{stats}");
    assert_eq!(stats["frames_failed"], 0, "{stats}");
    assert_eq!(stats["workers"], workers);
    let notes = stats["notes"].to_string();
    assert!(
        notes.contains("worker broke down and was replaced"),
        "{stats}"
    );
    let made = stage.eval("window.__workers.length").as_u64().unwrap();
    println!("{workers} workers, {made} were made in all; {notes}");
    let replaced = workers.as_u64().unwrap() + 2;
    assert!(made >= workers.as_u64().unwrap() + replaced, "{made}");
}

#[test]
fn frames_that_break_every_worker_leave_workers_for_the_others() {
    let folder = ct_folder(64, 24);
    let stage = Stage::blank(Backend::Cpu, folder.path());
    stage
        .page
        .init_script(
            "(() => { const Plain = window.Worker; window.__jobs = 0;
               window.Worker = class extends Plain {
                 postMessage(message, ...rest) {
                   // More in a row than workers may fail to start.
                   if (typeof message?.[0] === 'string' && ++window.__jobs <= 16)
                     Plain.prototype.postMessage.call(this, [JSON.stringify('Trap'), new ArrayBuffer(0)]);
                   super.postMessage(message, ...rest); } }; })()",
        )
        .unwrap();
    stage.go("");
    let study = stage.study();
    let workers = stage.eval("window.sagitta.stats().workers");
    stage.eval(&format!(
        "void window.sagitta.open({{ studies: ['{study}'] }})"
    ));
    let ended = "(({ frames_loaded, frames_failed }) => frames_loaded + frames_failed)(window.sagitta.stats()) === 24";
    stage.page.wait_for(ended, 60).unwrap();
    let stats = stage.eval("window.sagitta.stats()");
    let notes = stats["notes"].to_string();
    let replaced = notes.matches("worker broke down and was replaced").count();
    assert!(replaced > 9, "{stats}");
    // Each frame is tried twice; of those that broke workers down sixteen times at most eight did so both times.
    assert!(stats["frames_failed"].as_u64() <= Some(8), "{stats}");
    assert_eq!(stats["workers"], workers, "{stats}");
}

#[test]
fn a_decoder_that_never_ends_is_replaced_and_its_frame_loads_like_the_others() {
    let folder = ct_folder(64, 24);
    let stage = Stage::blank(Backend::Cpu, folder.path());
    // One job never reaches its worker, which is what a decoder that never ends looks like; and the clock can be put on.
    stage
        .page
        .init_script(
            "(() => { const Plain = window.Worker; window.__jobs = 0; window.__later = 0;
               window.Worker = class extends Plain {
                 postMessage(message, ...rest) {
                   const isJob = typeof message?.[0] === 'string' && message[0].includes('Decode');
                   if (isJob && ++window.__jobs === 5) return;
                   super.postMessage(message, ...rest); } };
               const now = performance.now.bind(performance);
               performance.now = () => now() + window.__later; })()",
        )
        .unwrap();
    stage.go("");
    let study = stage.study();
    let workers = stage.eval("window.sagitta.stats().workers");
    stage.eval(&format!(
        "void window.sagitta.open({{ studies: ['{study}'] }})"
    ));
    // The others are not kept waiting.
    wait_for_loaded(&stage, "=== 23", 60);
    let notes = stage.eval("window.sagitta.stats().notes").to_string();
    assert!(!notes.contains("worker broke down"), "{notes}");
    stage.eval("void (window.__later = 61_000)");
    wait_for_loaded(&stage, "=== 24", 60);
    let stats = stage.eval("window.sagitta.stats()");
    let notes = stats["notes"].to_string();
    assert!(
        notes.contains("worker broke down and was replaced"),
        "{stats}"
    );
    assert_eq!(stats["frames_failed"], 0, "{stats}");
    assert_eq!(stats["workers"], workers, "{stats}");
}

#[test]
fn a_server_that_goes_away_while_loading_is_waited_for() {
    let folder = ct_folder(512, 30);
    let mut stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    slow_down(&stage);
    stage.eval(&format!("window.sagitta.open({{ studies: ['{study}'] }})"));
    wait_for_loaded(&stage, ">= 4", 60);
    stage.gateway.kill();
    let strip = "(document.querySelector('.strip')?.textContent ?? '')";
    stage
        .page
        .wait_for(&format!("{strip}.includes('No connection.')"), 30)
        .unwrap();
    let loaded = stage.eval("window.sagitta.stats().frames_loaded");
    println!("{loaded} of 30 frames were here when the server went");
    assert!(loaded.as_u64() < Some(30), "loading was over too soon");
    // What is here can be read on.
    assert_eq!(
        stage.eval("window.sagitta.viewports()[0].state"),
        json!("final")
    );
    stage.gateway.restart().unwrap();
    let began = Instant::now();
    wait_for_loaded(&stage, "=== 30", 90);
    println!(
        "all were here {:.1} s after it came back",
        began.elapsed().as_secs_f64()
    );
    stage
        .page
        .wait_for(&format!("!{strip}.includes('No connection')"), 20)
        .unwrap();
    assert_eq!(stage.eval("window.sagitta.stats().frames_failed"), 0);
}

#[test]
fn a_study_that_cannot_be_reached_says_so_and_opens_when_the_server_is_back() {
    let folder = ct_folder(128, 4);
    let mut stage = Stage::list(Backend::Cpu, folder.path());
    let study = stage.study();
    stage.gateway.kill();
    let error = stage
        .page
        .rejection(&format!("window.sagitta.open({{ studies: ['{study}'] }})"))
        .unwrap();
    assert_eq!(error["code"], "source_unreachable");
    stage
        .page
        .wait_for("!!document.querySelector('.msgbox')", 10)
        .unwrap();
    let text = stage.eval("document.querySelector('.msgbox').textContent");
    assert!(
        text.as_str().unwrap().contains("could not be reached"),
        "{text}"
    );
    stage.gateway.restart().unwrap();
    stage.page.click_on(".msgbox .btn.primary").unwrap();
    stage
        .page
        .wait_for("window.sagitta.viewports()[0].state === 'final'", 30)
        .unwrap();
}

/// Cuts the only fragment of an encapsulated frame in the middle; everything around it stays whole.
/// Source: PS3.5 A.4 (items, and the delimiter at the end).
fn with_half_the_frame(file: &[u8]) -> Vec<u8> {
    const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];
    const END: [u8; 8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0];
    let end = file.len() - END.len();
    assert_eq!(file[end..], END, "the frame is not encapsulated");
    let length_at = |at: usize| {
        u32::from_le_bytes([file[at + 4], file[at + 5], file[at + 6], file[at + 7]]) as usize
    };
    let item = (0..end - 8)
        .rev()
        .find(|&at| file[at..at + 4] == ITEM && at + 8 + length_at(at) == end)
        .unwrap();
    let half = (end - item - 8) / 4 * 2;
    let mut cut = file[..item + 4].to_vec();
    cut.extend(u32::try_from(half).unwrap().to_le_bytes());
    cut.extend(&file[item + 8..item + 8 + half]);
    cut.extend(END);
    cut
}

#[test]
fn a_frame_that_cannot_be_decoded_is_said_in_its_place_and_the_rest_goes_on() {
    for encoding in [Encoding::Rle, Encoding::ExplicitLittle] {
        let folder = ct_folder_as(128, 5, encoding);
        let path = folder.path().join("2.dcm");
        let whole = std::fs::read(&path).unwrap();
        let broken = match encoding {
            Encoding::Rle => with_half_the_frame(&whole),
            // The end of the file is lost.
            _ => whole[..whole.len() - 9000].to_vec(),
        };
        std::fs::write(&path, broken).unwrap();
        let stage = Stage::list(Backend::WebGl2, folder.path());
        expect_one_broken_frame(&stage);
        // Its thumbnail would be the middle frame of the series, this one: the preview does without.
        assert_eq!(
            stage
                .page
                .take_problems()
                .iter()
                .filter(|problem| problem.kind != ProblemKind::Network)
                .count(),
            0
        );
        // The file is repaired: it is fetched again when the user asks.
        std::fs::write(&path, whole).unwrap();
        let is_whole = "window.sagitta.stats().frames_loaded === 5 && window.sagitta.viewports()[0].state === 'final'";
        let began = Instant::now();
        loop {
            if stage.eval("!!document.querySelector('.inplace .btn')") == true {
                stage.page.click_on(".inplace .btn").unwrap();
            }
            if stage.page.wait_for(is_whole, 3).is_ok() {
                break;
            }
            assert!(
                began.elapsed().as_secs() < 40,
                "{encoding:?}: not fetched again"
            );
        }
        println!(
            "{encoding:?}: whole again after {:.1} s",
            began.elapsed().as_secs_f64()
        );
    }
}

/// One of five frames is broken: opens the study and looks at what is said of it; it is on screen then.
fn expect_one_broken_frame(stage: &Stage) {
    let study = stage.study();
    // The broken one is shown first: what stands in its place may be all that there is to see.
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{study}'] }}).catch(() => 0).then(() => window.sagitta.complete())"
    ));
    let stats = stage.eval("window.sagitta.stats()");
    assert_eq!(stats["frames_loaded"], 4, "{stats}");
    assert_eq!(stats["frames_failed"], 1, "{stats}");
    let broken = stage.eval(
        "(async () => { for (let i = 0; i < 5; i++) { try { await window.sagitta.setSlice(0, i); } catch (e) { return [i, e.code, e.message]; } } })()",
    );
    assert_eq!(broken[1], "frame_failed");
    stage
        .page
        .wait_for("!!document.querySelector('.inplace')", 10)
        .unwrap();
    let text = stage.eval("document.querySelector('.inplace').textContent");
    let text = text.as_str().unwrap().to_owned();
    println!("in its place: {text}");
    assert!(
        text.contains("could not be") && text.contains("other 4 images"),
        "{text}"
    );
    assert!(text.contains("Fetch again"), "{text}");
    // Nothing of another frame stands where it should be.
    let picture = stage.page.picture().unwrap();
    let grey = picture.share_within((500, 150, 400, 150), |[red, green, blue]| {
        red > 40 && red == green && green == blue
    });
    assert!(grey == 0.0, "{grey}");
    // The others are still drawn.
    let other = (broken[0].as_u64().unwrap() + 1) % 5;
    stage.eval(&format!("window.sagitta.setSlice(0, {other})"));
    assert!(shows_an_image(stage));
    stage
        .page
        .rejection(&format!("window.sagitta.setSlice(0, {})", broken[0]))
        .unwrap();
}

#[test]
fn a_study_of_documents_alone_says_that_it_holds_no_images() {
    let folder = TempFolder::new("report").unwrap();
    let report = Made {
        modality: "SR",
        is_picture: false,
        series_description: "Report".into(),
        ..Made::of_study(1)
    };
    folder.write("1.dcm", &report.bytes()).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    for series in [
        String::new(),
        format!(", series: '{}'", report.series_uid()),
    ] {
        let call = format!(
            "window.sagitta.open({{ studies: ['{}']{series} }})",
            report.study_uid()
        );
        let error = stage.page.rejection(&call).unwrap();
        assert_eq!(error["code"], "no_images", "{call}: {error}");
        stage
            .page
            .wait_for(
                "document.querySelector('.reader').textContent.includes('holds no images')",
                10,
            )
            .unwrap();
        // There is nothing to wait for.
        stage.eval("window.sagitta.complete()");
    }
    stage.expect_no_problems();
}

#[test]
fn what_cannot_be_shown_is_said_in_words() {
    let folder = phantom_folder(1).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let error = stage
        .page
        .rejection("window.sagitta.open({ studies: ['1.2.3.4'] })")
        .unwrap();
    assert_eq!(error["code"], "study_unknown");
    stage
        .page
        .wait_for("!!document.querySelector('.msgbox')", 10)
        .unwrap();
    let text = stage.eval("document.querySelector('.msgbox').textContent");
    assert!(text.as_str().unwrap().contains("knows no study"), "{text}");
    let study = stage.study();
    stage.go(&format!("viewer?StudyInstanceUIDs={study}&backend=webgpu"));
    let error = stage
        .page
        .rejection(&format!("window.sagitta.open({{ studies: ['{study}'] }})"))
        .unwrap();
    assert_eq!(error["code"], "backend_unavailable");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("webgpu was asked for"),
        "{error}"
    );
}

/// A server or a proxy that compresses tells the length of what it sends, not of what comes out; and not every
/// body can be read into a buffer of ours.
#[test]
fn a_body_of_another_length_than_was_told_comes_whole() {
    let folder = phantom_folder(4).unwrap();
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    stage
        .page
        .init_script(
            "(() => { const get = window.fetch; window.__bodies = 0;
               window.fetch = async (...args) => {
                 const answer = await get(...args); const way = window.__way;
                 if (!way || !String(args[0]).includes('/frames/')) return answer;
                 const bytes = new Uint8Array(await answer.arrayBuffer());
                 const pieces = [0, 7, bytes.length >> 1].map((start, index, all) => bytes.slice(start, all[index + 1]));
                 const headers = new Headers(answer.headers);
                 if (way.told) headers.set('content-length', Math.round(bytes.length * way.told));
                 else headers.delete('content-length');
                 window.__bodies++;
                 return new Response(new ReadableStream({ type: way.type, start(body) {
                   for (const piece of pieces) body.enqueue(piece); body.close(); } }), { headers }); }; })()",
        )
        .unwrap();
    stage.go("");
    let study = stage.study();
    let series = stage.series(&study, "signed");
    let instance = stage.metadata(&study, &series)[0]["00080018"]["Value"][0].clone();
    let pixels = format!("window.sagitta.pixels({instance}, 1).then((it) => Array.from(it.data))");
    let expected = stage.eval(&pixels);
    assert!(expected.as_array().is_some_and(|all| all.len() > 100));
    let ways = [
        "{ told: 1, type: 'bytes' }",
        "{ told: 0.3, type: 'bytes' }",
        "{ told: 1.7, type: 'bytes' }",
        "{ told: 0, type: 'bytes' }",
        "{ told: 1, type: undefined }",
    ];
    for (place, way) in ways.iter().enumerate() {
        stage.eval(&format!("window.__way = {way}"));
        assert_eq!(stage.eval(&pixels), expected, "{way}");
        assert_eq!(stage.eval("window.__bodies"), json!(place + 1));
    }
    stage.expect_no_problems();
}
