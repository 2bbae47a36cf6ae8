//! Who the patient is and how an image was made, written into its picture.
//!
//! The patient stands above on the left, the technique below. All of it is written or none: what a picture cannot hold is an error.
//! Source: DICOM PS3.18 8.3.5.1.1 (annotation), PS3.3 C.7.1.1 (Patient), C.8.2.1 (CT Image), C.8.3.1 (MR Image), C.8.7.2 (X-Ray
//! Acquisition).

use protocol::dicomweb::json::{Dataset, Tag};
use viewer_core::model::{FrameAttributes, tags};
use viewer_core::pixel::Window;

use super::raster::Raster;
use super::text::{self, Justification};
use super::wish::Annotation;
use super::{DrawError, Drawn};

/// KVP.
const KVP: Tag = 0x0018_0060;
/// Repetition Time, ms.
const REPETITION_TIME: Tag = 0x0018_0080;
/// Echo Time, ms.
const ECHO_TIME: Tag = 0x0018_0081;
/// X-Ray Tube Current, mA.
const X_RAY_TUBE_CURRENT: Tag = 0x0018_1151;
/// Exposure, mAs.
const EXPOSURE: Tag = 0x0018_1152;

/// Grey of the letters, whose border is black.
const GREY: u8 = 255;

/// Writes what is asked for into a picture of a frame of an image.
///
/// # Errors
/// [`DrawError::TooSmall`] where the picture does not hold it.
pub fn write(
    drawn: &mut Drawn,
    set: &Dataset,
    frame: &FrameAttributes,
    annotation: Annotation,
) -> Result<(), DrawError> {
    let above = match annotation.patient {
        true => patient(set),
        false => Vec::new(),
    };
    let below = match annotation.technique {
        true => technique(set, frame, drawn.window),
        false => Vec::new(),
    };
    if above.is_empty() && below.is_empty() {
        return Ok(());
    }
    let mut raster = Raster::new(&mut drawn.picture);
    let [width, height] = raster.size().map(i64::from);
    let most = text::usual_scale(raster.size());
    let fitting = (1..=most).rev().find_map(|scale| {
        let letters = (width - 2 * i64::from(scale)) / (8 * i64::from(scale));
        let letters = usize::try_from(letters).ok().filter(|count| *count >= 8)?;
        let [above, below] = [&above, &below].map(|lines| text::wrapped(lines, letters));
        let needed = text::size(&above, scale)[1] + text::size(&below, scale)[1];
        (needed <= height).then_some((scale, above, below))
    });
    let (scale, above, below) = fitting.ok_or(DrawError::TooSmall)?;
    let bottom = height - text::size(&below, scale)[1];
    for (lines, top) in [(above, 0), (below, bottom)] {
        text::write(
            &mut raster,
            &lines,
            [0, top],
            scale,
            Justification::Left,
            GREY,
        );
    }
    Ok(())
}

/// Name, identifier, birth date and sex, as far as they are known.
fn patient(set: &Dataset) -> Vec<String> {
    let name = set.person_name(tags::PATIENT_NAME);
    let name = name.map(|name| name.display());
    let mut lines = vec![
        name.filter(|name| !name.is_empty())
            .unwrap_or_else(|| "Patient without a name".to_owned()),
    ];
    lines.extend(set.text(tags::PATIENT_ID).map(|id| format!("ID {id}")));
    let born = set.text(tags::PATIENT_BIRTH_DATE);
    let born = born.map(|date| format!("born {}", dashed(&date)));
    let sex = set.text(tags::PATIENT_SEX).map(|sex| format!("sex {sex}"));
    let rest: Vec<String> = born.into_iter().chain(sex).collect();
    lines.push(rest.join("  "));
    plain(&lines)
}

/// `19610304` with dashes, anything else as it is.
fn dashed(date: &str) -> String {
    match (date.len(), date.bytes().all(|byte| byte.is_ascii_digit())) {
        (8, true) => format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]),
        _ => date.to_owned(),
    }
}

/// What the image shows, by what it was made, and the window in which it is drawn.
fn technique(set: &Dataset, frame: &FrameAttributes, window: Option<Window>) -> Vec<String> {
    let modality = set.text(tags::MODALITY).unwrap_or_default();
    let series = set.text(tags::SERIES_DESCRIPTION).unwrap_or_default();
    let number = |tag: Tag, unit: &str| set.number(tag).map(|value| format!("{value} {unit}"));
    let named = |name: &str, tag: Tag| number(tag, "ms").map(|value| format!("{name} {value}"));
    let thickness = frame
        .slice_thickness_mm
        .map(|thickness| format!("slice {thickness} mm"));
    let parts = match modality.as_str() {
        "MR" => vec![
            named("TR", REPETITION_TIME),
            named("TE", ECHO_TIME),
            thickness,
        ],
        "CT" => vec![
            number(KVP, "kV"),
            number(X_RAY_TUBE_CURRENT, "mA"),
            thickness,
        ],
        "CR" | "DX" | "IO" | "MG" | "PX" | "RF" | "XA" => vec![
            number(KVP, "kV"),
            number(X_RAY_TUBE_CURRENT, "mA"),
            number(EXPOSURE, "mAs"),
        ],
        _ => vec![thickness],
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let window = window.map(|Window { center, width }| format!("C {center}  W {width}"));
    plain(&[
        format!("{modality} {series}"),
        parts.join("  "),
        window.unwrap_or_default(),
    ])
}

/// Lines without breaks in them, and without those that are empty.
fn plain(lines: &[String]) -> Vec<String> {
    let joined = lines.iter().map(|line| text::lines(line.trim()).join(" "));
    joined.filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::raster::tests::black;
    use super::*;
    use protocol::dicomweb::json;
    use viewer_core::model::Instance;

    fn set() -> Dataset {
        let text = r#"{"00080018":{"Value":["1.1"]},"00080060":{"Value":["MR"]},
            "0008103E":{"Value":["T2 axial"]},"00100010":{"Value":[{"Alphabetic":"Doe^Jane"}]},
            "00100020":{"Value":["P1"]},"00100030":{"Value":["19610304"]},"00100040":{"Value":["F"]},
            "00180050":{"Value":["2.5"]},"00180060":{"Value":["120"]},"00180080":{"Value":["4000"]},
            "00180081":{"Value":["98.5"]}}"#;
        json::parse(text).unwrap().remove(0)
    }

    fn frame(set: &Dataset) -> FrameAttributes {
        Instance::from_dataset(set).unwrap().frame(0).clone()
    }

    #[test]
    fn a_patient_is_named_with_what_tells_him_from_others() {
        let lines = patient(&set());
        assert_eq!(lines, ["Doe, Jane", "ID P1", "born 1961-03-04  sex F"]);
        assert_eq!(patient(&Dataset::default()), ["Patient without a name"]);
        assert_eq!(dashed("1961"), "1961");
    }

    #[test]
    fn a_technique_is_what_its_modality_is_told_by() {
        let set = set();
        let window = Window {
            center: 300.5,
            width: 600.0,
        };
        let lines = technique(&set, &frame(&set), Some(window));
        let parts = "TR 4000 ms  TE 98.5 ms  slice 2.5 mm";
        assert_eq!(lines, ["MR T2 axial", parts, "C 300.5  W 600"]);
        let lines = technique(&set, &frame(&set), None);
        assert_eq!(lines.len(), 2);
    }

    /// Three lines of the patient take 3 x 9 + 1 rows.
    #[test]
    fn all_is_written_or_nothing() {
        let set = set();
        let written = |width, height| {
            let mut drawn = Drawn {
                picture: black(width, height),
                window: None,
            };
            let annotation = Annotation {
                patient: true,
                technique: false,
            };
            write(&mut drawn, &set, &frame(&set), annotation).map(|()| drawn.picture.samples)
        };
        let samples = written(200, 28).unwrap();
        assert!(samples.contains(&255));
        assert!(matches!(written(200, 27), Err(DrawError::TooSmall)));
        assert!(matches!(written(30, 200), Err(DrawError::TooSmall)));
        // "born 1961-03-04  sex F" goes on below in a narrow picture.
        assert!(written(140, 37).is_ok());
        assert!(matches!(written(140, 36), Err(DrawError::TooSmall)));
    }
}
