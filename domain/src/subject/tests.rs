//! Given what happened, when somebody acts, then.

use proptest::prelude::*;

use super::*;
use crate::compartment::Country;
use crate::limits::PEOPLE;
use crate::time::Time;

const MARIA: SubjectId = SubjectId([1; 16]);
const AGENT: ActorId = ActorId([2; 16]);
const DPO: ActorId = ActorId([3; 16]);
const ERASURE: ErasureId = ErasureId([4; 16]);
const HOLD: HoldId = HoldId([8; 16]);
const SECOND: HoldId = HoldId([10; 16]);
const CONTACT: Link = Link::Contact(ContactId([5; 16]));

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn on(actor: ActorId) -> Circumstances {
    let now = day("2026-03-02").start();
    Circumstances { actor, effective_at: now, now }
}

fn key(byte: u8) -> KeyId {
    KeyId([byte; 16])
}

fn text(words: &str) -> Text {
    Text::parse(words).unwrap()
}

fn given(kind: SubjectKind, commands: &[(ActorId, Command)]) -> Case {
    let mut case = Case::default();
    let open = (AGENT, Command::Open { subject: MARIA, kind });
    for (actor, command) in std::iter::once(&open).chain(commands) {
        for event in case.decide(command, &on(*actor)).unwrap() {
            case.evolve(&event);
        }
    }
    case
}

fn person(commands: &[(ActorId, Command)]) -> Case {
    given(SubjectKind::Person, commands)
}

fn asked() -> Asked {
    let identity = IdentityCheck::KnownPoint;
    let (on, identity_on) = (day("2026-01-31"), day("2026-02-02"));
    Asked { ground: Ground::ConsentWithdrawn, how: AskedHow::Email, on, identity, identity_on }
}

fn request() -> Command {
    let request = Request { words: Some(text("Please forget me.")), people: vec![] };
    Command::RequestErasure { erasure: ERASURE, asked: asked(), request }
}

fn approve() -> Command {
    Command::Approve { erasure: ERASURE }
}

fn holding() -> Holding {
    Holding { compartments: vec![], review_on: day("2026-09-01"), matter: text("a claim") }
}

fn refuse(words: Option<Text>) -> Command {
    Command::Refuse { erasure: ERASURE, ground: RefusalGround::Claims, words }
}

fn fence() -> Command {
    let closed = vec![Compartment::Support(2025), Compartment::Relationship];
    let stays = vec![Compartment::Claims, Compartment::ConsentProof];
    let closing = vec![Closing { subject: MARIA, closed, stays }];
    Command::Fence { erasure: ERASURE, closing, keys: vec![key(9), key(7), key(9)], wait: CoolingOff::NONE }
}

fn unfence() -> Command {
    Command::Unfence { erasure: ERASURE, ground: UnfenceGround::NeededForClaims, words: Some(text("a claim came in")) }
}

fn order(keys: &[KeyId]) -> Command {
    Command::OrderDestruction { erasure: ERASURE, keys: keys.to_vec(), epoch_before: 4 }
}

fn certify(epoch_before: u64, epoch_after: u64) -> Command {
    let survivor = |compartment, basis| {
        let basis = Line::parse(basis).unwrap();
        Survivor { compartment, basis, until: day("2029-12-31") }
    };
    let claims = survivor(Compartment::Claims, "§ 195 BGB");
    let fiscal = survivor(Compartment::Fiscal(Country(*b"DE"), 2025), "§ 147 AO");
    let survives = vec![claims, fiscal];
    let links = vec![StillLinks::BatchOfOne, StillLinks::AdjacentRecords, StillLinks::BatchOfOne];
    let certificate = Certificate { level: AnchorLevel::A0, epoch_before, epoch_after, survives, links };
    Command::Certify { erasure: ERASURE, certificate, residues: vec![] }
}

fn path(steps: usize) -> Vec<(ActorId, Command)> {
    let all =
        [(AGENT, request()), (DPO, approve()), (DPO, fence()), (DPO, order(&[key(7), key(9)])), (DPO, certify(4, 5))];
    all.into_iter().take(steps).collect()
}

fn stage(case: &Case) -> Stage {
    case.erasures().last().unwrap().stage
}

#[test]
fn a_case_is_opened_once_and_before_all_else() {
    let nothing = Case::default();
    assert_eq!(nothing.decide(&request(), &on(AGENT)), Err(Rejection::NotOpened));
    let open = Command::Open { subject: MARIA, kind: SubjectKind::Person };
    let opened = Event::Opened { kind: SubjectKind::Person, subject: Held::new(MARIA, Compartment::Claims, ()) };
    assert_eq!(nothing.decide(&open, &on(AGENT)), Ok(vec![opened]));
    assert_eq!(person(&[]).decide(&open, &on(AGENT)), Err(Rejection::AlreadyOpened));
    assert_eq!(person(&[]).kind(), Some(SubjectKind::Person));
}

#[test]
fn links_are_made_and_undone_and_sealed_with_the_relationship() {
    let case = person(&[]);
    let linked = Event::Linked { link: Held::new(MARIA, Compartment::Relationship, CONTACT) };
    assert_eq!(case.decide(&Command::Link(CONTACT), &on(AGENT)), Ok(vec![linked]));
    assert_eq!(case.decide(&Command::Unlink(CONTACT), &on(AGENT)), Err(Rejection::NotLinked));
    let case = person(&[(AGENT, Command::Link(CONTACT))]);
    assert_eq!(case.decide(&Command::Link(CONTACT), &on(AGENT)), Ok(vec![]), "it is so already");
    assert_eq!(case.links().collect::<Vec<_>>(), [CONTACT]);
    let case = person(&[(AGENT, Command::Link(CONTACT)), (AGENT, Command::Unlink(CONTACT))]);
    assert_eq!(case.links().count(), 0);
}

#[test]
fn a_request_is_due_one_month_after_it_came_in() {
    let events = person(&[]).decide(&request(), &on(AGENT)).unwrap();
    let [Event::ErasureRequested { by, due, asked: recorded, request, .. }] = events.as_slice() else { panic!() };
    assert_eq!((*by, *due, *recorded), (AGENT, day("2026-02-28"), asked()));
    let request = request.here().unwrap();
    assert_eq!((request.subject(), request.compartment()), (MARIA, Compartment::Claims));
}

#[test]
fn a_request_comes_in_on_a_day_that_has_been() {
    let says = |asked| {
        let request = Request { words: None, people: vec![] };
        person(&[]).decide(&Command::RequestErasure { erasure: ERASURE, asked, request }, &on(AGENT)).err()
    };
    let tomorrow = day("2026-03-03");
    assert_eq!(says(Asked { on: tomorrow, ..asked() }), Some(Rejection::FutureDay(tomorrow)));
    assert_eq!(says(Asked { identity_on: tomorrow, ..asked() }), Some(Rejection::FutureDay(tomorrow)));
    assert_eq!(says(Asked { on: day("2026-03-02"), identity_on: day("2026-03-02"), ..asked() }), None);
}

#[test]
fn only_an_organization_takes_people_along() {
    let ask = |case: Case, people| {
        let request = Request { words: None, people };
        let command = Command::RequestErasure { erasure: ERASURE, asked: asked(), request };
        let events = case.decide(&command, &on(AGENT))?;
        let mut case = case;
        events.iter().for_each(|event| case.evolve(event));
        Ok(case.open_erasure().unwrap().people.clone().unwrap())
    };
    let jan = SubjectId([66; 16]);
    assert_eq!(ask(person(&[]), vec![jan]), Err(Rejection::PeopleOfAPerson));
    assert_eq!(ask(given(SubjectKind::Organization, &[]), vec![jan]), Ok(vec![jan]));
    let crowd = vec![jan; PEOPLE + 1];
    assert_eq!(ask(given(SubjectKind::Organization, &[]), crowd), Err(Rejection::TooManyPeople(PEOPLE)));
}

#[test]
fn one_erasure_at_a_time_and_no_id_twice() {
    for steps in 1..=4 {
        let case = person(&path(steps));
        assert_eq!(case.decide(&request(), &on(AGENT)), Err(Rejection::ErasureOpen(ERASURE)), "{:?}", stage(&case));
    }
    let withdrawn = person(&[(AGENT, request()), (AGENT, Command::WithdrawRequest { erasure: ERASURE })]);
    assert_eq!(withdrawn.decide(&request(), &on(AGENT)), Err(Rejection::ErasureIdUsed(ERASURE)));
    let request = Request { words: None, people: vec![] };
    let again = Command::RequestErasure { erasure: ErasureId([44; 16]), asked: asked(), request };
    assert!(withdrawn.decide(&again, &on(AGENT)).is_ok());
}

#[test]
fn four_eyes() {
    let case = person(&path(1));
    let own = case.decide(&approve(), &on(AGENT)).unwrap_err();
    assert_eq!(own.to_string(), "you asked for this erasure yourself; another person must approve it");
    assert_eq!(case.decide(&refuse(None), &on(AGENT)), Err(Rejection::RefusingOwnRequest));
    assert_eq!(case.decide(&approve(), &on(DPO)), Ok(vec![Event::ErasureApproved { erasure: ERASURE }]));
    let by_dpo = person(&[(DPO, request())]);
    assert_eq!(by_dpo.decide(&approve(), &on(DPO)), Err(Rejection::ApprovingOwnRequest));
}

#[test]
fn a_refusal_says_why() {
    let words = text("a claim is open");
    let events = person(&path(1)).decide(&refuse(Some(words.clone())), &on(DPO)).unwrap();
    let words = Some(Held::new(MARIA, Compartment::Claims, words));
    assert_eq!(events, [Event::ErasureRefused { erasure: ERASURE, ground: RefusalGround::Claims, words }]);
    let case = person(&[(AGENT, request()), (DPO, refuse(None))]);
    assert_eq!(stage(&case), Stage::Refused);
    assert_eq!(case.open_erasure(), None);
}

#[test]
fn a_fence_names_sorted_keys_and_is_known_under_each_key_that_stays() {
    let events = person(&path(2)).decide(&fence(), &on(DPO)).unwrap();
    let compartments = vec![Compartment::Relationship, Compartment::Support(2025)];
    let copy = |stays| Held::new(MARIA, stays, Closed { compartments: compartments.clone() });
    let closed = vec![copy(Compartment::ConsentProof), copy(Compartment::Claims)];
    let keys = vec![key(7), key(9)];
    assert_eq!(
        events,
        [Event::Fenced { erasure: ERASURE, compartments: compartments.clone(), keys: keys.clone(), closed }]
    );
    let case = person(&path(3));
    let erasure = case.open_erasure().unwrap();
    assert_eq!((&erasure.compartments, &erasure.keys), (&compartments, &keys));
}

#[test]
fn a_fence_has_something_to_close_and_fits_its_record() {
    let case = person(&path(2));
    let says = |closed: Vec<Compartment>, keys| {
        let closing = vec![Closing { subject: MARIA, closed, stays: vec![] }];
        let wait = CoolingOff::NONE;
        case.decide(&Command::Fence { erasure: ERASURE, closing, keys, wait }, &on(DPO)).unwrap_err()
    };
    assert_eq!(says(vec![Compartment::Relationship], vec![]), Rejection::NothingToFence);
    assert_eq!(says(vec![], vec![key(1)]), Rejection::NothingToFence);
    let many = (0..4_000_u128).map(|n| KeyId(n.to_be_bytes())).collect();
    assert_eq!(says(vec![Compartment::Relationship], many), Rejection::TooManyKeys);
    let staying = |parts: u16| {
        let stays = (0..parts).map(|year| Compartment::Fiscal(Country(*b"DE"), year)).collect();
        let closing = vec![Closing { subject: MARIA, closed: vec![Compartment::Relationship], stays }];
        let wait = CoolingOff::NONE;
        case.decide(&Command::Fence { erasure: ERASURE, closing, keys: vec![key(1)], wait }, &on(DPO))
    };
    assert!(staying(255).is_ok());
    assert_eq!(staying(256), Err(Rejection::TooManyStay(255)));
}

/// Two commands did this, and a crash between them left the erasure approved and not fenced for good.
#[test]
fn a_fence_is_lifted_by_the_command_that_ends_the_erasure() {
    let ends = [
        (AGENT, Command::WithdrawRequest { erasure: ERASURE }, UnfenceGround::RequestWithdrawn, Stage::Withdrawn),
        (DPO, refuse(None), UnfenceGround::NeededForClaims, Stage::Refused),
    ];
    for (actor, command, why, end) in ends {
        let mut steps = path(3);
        let events = person(&steps).decide(&command, &on(actor)).unwrap();
        let [Event::Unfenced { ground, keys, .. }, _] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((ground, keys), (&why, &vec![key(7), key(9)]));
        steps.push((actor, command));
        assert_eq!(stage(&person(&steps)), end);
    }
}

#[test]
fn a_fence_is_lifted_and_closed_again() {
    let mut steps = path(3);
    steps.push((DPO, unfence()));
    let case = person(&steps);
    let erasure = case.open_erasure().unwrap();
    assert_eq!((erasure.stage, erasure.keys.len()), (Stage::Approved, 0));
    let fenced = person(&path(3)).decide(&unfence(), &on(DPO)).unwrap();
    let words = Some(Held::new(MARIA, Compartment::Claims, text("a claim came in")));
    let (ground, keys) = (UnfenceGround::NeededForClaims, vec![key(7), key(9)]);
    assert_eq!(fenced, [Event::Unfenced { erasure: ERASURE, ground, keys, words }]);
    steps.push((DPO, fence()));
    assert_eq!(stage(&person(&steps)), Stage::Fenced);
}

#[test]
fn what_is_destroyed_is_what_was_fenced() {
    let case = person(&path(3));
    for keys in [&[key(7)][..], &[key(7), key(8)], &[key(7), key(8), key(9)], &[]] {
        assert_eq!(case.decide(&order(keys), &on(DPO)), Err(Rejection::OtherKeys), "{keys:?}");
    }
    let keys = vec![key(7), key(9)];
    let ordered = Event::DestructionOrdered { erasure: ERASURE, keys, epoch_before: 4 };
    assert_eq!(case.decide(&order(&[key(9), key(7)]), &on(DPO)), Ok(vec![ordered]));
}

#[test]
fn a_certificate_follows_its_order() {
    let case = person(&path(4));
    for (before, after) in [(3, 5), (4, 4), (5, 4), (3, 3)] {
        let epochs = Rejection::Epochs { ordered: 4, before, after };
        assert_eq!(case.decide(&certify(before, after), &on(DPO)), Err(epochs));
    }
    assert!(case.decide(&certify(3, 4), &on(DPO)).is_ok(), "what was found destroyed has its certificate too");
    let events = case.decide(&certify(4, 5), &on(DPO)).unwrap();
    let [Event::Certified { certificate, .. }, ..] = events.as_slice() else { panic!() };
    assert_eq!(certificate.links, [StillLinks::AdjacentRecords, StillLinks::BatchOfOne]);
    assert_eq!(certificate.survives[0].compartment, Compartment::Fiscal(Country(*b"DE"), 2025), "in their order");
    assert_eq!(stage(&person(&path(5))), Stage::Certified);
}

#[test]
fn nothing_happens_out_of_order() {
    let acts = || {
        let withdraw = Command::WithdrawRequest { erasure: ERASURE };
        [withdraw, refuse(None), approve(), fence(), unfence(), order(&[key(7), key(9)]), certify(4, 5)]
    };
    // Which of the acts above each stage allows.
    let allowed = [[true, true, true, false, false, false, false], [true, true, false, true, false, false, false]];
    let later = [[true, true, false, false, true, true, false], [false, false, false, false, false, false, true]];
    let rows = allowed.into_iter().chain(later).chain([[false; 7]]);
    for (steps, row) in (1..).zip(rows) {
        let case = person(&path(steps));
        for (act, allowed) in acts().iter().zip(row) {
            let answer = case.decide(act, &on(DPO));
            let in_order = !matches!(answer, Err(Rejection::OutOfOrder { .. }));
            assert_eq!(in_order, allowed, "{:?}: {act:?}", stage(&case));
            assert_eq!(answer.is_ok(), allowed);
        }
    }
    let early = person(&path(1)).decide(&certify(4, 5), &on(DPO)).unwrap_err();
    let words = "this erasure is requested; only one that is ordered to be destroyed can be certified";
    assert_eq!(early.to_string(), words);
    let other = Command::Approve { erasure: ErasureId([99; 16]) };
    assert_eq!(person(&path(1)).decide(&other, &on(DPO)), Err(Rejection::NoSuchErasure(ErasureId([99; 16]))));
}

/// What replay sees after the key of claims is gone: the same records, without their sealed parts.
#[test]
fn without_the_claims_key_the_order_still_stands() {
    for (gone, rejection) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Withheld)] {
        let mut case = Case::default();
        case.evolve(&Event::Opened { kind: SubjectKind::Person, subject: Held::Gone(gone) });
        case.evolve(&Event::Linked { link: Held::Gone(gone) });
        let request = Held::Gone(gone);
        let asked = asked();
        case.evolve(&Event::ErasureRequested { erasure: ERASURE, asked, by: AGENT, due: asked.on, request });
        case.evolve(&Event::ErasureApproved { erasure: ERASURE });
        assert_eq!(case.decide(&refuse(Some(text("no"))), &on(DPO)), Err(rejection.clone()), "words have no key");
        assert!(case.decide(&refuse(None), &on(DPO)).is_ok(), "a code needs none");
        let (compartments, keys) = (vec![Compartment::Claims], vec![key(7), key(9)]);
        case.evolve(&Event::Fenced { erasure: ERASURE, compartments, keys: keys.clone(), closed: vec![] });
        assert_eq!(case.open_erasure().unwrap().people, Err(gone));
        assert_eq!(case.decide(&Command::Link(CONTACT), &on(AGENT)), Err(rejection.clone()));
        case.evolve(&Event::DestructionOrdered { erasure: ERASURE, keys, epoch_before: 4 });
        let certified = case.decide(&certify(4, 5), &on(DPO)).unwrap();
        certified.iter().for_each(|event| case.evolve(event));
        assert_eq!(stage(&case), Stage::Certified);
        assert_eq!(case.decide(&self::request(), &on(AGENT)), Err(rejection));
    }
}

fn any_command() -> impl Strategy<Value = (ActorId, Command)> {
    let actor = prop::sample::select(vec![AGENT, DPO]);
    let open = Command::Open { subject: MARIA, kind: SubjectKind::Person };
    let withdraw = Command::WithdrawRequest { erasure: ERASURE };
    let again = Command::RequestErasure {
        erasure: ErasureId([44; 16]),
        asked: asked(),
        request: Request { words: None, people: vec![] },
    };
    let acts = vec![
        open,
        Command::Link(CONTACT),
        Command::Unlink(CONTACT),
        request(),
        again,
        withdraw,
        refuse(Some(text("no"))),
        approve(),
        fence(),
        unfence(),
        order(&[key(7), key(9)]),
        order(&[key(7)]),
        certify(4, 5),
        Command::PlaceHold { hold: HOLD, holding: holding() },
        Command::ApproveHold { hold: HOLD },
        Command::LiftHold { hold: HOLD },
        Command::ApproveLift { hold: HOLD },
        Command::PlaceHold { hold: SECOND, holding: holding() },
        Command::ApproveHold { hold: SECOND },
        Command::LiftHold { hold: SECOND },
        Command::ApproveLift { hold: SECOND },
    ];
    (actor, prop::sample::select(acts))
}

proptest! {
    /// Whatever is tried in whatever order: nothing panics, no two erasures are open, nobody approves what they asked for,
    /// and nothing is certified that was not approved, fenced and ordered, or ordered while one of two holds stood.
    #[test]
    fn every_way_through_a_case_keeps_the_order(acts in prop::collection::vec(any_command(), 1..60)) {
        let mut case = Case::default();
        let (mut told, mut in_force) = (vec![], BTreeSet::new());
        for (actor, command) in acts {
            for event in case.decide(&command, &on(actor)).unwrap_or_default() {
                match &event {
                    Event::DestructionOrdered { .. } => prop_assert!(in_force.is_empty(), "{in_force:?}"),
                    Event::HoldApproved { hold } => {
                        let first = in_force.insert(*hold);
                        let by = case.holds().iter().find(|placed| placed.id == *hold).map(|placed| placed.by);
                        prop_assert!(!first || by != Some(actor));
                    }
                    Event::HoldLifted { hold } => {
                        in_force.remove(hold);
                    }
                    _ => {}
                }
                case.evolve(&event);
                prop_assert_eq!(case.keeping(&[Compartment::Relationship]).is_some(), !in_force.is_empty());
                told.push((actor, event));
            }
            prop_assert!(case.erasures().iter().filter(|erasure| erasure.stage.is_open()).count() <= 1);
        }
        for erasure in case.erasures() {
            let of = |event: &Event| match event {
                Event::ErasureRequested { erasure, .. } => Some((*erasure, 'r')),
                Event::ErasureApproved { erasure } => Some((*erasure, 'a')),
                Event::Fenced { erasure, .. } => Some((*erasure, 'f')),
                Event::Unfenced { erasure, .. } => Some((*erasure, 'u')),
                Event::DestructionOrdered { erasure, .. } => Some((*erasure, 'd')),
                Event::Certified { erasure, .. } => Some((*erasure, 'c')),
                _ => None,
            };
            let steps: String = told.iter().filter_map(|(_, event)| of(event)).filter(|(id, _)| *id == erasure.id).map(|(_, step)| step).collect();
            if erasure.stage == Stage::Certified {
                prop_assert!(steps.starts_with("raf") && steps.ends_with("fdc"), "{}", steps);
            }
            for (actor, event) in &told {
                let approves = matches!(event, Event::ErasureApproved { erasure: id } if *id == erasure.id);
                prop_assert!(!approves || *actor != erasure.by);
            }
        }
    }
}

/// The wait is set with the fence and not by what the program is started with later.
#[test]
fn a_fence_that_waits_is_not_ordered_early_and_can_be_lifted_meanwhile() {
    let wait = CoolingOff { asked_ms: 5, is_demo: false };
    let closing = vec![Closing { subject: MARIA, closed: vec![Compartment::Relationship], stays: vec![] }];
    let fence = Command::Fence { erasure: ERASURE, closing, keys: vec![key(7)], wait };
    let fenced = person(&path(2)).decide(&fence, &on(DPO)).unwrap();
    let until = on(DPO).now.plus_ms(5);
    assert_eq!(fenced.last(), Some(&Event::CoolingOffSet { erasure: ERASURE, until }));
    let mut steps = path(2);
    steps.push((DPO, fence));
    let case = person(&steps);
    let at = |ms| Circumstances { now: on(DPO).now.plus_ms(ms), ..on(DPO) };
    assert_eq!(case.decide(&order(&[key(7)]), &at(4)), Err(Rejection::CoolingOff(until)));
    assert!(case.decide(&order(&[key(7)]), &at(5)).is_ok());
    assert!(case.decide(&Command::WithdrawRequest { erasure: ERASURE }, &at(4)).is_ok());
    steps.push((DPO, unfence()));
    assert_eq!(person(&steps).open_erasure().unwrap().cooling_off, None);
}

#[test]
fn times_of_day_do_not_matter_to_days() {
    let late = Circumstances { now: Time(day("2026-03-03").start().0 - 1), ..on(AGENT) };
    let request = Request { words: None, people: vec![] };
    let asked = Asked { on: day("2026-03-02"), ..asked() };
    assert!(person(&[]).decide(&Command::RequestErasure { erasure: ERASURE, asked, request }, &late).is_ok());
}
