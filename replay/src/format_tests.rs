//! `FORMAT.md` against this crate: what it shows of receipts, confirmations by replay and evidence is what the code here
//! reads, writes and believes. The examples themselves are made in `events`.

use domain::id::LogId;
use domain::subject::StillLinks;
use domain::time::Time;
use events::checkpoint::Checkpoint;
use events::evidence::Evidence;
use events::note::{FileSigner, SignedNote};
use events::tree;

use crate::check::{Status, check};
use crate::countersign::Replayed;
use crate::policy::Policy;
use crate::receipt::Receipt;

const DOCUMENT: &str = include_str!("../../events/FORMAT.md");
const PROOFS: &str = include_str!("../../events/golden/proofs.txt");

/// The text between the fences of a block.
fn shown(block: &str) -> &'static str {
    let (_, behind) = DOCUMENT.split_once(&format!("<!-- made: {block} -->\n```\n")).unwrap();
    behind.split_once("```\n").unwrap().0
}

fn note(block: &str) -> SignedNote {
    SignedNote::parse(shown(block).as_bytes()).unwrap()
}

fn golden(name: &str) -> Vec<u8> {
    let (_, behind) = PROOFS.split_once(&format!("\n{name}\n")).unwrap();
    let digits = behind.lines().next().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn policy() -> Policy {
    Policy::parse(shown("policy").as_bytes()).unwrap()
}

/// A key file as section 6 has it, with one byte 32 times.
fn signer(byte: u8) -> FileSigner {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(&path, format!("lethe signing key 1\n{}\n", format!("{byte:02x}").repeat(32))).unwrap();
    FileSigner::read(&path).unwrap()
}

#[test]
fn the_example_receipt_is_what_the_code_signs() {
    let receipt = Receipt::open(&note("receipt"), &policy().logs()[0].key).unwrap();
    assert_eq!((receipt.log, receipt.position, receipt.by), (LogId([0x10; 16]), 2, Time(1_769_852_402_000)));
    assert_eq!(receipt.sign(&signer(0x5e)).unwrap().to_string(), shown("receipt"));
    assert_eq!(golden("receipt"), shown("receipt").as_bytes());
}

#[test]
fn the_example_confirmation_is_what_the_code_signs() {
    let (note, policy) = (note("replay"), policy());
    let replayed = Replayed::open(&note, &policy.replays()[0].key).unwrap();
    assert_eq!(replayed.size, 60);
    assert_eq!(replayed.sign("auditor.example", &signer(0x61)).unwrap().to_string(), shown("replay"));
    assert_eq!(golden("replay"), shown("replay").as_bytes());
    let evidence = Evidence::parse(&golden("evidence")).unwrap();
    let checkpoint = Checkpoint::open(&self::note("checkpoint"), &policy.logs()[0].key).unwrap();
    assert!(replayed.agrees(&checkpoint, &evidence.replays[0].path));
}

#[test]
fn the_example_tile_has_the_root_of_the_checkpoint() {
    let tile = golden("tile/0/000.p/63");
    let (leaves, rest) = tile.as_chunks::<32>();
    let mut frontier = tree::Frontier::new();
    leaves.iter().for_each(|leaf| frontier.push(*leaf, &mut |_, _, _| ()));
    let checkpoint = Checkpoint::parse(note("checkpoint").text()).unwrap();
    assert_eq!((rest.len(), frontier.size(), frontier.root()), (0, checkpoint.size, checkpoint.root));
}

/// The document's policy judges the document's evidence: what it says of each verdict is what comes out.
#[test]
fn the_example_evidence_holds_by_the_example_policy() {
    let evidence = Evidence::parse(&golden("evidence")).unwrap();
    let checked = check(&evidence, &policy(), None);
    let all = [&checked.integrity, &checked.completeness, &checked.anchoring, &checked.erasure];
    assert!(all.iter().all(|verdict| verdict.status == Status::Holds), "{checked}");
    let words = checked.to_string();
    for said in [
        "its 1 records in the first 3 are all there are",
        "5 records are newer than the map",
        "auditor has replayed the first 60 records",
        "outside, a witness, has cosigned them at 2026-01-31T09:31:20.000Z",
        "It kept its word",
        "6 sealed parts are there",
        "contact: 20202020202020202020202020202020",
    ] {
        assert!(words.contains(said), "{said:?} is not in\n{words}");
    }
}

/// Nothing in the file is beside the point: whichever byte of the example changes, it is no evidence any more or something
/// else is said of it. Only how long a sealed part is stands there as the operator's word alone.
#[test]
fn no_byte_of_the_example_evidence_can_change() {
    let (bytes, policy) = (golden("evidence"), policy());
    let whole = Evidence::parse(&bytes).unwrap();
    let good = check(&whole, &policy, None).to_string();
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 1 << (at % 8);
        let Ok(mut evidence) = Evidence::parse(&bent) else { continue };
        let said = check(&evidence, &policy, None).to_string();
        let lines = |evidence: &mut Evidence| {
            let parts = evidence.trails.iter_mut().flat_map(|trail| &mut trail.records).flat_map(|of| &mut of.parts);
            parts.for_each(|part| part.length = 0);
        };
        let mut original = whole.clone();
        lines(&mut original);
        lines(&mut evidence);
        assert!(said != good || evidence == original, "byte {at}");
    }
}

/// Who writes a certificate anew from the document alone needs every word of it.
#[test]
fn every_line_of_a_certificate_stands_in_the_document() {
    let sources = [include_str!("certificate/text.rs"), include_str!("certificate/words.rs")].concat();
    let joined: String = sources.split("\\\n").map(|piece| piece.trim_start_matches(' ')).collect();
    let code = joined.lines().filter(|line| !line.trim_start().starts_with(['/', '#']));
    let literals = code.flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    let links = StillLinks::ALL.iter().map(|link| link.words().to_owned());
    let mut words = 0;
    for text in literals.chain(links).filter(|text| text.contains(char::is_lowercase) && !text.contains('{')) {
        let text = text.trim();
        assert!(DOCUMENT.contains(text), "{text:?} is not in the document");
        words += 1;
    }
    assert!(words > 100, "{words} texts");
}
