//! Stored forms of tickets.

use domain::ticket::{Event, OrganizationPart, PersonPart, Question};

use super::shape::Blank;
use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain, some_of};
use crate::codec::{decode, encode};

mirror! { facts QuestionV1 = Question { line: String, body: String } }
mirror! { part TicketPersonV1 = PersonPart {
    contact: [u8; 16], organization: Option<[u8; 16]>, question: QuestionV1,
} }
mirror! { part TicketOrganizationV1 = OrganizationPart { organization: [u8; 16], question: Option<QuestionV1> } }
part! { BodyV1 { body: String } }

facts! { OpenedV1 { message: [u8; 16], priority: u16, origin: u16, has_person: bool, has_organization: bool } }
facts! { RepliedV1 { message: [u8; 16], direction: u16 } }
facts! { NoteAddedV1 { message: [u8; 16] } }
facts! { AssignedV1 { to: Option<[u8; 16]> } }
facts! { PriorityChangedV1 { priority: u16 } }
facts! { SolvedV1 {} }
facts! { ReopenedV1 {} }
facts! { ClosedV1 { reopen_until: i32 } }

/// No text is empty, so this is a question that a redaction took.
impl Blank for QuestionV1 {
    fn blank() -> Option<Self> {
        Some(Self { line: String::new(), body: String::new() })
    }
}

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[("QuestionV1", QuestionV1::FIELDS)];

const BODY: &[(&str, Columns)] = &[("one", BodyV1::FIELDS)];

pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        kind: "ticket.opened",
        version: 1,
        facts: OpenedV1::FIELDS,
        parts: &[
            ("one where has_person", TicketPersonV1::FIELDS),
            ("one where has_organization", TicketOrganizationV1::FIELDS),
        ],
    },
    Shape { kind: "ticket.replied", version: 1, facts: RepliedV1::FIELDS, parts: BODY },
    Shape { kind: "ticket.note-added", version: 1, facts: NoteAddedV1::FIELDS, parts: BODY },
    Shape { kind: "ticket.assigned", version: 1, facts: AssignedV1::FIELDS, parts: &[] },
    Shape { kind: "ticket.priority-changed", version: 1, facts: PriorityChangedV1::FIELDS, parts: &[] },
    Shape { kind: "ticket.solved", version: 1, facts: SolvedV1::FIELDS, parts: BODY },
    Shape { kind: "ticket.reopened", version: 1, facts: ReopenedV1::FIELDS, parts: &[] },
    Shape { kind: "ticket.closed", version: 1, facts: ClosedV1::FIELDS, parts: &[] },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts, parts) = match event {
        Event::Opened { message, priority, origin, person, organization } => {
            let form = OpenedV1 {
                message: message.store(),
                priority: priority.store(),
                origin: origin.store(),
                has_person: person.is_some(),
                has_organization: organization.is_some(),
            };
            let person = person.as_ref().map(|part| plain(part, |part| part.store())).transpose()?;
            let organization = organization.as_ref().map(|part| plain(part, |part| part.store())).transpose()?;
            ("ticket.opened", encode(&form)?, person.into_iter().chain(organization).collect())
        }
        Event::Replied { message, direction, body } => {
            let form = RepliedV1 { message: message.store(), direction: direction.store() };
            ("ticket.replied", encode(&form)?, vec![plain(body, |body| BodyV1 { body: body.store() })?])
        }
        Event::NoteAdded { message, body } => {
            let form = NoteAddedV1 { message: message.store() };
            ("ticket.note-added", encode(&form)?, vec![plain(body, |body| BodyV1 { body: body.store() })?])
        }
        Event::Assigned { to } => ("ticket.assigned", encode(&AssignedV1 { to: to.store() })?, Vec::new()),
        Event::PriorityChanged { priority } => {
            ("ticket.priority-changed", encode(&PriorityChangedV1 { priority: priority.store() })?, Vec::new())
        }
        Event::Solved { solution } => {
            let part = plain(solution, |solution| BodyV1 { body: solution.store() })?;
            ("ticket.solved", encode(&SolvedV1 {})?, vec![part])
        }
        Event::Reopened => ("ticket.reopened", encode(&ReopenedV1 {})?, Vec::new()),
        Event::Closed { reopen_until } => {
            ("ticket.closed", encode(&ClosedV1 { reopen_until: reopen_until.store() })?, Vec::new())
        }
    };
    Ok(Written { kind, version: 1, facts, parts })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    Ok(Some(match (kind, version) {
        ("ticket.opened", 1) => opened(decode(facts, "ticket.opened")?, parts)?,
        ("ticket.replied", 1) => {
            let RepliedV1 { message, direction } = decode(facts, "ticket.replied")?;
            let [body] = exactly(parts)?;
            let body = held(body, |form: BodyV1| Form::load(form.body))?;
            Event::Replied { message: Form::load(message)?, direction: Form::load(direction)?, body }
        }
        ("ticket.note-added", 1) => {
            let NoteAddedV1 { message } = decode(facts, "ticket.note-added")?;
            let [body] = exactly(parts)?;
            let body = held(body, |form: BodyV1| Form::load(form.body))?;
            Event::NoteAdded { message: Form::load(message)?, body }
        }
        ("ticket.assigned", 1) => {
            let [] = exactly(parts)?;
            Event::Assigned { to: Form::load(decode::<AssignedV1>(facts, "ticket.assigned")?.to)? }
        }
        ("ticket.priority-changed", 1) => {
            let [] = exactly(parts)?;
            let PriorityChangedV1 { priority } = decode(facts, "ticket.priority-changed")?;
            Event::PriorityChanged { priority: Form::load(priority)? }
        }
        ("ticket.solved", 1) => {
            let SolvedV1 {} = decode(facts, "ticket.solved")?;
            let [solution] = exactly(parts)?;
            Event::Solved { solution: held(solution, |form: BodyV1| Form::load(form.body))? }
        }
        ("ticket.reopened", 1) => {
            let ReopenedV1 {} = decode(facts, "ticket.reopened")?;
            let [] = exactly(parts)?;
            Event::Reopened
        }
        ("ticket.closed", 1) => {
            let [] = exactly(parts)?;
            Event::Closed { reopen_until: Form::load(decode::<ClosedV1>(facts, "ticket.closed")?.reopen_until)? }
        }
        _ => return Ok(None),
    }))
}

fn opened(form: OpenedV1, parts: Vec<HeldFields>) -> Result<Event, WireError> {
    let OpenedV1 { message, priority, origin, has_person, has_organization } = form;
    let [person, organization] = some_of([has_person, has_organization], parts)?;
    Ok(Event::Opened {
        message: Form::load(message)?,
        priority: Form::load(priority)?,
        origin: Form::load(origin)?,
        person: person.map(|part| held(part, PersonPart::load)).transpose()?,
        organization: organization.map(|part| held(part, OrganizationPart::load)).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::id::{ActorId, ContactId, MessageId, OrganizationId, SubjectId};
    use domain::personal::Held;
    use domain::ticket::{Direction, Origin, Priority};
    use domain::time::Day;
    use domain::value::{Line, Text};

    use super::*;
    use crate::wire::{self, reads_back};

    fn held<T>(subject: u8, value: T) -> Held<T> {
        Held::new(SubjectId([subject; 16]), Compartment::Support(2026), value)
    }

    #[test]
    fn every_event_reads_back() {
        let text = || Text::parse("It came so.\nWhy?").unwrap();
        let question = Question { line: Line::parse("Crate is broken").unwrap(), body: text() };
        let person = PersonPart { contact: ContactId([2; 16]), organization: None, question: question.clone() };
        let organization = |question| OrganizationPart { organization: OrganizationId([3; 16]), question };
        let message = MessageId([1; 16]);
        let opened = |person, organization| {
            let (priority, origin) = (Priority::High, Origin::Phone);
            Event::Opened { message, priority, origin, person, organization }
        };
        for event in [
            opened(Some(held(1, person.clone())), None),
            opened(None, Some(held(2, organization(Some(question))))),
            opened(Some(held(1, person)), Some(held(2, organization(None)))),
            Event::Replied { message, direction: Direction::FromUs, body: held(1, text()) },
            Event::NoteAdded { message, body: held(1, text()) },
            Event::Assigned { to: Some(ActorId([4; 16])) },
            Event::Assigned { to: None },
            Event::PriorityChanged { priority: Priority::Low },
            Event::Solved { solution: held(1, text()) },
            Event::Reopened,
            Event::Closed { reopen_until: Day(20_000) },
        ] {
            reads_back(&wire::Event::Ticket(event));
        }
    }
}
