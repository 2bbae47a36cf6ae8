//! End-to-end tests: the built app in a real browser over the built gateway.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod account;
mod admin;
mod api;
mod audit;
mod capture;
mod choices;
mod cine;
mod ct_volume;
mod embed;
mod gpu_scenes;
mod guest;
mod guest_stage;
mod guest_words;
mod hands;
mod hosting;
mod large;
mod lessons;
mod made;
mod malformed;
mod memory;
mod modules;
mod orthanc;
mod passkeys;
mod pictures;
mod planes;
mod references;
mod reset;
mod shown;
mod smoke;
mod stack_slab;
mod stage;
mod store;
mod tiles;
mod trouble;
mod view;
mod wide_gamut;

// Planes through volumes.
mod mpr;
mod mpr_bad;
mod mpr_large;
mod mpr_lessons;
mod mpr_real;
mod plane_workers;
mod shapes;
mod through;
mod volumes;
