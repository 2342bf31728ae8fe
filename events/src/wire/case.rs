//! Stored forms of a subject's case: links, disclosures, holds, requests, erasures.

use domain::compartment::Compartment;
use domain::id::{ErasureId, HoldId, KeyId};
use domain::personal::Held;
use domain::subject::redaction;
use domain::subject::{
    Asked, Certificate, ClaimMark, Closed, Confirmed, Disclosure, Event, Link, OutsideTime, Recipient, Request,
    Residue, Returned, Survivor,
};
use domain::value::Text;
use serde::{Deserialize, Serialize};

use super::redaction::{MovedV1, PartOfV1, RedactionRequestedV1, RedactionV1, ResealedV1, WantedV1};
use super::shape::Blank;
use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain, redaction as forms};
use crate::codec::{decode, encode};

/// A compartment: its registered code and the bucket within it.
pub(super) type CompartmentV1 = (u16, u32);

impl Form for Compartment {
    type Stored = CompartmentV1;

    fn store(&self) -> CompartmentV1 {
        self.code()
    }

    fn load((code, bucket): CompartmentV1) -> Result<Self, WireError> {
        Self::from_code(code, bucket).ok_or(WireError::Code("compartment"))
    }
}

/// What belongs to the subject: a contact (0), an organization (1), an actor (2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum LinkV1 {
    Contact([u8; 16]),
    Organization([u8; 16]),
    Actor([u8; 16]),
}

impl Blank for LinkV1 {}

impl Form for Link {
    type Stored = LinkV1;

    fn store(&self) -> LinkV1 {
        match self {
            Self::Contact(id) => LinkV1::Contact(id.0),
            Self::Organization(id) => LinkV1::Organization(id.0),
            Self::Actor(id) => LinkV1::Actor(id.0),
        }
    }

    fn load(stored: LinkV1) -> Result<Self, WireError> {
        Ok(match stored {
            LinkV1::Contact(id) => Self::Contact(Form::load(id)?),
            LinkV1::Organization(id) => Self::Organization(Form::load(id)?),
            LinkV1::Actor(id) => Self::Actor(Form::load(id)?),
        })
    }
}

mirror! { facts OutsideTimeV1 = OutsideTime { source: u16, at: i64, by: String, size: u64 } }

/// Who says that a retention is over: a second person (0), or somebody outside (1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum ConfirmedV1 {
    Person,
    Outside(OutsideTimeV1),
}

impl Form for Confirmed {
    type Stored = ConfirmedV1;

    fn store(&self) -> ConfirmedV1 {
        match self {
            Self::Person => ConfirmedV1::Person,
            Self::Outside(outside) => ConfirmedV1::Outside(outside.store()),
        }
    }

    fn load(stored: ConfirmedV1) -> Result<Self, WireError> {
        Ok(match stored {
            ConfirmedV1::Person => Self::Person,
            ConfirmedV1::Outside(outside) => Self::Outside(Form::load(outside)?),
        })
    }
}

mirror! { facts AskedV1 = Asked { ground: u16, how: u16, on: i32, identity: u16, identity_on: i32 } }
mirror! { facts SurvivorV1 = Survivor { compartment: CompartmentV1, basis: String, until: i32 } }
mirror! { facts CertificateV1 = Certificate {
    level: u16, epoch_before: u64, epoch_after: u64, survives: Vec<SurvivorV1>, links: Vec<u16>,
} }
mirror! { facts ResidueV1 = Residue { kind: u16, count: Option<u32>, until: Option<i32>, disclosure: Option<[u8; 16]> } }
mirror! { facts DisclosedV1 = Disclosure { id: [u8; 16], digest: [u8; 32], parts: u32, until: Option<i32> } }
mirror! { part RecipientV1 = Recipient { recipient: String, words: Option<String> } }
mirror! { part RequestV1 = Request { words: Option<String>, people: Vec<[u8; 16]> } }
mirror! { part ClosedV1 = Closed { compartments: Vec<CompartmentV1> } }
part! { SubjectV1 {} }
part! { LinkPartV1 { link: LinkV1 } }
part! { WordsV1 { words: String } }
part! { MatterV1 { matter: String } }
part! { AddressedV1 { address: String } }
mirror! { part ReturnedPartV1 = Returned { erasure: [u8; 16], reason: String } }

facts! { OpenedV1 { kind: u16 } }
facts! { LinkedV1 {} }
facts! { HoldPlacedV1 { hold: [u8; 16], compartments: Vec<CompartmentV1>, review_on: i32, by: [u8; 16] } }
facts! { HoldV1 { hold: [u8; 16] } }
facts! { HoldLiftRequestedV1 { hold: [u8; 16], by: [u8; 16] } }
facts! { ErasureRequestedV1 { erasure: [u8; 16], asked: AskedV1, by: [u8; 16], due: i32 } }
facts! { ErasureV1 { erasure: [u8; 16] } }
facts! { ErasureRefusedV1 { erasure: [u8; 16], ground: u16, has_words: bool } }
facts! { RetentionOverV1 { erasure: [u8; 16], by: [u8; 16], on: i32, over: Vec<SurvivorV1> } }
facts! { RetentionConfirmedV1 { erasure: [u8; 16], confirmed: ConfirmedV1 } }
facts! { FencedV1 { erasure: [u8; 16], compartments: Vec<CompartmentV1>, keys: Vec<[u8; 16]> } }
facts! { CoolingOffSetV1 { erasure: [u8; 16], until: i64 } }
facts! { UnfencedV1 { erasure: [u8; 16], ground: u16, keys: Vec<[u8; 16]>, has_words: bool } }
facts! { DestructionOrderedV1 { erasure: [u8; 16], keys: Vec<[u8; 16]>, epoch_before: u64 } }
facts! { CertifiedV1 { erasure: [u8; 16], certificate: CertificateV1 } }
facts! { CertificateDeliveredV1 { erasure: [u8; 16], on: i32, is_final: bool } }
facts! { ClaimMarkedV1 { erasure: [u8; 16], mark: [u8; 32] } }
facts! { ReturnedV1 {} }
facts! { ResiduesNamedV1 { erasure: [u8; 16], residues: Vec<ResidueV1> } }
facts! { ResidueClosedV1 { erasure: [u8; 16], number: u16, end: u16, on: i32 } }

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[
    ("CompartmentV1", &[("code", "u16"), ("bucket", "u32")]),
    ("LinkV1", &[("Contact", "0, then [u8; 16]"), ("Organization", "1, then [u8; 16]"), ("Actor", "2, then [u8; 16]")]),
    ("AskedV1", AskedV1::FIELDS),
    ("OutsideTimeV1", OutsideTimeV1::FIELDS),
    ("ConfirmedV1", &[("Person", "0"), ("Outside", "1, then OutsideTimeV1")]),
    ("SurvivorV1", SurvivorV1::FIELDS),
    ("CertificateV1", CertificateV1::FIELDS),
    ("ResidueV1", ResidueV1::FIELDS),
    ("PartOfV1", PartOfV1::FIELDS),
    ("MovedV1", MovedV1::FIELDS),
];

const LINK: &[(&str, Columns)] = &[("one", LinkPartV1::FIELDS)];
const WORDS: &[(&str, Columns)] = &[("one where has_words", WordsV1::FIELDS)];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "case.opened", version: 1, facts: OpenedV1::FIELDS, parts: &[("one", SubjectV1::FIELDS)] },
    Shape { kind: "case.linked", version: 1, facts: LinkedV1::FIELDS, parts: LINK },
    Shape { kind: "case.unlinked", version: 1, facts: LinkedV1::FIELDS, parts: LINK },
    Shape { kind: "case.disclosed", version: 1, facts: DisclosedV1::FIELDS, parts: &[("one", RecipientV1::FIELDS)] },
    Shape { kind: "case.hold-placed", version: 1, facts: HoldPlacedV1::FIELDS, parts: &[("one", MatterV1::FIELDS)] },
    Shape { kind: "case.hold-approved", version: 1, facts: HoldV1::FIELDS, parts: &[] },
    Shape { kind: "case.hold-lift-requested", version: 1, facts: HoldLiftRequestedV1::FIELDS, parts: &[] },
    Shape { kind: "case.hold-lifted", version: 1, facts: HoldV1::FIELDS, parts: &[] },
    Shape {
        kind: "case.erasure-requested",
        version: 1,
        facts: ErasureRequestedV1::FIELDS,
        parts: &[("one", RequestV1::FIELDS)],
    },
    Shape { kind: "case.erasure-withdrawn", version: 1, facts: ErasureV1::FIELDS, parts: &[] },
    Shape { kind: "case.erasure-refused", version: 1, facts: ErasureRefusedV1::FIELDS, parts: WORDS },
    Shape { kind: "case.erasure-approved", version: 1, facts: ErasureV1::FIELDS, parts: &[] },
    Shape { kind: "case.retention-over", version: 1, facts: RetentionOverV1::FIELDS, parts: &[] },
    Shape { kind: "case.retention-confirmed", version: 1, facts: RetentionConfirmedV1::FIELDS, parts: &[] },
    Shape {
        kind: "case.fenced",
        version: 1,
        facts: FencedV1::FIELDS,
        parts: &[("one under each key that stays", ClosedV1::FIELDS)],
    },
    Shape { kind: "case.cooling-off-set", version: 1, facts: CoolingOffSetV1::FIELDS, parts: &[] },
    Shape { kind: "case.unfenced", version: 1, facts: UnfencedV1::FIELDS, parts: WORDS },
    Shape { kind: "case.destruction-ordered", version: 1, facts: DestructionOrderedV1::FIELDS, parts: &[] },
    Shape { kind: "case.certified", version: 1, facts: CertifiedV1::FIELDS, parts: &[] },
    Shape {
        kind: "case.delivery-address-given",
        version: 1,
        facts: ErasureV1::FIELDS,
        parts: &[("one", AddressedV1::FIELDS)],
    },
    Shape { kind: "case.certificate-delivered", version: 1, facts: CertificateDeliveredV1::FIELDS, parts: &[] },
    Shape { kind: "case.residues-named", version: 1, facts: ResiduesNamedV1::FIELDS, parts: &[] },
    Shape { kind: "case.residue-closed", version: 1, facts: ResidueClosedV1::FIELDS, parts: &[] },
    Shape { kind: "case.certified-finally", version: 1, facts: ErasureV1::FIELDS, parts: &[] },
    Shape {
        kind: "case.redaction-requested",
        version: 1,
        facts: RedactionRequestedV1::FIELDS,
        parts: &[("one", WantedV1::FIELDS)],
    },
    Shape { kind: "case.redaction-withdrawn", version: 1, facts: RedactionV1::FIELDS, parts: &[] },
    Shape { kind: "case.redaction-approved", version: 1, facts: RedactionV1::FIELDS, parts: &[] },
    Shape { kind: "case.claim-marked", version: 1, facts: ClaimMarkedV1::FIELDS, parts: &[] },
    Shape { kind: "case.returned", version: 1, facts: ReturnedV1::FIELDS, parts: &[("one", ReturnedPartV1::FIELDS)] },
    Shape { kind: "case.resealed", version: 1, facts: ResealedV1::FIELDS, parts: &[("one for each of moved", &[])] },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let mut parts = Vec::new();
    let (kind, facts) = match event {
        Event::Opened { kind, subject } => {
            parts.push(plain(subject, |()| SubjectV1 {})?);
            ("case.opened", encode(&OpenedV1 { kind: kind.store() })?)
        }
        Event::Linked { link } => {
            parts.push(plain(link, |link| LinkPartV1 { link: link.store() })?);
            ("case.linked", encode(&LinkedV1 {})?)
        }
        Event::Unlinked { link } => {
            parts.push(plain(link, |link| LinkPartV1 { link: link.store() })?);
            ("case.unlinked", encode(&LinkedV1 {})?)
        }
        Event::Disclosed { disclosure, to } => {
            parts.push(plain(to, Form::store)?);
            ("case.disclosed", encode(&disclosure.store())?)
        }
        Event::HoldPlaced { hold, compartments, review_on, by, matter } => {
            parts.push(plain(matter, |matter| MatterV1 { matter: matter.store() })?);
            let (hold, compartments, by) = (hold.store(), compartments.store(), by.store());
            ("case.hold-placed", encode(&HoldPlacedV1 { hold, compartments, review_on: review_on.store(), by })?)
        }
        Event::HoldApproved { hold } => ("case.hold-approved", encode(&HoldV1 { hold: hold.store() })?),
        Event::HoldLiftRequested { hold, by } => {
            ("case.hold-lift-requested", encode(&HoldLiftRequestedV1 { hold: hold.store(), by: by.store() })?)
        }
        Event::HoldLifted { hold } => ("case.hold-lifted", encode(&HoldV1 { hold: hold.store() })?),
        Event::Redaction(event) => forms::write(event, &mut parts)?,
        Event::ErasureRequested { erasure, asked, by, due, request } => {
            parts.push(plain(request, Form::store)?);
            let (erasure, asked, by, due) = (erasure.store(), asked.store(), by.store(), due.store());
            ("case.erasure-requested", encode(&ErasureRequestedV1 { erasure, asked, by, due })?)
        }
        Event::ErasureWithdrawn { erasure } => {
            ("case.erasure-withdrawn", encode(&ErasureV1 { erasure: erasure.store() })?)
        }
        Event::ErasureRefused { erasure, ground, words } => {
            parts.extend(words_part(words.as_ref())?);
            let (erasure, ground) = (erasure.store(), ground.store());
            ("case.erasure-refused", encode(&ErasureRefusedV1 { erasure, ground, has_words: words.is_some() })?)
        }
        Event::ErasureApproved { erasure } => {
            ("case.erasure-approved", encode(&ErasureV1 { erasure: erasure.store() })?)
        }
        Event::RetentionOver { erasure, by, on, over } => {
            let (erasure, by, on, over) = (erasure.store(), by.store(), on.store(), over.store());
            ("case.retention-over", encode(&RetentionOverV1 { erasure, by, on, over })?)
        }
        Event::RetentionConfirmed { erasure, confirmed } => {
            let (erasure, confirmed) = (erasure.store(), confirmed.store());
            ("case.retention-confirmed", encode(&RetentionConfirmedV1 { erasure, confirmed })?)
        }
        Event::Fenced { erasure, compartments, keys, closed } => {
            parts = closed.iter().map(|closed| plain(closed, Form::store)).collect::<Result<_, _>>()?;
            let (erasure, compartments, keys) = (erasure.store(), compartments.store(), keys.store());
            ("case.fenced", encode(&FencedV1 { erasure, compartments, keys })?)
        }
        Event::CoolingOffSet { erasure, until } => {
            let form = CoolingOffSetV1 { erasure: erasure.store(), until: until.store() };
            ("case.cooling-off-set", encode(&form)?)
        }
        Event::Unfenced { erasure, ground, keys, words } => {
            parts.extend(words_part(words.as_ref())?);
            let (erasure, ground, keys) = (erasure.store(), ground.store(), keys.store());
            ("case.unfenced", encode(&UnfencedV1 { erasure, ground, keys, has_words: words.is_some() })?)
        }
        Event::DestructionOrdered { erasure, keys, epoch_before } => {
            let (erasure, keys) = (erasure.store(), keys.store());
            let form = DestructionOrderedV1 { erasure, keys, epoch_before: *epoch_before };
            ("case.destruction-ordered", encode(&form)?)
        }
        Event::Certified { erasure, certificate } => {
            let (erasure, certificate) = (erasure.store(), certificate.store());
            ("case.certified", encode(&CertifiedV1 { erasure, certificate })?)
        }
        Event::DeliveryAddressGiven { erasure, address } => {
            parts.push(plain(address, |address| AddressedV1 { address: address.store() })?);
            ("case.delivery-address-given", encode(&ErasureV1 { erasure: erasure.store() })?)
        }
        Event::CertificateDelivered { erasure, on, is_final } => {
            let (erasure, on) = (erasure.store(), on.store());
            ("case.certificate-delivered", encode(&CertificateDeliveredV1 { erasure, on, is_final: *is_final })?)
        }
        Event::ClaimMarked { erasure, mark } => {
            ("case.claim-marked", encode(&ClaimMarkedV1 { erasure: erasure.store(), mark: mark.0 })?)
        }
        Event::Returned { returned } => {
            parts.push(plain(returned, Form::store)?);
            ("case.returned", encode(&ReturnedV1 {})?)
        }
        Event::ResiduesNamed { erasure, residues } => {
            let (erasure, residues) = (erasure.store(), residues.store());
            ("case.residues-named", encode(&ResiduesNamedV1 { erasure, residues })?)
        }
        Event::ResidueClosed { erasure, number, end, on } => {
            let (erasure, end, on) = (erasure.store(), end.store(), on.store());
            ("case.residue-closed", encode(&ResidueClosedV1 { erasure, number: *number, end, on })?)
        }
        Event::CertifiedFinally { erasure } => {
            ("case.certified-finally", encode(&ErasureV1 { erasure: erasure.store() })?)
        }
    };
    Ok(Written { kind, version: 1, facts, parts })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    if version != 1 {
        return Ok(None);
    }
    Ok(Some(match kind {
        "case.opened" => {
            let OpenedV1 { kind } = decode(facts, "case.opened")?;
            let [part] = exactly(parts)?;
            Event::Opened { kind: Form::load(kind)?, subject: held(part, |SubjectV1 {}| Ok(()))? }
        }
        "case.linked" => Event::Linked { link: link(facts, parts)? },
        "case.unlinked" => Event::Unlinked { link: link(facts, parts)? },
        "case.disclosed" => {
            let [part] = exactly(parts)?;
            let disclosure = Disclosure::load(decode(facts, "case.disclosed")?)?;
            Event::Disclosed { disclosure, to: held(part, Recipient::load)? }
        }
        "case.hold-placed" => {
            let HoldPlacedV1 { hold, compartments, review_on, by } = decode(facts, "case.hold-placed")?;
            let [part] = exactly(parts)?;
            let matter = held(part, |form: MatterV1| Text::load(form.matter))?;
            let (hold, compartments, by) = (Form::load(hold)?, Form::load(compartments)?, Form::load(by)?);
            Event::HoldPlaced { hold, compartments, review_on: Form::load(review_on)?, by, matter }
        }
        "case.hold-approved" => Event::HoldApproved { hold: hold(facts, parts, "case.hold-approved")? },
        "case.hold-lift-requested" => {
            let [] = exactly(parts)?;
            let HoldLiftRequestedV1 { hold, by } = decode(facts, "case.hold-lift-requested")?;
            Event::HoldLiftRequested { hold: Form::load(hold)?, by: Form::load(by)? }
        }
        "case.hold-lifted" => Event::HoldLifted { hold: hold(facts, parts, "case.hold-lifted")? },
        "case.erasure-requested" => requested(facts, parts)?,
        "case.erasure-withdrawn" => {
            let [] = exactly(parts)?;
            let ErasureV1 { erasure } = decode(facts, "case.erasure-withdrawn")?;
            Event::ErasureWithdrawn { erasure: Form::load(erasure)? }
        }
        "case.erasure-refused" => {
            let ErasureRefusedV1 { erasure, ground, has_words } = decode(facts, "case.erasure-refused")?;
            let (erasure, ground) = (Form::load(erasure)?, Form::load(ground)?);
            Event::ErasureRefused { erasure, ground, words: words(has_words, parts)? }
        }
        "case.erasure-approved" => {
            let [] = exactly(parts)?;
            let ErasureV1 { erasure } = decode(facts, "case.erasure-approved")?;
            Event::ErasureApproved { erasure: Form::load(erasure)? }
        }
        "case.retention-over" => {
            let [] = exactly(parts)?;
            let RetentionOverV1 { erasure, by, on, over } = decode(facts, "case.retention-over")?;
            let (erasure, by, on, over) = (Form::load(erasure)?, Form::load(by)?, Form::load(on)?, Form::load(over)?);
            Event::RetentionOver { erasure, by, on, over }
        }
        "case.retention-confirmed" => {
            let [] = exactly(parts)?;
            let RetentionConfirmedV1 { erasure, confirmed } = decode(facts, "case.retention-confirmed")?;
            Event::RetentionConfirmed { erasure: Form::load(erasure)?, confirmed: Form::load(confirmed)? }
        }
        "case.fenced" => fenced(facts, parts)?,
        "case.cooling-off-set" => {
            let [] = exactly(parts)?;
            let CoolingOffSetV1 { erasure, until } = decode(facts, "case.cooling-off-set")?;
            Event::CoolingOffSet { erasure: Form::load(erasure)?, until: Form::load(until)? }
        }
        "case.unfenced" => {
            let UnfencedV1 { erasure, ground, keys, has_words } = decode(facts, "case.unfenced")?;
            let (erasure, ground, keys) = (Form::load(erasure)?, Form::load(ground)?, Form::load(keys)?);
            Event::Unfenced { erasure, ground, keys, words: words(has_words, parts)? }
        }
        "case.destruction-ordered" => {
            let [] = exactly(parts)?;
            let DestructionOrderedV1 { erasure, keys, epoch_before } = decode(facts, "case.destruction-ordered")?;
            Event::DestructionOrdered { erasure: Form::load(erasure)?, keys: Form::load(keys)?, epoch_before }
        }
        "case.redaction-requested" => Event::Redaction(forms::requested(facts, parts)?),
        "case.redaction-withdrawn" => {
            let redaction = forms::redaction(facts, parts, "case.redaction-withdrawn")?;
            Event::Redaction(redaction::Event::Withdrawn { redaction })
        }
        "case.redaction-approved" => {
            let redaction = forms::redaction(facts, parts, "case.redaction-approved")?;
            Event::Redaction(redaction::Event::Approved { redaction })
        }
        "case.resealed" => Event::Redaction(forms::resealed(facts, &parts)?),
        "case.certified" => {
            let [] = exactly(parts)?;
            let CertifiedV1 { erasure, certificate } = decode(facts, "case.certified")?;
            Event::Certified { erasure: Form::load(erasure)?, certificate: Form::load(certificate)? }
        }
        "case.delivery-address-given" => {
            let ErasureV1 { erasure } = decode(facts, "case.delivery-address-given")?;
            let [part] = exactly(parts)?;
            let address = held(part, |form: AddressedV1| Text::load(form.address))?;
            Event::DeliveryAddressGiven { erasure: Form::load(erasure)?, address }
        }
        "case.certificate-delivered" => {
            let [] = exactly(parts)?;
            let CertificateDeliveredV1 { erasure, on, is_final } = decode(facts, "case.certificate-delivered")?;
            Event::CertificateDelivered { erasure: Form::load(erasure)?, on: Form::load(on)?, is_final }
        }
        "case.claim-marked" => {
            let [] = exactly(parts)?;
            let ClaimMarkedV1 { erasure, mark } = decode(facts, "case.claim-marked")?;
            Event::ClaimMarked { erasure: ErasureId::load(erasure)?, mark: ClaimMark(mark) }
        }
        "case.returned" => {
            let ReturnedV1 {} = decode(facts, "case.returned")?;
            let [part] = exactly(parts)?;
            Event::Returned { returned: held(part, Returned::load)? }
        }
        "case.residues-named" => {
            let [] = exactly(parts)?;
            let ResiduesNamedV1 { erasure, residues } = decode(facts, "case.residues-named")?;
            Event::ResiduesNamed { erasure: Form::load(erasure)?, residues: Form::load(residues)? }
        }
        "case.residue-closed" => {
            let [] = exactly(parts)?;
            let ResidueClosedV1 { erasure, number, end, on } = decode(facts, "case.residue-closed")?;
            Event::ResidueClosed { erasure: Form::load(erasure)?, number, end: Form::load(end)?, on: Form::load(on)? }
        }
        "case.certified-finally" => {
            let [] = exactly(parts)?;
            let ErasureV1 { erasure } = decode(facts, "case.certified-finally")?;
            Event::CertifiedFinally { erasure: Form::load(erasure)? }
        }
        _ => return Ok(None),
    }))
}

fn hold(facts: &[u8], parts: Vec<HeldFields>, kind: &'static str) -> Result<HoldId, WireError> {
    let [] = exactly(parts)?;
    let HoldV1 { hold } = decode(facts, kind)?;
    Form::load(hold)
}

fn words_part(words: Option<&Held<Text>>) -> Result<Option<crate::seal::Plain>, WireError> {
    words.map(|words| plain(words, |words| WordsV1 { words: words.store() })).transpose()
}

fn words(there: bool, parts: Vec<HeldFields>) -> Result<Option<Held<Text>>, WireError> {
    if !there {
        let [] = exactly(parts)?;
        return Ok(None);
    }
    let [part] = exactly(parts)?;
    held(part, |form: WordsV1| Text::load(form.words)).map(Some)
}

fn link(facts: &[u8], parts: Vec<HeldFields>) -> Result<Held<Link>, WireError> {
    let LinkedV1 {} = decode(facts, "case.linked")?;
    let [part] = exactly(parts)?;
    held(part, |form: LinkPartV1| Link::load(form.link))
}

fn requested(facts: &[u8], parts: Vec<HeldFields>) -> Result<Event, WireError> {
    let ErasureRequestedV1 { erasure, asked, by, due } = decode(facts, "case.erasure-requested")?;
    let [part] = exactly(parts)?;
    Ok(Event::ErasureRequested {
        erasure: Form::load(erasure)?,
        asked: Form::load(asked)?,
        by: Form::load(by)?,
        due: Form::load(due)?,
        request: held(part, Request::load)?,
    })
}

fn fenced(facts: &[u8], parts: Vec<HeldFields>) -> Result<Event, WireError> {
    let FencedV1 { erasure, compartments, keys } = decode(facts, "case.fenced")?;
    let (erasure, compartments) = (Form::load(erasure)?, Form::load(compartments)?);
    let keys: Vec<KeyId> = Form::load(keys)?;
    let closed = parts.into_iter().map(|part| held(part, Closed::load)).collect::<Result<_, _>>()?;
    Ok(Event::Fenced { erasure, compartments, keys, closed })
}

#[cfg(test)]
mod tests {
    use domain::id::{ActorId, ContactId, DisclosureId, SubjectId};
    use domain::subject::{
        AnchorLevel, AskedHow, Ground, IdentityCheck, OutsideSource, RefusalGround, ResidueEnd, ResidueKind,
        StillLinks, SubjectKind, UnfenceGround,
    };
    use domain::time::{Day, Time};
    use domain::value::Line;

    use super::*;
    use crate::wire::{self, reads_back};

    fn sealed<T>(compartment: Compartment, value: T) -> Held<T> {
        Held::new(SubjectId([9; 16]), compartment, value)
    }

    #[test]
    fn every_event_reads_back() {
        let (erasure, keys) = (ErasureId([1; 16]), vec![KeyId([2; 16])]);
        let words = || Some(sealed(Compartment::Claims, Text::parse("She wrote to us.").unwrap()));
        let asked = Asked {
            ground: Ground::ConsentWithdrawn,
            how: AskedHow::Letter,
            on: Day(1),
            identity: IdentityCheck::DocumentSeen,
            identity_on: Day(2),
        };
        let request = Request { words: Text::parse("please").ok(), people: vec![SubjectId([3; 16])] };
        let survivor =
            Survivor { compartment: Compartment::Claims, basis: Line::parse("§ 195 BGB").unwrap(), until: Day(9) };
        let certificate = Certificate {
            level: AnchorLevel::A0,
            epoch_before: 4,
            epoch_after: 5,
            survives: vec![survivor],
            links: vec![StillLinks::BatchOfOne],
        };
        let over = certificate.survives.clone();
        let (source, by) = (OutsideSource::Witness, Line::parse("witness.example/w1").unwrap());
        let outside = OutsideTime { source, at: Time(1_790_000_000_000), by, size: 7 };
        let residue = |kind| Residue { kind, count: None, until: Some(Day(90)), disclosure: None };
        let disclosure = Some(DisclosureId([6; 16]));
        let handed_out = Residue { count: Some(1), until: None, disclosure, ..residue(ResidueKind::DisclosedOpenings) };
        let link = || sealed(Compartment::Relationship, Link::Contact(ContactId([4; 16])));
        let closed = vec![sealed(Compartment::Claims, Closed { compartments: vec![Compartment::Support(2026)] })];
        let disclosure = |until| Disclosure { id: DisclosureId([6; 16]), digest: [7; 32], parts: 8, until };
        let to = |words| {
            let recipient = Line::parse("Kanzlei Roth").unwrap();
            sealed(Compartment::Claims, Recipient { recipient, words })
        };
        for event in [
            Event::Disclosed { disclosure: disclosure(Some(Day(30))), to: to(Text::parse("for the court").ok()) },
            Event::Disclosed { disclosure: disclosure(None), to: to(None) },
            Event::HoldPlaced {
                hold: HoldId([8; 16]),
                compartments: vec![Compartment::Relationship, Compartment::Support(2026)],
                review_on: Day(40),
                by: ActorId([5; 16]),
                matter: sealed(Compartment::Claims, Text::parse("12 C 345/26").unwrap()),
            },
            Event::HoldApproved { hold: HoldId([8; 16]) },
            Event::HoldLiftRequested { hold: HoldId([8; 16]), by: ActorId([5; 16]) },
            Event::HoldLifted { hold: HoldId([8; 16]) },
            Event::CoolingOffSet { erasure, until: Time(1_790_000_000_000) },
            Event::RetentionOver { erasure, by: ActorId([5; 16]), on: Day(40), over },
            Event::RetentionConfirmed { erasure, confirmed: Confirmed::Person },
            Event::RetentionConfirmed { erasure, confirmed: Confirmed::Outside(outside) },
            Event::Opened { kind: SubjectKind::Person, subject: sealed(Compartment::Claims, ()) },
            Event::Linked { link: link() },
            Event::Unlinked { link: link() },
            Event::ErasureRequested {
                erasure,
                asked,
                by: ActorId([5; 16]),
                due: Day(30),
                request: sealed(Compartment::Claims, request),
            },
            Event::ErasureWithdrawn { erasure },
            Event::ErasureRefused { erasure, ground: RefusalGround::Claims, words: words() },
            Event::ErasureRefused { erasure, ground: RefusalGround::Claims, words: None },
            Event::ErasureApproved { erasure },
            Event::Unfenced { erasure, ground: UnfenceGround::Mistake, keys: keys.clone(), words: words() },
            Event::DestructionOrdered { erasure, keys: keys.clone(), epoch_before: 4 },
            Event::Certified { erasure, certificate },
            Event::DeliveryAddressGiven {
                erasure,
                address: sealed(Compartment::Delivery(1), Text::parse("anna@example.org").unwrap()),
            },
            Event::CertificateDelivered { erasure, on: Day(92), is_final: true },
            Event::ResiduesNamed { erasure, residues: vec![handed_out, residue(ResidueKind::OldBackups)] },
            Event::ResiduesNamed { erasure, residues: vec![] },
            Event::ClaimMarked { erasure, mark: ClaimMark([7; 32]) },
            Event::Returned {
                returned: sealed(Compartment::Claims, Returned { erasure, reason: Text::parse("again").unwrap() }),
            },
            Event::ResidueClosed { erasure, number: 2, end: ResidueEnd::RanOut, on: Day(91) },
            Event::CertifiedFinally { erasure },
        ] {
            reads_back(&wire::Event::Case(event));
        }
        // As many sealed parts as keys stay: any number is right.
        let fenced = Event::Fenced { erasure, compartments: vec![Compartment::Relationship], keys, closed };
        let Written { kind, version, facts, parts } = write(&fenced).unwrap();
        let parts = parts.iter().map(|part| Held::new(part.subject, part.compartment, part.fields.clone())).collect();
        assert_eq!(read(kind, version, &facts, parts).unwrap(), Some(fenced));
    }
}
