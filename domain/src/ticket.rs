//! A support ticket: what somebody asked, what was answered, and how it ended.
//!
//! Its texts are sealed under the person who asks, or under the organization where no person is named, and under the year
//! it was opened in, all messages alike; so a ticket dies whole. Who works on it, when and how it stands are facts.
//!
//! open → solved → closed. A customer's reply reopens a solved ticket. A closed one takes no more messages and may be
//! reopened for [`REOPEN_DAYS`] days. What needs no key (assign, priority, reopen, close) stays possible after an erasure.

mod rejection;

pub use rejection::Rejection;

use crate::aggregate::{Aggregate, Circumstances};
use crate::code::codes;
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::id::{ActorId, ContactId, MessageId, OrganizationId};
use crate::limits::{MESSAGES, REOPEN_DAYS};
use crate::owner::{Company, Home, Person};
use crate::personal::{Gone, Held};
use crate::time::Day;
use crate::value::{Line, Text};

codes! {
    /// How soon a ticket is to be looked at.
    pub enum Priority {
        /// When there is time.
        Low = 1 "LOW",
        /// In turn.
        Normal = 2 "NORMAL",
        /// Before others.
        High = 3 "HIGH",
        /// Now.
        Urgent = 4 "URGENT",
    }

    /// How a ticket came in.
    pub enum Origin {
        /// By mail.
        Email = 1 "EMAIL",
        /// By phone.
        Phone = 2 "PHONE",
        /// Through the customer portal.
        Portal = 3 "PORTAL",
        /// Through a form on a web page.
        WebForm = 4 "WEB_FORM",
        /// In a chat.
        Chat = 5 "CHAT",
        /// In person, by letter, any other way.
        Other = 6 "OTHER",
    }

    /// Who wrote a message.
    pub enum Direction {
        /// The customer.
        FromCustomer = 1 "FROM_CUSTOMER",
        /// We.
        FromUs = 2 "FROM_US",
    }

    /// How a ticket stands.
    pub enum Status {
        /// Somebody waits for an answer.
        Open = 1 "OPEN",
        /// There is a solution.
        Solved = 2 "SOLVED",
        /// It is over.
        Closed = 3 "CLOSED",
    }
}

/// What a ticket begins with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// What it is about, in one line.
    pub line: Line,
    /// The first message.
    pub body: Text,
}

/// What is sealed under the person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PersonPart {
    /// Who asks.
    pub contact: ContactId,
    /// Their organization, where it is the same subject: a record holds one part for each subject.
    pub organization: Option<OrganizationId>,
    /// What they ask.
    pub question: Question,
}

/// What is sealed under the organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationPart {
    /// Which one.
    pub organization: OrganizationId,
    /// What is asked, where no person is named.
    pub question: Option<Question>,
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Somebody asks.
    Open {
        /// Who.
        person: Option<Person>,
        /// For whom.
        company: Option<Company>,
        /// What.
        question: Question,
        /// The id of the first message.
        message: MessageId,
        /// How soon.
        priority: Priority,
        /// How it came in.
        origin: Origin,
    },
    /// A message that the customer reads or wrote.
    Reply {
        /// Its id.
        message: MessageId,
        /// Who wrote it.
        direction: Direction,
        /// What it says.
        body: Text,
    },
    /// A message among us.
    AddNote {
        /// Its id.
        message: MessageId,
        /// What it says.
        body: Text,
    },
    /// Somebody is to work on it, or nobody.
    Assign {
        /// Who.
        to: Option<ActorId>,
    },
    /// It is more or less urgent.
    SetPriority {
        /// How much.
        priority: Priority,
    },
    /// There is a solution.
    Solve {
        /// Which.
        solution: Text,
    },
    /// It is not over.
    Reopen,
    /// It is over.
    Close,
}

/// Facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Somebody asked.
    Opened {
        /// The id of the first message.
        message: MessageId,
        /// How soon.
        priority: Priority,
        /// How it came in.
        origin: Origin,
        /// Who asked, and what.
        person: Option<Held<PersonPart>>,
        /// For whom, and what where no person is named.
        organization: Option<Held<OrganizationPart>>,
    },
    /// A message that the customer reads or wrote.
    Replied {
        /// Its id.
        message: MessageId,
        /// Who wrote it.
        direction: Direction,
        /// What it says.
        body: Held<Text>,
    },
    /// A message among us.
    NoteAdded {
        /// Its id.
        message: MessageId,
        /// What it says.
        body: Held<Text>,
    },
    /// Somebody is to work on it, or nobody.
    Assigned {
        /// Who.
        to: Option<ActorId>,
    },
    /// It is more or less urgent.
    PriorityChanged {
        /// How much.
        priority: Priority,
    },
    /// There is a solution.
    Solved {
        /// Which.
        solution: Held<Text>,
    },
    /// It was not over.
    Reopened,
    /// It is over.
    Closed {
        /// The last day it may be reopened.
        reopen_until: Day,
    },
}

/// The state: facts, and where the texts are sealed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ticket(Option<Opened>);

/// A ticket that was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Opened {
    home: Result<Home, Gone>,
    standing: Standing,
    priority: Priority,
    owner: Option<ActorId>,
    messages: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Open,
    Solved,
    Closed { reopen_until: Day },
}

impl Ticket {
    /// How it stands; none before it is opened.
    pub fn status(&self) -> Option<Status> {
        self.0.map(|ticket| match ticket.standing {
            Standing::Open => Status::Open,
            Standing::Solved => Status::Solved,
            Standing::Closed { .. } => Status::Closed,
        })
    }

    /// Who works on it.
    pub fn owner(&self) -> Option<ActorId> {
        self.0.and_then(|ticket| ticket.owner)
    }
}

impl Opened {
    fn begin(priority: Priority, home: Result<Home, Gone>) -> Self {
        Self { home, standing: Standing::Open, priority, owner: None, messages: 1 }
    }

    /// Refuses whatever a closed ticket does not take.
    fn not_closed(&self) -> Result<(), Rejection> {
        if matches!(self.standing, Standing::Closed { .. }) { Err(Rejection::Closed) } else { Ok(()) }
    }

    fn write(&self, body: &Text) -> Result<Held<Text>, Rejection> {
        self.not_closed()?;
        if self.messages >= MESSAGES {
            return Err(Rejection::TooManyMessages { limit: MESSAGES });
        }
        Ok(self.home?.seal(body.clone()))
    }

    fn reply(&self, message: MessageId, direction: Direction, body: &Text) -> Result<Vec<Event>, Rejection> {
        let replied = Event::Replied { message, direction, body: self.write(body)? };
        let reopens = direction == Direction::FromCustomer && self.standing == Standing::Solved;
        Ok(if reopens { vec![replied, Event::Reopened] } else { vec![replied] })
    }

    fn solve(&self, solution: &Text) -> Result<Vec<Event>, Rejection> {
        match self.standing {
            Standing::Open => Ok(vec![Event::Solved { solution: self.home?.seal(solution.clone()) }]),
            Standing::Solved => Err(Rejection::AlreadySolved),
            Standing::Closed { .. } => Err(Rejection::Closed),
        }
    }

    fn reopen(&self, today: Day) -> Result<Vec<Event>, Rejection> {
        match self.standing {
            Standing::Open => Err(Rejection::NotSolved),
            Standing::Closed { reopen_until: until } if until < today => Err(Rejection::TooLate { until }),
            Standing::Solved | Standing::Closed { .. } => Ok(vec![Event::Reopened]),
        }
    }

    fn close(&self, today: Day) -> Vec<Event> {
        match self.standing {
            Standing::Closed { .. } => Vec::new(),
            Standing::Open | Standing::Solved => {
                vec![Event::Closed { reopen_until: Day(today.0.saturating_add(REOPEN_DAYS)) }]
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Replied { .. } | Event::NoteAdded { .. } => self.messages += 1,
            Event::Assigned { to } => self.owner = *to,
            Event::PriorityChanged { priority } => self.priority = *priority,
            Event::Solved { .. } => self.standing = Standing::Solved,
            Event::Closed { reopen_until } => self.standing = Standing::Closed { reopen_until: *reopen_until },
            Event::Opened { .. } | Event::Reopened => self.standing = Standing::Open,
        }
    }
}

impl Aggregate for Ticket {
    const KIND: StreamKind = StreamKind::Ticket;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
        let today = when.effective_at.day();
        let Some(ticket) = &self.0 else { return open(command, today) };
        match command {
            Command::Open { .. } => Err(Rejection::AlreadyOpened),
            Command::Reply { message, direction, body } => ticket.reply(*message, *direction, body),
            Command::AddNote { message, body } => {
                Ok(vec![Event::NoteAdded { message: *message, body: ticket.write(body)? }])
            }
            Command::Assign { to } => {
                ticket.not_closed()?;
                Ok(if ticket.owner == *to { Vec::new() } else { vec![Event::Assigned { to: *to }] })
            }
            Command::SetPriority { priority } => {
                ticket.not_closed()?;
                let same = ticket.priority == *priority;
                Ok(if same { Vec::new() } else { vec![Event::PriorityChanged { priority: *priority }] })
            }
            Command::Solve { solution } => ticket.solve(solution),
            Command::Reopen => ticket.reopen(today),
            Command::Close => Ok(ticket.close(today)),
        }
    }

    fn evolve(&mut self, event: &Event) {
        match (event, &mut self.0) {
            (Event::Opened { priority, person, organization, .. }, state) => {
                let home = person.as_ref().map(Home::of).or_else(|| organization.as_ref().map(Home::of));
                *state = home.map(|home| Opened::begin(*priority, home));
            }
            (event, Some(ticket)) => ticket.evolve(event),
            (_, None) => {}
        }
    }
}

/// What opens a ticket; everything else needs one that was opened.
fn open(command: &Command, today: Day) -> Result<Vec<Event>, Rejection> {
    let Command::Open { person, company, question, message, priority, origin } = command else {
        return Err(Rejection::NotOpened);
    };
    let compartment = Compartment::Support(today.year());
    let same = matches!((person, company), (Some(person), Some(company)) if person.subject == company.subject);
    let person_part = person.map(|person| {
        let organization = company.filter(|_| same).map(|company| company.organization);
        let part = PersonPart { contact: person.contact, organization, question: question.clone() };
        Held::new(person.subject, compartment, part)
    });
    let organization_part = company.filter(|_| !same).map(|company| {
        let question = person.is_none().then(|| question.clone());
        Held::new(company.subject, compartment, OrganizationPart { organization: company.organization, question })
    });
    if person_part.is_none() && organization_part.is_none() {
        return Err(Rejection::NobodyNamed);
    }
    let (message, priority, origin) = (*message, *priority, *origin);
    Ok(vec![Event::Opened { message, priority, origin, person: person_part, organization: organization_part }])
}

#[cfg(test)]
mod tests;
