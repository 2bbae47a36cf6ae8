//! A made-up trunk from the shoulders to the pelvis, as a function from place to Hounsfield units.
//!
//! An [`Anatomy`] is a list of solid shapes with materials (`scene`), described on a regular body (`trunk`), bent a
//! little by a smooth warp so that no two seeds look alike. Slices for CT and sums for radiographs are taken from it.

mod belly;
mod chest;
mod gut;
mod material;
mod scene;
mod skeleton;
mod trunk;

use crate::ct::belly::Solid;
use crate::ct::chest::Blood;
use glam::{DVec3, Vec3};
use material::Material;
use scene::{Clip, Scene, Shape, ball};
use std::ops::Range;
pub(crate) use trunk::ellipsoid;
use trunk::{Site, Trunk};

/// Value of the air about the patient.
const AIR_HU: f32 = -1000.0;
/// The warp moves no point further than this along any axis, in mm.
const WARP_LIMIT_MM: f32 = 3.2;
/// The warp is taken exactly at every so many pixels and interpolated between.
const WARP_STEP: usize = 8;

/// What varies between made-up patients besides the seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Build {
    /// Whether the chest bears breasts.
    pub breasts: bool,
    /// Whether contrast medium was given (portal venous phase).
    pub contrast: bool,
    /// Diameter in mm of the nodule in the right upper lobe, 0 for none.
    pub nodule_mm: f64,
    /// Whether a scanner's table lies under the patient.
    pub table: bool,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            breasts: true,
            contrast: true,
            nodule_mm: 9.0,
            table: true,
        }
    }
}

/// An organ with a place that lies well inside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Organ {
    /// Plain name, such as `liver`.
    pub name: &'static str,
    /// Mean value of the organ about [`Self::center_mm`], in Hounsfield units.
    pub hu: f64,
    /// A place well inside, in the patient coordinate system (LPS), in mm.
    pub center_mm: DVec3,
    /// Within this distance of the centre, in mm, everything belongs to the organ.
    pub radius_mm: f64,
}

/// A regular grid of places in one axial plane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Number of places along x (to the patient's left).
    pub columns: usize,
    /// Number of places along y (to the patient's back).
    pub rows: usize,
    /// Centre of the first place, in mm.
    pub first_mm: DVec3,
    /// Distance between columns, in mm.
    pub column_spacing_mm: f64,
    /// Distance between rows, in mm.
    pub row_spacing_mm: f64,
}

/// A made-up trunk; the same seed and build give the same values.
#[derive(Debug, Clone)]
pub struct Anatomy {
    trunk: Trunk,
    scene: Scene,
    organs: Vec<Organ>,
}

impl Anatomy {
    /// The trunk of `seed` with the default [`Build`].
    pub fn new(seed: u64) -> Self {
        Self::with_build(seed, Build::default())
    }

    /// The trunk of `seed` with a build of choice. The outlines of one seed are the same for every build, so two
    /// builds can stand for two dates of one patient.
    pub fn with_build(seed: u64, build: Build) -> Self {
        let trunk = Trunk::new(seed, build.breasts);
        let mut scene = Scene::default();
        let (blood, solid) = (Blood::new(build.contrast), Solid::new(build.contrast));
        if build.table {
            scene.everywhere(Shape::Table, Material::Table);
        }
        scene.everywhere(Shape::Body, Material::Wall);
        if build.breasts {
            for side in [-1.0, 1.0] {
                let part = ball([side * 88.0, -86.0, 76.0], [48.0, 32.0, 47.0]);
                scene.blob(
                    &[part],
                    1.0,
                    (3.0, 14.0),
                    Material::Breast,
                    Clip::Outside(25.0),
                );
            }
        }
        belly::add(&mut scene, &trunk, seed, blood, solid);
        chest::add(&mut scene, &trunk, seed, blood, build.nodule_mm as f32);
        skeleton::add(&mut scene, &trunk);
        let organs = organs(&trunk, blood, solid, build);
        Self {
            trunk,
            scene,
            organs,
        }
    }

    /// Hounsfield units at a place of the patient (LPS, mm), without noise.
    pub fn hu_at(&self, x_mm: f64, y_mm: f64, z_mm: f64) -> f64 {
        let place = DVec3::new(x_mm, y_mm, z_mm).as_vec3();
        let at = self.trunk.unwarp(place);
        let site = self.trunk.site(place, at);
        let mut hu = AIR_HU;
        for layer in self
            .scene
            .layers
            .iter()
            .filter(|layer| layer.touches(at, at))
        {
            if shows(&layer.shape, &site) {
                layer.paint(&self.trunk, &site, &mut hu);
            }
        }
        f64::from(hu)
    }

    /// Places of known value, one or more for each organ.
    pub fn organs(&self) -> &[Organ] {
        &self.organs
    }

    /// Hounsfield units at every place of a grid, row by row, without noise.
    pub fn slice(&self, grid: &Grid) -> Vec<f32> {
        let warp = Warp::new(&self.trunk, grid);
        let sites = self.sites(grid, &warp);
        let mut values = vec![AIR_HU; sites.len()];
        for layer in &self.scene.layers {
            let Some((columns, rows)) = warp.reach(grid, layer.low(), layer.high()) else {
                continue;
            };
            for row in rows {
                let line = row * grid.columns;
                for column in columns.clone() {
                    let site = &sites[line + column];
                    if shows(&layer.shape, site) {
                        layer.paint(&self.trunk, site, &mut values[line + column]);
                    }
                }
            }
        }
        values
    }

    fn sites(&self, grid: &Grid, warp: &Warp) -> Vec<Site> {
        let mut sites = Vec::with_capacity(grid.columns * grid.rows);
        for row in 0..grid.rows {
            for column in 0..grid.columns {
                let here = grid.place(column, row);
                sites.push(self.trunk.site(here, here + warp.shift(column, row)));
            }
        }
        sites
    }
}

impl Grid {
    fn place(&self, column: usize, row: usize) -> Vec3 {
        let offset = DVec3::new(
            column as f64 * self.column_spacing_mm,
            row as f64 * self.row_spacing_mm,
            0.0,
        );
        (self.first_mm + offset).as_vec3()
    }
}

/// The warp over one grid: exact at nodes, interpolated between.
struct Warp {
    nodes: usize,
    shifts: Vec<Vec3>,
}

impl Warp {
    fn new(trunk: &Trunk, grid: &Grid) -> Self {
        let nodes = grid.columns / WARP_STEP + 2;
        let shifts = (0..grid.rows / WARP_STEP + 2)
            .flat_map(|row| (0..nodes).map(move |column| (column * WARP_STEP, row * WARP_STEP)))
            .map(|(column, row)| {
                let node = grid.place(column, row);
                trunk.unwarp(node) - node
            })
            .collect();
        Self { nodes, shifts }
    }

    /// The way from the place of a pixel to its point of the unwarped anatomy.
    fn shift(&self, column: usize, row: usize) -> Vec3 {
        let (left, u) = (
            column / WARP_STEP,
            (column % WARP_STEP) as f32 / WARP_STEP as f32,
        );
        let (above, v) = (row / WARP_STEP, (row % WARP_STEP) as f32 / WARP_STEP as f32);
        let node = above * self.nodes + left;
        let upper = self.shifts[node].lerp(self.shifts[node + 1], u);
        let lower = self.shifts[node + self.nodes].lerp(self.shifts[node + self.nodes + 1], u);
        upper.lerp(lower, v)
    }

    /// The columns and rows that the box `low..high` of the unwarped anatomy can cover, if any.
    fn reach(&self, grid: &Grid, low: Vec3, high: Vec3) -> Option<(Range<usize>, Range<usize>)> {
        let first = grid.first_mm.as_vec3();
        let step = Vec3::new(
            grid.column_spacing_mm as f32,
            grid.row_spacing_mm as f32,
            1.0,
        );
        if low.z > first.z + WARP_LIMIT_MM || high.z < first.z - WARP_LIMIT_MM {
            return None;
        }
        // Small boxes are moved by the warp at their middle; the warp varies by less than this share of their size.
        let half = (high - low).max_element() * 0.5;
        let (shift, slack) = if half < 30.0 {
            let middle = ((low + high) * 0.5 - first) / step;
            let node = |value: f32, count: usize| (value.max(0.0) as usize).min(count - 1);
            (
                self.shift(node(middle.x, grid.columns), node(middle.y, grid.rows)),
                0.7 + half * 0.16,
            )
        } else {
            (Vec3::ZERO, WARP_LIMIT_MM)
        };
        let level = first.z + shift.z;
        if low.z - slack > level || high.z + slack < level {
            return None;
        }
        let range = |low: f32, high: f32, count: usize| {
            let from = low.max(0.0) as usize;
            let to = ((high + 2.0).max(0.0) as usize).min(count);
            (from < to).then_some(from..to)
        };
        let (low, high) = (
            (low - slack - shift - first) / step,
            (high + slack - shift - first) / step,
        );
        Some((
            range(low.x, high.x, grid.columns)?,
            range(low.y, high.y, grid.rows)?,
        ))
    }
}

/// Only the table can be seen outside the body.
fn shows(shape: &Shape, site: &Site) -> bool {
    site.body < 2.0 || matches!(shape, Shape::Table)
}

fn organs(trunk: &Trunk, blood: Blood, solid: Solid, build: Build) -> Vec<Organ> {
    let left_kidney = belly::kidney_center(1.0);
    let mut known: Vec<(&'static str, f32, Vec3, f64)> = vec![
        ("liver", solid.liver, Vec3::new(-100.0, -12.0, -30.0), 0.0),
        ("spleen", solid.spleen, Vec3::new(100.0, 44.0, -40.0), 4.0),
        (
            "gall bladder",
            belly::BILE_HU,
            Vec3::new(-46.0, -38.0, -86.0),
            4.0,
        ),
        (
            "stomach fluid",
            gut::STOMACH_FLUID_HU,
            Vec3::new(70.0, 2.0, -46.0),
            8.0,
        ),
        ("stomach gas", -990.0, Vec3::new(56.0, -42.0, -80.0), 4.0),
        (
            "left kidney cortex",
            solid.cortex,
            left_kidney + Vec3::new(23.5, 5.0, 0.0),
            0.0,
        ),
        ("left ventricle", blood.artery, chest::LEFT_VENTRICLE, 6.0),
        (
            "descending aorta",
            blood.artery,
            Vec3::new(25.0, 37.0, 60.0),
            4.0,
        ),
        (
            "abdominal aorta",
            blood.artery,
            Vec3::new(3.0, 1.0, -125.0),
            3.0,
        ),
        (
            "inferior vena cava",
            blood.vein,
            Vec3::new(-20.0, 9.0, -120.0),
            3.0,
        ),
        ("trachea", -992.0, Vec3::new(2.0, 11.0, 175.0), 3.0),
        ("right lung", -848.0, chest::CLEAR_LUNG, 2.0),
    ];
    if build.nodule_mm >= 8.0 {
        known.push(("nodule", 38.0, chest::NODULE, build.nodule_mm * 0.25));
    }
    known
        .into_iter()
        .map(|(name, hu, regular, radius_mm)| Organ {
            name,
            hu: f64::from(hu),
            center_mm: warped(trunk, regular).as_dvec3(),
            radius_mm,
        })
        .collect()
}

/// Where the point `regular` of the unwarped anatomy lies in the patient, by fixed-point iteration.
fn warped(trunk: &Trunk, regular: Vec3) -> Vec3 {
    (0..20).fold(regular, |place, _| place + (regular - trunk.unwarp(place)))
}
