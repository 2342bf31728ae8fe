//! api

pub mod import;
