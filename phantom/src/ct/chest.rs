//! Organs of the chest: heart, great vessels, airways, the vessels of the lungs, gullet, and a nodule.

use super::material::Material;
use super::scene::{Ball, Clip, Scene, ball};
use super::trunk::{HEART_CENTER, HEART_RADII, Trunk, heart_axes};
use crate::random::Random;
use crate::tree::{Branch, Growth, grow};
use glam::Vec3;

/// Values that depend on whether contrast medium was given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blood {
    pub(crate) artery: f32,
    pub(crate) vein: f32,
    pub(crate) heart_wall: f32,
}

impl Blood {
    /// Portal venous phase, or no contrast medium at all.
    pub(crate) fn new(contrast: bool) -> Self {
        if contrast {
            Self {
                artery: 168.0,
                vein: 152.0,
                heart_wall: 108.0,
            }
        } else {
            Self {
                artery: 44.0,
                vein: 42.0,
                heart_wall: 46.0,
            }
        }
    }

    /// Arterial blood with its faint unevenness.
    pub(crate) fn arterial(self) -> Material {
        Material::Tissue {
            hu: self.artery,
            swing: 4.0,
            grain: 7.0,
        }
    }

    /// Venous blood.
    pub(crate) fn venous(self) -> Material {
        Material::Tissue {
            hu: self.vein,
            swing: 4.0,
            grain: 7.0,
        }
    }
}

/// Middle of the lung nodule (right upper lobe), in the unwarped anatomy.
pub(crate) const NODULE: Vec3 = Vec3::new(-78.0, 8.0, 134.0);
/// A place of the right lung that no vessel crosses.
pub(crate) const CLEAR_LUNG: Vec3 = Vec3::new(-84.0, 22.0, 62.0);
/// Middle of the left ventricle's blood.
pub(crate) const LEFT_VENTRICLE: Vec3 = Vec3::new(40.0, -19.0, 17.0);

/// Course of the aorta from the heart to its fork: `[x, y, z, radius]`.
pub(crate) const AORTA: [[f32; 4]; 17] = [
    [8.0, -14.0, 52.0, 15.0],
    [-4.0, -24.0, 74.0, 16.0],
    [-12.0, -30.0, 104.0, 15.5],
    [-11.0, -27.0, 132.0, 15.0],
    [-3.0, -16.0, 151.0, 14.5],
    [8.0, 0.0, 157.0, 14.0],
    [18.0, 18.0, 150.0, 13.0],
    [24.0, 30.0, 132.0, 12.5],
    [26.0, 36.0, 104.0, 12.0],
    [25.0, 37.0, 60.0, 11.8],
    [20.0, 34.0, 15.0, 11.5],
    [12.0, 25.0, -30.0, 11.0],
    [6.0, 13.0, -65.0, 10.5],
    [4.0, 5.0, -95.0, 9.6],
    [3.0, 1.0, -125.0, 9.0],
    [3.0, 0.0, -146.0, 8.8],
    [3.0, 1.0, -154.0, 8.6],
];

/// Windpipe and the two main bronchi: `[x, y, z, radius]` of the air.
const TRACHEA: [[f32; 4]; 4] = [
    [0.0, 2.0, 280.0, 8.5],
    [0.0, 6.0, 220.0, 8.5],
    [2.0, 11.0, 175.0, 8.4],
    [1.0, 16.0, 134.0, 8.6],
];
const BRONCHI: [[[f32; 4]; 4]; 2] = [
    [
        [0.0, 16.0, 134.0, 6.5],
        [-14.0, 16.0, 121.0, 6.4],
        [-30.0, 12.0, 108.0, 5.6],
        [-42.0, 10.0, 98.0, 4.8],
    ],
    [
        [2.0, 16.0, 134.0, 6.0],
        [18.0, 18.0, 119.0, 5.6],
        [34.0, 16.0, 105.0, 5.2],
        [46.0, 14.0, 96.0, 4.6],
    ],
];

/// Adds the organs of the chest; `nodule_mm` is the nodule's diameter, 0 for none.
pub(crate) fn add(scene: &mut Scene, trunk: &Trunk, seed: u64, blood: Blood, nodule_mm: f32) {
    scene.lungs(Material::Lung);
    lung_vessels(scene, trunk, seed, blood);
    if nodule_mm > 0.0 {
        nodule(scene, seed, nodule_mm * 0.5);
    }
    gullet(scene);
    heart(scene, blood);
    great_vessels(scene, blood);
    airways(scene);
}

/// Random points inside one lung (`side` -1 right, 1 left), away from its surface and fissures.
fn lung_points(trunk: &Trunk, random: &mut Random, side: f32, count: usize) -> Vec<Vec3> {
    let mut points = Vec::with_capacity(count);
    for _ in 0..count * 60 {
        if points.len() == count {
            break;
        }
        let p = Vec3::new(
            side * random.between(8.0, 134.0),
            random.between(-86.0, 90.0),
            random.between(-75.0, 222.0),
        );
        let site = trunk.site(p, p);
        if trunk.lung(&site) < -3.0 && trunk.fissure(p) > 3.0 {
            points.push(p);
        }
    }
    points
}

fn lung_vessels(scene: &mut Scene, trunk: &Trunk, seed: u64, blood: Blood) {
    let mut random = Random::named(seed, "lungs");
    for side in [-1.0_f32, 1.0] {
        let artery_root = if side < 0.0 {
            Vec3::new(-42.0, 4.0, 102.0)
        } else {
            Vec3::new(46.0, 8.0, 110.0)
        };
        let growth = Growth {
            twig_radius: 0.62,
            trunk_radius: 8.5,
            stride: 0.42,
        };
        let mut points = lung_points(trunk, &mut random, side, 1500);
        let arteries = grow(&mut random, artery_root, &mut points, growth);
        let vein_root = Vec3::new(side * 40.0, 8.0, 72.0);
        let growth = Growth {
            twig_radius: 0.58,
            trunk_radius: 7.0,
            stride: 0.44,
        };
        let mut points = lung_points(trunk, &mut random, side, 1250);
        let veins = grow(&mut random, vein_root, &mut points, growth);
        let (arteries, veins) = (part_about_marks(arteries), part_about_marks(veins));
        scene.branches(&veins, 0.0, &blood.venous(), Clip::Free);
        scene.branches(&arteries, 0.0, &blood.arterial(), Clip::Free);
        companions(scene, &arteries, side);
    }
}

/// Bends a tree so that it runs round the nodule and the place of known lung, and stays in one piece.
fn part_about_marks(tree: Vec<Branch>) -> Vec<Branch> {
    let bend = |point: Vec3| {
        [(NODULE, 11.0, 26.0), (CLEAR_LUNG, 6.0, 16.0)]
            .into_iter()
            .fold(point, |point, (mark, inner, outer)| {
                let away = point - mark;
                let distance = away.length();
                if distance >= outer {
                    return point;
                }
                mark + away.normalize_or(Vec3::X) * (inner + distance * (outer - inner) / outer)
            })
    };
    tree.into_iter()
        .map(|branch| Branch {
            start: bend(branch.start),
            end: bend(branch.end),
            ..branch
        })
        .collect()
}

/// Bronchi run beside the arteries and are a little narrower.
fn companions(scene: &mut Scene, arteries: &[Branch], side: f32) {
    let airways: Vec<Branch> = arteries
        .iter()
        .filter(|branch| branch.end_radius > 1.65)
        .map(|branch| {
            let beside = |radius: f32| Vec3::new(-side * 0.35, 0.86, -0.36) * (radius * 1.75 + 0.9);
            Branch {
                start: branch.start + beside(branch.start_radius.min(5.0)),
                end: branch.end + beside(branch.end_radius),
                start_radius: (branch.start_radius * 0.72).min(4.2),
                end_radius: (branch.end_radius * 0.72).min(4.0),
            }
        })
        .collect();
    scene.branches(&airways, 0.95, &Material::Even(-10.0), Clip::Free);
    scene.branches(&airways, 0.0, &Material::Even(-985.0), Clip::Free);
}

fn nodule(scene: &mut Scene, seed: u64, radius: f32) {
    let mut random = Random::named(seed, "nodule");
    let material = Material::Tissue {
        hu: 38.0,
        swing: 6.0,
        grain: 2.0,
    };
    for _ in 0..9 {
        let way =
            Vec3::new(random.normal(), random.normal(), random.normal()).normalize_or(Vec3::X);
        let ends = [
            (NODULE, radius * 0.5),
            (NODULE + way * radius * random.between(1.5, 2.1), 0.3),
        ];
        scene.cone(ends, Vec3::ONE, Material::Even(-150.0), Clip::Free);
    }
    let part = Ball {
        center: NODULE,
        radii: Vec3::splat(radius),
        axes: glam::Mat3::IDENTITY,
    };
    scene.blob(&[part], 1.0, (radius * 0.12, 2.4), material, Clip::Free);
}

fn gullet(scene: &mut Scene) {
    let course = [
        [3.0, 20.0, 280.0, 7.0],
        [5.0, 25.0, 215.0, 7.0],
        [7.0, 30.0, 165.0, 7.2],
        [6.0, 31.0, 120.0, 7.0],
        [9.0, 24.0, 60.0, 7.4],
        [14.0, 16.0, 20.0, 7.6],
        [26.0, 6.0, -12.0, 8.0],
        [44.0, 4.0, -24.0, 9.0],
    ];
    scene.flat_tube(
        &course,
        0.0,
        Vec3::new(0.8, 1.0, 1.0),
        Material::Even(52.0),
        Clip::Free,
    );
    let gas: Vec<[f32; 4]> = course[1..5]
        .iter()
        .map(|p| [p[0] + 1.0, p[1] - 1.5, p[2], 1.5])
        .collect();
    scene.flat_tube(
        &gas,
        0.0,
        Vec3::new(0.6, 1.0, 1.0),
        Material::Even(-650.0),
        Clip::Free,
    );
}

fn heart(scene: &mut Scene, blood: Blood) {
    let axes = heart_axes();
    let sac = Clip::Chest(1.0);
    let pericardium = Ball {
        center: HEART_CENTER,
        radii: HEART_RADII,
        axes,
    };
    scene.blob(&[pericardium], 1.0, (0.0, 1.0), Material::Even(5.0), sac);
    let fat = Ball {
        radii: HEART_RADII - Vec3::splat(1.2),
        ..pericardium
    };
    scene.blob(
        &[fat],
        1.0,
        (0.0, 1.0),
        Material::Tissue {
            hu: -98.0,
            swing: 8.0,
            grain: 4.0,
        },
        sac,
    );
    let wall = Material::Tissue {
        hu: blood.heart_wall,
        swing: 5.0,
        grain: 5.0,
    };
    // Right ventricle: thin-walled, in front, wrapped round the left one.
    let right = Ball {
        center: Vec3::new(13.0, -46.0, 24.0),
        radii: Vec3::new(43.0, 26.0, 32.0),
        axes,
    };
    let outflow = ball([12.0, -46.0, 56.0], [17.0, 16.0, 24.0]);
    scene.blob(&[right, outflow], 14.0, (1.5, 12.0), wall.clone(), sac);
    let inner = |part: Ball, by: f32| Ball {
        radii: part.radii - Vec3::splat(by),
        ..part
    };
    scene.blob(
        &[inner(right, 3.4), inner(outflow, 3.4)],
        12.0,
        (2.4, 8.0),
        blood.venous(),
        sac,
    );
    // Right atrium and its ear.
    let atrium = [
        ball([-27.0, -22.0, 38.0], [22.0, 27.0, 31.0]),
        ball([-16.0, -46.0, 58.0], [13.0, 14.0, 15.0]),
    ];
    scene.blob(&atrium, 12.0, (1.5, 11.0), wall.clone(), sac);
    scene.blob(
        &atrium.map(|part| inner(part, 1.8)),
        12.0,
        (1.5, 11.0),
        blood.venous(),
        sac,
    );
    // Left atrium, at the back, with the mouths of the pulmonary veins.
    let left = [
        ball([4.0, 11.0, 54.0], [31.0, 18.0, 23.0]),
        ball([34.0, -8.0, 66.0], [15.0, 13.0, 12.0]),
    ];
    scene.blob(&left, 10.0, (1.2, 10.0), wall.clone(), Clip::Inside(1.5));
    scene.blob(
        &left.map(|part| inner(part, 1.6)),
        10.0,
        (1.2, 10.0),
        blood.arterial(),
        Clip::Inside(1.5),
    );
    for (z, out) in [(62.0, 76.0), (46.0, 66.0)] {
        for side in [-1.0_f32, 1.0] {
            let vein = [
                [side * 18.0, 12.0, z - 4.0, 6.5],
                [side * 40.0, 10.0, (z + out) * 0.5, 5.8],
            ];
            scene.tube(&vein, 0.0, blood.arterial(), Clip::Inside(3.0));
        }
    }
    // Left ventricle: thick wall about an egg of blood, open towards the aorta.
    let outer = Ball {
        center: LEFT_VENTRICLE + Vec3::new(1.5, -1.0, -1.0),
        radii: Vec3::new(48.0, 30.0, 30.0),
        axes,
    };
    scene.blob(&[outer], 1.0, (1.5, 14.0), wall.clone(), sac);
    let chamber = Ball {
        center: LEFT_VENTRICLE,
        radii: Vec3::new(35.0, 19.0, 19.5),
        axes,
    };
    scene.blob(&[chamber], 1.0, (2.0, 7.0), blood.arterial(), sac);
    for (dy, dz) in [(-6.0, 6.0), (7.0, -4.0)] {
        let muscle = [
            [50.0, -25.0 + dy, 12.0 + dz, 3.6],
            [58.0, -31.0 + dy, 4.0 + dz, 4.4],
        ];
        scene.tube(&muscle, 0.0, wall.clone(), sac);
    }
    scene.tube(
        &[[28.0, -12.0, 27.0, 11.0], [8.0, -14.0, 52.0, 12.5]],
        0.0,
        blood.arterial(),
        sac,
    );
    // Coronary arteries in the grooves.
    let left_coronary = [
        [12.0, -22.0, 62.0, 2.2],
        [30.0, -38.0, 60.0, 2.0],
        [50.0, -56.0, 30.0, 1.7],
        [64.0, -60.0, 4.0, 1.3],
    ];
    scene.tube(&left_coronary, 0.0, blood.arterial(), sac);
    let right_coronary = [
        [-2.0, -32.0, 60.0, 2.0],
        [-14.0, -52.0, 40.0, 1.9],
        [-18.0, -42.0, 8.0, 1.7],
    ];
    scene.tube(&right_coronary, 0.0, blood.arterial(), sac);
}

/// A vessel's course (`[x, y, z, radius]`) and whether it is an artery.
type Vessel<'a> = (bool, &'a [[f32; 4]]);

/// Veins towards the heart, the pulmonary trunk, the aorta and its upper branches.
const GREAT_VESSELS: [Vessel; 15] = [
    (
        false,
        &[
            [-27.0, -18.0, 62.0, 10.0],
            [-28.0, -17.0, 110.0, 9.0],
            [-27.0, -20.0, 164.0, 8.4],
        ],
    ),
    (
        false,
        &[
            [-27.0, -20.0, 164.0, 7.0],
            [-36.0, -22.0, 188.0, 6.6],
            [-52.0, -22.0, 206.0, 6.0],
            [-96.0, -24.0, 212.0, 5.4],
        ],
    ),
    (
        false,
        &[
            [-26.0, -22.0, 162.0, 7.0],
            [2.0, -40.0, 174.0, 6.4],
            [34.0, -32.0, 194.0, 6.4],
            [60.0, -24.0, 207.0, 6.0],
            [98.0, -22.0, 213.0, 5.4],
        ],
    ),
    (
        false,
        &[
            [-38.0, -24.0, 197.0, 6.0],
            [-30.0, -10.0, 232.0, 6.5],
            [-32.0, -4.0, 285.0, 6.5],
        ],
    ),
    (
        false,
        &[
            [38.0, -24.0, 197.0, 6.0],
            [30.0, -10.0, 232.0, 6.0],
            [32.0, -4.0, 285.0, 6.0],
        ],
    ),
    (
        false,
        &[
            [16.0, -48.0, 70.0, 13.0],
            [20.0, -44.0, 88.0, 13.5],
            [22.0, -26.0, 108.0, 13.0],
        ],
    ),
    (
        false,
        &[
            [20.0, -24.0, 107.0, 11.5],
            [4.0, -8.0, 106.0, 10.8],
            [-20.0, 0.0, 103.0, 10.0],
            [-42.0, 4.0, 102.0, 8.4],
        ],
    ),
    (
        false,
        &[
            [22.0, -26.0, 108.0, 12.0],
            [34.0, -6.0, 113.0, 10.4],
            [46.0, 8.0, 110.0, 8.4],
        ],
    ),
    (
        false,
        &[
            [-9.0, 34.0, 0.0, 3.0],
            [-8.0, 38.0, 70.0, 3.2],
            [-8.0, 36.0, 128.0, 3.8],
            [-20.0, 12.0, 142.0, 4.2],
            [-27.0, -12.0, 138.0, 4.2],
        ],
    ),
    (true, &AORTA),
    (
        true,
        &[
            [-5.0, -18.0, 158.0, 6.6],
            [-14.0, -14.0, 182.0, 6.2],
            [-20.0, -10.0, 204.0, 5.6],
        ],
    ),
    (
        true,
        &[
            [-20.0, -10.0, 204.0, 4.4],
            [-22.0, 0.0, 240.0, 3.6],
            [-24.0, 4.0, 285.0, 3.4],
        ],
    ),
    (
        true,
        &[
            [-20.0, -10.0, 204.0, 4.4],
            [-44.0, 2.0, 216.0, 4.2],
            [-96.0, -10.0, 214.0, 3.8],
        ],
    ),
    (
        true,
        &[
            [6.0, -4.0, 162.0, 4.6],
            [14.0, -2.0, 200.0, 4.0],
            [22.0, 2.0, 245.0, 3.6],
            [24.0, 4.0, 285.0, 3.4],
        ],
    ),
    (
        true,
        &[
            [15.0, 10.0, 162.0, 5.0],
            [24.0, 8.0, 196.0, 4.6],
            [46.0, 4.0, 217.0, 4.4],
            [98.0, -10.0, 214.0, 3.8],
        ],
    ),
];

fn great_vessels(scene: &mut Scene, blood: Blood) {
    // All walls first: where vessels join, no wall may cross the blood.
    for (_, course) in GREAT_VESSELS
        .iter()
        .filter(|(_, course)| course[0][2] > 65.0)
    {
        scene.tube(course, 1.1, Material::Even(48.0), Clip::Free);
    }
    scene.tube(&AORTA[1..], 1.1, Material::Even(48.0), Clip::Free);
    for (artery, course) in GREAT_VESSELS {
        scene.tube(
            course,
            0.0,
            if artery {
                blood.arterial()
            } else {
                blood.venous()
            },
            Clip::Free,
        );
    }
    for side in [-1.0_f32, 1.0] {
        let lobe = [ball([side * 15.0, -2.0, 240.0], [7.5, 9.0, 20.0])];
        scene.blob(
            &lobe,
            1.0,
            (0.8, 6.0),
            Material::Tissue {
                hu: 128.0,
                swing: 8.0,
                grain: 3.0,
            },
            Clip::Free,
        );
    }
}

fn airways(scene: &mut Scene) {
    let wall = Material::Even(30.0);
    scene.tube(&TRACHEA, 1.6, wall.clone(), Clip::Free);
    for course in &BRONCHI {
        scene.tube(course, 1.3, wall.clone(), Clip::Free);
    }
    let air = Material::Even(-992.0);
    scene.tube(&TRACHEA, 0.0, air.clone(), Clip::Free);
    for course in &BRONCHI {
        scene.tube(course, 0.0, air.clone(), Clip::Free);
    }
}
