//! Bones: spine, ribs, breastbone, shoulder blades, collar bones and the upper pelvis.

use super::material::Material;
use super::scene::{Clip, Scene};
use super::trunk::Trunk;
use glam::Vec3;
use std::f32::consts::PI;

/// Level of the middle of each vertebral body from T1 to S1, in mm.
pub(crate) const VERTEBRAE: [f32; 18] = [
    225.0, 204.0, 183.0, 162.0, 140.0, 118.0, 96.0, 73.0, 50.0, 26.0, 1.0, -25.0, -53.0, -83.0,
    -115.0, -148.0, -182.0, -217.0,
];

/// Half width, half depth and half height of the vertebral body number `index` (0 is T1).
pub(crate) fn vertebra_half(index: usize) -> Vec3 {
    let t = index as f32 / 17.0;
    Vec3::new(15.0 + 9.5 * t, 11.5 + 6.5 * t, 8.6 + 4.4 * t)
}

fn spongy() -> Material {
    Material::Bone {
        cortex: 470.0,
        marrow: 165.0,
        shell: 1.2,
    }
}

/// A bone as a tube: the dense shell first, the marrow inside it.
fn bone_tube(scene: &mut Scene, points: &[[f32; 4]], squash: Vec3, shell: f32, marrow: f32) {
    scene.flat_tube(
        points,
        0.0,
        squash,
        Material::Tissue {
            hu: 740.0,
            swing: 60.0,
            grain: 5.0,
        },
        Clip::Free,
    );
    let inner = Material::Tissue {
        hu: marrow,
        swing: marrow * 0.3,
        grain: 1.8,
    };
    scene.flat_tube(points, -shell, squash, inner, Clip::Free);
}

/// A flat bone as rows of tubes that melt into one plate: all shells first, then all marrow.
fn bone_plate(scene: &mut Scene, rows: &[Vec<[f32; 4]>], squash: Vec3, shell: f32, marrow: f32) {
    let (cortex, inner) = (
        Material::Tissue {
            hu: 740.0,
            swing: 60.0,
            grain: 5.0,
        },
        Material::Tissue {
            hu: marrow,
            swing: marrow * 0.3,
            grain: 1.8,
        },
    );
    for row in rows {
        scene.flat_tube(row, 0.0, squash, cortex.clone(), Clip::Free);
    }
    for row in rows {
        scene.flat_tube(row, -shell, squash, inner.clone(), Clip::Free);
    }
}

/// Adds all bones to the scene.
pub(crate) fn add(scene: &mut Scene, trunk: &Trunk) {
    pelvis(scene);
    spine(scene, trunk);
    for side in [-1.0, 1.0] {
        for index in 0..12 {
            rib(scene, trunk, index, side);
        }
        shoulder(scene, trunk, side);
    }
    sternum(scene, trunk);
}

fn spine(scene: &mut Scene, trunk: &Trunk) {
    let disc = Material::Tissue {
        hu: 88.0,
        swing: 8.0,
        grain: 4.0,
    };
    // The tube of ligaments and muscle behind the bodies, then the canal through the arches.
    for (index, z) in VERTEBRAE.iter().copied().enumerate() {
        let half = vertebra_half(index);
        let y = trunk.spine_y(z);
        let next = VERTEBRAE.get(index + 1).copied().unwrap_or(z - 34.0);
        let middle = (z + next) * 0.5;
        let height = (z - next) * 0.5 - half.z + 2.0;
        let disc_half = Vec3::new(half.x + 0.8, half.y + 0.6, height);
        scene.drum(
            Vec3::new(0.0, trunk.spine_y(middle), middle),
            disc_half,
            disc.clone(),
        );
        scene.drum(Vec3::new(0.0, y, z), half, spongy());
    }
    for (index, z) in VERTEBRAE.iter().copied().enumerate().take(17) {
        vertebral_arch(scene, trunk, index, z);
    }
    let canal: Vec<[f32; 4]> = (-28..29)
        .map(|step| {
            let z = step as f32 * 10.0;
            [0.0, trunk.spine_y(z) + canal_offset(z), z, 7.6]
        })
        .collect();
    let wide = Vec3::new(0.84, 1.0, 1.0);
    scene.flat_tube(&canal, 1.2, wide, Material::Even(-45.0), Clip::Free);
    scene.flat_tube(&canal, 0.0, wide, Material::Even(16.0), Clip::Free);
    let cord: Vec<[f32; 4]> = canal
        .iter()
        .filter(|p| p[2] > -60.0)
        .map(|p| [p[0], p[1], p[2], 4.3])
        .collect();
    scene.flat_tube(
        &cord,
        0.0,
        Vec3::new(0.8, 1.0, 1.0),
        Material::Even(44.0),
        Clip::Free,
    );
    for side in [-1.0_f32, 1.0] {
        let roots: Vec<[f32; 4]> = canal
            .iter()
            .filter(|p| p[2] <= -60.0)
            .map(|p| [side * 3.0, p[1] + 2.5, p[2], 1.6])
            .collect();
        scene.tube(&roots, 0.0, Material::Even(38.0), Clip::Free);
    }
}

/// How far the canal's middle lies behind the bodies' middle.
fn canal_offset(z: f32) -> f32 {
    let t = ((225.0 - z) / 440.0).clamp(0.0, 1.0);
    11.5 + 6.5 * t * 0.8 + 6.0
}

fn vertebral_arch(scene: &mut Scene, trunk: &Trunk, index: usize, z: f32) {
    let half = vertebra_half(index);
    let y = trunk.spine_y(z);
    let canal = y + canal_offset(z);
    let lumbar = index >= 12;
    let tall = Vec3::new(1.0, 1.0, 0.62);
    for side in [-1.0_f32, 1.0] {
        let pedicle_top = z + half.z * 0.35;
        let pedicle = [
            [side * (half.x - 5.0), y + half.y * 0.55, pedicle_top, 4.4],
            [side * 12.0, canal + 1.0, pedicle_top, 4.2],
        ];
        bone_tube(scene, &pedicle, tall, 1.3, 260.0);
        let lamina = [
            [side * 11.5, canal + 2.0, pedicle_top - 3.0, 3.8],
            [side * 7.0, canal + 9.0, z - 5.0, 3.4],
            [0.0, canal + 13.0, z - 9.0, 3.2],
        ];
        bone_tube(scene, &lamina, tall, 1.2, 280.0);
        // Joint processes: the lower one of this vertebra over the upper one of the next.
        let facet = if lumbar { 15.0 } else { 12.0 };
        let joint = [
            [side * facet, canal + 4.0, z + half.z * 0.9, 4.0],
            [side * facet, canal + 7.0, z - half.z * 1.4, 4.3],
        ];
        bone_tube(scene, &joint, Vec3::ONE, 1.4, 330.0);
        let reach = if lumbar { 42.0 } else { 31.0 };
        let back = if lumbar { 6.0 } else { 13.0 };
        let transverse = [
            [side * 12.0, canal + 3.0, z + 3.0, 4.2],
            [side * (reach - 10.0), canal + back * 0.7, z + 4.0, 3.3],
            [
                side * reach,
                canal + back,
                z + 4.0,
                if lumbar { 2.6 } else { 4.4 },
            ],
        ];
        bone_tube(scene, &transverse, tall, 1.1, 290.0);
    }
    let (length, drop) = if lumbar { (27.0, 6.0) } else { (20.0, 20.0) };
    let process = [
        [0.0, canal + 12.0, z - 7.0, 3.2],
        [0.0, canal + 12.0 + length * 0.5, z - 8.0 - drop * 0.5, 2.6],
        [
            0.0,
            (canal + 13.0 + length).min(trunk_back(trunk, z)),
            z - 9.0 - drop,
            3.4,
        ],
    ];
    bone_tube(scene, &process, Vec3::new(1.0, 1.0, 0.42), 1.1, 280.0);
}

/// The furthest back that a spinous process may reach at level `z`.
fn trunk_back(trunk: &Trunk, z: f32) -> f32 {
    trunk.wall_point(PI * 0.5, z, 0.0).y + 13.0
}

/// The course of rib `index` (0 is the first) on `side` (-1 right, 1 left): shaft, then cartilage.
fn rib_course(trunk: &Trunk, index: usize, side: f32) -> (Vec<[f32; 4]>, Vec<[f32; 4]>) {
    let z0 = VERTEBRAE[index] + 6.0;
    let y0 = trunk.spine_y(VERTEBRAE[index]);
    let half = vertebra_half(index);
    let i = index as f32;
    let drop = if index == 0 {
        26.0
    } else {
        (40.0 + 7.0 * i).min(82.0)
    };
    let end_degrees = match index {
        0 => -58.0,
        1..=6 => -56.0 + 1.5 * i,
        7..=9 => -46.0 + 8.0 * (i - 7.0),
        10 => 5.0,
        _ => 34.0,
    };
    let outwards = 5.6;
    let mut shaft = vec![
        [side * (half.x + 1.0), y0 + half.y * 0.62, z0 + 3.0, 4.6],
        [side * (half.x + 14.0), y0 + half.y + 12.0, z0 + 1.0, 3.6],
    ];
    let start_degrees = 62.0;
    let steps = 14;
    for step in 0..=steps {
        let s = step as f32 / steps as f32;
        let degrees: f32 = start_degrees + (end_degrees - start_degrees) * s;
        // Ribs fall fast along the back and side, and run flat again towards the front.
        let z =
            z0 - drop * (s * 1.25 - 0.25 * s * s).min(1.0) * (start_degrees - end_degrees) / 118.0;
        let turn = degrees.to_radians();
        let point = trunk.wall_point(turn, z, outwards);
        let radius = 3.7 + 0.7 * s;
        shaft.push([side * point.x.abs(), point.y, z, radius]);
    }
    let mut cartilage = Vec::new();
    if index < 10
        && let Some(end) = shaft.last().copied()
    {
        let (meet, front) = if index < 7 {
            let z = [178.0, 157.0, 136.0, 113.0, 91.0, 72.0, 57.0][index];
            (z, 17.0)
        } else {
            (end[2] + 22.0, end[0].abs() - 34.0)
        };
        let inner = trunk.wall_point(-PI * 0.5, meet, 6.5);
        let y = if index < 7 {
            inner.y
        } else {
            trunk.wall_point(-1.15, meet, 6.0).y
        };
        let degrees = -66.0_f32 - 4.0 * (6.0 - i.min(6.0)) / 6.0;
        let middle = trunk.wall_point(degrees.to_radians(), (end[2] + meet) * 0.5 - 3.0, 6.0);
        cartilage.push(end);
        if index < 7 {
            cartilage.push([side * middle.x.abs(), middle.y, middle.z, 4.4]);
        }
        cartilage.push([side * front, y, meet, 4.2]);
    }
    (shaft, cartilage)
}

fn rib(scene: &mut Scene, trunk: &Trunk, index: usize, side: f32) {
    let (shaft, cartilage) = rib_course(trunk, index, side);
    let tall = Vec3::new(1.0, 1.0, 0.62);
    if cartilage.len() > 1 {
        let calcified = Material::Tissue {
            hu: 125.0,
            swing: 60.0,
            grain: 3.0,
        };
        scene.flat_tube(&cartilage, 0.0, tall, calcified, Clip::Free);
    }
    bone_tube(scene, &shaft, tall, 1.0, 190.0);
}

fn sternum(scene: &mut Scene, trunk: &Trunk) {
    let front = |z: f32| trunk.wall_point(-PI * 0.5, z, 8.0).y;
    let wide = Vec3::new(0.34, 1.0, 0.6);
    let body: Vec<[f32; 4]> = [140.0, 118.0, 96.0, 74.0, 56.0]
        .iter()
        .map(|z| [0.0, front(*z), *z, 5.6])
        .collect();
    bone_tube(scene, &body, wide, 1.1, 150.0);
    let handle: Vec<[f32; 4]> = [187.0, 176.0, 165.0, 152.0]
        .iter()
        .map(|z| [0.0, front(*z), *z, 6.6])
        .collect();
    bone_tube(scene, &handle, Vec3::new(0.27, 1.0, 0.6), 1.2, 150.0);
    let tip = [
        [0.0, front(48.0), 48.0, 3.4],
        [0.0, front(30.0) + 2.0, 30.0, 2.4],
    ];
    scene.flat_tube(
        &tip,
        0.0,
        Vec3::new(0.5, 1.0, 1.0),
        Material::Even(180.0),
        Clip::Free,
    );
}

fn shoulder(scene: &mut Scene, trunk: &Trunk, side: f32) {
    // The blade: rows of one flat plate that hugs the back of the chest.
    let rows = [
        (212.0, 58.0, 20.0),
        (198.0, 60.0, 21.0),
        (184.0, 58.0, 20.0),
        (170.0, 55.0, 22.0),
        (156.0, 52.0, 25.0),
        (142.0, 48.0, 30.0),
        (128.0, 45.0, 36.0),
    ];
    let thin = Vec3::new(1.0, 1.0, 0.27);
    let mut blade = Vec::new();
    for (z, from, to) in rows {
        let course: Vec<[f32; 4]> = (0..6)
            .map(|step| {
                let s = step as f32 / 5.0;
                let degrees: f32 = from + (to - from) * s;
                let at = trunk.wall_point(degrees.to_radians(), z, 20.0 + 6.0 * s);
                let border = if step == 5 {
                    4.6
                } else {
                    2.1 + 0.5 * (0.5 - s).abs()
                };
                [side * at.x.abs(), at.y, z, border]
            })
            .collect();
        blade.push(course);
    }
    bone_plate(scene, &blade, thin, 1.1, 260.0);
    let crest: Vec<[f32; 4]> = [
        (57.0_f32, 196.0, 30.0),
        (44.0, 202.0, 35.0),
        (30.0, 212.0, 38.0),
        (16.0, 226.0, 40.0),
    ]
    .iter()
    .map(|(degrees, z, out)| {
        let at = trunk.wall_point(degrees.to_radians(), *z, *out);
        [side * at.x.abs(), at.y, *z, 4.2]
    })
    .collect();
    bone_tube(scene, &crest, Vec3::new(1.0, 1.0, 0.6), 1.2, 260.0);
    let socket = [
        [side * 121.0, 26.0, 205.0, 8.0],
        [side * 127.0, 20.0, 216.0, 10.0],
    ];
    bone_tube(scene, &socket, Vec3::ONE, 1.5, 230.0);
    // Arms are raised: the heads of the upper arms lie beside the sockets and the shafts lead upwards.
    let arm = [
        [side * 146.0, 14.0, 220.0, 20.0],
        [side * 142.0, 10.0, 238.0, 17.0],
        [side * 134.0, 6.0, 275.0, 12.0],
    ];
    bone_tube(scene, &arm, Vec3::ONE, 1.8, 190.0);
    let collar = [
        [
            side * 14.0,
            trunk.wall_point(-PI * 0.5, 188.0, 8.0).y,
            188.0,
            7.2,
        ],
        [side * 42.0, -50.0, 201.0, 5.2],
        [side * 78.0, -36.0, 214.0, 4.8],
        [side * 108.0, -12.0, 226.0, 5.4],
        [side * 122.0, 6.0, 232.0, 5.6],
    ];
    bone_tube(scene, &collar, Vec3::ONE, 1.5, 260.0);
}

fn pelvis(scene: &mut Scene) {
    let sacrum = Material::Bone {
        cortex: 430.0,
        marrow: 190.0,
        shell: 1.5,
    };
    let rows: [(f32, &[[f32; 2]]); 5] = [
        (-180.0, &[[82.0, 50.0], [100.0, 38.0]]),
        (
            -196.0,
            &[[58.0, 58.0], [86.0, 46.0], [110.0, 20.0], [116.0, -2.0]],
        ),
        (
            -218.0,
            &[[46.0, 60.0], [82.0, 44.0], [108.0, 12.0], [118.0, -26.0]],
        ),
        (
            -240.0,
            &[[42.0, 62.0], [76.0, 46.0], [102.0, 14.0], [116.0, -34.0]],
        ),
        (
            -265.0,
            &[[44.0, 60.0], [70.0, 46.0], [94.0, 14.0], [108.0, -36.0]],
        ),
    ];
    for side in [-1.0_f32, 1.0] {
        let ala = [
            [side * 22.0, 44.0, -222.0, 13.0],
            [side * 40.0, 54.0, -232.0, 11.0],
        ];
        scene.flat_tube(
            &ala,
            0.0,
            Vec3::new(1.0, 1.0, 0.7),
            sacrum.clone(),
            Clip::Free,
        );
        let mut wing = Vec::new();
        // Rows in between make one plate of the given ones.
        for pair in rows.windows(2) {
            for step in 0..4 {
                let t = step as f32 / 4.0;
                let z = pair[0].0 + (pair[1].0 - pair[0].0) * t;
                let course: Vec<[f32; 4]> = (0..6)
                    .map(|k| {
                        let s = k as f32 / 5.0;
                        let (a, b) = (along(pair[0].1, s), along(pair[1].1, s));
                        let radius = if k == 0 { 6.2 } else { 4.4 };
                        [
                            side * (a[0] + (b[0] - a[0]) * t),
                            a[1] + (b[1] - a[1]) * t,
                            z,
                            radius,
                        ]
                    })
                    .collect();
                wing.push(course);
            }
        }
        bone_plate(scene, &wing, Vec3::new(1.0, 1.0, 0.5), 1.3, 170.0);
    }
}

/// The point at the share `s` of a course of points.
fn along(course: &[[f32; 2]], s: f32) -> [f32; 2] {
    let place = s * (course.len() - 1) as f32;
    let low = (place as usize).min(course.len() - 2);
    let t = place - low as f32;
    std::array::from_fn(|k| course[low][k] + (course[low + 1][k] - course[low][k]) * t)
}
