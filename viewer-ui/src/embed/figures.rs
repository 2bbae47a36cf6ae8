//! `stats()`: what was fetched, decoded and drawn, and what memory it holds.

use crate::engine::Engine;
use protocol::order;
use serde::Serialize;

/// Distribution of some times, ms.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many there are.
    pub count: usize,
    /// Half of them take at most this long.
    pub p50: f64,
    /// 95 of 100 take at most this long.
    pub p95: f64,
    /// The longest.
    pub max: f64,
}

impl Percentiles {
    /// Of any list; all zero for an empty one.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        order::sort_by(&mut sorted, f64::total_cmp);
        let at = |share: usize| {
            // The nearest-rank definition: the smallest value with at least `share` percent below it.
            let rank = (sorted.len() * share).div_ceil(100).max(1) - 1;
            sorted.get(rank).copied().unwrap_or(0.0)
        };
        Self {
            count: sorted.len(),
            p50: at(50),
            p95: at(95),
            max: at(100),
        }
    }
}

/// The contract's `Stats`.
#[derive(Debug, Serialize)]
pub struct Stats {
    backend: &'static str,
    workers: usize,
    frames_wanted: usize,
    frames_loaded: usize,
    frames_failed: usize,
    bytes_fetched: u64,
    requests: u64,
    decode_ms: Percentiles,
    draw_ms: Percentiles,
    first_image_ms: Option<f64>,
    cpu_bytes: usize,
    gpu_bytes: usize,
    wasm_bytes: u32,
    notes: Vec<String>,
}

/// Reads the engine's figures.
pub fn stats(engine: &Engine) -> Stats {
    let [frames_wanted, frames_loaded, frames_failed] = engine.frame_counts();
    Stats {
        backend: engine
            .screen
            .as_ref()
            .map_or("cpu", |screen| screen.backend_name()),
        workers: engine.worker_count(),
        frames_wanted,
        frames_loaded,
        frames_failed,
        bytes_fetched: engine.figures.bytes_fetched,
        requests: engine.figures.requests,
        decode_ms: Percentiles::of(&engine.figures.decode_ms),
        draw_ms: Percentiles::of(&engine.figures.draw_ms),
        first_image_ms: engine.figures.first_image_ms,
        cpu_bytes: engine.cache.bytes()
            + engine.encoded_bytes()
            + engine
                .screen
                .as_ref()
                .map_or(0, |screen| screen.volume_bytes()),
        gpu_bytes: engine
            .screen
            .as_ref()
            .map_or(0, |screen| screen.texture_bytes()),
        wasm_bytes: crate::platform::page::wasm_memory_bytes(),
        notes: engine.figures.notes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_follow_the_nearest_rank() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        let p = Percentiles::of(&values);
        assert_eq!((p.count, p.p50, p.p95, p.max), (20, 10.0, 19.0, 20.0));
        assert_eq!(Percentiles::of(&[]).max, 0.0);
    }
}
