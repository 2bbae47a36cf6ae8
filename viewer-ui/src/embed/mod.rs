//! The public face: the JavaScript API, and its bridge to a page that frames the viewer.

pub mod api;
pub mod appearance;
pub mod bench;
mod bench_planes;
mod bridge;
mod figures;
pub mod frame;
pub mod listeners;
mod message;
mod opening;
pub(crate) mod pixels;
mod planes;
pub mod session;
