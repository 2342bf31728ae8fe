//! The demo: a company that never was, its customers and what they asked for over five years. The story follows a seed;
//! ids, keys, salts and codes are drawn at random as in any ledger. It knows the ledger and the domain, no view and no HTTP.

mod consents;
mod customers;
mod desk;
mod diary;
mod office;
mod story;
mod words;

use domain::event::Follow;
use domain::id::{ActorId, CaseId, ConsentsId, ContactId, ErasureId, NoticeId, PointId, RegisterId, SubjectId};
use domain::time::Time;
use domain::value::Invalid;
use events::NoRandomness;
use events::ledger::{EraseError, Failure, Founding, Ledger};

use self::customers::Customers;
use self::diary::Diary;
use self::office::Office;
use self::words::Words;

/// How many contacts `serve --demo` makes, beside the four of the story. With this many, every state of a consent, a
/// ticket and a quote occurs, and every script that the generator knows.
pub const CONTACTS: usize = 96;
/// What `serve --demo` tells its story with.
pub const SEED: u64 = 1;
/// Whose ledger it is.
pub const CONTROLLER: &str = "Nordlicht Handels GmbH";
/// How far back the story begins, in days.
const DAYS: i64 = 5 * 365;

/// What a demo ledger is made with, so that its first record lies where the story begins.
pub fn founding(now: Time) -> Founding {
    Founding { controller: CONTROLLER.into(), origin: "nordlicht.example/log".into(), demo: true, at: begin(now) }
}

/// Who and what is in the ledger now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demo {
    /// Who acts.
    pub actors: Actors,
    /// Where purposes and retention stand.
    pub register: RegisterId,
    /// The texts that people were shown.
    pub notices: Notices,
    /// Those whom the README tells of.
    pub people: People,
}

/// Who acts in the demo. None has a token yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actors {
    /// They work with contacts, tickets and quotes.
    pub agents: [ActorId; 3],
    /// The web form and the mailer.
    pub integration: ActorId,
    /// Two, so that one may approve what the other asked for.
    pub dpos: [ActorId; 2],
    /// Reads the log.
    pub auditor: ActorId,
    /// Looks after actors and tokens.
    pub admin: ActorId,
}

/// The texts that people were shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notices {
    /// For the newsletter, two versions in English and German.
    pub newsletter: NoticeId,
    /// For news about products, in English and German.
    pub product_news: NoticeId,
}

/// Those whom the README tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct People {
    /// Maria Lindqvist took the newsletter back and still reads product news.
    pub withdrawn: Somebody,
    /// Tomáš Dvořák never presented the code that he was sent.
    pub unanswered: Somebody,
    /// The erasure of Ελένη Παπαδοπούλου waits for a second person.
    pub waiting: Somebody,
    /// Jonas Brandt was erased.
    pub erased: Somebody,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Somebody {
    /// The name they were registered with.
    pub name: &'static str,
    /// The contact.
    pub contact: ContactId,
    /// Whose data it is.
    pub subject: SubjectId,
    /// Their consents.
    pub consents: ConsentsId,
    /// Their mail address.
    pub email: PointId,
    /// Their phone number.
    pub phone: PointId,
    /// Their case and the erasure in it, where there is one.
    pub erasure: Option<(CaseId, ErasureId)>,
}

/// Why there is no demo. What was written stays, so the directory is to be made anew.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// Records of past years need a clock that may be set.
    #[error("a demo needs a clock that may be set")]
    Clock,
    /// There are records where the story would be.
    #[error("a demo begins in a new ledger, founded as long ago as its story is long")]
    NotNew,
    /// A word list of the generator is wrong.
    #[error("the words of the demo cannot be read: {0}")]
    Words(&'static str),
    /// A text of the generator is no value.
    #[error("a text of the demo {0}")]
    Invalid(#[from] Invalid),
    /// No randomness for ids and codes.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The ledger did not take a command.
    #[error("the ledger did not take a command about a {stream}: {why}")]
    Refused {
        /// The kind of the stream.
        stream: &'static str,
        /// Why not.
        why: String,
    },
    /// The erasure did not get to its end.
    #[error(transparent)]
    Erasure(#[from] EraseError),
    /// The machine failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Fills a new ledger, made with [`founding`], with so many contacts beside the four of the story: each with two contact
/// points and one or two records of one consent, five to an organization. What else there is (tickets, quotes, changes)
/// does not grow beyond a few hundred. The same seed and time tell the same story.
///
/// The clock is set while the story is told and is at the present again when this returns; a clock that followed the
/// machine follows it again. All is durable then.
pub fn populate<V: Follow>(ledger: &Ledger<V>, seed: u64, contacts: usize) -> Result<Demo, DemoError> {
    let clock = ledger.clock();
    if !clock.may_be_set() {
        return Err(DemoError::Clock);
    }
    let (now, stood) = (clock.now(), clock.stands());
    let told = tell(ledger, seed, contacts, now);
    if stood {
        clock.set(now)
    } else {
        clock.run()
    }
    told
}

fn tell<V: Follow>(ledger: &Ledger<V>, seed: u64, contacts: usize, now: Time) -> Result<Demo, DemoError> {
    use events::log::Log as _;
    let head = ledger.log().head();
    if ledger.log().counts().streams != 1 || head.recorded_at > begin(now).plus_ms(60_000) {
        return Err(DemoError::NotNew);
    }
    let words = Words::read()?;
    let mut diary = Diary::until(now);
    let office = Office::open(&words, begin(now), &mut diary)?;
    let people = story::write(&office, &words, now, &mut diary)?;
    let mut customers = Customers::new(&office, &words, seed, contacts, (begin(now), now));
    while let Some(horizon) = customers.arrive(&mut diary)? {
        diary.carry_out(ledger, horizon)?;
    }
    diary.carry_out(ledger, now)?;
    Ok(Demo { actors: office.actors.clone(), register: office.register, notices: office.notices(), people })
}

fn begin(now: Time) -> Time {
    now.plus_ms(-DAYS * Time::DAY_MS)
}

#[cfg(test)]
mod tests;
