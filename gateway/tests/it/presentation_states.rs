//! Pictures as Grayscale Softcopy Presentation States say, and text in pictures; all greys are worked out by hand.

use dicom_core::value::{DataSetSequence, Value as Held};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

use crate::files::{Made, empty};
use crate::server::{Answer, Server};

type Set = InMemDicomObject;

const GRAYSCALE: &str = "1.2.840.10008.5.1.4.1.1.11.1";

fn text(set: &mut Set, tag: Tag, vr: VR, text: &str) {
    set.put(DataElement::new(tag, vr, PrimitiveValue::from(text)));
}

fn floats(set: &mut Set, tag: Tag, values: &[f32]) {
    let values = PrimitiveValue::F32(values.into());
    set.put(DataElement::new(tag, VR::FL, values));
}

fn sequence(set: &mut Set, tag: Tag, items: Vec<Set>) {
    let items = Held::Sequence(DataSetSequence::from(items));
    set.put(DataElement::new(tag, VR::SQ, items));
}

/// An image of study 1, whose own grey scale would show nothing but black and white.
fn image(series: &str, instance: &str, columns: u16, pixels: &[u8]) -> Made {
    let mut made = empty("1", series, instance);
    let rows = u16::try_from(pixels.len()).unwrap() / columns;
    made.image(rows, columns, 8);
    made.text(tags::WINDOW_CENTER, VR::DS, "7");
    made.text(tags::WINDOW_WIDTH, VR::DS, "1");
    made.text(tags::RESCALE_SLOPE, VR::DS, "5");
    made.text(tags::RESCALE_INTERCEPT, VR::DS, "5");
    made.put(tags::PIXEL_DATA, VR::OB, PrimitiveValue::U8(pixels.into()));
    made
}

fn reference(instance: &str) -> Set {
    let mut item = Set::new_empty();
    let class = "1.2.840.10008.5.1.4.1.1.7";
    text(&mut item, tags::REFERENCED_SOP_CLASS_UID, VR::UI, class);
    text(
        &mut item,
        tags::REFERENCED_SOP_INSTANCE_UID,
        VR::UI,
        instance,
    );
    item
}

/// A state of study 1 for images, each with its series, that shows all of them in their own greys.
fn state(images: &[(&str, &str)], [columns, rows]: [i32; 2]) -> Made {
    let mut made = empty("1", "9", "9.1");
    made.text(tags::SOP_CLASS_UID, VR::UI, GRAYSCALE);
    made.text(tags::MODALITY, VR::CS, "PR");
    made.text(tags::PRESENTATION_LUT_SHAPE, VR::CS, "IDENTITY");
    let series = images.iter().map(|(series, instance)| {
        let mut item = Set::new_empty();
        text(&mut item, tags::SERIES_INSTANCE_UID, VR::UI, series);
        let images = vec![reference(instance)];
        sequence(&mut item, tags::REFERENCED_IMAGE_SEQUENCE, images);
        item
    });
    let series = series.collect();
    sequence(&mut made.set, tags::REFERENCED_SERIES_SEQUENCE, series);
    area(&mut made, [1, 1, columns, rows], &[]);
    made
}

/// Displays an area, between its corners as they are seen.
fn area(made: &mut Made, [left, top, right, bottom]: [i32; 4], more: &[(Tag, VR, &str)]) {
    let mut item = Set::new_empty();
    for (tag, corner) in [
        (tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER, [left, top]),
        (
            tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER,
            [right, bottom],
        ),
    ] {
        let corner = PrimitiveValue::I32(corner.as_slice().into());
        item.put(DataElement::new(tag, VR::SL, corner));
    }
    let mode = tags::PRESENTATION_SIZE_MODE;
    text(&mut item, mode, VR::CS, "SCALE TO FIT");
    let ratio = tags::PRESENTATION_PIXEL_ASPECT_RATIO;
    text(&mut item, ratio, VR::IS, "1\\1");
    for (tag, vr, value) in more {
        text(&mut item, *tag, *vr, value);
    }
    let sequence_tag = tags::DISPLAYED_AREA_SELECTION_SEQUENCE;
    sequence(&mut made.set, sequence_tag, vec![item]);
}

/// A window for all images, or for those that are named.
fn window(center: &str, width: &str, images: &[&str]) -> Set {
    let mut item = Set::new_empty();
    text(&mut item, tags::WINDOW_CENTER, VR::DS, center);
    text(&mut item, tags::WINDOW_WIDTH, VR::DS, width);
    if !images.is_empty() {
        let images = images.iter().map(|image| reference(image)).collect();
        sequence(&mut item, tags::REFERENCED_IMAGE_SEQUENCE, images);
    }
    item
}

fn windows(made: &mut Made, items: Vec<Set>) {
    sequence(&mut made.set, tags::SOFTCOPY_VOILUT_SEQUENCE, items);
}

/// A server over files.
fn serving(files: &[&Made]) -> (tempfile::TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    for (number, made) in files.iter().enumerate() {
        made.write(folder.path(), &format!("{number}.dcm"));
    }
    let server = Server::over(folder.path());
    (folder, server)
}

fn get(server: &Server, path: &str) -> Answer {
    server.request("GET", path, &[("Accept", "image/png")])
}

fn png(answer: &Answer) -> (u32, u32, Vec<u8>) {
    let words = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{words}");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&answer.body))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let shown = reader.next_frame(&mut pixels).unwrap();
    pixels.truncate(shown.buffer_size());
    (shown.width, shown.height, pixels)
}

/// The picture of a state, from a server over it and over images.
fn shown(state: &Made, images: &[&Made]) -> (u32, u32, Vec<u8>) {
    let (_folder, server) = serving(&[&[state], images].concat());
    let path = format!("{}/rendered", state.address());
    let answer = get(&server, &path);
    assert_eq!(answer.header("warning"), None);
    let whole = png(&answer);
    assert_eq!(
        answer.header("etag").map(|tag| tag.starts_with("W/")),
        Some(true)
    );
    whole
}

fn wado(image: &Made, more: &str) -> String {
    format!(
        "/wado?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}&contentType=image/png{more}",
        image.study, image.series, image.instance
    )
}

const BY_STATE: &str = "&presentationSeriesUID=9&presentationUID=9.1";

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.error_code())
}

/// PS3.3 C.11.2.1.2.1 with center 100.5 and width 101: `(x - 100) / 100 + 0.5`.
#[test]
fn greys_are_those_of_the_state_and_not_of_the_image() {
    let pixels = [50, 75, 105, 125, 150, 255];
    let mut made = image("2", "2.1", 3, &pixels);
    let mut own = state(&[("2", "2.1")], [3, 2]);
    // Without a window all that 8 bits can hold is shown.
    assert_eq!(shown(&own, &[&made]), (3, 2, pixels.to_vec()));
    windows(&mut own, vec![window("100.5", "101", &[])]);
    let by_window = [0, 64, 140, 191, 255, 255];
    assert_eq!(shown(&own, &[&made]), (3, 2, by_window.to_vec()));
    made.text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1");
    assert_eq!(shown(&own, &[&made]).2, by_window);
    own.text(tags::PRESENTATION_LUT_SHAPE, VR::CS, "INVERSE");
    assert_eq!(shown(&own, &[&made]).2, [255, 191, 115, 64, 0, 0]);
    // Stored values to 2 x - 100: 0, 50, 110, 150, 200 and 410.
    own.text(tags::PRESENTATION_LUT_SHAPE, VR::CS, "IDENTITY");
    own.text(tags::RESCALE_SLOPE, VR::DS, "2");
    own.text(tags::RESCALE_INTERCEPT, VR::DS, "-100");
    own.text(tags::RESCALE_TYPE, VR::LO, "US");
    assert_eq!(shown(&own, &[&made]).2, [0, 0, 153, 255, 255, 255]);
}

#[test]
fn tables_of_the_state_are_applied() {
    let made = image("2", "2.1", 4, &[0, 1, 2, 3]);
    let mut own = state(&[("2", "2.1")], [4, 1]);
    let table = |entries: &[u16], bits: u16| {
        let mut item = Set::new_empty();
        let length = u16::try_from(entries.len()).unwrap();
        for (tag, values) in [
            (tags::LUT_DESCRIPTOR, &[length, 0, bits][..]),
            (tags::LUT_DATA, entries),
        ] {
            let values = PrimitiveValue::U16(values.into());
            item.put(DataElement::new(tag, VR::US, values));
        }
        item
    };
    let mut item = Set::new_empty();
    let voi = vec![table(&[0, 51, 102, 255], 8)];
    sequence(&mut item, tags::VOILUT_SEQUENCE, voi);
    windows(&mut own, vec![item]);
    assert_eq!(shown(&own, &[&made]).2, [0, 51, 102, 255]);
    // Its input is the whole range of greys: 0 becomes white, white becomes black.
    own.set.remove_element(tags::PRESENTATION_LUT_SHAPE);
    let turned = vec![table(&[255, 0], 8)];
    sequence(&mut own.set, tags::PRESENTATION_LUT_SEQUENCE, turned);
    assert_eq!(shown(&own, &[&made]).2, [255, 204, 153, 0]);
}

/// PS3.3 C.10.6: clockwise, before any flip.
#[test]
fn an_image_is_turned_clockwise_and_then_flipped() {
    let made = image("2", "2.1", 3, &[10, 20, 30, 40, 50, 60]);
    for (degrees, flip, corners, expected) in [
        (0, "N", [1, 1, 3, 2], (3, 2, [10, 20, 30, 40, 50, 60])),
        (90, "N", [1, 2, 3, 1], (2, 3, [40, 10, 50, 20, 60, 30])),
        (180, "N", [3, 2, 1, 1], (3, 2, [60, 50, 40, 30, 20, 10])),
        (270, "N", [3, 1, 1, 2], (2, 3, [30, 60, 20, 50, 10, 40])),
        (0, "Y", [3, 1, 1, 2], (3, 2, [30, 20, 10, 60, 50, 40])),
        (90, "Y", [1, 1, 3, 2], (2, 3, [10, 40, 20, 50, 30, 60])),
    ] {
        let mut own = state(&[("2", "2.1")], [3, 2]);
        let degrees: u16 = degrees;
        own.put(tags::IMAGE_ROTATION, VR::US, degrees.into());
        own.text(tags::IMAGE_HORIZONTAL_FLIP, VR::CS, flip);
        area(&mut own, corners, &[]);
        let (width, height, pixels) = expected;
        let found = shown(&own, &[&made]);
        assert_eq!(found, (width, height, pixels.to_vec()), "{degrees} {flip}");
    }
}

#[test]
fn the_displayed_area_may_reach_out_of_the_image() {
    let pixels: Vec<u8> = (1..=12).map(|number| number * 10).collect();
    let made = image("2", "2.1", 4, &pixels);
    let mut own = state(&[("2", "2.1")], [4, 3]);
    area(&mut own, [2, 1, 3, 2], &[]);
    assert_eq!(shown(&own, &[&made]), (2, 2, vec![20, 30, 60, 70]));
    area(&mut own, [0, 0, 2, 2], &[]);
    let outside = vec![0, 0, 0, 0, 10, 20, 0, 50, 60];
    assert_eq!(shown(&own, &[&made]), (3, 3, outside));
    let mode = (tags::PRESENTATION_SIZE_MODE, VR::CS, "MAGNIFY");
    area(&mut own, [1, 1, 4, 2], &[mode]);
    let selection = tags::DISPLAYED_AREA_SELECTION_SEQUENCE;
    let mut item = own.set.element(selection).unwrap().items().unwrap()[0].clone();
    let ratio = tags::PRESENTATION_PIXEL_MAGNIFICATION_RATIO;
    floats(&mut item, ratio, &[3.0]);
    sequence(&mut own.set, selection, vec![item]);
    let (width, height, greys) = shown(&own, &[&made]);
    assert_eq!((width, height), (12, 6));
    // The middle of nine pixels shows one of the image.
    assert_eq!((greys[12 + 1], greys[4 * 12 + 10]), (10, 80));
}

#[test]
fn shutters_cover_what_lies_outside_of_any_of_them() {
    let made = image("2", "2.1", 6, &[100; 30]);
    let mut own = state(&[("2", "2.1")], [6, 5]);
    let shapes = "RECTANGULAR\\CIRCULAR\\POLYGONAL";
    for (tag, vr, value) in [
        (tags::SHUTTER_SHAPE, VR::CS, shapes),
        (tags::SHUTTER_LEFT_VERTICAL_EDGE, VR::IS, "2"),
        (tags::SHUTTER_RIGHT_VERTICAL_EDGE, VR::IS, "4"),
        (tags::SHUTTER_UPPER_HORIZONTAL_EDGE, VR::IS, "2"),
        (tags::SHUTTER_LOWER_HORIZONTAL_EDGE, VR::IS, "4"),
        (tags::CENTER_OF_CIRCULAR_SHUTTER, VR::IS, "3\\3"),
        (tags::RADIUS_OF_CIRCULAR_SHUTTER, VR::IS, "1"),
        (
            tags::VERTICES_OF_THE_POLYGONAL_SHUTTER,
            VR::IS,
            "1\\1\\5\\1\\5\\5",
        ),
    ] {
        own.text(tag, vr, value);
    }
    own.put(tags::SHUTTER_PRESENTATION_VALUE, VR::US, u16::MAX.into());
    // Of the cross around row 3, column 3 only what is not right of the diagonal lies in the triangle.
    let mut expected = vec![255; 30];
    for place in [13, 14, 20] {
        expected[place] = 100;
    }
    assert_eq!(shown(&own, &[&made]), (6, 5, expected));
}

fn graphic(units: &str, kind: &str, points: &[f32], filled: &str) -> Set {
    let mut item = Set::new_empty();
    text(&mut item, tags::GRAPHIC_ANNOTATION_UNITS, VR::CS, units);
    text(&mut item, tags::GRAPHIC_TYPE, VR::CS, kind);
    text(&mut item, tags::GRAPHIC_FILLED, VR::CS, filled);
    let dimensions = PrimitiveValue::from(2_u16);
    item.put(DataElement::new(
        tags::GRAPHIC_DIMENSIONS,
        VR::US,
        dimensions,
    ));
    floats(&mut item, tags::GRAPHIC_DATA, points);
    item
}

/// Objects in a layer.
fn annotation(layer: &str, tag: Tag, objects: Vec<Set>) -> Set {
    let mut item = Set::new_empty();
    text(&mut item, tags::GRAPHIC_LAYER, VR::CS, layer);
    sequence(&mut item, tag, objects);
    item
}

fn layer(name: &str, order: &str, grey: Option<u16>) -> Set {
    let mut item = Set::new_empty();
    text(&mut item, tags::GRAPHIC_LAYER, VR::CS, name);
    text(&mut item, tags::GRAPHIC_LAYER_ORDER, VR::IS, order);
    if let Some(grey) = grey {
        let tag = tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE;
        item.put(DataElement::new(tag, VR::US, PrimitiveValue::from(grey)));
    }
    item
}

/// PS3.3 C.10.5: in PIXEL units the outer corner of the first pixel is 0\0.
#[test]
fn graphics_lie_where_their_units_say_in_the_grey_of_their_layer() {
    let made = image("2", "2.1", 20, &[0; 400]);
    let mut own = state(&[("2", "2.1")], [20, 20]);
    let lines = vec![
        graphic("PIXEL", "POLYLINE", &[2.5, 1.5, 6.5, 1.5], "N"),
        graphic("DISPLAY", "POLYLINE", &[0.125, 0.875, 0.325, 0.875], "N"),
    ];
    let circle = graphic("PIXEL", "CIRCLE", &[10.0, 12.0, 13.0, 12.0], "Y");
    let objects = tags::GRAPHIC_OBJECT_SEQUENCE;
    let annotations = vec![
        annotation("LINES", objects, lines),
        annotation("AREAS", objects, vec![circle]),
    ];
    let tag = tags::GRAPHIC_ANNOTATION_SEQUENCE;
    sequence(&mut own.set, tag, annotations);
    let layers = vec![layer("LINES", "2", None), layer("AREAS", "1", Some(0x8080))];
    sequence(&mut own.set, tags::GRAPHIC_LAYER_SEQUENCE, layers);
    let (_, _, greys) = shown(&own, &[&made]);
    let places = |grey: u8| -> Vec<[usize; 2]> {
        let all = greys.iter().enumerate();
        let of_grey = all.filter(|(_, found)| **found == grey);
        of_grey.map(|(place, _)| [place % 20, place / 20]).collect()
    };
    let line = |row: usize| (2..=6).map(move |column| [column, row]);
    assert_eq!(places(255), line(1).chain(line(17)).collect::<Vec<_>>());
    let circle = places(0x80);
    for place in [[10, 12], [9, 11], [12, 12], [10, 14]] {
        assert!(circle.contains(&place), "{place:?}");
    }
    // All centres that are at most 3.5 from 10\12.
    let is_inside = |[x, y]: &[usize; 2]| {
        let [x, y] = [*x as f64 + 0.5 - 10.0, *y as f64 + 0.5 - 12.0];
        x.hypot(y) <= 3.5
    };
    assert!(circle.iter().all(is_inside));
    assert_eq!(
        greys.iter().filter(|grey| **grey == 0).count(),
        400 - 10 - circle.len()
    );
}

#[test]
fn a_text_stands_in_its_box() {
    let made = image("2", "2.1", 64, &[100; 64 * 32]);
    let mut own = state(&[("2", "2.1")], [64, 32]);
    let mut object = Set::new_empty();
    let units = tags::BOUNDING_BOX_ANNOTATION_UNITS;
    text(&mut object, units, VR::CS, "PIXEL");
    text(&mut object, tags::UNFORMATTED_TEXT_VALUE, VR::ST, "HI");
    let corner = tags::BOUNDING_BOX_TOP_LEFT_HAND_CORNER;
    floats(&mut object, corner, &[8.0, 8.0]);
    let corner = tags::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER;
    floats(&mut object, corner, &[56.0, 24.0]);
    let tag = tags::BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION;
    text(&mut object, tag, VR::CS, "LEFT");
    let item = annotation("TEXT", tags::TEXT_OBJECT_SEQUENCE, vec![object]);
    let tag = tags::GRAPHIC_ANNOTATION_SEQUENCE;
    sequence(&mut own.set, tag, vec![item]);
    let layers = vec![layer("TEXT", "1", Some(u16::MAX))];
    sequence(&mut own.set, tags::GRAPHIC_LAYER_SEQUENCE, layers);
    let (_, _, greys) = shown(&own, &[&made]);
    for (place, grey) in greys.iter().enumerate() {
        let (x, y) = (place % 64, place / 64);
        let is_in_box = (8..56).contains(&x) && (8..24).contains(&y);
        assert!(*grey == 100 || is_in_box, "{x} {y}: {grey}");
    }
    // White letters with a black border.
    assert!(greys.contains(&255) && greys.contains(&0));
}

#[test]
fn each_image_has_its_own_window() {
    let first = image("2", "2.1", 2, &[100, 110]);
    let second = image("2", "2.2", 2, &[100, 110]);
    let mut own = state(&[("2", "2.1"), ("2", "2.2")], [2, 1]);
    windows(
        &mut own,
        vec![
            window("128", "256", &["2.2"]),
            window("100.5", "101", &["2.1"]),
        ],
    );
    // 110 is 0.6 of the first window.
    let (_folder, server) = serving(&[&own, &first, &second]);
    let alone = get(&server, &format!("{}/rendered", own.address()));
    assert_eq!(png(&alone).2[1], 153);
    let grey = |image: &Made, more: &str| png(&get(&server, &wado(image, more))).2[1];
    assert_eq!(grey(&first, BY_STATE), 153);
    assert_eq!(grey(&second, BY_STATE), 110);
    // Over WADO-URI a state is a resource of its own, too.
    assert_eq!(grey(&own, ""), 153);
    // By itself the image is as it says: 5 x 110 + 5 is above its window.
    assert_eq!(grey(&first, ""), 255);
    let answer = get(&server, &wado(&first, &format!("{BY_STATE}&rows=8")));
    assert_eq!(png(&answer).1, 8);
    for more in ["&windowCenter=1&windowWidth=2", "&region=0,0,0.5,1"] {
        let answer = get(&server, &wado(&first, &format!("{BY_STATE}{more}")));
        assert_eq!(refusal(&answer), (400, "state_decides".to_owned()));
    }
}

#[test]
fn images_that_are_not_here_are_passed_over() {
    let here = image("2", "2.2", 2, &[1, 2]);
    let own = state(&[("2", "2.1"), ("7", "7.1"), ("2", "2.2")], [2, 1]);
    assert_eq!(shown(&own, &[&here]).2, [1, 2]);
    let nowhere = state(&[("2", "2.1"), ("7", "7.1")], [2, 1]);
    let (_folder, server) = serving(&[&nowhere, &here]);
    let answer = get(&server, &format!("{}/rendered", nowhere.address()));
    assert_eq!(refusal(&answer), (404, "state_image_unknown".to_owned()));
    let answer = get(&server, &wado(&here, BY_STATE));
    let expected = (406, "state_of_another_image".to_owned());
    assert_eq!(refusal(&answer), expected);
    let none = "&presentationSeriesUID=2&presentationUID=2.2";
    let answer = get(&server, &wado(&here, none));
    assert_eq!(refusal(&answer), (400, "presentation_invalid".to_owned()));
}

#[test]
fn states_and_images_of_other_studies_are_not_looked_for() {
    let mut image = image("2", "2.1", 2, &[1, 2]);
    let own = state(&[("2", "2.1")], [2, 1]);
    image.study = "5".to_owned();
    image.text(tags::STUDY_INSTANCE_UID, VR::UI, "5");
    let (_folder, server) = serving(&[&own, &image]);
    let answer = get(&server, &format!("{}/rendered", own.address()));
    assert_eq!(refusal(&answer), (404, "state_image_unknown".to_owned()));
    let answer = get(&server, &wado(&image, BY_STATE));
    assert_eq!(refusal(&answer), (404, "series_unknown".to_owned()));
}

#[test]
fn what_is_not_drawn_is_said_or_refused() {
    let made = image("2", "2.1", 2, &[1, 2]);
    let mut own = state(&[("2", "2.1")], [2, 1]);
    own.text(Tag(0x6000, 0x1001), VR::CS, "OVERLAYS");
    let (folder, server) = serving(&[&own, &made]);
    let path = format!("{}/rendered", own.address());
    let answer = get(&server, &path);
    let words = "299 /dicomweb/local: \"the overlays of the presentation state are not drawn\"";
    assert_eq!(answer.header("warning"), Some(words));
    let answer = get(&server, &format!("{path}?window=1,2"));
    assert_eq!(refusal(&answer), (400, "state_decides".to_owned()));
    drop((folder, server));
    own.text(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.11.2");
    let (_folder, server) = serving(&[&own, &made]);
    let answer = get(&server, &path);
    assert_eq!(refusal(&answer), (406, "state_unknown".to_owned()));
    let mut own = state(&[("2", "2.1")], [2, 1]);
    own.put(tags::IMAGE_ROTATION, VR::US, 45_u16.into());
    let (_folder, server) = serving(&[&own, &made]);
    assert_eq!(
        refusal(&get(&server, &path)),
        (406, "no_picture".to_owned())
    );
}

/// PS3.18 section 8.3.5.1.1. Two lines take 2 x 9 + 1 rows.
#[test]
fn annotations_are_written_above_and_below() {
    for ground in [100, 255] {
        let mut made = image("2", "2.1", 256, &vec![ground; 256 * 64]);
        made.text(tags::MODALITY, VR::CS, "CT");
        made.text(tags::PATIENT_NAME, VR::PN, "Doe^Jane");
        made.text(tags::PATIENT_ID, VR::LO, "P1");
        made.text(tags::RESCALE_SLOPE, VR::DS, "1");
        made.text(tags::RESCALE_INTERCEPT, VR::DS, "0");
        let (_folder, server) = serving(&[&made]);
        let path = format!("{}/rendered?window=128,256,linear", made.address());
        let changed = |annotation: &str| {
            let path = format!("{path}&annotation={annotation}");
            let (_, _, greys) = png(&get(&server, &path));
            if !annotation.is_empty() {
                assert!(greys.contains(&255) && greys.contains(&0), "{annotation}");
            }
            let all = greys.iter().enumerate();
            let changed = all.filter(|(_, grey)| **grey != ground);
            let rows: Vec<usize> = changed.map(|(place, _)| place / 256).collect();
            rows.first().copied().zip(rows.last().copied())
        };
        assert_eq!(changed(""), None);
        let (first, last) = changed("patient").unwrap();
        assert!(first < 3 && last < 19, "{first} {last}");
        let (first, last) = changed("technique").unwrap();
        assert!(first >= 45 && last > 60, "{first} {last}");
        let (first, last) = changed("patient,technique").unwrap();
        assert!(first < 3 && last > 60, "{first} {last}");
    }
}
