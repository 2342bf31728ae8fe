//! A redaction: one value, one message or one node goes, and what stays of its compartment is resealed under another key.
//! With a day to wait for it is the recycle bin: until then it can be taken out, and on that day a second person purges it.

use super::{Case, Certificate, Event as CaseEvent, Rejection, Stage};
use crate::aggregate::Circumstances;
use crate::compartment::Compartment;
use crate::event::Stream;
use crate::id::{ActorId, ErasureId, KeyId, MessageId};
use crate::personal::Held;
use crate::time::Day;
use crate::value::Text;

/// What is to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// In which stream it stands.
    pub stream: Stream,
    /// What of it.
    pub what: What,
    /// Why, in words.
    pub words: Option<Text>,
}

/// What of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// These fields of a profile, by their numbers, in every record that has them.
    Fields(Vec<u32>),
    /// One message of a ticket; the first one with the line that the ticket is about.
    Message(MessageId),
    /// Everything that is sealed in it: the node is in the recycle bin.
    Node,
}

/// A sealed part, by the record that it was made for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PartOf {
    /// The record's position.
    pub position: u64,
    /// Which of its parts, from 0.
    pub part: u32,
}

/// A part that goes on under another key, with the fields that stay. It keeps its commitment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moved {
    /// Which. What was resealed before is still named by the record that it was made for.
    pub of: PartOf,
    /// The leaves of its commitment that are bare from here on, by their numbers: 2 is the first field.
    pub gone: Vec<u32>,
}

/// What one record moves, and what it leaves behind whole.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Resealed {
    /// The parts that go on, in the order of the record's own.
    pub moved: Vec<Moved>,
    /// The parts that go with the old key.
    pub dropped: Vec<PartOf>,
}

/// How a redaction is carried out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The key that dies.
    pub from: KeyId,
    /// The key of what stays; none where nothing stays.
    pub to: Option<KeyId>,
    /// What each record says, in their order.
    pub resealed: Vec<Resealed>,
    /// The keyring's epoch now.
    pub epoch_before: u64,
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Somebody asks that it goes.
    Request {
        /// A new id.
        redaction: ErasureId,
        /// The compartment it is sealed in.
        compartment: Compartment,
        /// What.
        wanted: Wanted,
        /// For the recycle bin: the day from which on it may be purged.
        purge_on: Option<Day>,
    },
    /// It stays after all.
    Withdraw {
        /// Which.
        redaction: ErasureId,
    },
    /// Yes, says a second person; it is carried out by the same command.
    CarryOut {
        /// Which.
        redaction: ErasureId,
        /// How.
        plan: Plan,
    },
}

/// Fact.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Somebody asked that something goes.
    Requested {
        /// The redaction's own id.
        redaction: ErasureId,
        /// Who asked, so that somebody else approves it.
        by: ActorId,
        /// The compartment it is sealed in.
        compartment: Compartment,
        /// For the recycle bin: the day from which on it may be purged.
        purge_on: Option<Day>,
        /// What; under [`Compartment::Claims`].
        wanted: Held<Wanted>,
    },
    /// It stays.
    Withdrawn {
        /// Which.
        redaction: ErasureId,
    },
    /// A second person agreed.
    Approved {
        /// Which.
        redaction: ErasureId,
    },
    /// Parts go on under another key. Their bytes are the parts of this record.
    Resealed {
        /// Which.
        redaction: ErasureId,
        /// The compartment.
        compartment: Compartment,
        /// The key they had.
        from: KeyId,
        /// The key they have; none where nothing goes on.
        to: Option<KeyId>,
        /// Which, and what stays behind.
        resealed: Resealed,
        /// Whether the next record moves more of the same key.
        more: bool,
    },
}

/// One redaction, as far as it has come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redaction {
    /// Its id.
    pub id: ErasureId,
    /// How far it is: requested, withdrawn, approved, ordered to be destroyed, certified.
    pub stage: Stage,
    /// Who asked.
    pub by: ActorId,
    /// The compartment it is in.
    pub compartment: Compartment,
    /// The day from which on it may be purged, where it is in the recycle bin.
    pub purge_on: Option<Day>,
    /// What goes, while that can be read.
    pub wanted: Option<Wanted>,
    /// The keyring's epoch when the destruction was ordered.
    pub epoch_before: u64,
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotRedacted {
    /// Not of this case.
    #[error("there is no redaction {0} for this subject")]
    NoSuch(ErasureId),
    /// Too late.
    #[error("this redaction is {}; only one that is requested can be {act}", .stage.words())]
    OutOfOrder {
        /// How far it is.
        stage: Stage,
        /// For what.
        act: &'static str,
    },
    /// What the law keeps is no field's to lose.
    #[error("what is kept in {0} is not redacted value by value: it proves something, or the law keeps it whole")]
    Kept(Compartment),
    /// Four eyes.
    #[error("you asked for this redaction yourself; another person must approve it")]
    ApprovingOwn,
    /// A purge that would have been.
    #[error("{0} has come or is over; what is moved to the bin is purged on a day to come")]
    PurgeOver(Day),
    /// Still in the bin.
    #[error("this stays in the bin until {0}; until then it can be taken out")]
    TooEarly(Day),
    /// In the bin once.
    #[error("this is in the bin already, as {0}")]
    InBin(ErasureId),
    /// Purged only as far as one of two is concerned, it could still be read.
    #[error(
        "it tells of somebody else too, for whom nobody asked that it goes; withdraw this and move it to the bin again"
    )]
    OfOthersToo,
    /// They have keys of their own, and would stay.
    #[error(
        "{0} documents hang on it, and would stay: redact them, or move them to the bin and have them purged, first"
    )]
    HasDocuments(usize),
    /// Nothing of it stands anywhere.
    #[error("nothing of it is sealed there, or not any more, so there is nothing to redact")]
    Nothing,
    /// The keys of a whole erasure are on their way.
    #[error("{0} is under way for the same data; it must be over, or withdrawn, first")]
    UnderWay(ErasureId),
}

pub(super) fn decide(case: &Case, command: &Command, when: &Circumstances) -> Result<Vec<CaseEvent>, Rejection> {
    match command {
        Command::Request { redaction, compartment, wanted, purge_on } => {
            request(case, *redaction, *compartment, wanted, *purge_on, when).map(one)
        }
        Command::Withdraw { redaction } => {
            requested(case, *redaction, "withdrawn")?;
            Ok(one(Event::Withdrawn { redaction: *redaction }))
        }
        Command::CarryOut { redaction, plan } => carry_out(case, *redaction, plan, when),
    }
}

/// Whether this person may carry it out now, whatever comes of it.
pub fn check<'a>(case: &'a Case, redaction: ErasureId, when: &Circumstances) -> Result<&'a Redaction, Rejection> {
    super::decide::subject(case)?;
    let found = requested(case, redaction, "carried out")?;
    if found.by == when.actor {
        return Err(NotRedacted::ApprovingOwn.into());
    }
    if let Some(day) = found.purge_on.filter(|day| when.now.day() < *day) {
        return Err(NotRedacted::TooEarly(day).into());
    }
    if let Some(hold) = case.keeping(&[found.compartment]) {
        return Err(Rejection::OnHold { hold: hold.id, review_on: hold.review_on });
    }
    let takes = |erasure: &&super::Erasure| {
        let under_way = matches!(erasure.stage, Stage::Fenced | Stage::DestructionOrdered);
        under_way && erasure.compartments.contains(&found.compartment)
    };
    match case.erasures().iter().find(takes) {
        Some(erasure) => Err(NotRedacted::UnderWay(erasure.id).into()),
        None => Ok(found),
    }
}

/// Keys are destroyed behind their order, or were found destroyed; as for every erasure.
pub(super) fn certify(
    case: &Case,
    redaction: ErasureId,
    certificate: &Certificate,
) -> Option<Result<Vec<CaseEvent>, Rejection>> {
    let found = case.redactions.iter().find(|found| found.id == redaction)?;
    if found.stage != Stage::DestructionOrdered {
        return Some(Err(NotRedacted::OutOfOrder { stage: found.stage, act: "certified" }.into()));
    }
    let sound = super::decide::check_epochs(found.epoch_before, certificate);
    let certified = || CaseEvent::Certified { erasure: redaction, certificate: super::decide::in_order(certificate) };
    Some(sound.map(|()| vec![certified()]))
}

pub(super) fn evolve(case: &mut Case, event: &Event) {
    match event {
        Event::Requested { redaction, by, compartment, purge_on, wanted } => case.redactions.push(Redaction {
            id: *redaction,
            stage: Stage::Requested,
            by: *by,
            compartment: *compartment,
            purge_on: *purge_on,
            wanted: wanted.here().map(|wanted| wanted.expose().clone()),
            epoch_before: 0,
        }),
        Event::Withdrawn { redaction } => step(case, *redaction, Stage::Withdrawn, None),
        Event::Approved { redaction } => step(case, *redaction, Stage::Approved, None),
        Event::Resealed { .. } => {}
    }
}

pub(super) fn step(case: &mut Case, id: ErasureId, stage: Stage, epoch_before: Option<u64>) {
    if let Some(found) = case.redactions.iter_mut().find(|found| found.id == id) {
        found.stage = stage;
        found.epoch_before = epoch_before.unwrap_or(found.epoch_before);
    }
}

fn request(
    case: &Case,
    redaction: ErasureId,
    compartment: Compartment,
    wanted: &Wanted,
    purge_on: Option<Day>,
    when: &Circumstances,
) -> Result<Event, Rejection> {
    let subject = super::decide::subject(case)?;
    let used = case.redactions.iter().map(|found| found.id).chain(case.erasures.iter().map(|found| found.id));
    if used.into_iter().any(|used| used == redaction) {
        return Err(Rejection::ErasureIdUsed(redaction));
    }
    use Compartment::{Document, Relationship, Sales, Support};
    if !matches!(compartment, Relationship | Support(_) | Sales(_) | Document(_)) {
        return Err(NotRedacted::Kept(compartment).into());
    }
    if let Some(day) = purge_on.filter(|day| *day <= when.now.day()) {
        return Err(NotRedacted::PurgeOver(day).into());
    }
    let same = |found: &&Redaction| {
        let of = found.wanted.as_ref().map(|of| (of.stream, &of.what));
        found.stage == Stage::Requested && of == Some((wanted.stream, &wanted.what))
    };
    if let Some(found) = case.redactions.iter().find(same).filter(|_| purge_on.is_some()) {
        return Err(NotRedacted::InBin(found.id).into());
    }
    let wanted = Held::new(subject, Compartment::Claims, wanted.clone());
    Ok(Event::Requested { redaction, by: when.actor, compartment, purge_on, wanted })
}

/// All in one command: a crash leaves either a request, or an order that the next open finishes.
fn carry_out(
    case: &Case,
    redaction: ErasureId,
    plan: &Plan,
    when: &Circumstances,
) -> Result<Vec<CaseEvent>, Rejection> {
    let Redaction { compartment, .. } = *check(case, redaction, when)?;
    let Plan { from, to, resealed, epoch_before } = plan;
    let goes =
        |resealed: &Resealed| !resealed.dropped.is_empty() || resealed.moved.iter().any(|moved| !moved.gone.is_empty());
    if !resealed.iter().any(goes) {
        return Err(NotRedacted::Nothing.into());
    }
    let last = resealed.len() - 1;
    let moves = resealed.iter().enumerate().map(|(number, resealed)| {
        let (from, to, more) = (*from, *to, number < last);
        CaseEvent::Redaction(Event::Resealed { redaction, compartment, from, to, resealed: resealed.clone(), more })
    });
    let ordered = CaseEvent::DestructionOrdered { erasure: redaction, keys: vec![*from], epoch_before: *epoch_before };
    let approved = CaseEvent::Redaction(Event::Approved { redaction });
    Ok(std::iter::once(approved).chain(moves).chain([ordered]).collect())
}

fn requested<'a>(case: &'a Case, id: ErasureId, act: &'static str) -> Result<&'a Redaction, NotRedacted> {
    let found = case.redactions.iter().find(|found| found.id == id).ok_or(NotRedacted::NoSuch(id))?;
    if found.stage != Stage::Requested {
        return Err(NotRedacted::OutOfOrder { stage: found.stage, act });
    }
    Ok(found)
}

fn one(event: Event) -> Vec<CaseEvent> {
    vec![CaseEvent::Redaction(event)]
}

#[cfg(test)]
mod tests;
