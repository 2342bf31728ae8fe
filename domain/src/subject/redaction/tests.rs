use super::super::{
    AnchorLevel, Asked, AskedHow, Closing, Command as CaseCommand, CoolingOff, Ground, Holding, IdentityCheck, Request,
    SubjectKind,
};
use super::*;
use crate::aggregate::Aggregate as _;
use crate::event::StreamKind;
use crate::id::{HoldId, SubjectId};
use crate::personal::Gone;

const MARIA: SubjectId = SubjectId([1; 16]);
const REDACTION: ErasureId = ErasureId([4; 16]);
const OTHER: ErasureId = ErasureId([5; 16]);
const STREAM: Stream = Stream { kind: StreamKind::Contact, id: [7; 16] };
const AGENT: u8 = 2;
const ANNA: u8 = 3;
const BERT: u8 = 5;

fn on(actor: u8, day: &str) -> Circumstances {
    let now = day.parse::<Day>().unwrap().start();
    Circumstances { actor: ActorId([actor; 16]), effective_at: now, now }
}

fn wanted(what: What) -> Wanted {
    Wanted { stream: STREAM, what, words: Text::parse("wrong person").ok() }
}

fn ask(redaction: ErasureId, compartment: Compartment, purge_on: Option<&str>) -> CaseCommand {
    let purge_on = purge_on.map(|day| day.parse().unwrap());
    let what = if purge_on.is_some() { What::Node } else { What::Fields(vec![12]) };
    CaseCommand::Redaction(Command::Request { redaction, compartment, wanted: wanted(what), purge_on })
}

fn request() -> CaseCommand {
    ask(REDACTION, Compartment::Relationship, None)
}

fn withdraw() -> CaseCommand {
    CaseCommand::Redaction(Command::Withdraw { redaction: REDACTION })
}

fn part(position: u64) -> PartOf {
    PartOf { position, part: 0 }
}

fn plan() -> Plan {
    let lost = Resealed { moved: vec![Moved { of: part(3), gone: vec![13] }], dropped: vec![] };
    let rest = Resealed { moved: vec![Moved { of: part(9), gone: vec![] }], dropped: vec![part(10)] };
    Plan { from: KeyId([8; 16]), to: Some(KeyId([9; 16])), resealed: vec![lost, rest], epoch_before: 4 }
}

fn carry_out() -> CaseCommand {
    CaseCommand::Redaction(Command::CarryOut { redaction: REDACTION, plan: plan() })
}

fn certify(epoch_before: u64) -> CaseCommand {
    let certificate =
        Certificate { level: AnchorLevel::A0, epoch_before, epoch_after: 5, survives: vec![], links: vec![] };
    CaseCommand::Certify { erasure: REDACTION, certificate, residues: vec![] }
}

fn given(commands: &[(u8, CaseCommand)]) -> Case {
    let mut case = Case::default();
    let open = (AGENT, CaseCommand::Open { subject: MARIA, kind: SubjectKind::Person });
    for (actor, command) in std::iter::once(&open).chain(commands) {
        for event in case.decide(command, &on(*actor, "2026-03-02")).unwrap() {
            case.evolve(&event);
        }
    }
    case
}

fn refused(case: &Case, actor: u8, command: &CaseCommand) -> Rejection {
    case.decide(command, &on(actor, "2026-03-02")).unwrap_err()
}

fn stage(case: &Case) -> Stage {
    case.redactions().last().unwrap().stage
}

#[test]
fn what_goes_is_sealed_under_claims_and_the_rest_stays() {
    let events = given(&[]).decide(&request(), &on(AGENT, "2026-03-02")).unwrap();
    let wanted = Held::new(MARIA, Compartment::Claims, wanted(What::Fields(vec![12])));
    let (redaction, by, compartment) = (REDACTION, ActorId([AGENT; 16]), Compartment::Relationship);
    let requested = Event::Requested { redaction, by, compartment, purge_on: None, wanted };
    assert_eq!(events, [CaseEvent::Redaction(requested)]);
}

/// The approval, what is moved, and the order are one command: no crash comes between them.
#[test]
fn a_second_person_has_it_carried_out_at_once() {
    let mut case = given(&[(AGENT, request())]);
    assert_eq!(refused(&case, AGENT, &carry_out()), NotRedacted::ApprovingOwn.into());
    let events = case.decide(&carry_out(), &on(ANNA, "2026-03-02")).unwrap();
    let more: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            CaseEvent::Redaction(Event::Resealed { more, .. }) => Some(*more),
            _ => None,
        })
        .collect();
    assert_eq!(more, [true, false]);
    assert_eq!(events[0], CaseEvent::Redaction(Event::Approved { redaction: REDACTION }));
    let keys = vec![KeyId([8; 16])];
    assert_eq!(events[3], CaseEvent::DestructionOrdered { erasure: REDACTION, keys, epoch_before: 4 });
    events.iter().for_each(|event| case.evolve(event));
    assert_eq!(stage(&case), Stage::DestructionOrdered);
    let again = NotRedacted::OutOfOrder { stage: Stage::DestructionOrdered, act: "carried out" };
    assert_eq!(refused(&case, BERT, &carry_out()), again.into());
    assert_eq!(
        refused(&case, ANNA, &withdraw()),
        NotRedacted::OutOfOrder { stage: Stage::DestructionOrdered, act: "withdrawn" }.into()
    );
    assert!(matches!(refused(&case, ANNA, &certify(3)), Rejection::Epochs { .. }), "of an earlier destruction");
    for event in case.decide(&certify(4), &on(ANNA, "2026-03-02")).unwrap() {
        case.evolve(&event);
    }
    assert_eq!(stage(&case), Stage::Certified);
}

#[test]
fn nothing_is_carried_out_that_nobody_asked_for_or_that_takes_nothing() {
    let case = given(&[(AGENT, request())]);
    let other = CaseCommand::Redaction(Command::CarryOut { redaction: OTHER, plan: plan() });
    assert_eq!(refused(&case, ANNA, &other), NotRedacted::NoSuch(OTHER).into());
    let stays = Resealed { moved: vec![Moved { of: part(3), gone: vec![] }], dropped: vec![] };
    for resealed in [vec![], vec![stays]] {
        let empty = Command::CarryOut { redaction: REDACTION, plan: Plan { resealed, ..plan() } };
        assert_eq!(refused(&case, ANNA, &CaseCommand::Redaction(empty)), NotRedacted::Nothing.into());
    }
    let case = given(&[(AGENT, request()), (AGENT, withdraw())]);
    assert_eq!(stage(&case), Stage::Withdrawn);
    let late = NotRedacted::OutOfOrder { stage: Stage::Withdrawn, act: "carried out" };
    assert_eq!(refused(&case, ANNA, &carry_out()), late.into());
    let early = NotRedacted::OutOfOrder { stage: Stage::Withdrawn, act: "certified" };
    assert_eq!(refused(&case, ANNA, &certify(4)), early.into());
}

#[test]
fn a_hold_in_force_stops_it_and_one_of_something_else_does_not() {
    for (compartments, stops) in [(vec![], true), (vec![Compartment::Support(2026)], false)] {
        let hold = HoldId([6; 16]);
        let review_on = "2026-09-01".parse().unwrap();
        let holding = Holding { compartments, review_on, matter: Text::parse("12 C 345/26").unwrap() };
        let case = given(&[
            (AGENT, request()),
            (ANNA, CaseCommand::PlaceHold { hold, holding }),
            (BERT, CaseCommand::ApproveHold { hold }),
        ]);
        let done = case.decide(&carry_out(), &on(ANNA, "2026-03-02"));
        assert_eq!(done.is_err(), stops, "{done:?}");
        assert_eq!(done.err(), stops.then_some(Rejection::OnHold { hold, review_on }));
    }
}

#[test]
fn what_a_fence_took_is_not_redacted_as_well() {
    let (identity, on_day) = (IdentityCheck::KnownPoint, "2026-02-02".parse().unwrap());
    let asked = Asked { ground: Ground::Objected, how: AskedHow::Letter, on: on_day, identity, identity_on: on_day };
    let (closed, stays) = (vec![Compartment::Relationship], vec![Compartment::Claims]);
    let closing = vec![Closing { subject: MARIA, closed, stays }];
    let keys = vec![KeyId([8; 16])];
    let case = given(&[
        (AGENT, request()),
        (
            AGENT,
            CaseCommand::RequestErasure { erasure: OTHER, asked, request: Request { words: None, people: vec![] } },
        ),
        (ANNA, CaseCommand::Approve { erasure: OTHER }),
        (ANNA, CaseCommand::Fence { erasure: OTHER, closing, keys, wait: CoolingOff::NONE }),
    ]);
    assert_eq!(refused(&case, BERT, &carry_out()), NotRedacted::UnderWay(OTHER).into());
    let reused = ask(OTHER, Compartment::Relationship, None);
    assert_eq!(refused(&case, AGENT, &reused), Rejection::ErasureIdUsed(OTHER), "no id is used twice");
}

#[test]
fn what_proves_something_or_the_law_keeps_is_not_redacted_by_field() {
    let fiscal = Compartment::Fiscal(crate::compartment::Country(*b"DE"), 2026);
    for kept in [Compartment::Claims, Compartment::ConsentProof, fiscal] {
        let asked = ask(REDACTION, kept, None);
        assert_eq!(refused(&given(&[]), AGENT, &asked), NotRedacted::Kept(kept).into());
    }
    for goes in [Compartment::Relationship, Compartment::Support(2026), Compartment::Sales(2026)] {
        given(&[(AGENT, ask(REDACTION, goes, None))]);
    }
}

#[test]
fn the_bin_keeps_what_is_in_it_until_its_day_and_not_twice() {
    let purge_on = "2026-04-01";
    let case = given(&[(AGENT, ask(REDACTION, Compartment::Relationship, Some(purge_on)))]);
    let early = NotRedacted::TooEarly(purge_on.parse().unwrap());
    assert_eq!(refused(&case, ANNA, &carry_out()), early.into());
    assert_eq!(case.decide(&carry_out(), &on(ANNA, "2026-03-31")), Err(early.into()));
    assert!(case.decide(&carry_out(), &on(ANNA, purge_on)).is_ok());
    assert_eq!(case.decide(&carry_out(), &on(AGENT, purge_on)), Err(NotRedacted::ApprovingOwn.into()));
    let twice = ask(OTHER, Compartment::Relationship, Some(purge_on));
    assert_eq!(refused(&case, AGENT, &twice), NotRedacted::InBin(REDACTION).into());
    let over = ask(OTHER, Compartment::Relationship, Some("2026-03-02"));
    assert_eq!(refused(&given(&[]), AGENT, &over), NotRedacted::PurgeOver("2026-03-02".parse().unwrap()).into());
    let taken_out = given(&[(AGENT, ask(REDACTION, Compartment::Relationship, Some(purge_on))), (BERT, withdraw())]);
    assert!(taken_out.decide(&twice, &on(AGENT, "2026-03-02")).is_ok());
}

/// A case that cannot be read says neither whose it is nor what was to go.
#[test]
fn nothing_is_asked_or_done_in_a_case_that_is_gone() {
    for (gone, rejection) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Withheld)] {
        let mut case = Case::default();
        case.evolve(&CaseEvent::Opened { kind: SubjectKind::Person, subject: Held::Gone(gone) });
        assert_eq!(refused(&case, AGENT, &request()), rejection);
        let (by, compartment) = (ActorId([AGENT; 16]), Compartment::Relationship);
        let wanted = Held::Gone(gone);
        case.evolve(&CaseEvent::Redaction(Event::Requested {
            redaction: REDACTION,
            by,
            compartment,
            purge_on: None,
            wanted,
        }));
        assert_eq!(refused(&case, ANNA, &carry_out()), rejection);
    }
}
