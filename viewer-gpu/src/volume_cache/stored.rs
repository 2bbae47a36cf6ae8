//! What the voxels of a volume are on the GPU, and how samples become them.

use std::borrow::Cow;
use viewer_core::pixel::cpu_render::narrowed;
use viewer_core::pixel::format::sample_at;
use viewer_core::pixel::{ModalityLut, SampleType};

/// What the shader mixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoxelKind {
    /// Whole numbers of 8 or 16 bits, which singles hold exactly.
    Narrow,
    /// Whole numbers of 32 bits.
    Wide,
    /// Singles.
    Single,
}

/// How samples of a volume are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Number type of the samples that come.
    pub sample_type: SampleType,
    /// A slice had a modality table: voxels are modality values, singles.
    pub is_converted: bool,
}

impl Stored {
    /// What the voxels are.
    pub fn kind(self) -> VoxelKind {
        match self.sample_type {
            _ if self.is_converted => VoxelKind::Single,
            SampleType::U8 | SampleType::I8 | SampleType::U16 | SampleType::I16 => {
                VoxelKind::Narrow
            }
            SampleType::U32 | SampleType::I32 => VoxelKind::Wide,
            SampleType::F32 | SampleType::F64 => VoxelKind::Single,
        }
    }

    /// Sample type of the voxels.
    pub fn voxel_type(self) -> SampleType {
        match self.kind() {
            VoxelKind::Single => SampleType::F32,
            _ => self.sample_type,
        }
    }

    /// Format of the texture.
    pub fn format(self) -> wgpu::TextureFormat {
        match self.voxel_bytes() {
            1 => wgpu::TextureFormat::R8Uint,
            2 => wgpu::TextureFormat::R16Uint,
            _ => wgpu::TextureFormat::R32Uint,
        }
    }

    /// Bytes of a voxel.
    pub fn voxel_bytes(self) -> u32 {
        match self.voxel_type() {
            SampleType::U8 | SampleType::I8 => 1,
            SampleType::U16 | SampleType::I16 => 2,
            _ => 4,
        }
    }

    /// The bit whose flip makes the order that of unsigned numbers.
    pub fn sign_bit(self) -> u32 {
        match self.voxel_type() {
            SampleType::I8 => 0x80,
            SampleType::I16 => 0x8000,
            SampleType::I32 => 0x8000_0000,
            _ => 0,
        }
    }

    /// Voxels of a slice.
    pub fn voxels<'a>(self, samples: &'a [u8], modality: &ModalityLut) -> Cow<'a, [u8]> {
        if self.is_converted {
            let count = samples.len() / self.sample_type.size_bytes();
            let values = (0..count).map(|index| {
                let stored = sample_at(samples, self.sample_type, index).unwrap_or(f64::NAN);
                narrowed(modality.apply(stored))
            });
            return Cow::Owned(values.flat_map(f32::to_le_bytes).collect());
        }
        if self.sample_type != SampleType::F64 {
            return Cow::Borrowed(samples);
        }
        let (doubles, _) = samples.as_chunks::<8>();
        let singles = doubles
            .iter()
            .flat_map(|sample| narrowed(f64::from_le_bytes(*sample)).to_le_bytes());
        Cow::Owned(singles.collect())
    }
}

/// Whole numbers of 8 or 16 bits as singles, which hold them exactly.
pub fn as_singles(voxels: &[u8], sample_type: SampleType) -> Vec<u8> {
    let words = voxels.as_chunks::<2>().0.iter();
    match sample_type {
        SampleType::U8 => singles(voxels.iter().map(|byte| f32::from(*byte))),
        SampleType::I8 => singles(voxels.iter().map(|byte| f32::from(byte.cast_signed()))),
        SampleType::U16 => singles(words.map(|word| f32::from(u16::from_le_bytes(*word)))),
        _ => singles(words.map(|word| f32::from(i16::from_le_bytes(*word)))),
    }
}

fn singles(values: impl ExactSizeIterator<Item = f32>) -> Vec<u8> {
    let mut bytes = vec![0; 4 * values.len()];
    for (place, value) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *place = value.to_le_bytes();
    }
    bytes
}

/// From what is stored to modality values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Rescale Slope.
    pub slope: f64,
    /// Rescale Intercept.
    pub intercept: f64,
}

impl Line {
    /// Voxels are modality values.
    pub const IDENTITY: Self = Self {
        slope: 1.0,
        intercept: 0.0,
    };

    /// The line of a modality LUT; `None` for a table.
    pub fn of(modality: &ModalityLut) -> Option<Self> {
        match modality {
            ModalityLut::Rescale { slope, intercept } => Some(Self {
                slope: *slope,
                intercept: *intercept,
            }),
            _ => None,
        }
    }

    /// As a modality LUT.
    pub fn modality(self) -> ModalityLut {
        ModalityLut::Rescale {
            slope: self.slope,
            intercept: self.intercept,
        }
    }
}

/// What is known of the rescale of all slices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rescale {
    /// No slice came.
    Unknown,
    /// One line for all that came: stored values are mixed.
    Common(Line),
    /// Slices differ: modality values are mixed.
    Each,
}
