//! Made-up planes and slabs through volumes: every sample type, tilted, sheared and uneven stacks, a rescale for each
//! slice, slices that never come or are on their way, windows and tables of every kind.

use super::chance::Chance;
use super::{TYPES, samples, stored_range};
use crate::{Context, VolumeCache};
use std::sync::Arc;
use viewer_core::geometry::{ImagePlane, Projection, Slab, ViewPlane};
use viewer_core::pixel::{
    Frame, LutDescriptor, ModalityLut, Photometric, Presentation, SampleType, VoiFunction, VoiLut,
    Window,
};
use viewer_core::volume::params::{HATCH_LEVELS, is_hatched};
use viewer_core::volume::sample::{SampleError, is_absent};
use viewer_core::volume::{
    Between, Interpolation, PlaneParams, Presence, Sampler, Slice, SliceState, Slices, VolumeGrid,
};

/// A volume and one plane through it.
#[derive(Debug, Clone)]
pub struct PlaneScene {
    /// Columns, rows and slices.
    pub size: [u32; 3],
    /// Number type of the samples.
    pub sample_type: SampleType,
    /// The slices; those that never come or are on their way too.
    pub slices: Vec<Arc<Slice>>,
    /// Which of them are here.
    pub presence: Presence,
    /// The plane, and how it is drawn.
    pub params: PlaneParams,
}

impl PlaneScene {
    /// Brings the volume to the GPU, its slices in an order without pattern.
    ///
    /// # Errors
    /// A volume or slice that does not reach it.
    pub fn upload(
        &self,
        context: &Context,
        volumes: &mut VolumeCache,
        key: u64,
    ) -> Result<(), crate::UploadError> {
        volumes.begin(context, key, self.size, self.sample_type)?;
        let [.., count] = self.size;
        // A step that shares no factor with their number meets each slice once.
        let step = [7, 11, 13]
            .into_iter()
            .find(|step| !count.is_multiple_of(*step));
        for turn in 0..count {
            let z = turn * step.unwrap_or(1) % count;
            match self.presence.of(z as usize) {
                SliceState::Here => {
                    let slice = &self.slices[z as usize];
                    volumes.write_slice(context, key, z, slice.samples(), slice.modality())?;
                }
                SliceState::Failed => volumes.fail_slice(key, z),
                SliceState::Awaited => {}
            }
        }
        Ok(())
    }

    /// Slices for the sampler on the processor. Those on their way are mixed from their neighbours.
    pub fn bridged(&self) -> Slices {
        let [columns, rows, count] = self.size;
        let mut slices = Slices::new(columns, rows, count as usize);
        let intervals = self.presence.intervals();
        for z in 0..count as usize {
            let slice = match (self.presence.of(z), intervals.get(z)) {
                (SliceState::Here, _) => Some(Arc::clone(&self.slices[z])),
                (SliceState::Awaited, Some(Between::Slices(a, b))) => Some(self.mixed(z, *a, *b)),
                (SliceState::Awaited, None) => match intervals.last() {
                    Some(Between::Slices(_, b)) => Some(Arc::clone(&self.slices[*b as usize])),
                    _ => None,
                },
                _ => None,
            };
            if let Some(slice) = slice {
                let put = slices.put(z, slice);
                debug_assert!(put.is_ok());
            }
        }
        slices
    }

    fn mixed(&self, z: usize, a: u32, b: u32) -> Arc<Slice> {
        let [columns, rows, _] = self.size;
        let part = if a == b {
            0.0
        } else {
            (f64::from(u32::try_from(z).unwrap_or(0)) - f64::from(a)) / f64::from(b - a)
        };
        let [a, b] = [a, b].map(|slice| &self.slices[slice as usize]);
        let places = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let data = places
            .flat_map(|(x, y)| {
                let [a, b] = [a, b].map(|slice| slice.value(x, y).unwrap_or(f64::NAN));
                let mixed = if part == 0.0 { a } else { a + (b - a) * part };
                mixed.to_le_bytes()
            })
            .collect();
        slice(
            [columns, rows],
            SampleType::F64,
            data,
            ModalityLut::IDENTITY,
        )
    }

    /// Modality values of the plane by the processor.
    ///
    /// # Errors
    /// A slab of too many planes.
    pub fn values(&self) -> Result<Vec<f32>, SampleError> {
        let slices = self.bridged();
        let PlaneParams {
            grid, plane, size, ..
        } = &self.params;
        let sampler = Sampler::new(grid, &slices, plane, *size)?.with(self.params.interpolation);
        let mut values = vec![f32::NAN; size[0] as usize * size[1] as usize];
        sampler.rows(0..size[1], &mut values);
        Ok(values)
    }

    /// The grey on screen of a modality value at a canvas pixel: PS3.3 C.11.2, C.11.6.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0.5..=255.5, and cutting the fraction is the floor"
    )]
    pub fn level(&self, value: f32, x: u32, y: u32) -> u8 {
        if is_absent(value) {
            return HATCH_LEVELS[usize::from(is_hatched(x, y))];
        }
        if value.is_nan() {
            return 0;
        }
        let grey = self.params.voi.apply(f64::from(value)).clamp(0.0, 1.0);
        (self.params.presentation.apply(grey) * 255.0 + 0.5) as u8
    }

    /// Largest modality value less the smallest.
    pub fn range(&self) -> f64 {
        let [mut low, mut high] = [f64::INFINITY, f64::NEG_INFINITY];
        let [columns, rows, _] = self.size;
        for slice in &self.slices {
            for (x, y) in (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y))) {
                let value = slice.value(x, y).unwrap_or(f64::NAN);
                // `min` and `max` pass NaN over.
                (low, high) = (low.min(value), high.max(value));
            }
        }
        high - low
    }
}

fn slice(
    [columns, rows]: [u32; 2],
    sample_type: SampleType,
    data: Vec<u8>,
    modality: ModalityLut,
) -> Arc<Slice> {
    let frame = Frame {
        rows,
        columns,
        samples_per_pixel: 1,
        sample_type,
        bits_stored: 16,
        photometric: Photometric::Monochrome2,
        data,
    };
    let slice = Slice::new(frame, modality);
    Arc::new(slice.unwrap_or_else(|error| unreachable!("a made-up slice: {error}")))
}

/// The scene of a number; always the same. A `complete` one lacks no slice that is on its way.
pub fn plane_scene(number: u32, complete: bool) -> PlaneScene {
    let chance = &mut Chance(u64::from(number) * 104_729 + 3);
    let sample_type = if chance.one_in(4) {
        TYPES[4 + chance.below(4) as usize]
    } else {
        TYPES[chance.below(4) as usize]
    };
    let size = [
        3 + chance.below(60),
        3 + chance.below(60),
        4 + chance.below(36),
    ];
    let grid = Arc::new(grid(chance, size));
    let range = stored_range(chance, sample_type);
    let interpolation = if chance.one_in(6) {
        Interpolation::Nearest
    } else {
        Interpolation::Trilinear
    };
    let slices = slices(chance, size, sample_type, range);
    let bridges = interpolation == Interpolation::Trilinear && !complete;
    let presence = presence(chance, size[2], bridges);
    let plane = plane(chance, &grid, size);
    let values = values_of(&slices, range);
    let window = Window {
        center: chance.between(values[0], values[1]),
        width: (values[1] - values[0]) * chance.by_magnitude(2e-3, 2.0),
    };
    let voi = match chance.below(8) {
        0 => VoiFunction::LinearExact.with(window),
        1 => VoiFunction::Sigmoid.with(window),
        2 => voi_table(chance, values),
        // A threshold, where values are those of voxels.
        3 | 4 if interpolation == Interpolation::Nearest => VoiLut::Linear(Window {
            center: window.center.round() + 0.25,
            width: 1.0,
        }),
        _ => VoiFunction::Linear.with(window),
    };
    let presentation = match chance.below(5) {
        0 | 1 => Presentation::Inverse,
        2 => Presentation::Table(curve(chance, [0, 40])),
        _ => Presentation::Identity,
    };
    PlaneScene {
        size,
        sample_type,
        slices,
        presence,
        params: PlaneParams {
            grid,
            plane,
            size: [1 + chance.below(110), 1 + chance.below(110)],
            interpolation,
            voi,
            presentation,
        },
    }
}

/// A stack in any direction; one in three sheared, one in three with uneven gaps.
fn grid(chance: &mut Chance, size: [u32; 3]) -> VolumeGrid {
    let (row, column) = directions(chance);
    let normal = row.cross(column);
    let origin = [0; 3].map(|_| chance.between(-200.0, 200.0));
    let spacing = [chance.between(0.4, 2.0), chance.between(0.4, 2.0)];
    let step = chance.between(0.5, 6.0);
    let is_uneven = chance.one_in(3);
    let shear = if chance.one_in(3) {
        [chance.between(-0.4, 0.4), chance.between(-0.4, 0.4)]
    } else {
        [0.0; 2]
    };
    let along = normal + row * shear[0] + column * shear[1];
    let mut distance = 0.0;
    let planes: Vec<_> = (0..size[2])
        .map(|_| {
            let place = glam::DVec3::from_array(origin) + along * distance;
            distance += step
                * if is_uneven {
                    chance.between(0.3, 3.0)
                } else {
                    1.0
                };
            let orientation = [row.x, row.y, row.z, column.x, column.y, column.z];
            ImagePlane::new(place.to_array(), orientation, spacing)
                .unwrap_or_else(|error| unreachable!("a made-up plane: {error}"))
        })
        .collect();
    VolumeGrid::stack(&planes, [size[0], size[1]])
        .unwrap_or_else(|error| unreachable!("a made-up stack: {error}"))
        .grid
}

/// Two directions at right angles; one in three those of the body.
fn directions(chance: &mut Chance) -> (glam::DVec3, glam::DVec3) {
    let axes = [glam::DVec3::X, glam::DVec3::Y, glam::DVec3::NEG_Z];
    if chance.one_in(3) {
        let first = chance.below(3) as usize;
        return (axes[first], axes[(first + 1) % 3]);
    }
    loop {
        let mut any = || glam::DVec3::from_array([0; 3].map(|_| chance.between(-1.0, 1.0)));
        let (row, other) = (any(), any());
        let across = row.cross(other);
        if row.length() > 0.1 && across.length() > 0.1 {
            let row = row.normalize();
            return (row, row.cross(across).normalize());
        }
    }
}

fn slices(
    chance: &mut Chance,
    [columns, rows, count]: [u32; 3],
    sample_type: SampleType,
    range: [f64; 2],
) -> Vec<Arc<Slice>> {
    // Not so far from zero that singles could not tell neighbouring values.
    let line = |chance: &mut Chance| {
        let slope = chance.by_magnitude(0.05, 20.0) * if chance.one_in(5) { -1.0 } else { 1.0 };
        ModalityLut::Rescale {
            slope,
            intercept: slope * (range[1] - range[0]) * chance.between(-2.0, 2.0),
        }
    };
    let is_narrow = sample_type.size_bytes() <= 2;
    let common = match chance.below(8) {
        0..=2 => ModalityLut::IDENTITY,
        3 if is_narrow => {
            #[expect(clippy::cast_possible_truncation, reason = "16 bits")]
            let ends = range.map(|end| end as i64);
            ModalityLut::Table(curve(chance, ends))
        }
        _ => line(chance),
    };
    let differs = chance.one_in(4) && matches!(common, ModalityLut::Rescale { .. });
    let is_float = matches!(sample_type, SampleType::F32 | SampleType::F64);
    let holes = (is_float && chance.one_in(3)).then_some(f64::NAN);
    (0..count)
        .map(|_| {
            let data = samples(chance, sample_type, range, holes, [columns, columns * rows]);
            let own = match &common {
                ModalityLut::Rescale { slope, intercept } if differs => ModalityLut::Rescale {
                    slope: slope * chance.between(0.5, 1.5),
                    intercept: *intercept,
                },
                common => common.clone(),
            };
            slice([columns, rows], sample_type, data, own)
        })
        .collect()
}

/// A rising curve over 16 bits of a part of these inputs.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cut to the descriptor's range; entries have 16 bits"
)]
fn curve(chance: &mut Chance, [low, high]: [i64; 2]) -> viewer_core::pixel::Lut {
    let low = low.max(-32_768);
    let length = (high - low).clamp(2, 60_000);
    let gamma = chance.between(0.7, 1.5);
    let entries = (0..length)
        .map(|place| {
            let part = place as f64 / (length - 1) as f64;
            (part.powf(gamma) * 65_535.0).round() as u16
        })
        .collect();
    LutDescriptor::new([length, low.min(32_767), 16], true)
        .and_then(|descriptor| descriptor.table(entries))
        .unwrap_or_else(|error| unreachable!("a made-up table: {error}"))
}

fn voi_table(chance: &mut Chance, [low, high]: [f64; 2]) -> VoiLut {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "cut to the descriptor's range"
    )]
    let ends = [low, high].map(|end| end.clamp(-32_768.0, 32_767.0) as i64);
    VoiLut::Table(curve(chance, ends))
}

/// Modality values of the ends of the range of stored ones.
fn values_of(slices: &[Arc<Slice>], range: [f64; 2]) -> [f64; 2] {
    let ends = slices
        .iter()
        .flat_map(|s| range.map(|stored| s.modality().apply(stored)));
    let ends: Vec<f64> = ends.collect();
    let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
    let high = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    [low, high.max(low + 1.0)]
}

/// Half of the volumes are complete. In others slices failed, and with `bridges` some are on their way, but none just
/// before one that failed.
fn presence(chance: &mut Chance, count: u32, bridges: bool) -> Presence {
    let count = count as usize;
    let mut presence = Presence::new(count);
    let is_complete = chance.one_in(2);
    let waits = bridges && chance.one_in(2);
    let fails = !waits || chance.one_in(2);
    let mut after = SliceState::Here;
    for slice in (0..count).rev() {
        let state = match chance.below(4) {
            _ if is_complete || slice == count / 2 => SliceState::Here,
            0 if fails => SliceState::Failed,
            1 | 2 if waits && after != SliceState::Failed => SliceState::Awaited,
            _ => SliceState::Here,
        };
        presence.set(slice, state);
        after = state;
    }
    presence
}

/// A plane near the middle of a volume, at any angle; one in four along its axes, half of those on voxels.
fn plane(chance: &mut Chance, grid: &VolumeGrid, size: [u32; 3]) -> ViewPlane {
    let edges = size.map(f64::from);
    let is_straight = chance.one_in(4);
    let mut center = edges.map(|edge| (edge - 1.0) * chance.between(0.2, 0.8));
    if is_straight && chance.one_in(2) {
        center = center.map(f64::round);
    }
    let center = grid.patient_from_voxel(glam::DVec3::from_array(center));
    let (row, column) = if is_straight {
        let (row, column) = (grid.row_direction(), grid.column_direction());
        match chance.below(3) {
            0 => (row, column),
            1 => (row, -grid.normal()),
            _ => (column, -grid.normal()),
        }
    } else {
        directions(chance)
    };
    let voxel = grid.voxel_mm().min_element();
    let plane = ViewPlane::new(
        center.to_array(),
        row.to_array(),
        column.to_array(),
        voxel * chance.by_magnitude(0.1, 3.0),
    );
    let plane = plane.unwrap_or_else(|error| unreachable!("a made-up plane: {error}"));
    if chance.one_in(2) {
        return plane;
    }
    let slab = Slab {
        thickness_mm: (voxel * chance.between(0.5, 25.0)).min(100.0),
        projection: match chance.below(3) {
            0 => Projection::Mip,
            1 => Projection::MinIp,
            _ => Projection::Mean,
        },
        step_mm: chance.one_in(3).then(|| voxel * chance.between(0.2, 2.0)),
    };
    plane
        .with_slab(slab)
        .unwrap_or_else(|error| unreachable!("a made-up slab: {error}"))
}
