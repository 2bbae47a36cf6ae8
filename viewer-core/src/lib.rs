//! Everything that decides what a viewport shows: pixels, geometry, the object model, loading and state.
//!
//! Sans-I/O: nothing here fetches, spawns, awaits, reads a clock or touches a GPU. Hosts (the browser
//! app, the gateway's thumbnail renderer, tests) carry the bytes; this crate decides what they mean.
//! Inside, imports go one way: `geometry`, `pixel` → `decode`, `video`, `volume`, `model` → `loading` → `tools` → `state`.

pub mod decode;
pub mod geometry;
pub mod loading;
pub mod model;
pub mod pixel;
pub mod state;
pub mod tools;
pub mod video;
pub mod volume;
