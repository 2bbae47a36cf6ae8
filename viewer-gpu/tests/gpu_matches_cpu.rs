//! The shaders against their twin on the processor, on this machine's Vulkan driver.

use std::pin::pin;
use std::task::{Poll, Waker};
use viewer_gpu::test_scenes::run_scenes;
use viewer_gpu::{Backend, Context, DrawError, Renderer, TextureCache, UploadError};

/// Runs a future on this thread; what it waits for is polled by the future itself.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut task = std::task::Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut task) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

fn context() -> Context {
    block_on(Context::headless()).expect(
        "these tests need a Vulkan driver; a software one is enough (Debian: mesa-vulkan-drivers)",
    )
}

async fn yield_now() {
    std::thread::yield_now();
}

#[test]
fn two_hundred_scenes_are_at_most_one_grey_apart() {
    let context = context();
    let report = block_on(run_scenes(&context, 200, yield_now)).expect("every scene is drawn");
    println!("{report:?}");
    assert_eq!(report.scenes, 200);
    assert_eq!(report.errors, Vec::<String>::new());
    assert!(report.worst <= 1, "scene {}", report.worst_scene);
    assert!(
        report.between > report.channels / 20,
        "the scenes show nothing"
    );
}
