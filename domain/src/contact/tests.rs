//! Given these facts, when this command comes, then this happens.

use proptest::prelude::*;

use super::*;
use crate::holding::{ReasonKind, SourceKind};
use crate::id::ActorId;
use crate::point::PointKind;
use crate::time::Time;

const MARIA: SubjectId = SubjectId([1; 16]);

fn when() -> Circumstances {
    let now = "2026-03-02T09:00:00Z".parse().expect("a moment");
    Circumstances { actor: ActorId([9; 16]), effective_at: now, now }
}

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn line(text: &str) -> Option<Line> {
    Some(Line::parse(text).expect("a line"))
}

fn holding() -> Holding {
    Holding { source: SourceKind::WebForm, reason: ReasonKind::Enquiry, hold_until: None }
}

fn mail(id: u8) -> Point {
    Point::parse(PointId([id; 16]), PointKind::Email, None, "maria@example.org", None).expect("a point")
}

fn maria() -> Profile {
    Profile { first_name: line("Maria"), last_name: line("Anders"), points: vec![mail(1)], ..Profile::default() }
}

fn register(profile: Profile) -> Command {
    let policy = FieldPolicy::default();
    Command::Register { subject: MARIA, holding: holding(), profile: Box::new(profile), policy }
}

fn change(profile: ProfileChange) -> Command {
    let (cause, policy) = (ChangeCause::Change, FieldPolicy::default());
    Command::Change { cause, holding: HoldingChange::default(), profile: Box::new(profile), policy }
}

fn registered() -> Event {
    Event::Registered { holding: holding(), profile: seal(MARIA, Box::new(maria())) }
}

fn gone(why: Gone) -> Event {
    Event::Registered { holding: holding(), profile: Held::Gone(why) }
}

fn given(events: &[Event]) -> Contact {
    let mut contact = Contact::default();
    events.iter().for_each(|event| contact.evolve(event));
    contact
}

fn decide(events: &[Event], command: Command) -> Result<Vec<Event>, Rejection> {
    given(events).decide(&command, &when())
}

#[test]
fn a_contact_is_registered_in_one_record() {
    assert_eq!(decide(&[], register(maria())), Ok(vec![registered()]));
    let contact = given(&[registered()]);
    assert_eq!(contact.owner(), Owner::Subject(MARIA));
    assert_eq!(contact.holding(), Some(holding()));
    assert_eq!(contact.points().in_use().collect::<Vec<_>>(), [(PointId([1; 16]), PointKind::Email)]);
}

#[test]
fn nobody_is_registered_twice_not_even_after_an_erasure() {
    for before in [registered(), gone(Gone::Erased), gone(Gone::Withheld)] {
        assert_eq!(decide(&[before], register(maria())), Err(Rejection::AlreadyRegistered));
    }
}

#[test]
fn a_contact_is_called_something() {
    assert_eq!(decide(&[], register(Profile::default())), Err(Rejection::NameMissing));
    for named in [
        Profile { first_name: line("Maria"), ..Profile::default() },
        Profile { last_name: line("Anders"), ..Profile::default() },
        Profile { displayed_name: line("M."), ..Profile::default() },
        Profile { organization: Some(OrganizationId([5; 16])), ..Profile::default() },
    ] {
        assert!(decide(&[], register(named)).is_ok());
    }
    let (first_name, last_name, displayed_name) = (Change::Clear, Change::Clear, Change::Clear);
    let nameless = ProfileChange { first_name, last_name, displayed_name, ..ProfileChange::default() };
    assert!(decide(&[registered()], change(nameless.clone())).is_ok(), "the organization may be left");
    let nothing = ProfileChange { organization: Change::Clear, ..nameless };
    assert_eq!(decide(&[registered()], change(nothing)), Err(Rejection::NameMissing));
}

#[test]
fn the_last_day_to_hold_is_not_over() {
    let until = |text| Holding { hold_until: Some(day(text)), ..holding() };
    let register = |holding| {
        let policy = FieldPolicy::default();
        decide(&[], Command::Register { subject: MARIA, holding, profile: Box::new(maria()), policy })
    };
    assert_eq!(register(until("2026-03-01")), Err(Rejection::HoldOver));
    assert!(register(until("2026-03-02")).is_ok());
    let change = |text| {
        let (cause, policy) = (ChangeCause::Correction, FieldPolicy::default());
        let holding = HoldingChange { hold_until: Change::Set(day(text)), ..HoldingChange::default() };
        decide(&[registered()], Command::Change { cause, holding, profile: Box::default(), policy })
    };
    assert_eq!(change("2026-03-01"), Err(Rejection::HoldOver));
    assert!(change("2026-03-02").is_ok());
}

#[test]
fn a_change_is_recorded_under_the_same_subject() {
    let moved = ProfileChange { last_name: Change::Set(line("Moreno").expect("a line")), ..ProfileChange::default() };
    let changed = Event::Changed {
        cause: ChangeCause::Change,
        holding: HoldingChange::default(),
        profile: Some(seal(MARIA, Box::new(moved.clone()))),
    };
    assert_eq!(decide(&[registered()], change(moved)), Ok(vec![changed]));
}

#[test]
fn what_is_so_already_makes_no_event() {
    assert_eq!(decide(&[registered()], change(ProfileChange::default())), Ok(Vec::new()));
    let (cause, policy) = (ChangeCause::Change, FieldPolicy::default());
    let holding = HoldingChange {
        source: Some(SourceKind::WebForm),
        reason: Some(ReasonKind::Contract),
        hold_until: Change::Clear,
    };
    let events = decide(&[registered()], Command::Change { cause, holding, profile: Box::default(), policy });
    let holding = HoldingChange { reason: Some(ReasonKind::Contract), ..HoldingChange::default() };
    let changed = Event::Changed { cause, holding, profile: None };
    assert_eq!(events, Ok(vec![changed.clone()]));
    assert_eq!(given(&[registered(), changed]).holding().map(|holding| holding.reason), Some(ReasonKind::Contract));
}

#[test]
fn the_caller_drops_values_that_are_so_already() {
    let asked = ProfileChange {
        first_name: Change::Set(line("Maria").expect("a line")),
        honorific: Change::Clear,
        tags: Change::Clear,
        job_title: Change::Set(line("Buyer").expect("a line")),
        ..ProfileChange::default()
    };
    let differing = asked.differing(&maria());
    assert_eq!(
        differing,
        ProfileChange { job_title: Change::Set(line("Buyer").expect("a line")), ..ProfileChange::default() }
    );
    let mut after = maria();
    after.apply(&differing);
    assert_eq!(after, Profile { job_title: line("Buyer"), ..maria() });
}

#[test]
fn a_change_of_organization_is_seen_by_the_state() {
    let set = |organization| Event::Changed {
        cause: ChangeCause::Change,
        holding: HoldingChange::default(),
        profile: Some(seal(MARIA, Box::new(ProfileChange { organization, ..ProfileChange::default() }))),
    };
    let works_for = OrganizationId([5; 16]);
    assert_eq!(given(&[registered(), set(Change::Set(works_for))]).organization(), Some(works_for));
    assert_eq!(given(&[registered(), set(Change::Set(works_for)), set(Change::Clear)]).organization(), None);
}

#[test]
fn points_come_and_go() {
    let added = Event::PointAdded { point: seal(MARIA, mail(2)) };
    let retired = Event::PointRetired { point: seal(MARIA, PointId([1; 16])) };
    assert_eq!(decide(&[registered()], Command::AddPoint { point: mail(2) }), Ok(vec![added.clone()]));
    let retire = |id| Command::RetirePoint { point: PointId([id; 16]) };
    assert_eq!(decide(&[registered()], retire(1)), Ok(vec![retired.clone()]));
    let history = [registered(), added, retired];
    assert_eq!(decide(&history, retire(1)), Err(point::Rejection::Retired.into()));
    assert_eq!(decide(&history, retire(3)), Err(point::Rejection::Unknown.into()));
    assert_eq!(decide(&history, Command::AddPoint { point: mail(1) }), Err(point::Rejection::InUse.into()));
    assert!(decide(&history, retire(2)).is_ok());
}

#[test]
fn there_is_an_end_to_points() {
    let points = |count: u8| Profile { points: (0..count).map(mail).collect(), ..maria() };
    assert!(decide(&[], register(points(32))).is_ok());
    assert_eq!(decide(&[], register(points(33))), Err(point::Rejection::TooMany { limit: 32 }.into()));
    let twice = Profile { points: vec![mail(1), mail(1)], ..maria() };
    assert_eq!(decide(&[], register(twice)), Err(point::Rejection::InUse.into()));
    let full = Event::Registered { holding: holding(), profile: seal(MARIA, Box::new(points(32))) };
    let one_more = Command::AddPoint { point: mail(99) };
    assert_eq!(decide(&[full], one_more), Err(point::Rejection::TooMany { limit: 32 }.into()));
}

#[test]
fn after_an_erasure_the_contact_is_there_and_nothing_about_it_changes() {
    for (why, answer) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Fenced)] {
        assert_eq!(given(&[gone(why)]).owner(), Owner::Gone(why));
        assert_eq!(given(&[gone(why)]).holding(), Some(holding()));
        for command in [
            change(ProfileChange::default()),
            Command::AddPoint { point: mail(2) },
            Command::RetirePoint { point: PointId([1; 16]) },
        ] {
            assert_eq!(decide(&[gone(why)], command), Err(answer));
        }
    }
}

#[test]
fn what_was_never_registered_is_not_changed() {
    for command in [
        change(ProfileChange::default()),
        Command::AddPoint { point: mail(2) },
        Command::RetirePoint { point: PointId([1; 16]) },
    ] {
        assert_eq!(decide(&[], command), Err(Rejection::NotRegistered));
    }
}

#[test]
fn a_field_that_is_not_kept_is_refused() {
    let policy = FieldPolicy::refusing([Field::Birthday]);
    let profile = Profile { birthday: Some(day("1980-01-01")), ..maria() };
    let refused = Err(profile::Rejection::NotKept { field: "BIRTHDAY" }.into());
    let register =
        Command::Register { subject: MARIA, holding: holding(), profile: Box::new(profile), policy: policy.clone() };
    assert_eq!(decide(&[], register), refused);
    let set = ProfileChange { birthday: Change::Set(day("1980-01-01")), ..ProfileChange::default() };
    let clear = ProfileChange { birthday: Change::Clear, ..ProfileChange::default() };
    for (profile, refused) in [(set, true), (clear, false)] {
        let (cause, holding, policy) = (ChangeCause::Change, HoldingChange::default(), policy.clone());
        let answer = decide(&[registered()], Command::Change { cause, holding, profile: Box::new(profile), policy });
        assert_eq!(answer.is_err(), refused, "what was kept before may always go");
    }
}

#[test]
fn notes_hold_no_card_numbers_and_not_too_much() {
    let notes = |text: &str| Profile { notes: Some(Text::parse(text).expect("a text")), ..maria() };
    let refused = profile::Rejection::CardNumber { field: "NOTES" };
    assert_eq!(decide(&[], register(notes("pays with 4111 1111 1111 1111"))), Err(refused.into()));
    let tags = (0..51).map(|n| Tag::parse(&n.to_string()).expect("a tag")).collect();
    let refused = profile::Rejection::TooMany { what: "tags", limit: 50 };
    assert_eq!(decide(&[], register(Profile { tags, ..maria() })), Err(refused.into()));
    let long = Some(Text::parse(&"x".repeat(16 * 1024)).expect("a text"));
    let (notes, source_words, reason_words) = (long.clone(), long.clone(), long);
    let refused = profile::Rejection::TooMuch { limit: 48_000 };
    assert_eq!(decide(&[], register(Profile { notes, source_words, reason_words, ..maria() })), Err(refused.into()));
}

#[test]
fn nothing_personal_shows_when_a_command_or_event_is_printed() {
    let birthday = Profile { birthday: Some(day("1980-01-01")), ..maria() };
    let printed = format!("{:?} {:?} {:?}", register(birthday), registered(), Command::AddPoint { point: mail(2) });
    for secret in ["Maria", "Anders", "example.org", "1980", "3652"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn the_clock_of_the_command_counts_not_the_ledgers() {
    let late = Circumstances { now: Time(when().now.0 + 10 * Time::DAY_MS), ..when() };
    let holding = Holding { hold_until: Some(when().effective_at.day()), ..holding() };
    let command =
        Command::Register { subject: MARIA, holding, profile: Box::new(maria()), policy: FieldPolicy::default() };
    assert!(Contact::default().decide(&command, &late).is_ok());
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
        any::<bool>().prop_map(|named| register(if named { maria() } else { Profile::default() })),
        any::<bool>().prop_map(|empty| change(if empty {
            ProfileChange::default()
        } else {
            ProfileChange { tags: Change::Clear, ..ProfileChange::default() }
        })),
        until.prop_map(|hold_until| Command::Change {
            cause: ChangeCause::Correction,
            holding: HoldingChange { hold_until, ..HoldingChange::default() },
            profile: Box::default(),
            policy: FieldPolicy::default(),
        }),
        any::<u8>().prop_map(|id| Command::AddPoint { point: mail(id) }),
        any::<u8>().prop_map(|id| Command::RetirePoint { point: PointId([id; 16]) }),
    ]
}

proptest! {
    #[test]
    fn any_commands_are_answered_and_replay_alike(commands in prop::collection::vec(any_command(), 0..60)) {
        let (mut live, mut history) = (Contact::default(), Vec::new());
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
