//! The snapshot that components show, made after each change from state, queue and cache.

use super::{Effect, Engine, MetadataState, text, waiting::Told};
use crate::store::{
    Banner, Content, Letters, Notice, PictureOf, PresetView, RailGroup, RailSeries, ReaderView,
    Severity, StudyFailure, ViewportView,
};
use std::rc::Rc;
use viewer_core::geometry::{PatientDirections, edge_letters, parse_patient_orientation};
use viewer_core::loading::{Failure, FrameKey, FrameState};
use viewer_core::model::{Instance, Series, SeriesId, document_note};
use viewer_core::pixel::VoiLut;
use viewer_core::state::{Viewport, viewport::ShownFrame};
use viewer_core::tools::WindowSource;
use viewer_core::tools::marks::{LoadCount, Marked, PlaneMarked, marks, plane_marks};
use viewer_core::tools::overlay::{self, series_name};
use viewer_core::tools::probe::{Probe, probe};
use viewer_core::tools::window_level::window_words;

/// Id of the notice about the connection.
const CONNECTION_NOTICE: u32 = 2;

impl Engine {
    /// Makes a snapshot and shows it where it differs from the last one.
    pub(super) fn show(&mut self, effects: &mut Vec<Effect>) {
        let view = self.view();
        if !self.told_complete && !self.state.studies.is_empty() && self.all_shown_are_complete() {
            self.told_complete = true;
            effects.push(Effect::Tell(Told::Complete));
        }
        let failure = self.failure_now();
        if self.told_failure != failure {
            self.told_failure.clone_from(&failure);
            effects.extend(failure.map(|error| Effect::Tell(Told::Error(error))));
        }
        if self.last_view.as_deref() != Some(&view) {
            let view = Rc::new(view);
            self.last_view = Some(Rc::clone(&view));
            effects.push(Effect::Show(view));
        }
    }

    fn all_shown_are_complete(&self) -> bool {
        if let (true, Some(count)) = (self.state.mpr.is_some(), self.volume_count(0)) {
            return count.loaded + count.failed >= count.total;
        }
        let shown: Vec<SeriesId> = self
            .state
            .viewports
            .iter()
            .filter_map(|v| v.series)
            .collect();
        !shown.is_empty()
            && shown.iter().all(|id| {
                self.load_count(*id)
                    .is_some_and(|count| count.loaded + count.failed >= count.total)
            })
    }

    fn view(&self) -> ReaderView {
        let active = self.state.active;
        let window = self
            .state
            .viewports
            .get(active)
            .and_then(|v| v.window(&self.state));
        let chosen = self.state.viewports.get(active).map(|v| v.window);
        let shown = self.state.viewports.get(active);
        let shown = shown.and_then(|viewport| viewport.shown(&self.state));
        let is_table = |source| match source {
            WindowSource::File(index) => shown.is_some_and(|shown| {
                let voi = &shown.instance.frame(shown.frame_index).grey.voi;
                let named = voi.get(index);
                named.is_some_and(|named| matches!(named.voi, VoiLut::Table(_)))
            }),
            _ => false,
        };
        let uptake = shown.and_then(|shown| shown.instance.uptake());
        let presets = self
            .state
            .presets(active)
            .into_iter()
            .take(9)
            .map(|preset| PresetView {
                values: if is_table(preset.source) {
                    "LUT".into()
                } else {
                    let [width, center] = window_words(preset.window, uptake);
                    format!("W {width} L {center}")
                },
                is_chosen: chosen == Some(preset.source),
                is_own: matches!(preset.source, WindowSource::File(_)),
                name: preset.name,
            })
            .collect();
        ReaderView {
            banner: self.banner(),
            rail: self.rail(),
            layout: Some(self.state.layout),
            layouts_chosen: self.layouts_chosen,
            viewports: (0..self.state.viewports.len())
                .map(|index| self.viewport_view(index))
                .collect(),
            active,
            large: self.state.large,
            tool: self.state.tool,
            overlay: self.state.overlay,
            linked: self.state.linked,
            mpr: self.mpr_view(),
            slab: self.slab_view(),
            can_play: self.can_play(active),
            plays: self.state.playing.is_some_and(|it| it.viewport == active),
            planes: (self.state.has_overlay_planes()).then_some(self.state.shows_overlays),
            presets,
            preset_label: window
                .map(|(_, name)| {
                    if name.is_empty() {
                        "Custom".into()
                    } else {
                        name
                    }
                })
                .unwrap_or_else(|| "Window".into()),
            window: self
                .state
                .viewports
                .get(active)
                .and_then(|v| v.window(&self.state))
                .map(|w| w.0),
            notice: self.notice(),
            toasts: Vec::new(),
            failure: self.failure.clone().or_else(|| self.screen_failure_view()),
            is_opening: self.link.is_some()
                && self.state.all_series.is_empty()
                && self.failure.is_none(),
            has_next_study: self.has_neighbours.1,
            has_previous_study: self.has_neighbours.0,
        }
    }

    /// Without anything to draw on no study can be shown.
    fn screen_failure_view(&self) -> Option<StudyFailure> {
        let error = self.screen_failure.as_ref()?;
        Some(StudyFailure {
            title: "Images cannot be drawn".into(),
            sentence: super::opening::sentence(&error.message),
            code: error.code.clone(),
            time: String::new(),
            can_try_again: false,
        })
    }

    fn banner(&self) -> Banner {
        let Some(study) = self.state.studies.first() else {
            return Banner::default();
        };
        let patient = &study.patient;
        let name = patient.name.display();
        let sex_age: Vec<String> = [
            (!patient.sex.is_empty()).then(|| patient.sex.clone()),
            text::age(&patient.birth_date, &study.date),
        ]
        .into_iter()
        .flatten()
        .collect();
        let facts = [
            sex_age.join(" "),
            text::date(&patient.birth_date),
            if patient.id.is_empty() {
                String::new()
            } else {
                format!("ID {}", patient.id)
            },
        ];
        let when = [text::date(&study.date), text::time(&study.time)];
        let when = when
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let described = [study.description.clone(), when];
        Banner {
            name: if name.is_empty() && !self.metadata.is_empty() {
                "No name".into()
            } else {
                name
            },
            facts: facts.into_iter().filter(|fact| !fact.is_empty()).collect(),
            description: study.description.clone(),
            date: study.date.clone(),
            study: described
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(" \u{b7} "),
        }
    }

    fn rail(&self) -> Vec<RailGroup> {
        self.state
            .studies
            .iter()
            .enumerate()
            .map(|(index, study)| RailGroup {
                title: if index == 0 {
                    "This study".into()
                } else {
                    text::date(&study.date)
                },
                series: self
                    .state
                    .all_series
                    .iter()
                    .filter(|series| series.study == index)
                    .map(|series| self.rail_series(series))
                    .collect(),
            })
            .collect()
    }

    fn rail_series(&self, series: &Series) -> RailSeries {
        let shown_in: Vec<char> = self
            .state
            .viewports
            .iter()
            .enumerate()
            .filter(|(_, viewport)| viewport.series == Some(series.id))
            .map(|(index, _)| letter(index))
            .collect();
        let active = self
            .state
            .viewports
            .get(self.state.active)
            .and_then(|v| v.series);
        let count = self.load_count(series.id);
        let frames = count.map(|count| count.total);
        let was_asked = count.is_some_and(|count| count.loaded > 0 || !shown_in.is_empty());
        RailSeries {
            id: series.id,
            number: series
                .number
                .map(|number| number.to_string())
                .unwrap_or_default(),
            name: series_name(series),
            modality: series.modality.clone(),
            count: frames.or(series.instance_count.and_then(|n| usize::try_from(n).ok())),
            picture: self.picture(series).filter(|_| !series.is_document()),
            document: self.picture(series).filter(|_| series.is_document()),
            is_active: active == Some(series.id),
            shown_in,
            is_document: series.is_document(),
            note: document_note(series),
            loaded: count.filter(|_| was_asked).map(|count| count.loaded),
            failed: count.map_or(0, |count| count.failed),
            problem: match self.metadata.get(&series.id) {
                Some(MetadataState::Failed { reason, .. }) => Some(reason.clone()),
                _ => None,
            },
        }
    }

    /// Small pictures and documents wait for the first image, which has the network for itself, where there is any image.
    fn picture(&self, series: &Series) -> Option<PictureOf> {
        let mut all = self.state.all_series.iter();
        if self.figures.first_image_ms.is_none() && !all.all(Series::is_document) {
            return None;
        }
        let study = self.state.studies.get(series.study)?;
        Some(PictureOf {
            root: self.source()?.root.clone(),
            study: study.uid.clone(),
            series: series.uid.clone(),
        })
    }

    /// How far a series has come; `None` before its metadata are here.
    pub fn load_count(&self, id: SeriesId) -> Option<LoadCount> {
        let stack = self.state.series(id)?.stack.as_ref()?;
        let total = stack.frames.len();
        // Of a volume larger than memory, slices count that its planes were given.
        if let Some(count) = self.large_count(id).filter(|count| count.total == total) {
            return Some(count);
        }
        let keys = (0..total).filter_map(|slice| {
            Some(FrameKey {
                series: id,
                slice: u32::try_from(slice).ok()?,
            })
        });
        let mut count = LoadCount {
            total,
            ..LoadCount::default()
        };
        for key in keys {
            if self.cache.contains(key) {
                count.loaded += 1;
            } else if self.queue.has_failed(key) {
                count.failed += 1;
            }
        }
        count.is_offline = self.queue.connection_lost_until_ms().is_some();
        Some(count)
    }

    /// Why a series' metadata are not here and will not come by themselves.
    pub(super) fn final_metadata_failure(&self, id: SeriesId) -> Option<String> {
        match self.metadata.get(&id) {
            Some(MetadataState::Failed { reason, .. }) if self.metadata_again_at_ms.is_none() => {
                Some(reason.clone())
            }
            _ => None,
        }
    }

    fn notice(&self) -> Option<Notice> {
        let until = self.queue.connection_lost_until_ms();
        if let Some(until) = until {
            let (mut loaded, mut total) = (0, 0);
            for id in self
                .state
                .viewports
                .iter()
                .filter_map(|viewport| viewport.series)
            {
                if let Some(count) = self.load_count(id) {
                    loaded += count.loaded;
                    total += count.total;
                }
            }
            let seconds = ((until - self.now()) / 1000.0).ceil().max(0.0);
            let next = if seconds > 0.0 {
                format!(" in {seconds} s")
            } else {
                " now".into()
            };
            return Some(Notice {
                id: CONNECTION_NOTICE,
                severity: Severity::Warning,
                title: "No connection.".into(),
                sentence: format!(
                    "{loaded} of {total} images are here and stay usable. Loading goes on by itself; next try{next}."
                ),
                can_try_again: true,
                can_dismiss: false,
            });
        }
        self.screen_note.clone().or_else(|| self.planes_notice())
    }

    /// The snapshot of one viewport.
    pub fn viewport_view(&self, index: usize) -> ViewportView {
        let mut view = ViewportView {
            letter: letter(index),
            ..ViewportView::default()
        };
        let Some(viewport) = self.state.viewports.get(index) else {
            return view;
        };
        view.series = viewport.series;
        view.time = self.time_view(viewport);
        let Some(shown) = viewport.shown(&self.state) else {
            view.content = self.content_without_frame(viewport);
            return view;
        };
        if viewport.plane.is_some() {
            // Nothing of it is known only while its volume changes.
            let _ = self.plane_view(index, &mut view);
            return view;
        }
        let count = self.load_count(shown.series.id).unwrap_or_default();
        view.slice = shown.slice;
        view.slices = count.total;
        let playing = self.playing_words(index, &shown);
        // A screen reader hears that it plays, not every image that passes.
        view.spoken = playing.as_ref().map_or_else(
            || format!("Image {} of {}", shown.slice + 1, count.total),
            |words| format!("Playing, {words}"),
        );
        view.content = self.content(index, &shown, count);
        let probed = self
            .hover
            .filter(|(over, _)| *over == index)
            .and_then(|(_, at)| self.probe(index, at[0], at[1]));
        view.corners = overlay::corners(&overlay::Shown {
            series: shown.series,
            stack: shown.stack,
            slice: shown.slice,
            scale: viewport
                .geometry(&self.state)
                .map_or(1.0, |geometry| geometry.scale),
            voi: viewport.voi(&self.state),
            inverted: viewport.inverted,
            probe: probed.as_ref(),
            playing,
            hides_planes: !self.state.shows_overlays && !shown.instance.overlays.is_empty(),
            slab: viewport.slab.as_ref().map(|it| it.slab),
        });
        let is_cpu = self
            .screen
            .as_ref()
            .is_some_and(super::screen::Screen::is_cpu);
        view.notes = shown.instance.notes(shown.frame_index).collect();
        view.notes.extend(not_shown(&shown.stack.instances));
        let disagreements = match viewport.slab {
            Some(_) => self.told.of_series(shown.series.id),
            None => self.told.of_frame(shown.key()),
        };
        view.marks = marks(&Marked {
            disagreements: &disagreements,
            instance: shown.instance,
            frame_index: shown.frame_index,
            count,
            is_cpu,
            at: probed.map(|it| [f64::from(it.column), f64::from(it.row)]),
            notes: &view.notes,
        });
        if let Some(volume) = self.state.volume_of(viewport) {
            plane_marks(
                &mut view.marks,
                &PlaneMarked {
                    grid: &volume.volume.grid,
                    is_coarse: !self.is_plane_final(index),
                },
            );
        }
        view.letters = letters(self, viewport, &shown);
        view.reference_line = self.state.reference_line(index);
        view.pointed = self.state.pointed_at(index);
        (view.loaded_runs, view.failed_slices) = self.runs(shown.series.id, count.total);
        view
    }

    fn content_without_frame(&self, viewport: &Viewport) -> Content {
        let Some(series) = viewport.series.and_then(|id| self.state.series(id)) else {
            return Content::Empty;
        };
        if let Some(reason) = self.final_metadata_failure(series.id) {
            return Content::Failed {
                title: "This series could not be opened".into(),
                sentence: reason,
                can_fetch_again: true,
            };
        }
        match &series.stack {
            None => Content::Loading("Reading the series".into()),
            Some(_) => Content::Document(
                document_note(series).unwrap_or_else(|| "This series holds no images.".into()),
            ),
        }
    }

    fn content(&self, index: usize, shown: &ShownFrame, count: LoadCount) -> Content {
        let key = shown.key();
        match self.queue.state(key, &self.cache) {
            _ if self.plane_refusal(index).is_some() => Content::Failed {
                title: "This slab cannot be drawn".into(),
                sentence: super::opening::sentence(self.plane_refusal(index).unwrap_or_default()),
                can_fetch_again: false,
            },
            FrameState::Loaded if self.drawn.get(index).is_some_and(Option::is_some) => {
                Content::Image
            }
            FrameState::Failed(failure) => {
                let (reason, is_decode) = match failure {
                    Failure::Connection => ("The server could not be reached.".to_owned(), false),
                    Failure::Server { reason } => (reason, false),
                    Failure::Decode { reason } => (reason, true),
                };
                let others = count.total - 1;
                let rest = match (others, count.failed) {
                    (0, _) => String::new(),
                    (others, 1) => format!(" The other {others} images are not affected."),
                    (_, failed) => format!(" {failed} of {} images failed.", count.total),
                };
                let verb = if is_decode { "decoded" } else { "loaded" };
                Content::Failed {
                    title: format!("This image could not be {verb}"),
                    sentence: format!("{reason}{rest}"),
                    can_fetch_again: true,
                }
            }
            _ => Content::Loading(format!("Loading image {}", shown.slice + 1)),
        }
    }

    /// The value under a point of a viewport, canvas pixels.
    pub fn probe(&self, viewport: usize, x: f64, y: f64) -> Option<Probe> {
        if self.state.viewports.get(viewport)?.plane.is_some() {
            return self.plane_probe(viewport, x, y);
        }
        let viewport = self.state.viewports.get(viewport)?;
        let shown = viewport.shown(&self.state)?;
        if shown.instance.is_video() {
            return None;
        }
        let frame = self.cache.get(shown.key())?;
        let geometry = viewport.geometry(&self.state)?;
        let pixel = geometry.pixel_from_canvas.transform_point2([x, y].into());
        probe(
            shown.instance,
            shown.frame_index,
            pixel.x,
            pixel.y,
            |column, row, sample| frame.sample(column, row, sample),
        )
    }

    /// Runs of loaded slices, and slices that failed for good.
    fn runs(&self, series: SeriesId, total: usize) -> (Vec<(usize, usize)>, Vec<usize>) {
        let (mut runs, mut failed): (Vec<(usize, usize)>, Vec<usize>) = (Vec::new(), Vec::new());
        for slice in 0..total {
            let Ok(number) = u32::try_from(slice) else {
                break;
            };
            let key = FrameKey {
                series,
                slice: number,
            };
            if self.cache.contains(key) {
                match runs.last_mut() {
                    Some((_, end)) if *end == slice => *end += 1,
                    _ => runs.push((slice, slice + 1)),
                }
            } else if self.queue.has_failed(key) {
                failed.push(slice);
            }
        }
        (runs, failed)
    }
}

/// A, B, C, ... for viewports from 0.
fn letter(index: usize) -> char {
    u8::try_from(index).map_or('?', |index| char::from(b'A' + index.min(25)))
}

/// Images of a series that stand in no place of its stack, in words.
fn not_shown(instances: &[Instance]) -> Option<String> {
    let reasons = instances.iter().filter_map(|it| it.format.as_ref().err());
    let reasons: Vec<_> = reasons.collect();
    let first = reasons.first()?;
    let count = reasons.len();
    let objects = if count == 1 { "object" } else { "objects" };
    Some(format!(
        "{count} {objects} of this series cannot be shown: {first}"
    ))
}

/// Letters at the edges, from the matrix that is on screen.
fn letters(engine: &Engine, viewport: &Viewport, shown: &ShownFrame) -> Letters {
    let attributes = shown.instance.frame(shown.frame_index);
    let by_vectors = attributes.orientation.and_then(|o| {
        let row = glam::DVec3::new(o[0], o[1], o[2]).try_normalize()?;
        let column = glam::DVec3::new(o[3], o[4], o[5]).try_normalize()?;
        Some(PatientDirections {
            row_direction: row,
            column_direction: column,
        })
    });
    let directions = by_vectors.or_else(|| {
        let [row, column] = shown.instance.patient_orientation.as_ref()?;
        parse_patient_orientation(row, column).ok()
    });
    match (directions, viewport.geometry(&engine.state)) {
        (Some(directions), Some(geometry)) => {
            let edges = edge_letters(geometry.canvas_from_pixel.matrix2, directions);
            Letters {
                left: edges.left,
                right: edges.right,
                top: edges.top,
                bottom: edges.bottom,
            }
        }
        _ => Letters::default(),
    }
}
