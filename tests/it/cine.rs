//! Playing: the space bar and the button, what the screen says of it, and what stops it.

use crate::stage::{Stage, ct_folder};
use sagitta_tests::Backend;

/// What the corner at the bottom right says.
const HOW: &str = "document.querySelector('.ov.br')?.textContent ?? ''";

/// A key on the first viewport, by its character.
fn press(stage: &Stage, key: &str) {
    stage.eval(&format!(
        "document.querySelector('#viewport-0').dispatchEvent(
           new KeyboardEvent('keydown', {{ key: '{key}', bubbles: true, cancelable: true }}))"
    ));
}

fn wait_until_says(stage: &Stage, words: &str) {
    let condition = format!("({HOW}).includes('{words}')");
    stage.page.wait_for(&condition, 20).unwrap();
}

fn wait_until_silent(stage: &Stage) {
    let condition = format!("!({HOW}).includes('fps')");
    stage.page.wait_for(&condition, 20).unwrap();
}

#[test]
fn a_stack_plays_round_its_end_says_how_fast_and_stops_when_it_is_scrolled() {
    let folder = ct_folder(32, 6);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        let study = stage.study();
        let series = stage.series(&study, "CT for tests");
        stage.open(&study, &series);
        stage.eval("window.sagitta.complete()");
        // The slices that were drawn, in their order, each once.
        stage.eval(
            "(() => { window.__seen = []; window.sagitta.on('viewportchanged', () => {
               const { slice, state } = window.sagitta.viewports()[0];
               if (window.__seen.at(-1)?.slice !== slice) window.__seen.push({ slice, state });
             }); })()",
        );
        press(&stage, " ");
        wait_until_says(&stage, "15 fps, not from the file");
        stage
            .page
            .wait_for("window.__seen.length > 12", 30)
            .unwrap();
        let seen = stage.eval("window.__seen");
        let seen = seen.as_array().unwrap();
        assert!(seen.iter().all(|it| it["state"] == "final"), "{seen:?}");
        // It goes on round the end; a slow screen leaves some out, so which ones is not said.
        let slices: Vec<u64> = seen.iter().filter_map(|it| it["slice"].as_u64()).collect();
        assert!(
            slices.windows(2).any(|pair| pair[1] < pair[0]),
            "{slices:?}"
        );
        assert!(
            slices.windows(2).any(|pair| pair[1] > pair[0]),
            "{slices:?}"
        );
        // Looks may change while it plays.
        press(&stage, "<");
        wait_until_says(&stage, " fps, 0.75\u{d7}, not from the file");
        press(&stage, "i");
        wait_until_says(&stage, "Inverted");
        press(&stage, "ArrowDown");
        wait_until_silent(&stage);
        // The button does the same.
        let button = |name: &str| format!("button.tool[aria-label='{name}']");
        stage.page.click_on(&button("Play images")).unwrap();
        wait_until_says(&stage, "fps");
        stage.page.click_on(&button("Stop playing")).unwrap();
        wait_until_silent(&stage);
        stage.expect_no_problems();
    }
}

#[test]
fn one_image_alone_does_not_play() {
    let folder = ct_folder(32, 1);
    let stage = Stage::list(Backend::WebGl2, folder.path());
    let study = stage.study();
    let series = stage.series(&study, "CT for tests");
    stage.open(&study, &series);
    let label = "document.querySelector('button.tool[disabled]')?.ariaLabel ?? ''";
    let condition = format!("({label}).startsWith('Play images')");
    stage.page.wait_for(&condition, 10).unwrap();
    press(&stage, " ");
    wait_until_silent(&stage);
}
