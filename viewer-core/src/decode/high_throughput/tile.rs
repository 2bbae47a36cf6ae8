//! How a tile is cut into resolutions, bands, precincts and code blocks.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex B.5 to B.7 and B.12.

use super::corrupt;
use super::main_header::{Coding, MainHeader, Quantization};
use super::packets::TagTree;
use super::wavelet::Area;
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
    pub passes: u32,
    /// Where the bytes begin in the tile's data, and how many belong to the cleanup pass and those behind.
    pub start: usize,
    pub cleanup: usize,
    pub refinement: usize,
}

/// The code blocks of one band in one precinct.
pub(super) struct BlockGrid {
    pub columns: usize,
    pub inclusion: TagTree,
    pub planes: TagTree,
    pub blocks: Vec<Block>,
}

pub(super) struct Band {
    pub area: Area,
    /// Bit planes of a coefficient.
    pub planes: u32,
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
}

/// One component of a tile.
pub(super) struct TileComponent {
    pub resolutions: Vec<Resolution>,
    pub reversible: bool,
    pub causal: bool,
}

/// The area of a tile by its index.
pub(super) fn tile_area(header: &MainHeader, index: u32) -> Area {
    let columns = (header.right - header.tile_left).div_ceil(header.tile_columns);
    let (row, column) = (index / columns, index % columns);
    let edge = |offset: u32, count: u32, size: u32, low: u32, high: u32| {
        let at = u64::from(offset) + u64::from(count) * u64::from(size);
        u32::try_from(at).unwrap_or(u32::MAX).clamp(low, high)
    };
    let x = |count| {
        edge(
            header.tile_left,
            count,
            header.tile_columns,
            header.left,
            header.right,
        )
    };
    let y = |count| {
        edge(
            header.tile_top,
            count,
            header.tile_rows,
            header.top,
            header.bottom,
        )
    };
    Area {
        x0: x(column),
        y0: y(row),
        x1: x(column + 1),
        y1: y(row + 1),
    }
}

/// Cuts a component of a tile up.
pub(super) fn component(
    tile: Area,
    coding: &Coding,
    quantization: &Quantization,
    precision: u32,
) -> Result<TileComponent, DecodeError> {
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
            if !(1..=31).contains(&planes) {
                return Err(corrupt("an impossible number of bit planes"));
            }
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
                planes,
                step,
                precincts,
            });
        }
        resolutions.push(Resolution {
            area,
            bands,
            origins,
        });
    }
    Ok(TileComponent {
        resolutions,
        reversible: coding.reversible,
        causal: coding.causal,
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
