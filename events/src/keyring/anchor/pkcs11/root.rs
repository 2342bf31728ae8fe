//! A root as an object in a token: what it is asked to be, what is read back, and where it is found.

use cryptoki::error::Error;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, SessionState};
use domain::id::LogId;

use super::error::TokenError;
use crate::keyring::anchor::{AnchorError, associated};

/// The length of an AES-256 key.
const LENGTH: u64 = 32;

/// The numbers of the roots of a log, as they are found.
pub(super) fn numbers(session: &Session, log: LogId) -> Result<Vec<u64>, AnchorError> {
    let mut numbers = Vec::new();
    for object in search(session, &[Attribute::Label(label(log))])? {
        let id = match session.get_attributes(object, &[AttributeType::Id]).map_err(TokenError::from)?.pop() {
            Some(Attribute::Id(id)) => id,
            _ => Vec::new(),
        };
        let number = id.split_last_chunk().map(|(_, number)| u64::from_be_bytes(*number));
        match number.filter(|number| id == associated(log, *number)) {
            Some(number) => numbers.push(number),
            None => return Err(TokenError::NotHonoured { attribute: AttributeType::Id.to_string() }.into()),
        }
    }
    Ok(numbers)
}

/// The objects that go by this number, whatever they are called.
pub(super) fn found(session: &Session, log: LogId, root: u64) -> Result<Vec<ObjectHandle>, TokenError> {
    search(session, &[Attribute::Id(associated(log, root).into())])
}

/// The one root of this number, which is as it must be.
pub(super) fn the_one(session: &Session, log: LogId, root: u64) -> Result<ObjectHandle, AnchorError> {
    match found(session, log, root)?.as_slice() {
        [] => Err(AnchorError::NoRoot { log, root }),
        [object] => check(session, *object, log, root).map(|()| *object),
        _ => Err(AnchorError::Twice { log, root }),
    }
}

/// Has the token make a root, and reads back what it made.
pub(super) fn make(session: &Session, log: LogId, root: u64) -> Result<(), AnchorError> {
    let mut template = asked(log, root);
    template.push(Attribute::ValueLen(LENGTH.into()));
    let object = session.generate_key(&Mechanism::AesKeyGen, &template).map_err(TokenError::from)?;
    check(session, object, log, root).inspect_err(|_| {
        // It never sealed anything; that it is refused counts, not that it goes.
        let _ = session.destroy_object(object);
    })
}

/// Reads every attribute back that makes it a root.
fn check(session: &Session, object: ObjectHandle, log: LogId, root: u64) -> Result<(), AnchorError> {
    let wanted = said(log, root);
    let types: Vec<AttributeType> = wanted.iter().map(Attribute::attribute_type).collect();
    let found = session.get_attributes(object, &types).map_err(TokenError::from)?;
    match wanted.iter().find(|attribute| !found.contains(attribute)) {
        Some(missing) => Err(TokenError::NotHonoured { attribute: missing.attribute_type().to_string() }.into()),
        None => Ok(()),
    }
}

/// What the token is asked for.
fn asked(log: LogId, root: u64) -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::AES),
        Attribute::Label(label(log)),
        Attribute::Id(associated(log, root).into()),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Copyable(false),
        Attribute::Modifiable(false),
        Attribute::Encrypt(true),
        Attribute::Decrypt(true),
        // What it could do besides would be ways around its end: another key made from it outlives it.
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
        Attribute::Sign(false),
        Attribute::Verify(false),
    ]
}

/// What it must say of the root: also that it was made in there, and was never otherwise.
fn said(log: LogId, root: u64) -> Vec<Attribute> {
    let mut said = asked(log, root);
    said.extend([
        Attribute::ValueLen(LENGTH.into()),
        Attribute::Local(true),
        Attribute::AlwaysSensitive(true),
        Attribute::NeverExtractable(true),
    ]);
    said
}

/// Secret keys of the token. Private objects are not there for a session that somebody logged out, and must not count as
/// gone then.
fn search(session: &Session, by: &[Attribute]) -> Result<Vec<ObjectHandle>, TokenError> {
    let mut template = vec![Attribute::Class(ObjectClass::SECRET_KEY), Attribute::Token(true)];
    template.extend_from_slice(by);
    let found: Result<Vec<ObjectHandle>, Error> = session.find_objects(&template);
    match session.get_session_info()?.session_state() {
        SessionState::RwUser => Ok(found?),
        _ => Err(TokenError::Gone),
    }
}

/// All roots of a log have it in common.
fn label(log: LogId) -> Vec<u8> {
    format!("lethe root of {log}").into_bytes()
}
