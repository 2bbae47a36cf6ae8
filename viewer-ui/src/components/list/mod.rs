//! The study list.
