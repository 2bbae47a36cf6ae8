//! From the samples of each component to those of each pixel.
//!
//! Chroma that two columns or two lines share is sampled in the middle between them (ISO/IEC 10918-5 3.1), so a
//! pixel takes three parts of the nearest sample and one of the next: what other decoders do too, and what keeps
//! differences from them at edges of colour below a level on average. Other ratios repeat the sample.

use super::markers::Frame;
use super::scan::Stripe;
use crate::decode::canvas::Canvas;
use crate::decode::work;

/// The samples of one component that pixels share, until all have come.
struct Plane {
    component: usize,
    columns: usize,
    rows: usize,
    samples: Vec<u16>,
}

/// Takes the lines of components and gives them to the pixels.
pub(super) struct Spread<'a> {
    frame: &'a Frame,
    canvas: Canvas,
    shared: Vec<Plane>,
}

impl<'a> Spread<'a> {
    pub fn new(frame: &'a Frame, canvas: Canvas) -> Self {
        let (most_h, most_v) = (frame.horizontal(), frame.vertical());
        let mut shared = Vec::new();
        for (component, each) in frame.components.iter().enumerate() {
            if (each.horizontal, each.vertical) != (most_h, most_v) {
                let columns = (frame.columns as usize * each.horizontal).div_ceil(most_h);
                let rows = (frame.rows as usize * each.vertical).div_ceil(most_v);
                shared.push(Plane {
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
            shared,
        }
    }

    /// `first` is the number of the stripe's first line among those of the component.
    pub fn write(&mut self, component: usize, first: usize, stripe: &Stripe) {
        let mut shared = self.shared.iter_mut();
        let plane = shared.find(|plane| plane.component == component);
        let lines = (first..).zip(stripe.samples.chunks(stripe.stride));
        if let Some(plane) = plane {
            for (row, line) in lines.take_while(|(row, _)| *row < plane.rows) {
                plane.samples[row * plane.columns..(row + 1) * plane.columns]
                    .copy_from_slice(&line[..plane.columns]);
            }
            return;
        }
        for (row, line) in lines.take_while(|(row, _)| *row < self.frame.rows as usize) {
            self.canvas
                .write(row, component, &line[..self.frame.columns as usize]);
        }
    }

    /// The samples of all pixels.
    pub fn finish(mut self) -> Vec<u8> {
        let (most_h, most_v) = (self.frame.horizontal(), self.frame.vertical());
        let mut line = vec![0; self.frame.columns as usize];
        for plane in &self.shared {
            let sampling = self.frame.components[plane.component];
            let halved_h = most_h == 2 * sampling.horizontal;
            let halved_v = most_v == 2 * sampling.vertical;
            // Four times the sample of each column in this line.
            let mut sums = vec![0_u32; plane.columns];
            work::count(self.frame.rows as usize * self.frame.columns as usize);
            for row in 0..self.frame.rows as usize {
                let near = row * sampling.vertical / most_v;
                let next = match (halved_v, row % 2) {
                    (false, _) => near,
                    (true, 0) => near.saturating_sub(1),
                    (true, _) => (near + 1).min(plane.rows - 1),
                };
                let of =
                    |row: usize| &plane.samples[row * plane.columns..(row + 1) * plane.columns];
                for ((sum, near), next) in sums.iter_mut().zip(of(near)).zip(of(next)) {
                    *sum = 3 * u32::from(*near) + u32::from(*next);
                }
                // Halves are rounded up and down in turn, so that no column or line is brighter.
                if halved_h {
                    between_columns(&sums, if halved_v { [8, 7] } else { [4, 8] }, &mut line);
                } else {
                    let half = if row % 2 == 0 { 1 } else { 2 };
                    for (column, value) in line.iter_mut().enumerate() {
                        *value = narrow((sums[column * sampling.horizontal / most_h] + half) >> 2);
                    }
                }
                self.canvas.write(row, plane.component, &line);
            }
        }
        self.canvas.data
    }
}

/// Two pixels for each sum, each with one part of the sum beside it.
fn between_columns(sums: &[u32], halves: [u32; 2], line: &mut [u16]) {
    for (column, pair) in line.chunks_mut(2).enumerate() {
        let before = sums[column.saturating_sub(1)];
        let after = sums[(column + 1).min(sums.len() - 1)];
        for ((value, beside), half) in pair.iter_mut().zip([before, after]).zip(halves) {
            *value = narrow((3 * sums[column] + beside + half) >> 4);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a mean of 16-bit samples")]
fn narrow(value: u32) -> u16 {
    value as u16
}
