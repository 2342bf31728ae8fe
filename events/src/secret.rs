//! Hashes of secrets that somebody else keeps: only these are recorded, as facts. Each secret has at least 128 random bits,
//! so its hash tells nothing of it.

use crate::record::Hash;

/// What is kept of an access token: BLAKE3 `derive_key` of its text.
pub fn token_hash(token: &str) -> Hash {
    blake3::derive_key("lethe 2026-11 token", token.as_bytes())
}

/// What is kept of a one-time code: BLAKE3 `derive_key` of its letters and digits.
pub fn code_hash(code: &str) -> Hash {
    blake3::derive_key("lethe 2026-11 consent code", code.as_bytes())
}
