//! Lost devices, lost contexts, broken workers, a server that goes away: each provoked, each survived.

use crate::stage::{Stage, ct_folder};
use sagitta_tests::{Backend, Picture, phantom_folder};

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

#[test]
fn a_worker_that_breaks_down_is_replaced_and_every_frame_loads() {
    let folder = ct_folder(256, 30);
    let stage = Stage::blank(Backend::WebGl2, folder.path());
    stage
        .page
        .init_script(
            "(() => { const Plain = window.Worker; window.__workers = [];
               window.Worker = class extends Plain { constructor(...args) { super(...args); window.__workers.push(this); } }; })()",
        )
        .unwrap();
    stage.go("");
    let study = stage.study();
    let workers = stage.eval("window.sagitta.stats().workers");
    let stats = stage.eval(&format!(
        "(async () => {{ const opened = window.sagitta.open({{ studies: ['{study}'] }});
           for (const worker of [...window.__workers]) worker.postMessage([JSON.stringify('Trap'), new ArrayBuffer(0)]);
           await opened; await window.sagitta.complete(); return window.sagitta.stats(); }})()"
    ));
    assert_eq!(stats["frames_loaded"], 30, "{stats}");
    assert_eq!(stats["frames_failed"], 0, "{stats}");
    assert_eq!(stats["workers"], workers);
    let made = stage.eval("window.__workers.length");
    assert!(made.as_u64() > workers.as_u64(), "no worker was replaced");
}

#[test]
fn a_server_that_goes_away_while_loading_is_waited_for() {
    let folder = ct_folder(512, 60);
    let mut stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    stage.eval(&format!("window.sagitta.open({{ studies: ['{study}'] }})"));
    stage.gateway.kill();
    // A slice that is not here yet is asked for, so that the loss is met.
    stage
        .page
        .wait_for(
            "document.querySelector('.strip')?.textContent.includes('No connection') \
             || window.sagitta.stats().frames_loaded === 60",
            30,
        )
        .unwrap();
    let loaded = stage.eval("window.sagitta.stats().frames_loaded");
    println!("{loaded} of 60 frames were here when the server went");
    stage.gateway.restart().unwrap();
    stage
        .page
        .wait_for("window.sagitta.stats().frames_loaded === 60", 60)
        .unwrap();
    stage
        .page
        .wait_for(
            "!document.querySelector('.strip')?.textContent.includes('No connection')",
            20,
        )
        .unwrap();
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

#[test]
fn a_frame_that_cannot_be_decoded_is_said_in_its_place_and_the_rest_goes_on() {
    let folder = ct_folder(128, 5);
    // The end of one file is lost: its pixel data are shorter than its header says.
    let path = folder.path().join("2.dcm");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 9000]).unwrap();
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    stage.eval(&format!(
        "window.sagitta.open({{ studies: ['{study}'] }}).catch(() => 0).then(() => window.sagitta.complete())"
    ));
    let stats = stage.eval("window.sagitta.stats()");
    assert_eq!(stats["frames_loaded"], 4, "{stats}");
    assert_eq!(stats["frames_failed"], 1, "{stats}");
    let broken = stage.eval(
        "(async () => { for (let i = 0; i < 5; i++) { try { await window.sagitta.setSlice(0, i); } catch (e) { return [i, e.code]; } } })()",
    );
    assert_eq!(broken[1], "frame_failed");
    stage
        .page
        .wait_for("!!document.querySelector('.inplace')", 10)
        .unwrap();
    let text = stage.eval("document.querySelector('.inplace').textContent");
    let text = text.as_str().unwrap().to_owned();
    assert!(
        text.contains("could not be") && text.contains("other 4 images"),
        "{text}"
    );
    assert!(text.contains("Fetch again"), "{text}");
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
