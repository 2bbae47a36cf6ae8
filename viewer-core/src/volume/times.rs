//! The fourth dimension of a series: volumes of one grid that differ in phase, time or b-value.
//!
//! [`groups`](super::groups()) splits a series; here those that lie at the same place and are of the same kind (type, echo, inversion time)
//! become points of one axis, each with its true time where the files say it.
//!
//! Source: DICOM PS3.3 C.7.6.16.2.2 (temporal position), C.8.3.1 (Repetition Time, Trigger Time), C.8.9.4 (Frame Reference Time),
//! C.7.4.2 (acquisition times).

use super::VolumeGrid;
use super::groups::Group;
use crate::model::{Acquisition, Stack};

/// Corners of two grids that are one may lie this far apart, mm.
const SAME_GRID_MM: f64 = 0.01;

/// One point of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct TimePoint {
    /// Its group; in [`SeriesVolumes`](crate::state::mpr::SeriesVolumes) its volume.
    pub group: usize,
    /// What it is, in words: "phase 3 of 10", "b 1000".
    pub label: String,
    /// Its true time, ms: after the R wave where it is a phase, else after the first point. `None` where the files say none.
    pub at_ms: Option<f64>,
    /// Its diffusion b-value, s/mm².
    pub b_value: Option<f64>,
}

/// The axes of a series, each of two points or more, in the order of its groups.
pub fn axes(stack: &Stack, groups: &[Group]) -> Vec<Vec<TimePoint>> {
    let mut axes: Vec<Vec<usize>> = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        let Ok(grid) = &group.grid else { continue };
        let is_of = |axis: &&mut Vec<usize>| {
            let first = &groups[axis[0]];
            let is_same = first
                .grid
                .as_ref()
                .is_ok_and(|first| is_same_grid(first, grid));
            is_same && first.kind == group.kind
        };
        match axes.iter_mut().find(is_of) {
            Some(axis) => axis.push(index),
            None => axes.push(vec![index]),
        }
    }
    axes.retain(|axis| axis.len() > 1);
    axes.into_iter()
        .map(|axis| points(stack, groups, &axis))
        .collect()
}

/// True where two grids have their voxels at the same places.
pub fn is_same_grid(a: &VolumeGrid, b: &VolumeGrid) -> bool {
    let last = a.size() - 1.0;
    let is_near = |voxel| {
        let [a, b] = [a, b].map(|grid| grid.patient_from_voxel(voxel));
        a.distance(b) <= SAME_GRID_MM
    };
    a.size() == b.size()
        && [
            glam::DVec3::ZERO,
            last,
            glam::DVec3::X * last.x,
            glam::DVec3::Y * last.y,
        ]
        .into_iter()
        .all(is_near)
}

fn points(stack: &Stack, groups: &[Group], axis: &[usize]) -> Vec<TimePoint> {
    let times = true_times(stack, groups, axis);
    let b_values: Vec<Option<f64>> = axis
        .iter()
        .map(|group| acquisitions(stack, &groups[*group]).find_map(|it| it.b_value))
        .collect();
    let differ = b_values.iter().any(|value| *value != b_values[0]);
    axis.iter()
        .enumerate()
        .map(|(index, group)| TimePoint {
            group: *group,
            label: groups[*group].name.clone(),
            at_ms: times.as_ref().map(|times| times[index]),
            b_value: b_values[index].filter(|_| differ),
        })
        .collect()
}

fn acquisitions<'a>(
    stack: &'a Stack,
    group: &'a Group,
) -> impl Iterator<Item = &'a Acquisition> + 'a {
    group.frames.iter().filter_map(|frame| {
        let instance = stack.instances.get(frame.instance)?;
        Some(&instance.frame(frame.frame_index).acquisition)
    })
}

/// The first kind of time that every point has and that rises from point to point.
fn true_times(stack: &Stack, groups: &[Group], axis: &[usize]) -> Option<Vec<f64>> {
    /// One of the times that files say, ms.
    type Of = fn(&Acquisition) -> Option<f64>;
    let of_first = |of: Of| -> Option<Vec<f64>> {
        let times: Option<Vec<f64>> = axis
            .iter()
            .map(|group| {
                let times = acquisitions(stack, &groups[*group]).map(of);
                times
                    .collect::<Option<Vec<f64>>>()?
                    .into_iter()
                    .reduce(f64::min)
            })
            .collect();
        times.filter(|times| times.is_sorted_by(|a, b| a < b))
    };
    // Phases count from the R wave, all others from the first point.
    if let Some(phases) = of_first(|it| it.trigger_time_ms) {
        return Some(phases);
    }
    const KINDS: [Of; 2] = [
        |it| it.reference_time_ms,
        |it| it.acquired_s.map(|seconds| seconds * 1000.0),
    ];
    let since = |times: Vec<f64>| {
        let first = times[0];
        times.into_iter().map(|time| time - first).collect()
    };
    if let Some(times) = KINDS.into_iter().find_map(of_first) {
        return Some(since(times));
    }
    // A file may say no more than how far its times are apart. Content Time does not count: it is when an image was made, not when
    // it was taken.
    let first = acquisitions(stack, &groups[axis[0]]).next()?;
    let count = first
        .temporal_positions
        .and_then(|count| usize::try_from(count).ok());
    let step_ms = first
        .temporal_resolution_ms
        .or_else(|| {
            first
                .repetition_time_ms
                .filter(|_| count == Some(axis.len()))
        })
        .filter(|step| *step > 0.0)?;
    #[expect(clippy::cast_precision_loss, reason = "the number of a time")]
    Some(
        (0..axis.len())
            .map(|index| index as f64 * step_ms)
            .collect(),
    )
}
