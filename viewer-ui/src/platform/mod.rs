//! The only place that talks to the browser: network, workers, canvas, clock, history.

pub mod canvas;
pub mod clock;
pub mod fetch;
pub mod page;
pub mod style;
pub mod workers;
