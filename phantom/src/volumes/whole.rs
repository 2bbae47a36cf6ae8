//! Series that make one volume each.

use super::lattice::Lattice;
use super::series::{Draft, Kind, Volume, even};
use super::{AXIAL, CENTER, SPACING_MM};
use crate::PhantomError;
use crate::dicom::Encoding;
use dicom_core::VR;
use dicom_dictionary_std::tags;
use glam::{DMat3, DVec3};

/// Slices of most series.
const COUNT: usize = 40;
/// From slice to slice, in mm.
const STEP_MM: f64 = 1.5;
/// Of [`tilted`], in degrees.
pub const TILT_DEGREES: f64 = 17.0;
/// Gaps of [`uneven`] in mm, over and over.
pub const UNEVEN_GAPS_MM: [f64; 5] = [1.0, 1.4, 2.2, 1.2, 1.8];

/// A CT of 64 x 64 x 40 voxels of 0.7 x 0.9 x 1.5 mm, its instances numbered from the head down.
///
/// # Errors
/// [`PhantomError::Encode`] when a data set cannot be encoded; so for all series.
pub fn spheres(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "spheres", "V0000001", Kind::Ct);
    let lattice = Lattice::new([64, 64], SPACING_MM, AXIAL, CENTER, &even(COUNT, STEP_MM));
    let part = draft.part(lattice, 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| COUNT - k, |_, _| {})?;
    Ok(draft.finish())
}

/// The same body by a gantry tilted about x: the table moves along z, the slices lean.
pub fn tilted(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "tilted", "V0000002", Kind::Ct);
    let (sin, cos) = TILT_DEGREES.to_radians().sin_cos();
    let axes = [DVec3::X, DVec3::new(0.0, cos, -sin), DVec3::Z];
    let lattice = Lattice::new([64, 64], SPACING_MM, axes, CENTER, &even(COUNT, STEP_MM));
    let part = draft.part(lattice, 0.0);
    let tilt = TILT_DEGREES.to_string();
    draft.add(
        part,
        Encoding::ExplicitLittle,
        |k| k + 1,
        |_, set| set.text(tags::GANTRY_DETECTOR_TILT, VR::DS, &tilt),
    )?;
    Ok(draft.finish())
}

/// An MR of 72 x 64 x 40 voxels whose three axes are turned out of the patient's, with a slope of 0.043.
pub fn oblique_grid(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "oblique-grid", "V0000003", Kind::Mr);
    let turned = DMat3::from_rotation_z(25_f64.to_radians())
        * DMat3::from_rotation_x(-35_f64.to_radians())
        * DMat3::from_rotation_y(15_f64.to_radians());
    let axes = [turned.x_axis, turned.y_axis, turned.z_axis];
    let lattice = Lattice::new([72, 64], SPACING_MM, axes, CENTER, &even(COUNT, STEP_MM));
    let part = draft.part(lattice, 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// Gaps of [`UNEVEN_GAPS_MM`].
pub fn uneven(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "uneven", "V0000004", Kind::Ct);
    let mut along = vec![0.0];
    for gap in UNEVEN_GAPS_MM.iter().cycle().take(COUNT - 1) {
        along.push(along[along.len() - 1] + gap);
    }
    let half = along[COUNT - 1] / 2.0;
    along.iter_mut().for_each(|mm| *mm -= half);
    let lattice = Lattice::new([64, 64], SPACING_MM, AXIAL, CENTER, &along);
    let part = draft.part(lattice, 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// Instance Numbers say nothing of the places of slices.
pub fn shuffled(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "shuffled", "V0000005", Kind::Ct);
    let lattice = Lattice::new([64, 64], SPACING_MM, AXIAL, CENTER, &even(COUNT, STEP_MM));
    let part = draft.part(lattice, 0.0);
    // 17 and 40 have no common divisor.
    let number = |k: usize| (k * 17 + 5) % COUNT + 1;
    draft.add(part, Encoding::ExplicitLittle, number, |_, _| {})?;
    Ok(draft.finish())
}

/// A PET in Bq/ml: each slice has a slope of its own, and no value is below zero.
pub fn pet_slopes(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "pet-slopes", "V0000006", Kind::Pet);
    let lattice = Lattice::new([64, 64], SPACING_MM, AXIAL, CENTER, &even(COUNT, STEP_MM));
    let part = draft.part(lattice, 1500.0);
    draft.add(part, Encoding::ExplicitLittle, |k| COUNT - k, |_, _| {})?;
    Ok(draft.finish())
}

/// 300 columns: beyond a 3-D texture of 256.
pub fn broad(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "broad", "V0000007", Kind::Ct);
    let lattice = Lattice::new([300, 56], [0.2, 0.9], AXIAL, CENTER, &even(COUNT, STEP_MM));
    let part = draft.part(lattice, 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// 200 RLE slices of 200 x 100: bricks along every axis, and fewer bytes encoded than decoded.
pub fn packed(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "packed", "V0000044", Kind::Ct);
    let lattice = Lattice::new([200, 100], [0.25, 0.5], AXIAL, CENTER, &even(200, 0.25));
    let part = draft.part(lattice, 0.0);
    draft.add(part, Encoding::Rle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// One voxel wide and high.
pub fn thin(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "thin", "V0000008", Kind::Ct);
    let lattice = Lattice::new([1, 1], SPACING_MM, AXIAL, CENTER, &even(COUNT, STEP_MM));
    let part = draft.part(lattice, 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// Three slices of 1500 x 1500: too few for a volume, however large.
pub fn wide(seed: u64) -> Result<Volume, PhantomError> {
    flat(seed, "wide", "V0000009", 3)
}

/// Four slices of 1500 x 1500.
pub fn wide_stack(seed: u64) -> Result<Volume, PhantomError> {
    flat(seed, "wide-stack", "V0000010", 4)
}

fn flat(
    seed: u64,
    name: &'static str,
    accession: &'static str,
    count: usize,
) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, name, accession, Kind::Ct);
    let spacing = [0.03, 0.03];
    let lattice = Lattice::new([1500, 1500], spacing, AXIAL, CENTER, &even(count, STEP_MM));
    let part = draft.part(lattice, 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}
