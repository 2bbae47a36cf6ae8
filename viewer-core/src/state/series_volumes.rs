//! The volumes of a series, and which of them differ in time alone.

use crate::model::{FrameRef, Stack};
use crate::volume::{Group, Tiling, TimePoint, VolumeGrid, groups, no_volume, times};
use std::collections::HashMap;
use std::sync::Arc;

/// A group of a series that is a volume.
#[derive(Debug, Clone, PartialEq)]
pub struct Volume {
    /// What it is, in words; empty where the series is one group.
    pub name: String,
    /// Where its voxels lie.
    pub grid: Arc<VolumeGrid>,
    /// For each slice of the grid its place in the series' stack.
    pub slices: Vec<u32>,
    /// Which parts of their images the slices are, where those are mosaics.
    pub tiling: Option<Tiling>,
    /// Number type, signs and size that all slices share: bytes of one slice.
    pub slice_bytes: usize,
}

/// The volumes of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesVolumes {
    /// In the order of [`groups`]; those that are none are left out.
    pub volumes: Vec<Volume>,
    /// Volumes that differ in time alone: the places in `volumes` of each axis, with their times.
    pub axes: Vec<Vec<TimePoint>>,
    /// Why there are none, in words.
    pub refusal: Option<String>,
}

impl Volume {
    /// The frames that hold its slices, each once.
    pub fn frames(&self) -> impl Iterator<Item = u32> {
        let repeats = |place: &usize| match &self.tiling {
            Some(_) => self.slices[..*place].contains(&self.slices[*place]),
            None => false,
        };
        let places = (0..self.slices.len()).filter(move |place| !repeats(place));
        places.map(|place| self.slices[place])
    }
}

impl SeriesVolumes {
    /// Splits a stack.
    pub fn of(stack: &Stack) -> Self {
        let groups = groups(stack);
        let refusal = no_volume(stack, &groups);
        let places = stack.frames.iter().enumerate();
        let places: HashMap<FrameRef, usize> = places.map(|(at, frame)| (*frame, at)).collect();
        let mut volumes = Vec::new();
        let mut of_group = Vec::new();
        for group in &groups {
            let volume = volume(stack, group, &places);
            of_group.push(volume.is_some().then_some(volumes.len()));
            volumes.extend(volume);
        }
        let mut axes = times::axes(stack, &groups);
        for axis in &mut axes {
            axis.retain_mut(|point| {
                let volume = of_group[point.group];
                point.group = volume.unwrap_or_default();
                volume.is_some()
            });
        }
        Self {
            volumes,
            axes,
            refusal,
        }
    }
}

fn volume(stack: &Stack, group: &Group, places: &HashMap<FrameRef, usize>) -> Option<Volume> {
    let grid = group.grid.as_ref().ok()?;
    let place = |frame| places.get(frame).copied();
    let slices: Option<Vec<u32>> = group
        .frames
        .iter()
        .map(|frame| u32::try_from(place(frame)?).ok())
        .collect();
    let first = stack.instances.get(group.frames.first()?.instance)?;
    let format = first.format.as_ref().ok()?;
    let bytes = usize::from(format.bits_allocated.div_ceil(8));
    Some(Volume {
        name: group.name.clone(),
        grid: Arc::new(grid.clone()),
        slices: slices?,
        tiling: group.tiling.clone(),
        slice_bytes: grid.rows as usize * grid.columns as usize * bytes,
    })
}
