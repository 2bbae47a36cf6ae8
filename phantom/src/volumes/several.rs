//! Series of several volumes, and objects of many frames.

use super::lattice::Lattice;
use super::series::{Draft, Kind, Part, Volume, even, pixels};
use super::{AXIAL, CENTER, SPACING_MM};
use crate::PhantomError;
use crate::dicom::{Dataset, Encoding};
use dicom_core::{PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use glam::DVec3;

/// Enhanced CT Image Storage.
const ENHANCED_CT: &str = "1.2.840.10008.5.1.4.1.1.2.1";
/// Slices of [`long`]: more than a 3-D texture of 2048 holds.
pub const LONG_SLICES: usize = 2600;

/// Twelve slices of two echoes; the second one's values are 200 higher.
pub fn two_echoes(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "two-echoes", "V0000040", Kind::Mr);
    for (echo, time_ms) in ["12", "85"].into_iter().enumerate() {
        let lattice = Lattice::new([64, 64], SPACING_MM, AXIAL, CENTER, &even(12, 1.5));
        let part = draft.part(lattice, 200.0 * echo as f64);
        draft.add(
            part,
            Encoding::ExplicitLittle,
            |k| 2 * k + echo + 1,
            |_, set| {
                set.text(tags::ECHO_TIME, VR::DS, time_ms);
                set.integer(tags::ECHO_NUMBERS, echo + 1);
            },
        )?;
    }
    Ok(draft.finish())
}

/// Ten slices at three times; values rise by 100 from time to time.
pub fn four_dimensional(seed: u64) -> Result<Volume, PhantomError> {
    let mut draft = Draft::new(seed, "four-dimensional", "V0000041", Kind::Mr);
    for time in 0..3 {
        let lattice = Lattice::new([64, 64], SPACING_MM, AXIAL, CENTER, &even(10, 1.5));
        let part = draft.part(lattice, 100.0 * time as f64);
        draft.add(
            part,
            Encoding::ExplicitLittle,
            |k| 10 * time + k + 1,
            |_, set| {
                set.integer(tags::TEMPORAL_POSITION_IDENTIFIER, time + 1);
                set.integer(tags::NUMBER_OF_TEMPORAL_POSITIONS, 3);
            },
        )?;
    }
    Ok(draft.finish())
}

/// One enhanced CT of two stacks: 40 axial frames and 24 coronal ones of the same body, in no order.
pub fn enhanced(seed: u64) -> Result<Volume, PhantomError> {
    let draft = Draft::new(seed, "enhanced", "V0000042", Kind::Ct);
    let axial = Lattice::new([64, 64], SPACING_MM, AXIAL, CENTER, &even(40, 1.5));
    let axes = [DVec3::X, DVec3::NEG_Z, DVec3::Y];
    let coronal = Lattice::new([64, 64], SPACING_MM, axes, CENTER, &even(24, 1.6));
    let parts = vec![draft.part(axial, 0.0), draft.part(coronal, 0.0)];
    // 27 and 64 have no common divisor; the first 40 of these frames are the axial ones.
    let order: Vec<[usize; 2]> = (0..64)
        .map(|frame| frame * 27 % 64)
        .map(|at| if at < 40 { [0, at] } else { [1, at - 40] })
        .collect();
    many_frames(draft, parts, &order)
}

/// One enhanced CT of 2600 frames of 20 x 20 pixels, 0.02 mm apart.
pub fn long(seed: u64) -> Result<Volume, PhantomError> {
    narrow(Draft::new(seed, "long", "V0000043", Kind::Ct), LONG_SLICES)
}

/// The same place by 700 frames.
pub fn tall(seed: u64) -> Result<Volume, PhantomError> {
    narrow(Draft::new(seed, "tall", "V0000045", Kind::Ct), 700)
}

/// One enhanced CT of so many frames of 20 x 20 pixels, over 52 mm.
fn narrow(draft: Draft, slices: usize) -> Result<Volume, PhantomError> {
    let gaps = even(slices, 52.0 / slices as f64);
    let lattice = Lattice::new([20, 20], [2.0, 2.5], AXIAL, CENTER, &gaps);
    let order: Vec<[usize; 2]> = (0..slices).map(|slice| [0, slice]).collect();
    let parts = vec![draft.part(lattice, 0.0)];
    many_frames(draft, parts, &order)
}

/// Writes an object of the frames `[part, slice]`; parts have one size, spacing and rescale.
fn many_frames(
    mut draft: Draft,
    mut parts: Vec<Part>,
    order: &[[usize; 2]],
) -> Result<Volume, PhantomError> {
    let first = &parts[0];
    let [columns, rows, _] = first.lattice.size;
    let mut set = draft
        .place
        .dataset(ENHANCED_CT, 1, "ORIGINAL\\PRIMARY\\VOLUME\\NONE");
    let frame_of_reference = draft.place.frame_of_reference_uid();
    set.text(tags::FRAME_OF_REFERENCE_UID, VR::UI, frame_of_reference);
    set.sequence(
        tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
        vec![shared_groups(first)],
    );
    let mut words = Vec::with_capacity(columns * rows * order.len());
    let mut groups = Vec::with_capacity(order.len());
    for [part, slice] in order {
        words.extend(parts[*part].slice_pixels(*slice));
        groups.push(frame_groups(&parts[*part], *part, *slice));
    }
    set.sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, groups);
    let pixels = pixels(first, order.len(), words);
    let file = set.into_file(&pixels, Encoding::ExplicitLittle)?;
    let instance = draft.place.instance_uid(1);
    draft.put(1, file);
    for (index, part) in parts.iter_mut().enumerate() {
        part.frames = (0..part.lattice.size[2])
            .map(|slice| {
                let at = order.iter().position(|frame| *frame == [index, slice]);
                let number = at.map_or(0, |at| at as u32 + 1);
                (instance.clone(), number)
            })
            .collect();
    }
    for part in parts {
        draft.put_part(part);
    }
    Ok(draft.finish())
}

/// Pixel measures, rescale and window of all frames (PS3.3 C.7.6.16.2.1, C.7.6.16.2.9, C.7.6.16.2.10).
fn shared_groups(part: &Part) -> Dataset {
    let [column_spacing, row_spacing] = part.lattice.spacing_mm;
    let mut measures = Dataset::new();
    measures.decimals(tags::PIXEL_SPACING, &[row_spacing, column_spacing]);
    measures.decimals(tags::SLICE_THICKNESS, &[1.0]);
    let mut transformation = Dataset::new();
    transformation.decimals(tags::RESCALE_SLOPE, &[part.rescale[0].slope]);
    transformation.decimals(tags::RESCALE_INTERCEPT, &[part.rescale[0].intercept]);
    transformation.text(tags::RESCALE_TYPE, VR::LO, "HU");
    let mut window = Dataset::new();
    window.text(tags::WINDOW_CENTER, VR::DS, "0");
    window.text(tags::WINDOW_WIDTH, VR::DS, "2400");
    let mut shared = Dataset::new();
    shared.sequence(tags::PIXEL_MEASURES_SEQUENCE, vec![measures]);
    shared.sequence(
        tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
        vec![transformation],
    );
    shared.sequence(tags::FRAME_VOILUT_SEQUENCE, vec![window]);
    shared
}

/// Stack, position and orientation of one frame (PS3.3 C.7.6.16.2.2 to C.7.6.16.2.4).
fn frame_groups(part: &Part, stack: usize, slice: usize) -> Dataset {
    let long = |value: usize| PrimitiveValue::from(value as u32);
    let mut content = Dataset::new();
    content.text(tags::STACK_ID, VR::SH, (stack + 1).to_string());
    content.value(tags::IN_STACK_POSITION_NUMBER, VR::UL, long(slice + 1));
    let mut position = Dataset::new();
    let origin = part.lattice.origins_mm[slice];
    position.decimals(tags::IMAGE_POSITION_PATIENT, &origin);
    let mut orientation = Dataset::new();
    let directions = [part.lattice.row, part.lattice.column].concat();
    orientation.decimals(tags::IMAGE_ORIENTATION_PATIENT, &directions);
    let mut groups = Dataset::new();
    groups.sequence(tags::FRAME_CONTENT_SEQUENCE, vec![content]);
    groups.sequence(tags::PLANE_POSITION_SEQUENCE, vec![position]);
    groups.sequence(tags::PLANE_ORIENTATION_SEQUENCE, vec![orientation]);
    groups
}
