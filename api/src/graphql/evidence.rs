//! Proofs of the log: that a record stands in it, that it only grew, and everything about a stream in one file.

use async_graphql::{Context, ID, Object, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::event::Stream;
use events::proof::{Consistency, Inclusion};
use events::tree;

use super::outcome::{Ask, bad_request};
use super::scalars::Position;
use crate::app::App;
use crate::error::{Code, Failure};
use crate::evidence::EvidenceError;

/// A file that can be checked offline with `lethe-audit check`.
#[derive(SimpleObject)]
pub struct EvidenceFile {
    /// Its bytes, in base64.
    file: String,
    /// How many bytes it has.
    bytes: i32,
}

impl EvidenceFile {
    /// The file of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: i32::try_from(bytes.len()).unwrap_or(i32::MAX), file: BASE64.encode(bytes) }
    }
}

/// The proofs.
#[derive(Default)]
pub struct EvidenceQuery;

#[Object]
impl EvidenceQuery {
    /// Everything about some streams that needs no key, in one file: records, the proof that none is missing, the way to the
    /// last signed root. It names nobody. Null where a stream has no record.
    async fn evidence(&self, ctx: &Context<'_>, ids: Vec<ID>) -> async_graphql::Result<Option<EvidenceFile>> {
        let (app, _) = ctx.may_read("evidence")?;
        if ids.is_empty() || ids.len() > 100 {
            return Err(bad_request("give 1 to 100 ids"));
        }
        let streams = ids.iter().map(|id| id.parse::<Stream>()).collect::<Result<Vec<_>, _>>().map_err(bad_request)?;
        file(app, move |app| app.evidence(&streams)).await
    }

    /// The receipt of a consent record that the asker wrote: the trail, the record opened, and the log's signed word that a
    /// root will cover it. Null for any other record.
    async fn receipt(&self, ctx: &Context<'_>, position: Position) -> async_graphql::Result<Option<EvidenceFile>> {
        let (app, viewer) = ctx.may_read("receipt")?;
        let by = viewer.actor;
        file(app, move |app| app.receipt(position.0, by)).await
    }

    /// The proof that a record stands under the last checkpoint: a `tlog-proof` file. Null where the checkpoint does not
    /// cover it.
    async fn inclusion_proof(&self, ctx: &Context<'_>, position: Position) -> async_graphql::Result<Option<String>> {
        let (app, _) = ctx.may_read("inclusionProof")?;
        Ok(blocking(app, move |app| inclusion(app, position.0)).await?)
    }

    /// The proof that the log of the last checkpoint begins with the log of an older size, as witnesses take it. Null where
    /// the checkpoint is older.
    async fn consistency_proof(&self, ctx: &Context<'_>, old: Position) -> async_graphql::Result<Option<String>> {
        let (app, _) = ctx.may_read("consistencyProof")?;
        Ok(blocking(app, move |app| consistency(app, old.0)).await?)
    }
}

fn inclusion(app: &App, index: u64) -> Result<Option<String>, Failure> {
    let published = app.ledger().published();
    let Some(signed) = published.latest().filter(|signed| index < signed.checkpoint.size) else { return Ok(None) };
    let path = tree::inclusion(published.rows(), index, signed.checkpoint.size);
    let path = path.map_err(|failed| Failure::new(Code::Damaged, failed))?;
    Ok(Some(Inclusion { extra: None, index, path, note: signed.note.clone() }.to_string()))
}

fn consistency(app: &App, old: u64) -> Result<Option<String>, Failure> {
    let published = app.ledger().published();
    let Some(signed) = published.latest().filter(|signed| old <= signed.checkpoint.size) else { return Ok(None) };
    let path = tree::consistency(published.rows(), old, signed.checkpoint.size);
    let path = path.map_err(|failed| Failure::new(Code::Damaged, failed))?;
    Ok(Some(Consistency { old, path, note: signed.note.clone() }.to_string()))
}

/// The file that is made, off the threads that answer.
pub(super) async fn file(
    app: &App,
    make: impl FnOnce(&App) -> Result<Option<Vec<u8>>, EvidenceError> + Send + 'static,
) -> async_graphql::Result<Option<EvidenceFile>> {
    let made = blocking(app, |app| match make(app) {
        Err(EvidenceError::Failed(failed)) => Err(failed),
        Err(EvidenceError::TooMuch(much)) => Ok(Err(much)),
        Ok(bytes) => Ok(Ok(bytes)),
    });
    let bytes = made.await?.map_err(|much| bad_request(format!("{much}; name fewer streams")))?;
    Ok(bytes.map(|bytes| EvidenceFile::of(&bytes)))
}

async fn blocking<T: Send + 'static>(
    app: &App,
    make: impl FnOnce(&App) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let of = app.clone();
    let made = tokio::task::spawn_blocking(move || make(&of)).await;
    made.map_err(|_| Failure::internal("a thread that makes evidence failed"))?
}

#[cfg(test)]
mod tests;
