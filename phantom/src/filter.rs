//! Blurring, sharpening and noise of pictures held as rows of numbers.

use crate::random::{Random, mix};

/// Blurs with a Gaussian of `sigma` pixels; edges repeat.
pub(crate) fn blur(values: &mut [f32], columns: usize, sigma: f32) {
    let radius = (sigma * 2.6).ceil().max(1.0) as usize;
    let mut weights: Vec<f32> = (0..=radius)
        .map(|k| (-0.5 * (k as f32 / sigma).powi(2)).exp())
        .collect();
    let total = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
    weights.iter_mut().for_each(|weight| *weight /= total);
    let rows = values.len() / columns;
    let mut line = vec![0.0; columns];
    for row in values.chunks_mut(columns) {
        for (column, out) in line.iter_mut().enumerate() {
            *out = weights[0] * row[column];
            for (k, weight) in weights.iter().enumerate().skip(1) {
                *out +=
                    weight * (row[column.saturating_sub(k)] + row[(column + k).min(columns - 1)]);
            }
        }
        row.copy_from_slice(&line);
    }
    let source = values.to_vec();
    let row_of = |row: usize| &source[row * columns..(row + 1) * columns];
    for (row, out) in values.chunks_mut(columns).enumerate() {
        out.iter_mut().for_each(|value| *value *= weights[0]);
        for (k, weight) in weights.iter().enumerate().skip(1) {
            let (above, below) = (
                row_of(row.saturating_sub(k)),
                row_of((row + k).min(rows - 1)),
            );
            for (value, (a, b)) in out.iter_mut().zip(above.iter().zip(below)) {
                *value += weight * (a + b);
            }
        }
    }
}

/// Adds `amount` of the difference to a blurred copy, as a sharp kernel does.
pub(crate) fn sharpen(values: &mut [f32], columns: usize, amount: f32) {
    let mut soft = values.to_vec();
    blur(&mut soft, columns, 0.9);
    for (value, soft) in values.iter_mut().zip(soft) {
        *value += amount * (*value - soft);
    }
}

/// A very wide blur: the means of blocks of `reach` pixels, interpolated between their middles.
pub(crate) fn shrink_blur(values: &[f32], columns: usize, reach: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    let (wide, high) = (columns.div_ceil(reach), rows.div_ceil(reach));
    let mut sums = vec![(0.0_f32, 0.0_f32); wide * high];
    for (index, value) in values.iter().enumerate() {
        let block = &mut sums[index / columns / reach * wide + index % columns / reach];
        *block = (block.0 + value, block.1 + 1.0);
    }
    let mut means: Vec<f32> = sums.iter().map(|(sum, count)| sum / count).collect();
    blur(&mut means, wide, 1.1);
    let tap = |at: usize, last: usize| {
        let place = ((at as f32 + 0.5) / reach as f32 - 0.5).clamp(0.0, last as f32);
        (
            place as usize,
            (place as usize + 1).min(last),
            place.fract(),
        )
    };
    let mut wide_values = Vec::with_capacity(values.len());
    for row in 0..rows {
        let (y0, y1, v) = tap(row, high - 1);
        for column in 0..columns {
            let (x0, x1, u) = tap(column, wide - 1);
            let upper = means[y0 * wide + x0] * (1.0 - u) + means[y0 * wide + x1] * u;
            let lower = means[y1 * wide + x0] * (1.0 - u) + means[y1 * wide + x1] * u;
            wide_values.push(upper * (1.0 - v) + lower * v);
        }
    }
    wide_values
}

/// Noise of mean 0 and standard deviation 1 whose grain is a Gaussian of `sigma` pixels.
pub(crate) fn correlated_noise(count: usize, columns: usize, sigma: f32, seed: u64) -> Vec<f32> {
    let mut random = Random::named(mix(seed), "grain");
    let mut noise: Vec<f32> = (0..count).map(|_| random.normal()).collect();
    blur(&mut noise, columns, sigma);
    let variance = noise.iter().map(|n| n * n).sum::<f32>() / count as f32;
    let scale = 1.0 / variance.sqrt().max(1.0e-6);
    noise.iter_mut().for_each(|n| *n *= scale);
    noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blurring_keeps_the_mean_of_an_even_picture() {
        let mut values = vec![7.0; 12 * 9];
        blur(&mut values, 12, 0.8);
        assert!(values.iter().all(|value| (value - 7.0).abs() < 1.0e-4));
    }

    #[test]
    fn blurring_spreads_a_point_evenly_in_both_directions() {
        let mut values = vec![0.0; 81];
        values[40] = 1.0;
        blur(&mut values, 9, 1.0);
        assert!((values[40 + 1] - values[40 + 9]).abs() < 1.0e-6);
        assert!((values.iter().sum::<f32>() - 1.0).abs() < 1.0e-4);
    }
}
