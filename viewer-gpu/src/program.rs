//! A shader with its bind groups, and the pipelines that are built of it: each covers its target by one triangle.

use crate::shaders;

/// A shader and the layout of what it reads.
#[derive(Debug)]
pub struct Program {
    shader: wgpu::ShaderModule,
    layout: wgpu::PipelineLayout,
}

impl Program {
    /// From its source and the layouts of its bind groups.
    pub fn new(
        device: &wgpu::Device,
        label: &str,
        source: &str,
        groups: &[Option<&wgpu::BindGroupLayout>],
    ) -> Self {
        Self {
            shader: device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(label),
                source: wgpu::ShaderSource::Wgsl(source.into()),
            }),
            layout: device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(label),
                bind_group_layouts: groups,
                immediate_size: 0,
            }),
        }
    }

    /// A pipeline of a fragment entry point, with the values of its overrides.
    pub fn pipeline(
        &self,
        device: &wgpu::Device,
        entry: &str,
        constants: &[(&str, f64)],
        format: wgpu::TextureFormat,
    ) -> wgpu::RenderPipeline {
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(entry),
            layout: Some(&self.layout),
            vertex: wgpu::VertexState {
                module: &self.shader,
                entry_point: Some(shaders::COVER),
                compilation_options: Default::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &self.shader,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions {
                    constants,
                    ..Default::default()
                },
                targets: &[Some(format.into())],
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}
