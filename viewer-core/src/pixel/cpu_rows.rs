//! Whole rows of 8 and 16-bit frames, for views along the rows of the image: the usual case.
//!
//! Same numbers as the loop pixel by pixel in [`cpu_render`](super::cpu_render), but each row of the frame
//! is mixed across only once, however often it is enlarged, and loops are plain enough to be vectorised.
//! Where nothing is mixed, the way to grey of all stored values is a table.

use super::canvas::CanvasPixel;
use super::cpu_render::{Target, mix_down};
use super::grid::{FRACTION_BITS, ONE, Tap, tap};
use super::render_plan::RenderPlan;

/// Draws a frame without padding; `at` gives ordered samples by their place in the frame.
pub(super) fn draw<const CHANNELS: usize, P: CanvasPixel>(
    target: Target<P>,
    at: impl Fn(usize) -> u32,
    grey: impl Fn(u32) -> f32,
) {
    let Target {
        plan,
        rows,
        columns,
        width,
        pixels,
    } = target;
    let grid = plan.grid;
    // The columns that lie on the image are neighbours: the map is monotonic.
    let mut left = 0;
    let mut taps: Vec<Tap> = Vec::with_capacity(width as usize);
    for x in 0..width {
        match tap(grid.column_at(x, 0), columns) {
            Some(tap) => taps.push(tap),
            None if taps.is_empty() => left += 1,
            None => break,
        }
    }
    let is_mixed_across = plan.interpolate && taps.iter().any(|tap| tap.fraction != 0);
    let table = level_table::<CHANNELS, P>(plan, pixels.len(), &grey);
    let mut mixed = MixedRows::new(taps.len() * CHANNELS);
    let stride = columns as usize * CHANNELS;

    for (y, line) in (0..).zip(pixels.chunks_exact_mut(width as usize)) {
        let Some(row) = tap(grid.row_at(0, y), rows) else {
            line.fill(P::BLACK);
            continue;
        };
        let (before, rest) = line.split_at_mut(left);
        let (inside, after) = rest.split_at_mut(taps.len());
        before.fill(P::BLACK);
        after.fill(P::BLACK);
        let start = row.nearest as usize * stride;
        if !is_mixed_across && (!plan.interpolate || row.fraction == 0) {
            for (pixel, tap) in inside.iter_mut().zip(&taps) {
                let place = start + tap.nearest as usize * CHANNELS;
                *pixel = P::of(std::array::from_fn::<_, CHANNELS, _>(|channel| {
                    let ordered = at(place + channel);
                    match &table {
                        Some(table) => table.get(ordered as usize).copied().unwrap_or_default(),
                        None => P::level(plan, grey(ordered << FRACTION_BITS)),
                    }
                }));
            }
            continue;
        }
        mixed.load(&row, |row, across| {
            mix_across::<CHANNELS>(row as usize * stride, &taps, &at, across);
        });
        let (top, _) = mixed.first.as_chunks::<CHANNELS>();
        let (bottom, _) = mixed.second.as_chunks::<CHANNELS>();
        for ((pixel, top), bottom) in inside.iter_mut().zip(top).zip(bottom) {
            *pixel = P::of(std::array::from_fn::<_, CHANNELS, _>(|channel| {
                let value = mix_down(top[channel], bottom[channel], row.fraction);
                P::level(plan, grey(value))
            }));
        }
    }
}

/// Two neighbouring rows of the frame, mixed across, with 16 fractional bits.
struct MixedRows {
    first: Vec<u32>,
    second: Vec<u32>,
    held: [Option<u32>; 2],
}

impl MixedRows {
    fn new(length: usize) -> Self {
        Self {
            first: vec![0; length],
            second: vec![0; length],
            held: [None; 2],
        }
    }

    /// Makes both rows of a tap ready; one that is there already is kept.
    fn load(&mut self, row: &Tap, mix: impl Fn(u32, &mut [u32])) {
        let wanted = [Some(row.first), Some(row.second)];
        if self.held == wanted {
            return;
        }
        if self.held[1] == wanted[0] || self.held[0] == wanted[1] {
            std::mem::swap(&mut self.first, &mut self.second);
            self.held.swap(0, 1);
        }
        if self.held[0] != wanted[0] {
            mix(row.first, &mut self.first);
        }
        if self.held[1] != wanted[1] {
            mix(row.second, &mut self.second);
        }
        self.held = wanted;
    }
}

fn mix_across<const CHANNELS: usize>(
    start: usize,
    taps: &[Tap],
    at: &impl Fn(usize) -> u32,
    across: &mut [u32],
) {
    let (pixels, _) = across.as_chunks_mut::<CHANNELS>();
    for (pixel, tap) in pixels.iter_mut().zip(taps) {
        let first = start + tap.first as usize * CHANNELS;
        let second = start + tap.second as usize * CHANNELS;
        for (channel, value) in pixel.iter_mut().enumerate() {
            *value =
                at(first + channel) * (ONE - tap.fraction) + at(second + channel) * tap.fraction;
        }
    }
}

/// The grey of every ordered value, where the picture is large enough to be worth it.
fn level_table<const CHANNELS: usize, P: CanvasPixel>(
    plan: &RenderPlan,
    pixel_count: usize,
    grey: &impl Fn(u32) -> f32,
) -> Option<Vec<P::Level>> {
    let length: u32 = if CHANNELS == 3 { 1 << 8 } else { 1 << 16 };
    (pixel_count >= length as usize).then(|| {
        (0..length)
            .map(|ordered| P::level(plan, grey(ordered << FRACTION_BITS)))
            .collect()
    })
}
