//! Textures of whole numbers, made and filled: in one piece or cut into tiles.

use crate::tiles::{Tile, Tiles};
use viewer_core::pixel::cpu_render::narrowed;
use viewer_core::pixel::{FrameView, SampleType};

/// What a texture is filled with.
#[derive(Debug, Clone, Copy)]
pub struct Texels<'a> {
    /// Columns and rows.
    pub size: [u32; 2],
    /// How they are cut; `None` for one piece.
    pub tiles: Option<Tiles>,
    /// Format of the texture.
    pub format: wgpu::TextureFormat,
    /// The rows, one after the other.
    pub data: &'a [u8],
    stored: Stored,
}

/// What the data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    /// Texels.
    Texels,
    /// Three bytes a texel of four.
    Triples,
    /// Doubles, narrowed to singles.
    Doubles,
}

impl<'a> Texels<'a> {
    /// Texels of `R8Uint` or `R32Uint` that lie as the texture has them.
    pub fn of_bytes(size: [u32; 2], format: wgpu::TextureFormat, data: &'a [u8]) -> Self {
        Self {
            size,
            tiles: None,
            format,
            data,
            stored: Stored::Texels,
        }
    }

    /// Those of a frame: the stored bits as they are; colour gets a fourth byte, doubles become singles.
    pub fn of_frame(view: &FrameView<'a>) -> Self {
        use wgpu::TextureFormat as Format;
        let (format, stored) = match view.pixels.sample_type {
            _ if view.pixels.is_color() => (Format::Rgba8Uint, Stored::Triples),
            SampleType::U8 | SampleType::I8 => (Format::R8Uint, Stored::Texels),
            SampleType::U16 | SampleType::I16 => (Format::R16Uint, Stored::Texels),
            SampleType::U32 | SampleType::I32 | SampleType::F32 => {
                (Format::R32Uint, Stored::Texels)
            }
            SampleType::F64 => (Format::R32Uint, Stored::Doubles),
        };
        Self {
            size: [view.columns, view.rows],
            tiles: None,
            format,
            data: view.data,
            stored,
        }
    }

    /// The same texels, cut into tiles or in one piece.
    pub fn cut(self, tiles: Option<Tiles>) -> Self {
        Self { tiles, ..self }
    }

    /// Bytes of the texture.
    pub fn texture_bytes(&self) -> u64 {
        let [columns, rows, layers] = self.extent().map(u64::from);
        (columns * rows)
            .saturating_mul(layers)
            .saturating_mul(u64::from(self.texel_bytes()))
    }

    /// The texture. It is zero where data are missing.
    pub fn texture(&self, device: &wgpu::Device, queue: &wgpu::Queue) -> wgpu::Texture {
        let [width, height, depth_or_array_layers] = self.extent();
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("texels"),
            size: wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: self.format,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        let whole = Tile {
            start: [0, 0],
            size: self.size,
            layer: 0,
        };
        let mut converted = Vec::new();
        let mut write = |tile| {
            if let Some((data, bytes_per_row)) = self.piece(tile, &mut converted) {
                write(queue, &texture, tile, data, bytes_per_row);
            }
        };
        match self.tiles {
            Some(tiles) => tiles.iter().for_each(write),
            None => write(whole),
        }
        texture
    }

    /// A view of its texture with the dimension of [`dimension`].
    pub fn view(&self, texture: &wgpu::Texture) -> wgpu::TextureView {
        texture.create_view(&wgpu::TextureViewDescriptor {
            dimension: Some(dimension(self.tiles.is_some())),
            ..Default::default()
        })
    }

    fn texel_bytes(&self) -> u32 {
        match self.format {
            wgpu::TextureFormat::R8Uint => 1,
            wgpu::TextureFormat::R16Uint => 2,
            _ => 4,
        }
    }

    /// Columns, rows and layers of the texture.
    fn extent(&self) -> [u32; 3] {
        let whole = [self.size[0], self.size[1], 1];
        self.tiles.map_or(whole, |tiles| {
            let [columns, rows] = tiles.layer_size();
            [columns, rows, tiles.layers()]
        })
    }

    /// The texels of a tile and the distance of two rows in bytes: the data themselves where these are texels,
    /// else `converted`.
    fn piece<'b>(
        &'b self,
        Tile { start, size, .. }: Tile,
        converted: &'b mut Vec<u8>,
    ) -> Option<(&'b [u8], u32)> {
        let stored_bytes = match self.stored {
            Stored::Texels => self.texel_bytes() as usize,
            Stored::Triples => 3,
            Stored::Doubles => 8,
        };
        let stride = self.size[0] as usize * stored_bytes;
        let row_bytes = size[0] as usize * stored_bytes;
        let first = start[1] as usize * stride + start[0] as usize * stored_bytes;
        let end = first + (size[1] as usize).checked_sub(1)? * stride + row_bytes;
        let piece = self.data.get(first..end)?;
        if self.stored == Stored::Texels {
            return Some((piece, u32::try_from(stride).ok()?));
        }
        converted.clear();
        for row in piece.chunks(stride) {
            self.stored.convert(row.get(..row_bytes)?, converted);
        }
        Some((converted, size[0] * self.texel_bytes()))
    }
}

fn write(
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
    Tile { size, layer, .. }: Tile,
    data: &[u8],
    bytes_per_row: u32,
) {
    let origin = wgpu::Origin3d {
        x: 0,
        y: 0,
        z: layer,
    };
    queue.write_texture(
        wgpu::TexelCopyTextureInfo {
            origin,
            ..texture.as_image_copy()
        },
        data,
        wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some(bytes_per_row),
            rows_per_image: Some(size[1]),
        },
        wgpu::Extent3d {
            width: size[0],
            height: size[1],
            depth_or_array_layers: 1,
        },
    );
}

impl Stored {
    /// Appends the texels of part of a row.
    fn convert(self, row: &[u8], texels: &mut Vec<u8>) {
        match self {
            Self::Texels => texels.extend_from_slice(row),
            Self::Triples => {
                let (pixels, _) = row.as_chunks::<3>();
                texels.extend(pixels.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]));
            }
            Self::Doubles => {
                let (samples, _) = row.as_chunks::<8>();
                let singles = samples
                    .iter()
                    .flat_map(|sample| narrowed(f64::from_le_bytes(*sample)).to_le_bytes());
                texels.extend(singles);
            }
        }
    }
}

/// Dimension that a shader sees: that of `shaders/pixels.wgsl` or `pixels_tiled.wgsl`.
pub fn dimension(is_tiled: bool) -> wgpu::TextureViewDimension {
    if is_tiled {
        wgpu::TextureViewDimension::D2Array
    } else {
        wgpu::TextureViewDimension::D2
    }
}

/// Entry of a bind group layout for whole numbers that fragments load.
pub fn layout_entry(binding: u32, is_tiled: bool) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::FRAGMENT,
        ty: wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Uint,
            view_dimension: dimension(is_tiled),
            multisampled: false,
        },
        count: None,
    }
}
