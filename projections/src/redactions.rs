//! What was redacted, what waits for a second person, what is in the recycle bin?
//!
//! Stages, days and the numbers of what went are facts and stay. What it is about is part of the drawer and goes with the
//! claims.

use std::collections::{BTreeMap, BTreeSet};

use domain::compartment::Compartment;
use domain::event::{Place, Stream};
use domain::id::{CaseId, ErasureId, KeyId};
use domain::subject::redaction::{Event as Fact, Wanted, What};
use domain::subject::{Certificate, Event, Stage};
use domain::time::Day;

use crate::digest::Digest;
use crate::erasures::Step;
use crate::page::{Cursor, CursorGone, Cut, Page};
use crate::views::Views;

/// One redaction, for ever.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RedactionFacts {
    /// Its id.
    pub id: ErasureId,
    /// In which case.
    pub case: CaseId,
    /// How far it is: requested, withdrawn, approved, ordered to be destroyed, certified.
    pub stage: Stage,
    /// The compartment it is in.
    pub compartment: Compartment,
    /// The day from which on it may be purged, where it is in the recycle bin.
    pub purge_on: Option<Day>,
    /// Every step with its time, position and actor, oldest first.
    pub steps: Vec<Step>,
    /// How many parts lost something.
    pub touched: usize,
    /// How many parts have another key since.
    pub resealed: usize,
    /// The keys that were destroyed for it.
    pub keys: Vec<KeyId>,
    /// How the old key was destroyed.
    pub certificate: Option<Certificate>,
}

/// One redaction, with what can be read of what it is about.
#[derive(Clone, Copy)]
pub struct Redaction<'a> {
    /// What stays for ever.
    pub facts: &'a RedactionFacts,
    /// What goes, or went, while that can be read.
    pub wanted: Option<&'a Wanted>,
}

impl Redaction<'_> {
    /// Its place in the list.
    pub fn cursor(&self) -> Cursor {
        let requested = self.facts.steps.first();
        let (position, at) = requested.map_or((0, domain::time::Time(0)), |step| (step.position, step.at));
        Cursor { id: self.facts.id.0, position, at }
    }

    /// Whether something lies in the recycle bin.
    pub fn is_in_bin(&self) -> bool {
        self.facts.stage == Stage::Requested && self.facts.purge_on.is_some()
    }
}

/// All redactions.
#[derive(Default)]
pub(crate) struct Redactions {
    all: BTreeMap<ErasureId, RedactionFacts>,
    order: BTreeSet<(u64, ErasureId)>,
    /// Which redaction took something of the record at a position.
    taken: BTreeMap<u64, ErasureId>,
    /// The redaction that each key died for, and what its parts are under since.
    by_key: BTreeMap<KeyId, (ErasureId, Option<KeyId>)>,
    /// What each is about, and by stream: part of the drawer.
    wanted: BTreeMap<ErasureId, Wanted>,
    by_stream: BTreeMap<[u8; 16], BTreeSet<ErasureId>>,
}

impl Redactions {
    /// One redaction.
    pub fn get(&self, id: ErasureId) -> Option<Redaction<'_>> {
        Some(Redaction { facts: self.all.get(&id)?, wanted: self.wanted.get(&id) })
    }

    /// Takes a record's facts.
    pub fn follow(&mut self, place: &Place, event: &Event) {
        let (id, stage) = match event {
            Event::Redaction(Fact::Requested { redaction, compartment, purge_on, .. }) => {
                self.begin(place, *redaction, *compartment, *purge_on);
                (redaction, Stage::Requested)
            }
            Event::Redaction(Fact::Withdrawn { redaction }) => (redaction, Stage::Withdrawn),
            Event::Redaction(Fact::Approved { redaction }) => (redaction, Stage::Approved),
            Event::Redaction(Fact::Resealed { redaction, from, to, resealed, .. }) => {
                let gone = resealed.moved.iter().filter(|moved| !moved.gone.is_empty()).map(|moved| moved.of);
                let gone: Vec<_> = gone.chain(resealed.dropped.iter().copied()).collect();
                self.taken.extend(gone.iter().map(|part| (part.position, *redaction)));
                let to = to.or(self.by_key.get(from).and_then(|(_, to)| *to));
                self.by_key.insert(*from, (*redaction, to));
                if let Some(facts) = self.all.get_mut(redaction) {
                    facts.touched += gone.len();
                    facts.resealed += resealed.moved.len();
                }
                return;
            }
            Event::DestructionOrdered { erasure, keys, .. } => {
                self.all.get_mut(erasure).into_iter().for_each(|facts| facts.keys.clone_from(keys));
                (erasure, Stage::DestructionOrdered)
            }
            Event::Certified { erasure, certificate } => {
                let facts = self.all.get_mut(erasure);
                facts.into_iter().for_each(|facts| facts.certificate = Some(certificate.clone()));
                (erasure, Stage::Certified)
            }
            _ => return,
        };
        if let Some(facts) = self.all.get_mut(id) {
            let Place { position, recorded_at: at, effective_at, actor, .. } = *place;
            facts.stage = stage;
            facts.steps.push(Step { stage, at, effective_at, position, actor });
        }
    }

    /// Takes what one is about.
    pub fn want(&mut self, id: ErasureId, wanted: Wanted) {
        self.by_stream.entry(wanted.stream.id).or_default().insert(id);
        self.wanted.insert(id, wanted);
    }

    /// Drops what those of a case are about.
    pub fn forget(&mut self, case: CaseId) {
        let of_case = self.all.values().filter(|facts| facts.case == case).map(|facts| facts.id);
        for id in of_case {
            let Some(wanted) = self.wanted.remove(&id) else { continue };
            let rest = self.by_stream.get_mut(&wanted.stream.id);
            if rest.is_some_and(|rest| rest.remove(&id) && rest.is_empty()) {
                self.by_stream.remove(&wanted.stream.id);
            }
        }
    }

    pub fn write_digest(&self, out: &mut Digest<'_>) {
        out.facts(&(&self.all, &self.order, &self.taken, &self.by_key, &self.by_stream));
        for (id, wanted) in &self.wanted {
            out.facts(&(id, &wanted.stream, &wanted.what));
            out.bytes(wanted.words.as_ref().map_or(&[], |words| words.as_str().as_bytes()));
        }
    }

    /// The streams whose nodes are in the recycle bin.
    fn binned(&self) -> impl Iterator<Item = [u8; 16]> {
        let in_bin = |id: &ErasureId| self.get(*id).is_some_and(|found| found.is_in_bin());
        self.by_stream.iter().filter(move |(_, ids)| ids.iter().any(in_bin)).map(|(stream, _)| *stream)
    }

    fn begin(&mut self, place: &Place, id: ErasureId, compartment: Compartment, purge_on: Option<Day>) {
        self.order.insert((place.position, id));
        let facts = RedactionFacts {
            id,
            case: CaseId(place.stream.id),
            stage: Stage::Requested,
            compartment,
            purge_on,
            steps: Vec::new(),
            touched: 0,
            resealed: 0,
            keys: Vec::new(),
            certificate: None,
        };
        self.all.insert(id, facts);
    }
}

impl Views {
    /// One redaction.
    pub fn redaction(&self, id: ErasureId) -> Option<Redaction<'_>> {
        self.erasures.redactions().get(id)
    }

    /// The redaction that took something of the record at a position, the last one.
    pub fn redaction_at(&self, position: u64) -> Option<Redaction<'_>> {
        self.erasures.redactions().taken.get(&position).and_then(|id| self.redaction(*id))
    }

    /// The redactions that the parts under a key went through since, the first at the front.
    pub fn redactions_of_key(&self, key: KeyId) -> Vec<Redaction<'_>> {
        let by_key = &self.erasures.redactions().by_key;
        let steps = std::iter::successors(by_key.get(&key), |(_, to)| to.and_then(|to| by_key.get(&to)));
        steps.filter_map(|(id, _)| self.redaction(*id)).collect()
    }

    /// The redaction whose request stands at a position.
    pub fn redaction_requested_at(&self, position: u64) -> Option<Redaction<'_>> {
        let ids = (position, ErasureId([0; 16]))..=(position, ErasureId([0xff; 16]));
        self.erasures.redactions().order.range(ids).next().and_then(|(_, id)| self.redaction(*id))
    }

    /// The redactions of one stream, by id, while it can be read what they are about.
    pub fn redactions_in(&self, stream: &Stream) -> impl Iterator<Item = Redaction<'_>> {
        let ids = self.erasures.redactions().by_stream.get(&stream.id).into_iter().flatten();
        ids.filter_map(|id| self.redaction(*id))
    }

    /// The redaction with which a node lies in the recycle bin; where it tells of several, the one that was asked for last.
    pub fn bin_of(&self, stream: &Stream) -> Option<Redaction<'_>> {
        let whole = |found: &Redaction<'_>| found.wanted.is_some_and(|wanted| wanted.what == What::Node);
        let in_bin = self.redactions_in(stream).filter(|found| found.is_in_bin() && whole(found));
        in_bin.max_by_key(|found| found.cursor().position)
    }

    /// Whether a node lies in the recycle bin with this one, and for all of whom it tells: each node is shown there once.
    fn shows_bin(&self, found: &Redaction<'_>) -> bool {
        let of = found.wanted.and_then(|wanted| self.bin_of(&wanted.stream));
        found.is_in_bin() && of.is_none_or(|of| of.facts.id == found.facts.id)
    }

    /// Whether anything lies in the recycle bin, and what: the ids of the streams.
    pub(crate) fn binned(&self) -> BTreeSet<[u8; 16]> {
        self.erasures.redactions().binned().collect()
    }

    /// A part of the redactions at any of these stages (all, without any) that are in the recycle bin or not, or both, the
    /// oldest at the front.
    pub fn redactions(
        &self,
        stages: &[Stage],
        in_bin: Option<bool>,
        cut: &Cut,
    ) -> Result<Page<Redaction<'_>>, CursorGone> {
        let all = self.erasures.redactions();
        let (_, cursor, forward) = cut.parts();
        let place = |cursor: Cursor| {
            let requested = all.get(ErasureId(cursor.id)).ok_or(CursorGone)?;
            Ok((requested.cursor().position, requested.facts.id))
        };
        let place = cursor.map(place).transpose()?;
        let is_asked = |(_, id): &&(u64, ErasureId)| {
            let Some(found) = all.get(*id) else { return false };
            let bin = in_bin.is_none_or(|in_bin| if in_bin { self.shows_bin(&found) } else { !found.is_in_bin() });
            bin && (stages.is_empty() || stages.contains(&found.facts.stage))
        };
        use std::ops::Bound::{Excluded, Unbounded};
        let place = place.map_or(Unbounded, Excluded);
        let ids = if forward {
            cut.take(all.order.range((place, Unbounded)).filter(is_asked))
        } else {
            cut.take(all.order.range((Unbounded, place)).rev().filter(is_asked))
        };
        Ok(ids.filter_map(|(_, id)| self.redaction(*id)))
    }
}
