//! Draws the graphics and texts of a presentation state into the picture of its image.
//!
//! A circle is round as it is seen. Texts stand upright in the rectangle that their box becomes, as large as it allows; where they do
//! not fit they reach out of it, and are moved so that the picture holds them.
//! Source: DICOM PS3.3 C.10.5 (Graphic Annotation), C.10.5.1.1 (Unformatted Text Value).

use std::f64::consts::TAU;

use super::Picture;
use super::area::Placement;
use super::marks::{Drawn, Graphic, GraphicType, Mark, TextObject, Units};
use super::raster::Raster;
use super::text;

/// Half the length of the lines that mark a point.
const ARM: f64 = 3.0;
/// Lines between two places of a curve.
const STEPS: u32 = 12;

/// Draws marks in their order; false where not all of them could be.
pub fn draw(picture: &mut Picture, placement: &Placement, marks: &[Mark]) -> bool {
    let mut raster = Raster::new(picture);
    for mark in marks {
        match &mark.drawn {
            Drawn::Graphic(graphic) => draw_graphic(&mut raster, placement, graphic, mark.grey),
            Drawn::Text(object) => draw_text(&mut raster, placement, object, mark.grey),
        }
    }
    raster.is_complete()
}

fn seen(placement: &Placement, units: Units, place: [f64; 2]) -> [f64; 2] {
    match units {
        Units::Pixel => placement.picture_from_image.of(place),
        Units::Display => placement.picture_from_area.of(place),
    }
}

fn draw_graphic(raster: &mut Raster, placement: &Placement, graphic: &Graphic, grey: u8) {
    let places: Vec<[f64; 2]> = graphic
        .points
        .iter()
        .map(|point| seen(placement, graphic.units, *point))
        .collect();
    let is_closed = graphic.points.first() == graphic.points.last();
    let (outline, has_inside) = match (graphic.kind, places.as_slice()) {
        (GraphicType::Point, [[x, y]]) => {
            raster.line([[x - ARM, *y], [x + ARM, *y]], grey);
            raster.line([[*x, y - ARM], [*x, y + ARM]], grey);
            return;
        }
        (GraphicType::Circle, [[x, y], edge]) => {
            let radius = (edge[0] - x).hypot(edge[1] - y);
            (ellipse([*x, *y], [radius, 0.0], [0.0, radius]), true)
        }
        (GraphicType::Ellipse, [a, b, c, d]) => {
            let half =
                |from: &[f64; 2], to: &[f64; 2]| [(to[0] - from[0]) / 2.0, (to[1] - from[1]) / 2.0];
            let centre = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0];
            (ellipse(centre, half(a, b), half(c, d)), true)
        }
        (GraphicType::Interpolated, _) => (curve(&places, is_closed), is_closed),
        _ => (places, is_closed),
    };
    if graphic.is_filled && has_inside {
        raster.fill(&outline, grey);
    }
    raster.polyline(&outline, grey);
}

/// Places around an ellipse, the first one again at the end; `first` and `second` lead from its centre to the ends of its axes.
fn ellipse(centre: [f64; 2], first: [f64; 2], second: [f64; 2]) -> Vec<[f64; 2]> {
    // Lines of two pixels at most, as long as there are not too many.
    let longest = first[0].hypot(first[1]).max(second[0].hypot(second[1]));
    let count = (32..720_u32)
        .step_by(8)
        .find(|count| TAU * longest <= f64::from(*count) * 2.0)
        .unwrap_or(720);
    let at = |step: u32| {
        let (sine, cosine) = (TAU * f64::from(step % count) / f64::from(count)).sin_cos();
        [0, 1].map(|axis: usize| centre[axis] + first[axis] * cosine + second[axis] * sine)
    };
    (0..=count).map(at).collect()
}

/// A curve through all places, by Catmull and Rom: cubic pieces whose direction in a place is that from the one before to the next.
fn curve(places: &[[f64; 2]], is_closed: bool) -> Vec<[f64; 2]> {
    let last = places.len().saturating_sub(1);
    let at = |index: usize| places.get(index).copied().unwrap_or_default();
    // Where it is closed the first place stands at the end again.
    let (before_first, after_last) = match is_closed && last > 1 {
        true => (at(last - 1), at(1)),
        false => (at(0), at(last)),
    };
    let mut curve = vec![at(0)];
    for index in 0..last {
        let before = if index == 0 {
            before_first
        } else {
            at(index - 1)
        };
        let after = if index + 2 > last {
            after_last
        } else {
            at(index + 2)
        };
        let (from, to) = (at(index), at(index + 1));
        for step in 1..=STEPS {
            let t = f64::from(step) / f64::from(STEPS);
            curve.push([0, 1].map(|axis: usize| {
                let [a, b, c, d] = [before, from, to, after].map(|place| place[axis]);
                let linear = (c - a) * t;
                let square = (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t;
                let cube = (3.0 * b - a - 3.0 * c + d) * t * t * t;
                b + (linear + square + cube) / 2.0
            }));
        }
    }
    curve
}

fn draw_text(raster: &mut Raster, placement: &Placement, object: &TextObject, grey: u8) {
    let lines = text::lines(&object.value);
    if lines.is_empty() {
        return;
    }
    let picture = raster.size().map(f64::from);
    let bounds = object.bounds.map(|(units, corners)| {
        let [a, b] = corners.map(|corner| seen(placement, units, corner));
        [0, 1].map(|axis: usize| [a[axis].min(b[axis]), a[axis].max(b[axis])])
    });
    let anchor = object
        .anchor
        .map(|(units, place)| seen(placement, units, place));
    let is_box_seen = bounds.is_some_and(|bounds| {
        (0..2).all(|axis: usize| bounds[axis][0] < picture[axis] && bounds[axis][1] > 0.0)
    });
    let is_anchor_seen = anchor.is_some_and(|anchor| {
        (0..2).all(|axis: usize| (0.0..=picture[axis]).contains(&anchor[axis]))
    });
    if !is_box_seen && !is_anchor_seen {
        return;
    }
    let least = text::usual_scale(raster.size());
    let scale = bounds.map_or(least, |bounds| {
        text::fitting_scale(&lines, bounds.map(|[low, high]| high - low), least)
    });
    let size = text::size(&lines, scale);
    let length = size.map(|pixels| f64::from(u32::try_from(pixels).unwrap_or(u32::MAX)));
    let start = match (bounds, anchor) {
        (Some([across, down]), _) => {
            let slack = across[1] - across[0] - length[0];
            let left = match object.justification {
                text::Justification::Left => across[0],
                text::Justification::Center => across[0] + slack / 2.0,
                text::Justification::Right => across[0] + slack,
            };
            [left, down[0]]
        }
        (None, Some([x, y])) => [x + ARM, y - length[1] / 2.0],
        (None, None) => return,
    };
    let axes = [0_usize, 1];
    let place = axes.map(|axis| {
        let most = (picture[axis] - length[axis]).max(0.0);
        start[axis].clamp(0.0, most)
    });
    if let Some(anchor) = anchor.filter(|_| object.has_visible_anchor) {
        let nearest = axes.map(|axis| anchor[axis].clamp(place[axis], place[axis] + length[axis]));
        raster.line([anchor, nearest], grey);
    }
    let whole = place.map(whole);
    text::write(raster, &lines, whole, scale, object.justification, grey);
}

/// The pixel in which a place of a picture lies.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a place within the picture"
)]
fn whole(place: f64) -> i64 {
    place.floor() as i64
}

#[cfg(test)]
mod tests {
    use super::super::area::{DisplayedArea, SizeMode, SpatialTransformation};
    use super::super::raster::tests::black;
    use super::super::wish::Size;
    use super::*;

    /// A picture of 10 x 10 pixels of an image of 5 x 5, turned by 90 degrees.
    fn drawn(units: Units, kind: GraphicType, points: &[[f64; 2]], is_filled: bool) -> Vec<u8> {
        let area = DisplayedArea {
            pixel_width_over_height: Some(1.0),
            mode: SizeMode::Magnify(2.0),
            ..DisplayedArea::whole([5.0, 5.0])
        };
        let turned = SpatialTransformation {
            quarter_turns: 1,
            is_flipped: false,
        };
        let placement = Placement::new(&area, turned, 1.0, Size::Own).unwrap();
        let graphic = Graphic {
            units,
            kind,
            points: points.to_vec(),
            is_filled,
        };
        let mut picture = black(10, 10);
        let marks = [Mark {
            drawn: Drawn::Graphic(graphic),
            grey: 7,
        }];
        assert!(draw(&mut picture, &placement, &marks));
        picture.samples
    }

    fn set(samples: &[u8]) -> Vec<[usize; 2]> {
        let places = samples.iter().enumerate();
        let set = places.filter(|(_, sample)| **sample == 7);
        set.map(|(place, _)| [place % 10, place / 10]).collect()
    }

    #[test]
    fn places_of_the_image_are_turned_and_those_of_the_display_are_not() {
        // From (0.25, 0.25) to (0.25, 2.25) in the image, which is (9.5, 0.5) to (5.5, 0.5) when it is turned and twice as large.
        let line = [[0.25, 0.25], [0.25, 2.25]];
        let found = set(&drawn(Units::Pixel, GraphicType::Polyline, &line, false));
        assert_eq!(found, [[5, 0], [6, 0], [7, 0], [8, 0], [9, 0]]);
        let line = [[0.05, 0.15], [0.25, 0.15]];
        let found = set(&drawn(Units::Display, GraphicType::Polyline, &line, false));
        assert_eq!(found, [[0, 1], [1, 1], [2, 1]]);
    }

    #[test]
    fn a_point_is_a_cross() {
        let found = set(&drawn(
            Units::Display,
            GraphicType::Point,
            &[[0.45, 0.45]],
            false,
        ));
        assert_eq!(found.len(), 13);
        for place in [[4, 4], [1, 4], [7, 4], [4, 1], [4, 7]] {
            assert!(found.contains(&place), "{place:?}");
        }
    }

    /// A circle of radius 4 about (5, 5): pixel centres up to 4.5 away are on it or in it.
    #[test]
    fn circles_and_ellipses_are_outlines_or_areas() {
        let circle = [[0.5, 0.5], [0.9, 0.5]];
        let filled = set(&drawn(Units::Display, GraphicType::Circle, &circle, true));
        let outline = set(&drawn(Units::Display, GraphicType::Circle, &circle, false));
        for x in 0..10_u8 {
            for y in 0..10_u8 {
                let [across, down] = [x, y].map(|at| f64::from(at) + 0.5 - 5.0);
                let distance = across.hypot(down);
                let place = [usize::from(x), usize::from(y)];
                // Between 4.4 and 4.6 the corners of the polygon decide.
                if distance < 4.4 {
                    assert!(filled.contains(&place), "{place:?}");
                }
                if distance > 4.6 {
                    assert!(!filled.contains(&place), "{place:?}");
                }
                if distance < 3.3 {
                    assert!(!outline.contains(&place), "{place:?}");
                }
            }
        }
        let axes = [[0.1, 0.5], [0.9, 0.5], [0.5, 0.3], [0.5, 0.7]];
        let found = set(&drawn(Units::Display, GraphicType::Ellipse, &axes, true));
        for place in [[0, 4], [1, 4], [8, 5], [4, 3], [5, 6]] {
            assert_eq!(found.contains(&place), place != [0, 4], "{place:?}");
        }
        assert!(!found.contains(&[1, 2]) && !found.contains(&[4, 1]));
    }

    #[test]
    fn only_what_is_closed_is_filled() {
        let open = [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]];
        let found = set(&drawn(Units::Display, GraphicType::Polyline, &open, true));
        assert!(!found.contains(&[6, 4]));
        let closed = [open[0], open[1], open[2], open[0]];
        let found = set(&drawn(Units::Display, GraphicType::Polyline, &closed, true));
        assert!(found.contains(&[6, 4]) && !found.contains(&[2, 6]));
    }

    #[test]
    fn a_curve_goes_through_its_places_and_straight_where_they_are() {
        let places = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0]];
        let found = curve(&places, false);
        assert_eq!(found.len(), 1 + 2 * 12);
        assert_eq!((found[12], found[24]), ([1.0, 0.0], [2.0, 0.0]));
        assert!(found.iter().all(|place| place[1] == 0.0));
        // Halfway between the second and the third of four: (-a + 9b + 9c - d) / 16.
        let places = [[0.0, 0.0], [1.0, 2.0], [2.0, 2.0], [3.0, 0.0]];
        assert_eq!(curve(&places, false)[18], [1.5, 36.0 / 16.0]);
    }
}
