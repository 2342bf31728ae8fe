//! At least one fact of every kind with fixed values: what the golden records are made of. Every optional value is there at
//! least once, so that no byte of a form goes unpinned.

use domain::backup::BackedUp;
use domain::channel::Channel;
use domain::compartment::{Compartment, Country};
use domain::event::{Event, Stream, StreamKind};
use domain::export::Exported;
use domain::holding::{ChangeCause, Holding, HoldingChange, ReasonKind, SourceKind};
use domain::id::*;
use domain::notice::Shown;
use domain::personal::Held;
use domain::point::{Point, PointKind};
use domain::profile::{Address, Change, Dated, OldId, Pertinent, SocialLink};
use domain::register::{CompartmentKind, CountedFrom, LegalBasis, Purpose, Retention, Rule, Slug};
use domain::time::{Day, Time};
use domain::value::{BasisPoints, Currency, Language, Line, Mail, Tag, Text, Website};
use domain::{
    actor, anchor, consent, contact, document, ledger, notice, organization, quote, register, subject, ticket,
};

/// Ids are one byte, sixteen times: easy to see in a dump.
pub const LOG: LogId = LogId([0x10; 16]);
pub const NEXT_LOG: LogId = LogId([0x11; 16]);
pub const SUBJECT: SubjectId = SubjectId([0x55; 16]);
pub const OTHER_SUBJECT: SubjectId = SubjectId([0x56; 16]);
const CONTACT: [u8; 16] = [0x20; 16];
const POINT: PointId = PointId([0x2a; 16]);
const ORGANIZATION: [u8; 16] = [0x30; 16];
const CONSENTS: [u8; 16] = [0x40; 16];
const NOTICE: [u8; 16] = [0x50; 16];
const CASE: [u8; 16] = [0x60; 16];
const ERASURE: ErasureId = ErasureId([0x6e; 16]);
const HOLD: HoldId = HoldId([0x6f; 16]);
const DISCLOSURE: DisclosureId = DisclosureId([0x6d; 16]);
const DOCUMENT: [u8; 16] = [0x74; 16];
const TICKET: [u8; 16] = [0x70; 16];
const MESSAGE: MessageId = MessageId([0x7e; 16]);
const QUOTE: [u8; 16] = [0x80; 16];
const REGISTER: [u8; 16] = [0x90; 16];
const ACTOR: [u8; 16] = [0xa0; 16];
const ANCHOR: [u8; 16] = [0xb0; 16];
const TOKEN: TokenId = TokenId([0xae; 16]);

/// The day 2026-01-31.
const DAY: Day = Day(20_484);
/// 2026-01-31T09:30:00Z.
pub const AT: Time = Time(1_769_851_800_000);

fn line(text: &str) -> Line {
    Line::parse(text).unwrap()
}

fn text(text: &str) -> Text {
    Text::parse(text).unwrap()
}

fn slug(text: &str) -> Slug {
    Slug::from_log(text.to_owned())
}

fn sealed<T>(compartment: Compartment, value: T) -> Held<T> {
    Held::new(SUBJECT, compartment, value)
}

fn related<T>(value: T) -> Held<T> {
    sealed(Compartment::Relationship, value)
}

/// All facts in their order. The first three are the example of `FORMAT.md`. Every record has the hash of the one before
/// inside, so a new fact is added behind all others: else golden bytes move that were right.
pub fn all() -> Vec<(Stream, Event)> {
    let mut all = story();
    for (kind, id, events) in [
        (StreamKind::Log, LOG.0, logs()),
        (StreamKind::Contact, CONTACT, contacts()),
        (StreamKind::Organization, ORGANIZATION, organizations()),
        (StreamKind::Consents, CONSENTS, consents()),
        (StreamKind::Case, CASE, cases()),
        (StreamKind::Ticket, TICKET, tickets()),
        (StreamKind::Quote, QUOTE, quotes()),
        (StreamKind::Actor, ACTOR, actors()),
        (StreamKind::Notice, NOTICE, vec![published()]),
        (StreamKind::Register, REGISTER, registers()),
        (StreamKind::Log, LOG.0, proofs()),
        (StreamKind::Log, NEXT_LOG.0, vec![continued(), erased_before()]),
        (StreamKind::Case, CASE, disclosures()),
        (StreamKind::Case, CASE, holds()),
        (StreamKind::Anchor, ANCHOR, anchors()),
        (StreamKind::Register, REGISTER, vec![at_most()]),
        (StreamKind::Case, CASE, retentions()),
        (StreamKind::Quote, QUOTE, vec![voucher()]),
        (StreamKind::Case, CASE, residues()),
        (StreamKind::Register, REGISTER, vec![residue_days()]),
        (StreamKind::Log, NEXT_LOG.0, backups()),
        (StreamKind::Log, NEXT_LOG.0, suppressions()),
        (StreamKind::Case, CASE, redactions()),
        (StreamKind::Document, DOCUMENT, documents()),
        (StreamKind::Case, CASE, deliveries()),
        (StreamKind::Case, CASE, claims()),
        (StreamKind::Log, NEXT_LOG.0, vec![ledger::Event::Reopened.into(), nothing_newer()]),
        (StreamKind::Log, NEXT_LOG.0, vec![exported()]),
        // Behind the last of these a log has no record: samples that come later stand before them.
        (StreamKind::Log, NEXT_LOG.0, leaving()),
    ] {
        all.extend(events.into_iter().map(|event| (Stream { kind, id }, event)));
    }
    all
}

/// A log is opened, Maria comes in, and she consents to the newsletter.
fn story() -> Vec<(Stream, Event)> {
    let opened = ledger::Event::Opened {
        log: LOG,
        controller: "Muster GmbH".into(),
        origin: "muster.example/lethe".into(),
        demo: false,
    };
    let profile = contact::Profile {
        first_name: Some(line("Maria")),
        last_name: Some(line("Anders")),
        points: vec![mail()],
        ..contact::Profile::default()
    };
    let holding = Holding { source: SourceKind::WebForm, reason: ReasonKind::Consent, hold_until: Some(Day(21_000)) };
    let registered = contact::Event::Registered { holding, profile: related(Box::new(profile)) };
    let given = consent::Fact::Given {
        about: about(),
        shown: Some(shown()),
        valid_until: Some(Day(21_000)),
        way: way(),
        evidence: consent::Evidence::AgentsWord,
    };
    vec![
        (Stream { kind: StreamKind::Log, id: LOG.0 }, opened.into()),
        (Stream { kind: StreamKind::Contact, id: CONTACT }, registered.into()),
        (Stream { kind: StreamKind::Consents, id: CONSENTS }, of_person(given, None)),
    ]
}

fn mail() -> Point {
    Point::parse(POINT, PointKind::Email, None, "maria@example.org", None).unwrap()
}

fn phone() -> Point {
    let label = Some(line("Office"));
    Point::parse(PointId([0x2b; 16]), PointKind::Phone, label, "030-0074321", Some(Country(*b"DE"))).unwrap()
}

fn address() -> Address {
    Address {
        lines: vec![line("Obere Str. 57")],
        postcode: Some(line("12209")),
        city: Some(line("Berlin")),
        region: Some(line("Berlin")),
        country: Some(line("Germany")),
        country_code: Some(Country(*b"DE")),
    }
}

fn social_link() -> SocialLink {
    SocialLink { network: line("Mastodon"), page: Website::parse("https://social.example/@maria").unwrap() }
}

fn old_id() -> OldId {
    OldId { source: line("northwind"), id: line("ALFKI") }
}

fn logs() -> Vec<Event> {
    vec![
        ledger::Event::ClockConfirmed { now: AT }.into(),
        ledger::Event::KeysLost { keys: vec![KeyId([0xf1; 16]), KeyId([0xf2; 16])] }.into(),
    ]
}

/// The root is made where the records are.
fn proofs() -> Vec<Event> {
    let signer = ledger::Event::SignerNamed {
        algorithm: ledger::SignatureKind::Ed25519,
        public_key: public_key([0x5e; 32]),
        name: "muster.example/lethe".into(),
    };
    vec![signer.into(), ledger::Event::Mapped { size: 3, streams: 3, root: [0; 32] }.into()]
}

/// Behind this record the log has another id. The roots are made where the records are.
fn continued() -> Event {
    let continued = ledger::Continued {
        log: NEXT_LOG,
        old_log: LOG,
        old_origin: "muster.example/lethe".into(),
        origin: "muster.example/lethe-2".into(),
        restored: ledger::TreeHead { size: 0, root: [0; 32] },
        checkpoint: Some(ledger::TreeHead { size: 3, root: [0; 32] }),
        algorithm: ledger::SignatureKind::Ed25519,
        public_key: public_key([0x5f; 32]),
    };
    ledger::Event::Continued(Box::new(continued)).into()
}

fn anchors() -> Vec<Event> {
    let (device, serial) = (line("the module in the safe"), line("1a2b3c4d"));
    let declared = anchor::Event::Declared { device, serial, by: ActorId([0x65; 16]) };
    vec![declared.into(), anchor::Event::Confirmed.into(), anchor::Event::Withdrawn.into()]
}

fn erased_before() -> Event {
    ledger::Event::ErasedBefore { keys: vec![KeyId([0xf3; 16]), KeyId([0xf4; 16])], epoch: 2 }.into()
}

fn backups() -> Vec<Event> {
    let backup = BackupId([0xba; 16]);
    let first = BackedUp { backup, size: 40, replaces: 0, region: None, until: Day(20_514) };
    let region = "eu-central-1".parse().ok();
    let second = BackedUp { size: 50, replaces: 40, region, ..first.clone() };
    [first, second].map(|run| ledger::Event::BackedUp(run).into()).into()
}

fn suppressions() -> Vec<Event> {
    use domain::suppression::*;

    let (act, reason) = (SuppressionAct::Added, SuppressionReason::Objected);
    let suppressed = Suppression { act, reason, purposes: vec![slug("newsletter"), slug("product-news")] };
    let dropped = Dropped { place: DropPlace::Sending, purpose: Some(slug("newsletter")), count: 2 };
    let imported = Dropped { place: DropPlace::Import, purpose: None, count: 3 };
    vec![
        ledger::Event::Suppressed(suppressed).into(),
        ledger::Event::Dropped(dropped).into(),
        ledger::Event::Dropped(imported).into(),
    ]
}

fn nothing_newer() -> Event {
    ledger::Event::NothingNewer { count: 2, digest: [0xd9; 32] }.into()
}

fn exported() -> Event {
    let counts = Exported { contacts: 5, organizations: 4, tickets: 3, quotes: 2, consents: 1, ..Exported::default() };
    let rest = Exported { documents: 6, notices: 7, actors: 8, erasures: 9, holds: 10, ..counts };
    ledger::Event::Exported(Exported { size: 60, digest: [0xe5; 32], ..rest }).into()
}

fn leaving() -> Vec<Event> {
    use domain::leaving::{LeaveOrder, LeaveReason, Leaving};

    let (epoch, level) = (3, subject::AnchorLevel::A0);
    let members = vec!["file 0123".to_owned(), "pkcs11 maker model 1".to_owned()];
    let requested = |export| Leaving::Requested { reason: LeaveReason::ContractOver, export };
    let from = Time(AT.0 + 86_400_000);
    let steps = [
        requested(None),
        Leaving::Withdrawn,
        requested(Some(60)),
        Leaving::Approved { from },
        Leaving::Ordered(LeaveOrder { keys: 12, epoch, level, members }),
        Leaving::Certified { epoch, level },
    ];
    steps.map(|step| ledger::Event::Leaving(step).into()).into()
}

fn public_key(seed: [u8; 32]) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes()
}

fn contacts() -> Vec<Event> {
    let everything = contact::Profile {
        salutation: Some(line("Ms")),
        gender: Some(line("female")),
        honorific: Some(line("Dr")),
        first_name: Some(line("Maria")),
        last_name: Some(line("Anders")),
        displayed_name: Some(line("Maria A.")),
        job_title: Some(line("Head of Sales")),
        organization: Some(OrganizationId(ORGANIZATION)),
        work_address: Some(address()),
        website: Website::parse("https://maria.example").ok(),
        social_links: vec![social_link()],
        notes: Some(text("Two lines,\nof notes.")),
        tags: vec![Tag::parse("vip").unwrap(), Tag::parse("fair").unwrap()],
        dates: vec![Pertinent { label: line("Jubilee"), day: Day(-1) }],
        birthday: Some(Day(-3_653)),
        language: Language::parse("de").ok(),
        source_words: Some(text("At the fair.")),
        reason_words: Some(text("She asked.")),
        old_id: Some(old_id()),
        points: vec![mail(), phone()],
    };
    let change = contact::ProfileChange {
        last_name: Change::Set(line("Moos")),
        notes: Change::Clear,
        organization: Change::Set(OrganizationId(ORGANIZATION)),
        work_address: Change::Set(address()),
        social_links: Change::Set(vec![social_link()]),
        tags: Change::Set(vec![Tag::parse("vip").unwrap()]),
        dates: Change::Clear,
        birthday: Change::Set(DAY),
        old_id: Change::Set(old_id()),
        ..contact::ProfileChange::default()
    };
    let changes = HoldingChange {
        source: Some(SourceKind::Import),
        reason: Some(ReasonKind::Contract),
        hold_until: Change::Set(DAY),
    };
    let holding = Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: None };
    let cleared = HoldingChange { hold_until: Change::Clear, ..HoldingChange::default() };
    let changed = |cause, holding, profile| contact::Event::Changed { cause, holding, profile };
    vec![
        contact::Event::Registered { holding, profile: related(Box::new(everything)) }.into(),
        changed(ChangeCause::Change, changes, Some(related(Box::new(change)))).into(),
        changed(ChangeCause::Correction, cleared, None).into(),
        contact::Event::PointAdded { point: related(phone()) }.into(),
        contact::Event::PointRetired { point: related(POINT) }.into(),
    ]
}

fn organizations() -> Vec<Event> {
    let profile = organization::Profile {
        name: Some(line("Alfreds Futterkiste")),
        former_names: vec![Dated { value: line("Alfreds"), from: None, until: Some(DAY) }],
        invoice_address: Some(address()),
        former_invoice_addresses: vec![Dated { value: address(), from: Some(DAY), until: Some(DAY) }],
        delivery_addresses: vec![Dated { value: address(), from: Some(DAY), until: None }],
        website: Website::parse("https://alfreds.example").ok(),
        parent: Some(OrganizationId([0x31; 16])),
        social_links: vec![social_link()],
        notes: Some(text("Ring twice.")),
        tags: vec![Tag::parse("food").unwrap()],
        source_words: Some(text("From the old system.")),
        reason_words: Some(text("They buy.")),
        old_id: Some(old_id()),
        points: vec![phone()],
    };
    let change = organization::ProfileChange {
        name: Change::Set(line("Alfreds & Co")),
        invoice_address: Change::Set(address()),
        delivery_addresses: Change::Set(vec![Dated { value: address(), from: None, until: None }]),
        parent: Change::Clear,
        ..organization::ProfileChange::default()
    };
    let holding = Holding { source: SourceKind::Import, reason: ReasonKind::Contract, hold_until: Some(DAY) };
    let (cause, unchanged) = (ChangeCause::Change, HoldingChange::default());
    vec![
        organization::Event::Registered { holding, profile: related(Box::new(profile)) }.into(),
        organization::Event::Changed { cause, holding: unchanged, profile: Some(related(Box::new(change))) }.into(),
        organization::Event::PointAdded { point: related(phone()) }.into(),
        organization::Event::PointRetired { point: related(POINT) }.into(),
    ]
}

fn about() -> consent::About {
    consent::About { purpose: slug("newsletter"), channel: Channel::Email, point: POINT }
}

fn shown() -> Shown {
    Shown { notice: NoticeId(NOTICE), version: 3, hash: [0x5b; 32] }
}

fn way() -> consent::Way {
    consent::Way { source: consent::Source::WebForm, method: consent::Method::Checkbox }
}

fn of_person(fact: consent::Fact, words: Option<Text>) -> Event {
    let person = consent::Person { contact: ContactId(CONTACT), words };
    consent::Event { fact, person: sealed(Compartment::ConsentProof, person) }.into()
}

fn consents() -> Vec<Event> {
    let everything =
        consent::Scope { purpose: Some(slug("newsletter")), channel: Some(Channel::Phone), point: Some(POINT) };
    let requested = consent::Fact::Requested {
        about: about(),
        shown: shown(),
        code_hash: [0x5c; 32],
        expires_at: Time(AT.0 + Time::DAY_MS),
        valid_until: Some(DAY),
        validity_months: Some(24),
        way: way(),
    };
    let confirmed = consent::Fact::Confirmed {
        about: about(),
        shown: shown(),
        code_hash: [0x5c; 32],
        valid_until: None,
        way: way(),
    };
    vec![
        of_person(requested, None),
        of_person(confirmed, None),
        of_person(consent::Fact::Refused { about: about(), way: way() }, None),
        of_person(consent::Fact::Withdrawn { scope: everything, way: way() }, Some(text("By phone."))),
        of_person(consent::Fact::Objected { scope: consent::Scope::default(), way: way() }, None),
    ]
}

fn disclosures() -> Vec<Event> {
    let disclosed = |until, words| {
        let disclosure = subject::Disclosure { id: DISCLOSURE, digest: [0xd1; 32], parts: 12, until };
        let to = subject::Recipient { recipient: line("Kanzlei Roth"), words };
        subject::Event::Disclosed { disclosure, to: sealed(Compartment::Claims, to) }.into()
    };
    vec![disclosed(Some(Day(20_600)), Some(text("For the court."))), disclosed(None, None)]
}

fn holds() -> Vec<Event> {
    use subject::Event as Case;

    let placed = |compartments| {
        let matter = sealed(Compartment::Claims, text("Anders against Muster."));
        Case::HoldPlaced { hold: HOLD, compartments, review_on: Day(20_700), by: ActorId(ACTOR), matter }
    };
    let events = [
        placed(vec![Compartment::Relationship, Compartment::Fiscal(Country(*b"DE"), 2026)]),
        placed(vec![]),
        Case::HoldApproved { hold: HOLD },
        Case::HoldLiftRequested { hold: HOLD, by: ActorId(ACTOR) },
        Case::HoldLifted { hold: HOLD },
        Case::CoolingOffSet { erasure: ERASURE, until: Time(AT.0 + Time::DAY_MS) },
    ];
    events.into_iter().map(Event::from).collect()
}

fn residues() -> Vec<Event> {
    use subject::Event as Case;
    use subject::{Residue, ResidueEnd, ResidueKind};

    let (erasure, residue) =
        (ERASURE, |kind| Residue { kind, count: None, until: Some(Day(20_600)), disclosure: None });
    let disclosure = Some(DISCLOSURE);
    let handed_out = Residue { count: Some(1), until: None, disclosure, ..residue(ResidueKind::DisclosedOpenings) };
    let events = [
        Case::ResiduesNamed { erasure, residues: vec![handed_out, residue(ResidueKind::OldBackups)] },
        Case::ResiduesNamed { erasure, residues: vec![] },
        Case::ResidueClosed { erasure, number: 1, end: ResidueEnd::RecipientTold, on: Day(20_530) },
        Case::CertifiedFinally { erasure },
    ];
    events.into_iter().map(Event::from).collect()
}

fn deliveries() -> Vec<Event> {
    let address = sealed(Compartment::Delivery(1), text("maria@example.org"));
    vec![
        subject::Event::DeliveryAddressGiven { erasure: ERASURE, address }.into(),
        subject::Event::CertificateDelivered { erasure: ERASURE, on: Day(20_601), is_final: true }.into(),
    ]
}

fn claims() -> Vec<Event> {
    let reason = text("She is a customer again.");
    let returned = sealed(Compartment::Claims, subject::Returned { erasure: ErasureId([0x6d; 16]), reason });
    vec![
        subject::Event::ClaimMarked { erasure: ERASURE, mark: subject::ClaimMark([0x9a; 32]) }.into(),
        subject::Event::Returned { returned }.into(),
    ]
}

fn residue_days() -> Event {
    register::Event::ResidueDaysSet(register::ResidueDays { kind: subject::ResidueKind::OldBackups, days: 90 }).into()
}

/// The one that is carried out takes the last name of record 1, and one point.
fn redactions() -> Vec<Event> {
    use subject::redaction::{Event as Redaction, Moved, PartOf, Resealed, Wanted, What};

    let redaction = ErasureId([0x6c; 16]);
    let requested = |stream, what, words, purge_on| {
        let wanted = sealed(Compartment::Claims, Wanted { stream, what, words });
        let compartment = Compartment::Relationship;
        Redaction::Requested { redaction, by: ActorId(ACTOR), compartment, purge_on, wanted }
    };
    let (contact, ticket) =
        (Stream { kind: StreamKind::Contact, id: CONTACT }, Stream { kind: StreamKind::Ticket, id: TICKET });
    let of = |position| PartOf { position, part: 0 };
    let key = |byte: u8| crate::keyring::Key::new([byte; 32]).fingerprint();
    let resealed = Resealed {
        moved: vec![Moved { of: of(1), gone: vec![6] }, Moved { of: of(5), gone: vec![] }],
        dropped: vec![of(8)],
    };
    let (from, to, compartment) = (key(0xc1), Some(key(0xd1)), Compartment::Relationship);
    let events = [
        requested(contact, What::Fields(vec![5, 12]), Some(text("Wrong person.")), None),
        requested(ticket, What::Message(MESSAGE), None, None),
        requested(contact, What::Node, None, Some(Day(20_514))),
        Redaction::Withdrawn { redaction },
        Redaction::Approved { redaction },
        Redaction::Resealed { redaction, compartment, from, to, resealed, more: true },
        Redaction::Resealed { redaction, compartment, from, to: None, resealed: Resealed::default(), more: false },
    ];
    events.into_iter().map(|event| subject::Event::Redaction(event).into()).collect()
}

fn documents() -> Vec<Event> {
    let attached = |on| {
        let (name, media_type) = (line("offer.pdf"), line("application/pdf"));
        let file = document::File { on, name, media_type, bytes: b"%PDF".to_vec() };
        document::Event::Attached { file: sealed(Compartment::Document(7), Box::new(file)) }.into()
    };
    vec![attached(document::On::Contact(ContactId(CONTACT))), attached(document::On::Ticket(TicketId(TICKET)))]
}

fn cases() -> Vec<Event> {
    use subject::Event as Case;

    fn claims<T>(value: T) -> Held<T> {
        sealed(Compartment::Claims, value)
    }
    let link = |link| related(link);
    let asked = subject::Asked {
        ground: subject::Ground::ConsentWithdrawn,
        how: subject::AskedHow::Letter,
        on: DAY,
        identity: subject::IdentityCheck::DocumentSeen,
        identity_on: DAY,
    };
    let request = subject::Request { words: Some(text("Please.")), people: vec![OTHER_SUBJECT] };
    let survivor = subject::Survivor {
        compartment: Compartment::Fiscal(Country(*b"DE"), 2026),
        basis: line("§ 147 AO"),
        until: Day(24_471),
    };
    let certificate = subject::Certificate {
        level: subject::AnchorLevel::A0,
        epoch_before: 4,
        epoch_after: 5,
        survives: vec![survivor],
        links: vec![subject::StillLinks::CloseInTime, subject::StillLinks::BatchOfOne],
    };
    let compartments = vec![Compartment::Relationship, Compartment::Support(2026)];
    let closed = vec![claims(subject::Closed { compartments: compartments.clone() })];
    let keys = || vec![KeyId([0xf3; 16]), KeyId([0xf4; 16])];
    let (erasure, words) = (ERASURE, || Some(claims(text("By mistake."))));
    let refused = |words| Case::ErasureRefused { erasure, ground: subject::RefusalGround::LegalDuty, words };
    let unfenced = |words| Case::Unfenced { erasure, ground: subject::UnfenceGround::Mistake, keys: keys(), words };
    let events = [
        Case::Opened { kind: subject::SubjectKind::Person, subject: claims(()) },
        Case::Linked { link: link(subject::Link::Contact(ContactId(CONTACT))) },
        Case::Linked { link: link(subject::Link::Organization(OrganizationId(ORGANIZATION))) },
        Case::Unlinked { link: link(subject::Link::Actor(ActorId(ACTOR))) },
        Case::ErasureRequested { erasure, asked, by: ActorId(ACTOR), due: Day(20_512), request: claims(request) },
        Case::ErasureWithdrawn { erasure },
        refused(words()),
        refused(None),
        Case::ErasureApproved { erasure },
        Case::Fenced { erasure, compartments, keys: keys(), closed },
        unfenced(words()),
        unfenced(None),
        Case::DestructionOrdered { erasure, keys: keys(), epoch_before: 4 },
        Case::Certified { erasure, certificate },
    ];
    events.into_iter().map(Event::from).collect()
}

fn tickets() -> Vec<Event> {
    use ticket::Event as Ticket;

    fn support<T>(value: T) -> Held<T> {
        sealed(Compartment::Support(2026), value)
    }
    let question = ticket::Question { line: line("Crate is broken"), body: text("It came so.\nWhy?") };
    let organization = Some(OrganizationId(ORGANIZATION));
    let person = ticket::PersonPart { contact: ContactId(CONTACT), organization, question: question.clone() };
    let of_organization = |question| {
        let part = ticket::OrganizationPart { organization: OrganizationId(ORGANIZATION), question };
        Some(Held::new(OTHER_SUBJECT, Compartment::Support(2026), part))
    };
    let opened = |person, organization| Ticket::Opened {
        message: MESSAGE,
        priority: ticket::Priority::High,
        origin: ticket::Origin::Phone,
        person,
        organization,
    };
    let events = [
        opened(Some(support(person)), of_organization(None)),
        opened(None, of_organization(Some(question))),
        Ticket::Replied {
            message: MESSAGE,
            direction: ticket::Direction::FromUs,
            body: support(text("We are sorry.")),
        },
        Ticket::NoteAdded { message: MESSAGE, body: support(text("Third one.")) },
        Ticket::Assigned { to: Some(ActorId(ACTOR)) },
        Ticket::Assigned { to: None },
        Ticket::PriorityChanged { priority: ticket::Priority::Low },
        Ticket::Solved { solution: support(text("A new crate.")) },
        Ticket::Reopened,
        Ticket::Closed { reopen_until: DAY },
    ];
    events.into_iter().map(Event::from).collect()
}

fn quotes() -> Vec<Event> {
    use quote::Event as Quote;

    fn sales<T>(value: T) -> Held<T> {
        sealed(Compartment::Sales(2026), value)
    }
    let (discount, tax) = (BasisPoints::new(500).unwrap(), BasisPoints::new(1_900).unwrap());
    let item = quote::Item { quantity_milli: 1_500, unit_price_minor: -999, discount, tax }.price().unwrap();
    let currency = Currency::parse("EUR").unwrap();
    let terms = || quote::Terms { currency, valid_until: DAY, items: vec![item], total: item.amounts };
    let texts = || quote::Texts {
        title: Some(line("Crates")),
        descriptions: vec![line("Crate, wood")],
        notes: Some(text("Ex works")),
    };
    let person = |texts| Some(sales(quote::PersonPart { contact: ContactId(CONTACT), texts }));
    let organization = |contact| {
        let part = quote::OrganizationPart { organization: OrganizationId(ORGANIZATION), contact, texts: texts() };
        Some(Held::new(OTHER_SUBJECT, Compartment::Sales(2026), part))
    };
    let drafted = |person, organization| Quote::Drafted { terms: terms(), person, organization };
    let events = [
        drafted(person(Some(texts())), None),
        drafted(person(None), organization(Some(ContactId(CONTACT)))),
        Quote::Revised { version: 2, terms: terms(), texts: sales(texts()) },
        Quote::Sent { version: 2 },
        Quote::Accepted { version: 2 },
        Quote::Rejected { version: 2, reason: None },
        Quote::Rejected { version: 2, reason: Some(sales(text("Too dear."))) },
    ];
    events.into_iter().map(Event::from).collect()
}

fn actors() -> Vec<Event> {
    use actor::Event as Actor;

    let profile = |mail| related(actor::Profile { name: line("Nancy"), mail });
    let issued = |label| Actor::TokenIssued { token: TOKEN, hash: [0xab; 32], expires_at: AT, label };
    let events = [
        Actor::Registered {
            roles: vec![actor::Role::Agent, actor::Role::Dpo],
            profile: profile(Mail::parse("nancy@example.org").ok()),
        },
        Actor::Changed { profile: profile(None) },
        Actor::RolesChanged { roles: vec![actor::Role::Auditor] },
        issued(Some(related(line("laptop")))),
        issued(None),
        Actor::TokenRevoked { token: TOKEN },
        Actor::Left,
    ];
    events.into_iter().map(Event::from).collect()
}

fn published() -> Event {
    notice::Event::Published {
        purpose: slug("newsletter"),
        language: Language::parse("de").unwrap(),
        version: 3,
        text: text("Wir schreiben Ihnen einmal im Monat."),
        hash: [0x5b; 32],
    }
    .into()
}

fn voucher() -> Event {
    let texts = quote::Texts { title: Some(line("Crates")), descriptions: vec![line("Crate, oak")], notes: None };
    let voucher = quote::Voucher { recipient: Some(line("Alfreds")), address: Some(address()), texts };
    let fiscal = Compartment::Fiscal(Country(*b"DE"), 2026);
    quote::Event::VoucherKept { version: 1, voucher: Held::new(OTHER_SUBJECT, fiscal, voucher) }.into()
}

fn at_most() -> Event {
    let rule = Rule::AtMost { basis: line("answered"), months: 24, counted_from: CountedFrom::LastRecord };
    register::Event::RetentionSet(Retention { kind: CompartmentKind::Support, country: None, rule }).into()
}

fn retentions() -> Vec<Event> {
    use subject::Event as Case;

    let (erasure, by) = (ERASURE, ActorId(ACTOR));
    let support =
        subject::Survivor { compartment: Compartment::Support(2023), basis: line("answered"), until: Day(20_453) };
    let outside = subject::OutsideTime {
        source: subject::OutsideSource::Witness,
        at: AT,
        by: line("witness.example/w1"),
        size: 40,
    };
    let events = [
        Case::RetentionOver { erasure, by, on: DAY, over: vec![support] },
        Case::RetentionConfirmed { erasure, confirmed: subject::Confirmed::Person },
        Case::RetentionConfirmed { erasure, confirmed: subject::Confirmed::Outside(outside) },
    ];
    events.into_iter().map(Event::from).collect()
}

fn registers() -> Vec<Event> {
    let purpose = Purpose {
        slug: slug("newsletter"),
        title: line("Newsletter"),
        basis: LegalBasis::Consent,
        compartment: CompartmentKind::ConsentProof,
        double_opt_in: true,
        validity_months: Some(24),
        channels: vec![Channel::Email, Channel::Post],
        waits_for_consent: true,
        retired: false,
    };
    let retention = |kind, country, rule| register::Event::RetentionSet(Retention { kind, country, rule }).into();
    let kept = Rule::Kept { basis: line("§ 147 AO"), months: 120, counted_from: CountedFrom::EndOfYear };
    vec![
        register::Event::PurposeSet(purpose).into(),
        retention(CompartmentKind::Fiscal, Some(Country(*b"DE")), kept),
        retention(CompartmentKind::Relationship, None, Rule::DiesWithRelationship),
    ]
}
