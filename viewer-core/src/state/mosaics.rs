//! Planes of mosaics: what says where their slices lie stands beside the metadata, and is asked for when planes are.

use super::ViewerState;
use crate::model::{BulkAnswer, Mosaic, SeriesId, Stack};
use std::sync::Arc;

/// Addresses of headers that a stack's mosaics wait for.
fn awaited(stack: &Stack) -> impl Iterator<Item = &str> {
    let mosaics = stack.instances.iter().filter_map(|i| i.mosaic.as_ref());
    mosaics.filter_map(Mosaic::awaited)
}

impl ViewerState {
    /// True where planes of a series cannot be made yet; they follow when its headers have come.
    pub(super) fn awaits_headers(&mut self, series: SeriesId, stack: &Stack) -> bool {
        let is_awaited = awaited(stack).next().is_some();
        self.awaited_mosaics = is_awaited.then_some(series);
        is_awaited
    }

    /// Headers that planes wait for: their series and addresses.
    pub fn awaited_headers(&self) -> impl Iterator<Item = (SeriesId, &str)> {
        let series = (self.awaited_mosaics).and_then(|id| self.series(id));
        series.into_iter().flat_map(|series| {
            let stack = series.stack.iter().flat_map(|stack| awaited(stack));
            stack.map(move |address| (series.id, address))
        })
    }

    /// True for the address of a mosaic's header, on which no picture depends.
    pub fn is_header(&self, series: SeriesId, address: &str) -> bool {
        let stack = self.series(series).and_then(|series| series.stack.as_ref());
        stack.is_some_and(|stack| awaited(stack).any(|other| other == address))
    }

    /// Takes the header of a mosaic, or why it did not come. The planes follow the last of them.
    pub(super) fn supply_header(&mut self, series: SeriesId, address: &str, answer: &BulkAnswer) {
        let found = self.all_series.iter_mut().find(|s| s.id == series);
        let Some(stack) = found.and_then(|series| series.stack.as_mut()) else {
            return;
        };
        for instance in &mut Arc::make_mut(stack).instances {
            if let Some(mosaic) = &mut instance.mosaic {
                mosaic.supply(address, answer);
            }
        }
        if awaited(stack).next().is_none() {
            self.split_series(series);
        }
        if self.awaited_mosaics != Some(series) || self.awaited_headers().next().is_some() {
            return;
        }
        self.awaited_mosaics = None;
        if self.mpr.is_some() {
            self.assign_to_planes(series);
        } else if self.awaits_planes {
            self.enter_mpr();
        }
    }
}

#[cfg(test)]
#[path = "mosaics_tests.rs"]
mod tests;
