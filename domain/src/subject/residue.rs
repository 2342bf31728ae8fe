//! A residue: what an erasure does not reach, or not yet. As long as one is open, the certificate is provisional; behind the
//! last one that is closed stands the final one.
//!
//! Codes, counts and days only: who a recipient is, stands under claims where the disclosure is.

use super::{Case, Erasure, Event, Rejection, Stage};
use crate::aggregate::Circumstances;
use crate::code::codes;
use crate::id::{DisclosureId, ErasureId};
use crate::limits::{RESIDUES, RESIDUES_EVER};
use crate::time::Day;

codes! {
    /// What is left somewhere.
    pub enum ResidueKind {
        /// Files with opened values that were handed out; recipients are told of an erasure (Art. 19 GDPR).
        DisclosedOpenings = 1 "DISCLOSED_OPENINGS",
        /// Backups from before the destruction.
        OldBackups = 2 "OLD_BACKUPS",
        /// Images of memory, such as snapshots of virtual machines, that may hold a key.
        MemoryImages = 3 "MEMORY_IMAGES",
        /// Fingerprints of addresses that are kept so that nobody writes there again. They are kept on purpose, and no final
        /// certificate waits for them.
        SuppressionList = 4 "SUPPRESSION_LIST",
        /// Sealed parts that nobody can open any more and that are not overwritten yet.
        SealedParts = 5 "SEALED_PARTS",
    }

    /// How a residue came to its end.
    pub enum ResidueEnd {
        /// Its recipient was told of the erasure (Art. 19 GDPR).
        RecipientTold = 1 "RECIPIENT_TOLD",
        /// To tell its recipient was impossible, or would have been out of proportion (Art. 19 GDPR).
        CannotBeTold = 2 "CANNOT_BE_TOLD",
        /// It was destroyed.
        Destroyed = 3 "DESTROYED",
        /// The last day it was kept is over, by the ledger's clock.
        RanOut = 4 "RAN_OUT",
        /// Every part of it was overwritten, by the ledger itself.
        Swept = 5 "SWEPT",
    }
}

impl ResidueKind {
    /// Whether the final certificate waits for its end.
    pub fn is_waited_for(self) -> bool {
        self != Self::SuppressionList
    }
}

impl ResidueEnd {
    /// Whether a residue of this kind can come to this end.
    pub fn fits(self, kind: ResidueKind) -> bool {
        use ResidueKind::*;
        match self {
            Self::RecipientTold | Self::CannotBeTold => kind == DisclosedOpenings,
            // The ledger itself knows what is on its list, and what is not overwritten.
            Self::Destroyed => !matches!(kind, SealedParts | SuppressionList),
            Self::RanOut => matches!(kind, OldBackups | MemoryImages | SuppressionList),
            Self::Swept => kind == SealedParts,
        }
    }

    /// Whether only the ledger says so, and no person.
    pub fn is_the_ledgers(self) -> bool {
        matches!(self, Self::RanOut | Self::Swept)
    }
}

/// One residue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Residue {
    /// What.
    pub kind: ResidueKind,
    /// How many: files, backups, entries, sealed parts. None where nobody has counted.
    pub count: Option<u32>,
    /// The last day it is kept; none where nobody has said so, and then it stays open until somebody closes it.
    pub until: Option<Day>,
    /// Which disclosure, where it is one.
    pub disclosure: Option<DisclosureId>,
}

/// A residue of an erasure, as far as it has come. Its number is its place among them, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Which.
    pub residue: Residue,
    /// How and on which day it came to its end.
    pub closed: Option<(ResidueEnd, Day)>,
}

/// What the record of a certificate is followed by.
pub(super) fn named_with(erasure: ErasureId, residues: &[Residue]) -> Result<Vec<Event>, Rejection> {
    few(0, residues)?;
    let named = Event::ResiduesNamed { erasure, residues: residues.to_vec() };
    let waits = residues.iter().any(|residue| residue.kind.is_waited_for());
    Ok(std::iter::once(named).chain((!waits).then_some(Event::CertifiedFinally { erasure })).collect())
}

/// What is found later, or was named by nobody.
pub(super) fn name(case: &Case, erasure: ErasureId, residues: &[Residue]) -> Result<Vec<Event>, Rejection> {
    let found = provisional(case, erasure, "given a residue")?;
    if residues.is_empty() && found.residues_named {
        return Err(Rejection::NoResidueNamed);
    }
    few(found.residues.len(), residues)?;
    let waits = residues.iter().any(|residue| residue.kind.is_waited_for()) || is_open(found, None);
    let named = Event::ResiduesNamed { erasure, residues: residues.to_vec() };
    Ok(std::iter::once(named).chain((!waits).then_some(Event::CertifiedFinally { erasure })).collect())
}

/// The end of one; behind the last one stands the final certificate.
pub(super) fn close(
    case: &Case,
    (erasure, number): (ErasureId, u16),
    (end, on): (ResidueEnd, Day),
    when: &Circumstances,
) -> Result<Vec<Event>, Rejection> {
    let found = super::decide::find(case, erasure, &[Stage::Certified], CERTIFIED, "rid of a residue")?;
    let at = usize::from(number).checked_sub(1);
    let standing = at.and_then(|at| found.residues.get(at)).ok_or(Rejection::NoSuchResidue(number))?;
    if let Some((_, on)) = standing.closed {
        return Err(Rejection::ResidueClosed { number, on });
    }
    if found.is_final {
        return Err(Rejection::AlreadyFinal);
    }
    if !end.fits(standing.residue.kind) {
        return Err(Rejection::OtherEnd { kind: standing.residue.kind, end });
    }
    if on > when.now.day() {
        return Err(Rejection::FutureEnd(on));
    }
    if let (ResidueEnd::RanOut, until) = (end, standing.residue.until)
        && until.is_none_or(|until| until >= when.now.day())
    {
        return Err(Rejection::NotRunOut { number, until });
    }
    let closed = Event::ResidueClosed { erasure, number, end, on };
    let last = !is_open(found, at);
    Ok(std::iter::once(closed).chain(last.then_some(Event::CertifiedFinally { erasure })).collect())
}

const CERTIFIED: &str = "certified";

/// Whether the final certificate waits for any but one of them.
fn is_open(erasure: &Erasure, but: Option<usize>) -> bool {
    let open = |(at, standing): (usize, &Standing)| {
        Some(at) != but && standing.closed.is_none() && standing.residue.kind.is_waited_for()
    };
    erasure.residues.iter().enumerate().any(open)
}

fn provisional<'a>(case: &'a Case, erasure: ErasureId, act: &'static str) -> Result<&'a Erasure, Rejection> {
    let found = super::decide::find(case, erasure, &[Stage::Certified], CERTIFIED, act)?;
    if found.is_final { Err(Rejection::AlreadyFinal) } else { Ok(found) }
}

fn few(before: usize, residues: &[Residue]) -> Result<(), Rejection> {
    if residues.len() > RESIDUES || before + residues.len() > RESIDUES_EVER {
        return Err(Rejection::TooManyResidues);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
