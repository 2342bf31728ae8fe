//! A sheet: all that is held about one contact or organization, packed into one piece of memory.

use domain::event::Place;
use domain::id::{OrganizationId, PointId};
use domain::point::{Point, PointKind, Reach};
use domain::profile::OldId;
use domain::time::Time;
use domain::value::{Line, Tag};

use super::pack::{self, Pack, text_off};
use crate::fold::fold_into;
use crate::words::Words;

/// The number of a point among the fields; a profile's own fields have the numbers of [`domain::contact::Field`] and
/// [`domain::organization::Field`].
const POINT: u8 = 0;

/// What a list needs to know of a sheet.
pub(crate) trait Listed {
    /// The folded name it is sorted by.
    fn sort_name(bytes: &[u8]) -> String;
    /// The words it is found by, sorted.
    fn words(bytes: &[u8]) -> Words;
    /// Its tags.
    fn tags(bytes: &[u8]) -> Vec<Tag>;
    /// The organization it belongs to.
    fn belongs_to(bytes: &[u8]) -> Option<OrganizationId>;
}

/// A way to reach somebody, as the drawer holds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PointSheet<'a> {
    /// Its id.
    pub id: PointId,
    /// What it is.
    pub kind: PointKind,
    /// Since when it is used no more, if it is not.
    pub retired: Option<Retired>,
    /// What they call it.
    pub label: Option<&'a str>,
    /// As written.
    pub value: &'a str,
    /// The form it is compared by, where there is one.
    pub normalized: Option<&'a str>,
}

/// When a point was retired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retired {
    /// When it became true.
    pub effective_at: Time,
    /// When it was written.
    pub recorded_at: Time,
}

impl Pack for Retired {
    fn pack(&self, out: &mut Vec<u8>) {
        self.effective_at.0.to_be_bytes().pack(out);
        self.recorded_at.0.to_be_bytes().pack(out);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let mut time = || Pack::unpack(from).map(i64::from_be_bytes).map(Time);
        Some(Self { effective_at: time()?, recorded_at: time()? })
    }
}

impl<'a> PointSheet<'a> {
    fn read(mut from: &'a [u8]) -> Option<Self> {
        let from = &mut from;
        let id = PointId(Pack::unpack(from)?);
        let kind = PointKind::unpack(from)?;
        let [marks] = <[u8; 1]>::unpack(from)?;
        let retired = if marks & RETIRED != 0 { Some(Retired::unpack(from)?) } else { None };
        let value = text_off(from)?;
        let label = if marks & LABEL != 0 { Some(text_off(from)?) } else { None };
        let normalized = match marks & (NORMALIZED | SAME) {
            0 => None,
            NORMALIZED => Some(text_off(from)?),
            _ => Some(value),
        };
        Some(Self { id, kind, retired, label, value, normalized })
    }

    fn pack(&self, out: &mut Vec<u8>) {
        let normalized = self.normalized.filter(|normalized| *normalized != self.value);
        let marks = [
            (self.retired.is_some(), RETIRED),
            (self.label.is_some(), LABEL),
            (normalized.is_some(), NORMALIZED),
            (self.normalized.is_some() && normalized.is_none(), SAME),
        ];
        let marks = marks.into_iter().filter(|(on, _)| *on).fold(0, |all, (_, mark)| all | mark);
        pack::put(POINT, out, |out| {
            self.id.0.pack(out);
            self.kind.pack(out);
            out.push(marks);
            self.retired.iter().for_each(|retired| retired.pack(out));
            for text in [Some(self.value), self.label, normalized].into_iter().flatten() {
                text.len().pack(out);
                out.extend_from_slice(text.as_bytes());
            }
        });
    }

    /// The point as the domain has it.
    pub fn point(&self) -> Point {
        Point {
            id: self.id,
            kind: self.kind,
            label: self.label.map(|label| Line::from_log(label.to_owned())),
            value: Reach::from_log(self.value.to_owned()),
            normalized: self.normalized.map(|normalized| Reach::from_log(normalized.to_owned())),
        }
    }
}

impl<'a> From<&'a Point> for PointSheet<'a> {
    fn from(point: &'a Point) -> Self {
        Self {
            id: point.id,
            kind: point.kind,
            retired: None,
            label: point.label.as_ref().map(Line::as_str),
            value: point.value.as_str(),
            normalized: point.normalized.as_ref().map(Reach::as_str),
        }
    }
}

/// What a point's marks say.
const RETIRED: u8 = 1;
const LABEL: u8 = 2;
const NORMALIZED: u8 = 4;
const SAME: u8 = 8;

/// Makes a sheet of a noun's profile. All fields must be named, so a new one cannot be forgotten.
macro_rules! sheet {
    ($(#[$doc:meta])* $name:ident of $noun:ident { $($field:ident $variant:ident)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name<'a>(&'a [u8]);

        impl<'a> $name<'a> {
            pub(crate) fn new(bytes: &'a [u8]) -> Self {
                Self(bytes)
            }

            /// The packed form, for whoever keeps it for the length of a request.
            pub fn bytes(&self) -> &'a [u8] {
                self.0
            }

            /// Reads what [`Self::bytes`] gave.
            pub fn from_bytes(bytes: &'a [u8]) -> Self {
                Self(bytes)
            }

            pub(crate) fn pack(profile: &domain::$noun::Profile) -> Vec<u8> {
                use pack::Field as _;
                let domain::$noun::Profile { $($field,)* points } = profile;
                let mut out = Vec::with_capacity(256);
                $($field.put(domain::$noun::Field::$variant.code() as u8, &mut out);)*
                points.iter().for_each(|point| PointSheet::from(point).pack(&mut out));
                out
            }

            /// Everything, as the domain has it; points in use only.
            pub fn profile(&self) -> domain::$noun::Profile {
                let mut profile = domain::$noun::Profile::default();
                for (number, value) in pack::fields(self.0) {
                    match domain::$noun::Field::from_code(number.into()) {
                        $(Some(domain::$noun::Field::$variant) => {
                            profile.$field = pack::Field::get(value).unwrap_or_default();
                        })*
                        None => {}
                    }
                }
                profile.points = self.points().filter(|point| point.retired.is_none()).map(|point| point.point()).collect();
                profile
            }

            /// A field that is one text; none where it is empty or no text.
            pub fn text(&self, field: domain::$noun::Field) -> Option<&'a str> {
                let mut value = self.field(field)?;
                text_off(&mut value).filter(|_| value.is_empty())
            }

            /// The tags.
            pub fn tags(&self) -> Vec<Tag> {
                self.field(domain::$noun::Field::Tags).and_then(pack::Field::get).unwrap_or_default()
            }

            /// By what a former system knew it.
            pub fn old_id(&self) -> Option<OldId> {
                self.field(domain::$noun::Field::OldId).and_then(pack::Field::get).unwrap_or_default()
            }

            /// All points, retired ones too, in the order they came in.
            pub fn points(&self) -> impl Iterator<Item = PointSheet<'a>> + use<'a> {
                pack::fields(self.0).filter(|(number, _)| *number == POINT).filter_map(|(_, value)| PointSheet::read(value))
            }

            fn field(&self, field: domain::$noun::Field) -> Option<&'a [u8]> {
                let code = field.code() as u8;
                pack::fields(self.0).find(|(number, _)| *number == code).map(|(_, value)| value)
            }
        }
    };
}

sheet! {
    /// All that is held about a contact.
    ContactSheet of contact {
        salutation Salutation gender Gender honorific Honorific first_name FirstName last_name LastName
        displayed_name DisplayedName job_title JobTitle organization Organization work_address WorkAddress
        website Website social_links SocialLinks notes Notes tags Tags dates Dates birthday Birthday language Language
        source_words SourceWords reason_words ReasonWords old_id OldId
    }
}

impl ContactSheet<'_> {
    /// Whom they work for.
    pub fn organization(&self) -> Option<OrganizationId> {
        let mut value = self.field(domain::contact::Field::Organization)?;
        OrganizationId::unpack(&mut value)
    }
}

sheet! {
    /// All that is held about an organization.
    OrganizationSheet of organization {
        name Name former_names FormerNames invoice_address InvoiceAddress
        former_invoice_addresses FormerInvoiceAddresses delivery_addresses DeliveryAddresses website Website
        parent Parent social_links SocialLinks notes Notes tags Tags source_words SourceWords
        reason_words ReasonWords old_id OldId
    }
}

impl OrganizationSheet<'_> {
    /// The organization it belongs to.
    pub fn parent(&self) -> Option<OrganizationId> {
        let mut value = self.field(domain::organization::Field::Parent)?;
        OrganizationId::unpack(&mut value)
    }
}

impl Listed for OrganizationSheet<'_> {
    fn sort_name(bytes: &[u8]) -> String {
        joined([OrganizationSheet(bytes).text(domain::organization::Field::Name), None])
    }

    /// By its name of today and its points.
    fn words(bytes: &[u8]) -> Words {
        let sheet = OrganizationSheet(bytes);
        let mut words = Words::default();
        sheet.text(domain::organization::Field::Name).into_iter().for_each(|name| words.name(name));
        reach(sheet.points(), &mut words);
        words.sorted()
    }

    fn tags(bytes: &[u8]) -> Vec<Tag> {
        OrganizationSheet(bytes).tags()
    }

    fn belongs_to(bytes: &[u8]) -> Option<OrganizationId> {
        OrganizationSheet(bytes).parent()
    }
}

impl Listed for ContactSheet<'_> {
    /// Last name, then first name; the displayed name where there is neither. Contacts without a name come first.
    fn sort_name(bytes: &[u8]) -> String {
        use domain::contact::Field;
        let sheet = ContactSheet(bytes);
        let (last, first) = (sheet.text(Field::LastName), sheet.text(Field::FirstName));
        let parts = match (last, first) {
            (None, None) => [sheet.text(Field::DisplayedName), None],
            _ => [last, first],
        };
        joined(parts)
    }

    fn words(bytes: &[u8]) -> Words {
        use domain::contact::Field;
        let sheet = ContactSheet(bytes);
        let mut words = Words::default();
        let names = [Field::FirstName, Field::LastName, Field::DisplayedName];
        names.into_iter().filter_map(|field| sheet.text(field)).for_each(|name| words.name(name));
        reach(sheet.points(), &mut words);
        words.sorted()
    }

    fn tags(bytes: &[u8]) -> Vec<Tag> {
        ContactSheet(bytes).tags()
    }

    fn belongs_to(bytes: &[u8]) -> Option<OrganizationId> {
        ContactSheet(bytes).organization()
    }
}

fn joined(parts: [Option<&str>; 2]) -> String {
    let mut name = String::with_capacity(32);
    for part in parts.into_iter().flatten() {
        if !name.is_empty() {
            name.push(' ');
        }
        fold_into(part, &mut name);
    }
    name
}

/// Retired points find nobody any more.
fn reach<'a>(points: impl Iterator<Item = PointSheet<'a>>, words: &mut Words) {
    for point in points.filter(|point| point.retired.is_none()) {
        match point.kind {
            PointKind::Email => words.mail(point.value),
            PointKind::Phone | PointKind::Mobile | PointKind::Fax => {
                [Some(point.value), point.normalized].into_iter().flatten().for_each(|number| words.phone(number));
            }
            PointKind::Messenger | PointKind::Other => {}
        }
    }
}

/// The sheet with one more point.
pub(crate) fn with_point(bytes: &[u8], point: &Point) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    out.extend_from_slice(bytes);
    PointSheet::from(point).pack(&mut out);
    out
}

/// The sheet with a point that is used no more.
pub(crate) fn without_point(bytes: &[u8], gone: PointId, place: &Place) -> Vec<u8> {
    let retired = Some(Retired { effective_at: place.effective_at, recorded_at: place.recorded_at });
    let mut out = Vec::with_capacity(bytes.len());
    for (number, value) in pack::fields(bytes) {
        match PointSheet::read(value).filter(|point| number == POINT && point.id == gone) {
            Some(point) => PointSheet { retired, ..point }.pack(&mut out),
            None => pack::put(number, &mut out, |out| out.extend_from_slice(value)),
        }
    }
    out
}

/// The sheet with other fields and the points it had.
pub(crate) fn with_points_of(mut fields: Vec<u8>, old: &[u8]) -> Vec<u8> {
    let points = pack::fields(old).filter(|(number, _)| *number == POINT);
    points.for_each(|(_, value)| pack::put(POINT, &mut fields, |out| out.extend_from_slice(value)));
    fields
}
