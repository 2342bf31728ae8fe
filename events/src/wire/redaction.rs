//! Stored forms of redactions, which stand in a subject's case.

use domain::event::{Stream, StreamKind};
use domain::id::ErasureId;
use domain::subject::redaction::{Event, Moved, PartOf, Resealed, Wanted, What};

use super::case::CompartmentV1;
use super::values::{Form, mirror};
use super::{HeldFields, WireError, exactly, held, plain};
use crate::codec::{decode, encode};
use crate::seal::Plain;

part! { WantedV1 {
    stream_kind: String, stream: [u8; 16], fields: Vec<u32>, message: Option<[u8; 16]>, words: Option<String>,
} }

mirror! { facts PartOfV1 = PartOf { position: u64, part: u32 } }
mirror! { facts MovedV1 = Moved { of: PartOfV1, gone: Vec<u32> } }
facts! { RedactionRequestedV1 {
    redaction: [u8; 16], by: [u8; 16], compartment: CompartmentV1, purge_on: Option<i32>,
} }
facts! { RedactionV1 { redaction: [u8; 16] } }
facts! { ResealedV1 {
    redaction: [u8; 16], compartment: CompartmentV1, from: [u8; 16], to: Option<[u8; 16]>, moved: Vec<MovedV1>,
    dropped: Vec<PartOfV1>, more: bool,
} }

/// The parts of `case.resealed` are made where they are resealed: nobody makes them of the event.
pub(super) fn write(event: &Event, parts: &mut Vec<Plain>) -> Result<(&'static str, Vec<u8>), WireError> {
    Ok(match event {
        Event::Requested { redaction, by, compartment, purge_on, wanted } => {
            parts.push(plain(wanted, wanted_part)?);
            let (redaction, by, compartment) = (redaction.store(), by.store(), compartment.store());
            let form = RedactionRequestedV1 { redaction, by, compartment, purge_on: purge_on.store() };
            ("case.redaction-requested", encode(&form)?)
        }
        Event::Withdrawn { redaction } => {
            ("case.redaction-withdrawn", encode(&RedactionV1 { redaction: redaction.store() })?)
        }
        Event::Approved { redaction } => {
            ("case.redaction-approved", encode(&RedactionV1 { redaction: redaction.store() })?)
        }
        Event::Resealed { redaction, compartment, from, to, resealed, more } => {
            let form = ResealedV1 {
                redaction: redaction.store(),
                compartment: compartment.store(),
                from: from.store(),
                to: to.store(),
                moved: resealed.moved.store(),
                dropped: resealed.dropped.store(),
                more: *more,
            };
            ("case.resealed", encode(&form)?)
        }
    })
}

fn wanted_part(wanted: &Wanted) -> WantedV1 {
    let Wanted { stream, what, words } = wanted;
    let (fields, message) = match what {
        What::Fields(fields) => (fields.clone(), None),
        What::Message(message) => (Vec::new(), Some(message.store())),
        What::Node => (Vec::new(), None),
    };
    WantedV1 { stream_kind: stream.kind.name().to_owned(), stream: stream.id, fields, message, words: words.store() }
}

pub(super) fn requested(facts: &[u8], parts: Vec<HeldFields>) -> Result<Event, WireError> {
    let form: RedactionRequestedV1 = decode(facts, "case.redaction-requested")?;
    let [part] = exactly(parts)?;
    let wanted = held(part, |form: WantedV1| {
        let kind = StreamKind::named(&form.stream_kind).ok_or(WireError::Code("kind of stream"))?;
        let what = match form.message {
            Some(message) => What::Message(Form::load(message)?),
            None if form.fields.is_empty() => What::Node,
            None => What::Fields(form.fields),
        };
        Ok(Wanted { stream: Stream { kind, id: form.stream }, what, words: Form::load(form.words)? })
    })?;
    Ok(Event::Requested {
        redaction: Form::load(form.redaction)?,
        by: Form::load(form.by)?,
        compartment: Form::load(form.compartment)?,
        purge_on: Form::load(form.purge_on)?,
        wanted,
    })
}

pub(super) fn redaction(facts: &[u8], parts: Vec<HeldFields>, kind: &'static str) -> Result<ErasureId, WireError> {
    let [] = exactly(parts)?;
    let RedactionV1 { redaction } = decode(facts, kind)?;
    Form::load(redaction)
}

/// What the parts say is read where they came from.
pub(super) fn resealed(facts: &[u8], parts: &[HeldFields]) -> Result<Event, WireError> {
    let form: ResealedV1 = decode(facts, "case.resealed")?;
    if form.moved.len() != parts.len() {
        return Err(WireError::Parts { found: parts.len(), expected: form.moved.len() });
    }
    Ok(Event::Resealed {
        redaction: Form::load(form.redaction)?,
        compartment: Form::load(form.compartment)?,
        from: Form::load(form.from)?,
        to: Form::load(form.to)?,
        resealed: Resealed { moved: Form::load(form.moved)?, dropped: Form::load(form.dropped)? },
        more: form.more,
    })
}

#[cfg(test)]
mod tests {
    use domain::compartment::Compartment;
    use domain::id::{ActorId, KeyId, MessageId, SubjectId};
    use domain::personal::{Gone, Held};
    use domain::subject;
    use domain::time::Day;
    use domain::value::Text;

    use super::*;
    use crate::wire::{self, Written, reads_back};

    #[test]
    fn every_event_reads_back() {
        let redaction = ErasureId([1; 16]);
        let stream = Stream { kind: StreamKind::Contact, id: [2; 16] };
        let requested = |what, words, purge_on| {
            let wanted = Wanted { stream, what, words };
            let wanted = Held::new(SubjectId([9; 16]), Compartment::Claims, wanted);
            Event::Requested {
                redaction,
                by: ActorId([3; 16]),
                compartment: Compartment::Support(2026),
                purge_on,
                wanted,
            }
        };
        for event in [
            requested(What::Fields(vec![4, 12]), Text::parse("She asked.").ok(), None),
            requested(What::Message(MessageId([5; 16])), None, None),
            requested(What::Node, None, Some(Day(21_000))),
            Event::Withdrawn { redaction },
            Event::Approved { redaction },
        ] {
            reads_back(&wire::Event::Case(subject::Event::Redaction(event)));
        }
    }

    #[test]
    fn a_resealed_record_has_a_part_for_each_that_it_moves() {
        let of = |position| PartOf { position, part: 1 };
        let resealed = Resealed { moved: vec![Moved { of: of(7), gone: vec![5] }], dropped: vec![of(8)] };
        let event = subject::Event::Redaction(Event::Resealed {
            redaction: ErasureId([1; 16]),
            compartment: Compartment::Relationship,
            from: KeyId([2; 16]),
            to: Some(KeyId([3; 16])),
            resealed,
            more: true,
        });
        let event = wire::Event::Case(event);
        let Written { kind, version, facts, .. } = wire::write(&event).unwrap();
        let read = |parts: usize| wire::read(kind, version, &facts, vec![Held::Gone(Gone::Erased); parts]);
        assert_eq!(read(1), Ok(event));
        assert_eq!(read(0), Err(WireError::Parts { found: 0, expected: 1 }));
    }
}
