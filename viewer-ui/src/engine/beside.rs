//! What stands beside the pixels: tables, profiles and overlay planes that come by their own addresses.
//!
//! Without a modality LUT or a palette nothing can be drawn, so they are asked for at once. Everything else
//! waits until the first image stands on screen.

use super::{Effect, Engine};
use std::collections::HashSet;
use std::sync::Arc;
use viewer_core::loading::FrameKey;
use viewer_core::model::{BulkAnswer, OverlaySource, SeriesId};
use viewer_core::pixel::{Mask, OverlayBits};
use viewer_core::state::Action;

/// What was asked for beside the pixels.
#[derive(Debug, Default)]
pub(super) struct Beside {
    asked: HashSet<(SeriesId, String)>,
    /// Overlay planes in the pixels of frames: `None` while they are on their way.
    in_pixels: Vec<(FrameKey, Option<Vec<OverlayBits>>)>,
}

/// Frames whose overlay planes in the pixels are kept.
const MOST_IN_PIXELS: usize = 32;

impl Engine {
    /// Asks for what the frames on screen need, and makes their masks.
    pub(super) fn complete_shown(&mut self, effects: &mut Vec<Effect>) {
        let is_first_drawn = self.figures.first_drawn_ms.is_some();
        let headers: Vec<(SeriesId, String)> = (self.state.awaited_headers())
            .map(|(series, address)| (series, address.to_owned()))
            .collect();
        for (series, address) in headers {
            self.ask_beside(series, address, effects);
        }
        for index in 0..self.state.viewports.len() {
            let Some(shown) = self.state.viewports[index].shown(&self.state) else {
                continue;
            };
            let (key, series) = (shown.key(), shown.series.id);
            let (instance, frame_index) = (shown.instance, shown.frame_index);
            let awaited = instance.awaited(frame_index);
            let has_graphics = instance.shutter.is_some() || !instance.overlays.is_empty();
            let is_in_pixels = instance.overlays.iter().any(|plane| {
                matches!(plane.source, OverlaySource::PixelBit(_))
                    && plane.frame_on(frame_index).is_some()
            });
            let mask = (has_graphics && !self.state.masks.contains_key(&key))
                .then(|| self.mask_of(key))
                .flatten();
            for (address, comes_first) in awaited {
                if comes_first || is_first_drawn {
                    self.ask_beside(series, address, effects);
                }
            }
            if let Some(mask) = mask {
                self.state.apply(Action::MaskMade { key, mask });
                self.is_dirty = true;
            }
            if is_in_pixels && is_first_drawn {
                self.ask_for_pixel_planes(key, effects);
            }
        }
    }

    fn ask_beside(&mut self, series: SeriesId, address: String, effects: &mut Vec<Effect>) {
        let asked = (series, address);
        if self.beside.asked.contains(&asked) {
            return;
        }
        match self.bulk_address(series, &asked.1) {
            Some(url) => {
                self.figures.requests += 1;
                effects.push(Effect::GetBulk {
                    series,
                    address: asked.1.clone(),
                    url,
                });
            }
            None => self.bulk_came(
                series,
                asked.1.clone(),
                Err("its address is not valid".into()),
            ),
        }
        self.beside.asked.insert(asked);
    }

    /// The address of a value at the series' own source, whatever host the metadata name: servers behind a
    /// proxy name their own, and no request may leave the configured source.
    fn bulk_address(&self, series: SeriesId, address: &str) -> Option<String> {
        if let Some(at) = address.find("/studies/") {
            return self.address(address[at..].trim_start_matches('/'));
        }
        let is_odd = address.contains("://") || address.starts_with('/') || address.contains('\\');
        if is_odd || address.to_ascii_lowercase().contains("%2e") {
            return None;
        }
        let series = self.state.series(series)?;
        let study = self.state.studies.get(series.study)?;
        let base = protocol::dicomweb::path::one_series(&study.uid, &series.uid);
        // Static trees go up and down, but never out of the root.
        let mut parts: Vec<&str> = base.split('/').collect();
        for part in address.split('/') {
            match part {
                ".." => drop(parts.pop()?),
                "." => {}
                part => parts.push(part),
            }
        }
        self.address(&parts.join("/"))
    }

    /// A value came, or will not.
    pub(super) fn bulk_came(&mut self, series: SeriesId, address: String, answer: BulkAnswer) {
        if let Err(reason) = &answer {
            self.note(format!("a value beside the pixels is missing: {reason}"));
        }
        let is_header = self.state.is_header(series, &address);
        let had_planes = self.state.mpr.is_some();
        self.state.apply(Action::BulkCame {
            series,
            address,
            answer,
        });
        if self.state.mpr.is_some() != had_planes {
            self.layout_changed();
        }
        if is_header {
            self.is_dirty = true;
            return;
        }
        // Frames that are here were measured without the table, and drawn without the profile.
        let keys: Vec<FrameKey> = (self.state.viewports.iter())
            .filter_map(|viewport| Some(viewport.shown(&self.state)?.key()))
            .filter(|key| key.series == series)
            .collect();
        for key in keys {
            if let Some(frame) = self.cache.get(key).cloned() {
                self.find_range(key, &frame);
            }
        }
        if let Some(screen) = &mut self.screen {
            for key in self.cache.keys().filter(|key| key.series == series) {
                screen.forget(key);
            }
        }
        self.on_canvas = None;
        self.is_dirty = true;
    }

    /// The mask of a frame, of what is here; `None` while nothing of it is.
    #[expect(
        clippy::option_option,
        reason = "no mask is an answer too: the frame has none"
    )]
    fn mask_of(&self, key: FrameKey) -> Option<Option<Mask>> {
        let stack = self.state.series(key.series)?.stack.as_ref()?;
        let (instance, frame_index) = stack.at(usize::try_from(key.slice).ok()?)?;
        let format = instance.format.as_ref().ok()?;
        let planes = instance.overlays.iter();
        let mut bits: Vec<OverlayBits> =
            planes.filter_map(|plane| plane.bits(frame_index)).collect();
        let in_pixels = self.beside.in_pixels.iter();
        let found = in_pixels.filter(|(known, _)| *known == key);
        bits.extend(
            found
                .filter_map(|(_, planes)| planes.as_ref())
                .flatten()
                .cloned(),
        );
        if bits.is_empty() && instance.shutter.is_none() {
            return None;
        }
        let size = [format.columns, format.rows];
        Some(Mask::new(size, &bits, instance.shutter.as_ref()))
    }

    fn ask_for_pixel_planes(&mut self, key: FrameKey, effects: &mut Vec<Effect>) {
        if self.beside.in_pixels.iter().any(|(known, _)| *known == key) {
            return;
        }
        if self.beside.in_pixels.len() >= MOST_IN_PIXELS {
            self.beside.in_pixels.remove(0);
        }
        self.beside.in_pixels.push((key, None));
        effects.push(Effect::GetPixelPlanes { key });
    }

    /// Overlay planes in the pixels of a frame are known.
    pub(super) fn pixel_planes_came(&mut self, key: FrameKey, planes: Vec<OverlayBits>) {
        let mut known = self.beside.in_pixels.iter_mut();
        if let Some((_, kept)) = known.find(|(known, _)| *known == key) {
            *kept = Some(planes);
        }
        if let Some(mask) = self.mask_of(key) {
            self.state.apply(Action::MaskMade { key, mask });
            self.is_dirty = true;
        }
    }

    /// The ICC profile of a frame, where it is here.
    pub(super) fn profile_of(&self, key: FrameKey) -> Option<Arc<[u8]>> {
        let stack = self.state.series(key.series)?.stack.as_ref()?;
        let instance = stack.instance(usize::try_from(key.slice).ok()?)?;
        match instance.icc_profile.as_ref()? {
            viewer_core::model::BulkValue::Here(bytes) => Some(Arc::clone(bytes)),
            _ => None,
        }
    }

    /// True while the window of the image in a viewport is on its way.
    pub(super) fn awaits_window(&self, viewport: usize) -> bool {
        let viewport = self.state.viewports.get(viewport);
        let shown = viewport.and_then(|viewport| viewport.shown(&self.state));
        shown.is_some_and(|shown| {
            let grey = &shown.instance.frame(shown.frame_index).grey;
            grey.awaited().next().is_some()
        })
    }

    /// Nothing is open any more.
    pub(super) fn forget_beside(&mut self) {
        self.beside = Beside::default();
    }
}
