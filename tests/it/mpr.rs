//! Planes through volumes in the browser, on every backend: those of other programs, and those of a body known everywhere.

use crate::shapes::{expect_ramp, expect_rods, expect_spheres};
use crate::stage::Stage;
use crate::through::{Plane, Slab, folder_of, lay_out_planes, open_planes, open_volume, plus};
use phantom::volumes::{self, Make};
use sagitta_tests::{Backend, shared_data};
use serde_json::Value;
use std::path::Path;

const SEED: u64 = 3;

/// A float array as numpy writes it: version 1, little endian, C order.
fn read_npy(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let text = std::str::from_utf8(&bytes[10..10 + header]).unwrap();
    let is_plain = text.contains("'<f4'") && text.contains("'fortran_order': False");
    assert!(is_plain, "{text}");
    let (cells, rest) = bytes[10 + header..].as_chunks::<4>();
    assert!(rest.is_empty());
    cells.iter().map(|cell| f32::from_le_bytes(*cell)).collect()
}

fn triple(value: &Value) -> [f64; 3] {
    [0, 1, 2].map(|axis| value[axis].as_f64().unwrap())
}

/// The box of voxel centres as the reference says it.
struct Box {
    origin: [f64; 3],
    /// From slice to slice, row to row, column to column, mm.
    steps: [[f64; 3]; 3],
    counts: [f64; 3],
}

impl Box {
    fn of(spec: &Value) -> Self {
        let rows = [0, 1, 2].map(|axis| triple(&spec["voxel_matrix_kji"][axis]));
        Self {
            origin: triple(&spec["voxel_origin"]),
            steps: [0, 1, 2].map(|step| rows.map(|row| row[step])),
            counts: triple(&spec["shape_kji"]),
        }
    }

    /// Whether a place is inside, by Cramer's rule.
    fn contains(&self, place: [f64; 3]) -> bool {
        use crate::through::{cross, dot};
        let [a, b, c] = self.steps;
        let way = plus(place, self.origin, -1.0);
        let volume = dot(a, cross(b, c));
        let voxel = [
            dot(way, cross(b, c)) / volume,
            dot(a, cross(way, c)) / volume,
            dot(a, cross(b, way)) / volume,
        ];
        (voxel.into_iter().zip(self.counts)).all(|(at, count)| at >= 0.0 && at <= count - 1.0)
    }
}

/// A plane of the reference: its name, what it is, its size, its values.
struct Reference {
    name: String,
    plane: Plane,
    size: [u32; 2],
    values: Vec<f32>,
}

fn references(folder: &Path, spec: &Value) -> Vec<Reference> {
    let planes = spec["planes"].as_object().unwrap();
    let reference = |(name, said): (&String, &Value)| {
        let size = [0, 1].map(|side| u32::try_from(said["size"][side].as_u64().unwrap()).unwrap());
        let pixel_mm = said["spacing_mm"].as_f64().unwrap();
        let directions = [&said["row_direction"], &said["column_direction"]].map(triple);
        let half = size.map(|count| f64::from(count - 1) / 2.0 * pixel_mm);
        let center = plus(triple(&said["origin"]), directions[0], half[0]);
        let mut plane = Plane::new(plus(center, directions[1], half[1]), directions, pixel_mm);
        plane.slab = said["slab_mm"].as_f64().map(|thickness_mm| Slab {
            thickness_mm,
            projection: match said["combine"].as_str().unwrap() {
                "mip" => "mip",
                "minip" => "minip",
                _ => "mean",
            },
            step_mm: said["step_mm"].as_f64().unwrap(),
        });
        Reference {
            name: name.clone(),
            plane,
            size,
            values: read_npy(&folder.join(said["file"].as_str().unwrap())),
        }
    };
    planes.iter().map(reference).collect()
}

impl Reference {
    /// Where a value must be: in a plane where it is inside, in a slab where any of its planes is. The reference's slabs have
    /// numbers only where all are.
    fn is_inside(&self, voxels: &Box) -> Vec<bool> {
        let side =
            (self.plane.slab).map_or(0, |slab| (slab.thickness_mm / 2.0 / slab.step_mm) as i32);
        let step = self.plane.slab.map_or(0.0, |slab| slab.step_mm);
        let normal = self.plane.normal();
        let width = self.size[0] as usize;
        (0..self.values.len())
            .map(|at| {
                let at = [(at % width) as f64, (at / width) as f64];
                let place = self.plane.place(at, self.size);
                (-side..=side)
                    .any(|beside| voxels.contains(plus(place, normal, f64::from(beside) * step)))
            })
            .collect()
    }

    fn check(&self, found: &[f32], voxels: &Box, what: &str) {
        let [off_limit, most] = if self.plane.slab.is_some() {
            [0.02, 0.01]
        } else {
            [0.005, 0.0005]
        };
        let numbers = self.values.iter().filter(|value| !value.is_nan());
        let (low, high) = numbers.fold((f32::MAX, f32::MIN), |(low, high), value| {
            (value.min(low), value.max(high))
        });
        let range = f64::from(high) - f64::from(low);
        let (mut edges, mut off, mut worst) = (0, 0, 0.0_f64);
        let inside = self.is_inside(voxels);
        for ((expected, found), is_inside) in self.values.iter().zip(found).zip(inside) {
            let is_lost = found.is_nan() && !expected.is_nan();
            edges += usize::from(is_lost || found.is_nan() == is_inside);
            if !expected.is_nan() && !found.is_nan() {
                let apart = (f64::from(*expected) - f64::from(*found)).abs() / range;
                worst = worst.max(apart);
                off += usize::from(apart > off_limit);
            }
        }
        let share = |count: usize| count as f64 / self.values.len() as f64;
        println!(
            "{what} {}: {:.4} % off, worst {:.4} % of the range, edges {:.3} %",
            self.name,
            share(off) * 100.0,
            worst * 100.0,
            share(edges) * 100.0
        );
        assert!(share(off) <= most, "{what} {}", self.name);
        assert!(share(edges) <= 0.01, "{what} {}", self.name);
    }
}

fn check_reference(name: &str) {
    let Some(data) = shared_data() else {
        return;
    };
    let folder = data.join("mpr-reference").join(name);
    let spec: Value =
        serde_json::from_slice(&std::fs::read(folder.join("spec.json")).unwrap()).unwrap();
    let (voxels, all) = (Box::of(&spec), references(&folder, &spec));
    assert_eq!(all.len(), 7);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, &data.join(name));
        stage.make_small();
        open_planes(&stage, &stage.study(), spec["series"].as_str().unwrap());
        for (index, reference) in all.iter().enumerate() {
            let found = reference.plane.values(&stage, index % 3, reference.size);
            reference.check(&found, &voxels, &format!("{} {name}", backend.name()));
        }
        stage.expect_no_problems();
    }
}

#[test]
fn mpr_planes_of_a_ct_are_those_of_scipy_and_simpleitk() {
    check_reference("ct-volume");
}

#[test]
fn mpr_planes_of_an_oblique_mr_are_those_of_scipy_and_simpleitk() {
    check_reference("mr-volume");
}

/// The ramp in oblique planes, and the shapes in planes of each kind.
fn check_body(make: Make) {
    let volume = make(SEED).unwrap();
    let folder = folder_of(&volume);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        open_volume(&stage, &volume);
        let what = format!("{} {}", backend.name(), volume.name);
        let mut turn = 0;
        let mut read = |plane: &Plane, size| {
            turn += 1;
            plane.values(&stage, turn % 3, size)
        };
        let part = &volume.parts[0];
        expect_ramp(&mut read, part, 6, &what);
        expect_spheres(&mut read, part, &what);
        expect_rods(&mut read, part, &what);
        stage.expect_no_problems();
    }
}

#[test]
fn mpr_of_a_straight_ct_is_the_body() {
    check_body(volumes::spheres);
}

#[test]
fn mpr_of_a_tilted_ct_is_the_body() {
    check_body(volumes::tilted);
}

#[test]
fn mpr_of_an_oblique_mr_is_the_body() {
    check_body(volumes::oblique_grid);
}

#[test]
fn mpr_of_unequal_gaps_is_the_body() {
    check_body(volumes::uneven);
}

#[test]
fn mpr_of_instances_numbered_against_their_places_is_the_body() {
    check_body(volumes::shuffled);
}

#[test]
fn mpr_of_a_pet_with_a_slope_in_each_slice_is_the_body() {
    check_body(volumes::pet_slopes);
}

#[test]
fn mpr_of_an_enhanced_ct_is_the_body() {
    check_body(volumes::enhanced);
}

/// Two images hold all slices of two volumes; their headers come by their own addresses.
#[test]
fn mpr_of_mosaics_is_the_body() {
    let volume = volumes::mosaic(SEED).unwrap();
    let folder = folder_of(&volume);
    for backend in Backend::ALL {
        let stage = Stage::list(backend, folder.path());
        stage.make_small();
        for part in &volume.parts {
            let instance = &part.frames[0].0;
            stage.eval(&format!(
                "window.sagitta.open({{ studies: ['{}'], series: '{}', instance: '{instance}', frame: 1 }})",
                volume.study_uid, volume.series_uid
            ));
            lay_out_planes(&stage);
            let what = format!("{} mosaic {}", backend.name(), part.offset);
            let mut read = |plane: &Plane, size| plane.values(&stage, 1, size);
            expect_ramp(&mut read, part, 6, &what);
            let count = stage.eval("window.sagitta.stats()");
            assert_eq!(count["frames_failed"], 0, "{what}: {count}");
        }
        stage.expect_no_problems();
    }
}
