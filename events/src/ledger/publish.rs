//! Behind the writer: a thread that grows the tree by what is durable and signs its root every now and then.
//!
//! A checkpoint covers synced records only, and is in the head mark, synced, before anybody sees it; so no two roots are
//! ever signed for one size, whatever crashes come between. What no crash does, a copy of the whole directory can that is put
//! back: only somebody outside notices, so whoever serves asks the witnesses before anything new is signed.

use std::fs;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use domain::event::Follow;
use parking_lot::RwLock;

use super::Shared;
use crate::bundle::WIDTH;
use crate::bytes::Malformed;
use crate::chain::StreamHead;
use crate::checkpoint::Checkpoint;
use crate::log::{Entry, LogError};
use crate::note::{Kind, NoKey, SignError, Signature, SignedNote, Signer, VerifierKey};
use crate::record::Record;
use crate::tree::files::{RowFiles, Tree};
use crate::tree::{self, Node};

/// How often a root is signed, where nothing else is said.
pub const CADENCE: Duration = Duration::from_secs(1);
/// The file with the last checkpoint beside the rows of the tree. Like them it may be lost.
pub const STORED: &str = "checkpoint";
/// How many leaves are written to their files at a time.
const LEAVES: usize = 4096;
/// How long the thread waits between two looks at what came.
const PAUSE: Duration = Duration::from_millis(10);

/// What publishing needs: the tree over all records, and who signs for which log.
pub struct Publishing {
    pub(super) published: Published,
    pub(super) tree: Tree,
    /// How long after one checkpoint the next may come.
    pub cadence: Duration,
    /// Whether nothing is signed: for whoever appends and knows no witness. The next one who publishes signs that too.
    pub held: bool,
}

impl Publishing {
    /// Over the whole log, whose head mark names the size and the root that were signed last. Signs nothing.
    ///
    /// # Errors
    /// When that root is not this tree's.
    pub fn over(tree: Tree, origin: &str, signer: Arc<dyn Signer>, marked: (u64, Node)) -> Result<Self, PublishError> {
        let (size, root) = marked;
        let holds = size == 0 || (size <= tree.size() && tree::root(&**tree.rows(), size)? == root);
        if !holds {
            return Err(PublishError::Other { size });
        }
        let key = VerifierKey::new(origin, Kind::Note, signer.public())?;
        let rows = Arc::clone(tree.rows());
        let published = Published { key, signer, rows, marked, latest: RwLock::default(), cosigned: RwLock::default() };
        Ok(Self { published, tree, cadence: CADENCE, held: false })
    }

    /// What was published before.
    pub fn published(&self) -> &Published {
        &self.published
    }
}

/// Why nothing can be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The rows or the head mark.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A record of our own does not read back.
    #[error("a record that was written does not read: {0}")]
    Written(#[source] Malformed),
    /// The signer.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The origin.
    #[error("the log's origin cannot be the name of a key: {0}")]
    Origin(#[from] NoKey),
    /// What was signed is not what is there.
    #[error("a root was signed for the first {size} records, and it is not theirs: this is another history of the log")]
    Other {
        /// For how many records.
        size: u64,
    },
    /// Whoever opened the ledger only appends to it.
    #[error("nothing is signed here: the server signs it at its next start")]
    Held,
    /// The thread is gone.
    #[error("the thread that signs has stopped")]
    Stopped,
}

/// A checkpoint and the note that says so, signed by the log and by the witnesses that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The note.
    pub note: SignedNote,
}

/// What was published. It can be read at any time, and the writer waits for nobody who does.
pub struct Published {
    key: VerifierKey,
    signer: Arc<dyn Signer>,
    rows: Arc<RowFiles>,
    marked: (u64, Node),
    latest: RwLock<Option<Arc<Signed>>>,
    cosigned: RwLock<Option<Arc<Signed>>>,
}

impl Published {
    /// The key that checkpoints are signed with.
    pub fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// Who signs.
    pub fn signer(&self) -> &dyn Signer {
        &*self.signer
    }

    /// The rows of the tree; those of the last checkpoint are whole.
    pub fn rows(&self) -> &RowFiles {
        &self.rows
    }

    /// The last checkpoint before the start, made again from the head mark: whoever is shown it learns nothing that was not
    /// signed before. None where nothing was.
    pub fn before(&self) -> Result<Option<Signed>, PublishError> {
        let (size, root) = self.marked;
        if size == 0 { Ok(None) } else { self.signed(size, root).map(Some) }
    }

    /// The last checkpoint.
    pub fn latest(&self) -> Option<Arc<Signed>> {
        self.latest.read().clone()
    }

    /// The last checkpoint that a witness has cosigned since the start.
    pub fn cosigned(&self) -> Option<Arc<Signed>> {
        self.cosigned.read().clone()
    }

    /// Adds what witnesses said of a checkpoint; whoever calls has checked that it holds.
    pub fn cosign(&self, of: &Signed, signatures: Vec<Signature>) {
        let mut note = of.note.clone();
        signatures.into_iter().for_each(|signature| note.add(signature));
        let signed = Arc::new(Signed { checkpoint: of.checkpoint.clone(), note });
        *self.cosigned.write() = Some(Arc::clone(&signed));
        let mut latest = self.latest.write();
        if latest.as_ref().is_some_and(|latest| latest.checkpoint == signed.checkpoint) {
            self.store(&signed.note);
            *latest = Some(signed);
        }
    }

    fn signed(&self, size: u64, root: Node) -> Result<Signed, PublishError> {
        let checkpoint = Checkpoint { origin: self.key.name().to_owned(), size, root };
        let mut note = SignedNote::new(checkpoint.to_string()).map_err(|_| SignError::Name)?;
        note.sign(self.key.name(), Kind::Note, 0, &*self.signer)?;
        Ok(Signed { checkpoint, note })
    }

    fn publish(&self, signed: Signed) {
        self.store(&signed.note);
        *self.latest.write() = Some(Arc::new(signed));
    }

    /// For copies of the directory at rest. Where it fails the next start signs the same again.
    fn store(&self, note: &SignedNote) {
        let (new, path) = (self.rows.dir().join("checkpoint.new"), self.rows.dir().join(STORED));
        let stored = fs::File::create(&new)
            .and_then(|file| std::os::unix::fs::FileExt::write_all_at(&file, note.to_string().as_bytes(), 0))
            .and_then(|()| fs::rename(&new, &path));
        if let Err(failed) = stored {
            tracing::warn!(error = %failed, "the checkpoint was not kept beside the tree");
        }
    }
}

/// What the thread is told.
pub enum Step {
    /// These records are durable.
    Durable(Vec<Entry>),
    /// Sign all that is durable now, and answer.
    Now(Sender<Result<Arc<Signed>, PublishError>>),
}

/// The thread.
pub(super) struct Publisher<V> {
    shared: Arc<Shared<V>>,
    tree: Tree,
    cadence: Duration,
    held: bool,
    signed: u64,
}

impl<V: Follow> Publisher<V> {
    /// Signs what is there, so that there is a checkpoint from the start.
    pub(super) fn start(
        shared: Arc<Shared<V>>,
        tree: Tree,
        cadence: Duration,
        held: bool,
    ) -> Result<Self, PublishError> {
        let mut publisher = Self { shared, tree, cadence, held, signed: 0 };
        publisher.sign(publisher.tree.size())?;
        Ok(publisher)
    }

    /// Until every sender is gone. What fails here stops the ledger: a log that cannot be proved takes no more records.
    pub(super) fn run(mut self, steps: &Receiver<Step>) {
        if let Err(failed) = self.publish(steps) {
            tracing::error!(error = %failed, "the ledger stops: the log cannot be published");
            self.shared.stop();
        }
    }

    fn publish(&mut self, steps: &Receiver<Step>) -> Result<(), PublishError> {
        let (mut due, mut taken) = (Instant::now() + self.cadence, Vec::new());
        loop {
            // A sender wakes whoever waits for it, and the writer has better to do: so this thread waits for a sender only
            // where nothing is left to sign, and else looks every now and then.
            let idle = taken.is_empty() && !self.waits();
            let step = if idle { steps.recv().map_err(|_| TryRecvError::Disconnected) } else { steps.try_recv() };
            match step {
                // What a stopped ledger has is verified at the next start before it is signed.
                _ if self.shared.is_stopped() => return Ok(()),
                Ok(Step::Durable(entries)) => taken.extend(entries),
                Ok(Step::Now(reply)) => {
                    self.grow(&mut taken)?;
                    self.sign(self.tree.size())?;
                    let _ = reply.send(self.shared.published.latest().ok_or(PublishError::Held));
                }
                Err(TryRecvError::Empty) if taken.is_empty() => thread::park_timeout(PAUSE),
                Err(TryRecvError::Empty) => self.grow(&mut taken)?,
                Err(TryRecvError::Disconnected) => {
                    self.grow(&mut taken)?;
                    return self.sign(self.tree.size());
                }
            }
            if taken.len() >= LEAVES {
                self.grow(&mut taken)?;
            }
            if self.waits() && Instant::now() >= due {
                self.sign(self.next())?;
                due = Instant::now() + self.cadence;
            }
        }
    }

    /// Takes all of these into the tree and the map.
    fn grow(&mut self, entries: &mut Vec<Entry>) -> Result<(), PublishError> {
        for some in entries.chunks(LEAVES) {
            let leaves: Vec<Node> = some.iter().map(|entry| tree::leaf(&entry.record)).collect();
            self.tree.grow(&leaves)?;
        }
        for entry in entries.drain(..) {
            let record = Record::parse(&entry.record).map_err(PublishError::Written)?;
            self.shared.heads.push(StreamHead { stream: record.stream, count: record.revision + 1, hash: entry.hash });
        }
        Ok(())
    }

    /// Whether there is anything left to sign.
    fn waits(&self) -> bool {
        !self.held && self.signed < self.tree.size()
    }

    /// The size to sign: under load a multiple of the width of a tile, so that no partial tile is ever asked for.
    fn next(&self) -> u64 {
        let size = self.tree.size();
        let whole = size - size % WIDTH;
        if whole > self.signed { whole } else { size }
    }

    /// Signs the root at a size. It is remembered, durably, before it is shown.
    fn sign(&mut self, size: u64) -> Result<(), PublishError> {
        let (log, published) = (&self.shared.log, &self.shared.published);
        let (marked, _) = log.mark().checkpoint;
        let shown = published.latest().map_or(0, |latest| latest.checkpoint.size);
        if self.held || size == 0 || size == shown {
            return Ok(());
        }
        let root = tree::root(published.rows(), size)?;
        if size > marked {
            log.mark_checkpoint(size, root)?;
        }
        published.publish(published.signed(size, root)?);
        self.signed = size;
        Ok(())
    }
}
