//! The order of an erasure: requested, approved, fenced, ordered, certified, certified finally; and the ways out of it.

use std::collections::BTreeSet;

use super::claim;
use super::delivery;
use super::disclosure::disclose;
use super::hold;
use super::redaction;
use super::residue;
use super::retention;
use super::{Asked, Stage::*};
use super::{
    Case, Certificate, Closed, Closing, Command, Erasure, Event, Ground, Link, Rejection, Request, Stage, SubjectKind,
    UnfenceGround,
};
use crate::aggregate::Circumstances;
use crate::compartment::Compartment;
use crate::id::{ErasureId, KeyId, SubjectId};
use crate::limits::{FENCE_BYTES, FENCE_PARTS, PEOPLE};
use crate::owner::Owner;
use crate::personal::{Gone, Held};
use crate::time::Day;
use crate::value::Text;

pub(super) fn events(case: &Case, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
    if let Command::Open { subject, kind } = command {
        return open(case, *subject, *kind);
    }
    if let Command::FenceRetention(over) = command {
        return retention::fence_over(case, over, when);
    }
    if !case.owner.is_known() {
        return Err(Rejection::NotOpened);
    }
    match command {
        Command::ConfirmRetention { erasure, confirmed } => retention::confirm(case, *erasure, confirmed, when),
        Command::Open { .. } | Command::FenceRetention(_) => Err(Rejection::AlreadyOpened),
        Command::Link(link) => self::link(case, *link),
        Command::Unlink(link) => unlink(case, *link),
        Command::Disclose { disclosure, to } => disclose(case, *disclosure, to, when).map(one),
        Command::RequestErasure { erasure, asked, request } => {
            self::request(case, *erasure, *asked, request, when).map(one)
        }
        Command::WithdrawRequest { erasure } => {
            let found = find(case, *erasure, &BEFORE_THE_ORDER, "not ordered to be destroyed yet", "withdrawn")?;
            let unfenced = unfenced(found, UnfenceGround::RequestWithdrawn);
            Ok(unfenced.into_iter().chain([Event::ErasureWithdrawn { erasure: *erasure }]).collect())
        }
        Command::Refuse { erasure, ground, words } => {
            let found = find(case, *erasure, &BEFORE_THE_ORDER, "not ordered to be destroyed yet", "refused")?;
            if found.by == when.actor {
                return Err(Rejection::RefusingOwnRequest);
            }
            let words = sealed(case, words.as_ref())?;
            let unfenced = unfenced(found, ground.unfences());
            let refused = Event::ErasureRefused { erasure: *erasure, ground: *ground, words };
            Ok(unfenced.into_iter().chain([refused]).collect())
        }
        Command::Approve { erasure } => {
            if find(case, *erasure, &[Requested], "requested", "approved")?.by == when.actor {
                return Err(Rejection::ApprovingOwnRequest);
            }
            Ok(one(Event::ErasureApproved { erasure: *erasure }))
        }
        Command::Redaction(command) => redaction::decide(case, command, when),
        Command::PlaceHold { hold, holding } => hold::place(case, *hold, holding, when).map(one),
        Command::ApproveHold { hold } => hold::approve(case, *hold, when).map(one),
        Command::LiftHold { hold } => hold::lift(case, *hold, when).map(one),
        Command::ApproveLift { hold } => hold::approve_lift(case, *hold, when).map(one),
        Command::Fence { erasure, closing, keys, wait } => {
            find(case, *erasure, &[Approved], "approved", "fenced")?;
            let fenced = fence(*erasure, closing, keys)?;
            let wait_ms = wait.ms(&sorted(closing.iter().flat_map(|closing| &closing.closed)));
            let until = when.now.plus_ms(wait_ms);
            let set = (wait_ms > 0).then_some(Event::CoolingOffSet { erasure: *erasure, until });
            Ok(std::iter::once(fenced).chain(set).collect())
        }
        Command::Unfence { erasure, ground, words } => {
            let found = find(case, *erasure, &[Fenced], "fenced", "unfenced")?;
            let (keys, words) = (found.keys.clone(), sealed(case, words.as_ref())?);
            Ok(one(Event::Unfenced { erasure: *erasure, ground: *ground, keys, words }))
        }
        Command::OrderDestruction { erasure, keys, epoch_before } => {
            let found = find(case, *erasure, &[Fenced], "fenced", "ordered to be destroyed")?;
            let keys = sorted(keys);
            if keys != found.keys {
                return Err(Rejection::OtherKeys);
            }
            if found.is_retention() && found.confirmed.is_none() {
                return Err(Rejection::NotConfirmed);
            }
            if let Some(hold) = hold::keeping(case, &found.compartments) {
                return Err(Rejection::OnHold { hold: hold.id, review_on: hold.review_on });
            }
            if let Some(until) = found.cooling_off.filter(|until| when.now < *until) {
                return Err(Rejection::CoolingOff(until));
            }
            Ok(one(Event::DestructionOrdered { erasure: *erasure, keys, epoch_before: *epoch_before }))
        }
        Command::Certify { erasure, certificate, residues } => {
            if let Some(redacted) = redaction::certify(case, *erasure, certificate) {
                return redacted;
            }
            let wanted = [DestructionOrdered];
            let found = find(case, *erasure, &wanted, DestructionOrdered.words(), "certified")?;
            check_epochs(found.epoch_before.unwrap_or_default(), certificate)?;
            let certified = Event::Certified { erasure: *erasure, certificate: in_order(certificate) };
            Ok(std::iter::once(certified).chain(residue::named_with(*erasure, residues)?).collect())
        }
        Command::GiveDeliveryAddress { erasure, address } => delivery::give(case, *erasure, address).map(one),
        Command::RecordDelivery { erasure, on } => delivery::deliver(case, *erasure, *on, when).map(one),
        Command::MarkClaim { erasure, mark } => claim::mark(case, *erasure, *mark).map(one),
        Command::LinkReturn { old, shown, reason } => claim::come_back(case, old, *shown, reason).map(one),
        Command::NameResidues { erasure, residues } => residue::name(case, *erasure, residues),
        Command::CloseResidue { erasure, number, end, on } => {
            residue::close(case, (*erasure, *number), (*end, *on), when)
        }
    }
}

/// Until then the request may still be taken back or refused. A fence is lifted by the same command, so that no crash
/// leaves a lifted fence behind a request that nobody goes on with.
const BEFORE_THE_ORDER: [Stage; 3] = [Requested, Approved, Fenced];

fn unfenced(erasure: &Erasure, ground: UnfenceGround) -> Option<Event> {
    let keys = || erasure.keys.clone();
    (erasure.stage == Fenced).then(|| Event::Unfenced { erasure: erasure.id, ground, keys: keys(), words: None })
}

fn open(case: &Case, subject: SubjectId, kind: SubjectKind) -> Result<Vec<Event>, Rejection> {
    if case.owner.is_known() {
        return Err(Rejection::AlreadyOpened);
    }
    Ok(one(Event::Opened { kind, subject: Held::new(subject, Compartment::Claims, ()) }))
}

fn link(case: &Case, link: Link) -> Result<Vec<Event>, Rejection> {
    if case.links.contains(&link) {
        return Ok(vec![]);
    }
    let link = Held::new(subject(case)?, Compartment::Relationship, link);
    Ok(one(Event::Linked { link }))
}

fn unlink(case: &Case, link: Link) -> Result<Vec<Event>, Rejection> {
    let subject = subject(case)?;
    if !case.links.contains(&link) {
        return Err(Rejection::NotLinked);
    }
    Ok(one(Event::Unlinked { link: Held::new(subject, Compartment::Relationship, link) }))
}

fn request(
    case: &Case,
    erasure: ErasureId,
    asked: Asked,
    request: &Request,
    when: &Circumstances,
) -> Result<Event, Rejection> {
    let subject = subject(case)?;
    if asked.ground == Ground::RetentionOver {
        return Err(Rejection::NotAsked);
    }
    if let Some(open) = case.open_erasure() {
        return Err(Rejection::ErasureOpen(open.id));
    }
    if case.erasures.iter().any(|earlier| earlier.id == erasure) {
        return Err(Rejection::ErasureIdUsed(erasure));
    }
    let future = |day: &Day| *day > when.now.day();
    if let Some(day) = [asked.on, asked.identity_on].into_iter().find(future) {
        return Err(Rejection::FutureDay(day));
    }
    if !request.people.is_empty() && case.kind != Some(SubjectKind::Organization) {
        return Err(Rejection::PeopleOfAPerson);
    }
    if request.people.len() > PEOPLE {
        return Err(Rejection::TooManyPeople(PEOPLE));
    }
    let due = asked.on.plus_months(1);
    let request = Held::new(subject, Compartment::Claims, request.clone());
    Ok(Event::ErasureRequested { erasure, asked, by: when.actor, due, request })
}

/// Whether a fence of this reach has something to close and fits into its record.
pub fn check_fence(closing: &[Closing], keys: &[KeyId]) -> Result<(), Rejection> {
    fence(ErasureId([0; 16]), closing, keys).map(drop)
}

pub(super) fn fence(erasure: ErasureId, closing: &[Closing], keys: &[KeyId]) -> Result<Event, Rejection> {
    let keys = sorted(keys);
    let compartments = sorted(closing.iter().flat_map(|closing| &closing.closed));
    if keys.is_empty() || compartments.is_empty() {
        return Err(Rejection::NothingToFence);
    }
    let closed: Vec<Held<Closed>> = closing.iter().flat_map(closed).collect();
    if keys.len() * KEY_BYTES + (closed.len() * PART_BYTES) + (compartments.len() * COMPARTMENT_BYTES) > FENCE_BYTES {
        return Err(Rejection::TooManyKeys);
    }
    if closed.len() > FENCE_PARTS {
        return Err(Rejection::TooManyStay(FENCE_PARTS));
    }
    Ok(Event::Fenced { erasure, compartments, keys, closed })
}

/// What a fingerprint, the commitment to a part, and a compartment take in a record.
const KEY_BYTES: usize = 16;
const PART_BYTES: usize = 54;
const COMPARTMENT_BYTES: usize = 6;

/// One copy under each key that stays, also where nothing of the subject is closed: so that nobody has to guess that.
fn closed(closing: &Closing) -> impl Iterator<Item = Held<Closed>> {
    let compartments = sorted(&closing.closed);
    let stays = sorted(&closing.stays);
    let subject = closing.subject;
    stays.into_iter().map(move |stays| Held::new(subject, stays, Closed { compartments: compartments.clone() }))
}

/// Keys are destroyed behind their order; or they were found destroyed, and the certificate says when that was. Anything
/// else would be a certificate of something else.
pub(super) fn check_epochs(ordered: u64, certificate: &Certificate) -> Result<(), Rejection> {
    let Certificate { epoch_before: before, epoch_after: after, .. } = *certificate;
    let found_gone = after <= ordered;
    if after <= before || (before < ordered && !found_gone) {
        return Err(Rejection::Epochs { ordered, before, after });
    }
    Ok(())
}

pub(super) fn in_order(certificate: &Certificate) -> Certificate {
    let mut certificate = certificate.clone();
    certificate.survives.sort_by_key(|survivor| survivor.compartment);
    certificate.links = sorted(&certificate.links);
    certificate
}

pub(super) fn find<'a>(
    case: &'a Case,
    id: ErasureId,
    stages: &[Stage],
    wanted: &'static str,
    act: &'static str,
) -> Result<&'a Erasure, Rejection> {
    let found = case.erasures.iter().find(|erasure| erasure.id == id).ok_or(Rejection::NoSuchErasure(id))?;
    if !stages.contains(&found.stage) {
        return Err(Rejection::OutOfOrder { stage: found.stage, wanted, act });
    }
    Ok(found)
}

pub(super) fn subject(case: &Case) -> Result<SubjectId, Rejection> {
    match case.owner {
        Owner::Nobody => Err(Rejection::NotOpened),
        Owner::Subject(subject) => Ok(subject),
        Owner::Gone(Gone::Erased) => Err(Rejection::Erased),
        Owner::Gone(Gone::Withheld) => Err(Rejection::Withheld),
        Owner::Gone(Gone::Lost) => Err(Rejection::Lost),
    }
}

fn sealed(case: &Case, words: Option<&Text>) -> Result<Option<Held<Text>>, Rejection> {
    words.map(|words| Ok(Held::new(subject(case)?, Compartment::Claims, words.clone()))).transpose()
}

pub(super) fn sorted<'a, T: Copy + Ord + 'a>(items: impl IntoIterator<Item = &'a T>) -> Vec<T> {
    items.into_iter().copied().collect::<BTreeSet<T>>().into_iter().collect()
}

fn one(event: Event) -> Vec<Event> {
    vec![event]
}
