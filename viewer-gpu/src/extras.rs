//! Group 2 of `shaders/frame.wgsl`: the table and the mask that a viewport needs.
//!
//! Most need neither and share one group of single texels. The others are kept while they are drawn: a table is
//! found again by the parameters that it was made from, a mask by its identity.

use viewer_core::pixel::{FrameParams, Mask, PixelKind, Ramp, RenderPlan, ShadeTable};

/// Words of a table in one row of its texture.
const TABLE_COLUMNS: u32 = 256;

/// Tables and masks that are kept at most.
const MOST_KEPT: usize = 16;

/// Tables and masks on the GPU.
#[derive(Debug)]
pub struct Extras {
    layout: wgpu::BindGroupLayout,
    nothing: [wgpu::TextureView; 2],
    plain: wgpu::BindGroup,
    tables: Vec<KeptTable>,
    masks: Vec<(Mask, wgpu::TextureView)>,
}

/// A table, what it was made from, and the ramp that goes with it.
#[derive(Debug)]
struct KeptTable {
    pixels: PixelKind,
    params: FrameParams,
    table: ShadeTable,
    ramp: Ramp,
    view: wgpu::TextureView,
}

impl Extras {
    pub fn new(device: &wgpu::Device, queue: &wgpu::Queue) -> Self {
        let layout = layout(device);
        let nothing = [
            texture(device, queue, [1, 1], wgpu::TextureFormat::R32Uint, &[0; 4]),
            texture(device, queue, [1, 1], wgpu::TextureFormat::R8Uint, &[0]),
        ];
        let plain = group(device, &layout, [&nothing[0], &nothing[1]]);
        Self {
            layout,
            nothing,
            plain,
            tables: Vec::new(),
            masks: Vec::new(),
        }
    }

    /// Layout of the group.
    pub fn layout(&self) -> &wgpu::BindGroupLayout {
        &self.layout
    }

    /// The plan of a viewport and its group. Both textures must be below the adapter's limit: a table always
    /// is, a mask has the size of its frame.
    pub fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        pixels: PixelKind,
        params: &FrameParams,
    ) -> (RenderPlan, wgpu::BindGroup) {
        let known = (self.tables.iter())
            .position(|kept| kept.pixels == pixels && is_same_chain(&kept.params, params));
        let plan = match known {
            Some(place) => {
                let kept = self.tables.remove(place);
                let (table, ramp) = (kept.table.clone(), kept.ramp);
                self.tables.push(kept);
                RenderPlan::with_table(pixels, params, Some(table), ramp)
            }
            None => RenderPlan::new(pixels, params),
        };
        if let (Some(table), None) = (&plan.table, known) {
            trim(&mut self.tables);
            self.tables.push(KeptTable {
                pixels,
                params: FrameParams {
                    mask: None,
                    ..params.clone()
                },
                table: table.clone(),
                ramp: plan.ramp,
                view: table_texture(device, queue, table),
            });
        }
        if let Some(mask) = &params.mask {
            self.keep_mask(device, queue, mask);
        }
        if plan.table.is_none() && params.mask.is_none() {
            return (plan, self.plain.clone());
        }
        let table = match (&plan.table, self.tables.last()) {
            (Some(_), Some(kept)) => &kept.view,
            _ => &self.nothing[0],
        };
        let mask = match (&params.mask, self.masks.last()) {
            (Some(_), Some((_, view))) => view,
            _ => &self.nothing[1],
        };
        let group = group(device, &self.layout, [table, mask]);
        (plan, group)
    }

    /// Brings a mask to the end of those that are kept.
    fn keep_mask(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, mask: &Mask) {
        if let Some(place) = self.masks.iter().position(|(kept, _)| kept == mask) {
            let kept = self.masks.remove(place);
            self.masks.push(kept);
            return;
        }
        trim(&mut self.masks);
        let format = wgpu::TextureFormat::R8Uint;
        let view = texture(device, queue, mask.size(), format, mask.cells());
        self.masks.push((mask.clone(), view));
    }
}

/// Drops the one that was used longest ago.
fn trim<T>(kept: &mut Vec<T>) {
    if kept.len() >= MOST_KEPT {
        kept.remove(0);
    }
}

/// True where both give the same table.
fn is_same_chain(a: &FrameParams, b: &FrameParams) -> bool {
    a.modality == b.modality
        && a.voi == b.voi
        && a.presentation == b.presentation
        && a.palette == b.palette
}

fn table_texture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    table: &ShadeTable,
) -> wgpu::TextureView {
    let rows = (table.last() / TABLE_COLUMNS) + 1;
    let mut bytes: Vec<u8> = table.0.iter().flat_map(|word| word.to_le_bytes()).collect();
    bytes.resize((rows * TABLE_COLUMNS * 4) as usize, 0);
    let format = wgpu::TextureFormat::R32Uint;
    texture(device, queue, [TABLE_COLUMNS, rows], format, &bytes)
}

fn texture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    [width, height]: [u32; 2],
    format: wgpu::TextureFormat,
    bytes: &[u8],
) -> wgpu::TextureView {
    let size = wgpu::Extent3d {
        width,
        height,
        depth_or_array_layers: 1,
    };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("extra"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let texel_bytes = if format == wgpu::TextureFormat::R8Uint {
        1
    } else {
        4
    };
    queue.write_texture(
        texture.as_image_copy(),
        bytes,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(width * texel_bytes),
            rows_per_image: Some(height),
        },
        size,
    );
    texture.create_view(&Default::default())
}

fn group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    views: [&wgpu::TextureView; 2],
) -> wgpu::BindGroup {
    let [table, mask] = views.map(wgpu::BindingResource::TextureView);
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("extras"),
        layout,
        entries: &[
            wgpu::BindGroupEntry {
                binding: 0,
                resource: table,
            },
            wgpu::BindGroupEntry {
                binding: 1,
                resource: mask,
            },
        ],
    })
}

fn layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let entry = |binding| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Uint,
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        },
        count: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("extras"),
        entries: &[entry(0), entry(1)],
    })
}
