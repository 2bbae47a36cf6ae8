//! Group 2 of `shaders/frame.wgsl`: the table and the mask that a viewport needs.
//!
//! Most need neither and share one group of single texels. The others are kept while they are drawn: a table is
//! found again by the parameters that it was made from, a mask by its identity.

use crate::texels::{Texels, layout_entry};
use crate::tiles::{TextureLimits, Tiles};
use viewer_core::pixel::{FrameParams, Mask, PixelKind, Ramp, RenderPlan, ShadeTable};

/// Words of a table in one row of its texture.
const TABLE_COLUMNS: u32 = 256;

const TABLE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::R32Uint;
const MASK_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::R8Uint;

/// Tables and masks that are kept at most.
const MOST_KEPT: usize = 16;

/// Most bytes of masks that are kept beside the one that was used last.
const MOST_MASK_BYTES: u64 = 128 << 20;

/// Tables and masks on the GPU.
#[derive(Debug)]
pub struct Extras {
    no_table: wgpu::TextureView,
    /// For frames in one piece and for those that are cut into tiles.
    shapes: [Shape; 2],
    tables: Vec<KeptTable>,
    masks: Vec<KeptMask>,
}

/// The group, and what stands in it for a mask that is not there.
#[derive(Debug)]
struct Shape {
    layout: wgpu::BindGroupLayout,
    no_mask: wgpu::TextureView,
    plain: wgpu::BindGroup,
}

#[derive(Debug)]
struct KeptMask {
    mask: Mask,
    tiles: Option<Tiles>,
    view: wgpu::TextureView,
    bytes: u64,
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
        let no_table = texture(
            device,
            queue,
            &Texels::of_bytes([1, 1], TABLE_FORMAT, &[0; 4]),
        );
        // An array has two layers at least: of one, WebGL2 would make no array.
        let two = Tiles::new([2, 1], TextureLimits { side: 1, layers: 2 });
        let shapes = [false, true].map(|is_tiled| {
            let layout = layout(device, is_tiled);
            let size = if is_tiled { [2, 1] } else { [1, 1] };
            let nothing = Texels::of_bytes(size, MASK_FORMAT, &[0; 2]);
            let nothing = nothing.cut(two.filter(|_| is_tiled));
            let no_mask = texture(device, queue, &nothing);
            let plain = group(device, &layout, [&no_table, &no_mask]);
            Shape {
                layout,
                no_mask,
                plain,
            }
        });
        Self {
            no_table,
            shapes,
            tables: Vec::new(),
            masks: Vec::new(),
        }
    }

    /// Layout of the group, for frames that are cut into tiles or are not.
    pub fn layout(&self, is_tiled: bool) -> &wgpu::BindGroupLayout {
        &self.shapes[usize::from(is_tiled)].layout
    }

    /// The plan of a viewport and its group. A mask must have the size of its frame, and is cut as the frame is.
    pub fn prepare(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        (pixels, tiles): (PixelKind, Option<Tiles>),
        params: &FrameParams,
        mask: Option<&Mask>,
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
        let shape = &self.shapes[usize::from(tiles.is_some())];
        if plan.table.is_none() && mask.is_none() {
            return (plan, shape.plain.clone());
        }
        if let Some(mask) = mask {
            keep_mask(&mut self.masks, (device, queue), mask, tiles);
        }
        let table = match (&plan.table, self.tables.last()) {
            (Some(_), Some(kept)) => &kept.view,
            _ => &self.no_table,
        };
        let mask = match (mask, self.masks.last()) {
            (Some(_), Some(kept)) => &kept.view,
            _ => &shape.no_mask,
        };
        let group = group(device, &shape.layout, [table, mask]);
        (plan, group)
    }
}

/// Brings a mask to the end of those that are kept.
fn keep_mask(
    masks: &mut Vec<KeptMask>,
    (device, queue): (&wgpu::Device, &wgpu::Queue),
    mask: &Mask,
    tiles: Option<Tiles>,
) {
    let known = masks
        .iter()
        .position(|kept| kept.mask == *mask && kept.tiles == tiles);
    if let Some(place) = known {
        let kept = masks.remove(place);
        masks.push(kept);
        return;
    }
    trim(masks);
    while masks.iter().map(|kept| kept.bytes).sum::<u64>() > MOST_MASK_BYTES {
        masks.remove(0);
    }
    let texels = Texels::of_bytes(mask.size(), MASK_FORMAT, mask.cells()).cut(tiles);
    masks.push(KeptMask {
        mask: mask.clone(),
        tiles,
        view: texture(device, queue, &texels),
        bytes: texels.texture_bytes(),
    });
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
    let texels = Texels::of_bytes([TABLE_COLUMNS, rows], TABLE_FORMAT, &bytes);
    texture(device, queue, &texels)
}

fn texture(device: &wgpu::Device, queue: &wgpu::Queue, texels: &Texels) -> wgpu::TextureView {
    texels.view(&texels.texture(device, queue))
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

fn layout(device: &wgpu::Device, is_tiled: bool) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("extras"),
        entries: &[layout_entry(0, false), layout_entry(1, is_tiled)],
    })
}
