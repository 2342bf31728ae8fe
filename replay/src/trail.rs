//! One stream's trail: every record in order, what it says without any key, and, for consents, what held on a day and which
//! record decides it.

use domain::consent::{AsOf, Trail as Consents};
use domain::event::{Event, Place, Stream};
use domain::time::{Day, Time};
use events::record::{Hash, Record};
use serde::Serialize;

use crate::describe::describe;
use crate::plain::plain;
use crate::verify::{Failed, facts};

/// Collects a stream's records while the log is verified.
pub struct Collector {
    stream: Stream,
    known_at: Option<Time>,
    found: Vec<(Place, Event)>,
    /// Whether the log has the stream at all, later than `known_at` or not.
    there: bool,
    unreadable: Option<Failed>,
}

impl Collector {
    /// For one stream; later records than `known_at` are left out.
    pub fn new(stream: Stream, known_at: Option<Time>) -> Self {
        Self { stream, known_at, found: Vec::new(), there: false, unreadable: None }
    }

    /// Takes a record if it belongs to the stream.
    pub fn take(&mut self, record: &Record<'_>, hash: Hash) {
        if record.stream != self.stream {
            return;
        }
        self.there = true;
        if self.known_at.is_some_and(|known_at| record.recorded_at > known_at) {
            return;
        }
        match facts(record) {
            Ok(event) => self.found.push((record.place(hash), event)),
            Err(failed) => self.unreadable = Some(failed),
        }
    }

    /// Whether the log has any record of the stream, known by then or not.
    pub fn is_there(&self) -> bool {
        self.there
    }

    /// The trail as of a day, once the log is known to hold together.
    pub fn trail(self, day: Day) -> Result<Trail, Failed> {
        if let Some(failed) = self.unreadable {
            return Err(failed);
        }
        let mut consents = Consents::default();
        for (place, event) in &self.found {
            if let Event::Consents(event) = event {
                consents.follow(place, &event.fact);
            }
        }
        let as_of = AsOf { day, known_at: self.known_at };
        let states = consents.state_on(as_of).into_iter().map(|(scope, standing)| State {
            purpose: scope.purpose.map(|slug| slug.to_string()),
            channel: scope.channel.map(|channel| channel.name()),
            contact_point: scope.point.map(|point| point.to_string()),
            state: standing.state.name(),
            evidence: standing.evidence.map(|evidence| evidence.name()),
            decided_by: standing.decided_by,
            since: standing.since.to_string(),
            valid_until: standing.valid_until.map(|day| day.to_string()),
        });
        Ok(Trail {
            stream: self.stream.to_string(),
            as_of: day.to_string(),
            known_at: self.known_at.map(|time| time.to_string()),
            records: self.found.iter().map(|(place, event)| Line::of(place, event)).collect(),
            states: states.collect(),
        })
    }
}

/// A stream's trail, as it is printed and as it is written for machines.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Trail {
    /// Which stream.
    pub stream: String,
    /// The day that the states are of.
    pub as_of: String,
    /// Only what was recorded by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_at: Option<String>,
    /// Its records.
    pub records: Vec<Line>,
    /// What held on the day; only consents have states.
    pub states: Vec<State>,
}

/// One record of a trail.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Line {
    /// Its place in the log.
    pub position: u64,
    /// Its place in the stream.
    pub revision: u64,
    /// The ledger's clock.
    pub recorded_at: String,
    /// When it became true, as the command said.
    pub occurred_at: String,
    /// Whether it was recorded more than a day after.
    pub late: bool,
    /// What happened.
    pub kind: &'static str,
    /// What the record says without a key.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// Who.
    pub actor: String,
    /// The record's hash.
    pub hash: String,
}

impl Line {
    fn of(place: &Place, event: &Event) -> Self {
        let (kind, facts) = describe(event);
        Self {
            position: place.position,
            revision: place.revision,
            recorded_at: place.recorded_at.to_string(),
            occurred_at: place.effective_at.to_string(),
            late: place.recorded_at.0.saturating_sub(place.effective_at.0) > Time::DAY_MS,
            kind,
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            actor: place.actor.to_string(),
            hash: blake3_hex(&place.hash),
        }
    }
}

/// What held for one consent on a day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct State {
    /// What for; all purposes when it is missing.
    pub purpose: Option<String>,
    /// By which channel; all when it is missing.
    pub channel: Option<&'static str>,
    /// At which point; all when it is missing.
    pub contact_point: Option<String>,
    /// What held.
    pub state: &'static str,
    /// What a consent rests on.
    pub evidence: Option<&'static str>,
    /// The record that decides it.
    pub decided_by: u64,
    /// Since when.
    pub since: String,
    /// Until when.
    pub valid_until: Option<String>,
}

impl std::fmt::Display for Trail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "trail of {}, {} records", self.stream, self.records.len())?;
        for line in &self.records {
            write!(f, "{:>10}  {}", line.position, line.recorded_at)?;
            if line.late {
                write!(f, "  (late: occurred {})", line.occurred_at)?;
            } else {
                write!(f, "  occurred {}", line.occurred_at)?;
            }
            write!(f, "  {}", line.kind)?;
            for (name, value) in &line.facts {
                match value {
                    serde_json::Value::String(text) => write!(f, "  {name}={}", plain(text))?,
                    other => write!(f, "  {name}={}", plain(&other.to_string()))?,
                }
            }
            writeln!(f, "  by {}", line.actor)?;
        }
        if !self.states.is_empty() {
            writeln!(f, "on {}:", self.as_of)?;
        }
        for state in &self.states {
            let all = |value: Option<&str>| plain(value.unwrap_or("all"));
            write!(
                f,
                "  {} by {} at {}: {}",
                all(state.purpose.as_deref()),
                all(state.channel),
                all(state.contact_point.as_deref()),
                state.state
            )?;
            if let Some(evidence) = state.evidence {
                write!(f, " ({evidence})")?;
            }
            writeln!(f, " since {}, decided by record {}", state.since, state.decided_by)?;
        }
        Ok(())
    }
}

fn blake3_hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a forged log says of itself is told in its words, on its lines.
    #[test]
    fn a_value_adds_no_line_and_steers_no_terminal() {
        let lie =
            "x: WITHDRAWN\n  newsletter by EMAIL at all: GIVEN since 2026-01-01, decided by record 452\n\u{1b}[8m";
        let facts = [("text", lie.into()), ("list", vec![lie, "\u{9b}8m"].into())];
        let trail = Trail {
            stream: "consents_0".into(),
            as_of: "2026-01-01".into(),
            known_at: None,
            records: vec![Line {
                position: 1,
                revision: 0,
                recorded_at: String::new(),
                occurred_at: String::new(),
                late: false,
                kind: "consents.withdrawn",
                facts: facts
                    .into_iter()
                    .map(|(name, value): (_, serde_json::Value)| (name.to_owned(), value))
                    .collect(),
                actor: String::new(),
                hash: String::new(),
            }],
            states: vec![State {
                purpose: Some(lie.into()),
                channel: None,
                contact_point: None,
                state: "WITHDRAWN",
                evidence: None,
                decided_by: 1,
                since: String::new(),
                valid_until: None,
            }],
        };
        let text = trail.to_string();
        assert_eq!(text.lines().count(), 4, "a heading, a record, the day and a state: {text:?}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
}
