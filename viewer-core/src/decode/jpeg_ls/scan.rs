//! The entropy-coded lines of one scan.
//!
//! Source: ISO/IEC 14495-1 annex A; D.1 and D.2 for several components; 4.7 and C.2.5 (restart).

use super::super::DecodeError;
use super::bits::BitReader;
use super::coding::{Coding, EXACT, NEAR, ODD};
use super::contexts::{Contexts, Gradients, RUN_BITS, Run};
use super::corrupt;
use super::header::Interleave;
use crate::decode::work;

/// Two lines of one component with a border of one sample on each side.
pub(super) struct Lines {
    previous: Vec<u16>,
    current: Vec<u16>,
    run_index: usize,
}

impl Lines {
    fn new(columns: usize) -> Self {
        let line = vec![0; columns + 2];
        Self {
            previous: line.clone(),
            current: line,
            run_index: 0,
        }
    }

    fn clear(&mut self) {
        self.previous.fill(0);
        self.current.fill(0);
        self.run_index = 0;
    }

    /// Makes the line that was decoded last the one above, and fills the borders (A.2.1).
    fn advance(&mut self) {
        std::mem::swap(&mut self.previous, &mut self.current);
        let columns = self.previous.len() - 2;
        self.previous[columns + 1] = self.previous[columns];
        self.current[0] = self.previous[1];
    }

    fn samples(&self) -> &[u16] {
        &self.current[1..self.current.len() - 1]
    }
}

/// What is the same for every line of a scan.
pub(super) struct Layout {
    pub rows: u32,
    pub columns: usize,
    pub components: usize,
    pub interleave: Interleave,
    /// Lines between restart markers; zero for none.
    pub restart_interval: u32,
}

/// Decodes a scan and gives each line of each component, by its place in the scan, to `line`.
///
/// Returns the bytes behind the scan.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    coding: &Coding,
    layout: &Layout,
    mut line: impl FnMut(usize, &[u16]) -> Result<(), DecodeError>,
) -> Result<&'a [u8], DecodeError> {
    let mut components: Vec<_> = (0..layout.components)
        .map(|_| Lines::new(layout.columns))
        .collect();
    let interval = if layout.restart_interval == 0 {
        layout.rows
    } else {
        layout.restart_interval
    };
    let mut rest = bytes;
    let mut row = 0;
    let mut restarts = 0u8;
    let gradients = coding.gradients();
    work::count(gradients.len());
    while row < layout.rows {
        if row > 0 {
            rest = restart(rest, restarts)?;
            restarts = (restarts + 1) & 7;
            components.iter_mut().for_each(Lines::clear);
        }
        let (segment, behind) = rest.split_at(segment_length(rest));
        rest = behind;
        let mut scan = Scan::new(segment, coding, &gradients);
        let end = layout.rows.min(row.saturating_add(interval));
        for _ in row..end {
            components.iter_mut().for_each(Lines::advance);
            scan.decode_line(&mut components, layout.interleave)?;
            for (index, lines) in components.iter().enumerate() {
                line(index, lines.samples())?;
            }
        }
        row = end;
    }
    Ok(rest)
}

/// Bytes before the next marker: FF and a byte with its highest bit set.
fn segment_length(bytes: &[u8]) -> usize {
    bytes
        .windows(2)
        .position(|pair| pair[0] == 0xFF && pair[1] >= 0x80)
        .unwrap_or(bytes.len())
}

/// Steps over the restart marker of this number.
fn restart(rest: &[u8], number: u8) -> Result<&[u8], DecodeError> {
    rest.strip_prefix(&[0xFF, 0xD0 + number])
        .ok_or_else(|| corrupt("a restart marker is missing"))
}

/// Decoder of one segment: between two restart markers, or the whole scan.
struct Scan<'a> {
    reader: BitReader<'a>,
    coding: Coding,
    gradients: &'a [i8],
    contexts: Contexts,
}

impl<'a> Scan<'a> {
    fn new(segment: &'a [u8], coding: &Coding, gradients: &'a [i8]) -> Self {
        // They are filled eight and more at a time.
        work::count(Contexts::ENTRIES / 8);
        Self {
            reader: BitReader::new(segment),
            coding: *coding,
            gradients,
            contexts: Contexts::new(coding),
        }
    }

    fn decode_line(
        &mut self,
        components: &mut [Lines],
        interleave: Interleave,
    ) -> Result<(), DecodeError> {
        let samples: usize = components.iter().map(|lines| lines.current.len()).sum();
        work::count(samples);
        let done = match self.coding.way() {
            EXACT => self.line::<EXACT>(components, interleave),
            NEAR => self.line::<NEAR>(components, interleave),
            _ => self.line::<ODD>(components, interleave),
        };
        if done.is_none() {
            return Err(corrupt("the scan holds a code that no encoder writes"));
        }
        if self.reader.is_exhausted() {
            return Err(corrupt("the scan ends early"));
        }
        Ok(())
    }

    /// A line of all components.
    fn line<const WAY: u8>(
        &mut self,
        components: &mut [Lines],
        interleave: Interleave,
    ) -> Option<()> {
        match (interleave, components.len()) {
            (Interleave::Sample, 2) => self.interleaved_line::<WAY, 2>(components),
            (Interleave::Sample, _) => self.interleaved_line::<WAY, 3>(components),
            _ => components
                .iter_mut()
                .try_for_each(|lines| self.plain_line::<WAY>(lines)),
        }
    }

    /// A line of one component.
    fn plain_line<const WAY: u8>(&mut self, lines: &mut Lines) -> Option<()> {
        // Copies, so that the loop keeps them in registers.
        let Self {
            mut reader, coding, ..
        } = *self;
        let (gradients, contexts) = (Gradients::new(self.gradients, &coding), &mut self.contexts);
        let columns = lines.previous.len() - 2;
        let mut column = 1;
        let mut left = i32::from(lines.current[0]);
        let mut above_left = i32::from(lines.previous[0]);
        let mut above = i32::from(lines.previous[1]);
        while column <= columns {
            let above_right = i32::from(lines.previous[column + 1]);
            let context = gradients.context(left, above, above_left, above_right);
            if context != 0 {
                let predicted = predict(left, above, above_left);
                left = contexts.regular::<WAY>(&mut reader, &coding, context, predicted)?;
                lines.current[column] = narrow(left);
                column += 1;
                (above_left, above) = (above, above_right);
                continue;
            }
            let length = run_length(&mut reader, &mut lines.run_index, columns + 1 - column);
            lines.current[column..column + length].fill(narrow(left));
            column += length;
            if column > columns {
                break;
            }
            above = i32::from(lines.previous[column]);
            let run = Run {
                index: lines.run_index,
                may_be_alike: true,
            };
            left = contexts.interruption::<WAY>(&mut reader, &coding, left, above, run)?;
            lines.current[column] = narrow(left);
            lines.run_index = lines.run_index.saturating_sub(1);
            above_left = above;
            column += 1;
            above = i32::from(lines.previous[column]);
        }
        self.reader = reader;
        Some(())
    }

    /// A line of several components, a sample of each in turn. A run is one of whole pixels.
    fn interleaved_line<const WAY: u8, const N: usize>(
        &mut self,
        components: &mut [Lines],
    ) -> Option<()> {
        let Self {
            mut reader, coding, ..
        } = *self;
        let (gradients, contexts) = (Gradients::new(self.gradients, &coding), &mut self.contexts);
        let components = components.first_chunk_mut::<N>()?;
        let columns = components.first()?.previous.len() - 2;
        let mut run_index = components.first()?.run_index;
        let mut lines = components
            .each_mut()
            .map(|lines| (&lines.previous, &mut lines.current));
        let mut column = 1;
        let mut left = lines.each_ref().map(|(_, current)| i32::from(current[0]));
        let mut above_left = lines.each_ref().map(|(previous, _)| i32::from(previous[0]));
        let mut above = lines.each_ref().map(|(previous, _)| i32::from(previous[1]));
        while column <= columns {
            let above_right = lines
                .each_ref()
                .map(|(previous, _)| i32::from(previous[column + 1]));
            let signed: [i32; N] = std::array::from_fn(|index| {
                gradients.context(
                    left[index],
                    above[index],
                    above_left[index],
                    above_right[index],
                )
            });
            if signed.iter().any(|context| *context != 0) {
                for index in 0..N {
                    let predicted = predict(left[index], above[index], above_left[index]);
                    left[index] =
                        contexts.regular::<WAY>(&mut reader, &coding, signed[index], predicted)?;
                    lines[index].1[column] = narrow(left[index]);
                }
                column += 1;
                (above_left, above) = (above, above_right);
                continue;
            }
            let length = run_length(&mut reader, &mut run_index, columns + 1 - column);
            for (index, (_, current)) in lines.iter_mut().enumerate() {
                current[column..column + length].fill(narrow(left[index]));
            }
            column += length;
            if column > columns {
                break;
            }
            for (index, (previous, current)) in lines.iter_mut().enumerate() {
                let value = i32::from(previous[column]);
                let run = Run {
                    index: run_index,
                    may_be_alike: false,
                };
                left[index] =
                    contexts.interruption::<WAY>(&mut reader, &coding, left[index], value, run)?;
                current[column] = narrow(left[index]);
                above_left[index] = value;
                above[index] = i32::from(previous[column + 1]);
            }
            run_index = run_index.saturating_sub(1);
            column += 1;
        }
        components[0].run_index = run_index;
        self.reader = reader;
        Some(())
    }
}

/// The length of a run (A.7.1), at most `most`, with which it ends without an interruption.
fn run_length(reader: &mut BitReader, run_index: &mut usize, most: usize) -> usize {
    let mut length = 0;
    while length < most {
        let bits = RUN_BITS[*run_index];
        if reader.take(1) == 0 {
            let tail = reader.take(bits) as usize;
            return (length + tail).min(most);
        }
        length += 1 << bits;
        if length <= most {
            *run_index = (*run_index + 1).min(RUN_BITS.len() - 1);
        }
    }
    most
}

/// The median edge detector (A.4.1): the median of left, above, and the plane through all three.
#[inline(always)]
fn predict(left: i32, above: i32, above_left: i32) -> i32 {
    let (low, high) = (left.min(above), left.max(above));
    (left + above - above_left).clamp(low, high)
}

/// A sample as it is kept; reconstruction has bounded it.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 65535"
)]
fn narrow(value: i32) -> u16 {
    value as u16
}
