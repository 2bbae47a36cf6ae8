//! Yew components: the study list and the reader, and the small parts that they share.

pub mod icon;
pub mod list;
pub mod reader;
pub mod series_picture;
pub mod sign_in;
