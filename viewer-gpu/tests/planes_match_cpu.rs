//! Planes and slabs by the shader against their twin on the processor, on this machine's Vulkan driver.

mod device;

use device::{block_on, context, yield_now};
use viewer_gpu::test_scenes::{Report, run_mixed_planes, run_planes};

/// Draws planes; none may be more than one grey apart, and no value more than a hundred-thousandth of the range.
fn compare(count: u32, side: Option<u32>) -> Report {
    let context = context();
    let drawn = block_on(run_planes(&context, count, side, yield_now));
    let report = drawn.expect("every plane is drawn");
    println!("{report:?}");
    assert_eq!(report.scenes, count);
    assert_eq!(report.errors, Vec::<String>::new());
    assert_eq!(report.kinds, 0, "scene {}", report.kinds_scene);
    assert!(report.worst <= 1, "scene {}", report.worst_scene);
    assert!(report.apart < 1e-5, "scene {}", report.apart_scene);
    assert!(
        report.between > report.channels / 20,
        "the planes show nothing"
    );
    report
}

#[test]
fn two_hundred_planes_are_at_most_one_grey_apart() {
    assert_eq!(compare(200, None).tiled, 0);
}

#[test]
fn a_hundred_planes_whose_voxels_the_card_mixes_are_at_most_one_grey_apart() {
    let drawn = block_on(run_mixed_planes(&context(), 100, yield_now));
    let report = drawn.expect("every plane is drawn");
    println!("{report:?}");
    // This driver mixes singles exactly.
    assert_eq!(report.mixed, 100);
    assert_eq!(report.errors, Vec::<String>::new());
    assert_eq!(report.kinds, 0, "scene {}", report.kinds_scene);
    assert!(report.worst <= 1, "scene {}", report.worst_scene);
    assert!(
        report.between > report.channels / 20,
        "the planes show nothing"
    );
}

#[test]
fn lesson_02_a_hundred_planes_through_bricks_are_at_most_one_grey_apart() {
    let report = compare(100, Some(16));
    assert!(report.tiled > 95, "{report:?}");
}
