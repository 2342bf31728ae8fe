//! The fields that a column can be mapped to.

use std::fmt;

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $written:literal $many:literal,)*) => {
        /// What a column holds. A mapping file names it as it is displayed.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in mapping files.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $written,)*
                }
            }

            /// Whether several columns may hold it.
            pub fn repeats(self) -> bool {
                match self {
                    $(Self::$name => $many,)*
                }
            }
        }
    };
}

fields! {
    /// How the old system knows the row; a second run knows it by this.
    Id = "id" false,
    /// The organization's name.
    Organization = "organization" false,
    /// The whole name, as it is shown.
    DisplayedName = "displayed_name" false,
    /// First names.
    FirstName = "first_name" false,
    /// Family name.
    LastName = "last_name" false,
    /// How the person is addressed: Ms, Herr.
    Salutation = "salutation" false,
    /// Dr, Prof.
    Honorific = "honorific" false,
    /// Head of Purchasing.
    JobTitle = "job_title" false,
    /// The person's gender.
    Gender = "gender" false,
    /// The language to write in.
    Language = "language" false,
    /// The day of birth.
    DateOfBirth = "date_of_birth" false,
    /// E-mail addresses.
    Email = "email" true,
    /// Landline numbers, or numbers of unknown kind.
    Phone = "phone" true,
    /// Mobile numbers.
    Mobile = "mobile" true,
    /// Fax numbers.
    Fax = "fax" true,
    /// A handle in a messenger.
    Messenger = "messenger" true,
    /// A web page.
    Website = "website" true,
    /// A profile in a social network.
    SocialLink = "social_link" true,
    /// The street, with or without the number.
    Street = "street" false,
    /// The number in the street, where it has a column of its own.
    StreetNumber = "street_number" false,
    /// More of the address: building, floor, district.
    AddressLine = "address_line" true,
    /// Town or suburb.
    City = "city" false,
    /// State, county, province.
    Region = "region" false,
    /// Postal code.
    PostalCode = "postal_code" false,
    /// Country, as a name or as an ISO 3166-1 code.
    Country = "country" false,
    /// Free text.
    Notes = "notes" true,
    /// Tags, separated by comma, semicolon or bar.
    Tags = "tags" true,
}

impl Field {
    /// The field with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
