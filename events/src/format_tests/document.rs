//! `FORMAT.md`: its tables are made here, and read again from its text alone.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use blake3::derive_key;

use super::dump::{Dump, bytes_of};
use super::golden::{hex, unhex};
use super::journal::{Files, files};
use super::samples::LOG;
use super::vectors::{self, Made};
use super::{blessed, path, proofs, tables};
use crate::chain::{Chain, StreamHead};
use crate::keyring::example::example;
use crate::map::{MapProof, Standing, StreamMap};
use crate::record::{self, Hash};

const NAME: &str = "FORMAT.md";

pub fn document() -> String {
    std::fs::read_to_string(path(NAME)).unwrap()
}

fn marks(block: &str) -> (String, String) {
    (format!("<!-- made: {block} -->\n"), format!("<!-- end: {block} -->\n"))
}

/// What stands between the marks of a block.
pub fn block(document: &str, name: &str) -> String {
    let (begin, end) = marks(name);
    let (_, behind) = document.split_once(&begin).unwrap_or_else(|| panic!("{NAME} has no block {name}"));
    behind.split_once(&end).unwrap_or_else(|| panic!("block {name} has no end")).0.to_owned()
}

/// Every block that is made.
fn blocks() -> Vec<(&'static str, String)> {
    let (log, files, keyring) = (vectors::log(), files(), example(LOG));
    let mut all = vec![
        ("record", registered(&log[1])),
        ("hashes", hashes(&log[..3])),
        ("facts", facts(&log[2])),
        ("clear", clear(&log[2])),
        ("associated", associated(&log[2])),
        ("sealed", sealed(&log[2])),
        ("leaves", leaves(&log[2])),
        ("segment", segment(&files)),
        ("frame", frame(&files, &log[2])),
        ("mark", mark(&files)),
        ("inventory", inventory(&files)),
        ("map", map(&log[..3])),
        ("map-proof", map_proof(&log[..3])),
        ("header", header(&keyring.header)),
        ("node", node(&keyring.node)),
        ("added", added(&keyring.added)),
        ("child", child(&keyring.added_clear)),
        ("leaf", node(&keyring.leaf)),
        ("slots", slots(&keyring.leaf_clear)),
        ("marks", key_marks(&keyring.marks)),
        ("suppressed", suppressed(&keyring.suppressed)),
        ("entries", suppressed_entries(&keyring.suppressed_clear)),
        ("root", root(&keyring.root)),
        ("backup", format!("```text\n{}```\n", crate::backup::example())),
        ("streams", tables::streams()),
        ("kinds", tables::kinds()),
        ("structures", tables::structures()),
        ("codes", tables::codes()),
    ];
    all.extend(proofs::blocks());
    all
}

#[test]
fn the_document_shows_what_the_code_does() {
    let mut text = document();
    for (name, made) in blocks() {
        let shown = block(&text, name);
        if blessed() {
            let (begin, end) = marks(name);
            text = text.replace(&format!("{begin}{shown}{end}"), &format!("{begin}{made}{end}"));
            continue;
        }
        for (shown, made) in shown.lines().zip(made.lines()) {
            assert_eq!(shown, made, "block {name} of {NAME}");
        }
        assert_eq!(shown, made, "block {name} of {NAME}");
    }
    if blessed() {
        std::fs::write(path(NAME), text).unwrap();
    }
}

/// From the text alone: the bytes of the table hash to the hash that is shown, and the next record has it inside.
#[test]
fn the_example_record_is_a_record() {
    let text = document();
    let bytes = bytes_of(&block(&text, "record"));
    let hashes = block(&text, "hashes");
    assert!(hashes.contains(&hex(&derive_key("lethe 2026 record v1", &bytes))), "the hash of the table's bytes");
    let mut chain = Chain::new();
    let log = vectors::log();
    chain.take(&log[0].record).unwrap();
    let (record, hash) = chain.take(&bytes).unwrap();
    assert_eq!((record.kind, record.personal.len()), ("contact.registered", 1));
    let (next, _) = chain.take(&log[2].record).unwrap();
    assert_eq!(next.previous, hash);
}

/// From the text alone: facts, clear text, associated data and sealed part are those of the third record.
#[test]
fn the_example_part_is_the_one_of_its_record() {
    let (text, log) = (document(), vectors::log());
    let table = |name| bytes_of(&block(&text, name));
    let record = record::Record::parse(&log[2].record).unwrap();
    assert_eq!(table("facts"), record.facts);
    let part = &log[2].parts[0];
    assert_eq!((part.key, part.salt, part.nonce), ([0xc2; 32], [0x82; 64], [0x41; 24]), "the text names the key");
    let (clear, associated, sealed) = (table("clear"), table("associated"), table("sealed"));
    assert_eq!(sealed.len(), 1 + 24 + clear.len() + 16);
    assert!(table("frame").ends_with(&sealed));
    assert!(associated.ends_with(&record.personal[0].key.0));
    assert!(block(&text, "leaves").contains(&hex(&record.personal[0].commitment)));
}

#[test]
fn every_context_is_in_the_document_and_no_other() {
    let mut used = BTreeSet::new();
    collect(&path("src"), &mut used);
    let text = document();
    let shown: BTreeSet<String> =
        text.split(['`', '"']).filter(|word| word.starts_with("lethe 2026")).map(str::to_owned).collect();
    assert_eq!(used, shown);
}

/// The contexts in the sources, but for those of tests.
fn collect(dir: &std::path::Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.contains("tests") {
            collect(&path, found);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            let source = std::fs::read_to_string(&path).unwrap();
            found.extend(source.split('"').filter(|word| word.starts_with("lethe 2026")).map(str::to_owned));
        }
    }
}

fn registered(made: &Made) -> String {
    Dump::of(&made.record)
        .rows(&[
            (1, "format version", "1"),
            (1, "suite", "1"),
            (16, "log id", ""),
            (8, "position", "1: the second record"),
            (8, "recorded_at", "1,769,851,801,000 ms: 2026-01-31T09:30:01.000Z"),
            (8, "effective_at", "1,769,851,800,500 ms: half a second earlier"),
            (1, "length of the kind", "18"),
            (18, "kind", "`contact.registered`"),
            (2, "schema version", "1: which row of the table of kinds the facts are read by"),
            (1, "length of the stream's kind", "7"),
            (7, "stream kind", "`contact`"),
            (16, "stream id", "the contact's id"),
            (8, "revision", "0: the first of its stream"),
            (32, "previous hash", "the hash of record 0"),
            (32, "previous hash in the stream", "zeros: there is none"),
            (16, "actor", ""),
            (16, "command id", ""),
            (2, "index", "0: the first record of its command"),
            (2, "count", "1: and the only one"),
            (1, "causation", "0: no record is named as the one that led here"),
            (2, "length of the facts", "9"),
            (2, "source", "1: `WEB_FORM`, by the table of codes"),
            (2, "reason", "3: `CONSENT`"),
            (1, "hold_until", "1: there is one"),
            (4, "", "21,000 days after 1970-01-01: 2027-07-01"),
            (1, "count of sealed parts", "1"),
            (2, "compartment code", "1: relationship"),
            (4, "compartment bucket", "0"),
            (16, "key id", "the fingerprint of the key that the part is sealed under"),
            (32, "commitment", "to the fields of the part, see 5"),
        ])
        .end()
}

fn hashes(log: &[Made]) -> String {
    let mut out = "| record | kind | bytes | hash |\n|---:|---|---:|---|\n".to_owned();
    for (position, made) in log.iter().enumerate() {
        out += &format!("| {position} | `{}` | {} | `{}` |\n", made.kind, made.record.len(), hex(&made.hash));
    }
    out
}

fn facts(made: &Made) -> String {
    Dump::of(&made.facts)
        .rows(&[
            (8, "about.purpose: length", "10; `about` is a structure: nothing stands before its first field"),
            (10, "about.purpose", "`newsletter`"),
            (2, "about.channel", "1: `EMAIL`"),
            (16, "about.point", "an array: no length before it"),
            (1, "shown", "1: there is one"),
            (16, "shown.notice", ""),
            (4, "shown.version", "3"),
            (32, "shown.hash", ""),
            (1, "valid_until", "1: there is one"),
            (4, "", "21,000: the day 2027-07-01"),
            (2, "way.source", "1: `WEB_FORM`"),
            (2, "way.method", "2: `CHECKBOX`"),
            (2, "evidence", "2: `AGENTS_WORD`"),
        ])
        .end()
}

fn clear(made: &Made) -> String {
    let part = &made.parts[0];
    let plain = &part.plain;
    let (code, bucket) = plain.compartment.code();
    let mut bytes = [&part.salt[..], &plain.subject.0, &code.to_be_bytes(), &bucket.to_be_bytes()].concat();
    for field in &plain.fields {
        bytes.extend((field.len() as u16).to_be_bytes());
        bytes.extend(field);
    }
    Dump::of(&bytes)
        .rows(&[
            (64, "salt of the part", "random; fixed here"),
            (16, "subject", "stands nowhere outside sealed parts"),
            (2, "compartment code", "5: consent-proof"),
            (4, "compartment bucket", "0"),
            (2, "length of field 0", "16"),
            (16, "contact", "field 0 of the part of `consents.given`"),
            (2, "length of field 1", "1"),
            (1, "words", "field 1: 0, there are none"),
        ])
        .end()
}

fn associated(made: &Made) -> String {
    Dump::of(&made.parts[0].associated)
        .rows(&[
            (1, "format version of the record", "1"),
            (16, "log id", ""),
            (1, "length", "8"),
            (8, "stream kind", "`consents`"),
            (16, "stream id", ""),
            (8, "revision", "0"),
            (1, "length", "14"),
            (14, "kind", "`consents.given`"),
            (2, "schema version", "1"),
            (1, "number of the part in its record", "0"),
            (16, "key id", ""),
        ])
        .end()
}

fn sealed(made: &Made) -> String {
    let part = &made.parts[0];
    Dump::of(&part.sealed.bytes)
        .rows(&[
            (1, "suite", "1"),
            (24, "nonce", "random; fixed here"),
            (part.sealed.bytes.len() - 41, "ciphertext", "of the clear text above"),
            (16, "tag", ""),
        ])
        .end()
}

/// Leaves by the words of the document, and not by the code of `seal`.
fn leaves(made: &Made) -> String {
    let part = &made.parts[0];
    let (code, bucket) = part.plain.compartment.code();
    let compartment = [&code.to_be_bytes()[..], &bucket.to_be_bytes()].concat();
    let mut values = vec![("subject", part.plain.subject.0.to_vec()), ("compartment", compartment)];
    values.extend(["contact", "words"].into_iter().zip(part.plain.fields.clone()));
    let mut list = (values.len() as u32).to_be_bytes().to_vec();
    let mut out = "| i | value | salt i | leaf i |\n|---:|---|---|---|\n".to_owned();
    for (index, (name, value)) in (0_u32..).zip(values) {
        let index_bytes = index.to_be_bytes();
        let salt = derive_key("lethe 2026-11 seal: leaf salt", &[&part.salt[..], &index_bytes].concat());
        let leaf = derive_key("lethe 2026-11 seal: leaf", &[&salt[..], &index_bytes, &value].concat());
        list.extend(leaf);
        out += &format!("| {index} | {name} | `{}` | `{}` |\n", hex(&salt), hex(&leaf));
    }
    let commitment = derive_key("lethe 2026-11 seal: commitment", &list);
    assert_eq!(commitment, part.sealed.commitment);
    out + &format!("\nCommitment: `{}`\n", hex(&commitment))
}

fn segment(files: &Files) -> String {
    Dump::of(&files.segment)
        .rows(&[
            (8, "magic", "`LETHESEG`"),
            (2, "version", "1"),
            (16, "log id", ""),
            (8, "first position", "0"),
            (32, "hash of the record before", "zeros: there is none"),
            (8, "size of the file", "16,096"),
            (16, "checksum", "`derive_key` of all above, first 16 bytes"),
            (4006, "padding", ""),
        ])
        .end()
}

fn frame(files: &Files, made: &Made) -> String {
    let (record, part) = (made.record.len(), made.parts[0].sealed.bytes.len());
    let (length, head) = (format!("{record}"), format!("{}: up to the end of the checksum", 32 + record + 42 + 16));
    Dump::of(&files.frames[2])
        .rows(&[
            (4, "magic", "`LFRM`"),
            (4, "length of the head", &head),
            (4, "length of the parts", &format!("{part}")),
            (8, "first position", "2"),
            (4, "count of records", "1"),
            (4, "count of parts", "1"),
            (4, "length of the record", &length),
            (record, "record 2", "the canonical bytes"),
            (4, "part header: record", "0: the first record of this frame"),
            (2, "part header: part", "0: the first of that record"),
            (16, "part header: key id", "as in the record"),
            (4, "part header: length", &format!("{part}")),
            (16, "part header: checksum", "of the part's bytes"),
            (16, "checksum", "of all above: the end of the head"),
            (part, "part", "the sealed part of 5"),
        ])
        .end()
}

fn mark(files: &Files) -> String {
    Dump::of(&files.mark)
        .rows(&[
            (8, "magic", "`LETHEMRK`"),
            (2, "version", "1"),
            (16, "log id", ""),
            (8, "counter", "3: the fourth write, so it stands in slot 1"),
            (8, "size", "3 records"),
            (32, "hash of the last", "of record 2"),
            (8, "recorded_at of the last", "2026-01-31T09:30:02.000Z"),
            (8, "size of the last signed checkpoint", "0: none yet"),
            (32, "hash of the last signed checkpoint", ""),
            (16, "checksum", "`derive_key` of all above, first 16 bytes"),
        ])
        .end()
}

fn inventory(files: &Files) -> String {
    Dump::of(&files.inventory)
        .rows(&[
            (1, "count of parts of record 0", "0"),
            (1, "count of parts of record 1", "1"),
            (1, "presence", "1: present"),
            (4, "length", ""),
            (1, "count of parts of record 2", "1"),
            (1, "presence", "1: present"),
            (4, "length", "148, as in the frame"),
        ])
        .end()
}

/// The heads behind some records, as a reader keeps them.
fn heads(log: &[Made]) -> Vec<StreamHead> {
    let mut chain = Chain::new();
    let streams: Vec<_> = log.iter().map(|made| chain.take(&made.record).unwrap().0.stream.id).collect();
    streams.iter().map(|id| *chain.stream(id).unwrap()).collect()
}

pub fn map_of(log: &[Made]) -> StreamMap {
    let mut map = StreamMap::new();
    heads(log).iter().for_each(|head| map.put(head));
    map
}

fn map(log: &[Made]) -> String {
    let mut out = "| hash of | over | |\n|---|---|---|\n".to_owned();
    let mut row = |name: &str, over: &str, hash: Hash| writeln!(out, "| {name} | {over} | `{}` |", hex(&hash)).unwrap();
    for head in heads(log) {
        let over = format!("`{}`, {}, its last record", head.stream, head.count);
        row(&format!("leaf of the {}", head.stream.kind.name()), &over, map_of_one(head));
    }
    row("node 2", "leaf of the log, leaf of the contact", map_of(&log[..2]).root());
    row("node 1, the root", "node 2, leaf of the consents", map_of(log).root());
    row("the empty map", "nothing", StreamMap::new().root());
    out
}

fn map_of_one(head: StreamHead) -> Hash {
    let mut map = StreamMap::new();
    map.put(&head);
    map.root()
}

fn map_proof(log: &[Made]) -> String {
    let contact = heads(log)[1].stream.id;
    Dump::of(&map_of(log).prove(&contact).to_bytes())
        .rows(&[
            (1, "leaf", "1: it follows; 0 and nothing more for the empty map"),
            (16, "stream id", "the contact's id"),
            (1, "length of the stream's kind", "7"),
            (7, "stream kind", "`contact`"),
            (8, "count", "1 record"),
            (32, "head", "the hash of record 1"),
            (1, "nodes on the way", "2"),
            (1, "bit", "1: the root"),
            (32, "hash on the other side", "leaf of the consents"),
            (1, "bit", "2"),
            (32, "hash on the other side", "leaf of the log"),
        ])
        .end()
}

/// The root of the table is the one that the golden log names, in its `log.map` and nowhere else.
#[test]
fn the_example_map_is_that_of_the_golden_log() {
    let hashes = block(&document(), "map");
    let log = vectors::log();
    let maps: Vec<_> = log.iter().filter(|made| made.kind == "log.map").collect();
    let [map] = maps[..] else { panic!("{} maps", maps.len()) };
    let root = map.facts.last_chunk::<32>().unwrap();
    assert!(hashes.contains(&format!("the root | node 2, leaf of the consents | `{}`", hex(root))));
}

/// From the text alone: the proof leads to the root that the table shows, for the contact and for an id without a stream.
#[test]
fn the_example_map_proof_proves() {
    let text = document();
    let proof = MapProof::parse(&bytes_of(&block(&text, "map-proof"))).unwrap();
    let hashes = block(&text, "map");
    let root = hashes.lines().find(|line| line.contains("the root")).and_then(|line| line.split('`').nth(1)).unwrap();
    let root: Hash = unhex(root).try_into().unwrap();
    let contact = heads(&vectors::log()[..3])[1];
    assert_eq!(proof.verify(&root, &contact.stream.id), Ok(Standing::Present(contact)));
    assert_eq!(proof.verify(&root, &[0x30; 16]), Ok(Standing::Absent));
}

fn header(bytes: &[u8]) -> String {
    Dump::of(bytes)
        .rows(&[
            (16, "magic", "`lethe keyring 2`, line feed"),
            (2, "version", "2"),
            (1, "sectors", "1: 512 bytes"),
            (16, "log id", ""),
            (8, "counter", "4: the fifth header"),
            (8, "epoch", "1 destruction"),
            (8, "leaves", "2"),
            (8, "highest root", "2"),
            (1, "clearing", "0: nothing is left of the last rotation"),
            (1, "members", "1"),
            (8, "member: root", "2: its number in the anchor"),
            (1, "member: length of its identity", "37"),
            (37, "member: who it is", "`file`, a space, and the id of the directory"),
            (2, "member: length of the sealed top key", "72"),
            (24, "top key: nonce", ""),
            (32, "top key: ciphertext", ""),
            (16, "top key: tag", ""),
            (24, "top node: nonce", ""),
            (33, "top node: ciphertext", "of side b and the node's key"),
            (16, "top node: tag", ""),
            (512 - 294, "padding", ""),
            (32, "check", "`derive_key` of all above"),
        ])
        .end()
}

fn node(bytes: &[u8]) -> String {
    let leaf = bytes[8] == 0;
    Dump::of(bytes)
        .rows(&[
            (8, "magic", "`LETHENOD`"),
            (1, "level", if leaf { "0: a leaf" } else { "1: its children are leaves" }),
            (8, "index", "0: the first of its level"),
            (24, "nonce", ""),
            (16 * 33, "ciphertext", if leaf { "of 16 slots" } else { "of the first child, and of zeros" }),
            (16, "tag", ""),
        ])
        .end()
}

fn added(bytes: &[u8]) -> String {
    Dump::of(bytes).rows(&[(24, "nonce", ""), (33, "ciphertext", "of the child"), (16, "tag", "")]).end()
}

fn child(bytes: &[u8]) -> String {
    Dump::of(bytes).rows(&[(1, "side", "1: a"), (32, "key of the node", "")]).end()
}

fn slots(bytes: &[u8]) -> String {
    Dump::of(bytes)
        .rows(&[
            (1, "slot 0", "2: destroyed"),
            (16, "fingerprint", ""),
            (8, "epoch", "1: when it was destroyed"),
            (8, "padding", ""),
            (1, "slot 1", "1: a key"),
            (32, "key", ""),
            (14 * 33, "slots 2 to 15", "like slot 1"),
        ])
        .end()
}

fn key_marks(bytes: &[u8]) -> String {
    Dump::of(bytes)
        .rows(&[
            (16, "magic", "`lethe key marks`, line feed"),
            (16, "log id", ""),
            (8, "counter", "1 write"),
            (4, "count", "1 run of slots"),
            (8, "first", "slot 2"),
            (4, "how many", "14"),
            (1, "mark", "2: retired"),
            (32, "check", "`derive_key` of all above"),
        ])
        .end()
}

fn suppressed(bytes: &[u8]) -> String {
    Dump::of(bytes)
        .rows(&[
            (16, "magic", "`lethe suppressed`"),
            (16, "log id", ""),
            (8, "counter", "2 writes"),
            (2, "count of keys", "1"),
            (16, "key id", "the key of slot 1"),
            (2, "year", "2026"),
            (4, "length", "552"),
            (24, "nonce", ""),
            (512, "ciphertext", ""),
            (16, "tag", ""),
            (32, "check", "`derive_key` of all above"),
        ])
        .end()
}

fn suppressed_entries(bytes: &[u8]) -> String {
    Dump::of(bytes)
        .rows(&[
            (4, "count of entries", "2"),
            (32, "hash", ""),
            (4, "until", "21,914 days after 1970-01-01: 2029-12-31"),
            (1, "length of the purpose", "0: all direct contact"),
            (1, "erasure", "1: it is not certified yet"),
            (16, "its id", ""),
            (32, "hash", "of the same address"),
            (4, "until", ""),
            (1, "length of the purpose", "10"),
            (10, "purpose", "`newsletter`"),
            (1, "erasure", "0: none"),
            (406, "room", "up to a multiple of 512"),
        ])
        .end()
}

fn root(bytes: &[u8]) -> String {
    Dump::of(bytes)
        .rows(&[
            (16, "magic", "`lethe root file`, line feed"),
            (16, "log id", ""),
            (8, "number", "2"),
            (32, "root", "random; fixed here"),
            (32, "check", "`derive_key` of all above"),
        ])
        .end()
}
