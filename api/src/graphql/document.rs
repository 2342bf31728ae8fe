//! Documents: files that hang on a contact or a ticket, each under a key of its own.

use async_graphql::{Context, ID, InputObject, Object};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::compartment::Compartment;
use domain::document::{self, Command, File, On};
use domain::event::{Event, Stream, StreamKind};
use domain::id::{CommandId as Id, DocumentId};
use domain::limits::DOCUMENTS;
use domain::personal::Held;
use domain::subject::Rejection;
use domain::subject::redaction::NotRedacted;
use domain::value::Line;
use events::ledger::{Accepted, Failure as LedgerFailure, Fresh};
use events::log::Log as _;
use projections::{DocumentFacts, DocumentSheet};

use super::outcome::{Ask, ErrorCode, Kind, No, Problems, UserError, bad_request, envelope, payload};
use super::redaction::{self, BinMark, RedactionMark, RedactionPayload};
use super::scalars::{CommandId, Time};
use super::values::ErasureMark;
use crate::app::App;
use crate::error::{Code, Failure};

/// One document without its bytes, as the views had it when it was asked for.
pub struct Document {
    id: DocumentId,
    facts: DocumentFacts,
    sheet: Option<DocumentSheet>,
}

impl Document {
    fn find(app: &App, id: DocumentId) -> Option<Self> {
        app.ledger().views().document(id).map(Self::from)
    }

    fn stream(&self) -> Stream {
        Stream { kind: StreamKind::Document, id: self.id.0 }
    }
}

impl From<projections::Document<'_>> for Document {
    fn from(document: projections::Document<'_>) -> Self {
        Self { id: document.id, facts: *document.facts, sheet: document.sheet.cloned() }
    }
}

/// A document. All of it is null once it is redacted, or its person erased, and `erasure` says why.
#[Object]
impl Document {
    /// `document_…`
    async fn id(&self) -> ID {
        ID(self.id.to_string())
    }
    /// Its file name.
    async fn name(&self) -> Option<&str> {
        self.sheet.as_ref().map(|sheet| sheet.name.as_str())
    }
    /// Its media type, as it was given. Nobody has looked into it: it is a file, and never a page to be shown.
    async fn media_type(&self) -> Option<&str> {
        self.sheet.as_ref().map(|sheet| sheet.media_type.as_str())
    }
    /// How many bytes it has.
    async fn size(&self) -> Option<usize> {
        self.sheet.as_ref().map(|sheet| sheet.size)
    }
    /// Its bytes, in base64.
    async fn content(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<String>> {
        self.sheet.as_ref()?;
        let app = match ctx.app() {
            Ok(app) => app.clone(),
            Err(no) => return Some(Err(no)),
        };
        let position = self.facts.position;
        let read = tokio::task::spawn_blocking(move || content(&app, position)).await;
        match read {
            Ok(read) => read.map_err(Into::into).transpose(),
            Err(_) => Some(Err(Failure::internal("a thread that reads a document failed").into())),
        }
    }
    /// The contact it hangs on.
    async fn contact_id(&self) -> Option<ID> {
        match self.sheet.as_ref()?.on {
            On::Contact(contact) => Some(ID(contact.to_string())),
            On::Ticket(_) => None,
        }
    }
    /// The ticket it hangs on.
    async fn ticket_id(&self) -> Option<ID> {
        match self.sheet.as_ref()?.on {
            On::Ticket(ticket) => Some(ID(ticket.to_string())),
            On::Contact(_) => None,
        }
    }
    async fn attached_at(&self) -> Time {
        Time(self.facts.attached_at)
    }
    /// Who attached it.
    async fn by(&self) -> ID {
        ID(self.facts.actor.to_string())
    }
    /// Why it cannot be read, when it cannot.
    async fn erasure(&self, ctx: &Context<'_>) -> Option<async_graphql::Result<ErasureMark>> {
        if self.sheet.is_some() {
            return None;
        }
        let mark = ctx.app().and_then(|app| app.erasure_of(&self.id.0).map_err(Into::into));
        mark.transpose()
    }
    /// What was redacted of it, and what waits for that, while it can be read.
    async fn redactions(&self, ctx: &Context<'_>) -> async_graphql::Result<Vec<RedactionMark>> {
        Ok(redaction::marks(ctx.app()?, self.stream()))
    }
    /// That it lies in the recycle bin, when it does.
    async fn bin(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<BinMark>> {
        Ok(redaction::bin(ctx.app()?, self.stream()))
    }
}

/// The bytes, read from the log with whatever keys live.
fn content(app: &App, position: u64) -> Result<Option<String>, Failure> {
    let entry = app.ledger().log().record(position).map_err(|failed| Failure::new(Code::Damaged, failed))?;
    let Some(entry) = entry else { return Ok(None) };
    let opened = app.ledger().open(&entry).map_err(LedgerFailure::from)?;
    Ok(match opened.recorded.event {
        Event::Document(document::Event::Attached { file: Held::Here(file) }) => {
            Some(BASE64.encode(&file.expose().bytes))
        }
        _ => None,
    })
}

payload! {
    /// What became of a document.
    DocumentPayload { document: Document }
}

/// A file that hangs on a contact or on a ticket: exactly one of the two.
#[derive(InputObject)]
pub struct AttachDocumentInput {
    pub contact_id: Option<ID>,
    pub ticket_id: Option<ID>,
    /// Its file name.
    pub name: String,
    /// Its media type: `application/pdf`.
    pub media_type: String,
    /// Its bytes in base64; at most 48,000 of them.
    pub content: String,
    pub command_id: Option<CommandId>,
}

/// A document that goes for good.
#[derive(InputObject)]
pub struct RedactDocumentInput {
    pub document_id: ID,
    /// Why, in words. Sealed.
    pub words: Option<String>,
    pub command_id: Option<CommandId>,
}

/// The mutations of documents.
#[derive(Default)]
pub struct DocumentMutation;

#[Object]
impl DocumentMutation {
    /// A file comes in. It is sealed under a key of its own.
    async fn attach_document(
        &self,
        ctx: &Context<'_>,
        input: AttachDocumentInput,
    ) -> async_graphql::Result<DocumentPayload> {
        DocumentPayload::of(attach(ctx, input).await)
    }

    /// Somebody asks that a document goes for good. `approveRedaction` by a DPO destroys its key, and nothing is sealed anew.
    async fn redact_document(
        &self,
        ctx: &Context<'_>,
        input: RedactDocumentInput,
    ) -> async_graphql::Result<RedactionPayload> {
        RedactionPayload::of(redaction::of_document(ctx, input).await)
    }
}

async fn attach(ctx: &Context<'_>, input: AttachDocumentInput) -> Result<(Document, Accepted), No> {
    let (app, viewer) = ctx.may("attachDocument")?;
    let mut problems = Problems::default();
    let on = on(input.contact_id.as_ref(), input.ticket_id.as_ref());
    let on = on.map_err(|(path, words)| problems.note(&[path], words)).ok();
    let name = problems.take(&["name"], Line::parse(&input.name));
    let media_type = problems.take(&["mediaType"], Line::parse(&input.media_type));
    let bytes = BASE64.decode(input.content.as_bytes());
    let bytes = bytes.map_err(|wrong| problems.note(&["content"], format!("this is not base64: {wrong}"))).ok();
    problems.end()?;
    let (Some(on), Some(name), Some(media_type), Some(bytes)) = (on, name, media_type, bytes) else {
        return Err(Failure::internal("a document without a problem").into());
    };
    let mut fresh = Fresh::new();
    let mut envelope = envelope(input.command_id, None, None);
    let command_id: Id = match envelope.command_id {
        Some(command_id) => command_id,
        None => fresh.id().map_err(Failure::internal)?,
    };
    envelope.command_id = Some(command_id);
    let stream = match on {
        On::Contact(contact) => Stream { kind: StreamKind::Contact, id: contact.0 },
        On::Ticket(ticket) => Stream { kind: StreamKind::Ticket, id: ticket.0 },
    };
    let (subject, _) = redaction::home(app, stream)?;
    let bin = app.ledger().views().bin_of(&stream).map(|found| found.facts.id);
    if let Some(bin) = bin.filter(|_| !app.is_repeated(&envelope)) {
        return Err(UserError::of(&[], Rejection::from(NotRedacted::InBin(bin))).into());
    }
    // Random, and the same for a retry: the command's id is both.
    let [a, b, c, d, ..] = command_id.0;
    let bucket = u32::from_be_bytes([a, b, c, d]);
    let keys = app.ledger().owners().keys_of(subject).to_vec();
    let is_retry = app.is_repeated(&envelope);
    let documents = keys.iter().filter(|(compartment, _)| matches!(compartment, Compartment::Document(_)));
    if documents.count() >= DOCUMENTS && !is_retry {
        return Err(UserError::of(&[], document::Rejection::TooMany).into());
    }
    if keys.iter().any(|(compartment, _)| *compartment == Compartment::Document(bucket)) && !is_retry {
        let words = "another document has this number; say another commandId";
        return Err(UserError { code: ErrorCode::Conflict, ..UserError::at(&["commandId"], words) }.into());
    }
    let id: DocumentId = fresh.id().map_err(Failure::internal)?;
    let command = Command::Attach { subject, bucket, file: File { on, name, media_type, bytes } };
    let accepted = app.submit::<document::Document>(viewer, id.0, command, envelope, fresh).await?;
    let found = Document::find(app, DocumentId(accepted.stream.id));
    Ok((found.ok_or_else(|| Failure::internal("a document that the views do not have"))?, accepted))
}

/// What a document hangs on, by exactly one id.
fn on(contact: Option<&ID>, ticket: Option<&ID>) -> Result<On, (&'static str, String)> {
    match (contact, ticket) {
        (Some(id), None) => id.parse().map(On::Contact).map_err(|wrong| ("contactId", format!("{wrong}"))),
        (None, Some(id)) => id.parse().map(On::Ticket).map_err(|wrong| ("ticketId", format!("{wrong}"))),
        _ => Err(("contactId", "name exactly one contact or ticket".into())),
    }
}

impl Kind for document::Rejection {
    fn kind(&self) -> ErrorCode {
        match self {
            Self::AlreadyAttached => ErrorCode::Conflict,
            Self::Empty | Self::TooLarge | Self::TooMany | Self::MediaType => ErrorCode::Validation,
        }
    }

    fn path(&self) -> Vec<String> {
        match self {
            Self::AlreadyAttached | Self::TooMany => Vec::new(),
            Self::Empty | Self::TooLarge => vec!["content".into()],
            Self::MediaType => vec!["mediaType".into()],
        }
    }
}

/// The queries of documents.
#[derive(Default)]
pub struct DocumentQuery;

#[Object]
impl DocumentQuery {
    /// The document with this id.
    async fn document(&self, ctx: &Context<'_>, id: ID) -> async_graphql::Result<Option<Document>> {
        let (app, _) = ctx.may_read("document")?;
        let id = id.parse().map_err(bad_request)?;
        Ok(Document::find(app, id))
    }

    /// What hangs on a contact or a ticket, the first at the front.
    async fn documents(
        &self,
        ctx: &Context<'_>,
        contact_id: Option<ID>,
        ticket_id: Option<ID>,
    ) -> async_graphql::Result<Vec<Document>> {
        let (app, _) = ctx.may_read("documents")?;
        let on = on(contact_id.as_ref(), ticket_id.as_ref()).map_err(|(_, words)| bad_request(words))?;
        let views = app.ledger().views();
        let found = views.documents(on).map(Document::from);
        Ok(found.filter(|document| views.bin_of(&document.stream()).is_none()).collect())
    }
}

#[cfg(test)]
mod tests {
    use domain::actor::Role::{Agent, Dpo};
    use domain::compartment::Compartment;
    use domain::limits::DOCUMENT_BYTES;
    use events::keyring::KeyState;
    use serde_json::{Value, json};

    use super::*;
    use crate::graphql::testing::{Desk, command_id};

    const DOCUMENT: &str = "document { id name mediaType size content contactId ticketId erasure { reason } }
        position repeated errors { message code path }";

    fn attach(on: &str, name: &str, content: &[u8], more: &str) -> String {
        let content = BASE64.encode(content);
        format!(
            r#"attachDocument(input: {{ {on} name: "{name}" mediaType: "application/pdf" content: "{content}" {more} }})
               {{ {DOCUMENT} }}"#
        )
    }

    fn documents(desk: &Desk, on: &str) -> Vec<Value> {
        let ask = format!("{{ documents({on}) {{ id name content erasure {{ reason }} }} }}");
        desk.get(Agent, &ask)["documents"].as_array().unwrap().clone()
    }

    #[test]
    fn a_document_dies_alone() {
        let desk = Desk::open();
        let maria = desk.contact("Maria");
        let on = format!(r#"contactId: "{maria}""#);
        let (one, other) = (attach(&on, "Qone.pdf", b"Qfirst", ""), attach(&on, "Qother.pdf", b"Qsecond", ""));
        let one = desk.done(&one)["document"].clone();
        desk.done(&other);
        assert_eq!((&one["size"], &one["contactId"]), (&json!(6), &json!(maria)));
        assert_eq!(documents(&desk, &on).len(), 2);
        let keys = desk.app.ledger().owners().keys_of(desk.subject(&maria)).to_vec();
        let own = keys.iter().filter(|(compartment, _)| matches!(compartment, Compartment::Document(_)));
        assert_eq!(own.count(), 2, "a key for each");

        let id = one["id"].as_str().unwrap();
        let ask = format!(
            r#"redactDocument(input: {{ documentId: "{id}" words: "Not ours." }})
               {{ redaction {{ id touchedParts }} errors {{ message code path }} }}"#
        );
        let redaction = desk.done(&ask)["redaction"]["id"].as_str().unwrap().to_owned();
        let approve = format!(
            r#"approveRedaction(input: {{ redactionId: "{redaction}" }})
               {{ redaction {{ stage touchedParts resealedParts }} errors {{ message code path }} }}"#
        );
        let approved = desk.tried(Dpo, &approve);
        let expected = json!({ "stage": "CERTIFIED", "touchedParts": 1, "resealedParts": 0 });
        assert_eq!(approved["redaction"], expected, "{approved}");
        let gone =
            keys.iter().filter(|(_, key)| matches!(desk.app.ledger().keyring().state(key), KeyState::Erased { .. }));
        assert_eq!(gone.count(), 1, "one key died, and nothing was sealed anew");

        let desk = desk.restart();
        let left = documents(&desk, &on);
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["content"], json!(BASE64.encode(b"Qsecond")));
        let read = format!(r#"{{ document(id: "{id}") {{ name content erasure {{ reason }} }} }}"#);
        let read = desk.get(Agent, &read)["document"].clone();
        assert!(read["name"].is_null() && read["content"].is_null());
        assert!(read["erasure"]["reason"].as_str().unwrap().contains("redacted"), "{read}");
        for (name, bytes) in desk.files() {
            assert!(!bytes.windows(6).any(|window| window == b"Qfirst"), "{name}");
        }
        desk.erase(&maria);
        assert!(documents(&desk, &on).is_empty(), "documents die with the relationship");
    }

    /// Each is a key and a compartment, and the record of a fence has room for so many only: nobody could be erased who has
    /// more.
    #[test]
    fn nobody_has_more_documents_than_an_erasure_can_take() {
        let desk = Desk::open();
        let maria = desk.contact("Maria");
        let on = format!(r#"contactId: "{maria}""#);
        let again = attach(&on, "first.pdf", b"x", &format!(r#"commandId: "{}""#, command_id()));
        desk.done(&again);
        let (subject, agent) = (desk.subject(&maria), desk.viewer(Agent).actor);
        for bucket in 1..DOCUMENTS as u32 {
            let line = |text| Line::parse(text).unwrap();
            let (on, name, media_type) = (On::Contact(maria.parse().unwrap()), line("offer.pdf"), line("text/plain"));
            let file = File { on, name, media_type, bytes: vec![7] };
            let id: DocumentId = Fresh::new().id().unwrap();
            desk.submit::<document::Document>(id.0, agent, Command::Attach { subject, bucket, file });
        }
        let (code, _, words) = desk.refused(Agent, &attach(&on, "more.pdf", b"x", ""));
        assert!(code == "VALIDATION" && words.contains("200 documents"), "{code}: {words}");
        assert_eq!(desk.done(&again)["repeated"], true);
        desk.erase(&maria);
        let left = desk.app.ledger().owners().keys_of(subject).to_vec();
        assert!(left.iter().all(|(compartment, _)| *compartment == Compartment::Claims), "{left:?}");
    }

    /// It stayed for ever behind the purge of what it hung on, and nobody was told.
    #[test]
    fn what_hangs_on_a_node_goes_before_it() {
        let desk = Desk::open();
        let maria = desk.contact("Maria");
        let on = format!(r#"contactId: "{maria}""#);
        let document = desk.done(&attach(&on, "offer.pdf", b"Qfirst", ""))["document"]["id"].clone();
        let document = document.as_str().unwrap();
        let to_bin = |node: &str| {
            format!(
                r#"moveToBin(input: {{ nodeId: "{node}" purgeOn: "2026-09-22" }})
                   {{ redaction {{ id }} errors {{ message code path }} }}"#
            )
        };
        let size = desk.size();
        let (code, path, words) = desk.refused(Agent, &to_bin(&maria));
        assert!((code.as_str(), path.as_str()) == ("CONFLICT", "nodeId") && words.contains("1 documents"), "{words}");
        assert_eq!(desk.size(), size, "a refusal writes nothing");
        let moved = [document, &maria].map(|node| {
            let moved = desk.done(&to_bin(node));
            moved["redaction"]["id"].as_str().unwrap().to_owned()
        });
        assert_eq!(desk.refused(Agent, &attach(&on, "more.pdf", b"x", "")).0, "CONFLICT", "nothing more comes in");
        let approve = |redaction: &str| {
            format!(
                r#"approveRedaction(input: {{ redactionId: "{redaction}" }})
                   {{ redaction {{ stage }} errors {{ message code path }} }}"#
            )
        };
        let now = domain::time::Time(crate::graphql::testing::NOW.0 + domain::time::Time::DAY_MS);
        desk.app.ledger().clock().set(now);
        assert_eq!(desk.refused(Dpo, &approve(&moved[1])).0, "CONFLICT", "while it can be read");
        for redaction in &moved {
            assert_eq!(desk.tried(Dpo, &approve(redaction))["redaction"]["stage"], "CERTIFIED");
        }
    }

    #[test]
    fn a_retry_is_the_same_document_and_what_is_none_is_refused() {
        let desk = Desk::open();
        let maria = desk.contact("Maria");
        let on = format!(r#"contactId: "{maria}""#);
        let again = attach(&on, "offer.pdf", &[7; DOCUMENT_BYTES], &format!(r#"commandId: "{}""#, command_id()));
        let (first, second) = (desk.done(&again), desk.done(&again));
        assert_eq!(first["document"]["id"], second["document"]["id"]);
        assert_eq!(second["repeated"], true);
        assert_eq!(first["document"]["content"].as_str().unwrap().len(), DOCUMENT_BYTES.div_ceil(3) * 4);
        let size = desk.size();
        let strange = attach(&on, "offer.pdf", b"x", "").replace("application/pdf", "pdf");
        let nobody = r#"contactId: "contact_00000000000000000000000000000000""#;
        for (mutation, code, path) in [
            (attach(&on, "offer.pdf", &[7; DOCUMENT_BYTES + 1], ""), "VALIDATION", "content"),
            (attach(&on, "offer.pdf", b"", ""), "VALIDATION", "content"),
            (attach(&on, "offer.pdf", b"x", "").replace(&BASE64.encode(b"x"), "?"), "VALIDATION", "content"),
            (attach(&on, "", b"x", ""), "VALIDATION", "name"),
            (strange, "VALIDATION", "mediaType"),
            (attach("", "offer.pdf", b"x", ""), "VALIDATION", "contactId"),
            (attach(r#"ticketId: "Maria""#, "offer.pdf", b"x", ""), "VALIDATION", "ticketId"),
            (attach(nobody, "offer.pdf", b"x", ""), "NOT_FOUND", ""),
        ] {
            let (said, at, _) = desk.refused(Agent, &mutation);
            assert_eq!((said.as_str(), at.as_str()), (code, path));
        }
        assert_eq!(desk.size(), size, "a refusal writes nothing");
    }
}
