//! Solid shapes with a material, painted one over the other: what a scanner would see.
//!
//! Later layers cover earlier ones. At its surface a layer fades over about a millimetre, which stands for the
//! partial volume of a real scanner and keeps edges free of steps.

use super::material::Material;
use super::trunk::{Site, Trunk, ellipsoid};
use crate::noise::{smooth_max, smooth_min};
use crate::tree::Branch;
use glam::{Mat3, Vec3};

/// Width of the soft edges beyond a surface, in mm.
const EDGE_MM: f32 = 0.8;

/// The solid of a layer.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// A tapering capsule; `squash` scales space first, so values below 1 stretch it along that axis.
    Cone {
        start: Vec3,
        end: Vec3,
        start_radius: f32,
        end_radius: f32,
        squash: Vec3,
    },
    /// Ellipsoids melted together; `rough` mm of unevenness with bumps of about `grain` mm.
    Blob {
        parts: Vec<Ball>,
        melt: f32,
        rough: f32,
        grain: f32,
    },
    /// An upright elliptic drum with a waist and a flat back: a vertebral body.
    Drum {
        center: Vec3,
        half_width: f32,
        half_depth: f32,
        half_height: f32,
    },
    /// Everything between the skin and the inner wall, and the fat within.
    Body,
    /// Both lungs.
    Lungs,
    /// The table under the patient.
    Table,
}

/// One ellipsoid of a blob; the rows of `axes` are its own axes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ball {
    pub(crate) center: Vec3,
    pub(crate) radii: Vec3,
    pub(crate) axes: Mat3,
}

/// Bounds that a shape shares with its surroundings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Clip {
    /// None.
    Free,
    /// Inside the inner wall by some mm.
    Inside(f32),
    /// Outside the inner wall by some mm.
    Outside(f32),
    /// Inside the inner wall and above the diaphragm by some mm.
    Chest(f32),
    /// Inside the inner wall and below the diaphragm by some mm.
    Belly(f32),
}

/// A shape, what it is made of, and where it can be.
#[derive(Debug, Clone)]
pub(crate) struct Layer {
    pub(crate) shape: Shape,
    pub(crate) material: Material,
    pub(crate) clip: Clip,
    low: Vec3,
    high: Vec3,
}

impl Layer {
    /// Whether the layer can touch the box `low..high` of the unwarped anatomy.
    pub(crate) fn touches(&self, low: Vec3, high: Vec3) -> bool {
        self.low.cmple(high).all() && self.high.cmpge(low).all()
    }

    /// Lowest corner of the box that holds the layer.
    pub(crate) fn low(&self) -> Vec3 {
        self.low
    }

    /// Highest corner of the box that holds the layer.
    pub(crate) fn high(&self) -> Vec3 {
        self.high
    }

    /// Paints the layer over `hu` at one point.
    pub(crate) fn paint(&self, trunk: &Trunk, site: &Site, hu: &mut f32) {
        let mut distance = self.shape.distance(trunk, site);
        if distance > 0.75 {
            return;
        }
        match self.clip {
            Clip::Free => {}
            Clip::Inside(inset) => distance = smooth_max(distance, site.cavity + inset, 4.0),
            Clip::Outside(gap) => distance = smooth_max(distance, gap - site.cavity, 4.0),
            Clip::Chest(inset) => {
                let bound = smooth_max(
                    site.cavity + inset,
                    inset - Trunk::above_diaphragm(site.at),
                    6.0,
                );
                distance = smooth_max(distance, bound, 3.0);
            }
            Clip::Belly(inset) => {
                let bound = smooth_max(
                    site.cavity + inset,
                    Trunk::above_diaphragm(site.at) + inset,
                    6.0,
                );
                distance = smooth_max(distance, bound, 5.0);
            }
        }
        let cover = (0.5 - distance / 1.5).clamp(0.0, 1.0);
        if cover > 0.0 {
            let own = self.material.hu(trunk, site, distance);
            *hu += (own - *hu) * cover * cover * (3.0 - 2.0 * cover);
        }
    }
}

impl Shape {
    fn distance(&self, trunk: &Trunk, site: &Site) -> f32 {
        let p = site.at;
        match self {
            Self::Cone {
                start,
                end,
                start_radius,
                end_radius,
                squash,
            } => {
                let along = (*end - *start) * *squash;
                let from = (p - *start) * *squash;
                let t = (from.dot(along) / along.length_squared().max(1.0e-6)).clamp(0.0, 1.0);
                (from - along * t).length() - (start_radius + (end_radius - start_radius) * t)
            }
            Self::Blob {
                parts,
                melt,
                rough,
                grain,
            } => {
                let mut d = f32::INFINITY;
                for part in parts {
                    let own = ellipsoid(part.axes * (p - part.center), part.radii);
                    d = if d.is_finite() {
                        smooth_min(d, own, *melt)
                    } else {
                        own
                    };
                }
                if *rough > 0.0 && d.abs() < *rough * 2.0 + 2.0 {
                    d += rough * trunk.noise.at(p / *grain);
                }
                d
            }
            Self::Drum {
                center,
                half_width,
                half_depth,
                half_height,
            } => {
                let q = p - *center;
                let waist = 0.88 + 0.12 * (q.z / half_height).powi(2).min(1.0);
                let round = ellipsoid(
                    Vec3::new(q.x, q.y, 0.0),
                    Vec3::new(half_width * waist, half_depth * waist, 1.0e4),
                );
                let flat = smooth_max(round, q.y - half_depth * 0.78, 4.0);
                smooth_max(flat, q.z.abs() - half_height, 2.5)
            }
            Self::Body => site.body,
            Self::Lungs => trunk.lung(site),
            Self::Table => {
                // A shallow cradle: its sides rise towards the patient, its underside is rounder.
                let bow = site.place.x * site.place.x;
                let top = 116.5 - 0.00105 * bow - site.place.y;
                let bottom = site.place.y - 143.0 + 0.0017 * bow;
                smooth_max(top, bottom, 3.0)
            }
        }
    }
}

/// A list of layers in the order of painting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scene {
    pub(crate) layers: Vec<Layer>,
}

impl Scene {
    fn push(&mut self, shape: Shape, material: Material, clip: Clip, low: Vec3, high: Vec3) {
        let margin = Vec3::splat(EDGE_MM);
        self.layers.push(Layer {
            shape,
            material,
            clip,
            low: low - margin,
            high: high + margin,
        });
    }

    /// Adds a shape without bounds of its own.
    pub(crate) fn everywhere(&mut self, shape: Shape, material: Material) {
        self.push(
            shape,
            material,
            Clip::Free,
            Vec3::splat(-1.0e4),
            Vec3::splat(1.0e4),
        );
    }

    /// Adds the lungs.
    pub(crate) fn lungs(&mut self, material: Material) {
        let (low, high) = (
            Vec3::new(-140.0, -95.0, -84.0),
            Vec3::new(140.0, 100.0, 240.0),
        );
        self.push(Shape::Lungs, material, Clip::Free, low, high);
    }

    /// Adds a tapering capsule, stretched where `squash` is below 1.
    pub(crate) fn cone(
        &mut self,
        ends: [(Vec3, f32); 2],
        squash: Vec3,
        material: Material,
        clip: Clip,
    ) {
        let [(start, start_radius), (end, end_radius)] = ends;
        let reach = Vec3::splat(start_radius.max(end_radius)) / squash;
        let (low, high) = (start.min(end) - reach, start.max(end) + reach);
        self.push(
            Shape::Cone {
                start,
                end,
                start_radius,
                end_radius,
                squash,
            },
            material,
            clip,
            low,
            high,
        );
    }

    /// Adds a tube through `points` (`[x, y, z, radius]`), smoothed between them.
    pub(crate) fn tube(&mut self, points: &[[f32; 4]], grow: f32, material: Material, clip: Clip) {
        self.flat_tube(points, grow, Vec3::ONE, material, clip);
    }

    /// Adds a tube of oval section; `grow` mm are added to each radius.
    pub(crate) fn flat_tube(
        &mut self,
        points: &[[f32; 4]],
        grow: f32,
        squash: Vec3,
        material: Material,
        clip: Clip,
    ) {
        let fine = curve(points);
        for pair in fine.windows(2) {
            let ends =
                [pair[0], pair[1]].map(|[x, y, z, r]| (Vec3::new(x, y, z), (r + grow).max(0.3)));
            self.cone(ends, squash, material.clone(), clip);
        }
    }

    /// Adds the branches of a tree, each radius grown by `grow` mm.
    pub(crate) fn branches(
        &mut self,
        branches: &[Branch],
        grow: f32,
        material: &Material,
        clip: Clip,
    ) {
        for branch in branches {
            let ends = [
                (branch.start, branch.start_radius + grow),
                (branch.end, branch.end_radius + grow),
            ];
            self.cone(ends, Vec3::ONE, material.clone(), clip);
        }
    }

    /// Adds ellipsoids melted together.
    pub(crate) fn blob(
        &mut self,
        parts: &[Ball],
        melt: f32,
        rough: (f32, f32),
        material: Material,
        clip: Clip,
    ) {
        let reach = |part: &Ball| Vec3::splat(part.radii.max_element() + rough.0 + melt * 0.25);
        let low = parts
            .iter()
            .map(|part| part.center - reach(part))
            .fold(Vec3::splat(1.0e4), Vec3::min);
        let high = parts
            .iter()
            .map(|part| part.center + reach(part))
            .fold(Vec3::splat(-1.0e4), Vec3::max);
        let shape = Shape::Blob {
            parts: parts.to_vec(),
            melt,
            rough: rough.0,
            grain: rough.1,
        };
        self.push(shape, material, clip, low, high);
    }

    /// Adds a vertebral body or a disc: `half` is half width, half depth and half height.
    pub(crate) fn drum(&mut self, center: Vec3, half: Vec3, material: Material) {
        let shape = Shape::Drum {
            center,
            half_width: half.x,
            half_depth: half.y,
            half_height: half.z,
        };
        self.push(shape, material, Clip::Free, center - half, center + half);
    }
}

/// An ellipsoid along the patient's axes.
pub(crate) fn ball(center: [f32; 3], radii: [f32; 3]) -> Ball {
    Ball {
        center: Vec3::from(center),
        radii: Vec3::from(radii),
        axes: Mat3::IDENTITY,
    }
}

/// An ellipsoid whose first half length lies along `axis`.
pub(crate) fn ball_along(center: [f32; 3], radii: [f32; 3], axis: [f32; 3]) -> Ball {
    let first = Vec3::from(axis).normalize();
    let helper = if first.z.abs() < 0.9 {
        Vec3::Z
    } else {
        Vec3::Y
    };
    let second = helper.cross(first).normalize();
    let axes = Mat3::from_cols(first, second, first.cross(second)).transpose();
    Ball {
        center: Vec3::from(center),
        radii: Vec3::from(radii),
        axes,
    }
}

/// Points of a Catmull-Rom curve through `points`, about 5 mm apart.
pub(crate) fn curve(points: &[[f32; 4]]) -> Vec<[f32; 4]> {
    let last = points.len().saturating_sub(1);
    let mut fine = Vec::new();
    for i in 0..last {
        let (a, b, c, d) = (
            points[i.saturating_sub(1)],
            points[i],
            points[i + 1],
            points[(i + 2).min(last)],
        );
        let length = Vec3::new(c[0] - b[0], c[1] - b[1], c[2] - b[2]).length();
        let steps = (length / 5.0).ceil().max(1.0) as usize;
        for step in 0..steps {
            let t = step as f32 / steps as f32;
            fine.push(std::array::from_fn(|k| {
                let (t2, t3) = (t * t, t * t * t);
                0.5 * (2.0 * b[k]
                    + (c[k] - a[k]) * t
                    + (2.0 * a[k] - 5.0 * b[k] + 4.0 * c[k] - d[k]) * t2
                    + (3.0 * b[k] - a[k] - 3.0 * c[k] + d[k]) * t3)
            }));
        }
    }
    fine.extend(points.last());
    fine
}
