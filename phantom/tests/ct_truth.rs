//! What is known of the anatomy is found again in the files made of it.

use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, from_reader};
use phantom::ct::{Anatomy, Build};
use phantom::dicom::{Encoding, Patient, Place, Series, Study};
use phantom::{Kernel, Scan};
use std::sync::Arc;

const SEED: u64 = 11;

fn scan(anatomy: &Arc<Anatomy>, top_mm: f64, kernel: Kernel) -> Scan {
    let patient = Patient {
        name: "Test^Trunk",
        id: "T-1",
        birth_date: "19700101",
        sex: "F",
    };
    let study = Study {
        patient,
        accession: "T1",
        date: "20260101",
        time: "120000",
        description: "Test",
    };
    let series = Series {
        modality: "CT",
        number: 1,
        description: "Test",
        body_part: "CHEST",
        model: "Test",
    };
    Scan {
        place: Place {
            seed: SEED,
            study,
            series,
        },
        anatomy: Arc::clone(anatomy),
        kernel,
        side: 512,
        spacing_mm: 0.75,
        top_mm,
        step_mm: 3.0,
        slices: 2,
        contrast: None,
    }
}

fn read(bytes: &[u8]) -> DefaultDicomObject {
    from_reader(bytes).expect("a Part 10 file")
}

fn floats(object: &DefaultDicomObject, tag: dicom_core::Tag) -> Vec<f64> {
    object
        .element(tag)
        .expect("present")
        .to_multi_float64()
        .expect("numbers")
}

/// Mean of the square of `2 * reach + 1` pixels about a place, in Hounsfield units, from the decoded file.
fn mean_hu(object: &DefaultDicomObject, x_mm: f64, y_mm: f64, reach: usize) -> f64 {
    let position = floats(object, tags::IMAGE_POSITION_PATIENT);
    let spacing = floats(object, tags::PIXEL_SPACING);
    let columns = object
        .element(tags::COLUMNS)
        .expect("present")
        .to_int::<usize>()
        .expect("a number");
    let bytes = object
        .element(tags::PIXEL_DATA)
        .expect("present")
        .to_bytes()
        .expect("bytes");
    let intercept = floats(object, tags::RESCALE_INTERCEPT)[0];
    let column = ((x_mm - position[0]) / spacing[1]).round() as usize;
    let row = ((y_mm - position[1]) / spacing[0]).round() as usize;
    let mut sum = 0.0;
    for r in row - reach..=row + reach {
        for c in column - reach..=column + reach {
            let at = (r * columns + c) * 2;
            sum += f64::from(u16::from_le_bytes([bytes[at], bytes[at + 1]])) + intercept;
        }
    }
    sum / ((2 * reach + 1) * (2 * reach + 1)) as f64
}

#[test]
fn organs_have_their_value_at_their_centre() {
    for seed in [1, 7, SEED] {
        let anatomy = Anatomy::new(seed);
        for organ in anatomy.organs() {
            let c = organ.center_mm;
            let hu = anatomy.hu_at(c.x, c.y, c.z);
            let swing = if organ.name.contains("lung") {
                36.0
            } else {
                9.0
            };
            assert!(
                (hu - organ.hu).abs() < swing,
                "{} of seed {seed}: {hu}, not {}",
                organ.name,
                organ.hu
            );
        }
    }
}

#[test]
fn organs_have_their_value_all_around_within_their_radius() {
    let anatomy = Anatomy::new(SEED);
    for organ in anatomy
        .organs()
        .iter()
        .filter(|organ| organ.radius_mm > 0.0)
    {
        for (dx, dy, dz) in [
            (1.0, 0.0, 0.0),
            (-1.0, 0.0, 0.0),
            (0.0, 1.0, 0.0),
            (0.0, -1.0, 0.0),
            (0.0, 0.0, 1.0),
            (0.0, 0.0, -1.0),
        ] {
            // The grain of aerated lung is the coarsest.
            let swing = if organ.name.contains("lung") {
                36.0
            } else {
                12.0
            };
            let c = organ.center_mm;
            let r = organ.radius_mm;
            let hu = anatomy.hu_at(c.x + dx * r, c.y + dy * r, c.z + dz * r);
            assert!(
                (hu - organ.hu).abs() < swing,
                "{}: {hu}, not {}",
                organ.name,
                organ.hu
            );
        }
    }
}

#[test]
fn decoded_slices_show_each_organ_within_the_noise() {
    let anatomy = Arc::new(Anatomy::new(SEED));
    for organ in anatomy
        .organs()
        .iter()
        .filter(|organ| organ.radius_mm >= 3.0)
    {
        let c = organ.center_mm;
        let object = read(
            &scan(&anatomy, c.z, Kernel::Soft)
                .file(0, Encoding::ExplicitLittle)
                .expect("encoded"),
        );
        let mean = mean_hu(&object, c.x, c.y, 2);
        // 25 pixels whose noise is correlated over about 3 of them, and grain of a few HU.
        assert!(
            (mean - organ.hu).abs() < 12.0,
            "{}: {mean}, not {}",
            organ.name,
            organ.hu
        );
    }
}

#[test]
fn whole_slices_equal_the_anatomy_place_by_place() {
    let anatomy = Anatomy::new(SEED);
    let grid = scan(&Arc::new(anatomy.clone()), -40.0, Kernel::Soft).grid(0);
    let slice = anatomy.slice(&grid);
    for row in (0..grid.rows).step_by(37) {
        for column in (0..grid.columns).step_by(41) {
            let x = grid.first_mm.x + column as f64 * grid.column_spacing_mm;
            let y = grid.first_mm.y + row as f64 * grid.row_spacing_mm;
            let truth = anatomy.hu_at(x, y, grid.first_mm.z);
            let painted = f64::from(slice[row * grid.columns + column]);
            // The warp is interpolated in slices, so edges may lie a hundredth of a millimetre apart.
            assert!(
                (truth - painted).abs() < 60.0,
                "{column} {row}: {painted}, not {truth}"
            );
        }
    }
}

#[test]
fn noise_has_the_standard_deviation_of_its_kernel() {
    let anatomy = Arc::new(Anatomy::new(SEED));
    for kernel in [Kernel::Soft, Kernel::Lung] {
        let object = read(
            &scan(&anatomy, 10.0, kernel)
                .file(0, Encoding::ExplicitLittle)
                .expect("encoded"),
        );
        let c = anatomy
            .organs()
            .iter()
            .find(|organ| organ.name == "left ventricle")
            .expect("known")
            .center_mm;
        let object = if (c.z - 10.0).abs() > 1.0 {
            read(
                &scan(&anatomy, c.z, kernel)
                    .file(0, Encoding::ExplicitLittle)
                    .expect("encoded"),
            )
        } else {
            object
        };
        let values: Vec<f64> = (-6..=6)
            .flat_map(|dx| (-6..=6).map(move |dy| (f64::from(dx), f64::from(dy))))
            .map(|(dx, dy)| mean_hu(&object, c.x + dx * 0.75, c.y + dy * 0.75, 0))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let sigma =
            (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        let expected = kernel.noise_hu();
        assert!(
            (sigma / expected - 1.0).abs() < 0.35,
            "{kernel:?}: {sigma}, not {expected}"
        );
    }
}

#[test]
fn the_nodule_grows_and_nothing_else_changes() {
    let now = Anatomy::new(SEED);
    let before = Anatomy::with_build(
        SEED,
        Build {
            nodule_mm: 5.0,
            ..Build::default()
        },
    );
    let nodule = now
        .organs()
        .iter()
        .find(|organ| organ.name == "nodule")
        .expect("known")
        .center_mm;
    // 3.2 mm from the middle: inside a sphere of 9 mm, outside one of 5 mm.
    let inside = |anatomy: &Anatomy| {
        let ring = [(3.2, 0.0), (-3.2, 0.0), (0.0, 3.2), (0.0, -3.2)];
        ring.iter()
            .filter(|(dx, dy)| anatomy.hu_at(nodule.x + dx, nodule.y + dy, nodule.z) > -100.0)
            .count()
    };
    assert_eq!(inside(&now), 4);
    assert!(inside(&before) <= 1);
    for organ in now.organs().iter().filter(|organ| organ.name != "nodule") {
        let c = organ.center_mm;
        assert_eq!(now.hu_at(c.x, c.y, c.z), before.hu_at(c.x, c.y, c.z));
    }
}

#[test]
fn slices_follow_one_another_downwards_by_the_step() {
    let scan = scan(&Arc::new(Anatomy::new(SEED)), 30.0, Kernel::Soft);
    let levels: Vec<f64> = (0..2)
        .map(|index| {
            let object = read(&scan.file(index, Encoding::ExplicitLittle).expect("encoded"));
            assert_eq!(
                floats(&object, tags::IMAGE_ORIENTATION_PATIENT),
                [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
            );
            floats(&object, tags::IMAGE_POSITION_PATIENT)[2]
        })
        .collect();
    assert_eq!(levels, [30.0, 27.0]);
}

#[test]
fn a_ct_file_names_two_windows_and_the_rescale_to_hounsfield_units() {
    let object = read(
        &scan(&Arc::new(Anatomy::new(SEED)), 30.0, Kernel::Soft)
            .file(0, Encoding::ExplicitLittle)
            .expect("encoded"),
    );
    let text = |tag| {
        object
            .element(tag)
            .expect("present")
            .to_str()
            .expect("text")
            .trim()
            .to_owned()
    };
    assert_eq!(floats(&object, tags::WINDOW_CENTER), [40.0, -600.0]);
    assert_eq!(floats(&object, tags::WINDOW_WIDTH), [400.0, 1500.0]);
    assert_eq!(text(tags::RESCALE_INTERCEPT), "-1024");
    assert_eq!(text(tags::RESCALE_TYPE), "HU");
    assert_eq!(text(tags::PATIENT_POSITION), "HFS");
}
