//! Objects without a viewer: what they are, so that a list can name them and a viewport can say it.
//!
//! Source: DICOM PS3.4 B.5 (Standard SOP Classes), PS3.3 C.7.3.1.1.1 (Modality).

use super::{NoPixels, Series};

/// Beginnings of SOP Class UIDs below `1.2.840.10008.5.1.4.1.1.`, the longer ones first.
const CLASSES: [(&str, &str); 15] = [
    ("88.59", KEY_OBJECTS),
    ("88.", REPORT),
    ("11.", PRESENTATION),
    ("9.", WAVEFORM),
    ("481.3", STRUCTURES),
    ("481.5", PLAN),
    ("481.8", PLAN),
    ("481.4", RECORD),
    ("481.6", RECORD),
    ("481.7", RECORD),
    ("481.9", RECORD),
    ("66.1", REGISTRATION),
    ("66.3", REGISTRATION),
    ("104.1", "PDF document"),
    ("104.", DOCUMENT),
];
const ROOT: &str = "1.2.840.10008.5.1.4.1.1.";

const KEY_OBJECTS: &str = "Key object selection";
const REPORT: &str = "Structured report";
const PRESENTATION: &str = "Presentation state";
const WAVEFORM: &str = "Waveform";
const STRUCTURES: &str = "Radiotherapy structures";
const PLAN: &str = "Radiotherapy plan";
const RECORD: &str = "Radiotherapy record";
const REGISTRATION: &str = "Registration";
const DOCUMENT: &str = "Document";

/// What a series without images is, in words; `None` where it is of no kind that is known.
fn kind(series: &Series) -> Option<&'static str> {
    let instance = series.stack.as_ref().and_then(|it| it.instances.first());
    let class = instance.and_then(|it| it.sop_class.strip_prefix(ROOT));
    let by_class = class.and_then(|class| {
        let mut classes = CLASSES.iter();
        classes.find(|(beginning, _)| match beginning.strip_suffix('.') {
            Some(_) => class.starts_with(beginning),
            None => class == *beginning,
        })
    });
    by_class.map(|(_, kind)| *kind).or_else(|| {
        Some(match series.modality.as_str() {
            "SR" => REPORT,
            "KO" => KEY_OBJECTS,
            "PR" => PRESENTATION,
            "ECG" | "HD" | "AU" => WAVEFORM,
            "RTSTRUCT" => STRUCTURES,
            "RTPLAN" | "PLAN" => PLAN,
            "RTRECORD" => RECORD,
            "REG" => REGISTRATION,
            "DOC" => DOCUMENT,
            _ => return None,
        })
    })
}

/// Why a series shows no image, in words; `None` for a series with images, or whose images are not known yet.
pub fn document_note(series: &Series) -> Option<String> {
    if !series.is_document() {
        return None;
    }
    let instances = series.stack.iter().flat_map(|stack| &stack.instances);
    let mut reasons = instances.filter_map(|instance| instance.format.as_ref().err());
    // Images that are refused are no documents: they say why.
    if let Some(reason) = reasons.find(|reason| **reason != NoPixels::NotAnImage) {
        return Some(format!("Images that cannot be shown: {reason}."));
    }
    Some(match kind(series) {
        Some(kind) => {
            format!("{kind}. This series holds no images; its content is not shown yet.")
        }
        None => "This series holds no images.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SeriesId, Stack, Study};
    use crate::state::{Action, ViewerState};
    use protocol::dicomweb::json;
    use std::sync::Arc;

    fn series(modality: &str, metadata: Option<&str>) -> Series {
        let stack = metadata.map(|text| {
            let sets = json::parse(&format!("[{text}]")).unwrap();
            Arc::new(Stack::from_metadata(&sets))
        });
        Series {
            id: SeriesId(1),
            study: 0,
            uid: "1.1".into(),
            number: None,
            modality: modality.into(),
            description: String::new(),
            instance_count: None,
            stack,
        }
    }

    /// An object of a SOP class, without pixels.
    fn object(class: &str) -> String {
        format!(r#"{{"00080018":{{"Value":["1.2"]}},"00080016":{{"Value":["{ROOT}{class}"]}}}}"#)
    }

    #[test]
    fn lesson_16_an_object_without_a_viewer_is_named_before_and_after_its_metadata_came() {
        for (modality, class, name) in [
            ("SR", "88.33", REPORT),
            ("KO", "88.59", KEY_OBJECTS),
            ("PR", "11.1", PRESENTATION),
            ("RTPLAN", "481.5", PLAN),
            ("RTSTRUCT", "481.3", STRUCTURES),
            ("ECG", "9.1.1", WAVEFORM),
        ] {
            let listed = document_note(&series(modality, None)).unwrap();
            assert!(listed.starts_with(name), "{modality}: {listed}");
            let read = document_note(&series("OT", Some(&object(class)))).unwrap();
            assert!(read.starts_with(name), "{class}: {read}");
        }
        let private = document_note(&series("OT", Some(&object("999")))).unwrap();
        assert_eq!(private, "This series holds no images.");
    }

    #[test]
    fn lesson_16_images_that_are_refused_say_why_and_images_say_nothing() {
        let image = |photometric: &str| {
            format!(
                r#"{{"00080018":{{"Value":["1.2"]}},"00280010":{{"Value":[2]}},"00280011":{{"Value":[2]}},
                "00280100":{{"Value":[8]}},"00280004":{{"Value":["{photometric}"]}}}}"#
            )
        };
        assert_eq!(
            document_note(&series("OT", Some(&image("MONOCHROME2")))),
            None
        );
        let refused = document_note(&series("OT", Some(&image("ARGB")))).unwrap();
        assert!(refused.contains("photometric interpretation"));
        assert_eq!(document_note(&series("CT", None)), None);
    }

    #[test]
    fn lesson_16_a_study_of_documents_alone_opens_with_the_first_of_them_and_no_image() {
        let mut state = ViewerState::default();
        state.apply(Action::Open {
            studies: vec![Study::default()],
        });
        state.apply(Action::SeriesListed(vec![series("SR", None)]));
        let sets = json::parse(&format!("[{}]", object("88.33"))).unwrap();
        state.apply(Action::StackReady {
            series: SeriesId(1),
            stack: Arc::new(Stack::from_metadata(&sets)),
        });
        assert_eq!(state.viewports[0].series, Some(SeriesId(1)));
        assert!(state.viewports[0].shown(&state).is_none());
        // Nothing can be done to it, and nothing breaks.
        for action in [
            Action::ScrollBy {
                viewport: 0,
                delta: 1,
            },
            Action::TogglePlaying(0),
            Action::ToggleOverlayPlanes,
            Action::ChoosePreset {
                viewport: 0,
                index: 0,
            },
        ] {
            state.apply(action);
        }
        assert!(state.playing.is_none() && state.shows_overlays);
    }
}
