//! What is done with the log beside serving it: its map gets a root once an epoch, and witnesses cosign its checkpoints.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use events::ledger::{Ledger, PublishError, Published, Signed, epoch, publish};
use events::note::VerifierKey;
use events::tree;
use projections::Views;
use replay::timestamp::certificate::Certificate;
use replay::witness::client::{Asked, Client, SubmitError};
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::app::App;

/// How often it is looked what is due.
const TICK: Duration = Duration::from_secs(1);

/// How the log is published.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Publishing {
    /// How many milliseconds after one checkpoint the next may come.
    pub cadence_ms: u64,
    /// How many minutes after one root of the map the next may come.
    pub epoch_minutes: u64,
    /// How many seconds after one cosignature the next is asked for. Checkpoints are to be cosigned every ten minutes, so it
    /// is short enough that a witness may be away a few times.
    pub cosign_seconds: u64,
    /// A directory with confirmations by replay, which auditors have handed in: they go along with evidence.
    pub replays: Option<PathBuf>,
    /// The certificates (PEM or DER) of time-stamping authorities, or of who issues them, whose word on the time counts.
    pub authorities: Vec<PathBuf>,
    /// Who cosigns.
    pub witness: Vec<Witness>,
}

/// A witness and where it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// Its submission prefix.
    pub url: String,
    /// The authorities (PEM) that its certificate must lead to; those that the system trusts where it is not said.
    pub ca: Option<PathBuf>,
    /// Its key, a `vkey` text of a cosigner.
    #[serde(deserialize_with = "vkey")]
    pub vkey: VerifierKey,
}

impl Default for Publishing {
    fn default() -> Self {
        let cadence_ms = u64::try_from(publish::CADENCE.as_millis()).unwrap_or(u64::MAX);
        let epoch_minutes = epoch::EPOCH.as_secs() / 60;
        Self {
            cadence_ms,
            epoch_minutes,
            cosign_seconds: 60,
            replays: None,
            authorities: Vec::new(),
            witness: Vec::new(),
        }
    }
}

/// A certificate of an authority that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the certificate of an authority in {file} cannot be read: {why}")]
pub struct NoAuthority {
    file: PathBuf,
    why: String,
}

impl Publishing {
    /// The certificates of the authorities whose word on the time counts.
    pub fn authorities(&self) -> Result<Vec<Certificate>, NoAuthority> {
        let no = |file: &PathBuf, why: String| NoAuthority { file: file.clone(), why };
        let read = |file: &PathBuf| {
            let bytes = std::fs::read(file).map_err(|failed| no(file, failed.to_string()))?;
            Certificate::read(&bytes).map_err(|bad| no(file, bad.to_string()))
        };
        let read: Result<Vec<_>, NoAuthority> = self.authorities.iter().map(read).collect();
        Ok(read?.into_iter().flatten().collect())
    }
}

fn vkey<'de, D: serde::Deserializer<'de>>(from: D) -> Result<VerifierKey, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

/// A witness and what it has seen.
struct Asking {
    name: String,
    client: Client,
    seen: u64,
}

/// The witnesses of a ledger in service.
pub struct Witnesses {
    asking: Vec<Asking>,
    epoch: Duration,
    cosign: Duration,
}

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// A witness has seen another log than this one.
    #[error("{0}. Nothing is served before that is understood; a log that was restored goes on as a new generation")]
    Contradicts(#[source] SubmitError),
    /// It cannot be asked as it is configured.
    #[error(transparent)]
    Client(SubmitError),
    /// Nothing can be shown to it.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl Witnesses {
    /// Those of a configuration. None is asked yet.
    pub fn of(publishing: &Publishing) -> Result<Self, WitnessError> {
        let asking = publishing.witness.iter().map(|witness| -> Result<Asking, WitnessError> {
            let client = Client::trusting(&witness.url, vec![witness.vkey.clone()], witness.ca.as_deref());
            let name = witness.vkey.name().to_owned();
            Ok(Asking { name, client: client.map_err(WitnessError::Client)?, seen: 0 })
        });
        Ok(Self {
            asking: asking.collect::<Result<_, WitnessError>>()?,
            epoch: Duration::from_secs(publishing.epoch_minutes.saturating_mul(60)),
            cosign: Duration::from_secs(publishing.cosign_seconds),
        })
    }

    /// Whether nobody is asked.
    pub fn is_empty(&self) -> bool {
        self.asking.is_empty()
    }

    /// Asks each witness how far it has seen the log, with the last checkpoint from before the start, so that nothing new is
    /// signed. Blocking. One that cannot be asked is left out, and asked again later.
    ///
    /// # Errors
    /// When one has seen more of the log than was ever signed here, or another history: then nothing may be written.
    pub fn ask(mut self, published: &Published) -> Result<(), WitnessError> {
        let Some(signed) = published.before()? else { return Ok(()) };
        self.asking.iter_mut().try_for_each(|one| one.first(published, &signed))
    }

    /// Lets each witness cosign what is published, and writes the first root of the map. Blocking. To be called before
    /// anything is served.
    ///
    /// # Errors
    /// As [`Witnesses::ask`]; the ledger has stopped then.
    pub fn begin(mut self, app: &App) -> Result<Self, WitnessError> {
        let ledger = app.ledger();
        if let Some(signed) = ledger.published().latest() {
            let cosigned = self.asking.iter_mut().try_for_each(|one| one.first(ledger.published(), &signed));
            cosigned.inspect_err(|_| ledger.stop())?;
        }
        // A new log has a root before anybody asks it for one.
        if let Err(failed) = ledger.end_epoch(self.epoch) {
            tracing::error!(error = %failed, "the root of the map was not recorded");
        }
        Ok(self)
    }

    /// Goes on for as long as the ledger is in service. To be called once, inside the server's runtime. Where a witness has
    /// seen another history, the ledger stops, and the reason is told.
    pub fn watch(mut self, app: &App) -> oneshot::Receiver<WitnessError> {
        let ledger = Arc::downgrade(app.shared_ledger());
        let (tell, told) = oneshot::channel();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            let mut asked = None;
            loop {
                ticks.tick().await;
                let due = asked.is_none_or(|asked: Instant| asked.elapsed() >= self.cosign);
                let of = ledger.clone();
                match tokio::task::spawn_blocking(move || self.tick(&of, due)).await {
                    Ok(Ok(Some(back))) => self = back,
                    Ok(Ok(None)) | Err(_) => return,
                    Ok(Err((ledger, failed))) => {
                        // Told first: whoever sees that the ledger has stopped asks why.
                        let _ = tell.send(failed);
                        return ledger.stop();
                    }
                }
                if due {
                    asked = Some(Instant::now());
                }
            }
        });
        told
    }

    fn tick(mut self, ledger: &Weak<Ledger<Views>>, due: bool) -> Result<Option<Self>, Contradicted> {
        let Some(ledger) = ledger.upgrade() else { return Ok(None) };
        if let Err(failed) = ledger.end_epoch(self.epoch) {
            tracing::error!(error = %failed, "the root of the map was not recorded");
        }
        if let Some(signed) = ledger.published().latest().filter(|_| due) {
            for one in &mut self.asking {
                match one.submit(ledger.published(), &signed) {
                    Err(failed) if failed.contradicts() => {
                        tracing::error!(witness = one.name, error = %failed, "the log is contradicted; nothing is written any more");
                        return Err((Arc::clone(&ledger), WitnessError::Contradicts(failed)));
                    }
                    Err(failed) => {
                        tracing::error!(witness = one.name, error = %failed, "the checkpoint was not cosigned")
                    }
                    Ok(()) => {}
                }
            }
        }
        Ok(Some(self))
    }
}

/// The ledger that a witness contradicts, and its words.
type Contradicted = (Arc<Ledger<Views>>, WitnessError);

impl Asking {
    fn first(&mut self, published: &Published, signed: &Signed) -> Result<(), WitnessError> {
        match self.size(published, signed) {
            Err(failed) if failed.contradicts() => Err(WitnessError::Contradicts(failed)),
            Err(failed) => {
                tracing::warn!(witness = self.name, error = %failed, "a witness could not be asked; it is asked again");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn size(&mut self, published: &Published, signed: &Signed) -> Result<(), SubmitError> {
        match self.client.ask_size(&signed.note)? {
            Asked::Size(size) if size > signed.checkpoint.size => {
                Err(SubmitError::Ahead { theirs: size, ours: signed.checkpoint.size })
            }
            Asked::Size(size) => {
                self.seen = size;
                self.submit(published, signed)
            }
            Asked::Cosigned(signatures) => {
                self.seen = signed.checkpoint.size;
                published.cosign(signed, signatures);
                Ok(())
            }
        }
    }

    fn submit(&mut self, published: &Published, signed: &Signed) -> Result<(), SubmitError> {
        let path = |old, new| tree::consistency(published.rows(), old, new);
        let signatures = self.client.submit(&signed.note, self.seen, path)?;
        self.seen = signed.checkpoint.size;
        published.cosign(signed, signatures);
        Ok(())
    }
}
