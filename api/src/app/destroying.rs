//! What is done to a fenced erasure when its time has come: the wait, the holds, and the destruction, of all that are due
//! together.

use std::sync::Arc;
use std::time::Duration;

use domain::id::{ActorId, CaseId, ErasureId, KeyId, RegisterId};
use domain::subject::{CoolingOff, Rejection, Stage};
use domain::time::Time;
use events::keyring::{Destroyed, KeyringError};
use events::ledger::{Accepted, EraseError, Refused};
use events::log::Log as _;
use projections::{Cut, ErasureFacts, Views};

use super::{App, Envelope};

/// How often fenced erasures are looked at.
const WATCH: Duration = Duration::from_secs(10);
/// At every how many of these looks what was ordered and not finished is tried again: a token may be back.
const AGAIN: usize = 6;
/// Why what is fenced waits behind a restore.
const RESTORED: &str = "a backup was put back since the fence, and what was decided behind the backup is gone, be it a \
    withdrawal or a hold: look at it again, and order the destruction, withdraw it or refuse it";
/// Why what is fenced waits behind a start.
const CLOSED: &str = "only the machine's clock says how long the ledger was closed since the fence, and that destroys \
    nothing alone: it goes on when it has waited while the ledger was open, or when somebody orders the destruction";
/// Why what is fenced waits while the ledger takes no changes.
const WRONG_CLOCK: &str = "the machine's clock cannot be right, so the ledger takes no changes before an operator confirms the \
    time (`lethe clock confirm`)";
/// Why what a retention fenced waits.
const UNCONFIRMED: &str =
    "our clock alone says that its time is over: a second person or a time from outside must confirm it";
/// Why what was approved is not fenced.
const APPROVED: &str = "it is approved and not fenced yet: it was cut off in between. The server goes on with it; so does \
    whoever approves it again";
/// How many erasures are destroyed together at most; the next ones have a rotation of their own.
const TOGETHER: usize = 100;

/// An erasure whose keys were to be destroyed, and what became of that.
type Tried = (ErasureId, Result<(), EraseError>);

impl App {
    /// What decides how long a fence waits here.
    pub fn wait(&self) -> CoolingOff {
        CoolingOff { asked_ms: self.cooling_off_ms, is_demo: self.demo }
    }

    /// From when on the destruction of a fenced erasure may be ordered; none for one that is not fenced. What its fence says
    /// stays, whatever the program is started with; a fence that says nothing waits as a new one would, from when it was made.
    pub fn destroyable_from(&self, erasure: &ErasureFacts) -> Option<Time> {
        let mut steps = erasure.steps.iter().rev().filter(|_| erasure.stage == Stage::Fenced);
        let fenced = steps.find(|step| step.stage == Stage::Fenced)?;
        let wait = || fenced.effective_at.plus_ms(self.wait().ms(&erasure.compartments));
        Some(erasure.cooling_off.unwrap_or_else(wait))
    }

    /// What else a fenced erasure whose time has come waits for, holds apart: somebody's word, in words.
    pub fn wants_a_word(&self, views: &Views, erasure: &ErasureFacts) -> Option<&'static str> {
        if erasure.is_retention() && erasure.stage == Stage::Fenced && erasure.confirmed.is_none() {
            return Some(UNCONFIRMED);
        }
        if erasure.stage == Stage::Approved && erasure.unfenced.is_none() {
            return Some(if views.restored_since(erasure) { RESTORED } else { APPROVED });
        }
        let fenced = erasure.steps.last()?.at;
        let from = self.destroyable_from(erasure).filter(|from| *from <= self.now())?;
        if self.ledger.clock().next(self.ledger.log().head().recorded_at).is_err() {
            return Some(WRONG_CLOCK);
        }
        if views.restored_since(erasure) {
            return Some(RESTORED);
        }
        (from > self.ledger.clock().waited(fenced)).then_some(CLOSED)
    }

    /// Orders the destruction of what is fenced and carries it out, when the cooling-off is over and no hold stands. Durable
    /// when it returns, and certified unless a member of the anchor is away; blocks.
    pub fn order_destruction(
        &self,
        by: ActorId,
        case: CaseId,
        erasure: ErasureId,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let register = self.register_id()?;
        let _one = self.erasing.lock();
        let from = self.ledger.views().erasure(erasure).and_then(|erasure| self.destroyable_from(erasure.facts));
        if let Some(from) = from.filter(|from| *from > self.now()) {
            return Err(Refused::Rejected(Rejection::CoolingOff(from)).into());
        }
        let Envelope { command_id, expected_revision, .. } = envelope;
        let ordered = self.ledger.order_destruction(register, case, erasure, by, command_id, expected_revision)?;
        self.lead_on(register, case, erasure, by)?;
        Ok(ordered)
    }

    /// Which member of the anchor keeps an erasure or a redaction at this stage from being done, in words.
    pub fn waits_for_anchor(&self, stage: Stage) -> Option<String> {
        let waiting = self.ledger.keyring().waiting().filter(|_| stage == Stage::DestructionOrdered)?;
        Some(format!(
            "{waiting}; what is ordered is destroyed when it is there, which the server looks for every minute"
        ))
    }

    /// One look of the server: what is due is destroyed; and where `again`, what was ordered and could not be finished is
    /// tried again. Says how many erasures are certified by it. Blocks.
    pub fn look_at_erasures(&self, again: bool) -> Result<usize, EraseError> {
        let finished = if again { self.resume() } else { Ok(0) };
        // What one of them meets keeps none of the others.
        let (led, due) = (self.lead_on_approved(), self.destroy_due());
        Ok(led? + due? + finished?)
    }

    /// Fences what was approved, if a crash came in between: two people decided. What a restore brought back as approved waits for
    /// a word. Says how many of these are certified, which need not wait. Blocks.
    fn lead_on_approved(&self) -> Result<usize, EraseError> {
        let is_left = |views: &Views, erasure: &ErasureFacts| {
            erasure.unfenced.is_none() && !erasure.is_retention() && !views.restored_since(erasure)
        };
        if self.approved(Stage::Approved, is_left).is_empty() {
            return Ok(0);
        }
        let register = self.register_id()?;
        let _one = self.erasing.lock();
        let (mut certified, mut failed) = (0, None);
        for (case, erasure, approver) in self.approved(Stage::Approved, is_left) {
            match self.lead_on(register, case, erasure, approver) {
                Ok(()) => certified += usize::from(self.stands(case, erasure)? == Stage::Certified),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(certified), Err)
    }

    /// Destroys what is fenced, whose cooling-off is over and that no hold keeps, all that are due in one rotation of the
    /// keyring; one that is refused does not keep the others. Says how many erasures that were. Blocks.
    pub fn destroy_due(&self) -> Result<usize, EraseError> {
        let due = self.due();
        if due.is_empty() {
            return Ok(0);
        }
        let register = self.register_id()?;
        let (mut destroyed, mut failed) = (0, None);
        for some in due.chunks(TOGETHER) {
            let _one = self.erasing.lock();
            for (_, done) in self.destroy_ready(register, some)? {
                match done {
                    Ok(()) => destroyed += 1,
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        failed.map_or(Ok(destroyed), Err)
    }

    /// Destroys those of these whose time has come and that no hold keeps, all in one rotation, and sweeps what was sealed
    /// under their keys. The caller holds `erasing`.
    pub(super) fn destroy_ready(
        &self,
        register: RegisterId,
        some: &[(CaseId, ErasureId, ActorId)],
    ) -> Result<Vec<Tried>, EraseError> {
        let mut ready = Vec::with_capacity(some.len());
        for (case, erasure, approver) in some {
            // Its fence may have been lifted since, or made anew, or a hold placed.
            if self.stands(*case, *erasure)? == Stage::Fenced
                && self.is_over(*erasure)
                && !self.is_held(*case, *erasure)?
            {
                ready.push((*case, *erasure, *approver));
            }
        }
        let done = self.ledger.destroy_all(register, &ready)?;
        let gone = ready.iter().zip(&done).filter(|(_, done)| done.is_ok());
        let keys: Vec<KeyId> = gone.flat_map(|((_, erasure, _), _)| self.fenced_keys(*erasure)).collect();
        if !keys.is_empty() {
            self.sweep(keys);
        }
        Ok(ready.into_iter().zip(done).map(|((_, erasure, _), done)| (erasure, done.map(drop))).collect())
    }

    /// Leads on what was ordered to be destroyed and has no certificate: the clock was in doubt, say. Says how many erasures
    /// are certified now. Blocks.
    pub fn finish_ordered(&self) -> Result<usize, EraseError> {
        let _one = self.erasing.lock();
        let register = self.ledger.views().register_stream().map(|(id, _)| id);
        let finished = self.ledger.finish_erasures(register)?;
        if !finished.keys.is_empty() {
            self.sweep(finished.keys);
        }
        Ok(finished.certified)
    }

    /// Destroys the keys that are retired and no other, with a new root. Durable when it returns; blocks.
    pub fn rotate_keyring(&self) -> Result<Destroyed, KeyringError> {
        // An order names the epoch before it, and no rotation is to come between.
        let _one = self.erasing.lock();
        self.ledger.keyring().rotate()
    }

    /// Leads on what an anchor kept from being destroyed: it was away, say. Says how many erasures are certified now. Blocks.
    pub fn resume(&self) -> Result<usize, EraseError> {
        let _one = self.erasing.lock();
        let register = self.ledger.views().register_stream().map(|(id, _)| id);
        let finished = self.ledger.resume(register)?;
        if !finished.keys.is_empty() {
            self.sweep(finished.keys);
        }
        Ok(finished.certified)
    }

    /// Lets erasures go on when their cooling-off is over, and records what the suppression list dropped, for as long as the
    /// ledger is in service. To be called once, by the server, inside its runtime.
    pub fn watch_erasures(&self) {
        self.every(WATCH, "a fenced erasure could not go on", |app, look| {
            if app.ledger.is_closed() {
                return Ok(());
            }
            let looked = app.look_after(look.is_multiple_of(AGAIN));
            // A crash came between the sweep and the record of it.
            let swept = if look == 1 || look.is_multiple_of(AGAIN) { app.close_swept_residues(&[]) } else { Ok(0) };
            looked.and(swept).and(app.close_due_residues()).map(drop)
        });
    }

    /// Does something every so often and at once at first, with the number of the time from 1, for as long as the ledger is
    /// in service, which it does not keep so.
    pub(super) fn every(
        &self,
        pause: Duration,
        fault: &'static str,
        act: impl Fn(&Self, usize) -> Result<(), EraseError> + Send + Sync + 'static,
    ) {
        let Self {
            ledger,
            erasing,
            naming,
            unrecorded,
            demo,
            is_trial,
            cooling_off_ms,
            kept,
            replays,
            witnesses,
            authorities,
        } = self.clone();
        let (ledger, act) = (Arc::downgrade(&ledger), Arc::new(act));
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(pause);
            let mut said = None;
            for look in 1_usize.. {
                ticks.tick().await;
                let Some(ledger) = ledger.upgrade() else { return };
                let (erasing, naming, kept, replays) = (erasing.clone(), naming.clone(), kept.clone(), replays.clone());
                let (unrecorded, act) = (unrecorded.clone(), act.clone());
                let (witnesses, authorities) = (witnesses.clone(), authorities.clone());
                let app = Self {
                    ledger,
                    erasing,
                    naming,
                    unrecorded,
                    demo,
                    is_trial,
                    cooling_off_ms,
                    kept,
                    replays,
                    witnesses,
                    authorities,
                };
                let failed = match tokio::task::spawn_blocking(move || act(&app, look)).await {
                    Ok(Ok(())) => None,
                    Ok(Err(failed)) => Some(failed.to_string()),
                    Err(_) => Some("its thread failed".to_owned()),
                };
                // A token may be away for days.
                if let Some(error) = failed.as_ref().filter(|failed| said.as_ref() != Some(*failed)) {
                    tracing::error!(error, "{fault}");
                }
                if look.is_multiple_of(AGAIN) {
                    said = failed;
                }
            }
        });
    }

    /// What the server does every while.
    fn look_after(&self, again: bool) -> Result<usize, EraseError> {
        if let Err(failed) = self.record_sendings() {
            tracing::error!(error = %failed, "what the suppression list dropped could not be recorded");
        }
        if let Err(failed) = self.settle_suppressions() {
            tracing::error!(error = %failed, "the suppression list could not be led on");
        }
        self.look_at_erasures(again)
    }

    /// Whether the cooling-off of a fenced erasure is over, and nobody has to say that it goes on.
    pub(super) fn is_over(&self, erasure: ErasureId) -> bool {
        let views = self.ledger.views();
        views.erasure(erasure).is_some_and(|erasure| self.is_due(&views, erasure.facts))
    }

    fn is_due(&self, views: &Views, erasure: &ErasureFacts) -> bool {
        let from = self.destroyable_from(erasure);
        from.is_some_and(|from| from <= self.now()) && self.wants_a_word(views, erasure).is_none()
    }

    /// Whether a hold in force keeps what an erasure fenced: one of its case, or of somebody whom it reaches.
    pub(super) fn is_held(&self, case: CaseId, erasure: ErasureId) -> Result<bool, EraseError> {
        let (_, state) = self.ledger.state::<domain::subject::Case>(&case.0)?;
        let Some(found) = state.erasures().iter().find(|found| found.id == erasure) else { return Ok(false) };
        Ok(state.keeping(&found.compartments).is_some() || self.ledger.owners().keeping(&found.keys).is_some())
    }

    /// What is fenced and has waited, and who approved it.
    fn due(&self) -> Vec<(CaseId, ErasureId, ActorId)> {
        self.approved(Stage::Fenced, |views, erasure| self.is_due(views, erasure))
    }

    /// Of what stands at a stage, that which is wanted, and who approved it.
    fn approved(
        &self,
        stage: Stage,
        wanted: impl Fn(&Views, &ErasureFacts) -> bool,
    ) -> Vec<(CaseId, ErasureId, ActorId)> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let views = self.ledger.views();
            let Ok(page) = views.erasures(&[stage], &Cut::First { count: 100, after }) else { break };
            for erasure in &page.items {
                let approved = erasure.facts.steps.iter().rev().find(|step| step.stage == Stage::Approved);
                if let Some(approved) = approved.filter(|_| wanted(&views, erasure.facts)) {
                    found.push((erasure.facts.case, erasure.facts.id, approved.actor));
                }
            }
            after = page.items.last().map(|erasure| erasure.cursor());
            if !page.has_next {
                break;
            }
        }
        found
    }
}
