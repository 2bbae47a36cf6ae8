//! Layouts of group 1 of `shaders/mpr.wgsl`: what a plane's shader reads of a volume.

use crate::{filter, texels};
use wgpu::TextureViewDimension as Dimension;

/// Where the shader finds voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeShape {
    /// In one texture of whole numbers.
    Whole,
    /// In bricks.
    Bricked,
    /// In one texture that the graphics card mixes.
    Mixed,
}

/// All layouts, and the sampler that mixes.
#[derive(Debug)]
pub struct Layouts {
    whole: wgpu::BindGroupLayout,
    bricked: wgpu::BindGroupLayout,
    mixed: Option<(wgpu::BindGroupLayout, wgpu::Sampler)>,
}

impl Layouts {
    /// Those of a device; that of voxels which are mixed only where it `mixes` singles.
    pub fn new(device: &wgpu::Device, mixes: bool) -> Self {
        let layout = |shape| volume_layout(device, shape);
        Self {
            whole: layout(VolumeShape::Whole),
            bricked: layout(VolumeShape::Bricked),
            mixed: mixes.then(|| (layout(VolumeShape::Mixed), filter::sampler(device))),
        }
    }

    /// The group of a volume in one piece or in bricks.
    pub fn group(
        &self,
        device: &wgpu::Device,
        is_whole: bool,
        views: &[wgpu::TextureView],
    ) -> wgpu::BindGroup {
        let layout = if is_whole { &self.whole } else { &self.bricked };
        group(device, layout, views, None)
    }

    /// The group of voxels that are mixed; `None` where they cannot be.
    pub fn mixed_group(
        &self,
        device: &wgpu::Device,
        views: &[wgpu::TextureView],
    ) -> Option<wgpu::BindGroup> {
        let (layout, sampler) = self.mixed.as_ref()?;
        Some(group(device, layout, views, Some(sampler)))
    }
}

fn group(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    views: &[wgpu::TextureView],
    sampler: Option<&wgpu::Sampler>,
) -> wgpu::BindGroup {
    let resources = views.iter().map(wgpu::BindingResource::TextureView);
    let entries: Vec<_> = (0..)
        .zip(resources.chain(sampler.map(wgpu::BindingResource::Sampler)))
        .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource })
        .collect();
    device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("volume"),
        layout,
        entries: &entries,
    })
}

/// Layout of group 1 for one kind of volume.
pub fn volume_layout(device: &wgpu::Device, shape: VolumeShape) -> wgpu::BindGroupLayout {
    let entry = |(binding, view_dimension): (u32, Dimension)| wgpu::BindGroupLayoutEntry {
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Uint,
            view_dimension,
            multisampled: false,
        },
        ..texels::layout_entry(binding, false)
    };
    let dimensions: &[Dimension] = match shape {
        VolumeShape::Whole | VolumeShape::Mixed => &[Dimension::D3, Dimension::D2, Dimension::D3],
        VolumeShape::Bricked => &[
            Dimension::D2Array,
            Dimension::D2,
            Dimension::D3,
            Dimension::D3,
            Dimension::D3,
        ],
    };
    let mut entries: Vec<_> = (0..).zip(dimensions.iter().copied()).map(entry).collect();
    if shape == VolumeShape::Mixed {
        let [voxels, sampler] = filter::layout_entries(0, 3);
        entries[0] = voxels;
        entries.push(sampler);
    }
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("volume"),
        entries: &entries,
    })
}
