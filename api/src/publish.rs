//! What is done with the log beside serving it: its map gets a root once an epoch, and witnesses cosign its checkpoints.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use events::ledger::{Ledger, Published, Signed, epoch, publish};
use events::note::VerifierKey;
use events::tree;
use projections::Views;
use replay::witness::client::{Asked, Client, SubmitError};
use serde::Deserialize;

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
        Self { cadence_ms, epoch_minutes, cosign_seconds: 60, replays: None, witness: Vec::new() }
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

impl Witnesses {
    /// Asks each witness how far it has seen the log. Blocking. One that cannot be asked is asked again later.
    ///
    /// # Errors
    /// When one has seen more of the log than there is, or another history: then nothing may be served.
    pub fn ask(app: &App, publishing: &Publishing) -> Result<Self, SubmitError> {
        let mut asking = Vec::with_capacity(publishing.witness.len());
        for witness in &publishing.witness {
            let name = witness.vkey.name().to_owned();
            let client = Client::trusting(&witness.url, vec![witness.vkey.clone()], witness.ca.as_deref())?;
            let mut one = Asking { name, client, seen: 0 };
            if let Some(signed) = app.ledger().published().latest() {
                one.first(app.ledger().published(), &signed)?;
            }
            asking.push(one);
        }
        let epoch = Duration::from_secs(publishing.epoch_minutes.saturating_mul(60));
        // A new log has a root before anybody asks it for one.
        if let Err(failed) = app.ledger().end_epoch(epoch) {
            tracing::error!(error = %failed, "the root of the map was not recorded");
        }
        Ok(Self { asking, epoch, cosign: Duration::from_secs(publishing.cosign_seconds) })
    }

    /// Goes on for as long as the ledger is in service. To be called once, inside the server's runtime.
    pub fn watch(mut self, app: &App) {
        let ledger = Arc::downgrade(app.shared_ledger());
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(TICK);
            let mut asked = None;
            loop {
                ticks.tick().await;
                let due = asked.is_none_or(|asked: Instant| asked.elapsed() >= self.cosign);
                let of = ledger.clone();
                let Ok(Some(back)) = tokio::task::spawn_blocking(move || self.tick(&of, due)).await else { return };
                self = back;
                if due {
                    asked = Some(Instant::now());
                }
            }
        });
    }

    fn tick(mut self, ledger: &Weak<Ledger<Views>>, due: bool) -> Option<Self> {
        let ledger = ledger.upgrade()?;
        if let Err(failed) = ledger.end_epoch(self.epoch) {
            tracing::error!(error = %failed, "the root of the map was not recorded");
        }
        let published = ledger.published();
        if let Some(signed) = published.latest().filter(|_| due) {
            for one in &mut self.asking {
                if let Err(failed) = one.submit(published, &signed) {
                    tracing::error!(witness = one.name, error = %failed, "the checkpoint was not cosigned");
                }
            }
        }
        Some(self)
    }
}

impl Asking {
    fn first(&mut self, published: &Published, signed: &Signed) -> Result<(), SubmitError> {
        match self.client.ask_size(&signed.note) {
            Ok(Asked::Size(size)) if size > signed.checkpoint.size => {
                Err(SubmitError::Ahead { theirs: size, ours: signed.checkpoint.size })
            }
            Ok(Asked::Size(size)) => {
                self.seen = size;
                self.submit(published, signed)
            }
            Ok(Asked::Cosigned(signatures)) => {
                self.seen = signed.checkpoint.size;
                published.cosign(signed, signatures);
                Ok(())
            }
            Err(failed @ (SubmitError::Ahead { .. } | SubmitError::Forked(_))) => Err(failed),
            Err(failed) => {
                tracing::warn!(witness = self.name, error = %failed, "a witness could not be asked; it is asked again");
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
