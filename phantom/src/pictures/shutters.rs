//! Display shutters: rectangular, circular, polygonal, and all of them at once.
//!
//! A pixel is shown where its centre is inside of every shape or on its edge; elsewhere it has the grey of Shutter
//! Presentation Value, of 16 bits, or is black. Places are rows and columns counted from 1.
//!
//! Source: PS3.3 C.7.6.11 (Display Shutter).

use super::chain::DX;
use super::formula::{Voi, byte};
use super::part10::{Cells, Form};
use super::{Draft, Picture, grey, ramp, reals, words};
use dicom_dictionary_std::tags;

const COLUMNS: i64 = 64;
const ROWS: i64 = 48;
/// Left, right, upper and lower edge.
const RECTANGLE: [i64; 4] = [9, 55, 6, 40];
/// Row and column of the centre, and the radius.
const CIRCLE: [i64; 3] = [24, 33, 19];
/// Rows and columns of the corners; the outline is not convex.
const POLYGON: [[i64; 2]; 5] = [[4, 8], [10, 58], [30, 36], [44, 50], [42, 12]];

pub(super) fn pictures(seed: u64) -> Vec<Picture> {
    let all = ["RECTANGULAR", "CIRCULAR", "POLYGONAL"];
    vec![
        shutter(seed, "shutter-rectangular", &all[..1], "MONOCHROME2", None),
        shutter(seed, "shutter-circular", &all[1..2], "MONOCHROME2", None),
        // What lies outside is a presentation value: MONOCHROME1 does not invert it.
        shutter(seed, "shutter-polygonal", &all[2..], "MONOCHROME1", Some(0)),
        shutter(seed, "shutter-all-three", &all, "MONOCHROME2", Some(0x4000)),
    ]
}

fn shutter(
    seed: u64,
    name: &str,
    shapes: &[&str],
    photometric: &'static str,
    outside: Option<u16>,
) -> Picture {
    let form = Form {
        photometric,
        ..Form::grey(COLUMNS as u16, ROWS as u16, 12)
    };
    let codes = ramp(form.area(), 500, 4000, &[]);
    let mut draft = Draft::new(seed, name, "DX", DX);
    draft.window("2048", "4096");
    let set = &mut draft.set;
    set.text(tags::SHUTTER_SHAPE, "CS", &shapes.join("\\"));
    if shapes.contains(&"RECTANGULAR") {
        for (tag, edge) in [
            tags::SHUTTER_LEFT_VERTICAL_EDGE,
            tags::SHUTTER_RIGHT_VERTICAL_EDGE,
            tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
            tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
        ]
        .into_iter()
        .zip(RECTANGLE)
        {
            set.text(tag, "IS", &edge.to_string());
        }
    }
    if shapes.contains(&"CIRCULAR") {
        let [row, column, radius] = CIRCLE;
        set.text(
            tags::CENTER_OF_CIRCULAR_SHUTTER,
            "IS",
            &format!("{row}\\{column}"),
        );
        set.text(tags::RADIUS_OF_CIRCULAR_SHUTTER, "IS", &radius.to_string());
    }
    if shapes.contains(&"POLYGONAL") {
        let corners: Vec<String> = POLYGON.iter().flatten().map(i64::to_string).collect();
        set.text(
            tags::VERTICES_OF_THE_POLYGONAL_SHUTTER,
            "IS",
            &corners.join("\\"),
        );
    }
    if let Some(value) = outside {
        set.us(tags::SHUTTER_PRESENTATION_VALUE, &[value]);
    }
    let voi = Voi::Linear(2048.0, 4096.0);
    let mut answer = grey(&form, &reals(&codes), "", |x| {
        let p = voi.apply(x);
        if photometric == "MONOCHROME1" {
            1.0 - p
        } else {
            p
        }
    });
    let hidden = byte(f64::from(outside.unwrap_or(0)) / 65_535.0);
    for (at, pixel) in (0..COLUMNS * ROWS).zip(answer.rgb.chunks_mut(3)) {
        let place = [at / COLUMNS + 1, at % COLUMNS + 1];
        if !shapes.iter().all(|shape| shows(shape, place)) {
            pixel.fill(hidden);
        }
    }
    draft.finish(&form, &Cells::Words(words(&codes)), vec![answer])
}

/// Whether one shape leaves a pixel open, given by row and column.
fn shows(shape: &str, [row, column]: [i64; 2]) -> bool {
    match shape {
        "RECTANGULAR" => {
            let [left, right, upper, lower] = RECTANGLE;
            (left..=right).contains(&column) && (upper..=lower).contains(&row)
        }
        "CIRCULAR" => {
            let [r, c, radius] = CIRCLE;
            (row - r) * (row - r) + (column - c) * (column - c) <= radius * radius
        }
        _ => inside_polygon([row, column]),
    }
}

/// Inside or on the edge, in whole numbers: a ray towards growing columns crosses an odd number of sides.
fn inside_polygon([row, column]: [i64; 2]) -> bool {
    let mut odd = false;
    for k in 0..POLYGON.len() {
        let ([r0, c0], [r1, c1]) = (POLYGON[k], POLYGON[(k + 1) % POLYGON.len()]);
        let side = (c1 - c0) * (row - r0) - (r1 - r0) * (column - c0);
        let within =
            (r0.min(r1)..=r0.max(r1)).contains(&row) && (c0.min(c1)..=c0.max(c1)).contains(&column);
        if side == 0 && within {
            return true;
        }
        if (r0 > row) != (r1 > row) {
            // The crossing lies right of the pixel where side and direction have one sign.
            odd ^= (side > 0) == (r1 > r0);
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polygon_holds_its_corners_and_not_its_notch() {
        for corner in POLYGON {
            assert!(inside_polygon(corner));
        }
        assert!(inside_polygon([20, 20]));
        // Between the corner at 30\36 and the right side of the picture.
        assert!(!inside_polygon([30, 50]));
        assert!(!inside_polygon([2, 20]));
        assert!(!inside_polygon([20, 4]));
    }
}
