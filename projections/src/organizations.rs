//! Which organizations are there, and what is held about each?

use domain::event::Place;
use domain::id::{OrganizationId, SubjectId};
use domain::organization::{Event, Profile};
use domain::personal::Held;

use crate::directory::{Directory, Facts};
use crate::page::Cursor;
use crate::subjects::sheet::{OrganizationSheet, with_point, with_points_of, without_point};
use crate::subjects::{Subjects, Thing};

/// All organizations.
pub(crate) type Organizations = Directory<OrganizationSheet<'static>>;

/// One organization.
#[derive(Clone, Copy)]
pub struct Organization<'a> {
    /// Its id.
    pub id: OrganizationId,
    /// What stays for ever.
    pub facts: &'a Facts,
    /// Whose it is, while that can be read. Personal: never a part of an answer to anybody but the data protection officer.
    pub subject: Option<SubjectId>,
    /// What is held, while it can be read.
    pub sheet: Option<OrganizationSheet<'a>>,
}

impl Organization<'_> {
    /// Its place in any list.
    pub fn cursor(&self) -> Cursor {
        Cursor { id: self.id.0, position: self.facts.changed, at: self.facts.changed_at }
    }
}

impl Organizations {
    pub(crate) fn organization<'a>(&'a self, row: u32, subjects: &Subjects) -> Option<Organization<'a>> {
        let subject = self.holder(row).and_then(|holder| subjects.id(holder));
        let sheet = self.sheet(row).map(OrganizationSheet::new);
        Some(Organization { id: OrganizationId(self.id(row)), facts: self.facts(row)?, subject, sheet })
    }

    /// Takes a record. Of one that was seen before, only what it says of the organization.
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
        let (thing, day) = (Thing::Organization(row), place.recorded_at.day());
        match event {
            Event::Registered { profile: Held::Here(profile), .. } => {
                let holder = subjects.hold(&profile, thing, day);
                self.put(row, holder, OrganizationSheet::pack(profile.expose()));
            }
            Event::Changed { profile: Some(Held::Here(change)), cause, .. } => {
                subjects.hold(&change, thing, day);
                self.rewrite(row, |sheet| {
                    let mut profile = Profile { points: Vec::new(), ..OrganizationSheet::new(sheet).profile() };
                    profile.follow(change.expose(), cause, place.effective_at.day());
                    with_points_of(OrganizationSheet::pack(&profile), sheet)
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
