//! The made-up series read back by `viewer-core` alone: groups, grids, notes, and what its sampler gives of the body.

#[path = "../../viewer-core/tests/decode_files/mod.rs"]
mod decode_files;

use crate::shapes::{expect_ramp, expect_rods, expect_spheres};
use crate::through::{Plane, distance, folder_of};
use decode_files::mosaic;
use phantom::volumes::{self, Make, Part, Volume};
use std::sync::Arc;
use viewer_core::decode::{Limits, decode_frame};
use viewer_core::geometry::ViewPlane;
use viewer_core::model::Stack;
use viewer_core::volume::{Group, Slice, Slices, groups, no_volume, plane_values};

const SEED: u64 = 3;

/// A series as `viewer-core` reads it.
struct Known {
    volume: Volume,
    stack: Stack,
    groups: Vec<Group>,
    files: Vec<decode_files::File>,
}

fn read(make: Make) -> Known {
    let volume = make(SEED).unwrap();
    let folder = folder_of(&volume);
    let mut files = Vec::new();
    let mut instances = Vec::new();
    for (name, _) in &volume.files {
        let file = decode_files::read(&folder.path().join(name)).unwrap();
        instances.push(mosaic::instance(&file.object).unwrap());
        files.push(file);
    }
    let stack = Stack::from_instances(instances);
    let groups = groups(&stack);
    Known {
        volume,
        stack,
        groups,
        files,
    }
}

impl Known {
    /// The decoded slices of a group; those that cannot be decoded are absent.
    fn slices(&self, group: usize) -> Slices {
        let group = &self.groups[group];
        let grid = group.grid.as_ref().unwrap();
        let mut slices = Slices::new(grid.columns, grid.rows, grid.slice_count());
        for (index, frame) in group.frames.iter().enumerate() {
            let instance = &self.stack.instances[frame.instance];
            let uid = |file: &&decode_files::File| {
                let element = file
                    .object
                    .element(dicom_dictionary_std::tags::SOP_INSTANCE_UID);
                element.unwrap().to_str().unwrap() == instance.uid.as_str()
            };
            let file = self.files.iter().find(uid).unwrap();
            let bytes = &file.frames[frame.frame_index as usize];
            let syntax = file.transfer_syntax.as_str();
            let Ok(decoded) = decode_frame(bytes, syntax, &file.format, &Limits::default()) else {
                continue;
            };
            let size = [grid.columns, grid.rows];
            let decoded = mosaic::slice(decoded, group.tiling.as_ref(), index, size);
            let modality = instance.frame(frame.frame_index).grey.modality.clone();
            let slice = Arc::new(Slice::new(decoded, modality).unwrap());
            slices.put(index, slice).unwrap();
        }
        slices
    }

    fn values(&self, group: usize, slices: &Slices, plane: &Plane, size: [u32; 2]) -> Vec<f32> {
        let view = ViewPlane::new(plane.center, plane.row, plane.column, plane.pixel_mm).unwrap();
        let grid = self.groups[group].grid.as_ref().unwrap();
        plane_values(grid, slices, &view, size).unwrap()
    }

    /// Its groups are the parts, slice by slice, each at its place.
    fn expect_parts(&self, notes: &[&str]) {
        let name = self.volume.name;
        assert_eq!(self.groups.len(), self.volume.parts.len(), "{name}");
        for (group, part) in self.groups.iter().zip(&self.volume.parts) {
            let grid = group.grid.as_ref().unwrap();
            let frames: Vec<(String, u32)> = (group.frames.iter())
                .map(|frame| {
                    let uid = self.stack.instances[frame.instance].uid.clone();
                    (uid, frame.frame_index + 1)
                })
                .collect();
            assert_eq!(frames, part.frames, "{name}");
            let [columns, rows, slices] = part.lattice.size;
            for voxel in [
                [0, 0, 0],
                [columns - 1, 0, slices / 2],
                [0, rows - 1, slices - 1],
                [columns / 2, rows / 2, slices / 3],
            ] {
                let at = voxel.map(|index| index as f64);
                let found = grid.patient_from_voxel(at.into()).to_array();
                let expected = part.lattice.patient_mm(voxel);
                // Directions and places have six decimals.
                assert!(
                    distance(found, expected) < 2e-3,
                    "{name}: {found:?} {expected:?}"
                );
            }
            let words: Vec<String> = grid.notes.iter().map(ToString::to_string).collect();
            assert_eq!(words, notes, "{name}");
        }
    }
}

#[test]
fn whole_series_are_their_lattices_with_notes_in_words() {
    let tilt = "gantry tilt of 17.0 degrees corrected";
    let uneven = "slice distance varies from 1.00 to 2.20 mm; true positions are used";
    let mosaic = "the 21 slices are parts of one image, a mosaic";
    let cases: [(Make, &[&str]); 13] = [
        (volumes::spheres, &[]),
        (volumes::tilted, &[tilt]),
        (volumes::oblique_grid, &[]),
        (volumes::uneven, &[uneven]),
        (volumes::shuffled, &[]),
        (volumes::pet_slopes, &[]),
        (volumes::thin, &[]),
        (volumes::broad, &[]),
        (
            volumes::missing_slice,
            &["1 slice is missing between 17 and 18"],
        ),
        (volumes::corrupt_slice, &[]),
        (volumes::enhanced, &[]),
        (volumes::wide_stack, &[]),
        (volumes::mosaic, &[mosaic]),
    ];
    for (make, notes) in cases {
        read(make).expect_parts(notes);
    }
}

#[test]
fn series_of_several_volumes_are_parted() {
    for (make, names) in [
        (volumes::two_echoes as Make, vec!["echo 1", "echo 2"]),
        (
            volumes::four_dimensional,
            vec!["time 1 of 3", "time 2 of 3", "time 3 of 3"],
        ),
        (
            volumes::mixed_spacing,
            vec!["axial, 1.5 mm (1)", "axial, 1.5 mm (2)"],
        ),
        (
            volumes::two_frames_of_reference,
            vec!["axial, 1.5 mm (1)", "axial, 1.5 mm (2)"],
        ),
    ] {
        let known = read(make);
        known.expect_parts(&[]);
        let found: Vec<&str> = known
            .groups
            .iter()
            .map(|group| group.name.as_str())
            .collect();
        assert_eq!(found, names, "{}", known.volume.name);
    }
}

#[test]
fn a_slice_that_is_there_twice_is_left_out_once() {
    let known = read(volumes::duplicate_slice);
    let grid = known.groups[0].grid.as_ref().unwrap();
    assert_eq!((known.groups.len(), grid.slice_count()), (1, 40));
    let words: Vec<String> = grid.notes.iter().map(ToString::to_string).collect();
    assert_eq!(words, ["1 duplicate slice left out, of slice 13"]);
}

#[test]
fn what_is_no_volume_says_why() {
    let few = "Three planes need at least 4 parallel slices; this series has";
    let cases: [(Make, &str); 9] = [
        (
            volumes::mixed_size,
            "Three planes need at least 4 parallel slices of one size; this series has 9 images in 3 groups of fewer.",
        ),
        (volumes::two_localisers, few),
        (volumes::one_slice, few),
        (volumes::wide, few),
        (volumes::zero_spacing, "pixel spacing"),
        (volumes::nan_spacing, "pixel spacing"),
        (
            volumes::mosaic_without_header,
            "the file does not say in which direction they follow (CSA header)",
        ),
        (
            volumes::unnormalised_orientation,
            "a direction has length 2",
        ),
        (
            volumes::skewed_orientation,
            "the cosine between row and column is 0.5",
        ),
    ];
    for (make, words) in cases {
        let known = read(make);
        let reason = no_volume(&known.stack, &known.groups);
        let reason = reason.unwrap_or_else(|| panic!("{} is a volume", known.volume.name));
        assert!(reason.contains(words), "{}: {reason}", known.volume.name);
    }
}

/// The sampler gives the body; so what the same checks find in a browser is the browser's.
#[test]
fn the_sampler_gives_the_ramp_and_the_shapes_at_their_places() {
    for make in [
        volumes::spheres as Make,
        volumes::tilted,
        volumes::oblique_grid,
        volumes::uneven,
        volumes::shuffled,
        volumes::pet_slopes,
        volumes::enhanced,
    ] {
        let known = read(make);
        for (group, part) in known.volume.parts.iter().enumerate() {
            let slices = known.slices(group);
            let mut read = |plane: &Plane, size| known.values(group, &slices, plane, size);
            let what = format!("{} {group}", known.volume.name);
            expect_ramp(&mut read, part, 8, &what);
            if group == 0 {
                expect_spheres(&mut read, part, &what);
                expect_rods(&mut read, part, &what);
            }
        }
    }
}

#[test]
fn the_sampler_gives_the_ramp_of_large_and_of_several_volumes() {
    for make in [
        volumes::broad as Make,
        volumes::wide_stack,
        volumes::long,
        volumes::tall,
        volumes::two_echoes,
        volumes::four_dimensional,
        volumes::mosaic,
    ] {
        let known = read(make);
        for (group, part) in known.volume.parts.iter().enumerate() {
            let slices = known.slices(group);
            let mut read = |plane: &Plane, size| known.values(group, &slices, plane, size);
            let what = format!("{} {group}", known.volume.name);
            expect_ramp(&mut read, part, 4, &what);
        }
    }
}

/// Every voxel is a probe's answer.
fn expect_voxels(known: &Known, part: &Part) {
    let slices = known.slices(0);
    let [columns, rows, _] = part.lattice.size;
    for slice in 0..part.lattice.size[2] {
        if slice == volumes::CORRUPT {
            assert!(slices.get(slice).is_none());
            continue;
        }
        let found = slices.get(slice).unwrap();
        for at in (0..columns * rows).step_by(97) {
            let (column, row) = (at % columns, at / columns);
            let stored = found.stored(column as u32, row as u32).unwrap();
            assert_eq!(stored, f64::from(part.stored([column, row, slice])));
        }
    }
}

#[test]
fn all_but_the_corrupt_slice_decode() {
    let known = read(volumes::corrupt_slice);
    expect_voxels(&known, &known.volume.parts[0]);
}
