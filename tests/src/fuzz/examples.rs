//! What the targets begin with: the golden files of the formats, and a time stamp that OpenSSL made.

use events::evidence::Evidence;
use events::note::SignedNote;
use events::proof::{Consistency, Inclusion};

const RECORDS: &str = include_str!("../../../events/golden/records.txt");
const FILES: &str = include_str!("../../../events/golden/files.txt");
const PROOFS: &str = include_str!("../../../events/golden/proofs.txt");

/// The keys of the golden log: the policy that `FORMAT.md` shows.
pub const POLICY: &str = "\
log muster.example/lethe+c48afa72+AYFGZA8CSTr0+8VP4zOI513CyTeuC3cnzCsq+xt1GZo+
witness outside witness.example+19b14a2c+BMhAafoiFsbtwdUsqDqhHCZ91UQK+lJgkMpD69DKhqnP
quorum outside
replay auditor auditor.example+7ddadd4d+Aa8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd
";

/// A policy with every kind of line.
const LONG_POLICY: &str = "\
# a comment
log muster.example/lethe+c48afa72+AYFGZA8CSTr0+8VP4zOI513CyTeuC3cnzCsq+xt1GZo+ https://muster.example/log
witness own\twitness.example+19b14a2c+BMhAafoiFsbtwdUsqDqhHCZ91UQK+lJgkMpD69DKhqnP https://w.example
operator own
group first any own
group both 1 first
quorum both
replay auditor auditor.example+7ddadd4d+Aa8Go+MpFxTk81bBnJsVzRlR7G5mYqp3vgdUfyiTgzQd
";

/// What the token is a stamp of.
pub const STAMPED: &[u8] = b"lethe\n";
/// The stamp.
pub const TOKEN: &[u8] = include_bytes!("../../../fuzz/seeds/token.tsr");
/// Who made it.
pub const CERTIFICATE: &[u8] = include_bytes!("../../../fuzz/seeds/certificate.der");
/// Asked like that.
const REQUEST: &[u8] = include_bytes!("../../../fuzz/seeds/request.tsq");

/// The bytes of a golden file below a name.
fn below(file: &str, name: &str) -> Vec<u8> {
    let (_, behind) = file.split_once(&format!("\n{name}\n")).unwrap();
    unhex(behind.lines().next().unwrap())
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// One of the golden proofs.
pub fn proof(name: &str) -> Vec<u8> {
    below(PROOFS, name)
}

fn text(name: &str) -> Vec<u8> {
    SignedNote::parse(&proof(name)).unwrap().text().into()
}

pub fn note() -> Vec<Vec<u8>> {
    ["checkpoint", "receipt", "replay"].map(proof).into()
}

pub fn vkey() -> Vec<Vec<u8>> {
    POLICY.split_whitespace().filter(|word| word.contains('+')).map(|key| key.as_bytes().to_vec()).collect()
}

pub fn checkpoint() -> Vec<Vec<u8>> {
    let text = text("checkpoint");
    vec![[&text[..], b"an extension\n"].concat(), text]
}

pub fn inclusion() -> Vec<Vec<u8>> {
    let evidence = Evidence::parse(&proof("evidence")).unwrap();
    let (path, note) = (evidence.others[0].path.clone().unwrap(), evidence.checkpoint.unwrap());
    let of = |extra| Inclusion { extra, index: 2, path: path.clone(), note: note.clone() };
    [None, Some(b"extra".to_vec())].map(|extra| of(extra).to_string().into_bytes()).into()
}

pub fn consistency() -> Vec<Vec<u8>> {
    let mut evidence = Evidence::parse(&proof("evidence")).unwrap();
    let path = evidence.replays.remove(0).path;
    vec![Consistency { old: 60, path, note: evidence.checkpoint.unwrap() }.to_string().into()]
}

pub fn add_checkpoint() -> Vec<Vec<u8>> {
    consistency()
}

pub fn evidence() -> Vec<Vec<u8>> {
    vec![proof("evidence"), Evidence::default().to_bytes().unwrap()]
}

pub fn map_proof() -> Vec<Vec<u8>> {
    let evidence = Evidence::parse(&proof("evidence")).unwrap();
    let proof = evidence.trails[0].map.as_ref().unwrap().to_bytes();
    vec![proof, vec![0]]
}

/// All of the golden log.
pub fn record() -> Vec<Vec<u8>> {
    RECORDS.lines().filter_map(|line| line.strip_prefix("record ")).map(|digits| unhex(digits.trim())).collect()
}

pub fn entries() -> Vec<Vec<u8>> {
    vec![below(FILES, "tile/entries/000.p/3")]
}

pub fn inventory() -> Vec<Vec<u8>> {
    vec![below(FILES, "tile/inventory/000.p/3")]
}

pub fn policy() -> Vec<Vec<u8>> {
    [POLICY, LONG_POLICY].map(|policy| policy.as_bytes().to_vec()).into()
}

pub fn receipt() -> Vec<Vec<u8>> {
    vec![text("receipt")]
}

pub fn replayed() -> Vec<Vec<u8>> {
    vec![text("replay")]
}

pub fn timestamp() -> Vec<Vec<u8>> {
    vec![TOKEN.to_vec()]
}

pub fn request() -> Vec<Vec<u8>> {
    vec![REQUEST.to_vec()]
}
