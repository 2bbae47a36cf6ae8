//! Volumes: parallel slices of a series as one body of voxels, and planes through it.
//!
//! [`groups`](groups()) splits a series into stacks that fit, with names in words; [`VolumeGrid`] says where their voxels lie;
//! [`Slices`] holds decoded slices one by one, never a whole series in one buffer; [`sample`] reads planes and
//! slabs of modality values from them: the twin of the shader, and what is drawn without a GPU.

pub mod grid;
pub mod grid_note;
pub mod groups;
mod kernel;
mod marks;
pub mod planes;
pub mod sample;
pub mod slices;

pub use grid::{MIN_SLICES, NoVolume, Stacked, VolumeGrid};
pub use grid_note::GridNote;
pub use groups::{Group, groups, no_volume};
pub use planes::{PlaneKind, fitted, standard_plane};
pub use sample::{Interpolation, SampleError, Sampler, plane_values};
pub use slices::{Slice, SliceError, Slices};
