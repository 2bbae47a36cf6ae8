//! The gateway as its clients meet it: a server on a free port, requests over a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod browser;
mod elsewhere;
mod fake_provider;
mod files;
mod server;

mod admin;
mod admin_locked;
mod audit;
mod bad_input;
mod bulk;
mod canaries;
mod dicomweb;
mod folders;
mod fragments;
mod frames;
mod full;
mod gates;
mod hardening;
mod invoke;
mod killed;
mod launch;
mod login;
mod matrix;
mod native;
mod oidc;
mod oidc_forged;
mod passkeys;
mod program;
mod qido_answers;
mod qido_matching;
mod qido_pages;
mod qido_real;
mod real_files;
mod recipient;
mod requests;
mod schemathesis;
mod shares;
mod static_app;
mod taken;
mod thumbnails;
mod upstream;
mod upstream_hostile;
mod upstream_rights;
mod upstream_swapped;
