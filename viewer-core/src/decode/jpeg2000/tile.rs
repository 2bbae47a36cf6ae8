//! How a tile is cut into resolutions, bands, precincts and code blocks.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex B.5 to B.7 and B.12.

use super::embedded::Orientation;
use super::header::ReferenceGrid;
use super::packets::TagTree;
use super::parameters::Quantization;
use super::parameters::{BlockStyle, Parameters};
use super::wavelet::Area;
use super::{corrupt, unsupported};
use crate::decode::{DecodeError, work};

/// A code block and what packets said of it.
#[derive(Default)]
pub(super) struct Block {
    /// Place in its band, from the band's corner.
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
    pub is_included: bool,
    pub empty_planes: u32,
    /// State of the coded lengths (B.10.7.1).
    pub length_bits: u32,
    /// Passes that have come, and at which of them the last code word begins.
    pub passes: u32,
    pub word_start: u32,
    pub chunks: Vec<Chunk>,
}

/// What one packet holds of a code word of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Where its bytes are in the stream.
    pub start: usize,
    pub length: usize,
    pub passes: u32,
    /// A code word begins with it.
    pub begins: bool,
}

/// The code blocks of one band in one precinct.
pub(super) struct BlockGrid {
    pub columns: usize,
    pub inclusion: TagTree,
    pub planes: TagTree,
    pub blocks: Vec<Block>,
}

impl TileComponent {
    /// Drops what the headers of packets were read by: blocks know all that they say.
    pub fn forget_trees(&mut self) {
        let bands = self.resolutions.iter_mut().flat_map(|it| &mut it.bands);
        for grid in bands.flat_map(|band| &mut band.precincts) {
            grid.inclusion = TagTree::new(0, 0);
            grid.planes = TagTree::new(0, 0);
        }
    }
}

pub(super) struct Band {
    pub area: Area,
    pub orientation: Orientation,
    /// Bit planes of a coefficient, with those of a region of interest.
    pub planes: u32,
    /// Bit planes above those that have to be empty: a stream may have room for more than its samples need.
    pub spare_planes: u32,
    /// By how many bit planes the region of interest was moved up.
    pub region_shift: u32,
    /// What a step of a coefficient is worth.
    pub step: f32,
    /// One for each precinct of the resolution.
    pub precincts: Vec<BlockGrid>,
}

pub(super) struct Resolution {
    pub area: Area,
    pub bands: Vec<Band>,
    /// Where each precinct begins in the reference grid: row, column.
    pub origins: Vec<(u64, u64)>,
    pub style: BlockStyle,
}

/// One component of a tile.
pub(super) struct TileComponent {
    pub resolutions: Vec<Resolution>,
    pub reversible: bool,
}

impl ReferenceGrid {
    /// The whole image.
    pub fn image(&self) -> Area {
        Area {
            x0: self.left,
            y0: self.top,
            x1: self.right,
            y1: self.bottom,
        }
    }

    /// The area of a tile by its index (B.3).
    pub fn tile(&self, index: u32) -> Area {
        let columns = (self.right - self.tile_left).div_ceil(self.tile_columns);
        let (row, column) = (index / columns, index % columns);
        let edge = |offset: u32, count: u32, size: u32, (low, high): (u32, u32)| {
            let at = u64::from(offset) + u64::from(count) * u64::from(size);
            u32::try_from(at).unwrap_or(u32::MAX).clamp(low, high)
        };
        let within = (self.left, self.right);
        let x = |count| edge(self.tile_left, count, self.tile_columns, within);
        let within = (self.top, self.bottom);
        let y = |count| edge(self.tile_top, count, self.tile_rows, within);
        Area {
            x0: x(column),
            y0: y(row),
            x1: x(column + 1),
            y1: y(row + 1),
        }
    }
}

impl Area {
    /// The area `levels` resolutions lower (equation B-14).
    pub fn reduced(self, levels: u32) -> Self {
        reduced(self, levels, 0, 0)
    }
}

/// Cuts a component of a tile up.
pub(super) fn component(
    tile: Area,
    parameters: &Parameters,
    component: usize,
    precision: u32,
) -> Result<TileComponent, DecodeError> {
    let missing = || corrupt("a component is missing");
    let coding = parameters.coding.get(component).ok_or_else(missing)?;
    let quantization = parameters.quantization.get(component).ok_or_else(missing)?;
    let shift = parameters.region_shifts.get(component).copied();
    let region_shift = shift.unwrap_or_default();
    let mut resolutions = Vec::new();
    for r in 0..=coding.levels {
        let down = coding.levels - r;
        let area = reduced(tile, down, 0, 0);
        let (px, py) = coding.precincts[r as usize];
        let grid = Area {
            x0: area.x0 >> px,
            y0: area.y0 >> py,
            x1: ceil_shift(area.x1.into(), px),
            y1: ceil_shift(area.y1.into(), py),
        };
        let grid = if area.is_empty() {
            Area {
                x1: grid.x0,
                ..grid
            }
        } else {
            grid
        };
        let mut origins = Vec::new();
        for y in grid.y0..grid.y1 {
            for x in grid.x0..grid.x1 {
                origins.push((
                    (u64::from(y) << (py + down).min(40)).max(tile.y0.into()),
                    (u64::from(x) << (px + down).min(40)).max(tile.x0.into()),
                ));
            }
        }
        let kinds: &[(u32, u32)] = if r == 0 {
            &[(0, 0)]
        } else {
            &[(1, 0), (0, 1), (1, 1)]
        };
        let mut bands = Vec::new();
        for (place, (high_x, high_y)) in kinds.iter().enumerate() {
            let level = if r == 0 { down } else { down + 1 };
            let area = reduced(tile, level, *high_x, *high_y);
            let index = if r == 0 {
                0
            } else {
                3 * (r as usize - 1) + 1 + place
            };
            let (exponent, mantissa) = step(quantization, index, coding.levels, level)?;
            let planes = (quantization.guard_bits + exponent).saturating_sub(1);
            // Exponents have five bits and guard bits three, and samples 38 bits.
            if !(1..=38).contains(&planes) {
                return Err(corrupt("an impossible number of bit planes"));
            }
            if region_shift > 0 && planes + region_shift > 31 {
                return Err(unsupported(
                    "a region of interest of more than 31 bit planes",
                ));
            }
            let said = planes + region_shift;
            // A word holds 31, of which blocks of part 15 need two below the last one.
            let planes = match (said, coding.style.high_throughput) {
                (..=31, _) => said,
                (_, true) => 29,
                (_, false) => 31,
            };
            // Gains of the bands, table E.1.
            let range = precision + high_x + high_y;
            let step = (1.0 + mantissa as f32 / 2048.0)
                * 2.0_f32.powi(range.cast_signed() - exponent.cast_signed());
            // Precincts of a band are half as wide as those of its resolution, but for LL.
            let half = u32::from(r > 0);
            let mut precincts = Vec::new();
            for y in grid.y0..grid.y1 {
                for x in grid.x0..grid.x1 {
                    let part = Area {
                        x0: shifted(x, px - half).max(area.x0),
                        y0: shifted(y, py - half).max(area.y0),
                        x1: shifted(x + 1, px - half).min(area.x1),
                        y1: shifted(y + 1, py - half).min(area.y1),
                    };
                    let width = coding.block_width.min(px - half);
                    let height = coding.block_height.min(py - half);
                    precincts.push(blocks(part, area, width, height));
                }
            }
            bands.push(Band {
                area,
                orientation: Orientation {
                    high_x: *high_x == 1,
                    high_y: *high_y == 1,
                },
                planes,
                spare_planes: said - planes,
                region_shift,
                step,
                precincts,
            });
        }
        resolutions.push(Resolution {
            area,
            bands,
            origins,
            style: coding.style,
        });
    }
    Ok(TileComponent {
        resolutions,
        reversible: coding.reversible,
    })
}

fn step(
    quantization: &Quantization,
    index: usize,
    levels: u32,
    level: u32,
) -> Result<(u32, u32), DecodeError> {
    let missing = || corrupt("a step size is missing");
    if quantization.derived {
        // Equation E-5.
        let (exponent, mantissa) = quantization.steps[0];
        let exponent = (exponent + level).checked_sub(levels).ok_or_else(missing)?;
        return Ok((exponent, mantissa));
    }
    quantization.steps.get(index).copied().ok_or_else(missing)
}

fn shifted(value: u32, by: u32) -> u32 {
    u32::try_from(u64::from(value) << by).unwrap_or(u32::MAX)
}

fn ceil_shift(value: u64, by: u32) -> u32 {
    let by = by.min(40);
    u32::try_from((value + (1 << by) - 1) >> by).unwrap_or(u32::MAX)
}

/// Equation B-15: the area of a band of a level, high or low in each direction.
fn reduced(tile: Area, level: u32, high_x: u32, high_y: u32) -> Area {
    let edge = |value: u32, high: u32| {
        let offset = if level == 0 {
            0
        } else {
            u64::from(high) << (level - 1).min(40)
        };
        ceil_shift(u64::from(value).saturating_sub(offset), level)
    };
    Area {
        x0: edge(tile.x0, high_x),
        y0: edge(tile.y0, high_y),
        x1: edge(tile.x1, high_x),
        y1: edge(tile.y1, high_y),
    }
}

fn blocks(part: Area, band: Area, width: u32, height: u32) -> BlockGrid {
    let (mut columns, mut rows) = (0, 0);
    let mut blocks = Vec::new();
    if !part.is_empty() {
        let (first_x, last_x) = (part.x0 >> width, (part.x1 - 1) >> width);
        let (first_y, last_y) = (part.y0 >> height, (part.y1 - 1) >> height);
        columns = (last_x - first_x + 1) as usize;
        rows = (last_y - first_y + 1) as usize;
        // No more than `header` has found that there may be.
        blocks.reserve_exact(columns * rows);
        for y in first_y..=last_y {
            for x in first_x..=last_x {
                let (x0, y0) = (
                    shifted(x, width).max(part.x0),
                    shifted(y, height).max(part.y0),
                );
                let x1 = shifted(x + 1, width).min(part.x1);
                let y1 = shifted(y + 1, height).min(part.y1);
                work::count(16);
                blocks.push(Block {
                    x: (x0 - band.x0) as usize,
                    y: (y0 - band.y0) as usize,
                    width: (x1 - x0) as usize,
                    height: (y1 - y0) as usize,
                    length_bits: 3,
                    ..Block::default()
                });
            }
        }
    }
    BlockGrid {
        columns,
        inclusion: TagTree::new(columns, rows),
        planes: TagTree::new(columns, rows),
        blocks,
    }
}
