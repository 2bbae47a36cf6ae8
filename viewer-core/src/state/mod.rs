//! The one state of the viewer, and the one way to change it: [`ViewerState::apply`] of an [`Action`].
//!
//! Undo is an old copy; a test is a list of actions; [`link::ViewLink`] is the small serialisable
//! counterpart that addresses carry.

pub mod action;
pub mod apply;
pub mod cine;
pub mod hanging;
pub mod layout;
pub mod link;
pub mod linked;
mod mosaics;
pub mod mpr;
mod mpr_drag;
mod plane_view;
pub mod saved;
mod series_volumes;
pub mod stack_slab;
pub mod time;
mod view;
pub mod viewport;

pub use action::{Action, Direction, Tool, ViewChange};
pub use apply::ViewerState;
pub use cine::Playing;
pub use layout::Layout;
pub use link::ViewLink;
pub use mpr::{Mpr, PlaneView, Turned};
pub use saved::SavedView;
pub use viewport::Viewport;
