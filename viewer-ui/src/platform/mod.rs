//! The only place that talks to the browser: network, workers, canvas, clock, storage, history.

pub mod fetch;
pub mod style;
