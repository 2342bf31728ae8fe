//! How long a compartment outlives the relationship, on which law, and what of a subject survives an erasure; and when a
//! compartment is over although nobody asks to be forgotten.

use super::{CompartmentKind, Register, Rejection};
use crate::code::codes;
use crate::compartment::{Compartment, Country};
use crate::limits::{MONTHS, UNDELIVERED_DAYS};
use crate::time::Day;
use crate::value::Line;

codes! {
    /// Where a retention begins to count.
    pub enum CountedFrom {
        /// The end of the compartment's year; where it has none, the end of the year of the erasure, which ends the use.
        EndOfYear = 1 "END_OF_YEAR",
        /// The day of the last record in the compartment.
        LastRecord = 2 "LAST_RECORD",
    }
}

/// How long a compartment is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Until its subject asks to be forgotten, or for as long as the relationship lasts.
    DiesWithRelationship,
    /// A law or the defence of claims keeps it so long, also when its subject asks to be forgotten. What has a year is over
    /// then, although nobody asks.
    Kept {
        /// The article of law, in words.
        basis: Line,
        /// For how long.
        months: u16,
        /// From when.
        counted_from: CountedFrom,
    },
    /// It dies when its subject asks to be forgotten, and at the latest then, although nobody asks (Art. 5(1)(e) GDPR). Only
    /// for what has a year.
    AtMost {
        /// Why it is not needed any longer, in words.
        basis: Line,
        /// For how long.
        months: u16,
        /// From when.
        counted_from: CountedFrom,
    },
}

impl Rule {
    /// Whether the day of the last record decides.
    pub fn counts_from_last_record(&self) -> bool {
        matches!(
            self,
            Self::Kept { counted_from: CountedFrom::LastRecord, .. }
                | Self::AtMost { counted_from: CountedFrom::LastRecord, .. }
        )
    }
}

/// The rule for one kind of compartment, and for fiscal data of one country.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Retention {
    /// Which kind.
    pub kind: CompartmentKind,
    /// Whose tax law, for fiscal data only. The controller's register, never the person's country.
    pub country: Option<Country>,
    /// How long.
    pub rule: Rule,
}

/// A compartment of which a subject has a live key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LiveCompartment {
    /// Which.
    pub compartment: Compartment,
    /// The day of the last record in it.
    pub last_record: Day,
}

/// What an erasure does to a compartment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Its key is destroyed.
    Dies,
    /// Its key stays.
    Kept {
        /// The article of law, in words.
        basis: Line,
        /// The last day it is kept.
        until: Day,
    },
}

/// When a compartment is over, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct End {
    /// The article of law or the reason, in words.
    pub basis: Line,
    /// The last day it is kept.
    pub until: Day,
}

/// Nobody has said how long this compartment is kept, and nothing is destroyed on a guess.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the register does not say how long {0} is kept; set its retention first")]
pub struct NoRule(pub Compartment);

/// What of a subject dies and what stays if it is erased today, in the order of compartments.
///
/// A compartment whose time is over dies with the rest.
///
/// # Errors
///
/// [`NoRule`] for the first compartment that the register says nothing about.
pub fn survivors(
    register: &Register,
    held: &[LiveCompartment],
    today: Day,
) -> Result<Vec<(Compartment, Fate)>, NoRule> {
    let mut fates: Vec<(Compartment, Fate)> = held
        .iter()
        .map(|live| {
            let fate = match term(register, *live, today)? {
                Some((basis, until)) if until >= today => Fate::Kept { basis, until },
                _ => Fate::Dies,
            };
            Ok((live.compartment, fate))
        })
        .collect::<Result<_, NoRule>>()?;
    fates.sort_by_key(|(compartment, _)| *compartment);
    Ok(fates)
}

/// The last day of a compartment and why it ends then: by the rule for what has a year, and by what an erasure said when it
/// left the compartment. Where both speak, the later day counts. Nothing ends on a guess: without a rule, and without a year
/// or an earlier erasure, there is no last day.
pub fn end<'a>(register: &'a Register, live: LiveCompartment, left: Option<&'a End>) -> Option<(&'a Line, Day)> {
    let by_rule = live.compartment.year().and_then(|year| match register.rule(live.compartment)? {
        Rule::DiesWithRelationship => None,
        Rule::Kept { basis, months, counted_from } | Rule::AtMost { basis, months, counted_from } => {
            let start = match counted_from {
                CountedFrom::EndOfYear => Day::last_of(year),
                CountedFrom::LastRecord => live.last_record,
            };
            Some((basis, start.plus_months((*months).into())))
        }
    });
    let left = left.map(|end| (&end.basis, end.until));
    by_rule.into_iter().chain(left).max_by_key(|(_, until)| *until)
}

/// The end of a compartment, when its last day is over.
pub fn over(register: &Register, live: LiveCompartment, left: Option<&End>, today: Day) -> Option<End> {
    let (basis, until) = end(register, live, left)?;
    (until < today).then(|| End { basis: basis.clone(), until })
}

/// The shortest retention that a country's tax law allows for vouchers: months, and the article.
pub fn floor(country: Country) -> Option<(u16, &'static str)> {
    match &country.0 {
        b"AT" => Some((84, "§ 132(1) BAO: 7 years from the end of the year")),
        b"CH" => Some((120, "Art. 958f OR: 10 years from the end of the business year")),
        b"DE" => Some((96, "§ 147(3) and (4) AO: 8 years for vouchers since 2025 (BGBl. 2024 I No. 323)")),
        _ => None,
    }
}

pub(super) fn check(retention: &Retention) -> Result<(), Rejection> {
    if retention.kind == CompartmentKind::Delivery {
        return Err(Rejection::Delivery);
    }
    if retention.country.is_some() != (retention.kind == CompartmentKind::Fiscal) {
        return Err(Rejection::Country);
    }
    let lower = retention.country.and_then(|country| Some((country, floor(country)?)));
    let has_year =
        matches!(retention.kind, CompartmentKind::Support | CompartmentKind::Sales | CompartmentKind::Fiscal);
    match (&retention.rule, lower) {
        (Rule::AtMost { .. }, _) if !has_year => Err(Rejection::NoYear),
        (Rule::DiesWithRelationship, None) => Ok(()),
        (Rule::Kept { months, .. } | Rule::AtMost { months, .. }, _) if !(1..=MONTHS).contains(months) => {
            Err(Rejection::Months)
        }
        (Rule::Kept { months, counted_from: CountedFrom::EndOfYear, .. }, Some((_, (least, _))))
            if *months >= least =>
        {
            Ok(())
        }
        (_, Some((country, (months, law)))) => Err(Rejection::BelowFloor { country, months, law }),
        (Rule::Kept { .. } | Rule::AtMost { .. }, None) => Ok(()),
    }
}

/// By which law a compartment is kept and until when, also where that day is over; nothing where the register says that no
/// law keeps it.
///
/// # Errors
///
/// [`NoRule`] where the register says nothing about it.
pub fn term(register: &Register, live: LiveCompartment, today: Day) -> Result<Option<(Line, Day)>, NoRule> {
    if let Compartment::Delivery(_) = live.compartment {
        return Ok(Some((Line::from_log(DELIVERY.to_owned()), live.last_record.plus_days(UNDELIVERED_DAYS))));
    }
    let rule = register.rule(live.compartment).ok_or(NoRule(live.compartment))?;
    Ok(term_of(rule, live, today))
}

/// Why an address outlives an erasure.
const DELIVERY: &str = "Art. 12(3) GDPR: so that the certificate can be delivered";

fn term_of(rule: &Rule, live: LiveCompartment, today: Day) -> Option<(Line, Day)> {
    let Rule::Kept { basis, months, counted_from } = rule else { return None };
    let start = match counted_from {
        CountedFrom::LastRecord => live.last_record,
        CountedFrom::EndOfYear => Day::last_of(live.compartment.year().unwrap_or_else(|| today.year())),
    };
    Some((basis.clone(), start.plus_months((*months).into())))
}
