//! Given an erasure that is certified, when its residues come to their ends, then.

use super::super::{
    AnchorLevel, Asked, AskedHow, Certificate, Closing, Command, CoolingOff, Ground, IdentityCheck, Request,
    SubjectKind,
};
use super::*;
use crate::aggregate::Aggregate as _;
use crate::compartment::Compartment;
use crate::id::{ActorId, KeyId, SubjectId};

const MARIA: SubjectId = SubjectId([1; 16]);
const ERASURE: ErasureId = ErasureId([4; 16]);

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// The erasure is certified on 2 March.
fn on(day: &str) -> Circumstances {
    let now = self::day(day).start();
    Circumstances { actor: ActorId([3; 16]), effective_at: now, now }
}

fn residue(kind: ResidueKind, until: Option<&str>) -> Residue {
    Residue { kind, count: None, until: until.map(day), disclosure: None }
}

fn backups() -> Residue {
    residue(ResidueKind::OldBackups, Some("2026-06-01"))
}

fn handed_out() -> Residue {
    let disclosure = Some(DisclosureId([7; 16]));
    Residue { count: Some(1), disclosure, ..residue(ResidueKind::DisclosedOpenings, Some("2026-04-01")) }
}

fn sealed_parts() -> Residue {
    Residue { count: Some(9), ..residue(ResidueKind::SealedParts, None) }
}

fn certify(residues: &[Residue]) -> Command {
    let (survives, links) = (vec![], vec![]);
    let certificate = Certificate { level: AnchorLevel::A0, epoch_before: 4, epoch_after: 5, survives, links };
    Command::Certify { erasure: ERASURE, certificate, residues: residues.to_vec() }
}

fn ordered() -> Case {
    let march = day("2026-03-01");
    let (ground, how, identity) = (Ground::Objected, AskedHow::Letter, IdentityCheck::KnownPoint);
    let asked = Asked { ground, how, on: march, identity, identity_on: march };
    let request = Request { words: None, people: vec![] };
    let closing =
        vec![Closing { subject: MARIA, closed: vec![Compartment::Relationship], stays: vec![Compartment::Claims] }];
    let keys = vec![KeyId([9; 16])];
    let mut case = Case::default();
    let other = Circumstances { actor: ActorId([2; 16]), ..on("2026-03-02") };
    for (who, command) in [
        (&other, Command::Open { subject: MARIA, kind: SubjectKind::Person }),
        (&other, Command::RequestErasure { erasure: ERASURE, asked, request }),
        (&on("2026-03-02"), Command::Approve { erasure: ERASURE }),
        (&other, Command::Fence { erasure: ERASURE, closing, keys: keys.clone(), wait: CoolingOff::NONE }),
        (&other, Command::OrderDestruction { erasure: ERASURE, keys, epoch_before: 4 }),
    ] {
        case.decide(&command, who).unwrap().iter().for_each(|event| case.evolve(event));
    }
    case
}

fn certified(residues: &[Residue]) -> Case {
    let mut case = ordered();
    let events = case.decide(&certify(residues), &on("2026-03-02")).unwrap();
    events.iter().for_each(|event| case.evolve(event));
    case
}

fn close(number: u16, end: ResidueEnd, on: &str) -> Command {
    Command::CloseResidue { erasure: ERASURE, number, end, on: day(on) }
}

/// What is said on a day, which is then so.
fn say(case: &mut Case, command: &Command, today: &str) -> Result<Vec<Event>, Rejection> {
    let events = case.decide(command, &on(today))?;
    events.iter().for_each(|event| case.evolve(event));
    Ok(events)
}

fn is_final(case: &Case) -> bool {
    case.erasures().last().unwrap().is_final
}

#[test]
fn the_certificate_is_final_at_once_where_nothing_is_left() {
    let last = |residues: &[Residue]| ordered().decide(&certify(residues), &on("2026-03-02")).unwrap().pop().unwrap();
    assert_eq!(last(&[]), Event::CertifiedFinally { erasure: ERASURE });
    let kept = residue(ResidueKind::SuppressionList, Some("2029-01-01"));
    assert_eq!(last(&[kept]), Event::CertifiedFinally { erasure: ERASURE }, "it is kept on purpose");
    let provisional = Event::ResiduesNamed { erasure: ERASURE, residues: vec![backups(), kept] };
    assert_eq!(last(&[backups(), kept]), provisional);
}

#[test]
fn the_last_residue_that_is_closed_brings_the_final_certificate() {
    use ResidueEnd::*;
    let mut case = certified(&[handed_out(), backups(), sealed_parts()]);
    assert!(!is_final(&case));
    let told = say(&mut case, &close(1, RecipientTold, "2026-03-03"), "2026-03-04").unwrap();
    let closed = Event::ResidueClosed { erasure: ERASURE, number: 1, end: RecipientTold, on: day("2026-03-03") };
    assert_eq!(told, [closed]);
    assert_eq!(say(&mut case, &close(3, Swept, "2026-03-04"), "2026-03-04").unwrap().len(), 1);
    assert!(!is_final(&case));
    let last = say(&mut case, &close(2, RanOut, "2026-06-02"), "2026-06-02").unwrap();
    assert_eq!(last.last(), Some(&Event::CertifiedFinally { erasure: ERASURE }));
    assert!(is_final(&case));
}

#[test]
fn a_day_is_over_when_it_is_over_and_a_day_that_nobody_named_never_is() {
    let mut case = certified(&[backups(), residue(ResidueKind::MemoryImages, None)]);
    let early = Rejection::NotRunOut { number: 1, until: Some(day("2026-06-01")) };
    let run_out = |number, today| close(number, ResidueEnd::RanOut, today);
    assert_eq!(say(&mut case, &run_out(1, "2026-06-01"), "2026-06-01"), Err(early));
    let never = Rejection::NotRunOut { number: 2, until: None };
    assert!(never.to_string().contains("nobody has said"));
    assert_eq!(say(&mut case, &run_out(2, "2099-06-01"), "2099-06-01"), Err(never));
    assert!(say(&mut case, &run_out(1, "2026-06-02"), "2026-06-02").is_ok());
    assert!(say(&mut case, &close(2, ResidueEnd::Destroyed, "2026-06-02"), "2026-06-02").is_ok());
    assert!(is_final(&case));
}

/// The ledger knows what is on its list; nobody says of it that it was destroyed.
#[test]
fn the_suppression_list_is_not_destroyed_by_word() {
    let mut case = certified(&[backups(), residue(ResidueKind::SuppressionList, Some("2026-03-02"))]);
    let refused = say(&mut case, &close(2, ResidueEnd::Destroyed, "2026-03-03"), "2026-03-03");
    assert!(matches!(refused, Err(Rejection::OtherEnd { .. })), "{refused:?}");
    assert!(say(&mut case, &close(2, ResidueEnd::RanOut, "2026-03-03"), "2026-03-03").is_ok());
}

#[test]
fn a_residue_is_closed_once_and_as_its_kind_ends() {
    let mut case = certified(&[handed_out(), sealed_parts()]);
    for number in [0, 3, u16::MAX] {
        let none = Err(Rejection::NoSuchResidue(number));
        assert_eq!(say(&mut case, &close(number, ResidueEnd::Destroyed, "2026-03-03"), "2026-03-03"), none);
    }
    for (number, end) in [(1, ResidueEnd::Swept), (1, ResidueEnd::RanOut), (2, ResidueEnd::Destroyed)] {
        let refused = say(&mut case, &close(number, end, "2026-09-01"), "2026-09-01").unwrap_err();
        assert!(matches!(refused, Rejection::OtherEnd { .. }), "{refused}: what was handed out ends by no clock");
    }
    let tomorrow = say(&mut case, &close(1, ResidueEnd::Destroyed, "2026-03-04"), "2026-03-03");
    assert_eq!(tomorrow, Err(Rejection::FutureEnd(day("2026-03-04"))));
    say(&mut case, &close(1, ResidueEnd::CannotBeTold, "2026-03-03"), "2026-03-03").unwrap();
    let twice = say(&mut case, &close(1, ResidueEnd::RecipientTold, "2026-03-05"), "2026-03-05");
    assert_eq!(twice, Err(Rejection::ResidueClosed { number: 1, on: day("2026-03-03") }));
}

#[test]
fn what_is_found_later_is_named_until_the_certificate_is_final() {
    let mut case = certified(&[sealed_parts()]);
    let name = |residues: &[Residue]| Command::NameResidues { erasure: ERASURE, residues: residues.to_vec() };
    assert_eq!(say(&mut case, &name(&[]), "2026-03-03"), Err(Rejection::NoResidueNamed));
    let named = say(&mut case, &name(&[backups()]), "2026-03-03").unwrap();
    assert_eq!(named, [Event::ResiduesNamed { erasure: ERASURE, residues: vec![backups()] }]);
    say(&mut case, &close(1, ResidueEnd::Swept, "2026-03-03"), "2026-03-03").unwrap();
    assert!(!is_final(&case), "numbers go on");
    say(&mut case, &close(2, ResidueEnd::Destroyed, "2026-03-03"), "2026-03-03").unwrap();
    assert!(is_final(&case));
    assert_eq!(say(&mut case, &name(&[backups()]), "2026-03-03"), Err(Rejection::AlreadyFinal));
    let many = vec![backups(); RESIDUES + 1];
    assert_eq!(say(&mut certified(&[backups()]), &name(&many), "2026-03-03"), Err(Rejection::TooManyResidues));
}

/// Ledgers from before residues have certificates and nothing behind them.
#[test]
fn an_old_certificate_is_final_when_somebody_says_that_nothing_is_left() {
    let mut case = ordered();
    let survives = vec![];
    let certificate = Certificate { level: AnchorLevel::A0, epoch_before: 4, epoch_after: 5, survives, links: vec![] };
    case.evolve(&Event::Certified { erasure: ERASURE, certificate });
    assert!(!is_final(&case));
    let nothing = Command::NameResidues { erasure: ERASURE, residues: vec![] };
    let said = say(&mut case, &nothing, "2026-03-03").unwrap();
    assert_eq!(said.last(), Some(&Event::CertifiedFinally { erasure: ERASURE }));
    assert_eq!(say(&mut case, &nothing, "2026-03-03"), Err(Rejection::AlreadyFinal));
}

#[test]
fn nothing_that_is_not_certified_has_residues() {
    let mut case = ordered();
    let early = say(&mut case, &close(1, ResidueEnd::Destroyed, "2026-03-03"), "2026-03-03").unwrap_err();
    assert_eq!(
        early.to_string(),
        "this erasure is ordered to be destroyed; only one that is certified can be rid of a residue"
    );
    let name = Command::NameResidues { erasure: ERASURE, residues: vec![backups()] };
    assert!(matches!(say(&mut case, &name, "2026-03-03"), Err(Rejection::OutOfOrder { .. })));
}
