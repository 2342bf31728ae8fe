//! Erasures that meet, are cut off, or are too large: no order blocks a start, and no fence outlives its erasure.

use domain::aggregate::Aggregate;
use domain::compartment::Compartment;
use domain::event::Event;
use domain::id::{ActorId, CaseId, ErasureId, KeyId};
use domain::organization::{self, Organization};
use domain::register::{self, CompartmentKind, Register, Retention, Rule};
use domain::subject::{self, Case, Certificate, Request, Stage, StillLinks, SubjectKind, UnfenceGround};
use events::keyring::KeyState;
use events::ledger::{Accepted, Clock, Directory, EraseError, Fresh, Intent, Ledger};
use events::log::{Log, PartBytes};
use replay::rebuild;
use tests::acts::{self, AGENT, Act, NOW, OFFICER, REGISTER, ask_for, doomed, perform, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::collected::Collected;
use tests::powercut::check::scratch;

const MARIA: Someone = Someone(1);
const ANNA: Someone = Someone(2);
const COMPANY: Someone = Someone(3);

fn intent<A: Aggregate>(id: [u8; 16], actor: ActorId, command: A::Command) -> Intent<A> {
    let (effective_at, expected, reads, keys, fresh) = (None, None, Vec::new(), Vec::new(), Fresh::new());
    let command_id = Fresh::new().id().unwrap();
    Intent { id, command, command_id, actor, effective_at, expected, reads, keys, fresh }
}

fn say<A: Aggregate>(ledger: &Ledger<Collected>, id: [u8; 16], command: A::Command) -> Accepted {
    ledger.submit_blocking::<A>(&intent(id, AGENT, command)).unwrap()
}

/// An organization that asks to be forgotten, with some of its people.
fn requested_with(ledger: &Ledger<Collected>, people: &[Someone]) -> (CaseId, ErasureId) {
    let subject = COMPANY.subject();
    let register = organization::Command::Register {
        subject,
        holding: domain::holding::Holding {
            source: domain::holding::SourceKind::WebForm,
            reason: domain::holding::ReasonKind::Contract,
            hold_until: None,
        },
        profile: Box::new(COMPANY.company()),
        policy: domain::profile::FieldPolicy::default(),
    };
    say::<Organization>(ledger, COMPANY.organization().0, register);
    let (case, erasure) = (acts::case(COMPANY), acts::erasure(COMPANY));
    say::<Case>(ledger, case.0, subject::Command::Open { subject, kind: SubjectKind::Organization });
    let asked = subject::Asked {
        ground: subject::Ground::NoLongerNecessary,
        how: subject::AskedHow::Letter,
        on: NOW.day(),
        identity: subject::IdentityCheck::SignedIn,
        identity_on: NOW.day(),
    };
    let request = Request { words: None, people: people.iter().map(Someone::subject).collect() };
    say::<Case>(ledger, case.0, subject::Command::RequestErasure { erasure, asked, request });
    (case, erasure)
}

fn approve(ledger: &Ledger<Collected>, case: CaseId, erasure: ErasureId) -> Result<Accepted, EraseError> {
    let approval = intent::<Case>(case.0, OFFICER, subject::Command::Approve { erasure });
    ledger.approve_erasure(REGISTER, case, erasure, &approval, subject::CoolingOff::NONE)
}

fn stage(ledger: &Ledger<Collected>, case: CaseId) -> Stage {
    ledger.state::<Case>(&case.0).unwrap().1.erasures().last().unwrap().stage
}

fn certificate(ledger: &Ledger<Collected>, case: CaseId) -> Certificate {
    let found = book::read_all(ledger).unwrap().into_iter().find_map(|recorded| match recorded.event {
        Event::Case(subject::Event::Certified { certificate, .. }) if recorded.place.stream.id == case.0 => {
            Some(certificate)
        }
        _ => None,
    });
    found.unwrap()
}

/// Up to the order of destruction, as a crash right behind it leaves it.
fn order(ledger: &Ledger<Collected>, case: CaseId) -> Vec<KeyId> {
    let (_, state) = ledger.state::<Case>(&case.0).unwrap();
    let open = state.open_erasure().unwrap();
    let (erasure, keys, epoch_before) = (open.id, open.keys.clone(), ledger.keyring().epoch());
    let order = subject::Command::OrderDestruction { erasure, keys: keys.clone(), epoch_before };
    say::<Case>(ledger, case.0, order);
    keys
}

/// Claims go with the relationship, so that nothing of a case can be read behind its erasure.
fn claims_die(ledger: &Ledger<Collected>) {
    let retention = Retention { kind: CompartmentKind::Claims, country: None, rule: Rule::DiesWithRelationship };
    say::<Register>(ledger, REGISTER.0, register::Command::SetRetention(retention));
}

/// Two erasures took the same keys: the second found them destroyed, its order never got its certificate, and no later
/// start succeeded.
#[test]
fn an_erasure_waits_for_another_that_takes_the_same_keys() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    perform_all(&ledger, MARIA, &[Act::Contact, Act::Case, Act::Link, Act::Request]);
    let (case, erasure) = requested_with(&ledger, &[MARIA]);
    approve(&ledger, case, erasure).unwrap();
    let own = (acts::case(MARIA), acts::erasure(MARIA));
    let refused = approve(&ledger, own.0, own.1).unwrap_err().to_string();
    assert!(refused.contains(&erasure.to_string()) && refused.contains("under way"), "{refused}");
    assert_eq!(stage(&ledger, own.0), Stage::Requested, "nothing was written");

    ledger.lift_fence(case, erasure, AGENT, UnfenceGround::Mistake, None).unwrap();
    approve(&ledger, own.0, own.1).unwrap();
    let again =
        ledger.fence_approved(REGISTER, case, erasure, OFFICER, subject::CoolingOff::NONE).unwrap_err().to_string();
    assert!(again.contains("under way"), "{again}");
    ledger.destroy_fenced(REGISTER, own.0, own.1, OFFICER).unwrap();
    ledger.fence_approved(REGISTER, case, erasure, OFFICER, subject::CoolingOff::NONE).unwrap();
    ledger.destroy_fenced(REGISTER, case, erasure, OFFICER).unwrap();
    drop(ledger);
    let ledger = book::open(home.path()).unwrap();
    assert_eq!((stage(&ledger, case), stage(&ledger, own.0)), (Stage::Certified, Stage::Certified));
}

/// Whoever decides beside the plan meets the writer's guard.
#[test]
fn the_writer_fences_no_key_twice() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    perform_all(&ledger, MARIA, &[Act::Contact, Act::Case, Act::Link, Act::Request, Act::Approve]);
    let (case, erasure) = requested_with(&ledger, &[MARIA]);
    approve(&ledger, case, erasure).unwrap();
    let refused = perform(&ledger, MARIA, Act::Fence).unwrap_err();
    assert!(refused.contains("being erased"), "{refused}");
    ledger.destroy_fenced(REGISTER, case, erasure, OFFICER).unwrap();
    drop(ledger);
    book::open(home.path()).unwrap();
}

#[test]
fn keys_that_are_found_destroyed_do_not_keep_an_order_from_its_certificate() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    perform_all(&ledger, MARIA, &[Act::Contact]);
    perform_all(&ledger, MARIA, &Act::TO_THE_FENCE);
    ledger.keyring().destroy(&doomed(&ledger, MARIA.subject())).unwrap();
    perform_all(&ledger, MARIA, &[Act::Order]);
    drop(ledger);
    let ledger = book::open(home.path()).unwrap();
    let certificate = certificate(&ledger, acts::case(MARIA));
    assert_eq!((certificate.epoch_before, certificate.epoch_after), (0, 1), "as it was found");
}

/// The server did not start, and `lethe clock confirm` needs the ledger open.
#[test]
fn a_clock_in_doubt_keeps_no_ordered_key_alive_and_no_ledger_from_its_start() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    perform_all(&ledger, MARIA, &[Act::Contact]);
    perform_all(&ledger, MARIA, &Act::TO_THE_FENCE);
    let keys = order(&ledger, acts::case(MARIA));
    drop(ledger);

    let directory = Directory::open(home.path(), book::options(), &|_, _| {}).unwrap();
    let behind = Clock::set_to(NOW.plus_ms(-10_000));
    let (ledger, booted) = rebuild::boot(directory, Collected::default(), behind, &|_, _| {}).unwrap();
    assert_eq!((booted.finished, booted.waiting), (0, 1));
    assert!(booted.residue.is_empty(), "what has no certificate is not swept");
    assert!(keys.iter().all(|key| matches!(ledger.keyring().state(key), KeyState::Erased { .. })));
    assert_eq!(stage(&ledger, acts::case(MARIA)), Stage::DestructionOrdered);
    ledger.confirm_clock().unwrap();
    let finished = ledger.finish_erasures(Some(REGISTER)).unwrap();
    assert_eq!((finished.certified, finished.waiting, finished.keys), (1, 0, keys));
    assert_eq!(stage(&ledger, acts::case(MARIA)), Stage::Certified);
    drop(ledger);
    let (_, booted) = book::boot(home.path()).unwrap();
    assert_eq!((booted.finished, booted.waiting), (0, 0));
}

/// The approval was durable and its fence did not fit into a record, whenever it was tried.
#[test]
fn what_cannot_be_fenced_is_not_approved() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    let people: Vec<Someone> = (100..230).map(Someone).collect();
    for who in &people {
        perform_all(&ledger, *who, &[Act::Contact, Act::Consent, Act::Case]);
    }
    let (case, erasure) = requested_with(&ledger, &people);
    let refused = approve(&ledger, case, erasure).unwrap_err().to_string();
    assert!(refused.contains("255"), "{refused}");
    assert_eq!(stage(&ledger, case), Stage::Requested);
}

/// The last key of a person was destroyed, and a command that had read whose it is before made a new one.
#[test]
fn an_erased_person_gets_no_new_key() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    perform_all(&ledger, MARIA, &[Act::Contact]);
    let (case, erasure) = requested_with(&ledger, &[MARIA]);
    approve(&ledger, case, erasure).unwrap();
    ledger.destroy_fenced(REGISTER, case, erasure, OFFICER).unwrap();
    assert_eq!(ledger.owners().keys_of(MARIA.subject()), []);
    let refused = ask_for(&ledger, MARIA, ANNA).unwrap_err();
    assert!(refused.contains("being erased"), "{refused}");
}

/// A fence also closes people of whom nothing dies, and they stayed closed for ever.
#[test]
fn a_lifted_fence_opens_everybody_it_closed() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    perform_all(&ledger, MARIA, &[Act::Case]);
    perform_all(&ledger, ANNA, &[Act::Contact]);
    let (case, erasure) = requested_with(&ledger, &[MARIA, ANNA]);
    approve(&ledger, case, erasure).unwrap();
    let closed = |ledger: &Ledger<Collected>, who| perform(ledger, who, Act::Contact).unwrap_err();
    assert!(closed(&ledger, MARIA).contains("being erased"));
    drop(ledger);
    let ledger = book::open(home.path()).unwrap();
    assert!(closed(&ledger, MARIA).contains("being erased"), "closed after a restart too");
    ledger.lift_fence(case, erasure, AGENT, UnfenceGround::Mistake, None).unwrap();
    perform(&ledger, MARIA, Act::Contact).unwrap();
    perform(&ledger, ANNA, Act::Rename).unwrap();
    drop(ledger);
    let ledger = book::open(home.path()).unwrap();
    perform(&ledger, MARIA, Act::Consent).unwrap();
}

#[test]
fn what_a_crash_left_to_sweep_is_swept() {
    let home = scratch();
    let ledger = book::open_or_create(home.path()).unwrap();
    for who in [MARIA, ANNA] {
        perform_all(&ledger, who, &[Act::Contact, Act::Case, Act::Request, Act::Approve, Act::Fence]);
    }
    let ordered = order(&ledger, acts::case(MARIA));
    let destroyed = doomed(&ledger, ANNA.subject());
    acts::destroy(&ledger, ANNA).unwrap();
    let part = ledger.log().read(0, usize::MAX).unwrap().into_iter().flat_map(|entry| entry.parts);
    let part = part.into_iter().find_map(|part| match part.bytes {
        PartBytes::Present(bytes) if destroyed.contains(&part.key) => Some(bytes),
        _ => None,
    });
    drop(ledger);
    // A sweep that was cut off in the middle of its only part.
    cut_into(home.path(), &part.unwrap());

    let (ledger, booted) = book::boot(home.path()).unwrap();
    let mut residue = booted.residue;
    let mut expected = [ordered, destroyed].concat();
    residue.sort_unstable();
    expected.sort_unstable();
    assert_eq!(residue, expected);
    ledger.sweep(&residue).unwrap();
    drop(ledger);
    assert_eq!(book::boot(home.path()).unwrap().1.residue, []);
}

/// Overwrites the first half of a part with zeros.
fn cut_into(home: &std::path::Path, part: &[u8]) {
    let files = std::fs::read_dir(home.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    for path in files {
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(part.len()).position(|window| window == part) {
            bytes[at..at + part.len() / 2].fill(0);
            return std::fs::write(path, bytes).unwrap();
        }
    }
    panic!("the part is in no file");
}

/// Whose the keys were can be read no more: the certificate said less than one that was made at once.
#[test]
fn a_certificate_after_a_crash_says_what_it_would_have_said() {
    let certified = |crash: bool| {
        let home = scratch();
        let mut ledger = book::open_or_create(home.path()).unwrap();
        claims_die(&ledger);
        perform_all(&ledger, MARIA, &[Act::Contact, Act::Consent]);
        perform_all(&ledger, ANNA, &[Act::Contact]);
        let (case, erasure) = requested_with(&ledger, &[MARIA, ANNA]);
        approve(&ledger, case, erasure).unwrap();
        if crash {
            let keys = order(&ledger, case);
            ledger.keyring().destroy(&keys).unwrap();
            drop(ledger);
            ledger = book::open(home.path()).unwrap();
        } else {
            ledger.destroy_fenced(REGISTER, case, erasure, OFFICER).unwrap();
        }
        certificate(&ledger, case)
    };
    let (at_once, after) = (certified(false), certified(true));
    assert_eq!(at_once.survives.len(), 1);
    assert_eq!(at_once.survives[0].compartment, Compartment::ConsentProof);
    let still = [StillLinks::CloseInTime, StillLinks::KeptKeys, StillLinks::OtherSystems];
    assert_eq!(at_once.links, still);
    assert_eq!(after, at_once);
}
