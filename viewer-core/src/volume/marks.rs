//! What tells frames at one place apart: type, echo, inversion, b-value, direction, phase and time.
//!
//! A mark splits a group only where it differs between frames at one place: a time that rises from slice to
//! slice is no phase. Where its values are the same at every place they are the groups; where they are not,
//! as with times, the first at each place make the first group, and so on.

use super::groups::Placed;
use protocol::order;
use std::collections::BTreeMap;

/// Share of places that must hold several frames for them to be times of one acquisition rather than duplicates.
const TIMES_SHARE: f64 = 0.9;

/// A value that can be compared; numbers in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Value {
    numbers: Vec<i64>,
    words: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Type,
    Echo,
    Inversion,
    BValue,
    Gradient,
    TemporalPosition,
    Phase,
    ReferenceTime,
    AcquisitionNumber,
    Acquired,
    Content,
}

/// In the order in which they split.
const MARKS: [Mark; 11] = [
    Mark::Type,
    Mark::Echo,
    Mark::Inversion,
    Mark::BValue,
    Mark::Gradient,
    Mark::TemporalPosition,
    Mark::Phase,
    Mark::ReferenceTime,
    Mark::AcquisitionNumber,
    Mark::Acquired,
    Mark::Content,
];

/// Frames that no mark parts any more.
pub(super) struct Part<'a> {
    /// Words for the group's name.
    pub words: Vec<String>,
    /// Those of them that tell what it is, not when.
    pub kind: Vec<String>,
    /// Its frames.
    pub frames: Vec<Placed<'a>>,
}

/// What the marks so far say of frames.
#[derive(Clone, Copy)]
struct Said<'w> {
    words: &'w [String],
    kind: &'w [String],
}

/// Splits frames, which are sorted by place, until no place holds two that a mark can tell apart.
pub(super) fn split(frames: Vec<Placed<'_>>) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let said = Said {
        words: &[],
        kind: &[],
    };
    split_by(frames, &MARKS, said, &mut parts);
    parts
}

fn split_by<'a>(
    frames: Vec<Placed<'a>>,
    marks: &[Mark],
    said: Said<'_>,
    parts: &mut Vec<Part<'a>>,
) {
    if by_place(&frames).all(|at| at.len() < 2) {
        parts.push(said.part(&[], frames));
        return;
    }
    for (index, mark) in marks.iter().enumerate() {
        let here = by_place(&frames).map(|at| distinct(at, *mark).len()).max();
        let here = here.unwrap_or(0);
        if here < 2 {
            continue;
        }
        let all = distinct(&frames, *mark);
        let is_by_rank = mark.is_time() && all.len() != here;
        let mut bins: BTreeMap<usize, Vec<Placed<'a>>> = BTreeMap::new();
        let placed: Vec<usize> = by_place(&frames)
            .flat_map(|at| {
                let values = if is_by_rank {
                    distinct(at, *mark)
                } else {
                    all.clone()
                };
                let bin =
                    |frame: &Placed<'_>| values.binary_search(&mark.value(frame)).unwrap_or(0);
                at.iter().map(bin).collect::<Vec<_>>()
            })
            .collect();
        for (frame, bin) in frames.into_iter().zip(placed) {
            bins.entry(bin).or_default().push(frame);
        }
        let count = bins.len();
        for (bin, frames) in bins {
            let values = (!is_by_rank).then_some(all.as_slice());
            let word = mark.word(bin, count, values);
            let words = [said.words, std::slice::from_ref(&word)].concat();
            let kind = match mark.is_kind() {
                true => [said.kind, &[word]].concat(),
                false => said.kind.to_vec(),
            };
            let said = Said {
                words: &words,
                kind: &kind,
            };
            split_by(frames, &marks[index + 1..], said, parts);
        }
        return;
    }
    split_by_order(frames, said, parts);
}

/// Nothing in the file tells frames at one place apart. Where nearly all places hold several they are times, in
/// the order of the stack; else they are duplicates and stay together.
fn split_by_order<'a>(frames: Vec<Placed<'a>>, said: Said<'_>, parts: &mut Vec<Part<'a>>) {
    let [mut places, mut several] = [0_u32; 2];
    for at in by_place(&frames) {
        places += 1;
        several += u32::from(at.len() > 1);
    }
    if f64::from(several) < TIMES_SHARE * f64::from(places) {
        parts.push(said.part(&[], frames));
        return;
    }
    let mut times: Vec<Vec<Placed<'a>>> = Vec::new();
    let (mut place, mut next) = (None, 0);
    for frame in frames {
        next = if place == Some(frame.place) {
            next + 1
        } else {
            0
        };
        place = Some(frame.place);
        if next == times.len() {
            times.push(Vec::new());
        }
        times[next].push(frame);
    }
    let count = times.len();
    for (index, frames) in times.into_iter().enumerate() {
        let word = format!("time {} of {count}", index + 1);
        parts.push(said.part(&[word], frames));
    }
}

impl Said<'_> {
    fn part<'a>(self, more: &[String], frames: Vec<Placed<'a>>) -> Part<'a> {
        Part {
            words: [self.words, more].concat(),
            kind: self.kind.to_vec(),
            frames,
        }
    }
}

/// The frames of each place; `frames` are sorted by place.
fn by_place<'f, 'a>(frames: &'f [Placed<'a>]) -> impl Iterator<Item = &'f [Placed<'a>]> {
    frames.chunk_by(|a, b| a.place == b.place)
}

/// The values of a mark, rising, each once.
fn distinct(frames: &[Placed<'_>], mark: Mark) -> Vec<Value> {
    let mut values: Vec<Value> = frames.iter().map(|frame| mark.value(frame)).collect();
    order::sort_by(&mut values, Ord::cmp);
    values.dedup();
    values
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from float stops at the ends of the range, and only equality counts"
)]
fn thousandths(number: f64) -> i64 {
    (number * 1000.0).round() as i64
}

impl Mark {
    /// What an image is, whenever it is.
    fn is_kind(self) -> bool {
        matches!(self, Self::Type | Self::Echo | Self::Inversion)
    }

    /// Values of these may be others at each place, though they mean the same.
    fn is_time(self) -> bool {
        matches!(
            self,
            Self::TemporalPosition
                | Self::Phase
                | Self::ReferenceTime
                | Self::AcquisitionNumber
                | Self::Acquired
                | Self::Content
        )
    }

    fn value(self, placed: &Placed<'_>) -> Value {
        let a = placed.acquisition;
        let number = |number: Option<f64>| number.map(thousandths).into_iter().collect();
        let numbers: Vec<i64> = match self {
            Self::Type => {
                return Value {
                    words: a.image_type.clone(),
                    ..Value::default()
                };
            }
            // Two echoes may share a number, and a number may be all that is said.
            Self::Echo => match a.echo_time_ms {
                Some(ms) => vec![thousandths(ms)],
                None => a.echo_number.into_iter().collect(),
            },
            Self::Inversion => number(a.inversion_time_ms),
            Self::BValue => number(a.b_value),
            Self::Gradient => a
                .gradient
                .iter()
                .flatten()
                .map(|c| thousandths(*c))
                .collect(),
            Self::TemporalPosition => number(a.temporal_position.map(f64::from)),
            Self::Phase => number(a.trigger_time_ms),
            Self::ReferenceTime => number(a.reference_time_ms),
            Self::AcquisitionNumber => a.acquisition_number.into_iter().collect(),
            Self::Acquired => number(a.acquired_s),
            Self::Content => number(a.content_s),
        };
        Value {
            numbers,
            words: Vec::new(),
        }
    }

    /// The word for bin `index` of `count`; `values` are those of all bins, where bins are values.
    fn word(self, index: usize, count: usize, values: Option<&[Value]>) -> String {
        let number = index + 1;
        let value = values.and_then(|values| values.get(index));
        #[expect(clippy::cast_precision_loss, reason = "a number that is shown")]
        let shown = value
            .and_then(|v| v.numbers.first())
            .map(|n| *n as f64 / 1000.0);
        match (self, shown) {
            (Self::Type, _) => type_word(index, values.unwrap_or_default()),
            (Self::Echo, _) => format!("echo {number}"),
            (Self::Inversion, Some(ms)) => format!("TI {ms} ms"),
            (Self::Inversion, None) => "without inversion time".into(),
            (Self::BValue, Some(b)) => format!("b {b}"),
            (Self::BValue, None) => "without b-value".into(),
            (Self::Gradient, None) => "without direction".into(),
            (Self::Gradient, _) => format!("direction {number} of {count}"),
            (Self::Phase, _) => format!("phase {number} of {count}"),
            (Self::AcquisitionNumber, _) => format!("acquisition {number} of {count}"),
            _ => format!("time {number} of {count}"),
        }
    }
}

/// What one image type has that not all have.
fn type_word(index: usize, types: &[Value]) -> String {
    let Some(own) = types.get(index) else {
        return String::new();
    };
    let is_common = |word: &&String| types.iter().all(|other| other.words.contains(word));
    let own: Vec<&str> = own
        .words
        .iter()
        .filter(|word| !is_common(word) && !word.is_empty())
        .map(String::as_str)
        .collect();
    match own[..] {
        [] => format!("type {}", index + 1),
        ["M" | "MAGNITUDE"] => "magnitude".into(),
        ["P" | "PHASE"] => "phase map".into(),
        ["R" | "REAL"] => "real part".into(),
        ["I" | "IMAGINARY"] => "imaginary part".into(),
        _ => own.join(" ").to_lowercase(),
    }
}
