//! Functional groups of enhanced multi-frame objects: what all frames share and what each has.
//!
//! Source: DICOM PS3.3 C.7.6.16 (Multi-frame Functional Groups), C.7.6.16.2.

use super::instance::{FrameAttributes, attributes_of};
use super::tags;
use protocol::dicomweb::json::{Dataset, Tag};

/// One entry a frame where the object has per-frame groups, else the single entry `shared`.
pub(super) fn per_frame(
    set: &Dataset,
    top_level: &FrameAttributes,
    frame_count: u32,
) -> Vec<FrameAttributes> {
    let mut common = top_level.clone();
    if let Some(group) = set.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).first() {
        overlay(&mut common, group);
    }
    let groups = set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    if groups.is_empty() {
        return vec![common];
    }
    let count = usize::try_from(frame_count).unwrap_or(usize::MAX);
    groups
        .iter()
        .take(count)
        .map(|group| {
            let mut attributes = common.clone();
            overlay(&mut attributes, group);
            attributes
        })
        .collect()
}

/// Puts the values that a group holds over those that held so far.
fn overlay(attributes: &mut FrameAttributes, group: &Dataset) {
    let item = |tag: Tag| group.items(tag).into_iter().next();
    if let Some(position) = item(tags::PLANE_POSITION_SEQUENCE) {
        attributes.position_mm = position.array(tags::IMAGE_POSITION_PATIENT);
    }
    if let Some(orientation) = item(tags::PLANE_ORIENTATION_SEQUENCE) {
        attributes.orientation = orientation.array(tags::IMAGE_ORIENTATION_PATIENT);
    }
    if let Some(measures) = item(tags::PIXEL_MEASURES_SEQUENCE) {
        let measured = attributes_of(&measures);
        attributes.pixel_spacing_mm = measured.pixel_spacing_mm;
        attributes.slice_thickness_mm = measured.slice_thickness_mm;
    }
    attributes.acquisition.overlay(group);
    attributes.grey.overlay(group);
}

#[cfg(test)]
mod tests {
    use super::super::Instance;
    use protocol::dicomweb::json;

    #[test]
    fn a_frame_has_its_own_position_and_the_shared_spacing() {
        let text = r#"[{"00080018":{"Value":["1"]},"00280010":{"Value":[2]},"00280011":{"Value":[2]},
          "00280100":{"Value":[16]},"00280008":{"Value":[2]},
          "52009229":{"Value":[{"00289110":{"Value":[{"00280030":{"Value":[0.5,0.25]}}]}}]},
          "52009230":{"Value":[
            {"00209113":{"Value":[{"00200032":{"Value":[0,0,1]}}]}},
            {"00209113":{"Value":[{"00200032":{"Value":[0,0,4]}}]}}]}}]"#;
        let instance = Instance::from_dataset(&json::parse(text).unwrap()[0]).unwrap();
        assert_eq!(instance.frame(1).position_mm, Some([0.0, 0.0, 4.0]));
        assert_eq!(instance.frame(1).pixel_spacing_mm, Some([0.5, 0.25]));
    }
}
