//! The driver of the end-to-end tests: a real browser, the real gateway, made-up data.
//!
//! [`Browser`] starts a headless Chromium for one [`Backend`], [`Page`] acts on one of its pages as a user
//! would and reads what it shows, [`Gateway`] runs the program that users run. Everything has a time-out;
//! every process and folder goes when its value is dropped.

mod axe;
mod browser;
mod cdp;
mod firefox;
mod folder;
mod gateway;
mod input;
mod nginx;
mod orthanc;
mod page;
mod picture;
mod process;
mod record;
mod tiny_pacs;

pub use axe::axe_core;
pub use browser::{Backend, Browser};
pub use firefox::{Firefox, Tab};
pub use folder::{TempFolder, phantom_folder, shared_data};
pub use gateway::{Answer, Gateway, run_program};
pub use input::{Button, Modifiers, Place};
pub use nginx::Nginx;
pub use orthanc::{Orthanc, free_port};
pub use page::Page;
pub use picture::Picture;
pub use record::{Problem, ProblemKind, Request};
pub use tiny_pacs::TinyPacs;
