//! One ledger in service, as the edge sees it: its settings, who its tokens let in, and how a command gets to it.

mod claiming;
mod delivering;
mod destroying;
mod disclosing;
mod erasing;
mod holding;
mod leaving;
mod redacting;
mod residues;
mod retaining;
mod suppressing;
mod vouchers;

use std::sync::Arc;

use domain::actor::TokenState;
use domain::aggregate::Aggregate;
use domain::compartment::Compartment;
use domain::event::{Follow as _, Stream};
use domain::id::{ActorId, CommandId, KeyId, RegisterId, SubjectId};
use domain::time::Time;
use events::ledger::{Accepted, Failure as LedgerFailure, Fresh, Intent, Ledger, Refused, Unwritten};
use events::log::Log as _;
use events::note::VerifierKey;
use events::record::Record;
use events::secret::token_hash;
use parking_lot::Mutex;
use projections::Views;
use replay::timestamp::certificate::Certificate;

use crate::access::Viewer;
use crate::error::{Code, Failure};
use crate::graphql::ErasureMark;
use crate::http::auth::{AuthError, Authenticate};
use crate::kept::NotKept;
use crate::replays::Replays;

pub use disclosing::{DiscloseError, HandedOut, Handing};
pub use erasing::{Person, Whose};
pub use retaining::Settled;
pub(crate) use retaining::nobody;
use suppressing::Unrecorded;

/// How much of a stream is read at a time, in bytes.
const STREAM_BYTES: usize = 1 << 20;

/// One ledger in service.
#[derive(Clone)]
pub struct App {
    ledger: Arc<Ledger<Views>>,
    /// Held while an erasure goes on, so that they go on one at a time.
    erasing: Arc<Mutex<()>>,
    /// Held while somebody is looked for by name and registered, so that two who do it at once come to one actor.
    pub(crate) naming: Arc<Mutex<()>>,
    /// What the suppression list dropped and no record says yet.
    unrecorded: Unrecorded,
    /// Whether this is a demo ledger.
    pub demo: bool,
    /// Whether its first record says that it is a demo or test ledger, however it is served.
    pub is_trial: bool,
    /// How long a fenced erasure waits before its keys are destroyed, in milliseconds.
    pub cooling_off_ms: i64,
    /// Which fields are kept here.
    pub kept: Arc<NotKept>,
    /// What auditors have confirmed by replay.
    pub replays: Arc<Replays>,
    /// Whose word on the time counts.
    witnesses: Arc<Vec<VerifierKey>>,
    /// The certificates of time-stamping authorities whose word on the time counts.
    pub(crate) authorities: Arc<Vec<Certificate>>,
}

/// What every mutation may say beside its own values.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// What a retry will name it with.
    pub command_id: Option<CommandId>,
    /// The revision that the client has seen.
    pub expected_revision: Option<u64>,
    /// When it became true.
    pub effective_at: Option<Time>,
    /// What the command's values were read from.
    pub reads: Vec<(Stream, u64)>,
    /// Subjects whose keys must be exactly these when it is written.
    pub keys: Vec<(SubjectId, Vec<(Compartment, KeyId)>)>,
}

impl App {
    /// Puts a ledger into service.
    pub fn new(ledger: Arc<Ledger<Views>>, demo: bool, cooling_off_ms: i64) -> Self {
        Self {
            ledger,
            erasing: Arc::default(),
            naming: Arc::default(),
            unrecorded: Arc::default(),
            demo,
            is_trial: demo,
            cooling_off_ms,
            kept: Arc::default(),
            replays: Arc::default(),
            witnesses: Arc::default(),
            authorities: Arc::default(),
        }
    }

    /// The same ledger where some fields are not kept.
    pub fn keeping(self, kept: NotKept) -> Self {
        Self { kept: Arc::new(kept), ..self }
    }

    /// The same ledger, with what auditors have confirmed.
    pub fn confirmed_by(self, replays: Replays) -> Self {
        Self { replays: Arc::new(replays), ..self }
    }

    /// The same ledger, with witnesses whose word on the time counts.
    pub fn witnessed_by(self, witnesses: Vec<VerifierKey>) -> Self {
        Self { witnesses: Arc::new(witnesses), ..self }
    }

    /// The same ledger, with time-stamping authorities whose word on the time counts, whoever brings it.
    pub fn stamped_by(self, authorities: Vec<Certificate>) -> Self {
        Self { authorities: Arc::new(authorities), ..self }
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger<Views> {
        &self.ledger
    }

    /// The ledger, for whoever watches it without keeping it in service.
    pub(crate) fn shared_ledger(&self) -> &Arc<Ledger<Views>> {
        &self.ledger
    }

    /// The ledger's clock.
    pub fn now(&self) -> Time {
        self.ledger.clock().now()
    }

    /// Gives a command to the ledger in the viewer's name. Durable, and in the views, when it is accepted.
    pub async fn submit<A: Aggregate>(
        &self,
        viewer: &Viewer,
        id: [u8; 16],
        command: A::Command,
        envelope: Envelope,
        fresh: Fresh,
    ) -> Result<Accepted, Refused<A::Rejection>> {
        self.submit_as::<A>(viewer.actor, id, command, envelope, fresh).await
    }

    /// Gives a command to the ledger in an actor's name, as [`App::submit`].
    pub async fn submit_as<A: Aggregate>(
        &self,
        actor: ActorId,
        id: [u8; 16],
        command: A::Command,
        envelope: Envelope,
        fresh: Fresh,
    ) -> Result<Accepted, Refused<A::Rejection>> {
        self.ledger.submit(&intent::<A>(actor, id, command, envelope, fresh)?).await
    }

    /// Whether a command with this id was accepted before.
    pub fn is_repeated(&self, envelope: &Envelope) -> bool {
        envelope.command_id.is_some_and(|command| self.ledger.log().command(&command).is_some())
    }

    /// What the views knew of a stream when an earlier command of this id met it; none where there was no such command. What
    /// a command leaves out because it is so already must be the same for its retry.
    pub fn met_by(&self, command: CommandId, stream: [u8; 16]) -> Result<Option<Views>, Failure> {
        let Some(placed) = self.ledger.log().command(&command) else { return Ok(None) };
        let damaged = |failed| Failure::new(Code::Damaged, failed);
        let (mut views, mut revision) = (Views::default(), 0);
        loop {
            let entries = self.ledger.log().read_stream(&stream, revision, STREAM_BYTES).map_err(damaged)?;
            for entry in &entries {
                let opened = self.ledger.open(entry);
                let recorded = opened.map_err(LedgerFailure::from)?.recorded;
                if recorded.place.position >= placed.first {
                    return Ok(Some(views));
                }
                views.follow(vec![recorded]);
            }
            revision += entries.len() as u64;
            if entries.is_empty() {
                return Ok(Some(views));
            }
        }
    }

    /// Where purposes and retention stand.
    pub fn register(&self) -> Result<RegisterId, Failure> {
        let register = self.ledger.views().register_stream();
        register.map(|(id, _)| id).ok_or_else(|| Failure::internal("this ledger has no register"))
    }

    /// Why the first sealed part of a stream cannot be read: under which erasure its key was fenced or destroyed, and when.
    pub fn erasure_of(&self, stream: &[u8; 16]) -> Result<Option<ErasureMark>, Failure> {
        let unread = |failed| Failure::new(Code::Damaged, failed);
        let entries = self.ledger.log().read_stream(stream, 0, 1).map_err(unread)?;
        let Some(first) = entries.first() else { return Ok(None) };
        let record = Record::parse(&first.record).map_err(|bad| Failure::new(Code::Damaged, bad))?;
        Ok(self.mark_of(&record))
    }

    /// Why a part of the record at a position cannot be read.
    pub fn erasure_at(&self, position: u64) -> Result<Option<ErasureMark>, Failure> {
        let unread = |failed| Failure::new(Code::Damaged, failed);
        let Some(entry) = self.ledger.log().record(position).map_err(unread)? else { return Ok(None) };
        let record = Record::parse(&entry.record).map_err(|bad| Failure::new(Code::Damaged, bad))?;
        Ok(self.mark_of(&record))
    }

    /// Why a part of a record cannot be read, wherever it is by now: an erasure took its key, or a redaction took it.
    pub fn mark_of(&self, record: &Record<'_>) -> Option<ErasureMark> {
        let keys = self.ledger.owners().keys_now(record, self.ledger.log().head().size);
        let views = self.ledger.views();
        let erasure = ErasureMark::of_keys(&views, keys.into_iter().flatten(), self.ledger.keyring());
        erasure.or_else(|| views.redaction_at(record.position).map(|found| ErasureMark::of_redaction(found.facts)))
    }

    /// Overwrites the sealed parts of destroyed keys, behind the answer.
    pub fn sweep(&self, keys: Vec<KeyId>) {
        let app = self.clone();
        let swept = std::thread::Builder::new().name("sweep".into()).spawn(move || {
            if let Err(failed) = app.ledger.sweep(&keys) {
                tracing::error!(error = %failed, "sealed parts were not swept; the next start goes on with it");
            } else if let Err(failed) = app.close_swept_residues(&keys) {
                tracing::error!(error = %failed, "it was not recorded that sealed parts were swept; the next start does so");
            }
        });
        if let Err(failed) = swept {
            tracing::error!(error = %failed, "sealed parts were not swept; the next start goes on with it");
        }
    }
}

/// A command with all that is said beside it.
pub(crate) fn intent<A: Aggregate>(
    actor: ActorId,
    id: [u8; 16],
    command: A::Command,
    envelope: Envelope,
    mut fresh: Fresh,
) -> Result<Intent<A>, LedgerFailure> {
    let Envelope { command_id, expected_revision: expected, effective_at, reads, keys } = envelope;
    let command_id = match command_id {
        Some(command_id) => command_id,
        None => fresh.id().map_err(events::keyring::KeyringError::from)?,
    };
    Ok(Intent { id, command, command_id, actor, effective_at, expected, reads, keys, fresh })
}

/// Tokens: only their hashes are kept, as facts of the actors they belong to.
impl Authenticate for App {
    type Viewer = Viewer;

    fn viewer(&self, bearer: &str) -> Result<Viewer, AuthError> {
        let views = self.ledger.views();
        let bearer = views.bearer(&token_hash(bearer), self.now()).ok_or(AuthError::Unknown)?;
        match bearer.state {
            TokenState::Live => Ok(Viewer { actor: bearer.actor, roles: bearer.roles.to_vec(), token: bearer.token }),
            TokenState::Expired => Err(AuthError::Expired),
            TokenState::Revoked => Err(AuthError::Revoked),
        }
    }
}

/// What a client learns of a failure of the ledger.
impl From<LedgerFailure> for Failure {
    fn from(failure: LedgerFailure) -> Self {
        use events::keyring::KeyringError;
        use events::ledger::Fault;
        let code = match &failure {
            LedgerFailure::Unwritten(Unwritten::Stopped | Unwritten::Leaving | Unwritten::Clock(_))
            | LedgerFailure::Keyring(KeyringError::Stopped | KeyringError::Io(_))
            | LedgerFailure::Busy => Code::Unavailable,
            LedgerFailure::Keyring(error) if error.is_of_anchor() => Code::AnchorAway,
            LedgerFailure::Read(unreadable) => match unreadable.fault {
                Fault::Lost(_) => Code::Lost,
                _ => Code::Damaged,
            },
            _ => Code::Internal,
        };
        Self::new(code, failure)
    }
}
