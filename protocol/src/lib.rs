//! What crosses the wire: DICOMweb, and the JSON of the gateway's own endpoints.
//!
//! Used by both ends, so that a path, a query or a multipart body is written down once. Pure: no
//! async, no file, net, thread or clock.

pub mod account;
pub mod dicomweb;
pub mod gateway;
pub mod order;
pub mod uid;
