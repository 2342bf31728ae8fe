//! The log: records, their chain, seals, keys, and the write path. Knows the facts of `domain` and how they are stored;
//! knows no view, no GraphQL and no network.

pub mod armor;
pub mod backup;
pub mod bundle;
pub mod bytes;
pub mod chain;
pub mod checkpoint;
pub mod claim;
pub mod codec;
mod derive;
pub mod evidence;
#[cfg(test)]
mod format_tests;
pub mod ids;
pub mod keyring;
pub mod ledger;
pub mod log;
pub mod map;
pub mod memory;
pub mod note;
pub mod place;
pub mod proof;
mod random;
pub mod record;
pub mod seal;
pub mod secret;
pub mod tree;
pub mod wire;

pub use random::NoRandomness;
