//! The time that a viewport shows of a series that has several: cardiac phases, dynamic series, b-values.
//!
//! In planes another time is another volume of the same place; in a stack it is the image of another time at the same place.

use super::mpr::SeriesVolumes;
use super::{ViewerState, Viewport};
use crate::model::SeriesId;
use crate::volume::TimePoint;
use std::sync::Arc;

/// Where a viewport stands in time.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeShown {
    volumes: Arc<SeriesVolumes>,
    axis: usize,
    /// The point on screen.
    pub index: usize,
    /// Which slice of its volume is on screen, in a stack.
    place: usize,
}

impl TimeShown {
    /// All points, each with its volume.
    pub fn points(&self) -> &[TimePoint] {
        &self.volumes.axes[self.axis]
    }

    fn of(volumes: &Arc<SeriesVolumes>, volume: usize, place: usize) -> Option<Self> {
        let index_in = |axis: &Vec<TimePoint>| axis.iter().position(|point| point.group == volume);
        let mut axes = volumes.axes.iter().enumerate();
        let (axis, index) = axes.find_map(|(axis, points)| Some((axis, index_in(points)?)))?;
        Some(Self {
            volumes: Arc::clone(volumes),
            axis,
            index,
            place,
        })
    }
}

impl ViewerState {
    /// The time that a viewport shows; `None` where its series has but one.
    pub fn time_shown(&self, viewport: &Viewport) -> Option<TimeShown> {
        if viewport.plane.is_some() {
            let mpr = self.mpr.as_ref()?;
            return TimeShown::of(&mpr.volumes, mpr.chosen, 0);
        }
        let volumes = self.split.get(&viewport.series?)?;
        let slice = u32::try_from(viewport.slice).ok()?;
        let held = volumes
            .volumes
            .iter()
            .enumerate()
            .find_map(|(index, volume)| {
                let place = volume.slices.iter().position(|it| *it == slice)?;
                Some((index, place))
            });
        let (volume, place) = held?;
        TimeShown::of(volumes, volume, place)
    }

    /// Shows another time, where there is such a one.
    pub(super) fn set_time(&mut self, viewport: usize, index: usize) {
        let Some(shown) = self.viewports.get(viewport) else {
            return;
        };
        let Some(time) = self.time_shown(shown) else {
            return;
        };
        let Some(point) = time.points().get(index) else {
            return;
        };
        if shown.plane.is_some() {
            self.choose_volume(point.group);
            return;
        }
        let slice = time.volumes.volumes[point.group].slices.get(time.place);
        if let Some(slice) = slice.and_then(|slice| usize::try_from(*slice).ok()) {
            self.set_slice(viewport, slice);
        }
    }

    /// Goes on in time, from the last to the first.
    pub(super) fn step_time(&mut self, viewport: usize, delta: i64) {
        let shown = self.viewports.get(viewport);
        let Some(time) = shown.and_then(|shown| self.time_shown(shown)) else {
            return;
        };
        let [index, count] = [time.index, time.points().len()].map(i64::try_from);
        if let (Ok(index), Ok(count)) = (index, count)
            && let Ok(index) = usize::try_from((index + delta).rem_euclid(count))
        {
            self.set_time(viewport, index);
        }
    }

    /// Finds the times of a series whose images share places: others have none, and are not split for nothing.
    pub(super) fn split_series(&mut self, series: SeriesId) {
        self.split.remove(&series);
        let stack = self.series(series).and_then(|series| series.stack.clone());
        let Some(stack) = stack.filter(|stack| !stack.is_spatial && stack.frames.len() > 1) else {
            return;
        };
        let volumes = SeriesVolumes::of(&stack);
        if !volumes.axes.is_empty() {
            self.split.insert(series, Arc::new(volumes));
        }
    }
}
