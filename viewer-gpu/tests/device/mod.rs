//! A device of this machine, and waiting for it.

use std::pin::pin;
use std::task::{Poll, Waker};
use viewer_gpu::Context;

/// Runs a future on this thread; what it waits for is polled by the future itself.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut task = std::task::Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut task) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

pub fn context() -> Context {
    block_on(Context::headless()).expect(
        "these tests need a Vulkan driver; a software one is enough (Debian: mesa-vulkan-drivers)",
    )
}

pub async fn yield_now() {
    std::thread::yield_now();
}
