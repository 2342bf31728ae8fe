//! A whole ledger under load: what the program `ledger_driver` does to it, and what must hold of its directory after a kill
//! or a cut.
//!
//! Each line that it prints is an answer that the ledger gave: `did SEED ACT POSITION` of somebody who stays,
//! `about SEED ACT POSITION` of somebody whose erasure is on its way, `fenced SEED`, `unfenced SEED`, `held SEED`, `lifted SEED`,
//! `certified SEED`, `swept SEED`, and `signed SIZE ROOT` of a checkpoint that was shown.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::event::Event;
use domain::id::{CaseId, KeyId};
use domain::personal::{Gone, Held};
use domain::subject;
use events::keyring::KeyState;
use events::ledger::{Ledger, Restoring, restore_from};
use events::log::{Entry, Log, PartBytes};
use events::record::Record;
use events::tree::{self, Node};
use events::wire;
use replay::rebuild::Booted;

use crate::acts::{Act, NOW, approve, case, destroy, doomed, keep_support_two_years, perform, redact, retire};
use crate::book;
use crate::cast::Someone;
use crate::collected::Collected;

/// Makes backups of the ledger, each of a few records more than the one before.
///
/// # Panics
/// When the ledger refuses something else.
pub fn back_up(directory: &Path, into: &Path, times: u64, say: &dyn Fn(String)) {
    let ledger = book::open(directory).unwrap();
    for _ in 0..times {
        match book::back_up(&ledger, into) {
            Ok(made) => say(format!("backed-up {}", made.manifest.head.size)),
            Err(why) => say(format!("not: {why}")),
        }
    }
}

/// Restores the ledger from a backup. Where it has no keyring, the loss is declared.
pub fn restore(directory: &Path, from: &Path, origin: &str, say: &dyn Fn(String)) {
    let order = Restoring { declares_lost: true, ..Restoring::new(origin, NOW) };
    match restore_from(from, directory, &order, book::options(), &|_, _| {}) {
        Ok(restored) => say(format!("restored {}", restored.generation.from)),
        Err(why) => say(format!("not: {why}")),
    }
}

/// Opens the ledger and does `turns` rounds of everything from several threads; each answer is told to `say`.
///
/// # Panics
/// When the ledger refuses something.
pub fn drive(directory: &Path, turns: u64, base: u64, say: &(dyn Fn(String) + Sync)) {
    let ledger = book::open_or_create(directory).unwrap();
    say(format!("open {}", ledger.log().head().size));
    keep_support_two_years(&ledger);
    let fencing = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for thread in 0..2 {
            let ledger = &ledger;
            scope.spawn(move || (0..turns).for_each(|turn| stay(ledger, someone(base, thread, turn), say)));
        }
        let done = std::sync::atomic::AtomicBool::new(false);
        let (ledger, fencing, done) = (&ledger, &fencing, std::sync::Arc::new(done));
        let over = done.clone();
        scope.spawn(move || {
            let _over = Over(&over);
            for turn in 0..turns {
                leave(ledger, someone(base, 2, turn), turn, fencing, say);
                age(ledger, someone(base, 3, turn), say);
                keep(ledger, someone(base, 4, turn), turn, say);
            }
        });
        // Somebody writes about the person whose data is just being fenced.
        scope.spawn(move || {
            let mut tried = HashSet::new();
            while !done.load(Ordering::Acquire) {
                let seed = fencing.load(Ordering::Acquire);
                if seed != 0 && tried.insert(seed) {
                    for act in [Act::Rename, Act::Reply, Act::AddPoint, Act::Note, Act::Withdraw] {
                        if let Ok(accepted) = perform(ledger, Someone(seed), act) {
                            say(format!("about {seed} {} {}", act.name(), accepted.position));
                        }
                    }
                }
                std::thread::yield_now();
            }
        });
    });
}

/// Says that it is over, also where something was refused.
struct Over<'a>(&'a std::sync::atomic::AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn someone(base: u64, thread: u64, turn: u64) -> Someone {
    Someone((base & 0xffff_ffff) << 24 | thread << 20 | (turn + 1))
}

fn stay(ledger: &Ledger<Collected>, who: Someone, say: &(dyn Fn(String) + Sync)) {
    for act in Act::DAILY {
        let accepted = perform(ledger, who, act).unwrap();
        say(format!("did {} {} {}", who.0, act.name(), accepted.position));
    }
    // One value of them dies, and all the rest stays.
    for act in [Act::Case, Act::Redaction] {
        let accepted = perform(ledger, who, act).unwrap();
        say(format!("did {} {} {}", who.0, act.name(), accepted.position));
    }
    let keys = doomed(ledger, who.subject());
    redact(ledger, who).unwrap();
    say(format!("certified {}", who.0));
    let dead = |key: &KeyId| matches!(ledger.keyring().state(key), KeyState::Erased { .. });
    ledger.sweep(&keys.into_iter().filter(dead).collect::<Vec<_>>()).unwrap();
    say(format!("swept {}", who.0));
    let shown = &ledger.publish_now().unwrap().checkpoint;
    say(format!("signed {} {}", shown.size, words(&shown.root)));
}

fn leave(ledger: &Ledger<Collected>, who: Someone, turn: u64, fencing: &AtomicU64, say: &(dyn Fn(String) + Sync)) {
    for act in [Act::Contact, Act::Consent, Act::Ticket, Act::Case, Act::Link, Act::Request] {
        let accepted = perform(ledger, who, act).unwrap();
        say(format!("about {} {} {}", who.0, act.name(), accepted.position));
    }
    fencing.store(who.0, Ordering::Release);
    approve(ledger, who).unwrap();
    say(format!("fenced {}", who.0));
    match turn % 3 {
        0 => {
            let keys = doomed(ledger, who.subject());
            destroy(ledger, who).unwrap();
            say(format!("certified {}", who.0));
            ledger.sweep(&keys).unwrap();
            say(format!("swept {}", who.0));
        }
        1 => {
            perform(ledger, who, Act::Unfence).unwrap();
            say(format!("unfenced {}", who.0));
        }
        _ => {}
    }
}

/// A ticket that came in years ago is over at once: fenced, confirmed and destroyed, while the one of today stays.
fn age(ledger: &Ledger<Collected>, who: Someone, say: &(dyn Fn(String) + Sync)) {
    for act in [Act::Contact, Act::OldTicket, Act::Ticket] {
        let accepted = perform(ledger, who, act).unwrap();
        say(format!("about {} {} {}", who.0, act.name(), accepted.position));
    }
    for gone in retire(ledger).unwrap() {
        say(format!("over {gone}"));
    }
}

/// A legal hold keeps somebody who is fenced, until two people lift it.
fn keep(ledger: &Ledger<Collected>, who: Someone, turn: u64, say: &(dyn Fn(String) + Sync)) {
    for act in [Act::Contact, Act::Ticket, Act::Case, Act::Link, Act::Hold, Act::HoldAgreed] {
        let accepted = perform(ledger, who, act).unwrap();
        say(format!("about {} {} {}", who.0, act.name(), accepted.position));
    }
    say(format!("held {}", who.0));
    perform(ledger, who, Act::Request).unwrap();
    approve(ledger, who).unwrap();
    say(format!("fenced {}", who.0));
    assert!(destroy(ledger, who).is_err(), "the hold keeps it");
    if turn.is_multiple_of(2) {
        for act in [Act::Lift, Act::LiftAgreed] {
            perform(ledger, who, act).unwrap();
        }
        say(format!("lifted {}", who.0));
        destroy(ledger, who).unwrap();
        say(format!("certified {}", who.0));
    }
}

/// How much is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Care {
    /// What is there.
    Look,
    /// And whether the ledger goes on: retries, a lifted fence, and the same views after one more boot.
    GoOn,
}

/// Nothing acknowledged is lost, no record lacks its key, what was ordered is finished, what is fenced stays so.
///
/// # Errors
/// What is wrong.
pub fn look(directory: &Path, acknowledged: &[String], care: Care) -> Result<Booted, String> {
    if acknowledged.is_empty() {
        book::open_or_create(directory)?;
    }
    let (ledger, booted) = book::boot(directory)?;
    let entries = ledger.log().read(0, usize::MAX).map_err(|failed| failed.to_string())?;
    let said: Vec<Said> = acknowledged.iter().filter_map(|line| Said::read(line)).collect();
    for said in &said {
        said.check(&ledger, &entries)?;
    }
    for line in acknowledged {
        check_signed(&ledger, line)?;
        check_over(&entries, line)?;
    }
    let open = check_fences(&ledger, &entries)?;
    if care == Care::GoOn {
        repeat(&ledger, &said)?;
        if let Some(who) = open.iter().find_map(|id| said.iter().find(|said| case(said.who).0 == *id)) {
            perform(&ledger, who.who, Act::Unfence)?;
        }
        let fresh = Someone(0xdead << 40 | ledger.log().head().size);
        for act in [Act::Contact, Act::Ticket] {
            perform(&ledger, fresh, act)?;
        }
        let lived = ledger.views().digest();
        drop(ledger);
        let replayed = book::open(directory)?;
        if replayed.views().digest() != lived {
            return Err("the replayed views are not those that followed".into());
        }
    }
    Ok(booted)
}

/// One answer of the ledger.
struct Said {
    word: String,
    who: Someone,
    act: Option<(Act, u64)>,
}

impl Said {
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (word, who) = (words.next()?.to_owned(), Someone(words.next()?.parse().ok()?));
        let act = words.next().and_then(|act| Some((Act::named(act)?, words.next()?.parse().ok()?)));
        (word != "open" && word != "signed").then_some(Self { word, who, act })
    }

    fn check(&self, ledger: &Ledger<Collected>, entries: &[Entry]) -> Result<(), String> {
        let lost = |what: &str| Err(format!("{what} of {} was acknowledged and is lost", self.who.0));
        if let Some((act, position)) = self.act {
            let record = entries.get(position as usize).and_then(|entry| Record::parse(&entry.record).ok());
            let there = record.is_some_and(|record| record.command == self.who.command(&act.name()));
            return if there { Ok(()) } else { lost(&act.name()) };
        }
        let stream = ledger.log().read_stream(&case(self.who).0, 0, usize::MAX).map_err(|failed| failed.to_string())?;
        let kinds: Vec<&str> =
            stream.iter().filter_map(|entry| Some(Record::parse(&entry.record).ok()?.kind)).collect();
        let kind = match self.word.as_str() {
            "fenced" => "case.fenced",
            "unfenced" => "case.unfenced",
            "held" => "case.hold-approved",
            "lifted" => "case.hold-lifted",
            _ => "case.certified",
        };
        if !kinds.contains(&kind) {
            return lost(&self.word);
        }
        if self.word == "swept" {
            let theirs = entries.iter().flat_map(|entry| &entry.parts);
            let keys = fingerprints(&stream);
            let left = theirs.filter(|part| keys.contains(&part.key) && !matches!(part.bytes, PartBytes::Swept { .. }));
            if left.count() > 0 {
                return Err(format!("a swept part of {} is there", self.who.0));
            }
        }
        Ok(())
    }
}

/// A retention that was told to be over has its certificate, in its case.
fn check_over(entries: &[Entry], line: &str) -> Result<(), String> {
    let Some(case) = line.strip_prefix("over ").and_then(|case| case.parse::<CaseId>().ok()) else { return Ok(()) };
    let certifies = |entry: &Entry| {
        let record = Record::parse(&entry.record).ok();
        record.is_some_and(|record| record.kind == "case.certified" && record.stream.id == case.0)
    };
    if entries.iter().any(certifies) {
        Ok(())
    } else {
        Err(format!("{case} was told to be over and has no certificate"))
    }
}

/// No other root is ever signed for a size, nor a log that does not go on from it.
fn check_signed(ledger: &Ledger<Collected>, line: &str) -> Result<(), String> {
    let Some((size, root)) = line.strip_prefix("signed ").and_then(|line| line.split_once(' ')) else { return Ok(()) };
    let size: u64 = size.parse().map_err(|_| "a line that was never printed")?;
    let shown = ledger.published().latest().map_or(0, |latest| latest.checkpoint.size);
    if shown < size {
        return Err(format!("a checkpoint over {size} records was shown, and now the last is over {shown}"));
    }
    let again = tree::root(ledger.published().rows(), size).map_err(|failed| failed.to_string())?;
    if words(&again) != root {
        return Err(format!("another root was signed for the first {size} records"));
    }
    Ok(())
}

fn words(root: &Node) -> String {
    root.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn facts(entry: &Entry) -> Option<Event> {
    let record = Record::parse(&entry.record).ok()?;
    let parts = record.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
    wire::read(record.kind, record.version, record.facts, parts).ok()
}

fn fingerprints(stream: &[Entry]) -> HashSet<KeyId> {
    let keys = stream.iter().filter_map(facts).filter_map(|event| match event {
        Event::Case(subject::Event::DestructionOrdered { keys, .. }) => Some(keys),
        _ => None,
    });
    keys.flatten().collect()
}

/// Goes through all records in order: behind a fence no part is under its keys; every order has its certificate, and none came
/// under a hold; and the keyring says of every key what the records say. Gives the cases in cooling-off.
fn check_fences(ledger: &Ledger<Collected>, entries: &[Entry]) -> Result<Vec<[u8; 16]>, String> {
    let mut fenced: HashMap<KeyId, [u8; 16]> = HashMap::new();
    let (mut ordered, mut certified, mut held) = (HashMap::new(), HashSet::new(), HashSet::new());
    for (position, entry) in entries.iter().enumerate() {
        if entry.parts.iter().any(|part| fenced.contains_key(&part.key)) {
            return Err(format!("record {position} has a part under a key that was fenced before"));
        }
        let Some(Event::Case(event)) = facts(entry) else { continue };
        let stream = Record::parse(&entry.record).map_err(|bad| bad.to_string())?.stream.id;
        match event {
            subject::Event::Fenced { keys, .. } => fenced.extend(keys.into_iter().map(|key| (key, stream))),
            subject::Event::Unfenced { keys, .. } => keys.iter().for_each(|key| _ = fenced.remove(key)),
            subject::Event::HoldApproved { .. } => drop(held.insert(stream)),
            subject::Event::HoldLifted { .. } => drop(held.remove(&stream)),
            subject::Event::DestructionOrdered { erasure, .. } if held.contains(&stream) => {
                return Err(format!("record {position} orders {erasure} under a hold"));
            }
            subject::Event::DestructionOrdered { erasure, keys, .. } => drop(ordered.insert(erasure, keys)),
            subject::Event::Certified { erasure, .. } => drop(certified.insert(erasure)),
            _ => {}
        }
    }
    for (erasure, keys) in &ordered {
        if !certified.contains(erasure) {
            return Err(format!("{erasure} was ordered and is not certified"));
        }
        if keys.iter().any(|key| !matches!(ledger.keyring().state(key), KeyState::Erased { .. })) {
            return Err(format!("a key of {erasure} is not erased"));
        }
        keys.iter().for_each(|key| _ = fenced.remove(key));
    }
    if let Some((key, _)) = fenced.iter().find(|(key, _)| ledger.keyring().state(key) != KeyState::Fenced) {
        return Err(format!("{key} is in cooling-off and not fenced"));
    }
    let mut open: Vec<[u8; 16]> = fenced.into_values().collect();
    open.sort_unstable();
    open.dedup();
    Ok(open)
}

/// The last answers and some early ones, asked for again.
fn repeat(ledger: &Ledger<Collected>, said: &[Said]) -> Result<(), String> {
    let stayed: Vec<_> = said.iter().filter(|said| said.word == "did").collect();
    let some = stayed.iter().rev().take(4).chain(stayed.iter().step_by(1 + stayed.len() / 4));
    for (who, (act, position)) in some.filter_map(|said| Some((said.who, said.act?))) {
        let again = perform(ledger, who, act)?;
        if !again.repeated || again.position != position {
            return Err(format!("{act:?} of {} was done again at {}, not {position}", who.0, again.position));
        }
    }
    Ok(())
}
