//! What a reader of planes must give of the made-up body: the ramp, edges, distances. The same checks for the program in a
//! browser and for the sampler that it is built on.

use crate::through::{AXIAL, CORONAL, Chance, Plane, SAGITTAL, distance, dot, plus};
use phantom::volumes::{Part, body};

/// Reads a plane of so many samples.
pub type Read<'a> = dyn FnMut(&Plane, [u32; 2]) -> Vec<f32> + 'a;

/// Most that a value may be off, as a share of the body's range.
const VALUE_SHARE: f64 = 1e-3;
/// Most that a place may be off, in mm.
const PLACE_MM: f64 = 0.1;
/// Samples nearer than this to the outermost voxel centres, in voxels, may be in or out.
const FACE: f64 = 1e-3;

/// How a sample lies to the box of voxel centres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Outside,
    Face,
}

fn side(part: &Part, place: [f64; 3]) -> Side {
    let voxel = part.lattice.voxel_at(place);
    let ends = part.lattice.size.map(|count| count as f64 - 1.0);
    let least = (voxel.into_iter().zip(ends))
        .map(|(at, end)| at.min(end - at))
        .fold(f64::INFINITY, f64::min);
    match least {
        least if least > FACE => Side::Inside,
        least if least < -FACE => Side::Outside,
        _ => Side::Face,
    }
}

/// Every sample of seeded oblique planes: outside NaN, inside a number, and the ramp or a shape's value where no edge is
/// near.
pub fn expect_ramp(read: &mut Read<'_>, part: &Part, planes: usize, what: &str) {
    let mut chance = Chance::new(17);
    let size = [80, 72];
    let (mut plain, mut worst) = (0, 0.0_f64);
    for index in 0..planes {
        let inside = part.lattice.size.map(|count| {
            let at = (count as f64 - 1.0) * (0.5 + 0.25 * chance.around());
            at.round() as usize
        });
        // Between voxels, and not with the middle on one.
        let center = chance.near(part.lattice.patient_mm(inside), 0.4);
        let plane = Plane::new(center, chance.directions(), 0.55);
        let values = read(&plane, size);
        for (at, value) in values.iter().enumerate() {
            let at = [(at % 80) as f64, (at / 80) as f64];
            let place = plane.place(at, size);
            let value = f64::from(*value);
            match side(part, place) {
                Side::Inside => assert!(!value.is_nan(), "{what}, plane {index}: {at:?} is NaN"),
                Side::Outside => {
                    assert!(value.is_nan(), "{what}, plane {index}: {at:?} is {value}")
                }
                Side::Face => continue,
            }
            if !value.is_nan() && part.is_plain(place) {
                let off = (value - part.truth(place)).abs();
                assert!(
                    off <= VALUE_SHARE * body::RANGE,
                    "{what}, plane {index}: {at:?} is {value}, expected {}",
                    part.truth(place)
                );
                plain += 1;
                worst = worst.max(off);
            }
        }
    }
    println!("{what}: {plain} samples of {planes} planes, at most {worst:.4} off");
    assert!(plain > 60 * planes, "{what}: {plain}");
}

/// A sphere as a plane through its middle shows it: place of its middle, LPS in mm, and its radius.
fn found_sphere(
    read: &mut Read<'_>,
    part: &Part,
    sphere: &body::Sphere,
    directions: [[f64; 3]; 2],
) -> ([f64; 3], f64) {
    const PIXEL_MM: f64 = 0.2;
    let size = [112, 112];
    let [row, column] = directions;
    // Not with its middle on a sample.
    let aside = plus(plus(sphere.center_mm, row, 0.73), column, -0.41);
    let plane = Plane::new(aside, directions, PIXEL_MM);
    let values = read(&plane, size);
    let (mut count, mut sum) = (0.0, [0.0; 3]);
    for (at, value) in values.iter().enumerate() {
        let place = plane.place([(at % 112) as f64, (at / 112) as f64], size);
        // Other shapes are further away.
        if distance(place, sphere.center_mm) > sphere.radius_mm + 3.0 {
            continue;
        }
        // Half way from the ramp behind it to its own value.
        let behind = body::background(place);
        let share = (f64::from(*value) - part.offset - behind) / (sphere.value - behind);
        if share > 0.5 {
            count += 1.0;
            sum = plus(sum, place, 1.0);
        }
    }
    let middle = sum.map(|part| part / count);
    (
        middle,
        (count * PIXEL_MM * PIXEL_MM / std::f64::consts::PI).sqrt(),
    )
}

/// Middles, radii and distances of the spheres in planes of each kind.
pub fn expect_spheres(read: &mut Read<'_>, part: &Part, what: &str) {
    let mut chance = Chance::new(5);
    let oblique = chance.directions();
    for (kind, directions) in [
        ("axial", AXIAL),
        ("sagittal", SAGITTAL),
        ("coronal", CORONAL),
        ("oblique", oblique),
    ] {
        let spheres = body::spheres();
        let found: Vec<([f64; 3], f64)> = (spheres.iter())
            .map(|sphere| found_sphere(read, part, sphere, directions))
            .collect();
        let (mut off_mm, mut edge_mm, mut apart_mm) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (index, (sphere, (middle, radius))) in spheres.iter().zip(&found).enumerate() {
            off_mm = off_mm.max(distance(*middle, sphere.center_mm));
            edge_mm = edge_mm.max((radius - sphere.radius_mm).abs());
            for (other, (other_middle, _)) in spheres.iter().zip(&found).skip(index + 1) {
                let truth = distance(sphere.center_mm, other.center_mm);
                apart_mm = apart_mm.max((distance(*middle, *other_middle) - truth).abs());
            }
        }
        println!(
            "{what}, {kind}: middles {off_mm:.3} mm off, distances {apart_mm:.3}, radii {edge_mm:.3}"
        );
        assert!(
            off_mm <= PLACE_MM,
            "{what}, {kind}: middles {off_mm} mm off"
        );
        assert!(
            apart_mm <= PLACE_MM,
            "{what}, {kind}: distances {apart_mm} mm off"
        );
        assert!(
            edge_mm <= PLACE_MM,
            "{what}, {kind}: radii {edge_mm} mm off"
        );
    }
}

/// Each rod is where its axis crosses planes of the patient's axes.
pub fn expect_rods(read: &mut Read<'_>, part: &Part, what: &str) {
    const PIXEL_MM: f64 = 0.2;
    let size = [80, 80];
    let mut worst = 0.0_f64;
    for (index, rod) in body::rods().iter().enumerate() {
        for (directions, mm) in [(AXIAL, -6.0), (AXIAL, 5.0), (CORONAL, 4.0), (CORONAL, -5.0)] {
            let crossing = plus(rod.point_mm, rod.axis, mm);
            let plane = Plane::new(plus(crossing, directions[0], 0.37), directions, PIXEL_MM);
            let values = read(&plane, size);
            let (mut count, mut sum) = (0.0, [0.0; 3]);
            for (at, value) in values.iter().enumerate() {
                let place = plane.place([(at % 80) as f64, (at / 80) as f64], size);
                let way = plus(place, rod.point_mm, -1.0);
                let along = dot(way, rod.axis);
                let beside = distance(place, plus(rod.point_mm, rod.axis, along));
                if beside > rod.radius_mm + 1.6 {
                    continue;
                }
                let behind = body::background(place);
                let share = (f64::from(*value) - part.offset - behind) / (rod.value - behind);
                if share > 0.5 {
                    count += 1.0;
                    sum = plus(sum, place, 1.0);
                }
            }
            let off = distance(sum.map(|part| part / count), crossing);
            worst = worst.max(off);
            assert!(off <= PLACE_MM, "{what}: rod {index} is {off} mm off");
        }
    }
    println!("{what}: rods at most {worst:.3} mm off");
}
