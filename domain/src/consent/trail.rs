//! A person's trail of consent, folded from facts alone: the views, the API and the auditor's program ask the same code.

use std::collections::BTreeSet;

use super::{About, Evidence, Fact, Scope};
use crate::code::codes;
use crate::event::Place;
use crate::time::{Day, Time};

codes! {
    /// Where a consent stands.
    pub enum State {
        /// Asked, and no answer yet.
        Requested = 1 "REQUESTED",
        /// Given, on somebody's word or from an earlier system.
        Given = 2 "GIVEN",
        /// Given with the code.
        Confirmed = 3 "CONFIRMED",
        /// Asked, and the answer was no.
        Refused = 4 "REFUSED",
        /// Taken back.
        Withdrawn = 5 "WITHDRAWN",
        /// Given once, and its time is over.
        Expired = 6 "EXPIRED",
        /// Objected to.
        Objected = 7 "OBJECTED",
    }
}

/// From which side a trail is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AsOf {
    /// What held at the end of this day: records effective later do not count.
    pub day: Day,
    /// What was known by then: records written later do not count.
    pub known_at: Option<Time>,
}

impl AsOf {
    /// A day with all that is known now.
    pub fn day(day: Day) -> Self {
        Self { day, known_at: None }
    }

    /// Whether a record counts from here.
    pub fn sees(&self, entry: &Entry) -> bool {
        self.counts(entry.effective_at, entry.recorded_at)
    }

    /// Whether what became true and was written then counts from here.
    pub fn counts(&self, effective_at: Time, recorded_at: Time) -> bool {
        effective_at <= self.day.end() && self.known_at.is_none_or(|known_at| recorded_at <= known_at)
    }
}

/// One record of the trail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its place in the log.
    pub position: u64,
    /// When it was written.
    pub recorded_at: Time,
    /// When it became true.
    pub effective_at: Time,
    /// What happened.
    pub fact: Fact,
}

impl Entry {
    /// Written more than a day after it became true.
    pub fn is_late(&self) -> bool {
        self.recorded_at.0.saturating_sub(self.effective_at.0) > Time::DAY_MS
    }

    fn no_to(&self, about: &About) -> Option<State> {
        match &self.fact {
            Fact::Refused { about: refused, .. } if refused == about => Some(State::Refused),
            Fact::Withdrawn { scope, .. } if scope.covers(about) => Some(State::Withdrawn),
            Fact::Objected { scope, .. } if scope.covers(about) => Some(State::Objected),
            _ => None,
        }
    }

    fn yes_to(&self, about: &About) -> Option<(Evidence, Option<Day>)> {
        match &self.fact {
            Fact::Given { about: given, evidence, valid_until, .. } if given == about => {
                Some((*evidence, *valid_until))
            }
            Fact::Confirmed { about: confirmed, valid_until, .. } if confirmed == about => {
                Some((Evidence::ConfirmedByCode, *valid_until))
            }
            _ => None,
        }
    }

    fn question_of(&self, about: &About) -> Option<Time> {
        match &self.fact {
            Fact::Requested { about: asked, expires_at, .. } if asked == about => Some(*expires_at),
            _ => None,
        }
    }

    /// How far it reaches.
    pub fn scope(&self) -> Scope {
        match &self.fact {
            Fact::Requested { about, .. }
            | Fact::Given { about, .. }
            | Fact::Confirmed { about, .. }
            | Fact::Refused { about, .. } => about.into(),
            Fact::Withdrawn { scope, .. } | Fact::Objected { scope, .. } => scope.clone(),
        }
    }
}

/// Where one consent stands, and the record that decides it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// The state on the day that was asked for.
    pub state: State,
    /// What a consent rests or rested on.
    pub evidence: Option<Evidence>,
    /// The position of the record that decides.
    pub decided_by: u64,
    /// When that became true.
    pub since: Time,
    /// The last day of a consent.
    pub valid_until: Option<Day>,
    /// Whether the deciding record was written more than a day after it became true.
    pub late: bool,
    /// The position of a request that came after the deciding record and waits for its code.
    pub pending: Option<u64>,
}

/// All records of one person's consents, in the order in which they became true; ties by position.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trail {
    entries: Vec<Entry>,
}

impl Trail {
    /// Takes a record of the stream. One that was seen before changes nothing.
    pub fn follow(&mut self, place: &Place, fact: &Fact) {
        let Place { position, recorded_at, effective_at, .. } = *place;
        let key = (effective_at, position);
        if let Err(at) = self.entries.binary_search_by_key(&key, |entry| (entry.effective_at, entry.position)) {
            // There are as many trails as people and most have one or two records: no room ahead of need.
            if self.entries.len() < 4 {
                self.entries.reserve_exact(1);
            }
            self.entries.insert(at, Entry { position, recorded_at, effective_at, fact: fact.clone() });
        }
    }

    /// The records in the order in which they became true.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Every consent that the trail speaks of, and where it stood. A no that names less than purpose, channel and point
    /// has a row of its own, for it reaches what was never asked for, too.
    pub fn state_on(&self, as_of: AsOf) -> Vec<(Scope, Standing)> {
        let scopes: BTreeSet<Scope> = self.seen(as_of).map(Entry::scope).collect();
        scopes.into_iter().filter_map(|scope| Some((scope.clone(), self.stand(&scope, as_of)?))).collect()
    }

    /// Where the consent for exactly this stood; nothing if nobody ever spoke of it.
    ///
    /// The latest no that reaches it ends every consent before it, however broad the no was, and a consent after it
    /// counts for exactly what it names. Of the consents since, the latest says until when; a confirmed one still in
    /// force says on what it rests. So a later word of an agent may shorten a confirmed consent and never lengthens it.
    pub fn standing(&self, about: &About, as_of: AsOf) -> Option<Standing> {
        let mut standing: Option<Standing> = None;
        let mut confirmed: Option<Standing> = None;
        for entry in self.seen(as_of) {
            if let Some(state) = entry.no_to(about) {
                (standing, confirmed) = (Some(at(entry, state)), None);
            } else if let Some((evidence, valid_until)) = entry.yes_to(about) {
                let proven = evidence == Evidence::ConfirmedByCode;
                let state = if proven { State::Confirmed } else { State::Given };
                let yes = Standing { evidence: Some(evidence), valid_until, ..at(entry, state) };
                standing = Some(yes);
                confirmed = if proven { Some(yes) } else { confirmed };
            } else if let Some(expires_at) = entry.question_of(about) {
                let pending = (as_of.day.start() <= expires_at).then_some(entry.position);
                standing = Some(Standing { pending, ..standing.unwrap_or_else(|| at(entry, State::Requested)) });
            }
        }
        Some(on(as_of.day, standing?, confirmed))
    }

    fn stand(&self, scope: &Scope, as_of: AsOf) -> Option<Standing> {
        if let Scope { purpose: Some(purpose), channel: Some(channel), point: Some(point) } = scope {
            return self.standing(&About { purpose: purpose.clone(), channel: *channel, point: *point }, as_of);
        }
        let last = self.seen(as_of).filter(|entry| entry.scope() == *scope).last()?;
        let withdrawn = matches!(last.fact, Fact::Withdrawn { .. });
        Some(at(last, if withdrawn { State::Withdrawn } else { State::Objected }))
    }

    fn seen(&self, as_of: AsOf) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| as_of.sees(entry))
    }
}

fn at(entry: &Entry, state: State) -> Standing {
    Standing {
        state,
        evidence: None,
        decided_by: entry.position,
        since: entry.effective_at,
        valid_until: None,
        late: entry.is_late(),
        pending: None,
    }
}

/// A consent holds through its last day. `latest` is the last word; `confirmed` the last proven one since the last no.
fn on(day: Day, latest: Standing, confirmed: Option<Standing>) -> Standing {
    let over = |standing: &Standing| standing.valid_until.is_some_and(|last| last < day);
    match (latest.state, confirmed) {
        (State::Given | State::Confirmed, _) if over(&latest) => Standing { state: State::Expired, ..latest },
        (State::Given, Some(proven)) if !over(&proven) => {
            let valid_until = proven.valid_until.into_iter().chain(latest.valid_until).min();
            Standing { valid_until, pending: latest.pending, ..proven }
        }
        _ => latest,
    }
}
