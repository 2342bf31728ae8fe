//! An organization: a company, an office, a sole trader. It is a subject too, and its names, addresses and points are sealed
//! under its own key.
//!
//! As with contacts, the state knows no value: the caller drops values that are so already ([`ProfileChange::differing`]).
//! Names and addresses ever used stay, with their dates ([`Profile::follow`]).

use crate::aggregate::{Aggregate, Circumstances};
use crate::compartment::Compartment;
use crate::event::StreamKind;
use crate::holding::{ChangeCause, Holding, HoldingChange};
use crate::id::{OrganizationId, PointId, SubjectId};
use crate::owner::Owner;
use crate::personal::{Gone, Held};
use crate::point::{self, Point, Points};
use crate::profile::{self, Address, Change, Dated, FieldPolicy, OldId, SocialLink};
use crate::time::Day;
use crate::value::{Line, Tag, Text, Website};

profile::profile! {
    /// What it is called now.
    name: Option<Line> = Name 1 "NAME",
    /// What it was called before.
    former_names: Vec<Dated<Line>> = FormerNames 2 "FORMER_NAMES",
    /// Where invoices go.
    invoice_address: Option<Address> = InvoiceAddress 3 "INVOICE_ADDRESS",
    /// Where invoices went before.
    former_invoice_addresses: Vec<Dated<Address>> = FormerInvoiceAddresses 4 "FORMER_INVOICE_ADDRESSES",
    /// Every place that goods were or are delivered to.
    delivery_addresses: Vec<Dated<Address>> = DeliveryAddresses 5 "DELIVERY_ADDRESSES",
    /// Its web page.
    website: Option<Website> = Website 6 "WEBSITE",
    /// The organization it belongs to.
    parent: Option<OrganizationId> = Parent 7 "PARENT",
    /// Its pages on networks.
    social_links: Vec<SocialLink> = SocialLinks 8 "SOCIAL_LINKS",
    /// Notes about it.
    notes: Option<Text> = Notes 9 "NOTES",
    /// Tags.
    tags: Vec<Tag> = Tags 10 "TAGS",
    /// Words about where the data came from.
    source_words: Option<Text> = SourceWords 11 "SOURCE_WORDS",
    /// Words about why it is held.
    reason_words: Option<Text> = ReasonWords 12 "REASON_WORDS",
    /// By what a former system knew it.
    old_id: Option<OldId> = OldId 13 "OLD_ID",
}

impl Profile {
    /// Takes over a change that was true from this day on. A name or invoice address that became another (not one that
    /// was wrong) joins the former ones; a delivery address that left the list stays in it, as over.
    pub fn follow(&mut self, change: &ProfileChange, cause: ChangeCause, day: Day) {
        let before = self.clone();
        self.apply(change);
        if cause == ChangeCause::Correction {
            return;
        }
        keep_former(&mut self.former_names, before.name, self.name.as_ref(), day);
        keep_former(&mut self.former_invoice_addresses, before.invoice_address, self.invoice_address.as_ref(), day);
        for old in before.delivery_addresses {
            if !self.delivery_addresses.iter().any(|address| address.value == old.value) {
                let until = old.until.or(Some(day));
                self.delivery_addresses.push(Dated { until, ..old });
            }
        }
    }
}

/// What is left behind began when the one before it was over, as far as we know.
fn keep_former<T: PartialEq>(former: &mut Vec<Dated<T>>, before: Option<T>, after: Option<&T>, day: Day) {
    let Some(value) = before.filter(|before| after != Some(before)) else { return };
    let from = former.iter().filter_map(|dated| dated.until).max();
    former.push(Dated { value, from, until: Some(day) });
}

/// Intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// An organization comes in.
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
    /// It can be reached at one more point.
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
    /// An organization came in.
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
    /// It can be reached at one more point.
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
    #[error("this organization is registered already")]
    AlreadyRegistered,
    /// The id names nothing.
    #[error("there is no such organization")]
    NotRegistered,
    /// It was erased.
    #[error("this organization was erased")]
    Erased,
    /// An erasure was approved.
    #[error("this organization cannot be changed: its erasure was approved")]
    Fenced,
    /// The key was lost.
    #[error("this organization cannot be changed: its key was lost")]
    Lost,
    /// Nothing to call it by.
    #[error("an organization needs a name")]
    NameMissing,
    /// The end is before the beginning.
    #[error("the last day to hold an organization must not be over")]
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
pub struct Organization {
    owner: Owner,
    holding: Option<Holding>,
    parent: Option<OrganizationId>,
    points: Points,
}

impl Organization {
    /// Whose data it is.
    pub fn owner(&self) -> Owner {
        self.owner
    }

    /// Why it is held; none before it is registered.
    pub fn holding(&self) -> Option<Holding> {
        self.holding
    }

    /// The organization it belongs to, as far as it can be read.
    pub fn parent(&self) -> Option<OrganizationId> {
        self.parent
    }

    /// Where it is reached, without values.
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

impl Aggregate for Organization {
    const KIND: StreamKind = StreamKind::Organization;
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
                    self.parent = profile.expose().parent;
                    profile.expose().points.iter().for_each(|point| self.points.add(point));
                }
            }
            Event::Changed { holding, profile, .. } => {
                if let Some(current) = &mut self.holding {
                    current.apply(holding);
                }
                if let Some(profile) = profile.as_ref().and_then(Held::here) {
                    profile.expose().parent.apply(&mut self.parent);
                }
            }
            Event::PointAdded { point: Held::Here(point) } => self.points.add(point.expose()),
            Event::PointRetired { point: Held::Here(point) } => self.points.retire(*point.expose()),
            Event::PointAdded { point: Held::Gone(_) } | Event::PointRetired { point: Held::Gone(_) } => {}
        }
    }
}

/// All of an organization that is no ticket or document dies with what it is to us.
fn seal<T>(subject: SubjectId, value: T) -> Held<T> {
    Held::new(subject, Compartment::Relationship, value)
}

fn check_registration(
    holding: &Holding,
    profile: &Profile,
    policy: &FieldPolicy<Field>,
    today: Day,
) -> Result<(), Rejection> {
    if profile.name.is_none() {
        return Err(Rejection::NameMissing);
    }
    if holding.hold_until.is_some_and(|until| until < today) {
        return Err(Rejection::HoldOver);
    }
    Points::default().check_new(&profile.points)?;
    Ok(profile.check(policy)?)
}

fn check_change(
    holding: &HoldingChange,
    profile: &ProfileChange,
    policy: &FieldPolicy<Field>,
    today: Day,
) -> Result<(), Rejection> {
    if profile.name == Change::Clear {
        return Err(Rejection::NameMissing);
    }
    if holding.hold_until.set().is_some_and(|until| *until < today) {
        return Err(Rejection::HoldOver);
    }
    Ok(profile.check(policy)?)
}

#[cfg(test)]
mod tests;
