//! Replay equals live: random histories with fences, lifted fences and erasures, followed live and folded anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test says what it expects by failing"
)]

mod common;

use std::collections::BTreeMap;

use common::{Dice, Fences, Key, KeyState, World, fingerprint, line, mail};
use domain::channel::Channel;
use domain::compartment::Compartment;
use domain::consent::{About, Evidence, Fact, Method, Person, Scope, Source, Way};
use domain::event::StreamKind;
use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
use domain::id::{
    ActorId, CaseId, ConsentsId, ContactId, DisclosureId, ErasureId, HoldId, MessageId, NoticeId, OrganizationId,
    PointId, QuoteId, SubjectId, TicketId, TokenId,
};
use domain::notice::Shown;
use domain::personal::Held;
use domain::profile::Change;
use domain::quote::{Amounts, Terms, Texts};
use domain::register::Slug;
use domain::subject::{
    AnchorLevel, Asked, AskedHow, Certificate, Closed, Disclosure, Ground, IdentityCheck, Link, Recipient,
    RefusalGround, Request, SubjectKind, UnfenceGround,
};
use domain::ticket::{Direction, Origin, Priority, Question};
use domain::time::{Day, Time};
use domain::value::{Currency, Tag, Text};
use domain::{actor, consent, contact, organization, quote, subject, ticket};

#[test]
fn what_followed_live_equals_what_was_folded_anew() {
    let (mut fenced, mut lifted, mut destroyed) = (0, 0, 0);
    for seed in 0..60 {
        let mut story = Story { dice: Dice(seed), ..Story::default() };
        for step in 0..250 {
            story.step();
            if step % 50 == 49 {
                let live = World::digest(&story.world.views);
                for (batch, fences) in
                    [(1, Fences::AtTheirRecord), (7, Fences::FromTheStart), (1_000, Fences::AtTheirRecord)]
                {
                    let anew = World::digest(&story.world.replay(batch, fences));
                    assert!(live == anew, "seed {seed}, step {step}, batches of {batch}, {fences:?}");
                }
            }
        }
        (fenced, lifted, destroyed) = (fenced + story.fenced, lifted + story.lifted, destroyed + story.destroyed);
    }
    assert!(fenced > 100 && lifted > 30 && destroyed > 30, "{fenced} fenced, {lifted} lifted, {destroyed} destroyed");
}

#[test]
fn nothing_of_a_subject_is_left_when_all_its_keys_are_fenced() {
    for seed in 0..20 {
        let mut story = Story { dice: Dice(seed), ..Story::default() };
        (0..150).for_each(|_| story.step());
        for subject in story.subjects.clone() {
            if !story.is_live(subject, Compartment::Claims)
                || story.live_keys(subject).is_empty()
                || story.cases.values().any(|case| case.stage != Stage::Quiet)
            {
                continue;
            }
            let case = story.case_of(subject);
            story.request(case, vec![]);
            story.fence(case, 1);
            assert!(story.world.views.subject(subject).is_none(), "seed {seed}");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Quiet,
    Requested,
    Fenced,
}

struct Case {
    subject: SubjectId,
    stage: Stage,
    erasure: ErasureId,
    people: Vec<SubjectId>,
    keys: Vec<Key>,
}

#[derive(Default)]
struct Story {
    dice: Dice,
    world: World,
    subjects: Vec<SubjectId>,
    contacts: Vec<(ContactId, SubjectId, Vec<PointId>)>,
    organizations: Vec<(OrganizationId, SubjectId)>,
    tickets: Vec<(TicketId, Key)>,
    quotes: Vec<(QuoteId, Key, u32)>,
    consents: BTreeMap<SubjectId, ConsentsId>,
    actors: Vec<(ActorId, SubjectId)>,
    cases: BTreeMap<CaseId, Case>,
    holds: Vec<(CaseId, HoldId, usize)>,
    fenced: usize,
    lifted: usize,
    destroyed: usize,
}

const NAMES: [&str; 8] =
    ["Anna", "Ännchen", "Bert", "Schmidt", "Schmitt-Özil", "王小明", "O'Neill", "Christiansen-Hohenlohe"];
const YEARS: [u16; 2] = [2025, 2026];

/// A contact and an organization, each with its subject.
type Parties = (Option<(ContactId, SubjectId)>, Option<(OrganizationId, SubjectId)>);

impl Story {
    fn step(&mut self) {
        if self.dice.one_in(10) {
            let days = self.dice.below(40) as i64;
            self.world.pass_days(days);
        }
        match self.dice.below(18) {
            0 | 1 => self.new_contact(),
            2 => self.new_organization(),
            3 | 4 => self.change_contact(),
            5 => self.change_organization(),
            6 | 7 => self.ticket(),
            8 => self.quote(),
            9 | 10 => self.consent(),
            11 => self.actor(),
            12 => self.link(),
            13 => self.disclose(),
            14 => self.hold(),
            _ => self.erasure(),
        }
    }

    fn is_live(&self, subject: SubjectId, compartment: Compartment) -> bool {
        !self.world.keys.contains_key(&(subject, compartment))
    }

    fn live_keys(&self, subject: SubjectId) -> Vec<Key> {
        let all = self.world.keys_of(subject).into_iter().map(|compartment| (subject, compartment));
        all.filter(|key| !self.world.keys.contains_key(key)).collect()
    }

    /// A new subject, or one that has something already.
    fn subject(&mut self) -> SubjectId {
        if !self.subjects.is_empty() && self.dice.one_in(4) {
            return self.dice.of(&self.subjects);
        }
        let subject = SubjectId(self.dice.id());
        self.subjects.push(subject);
        subject
    }

    fn holding(&mut self) -> Holding {
        let (source, reason) = (self.dice.of(SourceKind::ALL), self.dice.of(ReasonKind::ALL));
        Holding { source, reason, hold_until: None }
    }

    fn name(&mut self) -> domain::value::Line {
        line(self.dice.of(&NAMES))
    }

    fn tags(&mut self) -> Vec<Tag> {
        let some = ["VIP", "vip", "news", "Ｋey"].iter().filter(|_| self.dice.one_in(3));
        some.map(|tag| Tag::parse(tag).unwrap()).collect()
    }

    fn new_contact(&mut self) {
        let subject = self.subject();
        if !self.is_live(subject, Compartment::Relationship) {
            return;
        }
        let id = ContactId(self.dice.id());
        let mut profile = contact::Profile { first_name: Some(self.name()), tags: self.tags(), ..Default::default() };
        if self.dice.one_in(2) {
            profile.last_name = Some(self.name());
        }
        if !self.organizations.is_empty() && self.dice.one_in(2) {
            profile.organization = Some(self.dice.of(&self.organizations).0);
        }
        let point = self.dice.id();
        profile.points.push(mail(point, &format!("a{}@example.org", self.dice.below(100))));
        let profile = Held::new(subject, Compartment::Relationship, Box::new(profile));
        let event = contact::Event::Registered { holding: self.holding(), profile };
        self.world.append(StreamKind::Contact, id.0, event);
        self.contacts.push((id, subject, vec![PointId(point)]));
    }

    fn new_organization(&mut self) {
        let subject = self.subject();
        if !self.is_live(subject, Compartment::Relationship) {
            return;
        }
        let id = OrganizationId(self.dice.id());
        let mut profile = organization::Profile { name: Some(self.name()), tags: self.tags(), ..Default::default() };
        if !self.organizations.is_empty() && self.dice.one_in(3) {
            profile.parent = Some(self.dice.of(&self.organizations).0);
        }
        let profile = Held::new(subject, Compartment::Relationship, Box::new(profile));
        let event = organization::Event::Registered { holding: self.holding(), profile };
        self.world.append(StreamKind::Organization, id.0, event);
        self.organizations.push((id, subject));
    }

    fn holding_change(&mut self) -> HoldingChange {
        let source = self.dice.one_in(3).then(|| self.dice.of(SourceKind::ALL));
        HoldingChange { source, ..Default::default() }
    }

    fn change_contact(&mut self) {
        if self.contacts.is_empty() {
            return;
        }
        let which = self.dice.below(self.contacts.len());
        let (id, subject, points) = self.contacts[which].clone();
        if !self.is_live(subject, Compartment::Relationship) {
            return;
        }
        let event = match self.dice.below(4) {
            0 => {
                let point = self.dice.id();
                self.contacts[which].2.push(PointId(point));
                let point = mail(point, &format!("b{}@example.org", self.dice.below(100)));
                contact::Event::PointAdded { point: Held::new(subject, Compartment::Relationship, point) }
            }
            1 => {
                let point = self.dice.of(&points);
                contact::Event::PointRetired { point: Held::new(subject, Compartment::Relationship, point) }
            }
            2 => contact::Event::Changed { cause: ChangeCause::Change, holding: self.holding_change(), profile: None },
            _ => {
                let mut change = contact::ProfileChange { first_name: Change::Set(self.name()), ..Default::default() };
                change.tags = Change::Set(self.tags());
                if self.dice.one_in(2) {
                    change.last_name = Change::Clear;
                    change.organization = Change::Clear;
                }
                let profile = Some(Held::new(subject, Compartment::Relationship, Box::new(change)));
                contact::Event::Changed { cause: ChangeCause::Correction, holding: self.holding_change(), profile }
            }
        };
        self.world.append(StreamKind::Contact, id.0, event);
    }

    fn change_organization(&mut self) {
        if self.organizations.is_empty() {
            return;
        }
        let (id, subject) = self.dice.of(&self.organizations);
        if !self.is_live(subject, Compartment::Relationship) {
            return;
        }
        let change = organization::ProfileChange { name: Change::Set(self.name()), ..Default::default() };
        let profile = Some(Held::new(subject, Compartment::Relationship, Box::new(change)));
        let cause = self.dice.of(ChangeCause::ALL);
        let event = organization::Event::Changed { cause, holding: self.holding_change(), profile };
        self.world.append(StreamKind::Organization, id.0, event);
    }

    fn text(&mut self) -> Text {
        Text::parse(&format!("words {}", self.dice.below(1_000))).unwrap()
    }

    fn ticket(&mut self) {
        if self.contacts.is_empty() {
            return;
        }
        if self.tickets.is_empty() || self.dice.one_in(3) {
            return self.open_ticket();
        }
        let (id, key) = self.dice.of(&self.tickets);
        let message = MessageId(self.dice.id());
        let live = self.is_live(key.0, key.1);
        let body = Held::new(key.0, key.1, self.text());
        let event = match self.dice.below(7) {
            0 | 1 if live => ticket::Event::Replied { message, direction: Direction::FromUs, body },
            2 if live => ticket::Event::NoteAdded { message, body },
            3 if live => ticket::Event::Solved { solution: body },
            4 => ticket::Event::Reopened,
            5 => ticket::Event::PriorityChanged { priority: self.dice.of(Priority::ALL) },
            _ => ticket::Event::Assigned { to: self.actors.first().map(|(actor, _)| *actor) },
        };
        self.world.append(StreamKind::Ticket, id.0, event);
    }

    /// The key its texts are under: the person's, or the organization's.
    fn parties(&mut self, compartment: Compartment) -> Option<Parties> {
        let contact = (!self.dice.one_in(4)).then(|| self.dice.below(self.contacts.len()));
        let contact = contact.map(|which| (self.contacts[which].0, self.contacts[which].1));
        let organization =
            (!self.organizations.is_empty() && self.dice.one_in(2)).then(|| self.dice.of(&self.organizations));
        let live = |subject: Option<SubjectId>| subject.is_none_or(|subject| self.is_live(subject, compartment));
        let good = live(contact.map(|(_, subject)| subject)) && live(organization.map(|(_, subject)| subject));
        (good && (contact.is_some() || organization.is_some())).then_some((contact, organization))
    }

    fn open_ticket(&mut self) {
        let compartment = Compartment::Support(self.dice.of(&YEARS));
        let Some((contact, company)) = self.parties(compartment) else { return };
        let (id, message) = (TicketId(self.dice.id()), MessageId(self.dice.id()));
        let question = Question { line: self.name(), body: self.text() };
        let same = contact.zip(company).is_some_and(|((_, a), (_, b))| a == b);
        let person = contact.map(|(contact, subject)| {
            let organization = company.filter(|_| same).map(|(organization, _)| organization);
            Held::new(subject, compartment, ticket::PersonPart { contact, organization, question: question.clone() })
        });
        let organization = company.filter(|_| !same).map(|(organization, subject)| {
            let question = contact.is_none().then(|| question.clone());
            Held::new(subject, compartment, ticket::OrganizationPart { organization, question })
        });
        let home = contact.map(|(_, subject)| subject).or(company.map(|(_, subject)| subject)).unwrap();
        let priority = Priority::Normal;
        let event = ticket::Event::Opened { message, priority, origin: Origin::Email, person, organization };
        self.world.append(StreamKind::Ticket, id.0, event);
        self.tickets.push((id, (home, compartment)));
    }

    fn terms(&mut self) -> Terms {
        let total = Amounts { net_minor: self.dice.below(10_000) as i64, tax_minor: 0, gross_minor: 0 };
        Terms { currency: Currency::parse("EUR").unwrap(), valid_until: Day(20_000), items: vec![], total }
    }

    fn texts(&mut self) -> Texts {
        Texts { title: Some(self.name()), descriptions: vec![self.name()], notes: Some(self.text()) }
    }

    fn quote(&mut self) {
        if self.contacts.is_empty() {
            return;
        }
        if self.quotes.is_empty() || self.dice.one_in(3) {
            return self.draft_quote();
        }
        let which = self.dice.below(self.quotes.len());
        let (id, (subject, compartment), version) = self.quotes[which];
        let live = self.is_live(subject, compartment);
        let event = match self.dice.below(4) {
            0 if live => {
                self.quotes[which].2 += 1;
                let texts = Held::new(subject, compartment, self.texts());
                quote::Event::Revised { version: version + 1, terms: self.terms(), texts }
            }
            1 if live => {
                let reason = Some(Held::new(subject, compartment, self.text()));
                quote::Event::Rejected { version, reason }
            }
            2 => quote::Event::Sent { version },
            _ => quote::Event::Accepted { version },
        };
        self.world.append(StreamKind::Quote, id.0, event);
    }

    fn draft_quote(&mut self) {
        let compartment = Compartment::Sales(self.dice.of(&YEARS));
        let Some((contact, company)) = self.parties(compartment) else { return };
        let id = QuoteId(self.dice.id());
        let texts = self.texts();
        let same = contact.zip(company).is_some_and(|((_, a), (_, b))| a == b);
        let organization = company.map(|(organization, subject)| {
            let contact = contact.filter(|_| same).map(|(contact, _)| contact);
            Held::new(subject, compartment, quote::OrganizationPart { organization, contact, texts: texts.clone() })
        });
        let person = contact.filter(|_| !same).map(|(contact, subject)| {
            let texts = company.is_none().then(|| texts.clone());
            Held::new(subject, compartment, quote::PersonPart { contact, texts })
        });
        let home = company.map(|(_, subject)| subject).or(contact.map(|(_, subject)| subject)).unwrap();
        let event = quote::Event::Drafted { terms: self.terms(), person, organization };
        self.world.append(StreamKind::Quote, id.0, event);
        self.quotes.push((id, (home, compartment), 1));
    }

    fn consent(&mut self) {
        if self.contacts.is_empty() {
            return;
        }
        let (contact, subject, points) = self.contacts[self.dice.below(self.contacts.len())].clone();
        if !self.is_live(subject, Compartment::ConsentProof) {
            return;
        }
        let fresh = ConsentsId(self.dice.id());
        let stream = *self.consents.entry(subject).or_insert(fresh);
        let purpose: Slug = self.dice.of(&["newsletter", "product-news"]).parse().unwrap();
        let about = About { purpose: purpose.clone(), channel: Channel::Email, point: self.dice.of(&points) };
        let way = Way { source: Source::WebForm, method: Method::Checkbox };
        let shown = Shown { notice: NoticeId([1; 16]), version: 1 + self.dice.below(2) as u32, hash: [2; 32] };
        let valid_until = self.dice.one_in(2).then(|| Day(self.world.today().0 + self.dice.below(60) as i32));
        let fact = match self.dice.below(6) {
            0 => Fact::Requested {
                about,
                shown,
                code_hash: [self.dice.below(250) as u8; 32],
                expires_at: Time(self.world.now),
                valid_until,
                validity_months: None,
                way,
            },
            1 => Fact::Confirmed { about, shown, code_hash: [0; 32], valid_until, way },
            2 => Fact::Refused { about, way },
            3 => Fact::Withdrawn { scope: Scope { purpose: Some(purpose), channel: None, point: None }, way },
            _ => Fact::Given { about, shown: Some(shown), valid_until, way, evidence: Evidence::AgentsWord },
        };
        let words = self.dice.one_in(3).then(|| self.text());
        let person = Held::new(subject, Compartment::ConsentProof, Person { contact, words });
        self.world.append(StreamKind::Consents, stream.0, consent::Event { fact, person });
    }

    fn actor(&mut self) {
        let name = self.name();
        let profile = actor::Profile { name, mail: None };
        if self.actors.is_empty() || self.dice.one_in(3) {
            let subject = self.subject();
            if self.is_live(subject, Compartment::Relationship) {
                let id = ActorId(self.dice.id());
                let profile = Held::new(subject, Compartment::Relationship, profile);
                let roles = vec![actor::Role::Agent];
                self.world.append(StreamKind::Actor, id.0, actor::Event::Registered { roles, profile });
                self.actors.push((id, subject));
            }
            return;
        }
        let (id, subject) = self.dice.of(&self.actors);
        if self.is_live(subject, Compartment::Relationship) {
            let event = if self.dice.one_in(2) {
                actor::Event::Changed { profile: Held::new(subject, Compartment::Relationship, profile) }
            } else {
                let label = Some(Held::new(subject, Compartment::Relationship, self.name()));
                let (token, hash) = (TokenId(self.dice.id()), [self.dice.below(200) as u8; 32]);
                actor::Event::TokenIssued { token, hash, expires_at: Time(0), label }
            };
            self.world.append(StreamKind::Actor, id.0, event);
        }
    }

    fn case_of(&mut self, subject: SubjectId) -> CaseId {
        if let Some((case, _)) = self.cases.iter().find(|(_, case)| case.subject == subject) {
            return *case;
        }
        let id = CaseId(self.dice.id());
        let (stage, erasure) = (Stage::Quiet, ErasureId([0; 16]));
        self.cases.insert(id, Case { subject, stage, erasure, people: vec![], keys: vec![] });
        let part = Held::new(subject, Compartment::Claims, ());
        let event = subject::Event::Opened { kind: SubjectKind::Organization, subject: part };
        self.world.append(StreamKind::Case, id.0, event);
        id
    }

    fn link(&mut self) {
        if self.contacts.is_empty() {
            return;
        }
        let (contact, subject, _) = self.contacts[self.dice.below(self.contacts.len())].clone();
        let live = self.is_live(subject, Compartment::Relationship) && self.is_live(subject, Compartment::Claims);
        if live {
            let case = self.case_of(subject);
            let link = Held::new(subject, Compartment::Relationship, Link::Contact(contact));
            let unlink = self.dice.one_in(4);
            let event = if unlink { subject::Event::Unlinked { link } } else { subject::Event::Linked { link } };
            self.world.append(StreamKind::Case, case.0, event);
        }
    }

    fn disclose(&mut self) {
        let live: Vec<SubjectId> =
            self.subjects.iter().copied().filter(|subject| self.is_live(*subject, Compartment::Claims)).collect();
        if live.is_empty() {
            return;
        }
        let subject = self.dice.of(&live);
        let case = self.case_of(subject);
        let until = self.dice.one_in(2).then(|| self.world.today());
        let disclosure = Disclosure { id: DisclosureId(self.dice.id()), digest: [4; 32], parts: 2, until };
        let words = self.dice.one_in(2).then(|| self.text());
        let to = Held::new(subject, Compartment::Claims, Recipient { recipient: self.name(), words });
        self.world.append(StreamKind::Case, case.0, subject::Event::Disclosed { disclosure, to });
    }

    /// A hold is placed, or one that stands goes a step on, whether or not the words of it can be read.
    fn hold(&mut self) {
        if !self.holds.is_empty() && self.dice.one_in(2) {
            let (case, hold, steps) = self.holds.swap_remove(self.dice.below(self.holds.len()));
            let event = match steps {
                0 => subject::Event::HoldApproved { hold },
                1 => subject::Event::HoldLiftRequested { hold, by: ActorId([9; 16]) },
                _ => subject::Event::HoldLifted { hold },
            };
            if steps < 2 {
                self.holds.push((case, hold, steps + 1));
            }
            self.world.append(StreamKind::Case, case.0, event);
            return;
        }
        let live: Vec<SubjectId> =
            self.subjects.iter().copied().filter(|subject| self.is_live(*subject, Compartment::Claims)).collect();
        if live.is_empty() {
            return;
        }
        let subject = self.dice.of(&live);
        let (case, hold) = (self.case_of(subject), HoldId(self.dice.id()));
        let compartments = if self.dice.one_in(2) { vec![Compartment::Relationship] } else { vec![] };
        let (review_on, by) = (self.world.today().plus_months(6), ActorId([9; 16]));
        let matter = Held::new(subject, Compartment::Claims, self.text());
        let placed = subject::Event::HoldPlaced { hold, compartments, review_on, by, matter };
        self.world.append(StreamKind::Case, case.0, placed);
        self.holds.push((case, hold, 0));
    }

    fn erasure(&mut self) {
        let open: Vec<CaseId> =
            self.cases.iter().filter(|(_, case)| case.stage != Stage::Quiet).map(|(id, _)| *id).collect();
        if open.is_empty() || self.dice.one_in(4) {
            if self.subjects.is_empty() {
                return;
            }
            let subject = self.dice.of(&self.subjects);
            let known = self.cases.values().find(|case| case.subject == subject);
            let quiet = known.is_none_or(|case| case.stage == Stage::Quiet);
            if quiet && self.is_live(subject, Compartment::Claims) && !self.live_keys(subject).is_empty() {
                let case = self.case_of(subject);
                let people = if self.dice.one_in(2) { vec![self.dice.of(&self.subjects)] } else { vec![] };
                self.request(case, people);
            }
            return;
        }
        let id = self.dice.of(&open);
        match (self.cases[&id].stage, self.dice.below(6)) {
            (Stage::Requested, 0) => self.refuse(id),
            (Stage::Requested, _) => self.fence(id, 3),
            (Stage::Fenced, 0..=2) => self.unfence(id),
            (Stage::Fenced, _) => self.destroy(id),
            (Stage::Quiet, _) => {}
        }
    }

    fn request(&mut self, id: CaseId, people: Vec<SubjectId>) {
        let erasure = ErasureId(self.dice.id());
        let subject = self.cases[&id].subject;
        let today = self.world.today();
        let asked = Asked {
            ground: Ground::NoLongerNecessary,
            how: AskedHow::Letter,
            on: today,
            identity: IdentityCheck::KnownPoint,
            identity_on: today,
        };
        let request = Request { words: Some(self.text()), people: people.clone() };
        let request = Held::new(subject, Compartment::Claims, request);
        let due = today.plus_months(1);
        let by = ActorId([9; 16]);
        self.world.append(
            StreamKind::Case,
            id.0,
            subject::Event::ErasureRequested { erasure, asked, by, due, request },
        );
        let case = self.cases.get_mut(&id).unwrap();
        (case.stage, case.erasure, case.people) = (Stage::Requested, erasure, people);
    }

    fn refuse(&mut self, id: CaseId) {
        let Case { subject, erasure, .. } = self.cases[&id];
        let live = self.is_live(subject, Compartment::Claims);
        let words = live.then(|| Held::new(subject, Compartment::Claims, self.text()));
        let event = subject::Event::ErasureRefused { erasure, ground: RefusalGround::NoGround, words };
        self.world.append(StreamKind::Case, id.0, event);
        self.cases.get_mut(&id).unwrap().stage = Stage::Quiet;
    }

    /// Closes some compartments of each subject the erasure reaches, at least one; all, with one in one.
    fn fence(&mut self, id: CaseId, one_in: usize) {
        let Case { subject, erasure, ref people, .. } = self.cases[&id];
        let mut reached = vec![subject];
        // Nobody goes along whose own case is under way: its request, by which a boot knows whom it reaches, would die
        // before it is over.
        let others = self.cases.values().filter(|case| case.subject != subject && case.stage != Stage::Quiet);
        if others.into_iter().any(|case| people.contains(&case.subject)) {
            return;
        }
        reached.extend(people.iter().copied().filter(|person| *person != subject));
        let (mut keys, mut closed, mut compartments) = (vec![], vec![], vec![]);
        for subject in reached {
            let live = self.live_keys(subject);
            let mut dies: Vec<Key> =
                live.iter().copied().filter(|_| one_in == 1 || !self.dice.one_in(one_in)).collect();
            if dies.is_empty() {
                dies.extend(live.first());
            }
            let own: Vec<Compartment> = dies.iter().map(|(_, compartment)| *compartment).collect();
            for (_, stays) in live.iter().filter(|key| !dies.contains(key)) {
                closed.push(Held::new(subject, *stays, Closed { compartments: own.clone() }));
            }
            compartments.extend(own);
            keys.extend(dies);
        }
        if keys.is_empty() {
            return;
        }
        compartments.sort();
        compartments.dedup();
        let mut fingerprints: Vec<_> = keys.iter().copied().map(fingerprint).collect();
        fingerprints.sort();
        let event = subject::Event::Fenced { erasure, compartments, keys: fingerprints, closed };
        self.world.append(StreamKind::Case, id.0, event);
        if self.dice.one_in(2) {
            let until = self.world.today().end();
            self.world.append(StreamKind::Case, id.0, subject::Event::CoolingOffSet { erasure, until });
        }
        self.world.keys.extend(keys.iter().map(|key| (*key, KeyState::Fenced)));
        let case = self.cases.get_mut(&id).unwrap();
        (case.stage, case.keys) = (Stage::Fenced, keys);
        self.fenced += 1;
    }

    fn unfence(&mut self, id: CaseId) {
        let Case { subject, erasure, ref keys, .. } = self.cases[&id];
        let keys = keys.clone();
        let live = self.is_live(subject, Compartment::Claims);
        let words = live.then(|| Held::new(subject, Compartment::Claims, self.text()));
        let fingerprints = keys.iter().copied().map(fingerprint).collect();
        let event = subject::Event::Unfenced { erasure, ground: UnfenceGround::Mistake, keys: fingerprints, words };
        let position = self.world.append(StreamKind::Case, id.0, event);
        self.world.keys.retain(|key, _| !keys.contains(key));
        let again = self.world.again(&keys, position, &self.world.keys);
        domain::event::Follow::follow(&mut self.world.views, again);
        self.cases.get_mut(&id).unwrap().stage = Stage::Requested;
        self.lifted += 1;
    }

    fn destroy(&mut self, id: CaseId) {
        let Case { erasure, ref keys, .. } = self.cases[&id];
        let keys = keys.clone();
        let fingerprints = keys.iter().copied().map(fingerprint).collect();
        let event = subject::Event::DestructionOrdered { erasure, keys: fingerprints, epoch_before: 1 };
        self.world.append(StreamKind::Case, id.0, event);
        self.world.keys.extend(keys.iter().map(|key| (*key, KeyState::Destroyed)));
        let certificate =
            Certificate { level: AnchorLevel::A0, epoch_before: 1, epoch_after: 2, survives: vec![], links: vec![] };
        self.world.append(StreamKind::Case, id.0, subject::Event::Certified { erasure, certificate });
        self.cases.get_mut(&id).unwrap().stage = Stage::Quiet;
        self.destroyed += 1;
    }
}
