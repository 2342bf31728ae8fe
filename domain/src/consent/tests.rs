//! Given these records, when somebody asks or acts, then.

use proptest::prelude::*;

use super::*;
use crate::event::{Place, Stream};
use crate::id::{ActorId, CommandId, NoticeId};
use crate::limits::OPEN_REQUESTS;
use crate::personal::Gone;
use crate::register::{CompartmentKind, Event as RegisterEvent, LegalBasis, defaults};
use crate::value::Line;

const MARIA: SubjectId = SubjectId([1; 16]);
const POINT: PointId = PointId([2; 16]);
const OTHER_POINT: PointId = PointId([3; 16]);
const SHOWN: Shown = Shown { notice: NoticeId([4; 16]), version: 2, hash: [5; 32] };
const FORM: Way = Way { source: Source::WebForm, method: Method::Checkbox };
const CALL: Way = Way { source: Source::Phone, method: Method::Spoken };
const CODE: Way = Way { source: Source::WebForm, method: Method::Code };

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn at(text: &str) -> Time {
    day(text).start()
}

fn purpose(slug: &str) -> Purpose {
    let found = defaults().into_iter().find_map(|event| match event {
        RegisterEvent::PurposeSet(purpose) if purpose.slug.as_str() == slug => Some(purpose),
        _ => None,
    });
    found.unwrap()
}

fn asked(slug: &str) -> Asked {
    let purpose = purpose(slug);
    let shown = Some((SHOWN, purpose.slug.clone(), at("2025-01-01")));
    Asked { purpose, channel: Channel::Email, point: POINT, point_in_use: true, shown, valid_until: None }
}

fn about(slug: &str) -> About {
    About { purpose: slug.parse().unwrap(), channel: Channel::Email, point: POINT }
}

fn all_of(slug: &str) -> Scope {
    Scope { purpose: Some(slug.parse().unwrap()), ..Scope::default() }
}

fn request(slug: &str, code: u8) -> (Way, Act) {
    (FORM, Act::Request { asked: asked(slug), code_hash: [code; 32], code_days: None })
}

fn give(slug: &str) -> (Way, Act) {
    (CALL, Act::Give { asked: asked(slug), imported: false })
}

fn confirm(code: u8) -> (Way, Act) {
    (CODE, Act::Confirm { code_hash: [code; 32] })
}

fn withdraw(slug: &str) -> (Way, Act) {
    (FORM, Act::Withdraw { scope: (&about(slug)).into() })
}

fn object(scope: Scope) -> (Way, Act) {
    (CALL, Act::Object { scope })
}

/// The stream and the trail, written to in the order of the test.
#[derive(Default)]
struct Story {
    consents: Consents,
    trail: Trail,
    size: u64,
}

impl Story {
    fn on(mut self, day: &str, act: (Way, Act)) -> Self {
        self.record(at(day), at(day), act).unwrap();
        self
    }

    /// Written down on the second day, true since the first.
    fn late(mut self, true_since: &str, written: &str, act: (Way, Act)) -> Self {
        self.record(at(true_since), at(written), act).unwrap();
        self
    }

    fn says(&self, day: &str, (way, act): (Way, Act)) -> Rejection {
        let when = Circumstances { actor: ActorId([9; 16]), effective_at: at(day), now: at(day) };
        self.consents.decide(&command(way, act), &when).unwrap_err()
    }

    fn record(&mut self, effective_at: Time, now: Time, (way, act): (Way, Act)) -> Result<(), Rejection> {
        let actor = ActorId([9; 16]);
        let events = self.consents.decide(&command(way, act), &Circumstances { actor, effective_at, now })?;
        for event in events {
            let stream = Stream { kind: StreamKind::Consents, id: [8; 16] };
            let place = Place {
                position: self.size,
                stream,
                revision: self.size,
                recorded_at: now,
                effective_at,
                actor,
                command: CommandId([7; 16]),
                hash: [0; 32],
            };
            self.consents.evolve(&event);
            self.trail.follow(&place, &event.fact);
            self.size += 1;
        }
        Ok(())
    }

    fn standing(&self, slug: &str, on: &str) -> Option<(State, u64)> {
        let standing = self.trail.standing(&about(slug), AsOf::day(day(on)));
        standing.map(|standing| (standing.state, standing.decided_by))
    }

    fn known(&self, slug: &str, on: &str, known_at: &str) -> Option<(State, u64)> {
        let as_of = AsOf { day: day(on), known_at: Some(day(known_at).end()) };
        self.trail.standing(&about(slug), as_of).map(|standing| (standing.state, standing.decided_by))
    }

    fn may(&self, slug: &str, on: &str) -> (Why, Option<u64>) {
        self.may_at(slug, POINT, on)
    }

    fn may_at(&self, slug: &str, point: PointId, on: &str) -> (Why, Option<u64>) {
        let answer = may_contact(&purpose(slug), &self.trail, Channel::Email, point, AsOf::day(day(on)));
        assert_eq!(answer.allowed, answer.why.allows());
        (answer.why, answer.decided_by)
    }
}

fn command(way: Way, act: Act) -> Command {
    Command { subject: MARIA, contact: ContactId([6; 16]), words: None, way, act }
}

#[test]
fn nobody_is_contacted_who_never_agreed() {
    let story = Story::default();
    assert_eq!(story.standing("newsletter", "2026-01-01"), None);
    assert_eq!(story.may("newsletter", "2026-01-01"), (Why::NeverAsked, None));
}

#[test]
fn a_consent_is_requested_and_confirmed_with_the_code() {
    let asked = Story::default().on("2026-01-01", request("newsletter", 1));
    assert_eq!(asked.may("newsletter", "2026-01-02"), (Why::NotAnswered, Some(0)));
    let story = asked.on("2026-01-03", confirm(1));
    assert_eq!(story.standing("newsletter", "2026-01-02"), Some((State::Requested, 0)));
    assert_eq!(story.standing("newsletter", "2026-01-03"), Some((State::Confirmed, 1)));
    assert_eq!(story.may("newsletter", "2026-01-03"), (Why::Confirmed, Some(1)));
    let Fact::Confirmed { about: confirmed, shown, valid_until, .. } = &story.trail.entries()[1].fact else { panic!() };
    assert_eq!((confirmed, *shown), (&about("newsletter"), SHOWN), "as it was requested");
    assert_eq!(*valid_until, Some(day("2028-01-03")), "24 months, says the register");
}

#[test]
fn a_code_counts_once_for_its_person_and_in_its_time() {
    let story = Story::default().on("2026-01-01", request("newsletter", 1));
    assert_eq!(story.says("2026-01-02", confirm(2)), Rejection::CodeUnknown);
    assert_eq!(story.says("2026-01-02", request("newsletter", 1)), Rejection::CodeNotFresh);
    assert_eq!(story.says("2026-01-16", confirm(1)), Rejection::CodeExpired(at("2026-01-15")));
    let story = story.on("2026-01-15", confirm(1));
    assert_eq!(story.says("2026-01-15", confirm(1)), Rejection::CodeUsed);
}

#[test]
fn a_no_overrules_the_codes_that_were_sent_before_it() {
    let story =
        Story::default().on("2026-01-01", request("newsletter", 1)).on("2026-01-01", request("product-news", 2));
    let story = story.on("2026-01-02", object(all_of("newsletter")));
    assert_eq!(story.says("2026-01-03", confirm(1)), Rejection::CodeOverruled);
    let story = story.on("2026-01-03", confirm(2)).on("2026-01-04", request("newsletter", 3));
    let story = story.on("2026-01-05", confirm(3));
    assert_eq!(story.may("newsletter", "2026-01-05").0, Why::Confirmed);
}

#[test]
fn an_agents_word_never_passes_for_a_code() {
    let story = Story::default();
    let (_, act) = give("product-news");
    assert_eq!(story.says("2026-01-01", (CODE, act)), Rejection::MethodCode);
    assert_eq!(story.says("2026-01-01", (CALL, confirm(1).1)), Rejection::MethodCode);
    let story = story.on("2026-01-01", request("newsletter", 1)).on("2026-01-02", give("newsletter"));
    let standing = story.trail.standing(&about("newsletter"), AsOf::day(day("2027-01-01"))).unwrap();
    assert_eq!((standing.state, standing.evidence), (State::Given, Some(Evidence::AgentsWord)));
}

#[test]
fn an_unconfirmed_double_opt_in_does_not_allow() {
    let story = Story::default().on("2026-01-01", give("newsletter")).on("2026-01-01", give("product-news"));
    assert_eq!(story.may("newsletter", "2026-01-02"), (Why::NotConfirmed, Some(0)));
    assert_eq!(story.may("product-news", "2026-01-02"), (Why::Given, Some(1)));
}

#[test]
fn an_imported_flag_reads_as_one_everywhere() {
    let way = Way { source: Source::Import, method: Method::Flag };
    let no_notice = |slug| Asked { shown: None, ..asked(slug) };
    let import = |slug| (way, Act::Give { asked: no_notice(slug), imported: true });
    let story = Story::default().on("2026-01-01", import("product-news")).on("2026-01-01", import("newsletter"));
    assert_eq!(story.may("product-news", "2026-01-02"), (Why::Imported, Some(0)));
    assert_eq!(story.may("newsletter", "2026-01-02"), (Why::NotConfirmed, Some(1)));
    let word = (CALL, Act::Give { asked: no_notice("product-news"), imported: false });
    assert_eq!(story.says("2026-01-02", word), Rejection::NoNotice);
    let flag = (way, Act::Give { asked: asked("product-news"), imported: false });
    assert_eq!(story.says("2026-01-02", flag), Rejection::MethodFlag);
}

#[test]
fn withdrawn_then_given_again() {
    let story = Story::default()
        .on("2026-01-01", give("product-news"))
        .on("2026-02-01", withdraw("product-news"))
        .on("2026-03-01", give("product-news"));
    assert_eq!(story.may("product-news", "2026-01-31"), (Why::Given, Some(0)));
    assert_eq!(story.may("product-news", "2026-02-01"), (Why::Withdrawn, Some(1)));
    assert_eq!(story.may("product-news", "2026-02-28"), (Why::Withdrawn, Some(1)));
    assert_eq!(story.may("product-news", "2026-03-01"), (Why::Given, Some(2)));
}

#[test]
fn a_refusal_stands_until_a_new_yes() {
    let refuse = (CALL, Act::Refuse { about: about("product-news") });
    let story = Story::default().on("2026-01-01", refuse).on("2026-02-01", request("product-news", 1));
    assert_eq!(story.may("product-news", "2026-02-02"), (Why::Refused, Some(0)), "a question is no answer");
    let standing = story.trail.standing(&about("product-news"), AsOf::day(day("2026-02-02"))).unwrap();
    assert_eq!(standing.pending, Some(1));
    assert_eq!(story.on("2026-02-03", confirm(1)).may("product-news", "2026-02-03"), (Why::Confirmed, Some(2)));
}

#[test]
fn a_confirmation_does_not_come_back_after_a_no() {
    let story = Story::default().on("2026-01-01", request("newsletter", 1)).on("2026-01-01", confirm(1));
    let story = story.on("2026-02-01", withdraw("newsletter")).on("2026-03-01", give("newsletter"));
    assert_eq!(story.may("newsletter", "2026-03-01"), (Why::NotConfirmed, Some(3)));
}

#[test]
fn a_refusal_is_of_what_was_asked_and_nothing_else() {
    let refuse = (CALL, Act::Refuse { about: About { point: OTHER_POINT, ..about("product-news") } });
    let story = Story::default().on("2026-01-01", give("product-news")).on("2026-01-02", refuse);
    assert_eq!(story.may("product-news", "2026-01-02"), (Why::Given, Some(0)));
    assert_eq!(story.may_at("product-news", OTHER_POINT, "2026-01-02"), (Why::Refused, Some(1)));
}

#[test]
fn a_question_to_somebody_who_agreed_takes_nothing_away() {
    let story = Story::default().on("2026-01-01", give("product-news")).on("2026-02-01", request("product-news", 1));
    assert_eq!(story.may("product-news", "2026-02-01"), (Why::Given, Some(0)));
    let standing = |on| story.trail.standing(&about("product-news"), AsOf::day(day(on))).unwrap();
    assert_eq!(standing("2026-02-15").pending, Some(1));
    assert_eq!(standing("2026-02-16").pending, None, "the code ran out");
}

#[test]
fn an_objection_to_everything_beats_a_consent_to_one() {
    let story = Story::default().on("2026-01-01", give("product-news")).on("2026-02-01", object(Scope::default()));
    assert_eq!(story.may("product-news", "2026-02-01"), (Why::Objected, Some(1)));
    assert_eq!(story.may("customer-survey", "2026-02-01"), (Why::Objected, Some(1)), "never asked for, reached too");
    let story = story.on("2026-03-01", give("product-news"));
    assert_eq!(story.may("product-news", "2026-03-01"), (Why::Given, Some(2)));
    assert_eq!(story.may_at("product-news", OTHER_POINT, "2026-03-01"), (Why::Objected, Some(1)), "only what it names");
    assert_eq!(story.may("customer-survey", "2026-03-01"), (Why::Objected, Some(1)));
    let rows = story.trail.state_on(AsOf::day(day("2026-03-01")));
    let states: Vec<_> = rows.iter().map(|(scope, row)| (scope.clone(), row.state)).collect();
    assert_eq!(states, [(Scope::default(), State::Objected), ((&about("product-news")).into(), State::Given)]);
}

#[test]
fn a_no_reaches_as_far_as_it_names() {
    let point = Scope { point: Some(OTHER_POINT), ..Scope::default() };
    let channel = Scope { channel: Some(Channel::Phone), ..Scope::default() };
    let story = Story::default().on("2026-01-01", give("product-news"));
    let story = story.on("2026-01-02", object(point)).on("2026-01-02", (FORM, Act::Withdraw { scope: channel }));
    assert_eq!(story.may("product-news", "2026-01-03"), (Why::Given, Some(0)));
    assert_eq!(story.may_at("product-news", OTHER_POINT, "2026-01-03"), (Why::Objected, Some(1)));
    let by_phone =
        may_contact(&purpose("product-news"), &story.trail, Channel::Phone, POINT, AsOf::day(day("2026-01-03")));
    assert_eq!(by_phone.why, Why::Withdrawn);
}

#[test]
fn contract_and_security_never_wait() {
    let story =
        Story::default().on("2026-01-01", object(Scope::default())).on("2026-01-01", object(all_of("contract")));
    for slug in ["contract", "security-notices", "support"] {
        assert_eq!(story.may(slug, "2026-01-02"), (Why::NeverWaits, None), "{slug}");
        let (way, act) = give(slug);
        assert!(matches!(story.says("2026-01-02", (way, act)), Rejection::NeedsNoConsent(..)), "{slug}");
    }
}

#[test]
fn a_legitimate_interest_yields_to_a_no_and_waits_for_no_yes() {
    let interest = Purpose {
        slug: "invitations".parse().unwrap(),
        title: Line::parse("Invitations").unwrap(),
        basis: LegalBasis::LegitimateInterest,
        compartment: CompartmentKind::Relationship,
        double_opt_in: false,
        validity_months: None,
        channels: vec![Channel::Email],
        waits_for_consent: false,
        retired: false,
    };
    let ask = |story: &Story, purpose: &Purpose| {
        may_contact(purpose, &story.trail, Channel::Email, POINT, AsOf::day(day("2026-01-02"))).why
    };
    let story = Story::default();
    assert_eq!(ask(&story, &interest), Why::NotObjected);
    let waits = Purpose { waits_for_consent: true, ..interest.clone() };
    assert_eq!(ask(&story, &waits), Why::NeverAsked);
    let story = story.on("2026-01-01", object(Scope::default()));
    assert_eq!(ask(&story, &interest), Why::Objected);
    assert_eq!(ask(&story, &Purpose { retired: true, ..interest.clone() }), Why::PurposeRetired);
    assert_eq!(ask(&story, &Purpose { channels: vec![Channel::Sms], ..interest }), Why::ChannelNotUsed);
}

#[test]
fn a_consent_holds_through_its_last_day() {
    let named = Asked { valid_until: Some(day("2026-06-30")), ..asked("product-news") };
    let story = Story::default().on("2026-01-01", (CALL, Act::Give { asked: named.clone(), imported: false }));
    assert_eq!(story.may("product-news", "2026-06-30"), (Why::Given, Some(0)));
    assert_eq!(story.may("product-news", "2026-07-01"), (Why::Expired, Some(0)));
    assert_eq!(story.standing("product-news", "2026-07-01"), Some((State::Expired, 0)));
    let too_late = story.says("2026-07-01", (CALL, Act::Give { asked: named, imported: false }));
    assert_eq!(too_late, Rejection::AlreadyOver(day("2026-06-30")));
    let unnamed = Story::default().on("2026-01-31", give("product-news"));
    assert_eq!(unnamed.may("product-news", "2028-01-31").0, Why::Given, "24 months, says the register");
    assert_eq!(unnamed.may("product-news", "2028-02-01").0, Why::Expired);
}

#[test]
fn a_validity_shortened_in_the_register_counts_for_old_consents_too() {
    let story = Story::default().on("2026-01-01", give("product-news"));
    let shorter = Purpose { validity_months: Some(6), ..purpose("product-news") };
    let ask = |on| may_contact(&shorter, &story.trail, Channel::Email, POINT, AsOf::day(day(on))).why;
    assert_eq!((ask("2026-07-01"), ask("2026-07-02")), (Why::Given, Why::Expired));
}

#[test]
fn an_agents_word_may_shorten_a_confirmed_consent_and_never_lengthens_it() {
    let until = |last| {
        (CALL, Act::Give { asked: Asked { valid_until: Some(day(last)), ..asked("newsletter") }, imported: false })
    };
    let confirmed = || Story::default().on("2026-01-01", request("newsletter", 1)).on("2026-01-01", confirm(1));
    let shorter = confirmed().on("2026-02-01", until("2026-06-30"));
    assert_eq!(shorter.may("newsletter", "2026-06-30"), (Why::Confirmed, Some(1)));
    assert_eq!(shorter.may("newsletter", "2026-07-01"), (Why::Expired, Some(2)));
    let longer = confirmed().on("2027-12-01", until("2029-06-30"));
    assert_eq!(longer.may("newsletter", "2028-01-01"), (Why::Confirmed, Some(1)));
    assert_eq!(longer.may("newsletter", "2028-01-02"), (Why::NotConfirmed, Some(2)));
}

#[test]
fn what_was_so_and_what_was_known_are_two_questions() {
    let story = Story::default().on("2026-01-01", give("product-news")).late(
        "2026-02-01",
        "2026-04-01",
        withdraw("product-news"),
    );
    assert_eq!(story.standing("product-news", "2026-03-01"), Some((State::Withdrawn, 1)), "as we know today");
    assert_eq!(story.known("product-news", "2026-03-01", "2026-03-01"), Some((State::Given, 0)), "as we knew then");
    assert_eq!(story.known("product-news", "2026-01-31", "2026-05-01"), Some((State::Given, 0)));
    let late = story.trail.standing(&about("product-news"), AsOf::day(day("2026-03-01"))).unwrap();
    assert!(late.late);
    assert!(!story.trail.entries()[0].is_late());
}

#[test]
fn a_late_record_takes_its_place_by_when_it_became_true() {
    let story = Story::default().on("2026-03-01", give("product-news")).late(
        "2026-02-01",
        "2026-04-01",
        object(Scope::default()),
    );
    assert_eq!(story.may("product-news", "2026-02-15"), (Why::Objected, Some(1)));
    assert_eq!(story.may("product-news", "2026-05-01"), (Why::Given, Some(0)), "the consent came after the objection");
    let late = story.trail.entries().first().map(|entry| (entry.position, entry.is_late()));
    assert_eq!(late, Some((1, true)));
}

#[test]
fn a_day_late_is_not_late() {
    let story = Story::default().late("2026-01-01", "2026-01-02", give("product-news"));
    assert!(!story.trail.entries()[0].is_late());
    let story = Story::default().late("2026-01-01", "2026-01-03", give("product-news"));
    assert!(story.trail.entries()[0].is_late());
}

#[test]
fn a_record_that_comes_twice_counts_once() {
    let mut story = Story::default().on("2026-01-01", give("product-news"));
    let entry = story.trail.entries()[0].clone();
    let place = Place {
        position: entry.position,
        stream: Stream { kind: StreamKind::Consents, id: [8; 16] },
        revision: 0,
        recorded_at: entry.recorded_at,
        effective_at: entry.effective_at,
        actor: ActorId([9; 16]),
        command: CommandId([7; 16]),
        hash: [0; 32],
    };
    story.trail.follow(&place, &entry.fact);
    assert_eq!(story.trail.entries().len(), 1);
}

#[test]
fn what_is_asked_for_must_exist() {
    let story = Story::default();
    let says = |change: fn(&mut Asked)| {
        let mut asked = asked("product-news");
        change(&mut asked);
        story.says("2026-01-01", (CALL, Act::Give { asked, imported: false }))
    };
    let news: Slug = "product-news".parse().unwrap();
    assert_eq!(says(|asked| asked.purpose.retired = true), Rejection::PurposeRetired(news.clone()));
    let unused = Rejection::ChannelNotUsed { purpose: news, channel: Channel::Email };
    assert_eq!(says(|asked| asked.purpose.channels = vec![Channel::Sms]), unused);
    assert_eq!(says(|asked| asked.point_in_use = false), Rejection::NoSuchPoint);
    let other = Rejection::NoticeOfAnotherPurpose("newsletter".parse().unwrap());
    assert_eq!(says(|asked| asked.shown = Some((SHOWN, "newsletter".parse().unwrap(), at("2025-01-01")))), other);
    for days in [0, 91] {
        let act = Act::Request { asked: asked("newsletter"), code_hash: [1; 32], code_days: Some(days) };
        assert_eq!(story.says("2026-01-01", (FORM, act)), Rejection::CodeDays);
    }
}

#[test]
fn nobody_was_shown_a_text_before_it_was_published() {
    let story = Story::default();
    let early = Rejection::BeforeTheNotice(at("2025-01-01"));
    assert_eq!(story.says("2024-12-31", give("product-news")), early);
    assert_eq!(story.says("2024-12-31", request("newsletter", 1)), early);
    let imported = |shown| (CALL, Act::Give { asked: Asked { shown, ..asked("product-news") }, imported: true });
    assert_eq!(story.says("2024-12-31", imported(asked("product-news").shown)), early);
    let story = story.on("2024-12-31", imported(None)).on("2025-01-01", give("product-news"));
    assert_eq!(story.trail.entries().len(), 2);
}

#[test]
fn a_person_is_not_asked_without_end() {
    let codes = 0..OPEN_REQUESTS as u8;
    let story = codes.fold(Story::default(), |story, code| story.on("2026-01-01", request("newsletter", code)));
    assert_eq!(story.says("2026-01-02", request("newsletter", 99)), Rejection::TooManyRequests);
    assert_eq!(story.on("2026-01-16", request("newsletter", 99)).size, 21);
}

#[test]
fn the_stream_is_one_persons_and_closes_with_the_key() {
    let story = Story::default().on("2026-01-01", give("product-news"));
    let when = Circumstances { actor: ActorId([9; 16]), effective_at: at("2026-01-02"), now: at("2026-01-02") };
    let (way, act) = withdraw("product-news");
    let other = Command { subject: SubjectId([66; 16]), ..command(way, act.clone()) };
    assert_eq!(story.consents.decide(&other, &when), Err(Rejection::AnotherPerson));
    for (gone, rejection) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Withheld)] {
        let mut consents = Consents::default();
        let fact = story.trail.entries()[0].fact.clone();
        consents.evolve(&Event { fact, person: Held::Gone(gone) });
        assert_eq!(consents.decide(&command(way, act.clone()), &when), Err(rejection));
    }
}

#[test]
fn codes_read_back() {
    for state in State::ALL.iter().copied() {
        assert_eq!(State::from_code(state.code()), Some(state));
        assert_eq!(State::named(state.name()), Some(state));
    }
    for why in Why::ALL {
        assert!(why.words().ends_with('.'));
    }
}

fn any_scope() -> impl Strategy<Value = Scope> {
    let purpose = prop::option::of(prop::sample::select(vec!["newsletter", "product-news"]));
    let channel = prop::option::of(prop::sample::select(Channel::ALL));
    let point = prop::option::of(prop::sample::select(vec![POINT, OTHER_POINT]));
    (purpose, channel, point).prop_map(|(purpose, channel, point)| Scope {
        purpose: purpose.map(|slug| slug.parse().unwrap()),
        channel,
        point,
    })
}

fn any_act() -> impl Strategy<Value = (Way, Act)> {
    let slug = || prop::sample::select(vec!["newsletter", "product-news"]);
    prop_oneof![
        (slug(), 0..6_u8).prop_map(|(slug, code)| request(slug, code)),
        slug().prop_map(give),
        (0..6_u8).prop_map(confirm),
        slug().prop_map(|slug| (CALL, Act::Refuse { about: about(slug) })),
        any_scope().prop_map(|scope| (FORM, Act::Withdraw { scope })),
        any_scope().prop_map(object),
    ]
}

proptest! {
    /// Whatever is done in whatever order: nothing panics, and once the last word that reaches a consent is a no, the
    /// answer is no.
    #[test]
    fn the_least_permissive_word_wins(acts in prop::collection::vec((any_act(), 0..60_i64, 0..3_i64), 1..40)) {
        let mut story = Story::default();
        let mut now = at("2026-01-01");
        for (act, back, ahead) in acts {
            now = now.plus_ms(ahead * Time::DAY_MS);
            let _ = story.record(now.plus_ms(-back * Time::DAY_MS), now, act);
        }
        for slug in ["newsletter", "product-news"] {
            let about = about(slug);
            let answer = may_contact(&purpose(slug), &story.trail, about.channel, about.point, AsOf::day(now.day()));
            let words = story.trail.entries().iter().filter(|entry| match &entry.fact {
                Fact::Requested { .. } => false,
                Fact::Given { about: to, .. } | Fact::Confirmed { about: to, .. } | Fact::Refused { about: to, .. } => *to == about,
                Fact::Withdrawn { scope, .. } | Fact::Objected { scope, .. } => scope.covers(&about),
            });
            let last = words.max_by_key(|entry| (entry.effective_at, entry.position));
            let yes = last.is_some_and(|entry| matches!(entry.fact, Fact::Given { .. } | Fact::Confirmed { .. }));
            prop_assert!(yes || !answer.allowed, "{:?}", answer);
            if slug == "newsletter" && answer.allowed {
                let by = story.trail.entries().iter().find(|entry| Some(entry.position) == answer.decided_by).unwrap();
                prop_assert!(matches!(by.fact, Fact::Confirmed { .. }), "not by the code");
            }
            prop_assert!(!answer.allowed || answer.decided_by.is_some());
        }
    }

    /// A no never makes an answer more permissive, wherever it falls.
    #[test]
    fn one_more_no_never_allows_more(acts in prop::collection::vec((any_act(), 0..60_i64), 1..20), scope in any_scope(), back in 0..60_i64) {
        let mut story = Story::default();
        let now = at("2026-06-01");
        for (act, back) in acts {
            let _ = story.record(now.plus_ms(-back * Time::DAY_MS), now, act);
        }
        let ask = |story: &Story, slug| may_contact(&purpose(slug), &story.trail, Channel::Email, POINT, AsOf::day(now.day())).allowed;
        let before = ["newsletter", "product-news"].map(|slug| ask(&story, slug));
        story.record(now.plus_ms(-back * Time::DAY_MS), now, object(scope)).unwrap();
        let after = ["newsletter", "product-news"].map(|slug| ask(&story, slug));
        for (before, after) in before.into_iter().zip(after) {
            prop_assert!(before || !after);
        }
    }
}
