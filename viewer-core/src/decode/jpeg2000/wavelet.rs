//! The inverse wavelet transforms, reversible 5-3 and irreversible 9-7, a line at a time.
//!
//! A level asks the level below and its three bands for lines as it needs them and keeps few of them, so that
//! samples stay in the cache and no level is ever whole in memory.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex F.3.

use super::corrupt;
use crate::decode::{DecodeError, work};

/// A rectangle of coefficients or samples, `x0`, `y0` inclusive, `x1`, `y1` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Area {
    pub x0: u32,
    pub y0: u32,
    pub x1: u32,
    pub y1: u32,
}

impl Area {
    pub fn width(self) -> usize {
        self.x1.saturating_sub(self.x0) as usize
    }

    pub fn height(self) -> usize {
        self.y1.saturating_sub(self.y0) as usize
    }

    pub fn is_empty(self) -> bool {
        self.width() == 0 || self.height() == 0
    }
}

/// How a transform lifts its samples.
pub(super) trait Filter {
    type Sample: Copy + Default;
    /// The first step works on even places, the next on odd ones, and so on.
    const STEPS: usize;
    /// What even and odd samples are multiplied by before the first step.
    const SCALES: [f32; 2];
    /// What a sample becomes in a step, given the sum of both its neighbours.
    fn step(index: usize, value: Self::Sample, sum: Self::Sample) -> Self::Sample;
    fn scale(value: Self::Sample, factor: f32) -> Self::Sample;
    /// What a line of a single sample at an odd place becomes.
    fn halve(value: Self::Sample) -> Self::Sample;
    fn add(a: Self::Sample, b: Self::Sample) -> Self::Sample;
    /// Takes all steps on lines that lie above each other, the lowest first, which with the highest stays as it is.
    fn lift_column_lines(lines: &mut [Vec<Self::Sample>; 6], width: usize);
}

/// 5-3, F.3.8.1.
pub(super) struct Reversible;

impl Filter for Reversible {
    type Sample = i32;
    const STEPS: usize = 2;
    const SCALES: [f32; 2] = [1.0; 2];

    #[inline]
    fn step(index: usize, value: i32, sum: i32) -> i32 {
        if index == 0 {
            value.wrapping_sub(sum.wrapping_add(2) >> 2)
        } else {
            value.wrapping_add(sum >> 1)
        }
    }

    #[inline]
    fn scale(value: i32, _: f32) -> i32 {
        value
    }

    #[inline]
    fn halve(value: i32) -> i32 {
        value >> 1
    }

    #[inline]
    fn add(a: i32, b: i32) -> i32 {
        a.wrapping_add(b)
    }

    fn lift_column_lines([a, b, c, d, ..]: &mut [Vec<i32>; 6], width: usize) {
        let (a, b, c, d) = (&a[..width], &mut b[..width], &mut c[..width], &d[..width]);
        for x in 0..width {
            let even = Self::step(0, b[x], Self::add(a[x], c[x]));
            b[x] = even;
            c[x] = Self::step(1, c[x], Self::add(even, d[x]));
        }
    }
}

/// 9-7, F.3.8.2 and table F.4.
pub(super) struct Irreversible;

impl Filter for Irreversible {
    type Sample = f32;
    const STEPS: usize = 4;
    const SCALES: [f32; 2] = [1.230_174_1, 1.0 / 1.230_174_1];

    #[inline]
    fn step(index: usize, value: f32, sum: f32) -> f32 {
        const FACTORS: [f32; 4] = [-0.443_506_85, -0.882_911_1, 0.052_980_12, 1.586_134_3];
        value + FACTORS[index] * sum
    }

    #[inline]
    fn scale(value: f32, factor: f32) -> f32 {
        value * factor
    }

    #[inline]
    fn halve(value: f32) -> f32 {
        value / 2.0
    }

    #[inline]
    fn add(a: f32, b: f32) -> f32 {
        a + b
    }

    fn lift_column_lines([a, b, c, d, e, f]: &mut [Vec<f32>; 6], width: usize) {
        let (a, f) = (&a[..width], &f[..width]);
        let (b, c) = (&mut b[..width], &mut c[..width]);
        let (d, e) = (&mut d[..width], &mut e[..width]);
        for x in 0..width {
            let first = Self::step(0, b[x], Self::add(a[x], c[x]));
            let second = Self::step(1, c[x], Self::add(first, d[x]));
            let third = Self::step(2, d[x], Self::add(second, e[x]));
            (b[x], c[x], d[x]) = (first, second, third);
            e[x] = Self::step(3, e[x], Self::add(third, f[x]));
        }
    }
}

/// Where the lines of bands come from: 0 is LL of the lowest level, behind it HL, LH, HH of each level.
pub(super) trait BandLines<T> {
    /// Puts the next line of a band, multiplied by `scale` where samples are real, behind what `line` holds.
    fn next_line(&mut self, band: usize, scale: f32, line: &mut Vec<T>) -> Result<(), DecodeError>;
}

/// One level of a transform: makes the lines of its area of those of its bands, from the top down.
pub(super) struct Level<F: Filter> {
    area: Area,
    /// Lines that steps still need, by their place modulo the count.
    lines: Vec<Vec<F::Sample>>,
    /// Lines that have come and lines that have gone out, from the area's top.
    arrived: usize,
    gone: usize,
    low: Vec<F::Sample>,
    high: Vec<F::Sample>,
    /// Samples in a line of the level below.
    below_width: usize,
}

impl<F: Filter> Level<F> {
    /// `below` is the width of the level below.
    pub fn new(area: Area, below: usize) -> Self {
        let width = area.width();
        work::count(width * (F::STEPS + 2));
        Self {
            area,
            lines: vec![vec![F::Sample::default(); width]; F::STEPS + 2],
            arrived: 0,
            gone: 0,
            low: Vec::new(),
            high: Vec::new(),
            below_width: below,
        }
    }

    /// How many lines are final. Below the last line of the area lines are thought of that change nothing.
    fn finished(&self) -> usize {
        if self.area.height() == 1 {
            return self.arrived;
        }
        // The last odd line that came has taken the steps as far as this.
        let top = self.area.y0 as usize;
        let last = top + self.arrived;
        let odd = if last.is_multiple_of(2) {
            last
        } else {
            last - 1
        };
        (odd + 1).saturating_sub(F::STEPS + top)
    }

    /// Line `y` of the level, counted from the top of the reference grid.
    fn line(&mut self, y: usize) -> &mut Vec<F::Sample> {
        let count = self.lines.len();
        &mut self.lines[y % count]
    }

    /// Takes the steps that become possible with odd line `y`.
    fn lift(&mut self, y: usize) {
        let (top, end) = (self.area.y0 as usize, self.area.y1 as usize);
        // Away from the ends all steps go down a column together: each line is read once.
        if y > top + F::STEPS && y < end {
            self.lift_inner(y);
            return;
        }
        for index in 0..F::STEPS {
            let Some(at) = y.checked_sub(1 + index) else {
                continue;
            };
            if !(top..end).contains(&at) {
                continue;
            }
            // Beyond the ends the lines are mirrored.
            let before = if at == top { at + 1 } else { at - 1 };
            let after = if at + 1 == end { at - 1 } else { at + 1 };
            let mut line = std::mem::take(self.line(at));
            let count = self.lines.len();
            let (before, after) = (&self.lines[before % count], &self.lines[after % count]);
            for ((value, before), after) in line.iter_mut().zip(before).zip(after) {
                *value = F::step(index, *value, F::add(*before, *after));
            }
            *self.line(at) = line;
        }
    }

    /// The same where all lines that the steps need are there.
    fn lift_inner(&mut self, y: usize) {
        let width = self.area.width();
        let count = self.lines.len();
        let mut lines: [Vec<F::Sample>; 6] = Default::default();
        // From the line that has just come upwards, as many as there are.
        for (above, line) in lines.iter_mut().enumerate().take(F::STEPS + 2) {
            *line = std::mem::take(&mut self.lines[(y - above) % count]);
        }
        F::lift_column_lines(&mut lines, width);
        for (above, line) in lines.into_iter().enumerate().take(F::STEPS + 2) {
            self.lines[(y - above) % count] = line;
        }
    }
}

/// Puts the next line of the highest of `levels` into `out`, which is as wide as it.
pub(super) fn next_line<F: Filter>(
    levels: &mut [Level<F>],
    bands: &mut impl BandLines<F::Sample>,
    out: &mut Vec<F::Sample>,
) -> Result<(), DecodeError> {
    let Some((level, lower)) = levels.split_last_mut() else {
        let width = out.len();
        out.clear();
        bands.next_line(0, 1.0, out)?;
        if out.len() != width {
            return Err(corrupt("bands that do not fit together"));
        }
        return Ok(());
    };
    let first_band = 3 * lower.len() + 1;
    while level.finished() <= level.gone {
        let y = level.area.y0 as usize + level.arrived;
        work::count(level.area.width() + 1);
        if y < level.area.y1 as usize {
            let scale = if level.area.height() == 1 {
                1.0
            } else {
                F::SCALES[y % 2]
            };
            let scales = match level.area.width() {
                1 => [scale; 2],
                _ => F::SCALES.map(|each| each * scale),
            };
            level.low.clear();
            level.high.clear();
            if y.is_multiple_of(2) {
                level.low.resize(level.below_width, F::Sample::default());
                next_line(lower, bands, &mut level.low)?;
                scale_all::<F>(&mut level.low, scales[0]);
                bands.next_line(first_band, scales[1], &mut level.high)?;
            } else {
                bands.next_line(first_band + 1, scales[0], &mut level.low)?;
                bands.next_line(first_band + 2, scales[1], &mut level.high)?;
            }
            let starts_odd = level.area.x0 % 2 == 1;
            let count = level.lines.len();
            let line = &mut level.lines[y % count];
            lift_line::<F>([&mut level.low, &mut level.high], starts_odd, line);
            if level.area.height() == 1 && y % 2 == 1 {
                line.iter_mut().for_each(|value| *value = F::halve(*value));
            }
        }
        if y % 2 == 1 && level.area.height() > 1 {
            level.lift(y);
        }
        level.arrived += 1;
    }
    let y = level.area.y0 as usize + level.gone;
    level.gone += 1;
    let line = level.line(y);
    // An even line is still a neighbour of the odd one behind it; no step needs an odd one any more.
    if y % 2 == 1 && out.len() == line.len() {
        std::mem::swap(out, line);
        return Ok(());
    }
    copy(out, line)
}

fn copy<T: Copy>(out: &mut [T], line: &[T]) -> Result<(), DecodeError> {
    if out.len() != line.len() {
        return Err(corrupt("bands that do not fit together"));
    }
    out.copy_from_slice(line);
    Ok(())
}

fn scale_all<F: Filter>(line: &mut [F::Sample], scale: f32) {
    for value in line {
        *value = F::scale(*value, scale);
    }
}

/// One line from its low and its high half.
fn lift_line<F: Filter>(halves: [&mut [F::Sample]; 2], starts_odd: bool, out: &mut [F::Sample]) {
    let [low, high] = halves;
    if let [only] = out {
        if starts_odd {
            *only = high.first().map_or(*only, |value| F::halve(*value));
        } else {
            *only = low.first().copied().unwrap_or(*only);
        }
        return;
    }
    for index in 0..F::STEPS - 1 {
        if index % 2 == 0 {
            lift_half::<F>(index, low, high, !starts_odd);
        } else {
            lift_half::<F>(index, high, low, starts_odd);
        }
    }
    // The last step changes odd places, on the way to where they belong.
    let last = |value: F::Sample, before: F::Sample, after: F::Sample| {
        F::step(F::STEPS - 1, value, F::add(before, after))
    };
    let (out, high) = match (starts_odd, &mut *out, &*high, &*low) {
        (true, [out, rest @ ..], [value, high @ ..], [after, ..]) => {
            *out = last(*value, *after, *after);
            (rest, high)
        }
        (_, out, high, _) => (out, high),
    };
    let (pairs, end) = out.as_chunks_mut::<2>();
    let inner = pairs.len().min(low.len().saturating_sub(1));
    let (inner, edge) = pairs.split_at_mut(inner);
    let highs = high.iter().zip(low.iter().skip(1));
    for ((pair, before), (value, after)) in inner.iter_mut().zip(&*low).zip(highs) {
        *pair = [*before, last(*value, *before, *after)];
    }
    if let (Some(pair), Some(before), Some(value)) = (edge.first_mut(), low.last(), high.last()) {
        *pair = [*before, last(*value, *before, *before)];
    }
    if let ([end], Some(value)) = (end, low.last()) {
        *end = *value;
    }
}

/// One step: `values` are the places that change, `others` stand between them. The first of `values` has its
/// neighbours at places -1 and 0 of `others` if it `comes_first`, else at 0 and 1. Beyond the ends `others` is mirrored.
fn lift_half<F: Filter>(
    index: usize,
    values: &mut [F::Sample],
    others: &[F::Sample],
    comes_first: bool,
) {
    let ([first, ..], [.., last]) = (others, others) else {
        return;
    };
    let values = if comes_first {
        let Some((value, rest)) = values.split_first_mut() else {
            return;
        };
        *value = F::step(index, *value, F::add(*first, *first));
        rest
    } else {
        values
    };
    let inner = values.len().min(others.len() - 1);
    let (inner, end) = values.split_at_mut(inner);
    for ((value, before), after) in inner.iter_mut().zip(others).zip(&others[1..]) {
        *value = F::step(index, *value, F::add(*before, *after));
    }
    for value in end {
        *value = F::step(index, *value, F::add(*last, *last));
    }
}
