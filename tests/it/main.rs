//! End-to-end tests: the built app in a real browser over the built gateway.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod capture;
mod ct_volume;
mod lessons;
mod smoke;
mod stage;
mod trouble;
