//! What tissues are made of: Hounsfield units by place and by depth under a surface.

use super::trunk::{Site, Trunk};
use crate::noise::smooth_step;
use glam::Vec3;

/// The substance of a layer. Values are Hounsfield units in the portal venous phase.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Material {
    /// The same everywhere.
    Even(f32),
    /// A mean with fine grain of at most `swing` HU either way.
    Tissue { hu: f32, swing: f32, grain: f32 },
    /// Muscle with fine strands of fat.
    Muscle,
    /// Skin, fat and the layered muscles of the wall; fat inside.
    Wall,
    /// Aerated lung, denser towards the back, with its fissures.
    Lung,
    /// A dense shell over spongy marrow.
    Bone {
        cortex: f32,
        marrow: f32,
        shell: f32,
    },
    /// Cortex, columns and pyramids.
    Kidney { cortex: f32, medulla: f32 },
    /// Gas above (in front of) `level`, fluid below, as in a patient lying on the back.
    Level { level: f32, fluid: f32 },
    /// Stool with bubbles of gas.
    Stool,
    /// A breast: fat with strands of gland.
    Breast,
    /// Carbon-fibre shell over foam.
    Table,
}

/// The mean of fat under the skin and about the organs.
pub(crate) const FAT_HU: f32 = -105.0;

impl Material {
    /// Hounsfield units at a place `distance` (negative) inside the layer's surface.
    pub(crate) fn hu(&self, trunk: &Trunk, site: &Site, distance: f32) -> f32 {
        let p = site.at;
        let noise = |grain: f32| trunk.noise.at(p / grain);
        match self {
            Self::Even(hu) => *hu,
            Self::Tissue { hu, swing, grain } => hu + swing * noise(*grain),
            Self::Muscle => muscle(trunk, p),
            Self::Wall => wall(trunk, site),
            Self::Lung => lung(trunk, site),
            Self::Bone {
                cortex,
                marrow,
                shell,
            } => {
                let edge = smooth_step(shell * 0.5, shell * 1.4, -distance);
                let spongy = marrow + marrow * 0.3 * noise(1.7) + marrow * 0.12 * noise(6.0);
                cortex + (spongy - cortex) * edge
            }
            Self::Kidney { cortex, medulla } => {
                let inner = smooth_step(5.0, 8.0, -distance);
                let columns = smooth_step(-0.05, 0.25, noise(8.0));
                cortex + (medulla - cortex) * inner * columns
            }
            Self::Level { level, fluid } => {
                let gas = smooth_step(level + 0.8, level - 0.8, site.place.y);
                fluid + (-990.0 - fluid) * gas
            }
            Self::Stool => {
                let bubbles = smooth_step(0.18, 0.42, noise(3.6) * 0.7 + noise(9.0) * 0.5);
                25.0 + 22.0 * noise(4.0) - 640.0 * bubbles
            }
            Self::Breast => {
                let gland = smooth_step(0.0, 0.35, noise(9.0) * 0.8 + noise(21.0) * 0.6 - 0.08);
                FAT_HU + 118.0 * gland
            }
            Self::Table => {
                if distance > -2.2 {
                    70.0
                } else {
                    -950.0
                }
            }
        }
    }
}

fn muscle(trunk: &Trunk, p: Vec3) -> f32 {
    let strands = smooth_step(0.45, 0.8, trunk.noise.at(p * Vec3::new(0.22, 0.3, 0.05)));
    60.0 + 5.0 * trunk.noise.at(p / 3.0) - 85.0 * strands
}

fn lung(trunk: &Trunk, site: &Site) -> f32 {
    let p = site.at;
    let dependent = 40.0 * smooth_step(-60.0, 85.0, site.place.y);
    let grain = 22.0 * trunk.noise.at(p / 2.6) + 12.0 * trunk.noise.at(p / 9.0);
    let fissure = 190.0 * smooth_step(1.3, 0.2, trunk.fissure(p));
    -872.0 + dependent + grain + fissure
}

/// Skin, fat, muscles in layers with thin fat between, and fat inside the cavity.
fn wall(trunk: &Trunk, site: &Site) -> f32 {
    let p = site.at;
    let depth = -site.body;
    let skin = smooth_step(2.4, 1.4, depth);
    if site.cavity < -1.0 {
        return fat(trunk, p);
    }
    let belly = smooth_step(10.0, -70.0, p.z);
    let wander = trunk.noise.at(p / 38.0);
    let front = smooth_step(-10.0, -60.0, p.y);
    let back = smooth_step(15.0, 55.0, p.y);
    let fat_depth = (8.0 + 5.0 * belly + 5.0 * back * belly) * (1.0 + 0.35 * wander);
    let chest_height = 60.0 - 37.0 * front + 90.0 * smooth_step(188.0, 222.0, p.z);
    let belly_height = 32.0 - (1.0 - back) * (10.0 + 10.5 * front);
    let muscle_height = chest_height + (belly_height - chest_height) * belly;
    let under_skin = smooth_step(fat_depth - 0.8, fat_depth + 0.8, depth);
    let near_wall = smooth_step(
        muscle_height + 0.8,
        muscle_height - 0.8,
        site.cavity + 1.5 * wander,
    );
    // Thin sheets of fat between the muscles, broken where they lie close together.
    let inner = 12.5 - 5.5 * belly + 3.0 * wander;
    let outer = 22.0 - 8.0 * belly + 9.0 * trunk.noise.at(p / 57.0 + 4.0);
    let width = 1.0 + 0.9 * trunk.noise.at(p / 19.0);
    let sheet = |at: f32| smooth_step(width + 0.5, width - 0.5, (site.cavity - at).abs());
    let sheets =
        sheet(inner).max(sheet(outer)) * smooth_step(-0.3, 0.1, width - 1.0 + 0.25 * wander);
    // The straight muscles of the belly end in a line of fat on either side and meet at the white line.
    let side = p.x.abs();
    let lateral = smooth_step(1.9, 0.7, (side - 66.0 - 3.0 * wander).abs()) * front * belly;
    let straight = front * belly * smooth_step(64.0, 62.0, side);
    let muscle_share = under_skin * near_wall * (1.0 - lateral) * (1.0 - sheets * (1.0 - straight));
    let tissue = if muscle_share <= 0.0 {
        fat(trunk, p)
    } else if muscle_share >= 1.0 {
        muscle(trunk, p)
    } else {
        fat(trunk, p) * (1.0 - muscle_share) + muscle(trunk, p) * muscle_share
    };
    tissue + (25.0 - tissue) * skin
}

fn fat(trunk: &Trunk, p: Vec3) -> f32 {
    let septa = smooth_step(0.035, 0.0, trunk.noise.at(p / 13.0).abs()) * 26.0;
    FAT_HU + septa + 5.0 * trunk.noise.at(p / 4.0)
}
