//! What customers say when they are asked: every state that a consent can be in.

use domain::channel::Channel;
use domain::consent::{About, Act, Asked, Command, Consents, Method, Scope, Source, Way};
use domain::id::{ActorId, CommandId, PointId};
use domain::time::{Day, Time};
use events::ledger::Fresh;

use super::DemoError;
use super::customers::Customer;
use super::diary::Diary;
use super::office::Office;

/// How a customer's consent goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Said yes to product news, and an agent wrote it down.
    Given,
    /// Said yes on the phone, to calls.
    Spoken,
    /// Confirmed the newsletter with the code.
    Confirmed,
    /// Was sent a code and never came back.
    Unanswered,
    /// Took product news back after a while.
    Withdrawn,
    /// Said no.
    Refused,
    /// Said yes for two months, which are over for most.
    Brief,
    /// Said yes, and later objected to everything.
    Objected,
    /// An earlier system says that it was a yes.
    Imported,
}

/// In this order, over and over: half of all stay at one record.
pub const FATES: [Fate; 16] = [
    Fate::Given,
    Fate::Confirmed,
    Fate::Imported,
    Fate::Withdrawn,
    Fate::Given,
    Fate::Unanswered,
    Fate::Spoken,
    Fate::Given,
    Fate::Refused,
    Fate::Confirmed,
    Fate::Given,
    Fate::Brief,
    Fate::Spoken,
    Fate::Objected,
    Fate::Given,
    Fate::Confirmed,
];

/// One customer at the office's desk.
pub struct Asking<'a> {
    /// Whom they talk to.
    pub office: &'a Office,
    /// Who they are.
    pub customer: &'a Customer,
}

/// What is asked for, and at which point.
type What = (&'static str, Channel, PointId);

impl Asking<'_> {
    /// Lets a customer's consent go its way from `at` on; a no behind a yes comes `later`.
    pub fn go(&self, fate: Fate, at: Time, later: Time, diary: &mut Diary) -> Result<(), DemoError> {
        let Customer { email, phone, .. } = *self.customer;
        let news = ("product-news", Channel::Email, email);
        let checkbox = Way { source: Source::WebForm, method: Method::Checkbox };
        match fate {
            Fate::Given => self.give(news, checkbox, at, None, diary),
            Fate::Spoken => {
                let spoken = Way { source: Source::Phone, method: Method::Spoken };
                self.give(("product-news", Channel::Phone, phone), spoken, at, None, diary)
            }
            Fate::Confirmed => {
                let code = self.request(at, diary)?;
                self.confirm(code, at.plus_ms(2_700_000), diary);
                Ok(())
            }
            Fate::Unanswered => self.request(at, diary).map(drop),
            Fate::Withdrawn => {
                self.give(news, checkbox, at, None, diary)?;
                self.withdraw(news, later, diary)
            }
            Fate::Refused => self.refuse(news, at, diary),
            Fate::Brief => self.give(news, checkbox, at, Some(Day(at.day().0 + 60)), diary),
            Fate::Objected => {
                self.give(news, checkbox, at, None, diary)?;
                let way = Way { source: Source::Email, method: Method::Written };
                self.act(later, way, Act::Object { scope: Scope::default() }, diary);
                Ok(())
            }
            Fate::Imported => {
                let way = Way { source: Source::Import, method: Method::Flag };
                let asked = Asked { shown: None, ..self.asked(news, at, None)? };
                self.act(at, way, Act::Give { asked, imported: true }, diary);
                Ok(())
            }
        }
    }

    /// Sends a code for the newsletter. Returns its hash.
    pub fn request(&self, at: Time, diary: &mut Diary) -> Result<[u8; 32], DemoError> {
        let CommandId(code) = Fresh::new().id()?;
        let code_hash = *blake3::hash(&code).as_bytes();
        let asked = self.asked(("newsletter", Channel::Email, self.customer.email), at, None)?;
        let way = Way { source: Source::WebForm, method: Method::Checkbox };
        self.act(at, way, Act::Request { asked, code_hash, code_days: None }, diary);
        Ok(code_hash)
    }

    /// The customer presents a code.
    pub fn confirm(&self, code_hash: [u8; 32], at: Time, diary: &mut Diary) {
        self.act(at, Way { source: Source::WebForm, method: Method::Code }, Act::Confirm { code_hash }, diary);
    }

    /// The customer says yes.
    pub fn give(
        &self,
        what: What,
        way: Way,
        at: Time,
        valid_until: Option<Day>,
        diary: &mut Diary,
    ) -> Result<(), DemoError> {
        let asked = self.asked(what, at, valid_until)?;
        self.act(at, way, Act::Give { asked, imported: false }, diary);
        Ok(())
    }

    /// The customer takes a yes back.
    pub fn withdraw(&self, what: What, at: Time, diary: &mut Diary) -> Result<(), DemoError> {
        let scope = Scope::from(&self.about(what)?);
        let way = Way { source: Source::PreferencePage, method: Method::Link };
        self.act(at, way, Act::Withdraw { scope }, diary);
        Ok(())
    }

    fn refuse(&self, what: What, at: Time, diary: &mut Diary) -> Result<(), DemoError> {
        let about = self.about(what)?;
        self.act(at, Way { source: Source::InPerson, method: Method::Spoken }, Act::Refuse { about }, diary);
        Ok(())
    }

    fn about(&self, (purpose, channel, point): What) -> Result<About, DemoError> {
        Ok(About { purpose: self.office.purpose(purpose)?.slug.clone(), channel, point })
    }

    fn asked(&self, (purpose, channel, point): What, at: Time, until: Option<Day>) -> Result<Asked, DemoError> {
        let purpose = self.office.purpose(purpose)?.clone();
        let shown = self.office.shown(&purpose.slug, &self.customer.language, at);
        Ok(Asked { purpose, channel, point, point_in_use: true, shown, valid_until: until })
    }

    /// Whatever comes over the web is written down by the program behind it, everything else by an agent.
    fn act(&self, at: Time, way: Way, act: Act, diary: &mut Diary) {
        let by: ActorId = match way.source {
            Source::WebForm | Source::PreferencePage | Source::Import => self.office.actors.integration,
            _ => self.office.agent(self.customer.number),
        };
        let Customer { subject, contact, consents, .. } = *self.customer;
        diary.write::<Consents>(at, by, consents.0, Command { subject, contact, words: None, way, act });
    }
}
