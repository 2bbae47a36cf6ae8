//! What lies over the pixels of a frame: overlay planes and the display shutter.
//!
//! A [`Mask`] is one byte a pixel, made once a frame. It is drawn after the frame: the shutter where the nearest
//! pixel is shuttered, overlay graphics where a pixel whose centre lies within the canvas pixel has them, so that a line of
//! one pixel stays whole when the image is shown small.
//! Source: DICOM PS3.3 C.9.2 (Overlay Plane), C.7.6.11 (Display Shutter).

use super::canvas::CanvasPixel;
use super::gamut::to_display_p3;
use super::grid::{CanvasGrid, FRACTION_BITS, ONE, Tap, tap};
use super::icc::ScreenColors;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// A pixel of an overlay plane.
pub const OVERLAY: u8 = 1;
/// A pixel that the shutter covers.
pub const SHUTTER: u8 = 2;

/// Colour of overlay graphics: told from grey and from the usual colours of ultrasound.
pub const OVERLAY_COLOR: [u8; 3] = [240, 227, 164];

/// Most of a canvas pixel's half that is looked at for graphics: four pixels and a half.
const MOST_HALF: u32 = 9 * ONE / 2;

/// Overlay planes and shutter of one frame, ready to be drawn. Two are equal where they are the same one.
#[derive(Debug, Clone)]
pub struct Mask {
    columns: u32,
    rows: u32,
    cells: Arc<[u8]>,
    shutter_level: u8,
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.cells, &other.cells) && self.shutter_level == other.shutter_level
    }
}

impl Mask {
    /// Paints planes and shutter over a frame of `columns` x `rows`; `None` where nothing of them lies on it.
    pub fn new(
        [columns, rows]: [u32; 2],
        planes: &[OverlayBits],
        shutter: Option<&Shutter>,
    ) -> Option<Self> {
        let count = (columns as usize).checked_mul(rows as usize)?;
        let mut cells = vec![0; count];
        for plane in planes {
            plane.paint(&mut cells, [columns, rows]);
        }
        if let Some(shutter) = shutter {
            shutter.paint(&mut cells, columns);
        }
        cells.iter().any(|cell| *cell != 0).then(|| Self {
            columns,
            rows,
            cells: cells.into(),
            shutter_level: shutter.map_or(0, |shutter| shutter.level),
        })
    }

    /// Columns and rows.
    pub fn size(&self) -> [u32; 2] {
        [self.columns, self.rows]
    }

    /// One byte a pixel: [`OVERLAY`], [`SHUTTER`] or both.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// The grey of the shutter on screen.
    pub fn shutter_level(&self) -> u8 {
        self.shutter_level
    }

    /// Draws over canvas pixels, RGBA, that show the frame; overlay graphics only in the colours of a screen.
    pub(super) fn draw<P: CanvasPixel>(
        &self,
        grid: &CanvasGrid,
        overlays: Option<ScreenColors>,
        width: u32,
        pixels: &mut [P],
    ) {
        let graphics = match overlays {
            Some(ScreenColors::DisplayP3) => to_display_p3(OVERLAY_COLOR),
            _ => OVERLAY_COLOR,
        };
        let [shutter, graphics] = [[self.shutter_level; 3], graphics].map(P::of_levels);
        let [across, down] = footprint(grid);
        for (y, line) in (0..).zip(pixels.chunks_exact_mut(width.max(1) as usize)) {
            for (x, pixel) in (0..).zip(line) {
                let column = tap(grid.column_at(x, y), self.columns);
                let row = tap(grid.row_at(x, y), self.rows);
                let (Some(column), Some(row)) = (column, row) else {
                    continue;
                };
                if self.at(column.nearest, row.nearest) & SHUTTER != 0 {
                    *pixel = shutter;
                    continue;
                }
                let columns = covered(&column, across, self.columns);
                let rows = covered(&row, down, self.rows);
                if overlays.is_some() && self.has_overlay(columns, rows) {
                    *pixel = graphics;
                }
            }
        }
    }

    fn at(&self, column: u32, row: u32) -> u8 {
        let place = row as usize * self.columns as usize + column as usize;
        self.cells.get(place).copied().unwrap_or(0)
    }

    fn has_overlay(&self, columns: RangeInclusive<u32>, mut rows: RangeInclusive<u32>) -> bool {
        rows.any(|row| {
            columns
                .clone()
                .any(|column| self.at(column, row) & OVERLAY != 0)
        })
    }
}

/// Half of the columns and of the rows that a canvas pixel covers, in units of `1 / ONE`.
pub fn footprint(grid: &CanvasGrid) -> [u32; 2] {
    [grid.column, grid.row].map(|[x, y, _]| {
        let step = x.saturating_abs().saturating_add(y.saturating_abs());
        // Half of it, and 16 of its 32 fractional bits.
        u32::try_from(step >> 17).map_or(MOST_HALF, |half| half.min(MOST_HALF))
    })
}

/// Pixels whose centres a canvas pixel covers, of `length`, and always the nearest one: no line of a plane is lost
/// when the image is made smaller, and none grows when it is not.
fn covered(tap: &Tap, half: u32, length: u32) -> RangeInclusive<u32> {
    let half = i64::from(half);
    let is_up = tap.fraction >= ONE / 2;
    let offset = i64::from(tap.fraction) - if is_up { i64::from(ONE) } else { 0 };
    let whole = |number: i64| u32::try_from(number >> FRACTION_BITS).unwrap_or(0);
    let (before, behind) = (whole(half - offset - 1), whole(half + offset));
    tap.nearest.saturating_sub(before)..=(tap.nearest + behind).min(length - 1)
}

/// The bits of one overlay plane for one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverlayBits {
    /// Columns of the plane.
    pub columns: u32,
    /// Rows of the plane.
    pub rows: u32,
    /// Row and column of the image where its first pixel lies, counted from 1; may be off the image.
    pub origin: [i32; 2],
    /// Packed bits, the lowest bit of a byte first, rows without gaps.
    pub bits: Vec<u8>,
}

impl OverlayBits {
    /// Cuts one frame out of Overlay Data (60xx,3000), whose frames follow each other bit by bit. `None` where
    /// the data end before it.
    pub fn of_frame(
        [columns, rows]: [u32; 2],
        origin: [i32; 2],
        data: &[u8],
        frame: u32,
    ) -> Option<Self> {
        let count = (columns as usize).checked_mul(rows as usize)?;
        let start = count.checked_mul(frame as usize)?;
        let end = start.checked_add(count)?;
        if count == 0 || end > data.len().checked_mul(8)? {
            return None;
        }
        let mut bits = vec![0; count.div_ceil(8)];
        for (place, source) in (start..end).enumerate() {
            let bit = (data[source / 8] >> (source % 8)) & 1;
            bits[place / 8] |= bit << (place % 8);
        }
        Some(Self {
            columns,
            rows,
            origin,
            bits,
        })
    }

    /// Takes one bit of every pixel of a frame of 8 or 16 bits: overlays of old files lie in unused bits of the
    /// pixels, Overlay Bit Position (60xx,0102).
    pub fn of_pixels(
        [columns, rows]: [u32; 2],
        origin: [i32; 2],
        samples: impl Iterator<Item = u16>,
        bit_position: u16,
    ) -> Self {
        let count = columns as usize * rows as usize;
        let mut bits = vec![0; count.div_ceil(8)];
        for (place, sample) in samples.take(count).enumerate() {
            let bit = (sample >> bit_position.min(15)) & 1;
            if bit == 1 {
                bits[place / 8] |= 1 << (place % 8);
            }
        }
        Self {
            columns,
            rows,
            origin,
            bits,
        }
    }

    fn paint(&self, cells: &mut [u8], [columns, rows]: [u32; 2]) {
        let place = |at: u32, origin: i32, count: u32| {
            let target = i64::from(at) + i64::from(origin) - 1;
            u32::try_from(target).ok().filter(|target| *target < count)
        };
        for row in 0..self.rows {
            let Some(target_row) = place(row, self.origin[0], rows) else {
                continue;
            };
            for column in 0..self.columns {
                let source = row as usize * self.columns as usize + column as usize;
                let byte = self.bits.get(source / 8).copied().unwrap_or(0);
                if (byte >> (source % 8)) & 1 == 0 {
                    continue;
                }
                if let Some(target_column) = place(column, self.origin[1], columns) {
                    let target = target_row as usize * columns as usize + target_column as usize;
                    if let Some(cell) = cells.get_mut(target) {
                        *cell |= OVERLAY;
                    }
                }
            }
        }
    }
}

/// One shape of a shutter: what lies inside stays visible. Rows and columns are counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub enum ShutterShape {
    /// Edges, which are visible themselves.
    Rectangle {
        /// First visible column.
        left: f64,
        /// Last visible column.
        right: f64,
        /// First visible row.
        upper: f64,
        /// Last visible row.
        lower: f64,
    },
    /// Pixels whose centre is at most `radius` from the centre.
    Circle {
        /// Row and column of the centre.
        center: [f64; 2],
        /// In pixels.
        radius: f64,
    },
    /// Pixels whose centre lies in a polygon or on its edge.
    Polygon {
        /// Row and column of each corner.
        vertices: Vec<[f64; 2]>,
    },
}

/// A display shutter: what lies outside of any of its shapes is covered.
#[derive(Debug, Clone, PartialEq)]
pub struct Shutter {
    /// All shapes; a pixel must lie in each.
    pub shapes: Vec<ShutterShape>,
    /// Grey of what is covered, from Shutter Presentation Value.
    pub level: u8,
}

impl Shutter {
    fn paint(&self, cells: &mut [u8], columns: u32) {
        for (row, line) in (1_u32..).zip(cells.chunks_exact_mut(columns.max(1) as usize)) {
            for (column, cell) in (1_u32..).zip(line) {
                let at = [f64::from(row), f64::from(column)];
                if !self.shapes.iter().all(|shape| shape.contains(at)) {
                    *cell |= SHUTTER;
                }
            }
        }
    }
}

impl ShutterShape {
    fn contains(&self, [row, column]: [f64; 2]) -> bool {
        match self {
            Self::Rectangle {
                left,
                right,
                upper,
                lower,
            } => (*left..=*right).contains(&column) && (*upper..=*lower).contains(&row),
            Self::Circle { center, radius } => {
                let [down, across] = [row - center[0], column - center[1]];
                down * down + across * across <= radius * radius
            }
            Self::Polygon { vertices } => is_in_polygon(vertices, [row, column]),
        }
    }
}

/// Even-odd rule; points on an edge are inside.
fn is_in_polygon(vertices: &[[f64; 2]], [row, column]: [f64; 2]) -> bool {
    let mut is_inside = false;
    let next = vertices.iter().cycle().skip(1);
    for (a, b) in vertices.iter().zip(next) {
        let along = (b[0] - a[0]) * (column - a[1]) - (b[1] - a[1]) * (row - a[0]);
        let between = |p: f64, q: f64, at: f64| (p.min(q)..=p.max(q)).contains(&at);
        if along == 0.0 && between(a[0], b[0], row) && between(a[1], b[1], column) {
            return true;
        }
        if (a[0] > row) != (b[0] > row) {
            let crossing = a[1] + (row - a[0]) / (b[0] - a[0]) * (b[1] - a[1]);
            if column < crossing {
                is_inside = !is_inside;
            }
        }
    }
    is_inside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(origin: [i32; 2], bits: &[u8]) -> OverlayBits {
        OverlayBits::of_frame([3, 2], origin, bits, 0).expect("enough bits")
    }

    fn cells(planes: &[OverlayBits], shutter: Option<&Shutter>) -> Vec<u8> {
        Mask::new([4, 3], planes, shutter).map_or_else(Vec::new, |mask| mask.cells().to_vec())
    }

    /// C.9.2.1.1: the origin 1\1 lies on the first pixel; row is first.
    #[test]
    fn an_overlay_begins_at_its_origin() {
        // Row 0: 1 0 1, row 1: 0 1 0, lowest bit first.
        let found = cells(&[plane([1, 1], &[0b01_0101])], None);
        assert_eq!(found, [1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        let found = cells(&[plane([2, 3], &[0b01_0101])], None);
        assert_eq!(found, [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
        let found = cells(&[plane([0, -1], &[0b01_0101])], None);
        assert_eq!(found, [0; 12].to_vec().split_off(12));
        let found = cells(&[plane([0, 0], &[0b01_0101])], None);
        assert_eq!(found, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn frames_of_an_overlay_follow_bit_by_bit() {
        // Six bits a frame: 000000 111111.
        let data = [0b1100_0000, 0b0000_1111];
        let second = OverlayBits::of_frame([3, 2], [1, 1], &data, 1).expect("there");
        assert_eq!(second.bits, [0b11_1111]);
        assert_eq!(OverlayBits::of_frame([3, 2], [1, 1], &data, 2), None);
        assert_eq!(OverlayBits::of_frame([0, 2], [1, 1], &data, 0), None);
    }

    #[test]
    fn an_overlay_in_the_pixels_is_one_bit_of_each() {
        let samples = [0x1fff, 0x0fff, 0x1000];
        let plane = OverlayBits::of_pixels([3, 1], [1, 1], samples.into_iter(), 12);
        assert_eq!(plane.bits, [0b101]);
    }

    #[test]
    fn shapes_are_cut_with_each_other() {
        let shutter = Shutter {
            shapes: vec![
                ShutterShape::Rectangle {
                    left: 2.0,
                    right: 3.0,
                    upper: 1.0,
                    lower: 3.0,
                },
                ShutterShape::Circle {
                    center: [2.0, 2.0],
                    radius: 1.0,
                },
            ],
            level: 40,
        };
        let found = cells(&[], Some(&shutter));
        assert_eq!(found, [2, 0, 2, 2, 2, 0, 0, 2, 2, 0, 2, 2]);
    }

    #[test]
    fn a_polygon_holds_its_edge() {
        let triangle = vec![[1.0, 1.0], [3.0, 1.0], [3.0, 3.0]];
        let inside = |row, column| is_in_polygon(&triangle, [row, column]);
        assert!(inside(1.0, 1.0) && inside(2.0, 2.0) && inside(2.0, 1.0) && inside(3.0, 2.0));
        assert!(!inside(1.0, 2.0) && !inside(2.0, 3.0) && !inside(4.0, 1.0));
    }

    #[test]
    fn a_line_stays_whole_when_the_image_is_small() {
        let bits = vec![0b0000_0010, 0b0000_0000];
        let mask = Mask::new(
            [9, 1],
            &[OverlayBits::of_frame([9, 1], [1, 1], &bits, 0).unwrap()],
            None,
        )
        .unwrap();
        let grid = CanvasGrid::new(&[3.0, 0.0, 0.0, 3.0, 0.0, 0.0]);
        assert_eq!(footprint(&grid), [3 * ONE / 2; 2]);
        let mut pixels = vec![[7; 4]; 3];
        mask.draw(&grid, Some(ScreenColors::Srgb), 3, &mut pixels);
        let [red, green, blue] = OVERLAY_COLOR;
        assert_eq!(pixels, [[red, green, blue, 255], [7; 4], [7; 4]]);
        let mut without = vec![[7; 4]; 3];
        mask.draw(&grid, None, 3, &mut without);
        assert_eq!(without, [[7; 4]; 3]);
    }

    /// A canvas pixel of one column and a tenth holds the centre of one column, and now and then of two.
    #[test]
    fn a_line_is_no_wider_than_what_the_canvas_pixels_cover() {
        let column = |number: f64| (number * f64::from(ONE)).round() as i64;
        let at = |number: f64| {
            let half = footprint(&CanvasGrid::new(&[1.1, 0.0, 0.0, 1.1, 0.0, 0.0]))[0];
            covered(&tap(column(number), 100).unwrap(), half, 100)
        };
        assert_eq!(at(10.0), 10..=10);
        assert_eq!(at(10.44), 10..=10);
        assert_eq!(at(10.48), 10..=11);
        assert_eq!(at(10.52), 10..=11);
        assert_eq!(at(0.0), 0..=0);
        assert_eq!(at(99.49), 99..=99);
        // Enlarged: the nearest one alone.
        let half = footprint(&CanvasGrid::new(&[0.25, 0.0, 0.0, 0.25, 0.0, 0.0]))[0];
        for number in [10.4, 10.5, 9.6] {
            assert_eq!(
                covered(&tap(column(number), 100).unwrap(), half, 100),
                (number + 0.5) as u32..=(number + 0.5) as u32
            );
        }
    }
}
