//! What the four corners of a viewport say, and its state mark.
//!
//! Top left *what* it is, top right *in what state*, bottom left *where*, bottom right *how* it is
//! shown. Nothing is said when all is well.

use super::Probe;
use crate::model::{Instance, Series, Stack};
use crate::pixel::Window;

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

/// Kind of a state mark, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// Images failed.
    Missing,
    /// The connection is lost.
    Waiting,
    /// Compressed with loss by the sender.
    Lossy,
    /// No pixel size in the file.
    Uncalibrated,
    /// Images still arrive.
    Loading,
    /// The pixels are drawn by the processor.
    Cpu,
}

/// A state mark: a word or two, and the sentence behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What kind.
    pub kind: MarkKind,
    /// On the image.
    pub label: String,
    /// On hover and focus.
    pub sentence: String,
}

/// What the host knows of a stack's loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LoadCount {
    /// Frames of the stack.
    pub total: usize,
    /// Frames that are decoded.
    pub loaded: usize,
    /// Frames that failed for good.
    pub failed: usize,
    /// The server cannot be reached now.
    pub is_offline: bool,
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
    /// The window on screen, and its name.
    pub window: Option<(Window, String)>,
    /// Low values are bright by the user's wish.
    pub inverted: bool,
    /// The value under the pointer.
    pub probe: Option<&'a Probe>,
}

/// The text of the corners.
pub fn corners(shown: &Shown) -> Corners {
    let Some((instance, frame_index)) = shown.stack.at(shown.slice) else {
        return Corners::default();
    };
    Corners {
        top_left: what(shown, instance),
        bottom_left: place(shown, instance, frame_index),
        bottom_right: how(shown),
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
    let mut spans = Vec::new();
    match probe.patient_mm {
        Some([x, y, z]) => {
            spans.push(plain(format!(
                "{}, {}, {} mm  ",
                number(x, 1),
                number(y, 1),
                number(z, 1)
            )));
        }
        None => spans.push(plain(format!("{}, {} px  ", probe.column, probe.row))),
    }
    spans.push(strong(match (probe.value, probe.stored.as_slice()) {
        (Some(value), _) => {
            let whole = (value - value.round()).abs() < 1e-6;
            let text = number(value, if whole { 0 } else { 2 });
            if probe.unit.is_empty() {
                text
            } else {
                format!("{text} {}", probe.unit)
            }
        }
        (None, [_]) => "no value".to_owned(),
        (None, samples) => samples
            .iter()
            .map(|sample| number(*sample, 0))
            .collect::<Vec<_>>()
            .join(" "),
    }));
    Line {
        spans,
        optional: true,
    }
}

fn how(shown: &Shown) -> CornerText {
    let mut lines = Vec::new();
    let zoom = format!(
        "Zoom {}\u{d7}",
        number(shown.scale, if shown.scale < 0.1 { 2 } else { 1 })
    );
    lines.push(Line {
        spans: vec![plain(zoom)],
        optional: true,
    });
    if let Some((window, name)) = &shown.window {
        let mut spans = Vec::new();
        if shown.inverted {
            spans.push(plain("Inverted  "));
        }
        if !name.is_empty() {
            spans.push(plain(format!("{name}  ")));
        }
        spans.push(strong(format!(
            "W {}  L {}",
            window_number(window.width),
            window_number(window.center)
        )));
        lines.push(line(spans));
    } else if shown.inverted {
        lines.push(line(vec![plain("Inverted")]));
    }
    lines
}

/// All marks of a viewport, gravest first; empty where all is well.
pub fn marks(instance: &Instance, frame_index: u32, count: LoadCount, is_cpu: bool) -> Vec<Mark> {
    let mark = |kind, label: String, sentence: String| Mark {
        kind,
        label,
        sentence,
    };
    let mut marks = Vec::new();
    if count.failed > 0 {
        let plural = if count.failed == 1 { "image" } else { "images" };
        marks.push(mark(
            MarkKind::Missing,
            format!("{} {plural} missing", count.failed),
            format!(
                "{} {plural} failed; the place of each says why.",
                count.failed
            ),
        ));
    }
    let percent = (count.loaded + count.failed) * 100 / count.total.max(1);
    let is_loading = count.loaded + count.failed < count.total;
    if is_loading && count.is_offline {
        marks.push(mark(
            MarkKind::Waiting,
            format!("Waiting, {percent} %"),
            "The server cannot be reached. Loading goes on by itself.".into(),
        ));
    }
    if let Some(ratio) = instance.lossy {
        let label = ratio.map_or("Lossy".into(), |ratio| {
            format!("Lossy {}:1", number(ratio, 0))
        });
        marks.push(mark(
            MarkKind::Lossy,
            label,
            "Compressed with loss by the sender.".into(),
        ));
    }
    if instance.frame(frame_index).pixel_spacing_mm.is_none() {
        marks.push(mark(
            MarkKind::Uncalibrated,
            "Uncalibrated".into(),
            "No pixel size of the patient in the file: lengths in px.".into(),
        ));
    }
    if is_loading && !count.is_offline {
        marks.push(mark(
            MarkKind::Loading,
            format!("Loading {percent} %"),
            "Images still arrive; what is drawn is final.".into(),
        ));
    }
    if is_cpu {
        marks.push(mark(
            MarkKind::Cpu,
            "CPU".into(),
            "Drawn by the processor: same values, slower to scroll.".into(),
        ));
    }
    marks.sort_by_key(|mark| mark.kind);
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_true_minus_and_no_negative_zero() {
        assert_eq!(number(-128.64, 1), "\u{2212}128.6");
        assert_eq!(number(-0.04, 1), "0.0");
        assert_eq!(window_number(40.0), "40");
        assert_eq!(window_number(0.25), "0.25");
    }
}
