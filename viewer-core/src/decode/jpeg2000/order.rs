//! The order in which packets come.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex B.12.

use super::packets::early;
use super::parameters::{Parameters, Progression};
use super::tile::TileComponent;
use crate::decode::DecodeError;
use protocol::order;

/// A precinct of a tile; each layer has a packet of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub resolution: usize,
    pub component: usize,
    pub precinct: usize,
    /// Where it begins in the reference grid.
    row: u64,
    column: u64,
}

/// All precincts of a tile, and the orders in which they come.
pub(super) struct Order {
    /// By resolution, component and precinct.
    places: Vec<Place>,
    progressions: Vec<Progression>,
    layers: u32,
}

impl Order {
    /// `room` is how many bytes the packets have.
    pub fn new(
        parameters: &Parameters,
        components: &[TileComponent],
        room: usize,
    ) -> Result<Self, DecodeError> {
        let all = components.iter().flat_map(|each| &each.resolutions);
        let precincts: usize = all.map(|resolution| resolution.origins.len()).sum();
        let layers = parameters.layers;
        // Each packet has at least one byte, but changes of the order may leave packets out.
        let least = if parameters.changes.is_empty() {
            precincts.saturating_mul(layers as usize)
        } else {
            precincts
        };
        if least > room {
            return Err(early());
        }
        let mut places = Vec::with_capacity(precincts);
        for (component, each) in components.iter().enumerate() {
            for (resolution, area) in each.resolutions.iter().enumerate() {
                for (precinct, (row, column)) in area.origins.iter().enumerate() {
                    places.push(Place {
                        resolution,
                        component,
                        precinct,
                        row: *row,
                        column: *column,
                    });
                }
            }
        }
        order::sort_by_key(&mut places, |each| (each.resolution, each.component));
        let progressions = if parameters.changes.is_empty() {
            vec![Progression {
                order: parameters.progression,
                layers,
                resolutions: (0, usize::MAX),
                components: (0, components.len()),
            }]
        } else {
            parameters.changes.clone()
        };
        Ok(Self {
            places,
            progressions,
            layers,
        })
    }

    /// Names each packet by precinct and layer, until `take` is false.
    pub fn packets(self, take: &mut impl FnMut(Place, u32) -> bool) {
        // How many layers of each precinct have come, by its place in `places`.
        let mut come = vec![0; self.places.len()];
        for progression in &self.progressions {
            let layers = progression.layers.min(self.layers);
            let mut members: Vec<usize> = (0..self.places.len())
                .filter(|index| {
                    let place = &self.places[*index];
                    within(place.resolution, progression.resolutions)
                        && within(place.component, progression.components)
                        && come[*index] < layers
                })
                .collect();
            // Layers that all of them have are passed over at once.
            let first = members.iter().map(|index| come[*index]).min();
            let first = first.unwrap_or_default();
            let mut packet = |index: usize, layer: u32| {
                if come[index] != layer {
                    return true;
                }
                come[index] += 1;
                take(self.places[index], layer)
            };
            // Members are in the order of resolution, component and precinct; sorting keeps it where keys are equal.
            let place = |index: &usize| self.places[*index];
            let by_layers = match progression.order {
                0 => {
                    for layer in first..layers {
                        for index in &members {
                            if !packet(*index, layer) {
                                return;
                            }
                        }
                    }
                    continue;
                }
                1 => true,
                2 => {
                    order::sort_by_key(&mut members, |index| {
                        let at = place(index);
                        (at.resolution, at.row, at.column, at.component)
                    });
                    false
                }
                3 => {
                    order::sort_by_key(&mut members, |index| {
                        let at = place(index);
                        (at.row, at.column, at.component, at.resolution)
                    });
                    false
                }
                _ => {
                    order::sort_by_key(&mut members, |index| {
                        let at = place(index);
                        (at.component, at.row, at.column, at.resolution)
                    });
                    false
                }
            };
            // Layers go over all precincts of a resolution, or over one precinct.
            let groups = members.chunk_by(|a, b| {
                by_layers && self.places[*a].resolution == self.places[*b].resolution
            });
            for group in groups {
                for layer in first..layers {
                    for index in group {
                        if !packet(*index, layer) {
                            return;
                        }
                    }
                }
            }
        }
    }
}

fn within(value: usize, (start, end): (usize, usize)) -> bool {
    (start..end).contains(&value)
}
