//! Who asked to be forgotten, how far is it, when is it due; and under which request did a key die?
//!
//! Stages, days and fingerprints are facts and stay. Whose case it is, what is linked to it and the words of a request are
//! part of the drawer. Fingerprints are how a record that cannot be opened any more is answered: it names its keys.

use std::collections::{BTreeMap, BTreeSet};

use domain::compartment::Compartment;
use domain::event::Place;
use domain::id::{ActorId, CaseId, DisclosureId, ErasureId, HoldId, KeyId, SubjectId};
use domain::limits::UNDELIVERED_DAYS;
use domain::personal::Held;
use domain::subject::{
    Asked, Certificate, ClaimMark, Confirmed, Event, Link, Recipient, RefusalGround, Request, Residue, ResidueEnd,
    Returned, Stage, SubjectKind, Survivor, UnfenceGround, asked_by_nobody, delivery, redaction,
};
use domain::time::{Day, Time};
use domain::value::Text;

use crate::digest::Digest;
use crate::disclosures::{Disclosure, DisclosureFacts};
use crate::holds::{Hold, Holds};
use crate::page::{Cursor, CursorGone, Cut, Page};
use crate::redactions::Redactions;
use crate::store::Ids;
use crate::subjects::{Subjects, Thing};

/// One erasure, from the request on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ErasureFacts {
    /// Its id.
    pub id: ErasureId,
    /// In which case.
    pub case: CaseId,
    /// How far it is.
    pub stage: Stage,
    /// How it was asked for.
    pub asked: Asked,
    /// Who wrote the request down.
    pub by: ActorId,
    /// The last day to answer.
    pub due: Day,
    /// Every step with its time, position and actor, oldest first.
    pub steps: Vec<Step>,
    /// Why it was refused.
    pub refused: Option<RefusalGround>,
    /// Why the fence was lifted, the last time it was.
    pub unfenced: Option<UnfenceGround>,
    /// What is closed to new keys.
    pub compartments: Vec<Compartment>,
    /// The fingerprints that are fenced or destroyed, sorted.
    pub keys: Vec<KeyId>,
    /// From when on the destruction may be ordered, where the fence waits.
    pub cooling_off: Option<Time>,
    /// How the keys were destroyed and what stays.
    pub certificate: Option<Certificate>,
    /// What the register said was over, where nobody asked; nothing for an erasure that was asked for.
    pub over: Vec<Survivor>,
    /// Who confirmed that it is over.
    pub confirmed: Option<Confirmed>,
    /// What it does not reach, in the order of their numbers, from 1.
    pub residues: Vec<ResidueFacts>,
    /// When somebody said where the certificate goes, the last time.
    pub address_given: Option<Told>,
    /// When it went there: the day, whether it was the final one, and where that was said; oldest first.
    pub deliveries: Vec<(Day, bool, Told)>,
    /// The hash of the claim code that counts, and where it was said.
    pub claim: Option<(ClaimMark, Told)>,
    /// Behind the last residue that was waited for: the final certificate.
    pub certified_finally: Option<Told>,
}

/// That a subject was somebody before, while that can be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Return {
    /// The erasure they showed the code of.
    pub erasure: ErasureId,
    /// Why they are linked to it, in words.
    pub reason: Text,
    /// Where that was said.
    pub told: Told,
}

impl ErasureFacts {
    /// Whether nobody asked: the register says that its time is over.
    pub fn is_retention(&self) -> bool {
        !self.over.is_empty()
    }

    /// The last day that the address is kept: so many days behind the last delivery to it, or behind the end of the erasure
    /// where it was refused or withdrawn, and until then so many behind the day it was given. None where there is no address.
    pub fn address_until(&self) -> Option<Day> {
        let given = self.address_given?;
        let over = self.steps.last().filter(|step| matches!(step.stage, Stage::Refused | Stage::Withdrawn));
        let to_it = self.deliveries.iter().filter(|(_, _, told)| told.position > given.position);
        let delivered = to_it.map(|(on, ..)| *on).max().or(over.map(|step| step.at.day()));
        Some(delivered.map_or_else(|| given.at.day().plus_days(UNDELIVERED_DAYS), delivery::kept_until))
    }
}

/// One residue, for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResidueFacts {
    /// What.
    pub residue: Residue,
    /// Where it was named.
    pub named: Told,
    /// How and on which day it came to its end, and where that was said.
    pub closed: Option<(ResidueEnd, Day, Told)>,
}

/// Where something was said, when and by whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Told {
    /// When it was recorded.
    pub at: Time,
    /// The position of its record.
    pub position: u64,
    /// Who said it.
    pub actor: ActorId,
}

impl From<&Place> for Told {
    fn from(place: &Place) -> Self {
        Self { at: place.recorded_at, position: place.position, actor: place.actor }
    }
}

/// One step of an erasure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// What it led to.
    pub stage: Stage,
    /// When it was recorded.
    pub at: Time,
    /// When it was taken: not the same where the log has a wrong, later time.
    pub effective_at: Time,
    /// The position of its record.
    pub position: u64,
    /// Who took it.
    pub actor: ActorId,
}

/// One erasure, with what can be read of whose it is.
#[derive(Clone, Copy)]
pub struct Erasure<'a> {
    /// What stays for ever.
    pub facts: &'a ErasureFacts,
    /// Who is to be forgotten, while that can be read.
    pub subject: Option<SubjectId>,
    /// What was asked, while that can be read.
    pub request: Option<&'a Request>,
    /// The words of a refusal or of a lifted fence, the last ones, while they can be read.
    pub words: Option<&'a Text>,
    /// Where the certificate goes, while that can be read.
    pub address: Option<&'a Text>,
}

impl Erasure<'_> {
    /// Its place in the list.
    pub fn cursor(&self) -> Cursor {
        let requested = self.facts.steps.first();
        let (position, at) = requested.map_or((0, Time(0)), |step| (step.position, step.at));
        Cursor { id: self.facts.id.0, position, at }
    }
}

/// One subject's case.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Its id.
    pub id: CaseId,
    /// What the subject is.
    pub kind: SubjectKind,
    /// The revision of its stream.
    pub revision: u64,
    /// Whose case it is, while that can be read.
    pub subject: Option<SubjectId>,
    /// What is linked to it, while that can be read.
    pub links: &'a BTreeSet<Link>,
    /// Its erasures, oldest first; see [`Views::erasure`](crate::Views::erasure).
    pub erasures: &'a [ErasureId],
    /// The erasures of who they were before, while that can be read, oldest first.
    pub returns: &'a [Return],
}

struct CaseRow {
    id: CaseId,
    kind: SubjectKind,
    revision: u64,
    erasures: Vec<ErasureId>,
    holder: Option<u32>,
    links: BTreeSet<Link>,
    requests: BTreeMap<ErasureId, Request>,
    words: BTreeMap<ErasureId, Text>,
    /// Each in the compartment that its key is for.
    addresses: BTreeMap<ErasureId, (Compartment, Text)>,
    disclosures: Vec<DisclosureFacts>,
    recipients: BTreeMap<DisclosureId, Recipient>,
    matters: BTreeMap<HoldId, Text>,
    returns: Vec<Return>,
}

/// What a fence takes out of the drawer: a subject's row, and which of its compartments.
pub(crate) type Closing = (u32, Vec<Compartment>);

/// All cases and all erasures.
#[derive(Default)]
pub(crate) struct Erasures {
    cases: Ids,
    rows: Vec<CaseRow>,
    erasures: Vec<ErasureFacts>,
    by_id: BTreeMap<ErasureId, u32>,
    by_due: BTreeSet<(Day, u32)>,
    by_key: BTreeMap<KeyId, u32>,
    /// By the mark that counts; at most one for an erasure.
    by_mark: BTreeMap<ClaimMark, u32>,
    /// Those with residues that have no final certificate.
    provisional: BTreeSet<u32>,
    /// Keys that were destroyed before a restore that lost the order, and when that was recorded.
    before: BTreeMap<KeyId, Time>,
    /// Keys that were declared lost, and when.
    lost: BTreeMap<KeyId, Time>,
    holds: Holds,
    redactions: Redactions,
}

impl Erasures {
    /// One case.
    pub fn case(&self, row: u32, subjects: &Subjects) -> Option<Case<'_>> {
        let CaseRow { id, kind, revision, erasures, holder, links, returns, .. } = self.rows.get(row as usize)?;
        let subject = holder.and_then(|holder| subjects.id(holder));
        Some(Case { id: *id, kind: *kind, revision: *revision, subject, links, erasures, returns })
    }

    /// The row of a case.
    pub fn case_row(&self, id: CaseId) -> Option<u32> {
        self.cases.get(&id.0)
    }

    /// What was handed out in a case, oldest first.
    pub fn disclosures(&self, row: u32) -> impl Iterator<Item = Disclosure<'_>> {
        let case = self.rows.get(row as usize);
        case.into_iter().flat_map(|case| {
            let one = |facts| Disclosure { facts, to: case.recipients.get(&facts.disclosure.id) };
            case.disclosures.iter().map(one)
        })
    }

    /// One hold.
    pub fn hold(&self, id: HoldId) -> Option<Hold<'_>> {
        let facts = self.holds.get(id)?;
        let case = self.cases.get(&facts.case.0).and_then(|row| self.rows.get(row as usize))?;
        Some(Hold { facts, matter: case.matters.get(&id) })
    }

    /// All holds.
    pub fn holds(&self) -> &Holds {
        &self.holds
    }

    /// All redactions.
    pub fn redactions(&self) -> &Redactions {
        &self.redactions
    }

    /// One erasure.
    pub fn get(&self, id: ErasureId, subjects: &Subjects) -> Option<Erasure<'_>> {
        self.by_id.get(&id).and_then(|row| self.erasure(*row, subjects))
    }

    /// The erasure that fenced or destroyed a key.
    pub fn of_key(&self, key: KeyId, subjects: &Subjects) -> Option<Erasure<'_>> {
        self.by_key.get(&key).and_then(|row| self.erasure(*row, subjects))
    }

    /// The erasure whose claim code has this hash.
    pub fn of_mark(&self, mark: ClaimMark, subjects: &Subjects) -> Option<Erasure<'_>> {
        self.by_mark.get(&mark).and_then(|row| self.erasure(*row, subjects))
    }

    /// Those whose certificate is provisional because of its residues, in the order of their requests.
    pub fn provisional(&self) -> impl Iterator<Item = &ErasureFacts> {
        self.provisional.iter().filter_map(|row| self.erasures.get(*row as usize))
    }

    /// When it was recorded of a key that it was destroyed before the log was restored.
    pub fn before(&self, key: KeyId) -> Option<Time> {
        self.before.get(&key).copied()
    }

    /// When a key was declared lost.
    pub fn lost(&self, key: KeyId) -> Option<Time> {
        self.lost.get(&key).copied()
    }

    /// Takes an operator's word that keys are lost.
    pub fn declared_lost(&mut self, keys: &[KeyId], at: Time) {
        self.lost.extend(keys.iter().map(|key| (*key, at)));
    }

    /// Takes the word of the keyring's register behind a restore.
    pub fn erased_before(&mut self, keys: &[KeyId], at: Time) {
        self.before.extend(keys.iter().map(|key| (*key, at)));
    }

    /// A part of the list of those at any of these stages (all, without any), the one due first at the front.
    pub fn page(&self, stages: &[Stage], subjects: &Subjects, cut: &Cut) -> Result<Page<Erasure<'_>>, CursorGone> {
        let (_, cursor, forward) = cut.parts();
        let place = cursor.map(|cursor| self.due_of(ErasureId(cursor.id)).ok_or(CursorGone)).transpose()?;
        let is_asked = |(_, row): &&(Day, u32)| {
            let stage = self.erasures.get(*row as usize).map(|erasure| erasure.stage);
            stages.is_empty() || stage.is_some_and(|stage| stages.contains(&stage))
        };
        use std::ops::Bound::{Excluded, Unbounded};
        let place = place.map_or(Unbounded, Excluded);
        let rows = if forward {
            cut.take(self.by_due.range((place, Unbounded)).filter(is_asked))
        } else {
            cut.take(self.by_due.range((Unbounded, place)).rev().filter(is_asked))
        };
        Ok(rows.filter_map(|(_, row)| self.erasure(*row, subjects)))
    }

    /// Takes a record. Of one that was seen before, only what it says of the subject.
    pub fn follow(&mut self, subjects: &mut Subjects, place: &Place, event: Event, seen: bool) {
        if !seen {
            self.follow_facts(place, &event);
        }
        let Some(row) = self.cases.get(&place.stream.id) else { return };
        let Some(case) = self.rows.get_mut(row as usize) else { return };
        let (thing, day) = (Thing::Case(row), place.recorded_at.day());
        match event {
            Event::Opened { subject: Held::Here(subject), .. } => {
                case.holder = Some(subjects.hold(&subject, thing, day));
            }
            Event::Linked { link: Held::Here(link) } => {
                case.holder = Some(subjects.hold(&link, thing, day));
                case.links.insert(link.into_exposed());
            }
            Event::Unlinked { link: Held::Here(link) } => {
                case.holder = Some(subjects.hold(&link, thing, day));
                case.links.remove(link.expose());
            }
            Event::Disclosed { disclosure, to: Held::Here(to) } => {
                case.holder = Some(subjects.hold(&to, thing, day));
                case.recipients.insert(disclosure.id, to.into_exposed());
            }
            Event::HoldPlaced { hold, matter: Held::Here(matter), .. } => {
                case.holder = Some(subjects.hold(&matter, thing, day));
                case.matters.insert(hold, matter.into_exposed());
            }
            Event::Redaction(redaction::Event::Requested { redaction, wanted: Held::Here(wanted), .. }) => {
                case.holder = Some(subjects.hold(&wanted, thing, day));
                self.redactions.want(redaction, wanted.into_exposed());
            }
            Event::DeliveryAddressGiven { erasure, address: Held::Here(address) } => {
                case.holder = Some(subjects.hold(&address, thing, day));
                case.addresses.insert(erasure, (address.compartment(), address.into_exposed()));
            }
            Event::Returned { returned: Held::Here(returned) } => {
                case.holder = Some(subjects.hold(&returned, thing, day));
                let (Returned { erasure, reason }, told) = (returned.into_exposed(), Told::from(place));
                if !case.returns.iter().any(|known| known.told.position == told.position) {
                    case.returns.push(Return { erasure, reason, told });
                }
            }
            Event::ErasureRequested { erasure, request: Held::Here(request), .. } => {
                case.holder = Some(subjects.hold(&request, thing, day));
                case.requests.insert(erasure, request.into_exposed());
            }
            Event::ErasureRefused { erasure, words: Some(Held::Here(words)), .. }
            | Event::Unfenced { erasure, words: Some(Held::Here(words)), .. } => {
                case.holder = Some(subjects.hold(&words, thing, day));
                case.words.insert(erasure, words.into_exposed());
            }
            _ => {}
        }
    }

    /// What a redaction, or a fence, takes out of the drawer. What a fence reaches: for each subject that keeps anything, what the copy sealed under it says; for the others,
    /// the case's own subject and the people that go with it, all that is closed.
    pub fn closings(&self, subjects: &Subjects, place: &Place, event: &Event) -> Vec<Closing> {
        if let Event::Redaction(redaction::Event::Resealed { compartment, more: false, .. }) = event {
            // What stays of it comes again, as it is by now.
            let case = self.cases.get(&place.stream.id).and_then(|row| self.rows.get(row as usize));
            return case.and_then(|case| case.holder).map(|row| (row, vec![*compartment])).into_iter().collect();
        }
        let Event::Fenced { erasure, compartments, closed, .. } = event else { return Vec::new() };
        let mut closings: BTreeMap<u32, Vec<Compartment>> = BTreeMap::new();
        for part in closed.iter().filter_map(Held::here) {
            if let Some(row) = subjects.row(part.subject()) {
                closings.insert(row, part.expose().compartments.clone());
            }
        }
        let case = self.cases.get(&place.stream.id).and_then(|row| self.rows.get(row as usize));
        let people = case.and_then(|case| case.requests.get(erasure)).map_or(&[][..], |request| &request.people);
        let people = people.iter().filter_map(|person| subjects.row(*person));
        for row in case.and_then(|case| case.holder).into_iter().chain(people) {
            closings.entry(row).or_insert_with(|| compartments.clone());
        }
        closings.into_iter().collect()
    }

    /// Drops what is held in one compartment: links with the relationship, words, people, recipients and matters with the claims.
    pub fn forget(&mut self, row: u32, compartment: Compartment, still_held: bool) {
        let Some(case) = self.rows.get_mut(row as usize) else { return };
        match compartment {
            Compartment::Relationship => case.links.clear(),
            Compartment::Delivery(_) => case.addresses.retain(|_, (of, _)| *of != compartment),
            _ => {
                case.requests.clear();
                case.words.clear();
                case.recipients.clear();
                case.matters.clear();
                case.returns.clear();
                self.redactions.forget(case.id);
            }
        }
        if !still_held {
            case.holder = None;
        }
    }

    /// Cases, erasures and every list.
    pub fn write_digest(&self, out: &mut Digest<'_>, subjects: &Subjects) {
        for case in &self.rows {
            let CaseRow { id, kind, revision, erasures, holder, links, requests, words, .. } = case;
            let CaseRow { disclosures, recipients, matters, addresses, returns, .. } = case;
            out.facts(&(id, kind, revision, erasures, links, disclosures));
            out.subject(*holder, subjects);
            for (erasure, request) in requests {
                out.facts(&(erasure, &request.people));
                out.bytes(request.words.as_ref().map_or(&[], |words| words.as_str().as_bytes()));
            }
            for (erasure, words) in words {
                out.facts(erasure);
                out.bytes(words.as_str().as_bytes());
            }
            for (erasure, (_, address)) in addresses {
                out.facts(erasure);
                out.bytes(address.as_str().as_bytes());
            }
            for Return { erasure, reason, told } in returns {
                out.facts(&(erasure, told));
                out.bytes(reason.as_str().as_bytes());
            }
            for (disclosure, to) in recipients {
                out.facts(disclosure);
                out.bytes(to.recipient.as_str().as_bytes());
                out.bytes(to.words.as_ref().map_or(&[], |words| words.as_str().as_bytes()));
            }
            for (hold, matter) in matters {
                out.facts(hold);
                out.bytes(matter.as_str().as_bytes());
            }
        }
        out.facts(&(&self.erasures, &self.by_due, &self.by_key, &self.provisional, &self.before, &self.lost));
        out.facts(&self.by_mark);
        self.holds.write_digest(out);
        self.redactions.write_digest(out);
    }

    fn erasure(&self, row: u32, subjects: &Subjects) -> Option<Erasure<'_>> {
        let facts = self.erasures.get(row as usize)?;
        let case = self.cases.get(&facts.case.0).and_then(|row| self.rows.get(row as usize))?;
        let subject = case.holder.and_then(|holder| subjects.id(holder));
        let (request, words) = (case.requests.get(&facts.id), case.words.get(&facts.id));
        Some(Erasure {
            facts,
            subject,
            request,
            words,
            address: case.addresses.get(&facts.id).map(|(_, address)| address),
        })
    }

    fn due_of(&self, id: ErasureId) -> Option<(Day, u32)> {
        let row = *self.by_id.get(&id)?;
        Some((self.erasures.get(row as usize)?.due, row))
    }

    fn follow_facts(&mut self, place: &Place, event: &Event) {
        let id = CaseId(place.stream.id);
        match event {
            Event::Opened { kind, .. } => self.open(id, *kind),
            Event::ErasureRequested { erasure, asked, by, due, .. } => {
                self.request(id, *erasure, *asked, *by, *due, &[]);
            }
            Event::RetentionOver { erasure, by, on, over } => {
                self.request(id, *erasure, asked_by_nobody(*on), *by, on.plus_months(1), over);
            }
            _ => {}
        }
        let case = self.cases.get(&id.0).and_then(|row| self.rows.get_mut(row as usize));
        if let Some(case) = case {
            case.revision = place.revision;
            if let Event::Disclosed { disclosure, .. } = event {
                let Place { position, recorded_at: at, actor, .. } = *place;
                case.disclosures.push(DisclosureFacts { case: id, disclosure: *disclosure, at, position, actor });
            }
        }
        self.holds.follow(place, event);
        self.follow_residues(place, event);
        self.redactions.follow(place, event);
        if let Event::CoolingOffSet { erasure, until } = event {
            let row = self.by_id.get(erasure).and_then(|row| self.erasures.get_mut(*row as usize));
            row.into_iter().for_each(|facts| facts.cooling_off = Some(*until));
        }
        let (erasure, stage) = match event {
            Event::ErasureRequested { erasure, .. } => (erasure, Stage::Requested),
            Event::ErasureWithdrawn { erasure } => (erasure, Stage::Withdrawn),
            Event::ErasureRefused { erasure, .. } => (erasure, Stage::Refused),
            Event::ErasureApproved { erasure } | Event::Unfenced { erasure, .. } => (erasure, Stage::Approved),
            Event::Fenced { erasure, .. } => (erasure, Stage::Fenced),
            Event::DestructionOrdered { erasure, .. } => (erasure, Stage::DestructionOrdered),
            Event::Certified { erasure, .. } => (erasure, Stage::Certified),
            Event::Opened { .. } | Event::Linked { .. } | Event::Unlinked { .. } | Event::Disclosed { .. } => return,
            Event::HoldPlaced { .. } | Event::HoldApproved { .. } | Event::HoldLiftRequested { .. } => return,
            Event::HoldLifted { .. } | Event::CoolingOffSet { .. } | Event::RetentionOver { .. } => return,
            Event::Redaction(_) => return,
            // Who confirms a retention stands beside those who approve; it is fenced still.
            Event::RetentionConfirmed { erasure, .. } => (erasure, Stage::Approved),
            Event::ResiduesNamed { .. } | Event::ResidueClosed { .. } | Event::CertifiedFinally { .. } => return,
            Event::DeliveryAddressGiven { .. } | Event::CertificateDelivered { .. } => return,
            Event::ClaimMarked { .. } | Event::Returned { .. } => return,
        };
        let Some(row) = self.by_id.get(erasure).copied() else { return };
        let Some(facts) = self.erasures.get_mut(row as usize) else { return };
        let stage = match event {
            Event::Unfenced { .. } if facts.is_retention() => Stage::Withdrawn,
            _ => stage,
        };
        if !matches!(event, Event::RetentionConfirmed { .. }) {
            facts.stage = stage;
        }
        let (at, effective_at) = (place.recorded_at, place.effective_at);
        facts.steps.push(Step { stage, at, effective_at, position: place.position, actor: place.actor });
        match event {
            Event::ErasureRefused { ground, .. } => facts.refused = Some(*ground),
            Event::Fenced { compartments, keys, .. } => {
                (facts.compartments, facts.keys) = (compartments.clone(), keys.clone());
                self.by_key.extend(keys.iter().map(|key| (*key, row)));
            }
            Event::Unfenced { ground, keys, .. } => {
                facts.unfenced = Some(*ground);
                (facts.compartments, facts.keys, facts.cooling_off) = (Vec::new(), Vec::new(), None);
                for key in keys {
                    self.by_key.remove(key);
                }
            }
            Event::RetentionConfirmed { confirmed, .. } => facts.confirmed = Some(confirmed.clone()),
            Event::Certified { certificate, .. } => facts.certificate = Some(certificate.clone()),
            _ => {}
        }
    }

    fn follow_residues(&mut self, place: &Place, event: &Event) {
        let (Event::ResiduesNamed { erasure, .. }
        | Event::ResidueClosed { erasure, .. }
        | Event::DeliveryAddressGiven { erasure, .. }
        | Event::CertificateDelivered { erasure, .. }
        | Event::ClaimMarked { erasure, .. }
        | Event::CertifiedFinally { erasure }) = event
        else {
            return;
        };
        let row = self.by_id.get(erasure).copied();
        let Some((row, facts)) = row.and_then(|row| Some((row, self.erasures.get_mut(row as usize)?))) else { return };
        let told = Told::from(place);
        match event {
            Event::ResiduesNamed { residues, .. } => {
                let one = |residue: &Residue| ResidueFacts { residue: *residue, named: told, closed: None };
                facts.residues.extend(residues.iter().map(one));
                self.provisional.insert(row);
            }
            Event::ResidueClosed { number, end, on, .. } => {
                let residue = facts.residues.get_mut(usize::from(*number).wrapping_sub(1));
                residue.into_iter().for_each(|residue| residue.closed = Some((*end, *on, told)));
            }
            Event::ClaimMarked { mark, .. } => {
                let before = facts.claim.replace((*mark, told));
                let own = before.filter(|(before, _)| self.by_mark.get(before) == Some(&row));
                if let Some((own, _)) = own {
                    self.by_mark.remove(&own);
                }
                // The first one keeps it, whoever copies a mark from the log.
                self.by_mark.entry(*mark).or_insert(row);
            }
            Event::DeliveryAddressGiven { .. } => facts.address_given = Some(told),
            Event::CertificateDelivered { on, is_final, .. } => facts.deliveries.push((*on, *is_final, told)),
            _ => {
                facts.certified_finally = Some(told);
                self.provisional.remove(&row);
            }
        }
    }

    fn open(&mut self, id: CaseId, kind: SubjectKind) {
        self.cases.add(id.0);
        self.rows.push(CaseRow {
            id,
            kind,
            revision: 0,
            erasures: Vec::new(),
            holder: None,
            links: BTreeSet::new(),
            requests: BTreeMap::new(),
            words: BTreeMap::new(),
            addresses: BTreeMap::new(),
            disclosures: Vec::new(),
            recipients: BTreeMap::new(),
            matters: BTreeMap::new(),
            returns: Vec::new(),
        });
    }

    fn request(&mut self, case: CaseId, id: ErasureId, asked: Asked, by: ActorId, due: Day, over: &[Survivor]) {
        let row = self.erasures.len() as u32;
        self.by_id.insert(id, row);
        self.by_due.insert((due, row));
        let found = self.cases.get(&case.0).and_then(|row| self.rows.get_mut(row as usize));
        found.into_iter().for_each(|case| case.erasures.push(id));
        self.erasures.push(ErasureFacts {
            id,
            case,
            stage: Stage::Requested,
            asked,
            by,
            due,
            steps: Vec::new(),
            refused: None,
            unfenced: None,
            compartments: Vec::new(),
            keys: Vec::new(),
            cooling_off: None,
            certificate: None,
            over: over.to_vec(),
            confirmed: None,
            residues: Vec::new(),
            address_given: None,
            deliveries: Vec::new(),
            claim: None,
            certified_finally: None,
        });
    }
}
