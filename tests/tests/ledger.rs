//! The write path with one noun: register, change, retry, conflict, restart, verify, copy.

use std::path::Path;
use std::time::Duration;

use domain::aggregate::Aggregate;
use domain::compartment::Compartment;
use domain::contact::{Command, Contact, Profile, ProfileChange, Rejection};
use domain::event::{Event, Follow, Recorded};
use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
use domain::id::{ActorId, CaseId, CommandId, ContactId, ErasureId, RegisterId, SubjectId};
use domain::personal::{Gone, Held};
use domain::profile::{Change, FieldPolicy};
use domain::register;
use domain::subject::{self, Asked, AskedHow, Case, Ground, IdentityCheck, Request, Stage, SubjectKind, UnfenceGround};
use domain::time::Time;
use domain::value::Line;
use events::ledger::{Clock, Directory, EraseError, Founding, Fresh, Intent, Ledger, Refused, Tail};
use events::log::Log;
use events::log::engine::Options;
use replay::rebuild::boot;
use replay::source::Source;
use replay::verify::verify;
use replay::{copy, rebuild};

/// Views that only remember what they were given.
#[derive(Default)]
struct Seen(Vec<Recorded>);

impl Follow for Seen {
    fn follow(&mut self, records: Vec<Recorded>) {
        self.0.extend(records);
    }
}

const NOW: Time = Time(1_790_000_000_000);

fn options() -> Options {
    Options { segment_size: 1 << 16, ..Options::default() }
}

fn create(path: &Path) {
    let founding =
        Founding { controller: "Muster GmbH".into(), origin: "muster.example/log".into(), demo: true, at: NOW };
    Directory::create(path, &founding, options()).unwrap();
}

fn open(path: &Path) -> Ledger<Seen> {
    let directory = Directory::open(path, options(), &|_, _| {}).unwrap();
    let (ledger, _): (_, rebuild::Booted) = boot(directory, Seen::default(), Clock::set_to(NOW), &|_, _| {}).unwrap();
    ledger
}

fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

fn intent(id: ContactId, command: Command, command_id: CommandId, fresh: Fresh) -> Intent<Contact> {
    Intent {
        id: id.0,
        command,
        command_id,
        actor: ActorId([1; 16]),
        effective_at: None,
        expected: None,
        reads: Vec::new(),
        keys: Vec::new(),
        fresh,
    }
}

fn register(name: &str, command_id: CommandId) -> Intent<Contact> {
    let mut fresh = Fresh::new();
    let id = fresh.id().unwrap();
    let command = Command::Register {
        subject: fresh.id().unwrap(),
        holding: Holding { source: SourceKind::WebForm, reason: ReasonKind::Contract, hold_until: None },
        profile: Box::new(Profile { first_name: Some(line(name)), ..Profile::default() }),
        policy: FieldPolicy::default(),
    };
    intent(id, command, command_id, fresh)
}

fn rename(id: ContactId, name: &str) -> Intent<Contact> {
    let command = Command::Change {
        cause: ChangeCause::Correction,
        holding: HoldingChange::default(),
        profile: Box::new(ProfileChange { first_name: Change::Set(line(name)), ..ProfileChange::default() }),
        policy: FieldPolicy::default(),
    };
    intent(id, command, Fresh::new().id().unwrap(), Fresh::new())
}

fn names(ledger: &Ledger<Seen>) -> Vec<String> {
    let seen = ledger.views();
    let names = seen.0.iter().filter_map(|recorded| match &recorded.event {
        Event::Contact(domain::contact::Event::Registered { profile, .. }) => {
            profile.here()?.expose().first_name.as_ref().map(|name| name.as_str().to_owned())
        }
        _ => None,
    });
    names.collect()
}

#[test]
fn what_was_registered_is_there_after_a_restart_and_a_retry_is_the_same_command() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let command_id = CommandId([7; 16]);
    let ledger = open(dir.path());
    let first = ledger.submit_blocking(&register("Maria", command_id)).unwrap();
    assert_eq!((first.position, first.revision, first.repeated), (2, 0, false));
    let again = ledger.submit_blocking(&register("Maria", command_id)).unwrap();
    assert_eq!((again.stream, again.position, again.repeated), (first.stream, 2, true));
    let other = ledger.submit_blocking(&register("Marie", command_id));
    assert!(matches!(other, Err(Refused::CommandReused)));
    drop(ledger);

    let ledger = open(dir.path());
    assert_eq!(names(&ledger), ["Maria"]);
    let again = ledger.submit_blocking(&register("Maria", command_id)).unwrap();
    assert_eq!((again.stream, again.position, again.repeated), (first.stream, 2, true));
    assert_eq!(ledger.log().head().size, 3);
}

#[test]
fn a_change_goes_by_what_the_client_saw() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let ledger = open(dir.path());
    let maria = ledger.submit_blocking(&register("Maria", CommandId([7; 16]))).unwrap();
    let id = ContactId(maria.stream.id);
    assert_eq!(ledger.submit_blocking(&rename(id, "Marie")).unwrap().revision, 1);
    let stale = Intent { expected: Some(0), ..rename(id, "Mary") };
    assert!(matches!(ledger.submit_blocking(&stale), Err(Refused::Conflict { current: Some(1) })));
    let seen = Intent { expected: Some(1), ..rename(id, "Mary") };
    assert_eq!(ledger.submit_blocking(&seen).unwrap().revision, 2);
    let nobody = ledger.submit_blocking(&rename(ContactId([9; 16]), "Mary"));
    assert!(matches!(nobody, Err(Refused::Rejected(Rejection::NotRegistered))));
}

#[test]
fn commands_of_one_batch_are_decided_in_their_order_and_each_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let ledger = open(dir.path());
    let maria = register("Maria", CommandId([7; 16]));
    let id = ContactId(maria.id);
    let batch = [
        rename(id, "too early"),
        maria,
        rename(id, "Marie"),
        Intent { expected: Some(1), ..rename(id, "Mary") },
        Intent { expected: Some(1), ..rename(id, "stale") },
        register("Anna", CommandId([8; 16])),
        Intent { command_id: CommandId([8; 16]), ..rename(id, "a used id") },
        Intent { id: id.0, ..register("Maria again", CommandId([9; 16])) },
        rename(id, "Mariette"),
    ];
    let done = ledger.submit_all_blocking(&batch);
    let revisions: Vec<_> = done.iter().map(|done| done.as_ref().ok().map(|accepted| accepted.revision)).collect();
    assert_eq!(revisions, [None, Some(0), Some(1), Some(2), None, Some(0), None, None, Some(3)]);
    assert!(matches!(done[0], Err(Refused::Rejected(Rejection::NotRegistered))));
    assert!(matches!(done[4], Err(Refused::Conflict { current: Some(_) })));
    assert!(matches!(done[6], Err(Refused::CommandReused)));
    assert!(matches!(done[7], Err(Refused::Rejected(Rejection::AlreadyRegistered))));
    assert_eq!(ledger.log().head().size, 7);
    let again = ledger.submit_all_blocking(&batch[1..3]);
    assert!(again.iter().all(|done| done.as_ref().is_ok_and(|accepted| accepted.repeated)));
}

#[test]
fn batches_that_race_for_one_stream_all_get_in() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let ledger = open(dir.path());
    let maria = ledger.submit_blocking(&register("Maria", CommandId([7; 16]))).unwrap();
    let id = ContactId(maria.stream.id);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let batch: Vec<_> = (0..4).map(|_| rename(id, "Marie")).collect();
                    for done in ledger.submit_all_blocking(&batch) {
                        assert!(
                            matches!(done, Ok(_) | Err(Refused::Failed(events::ledger::Failure::Busy))),
                            "{done:?}"
                        );
                    }
                }
            });
        }
    });
    let (count, _) = ledger.state::<Contact>(&id.0).unwrap();
    assert_eq!(count, ledger.log().head().size - 2);
}

#[test]
fn an_auditor_verifies_a_copy_and_a_directory_at_rest() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let ledger = open(dir.path());
    for number in 0..300_u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        ledger.submit_blocking(&register(&format!("Person {number}"), CommandId(id))).unwrap();
    }
    drop(ledger);
    let out = tempfile::tempdir().unwrap();
    let head = copy::from_directory(dir.path(), out.path()).unwrap();
    assert_eq!(head.size, 302);
    for path in [dir.path(), out.path()] {
        let consistent = verify(&Source::open(path).unwrap(), Some(head), &mut |_, _| {}, &|_, _| {}).unwrap();
        assert_eq!((consistent.head, consistent.streams, consistent.parts.present), (head, 301, 300));
        assert!(consistent.expected);
    }
}

#[test]
fn a_subscriber_catches_up_and_goes_on_without_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path());
    let ledger = open(dir.path());
    let mut tail = ledger.tail(0);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..200_u8 {
                ledger.submit_blocking(&register("Somebody", CommandId([number; 16]))).unwrap();
            }
        });
        while seen.len() < 202 {
            let records = tail.next(Duration::from_secs(10)).unwrap();
            seen.extend(records.iter().map(|recorded| recorded.place.position));
        }
    });
    assert_eq!(seen, (0..202).collect::<Vec<u64>>());
}

/// A ledger with its register, one contact and an erasure that was requested.
fn requested(path: &Path) -> (Ledger<Seen>, RegisterId, SubjectId, ContactId, CaseId, ErasureId) {
    create(path);
    let ledger = open(path);
    let mut fresh = Fresh::new();
    let register: RegisterId = fresh.id().unwrap();
    for event in domain::register::defaults() {
        let command = match event {
            register::Event::PurposeSet(purpose) => register::Command::SetPurpose(purpose),
            register::Event::RetentionSet(retention) => register::Command::SetRetention(retention),
            register::Event::ResidueDaysSet(set) => register::Command::SetResidueDays(set),
        };
        ledger.submit_blocking::<register::Register>(&plain(register.0, 1, command)).unwrap();
    }
    let maria = register_command("Maria");
    let Command::Register { subject, .. } = &maria.command else { panic!() };
    let subject = *subject;
    let contact = ContactId(ledger.submit_blocking(&maria).unwrap().stream.id);
    let (case, erasure): (CaseId, ErasureId) = (fresh.id().unwrap(), fresh.id().unwrap());
    let open = subject::Command::Open { subject, kind: SubjectKind::Person };
    ledger.submit_blocking::<Case>(&plain(case.0, 1, open)).unwrap();
    let asked = Asked {
        ground: Ground::ConsentWithdrawn,
        how: AskedHow::Email,
        on: NOW.day(),
        identity: IdentityCheck::KnownPoint,
        identity_on: NOW.day(),
    };
    let request = Request { words: None, people: Vec::new() };
    let command = subject::Command::RequestErasure { erasure, asked, request };
    ledger.submit_blocking::<Case>(&plain(case.0, 1, command)).unwrap();
    (ledger, register, subject, contact, case, erasure)
}

fn register_command(name: &str) -> Intent<Contact> {
    register(name, Fresh::new().id().unwrap())
}

fn plain<A: Aggregate>(id: [u8; 16], actor: u8, command: A::Command) -> Intent<A> {
    Intent {
        id,
        command,
        command_id: Fresh::new().id().unwrap(),
        actor: ActorId([actor; 16]),
        effective_at: None,
        expected: None,
        reads: Vec::new(),
        keys: Vec::new(),
        fresh: Fresh::new(),
    }
}

#[test]
fn an_erased_person_reads_erased_and_nothing_is_written_about_them_again() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, register, subject, contact, case, erasure) = requested(dir.path());
    let own = plain(case.0, 1, subject::Command::Approve { erasure });
    let own = ledger.approve_erasure(register, case, erasure, &own, subject::CoolingOff::NONE);
    assert!(matches!(own, Err(EraseError::Refused(Refused::Rejected(subject::Rejection::ApprovingOwnRequest)))));
    let approval = plain(case.0, 2, subject::Command::Approve { erasure });
    ledger.approve_erasure(register, case, erasure, &approval, subject::CoolingOff::NONE).unwrap();

    let fenced = ledger.submit_blocking(&rename(contact, "Marie"));
    assert!(matches!(fenced, Err(Refused::Rejected(Rejection::Fenced))), "{fenced:?}");
    let key = ledger.owners().keys_of(subject).to_vec();
    assert_eq!(key.len(), 2, "relationship and claims");
    let mut again = register_command("Maria");
    let Command::Register { subject: of, .. } = &mut again.command else { panic!() };
    *of = subject;
    assert!(matches!(ledger.submit_blocking(&again), Err(Refused::Fenced)), "the compartment is closed");

    ledger.destroy_fenced(register, case, erasure, ActorId([2; 16])).unwrap();
    let erased = ledger.submit_blocking(&rename(contact, "Marie"));
    assert!(matches!(erased, Err(Refused::Rejected(Rejection::Erased))), "{erased:?}");
    assert!(matches!(ledger.submit_blocking(&again), Err(Refused::Fenced)), "and stays closed");
    let kept: Vec<_> = ledger.owners().keys_of(subject).iter().map(|(compartment, _)| *compartment).collect();
    assert_eq!(kept, [Compartment::Claims]);
    drop(ledger);

    let ledger = open(dir.path());
    assert_eq!(names(&ledger), Vec::<String>::new());
    let erased = ledger.submit_blocking(&rename(contact, "Marie"));
    assert!(matches!(erased, Err(Refused::Rejected(Rejection::Erased))));
    assert!(matches!(ledger.submit_blocking(&again), Err(Refused::Fenced)), "closed after a restart too");
    drop(ledger);
    let source = Source::open(dir.path()).unwrap();
    let consistent = verify(&source, None, &mut |_, _| {}, &|_, _| {}).unwrap();
    assert_eq!((consistent.certified, consistent.parts.residue), (1, 1));
}

/// What a subscriber of this position on gets of a contact's first record: nothing is gone, or why it is.
fn as_subscribed(tail: &mut Tail<Seen>, contact: ContactId) -> Option<Gone> {
    let mut found = None;
    loop {
        let records = tail.next(Duration::ZERO).unwrap();
        let of = |recorded: &Recorded| match &recorded.event {
            Event::Contact(domain::contact::Event::Registered { profile, .. })
                if recorded.place.stream.id == contact.0 =>
            {
                Some(match profile {
                    Held::Here(_) => None,
                    Held::Gone(gone) => Some(*gone),
                })
            }
            _ => None,
        };
        found = found.or_else(|| records.iter().find_map(of));
        if records.is_empty() {
            return found.unwrap();
        }
    }
}

/// They subscribed before, and lag behind.
#[test]
fn a_subscriber_from_before_an_erasure_gets_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, register, _, contact, case, erasure) = requested(dir.path());
    let [mut first, mut second, mut third] = [(); 3].map(|()| ledger.tail(0));
    assert_eq!(as_subscribed(&mut first, contact), None);
    let approval = plain(case.0, 2, subject::Command::Approve { erasure });
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen = Vec::new();
            while seen.last() != Some(&Some(Gone::Erased)) {
                let now = as_subscribed(&mut ledger.tail(0), contact);
                if seen.last() != Some(&now) {
                    seen.push(now);
                }
            }
            seen
        });
        ledger.approve_erasure(register, case, erasure, &approval, subject::CoolingOff::NONE).unwrap();
        assert_eq!(as_subscribed(&mut second, contact), Some(Gone::Withheld));
        ledger.destroy_fenced(register, case, erasure, ActorId([2; 16])).unwrap();
        assert_eq!(as_subscribed(&mut third, contact), Some(Gone::Erased));
        let seen = reader.join().unwrap();
        let way = [None, Some(Gone::Withheld), Some(Gone::Erased)];
        let mut left = way.iter();
        assert!(seen.iter().all(|one| left.any(|step| step == one)), "what was gone did not come back: {seen:?}");
    });
    let heard = first.next(Duration::ZERO).unwrap();
    let last = heard.last().map(|recorded| &recorded.event);
    assert!(matches!(last, Some(Event::Case(subject::Event::Certified { .. } | subject::Event::ResiduesNamed { .. }))));
}

#[test]
fn a_lifted_fence_gives_back_what_it_withheld() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, register, _, contact, case, erasure) = requested(dir.path());
    let approval = plain(case.0, 2, subject::Command::Approve { erasure });
    ledger.approve_erasure(register, case, erasure, &approval, subject::CoolingOff::NONE).unwrap();
    drop(ledger);
    let ledger = open(dir.path());
    let fenced = ledger.submit_blocking(&rename(contact, "Marie"));
    assert!(matches!(fenced, Err(Refused::Rejected(Rejection::Fenced))), "a fence outlives a restart");
    ledger.lift_fence(case, erasure, ActorId([2; 16]), UnfenceGround::Mistake, None).unwrap();
    assert_eq!(ledger.submit_blocking(&rename(contact, "Marie")).unwrap().revision, 1);
}

#[test]
fn what_was_ordered_before_a_crash_is_finished_at_open() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, register, _, contact, case, erasure) = requested(dir.path());
    let approval = plain(case.0, 2, subject::Command::Approve { erasure });
    ledger.approve_erasure(register, case, erasure, &approval, subject::CoolingOff::NONE).unwrap();
    let (_, state) = ledger.state::<Case>(&case.0).unwrap();
    let keys = state.open_erasure().unwrap().keys.clone();
    let epoch_before = ledger.keyring().epoch();
    let order = subject::Command::OrderDestruction { erasure, keys, epoch_before };
    ledger.submit_blocking::<Case>(&plain(case.0, 2, order)).unwrap();
    drop(ledger);

    let ledger = open(dir.path());
    assert_eq!(ledger.keyring().epoch(), epoch_before + 1);
    let (_, state) = ledger.state::<Case>(&case.0).unwrap();
    assert_eq!(state.erasures().last().unwrap().stage, Stage::Certified);
    let erased = ledger.submit_blocking(&rename(contact, "Marie"));
    assert!(matches!(erased, Err(Refused::Rejected(Rejection::Erased))));
}
