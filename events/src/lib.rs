//! The log: records, their chain, seals, keys, and the write path. Knows the facts of `domain` and how they are stored;
//! knows no view, no GraphQL and no network.

pub mod bytes;
pub mod chain;
pub mod codec;
pub mod record;
