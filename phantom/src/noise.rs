//! Smooth noise in space: the grain of tissue and the unevenness of surfaces.
//!
//! Value noise on a periodic lattice of 32 x 32 x 32 numbers, interpolated with a smooth step.

use crate::random::Random;
use glam::Vec3;

const SIDE: usize = 32;

/// A periodic field of smooth noise in `-1.0..=1.0`.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    lattice: Vec<f32>,
}

impl Noise {
    /// The field that belongs to `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::named(seed, "noise");
        let lattice = (0..SIDE * SIDE * SIDE)
            .map(|_| random.between(-1.0, 1.0))
            .collect();
        Self { lattice }
    }

    /// The value at `point`, given in lattice cells (millimetres divided by the wanted grain).
    pub(crate) fn at(&self, point: Vec3) -> f32 {
        let (x0, x1, fx) = cell(point.x);
        let (y0, y1, fy) = cell(point.y);
        let (z0, z1, fz) = cell(point.z);
        let row = |y: usize, z: usize| {
            let base = (z * SIDE + y) * SIDE;
            let a = self.lattice[base + x0];
            a + (self.lattice[base + x1] - a) * fx
        };
        let near = row(y0, z0) + (row(y1, z0) - row(y0, z0)) * fy;
        let far = row(y0, z1) + (row(y1, z1) - row(y0, z1)) * fy;
        near + (far - near) * fz
    }
}

/// The two lattice columns about `value` and the eased way between them.
fn cell(value: f32) -> (usize, usize, f32) {
    // A cast and a comparison: `floor` is a call on processors of the common baseline.
    let cut = value as i32;
    let floor = cut - i32::from(value < cut as f32);
    let t = value - floor as f32;
    let low = floor.rem_euclid(SIDE as i32) as usize;
    (low, (low + 1) % SIDE, t * t * (3.0 - 2.0 * t))
}

/// 0 below `low`, 1 above `high`, eased between.
pub(crate) fn smooth_step(low: f32, high: f32, value: f32) -> f32 {
    let t = ((value - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// The larger of two distances, with the edge between them rounded over `radius`.
pub(crate) fn smooth_max(a: f32, b: f32, radius: f32) -> f32 {
    let h = (radius - (a - b).abs()).max(0.0) / radius;
    a.max(b) + h * h * radius * 0.25
}

/// The smaller of two distances, with the crease between them filled over `radius`.
pub(crate) fn smooth_min(a: f32, b: f32, radius: f32) -> f32 {
    -smooth_max(-a, -b, radius)
}
