//! Three planes of a volume: which of its slices are on the screen, what is drawn of it, what is said of it.

use super::arrival::Arrival;
use super::screen::{Screen, ShownPlane, Shows};
use super::{Effect, Engine};
use crate::store::{Content, Letters, MprView, SlabView, ViewportView};
use glam::{DMat2, DVec3};
use protocol::order;
use std::borrow::Cow;
use std::collections::HashMap;
use viewer_core::geometry::{PatientDirections, Projection, ViewPlane, edge_letters};
use viewer_core::loading::FrameKey;
use viewer_core::model::SeriesId;
use viewer_core::pixel::{ModalityLut, SampleType};
use viewer_core::state::stack_slab::VolumeShown;
use viewer_core::tools::marks::{LoadCount, Marked, PlaneMarked, marks, plane_marks};
use viewer_core::tools::overlay;
use viewer_core::tools::{Probe, probe};
use viewer_core::volume::{PlaneParams, Presence, SliceState, Tiling};

/// Most slices that are named one by one.
const MOST_NOTES: usize = 8;

/// Most slices that one drawing brings to the screen: more would hold the page up.
const MOST_WRITTEN: usize = 24;

/// Most drawings that are left out while slices which are here go to the screen: pictures in between cost more than they tell.
const MOST_LEFT_OUT: usize = 8;

/// What the screen has of the volumes in planes and slabs.
#[derive(Debug, Default)]
pub(super) struct PlanesShown {
    volumes: HashMap<u64, OnScreen>,
    /// The notice about the volume was taken away.
    pub(super) is_notice_read: bool,
    /// They go before the planes on screen.
    readings: Vec<Reading>,
    next_reading: u64,
    /// Drawings that were left out, one after the other, because slices were still on their way to the screen.
    left_out: usize,
    /// A picture of a volume on its way waits until its time has come.
    is_picture_due: bool,
}

/// What the screen has of one volume.
#[derive(Debug, Default)]
struct OnScreen {
    /// Kind of its samples: that of the first slice that came.
    sample_type: Option<SampleType>,
    /// Why the screen does not take it.
    refusal: Option<String>,
    /// Slices that are here and cannot be taken, in words.
    notes: Vec<String>,
    /// Of a volume that does not fit into memory decoded: places in the stack of the slices that the planes lack, most
    /// needed first.
    lacking: Option<Vec<u32>>,
    /// Pictures while it comes.
    arrival: Arrival,
}

/// A plane of the API that is read once all of it is on the screen.
#[derive(Debug)]
struct Reading {
    id: u64,
    volume: u64,
    params: PlaneParams,
}

/// The screen's key of a volume.
fn key_of(volume: &VolumeShown) -> u64 {
    u64::from(volume.series.0) << 16 | (volume.index as u64 & 0xffff)
}

impl Engine {
    /// The screen's key of the volume in a viewport.
    fn volume_key(&self, viewport: usize) -> Option<u64> {
        let viewport = self.state.viewports.get(viewport)?;
        self.state.volume_of(viewport).as_ref().map(key_of)
    }

    fn on_screen(&self, viewport: usize) -> Option<&OnScreen> {
        self.planes.volumes.get(&self.volume_key(viewport)?)
    }

    /// Slices that the planes of a volume lack, where not all of it fits into memory.
    pub(super) fn lacking(&self, viewport: usize) -> Option<&[u32]> {
        self.on_screen(viewport)?.lacking.as_deref()
    }

    /// Wants all of a plane on the screen, before those that are shown; the number ends that.
    pub fn begin_reading(&mut self, volume: u64, params: PlaneParams) -> u64 {
        self.planes.next_reading += 1;
        self.is_dirty = true;
        let id = self.planes.next_reading;
        (self.planes.readings).push(Reading { id, volume, params });
        id
    }

    /// A plane is not wanted any more.
    pub fn end_reading(&mut self, id: u64) {
        self.planes.readings.retain(|reading| reading.id != id);
    }

    /// True where all of a wanted plane is on the screen, or nobody waits for it any more.
    pub(super) fn can_be_read(&self, id: u64) -> bool {
        let mut readings = self.planes.readings.iter();
        let Some(reading) = readings.find(|reading| reading.id == id) else {
            return true;
        };
        let Some(screen) = &self.screen else {
            return false;
        };
        screen
            .presence(reading.volume)
            .is_some_and(Presence::is_final)
            && screen
                .plane_progress(reading.volume, &reading.params)
                .is_settled()
    }

    /// Brings slices that have come to the screen, and drops volumes that are not shown any more. False where this drawing is
    /// to be left out, as more of them follow with the next animation frame.
    pub(super) fn feed_volumes(&mut self, effects: &mut Vec<Effect>) -> bool {
        let mut shown: Vec<(u64, VolumeNow)> = Vec::new();
        // The active one first: where there is not room for all of them, it is whole.
        let mut viewports: Vec<usize> = (0..self.state.viewports.len()).collect();
        order::sort_by_key(&mut viewports, |index| *index != self.state.active);
        for index in viewports {
            let viewport = &self.state.viewports[index];
            let Some(volume) = self.state.volume_of(viewport) else {
                continue;
            };
            let key = key_of(&volume);
            let is_hidden = self.state.large.is_some_and(|large| large != index);
            let planes = viewport.plane_params(&self.state).filter(|_| !is_hidden);
            match shown.iter_mut().find(|(known, _)| *known == key) {
                Some((_, now)) => now.planes.extend(planes),
                None => shown.extend(self.volume_now(&volume, planes).map(|now| (key, now))),
            }
        }
        let keys: Vec<u64> = shown.iter().map(|(key, _)| *key).collect();
        self.planes.readings.retain(|it| keys.contains(&it.volume));
        for (key, now) in &mut shown {
            let readings = self.planes.readings.iter().filter(|it| it.volume == *key);
            let first: Vec<PlaneParams> = readings.map(|it| it.params.clone()).collect();
            now.planes.splice(0..0, first);
        }
        if !self.planes.volumes.keys().all(|key| keys.contains(key)) {
            self.planes.volumes.retain(|key, _| keys.contains(key));
            if let Some(screen) = &mut self.screen {
                screen.forget_volumes(&keys);
            }
        }
        if shown.is_empty() {
            self.planes.is_notice_read = false;
        }
        let mut room = MOST_WRITTEN;
        for (key, now) in &shown {
            self.feed_volume(*key, now, &mut room);
        }
        self.advance_pictures(effects);
        let is_copying =
            room == MOST_WRITTEN && shown.iter().any(|(key, now)| self.feed_copy(*key, now));
        if let Some(screen) = (self.screen.as_ref()).filter(|_| room < MOST_WRITTEN || is_copying) {
            screen.flush_slices();
        }
        let is_waiting = room == 0;
        self.is_dirty |= is_waiting || is_copying;
        let is_left_out = is_waiting && self.planes.left_out < MOST_LEFT_OUT;
        self.planes.left_out = if is_left_out {
            self.planes.left_out + 1
        } else {
            0
        };
        !is_left_out
    }

    /// Finds what pictures of volumes on their way are due now, and when to look again.
    fn advance_pictures(&mut self, effects: &mut Vec<Effect>) {
        let now_ms = self.now();
        let Some(screen) = &self.screen else { return };
        let volumes = self.planes.volumes.iter_mut();
        let due = volumes.filter_map(|(key, on_screen)| {
            let presence = screen.presence(*key)?;
            on_screen.arrival.advance(presence, now_ms)
        });
        let at_ms = due.fold(f64::INFINITY, f64::min);
        if at_ms.is_finite() && !self.planes.is_picture_due {
            self.planes.is_picture_due = true;
            effects.push(Effect::WakeAt { at_ms });
        }
    }

    /// Draws the pictures again that had to wait.
    pub(super) fn look_at_pictures(&mut self) {
        self.is_dirty |= std::mem::take(&mut self.planes.is_picture_due);
    }

    /// Brings slices of a complete volume to the copy that the screen draws faster from. True where it did: there may be more.
    fn feed_copy(&mut self, key: u64, now: &VolumeNow) -> bool {
        let (series, tiling, cache) = (now.series, now.tiling.as_ref(), &self.cache);
        let frame = |slice: u32| {
            let place = *now.slices.get(slice as usize)?;
            let frame = cache.get(FrameKey {
                series,
                slice: place,
            })?;
            let part = tiling.and_then(|tiling| frame.part(tiling, slice as usize, now.size));
            Some(part.map_or(Cow::Borrowed(frame), Cow::Owned))
        };
        let screen = self.screen.as_mut();
        screen.is_some_and(|screen| screen.copy_slices(key, &now.planes, frame, &mut self.scratch))
    }

    fn feed_volume(&mut self, key: u64, now: &VolumeNow, room: &mut usize) {
        let first = now.slices.first().map(|slice| FrameKey {
            series: now.series,
            slice: *slice,
        });
        // All slices of a mosaic are one frame.
        let is_large = now.tiling.is_none()
            && first.is_some_and(|it| self.is_beyond_memory(it, now.slices.len()));
        let Some(screen) = &mut self.screen else {
            return;
        };
        let on_screen = self.planes.volumes.entry(key).or_default();
        on_screen.lacking = None;
        if on_screen.refusal.is_some() {
            return;
        }
        let frame_key = |slice: u32| FrameKey {
            series: now.series,
            slice,
        };
        if screen.presence(key).is_none() {
            let mut places = now.slices.iter();
            let first = places.find_map(|slice| self.cache.get(frame_key(*slice)));
            let Some(first) = first else { return };
            let count = u32::try_from(now.slices.len()).unwrap_or(u32::MAX);
            let [columns, rows] = now.size;
            on_screen.sample_type = Some(first.sample_type);
            let begun = screen.begin_volume(key, [columns, rows, count], first.sample_type);
            if let Err(reason) = begun {
                on_screen.refusal = Some(reason);
                return;
            }
        }
        if let Some(reason) = screen.volume_refusal() {
            on_screen.refusal = Some(reason.to_owned());
            return;
        }
        let mut lacking = Vec::new();
        for slice in screen.missing_slices(key, &now.planes) {
            let Some(place) = now.slices.get(slice as usize) else {
                continue;
            };
            let Some(frame) = self.cache.get(frame_key(*place)) else {
                if self.queue.has_failed(frame_key(*place)) {
                    screen.fail_slice(key, slice);
                } else {
                    lacking.push(*place);
                }
                continue;
            };
            if *room == 0 {
                lacking.push(*place);
                continue;
            }
            *room -= 1;
            let part = (now.tiling.as_ref())
                .and_then(|tiling| frame.part(tiling, slice as usize, now.size));
            let frame = part.as_ref().unwrap_or(frame);
            let is_alike = [frame.columns, frame.rows] == now.size
                && Some(frame.sample_type) == on_screen.sample_type
                && frame.samples_per_pixel == 1;
            let taken = match now.modality.get(slice as usize) {
                Some(modality) if is_alike => {
                    screen.write_slice(key, slice, frame, modality, &mut self.scratch)
                }
                _ => Err("its pixels are of another kind than those of the others".into()),
            };
            if let Err(reason) = taken {
                screen.fail_slice(key, slice);
                let note = format!("slice {} is left out: {reason}", slice + 1);
                if !on_screen.notes.contains(&note) && on_screen.notes.len() < MOST_NOTES {
                    on_screen.notes.push(note);
                }
            }
        }
        on_screen.lacking = is_large.then_some(lacking);
    }

    /// What is drawn in the viewports that show planes.
    pub fn plane_item(&self, index: usize) -> Option<ShownPlane> {
        let params = self.state.viewports.get(index)?.plane_params(&self.state)?;
        let key = self.volume_key(index)?;
        let screen = self.screen.as_ref()?;
        let presence = screen.presence(key)?;
        let progress = screen.plane_progress(key, &params);
        let stage = if presence.is_final() && progress.is_settled() {
            u32::MAX
        } else if presence.is_final() {
            // Coarse all over: bricks take its place, and the picture follows in eighths.
            let eighths = progress.here * 8 / progress.bricks.max(1);
            u32::try_from(Arrival::STAGES + 1 + eighths).ok()?
        } else {
            self.planes.volumes.get(&key)?.arrival.stage()?
        };
        Some(ShownPlane {
            volume: key,
            params,
            stage,
        })
    }

    /// True once all slices of the volume on screen have come or will not, and the plane is drawn so.
    pub fn is_plane_final(&self, index: usize) -> bool {
        let drawn = self.drawn.get(index).and_then(Option::as_ref);
        matches!(drawn, Some(Shows::Plane(plane)) if plane.stage == u32::MAX)
            && self.plane_item(index).map(Shows::Plane).as_ref() == drawn
    }

    /// True where the graphics card has no room for all of a plane: the coarse level stands there, and that is said.
    fn is_partly_coarse(&self, index: usize) -> bool {
        let shown = self.plane_item(index).zip(self.screen.as_ref());
        shown.is_some_and(|(plane, screen)| {
            screen.plane_progress(plane.volume, &plane.params).left_out > 0
        })
    }

    /// Why the plane in a viewport cannot be drawn, in words.
    pub(super) fn plane_refusal(&self, viewport: usize) -> Option<&str> {
        self.on_screen(viewport)?.refusal.as_deref()
    }

    /// The slab of the active viewport, of a plane or of images that can have one.
    pub(super) fn slab_view(&self) -> Option<SlabView> {
        let active = self.state.viewports.get(self.state.active)?;
        let slab = match &active.plane {
            Some(view) => view.plane.slab,
            None => {
                let has_several = active.shown(&self.state)?.stack.frames.len() > 1;
                let slab = active.slab.as_ref().map(|it| it.slab);
                has_several.then_some(slab)?
            }
        };
        Some(SlabView {
            thickness_mm: slab.map_or(0.0, |slab| slab.thickness_mm),
            projection: slab.map_or(Projection::Mip, |slab| slab.projection),
        })
    }

    /// The planes for the bar.
    pub(super) fn mpr_view(&self) -> Option<MprView> {
        let mpr = self.state.mpr.as_ref()?;
        Some(MprView {
            volumes: (mpr.volumes.volumes.iter())
                .map(|volume| volume.name.clone())
                .collect(),
            chosen: mpr.chosen,
        })
    }

    /// Slices of the volume in a viewport: how many there are, how many came or failed.
    pub(super) fn volume_count(&self, viewport: usize) -> Option<LoadCount> {
        let viewport = self.state.viewports.get(viewport)?;
        let shown = self.state.volume_of(viewport)?;
        let VolumeShown { series, volume, .. } = shown;
        // Slices of a volume larger than memory do not stay once they are on the screen.
        let nothing = Presence::new(volume.slices.len());
        let screen = self.screen.as_ref();
        let presence = screen.and_then(|screen| screen.presence(key_of(&shown)));
        let presence = presence.unwrap_or(&nothing);
        let mut count = LoadCount {
            total: volume.frames().count(),
            is_offline: self.queue.connection_lost_until_ms().is_some(),
            ..LoadCount::default()
        };
        if presence.is_complete() {
            count.loaded = count.total;
            return Some(count);
        }
        let mut last = None;
        for (index, slice) in volume.slices.iter().enumerate() {
            let slice = *slice;
            // All slices of a mosaic are of one image.
            if last.replace(slice) == Some(slice) {
                continue;
            }
            let key = FrameKey { series, slice };
            if self.cache.contains(key) || presence.of(index) == SliceState::Here {
                count.loaded += 1;
            } else if self.queue.has_failed(key) {
                count.failed += 1;
            }
        }
        Some(count)
    }

    /// Fills in what a viewport that shows a plane says.
    pub(super) fn plane_view(&self, index: usize, view: &mut ViewportView) -> Option<()> {
        let viewport = self.state.viewports.get(index)?;
        let (plane, mpr) = (viewport.plane?, self.state.mpr.as_ref()?);
        let shown = viewport.shown(&self.state)?;
        let (track, stop) = viewport.stops(&self.state)?;
        let volume = mpr.volume()?;
        let count = self.volume_count(index)?;
        (view.slice, view.slices) = (stop, track.count());
        view.plane = Some(plane.kind);
        view.crosshair = self.state.crosshair(index);
        let name = overlay::plane_name(plane.kind);
        view.spoken = format!("{name} plane {} of {}", stop + 1, track.count());
        // What stands there of a stack is no plane: letters of one must not stand over the other.
        let drawn = match self.drawn.get(index) {
            Some(Some(Shows::Plane(drawn))) => Some(&drawn.params.plane),
            _ => None,
        };
        let is_drawn = drawn.is_some();
        view.content = match self.plane_refusal(index) {
            Some(reason) => Content::Failed {
                title: "These planes cannot be drawn".into(),
                sentence: super::opening::sentence(reason),
                can_fetch_again: false,
            },
            None if is_drawn => Content::Image,
            None if count.failed == count.total => Content::Failed {
                title: "No image of this series could be loaded".into(),
                sentence: "Its planes cannot be shown.".into(),
                can_fetch_again: true,
            },
            None => Content::Loading(format!(
                "Loading {} of {} images",
                count.loaded, count.total
            )),
        };
        let probed = self
            .hover
            .filter(|(over, _)| *over == index)
            .and_then(|(_, at)| self.probe(index, at[0], at[1]));
        let has_several = mpr.volumes.volumes.len() > 1;
        view.corners = overlay::plane_corners(&overlay::ShownPlane {
            kind: plane.kind,
            plane: &plane.plane,
            turned_degrees: plane.turned_degrees(),
            volume: has_several.then_some(volume.name.as_str()),
            stop,
            stops: track.count(),
            voi: viewport.voi(&self.state),
            uptake: shown.instance.uptake(),
            inverted: viewport.inverted,
            probe: probed.as_ref(),
        });
        view.letters = plane_letters(drawn.unwrap_or(&plane.plane));
        view.notes = volume.grid.notes.iter().map(ToString::to_string).collect();
        let left_out = self.on_screen(index).map(|it| it.notes.clone());
        view.notes.extend(left_out.into_iter().flatten());
        view.notes.extend(shown.instance.notes(shown.frame_index));
        let is_cpu = (self.screen.as_ref()).is_some_and(Screen::is_cpu);
        let disagreements = self.told.of_series(shown.series.id);
        view.marks = marks(&Marked {
            disagreements: &disagreements,
            instance: shown.instance,
            frame_index: shown.frame_index,
            count,
            is_cpu,
            at: None,
            notes: &view.notes[volume.grid.notes.len()..],
        });
        plane_marks(
            &mut view.marks,
            &PlaneMarked {
                grid: &volume.grid,
                is_coarse: is_drawn
                    && (!self.is_plane_final(index) || self.is_partly_coarse(index)),
            },
        );
        Some(())
    }

    /// The value under a point of a plane, canvas pixels: that of the nearest voxel, from its decoded frame.
    pub(super) fn plane_probe(&self, index: usize, x: f64, y: f64) -> Option<Probe> {
        let viewport = self.state.viewports.get(index)?;
        let (view, mpr) = (viewport.plane?, self.state.mpr.as_ref()?);
        let volume = mpr.volume()?;
        let (width, height) = (viewport.width, viewport.height);
        let place = view.plane.patient_from_canvas(x, y, width, height);
        let voxel = volume.grid.voxel_from_patient(place);
        let last = volume.grid.size() - 1.0;
        // Rounding must not lose what lies on the outermost centres.
        if voxel.cmplt(DVec3::splat(-1e-6)).any() || voxel.cmpgt(last + 1e-6).any() {
            return None;
        }
        let nearest = voxel.round().clamp(DVec3::ZERO, last);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within the volume"
        )]
        let slice = *volume.slices.get(nearest.z as usize)?;
        let series = self.state.series(mpr.series)?;
        let (instance, frame_index) = series.stack.as_ref()?.at(slice as usize)?;
        let key = FrameKey {
            series: mpr.series,
            slice,
        };
        let Some(frame) = self.cache.get(key) else {
            self.encoded.ask_for(key);
            return None;
        };
        let at = volume.tiling.as_ref().map_or(Some([0; 2]), |tiling| {
            let size = [volume.grid.columns, volume.grid.rows];
            tiling.origin(nearest.z as usize, size)
        });
        let [x, y] = at?.map(f64::from);
        let (x, y) = (nearest.x + x, nearest.y + y);
        let found = probe::probe(instance, frame_index, x, y, |c, r, s| frame.sample(c, r, s))?;
        Some(Probe {
            patient_mm: Some(place.to_array()),
            ..found
        })
    }

    fn volume_now(&self, shown: &VolumeShown, planes: Option<PlaneParams>) -> Option<VolumeNow> {
        let stack = self.state.series(shown.series)?.stack.as_ref()?;
        let modality = shown.volume.slices.iter().filter_map(|slice| {
            let (instance, frame_index) = stack.at(*slice as usize)?;
            Some(instance.frame(frame_index).grey.modality.clone())
        });
        Some(VolumeNow {
            series: shown.series,
            slices: shown.volume.slices.clone(),
            tiling: shown.volume.tiling.clone(),
            size: [shown.volume.grid.columns, shown.volume.grid.rows],
            modality: modality.collect(),
            planes: planes.into_iter().collect(),
        })
    }
}

/// A volume on screen, apart from the state.
struct VolumeNow {
    series: SeriesId,
    slices: Vec<u32>,
    tiling: Option<Tiling>,
    size: [u32; 2],
    modality: Vec<ModalityLut>,
    planes: Vec<PlaneParams>,
}

/// Letters at the edges, from the directions that are on screen.
fn plane_letters(plane: &ViewPlane) -> Letters {
    let directions = PatientDirections {
        row_direction: plane.row,
        column_direction: plane.column,
    };
    let edges = edge_letters(DMat2::IDENTITY, directions);
    Letters {
        left: edges.left,
        right: edges.right,
        top: edges.top,
        bottom: edges.bottom,
    }
}
