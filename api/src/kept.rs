//! Which fields this installation keeps at all (Art. 5(1)(c) GDPR): all of them, but for those that its settings name.

use domain::profile::FieldPolicy;
use domain::{contact, organization};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The fields that are not kept, by their names in the API: whoever gives one of them is refused, in GraphQL and in files
/// that are imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotKept {
    /// Of contacts.
    #[serde(deserialize_with = "of_contacts")]
    pub contacts: FieldPolicy<contact::Field>,
    /// Of organizations.
    #[serde(deserialize_with = "of_organizations")]
    pub organizations: FieldPolicy<organization::Field>,
}

/// A field of a profile as inputs name it: `WORK_ADDRESS` is `workAddress`.
pub fn input_name(field: &str) -> String {
    match field {
        "ORGANIZATION" => return "organizationId".into(),
        "PARENT" => return "parentId".into(),
        _ => {}
    }
    let mut name = String::with_capacity(field.len());
    let mut starts = false;
    for letter in field.chars() {
        match letter {
            '_' => starts = true,
            letter if starts => {
                name.push(letter);
                starts = false;
            }
            letter => name.push(letter.to_ascii_lowercase()),
        }
    }
    name
}

fn of_contacts<'a, D: Deserializer<'a>>(from: D) -> Result<FieldPolicy<contact::Field>, D::Error> {
    let known = contact::Field::ALL.iter().map(|field| (input_name(field.name()), *field));
    Ok(FieldPolicy::refusing(named("contacts", Vec::deserialize(from)?, known.collect())?))
}

fn of_organizations<'a, D: Deserializer<'a>>(from: D) -> Result<FieldPolicy<organization::Field>, D::Error> {
    let known = organization::Field::ALL.iter().map(|field| (input_name(field.name()), *field));
    // Without a name there would be no organizations.
    let known = known.filter(|(_, field)| *field != organization::Field::Name);
    Ok(FieldPolicy::refusing(named("organizations", Vec::deserialize(from)?, known.collect())?))
}

fn named<F: Copy, E: Error>(of: &str, names: Vec<String>, known: Vec<(String, F)>) -> Result<Vec<F>, E> {
    let find = |name: &String| known.iter().find(|(known, _)| known == name).map(|(_, field)| *field);
    let unknown = |name: &String| {
        let known: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
        E::custom(format!("{of} have no field {name} that could be left out; they have {}", known.join(", ")))
    };
    names.iter().map(|name| find(name).ok_or_else(|| unknown(name))).collect()
}
