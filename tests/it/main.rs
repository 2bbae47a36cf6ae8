//! End-to-end tests: the built app in a real browser over the built gateway.

#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

mod account;
mod admin;
mod api;
mod audit;
mod axe;
mod capture;
mod choices;
mod cine;
mod ct_volume;
mod dicomweb_client;
mod embed;
mod embed_stage;
mod firefox;
mod framing;
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
mod mock;
mod modules;
mod orthanc;
mod orthanc_client;
mod passkeys;
mod pictures;
mod planes;
mod proxy;
mod quirks;
mod references;
mod reset;
mod shown;
mod slow_line;
mod smoke;
mod sources;
mod sources_lessons;
mod stack_slab;
mod stage;
mod store;
mod tampered;
mod tiles;
mod times;
mod trouble;
mod upload;
mod uptake;
mod valid;
mod view;
mod walk;
mod wide_gamut;
mod zip;

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

// Videos.
mod video;
