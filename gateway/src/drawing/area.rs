//! Where an image lies in a picture that shows a displayed area of it, turned and flipped.
//!
//! Places in image and picture are measured from the outer corner of the first pixel, whose centre is at (0.5, 0.5); places in the
//! displayed area are fractions of it, as it is seen. Pure.
//! Source: DICOM PS3.3 C.10.4 (Displayed Area), C.10.6 (Spatial Transformation), PS3.18 9.5.2.3 (viewport).

use super::fitted;
use super::wish::{Part, Size};

/// Most pixels along an edge of a picture before it is cut to a viewport.
const MOST_EDGE: f64 = 1_048_576.0;

/// A map of the plane: `x' = m[0]*x + m[2]*y + m[4]`, `y' = m[1]*x + m[3]*y + m[5]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [f64; 6]);

impl Affine {
    fn scale([x, y]: [f64; 2]) -> Self {
        Self([x, 0.0, 0.0, y, 0.0, 0.0])
    }

    fn translation([x, y]: [f64; 2]) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// Where a place comes to lie.
    pub fn of(self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [a, b, c, d, e, f] = self.0;
        [a * x + c * y + e, b * x + d * y + f]
    }

    /// What comes of `first` and then of this map.
    fn after(self, first: Self) -> Self {
        let [a, b, c, d, _, _] = self.0;
        let [g, h, i, j, k, l] = first.0;
        let [x, y] = self.of([k, l]);
        Self([
            a * g + c * h,
            b * g + d * h,
            a * i + c * j,
            b * i + d * j,
            x,
            y,
        ])
    }

    /// The way back; `None` where everything falls on a line.
    fn inverse(self) -> Option<Self> {
        let [a, b, c, d, e, f] = self.0;
        let determinant = a * d - b * c;
        if !determinant.is_normal() {
            return None;
        }
        let back = Self([
            d / determinant,
            -b / determinant,
            -c / determinant,
            a / determinant,
            0.0,
            0.0,
        ]);
        let [x, y] = back.of([e, f]);
        let [a, b, c, d, _, _] = back.0;
        Some(Self([a, b, c, d, -x, -y]))
    }
}

/// How an image is turned, PS3.3 C.10.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpatialTransformation {
    /// Image Rotation (0070,0042) in quarter turns clockwise, 0 to 3.
    pub quarter_turns: u8,
    /// Image Horizontal Flip (0070,0041), after the rotation.
    pub is_flipped: bool,
}

impl SpatialTransformation {
    /// From fractions of what is seen to fractions of what it was before.
    fn untransformed(self) -> Affine {
        let turned = Affine(match self.quarter_turns % 4 {
            0 => [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            1 => [0.0, -1.0, 1.0, 0.0, 0.0, 1.0],
            2 => [-1.0, 0.0, 0.0, -1.0, 1.0, 1.0],
            _ => [0.0, 1.0, -1.0, 0.0, 1.0, 0.0],
        });
        match self.is_flipped {
            true => turned.after(Affine([-1.0, 0.0, 0.0, 1.0, 1.0, 0.0])),
            false => turned,
        }
    }

    /// Columns have become rows.
    fn is_sideways(self) -> bool {
        self.quarter_turns % 2 == 1
    }
}

/// Presentation Size Mode (0070,0100).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SizeMode {
    /// SCALE TO FIT; TRUE SIZE as well, as nobody knows how large the pixels of the client's screen are.
    ScaleToFit,
    /// MAGNIFY, by Presentation Pixel Magnification Ratio (0070,0103).
    Magnify(f64),
}

/// The part of an image that is displayed, PS3.3 C.10.4.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DisplayedArea {
    /// Left and upper edge in the image; may lie outside of it.
    pub start: [f64; 2],
    /// Columns and rows.
    pub size: [f64; 2],
    /// Shape of a pixel, where Presentation Pixel Spacing or Aspect Ratio says it.
    pub pixel_width_over_height: Option<f64>,
    /// How large it is shown.
    pub mode: SizeMode,
}

impl DisplayedArea {
    /// All of an image of so many columns and rows.
    pub fn whole(size: [f64; 2]) -> Self {
        Self {
            start: [0.0, 0.0],
            size,
            pixel_width_over_height: None,
            mode: SizeMode::ScaleToFit,
        }
    }
}

/// Where everything lies in a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Columns and rows of the picture.
    pub size: [u32; 2],
    /// Places in the image to places in the picture.
    pub picture_from_image: Affine,
    /// Fractions of the displayed area to places in the picture.
    pub picture_from_area: Affine,
    image_from_picture: Affine,
}

impl Placement {
    /// Places a displayed area. `pixel_width_over_height` is for an area that does not say it; a magnified area that a viewport does
    /// not hold is cut to its middle.
    pub fn new(
        area: &DisplayedArea,
        transformation: SpatialTransformation,
        pixel_width_over_height: f64,
        size: Size,
    ) -> Option<Self> {
        let ratio = area
            .pixel_width_over_height
            .unwrap_or(pixel_width_over_height);
        let part = Part {
            left: area.start[0],
            top: area.start[1],
            width: area.size[0],
            height: area.size[1],
            flips: [false, false],
        };
        let seen = |[width, height]: [f64; 2]| match transformation.is_sideways() {
            true => [height, width],
            false => [width, height],
        };
        let (whole, offset, shown) = match area.mode {
            SizeMode::ScaleToFit => {
                let lying = match size {
                    Size::Within {
                        width,
                        height,
                        enlarges,
                    } if transformation.is_sideways() => Size::Within {
                        width: height,
                        height: width,
                        enlarges,
                    },
                    size => size,
                };
                let (width, height) = fitted(&part, ratio, lying);
                let whole = seen([f64::from(width), f64::from(height)]);
                (whole, [0.0, 0.0], whole)
            }
            SizeMode::Magnify(magnification) => {
                let (wide, high) = (part.width * ratio, part.height);
                let square = part.width.max(part.height) / wide.max(high);
                let edge = |length: f64| {
                    let magnified = length * square * magnification;
                    magnified.round().clamp(1.0, MOST_EDGE)
                };
                let whole = seen([edge(wide), edge(high)]);
                let shown = match size {
                    Size::Own => whole,
                    Size::Within { width, height, .. } => [
                        whole[0].min(f64::from(width)),
                        whole[1].min(f64::from(height)),
                    ],
                };
                let offset = [0, 1].map(|axis: usize| ((whole[axis] - shown[axis]) / 2.0).floor());
                (whole, offset, shown)
            }
        };
        let image_from_area = Affine::translation(area.start)
            .after(Affine::scale(area.size))
            .after(transformation.untransformed());
        let picture_from_area =
            Affine::translation(offset.map(|along| -along)).after(Affine::scale(whole));
        let image_from_picture = image_from_area.after(picture_from_area.inverse()?);
        Some(Self {
            size: shown.map(pixels),
            picture_from_image: picture_from_area.after(image_from_area.inverse()?),
            picture_from_area,
            image_from_picture,
        })
    }

    /// From centres of canvas pixels to centres of image pixels, where `over` x `over` pixels of the canvas are one of the picture.
    pub fn pixel_from_canvas(&self, over: u32) -> [f64; 6] {
        let step = 1.0 / f64::from(over);
        let picture_from_canvas =
            Affine::scale([step, step]).after(Affine::translation([0.5, 0.5]));
        let image = self.image_from_picture.after(picture_from_canvas);
        Affine::translation([-0.5, -0.5]).after(image).0
    }

    /// Pixels of the image along an edge of a pixel of the picture, the larger number of both edges.
    pub fn image_pixels(&self) -> f64 {
        let [a, b, c, d, _, _] = self.image_from_picture.0;
        a.hypot(b).max(c.hypot(d))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before the cast"
)]
fn pixels(length: f64) -> u32 {
    length.clamp(1.0, MOST_EDGE) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(quarter_turns: u8, is_flipped: bool) -> SpatialTransformation {
        SpatialTransformation {
            quarter_turns,
            is_flipped,
        }
    }

    fn area(start: [f64; 2], size: [f64; 2], mode: SizeMode) -> DisplayedArea {
        DisplayedArea {
            start,
            size,
            pixel_width_over_height: Some(1.0),
            mode,
        }
    }

    /// C.10.6: "How far to rotate the image clockwise in degrees, before any Image Horizontal Flip is applied". The corners of
    /// what is seen, in reading order, are these of the image: 0 and 1 above, 2 and 3 below.
    #[test]
    fn an_image_is_turned_clockwise_and_then_flipped() {
        let corners = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
        for (quarter_turns, is_flipped, expected) in [
            (0, false, [0, 1, 2, 3]),
            (1, false, [2, 0, 3, 1]),
            (2, false, [3, 2, 1, 0]),
            (3, false, [1, 3, 0, 2]),
            (0, true, [1, 0, 3, 2]),
            (1, true, [0, 2, 1, 3]),
            (2, true, [2, 3, 0, 1]),
            (3, true, [3, 1, 2, 0]),
        ] {
            let map = turned(quarter_turns, is_flipped).untransformed();
            let found = corners.map(|corner| map.of(corner));
            let expected: [[f64; 2]; 4] = expected.map(|at: usize| corners[at]);
            assert_eq!(found, expected, "{quarter_turns} {is_flipped}");
        }
    }

    #[test]
    fn a_map_and_its_inverse_come_back() {
        let map = Affine([0.0, 2.0, -4.0, 0.0, 3.0, 5.0]);
        assert_eq!(map.of([1.0, 1.0]), [-1.0, 7.0]);
        assert_eq!(map.inverse().unwrap().of([-1.0, 7.0]), [1.0, 1.0]);
        assert_eq!(Affine([0.0; 6]).inverse(), None);
    }

    /// 4 x 2 pixels of the image from column 3 and row 5 on, on their sides: 2 x 4 pixels of the picture.
    #[test]
    fn a_sideways_area_has_its_first_column_above() {
        let area = area([2.0, 4.0], [4.0, 2.0], SizeMode::ScaleToFit);
        let placed = Placement::new(&area, turned(1, false), 1.0, Size::Own).unwrap();
        assert_eq!(placed.size, [2, 4]);
        // Seen above on the left: first column, last row of the area, counted from 0.
        let [a, b, c, d, e, f] = placed.pixel_from_canvas(1);
        assert_eq!([e, f], [2.0, 5.0]);
        assert_eq!([a + e, b + f], [2.0, 4.0]);
        assert_eq!([c + e, d + f], [3.0, 5.0]);
        assert_eq!(placed.picture_from_image.of([2.0, 6.0]), [0.0, 0.0]);
        assert_eq!(placed.picture_from_area.of([0.5, 0.25]), [1.0, 1.0]);
        assert_eq!(placed.image_pixels(), 1.0);
    }

    #[test]
    fn a_viewport_is_filled_by_what_is_seen() {
        let area = area([0.0, 0.0], [4.0, 2.0], SizeMode::ScaleToFit);
        let size = Size::Within {
            width: 30,
            height: 40,
            enlarges: true,
        };
        let upright = Placement::new(&area, turned(0, false), 1.0, size).unwrap();
        assert_eq!(upright.size, [30, 15]);
        let sideways = Placement::new(&area, turned(3, false), 1.0, size).unwrap();
        assert_eq!(sideways.size, [20, 40]);
        assert_eq!(sideways.image_pixels(), 0.1);
    }

    #[test]
    fn pixels_have_the_shape_that_the_area_says() {
        let mut wide = area([0.0, 0.0], [4.0, 4.0], SizeMode::ScaleToFit);
        wide.pixel_width_over_height = Some(2.0);
        let placed = Placement::new(&wide, turned(0, false), 1.0, Size::Own).unwrap();
        assert_eq!(placed.size, [4, 2]);
        wide.pixel_width_over_height = None;
        let placed = Placement::new(&wide, turned(0, false), 0.5, Size::Own).unwrap();
        assert_eq!(placed.size, [2, 4]);
    }

    /// PS3.18 9.5.2.3: "It will then be cropped to fit the size specified by the viewport parameters".
    #[test]
    fn a_magnified_area_is_cut_to_the_viewport() {
        let area = area([0.0, 0.0], [4.0, 2.0], SizeMode::Magnify(3.0));
        let whole = Placement::new(&area, turned(0, false), 1.0, Size::Own).unwrap();
        assert_eq!(whole.size, [12, 6]);
        let size = Size::Within {
            width: 6,
            height: 100,
            enlarges: true,
        };
        let cut = Placement::new(&area, turned(0, false), 1.0, size).unwrap();
        assert_eq!(cut.size, [6, 6]);
        // Three of the picture's pixels are gone on the left: one of the image's.
        assert_eq!(cut.picture_from_image.of([1.0, 0.0]), [0.0, 0.0]);
        assert_eq!(cut.picture_from_area.of([0.25, 0.0]), [0.0, 0.0]);
    }
}
