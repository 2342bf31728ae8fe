//! What is done about somebody through the ledger: each act is one command, whose id and values follow from who it is about.

use domain::aggregate::Aggregate;
use domain::channel::Channel;
use domain::compartment::Compartment;
use domain::consent::{self, Asked, Consents, Method, Source, Way};
use domain::contact::{self, Contact};
use domain::event::{Follow, Stream, StreamKind};
use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
use domain::id::{ActorId, CaseId, ConsentsId, ErasureId, KeyId, NoticeId, QuoteId, RegisterId, SubjectId, TicketId};
use domain::notice::Shown;
use domain::organization::{self, Organization};
use domain::owner::{Company, Person};
use domain::point::PointKind;
use domain::profile::{Change, FieldPolicy};
use domain::quote::{self, Item, Offer, Quote, Texts};
use domain::register::{self, Purpose, Register, defaults};
use domain::subject::redaction::{self, Wanted, What};
use domain::subject::{
    self, AskedHow, Case, Certificate, Closing, Ground, IdentityCheck, Link, Request, SubjectKind, UnfenceGround,
};
use domain::ticket::{self, Direction, Origin, Priority, Question, Ticket};
use domain::time::Time;
use domain::value::{BasisPoints, Currency, Line};
use domain::{actor, id};
use events::ledger::{Accepted, Fresh, Intent, Ledger};

use crate::cast::{Someone, day};

/// The tests' clock stands still here.
pub const NOW: Time = Time(1_790_000_000_000);
/// The register of every ledger of the tests.
pub const REGISTER: RegisterId = RegisterId([0x5e; 16]);
/// Who does everything, but for approvals.
pub const AGENT: ActorId = ActorId([1; 16]);
/// Who approves.
pub const OFFICER: ActorId = ActorId([2; 16]);

/// One command about somebody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Act {
    Contact,
    Rename,
    AddPoint,
    Organization,
    Consent,
    Withdraw,
    Ticket,
    /// A ticket that came in long ago.
    OldTicket,
    Reply,
    Note,
    Solve,
    Quote,
    Case,
    Link,
    Request,
    Approve,
    Fence,
    Unfence,
    /// A legal hold is asked for, and a second person agrees; the same for its lift.
    Hold,
    HoldAgreed,
    Lift,
    LiftAgreed,
    FenceAgain,
    Order,
    Certify,
    Actor,
    /// Their notes are to go.
    Redaction,
}

impl Act {
    /// What is done about everybody.
    pub const DAILY: [Self; 11] = [
        Self::Contact,
        Self::Organization,
        Self::Consent,
        Self::Rename,
        Self::AddPoint,
        Self::Ticket,
        Self::Reply,
        Self::Note,
        Self::Solve,
        Self::Quote,
        Self::Withdraw,
    ];
    /// The way to a fence.
    pub const TO_THE_FENCE: [Self; 5] = [Self::Case, Self::Link, Self::Request, Self::Approve, Self::Fence];

    pub fn name(self) -> String {
        format!("{self:?}")
    }

    pub fn named(name: &str) -> Option<Self> {
        let rest = [
            Self::OldTicket,
            Self::Redaction,
            Self::Unfence,
            Self::Hold,
            Self::HoldAgreed,
            Self::Lift,
            Self::LiftAgreed,
            Self::FenceAgain,
            Self::Order,
            Self::Certify,
            Self::Actor,
        ];
        let all = Self::DAILY.into_iter().chain(Self::TO_THE_FENCE).chain(rest);
        all.into_iter().find(|act| act.name() == name)
    }

    /// Whether its values follow from the person alone, so that anybody can say the same command again.
    pub fn repeats(self) -> bool {
        !matches!(self, Self::Fence | Self::FenceAgain | Self::Order | Self::Certify)
    }
}

/// Says an act's command to the ledger.
///
/// # Errors
/// What the ledger answers instead.
pub fn perform<V: Follow>(ledger: &Ledger<V>, who: Someone, act: Act) -> Result<Accepted, String> {
    match act {
        Act::Contact | Act::Rename | Act::AddPoint => {
            submit::<Contact, V>(ledger, who, act, who.contact().0, of_contact(who, act))
        }
        Act::Organization => {
            let command = organization::Command::Register {
                subject: company(who).subject,
                holding: holding(),
                profile: Box::new(who.company()),
                policy: FieldPolicy::default(),
            };
            submit::<Organization, V>(ledger, who, act, who.organization().0, command)
        }
        Act::Consent | Act::Withdraw => {
            submit::<Consents, V>(ledger, who, act, who.id::<ConsentsId>("consents").0, of_consents(who, act))
        }
        Act::OldTicket => {
            let id = who.id::<TicketId>("old ticket").0;
            let mut intent = intent::<Ticket>(id, of_ticket(who, Act::Ticket), who.command(&act.name()), AGENT);
            intent.effective_at = Some(day("2020-02-03").start());
            ledger.submit_blocking(&intent).map_err(|refused| format!("{refused}: {refused:?}"))
        }
        Act::Ticket | Act::Reply | Act::Note | Act::Solve => {
            submit::<Ticket, V>(ledger, who, act, who.id::<TicketId>("ticket").0, of_ticket(who, act))
        }
        Act::Quote => submit::<Quote, V>(ledger, who, act, who.id::<QuoteId>("quote").0, offer(who)),
        Act::Actor => {
            let profile = actor::Profile { name: Line::parse(&who.word("actor")).unwrap(), mail: Some(who.mail()) };
            let roles = vec![actor::Role::Agent];
            let command = actor::Command::Register { subject: who.id("actor's subject"), roles, profile };
            submit::<actor::Actor, V>(ledger, who, act, who.id::<ActorId>("actor").0, command)
        }
        _ => submit::<Case, V>(ledger, who, act, case(who).0, of_case(ledger, who, act)),
    }
}

/// A ticket of one person, in the name of another: parts of both stand in one record.
///
/// # Errors
/// What the ledger answers instead.
pub fn ask_for<V: Follow>(ledger: &Ledger<V>, who: Someone, other: Someone) -> Result<Accepted, String> {
    let company = Company { subject: other.subject(), organization: other.organization() };
    let ticket::Command::Open { person, question, message, priority, origin, .. } = of_ticket(who, Act::Ticket) else {
        return Err("it opens no ticket".into());
    };
    let command = ticket::Command::Open { person, company: Some(company), question, message, priority, origin };
    submit::<Ticket, V>(ledger, who, Act::Ticket, who.id::<TicketId>("ticket").0, command)
}

/// The keys of somebody that an erasure takes.
pub fn doomed<V: Follow>(ledger: &Ledger<V>, subject: SubjectId) -> Vec<KeyId> {
    let owners = ledger.owners();
    let keys = owners.keys_of(subject).iter().filter(|(compartment, _)| !STAYS.contains(compartment));
    keys.map(|(_, key)| *key).collect()
}

/// Does all of it.
///
/// # Panics
/// When one is refused.
pub fn perform_all<V: Follow>(ledger: &Ledger<V>, who: Someone, acts: &[Act]) {
    for act in acts {
        perform(ledger, who, *act).unwrap_or_else(|refused| panic!("{act:?} of {who:?}: {refused}"));
    }
}

/// A second person approves, and the ledger fences what must go.
///
/// # Errors
/// What the ledger answers instead.
pub fn approve<V: Follow>(ledger: &Ledger<V>, who: Someone) -> Result<Accepted, String> {
    let command = subject::Command::Approve { erasure: erasure(who) };
    let intent = intent::<Case>(case(who).0, command, who.command(&Act::Approve.name()), OFFICER);
    ledger
        .approve_erasure(REGISTER, case(who), erasure(who), &intent, subject::CoolingOff::NONE)
        .map_err(|refused| refused.to_string())
}

/// From the fence to the certificate.
///
/// # Errors
/// What the ledger answers instead.
pub fn destroy<V: Follow>(ledger: &Ledger<V>, who: Someone) -> Result<Accepted, String> {
    ledger.destroy_fenced(REGISTER, case(who), erasure(who), OFFICER).map_err(|refused| refused.to_string())
}

/// A second person has the notes go: what stays is resealed, and the old key destroyed.
///
/// # Errors
/// What the ledger answers instead.
pub fn redact<V: Follow>(ledger: &Ledger<V>, who: Someone) -> Result<Accepted, String> {
    let redaction = (case(who), who.id("redaction"));
    ledger
        .redact(REGISTER, redaction, OFFICER, Some(who.command("redact")), None)
        .map_err(|refused| refused.to_string())
}

/// What a new ledger's register says, so that erasures know what stays.
///
/// # Panics
/// When it is refused.
pub fn register<V: Follow>(ledger: &Ledger<V>) {
    for (number, event) in defaults().into_iter().enumerate() {
        let command = match event {
            register::Event::PurposeSet(purpose) => register::Command::SetPurpose(purpose),
            register::Event::RetentionSet(retention) => register::Command::SetRetention(retention),
            register::Event::ResidueDaysSet(set) => register::Command::SetResidueDays(set),
        };
        let who = Someone(number as u64);
        submit_as::<Register, V>(ledger, REGISTER.0, command, who.command("register"), AGENT).unwrap();
    }
}

/// Support is kept for two years at most, from here on.
///
/// # Panics
/// When it is refused.
pub fn keep_support_two_years<V: Follow>(ledger: &Ledger<V>) {
    let (basis, months) = (Line::parse("answered long ago").unwrap(), 24);
    let rule = register::Rule::AtMost { basis, months, counted_from: register::CountedFrom::EndOfYear };
    let retention = register::Retention { kind: register::CompartmentKind::Support, country: None, rule };
    let command = register::Command::SetRetention(retention);
    submit_as::<Register, V>(ledger, REGISTER.0, command, Someone(0).command("support"), AGENT).unwrap();
}

/// The register says for how many days copies from before an erasure are kept.
///
/// # Panics
/// When it is refused.
pub fn keep_backups<V: Follow>(ledger: &Ledger<V>, days: u16) {
    let set = register::ResidueDays { kind: subject::ResidueKind::OldBackups, days };
    let command = register::Command::SetResidueDays(set);
    submit_as::<Register, V>(ledger, REGISTER.0, command, Someone(0).command("backups"), AGENT).unwrap();
}

/// Fences what is over and destroys it, each step a command of its own. Whose that was: by their case.
///
/// # Errors
/// What the ledger answers instead.
pub fn retire<V: Follow>(ledger: &Ledger<V>) -> Result<Vec<CaseId>, String> {
    let wait = subject::CoolingOff::NONE;
    let words = |refused: events::ledger::EraseError| refused.to_string();
    ledger.fence_due(REGISTER, AGENT, wait, &|_| SubjectKind::Person, &mut |_, _| ()).map_err(words)?;
    let fenced = ledger.fenced_retentions();
    let person = subject::Confirmed::Person;
    ledger.confirm_retention(REGISTER, OFFICER, &fenced, &person, None).map_err(words)?;
    let due: Vec<_> = fenced.into_iter().map(|(case, erasure)| (case, erasure, OFFICER)).collect();
    let done = ledger.destroy_all(REGISTER, &due).map_err(words)?;
    let gone = due.into_iter().zip(done).map(|((case, ..), done)| done.map(|_| case).map_err(words));
    gone.collect()
}

/// The person's case.
pub fn case(who: Someone) -> CaseId {
    who.id("case")
}

/// The person's erasure.
pub fn erasure(who: Someone) -> ErasureId {
    who.id("erasure")
}

const STAYS: [Compartment; 2] = [Compartment::ConsentProof, Compartment::Claims];

fn submit<A: Aggregate, V: Follow>(
    ledger: &Ledger<V>,
    who: Someone,
    act: Act,
    id: [u8; 16],
    command: A::Command,
) -> Result<Accepted, String> {
    let actor = if matches!(act, Act::Approve | Act::HoldAgreed | Act::LiftAgreed) { OFFICER } else { AGENT };
    submit_as::<A, V>(ledger, id, command, who.command(&act.name()), actor)
}

fn submit_as<A: Aggregate, V: Follow>(
    ledger: &Ledger<V>,
    id: [u8; 16],
    command: A::Command,
    command_id: id::CommandId,
    actor: ActorId,
) -> Result<Accepted, String> {
    let intent = intent::<A>(id, command, command_id, actor);
    ledger.submit_blocking(&intent).map_err(|refused| format!("{refused}: {refused:?}"))
}

fn intent<A: Aggregate>(id: [u8; 16], command: A::Command, command_id: id::CommandId, actor: ActorId) -> Intent<A> {
    let (effective_at, expected, reads, keys, fresh) = (None, None, Vec::new(), Vec::new(), Fresh::new());
    Intent { id, command, command_id, actor, effective_at, expected, reads, keys, fresh }
}

fn holding() -> Holding {
    Holding { source: SourceKind::WebForm, reason: ReasonKind::Contract, hold_until: None }
}

fn person(who: Someone) -> Person {
    Person { subject: who.subject(), contact: who.contact() }
}

fn company(who: Someone) -> Company {
    Company { subject: who.id("company's subject"), organization: who.organization() }
}

fn of_contact(who: Someone, act: Act) -> contact::Command {
    let policy = FieldPolicy::default();
    match act {
        Act::Contact => contact::Command::Register {
            subject: who.subject(),
            holding: holding(),
            profile: Box::new(who.profile()),
            policy,
        },
        Act::AddPoint => contact::Command::AddPoint { point: who.point(PointKind::Phone) },
        _ => contact::Command::Change {
            cause: ChangeCause::Correction,
            holding: HoldingChange::default(),
            profile: Box::new(contact::ProfileChange {
                first_name: Change::Set(Line::parse(&who.word("other name")).unwrap()),
                ..contact::ProfileChange::default()
            }),
            policy,
        },
    }
}

fn purpose() -> Purpose {
    let found = defaults().into_iter().find_map(|event| match event {
        register::Event::PurposeSet(purpose) if purpose.slug.as_str() == "product-news" => Some(purpose),
        _ => None,
    });
    found.unwrap()
}

fn of_consents(who: Someone, act: Act) -> consent::Command {
    let purpose = purpose();
    let shown = Shown { notice: NoticeId([4; 16]), version: 1, hash: [5; 32] };
    let point = who.point(PointKind::Email).id;
    let asked = Asked {
        shown: Some((shown, purpose.slug.clone(), Time(0))),
        purpose,
        channel: Channel::Email,
        point,
        point_in_use: true,
        valid_until: None,
    };
    let act = match act {
        Act::Consent => consent::Act::Give { asked, imported: false },
        _ => consent::Act::Withdraw { scope: consent::Scope { point: Some(point), ..consent::Scope::default() } },
    };
    let way = Way { source: Source::Phone, method: Method::Spoken };
    let words = Some(who.text("consent"));
    consent::Command { subject: who.subject(), contact: who.contact(), words, way, act }
}

fn of_ticket(who: Someone, act: Act) -> ticket::Command {
    match act {
        Act::Ticket => ticket::Command::Open {
            person: Some(person(who)),
            company: Some(company(who)),
            question: Question { line: Line::parse(&who.word("question")).unwrap(), body: who.text("body") },
            message: who.id("message"),
            priority: Priority::Normal,
            origin: Origin::Email,
        },
        Act::Reply => ticket::Command::Reply {
            message: who.id("second message"),
            direction: Direction::FromCustomer,
            body: who.text("reply"),
        },
        Act::Note => ticket::Command::AddNote { message: who.id("third message"), body: who.text("note") },
        _ => ticket::Command::Solve { solution: who.text("solution") },
    }
}

fn offer(who: Someone) -> quote::Command {
    let tax = BasisPoints::new(1_900).unwrap();
    let item = Item { quantity_milli: 2_000, unit_price_minor: 1_000, discount: BasisPoints::default(), tax };
    let line = Line::parse(&who.word("offer")).unwrap();
    let texts = Texts { title: Some(line.clone()), descriptions: vec![line], notes: Some(who.text("note")) };
    let currency = Currency::parse("EUR").unwrap();
    let offer = Offer { currency, valid_until: day("2027-03-31"), items: vec![item], texts };
    quote::Command::Draft { person: Some(person(who)), company: None, offer }
}

fn of_case<V: Follow>(ledger: &Ledger<V>, who: Someone, act: Act) -> subject::Command {
    let erasure = erasure(who);
    match act {
        Act::Case => subject::Command::Open { subject: who.subject(), kind: SubjectKind::Person },
        Act::Link => subject::Command::Link(Link::Contact(who.contact())),
        Act::Request => subject::Command::RequestErasure {
            erasure,
            asked: subject::Asked {
                ground: Ground::ConsentWithdrawn,
                how: AskedHow::Email,
                on: NOW.day(),
                identity: IdentityCheck::KnownPoint,
                identity_on: NOW.day(),
            },
            request: Request { words: Some(who.text("request")), people: vec![] },
        },
        Act::Approve => subject::Command::Approve { erasure },
        Act::Hold => {
            let holding = subject::Holding {
                compartments: vec![],
                review_on: NOW.day().plus_days(30),
                matter: who.text("matter"),
            };
            subject::Command::PlaceHold { hold: who.id("hold"), holding }
        }
        Act::HoldAgreed => subject::Command::ApproveHold { hold: who.id("hold") },
        Act::Lift => subject::Command::LiftHold { hold: who.id("hold") },
        Act::LiftAgreed => subject::Command::ApproveLift { hold: who.id("hold") },
        Act::Redaction => subject::Command::Redaction(redaction::Command::Request {
            redaction: who.id("redaction"),
            compartment: Compartment::Relationship,
            wanted: Wanted {
                stream: Stream { kind: StreamKind::Contact, id: who.contact().0 },
                what: What::Fields(vec![contact::Field::Notes.code().into()]),
                words: Some(who.text("request")),
            },
            purge_on: None,
        }),
        Act::Unfence => {
            subject::Command::Unfence { erasure, ground: UnfenceGround::Mistake, words: Some(who.text("refusal")) }
        }
        Act::Order => {
            let keys = ledger.state::<Case>(&case(who).0).ok();
            let keys = keys.and_then(|(_, case)| case.open_erasure().map(|open| open.keys.clone()));
            let epoch_before = ledger.keyring().epoch();
            subject::Command::OrderDestruction { erasure, keys: keys.unwrap_or_default(), epoch_before }
        }
        Act::Certify => {
            let epoch_after = ledger.keyring().epoch();
            let certificate = Certificate {
                level: subject::AnchorLevel::A0,
                epoch_before: epoch_after.saturating_sub(1),
                epoch_after,
                survives: vec![],
                links: vec![],
            };
            subject::Command::Certify { erasure, certificate, residues: Vec::new() }
        }
        _ => {
            let subject = who.subject();
            let keys = doomed(ledger, subject);
            let owners = ledger.owners();
            let of_keys = owners.keys_of(subject).iter().filter(|(_, key)| keys.contains(key));
            let closed = of_keys.map(|(compartment, _)| *compartment).collect();
            let closing = vec![Closing { subject, closed, stays: STAYS.to_vec() }];
            subject::Command::Fence { erasure, closing, keys, wait: subject::CoolingOff::NONE }
        }
    }
}
