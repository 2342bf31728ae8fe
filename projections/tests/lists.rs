//! Lists, pages and search, told with a few people and tried with many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it expects by failing"
)]

mod common;

use common::{Dice, Fences, World, found, holding, line, mail, named, register};
use domain::channel::Channel;
use domain::compartment::Compartment;
use domain::consent::{About, AsOf, Evidence, Fact, Method, Person, Scope, Source, State, Way, Why};
use domain::event::StreamKind;
use domain::holding::{ChangeCause, HoldingChange, SourceKind};
use domain::id::{
    CaseId, ConsentsId, ContactId, ErasureId, MessageId, OrganizationId, PointId, RegisterId, SubjectId, TicketId,
};
use domain::personal::Held;
use domain::point::{Point, PointKind};
use domain::profile::Change;
use domain::subject::{Asked, AskedHow, Closed, Ground, IdentityCheck, Request, Stage, SubjectKind};
use domain::ticket::{Origin, Priority, Question, Status};
use domain::time::{Day, Time};
use domain::value::{Tag, Text};
use domain::{contact, ticket};
use projections::{
    ConsentFilter, CursorGone, Cut, Direction, Filter, HeldThing, NoAnswer, Sort, Span, TicketFilter, Views,
};

const UP: Direction = Direction::Ascending;
const DOWN: Direction = Direction::Descending;

fn id(n: u8) -> ContactId {
    ContactId([n; 16])
}

fn of(n: u8) -> SubjectId {
    SubjectId([n + 100; 16])
}

/// Anna Müller (1), Bert Ørsted (2), Änne Muller (3), Zoë Smith (4), all of Crafts Ltd (9), Bert with no one.
fn people() -> World {
    let mut world = World::default();
    let crafts = OrganizationId([9; 16]);
    found(&mut world, crafts, SubjectId([99; 16]), "Crafts Ltd");
    for (n, first, last) in [(1, "Anna", "Müller"), (2, "Bert", "Ørsted"), (3, "Änne", "Muller"), (4, "Zoë", "Smith")]
    {
        let mut profile = named(first, last);
        profile.organization = (n != 2).then_some(crafts);
        let address = format!("{}.{n}@example.org", ["anna", "bert", "aenne", "zoe"][n as usize - 1]);
        profile.points = vec![mail([n; 16], &address)];
        if n == 4 {
            profile
                .points
                .push(Point::parse(PointId([44; 16]), PointKind::Phone, None, "+49 30 1234567", None).unwrap());
            profile.tags = vec![Tag::parse("VIP").unwrap()];
        }
        world.pass_days(1);
        register(&mut world, id(n), of(n), profile);
    }
    world
}

fn ids(views: &Views, filter: &Filter, sort: Sort, direction: Direction) -> Vec<u8> {
    let page = views.contacts(filter, sort, direction, &Cut::first(100)).unwrap();
    page.items.iter().map(|contact| contact.id.0[0]).collect()
}

fn find(views: &Views, text: &str) -> Vec<u8> {
    let page = views.find_contacts(text, &Filter::default(), &Cut::first(100)).unwrap();
    page.items.iter().map(|contact| contact.id.0[0]).collect()
}

/// A fence over these compartments of one subject, with copies under those that stay.
fn fence(world: &mut World, subject: SubjectId, dies: &[Compartment], stays: &[Compartment]) {
    let (case, erasure) = (CaseId([77; 16]), ErasureId([78; 16]));
    let opened = domain::subject::Event::Opened {
        kind: SubjectKind::Person,
        subject: Held::new(subject, Compartment::Claims, ()),
    };
    world.append(StreamKind::Case, case.0, opened);
    let day = world.today();
    let asked = Asked {
        ground: Ground::Objected,
        how: AskedHow::Letter,
        on: day,
        identity: IdentityCheck::KnownPoint,
        identity_on: day,
    };
    let request = Held::new(subject, Compartment::Claims, Request { words: None, people: vec![] });
    let (by, due) = (domain::id::ActorId([1; 16]), day.plus_months(1));
    let requested = domain::subject::Event::ErasureRequested { erasure, asked, by, due, request };
    world.append(StreamKind::Case, case.0, requested);
    let closed = |stays: &Compartment| Held::new(subject, *stays, Closed { compartments: dies.to_vec() });
    let fenced = domain::subject::Event::Fenced {
        erasure,
        compartments: dies.to_vec(),
        keys: dies.iter().map(|compartment| common::fingerprint((subject, *compartment))).collect(),
        closed: stays.iter().map(closed).collect(),
    };
    world.append(StreamKind::Case, case.0, fenced);
}

#[test]
fn lists_made_at_the_end_of_a_replay_tell_long_names_and_words_apart() {
    let mut world = World::default();
    for (n, last) in (1..).zip(["zimmermann", "Albers", "zimmermann", "Yilmaz", "albers", "Brandt"]) {
        let mut profile = named("x", &format!("von und zu der lange {last}"));
        profile.points = vec![mail([n; 16], &format!("somebody.with.one.long.address.{last}@example.org"))];
        register(&mut world, id(n), of(n), profile);
    }
    let replayed = world.replay(1_000, Fences::AtTheirRecord);
    assert!(World::digest(&replayed) == World::digest(&world.views));
    assert_eq!(ids(&replayed, &Filter::default(), Sort::Name, UP), [2, 5, 6, 4, 1, 3]);
    assert_eq!(find(&replayed, "somebody.with.one.long.address.alb@"), [0_u8; 0]);
    assert_eq!(find(&replayed, "somebody.with.one.long.address.albers@ex"), [2, 5]);
    assert_eq!(find(&replayed, "somebody.with.one.long.address.z zimm"), [1, 3]);
}

#[test]
fn contacts_are_sorted_by_folded_name_and_by_time() {
    let mut world = people();
    let all = Filter::default();
    assert_eq!(ids(&world.views, &all, Sort::Name, UP), [1, 3, 2, 4], "Müller Anna, Muller Änne, Ørsted, Smith");
    assert_eq!(ids(&world.views, &all, Sort::Name, DOWN), [4, 2, 3, 1]);
    assert_eq!(ids(&world.views, &all, Sort::Created, DOWN), [4, 3, 2, 1]);
    let change = contact::ProfileChange { last_name: Change::Set(line("Abel")), ..Default::default() };
    let profile = Some(Held::new(of(4), Compartment::Relationship, Box::new(change)));
    let (cause, holding) =
        (ChangeCause::Change, HoldingChange { source: Some(SourceKind::Phone), ..Default::default() });
    world.append(StreamKind::Contact, id(4).0, contact::Event::Changed { cause, holding, profile });
    register(&mut world, id(5), of(5), named("Eva", "Aal"));
    assert_eq!(ids(&world.views, &all, Sort::Name, UP), [5, 4, 1, 3, 2]);
    assert_eq!(ids(&world.views, &all, Sort::Changed, DOWN), [5, 4, 3, 2, 1]);
    assert_eq!(ids(&world.views, &Filter { source: Some(SourceKind::Phone), ..all }, Sort::Name, UP), [4]);
    assert_eq!(world.views.contact(id(4)).unwrap().facts.revision, 1);
    assert_eq!(find(&world.views, "smith"), [0; 0]);
    assert_eq!(find(&world.views, "abel"), [4]);
}

#[test]
fn contacts_are_filtered_by_what_is_asked() {
    let world = people();
    let crafts = Filter { organization: Some(OrganizationId([9; 16])), ..Filter::default() };
    assert_eq!(ids(&world.views, &crafts, Sort::Name, UP), [1, 3, 4]);
    let vip = Filter { tags: vec![Tag::parse("vip").unwrap()], ..crafts.clone() };
    assert_eq!(ids(&world.views, &vip, Sort::Name, UP), [4]);
    let nobody = Filter { tags: vec![Tag::parse("no").unwrap()], ..Filter::default() };
    assert_eq!(ids(&world.views, &nobody, Sort::Name, UP), [0; 0]);
    let middle = Span { from: Some(Day(2).start()), until: Some(Day(4).start()) };
    for sort in [Sort::Name, Sort::Created, Sort::Changed] {
        for filter in [Filter { created: middle, ..Filter::default() }, Filter { changed: middle, ..Filter::default() }]
        {
            let mut found = ids(&world.views, &filter, sort, DOWN);
            found.sort();
            assert_eq!(found, [2, 3], "{sort:?} {filter:?}");
            assert_eq!(world.views.count_contacts(&filter), 2);
        }
    }
    let organizations = world.views.organizations(&Filter::default(), Sort::Name, UP, &Cut::first(9)).unwrap();
    assert_eq!(organizations.items.len(), 1);
    assert_eq!(world.views.count_contacts(&Filter::default()), 4);
}

#[test]
fn people_are_found_by_the_beginnings_of_words() {
    let world = people();
    for (text, expected) in [
        ("mull", &[1, 3][..]),
        ("MÜLL", &[1, 3]),
        ("mul an", &[1, 3]),
        ("mul anna", &[1]),
        ("ORS", &[2]),
        ("zoe", &[4]),
        ("zoë.4@exa", &[4]),
        ("exam", &[1, 2, 3, 4]),
        ("@example.org", &[1, 2, 3, 4]),
        ("example.org", &[1, 2, 3, 4]),
        ("@example.or", &[1, 2, 3, 4]),
        ("@example.com", &[]),
        ("@xample.org", &[]),
        ("anna.1@example.org", &[1]),
        ("anna.1", &[1]),
        ("anna.muller", &[1]),
        ("anna @example.org", &[1]),
        ("0049 30 123", &[4]),
        ("+49 (0)30 123", &[4]),
        ("zoe 0049 30 123", &[4]),
        ("+49 30 123 smith", &[4]),
        ("anna +49 30 123", &[]),
        ("030 123", &[]),
        ("+49 (30) 123", &[4]),
        ("an smith", &[]),
        ("uller", &[]),
        ("", &[]),
    ] {
        let mut found = find(&world.views, text);
        found.sort();
        assert_eq!(found, expected, "{text}");
    }
    let crafts = world.views.find_organizations("cra l", &Filter::default(), &Cut::first(5)).unwrap();
    assert_eq!(crafts.items.len(), 1);
}

#[test]
fn people_are_found_by_a_whole_domain_however_long() {
    let mut world = World::default();
    let domains = ["crafts-and-more.example.org", "crafts-and-more.example.net", "more.crafts-and-more.example.org"];
    for (n, domain) in (1..).zip(domains) {
        let mut profile = named("Ann", "O'Brien");
        profile.points = vec![mail([n; 16], &format!("info@{domain}"))];
        register(&mut world, id(n), of(n), profile);
    }
    register(&mut world, id(4), of(4), named("Crafts", "OBrien"));
    for (text, expected) in [
        ("@crafts-and-more.example.org", &[1, 3][..]),
        ("crafts-and-more.example.org", &[1, 3]),
        ("info@crafts-and-more.example.net", &[2]),
        ("ann crafts-and-more.example.net", &[2]),
        ("crafts-and-more.exam", &[1, 2, 3]),
        ("crafts more", &[1, 2, 3]),
        ("crafts", &[1, 2, 3, 4]),
        ("o'brien", &[1, 2, 3, 4]),
        ("OBrien", &[1, 2, 3, 4]),
        ("O\u{2019}Bri crafts", &[1, 2, 3, 4]),
        ("brien", &[1, 2, 3]),
    ] {
        let mut found = find(&world.views, text);
        found.sort();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn pages_of_a_search_hold_everybody_once() {
    let mut world = World::default();
    let mut dice = Dice(3);
    for n in 0..300_u16 {
        let names = ["Anna", "Anton", "Andrea Antonia", "Bert", "Annabella-Christiana von Hohenlohe"];
        let mut profile = named(names[dice.below(5)], names[dice.below(5)]);
        let mut raw = [0; 16];
        raw[..2].copy_from_slice(&n.to_le_bytes());
        let domain = ["annual-reports.example.org", "annual-reports.example.net", "b.example"][dice.below(3)];
        profile.points = vec![mail(raw, &format!("m{n}@{domain}"))];
        register(&mut world, ContactId(raw), SubjectId(raw), profile);
    }
    for text in [
        "an",
        "anna",
        "an an",
        "annabella-christiana",
        "an ho",
        "b",
        "@annual-reports.example.org",
        "annual-reports.example.org ann",
        "b.example",
    ] {
        let everybody = world.views.find_contacts(text, &Filter::default(), &Cut::first(1_000)).unwrap();
        let all: Vec<ContactId> = everybody.items.iter().map(|contact| contact.id).collect();
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len(), "{text}");
        let (mut forward, mut after) = (Vec::new(), None);
        loop {
            let page = world.views.find_contacts(text, &Filter::default(), &Cut::First { count: 7, after }).unwrap();
            forward.extend(page.items.iter().map(|contact| contact.id));
            after = page.items.last().map(|contact| contact.cursor());
            if !page.has_next {
                break;
            }
        }
        assert_eq!(forward, all, "{text}");
        let (mut backward, mut before) = (Vec::new(), None);
        loop {
            let page = world.views.find_contacts(text, &Filter::default(), &Cut::Last { count: 7, before }).unwrap();
            backward.splice(0..0, page.items.iter().map(|contact| contact.id));
            before = page.items.first().map(|contact| contact.cursor());
            if !page.has_previous {
                break;
            }
        }
        assert_eq!(backward, all, "{text}");
    }
}

/// Walks a list by pages while people come in, change and are forgotten between them. Whoever was there all the time and
/// did not move is seen exactly once, in order.
#[test]
fn pages_stay_right_while_rows_are_added() {
    for seed in 0..60 {
        let mut world = World::default();
        let mut dice = Dice(seed);
        let names = ["Anna", "Änne", "Bert", "Chris", "Dora", "王", "Schmidt", "Schmidt-Hohenlohe-Langenburg"];
        let add = |world: &mut World, dice: &mut Dice| {
            let mut profile = named(names[dice.below(8)], names[dice.below(8)]);
            if dice.one_in(3) {
                profile.tags = vec![Tag::parse("news").unwrap()];
            }
            let contact = ContactId(dice.id());
            world.now += dice.below(2) as i64;
            register(world, contact, SubjectId(contact.0), profile);
            contact
        };
        for _ in 0..200 {
            add(&mut world, &mut dice);
        }
        let sort = [Sort::Name, Sort::Created, Sort::Changed][seed as usize % 3];
        let direction = if dice.one_in(2) { UP } else { DOWN };
        let filter = match dice.below(3) {
            0 => Filter { tags: vec![Tag::parse("NEWS").unwrap()], ..Filter::default() },
            _ => Filter::default(),
        };
        let list = |world: &World| -> Vec<ContactId> {
            let page = world.views.contacts(&filter, sort, direction, &Cut::first(10_000)).unwrap();
            page.items.iter().map(|contact| contact.id).collect()
        };
        let before = list(&world);
        let forward = dice.one_in(2);
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let cut = if forward {
                Cut::First { count: 1 + dice.below(9), after: cursor }
            } else {
                Cut::Last { count: 1 + dice.below(9), before: cursor }
            };
            let page = world.views.contacts(&filter, sort, direction, &cut).unwrap();
            let items: Vec<ContactId> = page.items.iter().map(|contact| contact.id).collect();
            let edge = if forward { page.items.last() } else { page.items.first() };
            cursor = edge.map(|contact| contact.cursor());
            let (at, more) = if forward { (seen.len(), page.has_next) } else { (0, page.has_previous) };
            seen.splice(at..at, items);
            if !more {
                break;
            }
            add(&mut world, &mut dice);
        }
        let after = list(&world);
        let kept: Vec<ContactId> = seen.iter().copied().filter(|contact| before.contains(contact)).collect();
        assert_eq!(kept, before, "seed {seed}: nobody is missed, nobody comes twice");
        let in_order: Vec<ContactId> = after.iter().copied().filter(|contact| seen.contains(contact)).collect();
        assert_eq!(seen, in_order, "seed {seed}");
    }
}

#[test]
fn few_rows_are_sorted_as_many_are_walked() {
    let mut world = World::default();
    let mut dice = Dice(5);
    for n in 0..1_500 {
        let mut profile = named(["Anna", "Bert", "Chris"][dice.below(3)], ["X", "Y"][dice.below(2)]);
        profile.tags = vec![Tag::parse(if n % 3 == 0 { "few" } else { "many" }).unwrap()];
        let contact = ContactId(dice.id());
        world.now += 1;
        register(&mut world, contact, SubjectId(contact.0), profile);
    }
    for (tag, expected) in [("few", 500), ("many", 1_000)] {
        let filter = Filter { tags: vec![Tag::parse(tag).unwrap()], ..Filter::default() };
        for sort in [Sort::Name, Sort::Created, Sort::Changed] {
            for direction in [UP, DOWN] {
                let everybody = world.views.contacts(&Filter::default(), sort, direction, &Cut::first(2_000)).unwrap();
                let tagged = |contact: &projections::Contact<'_>| contact.sheet.unwrap().tags()[0].as_str() == tag;
                let expected_ids: Vec<_> = everybody.items.iter().filter(|one| tagged(one)).map(|one| one.id).collect();
                let listed = world.views.contacts(&filter, sort, direction, &Cut::first(2_000)).unwrap();
                let listed: Vec<_> = listed.items.iter().map(|contact| contact.id).collect();
                assert_eq!(listed.len(), expected);
                assert_eq!(listed, expected_ids, "{tag} {sort:?} {direction:?}");
            }
        }
    }
}

#[test]
fn who_is_forgotten_leaves_every_list_and_the_cursor_says_so() {
    let mut world = people();
    let all = Filter::default();
    let anna = world.views.contact(id(1)).unwrap().cursor();
    fence(&mut world, of(1), &[Compartment::Relationship, Compartment::Claims], &[]);
    assert!(world.views.contact(id(1)).unwrap().sheet.is_none());
    assert!(world.views.subject(of(1)).is_none());
    assert_eq!(ids(&world.views, &all, Sort::Name, UP), [3, 2, 4]);
    assert_eq!(find(&world.views, "anna"), [0; 0]);
    let cut = Cut::First { count: 2, after: Some(anna) };
    assert_eq!(world.views.contacts(&all, Sort::Name, UP, &cut).err(), Some(CursorGone));
    for sort in [Sort::Created, Sort::Changed] {
        let page = world.views.contacts(&all, sort, UP, &cut).unwrap();
        assert_eq!(page.items.iter().map(|contact| contact.id).collect::<Vec<_>>(), [id(2), id(3)], "{sort:?}");
    }
    let key = common::fingerprint((of(1), Compartment::Relationship));
    let erasure = world.views.erasure_of_key(key).unwrap();
    assert_eq!((erasure.facts.stage, erasure.subject), (Stage::Fenced, None));
    assert_eq!(world.views.erasures(&[Stage::Fenced], &Cut::first(5)).unwrap().items.len(), 1);
    assert_eq!(world.views.erasures(&[Stage::Requested], &Cut::first(5)).unwrap().items.len(), 0);
}

fn consent(world: &mut World, n: u8, fact: Fact) {
    let person = Held::new(of(n), Compartment::ConsentProof, Person { contact: id(n), words: None });
    world.append(StreamKind::Consents, [n + 50; 16], domain::consent::Event { fact, person });
}

const WAY: Way = Way { source: Source::Phone, method: Method::Spoken };

fn given(n: u8, until: Option<Day>) -> Fact {
    let about = About { purpose: "product-news".parse().unwrap(), channel: Channel::Email, point: PointId([n; 16]) };
    Fact::Given { about, shown: None, valid_until: until, way: WAY, evidence: Evidence::AgentsWord }
}

#[test]
fn may_we_is_answered_with_the_record_that_decides() {
    let mut world = people();
    for event in domain::register::defaults() {
        world.append(StreamKind::Register, RegisterId([1; 16]).0, event);
    }
    let ask = |world: &World, contact: u8, point: u8, purpose: &str| {
        let day = AsOf::day(world.today());
        world.views.may_contact(id(contact), &purpose.parse().unwrap(), Channel::Email, PointId([point; 16]), day)
    };
    assert_eq!(ask(&world, 1, 1, "product-news").unwrap().why, Why::NeverAsked);
    consent(&mut world, 1, given(1, None));
    let yes = ask(&world, 1, 1, "product-news").unwrap();
    assert_eq!((yes.allowed, yes.decided_by), (true, Some(world.log.len() as u64 - 1)));
    assert_eq!(ask(&world, 1, 2, "product-news"), Err(NoAnswer::NoSuchPoint), "Bert's point is not Anna's");
    assert_eq!(ask(&world, 8, 1, "product-news"), Err(NoAnswer::NoSuchContact));
    assert!(matches!(ask(&world, 1, 1, "gifts"), Err(NoAnswer::NoSuchPurpose(_))));
    assert!(ask(&world, 2, 2, "contract").unwrap().allowed);
    consent(&mut world, 1, Fact::Withdrawn { scope: Scope::default(), way: WAY });
    assert_eq!(ask(&world, 1, 1, "product-news").unwrap().why, Why::Withdrawn);
    fence(&mut world, of(1), &[Compartment::Relationship, Compartment::Claims], &[Compartment::ConsentProof]);
    assert_eq!(ask(&world, 1, 1, "product-news"), Err(NoAnswer::ContactGone));
    let kept = world.views.consents(ConsentsId([51; 16])).unwrap();
    assert_eq!((kept.subject, kept.trail.entries().len()), (Some(of(1)), 2), "the proof stays");
}

#[test]
fn a_point_that_was_retired_since_was_in_use_before() {
    let mut world = people();
    for event in domain::register::defaults() {
        world.append(StreamKind::Register, RegisterId([1; 16]).0, event);
    }
    consent(&mut world, 1, given(1, None));
    world.pass_days(10);
    let before = world.today();
    world.pass_days(10);
    let retired = contact::Event::PointRetired { point: Held::new(of(1), Compartment::Relationship, PointId([1; 16])) };
    world.append(StreamKind::Contact, id(1).0, retired);
    let ask = |channel, as_of| {
        let purpose = "product-news".parse().unwrap();
        world.views.may_contact(id(1), &purpose, channel, PointId([1; 16]), as_of).map(|answer| answer.allowed)
    };
    assert_eq!(ask(Channel::Email, AsOf::day(world.today())), Err(NoAnswer::NoSuchPoint));
    assert_eq!(ask(Channel::Email, AsOf::day(before)), Ok(true));
    let known_at = Some(before.end());
    assert_eq!(ask(Channel::Email, AsOf { day: world.today(), known_at }), Ok(true), "nobody knew then");
    assert_eq!(ask(Channel::Post, AsOf::day(before)), Err(NoAnswer::NoSuchPoint), "a mail address gets no letter");
}

#[test]
fn a_point_that_was_retired_unnoticed_counted_as_long_as_nobody_knew() {
    let mut world = people();
    for event in domain::register::defaults() {
        world.append(StreamKind::Register, RegisterId([1; 16]).0, event);
    }
    consent(&mut world, 1, given(1, None));
    world.pass_days(10);
    let (left, between) = (Time(world.now), world.today());
    world.pass_days(10);
    let retired = contact::Event::PointRetired { point: Held::new(of(1), Compartment::Relationship, PointId([1; 16])) };
    world.append_late(StreamKind::Contact, id(1).0, retired, left);
    let ask = |as_of| {
        let purpose = "product-news".parse().unwrap();
        world.views.may_contact(id(1), &purpose, Channel::Email, PointId([1; 16]), as_of).map(|answer| answer.allowed)
    };
    assert_eq!(ask(AsOf::day(between)), Err(NoAnswer::NoSuchPoint), "as is known now");
    assert_eq!(ask(AsOf { day: between, known_at: Some(between.end()) }), Ok(true), "as was known then");
}

#[test]
fn contacts_are_listed_by_consent_as_of_today() {
    let mut world = people();
    let until = Day(world.today().0 + 10);
    consent(&mut world, 1, given(1, Some(until)));
    consent(&mut world, 2, given(2, None));
    consent(&mut world, 3, given(3, None));
    consent(&mut world, 3, Fact::Withdrawn { scope: Scope::default(), way: WAY });
    let list = |world: &World, states: &[State], today: Day| -> Vec<u8> {
        let consent = ConsentFilter { purpose: "product-news".parse().unwrap(), states: states.to_vec(), today };
        let all = Filter::default();
        let page = world.views.contacts_by_consent(&consent, &all, Sort::Created, UP, &Cut::first(9)).unwrap();
        page.items.iter().map(|contact| contact.id.0[0]).collect()
    };
    let today = world.today();
    assert_eq!(list(&world, &[State::Given, State::Confirmed], today), [1, 2]);
    assert_eq!(list(&world, &[State::Withdrawn], today), [3]);
    assert_eq!(list(&world, &[State::Expired], Day(until.0 + 1)), [1], "before the log has come to that day");
    assert_eq!(list(&world, &[State::Given], Day(until.0 + 1)), [2]);
    world.pass_days(11);
    register(&mut world, id(7), of(7), named("New", "Day"));
    assert_eq!(list(&world, &[State::Expired], world.today()), [1], "and after");
    assert_eq!(list(&world, &[State::Given], world.today()), [2]);
    fence(&mut world, of(2), &[Compartment::Relationship, Compartment::Claims], &[Compartment::ConsentProof]);
    assert_eq!(list(&world, &[State::Given], world.today()), [0; 0]);
}

#[test]
fn an_access_request_shows_what_is_a_subjects_and_no_more() {
    let mut world = people();
    consent(&mut world, 1, given(1, None));
    let support = Compartment::Support(1970);
    let question = Question { line: line("It is broken"), body: Text::parse("Help.").unwrap() };
    let person = ticket::PersonPart { contact: id(1), organization: None, question };
    let organization = ticket::OrganizationPart { organization: OrganizationId([9; 16]), question: None };
    let opened = ticket::Event::Opened {
        message: MessageId([5; 16]),
        priority: Priority::High,
        origin: Origin::Email,
        person: Some(Held::new(of(1), support, person)),
        organization: Some(Held::new(SubjectId([99; 16]), support, organization)),
    };
    world.append(StreamKind::Ticket, [60; 16], opened);
    let held = world.views.subject(of(1)).unwrap();
    let compartments: Vec<Compartment> = held.compartments.iter().map(|held| held.holding.compartment).collect();
    assert_eq!(compartments, [Compartment::Relationship, support, Compartment::ConsentProof]);
    let HeldThing::Ticket(own) = &held.compartments[1].things[0] else { panic!("a ticket") };
    assert_eq!((own.contact(), own.organization()), (Some(id(1)), None), "the organization's part is not hers");
    assert_eq!(own.body(0).unwrap().as_str(), "Help.");

    let waiting = TicketFilter { status: Some(Status::Open), owner: Some(None), ..TicketFilter::default() };
    let of_crafts = TicketFilter { organization: Some(OrganizationId([9; 16])), ..TicketFilter::default() };
    for filter in [waiting, of_crafts, TicketFilter { contact: Some(id(1)), ..TicketFilter::default() }] {
        assert_eq!(world.views.tickets(&filter, DOWN, &Cut::first(5)).unwrap().items.len(), 1, "{filter:?}");
    }
    fence(&mut world, of(1), &[Compartment::Relationship, support, Compartment::Claims], &[Compartment::ConsentProof]);
    let left = world.views.ticket(TicketId([60; 16])).unwrap();
    assert_eq!((left.contact(), left.line(), left.body(0)), (None, None, None));
    assert_eq!(left.organization(), Some(OrganizationId([9; 16])), "the organization's part stays");
    assert_eq!(world.views.tickets(&waiting, DOWN, &Cut::first(5)).unwrap().items.len(), 1, "and the work with it");
    let theirs = TicketFilter { contact: Some(id(1)), ..TicketFilter::default() };
    assert_eq!(world.views.tickets(&theirs, DOWN, &Cut::first(5)).unwrap().items.len(), 0);
}

#[test]
fn a_profile_comes_back_as_it_went_in() {
    let mut world = World::default();
    let mut profile = named("Anna", "Müller");
    profile.birthday = Some(Day(-3_000));
    profile.notes = Some(Text::parse(&"long ".repeat(400)).unwrap());
    profile.work_address = Some(domain::profile::Address {
        lines: vec![line("Street 1"), line("Floor 2")],
        city: Some(line("Berlin")),
        country_code: Some(domain::compartment::Country(*b"DE")),
        ..Default::default()
    });
    profile.dates = vec![domain::profile::Pertinent { label: line("jubilee"), day: Day(19_000) }];
    profile.old_id = Some(domain::profile::OldId { source: line("northwind"), id: line("ALFKI") });
    profile.points = vec![mail([1; 16], "Anna@Example.ORG"), mail([2; 16], "anna@example.org")];
    profile.points[1].label = Some(line("home"));
    register(&mut world, id(1), of(1), profile.clone());
    let sheet = world.views.contact(id(1)).unwrap().sheet.unwrap();
    assert!(sheet.profile() == profile);
    assert_eq!(sheet.text(contact::Field::LastName), Some("Müller"));
    let retired = contact::Event::PointRetired { point: Held::new(of(1), Compartment::Relationship, PointId([1; 16])) };
    world.append(StreamKind::Contact, id(1).0, retired);
    let sheet = world.views.contact(id(1)).unwrap().sheet.unwrap();
    assert_eq!(sheet.points().map(|point| point.retired.is_some()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(sheet.profile().points.len(), 1);
    assert_eq!(holding(), world.views.contact(id(1)).unwrap().facts.holding);
    assert_eq!(world.views.contact(id(1)).unwrap().facts.created_at, Time(0));
}
