//! Drawing: what stands on the canvas after the next animation frame.

use super::screen::{DrawItem, DrawOutcome, Screen, ShownFrame, Shows};
use super::waiting::{Told, ViewerError};
use super::{Effect, Engine, EngineHandle};
use crate::platform::{canvas, clock};
use crate::store::{Notice, Severity};
use viewer_core::pixel::FrameParams;
use wasm_bindgen::JsValue;

/// Id of the notice about the screen.
const SCREEN_NOTICE: u32 = 1;
/// Most notes of `stats()`.
const MOST_NOTES: usize = 64;
/// Figures kept of each kind for percentiles.
const MOST_FIGURES: usize = 4096;

impl Engine {
    pub(super) fn screen_ready(&mut self, screen: Screen) {
        if let Some(note) = screen.note()
            && !self.figures.notes.contains(&note)
        {
            self.note(note);
        }
        if screen.is_cpu() && self.screen.is_none() {
            self.screen_note = Some(Notice {
                id: SCREEN_NOTICE,
                severity: Severity::Neutral,
                title: "This browser has no GPU for drawing.".into(),
                sentence: "Images are drawn by the processor: same values, slower to scroll."
                    .into(),
                can_try_again: false,
                can_dismiss: true,
            });
        }
        let mut screen = screen;
        screen.leave_planes_to(self.plane_workers.clone());
        self.screen = Some(screen);
        self.drawn.clear();
        self.on_canvas = None;
        self.is_dirty = true;
    }

    pub(super) fn screen_failed(&mut self, error: &ViewerError) {
        self.note(&*error.message);
        // On another display the screen that there is goes on.
        if self.screen.is_none() {
            self.screen_failure = Some(error.clone());
        }
        self.is_dirty = true;
    }

    pub(super) fn screen_lost(&mut self, effects: &mut Vec<Effect>) {
        // Several events tell of one loss: the first one counts.
        let Some(screen) = self.screen.take() else {
            return;
        };
        drop(screen);
        self.drawn.clear();
        self.on_canvas = None;
        self.is_dirty = true;
        self.note("the graphics card was reset and the view rebuilt");
        self.screen_note = Some(Notice {
            id: SCREEN_NOTICE,
            severity: Severity::Neutral,
            title: "The graphics card was reset.".into(),
            sentence: "The view was rebuilt; nothing is lost.".into(),
            can_try_again: false,
            can_dismiss: true,
        });
        effects.push(Effect::RebuildScreen);
    }

    /// What every viewport shows that can be drawn now.
    pub(super) fn draw_items(&self) -> Vec<Option<Shows>> {
        (0..self.state.viewports.len())
            .map(|index| {
                let rect = self.rects.get(index)?;
                if rect[2] == 0 || rect[3] == 0 {
                    return None;
                }
                let viewport = &self.state.viewports[index];
                if self.state.volume_of(viewport).is_some() {
                    return self.plane_item(index).map(Shows::Plane);
                }
                let (key, params) = viewport.frame_params(&self.state)?;
                let profile = self.profile_of(key);
                let frame = ShownFrame {
                    key,
                    params,
                    profile,
                };
                self.cache.contains(key).then_some(Shows::Frame(frame))
            })
            .collect()
    }

    pub(super) fn paint(&mut self, effects: &mut Vec<Effect>) {
        // A frame that the cine has just come to is drawn with its shutter and its planes.
        self.complete_shown(effects);
        self.is_dirty = false;
        if self.page != crate::store::Page::List {
            self.draw(effects);
        }
        self.show(effects);
    }

    fn draw(&mut self, effects: &mut Vec<Effect>) {
        if !self.feed_volumes(effects) {
            return;
        }
        let drawable = self.draw_items();
        let items: Vec<DrawItem> = drawable
            .iter()
            .zip(&self.rects)
            .enumerate()
            .filter_map(|(viewport, (shows, rect))| {
                Some(DrawItem {
                    viewport,
                    rect: *rect,
                    shows: shows.clone()?,
                })
            })
            .collect();
        let Some(screen) = self.screen.as_mut() else {
            return;
        };
        let [width, height] = self.area;
        if width == 0 || height == 0 {
            return;
        }
        // What is on the canvas already is not drawn again: frames that arrive unseen cost no drawing.
        if self.on_canvas.as_ref() == Some(&(items.clone(), self.area)) {
            return;
        }
        self.on_canvas = None;
        let began_ms = clock::now_ms();
        match screen.draw(&items, [width, height], &self.cache, &mut self.scratch) {
            DrawOutcome::Drawn { failed, unfinished } => {
                // What the graphics card's driver complains of is for support; the same only once.
                for error in screen.take_errors() {
                    if !self.figures.notes.contains(&error) && self.figures.notes.len() < MOST_NOTES
                    {
                        self.figures.notes.push(error);
                    }
                }
                push_figure(&mut self.figures.draw_ms, clock::now_ms() - began_ms);
                if std::mem::take(&mut self.is_covered) {
                    effects.push(Effect::CoverCanvas(false));
                }
                self.drawn = drawable;
                for (viewport, stands) in unfinished {
                    self.drawn[viewport] = stands.map(Shows::Plane);
                }
                if failed.is_empty() {
                    self.on_canvas = Some((items, self.area));
                }
                for (key, reason) in failed {
                    self.cache.remove(key);
                    let failure = viewer_core::loading::Failure::Decode { reason };
                    self.queue.failed(key, failure, began_ms);
                    self.is_dirty = true;
                }
                effects.push(Effect::Tell(Told::ViewportChanged));
                let active_is_drawn = self
                    .drawn
                    .get(self.state.active)
                    .is_some_and(Option::is_some);
                if self.figures.first_image_ms.is_none() && active_is_drawn {
                    if self.figures.first_drawn_ms.is_none() {
                        self.figures.first_drawn_ms = Some(clock::now_ms() - self.opened_at_ms);
                    }
                    // An image whose window is still on its way is not final.
                    if !self.awaits_window(self.state.active) {
                        effects.push(Effect::AwaitGpu { began_ms });
                    }
                }
            }
            DrawOutcome::NotNow => self.is_dirty = true,
            DrawOutcome::Lost => self.screen_lost(effects),
        }
    }

    pub(super) fn draw_finished(&mut self, began_ms: f64, effects: &mut Vec<Effect>) {
        if self.figures.first_image_ms.is_some() || began_ms < self.opened_at_ms {
            return;
        }
        let ms = clock::now_ms() - self.opened_at_ms;
        self.figures.first_image_ms = Some(ms);
        self.is_dirty = true;
        effects.push(Effect::Tell(Told::FirstImage { ms }));
    }
}

/// Adds a figure; the oldest half goes when there are too many.
pub(super) fn push_figure(figures: &mut Vec<f64>, value: f64) {
    if figures.len() >= MOST_FIGURES {
        figures.drain(..MOST_FIGURES / 2);
    }
    figures.push(value);
}

/// The drawn pixels of a viewport as a PNG.
pub async fn capture(handle: &EngineHandle, viewport: usize) -> Result<web_sys::Blob, JsValue> {
    let failed = |words: &str| JsValue::from(ViewerError::new("capture_failed", words));
    let (width, height, reading) = handle
        .with_mut(|engine| {
            let shown = engine.state.viewports.get(viewport)?;
            let (width, height) = (shown.width, shown.height);
            if engine.state.volume_of(shown).is_some() {
                let item = engine.plane_item(viewport)?;
                let reading = engine.screen.as_mut()?.read_back_plane(&item);
                return Some((width, height, reading));
            }
            let (key, params) = shown.frame_params(&engine.state)?;
            let item = ShownFrame {
                key,
                // The planes are an overlay; the shutter is part of the picture.
                params: FrameParams {
                    shows_overlays: false,
                    ..params
                },
                profile: engine.profile_of(key),
            };
            let Engine {
                screen,
                cache,
                scratch,
                ..
            } = engine;
            let reading = screen
                .as_mut()?
                .read_back(item, [width, height], cache, scratch);
            Some((width, height, reading))
        })
        .ok_or_else(|| failed("the viewport shows nothing"))?;
    let rgba = reading.await.map_err(|words| failed(&words))?;
    canvas::png(&rgba, width, height).await
}
