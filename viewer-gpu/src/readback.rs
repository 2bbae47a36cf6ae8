//! Waiting for the GPU and reading what it drew, without ever blocking the page.
//!
//! WebGPU calls back by itself; WebGL and Vulkan only while they are polled, and WebGL cannot be waited
//! for. So both waits poll, and hand the thread back to the host in between.

use crate::context::Context;
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
    device: wgpu::Device,
    watch: Arc<Watch>,
    buffer: wgpu::Buffer,
    /// Bytes of a row that are wanted.
    row_bytes: usize,
    /// Distance of rows in the buffer.
    stride_bytes: usize,
}

impl Pending {
    /// Draws into a texture of its own and copies it to a buffer: the pixels have four bytes.
    pub fn drawing(
        context: &Context,
        label: &str,
        [width, height]: [u32; 2],
        format: wgpu::TextureFormat,
        draw: impl FnOnce(&mut wgpu::CommandEncoder, &wgpu::TextureView),
    ) -> Self {
        let device = &context.device;
        let size = wgpu::Extent3d {
            width,
            height,
            depth_or_array_layers: 1,
        };
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some(label),
            size,
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let stride = (4 * width).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size: u64::from(stride) * u64::from(height),
            usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
            mapped_at_creation: false,
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        draw(&mut encoder, &texture.create_view(&Default::default()));
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(stride),
                    rows_per_image: Some(height),
                },
            },
            size,
        );
        context.queue.submit([encoder.finish()]);
        Self {
            device: device.clone(),
            watch: Arc::clone(&context.watch),
            buffer,
            row_bytes: 4 * width as usize,
            stride_bytes: stride as usize,
        }
    }

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
