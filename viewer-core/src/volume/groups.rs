//! A series split into groups of frames that can be stacked, each with a name for the user.
//!
//! Frames of one group share size, sample format, unit, frame of reference, stack, spacing and orientation. Where
//! several frames lie at one place, the module `marks` tells them apart. Within a group slices are in the
//! order of their positions along the normal, never of Instance Number.
//!
//! Source: DICOM PS3.3 C.7.6.2.1.1 (position and orientation), C.7.6.16.2.2 (Stack ID), C.7.4.1 (Frame of Reference).

use super::grid::{MIN_SLICES, NoVolume, SAME_PLACE_MM, Stacked, VolumeGrid};
use super::grid_note::GridNote;
use super::marks::{self, Part};
use super::mosaic::{self, Tiling};
use crate::geometry::{ImagePlane, LETTER_THRESHOLD};
use crate::model::{Acquisition, FrameRef, Instance, MosaicError, Stack};
use crate::pixel::Photometric;
use protocol::order;
use std::collections::HashMap;

/// Directions may differ by this angle within a group. More than 0.1 mm at the edge is said.
pub const ORIENTATION_TOLERANCE_DEGREES: f64 = 0.5;

/// Pixel spacing may differ by this share within a group: 0.05 mm over 512 pixels of 1 mm.
pub const SPACING_TOLERANCE: f64 = 1e-4;

/// SOP classes of computed tomography: CT, Enhanced CT and Legacy Converted Enhanced CT Image Storage.
const CT_CLASSES: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.5.1.4.1.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2.2",
];

/// Frames that belong together, and their grid or why they have none.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// What it is, in words: "b 1000", "phase 3 of 10", "coronal, 3.0 mm".
    pub name: String,
    /// Those words of it that tell what it is, not when: type, echo, inversion time.
    pub kind: Vec<String>,
    /// Slices in the order of the grid; where there is none, in the order of the stack. A mosaic is there once for each
    /// of its slices.
    pub frames: Vec<FrameRef>,
    /// Which parts of their frames the slices are, where those are mosaics.
    pub tiling: Option<Tiling>,
    /// Where the voxels lie, or why there are none.
    pub grid: Result<VolumeGrid, NoVolume>,
}

/// A frame with a place.
#[derive(Debug, Clone)]
pub(super) struct Placed<'a> {
    /// Which.
    pub frame: FrameRef,
    /// Which part of it, where it is a mosaic.
    pub tile: u32,
    /// Its plane.
    pub plane: ImagePlane,
    /// What tells it from others at its place.
    pub acquisition: &'a Acquisition,
    /// Number of its place; frames at one place have the same.
    pub place: usize,
}

/// What frames of one group share exactly.
#[derive(Debug, Clone, PartialEq)]
struct Shared<'a> {
    size: [u32; 2],
    /// Tiles side by side in a mosaic.
    across: Option<u32>,
    samples: (u16, bool, bool, Photometric),
    unit: &'a str,
    frame_of_reference: Option<&'a str>,
    stack_id: Option<&'a str>,
    is_ct: bool,
    tilt_degrees: Option<f64>,
}

/// Frames that share everything but their place.
struct Set<'a> {
    shared: Shared<'a>,
    frames: Vec<Placed<'a>>,
}

/// Splits the frames of a series. Groups come in the order in which the stack has their first frames, those of
/// one place in the order of echo, b-value, phase or time.
pub fn groups(stack: &Stack) -> Vec<Group> {
    let mut sets: Vec<Set<'_>> = Vec::new();
    let mut refused: Vec<(NoVolume, Vec<FrameRef>)> = Vec::new();
    for frame in &stack.frames {
        let Some(instance) = stack.instances.get(frame.instance) else {
            continue;
        };
        match placed(instance, *frame) {
            Ok((shared, placed)) => {
                let set = sets.iter_mut().find(|set| set.takes(&shared, &placed[0]));
                match set {
                    Some(set) => set.frames.extend(placed),
                    None => sets.push(Set {
                        shared,
                        frames: placed,
                    }),
                }
            }
            Err(reason) => match refused.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, frames)) => frames.push(*frame),
                None => refused.push((reason, vec![*frame])),
            },
        }
    }
    let sets: Vec<Set<'_>> = sets.into_iter().flat_map(Set::side_by_side).collect();
    let is_only = sets.len() == 1;
    let mut groups: Vec<Group> = sets
        .into_iter()
        .flat_map(|set| set.groups(is_only))
        .collect();
    groups.extend(refused.into_iter().map(|(reason, frames)| Group {
        name: "images without a place".into(),
        kind: Vec::new(),
        frames,
        tiling: None,
        grid: Err(reason),
    }));
    tell_apart(&mut groups, stack);
    groups
}

/// Why no group of a series is a volume, in one sentence; `None` where one is.
pub fn no_volume(stack: &Stack, groups: &[Group]) -> Option<String> {
    if groups.iter().any(|group| group.grid.is_ok()) {
        return None;
    }
    let largest = groups.iter().max_by_key(|group| group.frames.len());
    let reason = largest.and_then(|group| group.grid.as_ref().err());
    let count = stack.frames.len();
    let reason = match reason {
        None => return Some("This series holds no images.".into()),
        Some(NoVolume::TooFew { .. }) if groups.len() > 1 && count >= MIN_SLICES => {
            format!(
                "three planes need at least {MIN_SLICES} parallel slices of one size; this series has {count} images in {} groups of fewer",
                groups.len()
            )
        }
        Some(NoVolume::TooFew { slices }) => format!(
            "three planes need at least {MIN_SLICES} parallel slices; this series has {slices}"
        ),
        Some(other) => format!("this series cannot be shown in three planes: {other}"),
    };
    let mut letters = reason.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    Some(format!(
        "{}{}.",
        first.unwrap_or_default(),
        letters.as_str()
    ))
}

/// The slices of a frame: one, or those of a mosaic.
fn placed(instance: &Instance, frame: FrameRef) -> Result<(Shared<'_>, Vec<Placed<'_>>), NoVolume> {
    let attributes = instance.frame(frame.frame_index);
    let missing = |attribute| NoVolume::Missing { attribute };
    let format = instance
        .format
        .as_ref()
        .map_err(|_| missing("shape of its pixels"))?;
    if !format.photometric.is_grey() || format.samples_per_pixel != 1 {
        return Err(NoVolume::Colour);
    }
    let plane = ImagePlane::new(
        attributes
            .position_mm
            .ok_or_else(|| missing("image position"))?,
        attributes
            .orientation
            .ok_or_else(|| missing("image orientation"))?,
        attributes
            .pixel_spacing_mm
            .ok_or_else(|| missing("pixel spacing"))?,
    )?;
    let whole = [format.columns, format.rows];
    let (across, size, planes) = if attributes.is_mosaic() {
        let what = "where they lie in an image of many frames";
        let known = instance
            .mosaic
            .as_ref()
            .filter(|_| instance.frame_count == 1);
        let known = known.ok_or(MosaicError::Missing { what })?;
        let tiles = mosaic::part(&plane, whole, &known.slices()?)?;
        (Some(tiles.across), tiles.size, tiles.planes)
    } else {
        (None, whole, vec![plane])
    };
    let shared = Shared {
        size,
        across,
        samples: (
            format.bits_allocated,
            format.signed,
            format.float,
            format.photometric,
        ),
        unit: &attributes.grey.unit,
        frame_of_reference: instance.frame_of_reference.as_deref(),
        stack_id: attributes.acquisition.stack_id.as_deref(),
        is_ct: CT_CLASSES.contains(&instance.sop_class.as_str()),
        tilt_degrees: instance.gantry_tilt_degrees,
    };
    let placed = (0..).zip(planes).map(|(tile, plane)| Placed {
        frame,
        tile,
        plane,
        acquisition: &attributes.acquisition,
        place: 0,
    });
    Ok((shared, placed.collect()))
}

/// True where two planes have the same directions and spacing within the tolerances.
fn is_parallel(a: &ImagePlane, b: &ImagePlane) -> bool {
    // The chord of a small angle.
    let most = ORIENTATION_TOLERANCE_DEGREES.to_radians();
    let near = |a: f64, b: f64| (a - b).abs() <= SPACING_TOLERANCE * a.max(b);
    (a.row_direction - b.row_direction).length() <= most
        && (a.column_direction - b.column_direction).length() <= most
        && near(a.row_spacing_mm, b.row_spacing_mm)
        && near(a.column_spacing_mm, b.column_spacing_mm)
}

impl<'a> Set<'a> {
    fn takes(&self, shared: &Shared<'_>, placed: &Placed<'_>) -> bool {
        self.shared == *shared && is_parallel(&self.frames[0].plane, &placed.plane)
    }

    /// Numbers the places, and parts stacks that lie beside each other, as of both breasts: frames at one
    /// distance along the normal whose corners are more than half a pixel apart.
    fn side_by_side(mut self) -> Vec<Self> {
        let plane = self.frames[0].plane;
        let normal = plane.normal();
        let nearest = plane.row_spacing_mm.min(plane.column_spacing_mm) / 2.0;
        let distance = |placed: &Placed<'_>| placed.plane.position.dot(normal);
        let aside = |placed: &Placed<'_>| {
            placed.plane.position - normal * placed.plane.position.dot(normal)
        };
        order::sort_by(&mut self.frames, |a, b| distance(a).total_cmp(&distance(b)));
        let mut is_beside = false;
        let mut place = 0;
        for index in 1..self.frames.len() {
            let [before, here] = [index - 1, index].map(|index| &self.frames[index]);
            if distance(here) - distance(before) > SAME_PLACE_MM {
                place += 1;
            } else {
                is_beside |= aside(here).distance(aside(before)) > nearest;
            }
            self.frames[index].place = place;
        }
        if !is_beside {
            return vec![self];
        }
        let mut stacks: Vec<Self> = Vec::new();
        for placed in self.frames {
            let here = aside(&placed);
            let stack = stacks
                .iter_mut()
                .find(|stack| aside(&stack.frames[0]).distance(here) <= nearest);
            match stack {
                Some(stack) => stack.frames.push(placed),
                None => stacks.push(Self {
                    shared: self.shared.clone(),
                    frames: vec![placed],
                }),
            }
        }
        stacks
    }

    /// The groups of a set; `is_only` where the series has no other.
    fn groups(self, is_only: bool) -> Vec<Group> {
        let shared = self.shared;
        let mut places: Vec<usize> = self.frames.iter().map(|placed| placed.place).collect();
        places.dedup();
        let parts = if places.len() < MIN_SLICES {
            vec![Part {
                words: Vec::new(),
                kind: Vec::new(),
                frames: self.frames,
            }]
        } else {
            marks::split(self.frames)
        };
        parts
            .into_iter()
            .map(|part| {
                let Part {
                    mut words,
                    kind,
                    frames,
                } = part;
                let planes: Vec<ImagePlane> = frames.iter().map(|placed| placed.plane).collect();
                let stacked = VolumeGrid::stack(&planes, shared.size);
                if words.is_empty() || !is_only {
                    let distance = stacked.as_ref().map(|s| s.grid.slice_distance_mm());
                    words.insert(0, base_name(&planes[0], distance.ok()));
                }
                let (grid, frames): (_, Vec<&Placed<'_>>) = match stacked {
                    Ok(Stacked { mut grid, order }) => {
                        shared.say_tilt(&mut grid);
                        if shared.across.is_some() {
                            grid.notes.insert(
                                0,
                                GridNote::Mosaic {
                                    slices: order.len(),
                                },
                            );
                        }
                        (
                            Ok(grid),
                            order.iter().map(|index| &frames[*index]).collect(),
                        )
                    }
                    Err(reason) => (Err(reason), frames.iter().collect()),
                };
                Group {
                    name: words.join(", "),
                    kind,
                    frames: frames.iter().map(|placed| placed.frame).collect(),
                    tiling: shared.across.map(|across| Tiling {
                        across,
                        tiles: frames.iter().map(|placed| placed.tile).collect(),
                    }),
                    grid,
                }
            })
            .collect()
    }
}

impl Shared<'_> {
    /// Puts what the file says of a tilt beside what the positions say.
    fn say_tilt(&self, grid: &mut VolumeGrid) {
        let is_gantry = self.is_ct || self.tilt_degrees.is_some();
        let mut is_shown = false;
        for note in &mut grid.notes {
            if let GridNote::Tilt { is_gantry: is, .. } = note {
                *is = is_gantry;
                is_shown = true;
            }
        }
        if let (Some(degrees), false) = (self.tilt_degrees, is_shown) {
            // A helical scan along the tilted normal has nothing to correct: its planes say the tilt themselves.
            let normal = grid.normal();
            let is_turned = normal.abs().max_element() < degrees.abs().to_radians().cos() + 1e-3;
            if !is_turned {
                grid.notes.push(GridNote::TiltOnlySaid {
                    degrees: degrees.abs(),
                });
            }
        }
    }
}

/// "oblique coronal, 3.0 mm".
fn base_name(plane: &ImagePlane, distance_mm: Option<f64>) -> String {
    let normal = plane.normal().abs().to_array();
    let largest = (0..3).max_by(|a, b| normal[*a].total_cmp(&normal[*b]));
    let axis = ["sagittal", "coronal", "axial"][largest.unwrap_or(2)];
    let oblique = normal.iter().filter(|n| **n >= LETTER_THRESHOLD).count() > 1;
    let oblique = if oblique { "oblique " } else { "" };
    match distance_mm {
        Some(mm) => format!("{oblique}{axis}, {mm:.1} mm"),
        None => format!("{oblique}{axis}"),
    }
}

/// Adds sizes to equal names, and numbers to those that are still equal.
fn tell_apart(groups: &mut [Group], stack: &Stack) {
    let repeated = |groups: &[Group]| -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for group in groups {
            *counts.entry(group.name.clone()).or_insert(0) += 1;
        }
        counts.retain(|_, count| *count > 1);
        counts
    };
    let twice = repeated(groups);
    let size = |group: &Group| {
        if let Ok(grid) = &group.grid {
            return Some([grid.columns, grid.rows]);
        }
        let frame = group.frames.first()?;
        let format = stack.instances.get(frame.instance)?.format.as_ref().ok()?;
        Some([format.columns, format.rows])
    };
    let mut sizes: HashMap<String, Vec<_>> = HashMap::new();
    for group in groups.iter() {
        let known = sizes.entry(group.name.clone()).or_default();
        if !known.contains(&size(group)) {
            known.push(size(group));
        }
    }
    for group in groups.iter_mut() {
        let differ = sizes.get(&group.name).is_some_and(|sizes| sizes.len() > 1);
        if let (true, true, Some([columns, rows])) =
            (differ, twice.contains_key(&group.name), size(group))
        {
            group.name += &format!(", {columns} x {rows}");
        }
    }
    let twice = repeated(groups);
    let mut next: HashMap<String, usize> = HashMap::new();
    for group in groups {
        if twice.contains_key(&group.name) {
            let number = next.entry(group.name.clone()).or_insert(0);
            *number += 1;
            group.name += &format!(" ({number})");
        }
    }
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
