//! Waiting for the GPU and reading what it drew, without ever blocking the page.
//!
//! WebGPU calls back by itself; WebGL and Vulkan only while they are polled, and WebGL cannot be waited
//! for. So both waits poll, and hand the thread back to the host in between.

use crate::frame_renderer::DrawError;
use crate::loss::Watch;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const PENDING: u8 = 0;
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// Polls until the state is no longer pending, or the device is lost.
async fn settle(
    device: &wgpu::Device,
    watch: &Watch,
    state: &AtomicU8,
    yield_now: &impl AsyncFn(),
) -> Result<(), DrawError> {
    loop {
        // Its result says whether the queue is empty, which is not what is waited for.
        let _ = device.poll(wgpu::PollType::Poll);
        match state.load(Ordering::Acquire) {
            DONE => return Ok(()),
            FAILED => return Err(DrawError::Readback),
            _ if watch.is_lost() => return Err(DrawError::Lost),
            _ => yield_now().await,
        }
    }
}

/// Ends when the GPU has done all that was submitted before, or is lost.
pub async fn finished(
    device: wgpu::Device,
    queue: wgpu::Queue,
    watch: Arc<Watch>,
    yield_now: impl AsyncFn(),
) {
    let state = Arc::new(AtomicU8::new(PENDING));
    let done = Arc::clone(&state);
    queue.on_submitted_work_done(move || done.store(DONE, Ordering::Release));
    // Lost is an end as well; who needs to know asks the context.
    let _ = settle(&device, &watch, &state, &yield_now).await;
}

/// A buffer that a texture is being copied to.
pub struct Pending {
    pub device: wgpu::Device,
    pub watch: Arc<Watch>,
    pub buffer: wgpu::Buffer,
    /// Bytes of a row that are wanted.
    pub row_bytes: usize,
    /// Distance of rows in the buffer.
    pub stride_bytes: usize,
}

impl Pending {
    /// The rows without what lies between them.
    pub async fn read(self, yield_now: impl AsyncFn()) -> Result<Vec<u8>, DrawError> {
        let state = Arc::new(AtomicU8::new(PENDING));
        let mapped = Arc::clone(&state);
        self.buffer
            .map_async(wgpu::MapMode::Read, .., move |result| {
                let outcome = if result.is_ok() { DONE } else { FAILED };
                mapped.store(outcome, Ordering::Release);
            });
        settle(&self.device, &self.watch, &state, &yield_now).await?;
        let view = self
            .buffer
            .get_mapped_range(..)
            .map_err(|_| DrawError::Readback)?;
        let mut wanted = Vec::with_capacity(view.len() / self.stride_bytes * self.row_bytes);
        for row in view.chunks_exact(self.stride_bytes) {
            wanted.extend_from_slice(row.get(..self.row_bytes).ok_or(DrawError::Readback)?);
        }
        Ok(wanted)
    }
}
