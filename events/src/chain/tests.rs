use domain::event::{Event, Stream, StreamKind};
use domain::id::{ActorId, CommandId};
use domain::ledger::{self, Continued, SignatureKind, TreeHead};

use super::*;
use crate::record::{Draft, Link};
use crate::wire::{self, Written};

const OLD: LogId = LogId([1; 16]);
const NEW: LogId = LogId([2; 16]);
const THIRD: LogId = LogId([3; 16]);

/// One head, one text: what was kept can be compared as it stands.
#[test]
fn a_head_is_read_in_the_form_in_which_it_is_written() {
    let head = Head { size: 30, hash: [0xab; 32] };
    let text = head.to_string();
    assert_eq!(text.parse(), Ok(head));
    for other in [format!("0{text}"), format!("+{text}"), text.to_uppercase(), format!("{text}0"), format!(" {text}")] {
        assert!(other.parse::<Head>().is_err(), "{other}");
    }
}

/// Somebody who knows the format: every link is right, and what the records say is theirs to choose.
#[derive(Default)]
struct Story {
    chain: Chain,
}

impl Story {
    /// A log with three records.
    fn begun() -> Self {
        let mut story = Self::default();
        let event = ledger::Event::Opened {
            log: OLD,
            controller: "Muster GmbH".into(),
            origin: "a.example/1".into(),
            demo: true,
        };
        story.own(OLD, event).unwrap();
        story.ticket(OLD).unwrap();
        story.ticket(OLD).unwrap();
        story
    }

    fn own(&mut self, log: LogId, event: ledger::Event) -> Result<(), Reason> {
        let (draft, link) = self.draft(log, event);
        self.put(&draft, &link)
    }

    fn draft(&self, log: LogId, event: ledger::Event) -> (Draft, Link) {
        let Written { kind, version, facts, .. } = wire::write(&Event::Log(event)).unwrap();
        let (mut draft, link) = self.next(log, Stream { kind: StreamKind::Log, id: log.0 });
        (draft.kind, draft.version, draft.facts) = (kind, version, facts);
        (draft, link)
    }

    fn ticket(&mut self, log: LogId) -> Result<(), Reason> {
        let (draft, link) = self.next(log, Stream { kind: StreamKind::Ticket, id: [9; 16] });
        self.put(&draft, &link)
    }

    fn next(&self, log: LogId, stream: Stream) -> (Draft, Link) {
        let (head, before) = (self.chain.head(), self.chain.stream(&stream.id));
        let draft = Draft {
            stream,
            revision: before.map_or(0, |before| before.count),
            kind: "ticket.opened",
            version: 1,
            effective_at: Time(0),
            actor: ActorId([7; 16]),
            command: CommandId([head.size as u8; 16]),
            index: 0,
            count: 1,
            causation: None,
            facts: Vec::new(),
            personal: Vec::new(),
        };
        let previous_in_stream = before.map_or(NO_HASH, |before| before.hash);
        (draft, Link { log, position: head.size, recorded_at: Time(0), previous: head.hash, previous_in_stream })
    }

    fn put(&mut self, draft: &Draft, link: &Link) -> Result<(), Reason> {
        let position = self.chain.head().size;
        let taken = self.chain.take(&draft.write(link).unwrap()).map(drop);
        taken.map_err(|broken| {
            assert_eq!(broken.position, position);
            broken.reason
        })
    }

    /// What an honest restore says here.
    fn continued(&self, log: LogId, origin: &str) -> Continued {
        let last = self.chain.generations().last().unwrap();
        Continued {
            log,
            old_log: last.log,
            old_origin: last.origin.clone(),
            origin: origin.to_owned(),
            restored: TreeHead { size: self.chain.head().size, root: self.chain.root() },
            checkpoint: Some(TreeHead { size: 12, root: [8; 32] }),
            algorithm: SignatureKind::Ed25519,
            public_key: [5; 32],
        }
    }

    fn go_on(&mut self, continued: Continued) -> Result<(), Reason> {
        self.own(continued.log, ledger::Event::Continued(Box::new(continued)))
    }
}

#[test]
fn a_restored_log_goes_on_under_another_id() {
    let mut story = Story::begun();
    story.go_on(story.continued(NEW, "a.example/2")).unwrap();
    story.ticket(NEW).unwrap();
    story.own(NEW, ledger::Event::ClockConfirmed { now: Time(3) }).unwrap();
    assert_eq!(story.chain.stream(&[9; 16]).unwrap().count, 3, "streams go on");
    assert_eq!(story.chain.stream(&NEW.0).unwrap().count, 2, "the log's own is a new one");
    // Restored again, and once more before anything else happened.
    story.go_on(story.continued(THIRD, "a.example/3")).unwrap();
    story.go_on(story.continued(LogId([4; 16]), "a.example/4")).unwrap();
    let begin: Vec<_> = story.chain.generations().iter().map(|of| (of.log.0[0], of.from, of.origin.as_str())).collect();
    assert_eq!(begin, [(1, 0, "a.example/1"), (2, 3, "a.example/2"), (3, 6, "a.example/3"), (4, 7, "a.example/4")]);
    assert_eq!(story.chain.end().unwrap().size, 8);
}

#[test]
fn another_id_begins_at_a_restore_and_nowhere_else() {
    let mut story = Story::begun();
    assert_eq!(story.ticket(NEW), Err(Reason::Log(NEW)));
    assert_eq!(story.own(NEW, ledger::Event::ClockConfirmed { now: Time(3) }), Err(Reason::Log(NEW)));
    let mut opened = Story::begun();
    let again = ledger::Event::Opened { log: NEW, controller: "".into(), origin: "b.example".into(), demo: false };
    assert_eq!(opened.own(NEW, again), Err(Reason::Log(NEW)));
    story.go_on(story.continued(NEW, "a.example/2")).unwrap();
    assert_eq!(story.ticket(OLD), Err(Reason::Log(OLD)), "an old record behind it");
}

#[test]
fn a_log_is_opened_once() {
    let mut story = Story::begun();
    let again = ledger::Event::Opened { log: OLD, controller: "".into(), origin: "b.example".into(), demo: false };
    assert_eq!(story.own(OLD, again), Err(Reason::OpenedAgain));
}

#[test]
fn a_log_is_opened_for_an_origin_that_a_key_can_have() {
    for origin in ["", "a b", "a+b", "a\n", "a.example\n\u{2014} a.example", "a\u{a0}b", "\u{1b}[8m"] {
        let opened = ledger::Event::Opened { log: OLD, controller: "".into(), origin: origin.into(), demo: false };
        assert_eq!(Story::default().own(OLD, opened), Err(Reason::Origin), "{origin:?}");
    }
}

#[test]
fn a_restore_that_names_what_was_not_there_is_none() {
    type Lie = fn(&mut Continued);
    let lies: &[(Lie, NotContinued)] = &[
        (|said| said.old_log = THIRD, NotContinued::OldLog(THIRD)),
        (|said| said.old_origin = "a.example/0".into(), NotContinued::OldOrigin),
        (|said| said.origin = "a.example/1".into(), NotContinued::Used),
        (|said| said.origin = "a b".into(), NotContinued::Origin),
        (|said| said.restored.size = 2, NotContinued::Size(2)),
        (|said| said.restored.root[0] ^= 1, NotContinued::Root),
        (|said| said.checkpoint = Some(TreeHead { size: 3, root: [0; 32] }), NotContinued::Checkpoint),
    ];
    for (lie, reason) in lies {
        let mut story = Story::begun();
        let mut continued = story.continued(NEW, "a.example/2");
        lie(&mut continued);
        assert_eq!(story.go_on(continued), Err(Reason::Continued(reason.clone())));
        assert_eq!(story.chain.log(), Some(OLD), "nothing was taken");
    }
    let mut story = Story::begun();
    let honest = ledger::Event::Continued(Box::new(story.continued(NEW, "a.example/2")));
    assert_eq!(story.own(THIRD, honest.clone()), Err(Reason::Continued(NotContinued::Header(NEW))));
    assert_eq!(story.own(OLD, honest), Err(Reason::Continued(NotContinued::Header(NEW))));
    let same = story.continued(OLD, "a.example/2");
    assert_eq!(story.go_on(same), Err(Reason::Continued(NotContinued::Used)));
}

#[test]
fn two_restores_of_one_log_are_not_both_in_it() {
    let mut story = Story::begun();
    let second = story.continued(THIRD, "a.example/3");
    story.go_on(story.continued(NEW, "a.example/2")).unwrap();
    assert_eq!(story.go_on(second), Err(Reason::Continued(NotContinued::OldLog(OLD))));
}

#[test]
fn a_restore_is_a_command_of_its_own() {
    let mut story = Story::begun();
    let honest = ledger::Event::Continued(Box::new(story.continued(NEW, "a.example/2")));
    let (mut draft, link) = story.draft(NEW, honest);
    draft.count = 2;
    assert_eq!(story.put(&draft, &link), Err(Reason::Command), "the first of two");

    let (mut first, link) = story.next(OLD, Stream { kind: StreamKind::Ticket, id: [9; 16] });
    first.count = 2;
    story.put(&first, &link).unwrap();
    let honest = ledger::Event::Continued(Box::new(story.continued(NEW, "a.example/2")));
    let (mut draft, link) = story.draft(NEW, honest.clone());
    assert_eq!(story.put(&draft, &link), Err(Reason::Command), "in the middle of another");
    (draft.command, draft.index, draft.count) = (first.command, 1, 2);
    assert_eq!(story.put(&draft, &link), Err(Reason::Command), "the last of two");
}

#[test]
fn a_restore_stands_in_the_new_logs_own_stream() {
    let mut story = Story::begun();
    let honest = ledger::Event::Continued(Box::new(story.continued(NEW, "a.example/2")));
    let (mut draft, mut link) = story.draft(NEW, honest);
    let before = story.chain.stream(&OLD.0).unwrap();
    (draft.stream.id, draft.revision, link.previous_in_stream) = (OLD.0, before.count, before.hash);
    let wrong = Reason::Kind { kind: "log.continued".into(), stream: draft.stream };
    assert_eq!(story.put(&draft, &link), Err(wrong));
}
