//! Stored forms of documents.

use domain::document::{Event, File, On};
use domain::id::{ContactId, TicketId};

use super::values::Form;
use super::{Columns, HeldFields, Shape, WireError, Written, exactly, held, plain};
use crate::codec::{decode, encode};

facts! { AttachedV1 {} }
part! { FileV1 {
    contact: Option<[u8; 16]>, ticket: Option<[u8; 16]>, name: String, media_type: String, bytes: Vec<u8>,
} }

pub(crate) const STRUCTURES: &[(&str, Columns)] = &[];

pub(crate) const SHAPES: &[Shape] =
    &[Shape { kind: "document.attached", version: 1, facts: AttachedV1::FIELDS, parts: &[("one", FileV1::FIELDS)] }];

pub(crate) fn write(event: &Event) -> Result<Written, WireError> {
    let Event::Attached { file } = event;
    let part = plain(file, |file| {
        let (contact, ticket) = match file.on {
            On::Contact(contact) => (Some(contact.store()), None),
            On::Ticket(ticket) => (None, Some(ticket.store())),
        };
        let (name, media_type) = (file.name.store(), file.media_type.store());
        FileV1 { contact, ticket, name, media_type, bytes: file.bytes.clone() }
    })?;
    Ok(Written { kind: "document.attached", version: 1, facts: encode(&AttachedV1 {})?, parts: vec![part] })
}

pub(crate) fn read(kind: &str, version: u16, facts: &[u8], parts: Vec<HeldFields>) -> Result<Option<Event>, WireError> {
    if (kind, version) != ("document.attached", 1) {
        return Ok(None);
    }
    let AttachedV1 {} = decode(facts, "document.attached")?;
    let [part] = exactly(parts)?;
    let file = held(part, |form: FileV1| {
        let on = match (form.contact, form.ticket) {
            (Some(contact), None) => On::Contact(ContactId(contact)),
            (None, Some(ticket)) => On::Ticket(TicketId(ticket)),
            _ => return Err(WireError::Code("place of a document")),
        };
        let (name, media_type) = (Form::load(form.name)?, Form::load(form.media_type)?);
        Ok(Box::new(File { on, name, media_type, bytes: form.bytes }))
    })?;
    Ok(Some(Event::Attached { file }))
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::id::SubjectId;
    use domain::personal::Held;
    use domain::value::Line;

    use super::*;
    use crate::wire::{self, reads_back};

    #[test]
    fn every_event_reads_back() {
        for on in [On::Contact(ContactId([1; 16])), On::Ticket(TicketId([2; 16]))] {
            let line = |text| Line::parse(text).unwrap();
            let (name, media_type) = (line("offer.pdf"), line("application/pdf"));
            let file = Box::new(File { on, name, media_type, bytes: b"%PDF".to_vec() });
            let file = Held::new(SubjectId([9; 16]), Compartment::Document(7), file);
            reads_back(&wire::Event::Document(Event::Attached { file }));
        }
    }
}
