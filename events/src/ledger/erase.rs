//! An erasure's way through log and keyring: fenced, destruction ordered, keys destroyed, certified, swept. Each step is a
//! record, so what a crash leaves behind is finished, or left as it is, by what the records say.

use std::time::Duration;

use domain::aggregate::{Aggregate as _, Circumstances};
use domain::compartment::Compartment;
use domain::event::Follow;
use domain::id::{ActorId, CaseId, CommandId, ErasureId, HoldId, KeyId, RegisterId, SubjectId};
use domain::personal::Gone;
use domain::register::{Fate, LiveCompartment, NoRule, Register, survivors};
use domain::subject::{self, Case, Closing, Command, CoolingOff, Rejection, Stage, UnfenceGround};
use domain::time::{Day, Time};
use domain::value::Text;

use super::certify::Ordered;
use super::command::{Accepted, Failure, Intent, Refused};
use super::read::Unreadable;
use super::{Fresh, Ledger};
use crate::log::{Log as _, PartPlace};
use crate::record::Record;

/// How often a fence is tried when the subject's keys change under it.
const TRIES: usize = 5;
/// How many parts are swept at a time, and the pause behind them: at most 2,500 parts a second, so that writes keep their pace.
const SWEEP: usize = 100;
const SWEEP_PAUSE: Duration = Duration::from_millis(40);

/// Why an erasure did not get further. What was done stays done: every step is a record.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The domain said no.
    #[error(transparent)]
    Refused(#[from] Refused<Rejection>),
    /// The register does not say what becomes of a compartment.
    #[error(transparent)]
    NoRule(#[from] NoRule),
    /// Another erasure took some of the same keys first.
    #[error("{0} is under way for some of the same data; it must be over, or withdrawn, first")]
    UnderWay(ErasureId),
    /// A legal hold of somebody whom the erasure reaches, in whoever's case.
    #[error("{0} keeps some of this data, by two people's word; nothing is destroyed before the hold is lifted")]
    OnHold(HoldId),
    /// The machine failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl EraseError {
    /// Whether it is the anchor that did not do its part: what was ordered stays fenced, and is destroyed when the anchor does.
    pub fn is_of_anchor(&self) -> bool {
        match self {
            Self::Failed(Failure::Keyring(error)) | Self::Refused(Refused::Failed(Failure::Keyring(error))) => {
                error.is_of_anchor()
            }
            _ => false,
        }
    }
}

/// A subject and its keys.
type KeysOf = (SubjectId, Vec<(Compartment, KeyId)>);

/// One compartment of a subject, and what an erasure would make of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// Whose.
    pub subject: SubjectId,
    /// Which.
    pub compartment: Compartment,
    /// Its key.
    pub key: KeyId,
    /// What becomes of it.
    pub fate: Fate,
}

impl<V: Follow> Ledger<V> {
    /// What an erasure of these subjects would destroy and what it would keep, by the register as it is.
    pub fn plan_erasure(&self, register: RegisterId, subjects: &[SubjectId]) -> Result<Vec<Planned>, EraseError> {
        let (_, register) = self.state::<Register>(&register.0)?;
        let today = self.shared.clock.now().day();
        let mut planned = Vec::new();
        for subject in subjects {
            let keys = self.shared.owners.read().keys_of(*subject).to_vec();
            planned.extend(self.fates(&register, *subject, &keys, today)?);
        }
        Ok(planned)
    }

    /// Approves an erasure that another actor requested, and fences what it destroys: behind this nobody reads or writes it.
    /// `wait` decides how long it waits then. Durable when it returns.
    pub fn approve_erasure(
        &self,
        register: RegisterId,
        case: CaseId,
        erasure: ErasureId,
        approval: &Intent<Case>,
        wait: CoolingOff,
    ) -> Result<Accepted, EraseError> {
        if self.shared.log.command(&approval.command_id).is_none() {
            self.check_fence(register, case, erasure, approval)?;
        }
        let approved = self.submit_blocking(approval)?;
        let (_, state) = self.state::<Case>(&case.0)?;
        let fenced = state.open_erasure().is_none_or(|open| open.id != erasure || !open.keys.is_empty());
        if fenced {
            return Ok(approved);
        }
        self.fence_approved(register, case, erasure, approval.actor, wait)?;
        Ok(approved)
    }

    /// Whether an approval would be accepted and the fence behind it written, as things are: an approval that cannot be
    /// fenced would be in nobody's way and of no use. Writes nothing.
    pub fn check_fence(
        &self,
        register: RegisterId,
        case: CaseId,
        erasure: ErasureId,
        approval: &Intent<Case>,
    ) -> Result<(), EraseError> {
        let now = self.shared.clock.now();
        let when = Circumstances { actor: approval.actor, effective_at: now, now };
        let (_, state) = self.state::<Case>(&case.0)?;
        let mut state = (*state).clone();
        for event in state.decide(&approval.command, &when).map_err(Refused::Rejected)? {
            state.evolve(&event);
        }
        let (_, fence) = self.plan_fence(register, &self.subjects_of(case)?, erasure, CoolingOff::NONE)?;
        state.decide(&fence, &when).map_err(Refused::Rejected)?;
        Ok(())
    }

    /// Whether the fence of an erasure of these subjects would fit into its record, as things are. Writes nothing.
    pub fn check_reach(&self, register: RegisterId, subjects: &[SubjectId]) -> Result<(), EraseError> {
        let (closing, keys) = self.closing(register, subjects)?;
        match subject::check_fence(&closing, &keys) {
            // Nothing dies, so there is nothing to fit; whoever decides about the request will say so.
            Err(Rejection::NothingToFence) => Ok(()),
            fits => Ok(fits.map_err(Refused::Rejected)?),
        }
    }

    /// Destroys what is fenced: the order, the keys, the certificate. What was ordered before is led on from there. Durable
    /// and certified when it returns; the sealed parts are overwritten behind it.
    pub fn destroy_fenced(
        &self,
        register: RegisterId,
        case: CaseId,
        erasure: ErasureId,
        actor: ActorId,
    ) -> Result<Accepted, EraseError> {
        self.destroy_all(register, &[(case, erasure, actor)])?.pop().unwrap_or_else(|| Err(Failure::Busy.into()))
    }

    /// Destroys several fenced erasures together: each is ordered, the keys of all that could be die in one rotation of the
    /// keyring, and each is certified. The answers are in their order; one that is refused does not keep the others. Fails as
    /// a whole only where the machine fails, and then what was ordered is finished at the next open.
    pub fn destroy_all(
        &self,
        register: RegisterId,
        due: &[(CaseId, ErasureId, ActorId)],
    ) -> Result<Vec<Result<Accepted, EraseError>>, EraseError> {
        let ordered = self.order_all(register, due);
        let orders: Vec<Ordered> = ordered.iter().flatten().cloned().collect();
        let mut certified = self.finish(Some(register), &orders)?.into_iter();
        let answers = ordered.into_iter().map(|ordered| match ordered {
            Ok(_) => certified.next().unwrap_or_else(|| Err(Failure::Busy.into())),
            Err(error) => Err(error),
        });
        Ok(answers.collect())
    }

    /// Orders the destruction of what is fenced, and goes no further; whoever orders it leads it on, or the next open does.
    /// Durable when it returns.
    pub fn order_destruction(
        &self,
        register: RegisterId,
        case: CaseId,
        erasure: ErasureId,
        actor: ActorId,
        command_id: Option<CommandId>,
        expected: Option<u64>,
    ) -> Result<Accepted, EraseError> {
        let mut order = self.plan_order(register, case, erasure, actor)?;
        order.command_id = command_id.unwrap_or(order.command_id);
        order.expected = expected;
        Ok(self.submit_blocking(&order)?)
    }

    fn plan_order(
        &self,
        register: RegisterId,
        case: CaseId,
        erasure: ErasureId,
        actor: ActorId,
    ) -> Result<Intent<Case>, EraseError> {
        let (_, state) = self.state::<Case>(&case.0)?;
        let found = state.erasures().iter().find(|found| found.id == erasure);
        let found = found.ok_or(Refused::Rejected(Rejection::NoSuchErasure(erasure)))?;
        // A hold of the case itself has words of its own in the domain.
        let held = self.shared.owners.read().keeping(&found.keys);
        if let Some(hold) =
            held.filter(|_| found.stage == Stage::Fenced && state.keeping(&found.compartments).is_none())
        {
            return Err(EraseError::OnHold(hold));
        }
        // A retry says again what was said then.
        let epoch_before = found.epoch_before.unwrap_or_else(|| self.shared.keyring.epoch());
        let order = Command::OrderDestruction { erasure, keys: found.keys.clone(), epoch_before };
        let mut order = self.intent(case, actor, order)?;
        if found.is_retention() && found.stage == Stage::Fenced {
            order.reads.push(self.check_still_over(register, &found.keys)?);
        }
        Ok(order)
    }

    /// The orders of destructions, given now, together, where they were not given before.
    fn order_all(
        &self,
        register: RegisterId,
        due: &[(CaseId, ErasureId, ActorId)],
    ) -> Vec<Result<Ordered, EraseError>> {
        let mut orders = Vec::new();
        let planned: Vec<Result<(Ordered, bool), EraseError>> = due
            .iter()
            .map(|(case, erasure, actor)| {
                let (_, state) = self.state::<Case>(&case.0)?;
                let open = state.erasures().iter().find(|open| open.id == *erasure && open.stage.is_open());
                let open = open.ok_or(Refused::Rejected(Rejection::NoSuchErasure(*erasure)))?;
                let is_new = open.stage != Stage::DestructionOrdered;
                if is_new {
                    orders.push(self.plan_order(register, *case, *erasure, *actor)?);
                }
                let keys = open.keys.clone();
                Ok((Ordered { case: *case, erasure: *erasure, actor: *actor, keys }, is_new))
            })
            .collect();
        let mut given = self.submit_all_blocking(&orders).into_iter();
        let answer = |planned: Result<(Ordered, bool), EraseError>| match planned? {
            (ordered, true) => {
                given.next().unwrap_or_else(|| Err(Failure::Busy.into())).map(|_| ordered).map_err(Into::into)
            }
            (ordered, false) => Ok(ordered),
        };
        planned.into_iter().map(answer).collect()
    }

    /// Whether a hold on these compartments of a subject would come too late, in whoever's case the order stands.
    pub fn check_hold(&self, subject: SubjectId, compartments: &[Compartment]) -> Result<(), Rejection> {
        let late = self.shared.owners.read().too_late(subject, compartments);
        late.map_or(Ok(()), |erasure| Err(Rejection::HoldTooLate(erasure)))
    }

    /// Lifts a fence: what was withheld is read again.
    pub fn lift_fence(
        &self,
        case: CaseId,
        erasure: ErasureId,
        actor: ActorId,
        ground: UnfenceGround,
        words: Option<Text>,
    ) -> Result<Accepted, EraseError> {
        self.step(case, actor, Command::Unfence { erasure, ground, words })
    }

    /// Overwrites the sealed parts of these keys, a few at a time, whichever keys they are of: each time is a sync.
    pub fn sweep(&self, keys: &[KeyId]) -> Result<usize, Failure> {
        let unreadable = |failed: crate::log::LogError| Unreadable { position: u64::MAX, fault: failed.into() };
        let (mut swept, mut waiting) = (0, Vec::new());
        for key in keys {
            waiting.extend(self.shared.log.parts_of(key).map_err(unreadable)?);
            while waiting.len() >= SWEEP {
                let some = waiting.split_off(waiting.len() - SWEEP);
                self.shared.log.remove_parts(&some).map_err(unreadable)?;
                swept += some.len();
                std::thread::sleep(SWEEP_PAUSE);
            }
        }
        if !waiting.is_empty() {
            self.shared.log.remove_parts(&waiting).map_err(unreadable)?;
        }
        Ok(swept + waiting.len())
    }

    /// Fences an approved erasure, as [`Ledger::approve_erasure`] does behind the approval: for one that was cut off
    /// between the two. Durable when it returns.
    pub fn fence_approved(
        &self,
        register: RegisterId,
        case: CaseId,
        erasure: ErasureId,
        actor: ActorId,
        wait: CoolingOff,
    ) -> Result<Accepted, EraseError> {
        for _ in 0..TRIES {
            let subjects = self.subjects_of(case)?;
            self.lift_retentions(&subjects, actor)?;
            let (keys, command) = self.plan_fence(register, &subjects, erasure, wait)?;
            match self.submit_blocking(&Intent { keys, ..self.intent(case, actor, command)? }) {
                Err(Refused::Failed(Failure::Busy)) => {}
                done => return Ok(done?),
            }
        }
        Err(Failure::Busy.into())
    }

    /// The fence of an erasure of these subjects, and the keys that it was planned from.
    fn plan_fence(
        &self,
        register: RegisterId,
        subjects: &[SubjectId],
        erasure: ErasureId,
        wait: CoolingOff,
    ) -> Result<(Vec<KeysOf>, Command), EraseError> {
        let held = {
            let owners = self.shared.owners.read();
            subjects.iter().map(|subject| (*subject, owners.keys_of(*subject).to_vec())).collect()
        };
        let (closing, keys) = self.closing(register, subjects)?;
        let owners = self.shared.owners.read();
        // What a retention fenced, the erasure takes along: that fence is lifted first.
        if let Some(other) = owners.taken(&keys, erasure).filter(|other| !owners.ends().is_open(*other)) {
            return Err(EraseError::UnderWay(other));
        }
        Ok((held, Command::Fence { erasure, closing, keys, wait }))
    }

    /// What an erasure closes, and the keys it destroys.
    fn closing(&self, register: RegisterId, subjects: &[SubjectId]) -> Result<(Vec<Closing>, Vec<KeyId>), EraseError> {
        let planned = self.plan_erasure(register, subjects)?;
        let dying = |planned: &&Planned| planned.fate == Fate::Dies;
        let closing = subjects.iter().map(|subject| Closing {
            subject: *subject,
            closed: of(&planned, *subject).filter(dying).map(|planned| planned.compartment).collect(),
            stays: of(&planned, *subject).filter(|one| !dying(one)).map(|planned| planned.compartment).collect(),
        });
        let keys = planned.iter().filter(dying).map(|planned| planned.key).collect();
        Ok((closing.collect(), keys))
    }

    /// The subject of a case and, for an organization, those of its people who go too.
    pub(super) fn subjects_of(&self, case: CaseId) -> Result<Vec<SubjectId>, EraseError> {
        let (_, state) = self.state::<Case>(&case.0)?;
        let owner = match state.owner() {
            domain::owner::Owner::Subject(subject) => subject,
            domain::owner::Owner::Gone(Gone::Erased) => return Err(Refused::Rejected(Rejection::Erased).into()),
            domain::owner::Owner::Gone(Gone::Withheld) => return Err(Refused::Rejected(Rejection::Withheld).into()),
            domain::owner::Owner::Gone(Gone::Lost) => return Err(Refused::Rejected(Rejection::Lost).into()),
            domain::owner::Owner::Nobody => return Err(Refused::Rejected(Rejection::NotOpened).into()),
        };
        let people = state.open_erasure().and_then(|open| open.people.clone().ok()).unwrap_or_default();
        Ok(std::iter::once(owner).chain(people.into_iter().filter(|person| *person != owner)).collect())
    }

    fn fates(
        &self,
        register: &Register,
        subject: SubjectId,
        keys: &[(Compartment, KeyId)],
        today: Day,
    ) -> Result<Vec<Planned>, EraseError> {
        let mut planned = Vec::with_capacity(keys.len());
        for (compartment, key) in keys {
            let last_record = self.last_record(key)?;
            let held = [LiveCompartment { compartment: *compartment, last_record }];
            for (compartment, fate) in survivors(register, &held, today)? {
                planned.push(Planned { subject, compartment, key: *key, fate });
            }
        }
        Ok(planned)
    }

    /// All parts under a key, removed ones too.
    pub fn places(&self, key: &KeyId) -> Result<Vec<PartPlace>, Failure> {
        let unreadable = |failed: crate::log::LogError| Unreadable { position: u64::MAX, fault: failed.into() };
        Ok(self.shared.log.parts_of(key).map_err(unreadable)?)
    }

    /// A redaction makes nothing younger: what it resealed counts by the record that it was made for.
    pub(super) fn last_record(&self, key: &KeyId) -> Result<Day, Failure> {
        let Some(mut position) = self.shared.log.last_part_of(key) else { return Ok(Time(0).day()) };
        let resealed = !self.shared.owners.read().moved_under(key).is_empty();
        if resealed {
            let places = self.places(key)?;
            let owners = self.shared.owners.read();
            position = places.iter().map(|place| owners.origin(*place).position).max().unwrap_or(position);
        }
        let unreadable = |fault| Unreadable { position, fault };
        let entry = self.shared.log.record(position).map_err(|failed| unreadable(failed.into()))?;
        let entry = entry.ok_or_else(|| unreadable(super::Fault::Parts))?;
        let record = Record::parse(&entry.record).map_err(|bad| unreadable(bad.into()))?;
        Ok(self.shared.owners.read().written_at(position, record.recorded_at).day())
    }

    pub(super) fn step(&self, case: CaseId, actor: ActorId, command: Command) -> Result<Accepted, EraseError> {
        Ok(self.submit_blocking(&self.intent(case, actor, command)?)?)
    }

    pub(super) fn intent(&self, case: CaseId, actor: ActorId, command: Command) -> Result<Intent<Case>, EraseError> {
        let mut fresh = Fresh::new();
        let command_id = fresh.id().map_err(|none| Failure::from(crate::keyring::KeyringError::from(none)))?;
        Ok(Intent {
            id: case.0,
            command,
            command_id,
            actor,
            effective_at: None,
            expected: None,
            reads: Vec::new(),
            keys: Vec::new(),
            fresh,
        })
    }
}

fn of(planned: &[Planned], subject: SubjectId) -> impl Iterator<Item = &Planned> {
    planned.iter().filter(move |planned| planned.subject == subject)
}
