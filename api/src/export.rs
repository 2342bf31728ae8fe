//! `lethe export`: everything that can still be read, in plain files, with the audit copy that proves the trails later
//! (Art. 20 and 28(3)(g) GDPR). It is a disclosure: the record of it is durable before the files have their name.

mod files;
mod nouns;

use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use domain::actor::Role;
use domain::event::StreamKind;
use domain::export::Exported;
use events::ledger::PublishError;
use replay::copy;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Viewer;
use crate::app::App;
use crate::graphql;
use crate::http::auth::Authenticate as _;
use crate::local::Reply;
use files::Lines;
use nouns::{NOUNS, Noun, Reader};

/// What an export says about itself.
const README: &str = include_str!("export/README.txt");

/// What somebody says of an export.
#[derive(Serialize, Deserialize, Clone)]
#[serde(rename_all = "kebab-case")]
pub struct Order {
    dir: PathBuf,
    token: String,
}

/// A token is nobody's business.
impl std::fmt::Debug for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Order {
    /// An order for a directory that is yet to be made, by the bearer of a token; both paths are whole.
    ///
    /// # Errors
    /// When the directory is in the data directory, however it is named.
    pub fn new(dir: PathBuf, data: &Path, token: String) -> Result<Self, &'static str> {
        if files::lies_in(&dir, data) {
            return Err("an export belongs outside the data directory, which is to hold nothing in clear");
        }
        Ok(Self { dir, token })
    }
}

/// Writes an export and says what is in it. What is cut off or fails leaves nothing under the name of the directory.
pub fn run(app: &App, order: &Order, told: &mut dyn FnMut(Reply)) -> Result<(), String> {
    let viewer = app.viewer(&order.token).map_err(|refused| refused.to_string())?;
    if !viewer.is(Role::Dpo) && !viewer.is(Role::Admin) {
        return Err("only a data protection officer or an admin may do this".into());
    }
    let beside = files::beside(&order.dir)?;
    let io = |failed: io::Error| format!("{}: {failed}", beside.display());
    DirBuilder::new().mode(0o700).create(&beside).map_err(io)?;
    let done = write(app, &viewer, &beside, told).and_then(|exported| {
        files::close(&beside).map_err(io)?;
        let recorded = app.ledger().record_exported(exported.clone(), viewer.actor);
        let recorded =
            recorded.map_err(|failed| format!("it could not be recorded, so it does not count: {failed}"))?;
        files::name(&beside, &order.dir).map_err(io)?;
        Ok((exported, recorded.position))
    });
    let (exported, position) = match done {
        Ok(done) => done,
        Err(failed) => {
            // It holds people in clear.
            std::fs::remove_dir_all(&beside).map_err(io)?;
            return Err(failed);
        }
    };
    let Exported { contacts, organizations, tickets, quotes, consents, documents, size, .. } = exported;
    told(Reply::Say(format!(
        "{}: {contacts} contacts, {organizations} organizations, {tickets} tickets, {quotes} quotes, {consents} trails of \
         consents, {documents} documents; and the audit copy of {size} records.",
        order.dir.display()
    )));
    told(Reply::Say(format!(
        "It is record {position}. No erasure reaches these files: keep them apart, and count them."
    )));
    Ok(())
}

/// Everything but the name: the lines by noun, the audit copy, and what there is in `export.json`.
fn write(app: &App, viewer: &Viewer, dir: &Path, told: &mut dyn FnMut(Reply)) -> Result<Exported, String> {
    let streams = copy_log(app, &dir.join("log"))?;
    let reader = Reader::new(app, graphql::schema(app.clone()), viewer)?;
    let (mut manifest, mut counts) = (Vec::new(), BTreeMap::new());
    for (done, noun) in (0..).zip(NOUNS) {
        told(Reply::Progress { done, of: NOUNS.len() as u64 });
        let lines = write_noun(&reader, noun, &streams.by_kind, dir)?;
        counts.insert(noun.name, lines.count);
        manifest.push(json!({ "file": lines.file, "lines": lines.count, "blake3": lines.hash }));
    }
    let digest = files::write_manifest(dir, README, |salt| {
        json!({
            "lethe": "export 1", "controller": reader.controller(), "log": app.ledger().log_id().to_string(),
            "records": streams.size, "head": streams.head, "at": app.now().to_string(), "by": viewer.actor.to_string(),
            "salt": salt, "files": manifest,
        })
    })?;
    let of = |noun: &str| counts.get(noun).copied().unwrap_or_default();
    Ok(Exported {
        size: streams.size,
        digest,
        contacts: of("contacts"),
        organizations: of("organizations"),
        tickets: of("tickets"),
        quotes: of("quotes"),
        consents: of("consents"),
        documents: of("documents"),
        notices: of("notices"),
        actors: of("actors"),
        erasures: of("erasures"),
        holds: of("holds"),
    })
}

/// The streams of the log, by kind, in the order in which they began.
struct Streams {
    by_kind: BTreeMap<StreamKind, Vec<[u8; 16]>>,
    size: u64,
    head: String,
}

fn copy_log(app: &App, out: &Path) -> Result<Streams, String> {
    // Where nothing is signed here, the last checkpoint there is.
    let note = match app.ledger().publish_now() {
        Ok(signed) => Some(signed.note.clone()),
        Err(PublishError::Held) => {
            let before = app.ledger().published().before().map_err(|failed| failed.to_string())?;
            before.map(|signed| signed.note)
        }
        Err(failed) => return Err(failed.to_string()),
    };
    let mut by_kind: BTreeMap<StreamKind, Vec<[u8; 16]>> = BTreeMap::new();
    let mut each = |record: &events::record::Record<'_>| {
        if record.revision == 0 {
            by_kind.entry(record.stream.kind).or_default().push(record.stream.id);
        }
    };
    let head = copy::from_log(app.ledger().log(), note, out, &mut each).map_err(|failed| failed.to_string())?;
    Ok(Streams { by_kind, size: head.size, head: head.to_string() })
}

fn write_noun(
    reader: &Reader,
    noun: &Noun,
    streams: &BTreeMap<StreamKind, Vec<[u8; 16]>>,
    dir: &Path,
) -> Result<files::Written, String> {
    let mut lines = Lines::begin(dir, noun.name).map_err(|failed| failed.to_string())?;
    let ids = noun.kind.and_then(|kind| streams.get(&kind)).map(Vec::as_slice);
    reader.each(noun, ids.unwrap_or_default(), &mut |line| lines.put(&line).map_err(|failed| failed.to_string()))?;
    lines.end().map_err(|failed| failed.to_string())
}
