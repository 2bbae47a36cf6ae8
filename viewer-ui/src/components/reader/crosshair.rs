//! The lines in which the other planes cut this one, and the handles on them.
//!
//! The state gives places in canvas pixels (integers are pixel centres); what is drawn here is in CSS pixels. Pointers are
//! not caught: the viewport below asks [`Crosshair::hit`].

use crate::platform::page;
use viewer_core::tools::crosshair::{CrossLine, Crosshair, GAP_PX};
use viewer_core::volume::PlaneKind;
use yew::prelude::*;

/// Radius of a ring, CSS pixels.
const RING: f64 = 6.0;
/// Half a side of a square, CSS pixels.
const SQUARE: f64 = 3.5;

/// Class of a plane: gives its colour.
pub fn class_of(kind: PlaneKind) -> &'static str {
    match kind {
        PlaneKind::Axial => "axial",
        PlaneKind::Coronal => "coronal",
        PlaneKind::Sagittal => "sagittal",
        PlaneKind::Acquisition => "acquisition",
    }
}

/// What is drawn.
#[derive(Properties, PartialEq)]
pub struct CrosshairProps {
    /// The lines.
    pub crosshair: Crosshair,
    /// The tool takes hold of them: handles come with the pointer.
    pub has_handles: bool,
}

/// The lines over one viewport.
#[component]
pub fn CrosshairLayer(props: &CrosshairProps) -> Html {
    let (crosshair, ratio) = (&props.crosshair, page::device_pixel_ratio());
    let css = |[x, y]: [f64; 2]| [(x + 0.5) / ratio, (y + 0.5) / ratio];
    let size = crosshair.size.map(|side| f64::from(side) / ratio);
    let (mut halos, mut lines, mut faces) = (Vec::new(), Vec::new(), Vec::new());
    for line in &crosshair.lines {
        let class = class_of(line.kind);
        let parts = parts(css(line.through), line.direction, css(crosshair.at), size);
        if !parts.is_empty() {
            halos.push(html! { <path class="halo" d={parts.clone()} /> });
            lines.push(html! { <path class={classes!("line", class)} d={parts} /> });
        }
        let faces_of = faces_of(css(line.through), line, ratio, size);
        if !faces_of.is_empty() {
            halos.push(html! { <path class="halo thin" d={faces_of.clone()} /> });
            faces.push(html! { <path class={classes!("face", class)} d={faces_of} /> });
        }
    }
    let handles = || {
        html! {
            <g class="handles">
                {for crosshair.lines.iter().map(|line| html! {
                    <g class={class_of(line.kind)}>
                        {for crosshair.squares(line, ratio).into_iter().map(css).map(square)}
                        {for crosshair.rings(line, ratio).into_iter().map(css).map(ring)}
                    </g>
                })}
            </g>
        }
    };
    html! {
        <svg class="cross" aria-hidden="true">
            {for halos}
            {for faces}
            {for lines}
            if props.has_handles {
                {handles()}
            }
        </svg>
    }
}

fn number(value: f64) -> String {
    format!("{value:.2}")
}

fn ring([x, y]: [f64; 2]) -> Html {
    html! {
        <>
            <circle class="ring" cx={number(x)} cy={number(y)} r={number(RING)} />
            <circle class="dot" cx={number(x)} cy={number(y)} r="2" />
        </>
    }
}

fn square([x, y]: [f64; 2]) -> Html {
    let side = number(2.0 * SQUARE);
    html! {
        <rect class="square" x={number(x - SQUARE)} y={number(y - SQUARE)} width={side.clone()}
            height={side} />
    }
}

/// Where a line enters and leaves a viewport, as ways along it from `through`; `None` where it stays outside. Lines are cut
/// here: a zoomed one would be longer than what browsers draw exactly, and dashes would be counted along all of it.
fn within(through: [f64; 2], direction: [f64; 2], size: [f64; 2]) -> Option<(f64, f64)> {
    let (mut from, mut to) = (f64::NEG_INFINITY, f64::INFINITY);
    for axis in 0..2 {
        if direction[axis].abs() < 1e-9 {
            if !(0.0..=size[axis]).contains(&through[axis]) {
                return None;
            }
            continue;
        }
        let ends = [0.0, size[axis]].map(|end| (end - through[axis]) / direction[axis]);
        from = from.max(ends[0].min(ends[1]));
        to = to.min(ends[0].max(ends[1]));
    }
    (from < to && from.is_finite() && to.is_finite()).then_some((from, to))
}

fn stroke(through: [f64; 2], direction: [f64; 2], from: f64, to: f64) -> String {
    let place = |way: f64| {
        [0, 1]
            .map(|axis| number(through[axis] + direction[axis] * way))
            .join(" ")
    };
    format!("M{}L{}", place(from), place(to))
}

/// A line without its gap around the middle.
fn parts(through: [f64; 2], direction: [f64; 2], middle: [f64; 2], size: [f64; 2]) -> String {
    let Some((from, to)) = within(through, direction, size) else {
        return String::new();
    };
    let offset = [middle[0] - through[0], middle[1] - through[1]];
    let along = offset[0] * direction[0] + offset[1] * direction[1];
    let aside = offset[0].hypot(offset[1]).powi(2) - along.powi(2);
    if aside >= GAP_PX.powi(2) {
        return stroke(through, direction, from, to);
    }
    // Half the gap, where the line passes the middle that near.
    let half = (GAP_PX.powi(2) - aside).sqrt();
    let pieces = [(from, to.min(along - half)), (from.max(along + half), to)];
    let drawn = pieces.into_iter().filter(|(from, to)| from < to);
    drawn
        .map(|(from, to)| stroke(through, direction, from, to))
        .collect()
}

/// The two faces of a slab beside its line.
fn faces_of(through: [f64; 2], line: &CrossLine, ratio: f64, size: [f64; 2]) -> String {
    let half = line.half_slab / ratio;
    if half <= 0.0 {
        return String::new();
    }
    let [x, y] = line.direction;
    let faces = [-half, half].map(|aside| [through[0] - y * aside, through[1] + x * aside]);
    let cut = faces.into_iter().filter_map(|face| {
        let (from, to) = within(face, line.direction, size)?;
        Some(stroke(face, line.direction, from, to))
    });
    cut.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [f64; 2] = [400.0, 300.0];
    const MIDDLE: [f64; 2] = [200.0, 100.0];

    #[test]
    fn a_line_is_cut_at_the_edges_and_open_around_the_middle() {
        let across = parts(MIDDLE, [1.0, 0.0], MIDDLE, SIZE);
        assert_eq!(
            across,
            "M0.00 100.00L192.00 100.00M208.00 100.00L400.00 100.00"
        );
        let down = parts(MIDDLE, [0.0, 1.0], MIDDLE, SIZE);
        assert_eq!(
            down,
            "M200.00 0.00L200.00 92.00M200.00 108.00L200.00 300.00"
        );
    }

    #[test]
    fn a_line_that_passes_the_middle_far_away_has_no_gap() {
        let line = parts([200.0, 150.0], [1.0, 0.0], MIDDLE, SIZE);
        assert_eq!(line, "M0.00 150.00L400.00 150.00");
    }

    #[test]
    fn a_middle_outside_leaves_one_piece_or_nothing() {
        let beside = parts([-50.0, 100.0], [1.0, 0.0], [-50.0, 100.0], SIZE);
        assert_eq!(beside, "M0.00 100.00L400.00 100.00");
        let above = parts([200.0, -50.0], [1.0, 0.0], [200.0, -50.0], SIZE);
        assert_eq!(above, "");
    }

    #[test]
    fn slanted_lines_end_at_the_nearer_edge() {
        // Down to the right through the middle of the viewport: it leaves above and below.
        let side = 0.5_f64.sqrt();
        let (from, to) = within([200.0, 150.0], [side, side], SIZE).unwrap();
        assert!((from + 150.0 / side).abs() < 1e-9 && (to - 150.0 / side).abs() < 1e-9);
    }

    #[test]
    fn faces_lie_on_both_sides_in_css_pixels() {
        let line = CrossLine {
            viewport: 1,
            kind: PlaneKind::Coronal,
            through: [399.5, 199.5],
            direction: [1.0, 0.0],
            half_slab: 40.0,
        };
        let faces = faces_of(MIDDLE, &line, 2.0, SIZE);
        assert_eq!(faces, "M0.00 80.00L400.00 80.00M0.00 120.00L400.00 120.00");
        let thin = CrossLine {
            half_slab: 0.0,
            ..line
        };
        assert_eq!(faces_of(MIDDLE, &thin, 2.0, SIZE), "");
    }
}
