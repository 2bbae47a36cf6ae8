//! Grey pictures with several windows and VOI LUTs, from which the user chooses by their explanations.
//!
//! Source: PS3.3 C.11.2 (VOI LUT): where both are there, tables and windows are alternatives.

use super::chain::{DX, curve, voi_item};
use super::formula::Voi;
use super::part10::{Cells, Form, Set};
use super::{Draft, Picture, grey, reals, words};
use dicom_dictionary_std::tags;

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    vec![
        table_and_windows(seed),
        windows(
            seed,
            "choices-sigmoid",
            "SIGMOID",
            [[2000.0, 1000.0], [900.0, 300.5]],
            Voi::Sigmoid,
        ),
        windows(
            seed,
            "choices-linear-exact",
            "LINEAR_EXACT",
            [[2047.5, 1000.0], [400.0, 0.5]],
            Voi::LinearExact,
        ),
    ]
}

/// All codes of 12 bits with choices, the first of them shown first.
fn chosen(
    seed: u64,
    name: &str,
    all: Vec<(&str, Voi)>,
    describe: impl FnOnce(&mut Set),
) -> Picture {
    let form = Form::grey(64, 64, 12);
    let codes: Vec<i64> = (0..4096).collect();
    let mut draft = Draft::new(seed, name, "DX", DX);
    draft.rescale("0", "1", "US");
    draft
        .set
        .text(tags::PRESENTATION_LUT_SHAPE, "CS", "IDENTITY");
    describe(&mut draft.set);
    let answers: Vec<_> = all
        .iter()
        .map(|(name, voi)| {
            let answer = grey(&form, &reals(&codes), "US", |x| voi.apply(x));
            ((*name).to_owned(), vec![answer])
        })
        .collect();
    let mut picture = draft.finish(&form, &Cells::Words(words(&codes)), answers[0].1.clone());
    picture.choices = answers;
    picture
}

/// A VOI LUT and two windows: the table, which is the more exact one, comes first.
fn table_and_windows(seed: u64) -> Picture {
    let table = curve(300, 3000, 12, |t| t * t);
    let item = voi_item(&table, "CONTRAST", "US");
    let all = vec![
        ("CONTRAST", Voi::Table(table)),
        ("NORMAL", Voi::Linear(2048.0, 4096.0)),
        ("HARDER", Voi::Linear(1500.0, 900.0)),
    ];
    chosen(seed, "choices-table-and-windows", all, |set| {
        set.items(tags::VOILUT_SEQUENCE, vec![item]);
        set.text(tags::WINDOW_CENTER, "DS", "2048\\1500");
        set.text(tags::WINDOW_WIDTH, "DS", "4096\\900");
        set.text(
            tags::WINDOW_CENTER_WIDTH_EXPLANATION,
            "LO",
            "NORMAL\\HARDER",
        );
    })
}

/// Two windows of one VOI LUT Function.
fn windows(
    seed: u64,
    name: &str,
    function: &str,
    [first, second]: [[f64; 2]; 2],
    voi: fn(f64, f64) -> Voi,
) -> Picture {
    let all = vec![
        ("Whole chest", voi(first[0], first[1])),
        ("Ribs", voi(second[0], second[1])),
    ];
    chosen(seed, name, all, |set| {
        set.text(tags::VOILUT_FUNCTION, "CS", function);
        for (tag, index) in [(tags::WINDOW_CENTER, 0), (tags::WINDOW_WIDTH, 1)] {
            set.text(tag, "DS", &format!("{}\\{}", first[index], second[index]));
        }
        set.text(
            tags::WINDOW_CENTER_WIDTH_EXPLANATION,
            "LO",
            "Whole chest\\Ribs",
        );
    })
}
