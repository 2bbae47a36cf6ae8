//! Several windows and VOI LUTs in one file: each is offered by its explanation, chosen by mouse and by key, and
//! drawn by its own curve.

use crate::pictures::{differences, folder_of, place};
use crate::shown::{capture, wait_until_is};
use crate::stage::Stage;
use phantom::pictures::{Answer, Picture, pictures};
use sagitta_tests::Backend;
use serde_json::{Value, json};

/// The rows of the open menu: name, values, whether it is chosen.
const ROWS: &str = "[...document.querySelectorAll('.presets .row[role=menuitemradio]')].map((it) =>
    [it.querySelector('.name').textContent, it.getAttribute('aria-checked')])";

/// What the button of the menu says.
const BUTTON: &str = "document.querySelector('.tool.preset').textContent";

/// What the corner of the image says of the window.
const CORNERS: &str = "[...document.querySelectorAll('.ov')].map((it) => it.textContent).join(' ')";

fn with_choices() -> Vec<Picture> {
    let mut all = pictures(7);
    all.retain(|picture| {
        picture.choices.len() > 1
            && (picture.name.starts_with("dx") || picture.name.starts_with("choices"))
    });
    assert_eq!(all.len(), 5);
    all
}

/// Scanners write capitals; people read "Normal". Mixed case stays.
fn on_screen(explanation: &str) -> String {
    if explanation.chars().any(char::is_lowercase) {
        return explanation.to_owned();
    }
    explanation[..1].to_owned() + &explanation[1..].to_lowercase()
}

fn expect_drawn(stage: &Stage, answer: &Answer, axes: [[f64; 2]; 2], what: &str) {
    let difference = differences(&capture(stage), answer, axes);
    assert_eq!(difference, None, "{what}");
}

fn expect_menu(stage: &Stage, names: &[String], chosen: usize) {
    let rows: Vec<Value> = (names.iter().enumerate())
        .map(|(index, name)| json!([name, (index == chosen).to_string()]))
        .collect();
    wait_until_is(stage, ROWS, &json!(rows));
}

/// Every choice by mouse, then by key, in an order in which each is new.
fn expect_every_choice(stage: &Stage, picture: &Picture) -> usize {
    stage.open(&picture.study_uid, &picture.series_uid);
    let names: Vec<String> = picture
        .choices
        .iter()
        .map(|(name, _)| on_screen(name))
        .collect();
    let axes = place(stage, &picture.choices[0].1[0], 1.0);
    let what = |name: &str| format!("{}, {name}", picture.name);
    expect_drawn(stage, &picture.frames[0], axes, &what("first paint"));
    let mut compared = 1;
    let mut chosen = 0;
    for index in (0..names.len()).rev() {
        stage.page.click_on(".tool.preset").unwrap();
        expect_menu(stage, &names, chosen);
        let row = format!(
            ".presets .row[role=menuitemradio]:nth-of-type({})",
            index + 1
        );
        stage.page.click_on(&row).unwrap();
        wait_until_is(stage, ROWS, &json!([]));
        wait_until_is(stage, BUTTON, &json!(names[index]));
        expect_drawn(
            stage,
            &picture.choices[index].1[0],
            axes,
            &what(&names[index]),
        );
        chosen = index;
        compared += 1;
    }
    stage.eval("document.querySelector('#viewport-0').focus()");
    for index in (1..names.len()).chain([0]) {
        stage.page.key(&(index + 1).to_string()).unwrap();
        wait_until_is(stage, BUTTON, &json!(names[index]));
        let condition = format!("({CORNERS}).includes('{}')", names[index]);
        stage.page.wait_for(&condition, 10).unwrap();
        expect_drawn(
            stage,
            &picture.choices[index].1[0],
            axes,
            &what(&names[index]),
        );
        compared += 1;
    }
    compared
}

#[test]
fn windows_and_voi_luts_are_chosen_by_their_explanations_on_every_backend() {
    let all = with_choices();
    let folder = folder_of(&all);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        let compared: usize = (all.iter())
            .map(|picture| expect_every_choice(&stage, picture))
            .sum();
        println!(
            "{}: {compared} pictures of {} files",
            backend.name(),
            all.len()
        );
        stage.expect_no_problems();
    }
}

/// A user's window keeps the function of the file's: SIGMOID stays one (C.11.2.1.3.1).
#[test]
fn a_typed_window_keeps_the_function_of_the_file() {
    let all = with_choices();
    let picture = all.iter().find(|it| it.name == "choices-sigmoid").unwrap();
    let folder = folder_of(std::slice::from_ref(picture));
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        stage.open(&picture.study_uid, &picture.series_uid);
        let axes = place(&stage, &picture.frames[0], 1.0);
        crate::shown::set_window(&stage, 2500.0, 800.0);
        let grey =
            |x: f64| (255.0 / (1.0 + (-4.0 * (x - 2500.0) / 800.0).exp()) + 0.5).floor() as u8;
        let mut answer = picture.frames[0].clone();
        answer.rgb = answer.values.iter().flat_map(|x| [grey(*x); 3]).collect();
        expect_drawn(&stage, &answer, axes, backend.name());
        stage.expect_no_problems();
    }
}
