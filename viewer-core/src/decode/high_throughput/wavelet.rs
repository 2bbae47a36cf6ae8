//! The inverse wavelet transforms, reversible 5-3 and irreversible 9-7.
//!
//! Source: ISO/IEC 15444-1 (ITU-T T.800) annex F.3.

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
    /// What a sample becomes in a step, given the sum of both its neighbours.
    fn step(index: usize, value: Self::Sample, sum: Self::Sample) -> Self::Sample;
    /// What an even or odd sample becomes before the first step.
    fn scale(value: Self::Sample, is_odd: bool) -> Self::Sample;
    /// What a line of a single sample at an odd place becomes.
    fn halve(value: Self::Sample) -> Self::Sample;
    fn add(a: Self::Sample, b: Self::Sample) -> Self::Sample;
}

/// 5-3, F.3.8.1.
pub(super) struct Reversible;

impl Filter for Reversible {
    type Sample = i32;
    const STEPS: usize = 2;

    #[inline]
    fn step(index: usize, value: i32, sum: i32) -> i32 {
        if index == 0 {
            value.wrapping_sub(sum.wrapping_add(2) >> 2)
        } else {
            value.wrapping_add(sum >> 1)
        }
    }

    #[inline]
    fn scale(value: i32, _: bool) -> i32 {
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
}

/// 9-7, F.3.8.2 and table F.4.
pub(super) struct Irreversible;

impl Filter for Irreversible {
    type Sample = f32;
    const STEPS: usize = 4;

    #[inline]
    fn step(index: usize, value: f32, sum: f32) -> f32 {
        const FACTORS: [f32; 4] = [-0.443_506_85, -0.882_911_1, 0.052_980_12, 1.586_134_3];
        value + FACTORS[index] * sum
    }

    #[inline]
    fn scale(value: f32, is_odd: bool) -> f32 {
        const K: f32 = 1.230_174_1;
        if is_odd { value / K } else { value * K }
    }

    #[inline]
    fn halve(value: f32) -> f32 {
        value / 2.0
    }

    #[inline]
    fn add(a: f32, b: f32) -> f32 {
        a + b
    }
}

/// Puts the samples of an area together from its four bands, in the order LL, HL, LH, HH.
pub(super) fn inverse<F: Filter>(area: Area, bands: [&[F::Sample]; 4]) -> Vec<F::Sample> {
    let (width, height) = (area.width(), area.height());
    let mut out = vec![F::Sample::default(); width * height];
    let mut places = [0; 4];
    for y in 0..height {
        let odd_line = (area.y0 as usize + y) % 2;
        let line = &mut out[y * width..(y + 1) * width];
        for odd_column in 0..2 {
            let band = 2 * odd_line + odd_column;
            let start = (odd_column + area.x0 as usize) % 2;
            for value in line.iter_mut().skip(start).step_by(2) {
                *value = bands[band].get(places[band]).copied().unwrap_or_default();
                places[band] += 1;
            }
        }
        lift_line::<F>(line, area.x0 % 2 == 1);
    }
    lift_lines::<F>(&mut out, width, height, area.y0 % 2 == 1);
    out
}

fn lift_line<F: Filter>(line: &mut [F::Sample], starts_odd: bool) {
    let last = match line {
        [] => return,
        [only] => {
            if starts_odd {
                *only = F::halve(*only);
            }
            return;
        }
        _ => line.len() - 1,
    };
    for (place, value) in line.iter_mut().enumerate() {
        *value = F::scale(*value, (place % 2 == 1) != starts_odd);
    }
    for index in 0..F::STEPS {
        let first = (index + usize::from(starts_odd)) % 2;
        for place in (first..=last).step_by(2) {
            // Beyond the ends the line is mirrored.
            let before = if place == 0 { 1 } else { place - 1 };
            let after = if place == last { last - 1 } else { place + 1 };
            let sum = F::add(line[before], line[after]);
            line[place] = F::step(index, line[place], sum);
        }
    }
}

/// The same downwards, all columns at once.
fn lift_lines<F: Filter>(out: &mut [F::Sample], width: usize, height: usize, starts_odd: bool) {
    if height == 1 {
        if starts_odd {
            out.iter_mut().for_each(|value| *value = F::halve(*value));
        }
        return;
    }
    for (y, line) in out.chunks_mut(width).enumerate() {
        let is_odd = (y % 2 == 1) != starts_odd;
        line.iter_mut()
            .for_each(|value| *value = F::scale(*value, is_odd));
    }
    let last = height - 1;
    for index in 0..F::STEPS {
        let first = (index + usize::from(starts_odd)) % 2;
        for y in (first..=last).step_by(2) {
            let before = if y == 0 { 1 } else { y - 1 };
            let after = if y == last { last - 1 } else { y + 1 };
            let (head, tail) = out.split_at_mut(y * width);
            let (line, below) = tail.split_at_mut(width);
            let lines = |at: usize, head: &[F::Sample], below: &[F::Sample], x: usize| {
                if at < y {
                    head[at * width + x]
                } else {
                    below[(at - y - 1) * width + x]
                }
            };
            for (x, value) in line.iter_mut().enumerate() {
                let sum = F::add(lines(before, head, below, x), lines(after, head, below, x));
                *value = F::step(index, *value, sum);
            }
        }
    }
}
