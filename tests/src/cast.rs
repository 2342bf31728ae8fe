//! People and organizations of the tests. Everything about one follows from a number: ids, and values that stand nowhere
//! else, so that whoever knows the number knows what must be found again, and what must not be found.

use domain::compartment::Country;
use domain::contact;
use domain::id::{CommandId, ContactId, FromRandom, OrganizationId, SubjectId};
use domain::organization;
use domain::point::{Point, PointKind};
use domain::profile::{Address, OldId, SocialLink};
use domain::time::Day;
use domain::value::{Line, Mail, Tag, Text, Website};

/// Somebody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Someone(pub u64);

const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";

impl Someone {
    /// An id of theirs.
    pub fn id<T: FromRandom>(&self, what: &str) -> T {
        T::from_random(self.draw(what)[..16].try_into().unwrap())
    }

    /// Whose data it is.
    pub fn subject(&self) -> SubjectId {
        self.id("subject")
    }

    pub fn contact(&self) -> ContactId {
        self.id("contact")
    }

    pub fn organization(&self) -> OrganizationId {
        self.id("organization")
    }

    pub fn command(&self, what: &str) -> CommandId {
        self.id(&format!("command {what}"))
    }

    /// A word that nobody else has.
    pub fn word(&self, what: &str) -> String {
        let letters = self.draw(what).map(|byte| char::from(LETTERS[usize::from(byte) % 32]));
        format!("Q{}", letters[..17].iter().collect::<String>())
    }

    fn digits(&self, what: &str) -> String {
        self.draw(what)[..9].iter().map(|byte| char::from(b'0' + byte % 10)).collect()
    }

    fn draw(&self, what: &str) -> [u8; 32] {
        let mut bytes = self.0.to_be_bytes().to_vec();
        bytes.extend(what.as_bytes());
        blake3::derive_key("lethe tests cast", &bytes)
    }

    fn line(&self, what: &str) -> Line {
        Line::parse(&self.word(what)).unwrap()
    }

    pub fn text(&self, what: &str) -> Text {
        Text::parse(&format!("{} and {}", self.word(what), self.word(&format!("{what} too")))).unwrap()
    }

    fn address(&self) -> Address {
        Address {
            lines: vec![self.line("street")],
            postcode: Some(self.line("postcode")),
            city: Some(self.line("city")),
            region: Some(self.line("region")),
            country: Some(self.line("country")),
            country_code: Some(Country(*b"DE")),
        }
    }

    fn website(&self) -> Website {
        Website::parse(&format!("https://{}.example/", self.word("website").to_lowercase())).unwrap()
    }

    fn old_id(&self) -> OldId {
        OldId { source: self.line("old source"), id: self.line("old id") }
    }

    pub fn mail(&self) -> Mail {
        Mail::parse(&format!("{}@{}.example", self.word("mail"), self.word("domain").to_lowercase())).unwrap()
    }

    fn phone(&self) -> String {
        format!("+4930{}", self.digits("phone"))
    }

    pub fn point(&self, kind: PointKind) -> Point {
        let value = if kind == PointKind::Email { self.mail().as_str().to_owned() } else { self.phone() };
        Point::parse(self.id(kind.name()), kind, Some(self.line("label")), &value, Some(Country(*b"DE"))).unwrap()
    }

    /// A profile with a word in every field that can hold one.
    pub fn profile(&self) -> contact::Profile {
        contact::Profile {
            salutation: Some(self.line("salutation")),
            gender: Some(self.line("gender")),
            honorific: Some(self.line("honorific")),
            first_name: Some(self.line("first name")),
            last_name: Some(self.line("last name")),
            displayed_name: Some(self.line("displayed name")),
            job_title: Some(self.line("job title")),
            organization: Some(self.organization()),
            work_address: Some(self.address()),
            website: Some(self.website()),
            social_links: vec![SocialLink { network: self.line("network"), page: self.website() }],
            notes: Some(self.text("notes")),
            tags: vec![Tag::parse(&self.word("tag")).unwrap()],
            source_words: Some(self.text("source")),
            reason_words: Some(self.text("reason")),
            old_id: Some(self.old_id()),
            points: vec![self.point(PointKind::Email), self.point(PointKind::Mobile)],
            ..contact::Profile::default()
        }
    }

    /// The same for an organization.
    pub fn company(&self) -> organization::Profile {
        organization::Profile {
            name: Some(self.line("name")),
            invoice_address: Some(self.address()),
            website: Some(self.website()),
            notes: Some(self.text("notes")),
            tags: vec![Tag::parse(&self.word("tag")).unwrap()],
            source_words: Some(self.text("source")),
            reason_words: Some(self.text("reason")),
            old_id: Some(self.old_id()),
            points: vec![self.point(PointKind::Email), self.point(PointKind::Phone)],
            ..organization::Profile::default()
        }
    }

    /// Every value that was given of them anywhere, as it was written.
    pub fn values(&self) -> Vec<String> {
        let mut values: Vec<String> = WORDS.iter().map(|what| self.word(what)).collect();
        values.extend(TEXTS.iter().flat_map(|what| [self.word(what), self.word(&format!("{what} too"))]));
        values.push(self.mail().as_str().to_owned());
        values.push(self.phone());
        values.push(self.digits("phone"));
        values
    }
}

const WORDS: &[&str] = &[
    "salutation",
    "gender",
    "honorific",
    "first name",
    "last name",
    "displayed name",
    "job title",
    "street",
    "postcode",
    "city",
    "region",
    "country",
    "website",
    "network",
    "tag",
    "old source",
    "old id",
    "label",
    "mail",
    "domain",
    "name",
    "question",
    "offer",
    "actor",
    "other name",
];
const TEXTS: &[&str] =
    &["notes", "source", "reason", "body", "reply", "note", "solution", "consent", "request", "refusal"];

/// A day of the tests.
pub fn day(text: &str) -> Day {
    text.parse().unwrap()
}
