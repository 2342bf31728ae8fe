//! The person whose consents they are: found by any of their contacts, and written to in one stream.

use std::sync::Arc;

use domain::compartment::Compartment;
use domain::consent::{self, Fact, Rejection, Scope};
use domain::contact;
use domain::id::{ConsentsId, ContactId, PointId, SubjectId};
use domain::owner::Owner;
use domain::personal::Gone;
use events::ledger::Fresh;

use super::super::outcome::{ErrorCode, Kind, No, UserError};
use super::question::known_purpose;
use crate::app::{App, Envelope};
use crate::error::Failure;

/// The person behind a contact, with the contact's stream as it was read.
pub(super) struct Person {
    pub(super) contact: ContactId,
    pub(super) subject: SubjectId,
    pub(super) count: u64,
    pub(super) state: Arc<contact::Contact>,
}

impl Person {
    pub(super) fn find(app: &App, contact: ContactId) -> Result<Self, No> {
        let (count, state) = app.ledger().state::<contact::Contact>(&contact.0).map_err(Failure::from)?;
        match state.owner() {
            Owner::Subject(subject) => Ok(Self { contact, subject, count, state }),
            Owner::Nobody => Err(not_found("contactId", "there is no such contact")),
            Owner::Gone(gone) => Err(no_more(gone)),
        }
    }

    /// The stream of the person's consents: the one there is; or a new one, if nobody has begun another when it is written,
    /// which would have given the person a key for proofs of consent. Nothing while somebody is beginning one.
    pub(super) fn consents(
        &self,
        app: &App,
        fresh: &mut Fresh,
        envelope: &mut Envelope,
    ) -> Result<Option<ConsentsId>, No> {
        let owners = app.ledger().owners();
        let keys = owners.keys_of(self.subject).to_vec();
        let begun = keys.iter().find(|(compartment, _)| *compartment == Compartment::ConsentProof);
        if begun.is_some_and(|(_, key)| owners.is_fenced(key)) {
            return Err(no_more(Gone::Withheld));
        }
        drop(owners);
        if let Some(known) = app.ledger().views().consents_of(self.contact) {
            return Ok(Some(known.id));
        }
        if begun.is_some() {
            return Ok(None);
        }
        envelope.keys.push((self.subject, keys));
        Ok(Some(fresh.id().map_err(Failure::internal)?))
    }

    pub(super) fn known_point(&self, point: PointId) -> Result<(), No> {
        if self.state.points().get(point).is_none() {
            return Err(not_found("pointId", "the contact has no such contact point"));
        }
        Ok(())
    }

    /// A scope of what the register and the contact know: it becomes a fact that everybody reads.
    pub(super) fn scope(&self, app: &App, scope: &Scope) -> Result<Scope, No> {
        scope.purpose.iter().try_for_each(|purpose| known_purpose(app, purpose))?;
        scope.point.iter().try_for_each(|point| self.known_point(*point))?;
        Ok(scope.clone())
    }
}

/// Under which contact a code was asked for.
pub(super) fn asked_under(app: &App, code_hash: &[u8; 32]) -> Result<ContactId, No> {
    let unknown = || UserError { code: ErrorCode::NotFound, ..UserError::at(&["code"], Rejection::CodeUnknown) };
    let id = app.ledger().views().consents_of_code(code_hash).ok_or_else(unknown)?;
    let (_, state) = app.ledger().state::<consent::Consents>(&id.0).map_err(Failure::from)?;
    if let Owner::Gone(gone) = state.person() {
        return Err(no_more(gone));
    }
    let about = state.requested(code_hash).ok_or_else(unknown)?;
    let found = app.ledger().views().consents(id).ok_or_else(unknown)?;
    // A point is of one contact, so every request about it was made under that contact.
    let asked = |entry: &&consent::Entry| matches!(&entry.fact, Fact::Requested { about: of, .. } if of == about);
    let contact = found.trail.entries().iter().filter(asked).find_map(|entry| found.notes.get(&entry.position));
    contact.map(|note| note.contact).ok_or_else(|| no_more(Gone::Withheld))
}

pub(super) fn not_found(field: &str, message: &str) -> No {
    UserError { code: ErrorCode::NotFound, ..UserError::at(&[field], message) }.into()
}

fn no_more(gone: Gone) -> No {
    let rejection = match gone {
        Gone::Erased => Rejection::Erased,
        Gone::Withheld => Rejection::Withheld,
        Gone::Lost => Rejection::Lost,
    };
    UserError::new(rejection.kind(), rejection).into()
}

impl Kind for Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::Erased => ErrorCode::Erased,
            Self::Lost => ErrorCode::Lost,
            Self::Withheld => ErrorCode::Fenced,
            Self::NoSuchPoint | Self::CodeUnknown => ErrorCode::NotFound,
            Self::CodeUsed => ErrorCode::CodeUsed,
            Self::CodeExpired(_) => ErrorCode::CodeExpired,
            Self::CodeOverruled => ErrorCode::CodeOverruled,
            Self::AnotherPerson | Self::CodeNotFresh | Self::TooManyRequests => ErrorCode::Conflict,
            Self::PurposeRetired(_)
            | Self::NeedsNoConsent(..)
            | Self::ChannelNotUsed { .. }
            | Self::NoNotice
            | Self::NoticeOfAnotherPurpose(_)
            | Self::BeforeTheNotice(_)
            | Self::AlreadyOver(_)
            | Self::CodeDays
            | Self::MethodCode
            | Self::MethodFlag => ErrorCode::Validation,
        }
    }

    fn path(&self) -> Vec<String> {
        if let Self::BeforeTheNotice(_) = self { vec!["effectiveAt".into()] } else { Vec::new() }
    }
}
