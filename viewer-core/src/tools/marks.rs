//! State marks: what is not as it should be, in a word or two, with the sentence behind it.

use super::overlay::number;
use crate::decode::Disagreement;
use crate::model::spacing::has_length_region;
use crate::model::{Instance, SpacingSource, spacing_at};
use crate::video::VIDEO_NOTE;
use crate::volume::{GridNote, VolumeGrid};
use protocol::order;

/// Kind of a state mark, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// Images failed.
    Missing,
    /// The connection is lost.
    Waiting,
    /// The image and its attributes contradict each other.
    Disagreement,
    /// A video: its values are a browser's.
    Video,
    /// Compressed with loss by the sender.
    Lossy,
    /// No pixel size of the patient in the file.
    Uncalibrated,
    /// Slices of a volume are missing or lie unequally.
    Gaps,
    /// Slices of a volume were shifted against each other, and are put right.
    Tilt,
    /// Slices of a volume are still on their way: what lies between those that are here is a guess.
    Coarse,
    /// Something of the file was not used.
    Note,
    /// Images still arrive.
    Loading,
    /// The pixels are drawn by the processor.
    Cpu,
}

/// A state mark: a word or two, and the sentence behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What kind.
    pub kind: MarkKind,
    /// On the image.
    pub label: String,
    /// On hover and focus.
    pub sentence: String,
}

/// What the host knows of a stack's loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadCount {
    /// Frames of the stack.
    pub total: usize,
    /// Frames that are decoded.
    pub loaded: usize,
    /// Frames that failed for good.
    pub failed: usize,
    /// The server cannot be reached now.
    pub is_offline: bool,
}

/// What the marks of a viewport tell of.
#[derive(Debug, Clone, PartialEq)]
pub struct Marked<'a> {
    /// The instance on screen.
    pub instance: &'a Instance,
    /// Its frame, from 0.
    pub frame_index: u32,
    /// How far its stack has come.
    pub count: LoadCount,
    /// The pixels are drawn by the processor.
    pub is_cpu: bool,
    /// Column and row under the pointer, where it is over the image.
    pub at: Option<[f64; 2]>,
    /// What the image's stream says otherwise than its attributes.
    pub disagreements: &'a [Disagreement],
    /// What was not used, in words without a final dot.
    pub notes: &'a [String],
}

/// All marks of a viewport, gravest first; empty where all is well.
pub fn marks(of: &Marked) -> Vec<Mark> {
    let Marked {
        instance, count, ..
    } = *of;
    let mark = |kind, label: String, sentence: String| Mark {
        kind,
        label,
        sentence,
    };
    let mut marks = Vec::new();
    if count.failed > 0 {
        let plural = if count.failed == 1 { "image" } else { "images" };
        marks.push(mark(
            MarkKind::Missing,
            format!("{} {plural} missing", count.failed),
            format!(
                "{} {plural} failed; the place of each says why.",
                count.failed
            ),
        ));
    }
    let percent = (count.loaded + count.failed) * 100 / count.total.max(1);
    let is_loading = count.loaded + count.failed < count.total;
    if is_loading && count.is_offline {
        marks.push(mark(
            MarkKind::Waiting,
            format!("Waiting, {percent} %"),
            "The server cannot be reached. Loading goes on by itself.".into(),
        ));
    }
    if !of.disagreements.is_empty() {
        let sentences: Vec<&str> = of.disagreements.iter().map(|it| it.sentence()).collect();
        marks.push(mark(
            MarkKind::Disagreement,
            "Attributes differ".into(),
            sentences.join(" "),
        ));
    }
    if instance.is_video() {
        marks.push(mark(MarkKind::Video, "Video".into(), sentence(VIDEO_NOTE)));
    }
    if let Some(ratio) = instance.lossy {
        let label = ratio.map_or("Lossy".into(), |ratio| {
            format!("Lossy {}:1", number(ratio, 0))
        });
        marks.push(mark(
            MarkKind::Lossy,
            label,
            "Compressed with loss by the sender.".into(),
        ));
    }
    if let Some(sentence) = uncalibrated(instance, of.frame_index, of.at) {
        marks.push(mark(
            MarkKind::Uncalibrated,
            "Uncalibrated".into(),
            sentence.into(),
        ));
    }
    let notes = of.notes.iter().filter(|note| *note != VIDEO_NOTE);
    let sentences: Vec<String> = notes.map(|note| sentence(note)).collect();
    if !sentences.is_empty() {
        let label = match sentences.len() {
            1 => "Note".into(),
            count => format!("{count} notes"),
        };
        marks.push(mark(MarkKind::Note, label, sentences.join(" ")));
    }
    if is_loading && !count.is_offline {
        marks.push(mark(
            MarkKind::Loading,
            format!("Loading {percent} %"),
            "Images still arrive; what is drawn is final.".into(),
        ));
    }
    if of.is_cpu {
        marks.push(mark(
            MarkKind::Cpu,
            "CPU".into(),
            "Drawn by the processor: same values, slower to scroll.".into(),
        ));
    }
    order::sort_by_key(&mut marks, |mark| mark.kind);
    marks
}

/// What the marks of a plane tell of beside those of its images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlaneMarked<'a> {
    /// The volume.
    pub grid: &'a VolumeGrid,
    /// Slices are on their way.
    pub is_coarse: bool,
}

/// Adds the marks of a plane to those of its images, and keeps the order.
pub fn plane_marks(marks: &mut Vec<Mark>, of: &PlaneMarked) {
    for note in &of.grid.notes {
        let (kind, label) = match note {
            GridNote::Mosaic { .. } => (MarkKind::Note, "Mosaic".to_owned()),
            GridNote::Tilt { .. } => (MarkKind::Tilt, "Tilt corrected".to_owned()),
            GridNote::TiltOnlySaid { .. } => (MarkKind::Gaps, "Tilt unclear".to_owned()),
            GridNote::Missing { count, .. } => {
                let plural = if *count == 1 { "slice" } else { "slices" };
                (MarkKind::Gaps, format!("{count} {plural} missing"))
            }
            GridNote::Duplicate { .. } => (MarkKind::Note, "Duplicates".to_owned()),
            GridNote::Unequal { .. } => (MarkKind::Gaps, "Unequal gaps".to_owned()),
            GridNote::Crooked { .. } | GridNote::Turned { .. } => {
                (MarkKind::Gaps, "Slices shifted".to_owned())
            }
        };
        marks.push(Mark {
            kind,
            label,
            sentence: sentence(&note.to_string()),
        });
    }
    if of.is_coarse {
        // Loading says that what is drawn is final: of planes that is not true.
        marks.retain(|mark| mark.kind != MarkKind::Loading);
        marks.push(Mark {
            kind: MarkKind::Coarse,
            label: "Coarse".into(),
            sentence: "Slices still arrive: between those that are here the planes are a guess."
                .into(),
        });
    }
    order::sort_by_key(marks, |mark| mark.kind);
}

/// Words as a sentence.
pub fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).chain(['.']).collect()
    })
}

/// Why lengths are not those in the patient; `None` where they are. An image with ultrasound regions is
/// calibrated as such; the place under the pointer may still lie where nothing says a length.
fn uncalibrated(instance: &Instance, frame: u32, at: Option<[f64; 2]>) -> Option<&'static str> {
    if instance.regions.is_empty() {
        return match spacing_at(instance, frame, 0.0, 0.0).map(|spacing| spacing.source) {
            None => Some("No pixel size of the patient in the file: lengths in px."),
            Some(SpacingSource::Detector) => Some(
                "The file knows the pixel size at the detector only: lengths there are larger than in the patient.",
            ),
            Some(_) => None,
        };
    }
    if !has_length_region(instance) {
        return Some("No region of this image measures lengths.");
    }
    let [column, row] = at?;
    if crate::model::region_at(&instance.regions, column, row).is_none() {
        return Some(
            "The place under the pointer lies outside the calibrated regions: lengths in px.",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn read(attributes: &str) -> Instance {
        let text = format!(
            r#"[{{"00080018":{{"Value":["1.2"]}},"00280010":{{"Value":[480]}},
            "00280011":{{"Value":[640]}},"00280100":{{"Value":[8]}}{attributes}}}]"#
        );
        Instance::from_dataset(&json::parse(&text).unwrap()[0]).unwrap()
    }

    /// Half of the image as one region; units 3 = cm, 4 = s, 7 = cm/s.
    fn half([x, y]: [u32; 2]) -> String {
        format!(
            r#","00186011":{{"vr":"SQ","Value":[{{"00186018":{{"Value":[0]}},"0018601A":{{"Value":[0]}},
            "0018601C":{{"Value":[319]}},"0018601E":{{"Value":[479]}},"0018602C":{{"Value":[0.1]}},
            "0018602E":{{"Value":[0.1]}},"00186024":{{"Value":[{x}]}},"00186026":{{"Value":[{y}]}}}}]}}"#
        )
    }

    fn said(attributes: &str, at: Option<[f64; 2]>, notes: &[String]) -> Vec<String> {
        let instance = read(attributes);
        let marks = marks(&Marked {
            instance: &instance,
            frame_index: 0,
            count: LoadCount::default(),
            is_cpu: false,
            at,
            disagreements: &[],
            notes,
        });
        marks.into_iter().map(|mark| mark.sentence).collect()
    }

    #[test]
    fn lesson_07_an_image_with_length_regions_is_calibrated_but_for_places_outside() {
        let tissue = half([3, 3]);
        assert!(said(&tissue, None, &[]).is_empty());
        assert!(said(&tissue, Some([10.0, 10.0]), &[]).is_empty());
        let outside = said(&tissue, Some([400.0, 10.0]), &[]);
        assert_eq!(outside.len(), 1);
        assert!(outside[0].contains("outside the calibrated regions"));
    }

    #[test]
    fn lesson_07_a_spectrum_alone_measures_no_lengths() {
        let spectrum = said(&half([4, 7]), None, &[]);
        assert_eq!(spectrum, ["No region of this image measures lengths."]);
    }

    #[test]
    fn lesson_07_a_size_at_the_detector_is_not_one_of_the_patient() {
        let detector = said(r#","00181164":{"Value":[0.14,0.14]}"#, None, &[]);
        assert!(detector[0].contains("at the detector only"));
        assert!(said(r#","00280030":{"Value":[0.1,0.1]}"#, None, &[]).is_empty());
        assert!(said("", None, &[])[0].contains("No pixel size of the patient"));
    }

    #[test]
    fn what_was_not_used_is_said_in_one_mark() {
        let calibrated = r#","00280030":{"Value":[0.1,0.1]}"#;
        let notes = [
            "a shutter is ignored".to_owned(),
            "so is a table".to_owned(),
        ];
        let expected = ["A shutter is ignored. So is a table."];
        assert_eq!(said(calibrated, None, &notes), expected);
    }
}
