//! The company itself: who works there, what its register says, and the texts it shows when it asks for a consent.

use std::collections::BTreeMap;

use domain::actor::{self, Actor, Role};
use domain::aggregate::Aggregate as _;
use domain::id::{ActorId, NoticeId, RegisterId, SubjectId};
use domain::notice::{self, Notice, Shown};
use domain::register::{self, Purpose, Register, Slug, defaults};
use domain::time::Time;
use domain::value::{Language, Line, Mail, Text};
use events::ledger::Fresh;

use super::diary::Diary;
use super::words::{NoticeText, Words};
use super::{Actors, DemoError, Notices};

/// When the second version of a notice was published, in days after the beginning.
const SECOND_VERSION: i64 = 900;

/// The company, and what is needed to ask its customers for something.
pub struct Office {
    /// Who works there.
    pub actors: Actors,
    /// Where its purposes stand.
    pub register: RegisterId,
    purposes: Register,
    newsletter: NoticeId,
    product_news: NoticeId,
    /// What is shown for a purpose, in a language, in which version, since when.
    shown: BTreeMap<(Slug, String, u32), (Time, Shown)>,
}

impl Office {
    /// Hires its people, fills its register and publishes its notices.
    pub fn open(words: &Words, begin: Time, diary: &mut Diary) -> Result<Self, DemoError> {
        let mut fresh = Fresh::new();
        let admin = fresh.id()?;
        let mut hire = |roles: &[Role], name: &str, mail: &str, minute: i64| -> Result<ActorId, DemoError> {
            let id = if roles == [Role::Admin] { admin } else { fresh.id()? };
            let subject: SubjectId = fresh.id()?;
            let profile = actor::Profile { name: Line::parse(name)?, mail: Some(Mail::parse(mail)?) };
            let command = actor::Command::Register { subject, roles: roles.to_vec(), profile };
            diary.write::<Actor>(begin.plus_ms(minute * 60_000), admin, id.0, command);
            Ok(id)
        };
        let actors = Actors {
            admin: hire(&[Role::Admin], "Inger Solheim", "inger.solheim@nordlicht.example", 1)?,
            dpos: [
                hire(&[Role::Dpo], "Dr. Katharina Vogt", "datenschutz@nordlicht.example", 2)?,
                hire(&[Role::Dpo], "Ikechukwu Ọbị", "ikechukwu.obi@nordlicht.example", 3)?,
            ],
            agents: [
                hire(&[Role::Agent], "Anna Weber", "anna.weber@nordlicht.example", 4)?,
                hire(&[Role::Agent], "Mehmet Aydın", "mehmet.aydin@nordlicht.example", 5)?,
                hire(&[Role::Agent], "Chiara Deluca", "chiara.deluca@nordlicht.example", 6)?,
            ],
            integration: hire(&[Role::Integration], "Web form and mailer", "webform@nordlicht.example", 7)?,
            auditor: hire(&[Role::Auditor], "Prüfgesellschaft Ahrend", "pruefung@ahrend.example", 8)?,
        };
        let mut office = Self {
            register: fresh.id()?,
            purposes: Register::default(),
            newsletter: fresh.id()?,
            product_news: fresh.id()?,
            shown: BTreeMap::new(),
            actors,
        };
        office.fill_register(begin.plus_ms(3_600_000), diary);
        for text in &words.texts.notice {
            office.publish(text, begin, diary)?;
        }
        Ok(office)
    }

    /// The notices by name.
    pub fn notices(&self) -> Notices {
        Notices { newsletter: self.newsletter, product_news: self.product_news }
    }

    /// One of the agents.
    pub fn agent(&self, number: usize) -> ActorId {
        let [anna, mehmet, chiara] = self.actors.agents;
        match number % 3 {
            0 => anna,
            1 => mehmet,
            _ => chiara,
        }
    }

    /// A purpose of the register.
    pub fn purpose(&self, slug: &str) -> Result<&Purpose, DemoError> {
        let purpose = slug.parse().ok().and_then(|slug| self.purposes.purpose(&slug));
        purpose.ok_or(DemoError::Words("an unknown purpose"))
    }

    /// What is shown for a purpose at that time, in German or else in English.
    pub fn shown(&self, purpose: &Slug, language: &str, at: Time) -> Option<(Shown, Slug, Time)> {
        let language = if language == "de" { "de" } else { "en" };
        let mut texts = self.shown.iter().filter(|((of, in_language, _), _)| of == purpose && in_language == language);
        let (_, (since, shown)) = texts.rfind(|(_, (since, _))| *since <= at)?;
        Some((*shown, purpose.clone(), *since))
    }

    fn fill_register(&mut self, at: Time, diary: &mut Diary) {
        for (number, event) in (0..).zip(defaults()) {
            self.purposes.evolve(&event);
            let command = match event {
                register::Event::PurposeSet(purpose) => register::Command::SetPurpose(purpose),
                register::Event::RetentionSet(retention) => register::Command::SetRetention(retention),
                register::Event::ResidueDaysSet(set) => register::Command::SetResidueDays(set),
            };
            let [dpo, _] = self.actors.dpos;
            diary.write::<Register>(at.plus_ms(number * 1_000), dpo, self.register.0, command);
        }
    }

    fn publish(&mut self, text: &NoticeText, begin: Time, diary: &mut Diary) -> Result<(), DemoError> {
        let purpose = self.purpose(&text.purpose)?.slug.clone();
        let notice = if text.purpose == "newsletter" { self.newsletter } else { self.product_news };
        let body = Text::parse(&text.text)?;
        let hash = *blake3::hash(body.as_str().as_bytes()).as_bytes();
        // The English text of a version comes first, and the German one is its translation.
        let translation_of = (text.language != "en").then_some(text.version);
        let days = if text.version == 1 { 1 } else { SECOND_VERSION };
        let minutes = if translation_of.is_some() { 10 } else { 0 };
        let at = begin.plus_ms(days * Time::DAY_MS + minutes * 60_000);
        let command = notice::Command {
            purpose: purpose.clone(),
            language: Language::parse(&text.language)?,
            translation_of,
            text: body,
            hash,
        };
        let [dpo, _] = self.actors.dpos;
        diary.write::<Notice>(at, dpo, notice.0, command);
        let shown = Shown { notice, version: text.version, hash };
        self.shown.insert((purpose, text.language.clone(), text.version), (at, shown));
        Ok(())
    }
}
