//! Whom an erasure or a hold is about, by the ids that a client names.

use async_graphql::ID;
use domain::id::{CaseId, ContactId, ErasureId, OrganizationId, SubjectId};
use domain::limits::PEOPLE;
use domain::personal::Gone;
use domain::subject::{Rejection, SubjectKind};

use super::organization_of;
use crate::app::{App, Person, Whose};
use crate::error::Failure;
use crate::graphql::outcome::{ErrorCode, No, Problems, UserError};

/// The case of an erasure.
pub(in crate::graphql) fn standing(app: &App, text: &str) -> Result<(CaseId, ErasureId), No> {
    let id: ErasureId = text.parse().map_err(|wrong| UserError::at(&["erasureId"], wrong))?;
    let case = app.ledger().views().erasure(id).map(|erasure| erasure.facts.case);
    let nobody = || UserError {
        path: vec!["erasureId".into()],
        ..UserError::new(ErrorCode::NotFound, "there is no such erasure")
    };
    Ok((case.ok_or_else(nobody)?, id))
}

/// Whose, by exactly one id.
pub(in crate::graphql) fn whose(
    contact: Option<&ID>,
    organization: Option<&ID>,
    actor: Option<&ID>,
) -> Result<Whose, UserError> {
    match (contact, organization, actor) {
        (Some(id), None, None) => id.parse().map(Whose::Contact).map_err(|wrong| UserError::at(&["contactId"], wrong)),
        (None, Some(id), None) => {
            id.parse().map(Whose::Organization).map_err(|wrong| UserError::at(&["organizationId"], wrong))
        }
        (None, None, Some(id)) => id.parse().map(Whose::Actor).map_err(|wrong| UserError::at(&["actorId"], wrong)),
        _ => Err(UserError::new(ErrorCode::Validation, "name exactly one contact, organization or actor")),
    }
}

/// The subject, or why nothing can be said of it any more; `path` is the field that names it.
pub(in crate::graphql) fn known(app: &App, whose: Whose, path: &[&str]) -> Result<(SubjectId, SubjectKind), No> {
    let noun = match whose {
        Whose::Contact(_) => "contact",
        Whose::Organization(_) => "organization",
        Whose::Actor(_) => "actor",
    };
    let (code, words) = match app.person(whose)? {
        Person::Known(subject, kind) => return Ok((subject, kind)),
        Person::Unknown => (ErrorCode::NotFound, format!("there is no such {noun}")),
        Person::Gone(Gone::Erased) => (ErrorCode::Erased, format!("this {noun} was erased")),
        Person::Gone(Gone::Lost) => (ErrorCode::Lost, format!("the key of this {noun} was lost")),
        Person::Gone(Gone::Withheld) => (ErrorCode::Fenced, format!("an erasure of this {noun} was approved")),
    };
    Err(UserError { code, ..UserError::at(path, words) }.into())
}

/// The ids by which somebody may be named, of which exactly one is given.
pub(in crate::graphql) struct Named<'a> {
    pub contact: Option<&'a ID>,
    pub organization: Option<&'a ID>,
    pub actor: Option<&'a ID>,
    pub subject: Option<&'a ID>,
}

/// Whose data it is, by a node or by the subject's own id.
pub(in crate::graphql) fn named(app: &App, ids: &Named<'_>) -> Result<(SubjectId, SubjectKind), No> {
    let Named { contact, organization, actor, subject } = *ids;
    let Some(id) = subject else {
        let whose = whose(contact, organization, actor)?;
        return known(app, whose, &[field(whose)]);
    };
    if contact.is_some() || organization.is_some() || actor.is_some() {
        let words = "name exactly one contact, organization, actor or subject";
        return Err(UserError::new(ErrorCode::Validation, words).into());
    }
    let at = |code, words: String| UserError { code, ..UserError::at(&["subjectId"], words) };
    let subject: SubjectId = id.parse().map_err(|wrong| at(ErrorCode::Validation, format!("{wrong}")))?;
    if app.ledger().views().subject(subject).is_none() {
        return Err(at(ErrorCode::NotFound, "nothing is held of this subject, or not any more".into()).into());
    }
    let organization = organization_of(app, subject).is_some();
    Ok((subject, if organization { SubjectKind::Organization } else { SubjectKind::Person }))
}

/// The field that names whose it is.
pub(in crate::graphql) fn field(whose: Whose) -> &'static str {
    match whose {
        Whose::Contact(_) => "contactId",
        Whose::Organization(_) => "organizationId",
        Whose::Actor(_) => "actorId",
    }
}

/// The subjects of the people who go with an organization, each once. They must work for it, unless a retry says again who
/// did so once.
pub(in crate::graphql) fn people(
    app: &App,
    whose: Whose,
    ids: &[ID],
    is_retry: bool,
    problems: &mut Problems,
) -> Result<Vec<SubjectId>, Failure> {
    const PATH: &[&str] = &["people"];
    let Whose::Organization(organization) = whose else {
        if !ids.is_empty() {
            problems.note(PATH, Rejection::PeopleOfAPerson);
        }
        return Ok(Vec::new());
    };
    let mut people = Vec::with_capacity(ids.len());
    for (number, text) in ids.iter().enumerate() {
        let path = &["people", &number.to_string()];
        let id: ContactId = match text.parse() {
            Ok(id) => id,
            Err(wrong) => {
                problems.note(path, wrong);
                continue;
            }
        };
        let Some((subject, _)) = problems.found(known(app, Whose::Contact(id), path))? else { continue };
        if !is_retry && !works_for(app, id, organization) {
            problems.note(path, "this contact does not work for this organization");
        } else if !people.contains(&subject) {
            people.push(subject);
        }
    }
    if people.len() > PEOPLE {
        problems.note(PATH, Rejection::TooManyPeople(PEOPLE));
    }
    Ok(people)
}

fn works_for(app: &App, contact: ContactId, organization: OrganizationId) -> bool {
    let views = app.ledger().views();
    views.contact(contact).and_then(|contact| contact.sheet?.organization()) == Some(organization)
}
