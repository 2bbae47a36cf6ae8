//! Objects with one thing wrong each, opened as a user would: a message in words, or the right picture with a note
//! of what was ignored; never a wrong picture, an uncaught error, or an image that loads for ever.

use crate::pictures::{check, differences, folder_of, place, probed};
use crate::planes::GRAPHICS;
use crate::shown::{capture, on_page};
use crate::stage::Stage;
use phantom::dicom::uid;
use phantom::pictures::{Answer, malformed, pictures};
use sagitta_tests::{Backend, TempFolder};
use serde_json::Value;
use std::fmt::Write;
use std::time::Duration;

const SEED: u64 = 7;

/// How long an object may take to be shown or refused, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a viewer owes to its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// The picture, and a note with this word.
    Note(&'static str),
    /// The picture; nothing of it is in doubt.
    Picture,
    /// Words: there is no picture.
    Words,
    /// So many frames, words for the others.
    First(usize),
    /// Frames that are right, or words.
    Either,
}

fn due(name: &str) -> Due {
    match name {
        // An empty value or sequence is as good as none (PS3.5 7.4.5); one frame has no time.
        "voi-lut-no-items"
        | "window-width-empty"
        | "rescale-slope-empty"
        | "rescale-intercept-empty"
        | "frame-time-0" => Due::Picture,
        "voi-function-unknown" => Due::Note("function"),
        "modality-lut-short" => Due::Note("modality LUT"),
        "rescale-no-intercept" => Due::Note("intercept"),
        "bits-stored-above-allocated" => Due::Note("bits stored"),
        "high-bit-below-stored" => Due::Note("high bit"),
        "pixel-spacing-0" => Due::Note("pixel spacing"),
        "pixel-aspect-0" => Due::Note("pixel aspect ratio"),
        "frames-text" => Due::Note("number of frames"),
        "columns-0" | "pixels-short" | "pixels-empty" => Due::Words,
        "frames-more-than-pixels" | "fragments-empty" => Due::First(1),
        _ => match name.split('-').next() {
            Some("voi") => Due::Note("VOI LUT"),
            Some("palette") => Due::Words,
            Some("overlay") => Due::Note("overlay"),
            Some("region") => Due::Note("region"),
            Some("window") => Due::Note("window"),
            Some("rescale") => Due::Note("rescale slope"),
            Some("offsets") => Due::Either,
            _ => panic!("what is due for {name}?"),
        },
    }
}

/// Even steps from one value to another, whole numbers rounded down.
fn ramp(count: usize, low: usize, high: usize) -> Vec<usize> {
    (0..count)
        .map(|k| low + (high - low) * k / (count - 1))
        .collect()
}

/// A frame of 12 bits under the window of its whole range: C.11.2.1.2.1 with center 2048 and width 4096 makes
/// value / 4095 of it. What is wrong with these files leaves window, rescale and range at just that: a window that
/// is no number at the smallest and largest pixel, 0 and 4095.
fn grey([columns, rows]: [usize; 2], codes: &[usize]) -> Answer {
    let level = |code: usize| (code as f64 / 4095.0 * 255.0 + 0.5).floor() as u8;
    Answer {
        columns,
        rows,
        rgb: codes.iter().flat_map(|code| [level(*code); 3]).collect(),
        values: codes.iter().map(|code| *code as f64).collect(),
        ..Answer::default()
    }
}

/// The right pictures of a file, frame by frame; empty where there is none.
fn answers(name: &str) -> Vec<Answer> {
    match name.split('-').next() {
        // RGB as stored: sample n is 7 n, modulo 256.
        Some("region") => (0..2)
            .map(|frame| Answer {
                columns: 96,
                rows: 72,
                rgb: (0..96 * 72 * 3)
                    .map(|at| ((at + frame * 96 * 72 * 3) * 7 % 256) as u8)
                    .collect(),
                ..Answer::default()
            })
            .collect(),
        Some("offsets" | "fragments") => (0..3)
            .map(|k| grey([17, 9], &ramp(17 * 9, k * 300, 3000 + k * 500)))
            .collect(),
        _ => vec![grey([32, 32], &ramp(32 * 32, 0, 4095))],
    }
}

/// The words of a rejected promise, or null.
fn refusal(stage: &Stage, script: &str) -> Result<Value, String> {
    let script =
        format!("({script}).then(() => null, (it) => ({{ code: it.code, message: it.message }}))");
    let given = stage.page.eval_within(PATIENCE, &script);
    given.map_err(|error| format!("neither shown nor refused: {error:#}"))
}

/// What the user sees beside the pixels.
const SEEN: &str = "(() => { const it = sagitta.viewports()[0];
    const texts = (css) => [...document.querySelectorAll(css)].map((it) => it.textContent).join(' ').trim();
    return { state: it?.state ?? '', slices: it?.slices ?? 0, notes: it?.notes ?? [],
             words: texts('.inplace p, .vp-words, .msgbox h2, .msgbox p'), tip: texts('.ov.tr .tip') }; })()";

/// What is wrong with words, if anything: they must be some, and for people.
fn bad_words(words: &str) -> Option<String> {
    let for_machines = [
        "undefined",
        "null",
        "NaN",
        "panicked",
        "unwrap",
        "Error(",
        "[object",
    ];
    let is_bad =
        words.split_whitespace().count() < 3 || for_machines.iter().any(|it| words.contains(it));
    is_bad.then(|| format!("no words for people: {words:?}"))
}

/// Looks at one frame; `Ok(true)` where it is shown right, `Ok(false)` where words say why not.
fn frame(stage: &Stage, answers: &[Answer], index: usize, refused: &Value) -> Result<bool, String> {
    // Texts follow the image by a frame or two.
    stage.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    let seen = stage.eval(SEEN);
    match seen["state"].as_str() {
        Some("final") if refused.is_null() => {}
        Some("failed" | "document" | "empty") if !refused.is_null() => {
            let message = refused["message"].as_str().unwrap_or_default();
            let words = seen["words"].as_str().unwrap_or_default();
            return [message, words]
                .iter()
                .find_map(|words| bad_words(words))
                .map_or(Ok(false), Err);
        }
        _ => return Err(format!("{seen}, refused: {refused}")),
    }
    let Some(answer) = answers.get(index) else {
        return Err("shown, and there is no such frame".into());
    };
    let axes = place(stage, answer, 1.0);
    let wrong = differences(&capture(stage), answer, axes).or_else(|| probed(stage, answer, axes));
    wrong.map_or(Ok(true), Err)
}

/// Opens an object and says what is wrong with what the user gets.
fn verdict(stage: &Stage, name: &str) -> Result<String, String> {
    let study = uid(SEED, &format!("pictures/malformed-{name}"));
    let refused = refusal(
        stage,
        &format!("window.sagitta.open({{ studies: ['{study}'] }})"),
    )?;
    let (due, answers) = (due(name), answers(name));
    let mut shown = vec![frame(stage, &answers, 0, &refused)?];
    let seen = stage.eval(SEEN);
    for index in 1..seen["slices"].as_u64().unwrap_or(0) as usize {
        let refused = refusal(stage, &format!("window.sagitta.setSlice(0, {index})"))?;
        let is_right = frame(stage, &answers, index, &refused);
        shown.push(is_right.map_err(|error| format!("frame {}: {error}", index + 1))?);
    }
    let expected = match due {
        Due::Either => shown.clone(),
        Due::Words => vec![false; shown.len()],
        Due::First(count) => (0..shown.len()).map(|index| index < count).collect(),
        Due::Note(_) | Due::Picture => vec![true; answers.len()],
    };
    if shown != expected {
        return Err(format!("frames shown: {shown:?}, due: {due:?}; {seen}"));
    }
    if let Due::Note(word) = due {
        let is_said = |text: &str| text.to_lowercase().contains(&word.to_lowercase());
        let notes = seen["notes"].as_array().into_iter().flatten();
        let is_noted = notes.filter_map(Value::as_str).any(is_said);
        if !is_noted || !seen["tip"].as_str().is_some_and(is_said) {
            return Err(format!("no note of the {word}: {seen}"));
        }
    }
    if name.starts_with("overlay") && name != "overlay-no-origin" {
        expect_no_graphics(stage)?;
    }
    Ok(format!("{shown:?} {} {}", seen["notes"], seen["words"]))
}

fn expect_no_graphics(stage: &Stage) -> Result<(), String> {
    let (page, [left, top]) = on_page(stage);
    let (width, height) = crate::shown::viewport_size(stage);
    let middle = (left + width / 4, top + height / 4, width / 2, height / 2);
    let share = page.share_within(middle, |pixel| pixel == GRAPHICS);
    (share == 0.0)
        .then_some(())
        .ok_or_else(|| format!("overlay graphics on {share} of the page"))
}

fn folder() -> TempFolder {
    let sound: Vec<_> = sound();
    let folder = folder_of(&sound);
    for (name, bytes) in malformed(SEED) {
        folder.write(&format!("{name}.dcm"), &bytes).unwrap();
    }
    folder
}

/// A picture with nothing wrong.
fn sound() -> Vec<phantom::pictures::Picture> {
    let mut all = pictures(SEED);
    all.retain(|picture| picture.name == "dx-linear");
    all
}

fn expect_words_or_the_right_picture(backend: Backend, every: usize) {
    let folder = folder();
    let stage = Stage::list(backend, folder.path());
    stage.make_small();
    let mut report = String::new();
    let names: Vec<&str> = malformed(SEED).iter().map(|(name, _)| *name).collect();
    let chosen: Vec<&&str> = names.iter().step_by(every).collect();
    for name in &chosen {
        match verdict(&stage, name) {
            Ok(what) => println!("{} {name}: {what}", backend.name()),
            Err(error) => {
                let _ = writeln!(report, "{name}: {error}");
            }
        }
        for problem in stage.page.take_problems() {
            if problem.kind != sagitta_tests::ProblemKind::Network {
                let _ = writeln!(report, "{name}: {problem}");
            }
        }
    }
    // All of them behind it, the same page still shows a sound image.
    let (shown, wrong) = check(&stage, &sound());
    assert_eq!(shown, 1);
    report.push_str(&wrong);
    println!("{}: {} objects", backend.name(), chosen.len());
    assert!(report.is_empty(), "{}:\n{report}", backend.name());
    stage.expect_no_problems();
}

#[test]
fn malformed_objects_give_words_or_the_right_picture_on_webgpu() {
    expect_words_or_the_right_picture(Backend::WebGpu, 1);
}

#[test]
fn a_third_of_malformed_objects_on_the_other_backends() {
    for backend in [Backend::WebGl2, Backend::Cpu] {
        expect_words_or_the_right_picture(backend, 3);
    }
}
