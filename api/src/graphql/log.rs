//! The log as a whole: how long it is, whose it is, and where it ends.

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::event::Event;
use domain::ledger;
use events::chain::Head;
use events::keyring::Level;
use events::ledger::{Failure as LedgerFailure, Fault, Unreadable};
use events::log::Log as _;
use events::record::Record;
use replay::verify::facts;

use super::outcome::Ask;
use super::scalars::{Position, Time, hex};
use crate::app::App;
use crate::error::Failure;

/// The log as it is now. All of it is durable.
#[derive(SimpleObject)]
pub struct Log {
    /// `log_…`; its own records are the history of this id.
    id: ID,
    /// How many records it has.
    size: Position,
    /// Size and hash of the last record, as an auditor keeps them: `SIZE:HASH`.
    head: String,
    /// The hash of the last record.
    hash: String,
    /// When the last record was written.
    recorded_at: Time,
    /// Whose data it holds.
    controller: String,
    /// What checkpoints are signed for.
    origin: String,
    /// The key that checkpoints are signed with: a `vkey` line.
    key: String,
    /// The last checkpoint, with the cosignatures of witnesses.
    checkpoint: Option<String>,
    /// Whether this is a demo.
    demo: bool,
    /// How hard it is to bring destroyed keys back: `A0` (logical only) to `A3`.
    anchor_level: &'static str,
    /// What that means, in words.
    anchor_words: &'static str,
    /// The keyring's epoch: how often keys were destroyed.
    epoch: u64,
    /// How many streams there are.
    streams: Position,
}

/// The field `log`.
#[derive(Default)]
pub struct LogQuery;

#[Object]
impl LogQuery {
    /// The log as a whole. Its records are taken below `/log/tile`.
    async fn log(&self, ctx: &Context<'_>) -> async_graphql::Result<Log> {
        let (app, _) = ctx.may_read("log")?;
        Ok(read(app)?)
    }
}

fn read(app: &App) -> Result<Log, Failure> {
    let ledger = app.ledger();
    let head = ledger.log().head();
    let (controller, demo) = opened(app)?;
    let (anchor_level, anchor_words) = match ledger.keyring().level() {
        Level::A0 => ("A0", "logical only: the root of the keys is in a file"),
        Level::A1 => ("A1", "the root of the keys is in hardware whose device is not declared"),
        Level::A2 => ("A2", "the root of the keys is in a cloud's key service, which delays destruction"),
        Level::A3 => ("A3", "the root of the keys is in declared hardware"),
    };
    Ok(Log {
        id: ID(ledger.log_id().to_string()),
        size: Position(head.size),
        head: Head { size: head.size, hash: head.hash }.to_string(),
        hash: hex(&head.hash),
        recorded_at: Time(head.recorded_at),
        controller,
        origin: ledger.published().key().name().to_owned(),
        key: ledger.published().key().to_string(),
        checkpoint: ledger.published().latest().map(|signed| signed.note.to_string()),
        demo,
        anchor_level,
        anchor_words,
        epoch: ledger.keyring().epoch(),
        streams: Position(ledger.log().counts().streams),
    })
}

/// What the first record says.
fn opened(app: &App) -> Result<(String, bool), Failure> {
    let unreadable = |fault| Failure::from(LedgerFailure::from(Unreadable { position: 0, fault }));
    let entry = app.ledger().log().record(0).map_err(|failed| unreadable(failed.into()))?;
    let entry = entry.ok_or_else(|| unreadable(Fault::Parts))?;
    let record = Record::parse(&entry.record).map_err(|bad| unreadable(bad.into()))?;
    match facts(&record) {
        Ok(Event::Log(ledger::Event::Opened { controller, demo, .. })) => Ok((controller, demo)),
        _ => Err(Failure::internal("the log does not begin with its opening")),
    }
}
