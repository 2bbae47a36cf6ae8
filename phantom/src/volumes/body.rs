//! The body in all series: a ramp with spheres and rods in it, known at every place.
//!
//! Shapes have soft edges, so that voxels hold them to a small part of their size: across an edge the value goes straight
//! from outside to inside, half way at the radius.

use glam::DVec3;

/// The middle of the body, LPS in mm: off every axis, so that no sign can be lost unseen.
pub const CENTER_MM: [f64; 3] = [12.0, -31.0, 57.0];

/// Value of the ramp at [`CENTER_MM`].
pub const RAMP_MIDDLE: f64 = 100.0;

/// The ramp's rise for each mm along x, y and z.
pub const RAMP_PER_MM: [f64; 3] = [0.75, -0.95, 1.05];

/// Value of air, inside [`Sphere`] number [`AIR`].
pub const AIR_VALUE: f64 = -1000.0;

/// Which sphere is of air.
pub const AIR: usize = 2;

/// From the smallest to the largest value in the body.
pub const RANGE: f64 = 1900.0;

/// A ball.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sphere {
    /// Its middle, LPS in mm.
    pub center_mm: [f64; 3],
    /// Where its edge is half way.
    pub radius_mm: f64,
    /// Value inside.
    pub value: f64,
}

/// A cylinder without ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rod {
    /// A place on its axis, LPS in mm.
    pub point_mm: [f64; 3],
    /// Unit vector along its axis.
    pub axis: [f64; 3],
    /// Where its edge is half way.
    pub radius_mm: f64,
    /// Value inside.
    pub value: f64,
}

/// From where a sphere's edge begins to where it ends, in mm.
pub const SPHERE_EDGE_MM: f64 = 4.0;

/// From where a rod's edge begins to where it ends, in mm.
pub const ROD_EDGE_MM: f64 = 3.0;

/// The spheres; number [`AIR`] is of air.
pub fn spheres() -> [Sphere; 4] {
    let sphere = |from_center: [f64; 3], radius_mm, value| Sphere {
        center_mm: (DVec3::from_array(CENTER_MM) + DVec3::from_array(from_center)).to_array(),
        radius_mm,
        value,
    };
    [
        sphere([-11.0, -9.0, -8.0], 7.0, 900.0),
        sphere([10.0, 11.0, 9.0], 6.0, 700.0),
        sphere([10.0, -10.0, -2.0], 6.5, AIR_VALUE),
        sphere([-9.0, 11.0, 10.0], 5.5, -400.0),
    ]
}

/// The rods, oblique to every axis and to each other.
pub fn rods() -> [Rod; 2] {
    let rod = |from_center: [f64; 3], along: [f64; 3], value| Rod {
        point_mm: (DVec3::from_array(CENTER_MM) + DVec3::from_array(from_center)).to_array(),
        axis: DVec3::from_array(along).normalize().to_array(),
        radius_mm: 2.0,
        value,
    };
    [
        rod([3.0, 1.0, 4.0], [-0.44, 0.65, -0.62], 500.0),
        rod([-2.0, -8.0, 7.0], [0.06, 0.56, -0.83], -250.0),
    ]
}

/// The ramp behind the shapes at a place, LPS in mm.
pub fn background(place_mm: [f64; 3]) -> f64 {
    let way = DVec3::from_array(place_mm) - DVec3::from_array(CENTER_MM);
    RAMP_MIDDLE + way.dot(DVec3::from_array(RAMP_PER_MM))
}

/// How far a place is outside each shape's surface, mm (inside: below zero), with the width of its edge and its value.
fn shapes(place: DVec3) -> impl Iterator<Item = (f64, f64, f64)> {
    let spheres = spheres().into_iter().map(move |sphere| {
        let distance = place.distance(DVec3::from_array(sphere.center_mm));
        (distance - sphere.radius_mm, SPHERE_EDGE_MM, sphere.value)
    });
    let rods = rods().into_iter().map(move |rod| {
        let way = place - DVec3::from_array(rod.point_mm);
        let distance = way.cross(DVec3::from_array(rod.axis)).length();
        (distance - rod.radius_mm, ROD_EDGE_MM, rod.value)
    });
    spheres.chain(rods)
}

/// The body's value at a place, LPS in mm.
pub fn value(place_mm: [f64; 3]) -> f64 {
    shapes(DVec3::from_array(place_mm)).fold(
        background(place_mm),
        |behind, (outside_mm, edge, inside)| {
            let share = (0.5 - outside_mm / edge).clamp(0.0, 1.0);
            behind * (1.0 - share) + inside * share
        },
    )
}

/// True where no edge of a shape is within so many mm: there the body is the ramp or one value, which trilinear
/// interpolation leaves as they are.
pub fn is_plain(place_mm: [f64; 3], margin_mm: f64) -> bool {
    shapes(DVec3::from_array(place_mm))
        .all(|(outside_mm, edge, _)| outside_mm.abs() > edge / 2.0 + margin_mm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_known_by_hand_at_its_places() {
        // 10 mm up: ten times 1.05 above the middle's 100, outside of all shapes.
        let up = [12.0, -31.0, 67.0];
        assert!((background(up) - 110.5).abs() < 1e-9);
        let [first, _, air, _] = spheres();
        assert_eq!(value(first.center_mm), 900.0);
        assert_eq!(value(air.center_mm), -1000.0);
        // On the surface: half way between 900 and the ramp, here 100 - 4 * 0.75 + 9 * 0.95 - 8 * 1.05.
        let [x, y, z] = first.center_mm;
        let on_surface = [x + 7.0, y, z];
        let ramp = 100.0 - 3.0 + 8.55 - 8.4;
        assert!((background(on_surface) - ramp).abs() < 1e-9);
        assert!((value(on_surface) - (900.0 + ramp) / 2.0).abs() < 1e-9);
        assert_eq!(value(rods()[0].point_mm), 500.0);
    }

    #[test]
    fn no_shape_reaches_into_the_edge_of_another() {
        let mut step = 0;
        for x in -30..=30 {
            for y in -30..=30 {
                for z in -30..=30 {
                    let place =
                        DVec3::from_array(CENTER_MM) + DVec3::new(x.into(), y.into(), z.into());
                    let touched = shapes(place).filter(|(out, edge, _)| *out < edge / 2.0);
                    assert!(touched.count() < 2, "{place}");
                    step += 1;
                }
            }
        }
        assert_eq!(step, 61 * 61 * 61);
    }
}
