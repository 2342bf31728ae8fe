//! What a command about consent may do.

use super::{About, Act, Asked, Code, CodeFate, Command, Consents, Evidence, Fact, Method, Rejection};
use crate::aggregate::Circumstances;
use crate::limits::{CODE_DAYS, CODE_DAYS_MOST, OPEN_REQUESTS};
use crate::notice::Shown;
use crate::owner::Owner;
use crate::personal::Gone;
use crate::time::{Day, Time};

pub(super) fn fact(consents: &Consents, command: &Command, when: &Circumstances) -> Result<Fact, Rejection> {
    check_person(consents, command)?;
    check_method(command)?;
    let way = command.way;
    match &command.act {
        Act::Request { asked, code_hash, code_days } => {
            check_code(consents, code_hash, when)?;
            let about = about(asked)?;
            let shown = shown(asked, when)?.ok_or(Rejection::NoNotice)?;
            valid_until(asked.valid_until, None, when)?;
            let (valid_until, validity_months) = (asked.valid_until, asked.purpose.validity_months);
            let (code_hash, expires_at) = (*code_hash, expires_at(*code_days, when)?);
            Ok(Fact::Requested { about, shown, code_hash, expires_at, valid_until, validity_months, way })
        }
        Act::Give { asked, imported } => {
            let about = about(asked)?;
            let shown = shown(asked, when)?;
            if shown.is_none() && !imported {
                return Err(Rejection::NoNotice);
            }
            let evidence = if *imported { Evidence::ImportedWithoutProof } else { Evidence::AgentsWord };
            let valid_until = valid_until(asked.valid_until, asked.purpose.validity_months, when)?;
            Ok(Fact::Given { about, shown, valid_until, way, evidence })
        }
        Act::Confirm { code_hash } => {
            let Code { about, shown, valid_until: until, validity_months, .. } = sent_code(consents, code_hash, when)?;
            let valid_until = valid_until(*until, *validity_months, when)?;
            Ok(Fact::Confirmed { about: about.clone(), shown: *shown, code_hash: *code_hash, valid_until, way })
        }
        Act::Refuse { about } => Ok(Fact::Refused { about: about.clone(), way }),
        Act::Withdraw { scope } => Ok(Fact::Withdrawn { scope: scope.clone(), way }),
        Act::Object { scope } => Ok(Fact::Objected { scope: scope.clone(), way }),
    }
}

fn check_person(consents: &Consents, command: &Command) -> Result<(), Rejection> {
    match consents.person {
        Owner::Nobody => Ok(()),
        Owner::Subject(subject) if subject == command.subject => Ok(()),
        Owner::Subject(_) => Err(Rejection::AnotherPerson),
        Owner::Gone(Gone::Erased) => Err(Rejection::Erased),
        Owner::Gone(Gone::Withheld) => Err(Rejection::Withheld),
        Owner::Gone(Gone::Lost) => Err(Rejection::Lost),
    }
}

/// A method says how it was, so it must fit what is done: nobody's word may pass for a code.
fn check_method(command: &Command) -> Result<(), Rejection> {
    match (command.way.method, &command.act) {
        (Method::Code, Act::Confirm { .. }) => Ok(()),
        (Method::Code, _) | (_, Act::Confirm { .. }) => Err(Rejection::MethodCode),
        (Method::Flag, Act::Give { imported: false, .. } | Act::Request { .. }) => Err(Rejection::MethodFlag),
        _ => Ok(()),
    }
}

fn check_code(consents: &Consents, code_hash: &[u8; 32], when: &Circumstances) -> Result<(), Rejection> {
    if consents.codes.contains_key(code_hash) {
        return Err(Rejection::CodeNotFresh);
    }
    let open = |code: &&Code| code.fate == CodeFate::Sent && when.now <= code.expires_at;
    if consents.codes.values().filter(open).count() >= OPEN_REQUESTS {
        return Err(Rejection::TooManyRequests);
    }
    Ok(())
}

fn about(asked: &Asked) -> Result<About, Rejection> {
    let Asked { purpose, channel, point, .. } = asked;
    let slug = purpose.slug.clone();
    if purpose.retired {
        return Err(Rejection::PurposeRetired(slug));
    }
    if !purpose.basis.yields_to_objection() {
        return Err(Rejection::NeedsNoConsent(slug, purpose.basis.name()));
    }
    if !purpose.channels.contains(channel) {
        return Err(Rejection::ChannelNotUsed { purpose: slug, channel: *channel });
    }
    if !asked.point_in_use {
        return Err(Rejection::NoSuchPoint);
    }
    Ok(About { purpose: slug, channel: *channel, point: *point })
}

fn shown(asked: &Asked, when: &Circumstances) -> Result<Option<Shown>, Rejection> {
    match &asked.shown {
        Some((_, purpose, _)) if *purpose != asked.purpose.slug => {
            Err(Rejection::NoticeOfAnotherPurpose(purpose.clone()))
        }
        Some((_, _, since)) if when.effective_at < *since => Err(Rejection::BeforeTheNotice(*since)),
        shown => Ok(shown.as_ref().map(|(shown, ..)| *shown)),
    }
}

/// The earlier of what the person named and what the register allows, counted from the day of the consent.
fn valid_until(named: Option<Day>, months: Option<u16>, when: &Circumstances) -> Result<Option<Day>, Rejection> {
    let given = when.effective_at.day();
    if let Some(named) = named.filter(|named| *named < given) {
        return Err(Rejection::AlreadyOver(named));
    }
    let allowed = months.map(|months| given.plus_months(months.into()));
    Ok(named.into_iter().chain(allowed).min())
}

fn expires_at(code_days: Option<u16>, when: &Circumstances) -> Result<Time, Rejection> {
    let days = code_days.unwrap_or(CODE_DAYS);
    if !(1..=CODE_DAYS_MOST).contains(&days) {
        return Err(Rejection::CodeDays);
    }
    Ok(when.now.plus_ms(i64::from(days) * Time::DAY_MS))
}

fn sent_code<'a>(consents: &'a Consents, hash: &[u8; 32], when: &Circumstances) -> Result<&'a Code, Rejection> {
    let code = consents.codes.get(hash).ok_or(Rejection::CodeUnknown)?;
    match code.fate {
        CodeFate::Used => Err(Rejection::CodeUsed),
        CodeFate::Overruled => Err(Rejection::CodeOverruled),
        CodeFate::Sent if when.now > code.expires_at => Err(Rejection::CodeExpired(code.expires_at)),
        CodeFate::Sent => Ok(code),
    }
}
