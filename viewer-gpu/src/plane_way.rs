//! How a plane through a volume is drawn: everything that a pipeline is built for.

use crate::plane_uniforms::VoxelShape;
use crate::volume_cache::{Rescale, Volume, VoxelKind};
use viewer_core::geometry::Projection;
use viewer_core::pixel::{
    FrameParams, ModalityLut, PixelKind, Ramp, SampleKind, SampleType, Shade, VoiLut, Window,
};
use viewer_core::volume::{Interpolation, PlaneParams};

/// What is made of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// The grey on screen.
    Grey,
    /// The bits of its modality value.
    Value,
}

/// Values of the overrides of `shaders/mpr.wgsl`, and its entry point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneWay {
    /// What is made of a sample.
    pub output: Output,
    /// The volume is in bricks.
    pub is_bricked: bool,
    constants: [(&'static str, u32); 9],
}

impl PlaneWay {
    /// The way of a plane; `planes` are those of its slab.
    pub fn of(volume: &Volume, params: &PlaneParams, planes: u32, output: Output) -> Self {
        let slab = params.plane.slab.filter(|_| planes > 1);
        let slab = match slab.map(|slab| slab.projection) {
            None => 0,
            Some(Projection::Mip) if is_falling(volume) => 2,
            Some(Projection::MinIp) if is_falling(volume) => 1,
            Some(Projection::Mip) => 1,
            Some(Projection::MinIp) => 2,
            Some(Projection::Mean) => 3,
        };
        let shade = match Shade::of(single(), &chain(volume, params)) {
            _ if output == Output::Value => 0,
            Shade::Ramp | Shade::Colors => 0,
            Shade::Logistic => 1,
            Shade::Table => 2,
        };
        let kind = match volume.stored.kind() {
            VoxelKind::Narrow => 0,
            VoxelKind::Wide => 1,
            VoxelKind::Single => 2,
        };
        let is_nearest = params.interpolation == Interpolation::Nearest;
        let skip = if slab == 1 || slab == 2 {
            volume.cell_shift().unwrap_or(0)
        } else {
            0
        };
        Self {
            output,
            is_bricked: volume.brick_steps().is_some(),
            constants: [
                ("LADDER", u32::from(params.grid.even_step_mm().is_none())),
                ("PRESENCE", u32::from(!volume.presence.is_complete())),
                ("RESCALE", u32::from(volume.rescale == Rescale::Each)),
                ("KIND", kind),
                ("NEAREST", u32::from(is_nearest)),
                ("SLAB", slab),
                ("SKIP", skip),
                ("SHADE", shade),
                ("BRICK_STEPS", volume.brick_steps().unwrap_or(1)),
            ],
        }
    }

    /// Fragment entry point.
    pub fn entry(&self) -> &'static str {
        match self.output {
            Output::Grey => "grey",
            Output::Value => "value",
        }
    }

    /// True where the shader looks at extremes of cells.
    pub fn needs_cells(&self) -> bool {
        !self.constants.contains(&("SKIP", 0))
    }

    /// The overrides that its shader has.
    pub fn constants(&self) -> Vec<(&'static str, f64)> {
        let known = self.constants.iter();
        known
            .filter(|(name, _)| self.is_bricked || *name != "BRICK_STEPS")
            .map(|(name, value)| (*name, f64::from(*value)))
            .collect()
    }
}

/// True where a larger stored value is a smaller modality value.
fn is_falling(volume: &Volume) -> bool {
    matches!(volume.rescale, Rescale::Common(line) if line.slope < 0.0)
}

/// What the ramp starts from: stored values where all slices have one rescale, else modality values.
fn modality(volume: &Volume) -> ModalityLut {
    match volume.rescale {
        Rescale::Common(line) => line.modality(),
        Rescale::Unknown | Rescale::Each => ModalityLut::IDENTITY,
    }
}

/// Pixels that the ramp of mixed voxels is for.
pub fn pixels(volume: &Volume) -> PixelKind {
    match (volume.stored.kind(), volume.rescale) {
        (VoxelKind::Wide, Rescale::Common(_)) => PixelKind::grey(volume.stored.sample_type),
        _ => single(),
    }
}

fn single() -> PixelKind {
    PixelKind::grey(SampleType::F32)
}

/// The grey-scale chain as that of a frame.
pub fn chain(volume: &Volume, params: &PlaneParams) -> FrameParams {
    FrameParams {
        modality: modality(volume),
        voi: params.voi.clone(),
        presentation: params.presentation.clone(),
        ..FrameParams::default()
    }
}

/// The ramp whose result is the modality value itself.
pub fn value_ramp(volume: &Volume) -> Ramp {
    let kind = SampleKind::of(pixels(volume).sample_type);
    let window = Window {
        center: 0.5,
        width: 1.0,
    };
    Ramp::new(kind, &modality(volume), &VoiLut::LinearExact(window))
}

/// What the shader is told of the voxels; `ramp` is that of the drawing.
pub fn shape(volume: &Volume, ramp: &Ramp) -> VoxelShape {
    let sign_bit = volume.stored.sign_bit();
    // Numbers of 32 bits are mixed as distances from the ramp's pivot.
    let pivot = match volume.stored.kind() {
        VoxelKind::Wide => f64::from(ramp.pivot) - f64::from(sign_bit),
        VoxelKind::Narrow | VoxelKind::Single => 0.0,
    };
    let coarse_line = match volume.rescale {
        Rescale::Common(line) if line.slope == 0.0 => [0.0, 0.0],
        Rescale::Common(line) => [line.slope.recip(), -line.intercept / line.slope - pivot],
        Rescale::Unknown | Rescale::Each => [1.0, 0.0],
    };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the shader computes in single precision"
    )]
    let coarse_line = coarse_line.map(|number| number as f32);
    VoxelShape {
        size: volume.size,
        sign_bit,
        coarse_line,
        coarse_shifts: volume.coarse_shifts(),
    }
}
