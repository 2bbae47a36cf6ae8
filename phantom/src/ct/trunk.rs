//! The trunk's outlines: skin, inner wall, diaphragm and mediastinum as distances in millimetres.
//!
//! Coordinates are the patient's (LPS): x to the left, y to the back, z to the head, all in mm. `z = 0` lies at the
//! level of the diaphragm's domes. Distances are negative inside.

use crate::noise::{Noise, smooth_max, smooth_min, smooth_step};
use glam::{Mat3, Vec3};

/// Lowest and highest level that the profiles describe.
const LOW_MM: f32 = -280.0;
const HIGH_MM: f32 = 290.0;

/// Half width, half depth and middle (y) of an outline by level: `[z, half width, half depth, y]`.
const BODY: [[f32; 4]; 14] = [
    [290.0, 60.0, 60.0, 12.0],
    [276.0, 82.0, 63.0, 14.0],
    [262.0, 128.0, 67.0, 16.0],
    [244.0, 167.0, 75.0, 16.0],
    [215.0, 179.0, 87.0, 13.0],
    [185.0, 178.0, 97.0, 9.0],
    [140.0, 174.0, 104.0, 5.0],
    [90.0, 166.0, 107.0, 2.0],
    [40.0, 160.0, 109.0, 0.0],
    [0.0, 156.0, 110.0, -1.0],
    [-60.0, 150.0, 108.0, -3.0],
    [-120.0, 147.0, 104.0, -6.0],
    [-190.0, 160.0, 105.0, -6.0],
    [-280.0, 180.0, 110.0, -2.0],
];
const CAVITY: [[f32; 4]; 13] = [
    [290.0, 24.0, 22.0, 8.0],
    [240.0, 30.0, 26.0, 10.0],
    [222.0, 48.0, 36.0, 14.0],
    [205.0, 78.0, 48.0, 15.0],
    [180.0, 100.0, 58.0, 13.0],
    [140.0, 118.0, 70.0, 9.0],
    [90.0, 128.0, 78.0, 5.0],
    [40.0, 132.0, 83.0, 2.0],
    [0.0, 132.0, 85.0, -1.0],
    [-60.0, 126.0, 83.0, -5.0],
    [-120.0, 118.0, 77.0, -11.0],
    [-190.0, 118.0, 72.0, -14.0],
    [-280.0, 112.0, 70.0, -12.0],
];
/// Middle (y) of the vertebral bodies by level.
const SPINE: [[f32; 2]; 10] = [
    [290.0, 14.0],
    [240.0, 27.0],
    [190.0, 42.0],
    [140.0, 51.0],
    [80.0, 55.0],
    [20.0, 51.0],
    [-50.0, 40.0],
    [-120.0, 30.0],
    [-180.0, 29.0],
    [-280.0, 52.0],
];

/// Stands for a distance to a surface that is far away.
const FAR_MM: f32 = 10.0;

/// Middle of the heart's sac, and its half lengths along its own axes.
pub(crate) const HEART_CENTER: Vec3 = Vec3::new(20.0, -23.0, 31.0);
/// Half lengths of the sac: along the long axis, and across it twice.
pub(crate) const HEART_RADII: Vec3 = Vec3::new(70.0, 47.0, 46.0);

/// Rows are the heart's axes: long axis to the apex (left, forwards, down), then two across.
pub(crate) fn heart_axes() -> Mat3 {
    let long = Vec3::new(0.66, -0.50, -0.56).normalize();
    let across = long.cross(Vec3::Z).normalize();
    Mat3::from_cols(long, across, long.cross(across)).transpose()
}

/// What a point of space is, before any organ is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    /// The point in the patient.
    pub(crate) place: Vec3,
    /// The point in the unwarped anatomy, where organs are described.
    pub(crate) at: Vec3,
    /// Distance to the skin, negative inside.
    pub(crate) body: f32,
    /// Distance to the inner wall of chest and belly, negative inside.
    pub(crate) cavity: f32,
}

/// The outlines of one made-up trunk.
#[derive(Debug, Clone)]
pub(crate) struct Trunk {
    body: Vec<[f32; 3]>,
    cavity: Vec<[f32; 3]>,
    spine: Vec<f32>,
    phases: [f32; 6],
    /// Whether the chest bears breasts.
    pub(crate) breasts: bool,
    /// Grain for uneven surfaces.
    pub(crate) noise: Noise,
}

impl Trunk {
    /// Outlines whose unevenness follows `seed`.
    pub(crate) fn new(seed: u64, breasts: bool) -> Self {
        let mut random = crate::random::Random::named(seed, "trunk");
        Self {
            body: tabulate(&BODY, |row| [row[1], row[2], row[3]]),
            cavity: tabulate(&CAVITY, |row| [row[1], row[2], row[3]]),
            spine: tabulate(&SPINE, |row| [row[1], 0.0, 0.0])
                .iter()
                .map(|row| row[0])
                .collect(),
            phases: std::array::from_fn(|_| random.between(0.0, std::f32::consts::TAU)),
            breasts,
            noise: Noise::new(seed),
        }
    }

    /// Where in the regular anatomy the point `place` of this uneven patient lies.
    pub(crate) fn unwarp(&self, place: Vec3) -> Vec3 {
        let [a, b, c, d, e, f] = self.phases;
        let Vec3 { x, y, z } = place;
        place
            + Vec3::new(
                1.9 * (y / 41.0 + z / 83.0 + a).sin() + 0.9 * (z / 27.0 + x / 61.0 + b).sin(),
                1.5 * (x / 37.0 - z / 77.0 + c).sin() + 0.9 * (z / 31.0 + d).sin(),
                2.2 * (x / 53.0 + y / 47.0 + e).sin() + 0.9 * (x / 23.0 - y / 29.0 + f).sin(),
            )
    }

    /// Everything about the point `place` that organs need to know.
    pub(crate) fn site(&self, place: Vec3, at: Vec3) -> Site {
        // Far from a surface its exact distance does not matter, so most places need only one of the two.
        let [a, b, y] = lookup(&self.body, at.z);
        let (u, v) = (at.x / a, (at.y - y) / b);
        if u * u + v * v > 1.44 && !(self.breasts && at.y < -40.0) {
            return Site {
                place,
                at,
                body: FAR_MM,
                cavity: FAR_MM,
            };
        }
        let cavity = self.cavity(at);
        let body = if cavity < -3.0 {
            cavity - FAR_MM
        } else {
            self.body(at)
        };
        Site {
            place,
            at,
            body,
            cavity,
        }
    }

    /// Middle (y) of the vertebral bodies at level `z`.
    pub(crate) fn spine_y(&self, z: f32) -> f32 {
        let (low, t) = row_of(z);
        self.spine[low] + (self.spine[low + 1] - self.spine[low]) * t
    }

    fn body(&self, p: Vec3) -> f32 {
        let [a, b, y] = lookup(&self.body, p.z);
        let v = p.y - y;
        let mut d = oval(p.x, v, a, b);
        // The furrow over the spinous processes.
        if v > 0.0 {
            d += 6.0 * (-(p.x / 17.0).powi(2)).exp() * smooth_step(0.5, 0.9, v / b);
        }
        if self.breasts && p.y < -40.0 && (0.0..190.0).contains(&p.z) {
            let side = Vec3::new(p.x.abs() - 84.0, p.y + 82.0, p.z - 76.0);
            d = smooth_min(d, ellipsoid(side, Vec3::new(60.0, 44.0, 62.0)), 36.0);
        }
        d
    }

    fn cavity(&self, p: Vec3) -> f32 {
        let [a, b, y] = lookup(&self.cavity, p.z);
        oval(p.x, p.y - y, a, b)
    }

    /// The point of the inner wall, `outwards` mm further out, at `angle` (0 is the left side, +90 degrees the back).
    pub(crate) fn wall_point(&self, angle: f32, z: f32, outwards: f32) -> Vec3 {
        let [a, b, y] = lookup(&self.cavity, z);
        let (v, u) = angle.sin_cos();
        let f = (u.powi(4) + v.powi(4) + 1.2 * u * u * v * v).powf(0.25);
        Vec3::new((a + outwards) * u / f, y + (b + outwards) * v / f, z)
    }

    /// Level of the diaphragm above or below the point `x`, `y`.
    fn diaphragm_z(x: f32, y: f32) -> f32 {
        let dome = |cx: f32, cy: f32, top: f32| {
            // In front the diaphragm is fixed higher than at the back.
            let depth = if y < cy { 118.0 } else { 88.0 };
            let q = (((x - cx) / 74.0).powi(2) + ((y - cy) / depth).powi(2)).min(1.3);
            (top - 20.0 * q - 48.0 * q * q * q).max(-74.0)
        };
        let right = dome(-68.0, 2.0, 11.0);
        let left = dome(66.0, 4.0, -1.0);
        let tendon = -14.0
            - 45.0 * ((x - 16.0) / 64.0).powi(2)
            - 45.0 * ((y + 22.0) / if y < -22.0 { 150.0 } else { 50.0 }).powi(2);
        smooth_max(smooth_max(right, left, 20.0), tendon, 16.0)
    }

    /// Distance above the diaphragm, negative below it.
    pub(crate) fn above_diaphragm(p: Vec3) -> f32 {
        (p.z - Self::diaphragm_z(p.x, p.y)) * 0.75
    }

    /// Distance to the space between the lungs, negative inside.
    fn mediastinum(&self, p: Vec3) -> f32 {
        let width =
            25.0 + 9.0 * smooth_step(100.0, 150.0, p.z) + 4.0 * smooth_step(160.0, 190.0, p.z);
        let depth = 60.0 - 14.0 * smooth_step(150.0, 200.0, p.z);
        let column = ellipsoid(
            Vec3::new(p.x - 1.0, p.y + 4.0, 0.0),
            Vec3::new(width, depth, 1.0e4),
        );
        let heart = ellipsoid(
            heart_axes() * (p - HEART_CENTER),
            HEART_RADII + Vec3::splat(3.0),
        );
        // Behind the bodies no lung crosses the middle.
        let spine = p.x.hypot((p.y - self.spine_y(p.z) - 4.0).min(0.0)) - 21.5;
        let hilum = Vec3::new(p.x.abs() - 30.0, p.y - 8.0, p.z - 104.0);
        let hila = ellipsoid(hilum, Vec3::new(10.0, 15.0, 17.0));
        smooth_min(
            smooth_min(column, hila, 12.0),
            smooth_min(heart, spine, 6.0),
            10.0,
        )
    }

    /// Distance to the lungs, negative inside.
    pub(crate) fn lung(&self, site: &Site) -> f32 {
        let base = smooth_max(site.cavity + 2.0, -Self::above_diaphragm(site.at), 7.0);
        if base > 6.0 {
            return base;
        }
        smooth_max(base, -self.mediastinum(site.at), 9.0)
    }

    /// Distance to the nearest fissure between lobes, never negative.
    pub(crate) fn fissure(&self, p: Vec3) -> f32 {
        let wave = 11.0 * self.noise.at(p / 60.0);
        let above = p.z - (78.0 + 1.3 * p.y) - 0.34 * (p.x.abs() - 60.0) + wave;
        let oblique = above.abs() * 0.61;
        if p.x < 0.0 && above > 0.0 {
            let level = p.z - 82.0 - 0.1 * (p.x + 90.0) + wave + 0.004 * (p.x + 80.0).powi(2);
            return oblique.min(level.abs());
        }
        oblique
    }
}

/// Distance to a rounded oval of half widths `a`, `b`, to first order.
fn oval(x: f32, y: f32, a: f32, b: f32) -> f32 {
    let (u, v) = (x / a, y / b);
    let (u2, v2) = (u * u, v * v);
    let f = (u2 * u2 + v2 * v2 + 1.2 * u2 * v2).sqrt().sqrt();
    let cube = (f * f * f).max(1.0e-9);
    let gx = u * (u2 + 0.6 * v2) / (a * cube);
    let gy = v * (v2 + 0.6 * u2) / (b * cube);
    (f - 1.0) / (gx * gx + gy * gy).sqrt().max(1.0e-4)
}

/// Distance to an ellipsoid about the origin, to first order.
pub(crate) fn ellipsoid(p: Vec3, radii: Vec3) -> f32 {
    let scaled = p / radii;
    let k0 = scaled.length();
    let k1 = (scaled / radii).length();
    if k1 < 1.0e-6 {
        -radii.min_element()
    } else {
        k0 * (k0 - 1.0) / k1
    }
}

fn row_of(z: f32) -> (usize, f32) {
    let way = (z - LOW_MM).clamp(0.0, HIGH_MM - LOW_MM - 1.5);
    (way as usize, way.fract())
}

fn lookup(table: &[[f32; 3]], z: f32) -> [f32; 3] {
    let (low, t) = row_of(z);
    let (a, b) = (table[low], table[low + 1]);
    [
        a[0] + (b[0] - a[0]) * t,
        a[1] + (b[1] - a[1]) * t,
        a[2] + (b[2] - a[2]) * t,
    ]
}

/// One row per millimetre from knots in any order of level, through a cubic Hermite curve.
fn tabulate<const N: usize>(
    knots: &[[f32; N]],
    values: impl Fn(&[f32; N]) -> [f32; 3],
) -> Vec<[f32; 3]> {
    let mut sorted: Vec<(f32, [f32; 3])> = knots.iter().map(|row| (row[0], values(row))).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let slope = |i: usize, k: usize| {
        let (low, high) = (i.saturating_sub(1), (i + 1).min(sorted.len() - 1));
        (sorted[high].1[k] - sorted[low].1[k]) / (sorted[high].0 - sorted[low].0)
    };
    let rows = (HIGH_MM - LOW_MM) as usize + 1;
    (0..rows)
        .map(|row| {
            let z = LOW_MM + row as f32;
            let next = sorted
                .iter()
                .position(|knot| knot.0 > z)
                .unwrap_or(sorted.len() - 1)
                .max(1);
            let low = next - 1;
            let width = sorted[next].0 - sorted[low].0;
            let t = ((z - sorted[low].0) / width).clamp(0.0, 1.0);
            let (t2, t3) = (t * t, t * t * t);
            std::array::from_fn(|k| {
                sorted[low].1[k] * (2.0 * t3 - 3.0 * t2 + 1.0)
                    + slope(low, k) * width * (t3 - 2.0 * t2 + t)
                    + sorted[next].1[k] * (3.0 * t2 - 2.0 * t3)
                    + slope(next, k) * width * (t3 - t2)
            })
        })
        .collect()
}
