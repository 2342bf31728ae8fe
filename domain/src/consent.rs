//! Consent: all of one person's consents are one stream, and so one trail.
//!
//! What an auditor needs is facts: purpose, channel, contact point, state, the notice with its hash, source and method.
//! Who it is stands in the sealed part that every record of the stream has. Expired is no event: it follows from the day
//! at which somebody asks.

mod answer;
mod decide;
mod statement;
mod trail;

use std::collections::BTreeMap;

pub use answer::{Answer, Why, may_contact};
pub use statement::{About, Evidence, Method, Scope, Source, Way};
pub use trail::{AsOf, Entry, Standing, State, Trail};

use crate::aggregate::{Aggregate, Circumstances};
use crate::channel::Channel;
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::id::{ContactId, PointId, SubjectId};
use crate::notice::Shown;
use crate::owner::Owner;
use crate::personal::Held;
use crate::register::{Purpose, Slug};
use crate::time::{Day, Time};
use crate::value::Text;

/// What everybody may read of a record of consent who may read the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// The person was asked and sent a code.
    Requested {
        /// What for.
        about: About,
        /// The text that was shown.
        shown: Shown,
        /// BLAKE3 of the random code; the code itself is kept nowhere.
        code_hash: [u8; 32],
        /// The last moment at which the code counts.
        expires_at: Time,
        /// The last day the consent will hold, if one was named.
        valid_until: Option<Day>,
        /// How many months it will hold, as the register said when it was asked for.
        validity_months: Option<u16>,
        /// Where and how the person was asked.
        way: Way,
    },
    /// The person agreed, says somebody.
    Given {
        /// To what.
        about: About,
        /// The text that was shown; an imported consent may have none.
        shown: Option<Shown>,
        /// The last day it holds.
        valid_until: Option<Day>,
        /// Where and how.
        way: Way,
        /// What it rests on; never the code.
        evidence: Evidence,
    },
    /// The person agreed and presented the code.
    Confirmed {
        /// To what: as it was requested.
        about: About,
        /// The text that was shown: as it was requested.
        shown: Shown,
        /// BLAKE3 of the presented code, which names the request.
        code_hash: [u8; 32],
        /// The last day it holds.
        valid_until: Option<Day>,
        /// Where the code was presented.
        way: Way,
    },
    /// The person was asked and said no.
    Refused {
        /// To what.
        about: About,
        /// Where and how.
        way: Way,
    },
    /// The person takes back what was given (Art. 7(3) GDPR).
    Withdrawn {
        /// How far.
        scope: Scope,
        /// Where and how.
        way: Way,
    },
    /// The person objects to processing (Art. 21 GDPR).
    Objected {
        /// How far.
        scope: Scope,
        /// Where and how.
        way: Way,
    },
}

/// Who it is about: the sealed part of every record of consent, by which the stream is found again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Person {
    /// The contact whose consent it is.
    pub contact: ContactId,
    /// What was said, seen or signed, in words.
    pub words: Option<Text>,
}

/// Fact, with the person it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// What happened.
    pub fact: Fact,
    /// To whom; of the compartment [`Compartment::ConsentProof`].
    pub person: Held<Person>,
}

/// What is asked for, with what other streams say of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The purpose as the register has it now.
    pub purpose: Purpose,
    /// By which way.
    pub channel: Channel,
    /// To which address or number.
    pub point: PointId,
    /// Whether the contact has this point, it serves this channel, and it is not retired.
    pub point_in_use: bool,
    /// The text that was shown, with the purpose its notice is for, and since when it is published.
    pub shown: Option<(Shown, Slug, Time)>,
    /// The last day it is to hold, if the person named one.
    pub valid_until: Option<Day>,
}

/// Intent, about one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// Whose consents they are.
    pub subject: SubjectId,
    /// Under which contact.
    pub contact: ContactId,
    /// What was said, seen or signed, in words.
    pub words: Option<Text>,
    /// Where and how.
    pub way: Way,
    /// What to do.
    pub act: Act,
}

/// What can be done about consent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Ask and send a code. The ledger draws the code and keeps only its hash.
    Request {
        /// What for.
        asked: Asked,
        /// BLAKE3 of the code.
        code_hash: [u8; 32],
        /// How many days the code counts; 14 unless told otherwise.
        code_days: Option<u16>,
    },
    /// Write down a consent that rests on somebody's word or on an earlier system.
    Give {
        /// To what.
        asked: Asked,
        /// An imported yes without proof.
        imported: bool,
    },
    /// Present the code.
    Confirm {
        /// BLAKE3 of the presented code.
        code_hash: [u8; 32],
    },
    /// Write down a no to a question.
    Refuse {
        /// To what.
        about: About,
    },
    /// Take back.
    Withdraw {
        /// How far.
        scope: Scope,
    },
    /// Object.
    Object {
        /// How far.
        scope: Scope,
    },
}

/// Why nothing changes.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The stream has a person already.
    #[error("these consents are another person's")]
    AnotherPerson,
    /// The key is gone.
    #[error("this person was erased; what was consented to can only be read")]
    Erased,
    /// The key is fenced.
    #[error("an erasure of this person was approved; nothing new is written about them")]
    Withheld,
    /// The key was lost.
    #[error("the key of this person was lost; what was consented to can only be read")]
    Lost,
    /// A retired purpose.
    #[error("the purpose {0} is retired")]
    PurposeRetired(Slug),
    /// Nothing to consent to.
    #[error("the purpose {0} rests on {1} and needs no consent")]
    NeedsNoConsent(Slug, &'static str),
    /// A way that the purpose does not use.
    #[error("the purpose {purpose} does not use {}", .channel.name())]
    ChannelNotUsed {
        /// The purpose's slug.
        purpose: Slug,
        /// The channel.
        channel: Channel,
    },
    /// A point of somebody else, of another channel, or retired.
    #[error("the contact has no such contact point for this channel in use")]
    NoSuchPoint,
    /// A consent to nothing that was shown.
    #[error("a consent is given under a notice: name the notice and version that was shown")]
    NoNotice,
    /// A text about something else.
    #[error("the notice that was shown is about {0}")]
    NoticeOfAnotherPurpose(Slug),
    /// A text that nobody can have been shown.
    #[error("the notice that was shown was published on {0}, after this became true")]
    BeforeTheNotice(Time),
    /// Over before it begins.
    #[error("the consent would end on {0}, before it begins")]
    AlreadyOver(Day),
    /// Out of range.
    #[error("a code counts for at least 1 day and at most 90")]
    CodeDays,
    /// The same code twice.
    #[error("this code was used for an earlier request; a code is drawn for each request")]
    CodeNotFresh,
    /// Too many questions.
    #[error("20 requests of this person are waiting for their code; wait until some run out")]
    TooManyRequests,
    /// Not a code of this person.
    #[error("this code does not belong to a request for consent of this person")]
    CodeUnknown,
    /// Presented twice.
    #[error("this code has been used; it counts once")]
    CodeUsed,
    /// Presented too late.
    #[error("this code ran out on {0}; ask again for a new one")]
    CodeExpired(Time),
    /// The person said no in the meantime.
    #[error("the person said no after this code was sent; ask again for a new one")]
    CodeOverruled,
    /// A code is presented with [`Act::Confirm`].
    #[error("only a confirmation has the method CODE")]
    MethodCode,
    /// Only an import has nothing but a flag.
    #[error("the method FLAG is for imported consents only")]
    MethodFlag,
}

/// What `decide` needs to know of a person's consents: whose they are, and which codes are out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Consents {
    person: Owner,
    codes: BTreeMap<[u8; 32], Code>,
}

impl Consents {
    /// Whose they are.
    pub fn person(&self) -> Owner {
        self.person
    }

    /// What a code that was sent would confirm.
    pub fn requested(&self, code_hash: &[u8; 32]) -> Option<&About> {
        self.codes.get(code_hash).map(|code| &code.about)
    }
}

impl Aggregate for Consents {
    const KIND: StreamKind = StreamKind::Consents;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
        let fact = decide::fact(self, command, when)?;
        let person = Person { contact: command.contact, words: command.words.clone() };
        Ok(vec![Event { fact, person: Held::new(command.subject, Compartment::ConsentProof, person) }])
    }

    fn evolve(&mut self, event: &Event) {
        self.person = Owner::of(&event.person);
        self.follow_codes(&event.fact);
    }
}

/// A code that was sent.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Code {
    about: About,
    shown: Shown,
    expires_at: Time,
    valid_until: Option<Day>,
    validity_months: Option<u16>,
    fate: CodeFate,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum CodeFate {
    Sent,
    Used,
    Overruled,
}

impl Consents {
    fn follow_codes(&mut self, fact: &Fact) {
        match fact {
            Fact::Requested { about, shown, code_hash, expires_at, valid_until, validity_months, way: _ } => {
                let code = Code {
                    about: about.clone(),
                    shown: *shown,
                    expires_at: *expires_at,
                    valid_until: *valid_until,
                    validity_months: *validity_months,
                    fate: CodeFate::Sent,
                };
                self.codes.insert(*code_hash, code);
            }
            Fact::Confirmed { code_hash, .. } => {
                if let Some(code) = self.codes.get_mut(code_hash) {
                    code.fate = CodeFate::Used;
                }
            }
            Fact::Given { .. } => {}
            Fact::Refused { about, .. } => self.overrule(&about.into()),
            Fact::Withdrawn { scope, .. } | Fact::Objected { scope, .. } => self.overrule(scope),
        }
    }

    fn overrule(&mut self, scope: &Scope) {
        let sent = self.codes.values_mut().filter(|code| code.fate == CodeFate::Sent);
        sent.filter(|code| scope.covers(&code.about)).for_each(|code| code.fate = CodeFate::Overruled);
    }
}

#[cfg(test)]
mod tests;
