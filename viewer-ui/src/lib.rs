//! The viewer in the browser: engine, input, components, and the JavaScript API.
//!
//! The engine owns the one [`viewer_core::state::ViewerState`], the queue, the caches and the
//! renderer; [`platform`] is the only place that talks to the browser; [`components`] show snapshots
//! ([`store`]) and send commands.

pub mod account;
pub mod app;
pub mod components;
pub mod embed;
pub mod engine;
pub mod input;
pub mod plane_message;
pub mod platform;
pub mod shared;
pub mod store;
pub mod video_message;
pub mod worker_message;
