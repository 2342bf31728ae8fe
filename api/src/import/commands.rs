//! What a row asks of the ledger: profiles to register, or the change that brings known ones up to the row.
//!
//! Pure: ids come from the caller. Where a row names a person, address, points, notes and the rest are the person's (the
//! address is their work address) and the organization gets its name: a copy with the organization would outlive the
//! person's erasure. Where a row names an organization only, all is the organization's.

use domain::compartment::Country;
use domain::id::{OrganizationId, PointId};
use domain::point::{Point, PointKind};
use domain::profile::{Address, Change, OldId, SocialLink};
use domain::value::{Line, Tag, Text, Website};
use domain::{contact, organization};

use super::row::{self, Row};

/// Where a file came from and why its people are held: what the operator says, the same for each row.
#[derive(Clone, Debug)]
pub struct Origin {
    /// What the old system is called here; with the row's id it knows a row again.
    pub source: Line,
    /// Words about where the data came from.
    pub source_words: Option<Text>,
    /// Words about why it is held.
    pub reason_words: Option<Text>,
}

/// What a known contact or organization lacks to be as its row says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Update<C> {
    /// The fields that become other.
    pub profile: C,
    /// Points to add.
    pub add: Vec<Point>,
    /// Points to retire, since the row has another of their kind in their place.
    pub retire: Vec<PointId>,
}

impl Origin {
    /// How the row is known again; none where it has no id. Personal.
    pub fn old_id(&self, row: &Row) -> Option<OldId> {
        row.id.clone().map(|id| OldId { source: self.source.clone(), id })
    }

    /// The contact to register; none where the row names no person.
    pub fn contact(
        &self,
        row: &Row,
        organization: Option<OrganizationId>,
        point_id: impl FnMut() -> PointId,
    ) -> Option<contact::Profile> {
        let person = row.person.as_ref()?;
        Some(contact::Profile {
            salutation: person.salutation.clone(),
            gender: person.gender.clone(),
            honorific: person.honorific.clone(),
            first_name: person.first.clone(),
            last_name: person.last.clone(),
            displayed_name: displayed(person),
            job_title: person.job_title.clone(),
            organization,
            work_address: address(&row.address),
            website: row.website.clone(),
            social_links: row.social_links.iter().filter_map(social_link).collect(),
            notes: row.notes.clone(),
            tags: row.tags.clone(),
            dates: Vec::new(),
            birthday: person.born,
            language: person.language.clone(),
            source_words: self.source_words.clone(),
            reason_words: self.reason_words.clone(),
            old_id: self.old_id(row),
            points: points(row, point_id),
        })
    }

    /// The organization to register; none where the row names none. Rows that name the same one share it.
    pub fn organization(&self, row: &Row, point_id: impl FnMut() -> PointId) -> Option<organization::Profile> {
        let named = organization::Profile {
            name: Some(row.organization.clone()?),
            source_words: self.source_words.clone(),
            reason_words: self.reason_words.clone(),
            ..organization::Profile::default()
        };
        if row.person.is_some() {
            return Some(named);
        }
        Some(organization::Profile {
            invoice_address: address(&row.address),
            website: row.website.clone(),
            social_links: row.social_links.iter().filter_map(social_link).collect(),
            notes: row.notes.clone(),
            tags: row.tags.clone(),
            old_id: self.old_id(row),
            points: points(row, point_id),
            ..named
        })
    }
}

/// What a contact lacks to be as the row's; none where nothing. `held` is the contact as it stands, with the points in
/// use. What the row leaves empty stays; tags and links that somebody added stay; words about the origin stay.
pub fn update_contact(row: contact::Profile, held: &contact::Profile) -> Option<Update<contact::ProfileChange>> {
    let (add, retire) = changed_points(row.points, &held.points);
    let profile = contact::ProfileChange {
        salutation: set(row.salutation),
        gender: set(row.gender),
        honorific: set(row.honorific),
        first_name: set(row.first_name),
        last_name: set(row.last_name),
        displayed_name: set(row.displayed_name),
        job_title: set(row.job_title),
        organization: set(row.organization),
        work_address: set(row.work_address),
        website: set(row.website),
        social_links: set(with_more(&held.social_links, row.social_links, |one, other| one == other)),
        notes: set(row.notes.filter(|notes| is_new(notes, held.notes.as_ref()))),
        tags: set(with_more(&held.tags, row.tags, same_tag)),
        birthday: set(row.birthday),
        language: set(row.language),
        ..contact::ProfileChange::default()
    }
    .differing(held);
    let changed = !profile.is_empty() || !add.is_empty() || !retire.is_empty();
    changed.then_some(Update { profile, add, retire })
}

/// The same for an organization.
pub fn update_organization(
    row: organization::Profile,
    held: &organization::Profile,
) -> Option<Update<organization::ProfileChange>> {
    let (add, retire) = changed_points(row.points, &held.points);
    let profile = organization::ProfileChange {
        name: set(row.name),
        invoice_address: set(row.invoice_address),
        website: set(row.website),
        social_links: set(with_more(&held.social_links, row.social_links, |one, other| one == other)),
        notes: set(row.notes.filter(|notes| is_new(notes, held.notes.as_ref()))),
        tags: set(with_more(&held.tags, row.tags, same_tag)),
        old_id: set(row.old_id.filter(|_| held.old_id.is_none())),
        ..organization::ProfileChange::default()
    }
    .differing(held);
    let changed = !profile.is_empty() || !add.is_empty() || !retire.is_empty();
    changed.then_some(Update { profile, add, retire })
}

fn set<T>(value: Option<T>) -> Change<T> {
    value.map_or(Change::Keep, Change::Set)
}

/// The list with what is new in it; none where nothing is.
fn with_more<T: Clone>(held: &[T], row: Vec<T>, same: impl Fn(&T, &T) -> bool) -> Option<Vec<T>> {
    let new: Vec<T> = row.into_iter().filter(|one| !held.iter().any(|other| same(one, other))).collect();
    (!new.is_empty()).then(|| held.iter().cloned().chain(new).collect())
}

fn same_tag(one: &Tag, other: &Tag) -> bool {
    one.folded() == other.folded()
}

/// Notes that somebody went on writing still hold the row's.
fn is_new(notes: &Text, held: Option<&Text>) -> bool {
    held.is_none_or(|held| !held.as_str().contains(notes.as_str()))
}

/// A point is new where none in use has its value. One that stands alone in its kind, here and in the row, is replaced.
fn changed_points(row: Vec<Point>, held: &[Point]) -> (Vec<Point>, Vec<PointId>) {
    let alone = |points: &[Point], kind: PointKind| points.iter().filter(|point| point.kind == kind).count() == 1;
    let same = |one: &Point, other: &Point| one.kind == other.kind && one.value == other.value;
    let is_new = |point: &&Point| !held.iter().any(|other| same(point, other));
    let new: Vec<Point> = row.iter().filter(is_new).cloned().collect();
    let replaced = |other: &&Point| {
        alone(held, other.kind) && alone(&row, other.kind) && new.iter().any(|point| point.kind == other.kind)
    };
    let retire = held.iter().filter(replaced).map(|point| point.id).collect();
    (new, retire)
}

/// A contact is shown by first and last name unless it has another name to be shown by.
fn displayed(person: &row::Person) -> Option<Line> {
    let parts: Vec<&str> = [&person.first, &person.last].into_iter().flatten().map(Line::as_str).collect();
    Some(person.displayed.clone()).filter(|displayed| displayed.as_str() != parts.join(" "))
}

fn address(address: &row::Address) -> Option<Address> {
    let country = address.country.as_ref();
    let address = Address {
        lines: address.lines.clone(),
        postcode: address.postal_code.clone(),
        city: address.city.clone(),
        region: address.region.clone(),
        country: country.map(|country| country.written.clone()),
        country_code: country.and_then(|country| country.read),
    };
    (address != Address::default()).then_some(address)
}

/// The network is named by its host.
fn social_link(page: &Website) -> Option<SocialLink> {
    let text = page.as_str();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#', ':']).next().unwrap_or_default().to_lowercase();
    let network = Line::parse(host.strip_prefix("www.").unwrap_or(&host)).ok()?;
    Some(SocialLink { network, page: page.clone() })
}

/// The row's values were read as their kinds ask before, so none is lost here.
fn points(row: &Row, mut point_id: impl FnMut() -> PointId) -> Vec<Point> {
    let country: Option<Country> = row.address.country.as_ref().and_then(|country| country.read);
    let parse = |point: &row::Point| {
        let (kind, value) = match point {
            row::Point::Email(mail) => (PointKind::Email, mail.as_str()),
            row::Point::Phone(number) => (PointKind::Phone, number.written.as_str()),
            row::Point::Mobile(number) => (PointKind::Mobile, number.written.as_str()),
            row::Point::Fax(number) => (PointKind::Fax, number.written.as_str()),
            row::Point::Messenger(handle) => (PointKind::Messenger, handle.as_str()),
        };
        Point::parse(point_id(), kind, None, value, country).ok()
    };
    row.points.iter().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::{MapFile, Table};
    use super::*;

    fn row(text: &str) -> Row {
        Table::new(Cursor::new(text.to_owned()), &MapFile::default()).unwrap().read().unwrap().unwrap().row.unwrap()
    }

    fn origin() -> Origin {
        Origin { source: Line::parse("northwind").unwrap(), source_words: None, reason_words: None }
    }

    fn ids() -> impl FnMut() -> PointId {
        let mut last = 0;
        move || {
            last += 1;
            PointId([last; 16])
        }
    }

    const ACME: OrganizationId = OrganizationId([5; 16]);
    const HEADER: &str = "id,company,name,title,street,city,country,phone,email,tags,linkedin,notes\n";

    fn contact(cells: &str) -> contact::Profile {
        origin().contact(&row(&format!("{HEADER}{cells}\n")), Some(ACME), ids()).unwrap()
    }

    const ANN: &str =
        "7,Acme,Ann Lee,Buyer,1 Road,Berlin,Germany,030 1234567,ann@example.org,vip,www.linkedin.com/in/a,Likes tea";

    #[test]
    fn a_row_with_a_person_makes_a_contact_and_the_name_of_an_organization() {
        let ann = contact(ANN);
        assert_eq!(ann.displayed_name.unwrap().as_str(), "Ann Lee");
        assert_eq!(ann.job_title.unwrap().as_str(), "Buyer");
        assert_eq!(ann.organization, Some(ACME));
        assert_eq!(ann.work_address.unwrap().country_code.unwrap().to_string(), "DE");
        assert_eq!(ann.old_id.unwrap().id.as_str(), "7");
        assert_eq!(ann.social_links[0].network.as_str(), "linkedin.com");
        let normalized: Vec<_> = ann.points.iter().map(|point| point.normalized.as_ref().unwrap().as_str()).collect();
        assert_eq!(normalized, ["ann@example.org", "+49301234567"]);
        let acme = origin().organization(&row(&format!("{HEADER}{ANN}\n")), ids()).unwrap();
        let expected = organization::Profile { name: Some(Line::parse("Acme").unwrap()), ..Default::default() };
        assert!(acme == expected, "nothing of the person's is the organization's");
    }

    #[test]
    fn a_row_without_a_person_is_the_organization_itself() {
        let row = row(&format!("{HEADER}8,Acme,,,1 Road,Berlin,Germany,030 1234567,info@acme.example,,,\n"));
        assert!(origin().contact(&row, Some(ACME), ids()).is_none());
        let acme = origin().organization(&row, ids()).unwrap();
        assert_eq!(acme.points.len(), 2);
        assert_eq!(acme.old_id.clone().unwrap().id.as_str(), "8");
        assert!(acme.invoice_address.is_some());
        assert_eq!(update_organization(acme.clone(), &acme), None);
    }

    #[test]
    fn a_name_in_parts_is_kept_in_parts() {
        let profile = origin().contact(&row("Vorname;Nachname\nAnn;Lee\n"), None, ids()).unwrap();
        assert_eq!((profile.displayed_name.is_none(), profile.last_name.unwrap().as_str()), (true, "Lee"));
        let mail_only = origin().contact(&row("email\nann@example.org\n"), None, ids()).unwrap();
        assert_eq!(mail_only.displayed_name.unwrap().as_str(), "ann@example.org");
    }

    #[test]
    fn the_same_row_again_changes_nothing() {
        let held = contact(ANN);
        assert_eq!(update_contact(contact(ANN), &held), None);
        assert_eq!(update_contact(contact("7,Acme,Ann Lee,,,,,,,,,"), &held), None, "empty cells take nothing away");
    }

    #[test]
    fn a_changed_row_changes_what_it_says_and_leaves_what_others_added() {
        let mut held = contact(ANN);
        held.tags.push(Tag::parse("by hand").unwrap());
        held.notes = Some(Text::parse("Likes tea\nand biscuits").unwrap());
        let cells =
            ANN.replace("Buyer", "Head of Purchasing").replace("030 1234567", "030 7654321").replace("vip", "vip;fair");
        let update = update_contact(contact(&cells), &held).unwrap();
        assert_eq!(update.add.iter().map(|point| point.value.as_str()).collect::<Vec<_>>(), ["030 7654321"]);
        assert_eq!(update.retire, [held.points[1].id]);
        held.apply(&update.profile);
        assert_eq!(held.job_title.unwrap().as_str(), "Head of Purchasing");
        assert_eq!(held.tags.iter().map(Tag::as_str).collect::<Vec<_>>(), ["vip", "by hand", "fair"]);
        assert_eq!(held.notes.unwrap().as_str(), "Likes tea\nand biscuits");
    }

    #[test]
    fn where_there_are_several_points_of_a_kind_none_is_retired() {
        let mut held = contact(ANN);
        held.points.push(Point::parse(PointId([9; 16]), PointKind::Phone, None, "030 999", None).unwrap());
        let update = update_contact(contact(&ANN.replace("030 1234567", "030 7654321")), &held).unwrap();
        assert_eq!((update.add.len(), update.retire.len()), (1, 0));
    }
}
