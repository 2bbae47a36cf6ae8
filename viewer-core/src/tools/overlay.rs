//! What the corners of a viewport say.
//!
//! Top left *what* it is, top right *in what state*, bottom left *where*, bottom right *how* it is
//! shown. Nothing is said when all is well.

use super::Probe;
use super::probe::ProbeRegion;
use super::window_level::{span, window_words};
use crate::geometry::{Projection, Slab, ViewPlane};
use crate::model::suv::SuvKind;
use crate::model::{Instance, Series, Stack};
use crate::pixel::VoiLut;
use crate::volume::PlaneKind;

/// A run of text of one weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Bold and white.
    pub strong: bool,
}

/// One line of a corner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// Its runs, from the left.
    pub spans: Vec<Span>,
    /// Left out where the viewport is small.
    pub optional: bool,
}

/// The lines of one corner, from the top.
pub type CornerText = Vec<Line>;

/// The three corners that hold text; the state mark has the fourth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Corners {
    /// What it is.
    pub top_left: CornerText,
    /// Where.
    pub bottom_left: CornerText,
    /// How it is shown.
    pub bottom_right: CornerText,
}

/// A plain run.
fn plain(text: impl Into<String>) -> Span {
    Span {
        text: text.into(),
        strong: false,
    }
}

/// A bold run.
fn strong(text: impl Into<String>) -> Span {
    Span {
        text: text.into(),
        strong: true,
    }
}

fn line(spans: Vec<Span>) -> Line {
    Line {
        spans,
        optional: false,
    }
}

/// A number as overlays write it: a true minus sign, no "-0".
pub fn number(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
    match text.strip_prefix('-') {
        Some(rest) if is_zero => rest.to_owned(),
        Some(rest) => format!("\u{2212}{rest}"),
        None => text,
    }
}

/// A window's number: whole where it is whole.
pub fn window_number(value: f64) -> String {
    let decimals = usize::from((value - value.round()).abs() > 0.005) * 2;
    number(value, decimals)
}

/// How a slice is shown, for the corner texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown<'a> {
    /// The series.
    pub series: &'a Series,
    /// Its stack.
    pub stack: &'a Stack,
    /// The slice on screen.
    pub slice: usize,
    /// Canvas pixels a pixel.
    pub scale: f64,
    /// The curve on screen, and its name.
    pub voi: Option<(VoiLut, String)>,
    /// Low values are bright by the user's wish.
    pub inverted: bool,
    /// The value under the pointer.
    pub probe: Option<&'a Probe>,
    /// How fast it plays, in words.
    pub playing: Option<String>,
    /// The image has overlay planes, and they are hidden.
    pub hides_planes: bool,
    /// The slice is shown as a slab.
    pub slab: Option<Slab>,
}

/// The text of the corners.
pub fn corners(shown: &Shown) -> Corners {
    let Some((instance, frame_index)) = shown.stack.at(shown.slice) else {
        return Corners::default();
    };
    Corners {
        top_left: what(shown, instance),
        bottom_left: place(shown, instance, frame_index),
        bottom_right: how(shown, instance.uptake()),
    }
}

/// How a plane through a volume is shown, for the corner texts.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownPlane<'a> {
    /// Which of the three it is.
    pub kind: PlaneKind,
    /// The plane, with its slab.
    pub plane: &'a ViewPlane,
    /// Angle to the plane that it began as, degrees.
    pub turned_degrees: f64,
    /// The volume, where its series has several.
    pub volume: Option<&'a str>,
    /// Number of the stop at which it stands, from 0.
    pub stop: usize,
    /// Number of stops.
    pub stops: usize,
    /// The curve on screen, and its name.
    pub voi: Option<(VoiLut, String)>,
    /// The uptake value that values are shown as.
    pub uptake: Option<(SuvKind, f64)>,
    /// Low values are bright by the user's wish.
    pub inverted: bool,
    /// The value under the pointer.
    pub probe: Option<&'a Probe>,
}

/// Name of a plane.
pub fn plane_name(kind: PlaneKind) -> &'static str {
    match kind {
        PlaneKind::Axial => "Axial",
        PlaneKind::Coronal => "Coronal",
        PlaneKind::Sagittal => "Sagittal",
        PlaneKind::Acquisition => "As acquired",
    }
}

/// Name of a projection.
pub fn projection_name(projection: Projection) -> &'static str {
    match projection {
        Projection::Mip => "MIP",
        Projection::MinIp => "MinIP",
        Projection::Mean => "Mean",
    }
}

/// The text of the corners of a plane.
pub fn plane_corners(shown: &ShownPlane) -> Corners {
    let mut top_left = vec![line(vec![strong(plane_name(shown.kind))])];
    if shown.turned_degrees >= 0.05 {
        let degrees = number(
            shown.turned_degrees,
            usize::from(shown.turned_degrees < 9.95),
        );
        top_left.push(line(vec![plain(format!("oblique {degrees}\u{b0}"))]));
    }
    if let Some(volume) = shown.volume {
        top_left.push(line(vec![plain(volume)]));
    }
    let mut bottom_left = Vec::new();
    bottom_left.extend(shown.probe.map(probe_line));
    bottom_left.push(line(vec![
        plain("Plane "),
        strong((shown.stop + 1).to_string()),
        plain(format!(" / {}", shown.stops)),
    ]));
    let along = shown.plane.center.dot(shown.plane.normal());
    bottom_left.push(Line {
        spans: vec![plain(format!("Position {} mm", number(along, 1)))],
        optional: true,
    });
    let mut bottom_right = Vec::new();
    bottom_right.extend(shown.plane.slab.map(slab_line));
    bottom_right.extend(window_line(&shown.voi, shown.uptake, shown.inverted));
    Corners {
        top_left,
        bottom_left,
        bottom_right,
    }
}

fn what(shown: &Shown, instance: &Instance) -> CornerText {
    let number = shown.series.number.map(|number| number.to_string());
    let description = Some(series_name(shown.series));
    let title: Vec<String> = number.into_iter().chain(description).collect();
    let mut lines = vec![line(vec![strong(title.join(" \u{b7} "))])];
    let side = match instance.laterality.as_deref() {
        Some("R") => Some("Right"),
        Some("L") => Some("Left"),
        Some("B") => Some("Both sides"),
        _ => None,
    };
    if let Some(side) = side {
        lines.push(line(vec![plain(side)]));
    }
    lines
}

/// A series' name in lists: its description, or its modality in words.
pub fn series_name(series: &Series) -> String {
    if series.description.is_empty() {
        series.modality.clone()
    } else {
        series.description.clone()
    }
}

fn place(shown: &Shown, instance: &Instance, frame_index: u32) -> CornerText {
    let mut lines = Vec::new();
    if let Some(probe) = shown.probe {
        lines.push(probe_line(probe));
    }
    lines.push(line(vec![
        plain("Image "),
        strong((shown.slice + 1).to_string()),
        plain(format!(" / {}", shown.stack.frames.len())),
    ]));
    let attributes = instance.frame(frame_index);
    let position = attributes
        .plane()
        .map(|plane| plane.position_along_normal());
    let thickness = attributes.slice_thickness_mm;
    let text = match (position, thickness) {
        (Some(position), Some(thickness)) => {
            format!(
                "Position {} mm, thickness {}",
                number(position, 1),
                number(thickness, 1)
            )
        }
        (Some(position), None) => format!("Position {} mm", number(position, 1)),
        (None, Some(thickness)) => format!("Thickness {} mm", number(thickness, 1)),
        (None, None) => String::new(),
    };
    if !text.is_empty() {
        lines.push(Line {
            spans: vec![plain(text)],
            optional: true,
        });
    }
    lines
}

fn probe_line(probe: &Probe) -> Line {
    let place = match (&probe.region, probe.patient_mm) {
        (Some(region), _) => region_text(region),
        (None, Some([x, y, z])) => {
            format!("{}, {}, {} mm", number(x, 1), number(y, 1), number(z, 1))
        }
        (None, None) => format!("{}, {} px", probe.column, probe.row),
    };
    let value = match (probe.value, probe.stored.as_slice()) {
        (Some(value), _) => quantity(value, &probe.unit),
        (None, [_]) => "no value".to_owned(),
        (None, samples) => samples
            .iter()
            .map(|sample| number(*sample, 0))
            .collect::<Vec<_>>()
            .join(" "),
    };
    let mut spans = vec![plain(format!("{place}  ")), strong(value)];
    for (value, unit) in &probe.real_world {
        spans.push(plain(format!("  {}", quantity(*value, unit))));
    }
    Line {
        spans,
        optional: true,
    }
}

/// A value with its unit, where that is known. Whole numbers stay whole, small ones keep three digits.
fn quantity(value: f64, unit: &str) -> String {
    let decimals = match value.abs() {
        _ if (value - value.round()).abs() < 1e-6 => 0,
        0.1.. => 2,
        0.001.. => 5,
        _ => 8,
    };
    let text = number(value, decimals);
    if unit.is_empty() {
        text
    } else {
        format!("{text} {unit}")
    }
}

/// "12.3, 40.1 mm" in a region of lengths, else what it is and its scales: "PW Doppler  0.35 s, 42.1 cm/s".
fn region_text(region: &ProbeRegion) -> String {
    let [x, y] = region.values;
    if region.units == ["cm", "cm"] {
        return format!("{}, {} mm", number(x * 10.0, 1), number(y * 10.0, 1));
    }
    let one = |value: f64, unit: &str| {
        let decimals = if unit == "s" { 2 } else { 1 };
        let text = number(value, decimals);
        if unit.is_empty() {
            text
        } else {
            format!("{text} {unit}")
        }
    };
    let [x_unit, y_unit] = &region.units;
    format!("{}  {}, {}", region.name, one(x, x_unit), one(y, y_unit))
}

fn how(shown: &Shown, uptake: Option<(SuvKind, f64)>) -> CornerText {
    let mut lines = Vec::new();
    let zoom = format!(
        "Zoom {}\u{d7}",
        number(shown.scale, if shown.scale < 0.1 { 2 } else { 1 })
    );
    lines.push(Line {
        spans: vec![plain(zoom)],
        optional: true,
    });
    if let Some(words) = &shown.playing {
        lines.push(line(vec![plain(words)]));
    }
    if shown.hides_planes {
        lines.push(line(vec![plain("Overlay planes off")]));
    }
    lines.extend(shown.slab.map(slab_line));
    lines.extend(window_line(&shown.voi, uptake, shown.inverted));
    lines
}

/// "MIP 20 mm".
fn slab_line(slab: Slab) -> Line {
    let name = projection_name(slab.projection);
    let decimals = usize::from((slab.thickness_mm - slab.thickness_mm.round()).abs() > 0.05);
    let thickness = number(slab.thickness_mm, decimals);
    line(vec![strong(format!("{name} {thickness} mm"))])
}

fn window_line(
    voi: &Option<(VoiLut, String)>,
    uptake: Option<(SuvKind, f64)>,
    inverted: bool,
) -> Option<Line> {
    match voi {
        Some((voi, name)) => {
            let mut spans = Vec::new();
            if inverted {
                spans.push(plain("Inverted  "));
            }
            spans.extend(voi_spans(voi, uptake, name));
            Some(line(spans))
        }
        None => inverted.then(|| line(vec![plain("Inverted")])),
    }
}

/// The name of a curve, and width and level of one that has them: a table has only its name.
fn voi_spans(voi: &VoiLut, uptake: Option<(SuvKind, f64)>, name: &str) -> Vec<Span> {
    if matches!(voi, VoiLut::Table(_)) {
        return vec![strong(if name.is_empty() { "LUT" } else { name })];
    }
    let mut spans = Vec::new();
    if !name.is_empty() {
        spans.push(plain(format!("{name}  ")));
    }
    let [width, center] = window_words(span(voi), uptake);
    spans.push(strong(format!("W {width}  L {center}")));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &Line) -> String {
        line.spans.iter().map(|span| span.text.as_str()).collect()
    }

    fn probe(region: Option<(&str, [f64; 2], [&str; 2])>) -> Probe {
        Probe {
            patient_mm: None,
            column: 7,
            row: 9,
            stored: vec![12.0, 13.0, 14.0],
            value: None,
            unit: String::new(),
            real_world: Vec::new(),
            region: region.map(|(name, values, units)| ProbeRegion {
                name: name.to_owned(),
                values,
                units: units.map(str::to_owned),
            }),
        }
    }

    #[test]
    fn lesson_07_a_point_of_a_region_is_said_on_its_scales() {
        let tissue = probe(Some(("Tissue", [1.23, 4.01], ["cm", "cm"])));
        assert_eq!(text(&probe_line(&tissue)), "12.3, 40.1 mm  12 13 14");
        let spectrum = probe(Some(("PW Doppler", [0.35, -42.1], ["s", "cm/s"])));
        let expected = "PW Doppler  0.35 s, \u{2212}42.1 cm/s  12 13 14";
        assert_eq!(text(&probe_line(&spectrum)), expected);
        assert_eq!(text(&probe_line(&probe(None))), "7, 9 px  12 13 14");
    }

    #[test]
    fn real_world_values_stand_after_the_value() {
        let probe = Probe {
            stored: vec![1034.0],
            value: Some(1034.0),
            unit: "Bq/ml".to_owned(),
            real_world: vec![(0.00125, "10*-3.mm2/s".to_owned())],
            ..probe(None)
        };
        let expected = "7, 9 px  1034 Bq/ml  0.00125 10*-3.mm2/s";
        assert_eq!(text(&probe_line(&probe)), expected);
    }

    #[test]
    fn numbers_have_a_true_minus_and_no_negative_zero() {
        assert_eq!(number(-128.64, 1), "\u{2212}128.6");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(window_number(40.0), "40");
        assert_eq!(window_number(0.25), "0.25");
    }
}
