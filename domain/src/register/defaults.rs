//! What a new ledger's register says before anybody has changed it.

use super::{CompartmentKind, CountedFrom, Event, LegalBasis, Purpose, Retention, Rule, Slug};
use crate::channel::Channel;
use crate::compartment::Country;
use crate::value::Line;

/// The register of a new ledger, as the facts that make it.
///
/// Fiscal data is kept for Germany for 8 years, not 10: what Lethe holds under it are copies on invoices, which are
/// vouchers; 8 years since 1 January 2025 by the Fourth Bureaucracy Relief Act (BGBl. 2024 I No. 323), § 147(3) AO,
/// counted from the end of the year, § 147(4) AO. Books and annual accounts (10 years) are kept by the bookkeeping system.
pub fn defaults() -> Vec<Event> {
    purposes().into_iter().map(Event::PurposeSet).chain(retentions().into_iter().map(Event::RetentionSet)).collect()
}

fn purposes() -> Vec<Purpose> {
    use CompartmentKind as Kind;
    let asked = |slug: &str, title: &str, double_opt_in, months, channels: &[Channel]| {
        let basis = LegalBasis::Consent;
        Purpose {
            double_opt_in,
            validity_months: Some(months),
            ..purpose(slug, title, basis, Kind::Relationship, channels)
        }
    };
    let owed = |slug: &str, title: &str, kind| purpose(slug, title, LegalBasis::Contract, kind, Channel::ALL);
    vec![
        asked("newsletter", "Newsletter", true, 24, &[Channel::Email]),
        asked("product-news", "News about products", false, 24, Channel::ALL),
        asked("customer-survey", "Customer survey", false, 12, &[Channel::Email, Channel::Phone, Channel::Post]),
        owed("security-notices", "Security notices", Kind::Relationship),
        owed("contract", "Messages about a contract", Kind::Relationship),
        owed("support", "Answers to support requests", Kind::Support),
    ]
}

fn purpose(slug: &str, title: &str, basis: LegalBasis, compartment: CompartmentKind, channels: &[Channel]) -> Purpose {
    Purpose {
        slug: Slug::from_log(slug.to_owned()),
        title: Line::from_log(title.to_owned()),
        basis,
        compartment,
        double_opt_in: false,
        validity_months: None,
        channels: channels.to_vec(),
        waits_for_consent: basis == LegalBasis::Consent,
        retired: false,
    }
}

fn retentions() -> Vec<Retention> {
    use CompartmentKind as Kind;
    let dies = |kind| Retention { kind, country: None, rule: Rule::DiesWithRelationship };
    let kept = |kind, country, months, basis: &str| Retention {
        kind,
        country,
        rule: Rule::Kept { basis: Line::from_log(basis.to_owned()), months, counted_from: CountedFrom::EndOfYear },
    };
    vec![
        dies(Kind::Relationship),
        dies(Kind::Support),
        dies(Kind::Sales),
        kept(
            Kind::Fiscal,
            Some(Country(*b"DE")),
            96,
            "§ 147(3) and (4) AO: vouchers, 8 years from the end of the year",
        ),
        kept(
            Kind::ConsentProof,
            None,
            36,
            "Art. 7(1) and 17(3)(e) GDPR, §§ 195, 199 BGB: proof of consent, 3 years from the end of the year",
        ),
        kept(Kind::Claims, None, 36, "Art. 17(3)(e) GDPR, §§ 195, 199 BGB: claims, 3 years from the end of the year"),
    ]
}
