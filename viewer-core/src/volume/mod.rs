//! Volumes: parallel slices of a series as one body of voxels, and planes through it.
//!
//! [`groups`](groups()) splits a series into stacks that fit, with names in words; [`VolumeGrid`] says where their voxels lie;
//! [`Slices`] holds decoded slices one by one, never a whole series in one buffer; [`sample`] reads planes and
//! slabs of modality values from them: the twin of the shader, and what is drawn without a GPU. [`brick`] and [`need`]
//! say which parts of a large volume a graphics card needs for a plane; [`level`] what is known of all of it.

mod aligned;
pub mod asked;
pub mod brick;
mod cells;
pub mod grid;
pub mod grid_note;
pub mod groups;
mod kernel;
mod ladder;
pub mod level;
mod line;
mod marks;
pub mod mosaic;
mod near;
pub mod need;
pub mod params;
pub mod part;
pub mod planes;
pub mod presence;
pub mod render;
pub mod sample;
pub mod shares;
mod slab;
pub mod slices;
pub mod times;
pub mod track;

pub use asked::PlaneAsked;
pub use brick::{Brick, BrickLayout, PageTable, Placement};
pub use cells::stored_ranges;
pub use grid::{MIN_SLICES, NoVolume, Stacked, VolumeGrid};
pub use grid_note::GridNote;
pub use groups::{Group, groups, no_volume};
pub use level::{CoarseLevel, Extremes};
pub use mosaic::Tiling;
pub use need::bricks_of_plane;
pub use params::PlaneParams;
pub use part::{PartError, PartialPlane};
pub use planes::{PlaneKind, fitted, standard_plane};
pub use presence::{Between, Presence, SliceState};
pub use render::PlanePainter;
pub use sample::{Interpolation, SampleError, Sampler, plane_values};
pub use shares::Shares;
pub use slices::{Slice, SliceError, Slices};
pub use times::{TimePoint, is_same_grid};
pub use track::Track;
