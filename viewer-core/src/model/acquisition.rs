//! What tells frames at one place apart: kind of image, echo, b-value, phase and time.
//!
//! Source: DICOM PS3.3 C.7.6.1.1.2 (Image Type), C.8.3.1 (MR Image), C.8.13.5.9 (MR Diffusion), C.7.6.16.2.2
//! (Frame Content), C.7.6.16.2.7 (Cardiac Synchronization), C.8.9.4 (PET Image).

use super::date_time::{day, seconds};
use super::tags;
use protocol::dicomweb::json::{Dataset, Tag};

/// How and when one frame was acquired. What the file does not say is `None` or empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Acquisition {
    /// Image Type (0008,0008), or the Frame Type (0008,9007) of the frame's own group.
    pub image_type: Vec<String>,
    /// Echo Time (0018,0081) or Effective Echo Time (0018,9082), ms.
    pub echo_time_ms: Option<f64>,
    /// Echo Number(s) (0018,0086), the first.
    pub echo_number: Option<i64>,
    /// Inversion Time (0018,0082), ms.
    pub inversion_time_ms: Option<f64>,
    /// Diffusion b-value (0018,9087) in s/mm², or the same from Siemens' private block.
    pub b_value: Option<f64>,
    /// Diffusion Gradient Orientation (0018,9089), unit vector in LPS.
    pub gradient: Option<[f64; 3]>,
    /// Temporal Position Identifier (0020,0100) or Index (0020,9128), from 1.
    pub temporal_position: Option<u32>,
    /// Number of Temporal Positions (0020,0105).
    pub temporal_positions: Option<u32>,
    /// Temporal Resolution (0020,0110), ms.
    pub temporal_resolution_ms: Option<f64>,
    /// Repetition Time (0018,0080), ms.
    pub repetition_time_ms: Option<f64>,
    /// Trigger Time (0018,1060) or Nominal Cardiac Trigger Delay Time (0020,9153), ms after the R wave.
    pub trigger_time_ms: Option<f64>,
    /// Acquisition Number (0020,0012) or Frame Acquisition Number (0020,9156).
    pub acquisition_number: Option<i64>,
    /// Frame Reference Time (0054,1300) of PET, ms.
    pub reference_time_ms: Option<f64>,
    /// When acquisition began, in seconds. Only differences mean something: the day counts where it is said.
    pub acquired_s: Option<f64>,
    /// Content Time (0008,0033), in seconds, as [`Self::acquired_s`].
    pub content_s: Option<f64>,
    /// Stack ID (0020,9056): frames that belong together in space.
    pub stack_id: Option<String>,
    /// Dimension Index Values (0020,9157).
    pub dimension_index: Vec<u32>,
}

impl Acquisition {
    /// Reads the top level of a data set.
    pub(super) fn of(set: &Dataset) -> Self {
        Self {
            image_type: set.texts(tags::IMAGE_TYPE),
            echo_time_ms: set.number(tags::ECHO_TIME),
            echo_number: set.integer(tags::ECHO_NUMBERS),
            inversion_time_ms: set.number(tags::INVERSION_TIME),
            b_value: set
                .number(tags::DIFFUSION_B_VALUE)
                .or_else(|| siemens_b_value(set)),
            gradient: set.array(tags::DIFFUSION_GRADIENT_ORIENTATION),
            temporal_position: set.whole(tags::TEMPORAL_POSITION_IDENTIFIER),
            temporal_positions: set.whole(tags::NUMBER_OF_TEMPORAL_POSITIONS),
            temporal_resolution_ms: set.number(tags::TEMPORAL_RESOLUTION),
            repetition_time_ms: set.number(tags::REPETITION_TIME),
            trigger_time_ms: set.number(tags::TRIGGER_TIME),
            acquisition_number: set.integer(tags::ACQUISITION_NUMBER),
            reference_time_ms: set.number(tags::FRAME_REFERENCE_TIME),
            acquired_s: moment(set, tags::ACQUISITION_DATE_TIME)
                .or_else(|| day_and_time(set, tags::ACQUISITION_DATE, tags::ACQUISITION_TIME)),
            content_s: day_and_time(set, tags::CONTENT_DATE, tags::CONTENT_TIME),
            stack_id: None,
            dimension_index: Vec::new(),
        }
    }

    /// Puts what a frame's own or the shared groups say over what held so far.
    pub(super) fn overlay(&mut self, group: &Dataset) {
        let item = |tag: Tag| group.items(tag).into_iter().next();
        let frame_type = [
            tags::MR_IMAGE_FRAME_TYPE_SEQUENCE,
            tags::CT_IMAGE_FRAME_TYPE_SEQUENCE,
            tags::PET_FRAME_TYPE_SEQUENCE,
        ]
        .into_iter()
        .find_map(item);
        if let Some(item) = frame_type {
            let texts = item.texts(tags::FRAME_TYPE);
            if !texts.is_empty() {
                self.image_type = texts;
                // Magnitude and phase may differ in this attribute alone.
                self.image_type
                    .extend(item.text(tags::COMPLEX_IMAGE_COMPONENT));
            }
        }
        if let Some(item) = item(tags::MR_ECHO_SEQUENCE) {
            self.echo_time_ms = item.number(tags::EFFECTIVE_ECHO_TIME);
        }
        if let Some(item) = item(tags::MR_DIFFUSION_SEQUENCE) {
            self.b_value = item.number(tags::DIFFUSION_B_VALUE);
            self.gradient = item
                .items(tags::DIFFUSION_GRADIENT_DIRECTION_SEQUENCE)
                .first()
                .and_then(|item| item.array(tags::DIFFUSION_GRADIENT_ORIENTATION));
        }
        if let Some(item) = item(tags::CARDIAC_SYNCHRONIZATION_SEQUENCE) {
            self.trigger_time_ms = item.number(tags::NOMINAL_CARDIAC_TRIGGER_DELAY_TIME);
        }
        if let Some(item) = item(tags::FRAME_CONTENT_SEQUENCE) {
            self.overlay_content(&item);
        }
    }

    fn overlay_content(&mut self, item: &Dataset) {
        self.temporal_position = item
            .whole(tags::TEMPORAL_POSITION_INDEX)
            .or(self.temporal_position);
        self.acquisition_number = item
            .integer(tags::FRAME_ACQUISITION_NUMBER)
            .or(self.acquisition_number);
        self.acquired_s = moment(item, tags::FRAME_ACQUISITION_DATE_TIME)
            .or_else(|| moment(item, tags::FRAME_REFERENCE_DATE_TIME))
            .or(self.acquired_s);
        self.stack_id = item.text(tags::STACK_ID);
        let whole = |value: f64| (0.0..=f64::from(u32::MAX)).contains(&value);
        let values = item.numbers(tags::DIMENSION_INDEX_VALUES);
        let values = values.filter(|values| values.iter().copied().all(whole));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "VR UL, and the range is checked above"
        )]
        let values = values.map(|values| values.into_iter().map(|value| value as u32).collect());
        self.dimension_index = values.unwrap_or_default();
    }
}

/// B_value of the block that Siemens reserves in group 0019, where the block is theirs.
fn siemens_b_value(set: &Dataset) -> Option<f64> {
    let creator = set.text(tags::PRIVATE_CREATOR_0019_10)?;
    (creator == "SIEMENS MR HEADER")
        .then(|| set.number(tags::SIEMENS_B_VALUE))
        .flatten()
}

/// A date and time (VR DT) in seconds; an offset from UTC is the same for all frames and left out.
fn moment(set: &Dataset, tag: Tag) -> Option<f64> {
    let text = set.text(tag)?;
    let (date, time) = text.split_at_checked(8)?;
    let time = time.split(['+', '-', '&']).next()?;
    Some(day(date)? * 86_400.0 + seconds(time)?)
}

fn day_and_time(set: &Dataset, date: Tag, time: Tag) -> Option<f64> {
    let seconds = seconds(&set.text(time)?)?;
    let day = set.text(date).and_then(|text| day(&text)).unwrap_or(0.0);
    Some(day * 86_400.0 + seconds)
}

#[cfg(test)]
mod tests {
    use super::super::Instance;
    use super::*;
    use protocol::dicomweb::json;

    #[test]
    fn midnight_does_not_turn_the_order() {
        let set = json::parse(
            r#"[{"0008002A":{"Value":["20240131235959.5"]}},{"0008002A":{"Value":["20240201000000.5+0100"]}}]"#,
        )
        .unwrap();
        let [before, after] = [0, 1].map(|i: usize| Acquisition::of(&set[i]).acquired_s.unwrap());
        assert_eq!(after - before, 1.0);
    }

    #[test]
    fn an_enhanced_frame_has_its_own_b_value_echo_and_stack() {
        let text = r#"[{"00080018":{"Value":["1"]},"00280010":{"Value":[2]},"00280011":{"Value":[2]},
          "00280100":{"Value":[16]},"00280008":{"Value":[1]},"00180081":{"Value":[9]},
          "52009229":{"Value":[{"00189114":{"Value":[{"00189082":{"Value":[30.5]}}]}}]},
          "52009230":{"Value":[{
            "00189117":{"Value":[{"00189087":{"Value":[1000]},
              "00189076":{"Value":[{"00189089":{"Value":[0,0,1]}}]}}]},
            "00209111":{"Value":[{"00209056":{"Value":["1"]},"00209128":{"Value":[3]},
              "00209157":{"Value":[1,7,3]}}]}}]}}]"#;
        let instance = Instance::from_dataset(&json::parse(text).unwrap()[0]).unwrap();
        let read = &instance.frame(0).acquisition;
        assert_eq!(read.echo_time_ms, Some(30.5));
        assert_eq!(read.b_value, Some(1000.0));
        assert_eq!(read.gradient, Some([0.0, 0.0, 1.0]));
        assert_eq!(read.stack_id.as_deref(), Some("1"));
        assert_eq!(read.temporal_position, Some(3));
        assert_eq!(read.dimension_index, [1, 7, 3]);
    }

    #[test]
    fn a_private_b_value_counts_only_in_siemens_block() {
        let set = |creator: &str| {
            let text = format!(
                r#"[{{"00190010":{{"Value":["{creator}"]}},"0019100C":{{"Value":["800"]}}}}]"#
            );
            Acquisition::of(&json::parse(&text).unwrap()[0]).b_value
        };
        assert_eq!(set("SIEMENS MR HEADER"), Some(800.0));
        assert_eq!(set("SOMEBODY ELSE"), None);
    }
}
