//! Given a case, when its retention is over, then.

use super::*;
use crate::aggregate::Aggregate as _;
use crate::compartment::Country;
use crate::id::HoldId;
use crate::subject::{AnchorLevel, Certificate, Closed, Command, Holding, Request, UnfenceGround};
use crate::value::Text;

const MARIA: SubjectId = SubjectId([1; 16]);
const TIMER: ActorId = ActorId([2; 16]);
const DPO: ActorId = ActorId([3; 16]);
const RUN: ErasureId = ErasureId([4; 16]);
const SUPPORT: Compartment = Compartment::Support(2026);

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn at(actor: ActorId, today: &str) -> Circumstances {
    let now = day(today).start();
    Circumstances { actor, effective_at: now, now }
}

fn end(compartment: Compartment, until: &str) -> Survivor {
    Survivor { compartment, basis: Line::parse("no longer needed").unwrap(), until: day(until) }
}

fn over() -> Over {
    Over {
        erasure: RUN,
        subject: MARIA,
        kind: SubjectKind::Person,
        over: vec![end(SUPPORT, "2028-12-31")],
        keys: vec![KeyId([7; 16])],
        stays: vec![Compartment::Relationship],
        wait: CoolingOff::NONE,
    }
}

fn told(steps: &[(Command, Circumstances)]) -> Result<Case, Rejection> {
    let mut case = Case::default();
    for (command, when) in steps {
        for event in case.decide(command, when)? {
            case.evolve(&event);
        }
    }
    Ok(case)
}

fn fenced() -> Case {
    told(&[(Command::FenceRetention(over()), at(TIMER, "2029-01-01"))]).unwrap()
}

fn confirm(confirmed: Confirmed) -> Command {
    Command::ConfirmRetention { erasure: RUN, confirmed }
}

fn order() -> Command {
    Command::OrderDestruction { erasure: RUN, keys: vec![KeyId([7; 16])], epoch_before: 4 }
}

fn outside(time: Time) -> Confirmed {
    let by = Line::parse("witness.example/w1").unwrap();
    Confirmed::Outside(OutsideTime { source: OutsideSource::Witness, at: time, by, size: 9 })
}

#[test]
fn what_is_over_is_fenced_in_a_case_that_is_opened_for_it_and_says_why() {
    let events = Case::default().decide(&Command::FenceRetention(over()), &at(TIMER, "2029-01-01")).unwrap();
    let claims = Compartment::Claims;
    let closed = vec![Held::new(MARIA, claims, Closed { compartments: vec![SUPPORT] })];
    assert_eq!(
        events,
        [
            Event::Opened { kind: SubjectKind::Person, subject: Held::new(MARIA, claims, ()) },
            Event::RetentionOver {
                erasure: RUN,
                by: TIMER,
                on: day("2029-01-01"),
                over: vec![end(SUPPORT, "2028-12-31")]
            },
            Event::Fenced { erasure: RUN, compartments: vec![SUPPORT], keys: vec![KeyId([7; 16])], closed },
        ]
    );
    let case = fenced();
    assert_eq!((case.erasures()[0].stage, case.open_erasure()), (Stage::Fenced, None), "nobody asked for it");
    let again = case.decide(&Command::FenceRetention(over()), &at(TIMER, "2029-01-02"));
    assert_eq!(again, Err(Rejection::ErasureIdUsed(RUN)));
}

#[test]
fn nothing_is_fenced_on_its_last_day() {
    let says = Case::default().decide(&Command::FenceRetention(over()), &at(TIMER, "2028-12-31"));
    assert_eq!(says, Err(Rejection::NotOver { compartment: SUPPORT, until: day("2028-12-31") }));
}

#[test]
fn vouchers_wait_a_day_outside_a_demo() {
    let fiscal = Compartment::Fiscal(Country(*b"DE"), 2026);
    let wait = CoolingOff { asked_ms: 0, is_demo: false };
    let over = Over { over: vec![end(fiscal, "2034-12-31")], wait, ..over() };
    let case = told(&[
        (Command::FenceRetention(over), at(TIMER, "2035-01-01")),
        (confirm(Confirmed::Person), at(DPO, "2035-01-01")),
    ]);
    let case = case.unwrap();
    let until = day("2035-01-02").start();
    assert_eq!(case.decide(&order(), &at(DPO, "2035-01-01")), Err(Rejection::CoolingOff(until)));
    assert!(case.decide(&order(), &at(DPO, "2035-01-02")).is_ok());
}

#[test]
fn our_clock_alone_destroys_nothing_and_who_ran_it_confirms_nothing() {
    let case = fenced();
    for when in [at(TIMER, "2029-01-01"), at(DPO, "2038-01-01")] {
        assert_eq!(case.decide(&order(), &when), Err(Rejection::NotConfirmed));
    }
    let own = case.decide(&confirm(Confirmed::Person), &at(TIMER, "2029-01-01"));
    assert_eq!(own, Err(Rejection::ConfirmingOwnRun));
    let outside = OutsideTime {
        source: OutsideSource::Authority,
        at: at(TIMER, "2029-01-01").now,
        by: Line::parse("CN=Mine").unwrap(),
        size: 9,
    };
    let own = case.decide(&confirm(Confirmed::Outside(outside.clone())), &at(TIMER, "2029-01-01"));
    assert_eq!(own, Err(Rejection::ConfirmingOwnRun), "anybody can make an authority");
    assert!(case.decide(&confirm(Confirmed::Outside(outside)), &at(DPO, "2029-01-01")).is_ok());
    let back = case.decide(&confirm(Confirmed::Person), &at(DPO, "2026-06-01"));
    assert!(matches!(back, Err(Rejection::NotOver { .. })), "the clock is back: {back:?}");

    let certificate =
        Certificate { level: AnchorLevel::A0, epoch_before: 4, epoch_after: 5, survives: vec![], links: vec![] };
    let case = told(&[
        (Command::FenceRetention(over()), at(TIMER, "2029-01-01")),
        (confirm(Confirmed::Person), at(DPO, "2029-01-02")),
        (order(), at(DPO, "2029-01-02")),
        (Command::Certify { erasure: RUN, certificate, residues: vec![] }, at(DPO, "2029-01-02")),
    ]);
    assert_eq!(case.unwrap().erasures()[0].stage, Stage::Certified);
}

#[test]
fn a_time_from_outside_is_fresh_and_past_the_last_day() {
    let case = fenced();
    let now = at(TIMER, "2029-01-01").now;
    let says = |time| case.decide(&confirm(outside(time)), &at(TIMER, "2029-01-01"));
    let (early, late) = (now.plus_ms(-FRESH_MS), now.plus_ms(FRESH_MS));
    assert_eq!(says(early), Err(Rejection::StaleTime { at: early }));
    assert_eq!(says(late), Err(Rejection::StaleTime { at: late }), "our clock is behind by a day");
    assert!(matches!(says(now.plus_ms(-1)), Err(Rejection::NotOver { .. })), "outside it is the last day still");
    assert!(says(now).is_ok());
    assert!(says(now.plus_ms(FRESH_MS - 1)).is_ok());
}

#[test]
fn a_fence_of_retention_is_lifted_and_can_come_again_under_another_id() {
    let unfence = Command::Unfence { erasure: RUN, ground: UnfenceGround::NotOver, words: None };
    let again = Over { erasure: ErasureId([5; 16]), ..over() };
    let mut steps = vec![
        (Command::FenceRetention(over()), at(TIMER, "2038-01-01")),
        (confirm(Confirmed::Person), at(DPO, "2038-01-01")),
        (unfence, at(TIMER, "2026-06-01")),
    ];
    let case = told(&steps).unwrap();
    assert_eq!((case.erasures()[0].stage, case.erasures()[0].keys.len()), (Stage::Withdrawn, 0));
    assert!(case.decide(&order(), &at(DPO, "2038-01-01")).is_err());
    steps.push((Command::FenceRetention(again), at(TIMER, "2029-01-01")));
    assert_eq!(told(&steps).unwrap().erasures()[1].stage, Stage::Fenced);
}

#[test]
fn what_a_hold_keeps_is_neither_fenced_nor_destroyed() {
    let holding =
        Holding { compartments: vec![SUPPORT], review_on: day("2030-01-01"), matter: Text::parse("a claim").unwrap() };
    let hold = HoldId([8; 16]);
    let place = [
        (Command::PlaceHold { hold, holding }, at(TIMER, "2029-01-01")),
        (Command::ApproveHold { hold }, at(DPO, "2029-01-01")),
    ];
    let open = (Command::Open { subject: MARIA, kind: SubjectKind::Person }, at(DPO, "2026-01-01"));
    let fence = (Command::FenceRetention(over()), at(TIMER, "2029-01-01"));
    let held = told(&[&[open][..], &place, std::slice::from_ref(&fence)].concat());
    assert!(matches!(held, Err(Rejection::OnHold { .. })));
    let confirmed = (confirm(Confirmed::Person), at(DPO, "2029-01-01"));
    let late = told(&[&[fence][..], &place, &[confirmed]].concat()).unwrap();
    assert!(matches!(late.decide(&order(), &at(DPO, "2029-01-01")), Err(Rejection::OnHold { .. })));
}

#[test]
fn a_person_may_ask_to_be_forgotten_while_a_retention_waits() {
    let request = Request { words: None, people: vec![] };
    let ask = |ground| {
        let asked = Asked { ground, ..asked(day("2029-01-01")) };
        let (erasure, request) = (ErasureId([6; 16]), request.clone());
        Command::RequestErasure { erasure, asked, request }
    };
    assert!(fenced().decide(&ask(Ground::ConsentWithdrawn), &at(TIMER, "2029-01-02")).is_ok());
    let nobody = fenced().decide(&ask(Ground::RetentionOver), &at(TIMER, "2029-01-02"));
    assert_eq!(nobody, Err(Rejection::NotAsked));
    let approve = fenced().decide(&Command::Approve { erasure: RUN }, &at(DPO, "2029-01-02"));
    assert!(matches!(approve, Err(Rejection::OutOfOrder { .. })));
}
