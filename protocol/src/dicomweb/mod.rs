//! DICOMweb (PS3.18): paths, searches, bodies, media types and errors.

pub mod asking;
pub mod error;
pub mod field;
pub mod json;
pub mod media_type;
pub mod moment;
pub mod multipart;
pub mod part10;
pub mod part10_header;
pub mod path;
pub mod query;
pub mod xml;
