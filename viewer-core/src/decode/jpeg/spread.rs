//! From the samples of each component to those of each pixel.
//!
//! Chroma that two columns or two lines share is sampled in the middle between them (ISO/IEC 10918-5 3.1), so a
//! pixel takes three parts of the nearest sample and one of the next: what other decoders do too, and what keeps
//! differences from them at edges of colour below a level on average. Other ratios repeat the sample.

use super::markers::Frame;
use super::scan::Ready;
use crate::decode::canvas::Canvas;
use crate::decode::simd::{Lanes, Native};
use crate::decode::work;

/// The samples of one component, until all have come.
struct Plane {
    component: usize,
    columns: usize,
    rows: usize,
    samples: Vec<u16>,
}

impl Plane {
    fn line(&self, row: usize) -> &[u16] {
        &self.samples[row * self.columns..(row + 1) * self.columns]
    }
}

/// Takes the lines of components and gives them to the pixels.
pub(super) struct Spread<'a> {
    frame: &'a Frame,
    canvas: Canvas,
    /// Where pixels share samples: all components, if pixels are three bytes each, else those that are shared.
    kept: Vec<Plane>,
}

impl<'a> Spread<'a> {
    pub fn new(frame: &'a Frame, canvas: Canvas) -> Self {
        let (most_h, most_v) = (frame.horizontal(), frame.vertical());
        let is_shared = |place: usize| {
            let each = &frame.components[place];
            (each.horizontal, each.vertical) != (most_h, most_v)
        };
        let count = frame.components.len();
        let keeps_all = (0..count).any(is_shared) && is_of_three_bytes(frame, &canvas);
        let mut kept = Vec::new();
        for (component, each) in frame.components.iter().enumerate() {
            if keeps_all || is_shared(component) {
                let columns = (frame.columns as usize * each.horizontal).div_ceil(most_h);
                let rows = (frame.rows as usize * each.vertical).div_ceil(most_v);
                kept.push(Plane {
                    component,
                    columns,
                    rows,
                    samples: vec![0; columns * rows],
                });
            }
        }
        Self {
            frame,
            canvas,
            kept,
        }
    }

    /// Takes lines that have come together.
    pub fn write(&mut self, ready: &[Ready]) {
        let (rows, columns) = (self.frame.rows as usize, self.frame.columns as usize);
        if let ([a, b, c], true) = (ready, self.kept.is_empty())
            && is_of_three_bytes(self.frame, &self.canvas)
            && [a, b, c]
                .iter()
                .enumerate()
                .all(|(place, each)| each.component == place)
        {
            let lines = [a, b, c].map(|each| each.stripe.lines());
            let [a_lines, b_lines, c_lines] = lines;
            let lines = (a.first..rows).zip(a_lines).zip(b_lines).zip(c_lines);
            for (((row, a), b), c) in lines {
                let lines = [a, b, c].map(|line| &line[..columns]);
                self.canvas.write_pixels(row, lines);
            }
            return;
        }
        for each in ready {
            let mut kept = self.kept.iter_mut();
            if let Some(plane) = kept.find(|plane| plane.component == each.component) {
                for (row, line) in (each.first..plane.rows).zip(each.stripe.lines()) {
                    plane.samples[row * plane.columns..(row + 1) * plane.columns]
                        .copy_from_slice(&line[..plane.columns]);
                }
            } else {
                for (row, line) in (each.first..rows).zip(each.stripe.lines()) {
                    self.canvas.write(row, each.component, &line[..columns]);
                }
            }
        }
    }

    /// The samples of all pixels.
    pub fn finish(mut self) -> Vec<u8> {
        let columns = self.frame.columns as usize;
        let mut sums = Vec::new();
        let mut lines: Vec<Vec<u16>> = vec![vec![0; columns]; self.kept.len()];
        for row in 0..self.frame.rows as usize {
            work::count(columns * self.kept.len());
            for (plane, line) in self.kept.iter().zip(&mut lines) {
                spread(plane, self.frame, row, &mut sums, line);
            }
            if let [a, b, c] = &lines[..]
                && self.canvas.is_of_three_bytes()
            {
                self.canvas.write_pixels(row, [a, b, c]);
                continue;
            }
            for (plane, line) in self.kept.iter().zip(&lines) {
                self.canvas.write(row, plane.component, line);
            }
        }
        self.canvas.data
    }
}

/// True where three components of 8 bits are the three bytes of a pixel.
fn is_of_three_bytes(frame: &Frame, canvas: &Canvas) -> bool {
    frame.precision == 8 && frame.components.len() == 3 && canvas.is_of_three_bytes()
}

/// One line of the frame from a plane that its lines or columns may share. `sums` is room for a line.
fn spread(plane: &Plane, frame: &Frame, row: usize, sums: &mut Vec<u16>, line: &mut [u16]) {
    let (most_h, most_v) = (frame.horizontal(), frame.vertical());
    let sampling = frame.components[plane.component];
    if (sampling.horizontal, sampling.vertical) == (most_h, most_v) {
        line.copy_from_slice(plane.line(row));
        return;
    }
    let halved_h = most_h == 2 * sampling.horizontal;
    let halved_v = most_v == 2 * sampling.vertical;
    let near = row * sampling.vertical / most_v;
    let next = match (halved_v, row % 2) {
        (false, _) => near,
        (true, 0) => near.saturating_sub(1),
        (true, _) => (near + 1).min(plane.rows - 1),
    };
    // Four times the sample of each column in this line; sixteen times 12 bits are 16 bits.
    sums.clear();
    let pairs = plane.line(near).iter().zip(plane.line(next));
    sums.extend(pairs.map(|(near, next)| 3 * near + next));
    // Halves are rounded up and down in turn, so that no column or line is brighter.
    if halved_h {
        between_columns(sums, if halved_v { [8, 7] } else { [4, 8] }, line);
    } else {
        let half = if row.is_multiple_of(2) { 1 } else { 2 };
        for (column, value) in line.iter_mut().enumerate() {
            *value = (sums[column * sampling.horizontal / most_h] + half) >> 2;
        }
    }
}

/// Two pixels for each sum, each with one part of the sum beside it.
fn between_columns(sums: &[u16], halves: [u16; 2], line: &mut [u16]) {
    let one = |column: usize, pair: &mut [u16]| {
        let before = sums[column.saturating_sub(1)];
        let after = sums[(column + 1).min(sums.len() - 1)];
        for ((value, beside), half) in pair.iter_mut().zip([before, after]).zip(halves) {
            *value = (3 * sums[column] + beside + half) >> 4;
        }
    };
    // Eight sums at a time, where all have others on both sides.
    let halves = halves.map(|half| Native::splat16(half.cast_signed()));
    let mut done = 1;
    let (groups, _) = line.get_mut(2..).unwrap_or_default().as_chunks_mut::<16>();
    for group in groups {
        let around = sums.get(done - 1..).and_then(<[u16]>::first_chunk::<10>);
        let Some(around) = around else {
            break;
        };
        let load = |place: usize| around[place..].first_chunk().map(Native::load_unsigned);
        let (Some(before), Some(own), Some(after)) = (load(0), load(1), load(2)) else {
            break;
        };
        let three = Native::add16(own, Native::add16(own, own));
        let [left, right] = [(before, halves[0]), (after, halves[1])].map(|(beside, half)| {
            Native::shift_right_unsigned16::<4>(Native::add16(three, Native::add16(beside, half)))
        });
        let (first, second) = group.as_chunks_mut::<8>().0.split_at_mut(1);
        Native::store_unsigned(Native::low16(left, right), &mut first[0]);
        Native::store_unsigned(Native::high16(left, right), &mut second[0]);
        done += 8;
    }
    for (column, pair) in line.chunks_mut(2).enumerate() {
        if column == 0 || column >= done {
            one(column, pair);
        }
    }
}
