//! Videos: each frame is the one of its number, whether it is sought, stepped to or played; and what a browser does not decode
//! is said in words.
//!
//! The clips are those of viewer-core's own tests, which say there how they were made: each frame shows its number in blocks.

use crate::made::{Film, Made};
use crate::shown::{capture, viewport_size};
use crate::stage::Stage;
use sagitta_tests::{Backend, Picture, TempFolder};

const H264: &str = "1.2.840.10008.1.2.4.102";
const FRAGMENTABLE_H264: &str = "1.2.840.10008.1.2.4.102.1";
const HEVC: &str = "1.2.840.10008.1.2.4.107";
const MPEG2: &str = "1.2.840.10008.1.2.4.100";
const JPIP: &str = "1.2.840.10008.1.2.4.94";

/// Frames of each clip.
const FRAMES: usize = 24;
/// Columns and rows of each frame.
const SIZE: [u16; 2] = [128, 96];
/// Most that a colour may differ: the clips are compressed, and colour has half the pixels.
const COLOUR: i32 = 12;
/// The blocks at the bottom.
const COLOURS: [[u8; 3]; 8] = [
    [235, 30, 30],
    [30, 220, 30],
    [30, 30, 235],
    [220, 220, 30],
    [30, 220, 220],
    [220, 30, 220],
    [128, 128, 128],
    [64, 64, 64],
];

fn clip(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../viewer-core/tests/video");
    std::fs::read(format!("{folder}/{name}")).unwrap()
}

fn film(series: usize, syntax: &'static str, stream: Vec<u8>, frames: usize) -> Made {
    Made {
        series,
        modality: "ES",
        series_description: format!("Video {series}"),
        film: Some(Film {
            syntax,
            stream,
            frames,
            rows: SIZE[1],
            columns: SIZE[0],
        }),
        ..Made::of_study(1)
    }
}

fn stage_of(backend: Backend, films: &[Made]) -> (TempFolder, Stage) {
    let folder = TempFolder::new("video").unwrap();
    for (place, film) in films.iter().enumerate() {
        let name = format!("{place}.dcm");
        folder.write(&name, &film.bytes()).unwrap();
    }
    let stage = Stage::list(backend, folder.path());
    (folder, stage)
}

/// Colour of a place of the frame, in pixels of the frame, which fits into the viewport and lies in its middle.
fn colour(picture: &Picture, size: (u32, u32), at: [f64; 2]) -> [u8; 3] {
    let edges = [f64::from(size.0), f64::from(size.1)];
    let [columns, rows] = SIZE.map(f64::from);
    let scale = (edges[0] / columns).min(edges[1] / rows);
    let place =
        |axis: usize, length: f64| (edges[axis] / 2.0 + (at[axis] - length / 2.0) * scale) as u32;
    picture.at(place(0, columns), place(1, rows)).unwrap()
}

/// The number that the frame on screen shows, after its colours are found right.
fn number_shown(stage: &Stage) -> usize {
    let (picture, size) = (capture(stage), viewport_size(stage));
    let mut number = 0;
    for block in 0..8_u8 {
        let column = 8.0 + 16.0 * f64::from(block);
        let [bit, other] = [16.0, 48.0].map(|row| colour(&picture, size, [column, row])[1] > 127);
        assert_ne!(bit, other, "block {block} contradicts itself");
        number = number << 1 | usize::from(bit);
        let found = colour(&picture, size, [column, 80.0]);
        let expected = COLOURS[usize::from(block)];
        for (found, expected) in found.iter().zip(expected) {
            let apart = (i32::from(*found) - i32::from(expected)).abs();
            assert!(apart <= COLOUR, "colour {block}: {found} for {expected}");
        }
    }
    number
}

/// Numbers from 1 on in an order without any: each once.
fn mixed() -> impl Iterator<Item = usize> {
    (0..FRAMES).map(|place| place * 7 % FRAMES + 1)
}

#[test]
fn every_frame_of_a_video_is_the_one_of_its_number_on_every_backend() {
    for (backend, syntax, name) in [
        (Backend::WebGl2, H264, "h264.mp4"),
        (Backend::Cpu, H264, "h264.ts"),
        (Backend::WebGpu, FRAGMENTABLE_H264, "h264.mp4"),
    ] {
        let made = film(1, syntax, clip(name), FRAMES);
        let (_folder, stage) = stage_of(backend, std::slice::from_ref(&made));
        stage.make_small();
        stage.open(&made.study_uid(), &made.series_uid());
        assert_eq!(number_shown(&stage), 1);
        let seek = |number: usize| {
            stage.eval(&format!("window.sagitta.setSlice(0, {})", number - 1));
            assert_eq!(number_shown(&stage), number, "{name}");
        };
        // Sought, then stepped to, forwards and backwards.
        mixed().for_each(seek);
        (1..=FRAMES).for_each(seek);
        (1..=FRAMES).rev().for_each(seek);
        stage.expect_no_problems();
    }
}

#[test]
fn a_video_plays_with_its_own_speed_and_is_not_measured() {
    let made = film(1, H264, clip("h264.mp4"), FRAMES);
    let (_folder, stage) = stage_of(Backend::WebGl2, std::slice::from_ref(&made));
    stage.open(&made.study_uid(), &made.series_uid());
    stage.eval("window.sagitta.complete()");
    play(&stage);
    let how = "document.querySelector('.ov.br')?.textContent ?? ''";
    let says = format!("({how}).includes('25 fps')");
    stage.page.wait_for(&says, 20).unwrap();
    play(&stage);
    // The note stands at the picture, and nothing is read from its pixels.
    let notes = "window.sagitta.viewports()[0].notes.join().includes('cannot be measured')";
    stage.page.wait_for(notes, 20).unwrap();
    let probed = stage.eval("JSON.stringify(window.sagitta.probe(0, 200, 200) ?? null)");
    assert_eq!(probed, "null");
    let uid = format!("{}.1", made.series_uid());
    let refused = stage.eval(&format!(
        "window.sagitta.pixels('{uid}', 1).then(() => 'given', (error) => String(error.message ?? error))"
    ));
    assert!(
        refused.to_string().contains("no stored values"),
        "{refused}"
    );
    // One request brought all frames.
    let asked = "performance.getEntriesByType('resource').filter((it) => it.name.includes('/frames/')).length";
    assert_eq!(stage.eval(asked), 1);
    stage.expect_no_problems();
}

/// Plays, or stops playing.
fn play(stage: &Stage) {
    stage.eval(
        "document.querySelector('#viewport-0').dispatchEvent(
           new KeyboardEvent('keydown', { key: ' ', bubbles: true, cancelable: true }))",
    );
}

/// What stands in place of a picture that cannot be shown.
fn words_instead(stage: &Stage, made: &Made) -> String {
    let (study, series) = (made.study_uid(), made.series_uid());
    // It never shows a picture: what is waited for are its words.
    stage.eval(&format!(
        "void window.sagitta.open({{ studies: ['{study}'], series: '{series}' }}).catch(() => {{}})"
    ));
    let failed = format!(
        "(({{ series, state }}) => series === '{series}' && state === 'failed')(window.sagitta.viewports()[0] ?? {{}})"
    );
    stage.page.wait_for(&failed, 30).unwrap();
    // Texts on the page follow the state within a few milliseconds.
    stage.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    let text = stage.eval("document.querySelector('.vp').textContent");
    text.as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_the_browser_does_not_decode_is_said_in_words() {
    let films = [
        (
            film(1, HEVC, clip("hevc.mp4"), FRAMES),
            "does not decode HEVC (hvc1.1.6.L30.90)",
        ),
        (
            film(2, MPEG2, clip("mpeg2.ts"), FRAMES),
            "browsers do not decode",
        ),
        (film(3, JPIP, vec![0; 2], 1), "JPIP server"),
        (film(4, H264, clip("mpeg2.ts"), FRAMES), "is MPEG-2"),
        (
            film(5, H264, clip("h264.mp4")[..2000].to_vec(), FRAMES),
            "damaged",
        ),
        (
            film(6, H264, vec![7; 4096], FRAMES),
            "neither in an MP4 file",
        ),
    ];
    let made: Vec<Made> = films.iter().map(|(film, _)| film.clone()).collect();
    let (_folder, stage) = stage_of(Backend::WebGl2, &made);
    for (made, words) in &films {
        let said = words_instead(&stage, made);
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn frames_that_the_video_lacks_fail_and_the_others_are_shown() {
    let made = film(1, H264, clip("h264.mp4"), FRAMES + 2);
    let (_folder, stage) = stage_of(Backend::WebGl2, std::slice::from_ref(&made));
    stage.open(&made.study_uid(), &made.series_uid());
    stage.eval(&format!("window.sagitta.setSlice(0, {})", FRAMES - 1));
    assert_eq!(number_shown(&stage), FRAMES);
    stage.eval(&format!(
        "void window.sagitta.setSlice(0, {FRAMES}).catch(() => {{}})"
    ));
    let failed = "document.querySelector('.vp').textContent.includes('holds 24')";
    stage.page.wait_for(failed, 30).unwrap();
}
