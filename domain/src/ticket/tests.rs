//! Given these facts, when this command comes, then this happens.

use proptest::prelude::*;

use super::*;
use crate::id::SubjectId;

const MARIA: Person = Person { subject: SubjectId([1; 16]), contact: ContactId([11; 16]) };
const ALFREDS: Company = Company { subject: SubjectId([2; 16]), organization: OrganizationId([12; 16]) };
const AGENT: ActorId = ActorId([9; 16]);

fn on(day: &str) -> Circumstances {
    let now = format!("{day}T09:00:00Z").parse().expect("a moment");
    Circumstances { actor: AGENT, effective_at: now, now }
}

fn text(text: &str) -> Text {
    Text::parse(text).expect("a text")
}

fn question() -> Question {
    Question { line: Line::parse("Crate is broken").expect("a line"), body: text("It came so.") }
}

fn open(person: Option<Person>, company: Option<Company>) -> Command {
    let (message, priority, origin) = (MessageId([1; 16]), Priority::Normal, Origin::Email);
    Command::Open { person, company, question: question(), message, priority, origin }
}

fn maria_part() -> Held<PersonPart> {
    let part = PersonPart { contact: MARIA.contact, organization: None, question: question() };
    Held::new(MARIA.subject, Compartment::Support(2025), part)
}

fn opened_for(person: Option<Held<PersonPart>>, organization: Option<Held<OrganizationPart>>) -> Event {
    let (message, priority, origin) = (MessageId([1; 16]), Priority::Normal, Origin::Email);
    Event::Opened { message, priority, origin, person, organization }
}

fn opened() -> Event {
    opened_for(Some(maria_part()), None)
}

fn sealed(words: &str) -> Held<Text> {
    Held::new(MARIA.subject, Compartment::Support(2025), text(words))
}

fn reply(direction: Direction) -> Command {
    Command::Reply { message: MessageId([2; 16]), direction, body: text("Well?") }
}

fn replied(direction: Direction) -> Event {
    Event::Replied { message: MessageId([2; 16]), direction, body: sealed("Well?") }
}

fn note() -> Command {
    Command::AddNote { message: MessageId([3; 16]), body: text("Third this week.") }
}

fn solve() -> Command {
    Command::Solve { solution: text("A new crate.") }
}

fn solved() -> Event {
    Event::Solved { solution: sealed("A new crate.") }
}

fn closed(reopen_until: &str) -> Event {
    Event::Closed { reopen_until: reopen_until.parse().expect("a day") }
}

fn given(events: &[Event]) -> Ticket {
    let mut ticket = Ticket::default();
    events.iter().for_each(|event| ticket.evolve(event));
    ticket
}

fn decide(events: &[Event], command: Command) -> Result<Vec<Event>, Rejection> {
    given(events).decide(&command, &on("2026-01-10"))
}

#[test]
fn a_persons_question_is_sealed_under_the_person_and_the_year() {
    let answer = Ticket::default().decide(&open(Some(MARIA), None), &on("2025-12-31"));
    assert_eq!(answer, Ok(vec![opened()]));
    assert_eq!(given(&[opened()]).status(), Some(Status::Open));
}

#[test]
fn an_organizations_question_is_sealed_under_the_organization() {
    let part = OrganizationPart { organization: ALFREDS.organization, question: Some(question()) };
    let part = Held::new(ALFREDS.subject, Compartment::Support(2026), part);
    let answer = decide(&[], open(None, Some(ALFREDS)));
    assert_eq!(answer, Ok(vec![opened_for(None, Some(part.clone()))]));
    let reply = decide(&[opened_for(None, Some(part))], reply(Direction::FromUs)).expect("a reply");
    let body = Held::new(ALFREDS.subject, Compartment::Support(2026), text("Well?"));
    assert_eq!(reply, [Event::Replied { message: MessageId([2; 16]), direction: Direction::FromUs, body }]);
}

#[test]
fn with_both_the_text_is_the_persons() {
    let Ok([Event::Opened { person: Some(person), organization: Some(organization), .. }]) =
        decide(&[], open(Some(MARIA), Some(ALFREDS))).as_deref().map(|events| [events[0].clone()])
    else {
        panic!("not opened for both");
    };
    let (person, organization) = (person.here().expect("here"), organization.here().expect("here"));
    assert_eq!((person.subject(), person.expose().question.clone()), (MARIA.subject, question()));
    assert_eq!((organization.subject(), organization.expose().question.clone()), (ALFREDS.subject, None));
}

#[test]
fn a_sole_trader_has_one_part() {
    let same = Company { subject: MARIA.subject, ..ALFREDS };
    let part = PersonPart { contact: MARIA.contact, organization: Some(ALFREDS.organization), question: question() };
    let part = Held::new(MARIA.subject, Compartment::Support(2026), part);
    assert_eq!(decide(&[], open(Some(MARIA), Some(same))), Ok(vec![opened_for(Some(part), None)]));
}

#[test]
fn a_ticket_is_opened_once_and_by_somebody() {
    assert_eq!(decide(&[], open(None, None)), Err(Rejection::NobodyNamed));
    assert_eq!(decide(&[opened()], open(Some(MARIA), None)), Err(Rejection::AlreadyOpened));
    for command in [reply(Direction::FromUs), note(), solve(), Command::Reopen, Command::Close] {
        assert_eq!(decide(&[], command), Err(Rejection::NotOpened));
    }
}

#[test]
fn messages_stay_in_the_year_of_the_opening() {
    assert_eq!(decide(&[opened()], reply(Direction::FromUs)), Ok(vec![replied(Direction::FromUs)]));
    let noted = Event::NoteAdded { message: MessageId([3; 16]), body: sealed("Third this week.") };
    assert_eq!(decide(&[opened()], note()), Ok(vec![noted]));
}

#[test]
fn a_customer_who_answers_a_solution_reopens_the_ticket() {
    let history = [opened(), solved()];
    assert_eq!(given(&history).status(), Some(Status::Solved));
    let from_customer = replied(Direction::FromCustomer);
    let events = decide(&history, reply(Direction::FromCustomer)).expect("a reply");
    assert_eq!(events, [from_customer, Event::Reopened]);
    assert_eq!(decide(&history, reply(Direction::FromUs)), Ok(vec![replied(Direction::FromUs)]));
    let while_open = decide(&[opened()], reply(Direction::FromCustomer));
    assert_eq!(while_open, Ok(vec![replied(Direction::FromCustomer)]), "an open ticket has nothing to reopen");
    let all: Vec<_> = history.into_iter().chain(events).collect();
    assert_eq!(given(&all).status(), Some(Status::Open));
}

#[test]
fn a_ticket_is_assigned_and_weighed() {
    let assigned = Event::Assigned { to: Some(AGENT) };
    let assign = |to| Command::Assign { to };
    assert_eq!(decide(&[opened()], assign(Some(AGENT))), Ok(vec![assigned.clone()]));
    assert_eq!(decide(&[opened(), assigned.clone()], assign(Some(AGENT))), Ok(Vec::new()));
    assert_eq!(given(&[opened(), assigned.clone()]).owner(), Some(AGENT));
    assert_eq!(decide(&[opened(), assigned], assign(None)), Ok(vec![Event::Assigned { to: None }]));
    let set = |priority| Command::SetPriority { priority };
    let changed = Event::PriorityChanged { priority: Priority::Urgent };
    assert_eq!(decide(&[opened()], set(Priority::Normal)), Ok(Vec::new()));
    assert_eq!(decide(&[opened()], set(Priority::Urgent)), Ok(vec![changed.clone()]));
    assert_eq!(decide(&[opened(), changed], set(Priority::Urgent)), Ok(Vec::new()));
}

#[test]
fn a_ticket_is_solved_once_until_it_is_reopened() {
    assert_eq!(decide(&[opened()], solve()), Ok(vec![solved()]));
    assert_eq!(decide(&[opened(), solved()], solve()), Err(Rejection::AlreadySolved));
    assert_eq!(decide(&[opened()], Command::Reopen), Err(Rejection::NotSolved));
    assert_eq!(decide(&[opened(), solved()], Command::Reopen), Ok(vec![Event::Reopened]));
    assert_eq!(decide(&[opened(), solved(), Event::Reopened], solve()), Ok(vec![solved()]));
}

#[test]
fn a_closed_ticket_takes_nothing_but_a_reopening_in_time() {
    assert_eq!(decide(&[opened()], Command::Close), Ok(vec![closed("2026-02-09")]));
    assert_eq!(decide(&[opened(), solved()], Command::Close), Ok(vec![closed("2026-02-09")]));
    let history = [opened(), closed("2026-01-10")];
    assert_eq!(given(&history).status(), Some(Status::Closed));
    assert_eq!(decide(&history, Command::Close), Ok(Vec::new()));
    let (assign, priority) = (Command::Assign { to: None }, Command::SetPriority { priority: Priority::Low });
    for command in [reply(Direction::FromCustomer), note(), solve(), assign, priority] {
        assert_eq!(decide(&history, command), Err(Rejection::Closed));
    }
    assert_eq!(decide(&history, Command::Reopen), Ok(vec![Event::Reopened]));
    let until = "2026-01-09".parse().expect("a day");
    assert_eq!(decide(&[opened(), closed("2026-01-09")], Command::Reopen), Err(Rejection::TooLate { until }));
}

#[test]
fn a_ticket_has_an_end_of_messages() {
    let mut ticket = given(&[opened()]);
    (1..MESSAGES).for_each(|_| ticket.evolve(&replied(Direction::FromUs)));
    let refused = Err(Rejection::TooManyMessages { limit: MESSAGES });
    assert_eq!(ticket.decide(&note(), &on("2026-01-10")), refused);
    assert_eq!(ticket.decide(&reply(Direction::FromUs), &on("2026-01-10")), refused);
    assert!(ticket.decide(&solve(), &on("2026-01-10")).is_ok());
}

#[test]
fn after_an_erasure_no_text_comes_in_and_the_work_goes_on() {
    for (why, answer) in [(Gone::Erased, Rejection::Erased), (Gone::Withheld, Rejection::Fenced)] {
        let organization = OrganizationPart { organization: ALFREDS.organization, question: None };
        let organization = Held::new(ALFREDS.subject, Compartment::Support(2026), organization);
        let history = [opened_for(Some(Held::Gone(why)), Some(organization))];
        for command in [reply(Direction::FromUs), note(), solve()] {
            assert_eq!(decide(&history, command), Err(answer), "the organization's key is no substitute");
        }
        let assigned = Event::Assigned { to: Some(AGENT) };
        assert_eq!(decide(&history, Command::Assign { to: Some(AGENT) }), Ok(vec![assigned]));
        assert_eq!(decide(&history, Command::Close), Ok(vec![closed("2026-02-09")]));
        let history = [history[0].clone(), Event::Solved { solution: Held::Gone(why) }];
        assert_eq!(decide(&history, Command::Reopen), Ok(vec![Event::Reopened]));
    }
}

/// The same fact after the key is gone.
fn forget(event: Event) -> Event {
    let lost = Gone::Withheld;
    match event {
        Event::Opened { message, priority, origin, person, organization } => {
            let (person, organization) = (person.map(|_| Held::Gone(lost)), organization.map(|_| Held::Gone(lost)));
            Event::Opened { message, priority, origin, person, organization }
        }
        Event::Replied { message, direction, .. } => Event::Replied { message, direction, body: Held::Gone(lost) },
        Event::NoteAdded { message, .. } => Event::NoteAdded { message, body: Held::Gone(lost) },
        Event::Solved { .. } => Event::Solved { solution: Held::Gone(lost) },
        other => other,
    }
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        any::<(bool, bool)>().prop_map(|(person, company)| open(person.then_some(MARIA), company.then_some(ALFREDS))),
        any::<bool>().prop_map(|ours| reply(if ours { Direction::FromUs } else { Direction::FromCustomer })),
        Just(note()),
        any::<bool>().prop_map(|somebody| Command::Assign { to: somebody.then_some(AGENT) }),
        prop::sample::select(Priority::ALL).prop_map(|priority| Command::SetPriority { priority }),
        Just(solve()),
        Just(Command::Reopen),
        Just(Command::Close),
    ]
}

proptest! {
    #[test]
    fn any_commands_are_answered_and_replay_alike(
        commands in prop::collection::vec((any_command(), 0i64..20), 0..60),
    ) {
        let (mut live, mut history, mut when) = (Ticket::default(), Vec::new(), on("2025-12-01"));
        for (command, days) in &commands {
            when.effective_at = when.effective_at.plus_ms(days * crate::time::Time::DAY_MS);
            let closed = live.status() == Some(Status::Closed);
            for event in live.decide(command, &when).unwrap_or_default() {
                prop_assert!(!closed || event == Event::Reopened, "a closed ticket takes a reopening only");
                live.evolve(&event);
                history.push(event);
            }
        }
        prop_assert_eq!(given(&history), live.clone());
        let forgotten: Vec<_> = history.into_iter().map(forget).collect();
        prop_assert_eq!(given(&forgotten).status(), live.status());
        for (command, _) in commands.iter().filter(|_| !forgotten.is_empty()) {
            for event in given(&forgotten).decide(command, &when).unwrap_or_default() {
                prop_assert_eq!(forget(event.clone()), event, "no key, no text");
            }
        }
    }
}
