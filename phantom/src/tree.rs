//! Trees of vessels and airways that fill a given cloud of points.
//!
//! Each branch serves a set of points: it runs part of the way to their middle, the set is cut in two across its
//! longest axis, and each half gets a branch of its own. Radii follow Murray's law, so trunks taper as in the body.

use crate::random::Random;
use glam::{Mat3, Vec3};

/// One tapering piece of a tree, in millimetres.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    pub(crate) start: Vec3,
    pub(crate) end: Vec3,
    pub(crate) start_radius: f32,
    pub(crate) end_radius: f32,
}

/// How a tree grows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    /// Radius of the thinnest twigs.
    pub(crate) twig_radius: f32,
    /// Radius where the tree starts; nothing is thicker.
    pub(crate) trunk_radius: f32,
    /// Share of the way to the middle of the served points that one branch runs.
    pub(crate) stride: f32,
}

/// Grows a tree from `root` to every one of `points`.
pub(crate) fn grow(
    random: &mut Random,
    root: Vec3,
    points: &mut [Vec3],
    growth: Growth,
) -> Vec<Branch> {
    let mut branches = Vec::with_capacity(points.len() * 4);
    let radius = radius_for(points.len(), points.len(), growth);
    let total = points.len();
    split(random, root, radius, points, total, growth, &mut branches);
    branches
}

fn radius_for(served: usize, total: usize, growth: Growth) -> f32 {
    // The exponent that takes one twig to the trunk, so both ends are as asked for.
    let exponent = (growth.trunk_radius / growth.twig_radius).ln() / (total.max(2) as f32).ln();
    growth.twig_radius * (served as f32).powf(exponent)
}

fn split(
    random: &mut Random,
    start: Vec3,
    start_radius: f32,
    points: &mut [Vec3],
    total: usize,
    growth: Growth,
    branches: &mut Vec<Branch>,
) {
    if points.is_empty() {
        return;
    }
    let middle = points.iter().sum::<Vec3>() / points.len() as f32;
    let end_radius = radius_for(points.len(), total, growth).min(start_radius);
    let leaf = points.len() == 1;
    let share = if leaf { 1.0 } else { growth.stride };
    let way = (middle - start) * share;
    let end = start + way;
    // A slight bow, so that vessels are not straight sticks.
    let bow = Vec3::new(
        random.between(-1.0, 1.0),
        random.between(-1.0, 1.0),
        random.between(-1.0, 1.0),
    );
    let knee = start + way * 0.5 + bow * way.length() * 0.12;
    let knee_radius = (start_radius + end_radius) * 0.5;
    branches.push(Branch {
        start,
        end: knee,
        start_radius,
        end_radius: knee_radius,
    });
    branches.push(Branch {
        start: knee,
        end,
        start_radius: knee_radius,
        end_radius,
    });
    if leaf {
        return;
    }
    let axis = longest_axis(points, middle);
    points.sort_by(|a, b| a.dot(axis).total_cmp(&b.dot(axis)));
    let cut = (points.len() as f32 * random.between(0.34, 0.66)) as usize;
    let (low, high) = points.split_at_mut(cut.clamp(1, points.len() - 1));
    split(random, end, end_radius, low, total, growth, branches);
    split(random, end, end_radius, high, total, growth, branches);
}

/// Direction of the greatest spread about `middle`, by power iteration on the covariance.
fn longest_axis(points: &[Vec3], middle: Vec3) -> Vec3 {
    let mut covariance = Mat3::ZERO;
    for point in points {
        let d = *point - middle;
        covariance += Mat3::from_cols(d * d.x, d * d.y, d * d.z);
    }
    let mut axis = Vec3::new(0.62, 0.53, 0.58);
    for _ in 0..6 {
        axis = (covariance * axis).try_normalize().unwrap_or(axis);
    }
    axis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_reaches_every_point_and_tapers() {
        let mut random = Random::named(3, "tree");
        let cloud: Vec<Vec3> = (0..50)
            .map(|_| Vec3::new(random.unit(), random.unit(), random.unit()) * 80.0)
            .collect();
        let growth = Growth {
            twig_radius: 0.5,
            trunk_radius: 6.0,
            stride: 0.4,
        };
        let tree = grow(&mut random, Vec3::ZERO, &mut cloud.clone(), growth);
        for point in &cloud {
            assert!(tree.iter().any(|b| b.end.distance(*point) < 1e-3));
        }
        assert!((tree[0].start_radius - 6.0).abs() < 1e-3);
        assert!(tree.iter().all(|b| b.end_radius <= b.start_radius + 1e-6));
    }
}
