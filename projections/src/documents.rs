//! Which documents hang on a contact or a ticket? Their bytes stay in the log: who wants them reads them there.

use domain::document::{Event, File, On};
use domain::event::Place;
use domain::id::{ActorId, DocumentId, SubjectId};
use domain::personal::Held;
use domain::time::Time;
use domain::value::Line;

use crate::digest::Digest;
use crate::store::{Groups, Ids};
use crate::subjects::{Owned, Subjects, Thing};

/// What stays of a document for ever.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DocumentFacts {
    /// When it was attached.
    pub attached_at: Time,
    /// The position of that record.
    pub position: u64,
    /// Who attached it.
    pub actor: ActorId,
}

/// One document.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// Its id.
    pub id: DocumentId,
    /// What stays for ever.
    pub facts: &'a DocumentFacts,
    /// Name, type and size, while they can be read.
    pub sheet: Option<&'a DocumentSheet>,
    /// Whose it is, while that can be read.
    pub subject: Option<SubjectId>,
}

/// What the drawer holds of a document.
#[derive(Clone, PartialEq, Eq)]
pub struct DocumentSheet {
    /// What it hangs on.
    pub on: On,
    /// Its file name.
    pub name: Line,
    /// Its media type.
    pub media_type: Line,
    /// How many bytes it has.
    pub size: usize,
}

/// All documents.
#[derive(Default)]
pub(crate) struct Documents {
    ids: Ids,
    facts: Vec<DocumentFacts>,
    sheets: Vec<Owned<Box<DocumentSheet>>>,
    by_place: Groups,
}

impl Documents {
    /// One document.
    pub fn get(&self, id: DocumentId, subjects: &Subjects) -> Option<Document<'_>> {
        self.ids.get(&id.0).and_then(|row| self.document(row, subjects))
    }

    pub fn document(&self, row: u32, subjects: &Subjects) -> Option<Document<'_>> {
        let id = DocumentId(self.ids.id(row)?);
        let sheet = self.sheets.get(row as usize)?.as_ref();
        let subject = sheet.and_then(|(holder, _)| subjects.id(*holder));
        Some(Document { id, facts: self.facts.get(row as usize)?, sheet: sheet.map(|(_, sheet)| &**sheet), subject })
    }

    /// Those that hang on something, the first at the front.
    pub fn on<'a>(&'a self, on: On, subjects: &'a Subjects) -> impl Iterator<Item = Document<'a>> {
        let rows = self.by_place.get(&place(on));
        let here = move |found: &Document<'_>| found.sheet.is_some_and(|sheet| sheet.on == on);
        rows.into_iter().flat_map(|rows| rows.iter()).filter_map(|row| self.document(row, subjects)).filter(here)
    }

    /// Takes a record. Of one that was seen before, only what it says of people.
    pub fn follow(&mut self, subjects: &mut Subjects, place: &Place, event: Event, seen: bool) {
        let Event::Attached { file } = event;
        if !seen {
            self.ids.add(place.stream.id);
            let (attached_at, position, actor) = (place.recorded_at, place.position, place.actor);
            self.facts.push(DocumentFacts { attached_at, position, actor });
            self.sheets.push(None);
        }
        let Some(row) = self.ids.get(&place.stream.id) else { return };
        if let Held::Here(file) = file {
            let holder = subjects.hold(&file, Thing::Document(row), place.recorded_at.day());
            self.put(row, holder, *file.into_exposed());
        }
    }

    /// Drops what is held of one.
    pub fn forget(&mut self, row: u32) {
        let sheet = self.sheets.get_mut(row as usize).and_then(Option::take);
        sheet.into_iter().for_each(|(_, sheet)| self.by_place.remove(&place(sheet.on), row));
    }

    /// Facts, sheets and every list.
    pub fn write_digest(&self, out: &mut Digest<'_>, subjects: &Subjects) {
        for (row, facts) in self.facts.iter().enumerate() {
            out.bytes(&self.ids.id(row as u32).unwrap_or_default());
            out.facts(facts);
            let Some((holder, sheet)) = self.sheets.get(row).and_then(Option::as_ref) else { continue };
            out.subject(Some(*holder), subjects);
            out.facts(&(sheet.on, sheet.size));
            out.bytes(sheet.name.as_str().as_bytes());
            out.bytes(sheet.media_type.as_str().as_bytes());
        }
        out.groups(&self.by_place);
    }

    fn put(&mut self, row: u32, holder: u32, file: File) {
        let File { on, name, media_type, bytes } = file;
        self.by_place.add(place(on), row);
        if let Some(sheet) = self.sheets.get_mut(row as usize) {
            *sheet = Some((holder, Box::new(DocumentSheet { on, name, media_type, size: bytes.len() })));
        }
    }
}

fn place(on: On) -> [u8; 16] {
    match on {
        On::Contact(contact) => contact.0,
        On::Ticket(ticket) => ticket.0,
    }
}
