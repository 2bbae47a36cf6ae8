//! The gateway's readers of files on disk, without the gateway: they need nothing else of it.

#![allow(
    dead_code,
    missing_docs,
    reason = "the gateway uses the rest, and documents it"
)]

#[path = "../../gateway/src/source/folder/charset.rs"]
pub mod charset;
#[path = "../../gateway/src/source/folder/fragments.rs"]
pub mod fragments;
#[path = "../../gateway/src/source/folder/input.rs"]
pub mod input;
#[path = "../../gateway/src/source/folder/scan.rs"]
pub mod scan;
#[path = "../../gateway/src/source/folder/sniff.rs"]
pub mod sniff;
#[path = "../../gateway/src/source/folder/values.rs"]
pub mod values;
