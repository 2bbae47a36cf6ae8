//! Pointer, wheel, touch and keyboard: what they mean, free of the DOM.
//!
//! Components read DOM events and ask here; the answers are [`crate::store::Command`]s. So all of it
//! runs under `cargo test`.

pub mod gesture;
pub mod keys;
pub mod lines;
pub mod pointers;
pub mod slab;
pub mod typed;
