//! The shaders against their twin on the processor, on this machine's Vulkan driver.

mod device;

use device::{block_on, context, yield_now};
use viewer_gpu::test_scenes::run_scenes;

#[test]
fn five_hundred_scenes_are_at_most_one_grey_apart() {
    let context = context();
    let report = block_on(run_scenes(&context, 500, yield_now)).expect("every scene is drawn");
    println!("{report:?}");
    assert_eq!(report.scenes, 500);
    assert_eq!(report.errors, Vec::<String>::new());
    assert!(report.worst <= 1, "scene {}", report.worst_scene);
    assert!(
        report.between > report.channels / 20,
        "the scenes show nothing"
    );
}
