//! Series made of metadata, split by hand.

use super::*;
use crate::model::Stack;
use protocol::dicomweb::json;

/// One axial frame of 4 x 4 pixels of 1 mm at height `z`, with more attributes.
fn frame(number: usize, z: f64, more: &str) -> String {
    let orientation = r#""00200037":{"Value":[1,0,0,0,1,0]}"#;
    placed_frame(
        number,
        &format!("[0,0,{z}]"),
        &format!("{orientation},{more}"),
    )
}

fn placed_frame(number: usize, position: &str, more: &str) -> String {
    let more = more.trim_end_matches(',');
    format!(
        r#"{{"00080018":{{"Value":["1.{number}"]}},"00200013":{{"Value":[{number}]}},
        "00280100":{{"Value":[16]}},"00280030":{{"Value":[1,1]}},
        "00280010":{{"Value":[4]}},"00280011":{{"Value":[4]}},
        "00200032":{{"Value":{position}}},{more}}}"#
    )
}

/// Five slices 3 mm apart, once for each of these attributes.
fn series(marks: &[&str]) -> Vec<String> {
    let mut number = 0;
    let mut sets = Vec::new();
    for mark in marks {
        for slice in 0..5 {
            number += 1;
            sets.push(frame(number, f64::from(slice) * 3.0, mark));
        }
    }
    sets
}

fn stack(sets: &[String]) -> Stack {
    Stack::from_metadata(&json::parse(&format!("[{}]", sets.join(","))).unwrap())
}

/// Names, each with the number of slices, or 0 where there is no grid.
fn names(sets: &[String]) -> Vec<(String, usize)> {
    let slices = |group: &Group| group.grid.as_ref().map_or(0, VolumeGrid::slice_count);
    let groups = groups(&stack(sets));
    groups
        .iter()
        .map(|group| (group.name.clone(), slices(group)))
        .collect()
}

fn check(sets: &[String], expected: &[(&str, usize)]) {
    let found = names(sets);
    let found: Vec<_> = found
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(found, expected);
}

/// Why there is no volume.
fn reason(sets: &[String]) -> String {
    let stack = stack(sets);
    no_volume(&stack, &groups(&stack)).unwrap()
}

#[test]
fn slices_go_by_position_and_not_by_instance_number() {
    let sets = [(1, 9.0), (2, 0.0), (3, 6.0), (4, 3.0)].map(|(n, z)| frame(n, z, ""));
    let stack = stack(&sets);
    let groups = groups(&stack);
    assert_eq!(groups[0].name, "axial, 3.0 mm");
    let numbers = groups[0]
        .frames
        .iter()
        .map(|f| stack.instances[f.instance].number.unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), [2, 4, 3, 1]);
    assert_eq!(no_volume(&stack, &groups), None);
}

#[test]
fn b_values_at_one_place_are_groups() {
    let sets = series(&[
        r#""00189087":{"Value":[1000]}"#,
        r#""00189087":{"Value":[0]}"#,
    ]);
    check(&sets, &[("b 0", 5), ("b 1000", 5)]);
}

#[test]
fn echoes_and_kinds_are_groups_of_groups() {
    let mark = |kind: &str, te: f64| {
        format!(
            r#""00080008":{{"Value":["ORIGINAL","PRIMARY","{kind}"]}},"00180081":{{"Value":[{te}]}}"#
        )
    };
    let marks = [
        mark("M", 2.4),
        mark("M", 4.9),
        mark("P", 2.4),
        mark("P", 4.9),
    ];
    let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
    check(
        &series(&marks),
        &[
            ("magnitude, echo 1", 5),
            ("magnitude, echo 2", 5),
            ("phase map, echo 1", 5),
            ("phase map, echo 2", 5),
        ],
    );
}

#[test]
fn a_mark_that_differs_from_slice_to_slice_alone_splits_nothing() {
    let sets: Vec<String> = (0..5)
        .map(|n| {
            let mark = format!(
                r#""00180081":{{"Value":[{n}]}},"00080032":{{"Value":["10000{n}"]}},"00200012":{{"Value":[{n}]}}"#
            );
            frame(n, 3.0 * n as f64, &mark)
        })
        .collect();
    check(&sets, &[("axial, 3.0 mm", 5)]);
}

#[test]
fn times_that_are_others_at_each_place_are_counted_there() {
    // Slice by slice, ten seconds apart; each slice three times, a second apart.
    let mut sets = Vec::new();
    for slice in 0..5 {
        for time in 0..3 {
            let mark = format!(r#""00080032":{{"Value":["1000{slice}{time}"]}}"#);
            sets.push(frame(sets.len(), f64::from(slice) * 3.0, &mark));
        }
    }
    check(
        &sets,
        &[("time 1 of 3", 5), ("time 2 of 3", 5), ("time 3 of 3", 5)],
    );
}

#[test]
fn trigger_times_are_phases() {
    let marks = ["0", "41.5", "83"].map(|ms| format!(r#""00181060":{{"Value":[{ms}]}}"#));
    let marks: Vec<&str> = marks.iter().map(String::as_str).collect();
    check(
        &series(&marks),
        &[
            ("phase 1 of 3", 5),
            ("phase 2 of 3", 5),
            ("phase 3 of 3", 5),
        ],
    );
}

#[test]
fn frames_that_nothing_tells_apart_are_times_in_their_order() {
    check(
        &series(&["", ""]),
        &[("time 1 of 2", 5), ("time 2 of 2", 5)],
    );
}

#[test]
fn lesson_12_a_single_slice_twice_is_a_duplicate() {
    let mut sets = series(&[""]);
    sets.push(frame(9, 6.0, ""));
    let groups = groups(&stack(&sets));
    assert_eq!(groups.len(), 1);
    let notes = &groups[0].grid.as_ref().unwrap().notes;
    assert_eq!(
        notes[0].to_string(),
        "1 duplicate slice left out, of slice 3"
    );
}

#[test]
fn orientations_are_groups_with_names() {
    let mut sets = series(&[""]);
    for n in 0..4 {
        let coronal = r#""00200037":{"Value":[1,0,0,0,0,-1]}"#;
        sets.push(placed_frame(20 + n, &format!("[0,{},0]", 5 * n), coronal));
    }
    check(&sets, &[("axial, 3.0 mm", 5), ("coronal, 5.0 mm", 4)]);
}

#[test]
fn orientation_and_spacing_have_tolerances() {
    // A turn of 0.4 degrees stays, one of 0.6 goes; the same for spacings off by 0.00005 and 0.0002.
    let turned = |number: usize, degrees: f64| {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let o = format!(r#""00200037":{{"Value":[{cos},{sin},0,{},{cos},0]}}"#, -sin);
        placed_frame(number, "[0,0,15]", &o)
    };
    let spaced =
        |number: usize, mm: f64| frame(number, 15.0, "").replace("[1,1]", &format!("[1,{mm}]"));
    let groups_with = |set: String| {
        let mut sets = series(&[""]);
        sets.push(set);
        groups(&stack(&sets)).len()
    };
    assert_eq!(
        [groups_with(turned(9, 0.4)), groups_with(turned(9, 0.6))],
        [1, 2]
    );
    assert_eq!(
        [
            groups_with(spaced(9, 1.00005)),
            groups_with(spaced(9, 1.0002))
        ],
        [1, 2]
    );
}

#[test]
fn directions_that_differ_a_little_are_said() {
    // 0.008 rad put rows of 10 mm aside by 0.08 mm, and columns too.
    let mut sets = series(&[""]);
    let turned = r#""00200037":{"Value":[0.999968,0.008,0,-0.008,0.999968,0]}"#;
    sets.push(placed_frame(9, "[0,0,15]", turned));
    for set in &mut sets {
        *set = set.replace(r#""Value":[4]"#, r#""Value":[10]"#);
    }
    let groups = groups(&stack(&sets));
    let notes = &groups[0].grid.as_ref().unwrap().notes;
    let expected =
        "slices are turned against each other, by up to 0.2 mm at the edge, which is not corrected";
    assert_eq!(notes[0].to_string(), expected);
}

#[test]
fn stacks_beside_each_other_are_two() {
    // Both at the same distances along the normal, 100 mm apart within the plane.
    let mut sets = series(&[""]);
    for n in 0..5 {
        sets.push(placed_frame(
            10 + n,
            &format!("[100,0,{}]", 3 * n),
            r#""00200037":{"Value":[1,0,0,0,1,0]}"#,
        ));
    }
    check(&sets, &[("axial, 3.0 mm (1)", 5), ("axial, 3.0 mm (2)", 5)]);
}

#[test]
fn another_frame_of_reference_is_another_body() {
    let sets = series(&[
        r#""00200052":{"Value":["1.1"]}"#,
        r#""00200052":{"Value":["1.2"]}"#,
    ]);
    check(&sets, &[("axial, 3.0 mm (1)", 5), ("axial, 3.0 mm (2)", 5)]);
}

#[test]
fn a_tilt_is_named_after_the_gantry_of_a_ct() {
    let (sin, cos) = 15f64.to_radians().sin_cos();
    let sets: Vec<String> = (0..5)
        .map(|n| {
            let more = format!(
                r#""00200037":{{"Value":[1,0,0,0,{cos},{}]}},"00080016":{{"Value":["1.2.840.10008.5.1.4.1.1.2"]}}"#,
                -sin
            );
            placed_frame(n, &format!("[0,0,{}]", 4 * n), &more)
        })
        .collect();
    let groups = groups(&stack(&sets));
    let notes = &groups[0].grid.as_ref().unwrap().notes;
    assert_eq!(
        notes[0].to_string(),
        "gantry tilt of 15.0 degrees corrected"
    );
}

#[test]
fn a_tilt_that_positions_do_not_show_is_said() {
    let groups = groups(&stack(&series(&[r#""00181120":{"Value":[-12]}"#])));
    let notes = &groups[0].grid.as_ref().unwrap().notes;
    let expected = "the file says a gantry tilt of 12.0 degrees, but its positions show none";
    assert_eq!(notes[0].to_string(), expected);
}

#[test]
fn what_is_no_volume_says_why() {
    let two = [frame(1, 0.0, ""), frame(2, 5.0, "")];
    let words = "Three planes need at least 4 parallel slices; this series has 2.";
    assert_eq!(reason(&two), words);

    // Three directions with two slices each.
    let mut localisers = Vec::new();
    for o in ["[1,0,0,0,1,0]", "[1,0,0,0,0,-1]", "[0,1,0,0,0,-1]"] {
        for n in 0..2 {
            let more = format!(r#""00200037":{{"Value":{o}}}"#);
            let number = localisers.len();
            localisers.push(placed_frame(number, &format!("[{n},{n},{n}]"), &more));
        }
    }
    let words = "Three planes need at least 4 parallel slices of one size; this series has 6 images in 3 groups of fewer.";
    assert_eq!(reason(&localisers), words);

    let sizes: Vec<String> = (0..4)
        .map(|n| {
            frame(n, 3.0 * n as f64, "").replace(
                r#""00280010":{"Value":[4]}"#,
                &format!(r#""00280010":{{"Value":[{}]}}"#, 4 + n),
            )
        })
        .collect();
    assert!(
        reason(&sizes).contains("4 images in 4 groups"),
        "{}",
        reason(&sizes)
    );
}

#[test]
fn numbers_that_cannot_be_used_are_named() {
    let each = |from: &str, to: &str| -> String {
        let sets: Vec<String> = series(&[""])
            .iter()
            .map(|set| set.replace(from, to))
            .collect();
        reason(&sets)
    };
    let spacing = "This series cannot be shown in three planes: the file does not say the pixel spacing, or not in numbers that can be used.";
    assert_eq!(each("[1,1]", "[0,1]"), spacing);
    assert_eq!(each("[1,1]", r#"["NaN","1"]"#), spacing);
    assert!(each("00200032", "00209999").contains("image position"));
    assert!(each("[1,0,0,0,1,0]", "[]").contains("image orientation"));
    assert!(each("[1,0,0,0,1,0]", "[1,0,0,0.5,0.866,0]").contains("cosine"));
    assert!(each("[1,0,0,0,1,0]", "[2,0,0,0,1,0]").contains("length 2"));
}

#[test]
fn colour_and_mosaics_are_no_volume() {
    let colour = series(&[r#""00280002":{"Value":[3]},"00280004":{"Value":["RGB"]}"#]);
    assert!(reason(&colour).ends_with("these are colour images."));
    let mosaic = series(&[r#""00080008":{"Value":["ORIGINAL","PRIMARY","MOSAIC"]}"#]);
    assert!(reason(&mosaic).contains("a mosaic of slices"));
    let none = Stack::default();
    assert_eq!(
        no_volume(&none, &groups(&none)).unwrap(),
        "This series holds no images."
    );
}

#[test]
fn stacks_of_an_enhanced_object_are_told_apart() {
    let frame = |stack: u32, z: u32| {
        format!(
            r#"{{"00209113":{{"Value":[{{"00200032":{{"Value":[0,0,{z}]}}}}]}},
            "00209111":{{"Value":[{{"00209056":{{"Value":["{stack}"]}}}}]}}}}"#
        )
    };
    let frames: Vec<String> = [
        (1, 0),
        (1, 2),
        (1, 4),
        (1, 6),
        (2, 1),
        (2, 3),
        (2, 5),
        (2, 7),
    ]
    .map(|(stack, z)| frame(stack, z))
    .to_vec();
    let set = format!(
        r#"{{"00080018":{{"Value":["1"]}},"00280010":{{"Value":[2]}},"00280011":{{"Value":[2]}},
        "00280100":{{"Value":[16]}},"00280008":{{"Value":[8]}},
        "52009229":{{"Value":[{{"00289110":{{"Value":[{{"00280030":{{"Value":[0.5,0.5]}}}}]}},
          "00209116":{{"Value":[{{"00200037":{{"Value":[1,0,0,0,1,0]}}}}]}}}}]}},
        "52009230":{{"Value":[{}]}}}}"#,
        frames.join(",")
    );
    check(
        &[set],
        &[("axial, 2.0 mm (1)", 4), ("axial, 2.0 mm (2)", 4)],
    );
}
