//! What proves something of the golden log outside: a checkpoint and its tree, a receipt, a confirmation by replay, and the
//! evidence file of the consents.

use std::convert::Infallible;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signer as _, SigningKey};

use super::document::{block, document, map_of};
use super::dump::{Dump, bytes_of};
use super::golden::hex;
use super::samples::{AT, LOG};
use super::vectors::{self, Made};
use super::{compare, path};
use crate::bundle::Inventoried;
use crate::checkpoint::Checkpoint;
use crate::evidence::{Audited, Evidence, Opening, Placed, Replay, Trail};
use crate::map::Standing;
use crate::note::{Kind, SignError, SignedNote, Signer, VerifierKey};
use crate::record::Record;
use crate::seal::{Binding, Leaf, open, verify_opening};
use crate::tree::{self, Node, Rows, consistency, inclusion, leaf};
use crate::{keyring::Key, record::FORMAT_VERSION};

/// How many records the golden log has before it goes on as a new generation.
const SIZE: usize = 63;
/// How many of them were replayed.
const REPLAYED: usize = 60;
/// How many of them the map is of, and the record that says so.
const MAPPED: usize = 3;
const MAP_RECORD: usize = 62;
/// The record that the receipt is for, and that a field is disclosed of.
const GIVEN: usize = 2;
/// When the witness saw the checkpoint, in seconds: 2026-01-31T09:31:20Z.
const SEEN: u64 = 1_769_851_880;

const ORIGIN: &str = "muster.example/lethe";
const WITNESS: &str = "witness.example";
const AUDITOR: &str = "auditor.example";

/// A key of the example; RFC 8032 signatures are the same every time.
struct Fixed(SigningKey);

impl Fixed {
    fn of(seed: u8) -> Self {
        Self(SigningKey::from_bytes(&[seed; 32]))
    }

    fn vkey(&self, name: &str, kind: Kind) -> VerifierKey {
        VerifierKey::new(name, kind, self.public()).unwrap()
    }
}

impl Signer for Fixed {
    fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

fn log_key() -> Fixed {
    Fixed::of(0x5e)
}

fn witness_key() -> Fixed {
    Fixed::of(0x57)
}

fn auditor_key() -> Fixed {
    Fixed::of(0x61)
}

/// A tree of less than 256 leaves has one row.
struct Leaves(Vec<Node>);

impl Rows for Leaves {
    type Error = Infallible;

    fn read(&self, row: u32, first: u64, count: usize) -> Result<Vec<Node>, Infallible> {
        assert_eq!(row, 0);
        Ok(self.0[first as usize..][..count].to_vec())
    }
}

/// All of them.
pub struct Proofs {
    pub checkpoint: SignedNote,
    pub tile: Vec<Node>,
    pub receipt: SignedNote,
    pub replay: SignedNote,
    pub evidence: Evidence,
}

pub fn proofs() -> Proofs {
    let log = vectors::log();
    let log = &log[..SIZE];
    let rows = Leaves(log.iter().map(|made| leaf(&made.record)).collect());
    let (checkpoint, receipt, replay) = (checkpoint(&rows), receipt(&log[GIVEN]), replay(&rows));
    let evidence = Evidence {
        receipt: Some(receipt.clone()),
        checkpoint: Some(checkpoint.clone()),
        replays: vec![Replay { note: replay.clone(), path: between(&rows) }],
        map: Some(placed(&rows, log, MAP_RECORD)),
        trails: vec![trail(&rows, log)],
        others: vec![placed(&rows, log, GIVEN)],
    };
    Proofs { checkpoint, tile: rows.0, receipt, replay, evidence }
}

fn root(rows: &Leaves, size: usize) -> Node {
    let Ok(root) = tree::root(rows, size as u64);
    root
}

fn way(rows: &Leaves, position: usize) -> Vec<Node> {
    let Ok(way) = inclusion(rows, position as u64, SIZE as u64);
    way
}

fn between(rows: &Leaves) -> Vec<Node> {
    let Ok(path) = consistency(rows, REPLAYED as u64, SIZE as u64);
    path
}

fn checkpoint(rows: &Leaves) -> SignedNote {
    let checkpoint = Checkpoint { origin: ORIGIN.into(), size: SIZE as u64, root: root(rows, SIZE) };
    let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
    note.sign(ORIGIN, Kind::Note, 0, &log_key()).unwrap();
    note.sign(WITNESS, Kind::Cosignature, SEEN, &witness_key()).unwrap();
    note
}

/// By the words of the document: `replay` has the code, and reads it in a test of its own.
fn receipt(made: &Made) -> SignedNote {
    let by = AT.0 + 1_000 * GIVEN as i64 + 600_000;
    let (log, hash) = (hex(&LOG.0), hex(&made.hash));
    let text = format!("lethe receipt 1\n{ORIGIN}\nlog {log}\nposition {GIVEN}\nrecord {hash}\nby {by}\n");
    let mut note = SignedNote::new(text).unwrap();
    note.sign(ORIGIN, Kind::Note, 0, &log_key()).unwrap();
    note
}

/// By the words of the document, as the receipt is.
fn replay(rows: &Leaves) -> SignedNote {
    let text = format!("lethe replay 1\n{ORIGIN}\n{REPLAYED}\n{}\n", BASE64.encode(root(rows, REPLAYED)));
    let mut note = SignedNote::new(text).unwrap();
    note.sign(AUDITOR, Kind::Note, 0, &auditor_key()).unwrap();
    note
}

fn placed(rows: &Leaves, log: &[Made], position: usize) -> Placed {
    Placed { record: log[position].record.clone(), path: Some(way(rows, position)) }
}

fn trail(rows: &Leaves, log: &[Made]) -> Trail {
    let stream = Record::parse(&log[GIVEN].record).unwrap().stream;
    let of_stream = |made: &&Made| Record::parse(&made.record).unwrap().stream == stream;
    let found: Vec<&Made> = log.iter().filter(of_stream).collect();
    let last = Record::parse(&found.last().unwrap().record).unwrap().position as usize;
    let audited = |made: &&Made| Audited {
        record: made.record.clone(),
        parts: made.entry().parts.iter().map(Inventoried::of).collect(),
    };
    Trail {
        stream,
        map: Some(map_of(&log[..MAPPED]).prove(&stream.id)),
        records: found.iter().map(audited).collect(),
        path: Some(way(rows, last)),
        openings: vec![Opening { record: 0, part: 0, leaves: disclosed(&log[GIVEN]) }],
    }
}

/// The contact, and nothing else.
fn disclosed(made: &Made) -> Vec<Leaf> {
    let record = Record::parse(&made.record).unwrap();
    let (part, key) = (&made.parts[0], Key::new(made.parts[0].key));
    let binding = Binding {
        format: FORMAT_VERSION,
        log: record.log,
        stream: record.stream,
        revision: record.revision,
        kind: record.kind,
        schema: record.version,
        part: 0,
        key: key.fingerprint(),
    };
    open(&part.sealed.bytes, &key, &binding, &part.sealed.commitment).unwrap().disclose(|leaf| leaf == 2)
}

/// What `FORMAT.md` shows of them.
pub fn blocks() -> Vec<(&'static str, String)> {
    let proofs = proofs();
    let text = |note: &SignedNote| format!("```\n{note}```\n");
    vec![
        ("checkpoint", text(&proofs.checkpoint)),
        ("policy", policy()),
        ("tile", tile(&proofs.tile)),
        ("evidence", evidence(&proofs.evidence)),
        ("receipt", text(&proofs.receipt)),
        ("replay", text(&proofs.replay)),
    ]
}

fn policy() -> String {
    let log = log_key().vkey(ORIGIN, Kind::Note);
    let witness = witness_key().vkey(WITNESS, Kind::Cosignature);
    let auditor = auditor_key().vkey(AUDITOR, Kind::Note);
    format!("```\nlog {log}\nwitness outside {witness}\nquorum outside\nreplay auditor {auditor}\n```\n")
}

fn tile(hashes: &[Node]) -> String {
    let mut out = "| at | bytes | field |\n|---:|---|---|\n".to_owned();
    for (number, hash) in hashes.iter().take(MAPPED).enumerate() {
        writeln!(out, "| {} | `{}` | leaf {number} |", 32 * number, hex(hash)).unwrap();
    }
    out
}

fn evidence(evidence: &Evidence) -> String {
    let bytes = evidence.to_bytes().unwrap();
    let mut dump = Dump::of(&bytes);
    dump.row(18, "magic", "`lethe evidence 1`, line feed, zero");
    dump.row(1, "receipt", "1: there is one");
    note_rows(&mut dump, evidence.receipt.as_ref().unwrap(), "the receipt of 11, UTF-8");
    dump.row(1, "checkpoint", "1: there is one");
    note_rows(&mut dump, evidence.checkpoint.as_ref().unwrap(), "the checkpoint of 7, UTF-8");
    dump.row(4, "count of replays", "1");
    note_rows(&mut dump, &evidence.replays[0].note, "the confirmation of 12, UTF-8");
    path_rows(&mut dump, &evidence.replays[0].path, "from 60 records to 63");
    dump.row(1, "map record", "1: there is one");
    placed_rows(&mut dump, evidence.map.as_ref().unwrap());
    dump.row(4, "count of streams", "1");
    trail_rows(&mut dump, &evidence.trails[0]);
    dump.row(4, "count of others", "1");
    placed_rows(&mut dump, &evidence.others[0]);
    dump.end()
}

fn note_rows(dump: &mut Dump<'_>, note: &SignedNote, says: &str) {
    let length = note.to_string().len();
    dump.row(4, "length of the note", &length.to_string()).row(length, "note", says);
}

fn path_rows(dump: &mut Dump<'_>, path: &[Node], says: &str) {
    dump.row(1, "count of hashes in the path", &path.len().to_string());
    for number in 0..path.len() {
        dump.row(32, &format!("hash {number}"), if number == 0 { says } else { "" });
    }
}

fn record_rows(dump: &mut Dump<'_>, bytes: &[u8]) -> u64 {
    let Record { kind, position, .. } = Record::parse(bytes).unwrap();
    let says = format!("record {position}, `{kind}`");
    dump.row(2, "length of the record", &bytes.len().to_string()).row(bytes.len(), "record", &says);
    position
}

fn placed_rows(dump: &mut Dump<'_>, placed: &Placed) {
    let position = record_rows(dump, &placed.record);
    dump.row(1, "path", "1: there is one");
    path_rows(dump, placed.path.as_ref().unwrap(), &format!("from leaf {position} up to the root over 63"));
}

fn trail_rows(dump: &mut Dump<'_>, trail: &Trail) {
    dump.rows(&[
        (1, "length of the stream's kind", "8"),
        (8, "stream kind", "`consents`"),
        (16, "stream id", ""),
        (1, "map proof", "1: there is one"),
    ]);
    let proof = trail.map.as_ref().unwrap().to_bytes().len();
    dump.row(2, "length of the map proof", &proof.to_string());
    dump.row(proof, "map proof", "as in 8: the stream has 1 record before position 3, and record 2 is the last");
    dump.row(4, "count of records", &trail.records.len().to_string());
    for audited in &trail.records {
        record_rows(dump, &audited.record);
        dump.row(1, "count of parts", "1").row(1, "presence", "1: present").row(4, "length", "");
    }
    dump.row(1, "path", "1: there is one");
    path_rows(dump, trail.path.as_ref().unwrap(), "from leaf 18, the stream's last, up to the root over 63");
    dump.rows(&[
        (4, "count of openings", "1"),
        (4, "record", "0: the first of the list, record 2"),
        (1, "part", "0"),
        (4, "count of leaves", "4"),
        (1, "leaf 0", "0: bare"),
        (32, "hash", "leaf 0 of 5, the subject"),
        (1, "leaf 1", "0: bare"),
        (32, "hash", "leaf 1 of 5, the compartment"),
        (1, "leaf 2", "1: shown"),
        (32, "salt", "salt 2 of 5"),
        (2, "length of the value", "16"),
        (16, "value", "`contact`"),
        (1, "leaf 3", "0: bare"),
        (32, "hash", "leaf 3 of 5, the words"),
    ]);
}

#[test]
fn proofs_have_the_bytes_they_always_had() {
    let proofs = proofs();
    let note = |note: &SignedNote| note.to_string().into_bytes();
    let mut out =
        "# What proves something of the first 63 records of records.txt outside: hexadecimal, notes too.\n".to_owned();
    for (name, bytes) in [
        ("checkpoint", note(&proofs.checkpoint)),
        ("tile/0/000.p/63", proofs.tile.concat()),
        ("receipt", note(&proofs.receipt)),
        ("replay", note(&proofs.replay)),
        ("evidence", proofs.evidence.to_bytes().unwrap()),
    ] {
        writeln!(out, "\n{name}\n{}", hex(&bytes)).unwrap();
    }
    compare("golden/proofs.txt", &out);
}

/// From the text alone: the table is a file that reads, it is the golden one, and what is in it holds together.
#[test]
fn the_example_evidence_proves() {
    let text = document();
    let bytes = bytes_of(&block(&text, "evidence"));
    let evidence = Evidence::parse(&bytes).unwrap();
    let golden = std::fs::read_to_string(path("golden/proofs.txt")).unwrap();
    assert!(golden.ends_with(&format!("\nevidence\n{}\n", hex(&bytes))));
    let fenced = |note: &SignedNote| format!("```\n{note}```\n");
    assert_eq!(fenced(evidence.checkpoint.as_ref().unwrap()), block(&text, "checkpoint"));
    assert_eq!(fenced(evidence.receipt.as_ref().unwrap()), block(&text, "receipt"));
    assert_eq!(fenced(&evidence.replays[0].note), block(&text, "replay"));
    let checkpoint =
        Checkpoint::open(evidence.checkpoint.as_ref().unwrap(), &log_key().vkey(ORIGIN, Kind::Note)).unwrap();
    let map = evidence.map.as_ref().unwrap();
    let record = Record::parse(&map.record).unwrap();
    let stands = |bytes: &[u8], position, path: &[Node]| {
        tree::included(leaf(bytes), position, checkpoint.size, &checkpoint.root, path).unwrap();
    };
    stands(&map.record, record.position, map.path.as_ref().unwrap());
    let trail = &evidence.trails[0];
    let last = &trail.records.last().unwrap().record;
    stands(last, Record::parse(last).unwrap().position, trail.path.as_ref().unwrap());
    let standing = trail.map.as_ref().unwrap().verify(record.facts.last_chunk().unwrap(), &trail.stream.id).unwrap();
    assert!(matches!(standing, Standing::Present(head) if head.count == 1));
    let first = Record::parse(&trail.records[0].record).unwrap();
    assert!(verify_opening(&first.personal[0].commitment, &trail.openings[0].leaves));
    assert_eq!(evidence.to_bytes().unwrap(), bytes);
}

/// The key that signs here is the one that the golden log names, for the checkpoints behind that record.
#[test]
fn the_example_checkpoint_is_by_the_key_that_the_log_names() {
    let log = vectors::log();
    let named = log[..SIZE].iter().rfind(|made| made.kind == "log.signer").unwrap();
    let public = log_key().public();
    assert!(named.facts.windows(32).any(|bytes| bytes == public));
    let shown = block(&document(), "tile");
    assert!(log[..MAPPED].iter().all(|made| shown.contains(&hex(&leaf(&made.record)))));
}
