//! What an auditor does: verify a log, print a trail, check a time stamp, witness checkpoints, and rebuild a ledger's views
//! from its log, which is how the server boots. Verifying knows no key, no server, no network and no
//! sled; keys are for rebuilding, and for seeing what an image gives back.

pub mod certificate;
pub mod check;
pub mod copy;
pub mod countersign;
pub mod describe;
pub mod forensic;
pub mod gather;
pub mod https;
pub mod maps;
mod partial;
pub mod plain;
pub mod policy;
pub mod rebuild;
pub mod receipt;
pub mod report;
pub mod source;
pub mod tiles;
pub mod timestamp;
pub mod trail;
pub mod verify;
pub mod witness;

#[cfg(test)]
mod format_tests;
