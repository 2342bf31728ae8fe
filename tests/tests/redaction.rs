//! Redactions through the ledger: one value dies, what stays is read from where it is by now, and nothing brings the value back.

use std::path::Path;

use domain::aggregate::Aggregate;
use domain::compartment::Compartment;
use domain::contact::{self, Contact};
use domain::event::{Event, Stream, StreamKind};
use domain::id::{ActorId, CaseId, ErasureId, HoldId, KeyId, MessageId, TicketId};
use domain::personal::{Gone, Held};
use domain::profile::FieldPolicy;
use domain::subject::redaction::{self, NotRedacted, Resealed, Wanted, What};
use domain::subject::{self, Case, Holding, Rejection, Stage};
use domain::time::Time;
use domain::value::Text;
use events::keyring::KeyState;
use events::ledger::{Accepted, Clock, Directory, EraseError, Fresh, Intent, Ledger, Refused, open_entry};
use events::log::{Entry, Log};
use events::record::{Draft, FORMAT_VERSION, Record};
use events::seal::{self, Binding};
use events::wire;
use projections::Views;
use replay::rebuild::{self, Booted};
use replay::source::Source;
use replay::verify::verify;
use tests::acts::{self, AGENT, Act, NOW, OFFICER, REGISTER, perform, perform_all};
use tests::book;
use tests::cast::Someone;
use tests::files::{read_files, write_files};
use tests::forge::Forger;
use tests::powercut::check::scratch;

use crate::tamper::{self, Verdict};

const MARIA: Someone = Someone(1);
const ANNA: Someone = Someone(2);

type Book = Ledger<Views>;

fn open_at(path: &Path, now: Time) -> (Book, Booted) {
    let open = || Directory::open(path, book::options(), &|_, _| {}).map_err(|failed| failed.to_string());
    let directory = book::patiently(open).unwrap();
    rebuild::boot(directory, Views::default(), Clock::set_to(now), &|_, _| {}).unwrap()
}

fn open(path: &Path) -> Book {
    open_at(path, NOW).0
}

fn create(path: &Path) -> Book {
    book::create(path).unwrap();
    let ledger = open(path);
    acts::register(&ledger);
    ledger
}

/// Somebody with everything, and a case.
fn furnished(path: &Path) -> Book {
    let ledger = create(path);
    perform_all(&ledger, MARIA, &Act::DAILY);
    perform_all(&ledger, MARIA, &[Act::Case, Act::Link]);
    ledger
}

fn intent<A: Aggregate>(id: [u8; 16], actor: ActorId, command: A::Command) -> Intent<A> {
    let (effective_at, expected, reads, keys, fresh) = (None, None, Vec::new(), Vec::new(), Fresh::new());
    let command_id = Fresh::new().id().unwrap();
    Intent { id, command, command_id, actor, effective_at, expected, reads, keys, fresh }
}

fn say<A: Aggregate>(ledger: &Book, id: [u8; 16], actor: ActorId, command: A::Command) -> Accepted {
    ledger.submit_blocking::<A>(&intent(id, actor, command)).unwrap()
}

fn contact_of(who: Someone) -> Stream {
    Stream { kind: StreamKind::Contact, id: who.contact().0 }
}

fn ticket_of(who: Someone) -> Stream {
    Stream { kind: StreamKind::Ticket, id: who.id::<TicketId>("ticket").0 }
}

fn field(field: contact::Field) -> What {
    What::Fields(vec![field.code().into()])
}

/// Asks for it; which.
fn ask(ledger: &Book, who: Someone, stream: Stream, what: What) -> (CaseId, ErasureId) {
    let (_, compartment) = ledger.home(&stream).unwrap().unwrap().unwrap();
    let redaction = Fresh::new().id().unwrap();
    let wanted = Wanted { stream, what, words: Text::parse("It was another person's.").ok() };
    let request = redaction::Command::Request { redaction, compartment, wanted, purge_on: None };
    say::<Case>(ledger, acts::case(who).0, AGENT, subject::Command::Redaction(request));
    (acts::case(who), redaction)
}

fn redact(ledger: &Book, who: Someone, stream: Stream, what: What) -> ErasureId {
    let asked = ask(ledger, who, stream, what);
    ledger.redact(REGISTER, asked, OFFICER, None, None).unwrap();
    asked.1
}

fn key(ledger: &Book, who: Someone, compartment: Compartment) -> KeyId {
    ledger.owners().key(who.subject(), compartment).unwrap()
}

fn profile(ledger: &Book, who: Someone) -> contact::Profile {
    ledger.views().contact(who.contact()).unwrap().sheet.unwrap().profile()
}

fn digest(ledger: &Book) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    ledger.views().write_digest(&mut |bytes| {
        hasher.update(bytes);
    });
    *hasher.finalize().as_bytes()
}

/// What was followed live equals what is replayed.
fn restarted(ledger: Book, path: &Path) -> Book {
    let before = digest(&ledger);
    drop(ledger);
    let ledger = open(path);
    assert_eq!(digest(&ledger), before, "replay differs from live");
    ledger
}

fn stage(ledger: &Book, id: ErasureId) -> Stage {
    ledger.views().redaction(id).unwrap().facts.stage
}

/// Whether any key that there is opens this part as it was stored then.
fn is_opened_by_any(ledger: &Book, entry: &Entry, number: usize) -> bool {
    let record = Record::parse(&entry.record).unwrap();
    let part = &record.personal[number];
    let events::log::PartBytes::Present(bytes) = &entry.parts[number].bytes else { panic!("it was there") };
    let live = ledger.keyring().fingerprints().into_iter().filter_map(|(id, _)| match ledger.keyring().state(&id) {
        KeyState::Live(key) => Some((id, key)),
        _ => None,
    });
    live.into_iter().any(|(id, key)| {
        [part.key, id].into_iter().any(|named| {
            let binding = Binding {
                format: FORMAT_VERSION,
                log: record.log,
                stream: record.stream,
                revision: record.revision,
                kind: record.kind,
                schema: record.version,
                part: number as u8,
                key: named,
            };
            seal::open(bytes, &key, &binding, &part.commitment).is_ok()
        })
    })
}

fn first_entry(ledger: &Book, stream: Stream) -> Entry {
    ledger.log().read_stream(&stream.id, 0, 1).unwrap().remove(0)
}

/// A log in which two values of one person died, one behind the other.
pub fn write(path: &Path) {
    let ledger = furnished(path);
    perform_all(&ledger, ANNA, &[Act::Contact]);
    redact(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    redact(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Gender));
}

/// What is done to it.
pub type Forgery = fn(&mut Draft);

/// What breaks a record that moves parts, and what an auditor says of it.
pub const FORGERIES: [(&str, Forgery); 4] = [
    ("its commitment is another", |draft| draft.personal[0].commitment = [7; 32]),
    ("is not under the key", |draft| rename(draft, |_, keys| keys.1 = Some(KeyId([7; 16])))),
    ("was not under the key", |draft| rename(draft, |_, keys| keys.0 = KeyId([7; 16]))),
    ("there is not", |draft| rename(draft, |resealed, _| resealed.moved[0].of.part = 9)),
];

/// Other facts of the same form.
fn rename(draft: &mut Draft, other: impl Fn(&mut Resealed, &mut (KeyId, Option<KeyId>))) {
    let parts = draft.personal.iter().map(|_| Held::Gone(Gone::Withheld)).collect();
    let event = wire::read(draft.kind, draft.version, &draft.facts, parts).unwrap();
    let Event::Case(subject::Event::Redaction(redaction::Event::Resealed {
        redaction,
        compartment,
        from,
        to,
        mut resealed,
        more,
    })) = event
    else {
        panic!("it moves nothing")
    };
    let mut keys = (from, to);
    other(&mut resealed, &mut keys);
    let (from, to) = keys;
    let event = redaction::Event::Resealed { redaction, compartment, from, to, resealed, more };
    draft.facts = wire::write(&Event::Case(subject::Event::Redaction(event))).unwrap().facts;
}

#[test]
fn one_field_dies_alone_and_the_rest_has_its_history() {
    let home = scratch();
    let ledger = furnished(home.path());
    let (before, backup) = (profile(&ledger, MARIA), first_entry(&ledger, contact_of(MARIA)));
    let old = key(&ledger, MARIA, Compartment::Relationship);
    assert!(is_opened_by_any(&ledger, &backup, 0), "else this test is blind");
    assert!(before.notes.is_some());
    let wanted = Wanted { stream: contact_of(MARIA), what: field(contact::Field::Notes), words: None };
    let home_of = (MARIA.subject(), Compartment::Relationship);
    let preview = ledger.preview_redaction(home_of, &wanted).unwrap();
    // The registration, its two changes, and the link.
    assert_eq!((preview.touched, preview.resealed), (1, 4));

    let redaction = redact(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    assert_eq!(stage(&ledger, redaction), Stage::Certified);
    assert!(matches!(ledger.keyring().state(&old), KeyState::Erased { .. }));
    assert!(!is_opened_by_any(&ledger, &backup, 0), "an older backup's part opens no more");
    assert_eq!(profile(&ledger, MARIA), contact::Profile { notes: None, ..before });
    let ledger = restarted(ledger, home.path());
    let names: Vec<_> = history(&ledger, contact_of(MARIA));
    assert_eq!(names, [Some(MARIA.word("first name")), Some(MARIA.word("other name")), None]);
    let facts = ledger.views().redaction(redaction).unwrap().facts.clone();
    assert_eq!((facts.touched, facts.resealed), (1, 4));
    drop(ledger);
    let audited = verify(&Source::open(home.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap();
    assert_eq!((audited.certified, audited.parts.residue), (1, 4));
}

/// The first names of a contact, record by record, as a subscriber reads them.
fn history(ledger: &Book, stream: Stream) -> Vec<Option<String>> {
    let mut tail = ledger.tail(0);
    let mut names = Vec::new();
    loop {
        let records = tail.next(std::time::Duration::ZERO).unwrap();
        if records.is_empty() {
            return names;
        }
        for recorded in records.into_iter().filter(|recorded| recorded.place.stream == stream) {
            names.push(match recorded.event {
                Event::Contact(contact::Event::Registered { profile, .. }) => {
                    let profile = profile.here().unwrap().expose().clone();
                    assert!(profile.notes.is_none() && profile.last_name.is_some());
                    profile.first_name.map(|name| name.as_str().to_owned())
                }
                Event::Contact(contact::Event::Changed { profile: Some(change), .. }) => {
                    change.here().unwrap().expose().first_name.set().map(|name| name.as_str().to_owned())
                }
                _ => None,
            });
        }
    }
}

#[test]
fn a_value_that_later_records_repeat_goes_from_all_of_them() {
    let home = scratch();
    let ledger = furnished(home.path());
    let wanted = Wanted { stream: contact_of(MARIA), what: field(contact::Field::FirstName), words: None };
    let preview = ledger.preview_redaction((MARIA.subject(), Compartment::Relationship), &wanted).unwrap();
    assert_eq!(preview.touched, 2, "as she was registered, and as she was renamed");
    redact(&ledger, MARIA, contact_of(MARIA), field(contact::Field::FirstName));
    assert_eq!(profile(&ledger, MARIA).first_name, None);
    let again = ledger.preview_redaction((MARIA.subject(), Compartment::Relationship), &wanted).unwrap();
    assert_eq!(again.touched, 0, "there is nothing left to redact");
    // Somebody may write there again, under the new key.
    let change = contact::ProfileChange {
        first_name: domain::profile::Change::Set(domain::value::Line::parse("Marie").unwrap()),
        ..contact::ProfileChange::default()
    };
    let change = contact::Command::Change {
        cause: domain::holding::ChangeCause::Correction,
        holding: domain::holding::HoldingChange::default(),
        profile: Box::new(change),
        policy: FieldPolicy::default(),
    };
    say::<Contact>(&ledger, MARIA.contact().0, AGENT, change);
    let ledger = restarted(ledger, home.path());
    assert_eq!(profile(&ledger, MARIA).first_name.unwrap().as_str(), "Marie");
}

#[test]
fn what_was_resealed_is_resealed_again_and_dies_with_the_person() {
    let home = scratch();
    let ledger = furnished(home.path());
    let before = profile(&ledger, MARIA);
    redact(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    let ledger = restarted(ledger, home.path());
    let first = key(&ledger, MARIA, Compartment::Relationship);
    redact(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Gender));
    assert!(matches!(ledger.keyring().state(&first), KeyState::Erased { .. }));
    assert_eq!(profile(&ledger, MARIA), contact::Profile { notes: None, gender: None, ..before });
    let ledger = restarted(ledger, home.path());
    let last = key(&ledger, MARIA, Compartment::Relationship);

    perform_all(&ledger, MARIA, &[Act::Request]);
    acts::approve(&ledger, MARIA).unwrap();
    assert!(ledger.views().contact(MARIA.contact()).unwrap().sheet.is_none(), "fenced");
    let ledger = restarted(ledger, home.path());
    ledger.lift_fence(acts::case(MARIA), acts::erasure(MARIA), OFFICER, subject::UnfenceGround::Mistake, None).unwrap();
    assert!(profile(&ledger, MARIA).last_name.is_some(), "a lifted fence gives back what was resealed");
    assert_eq!(profile(&ledger, MARIA).notes, None);
    let ledger = restarted(ledger, home.path());
    ledger
        .fence_approved(REGISTER, acts::case(MARIA), acts::erasure(MARIA), OFFICER, subject::CoolingOff::NONE)
        .unwrap();
    acts::destroy(&ledger, MARIA).unwrap();
    assert!(matches!(ledger.keyring().state(&last), KeyState::Erased { .. }));
    let ledger = restarted(ledger, home.path());
    assert!(ledger.views().contact(MARIA.contact()).unwrap().sheet.is_none());
    drop(ledger);
    let audited = verify(&Source::open(home.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap();
    assert_eq!(audited.certified, 3);
}

#[test]
fn one_message_goes_and_the_others_are_read() {
    let home = scratch();
    let ledger = furnished(home.path());
    let ticket: TicketId = MARIA.id("ticket");
    let bodies = |ledger: &Book| {
        let views = ledger.views();
        let ticket = views.ticket(ticket).unwrap();
        let bodies = (0..3).map(|number| ticket.body(number).is_some()).collect::<Vec<_>>();
        (ticket.line().is_some(), bodies, ticket.solution().is_some(), ticket.contact().is_some())
    };
    assert_eq!(bodies(&ledger), (true, vec![true; 3], true, true));
    let message = |what: &str| What::Message(MARIA.id::<MessageId>(what));
    redact(&ledger, MARIA, ticket_of(MARIA), message("third message"));
    assert_eq!(bodies(&ledger), (true, vec![true, true, false], true, true), "a note among us");
    let ledger = restarted(ledger, home.path());
    redact(&ledger, MARIA, ticket_of(MARIA), message("message"));
    assert_eq!(bodies(&ledger), (false, vec![false, true, false], true, true), "with the line that it is about");
    let ledger = restarted(ledger, home.path());
    assert_eq!(bodies(&ledger), (false, vec![false, true, false], true, true));
    // The ticket goes on.
    let more = domain::ticket::Command::AddNote { message: MessageId([9; 16]), body: MARIA.text("note") };
    assert!(matches!(
        ledger.submit_blocking::<domain::ticket::Ticket>(&intent(ticket.0, AGENT, more)),
        Ok(_) | Err(Refused::Rejected(domain::ticket::Rejection::Closed))
    ));
    restarted(ledger, home.path());
}

#[test]
fn a_whole_node_goes_and_what_else_is_held_of_the_person_stays() {
    let home = scratch();
    let ledger = furnished(home.path());
    let link = |ledger: &Book| ledger.views().case(acts::case(MARIA)).unwrap().links.len();
    redact(&ledger, MARIA, contact_of(MARIA), What::Node);
    assert!(ledger.views().contact(MARIA.contact()).unwrap().sheet.is_none());
    assert_eq!(link(&ledger), 1);
    assert!(ledger.views().ticket(MARIA.id("ticket")).unwrap().line().is_some());
    let again = perform(&ledger, MARIA, Act::AddPoint).unwrap_err();
    assert!(again.contains("was erased since"), "a retry brings nothing back: {again}");
    let renamed = ledger.submit_blocking::<Contact>(&intent(
        MARIA.contact().0,
        AGENT,
        contact::Command::RetirePoint { point: MARIA.point(domain::point::PointKind::Email).id },
    ));
    assert!(matches!(renamed, Err(Refused::Rejected(contact::Rejection::Erased))), "{renamed:?}");
    let ledger = restarted(ledger, home.path());
    assert!(ledger.views().contact(MARIA.contact()).unwrap().sheet.is_none());
    assert_eq!(link(&ledger), 1);
}

/// What is moved and the order are one frame: behind it the next open goes on, and before it nothing has happened.
#[test]
fn what_a_crash_cut_off_is_led_on_at_the_next_open() {
    let home = scratch();
    let ledger = furnished(home.path());
    let old = key(&ledger, MARIA, Compartment::Relationship);
    let asked = ask(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    ledger.order_redaction(asked, OFFICER, None, None).unwrap();
    assert!(matches!(ledger.keyring().state(&old), KeyState::Live(_)), "ordered, and not destroyed yet");
    assert_eq!(profile(&ledger, MARIA).notes, None, "and read no more");
    assert_eq!(stage(&ledger, asked.1), Stage::DestructionOrdered);
    drop(ledger);

    let (ledger, booted) = open_at(home.path(), NOW);
    assert_eq!((booted.finished, booted.waiting), (1, 0));
    assert!(booted.residue.contains(&old), "its parts are to be swept");
    assert!(matches!(ledger.keyring().state(&old), KeyState::Erased { .. }));
    assert_eq!(stage(&ledger, asked.1), Stage::Certified);
    assert_eq!(profile(&ledger, MARIA).notes, None);
    ledger.sweep(&[old]).unwrap();
    let ledger = restarted(ledger, home.path());
    assert!(profile(&ledger, MARIA).last_name.is_some(), "what was moved is not swept");
    drop(ledger);
    let audited = verify(&Source::open(home.path()).unwrap(), None, &mut |_, _| {}, &|_, _| {}).unwrap();
    assert_eq!((audited.certified, audited.parts.residue, audited.parts.erased), (1, 0, 4));
}

#[test]
fn the_destroyed_key_and_no_certificate_is_found_and_certified() {
    let home = scratch();
    let ledger = furnished(home.path());
    let old = key(&ledger, MARIA, Compartment::Relationship);
    let asked = ask(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    ledger.order_redaction(asked, OFFICER, None, None).unwrap();
    ledger.keyring().destroy(&[old]).unwrap();
    let before = digest(&ledger);
    drop(ledger);
    let (ledger, booted) = open_at(home.path(), NOW);
    assert_eq!(booted.finished, 1);
    assert_eq!(stage(&ledger, asked.1), Stage::Certified);
    assert_ne!(digest(&ledger), before, "it is certified now");
    restarted(ledger, home.path());
}

#[test]
fn nobody_approves_their_own_and_a_retry_is_the_same_command() {
    let home = scratch();
    let ledger = furnished(home.path());
    let asked = ask(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    let size = ledger.log().head().size;
    let own = ledger.redact(REGISTER, asked, AGENT, None, None).unwrap_err();
    let is_own = matches!(own, EraseError::Refused(Refused::Rejected(Rejection::Redaction(NotRedacted::ApprovingOwn))));
    assert!(is_own, "{own:?}");
    let stale = ledger.redact(REGISTER, asked, OFFICER, None, Some(0)).unwrap_err();
    assert!(matches!(stale, EraseError::Refused(Refused::Conflict { .. })), "{stale:?}");
    assert_eq!(ledger.log().head().size, size, "a refusal writes nothing");
    let command = Some(Fresh::new().id().unwrap());
    let first = ledger.redact(REGISTER, asked, OFFICER, command, None).unwrap();
    let again = ledger.redact(REGISTER, asked, OFFICER, command, None).unwrap();
    assert_eq!((again.position, again.hash, again.repeated), (first.position, first.hash, true));
    let registered = perform(&ledger, MARIA, Act::Contact).unwrap();
    assert!(registered.repeated, "a retry of what was redacted is the same command, and brings nothing back");
    assert_eq!(profile(&ledger, MARIA).notes, None);
    let other = ledger.redact(REGISTER, asked, AGENT, command, None).unwrap_err();
    assert!(matches!(other, EraseError::Refused(Refused::CommandReused)), "{other:?}");
    let twice = ledger.redact(REGISTER, asked, OFFICER, None, None).unwrap_err().to_string();
    assert!(twice.contains("certified"), "{twice}");
}

#[test]
fn a_hold_stops_it_and_so_does_an_erasure_under_way() {
    let home = scratch();
    let ledger = furnished(home.path());
    let asked = ask(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    let hold: HoldId = Fresh::new().id().unwrap();
    let holding = Holding {
        compartments: vec![],
        review_on: "2999-01-01".parse().unwrap(),
        matter: Text::parse("12 C 345/26").unwrap(),
    };
    let case = acts::case(MARIA).0;
    say::<Case>(&ledger, case, AGENT, subject::Command::PlaceHold { hold, holding });
    say::<Case>(&ledger, case, OFFICER, subject::Command::ApproveHold { hold });
    let held = ledger.redact(REGISTER, asked, OFFICER, None, None).unwrap_err();
    assert!(
        matches!(held, EraseError::Refused(Refused::Rejected(Rejection::OnHold { .. }))),
        "under a hold nothing is resealed: {held:?}"
    );
    say::<Case>(&ledger, case, AGENT, subject::Command::LiftHold { hold });
    say::<Case>(&ledger, case, OFFICER, subject::Command::ApproveLift { hold });

    perform_all(&ledger, MARIA, &[Act::Request]);
    acts::approve(&ledger, MARIA).unwrap();
    let fenced = ledger.redact(REGISTER, asked, OFFICER, None, None).unwrap_err().to_string();
    assert!(fenced.contains("under way"), "{fenced}");
    assert_eq!(stage(&ledger, asked.1), Stage::Requested);
    ledger.lift_fence(acts::case(MARIA), acts::erasure(MARIA), OFFICER, subject::UnfenceGround::Mistake, None).unwrap();
    ledger.redact(REGISTER, asked, OFFICER, None, None).unwrap();
    assert_eq!(stage(&ledger, asked.1), Stage::Certified);
    restarted(ledger, home.path());
}

/// A part that comes in while others are sealed anew would be left under the key that dies.
#[test]
fn nothing_is_lost_that_is_written_meanwhile() {
    let home = scratch();
    let ledger = furnished(home.path());
    let notes = |text: &str| {
        let notes = domain::profile::Change::Set(Text::parse(text).unwrap());
        let profile = Box::new(contact::ProfileChange { notes, ..contact::ProfileChange::default() });
        let (cause, holding) = (domain::holding::ChangeCause::Change, domain::holding::HoldingChange::default());
        contact::Command::Change { cause, holding, profile, policy: FieldPolicy::default() }
    };
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            for number in 0..60 {
                let change = intent::<Contact>(MARIA.contact().0, AGENT, notes(&format!("note {number}")));
                written += usize::from(ledger.submit_blocking(&change).is_ok());
            }
            written
        });
        for what in [contact::Field::Gender, contact::Field::Website, contact::Field::JobTitle] {
            let asked = ask(&ledger, MARIA, contact_of(MARIA), field(what));
            ledger.redact(REGISTER, asked, OFFICER, None, None).unwrap();
        }
        writer.join().unwrap()
    });
    assert!(written > 0);
    let ledger = restarted(ledger, home.path());
    let now = profile(&ledger, MARIA);
    assert!(now.notes.is_some() && now.gender.is_none() && now.website.is_none() && now.job_title.is_none());
    let (count, _) = ledger.state::<Contact>(&MARIA.contact().0).unwrap();
    assert_eq!(history_of_notes(&ledger), written, "{count} records");
}

/// While what stayed was read again, everything of the compartment was shown as erased, and an import made a duplicate.
#[test]
fn nobody_finds_what_stays_gone_in_between() {
    let home = scratch();
    let ledger = furnished(home.path());
    for number in 0..200 {
        let notes = domain::profile::Change::Set(Text::parse(&format!("note {number}")).unwrap());
        let profile = Box::new(contact::ProfileChange { notes, ..contact::ProfileChange::default() });
        let (cause, holding) = (domain::holding::ChangeCause::Change, domain::holding::HoldingChange::default());
        let policy = FieldPolicy::default();
        let change = contact::Command::Change { cause, holding, profile, policy };
        say::<Contact>(&ledger, MARIA.contact().0, AGENT, change);
    }
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                assert!(ledger.views().contact(MARIA.contact()).unwrap().sheet.is_some(), "it was there all the time");
            }
        });
        for what in [contact::Field::Gender, contact::Field::Website, contact::Field::Notes] {
            redact(&ledger, MARIA, contact_of(MARIA), field(what));
        }
        done.store(true, std::sync::atomic::Ordering::Release);
        reader.join().unwrap();
    });
    assert_eq!(profile(&ledger, MARIA).notes, None);
}

fn history_of_notes(ledger: &Book) -> usize {
    let entries = ledger.log().read_stream(&MARIA.contact().0, 0, usize::MAX).unwrap();
    let events = entries.iter().map(|entry| ledger.open(entry).unwrap().recorded.event);
    let noted = events.filter(|event| match event {
        Event::Contact(contact::Event::Changed { profile: Some(change), .. }) => {
            change.here().unwrap().expose().notes.set().is_some()
        }
        _ => false,
    });
    noted.count()
}

/// A log from before, with the keys of today: what shared the key is gone there, also what stayed.
#[test]
fn an_older_backup_loses_what_shared_the_key() {
    let home = scratch();
    let ledger = furnished(home.path());
    perform_all(&ledger, ANNA, &[Act::Contact]);
    let backup = ledger.log().read(0, usize::MAX).unwrap();
    redact(&ledger, MARIA, contact_of(MARIA), field(contact::Field::Notes));
    let readable = |who: Someone| {
        let of = backup.iter().filter(|entry| Record::parse(&entry.record).unwrap().stream == contact_of(who));
        let opened = of.map(|entry| open_entry(entry, ledger.keyring()).unwrap().owned.len());
        opened.sum::<usize>()
    };
    assert_eq!(readable(MARIA), 0);
    assert!(readable(ANNA) > 0);
}

/// A verifier without a key sees that what goes on is what was.
#[test]
fn a_record_that_moves_something_else_breaks_the_log() {
    let home = scratch();
    write(home.path());
    let entries = Forger::read(home.path()).entries;
    let moved = entries.iter().filter(|entry| Record::parse(&entry.record).unwrap().kind == "case.resealed");
    for entry in moved {
        let record = Record::parse(&entry.record).unwrap();
        let Event::Case(subject::Event::Redaction(redaction::Event::Resealed { resealed, .. })) =
            replay::verify::facts(&record).unwrap()
        else {
            panic!("it moves nothing")
        };
        assert_eq!(resealed.moved.len(), record.personal.len());
        for (moved, part) in resealed.moved.iter().zip(&record.personal) {
            let of = &entries[moved.of.position as usize];
            let of = Record::parse(&of.record).unwrap();
            assert_ne!(of.kind, "case.resealed", "named by the record that it was made for");
            assert_eq!(of.personal[moved.of.part as usize].commitment, part.commitment);
        }
    }
    for (reason, forge) in FORGERIES {
        let mut forger = Forger::read(home.path());
        let at = forger.find("case.resealed");
        forger.edit(at, |draft, _| forge(draft));
        forger.relink(at + 1);
        let forged = scratch();
        write_files(forged.path(), &read_files(home.path()));
        forger.write(forged.path());
        forger.write_mark(forged.path());
        let Verdict::Broken(position, said) = tamper::audit(forged.path(), None) else { panic!("{reason}: not found") };
        assert!(position == at as u64 && said.contains(reason), "{reason}: {said} at {position}");
    }
}
