//! Overlay planes and the display shutter, as a data set says them.
//!
//! Source: DICOM PS3.3 C.9.2 (Overlay Plane), C.9.3 (Multi-frame Overlay), C.7.6.11 (Display Shutter).

use super::bulk::BulkValue;
use super::tags;
use crate::pixel::{OverlayBits, Shutter, ShutterShape};
use protocol::dicomweb::json::{Dataset, Tag};

/// Overlay groups: 6000, 6002 ... 601E.
const GROUPS: std::ops::RangeInclusive<u32> = 0x6000..=0x601E;

/// Most corners of a polygonal shutter that are read.
const MOST_CORNERS: usize = 4096;

/// Where the bits of an overlay plane are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverlaySource {
    /// Overlay Data (60xx,3000).
    Data(BulkValue),
    /// A bit of every pixel, by its Overlay Bit Position (60xx,0102).
    PixelBit(u16),
}

/// One overlay plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayPlane {
    /// Columns and rows.
    pub size: [u32; 2],
    /// Row and column of the image under its first pixel, counted from 1.
    pub origin: [i32; 2],
    /// Number of Frames in Overlay (60xx,0015): 1 where it says nothing.
    pub frame_count: u32,
    /// Image Frame Origin (60xx,0051), counted from 1; a plane of one frame without it lies on all frames.
    pub first_frame: Option<u32>,
    /// Where the bits are.
    pub source: OverlaySource,
    /// Overlay Label or Description, or empty.
    pub name: String,
}

impl OverlayPlane {
    /// Which frame of the plane lies on a frame of the image, both from 0.
    pub fn frame_on(&self, frame_index: u32) -> Option<u32> {
        match (self.frame_count, self.first_frame) {
            (..=1, None) => Some(0),
            (count, first) => {
                let own = (frame_index + 1).checked_sub(first.unwrap_or(1))?;
                (own < count).then_some(own)
            }
        }
    }

    /// The bits on a frame of the image, where they are here and stand beside the pixels.
    pub fn bits(&self, frame_index: u32) -> Option<OverlayBits> {
        let OverlaySource::Data(data) = &self.source else {
            return None;
        };
        let own = self.frame_on(frame_index)?;
        OverlayBits::of_frame(self.size, self.origin, data.bytes()?, own)
    }

    /// True where the data that are here end before they should.
    fn is_short(&self) -> bool {
        let OverlaySource::Data(BulkValue::Here(bytes)) = &self.source else {
            return false;
        };
        let [columns, rows] = self.size.map(u64::from);
        let needed = columns * rows * u64::from(self.frame_count);
        needed > bytes.len() as u64 * 8
    }
}

/// The overlay planes of an image, and what was ignored of them.
pub(super) fn overlays(set: &Dataset, notes: &mut Vec<String>) -> Vec<OverlayPlane> {
    GROUPS
        .step_by(2)
        .filter_map(|group| plane(set, group << 16, notes))
        .collect()
}

fn plane(set: &Dataset, group: Tag, notes: &mut Vec<String>) -> Option<OverlayPlane> {
    let [rows, columns] = [0x0010, 0x0011].map(|element| set.whole(group | element));
    let data = BulkValue::of(set, group | 0x3000);
    if rows.is_none() && columns.is_none() && data.is_none() {
        return None;
    }
    let mut ignored = |why: &str| {
        notes.push(format!("an overlay plane is ignored: {why}"));
        None
    };
    let (Some(rows @ 1..=65_535), Some(columns @ 1..=65_535)) = (rows, columns) else {
        return ignored("it does not say its size");
    };
    let origin = match set.numbers(group | 0x0050).as_deref() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "SS: cut to what 16 bits can hold"
        )]
        Some([row, column]) => [*row, *column].map(|at| at.clamp(-32_768.0, 32_767.0) as i32),
        None if !set.has(group | 0x0050) => [1, 1],
        _ => return ignored("its origin is not valid"),
    };
    let bits_allocated = set.whole(group | 0x0100).unwrap_or(1);
    let source = match data {
        Some(data) => OverlaySource::Data(data),
        None if bits_allocated > 1 => {
            let position = set
                .whole(group | 0x0102)
                .and_then(|bit| u16::try_from(bit).ok());
            match position.filter(|bit| *bit < 16) {
                Some(position) => OverlaySource::PixelBit(position),
                None => return ignored("it does not say its bit"),
            }
        }
        None => return ignored("it has no data"),
    };
    let text = |element: Tag| set.text(group | element);
    let plane = OverlayPlane {
        size: [columns, rows],
        origin,
        frame_count: set.whole(group | 0x0015).unwrap_or(1).max(1),
        first_frame: set.whole(group | 0x0051).filter(|frame| *frame > 0),
        source,
        name: text(0x1500).or_else(|| text(0x0022)).unwrap_or_default(),
    };
    if plane.is_short() {
        return ignored("its data are shorter than it says");
    }
    if !set.has(group | 0x0050) {
        notes.push("an overlay plane without an origin begins at the first pixel".into());
    }
    Some(plane)
}

/// The display shutter, or `None`; a shape that makes no sense is ignored with a note.
pub(super) fn shutter(set: &Dataset, notes: &mut Vec<String>) -> Option<Shutter> {
    let kinds = set.texts(tags::SHUTTER_SHAPE);
    let mut shapes = Vec::new();
    for kind in &kinds {
        let shape = match kind.as_str() {
            "RECTANGULAR" => rectangle(set),
            "CIRCULAR" => circle(set),
            "POLYGONAL" => polygon(set),
            _ => None,
        };
        match shape {
            Some(shape) => shapes.push(shape),
            None => notes.push("a shutter that is not valid is ignored".into()),
        }
    }
    (!shapes.is_empty()).then(|| Shutter {
        shapes,
        level: shutter_level(set),
    })
}

/// Shutter Presentation Value (0018,1622): a P-Value of 16 bits; black where it is not said.
fn shutter_level(set: &Dataset) -> u8 {
    let value = set.whole(tags::SHUTTER_PRESENTATION_VALUE).unwrap_or(0);
    u8::try_from((value.min(65_535) * 255 + 32_767) / 65_535).unwrap_or(u8::MAX)
}

fn rectangle(set: &Dataset) -> Option<ShutterShape> {
    let [left, right, upper, lower] = [
        tags::SHUTTER_LEFT,
        tags::SHUTTER_RIGHT,
        tags::SHUTTER_UPPER,
        tags::SHUTTER_LOWER,
    ]
    .map(|tag| set.number(tag));
    let (left, right, upper, lower) = (left?, right?, upper?, lower?);
    (left <= right && upper <= lower).then_some(ShutterShape::Rectangle {
        left,
        right,
        upper,
        lower,
    })
}

fn circle(set: &Dataset) -> Option<ShutterShape> {
    let center = set.array::<2>(tags::SHUTTER_CENTER)?;
    let radius = set.number(tags::SHUTTER_RADIUS).filter(|r| *r > 0.0)?;
    Some(ShutterShape::Circle { center, radius })
}

fn polygon(set: &Dataset) -> Option<ShutterShape> {
    let numbers = set.numbers(tags::SHUTTER_VERTICES)?;
    let (vertices, rest) = numbers.as_chunks::<2>();
    let is_polygon = rest.is_empty() && (3..=MOST_CORNERS).contains(&vertices.len());
    is_polygon.then(|| ShutterShape::Polygon {
        vertices: vertices.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn read(attributes: &str) -> (Vec<OverlayPlane>, Option<Shutter>, Vec<String>) {
        let set = json::parse(&format!("[{{{attributes}}}]"))
            .unwrap()
            .remove(0);
        let mut notes = Vec::new();
        let planes = overlays(&set, &mut notes);
        let shutter = shutter(&set, &mut notes);
        (planes, shutter, notes)
    }

    const SIZE: &str = r#""60000010":{"Value":[2]},"60000011":{"Value":[4]}"#;

    #[test]
    fn a_plane_of_several_frames_lies_on_its_frames_only() {
        let (planes, _, notes) = read(&format!(
            r#"{SIZE},"60000015":{{"Value":["2"]}},"60000051":{{"Value":[3]}},
            "60000050":{{"Value":[-1,7]}},"60003000":{{"vr":"OW","InlineBinary":"qlU="}}"#
        ));
        let plane = &planes[0];
        assert_eq!(plane.origin, [-1, 7]);
        let frames = [0, 1, 2, 3, 4].map(|frame| plane.frame_on(frame));
        assert_eq!(frames, [None, None, Some(0), Some(1), None]);
        assert_eq!(plane.bits(3).map(|bits| bits.bits), Some(vec![0x55]));
        assert!(notes.is_empty());
    }

    #[test]
    fn a_plane_without_frames_lies_on_all_of_them() {
        let (planes, _, notes) = read(&format!(
            r#"{SIZE},"60000050":{{"Value":[1,1]}},"60003000":{{"InlineBinary":"qg=="}}"#
        ));
        assert_eq!(planes[0].frame_on(90), Some(0));
        assert!(notes.is_empty());
    }

    /// Overlay Origin is required (Type 1): where it is missing, that is said.
    #[test]
    fn a_plane_without_an_origin_begins_at_the_first_pixel_and_says_so() {
        let (planes, _, notes) = read(&format!(r#"{SIZE},"60003000":{{"InlineBinary":"qg=="}}"#));
        assert_eq!(planes[0].origin, [1, 1]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("without an origin"), "{notes:?}");
    }

    #[test]
    fn a_plane_in_the_pixels_names_its_bit() {
        let (planes, ..) = read(&format!(
            r#"{SIZE},"60000100":{{"Value":[16]}},"60000102":{{"Value":[12]}}"#
        ));
        assert_eq!(planes[0].source, OverlaySource::PixelBit(12));
    }

    #[test]
    fn planes_that_make_no_sense_are_ignored_with_a_note() {
        for attributes in [
            format!(r#"{SIZE},"60000015":{{"Value":[9]}},"60003000":{{"InlineBinary":"qg=="}}"#),
            r#""60000010":{"Value":[0]},"60000011":{"Value":[4]},"60003000":{"InlineBinary":"qg=="}"#
                .into(),
            SIZE.into(),
        ] {
            let (planes, _, notes) = read(&attributes);
            assert_eq!((planes.len(), notes.len()), (0, 1), "{attributes}");
        }
    }

    #[test]
    fn shapes_of_a_shutter_come_together() {
        let (_, shutter, notes) = read(
            r#""00181600":{"Value":["RECTANGULAR","CIRCULAR","POLYGONAL"]},
            "00181602":{"Value":["3"]},"00181604":{"Value":["9"]},"00181606":{"Value":["2"]},
            "00181608":{"Value":["8"]},"00181610":{"Value":["5","6"]},"00181612":{"Value":["0"]},
            "00181620":{"Value":["1","1","9","1","9","9"]},"00181622":{"Value":[65535]}"#,
        );
        let shutter = shutter.unwrap();
        // The circle has no radius.
        assert_eq!(
            (shutter.shapes.len(), shutter.level, notes.len()),
            (2, 255, 1)
        );
    }
}
