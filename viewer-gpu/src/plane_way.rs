//! How a plane through a volume is drawn: everything that a pipeline is built for.

use crate::filter;
use crate::plane_uniforms::{PlaneAxes, VoxelShape};
use crate::volume_cache::{Rescale, Volume, VolumeShape, VoxelKind};
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
    /// Where the voxels are found.
    pub shape: VolumeShape,
    constants: [(&'static str, u32); 9],
}

impl PlaneWay {
    /// The way of a plane with its axes.
    pub fn of(volume: &Volume, params: &PlaneParams, axes: &PlaneAxes, output: Output) -> Self {
        let slab = params.plane.slab.filter(|_| axes.planes > 1);
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
        let is_even = params.grid.even_step_mm().is_some();
        let mixes = output == Output::Grey && shade == 0 && is_even && !is_nearest;
        let range = volume.mixed_range().filter(|_| mixes);
        let is_mixed = range.is_some_and(|range| {
            filter::is_exact(volume.size, range, axes, &grey_ramp(volume, params))
        });
        let shape = if is_mixed {
            VolumeShape::Mixed
        } else {
            volume.shape()
        };
        Self {
            output,
            shape,
            constants: [
                ("LADDER", u32::from(!is_even)),
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
        !self.is("SKIP", 0)
    }

    fn is(&self, name: &'static str, value: u32) -> bool {
        self.constants.contains(&(name, value))
    }

    /// Where a maximum or minimum begins, and where it ends.
    fn ends(&self, ramp: &Ramp) -> [f32; 2] {
        let [low, high] = filter::ends(ramp);
        if self.is("SLAB", 2) {
            return [high, low];
        }
        [low, high]
    }

    /// The overrides that its shader has.
    pub fn constants(&self) -> Vec<(&'static str, f64)> {
        let known = self.constants.iter();
        known
            .filter(|(name, _)| self.shape == VolumeShape::Bricked || *name != "BRICK_STEPS")
            .map(|(name, value)| (*name, f64::from(*value)))
            .collect()
    }
}

/// True where the graphics card mixes the voxels of a plane's greys.
#[cfg(feature = "test-scenes")]
pub fn is_mixed(volume: &Volume, params: &PlaneParams) -> bool {
    let way = PlaneAxes::new(params).map(|axes| PlaneWay::of(volume, params, &axes, Output::Grey));
    way.is_ok_and(|way| way.shape == VolumeShape::Mixed)
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

/// The ramp of greys.
fn grey_ramp(volume: &Volume, params: &PlaneParams) -> Ramp {
    let kind = SampleKind::of(pixels(volume).sample_type);
    Ramp::new(kind, &modality(volume), &params.voi)
}

/// What the shader is told of the voxels; `ramp` is that of the drawing.
pub fn shape(volume: &Volume, ramp: &Ramp, way: &PlaneWay) -> VoxelShape {
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
        ends: way.ends(ramp),
    }
}
