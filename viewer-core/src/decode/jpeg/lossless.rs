//! Scans of the lossless process: differences from a prediction.
//!
//! Source: ISO/IEC 10918-1 (ITU-T T.81) annex H.

use super::bits::{Bits, Huffman};
use super::markers::{Frame, Scan, Tables};
use super::{corrupt, unsupported};
use crate::decode::{DecodeError, work};

/// Decodes a scan; `done` gets each line of each component: the component's place in the frame, the number
/// of the line and its samples. Returns how many bytes the scan took.
pub(super) fn decode(
    data: &[u8],
    frame: &Frame,
    scan: &Scan,
    tables: &Tables,
    mut done: impl FnMut(usize, usize, &[u16]),
) -> Result<usize, DecodeError> {
    let predictor = scan.start;
    let point = u32::from(scan.low);
    if !(1..=7).contains(&predictor) || scan.high != 0 || point >= u32::from(frame.precision) {
        return Err(corrupt("an impossible scan header"));
    }
    let sampling = |index: usize| {
        let component = frame.components[index];
        (component.horizontal, component.vertical)
    };
    if (0..frame.components.len()).any(|index| sampling(index) != sampling(0)) {
        return Err(unsupported(
            "a subsampled component in the lossless process",
        ));
    }
    // H.1.1: the prediction begins anew with the line behind a restart marker.
    let columns = frame.columns as usize;
    let restart_lines = match tables.restart_interval as usize {
        0 => usize::MAX,
        interval if interval % columns == 0 => interval / columns,
        _ => return Err(unsupported("a restart interval of broken lines")),
    };
    let mut lines = Vec::new();
    for component in &scan.components {
        let code = tables.dc.get(component.dc).and_then(Option::as_ref);
        lines.push(Lines {
            code: code.ok_or_else(|| corrupt("a Huffman table is missing"))?,
            current: vec![0; columns],
            above: vec![0; columns],
            out: vec![0; columns],
        });
    }
    let middle = 1_u16 << (u32::from(frame.precision) - point - 1);
    let mut bits = Bits::new(data);
    let mut restarts = 0;
    for row in 0..frame.rows as usize {
        work::count(columns * lines.len());
        let is_first = row % restart_lines == 0;
        if is_first && row > 0 {
            bits.restart(restarts)?;
            restarts += 1;
        }
        if let [only] = &mut lines[..] {
            only.line(&mut bits, predictor, is_first, middle)?;
        } else {
            for column in 0..columns {
                for each in &mut lines {
                    let difference = difference(each.code, &mut bits)?;
                    let predicted = each.predict(column, predictor, is_first, middle);
                    each.current[column] = predicted.wrapping_add(difference);
                }
            }
        }
        bits.check()?;
        for (each, component) in lines.iter_mut().zip(&scan.components) {
            for (out, sample) in each.out.iter_mut().zip(&each.current) {
                *out = sample << point;
            }
            done(component.index, row, &each.out);
            std::mem::swap(&mut each.current, &mut each.above);
        }
    }
    Ok(bits.position())
}

/// The lines of one component; sums are taken modulo 65536 (H.1.2.1).
struct Lines<'a> {
    code: &'a Huffman,
    current: Vec<u16>,
    above: Vec<u16>,
    out: Vec<u16>,
}

impl Lines<'_> {
    fn line(
        &mut self,
        bits: &mut Bits,
        predictor: usize,
        is_first: bool,
        middle: u16,
    ) -> Result<(), DecodeError> {
        let code = self.code;
        if is_first || predictor == 1 {
            let mut left = if is_first { middle } else { self.above[0] };
            for sample in &mut self.current {
                left = left.wrapping_add(difference(code, bits)?);
                *sample = left;
            }
            return Ok(());
        }
        let (mut left, mut corner) = (self.above[0], self.above[0]);
        for (column, (sample, above)) in self.current.iter_mut().zip(&self.above).enumerate() {
            let predicted = if column == 0 {
                *above
            } else {
                combine(predictor, left, *above, corner)
            };
            left = predicted.wrapping_add(difference(code, bits)?);
            *sample = left;
            corner = *above;
        }
        Ok(())
    }

    fn predict(&self, column: usize, predictor: usize, is_first: bool, middle: u16) -> u16 {
        match (column, is_first) {
            (0, true) => middle,
            (0, false) => self.above[0],
            (_, true) => self.current[column - 1],
            _ => combine(
                predictor,
                self.current[column - 1],
                self.above[column],
                self.above[column - 1],
            ),
        }
    }
}

/// Table H.1.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "modulo 65536 by intent"
)]
fn combine(predictor: usize, left: u16, above: u16, corner: u16) -> u16 {
    let (a, b, c) = (i32::from(left), i32::from(above), i32::from(corner));
    (match predictor {
        1 => a,
        2 => b,
        3 => c,
        4 => a + b - c,
        5 => a + ((b - c) >> 1),
        6 => b + ((a - c) >> 1),
        _ => (a + b) >> 1,
    }) as u16
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "modulo 65536 by intent"
)]
fn difference(code: &Huffman, bits: &mut Bits) -> Result<u16, DecodeError> {
    match code.symbol(bits)? {
        // H.1.2.2: 32768 has no further bits.
        16 => Ok(32_768),
        size @ 0..=15 => Ok(bits.difference(size.into()) as u16),
        _ => Err(corrupt("an impossible difference")),
    }
}
