//! Receipts: the log's signed word that a record is durable and will stand under a root by a time.
//!
//! ```text
//! lethe receipt 1
//! <origin>
//! log <log id, 32 hexadecimal digits>
//! position <position>
//! record <hash of the record, 64 hexadecimal digits>
//! by <milliseconds since 1970>
//! ```
//!
//! Signed with the key of the checkpoints. Its first line has spaces and no origin has, so neither is ever taken for the
//! other. A receipt whose record is not there when it was promised convicts the log.

use domain::event::Event;
use domain::id::LogId;
use domain::ledger;
use domain::time::Time;
use events::checkpoint::decimal;
use events::note::{Kind, NoteError, SignError, SignedNote, Signer, VerifierKey};
use events::record::Hash;

use crate::check::{Line, Read, Verdict};
use crate::policy::Policy;

const HEADER: &str = "lethe receipt 1";

/// What a log promises.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// What its checkpoints are signed for.
    pub origin: String,
    /// Which log.
    pub log: LogId,
    /// Where the record stands.
    pub position: u64,
    /// Its hash.
    pub hash: Hash,
    /// By when a root covers it.
    pub by: Time,
}

impl Receipt {
    /// Signs it. The record must be durable.
    pub fn sign(&self, signer: &dyn Signer) -> Result<SignedNote, SignError> {
        let Self { origin, log, position, hash, by } = self;
        let (log, hash) = (hex(&log.0), hex(hash));
        let text = format!("{HEADER}\n{origin}\nlog {log}\nposition {position}\nrecord {hash}\nby {}\n", by.0);
        let mut note = SignedNote::new(text).map_err(|_| SignError::Name)?;
        note.sign(origin, Kind::Note, 0, signer)?;
        Ok(note)
    }

    /// Reads the text of a note; who signed it is another question.
    pub fn parse(note: &SignedNote) -> Result<Self, NoteError> {
        Self::read(note.text()).ok_or(NoteError::Malformed("it is no receipt"))
    }

    /// Reads a note, and believes it when the log with this key has signed it.
    pub fn open(note: &SignedNote, log: &VerifierKey) -> Result<Self, NoteError> {
        note.verify(std::slice::from_ref(log))?;
        Self::parse(note).and_then(|receipt| {
            let named = receipt.origin == log.name();
            if named { Ok(receipt) } else { Err(NoteError::Malformed("its origin is not the name of the log's key")) }
        })
    }

    fn read(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [HEADER, origin, log, position, record, by, ""] = lines[..] else { return None };
        Some(Self {
            origin: origin.to_owned(),
            log: LogId(unhex(log.strip_prefix("log ")?)?),
            position: decimal(position.strip_prefix("position ")?)?,
            hash: unhex(record.strip_prefix("record ")?)?,
            by: Time(decimal(by.strip_prefix("by ")?).and_then(|ms| i64::try_from(ms).ok())?),
        })
    }
}

/// So many bytes, of lower-case hexadecimal digits.
fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |b: u8| (!b.is_ascii_uppercase()).then(|| char::from(b).to_digit(16)).flatten();
    let bytes = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    });
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A witness that knew no larger root of the log at a time.
pub(crate) struct Seen {
    pub by: String,
    pub at: Time,
}

/// What became of the promise, by what the file has beside it. `anchored`: a log of the policy has signed the checkpoint;
/// `seen` is who cosigned it, the last first. A stamp proves nothing here: old checkpoints can be stamped at any time.
pub(crate) fn judge(
    read: &Read<'_>,
    note: &SignedNote,
    policy: &Policy,
    anchored: bool,
    seen: Option<Seen>,
    verdict: &mut Verdict,
) {
    let signed = policy.logs().iter().find_map(|log| Receipt::open(note, &log.key).ok());
    let Some(receipt) = signed else {
        return verdict.breaks("No log of the policy has signed the receipt.");
    };
    let Receipt { position, by, .. } = receipt;
    verdict.finds(format!("{} has signed that record {position} is durable and under a root by {by}.", receipt.origin));
    let mut all = read.trails.iter().flatten().chain(&read.others);
    if !all.clone().any(|line| line.hash == receipt.hash) {
        verdict.breaks("The record of the receipt is not in the file.");
    }
    let fate = if anchored { follow(read, &receipt) } else { Fate::Unknown };
    match fate {
        Fate::Lost => {
            return verdict.finds(format!(
                "The log went on as a new generation before record {position}: it was lost in a restore that says so."
            ));
        }
        Fate::Unknown => {
            return verdict.finds(
                "Whether it kept its word is not to be seen without a signed checkpoint of this log, or of one that went on \
                 from it.",
            );
        }
        Fate::Bound => {}
    }
    let stands = |line: &&Line<'_>| line.record.position == position && read.stands(line, read.path_of(line));
    match all.find(stands) {
        Some(line) if line.hash == receipt.hash => verdict.finds("It kept its word: the record stands under the root."),
        Some(_) => verdict.breaks(format!(
            "PROOF OF MISBEHAVIOUR: the log signed one record {position}, and another one stands under its root."
        )),
        None if read.covered() > position => {
            verdict.finds("The root covers its place; the file does not show what stands there.");
        }
        None => match seen.filter(|seen| seen.at > by) {
            Some(Seen { by: witness, at }) => verdict.breaks(format!(
                "NOT KEPT: at {at}, behind the promised time, {witness} knew no root over more than {} records. That is \
                 proof of misbehaviour where the log shows this witness its roots.",
                read.covered()
            )),
            None => verdict.finds("No root covers it yet, by what this file shows: take a later checkpoint."),
        },
    }
}

/// What a root means for a receipt.
enum Fate {
    /// It is of the log that promised, or of one that went on from it with the record.
    Bound,
    /// The log went on without the record.
    Lost,
    /// It is of some other log.
    Unknown,
}

/// Follows the generations from the log that promised to the one of the checkpoint, by records that stand under its root.
fn follow(read: &Read<'_>, receipt: &Receipt) -> Fate {
    let (mut log, mut origin) = (receipt.log, receipt.origin.clone());
    let mut restores: Vec<ledger::Continued> = read.others.iter().filter_map(|line| continued(read, line)).collect();
    while let Some(at) = restores.iter().position(|went_on| went_on.old_log == log) {
        let went_on = restores.swap_remove(at);
        if went_on.restored.size <= receipt.position {
            return Fate::Lost;
        }
        (log, origin) = (went_on.log, went_on.origin);
    }
    let same = read.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.origin == origin);
    if same { Fate::Bound } else { Fate::Unknown }
}

/// What a record under the root says of a restore.
fn continued(read: &Read<'_>, line: &Line<'_>) -> Option<ledger::Continued> {
    let Ok(Event::Log(ledger::Event::Continued(went_on))) = line.event() else { return None };
    read.stands(line, read.path_of(line)).then_some(*went_on)
}
