//! What an export holds: a file by noun, each line the answer to one GraphQL query, so that the schema says what it means.

use async_graphql::{Request, Variables};
use domain::actor::Role;
use domain::event::{Event, Stream, StreamKind};
use domain::ledger;
use events::ledger::open_entry;
use events::log::Log as _;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::access::Viewer;
use crate::app::App;
use crate::error::Code;
use crate::graphql::Schema;

/// One file.
pub(super) struct Noun {
    /// Its name without an ending.
    pub name: &'static str,
    /// Of which streams there is a line each; else the query lists them itself.
    pub kind: Option<StreamKind>,
    query: &'static str,
    /// What the pages of a line are called in it.
    pages: Option<&'static str>,
}

macro_rules! noun {
    ($name:literal, $kind:expr, $pages:expr) => {
        Noun { name: $name, kind: $kind, query: include_str!(concat!($name, ".graphql")), pages: $pages }
    };
}

/// All of them.
pub(super) const NOUNS: &[Noun] = &[
    noun!("contacts", Some(StreamKind::Contact), None),
    noun!("organizations", Some(StreamKind::Organization), None),
    noun!("tickets", Some(StreamKind::Ticket), Some("messages")),
    noun!("quotes", Some(StreamKind::Quote), Some("versions")),
    noun!("consents", Some(StreamKind::Consents), None),
    noun!("documents", Some(StreamKind::Document), None),
    noun!("notices", None, None),
    noun!("actors", None, None),
    noun!("purposes", None, None),
    noun!("retentions", None, None),
    noun!("erasures", None, None),
    noun!("holds", None, None),
];

/// Takes a line.
type Put<'a> = &'a mut dyn FnMut(Value) -> Result<(), String>;

/// Reads everything, for somebody who may have it.
pub(super) struct Reader {
    schema: Schema,
    viewer: Viewer,
    runtime: Runtime,
    controller: String,
}

impl Reader {
    pub fn new(app: &App, schema: Schema, by: &Viewer) -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|failed| failed.to_string())?;
        // Whoever may have everything reads it as all who may read something.
        let viewer = Viewer { roles: vec![Role::Dpo, Role::Agent, Role::Admin], ..by.clone() };
        let first = app.ledger().log().record(0).map_err(|failed| failed.to_string())?;
        let opened = first.map(|first| open_entry(&first, app.ledger().keyring())).transpose();
        let opened = opened.map_err(|failed| failed.to_string())?.map(|opened| opened.recorded.event);
        let controller = match opened {
            Some(Event::Log(ledger::Event::Opened { controller, .. })) => controller,
            _ => String::new(),
        };
        Ok(Self { schema, viewer, runtime, controller })
    }

    /// Whose data it is.
    pub fn controller(&self) -> &str {
        &self.controller
    }

    /// Gives every line of a noun.
    pub fn each(&self, noun: &Noun, ids: &[[u8; 16]], put: Put<'_>) -> Result<(), String> {
        if let Some(kind) = noun.kind {
            return ids.iter().try_for_each(|id| put(self.line(noun, &Stream { kind, id: *id }.to_string())?));
        }
        let mut answer = self.ask(noun, &json!({}))?;
        loop {
            let (list, after) = match answer.get_mut("pages").map(Value::take) {
                Some(page) => turned(page),
                None => (answer.get_mut("found").map(Value::take).unwrap_or_default(), None),
            };
            let Value::Array(lines) = list else { return Err(format!("{} could not be listed", noun.name)) };
            lines.into_iter().try_for_each(&mut *put)?;
            let Some(after) = after else { return Ok(()) };
            answer = self.ask(noun, &json!({ "after": after }))?;
        }
    }

    /// One node with all its pages.
    fn line(&self, noun: &Noun, id: &str) -> Result<Value, String> {
        let mut line = self.found(noun, &json!({ "id": id }), id)?;
        let Some(pages) = noun.pages else { return Ok(line) };
        let (mut all, mut after) = turned(line.get_mut("pages").map(Value::take).unwrap_or_default());
        while let Some(next) = after {
            let mut more = self.found(noun, &json!({ "id": id, "after": next }), id)?;
            let (nodes, then) = turned(more.get_mut("pages").map(Value::take).unwrap_or_default());
            if let (Value::Array(all), Value::Array(nodes)) = (&mut all, nodes) {
                all.extend(nodes);
            }
            after = then;
        }
        if let Value::Object(fields) = &mut line {
            fields.remove("pages");
            fields.insert(pages.to_owned(), all);
        }
        Ok(line)
    }

    /// The node of an id. One that nobody can read any more is its id and nothing else.
    fn found(&self, noun: &Noun, variables: &Value, id: &str) -> Result<Value, String> {
        let mut answer = self.ask(noun, variables)?;
        let mut found = answer.get_mut("found").map(Value::take).filter(|found| !found.is_null());
        if let (Some(lost), Some(Value::Object(fields))) = (answer.get("lost"), &mut found) {
            fields.insert("lost".into(), lost.clone());
        }
        Ok(found.unwrap_or_else(|| json!({ "id": id })))
    }

    /// The data of an answer, and under `lost` the fields whose keys are gone without an erasure.
    fn ask(&self, noun: &Noun, variables: &Value) -> Result<Value, String> {
        let request = Request::new(noun.query).variables(Variables::from_json(variables.clone()));
        let answer = self.runtime.block_on(self.schema.execute(request.data(self.viewer.clone())));
        let answer = serde_json::to_value(answer).map_err(|failed| failed.to_string())?;
        let failed = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let is_lost = |error: &&Value| error.pointer("/extensions/code") == Some(&json!(Code::Lost.as_str()));
        if let Some(error) = failed.iter().find(|error| !is_lost(error)) {
            // Who it is about is no business of whoever reads the error.
            return Err(format!("{} could not be read: {}", noun.name, error["message"]));
        }
        let mut data = answer.get("data").cloned().unwrap_or_default();
        if let (Value::Object(fields), false) = (&mut data, failed.is_empty()) {
            fields.insert("lost".into(), failed.iter().map(|error| error["path"].clone()).collect());
        }
        Ok(data)
    }
}

/// The nodes of a page, and where the next one begins.
fn turned(mut page: Value) -> (Value, Option<Value>) {
    let nodes = page.get_mut("nodes").map(Value::take).unwrap_or_default();
    let more = page.pointer("/pageInfo/hasNextPage").and_then(Value::as_bool).unwrap_or_default();
    (nodes, page.pointer_mut("/pageInfo/endCursor").map(Value::take).filter(|_| more))
}
