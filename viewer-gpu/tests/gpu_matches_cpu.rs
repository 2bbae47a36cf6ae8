//! The shaders against their twin on the processor, on this machine's Vulkan driver.

mod device;

use device::{block_on, context, yield_now};
use viewer_gpu::test_scenes::{Report, run_scenes};

/// Draws all scenes; none may be more than one grey apart.
fn compare(as_tiles: bool) -> Report {
    let context = context();
    let drawn = block_on(run_scenes(&context, 500, as_tiles, yield_now));
    let report = drawn.expect("every scene is drawn");
    println!("{report:?}");
    assert_eq!(report.scenes, 500);
    assert_eq!(report.errors, Vec::<String>::new());
    assert!(report.worst <= 1, "scene {}", report.worst_scene);
    assert!(
        report.between > report.channels / 20,
        "the scenes show nothing"
    );
    report
}

#[test]
fn five_hundred_scenes_are_at_most_one_grey_apart() {
    assert_eq!(compare(false).tiled, 0);
}

#[test]
fn five_hundred_scenes_of_tiles_are_at_most_one_grey_apart() {
    let report = compare(true);
    assert!(report.tiled > 450, "{report:?}");
}
