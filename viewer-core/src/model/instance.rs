//! One instance: what its data set says about its pixels, its grey scale and its place in the patient.
//!
//! Source: DICOM PS3.3 C.7.6.3 (Image Pixel), C.7.6.2 (Image Plane), C.11.6 (Presentation LUT).

use super::acquisition::Acquisition;
use super::bulk::{BulkValue, Table, TableSource};
use super::color_tables::PaletteSource;
use super::graphics::{self, OverlayPlane};
use super::grey_scale::GreyScale;
use super::mosaic::Mosaic;
use super::suv::{Inputs, NoSuv, Suv, SuvKind};
use super::ultrasound::{self, UltrasoundRegion};
use super::{BulkAnswer, Cine, functional_groups, tags};
use crate::geometry::ImagePlane;
use crate::pixel::{PaddingRange, Photometric, PixelFormat, Presentation, Shutter};
use crate::video;
use protocol::dicomweb::json::Dataset;

/// Video Endoscopic, Video Microscopic and Video Photographic Image Storage.
const VIDEO_CLASSES: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.77.1.1.1",
    "1.2.840.10008.5.1.4.1.1.77.1.2.1",
    "1.2.840.10008.5.1.4.1.1.77.1.4.1",
];

/// Positron Emission Tomography Image Storage.
const PET_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.128";

/// The unit of modality values, `""` when unknown.
pub type Unit = String;

/// Why an instance shows no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPixels {
    /// Reports, presentation states and the like.
    #[error("this object holds no images")]
    NotAnImage,
    /// An attribute without which no pixel can be placed.
    #[error("the image does not say its {attribute}")]
    Missing {
        /// Keyword of the attribute, in words.
        attribute: &'static str,
    },
    /// A Photometric Interpretation that PS3.3 does not define or that is not supported.
    #[error("the photometric interpretation is not supported")]
    Photometric,
}

/// What may differ from frame to frame of one instance.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameAttributes {
    /// Image Position (Patient), mm in LPS.
    pub position_mm: Option<[f64; 3]>,
    /// Image Orientation (Patient): direction of a row, then of a column.
    pub orientation: Option<[f64; 6]>,
    /// Pixel Spacing: between rows, between columns, in mm of the patient.
    pub pixel_spacing_mm: Option<[f64; 2]>,
    /// Slice Thickness in mm.
    pub slice_thickness_mm: Option<f64>,
    /// What tells it from other frames at its place.
    pub acquisition: Acquisition,
    /// The steps from stored values to grey.
    pub grey: GreyScale,
}

impl FrameAttributes {
    /// True where the frame holds many slices side by side.
    pub fn is_mosaic(&self) -> bool {
        let mut image_type = self.acquisition.image_type.iter();
        image_type.any(|value| value == "MOSAIC")
    }

    /// The plane of the frame, where position, orientation and spacing are all there and sound. A mosaic has none: its
    /// position is that of no pixel.
    pub fn plane(&self) -> Option<ImagePlane> {
        if self.is_mosaic() {
            return None;
        }
        ImagePlane::new(self.position_mm?, self.orientation?, self.pixel_spacing_mm?).ok()
    }
}

/// One SOP instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// SOP Instance UID.
    pub uid: String,
    /// SOP Class UID.
    pub sop_class: String,
    /// Instance Number.
    pub number: Option<i64>,
    /// Transfer Syntax UID as far as the server says it.
    pub transfer_syntax: Option<String>,
    /// Shape of its pixels, or why there are none.
    pub format: Result<PixelFormat, NoPixels>,
    /// Number of Frames, 1 for single-frame images.
    pub frame_count: u32,
    /// Low values bright or dark.
    pub presentation: Presentation,
    /// Stored values that are no image.
    pub padding: Option<PaddingRange>,
    /// Pixel Aspect Ratio as vertical over horizontal, where no spacing is known.
    pub pixel_aspect: Option<f64>,
    /// Spacing at the detector (0018,1164): not the patient's, told apart on screen.
    pub imager_spacing_mm: Option<[f64; 2]>,
    /// Patient Orientation (0020,0020): direction of rows and columns of a projection.
    pub patient_orientation: Option<[String; 2]>,
    /// Image Laterality or Laterality: `R`, `L`, `U`, `B`.
    pub laterality: Option<String>,
    /// Frame of Reference UID.
    pub frame_of_reference: Option<String>,
    /// Lossy Image Compression (0028,2110) is 01; the ratio where it is said.
    pub lossy: Option<Option<f64>>,
    /// When which frame is on screen.
    pub cine: Cine,
    /// Representative Frame Number (0028,6010), from 0.
    pub representative_frame: Option<u32>,
    /// Smallest and Largest Image Pixel Value, where the first is below the second.
    pub stored_range: Option<[f64; 2]>,
    /// Colours of stored values.
    pub palette: Option<PaletteSource>,
    /// Overlay planes.
    pub overlays: Vec<OverlayPlane>,
    /// The display shutter.
    pub shutter: Option<Shutter>,
    /// Ultrasound regions.
    pub regions: Vec<UltrasoundRegion>,
    /// ICC Profile (0028,2000) of a colour image.
    pub icc_profile: Option<BulkValue>,
    /// What was ignored of the data set, and why.
    pub notes: Vec<String>,
    /// Gantry/Detector Tilt in degrees, where it is not 0.
    pub gantry_tilt_degrees: Option<f64>,
    /// What is said of the slices of a mosaic.
    pub mosaic: Option<Mosaic>,
    /// How its values become standardized uptake values, or why they do not; `None` where it is no PET image.
    pub suv: Option<Result<Suv, NoSuv>>,
    /// Attributes of all frames: one entry where they share them, else one a frame.
    attributes: Vec<FrameAttributes>,
}

impl Instance {
    /// Reads one data set of series metadata; `None` without a SOP Instance UID.
    pub fn from_dataset(set: &Dataset) -> Option<Self> {
        let uid = set.text(tags::SOP_INSTANCE_UID)?;
        let format = pixel_format(set);
        let pixels = format.as_ref().ok();
        let mut notes: Vec<String> = (pixels.iter())
            .flat_map(|format| ignored_numbers(set, format))
            .collect();
        let frame_count = set.whole(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1);
        let shared = attributes_of(set);
        let attributes = functional_groups::per_frame(set, &shared, frame_count);
        Some(Self {
            uid,
            sop_class: set.text(tags::SOP_CLASS_UID).unwrap_or_default(),
            number: set.integer(tags::INSTANCE_NUMBER),
            transfer_syntax: set.text(tags::AVAILABLE_TRANSFER_SYNTAX_UID),
            presentation: presentation(set, pixels, &mut notes),
            padding: padding(set, pixels),
            stored_range: stored_range(set, pixels, &mut notes),
            palette: pixels.and_then(|format| PaletteSource::of(set, format)),
            overlays: graphics::overlays(set, &mut notes),
            shutter: graphics::shutter(set, &mut notes),
            regions: pixels.map_or_else(Vec::new, |format| {
                ultrasound::regions(set, [format.columns, format.rows], &mut notes)
            }),
            icc_profile: pixels
                .filter(|format| !format.photometric.is_grey())
                .and_then(|_| BulkValue::of(set, tags::ICC_PROFILE)),
            cine: Cine::of(set, frame_count, &mut notes),
            representative_frame: set
                .whole(tags::REPRESENTATIVE_FRAME_NUMBER)
                .filter(|frame| (1..=frame_count).contains(frame))
                .map(|frame| frame - 1),
            format,
            frame_count,
            pixel_aspect: pixel_aspect(set),
            imager_spacing_mm: positive_pair(set, tags::IMAGER_PIXEL_SPACING),
            patient_orientation: patient_orientation(set),
            laterality: set
                .text(tags::IMAGE_LATERALITY)
                .or_else(|| set.text(tags::LATERALITY)),
            frame_of_reference: set.text(tags::FRAME_OF_REFERENCE_UID),
            lossy: (set.text(tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some("01"))
                .then(|| set.number(tags::LOSSY_IMAGE_COMPRESSION_RATIO)),
            gantry_tilt_degrees: set
                .number(tags::GANTRY_DETECTOR_TILT)
                .filter(|tilt| tilt.abs() > 0.01),
            mosaic: Mosaic::of(set),
            suv: (set.text(tags::SOP_CLASS_UID).as_deref() == Some(PET_IMAGE))
                .then(|| Suv::new(&Inputs::of(set))),
            attributes,
            notes,
        })
    }

    /// True where all frames are one video that a browser may decode. A server that does not say the transfer syntax is
    /// believed to have one where the SOP class is that of videos alone (PS3.4 B.5).
    pub fn is_video(&self) -> bool {
        match &self.transfer_syntax {
            Some(syntax) => video::is_video(syntax),
            None => VIDEO_CLASSES.contains(&self.sop_class.as_str()),
        }
    }

    /// Addresses of values that a frame needs, each with whether nothing can be drawn without it. Overlays and
    /// windows come after the picture.
    pub fn awaited(&self, frame_index: u32) -> Vec<(String, bool)> {
        let palette = self.palette.iter().flat_map(PaletteSource::awaited);
        let overlays = self
            .overlays
            .iter()
            .filter_map(|plane| match &plane.source {
                graphics::OverlaySource::Data(data) => data.address(),
                graphics::OverlaySource::PixelBit(_) => None,
            });
        let profile = self.icc_profile.iter().filter_map(BulkValue::address);
        let own = self.frame(frame_index).grey.awaited();
        palette
            .map(|address| (address, true))
            .chain(own)
            .chain(profile.chain(overlays).map(|address| (address, false)))
            .map(|(address, first)| (address.to_owned(), first))
            .collect()
    }

    /// Takes a value that came from an address, or why it did not come.
    pub fn supply(&mut self, address: &str, answer: &BulkAnswer) {
        for attributes in &mut self.attributes {
            attributes.grey.supply(address, answer);
        }
        if let Some(palette) = &mut self.palette {
            palette.supply(address, answer);
        }
        if let Some(profile) = &mut self.icc_profile {
            profile.supply(address, answer);
        }
        for plane in &mut self.overlays {
            if let graphics::OverlaySource::Data(data) = &mut plane.source {
                data.supply(address, answer);
            }
        }
    }

    /// What was ignored of the data set and of a frame's own attributes, in words.
    pub fn notes(&self, frame_index: u32) -> impl Iterator<Item = String> {
        let video = self.is_video().then(|| video::VIDEO_NOTE.to_owned());
        let palette = self.palette.as_ref().and_then(PaletteSource::broken);
        let palette = palette.map(|reason| format!("the palette is ignored: {reason}"));
        let own = self.frame(frame_index).grey.notes.iter();
        let read = self.notes.iter().chain(own).cloned();
        let suv = self.suv.as_ref().and_then(|suv| suv.as_ref().err());
        let suv = suv.map(|reason| format!("SUV is not shown: {reason}"));
        video.into_iter().chain(read).chain(palette).chain(suv)
    }

    /// The kind of uptake value that its values are shown as, and what they are multiplied by.
    pub fn uptake(&self) -> Option<(SuvKind, f64)> {
        Some(self.suv.as_ref()?.as_ref().ok()?.first)
    }

    /// What holds for one frame, `frame_index` from 0.
    pub fn frame(&self, frame_index: u32) -> &FrameAttributes {
        let index = usize::try_from(frame_index).unwrap_or(usize::MAX);
        // `from_dataset` makes at least one entry, so the index 0 is there.
        self.attributes.get(index).unwrap_or(&self.attributes[0])
    }

    /// Width over height of one pixel on screen: 1 where the file says nothing.
    pub fn pixel_width_over_height(&self, frame_index: u32) -> f64 {
        let spacing = self
            .frame(frame_index)
            .pixel_spacing_mm
            .or(self.imager_spacing_mm);
        match (spacing, self.pixel_aspect) {
            (Some([row_mm, column_mm]), _) => column_mm / row_mm,
            (None, Some(aspect)) => 1.0 / aspect,
            (None, None) => 1.0,
        }
    }
}

/// Reads what stands at the top level of a data set, or in one functional group's item.
pub(super) fn attributes_of(set: &Dataset) -> FrameAttributes {
    FrameAttributes {
        position_mm: set.array(tags::IMAGE_POSITION_PATIENT),
        orientation: set.array(tags::IMAGE_ORIENTATION_PATIENT),
        pixel_spacing_mm: positive_pair(set, tags::PIXEL_SPACING),
        slice_thickness_mm: set.number(tags::SLICE_THICKNESS).filter(|mm| *mm > 0.0),
        acquisition: Acquisition::of(set),
        grey: GreyScale::of(set),
    }
}

/// Last step to the screen. Presentation LUT Shape says the same as the photometric interpretation, in images
/// that are right; where it does not, the last step of the chain is what holds.
fn presentation(
    set: &Dataset,
    format: Option<&PixelFormat>,
    notes: &mut Vec<String>,
) -> Presentation {
    let is_dark_high = format.is_some_and(|f| f.photometric == Photometric::Monochrome1);
    let items = set.items(tags::PRESENTATION_LUT_SEQUENCE);
    let table = items
        .first()
        .and_then(|item| TableSource::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, false));
    match table.as_ref().map(TableSource::table) {
        Some(Table::Ready(lut)) => return Presentation::Table(lut),
        None if items.is_empty() => {}
        _ => notes.push("a presentation LUT is ignored".into()),
    }
    let shape = set.text(tags::PRESENTATION_LUT_SHAPE);
    let is_inverse = match shape.as_deref() {
        Some("INVERSE") => true,
        Some("IDENTITY") => false,
        _ => is_dark_high,
    };
    if is_inverse != is_dark_high && format.is_some_and(|f| f.photometric.is_grey()) {
        notes.push("presentation LUT shape and photometric interpretation contradict".into());
    }
    if is_inverse {
        Presentation::Inverse
    } else {
        Presentation::Identity
    }
}

/// Smallest and Largest Image Pixel Value. Where they cannot be what Pixel Representation says, the pixels were
/// perhaps written with the other sign: that is said, not guessed.
fn stored_range(
    set: &Dataset,
    format: Option<&PixelFormat>,
    notes: &mut Vec<String>,
) -> Option<[f64; 2]> {
    let format = format.filter(|format| format.samples_per_pixel == 1)?;
    let smallest = set.number(tags::SMALLEST_IMAGE_PIXEL_VALUE)?;
    let largest = set.number(tags::LARGEST_IMAGE_PIXEL_VALUE)?;
    let half = 2f64.powi(i32::from(format.bits_stored) - 1);
    let contradicts = if format.signed {
        largest >= half
    } else {
        smallest < 0.0
    };
    if contradicts {
        notes.push(
            "pixel representation and smallest or largest pixel value contradict; the sign is taken from the former"
                .into(),
        );
        return None;
    }
    (smallest < largest).then_some([smallest, largest])
}

fn pixel_format(set: &Dataset) -> Result<PixelFormat, NoPixels> {
    let (rows, columns) = match (set.whole(tags::ROWS), set.whole(tags::COLUMNS)) {
        (Some(rows), Some(columns)) if rows > 0 && columns > 0 => (rows, columns),
        (None, None) => return Err(NoPixels::NotAnImage),
        _ => {
            return Err(NoPixels::Missing {
                attribute: "rows and columns",
            });
        }
    };
    let small = |tag| set.whole(tag).and_then(|value| u16::try_from(value).ok());
    let bits_allocated =
        small(tags::BITS_ALLOCATED)
            .filter(|bits| *bits > 0)
            .ok_or(NoPixels::Missing {
                attribute: "bits allocated",
            })?;
    let bits_stored = small(tags::BITS_STORED)
        .filter(|bits| (1..=bits_allocated).contains(bits))
        .unwrap_or(bits_allocated);
    let samples_per_pixel = small(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
    let photometric = match set.text(tags::PHOTOMETRIC_INTERPRETATION) {
        Some(code) => Photometric::parse(&code).ok_or(NoPixels::Photometric)?,
        None if samples_per_pixel == 1 => Photometric::Monochrome2,
        None => {
            return Err(NoPixels::Missing {
                attribute: "photometric interpretation",
            });
        }
    };
    Ok(PixelFormat {
        rows,
        columns,
        samples_per_pixel,
        bits_allocated,
        bits_stored,
        high_bit: small(tags::HIGH_BIT)
            .filter(|bit| *bit < bits_allocated && bit + 1 >= bits_stored)
            .unwrap_or(bits_stored - 1),
        signed: set.whole(tags::PIXEL_REPRESENTATION) == Some(1),
        float: [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA]
            .iter()
            .any(|tag| set.bulk_data_uri(*tag).is_some()),
        planar: set.whole(tags::PLANAR_CONFIGURATION) == Some(1),
        photometric,
    })
}

/// What of an image's numbers is there and cannot be used, as 0 or no number: what holds without it is drawn.
fn ignored_numbers(set: &Dataset, format: &PixelFormat) -> impl Iterator<Item = String> {
    let bits = |tag, used: u16| set.whole(tag) == Some(u32::from(used));
    let is_padded = format.photometric.is_grey();
    [
        (
            "the number of frames",
            tags::NUMBER_OF_FRAMES,
            set.whole(tags::NUMBER_OF_FRAMES)
                .is_some_and(|count| count > 0),
        ),
        (
            "bits stored",
            tags::BITS_STORED,
            bits(tags::BITS_STORED, format.bits_stored),
        ),
        (
            "the high bit",
            tags::HIGH_BIT,
            bits(tags::HIGH_BIT, format.high_bit),
        ),
        (
            "the pixel aspect ratio",
            tags::PIXEL_ASPECT_RATIO,
            pixel_aspect(set).is_some(),
        ),
        (
            "the pixel spacing",
            tags::PIXEL_SPACING,
            positive_pair(set, tags::PIXEL_SPACING).is_some(),
        ),
        (
            "the imager pixel spacing",
            tags::IMAGER_PIXEL_SPACING,
            positive_pair(set, tags::IMAGER_PIXEL_SPACING).is_some(),
        ),
        (
            "the pixel padding value",
            tags::PIXEL_PADDING_VALUE,
            !is_padded || padding(set, Some(format)).is_some(),
        ),
        (
            "the pixel padding range limit",
            tags::PIXEL_PADDING_RANGE_LIMIT,
            !is_padded || set.number(tags::PIXEL_PADDING_RANGE_LIMIT).is_some(),
        ),
    ]
    .into_iter()
    .filter(|(_, tag, is_used)| set.has(*tag) && !is_used)
    .map(|(name, ..)| format!("{name} cannot be what the file says and is ignored"))
}

/// Pixel Padding Value, PS3.3 C.7.5.1.1.2. A value that was written unsigned into a signed image
/// (and the reverse) is read with the pixels' own sign.
fn padding(set: &Dataset, format: Option<&PixelFormat>) -> Option<PaddingRange> {
    let format = format.filter(|format| format.photometric.is_grey())?;
    let modulus = 2f64.powi(i32::from(format.bits_allocated));
    let as_stored = |value: f64| match (format.signed, value) {
        (true, value) if value >= modulus / 2.0 => value - modulus,
        (false, value) if value < 0.0 => value + modulus,
        (_, value) => value,
    };
    let value = as_stored(set.number(tags::PIXEL_PADDING_VALUE)?);
    let limit = set
        .number(tags::PIXEL_PADDING_RANGE_LIMIT)
        .map_or(value, as_stored);
    Some(PaddingRange::new(value, limit))
}

fn positive_pair(set: &Dataset, tag: u32) -> Option<[f64; 2]> {
    set.array::<2>(tag)
        .filter(|pair| pair.iter().all(|mm| *mm > 0.0))
}

/// Pixel Aspect Ratio, PS3.3 C.7.6.3.1.7: vertical size \ horizontal size.
fn pixel_aspect(set: &Dataset) -> Option<f64> {
    let [vertical, horizontal] = positive_pair(set, tags::PIXEL_ASPECT_RATIO)?;
    Some(vertical / horizontal)
}

fn patient_orientation(set: &Dataset) -> Option<[String; 2]> {
    let values: [String; 2] = set.texts(tags::PATIENT_ORIENTATION).try_into().ok()?;
    values
        .iter()
        .all(|value| !value.is_empty())
        .then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixel::{VoiLut, Window};
    use protocol::dicomweb::json;

    fn read(attributes: &str) -> Instance {
        let text = format!(
            r#"[{{"00080018":{{"vr":"UI","Value":["1.2"]}},"00280010":{{"vr":"US","Value":[4]}},
            "00280011":{{"vr":"US","Value":[6]}},"00280100":{{"vr":"US","Value":[16]}},
            "00280101":{{"vr":"US","Value":[12]}}{attributes}}}]"#
        );
        Instance::from_dataset(&json::parse(&text).unwrap()[0]).unwrap()
    }

    #[test]
    fn a_missing_spacing_stays_missing() {
        let instance = read("");
        assert_eq!(instance.frame(0).pixel_spacing_mm, None);
        assert_eq!(instance.frame(0).plane(), None);
    }

    #[test]
    fn several_windows_keep_their_order_and_names() {
        let instance = read(
            r#","00281050":{"vr":"DS","Value":[40,"-600"]},"00281051":{"vr":"DS","Value":[400,1500]},
            "00281055":{"vr":"LO","Value":["SOFT","LUNG"]}"#,
        );
        let voi = &instance.frame(0).grey.voi;
        assert_eq!(voi[1].name, "LUNG");
        let window = Window {
            center: -600.0,
            width: 1500.0,
        };
        assert_eq!(voi[1].voi, VoiLut::Linear(window));
    }

    #[test]
    fn padding_written_unsigned_is_read_with_the_pixels_sign() {
        let instance =
            read(r#","00280103":{"vr":"US","Value":[1]},"00280120":{"vr":"US","Value":[63536]}"#);
        assert_eq!(instance.padding, Some(PaddingRange::new(-2000.0, -2000.0)));
    }

    /// Rescale Slope and Intercept are required together (C.11.1): half of them leaves the unit unknown.
    #[test]
    fn half_a_rescale_is_applied_and_said() {
        for (value, missing) in [("00281053", "intercept"), ("00281052", "slope")] {
            let instance = read(&format!(
                r#","00281054":{{"vr":"LO","Value":["HU"]}},"{value}":{{"vr":"DS","Value":[2]}}"#
            ));
            let grey = &instance.frame(0).grey;
            let half = |note: &String| note.contains("without") && note.contains(missing);
            assert!(grey.notes.iter().any(half), "{:?}", grey.notes);
            assert_eq!(grey.unit, "");
        }
    }

    #[test]
    fn a_number_of_frames_that_is_none_is_said() {
        for (value, count) in [(r#""many""#, 1), ("0", 1), ("3", 0)] {
            let instance = read(&format!(r#","00280008":{{"vr":"IS","Value":[{value}]}}"#));
            let about = |note: &String| note.contains("number of frames");
            assert_eq!(instance.notes(0).filter(about).count(), count, "{value}");
        }
    }

    #[test]
    fn an_object_without_rows_and_columns_is_no_image() {
        let set = json::parse(r#"[{"00080018":{"Value":["1.2"]}}]"#).unwrap();
        let instance = Instance::from_dataset(&set[0]).unwrap();
        assert_eq!(instance.format, Err(NoPixels::NotAnImage));
    }

    #[test]
    fn ct_without_rescale_type_is_in_hounsfield_units() {
        let instance = read(
            r#","00080016":{"Value":["1.2.840.10008.5.1.4.1.1.2"]},
            "00281052":{"Value":[-1024]},"00281053":{"Value":[1]}"#,
        );
        assert_eq!(instance.frame(0).grey.unit, "HU");
        assert_eq!(instance.frame(0).grey.modality.apply(1024.0), 0.0);
    }
}
