//! Hostile frames, and what decoding them costs.

pub mod crafted;
pub mod meter;
pub mod mutate;
pub mod samples;
