//! Whatever was done to the look of an image, reset brings back its first paint, byte for byte.

use crate::pictures::folder_of;
use crate::shown::captured_png;
use crate::stage::Stage;
use phantom::pictures::{encoding_matrix, pictures};
use sagitta_tests::{Backend, Button, TempFolder, shared_data};
use serde_json::Value;

/// One picture for each photometric interpretation that needs no codec, a packed one, and those whose look has
/// more to it than a window.
const MADE: [&str; 10] = [
    "matrix-monochrome1-16-explicit",
    "matrix-monochrome2-16-explicit",
    "matrix-palette-color-8-explicit",
    "matrix-rgb-8-explicit",
    "matrix-ybr-full-8-explicit",
    "matrix-ybr-full-422-8-explicit",
    "matrix-ybr-full-8-planar-rle",
    "dx-voi-lut",
    "dx-sigmoid",
    "overlay-own-bits",
];

/// Files of a code stream: what they are, and where.
const CODED: [(&str, &str); 4] = [
    ("jpeg-ybr-full", "pixel-form/SC_rgb_jpeg_dcmtk.dcm"),
    ("jpeg-ybr-full-422", "pixel-form/SC_rgb_dcmtk_+eb+cy+np.dcm"),
    (
        "jpeg-2000-monochrome2",
        "transfer-syntax/CTImage.dcm_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm",
    ),
    ("htj2k-rgb", "transfer-syntax/HTJ2KLossless_08_RGB.dcm"),
];

/// Study and series of everything in the folder: looked up, so that real files may come with it.
fn all_series(stage: &Stage) -> Vec<(String, String)> {
    let studies = stage.uids("/dicomweb/studies?limit=500", "0020000D");
    let series = |study: &String| {
        let path = format!("/dicomweb/studies/{study}/series");
        stage.uids(&path, "0020000E").into_iter()
    };
    studies
        .iter()
        .flat_map(|study| series(study).map(|series| (study.clone(), series)))
        .collect()
}

/// The same file with another Photometric Interpretation: a code stream with a colour transform of its own is
/// labelled so by the sender (PS3.5 8.2.4).
fn relabelled(file: &[u8], photometric: &str) -> Vec<u8> {
    let old = b"\x28\x00\x04\x00CS\x04\x00RGB ";
    let at = file.windows(old.len()).position(|it| it == old).unwrap();
    let mut value = photometric.as_bytes().to_vec();
    if value.len() % 2 == 1 {
        value.push(b' ');
    }
    let mut new = file[..at].to_vec();
    new.extend(b"\x28\x00\x04\x00CS");
    new.extend((value.len() as u16).to_le_bytes());
    new.extend(value);
    new.extend(&file[at + old.len()..]);
    new
}

/// The same file as a study, a series and an instance of its own: with another last digit of their UIDs.
fn apart(mut file: Vec<u8>, digit: u8) -> Vec<u8> {
    for tag in [
        b"\x08\x00\x18\x00UI",
        b"\x20\x00\x0d\x00UI",
        b"\x20\x00\x0e\x00UI",
    ] {
        let at = file.windows(6).position(|it| it == tag).unwrap() + 6;
        let length = usize::from(u16::from_le_bytes([file[at], file[at + 1]]));
        let value = &mut file[at + 2..at + 2 + length];
        let last = value.iter().rposition(u8::is_ascii_digit).unwrap();
        value[last] = digit;
    }
    file
}

fn folder() -> TempFolder {
    let mut made = pictures(7);
    made.extend(encoding_matrix(7));
    made.retain(|picture| MADE.contains(&picture.name.as_str()));
    assert_eq!(made.len(), MADE.len());
    let folder = folder_of(&made);
    if let Some(data) = shared_data() {
        let mut files = Vec::new();
        for (name, path) in CODED {
            let file = std::fs::read(data.join(path)).unwrap();
            if name == "htj2k-rgb" {
                files.push(("ybr-rct", relabelled(&file, "YBR_RCT")));
                files.push(("ybr-ict", relabelled(&file, "YBR_ICT")));
            }
            files.push((name, file));
        }
        for ((name, file), digit) in files.into_iter().zip(b'1'..) {
            // Those of colour are of few studies, which would be one stack each.
            let is_colour = !name.ends_with("monochrome2");
            let file = if is_colour { apart(file, digit) } else { file };
            folder.write(&format!("{name}.dcm"), &file).unwrap();
        }
    }
    folder
}

/// Everything that changes the look, as hands do it.
fn change(stage: &Stage) {
    let (x, y) = stage.page.center_of("#viewport-0").unwrap();
    let drag = |to| stage.page.drag(Button::Left, (x, y), to, 4).unwrap();
    let keys = |keys: &[&str]| keys.iter().for_each(|key| stage.page.key(key).unwrap());
    keys(&["w"]);
    drag((x + 70.0, y - 30.0));
    keys(&["x"]);
    drag((x + 31.0, y + 17.0));
    keys(&["z"]);
    drag((x, y - 40.0));
    keys(&["+", ".", "h", "i", "Shift+O", "w"]);
}

fn label(stage: &Stage, study: &str, series: &str) -> String {
    let sets: Vec<Value> = stage.metadata(study, series);
    let text = |tag: &str| sets[0][tag]["Value"][0].as_str().unwrap_or("").to_owned();
    format!(
        "{} {} {}",
        text("00280004"),
        text("0008103E"),
        text("00083002")
    )
}

#[test]
fn reset_is_the_first_paint_of_every_photometric_interpretation_on_every_backend() {
    let folder = folder();
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        let all = all_series(&stage);
        let coded = if shared_data().is_some() {
            CODED.len() + 2
        } else {
            0
        };
        assert_eq!(all.len(), MADE.len() + coded);
        for (study, series) in &all {
            let label = label(&stage, study, series);
            stage.open(study, series);
            let first = captured_png(&stage);
            let resets: [&dyn Fn(); 2] = [&|| stage.page.key("r").unwrap(), &|| {
                stage
                    .page
                    .click_on("button.tool[aria-label='Reset view']")
                    .unwrap()
            }];
            for reset in resets {
                stage.eval("document.querySelector('#viewport-0').focus()");
                change(&stage);
                assert!(captured_png(&stage) != first, "{label}: nothing changed");
                reset();
                assert!(
                    captured_png(&stage) == first,
                    "{}, {label}: reset is not the first paint",
                    backend.name()
                );
            }
        }
        println!("{}: {} pictures reset twice", backend.name(), all.len());
        stage.expect_no_problems();
    }
}
