//! Letters at the edges, against a table made from the standard and rules on letters alone.
//!
//! The expected side never touches a matrix: it starts from the letters of rows and columns
//! (PS3.3 C.7.6.1.1.1) and moves them from edge to edge as a hand would turn a film.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use glam::DVec3;
use viewer_core::geometry::{
    EdgeLetters, ImagePlane, OrientationError, PatientDirections, ViewGeometry, ViewTransform,
    direction_from_letters, edge_letters, letters, opposite, parse_patient_orientation,
};

/// PS3.3 C.7.6.2.1.1: x grows to the left hand side, y to the back, z to the head.
const AXES: [(&str, [f64; 3]); 6] = [
    ("L", [1.0, 0.0, 0.0]),
    ("R", [-1.0, 0.0, 0.0]),
    ("P", [0.0, 1.0, 0.0]),
    ("A", [0.0, -1.0, 0.0]),
    ("H", [0.0, 0.0, 1.0]),
    ("F", [0.0, 0.0, -1.0]),
];

/// Each direction and the four that rows and columns can make a right angle with.
const PAIRS: [(&str, [&str; 4]); 6] = [
    ("L", ["P", "A", "H", "F"]),
    ("R", ["P", "A", "H", "F"]),
    ("P", ["L", "R", "H", "F"]),
    ("A", ["L", "R", "H", "F"]),
    ("H", ["L", "R", "P", "A"]),
    ("F", ["L", "R", "P", "A"]),
];

fn cosines(letter: &str) -> [f64; 3] {
    AXES.into_iter()
        .find(|(name, _)| *name == letter)
        .unwrap()
        .1
}

fn other_end(letter: &str) -> &'static str {
    match letter {
        "L" => "R",
        "R" => "L",
        "P" => "A",
        "A" => "P",
        "H" => "F",
        "F" => "H",
        "FR" => "HL",
        _ => unreachable!("{letter} is not in the table"),
    }
}

fn edges(left: &str, right: &str, top: &str, bottom: &str) -> EdgeLetters {
    let [left, right, top, bottom] = [left, right, top, bottom].map(str::to_owned);
    EdgeLetters {
        left,
        right,
        top,
        bottom,
    }
}

/// Rows run from left to right, columns from top to bottom.
fn upright(row: &str, column: &str) -> EdgeLetters {
    edges(other_end(row), row, other_end(column), column)
}

#[derive(Debug, Clone, Copy)]
enum Step {
    TurnRight,
    TurnLeft,
    Across,
    Down,
}

const STEPS: [Step; 4] = [Step::TurnRight, Step::TurnLeft, Step::Across, Step::Down];

/// What a step does to letters on a film.
fn moved(from: EdgeLetters, step: Step) -> EdgeLetters {
    let EdgeLetters {
        left,
        right,
        top,
        bottom,
    } = from;
    match step {
        Step::TurnRight => EdgeLetters {
            top: left,
            right: top,
            bottom: right,
            left: bottom,
        },
        Step::TurnLeft => EdgeLetters {
            top: right,
            right: bottom,
            bottom: left,
            left: top,
        },
        Step::Across => EdgeLetters {
            left: right,
            right: left,
            top,
            bottom,
        },
        Step::Down => EdgeLetters {
            left,
            right,
            top: bottom,
            bottom: top,
        },
    }
}

fn taken(view: ViewTransform, step: Step) -> ViewTransform {
    match step {
        Step::TurnRight => view.turned(90.0),
        Step::TurnLeft => view.turned(-90.0),
        Step::Across => view.flipped_across(),
        Step::Down => view.flipped_down(),
    }
}

/// The letters of an image with pixels that are not square in a viewport that is not either.
fn shown(directions: PatientDirections, view: &ViewTransform) -> EdgeLetters {
    let geometry = ViewGeometry::new(640, 200, 0.4, 777, 555, view);
    edge_letters(geometry.canvas_from_pixel.matrix2, directions)
}

fn plane_of(row: &str, column: &str) -> PatientDirections {
    let ([a, b, c], [d, e, f]) = (cosines(row), cosines(column));
    let plane = ImagePlane::new([-12.0, 30.0, 7.0], [a, b, c, d, e, f], [1.5, 0.6]).unwrap();
    PatientDirections::from(&plane)
}

#[test]
fn lesson_11_letters_follow_the_final_screen_matrix() {
    let mut checked = 0;
    for (row, columns) in PAIRS {
        for column in columns {
            // 24 orientations, each as it is and mirrored: 48; times four quarter turns.
            for flip in [false, true] {
                for quarter_turns in 0..4 {
                    let mut expected = upright(row, column);
                    if flip {
                        expected = moved(expected, Step::Across);
                    }
                    for _ in 0..quarter_turns {
                        expected = moved(expected, Step::TurnRight);
                    }
                    let rotation = f64::from(quarter_turns) * 90.0;
                    let view = ViewTransform {
                        zoom: 1.7,
                        pan: [31.0, -8.0],
                        rotation,
                        flip,
                    };
                    let by_plane = shown(plane_of(row, column), &view);
                    assert_eq!(by_plane, expected, "{row}\\{column}, {view:?}");
                    let by_letters = parse_patient_orientation(row, column).unwrap();
                    assert_eq!(
                        shown(by_letters, &view),
                        expected,
                        "{row}\\{column}, {view:?}"
                    );
                    checked += 1;
                }
            }
        }
    }
    assert_eq!(checked, 48 * 4);
}

#[test]
fn lesson_11_letters_follow_every_sequence_of_four_turns_and_flips() {
    for (row, columns) in PAIRS {
        for column in columns {
            for sequence in 0..256_usize {
                let mut view = ViewTransform::default();
                let mut expected = upright(row, column);
                for place in 0..4 {
                    let step = STEPS[sequence >> (2 * place) & 3];
                    view = taken(view, step);
                    expected = moved(expected, step);
                    let actual = shown(plane_of(row, column), &view);
                    assert_eq!(actual, expected, "{row}\\{column}, sequence {sequence}");
                }
            }
        }
    }
}

#[test]
fn the_three_usual_planes_have_their_usual_letters() {
    let view = ViewTransform::default();
    let usual =
        |cosines| PatientDirections::from(&ImagePlane::new([0.0; 3], cosines, [1.0; 2]).unwrap());
    let axial = usual([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(shown(axial, &view), edges("R", "L", "A", "P"));
    let coronal = usual([1.0, 0.0, 0.0, 0.0, 0.0, -1.0]);
    assert_eq!(shown(coronal, &view), edges("R", "L", "H", "F"));
    let sagittal = usual([0.0, 1.0, 0.0, 0.0, 0.0, -1.0]);
    assert_eq!(shown(sagittal, &view), edges("A", "P", "H", "F"));
}

#[test]
fn a_frontal_radiograph_shows_its_patient_orientation() {
    let chest = parse_patient_orientation("L", "F").unwrap();
    assert_eq!(
        shown(chest, &ViewTransform::default()),
        edges("R", "L", "H", "F")
    );
    let flipped = ViewTransform::default().flipped_across();
    assert_eq!(shown(chest, &flipped), edges("L", "R", "H", "F"));
}

#[test]
fn refined_letters_move_with_their_edge() {
    // A mediolateral oblique mammogram: rows to the front, columns to the feet and the right.
    let breast = parse_patient_orientation("A", "FR").unwrap();
    let mut view = ViewTransform::default();
    let mut expected = upright("A", "FR");
    assert_eq!(expected, edges("P", "A", "HL", "FR"));
    for step in [
        Step::TurnRight,
        Step::Across,
        Step::TurnRight,
        Step::Down,
        Step::TurnLeft,
    ] {
        view = taken(view, step);
        expected = moved(expected, step);
        assert_eq!(shown(breast, &view), expected, "{step:?}");
    }
}

#[test]
fn letters_at_an_eighth_of_a_turn_are_the_mixture_of_two_edges() {
    let chest = parse_patient_orientation("L", "F").unwrap();
    // Turned clockwise, what was at the top comes to the right: between left hand and head.
    let view = ViewTransform::default().turned(60.0);
    assert_eq!(shown(chest, &view), edges("FR", "HL", "RH", "LF"));
    // Close to the axis there is no refinement.
    let view = ViewTransform::default().turned(10.0);
    assert_eq!(shown(chest, &view), edges("R", "L", "H", "F"));
}

#[test]
fn letters_are_ordered_by_size_and_small_ones_left_out() {
    let check = |direction: [f64; 3], expected| {
        assert_eq!(
            letters(DVec3::from_array(direction)),
            expected,
            "{direction:?}"
        );
    };
    for (letter, direction) in AXES {
        check(direction, letter);
    }
    // sin 14 degrees is 0.242, sin 15 degrees 0.259.
    check([0.9703, 0.2419, 0.0], "L");
    check([0.9659, 0.2588, 0.0], "LP");
    check([-0.2588, 0.0, -0.9659], "FR");
    check([-0.3, -0.8, 0.52], "AHR");
    check([40.0, -70.0, 30.0], "ALH");
    check([0.0, 0.0, 0.0], "");
    check([f64::NAN, 0.0, 1.0], "");
    check([f64::INFINITY, 0.0, 1.0], "");
}

#[test]
fn equal_components_keep_one_order_whatever_their_last_bit() {
    let half = std::f64::consts::FRAC_1_SQRT_2;
    assert_eq!(letters(DVec3::new(0.0, half, -half)), "PF");
    assert_eq!(letters(DVec3::new(0.0, half, -half - 1e-15)), "PF");
    assert_eq!(letters(DVec3::new(0.0, half - 1e-15, -half)), "PF");
    assert_eq!(letters(DVec3::new(-1.0, 1.0, 1.0)), "RPH");
}

#[test]
fn a_matrix_that_shows_nothing_gives_no_letters() {
    let chest = parse_patient_orientation("L", "F").unwrap();
    assert_eq!(
        edge_letters(glam::DMat2::ZERO, chest),
        EdgeLetters::default()
    );
    assert_eq!(
        edge_letters(glam::DMat2::NAN, chest),
        EdgeLetters::default()
    );
}

#[test]
fn every_text_of_one_to_three_axes_comes_back_from_its_direction() {
    let axis = |letter: &str| "LRPAHF".find(letter).unwrap() / 2;
    let mut texts: Vec<String> = vec![String::new()];
    let mut count = 0;
    for _ in 0..3 {
        texts = texts
            .iter()
            .flat_map(|text| AXES.map(|(letter, _)| (text.clone(), letter)))
            .filter(|(text, letter)| text.chars().all(|c| axis(&c.to_string()) != axis(letter)))
            .map(|(text, letter)| text + letter)
            .collect();
        for text in &texts {
            let direction = direction_from_letters(text).unwrap();
            assert!((direction.length() - 1.0).abs() < 1e-12);
            assert_eq!(&letters(direction), text);
            assert_eq!(letters(-direction), opposite(text));
        }
        count += texts.len();
    }
    assert_eq!(count, 6 + 24 + 48);
}

#[test]
fn the_opposite_of_letters_keeps_their_order() {
    assert_eq!(opposite("L"), "R");
    assert_eq!(opposite("FR"), "HL");
    assert_eq!(opposite("AHL"), "PFR");
    assert_eq!(opposite(""), "");
}

#[test]
fn texts_that_are_no_directions_are_refused() {
    // The second line are letters of quadrupeds, PS3.3 C.7.6.1.1.1.
    for text in ["", " ", "X", "l", "LPHA", "L P", "\u{c5}", "\u{20ac}"]
        .into_iter()
        .chain(["LE", "RT", "D", "V", "CR", "CD", "M", "DI"])
    {
        assert_eq!(
            direction_from_letters(text),
            Err(OrientationError::NotLetters),
            "{text:?}"
        );
    }
    for text in ["LR", "PA", "LL", "HLF"] {
        assert_eq!(
            direction_from_letters(text),
            Err(OrientationError::AxisTwice),
            "{text:?}"
        );
    }
}

#[test]
fn rows_and_columns_along_one_line_are_refused() {
    for (row, column) in [
        ("L", "L"),
        ("L", "R"),
        ("LP", "LP"),
        ("LP", "RA"),
        ("H", "FL"),
    ] {
        let read = parse_patient_orientation(row, column);
        assert_eq!(read, Err(OrientationError::Parallel), "{row}\\{column}");
    }
    for (row, column) in [("LP", "RP"), ("LP", "PR"), ("L ", "F "), ("LPH", "RPH")] {
        assert!(
            parse_patient_orientation(row, column).is_ok(),
            "{row}\\{column}"
        );
    }
}
