//! The gut: stomach, small bowel, colon, and the vessels of the mesentery.

use super::belly::Solid;
use super::chest::Blood;
use super::material::Material;
use super::scene::{Clip, Scene, curve};
use super::trunk::Trunk;
use crate::random::Random;
use crate::tree::{Growth, grow};
use glam::Vec3;

/// Value of the fluid in the stomach.
pub(crate) const STOMACH_FLUID_HU: f32 = 14.0;
/// The stomach's gas lies in front of this y, in mm.
pub(crate) const STOMACH_LEVEL_MM: f32 = -26.0;
/// Course of the stomach from its dome to its gate: `[x, y, z, radius]`.
const STOMACH: [[f32; 4]; 7] = [
    [62.0, 26.0, -24.0, 24.0],
    [72.0, 6.0, -40.0, 33.0],
    [66.0, -22.0, -66.0, 32.0],
    [48.0, -46.0, -92.0, 27.0],
    [20.0, -56.0, -106.0, 20.0],
    [-6.0, -52.0, -108.0, 15.0],
    [-26.0, -38.0, -102.0, 11.0],
];

/// Adds the vessels that fan out to the bowel.
pub(crate) fn mesentery(scene: &mut Scene, trunk: &Trunk, seed: u64, blood: Blood) {
    let mut random = Random::named(seed, "mesentery");
    let mut points = Vec::new();
    while points.len() < 170 {
        let p = Vec3::new(
            random.between(-85.0, 90.0),
            random.between(-76.0, -6.0),
            random.between(-245.0, -118.0),
        );
        if trunk.site(p, p).cavity < -8.0 {
            points.push(p);
        }
    }
    let growth = Growth {
        twig_radius: 0.75,
        trunk_radius: 4.2,
        stride: 0.42,
    };
    let tree = grow(
        &mut random,
        Vec3::new(-2.0, -24.0, -128.0),
        &mut points,
        growth,
    );
    scene.branches(&tree, 0.0, &blood.venous(), Clip::Inside(3.0));
}

/// Tubes that wind through evenly scattered points of the belly, each to the nearest point not yet visited.
fn bowel_loops(trunk: &Trunk, random: &mut Random) -> Vec<Vec<[f32; 4]>> {
    let mut free: Vec<Vec3> = Vec::new();
    for _ in 0..6000 {
        let p = Vec3::new(
            random.between(-86.0, 88.0),
            random.between(-80.0, -8.0),
            random.between(-262.0, -120.0),
        );
        // The transverse colon lies in front at the top.
        let below_colon = p.z < -158.0 || (p.y > -44.0 && p.x > -44.0);
        if below_colon
            && trunk.site(p, p).cavity < -13.0
            && free.iter().all(|q| q.distance(p) > 22.5)
        {
            free.push(p);
        }
    }
    let mut loops = Vec::new();
    let mut current: Vec<[f32; 4]> = Vec::new();
    let mut at = Vec3::new(40.0, -20.0, -130.0);
    while !free.is_empty() {
        let cost = |p: &Vec3| p.distance_squared(at);
        let nearest = (0..free.len())
            .min_by(|a, b| cost(&free[*a]).total_cmp(&cost(&free[*b])))
            .unwrap_or(0);
        let next = free.swap_remove(nearest);
        if next.distance(at) > 44.0 && !current.is_empty() {
            loops.push(std::mem::take(&mut current));
        }
        current.push([next.x, next.y, next.z, random.between(9.4, 12.6)]);
        at = next;
    }
    loops.push(current);
    loops
}

/// Adds the small bowel, its wall first, then what is in it.
pub(crate) fn small_bowel(scene: &mut Scene, trunk: &Trunk, seed: u64, solid: Solid) {
    let mut random = Random::named(seed, "bowel");
    let loops = bowel_loops(trunk, &mut random);
    let wall = Material::Tissue {
        hu: solid.gut,
        swing: 14.0,
        grain: 4.0,
    };
    for course in &loops {
        scene.tube(course, 0.0, wall.clone(), Clip::Inside(2.0));
    }
    for course in &loops {
        let fine = curve(course);
        let mut content = Material::Even(22.0);
        for (step, pair) in fine.windows(2).enumerate() {
            if step % 9 == 0 {
                let pick = random.unit();
                content = if pick < 0.14 {
                    Material::Level {
                        level: pair[0][1] - 3.0,
                        fluid: 20.0,
                    }
                } else {
                    Material::Tissue {
                        hu: random.between(14.0, 62.0),
                        swing: 12.0,
                        grain: 4.0,
                    }
                };
            }
            // Folds narrow the inside now and then.
            let fold = 2.2 + 1.8 * (step as f32 * 1.3).sin().max(0.0);
            let ends = [pair[0], pair[1]].map(|[x, y, z, r]| (Vec3::new(x, y, z), r - fold));
            scene.cone(ends, Vec3::ONE, content.clone(), Clip::Inside(4.5));
        }
    }
}

/// Adds the colon.
pub(crate) fn colon(scene: &mut Scene, solid: Solid) {
    let ascending = [
        [-94.0, 18.0, -250.0, 22.0],
        [-98.0, 18.0, -205.0, 21.0],
        [-97.0, 16.0, -160.0, 20.0],
        [-92.0, 4.0, -128.0, 19.0],
        [-76.0, -30.0, -122.0, 18.0],
    ];
    let transverse = [
        [-76.0, -30.0, -122.0, 18.0],
        [-48.0, -58.0, -130.0, 18.0],
        [0.0, -69.0, -142.0, 18.5],
        [44.0, -66.0, -132.0, 18.0],
        [80.0, -40.0, -104.0, 17.5],
        [100.0, -8.0, -76.0, 17.0],
    ];
    let descending = [
        [100.0, -8.0, -76.0, 16.5],
        [107.0, 18.0, -84.0, 14.5],
        [106.0, 24.0, -125.0, 13.5],
        [103.0, 20.0, -180.0, 13.0],
        [92.0, 2.0, -222.0, 13.0],
        [82.0, -14.0, -255.0, 13.0],
    ];
    let clip = Clip::Inside(1.5);
    let parts = [
        (&ascending[..], 0),
        (&transverse[..], 1),
        (&descending[..], 2),
    ];
    let pouched = |points: &[[f32; 4]]| -> Vec<[f32; 4]> {
        curve(points)
            .iter()
            .enumerate()
            .map(|(step, [x, y, z, r])| [*x, *y, *z, r * (1.0 + 0.15 * (step as f32 * 1.05).sin())])
            .collect()
    };
    for (points, _) in parts {
        let wall = Material::Tissue {
            hu: solid.gut * 0.8,
            swing: 8.0,
            grain: 4.0,
        };
        scene.tube(&pouched(points), 0.0, wall, clip);
    }
    for (points, part) in parts {
        let content = match part {
            1 => Material::Level {
                level: -56.0,
                fluid: 28.0,
            },
            _ => Material::Stool,
        };
        let thickness = if part == 2 { -3.2 } else { -2.0 };
        scene.tube(&pouched(points), thickness, content, Clip::Inside(3.5));
    }
}

/// Adds the stomach and the duodenum.
pub(crate) fn stomach(scene: &mut Scene, solid: Solid) {
    let wall = Material::Tissue {
        hu: solid.gut,
        swing: 10.0,
        grain: 5.0,
    };
    scene.tube(&STOMACH, 0.0, wall, Clip::Belly(3.5));
    let content = Material::Level {
        level: STOMACH_LEVEL_MM,
        fluid: STOMACH_FLUID_HU,
    };
    scene.tube(&STOMACH, -4.2, content, Clip::Belly(7.5));
    let bend = [
        [-26.0, -38.0, -102.0, 11.0],
        [-46.0, -22.0, -108.0, 12.0],
        [-50.0, -8.0, -134.0, 12.0],
        [-34.0, -10.0, -156.0, 11.5],
        [0.0, -18.0, -158.0, 11.0],
        [30.0, -14.0, -142.0, 11.0],
    ];
    scene.tube(
        &bend,
        0.0,
        Material::Tissue {
            hu: solid.gut,
            swing: 10.0,
            grain: 4.0,
        },
        Clip::Free,
    );
    scene.tube(
        &bend,
        -2.8,
        Material::Tissue {
            hu: 28.0,
            swing: 12.0,
            grain: 4.0,
        },
        Clip::Free,
    );
}
