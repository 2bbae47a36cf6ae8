//! The only place that talks to the browser: network, workers, canvas, clock, history.

pub mod body;
pub mod canvas;
pub mod clock;
pub mod early;
pub mod fetch;
pub mod gamut;
pub mod gpu;
pub mod layout;
pub mod memory;
pub mod page;
pub mod pictures;
pub mod plane_workers;
pub mod pointer;
pub mod presence;
pub mod style;
pub mod workers;
