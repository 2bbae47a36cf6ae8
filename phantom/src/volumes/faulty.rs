//! Series with one thing wrong.

use super::lattice::Lattice;
use super::series::{Draft, Kind, Volume, even};
use super::{AXIAL, CENTER, SPACING_MM};
use crate::PhantomError;
use crate::dicom::{Dataset, Encoding, uid};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use glam::DVec3;

const COUNT: usize = 40;
const STEP_MM: f64 = 1.5;
/// Slices of the series that are about their headers alone.
const FEW: usize = 12;

/// Number of slices before the one that [`missing_slice`] lacks.
pub const BEFORE_MISSING: usize = 17;
/// Which slice [`duplicate_slice`] has twice, from 0.
pub const TWICE: usize = 12;
/// Which slice of [`corrupt_slice`] cannot be decoded, from 0.
pub const CORRUPT: usize = 20;

fn axial(side: usize, spacing_mm: [f64; 2], along: &[f64]) -> Lattice {
    Lattice::new([side, side], spacing_mm, AXIAL, CENTER, along)
}

/// One of 40 slices is not there.
pub fn missing_slice(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "missing-slice", "V0000020", Kind::Ct);
    let mut along = even(COUNT, STEP_MM);
    along.remove(BEFORE_MISSING);
    let part = draft.part(axial(64, SPACING_MM, &along), 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// One slice is there twice, as two instances.
pub fn duplicate_slice(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "duplicate-slice", "V0000021", Kind::Ct);
    let part = draft.part(axial(64, SPACING_MM, &even(COUNT, STEP_MM)), 0.0);
    let number = COUNT + 1;
    let again = draft.slice_file(&part, TWICE, number, Encoding::ExplicitLittle, &|_| {})?;
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    draft.put(number, again);
    Ok(draft.finish())
}

/// All slices are RLE Lossless, and one frame ends half way.
pub fn corrupt_slice(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "corrupt-slice", "V0000022", Kind::Ct);
    let part = draft.part(axial(64, SPACING_MM, &even(COUNT, STEP_MM)), 0.0);
    draft.add(part, Encoding::Rle, |k| k + 1, |_, _| {})?;
    let mut volume = draft.finish();
    let file = &mut volume.files[CORRUPT].1;
    *file = with_half_the_frame(file)?;
    Ok(volume)
}

/// Cuts the only fragment of a file in the middle; what is about it stays whole (PS3.5 A.4).
fn with_half_the_frame(file: &[u8]) -> Result<Vec<u8>, PhantomError> {
    const ITEM: [u8; 4] = [0xfe, 0xff, 0x00, 0xe0];
    const END: [u8; 8] = [0xfe, 0xff, 0xdd, 0xe0, 0, 0, 0, 0];
    let end = file.len().saturating_sub(END.len());
    let is_last_item = |at: &usize| {
        let (head, body) = file[*at..end].split_at(8);
        head.starts_with(&ITEM)
            && u32::try_from(body.len()).is_ok_and(|length| head[4..] == length.to_le_bytes())
    };
    let item = (0..end.saturating_sub(8)).rev().find(is_last_item);
    let item = item.ok_or_else(|| PhantomError::Encode("no fragment to cut".into()))?;
    let half = (end - item - 8) / 4 * 2;
    let mut cut = file[..item + 4].to_vec();
    cut.extend((half as u32).to_le_bytes());
    cut.extend(&file[item + 8..item + 8 + half]);
    cut.extend(END);
    Ok(cut)
}

/// Nine slices of three sizes: no four are alike.
pub fn mixed_size(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "mixed-size", "V0000023", Kind::Ct);
    let along = even(9, STEP_MM);
    for (index, side) in [64, 56, 48].into_iter().enumerate() {
        let own: Vec<f64> = along.iter().skip(index).step_by(3).copied().collect();
        let part = draft.part(axial(side, SPACING_MM, &own), 0.0);
        draft.add(
            part,
            Encoding::ExplicitLittle,
            |k| k * 3 + index + 1,
            |_, _| {},
        )?;
    }
    Ok(draft.finish())
}

/// Twelve slices, then nine with wider columns.
pub fn mixed_spacing(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "mixed-spacing", "V0000024", Kind::Ct);
    let along = even(FEW + 9, STEP_MM);
    let (first, second) = along.split_at(FEW);
    let part = draft.part(axial(64, SPACING_MM, first), 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    let part = draft.part(axial(64, [0.8, SPACING_MM[1]], second), 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + FEW + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// Twelve slices, then nine of another frame of reference, as after the patient was moved.
pub fn two_frames_of_reference(seed: u64) -> Result<Volume, PhantomError> {
    let name = "two-frames-of-reference";
    let mut draft = Draft::new(seed, name, "V0000025", Kind::Ct);
    let along = even(FEW + 9, STEP_MM);
    let (first, second) = along.split_at(FEW);
    let part = draft.part(axial(64, SPACING_MM, first), 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    let part = draft.part(axial(64, SPACING_MM, second), 0.0);
    let other = uid(seed, "two-frames-of-reference/other");
    draft.add(
        part,
        Encoding::ExplicitLittle,
        |k| k + FEW + 1,
        |_, set| set.text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &other),
    )?;
    Ok(draft.finish())
}

/// Two images that cross: one from the side and one from the front.
pub fn two_localisers(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "two-localisers", "V0000026", Kind::Ct);
    let sagittal = [DVec3::Y, DVec3::NEG_Z, DVec3::NEG_X];
    let coronal = [DVec3::X, DVec3::NEG_Z, DVec3::Y];
    for (index, axes) in [sagittal, coronal].into_iter().enumerate() {
        let lattice = Lattice::new([64, 64], SPACING_MM, axes, CENTER, &[0.0]);
        let part = draft.part(lattice, 0.0);
        draft.add(
            part,
            Encoding::ExplicitLittle,
            |_| index + 1,
            |_, set| set.text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\LOCALIZER"),
        )?;
    }
    Ok(draft.finish())
}

/// A single slice.
pub fn one_slice(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "one-slice", "V0000027", Kind::Ct);
    let part = draft.part(axial(64, SPACING_MM, &[0.0]), 0.0);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, |_, _| {})?;
    Ok(draft.finish())
}

/// Twelve slices with one element changed in all of them.
fn changed(
    seed: u64,
    name: &'static str,
    accession: &'static str,
    change: impl Fn(&mut Dataset),
) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, name, accession, Kind::Ct);
    let part = draft.part(axial(64, SPACING_MM, &even(FEW, STEP_MM)), 0.0);
    let change = |_: usize, set: &mut Dataset| change(set);
    draft.add(part, Encoding::ExplicitLittle, |k| k + 1, change)?;
    Ok(draft.finish())
}

/// Pixel Spacing is zero.
pub fn zero_spacing(seed: u64) -> Result<Volume, PhantomError> {
    changed(seed, "zero-spacing", "V0000028", |set| {
        set.text(tags::PIXEL_SPACING, VR::DS, "0\\0");
    })
}

/// Pixel Spacing is no number.
pub fn nan_spacing(seed: u64) -> Result<Volume, PhantomError> {
    changed(seed, "nan-spacing", "V0000029", |set| {
        set.text(tags::PIXEL_SPACING, VR::DS, "NaN\\NaN");
    })
}

/// Directions of length 2.
pub fn unnormalised_orientation(seed: u64) -> Result<Volume, PhantomError> {
    changed(seed, "unnormalised-orientation", "V0000030", |set| {
        set.text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "2\\0\\0\\0\\2\\0");
    })
}

/// Rows and columns at 60 degrees.
pub fn skewed_orientation(seed: u64) -> Result<Volume, PhantomError> {
    changed(seed, "skewed-orientation", "V0000031", |set| {
        let skewed = "1\\0\\0\\0.5\\0.866025\\0";
        set.text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, skewed);
    })
}
