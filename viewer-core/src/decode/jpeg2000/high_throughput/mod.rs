//! Code blocks of part 15.
//!
//! A `block` has a cleanup pass and passes of `refinement`, with the bit `streams` and the `codes` of `code_table`.
//! Source: ISO/IEC 15444-15 (ITU-T T.814).

mod block;
mod code_table;
mod codes;
mod refinement;
mod streams;

pub(super) use block::{BlockDecoder, Coded};
pub(super) use codes::Codes;
