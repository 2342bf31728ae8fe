//! A disclosure's way through the app: which streams are a subject's, the file with its opened parts, and the record of it,
//! which is durable before anybody has the file.

use domain::event::{Event, Stream, StreamKind};
use domain::id::{ActorId, CaseId, CommandId, DisclosureId, KeyId, SubjectId};
use domain::subject::{self, Case, Command, Disclosure, Recipient, Rejection};
use domain::time::Day;
use events::evidence::TooMuch;
use events::ledger::{Accepted, Failure as LedgerFailure, Fresh, Refused};
use events::log::Log as _;
use events::record::Record;
use projections::HeldThing;

use super::{App, Envelope, intent};
use crate::error::{Code, Failure};
use crate::evidence::{EvidenceError, OpenedFile};

/// What is to be handed out, and to whom.
#[derive(Clone)]
pub struct Handing {
    /// Whose parts are opened: nobody else's.
    pub subject: SubjectId,
    /// Of which streams; of all that hold data of the subject where none are named.
    pub streams: Vec<Stream>,
    /// The day the copy must be gone.
    pub until: Option<Day>,
    /// Who gets it.
    pub to: Recipient,
}

/// What became of it.
pub struct HandedOut {
    /// Its record.
    pub accepted: Accepted,
    /// What the record says.
    pub disclosure: Disclosure,
    /// The file of that record. None where it was made before and comes out as another one now: what is recorded of a file
    /// is never said of a different one.
    pub file: Option<Vec<u8>>,
}

/// Why nothing is handed out. Nothing was recorded.
#[derive(Debug)]
pub enum DiscloseError {
    /// The ledger said no.
    Refused(Refused<Rejection>),
    /// There is no such stream.
    NoStream(Stream),
    /// Nothing of the subject can be opened in one of the streams that were named.
    Nothing(Stream),
    /// The file would be larger than anybody reads.
    TooMuch(TooMuch),
    /// The machine failed.
    Failed(Failure),
}

impl From<Failure> for DiscloseError {
    fn from(failed: Failure) -> Self {
        Self::Failed(failed)
    }
}

impl From<Refused<Rejection>> for DiscloseError {
    fn from(refused: Refused<Rejection>) -> Self {
        Self::Refused(refused)
    }
}

impl From<EvidenceError> for DiscloseError {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::TooMuch(much) => Self::TooMuch(much),
            EvidenceError::Failed(failed) => Self::Failed(failed),
        }
    }
}

impl App {
    /// The streams of everything that is held about a subject, each once, by what it is held for.
    pub fn streams_of(&self, subject: SubjectId) -> Vec<Stream> {
        let views = self.ledger.views();
        let held = views.subject(subject).map(|held| held.compartments).unwrap_or_default();
        let mut streams = Vec::new();
        for thing in held.iter().flat_map(|compartment| &compartment.things) {
            let stream = stream_of(thing);
            if !streams.contains(&stream) {
                streams.push(stream);
            }
        }
        streams
    }

    /// Whether there is something to hand out, as things are. Writes nothing; blocks.
    pub fn check_disclosure(&self, handing: &Handing) -> Result<(), DiscloseError> {
        self.made(handing, u64::MAX).map(drop)
    }

    /// Makes the file, records its disclosure in the case, and only then returns it. A retry gets the file of the first
    /// time or none. Blocks.
    pub fn disclose(
        &self,
        by: ActorId,
        case: CaseId,
        handing: &Handing,
        envelope: Envelope,
    ) -> Result<HandedOut, DiscloseError> {
        // No fence comes between the opening of a part and the record of it.
        let _one = self.erasing.lock();
        if let Some(disclosure) = envelope.command_id.map(|id| self.disclosed_by(id)).transpose()?.flatten() {
            return self.disclose_again(by, case, handing, envelope, disclosure);
        }
        // What is handed out for good does not wait for the cadence to be signed.
        self.ledger.publish_now().map_err(Failure::internal)?;
        let OpenedFile { bytes, parts, .. } = self.made(handing, u64::MAX)?;
        let mut fresh = Fresh::new();
        let id: DisclosureId = fresh.id().map_err(Failure::internal)?;
        let digest = *blake3::hash(&bytes).as_bytes();
        let disclosure = Disclosure { id, digest, parts, until: handing.until };
        let accepted = self.record_disclosure(by, case, handing, envelope, fresh, disclosure)?;
        Ok(HandedOut { accepted, disclosure, file: Some(bytes) })
    }

    fn disclose_again(
        &self,
        by: ActorId,
        case: CaseId,
        handing: &Handing,
        envelope: Envelope,
        was: Disclosure,
    ) -> Result<HandedOut, DiscloseError> {
        let disclosure = Disclosure { until: handing.until, ..was };
        let accepted = self.record_disclosure(by, case, handing, envelope, Fresh::new(), disclosure)?;
        let file = match self.made(handing, accepted.position) {
            Ok(file) => Some(file.bytes).filter(|bytes| *blake3::hash(bytes).as_bytes() == disclosure.digest),
            Err(DiscloseError::Failed(failed)) => return Err(failed.into()),
            Err(_) => None,
        };
        Ok(HandedOut { accepted, disclosure, file })
    }

    fn record_disclosure(
        &self,
        by: ActorId,
        case: CaseId,
        handing: &Handing,
        envelope: Envelope,
        fresh: Fresh,
        disclosure: Disclosure,
    ) -> Result<Accepted, DiscloseError> {
        let command = Command::Disclose { disclosure, to: handing.to.clone() };
        let disclose = intent::<Case>(by, case.0, command, envelope, fresh).map_err(Failure::from)?;
        Ok(self.ledger.submit_blocking(&disclose)?)
    }

    /// The file, with every live part of the subject opened in it.
    fn made(&self, handing: &Handing, below: u64) -> Result<OpenedFile, DiscloseError> {
        let nothing = || DiscloseError::Refused(Refused::Rejected(Rejection::NothingOpened));
        let all = handing.streams.is_empty();
        let mut streams = if all { self.streams_of(handing.subject) } else { handing.streams.clone() };
        // What began later is not of a file that is made again.
        streams.retain(|stream| !all || self.began(stream).is_some_and(|position| position < below));
        if streams.is_empty() {
            return Err(nothing());
        }
        if let Some(stream) = streams.iter().find(|stream| self.began(stream).is_none()) {
            return Err(DiscloseError::NoStream(*stream));
        }
        let keys: Vec<KeyId> = {
            let owners = self.ledger.owners();
            owners.keys_of(handing.subject).iter().map(|(_, key)| *key).collect()
        };
        let file = self.opened(&streams, &keys, below)?.ok_or_else(nothing)?;
        match file.closed.first() {
            Some(closed) if !all => Err(DiscloseError::Nothing(*closed)),
            _ if file.parts == 0 => Err(nothing()),
            _ => Ok(file),
        }
    }

    /// The position of a stream's first record; none where there is no such stream.
    fn began(&self, stream: &Stream) -> Option<u64> {
        let first = self.ledger.log().read_stream(&stream.id, 0, 1).ok()?.into_iter().next()?;
        let record = Record::parse(&first.record).ok()?;
        (record.stream == *stream).then_some(record.position)
    }

    /// The disclosure that an earlier command with this id recorded; none where there was no such command, or another one.
    fn disclosed_by(&self, command: CommandId) -> Result<Option<Disclosure>, Failure> {
        let Some(placed) = self.ledger.log().command(&command) else { return Ok(None) };
        let entry = self.ledger.log().record(placed.first).map_err(|failed| Failure::new(Code::Damaged, failed))?;
        let Some(entry) = entry else { return Ok(None) };
        let opened = self.ledger.open(&entry).map_err(LedgerFailure::from)?;
        match opened.recorded.event {
            Event::Case(subject::Event::Disclosed { disclosure, .. }) => Ok(Some(disclosure)),
            _ => Ok(None),
        }
    }
}

fn stream_of(thing: &HeldThing<'_>) -> Stream {
    let (kind, id) = match thing {
        HeldThing::Contact(contact) => (StreamKind::Contact, contact.id.0),
        HeldThing::Organization(organization) => (StreamKind::Organization, organization.id.0),
        HeldThing::Consents(consents) => (StreamKind::Consents, consents.id.0),
        HeldThing::Case(case) => (StreamKind::Case, case.id.0),
        HeldThing::Ticket(ticket) => (StreamKind::Ticket, ticket.id.0),
        HeldThing::Quote(quote) => (StreamKind::Quote, quote.id.0),
        HeldThing::Actor(actor) => (StreamKind::Actor, actor.id.0),
        HeldThing::Document(document) => (StreamKind::Document, document.id.0),
    };
    Stream { kind, id }
}
