//! Every made-up series reads back as its lattice says: places, stored values and UIDs of each slice.

use dicom_core::value::Value;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, InMemDicomObject, from_reader};
use phantom::volumes::{self, LARGE, SMALL, Volume};
use std::collections::BTreeMap;

const SEED: u64 = 3;

fn objects(volume: &Volume) -> BTreeMap<String, DefaultDicomObject> {
    let object = |(name, bytes): &(String, Vec<u8>)| {
        let object = from_reader(&bytes[..]).unwrap_or_else(|error| panic!("{name}: {error}"));
        (text(&object, tags::SOP_INSTANCE_UID), object)
    };
    volume.files.iter().map(object).collect()
}

fn text(object: &InMemDicomObject, tag: dicom_core::Tag) -> String {
    let element = object.element(tag).expect("present");
    element.to_str().expect("text").into_owned()
}

fn decimals(object: &InMemDicomObject, tag: dicom_core::Tag) -> Vec<f64> {
    let element = object.element(tag).expect("present");
    element.to_multi_float64().expect("numbers")
}

#[test]
fn files_have_the_uids_that_their_series_says() {
    for make in SMALL {
        let volume = make(SEED).expect("encoded");
        let objects = objects(&volume);
        assert_eq!(objects.len(), volume.files.len(), "{}", volume.name);
        for object in objects.values() {
            assert_eq!(text(object, tags::STUDY_INSTANCE_UID), volume.study_uid);
            assert_eq!(text(object, tags::SERIES_INSTANCE_UID), volume.series_uid);
            assert_eq!(text(object, tags::STUDY_DESCRIPTION), volume.name);
        }
        for (uid, _) in volume.parts.iter().flat_map(|part| &part.frames) {
            assert!(objects.contains_key(uid), "{}", volume.name);
        }
    }
}

#[test]
fn names_and_uids_of_series_differ() {
    let mut seen = BTreeMap::new();
    let mosaics = [volumes::mosaic, volumes::mosaic_without_header];
    for make in SMALL.into_iter().chain(LARGE).chain(mosaics) {
        let volume = make(SEED).expect("encoded");
        let other = seen.insert(volume.study_uid.clone(), volume.name);
        assert_eq!(other, None, "{}", volume.name);
    }
}

#[test]
fn slices_lie_where_their_lattice_says_and_hold_its_values() {
    let singles = [
        volumes::spheres,
        volumes::pair_ct,
        volumes::pair_pet,
        volumes::tilted,
        volumes::oblique_grid,
        volumes::uneven,
        volumes::shuffled,
        volumes::pet_slopes,
        volumes::two_echoes,
    ];
    for make in singles {
        let volume = make(SEED).expect("encoded");
        let objects = objects(&volume);
        for part in &volume.parts {
            let [columns, rows, slices] = part.lattice.size;
            assert_eq!(part.frames.len(), slices);
            for (slice, (uid, _)) in part.frames.iter().enumerate() {
                let object = &objects[uid];
                let found = decimals(object, tags::IMAGE_POSITION_PATIENT);
                assert_eq!(found, part.lattice.origins_mm[slice], "{}", volume.name);
                let pixels = object.element(tags::PIXEL_DATA).expect("present");
                let words = pixels.to_multi_int::<u16>().expect("words");
                assert_eq!(words.len(), columns * rows);
                let voxel = [columns * 17 / 64, rows / 2 - 1, slice];
                let at = voxel[1] * columns + voxel[0];
                assert_eq!(words[at], part.stored(voxel), "{}", volume.name);
                let slope = decimals(object, tags::RESCALE_SLOPE)[0];
                let intercept = decimals(object, tags::RESCALE_INTERCEPT)[0];
                let value = f64::from(words[at]) * slope + intercept;
                let truth = part.truth(part.lattice.patient_mm(voxel));
                assert!(
                    (value - truth).abs() <= slope / 2.0 + 1e-9,
                    "{value} {truth}"
                );
            }
        }
    }
}

#[test]
fn no_value_of_a_whole_series_leaves_its_16_bits() {
    for make in SMALL {
        let volume = make(SEED).expect("encoded");
        for part in &volume.parts {
            for slice in 0..part.lattice.size[2] {
                let at = [part.lattice.size[0] / 2, part.lattice.size[1] / 2, slice];
                let truth = part.truth(part.lattice.patient_mm(at));
                let apart = (part.voxel_value(at) - truth).abs();
                assert!(apart <= part.rescale[slice].slope, "{}", volume.name);
            }
        }
    }
}

#[test]
fn frames_of_the_enhanced_object_are_those_of_both_stacks() {
    let volume = volumes::enhanced(SEED).expect("encoded");
    let objects = objects(&volume);
    let object = objects.values().next().expect("one");
    let groups = object
        .element(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
        .expect("present");
    let Value::Sequence(groups) = groups.value() else {
        panic!("no sequence");
    };
    assert_eq!(groups.items().len(), 64);
    let pixels = object.element(tags::PIXEL_DATA).expect("present");
    let words = pixels.to_multi_int::<u16>().expect("words");
    for (stack, part) in volume.parts.iter().enumerate() {
        for (slice, (_, number)) in part.frames.iter().enumerate() {
            let frame = *number as usize - 1;
            let item = |tag| {
                let element = groups.items()[frame].element(tag).expect("present");
                element.items().expect("items")[0].clone()
            };
            let id = text(&item(tags::FRAME_CONTENT_SEQUENCE), tags::STACK_ID);
            assert_eq!(id, (stack + 1).to_string());
            let position = item(tags::PLANE_POSITION_SEQUENCE);
            let position = decimals(&position, tags::IMAGE_POSITION_PATIENT);
            assert_eq!(position, part.lattice.origins_mm[slice]);
            let at = frame * 64 * 64 + 20 * 64 + 30;
            assert_eq!(words[at], part.stored([30, 20, slice]));
        }
    }
}

/// The middle of the whole image is where the middle of the first slice is: its last along row x column.
#[test]
fn a_mosaic_has_all_slices_of_its_lattice_about_the_first_ones_middle() {
    let volume = volumes::mosaic(SEED).expect("encoded");
    let objects = objects(&volume);
    assert_eq!((objects.len(), volume.parts.len()), (2, 2));
    for part in &volume.parts {
        let object = &objects[&part.frames[0].0];
        let [columns, rows, slices] = part.lattice.size;
        let [width, height] = [columns, rows].map(|side| side * volumes::MOSAIC_ACROSS);
        let position = decimals(object, tags::IMAGE_POSITION_PATIENT);
        let [dx, dy] = part.lattice.spacing_mm;
        let first = part.lattice.origins_mm[slices - 1];
        for axis in 0..3 {
            let middle = |start: f64, [w, h]: [usize; 2]| {
                let along = part.lattice.row[axis] * dx * w as f64;
                start + (along + part.lattice.column[axis] * dy * h as f64) / 2.0
            };
            let whole = middle(position[axis], [width, height]);
            let slice = middle(first[axis], [columns, rows]);
            assert!((whole - slice).abs() < 1e-5, "{whole} {slice}");
        }
        let pixels = object.element(tags::PIXEL_DATA).expect("present");
        let words = pixels.to_multi_int::<u16>().expect("words");
        assert_eq!(words.len(), width * height);
        for slice in 0..slices {
            let tile = slices - 1 - slice;
            let (down, across) = (tile / volumes::MOSAIC_ACROSS, tile % volumes::MOSAIC_ACROSS);
            let at = (down * rows + 31) * width + across * columns + 17;
            assert_eq!(words[at], part.stored([17, 31, slice]));
        }
    }
}

#[test]
fn the_corrupt_slice_alone_is_cut() {
    let volume = volumes::corrupt_slice(SEED).expect("encoded");
    let objects = objects(&volume);
    let lengths: Vec<usize> = (volume.parts[0].frames.iter())
        .map(|(uid, _)| {
            let pixels = objects[uid].element(tags::PIXEL_DATA).expect("present");
            let Value::PixelSequence(pixels) = pixels.value() else {
                panic!("not encapsulated");
            };
            pixels.fragments()[0].len()
        })
        .collect();
    let longest = lengths.iter().max().expect("slices");
    for (slice, length) in lengths.iter().enumerate() {
        let is_cut = length * 10 < longest * 6;
        assert_eq!(
            is_cut,
            slice == volumes::CORRUPT,
            "{slice}: {length} of {longest}"
        );
    }
}
