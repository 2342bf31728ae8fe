//! Stored forms of quotes.

use domain::quote::{Amounts, Event, Item, OrganizationPart, PersonPart, PricedItem, Terms, Texts, Voucher};

use super::contact::AddressV1;
use super::shape::Blank;
use super::values::{Form, mirror};
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain, some_of};
use crate::codec::{decode, encode};

mirror! { facts ItemV1 = Item { quantity_milli: u64, unit_price_minor: i64, discount: u16, tax: u16 } }
mirror! { facts AmountsV1 = Amounts { net_minor: i64, tax_minor: i64, gross_minor: i64 } }
mirror! { facts PricedItemV1 = PricedItem { item: ItemV1, amounts: AmountsV1 } }
mirror! { facts TermsV1 = Terms {
    currency: [u8; 3], valid_until: i32, items: Vec<PricedItemV1>, total: AmountsV1,
} }
mirror! { part TextsV1 = Texts { title: Option<String>, descriptions: Vec<String>, notes: Option<String> } }
mirror! { part QuoteOrganizationV1 = OrganizationPart {
    organization: [u8; 16], contact: Option<[u8; 16]>, texts: TextsV1,
} }
mirror! { part QuotePersonV1 = PersonPart { contact: [u8; 16], texts: Option<TextsV1> } }
mirror! { part VoucherV1 = Voucher { recipient: Option<String>, address: Option<AddressV1>, texts: TextsV1 } }
part! { ReasonV1 { reason: String } }

facts! { DraftedV1 { terms: TermsV1, has_person: bool, has_organization: bool } }
facts! { RevisedV1 { version: u32, terms: TermsV1 } }
facts! { SentV1 { version: u32 } }
facts! { AcceptedV1 { version: u32 } }
facts! { VoucherKeptV1 { version: u32 } }
facts! { RejectedV1 { version: u32, has_reason: bool } }

impl Blank for TextsV1 {}

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[
    ("ItemV1", ItemV1::FIELDS),
    ("AmountsV1", AmountsV1::FIELDS),
    ("PricedItemV1", PricedItemV1::FIELDS),
    ("TermsV1", TermsV1::FIELDS),
    ("TextsV1", TextsV1::FIELDS),
];

pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        kind: "quote.drafted",
        version: 1,
        facts: DraftedV1::FIELDS,
        parts: &[
            ("one where has_person", QuotePersonV1::FIELDS),
            ("one where has_organization", QuoteOrganizationV1::FIELDS),
        ],
    },
    Shape { kind: "quote.revised", version: 1, facts: RevisedV1::FIELDS, parts: &[("one", TextsV1::FIELDS)] },
    Shape { kind: "quote.sent", version: 1, facts: SentV1::FIELDS, parts: &[] },
    Shape { kind: "quote.accepted", version: 1, facts: AcceptedV1::FIELDS, parts: &[] },
    Shape {
        kind: "quote.voucher-kept",
        version: 1,
        facts: VoucherKeptV1::FIELDS,
        parts: &[("one", VoucherV1::FIELDS)],
    },
    Shape {
        kind: "quote.rejected",
        version: 1,
        facts: RejectedV1::FIELDS,
        parts: &[("one where has_reason", ReasonV1::FIELDS)],
    },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts, parts) = match event {
        Event::Drafted { terms, person, organization } => {
            let (has_person, has_organization) = (person.is_some(), organization.is_some());
            let form = DraftedV1 { terms: terms.store(), has_person, has_organization };
            let person = person.as_ref().map(|part| plain(part, |part| part.store())).transpose()?;
            let organization = organization.as_ref().map(|part| plain(part, |part| part.store())).transpose()?;
            ("quote.drafted", encode(&form)?, person.into_iter().chain(organization).collect())
        }
        Event::Revised { version, terms, texts } => {
            let form = RevisedV1 { version: *version, terms: terms.store() };
            ("quote.revised", encode(&form)?, vec![plain(texts, |texts| texts.store())?])
        }
        Event::Sent { version } => ("quote.sent", encode(&SentV1 { version: *version })?, Vec::new()),
        Event::Accepted { version } => ("quote.accepted", encode(&AcceptedV1 { version: *version })?, Vec::new()),
        Event::VoucherKept { version, voucher } => {
            let form = VoucherKeptV1 { version: *version };
            ("quote.voucher-kept", encode(&form)?, vec![plain(voucher, |voucher| voucher.store())?])
        }
        Event::Rejected { version, reason } => {
            let form = RejectedV1 { version: *version, has_reason: reason.is_some() };
            let part = |reason| plain(reason, |reason| ReasonV1 { reason: Form::store(reason) });
            ("quote.rejected", encode(&form)?, reason.as_ref().map(part).transpose()?.into_iter().collect())
        }
    };
    Ok(Written { kind, version: 1, facts, parts })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    Ok(Some(match (kind, version) {
        ("quote.drafted", 1) => {
            let DraftedV1 { terms, has_person, has_organization } = decode(facts, "quote.drafted")?;
            let [person, organization] = some_of([has_person, has_organization], parts)?;
            Event::Drafted {
                terms: Form::load(terms)?,
                person: person.map(|part| held(part, PersonPart::load)).transpose()?,
                organization: organization.map(|part| held(part, OrganizationPart::load)).transpose()?,
            }
        }
        ("quote.revised", 1) => {
            let RevisedV1 { version, terms } = decode(facts, "quote.revised")?;
            let [texts] = exactly(parts)?;
            Event::Revised { version, terms: Form::load(terms)?, texts: held(texts, Texts::load)? }
        }
        ("quote.sent", 1) => {
            let [] = exactly(parts)?;
            Event::Sent { version: decode::<SentV1>(facts, "quote.sent")?.version }
        }
        ("quote.accepted", 1) => {
            let [] = exactly(parts)?;
            Event::Accepted { version: decode::<AcceptedV1>(facts, "quote.accepted")?.version }
        }
        ("quote.voucher-kept", 1) => {
            let VoucherKeptV1 { version } = decode(facts, "quote.voucher-kept")?;
            let [voucher] = exactly(parts)?;
            Event::VoucherKept { version, voucher: held(voucher, Voucher::load)? }
        }
        ("quote.rejected", 1) => {
            let RejectedV1 { version, has_reason } = decode(facts, "quote.rejected")?;
            let [reason] = some_of([has_reason], parts)?;
            let reason = reason.map(|part| held(part, |form: ReasonV1| Form::load(form.reason))).transpose()?;
            Event::Rejected { version, reason }
        }
        _ => return Ok(None),
    }))
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::id::{ContactId, OrganizationId, SubjectId};
    use domain::personal::Held;
    use domain::profile::Address;
    use domain::time::Day;
    use domain::value::{BasisPoints, Currency, Line, Text};

    use super::*;
    use crate::wire::{self, reads_back};

    fn held<T>(subject: u8, value: T) -> Held<T> {
        Held::new(SubjectId([subject; 16]), Compartment::Sales(2026), value)
    }

    #[test]
    fn every_event_reads_back() {
        let (discount, tax) = (BasisPoints::new(500).unwrap(), BasisPoints::new(1_900).unwrap());
        let item = Item { quantity_milli: 1_500, unit_price_minor: -999, discount, tax }.price().unwrap();
        let currency = Currency::parse("EUR").unwrap();
        let terms = || Terms { currency, valid_until: Day(20_000), items: vec![item; 2], total: item.amounts };
        let texts = || Texts {
            title: None,
            descriptions: vec![Line::parse("Crates").unwrap(); 2],
            notes: Some(Text::parse("Ex works").unwrap()),
        };
        let voucher =
            Voucher { recipient: Line::parse("Alfreds").ok(), address: Some(Address::default()), texts: texts() };
        let person = |texts| Some(held(1, PersonPart { contact: ContactId([2; 16]), texts }));
        let organization = |contact| {
            Some(held(2, OrganizationPart { organization: OrganizationId([3; 16]), contact, texts: texts() }))
        };
        for event in [
            Event::Drafted { terms: terms(), person: person(Some(texts())), organization: None },
            Event::Drafted { terms: terms(), person: None, organization: organization(Some(ContactId([2; 16]))) },
            Event::Drafted { terms: terms(), person: person(None), organization: organization(None) },
            Event::Revised { version: 2, terms: terms(), texts: held(2, texts()) },
            Event::Sent { version: 2 },
            Event::Accepted { version: 2 },
            Event::VoucherKept { version: 2, voucher: held(2, voucher) },
            Event::Rejected { version: 2, reason: None },
            Event::Rejected { version: 2, reason: Some(held(2, Text::parse("Too dear").unwrap())) },
        ] {
            reads_back(&wire::Event::Quote(event));
        }
    }
}
