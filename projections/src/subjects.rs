//! The drawer: everything that is held about somebody, by subject and compartment. All personal data and all relations of
//! the views hang on it: a thing is in the drawer exactly as long as a part of it can be opened, and forgetting a
//! compartment of a subject takes out everything that is there, in time proportional to it.

pub(crate) mod pack;
pub(crate) mod sheet;

use domain::compartment::Compartment;
use domain::id::SubjectId;
use domain::personal::Personal;
use domain::time::Day;

use crate::store::Ids;

/// Where something is held about somebody: a view, and a row of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Thing {
    Contact(u32),
    Organization(u32),
    Consents(u32),
    Case(u32),
    Ticket(u32),
    Quote(u32),
    Actor(u32),
    Document(u32),
}

/// A value, and the row of the subject whose it is.
pub(crate) type Owned<T> = Option<(u32, T)>;

/// Takes a value out, if it is theirs.
pub(crate) fn take_if<T>(owned: &mut Owned<T>, is_theirs: impl Fn(u32) -> bool) -> Owned<T> {
    owned.take_if(|(holder, _)| is_theirs(*holder))
}

/// One thing in the drawer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Hold {
    /// What it dies with.
    pub compartment: Compartment,
    /// What it is.
    pub thing: Thing,
    /// The day of the last record with a part of it.
    pub last: Day,
}

/// All subjects about whom anything is held.
#[derive(Default)]
pub(crate) struct Subjects {
    ids: Ids,
    held: Vec<Vec<Hold>>,
}

impl Subjects {
    /// The row of a subject, while anything is held about it.
    pub fn row(&self, subject: SubjectId) -> Option<u32> {
        self.ids.get(&subject.0)
    }

    /// The subject of a row.
    pub fn id(&self, row: u32) -> Option<SubjectId> {
        self.ids.id(row).map(SubjectId)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// What is held about a subject, by compartment.
    pub fn held(&self, row: u32) -> &[Hold] {
        self.held.get(row as usize).map_or(&[], Vec::as_slice)
    }

    /// What is held about a subject in one compartment.
    pub fn held_in(&self, row: u32, compartment: Compartment) -> impl Iterator<Item = Thing> + '_ {
        let held = self.held(row);
        let start = held.partition_point(|hold| hold.compartment < compartment);
        held.iter().skip(start).take_while(move |hold| hold.compartment == compartment).map(|hold| hold.thing)
    }

    /// Notes that a part of this thing, recorded on this day, can be opened. Returns the subject's row.
    pub fn hold<T>(&mut self, part: &Personal<T>, thing: Thing, day: Day) -> u32 {
        let (subject, compartment) = (part.subject(), part.compartment());
        let row = self.ids.add(subject.0);
        if row as usize >= self.held.len() {
            self.held.resize_with(row as usize + 1, Vec::new);
        }
        let Some(held) = self.held.get_mut(row as usize) else { return row };
        match held.binary_search_by_key(&(compartment, thing), |hold| (hold.compartment, hold.thing)) {
            Ok(at) => held.get_mut(at).into_iter().for_each(|hold| hold.last = hold.last.max(day)),
            Err(at) => {
                if held.len() < 4 {
                    held.reserve_exact(1);
                }
                held.insert(at, Hold { compartment, thing, last: day });
            }
        }
        row
    }

    /// Takes out all that is held in one compartment. The subject itself goes with the last of it.
    pub fn take(&mut self, row: u32, compartment: Compartment) -> Vec<Thing> {
        let Some(held) = self.held.get_mut(row as usize) else { return Vec::new() };
        let start = held.partition_point(|hold| hold.compartment < compartment);
        let end = held.partition_point(|hold| hold.compartment <= compartment);
        let taken = held.drain(start..end).map(|hold| hold.thing).collect();
        if held.is_empty()
            && let Some(subject) = self.ids.id(row)
        {
            *held = Vec::new();
            self.ids.remove(&subject);
        }
        taken
    }

    /// All subjects with their rows, in the order of their ids.
    pub fn sorted(&self) -> Vec<(SubjectId, u32)> {
        let rows = (0..self.held.len() as u32).filter(|row| !self.held(*row).is_empty());
        let mut all: Vec<_> = rows.filter_map(|row| Some((self.id(row)?, row))).collect();
        all.sort_unstable();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_goes_with_the_last_of_its_compartments() {
        let mut subjects = Subjects::default();
        let maria = SubjectId([1; 16]);
        let mut hold = |compartment, thing, day| subjects.hold(&Personal::new(maria, compartment, ()), thing, Day(day));
        let row = hold(Compartment::Relationship, Thing::Contact(4), 1);
        hold(Compartment::Support(2025), Thing::Ticket(9), 2);
        hold(Compartment::Support(2026), Thing::Ticket(8), 3);
        hold(Compartment::Support(2025), Thing::Ticket(7), 5);
        hold(Compartment::Support(2025), Thing::Ticket(7), 4);
        assert_eq!(subjects.held(row).len(), 4);
        assert_eq!(subjects.held(row).iter().map(|hold| hold.last.0).collect::<Vec<_>>(), [1, 5, 2, 3]);
        assert_eq!(subjects.take(row, Compartment::Support(2025)), [Thing::Ticket(7), Thing::Ticket(9)]);
        assert_eq!(subjects.take(row, Compartment::Support(2025)), []);
        assert!(subjects.held_in(row, Compartment::Support(2026)).eq([Thing::Ticket(8)]));
        subjects.take(row, Compartment::Relationship);
        assert_eq!(subjects.row(maria), Some(row));
        subjects.take(row, Compartment::Support(2026));
        assert_eq!((subjects.row(maria), subjects.len()), (None, 0));
    }
}
