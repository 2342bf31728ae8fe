//! From stored bytes to facts: every part is opened with the key it names, or there is a reason why not.

use domain::event::Recorded;
use domain::id::KeyId;
use domain::personal::{Gone, Held};

use super::moves::Led;
use super::owners::Owned;
use crate::bytes::Malformed;
use crate::keyring::{KeyState, Keyring};
use crate::log::{Entry, LogError, Part, PartBytes, PartPlace};
use crate::record::{FORMAT_VERSION, PartRef, Record};
use crate::seal::{self, Binding, Leaf, OpenError, open};
use crate::wire::{self, HeldFields, WireError};

/// A record that cannot be read as what it was. Never an erasure: that is an answer, not an error.
#[derive(Debug, thiserror::Error)]
#[error("record {position}: {fault}")]
pub struct Unreadable {
    /// Where.
    pub position: u64,
    /// Why.
    pub fault: Fault,
}

/// What can be wrong with a record or its parts.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The bytes are no record.
    #[error("its bytes are not a record: {0}")]
    Malformed(#[from] Malformed),
    /// The stored form is not known, or its bytes are not.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The record names parts that are not beside it, or other ones.
    #[error("the sealed parts beside it are not the ones it names")]
    Parts,
    /// The key is live, but the part is not there or its bytes are others.
    #[error("sealed part {part} is damaged: {cause}")]
    Damaged {
        /// Which.
        part: usize,
        /// What was found.
        cause: &'static str,
    },
    /// The key is live, but the part does not open under it.
    #[error("sealed part {part} is damaged: {cause}")]
    Sealed {
        /// Which.
        part: usize,
        /// What was found.
        cause: OpenError,
    },
    /// Nobody knows this key.
    #[error(
        "the keyring does not know {0}: the key is lost. Put the newest keyring back; where there is no newer one, \
         `lethe keyring declare-lost` lets the log go on without what the key sealed"
    )]
    Lost(KeyId),
    /// The log did not give the record.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A record with all that could be opened, and whose its parts are.
pub struct Opened {
    /// The fact and its place.
    pub recorded: Recorded,
    /// The owners of the parts that opened.
    pub owned: Vec<Owned>,
    /// The keys that it names.
    pub keys: Vec<KeyId>,
}

/// What is known about each key.
pub(crate) type States<'a> = dyn Fn(&KeyId) -> KeyState + 'a;

/// Opens what an entry holds. A part that was resealed is opened where it was first, for as long as its key lives: whoever has
/// a ledger asks [`Ledger::open`](super::Ledger::open).
pub fn open_entry(entry: &Entry, keyring: &Keyring) -> Result<Opened, Unreadable> {
    open_entry_by(entry, &|key| keyring.state(key), None)
}

/// The same, by what somebody says of each key, and of where its parts are.
pub(crate) fn open_entry_by(entry: &Entry, state: &States<'_>, moved: Option<&Led<'_>>) -> Result<Opened, Unreadable> {
    let record = Record::parse(&entry.record).map_err(|bad| Unreadable { position: u64::MAX, fault: bad.into() })?;
    let position = record.position;
    read(&record, entry, state, moved).map_err(|fault| Unreadable { position, fault })
}

/// What only moves parts of other records shows nothing of its own.
const RESEALED: &str = "case.resealed";

/// The leaves of each part of an entry that is under a wanted key, all of them shown that are there; nothing for a part whose
/// key is gone or not wanted, which is not opened. Handing them out is a disclosure.
pub(crate) fn disclose(
    entry: &Entry,
    state: &States<'_>,
    moved: Option<&Led<'_>>,
    wanted: impl Fn(&KeyId) -> bool,
) -> Result<Vec<Option<Vec<Leaf>>>, Unreadable> {
    let record = Record::parse(&entry.record).map_err(|bad| Unreadable { position: u64::MAX, fault: bad.into() })?;
    let fail = |fault| Unreadable { position: record.position, fault };
    if record.personal.len() != entry.parts.len() {
        return Err(fail(Fault::Parts));
    }
    let parts = record.personal.iter().zip(&entry.parts).enumerate().map(|(number, (part, stored))| {
        let (key, opened) = match lead(&record, number, part, state, moved).map_err(fail)? {
            Some(found) => found,
            None if wanted(&part.key) => (part.key, unseal(&record, number, part, stored, state).map_err(fail)?),
            None => return Ok(None),
        };
        Ok(opened.ok().filter(|_| wanted(&key) && record.kind != RESEALED).map(|opened| opened.disclose(|_| true)))
    });
    parts.collect()
}

fn read(record: &Record<'_>, entry: &Entry, state: &States<'_>, moved: Option<&Led<'_>>) -> Result<Opened, Fault> {
    if record.personal.len() != entry.parts.len() {
        return Err(Fault::Parts);
    }
    let mut owned = Vec::with_capacity(record.personal.len());
    let mut parts = Vec::with_capacity(record.personal.len());
    for (number, (part, stored)) in record.personal.iter().zip(&entry.parts).enumerate() {
        let (key, opened) = match lead(record, number, part, state, moved)? {
            Some(found) => found,
            None => (part.key, unseal(record, number, part, stored, state)?),
        };
        let fields = opened.map_or_else(Held::Gone, held);
        if let Held::Here(personal) = &fields {
            owned.push(Owned { subject: personal.subject(), compartment: personal.compartment(), key });
        }
        parts.push(fields);
    }
    let event = wire::read(record.kind, record.version, record.facts, parts)?;
    let keys = record.personal.iter().map(|part| part.key).collect();
    Ok(Opened { recorded: Recorded { place: record.place(entry.hash), event }, owned, keys })
}

fn held(opened: seal::Opened) -> HeldFields {
    let mut plain = opened.plain;
    Held::new(plain.subject, plain.compartment, std::mem::take(&mut plain.fields))
}

/// A part that was moved, and the key it is under by now.
type Moved = Option<(KeyId, Result<seal::Opened, Gone>)>;

/// What a part says where it was moved to, if it was. It has the commitment that its record has.
fn lead(
    record: &Record<'_>,
    number: usize,
    part: &PartRef,
    state: &States<'_>,
    moved: Option<&Led<'_>>,
) -> Result<Moved, Fault> {
    let origin = PartPlace { position: record.position, part: u16::try_from(number).unwrap_or(u16::MAX) };
    let Some(led) = moved.map(|moved| moved.to(&origin)).transpose()?.flatten() else { return Ok(None) };
    let (entry, number) = match led {
        Ok(led) => led,
        Err(gone) => return Ok(Some((part.key, Err(gone)))),
    };
    let (there, number) = (Record::parse(&entry.record)?, usize::from(number));
    let (Some(found), Some(stored)) = (there.personal.get(number), entry.parts.get(number)) else {
        return Err(Fault::Parts);
    };
    if found.commitment != part.commitment || found.compartment != part.compartment {
        return Err(Fault::Parts);
    }
    Ok(Some((found.key, unseal(&there, number, found, stored, state)?)))
}

/// The part with its salts, or why it is gone.
pub(super) fn unseal(
    record: &Record<'_>,
    number: usize,
    part: &PartRef,
    stored: &Part,
    state: &States<'_>,
) -> Result<Result<seal::Opened, Gone>, Fault> {
    if stored.key != part.key {
        return Err(Fault::Parts);
    }
    let key = match state(&part.key) {
        KeyState::Live(key) => key,
        KeyState::Erased { .. } => return Ok(Err(Gone::Erased)),
        KeyState::Fenced => return Ok(Err(Gone::Withheld)),
        KeyState::Lost => return Ok(Err(Gone::Lost)),
        KeyState::Retired | KeyState::NeverHad => return Err(Fault::Lost(part.key)),
    };
    let bytes = match &stored.bytes {
        PartBytes::Present(bytes) => bytes,
        PartBytes::Swept { .. } => return Err(Fault::Damaged { part: number, cause: "it is not there" }),
        PartBytes::Damaged { .. } => {
            return Err(Fault::Damaged { part: number, cause: "its bytes are not those written" });
        }
    };
    let binding = Binding {
        format: FORMAT_VERSION,
        // The generation that sealed it, which may not be the one that reads it.
        log: record.log,
        stream: record.stream,
        revision: record.revision,
        kind: record.kind,
        schema: record.version,
        part: u8::try_from(number).unwrap_or(u8::MAX),
        key: part.key,
    };
    let opened =
        open(bytes, &key, &binding, &part.commitment).map_err(|cause| Fault::Sealed { part: number, cause })?;
    if opened.plain.compartment != part.compartment {
        return Err(Fault::Parts);
    }
    Ok(Ok(opened))
}
