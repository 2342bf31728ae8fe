//! Every reader of bytes from outside, as a target that any bytes may be given to: it must not panic, and what it reads it
//! must write again with the same bytes. The test `fuzz` gives each some thousands of bent examples at every run;
//! `cargo fuzz` (`fuzz/`) goes on for as long as one likes.

mod examples;

use std::sync::LazyLock;

use events::bundle;
use events::checkpoint::Checkpoint;
use events::evidence::Evidence;
use events::map::MapProof;
use events::note::{SignError, SignedNote, Signer, VerifierKey};
use events::proof::{Consistency, Inclusion};
use events::record::{Draft, Link, Record};
use events::wire;
use replay::check::check;
use replay::countersign::Replayed;
use replay::policy::Policy;
use replay::receipt::Receipt;
use replay::timestamp::certificate::Certificate;
use replay::timestamp::request::Request;
use replay::timestamp::{self, Stamp};
use replay::verify::facts;
use replay::witness::State;

/// A reader, and bytes that it reads.
pub struct Target {
    /// The name, which is also that of its program below `fuzz/`.
    pub name: &'static str,
    /// Gives it bytes.
    pub run: fn(&[u8]),
    /// What to begin with.
    pub examples: fn() -> Vec<Vec<u8>>,
}

macro_rules! targets {
    ($($name:ident)*) => {
        /// All of them.
        pub const TARGETS: &[Target] =
            &[$(Target { name: stringify!($name), run: $name, examples: examples::$name }),*];
    };
}

targets! { note vkey checkpoint inclusion consistency add_checkpoint evidence map_proof record entries inventory policy
receipt replayed timestamp request }

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::parse(examples::POLICY.as_bytes()).unwrap());
static CHECKPOINT: LazyLock<SignedNote> = LazyLock::new(|| SignedNote::parse(&examples::proof("checkpoint")).unwrap());

/// A signed note.
pub fn note(bytes: &[u8]) {
    let Ok(note) = SignedNote::parse(bytes) else { return };
    assert_eq!(note.to_string().as_bytes(), bytes);
    let keys: Vec<VerifierKey> = POLICY.logs().iter().map(|log| log.key.clone()).collect();
    if note.verify(&keys).is_ok() {
        let signed = ["checkpoint", "receipt"].map(|name| SignedNote::parse(&examples::proof(name)).unwrap());
        assert!(signed.iter().any(|signed| signed.text() == note.text()), "the key has signed two texts only");
    }
}

/// The text form of a public key.
pub fn vkey(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(key) = text.parse::<VerifierKey>() else { return };
    // The id may be written in capitals too.
    assert!(key.to_string().eq_ignore_ascii_case(text));
    assert_eq!(key.to_string().parse(), Ok(key));
}

/// The text of a checkpoint. Lines behind the third are not ours.
pub fn checkpoint(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(checkpoint) = Checkpoint::parse(text) else { return };
    assert!(text.starts_with(&checkpoint.to_string()));
    assert_eq!(Checkpoint::parse(&checkpoint.to_string()), Ok(checkpoint));
}

/// A `tlog-proof` file.
pub fn inclusion(bytes: &[u8]) {
    let Ok(proof) = Inclusion::parse(bytes) else { return };
    assert_eq!(proof.to_string().as_bytes(), bytes);
    let checkpoint = Checkpoint::parse(proof.note.text()).unwrap();
    let _ = proof.holds(&examples::record()[2], &checkpoint);
}

/// The body of `add-checkpoint`.
pub fn consistency(bytes: &[u8]) {
    let Ok(proof) = Consistency::parse(bytes) else { return };
    assert_eq!(proof.to_string().as_bytes(), bytes);
}

/// A witness that has seen 60 records is asked. Nothing but the one checkpoint that the log has signed is ever accepted.
pub fn add_checkpoint(bytes: &[u8]) {
    let mut state = State::new(POLICY.logs().iter().map(|log| log.key.clone()).collect());
    let seen = Replayed::parse(&SignedNote::parse(&examples::proof("replay")).unwrap()).unwrap();
    state.see(&Checkpoint { origin: seen.origin, size: seen.size, root: seen.root }, 0);
    if let Ok(accepted) = state.check(bytes) {
        assert_eq!(accepted.note.text(), CHECKPOINT.text());
    }
}

/// An evidence file, and what is said of it.
pub fn evidence(bytes: &[u8]) {
    let Ok(evidence) = Evidence::parse(bytes) else { return };
    assert_eq!(evidence.to_bytes().unwrap(), bytes);
    let checked = check(&evidence, &POLICY, None);
    assert!(!checked.to_string().is_empty() && serde_json::to_string(&checked).is_ok());
}

/// A proof from the map of stream heads.
pub fn map_proof(bytes: &[u8]) {
    let Ok(proof) = MapProof::parse(bytes) else { return };
    assert_eq!(proof.to_bytes(), bytes);
    let _ = proof.verify(&[7; 32], &[0x20; 16]);
}

/// A record, and its facts as somebody without keys reads them.
pub fn record(bytes: &[u8]) {
    let Ok(record) = Record::parse(bytes) else { return };
    let _ = facts(&record);
    let Some(shape) = wire::shapes().into_iter().find(|shape| shape.kind == record.kind) else { return };
    let Record { log, position, recorded_at, previous, previous_in_stream, .. } = record;
    let draft = Draft {
        stream: record.stream,
        revision: record.revision,
        kind: shape.kind,
        version: record.version,
        effective_at: record.effective_at,
        actor: record.actor,
        command: record.command,
        index: record.index,
        count: record.count,
        causation: record.causation,
        facts: record.facts.to_vec(),
        personal: record.personal,
    };
    let written = draft.write(&Link { log, position, recorded_at, previous, previous_in_stream });
    assert_eq!(written.unwrap(), bytes);
}

/// A bundle of records.
pub fn entries(bytes: &[u8]) {
    let Ok(records) = bundle::records(bytes) else { return };
    let mut written = Vec::new();
    records.iter().for_each(|record| bundle::put_record(&mut written, record));
    assert_eq!(written, bytes);
}

/// A bundle of the inventory.
pub fn inventory(bytes: &[u8]) {
    let Ok(records) = bundle::inventory(bytes) else { return };
    let mut written = Vec::new();
    records.iter().for_each(|lines| bundle::put_lines(&mut written, lines));
    assert_eq!(written, bytes);
}

/// A policy, and what it says of a checkpoint.
pub fn policy(bytes: &[u8]) {
    let Ok(policy) = Policy::parse(bytes) else { return };
    let _ = policy.judge(&CHECKPOINT);
    let everybody = policy.is_met(|_| true);
    assert!(everybody, "a quorum that nobody can reach was taken");
}

/// A receipt's text.
pub fn receipt(bytes: &[u8]) {
    let Some(note) = unsigned(bytes) else { return };
    let Ok(receipt) = Receipt::parse(&note) else { return };
    if let Ok(written) = receipt.sign(&Nobody) {
        assert_eq!(written.text().as_bytes(), bytes);
    }
}

/// The text of a confirmation by replay.
pub fn replayed(bytes: &[u8]) {
    let Some(note) = unsigned(bytes) else { return };
    let Ok(replayed) = Replayed::parse(&note) else { return };
    if let Ok(written) = replayed.sign("nobody", &Nobody) {
        assert_eq!(written.text().as_bytes(), bytes);
    }
}

/// A time-stamp token. Its authority has signed one, so whatever verifies says what that one says.
pub fn timestamp(bytes: &[u8]) {
    static STAMP: LazyLock<(Vec<Certificate>, Stamp)> = LazyLock::new(|| {
        let certificates = vec![Certificate::parse(examples::CERTIFICATE).unwrap()];
        let stamp = timestamp::verify(examples::STAMPED, examples::TOKEN, &certificates).unwrap();
        (certificates, stamp)
    });
    let (certificates, stamp) = &*STAMP;
    if let Ok(other) = timestamp::verify(examples::STAMPED, bytes, certificates) {
        assert_eq!(other, *stamp);
    }
}

/// A request for one.
pub fn request(bytes: &[u8]) {
    let Ok(request) = Request::parse(bytes) else { return };
    assert_eq!(request.bytes().unwrap(), bytes);
}

fn unsigned(bytes: &[u8]) -> Option<SignedNote> {
    SignedNote::new(String::from_utf8(bytes.to_vec()).ok()?).ok()
}

/// Signs nothing that anybody would believe.
struct Nobody;

impl Signer for Nobody {
    fn public(&self) -> [u8; 32] {
        POLICY.logs()[0].key.public()
    }

    fn sign(&self, _: &[u8]) -> Result<[u8; 64], SignError> {
        Ok([1; 64])
    }
}
