//! A stack: all frames of one series in the order in which they are scrolled.
//!
//! Along the normal where every frame has a place of its own there, else by Instance Number, then
//! frame. Source: DICOM PS3.3 C.7.6.2.1.1 (position and orientation).

use super::Instance;
use glam::DVec3;
use protocol::dicomweb::json::Dataset;
use protocol::order;

/// One frame of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRef {
    /// Index into [`Stack::instances`].
    pub instance: usize,
    /// From 0; the wire counts from 1.
    pub frame_index: u32,
}

/// The frames of a series that can be shown, in order, and what could not be taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stack {
    /// All instances of the series, also those without pixels.
    pub instances: Vec<Instance>,
    /// Frames with pixels, in scrolling order.
    pub frames: Vec<FrameRef>,
    /// True where the order is that of positions in the patient.
    pub is_spatial: bool,
}

/// Most frames of a stack: Number of Frames is a number in a text, and a few digits must not cost gigabytes. The largest whole
/// slides have a third of it.
const MOST_FRAMES: usize = 1 << 20;

impl Stack {
    /// Reads a series' metadata and puts its frames in order.
    pub fn from_metadata(sets: &[Dataset]) -> Self {
        Self::from_instances(sets.iter().filter_map(Instance::from_dataset).collect())
    }

    /// Puts the frames of instances in order.
    pub fn from_instances(mut instances: Vec<Instance>) -> Self {
        order::sort_by(&mut instances, |a, b| {
            (a.number, &a.uid).cmp(&(b.number, &b.uid))
        });
        let mut frames = Vec::new();
        for (index, instance) in instances.iter_mut().enumerate() {
            if instance.format.is_err() {
                continue;
            }
            let left = MOST_FRAMES.saturating_sub(frames.len());
            let taken = u32::try_from(left)
                .map_or(instance.frame_count, |left| left.min(instance.frame_count));
            if taken < instance.frame_count {
                let note =
                    format!("frames beyond the first {MOST_FRAMES} of the series are left out");
                instance.notes.push(note);
            }
            frames.extend((0..taken).map(|frame_index| FrameRef {
                instance: index,
                frame_index,
            }));
        }
        let is_spatial = sort_along_normal(&instances, &mut frames);
        Self {
            instances,
            frames,
            is_spatial,
        }
    }

    /// The instance of the frame at `slice`.
    pub fn instance(&self, slice: usize) -> Option<&Instance> {
        self.instances.get(self.frames.get(slice)?.instance)
    }

    /// Instance and frame at `slice`.
    pub fn at(&self, slice: usize) -> Option<(&Instance, u32)> {
        let frame = self.frames.get(slice)?;
        Some((self.instances.get(frame.instance)?, frame.frame_index))
    }

    /// Where an instance's frame stands in the order; `frame_index` from 0.
    pub fn slice_of(&self, instance_uid: &str, frame_index: u32) -> Option<usize> {
        self.frames.iter().position(|frame| {
            frame.frame_index == frame_index
                && self
                    .instances
                    .get(frame.instance)
                    .is_some_and(|i| i.uid == instance_uid)
        })
    }

    /// The slice that stands on screen first: the middle of a spatial stack, else the first.
    pub fn first_shown(&self) -> usize {
        if self.is_spatial {
            self.frames.len() / 2
        } else {
            0
        }
    }
}

/// Smallest distance in mm at which two positions count as different.
const SAME_POSITION_MM: f64 = 1e-3;

/// Sorts along the normal and says so; leaves the order alone where positions are missing, shared,
/// or the frames are not parallel.
fn sort_along_normal(instances: &[Instance], frames: &mut [FrameRef]) -> bool {
    if frames.len() < 2 {
        return false;
    }
    let mut normal: Option<DVec3> = None;
    let mut placed = Vec::with_capacity(frames.len());
    for frame in frames.iter() {
        let attributes = instances[frame.instance].frame(frame.frame_index);
        let (Some(position), Some(o)) = (attributes.position_mm, attributes.orientation) else {
            return false;
        };
        let row = DVec3::new(o[0], o[1], o[2]);
        let column = DVec3::new(o[3], o[4], o[5]);
        let Some(own) = row.cross(column).try_normalize() else {
            return false;
        };
        let first = *normal.get_or_insert(own);
        if own.dot(first) < 0.999 {
            return false;
        }
        placed.push((DVec3::from_array(position).dot(first), *frame));
    }
    order::sort_by(&mut placed, |a, b| a.0.total_cmp(&b.0));
    if placed
        .windows(2)
        .any(|pair| pair[1].0 - pair[0].0 < SAME_POSITION_MM)
    {
        return false;
    }
    for (slot, (_, frame)) in frames.iter_mut().zip(placed) {
        *slot = frame;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::dicomweb::json;

    fn slice(uid: u32, number: u32, position: &str) -> String {
        format!(
            r#"{{"00080018":{{"Value":["1.{uid}"]}},"00200013":{{"Value":[{number}]}},
            "00280010":{{"Value":[2]}},"00280011":{{"Value":[2]}},"00280100":{{"Value":[8]}},
            "00200037":{{"Value":[1,0,0,0,1,0]}},"00200032":{{"Value":[{position}]}}}}"#
        )
    }

    fn order(sets: &[String]) -> (Vec<String>, bool) {
        let sets = json::parse(&format!("[{}]", sets.join(","))).unwrap();
        let stack = Stack::from_metadata(&sets);
        let uids = (0..stack.frames.len()).map(|s| stack.instance(s).unwrap().uid.clone());
        (uids.collect(), stack.is_spatial)
    }

    #[test]
    fn unique_positions_are_ordered_along_the_normal_ascending() {
        let sets = [
            slice(1, 1, "0,0,30"),
            slice(2, 2, "0,0,10"),
            slice(3, 3, "0,0,20"),
        ];
        assert_eq!(
            order(&sets),
            (vec!["1.2".into(), "1.3".into(), "1.1".into()], true)
        );
    }

    #[test]
    fn a_shared_position_falls_back_to_instance_number() {
        let sets = [
            slice(1, 2, "0,0,30"),
            slice(2, 1, "0,0,30"),
            slice(3, 3, "0,0,20"),
        ];
        assert_eq!(
            order(&sets),
            (vec!["1.2".into(), "1.1".into(), "1.3".into()], false)
        );
    }

    #[test]
    fn a_number_of_frames_that_no_file_holds_costs_no_memory() {
        let image = r#"{"00080018": {"Value": ["1.2"]}, "00280008": {"Value": ["2147483647"]},
            "00280002": {"Value": [1]}, "00280004": {"Value": ["MONOCHROME2"]}, "00280010": {"Value": [1]},
            "00280011": {"Value": [1]}, "00280100": {"Value": [8]}, "00280101": {"Value": [8]},
            "00280102": {"Value": [7]}, "00280103": {"Value": [0]}}"#;
        let sets = json::parse(&format!("[{image},{image}]")).unwrap();
        let stack = Stack::from_metadata(&sets);
        assert_eq!(stack.frames.len(), MOST_FRAMES);
        for instance in &stack.instances {
            let notes: Vec<String> = instance.notes(0).collect();
            assert_eq!(
                notes,
                ["frames beyond the first 1048576 of the series are left out"]
            );
        }
    }
}
