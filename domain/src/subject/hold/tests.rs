use super::super::{
    AnchorLevel, Asked, AskedHow, Certificate, Closing, Command, CoolingOff, Ground, IdentityCheck, RefusalGround,
    Request, SubjectKind, UnfenceGround,
};
use super::*;
use crate::aggregate::Aggregate as _;
use crate::id::{ErasureId, KeyId, SubjectId};
use crate::personal::Gone;

const MARIA: SubjectId = SubjectId([1; 16]);
const ERASURE: ErasureId = ErasureId([4; 16]);
const HOLD: HoldId = HoldId([8; 16]);
const OTHER: HoldId = HoldId([9; 16]);
const AGENT: u8 = 2;
const ANNA: u8 = 3;
const BERT: u8 = 5;

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn on(actor: u8) -> Circumstances {
    let now = day("2026-03-02").start();
    Circumstances { actor: ActorId([actor; 16]), effective_at: now, now }
}

fn matter() -> Text {
    Text::parse("Anders against Muster, 12 C 345/26").unwrap()
}

fn place(compartments: &[Compartment]) -> Command {
    let holding = Holding { compartments: compartments.to_vec(), review_on: day("2026-09-01"), matter: matter() };
    Command::PlaceHold { hold: HOLD, holding }
}

fn approve() -> Command {
    Command::ApproveHold { hold: HOLD }
}

fn lift() -> Command {
    Command::LiftHold { hold: HOLD }
}

fn approve_lift() -> Command {
    Command::ApproveLift { hold: HOLD }
}

fn order() -> Command {
    Command::OrderDestruction { erasure: ERASURE, keys: vec![KeyId([7; 16])], epoch_before: 4 }
}

/// An erasure that takes the relationship and leaves the claims, as far as it comes in so many steps.
fn erasure(steps: usize) -> Vec<(u8, Command)> {
    let identity = IdentityCheck::KnownPoint;
    let asked_on = day("2026-02-02");
    let asked =
        Asked { ground: Ground::Objected, how: AskedHow::Letter, on: asked_on, identity, identity_on: asked_on };
    let request = Request { words: None, people: vec![] };
    let (closed, stays) = (vec![Compartment::Relationship], vec![Compartment::Claims]);
    let closing = vec![Closing { subject: MARIA, closed, stays }];
    let certificate =
        Certificate { level: AnchorLevel::A0, epoch_before: 4, epoch_after: 5, survives: vec![], links: vec![] };
    let steps_of = [
        (AGENT, Command::RequestErasure { erasure: ERASURE, asked, request }),
        (ANNA, Command::Approve { erasure: ERASURE }),
        (ANNA, Command::Fence { erasure: ERASURE, closing, keys: vec![KeyId([7; 16])], wait: CoolingOff::NONE }),
        (ANNA, order()),
        (ANNA, Command::Certify { erasure: ERASURE, certificate, residues: vec![] }),
    ];
    steps_of.into_iter().take(steps).collect()
}

fn after(mut case: Case, commands: &[(u8, Command)]) -> Case {
    for (actor, command) in commands {
        for event in case.decide(command, &on(*actor)).unwrap_or_else(|no| panic!("{command:?}: {no}")) {
            case.evolve(&event);
        }
    }
    case
}

fn given(commands: &[(u8, Command)]) -> Case {
    let open = (AGENT, Command::Open { subject: MARIA, kind: SubjectKind::Person });
    after(after(Case::default(), &[open]), commands)
}

/// How far a hold is when the order is tried, and what the order meets then.
#[test]
fn a_hold_stops_the_order_from_its_approval_until_its_lift_is_approved() {
    let (placed, approved, asked, lifted) =
        ((ANNA, place(&[])), (BERT, approve()), (ANNA, lift()), (BERT, approve_lift()));
    let way = [placed, approved, asked, lifted];
    for (steps, stops) in [(0, false), (1, false), (2, true), (3, true), (4, false)] {
        let case = after(given(&erasure(3)), &way[..steps]);
        let answer = case.decide(&order(), &on(ANNA));
        let on_hold = Err(Rejection::OnHold { hold: HOLD, review_on: day("2026-09-01") });
        assert_eq!(answer.is_ok(), !stops, "{steps}: {answer:?}");
        assert!(!stops || answer == on_hold, "{answer:?}");
    }
}

/// In each state of the erasure: whether a hold can be placed and approved, and lifted again; and that the erasure is where
/// it was then.
#[test]
fn holds_are_placed_and_lifted_in_every_state() {
    let withdrawn = [erasure(3), vec![(AGENT, Command::WithdrawRequest { erasure: ERASURE })]].concat();
    let refuse = Command::Refuse { erasure: ERASURE, ground: RefusalGround::Claims, words: None };
    let refused = [erasure(3), vec![(ANNA, refuse)]].concat();
    let unfence = Command::Unfence { erasure: ERASURE, ground: UnfenceGround::Mistake, words: None };
    let unfenced = [erasure(3), vec![(ANNA, unfence)]].concat();
    let relationship: &[Compartment] = &[Compartment::Relationship];
    let support: &[Compartment] = &[Compartment::Support(2026)];
    for (state, steps, of_all, of_relationship, of_support) in [
        ("nothing asked", vec![], true, true, true),
        ("requested", erasure(1), true, true, true),
        ("approved", erasure(2), true, true, true),
        ("fenced", erasure(3), true, true, true),
        ("unfenced", unfenced, true, true, true),
        ("ordered", erasure(4), false, false, true),
        ("certified", erasure(5), true, false, true),
        ("withdrawn", withdrawn, true, true, true),
        ("refused", refused, true, true, true),
    ] {
        for (named, in_time) in [(&[][..], of_all), (relationship, of_relationship), (support, of_support)] {
            let case = given(&steps);
            let answer = case.decide(&place(named), &on(ANNA));
            if !in_time {
                assert_eq!(answer, Err(Rejection::HoldTooLate(ERASURE)), "{state}, {named:?}");
                continue;
            }
            let way = [(ANNA, place(named)), (BERT, approve()), (BERT, lift()), (ANNA, approve_lift())];
            let held = after(case.clone(), &way[..2]);
            assert_eq!(held.keeping(&[Compartment::Claims]).map(|hold| hold.id), Some(HOLD), "{state}: claims with it");
            let covers = named != support;
            assert_eq!(held.keeping(relationship).is_some(), covers, "{state}, {named:?}");
            let lifted = after(held, &way[2..]);
            assert_eq!(lifted.keeping(&[Compartment::Claims]), None, "{state}");
            assert_eq!(lifted.erasures(), case.erasures(), "{state}: a hold moves no erasure");
        }
    }
}

/// The order came between the two people.
#[test]
fn a_hold_that_is_approved_too_late_says_so() {
    let case = after(given(&erasure(3)), &[(ANNA, place(&[])), (ANNA, order())]);
    let late = case.decide(&approve(), &on(BERT)).unwrap_err();
    assert_eq!(late, Rejection::HoldTooLate(ERASURE));
    assert_eq!(
        late.to_string(),
        format!("this hold comes too late: the destruction of this data was ordered by {ERASURE}")
    );
    assert!(case.decide(&lift(), &on(ANNA)).is_ok(), "it can be taken back");
}

#[test]
fn four_eyes_place_a_hold_and_four_lift_it() {
    let case = given(&[(ANNA, place(&[]))]);
    assert_eq!(case.decide(&approve(), &on(ANNA)), Err(Rejection::ApprovingOwnHold));
    assert_eq!(case.decide(&lift(), &on(ANNA)), Ok(vec![Event::HoldLifted { hold: HOLD }]), "it kept nothing");
    let case = after(case, &[(BERT, approve())]);
    let by = ActorId([BERT; 16]);
    assert_eq!(case.decide(&lift(), &on(BERT)), Ok(vec![Event::HoldLiftRequested { hold: HOLD, by }]));
    let case = after(case, &[(BERT, lift())]);
    assert_eq!(case.decide(&approve_lift(), &on(BERT)), Err(Rejection::ApprovingOwnLift));
    assert_eq!(case.decide(&approve_lift(), &on(ANNA)), Ok(vec![Event::HoldLifted { hold: HOLD }]));
}

/// Which act each stage allows: approve, lift, approve the lift.
#[test]
fn no_act_on_a_hold_comes_out_of_order() {
    let way = [(ANNA, place(&[])), (BERT, approve()), (ANNA, lift()), (BERT, approve_lift())];
    let rows = [[true, true, false], [false, true, false], [true, false, true], [false; 3]];
    for (steps, row) in (1..).zip(rows) {
        let case = given(&way[..steps]);
        for (act, allowed) in [approve(), lift(), approve_lift()].iter().zip(row) {
            let answer = case.decide(act, &on(AGENT));
            assert_eq!(answer.is_ok(), allowed, "{:?}: {act:?}", case.holds()[0].stage);
            assert!(allowed || matches!(answer, Err(Rejection::HoldOutOfOrder { .. })), "{answer:?}");
        }
    }
    let case = given(&way);
    let words = "this hold is lifted; only one that is placed and not approved, or asked to be lifted can be approved";
    assert_eq!(case.decide(&approve(), &on(BERT)).unwrap_err().to_string(), words);
    assert_eq!(case.decide(&Command::LiftHold { hold: OTHER }, &on(ANNA)), Err(Rejection::NoSuchHold(OTHER)));
    assert_eq!(case.decide(&place(&[]), &on(ANNA)), Err(Rejection::HoldIdUsed(HOLD)));
}

/// A lift that was asked for by mistake stood open for ever, for anybody to agree to.
#[test]
fn a_lift_that_was_asked_for_is_taken_back_by_anybody_and_asked_for_anew_by_another() {
    for keeper in [ANNA, BERT, AGENT] {
        let case = given(&[(ANNA, place(&[])), (BERT, approve()), (ANNA, lift()), (keeper, approve())]);
        assert_eq!((case.holds()[0].stage, case.holds()[0].lift_by), (HoldStage::InForce, None));
        assert!(matches!(case.decide(&approve_lift(), &on(BERT)), Err(Rejection::HoldOutOfOrder { .. })));
        let case = after(case, &[(BERT, lift())]);
        assert_eq!(case.decide(&approve_lift(), &on(BERT)), Err(Rejection::ApprovingOwnLift));
        let lifted = after(case, &[(ANNA, approve_lift())]);
        assert_eq!(lifted.keeping(&[Compartment::Claims]), None);
    }
}

/// It was in force by its stage and kept nothing behind a restart, when nobody knew any more whose it was.
#[test]
fn a_hold_is_not_approved_when_its_matter_is_destroyed() {
    let mut case = Case::default();
    case.evolve(&Event::Opened { kind: SubjectKind::Person, subject: Held::Gone(Gone::Erased) });
    let (review_on, by) = (day("2026-09-01"), ActorId([ANNA; 16]));
    case.evolve(&Event::HoldPlaced {
        hold: HOLD,
        compartments: vec![],
        review_on,
        by,
        matter: Held::Gone(Gone::Erased),
    });
    assert_eq!(case.decide(&approve(), &on(BERT)), Err(Rejection::Erased));
    assert!(case.decide(&lift(), &on(BERT)).is_ok());
}

#[test]
fn what_a_hold_is_for_is_sealed_under_claims_and_the_rest_stays() {
    let twice = [Compartment::Support(2026), Compartment::Relationship, Compartment::Support(2026)];
    let matter = Held::new(MARIA, Compartment::Claims, matter());
    let (compartments, by) = (vec![Compartment::Relationship, Compartment::Support(2026)], ActorId([ANNA; 16]));
    let placed = Event::HoldPlaced { hold: HOLD, compartments, review_on: day("2026-09-01"), by, matter };
    assert_eq!(given(&[]).decide(&place(&twice), &on(ANNA)), Ok(vec![placed]));
}

#[test]
fn a_hold_is_looked_at_again_and_is_of_somebody() {
    let says = |case: &Case, compartments, review: &str| {
        let holding = Holding { compartments, review_on: day(review), matter: matter() };
        case.decide(&Command::PlaceHold { hold: HOLD, holding }, &on(ANNA)).err()
    };
    let case = given(&[]);
    assert_eq!(says(&case, vec![], "2026-03-02"), Some(Rejection::ReviewOver(day("2026-03-02"))));
    assert_eq!(says(&case, vec![], "2026-03-03"), None);
    let years = |count: u16| (0..count).map(Compartment::Support).collect::<Vec<_>>();
    assert_eq!(says(&case, years(101), "2026-03-03"), Some(Rejection::TooManyHeld(100)));
    assert_eq!(says(&case, years(100), "2026-03-03"), None);
    assert_eq!(says(&Case::default(), vec![], "2026-03-03"), Some(Rejection::NotOpened));
    for (gone, rejection) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::NoMatterNow)] {
        let mut case = Case::default();
        case.evolve(&Event::Opened { kind: SubjectKind::Person, subject: Held::Gone(gone) });
        assert_eq!(says(&case, vec![], "2026-03-03"), Some(rejection));
    }
}

/// The claims are fenced by an erasure that takes them too: what was in force before still is, and can be lifted.
#[test]
fn a_hold_stands_when_its_words_cannot_be_read() {
    let mut case = Case::default();
    case.evolve(&Event::Opened { kind: SubjectKind::Person, subject: Held::Gone(Gone::Withheld) });
    let (review_on, by) = (day("2026-09-01"), ActorId([ANNA; 16]));
    let compartments = vec![Compartment::Relationship];
    case.evolve(&Event::HoldPlaced { hold: HOLD, compartments, review_on, by, matter: Held::Gone(Gone::Withheld) });
    let case = after(case, &[(BERT, approve())]);
    assert!(case.keeping(&[Compartment::Claims]).is_some());
    assert_eq!(after(case, &[(ANNA, lift()), (BERT, approve_lift())]).keeping(&[Compartment::Claims]), None);
}
