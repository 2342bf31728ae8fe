//! Given what the register says, when it is changed or asked, then.

use super::*;
use crate::id::ActorId;
use crate::time::{Day, Time};

const WHEN: Circumstances = Circumstances { actor: ActorId([1; 16]), effective_at: Time(0), now: Time(0) };
const DE: Country = Country(*b"DE");

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn fresh() -> Register {
    let mut register = Register::default();
    defaults().iter().for_each(|event| register.evolve(event));
    register
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn purpose(text: &str) -> Purpose {
    fresh().purpose(&slug(text)).unwrap().clone()
}

fn set(purpose: Purpose) -> Result<Vec<Event>, Rejection> {
    fresh().decide(&Command::SetPurpose(purpose), &WHEN)
}

fn keep(kind: CompartmentKind, country: Option<Country>, months: u16, counted_from: CountedFrom) -> Retention {
    Retention { kind, country, rule: Rule::Kept { basis: Line::parse("§ 1").unwrap(), months, counted_from } }
}

fn retain(retention: Retention) -> Result<Vec<Event>, Rejection> {
    fresh().decide(&Command::SetRetention(retention), &WHEN)
}

fn live(compartment: Compartment) -> LiveCompartment {
    LiveCompartment { compartment, last_record: day("2026-05-10") }
}

#[test]
fn every_default_would_be_accepted_today() {
    for event in defaults() {
        let command = match event.clone() {
            Event::PurposeSet(purpose) => Command::SetPurpose(purpose),
            Event::RetentionSet(retention) => Command::SetRetention(retention),
            Event::ResidueDaysSet(set) => Command::SetResidueDays(set),
        };
        assert_eq!(Register::default().decide(&command, &WHEN), Ok(vec![event]));
        assert_eq!(fresh().decide(&command, &WHEN), Ok(vec![]), "it is so already");
    }
    let no_say = [CompartmentKind::Document, CompartmentKind::Delivery];
    for kind in CompartmentKind::ALL.iter().filter(|kind| !no_say.contains(kind)) {
        assert!(fresh().retentions().any(|retention| retention.kind == *kind), "{}", kind.name());
    }
    let rule = |compartment| fresh().rule(compartment).cloned();
    assert_eq!(
        rule(Compartment::Document(7)),
        rule(Compartment::Relationship),
        "a document dies with the relationship"
    );
}

#[test]
fn contract_and_security_notices_never_wait_by_default() {
    for name in ["contract", "security-notices", "support"] {
        assert!(!purpose(name).waits_for_consent, "{name}");
    }
    for name in ["newsletter", "product-news", "customer-survey"] {
        assert!(purpose(name).waits_for_consent, "{name}");
    }
    assert!(purpose("newsletter").double_opt_in);
}

#[test]
fn a_purpose_makes_sense() {
    let news = purpose("product-news");
    let contract = purpose("contract");
    assert_eq!(set(Purpose { channels: vec![], ..news.clone() }), Err(Rejection::NoChannel));
    assert_eq!(set(Purpose { validity_months: Some(0), ..news.clone() }), Err(Rejection::Months));
    assert_eq!(set(Purpose { validity_months: Some(1201), ..news.clone() }), Err(Rejection::Months));
    assert_eq!(set(Purpose { waits_for_consent: false, ..news }), Err(Rejection::ConsentWithoutAsking));
    let waits = Purpose { waits_for_consent: true, ..contract.clone() };
    assert_eq!(set(waits), Err(Rejection::NeverWaits(LegalBasis::Contract)));
    assert_eq!(set(Purpose { double_opt_in: true, ..contract }), Err(Rejection::DoubleOptInWithoutConsent));
}

#[test]
fn a_purpose_keeps_its_basis_and_its_channels_in_order() {
    let news = purpose("product-news");
    let interest = Purpose { basis: LegalBasis::LegitimateInterest, ..news.clone() };
    assert_eq!(set(interest.clone()), Err(Rejection::BasisChanged(LegalBasis::Consent)));
    assert!(set(Purpose { slug: slug("invitations"), ..interest }).is_ok());
    let channels = vec![Channel::Post, Channel::Email, Channel::Post];
    let events = set(Purpose { channels, retired: true, ..news.clone() }).unwrap();
    let channels = vec![Channel::Email, Channel::Post];
    assert_eq!(events, [Event::PurposeSet(Purpose { channels, retired: true, ..news })]);
}

#[test]
fn fiscal_data_has_a_country_and_a_floor() {
    use CompartmentKind::{Fiscal, Sales};
    use CountedFrom::{EndOfYear, LastRecord};
    assert_eq!(retain(keep(Fiscal, None, 96, EndOfYear)), Err(Rejection::Country));
    assert_eq!(retain(keep(Sales, Some(DE), 96, EndOfYear)), Err(Rejection::Country));
    let below = |result| matches!(result, Err(Rejection::BelowFloor { months: 96, .. }));
    assert!(below(retain(keep(Fiscal, Some(DE), 95, EndOfYear))));
    assert!(below(retain(keep(Fiscal, Some(DE), 96, LastRecord))), "it would end earlier");
    assert!(below(retain(Retention { kind: Fiscal, country: Some(DE), rule: Rule::DiesWithRelationship })));
    assert!(retain(keep(Fiscal, Some(DE), 120, EndOfYear)).is_ok());
    assert!(retain(keep(Fiscal, Some(Country(*b"FR")), 1, LastRecord)).is_ok(), "no floor is known");
    assert_eq!(retain(keep(Sales, None, 0, EndOfYear)), Err(Rejection::Months));
}

#[test]
fn what_survives_an_erasure_has_its_basis_and_its_end() {
    let held = [
        live(Compartment::Claims),
        live(Compartment::Fiscal(DE, 2025)),
        live(Compartment::Fiscal(DE, 2017)),
        live(Compartment::Sales(2026)),
        live(Compartment::ConsentProof),
        live(Compartment::Relationship),
    ];
    let fates = survivors(&fresh(), &held, day("2026-06-01")).unwrap();
    let short: Vec<_> = fates
        .iter()
        .map(|(compartment, fate)| match fate {
            Fate::Dies => (*compartment, None),
            Fate::Kept { until, .. } => (*compartment, Some(until.to_string())),
        })
        .collect();
    let until = |text: &str| Some(text.to_owned());
    assert_eq!(
        short,
        [
            (Compartment::Relationship, None),
            (Compartment::Sales(2026), None),
            (Compartment::Fiscal(DE, 2017), None),
            (Compartment::Fiscal(DE, 2025), until("2033-12-31")),
            (Compartment::ConsentProof, until("2029-12-31")),
            (Compartment::Claims, until("2029-12-31")),
        ],
        "2017's vouchers were kept until the end of 2025"
    );
}

#[test]
fn a_retention_ends_with_its_last_day() {
    let held = [live(Compartment::Fiscal(DE, 2017))];
    let on = |today| survivors(&fresh(), &held, day(today)).unwrap()[0].1.clone();
    assert!(matches!(on("2025-12-31"), Fate::Kept { .. }));
    assert_eq!(on("2026-01-01"), Fate::Dies);
    let (basis, until) = term(&fresh(), held[0], day("2026-01-01")).unwrap().unwrap();
    assert!(
        until == day("2025-12-31") && basis.as_str().contains("147"),
        "which law that was is still known: {basis:?}"
    );
    assert_eq!(term(&fresh(), live(Compartment::Relationship), day("2026-01-01")), Ok(None));
}

#[test]
fn a_retention_may_count_from_the_last_record() {
    let mut register = fresh();
    register.evolve(&Event::RetentionSet(keep(CompartmentKind::Support, None, 6, CountedFrom::LastRecord)));
    let fates = survivors(&register, &[live(Compartment::Support(2026))], day("2026-06-01")).unwrap();
    assert!(matches!(&fates[0].1, Fate::Kept { until, .. } if *until == day("2026-11-10")));
}

#[test]
fn copies_are_kept_for_so_many_days_and_nothing_else_is() {
    use crate::limits::RESIDUE_DAYS;
    let set = |kind, days| fresh().decide(&Command::SetResidueDays(ResidueDays { kind, days }), &WHEN);
    for days in [0, 1, RESIDUE_DAYS] {
        let kept = ResidueDays { kind: ResidueKind::OldBackups, days };
        assert_eq!(set(kept.kind, days), Ok(vec![Event::ResidueDaysSet(kept)]));
    }
    assert_eq!(set(ResidueKind::MemoryImages, RESIDUE_DAYS + 1), Err(Rejection::ResidueDays));
    for kind in [ResidueKind::DisclosedOpenings, ResidueKind::SuppressionList, ResidueKind::SealedParts] {
        assert_eq!(set(kind, 1), Err(Rejection::ResidueDays));
    }
    let mut register = fresh();
    let kept = ResidueDays { kind: ResidueKind::MemoryImages, days: 7 };
    register.evolve(&Event::ResidueDaysSet(kept));
    let days = [ResidueKind::OldBackups, ResidueKind::MemoryImages].map(|kind| register.residue_days(kind));
    assert_eq!(days, [None, Some(7)]);
    assert_eq!(register.decide(&Command::SetResidueDays(kept), &WHEN), Ok(vec![]), "it is so already");
}

#[test]
fn an_address_outlives_an_erasure_whatever_the_register_says() {
    let address = live(Compartment::Delivery(1));
    let on = |today| survivors(&Register::default(), &[address], day(today)).unwrap().remove(0).1;
    assert!(matches!(on("2026-11-06"), Fate::Kept { until, .. } if until == day("2026-11-06")));
    assert_eq!(on("2026-11-07"), Fate::Dies, "to which nothing was ever delivered");
    let rule = Retention { kind: CompartmentKind::Delivery, country: None, rule: Rule::DiesWithRelationship };
    assert_eq!(retain(rule), Err(Rejection::Delivery));
}

#[test]
fn nothing_is_destroyed_on_a_guess() {
    let french = Compartment::Fiscal(Country(*b"FR"), 2025);
    assert_eq!(survivors(&fresh(), &[live(french)], day("2026-06-01")), Err(NoRule(french)));
}

#[test]
fn kinds_have_the_numbers_of_their_compartments() {
    for compartment in [
        Compartment::Relationship,
        Compartment::Support(2026),
        Compartment::Sales(2026),
        Compartment::Fiscal(DE, 2026),
        Compartment::ConsentProof,
        Compartment::Claims,
        Compartment::Delivery(1),
    ] {
        assert_eq!(CompartmentKind::from(compartment).code(), compartment.code().0);
    }
}

fn at_most(kind: CompartmentKind, country: Option<Country>, months: u16, counted_from: CountedFrom) -> Retention {
    Retention { kind, country, rule: Rule::AtMost { basis: Line::parse("enough").unwrap(), months, counted_from } }
}

#[test]
fn only_what_has_a_year_ends_by_itself() {
    use CompartmentKind::{Claims, ConsentProof, Fiscal, Relationship, Sales, Support};
    use CountedFrom::EndOfYear;
    for kind in [Claims, ConsentProof, Relationship] {
        assert_eq!(retain(at_most(kind, None, 24, EndOfYear)), Err(Rejection::NoYear), "{}", kind.name());
    }
    for kind in [Support, Sales] {
        assert!(retain(at_most(kind, None, 24, EndOfYear)).is_ok());
        assert_eq!(retain(at_most(kind, None, 0, EndOfYear)), Err(Rejection::Months));
    }
    let early = retain(at_most(Fiscal, Some(DE), 96, EndOfYear));
    assert!(matches!(early, Err(Rejection::BelowFloor { .. })), "an erasure would end it before the law does");
    let held = [live(Compartment::Support(2026))];
    let mut register = fresh();
    register.evolve(&Event::RetentionSet(at_most(Support, None, 24, EndOfYear)));
    assert_eq!(survivors(&register, &held, day("2026-06-01")).unwrap()[0].1, Fate::Dies, "it is asked for");
}

#[test]
fn a_year_is_over_while_the_next_one_lives() {
    let mut register = fresh();
    register.evolve(&Event::RetentionSet(at_most(CompartmentKind::Support, None, 24, CountedFrom::EndOfYear)));
    register.evolve(&Event::RetentionSet(at_most(CompartmentKind::Sales, None, 6, CountedFrom::LastRecord)));
    let until =
        |compartment, today| over(&register, live(compartment), None, day(today)).map(|end| end.until.to_string());
    let support = Compartment::Support;
    assert_eq!(until(support(2026), "2028-12-31"), None);
    assert_eq!(until(support(2026), "2029-01-01").as_deref(), Some("2028-12-31"));
    assert_eq!(until(support(2027), "2029-01-01"), None);
    assert_eq!(until(Compartment::Sales(2026), "2026-11-11").as_deref(), Some("2026-11-10"), "behind its last record");
    let fiscal = |year| Compartment::Fiscal(DE, year);
    assert_eq!(until(fiscal(2026), "2034-12-31"), None);
    assert_eq!(until(fiscal(2026), "2035-01-01").as_deref(), Some("2034-12-31"));
    assert_eq!(until(Compartment::Fiscal(Country(*b"FR"), 1999), "2035-01-01"), None, "nobody has said how long");
    assert_eq!(over(&fresh(), live(support(1999)), None, day("2035-01-01")), None, "while the customer stays");
}

#[test]
fn what_has_no_year_is_over_only_when_an_erasure_left_it() {
    let left = |until: &str| End { basis: Line::parse("§ 195 BGB").unwrap(), until: day(until) };
    let claims = live(Compartment::Claims);
    assert_eq!(over(&fresh(), claims, None, day("2099-01-01")), None);
    assert_eq!(over(&fresh(), claims, Some(&left("2029-12-31")), day("2029-12-31")), None);
    assert_eq!(over(&fresh(), claims, Some(&left("2029-12-31")), day("2030-01-01")), Some(left("2029-12-31")));
    let fiscal = live(Compartment::Fiscal(DE, 2026));
    let early = Some(&left("2029-12-31"));
    assert_eq!(over(&fresh(), fiscal, early, day("2030-01-01")), None, "the register keeps it longer by now");
    assert!(over(&fresh(), fiscal, early, day("2035-01-01")).is_some());
}
