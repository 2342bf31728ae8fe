//! A contact: one role a person has towards the controller, and all that is held to reach them in it.
//!
//! The state knows the person's subject and the ids of their points, and no value. So `decide` cannot see whether a change
//! changes anything: whoever gives the command drops values that are so already ([`ProfileChange::differing`], against
//! the view), and an empty change makes no event.

use crate::aggregate::{Aggregate, Circumstances};
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::holding::{ChangeCause, Holding, HoldingChange};
use crate::id::{OrganizationId, PointId, SubjectId};
use crate::owner::Owner;
use crate::personal::{Gone, Held};
use crate::point::{self, Point, Points};
use crate::profile::{self, Address, Change, FieldPolicy, OldId, Pertinent, SocialLink};
use crate::time::Day;
use crate::value::{Language, Line, Tag, Text, Website};

profile::profile! {
    /// How they are addressed: Ms, Herr.
    salutation: Option<Line> = Salutation 1 "SALUTATION",
    /// Their gender, in their words.
    gender: Option<Line> = Gender 2 "GENDER",
    /// Dr, Prof.
    honorific: Option<Line> = Honorific 3 "HONORIFIC",
    /// First name.
    first_name: Option<Line> = FirstName 4 "FIRST_NAME",
    /// Last name.
    last_name: Option<Line> = LastName 5 "LAST_NAME",
    /// The name as it is shown, where that is not first and last name.
    displayed_name: Option<Line> = DisplayedName 6 "DISPLAYED_NAME",
    /// Head of Purchasing.
    job_title: Option<Line> = JobTitle 7 "JOB_TITLE",
    /// Whom they work for.
    organization: Option<OrganizationId> = Organization 8 "ORGANIZATION",
    /// Where they work.
    work_address: Option<Address> = WorkAddress 9 "WORK_ADDRESS",
    /// Their web page.
    website: Option<Website> = Website 10 "WEBSITE",
    /// Their pages on networks.
    social_links: Vec<SocialLink> = SocialLinks 11 "SOCIAL_LINKS",
    /// Notes about them.
    notes: Option<Text> = Notes 12 "NOTES",
    /// Tags.
    tags: Vec<Tag> = Tags 13 "TAGS",
    /// Days that matter to them.
    dates: Vec<Pertinent> = Dates 14 "DATES",
    /// Birthday.
    birthday: Option<Day> = Birthday 15 "BIRTHDAY",
    /// The language they are written to in.
    language: Option<Language> = Language 16 "LANGUAGE",
    /// Words about where the data came from.
    source_words: Option<Text> = SourceWords 17 "SOURCE_WORDS",
    /// Words about why it is held.
    reason_words: Option<Text> = ReasonWords 18 "REASON_WORDS",
    /// By what a former system knew them.
    old_id: Option<OldId> = OldId 19 "OLD_ID",
}

impl Profile {
    /// Whether there is anything to call them by.
    pub fn is_named(&self) -> bool {
        let names = [&self.first_name, &self.last_name, &self.displayed_name];
        names.into_iter().any(Option::is_some) || self.organization.is_some()
    }
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// A contact comes in.
    Register {
        /// Whose data it is.
        subject: SubjectId,
        /// Where from, why, until when.
        holding: Holding,
        /// Everything personal.
        profile: Box<Profile>,
        /// Which fields are kept here.
        policy: FieldPolicy<Field>,
    },
    /// Some of it becomes other.
    Change {
        /// Whether it was wrong or has changed.
        cause: ChangeCause,
        /// What becomes of source, reason and end.
        holding: HoldingChange,
        /// What becomes of each field.
        profile: Box<ProfileChange>,
        /// Which fields are kept here.
        policy: FieldPolicy<Field>,
    },
    /// They can be reached at one more point.
    AddPoint {
        /// It.
        point: Point,
    },
    /// A point is used no more.
    RetirePoint {
        /// Which.
        point: PointId,
    },
}

/// Facts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A contact came in.
    Registered {
        /// Where from, why, until when.
        holding: Holding,
        /// Everything personal.
        profile: Held<Box<Profile>>,
    },
    /// Some of it became other.
    Changed {
        /// Whether it was wrong or had changed.
        cause: ChangeCause,
        /// What became of source, reason and end.
        holding: HoldingChange,
        /// What became of the fields; none where only the holding changed.
        profile: Option<Held<Box<ProfileChange>>>,
    },
    /// They can be reached at one more point.
    PointAdded {
        /// It.
        point: Held<Point>,
    },
    /// A point is used no more.
    PointRetired {
        /// Which.
        point: Held<PointId>,
    },
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// The id is taken.
    #[error("this contact is registered already")]
    AlreadyRegistered,
    /// The id names nobody.
    #[error("there is no such contact")]
    NotRegistered,
    /// The person was erased.
    #[error("this contact was erased")]
    Erased,
    /// An erasure was approved.
    #[error("this contact cannot be changed: its erasure was approved")]
    Fenced,
    /// The key was lost.
    #[error("this contact cannot be changed: its key was lost")]
    Lost,
    /// Nothing to call them by.
    #[error("a contact needs a first, last or displayed name or an organization")]
    NameMissing,
    /// The end is before the beginning.
    #[error("the last day to hold a contact must not be over")]
    HoldOver,
    /// A field is not as it must be.
    #[error(transparent)]
    Profile(#[from] profile::Rejection),
    /// A point is not as it must be.
    #[error(transparent)]
    Point(#[from] point::Rejection),
}

impl From<Gone> for Rejection {
    fn from(gone: Gone) -> Self {
        match gone {
            Gone::Erased => Self::Erased,
            Gone::Withheld => Self::Fenced,
            Gone::Lost => Self::Lost,
        }
    }
}

/// The state: facts and sealed ids, no value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contact {
    owner: Owner,
    holding: Option<Holding>,
    organization: Option<OrganizationId>,
    points: Points,
}

impl Contact {
    /// Whose contact it is.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Why it is held; none before it is registered.
    pub fn holding(&self) -> Option<Holding> {
        self.holding
    }

    /// Whom they work for, as far as it can be read.
    pub fn organization(&self) -> Option<OrganizationId> {
        self.organization
    }

    /// Where they are reached, without values.
    pub fn points(&self) -> &Points {
        &self.points
    }

    fn known(&self) -> Result<(SubjectId, Holding), Rejection> {
        match (self.owner, self.holding) {
            (Owner::Subject(subject), Some(holding)) => Ok((subject, holding)),
            (Owner::Gone(gone), _) => Err(gone.into()),
            (Owner::Nobody, _) | (_, None) => Err(Rejection::NotRegistered),
        }
    }
}

impl Aggregate for Contact {
    const KIND: StreamKind = StreamKind::Contact;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: &Command, when: &Circumstances) -> Result<Vec<Event>, Rejection> {
        let today = when.effective_at.day();
        match command {
            Command::Register { subject, holding, profile, policy } => {
                if self.owner.is_known() {
                    return Err(Rejection::AlreadyRegistered);
                }
                check_registration(holding, profile, policy, today)?;
                let profile = seal(*subject, profile.clone());
                Ok(vec![Event::Registered { holding: *holding, profile }])
            }
            Command::Change { cause, holding, profile, policy } => {
                let (subject, current) = self.known()?;
                let holding = current.differing(holding);
                check_change(&holding, profile, policy, today)?;
                if holding.is_empty() && profile.is_empty() {
                    return Ok(Vec::new());
                }
                let profile = (!profile.is_empty()).then(|| seal(subject, profile.clone()));
                Ok(vec![Event::Changed { cause: *cause, holding, profile }])
            }
            Command::AddPoint { point } => {
                let (subject, _) = self.known()?;
                self.points.check_new(std::slice::from_ref(point))?;
                Ok(vec![Event::PointAdded { point: seal(subject, point.clone()) }])
            }
            Command::RetirePoint { point } => {
                let (subject, _) = self.known()?;
                self.points.check_retire(*point)?;
                Ok(vec![Event::PointRetired { point: seal(subject, *point) }])
            }
        }
    }

    fn evolve(&mut self, event: &Event) {
        match event {
            Event::Registered { holding, profile } => {
                self.owner = Owner::of(profile);
                self.holding = Some(*holding);
                if let Some(profile) = profile.here() {
                    self.organization = profile.expose().organization;
                    profile.expose().points.iter().for_each(|point| self.points.add(point));
                }
            }
            Event::Changed { holding, profile, .. } => {
                if let Some(current) = &mut self.holding {
                    current.apply(holding);
                }
                if let Some(profile) = profile.as_ref().and_then(Held::here) {
                    profile.expose().organization.apply(&mut self.organization);
                }
            }
            Event::PointAdded { point: Held::Here(point) } => self.points.add(point.expose()),
            Event::PointRetired { point: Held::Here(point) } => self.points.retire(*point.expose()),
            Event::PointAdded { point: Held::Gone(_) } | Event::PointRetired { point: Held::Gone(_) } => {}
        }
    }
}

/// All of a contact that is no consent, ticket or document dies with what they are to us.
fn seal<T>(subject: SubjectId, value: T) -> Held<T> {
    Held::new(subject, Compartment::Relationship, value)
}

fn check_registration(
    holding: &Holding,
    profile: &Profile,
    policy: &FieldPolicy<Field>,
    today: Day,
) -> Result<(), Rejection> {
    if !profile.is_named() {
        return Err(Rejection::NameMissing);
    }
    if holding.hold_until.is_some_and(|until| until < today) {
        return Err(Rejection::HoldOver);
    }
    Points::default().check_new(&profile.points)?;
    Ok(profile.check(policy)?)
}

/// A change that takes every name away is refused; one that takes the last name left is for the view to refuse, since
/// the state holds no names.
fn check_change(
    holding: &HoldingChange,
    profile: &ProfileChange,
    policy: &FieldPolicy<Field>,
    today: Day,
) -> Result<(), Rejection> {
    let names = [&profile.first_name, &profile.last_name, &profile.displayed_name];
    if names.into_iter().all(|name| *name == Change::Clear) && profile.organization == Change::Clear {
        return Err(Rejection::NameMissing);
    }
    if holding.hold_until.set().is_some_and(|until| *until < today) {
        return Err(Rejection::HoldOver);
    }
    Ok(profile.check(policy)?)
}

#[cfg(test)]
mod tests;
