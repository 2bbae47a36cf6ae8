//! A Grayscale Softcopy Presentation State, as far as it is about one frame of one image. Pure.
//!
//! What decides how an image looks and cannot be used is an error: a picture that is not as the state says would mislead. What is
//! drawn over it and cannot be is a note.
//! Source: DICOM PS3.3 A.33.1, C.11.1 (Modality LUT), C.11.4 (Softcopy Presentation LUT), C.11.8 (Softcopy VOI LUT), C.10.4, C.10.6,
//! C.7.6.11 (Display Shutter), C.11.11 (Presentation State Relationship); PS3.4 N.2 (the order in which they are applied).

use protocol::dicomweb::json::{Dataset, Tag};
use viewer_core::model::bulk::{Table, TableSource};
use viewer_core::model::{BulkAnswer, GreyScale, Instance, tags};
use viewer_core::pixel::{Lut, ModalityLut, Presentation, Shutter, VoiLut};

use super::area::{DisplayedArea, SizeMode, SpatialTransformation};
use super::marks::{Mark, marks};

/// Grayscale Softcopy Presentation State Storage.
const GRAYSCALE: &str = "1.2.840.10008.5.1.4.1.1.11.1";
/// What the SOP classes of all presentation states begin with.
const ALL: &str = "1.2.840.10008.5.1.4.1.1.11.";

const REFERENCED_SERIES_SEQUENCE: Tag = 0x0008_1115;
const REFERENCED_IMAGE_SEQUENCE: Tag = 0x0008_1140;
const REFERENCED_SOP_INSTANCE_UID: Tag = 0x0008_1155;
const REFERENCED_FRAME_NUMBER: Tag = 0x0008_1160;
const SOFTCOPY_VOI_LUT_SEQUENCE: Tag = 0x0028_3110;
const MASK_SUBTRACTION_SEQUENCE: Tag = 0x0028_6100;
const IMAGE_HORIZONTAL_FLIP: Tag = 0x0070_0041;
const IMAGE_ROTATION: Tag = 0x0070_0042;
const DISPLAYED_AREA_TOP_LEFT_HAND_CORNER: Tag = 0x0070_0052;
const DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER: Tag = 0x0070_0053;
const DISPLAYED_AREA_SELECTION_SEQUENCE: Tag = 0x0070_005A;
const PRESENTATION_SIZE_MODE: Tag = 0x0070_0100;
const PRESENTATION_PIXEL_SPACING: Tag = 0x0070_0101;
const PRESENTATION_PIXEL_ASPECT_RATIO: Tag = 0x0070_0102;
const PRESENTATION_PIXEL_MAGNIFICATION_RATIO: Tag = 0x0070_0103;
/// Overlay Activation Layer in the first overlay group.
const OVERLAY_ACTIVATION_LAYER: Tag = 0x6000_1001;

/// Farthest corner of a displayed area, in pixels.
const FARTHEST_CORNER: f64 = 131_072.0;
/// Largest magnification.
const MOST_MAGNIFICATION: f64 = 64.0;

/// Why a state cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// It does not say what it has to, or says what cannot be.
    #[error("the {what} of the presentation state cannot be used")]
    Unusable {
        /// Name of the attribute or module.
        what: &'static str,
    },
    /// It subtracts frames from each other.
    #[error("the presentation state subtracts a mask, which is not done here")]
    Mask,
}

/// What a state is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Grayscale Softcopy Presentation State.
    Grayscale,
    /// For colours, blending, volumes and the like.
    Other,
}

/// What kind of presentation state a data set is; `None` for anything else.
pub fn kind(set: &Dataset) -> Option<Kind> {
    let class = set.text(tags::SOP_CLASS_UID)?;
    match class.as_str() {
        GRAYSCALE => Some(Kind::Grayscale),
        class => class.starts_with(ALL).then_some(Kind::Other),
    }
}

/// An image that a state is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Series Instance UID.
    pub series: String,
    /// SOP Instance UID.
    pub instance: String,
    /// Numbers of its frames from 1; none for all of them.
    pub frames: Vec<u32>,
}

/// All images that a state is for, in its order.
pub fn references(set: &Dataset) -> Vec<Reference> {
    let mut found = Vec::new();
    for series in set.items(REFERENCED_SERIES_SEQUENCE) {
        let Some(uid) = series.text(tags::SERIES_INSTANCE_UID) else {
            continue;
        };
        let images = series.items(REFERENCED_IMAGE_SEQUENCE);
        found.extend(images.iter().filter_map(|image| {
            Some(Reference {
                series: uid.clone(),
                instance: image.text(REFERENCED_SOP_INSTANCE_UID)?,
                frames: frames(image),
            })
        }));
    }
    found
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be within the range in the same expression"
)]
fn frames(image: &Dataset) -> Vec<u32> {
    let numbers = image.numbers(REFERENCED_FRAME_NUMBER).unwrap_or_default();
    let numbers = numbers.into_iter();
    let valid = numbers.filter(|number| (1.0..=f64::from(u32::MAX)).contains(number));
    valid.map(|number| number as u32).collect()
}

/// The frame that is shown, and what of its image the state has to know.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// SOP Instance UID of the image.
    pub instance: &'a str,
    /// Number of the frame, from 1.
    pub number: u32,
    /// Its stored values have a sign.
    pub is_signed: bool,
}

impl Shown<'_> {
    /// Whether an item is for this frame: one that names no images is for all of them.
    fn is_in(&self, item: &Dataset) -> bool {
        let images = item.items(REFERENCED_IMAGE_SEQUENCE);
        let is_it = |image: &Dataset| {
            let frames = frames(image);
            image.text(REFERENCED_SOP_INSTANCE_UID).as_deref() == Some(self.instance)
                && (frames.is_empty() || frames.contains(&self.number))
        };
        images.is_empty() || images.iter().any(is_it)
    }

    fn item(&self, set: &Dataset, sequence: Tag) -> Option<Dataset> {
        let mut items = set.items(sequence).into_iter();
        items.find(|item| self.is_in(item))
    }
}

/// How one frame is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct PresentationState {
    /// Stored values to modality values: the state's own, never the image's.
    pub modality: ModalityLut,
    /// Modality values to grey; `None` where the whole range is shown.
    pub voi: Option<VoiLut>,
    /// Grey to P-Values. It says all about polarity: MONOCHROME1 of the image does not count beside it.
    pub presentation: Presentation,
    /// How the image is turned.
    pub transformation: SpatialTransformation,
    /// Which part is displayed; `None` where it does not say so.
    pub area: Option<DisplayedArea>,
    /// What is covered.
    pub shutter: Option<Shutter>,
    /// What is drawn over it, in this order.
    pub marks: Vec<Mark>,
    /// What is not as the state says, in words without any of its text.
    pub notes: Vec<String>,
}

impl PresentationState {
    /// Reads what is for one frame. `value` gives values that the data set leaves out, by their tag paths.
    ///
    /// # Errors
    /// See [`StateError`].
    pub fn of(
        set: &Dataset,
        shown: &Shown,
        value: &dyn Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<Self, StateError> {
        if !set.items(MASK_SUBTRACTION_SEQUENCE).is_empty() {
            return Err(StateError::Mask);
        }
        let mut notes = Vec::new();
        let modality = modality(set, shown, value)?;
        let state = Self {
            voi: voi(set, shown, &modality, value)?,
            modality,
            presentation: presentation(set, value, &mut notes)?,
            transformation: transformation(set)?,
            area: area(set, shown, &mut notes)?,
            shutter: shutter(set, &mut notes),
            marks: marks(set, &|item| shown.is_in(item), &mut notes),
            notes: Vec::new(),
        };
        let mut groups = (0..16).map(|group: Tag| OVERLAY_ACTIVATION_LAYER + (group << 17));
        if groups.any(|tag| set.text(tag).is_some()) {
            notes.push("the overlays of the presentation state are not drawn".to_owned());
        }
        Ok(Self { notes, ..state })
    }
}

fn unusable(what: &'static str) -> StateError {
    StateError::Unusable { what }
}

/// The table in the one item of a sequence; `None` where there is no item.
fn table(
    set: &Dataset,
    sequence: Tag,
    input_is_signed: bool,
    value: &dyn Fn(&str) -> Option<Vec<u8>>,
    what: &'static str,
) -> Result<Option<Lut>, StateError> {
    let Some(item) = set.items(sequence).into_iter().next() else {
        return Ok(None);
    };
    let descriptor = item.numbers(tags::LUT_DESCRIPTOR).unwrap_or_default();
    let is_negative = descriptor.get(1).is_some_and(|first| *first < 0.0);
    let source = TableSource::of(
        &item,
        tags::LUT_DESCRIPTOR,
        tags::LUT_DATA,
        input_is_signed || is_negative,
    );
    let mut source = source.ok_or(unusable(what))?;
    if let Some(path) = source.data.address().map(str::to_owned) {
        let bytes = value(&path).ok_or(unusable(what))?;
        let answer: BulkAnswer = Ok(bytes.into());
        source.data.supply(&path, &answer);
    }
    match source.table() {
        Table::Ready(lut) => Ok(Some(lut)),
        Table::Awaited | Table::Broken(_) => Err(unusable(what)),
    }
}

/// PS3.3 C.11.1: without the module stored values are modality values.
fn modality(
    set: &Dataset,
    shown: &Shown,
    value: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<ModalityLut, StateError> {
    let sequence = tags::MODALITY_LUT_SEQUENCE;
    if let Some(lut) = table(set, sequence, shown.is_signed, value, "Modality LUT")? {
        return Ok(ModalityLut::Table(lut));
    }
    match [tags::RESCALE_SLOPE, tags::RESCALE_INTERCEPT].map(|tag| set.number(tag)) {
        [Some(slope), Some(intercept)] if slope != 0.0 => {
            Ok(ModalityLut::Rescale { slope, intercept })
        }
        _ if set.has(tags::RESCALE_SLOPE) || set.has(tags::RESCALE_INTERCEPT) => {
            Err(unusable("rescale"))
        }
        _ => Ok(ModalityLut::IDENTITY),
    }
}

/// PS3.3 C.11.8: the item that is for the frame has a table or a window.
fn voi(
    set: &Dataset,
    shown: &Shown,
    modality: &ModalityLut,
    value: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<Option<VoiLut>, StateError> {
    let Some(item) = shown.item(set, SOFTCOPY_VOI_LUT_SEQUENCE) else {
        return Ok(None);
    };
    // Modality values of a table are never negative.
    let is_signed = match modality {
        ModalityLut::Rescale { slope, intercept } => {
            shown.is_signed || *slope < 0.0 || *intercept < 0.0
        }
        _ => false,
    };
    let sequence = tags::VOI_LUT_SEQUENCE;
    if let Some(lut) = table(&item, sequence, is_signed, value, "VOI LUT")? {
        return Ok(Some(VoiLut::Table(lut)));
    }
    let grey = GreyScale::of(&item);
    let window = grey.voi.into_iter().next();
    match window {
        Some(window) if grey.notes.is_empty() => Ok(Some(window.voi)),
        _ => Err(unusable("window")),
    }
}

/// PS3.3 C.11.4 and C.11.6.
fn presentation(
    set: &Dataset,
    value: &dyn Fn(&str) -> Option<Vec<u8>>,
    notes: &mut Vec<String>,
) -> Result<Presentation, StateError> {
    let sequence = tags::PRESENTATION_LUT_SEQUENCE;
    if let Some(lut) = table(set, sequence, false, value, "Presentation LUT")? {
        return Ok(Presentation::Table(lut));
    }
    match set.text(tags::PRESENTATION_LUT_SHAPE).as_deref() {
        Some("IDENTITY") => Ok(Presentation::Identity),
        Some("INVERSE") => Ok(Presentation::Inverse),
        Some(_) => Err(unusable("Presentation LUT Shape")),
        None => {
            notes.push("the presentation state has no Presentation LUT, IDENTITY is taken".into());
            Ok(Presentation::Identity)
        }
    }
}

/// PS3.3 C.10.6.
fn transformation(set: &Dataset) -> Result<SpatialTransformation, StateError> {
    let turn = match set.whole(IMAGE_ROTATION) {
        None if set.has(IMAGE_ROTATION) => return Err(unusable("Image Rotation")),
        turn => turn.unwrap_or(0) % 360,
    };
    let quarter_turns = match turn {
        0 => 0,
        90 => 1,
        180 => 2,
        270 => 3,
        _ => return Err(unusable("Image Rotation")),
    };
    let is_flipped = match set.text(IMAGE_HORIZONTAL_FLIP).as_deref() {
        Some("Y") => true,
        Some("N") | None => false,
        Some(_) => return Err(unusable("Image Horizontal Flip")),
    };
    Ok(SpatialTransformation {
        quarter_turns,
        is_flipped,
    })
}

/// PS3.3 C.10.4: corners as they are seen, so that in the image either may be the lower one.
fn area(
    set: &Dataset,
    shown: &Shown,
    notes: &mut Vec<String>,
) -> Result<Option<DisplayedArea>, StateError> {
    let Some(item) = shown.item(set, DISPLAYED_AREA_SELECTION_SEQUENCE) else {
        notes.push("the presentation state has no displayed area, all of the image is".into());
        return Ok(None);
    };
    let bad = || unusable("displayed area");
    let corner = |tag| {
        let corner = item.array::<2>(tag).ok_or_else(bad)?;
        let is_near = corner.iter().all(|at| at.abs() <= FARTHEST_CORNER);
        is_near.then_some(corner).ok_or_else(bad)
    };
    let first = corner(DISPLAYED_AREA_TOP_LEFT_HAND_CORNER)?;
    let last = corner(DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER)?;
    // Pixel 1\1 is the first one, and both corners are displayed.
    let start = [0, 1].map(|axis: usize| first[axis].min(last[axis]) - 1.0);
    let size = [0, 1].map(|axis: usize| (first[axis] - last[axis]).abs() + 1.0);
    let spacing = item.array::<2>(PRESENTATION_PIXEL_SPACING);
    let ratio = item.array::<2>(PRESENTATION_PIXEL_ASPECT_RATIO);
    // Between rows \ between columns, and vertical \ horizontal.
    let shape = spacing.or(ratio).map(|[high, wide]| wide / high);
    if shape.is_some_and(|shape| !(0.01..=100.0).contains(&shape)) {
        return Err(unusable("pixel shape"));
    }
    let mode = match item.text(PRESENTATION_SIZE_MODE).as_deref() {
        Some("MAGNIFY") => {
            let ratio = item.number(PRESENTATION_PIXEL_MAGNIFICATION_RATIO);
            let ratio = ratio.filter(|ratio| *ratio > 0.0 && *ratio <= MOST_MAGNIFICATION);
            SizeMode::Magnify(ratio.ok_or(unusable("magnification"))?)
        }
        Some("TRUE SIZE") => {
            notes.push("TRUE SIZE cannot be kept, the screen is not known".to_owned());
            SizeMode::ScaleToFit
        }
        _ => SizeMode::ScaleToFit,
    };
    Ok(Some(DisplayedArea {
        start,
        size,
        pixel_width_over_height: shape,
        mode,
    }))
}

/// PS3.3 C.7.6.11; the bitmap shutter of C.7.6.15 is not drawn.
fn shutter(set: &Dataset, notes: &mut Vec<String>) -> Option<Shutter> {
    let wanted = set.texts(tags::SHUTTER_SHAPE);
    let shutter = Instance::from_dataset(set).and_then(|instance| instance.shutter);
    let drawn = shutter.as_ref().map_or(0, |shutter| shutter.shapes.len());
    if drawn < wanted.len() {
        let message = match wanted.iter().any(|shape| shape == "BITMAP") {
            true => "the bitmap shutter of the presentation state is not drawn",
            false => "a shutter of the presentation state is not valid and not drawn",
        };
        notes.push(message.to_owned());
    }
    shutter
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
