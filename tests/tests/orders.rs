//! A key that two erasures ordered to be destroyed: either certificate excuses its parts, in whichever order they came.

use domain::event::{Event, Stream};
use domain::id::ErasureId;
use domain::subject;
use events::bundle::Presence;
use events::checkpoint::Checkpoint;
use events::log::{Entry, PartBytes};
use events::note::{FileSigner, Kind, SignedNote, Signer as _, VerifierKey};
use events::record::Record;
use events::tree::{self, Frontier};
use events::wire::{self, Written};
use replay::check::{Status, check};
use replay::copy;
use replay::gather::from_copy;
use replay::policy::Policy;
use replay::source::Source;
use replay::tiles::write_tile;
use replay::verify::{facts, verify};
use tests::forge::{Forger, apart};
use tests::powercut::check::scratch;

use crate::tamper::{assert_broken, audit, with_book};

const ANOTHER: ErasureId = ErasureId([0x77; 16]);

/// Puts an order by another erasure, which nobody certifies, for the same keys before or behind the first one.
fn order_again(forger: &mut Forger, behind: bool) {
    let at = forger.find("case.destruction-ordered");
    let (mut draft, link) = apart(&forger.entries[at].record);
    let event = facts(&Record::parse(&forger.entries[at].record).unwrap()).unwrap();
    let Event::Case(subject::Event::DestructionOrdered { keys, epoch_before, .. }) = event else { panic!("{event:?}") };
    let again = subject::Event::DestructionOrdered { erasure: ANOTHER, keys, epoch_before };
    let Written { facts, .. } = wire::write(&Event::Case(again)).unwrap();
    (draft.facts, draft.command.0) = (facts, [0x78; 16]);
    assert_eq!((draft.index, draft.count), (0, 1), "an order is a command of its own");
    let at = at + usize::from(behind);
    forger.entries.insert(at, Entry { record: draft.write(&link).unwrap(), hash: [0; 32], parts: Vec::new() });
    forger.relink(at);
}

/// The stream of the first record whose part was swept.
fn swept(forger: &Forger) -> Stream {
    let gone = |entry: &&Entry| entry.parts.iter().any(|part| matches!(part.bytes, PartBytes::Swept { .. }));
    Record::parse(&forger.entries.iter().find(gone).unwrap().record).unwrap().stream
}

/// A copy of the forged log with a checkpoint by its own key, and a policy that trusts that key.
fn published(behind: bool) -> (tempfile::TempDir, Forger, Policy) {
    let ((home, mut forger), out) = (with_book(), scratch());
    order_again(&mut forger, behind);
    forger.write(home.path());
    forger.write_mark(home.path());
    std::fs::remove_file(home.path().join("tree/checkpoint")).unwrap();
    copy::from_directory(home.path(), out.path()).unwrap();
    let (mut frontier, mut leaves) = (Frontier::new(), Vec::new());
    for entry in &forger.entries {
        leaves.push(tree::leaf(&entry.record));
        frontier.push(tree::leaf(&entry.record), &mut |_, _, _| {});
    }
    assert!(leaves.len() < 256, "one tile");
    write_tile(out.path(), 0, 0, &leaves).unwrap();
    let (signer, origin) = (FileSigner::read(&home.path().join("signer/key")).unwrap(), "muster.example/log");
    let checkpoint = Checkpoint { origin: origin.into(), size: forger.head().size, root: frontier.root() };
    let mut note = SignedNote::new(checkpoint.to_string()).unwrap();
    note.sign(origin, Kind::Note, 0, &signer).unwrap();
    std::fs::write(out.path().join("checkpoint"), note.to_string()).unwrap();
    let key = VerifierKey::new(origin, Kind::Note, signer.public()).unwrap();
    (out, forger, Policy::parse(format!("log {key}\nquorum none\n").as_bytes()).unwrap())
}

#[test]
fn either_certificate_excuses_what_is_missing() {
    for behind in [false, true] {
        let (home, mut forger) = with_book();
        let parts = verify(&Source::open(home.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap().parts;
        assert!(parts.erased > 0 && parts.residue > 0);
        order_again(&mut forger, behind);
        forger.write(home.path());
        forger.write_mark(home.path());
        let again = verify(&Source::open(home.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {});
        assert_eq!(again.map(|log| log.parts).map_err(|failed| failed.to_string()), Ok(parts), "behind: {behind}");
    }
}

#[test]
fn an_order_that_nobody_certified_excuses_nothing() {
    let (home, mut forger) = with_book();
    order_again(&mut forger, false);
    let at = forger.find("case.certified");
    forger.cut_out(forger.command(at));
    forger.relink(at);
    forger.write(home.path());
    forger.write_mark(home.path());
    let missing = forger.entries.iter().position(|entry| entry.parts.iter().any(|part| is_swept(&part.bytes))).unwrap();
    assert_broken(&audit(home.path(), None), missing as u64, "no certified erasure", "neither is certified");
}

fn is_swept(bytes: &PartBytes) -> bool {
    matches!(bytes, PartBytes::Swept { .. })
}

#[test]
fn evidence_names_the_erasure_that_was_certified() {
    for behind in [false, true] {
        let (out, forger, policy) = published(behind);
        let evidence = from_copy(&Source::open(out.path()).unwrap(), &[swept(&forger)], &[]).unwrap();
        let absent = evidence.trails[0].records.iter().flat_map(|record| &record.parts);
        assert!(absent.clone().any(|part| part.presence == Presence::Swept));
        let erasure = check(&evidence, &policy, None).erasure;
        assert_eq!(erasure.status, Status::Holds, "behind: {behind}, {erasure}");
        assert!(erasure.findings.iter().any(|finding| finding.says.contains("sealed for ever by")), "{erasure}");
        assert!(!erasure.to_string().contains(&ANOTHER.to_string()), "{erasure}");
    }
}
