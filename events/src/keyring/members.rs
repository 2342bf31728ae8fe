//! The members of an anchor: each holds a root of its own, and under each root the same top key is sealed. Any one of
//! them opens the keyring; a destruction is over when none of them has an older root.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::id::LogId;

use super::{Anchor, AnchorError, Anchors, Identity, Key, KeyringError, Level, MemberStatus, header};

/// What the header says of one member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Member {
    /// The number of its root.
    pub(super) root: u64,
    /// Who it is.
    pub(super) identity: Identity,
    /// The top key, as it sealed it.
    pub(super) top: Vec<u8>,
}

/// The anchors.
#[derive(Clone)]
pub(super) struct Members {
    /// In the order of the header.
    named: Vec<Arc<dyn Anchor>>,
    /// Those that a move leaves, or did not reach: they are to hold no root of this log.
    left: Vec<Arc<dyn Anchor>>,
}

impl Members {
    pub(super) fn new(anchors: Vec<Box<dyn Anchor>>) -> Result<Self, KeyringError> {
        check(&anchors)?;
        Ok(Self { named: anchors.into_iter().map(Arc::from).collect(), left: Vec::new() })
    }

    /// Those of two anchors, as far as they are different ones: more than one anchor has.
    pub(super) fn all_of(anchors: Vec<Box<dyn Anchor>>) -> Self {
        Self { named: anchors.into_iter().map(Arc::from).collect(), left: Vec::new() }
    }

    /// The members, and those of a move that may not be over.
    pub(super) fn of(anchors: Anchors) -> Result<(Self, Option<Self>), KeyringError> {
        let moving = if anchors.moving.is_empty() { None } else { Some(Self::new(anchors.moving)?) };
        Ok((Self::new(anchors.members)?, moving))
    }

    /// Those that a header names, in its order. What else is given must be one that a move was to reach, or leave.
    pub(super) fn named_by(&self, header: &[Member], moving: Option<&Self>) -> Result<Self, KeyringError> {
        let mut given = self.named.clone();
        for other in moving.iter().flat_map(|moving| &moving.named) {
            if given.iter().all(|anchor| anchor.identity() != other.identity()) {
                given.push(other.clone());
            }
        }
        let mut named = Vec::with_capacity(header.len());
        let mut missing = None;
        for (number, member) in (1..).zip(header) {
            match given.iter().position(|anchor| anchor.identity() == member.identity) {
                Some(at) => named.push(given.remove(at)),
                None => missing = missing.or(Some((number, member.identity.clone()))),
            }
        }
        let strange = given.first().map(|anchor| anchor.identity());
        match (missing, strange, moving) {
            (Some((member, identity)), instead, _) => Err(KeyringError::MissingMember { member, identity, instead }),
            (None, Some(identity), None) => Err(KeyringError::StrangeMember { identity }),
            _ => Ok(Self { named, left: given }),
        }
    }

    /// Those of a move: before its commit, and behind it.
    pub(super) fn moving_to(&self, to: &Self) -> (Self, Self) {
        let without = |these: &[Arc<dyn Anchor>], those: &[Arc<dyn Anchor>]| {
            let is_in = |anchor: &Arc<dyn Anchor>| those.iter().any(|other| other.identity() == anchor.identity());
            these.iter().filter(|anchor| !is_in(anchor)).cloned().collect()
        };
        let before = Self { named: self.named.clone(), left: without(&to.named, &self.named) };
        (before, Self { named: to.named.clone(), left: without(&self.named, &to.named) })
    }

    /// What a destruction is worth now: as much as at the member that gives least. A declaration may raise it.
    pub(super) fn level(&self) -> Level {
        self.named.iter().map(|anchor| anchor.level()).min().unwrap_or(Level::A0)
    }

    /// Takes over what is declared about one of the members.
    pub(super) fn declare(&self, declared: &super::Declared) -> Result<Level, AnchorError> {
        let mut refused = None;
        for anchor in &self.named {
            match anchor.declare(declared) {
                Ok(_) if anchor.describe().serial.as_deref() == Some(&declared.serial) => return Ok(self.level()),
                Ok(_) => {}
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or(AnchorError::NoDevice { declared: declared.serial.clone() }))
    }

    /// What each is, and which roots it holds.
    pub(super) fn status(&self, log: LogId) -> Vec<MemberStatus> {
        let of = |anchor: &Arc<dyn Anchor>| MemberStatus {
            identity: anchor.identity(),
            description: anchor.describe(),
            roots: anchor.roots(log),
        };
        self.named.iter().map(of).collect()
    }

    #[cfg(test)]
    pub(super) fn anchors(&self) -> &[Arc<dyn Anchor>] {
        &self.named
    }

    /// The highest number of a root of this log. A member that cannot be reached is passed over.
    pub(super) fn highest_reached(&self, log: LogId) -> Option<u64> {
        self.all().filter_map(|anchor| anchor.roots(log).ok()).flatten().max()
    }

    /// The same, of every member.
    pub(super) fn highest(&self, log: LogId) -> Result<Option<u64>, KeyringError> {
        let mut highest = None;
        for (number, anchor) in (1..).zip(self.all()) {
            let roots = anchor.roots(log).map_err(|source| of_member(number, anchor.as_ref(), source))?;
            highest = highest.max(roots.last().copied());
        }
        Ok(highest)
    }

    /// Makes a root in every member, seals the top key under each, and sees that it opens again.
    pub(super) fn renew(&self, log: LogId, root: u64, top: &Key) -> Result<Vec<Member>, KeyringError> {
        let mut members = Vec::with_capacity(self.named.len());
        for (number, anchor) in (1..).zip(&self.named) {
            let sealed = renew(anchor.as_ref(), log, root, top);
            let top = sealed.map_err(|source| of_member(number, anchor.as_ref(), source))?;
            members.push(Member { root, identity: anchor.identity(), top });
        }
        Ok(members)
    }

    /// The top key, from the first member that opens it, and why another one does not: one that is there and knows nothing
    /// says more than one that is away. What others open must be the same.
    pub(super) fn open(&self, log: LogId, members: &[Member]) -> Result<(Key, Option<AnchorError>), KeyringError> {
        let (mut top, mut refused) = (None, None);
        for (anchor, member) in self.named.iter().zip(members) {
            match (anchor.open(log, member.root, &member.top), &top) {
                (Ok(key), Some(found)) if key != *found => return Err(AnchorError::DoesNotOpen.into()),
                (Ok(key), _) => top = Some(key),
                (Err(error), _) if error.knows_nothing() => refused = Some(error),
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
        for anchor in &self.named {
            match anchor.open(log, root, sealed) {
                Ok(top) => return Ok(top),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Destroys every other root of this log in every member, and all of them where a move left, and sees that they are
    /// gone.
    ///
    /// Where something is `due`, that there is no other root is seen in the member itself.
    pub(super) fn keep_only(&self, log: LogId, members: &[Member], due: bool) -> Result<(), KeyringError> {
        let kept = self.named.iter().zip(members.iter().map(|member| Some(member.root)));
        Self::keep(log, kept.chain(self.left.iter().map(|anchor| (anchor, None))), due)
    }

    /// Destroys every root of this log in every member, and sees that they are gone.
    pub(super) fn keep_none(&self, log: LogId) -> Result<(), KeyringError> {
        Self::keep(log, self.all().map(|anchor| (anchor, None)), true)
    }

    fn keep<'a>(
        log: LogId,
        kept: impl Iterator<Item = (&'a Arc<dyn Anchor>, Option<u64>)>,
        due: bool,
    ) -> Result<(), KeyringError> {
        let mut failed = None;
        for (number, (anchor, root)) in (1..).zip(kept) {
            if let Err(source) = keep_only(anchor.as_ref(), log, root, due) {
                let identity = anchor.identity();
                failed = failed.or(Some(KeyringError::RootRemains { member: number, identity, source }));
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn Anchor>> {
        self.named.iter().chain(&self.left)
    }
}

/// Whether these can be the members of one anchor: not too many, and none of them twice, which would lose its root with itself.
pub(super) fn check(anchors: &[Box<dyn Anchor>]) -> Result<(), KeyringError> {
    let given = anchors.len();
    if anchors.is_empty() || given > header::MOST_MEMBERS {
        return Err(KeyringError::Members { most: header::MOST_MEMBERS, given });
    }
    let mut seen = BTreeSet::new();
    match anchors.iter().map(|anchor| anchor.identity()).find(|identity| !seen.insert(identity.clone())) {
        Some(identity) => Err(KeyringError::SameMember { identity }),
        None => Ok(()),
    }
}

fn of_member(member: usize, anchor: &dyn Anchor, source: AnchorError) -> KeyringError {
    KeyringError::Member { member, identity: anchor.identity(), source }
}

fn renew(anchor: &dyn Anchor, log: LogId, root: u64, top: &Key) -> Result<Vec<u8>, AnchorError> {
    anchor.create_root(log, root)?;
    let sealed = anchor.seal(log, root, top)?;
    match sealed.len() <= 1024 && anchor.open(log, root, &sealed)? == *top {
        true => Ok(sealed),
        false => Err(AnchorError::DoesNotOpen),
    }
}

fn keep_only(anchor: &dyn Anchor, log: LogId, kept: Option<u64>, due: bool) -> Result<(), AnchorError> {
    let before = if due { anchor.roots_anew(log)? } else { anchor.roots(log)? };
    for other in before.into_iter().filter(|other| Some(*other) != kept) {
        anchor.destroy_root(log, other)?;
    }
    match anchor.roots(log)?.iter().find(|other| Some(**other) != kept) {
        Some(&root) => Err(AnchorError::Remains { log, root }),
        None => Ok(()),
    }
}
