//! The steps of the tour: files that the README shows, the page sends and a test runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What stands around the documents.
const STEPS: &str = include_str!("steps/steps.json");

/// The documents, by their file names.
const DOCUMENTS: [(&str, &str); 8] = [
    ("1-find.graphql", include_str!("steps/1-find.graphql")),
    ("2-consents.graphql", include_str!("steps/2-consents.graphql")),
    ("3-withdraw.graphql", include_str!("steps/3-withdraw.graphql")),
    ("4-trail.graphql", include_str!("steps/4-trail.graphql")),
    ("5-request.graphql", include_str!("steps/5-request.graphql")),
    ("6-approve.graphql", include_str!("steps/6-approve.graphql")),
    ("7-read.graphql", include_str!("steps/7-read.graphql")),
    ("8-proof.graphql", include_str!("steps/8-proof.graphql")),
];

/// One request of the tour.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The file of its document.
    pub file: String,
    /// What stands above it.
    pub title: String,
    /// Whose token it is sent with: `agent` or `dpo`.
    pub role: String,
    /// What is to be seen.
    pub says: String,
    /// Its variables; `{{name}}` stands for what an earlier answer held.
    pub variables: Value,
    /// What later steps need of its answer: a name, and where it stands below `data`.
    pub carry: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<String>,
    /// The document; several operations are sent one by one.
    #[serde(default)]
    pub document: String,
}

/// What the steps have learnt so far, and `today`, `then` and `origin`: the days they ask about, and the
/// server's address.
pub type Carried = BTreeMap<String, String>;

/// All steps, in order. Empty only when the files do not fit together, which a test forbids.
pub fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = serde_json::from_str(STEPS).unwrap_or_default();
    for step in &mut steps {
        let document = DOCUMENTS.iter().find(|(file, _)| *file == step.file);
        step.document = document.map(|(_, text)| (*text).to_owned()).unwrap_or_default();
    }
    steps
}

/// All steps as the page reads them.
pub fn json() -> String {
    serde_json::to_string(&steps()).unwrap_or_default()
}

impl Step {
    /// The names of its operations, in order.
    pub fn operations(&self) -> Vec<&str> {
        let lines = self.document.lines().filter_map(|line| line.split_once(' '));
        let operations = lines.filter(|(kind, _)| matches!(*kind, "query" | "mutation"));
        operations.filter_map(|(_, rest)| rest.split(['(', ' ']).next()).collect()
    }

    /// The variables with what is known in them.
    pub fn fill(&self, carried: &Carried) -> Value {
        filled(&self.variables, carried)
    }

    /// The line for a terminal with what is known in it.
    pub fn line(&self, carried: &Carried) -> Option<String> {
        self.line.as_ref().map(|line| known(line, carried))
    }

    /// Takes what later steps need out of an answer's data.
    pub fn take(&self, data: &Value, carried: &mut Carried) {
        for (name, path) in &self.carry {
            let found = data.pointer(&format!("/{}", path.replace('.', "/"))).and_then(Value::as_str);
            if let Some(found) = found {
                carried.insert(name.clone(), found.to_owned());
            }
        }
    }
}

fn filled(value: &Value, carried: &Carried) -> Value {
    match value {
        Value::String(text) => Value::String(known(text, carried)),
        Value::Array(items) => items.iter().map(|item| filled(item, carried)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, field)| (name.clone(), filled(field, carried))).collect())
        }
        other => other.clone(),
    }
}

/// The text with what is known in the place of names; what is not known yet stays.
fn known(text: &str, carried: &Carried) -> String {
    carried.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}
