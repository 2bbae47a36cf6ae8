//! Who may do what: users and how they prove who they are, sessions, policies. Nothing else in the gateway decides it.

pub mod accounts;
pub mod database;
pub mod password;
pub mod policy;
pub mod secret;
pub mod sessions;
pub mod totp;
