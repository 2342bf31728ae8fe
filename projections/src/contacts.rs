//! Which contacts are there, and what is held about each?

use domain::contact::{Event, Profile};
use domain::event::Place;
use domain::id::{ContactId, SubjectId};
use domain::personal::Held;

use crate::directory::{Directory, Facts};
use crate::page::Cursor;
use crate::subjects::sheet::{ContactSheet, with_point, with_points_of, without_point};
use crate::subjects::{Subjects, Thing};

/// All contacts.
pub(crate) type Contacts = Directory<ContactSheet<'static>>;

/// One contact.
#[derive(Clone, Copy)]
pub struct Contact<'a> {
    /// Its id.
    pub id: ContactId,
    /// What stays for ever.
    pub facts: &'a Facts,
    /// Whose it is, while that can be read. Personal: never a part of an answer to anybody but the data protection officer.
    pub subject: Option<SubjectId>,
    /// What is held, while it can be read.
    pub sheet: Option<ContactSheet<'a>>,
}

impl Contact<'_> {
    /// Its place in any list.
    pub fn cursor(&self) -> Cursor {
        Cursor { id: self.id.0, position: self.facts.changed, at: self.facts.changed_at }
    }
}

impl Contacts {
    pub(crate) fn contact<'a>(&'a self, row: u32, subjects: &Subjects) -> Option<Contact<'a>> {
        let subject = self.holder(row).and_then(|holder| subjects.id(holder));
        let sheet = self.sheet(row).map(ContactSheet::new);
        Some(Contact { id: ContactId(self.id(row)), facts: self.facts(row)?, subject, sheet })
    }

    /// Takes a record. Of one that was seen before, only what it says of the person.
    pub(crate) fn follow(&mut self, subjects: &mut Subjects, place: &Place, event: Event, seen: bool) {
        if let Event::Registered { holding, .. } = &event
            && !seen
        {
            self.register(place, *holding);
        }
        let Some(row) = self.row(&place.stream.id) else { return };
        if !seen && !matches!(event, Event::Registered { .. }) {
            let holding = if let Event::Changed { holding, .. } = &event { Some(holding) } else { None };
            self.change(row, place, holding);
        }
        let (thing, day) = (Thing::Contact(row), place.recorded_at.day());
        match event {
            Event::Registered { profile: Held::Here(profile), .. } => {
                let holder = subjects.hold(&profile, thing, day);
                self.put(row, holder, ContactSheet::pack(profile.expose()));
            }
            Event::Changed { profile: Some(Held::Here(change)), .. } => {
                subjects.hold(&change, thing, day);
                self.rewrite(row, |sheet| {
                    let mut profile = Profile { points: Vec::new(), ..ContactSheet::new(sheet).profile() };
                    profile.apply(change.expose());
                    with_points_of(ContactSheet::pack(&profile), sheet)
                });
            }
            Event::PointAdded { point: Held::Here(point) } => {
                subjects.hold(&point, thing, day);
                self.rewrite(row, |sheet| with_point(sheet, point.expose()));
            }
            Event::PointRetired { point: Held::Here(point) } => {
                subjects.hold(&point, thing, day);
                self.rewrite(row, |sheet| without_point(sheet, *point.expose(), place));
            }
            Event::Registered { profile: Held::Gone(_), .. }
            | Event::Changed { profile: None | Some(Held::Gone(_)), .. }
            | Event::PointAdded { point: Held::Gone(_) }
            | Event::PointRetired { point: Held::Gone(_) } => {}
        }
    }
}
