//! Retentions through the app: what is over is fenced by a timer or by an operator, and destroyed when somebody else confirms
//! it: a second person, or a witness whose clock is not ours.

use std::time::Duration;

use domain::id::{ActorId, CaseId, CommandId, ErasureId, RegisterId, SubjectId};
use domain::subject::{Confirmed, OutsideSource, OutsideTime, Stage, SubjectKind};
use domain::time::Time;
use domain::value::Line;
use events::keyring::KeyringError;
use events::ledger::{Accepted, Due, EraseError, Failure, Fresh, Run};
use projections::{Cut, HeldThing};

use super::App;

/// How often the register is asked what is over.
const WATCH: Duration = Duration::from_secs(3_600);
/// How many retentions are confirmed and destroyed together; the next ones have a rotation of their own.
const TOGETHER: usize = 1_000;

/// What became of retentions that somebody confirmed.
#[derive(Debug, Default)]
pub struct Settled {
    /// Those that are confirmed now, or were before.
    pub confirmed: Vec<ErasureId>,
    /// The record of the first of them.
    pub first: Option<Accepted>,
    /// How many of them are destroyed; the others wait for the end of their cooling-off, or for a hold to be lifted.
    pub destroyed: usize,
    /// Why others are not confirmed, or not destroyed.
    pub refused: Vec<(ErasureId, EraseError)>,
}

impl App {
    /// Every key whose time is over, the one that ended first at the front. Blocks.
    pub fn retention_due(&self) -> Result<Vec<Due>, EraseError> {
        self.ledger.due(self.register_id()?)
    }

    /// Fences what is over, in the name of an actor or in nobody's, and lifts the fences of what is not over any more.
    /// Nothing is destroyed by it. Durable when it returns; blocks. `told` hears how many subjects are done, of how many.
    pub fn run_retention(&self, by: Option<ActorId>, told: &mut dyn FnMut(usize, usize)) -> Result<Run, EraseError> {
        let by = by.map_or_else(nobody, Ok)?;
        let register = self.register_id()?;
        self.ledger.fence_due(register, by, self.wait(), &|subject| self.kind_of(subject), told)
    }

    /// The retentions that are fenced and that nobody has confirmed, the one found first at the front.
    pub fn retention_waiting(&self) -> Vec<ErasureId> {
        let (mut waiting, mut after) = (Vec::new(), None);
        let views = self.ledger.views();
        while let Ok(page) = views.erasures(&[Stage::Fenced], &Cut::First { count: 1_000, after }) {
            let unconfirmed =
                |erasure: &&projections::Erasure<'_>| erasure.facts.is_retention() && erasure.facts.confirmed.is_none();
            waiting.extend(page.items.iter().filter(unconfirmed).map(|erasure| erasure.facts.id));
            after = page.items.last().map(projections::Erasure::cursor);
            if !page.has_next {
                break;
            }
        }
        waiting
    }

    /// Confirms that these retentions are over, and destroys those whose cooling-off is over and that no hold keeps, many in
    /// one rotation of the keyring. One that is refused does not keep the others. Durable, and certified where it says so,
    /// when it returns; blocks. `command_id` is that of the first. `told` hears how many are done, of how many.
    pub fn confirm_retention(
        &self,
        by: ActorId,
        which: &[ErasureId],
        confirmed: &Confirmed,
        command_id: Option<CommandId>,
        told: &mut dyn FnMut(usize, usize),
    ) -> Result<Settled, EraseError> {
        let register = self.register_id()?;
        let (mut settled, mut done) = (Settled::default(), 0);
        for some in which.chunks(TOGETHER) {
            let _one = self.erasing.lock();
            let command_id = command_id.filter(|_| done == 0);
            self.settle(register, by, some, (confirmed, command_id), &mut settled)?;
            done += some.len();
            told(done, which.len());
        }
        Ok(settled)
    }

    fn settle(
        &self,
        register: RegisterId,
        by: ActorId,
        which: &[ErasureId],
        (confirmed, command_id): (&Confirmed, Option<CommandId>),
        settled: &mut Settled,
    ) -> Result<(), EraseError> {
        let mut known: Vec<(CaseId, ErasureId)> = Vec::with_capacity(which.len());
        for erasure in which {
            let case = self.ledger.views().erasure(*erasure).map(|erasure| erasure.facts.case);
            match case {
                Some(case) => known.push((case, *erasure)),
                None => settled.refused.push((*erasure, no_such(*erasure))),
            }
        }
        let answers = self.ledger.confirm_retention(register, by, &known, confirmed, command_id)?;
        let mut ready = Vec::with_capacity(known.len());
        for ((case, erasure), answer) in known.into_iter().zip(answers) {
            match answer {
                Ok(accepted) => {
                    settled.first = settled.first.or(Some(accepted));
                    settled.confirmed.push(erasure);
                    ready.push((case, erasure, by));
                }
                Err(error) => settled.refused.push((erasure, error)),
            }
        }
        let destroyed = match self.destroy_ready(register, &ready) {
            Err(error) if error.is_of_anchor() => {
                tracing::warn!(%error, "confirmed retentions wait for the anchor");
                Vec::new()
            }
            destroyed => destroyed?,
        };
        for (erasure, destroyed) in destroyed {
            match destroyed {
                Ok(()) => settled.destroyed += 1,
                Err(error) => settled.refused.push((erasure, error)),
            }
        }
        Ok(())
    }

    /// What time it is outside, by the last words of witnesses on a checkpoint of this log: of those that are fresh by our
    /// clock, the earliest, so that one with a wrong clock cannot bring a day nearer.
    pub fn outside_time(&self) -> Option<OutsideTime> {
        let signed = self.ledger.published().cosigned()?;
        let said = signed.note.verify(&self.witnesses).ok()?;
        let outside = said.iter().filter_map(|word| {
            let at = Time(i64::try_from(word.at?).ok()?.checked_mul(1_000)?);
            let by = Line::parse(word.by.name()).ok()?;
            Some(OutsideTime { source: OutsideSource::Witness, at, by, size: signed.checkpoint.size })
        });
        outside.filter(|outside| outside.is_fresh(self.now())).min_by_key(|outside| outside.at)
    }

    /// Confirms what waits by the time outside, where there is a fresh one that is past the last days too. Says how many.
    pub fn confirm_by_time(&self) -> Result<usize, EraseError> {
        let Some(outside) = self.outside_time() else { return Ok(0) };
        let past = |id: &ErasureId| {
            let views = self.ledger.views();
            let is_past = |end: &domain::subject::Survivor| end.until < outside.at.day();
            views.erasure(*id).is_some_and(|erasure| erasure.facts.over.iter().all(is_past))
        };
        let which: Vec<ErasureId> = self.retention_waiting().into_iter().filter(past).collect();
        if which.is_empty() {
            return Ok(0);
        }
        let mut settled =
            self.confirm_retention(nobody()?, &which, &Confirmed::Outside(outside), None, &mut |_, _| ())?;
        settled.refused.pop().map_or(Ok(settled.confirmed.len()), |(_, error)| Err(error))
    }

    /// Looks what is over, and confirms it where a time from outside agrees, for as long as the ledger is in service. To be
    /// called once, by the server, inside its runtime.
    pub fn watch_retention(&self) {
        self.every(WATCH, "a retention could not go on", |app, _| {
            if app.ledger.is_closed() {
                return Ok(());
            }
            let run = app.run_retention(None, &mut |_, _| ())?;
            let confirmed = app.confirm_by_time()?;
            if run != Run::default() || confirmed > 0 {
                tracing::info!(fenced = run.fenced, lifted = run.lifted, held = run.held, confirmed, "retention");
            }
            Ok(())
        });
    }

    fn kind_of(&self, subject: SubjectId) -> SubjectKind {
        let views = self.ledger.views();
        let held = views.subject(subject).map(|held| held.compartments).unwrap_or_default();
        let mut things = held.iter().flat_map(|compartment| &compartment.things);
        let is_organization = things.any(|thing| matches!(thing, HeldThing::Organization(_)));
        if is_organization { SubjectKind::Organization } else { SubjectKind::Person }
    }
}

/// An id that is nobody's: for what the server does by itself.
pub(crate) fn nobody() -> Result<ActorId, EraseError> {
    Ok(Fresh::new().id().map_err(|none| Failure::from(KeyringError::from(none)))?)
}

fn no_such(erasure: ErasureId) -> EraseError {
    events::ledger::Refused::Rejected(domain::subject::Rejection::NoSuchErasure(erasure)).into()
}
