//! The end of an erasure, from the order to the certificate. Whatever stops it, the keys are gone by then, and it is led on
//! later: an order never keeps a ledger from its start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use domain::compartment::Compartment;
use domain::event::{Event, Follow};
use domain::id::{ActorId, CaseId, ErasureId, KeyId, RegisterId, SubjectId};
use domain::limits::RESIDUES;
use domain::register::{LiveCompartment, NoRule, Register, term};
use domain::subject::{
    self, AnchorLevel, Case, Certificate, Command, Disclosure, Rejection, Residue, ResidueEnd, ResidueKind, StillLinks,
    Survivor,
};
use domain::time::{Day, Time};
use domain::value::Line;

use super::command::{Accepted, Failure, Intent, Refused};
use super::erase::EraseError;
use super::read::{Fault, Unreadable};
use super::writer::Unwritten;
use super::{Ledger, Owners, whole_stream};
use crate::keyring::{Destroyed, KeyState, KeyringError, Level};
use crate::log::{Log as _, PartBytes};
use crate::record::Record;

/// The basis of what stays although the register says by now that it dies with the relationship.
const NO_LAW: &str = "no law any more: it was to stay when the erasure was fenced";

/// What became of orders of destruction that had no certificate.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Finished {
    /// How many are certified now.
    pub certified: usize,
    /// How many still wait for their certificate, their keys destroyed or fenced.
    pub waiting: usize,
    /// The keys of those that are certified: their sealed parts are to be swept.
    pub keys: Vec<KeyId>,
}

/// An order of destruction, to be led to its certificate.
#[derive(Clone)]
pub(super) struct Ordered {
    pub(super) case: CaseId,
    pub(super) erasure: ErasureId,
    pub(super) actor: ActorId,
    pub(super) keys: Vec<KeyId>,
}

/// Whom an erasure reached, as far as that can still be known.
struct Reached {
    subjects: Vec<SubjectId>,
    several: bool,
    /// What was handed out of them before the fence: no erasure reaches it.
    handed_out: Vec<Disclosure>,
}

impl<V: Follow> Ledger<V> {
    /// Finishes what orders of destruction began, and nothing else: every key is destroyed when it returns, all that were
    /// left in one rotation. A certificate that the clock or anything else refuses waits, with a line in the program log; so
    /// do all whose keys an anchor could not be seen to destroy, and these stay fenced. `register` is needed only where
    /// something is to be finished.
    pub fn finish_erasures(&self, register: Option<RegisterId>) -> Result<Finished, EraseError> {
        let open = self.shared.owners.read().open_orders().into_iter();
        let open: Vec<Ordered> =
            open.map(|(case, erasure, actor, keys)| Ordered { case, erasure, actor, keys }).collect();
        let mut finished = Finished::default();
        let done = match self.finish(register, &open) {
            Ok(done) => done,
            Err(error) if waits(&error) => {
                tracing::error!(orders = open.len(), %error, cause = cause(&error), "their keys wait, fenced");
                return Ok(Finished { waiting: open.len(), ..finished });
            }
            Err(error) => return Err(error),
        };
        for (Ordered { erasure, keys, .. }, done) in open.iter().zip(done) {
            match done {
                Ok(_) => {
                    finished.certified += 1;
                    finished.keys.extend(keys.iter().copied());
                }
                Err(error) if waits(&error) => {
                    tracing::error!(%erasure, %error, cause = cause(&error), "the certificate waits");
                    finished.waiting += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(finished)
    }

    /// Destroys what is certified to be destroyed and is there all the same: an older copy of the keyring was put back. Says
    /// which keys these were. What an anchor keeps from it stays fenced; see [`Ledger::is_resurrected`].
    pub fn destroy_again(&self) -> Result<Vec<KeyId>, KeyringError> {
        let keys: Vec<KeyId> = {
            let owners = self.shared.owners.read();
            let there = |key: &&KeyId| matches!(self.shared.keyring.state(key), KeyState::Live(_) | KeyState::Fenced);
            owners.certified().filter(there).copied().collect()
        };
        self.shared.resurrected.store(!keys.is_empty(), Ordering::Release);
        if !keys.is_empty() {
            self.shared.keyring.destroy(&keys)?;
            self.shared.owners.write().forget(&keys);
            self.shared.resurrected.store(false, Ordering::Release);
        }
        Ok(keys)
    }

    /// Goes on with what a member of the anchor kept from being destroyed: it was away, say. What is certified then, and
    /// what of it was there against its certificate, is the answer; nothing, where nothing was left open.
    ///
    /// # Errors
    /// When a member still does not show that its older roots are gone.
    pub fn resume(&self, register: Option<RegisterId>) -> Result<Finished, EraseError> {
        let open = || !self.shared.owners.read().open_orders().is_empty();
        if !self.shared.keyring.is_unfinished() && !self.is_resurrected() && !open() {
            return Ok(Finished::default());
        }
        self.shared.keyring.finish().map_err(Failure::from)?;
        let again = self.destroy_again().map_err(Failure::from)?;
        let mut finished = self.finish_erasures(register)?;
        finished.keys.extend(again);
        Ok(finished)
    }

    /// Whether the last [`Ledger::destroy_again`] was not over.
    pub fn is_resurrected(&self) -> bool {
        self.shared.resurrected.load(Ordering::Acquire)
    }

    /// From orders to their certificates. The keys of all that are there yet die together. Idempotent: the keyring knows
    /// which keys are gone already, and since when. Nothing is certified before no anchor holds a root that opens them.
    pub(super) fn finish(
        &self,
        register: Option<RegisterId>,
        orders: &[Ordered],
    ) -> Result<Vec<Result<Accepted, EraseError>>, EraseError> {
        let reached = orders.iter().map(|order| self.reached(order.case, order.erasure, &order.keys));
        let reached: Vec<Reached> = reached.collect::<Result<_, _>>()?;
        let is_gone = |key: &KeyId| matches!(self.shared.keyring.state(key), KeyState::Erased { .. });
        let there: Vec<&Ordered> = orders.iter().filter(|order| !order.keys.iter().all(is_gone)).collect();
        let batch: Vec<KeyId> = there.iter().flat_map(|order| order.keys.iter().copied()).collect();
        let together = match batch.as_slice() {
            [] => None,
            keys => {
                self.clear_suppressions().map_err(Failure::from)?;
                Some(self.shared.keyring.destroy(keys).map_err(Failure::from)?)
            }
        };
        let in_batch: BTreeSet<ErasureId> = there.iter().map(|order| order.erasure).collect();
        self.shared.states.expire();
        let planned = orders.iter().zip(reached).map(|(order, reached)| {
            self.shared.owners.write().forget(&order.keys);
            let destroyed = match together.filter(|_| in_batch.contains(&order.erasure)) {
                Some(together) => together,
                None => self.shared.keyring.destroy(&order.keys).map_err(Failure::from)?,
            };
            self.plan_certificate(register, order, &reached, destroyed)
        });
        let planned: Vec<Result<Intent<Case>, EraseError>> = planned.collect();
        let mut certificates = Vec::with_capacity(planned.len());
        let planned = planned.into_iter().map(|planned| planned.map(|certificate| certificates.push(certificate)));
        let planned: Vec<Result<(), EraseError>> = planned.collect();
        let mut certified = self.submit_all_blocking(&certificates).into_iter();
        let answer = |(planned, order): (Result<(), EraseError>, &Ordered)| {
            planned?;
            let certified = certified.next().unwrap_or_else(|| Err(Failure::Busy.into()))?;
            self.keep_suppressions(order.erasure);
            Ok(certified)
        };
        Ok(planned.into_iter().zip(orders).map(answer).collect())
    }

    fn plan_certificate(
        &self,
        register: Option<RegisterId>,
        order: &Ordered,
        reached: &Reached,
        destroyed: Destroyed,
    ) -> Result<Intent<Case>, EraseError> {
        let Destroyed { epoch_before, epoch_after } = destroyed;
        let register = register.ok_or(NoRule(Compartment::Claims))?;
        let (_, state) = self.state::<Case>(&order.case.0)?;
        let is_retention = state.erasures().iter().any(|found| found.id == order.erasure && found.is_retention());
        let is_redaction = state.redactions().iter().any(|redaction| redaction.id == order.erasure);
        // Behind a retention or a redaction everything else lives on, and nothing of it ends because of that.
        let lives_on = is_retention || is_redaction;
        let survives = if lives_on { Vec::new() } else { self.surviving(register, &reached.subjects)? };
        let keeps = |compartment| survives.iter().any(|survivor| survivor.compartment == compartment);
        let links = [
            Some(StillLinks::CloseInTime),
            (!reached.several).then_some(StillLinks::BatchOfOne),
            (!reached.handed_out.is_empty()).then_some(StillLinks::HandedOut),
            (!survives.is_empty()).then_some(StillLinks::KeptKeys),
            keeps(Compartment::Claims).then_some(StillLinks::CaseFile),
            (!lives_on).then_some(StillLinks::OtherSystems),
        ];
        let certificate = Certificate {
            level: match self.shared.keyring.level_of(&order.keys) {
                Level::A0 => AnchorLevel::A0,
                Level::A1 => AnchorLevel::A1,
                Level::A2 => AnchorLevel::A2,
                Level::A3 => AnchorLevel::A3,
            },
            epoch_before,
            epoch_after,
            links: links.into_iter().flatten().collect(),
            survives,
        };
        let (erasure, residues) = (order.erasure, self.residues(register, order, &reached.handed_out)?);
        self.intent(order.case, order.actor, Command::Certify { erasure, certificate, residues })
    }

    /// What an erasure does not reach, or not yet: what was handed out, copies that the register says are kept and backups that
    /// the log knows of, the addresses on the suppression list, and the parts that are still to be overwritten. Where the
    /// register says nothing of copies, somebody has to.
    fn residues(
        &self,
        register: RegisterId,
        order: &Ordered,
        handed_out: &[Disclosure],
    ) -> Result<Vec<Residue>, EraseError> {
        let (_, register) = self.state::<Register>(&register.0)?;
        let today = self.shared.clock.now().day();
        let opened = |it: &Disclosure| Residue {
            kind: ResidueKind::DisclosedOpenings,
            count: Some(1),
            until: it.until,
            disclosure: Some(it.id),
        };
        let (singly, together) = handed_out.split_at(handed_out.len().min(SINGLY));
        let many = u32::try_from(together.len()).ok().filter(|many| *many > 0).map(|many| Residue {
            kind: ResidueKind::DisclosedOpenings,
            count: Some(many),
            until: None,
            disclosure: None,
        });
        let (known, last) = self.kept_backups(today);
        let copies = [ResidueKind::OldBackups, ResidueKind::MemoryImages].into_iter().filter_map(|kind| {
            let (count, last) = if kind == ResidueKind::OldBackups { (known, last) } else { (None, None) };
            let days = register.residue_days(kind);
            // Of what the register and the log say, the later day counts.
            let until = days.map(|days| last.unwrap_or(today).max(today.plus_days(days)));
            (days != Some(0) || last.is_some()).then_some(Residue { kind, count, until, disclosure: None })
        });
        let suppressed = self.shared.keyring.suppression().unsettled().get(&order.erasure).map(|until| Residue {
            kind: ResidueKind::SuppressionList,
            count: None,
            until: Some(*until),
            disclosure: None,
        });
        let mut parts = 0;
        for key in &order.keys {
            parts += self.places(key)?.len();
        }
        let sealed = u32::try_from(parts).ok().filter(|parts| *parts > 0).map(|parts| Residue {
            kind: ResidueKind::SealedParts,
            count: Some(parts),
            until: None,
            disclosure: None,
        });
        Ok(singly.iter().map(opened).chain(many).chain(copies).chain(suppressed).chain(sealed).collect())
    }

    /// How many backups are recorded that are kept today, and until when the last of them is.
    fn kept_backups(&self, today: Day) -> (Option<u32>, Option<Day>) {
        let owners = self.shared.owners.read();
        let backups = owners.backups();
        let kept = backups.taken_before(u64::MAX).filter(|run| run.until >= today).count();
        let last = backups.kept_until(u64::MAX).filter(|last| *last >= today);
        (u32::try_from(kept).ok().filter(|many| *many > 0), last)
    }

    /// Closes what needs nobody: copies whose last day is over, and sealed parts that are all overwritten. Behind the last
    /// residue stands the final certificate. It destroys nothing, and says how many residues it closed. `by` is whose
    /// certificate it was, `named` when each residue was named: the time in which the ledger was closed since then counts only
    /// when an operator has confirmed it. Durable when it returns.
    pub fn close_residues(
        &self,
        case: CaseId,
        erasure: ErasureId,
        by: ActorId,
        named: &[Time],
    ) -> Result<usize, EraseError> {
        let (_, state) = self.state::<Case>(&case.0)?;
        let Some(found) = state.erasures().iter().find(|found| found.id == erasure && !found.is_final) else {
            return Ok(0);
        };
        let on = self.shared.clock.now().day();
        let mut closed = 0;
        let open = (1_u16..).zip(&found.residues).zip(named).filter(|((_, standing), _)| standing.closed.is_none());
        for ((number, standing), named) in open {
            let seen = self.shared.clock.waited(*named).day();
            let end = match standing.residue {
                Residue { kind: ResidueKind::SealedParts, .. } if self.is_swept(&found.keys)? => ResidueEnd::Swept,
                Residue { kind, until: Some(until), .. } if until < seen && ResidueEnd::RanOut.fits(kind) => {
                    ResidueEnd::RanOut
                }
                _ => continue,
            };
            match self.step(case, by, Command::CloseResidue { erasure, number, end, on }) {
                Ok(_) => closed += 1,
                // Somebody else was first.
                Err(EraseError::Refused(Refused::Rejected(
                    Rejection::ResidueClosed { .. } | Rejection::AlreadyFinal,
                ))) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(closed)
    }

    fn is_swept(&self, keys: &[KeyId]) -> Result<bool, Failure> {
        for key in keys {
            for place in self.places(key)? {
                let unreadable = |fault| Unreadable { position: place.position, fault };
                let entry = self.shared.log.record(place.position).map_err(|failed| unreadable(failed.into()))?;
                let entry = entry.ok_or_else(|| unreadable(Fault::Parts))?;
                let part = entry.parts.get(usize::from(place.part)).ok_or_else(|| unreadable(Fault::Parts))?;
                if !matches!(part.bytes, PartBytes::Swept { .. }) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Destroyed keys are nobody's after a restart, and the case may be unreadable with them. What is needed stands elsewhere
    /// too: whoever keeps a key has a part of the fence under it, and nobody has two keys for one compartment.
    fn reached(&self, case: CaseId, erasure: ErasureId, keys: &[KeyId]) -> Result<Reached, EraseError> {
        let owners: Vec<SubjectId> = {
            let owners = self.shared.owners.read();
            keys.iter().filter_map(|key| owners.owner(key)).map(|(subject, _)| subject).collect()
        };
        let all_known = owners.len() == keys.len();
        let mut subjects: BTreeSet<SubjectId> = owners.into_iter().collect();
        subjects.extend(self.subjects_of(case).unwrap_or_default());
        let (fence, of_fence) = self.of_fence(case, erasure)?;
        subjects.extend(of_fence);
        let several = subjects.len() > 1 || (!all_known && self.share_a_compartment(keys)?);
        let candidates: BTreeSet<KeyId> = {
            let owners = self.shared.owners.read();
            let nobodys = keys.iter().copied().filter(|key| owners.owner(key).is_none());
            subjects.iter().filter_map(|subject| owners.key(*subject, Compartment::Claims)).chain(nobodys).collect()
        };
        let handed_out = self.handed_out(&candidates, fence)?;
        Ok(Reached { subjects: subjects.into_iter().collect(), several, handed_out })
    }

    /// The disclosures before the fence that have their part under one of these keys. They stand under claims, so of a key
    /// that turns out to be another's one record is read.
    fn handed_out(&self, keys: &BTreeSet<KeyId>, fence: u64) -> Result<Vec<Disclosure>, Failure> {
        let mut handed_out = BTreeMap::new();
        for key in keys {
            for (number, place) in self.places(key)?.into_iter().enumerate() {
                let unreadable = |fault| Unreadable { position: place.position, fault };
                let entry = self.shared.log.record(place.position).map_err(|failed| unreadable(failed.into()))?;
                let entry = entry.ok_or_else(|| unreadable(Fault::Parts))?;
                let record = Record::parse(&entry.record).map_err(|bad| unreadable(bad.into()))?;
                if record.kind == "case.disclosed" && place.position < fence {
                    let opened = self.shared.open(&entry)?;
                    if let Event::Case(subject::Event::Disclosed { disclosure, .. }) = opened.recorded.event {
                        handed_out.insert(place.position, disclosure);
                    }
                }
                let part = record.personal.get(usize::from(place.part)).ok_or_else(|| unreadable(Fault::Parts))?;
                if number == 0 && part.compartment != Compartment::Claims {
                    break;
                }
            }
        }
        Ok(handed_out.into_values().collect())
    }

    /// Where the last fence of an erasure stands, and whose parts it has.
    fn of_fence(&self, case: CaseId, erasure: ErasureId) -> Result<(u64, Vec<SubjectId>), Failure> {
        let unreadable = |failed: crate::log::LogError| Unreadable { position: u64::MAX, fault: failed.into() };
        let mut found = (u64::MAX, Vec::new());
        for entry in whole_stream(&self.shared.log, &case.0, 0).map_err(unreadable)? {
            let opened = self.shared.open(&entry)?;
            if matches!(&opened.recorded.event, Event::Case(subject::Event::Fenced { erasure: of, .. }) if *of == erasure)
            {
                let subjects = opened.owned.iter().map(|owned| owned.subject).collect();
                found = (opened.recorded.place.position, subjects);
            }
        }
        Ok(found)
    }

    fn share_a_compartment(&self, keys: &[KeyId]) -> Result<bool, Failure> {
        let mut seen = BTreeMap::new();
        for key in keys {
            let Some(place) = self.places(key)?.first().copied() else { continue };
            let unreadable = |fault| Unreadable { position: place.position, fault };
            let entry = self.shared.log.record(place.position).map_err(|failed| unreadable(failed.into()))?;
            let entry = entry.ok_or_else(|| unreadable(Fault::Parts))?;
            let record = Record::parse(&entry.record).map_err(|bad| unreadable(bad.into()))?;
            let part = record.personal.get(usize::from(place.part)).ok_or_else(|| unreadable(Fault::Parts))?;
            if seen.insert(part.compartment, key).is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Every key that lives is named. A hold may keep an erasure at its fence for years: what a law kept when it was fenced
    /// lives on when that time is over, or when the register says otherwise since, and dies by another erasure only.
    fn surviving(&self, register: RegisterId, subjects: &[SubjectId]) -> Result<Vec<Survivor>, EraseError> {
        let (_, register) = self.state::<Register>(&register.0)?;
        let today = self.shared.clock.now().day();
        let mut survivors = Vec::new();
        for subject in subjects {
            let keys = self.shared.owners.read().keys_of(*subject).to_vec();
            for (compartment, key) in keys {
                let live = LiveCompartment { compartment, last_record: self.last_record(&key)? };
                let kept = term(&register, live, today)?;
                let (basis, until) = kept.unwrap_or_else(|| (Line::from_log(NO_LAW.to_owned()), today));
                survivors.push(Survivor { compartment, basis, until });
            }
        }
        survivors.sort_by_key(|survivor| (survivor.compartment, survivor.until));
        survivors.dedup();
        Ok(survivors)
    }
}

/// How many files that were handed out a certificate names one by one; those behind them are counted.
const SINGLY: usize = RESIDUES - 4;

/// Whether it is the certificate that was refused, or a token that is away, so that time or somebody can mend it: not the
/// disk, nor what was read.
fn waits(error: &EraseError) -> bool {
    match error {
        EraseError::Refused(Refused::Failed(failure)) | EraseError::Failed(failure) => match failure {
            Failure::Unwritten(Unwritten::Clock(_)) | Failure::Busy => true,
            Failure::Keyring(error) => error.is_of_anchor(),
            _ => false,
        },
        EraseError::Refused(_) | EraseError::NoRule(_) | EraseError::UnderWay(_) | EraseError::OnHold(_) => true,
    }
}

fn cause(error: &EraseError) -> Option<String> {
    std::error::Error::source(error).map(ToString::to_string)
}

impl Owners {
    /// Orders of destruction without a certificate.
    pub fn open_orders(&self) -> Vec<(CaseId, ErasureId, ActorId, Vec<KeyId>)> {
        self.orders().map(|(erasure, order)| (order.case, *erasure, order.actor, order.keys.clone())).collect()
    }
}
