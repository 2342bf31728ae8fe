//! Given a new ledger, when the story is told, then it is the same story each time, with everything in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::consent::{AsOf, State, Trail};
use domain::event::{Event, Recorded};
use domain::subject::Stage;
use domain::{actor, contact, organization, quote, subject, ticket};
use events::ledger::{Clock, Directory};
use events::log::Log as _;
use events::log::engine::Options;
use replay::rebuild::boot;
use replay::source::Source;
use replay::verify::verify;

use super::*;

const NOW: Time = Time(1_790_000_000_000);

/// All that was recorded, as it was followed.
#[derive(Default)]
struct Seen(Vec<Recorded>);

impl Follow for Seen {
    fn follow(&mut self, records: Vec<Recorded>) {
        self.0.extend(records);
    }
}

fn open(path: &Path) -> Ledger<Seen> {
    let options = Options { segment_size: 1 << 20, ..Options::default() };
    if !Directory::exists(path).unwrap() {
        Directory::create(path, &founding(NOW), options).unwrap();
    }
    let directory = Directory::open(path, options, &|_, _| {}).unwrap();
    boot(directory, Seen::default(), Clock::set_to(NOW), &|_, _| {}).unwrap().0
}

fn told(path: &Path, seed: u64, contacts: usize) -> (Ledger<Seen>, Demo) {
    let ledger = open(path);
    let demo = populate(&ledger, seed, contacts).unwrap();
    (ledger, demo)
}

/// What a record says, without the ids and codes in it.
fn content(recorded: &Recorded) -> String {
    let said = match &recorded.event {
        Event::Contact(contact::Event::Registered { profile, holding }) => {
            let profile = profile.here().unwrap().expose();
            let points: Vec<_> = profile.points.iter().map(|point| point.value.as_str()).collect();
            let name = [&profile.first_name, &profile.last_name].map(|name| name.as_ref().unwrap().as_str());
            format!("{holding:?} {name:?} {:?} {points:?}", profile.job_title.as_ref().unwrap().as_str())
        }
        Event::Organization(organization::Event::Registered { profile, .. }) => {
            profile.here().unwrap().expose().name.as_ref().unwrap().as_str().to_owned()
        }
        Event::Quote(quote::Event::Drafted { terms, .. } | quote::Event::Revised { terms, .. }) => {
            format!("{:?}", terms.total)
        }
        Event::Ticket(ticket::Event::Opened { person: Some(person), origin, .. }) => {
            format!("{origin:?} {}", person.here().unwrap().expose().question.body.as_str())
        }
        Event::Consents(event) => format!("{:?}", std::mem::discriminant(&event.fact)),
        event => format!("{:?}", std::mem::discriminant(event)),
    };
    let place = recorded.place;
    format!("{} {} {} {said}", place.recorded_at, place.effective_at, place.stream.kind.name())
}

#[test]
fn one_seed_and_time_tell_one_story() {
    let dirs = [1, 2, 3].map(|_| tempfile::tempdir().unwrap());
    let stories = [7, 7, 8].map(|seed| {
        let path = dirs[if seed == 8 { 2 } else { usize::from(Directory::exists(dirs[0].path()).unwrap()) }].path();
        let (ledger, _) = told(path, seed, 30);
        let story: Vec<String> = ledger.views().0.iter().map(content).collect();
        story
    });
    assert!(stories[0].len() > 100, "{} records", stories[0].len());
    assert_eq!(stories[0], stories[1]);
    assert_ne!(stories[0], stories[2]);
}

#[test]
fn the_story_lies_in_the_past_and_is_recorded_as_it_happens() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = told(dir.path(), 1, CONTACTS);
    assert_eq!(ledger.clock().now(), NOW);
    let seen = ledger.views();
    let days: BTreeSet<_> = seen.0.iter().map(|recorded| recorded.place.recorded_at.day().year()).collect();
    assert!(days.len() >= 5, "{days:?}");
    for Recorded { place, .. } in &seen.0 {
        assert!(place.effective_at <= place.recorded_at && place.recorded_at <= NOW, "{place:?}");
        assert!(place.recorded_at.0 - place.effective_at.0 < Time::DAY_MS, "recorded late: {place:?}");
    }
}

#[test]
fn every_state_occurs() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = told(dir.path(), 1, CONTACTS);
    let (mut trails, mut tickets, mut quotes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for Recorded { place, event } in &ledger.views().0 {
        match event {
            Event::Consents(event) => {
                trails.entry(place.stream).or_insert_with(Trail::default).follow(place, &event.fact);
            }
            Event::Ticket(_) => drop(tickets.insert(place.stream, place.stream.id)),
            Event::Quote(_) => drop(quotes.insert(place.stream, place.stream.id)),
            _ => {}
        }
    }
    let states: BTreeSet<State> = trails
        .values()
        .flat_map(|trail| trail.state_on(AsOf::day(NOW.day())))
        .map(|(_, standing)| standing.state)
        .collect();
    assert_eq!(states, State::ALL.iter().copied().collect());
    let tickets: BTreeSet<_> =
        tickets.values().filter_map(|id| ledger.state::<ticket::Ticket>(id).unwrap().1.status()).collect();
    assert_eq!(tickets, ticket::Status::ALL.iter().copied().collect());
    let quotes: BTreeSet<_> =
        quotes.values().filter_map(|id| ledger.state::<quote::Quote>(id).unwrap().1.status(NOW.day())).collect();
    assert_eq!(quotes, quote::Status::ALL.iter().copied().collect());
}

#[test]
fn every_script_occurs_and_each_contact_has_two_points_and_a_consent() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = told(dir.path(), 1, CONTACTS);
    let seen = ledger.views();
    let (mut names, mut contacts, mut consents) = (String::new(), 0, BTreeSet::new());
    for Recorded { place, event } in &seen.0 {
        match event {
            Event::Contact(contact::Event::Registered { profile, .. }) => {
                let profile = profile.here().unwrap().expose();
                names += profile.last_name.as_ref().unwrap().as_str();
                assert_eq!(profile.points.len(), 2);
                contacts += 1;
            }
            Event::Consents(_) => drop(consents.insert(place.stream)),
            _ => {}
        }
    }
    assert_eq!((contacts, consents.len()), (CONTACTS + 4, CONTACTS + 4));
    for (script, (first, last)) in [
        ("Latin with marks", ('À', 'ž')),
        ("Vietnamese", ('Ạ', 'ỹ')),
        ("Greek", ('Α', 'ω')),
        ("Cyrillic", ('А', 'я')),
        ("Hebrew", ('א', 'ת')),
        ("Arabic", ('ء', 'ي')),
        ("Devanagari", ('अ', 'ह')),
        ("Thai", ('ก', 'ฮ')),
        ("Chinese and Japanese", ('一', '龥')),
        ("Korean", ('가', '힣')),
    ] {
        assert!(names.chars().any(|c| (first..=last).contains(&c)), "no {script}");
    }
}

#[test]
fn the_four_are_where_the_readme_says() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, demo) = told(dir.path(), 1, 0);
    let People { withdrawn, unanswered, waiting, erased } = demo.people;
    let states = |somebody: &Somebody, days_ago: i32| -> Vec<State> {
        let mut trail = Trail::default();
        for Recorded { place, event } in &ledger.views().0 {
            if let Event::Consents(event) = event
                && place.stream.id == somebody.consents.0
            {
                trail.follow(place, &event.fact);
            }
        }
        let day = domain::time::Day(NOW.day().0 - days_ago);
        trail.state_on(AsOf::day(day)).into_iter().map(|(_, standing)| standing.state).collect()
    };
    assert_eq!(states(&withdrawn, 0), [State::Withdrawn, State::Given], "newsletter and product news");
    assert_eq!(states(&withdrawn, 365), [State::Confirmed, State::Given]);
    assert_eq!(states(&unanswered, 0), [State::Requested]);
    let stage = |somebody: &Somebody| {
        let (case, _) = somebody.erasure.unwrap();
        ledger.state::<subject::Case>(&case.0).unwrap().1.erasures().last().unwrap().stage
    };
    assert_eq!((stage(&waiting), stage(&erased)), (Stage::Requested, Stage::Certified));
    for somebody in [&withdrawn, &unanswered, &waiting] {
        let (_, state) = ledger.state::<contact::Contact>(&somebody.contact.0).unwrap();
        assert_eq!(state.owner(), domain::owner::Owner::Subject(somebody.subject), "{}", somebody.name);
    }
    let (_, gone) = ledger.state::<contact::Contact>(&erased.contact.0).unwrap();
    assert_eq!(gone.owner(), domain::owner::Owner::Gone(domain::personal::Gone::Erased));
    let role = |id: ActorId| ledger.state::<actor::Actor>(&id.0).unwrap().1.roles().to_vec();
    assert!(demo.actors.dpos.iter().all(|dpo| role(*dpo) == [actor::Role::Dpo]));
    assert_eq!(role(demo.actors.integration), [actor::Role::Integration]);
}

#[test]
fn the_ledger_verifies_and_boots_without_the_erased() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = told(dir.path(), 1, 20);
    let size = ledger.log().head().size;
    drop(ledger);
    let consistent = verify(&Source::open(dir.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap();
    assert_eq!((consistent.head.size, consistent.certified, consistent.parts.residue), (size, 1, 0));
    let ledger = open(dir.path());
    let named = |recorded: &&Recorded| match &recorded.event {
        Event::Contact(contact::Event::Registered { profile, .. }) => {
            profile.here().is_some_and(|profile| profile.expose().last_name.as_ref().unwrap().as_str() == "Brandt")
        }
        _ => false,
    };
    assert_eq!(ledger.views().0.iter().find(named).map(|recorded| recorded.place.position), None);
}

#[test]
fn a_ledger_in_use_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _) = told(dir.path(), 1, 0);
    let size = ledger.log().head().size;
    assert!(matches!(populate(&ledger, 1, 0), Err(DemoError::NotNew)));
    assert_eq!(ledger.log().head().size, size);
    drop(ledger);
    let directory = Directory::open(dir.path(), Options::default(), &|_, _| {}).unwrap();
    let (ledger, _) = boot(directory, Seen::default(), Clock::system(), &|_, _| {}).unwrap();
    assert!(matches!(populate(&ledger, 1, 0), Err(DemoError::Clock)));
}
