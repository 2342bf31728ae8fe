//! What a column probably holds, told from its name in the header. English and German first, then common others.

use super::field::Field;
use super::fold::fold;

/// What the name of a column tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Guess {
    /// It probably holds this.
    Field(Field),
    /// It names something that is not taken without being told: numbers of identity, insurance, bank accounts and cards,
    /// secrets, and what Art. 9 GDPR protects.
    Sensitive,
    /// The name tells nothing.
    Unknown,
}

/// Guesses from a column's name.
pub fn guess(column: &str) -> Guess {
    let key = fold(column);
    if is_sensitive(&key) {
        return Guess::Sensitive;
    }
    let plain: String = key.chars().filter(|char| !char.is_ascii_digit()).collect();
    let tries = [Some(key.as_str()), Some(plain.as_str()), without_prefix(&key), without_prefix(&plain)];
    tries.into_iter().flatten().find_map(named).map_or(Guess::Unknown, Guess::Field)
}

fn named(key: &str) -> Option<Field> {
    NAMES.iter().find(|(_, names)| names.split(' ').any(|name| name == key)).map(|(field, _)| *field)
}

fn without_prefix(key: &str) -> Option<&str> {
    PREFIXES.iter().find_map(|prefix| key.strip_prefix(prefix)).filter(|rest| !rest.is_empty())
}

fn is_sensitive(key: &str) -> bool {
    SENSITIVE_PARTS.iter().any(|part| key.contains(part)) || SENSITIVE.contains(&key)
}

/// Whose it is, before what it is.
const PREFIXES: [&str; 14] = [
    "contactperson",
    "ansprechpartner",
    "contact",
    "customer",
    "client",
    "person",
    "kunden",
    "business",
    "geschaftlich",
    "office",
    "work",
    "primary",
    "home",
    "main",
];

/// Folded names. `title` is a job title: what stands before a name is a salutation or an honorific.
const NAMES: &[(Field, &str)] = &[
    (
        Field::Id,
        "id contactid customerid clientid personid recid recordid externalid supplierid vendorid employeeid userid \
         accountid leadid memberid uid uuid key recordno contactno customerno customernumber kundennummer kundennr kdnr \
         kontaktid kundenid lieferantennummer nummer nr lfdnr numeroclient idcliente idclient codigocliente",
    ),
    (
        Field::Organization,
        "organization organisation organizationname organisationname company companyname firm firma firmenname \
         firmierung unternehmen account accountname employer business businessname arbeitgeber societe entreprise \
         raisonsociale empresa compania razonsocial azienda ditta bedrijf",
    ),
    (
        Field::DisplayedName,
        "name fullname displayname displayedname contactname contact contactperson ansprechpartner anzeigename \
         vollername vollstandigername kontakt nomcomplet nombrecompleto nomecompleto personname",
    ),
    (
        Field::FirstName,
        "firstname givenname givennames forename forenames first vorname vornamen rufname prenom nombre voornaam",
    ),
    (
        Field::LastName,
        "lastname surname familyname last nachname familienname zuname nom nomdefamille apellido apellidos sobrenome \
         cognome achternaam",
    ),
    (Field::Salutation, "salutation titleofcourtesy courtesytitle anrede civilite tratamiento namesalutation"),
    (
        Field::Honorific,
        "honorific titel honorificprefix nameprefix academictitle akademischertitel akadtitel prefix titelpraefix",
    ),
    (
        Field::JobTitle,
        "jobtitle title contacttitle position role function jobposition occupation berufsbezeichnung stellenbezeichnung \
         funktion beruf stelle fonction poste cargo puesto persontitle",
    ),
    (Field::Gender, "gender sex geschlecht genre sexe genero"),
    (Field::Language, "language lang preferredlanguage locale sprache korrespondenzsprache langue idioma"),
    (
        Field::DateOfBirth,
        "dateofbirth birthdate birthday dob bday geburtsdatum geburtstag gebdatum datedenaissance fechadenacimiento \
         datadenascimento",
    ),
    (
        Field::Email,
        "email emails emailaddress emailadresse mail mailaddress mailadresse eadresse emailvalue correo \
         correoelectronico courriel adresseemail adressemail emailprivate emailwork emailbusiness emailgeschaftlich",
    ),
    (
        Field::Mobile,
        "mobile mobilephone mobilenumber mobileno cell cellphone cellular mobil mobiltelefon mobilnummer handy \
         handynummer mobilfunk telefonmobil portable telephoneportable movil celular phonemobile",
    ),
    (Field::Fax, "fax faxnumber faxno faxnummer telefax telefaxnummer phonefax"),
    (
        Field::Phone,
        "phone phones phonenumber phoneno telephone telephonenumber tel telno telefon telefonnummer telefonnr festnetz \
         festnetznummer rufnummer landline homephone workphone businessphone phonework phonebusiness phonevalue telefono \
         telefone telefoon telefongeschaftlich",
    ),
    (Field::Messenger, "messenger skype whatsapp telegram signal matrix threema im"),
    (
        Field::Website,
        "website web webpage webseite homepage url www internet internetseite siteweb sitioweb paginaweb site",
    ),
    (
        Field::SocialLink,
        "linkedin linkedinurl linkedinprofile xing xingprofil twitter mastodon facebook instagram sociallink social",
    ),
    (
        Field::StreetNumber,
        "streetnumber streetno housenumber houseno hausnummer hausnr numerorue numerocalle huisnummer",
    ),
    (
        Field::AddressLine,
        "address2 address3 addressline2 addressline3 street2 street3 adresse2 adresszusatz zusatz adresszeile2 unit \
         building floor apartment suite complement complementoendereco streetaddress2",
    ),
    (
        Field::Street,
        "street streetname streetaddress address address1 addressline addressline1 postaladdress strasse str adresse \
         anschrift strassehausnummer strasseundhausnummer strassenr rue calle rua via direccion endereco indirizzo straat \
         adresszeile1",
    ),
    (
        Field::City,
        "city town suburb locality place ort stadt wohnort ortschaft gemeinde ville ciudad cidade citta plaats",
    ),
    (
        Field::Region,
        "region state province county stateprovince stateregion bundesland kanton departement provincia estado regione",
    ),
    (Field::PostalCode, "postalcode postcode zip zipcode postal plz postleitzahl codepostal cp codigopostal cep cap"),
    (
        Field::Country,
        "country countryname countrycode countryregion nation land staat lander laendercode landercode pays pais paese",
    ),
    (
        Field::Notes,
        "notes note comment comments remark remarks description memo notiz notizen bemerkung bemerkungen anmerkung \
         anmerkungen kommentar beschreibung remarques notas observaciones",
    ),
    (
        Field::Tags,
        "tags tag labels label keywords categories category schlagworter stichworter kategorie kategorien etiquetas",
    ),
];

const SENSITIVE_PARTS: [&str; 34] = [
    "socialsec",
    "socsec",
    "sozialversicherung",
    "securitesociale",
    "seguridadsocial",
    "nationalinsurance",
    "nationalid",
    "personalausweis",
    "ausweisnummer",
    "identitycard",
    "idcard",
    "passport",
    "reisepass",
    "driverlicen",
    "drivinglicen",
    "fuhrerschein",
    "creditcard",
    "kreditkarte",
    "cardnumber",
    "iban",
    "bankaccount",
    "kontonummer",
    "password",
    "passwort",
    "kennwort",
    "secret",
    "religio",
    "konfession",
    "ethnic",
    "krankenkasse",
    "diagnos",
    "disabilit",
    "gewerkschaft",
    "sexualorientation",
];

const SENSITIVE: [&str; 28] = [
    "ssn",
    "sin",
    "nin",
    "nino",
    "svnr",
    "svnummer",
    "ahv",
    "ahvnummer",
    "nir",
    "nss",
    "cpf",
    "dni",
    "nie",
    "curp",
    "pesel",
    "bsn",
    "cvv",
    "cvc",
    "pin",
    "race",
    "blood",
    "bloodtype",
    "health",
    "taxid",
    "steuerid",
    "steuernummer",
    "politicalparty",
    "union",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_the_forms_that_exports_use() {
        for (column, field) in [
            ("customer_id", Field::Id),
            ("rec_id", Field::Id),
            ("contact_title", Field::JobTitle),
            ("title_of_courtesy", Field::Salutation),
            ("company_name", Field::Organization),
            ("Contact Name", Field::DisplayedName),
            ("givenName", Field::FirstName),
            ("E-Mail 2 Address", Field::Email),
            ("Business Phone", Field::Phone),
            ("Mobile Phone", Field::Mobile),
            ("Home Fax", Field::Fax),
            ("address_1", Field::Street),
            ("address_2", Field::AddressLine),
            ("Business Street", Field::Street),
            ("suburb", Field::City),
            ("Vorname", Field::FirstName),
            ("Nachname", Field::LastName),
            ("Straße", Field::Street),
            ("Straße und Hausnummer", Field::Street),
            ("PLZ", Field::PostalCode),
            ("Ort", Field::City),
            ("Land", Field::Country),
            ("Prénom", Field::FirstName),
            ("Geschäftlich: E-Mail", Field::Email),
        ] {
            assert_eq!(guess(column), Guess::Field(field), "{column}");
        }
    }

    #[test]
    fn no_name_stands_for_two_fields() {
        let mut names: Vec<&str> = NAMES.iter().flat_map(|(_, names)| names.split(' ')).collect();
        for name in &names {
            assert_eq!(fold(name), *name, "names are folded");
        }
        names.sort_unstable();
        for pair in names.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn what_is_not_ours_to_take_is_not_guessed() {
        for column in ["soc_sec_id", "SSN", "Sozialversicherungsnummer", "IBAN", "Reisepass-Nr", "religion", "Passwort"]
        {
            assert_eq!(guess(column), Guess::Sensitive, "{column}");
        }
        for column in ["region", "reports_to", "photo_path", "hire_date", ""] {
            assert_ne!(guess(column), Guess::Sensitive, "{column}");
        }
    }
}
