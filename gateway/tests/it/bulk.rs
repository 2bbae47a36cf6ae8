//! Values beside the pixels: in the metadata, or at an address that answers.
