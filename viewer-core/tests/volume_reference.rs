//! Planes of real series against those that scipy and SimpleITK agree on (`mpr-reference`), and the geometry of
//! real series against facts that were read from their headers by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "sizes and shares of test pictures"
)]

mod decode_files;

use std::path::Path;
use std::sync::Arc;

use decode_files::mosaic;
use glam::DVec3;
use serde_json::Value;
use viewer_core::decode::{Limits, decode_frame};
use viewer_core::geometry::{Projection, Slab, ViewPlane, letters};
use viewer_core::model::Stack;
use viewer_core::volume::{Group, Slice, Slices, VolumeGrid, groups, no_volume, plane_values};

/// A series with its groups; `files` are names within the folder, in any order.
struct Series {
    stack: Stack,
    groups: Vec<Group>,
    files: Vec<(String, decode_files::File)>,
}

fn read(folder: &Path, takes: impl Fn(&str) -> bool) -> Series {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| takes(name))
        .collect();
    names.sort();
    let mut instances = Vec::new();
    let mut files = Vec::new();
    for name in names {
        let file = decode_files::read(&folder.join(&name)).unwrap();
        let instance = mosaic::instance(&file.object).unwrap();
        files.push((instance.uid.clone(), file));
        instances.push(instance);
    }
    let stack = Stack::from_instances(instances);
    let groups = groups(&stack);
    Series {
        stack,
        groups,
        files,
    }
}

impl Series {
    fn grid(&self, group: usize) -> &VolumeGrid {
        self.groups[group].grid.as_ref().unwrap()
    }

    fn slices(&self, group: usize) -> Slices {
        let (grid, group) = (self.grid(group), &self.groups[group]);
        let mut slices = Slices::new(grid.columns, grid.rows, grid.slice_count());
        for (index, frame) in group.frames.iter().enumerate() {
            let instance = &self.stack.instances[frame.instance];
            let (_, file) = self
                .files
                .iter()
                .find(|(uid, _)| *uid == instance.uid)
                .unwrap();
            let bytes = &file.frames[frame.frame_index as usize];
            let syntax = file.transfer_syntax.as_str();
            let decoded = decode_frame(bytes, syntax, &file.format, &Limits::default()).unwrap();
            let size = [grid.columns, grid.rows];
            let decoded = mosaic::slice(decoded, group.tiling.as_ref(), index, size);
            let modality = instance.frame(frame.frame_index).grey.modality.clone();
            slices
                .put(index, Arc::new(Slice::new(decoded, modality).unwrap()))
                .unwrap();
        }
        slices
    }

    fn notes(&self, group: usize) -> Vec<String> {
        self.grid(group)
            .notes
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn numbers(&self, group: usize) -> Vec<i64> {
        let frames = self.groups[group].frames.iter();
        frames
            .map(|frame| self.stack.instances[frame.instance].number.unwrap())
            .collect()
    }
}

/// A float array as numpy writes it: version 1, little endian, C order.
fn read_npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    assert!(
        text.contains("'<f4'") && text.contains("'fortran_order': False"),
        "{text}"
    );
    let (cells, rest) = bytes[10 + header..].as_chunks::<4>();
    assert!(rest.is_empty());
    cells.iter().map(|cell| f32::from_le_bytes(*cell)).collect()
}

fn triple(value: &Value) -> DVec3 {
    let numbers: Vec<f64> = value
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_f64().unwrap())
        .collect();
    DVec3::from_slice(&numbers)
}

/// Samples of a reference plane against ours.
struct Comparison {
    samples: usize,
    /// Share of all samples that are NaN in one and a number in the other.
    edges: f64,
    /// Share of samples that are numbers in both and further apart than `limit` of the range.
    off: f64,
    worst: f64,
}

/// `found` are our values; `is_inside` says whether we have the sample where the reference has it.
fn compare(expected: &[f32], found: &[f32], is_inside: &[bool], limit: f64) -> Comparison {
    assert_eq!(expected.len(), found.len());
    let numbers = expected.iter().filter(|value| !value.is_nan());
    let (low, high) = numbers.fold((f32::MAX, f32::MIN), |(low, high), value| {
        (value.min(low), value.max(high))
    });
    let range = f64::from(high) - f64::from(low);
    let (mut edges, mut off, mut worst) = (0, 0, 0.0_f64);
    for ((expected, found), is_inside) in expected.iter().zip(found).zip(is_inside) {
        edges += usize::from(expected.is_nan() == *is_inside);
        if !expected.is_nan() && !found.is_nan() {
            let apart = (f64::from(*expected) - f64::from(*found)).abs() / range;
            worst = worst.max(apart);
            off += usize::from(apart > limit);
        }
    }
    let share = |count: usize| count as f64 / expected.len() as f64;
    Comparison {
        samples: expected.len(),
        edges: share(edges),
        off: share(off),
        worst,
    }
}

/// Every plane of one series' reference.
fn check_reference(name: &str) {
    let Some(data) = decode_files::shared_data() else {
        return;
    };
    let folder = data.join("mpr-reference").join(name);
    let text = std::fs::read_to_string(folder.join("spec.json")).unwrap();
    let spec: Value = serde_json::from_str(&text).unwrap();
    let series = read(&data.join(name), |_| true);
    assert_eq!(series.groups.len(), 1, "{name}");
    let (grid, slices) = (series.grid(0), series.slices(0));
    let affine = grid.patient_from_voxel_matrix().unwrap();
    let matrix = affine.matrix3;
    // The reference's matrix takes (slice, row, column) to (x, y, z); its rows are x, y and z.
    let [x, y, z] = [0, 1, 2].map(|axis| triple(&spec["voxel_matrix_kji"][axis]));
    let steps = [matrix.z_axis, matrix.y_axis, matrix.x_axis];
    for (index, step) in steps.into_iter().enumerate() {
        close(step, [x[index], y[index], z[index]], 1e-6);
    }
    close(
        affine.translation,
        triple(&spec["voxel_origin"]).to_array(),
        1e-4,
    );
    for (plane_name, plane) in spec["planes"].as_object().unwrap() {
        let [width, height] = [0, 1].map(|side| plane["size"][side].as_u64().unwrap() as u32);
        let pixel_mm = plane["spacing_mm"].as_f64().unwrap();
        let (row, column) = (
            triple(&plane["row_direction"]),
            triple(&plane["column_direction"]),
        );
        let center = triple(&plane["origin"])
            + row * (f64::from(width - 1) / 2.0 * pixel_mm)
            + column * (f64::from(height - 1) / 2.0 * pixel_mm);
        let view = ViewPlane::new(
            center.to_array(),
            row.to_array(),
            column.to_array(),
            pixel_mm,
        );
        let view = view.unwrap();
        let values = |view: &ViewPlane| plane_values(grid, &slices, view, [width, height]).unwrap();
        let expected = read_npy(&folder.join(plane["file"].as_str().unwrap()));
        let (compared, edge_limit, off_limit) = match plane["slab_mm"].as_f64() {
            None => {
                let found = values(&view);
                let is_inside: Vec<bool> = found.iter().map(|value| !value.is_nan()).collect();
                (compare(&expected, &found, &is_inside, 0.005), 0.01, 0.0005)
            }
            Some(thickness_mm) => {
                let step_mm = plane["step_mm"].as_f64().unwrap();
                let slab = Slab {
                    thickness_mm,
                    projection: match plane["combine"].as_str().unwrap() {
                        "mip" => Projection::Mip,
                        "minip" => Projection::MinIp,
                        _ => Projection::Mean,
                    },
                    step_mm: Some(step_mm),
                };
                let found = values(&view.with_slab(slab).unwrap());
                // The reference has numbers only where all planes of the slab are inside, we where any is.
                let side = (thickness_mm / 2.0 / step_mm).floor() as i32;
                let mut is_inside = vec![true; found.len()];
                for plane in -side..=side {
                    let single = values(&view.moved(f64::from(plane) * step_mm));
                    for (is_inside, value) in is_inside.iter_mut().zip(single) {
                        *is_inside &= !value.is_nan();
                    }
                }
                (compare(&expected, &found, &is_inside, 0.02), 0.01, 0.01)
            }
        };
        println!(
            "{name} {plane_name}: {} samples, {:.4} % off, worst {:.5} % of the range, edges {:.3} %",
            compared.samples,
            compared.off * 100.0,
            compared.worst * 100.0,
            compared.edges * 100.0
        );
        assert!(compared.off <= off_limit, "{plane_name}");
        assert!(compared.edges <= edge_limit, "{plane_name}");
    }
}

#[test]
fn planes_of_a_ct_are_those_of_scipy_and_simpleitk() {
    check_reference("ct-volume");
}

#[test]
fn planes_of_an_oblique_mr_are_those_of_scipy_and_simpleitk() {
    check_reference("mr-volume");
}

fn close(found: DVec3, expected: [f64; 3], within: f64) {
    let expected = DVec3::from_array(expected);
    assert!(
        (found - expected).length() <= within,
        "{found} is not {expected}"
    );
}

/// 14 slices 4.22 mm apart along z, then 1.14, then 13 of 7.38 mm; columns turned by 18.5 degrees; Instance
/// Numbers from the feet up.
#[test]
fn lesson_12_a_tilted_ct_with_two_slice_distances_keeps_its_places() {
    let Some(data) = decode_files::shared_data() else {
        return;
    };
    let series = read(&data.join("ct-gantry-tilt"), |_| true);
    assert_eq!(series.groups.len(), 1);
    let grid = series.grid(0);
    assert_eq!(series.numbers(0), (1..=28).collect::<Vec<_>>());
    // The normal is (0, 0.3173047, 0.9483237), so distances are those along z times 0.9483237.
    assert_eq!(
        series.notes(0),
        [
            "gantry tilt of 18.5 degrees corrected",
            "slice distance varies from 1.08 to 7.00 mm; true positions are used"
        ]
    );
    close(grid.slice_direction(), [0.0, 0.0, 1.0], 1e-6);
    let mm = grid.slice_positions_mm();
    for (slice, expected) in [(1, 4.22), (13, 54.86), (14, 56.0), (27, 151.94)] {
        assert!(
            (mm[slice] - expected).abs() < 1e-6,
            "{slice}: {}",
            mm[slice]
        );
    }
    // Half way between the slices of 1.14 mm, and the last pixel of the last slice: 511 * 0.4882812 mm.
    let between = DVec3::new(0.0, 0.0, 13.5);
    close(
        grid.patient_from_voxel(between),
        [-125.0, -123.540_456_9, 61.266_058_6],
        1e-6,
    );
    let far = 511.0 * 0.488_281_2;
    let corner = [
        -125.0 + far,
        -123.540_456_9 + far * 0.948_323_7,
        157.776_058_6 - far * 0.317_304_7,
    ];
    close(
        grid.patient_from_voxel(DVec3::new(511.0, 511.0, 27.0)),
        corner,
        1e-4,
    );
    assert_eq!(letters(grid.normal()), "HP");
}

/// Sagittal slices at x = -81.6 to -28.8, 4.8 mm apart. Rows go to the back and columns to the feet, so the normal
/// goes to the right and the last instance comes first.
#[test]
fn a_sagittal_mr_is_ordered_along_its_normal() {
    let Some(data) = decode_files::shared_data() else {
        return;
    };
    let series = read(&data.join("mr-positions"), |_| true);
    assert_eq!(series.groups.len(), 1);
    assert_eq!(series.groups[0].name, "sagittal, 4.8 mm");
    assert_eq!(series.numbers(0), (1..=12).rev().collect::<Vec<_>>());
    let grid = series.grid(0);
    assert!(grid.notes.is_empty(), "{:?}", series.notes(0));
    assert!((grid.even_step_mm().unwrap() - 4.8).abs() < 1e-6);
    close(
        grid.patient_from_voxel(DVec3::ZERO),
        [-28.8, -130.0, 130.0],
        1e-5,
    );
    close(
        grid.patient_from_voxel(DVec3::new(2.0, 1.0, 11.0)),
        [-81.6, -127.968_75, 128.984_375],
        1e-5,
    );
    let ends = [grid.row_direction(), grid.column_direction(), grid.normal()];
    assert_eq!(ends.map(letters), ["P", "F", "R"]);
}

/// What each enhanced object's functional groups say.
#[test]
fn enhanced_objects_are_stacked_by_their_functional_groups() {
    let Some(data) = decode_files::shared_data() else {
        return;
    };
    let of = |file: &str| read(&data.join("enhanced"), |name| name == file);

    // 8 axial frames from z = -175, 5 mm apart; rows 1.61 mm apart, columns 1.59 mm.
    let series = of("001.dcm");
    let grid = series.grid(0);
    assert_eq!((grid.slice_count(), grid.even_step_mm()), (8, Some(5.0)));
    close(
        grid.patient_from_voxel(DVec3::new(10.0, 20.0, 7.0)),
        [15.9, 32.2, -140.0],
        1e-9,
    );

    // 25 axial frames of 3.3 mm from z = -79.6.
    let series = of("011-0001.img");
    let grid = series.grid(0);
    assert_eq!(
        (grid.slice_count(), series.groups[0].name.as_str()),
        (25, "axial, 3.3 mm")
    );
    close(
        grid.patient_from_voxel(DVec3::new(0.0, 0.0, 24.0)),
        [-105.0, -105.0, -0.4],
        1e-4,
    );

    // 20 sagittal frames from x = 56.9 down to -57.1: the order of frames is that of the normal, to the right.
    let series = of("BRTUM009.dcm");
    let frames: Vec<u32> = series.groups[0]
        .frames
        .iter()
        .map(|f| f.frame_index)
        .collect();
    assert_eq!(frames, (0..20).collect::<Vec<_>>());
    let grid = series.grid(0);
    assert!((grid.even_step_mm().unwrap() - 6.0).abs() < 1e-9);
    close(
        grid.patient_from_voxel(DVec3::new(0.0, 0.0, 19.0)),
        [-57.1, -104.4, 121.9],
        1e-9,
    );

    // Two and three frames; ten without functional groups.
    for (file, words) in [
        (
            "CT0012.explicit_little_endian.dcm",
            "at least 4 parallel slices; this series has 2.",
        ),
        ("mf.dcm", "at least 4 parallel slices; this series has 3."),
        (
            "emri_small.dcm",
            "the file does not say the image position, or not in numbers that can be used.",
        ),
    ] {
        let series = of(file);
        let reason = no_volume(&series.stack, &series.groups).unwrap();
        assert!(reason.ends_with(words), "{file}: {reason}");
    }
}

/// 48 sagittal slices of 82 x 82 pixels of 222 / 82 mm in one image of 574 x 574. The protocol in the series' header says
/// that the middle of the first lies at x = -63.45, y = 1.80722891566, z = -50.6024096386 and that of the last at
/// x = 63.45; a middle is that of the pixel after half of them. Rows go back and columns down, so row x column goes right
/// and the first tile is the last slice along it. Stored values were read by pydicom and numpy: `pixel_array[82 * (tile
/// // 7) + row, 82 * (tile % 7) + column]`.
#[test]
fn a_mosaic_lies_where_its_protocol_says() {
    let Some(data) = decode_files::shared_data() else {
        return;
    };
    let series = read(&data.join("mr-mosaic"), |_| true);
    let names: Vec<&str> = series.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["b 0", "b 2000"]);
    let edge = 222.0 / 82.0;
    let [y, z] = [
        1.807_228_915_66 - 41.0 * edge,
        -50.602_409_638_6 + 41.0 * edge,
    ];
    for (group, expected) in STORED.iter().enumerate() {
        let grid = series.grid(group);
        let size = [grid.columns, grid.rows];
        assert_eq!((size, grid.slice_count()), ([82, 82], 48));
        assert!((grid.even_step_mm().unwrap() - 2.7).abs() < 1e-6);
        let at = |voxel: [f64; 3]| grid.patient_from_voxel(DVec3::from_array(voxel));
        close(at([0.0, 0.0, 47.0]), [-63.45, y, z], 1e-4);
        close(at([0.0, 0.0, 0.0]), [63.45, y, z], 1e-4);
        let back = [63.45, y + 81.0 * edge, z];
        close(at([81.0, 0.0, 0.0]), back, 1e-4);
        close(at([0.0, 81.0, 0.0]), [63.45, y, z - 81.0 * edge], 1e-4);
        let named = [grid.row_direction(), grid.column_direction(), grid.normal()].map(letters);
        assert_eq!(named, ["P", "F", "R"]);
        let note = "the 48 slices are parts of one image, a mosaic";
        assert_eq!(series.notes(group), [note]);
        let slices = series.slices(group);
        for (tile, column, row, stored) in expected {
            let slice = slices.get(47 - tile).unwrap();
            assert_eq!(slice.stored(*column, *row), Some(*stored), "{tile}");
        }
    }
}

/// Tile, column, row and stored value, of either image.
const STORED: [[(usize, u32, u32, f64); 5]; 2] = [
    [
        (0, 40, 41, 1131.0),
        (6, 30, 50, 2522.0),
        (7, 20, 33, 2532.0),
        (23, 55, 17, 15_628.0),
        (47, 41, 40, 15_324.0),
    ],
    [
        (0, 40, 41, 143.0),
        (6, 30, 50, 313.0),
        (7, 20, 33, 418.0),
        (23, 55, 17, 4085.0),
        (47, 41, 40, 3727.0),
    ],
];

/// 150 files of 15 places from z = -17.69, 5 mm apart, ten times each; times and acquisition numbers are all the
/// same, and Instance Numbers count place by place, time after time.
#[test]
fn a_functional_mr_that_says_no_times_is_ten_volumes_in_order() {
    let Some(data) = decode_files::shared_data() else {
        return;
    };
    let series = read(&data.join("mr-4d"), |_| true);
    assert_eq!(series.groups.len(), 10);
    for (time, group) in series.groups.iter().enumerate() {
        assert_eq!(group.name, format!("time {} of 10", time + 1));
        let first = time as i64 * 15 + 1;
        assert_eq!(
            series.numbers(time),
            (first..first + 15).collect::<Vec<_>>()
        );
        let grid = series.grid(time);
        assert!((grid.even_step_mm().unwrap() - 5.0).abs() < 1e-4);
        assert!(grid.notes.is_empty(), "{:?}", series.notes(time));
    }
}

/// Slices of 3.27 mm from head to feet, each with its own slope: half way between two voxels lies the mean of
/// their values, each by its own slope.
#[test]
fn a_pet_is_rescaled_slice_by_slice_before_slices_are_mixed() {
    let Some(data) = decode_files::shared_data() else {
        return;
    };
    let series = read(&data.join("pet"), |name| name.starts_with("rb_pet_ac_"));
    assert_eq!(series.groups.len(), 1);
    assert_eq!(series.numbers(0), (1..=135).rev().collect::<Vec<_>>());
    let (grid, slices) = (series.grid(0), series.slices(0));
    // Instances 1 and 2 are the last two slices; their headers say these slopes.
    let slopes = [133, 134].map(|slice| slices.get(slice).unwrap().modality().apply(1.0));
    assert_eq!(slopes, [0.502_091, 0.704_944]);
    let center = grid.patient_from_voxel(DVec3::new(63.5, 63.5, 133.5));
    let view = ViewPlane::new(center.to_array(), [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], 4.6875).unwrap();
    let values = plane_values(grid, &slices, &view, [128, 128]).unwrap();
    let mut above = 0;
    for (index, value) in values.iter().enumerate() {
        let (column, row) = ((index % 128) as u32, (index / 128) as u32);
        let stored =
            [133, 134].map(|slice| slices.get(slice).unwrap().stored(column, row).unwrap());
        let expected = (stored[0] * slopes[0] + stored[1] * slopes[1]) / 2.0;
        above += usize::from(expected > 100.0);
        // Seven digits, and 1/65536 of the way to the neighbour.
        let within = 1e-3 + (stored[0] + stored[1]) * 1e-4;
        assert!(
            (f64::from(*value) - expected).abs() <= within,
            "{column} {row}: {value} {expected}"
        );
    }
    assert!(above > 100, "{above}");
}
