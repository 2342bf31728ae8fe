//! Golden bytes: every kind in every version that was ever written.

use std::fmt::Write as _;

use super::{compare, path, vectors};
use crate::chain::Chain;
use crate::keyring::Key;
use crate::record::{FORMAT_VERSION, Record};
use crate::seal::{Binding, open};
use crate::wire;
use domain::personal::Held;

const FILE: &str = "golden/records.txt";

const INTRODUCTION: &str = "\
# One log with at least one record of every kind: the test vectors of FORMAT.md. All values are hexadecimal.
# A record's sealed parts follow it, each with key, salt, nonce and the bytes of its fields.
# They are samples, one kind after the other: chain, streams and map hold, and the whole does not verify, for the hash in
# record 57 is not that of the notice's text.
";

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_kind_has_the_bytes_it_always_had() {
    let mut out = INTRODUCTION.to_owned();
    for (position, made) in vectors::log().iter().enumerate() {
        writeln!(out, "\n{position} {} {}", made.kind, made.version).unwrap();
        writeln!(
            out,
            "facts      {}\nrecord     {}\nhash       {}",
            if made.facts.is_empty() { "none".to_owned() } else { hex(&made.facts) },
            hex(&made.record),
            hex(&made.hash)
        )
        .unwrap();
        for (number, part) in made.parts.iter().enumerate() {
            writeln!(out, "part {number}\n  key        {}\n  salt       {}", hex(&part.key), hex(&part.salt)).unwrap();
            writeln!(out, "  nonce      {}\n  subject    {}", hex(&part.nonce), hex(&part.plain.subject.0)).unwrap();
            writeln!(out, "  compartment {}", part.plain.compartment).unwrap();
            for field in &part.plain.fields {
                let bytes = if field.is_empty() { "gone".to_owned() } else { hex(field) };
                writeln!(out, "  field      {bytes}").unwrap();
            }
            writeln!(out, "  sealed     {}\n  commitment {}", hex(&part.sealed.bytes), hex(&part.sealed.commitment))
                .unwrap();
        }
    }
    compare(FILE, &out);
}

/// The lines of the golden file with this name, as bytes, with the position they stand under.
fn kept(name: &str) -> Vec<(usize, Vec<u8>)> {
    let text = std::fs::read_to_string(path(FILE)).unwrap();
    let mut position = 0;
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if let Ok(number) = first.parse() {
            position = number;
        }
        if first == name {
            found.push((position, unhex(second)));
        }
    }
    found
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The file alone, read with the code of today: a chain that holds, into its second generation, facts and parts that read.
#[test]
fn the_golden_log_reads_as_a_log() {
    let (records, hashes, keys, sealed) = (kept("record"), kept("hash"), kept("key"), kept("sealed"));
    let mut chain = Chain::new();
    for ((position, bytes), (_, expected)) in records.iter().zip(hashes) {
        let (record, hash) = chain.take(bytes).unwrap();
        assert_eq!(hash[..], expected[..], "hash of record {position}");
        let of = |all: &[(usize, Vec<u8>)]| -> Vec<Vec<u8>> {
            all.iter().filter(|(at, _)| at == position).map(|(_, bytes)| bytes.clone()).collect()
        };
        let (keys, sealed) = (of(&keys), of(&sealed));
        assert_eq!(sealed.len(), record.personal.len(), "parts of record {position}");
        let parts = record.personal.iter().enumerate().map(|(number, part)| {
            let key = Key::new(keys[number].clone().try_into().unwrap());
            let plain = open(&sealed[number], &key, &binding(&record, number), &part.commitment).unwrap().plain;
            Held::new(plain.subject, plain.compartment, plain.fields.clone())
        });
        wire::read(record.kind, record.version, record.facts, parts.collect()).unwrap();
    }
    assert_eq!(chain.end().unwrap().size, records.len() as u64);
    let origins: Vec<_> = chain.generations().iter().map(|generation| generation.origin.as_str()).collect();
    assert_eq!(origins, ["muster.example/lethe", "muster.example/lethe-2"]);
}

pub fn binding<'a>(record: &Record<'a>, number: usize) -> Binding<'a> {
    Binding {
        format: FORMAT_VERSION,
        log: record.log,
        stream: record.stream,
        revision: record.revision,
        kind: record.kind,
        schema: record.version,
        part: number as u8,
        key: record.personal[number].key,
    }
}

#[test]
fn no_kind_is_without_golden_bytes() {
    let made = vectors::log();
    for shape in wire::shapes() {
        let found = made.iter().any(|made| (made.kind, made.version) == (shape.kind, shape.version));
        assert!(found, "{} version {} has no golden record: add one to samples.rs", shape.kind, shape.version);
    }
}
