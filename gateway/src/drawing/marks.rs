//! Graphics and texts of a presentation state, as its data set says them. Pure.
//!
//! Source: DICOM PS3.3 C.10.5 (Graphic Annotation), C.10.7 (Graphic Layer).

use protocol::dicomweb::json::{Dataset, Tag};

use super::text::Justification;

const GRAPHIC_ANNOTATION_SEQUENCE: Tag = 0x0070_0001;
const GRAPHIC_LAYER: Tag = 0x0070_0002;
const BOUNDING_BOX_ANNOTATION_UNITS: Tag = 0x0070_0003;
const ANCHOR_POINT_ANNOTATION_UNITS: Tag = 0x0070_0004;
const GRAPHIC_ANNOTATION_UNITS: Tag = 0x0070_0005;
const UNFORMATTED_TEXT_VALUE: Tag = 0x0070_0006;
const TEXT_OBJECT_SEQUENCE: Tag = 0x0070_0008;
const GRAPHIC_OBJECT_SEQUENCE: Tag = 0x0070_0009;
const BOUNDING_BOX_TOP_LEFT_HAND_CORNER: Tag = 0x0070_0010;
const BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER: Tag = 0x0070_0011;
const BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION: Tag = 0x0070_0012;
const ANCHOR_POINT: Tag = 0x0070_0014;
const ANCHOR_POINT_VISIBILITY: Tag = 0x0070_0015;
const GRAPHIC_DATA: Tag = 0x0070_0022;
const GRAPHIC_TYPE: Tag = 0x0070_0023;
const GRAPHIC_FILLED: Tag = 0x0070_0024;
const GRAPHIC_LAYER_SEQUENCE: Tag = 0x0070_0060;
const GRAPHIC_LAYER_ORDER: Tag = 0x0070_0062;
const GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE: Tag = 0x0070_0066;
const COMPOUND_GRAPHIC_SEQUENCE: Tag = 0x0070_0209;

/// Most points of all graphics of a state.
const MOST_POINTS: usize = 50_000;
/// Most texts of a state.
const MOST_TEXTS: usize = 500;
/// Places beyond this are of no picture.
const FARTHEST: f64 = 1e7;

/// What places are measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Units {
    /// PIXEL: columns and rows of the image, from the outer corner of its first pixel.
    Pixel,
    /// DISPLAY: fractions of the displayed area.
    Display,
}

/// Graphic Type (0070,0023).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphicType {
    /// One place.
    Point,
    /// Straight lines from each place to the next.
    Polyline,
    /// A curve through all places.
    Interpolated,
    /// Its centre, and a place on it.
    Circle,
    /// Both ends of its major axis, then of its minor axis.
    Ellipse,
}

/// A line or an area.
#[derive(Debug, Clone, PartialEq)]
pub struct Graphic {
    /// What its places are measured in.
    pub units: Units,
    /// What is drawn through them.
    pub kind: GraphicType,
    /// As many as its kind has.
    pub points: Vec<[f64; 2]>,
    /// The area inside of it is marked as well.
    pub is_filled: bool,
}

/// A text.
#[derive(Debug, Clone, PartialEq)]
pub struct TextObject {
    /// Unformatted Text Value (0070,0006).
    pub value: String,
    /// Top left and bottom right corner of its box.
    pub bounds: Option<(Units, [[f64; 2]; 2])>,
    /// Where its lines begin in the box.
    pub justification: Justification,
    /// What it is about.
    pub anchor: Option<(Units, [f64; 2])>,
    /// A line leads there.
    pub has_visible_anchor: bool,
}

/// What is drawn over the image.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// A line or an area.
    Graphic(Graphic),
    /// A text.
    Text(TextObject),
}

/// What is drawn, and in which grey.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// What.
    pub drawn: Drawn,
    /// 0 is black.
    pub grey: u8,
}

/// A P-Value of 16 bits as a grey of 8.
fn grey(p_value: u32) -> u8 {
    u8::try_from((p_value.min(65_535) * 255 + 32_767) / 65_535).unwrap_or(u8::MAX)
}

/// Marks in the order in which they are drawn: layer by layer from the lowest Graphic Layer Order, in each as they stand in the
/// state. `applies` says whether an item is for the image that is shown; `notes` takes what is left out.
pub fn marks(
    set: &Dataset,
    applies: &dyn Fn(&Dataset) -> bool,
    notes: &mut Vec<String>,
) -> Vec<Mark> {
    let layers = set.items(GRAPHIC_LAYER_SEQUENCE);
    // A layer that is not described comes last, and is white as any without a recommended grey.
    let layer = |name: Option<String>| {
        let found = layers
            .iter()
            .find(|layer| layer.text(GRAPHIC_LAYER) == name);
        let order = found.and_then(|layer| layer.integer(GRAPHIC_LAYER_ORDER));
        let value =
            found.and_then(|layer| layer.whole(GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE));
        (order.unwrap_or(i64::MAX), value.map_or(u8::MAX, grey))
    };
    let mut found = Vec::new();
    let mut left = Left::default();
    for item in set.items(GRAPHIC_ANNOTATION_SEQUENCE) {
        if !applies(&item) {
            continue;
        }
        let (order, grey) = layer(item.text(GRAPHIC_LAYER));
        let mut add = |drawn| found.push((order, Mark { drawn, grey }));
        for object in item.items(GRAPHIC_OBJECT_SEQUENCE) {
            match graphic(&object) {
                Some(graphic) if left.takes_points(graphic.points.len()) => {
                    add(Drawn::Graphic(graphic));
                }
                _ => left.graphics += 1,
            }
        }
        for object in item.items(TEXT_OBJECT_SEQUENCE) {
            match text(&object) {
                Some(text) if left.takes_text() => add(Drawn::Text(text)),
                _ => left.texts += 1,
            }
        }
        left.graphics += item.items(COMPOUND_GRAPHIC_SEQUENCE).len();
    }
    if left.graphics > 0 {
        notes.push(format!("{} graphics are not drawn", left.graphics));
    }
    if left.texts > 0 {
        notes.push(format!("{} texts are not drawn", left.texts));
    }
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, mark)| mark).collect()
}

/// What is left out, and how much has been taken.
#[derive(Default)]
struct Left {
    graphics: usize,
    texts: usize,
    points_taken: usize,
    texts_taken: usize,
}

impl Left {
    fn takes_points(&mut self, count: usize) -> bool {
        let fits = self.points_taken + count <= MOST_POINTS;
        if fits {
            self.points_taken += count;
        }
        fits
    }

    fn takes_text(&mut self) -> bool {
        self.texts_taken += 1;
        self.texts_taken <= MOST_TEXTS
    }
}

fn units(object: &Dataset, tag: Tag) -> Option<Units> {
    match object.text(tag)?.as_str() {
        "PIXEL" => Some(Units::Pixel),
        "DISPLAY" => Some(Units::Display),
        _ => None,
    }
}

fn is_near(place: &[f64; 2]) -> bool {
    place.iter().all(|at| at.abs() <= FARTHEST)
}

fn graphic(object: &Dataset) -> Option<Graphic> {
    let numbers = object.numbers(GRAPHIC_DATA)?;
    let (points, rest) = numbers.as_chunks::<2>();
    let (kind, counts) = match object.text(GRAPHIC_TYPE)?.as_str() {
        "POINT" => (GraphicType::Point, 1..=1),
        "POLYLINE" => (GraphicType::Polyline, 2..=MOST_POINTS),
        "INTERPOLATED" => (GraphicType::Interpolated, 2..=MOST_POINTS),
        "CIRCLE" => (GraphicType::Circle, 2..=2),
        "ELLIPSE" => (GraphicType::Ellipse, 4..=4),
        _ => return None,
    };
    let is_near = points.iter().all(is_near);
    if !rest.is_empty() || !counts.contains(&points.len()) || !is_near {
        return None;
    }
    Some(Graphic {
        units: units(object, GRAPHIC_ANNOTATION_UNITS)?,
        kind,
        points: points.to_vec(),
        is_filled: object.text(GRAPHIC_FILLED).as_deref() == Some("Y"),
    })
}

fn text(object: &Dataset) -> Option<TextObject> {
    let corner = |tag| object.array::<2>(tag).filter(is_near);
    let corners = corner(BOUNDING_BOX_TOP_LEFT_HAND_CORNER)
        .zip(corner(BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER));
    let bounds = corners.and_then(|(first, last)| {
        let units = units(object, BOUNDING_BOX_ANNOTATION_UNITS)?;
        Some((units, [first, last]))
    });
    let anchor = corner(ANCHOR_POINT)
        .and_then(|place| Some((units(object, ANCHOR_POINT_ANNOTATION_UNITS)?, place)));
    if bounds.is_none() && anchor.is_none() {
        return None;
    }
    let justification = object.text(BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION);
    Some(TextObject {
        value: object.text(UNFORMATTED_TEXT_VALUE)?,
        bounds,
        justification: match justification.as_deref() {
            Some("RIGHT") => Justification::Right,
            Some("CENTER") => Justification::Center,
            _ => Justification::Left,
        },
        anchor,
        has_visible_anchor: object.text(ANCHOR_POINT_VISIBILITY).as_deref() == Some("Y"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn set(attributes: &str) -> Dataset {
        json::parse(attributes).unwrap().remove(0)
    }

    fn object(kind: &str, data: &str) -> String {
        format!(
            r#"{{"00700005":{{"Value":["PIXEL"]}},"00700022":{{"Value":[{data}]}},
            "00700023":{{"Value":["{kind}"]}},"00700024":{{"Value":["Y"]}}}}"#
        )
    }

    #[test]
    fn lower_layers_come_first_in_their_own_grey() {
        let [point, line] = [object("POINT", "1,2"), object("POLYLINE", "0,0,3,4")];
        let set = set(&format!(
            r#"{{"00700060":{{"Value":[
                {{"00700002":{{"Value":["UP"]}},"00700062":{{"Value":[2]}}}},
                {{"00700002":{{"Value":["DOWN"]}},"00700062":{{"Value":[1]}},"00700066":{{"Value":[32896]}}}}]}},
            "00700001":{{"Value":[
                {{"00700002":{{"Value":["UP"]}},"00700009":{{"Value":[{point}]}}}},
                {{"00700002":{{"Value":["DOWN"]}},"00700009":{{"Value":[{line}]}}}}]}}}}"#
        ));
        let mut notes = Vec::new();
        let found = marks(&set, &|_| true, &mut notes);
        // 32896 * 255 / 65535 = 128.
        assert_eq!(
            found.iter().map(|mark| mark.grey).collect::<Vec<_>>(),
            [128, 255]
        );
        let Drawn::Graphic(line) = &found[0].drawn else {
            panic!("{found:?}");
        };
        assert_eq!(line.points, [[0.0, 0.0], [3.0, 4.0]]);
        assert!(line.is_filled && line.kind == GraphicType::Polyline);
        assert!(notes.is_empty());
        assert!(marks(&set, &|_| false, &mut notes).is_empty());
    }

    #[test]
    fn graphics_that_cannot_be_drawn_are_said_to_be_left_out() {
        let objects = [
            object("POINT", "1,2,3,4"),
            object("CIRCLE", "1,2"),
            object("ELLIPSE", "1,2,3,4"),
            object("POLYLINE", "1,2,3"),
            object("RULER", "1,2,3,4"),
            object("POLYLINE", "1,2,1e9,4"),
            object("CIRCLE", "1,2,3,4"),
        ];
        let set = set(&format!(
            r#"{{"00700001":{{"Value":[{{"00700009":{{"Value":[{}]}}}}]}}}}"#,
            objects.join(",")
        ));
        let mut notes = Vec::new();
        assert_eq!(marks(&set, &|_| true, &mut notes).len(), 1);
        assert_eq!(notes, ["6 graphics are not drawn"]);
    }

    #[test]
    fn a_text_has_a_box_or_an_anchor() {
        let text = |more: &str| {
            let set = set(&format!(r#"{{"00700006":{{"Value":["A"]}}{more}}}"#));
            super::text(&set)
        };
        assert_eq!(text(""), None);
        let boxed = r#","00700003":{"Value":["DISPLAY"]},"00700010":{"Value":[0,0.5]},
            "00700011":{"Value":[1,0.75]},"00700012":{"Value":["RIGHT"]}"#;
        let found = text(boxed).unwrap();
        assert_eq!(
            found.bounds,
            Some((Units::Display, [[0.0, 0.5], [1.0, 0.75]]))
        );
        assert_eq!(found.justification, Justification::Right);
        let anchored = r#","00700004":{"Value":["PIXEL"]},"00700014":{"Value":[3,4]},
            "00700015":{"Value":["Y"]}"#;
        let found = text(anchored).unwrap();
        assert_eq!(found.anchor, Some((Units::Pixel, [3.0, 4.0])));
        assert!(found.has_visible_anchor && found.bounds.is_none());
    }
}
