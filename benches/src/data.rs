//! What is written: a small world from a seed. Ids and values come from the seed; keys, salts and nonces never do.

use domain::aggregate::Aggregate;
use domain::channel::Channel;
use domain::consent::{self, Act, Asked, Consents, Method, Scope, Source, Way};
use domain::contact::{self, Contact};
use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
use domain::id::{ActorId, ContactId, FromRandom, MessageId, NoticeId, OrganizationId, PointId, SubjectId};
use domain::notice::Shown;
use domain::organization::{self, Organization};
use domain::owner::{Company, Person};
use domain::point::{Point, PointKind};
use domain::profile::{Address, Change, FieldPolicy, OldId};
use domain::register::Purpose;
use domain::ticket::{self, Origin, Priority, Question, Ticket};
use domain::time::Time;
use domain::value::{Line, Tag, Text};
use events::ledger::{Fresh, Intent};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

use crate::Done;

/// Who does everything here.
pub const ACTOR: ActorId = ActorId([1; 16]);

const SYLLABLES: &[&str] =
    &["an", "ber", "cha", "dor", "el", "fried", "ger", "hil", "ing", "jo", "ka", "lin", "ma", "nor", "ot", "ra"];

/// Draws everything from one seed.
pub struct Dice {
    random: StdRng,
    /// Where texts are cut from, so that making them takes no time from what is measured.
    words: String,
}

/// A contact that was registered, and the mail point that a consent can be for.
#[derive(Clone, Copy)]
pub struct Known {
    /// The contact.
    pub person: Person,
    /// Their mail address.
    pub mail: PointId,
}

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        let mut dice = Self { random: StdRng::seed_from_u64(seed), words: String::new() };
        while dice.words.len() < 1 << 16 {
            let name = dice.name();
            dice.words.push_str(&name);
            dice.words.push(' ');
        }
        dice
    }

    /// A new id.
    pub fn id<T: FromRandom>(&mut self) -> T {
        let mut bytes = [0; 16];
        self.random.fill_bytes(&mut bytes);
        T::from_random(bytes)
    }

    /// A text of so many bytes.
    pub fn text(&mut self, bytes: usize) -> Text {
        let from = self.below(1 << 15) as usize;
        Text::from_log(self.words.get(from..from + bytes).unwrap_or(&self.words).to_owned())
    }

    /// A number below this one.
    pub fn below(&mut self, end: u32) -> u32 {
        self.random.random_range(0..end)
    }

    /// A name.
    pub fn name(&mut self) -> String {
        let syllables = 2 + self.below(2);
        (0..syllables).filter_map(|_| SYLLABLES.get(self.below(SYLLABLES.len() as u32) as usize)).copied().collect()
    }

    fn line(&mut self) -> Line {
        Line::from_log(self.name())
    }

    fn holding(&mut self) -> Holding {
        let (source, reason) = match self.below(4) {
            0 => (SourceKind::WebForm, ReasonKind::Consent),
            1 => (SourceKind::Phone, ReasonKind::Enquiry),
            2 => (SourceKind::Email, ReasonKind::Enquiry),
            _ => (SourceKind::Import, ReasonKind::Contract),
        };
        Holding { source, reason, hold_until: None }
    }

    fn address(&mut self) -> Address {
        Address {
            lines: vec![Line::from_log(format!("{}straße {}", self.name(), self.below(200)))],
            postcode: Some(Line::from_log(format!("{:05}", self.below(99_999)))),
            city: Some(self.line()),
            country: Some(Line::from_log("Germany".to_owned())),
            ..Address::default()
        }
    }

    /// A command of somebody.
    pub fn intent<A: Aggregate>(&mut self, id: [u8; 16], command: A::Command) -> Intent<A> {
        Intent {
            id,
            command,
            command_id: self.id(),
            actor: ACTOR,
            effective_at: None,
            expected: None,
            reads: Vec::new(),
            keys: Vec::new(),
            fresh: Fresh::new(),
        }
    }

    /// An organization comes in.
    pub fn organization(&mut self) -> (Intent<Organization>, OrganizationId) {
        let id: OrganizationId = self.id();
        let profile = organization::Profile {
            name: Some(Line::from_log(format!("{} GmbH", self.name()))),
            invoice_address: Some(self.address()),
            ..organization::Profile::default()
        };
        let command = organization::Command::Register {
            subject: self.id(),
            holding: self.holding(),
            profile: Box::new(profile),
            policy: FieldPolicy::default(),
        };
        (self.intent(id.0, command), id)
    }

    /// A contact comes in, with a mail address and a number.
    pub fn contact(&mut self, organization: OrganizationId) -> Done<(Intent<Contact>, Known)> {
        let person = Person { subject: self.id::<SubjectId>(), contact: self.id::<ContactId>() };
        let (first, last, number) = (self.name(), self.name(), self.below(100_000_000));
        let mail =
            Point::parse(self.id(), PointKind::Email, None, &format!("{first}.{last}{number}@firm.example"), None)?;
        let mobile = Point::parse(self.id(), PointKind::Mobile, None, &format!("+49 171 {number:08}"), None)?;
        let known = Known { person, mail: mail.id };
        let profile = contact::Profile {
            salutation: Some(Line::from_log("Frau".to_owned())),
            first_name: Some(Line::from_log(first)),
            last_name: Some(Line::from_log(last)),
            job_title: Some(Line::from_log("Head of Purchasing".to_owned())),
            organization: Some(organization),
            work_address: Some(self.address()),
            tags: vec![Tag::from_log(tag(self.below(TAGS)))],
            old_id: Some(OldId {
                source: Line::from_log("northwind".to_owned()),
                id: Line::from_log(number.to_string()),
            }),
            points: vec![mail, mobile],
            ..contact::Profile::default()
        };
        let command = contact::Command::Register {
            subject: person.subject,
            holding: self.holding(),
            profile: Box::new(profile),
            policy: FieldPolicy::default(),
        };
        Ok((self.intent(person.contact.0, command), known))
    }

    /// They consent by mail.
    pub fn consent(&mut self, known: &Known, purpose: &Purpose) -> Intent<Consents> {
        let id: [u8; 16] = self.id::<ContactId>().0;
        self.intent(id, said(known, give(known, purpose)))
    }

    /// They say yes or no, on some day of the five years before.
    pub fn statement(&mut self, known: &Known, id: [u8; 16], purpose: &Purpose, now: Time) -> Intent<Consents> {
        let act = match self.below(3) {
            0 => Act::Withdraw {
                scope: Scope {
                    purpose: Some(purpose.slug.clone()),
                    channel: Some(Channel::Email),
                    point: Some(known.mail),
                },
            },
            _ => give(known, purpose),
        };
        let days_ago = i64::from(1 + self.below(PAST_DAYS));
        Intent { effective_at: Some(now.plus_ms(-days_ago * Time::DAY_MS)), ..self.intent(id, said(known, act)) }
    }

    /// They ask something, for a company or for themselves.
    pub fn ticket(&mut self, person: Person, company: Option<Company>) -> Intent<Ticket> {
        let question = Question { line: self.line(), body: self.text(200) };
        let command = ticket::Command::Open {
            person: Some(person),
            company,
            question,
            message: self.id(),
            priority: Priority::Normal,
            origin: Origin::Email,
        };
        let id: [u8; 16] = self.id::<ContactId>().0;
        self.intent(id, command)
    }

    /// A note of so many bytes joins a ticket.
    pub fn note(&mut self, ticket: [u8; 16], bytes: usize) -> Intent<Ticket> {
        let message: MessageId = self.id();
        let body = self.text(bytes);
        self.intent(ticket, ticket::Command::AddNote { message, body })
    }

    /// The notes on a contact become others, of so many bytes.
    pub fn change(&mut self, contact: ContactId, bytes: usize) -> Intent<Contact> {
        let notes = self.text(bytes);
        let command = contact::Command::Change {
            cause: ChangeCause::Change,
            holding: HoldingChange::default(),
            profile: Box::new(contact::ProfileChange {
                notes: Change::Set(notes),
                ..contact::ProfileChange::default()
            }),
            policy: FieldPolicy::default(),
        };
        self.intent(contact.0, command)
    }
}

/// How far back statements go.
pub const PAST_DAYS: u32 = 5 * 365;

fn give(known: &Known, purpose: &Purpose) -> Act {
    let shown = Shown { notice: NoticeId([1; 16]), version: 1, hash: [2; 32] };
    let asked = Asked {
        purpose: purpose.clone(),
        channel: Channel::Email,
        point: known.mail,
        point_in_use: true,
        shown: Some((shown, purpose.slug.clone(), Time(0))),
        valid_until: None,
    };
    Act::Give { asked, imported: false }
}

fn said(known: &Known, act: Act) -> consent::Command {
    consent::Command {
        subject: known.person.subject,
        contact: known.person.contact,
        words: None,
        way: Way { source: Source::WebForm, method: Method::Checkbox },
        act,
    }
}

/// How many tags there are; each contact has one.
pub const TAGS: u32 = 20;

/// One of the tags.
pub fn tag(number: u32) -> String {
    format!("tag {number}")
}
