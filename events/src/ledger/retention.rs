//! Keys whose time is over although nobody asked: which they are, their fence, the way back, and the word of somebody else
//! behind which they are destroyed as an erasure's are. Local time alone destroys nothing.

use std::collections::BTreeMap;

use domain::aggregate::Aggregate as _;
use domain::compartment::{Compartment, Country};
use domain::event::{Event, Follow, Stream};
use domain::id::{ActorId, CaseId, CommandId, ErasureId, HoldId, KeyId, RegisterId, SubjectId};
use domain::register::{self, CompartmentKind, LiveCompartment, Register, Retention, end, over};
use domain::subject::{
    Case, Command, Confirmed, CoolingOff, Over, Rejection, Stage, SubjectKind, Survivor, UnfenceGround,
};
use domain::time::{Day, Time};

use super::command::{Accepted, Failure, Intent, Refused};
use super::erase::EraseError;
use super::read::Unreadable;
use super::writer::Unwritten;
use super::{Fresh, Ledger, whole_stream};

/// How many subjects are looked at while the writer waits, and how many commands it gets at once.
const LOOK: usize = 10_000;
const TOGETHER: usize = 200;

/// A key whose time is over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Due {
    /// Whose.
    pub subject: SubjectId,
    /// Which.
    pub key: KeyId,
    /// Of which compartment, why, and the last day it was kept.
    pub over: Survivor,
    /// The retention that fenced it.
    pub fenced: Option<ErasureId>,
    /// A legal hold that keeps it.
    pub hold: Option<HoldId>,
}

/// What a run came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Run {
    /// Of how many subjects something was fenced.
    pub fenced: usize,
    /// How many keys that were.
    pub keys: usize,
    /// How many fences were lifted, because their time is not over or a hold came.
    pub lifted: usize,
    /// How many keys a legal hold keeps.
    pub held: usize,
    /// How many subjects changed meanwhile; the next run takes them.
    pub later: usize,
}

/// Who set the rule of each kind of compartment, fiscal ones by country.
type Setters = BTreeMap<(CompartmentKind, Option<Country>), ActorId>;

/// What may be over: a subject's key, with what is known of its end.
type Candidate = (SubjectId, Compartment, KeyId, Option<ErasureId>);

impl<V: Follow> Ledger<V> {
    /// Every key whose time is over today by the register and the ledger's clock, the one that ended first at the front.
    /// What an erasure fenced or ordered to be destroyed is not among them.
    pub fn due(&self, register: RegisterId) -> Result<Vec<Due>, EraseError> {
        let (_, register) = self.state::<Register>(&register.0)?;
        let today = self.shared.clock.now().day();
        let subjects = self.shared.owners.read().subjects();
        let mut due = Vec::new();
        for some in subjects.chunks(LOOK) {
            for (subject, compartment, key, fenced) in self.candidates(&register, some, today)? {
                let end = self.end_of(&register, (subject, compartment, key))?;
                if let Some(over) = end.filter(|end| end.until < today) {
                    let hold = self.shared.owners.read().keeping(&[key]);
                    due.push(Due { subject, key, over, fenced, hold });
                }
            }
        }
        due.sort_by_key(|due| (due.over.until, due.key));
        Ok(due)
    }

    /// Fences all that is due, each subject for itself, and says how far it is: subjects done, of how many. What is fenced
    /// and not over any more, or kept by a hold, is read again. Durable when it returns. `kind` says what a subject is.
    pub fn fence_due(
        &self,
        register: RegisterId,
        by: ActorId,
        wait: CoolingOff,
        kind: &dyn Fn(SubjectId) -> SubjectKind,
        told: &mut dyn FnMut(usize, usize),
    ) -> Result<Run, EraseError> {
        let mut run = Run { lifted: self.lift_not_over(register, by)?, ..Run::default() };
        let mut by_subject: BTreeMap<SubjectId, Vec<Due>> = BTreeMap::new();
        for due in self.due(register)? {
            if due.hold.is_some() {
                run.held += 1;
            } else if due.fenced.is_none() {
                by_subject.entry(due.subject).or_default().push(due);
            }
        }
        let (subjects, mut done): (Vec<(SubjectId, Vec<Due>)>, usize) = (by_subject.into_iter().collect(), 0);
        let of = subjects.len();
        for some in subjects.chunks(TOGETHER) {
            let intents = some.iter().map(|(subject, due)| self.plan_retention(*subject, due, by, wait, kind));
            let intents = intents.collect::<Result<Vec<_>, EraseError>>()?;
            for ((_, due), fenced) in some.iter().zip(self.submit_all_blocking(&intents)) {
                match fenced {
                    Ok(_) => (run.fenced, run.keys) = (run.fenced + 1, run.keys + due.len()),
                    Err(Refused::Rejected(Rejection::OnHold { .. })) => run.held += due.len(),
                    Err(refused) if passes(&refused) => run.later += 1,
                    Err(refused) => return Err(refused.into()),
                }
            }
            done += some.len();
            told(done, of);
        }
        Ok(run)
    }

    /// The retentions that are fenced and whose fence can still be lifted, each with its case.
    pub fn fenced_retentions(&self) -> Vec<(CaseId, ErasureId)> {
        self.shared.owners.read().ends().open().map(|(erasure, case)| (case, erasure)).collect()
    }

    /// Confirms that these retentions are over, in the name of a second person or by a time from outside; our own clock must
    /// say so still. The answers are in their order. `command_id` is that of the first. Durable when it returns; nothing is
    /// destroyed by it.
    pub fn confirm_retention(
        &self,
        register: RegisterId,
        by: ActorId,
        which: &[(CaseId, ErasureId)],
        confirmed: &Confirmed,
        command_id: Option<CommandId>,
    ) -> Result<Vec<Result<Accepted, EraseError>>, EraseError> {
        let setters = self.setters(register)?;
        let (_, register) = self.state::<Register>(&register.0)?;
        let mut answers = Vec::with_capacity(which.len());
        for some in which.chunks(TOGETHER) {
            let mut intents = Vec::with_capacity(some.len());
            let checked: Vec<Result<(), EraseError>> = some
                .iter()
                .map(|(case, erasure)| {
                    self.check_confirmed(&register, *case, *erasure, confirmed)?;
                    self.check_other_eyes(&setters, (*case, *erasure), by, confirmed)?;
                    let command = Command::ConfirmRetention { erasure: *erasure, confirmed: confirmed.clone() };
                    let mut intent = self.intent(*case, by, command)?;
                    let is_first = which.first() == Some(&(*case, *erasure));
                    intent.command_id = command_id.filter(|_| is_first).unwrap_or(intent.command_id);
                    intents.push(intent);
                    Ok(())
                })
                .collect();
            let mut accepted = self.submit_all_blocking(&intents).into_iter();
            answers.extend(checked.into_iter().map(|checked| {
                checked?;
                Ok(accepted.next().unwrap_or_else(|| Err(Failure::Busy.into()))?)
            }));
        }
        Ok(answers)
    }

    /// Lifts the fences of retention of these subjects, because an erasure takes their keys along.
    pub(super) fn lift_retentions(&self, subjects: &[SubjectId], by: ActorId) -> Result<(), EraseError> {
        let open = self.shared.owners.read().ends().open_of(subjects);
        open.into_iter().try_for_each(|(erasure, case)| {
            self.lift_fence(case, erasure, by, UnfenceGround::ErasedInstead, None).map(drop)
        })
    }

    /// Lifts the fences of retentions that are not over today, or that a hold keeps. Says how many.
    fn lift_not_over(&self, register: RegisterId, by: ActorId) -> Result<usize, EraseError> {
        let (_, register) = self.state::<Register>(&register.0)?;
        let open: Vec<(ErasureId, CaseId)> = self.shared.owners.read().ends().open().collect();
        let mut intents = Vec::new();
        for (erasure, case) in open {
            let (_, state) = self.state::<Case>(&case.0)?;
            let fenced = |found: &&domain::subject::Erasure| found.id == erasure && found.stage == Stage::Fenced;
            let Some(found) = state.erasures().iter().find(fenced) else { continue };
            let is_held = self.shared.owners.read().keeping(&found.keys).is_some();
            let ground = match self.check_over(&register, &found.keys, self.shared.clock.now().day())? {
                Err(_) => UnfenceGround::NotOver,
                Ok(()) if is_held => UnfenceGround::NeededForClaims,
                Ok(()) => continue,
            };
            intents.push(self.intent(case, by, Command::Unfence { erasure, ground, words: None })?);
        }
        let lifted = intents.chunks(TOGETHER).flat_map(|some| self.submit_all_blocking(some));
        Ok(lifted.collect::<Result<Vec<_>, _>>()?.len())
    }

    /// Our clock and a time from outside are asked anew: the register may have changed since the fence, and the clock too.
    fn check_confirmed(
        &self,
        register: &Register,
        case: CaseId,
        erasure: ErasureId,
        confirmed: &Confirmed,
    ) -> Result<(), EraseError> {
        let rejected = |rejection| EraseError::from(Refused::Rejected(rejection));
        let now = self.shared.clock.now();
        let (_, state) = self.state::<Case>(&case.0)?;
        let found = state.erasures().iter().find(|found| found.id == erasure);
        let found = found.ok_or_else(|| rejected(Rejection::NoSuchErasure(erasure)))?;
        if found.stage != Stage::Fenced || found.confirmed.is_some() {
            return Ok(());
        }
        let mut days = vec![now.day()];
        if let Confirmed::Outside(outside) = confirmed {
            if !outside.is_fresh(now) {
                return Err(rejected(Rejection::StaleTime { at: outside.at }));
            }
            days.push(outside.at.day());
        }
        days.into_iter().try_for_each(|day| self.check_over(register, &found.keys, day)?.map_err(rejected))
    }

    /// Who said last how long each kind of compartment is kept.
    fn setters(&self, register: RegisterId) -> Result<Setters, EraseError> {
        let unreadable =
            |failed: crate::log::LogError| Failure::from(Unreadable { position: u64::MAX, fault: failed.into() });
        let mut setters = Setters::new();
        for entry in whole_stream(&self.shared.log, &register.0, 0).map_err(unreadable)? {
            let recorded = self.shared.open(&entry).map_err(Failure::from)?.recorded;
            if let Event::Register(register::Event::RetentionSet(Retention { kind, country, .. })) = recorded.event {
                setters.insert((kind, country), recorded.place.actor);
            }
        }
        Ok(setters)
    }

    /// Whoever said how long something is kept is no second person, and nobody to say whose time counts: the run is the
    /// machine's.
    fn check_other_eyes(
        &self,
        setters: &Setters,
        (case, erasure): (CaseId, ErasureId),
        by: ActorId,
        confirmed: &Confirmed,
    ) -> Result<(), EraseError> {
        if !confirmed.is_persons_word() {
            return Ok(());
        }
        let (_, state) = self.state::<Case>(&case.0)?;
        let found = state.erasures().iter().find(|found| found.id == erasure && found.confirmed.is_none());
        let own = |over: &Survivor| {
            let country = if let Compartment::Fiscal(country, _) = over.compartment { Some(country) } else { None };
            setters.get(&(over.compartment.into(), country)) == Some(&by)
        };
        if found.is_some_and(|found| found.over.iter().any(own)) {
            return Err(Refused::Rejected(Rejection::ConfirmingOwnRule).into());
        }
        Ok(())
    }

    /// Whether the register still says today that the time of all these keys is over: it may keep them longer since somebody
    /// confirmed it. The answer is the register as it was read.
    pub(super) fn check_still_over(&self, register: RegisterId, keys: &[KeyId]) -> Result<(Stream, u64), EraseError> {
        let (read, state) = self.state::<Register>(&register.0)?;
        self.check_over(&state, keys, self.shared.clock.now().day())?.map_err(Refused::Rejected)?;
        Ok((Stream { kind: Register::KIND, id: register.0 }, read))
    }

    /// Whether the time of all these keys is over on a day.
    fn check_over(&self, register: &Register, keys: &[KeyId], today: Day) -> Result<Result<(), Rejection>, EraseError> {
        for key in keys {
            let owner = self.shared.owners.read().owner(key);
            let Some((subject, compartment)) = owner else { continue };
            match self.end_of(register, (subject, compartment, *key))? {
                None => return Ok(Err(Rejection::NoEnd(compartment))),
                Some(Survivor { until, .. }) if until >= today => {
                    return Ok(Err(Rejection::NotOver { compartment, until }));
                }
                Some(_) => {}
            }
        }
        Ok(Ok(()))
    }

    /// What the writer need not wait for is looked at later: whether the last record decides, and what a rule says.
    fn candidates(
        &self,
        register: &Register,
        subjects: &[SubjectId],
        today: Day,
    ) -> Result<Vec<Candidate>, EraseError> {
        let owners = self.shared.owners.read();
        let mut found = Vec::new();
        for subject in subjects {
            for (compartment, key) in owners.keys_of(*subject) {
                let fenced = owners.fenced_by(key);
                let is_erased = owners.is_ordered(key) || fenced.is_some_and(|by| !owners.ends().is_open(by));
                // As if its last record were as old as can be: what is not over then, is not over.
                let live = LiveCompartment { compartment: *compartment, last_record: Time(0).day() };
                let left = owners.left(register, *subject, *compartment);
                if !is_erased && over(register, live, left.as_ref(), today).is_some() {
                    found.push((*subject, *compartment, *key, fenced));
                }
            }
        }
        Ok(found)
    }

    /// When a key's time ends, and why.
    fn end_of(
        &self,
        register: &Register,
        (subject, compartment, key): (SubjectId, Compartment, KeyId),
    ) -> Result<Option<Survivor>, EraseError> {
        let counts = register.rule(compartment).is_some_and(domain::register::Rule::counts_from_last_record);
        let last_record = if counts { self.last_record(&key)? } else { Time(0).day() };
        let left = self.shared.owners.read().left(register, subject, compartment);
        let end = end(register, LiveCompartment { compartment, last_record }, left.as_ref());
        Ok(end.map(|(basis, until)| Survivor { compartment, basis: basis.clone(), until }))
    }

    /// The fence of one subject, in its case, which is opened where there is none.
    fn plan_retention(
        &self,
        subject: SubjectId,
        due: &[Due],
        by: ActorId,
        wait: CoolingOff,
        kind: &dyn Fn(SubjectId) -> SubjectKind,
    ) -> Result<Intent<Case>, EraseError> {
        let mut fresh = Fresh::new();
        let none = |none| EraseError::from(Failure::from(crate::keyring::KeyringError::from(none)));
        let erasure = fresh.id().map_err(none)?;
        let (held, case, stays) = {
            let owners = self.shared.owners.read();
            let held = owners.keys_of(subject).to_vec();
            let goes = |key: &KeyId| owners.is_fenced(key) || due.iter().any(|due| due.key == *key);
            let stays = held.iter().filter(|(_, key)| !goes(key)).map(|(compartment, _)| *compartment).collect();
            (held, owners.ends().case(subject), stays)
        };
        let case = case.map_or_else(|| fresh.id().map_err(none), Ok)?;
        let (over, keys) = due.iter().map(|due| (due.over.clone(), due.key)).unzip();
        let over = Over { erasure, subject, kind: kind(subject), over, keys, stays, wait };
        Ok(Intent { keys: vec![(subject, held)], ..self.intent(case, by, Command::FenceRetention(over))? })
    }
}

/// Whether somebody else came first, so that the next run is soon enough.
fn passes(refused: &Refused<Rejection>) -> bool {
    match refused {
        Refused::Failed(Failure::Unwritten(unwritten)) => {
            !matches!(unwritten, Unwritten::Clock(_) | Unwritten::Stopped)
        }
        Refused::Failed(failure) => matches!(failure, Failure::Busy),
        _ => true,
    }
}
