//! Stored forms of the ledger's own facts.

use domain::id::{KeyId, LogId};
use domain::ledger::Event;
use domain::time::Time;

use super::{Columns, HeldFields, Shape, WireError, Written, exactly};
use crate::codec::{decode, encode};

facts! { OpenedV1 { log: [u8; 16], controller: String, origin: String, demo: bool, codec: String } }
facts! { ClockConfirmedV1 { now: i64 } }
facts! { KeysLostV1 { keys: Vec<[u8; 16]> } }

/// How facts and fields are written, in words for whoever reads the log without this program.
const CODEC: &str = "bincode 2, fixed-width integers, big-endian";

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "log.opened", version: 1, facts: OpenedV1::FIELDS, parts: &[] },
    Shape { kind: "log.clock", version: 1, facts: ClockConfirmedV1::FIELDS, parts: &[] },
    Shape { kind: "log.keyring", version: 1, facts: KeysLostV1::FIELDS, parts: &[] },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts) = match event {
        Event::Opened { log, controller, origin, demo } => {
            let form = OpenedV1 {
                log: log.0,
                controller: controller.clone(),
                origin: origin.clone(),
                demo: *demo,
                codec: CODEC.to_owned(),
            };
            ("log.opened", encode(&form)?)
        }
        Event::ClockConfirmed { now } => ("log.clock", encode(&ClockConfirmedV1 { now: now.0 })?),
        Event::KeysLost { keys } => {
            ("log.keyring", encode(&KeysLostV1 { keys: keys.iter().map(|key| key.0).collect() })?)
        }
    };
    Ok(Written { kind, version: 1, facts, parts: Vec::new() })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    let [] = exactly(parts)?;
    let event = match (kind, version) {
        ("log.opened", 1) => {
            let OpenedV1 { log, controller, origin, demo, codec } = decode(facts, "facts")?;
            if codec != CODEC {
                return Err(WireError::Code("codec"));
            }
            Event::Opened { log: LogId(log), controller, origin, demo }
        }
        ("log.clock", 1) => {
            let ClockConfirmedV1 { now } = decode(facts, "facts")?;
            Event::ClockConfirmed { now: Time(now) }
        }
        ("log.keyring", 1) => {
            let KeysLostV1 { keys } = decode(facts, "facts")?;
            Event::KeysLost { keys: keys.into_iter().map(KeyId).collect() }
        }
        _ => return Ok(None),
    };
    Ok(Some(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        let opened = Event::Opened {
            log: LogId([1; 16]),
            controller: "Muster GmbH".into(),
            origin: "muster.example/lethe".into(),
            demo: true,
        };
        for event in [opened, Event::ClockConfirmed { now: Time(5) }, Event::KeysLost { keys: vec![KeyId([2; 16])] }] {
            reads_back(&wire::Event::Log(event));
        }
    }
}
