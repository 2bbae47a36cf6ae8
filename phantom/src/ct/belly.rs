//! Solid organs of the belly, its vessels, and the muscles about the spine.

use super::chest::Blood;
use super::gut;
use super::material::{FAT_HU, Material};
use super::scene::{Ball, Clip, Scene, ball, ball_along, curve};
use super::trunk::Trunk;
use crate::random::Random;
use crate::tree::{Growth, grow};
use glam::Vec3;
use std::f32::consts::PI;

/// Values of the solid organs, with or without contrast medium.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Solid {
    pub(crate) liver: f32,
    pub(crate) spleen: f32,
    pub(crate) cortex: f32,
    pub(crate) medulla: f32,
    pub(crate) pancreas: f32,
    pub(crate) gut: f32,
}

impl Solid {
    /// Portal venous phase, or no contrast medium at all.
    pub(crate) fn new(contrast: bool) -> Self {
        if contrast {
            Self {
                liver: 110.0,
                spleen: 124.0,
                cortex: 196.0,
                medulla: 148.0,
                pancreas: 94.0,
                gut: 96.0,
            }
        } else {
            Self {
                liver: 60.0,
                spleen: 48.0,
                cortex: 34.0,
                medulla: 30.0,
                pancreas: 40.0,
                gut: 42.0,
            }
        }
    }
}

/// Value of bile in the gall bladder.
pub(crate) const BILE_HU: f32 = 8.0;
/// Adds the organs of the belly.
pub(crate) fn add(scene: &mut Scene, trunk: &Trunk, seed: u64, blood: Blood, solid: Solid) {
    muscles(scene, trunk);
    gut::mesentery(scene, trunk, seed, blood);
    gut::small_bowel(scene, trunk, seed, solid);
    gut::colon(scene, solid);
    liver(scene, trunk, seed, blood, solid);
    spleen(scene, solid);
    pancreas(scene, solid);
    gut::stomach(scene, solid);
    kidneys(scene, blood, solid);
    vessels(scene, blood);
}

fn muscles(scene: &mut Scene, trunk: &Trunk) {
    let rim = Material::Even(FAT_HU + 40.0);
    for side in [-1.0_f32, 1.0] {
        let back: Vec<[f32; 4]> = (-26..24)
            .map(|step| {
                let z = step as f32 * 10.0;
                let low = ((20.0 - z) / 120.0).clamp(0.0, 1.0);
                let y = trunk.wall_point(PI * 0.5, z, 0.0).y + 4.0 + 5.0 * low;
                [side * (26.0 + 9.0 * low), y, z, 12.0 + 4.5 * low]
            })
            .collect();
        let psoas = [
            [side * 23.0, 36.0, -48.0, 4.0],
            [side * 29.0, 33.0, -85.0, 9.0],
            [side * 36.0, 28.0, -120.0, 14.0],
            [side * 42.0, 24.0, -155.0, 18.0],
            [side * 49.0, 18.0, -195.0, 20.0],
            [side * 60.0, 2.0, -250.0, 19.0],
        ];
        let quadratus = [
            [side * 46.0, 56.0, -45.0, 5.0],
            [side * 58.0, 54.0, -100.0, 8.0],
            [side * 68.0, 48.0, -165.0, 9.0],
        ];
        let iliacus = [
            [side * 80.0, 40.0, -190.0, 6.0],
            [side * 84.0, 28.0, -220.0, 13.0],
            [side * 84.0, 18.0, -255.0, 17.0],
        ];
        let gluteus = [
            [side * 84.0, 62.0, -200.0, 9.0],
            [side * 96.0, 60.0, -235.0, 22.0],
            [side * 98.0, 58.0, -262.0, 28.0],
        ];
        for (course, squash) in [
            (&back[..], Vec3::new(0.6, 1.0, 1.0)),
            (&psoas[..], Vec3::new(1.0, 0.9, 1.0)),
            (&quadratus[..], Vec3::new(0.62, 1.0, 1.0)),
            (&iliacus[..], Vec3::ONE),
            (&gluteus[..], Vec3::new(0.8, 1.0, 1.0)),
        ] {
            scene.flat_tube(course, 0.8, squash, rim.clone(), Clip::Free);
            scene.flat_tube(course, 0.0, squash, Material::Muscle, Clip::Free);
        }
        // The deltoid over the head of the upper arm, and what lies about the shoulder blade.
        let deltoid = [
            [side * 140.0, 14.0, 176.0, 10.0],
            [side * 146.0, 13.0, 214.0, 30.0],
            [side * 140.0, 12.0, 250.0, 29.0],
        ];
        scene.flat_tube(&deltoid, 0.0, Vec3::ONE, Material::Muscle, Clip::Free);
        let crus = [
            [side * 16.0, 26.0, -28.0, 4.0],
            [side * 13.0, 20.0, -70.0, 4.6],
            [side * 9.0, 14.0, -98.0, 3.0],
        ];
        scene.tube(&crus, 0.0, Material::Even(62.0), Clip::Free);
    }
}

/// The ellipsoids of the liver: right lobe, left lobe, caudate lobe.
fn liver_parts() -> [Ball; 5] {
    [
        ball([-28.0, -38.0, -34.0], [46.0, 44.0, 38.0]),
        ball([-66.0, 6.0, -40.0], [70.0, 84.0, 66.0]),
        ball([-84.0, 8.0, -78.0], [42.0, 64.0, 52.0]),
        ball([4.0, -48.0, -34.0], [60.0, 34.0, 36.0]),
        ball([-12.0, 2.0, -36.0], [20.0, 16.0, 28.0]),
    ]
}

fn liver(scene: &mut Scene, trunk: &Trunk, seed: u64, blood: Blood, solid: Solid) {
    let clip = Clip::Belly(1.6);
    let material = Material::Tissue {
        hu: solid.liver,
        swing: 4.0,
        grain: 5.0,
    };
    scene.blob(&liver_parts(), 22.0, (2.5, 26.0), material, clip);
    let mut random = Random::named(seed, "liver");
    let mut inside = |count: usize| {
        let mut points = Vec::new();
        while points.len() < count {
            let p = Vec3::new(
                random.between(-134.0, 60.0),
                random.between(-84.0, 86.0),
                random.between(-125.0, 10.0),
            );
            let site = trunk.site(p, p);
            let deep = site.cavity < -9.0 && Trunk::above_diaphragm(p) < -9.0;
            let within = liver_parts()
                .iter()
                .any(|part| ((p - part.center) / part.radii).length() < 0.86);
            if deep && within {
                points.push(p);
            }
        }
        points
    };
    let (mut portal_points, mut venous_points) = (inside(210), inside(150));
    let mut random = Random::named(seed, "liver vessels");
    let growth = Growth {
        twig_radius: 0.7,
        trunk_radius: 6.4,
        stride: 0.42,
    };
    let portal = grow(
        &mut random,
        Vec3::new(-38.0, -6.0, -56.0),
        &mut portal_points,
        growth,
    );
    let growth = Growth {
        twig_radius: 0.8,
        trunk_radius: 6.6,
        stride: 0.46,
    };
    let hepatic = grow(
        &mut random,
        Vec3::new(-22.0, 6.0, -6.0),
        &mut venous_points,
        growth,
    );
    let lift = if blood.vein > 100.0 { 14.0 } else { -4.0 };
    scene.branches(
        &hepatic,
        0.0,
        &Material::Even(blood.vein + lift - 4.0),
        clip,
    );
    scene.branches(&portal, 0.0, &Material::Even(blood.vein + lift), clip);
    // Falciform ligament and gall bladder.
    let ligament = [[-4.0, -84.0, -30.0, 2.2], [-6.0, -50.0, -52.0, 2.6]];
    scene.flat_tube(
        &ligament,
        0.0,
        Vec3::new(1.0, 1.0, 0.2),
        Material::Even(FAT_HU),
        clip,
    );
    let bladder = ball_along(
        [-46.0, -38.0, -86.0],
        [33.0, 14.0, 14.0],
        [-0.25, -0.55, -0.75],
    );
    scene.blob(
        &[Ball {
            radii: bladder.radii + Vec3::splat(1.8),
            ..bladder
        }],
        1.0,
        (0.5, 9.0),
        Material::Even(70.0),
        Clip::Inside(2.0),
    );
    scene.blob(
        &[bladder],
        1.0,
        (0.5, 9.0),
        Material::Even(BILE_HU),
        Clip::Inside(3.0),
    );
    // A small cyst, as one finds in many livers.
    scene.blob(
        &[ball([-96.0, 20.0, -52.0], [6.5, 6.5, 6.5])],
        1.0,
        (0.0, 1.0),
        Material::Even(5.0),
        clip,
    );
}

fn spleen(scene: &mut Scene, solid: Solid) {
    let parts = [
        ball_along([99.0, 40.0, -44.0], [50.0, 24.0, 40.0], [0.1, -0.35, -1.0]),
        ball([88.0, 56.0, -34.0], [28.0, 26.0, 30.0]),
    ];
    let material = Material::Tissue {
        hu: solid.spleen,
        swing: 4.0,
        grain: 5.0,
    };
    scene.blob(&parts, 12.0, (2.0, 18.0), material, Clip::Belly(3.0));
}

fn pancreas(scene: &mut Scene, solid: Solid) {
    let course = [
        [-32.0, -14.0, -118.0, 13.0],
        [-28.0, -20.0, -104.0, 13.5],
        [-10.0, -26.0, -96.0, 9.5],
        [12.0, -25.0, -90.0, 8.6],
        [36.0, -10.0, -82.0, 9.4],
        [62.0, 10.0, -72.0, 9.4],
        [80.0, 22.0, -64.0, 7.5],
    ];
    let parts: Vec<Ball> = curve(&course)
        .iter()
        .step_by(2)
        .map(|[x, y, z, r]| ball([*x, *y, *z], [*r, *r, r * 1.15]))
        .collect();
    let material = Material::Tissue {
        hu: solid.pancreas,
        swing: 10.0,
        grain: 3.0,
    };
    scene.blob(&parts, 6.0, (3.0, 6.5), material, Clip::Free);
    let duct: Vec<[f32; 4]> = course[1..]
        .iter()
        .map(|p| [p[0], p[1], p[2], 0.9])
        .collect();
    scene.tube(&duct, 0.0, Material::Even(15.0), Clip::Free);
}

/// Middle of the kidney on `side` (-1 right, 1 left).
pub(crate) fn kidney_center(side: f32) -> Vec3 {
    Vec3::new(side * 62.0, 36.0, if side < 0.0 { -92.0 } else { -80.0 })
}

fn kidneys(scene: &mut Scene, blood: Blood, solid: Solid) {
    for side in [-1.0_f32, 1.0] {
        let c = kidney_center(side);
        let axis = [side * 0.22, -0.2, -1.0];
        // Fat about the kidney keeps it clear of liver and muscle.
        scene.blob(
            &[ball_along(c.into(), [62.0, 34.0, 33.0], axis)],
            1.0,
            (2.0, 15.0),
            Material::Even(FAT_HU),
            Clip::Inside(2.0),
        );
        let body = ball_along(c.into(), [54.0, 28.0, 27.0], axis);
        scene.blob(
            &[body],
            1.0,
            (1.6, 13.0),
            Material::Kidney {
                cortex: solid.cortex,
                medulla: solid.medulla,
            },
            Clip::Inside(3.0),
        );
        let hilum = c + Vec3::new(-side * 16.0, -8.0, 0.0);
        let sinus = [
            ball_along(
                (c + Vec3::new(-side * 7.0, -4.0, 0.0)).into(),
                [29.0, 11.5, 9.5],
                axis,
            ),
            ball(hilum.into(), [17.0, 9.5, 19.0]),
        ];
        scene.blob(
            &sinus,
            8.0,
            (1.6, 6.0),
            Material::Even(FAT_HU + 6.0),
            Clip::Free,
        );
        let pelvis = [
            [c.x - side * 6.0, c.y - 2.0, c.z + 8.0, 3.4],
            [c.x - side * 16.0, c.y - 5.0, c.z - 2.0, 5.2],
            [c.x - side * 26.0, c.y - 6.0, c.z - 14.0, 3.0],
            [side * 34.0, c.y - 14.0, -135.0, 2.0],
            [side * 36.0, 0.0, -200.0, 1.9],
            [side * 46.0, 4.0, -255.0, 1.9],
        ];
        scene.tube(&pelvis, 0.0, Material::Even(12.0), Clip::Free);
        let vein_end = if side < 0.0 {
            [-20.0, 8.0, -94.0, 5.0]
        } else {
            [-18.0, 0.0, -88.0, 4.8]
        };
        let over = if side < 0.0 {
            [-36.0, 14.0, -93.0, 5.0]
        } else {
            [8.0, -9.5, -88.0, 4.4]
        };
        let vein = [
            [c.x - side * 12.0, c.y - 9.0, c.z + 1.0, 4.0],
            [side * 40.0, 18.0, c.z - 1.0, 4.8],
            over,
            vein_end,
        ];
        scene.tube(&vein, 0.0, blood.venous(), Clip::Free);
        let artery = [
            [side * 4.0 + 4.0, 6.0, -88.0, 3.0],
            [side * 34.0, 25.0, c.z + 2.0, 2.8],
            [c.x - side * 12.0, c.y - 4.0, c.z + 3.0, 2.2],
        ];
        scene.tube(&artery, 0.0, blood.arterial(), Clip::Free);
        // Adrenal: two thin limbs.
        let top = Vec3::new(side * 36.0, 30.0, c.z + 48.0);
        for spread in [-9.0_f32, 6.0] {
            let limb = [
                [top.x, top.y - 8.0, top.z, 2.4],
                [top.x + side * spread, top.y + 12.0, top.z - 2.0, 1.8],
            ];
            scene.flat_tube(
                &limb,
                0.0,
                Vec3::new(1.0, 1.0, 0.25),
                Material::Even(solid.pancreas - 14.0),
                Clip::Free,
            );
        }
    }
}

fn vessels(scene: &mut Scene, blood: Blood) {
    let (artery, vein) = (blood.arterial(), blood.venous());
    let cava = [
        [-25.0, -12.0, 22.0, 11.0],
        [-23.0, 2.0, -6.0, 12.0],
        [-22.0, 12.0, -42.0, 11.5],
        [-20.0, 9.0, -95.0, 10.5],
        [-18.0, 8.0, -152.0, 10.0],
    ];
    scene.tube(&cava, 0.0, vein.clone(), Clip::Free);
    let portal = Material::Even(blood.vein + if blood.vein > 100.0 { 14.0 } else { 0.0 });
    let mut tube = |points: &[[f32; 4]], material: &Material| {
        scene.tube(points, 0.0, material.clone(), Clip::Free)
    };
    tube(
        &[
            [-6.0, -15.0, -96.0, 7.0],
            [-20.0, -8.0, -76.0, 7.4],
            [-38.0, -6.0, -56.0, 6.6],
        ],
        &portal,
    );
    tube(
        &[
            [-6.0, -15.0, -96.0, 5.4],
            [34.0, 0.0, -80.0, 4.8],
            [62.0, 18.0, -68.0, 4.4],
            [86.0, 34.0, -54.0, 4.0],
        ],
        &portal,
    );
    tube(
        &[
            [-6.0, -15.0, -96.0, 6.0],
            [-6.0, -26.0, -122.0, 5.4],
            [-4.0, -30.0, -165.0, 4.4],
            [-20.0, -30.0, -205.0, 3.0],
        ],
        &portal,
    );
    tube(
        &[
            [4.0, -4.0, -84.0, 3.6],
            [4.0, -16.0, -98.0, 3.8],
            [5.0, -24.0, -128.0, 3.4],
            [4.0, -30.0, -180.0, 2.6],
        ],
        &artery,
    );
    tube(
        &[
            [5.0, 4.0, -72.0, 3.8],
            [6.0, -12.0, -70.0, 3.6],
            [-14.0, -20.0, -70.0, 2.8],
            [-34.0, -14.0, -60.0, 2.2],
        ],
        &artery,
    );
    tube(
        &[
            [6.0, -12.0, -70.0, 2.8],
            [36.0, 2.0, -70.0, 2.6],
            [60.0, 22.0, -58.0, 2.4],
            [86.0, 38.0, -48.0, 2.0],
        ],
        &artery,
    );
    for side in [-1.0_f32, 1.0] {
        tube(
            &[
                [3.0, 1.0, -152.0, 6.6],
                [side * 16.0, 0.0, -182.0, 5.8],
                [side * 34.0, -4.0, -215.0, 5.4],
                [side * 48.0, -20.0, -255.0, 5.0],
            ],
            &artery,
        );
        tube(
            &[
                [-18.0, 8.0, -150.0, 7.4],
                [-18.0 + (side + 1.0) * 12.0, 12.0, -178.0, 7.0],
                [side * 36.0, 10.0, -215.0, 6.8],
                [side * 50.0, -8.0, -255.0, 6.2],
            ],
            &vein,
        );
    }
}
