//! Given these facts, when this command comes, then this happens.

use proptest::prelude::*;

use super::*;
use crate::holding::{ReasonKind, SourceKind};
use crate::id::ActorId;
use crate::point::PointKind;

const ALFREDS: SubjectId = SubjectId([2; 16]);

fn when() -> Circumstances {
    let now = "2026-03-02T09:00:00Z".parse().expect("a moment");
    Circumstances { actor: ActorId([9; 16]), effective_at: now, now }
}

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn line(text: &str) -> Line {
    Line::parse(text).expect("a line")
}

fn street(text: &str) -> Address {
    Address { lines: vec![line(text)], ..Address::default() }
}

fn holding() -> Holding {
    Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: None }
}

fn office(id: u8) -> Point {
    let country = crate::compartment::Country::parse("DE").ok();
    Point::parse(PointId([id; 16]), PointKind::Phone, None, "030-0074321", country).expect("a point")
}

fn alfreds() -> Profile {
    Profile { name: Some(line("Alfreds")), points: vec![office(1)], ..Profile::default() }
}

fn register(profile: Profile) -> Command {
    let policy = FieldPolicy::default();
    Command::Register { subject: ALFREDS, holding: holding(), profile: Box::new(profile), policy }
}

fn change(profile: ProfileChange) -> Command {
    let (cause, policy) = (ChangeCause::Change, FieldPolicy::default());
    Command::Change { cause, holding: HoldingChange::default(), profile: Box::new(profile), policy }
}

fn renamed(name: &str) -> ProfileChange {
    ProfileChange { name: Change::Set(line(name)), ..ProfileChange::default() }
}

fn registered() -> Event {
    Event::Registered { holding: holding(), profile: seal(ALFREDS, Box::new(alfreds())) }
}

fn gone(why: Gone) -> Event {
    Event::Registered { holding: holding(), profile: Held::Gone(why) }
}

fn given(events: &[Event]) -> Organization {
    let mut organization = Organization::default();
    events.iter().for_each(|event| organization.evolve(event));
    organization
}

fn decide(events: &[Event], command: Command) -> Result<Vec<Event>, Rejection> {
    given(events).decide(&command, &when())
}

#[test]
fn an_organization_is_registered_once_and_under_a_name() {
    assert_eq!(decide(&[], register(alfreds())), Ok(vec![registered()]));
    assert_eq!(decide(&[], register(Profile::default())), Err(Rejection::NameMissing));
    for before in [registered(), gone(Gone::Erased)] {
        assert_eq!(decide(&[before], register(alfreds())), Err(Rejection::AlreadyRegistered));
    }
    assert_eq!(given(&[registered()]).owner(), Owner::Subject(ALFREDS));
}

#[test]
fn a_change_is_recorded_and_the_name_does_not_go() {
    let changed = Event::Changed {
        cause: ChangeCause::Change,
        holding: HoldingChange::default(),
        profile: Some(seal(ALFREDS, Box::new(renamed("Alfreds & Co")))),
    };
    assert_eq!(decide(&[registered()], change(renamed("Alfreds & Co"))), Ok(vec![changed]));
    assert_eq!(decide(&[registered()], change(ProfileChange::default())), Ok(Vec::new()));
    let nameless = ProfileChange { name: Change::Clear, ..ProfileChange::default() };
    assert_eq!(decide(&[registered()], change(nameless)), Err(Rejection::NameMissing));
}

#[test]
fn the_holding_changes_alone() {
    let (cause, policy) = (ChangeCause::Correction, FieldPolicy::default());
    let set = |day| HoldingChange { hold_until: Change::Set(day), ..HoldingChange::default() };
    let asked = |holding| Command::Change { cause, holding, profile: Box::default(), policy: policy.clone() };
    assert_eq!(decide(&[registered()], asked(set(day("2026-03-01")))), Err(Rejection::HoldOver));
    let changed = Event::Changed { cause, holding: set(day("2027-03-01")), profile: None };
    assert_eq!(decide(&[registered()], asked(set(day("2027-03-01")))), Ok(vec![changed.clone()]));
    let until = given(&[registered(), changed]).holding().and_then(|holding| holding.hold_until);
    assert_eq!(until, Some(day("2027-03-01")));
    let over = Holding { hold_until: Some(day("2026-03-01")), ..holding() };
    let register =
        Command::Register { subject: ALFREDS, holding: over, profile: Box::new(alfreds()), policy: policy.clone() };
    assert_eq!(decide(&[], register), Err(Rejection::HoldOver));
}

#[test]
fn points_of_the_office_come_and_go() {
    let added = Event::PointAdded { point: seal(ALFREDS, office(2)) };
    let retired = Event::PointRetired { point: seal(ALFREDS, PointId([1; 16])) };
    assert_eq!(decide(&[registered()], Command::AddPoint { point: office(2) }), Ok(vec![added.clone()]));
    let retire = |id| Command::RetirePoint { point: PointId([id; 16]) };
    assert_eq!(decide(&[registered()], retire(1)), Ok(vec![retired.clone()]));
    let history = [registered(), added, retired];
    assert_eq!(decide(&history, retire(1)), Err(point::Rejection::Retired.into()));
    assert_eq!(decide(&history, retire(3)), Err(point::Rejection::Unknown.into()));
    assert_eq!(given(&history).points().in_use().collect::<Vec<_>>(), [(PointId([2; 16]), PointKind::Phone)]);
}

#[test]
fn after_an_erasure_nothing_changes() {
    for (why, answer) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Fenced)] {
        for command in [
            change(renamed("Other")),
            Command::AddPoint { point: office(2) },
            Command::RetirePoint { point: PointId([1; 16]) },
        ] {
            assert_eq!(decide(&[gone(why)], command.clone()), Err(answer));
            assert_eq!(decide(&[], command), Err(Rejection::NotRegistered));
        }
    }
}

#[test]
fn an_address_has_an_end_and_notes_hold_no_card() {
    let long = Address { lines: vec![line("x"); 7], ..Address::default() };
    let refused = Err(profile::Rejection::TooMany { what: "lines of an address", limit: 6 }.into());
    let delivery = Dated { value: long.clone(), from: None, until: None };
    assert_eq!(decide(&[], register(Profile { delivery_addresses: vec![delivery], ..alfreds() })), refused);
    let set = ProfileChange { invoice_address: Change::Set(long), ..ProfileChange::default() };
    assert_eq!(decide(&[registered()], change(set)), refused);
    let notes = Change::Set(Text::parse("card 5555 5555 5555 4444").expect("a text"));
    let set = ProfileChange { notes, ..ProfileChange::default() };
    let refused = profile::Rejection::CardNumber { field: "NOTES" };
    assert_eq!(decide(&[registered()], change(set)), Err(refused.into()));
}

#[test]
fn names_and_addresses_ever_used_stay_with_their_dates() {
    let mut profile = Profile {
        invoice_address: Some(street("Obere Str. 57")),
        delivery_addresses: vec![Dated { value: street("Dock 1"), from: Some(day("2020-01-01")), until: None }],
        ..alfreds()
    };
    profile.follow(&renamed("Alfreds & Co"), ChangeCause::Change, day("2024-05-01"));
    profile.follow(&renamed("Alfreds & Company"), ChangeCause::Correction, day("2024-05-02"));
    let moved = ProfileChange {
        name: Change::Set(line("Futterkiste")),
        invoice_address: Change::Set(street("Untere Str. 1")),
        delivery_addresses: Change::Set(vec![Dated { value: street("Dock 2"), from: None, until: None }]),
        ..ProfileChange::default()
    };
    profile.follow(&moved, ChangeCause::Change, day("2025-07-01"));
    let dated =
        |name, from: Option<&str>, until| Dated { value: line(name), from: from.map(day), until: Some(day(until)) };
    assert_eq!(profile.name, Some(line("Futterkiste")));
    let names = [dated("Alfreds", None, "2024-05-01"), dated("Alfreds & Company", Some("2024-05-01"), "2025-07-01")];
    assert_eq!(profile.former_names, names);
    let address = Dated { value: street("Obere Str. 57"), from: None, until: Some(day("2025-07-01")) };
    assert_eq!(profile.former_invoice_addresses, [address]);
    let docks: Vec<_> =
        profile.delivery_addresses.iter().map(|dated| (dated.value.lines.clone(), dated.until)).collect();
    assert_eq!(docks, [(vec![line("Dock 2")], None), (vec![line("Dock 1")], Some(day("2025-07-01")))]);
}

#[test]
fn the_parent_is_seen_by_the_state() {
    let parent = OrganizationId([7; 16]);
    let set = ProfileChange { parent: Change::Set(parent), ..ProfileChange::default() };
    let mut history = vec![registered()];
    history.extend(decide(&history, change(set)).expect("a change"));
    assert_eq!(given(&history).parent(), Some(parent));
}

/// The same fact after the key is gone.
fn forget(event: Event) -> Event {
    let lost = Gone::Erased;
    match event {
        Event::Registered { holding, .. } => Event::Registered { holding, profile: Held::Gone(lost) },
        Event::Changed { cause, holding, profile } => {
            Event::Changed { cause, holding, profile: profile.map(|_| Held::Gone(lost)) }
        }
        Event::PointAdded { .. } => Event::PointAdded { point: Held::Gone(lost) },
        Event::PointRetired { .. } => Event::PointRetired { point: Held::Gone(lost) },
    }
}

fn any_command() -> impl Strategy<Value = Command> {
    let until =
        prop_oneof![Just(Change::Keep), Just(Change::Clear), (20_000..21_000).prop_map(|day| Change::Set(Day(day)))];
    prop_oneof![
        any::<bool>().prop_map(|named| register(if named { alfreds() } else { Profile::default() })),
        any::<bool>().prop_map(|empty| change(if empty { ProfileChange::default() } else { renamed("Other") })),
        until.prop_map(|hold_until| Command::Change {
            cause: ChangeCause::Correction,
            holding: HoldingChange { hold_until, ..HoldingChange::default() },
            profile: Box::default(),
            policy: FieldPolicy::default(),
        }),
        any::<u8>().prop_map(|id| Command::AddPoint { point: office(id) }),
        any::<u8>().prop_map(|id| Command::RetirePoint { point: PointId([id; 16]) }),
    ]
}

proptest! {
    #[test]
    fn any_commands_are_answered_and_replay_alike(commands in prop::collection::vec(any_command(), 0..60)) {
        let (mut live, mut history) = (Organization::default(), Vec::new());
        for command in &commands {
            for event in live.decide(command, &when()).unwrap_or_default() {
                live.evolve(&event);
                history.push(event);
            }
            prop_assert!(live.points().in_use().count() <= 32);
        }
        prop_assert_eq!(given(&history), live);
        let forgotten: Vec<_> = history.into_iter().map(forget).collect();
        let registered = !forgotten.is_empty();
        for command in commands.iter().filter(|_| registered) {
            prop_assert!(given(&forgotten).decide(command, &when()).is_err(), "no key, no event");
        }
    }
}
