//! The subcommands that are more than a call, one file each.

pub mod cosign;
pub mod witness;
