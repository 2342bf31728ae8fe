//! The roots of the map of stream heads in a log: an honest one is made again by whoever verifies; one that hides a stream,
//! or that is left behind when a stream is taken out and every hash put right, is named with its position.

use std::path::Path;

use domain::event::{Event, Stream, StreamKind};
use domain::ledger;
use events::chain::StreamHead;
use events::log::Entry;
use events::map::StreamMap;
use events::record::Record;
use events::wire::{self, Written};
use replay::maps::MapRoots;
use replay::report::Report;
use replay::source::Source;
use replay::verify::verify;
use tests::book;
use tests::forge::{Forger, apart};

use crate::tamper::{Verdict, assert_broken, audit, audit_by_program, with_book};

/// What a `log.map` is to say.
#[derive(Clone, Copy)]
struct Named {
    size: usize,
    streams: u64,
    root: [u8; 32],
}

/// The map of the first records, without some streams.
fn map_without(forger: &Forger, size: usize, hidden: &[Stream]) -> Named {
    let mut map = StreamMap::new();
    for entry in &forger.entries[..size] {
        let record = Record::parse(&entry.record).unwrap();
        if !hidden.contains(&record.stream) {
            map.put(&StreamHead { stream: record.stream, count: record.revision + 1, hash: entry.hash });
        }
    }
    Named { size, streams: map.len(), root: map.root() }
}

fn honest(forger: &Forger, size: usize) -> Named {
    map_without(forger, size, &[])
}

/// Puts a `log.map` in at the first end of a command from a position on, and every hash behind it right. Where it stands.
fn put_map(forger: &mut Forger, from: usize, named: impl FnOnce(&Forger, usize) -> Named) -> usize {
    let ends = |at: &usize| {
        let (last, _) = apart(&forger.entries[*at - 1].record);
        last.index + 1 == last.count
    };
    let at = (from..=forger.entries.len()).find(ends).unwrap();
    let Named { size, streams, root } = named(forger, at);
    let event = Event::Log(ledger::Event::Mapped { size: size as u64, streams, root });
    let Written { kind, version, facts, .. } = wire::write(&event).unwrap();
    let (opened, _) = apart(&forger.entries[0].record);
    let (_, mut link) = apart(&forger.entries[at - 1].record);
    let mut draft = opened;
    (draft.kind, draft.version, draft.facts, draft.effective_at) = (kind, version, facts, link.recorded_at);
    draft.command.0 = [at as u8; 16];
    link.position = at as u64;
    forger.entries.insert(at, Entry { record: draft.write(&link).unwrap(), hash: [0; 32], parts: Vec::new() });
    forger.relink(at);
    at
}

/// A log with an honest map in the middle and one at its end, of all before it.
fn with_maps() -> (tempfile::TempDir, Forger, [usize; 2]) {
    let (home, mut forger) = with_book();
    let middle = put_map(&mut forger, 60, |forger, at| honest(forger, at - 7));
    let end = forger.entries.len();
    let last = put_map(&mut forger, end, honest);
    (home, forger, [middle, last])
}

fn write(forger: &Forger, home: &Path) {
    forger.write(home);
    forger.write_mark(home);
}

fn some_consents(forger: &Forger, before: usize) -> Stream {
    let streams = forger.entries[..before].iter().map(|entry| Record::parse(&entry.record).unwrap().stream);
    streams.into_iter().find(|stream| stream.kind == StreamKind::Consents).unwrap()
}

#[test]
fn honest_roots_are_made_again_and_reported() {
    let (home, forger, [_, last]) = with_maps();
    write(&forger, home.path());

    let consistent = verify(&Source::open(home.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap();
    assert_eq!(consistent.maps, MapRoots { count: 2, size: last as u64 });
    let report = Report::from(&consistent);
    assert_eq!(report.map_roots.map(|roots| (roots.confirmed, roots.up_to)), Some((2, last as u64)));
    let said = report.to_string();
    assert!(said.contains(&format!("map roots: 2 made again and right, the last one of the first {last} records")));
    assert!(!said.contains("no map root"), "{said}");
    assert_eq!(audit_by_program(home.path(), None), Verdict::Consistent);
    drop(book::open(home.path()).expect("the ledger boots with maps in its log"));
}

#[test]
fn a_log_without_map_roots_says_what_that_means() {
    let (home, _) = with_book();
    let consistent = verify(&Source::open(home.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap();
    assert_eq!(consistent.maps, MapRoots::default());
    assert!(Report::from(&consistent).to_string().contains("Not covered: there is no map root in this log yet"));
}

type Lie = fn(&Forger, usize) -> Named;

#[test]
fn a_map_that_is_not_that_of_its_log_is_broken_where_it_stands() {
    let lies: &[(&str, Lie, &str)] = &[
        ("another root", |f, at| Named { root: [7; 32], ..honest(f, at) }, "its map root is not that of the first"),
        (
            "the root of another size",
            |f, at| Named { root: honest(f, at - 1).root, ..honest(f, at) },
            "its map root is not that of the first",
        ),
        ("a stream dropped", |f, at| map_without(f, at, &[some_consents(f, at)]), "streams, where the first"),
        (
            "a stream dropped and counted",
            |f, at| Named { streams: honest(f, at).streams, ..map_without(f, at, &[some_consents(f, at)]) },
            "its map root is not that of the first",
        ),
        ("more than there is", |f, at| Named { size: at + 1, ..honest(f, at) }, "more than come before it"),
        ("nothing", |f, _| honest(f, 0), "and the one before was of 0"),
    ];
    for (what, lie, reason) in lies {
        let (home, mut forger) = with_book();
        let at = put_map(&mut forger, 60, lie);
        let end = forger.entries.len();
        put_map(&mut forger, end, lie);
        write(&forger, home.path());
        let verdict = audit(home.path(), None);
        assert_broken(&verdict, at as u64, reason, what);
        assert_eq!(audit_by_program(home.path(), None), verdict, "{what}");
    }
}

/// Proofs are made from the last root, so that is the one the boot makes again. Old ones are for whoever verifies.
#[test]
fn the_boot_makes_the_last_root_again() {
    let lie = |f: &Forger, at| Named { root: [7; 32], ..honest(f, at) };
    for (first, last, boots) in [(true, true, true), (false, true, true), (true, false, false)] {
        let (home, mut forger) = with_book();
        put_map(&mut forger, 60, |f, at| if first { honest(f, at - 7) } else { lie(f, at - 7) });
        let end = forger.entries.len();
        let at = put_map(&mut forger, end, |f, at| if last { honest(f, at) } else { lie(f, at) });
        write(&forger, home.path());
        assert_eq!(audit(home.path(), None) == Verdict::Consistent, first && last);
        match book::open(home.path()) {
            Ok(_) => assert!(boots, "{first} {last}"),
            Err(why) => assert!(!boots && why.contains(&format!("record {at}: the root of the map")), "{why}"),
        }
    }
}

#[test]
fn a_map_that_does_not_go_on_from_the_one_before_is_broken() {
    let (home, mut forger, [_, last]) = with_maps();
    let size = forger.entries.len();
    let at = put_map(&mut forger, size, |forger, _| honest(forger, last));
    write(&forger, home.path());
    assert_broken(&audit(home.path(), None), at as u64, &format!("and the one before was of {last}"), "the same size");
}

/// Whoever takes records out and puts every hash right, but not the map, is found without a head that somebody kept. Who
/// makes the maps anew as well has written another history, and only a head that somebody kept tells.
#[test]
fn records_taken_out_of_the_log_are_missed_by_the_map() {
    let (home, original, [middle, last]) = with_maps();
    let stream = some_consents(&original, middle - 7);
    let of_it: Vec<usize> = (0..last).filter(|at| apart(&original.entries[*at].record).0.stream == stream).collect();
    let newest = &of_it[of_it.len() - 1..];
    for (what, removed) in [("a whole stream", &of_it[..]), ("its newest record", newest)] {
        let mut forger = original.clone();
        take_out(&mut forger, removed);
        write(&forger, home.path());
        let missed = if removed[0] < middle - 7 { middle } else { last };
        let position = missed - removed.iter().filter(|at| **at < missed).count();
        let verdict = audit(home.path(), None);
        assert_broken(&verdict, position as u64, "its map", what);
        assert_eq!(audit_by_program(home.path(), None), verdict);

        make_maps_anew(&mut forger);
        write(&forger, home.path());
        assert_eq!(audit(home.path(), None), Verdict::Consistent, "{what}, and the maps made anew");
        let kept = Some(original.head());
        assert!(matches!(audit(home.path(), kept), Verdict::Broken(..)), "{what}, with a head that was kept");
    }
}

/// Commands that lose a record are made whole again, and no cause is named that has moved.
fn take_out(forger: &mut Forger, removed: &[usize]) {
    let mut at = 0..;
    forger.entries.retain(|_| !removed.contains(&at.next().unwrap()));
    let commands: Vec<_> = forger.entries.iter().map(|entry| apart(&entry.record).0.command).collect();
    for at in removed[0].saturating_sub(64)..forger.entries.len() {
        let index = commands[..at].iter().rev().take_while(|other| **other == commands[at]).count();
        let count = index + commands[at..].iter().take_while(|other| **other == commands[at]).count();
        forger.edit(at, |draft, _| {
            (draft.index, draft.count) = (index as u16, count as u16);
            draft.causation = draft.causation.filter(|_| at < removed[0]);
        });
    }
    forger.relink(removed[0].saturating_sub(64));
}

fn make_maps_anew(forger: &mut Forger) {
    for at in 0..forger.entries.len() {
        let (draft, _) = apart(&forger.entries[at].record);
        if draft.kind == "log.map" {
            let Named { size, streams, root } = honest(forger, at - 1);
            let event = Event::Log(ledger::Event::Mapped { size: size as u64, streams, root });
            forger.edit(at, |draft, _| draft.facts = wire::write(&event).unwrap().facts);
            forger.relink(at);
        }
    }
}
