//! Yew components: the study list, the reader, the reader behind a link, and the small parts that they share.

pub mod gate;
pub mod guest;
pub mod icon;
pub mod list;
pub mod reader;
pub mod series_picture;
pub mod sign_in;
pub mod user_menu;
