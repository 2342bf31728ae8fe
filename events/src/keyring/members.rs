//! The members of an anchor: each holds a root of its own, and under each root the same top key is sealed. Any one of
//! them opens the keyring; a destruction is over when none of them has an older root.

use domain::id::LogId;

use super::{Anchor, AnchorError, Key, KeyringError, Level, header};

/// What the header says of one member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Member {
    /// The number of its root.
    pub(super) root: u64,
    /// The top key, as it sealed it.
    pub(super) top: Vec<u8>,
}

/// The anchors, in the order of the header.
pub(super) struct Members(Vec<Box<dyn Anchor>>);

impl Members {
    pub(super) fn new(anchors: Vec<Box<dyn Anchor>>) -> Result<Self, KeyringError> {
        if anchors.is_empty() || anchors.len() > header::MOST_MEMBERS {
            return Err(KeyringError::Members { wanted: header::MOST_MEMBERS, given: anchors.len() });
        }
        Ok(Self(anchors))
    }

    /// What a destruction is worth now: as much as at the member that gives least. A declaration may raise it.
    pub(super) fn level(&self) -> Level {
        self.0.iter().map(|anchor| anchor.level()).min().unwrap_or(Level::A0)
    }

    #[cfg(test)]
    pub(super) fn anchors(&self) -> &[Box<dyn Anchor>] {
        &self.0
    }

    /// The highest number of a root of this log. A member that cannot be reached is passed over.
    pub(super) fn highest_reached(&self, log: LogId) -> Option<u64> {
        self.0.iter().filter_map(|anchor| anchor.roots(log).ok()).flatten().max()
    }

    /// The same, of every member.
    pub(super) fn highest(&self, log: LogId) -> Result<Option<u64>, AnchorError> {
        let mut highest = None;
        for anchor in &self.0 {
            highest = highest.max(anchor.roots(log)?.last().copied());
        }
        Ok(highest)
    }

    /// Makes a root in every member, seals the top key under each, and sees that it opens again.
    pub(super) fn renew(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<Member>, AnchorError> {
        let mut members = Vec::with_capacity(self.0.len());
        for anchor in &self.0 {
            anchor.create_root(log, root)?;
            let sealed = anchor.seal(log, root, top)?;
            if sealed.len() > 1024 || anchor.open(log, root, &sealed)? != *top {
                return Err(AnchorError::DoesNotOpen);
            }
            members.push(Member { root, top: sealed });
        }
        Ok(members)
    }

    /// The top key, from the first member that opens it, and why another one does not. What others open must be the same.
    pub(super) fn open(&self, log: LogId, members: &[Member]) -> Result<(Key, Option<AnchorError>), KeyringError> {
        if members.len() != self.0.len() {
            return Err(KeyringError::Members { wanted: members.len(), given: self.0.len() });
        }
        let (mut top, mut refused) = (None, None);
        for (anchor, member) in self.0.iter().zip(members) {
            match (anchor.open(log, member.root, &member.top), &top) {
                (Ok(key), Some(found)) if key != *found => return Err(AnchorError::DoesNotOpen.into()),
                (Ok(key), _) => top = Some(key),
                (Err(error), _) => refused = refused.or(Some(error)),
            }
        }
        match top {
            Some(top) => Ok((top, refused)),
            None => Err(refused.unwrap_or(AnchorError::DoesNotOpen).into()),
        }
    }

    /// A top key that one member sealed under one root.
    pub(super) fn open_sealed(&self, log: LogId, root: u64, sealed: &[u8]) -> Result<Key, AnchorError> {
        let mut refused = AnchorError::DoesNotOpen;
        for anchor in &self.0 {
            match anchor.open(log, root, sealed) {
                Ok(top) => return Ok(top),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Destroys every other root of this log in every member, and sees that they are gone.
    pub(super) fn keep_only(&self, log: LogId, members: &[Member]) -> Result<(), KeyringError> {
        let mut failed = None;
        for (number, (anchor, member)) in self.0.iter().zip(members).enumerate() {
            if let Err(source) = keep_only(anchor.as_ref(), log, member.root) {
                failed = failed.or(Some(KeyringError::RootRemains { member: number + 1, source }));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Destroys the roots from this number on, where an attempt that is given up made them.
    pub(super) fn destroy_from(&self, log: LogId, first: u64) -> Result<(), AnchorError> {
        for anchor in &self.0 {
            for root in anchor.roots(log)?.into_iter().filter(|root| *root >= first) {
                anchor.destroy_root(log, root)?;
            }
        }
        Ok(())
    }
}

fn keep_only(anchor: &dyn Anchor, log: LogId, root: u64) -> Result<(), AnchorError> {
    for other in anchor.roots(log)?.into_iter().filter(|other| *other != root) {
        anchor.destroy_root(log, other)?;
    }
    match anchor.roots(log)?.iter().find(|other| **other != root) {
        Some(&root) => Err(AnchorError::Remains { log, root }),
        None => Ok(()),
    }
}
