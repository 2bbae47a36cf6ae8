//! The gateway: serves the app, an embedded DICOMweb store, and what the app asks about them.
//!
//! `app` lists all routes, and `openapi` makes their document of it; `requests` has what every request passes; `source` is the only place that reads DICOM; `command`, `config` and
//! `serve` say how it is started.

pub mod app;
pub mod assets;
pub mod audit;
pub mod auth;
pub mod command;
pub mod config;
pub mod drawing;
pub mod dumps;
pub mod error;
pub mod headers;
pub mod manage;
pub mod openapi;
pub mod places;
pub mod requests;
pub mod routes;
pub mod serve;
pub mod source;
pub mod state;
pub mod uncompressed;
pub mod upkeep;
