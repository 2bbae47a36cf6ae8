//! Planes and slabs against trilinear interpolation as its formula says, in double precision and voxel by voxel: all
//! sample types, gantry tilt, unequal gaps, slices with slopes of their own, on their way, or lost.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small made-up numbers"
)]

use std::sync::Arc;
use viewer_core::geometry::{ImagePlane, Projection, Slab, ViewPlane};
use viewer_core::pixel::{Frame, ModalityLut, Photometric, SampleType};
use viewer_core::volume::sample::is_absent;
use viewer_core::volume::{Presence, Sampler, Slice, SliceState, Slices, VolumeGrid};

type Vector = [f64; 3];

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

fn plus(a: Vector, b: Vector, times: f64) -> Vector {
    [0, 1, 2].map(|axis| a[axis] + b[axis] * times)
}

fn unit(a: Vector) -> Vector {
    a.map(|x| x / dot(a, a).sqrt())
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, count: u32) -> u32 {
        let Self(state) = self;
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(*state >> 33).unwrap() % count
    }

    fn signed(&mut self) -> f64 {
        f64::from(self.below(20_001)) / 10_000.0 - 1.0
    }

    fn vector(&mut self) -> Vector {
        [self.signed(), self.signed(), self.signed()]
    }
}

const COLUMNS: usize = 21;
const ROWS: usize = 18;
const SLICES: usize = 14;

/// A volume, known in plain numbers.
struct Body {
    origin: Vector,
    /// One voxel along a row, one along a column, 1 mm from slice to slice.
    steps: [Vector; 3],
    heights: Vec<f64>,
    /// Modality values, by slice, row and column.
    values: Vec<f64>,
    states: Vec<SliceState>,
    smallest_edge: f64,
}

/// What a formula says of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    Value(f64),
    Outside,
    Gap,
    /// On an edge, where rounding decides.
    Either,
}

impl Body {
    fn value(&self, x: usize, y: usize, z: usize) -> f64 {
        self.values[(z * ROWS + y) * COLUMNS + x]
    }

    /// Column, row and mm along the slices of a place, by Cramer's rule.
    fn grid_from_patient(&self, patient: Vector) -> Vector {
        let [a, b, c] = self.steps;
        let way = plus(patient, self.origin, -1.0);
        let determinant = dot(a, cross(b, c));
        [cross(b, c), cross(c, a), cross(a, b)].map(|side| dot(way, side) / determinant)
    }

    fn in_slice(&self, x: f64, y: f64, z: usize) -> f64 {
        let (i, j) = (x.floor() as usize, y.floor() as usize);
        let (u, v) = (x - x.floor(), y - y.floor());
        let at = |i: usize, j: usize| self.value(i.min(COLUMNS - 1), j.min(ROWS - 1), z);
        at(i, j) * (1.0 - u) * (1.0 - v)
            + at(i + 1, j) * u * (1.0 - v)
            + at(i, j + 1) * (1.0 - u) * v
            + at(i + 1, j + 1) * u * v
    }

    fn sample(&self, patient: Vector) -> Expected {
        const EDGE: f64 = 1e-3;
        let [x, y, mm] = self.grid_from_patient(patient);
        let last = self.heights[SLICES - 1];
        for (at, end) in [
            (x, COLUMNS as f64 - 1.0),
            (y, ROWS as f64 - 1.0),
            (mm, last),
        ] {
            if at.abs() < EDGE || (at - end).abs() < EDGE {
                return Expected::Either;
            }
            if at < 0.0 || at > end {
                return Expected::Outside;
            }
        }
        let below = self
            .heights
            .iter()
            .rposition(|height| *height <= mm)
            .unwrap();
        let gap = self.heights[below + 1] - self.heights[below];
        let up = (mm - self.heights[below]) / gap;
        if self.states.iter().any(|state| *state != SliceState::Here) && up.min(1.0 - up) < EDGE {
            return Expected::Either;
        }
        if self.states[below..below + 2].contains(&SliceState::Failed) {
            return Expected::Gap;
        }
        let is_here = |z: &usize| self.states[*z] == SliceState::Here;
        let (a, b) = (
            (0..=below).rev().find(is_here),
            (below + 1..SLICES).find(is_here),
        );
        match (a, b) {
            (None, None) => Expected::Outside,
            (Some(only), None) | (None, Some(only)) => Expected::Value(self.in_slice(x, y, only)),
            (Some(a), Some(b)) => {
                let weight = (below as f64 + up - a as f64) / (b as f64 - a as f64);
                let (a, b) = (self.in_slice(x, y, a), self.in_slice(x, y, b));
                Expected::Value(a * (1.0 - weight) + b * weight)
            }
        }
    }

    /// Samples at `-n..=n` steps along the normal, put together.
    fn slab(&self, middle: Vector, normal: Vector, slab: &Slab) -> Expected {
        let step = slab.step_mm.unwrap_or(self.smallest_edge / 2.0);
        let side = (slab.thickness_mm / 2.0 / step).floor() as i32;
        let planes = (-side..=side).map(|n| self.sample(plus(middle, normal, f64::from(n) * step)));
        let samples: Vec<Expected> = planes.collect();
        if samples.contains(&Expected::Either) {
            return Expected::Either;
        }
        if samples.contains(&Expected::Gap) {
            return Expected::Gap;
        }
        let values = samples.iter().filter_map(|sample| match sample {
            Expected::Value(value) => Some(*value),
            _ => None,
        });
        let values: Vec<f64> = values.collect();
        if values.is_empty() {
            return Expected::Outside;
        }
        Expected::Value(match slab.projection {
            Projection::Mip => values.iter().copied().fold(f64::MIN, f64::max),
            Projection::MinIp => values.iter().copied().fold(f64::MAX, f64::min),
            Projection::Mean => values.iter().sum::<f64>() / values.len() as f64,
        })
    }
}

/// A body of chance, and the same as the project has it.
fn body(chance: &mut Chance, kind: SampleType) -> (Body, VolumeGrid, Slices, Presence) {
    let row = unit(plus([1.0, 0.0, 0.0], chance.vector(), 0.3));
    let normal = unit(cross(row, plus([0.0, 1.0, 0.0], chance.vector(), 0.3)));
    let column = cross(normal, row);
    let [across, down] = [0.6 + chance.signed().abs(), 0.6 + chance.signed().abs()];
    let tilt = [0.0, 0.3][chance.below(2) as usize];
    let along = unit(plus(normal, column, tilt));
    let is_even = chance.below(2) == 0;
    let mut heights = vec![0.0];
    for z in 1..SLICES {
        let gap = if is_even {
            1.3
        } else {
            0.8 + chance.signed().abs()
        };
        heights.push(heights[z - 1] + gap);
    }
    let origin = chance.vector().map(|x| x * 50.0);
    let planes: Vec<_> = heights
        .iter()
        .map(|mm| {
            ImagePlane::new(
                plus(origin, along, *mm),
                [row, column].concat().try_into().unwrap(),
                [down, across],
            )
            .unwrap()
        })
        .collect();
    let grid = VolumeGrid::stack(&planes, [COLUMNS as u32, ROWS as u32])
        .unwrap()
        .grid;
    let mut slices = Slices::new(COLUMNS as u32, ROWS as u32, SLICES);
    let mut presence = Presence::new(SLICES);
    let (mut values, mut states) = (Vec::new(), Vec::new());
    let differ = chance.below(2) == 0;
    let lost = chance.below(3);
    for z in 0..SLICES {
        let slope = if differ {
            0.5 + chance.signed().abs()
        } else {
            2.0
        };
        let mut data = Vec::new();
        for _ in 0..COLUMNS * ROWS {
            let stored = i16::try_from(chance.below(120)).unwrap();
            match kind.size_bytes() {
                1 => data.push(stored as u8),
                2 => data.extend(stored.to_le_bytes()),
                4 if kind == SampleType::F32 => data.extend(f32::from(stored).to_le_bytes()),
                4 => data.extend(i32::from(stored).to_le_bytes()),
                _ => data.extend(f64::from(stored).to_le_bytes()),
            }
            values.push(f64::from(stored) * slope - 100.0);
        }
        let frame = Frame {
            rows: ROWS as u32,
            columns: COLUMNS as u32,
            samples_per_pixel: 1,
            sample_type: kind,
            bits_stored: 8,
            photometric: Photometric::Monochrome2,
            data,
        };
        let state = match chance.below(12) {
            0 if lost > 1 => SliceState::Failed,
            1..4 if lost > 0 => SliceState::Awaited,
            _ => SliceState::Here,
        };
        if state == SliceState::Here {
            let modality = ModalityLut::Rescale {
                slope,
                intercept: -100.0,
            };
            slices
                .put(z, Arc::new(Slice::new(frame, modality).unwrap()))
                .unwrap();
        }
        presence.set(z, state);
        states.push(state);
    }
    let mut gaps: Vec<f64> = heights.windows(2).map(|pair| pair[1] - pair[0]).collect();
    gaps.sort_by(f64::total_cmp);
    let body = Body {
        origin,
        steps: [row.map(|x| x * across), column.map(|x| x * down), along],
        heights,
        values,
        states,
        smallest_edge: across.min(down).min(gaps[gaps.len() / 2]),
    };
    (body, grid, slices, presence)
}

#[test]
fn planes_and_slabs_are_trilinear_whatever_the_volume() {
    const SIZE: [u32; 2] = [37, 31];
    let mut chance = Chance(11);
    let (mut values, mut gaps, mut outside) = (0, 0, 0);
    for round in 0..80 {
        let kinds = [
            SampleType::U8,
            SampleType::I8,
            SampleType::U16,
            SampleType::I16,
            SampleType::U32,
            SampleType::I32,
            SampleType::F32,
            SampleType::F64,
        ];
        let (body, grid, slices, presence) = body(&mut chance, kinds[round % 8]);
        let (row, column) = if round % 4 == 3 {
            (unit(body.steps[0]), unit(body.steps[1]))
        } else {
            let row = unit(chance.vector());
            (row, unit(cross(row, chance.vector())))
        };
        let center = plus(grid.center().to_array(), chance.vector(), 2.0);
        let pixel_mm = 0.3 + chance.signed().abs() * 0.6;
        let mut plane = ViewPlane::new(center, row, column, pixel_mm).unwrap();
        let projections = [Projection::Mip, Projection::MinIp, Projection::Mean];
        plane.slab = (round % 3 > 0).then(|| Slab {
            thickness_mm: 2.0 + chance.signed().abs() * 6.0,
            projection: projections[chance.below(3) as usize],
            step_mm: (chance.below(2) == 0).then_some(0.7),
        });
        let sampler = Sampler::new(&grid, &slices, &plane, SIZE).unwrap();
        let mut found = vec![0.0; 37 * 31];
        sampler.with_presence(&presence).rows(0..31, &mut found);
        for (index, found) in found.into_iter().enumerate() {
            let (x, y) = ((index % 37) as f64, (index / 37) as f64);
            let middle = plus(center, row, (x - 18.0) * pixel_mm);
            let middle = plus(middle, column, (y - 15.0) * pixel_mm);
            let expected = match &plane.slab {
                Some(slab) => body.slab(middle, cross(row, column), slab),
                None => body.sample(middle),
            };
            match expected {
                Expected::Value(value) => {
                    values += 1;
                    // Neighbours are up to 300 apart, and places are right to 1e-5 of a voxel on each axis.
                    let apart = (f64::from(found) - value).abs();
                    assert!(
                        apart < 0.02,
                        "round {round}, {x} {y}: {found}, expected {value}"
                    );
                }
                Expected::Outside => {
                    outside += 1;
                    assert!(
                        found.is_nan() && !is_absent(found),
                        "round {round}, {x} {y}: {found}"
                    );
                }
                Expected::Gap => {
                    gaps += 1;
                    assert!(is_absent(found), "round {round}, {x} {y}: {found}");
                }
                Expected::Either => {}
            }
        }
    }
    assert!(
        values > 20_000 && gaps > 2_000 && outside > 5_000,
        "{values} {gaps} {outside}"
    );
}
