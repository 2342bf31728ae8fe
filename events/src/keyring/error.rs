//! Why the keyring does not do what it is asked. No text holds a key.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

use domain::id::{KeyId, LogId};

use super::{AnchorError, Identity};
use crate::random::NoRandomness;

/// Why the keyring did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is one already.
    #[error("there is a keyring already")]
    Exists,
    /// There is none, or something else.
    #[error("this is not a keyring")]
    NotAKeyring,
    /// It was written by a newer version.
    #[error("the keyring has format version {0}, which this version does not know")]
    UnknownVersion(u16),
    /// It belongs to another log.
    #[error("the keyring belongs to {found}")]
    AnotherLog {
        /// To which.
        found: LogId,
    },
    /// Another process holds it.
    #[error("another process holds the keyring")]
    InUse,
    /// No header is whole, or it is not the one that its top key sealed.
    #[error("the header of the keyring is damaged")]
    DamagedHeader,
    /// A node is not what was written there, or not there, in any copy.
    #[error("node {index} on level {level} of the keyring is damaged")]
    DamagedNode {
        /// 0 for leaves.
        level: u8,
        /// From 0 on its level.
        index: u64,
    },
    /// The marks of unused slots are not whole in any copy.
    #[error("the marks of the keyring are damaged")]
    DamagedMarks,
    /// The suppression list is not whole in any copy.
    #[error("the suppression list beside the keyring is damaged")]
    DamagedList,
    /// The suppression list is from before the death of one of its keys: an older file was put in its place.
    #[error("the suppression list beside the keyring is an older one: {0}, which it names, is gone")]
    OldList(KeyId),
    /// A slot of a keyring of the first format is not what was written there.
    #[error("slot {0} of the keyring is damaged")]
    DamagedSlot(u64),
    /// One copy is not what the others are.
    #[error("the copy of the keyring in {copy:?} is {wrong}; `lethe keyring repair` copies the other one over it")]
    Copy {
        /// Its directory.
        copy: PathBuf,
        /// What is the matter with it.
        wrong: Wrong,
    },
    /// A copy is to be made where something else lies.
    #[error("{} is no copy of a keyring, and not empty: {found:?} is in it", dir.display())]
    NotEmpty {
        /// Where.
        dir: PathBuf,
        /// What lies there.
        found: OsString,
    },
    /// A copy that does not open is newer than the one that does: it may hold keys that nothing else holds.
    #[error(
        "the copy of the keyring in {copy:?} is damaged, and newer (header {damaged}, marks {marks}) than the whole one \
         (header {whole}, marks {whole_marks}): what only it holds would be lost. Put a whole copy of it back; or \
         `lethe keyring repair --older` puts it aside and goes on with the older one, whose missing keys are to be \
         declared lost"
    )]
    NewerDamaged {
        /// Its directory.
        copy: PathBuf,
        /// The counter of its header.
        damaged: u64,
        /// That of its marks.
        marks: u64,
        /// The counter of the other one's header.
        whole: u64,
        /// That of its marks.
        whole_marks: u64,
    },
    /// An anchor has no member, or too many.
    #[error("an anchor has 1 to {most} members, and {given} are named")]
    Members {
        /// How many at most.
        most: usize,
        /// As many as there are.
        given: usize,
    },
    /// An anchor has a member twice.
    #[error("{identity} is named twice, and a member of an anchor is one device or one directory")]
    SameMember {
        /// Who it is.
        identity: Identity,
    },
    /// A member of the anchor is not among those that are named.
    #[error("member {member} of the keyring's anchor is {identity}, and no anchor that is named is that one{}", in_place(.instead.as_ref()))]
    MissingMember {
        /// Which, from 1.
        member: usize,
        /// Who it is.
        identity: Identity,
        /// One that is named and no member.
        instead: Option<Identity>,
    },
    /// An anchor is named that is no member.
    #[error("{identity} is named, and is no member of the keyring's anchor")]
    StrangeMember {
        /// Who it is.
        identity: Identity,
    },
    /// The keyring is to move to an anchor that knows its log already.
    #[error("{identity} holds roots of this log already, and is no member of its keyring's anchor")]
    KnowsLog {
        /// Who it is.
        identity: Identity,
    },
    /// Keys are destroyed in the tree, and a member of the anchor may still hold a root that opens an older one. They stay
    /// fenced until that root is gone; asked again, or opened again, the keyring goes on with it.
    #[error(
        "member {member} of the anchor ({identity}) did not show that its older roots are gone, so nothing is destroyed yet"
    )]
    RootRemains {
        /// Which, from 1; behind the members come those that a move left.
        member: usize,
        /// Who it is.
        identity: Identity,
        /// What it said.
        source: AnchorError,
    },
    /// A member of the anchor did not do its part of a destruction, and nothing happened.
    #[error("member {member} of the anchor ({identity}) did not do its part, so nothing is destroyed")]
    Member {
        /// Which, from 1.
        member: usize,
        /// Who it is.
        identity: Identity,
        /// What it said.
        source: AnchorError,
    },
    /// The anchor does not open it.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// A key is to be destroyed that was never there.
    #[error("the keyring never held {0}")]
    NeverHad(KeyId),
    /// Keys are asked for before the log was read.
    #[error("the keyring hands out no key before the log was read")]
    NotSettled,
    /// A write failed before; what is on the disk is known only after the next open.
    #[error("the keyring stopped after a failed write")]
    Stopped,
    /// The disk failed.
    #[error("the keyring's disk failed")]
    Io(#[from] io::Error),
    /// No key can be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// What a destruction waits for: a member of the anchor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Which, from 1; behind the members come those that a move left.
    pub member: usize,
    /// Who it is.
    pub identity: Identity,
    /// What it said.
    pub why: String,
}

impl KeyringError {
    /// Whether it is the anchor's, and may be over when whoever holds a root is there again.
    pub fn is_of_anchor(&self) -> bool {
        matches!(self, Self::Anchor(_) | Self::Member { .. } | Self::RootRemains { .. })
    }

    /// Whether no copy will open again, as far as anybody can see from here: the root is gone, or no header is left.
    pub fn is_for_good(&self) -> bool {
        match self {
            Self::NotAKeyring | Self::DamagedHeader | Self::MissingMember { .. } => true,
            Self::Anchor(why) => why.knows_nothing() || matches!(why, AnchorError::Damaged { .. }),
            _ => false,
        }
    }

    /// Which member of the anchor it is about.
    pub(super) fn waiting(&self) -> Option<Waiting> {
        match self {
            Self::Member { member, identity, source } | Self::RootRemains { member, identity, source } => {
                Some(Waiting { member: *member, identity: identity.clone(), why: source.to_string() })
            }
            _ => None,
        }
    }
}

/// What is the matter with a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wrong {
    /// It is not there.
    Missing,
    /// It is older than another one.
    Behind,
    /// It holds something else than was written there.
    Damaged,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { member, identity, why } = self;
        write!(f, "member {member} of the anchor ({identity}) is not there or did not do its part: {why}")
    }
}

/// What stands in the place of a member.
fn in_place(identity: Option<&Identity>) -> String {
    identity.map(|identity| format!(", but {identity} is")).unwrap_or_default()
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing",
            Self::Behind => "behind the other one",
            Self::Damaged => "damaged",
        })
    }
}
