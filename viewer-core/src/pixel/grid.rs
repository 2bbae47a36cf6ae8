//! Where on a frame a canvas pixel lies, in whole numbers.
//!
//! A processor and a graphics card round floating point products differently: under a narrow window a
//! millionth of a pixel is many greys. So positions are fixed-point numbers with 32 fractional bits,
//! rounded to 16 for the weights; [`CanvasGrid`] and `shaders/common.wgsl` agree in every bit.

/// Canvas pixels per side that the grid can address.
pub const MAX_CANVAS_SIDE: u32 = 1 << 16;

/// Fractional bits of a rounded position.
pub const FRACTION_BITS: u32 = 16;

/// One in a rounded position.
pub const ONE: u32 = 1 << FRACTION_BITS;

/// 2 to the 32nd: one in a fixed-point coefficient.
const FIXED_ONE: f64 = 4_294_967_296.0;

/// Steps beyond this many pixels a canvas pixel are cut: nothing could be recognised.
const MAX_STEP: f64 = 8191.0;

/// Starts beyond this are cut: no frame has so many columns.
const MAX_START: f64 = 268_435_456.0;

/// The affine map from canvas pixels to pixels of the frame, with 32 fractional bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CanvasGrid {
    /// Columns a canvas column, columns a canvas row, column of canvas pixel (0, 0).
    pub column: [i64; 3],
    /// Rows a canvas column, rows a canvas row, row of canvas pixel (0, 0).
    pub row: [i64; 3],
}

impl CanvasGrid {
    /// From [`FrameParams::pixel_from_canvas`](super::FrameParams::pixel_from_canvas). A map with a number
    /// that is not finite shows no pixel of the frame.
    pub fn new(pixel_from_canvas: &[f64; 6]) -> Self {
        let [a, b, c, d, e, f] = *pixel_from_canvas;
        if !pixel_from_canvas.iter().all(|number| number.is_finite()) {
            let nowhere = [0, 0, fixed(-MAX_START, MAX_START)];
            return Self {
                column: nowhere,
                row: nowhere,
            };
        }
        Self {
            column: [fixed(a, MAX_STEP), fixed(c, MAX_STEP), fixed(e, MAX_START)],
            row: [fixed(b, MAX_STEP), fixed(d, MAX_STEP), fixed(f, MAX_START)],
        }
    }

    /// True where canvas rows run along rows of the frame.
    pub fn is_axis_aligned(&self) -> bool {
        self.column[1] == 0 && self.row[0] == 0
    }

    /// Column below a canvas pixel, with [`FRACTION_BITS`].
    pub fn column_at(&self, x: u32, y: u32) -> i64 {
        rounded(&self.column, x, y)
    }

    /// Row below a canvas pixel, with [`FRACTION_BITS`].
    pub fn row_at(&self, x: u32, y: u32) -> i64 {
        rounded(&self.row, x, y)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "cut to 2 to the 28th before, so the product has at most 60 bits"
)]
fn fixed(number: f64, limit: f64) -> i64 {
    (number.clamp(-limit, limit) * FIXED_ONE).round() as i64
}

fn rounded([per_x, per_y, start]: &[i64; 3], x: u32, y: u32) -> i64 {
    (per_x * i64::from(x) + per_y * i64::from(y) + start + 0x8000) >> FRACTION_BITS
}

/// The two neighbours of a position along one axis, and the weight of the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tap {
    /// Index of the pixel at or before the position.
    pub first: u32,
    /// Index of the pixel after it; the last one's neighbour is itself.
    pub second: u32,
    /// Weight of the second, `0..ONE`.
    pub fraction: u32,
    /// Index of the nearest pixel; a half goes up.
    pub nearest: u32,
}

/// The neighbours of a rounded position among `length` pixels; `None` outside `-0.5..length - 0.5`.
pub fn tap(position: i64, length: u32) -> Option<Tap> {
    let nearest = u32::try_from((position + i64::from(ONE / 2)) >> FRACTION_BITS).ok()?;
    if nearest >= length {
        return None;
    }
    let whole = position >> FRACTION_BITS;
    Some(Tap {
        first: u32::try_from(whole).unwrap_or(0),
        second: u32::try_from(whole + 1).unwrap_or(0).min(length - 1),
        fraction: u32::try_from(position & i64::from(ONE - 1)).unwrap_or(0),
        nearest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: f64) -> i64 {
        (number * f64::from(ONE)) as i64
    }

    #[test]
    fn a_frame_covers_half_a_pixel_around_its_centres() {
        assert_eq!(tap(at(-0.75), 4), None);
        assert_eq!(tap(at(-0.5), 4).map(|tap| tap.nearest), Some(0));
        assert_eq!(tap(at(3.25), 4).map(|tap| tap.nearest), Some(3));
        assert_eq!(tap(at(3.5), 4), None);
        assert_eq!(tap(at(0.0), 0), None);
    }

    #[test]
    fn neighbours_stop_at_the_edge() {
        let before = tap(at(-0.25), 4).expect("inside");
        assert_eq!((before.first, before.second), (0, 0));
        let after = tap(at(3.25), 4).expect("inside");
        assert_eq!((after.first, after.second), (3, 3));
        let between = tap(at(1.25), 4).expect("inside");
        assert_eq!((between.first, between.second), (1, 2));
        assert_eq!(between.fraction, ONE / 4);
    }

    #[test]
    fn a_third_of_a_pixel_adds_up_to_whole_pixels() {
        let grid = CanvasGrid::new(&[1.0 / 3.0, 0.0, 0.0, 1.0 / 3.0, 0.0, 0.0]);
        for whole in [1_u32, 7, 500, 5000] {
            assert_eq!(grid.column_at(3 * whole, 1), i64::from(whole * ONE));
        }
    }

    #[test]
    fn a_quarter_turn_takes_columns_from_canvas_rows() {
        let grid = CanvasGrid::new(&[0.0, -1.0, 1.0, 0.0, 5.0, 9.0]);
        assert_eq!(grid.column_at(3, 4), at(9.0));
        assert_eq!(grid.row_at(3, 4), at(6.0));
        assert!(!grid.is_axis_aligned());
    }

    #[test]
    fn a_map_that_is_no_map_shows_nothing() {
        let grid = CanvasGrid::new(&[f64::NAN, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert_eq!(tap(grid.column_at(7, 9), 100), None);
    }
}
