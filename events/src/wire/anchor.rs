//! Stored forms of what is declared about anchors.

use domain::anchor::Event;
use domain::id::ActorId;

use super::values::Form;
use super::{Columns, HeldFields, Shape, WireError, Written, exactly};
use crate::codec::{decode, encode};

facts! { DeclaredV1 { device: String, serial: String, by: [u8; 16] } }
facts! { ConfirmedV1 {} }
facts! { WithdrawnV1 {} }

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[];

pub(crate) const SHAPES: &[Shape] = &[
    Shape { kind: "anchor.declared", version: 1, facts: DeclaredV1::FIELDS, parts: &[] },
    Shape { kind: "anchor.confirmed", version: 1, facts: ConfirmedV1::FIELDS, parts: &[] },
    Shape { kind: "anchor.withdrawn", version: 1, facts: WithdrawnV1::FIELDS, parts: &[] },
];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let (kind, facts) = match event {
        Event::Declared { device, serial, by } => {
            let form = DeclaredV1 { device: device.store(), serial: serial.store(), by: by.0 };
            ("anchor.declared", encode(&form)?)
        }
        Event::Confirmed => ("anchor.confirmed", encode(&ConfirmedV1 {})?),
        Event::Withdrawn => ("anchor.withdrawn", encode(&WithdrawnV1 {})?),
    };
    Ok(Written { kind, version: 1, facts, parts: Vec::new() })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    let [] = exactly(parts)?;
    let event = match (kind, version) {
        ("anchor.declared", 1) => {
            let DeclaredV1 { device, serial, by } = decode(facts, "facts")?;
            Event::Declared { device: Form::load(device)?, serial: Form::load(serial)?, by: ActorId(by) }
        }
        ("anchor.confirmed", 1) => {
            let ConfirmedV1 {} = decode(facts, "facts")?;
            Event::Confirmed
        }
        ("anchor.withdrawn", 1) => {
            let WithdrawnV1 {} = decode(facts, "facts")?;
            Event::Withdrawn
        }
        _ => return Ok(None),
    };
    Ok(Some(event))
}

#[cfg(test)]
mod tests {
    use domain::value::Line;

    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        let line = |text: &str| Line::parse(text).unwrap();
        let declared = Event::Declared { device: line("the safe"), serial: line("1a2b"), by: ActorId([5; 16]) };
        for event in [declared, Event::Confirmed, Event::Withdrawn] {
            reads_back(&wire::Event::Anchor(event));
        }
    }
}
