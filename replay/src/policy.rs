//! Policies: what an auditor accepts as a checkpoint.
//!
//! Source: <https://c2sp.org/tlog-policy>, with two kinds of lines of our own. `operator <witness>` says that a witness is
//! run by the log's operator, so that no verdict counts it as anybody else's word; `replay <name> <vkey>` demands a
//! confirmation by replay that this key has signed. A file without them is a plain policy.
//!
//! ```text
//! log muster.example/lethe+0abc1234+AQID…
//! witness customer customer.example/w1+1bcd2345+BAUG… https://w1.customer.example
//! witness own muster.example/w2+2cde3456+BAcI…
//! operator own
//! group both all customer own
//! quorum both
//! ```

mod judge;
mod parse;

use events::note::VerifierKey;

pub use judge::{Cosigned, Judged};
pub use parse::{Fault, PolicyError};

/// The most bytes that a policy may have.
pub const MOST_BYTES: usize = 1 << 20;

/// Which logs, which witnesses, and how many of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Log>,
    witnesses: Vec<Witness>,
    /// Each has members of a smaller index only: witnesses first, then groups in the order of their lines.
    groups: Vec<Group>,
    quorum: Quorum,
    replays: Vec<Replay>,
}

/// A log that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its key, whose name is the origin.
    pub key: VerifierKey,
    /// Where it is asked, if that is said: bytes, as the policy has them.
    pub url: Option<Vec<u8>>,
}

/// A witness whose cosignature counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Its name in the policy: bytes, in whatever encoding.
    pub name: Vec<u8>,
    /// Its key.
    pub key: VerifierKey,
    /// Where it is asked, if that is said: bytes, as the policy has them.
    pub url: Option<Vec<u8>>,
    /// Whether the log's operator runs it.
    pub by_operator: bool,
}

/// A key whose confirmation by replay is demanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Its name in the policy.
    pub name: Vec<u8>,
    /// The key.
    pub key: VerifierKey,
}

/// So many of these members.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    least: usize,
    members: Vec<Member>,
}

/// A witness or a group, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// Whose cosignatures make a checkpoint valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quorum {
    None,
    Of(Member),
}

impl Policy {
    /// Parses a policy file. A last line without a line feed is taken as well.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        parse::policy(bytes)
    }

    /// The logs, in the order of their lines; a policy may have none.
    pub fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// The witnesses, in the order of their lines.
    pub fn witnesses(&self) -> &[Witness] {
        &self.witnesses
    }

    /// The keys whose confirmation by replay is demanded.
    pub fn replays(&self) -> &[Replay] {
        &self.replays
    }
}

#[cfg(test)]
mod tests;
