//! How long a compartment outlives the relationship, on which law, and what of a subject survives an erasure.

use super::{CompartmentKind, Register, Rejection};
use crate::code::codes;
use crate::compartment::{Compartment, Country};
use crate::limits::MONTHS;
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

/// How long a compartment is kept once its subject asks to be forgotten.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Not at all.
    DiesWithRelationship,
    /// A law or the defence of claims keeps it.
    Kept {
        /// The article of law, in words.
        basis: Line,
        /// For how long.
        months: u16,
        /// From when.
        counted_from: CountedFrom,
    },
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
            let rule = register.rule(live.compartment).ok_or(NoRule(live.compartment))?;
            Ok((live.compartment, fate(rule, *live, today)))
        })
        .collect::<Result<_, NoRule>>()?;
    fates.sort_by_key(|(compartment, _)| *compartment);
    Ok(fates)
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
    if retention.country.is_some() != (retention.kind == CompartmentKind::Fiscal) {
        return Err(Rejection::Country);
    }
    let lower = retention.country.and_then(|country| Some((country, floor(country)?)));
    match (&retention.rule, lower) {
        (Rule::DiesWithRelationship, None) => Ok(()),
        (Rule::Kept { months, .. }, _) if !(1..=MONTHS).contains(months) => Err(Rejection::Months),
        (Rule::Kept { months, counted_from: CountedFrom::EndOfYear, .. }, Some((_, (least, _))))
            if *months >= least =>
        {
            Ok(())
        }
        (_, Some((country, (months, law)))) => Err(Rejection::BelowFloor { country, months, law }),
        (Rule::Kept { .. }, None) => Ok(()),
    }
}

/// By which law a compartment is kept and until when, also where that day is over; nothing where the register says that no
/// law keeps it.
///
/// # Errors
///
/// [`NoRule`] where the register says nothing about it.
pub fn term(register: &Register, live: LiveCompartment, today: Day) -> Result<Option<(Line, Day)>, NoRule> {
    let rule = register.rule(live.compartment).ok_or(NoRule(live.compartment))?;
    Ok(term_of(rule, live, today))
}

fn fate(rule: &Rule, live: LiveCompartment, today: Day) -> Fate {
    match term_of(rule, live, today) {
        Some((basis, until)) if until >= today => Fate::Kept { basis, until },
        _ => Fate::Dies,
    }
}

fn term_of(rule: &Rule, live: LiveCompartment, today: Day) -> Option<(Line, Day)> {
    let Rule::Kept { basis, months, counted_from } = rule else { return None };
    let start = match (counted_from, live.compartment) {
        (CountedFrom::LastRecord, _) => live.last_record,
        (
            CountedFrom::EndOfYear,
            Compartment::Support(year) | Compartment::Sales(year) | Compartment::Fiscal(_, year),
        ) => Day::last_of(year),
        (CountedFrom::EndOfYear, _) => Day::last_of(today.year()),
    };
    Some((basis.clone(), start.plus_months((*months).into())))
}
