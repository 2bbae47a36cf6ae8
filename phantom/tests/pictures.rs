//! Every made-up picture reads back with its own UIDs, and its answers are as many as its pixels.

use dicom_dictionary_std::tags;
use dicom_object::from_reader;
use phantom::pictures::{Picture, encoding_matrix, malformed, pictures};
use std::collections::BTreeSet;

fn all() -> Vec<Picture> {
    let mut all = pictures(1);
    all.extend(encoding_matrix(1));
    all
}

#[test]
fn every_file_reads_and_has_the_uids_that_its_picture_says() {
    for picture in all() {
        let mut uids = BTreeSet::from([picture.sop_instance_uid.clone()]);
        uids.extend(picture.others.iter().map(|(uid, _)| uid.clone()));
        assert_eq!(uids.len(), picture.files.len(), "{}", picture.name);
        for (name, bytes) in &picture.files {
            let object = from_reader(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
            let text = |tag| {
                let element = object.element(tag).expect("present");
                element.to_str().expect("text").into_owned()
            };
            assert_eq!(text(tags::STUDY_INSTANCE_UID), picture.study_uid);
            assert_eq!(text(tags::SERIES_INSTANCE_UID), picture.series_uid);
            assert!(uids.remove(&text(tags::SOP_INSTANCE_UID)), "{name}");
        }
    }
}

#[test]
fn every_answer_has_a_value_for_each_pixel() {
    for picture in all() {
        let lists = [&picture.frames]
            .into_iter()
            .chain(picture.choices.iter().map(|(_, frames)| frames))
            .chain(picture.others.iter().map(|(_, frames)| frames));
        for answer in lists.flatten() {
            let area = answer.columns * answer.rows;
            assert_eq!(answer.rgb.len(), area * 3, "{}", picture.name);
            assert!([0, area].contains(&answer.values.len()), "{}", picture.name);
            assert!(
                [0, area].contains(&answer.overlay.len()),
                "{}",
                picture.name
            );
        }
    }
}

#[test]
fn names_of_pictures_and_of_malformed_objects_are_unique() {
    let all = all();
    let names: BTreeSet<&str> = all.iter().map(|picture| &*picture.name).collect();
    assert_eq!(names.len(), all.len());
    let malformed = malformed(1);
    let names: BTreeSet<&str> = malformed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), malformed.len());
}

#[test]
fn malformed_objects_are_files_all_the_same() {
    for (name, bytes) in malformed(1) {
        assert_eq!(&bytes[128..132], b"DICM", "{name}");
        assert!(from_reader(&bytes[..]).is_ok(), "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_pictures() {
    assert_eq!(pictures(5), pictures(5));
    assert_ne!(pictures(5)[0].study_uid, pictures(6)[0].study_uid);
}

/// C.11.2.1.2.1: with center 150 and width 300, values 0 to 299 run from black to white; frame k is all k.
#[test]
fn frames_of_the_long_cine_are_the_points_of_their_window() {
    let all = pictures(1);
    let picture = all
        .iter()
        .find(|picture| picture.name == "multi-frame-300")
        .expect("there");
    let grey = |frame: usize| picture.frames[frame].rgb[0];
    // 255 k / 299, rounded: 0, 0.85, 85.28, 254.1, 255.
    assert_eq!([0, 1, 100, 298, 299].map(grey), [0, 1, 85, 254, 255]);
    assert_eq!(picture.frames[299].values, [299.0; 16]);
}

/// One constant frame would leave open what is black and what is white.
#[test]
fn every_frame_of_single_bits_has_both_values() {
    let all = pictures(1);
    let picture = all
        .iter()
        .find(|picture| picture.name == "bits-1")
        .expect("there");
    assert_eq!(picture.frames.len(), 8);
    for frame in &picture.frames {
        assert!(frame.rgb.contains(&0) && frame.rgb.contains(&255));
    }
}
