//! An erasure's way through the app: whose it is, and who may go on with it.
//!
//! Steps that destroy go on one at a time, and each begins with what the log says: what a crash or a failure cut off is
//! finished by the next call, and two calls at once come to one certificate.

use std::time::Duration;

use domain::actor::Role;
use domain::compartment::Compartment;
use domain::id::{ActorId, CaseId, ContactId, ErasureId, KeyId, OrganizationId, RegisterId, SubjectId};
use domain::owner::Owner;
use domain::personal::Gone;
use domain::subject::{Case, Command, Erasure, RefusalGround, Rejection, Stage, SubjectKind};
use domain::time::Day;
use domain::value::Text;
use events::ledger::{Accepted, EraseError, Failure, Fresh, Intent, Refused};
use events::log::Log as _;
use events::record::Record;
use projections::{Cut, HeldThing};

use super::{App, Envelope, intent};
use crate::access::Viewer;
use crate::error::{Code, Failure as Unread};

/// How often a case is looked for while somebody else opens it.
const TRIES: u32 = 20;
/// How long to wait in between.
const PAUSE: Duration = Duration::from_millis(5);

/// Who is to be forgotten, as a client names them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The person of a contact, in all their contacts.
    Contact(ContactId),
    /// An organization.
    Organization(OrganizationId),
    /// An employee.
    Actor(ActorId),
}

/// A subject as far as it can be named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Person {
    /// There is no such contact, organization or actor.
    Unknown,
    /// There is, and whose it is cannot be read any more, or not now.
    Gone(Gone),
    /// This one.
    Known(SubjectId, SubjectKind),
}

/// Why no address goes on the suppression list any more.
const APPROVED: &str = "this erasure was approved before, and its addresses were not put on the suppression list then";

impl App {
    /// Whose data it is.
    pub fn person(&self, whose: Whose) -> Result<Person, Unread> {
        let (stream, subject, kind) = {
            let views = self.ledger.views();
            let found = match whose {
                Whose::Contact(id) => views.contact(id).map(|it| (id.0, it.subject, SubjectKind::Person)),
                Whose::Organization(id) => {
                    views.organization(id).map(|it| (id.0, it.subject, SubjectKind::Organization))
                }
                Whose::Actor(id) => views.actor(id).map(|it| (id.0, it.subject, SubjectKind::Person)),
            };
            let Some(found) = found else { return Ok(Person::Unknown) };
            found
        };
        let subject = match subject {
            Some(subject) => Some(subject),
            None => self.purged(&stream)?,
        };
        let Some(subject) = subject else { return Ok(Person::Gone(self.gone(&stream)?)) };
        Ok(Person::Known(subject, kind))
    }

    /// Whose a node was that a purge took, while their case can be read: all that is held of them besides is still theirs to
    /// ask for, and to have erased.
    fn purged(&self, stream: &[u8; 16]) -> Result<Option<SubjectId>, Unread> {
        let unread = |failed| Unread::new(Code::Damaged, failed);
        let entries = self.ledger.log().read_stream(stream, 0, 1).map_err(unread)?;
        let Some(first) = entries.first() else { return Ok(None) };
        let record = Record::parse(&first.record).map_err(|bad| Unread::new(Code::Damaged, bad))?;
        let head = self.ledger.log().head().size;
        if self.ledger.owners().keys_now(&record, head).iter().any(Option::is_some) {
            return Ok(None);
        }
        let subject = {
            let views = self.ledger.views();
            views.redaction_at(record.position).and_then(|found| views.case(found.facts.case)?.subject)
        };
        let owners = self.ledger.owners();
        Ok(subject.filter(|subject| !owners.is_closed(*subject, Compartment::Relationship)))
    }

    fn gone(&self, stream: &[u8; 16]) -> Result<Gone, Unread> {
        Ok(self.erasure_of(stream)?.map_or(Gone::Withheld, |mark| mark.gone))
    }

    /// The case of a subject, if one is open.
    pub fn case_of(&self, subject: SubjectId) -> Option<CaseId> {
        let views = self.ledger.views();
        let held = views.subject(subject)?;
        let mut things = held.compartments.iter().flat_map(|compartment| &compartment.things);
        things.find_map(|thing| if let HeldThing::Case(case) = thing { Some(case.id) } else { None })
    }

    /// The case of a subject, opened where there is none. Who comes second waits for the case of who came first: a case
    /// is the only thing that is sealed under claims, so the guard on the subject's keys lets one in.
    pub async fn open_case(
        &self,
        by: ActorId,
        subject: SubjectId,
        kind: SubjectKind,
    ) -> Result<CaseId, Refused<Rejection>> {
        for _ in 0..TRIES {
            let keys = self.ledger.owners().keys_of(subject).to_vec();
            if let Some(case) = self.case_of(subject) {
                return Ok(case);
            }
            if keys.iter().any(|(compartment, _)| *compartment == Compartment::Claims) {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            let mut fresh = Fresh::new();
            let case: CaseId = fresh.id().map_err(|none| Failure::from(events::keyring::KeyringError::from(none)))?;
            let envelope = Envelope { keys: vec![(subject, keys)], ..Envelope::default() };
            let open = Command::Open { subject, kind };
            match self.submit_as::<Case>(by, case.0, open, envelope, fresh).await {
                Ok(_) => return Ok(case),
                Err(Refused::Failed(Failure::Busy)) => tokio::time::sleep(PAUSE).await,
                Err(refused) => return Err(refused),
            }
        }
        Err(Failure::Busy.into())
    }

    /// Whether an erasure of these subjects would fit its record, as things are. Blocks.
    pub fn check_reach(&self, subjects: &[SubjectId]) -> Result<(), EraseError> {
        self.ledger.check_reach(self.register_id()?, subjects)
    }

    /// Turns down a request that reaches anybody whom an open one reaches, in whoever's case: of two that destroy the same
    /// keys only one could be carried out.
    pub fn check_unreached(&self, subjects: &[SubjectId]) -> Result<(), Refused<Rejection>> {
        let open: Vec<Stage> = Stage::ALL.iter().copied().filter(|stage| stage.is_open()).collect();
        let views = self.ledger.views();
        let mut after = None;
        while let Ok(page) = views.erasures(&open, &Cut::First { count: 100, after }) {
            let reaches = |erasure: &&projections::Erasure<'_>| {
                let people = erasure.request.map_or(&[][..], |request| &request.people);
                // A retention keeps nobody from asking; an erasure takes its keys along.
                let asked = !erasure.facts.is_retention();
                asked && erasure.subject.iter().chain(people).any(|subject| subjects.contains(subject))
            };
            if let Some(found) = page.items.iter().find(reaches) {
                return Err(Refused::Rejected(Rejection::ErasureOpen(found.facts.id)));
            }
            after = page.items.last().map(|erasure| erasure.cursor());
            if !page.has_next {
                break;
            }
        }
        Ok(())
    }

    /// Writes a request down that reaches these subjects. Durable when it returns; blocks.
    pub fn request_erasure(
        &self,
        reached: &[SubjectId],
        request: &Intent<Case>,
    ) -> Result<Accepted, Refused<Rejection>> {
        let _one = self.erasing.lock();
        if self.ledger.log().command(&request.command_id).is_none() {
            self.check_unreached(reached)?;
        }
        self.ledger.submit_blocking(request)
    }

    /// Approves an erasure, fences it, and destroys what is fenced unless a cooling-off or a legal hold comes first. What an earlier
    /// approval began and did not finish is finished, also by another approval. Durable when it returns; blocks.
    pub fn approve_erasure(
        &self,
        by: ActorId,
        case: CaseId,
        erasure: ErasureId,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        self.approve_suppressing(by, case, erasure, None, envelope)
    }

    /// The same, and until a day the addresses of whom it reaches are not taken in again. They are on the list before the
    /// approval is recorded, since nobody reads them behind it; an approval that does not come leaves nothing there.
    pub fn approve_suppressing(
        &self,
        by: ActorId,
        case: CaseId,
        erasure: ErasureId,
        suppress: Option<Day>,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let register = self.register_id()?;
        let _one = self.erasing.lock();
        let approval = intent::<Case>(by, case.0, Command::Approve { erasure }, envelope, Fresh::new())?;
        let is_new = self.ledger.log().command(&approval.command_id).is_none();
        match (self.stands(case, erasure)?, suppress) {
            (Stage::Requested, _) if is_new => {
                self.ledger.check_fence(register, case, erasure, &approval)?;
                suppress.map_or(Ok(()), |until| self.suppress_erased(case, erasure, until))?;
            }
            // The approval before took the addresses, or did not.
            (Stage::Approved | Stage::Fenced, Some(_))
                if is_new && !self.ledger.keyring().suppression().unsettled().contains_key(&erasure) =>
            {
                return Err(Refused::Rejected(Rejection::SuppressUnread(APPROVED)).into());
            }
            _ => {}
        }
        let approved = match self.ledger.submit_blocking(&approval) {
            Err(refused) => {
                self.settle_list()?;
                self.cut_off(by, case, erasure, refused)?
            }
            Ok(approved) => approved,
        };
        self.lead_on(register, case, erasure, by)?;
        Ok(approved)
    }

    /// Takes a request back; a fence is lifted with it. What two people agreed to is a DPO's to withdraw, and so is what
    /// somebody else wrote down. Durable when it
    /// returns; blocks.
    pub fn withdraw_erasure(
        &self,
        by: &Viewer,
        case: CaseId,
        erasure: ErasureId,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let command = Command::WithdrawRequest { erasure };
        let _one = self.erasing.lock();
        let approved = matches!(self.stands(case, erasure)?, Stage::Approved | Stage::Fenced);
        if approved && !by.is(Role::Dpo) && !self.is_repeated(&envelope) {
            return Err(Refused::Rejected(Rejection::ApprovalStands).into());
        }
        let is_own = self.find(case, erasure)?.is_none_or(|found| found.by == by.actor);
        if !is_own && !by.is(Role::Dpo) && !self.is_repeated(&envelope) {
            return Err(Refused::Rejected(Rejection::OthersRequest).into());
        }
        self.end(by.actor, case, erasure, command, envelope)
    }

    /// Refuses a request that another actor wrote down; a fence is lifted with it. Durable when it returns; blocks.
    pub fn refuse_erasure(
        &self,
        by: ActorId,
        case: CaseId,
        erasure: ErasureId,
        (ground, words): (RefusalGround, Option<Text>),
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let _one = self.erasing.lock();
        self.end(by, case, erasure, Command::Refuse { erasure, ground, words }, envelope)
    }

    /// One command lifts the fence and ends the erasure. Only words under a key that is fenced itself need two. The caller
    /// holds `erasing`.
    fn end(
        &self,
        by: ActorId,
        case: CaseId,
        erasure: ErasureId,
        command: Command,
        envelope: Envelope,
    ) -> Result<Accepted, EraseError> {
        let mut ending = intent::<Case>(by, case.0, command, envelope, Fresh::new())?;
        let is_new = self.ledger.log().command(&ending.command_id).is_none();
        if let Command::Refuse { ground, words: Some(_), .. } = ending.command
            && is_new
            && self.withholds_words(case, erasure)?
        {
            if self.find(case, erasure)?.is_some_and(|found| found.by == by) {
                return Err(Refused::Rejected(Rejection::RefusingOwnRequest).into());
            }
            let current = self.ledger.log().stream_head(&case.0).map(|head| head.revision);
            if ending.expected.is_some() && ending.expected != current {
                return Err(Refused::<Rejection>::Conflict { current }.into());
            }
            let lifted = self.ledger.lift_fence(case, erasure, by, ground.unfences(), None)?;
            ending.expected = ending.expected.map(|_| lifted.revision);
        }
        let ended = self.ledger.submit_blocking(&ending)?;
        self.settle_list()?;
        Ok(ended)
    }

    fn withholds_words(&self, case: CaseId, erasure: ErasureId) -> Result<bool, EraseError> {
        let (_, state) = self.ledger.state::<Case>(&case.0)?;
        Ok(state.owner() == Owner::Gone(Gone::Withheld) && self.stands(case, erasure)? == Stage::Fenced)
    }

    /// From the approval to where it must wait, or to the certificate. Where a member of the anchor is away it waits for that,
    /// ordered, and is led on when it is back. The caller holds `erasing`.
    pub(super) fn lead_on(
        &self,
        register: RegisterId,
        case: CaseId,
        erasure: ErasureId,
        by: ActorId,
    ) -> Result<(), EraseError> {
        match self.go_on(register, case, erasure, by) {
            Err(error) if error.is_of_anchor() && self.stands(case, erasure)? == Stage::DestructionOrdered => {
                tracing::warn!(%error, "an erasure waits for the anchor");
                Ok(())
            }
            led => led,
        }
    }

    fn go_on(&self, register: RegisterId, case: CaseId, erasure: ErasureId, by: ActorId) -> Result<(), EraseError> {
        if self.stands(case, erasure)? == Stage::Approved && !self.was_unfenced(erasure) {
            self.ledger.fence_approved(register, case, erasure, by, self.wait())?;
        }
        match self.stands(case, erasure)? {
            Stage::Fenced if !self.is_over(erasure) || self.is_held(case, erasure)? => return Ok(()),
            Stage::Fenced | Stage::DestructionOrdered => {
                self.ledger.destroy_fenced(register, case, erasure, by)?;
            }
            _ => return Ok(()),
        }
        self.sweep(self.fenced_keys(erasure));
        Ok(())
    }

    /// Another approval was accepted before, and what follows it was cut off: this one goes on with it.
    fn cut_off(
        &self,
        by: ActorId,
        case: CaseId,
        erasure: ErasureId,
        refused: Refused<Rejection>,
    ) -> Result<Accepted, EraseError> {
        let Refused::Rejected(Rejection::OutOfOrder { stage, .. }) = &refused else { return Err(refused.into()) };
        let waits = match stage {
            Stage::Approved => !self.was_unfenced(erasure),
            Stage::Fenced => self.is_over(erasure) && !self.is_held(case, erasure)?,
            Stage::DestructionOrdered => true,
            _ => false,
        };
        let own = self.find(case, erasure)?.is_none_or(|found| found.by == by);
        if !waits || own {
            return Err(refused.into());
        }
        let approved = self.ledger.views().erasure(erasure).and_then(|erasure| {
            erasure.facts.steps.iter().rev().find(|step| step.stage == Stage::Approved).map(|step| step.position)
        });
        let entry = approved.and_then(|position| self.ledger.log().record(position).ok().flatten());
        let Some(entry) = entry else { return Err(refused.into()) };
        let Ok(record) = Record::parse(&entry.record) else { return Err(refused.into()) };
        Ok(Accepted {
            stream: record.stream,
            revision: record.revision,
            position: record.position,
            hash: entry.hash,
            recorded_at: record.recorded_at,
            repeated: true,
        })
    }

    pub(super) fn find(&self, case: CaseId, erasure: ErasureId) -> Result<Option<Erasure>, EraseError> {
        let (_, state) = self.ledger.state::<Case>(&case.0)?;
        Ok(state.erasures().iter().find(|found| found.id == erasure).cloned())
    }

    pub(super) fn stands(&self, case: CaseId, erasure: ErasureId) -> Result<Stage, EraseError> {
        let found = self.find(case, erasure)?.map(|found| found.stage);
        found.ok_or_else(|| Refused::Rejected(Rejection::NoSuchErasure(erasure)).into())
    }

    fn was_unfenced(&self, erasure: ErasureId) -> bool {
        self.ledger.views().erasure(erasure).is_some_and(|erasure| erasure.facts.unfenced.is_some())
    }

    pub(super) fn fenced_keys(&self, erasure: ErasureId) -> Vec<KeyId> {
        self.ledger.views().erasure(erasure).map(|erasure| erasure.facts.keys.clone()).unwrap_or_default()
    }

    pub(super) fn register_id(&self) -> Result<RegisterId, EraseError> {
        let register = self.ledger.views().register_stream();
        let claims = Compartment::Claims;
        register.map(|(id, _)| id).ok_or_else(|| domain::register::NoRule(claims).into())
    }
}
