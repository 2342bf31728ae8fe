//! Values that several nouns share: how they come in, how they are shown.

use async_graphql::{Enum, ID, InputObject, MaybeUndefined, SimpleObject};
use domain::compartment::Country;
use domain::holding::{ChangeCause, ReasonKind, SourceKind};
use domain::id::{KeyId, PointId};
use domain::personal::Gone;
use domain::point::{Point, PointKind};
use domain::profile::{self, Change, OldId, Pertinent};
use domain::subject::{AnchorLevel, Stage};
use domain::value::{Invalid, Line, Website};
use events::keyring::{Keyring, Level};
use events::ledger::Fresh;
use projections::PointSheet;

use super::outcome::{No, Problems};
use super::scalars::Day;
use crate::error::Failure;
use crate::kept::input_name;

/// Where data came from.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "SourceKind", name = "SourceKind")]
#[allow(clippy::enum_variant_names, reason = "the variants are those of the domain")]
pub enum Source {
    WebForm,
    BusinessCard,
    Import,
    Referral,
    Phone,
    Email,
    #[graphql(name = "EVENT")]
    Occasion,
    PublicSource,
    ContractPartner,
    Other,
}

/// Why data is held.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "ReasonKind", name = "ReasonKind")]
pub enum Reason {
    Contract,
    Enquiry,
    Consent,
    LegitimateInterest,
    LegalDuty,
}

/// Whether it was wrong, or has changed.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "ChangeCause", name = "ChangeReason")]
pub enum Cause {
    Correction,
    Change,
}

/// What a contact point is.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[graphql(remote = "PointKind", name = "ContactPointKind")]
pub enum Kind {
    Email,
    Phone,
    Mobile,
    Fax,
    Messenger,
    Other,
}

/// A postal address.
#[derive(InputObject, Clone)]
pub struct AddressInput {
    /// Street and number, or as many lines as it takes.
    #[graphql(default)]
    pub lines: Vec<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub region: Option<String>,
    /// Two letters of ISO 3166-1, or the English name; with `countryCode`, or where it was written so before, any words.
    pub country: Option<String>,
    /// Two letters of ISO 3166-1; without, it follows from `country`.
    pub country_code: Option<String>,
}

impl AddressInput {
    /// Parses it; what is wrong is noted. `kept` are addresses that are held already: who gives one of them back need not
    /// know a country that nobody knew when it came in.
    pub fn parse(self, kept: &[&profile::Address], problems: &mut Problems) -> profile::Address {
        let mut line =
            |name: &str, text: Option<String>| text.and_then(|text| problems.take(&[name], Line::parse(&text)));
        let (postcode, city) = (line("postcode", self.postcode), line("city", self.city));
        let (region, country) = (line("region", self.region), line("country", self.country));
        let lines = problems.each("lines", self.lines, |text, p| p.take(&[], Line::parse(&text)));
        let country_code = match (self.country_code, &country) {
            (Some(code), _) => problems.take(&["countryCode"], Country::parse(&code)),
            (None, Some(written)) => match kept.iter().find(|known| known.country.as_ref() == Some(written)) {
                Some(known) => known.country_code,
                None => problems.take(&["country"], country_named(written.as_str())),
            },
            (None, None) => None,
        };
        profile::Address { lines, postcode, city, region, country, country_code }
    }
}

fn country_named(text: &str) -> Result<Country, Invalid> {
    Country::parse(text).or_else(|unknown| Country::named(text).ok_or(unknown))
}

/// A postal address.
#[derive(SimpleObject)]
pub struct Address {
    pub lines: Vec<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub region: Option<String>,
    /// As it was written; the code, where nothing else was.
    pub country: Option<String>,
    /// Two letters of ISO 3166-1.
    pub country_code: Option<String>,
}

impl From<profile::Address> for Address {
    fn from(address: profile::Address) -> Self {
        let code = address.country_code.map(|code| code.to_string());
        Self {
            lines: address.lines.into_iter().map(Line::into_string).collect(),
            postcode: address.postcode.map(Line::into_string),
            city: address.city.map(Line::into_string),
            region: address.region.map(Line::into_string),
            country: address.country.map(Line::into_string).or_else(|| code.clone()),
            country_code: code,
        }
    }
}

/// A page on a network.
#[derive(InputObject, Clone)]
pub struct SocialLinkInput {
    pub network: String,
    pub page: String,
}

impl SocialLinkInput {
    /// Parses it; what is wrong is noted.
    pub fn parse(self, problems: &mut Problems) -> Option<profile::SocialLink> {
        let network = problems.take(&["network"], Line::parse(&self.network));
        let page = problems.take(&["page"], Website::parse(&self.page));
        Some(profile::SocialLink { network: network?, page: page? })
    }
}

/// A page on a network.
#[derive(SimpleObject)]
pub struct SocialLink {
    pub network: String,
    pub page: String,
}

impl From<profile::SocialLink> for SocialLink {
    fn from(link: profile::SocialLink) -> Self {
        Self { network: link.network.into_string(), page: link.page.into_string() }
    }
}

/// A day that matters to somebody.
#[derive(InputObject, Clone)]
pub struct PertinentDateInput {
    pub label: String,
    pub day: Day,
}

impl PertinentDateInput {
    /// Parses it; what is wrong is noted.
    pub fn parse(self, problems: &mut Problems) -> Option<Pertinent> {
        let label = problems.take(&["label"], Line::parse(&self.label))?;
        Some(Pertinent { label, day: self.day.0 })
    }
}

/// A day that matters to somebody.
#[derive(SimpleObject)]
pub struct PertinentDate {
    pub label: String,
    pub day: Day,
}

impl From<Pertinent> for PertinentDate {
    fn from(date: Pertinent) -> Self {
        Self { label: date.label.into_string(), day: Day(date.day) }
    }
}

/// By what a former system knew somebody.
#[derive(InputObject, Clone)]
pub struct OldIdInput {
    pub source: String,
    pub id: String,
}

impl OldIdInput {
    /// Parses it; what is wrong is noted.
    pub fn parse(self, problems: &mut Problems) -> Option<OldId> {
        let source = problems.take(&["source"], Line::parse(&self.source));
        let id = problems.take(&["id"], Line::parse(&self.id));
        Some(OldId { source: source?, id: id? })
    }
}

/// By what a former system knew somebody.
#[derive(SimpleObject)]
pub struct OldIdentity {
    pub source: String,
    pub id: String,
}

impl From<OldId> for OldIdentity {
    fn from(old: OldId) -> Self {
        Self { source: old.source.into_string(), id: old.id.into_string() }
    }
}

/// A way to reach somebody.
#[derive(InputObject, Clone)]
pub struct ContactPointInput {
    pub kind: Kind,
    pub value: String,
    pub label: Option<String>,
}

impl ContactPointInput {
    /// Parses it, with an id of its own; what is wrong is noted. Numbers without a country code are read as of `country`.
    pub fn parse(
        self,
        country: Option<Country>,
        fresh: &mut Fresh,
        problems: &mut Problems,
    ) -> Result<Option<Point>, No> {
        let id: PointId = fresh.id().map_err(Failure::internal)?;
        let label = self.label.map(|label| problems.take(&["label"], Line::parse(&label)));
        let point = Point::parse(id, self.kind.into(), label.flatten(), &self.value, country);
        Ok(problems.take(&["value"], point))
    }
}

/// A way to reach somebody. A changed address is a new point.
#[derive(SimpleObject)]
pub struct ContactPoint {
    /// What consents name it by.
    pub id: ID,
    pub kind: Kind,
    pub label: Option<String>,
    /// As it was written.
    pub value: String,
    /// The form it is compared by: E.164, a mail address with its domain in small letters.
    pub normalized: Option<String>,
    /// Whether it is used no more.
    pub retired: bool,
}

impl From<PointSheet<'_>> for ContactPoint {
    fn from(point: PointSheet<'_>) -> Self {
        Self {
            id: ID(point.id.to_string()),
            kind: point.kind.into(),
            label: point.label.map(str::to_owned),
            value: point.value.to_owned(),
            normalized: point.normalized.map(str::to_owned),
            retired: point.retired.is_some(),
        }
    }
}

/// Why something cannot be read any more, or not now.
#[derive(SimpleObject, Clone)]
pub struct ErasureMark {
    /// When it took effect.
    pub at: super::scalars::Time,
    /// In words. At anchor level A0 they say that the erasure is logical.
    pub reason: String,
    /// Under which request.
    pub erasure: Option<ID>,
    /// Which of the ways to be gone this is.
    #[graphql(skip)]
    pub gone: Gone,
}

impl ErasureMark {
    /// What a redaction says of what it took.
    pub fn of_redaction(redaction: &projections::RedactionFacts) -> Self {
        let step = redaction.steps.iter().rev().find(|step| step.stage == redaction.stage);
        Self {
            at: super::scalars::Time(step.map_or(domain::time::Time(0), |step| step.at)),
            reason: super::redaction::reason(redaction).to_owned(),
            erasure: Some(ID(redaction.id.to_string())),
            gone: Gone::Erased,
        }
    }

    /// What an erasure says of what it took. At anchor level A0 nothing is said to be erased without the word "logical".
    /// What destroying the key was worth is what its certificate says, wherever the keyring has gone since.
    pub fn of(erasure: &projections::Erasure<'_>) -> Self {
        let stage = erasure.facts.stage;
        let level = erasure.facts.certificate.as_ref().map_or(AnchorLevel::A0, |certificate| certificate.level);
        let step = erasure.facts.steps.iter().rev().find(|step| step.stage == stage);
        let reason = match (stage, level) {
            (Stage::Certified, AnchorLevel::A0) => "erased (logical: the key was destroyed in a file, anchor level A0)",
            (Stage::Certified, _) => "erased: the key was destroyed",
            (Stage::DestructionOrdered, _) => "withheld: its erasure was ordered and is being carried out",
            _ if erasure.facts.is_retention() => "withheld: the register says that its time is over",
            _ => "withheld: its erasure was approved",
        };
        Self {
            at: super::scalars::Time(step.map_or(domain::time::Time(0), |step| step.at)),
            reason: reason.to_owned(),
            erasure: Some(ID(erasure.facts.id.to_string())),
            gone: if stage == Stage::Certified { Gone::Erased } else { Gone::Withheld },
        }
    }

    /// Why nothing can be read under the first of these keys that an erasure took, or that was lost. Where no certificate says
    /// it, the keyring says what destroying a key was worth.
    pub fn of_keys(views: &projections::Views, keys: impl Iterator<Item = KeyId>, keyring: &Keyring) -> Option<Self> {
        let mut marks = keys.filter_map(|key| {
            let erasure = views.erasure_of_key(key).map(|erasure| Self::of(&erasure));
            let before =
                views.erased_before(key).filter(|_| erasure.as_ref().is_none_or(|mark| mark.gone != Gone::Erased));
            let lost = || views.lost(key).map(Self::lost);
            before.map(|at| Self::before(at, erasure.as_ref(), keyring.level_of(&[key]))).or(erasure).or_else(lost)
        });
        marks.next()
    }

    /// What the keyring's register says behind a restore, whose log does not know how the erasure ended, or nothing of it.
    fn before(at: domain::time::Time, erasure: Option<&Self>, level: Level) -> Self {
        let reason = match level {
            Level::A0 => {
                "erased before the log was restored from a backup (logical: the key was destroyed in a file, anchor level A0)"
            }
            _ => "erased before the log was restored from a backup: the key was destroyed",
        };
        let erasure = erasure.and_then(|mark| mark.erasure.clone());
        Self { at: super::scalars::Time(at), reason: reason.to_owned(), erasure, gone: Gone::Erased }
    }

    /// What an operator declared.
    fn lost(at: domain::time::Time) -> Self {
        let reason = "lost: the key was declared lost, which is no erasure".to_owned();
        Self { at: super::scalars::Time(at), reason, erasure: None, gone: Gone::Lost }
    }
}

/// The field of an input that a rejection of a profile is about.
pub fn profile_path(rejection: profile::Rejection) -> Vec<String> {
    let field = match rejection {
        profile::Rejection::NotKept { field } | profile::Rejection::CardNumber { field } => input_name(field),
        profile::Rejection::TooMany { what: "tags", .. } => "tags".into(),
        profile::Rejection::TooMany { what: "social links", .. } => "socialLinks".into(),
        profile::Rejection::TooMany { what: "former names", .. } => "formerNames".into(),
        profile::Rejection::TooMany { .. } | profile::Rejection::TooMuch { .. } => return Vec::new(),
    };
    vec![field]
}

/// What an input says of a field that may be left alone, cleared with `null`, or set.
pub fn change<I, T>(input: MaybeUndefined<I>, parse: impl FnOnce(I) -> Option<T>) -> Change<T> {
    match input {
        MaybeUndefined::Undefined => Change::Keep,
        MaybeUndefined::Null => Change::Clear,
        MaybeUndefined::Value(value) => parse(value).map_or(Change::Keep, Change::Set),
    }
}
