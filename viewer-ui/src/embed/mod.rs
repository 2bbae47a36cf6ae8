//! The public face: the JavaScript API, and its bridge to a page that frames the viewer.

pub mod api;
pub mod bench;
mod bench_planes;
mod bridge;
mod figures;
pub mod listeners;
pub(crate) mod pixels;
mod planes;
